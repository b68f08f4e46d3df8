"""Every class of SymPy's matrix and array expressions: derived rightly, or refused by name.

The classes are found by looking into SymPy's packages, so that a new one fails here until it is decided.  A derivative
is compared with SymPy's own: small sizes, matrices of rational numbers written out, one entry moved by t, and the
exact derivative by t.  That knows no tensors, and nothing of symgrad takes part in it.
"""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import sympy
from sympy import Identity, Inverse, Lambda, MatrixSymbol, OneMatrix, Rational, Sum, Trace, ZeroMatrix
from sympy.combinatorics import Permutation
from sympy.matrices import expressions as matrix_expressions
from sympy.matrices.expressions import factorizations, fourier
from sympy.matrices.expressions.applyfunc import ElementwiseApplyFunction
from sympy.matrices.expressions.blockmatrix import BlockDiagMatrix, BlockMatrix
from sympy.matrices.expressions.companion import CompanionMatrix
from sympy.matrices.expressions.determinant import Determinant, Permanent
from sympy.matrices.expressions.diagonal import DiagMatrix, DiagonalMatrix, DiagonalOf
from sympy.matrices.expressions.dotproduct import DotProduct
from sympy.matrices.expressions.funcmatrix import FunctionMatrix
from sympy.matrices.expressions.permutation import MatrixPermute, PermutationMatrix
from sympy.matrices.expressions.sets import MatrixSet
from sympy.matrices.expressions.special import GenericIdentity, GenericZeroMatrix
from sympy.tensor.array import expressions as array_expressions
from sympy.tensor.array.expressions import array_expressions as arrays

from symgrad.derivation import derivative
from symgrad.errors import SymgradError

n, m = sympy.symbols("n m", integer=True, positive=True)
i, j = sympy.symbols("i j", integer=True)
d, t = sympy.symbols("d t")
X, A, S = MatrixSymbol("X", n, n), MatrixSymbol("A", n, n), MatrixSymbol("S", m, m)
B, C = MatrixSymbol("B", n, m), MatrixSymbol("C", m, n)
x, y, z = MatrixSymbol("x", n, 1), MatrixSymbol("y", n, 1), MatrixSymbol("z", m, 1)
F = MatrixSymbol("F", 3, 3)
SIZES = [{n: 3, m: 2}, {n: 2, m: 2}]

TP = arrays.ArrayTensorProduct
DERIVED = {
    "Adjoint": (sympy.Adjoint(X) * x, X),
    "BlockDiagMatrix": (Trace(BlockDiagMatrix(X, S) ** 2) + Determinant(BlockDiagMatrix(X, S)), X),
    "BlockMatrix": (BlockMatrix([[X, B], [C, S]]) * BlockMatrix([[x], [z]]), B),
    "CompanionMatrix": (CompanionMatrix(sympy.Poly([1, 2, 3, 4], d)) * F, F),
    "Determinant": (Determinant(X), X),
    "DiagMatrix": (DiagMatrix(x) * X, x),
    "DiagonalMatrix": (DiagonalMatrix(X) * x, X),
    "DiagonalOf": (DiagonalOf(X * X), X),
    "DotProduct": (DotProduct(X * x, y), X),
    "ElementwiseApplyFunction": (X.applyfunc(Lambda(d, d**3 + 1 / d)), X),
    "FunctionMatrix": (Trace(FunctionMatrix(3, 3, Lambda((i, j), i + 2 * j)) * F), F),
    "HadamardPower": (sympy.HadamardPower(X, 3) * x, X),
    "HadamardProduct": (sympy.HadamardProduct(X, A, X), X),
    "Identity": ((X + Identity(n)) * X, X),
    "Inverse": (Inverse(X * A + Identity(n)), X),
    "KroneckerProduct": (sympy.KroneckerProduct(X, B), X),
    "MatAdd": (X + 2 * A + X.T, X),
    "MatMul": (A * X * B, X),
    "MatPow": (X**3 * x, X),
    "MatrixElement": (X[0, 1] * x + X[1, 0] * y, X),
    "MatrixPermute": (MatrixPermute(F, Permutation(2, 0, 1)) + MatrixPermute(F, Permutation(2, 0, 1), 1), F),
    "MatrixSlice": (X[0:2, 1:n] * X[1:n, 0:1], X),
    "MatrixSymbol": (X, X),
    "OneMatrix": (OneMatrix(n, n) * X * OneMatrix(n, m), X),
    "Permanent": (Permanent(F), F),
    "PermutationMatrix": (F * PermutationMatrix(Permutation(2, 0, 1)) * F, F),
    "Trace": (Trace(X * A * X), X),
    "Transpose": (X.T * B, X),
    "ZeroMatrix": (BlockMatrix([[X, ZeroMatrix(n, m)]]) * BlockMatrix([[x], [z]]), X),
    "ArrayAdd": (arrays.ArrayAdd(X, arrays.PermuteDims(X, [1, 0])), X),
    "ArrayContraction": (arrays.ArrayContraction(TP(X, A, X), (1, 2, 4)), X),
    "ArrayDiagonal": (arrays.ArrayDiagonal(TP(X, B), (0, 2)), X),
    "ArrayElement": (Sum(arrays.ArrayElement(X, (i, j)) * X[j, i], (i, 0, n - 1), (j, 0, n - 1)), X),
    "ArrayElementwiseApplyFunc": (arrays.ArrayElementwiseApplyFunc(Lambda(d, d**2), TP(X, B)), X),
    "ArrayTensorProduct": (TP(X, X), X),
    "OneArray": (arrays.ArrayAdd(arrays.OneArray(n, n), X), X),
    "PermuteDims": (arrays.PermuteDims(TP(X, B), Permutation(0, 2, 3)), X),
    "ZeroArray": (arrays.ArrayAdd(arrays.ZeroArray(n, n), X), X),
}  # fmt: skip

