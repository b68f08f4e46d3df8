"""Records of the functions that act entry by entry.

A partial derivative is written in terms of the output `y` where that is shorter (tanh: 1 - y^2), on
`Entries`, so that it reads as on paper.  Pullbacks are numeric code of their own.  Conventions at kinks:
relu'(0) = 0, abs'(0) = 0, and in max and min the first argument wins a tie.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from symgrad.operations.arrays import Array, np, special, total
from symgrad.operations.record import Aliases, Elementwise, Notation
from symgrad.operations.shapes import entrywise
from symgrad.tensor.build import (
    add,
    as_number,
    einsum,
    elementwise,
    full,
    hadamard,
    is_zero,
    number,
    power,
    scaled,
    zero,
)
from symgrad.tensor.index import Entries
from symgrad.tensor.nodes import Add, Apply, Constant, Einsum, Factor, Map, Node, Ones, Power
from symgrad.tensor.signs import is_positive

Rule = Callable[..., Entries]
Slope = Callable[[Array, Array], Array]


def _unary(
    name: str,
    partial: Rule,
    value: Callable[[Array], Array],
    slope: Slope,
    code: str,
    *,
    doc: str,
    source: str,
    latex: str | None = None,
    spellings: tuple[str, ...] = (),
    simplify: Callable[[Node], Node | None] | None = None,
    rules: tuple[Callable[[Node], Node | None], ...] = (),
    domain: str = "real",
    kinks: str | None = None,
    aliases: Aliases | None = None,
    sympy: str | None = None,
    lesson: tuple[str, str] | None = None,
    analytic: bool = True,
    positive: bool = False,
) -> Elementwise:
    """A record of a function of one argument; `slope` is the numeric derivative from (x, y)."""
    record: Elementwise

    def rule(y: Node, x: Node) -> Node:
        return partial(Entries(y), Entries(x)).node

    record = Elementwise(
        name=name,
        notation=Notation(name, latex=latex),
        spellings=spellings,
        arity=(1,),
        build=entrywise(lambda: record),
        value=value,
        pullback=lambda g, y, x: (g * slope(x, y),),
        partials=(rule,),
        code=code,
        simplify=simplify,
        aliases=aliases,
        rules=rules,
        domain=domain,
        kinks=kinks,
        sympy=sympy,
        lesson=lesson,
        analytic=analytic,
        positive=positive,
        doc=doc,
        example=f"{name}(x)",
        source=source,
    )
    return record


def _of(record: Callable[[], Elementwise], *args: Entries | int) -> Entries:
    return Entries(elementwise(record(), *(a.node if isinstance(a, Entries) else number(a) for a in args)))


def _none(y: Entries, *args: Entries) -> Entries:
    """The derivative of a step: 0 wherever there is one."""
    return Entries(zero(y.node.shape))


PI = Entries(Constant.make("pi"))
_HALF = Entries(power(number(2), -1))


def _root(value: Entries | int) -> Entries:
    return Entries(power(value.node if isinstance(value, Entries) else number(value), _HALF.node))


# --- comparisons -------------------------------------------------------------------------------


def _comparison(name: str, sign: str, value: Callable[[Array, Array], Array], latex: str) -> Elementwise:
    record: Elementwise
    record = Elementwise(
        name=name,
        notation=Notation(sign, "bracket", 5, latex),
        arity=(2,),
        build=entrywise(lambda: record),
        value=lambda a, b: value(np.real(a), np.real(b)) * 1.0,
        pullback=lambda g, y, a, b: (np.zeros_like(a), np.zeros_like(b)),
        partials=(
            lambda y, a, b: _none(Entries(y)).node,
            lambda y, a, b: _none(Entries(y)).node,
        ),
        code=f"({{0}} {sign} {{1}})",
        simplify=_same_sides if name in ("gt", "lt", "ne") else None,
        rules=(_mask_of_relu,) if name == "gt" else (_masked_relu,) if name == "ge" else (),
        kinks="jumps where the two sides are equal; the derivative is 0 elsewhere",
        analytic=False,
        doc=f"The Iverson bracket: 1 where the left side {sign} the right side, else 0.",
        example=f"[x {sign} y]",
        source="Iverson bracket",
    )
    return record


def _same_sides(a: Node, b: Node) -> Node | None:
    return zero(a.shape) if a is b else None


def _complement(node: Node) -> Node | None:
    """1 - sigmoid(-t) is sigmoid(t)."""
    if not isinstance(node, Add) or len(node.terms) != 2:
        return None
    for (c, one), (d, s) in (node.terms, node.terms[::-1]):  # or the negative of that
        inner = s.args[0] if isinstance(s, Map) and s.op is SIGMOID else None
        negative = isinstance(inner, Einsum) and inner.coefficient < 0
        if inner is not None and negative and (c, d) in ((1, -1), (-1, 1)) and _is_ones(one):
            return scaled(c, elementwise(SIGMOID, scaled(-1, inner)))
    return None


def _complement_beside(node: Node) -> Node | None:
    """f sigmoid(t) - f is -f sigmoid(-t), where f has sigmoid(-t) for a factor already."""
    if not isinstance(node, Add) or len(node.terms) != 2:
        return None
    for (c, product), (d, f) in (node.terms, node.terms[::-1]):
        for s, labels in _map_factors(product, SIGMOID) if c == -d and isinstance(product, Einsum) else ():
            other = elementwise(SIGMOID, scaled(-1, s.args[0])), labels
            rest = list(product.factors)  # type: ignore[attr-defined]
            rest.remove((s, labels))
            if other in rest and einsum(rest, range(node.rank), product.coefficient) is f:  # type: ignore[attr-defined]
                return einsum([*rest, other], range(node.rank), d * product.coefficient)  # type: ignore[attr-defined]
    return None


def _complement_inside(node: Node) -> Node | None:
    """sigmoid(t) a + (sigmoid(-t) - 1) b is sigmoid(t) (a - b)."""
    if not isinstance(node, Add):
        return None
    found = {n for _, term in node.terms for n, _ in _map_factors(term, SIGMOID)}
    for i, (c, term) in enumerate(node.terms) if found else ():
        for k, (inner, labels) in enumerate(term.factors if isinstance(term, Einsum) else ()):
            sign, other = _complement_of(inner, found)
            if other is not None and isinstance(term, Einsum):
                factors = [f if j != k else (other, labels) for j, f in enumerate(term.factors)]
                changed = einsum(factors, range(node.rank), sign * term.coefficient)
                return add([*(t for j, t in enumerate(node.terms) if j != i), (c, changed)], node.shape)
    return None


def _complement_of(node: Node, found: set[Node]) -> tuple[Any, Node | None]:
    """The sign and sigmoid(t) of a multiple of 1 - sigmoid(-t), where that is among those found."""
    if isinstance(node, Add) and len(node.terms) == 2:
        for (c, one), (d, s) in (node.terms, node.terms[::-1]):
            if c == -d and _is_one(one) and isinstance(s, Map) and s.op is SIGMOID:
                other = elementwise(SIGMOID, scaled(-1, s.args[0]))
                return (c, other) if other in found else (0, None)
    return 0, None


def _is_ones(node: Node) -> bool:
    return isinstance(node, Ones) or (isinstance(node, Einsum) and all(isinstance(n, Ones) for n, _ in node.factors))


def _both_sigmoids(node: Node) -> Node | None:
    """A sum with sigmoid(t) and sigmoid(-t) in it, in terms of one of them."""
    if not isinstance(node, Add):
        return None
    found = [f for _, n in node.terms for f in _map_factors(n, SIGMOID)]
    inside = {n for n, _ in found}
    for n, labels in found:
        other = elementwise(SIGMOID, scaled(-1, n.args[0]))
        if other in inside and isinstance(n.args[0], Einsum) and n.args[0].coefficient < 0:
            return add((t for c, term in node.terms for t in _complemented(c, term, (n, labels), other)), node.shape)
    return None


def _map_factors(node: Node, op: Elementwise) -> list[Factor]:
    factors = node.factors if isinstance(node, Einsum) else ((node, tuple(range(node.rank))),)
    return [(n, labels) for n, labels in factors if isinstance(n, Map) and n.op is op]


def _complemented(c: Any, term: Node, factor: Factor, other: Node) -> list[tuple[Any, Node]]:
    """c * term with 1 - `other` for a factor, as two terms."""
    factors = list(term.factors) if isinstance(term, Einsum) else [(term, tuple(range(term.rank)))]
    if factor not in factors:
        return [(c, term)]
    factors.remove(factor)
    c = c * (term.coefficient if isinstance(term, Einsum) else 1)
    node, labels = factor
    ones = [(Ones.make(s), (a,)) for s, a in zip(node.shape, labels, strict=True)]
    return [(s * c, einsum([*factors, *f], range(term.rank))) for s, f in ((1, ones), (-1, [(other, labels)]))]


def _masked_relu(node: Node) -> Node | None:
    """relu(x) .* [x > 0] is relu(x), and max(x, 0) .* [x >= 0] is max(x, 0)."""
    if not isinstance(node, Einsum):
        return None
    for at, (mask, labels) in enumerate(node.factors):
        if isinstance(mask, Map) and mask.op in (GT, GE) and is_zero(mask.args[1]):
            relu = elementwise(RELU, mask.args[0]) if mask.op is GT else elementwise(MAX, *mask.args)
            if (relu, labels) in node.factors:
                rest = [f for i, f in enumerate(node.factors) if i != at]
                return einsum(rest, range(node.rank), node.coefficient)
    return None


Identity = Callable[[Node], Node | None]


def _quotient(names: Callable[[], tuple[Elementwise, Elementwise, Elementwise]]) -> Identity:
    """The rule sinh(x) / cosh(x) = tanh(x), or one like it."""

    def rule(node: Node) -> Node | None:
        if not isinstance(node, Einsum):
            return None
        above, below, whole = names()
        for i, (top, labels) in enumerate(node.factors):
            if isinstance(top, Map) and top.op is above:
                wanted = power(elementwise(below, top.args[0]), -1), labels
                if wanted in node.factors:
                    rest = [f for k, f in enumerate(node.factors) if k != i and f != wanted]
                    found = elementwise(whole, top.args[0]), labels
                    return einsum([*rest, found], range(node.rank), node.coefficient)
        return None

    return rule


def _mask_of_relu(node: Node) -> Node | None:
    """[relu(x) > 0] is [x > 0]."""
    if isinstance(node, Map) and node.op is GT and is_zero(node.args[1]) and _is_relu(node.args[0]):
        return elementwise(GT, node.args[0].args[0], node.args[1])
    return None


def _is_relu(node: Node) -> bool:
    return isinstance(node, Map) and node.op is RELU


GT = _comparison("gt", ">", lambda a, b: a > b, "{0} > {1}")
GE = _comparison("ge", ">=", lambda a, b: a >= b, r"{0} \ge {1}")
LT = _comparison("lt", "<", lambda a, b: a < b, "{0} < {1}")
LE = _comparison("le", "<=", lambda a, b: a <= b, r"{0} \le {1}")
EQ = _comparison("eq", "==", lambda a, b: a == b, "{0} = {1}")
NE = _comparison("ne", "!=", lambda a, b: a != b, r"{0} \ne {1}")


# --- exponentials and logarithms ---------------------------------------------------------------


def _simplify_exp(x: Node) -> Node | None:
    if is_zero(x):
        return full(number(1), x.shape)
    return x.args[0] if isinstance(x, Map) and x.op is LOG else None


def _logistic(node: Node) -> Node | None:
    """1/(1 + e^t) is sigma(-t), and so are its powers."""
    exponent = as_number(node.exponent) if isinstance(node, Power) else None
    if isinstance(node, Power) and type(exponent) is int and exponent < 0:
        t = _one_plus_exp(node.base)
        return None if t is None else power(elementwise(SIGMOID, scaled(-1, t)), -exponent)
    return None


def _one_plus_exp(node: Node) -> Node | None:
    """t where the node is 1 + e^t."""
    if not isinstance(node, Add) or len(node.terms) != 2 or any(c != 1 for c, _ in node.terms):
        return None
    for (_, one), (_, other) in (node.terms, node.terms[::-1]):
        if _is_one(one) and isinstance(other, Map) and other.op is EXP:
            return other.args[0]
    return None


def _is_one(node: Node) -> bool:
    return isinstance(node, Ones) or (
        isinstance(node, Einsum) and node.coefficient == 1 and all(isinstance(n, Ones) for n in node.args)
    )


def _exp_times_logistic(node: Node) -> Node | None:
    """e^t sigma(-t) is sigma(t)."""
    if not isinstance(node, Einsum) or len(node.factors) < 2:
        return None
    for i, (e, labels) in enumerate(node.factors):
        if isinstance(e, Map) and e.op is EXP:
            partner = elementwise(SIGMOID, scaled(-1, e.args[0]))
            for j, factor in enumerate(node.factors):
                if factor == (partner, labels):
                    rest = [f for k, f in enumerate(node.factors) if k not in (i, j)]
                    product = [(elementwise(SIGMOID, e.args[0]), labels), *rest]
                    return einsum(product, range(node.rank), node.coefficient)
    return None


def _softmax_of_quotient(node: Node) -> Node | None:
    """e^v / sum(e^v) is softmax(v), also over all entries of a matrix."""
    if not isinstance(node, Einsum):
        return None
    from symgrad.operations.reductions import softmax_of

    for i, (e, labels) in enumerate(node.factors):
        if isinstance(e, Map) and e.op is EXP and 0 < len(labels) == len(set(labels)):
            total_of = einsum([(e, labels)], ())
            for j, (q, q_labels) in enumerate(node.factors):
                exponent = as_number(q.exponent) if isinstance(q, Power) and q.base is total_of else None
                if not q_labels and type(exponent) is int and exponent < 0:
                    rest = [f for k, f in enumerate(node.factors) if k not in (i, j)]
                    rest += [(softmax_of(e.args[0]), labels), (power(total_of, exponent + 1), ())]
                    found = einsum(rest, range(node.rank), node.coefficient)
                    return _softmax_of_quotient(found) or found
    return None


def _sigmoid_of_quotient(node: Node) -> Node | None:
    """e^u / (e^u + e^v) is sigma(u - v)."""
    if not isinstance(node, Einsum):
        return None
    for i, (e, labels) in enumerate(node.factors):
        for j, (q, q_labels) in enumerate(node.factors) if isinstance(e, Map) and e.op is EXP else ():
            exponent = as_number(q.exponent) if isinstance(q, Power) and q_labels == labels else None
            other = _other_exponential(q.args[0], e) if type(exponent) is int and exponent < 0 else None
            if other is not None:
                sigma = elementwise(SIGMOID, add(((1, e.args[0]), (-1, other))))
                rest = [f for k, f in enumerate(node.factors) if k not in (i, j)]
                rest += [(sigma, labels), (power(q.args[0], exponent + 1), labels)]  # type: ignore[operator]
                found = einsum(rest, range(node.rank), node.coefficient)
                return _sigmoid_of_quotient(found) or found
    return None


def _other_exponential(node: Node, e: Node) -> Node | None:
    """v where the node is e + e^v."""
    if not isinstance(node, Add) or len(node.terms) != 2 or (1, e) not in node.terms:
        return None
    ((c, other),) = [t for t in node.terms if t != (1, e)]
    return other.args[0] if c == 1 and isinstance(other, Map) and other.op is EXP else None


def _simplify_log(x: Node) -> Node | None:
    if isinstance(x, Map) and x.op is EXP:
        return x.args[0]
    if isinstance(x, Map) and x.op is SIGMOID:
        return scaled(-1, elementwise(SOFTPLUS, scaled(-1, x.args[0])))
    if isinstance(x, Einsum) and len(x.factors) == 2 and x.coefficient == 1:  # log(e^u q) is u + log q
        own = tuple(range(x.rank))
        for (e, labels), (q, others) in (x.factors, x.factors[::-1]):
            if isinstance(e, Map) and e.op is EXP and labels == others == own:
                return add(((1, e.args[0]), (1, elementwise(LOG, q))))
    if as_number(x) == 1:
        return number(0)
    if isinstance(x, Apply):
        from symgrad.operations.reductions import log_of_function

        return log_of_function(x)
    if isinstance(x, Power) and as_number(x.exponent) == -1:
        return scaled(-1, elementwise(LOG, x.args[0]))
    if isinstance(x, Einsum) and x.coefficient == 1 and len(x.factors) == 1:
        from symgrad.operations.reductions import log_of_sum

        return log_of_sum(x)
    t = _one_plus_exp(x)
    return None if t is None else elementwise(SOFTPLUS, t)


EXP = _unary(
    "exp", lambda y, x: y, lambda x: np.exp(x), lambda x, y: y, "np.exp({0})", positive=True, simplify=_simplify_exp,
    rules=(
        _logistic, _exp_times_logistic, _softmax_of_quotient, _sigmoid_of_quotient, _complement_beside, _both_sigmoids,
        _complement_inside,
    ),
    latex=r"\exp({0})", sympy="exp",
    lesson=(
        "The exponential is its own derivative.",
        "مشتق تابع نمایی خود آن است.",
    ),
    doc="The exponential.", source="d e^x = e^x dx",
)  # fmt: skip
LOG = _unary(
    "log", lambda y, x: 1 / x, lambda x: np.log(x), lambda x, y: 1 / x, "np.log({0})", simplify=_simplify_log,
    domain="positive", latex=r"\log({0})", sympy="log", spellings=("ln",),
    lesson=(
        r"The logarithm: $\log' u = 1/u$.",
        r"لگاریتم: $\log' u = 1/u$.",
    ),
    doc="The natural logarithm.", source="d log x = dx / x",
)  # fmt: skip
LOG1P = _unary(
    "log1p", lambda y, x: 1 / (1 + x), lambda x: np.log1p(x), lambda x, y: 1 / (1 + x), "np.log1p({0})",
    domain="positive", doc="log(1 + x), exact for small x.", source="chain rule",
)  # fmt: skip
EXPM1 = _unary(
    "expm1", lambda y, x: y + 1, lambda x: np.expm1(x), lambda x, y: y + 1, "np.expm1({0})",
    doc="exp(x) - 1, exact for small x.", source="chain rule",
)  # fmt: skip

# --- trigonometric and hyperbolic --------------------------------------------------------------

SIN: Elementwise = _unary(
    "sin", lambda y, x: _of(lambda: COS, x), lambda x: np.sin(x), lambda x, y: np.cos(x), "np.sin({0})",
    latex=r"\sin({0})", sympy="sin", rules=(_quotient(lambda: (SIN, COS, TAN)),),
    doc="The sine.", source="elementary",
)  # fmt: skip
COS: Elementwise = _unary(
    "cos", lambda y, x: -_of(lambda: SIN, x), lambda x: np.cos(x), lambda x, y: -np.sin(x), "np.cos({0})",
    latex=r"\cos({0})", sympy="cos", doc="The cosine.", source="elementary",
)  # fmt: skip
TAN: Elementwise = _unary(
    "tan", lambda y, x: 1 + y**2, lambda x: np.tan(x), lambda x, y: np.cos(x) ** -2, "np.tan({0})", domain="unit",
    latex=r"\tan({0})", sympy="tan", doc="The tangent.", source="elementary",
)  # fmt: skip
SINH: Elementwise = _unary(
    "sinh", lambda y, x: _of(lambda: COSH, x), lambda x: np.sinh(x), lambda x, y: np.cosh(x), "np.sinh({0})",
    latex=r"\sinh({0})", sympy="sinh", rules=(_quotient(lambda: (SINH, COSH, TANH)),),
    doc="The hyperbolic sine.", source="elementary",
)  # fmt: skip
COSH: Elementwise = _unary(
    "cosh", lambda y, x: _of(lambda: SINH, x), lambda x: np.cosh(x), lambda x, y: np.sinh(x), "np.cosh({0})",
    latex=r"\cosh({0})", sympy="cosh", doc="The hyperbolic cosine.", source="elementary", positive=True,
)  # fmt: skip
TANH: Elementwise = _unary(
    "tanh", lambda y, x: 1 - y**2, lambda x: np.tanh(x), lambda x, y: np.cosh(x) ** -2, "np.tanh({0})",
    latex=r"\tanh({0})", sympy="tanh",
    lesson=(
        r"The hyperbolic tangent: $\tanh' = 1 - \tanh^2$.",
        r"تانژانت هذلولی: $\tanh' = 1 - \tanh^2$.",
    ),
    doc="The hyperbolic tangent.", source="elementary",
)  # fmt: skip
ARCSIN = _unary(
    "arcsin", lambda y, x: 1 / _root(1 - x**2), lambda x: np.arcsin(x), lambda x, y: 1 / np.cos(y), "np.arcsin({0})",
    domain="unit", latex=r"\arcsin({0})", sympy="asin", doc="The inverse sine, on (-1, 1).", source="elementary",
)  # fmt: skip
ARCCOS = _unary(
    "arccos", lambda y, x: -1 / _root(1 - x**2), lambda x: np.arccos(x), lambda x, y: -1 / np.sin(y), "np.arccos({0})",
    domain="unit", latex=r"\arccos({0})", sympy="acos", doc="The inverse cosine, on (-1, 1).", source="elementary",
)  # fmt: skip
ARCTAN = _unary(
    "arctan", lambda y, x: 1 / (1 + x**2), lambda x: np.arctan(x), lambda x, y: np.cos(y) ** 2, "np.arctan({0})",
    latex=r"\arctan({0})", sympy="atan", doc="The inverse tangent.", source="elementary",
)  # fmt: skip
ERF = _unary(
    "erf", lambda y, x: 2 * _of(lambda: EXP, -(x**2)) / _root(PI), lambda x: special.erf(x),
    lambda x, y: 2 / np.sqrt(np.pi) * np.exp(-x * x), "special.erf({0})",
    doc="The error function, 2/sqrt(pi) times the integral of exp(-t^2) from 0 to x.", source="definition",
)  # fmt: skip

# --- activations -------------------------------------------------------------------------------


def _sigmoid_value(x: Array) -> Array:
    return 0.5 * (1 + np.tanh(0.5 * x))  # analytic, and safe for large |x|


def _softplus_value(x: Array) -> Array:
    return np.log1p(np.exp(-np.abs(x))) + np.maximum(x, 0) if np.isrealobj(x) else np.log(1 + np.exp(x))


def _root_of_square(node: Node) -> Node | None:
    """sqrt(s^2 t) is |s| sqrt(t), where |s| occurs as well so that something may cancel."""
    exponent = as_number(node.exponent) if isinstance(node, Power) and not node.rank else None
    if exponent is None or Fraction(exponent).denominator != 2 or not isinstance(node.args[0], Einsum):
        return None
    factors = _opened_squares(node.args[0].factors)
    for factor in factors:
        if not factor[1] and factors.count(factor) >= 2:
            factors.remove(factor)
            factors.remove(factor)
            rest = power(einsum(factors, (), node.args[0].coefficient), exponent)
            return hadamard(power(elementwise(ABS, factor[0]), 2 * exponent), rest)
    return None


def _opened_squares(factors: tuple[Factor, ...]) -> list[Factor]:
    """Factors with the scalars of nested products taken out: (s x)'(s x) has s twice."""
    flat: list[Factor] = []
    for node, labels in factors:
        scalars = [f for f in node.factors if not f[1]] if isinstance(node, Einsum) and labels else []
        if isinstance(node, Einsum) and scalars:
            flat += scalars
            rest = [f for f in node.factors if f[1]]
            node = einsum(rest, range(node.rank), node.coefficient)
        flat.append((node, labels))
    return flat


