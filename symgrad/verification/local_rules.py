"""Wrong local rules: what a node hands on where a mistake is made at one of its shares.

Each function says at which sites its mistake can be made and yields the changed rules.  Rules are told by what the
catalogue's records say: a slope that is a comparison is a mask, a Jacobian of two terms can lose one.  The words
for the mistakes are in `mistakes_of_rules`.

>>> [swap for swap in without_mask(Site(ONE, 0, ONE, 1, 1, 1, True, True))]
[]
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any, cast

from symgrad.calculus.differentiate import Contribution, pull_back
from symgrad.operations.record import Elementwise
from symgrad.tensor.build import ONE, add, as_number, einsum, full, hadamard, is_zero, minus, power
from symgrad.tensor.index import Indexed, Tensor, delta
from symgrad.tensor.nodes import Add, Apply, Einsum, Map, Node, Ones, Power, walk
from symgrad.verification.mistake import Sharing, Site, Swap

Shares = Sequence[Contribution | None]


# --- how shares are changed -------------------------------------------------------------------


def _dropped(place: int) -> Swap:
    return lambda given: [None if i == place else s for i, s in enumerate(given.shares)]


def _scaled(place: int, factor: int) -> Swap:
    def swap(given: Sharing) -> Shares:
        return [(s[0], s[1] * factor, s[2]) if s and i == place else s for i, s in enumerate(given.shares)]

    return swap


def sloped(place: int, slope: Callable[[Node], Node]) -> Swap:
    """An entry by entry function or power with another slope."""

    def swap(given: Sharing) -> Shares:
        shares = list(given.shares)
        old = shares[place]
        if old is not None:
            factor = slope(given.node)
            rank, axes = given.cotangent.rank, given.axes
            kept = range(axes, rank) if old[0].shape else ()
            factors = [(given.cotangent, range(rank)), (factor, range(axes, axes + factor.rank))]
            shares[place] = (old[0], 1, einsum(factors, (*range(axes), *kept)))  # type: ignore[arg-type]
        return shares

    return swap


def _with_jacobian(change: Callable[[Indexed], Indexed]) -> Swap:
    """A function of a whole array with another Jacobian."""
    return _with_letters(lambda jacobian, *_: change(jacobian))


def _with_letters(change: Callable[..., Indexed]) -> Swap:
    """The same; the change is told the index letters."""

    def swap(given: Sharing) -> Shares:
        node = cast(Apply, given.node)

        def jacobian(y: Tensor, x: Tensor, *letters: Any) -> Indexed:
            return change(node.op.jacobian(Tensor(node, y.batch), x, *letters), *letters)

        op = replace(cast(Any, node.op), jacobian=jacobian)
        changed = Apply.make(op, node.args[0], node.batch, node.args[1:])
        return list(pull_back(changed, given.cotangent, given.axes, {node.args[0]}))

    return swap


# --- the slopes of entry by entry functions ---------------------------------------------------


def _rule(site: Site) -> Node | None:
    """The slope at a site, of an entry by entry function only."""
    node = site.node
    if not isinstance(node, Map):
        return None
    return node.op.partials[node.args.index(site.argument)](node, *node.args)


def _is_mask(rule: Node | None) -> bool:
    return isinstance(rule, Map) and cast(Elementwise, rule.op).notation.fixity == "bracket"


def _one(node: Node) -> Node:
    return full(ONE, node.shape)


def without_mask(site: Site) -> Iterator[Swap]:
    """The mask of a function of one argument taken as one."""
    if _is_mask(_rule(site)) and len(site.node.args) == 1:
        yield sloped(site.place, _one)
    if _is_mask_of_vector(site):
        yield _with_letters(lambda jacobian, *_: _ones(site.argument, jacobian))


def _is_mask_of_vector(site: Site) -> bool:
    """Whether the Jacobian says which entry of a vector counts, as that of max."""
    return _first(site) and cast(Apply, site.node).op.core == "v->s" and bool(cast(Apply, site.node).op.kinks)


def _ones(like: Node, jacobian: Indexed) -> Indexed:
    """One for each letter of a Jacobian."""
    letters = dict.fromkeys(a for _, factors in jacobian.terms for _, labels in factors for a in labels)
    return Indexed(((1, ((full(ONE, like.shape), tuple(letters)),)),))


def to_both(site: Site) -> Iterator[Swap]:
    """The mask of one of several arguments taken as one."""
    if _is_mask(_rule(site)) and len(site.node.args) > 1:
        yield sloped(site.place, _one)


def to_the_loser(site: Site) -> Iterator[Swap]:
    """The mask turned round."""
    rule = _rule(site)
    if rule is not None and _is_mask(rule):
        yield sloped(site.place, lambda node: minus(full(ONE, node.shape), rule))
    if _is_mask_of_vector(site):
        yield _with_letters(lambda jacobian, *_: _ones(site.argument, jacobian) - jacobian)


def value_for_mask(site: Site) -> Iterator[Swap]:
    """The value, or the argument, in place of the mask."""
    if _is_mask(_rule(site)):
        yield sloped(site.place, lambda node: node)
        yield sloped(site.place, lambda _: site.argument)


def _is_smooth_factor(site: Site) -> bool:
    rule = _rule(site)
    if rule is None or is_zero(rule) or as_number(rule) is not None:
        return False
    return cast(Elementwise, cast(Map, site.node).op).kinks is None


def without_slope(site: Site) -> Iterator[Swap]:
    """The slope of a smooth function taken as one."""
    if _is_smooth_factor(site):
        yield sloped(site.place, _one)


def slope_in_part(site: Site) -> Iterator[Swap]:
    """One factor, or one term, of the slope is lost: sigma of sigma (1 - sigma)."""
    rule = _rule(site)
    if not _is_smooth_factor(site):
        return
    if isinstance(rule, Einsum) and len(rule.factors) > 1:
        for lost in range(len(rule.factors)):
            kept = [n for i, (n, _) in enumerate(rule.factors) if i != lost]
            yield sloped(site.place, lambda node, kept=kept: hadamard(*kept, full(ONE, node.shape)))  # type: ignore[misc]
    elif isinstance(rule, Add):
        for _, term in rule.terms:
            yield sloped(site.place, lambda node, term=term: term)  # type: ignore[misc]
        yield from (sloped(site.place, lambda _, slope=slope: slope) for slope in _unsquared(rule))  # type: ignore[misc]


def _unsquared(rule: Add) -> Iterator[Node]:
    """The sum with one square in it not squared: 1 - tanh for 1 - tanh^2."""
    for k, (_, term) in enumerate(rule.terms):
        twice = isinstance(term, Einsum) and len(term.args) == 2 and len(set(term.args)) == 1
        if twice or (isinstance(term, Power) and as_number(term.exponent) == 2):
            yield add([(c, n.args[0] if i == k else n) for i, (c, n) in enumerate(rule.terms)], rule.shape)


def function_for_slope(site: Site) -> Iterator[Swap]:
    """The function in place of its slope."""
    if _is_smooth_factor(site) or _is_sign(_rule(site)):
        yield sloped(site.place, lambda node: node)


def slope_at_the_value(site: Site) -> Iterator[Swap]:
    """f'(f(u)) for f'(u), and 1 - u^2 for 1 - tanh(u)^2."""
    if _is_smooth_factor(site) and len(site.node.args) == 1:
        node = cast(Map, site.node)
        again = Map.make(node.op, (node,), node.shape)
        yield sloped(site.place, lambda _: node.op.partials[0](again, node))
        yield sloped(site.place, lambda _: node.op.partials[0](node.args[0], node.args[0]))
        inner = _inner(node.args[0])
        if inner is not None:  # cos(x) for cos(x^2)
            yield sloped(site.place, lambda _: node.op.partials[0](Map.make(node.op, (inner,), node.shape), inner))


def _inner(node: Node) -> Node | None:
    """What an entry by entry function of one argument, or a power, is taken of."""
    if isinstance(node, Map):
        return node.args[0] if len(node.args) == 1 else None
    raised = base_and_exponent(node)
    return raised[0] if raised is not None else None


def base_and_exponent(node: Node) -> tuple[Node, Fraction | int] | None:
    """u and p of u^p entry by entry, which may stand as a product of equal factors."""
    if isinstance(node, Power) and node.base.shape == node.shape:
        value = as_number(node.exponent)
        return (node.base, value) if value is not None else None
    if isinstance(node, Einsum) and node.coefficient == 1 and len(node.factors) > 1 and len(set(node.factors)) == 1:
        base, labels = node.factors[0]
        return (base, len(node.factors)) if labels == tuple(range(node.rank)) else None
    return None


def slope_not_inverted(site: Site) -> Iterator[Swap]:
    """u for the slope 1/u; X for the inv(X) in a Jacobian, as in that of logdet."""
    rule = _rule(site)
    if isinstance(rule, Power) and (as_number(rule.exponent) or 0) < 0:
        yield sloped(site.place, lambda node: hadamard(rule.base, _one(node)))
    if _first(site) and site.argument.rank == 2:
        yield from (_with_jacobian(_not_inverted(turn)) for turn in (False, True))
        yield _with_jacobian(_without_inverses)


def _inverse(node: Node | None) -> bool:
    return isinstance(node, Apply) and node.op.inverts


def _not_inverted(turn: bool) -> Callable[[Indexed], Indexed]:
    def change(jacobian: Indexed) -> Indexed:
        return Indexed(tuple((c, tuple(map(plain, factors))) for c, factors in jacobian.terms))

    def plain(factor: tuple[Node | None, Any]) -> tuple[Node | None, Any]:
        node, labels = factor
        return (cast(Apply, node).args[0], labels[::-1] if turn else labels) if _inverse(node) else factor

    return change


def _without_inverses(jacobian: Indexed) -> Indexed:
    """The identity in place of every inverse."""
    return Indexed(
        tuple((c, tuple((None if _inverse(n) else n, labels) for n, labels in fs)) for c, fs in jacobian.terms)
    )


def slope_of_another(site: Site) -> Iterator[Swap]:
    """The slope of a function at another step where the same function is applied."""
    node = site.node
    if isinstance(node, Map) and len(node.args) == 1 and _is_smooth_factor(site):
        for other in walk(node.args[0]):
            if isinstance(other, Map) and other.op is node.op and other.shape == node.shape:
                yield sloped(site.place, lambda _, other=other: node.op.partials[0](other, *other.args))  # type: ignore[misc]


def slope_of_sign(site: Site) -> Iterator[Swap]:
    """The slope of abs taken as one: the function without its bars was differentiated."""
    if _is_sign(_rule(site)):
        yield sloped(site.place, _one)


def _is_sign(rule: Node | None) -> bool:
    return isinstance(rule, Map) and cast(Elementwise, rule.op).kinks is not None and not _is_mask(rule)


def slope_negated(site: Site) -> Iterator[Swap]:
    """A slope, or a term of a difference, with the other sign."""
    if (
        _rule(site) is not None
        or isinstance(site.node, Apply)
        or (isinstance(site.node, Add) and site.shares > 1)
        or (isinstance(site.node, Power) and (as_number(site.node.exponent) or 1) < 0)
    ):
        yield _scaled(site.place, -1)


# --- powers -----------------------------------------------------------------------------------


def _exponent(site: Site) -> Node | None:
    return site.node.exponent if isinstance(site.node, Power) and site.argument is site.node.base else None


def power_taken_as_one(site: Site) -> Iterator[Swap]:
    """p in place of p*u^(p-1); for a power of a norm r, p*r^(p-1) without the 1/r of the norm's own slope."""
    exponent = _exponent(site)
    if exponent is not None:
        base, value = cast(Power, site.node).base, as_number(exponent)
        yield sloped(site.place, lambda node: hadamard(exponent, _one(node)))
        if value is not None and (2 * value).denominator == 1 and value.denominator == 2:
            yield sloped(site.place, lambda node: hadamard(exponent, power(base, value - Fraction(1, 2)), _one(node)))
            if value == Fraction(-1, 2) and not site.node.shape:  # the slope of 1/norm2(x) without its 1/(x'*x)
                yield sloped(site.place, lambda node: hadamard(exponent, node))