REFUSED = {
    "DFT": fourier.DFT(n) * X,
    "IDFT": fourier.IDFT(n) * X,
    "EigenValues": factorizations.EigenValues(X),
    "EigenVectors": factorizations.EigenVectors(X),
    "GenericIdentity": GenericIdentity(),
    "GenericZeroMatrix": GenericZeroMatrix(),
    "LofCholesky": factorizations.LofCholesky(X),
    "LofLU": factorizations.LofLU(X),
    "MatrixSet": MatrixSet(n, n, sympy.S.Reals),
    "QofQR": factorizations.QofQR(X),
    "RofQR": factorizations.RofQR(X),
    "SofSVD": factorizations.SofSVD(X),
    "UofCholesky": factorizations.UofCholesky(X),
    "UofLU": factorizations.UofLU(X),
    "UofSVD": factorizations.UofSVD(X),
    "VofSVD": factorizations.VofSVD(X),
    "Reshape": arrays.Reshape(X, (n * n,)),
}
TESTED_AS_SYMBOLS = {"ArraySymbol"}  # below
NO_EXPRESSIONS = {"MatrixExpr", "Factorization", "_LeftRightArgs", "_ArrayExpr", "_CodegenArrayAbstract", "_ArgE",
                  "_IndPos", "_EditArrayContraction", "_ConvertArrayToIndexed"}  # fmt: skip


def classes_of(package) -> set[str]:  # type: ignore[no-untyped-def]
    """The names of all classes that a package of SymPy defines."""
    found = set()
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if ".tests" not in module.name:
            loaded = importlib.import_module(module.name)
            found |= {k for k, v in vars(loaded).items() if inspect.isclass(v) and v.__module__ == module.name}
    return found


def test_every_class_is_decided() -> None:
    decided = [*DERIVED, *REFUSED, *TESTED_AS_SYMBOLS, *NO_EXPRESSIONS]
    assert len(set(decided)) == len(decided)
    assert classes_of(matrix_expressions) | classes_of(array_expressions) == set(decided)


def test_the_page_in_the_documentation() -> None:
    page = Path(__file__).parents[2] / "docs" / "sympy.md"
    found = doctest.testfile(str(page), module_relative=False)
    assert found.attempted >= 6 and found.failed == 0


# --- the witness -----------------------------------------------------------------------------------


def numbers(symbol: MatrixSymbol, sizes: dict) -> sympy.ImmutableDenseMatrix:
    """Rational entries, different ones for each symbol, near a diagonally dominant matrix."""
    rows, columns = (sympy.sympify(s).subs(sizes) for s in symbol.shape)
    start = sum(map(ord, symbol.name))
    return sympy.ImmutableDenseMatrix(
        rows, columns, lambda r, c: Rational((start * (3 * r + 5 * c + 2)) % 17 + 1, 7) + (3 if r == c else 0)
    )