def _over_its_size(node: Node) -> Node | None:
    """x / |x| is sign(x)."""
    if not isinstance(node, Einsum):
        return None
    for i, (size, labels) in enumerate(node.factors):
        exponent = as_number(size.exponent) if isinstance(size, Power) else None
        base = size.args[0] if isinstance(size, Power) else size
        if isinstance(base, Map) and base.op is ABS and exponent is not None and exponent <= -1:
            partner = (base.args[0], labels)
            if partner in node.factors:
                rest = [f for k, f in enumerate(node.factors) if k != i]
                rest.remove(partner)
                rest += [(elementwise(SIGN, base.args[0]), labels), (power(base, exponent + 1), labels)]
                return einsum(rest, range(node.rank), node.coefficient)
    return None


def _times_its_sign(node: Node) -> Node | None:
    """|x| |x| is x x, and |x| sign(x) is x."""
    if not isinstance(node, Einsum):
        return None
    for i, (size, labels) in enumerate(node.factors):
        if isinstance(size, Map) and size.op is ABS:
            rest = [f for k, f in enumerate(node.factors) if k != i]
            for partner, replaced in (((size, labels), 2), ((elementwise(SIGN, size.args[0]), labels), 1)):
                if partner in rest:
                    rest.remove(partner)
                    return einsum([*rest, *[(size.args[0], labels)] * replaced], range(node.rank), node.coefficient)
    return None