def power_not_lowered(site: Site) -> Iterator[Swap]:
    """p*u^p or p*u^(p+1) in place of p*u^(p-1)."""
    exponent = _exponent(site)
    if exponent is not None:
        yield sloped(site.place, lambda node: hadamard(exponent, node))
        yield sloped(site.place, lambda node: hadamard(exponent, node, cast(Power, node).base))


def power_without_its_exponent(site: Site) -> Iterator[Swap]:
    """u^(p-1) in place of p*u^(p-1)."""
    exponent = _exponent(site)
    if exponent is not None:
        base = cast(Power, site.node).base
        value = as_number(exponent)
        lowered = power(base, value - 1) if value is not None else None
        if lowered is not None:
            yield sloped(site.place, lambda _: lowered)


# --- sums and products ------------------------------------------------------------------------


def _is_scalar_part(site: Site) -> bool:
    return not site.argument.shape and not site.leaf


def _has_other_paths(site: Site) -> bool:
    return site.shares > 1 or site.branches > 1


def _is_whole(site: Site) -> bool:
    """A function of one whole array: its shares are the terms of one Jacobian."""
    return isinstance(site.node, Apply) and len(site.node.args) == 1


def _term_of_objective(site: Site) -> bool:
    return isinstance(site.node, Add) and site.shares > 1 and (site.top or not site.node.shape)


