"""SymPy's matrix expressions, symgrad's own classes among them: what each class means in the language.

`READERS` maps a class to its reader (see `sympy_reading`).  Scalars are read elsewhere.

>>> READERS[sympy.Trace] is READERS[sympy.Determinant]
False
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import sympy
from sympy.matrices.expressions.applyfunc import ElementwiseApplyFunction
from sympy.matrices.expressions.diagonal import DiagMatrix, DiagonalMatrix, DiagonalOf
from sympy.matrices.expressions.dotproduct import DotProduct

from symgrad.errors import LimitError, ShapeError
from symgrad.notation import sympy_indexed as indexed
from symgrad.notation.sympy_functions import Applied, Constant, Scalar, extent
from symgrad.notation.sympy_indexed import Entries
from symgrad.notation.sympy_reading import (
    Context,
    Reader,
    Readers,
    Reading,
    chain,
    entries_of,
    is_array,
    matrix_product,
    trees_of,
)
from symgrad.notation.sympy_symbols import size_tree
from symgrad.notation.tree import Call, Number, Tree

EXPLICIT_LIMIT = 64  # entries of a matrix of numbers that is written out


def _product(part: Any, context: Context, reading: Reading) -> Reader:
    return (yield from matrix_product(part))


def _sum(part: Any, context: Context, reading: Reading) -> Reader:
    trees = yield from trees_of(part.args)
    return indexed.added([Entries(t) for t in trees], {})


def _power(part: Any, context: Context, reading: Reading) -> Reader:
    base, exponent = yield from trees_of(part.args)
    if part.args[1] == -1:
        return Entries(Call("inv", (base,)))
    if is_array(part.args[0]):
        return Entries(Call("power", (base, exponent)))
    return indexed.power(Entries(base), Entries(exponent), {})


def _by_name(op: str) -> Callable[[Any, Context, Reading], Reader]:
    """A reader for what has the same arguments in the language."""

    def reader(part: Any, context: Context, reading: Reading) -> Reader:
        trees = yield from trees_of(part.args)
        return Entries(Call(op, tuple(trees)))

    return reader


def _nested(op: str) -> Callable[[Any, Context, Reading], Reader]:
    """A reader for what has any number of arguments in SymPy and two in the language."""

    def reader(part: Any, context: Context, reading: Reading) -> Reader:
        return Entries(chain(op, (yield from trees_of(part.args))))

    return reader


def _inverse(part: Any, context: Context, reading: Reading) -> Reader:
    (tree,) = yield from trees_of(part.args[:1])
    return Entries(Call("inv", (tree,)))


def _hadamard_power(part: Any, context: Context, reading: Reading) -> Reader:
    trees = yield from trees_of(part.args)
    base, exponent = (Entries(t, ("entry",) if is_array(p) else ()) for t, p in zip(trees, part.args, strict=True))
    return Entries(indexed.power(base, exponent, {}).tree)


def _diag_matrix(part: Any, context: Context, reading: Reading) -> Reader:
    (tree,) = yield from trees_of(part.args)
    return Entries(Call("diag", (tree,)))


def _diagonal_matrix(part: Any, context: Context, reading: Reading) -> Reader:
    (tree,) = yield from trees_of(part.args)
    return Entries(Call("diag", (Call("diagonal", (tree,)),)))


def _dot_product(part: Any, context: Context, reading: Reading) -> Reader:
    trees = yield from trees_of(part.args)
    columns = [indexed.transposed(t) if extent(a)[0] == 1 else t for t, a in zip(trees, part.args, strict=True)]
    return Entries(Call("dot", tuple(columns)))


def _identity(part: Any, context: Context, reading: Reading) -> Reader:
    return Entries(Call("eye", (reading.size(part.shape[0]),)))
    yield


def filled(op: str, part: Any, reading: Reading) -> Tree:
    """ones or zeros of the part's shape."""
    rows, columns = part.shape
    return Call(op, (reading.size(rows), *([reading.size(columns)] if columns != 1 else [])))


def _zero_matrix(part: Any, context: Context, reading: Reading) -> Reader:
    return Entries(filled("zeros", part, reading))
    yield


def _one_matrix(part: Any, context: Context, reading: Reading) -> Reader:
    return Entries(filled("ones", part, reading))
    yield


def _written_out(part: Any, context: Context, reading: Reading) -> Reader:
    """A matrix of numbers or scalars: the sum of its entries times unit vectors."""
    rows, columns = part.shape
    if rows * columns > EXPLICIT_LIMIT:
        raise LimitError(f"a matrix of more than {EXPLICIT_LIMIT} written entries", hint="a symbol for it")
    if not rows * columns:
        raise ShapeError(f"a {rows} x {columns} matrix has no entries")
    terms = []
    for i in range(rows):
        for j in range(columns):
            if part[i, j] != 0:
                (entry,) = yield from trees_of([part[i, j]])
                terms.append(Entries(indexed.scaled(entry, _unit(i, j, (rows, columns)))))
    zeros = Entries(Call("zeros", (size_tree(rows), size_tree(columns))))
    return indexed.added(terms or [zeros], {})


def _unit(i: int, j: int, shape: tuple[int, int]) -> Tree:
    """e_i e_j' of that shape."""
    row = Call("e", (Number(Fraction(i + 1)), size_tree(shape[0])))
    column = Call("e", (Number(Fraction(j + 1)), size_tree(shape[1])))
    return Call("multiply", (row, Call("transpose", (column,))))


def _apply_function(part: Any, context: Context, reading: Reading) -> Reader:
    (array,) = yield from trees_of([part.expr])
    (variable,) = part.function.variables
    whole = Entries(array, ("entry",) if is_array(part.expr) else ())
    inner = Context(context.sizes, {**context.variables, variable: whole})
    result = yield (part.function.expr, inner)
    if result.labels or not whole.labels:
        return Entries(result.tree)
    return Entries(indexed.scaled(result.tree, filled("ones", part, reading)))


# --- symgrad's own classes -------------------------------------------------------------------------


def _applied(part: Any, context: Context, reading: Reading) -> Reader:
    arguments = yield from entries_of(part.args)
    return indexed.called(part.operation.name, arguments, context.sizes)


def _constant(part: Any, context: Context, reading: Reading) -> Reader:
    return Entries(Call(part.operation.name, tuple(reading.size(s) for s in part.args[1])))
    yield


def _inner(part: Any, context: Context, reading: Reading) -> Reader:
    return (yield part.args[0])


READERS: Readers = {
    sympy.Transpose: _by_name("transpose"),
    sympy.Adjoint: _by_name("transpose"),
    sympy.Trace: _by_name("tr"),
    sympy.Determinant: _by_name("det"),
    DiagonalOf: _by_name("diagonal"),
    sympy.HadamardProduct: _nested("hadamard"),
    sympy.KroneckerProduct: _nested("kron"),
    sympy.MatMul: _product,
    sympy.MatAdd: _sum,
    sympy.MatPow: _power,
    sympy.Inverse: _inverse,
    sympy.HadamardPower: _hadamard_power,
    DiagMatrix: _diag_matrix,
    DiagonalMatrix: _diagonal_matrix,
    DotProduct: _dot_product,
    sympy.Identity: _identity,
    sympy.ZeroMatrix: _zero_matrix,
    sympy.OneMatrix: _one_matrix,
    sympy.ImmutableDenseMatrix: _written_out,
    sympy.ImmutableSparseMatrix: _written_out,
    ElementwiseApplyFunction: _apply_function,
    Applied: _applied,
    Constant: _constant,
    Scalar: _inner,
    sympy.UnevaluatedExpr: _inner,
}
