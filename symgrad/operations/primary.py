"""Functions of one variable applied to a square matrix, and their derivatives of every order: expm(X), X^k.

What is true of all of them: f of the block matrix [[X, E], [0, X]] has the derivative of f at X in the
direction E in its corner, and f of a longer such staircase the higher ones.  So the derivative of order p is
one opaque node over 2 (p + 1) axes, the coefficient of E1 E2 ... Ep (in this order) in that corner:
`D[i, j, k1, l1, ..., kp, lp]`; deriving it inserts one more pair at every place.  Where D meets a direction it
becomes a matrix again, and where it is traced the derivative f' of the scalar function: tr(f(X)) has the
gradient f'(X)'.

Source: Higham, Functions of Matrices, ch. 3; Mathias 1996.

>>> from symgrad.tensor.dims import letter
>>> from symgrad.tensor.nodes import Input
>>> frechet(EXPONENTIAL, apply(EXPM, Input.make("X", (letter("n"),) * 2))).shape
(n, n, n, n)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain
from typing import Any

from symgrad.errors import DomainError, NotDifferentiableError, ShapeError, SymgradError
from symgrad.operations.arrays import Array, linalg, np
from symgrad.operations.elementwise import EXP
from symgrad.operations.record import Notation, TensorFunction
from symgrad.operations.shapes import as_matrix, require_square
from symgrad.tensor.build import (
    MINUS_ONE,
    apply,
    as_number,
    einsum,
    elementwise,
    hadamard,
    is_zero,
    plus,
    power,
    scaled,
    transposed,
    unit,
    zero,
)
from symgrad.tensor.canonical import symmetry
from symgrad.tensor.index import Indexed, Tensor
from symgrad.tensor.nodes import Apply, Delta, Einsum, Node, Ones
from symgrad.tensor.view import View, same_shape

MAX_PRODUCT = 64  # X^k is written out as a product up to this k

Labels = tuple[Hashable, ...]
Factors = list[tuple[Node, Labels]]


@dataclass(frozen=True, eq=False, slots=True)
class Family:
    """A function f of one variable, perhaps with a scalar parameter.

    value      f of a square matrix (or a stack of them), parameters after it
    code       the same as a NumPy expression over `{0}` and `{1}`
    slope      nodes (X, parameters) -> f'(X)
    direction  the record of the derivative in a given direction, where the text language has one
    """

    name: str
    value: Callable[..., Array]
    code: str
    slope: Callable[..., Node]
    direction: Callable[[], TensorFunction] | None = None


# --- derivatives ---------------------------------------------------------------------------------


def frechet(family: Family, y: Node) -> Node:
    """d f(X)[i, j] / d X[k, l] of the node y = f(X)."""
    return apply(_derivative(family, 1), y.args[0], 0, y.args[1:])


@cache
def _derivative(family: Family, order: int) -> TensorFunction:
    """The record of D, the derivative of this order as an array."""
    name = f"d{order if order > 1 else ''}{family.name}"

    def unspoken(*_: object) -> Any:
        raise SymgradError(f"{name} is no function of the text language")

    return TensorFunction(
        name=f"{name} of order {order}",
        notation=Notation(name),
        arity=(1,),
        build=unspoken,
        value=lambda x, *parameters: _corner(family, order, x, parameters),
        pullback=unspoken,
        core="m->" + "m" * (order + 1),
        jacobian=lambda y, x, *letters: _inserted(family, order, y, x, letters),
        slopes=(_whole_exponent,) if family is POWERS else (),
        code=_corner_code(family, order),
        simplify=lambda x, *parameters: _of_transpose(family, order, x, parameters),
        rules=(lambda node: _contracted(family, node),) if order == 1 else (),
        primary=(family.name, order),
        doc=f"The derivative of order {order} of {family.name}: the coefficient of E1 E2 ... in its corner.",
        example=f"{family.name}(X)",
        source="Mathias 1996",
    )


def _inserted(family: Family, order: int, y: Tensor, x: Tensor, letters: Sequence[Any]) -> Indexed:
    """One more pair at every place of D[i, j, k1, l1, ...]."""
    if x.batch or x.node is None or y.node is None:
        raise NotDifferentiableError(f"no derivative of a batch of {family.name} is known")
    *own, k, l = letters
    higher = Tensor(apply(_derivative(family, order + 1), x.node, 0, y.node.args[1:]))
    places = range(2, len(own) + 1, 2)
    terms = [higher[(*own[:at], k, l, *own[at:])] for at in places]
    return Indexed(tuple(chain.from_iterable(t.terms for t in terms)))


def _of_transpose(family: Family, order: int, x: Node, parameters: tuple[Node, ...]) -> Node | None:
    """D(X')[i, j, k1, l1, ..., kp, lp] = D(X)[j, i, lp, kp, ..., l1, k1]."""
    if not _is_transpose(x):
        return None
    pairs = [(2 * q, 2 * q + 1) for q in range(order + 1)]
    turned = [a for pair in (pairs[0], *reversed(pairs[1:])) for a in reversed(pair)]
    return einsum([(apply(_derivative(family, order), transposed(x), 0, parameters), turned)], range(2 * order + 2))


def _is_transpose(node: Node) -> bool:
    return isinstance(node, Einsum) and len(node.factors) == 1 and node.factors[0][1] == (1, 0)


def _corner(family: Family, order: int, x: Array, parameters: Sequence[Any]) -> Array:
    """D by f of the staircases of all unit matrices E at once."""
    n = len(x)
    blocks = np.kron(np.eye(order + 1), x)
    for q in range(order):
        step = np.zeros((order + 1, order + 1))
        step[q, q + 1] = 1
        shape = (1, 1) * q + (n, n) + (1, 1) * (order - 1 - q) + (n, n)
        blocks = blocks + np.kron(step, np.eye(n * n).reshape(shape))
    return np.moveaxis(family.value(blocks, *parameters)[..., :n, order * n :], (-2, -1), (0, 1))


def _corner_code(family: Family, order: int) -> str:
    """`_corner` as one NumPy expression."""
    parts = [f"np.kron(np.eye({order + 1}), {{0}})"]
    for q in range(order):
        step = ", ".join("1" if at == q else "0" for at in range(order))
        shape = "2 * {0}.shape"
        if order > 1:
            shape = f"{2 * q} * (1,) + {{0}}.shape + {2 * (order - 1 - q)} * (1,) + {{0}}.shape"
        parts.append(f"np.kron(np.diag([{step}], 1), np.eye({{0}}.size).reshape({shape}))")
    value = family.code.replace("{0}", " + ".join(parts))
    last = "len({0})" if order == 1 else f"{order} * len({{0}})"
    return f"np.moveaxis({value}[..., :len({{0}}), {last}:], (-2, -1), (0, 1)).astype({{0}}.dtype)"


def _stairs(x: Array, *directions: Array) -> Array:
    """The block matrix with x on the diagonal and the directions above it."""
    n, count = len(x), len(directions) + 1
    blocks = np.zeros((count * n, count * n), np.result_type(x, *directions, 1.0))
    for q in range(count):
        blocks[q * n : (q + 1) * n, q * n : (q + 1) * n] = x
        if q < len(directions):
            blocks[q * n : (q + 1) * n, (q + 1) * n : (q + 2) * n] = directions[q]
    return blocks


# --- where D meets other factors -------------------------------------------------------------------


def _contracted(family: Family, node: Node) -> Node | None:
    """A product in which D of order 1 is traced, or meets a direction, with a matrix in its place."""
    found = node
    while isinstance(found, Einsum):
        replaced = _traced(family, found) or _directed(family, found)
        if replaced is None:
            break
        found = replaced
    return None if found is node else found


def _occurrences(family: Family, node: Einsum) -> list[int]:
    return [i for i, (n, _) in enumerate(node.factors) if isinstance(n, Apply) and n.op is _derivative(family, 1)]


def _traced(family: Family, node: Einsum) -> Node | None:
    """sum_i D[i, i, k, l] = f'(X)[l, k] and sum_k D[i, j, k, k] = f'(X)[i, j]."""
    degree = Counter(chain(range(node.rank), *(labels for _, labels in node.factors)))
    for place in _occurrences(family, node):
        d, (i, j, k, l) = node.factors[place]
        for (a, b), ends in (((i, j), (l, k)), ((k, l), (i, j))):
            if a == b and degree[a] == 2:
                rest = [f for at, f in enumerate(node.factors) if at != place]
                return einsum([*rest, (family.slope(*d.args), ends)], range(node.rank), node.coefficient)
    return None


def _directed(family: Family, node: Einsum) -> Node | None:
    """sum_kl D[i, j, k, l] E[k, l] as one matrix, and sum_ij D[i, j, k, l] E[j, i] likewise."""
    if family.direction is None:
        return None
    for place in _occurrences(family, node):
        d, (i, j, k, l) = node.factors[place]
        rest: Factors = [f for at, f in enumerate(node.factors) if at != place]
        for pair, ends in (((k, l), (i, j)), ((j, i), (l, k))):
            inside = _closed(rest, pair, {*range(node.rank), *ends})
            if inside is None:
                continue
            direction = _matrix_over(inside, pair, d.args[0])
            matrix = apply(family.direction(), d.args[0], 0, (direction, *d.args[1:]))
            outside = [f for f in rest if f not in inside]
            return einsum([*outside, (matrix, ends)], range(node.rank), node.coefficient)
    return None


def _closed(factors: Factors, pair: Labels, forbidden: set[Hashable]) -> Factors | None:
    """The factors that hang on the labels of `pair`, unless they reach beyond."""
    reached, inside = set(pair), set()
    grown = True
    while grown:
        grown = False
        for at, (_, labels) in enumerate(factors):
            if at not in inside and reached & set(labels):
                inside.add(at)
                reached |= set(labels)
                grown = True
    return None if reached & forbidden else [factors[at] for at in sorted(inside)]


def _matrix_over(factors: Factors, pair: Labels, x: Node) -> Node:
    """A product as a matrix over two labels: spread where they have none, diagonal where the two are one."""
    ends, tied = pair, list(factors)
    if pair[0] == pair[1]:
        ends = (pair[0], "twin")
        tied.append((Delta.make(x.shape[0]), ends))
    spread = [(Ones.make(x.shape[0]), (a,)) for a in ends]
    return einsum([*tied, *spread], ends)


# --- diagonal matrices -----------------------------------------------------------------------------


def diagonal_of(node: Node) -> Node | None:
    """The vector v of a node that is diag(v)."""
    if isinstance(node, Delta):
        return Ones.make(node.shape[0])
    if not isinstance(node, Einsum) or node.rank != 2:
        return None
    rest = [f for f in node.factors if not (isinstance(f[0], Delta) and f[1] == (0, 1))]
    if len(rest) != len(node.factors) - 1 or any(1 in labels for _, labels in rest):
        return None
    return einsum([*rest, (Ones.make(node.shape[0]), (0,))], (0,), node.coefficient)


def diagonal_matrix(entries: Node) -> Node:
    """diag(v) of a vector node."""
    return einsum([(entries, (0,)), (Delta.make(entries.shape[0]), (0, 1))], (0, 1))


# --- the exponential -------------------------------------------------------------------------------


def _simplify_expm(x: Node) -> Node | None:
    if x.rank == 0:
        return elementwise(EXP, x)
    if is_zero(x):
        return Delta.make(x.shape[0])
    entries = diagonal_of(x)
    return None if entries is None else diagonal_matrix(elementwise(EXP, entries))


def _simplify_direction(x: Node, e: Node) -> Node | None:
    if x.rank == 0:
        return hadamard(elementwise(EXP, x), e)
    if is_zero(e):
        return zero(e.shape)
    if isinstance(e, Delta):
        return apply(EXPM, x)
    if isinstance(e, Einsum) and e.coefficient != 1:
        return scaled(e.coefficient, apply(DEXPM, x, 0, (unit(e),)))
    if _is_transpose(x) or (_is_transpose(e) and symmetry(x) == 1):
        return transposed(apply(DEXPM, transposed(x), 0, (transposed(e),)))
    return None


def _square(view: View, what: str) -> View:
    require_square(view, what)
    return as_matrix(view)


def _expm(view: View) -> View:
    return View(apply(EXPM, _square(view, "expm").node), view.rows and 1)


def _dexpm(view: View, direction: View) -> View:
    x, e = _square(view, "dexpm"), _square(direction, "dexpm")
    if not same_shape(x, e):
        raise ShapeError(f"dexpm needs a direction of the matrix's shape: {x.describe()} and {e.describe()}")
    return View(apply(DEXPM, x.node, 0, (e.node,)), x.rows)


def _direction_value(x: Array, e: Array) -> Array:
    return linalg.expm(_stairs(x, e))[: len(x), len(x) :]


def _direction_pullback(g: Array, y: Array, x: Array, e: Array) -> tuple[Array, Array]:
    """By the adjoint: the second derivative in the directions E' and g, both ways round."""
    n = len(x)
    both = [linalg.expm(_stairs(x.T, *pair))[:n, 2 * n :] for pair in ((e.T, g), (g, e.T))]
    return both[0] + both[1], _direction_value(x.T, g)


def _direction_jacobian(y: Tensor, x: Tensor, i: Labels, j: Labels, k: Labels, l: Labels) -> Indexed:
    assert y.node is not None and x.node is not None
    second, e = Tensor(apply(_derivative(EXPONENTIAL, 2), x.node)), Tensor(y.node.args[1])
    a, b = ("direction's row",), ("direction's column",)
    return (second[i, j, a, b, k, l] + second[i, j, k, l, a, b]) * e[a, b]


def _by_direction(y: Tensor, e: Tensor, *letters: Labels) -> Indexed:
    assert y.node is not None
    return Tensor(apply(_derivative(EXPONENTIAL, 1), y.node.args[0]))[letters]


EXPONENTIAL = Family("expm", lambda x: linalg.expm(x), "linalg.expm({0})", lambda x: apply(EXPM, x), lambda: DEXPM)
EXPM: TensorFunction = TensorFunction(
    name="expm",
    notation=Notation("expm"),
    arity=(1,),
    build=_expm,
    value=lambda x: linalg.expm(x),
    pullback=lambda g, y, x: (linalg.expm_frechet(x.T, g, compute_expm=False),),
    core="m->m",
    jacobian=lambda y, x, *letters: _inserted(EXPONENTIAL, 0, y, x, letters),
    code="linalg.expm({0})",
    simplify=_simplify_expm,
    transposes=True,
    primary=("expm", 0),
    doc="The exponential of a square matrix: I + X + X^2/2 + ...",
    example="expm(X)",
    source="Higham, Functions of Matrices, ch. 10",
)
DEXPM: TensorFunction = TensorFunction(
    name="dexpm",
    notation=Notation("dexpm", latex=r"\mathrm{{D}}\!\exp\left({0}\right)\left[{1}\right]"),
    arity=(2,),
    build=_dexpm,
    value=_direction_value,
    pullback=_direction_pullback,
    core="m->m",
    jacobian=_direction_jacobian,
    slopes=(_by_direction,),
    code="linalg.expm_frechet({0}, {1}, compute_expm=False)",
    simplify=_simplify_direction,
    primary=("expm", 1),
    doc="The derivative of expm at X in the direction E: the integral of expm(s X) E expm((1 - s) X) over s in [0, 1].",
    example="dexpm(X, E)",
    source="Higham, Functions of Matrices, ch. 10.2",
)

# --- powers ----------------------------------------------------------------------------------------


def matrix_power(x: Array, exponent: Any) -> Array:
    """X^k.  Raises DomainError unless k is a whole number, or where X has no inverse and k < 0."""
    k = float(np.real(np.asarray(exponent).item()))
    if k != round(k):
        raise DomainError(
            f"a power of a matrix needs a whole exponent, not {k:g}", hint=".^ for a power entry by entry"
        )
    try:
        return np.linalg.matrix_power(x, round(k))
    except np.linalg.LinAlgError:
        raise DomainError(f"a singular matrix has no power {k:g}") from None


def power_of(x: View, exponent: Node) -> View:
    """X^k of a square matrix; k is a scalar that will be a whole number.  Raises ShapeError for another number."""
    number = as_number(exponent)
    if number is not None and not isinstance(number, int):
        raise ShapeError("a matrix power needs a whole number as exponent", hint=".^ for a power entry by entry")
    return View(apply(MATRIX_POWER, as_matrix(x).node, 0, (exponent,)), 1)


def _simplify_power(x: Node, exponent: Node) -> Node | None:
    k = as_number(exponent)
    entries = diagonal_of(x)
    if entries is not None:
        return diagonal_matrix(power(entries, exponent))
    if isinstance(x, Apply) and x.op.name == "inv":
        return apply(MATRIX_POWER, x.args[0], 0, (hadamard(MINUS_ONE, exponent),))
    if isinstance(k, int) and 0 <= k <= MAX_PRODUCT:
        if k == 0:
            return Delta.make(x.shape[0])
        return einsum([(x, (q if q else "row", q + 1 if q + 1 < k else "column")) for q in range(k)], ("row", "column"))
    return None


def _whole_exponent(*_: object) -> Indexed:
    raise NotDifferentiableError(
        "a matrix power X^k has no derivative by its exponent: k is a whole number", hint="expm(k*L) with X = expm(L)"
    )


def _unspoken(*_: object) -> Any:
    raise SymgradError("the power of a matrix is written ^")


POWERS = Family(
    "power",
    matrix_power,
    "np.linalg.matrix_power({0}, {1})",
    lambda x, k: hadamard(k, apply(MATRIX_POWER, x, 0, (plus(k, MINUS_ONE),))),
)
MATRIX_POWER: TensorFunction = TensorFunction(
    name="matrix power",
    notation=Notation("power"),
    arity=(2,),
    build=_unspoken,
    value=matrix_power,
    pullback=_unspoken,
    core="m->m",
    jacobian=lambda y, x, *letters: _inserted(POWERS, 0, y, x, letters),
    slopes=(_whole_exponent,),
    code="np.linalg.matrix_power({0}, {1})",
    simplify=_simplify_power,
    transposes=True,
    primary=("power", 0),
    doc="X^k where k is not a number, or a large one.",
    example="X^k",
    source="Matrix Cookbook (91)",
)

RECORDS = (EXPM, DEXPM)