def without_occurrence(site: Site) -> Iterator[Swap]:
    """One occurrence, or one factor of a product, held fixed."""
    if site.shares > 1 and not _is_whole(site) and not _term_of_objective(site) and site.twins < 2:
        yield _dropped(site.place)


def all_twins_but_one(site: Site) -> Iterator[Swap]:
    """Of equal factors, as in a square, only one differentiated."""
    if site.twins > 1 and site.twins < 4:
        twin = site.place

        def swap(given: Sharing) -> Shares:
            return [None if i != twin and s == given.shares[twin] else s for i, s in enumerate(given.shares)]

        yield swap


def without_branch(site: Site) -> Iterator[Swap]:
    """One of several steps that use a value hands nothing back."""
    if site.branches > 1 and not site.leaf and not _is_whole(site):
        yield _dropped(site.place)


def as_constant(site: Site) -> Iterator[Swap]:
    """A scalar, a spread value or a denominator held fixed."""
    if site.leaf or _is_whole(site) or site.twins > 1 or (site.shares == 1 and site.branches == 1):
        return
    if _term_of_objective(site):
        if site.node.shape and any(isinstance(a, Ones) for a in site.argument.args):
            yield _dropped(site.place)
        return
    spread = isinstance(site.node, Add) and not _has_other_paths(site)
    if spread or isinstance(site.argument, Power) or _is_scalar_part(site):
        yield _dropped(site.place)


