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

from symgrad.tensor.build import add, as_number, einsum, inlined, number, power, unit
from symgrad.tensor.nodes import Add, Coefficient, Delta, Einsum, Input, Node, Ones, Power

FEW = 8  # terms of a sum that is looked at
MANY = 24  # terms that it may have when multiplied out
LARGE = 100  # factors beyond which forms are not compared: a node that is shared counts at every place

Factors = list[tuple[Node, tuple[Hashable, ...]]]
Terms = list[tuple[Coefficient, Node]]


def collected(node: Node) -> Node:
    """The same tensor; a sum of few terms in the shortest of the forms above."""
    if not isinstance(node, Add) or not 1 < len(node.terms) <= FEW or node.rank > 2:
        return node
    if not any(_is_open(n, labels) for _, term in node.terms for n, labels in _factors(term)):
        return node
    best: Node = node
    for form in (_around, _beside_its_product, _multiplied_out, _opened_everywhere, _over_common_power, _along_label):
        found = form(node)
        if found is not None and size(found) < size(best):
            best = found
    return best


def shorter(found: Node, node: Node) -> Node:
    """A sum that was found for another, in its shortest form, if that is shorter than the other."""
    found = collected(found)
    return found if size(found) < size(node) else node


def gathered(factors: Factors) -> Factors:
    """s^2 (s^2)^(-1/2) as (s^2)^(1/2): a power of a product of scalars, one more of it where its factors stand beside
    it: all of them, or more than not; (q r)^(-3/2) r is (q r)^(-1/2)/q."""
    for i, (node, labels) in enumerate(factors):
        exponent = as_number(node.exponent) if isinstance(node, Power) and not labels else None
        if exponent is None or exponent >= 0 or not isinstance(node, Power) or not isinstance(node.base, Einsum):
            continue
        if Fraction(exponent).denominator == 1 or any(ls for _, ls in node.base.factors):
            continue
        rest, left = [f for k, f in enumerate(factors) if k != i], []
        for f in node.base.factors:
            if f in rest:
                rest.remove(f)
            else:
                left.append((power(f[0], -1), ()))
        common = len(node.base.factors) - len(left)
        if common > len(left) or (common and exponent < -1):
            front = [] if node.base.coefficient == 1 else [(number(Fraction(1) / node.base.coefficient), ())]
            return gathered([*rest, *front, (power(node.base, exponent + 1), ()), *left])
    return factors


def without_fractions(factors: Factors) -> Factors:
    """1/(k (1 + q/k)) as 1/(k + q): a divisor k goes into a sum below that is divided by k itself; so of its powers."""
    for i, (node, labels) in enumerate(factors):
        exponent = as_number(node.exponent) if isinstance(node, Power) else None
        if type(exponent) is not int or exponent > -1 or not isinstance(node, Power) or not isinstance(node.base, Add):
            continue
        for k, (divisor, none) in enumerate(factors):
            inside = any((divisor, ()) in _factors(n) for _, n in node.base.terms)
            if k != i and not none and isinstance(divisor, Power) and inside:
                times = power(divisor, -1)
                out = range(node.rank)
                total = add((c, einsum([*_factors(n), (times, ())], out, _coefficient(n))) for c, n in node.base.terms)
                rest = [f for j, f in enumerate(factors) if j not in (i, k)]
                rest += [(times, ())] * (-exponent - 1)
                return without_fractions([*rest, (power(total, exponent), labels)])
    return factors


def _is_open(node: Node, labels: tuple[Hashable, ...]) -> bool:
    """Whether a factor holds a sum: is one, a power of one, or a scalar product with one."""
    kind = type(node)
    if kind is Einsum:
        return not labels and _has_sum(node)
    return kind is Add or (kind is Power and type(node.args[0]) is Add)


def _factors(node: Node) -> Factors:
    return list(node.factors) if isinstance(node, Einsum) else [(node, tuple(range(node.rank)))]


def size(node: Node) -> int:
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
    for around, sums_inside in groups.values():
        rest = _alone_too(around, sums_inside, rest, node.rank)
    if all(len(sums_inside) < 2 for _, sums_inside in groups.values()):
        return None
    for around, sums_inside in groups.values():
        total = add(((c * d, n) for c, s in sums_inside for d, n in _terms(s)), sums_inside[0][1].shape)
        factors = [(total if _is_place(n) else n, ls) for n, ls in around]
        rest.append((1, einsum(factors, range(node.rank))))
    return add(rest, node.shape)


def _alone_too(around: Factors, sums_inside: Terms, rest: Terms, rank: int) -> Terms:
    """A term that is what is around a scalar sum joins that sum as a number; the terms that are left."""
    factors = [(n, ls) for n, ls in around if not _is_place(n)]
    if len(factors) == len(around) or sums_inside[0][1].rank or not factors or not rest:
        return rest
    alone = unit_of(einsum(factors, range(rank)))
    left = [(c, n) for c, n in rest if unit_of(n) is not alone]
    sums_inside += [(c * _coefficient(n), number(1)) for c, n in rest if unit_of(n) is alone]
    return left


