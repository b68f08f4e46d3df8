"""Tensors opened into components, and the product rule on them.

`written` opens a node of the graph into sums of products of entries in the order in which the text names
them; `differentiated` applies the product rule, with a Kronecker delta for every place of the variable.

>>> from symgrad.tensor.build import einsum
>>> from symgrad.tensor.dims import letter
>>> A, x = Input.make("A", (letter("n"),) * 2), Input.make("x", (letter("n"),))
>>> letters = Letters(frozenset("n"))
>>> f = written(einsum([(A, "ij"), (x, "j")], "i"), letters.fresh_for((letter("n"),)), letters, {x}, ["A", "x"])
>>> f.text(), differentiated(f, x, letters).text()
('sum_{j=1..n} A[i, j]*x[j]', 'sum_{j=1..n} A[i, j]*delta[j, k]')
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator, Sequence
from fractions import Fraction

from symgrad.operations.catalogue import LOGARITHM
from symgrad.steps.components import Components, Entry, Factor, Letters, Places, Product, Same
from symgrad.steps.step import MethodError
from symgrad.tensor.build import (
    MINUS_ONE,
    as_number,
    elementwise,
    exact,
    hadamard,
    inlined,
    is_zero,
    plus,
    power,
    size_number,
)
from symgrad.tensor.index import Tensor
from symgrad.tensor.nodes import Add, Apply, Coefficient, Delta, Einsum, Input, Map, Node, Ones, Power, walk

MAX_PRODUCTS = 64
MAX_DEPTH = 12

Flat = list[tuple[Node, tuple[Hashable, ...]]]


def written(node: Node, free: Places, letters: Letters, moving: Collection[Node], order: Sequence[str]) -> Components:
    """The entry of a node at the letters `free`; `moving` are the names that will be differentiated by."""
    opened = sorted(_opened(node, free, moving), key=lambda term: _place(term, order))
    products = tuple(_lettered(c, _ordered(flat, order), free, letters) for c, flat in opened)
    return Components(products, free, letters.sizes)


def _opened(
    node: Node, labels: Places, moving: Collection[Node], sums: bool = True
) -> Iterator[tuple[Coefficient, Flat]]:
    """The products that a node is a sum of; sums inside products are opened only where something moves in them."""
    todo: list[tuple[Coefficient, Flat, Flat]] = [(1, [(node, labels)], [])]
    count = 0
    while todo:
        coefficient, pending, flat = todo.pop()
        while pending:
            n, ls = pending.pop()
            if isinstance(n, Einsum):
                coefficient = exact(Fraction(coefficient) * n.coefficient)
                pending += reversed(inlined(n, ls))
            elif isinstance(n, Add) and sums and (n is node or depends_on(n, moving)):
                todo += [
                    (exact(Fraction(coefficient) * c), [*pending, (t, ls)], list(flat)) for c, t in reversed(n.terms)
                ]
                break
            else:
                flat.append((n, ls))
        else:
            flat = _without_ones(flat, labels)
            count += 1
            if count > MAX_PRODUCTS:
                raise MethodError("index", f"it is a sum of more than {MAX_PRODUCTS} products")
            yield coefficient, flat


def _without_ones(flat: Flat, free: Places) -> Flat:
    """Ones beside another factor say nothing; summed alone they are the dimension."""
    covered = {a for n, ls in flat if not isinstance(n, Ones) for a in ls} | set(free)
    kept: Flat = []
    for n, ls in flat:
        if not isinstance(n, Ones):
            kept.append((n, ls))
        elif ls[0] not in covered:
            covered.add(ls[0])
            kept.append((size_number(n.shape[0]), ()))
    return kept


def depends_on(node: Node, moving: Collection[Node]) -> bool:
    """Whether any of the moving names occurs in a node."""
    return bool(moving) and any(n in moving for n in walk(node))


def _ordered(flat: Flat, order: Sequence[str]) -> Flat:
    """The factors as they were written: by the names in the text, neighbours sharing a letter."""
    rest: Flat = list(flat)
    found: Flat = []
    for place, name in enumerate(order):
        candidates = [f for f in rest if _first_name(f[0]) == name]
        if candidates:
            following = [f for f in rest if place + 1 < len(order) and _first_name(f[0]) == order[place + 1]]
            best = max(candidates, key=lambda f: _fits(f, found, following))
            found.append(best)
            rest.remove(best)
    return found + rest


def _place(term: tuple[Coefficient, Flat], order: Sequence[str]) -> tuple[bool, int]:
    """Where a product stands in the text: by the first name of it; a positive constant comes first."""
    coefficient, flat = term
    found = [order.index(n.name) for node, _ in flat for n in walk(node) if isinstance(n, Input) and n.name in order]
    return not found and coefficient < 0, min(found, default=-1)


def _fits(factor: tuple[Node, tuple[Hashable, ...]], before: Flat, following: Flat) -> tuple[bool, bool]:
    joined = bool(before) and bool(set(before[-1][1]) & set(factor[1]))
    ahead = any(ls and ls[0] in factor[1] for n, ls in following if (n, ls) != factor)
    return joined, ahead


def _first_name(node: Node) -> str | None:
    return next((n.name for n in walk(node) if isinstance(n, Input)), None)


def _lettered(coefficient: Coefficient, flat: Flat, free: Places, letters: Letters) -> Product:
    """Letters for the bound labels, in order of appearance."""
    named: dict[Hashable, str] = {a: a for a in free}
    factors: list[Factor] = []
    for node, labels in flat:
        for label, size in zip(labels, node.shape, strict=True):
            if label not in named:
                named[label] = letters.fresh(size)
        places = tuple(named[a] for a in labels)
        number = as_number(node)
        if number is not None:
            coefficient = exact(Fraction(coefficient) * number)
        else:
            factors.append(Same(places) if isinstance(node, Delta) else Entry(node, places))
    return Product(coefficient, tuple(factors), tuple(a for a in named.values() if a not in free))


# --- differentiating ----------------------------------------------------------------------------


def differentiated(components: Components, variable: Node, letters: Letters, by: Places | None = None) -> Components:
    """The product rule: each occurrence of the variable in turn gives its slope, the other factors stay."""
    by = letters.fresh_for(variable.shape) if by is None else by
    rule = _Rule(variable, by, letters)
    products = tuple(p for product in components.products for p in rule.product(product))
    return Components(products, components.free + by, letters.sizes)


class _Rule:
    """d / d variable[by], entry by entry."""

    def __init__(self, variable: Node, by: Places, letters: Letters):
        self.variable, self.by, self.letters = variable, by, letters

    def product(self, product: Product, depth: int = 0) -> Iterator[Product]:
        for place, factor in enumerate(product.factors):
            if not isinstance(factor, Entry) or not depends_on(factor.node, (self.variable,)):
                continue
            before = Product(product.coefficient, product.factors[:place], product.bound)
            after = Product(1, product.factors[place + 1 :], ())
            for slope in self.entry(factor, depth):
                yield before.times(slope).times(after)

    def entry(self, entry: Entry, depth: int) -> Iterator[Product]:
        node = entry.node
        if node is self.variable:
            yield Product(1, tuple(Same(pair) for pair in zip(entry.places, self.by, strict=True)), ())
        elif depth > MAX_DEPTH:
            raise MethodError("index", "it is nested too deep to be written in components", "name the inner parts")
        elif isinstance(node, Map):
            partials = [rule(node, *node.args) for rule in node.op.partials]
            yield from self._through(entry, zip(node.args, partials, strict=True), depth)
        elif isinstance(node, Power):
            yield from self._through(entry, _power_partials(node), depth)
        elif isinstance(node, Apply):
            yield from self._function(node, entry.places, depth)
        elif isinstance(node, Einsum | Add):
            inner = written(node, entry.places, self.letters, (self.variable,), [])
            for product in inner.products:
                yield from self.product(product, depth + 1)
        else:
            raise MethodError("index", f"it holds a {type(node).__name__.lower()}, which has no components")

    def _through(self, entry: Entry, pairs: Iterator[tuple[Node, Node]], depth: int) -> Iterator[Product]:
        """A function entry by entry: its partial times the slope of its argument."""
        for argument, partial in pairs:
            if is_zero(partial) or not depends_on(argument, (self.variable,)):
                continue
            places = entry.places if partial.rank else ()
            inner = Entry(argument, entry.places if argument.rank else ())
            for coefficient, flat in _opened(partial, places, (), sums=False):
                outer = _lettered(coefficient, flat, places, self.letters)
                for slope in self.entry(inner, depth + 1):
                    yield outer.times(slope)

    def _function(self, node: Apply, places: Places, depth: int) -> Iterator[Product]:
        """A named function: its Jacobian in indices, from its record."""
        argument, record = node.args[0], node.op
        batch, own = places[: node.batch], places[node.batch :]
        direct = argument is self.variable
        inner = self.by[node.batch :] if direct else self.letters.fresh_for(argument.shape[node.batch :])
        outputs = _grouped(record.core.split("->")[1], own)
        inputs = _grouped(record.core.split("->")[0], inner)
        jacobian = record.jacobian(Tensor(node, batch), Tensor(argument, batch), *outputs, *inputs)
        for coefficient, factors in jacobian.terms:
            if coefficient == 0:
                continue
            made = tuple(Same(ls) if n is None else Entry(n, ls) for n, ls in factors)
            outer = Product(coefficient, made, () if direct else inner)
            if direct:
                yield outer.times(Product(1, tuple(Same(p) for p in zip(batch, self.by, strict=False)), ()))
                continue
            for slope in self.entry(Entry(argument, batch + inner), depth + 1):
                yield outer.times(slope)


def _power_partials(node: Power) -> Iterator[tuple[Node, Node]]:
    yield node.base, hadamard(node.exponent, power(node.base, plus(node.exponent, MINUS_ONE)))
    if as_number(node.exponent) is None:
        yield node.exponent, hadamard(node, elementwise(LOGARITHM, node.base))


def _grouped(kind: str, places: Places) -> tuple[Places, ...]:
    """The letters of a scalar, a vector (one group) or a matrix (rows, columns)."""
    half = len(places) // 2
    return {"s": (), "v": (places,), "m": (places[:half], places[half:])}[kind]
