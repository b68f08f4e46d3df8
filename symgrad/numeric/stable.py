"""Forms that do not overflow, where the formula as it is read would.

(1 + e^t)^-k is sigma(-t)^k, and with e^t beside it one factor is sigma(t): at t = 1000 the powers are not a
number, the logistic functions are.  The catalogue's own rules see to logarithms and to k = 1; this pass is
for code alone, so that what is printed stays what was derived.

>>> from symgrad.tensor.nodes import Input
>>> t = Input.make("t", ())
>>> stable(power(add([(1, number(1)), (1, elementwise(EXP, t))]), -2))
(1 sigmoid((-1 t[] -> 0))[] sigmoid((-1 t[] -> 0))[] -> 0)
"""

from __future__ import annotations

from collections.abc import Mapping

from symgrad.operations.elementwise import EXP, SIGMOID
from symgrad.tensor.build import add, apply, as_number, einsum, elementwise, number, power, scaled
from symgrad.tensor.nodes import Add, Apply, Einsum, Factor, Map, Node, Ones, Power, walk


def stable(root: Node) -> Node:
    """The same tensor in a form that stays finite."""
    if not any(_logistic_power(n) for n in walk(root)):
        return root
    done: dict[Node, Node] = {}
    for node in walk(root):
        done[node] = _rebuilt(node, done)
    return done[root]


def _rebuilt(node: Node, done: Mapping[Node, Node]) -> Node:
    match node:
        case Einsum():
            factors = [(done.get(n, n), labels) for n, labels in _factors(node)]
            return einsum(factors, range(node.rank), node.coefficient)
        case Add():
            return add([(c, done[n]) for c, n in node.terms], node.shape)
        case Map():
            return elementwise(node.op, *(done[a] for a in node.args))
        case Apply():
            return apply(node.op, done[node.args[0]], node.batch, tuple(done[a] for a in node.args[1:]))
        case Power():
            found = _logistic_power(node)
            return _logistic(-1, *found) if found else power(done[node.base], done[node.exponent])
        case _:
            return node


def _factors(node: Einsum) -> list[Factor]:
    """e^t (1 + e^t)^-k as sigma(t) sigma(-t)^(k - 1); other factors as they are."""
    factors: list[Factor] = list(node.factors)
    for factor, labels in node.factors:
        found = _logistic_power(factor)
        growing = (elementwise(EXP, found[0]), labels) if found else None
        if found and growing in factors:
            factors.remove(growing)
            factors.remove((factor, labels))
            factors.append((elementwise(SIGMOID, found[0]), labels))
            factors += [(_logistic(-1, found[0], found[1] - 1), labels)] * (found[1] > 1)
    return factors


def _logistic(sign: int, t: Node, k: int) -> Node:
    value = elementwise(SIGMOID, scaled(sign, t))
    return power(value, number(k)) if k > 1 else value


def _logistic_power(node: Node) -> tuple[Node, int] | None:
    """(t, k) of (1 + e^t)^-k."""
    if not isinstance(node, Power) or not isinstance(node.base, Add) or len(node.base.terms) != 2:
        return None
    exponent = as_number(node.exponent)
    if not isinstance(exponent, int) or exponent >= 0 or any(c != 1 for c, _ in node.base.terms):
        return None
    (_, one), (_, other) = sorted(node.base.terms, key=lambda term: isinstance(term[1], Map))
    if _is_one(one) and isinstance(other, Map) and other.op is EXP:
        return other.args[0], -exponent
    return None


def _is_one(node: Node) -> bool:
    return isinstance(node, Ones) or (
        isinstance(node, Einsum) and node.coefficient == 1 and all(isinstance(n, Ones) for n in node.args)
    )