def unit_of(node: Node) -> Node:
    """A product without its coefficient."""
    return unit(node) if isinstance(node, Einsum) else node


def _beside_its_product(node: Node) -> Node | None:
    """s .* a + s = s .* (a + 1), where s is a sum whose terms stand among the others."""
    assert isinstance(node, Add)
    own = tuple(range(node.rank))
    for i, (c, term) in enumerate(node.terms):
        others = {n: d for k, (d, n) in enumerate(node.terms) if k != i}
        for j, (inner, labels) in enumerate(factors := _factors(term)):
            if not isinstance(inner, Add) or len(factors) < 2:
                continue
            if labels != own:
                image = _with_its_image(node, c, term, (inner, labels), others)
                if image is not None:
                    return image
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


def _with_its_image(
    node: Add,
    c: Coefficient,
    term: Node,
    sum_inside: tuple[Node, tuple[Hashable, ...]],
    others: dict[Node, Coefficient],
) -> Node | None:
    """r + A'r = (I + A')r, where r is a sum whose terms stand among the others."""
    inner, labels = sum_inside
    if node.rank != 1 or len(labels) != 1 or not isinstance(inner, Add):
        return None
    ratios = {Fraction(others[n]) / Fraction(d) if n in others else None for d, n in inner.terms}
    if len(ratios) != 1 or None in ratios:
        return None
    (ratio,) = ratios
    rest = [f for f in _factors(term) if f != sum_inside]
    if not any(labels[0] in ls and 0 in ls for _, ls in rest):
        return None
    image = einsum(rest, (0, *labels), c * _coefficient(term))
    operator = add([(1, image), (ratio or 0, Delta.make(node.shape[0]))])
    inside = {n for _, n in inner.terms}
    whole = einsum([(operator, (0, "image")), (inner, ("image",))], (0,))
    return add([*((d, n) for n, d in others.items() if n not in inside), (1, whole)], node.shape)


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


def _opened_everywhere(node: Add) -> Node | None:
    """Every product with one sum in it multiplied out, where some of the terms then are the same."""
    terms: Terms = []
    for c, term in node.terms:
        factors = _factors(term)
        sums = [i for i, (n, ls) in enumerate(factors) if isinstance(n, Add) or (not ls and _has_sum(n))]
        if len(sums) > 1 or len(terms) > FEW:
            return None
        inner, labels = factors.pop(sums[0]) if sums else (number(1), ())
        for d, n in _scalar_terms(inner) if sums and not isinstance(inner, Add) else _terms(inner):
            coefficient = c * d * _coefficient(term) * _coefficient(n)
            whole = not labels and isinstance(n, Einsum) and any(ls for _, ls in n.factors)  # a scalar stays one factor
            more = [(unit_of(n), ())] if whole else _flat(n, labels)
            terms.append((coefficient, einsum([*factors, *more], range(node.rank))))
    return add(terms, node.shape) if len({unit_of(n) for _, n in terms}) < len(terms) else None


def _has_sum(node: Node) -> bool:
    return isinstance(node, Einsum) and sum(isinstance(n, Add) for n in node.args) == 1


def _scalar_terms(node: Node) -> Terms:
    """The terms of a scalar product with one sum in it, scalar factors of its terms apart."""
    rest = _factors(node)
    ((inner, labels),) = [f for f in rest if isinstance(f[0], Add)]
    rest.remove((inner, labels))
    found: Terms = []
    for c, n in _terms(inner):
        flat = _flat(n, labels)
        array = einsum([*rest, *(f for f in flat if f[1])], ())
        parts = [*(f for f in flat if not f[1]), (unit_of(array), ())]
        found.append((c * _coefficient(node) * _coefficient(array), einsum(parts, (), _coefficient(n))))
    return found


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
        alike = len(set(steps)) < 2 and (labels or len(chosen) < len(node.terms) or least > -1)
        if any(s.denominator > 1 or s > 2 for s in steps) or alike:
            continue
        terms = [node.terms[i] for i in chosen]
        inner = add(((c, _with_power(t, base, labels, -Fraction(least))) for c, t in terms), node.shape)
        inner = (_multiplied_out(inner, base) if isinstance(inner, Add) else None) or inner
        if isinstance(inner, Add) and len(inner.terms) > len(chosen):
            continue  # nothing has cancelled
        front = power(base, number(least))
        whole = einsum([(front, labels), *_flat(inner, tuple(range(node.rank)))], range(node.rank), _coefficient(inner))
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
    whole, part = divmod(exponent, 1)
    powers: Factors = [(base, labels)] * int(whole) + ([(power(base, part), labels)] if part else [])
    return einsum([*_factors(term), *powers], range(term.rank), _coefficient(term))