def written_out(expression, sizes: dict, values: dict):  # type: ignore[no-untyped-def]
    """The nested list of the entries of an expression at explicit matrices."""
    fixed = expression.subs(sizes) if expression.free_symbols & sizes.keys() else expression
    fixed = fixed.xreplace({s: values[s.name] for s in fixed.atoms(MatrixSymbol)}) if values else fixed
    return entries(fixed)


def entries(part):  # type: ignore[no-untyped-def]
    """An object array of SymPy numbers."""
    if isinstance(part, arrays._CodegenArrayAbstract | arrays._ArrayExpr):
        return array_entries(part)
    if isinstance(part, sympy.MatrixBase):
        return np.array(part.tolist(), dtype=object).reshape(part.shape)
    if getattr(part, "is_Matrix", False):
        return MATRICES[next(c for c in type(part).__mro__ if c in MATRICES)](part)
    if isinstance(part, sympy.Sum):
        body = part.function.replace(arrays.ArrayElement, lambda a, at: a[tuple(at)])
        return np.array(part.func(body, *part.limits).doit(), dtype=object)
    if isinstance(part, Determinant | Permanent | Trace | DotProduct):
        return SCALARS[type(part)](*map(entries, part.args))
    if isinstance(part, sympy.Add | sympy.Mul) and any(isinstance(a, tuple(SCALARS)) for a in part.args):
        found = [entries(a) for a in part.args]
        return sum(found) if isinstance(part, sympy.Add) else np.prod(np.array(found, dtype=object))
    return np.array(part.doit(), dtype=object)


def mat(array) -> sympy.Matrix:  # type: ignore[no-untyped-def]
    return sympy.Matrix(array.shape[0], array.shape[1], list(array.reshape(-1)))


def of(matrix):  # type: ignore[no-untyped-def]
    return entries(sympy.ImmutableDenseMatrix(matrix))


def applied(function, array):  # type: ignore[no-untyped-def]
    return np.array([function(e) for e in array.reshape(-1)], dtype=object).reshape(array.shape)


def multiplied(part):  # type: ignore[no-untyped-def]
    scalar, result = sympy.Integer(1), None
    for a in part.args:
        if getattr(a, "is_Matrix", False):
            result = entries(a) if result is None else result @ entries(a)
        else:
            scalar *= a.doit()
    return scalar * result


def blocks(part):  # type: ignore[no-untyped-def]
    return np.concatenate([np.concatenate([entries(b) for b in row], 1) for row in part.blocks.tolist()], 0)


def sliced(part):  # type: ignore[no-untyped-def]
    rows, columns = (slice(*map(int, s)) for s in (part.rowslice, part.colslice))
    return entries(part.parent)[rows, columns]


MATRICES = {
    sympy.MatMul: multiplied,
    sympy.MatAdd: lambda p: sum(entries(a) for a in p.args),
    Inverse: lambda p: of(mat(entries(p.arg)).inv()),
    sympy.MatPow: lambda p: of(mat(entries(p.base)) ** int(p.exp)),
    sympy.Transpose: lambda p: entries(p.arg).T,
    sympy.Adjoint: lambda p: entries(p.arg).T,
    sympy.HadamardProduct: lambda p: np.prod(np.array([entries(a) for a in p.args], dtype=object), axis=0),
    sympy.HadamardPower: lambda p: applied(lambda e: e**p.exp, entries(p.base)),
    sympy.KroneckerProduct: lambda p: np.kron(*(entries(a) for a in p.args)),
    DiagMatrix: lambda p: np.diag(entries(p.args[0]).reshape(-1)),
    DiagonalMatrix: lambda p: np.diag(np.diagonal(entries(p.arg))),
    DiagonalOf: lambda p: np.diagonal(entries(p.arg)).reshape(-1, 1),
    ElementwiseApplyFunction: lambda p: applied(p.function, entries(p.expr)),
    MatrixPermute: lambda p: np.take(entries(p.args[0]), [p.args[1](k) for k in range(3)], axis=int(p.args[2])),
    BlockMatrix: blocks,
    sympy.matrices.expressions.slice.MatrixSlice: sliced,
    sympy.MatrixExpr: lambda p: of(p.as_explicit()),
}  # fmt: skip
SCALARS = {
    Determinant: lambda a: np.array(mat(a).det(), dtype=object),
    Permanent: lambda a: np.array(mat(a).per(), dtype=object),
    Trace: lambda a: np.array(np.trace(a), dtype=object),
    DotProduct: lambda a, b: np.array((a * b).sum(), dtype=object),
}


