"""Writing tensors in Python the way they are written on paper.

`Indexed` is a sum of products with index letters, for derivative rules (`y[i] * delta[i, k] - y[i] * y[k]`);
`Entries` is entry by entry arithmetic, for scalar rules (`1 - y**2`).  Both only call the constructors.

>>> from symgrad.tensor.dims import letter
>>> from symgrad.tensor.nodes import Input
>>> y = Entries(Input.make("y", (letter("n"),)))
>>> (1 - y * y).node is (1 - y**2).node
True
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from symgrad.tensor.build import ONE, add, full, hadamard, number, power
from symgrad.tensor.dims import Shape, Size
from symgrad.tensor.nodes import Coefficient, Delta, Node

Letters = tuple[Hashable, ...]
Term = tuple[Coefficient, tuple[tuple[Node | None, tuple[Hashable, ...]], ...]]  # None stands for a delta


@dataclass(frozen=True, slots=True)
class Indexed:
    """A sum of coefficient * product of tensors with index letters."""

    terms: tuple[Term, ...]

    def __mul__(self, other: Indexed | Coefficient) -> Indexed:
        if not isinstance(other, Indexed):
            return Indexed(tuple((c * other, f) for c, f in self.terms))
        return Indexed(tuple((c * d, f + g) for c, f in self.terms for d, g in other.terms))

    __rmul__ = __mul__

    def __add__(self, other: Indexed) -> Indexed:
        return Indexed(self.terms + other.terms)

    def __sub__(self, other: Indexed) -> Indexed:
        return self + -other

    def __neg__(self) -> Indexed:
        return self * -1


@dataclass(frozen=True, slots=True)
class Tensor:
    """A node waiting for its index letters: `A[i, j]`; None is the identity, `delta[i, k]`.

    A letter may be a tuple of labels (an index over several axes).  `batch` labels come first unwritten,
    so that a rule for a vector also serves for the rows of a matrix.
    """

    node: Node | None
    batch: tuple[Hashable, ...] = ()

    def __getitem__(self, letters: tuple[Any, ...]) -> Indexed:
        groups: tuple[Letters, ...] = letters if letters and isinstance(letters[0], tuple) else (letters,)
        if self.node is None:
            pairs = zip(*groups, strict=True)
            return Indexed(((1, tuple((None, tuple(pair)) for pair in pairs)),))
        return Indexed(((1, ((self.node, self.batch + tuple(a for g in groups for a in g)),)),))

    def __call__(self) -> Indexed:
        """A scalar has no letters to wait for."""
        return Indexed(((1, ((self.node, self.batch),)),))


delta = Tensor(None)


def resolved(term: Term, sizes: dict[Hashable, Size]) -> list[tuple[Node, tuple[Hashable, ...]]]:
    """The factors of a term, its deltas given the size of their labels."""
    return [(Delta.make(sizes[labels[0]]) if node is None else node, labels) for node, labels in term[1]]


@dataclass(slots=True, eq=False)  # not frozen: a partial makes several, and that would double what they cost
class Entries:
    """A node under entry by entry arithmetic with other entries and numbers."""

    node: Node

    def __add__(self, other: Entries | Coefficient) -> Entries:
        return Entries(spread_sum(((1, self.node), (1, _node(other)))))

    __radd__ = __add__

    def __sub__(self, other: Entries | Coefficient) -> Entries:
        return Entries(spread_sum(((1, self.node), (-1, _node(other)))))

    def __rsub__(self, other: Entries | Coefficient) -> Entries:
        return Entries(spread_sum(((1, _node(other)), (-1, self.node))))

    def __mul__(self, other: Entries | Coefficient) -> Entries:
        return Entries(hadamard(self.node, _node(other)))

    __rmul__ = __mul__

    def __neg__(self) -> Entries:
        return self * -1

    def __truediv__(self, other: Entries | Coefficient) -> Entries:
        return self * Entries(power(_node(other), -1))

    def __rtruediv__(self, other: Entries | Coefficient) -> Entries:
        return Entries(_node(other)) / self

    def __pow__(self, exponent: Coefficient) -> Entries:
        return Entries(power(self.node, exponent))


def _node(value: Entries | Coefficient) -> Node:
    if isinstance(value, Entries):
        return value.node
    return ONE if value == 1 else number(value if isinstance(value, int) else Fraction(value))


def spread_sum(terms: tuple[tuple[Coefficient, Node], ...]) -> Node:
    """A sum in which scalars are spread over the shape of the others."""
    shape: Shape = ()
    for _, n in terms:
        if n.shape:
            shape = n.shape
            break
    return add([(c, n if n.shape == shape else full(n, shape)) for c, n in terms], shape)
