"""Records of the exponential of a matrix and of its derivative in a direction.

tr(expm(X)*A) has the gradient dexpm(X, A)'; the whole derivative of expm(X) by X is the opaque node of
`primary`.  Identities that hold for every X are used as nodes are made: expm(X') = expm(X)',
expm(diag(v)) = diag(exp(v)), dexpm(X, s*X) = s*X*expm(X).

>>> from symgrad.tensor.nodes import Input
>>> X, E = (Input.make(name, (3, 3)) for name in "XE")
>>> apply(DEXPM, transposed(X), 0, (transposed(E),)) is transposed(apply(DEXPM, X, 0, (E,)))
True
"""

from __future__ import annotations

from collections.abc import Hashable

from symgrad.errors import ShapeError
from symgrad.operations.arrays import Array, linalg
from symgrad.operations.elementwise import EXP
from symgrad.operations.primary import (
    Family,
    derivative_of,
    diagonal_matrix,
    diagonal_of,
    inserted,
    is_transpose,
    stairs,
)
from symgrad.operations.record import Notation, TensorFunction
from symgrad.operations.shapes import as_matrix, require_square
from symgrad.tensor.build import apply, einsum, elementwise, hadamard, inlined, is_zero, scaled, transposed, unit, zero
from symgrad.tensor.canonical import symmetry
from symgrad.tensor.index import Indexed, Tensor
from symgrad.tensor.nodes import Apply, Delta, Einsum, Node
from symgrad.tensor.view import View, same_shape

Labels = tuple[Hashable, ...]


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
    if _without_scalars(x) is _without_scalars(e):  # they commute
        return einsum([(e, (0, "k")), (apply(EXPM, x), ("k", 1))], (0, 1))
    if is_transpose(x) or (is_transpose(e) and symmetry(x) == 1):
        return transposed(apply(DEXPM, transposed(x), 0, (transposed(e),)))
    return None


def _without_scalars(node: Node) -> Node:
    """A of s A."""
    while isinstance(node, Einsum):
        arrays = [(n, labels) for n, labels in node.factors if labels]
        if len(arrays) != 1 or arrays[0][1] != tuple(range(node.rank)):
            return node
        node = arrays[0][0]
    return node


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
    return linalg.expm(stairs(x, e))[: len(x), len(x) :]


def _direction_pullback(g: Array, y: Array, x: Array, e: Array) -> tuple[Array, Array]:
    """By the adjoint: the second derivative in the directions E' and g, both ways round."""
    n = len(x)
    both = [linalg.expm(stairs(x.T, *pair))[:n, 2 * n :] for pair in ((e.T, g), (g, e.T))]
    return both[0] + both[1], _direction_value(x.T, g)


def _direction_jacobian(y: Tensor, x: Tensor, i: Labels, j: Labels, k: Labels, l: Labels) -> Indexed:
    assert y.node is not None and x.node is not None
    second, e = Tensor(apply(derivative_of(EXPONENTIAL, 2), x.node)), Tensor(y.node.args[1])
    a, b = ("direction's row",), ("direction's column",)
    return (second[i, j, a, b, k, l] + second[i, j, k, l, a, b]) * e[a, b]


def _by_direction(y: Tensor, e: Tensor, *letters: Labels) -> Indexed:
    assert y.node is not None
    return Tensor(apply(derivative_of(EXPONENTIAL, 1), y.node.args[0]))[letters]


def _against_commuting(node: Node) -> Node | None:
    """tr(X dexpm(s X, E)) is tr(X expm(s X) E)."""
    if not isinstance(node, Einsum):
        return None
    for i, (d, labels) in enumerate(node.factors):
        if not (isinstance(d, Apply) and d.op is DEXPM and not d.batch and min(labels) >= node.rank):
            continue
        rest = [f for k, f in enumerate(node.factors) if k != i]
        partner = _without_scalars(d.args[0]), labels[::-1]
        if partner in rest and sum(set(labels) & set(ls) != set() for _, ls in rest) == 1:
            a, b = labels
            direction, ends = d.args[1], ("dexpm", b)
            flat = inlined(direction, ends) if isinstance(direction, Einsum) else [(direction, ends)]
            scale = direction.coefficient if isinstance(direction, Einsum) else 1
            product = [*rest, (apply(EXPM, d.args[0]), (a, "dexpm")), *flat]
            return einsum(product, range(node.rank), node.coefficient * scale)
    return None


EXPONENTIAL = Family("expm", lambda x: linalg.expm(x), "linalg.expm({0})", lambda x: apply(EXPM, x), lambda: DEXPM)
EXPM: TensorFunction = TensorFunction(
    name="expm",
    notation=Notation("expm"),
    arity=(1,),
    build=_expm,
    value=lambda x: linalg.expm(x),
    pullback=lambda g, y, x: (linalg.expm_frechet(x.T, g, compute_expm=False),),
    core="m->m",
    jacobian=lambda y, x, *letters: inserted(EXPONENTIAL, 0, y, x, letters),
    code="linalg.expm({0})",
    simplify=_simplify_expm,
    transposes=True,
    reciprocal=True,
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
    code="linalg.expm_frechet({0}, {1}, compute_expm=False).astype({0}.dtype)",
    simplify=_simplify_direction,
    rules=(_against_commuting,),
    primary=("expm", 1),
    doc="The derivative of expm at X in the direction E: the integral of expm(s X) E expm((1 - s) X) over s in [0, 1].",
    example="dexpm(X, E)",
    source="Higham, Functions of Matrices, ch. 10.2",
)

RECORDS = (EXPM, DEXPM)
