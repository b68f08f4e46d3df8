"""Sums that are shorter another way: terms with a sum inside put together, or multiplied out, where that helps.

    m (a - p) + m (q - a)     = m (q - p)              what stands around the sums is the same
    (1 - y) .* s - y .* (1 - s) = s - y                entry by entry, multiplied out
    b^-1/2 - u^2 .* b^-3/2    = b^-3/2,  b = 1 + u^2   a power of a sum taken out first
    (a + b) .* c + a + b      = (a + b) .* (c + 1)     a sum beside a product with it

A form is taken only where it has fewer factors than the one it replaces.

>>> from symgrad.tensor.build import hadamard, minus, number, plus, full
>>> from symgrad.tensor.dims import letter
>>> y, s = Input.make("y", (letter("n"),)), Input.make("s", (letter("n"),))
>>> one = full(number(1), y.shape)
>>> total = minus(hadamard(minus(one, y), s), hadamard(y, minus(one, s)))
>>> collected(total) is minus(s, y)
True
"""

from __future__ import annotations

from collections.abc import Hashable
from fractions import Fraction
from itertools import product
from math import prod

from symgrad.tensor.build import add, as_number, einsum, inlined, number, power
from symgrad.tensor.nodes import Add, Coefficient, Einsum, Input, Node, Ones, Power

FEW = 8  # terms of a sum that is looked at
MANY = 24  # terms that it may have when multiplied out
LARGE = 100  # factors beyond which forms are not compared: a node that is shared counts at every place

Factors = list[tuple[Node, tuple[Hashable, ...]]]
Terms = list[tuple[Coefficient, Node]]


def collected(node: Node) -> Node:
    """The same tensor; a sum of few terms in the shortest of the forms above."""
    if not isinstance(node, Add) or not 1 < len(node.terms) <= FEW or node.rank > 2:
        return node
    bases = [[f for f in _factors(n) if _is_open(f[0])] for _, n in node.terms]
    if sum(map(bool, bases)) == 0:
        return node
    best: Node = node
    for form in (_around, _beside_its_product, _multiplied_out, _over_common_power, _along_label):
        found = form(node)
        if found is not None and _size(found) < _size(best):
            best = found
    return best


def shorter(found: Node, node: Node) -> Node:
    """A sum that was found for another, in its shortest form, if that is shorter than the other."""
    found = collected(found)
    return found if _size(found) < _size(node) else node


def gathered(factors: Factors) -> Factors:
    """s^2 (s^2)^(-1/2) as (s^2)^(1/2): a power of a product whose factors stand beside it, of scalars."""
    for i, (node, labels) in enumerate(factors):
        exponent = as_number(node.exponent) if isinstance(node, Power) and not labels else None
        if exponent is None or exponent >= 0 or not isinstance(node, Power) or not isinstance(node.base, Einsum):
            continue
        inside, rest = node.base.factors, [f for k, f in enumerate(factors) if k != i]
        plain = node.base.coefficient == 1 and Fraction(exponent).denominator > 1 and all(not ls for _, ls in inside)
        if plain and all(rest.count(f) >= inside.count(f) for f in inside):
            for f in inside:
                rest.remove(f)
            return gathered([*rest, (power(node.base, exponent + 1), ())])
    return factors


def without_fractions(factors: Factors) -> Factors:
    """1/(k (1 + q/k)) as 1/(k + q): a divisor k goes into a sum below that is divided by k itself."""
    for i, (node, labels) in enumerate(factors):
        if labels or not isinstance(node, Power) or not isinstance(node.base, Add) or as_number(node.exponent) != -1:
            continue
        for k, (divisor, none) in enumerate(factors):
            inside = any((divisor, ()) in _factors(n) for _, n in node.base.terms)
            if k != i and not none and isinstance(divisor, Power) and inside:
                times = power(divisor, -1)
                total = add((c, einsum([*_factors(n), (times, ())], (), _coefficient(n))) for c, n in node.base.terms)
                rest = [f for j, f in enumerate(factors) if j not in (i, k)]
                return without_fractions([*rest, (power(total, -1), ())])
    return factors


def _is_open(node: Node) -> bool:
    return isinstance(node, Add) or (isinstance(node, Power) and isinstance(node.base, Add))


def _factors(node: Node) -> Factors:
    return list(node.factors) if isinstance(node, Einsum) else [(node, tuple(range(node.rank)))]


