"""The mistakes that are made while deriving: one local rule is replaced by another.

Each record says at which sites of the graph it can be made and what the node then hands on.  The rules are
told from what the catalogue's records say (a slope that is a comparison is a mask, a Jacobian of two terms can
lose one), so an operation that a user registers is covered as well.

>>> sorted(m.id for m in RECORDS if m.family == "missing mask")
['max sent to both', 'missing mask', 'value for its mask']
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, cast

from symgrad.calculus.differentiate import Contribution, pull_back
from symgrad.operations.record import Elementwise
from symgrad.tensor.build import ONE, as_number, einsum, full, hadamard, is_zero, minus, power
from symgrad.tensor.index import Indexed, Tensor
from symgrad.tensor.nodes import Add, Apply, Einsum, Map, Node, Power
from symgrad.verification.mistake import Mistake, Sentence, Sharing, Site, Swap

Shares = Sequence[Contribution | None]


# --- how shares are changed -------------------------------------------------------------------


def _dropped(place: int) -> Swap:
    return lambda given: [None if i == place else s for i, s in enumerate(given.shares)]


def _scaled(place: int, factor: int) -> Swap:
    def swap(given: Sharing) -> Shares:
        return [(s[0], s[1] * factor, s[2]) if s and i == place else s for i, s in enumerate(given.shares)]

    return swap


def _sloped(place: int, slope: Callable[[Node], Node]) -> Swap:
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

    def swap(given: Sharing) -> Shares:
        node = cast(Apply, given.node)

        def jacobian(y: Tensor, *rest: Any) -> Indexed:
            return change(node.op.jacobian(Tensor(node, y.batch), *rest))

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


def _without_mask(site: Site) -> Iterator[Swap]:
    if _is_mask(_rule(site)) and len(site.node.args) == 1:
        yield _sloped(site.place, _one)


def _to_both(site: Site) -> Iterator[Swap]:
    if _is_mask(_rule(site)) and len(site.node.args) > 1:
        yield _sloped(site.place, _one)


def _to_the_loser(site: Site) -> Iterator[Swap]:
    rule = _rule(site)
    if rule is not None and _is_mask(rule):
        yield _sloped(site.place, lambda node: minus(full(ONE, node.shape), rule))


def _value_for_mask(site: Site) -> Iterator[Swap]:
    if _is_mask(_rule(site)):
        yield _sloped(site.place, lambda node: node)


def _is_smooth_factor(site: Site) -> bool:
    rule = _rule(site)
    if rule is None or is_zero(rule) or as_number(rule) is not None:
        return False
    return cast(Elementwise, cast(Map, site.node).op).kinks is None


def _without_slope(site: Site) -> Iterator[Swap]:
    if _is_smooth_factor(site):
        yield _sloped(site.place, _one)


def _slope_in_part(site: Site) -> Iterator[Swap]:
    """One factor, or one term, of the slope is lost: sigma of sigma (1 - sigma)."""
    rule = _rule(site)
    if not _is_smooth_factor(site):
        return
    if isinstance(rule, Einsum) and len(rule.factors) > 1:
        for lost in range(len(rule.factors)):
            kept = [n for i, (n, _) in enumerate(rule.factors) if i != lost]
            yield _sloped(site.place, lambda node, kept=kept: hadamard(*kept, full(ONE, node.shape)))  # type: ignore[misc]
    elif isinstance(rule, Add):
        for _, term in rule.terms:
            yield _sloped(site.place, lambda node, term=term: term)  # type: ignore[misc]


def _function_for_slope(site: Site) -> Iterator[Swap]:
    if _is_smooth_factor(site):
        yield _sloped(site.place, lambda node: node)


def _slope_at_the_value(site: Site) -> Iterator[Swap]:
    """f'(f(u)) for f'(u)."""
    if _is_smooth_factor(site) and len(site.node.args) == 1:
        node = cast(Map, site.node)
        again = Map.make(node.op, (node,), node.shape)
        yield _sloped(site.place, lambda _: node.op.partials[0](again, node))


def _slope_of_sign(site: Site) -> Iterator[Swap]:
    """The slope of abs taken as one: the function without its bars was differentiated."""
    rule = _rule(site)
    if isinstance(rule, Map) and cast(Elementwise, rule.op).kinks is not None and not _is_mask(rule):
        yield _sloped(site.place, _one)


def _slope_negated(site: Site) -> Iterator[Swap]:
    if _rule(site) is not None or isinstance(site.node, Apply) or (isinstance(site.node, Add) and site.shares > 1) or (isinstance(site.node, Power) and (as_number(site.node.exponent) or 1) < 0):
        yield _scaled(site.place, -1)


# --- powers -----------------------------------------------------------------------------------


def _exponent(site: Site) -> Node | None:
    return site.node.exponent if isinstance(site.node, Power) and site.argument is site.node.base else None


def _power_taken_as_one(site: Site) -> Iterator[Swap]:
    exponent = _exponent(site)
    if exponent is not None:
        yield _sloped(site.place, lambda node: hadamard(exponent, _one(node)))


def _power_not_lowered(site: Site) -> Iterator[Swap]:
    exponent = _exponent(site)
    if exponent is not None:
        yield _sloped(site.place, lambda node: hadamard(exponent, node))


def _power_without_its_exponent(site: Site) -> Iterator[Swap]:
    exponent = _exponent(site)
    if exponent is not None:
        base = cast(Power, site.node).base
        value = as_number(exponent)
        lowered = power(base, value - 1) if value is not None else None
        if lowered is not None:
            yield _sloped(site.place, lambda _: lowered)


# --- sums and products ------------------------------------------------------------------------


def _is_scalar_part(site: Site) -> bool:
    return not site.argument.shape and not site.leaf


def _has_other_paths(site: Site) -> bool:
    return site.shares > 1 or site.branches > 1


def _term_of_objective(site: Site) -> bool:
    return isinstance(site.node, Add) and site.shares > 1 and (site.top or not site.node.shape)


def _without_occurrence(site: Site) -> Iterator[Swap]:
    if _has_other_paths(site) and not _term_of_objective(site) and (site.leaf or site.branches < 2):
        yield _dropped(site.place)


def _without_branch(site: Site) -> Iterator[Swap]:
    if site.branches > 1 and not site.leaf:
        yield _dropped(site.place)


def _as_constant(site: Site) -> Iterator[Swap]:
    if _has_other_paths(site) and not site.leaf and not _term_of_objective(site):
        spread = isinstance(site.node, Add) or isinstance(site.argument, Power) or _is_scalar_part(site)
        if spread:
            yield _dropped(site.place)


def _without_term(site: Site) -> Iterator[Swap]:
    if _term_of_objective(site):
        yield _dropped(site.place)


# --- functions of whole arrays ----------------------------------------------------------------


def _terms_of(site: Site) -> int:
    """How many terms the Jacobian of a function of a whole array has, one variable argument only."""
    return site.shares if isinstance(site.node, Apply) and len(site.node.args) == 1 else 0


def _first(site: Site) -> bool:
    return _terms_of(site) > 0 and site.place == 0


def _jacobian_in_part(site: Site) -> Iterator[Swap]:
    if _terms_of(site) > 1:
        yield _dropped(site.place)


def _changed_factor(lost: int, delta: bool) -> Callable[[Indexed], Indexed]:
    """Every term with its factor number `lost` left out, or replaced by the identity."""

    def change(jacobian: Indexed) -> Indexed:
        terms = []
        for c, factors in jacobian.terms:
            if lost < len(factors):
                labels = factors[lost][1]
                swapped: tuple[Any, ...] = ((None, labels),) if delta and len(labels) == 2 else ()
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


def _one_side(site: Site) -> Iterator[Swap]:
    if _is_square_function(site) and cast(Apply, site.node).op.inverts:
        yield from (_with_jacobian(_changed_factor(lost, delta=True)) for lost in (0, 1))


def _inverse_not_turned(site: Site) -> Iterator[Swap]:
    if _is_square_function(site):
        yield from (_with_jacobian(_turned_factor(k)) for k in (0, 1))
        yield _with_jacobian(lambda j: _turned_factor(1)(_turned_factor(0)(j)))


def _value_left_out(site: Site) -> Iterator[Swap]:
    """The Jacobian of det without det: that of logdet."""
    if _is_square_function(site) and not site.node.shape and site.shares == 1:
        yield _with_jacobian(_changed_factor(0, delta=False))


# --- the records ------------------------------------------------------------------------------

_MASK_AGAIN = Sentence(
    "Change one input a little where the function is flat: does the output move?",
    "ورودی را جایی که تابع تخت است کمی تغییر دهید: آیا خروجی تغییر می‌کند؟",
)
_CHAIN_AGAIN = Sentence(
    "Name every step of the composition and write one factor for each, outermost first.",
    "برای هر گام ترکیب نامی بگذارید و از بیرونی‌ترین گام، برای هر کدام یک عامل بنویسید.",
)
_PATHS_AGAIN = Sentence(
    "Mark every place where the variable occurs, and differentiate with one of them free at a time; then add.",
    "هر جا که متغیر آمده است علامت بزنید، هر بار نسبت به یکی مشتق بگیرید و سپس جمع کنید.",
)
_SLOPE_AGAIN = Sentence(
    "Write the scalar rule alone on a line and check it at one number, for example at 0.",
    "قاعدهٔ اسکالر را جدا بنویسید و در یک عدد، مثلاً در صفر، بیازمایید.",
)
_INVERSE_AGAIN = Sentence(
    "Differentiate X*inv(X) = I by the product rule and solve for d inv(X).",
    "از X*inv(X) = I با قاعدهٔ ضرب مشتق بگیرید و d inv(X) را به دست آورید.",
)

RECORDS = (
    Mistake(
        "missing mask", Sentence("a mask is missing", "یک نقاب از قلم افتاده است"),
        Sentence(
            "The slope of relu or max is 0 or 1, entry by entry: this mask must multiply the gradient that passes.",
            "شیب relu یا max در هر درایه 0 یا 1 است: گرادیانی که می‌گذرد باید در این نقاب ضرب شود.",
        ),
        _MASK_AGAIN, "rule", swaps=_without_mask,
    ),
    Mistake(
        "max sent to both", Sentence("max handed its gradient to both arguments", "max گرادیان را به هر دو ورودی داده است"),
        Sentence(
            "max routes the gradient to the argument that is larger; the other one gets nothing.",
            "max گرادیان را تنها به ورودی بزرگ‌تر می‌رساند؛ به دیگری چیزی نمی‌رسد.",
        ),
        _MASK_AGAIN, "rule", of="missing mask", swaps=_to_both,
    ),
    Mistake(
        "value for its mask", Sentence("the value stands where its mask belongs", "مقدار به جای نقاب آمده است"),
        Sentence(
            "The value of relu or max was used as its slope; the slope is 0 or 1.",
            "مقدار relu یا max به جای شیب آن آمده است؛ شیب 0 یا 1 است.",
        ),
        _MASK_AGAIN, "rule", of="missing mask", swaps=_value_for_mask,
    ),
    Mistake(
        "max sent to the loser", Sentence("the mask is turned round", "نقاب وارونه است"),
        Sentence(
            "The gradient was let through where it must stop, and stopped where it must pass.",
            "گرادیان جایی که باید بایستد گذشته و جایی که باید بگذرد ایستاده است.",
        ),
        _MASK_AGAIN, "rule", swaps=_to_the_loser,
    ),
    Mistake(
        "missing chain factor",
        Sentence("a factor of the chain rule is missing", "یک عامل قاعدهٔ زنجیری از قلم افتاده است"),
        Sentence(
            "The derivative of one step of the composition was left out.",
            "مشتق یکی از گام‌های ترکیب از قلم افتاده است.",
        ),
        _CHAIN_AGAIN, "rule", swaps=_without_slope,
    ),
    Mistake(
        "slope in part", Sentence("only a part of a slope was used", "تنها بخشی از شیب آمده است"),
        Sentence(
            "The slope of a function was shortened, such as sigma or 1 - sigma alone for sigma*(1 - sigma).",
            "شیب تابعی کوتاه شده است، مانند sigma یا 1 - sigma به تنهایی به جای sigma*(1 - sigma).",
        ),
        _SLOPE_AGAIN, "rule", of="missing chain factor", swaps=_slope_in_part,
    ),
    Mistake(
        "norm not normalised", Sentence("a power's inner factor is missing", "عامل درونی توان از قلم افتاده است"),
        Sentence(
            "A power such as the root in a norm keeps a factor in its slope: x/norm2(x), not x.",
            "شیب توانی مانند ریشهٔ نُرم عاملی دارد: x/norm2(x) و نه x.",
        ),
        _SLOPE_AGAIN, "rule", of="missing chain factor", swaps=_power_taken_as_one,
    ),
    Mistake(
        "inverse on one side", Sentence("the inverse stands on one side only", "وارون تنها در یک سو آمده است"),
        Sentence(
            "d inv(X) = -inv(X)*dX*inv(X): the inverse stands on both sides.",
            "در d inv(X) = -inv(X)*dX*inv(X) وارون در هر دو سو می‌آید.",
        ),
        _INVERSE_AGAIN, "rule", of="missing chain factor", swaps=_one_side,
    ),
    Mistake(
        "function for its slope", Sentence("a function stands for its slope", "خود تابع به جای شیب آمده است"),
        Sentence("The value of a function was used as its derivative.", "مقدار تابع به جای مشتق آن آمده است."),
        _SLOPE_AGAIN, "rule", swaps=_function_for_slope,
    ),
    Mistake(
        "slope at the wrong place", Sentence("a slope was taken at the wrong place", "شیب در جای نادرستی گرفته شده است"),
        Sentence("f'(f(u)) stands where f'(u) belongs.", "f'(f(u)) به جای f'(u) آمده است."),
        _SLOPE_AGAIN, "rule", of="missing chain factor", swaps=_slope_at_the_value,
    ),
    Mistake(
        "power not lowered", Sentence("a power was not lowered", "از توان یکی کم نشده است"),
        Sentence("The slope of u^p is p*u^(p-1).", "شیب u^p برابر p*u^(p-1) است."),
        _SLOPE_AGAIN, "rule", swaps=_power_not_lowered,
    ),
    Mistake(
        "exponent left out", Sentence("the exponent did not come down", "توان به صورت ضریب نیامده است"),
        Sentence("The slope of u^p is p*u^(p-1): p is a factor.", "شیب u^p برابر p*u^(p-1) است: p ضریب می‌شود."),
        _SLOPE_AGAIN, "rule", of="off by constant", swaps=_power_without_its_exponent,
    ),
    Mistake(
        "forgot second occurrence",
        Sentence("the variable occurs more than once", "متغیر بیش از یک بار آمده است"),
        Sentence(
            "Only some of the places where the variable occurs were differentiated.",
            "تنها از برخی جاهایی که متغیر آمده مشتق گرفته شده است.",
        ),
        _PATHS_AGAIN, "rule", swaps=_without_occurrence,
    ),
    Mistake(
        "branches not added", Sentence("branches were not added", "شاخه‌ها جمع نشده‌اند"),
        Sentence(
            "A value is used by several steps; the gradients that come back from them must be added.",
            "مقداری در چند گام به کار رفته است؛ گرادیان‌هایی که از آن‌ها برمی‌گردد باید جمع شوند.",
        ),
        _PATHS_AGAIN, "rule", of="forgot second occurrence", swaps=_without_branch,
    ),
    Mistake(
        "treated as constant", Sentence("something was treated as a constant", "چیزی ثابت گرفته شده است"),
        Sentence(
            "A part that depends on the variable, such as a mean, a norm or a denominator, was held fixed.",
            "بخشی که به متغیر بستگی دارد، مانند میانگین، نُرم یا مخرج، ثابت گرفته شده است.",
        ),
        _PATHS_AGAIN, "rule", swaps=_as_constant,
    ),
    Mistake(
        "dropped term", Sentence("a term is missing", "یک جمله از قلم افتاده است"),
        Sentence(
            "The derivative of a sum has one term for each term; one is missing.",
            "مشتق یک جمع برای هر جمله یک جمله دارد؛ یکی از قلم افتاده است.",
        ),
        Sentence("Differentiate term by term and tick each term off.", "جمله به جمله مشتق بگیرید و هر جمله را خط بزنید."),
        "rule", swaps=_without_term,
    ),
    Mistake(
        "Jacobian in part", Sentence("only a part of a Jacobian was used", "تنها بخشی از ژاکوبی آمده است"),
        Sentence(
            "Every output depends on every input, as in softmax: diag(s) - s*s', not one of the two alone.",
            "هر خروجی به هر ورودی بستگی دارد، مانند softmax: diag(s) - s*s' و نه تنها یکی از آن دو.",
        ),
        Sentence(
            "Write d s_i / d x_k for i = k and for i different from k.", "d s_i / d x_k را برای i = k و i نابرابر k بنویسید."
        ),
        "rule", of="dropped term", swaps=_jacobian_in_part,
    ),
    Mistake(
        "inverse not transposed", Sentence("a factor is not transposed", "عاملی ترانهاده نشده است"),
        Sentence(
            "The gradient of logdet(X) is inv(X)', and that of a function of inv(X) has inv(X)' on both sides.",
            "گرادیان logdet(X) برابر inv(X)' است و گرادیان تابعی از inv(X) در هر دو سو inv(X)' دارد.",
        ),
        Sentence("Write df = tr(G'*dX) and read off G, not G'.", "بنویسید df = tr(G'*dX) و G را بخوانید، نه G'."),
        "rule", of="missing transpose", swaps=_inverse_not_turned,
    ),
    Mistake(
        "one sign", Sentence("a sign is wrong on the way", "علامتی در میانهٔ راه نادرست است"),
        Sentence(
            "One step has the wrong sign, such as a minus of a difference, of cos, of 1/u or of an inverse.",
            "یکی از گام‌ها علامت نادرستی دارد، مانند منهای تفاضل، cos، 1/u یا وارون.",
        ),
        Sentence("Follow the sign of each step at one number.", "علامت هر گام را در یک عدد دنبال کنید."),
        "rule", of="sign", swaps=_slope_negated,
    ),
    Mistake(
        "bars left out", Sentence("another function was differentiated", "از تابع دیگری مشتق گرفته شده است"),
        Sentence(
            "The absolute values were left out: the slope of abs is the sign of its argument.",
            "قدر مطلق کنار گذاشته شده است: شیب abs علامت ورودی آن است.",
        ),
        Sentence("Write down again what is to be differentiated.", "دوباره بنویسید از چه باید مشتق گرفت."),
        "rule", of="differentiated the wrong function", swaps=_slope_of_sign,
    ),
    Mistake(
        "det for logdet", Sentence("another function was differentiated", "از تابع دیگری مشتق گرفته شده است"),
        Sentence(
            "The derivative of det keeps the factor det(X); without it this is the derivative of logdet.",
            "مشتق det عامل det(X) را دارد؛ بدون آن، مشتق logdet است.",
        ),
        Sentence("Write down again what is to be differentiated.", "دوباره بنویسید از چه باید مشتق گرفت."),
        "rule", of="differentiated the wrong function", swaps=_value_left_out,
    ),
)  # fmt: skip