def _with_its_sign(node: Node) -> Node | None:
    """x sign(x) is |x|."""
    if not isinstance(node, Einsum):
        return None
    for i, (sign, labels) in enumerate(node.factors):
        if isinstance(sign, Map) and sign.op is SIGN and (sign.args[0], labels) in node.factors:
            rest = [f for k, f in enumerate(node.factors) if k != i]
            rest.remove((sign.args[0], labels))
            size = elementwise(ABS, sign.args[0])
            return einsum([*rest, (size, labels)], range(node.rank), node.coefficient)
    return None


def _size_of(x: Node) -> Node | None:
    """|x| of what is not negative is x; a root is not."""
    is_root = isinstance(x, Power) and as_number(x.exponent) == Fraction(1, 2)
    return x if is_root or is_positive(x) else None


RELU = _unary(
    "relu", lambda y, x: _of(lambda: GT, x, 0), lambda x: np.where(np.real(x) > 0, x, 0), lambda x, y: (x > 0) * 1.0,
    "np.maximum({0}, 0)", rules=(_masked_relu,), simplify=lambda x: x if is_positive(x) else None,
    aliases=lambda y, x: ((elementwise(GT, x, number(0)), elementwise(GT, y, number(0))),),
    analytic=False, kinks="at 0, where the slope taken is 0", latex=r"\operatorname{{ReLU}}({0})", spellings=("ReLU",),
    lesson=(
        "ReLU lets the gradient through where its input is positive: a mask of zeros and ones.",
        "ReLU گرادیان را تنها جایی عبور می‌دهد که ورودی‌اش مثبت است: نقابی از صفر و یک.",
    ),
    doc="The rectifier max(x, 0).", source="Glorot et al. 2011",
)  # fmt: skip
SIGMOID: Elementwise = _unary(
    "sigmoid", lambda y, x: y * (1 - y), _sigmoid_value, lambda x, y: 1 / (2 + 2 * np.cosh(x)), "special.expit({0})",
    rules=(_complement, _both_sigmoids, _complement_beside, _complement_inside),
    spellings=("logistic",),
    aliases=lambda y, x: (
        (elementwise(SIGMOID, scaled(-1, x)), (1 - Entries(y)).node),
        (elementwise(SOFTPLUS, scaled(-1, x)), scaled(-1, elementwise(LOG, y))),
    ),
    latex=r"\sigma({0})", positive=True,
    lesson=(
        r"The sigmoid: $\sigma' = \sigma (1 - \sigma)$, entry by entry.",
        r"سیگموید: $\sigma' = \sigma (1 - \sigma)$، درایه‌به‌درایه.",
    ),
    doc="The logistic function 1/(1 + exp(-x)).",
    source="sigma' = sigma (1 - sigma)",
)  # fmt: skip
SOFTPLUS: Elementwise = _unary(
    "softplus", lambda y, x: _of(lambda: SIGMOID, x), _softplus_value, lambda x, y: 0.5 * (1 + np.tanh(0.5 * x)),
    "np.logaddexp(0, {0})", positive=True, doc="log(1 + exp(x)).", source="its slope is the logistic function",
)  # fmt: skip
SILU = _unary(
    "silu", lambda y, x: _of(lambda: SIGMOID, x) * (1 + x * (1 - _of(lambda: SIGMOID, x))),
    lambda x: x * _sigmoid_value(x), lambda x, y: _sigmoid_value(x) + x / (2 + 2 * np.cosh(x)),
    "{0} * special.expit({0})", doc="x sigma(x), also known as swish.", source="product rule",
)  # fmt: skip
GELU = _unary(
    "gelu",
    lambda y, x: _HALF * (1 + _of(lambda: ERF, x / _root(2))) + x * _of(lambda: EXP, -(x**2) / 2) / _root(2 * PI),
    lambda x: 0.5 * x * (1 + special.erf(x / np.sqrt(2))),
    lambda x, y: 0.5 * (1 + special.erf(x / np.sqrt(2))) + x * np.exp(-x * x / 2) / np.sqrt(2 * np.pi),
    "{0} * special.ndtr({0})", doc="x Phi(x), Phi the normal distribution function.", source="Hendrycks & Gimpel 2016",
)  # fmt: skip
ELU = _unary(
    "elu", lambda y, x: _of(lambda: EXP, _of(lambda: MIN, x, 0)),  # finite at 1000 too
    lambda x: np.where(np.real(x) > 0, x, np.expm1(np.where(np.real(x) > 0, 0, x))),
    lambda x, y: np.exp(np.minimum(x, 0)),
    "np.where({0} > 0, {0}, np.expm1(np.minimum({0}, 0)))", analytic=False,
    doc="x where x > 0, else exp(x) - 1.", source="Clevert et al. 2016",
)  # fmt: skip
ABS = _unary(
    "abs", lambda y, x: _of(lambda: SIGN, x), lambda x: np.abs(x), lambda x, y: np.sign(x), "np.abs({0})",
    analytic=False, kinks="at 0, where the slope taken is 0", latex=r"\left\lvert {0} \right\rvert",
    rules=(_root_of_square, _over_its_size, _times_its_sign),
    simplify=_size_of, sympy="Abs", doc="The absolute value.", source="elementary",
)  # fmt: skip
SIGN: Elementwise = _unary(
    "sign", _none, lambda x: np.sign(np.real(x)), lambda x, y: np.zeros_like(x), "np.sign({0})", analytic=False,
    rules=(_with_its_sign,),
    kinks="jumps at 0; the derivative is 0 elsewhere", sympy="sign", doc="-1, 0 or 1.", source="elementary",
)  # fmt: skip
STEP = _unary(
    "step", _none, lambda x: (np.real(x) > 0) * 1.0, lambda x, y: np.zeros_like(x), "({0} > 0)", analytic=False,
    kinks="jumps at 0, where it is 0; the derivative is 0 elsewhere", doc="1 where x > 0, else 0.", source="Heaviside",
)  # fmt: skip


