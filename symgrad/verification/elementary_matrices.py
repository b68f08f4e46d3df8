"""Functions of matrices and of whole vectors, taken apart: expm((s + t) A), X^(j + k), max(g x + s 1).

Terms that are multiples of one matrix commute, so that the exponential of their sum is a product; an exponent with
whole multiples of symbols is a product of powers.

>>> from symgrad.tensor.dims import letter
>>> from symgrad.tensor.nodes import Input
>>> A = Input.make("A", (letter("n"),) * 2)
>>> taken_apart(EXPM, scaled(2, A)) is chain([apply(EXPM, A)] * 2)
True
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from contextlib import suppress
from fractions import Fraction

from symgrad.calculus.present import expanded
from symgrad.errors import LimitError
from symgrad.operations.elementwise import EXP
from symgrad.operations.exponential import EXPM
from symgrad.operations.matrices import INV
from symgrad.operations.powers import MATRIX_POWER
from symgrad.operations.record import Operation
from symgrad.operations.reductions import FIRSTMAX, LARGEST, SMALLEST
from symgrad.tensor.build import add, apply, einsum, elementwise, hadamard, is_zero, number, primitive, scaled, unit
from symgrad.tensor.nodes import Add, Apply, Coefficient, Delta, Einsum, Node, Ones
from symgrad.tensor.signs import is_positive
from symgrad.verification.elementary_signs import size_of

Pair = tuple[Node, tuple[Hashable, ...]]
COPIES = 12  # of a matrix in a product
BOTH = (0, 1)


def taken_apart(op: Operation, x: Node, more: Sequence[Node] = (), parts: int = 1) -> Node | None:
    """op(X) as a product or a sum of simpler ones; None where nothing is to be done."""
    if op is EXPM:
        return _exponential(x, parts)
    if op is MATRIX_POWER:
        return _power(x, more[0])
    if op is SMALLEST:
        return scaled(-1, _largest(scaled(-1, x)))
    if op is LARGEST:
        return _largest(x)
    return apply(FIRSTMAX, _positive_multiple(_without_shift(x)[1])[1]) if op is FIRSTMAX else None


def chain(matrices: Sequence[Node]) -> Node:
    """The product of square matrices."""
    found = matrices[0]
    for matrix in matrices[1:]:
        found = einsum([(found, (0, "k")), (matrix, ("k", 1))], BOTH)
    return found


def terms_of(node: Node) -> list[tuple[Coefficient, Node]]:
    """The terms of a node that is multiplied out, where that is possible."""
    with suppress(LimitError):
        node = expanded(node)
    if isinstance(node, Add):
        return list(node.terms)
    return [(node.coefficient, unit(node))] if isinstance(node, Einsum) else [(1, node)]


def split_scalars(node: Node) -> tuple[Node, Node]:
    """A product as a scalar and the rest."""
    if not isinstance(node, Einsum):
        return number(1), node
    reached, grown = set(range(node.rank)), True
    while grown:
        more = {a for _, ls in node.factors if reached & set(ls) for a in ls}
        grown, reached = not more <= reached, reached | more
    inside: list[Pair] = [f for f in node.factors if reached & set(f[1])]
    apart: list[Pair] = [f for f in node.factors if not reached & set(f[1])]
    return einsum(apart, (), node.coefficient), einsum(inside, range(node.rank))


# --- functions of one matrix -----------------------------------------------------------------------


def _exponential(x: Node, parts: int) -> Node:
    """The product over the terms, if all are multiples of one matrix and of the identity."""
    terms = [(c, *split_scalars(t)) for c, t in terms_of(x)]
    matrices = {m for _, _, m in terms if not isinstance(m, Delta)}
    if len(matrices) > 1 or x.rank != 2:
        return apply(EXPM, add([(c, hadamard_of(s, m)) for c, s, m in terms], x.shape))
    scalar = number(1)
    factors: list[Node] = [Delta.make(x.shape[0])]
    for c, s, matrix in terms:
        if isinstance(matrix, Delta):
            scalar = hadamard(scalar, elementwise(EXP, scaled(c, s)))
        else:
            factors += _copies(Fraction(c), s, matrix, parts)
    return hadamard_of(scalar, chain(factors))


def hadamard_of(scalar: Node, matrix: Node) -> Node:
    """A multiple of a matrix."""
    axes = tuple(range(matrix.rank))
    return einsum([(scalar, ()), (matrix, axes)], axes)


def _copies(c: Fraction, s: Node, matrix: Node, parts: int) -> list[Node]:
    k = c * parts
    whole = k.denominator == 1 and abs(k) <= COPIES
    step = Fraction(1 if k > 0 else -1, parts) if whole else c
    return [apply(EXPM, scaled(step, hadamard_of(s, matrix)))] * (abs(int(k)) if whole else 1)


def _power(x: Node, exponent: Node) -> Node:
    """X^(j + 2 k - 1) is X^j X^k X^k inv(X), and (X X)^j is X^j X^j."""
    base, times = _root_of(x)
    factors: list[Node] = [Delta.make(x.shape[0])]
    for c, t in terms_of(exponent):
        c = c * times
        if not isinstance(c, int) or abs(c) > COPIES:
            return apply(MATRIX_POWER, x, 0, (exponent,))
        one = isinstance(t, Einsum) and not t.factors
        step = base if one else apply(MATRIX_POWER, base, 0, (t,))
        factors += [step if c > 0 else Apply.make(INV, step, 0)] * abs(c)
    return chain(factors)


def _root_of(x: Node) -> tuple[Node, int]:
    """(M, j) where X is M^j."""
    if isinstance(x, Einsum) and x.coefficient == 1 and len(set(x.args)) == 1 and 1 < len(x.args) <= COPIES:
        base, times = x.args[0], len(x.args)
        if base.rank == 2 and chain([base] * times) is x:
            return base, times
    return x, 1


# --- the largest entry ------------------------------------------------------------------------------


def _largest(x: Node) -> Node:
    """max(g x + s 1) = g max(x) + s, g being positive."""
    shift, rest = _without_shift(x)
    if is_zero(rest):
        return shift
    factor, rest = _positive_multiple(rest)
    return add([(1, hadamard(factor, apply(LARGEST, rest))), (1, shift)], ())


def _positive_multiple(x: Node) -> tuple[Node, Node]:
    """(g, y) where the vector is g y, g being positive."""
    if isinstance(x, Add):
        content, y = primitive(x)
        return number(size_of(content)), scaled(1 if content > 0 else -1, y)
    if not isinstance(x, Einsum):
        return number(1), x
    positive: list[Pair] = [f for f in x.factors if not f[1] and is_positive(f[0])]
    rest: list[Pair] = [f for f in x.factors if f not in positive]
    way = 1 if x.coefficient > 0 else -1
    return einsum(positive, (), size_of(x.coefficient)), einsum(rest, range(x.rank), way)


def _without_shift(x: Node) -> tuple[Node, Node]:
    """(s, y) where the vector is y + s 1; of a vector that has several axes, vec(F), nothing is taken out."""
    if x.rank != 1:
        return number(0), x
    shift: list[tuple[Coefficient, Node]] = []
    rest: list[tuple[Coefficient, Node]] = []
    for c, t in terms_of(x):
        factors: list[Pair] = list(t.factors) if isinstance(t, Einsum) else [(t, (0,))]
        spread = [f for f in factors if isinstance(f[0], Ones) and f[1] == (0,)]
        if spread and all(f in spread or 0 not in f[1] for f in factors):
            shift.append((c, einsum([f for f in factors if f not in spread], ())))
        else:
            rest.append((c, t))
    return add(shift, ()), add(rest, x.shape)
