"""Powers of a square matrix whose exponent is a symbol or a large number.

X^k stays one node with the exponent as its parameter; small numbers are products (`arithmetic`).  The exponent
is a whole number wherever the power has a value, so there is no derivative by it.

>>> from symgrad.tensor.build import transposed
>>> from symgrad.tensor.nodes import Input
>>> X, k = Input.make("X", (3, 3)), Input.make("k", ())
>>> apply(MATRIX_POWER, transposed(X), 0, (k,)) is transposed(apply(MATRIX_POWER, X, 0, (k,)))
True
"""

from __future__ import annotations

from typing import Any

from symgrad.errors import DomainError, NotDifferentiableError, ShapeError, SymgradError
from symgrad.operations.arrays import Array, np
from symgrad.operations.primary import Family, diagonal_matrix, diagonal_of, inserted
from symgrad.operations.record import Notation, TensorFunction
from symgrad.operations.shapes import as_matrix
from symgrad.tensor.build import MINUS_ONE, apply, as_number, einsum, hadamard, plus, power
from symgrad.tensor.index import Indexed
from symgrad.tensor.nodes import Apply, Delta, Node
from symgrad.tensor.view import View

MAX_PRODUCT = 64  # X^k is written out as a product up to this k


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
    slopes=(_whole_exponent,),
)
MATRIX_POWER: TensorFunction = TensorFunction(
    name="matrix power",
    notation=Notation("power"),
    arity=(2,),
    build=_unspoken,
    value=matrix_power,
    pullback=_unspoken,
    core="m->m",
    jacobian=lambda y, x, *letters: inserted(POWERS, 0, y, x, letters),
    slopes=(_whole_exponent,),
    code="np.linalg.matrix_power({0}, {1})",
    simplify=_simplify_power,
    transposes=True,
    primary=("power", 0),
    doc="X^k where k is not a number, or a large one.",
    example="X^k",
    source="Matrix Cookbook (91)",
)
