"""Wrong rules for products: a factor lost, a scalar part held fixed, (fg)' = f'g', and the mean taken as a sum.

Like `local_rules`, each function with a site says what its node then hands on instead.  `multiplied` makes whole
mistaken derivatives, because such a rule mixes the shares of two factors.

>>> from symgrad.programs import program
>>> source = program("f = (a'*x)*(b'*x)", "a, b, x: R^n")
>>> [n.rank for n in multiplied(source.views["f"].node, source.views["x"].node)][:1]
[1]
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from itertools import combinations
from typing import Any, cast

from symgrad.calculus.differentiate import Contribution, cotangents, differentiate
from symgrad.operations.catalogue import LOGARITHM
from symgrad.tensor.build import as_number, einsum, hadamard, is_zero, power, scaled
from symgrad.tensor.nodes import Delta, Einsum, Input, Map, Node, Ones, Power, walk
from symgrad.verification.local_rules import base_and_exponent, sloped
from symgrad.verification.mistake import Sharing, Site, Swap

Shares = Sequence[Contribution | None]
Factor = tuple[Node, tuple[Hashable, ...]]


# --- one factor left out ----------------------------------------------------------------------


def without_cofactor(site: Site) -> Iterator[Swap]:
    """A product hands on its other factors but one."""
    yield from (_without(site.place, j) for j in _cofactors(site) if not _is_count(site.node.args[j]))


def without_count(site: Site) -> Iterator[Swap]:
    """The number of entries, which a mean divides by, left out."""
    yield from (_without(site.place, j) for j in _cofactors(site) if _is_count(site.node.args[j]))


def _cofactors(site: Site) -> list[int]:
    node = site.node
    if not isinstance(node, Einsum):
        return []
    kept = (Delta, Ones)
    return [j for j, n in enumerate(node.args) if n is not site.argument and not isinstance(n, kept)]


def _is_count(node: Node) -> bool:
    return not any(isinstance(n, Input) for n in walk(node))


def _without(place: int, lost: int) -> Swap:
    def swap(given: Sharing) -> Shares:
        node, shares = cast(Einsum, given.node), list(given.shares)
        own = [i for i, n in enumerate(node.args) if any(s is not None and s[0] is n for s in shares)]
        if place < len(own) and own[place] != lost:
            shares[place] = _share(given, own[place], lost)
        return shares

    return swap


def _share(given: Sharing, place: int, lost: int) -> Contribution:
    """What a product hands on to one factor when another one is the identity, or ones."""
    node, axes = cast(Einsum, given.node), given.axes
    outer, own = tuple(range(-axes, 0)), tuple(range(node.rank))
    argument, labels = node.factors[place]
    others = [f for i, f in enumerate(node.factors) if i not in (place, lost)]
    factors: list[tuple[Node, Any]] = [(given.cotangent, outer + own), *others, *_instead_of(node, lost)]
    return argument, 1, einsum(_covered(factors, argument, labels), (*outer, *_distinct(labels)), node.coefficient)


def _instead_of(node: Einsum, lost: int) -> list[tuple[Node, Any]]:
    """The identity for a matrix that stands between two factors, else ones."""
    factor, labels = node.factors[lost]
    elsewhere = {a for i, (_, ls) in enumerate(node.factors) if i != lost for a in ls} | set(range(node.rank))
    square = factor.rank == 2 and factor.shape[0] == factor.shape[1] and labels[0] != labels[1]
    if square and not _side_by_side(node, labels):
        return [(Delta.make(factor.shape[0]), labels)]
    return [(Ones.make(s), (a,)) for s, a in zip(factor.shape, labels, strict=True) if a not in elsewhere]


def _side_by_side(node: Einsum, labels: Sequence[int]) -> bool:
    """Whether a matrix multiplies the entries of another, or of the output."""
    whole = [set(ls) for _, ls in node.factors if set(ls) >= set(labels)]
    return len(whole) > 1 or set(range(node.rank)) >= set(labels)


def _distinct(labels: Sequence[Hashable]) -> tuple[Hashable, ...]:
    return tuple(a if a not in labels[:i] else ("axis", i) for i, a in enumerate(labels))


def _covered(factors: list[tuple[Node, Any]], argument: Node, labels: Sequence[Hashable]) -> list[tuple[Node, Any]]:
    """The factors with an identity for each diagonal that is read, and ones for each label that nothing has."""
    covered = {a for _, ls in factors for a in ls}
    for axis, a in enumerate(labels):
        if a in labels[:axis]:
            factors.append((Delta.make(argument.shape[axis]), (a, ("axis", axis))))
        elif a not in covered:
            factors.append((Ones.make(argument.shape[axis]), (a,)))
    return factors


def equal_factors_fixed(site: Site) -> Iterator[Swap]:
    """Equal factors, such as both of x'*x in x*(x'*x), held fixed."""
    if 1 < site.twins < site.shares:

        def swap(given: Sharing) -> Shares:
            return [None if s == given.shares[site.place] else s for s in given.shares]

        yield swap


# --- the product rule -------------------------------------------------------------------------


def multiplied(output: Node, variable: Node) -> Iterator[Node]:
    """The derivative of a product as the product of derivatives, f'g' (or f'/g'), and as f f' + g g'."""
    products = [n for n in walk(output) if isinstance(n, Einsum) and 1 < len(_moving(n, variable)) <= 3]
    if not products:
        return
    found = cotangents(output, cast(list[Node], products), LOGARITHM)
    for node in products:
        for i, j in combinations(_moving(node, variable), 2):
            yield from _of_two(node, (i, j), found[node], output.rank, variable)


def _moving(node: Einsum, variable: Node) -> list[int]:
    return [i for i, n in enumerate(node.args) if variable in walk(n)]


def _of_two(node: Einsum, pair: tuple[int, int], cotangent: Node, axes: int, variable: Node) -> Iterator[Node]:
    outer, own = tuple(range(-axes, 0)), tuple(range(node.rank))
    last = tuple(("variable", i) for i in range(variable.rank))
    slopes = [_slope(node.args[i], variable) for i in pair]
    if any(map(is_zero, slopes)):
        return
    rest: list[tuple[Node, Any]] = [(cotangent, outer + own)]
    rest += [f for i, f in enumerate(node.factors) if i not in pair]
    labels = [node.factors[i][1] for i in pair]
    out = (*outer, *last)
    factors = [(slope, (*ls, *last)) for slope, ls in zip(slopes, labels, strict=True)]
    yield einsum([*rest, *factors], out, node.coefficient)
    for k, i in enumerate(pair):
        below = node.args[i]
        if isinstance(below, Power) and as_number(below.exponent) == -1:  # f/g as f'/g'
            other = (power(_slope(below.base, variable), -1), factors[k][1])
            yield einsum([*rest, factors[1 - k], other], out, node.coefficient)


def _slope(node: Node, variable: Node) -> Node:
    return differentiate(node, variable, LOGARITHM)


def own_factor(site: Site) -> Iterator[Swap]:
    """f f' + g g' for (f g)': each factor keeps itself."""
    node = site.node
    if not isinstance(node, Einsum) or site.place or site.shares != 2 or site.twins > 1:
        return

    def swap(given: Sharing) -> Shares:
        if any(s is None for s in given.shares):
            return given.shares
        first, second = [cast(Contribution, s)[0] for s in given.shares]
        places = [[i for i, n in enumerate(node.args) if n is a] for a in (first, second)]
        if first.shape != second.shape or any(len(p) != 1 for p in places):
            return given.shares
        return [_turned(given, places[0][0], places[1][0]), _turned(given, places[1][0], places[0][0])]

    yield swap


