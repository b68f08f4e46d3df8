"""Absolute values, signs and brackets by three functions of canonical arguments: |u|, sign(u) and [u != 0].

[a > b] is ([u != 0] + sign(u))/2 with u = a - b, max and relu are sums with |u|.  All three go through products, drop
what is known to be positive, and multiply by the laws that hold at 0 too: |u||u| = u u, sign(u) |u| = u,
sign(u) sign(u) = [u != 0], u [u != 0] = u.

>>> from symgrad.tensor.dims import letter
>>> x = Input.make("x", (letter("n"),))
>>> absolute(scaled(-2, x)) is scaled(2, absolute(x)), sign(scaled(-2, x)) is scaled(-1, sign(x))
(True, True)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction

from symgrad.calculus.present import expanded
from symgrad.errors import LimitError
from symgrad.operations.elementwise import ABS, EQ, GE, GT, LE, LT, NE, RELU, SIGN, STEP
from symgrad.operations.matrices import DET
from symgrad.operations.record import Operation
from symgrad.tensor.build import (
    add,
    as_number,
    einsum,
    full,
    hadamard,
    is_zero,
    minus,
    number,
    plus,
    power,
    primitive,
    scaled,
    unit,
)
from symgrad.tensor.nodes import (
    Add,
    Apply,
    Coefficient,
    Delta,
    Einsum,
    Input,
    Map,
    Node,
    Ones,
    Power,
    Triangle,
    Unit,
    walk,
)
from symgrad.tensor.signs import is_positive
from symgrad.verification.elementary_numbers import is_whole

Pair = tuple[Node, tuple[int, ...]]
HALF = Fraction(1, 2)
INDICATORS = (Delta, Ones, Triangle, Unit)  # zeros and ones
BRACKETS = frozenset({GT, GE, LT, LE, EQ, NE, STEP})
EXPANSION = 512  # terms of a product that is multiplied out
DEPTH = 40  # of nested nodes that are looked into


# --- products as pieces --------------------------------------------------------------------------


def pieces(node: Einsum) -> list[tuple[Node, tuple[int, ...], int]]:
    """The factors of a product, those that share a summed label as one: node, output labels, how many times."""
    groups: list[tuple[set[int], list[Pair]]] = []
    for factor in node.factors:
        summed, members = {a for a in factor[1] if a >= node.rank}, [factor]
        apart: list[tuple[set[int], list[Pair]]] = []
        for labels, others in groups:
            if labels & summed:
                summed, members = summed | labels, [*others, *members]
            else:
                apart.append((labels, others))
        groups = [*apart, (summed, members)]
    found: dict[tuple[Node, tuple[int, ...]], int] = {}
    for _, members in groups:
        ends = tuple(sorted({a for _, ls in members for a in ls if a < node.rank}))
        key = einsum(members, ends), ends
        found[key] = found.get(key, 0) + 1
    return [(n, ends, count) for (n, ends), count in found.items()]


def _through(node: Einsum, function: Callable[[Node], Node], of_number: Coefficient) -> Node:
    """f of a product, where it is the product of the f of its pieces."""
    pairs = [(function(n), ends) for n, ends, count in pieces(node) for _ in range(count)]
    return einsum(pairs, range(node.rank), of_number)


def size_of(number: Coefficient) -> Coefficient:
    """|c| of a number."""
    return -number if number < 0 else number


def ones_like(node: Node) -> Node:
    """1 in every entry."""
    return full(number(1), node.shape)


# --- what is not negative --------------------------------------------------------------------------


def is_nonnegative(node: Node, depth: int = DEPTH) -> bool:
    """Whether every entry is known to be >= 0 wherever it has a value (not knowing is False)."""
    if is_positive(node) or isinstance(node, INDICATORS):
        return True
    if depth == 0:
        return False
    match node:
        case Input():
            return bool(node.properties & {"positive", "simplex", "onehot"})  # zeros of a structure are allowed
        case Map():
            return node.op in (ABS, RELU) or node.op in BRACKETS
        case Power():
            value = as_number(node.exponent)
            if value is None:
                return is_nonnegative(node.base, depth - 1)
            return Fraction(value).denominator > 1 or value % 2 == 0 or is_nonnegative(node.base, depth - 1)
        case Apply():
            return node.op is DET and _is_definite(node.args[0])
        case Add():
            return _outweighs(node) or all(c > 0 and is_nonnegative(n, depth - 1) for c, n in node.terms)
        case Einsum():
            return node.coefficient >= 0 and all(
                count % 2 == 0 or _is_square(n) or _all_nonnegative(n, node, depth - 1) for n, _, count in pieces(node)
            )
        case _:
            return False


def _all_nonnegative(part: Node, node: Einsum, depth: int) -> bool:
    """Of a part of a product, or of its factors if it is all of it."""
    return all(is_nonnegative(n, depth) for n in (node.args if part is node else (part,)))


def _is_definite(node: Node) -> bool:
    return isinstance(node, Input) and "spd" in node.properties


def _is_square(node: Node) -> bool:
    """Whether a sum of products has every factor twice: x'x."""
    return (
        isinstance(node, Einsum)
        and node.coefficient > 0
        and all(is_nonnegative(n) if node.factors.count((n, ls)) % 2 else True for n, ls in node.factors)
    )


