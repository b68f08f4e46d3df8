"""One product of the graph as array operations.

A `Product` gathers factors: products used only here are opened, so that the order of multiplication is
chosen over all of them; identities, unit vectors and diagonals rename or fix labels and never become
arrays; scalars are multiplied among themselves first and meet the smallest array.  Then the factors
are contracted two by two.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from itertools import count
from math import prod
from typing import TYPE_CHECKING

from symgrad.numeric.contract import order
from symgrad.numeric.operand import Labels, Operand, arranged, contract, gram, reduced, without_repeats
from symgrad.numeric.reassociate import LARGE, is_nonnegative, splits
from symgrad.numeric.steps import Step, Steps
from symgrad.numeric.value import At, Mixed, Value, Within, label_of
from symgrad.tensor.dims import Size as Dimension
from symgrad.tensor.dims import plus, times
from symgrad.tensor.nodes import Add, Coefficient, Delta, Einsum, Node, Ones, Reindex, Unit, Window

if TYPE_CHECKING:
    from symgrad.numeric.plan import Planner

Item = tuple[Node | Value, Labels]
SCALE_EARLY = 4  # a scalar goes to a factor that is so many times smaller than the result


class Product:
    """The factors of one product while they are gathered and contracted."""

    def __init__(self, planner: Planner, coefficient: Coefficient):
        self.planner, self.coefficient = planner, coefficient
        self.steps: Steps = planner.steps
        self.items: list[Item] = []
        self.mixed: list[tuple[Mixed, Labels]] = []
        self.same: dict[Hashable, Hashable] = {}
        self.sizes: dict[Hashable, Dimension] = {}
        self.fixed: list[tuple[Hashable, int]] = []
        self.regroupings: list[tuple[Reindex, Labels]] = []
        self.windows: list[tuple[Within, Hashable]] = []  # what reads a block, and the label of the whole
        self.fresh = count()

    # --- gathering -------------------------------------------------------------------------

    def gather(self, factors: Sequence[Item]) -> None:
        """Take factors in, opening the products that are used only here."""
        stack = list(reversed(factors))
        while stack:
            item, labels = stack.pop()
            if isinstance(item, Value):
                self.items.append((item, labels))
                continue
            self.sizes.update(zip(labels, item.shape, strict=True))
            if isinstance(item, Einsum) and self.planner.is_open(item):
                self.coefficient *= item.coefficient
                tag = next(self.fresh)
                rank = item.rank
                stack.extend(
                    (n, tuple(labels[a] if a < rank else ("bound", tag, a) for a in inner))
                    for n, inner in reversed(item.factors)
                )
            else:
                self._take(item, labels)

    def _take(self, item: Node, labels: Labels) -> None:
        match item:
            case Delta():
                self._equate(labels[0], labels[1])
            case Ones():
                pass
            case Unit():
                self.fixed.append((labels[0], item.index - 1))
            case Reindex():
                self.regroupings.append((item, labels))
            case Window():
                self.windows.append((Within(labels[0], item.offset, item.shape[0]), labels[1]))
            case _:
                value = self.planner.value(item)
                if isinstance(value, Mixed):
                    self.mixed.append((value, labels))
                else:
                    self.items.append((item if value.is_plain else value, labels))

    def root(self, label: Hashable) -> Hashable:
        while label in self.same:
            label = self.same[label]
        return label

    def _equate(self, a: Hashable, b: Hashable) -> None:
        a, b = self.root(a), self.root(b)
        if a != b:
            self.same[b] = a

    # --- the result ------------------------------------------------------------------------

    def finish(self, out: Labels, distribute: bool = True) -> Value | Mixed:
        """The value of the product, its axes being `out`."""
        if distribute and not self.mixed:
            self._open_sum(out)
        if self.mixed:
            mixed, labels = self.mixed.pop()
            if distribute:
                return self._distributed(mixed, labels, out)
            shape = tuple(self.sizes[a] for a in labels)
            self.items.append((self.planner.whole(mixed, shape), labels))
            return self.finish(out, distribute)
        ready = self._ready(out)
        if ready is None:
            return Value(self.steps.number(0), (), tuple(out))
        operands, result, scale, axes = ready
        final = self._contracted([o for o in operands if o.labels], result, scale)
        return Value(final.step, tuple(final.labels), axes)

    def _ready(self, out: Labels) -> tuple[list[Operand], Labels, Step | None, tuple[Hashable, ...]] | None:
        """What is to be contracted, over which labels, the scalar factor, and how `out` reads; None for zero."""
        operands = self._operands()
        fixed = self._fixed()
        if fixed is None:
            return None
        within, operands = self._blocks(operands, fixed) if self.windows else ({}, operands)
        read = [within.get(r, r) for r in map(self.root, out)]
        result = tuple(dict.fromkeys(label_of(r) for r in read if r not in fixed))
        covered = {a for o in operands for a in o.labels} | set(result) | set(fixed)
        operands = [self._sliced(o, fixed) for o in operands]
        operands = [self._distinct(operands, place, result) for place in range(len(operands))]
        scale = self._scale(operands, covered)
        operands = self._regrouped(operands, result, fixed)
        axes = tuple(At(fixed[r]) if r in fixed else r for r in read)
        return operands, result, scale, axes

    def _blocks(
        self, operands: list[Operand], fixed: Mapping[Hashable, int]
    ) -> tuple[dict[Hashable, Within], list[Operand]]:
        """Windows as slices of the arrays that they stand with; one that cannot be so is an array."""
        within: dict[Hashable, Within] = {}
        ends = [self.root(a) for w, whole in self.windows for a in (w.label, whole)]
        for block, raw in self.windows:
            label, whole = self.root(block.label), self.root(raw)
            if ends.count(label) > 1 or ends.count(whole) > 1 or whole in fixed or self._is_regrouped(whole):
                operands = [*operands, self._dense_window(block, label, whole)]
                continue
            within[whole] = Within(label, block.offset, block.size)
            operands = [self._cut(o, block, label, whole) for o in operands]
        self.sizes = {a: s for a, s in self.sizes.items() if self.root(a) not in within}
        self.sizes.update({w.label: w.size for w in within.values()})
        return within, operands

    def _is_regrouped(self, label: Hashable) -> bool:
        return any(label == self.root(a) for _, labels in self.regroupings for a in labels)

    def _cut(self, operand: Operand, block: Within, label: Hashable, whole: Hashable) -> Operand:
        """The part of an array where the block lies."""
        if whole not in operand.labels:
            return operand
        ends = [self.planner.size(s) for s in (block.offset, plus(block.offset, block.size))]
        axes = [a == whole for a in operand.labels]
        step = self.steps.cut(operand.step, axes, *ends)
        return Operand(step, [label if a == whole else a for a in operand.labels], None, operand.nonnegative)

    def _dense_window(self, block: Within, label: Hashable, whole: Hashable) -> Operand:
        sizes = [self.planner.size(block.size), self.planner.size(self._size(whole))]
        return Operand(self.steps.window(sizes, self.planner.size(block.offset)), [label, whole])

    def factored(self, out: Labels) -> tuple[list[Operand], tuple[Hashable, ...]] | None:
        """Arrays without a common axis whose product it is, and how `out` reads; None where a sum is in the way.

        The scalar factor goes to the smallest array that is computed.
        """
        if self.mixed or self.regroupings or self.windows:
            return None
        ready = self._ready(out)
        if ready is None:
            return None
        operands, result, scale, axes = ready
        parts = _connected([o for o in operands if o.labels])
        wanted = [tuple(a for a in result if any(a in o.labels for o in part)) for part in parts]
        whole = [self._contracted(part, labels, None) for part, labels in zip(parts, wanted, strict=True)]
        scale = self._times(scale, [o.step for o in whole if not o.labels])
        arrays = sorted((o for o in whole if o.labels), key=lambda o: -len(o.labels))
        if scale is not None and arrays:
            least = min(range(len(arrays)), key=lambda k: (arrays[k].step.cheap, len(arrays[k].labels)))
            arrays[least] = Operand(self.steps.multiply(scale, arrays[least].step), arrays[least].labels)
        return arrays or [Operand(scale or self.steps.number(1), ())], axes

    def _open_sum(self, out: Labels) -> None:
        """A sum that is used only here is multiplied out where that costs less at these sizes."""
        for place, (item, labels) in enumerate(self.items):
            if not isinstance(item, Add) or item.rank < 2 or not self.planner.is_own(item):
                continue
            others = [o for k, o in enumerate(self.items) if k != place]
            if any(isinstance(n, Value) for n, _ in others) or self.same or self.fixed or self.regroupings:
                continue
            if self.windows:
                continue
            self.planner.depends = True
            nodes = [(n, tuple(a)) for n, a in others if isinstance(n, Node)]
            if splits(item, tuple(labels), nodes, tuple(out), self._extent):
                self.items = others
                self.mixed.append((Mixed((), item.terms), labels))
                return

    def _extent(self, size: Dimension) -> int:
        return size if isinstance(size, int) else self.planner.extent(size)

    def _distributed(self, mixed: Mixed, labels: Labels, out: Labels) -> Value | Mixed:
        """A sum with a diagonal in it is multiplied out, so that the diagonal only scales."""
        terms: list[tuple[Coefficient, Value]] = []
        for coefficient, part in mixed.parts:
            one = Product(self.planner, self.coefficient)
            one.items, one.mixed, one.same = list(self.items), list(self.mixed), dict(self.same)
            one.sizes, one.fixed, one.regroupings = dict(self.sizes), list(self.fixed), list(self.regroupings)
            one.windows = list(self.windows)
            one.fresh = self.fresh
            if isinstance(part, Einsum) and self.planner.is_deferred(part):
                one.coefficient *= part.coefficient
                tag, rank = next(self.fresh), part.rank
                one.gather(
                    [
                        (n, tuple(labels[a] if a < rank else ("bound", tag, a) for a in inner))
                        for n, inner in part.factors
                    ]
                )
            else:
                one.gather([(part, labels)])
            sign = 1 if one.coefficient > 0 else -1  # a sign belongs into the sum
            one.coefficient *= sign
            value = one.finish(out, distribute=False)
            assert isinstance(value, Value)
            terms.append((sign * coefficient, value))
        return self.planner.sum_of(terms, terms)

    def _operands(self) -> list[Operand]:
        result = []
        for item, labels in self.items:
            if isinstance(item, Value):
                result.append(self._bound(item, labels))
                continue
            value = self.planner.value(item)
            assert isinstance(value, Value)
            place = dict(zip(value.axes, labels, strict=True))
            own = [self.root(place[a]) for a in value.labels]
            result.append(Operand(value.step, own, self.planner.inverse_of(item), is_nonnegative(item)))
        return [self._renamed(o) for o in result]

    def _renamed(self, operand: Operand) -> Operand:
        labels = [self.root(a) for a in operand.labels]
        inverse_of = operand.inverse_of if len(set(labels)) == 2 else None
        return Operand(operand.step, labels, inverse_of, operand.nonnegative)

    def _bound(self, value: Value, labels: Labels) -> Operand:
        """A structured value: its repeated axes equate labels, its slices fix them."""
        place: dict[Hashable, Hashable] = {}
        for axis, label in zip(value.axes, labels, strict=True):
            if isinstance(axis, At):
                self.fixed.append((label, axis.index))
            elif isinstance(axis, Within):
                block = place.setdefault(axis.label, ("block", next(self.fresh)))
                self.sizes[block] = axis.size
                self.windows.append((Within(block, axis.offset, axis.size), label))
            elif axis in place:
                self._equate(place[axis], label)
            else:
                place[axis] = label
        return Operand(value.step, [place[a] for a in value.labels])

    def _fixed(self) -> dict[Hashable, int] | None:
        """The labels that unit vectors fix; None where two of them are orthogonal."""
        fixed: dict[Hashable, int] = {}
        for label, index in self.fixed:
            if fixed.setdefault(self.root(label), index) != index:
                return None
        return fixed

    def _sliced(self, operand: Operand, fixed: Mapping[Hashable, int]) -> Operand:
        if not any(a in fixed for a in operand.labels):
            return operand
        labels = [a for a in operand.labels if a not in fixed]
        parts = [str(fixed[a]) if a in fixed else ":" for a in operand.labels]
        return Operand(self.steps.indexed(operand.step, parts, len(labels)), labels)

    def _distinct(self, operands: Sequence[Operand], place: int, result: Labels) -> Operand:
        """An operand without repeated labels; those that nothing else has may be traced out."""
        operand = operands[place]
        if len(set(operand.labels)) == len(operand.labels):
            return operand
        others = {a for k, o in enumerate(operands) if k != place for a in o.labels}
        return without_repeats(
            self.steps, operand.step, operand.labels, others | self._regrouped_labels() | set(result)
        )

    def _regrouped_labels(self) -> set[Hashable]:
        return {self.root(a) for _, labels in self.regroupings for a in labels}

    # --- scalars ---------------------------------------------------------------------------

    def _scale(self, operands: Sequence[Operand], covered: set[Hashable]) -> Step | None:
        """All scalar factors as one step, quotients last; None where it is 1."""
        scalars = [o.step for o in operands if not o.labels]
        covered = covered | self._regrouped_labels()
        for label in dict.fromkeys(self.root(a) for a in self.sizes):
            if label not in covered:
                scalars.append(self.planner.size(self._size(label)))
        whole = self.steps.number(self.coefficient)
        for step in sorted(scalars, key=lambda s: (s.over is not None, not s.weak)):
            whole = self.steps.multiply(whole, step)
        return None if whole.value == 1 else whole

    def _size(self, label: Hashable) -> Dimension:
        return next(s for a, s in self.sizes.items() if self.root(a) == label)

    def _generic(self) -> dict[Hashable, int]:
        return {self.root(a): self._extent(s) for a, s in self.sizes.items()}

    # --- contraction -----------------------------------------------------------------------

    def _without_scalars(
        self, operands: list[Operand], result: Labels, scale: Step | None
    ) -> tuple[list[Operand], Step | None]:
        """Factors that come to a number by themselves join the scalars."""
        parts = _connected(operands)
        closed = [p for p in parts if not any(a in result for o in p for a in o.labels)]
        if len(parts) == 1 or not closed:
            return [o for o in operands if o.labels], self._times(scale, [o.step for o in operands if not o.labels])
        numbers = [self._contracted(p, (), None).step for p in closed]
        return [o for p in parts if p not in closed for o in p], self._times(scale, numbers)

    def _times(self, scale: Step | None, numbers: Sequence[Step]) -> Step | None:
        for step in numbers:
            scale = step if scale is None else self.steps.multiply(scale, step)
        return scale

    def _contracted(self, operands: list[Operand], result: Labels, scale: Step | None) -> Operand:
        """One operand over the labels of `result`."""
        steps = self.steps
        if not operands:
            return Operand(scale or steps.number(1), ())
        sizes = self._generic()
        symmetric = self._gram(operands, result, sizes)
        if symmetric is not None:
            step = symmetric.step  # which is its own transpose
            return Operand(steps.multiply(scale, step) if scale else step, list(result))
        operands = _merged(steps, reduced(steps, operands, result), result)
        operands, scale = self._without_scalars(operands, result, scale)
        if not operands:
            return Operand(scale or steps.number(1), ())
        operands, scale = self._scaled_early(operands, result, scale, sizes)
        self.planner.depends |= len(operands) > 2
        pairs = order([frozenset(o.labels) for o in operands], frozenset(result), sizes)
        for i, j in pairs:
            a, b = operands[i], operands[j]
            operands = [o for k, o in enumerate(operands) if k not in (i, j)]
            kept = {x for o in operands for x in o.labels} | set(result)
            operands.append(contract(steps, a, b, kept, None if operands else result))
        (final,) = operands
        labels = [a for a in result if a in final.labels]
        step = arranged(steps, final, labels)
        return Operand(steps.multiply(scale, step) if scale else step, labels)

    def _gram(self, operands: list[Operand], result: Labels, sizes: Mapping[Hashable, int]) -> Operand | None:
        """A symmetric product, where the sizes are known to be large."""
        found = gram(self.steps, operands, result)
        self.planner.depends |= found is not None
        large = self.planner.at is not None and min((sizes[a] for a in result), default=0) >= LARGE
        return found if large else None

    def _scaled_early(
        self, operands: list[Operand], result: Labels, scale: Step | None, sizes: Mapping[Hashable, int]
    ) -> tuple[list[Operand], Step | None]:
        if scale is None:
            return operands, None
        weights = [prod(sizes[a] for a in o.labels) for o in operands]
        least = min(range(len(operands)), key=lambda k: (operands[k].inverse_of is not None, weights[k]))
        covered = {a for o in operands for a in o.labels}
        if prod(sizes[a] for a in result if a in covered) < SCALE_EARLY * weights[least]:
            return operands, scale
        scaled = Operand(self.steps.multiply(scale, operands[least].step), operands[least].labels)
        return [*operands[:least], scaled, *operands[least + 1 :]], None

    # --- regrouped axes --------------------------------------------------------------------

    def _regrouped(self, operands: list[Operand], result: Labels, fixed: Mapping[Hashable, int]) -> list[Operand]:
        """Axes read as one flat index: a reshape of what carries them, else a dense array."""
        for place, (node, raw) in enumerate(self.regroupings):
            labels = [self.root(a) for a in raw]
            later = {self.root(a) for _, others in self.regroupings[place + 1 :] for a in others}
            sides = (labels[: node.split], labels[node.split :])
            blocked = {*result, *later, *fixed}
            for source, target in (sides, sides[::-1]):
                found = self._reshaped(operands, source, target, blocked)
                if found is not None:
                    operands = found
                    break
            else:
                operands = [*operands, self._dense_regrouping(node, labels, fixed)]
        return operands

    def _reshaped(
        self, operands: list[Operand], source: Labels, target: Labels, blocked: set[Hashable]
    ) -> list[Operand] | None:
        if len(set(source)) < len(source) or blocked.intersection(source) or set(source) & set(target):
            return None
        holders = [o for o in operands if set(o.labels) & set(source)]
        rest = [o for o in operands if not set(o.labels) & set(source)]
        if not set(source) <= {a for o in holders for a in o.labels}:
            return None
        kept = [a for a in dict.fromkeys(a for o in holders for a in o.labels) if a not in source and
                (a in blocked or a in target or any(a in o.labels for o in rest))]  # fmt: skip
        whole = self._contracted(holders, [*kept, *source], None)
        sizes = [self.planner.size(self._size(a)) for a in (*kept, *target)]
        step = self.steps.reshaped(whole.step, sizes)
        return [*rest, without_repeats(self.steps, step, [*kept, *target], {*kept, *target})]

    def _dense_regrouping(self, node: Reindex, labels: Labels, fixed: Mapping[Hashable, int]) -> Operand:
        flat = self.planner.size(times(*node.shape[: node.split]))
        step = self.steps.reshaped(self.steps.eye(flat), [self.planner.size(s) for s in node.shape])
        operand = self._sliced(Operand(step, labels), fixed)
        return without_repeats(self.steps, operand.step, operand.labels, set(operand.labels))


def _connected(operands: Sequence[Operand]) -> list[list[Operand]]:
    """Factors in groups that share labels."""
    groups: list[tuple[set[Hashable], list[Operand]]] = []
    for operand in operands:
        labels, members = set(operand.labels), [operand]
        touching = [g for g in groups if g[0] & labels]
        for group in touching:
            labels |= group[0]
            members = group[1] + members
        groups = [g for g in groups if g not in touching] + [(labels, members)]
    return [members for _, members in groups]


def _merged(steps: Steps, operands: list[Operand], result: Labels) -> list[Operand]:
    """Factors over the same labels become one, or two where their product is then summed."""
    groups: dict[frozenset[Hashable], list[Operand]] = {}
    for operand in operands:
        groups.setdefault(frozenset(operand.labels), []).append(operand)
    merged: list[Operand] = []
    for labels, group in groups.items():
        if len(group) == 1:
            merged += group
            continue
        elsewhere = set(result).union(*(o for o in groups if o is not labels))
        ordered = sorted(group, key=lambda o: (o.step.kind != "atom", group[0].step is not o.step))
        if labels <= elsewhere:
            merged.append(_entrywise(steps, ordered, group[0].labels))
        elif len(group) == 2:
            merged += group
        else:
            ordered.sort(key=lambda o: [g.step for g in group].index(o.step))
            merged += [_entrywise(steps, ordered[k::2], group[0].labels) for k in (0, 1)]
    return merged


def _entrywise(steps: Steps, group: Sequence[Operand], labels: Labels) -> Operand:
    """The entry by entry product, equal factors as a power."""
    if len(group) == 1:
        return group[0]
    powers: dict[Step, int] = {}
    for operand in group:
        step = arranged(steps, operand, labels)
        powers[step] = powers.get(step, 0) + 1
    whole = None
    for step, exponent in powers.items():
        factor = steps.raised(step, exponent) if exponent > 1 else step
        whole = factor if whole is None else steps.multiply(whole, factor)
    assert whole is not None
    return Operand(whole, list(labels))
