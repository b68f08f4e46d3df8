"""Tensors written in components: sums of products of entries, `sum_j A_ij x_j`, before anything is simplified.

Unlike the graph, which drops a delta the moment it meets one, this form keeps what a person writes down:
bound letters, Kronecker deltas, the two terms of a product rule.  It writes itself, and knows what array it is.

>>> from symgrad.tensor.dims import letter
>>> a, x = (Entry(Input.make(name, (letter("n"),)), ("i",)) for name in "ax")
>>> Components((Product(-1, (a, x), ("i",)),), (), {"i": letter("n")}).text()
'-sum_{i=1..n} a[i]*x[i]'
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from symgrad.steps.entries import LATEX, TEXT, Leaf, Style, entry_string
from symgrad.steps.step import MethodError
from symgrad.tensor.dims import Shape, Size, letters_of, size_at
from symgrad.tensor.nodes import Coefficient, Einsum, Input, Node, walk
from symgrad.tensor.numbers import exact

if TYPE_CHECKING:
    import numpy as np

    from symgrad.steps.witness import Sampled

POOL = "ijklrstuvwabcdgh"

Places = tuple[str, ...]


class Letters:
    """Index letters that clash with no name or dimension; each is given out once, with its size."""

    def __init__(self, taken: Collection[str]):
        self._free = iter([a for a in POOL if a not in taken] + [f"i{n}" for n in range(1, 200)])
        self.sizes: dict[str, Size] = {}

    def fresh(self, size: Size) -> str:
        found = next(self._free, None)
        if found is None:
            raise MethodError("index", "it needs more than two hundred indices")
        self.sizes[found] = size
        return found

    def fresh_for(self, shape: Shape) -> Places:
        return tuple(self.fresh(s) for s in shape)


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of a tensor."""

    node: Node
    places: Places


@dataclass(frozen=True, slots=True)
class Same:
    """Kronecker's delta."""

    places: Places


@dataclass(frozen=True, slots=True)
class Slope:
    """An entry of d of / d wrt, known from an earlier line; the names in `fixed` do not move."""

    of: str
    wrt: str
    outputs: Places
    inputs: Places
    fixed: tuple[str, ...] = ()

    @property
    def places(self) -> Places:
        return self.outputs + self.inputs


Factor = Entry | Same | Slope


@dataclass(frozen=True, slots=True)
class Product:
    """coefficient * factors, summed over the bound letters."""

    coefficient: Coefficient
    factors: tuple[Factor, ...]
    bound: Places

    def times(self, other: Product) -> Product:
        return Product(
            exact(Fraction(self.coefficient) * other.coefficient),
            self.factors + other.factors,
            self.bound + other.bound,
        )


@dataclass(frozen=True, eq=False)
class Components:
    """A sum of products over the free letters; one side of a step."""

    products: tuple[Product, ...]
    free: Places
    sizes: Mapping[str, Size]

    def latex(self) -> str:
        return self._written(LATEX)

    def text(self) -> str:
        return self._written(TEXT)

    def _written(self, style: Style) -> str:
        if not self.products:
            return "0"
        out = ""
        for product in self.products:
            body = self._product(product, style)
            sign = " - " if product.coefficient < 0 else " + "
            out += (sign if out else "-" if product.coefficient < 0 else "") + body
        return out

    def _product(self, product: Product, style: Style) -> str:
        size = abs(Fraction(product.coefficient))
        alone = len(product.factors) == 1 and size == 1 and product.coefficient > 0
        apart = [f for f in product.factors if product.bound and not set(f.places) & set(product.bound)]
        front = [style.number(size)] if size != 1 or not product.factors else []
        front += [self._factor(f, style, alone) for f in apart]
        inner = [self._factor(f, style, alone) for f in product.factors if f not in apart]
        sums = "".join(style.sum(a, str(self.sizes[a])) for a in _appearance(product))
        if not sums:
            return style.times.join(front + inner)
        return "".join(f + style.times for f in front) + sums + (style.times.join(inner) or style.number(Fraction(1)))

    def _factor(self, factor: Factor, style: Style, alone: bool) -> str:
        if isinstance(factor, Same):
            return style.delta(factor.places)
        if isinstance(factor, Slope):
            slope = style.slope(factor.of, factor.wrt, factor.outputs, factor.inputs, factor.fixed)
            return slope if alone or style is LATEX else style.bracketed(slope)
        return entry_string(Leaf(factor.node, factor.places), style, self._nested, alone)

    def _nested(self, leaf: Leaf, style: Style) -> str | None:
        """A product inside a function, as a sum of its own."""
        if not isinstance(leaf.node, Einsum):
            return None
        from symgrad.steps.opening import written  # a product inside a function is opened as the outer one was

        letters = Letters(
            {
                *self.sizes,
                *leaf.places,
                *(n.name for n in walk(leaf.node) if isinstance(n, Input)),
                *_size_letters(self.sizes),
            }
        )
        inner = written(leaf.node, leaf.places, letters, (), [])
        return style.bracketed(replace(inner, sizes={**self.sizes, **letters.sizes})._written(style))

    def array(self, at: Sampled) -> np.ndarray:
        import numpy as np

        shape = [_at(self.sizes[a], at) for a in self.free]
        total = np.zeros(shape)
        for product in self.products:
            total = total + self._value(product, at)
        return total

    def _value(self, product: Product, at: Sampled) -> np.ndarray:
        import numpy as np

        places: dict[str, int] = {}
        operands: list[Any] = []
        for factor in product.factors:
            operands += [
                _factor_array(factor, at, self.sizes),
                [places.setdefault(a, len(places)) for a in factor.places],
            ]
        for a in (*self.free, *product.bound):
            operands += [np.ones(_at(self.sizes[a], at)), [places.setdefault(a, len(places))]]
        if not operands:
            return np.asarray(float(product.coefficient))
        out = [places[a] for a in self.free]
        return float(product.coefficient) * np.einsum(*operands, out, optimize=len(operands) > 6)


def _at(size: Size, at: Sampled) -> int:
    return size_at(size, at.sizes)


def _factor_array(factor: Factor, at: Sampled, sizes: Mapping[str, Size]) -> np.ndarray:
    import numpy as np

    if isinstance(factor, Same):
        return np.eye(_at(sizes[factor.places[0]], at))
    if isinstance(factor, Slope):
        return at.local_slope(factor.of, factor.wrt) if factor.fixed else at.slope(factor.of, factor.wrt)
    return at.node(factor.node)


def _size_letters(sizes: Mapping[str, Size]) -> set[str]:
    return set(letters_of(sizes.values()))


def _appearance(product: Product) -> list[str]:
    """The bound letters in the order in which they are read."""
    seen = dict.fromkeys(a for f in product.factors for a in f.places)
    return [a for a in seen if a in product.bound] + [a for a in product.bound if a not in seen]