def _size(node: Node) -> int:
    """How many factors a node has in all, sums inside it opened; LARGE where it has more than are counted."""
    count, stack = 0, [node]
    while stack and count < LARGE:
        n = stack.pop()
        if isinstance(n, Power):
            count += 1
            stack.append(n.base)
        elif isinstance(n, Add | Einsum) and n.args:
            stack += [a for a in n.args if not isinstance(a, Ones)] or [n.args[0]]
        else:
            count += 1
    return count


def _coefficient(node: Node) -> Coefficient:
    return node.coefficient if isinstance(node, Einsum) else 1


# --- what stands around is the same ------------------------------------------------------------


def _around(node: Add) -> Node | None:
    """Terms that are alike but for one sum in each: what is around them times the sum of these."""
    groups: dict[Node, tuple[Factors, Terms]] = {}
    rest: Terms = []
    for c, term in node.terms:
        factors = _factors(term)
        sums = [i for i, (n, _) in enumerate(factors) if isinstance(n, Add)]
        if len(sums) != 1 or len(factors) < 2:
            rest.append((c, term))
            continue
        inner, labels = factors.pop(sums[0])
        key, around = _surrounded(inner, labels, factors, term.rank)
        if key not in groups and inner.rank == 2:  # what is around may be there for the transpose
            turned = einsum([(inner, (0, 1))], (1, 0))
            other, its = _surrounded(turned, labels[::-1], factors, term.rank)
            if other in groups:
                key, around, inner = other, its, turned
        factor = c * _coefficient(term) * _coefficient(key)
        groups.setdefault(key, (around, []))[1].append((factor, inner))
    if all(len(sums_inside) < 2 for _, sums_inside in groups.values()):
        return None
    for around, sums_inside in groups.values():
        total = add(((c * d, n) for c, s in sums_inside for d, n in _terms(s)), sums_inside[0][1].shape)
        factors = [(total if _is_place(n) else n, ls) for n, ls in around]
        rest.append((1, einsum(factors, range(node.rank))))
    return add(rest, node.shape)


def _beside_its_product(node: Node) -> Node | None:
    """s .* a + s = s .* (a + 1), where s is a sum whose terms stand among the others."""
    assert isinstance(node, Add)
    own = tuple(range(node.rank))
    for i, (c, term) in enumerate(node.terms):
        others = {n: d for k, (d, n) in enumerate(node.terms) if k != i}
        for j, (inner, labels) in enumerate(factors := _factors(term)):
            if not isinstance(inner, Add) or labels != own or len(factors) < 2:
                continue
            parts = [(1, inner)] if inner in others else inner.terms
            ratios = {Fraction(others[n]) / Fraction(d) if n in others else None for d, n in parts}
            if len(ratios) == 1 and None not in ratios:
                (ratio,) = ratios
                rest = [f for k, f in enumerate(factors) if k != j]
                covered = {a for _, ls in rest for a in ls}
                rest += [(Ones.make(size), (axis,)) for axis, size in enumerate(node.shape) if axis not in covered]
                around = einsum(rest, own, c * _coefficient(term))
                more = einsum([(Ones.make(size), (axis,)) for axis, size in enumerate(node.shape)], own, ratio or 0)
                whole = einsum([(inner, own), (add([*_terms(around), (1, more)], node.shape), own)], own)
                inside = {n for _, n in parts}
                return add([*((d, n) for n, d in others.items() if n not in inside), (1, whole)], node.shape)
    return None


def _surrounded(inner: Node, labels: tuple[Hashable, ...], rest: Factors, rank: int) -> tuple[Node, Factors]:
    """What is around a sum: the product with a mark in its place, as a node and as factors."""
    around = [*rest, (Input.make(" sum ", inner.shape), labels)]
    return einsum(around, range(rank)), around


def _is_place(node: Node) -> bool:
    return isinstance(node, Input) and node.name == " sum "


def _terms(node: Node) -> Terms:
    return list(node.terms) if isinstance(node, Add) else [(1, node)]


def _along_label(node: Add) -> Node | None:
    """X'(a .* b) - X'(c .* d) = X'(a .* b - c .* d), where that difference is shorter another way."""
    groups: dict[Node, tuple[Factors, Hashable, Terms]] = {}
    rest: Terms = []
    for c, term in node.terms:
        parts = _vectors_of_label(term)
        if parts is None:
            rest.append((c, term))
            continue
        vectors, around, label = parts
        key = einsum([*around, (Input.make(" sum ", vectors[0][0].shape), (label,))], range(node.rank))
        alike = groups.setdefault(key, (around, label, []))[2]
        alike.append((c * _coefficient(term), einsum([(n, (0,)) for n, _ in vectors], (0,))))
    if all(len(inner) < 2 for _, _, inner in groups.values()):
        return None
    for around, label, inner in groups.values():
        total = collected(add(inner, inner[0][1].shape))
        rest.append((1, einsum([*around, (total, (label,))], range(node.rank))))
    return add(rest, node.shape)