def without_term(site: Site) -> Iterator[Swap]:
    """One term of a sum of scalars, or of the output, left out."""
    if _term_of_objective(site):
        yield _dropped(site.place)


# --- functions of whole arrays ----------------------------------------------------------------


def _terms_of(site: Site) -> int:
    """How many terms the Jacobian of a function of a whole array has, one variable argument only."""
    return site.shares if isinstance(site.node, Apply) and len(site.node.args) == 1 else 0


def _first(site: Site) -> bool:
    return _terms_of(site) > 0 and site.place == 0


def jacobian_in_part(site: Site) -> Iterator[Swap]:
    """One term of the Jacobian of a function of a whole array left out."""
    if _terms_of(site) > 1:
        yield _dropped(site.place)


def _is_of_vectors(site: Site) -> bool:
    """A function of a vector with a vector as value."""
    return _first(site) and cast(Apply, site.node).op.core == "v->v"


def diagonal_only(site: Site) -> Iterator[Swap]:
    """The diagonal of a Jacobian, as for a function entry by entry."""
    if _is_of_vectors(site):
        yield _with_letters(lambda jacobian, i, k: jacobian * delta[i, k])


def jacobian_left_out(site: Site) -> Iterator[Swap]:
    """The Jacobian of a function of a vector taken as the identity."""
    if _is_of_vectors(site):
        yield _with_letters(lambda _, i, k: delta[i, k])


def _changed_factor(lost: int, identity: bool) -> Callable[[Indexed], Indexed]:
    """Every term with its factor number `lost` left out, or replaced by the identity."""

    def change(jacobian: Indexed) -> Indexed:
        terms = []
        for c, factors in jacobian.terms:
            if lost < len(factors):
                labels = factors[lost][1]
                swapped: tuple[Any, ...] = ((None, labels),) if identity and len(labels) == 2 else ()
                factors = (*factors[:lost], *swapped, *factors[lost + 1 :])
            terms.append((c, factors))
        return Indexed(tuple(terms))

    return change


def _turned_factor(turned: int) -> Callable[[Indexed], Indexed]:
    def change(jacobian: Indexed) -> Indexed:
        return Indexed(
            tuple(
                (c, tuple((n, labels[::-1] if i == turned else labels) for i, (n, labels) in enumerate(factors)))
                for c, factors in jacobian.terms
            )
        )

    return change


def _is_square_function(site: Site) -> bool:
    return _first(site) and site.argument.rank == 2 and cast(Apply, site.node).batch == 0


def one_side(site: Site) -> Iterator[Swap]:
    """The inverse on one side only."""
    if _is_square_function(site) and cast(Apply, site.node).op.inverts:
        yield from (_with_jacobian(_changed_factor(lost, identity=True)) for lost in (0, 1))


def inverse_not_turned(site: Site) -> Iterator[Swap]:
    """A factor of the Jacobian of a function of a matrix transposed."""
    if _is_square_function(site):
        yield from (_with_jacobian(_turned_factor(k)) for k in (0, 1))
        yield _with_jacobian(lambda j: _turned_factor(1)(_turned_factor(0)(j)))


def value_left_out(site: Site) -> Iterator[Swap]:
    """The Jacobian of det without det: that of logdet."""
    if _is_square_function(site) and not site.node.shape and site.shares == 1:
        yield _with_jacobian(_changed_factor(0, identity=False))