def array_entries(part):  # type: ignore[no-untyped-def]
    """Array expressions by einsum over object arrays."""
    if isinstance(part, arrays.ZeroArray | arrays.OneArray):
        return np.full(tuple(map(int, part.shape)), sympy.Integer(isinstance(part, arrays.OneArray)), dtype=object)
    if isinstance(part, TP):
        result = np.array(sympy.Integer(1), dtype=object)
        for a in part.args:
            result = np.multiply.outer(result, entries(a))
        return result
    if isinstance(part, arrays.ArrayAdd):
        return sum(entries(a) for a in part.args)
    inner = entries(part.expr)
    if isinstance(part, arrays.PermuteDims):
        return inner.transpose(part.permutation.array_form)
    if isinstance(part, arrays.ArrayElementwiseApplyFunc):
        return applied(part.function, inner)
    groups = part.contraction_indices if isinstance(part, arrays.ArrayContraction) else part.diagonal_indices
    labels = list(range(inner.ndim))
    for group in groups:
        for axis in group:
            labels[axis] = group[0]
    grouped = [group[0] for group in groups]
    kept = [a for a in range(inner.ndim) if all(a not in g for g in groups)]
    last = [] if isinstance(part, arrays.ArrayContraction) else grouped
    return np.einsum(inner, labels, [*kept, *last])


def moved(expression, wrt, sizes: dict):  # type: ignore[no-untyped-def]
    """d expression / d wrt, the axes of the expression first, one entry of the variable at a time, exactly."""
    values = {s.name: numbers(s, sizes) for s in expression.atoms(MatrixSymbol)}
    base = values[wrt.name]
    columns = []
    for r, c in product(*map(range, base.shape)):
        step = sympy.Matrix(base.rows, base.cols, lambda a, b, at=(r, c): t if (a, b) == at else 0)
        found = written_out(expression, sizes, {**values, wrt.name: (base + step).as_immutable()})
        columns.append(applied(lambda e: sympy.sympify(e).diff(t).subs(t, 0), np.asarray(found, dtype=object)))
    stacked = np.stack(columns, axis=-1)
    return stacked.reshape(*stacked.shape[:-1], *base.shape)


def flat(array) -> np.ndarray:  # type: ignore[no-untyped-def]
    """Axes of one entry left out."""
    array = np.asarray(array, dtype=float)
    return array.reshape(tuple(s for s in array.shape if s != 1))


def arguments(program, sizes: dict):  # type: ignore[no-untyped-def]
    given = {}
    for name, declared in program.declared.items():
        array = np.array(numbers(MatrixSymbol(name, *_sizes(declared)), sizes).tolist(), dtype=float)
        given[name] = array.reshape(-1) if declared.kind == "column" else array
    return given


def _sizes(declared) -> list:  # type: ignore[no-untyped-def]
    letters = {"n": n, "m": m}
    return [sympy.sympify(str(s), locals=letters) for s in (declared.rows, declared.columns)]


@pytest.mark.parametrize("name", DERIVED)
@pytest.mark.parametrize("sizes", SIZES, ids=["distinct", "square"])
def test_derivative_is_the_component_wise_one(name: str, sizes: dict) -> None:
    expression, wrt = DERIVED[name]
    if not any(type(part).__name__ == name for part in sympy.preorder_traversal(expression)):
        pytest.fail(f"the example of {name} holds none")
    result = derivative(expression, wrt)
    letters = {str(a): size for a, size in sizes.items() if str(a) in result.program.letters}
    found = result.tensor(**arguments(result.program, sizes), **letters)
    wanted = flat(moved(expression, wrt, sizes))
    np.testing.assert_allclose(np.reshape(found, wanted.shape), wanted, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_is_named(name: str) -> None:
    with pytest.raises(SymgradError, match=f"SymPy's {name} ") as error:
        derivative(REFUSED[name], X)
    assert error.value.hint


def test_an_array_symbol_is_a_matrix_of_at_most_two_axes() -> None:
    T = arrays.ArraySymbol("T", (n, n))
    assert str(derivative(arrays.ArrayContraction(TP(X, T), (1, 2)), X)) == "kron(T', eye(n))"
    with pytest.raises(SymgradError, match="3 axes"):
        derivative(arrays.ArrayContraction(TP(X, arrays.ArraySymbol("T", (n, n, n))), (1, 2)), X)
