"""Array programs as readable Python: what is stored under a name, what is written in place.

A step used once stands where it is used while the line stays short; one used more often, one that is
written to, and the user's own intermediates get a line and a name.

>>> from symgrad.numeric.steps import Steps
>>> steps = Steps()
>>> x = steps.leaf("x", 1)
>>> y = steps.raised(steps.leaf("y", 1), 2)
>>> Layout({}, Names()).lines(steps.multiply(steps.outer(x, y), steps.outer(y, x)))
(['t1 = y ** 2'], 'np.outer(x, t1) * np.outer(t1, x)')
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from symgrad.numeric.names import Names
from symgrad.numeric.steps import ACCEPTS, Step

WIDTH = 72  # of an expression


def reachable(*roots: Step) -> list[Step]:
    """The steps that results need, arguments first."""
    order: list[Step] = []
    seen: set[Step] = set()
    stack = [(root, False) for root in reversed(roots)]
    while stack:
        step, done = stack.pop()
        if done:
            order.append(step)
        elif step not in seen:
            seen.add(step)
            stack.append((step, True))
            stack.extend((a, False) for a in reversed(step.args))
    return order


class Layout:
    """Writes steps as lines; `named` gives some steps the names they keep."""

    def __init__(self, named: Mapping[Step, str], names: Names):
        self.named, self.names = named, names
        self.output: list[str] = []
        self.texts: dict[Step, str] = {}
        self.stored: set[Step] = set()
        self.prepared: set[Step] = set()

    def lines(self, root: Step, *more: Step) -> tuple[list[str], str]:
        """The statements before the last one, and the expression of the result (several: with commas)."""
        order = reachable(root, *more)
        self.uses = self._uses(order, (root, *more))
        for step in order:
            self._write(step)
        return self.output, ", ".join(self.texts[r] for r in (root, *more))

    def closures(self, functions: Sequence[tuple[Step, Step]]) -> tuple[list[str], list[tuple[list[str], str]]]:
        """Functions of one leaf each, as (leaf, result): what they need beforehand, then the lines of each.

        All that does not depend on a leaf is computed once, before.
        """
        order = reachable(*(root for _, root in functions))
        self.uses = self._uses(order, [root for _, root in functions])
        owner = _owners(order, functions)
        self.prepared = _prepared(order, owner) | {root for _, root in functions if owner[root] is None}
        before: list[str] = []
        bodies: list[list[str]] = [[] for _ in functions]
        for step in order:
            place = owner[step]
            self.output = before if place is None else bodies[place]
            self._write(step)
        constant = [".copy()" if owner[root] is None else "" for _, root in functions]  # a matrix of zeros
        return before, [(b, self.texts[r] + c) for b, (_, r), c in zip(bodies, functions, constant, strict=True)]

    def _uses(self, order: Sequence[Step], roots: Sequence[Step]) -> dict[Step, int]:
        """How often each step would be written."""
        uses = dict.fromkeys(order, 0)
        for root in roots:
            uses[root] += 1
        for step in reversed(order):
            times = uses[step] if step.cheap and step not in self.named else 1
            for place, argument in enumerate(step.args):
                uses[argument] += times * (step.form.count(f"{{{place}}}") + step.then.count(f"{{{place}}}"))
        return uses

    def _write(self, step: Step) -> None:
        text = self._text(step)
        if len(text) > WIDTH and not step.then:
            text = self._shortened(step, text)
        if step.then:
            if self._goes_on(step):
                self.texts[step] = self.texts[step.args[0]]
            else:
                self._store(step, self._writable(step, text))
            self.output.append(step.then.format(*self._arguments(step), name=self.texts[step]))
        elif step in self.named or step in self.prepared or (self.uses[step] > 1 and not step.cheap):
            self._store(step, text)
        else:
            self.texts[step] = text

    def _goes_on(self, step: Step) -> bool:
        """Whether it writes into an array that was just written to, and that nothing else reads."""
        base = step.args[0]
        return bool(base.then) and self.uses[base] == 1 and step not in self.named and base not in self.named

    def _writable(self, step: Step, text: str) -> str:
        base = step.args[0]
        return (
            text
            if base.fresh and self.uses[base] == 1 and base not in self.stored
            else f"{self._in(base, 'atom')}.copy()"
        )

    def _store(self, step: Step, text: str) -> None:
        name = self.named.get(step) or self.names.temporary()
        self.output.append(f"{name} = {text}")
        self.texts[step] = name
        self.stored.add(step)

    def _shortened(self, step: Step, text: str) -> str:
        """The step after its longest arguments have been given lines of their own."""
        for argument in sorted(dict.fromkeys(step.args), key=lambda a: -len(self.texts[a])):
            if argument not in self.stored and not argument.cheap and len(self.texts[argument]) > 4:
                self._store(argument, self.texts[argument])
                text = self._text(step)
                if len(text) <= WIDTH:
                    break
        return text

    def _text(self, step: Step) -> str:
        return step.form.format(*self._arguments(step)) if step.args else step.form

    def _arguments(self, step: Step) -> list[str]:
        return [self._in(a, slot) for a, slot in zip(step.args, step.slots, strict=True)]

    def _in(self, argument: Step, slot: str) -> str:
        text = self.texts[argument]
        return text if argument in self.stored or argument.kind in ACCEPTS[slot] else f"({text})"


def _owners(order: Sequence[Step], functions: Sequence[tuple[Step, Step]]) -> dict[Step, int | None]:
    """Which function's leaf a step depends on."""
    owner: dict[Step, int | None] = {}
    leaves = {leaf: place for place, (leaf, _) in enumerate(functions)}
    for step in order:
        found = (owner[a] for a in step.args if owner[a] is not None)
        owner[step] = leaves.get(step, next(found, None))
    return owner


def _prepared(order: Sequence[Step], owner: Mapping[Step, int | None]) -> set[Step]:
    """The steps that functions take from outside; arrays of zeros to be written to are made each time."""
    wanted: set[Step] = set()
    stack = [a for s in order if owner[s] is not None for a in s.args if owner[a] is None]
    while stack:
        step = stack.pop()
        if step.cheap:
            stack += step.args
        elif not step.form.startswith("np.zeros"):
            wanted.add(step)
    return wanted