def _outweighs(node: Add) -> bool:
    """c |u| + d u with c >= |d|."""
    return any(c >= size_of(d) for c, d, _ in _with_its_size(node))


def _rectified(node: Add) -> tuple[int, Node] | None:
    """(s, u) where the node is a positive multiple of |u| + s u."""
    return next(((1 if d > 0 else -1, u) for c, d, u in _with_its_size(node) if c == size_of(d)), None)


def _with_its_size(node: Add) -> Iterator[tuple[Coefficient, Coefficient, Node]]:
    """(c, d, u) where the node is c |u| + d u."""
    for at, (c, n) in enumerate(node.terms):
        if isinstance(n, Map) and n.op is ABS and len(node.terms) > 1:
            d, u = _multiple(add([t for k, t in enumerate(node.terms) if k != at], node.shape))
            if u is n.args[0]:
                yield c, d, u


def _multiple(node: Node) -> tuple[Coefficient, Node]:
    """A number times a node without one."""
    if isinstance(node, Add):
        return primitive(node)
    return (node.coefficient, unit(node)) if isinstance(node, Einsum) else (1, node)


# --- the three functions ----------------------------------------------------------------------------


def _flat(u: Node) -> Node:
    """A sum without sums among its terms."""
    while isinstance(u, Add) and any(isinstance(n, Add) for n in u.args):
        u = add([(c * d, m) for c, n in u.terms for d, m in (n.terms if isinstance(n, Add) else [(1, n)])], u.shape)
    return u


def absolute(u: Node) -> Node:
    """|u|"""
    u = _flat(u)
    if is_nonnegative(u):
        return u
    if isinstance(u, Power) and (as_number(u.exponent) is not None or is_whole(u.exponent)):
        return power(absolute(u.base), u.exponent)
    if isinstance(u, Map) and u.op is SIGN:
        return nonzero(u.args[0])
    if isinstance(u, Einsum) and _splits(u):
        return _through(u, absolute, size_of(u.coefficient))
    if isinstance(u, Add):
        content, core = primitive(u)
        return scaled(size_of(content), Map.make(ABS, (core,), u.shape))
    if isinstance(u, Einsum):
        return scaled(size_of(u.coefficient), Map.make(ABS, (unit(u),), u.shape))
    return Map.make(ABS, (u,), u.shape)


def sign(u: Node) -> Node:
    """-1, 0 or 1."""
    u = _flat(u)
    if is_positive(u):
        return ones_like(u)
    if isinstance(u, Power) and (value := as_number(u.exponent)) is not None:
        even = Fraction(value).denominator > 1 or value % 2 == 0
        return nonzero(u.base) if even else sign(u.base)
    if isinstance(u, Map) and u.op is ABS:
        return nonzero(u.args[0])
    if isinstance(u, INDICATORS) or (isinstance(u, Map) and (u.op in (SIGN, NE))):
        return u
    if isinstance(u, Einsum) and _splits(u):
        return _through(u, sign, 1 if u.coefficient > 0 else -1)
    if isinstance(u, Add) and u.terms:
        return _sign_of_sum(u)
    if isinstance(u, Einsum) and u.coefficient < 0:
        return scaled(-1, sign(scaled(-1, u)))
    if is_nonnegative(u):
        return nonzero(u)
    return u if is_zero(u) else Map.make(SIGN, (unit(u) if isinstance(u, Einsum) else u,), u.shape)


def _sign_of_sum(u: Add) -> Node:
    part = _rectified(u)
    if part is not None:
        return greater(scaled(part[0], part[1]))
    content, core = primitive(u)
    way = 1 if content > 0 else -1
    for s in (way, -way):
        if is_nonnegative(scaled(s, core)):
            return scaled(s * way, nonzero(core))
    return scaled(way, Map.make(SIGN, (core,), u.shape))


def nonzero(u: Node) -> Node:
    """[u != 0]"""
    u = _flat(u)
    if is_positive(u) or as_number(u) not in (None, 0):
        return ones_like(u)
    if isinstance(u, Power) and as_number(u.exponent) is not None:
        return nonzero(u.base)
    if isinstance(u, Map) and u.op in (ABS, SIGN):
        return nonzero(u.args[0])
    if isinstance(u, INDICATORS) or (isinstance(u, Map) and u.op is NE) or is_zero(u):
        return u
    if isinstance(u, Einsum) and _splits(u):
        return _through(u, nonzero, 1)
    if isinstance(u, Add) and (part := _rectified(u)) is not None:
        return greater(scaled(part[0], part[1]))
    u = primitive(u)[1] if isinstance(u, Add) else unit(u) if isinstance(u, Einsum) else u
    return Map.make(NE, (u, number(0)), u.shape)


def greater(u: Node) -> Node:
    """[u > 0]"""
    return add([(HALF, nonzero(u)), (HALF, sign(u))], u.shape)


def _splits(u: Einsum) -> bool:
    """Whether a product has several pieces (a number in front does not count)."""
    found = pieces(u)
    return len(found) > 1 or (bool(found) and found[0][2] > 1)


