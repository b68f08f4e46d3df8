"""What a node comes to in an array program, with its structure kept.

A `Value` is a small core array and how the node's axes read it: an axis may repeat another one (only
the diagonal is there), be missing from the core (the value is spread along it), or be a unit vector
(one slice is there).  So identities, diagonals and spread values are never made dense until somebody
needs them so.  `Mixed` is a sum of values of different structure.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count

from symgrad.numeric.operand import Operand, aligned, letters
from symgrad.numeric.steps import Step, Steps
from symgrad.tensor.dims import Shape, Size, plus
from symgrad.tensor.nodes import Coefficient, Node

SizeStep = Callable[[Size], Step]


@dataclass(frozen=True, slots=True)
class At:
    """An axis along which only entry `index` (from 0) is not zero."""

    index: int


@dataclass(frozen=True, slots=True)
class Within:
    """An axis along which only the places of a block are not zero; there it reads `label`."""

    label: Hashable
    offset: Size
    size: Size


Axis = Hashable  # a label of the core, a label that the core lacks, At or Within


def label_of(axis: Axis) -> Hashable:
    """The label that an axis reads."""
    return axis.label if isinstance(axis, Within) else axis


@dataclass(frozen=True, slots=True)
class Value:
    """`step` with one label per axis, and for each axis of the node the label it reads."""

    step: Step
    labels: tuple[Hashable, ...]
    axes: tuple[Axis, ...]

    @property
    def is_plain(self) -> bool:
        """Every axis has its own label: no diagonal, no slice, no block."""
        return len(set(self.axes)) == len(self.axes) and not any(isinstance(a, At | Within) for a in self.axes)

    @property
    def pattern(self) -> tuple[Axis, ...]:
        """The structure, alike for values of one structure."""
        return self._named()[0]

    def _named(self) -> tuple[tuple[Axis, ...], dict[Hashable, int]]:
        names: dict[Hashable, int] = {}
        pattern: list[Axis] = []
        for a in self.axes:
            name = a if isinstance(a, At) else names.setdefault(label_of(a), len(names))
            pattern.append(Within(name, a.offset, a.size) if isinstance(a, Within) else name)
        return tuple(pattern), names

    def normal(self) -> Value:
        """The same with the labels of `pattern`."""
        pattern, names = self._named()
        return Value(self.step, tuple(names[a] for a in self.labels), pattern)


@dataclass(frozen=True, slots=True)
class Mixed:
    """A sum of coefficient * part, parts being values (or the nodes they are, where that is known)."""

    values: tuple[Value, ...]  # one per structure, coefficients included
    parts: tuple[tuple[Coefficient, Node | Value], ...]


def full(step: Step) -> Value:
    """An array without structure."""
    axes = tuple(range(step.rank))
    return Value(step, axes, axes)


def summed(
    steps: Steps, terms: Sequence[tuple[Coefficient, Value]], parts: Sequence[tuple[Coefficient, Node | Value]]
) -> Value | Mixed:
    """The sum of coefficient * value; `parts` are the terms as a product would like to expand them."""
    groups: dict[tuple[Axis, ...], list[tuple[Coefficient, Value]]] = {}
    for coefficient, value in terms:
        groups.setdefault(value.pattern, []).append((coefficient, value.normal()))
    values = [_sum_of_one_structure(steps, pattern, group) for pattern, group in groups.items()]
    if len(values) == 1:
        return values[0]
    values.sort(key=lambda v: not v.is_plain)
    return Mixed(tuple(values), tuple(parts))


def _sum_of_one_structure(steps: Steps, pattern: tuple[Axis, ...], group: list[tuple[Coefficient, Value]]) -> Value:
    present = {a for _, v in group for a in v.labels}
    labels = tuple(dict.fromkeys(a for a in map(label_of, pattern) if a in present))
    signed = []
    for coefficient, value in group:
        factor = steps.number(coefficient if coefficient > 0 else -coefficient)
        step = steps.multiply(factor, aligned(steps, Operand(value.step, value.labels), labels))
        signed.append((1 if coefficient > 0 else -1, step))
    return Value(steps.summed(signed), labels, pattern)


# --- dense -----------------------------------------------------------------------------------


def dense(steps: Steps, value: Value | Mixed, shape: Shape, size: SizeStep) -> Step:
    """The whole array."""
    if isinstance(value, Mixed):
        first, *others = value.values
        step = dense(steps, first, shape, size)
        for other in others:
            step = _written(steps, step, other, shape, size)
        return step
    if value.is_plain:
        return _plain(steps, value, shape, size)
    if value.pattern == (0, 0):
        return _diagonal_matrix(steps, value, size(shape[0]))
    zeros = steps.filled(steps.number(0), [size(s) for s in shape])
    return _written(steps, zeros, value, shape, size)


def _plain(steps: Steps, value: Value, shape: Shape, size: SizeStep) -> Step:
    step = aligned(steps, Operand(value.step, value.labels), value.axes)
    if set(value.labels) == set(value.axes):
        return step
    return steps.filled(step, [size(s) for s in shape])


def _diagonal_matrix(steps: Steps, value: Value, size: Step) -> Step:
    return steps.diag(value.step) if value.labels else steps.multiply(value.step, steps.eye(size))


def _written(steps: Steps, base: Step, value: Value, shape: Shape, size: SizeStep) -> Step:
    """Add a structured value to an array: on a diagonal by stride, else on a view of its entries."""
    negative = value.step.form == "-{0}" or (value.step.value or 0) < 0
    core, sign = (steps.negated(value.step), "-") if negative else (value.step, "+")
    if value.pattern == (0, 0):
        return steps.written(base, "{name}.flat[::{2} + 1]", sign, core, size(shape[0]))
    order = list(dict.fromkeys(label_of(a) for a in value.axes if not isinstance(a, At)))
    core = aligned(steps, Operand(core, value.labels), order)
    ends = [(a.offset, plus(a.offset, a.size)) for a in value.axes if isinstance(a, Within)]
    places = [size(s) for first, last in ends for s in ((first, last) if first != 0 else (last,))]
    return steps.written(base, _target(value, order), sign, core, *places)


def _places(axis: Axis, ends: Iterator[int]) -> str:
    if not isinstance(axis, Within):
        return ":"
    return f"{'' if axis.offset == 0 else f'{{{next(ends)}}}'}:{{{next(ends)}}}"


def _target(value: Value, order: Sequence[Hashable]) -> str:
    """The entries that a structured value has, as a view of {name}; {2}, {3}, ... are the ends of blocks."""
    ends = count(2)
    parts = [str(a.index) if isinstance(a, At) else _places(a, ends) for a in value.axes]
    sliced = "{name}" if set(parts) == {":"} else f"{{name}}[{', '.join(parts)}]"
    kept = [label_of(a) for a in value.axes if not isinstance(a, At)]
    if len(order) == len(kept):
        return sliced if sliced != "{name}" else "{name}[...]"
    every, distinct = letters(kept, order)
    return f'np.einsum("{every}->{distinct}", {sliced})[...]'
