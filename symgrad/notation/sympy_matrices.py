"""SymPy's matrix expressions, symgrad's own classes among them: what each class means in the language.

`READERS` maps a class to its reader (see `sympy_reading`).  Scalars are read elsewhere.

>>> READERS[sympy.Trace] is READERS[sympy.Determinant]
False
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy
from sympy.matrices.expressions.applyfunc import ElementwiseApplyFunction
from sympy.matrices.expressions.companion import CompanionMatrix
from sympy.matrices.expressions.diagonal import DiagMatrix, DiagonalMatrix, DiagonalOf
from sympy.matrices.expressions.dotproduct import DotProduct
from sympy.matrices.expressions.funcmatrix import FunctionMatrix
from sympy.matrices.expressions.permutation import MatrixPermute
from sympy.matrices.expressions.slice import MatrixSlice
from sympy.matrices.expressions.special import GenericIdentity, GenericZeroMatrix

from symgrad.errors import LimitError, ParseError, ShapeError
from symgrad.notation import sympy_indexed as indexed
from symgrad.notation.sympy_functions import Applied, Constant, Part, Scalar, extent
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
    short,
    trees_of,
)
from symgrad.notation.tree import Call, Tree
from symgrad.operations.catalogue import record

EXPLICIT_LIMIT = 64  # entries of a matrix of numbers that is written out
PERMANENT_LIMIT = 4  # rows of a matrix whose permanent is written out


def _product(part: Any, context: Context, reading: Reading) -> Reader:
    return (yield from matrix_product(part))


def _sum(part: Any, context: Context, reading: Reading) -> Reader:
    trees = yield from trees_of(part.args)
    return indexed.added([Entries(t) for t in trees], {})


def _power(part: Any, context: Context, reading: Reading) -> Reader:
    if part.args[1] == -1 and _square_blocks(part.args[0]):
        return (yield from _inverse(part, context, reading))
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
    """An inverse; of a block diagonal matrix that of its blocks."""
    blocks = _square_blocks(part.args[0])
    if blocks:
        return (yield sympy.BlockDiagMatrix(*map(sympy.Inverse, blocks)))
    (tree,) = yield from trees_of(part.args[:1])
    return Entries(Call("inv", (tree,)))


def _determinant(part: Any, context: Context, reading: Reading) -> Reader:
    """A determinant; of a block diagonal matrix the product of those of its blocks."""
    blocks = _square_blocks(part.args[0])
    if blocks:
        return (yield sympy.Mul(*map(sympy.Determinant, blocks)))
    (tree,) = yield from trees_of(part.args)
    return Entries(Call("det", (tree,)))


def _square_blocks(part: Any) -> tuple[Any, ...]:
    """The blocks of a block diagonal matrix, where all of them are square."""
    blocks = part.args if isinstance(part, sympy.BlockDiagMatrix) else ()
    return blocks if all(getattr(b, "is_Matrix", False) and b.shape[0] == b.shape[1] for b in blocks) else ()


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
    """A matrix whose entries are written out: [1, s; 0, 2]."""
    rows, columns = part.shape
    if rows * columns > EXPLICIT_LIMIT:
        raise LimitError(f"a matrix of more than {EXPLICIT_LIMIT} written entries", hint="a symbol for it")
    if not rows * columns:
        raise ShapeError(f"a {rows} x {columns} matrix has no entries")
    lines = []
    for line in part.tolist():
        lines.append(_stacked("hstack", (yield from trees_of(line))))
    return Entries(_stacked("vstack", lines))


def _of_numbers(part: Any, context: Context, reading: Reading) -> Reader:
    """A matrix whose entries follow from a formula: written out."""
    if not all(sympy.sympify(size).is_Integer for size in part.shape):
        message = f"{type(part).__name__} of symbolic size is not in the language: {short(part)}"
        raise ParseError(message, hint="a size that is a number, or a MatrixSymbol in its place")
    return (yield part.as_explicit())


def _refused(part: Any, context: Context, reading: Reading) -> Reader:
    raise ParseError(f"SymPy's {type(part).__name__} has no size", hint="Identity(n), ZeroMatrix(m, n)")
    yield


def _permuted(part: Any, context: Context, reading: Reading) -> Reader:
    """Rows or columns in another order: a product with the matrix that reorders them."""
    mat, permutation, axis = part.args
    order = sympy.PermutationMatrix(permutation)
    return (yield order * mat if axis == 0 else mat * order.as_explicit().T.as_immutable())


def _permanent(part: Any, context: Context, reading: Reading) -> Reader:
    """The permanent of a small matrix of numbers of rows: its sum of products."""
    size = sympy.sympify(part.arg.shape[0])
    if not (size.is_Integer and size <= PERMANENT_LIMIT):
        raise ParseError(f"the permanent is not in the language: {short(part)}", hint=f"up to {PERMANENT_LIMIT} rows")
    return (yield sympy.ImmutableDenseMatrix(size, size, lambda i, j: part.arg[i, j]).per())


def _block_matrix(part: Any, context: Context, reading: Reading) -> Reader:
    """Rows of blocks: [A, B; C, D]."""
    rows = []
    for row in part.blocks.tolist():
        rows.append(_stacked("hstack", (yield from trees_of(row))))
    return Entries(_stacked("vstack", rows))


def _stacked(op: str, trees: list[Tree]) -> Tree:
    """Up to so many blocks in one call, more of them in several."""
    limit = max(record(op).arity)
    while len(trees) > 1:
        trees = [
            Call(op, tuple(trees[at : at + limit])) if len(trees) > at + 1 else trees[at]
            for at in range(0, len(trees), limit)
        ]
    return trees[0]


def _slice(part: Any, context: Context, reading: Reading) -> Reader:
    """X[a:b, c:d], SymPy counting from 0 and the end not meant."""
    (tree,) = yield from trees_of([part.parent])
    for name, (start, stop, step), size in zip(
        ("rows", "columns"), (part.rowslice, part.colslice), part.parent.shape, strict=True
    ):
        if step != 1:
            message = f"only lines next to one another are a part of a matrix: {short(part)}"
            raise ParseError(message, hint="a product with a matrix of zeros and ones")
        if (start, stop) != (0, size):
            tree = Call(name, (tree, reading.size(start + 1), reading.size(stop)))
    return Entries(tree)


def _part(part: Any, context: Context, reading: Reading) -> Reader:
    (tree,) = yield from trees_of([part.args[1]])
    return Entries(Call(part.operation.name, (tree, *map(reading.size, part.args[2]))))


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
    sympy.Determinant: _determinant,
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
    sympy.BlockMatrix: _block_matrix,
    FunctionMatrix: _of_numbers,
    CompanionMatrix: _of_numbers,
    sympy.PermutationMatrix: _of_numbers,
    MatrixPermute: _permuted,
    sympy.Permanent: _permanent,
    GenericIdentity: _refused,
    GenericZeroMatrix: _refused,
    MatrixSlice: _slice,
    Part: _part,
    Applied: _applied,
    Constant: _constant,
    Scalar: _inner,
    sympy.UnevaluatedExpr: _inner,
}
