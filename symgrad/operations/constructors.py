"""Records of constant arrays: identity, ones, zeros, unit vectors.  Their arguments are dimensions.

`build` gets dimensions, `value` integers; there is nothing to differentiate.
"""

from __future__ import annotations

from symgrad.errors import DomainError, ShapeError
from symgrad.operations.arrays import np
from symgrad.operations.record import Construct, Notation
from symgrad.operations.shapes import scalar_view
from symgrad.tensor.build import einsum, number, zero
from symgrad.tensor.dims import Size
from symgrad.tensor.nodes import Delta, Node, Ones, Unit
from symgrad.tensor.view import View


def _no_cotangents(*_: object) -> tuple[()]:
    return ()


def _require_sizes(*sizes: Size) -> None:
    for size in sizes:
        if isinstance(size, int) and size < 1:
            raise ShapeError(f"a dimension must be at least 1, not {size}")


def _axes(rows: Size, columns: Size) -> tuple[tuple[Size, ...], int]:
    """A dimension of 1 has no axis."""
    _require_sizes(rows, columns)
    kept = tuple(s for s in (rows, columns) if s != 1)
    return kept, int(rows != 1)


def _eye(n: Size) -> View:
    _require_sizes(n)
    return scalar_view(number(1)) if n == 1 else View(Delta.make(n), 1)


def _ones(rows: Size, columns: Size = 1) -> View:
    shape, split = _axes(rows, columns)
    factors: list[tuple[Node, tuple[int, ...]]] = [(Ones.make(s), (i,)) for i, s in enumerate(shape)]
    return View(einsum(factors, range(len(shape))), split)


def _zeros(rows: Size, columns: Size = 1) -> View:
    shape, split = _axes(rows, columns)
    return View(zero(shape), split)


def _unit(index: Size, size: Size) -> View:
    if not isinstance(index, int):
        raise ShapeError("the index of e(i, n) must be a whole number", hint="e(1, n)")
    _require_sizes(size)
    if index < 1 or (isinstance(size, int) and index > size):
        raise DomainError(f"e({index}, {size}) does not exist: i counts from 1 to {size}", hint=f"e(1, {size})")
    return scalar_view(number(1)) if size == 1 else View(Unit.make(index, size), 1)


EYE = Construct(
    name="eye",
    notation=Notation("eye", latex="I_{{{0}}}"),
    arity=(1,),
    build=_eye,
    value=lambda n: np.eye(n),
    pullback=_no_cotangents,
    sizes=True,
    doc="The identity matrix.",
    example="eye(n)",
    source="constant",
)
ONES = Construct(
    name="ones",
    notation=Notation("ones", latex=r"\mathbf{{1}}_{{{args}}}"),
    arity=(1, 2),
    build=_ones,
    value=lambda m, n=1: np.ones((m, n)),
    pullback=_no_cotangents,
    sizes=True,
    doc="A vector or matrix of ones.",
    example="ones(n)",
    source="constant",
)
ZEROS = Construct(
    name="zeros",
    notation=Notation("zeros", latex="0_{{{args}}}"),
    arity=(1, 2),
    build=_zeros,
    value=lambda m, n=1: np.zeros((m, n)),
    pullback=_no_cotangents,
    sizes=True,
    doc="A vector or matrix of zeros.",
    example="zeros(n)",
    source="constant",
)
UNIT = Construct(
    name="e",
    notation=Notation("e", latex="e_{{{args}}}"),
    arity=(2,),
    build=_unit,
    value=lambda i, n: np.eye(n)[:, i - 1 : i],
    pullback=_no_cotangents,
    sizes=True,
    doc="The unit vector e_i of n entries, i counting from 1.",
    example="e(1, n)",
    source="constant",
)


def _commutation(m: Size, n: Size) -> View:
    """Rows run over vec(A'), columns over vec(A), the slow index first."""
    _require_sizes(m, n)
    if m == 1 or n == 1:
        return _eye(n if m == 1 else m)
    return View(einsum([(Delta.make(m), (0, 3)), (Delta.make(n), (1, 2))], range(4)), 2)


COMMUTATION = Construct(
    name="commutation",
    notation=Notation("commutation", latex="K_{{{args}}}"),
    arity=(2,),
    build=_commutation,
    value=lambda m, n: np.eye(m * n).reshape(m, n, m * n).transpose(1, 0, 2).reshape(m * n, m * n).T,
    pullback=_no_cotangents,
    sizes=True,
    doc="The commutation matrix: commutation(m, n)*vec(A) = vec(A') for an m x n matrix A.",
    example="commutation(m, n)",
    source="Magnus & Neudecker ch. 3",
)

RECORDS = (EYE, ONES, ZEROS, UNIT, COMMUTATION)