# --- two arguments -----------------------------------------------------------------------------


def _choice(
    name: str,
    first: Elementwise,
    second: Elementwise,
    pick: Callable[[Array, Array], Array],
    code: str,
    lesson: tuple[str, str] | None = None,
) -> Elementwise:
    record: Elementwise

    def build(*views):  # type: ignore[no-untyped-def]
        if len(views) == 1:
            from symgrad.operations.reductions import extreme

            return extreme(name, views[0])
        return entrywise(lambda: record)(*views)

    def pullback(g: Array, y: Array, a: Array, *rest: Array) -> tuple[Array, ...]:
        if not rest:
            from symgrad.operations.reductions import extreme_pullback

            return extreme_pullback(g, y, a)
        to_first = pick(a, rest[0])
        return total(g * to_first, a), total(g * ~to_first, rest[0])

    def value(a: Array, *rest: Array) -> Array:
        if not rest:
            return np.asarray(getattr(np, name)(a)).reshape(1, 1)
        return np.where(pick(np.real(a), np.real(rest[0])), a, rest[0])

    record = Elementwise(
        name=name,
        lesson=lesson,
        notation=Notation(name, latex=rf"\{name}({{args}})"),
        arity=(1, 2),
        build=build,
        value=value,
        pullback=pullback,
        partials=(
            lambda y, a, b: elementwise(first, a, b),
            lambda y, a, b: elementwise(second, a, b),
        ),
        code=code,
        simplify=lambda a, b: a if a is b else None,
        kinks="where the two are equal: the first argument wins the tie",
        analytic=False,
        doc=f"The {name}imum entry by entry; of one vector, its {'largest' if name == 'max' else 'smallest'} entry.",
        example=f"{name}(x, y)",
        source="the gate that routes",
    )
    return record


