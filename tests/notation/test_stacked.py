"""Kronecker products, commutation matrices, vec and diag, by the rules of Magnus & Neudecker."""

from __future__ import annotations

import numpy as np
import pytest
from reference import array_of, arrays, letters_at, matrix_of

from symgrad.derivation import derivative
from symgrad.programs import program
from symgrad.tensor.dims import size_at

WHERE = "X: R^{m x n}; A: R^{p x m}; B: R^{n x q}; C: R^{q x m}; x: R^n; z: R^m; s: R; V: R^{n x n}"


@pytest.mark.parametrize(
    ("expression", "column", "row"),
    [
        ("A*X*B", "kron(B', A)", "kron(A, B')"),
        ("X", "eye(m*n)", "eye(m*n)"),
        ("X'", "commutation(m, n)", "commutation(n, m)"),
        ("A*X", "kron(eye(n), A)", "kron(A, eye(n))"),
        ("X*B", "kron(B', eye(m))", "kron(eye(m), B')"),
        ("X*x", "kron(x', eye(m))", "kron(eye(m), x')"),
        ("inv(V)", "-kron(inv(V)', inv(V))", "-kron(inv(V), inv(V)')"),
        ("s*X", "s*eye(m*n)", "s*eye(m*n)"),
        ("tanh(X)", None, None),
        ("X*B*C*X", None, None),
        ("x*z'*X", None, None),
    ],
)
def test_forms_and_stackings(expression: str, column: str | None, row: str | None) -> None:
    wrt = "V" if "V" in expression else "X"
    whole = program(expression, WHERE)
    letters = letters_at(whole, "distinct")
    values = arrays(whole, letters, "invertible", seed=1)
    tensor = None
    for vec, wanted in (("column", column), ("row", row)):
        result = derivative(expression, wrt, where=WHERE, vec=vec)
        assert result.matrix_form
        if wanted is not None:
            assert str(result).replace("n*m", "m*n") == wanted
        tensor = array_of(result.node, values, letters)
        rows, columns = result.arrangement.rows, result.arrangement.columns
        assert rows is not None and columns is not None
        matrix = matrix_of(program(str(result), WHERE).views["result"], values, letters)
        flat = tensor.transpose(*rows, *columns).reshape(matrix.shape)
        np.testing.assert_allclose(matrix, flat, rtol=1e-9, atol=1e-12)


def test_stacking_is_what_vec_does() -> None:
    """J vec(dX) = vec(dF), checked on numbers with NumPy's own stacking."""
    rng = np.random.default_rng(0)
    A, B, dX = rng.normal(size=(2, 3)), rng.normal(size=(4, 5)), rng.normal(size=(3, 4))
    for vec, order in (("column", "F"), ("row", "C")):
        result = derivative("A*X*B", "X", where=WHERE, vec=vec)
        J = matrix_of(program(str(result), WHERE).views["result"], {"A": A, "B": B}, {"p": 2, "m": 3, "n": 4, "q": 5})
        np.testing.assert_allclose(J @ dX.reshape(-1, order=order), (A @ dX @ B).reshape(-1, order=order))


@pytest.mark.parametrize(
    ("expression", "wrt", "where"),
    [
        ("kron(A, X)", "X", "A: R^{p x k}; X: R^{m x n}"),
        ("kron(X, A)", "X", "A: R^{p x k}; X: R^{m x n}"),
        ("kron(X, X)", "X", "X: R^{m x n}"),
        ("kron(A, B)*x", "x", "A: R^{m x n}; B: R^{p x q}; x: R^{n*q}"),
    ],
)
@pytest.mark.parametrize("vec", ["column", "row"])
def test_interleaved_indices_are_sorted(expression: str, wrt: str, where: str, vec: str) -> None:
    """The printed matrix, evaluated as text, is the Jacobian that the compiled tensor gives."""
    D = derivative(expression, wrt, where=where, layout="numerator", vec=vec)
    assert D.matrix_form
    sizes = {"m": 2, "n": 3, "p": 4, "k": 2, "q": 2}
    rng = np.random.default_rng(1)
    values = {}
    for name, declared in D.program.declared.items():
        rows, columns = (size_at(s, sizes) for s in (declared.rows, declared.columns))
        values[name] = rng.normal(size=(rows,) if columns == 1 else (rows, columns))
    printed = program(str(D), where=where).forward(**values)
    assert printed == pytest.approx(D.function()(**values))