# --- functions by these --------------------------------------------------------------------------------


def bracket(op: Operation, a: Node, b: Node) -> Node | None:
    """[a > b] and the like; None of another operation."""
    a, b = spread_alike(a, b)
    u = minus(a, b)
    if op is GT:
        return greater(u)
    if op is LT:
        return greater(scaled(-1, u))
    if op is GE:
        return minus(ones_like(u), greater(scaled(-1, u)))
    if op is LE:
        return minus(ones_like(u), greater(u))
    return nonzero(u) if op is NE else minus(ones_like(u), nonzero(u)) if op is EQ else None


def spread_alike(a: Node, b: Node) -> tuple[Node, Node]:
    """Two arguments of one shape; a scalar is spread."""
    shape = a.shape or b.shape
    return (a if a.shape == shape else full(a, shape)), (b if b.shape == shape else full(b, shape))


def rectified(u: Node) -> Node:
    """(u + |u|)/2"""
    return add([(HALF, u), (HALF, absolute(u))], u.shape)


def larger(a: Node, b: Node, way: int = 1) -> Node:
    """max(a, b), or with way = -1 min(a, b): (a + b + way |a - b|)/2."""
    a, b = spread_alike(a, b)
    return add([(HALF, a), (HALF, b), (HALF * way, absolute(minus(a, b)))], a.shape)


def leaky(u: Node, slope: Node) -> Node:
    """(u + |u|)/2 + slope (u - |u|)/2"""
    u, slope = spread_alike(u, slope)
    return plus(rectified(u), scaled(-1, hadamard(slope, rectified(scaled(-1, u)))))


# --- products of these -----------------------------------------------------------------------------------


def multiplied_out(root: Node) -> Node:
    """Multiplied out, where signs, roots or entries that are 0 or 1 may meet in products, and these are shortened."""
    if not any((isinstance(n, Map) and n.op in (ABS, SIGN, NE)) or is_onehot(n) or _is_root(n) for n in walk(root)):
        return root
    try:
        return expanded(root, EXPANSION, lambda _, made: _shortened(made))
    except LimitError:
        return root


def is_onehot(node: Node) -> bool:
    """Whether a node is an input of zeros and ones."""
    return isinstance(node, Input) and "onehot" in node.properties


def _is_root(node: Node) -> bool:
    return isinstance(node, Power) and not isinstance(as_number(node.exponent), int)


def _shortened(node: Node) -> Node:
    if isinstance(node, Add):
        return add([(c, _shortened(n)) for c, n in node.terms], node.shape)
    if isinstance(node, Einsum) and len(node.factors) > 1:
        return einsum(merged(node.factors), range(node.rank), node.coefficient)
    return node


def merged(pairs: Sequence[Pair]) -> list[Pair]:
    """The factors of a product with the laws of |u|, sign(u), [u != 0] and of entries that are 0 or 1 applied."""
    found: list[Pair] = []
    for pair in pairs:
        found = _with(found, pair)
    return found


def _with(found: list[Pair], pair: Pair) -> list[Pair]:
    node, labels = pair
    if isinstance(node, Input) and "onehot" in node.properties and pair in found:
        return found
    kind, u = _kind(node)
    alike = [(k, n) for n, ls in found if ls == labels for k, v in [_kind(n)] if v is u]
    for other, partner in alike:
        law = _LAWS.get((kind, other)) or _LAWS.get((other, kind))
        if law is not None:
            rest = list(found)
            rest.remove((partner, labels))
            for made in law(u):
                rest = _with(rest, (made, labels))
            return rest
    return [*found, pair]


def _kind(node: Node) -> tuple[str, Node]:
    """What a factor is of which u."""
    if isinstance(node, Map) and (node.op in (ABS, SIGN) or (node.op is NE and is_zero(node.args[1]))):
        return node.op.name, node.args[0]
    if isinstance(node, Power) and as_number(node.exponent) == -1:
        kind, u = _kind(node.base)
        return ("over " + kind, u) if kind in ("itself", "abs") else ("itself", node)
    return "itself", node


_LAWS: dict[tuple[str, str], Callable[[Node], tuple[Node, ...]]] = {
    ("abs", "abs"): lambda u: (u, u),
    ("sign", "sign"): lambda u: (nonzero(u),),
    ("ne", "ne"): lambda u: (nonzero(u),),
    ("sign", "ne"): lambda u: (sign(u),),
    ("abs", "sign"): lambda u: (u,),
    ("abs", "ne"): lambda u: (absolute(u),),
    ("itself", "sign"): lambda u: (absolute(u),),
    ("itself", "ne"): lambda u: (u,),
    ("over itself", "abs"): lambda u: (sign(u),),
    ("over abs", "itself"): lambda u: (sign(u),),
    ("over itself", "sign"): lambda u: (power(absolute(u), -1),),
    ("over abs", "sign"): lambda u: (power(u, -1),),
    ("over itself", "ne"): lambda u: (power(u, -1),),
    ("over abs", "ne"): lambda u: (power(absolute(u), -1),),
}