MAX = _choice(
    "max",
    GE,
    LT,
    lambda a, b: a >= b,
    "np.maximum({0}, {1})",
    lesson=(
        "The maximum routes each entry of the gradient to the larger input (at a tie to the first).",
        "بیشینه، هر درایهٔ گرادیان را به ورودی بزرگ‌تر می‌فرستد (در حالت تساوی به ورودی اول).",
    ),
)
MIN: Elementwise = _choice("min", LE, GT, lambda a, b: a <= b, "np.minimum({0}, {1})")

LEAKYRELU: Elementwise = Elementwise(
    name="leakyrelu",
    notation=Notation("leakyrelu"),
    arity=(2,),
    build=entrywise(lambda: LEAKYRELU),
    value=lambda x, a: np.where(np.real(x) > 0, x, a * x),
    pullback=lambda g, y, x, a: (g * np.where(x > 0, 1, a), total(g * np.minimum(x, 0), a)),
    partials=(
        lambda y, x, a: (_of(lambda: GT, Entries(x), 0) + Entries(a) * _of(lambda: LE, Entries(x), 0)).node,
        lambda y, x, a: hadamard(x, elementwise(LE, x, number(0))),
    ),
    code="np.where({0} > 0, {0}, {1} * {0})",
    kinks="at 0, where the slope taken is that of the left side",
    analytic=False,
    doc="x where x > 0, else a*x.",
    example="leakyrelu(x, 0.1)",
    source="Maas et al. 2013",
)

RECORDS = (
    GT, GE, LT, LE, EQ, NE, EXP, LOG, LOG1P, EXPM1, SIN, COS, TAN, SINH, COSH, TANH, ARCSIN, ARCCOS, ARCTAN, ERF,
    RELU, SIGMOID, SOFTPLUS, SILU, GELU, ELU, ABS, SIGN, STEP, MAX, MIN, LEAKYRELU,
)  # fmt: skip
