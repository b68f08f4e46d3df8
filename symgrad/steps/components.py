"""Tensors written in components: sums of products of entries, `sum_j A_ij x_j`, before anything is simplified.

Unlike the graph, which drops a delta the moment it meets one, this form keeps what a person writes down:
bound letters, Kronecker deltas, the two terms of a product rule.  `written` opens a node into it,
`differentiated` applies the product rule, `collapsed` sums the deltas away.

>>> from symgrad.tensor.build import einsum
>>> from symgrad.tensor.dims import letter
>>> A, x = Input.make("A", (letter("n"),) * 2), Input.make("x", (letter("n"),))
>>> letters = Letters(frozenset("n"))
>>> f = written(einsum([(A, "ij"), (x, "j")], "i"), letters.fresh_for((letter("n"),)), letters, {x}, ["A", "x"])
>>> f.text(), collapsed(differentiated(f, x, letters)).text()
('sum_{j=1..n} A[i, j]*x[j]', 'A[i, k]')
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING

from symgrad.operations.catalogue import LOGARITHM
from symgrad.steps.entries import Leaf, Style, entry_string, LATEX, TEXT
from symgrad.steps.step import MethodError
from symgrad.tensor.build import MINUS_ONE, as_number, elementwise, exact, hadamard, inlined, is_zero, plus, power, size_number
from symgrad.tensor.dims import Shape, Size
from symgrad.tensor.index import Tensor
from symgrad.tensor.nodes import Add, Apply, Coefficient, Delta, Einsum, Input, Map, Node, Ones, Power, walk

if TYPE_CHECKING:
    import numpy as np

    from symgrad.steps.witness import Sampled

POOL = "ijklrstuvwabcdgh"
MAX_PRODUCTS = 64
MAX_DEPTH = 12

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
            exact(Fraction(self.coefficient) * other.coefficient), self.factors + other.factors, self.bound + other.bound
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
        parts = [self._factor(f, style, alone) for f in product.factors]
        sums = "".join(style.sum(a, str(self.sizes[a])) for a in _appearance(product))
        number = [style.number(size)] if size != 1 or not parts else []
        if number and sums and parts:
            return number[0] + style.times + sums + style.times.join(parts)
        return sums + style.times.join(number + parts)

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
        letters = Letters({*self.sizes, *leaf.places, *(n.name for n in walk(leaf.node) if isinstance(n, Input)), *_size_letters(self.sizes)})
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
        operands: list[object] = []
        for factor in product.factors:
            operands += [_factor_array(factor, at, self.sizes), [places.setdefault(a, len(places)) for a in factor.places]]
        for a in (*self.free, *product.bound):
            operands += [np.ones(_at(self.sizes[a], at)), [places.setdefault(a, len(places))]]
        if not operands:
            return np.asarray(float(product.coefficient))
        out = [places[a] for a in self.free]
        return float(product.coefficient) * np.einsum(*operands, out, optimize=len(operands) > 6)  # type: ignore[arg-type]


def _at(size: Size, at: Sampled) -> int:
    from symgrad.tensor.dims import size_at

    return size_at(size, at.sizes)


def _factor_array(factor: Factor, at: Sampled, sizes: Mapping[str, Size]) -> np.ndarray:
    import numpy as np

    if isinstance(factor, Same):
        return np.eye(_at(sizes[factor.places[0]], at))
    if isinstance(factor, Slope):
        return at.local_slope(factor.of, factor.wrt) if factor.fixed else at.slope(factor.of, factor.wrt)
    return at.node(factor.node)


def _size_letters(sizes: Mapping[str, Size]) -> set[str]:
    from symgrad.tensor.dims import letters_of

    return set(letters_of(sizes.values()))


def _appearance(product: Product) -> list[str]:
    """The bound letters in the order in which they are read."""
    seen = dict.fromkeys(a for f in product.factors for a in f.places)
    return [a for a in seen if a in product.bound] + [a for a in product.bound if a not in seen]


# --- opening a node -----------------------------------------------------------------------------


def written(
    node: Node, free: Places, letters: Letters, moving: Collection[Node], order: Sequence[str], sizes: Mapping[str, Size] | None = None
) -> Components:
    """The entry of a node at the letters `free`; `moving` are the names that will be differentiated by."""
    opened = sorted(_opened(node, free, moving), key=lambda term: _place(term, order))
    products = tuple(_lettered(c, _ordered(flat, order), free, letters) for c, flat in opened)
    return Components(products, free, sizes if sizes is not None else letters.sizes)


Flat = list[tuple[Node, tuple[Hashable, ...]]]


def _opened(node: Node, labels: Places, moving: Collection[Node], sums: bool = True) -> Iterator[tuple[Coefficient, Flat]]:
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
                todo += [(exact(Fraction(coefficient) * c), [*pending, (t, ls)], list(flat)) for c, t in reversed(n.terms)]
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
    return bool(moving) and any(n in moving for n in walk(node))


def _ordered(flat: Flat, order: Sequence[str]) -> Flat:
    """The factors as they were written: by the names in the text, neighbours sharing a letter."""
    rest, found = list(flat), []
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


# --- collapsing ---------------------------------------------------------------------------------


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
        found = next((f for f in factors if isinstance(f, Same) and (set(f.places) & set(bound) or f.places[0] == f.places[1])), None)
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
        if isinstance(factor, Entry) and isinstance(factor.node, Input) and factor.node.properties & {"simplex", "onehot"}:
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
