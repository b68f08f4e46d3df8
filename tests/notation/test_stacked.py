"""Kronecker products, commutation matrices, vec and diag, by the rules of Magnus & Neudecker."""

from __future__ import annotations

import numpy as np
import pytest
from reference import array_of, arrays, differences, letters_at, matrix_of, value_of

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


JACOBIANS = [  # chains through an entrywise or row-wise function, and indices of the result that are shared
    ("rowsoftmax(Q*K')*V", "Q", "Q: R^{m x d}; K: R^{n x d}; V: R^{n x p}"),
    ("rowsoftmax(Q*K')*V", "K", "Q: R^{m x d}; K: R^{n x d}; V: R^{n x p}"),
    ("rowsoftmax(X)*V", "X", "X: R^{m x n}; V: R^{n x p}"),
    ("sigmoid(X*W)*V", "X", "X: R^{m x n}; W: R^{n x k}; V: R^{k x p}"),
    ("U*diag(s)*V'", "s", "U: R^{m x k}; s: R^k; V: R^{n x k}"),
    ("X ./ (rowsum(X)*ones(n)')", "X", "X: R^{m x n}"),
]
HESSIANS = [
    ("normF(O .* (X - U*V'))^2", "U U", "X, O: R^{m x n}; U: R^{m x k}; V: R^{n x k}"),
    ("normF(O .* (X - U*V'))^2", "U V", "X, O: R^{m x n}; U: R^{m x k}; V: R^{n x k}"),
    ("sum(G .* sigmoid(X*W))", "W W", "X: R^{m x n}; W: R^{n x k}; G: R^{m x k}"),
    ("sum(G .* rowsoftmax(X))", "X X", "X, G: R^{m x n}"),
    ("a'*exp(X)*b", "X X", "X: R^{m x n}; a: R^m; b: R^n"),
]


@pytest.mark.parametrize(("expression", "wrt", "where"), JACOBIANS + HESSIANS)
@pytest.mark.parametrize("vec", ["column", "row"])
def test_chains_are_closed_and_right(expression: str, wrt: str, where: str, vec: str) -> None:
    D = derivative(expression, wrt.split(), where=where, vec=vec)
    assert D.matrix_form
    source = program(expression, where)
    letters = letters_at(source, "distinct")
    values = arrays(source, letters, "positive", seed=3)
    printed = matrix_of(program(str(D), where).views["result"], values, letters)
    first = derivative(expression, wrt.split()[0], where=where)
    whole = source if " " not in wrt else program(str(first), where)
    slopes = differences(lambda v: value_of(whole, v), values, wrt.split()[-1]).value
    rows, columns = D.arrangement.rows, D.arrangement.columns
    assert rows is not None and columns is not None
    np.testing.assert_allclose(printed, slopes.transpose(*rows, *columns).reshape(printed.shape), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("expression", "wrt", "where", "written"),
    [
        ("a'*(x.^3)", "x x x", "x, a: R^n", None),
        ("(w'*x)^3", "x x x", "x, w: R^n", "6*kron(w*w', w)"),
        ("norm2(x)^4", "x x x", "x: R^n", "8*(vec(eye(n))*x' + kron(eye(n), x) + kron(x, eye(n)))"),
        ("norm2(x)^4", "x x x x", "x: R^n", "8*(vec(eye(n))*vec(eye(n))' + commutation(n, n) + eye(n*n))"),
        ("sum(softplus(X*w))", "w w w", "X: R^{m x n}; w: R^n", None),
        ("softmax(x)", "x x", "x: R^n", None),
        ("tanh(A*x)", "x x", "A: R^{m x n}; x: R^n", None),
    ],
)
def test_tensors_are_read_as_matrices_too(expression: str, wrt: str, where: str, written: str | None) -> None:
    """d vec(H) / d x': of three axes the last as columns, of four the last two, stacked by columns."""
    D = derivative(expression, wrt.split(), where=where)
    assert not D.matrix_form and D.unfolded is not None
    assert written is None or D.unfolded == written
    source = program(expression, where)
    for kind in ("distinct", "square"):
        letters = letters_at(source, kind)
        values = arrays(source, letters, "positive", seed=5)
        tensor = D.tensor(**values)
        if tensor.ndim == 4:
            tensor = tensor.transpose(0, 1, 3, 2).reshape(*tensor.shape[:2], -1)
        wanted = tensor.transpose(1, 0, 2).reshape(-1, tensor.shape[2])
        found = matrix_of(program(D.unfolded, where).views["result"], values, letters)
        np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-12)


def test_what_is_no_tensor_or_has_no_such_form_is_not_unfolded() -> None:
    assert derivative("norm2(x)^4", ["x", "x"], where="x: R^n").unfolded is None
    assert derivative("logdet(X)", ["X", "X", "X"], where="X: R^{n x n}").unfolded is None
