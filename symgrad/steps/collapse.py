"""Components made short: deltas summed away, equal products collected, powers merged, sums of labels dropped.

>>> from symgrad.steps.components import Components, Entry, Product, Same
>>> from symgrad.tensor.dims import letter
>>> from symgrad.tensor.nodes import Input
>>> a = Entry(Input.make("a", (letter("n"),)), ("i",))
>>> product = Product(1, (a, Same(("i", "k"))), ("i",))
>>> collapsed(Components((product,), ("k",), {"i": letter("n"), "k": letter("n")})).text()
'a[k]'
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

from symgrad.steps.components import Components, Entry, Factor, Places, Product, Same, Slope
from symgrad.tensor.build import as_number, power
from symgrad.tensor.nodes import Input, Node, Power


def collapsed(components: Components) -> Components:
    """Deltas summed away, equal products collected."""
    total: dict[Hashable, Product] = {}
    for product in components.products:
        plain = _powers_merged(_without_deltas(product))
        key = (frozenset(_counted(plain.factors)), frozenset(plain.bound))
        known = total.get(key)
        total[key] = plain if known is None else replace(known, coefficient=known.coefficient + plain.coefficient)
    kept = [p for p in total.values() if p.coefficient]
    return replace(components, products=tuple(sorted(kept, key=lambda p: p.coefficient < 0)))


def _counted(factors: Sequence[Factor]) -> list[tuple[Factor, int]]:
    return [(f, factors.count(f)) for f in factors]


def _without_deltas(product: Product) -> Product:
    bound, factors = list(product.bound), list(product.factors)
    while True:
        found = next(
            (f for f in factors if isinstance(f, Same) and (set(f.places) & set(bound) or f.places[0] == f.places[1])),
            None,
        )
        if found is None:
            return Product(product.coefficient, tuple(factors), tuple(bound))
        factors.remove(found)
        a, b = found.places
        if a == b:
            continue
        gone, kept = (a, b) if a in bound else (b, a)
        bound.remove(gone)
        factors = [_renamed(f, gone, kept) for f in factors]


def _powers_merged(product: Product) -> Product:
    """Powers of one entry as one factor: y_i / y_i is gone."""
    exponents: dict[Factor, Fraction] = {}
    for factor in product.factors:
        base, exponent = _power_of(factor)
        exponents[base] = exponents.get(base, Fraction(0)) + exponent
    if len(exponents) == len(product.factors):
        return product
    factors: list[Factor] = []
    for base, exponent in exponents.items():
        if isinstance(base, Entry) and exponent.denominator == 1 and not 0 < exponent <= 2:
            factors += [Entry(power(base.node, exponent), base.places)] if exponent else []
        elif exponent.denominator == 1:
            factors += [base] * int(exponent)
        else:
            return product
    return replace(product, factors=tuple(factors))


def _power_of(factor: Factor) -> tuple[Factor, Fraction]:
    if isinstance(factor, Entry) and isinstance(factor.node, Power):
        exponent = as_number(factor.node.exponent)
        if exponent is not None:
            return Entry(factor.node.base, factor.places), Fraction(exponent)
    return factor, Fraction(1)


def unit_sums_dropped(components: Components) -> Components:
    """Without sums over all entries of a vector that is declared to sum to one."""
    return replace(components, products=tuple(_without_unit_sums(p) for p in components.products))


def _without_unit_sums(product: Product) -> Product:
    for factor in product.factors:
        if (
            isinstance(factor, Entry)
            and isinstance(factor.node, Input)
            and factor.node.properties & {"simplex", "onehot"}
        ):
            others = [a for f in product.factors if f is not factor for a in f.places]
            letter = factor.places[-1]
            if len(factor.places) == 1 and letter in product.bound and letter not in others:
                bound = tuple(a for a in product.bound if a != letter)
                return Product(product.coefficient, tuple(f for f in product.factors if f is not factor), bound)
    return product


def _renamed(factor: Factor, gone: str, kept: str) -> Factor:
    return _placed(factor, lambda places: tuple(kept if a == gone else a for a in places))


def _placed(factor: Factor, turned: Callable[[Places], Places]) -> Factor:
    if isinstance(factor, Slope):
        return replace(factor, outputs=turned(factor.outputs), inputs=turned(factor.inputs))
    return replace(factor, places=turned(factor.places))


def relettered(product: Product, table: Mapping[str, str]) -> Product:
    """The product with other letters."""

    def turned(places: Places) -> Places:
        return tuple(table[a] for a in places)

    return Product(product.coefficient, tuple(_placed(f, turned) for f in product.factors), turned(product.bound))


def map_entries(components: Components, function: Callable[[Node], Node]) -> Components:
    """The components with every entry's tensor replaced by an equal one."""
    products = []
    for product in components.products:
        factors = tuple(replace(f, node=function(f.node)) if isinstance(f, Entry) else f for f in product.factors)
        products.append(replace(product, factors=factors))
    return replace(components, products=tuple(products))