def _vectors_of_label(term: Node) -> tuple[Factors, Factors, Hashable] | None:
    """The factors over one summed label alone, the others, and the label, if there is just one such label."""
    factors = _factors(term)
    labels = {ls[0] for n, ls in factors if len(ls) == 1 and ls[0] >= term.rank}  # type: ignore[operator]
    if len(labels) != 1:
        return None
    (label,) = labels
    vectors = [f for f in factors if f[1] == (label,)]
    return vectors, [f for f in factors if f[1] != (label,)], label


# --- multiplied out ----------------------------------------------------------------------------


def _multiplied_out(node: Add, only: Node | None = None) -> Node | None:
    """Every product whose factors all have the axes of the sum, its sums (or the one sum) multiplied out."""
    terms: Terms = []
    for c, term in node.terms:
        opened = _opened(term, only)
        if opened is None:
            return None
        terms += [(c * d, n) for d, n in opened]
        if len(terms) > MANY:
            return None
    return add(terms, node.shape)


def _opened(term: Node, only: Node | None = None) -> Terms | None:
    """The terms of a product of sums over its own axes; None where a sum is not over these or there are too many."""
    factors = _factors(term)
    sums = [(n, ls) for n, ls in factors if isinstance(n, Add) and only in (None, n)]
    if not sums:
        return [(1, term)]
    within = all(set(ls) <= set(range(term.rank)) for _, ls in sums)
    if not within or prod(len(n.args) for n, _ in sums) > MANY:
        return None
    rest, out = [f for f in factors if f not in sums], range(term.rank)
    return [
        (
            _coefficient(term) * prod((c * _coefficient(n) for c, n in choice), start=Fraction(1)),
            einsum([*rest, *(f for (_, n), (_, ls) in zip(choice, sums, strict=True) for f in _flat(n, ls))], out),
        )
        for choice in product(*(n.terms for n, _ in sums))  # type: ignore[attr-defined]
    ]


def _flat(node: Node, labels: tuple[Hashable, ...]) -> Factors:
    return inlined(node, labels) if isinstance(node, Einsum) else [(node, labels)]


# --- over a common power -----------------------------------------------------------------------


def _over_common_power(node: Add) -> Node | None:
    """A power of a sum b that every term has, taken out: the rest, with whole powers of b, is multiplied out."""
    powers = [{(p[0], ls): p[1] for n, ls in _factors(term) if (p := _power_of_sum(n))} for _, term in node.terms]
    for base, labels in dict.fromkeys(key for table in powers for key in table):
        if not set(labels) <= set(range(node.rank)):
            continue
        exponents = [table.get((base, labels), 0) for table in powers]
        chosen = [i for i, e in enumerate(exponents) if e or _is_constant(node.terms[i][1])]
        least = min(exponents[i] for i in chosen)
        steps = [Fraction(exponents[i] - least) for i in chosen]
        if any(s.denominator > 1 or s > 2 for s in steps) or len(set(steps)) < 2:
            continue
        terms = [node.terms[i] for i in chosen]
        inner = add(((c, _with_power(t, base, labels, -Fraction(least))) for c, t in terms), node.shape)
        inner = (_multiplied_out(inner, base) if isinstance(inner, Add) else None) or inner
        if isinstance(inner, Add) and len(inner.terms) > len(chosen):
            continue  # nothing has cancelled
        front = power(base, number(least))
        whole = einsum([(front, labels), (inner, range(node.rank))], range(node.rank))
        return add([(1, whole), *(t for i, t in enumerate(node.terms) if i not in chosen)], node.shape)
    return None


def _is_constant(node: Node) -> bool:
    return all(isinstance(n, Ones) for n, _ in _factors(node))


def _power_of_sum(node: Node) -> tuple[Node, Coefficient] | None:
    if isinstance(node, Add):
        return node, 1
    exponent = as_number(node.exponent) if isinstance(node, Power) and isinstance(node.base, Add) else None
    return None if exponent is None or not isinstance(node, Power) else (node.base, exponent)


def _with_power(term: Node, base: Node, labels: tuple[Hashable, ...], exponent: Fraction) -> Node:
    """term * base^exponent, base over these labels."""
    return einsum([*_factors(term), (power(base, exponent), labels)], range(term.rank), _coefficient(term))
