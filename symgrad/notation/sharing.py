"""Naming what an answer would repeat: `t1 = softmax(K*q)` and then t1, as a program.

Works on trees, by what is written: a part that stands at several places and is long enough to be worth it
gets a name, inner parts first.  The result reads back to the same expression.

>>> from symgrad.notation.grammar import parse
>>> print(shared(parse("diag(softmax(K*q + b)) - softmax(K*q + b)*softmax(K*q + b)'")).text())
t1 = softmax(K*q + b)
diag(t1) - t1*t1'
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

from symgrad.notation.text import text
from symgrad.notation.tree import Call, Name, Tree, names, postorder

WORTH = 12  # characters a repeated part must have to get a name


@dataclass(frozen=True, slots=True)
class Shared:
    """Named parts in the order they are needed, and the expression in terms of them."""

    parts: tuple[tuple[str, Tree], ...]
    result: Tree

    def text(self) -> str:
        """As a program: one line for each name, then the expression."""
        return "\n".join([*(f"{name} = {text(part)}" for name, part in self.parts), text(self.result)])


def shared(tree: Tree, taken: Collection[str] = ()) -> Shared:
    """The tree with repeated parts named; names in `taken` and in the tree are not used."""
    used = {*taken, *names(tree)}
    chosen = _worth_naming(tree)
    parts: list[tuple[str, Tree]] = []
    named: dict[str, str] = {}
    stack: list[Tree] = []
    for part in postorder(tree):
        count = len(part.args)
        args = tuple(stack[len(stack) - count :]) if count else ()
        del stack[len(stack) - count :]
        written = text(part)
        if written in named:
            stack.append(Name(named[written]))
            continue
        made: Tree = Call(part.op, args) if isinstance(part, Call) else part
        if written in chosen:
            name = _fresh(used)
            named[written] = name
            parts.append((name, made))
            made = Name(name)
        stack.append(made)
    return Shared(tuple(parts), stack[-1])


def _worth_naming(tree: Tree) -> set[str]:
    """The parts that stand at several places; one that only ever stands inside another such part is left out."""
    count: Counter[str] = Counter()
    inside: Counter[tuple[str, str]] = Counter()
    for part in postorder(tree):
        if isinstance(part, Call):
            written = text(part)
            count[written] += 1
            for arg in part.args:
                if isinstance(arg, Call):
                    inside[text(arg), written] += 1
    repeated = {w for w, k in count.items() if k > 1 and len(w) >= WORTH}
    return {w for w in repeated if not any(a == w and k == count[w] and b in repeated for (a, b), k in inside.items())}


def _fresh(used: set[str]) -> str:
    number = 1
    while f"t{number}" in used:
        number += 1
    used.add(f"t{number}")
    return f"t{number}"