def _turned(given: Sharing, place: int, other: int) -> Contribution:
    """What a product hands on to one factor when that factor itself stands where the other one does."""
    node, axes = cast(Einsum, given.node), given.axes
    outer, own = tuple(range(-axes, 0)), tuple(range(node.rank))
    argument, labels = node.factors[place]
    factors: list[tuple[Node, Any]] = [(given.cotangent, outer + own)]
    for i, (n, ls) in enumerate(node.factors):
        if i != place:
            factors.append((argument if i == other else n, ls))
    return argument, 1, einsum(_covered(factors, argument, labels), (*outer, *_distinct(labels)), node.coefficient)


# --- functions of slopes ----------------------------------------------------------------------


def of_inner_slope(site: Site) -> Iterator[Swap]:
    """f(g') and f'(g') for (f(g))' = f'(g) g'."""
    inner = _inner_slope(site.argument)
    node = site.node
    if inner is None or as_number(inner) is not None:
        return
    if isinstance(node, Map) and len(node.args) == 1:
        of_slope = Map.make(node.op, (inner,), node.shape)
        yield _divided(site.place, of_slope, inner)
        yield _divided(site.place, node.op.partials[0](of_slope, inner), inner)
    elif isinstance(node, Power) and as_number(node.exponent) is not None:
        yield _divided(site.place, power(inner, node.exponent), inner)


def _inner_slope(node: Node) -> Node | None:
    """The slope of an entry by entry function of one argument, or of a power."""
    if isinstance(node, Map) and len(node.args) == 1:
        return node.op.partials[0](node, node.args[0])
    raised = base_and_exponent(node)
    return scaled(raised[1], power(raised[0], raised[1] - 1)) if raised is not None else None


def _divided(place: int, numerator: Node, inner: Node) -> Swap:
    """The slope that becomes `numerator` when the inner function's slope is multiplied to it."""
    return sloped(place, lambda _: hadamard(numerator, power(inner, -1)))
