"""The pseudoinverse of tall, wide and square matrices, against NumPy and differences."""

from __future__ import annotations

import numpy as np
import pytest

from symgrad.derivation import derivative
from symgrad.numeric.difference import central_jacobian
from symgrad.numeric.evaluate import evaluate
from symgrad.operations.matrices import PINV
from symgrad.programs import program

rng = np.random.default_rng(4)
SHAPES = [(4, 2), (2, 4), (3, 3)]


@pytest.mark.parametrize("shape", SHAPES)
def test_jacobian(shape: tuple[int, int]) -> None:
    X = rng.normal(size=shape)
    found = derivative("pinv(X)", "X", where="X: R^{m x n}", layout="tensor").tensor(X=X)
    estimate = central_jacobian(np.linalg.pinv, X)
    assert found.shape == (*shape[::-1], *shape)
    np.testing.assert_allclose(found, estimate.value, atol=1e-7 + 100 * estimate.error.max())


@pytest.mark.parametrize("shape", SHAPES)
def test_pullback(shape: tuple[int, int]) -> None:
    X, g = rng.normal(size=shape), rng.normal(size=shape[::-1])
    (found,) = PINV.pullback(g, np.linalg.pinv(X), X)
    estimate = central_jacobian(lambda x: (g * np.linalg.pinv(x)).sum(), X)
    np.testing.assert_allclose(found, estimate.value, atol=1e-7 + 100 * estimate.error.max())


@pytest.mark.parametrize("source", ["tr(A*pinv(X))", "sum(pinv(X').^2)", "norm2(pinv(X)*b)^2", "b'*X*pinv(X)*b"])
def test_gradients_agree_with_the_witnesses(source: str) -> None:
    result = derivative(source, "X", where="X: R^{m x n}; A: R^{m x n}; b: R^m")
    report = result.check()
    assert report.ok, str(report)


def test_square_gradient() -> None:
    report = derivative("tr(A*pinv(X))", "X", where="X: R^{n x n}; A: R^{n x n}").check()
    assert report.ok, str(report)


def test_second_derivative() -> None:
    report = derivative("a'*pinv(X)*b", ["X", "X"], where="X: R^{m x n}; a: R^n; b: R^m").check()
    assert report.ok, str(report)


@pytest.mark.parametrize(
    ("source", "written"),
    [
        ("tr(pinv(X)*X)", "zeros(m, n)"),
        ("tr(A'*pinv(pinv(X)))", "A"),
    ],
)
def test_projections_are_absorbed(source: str, written: str) -> None:
    assert str(derivative(source, "X", where="X: R^{m x n}; A: R^{m x n}")) == written


@pytest.mark.parametrize("declared", ["invertible", "spd", "orthogonal"])
def test_an_invertible_matrix_has_its_inverse(declared: str) -> None:
    where = {"X": f"R^{{n x n}} {declared}"}
    views = [program(source, where).views["result"].node for source in ("pinv(X)", "inv(X)")]
    assert views[0] is views[1]


@pytest.mark.parametrize(("source", "space"), [("pinv(x)", "R^n"), ("pinv(x')", "R^n"), ("pinv(s)", "R")])
def test_of_a_vector(source: str, space: str) -> None:
    name = "s" if space == "R" else "x"
    view = program(source, {name: space}).views["result"]
    x = np.asarray(rng.normal(size=3) if name == "x" else 2.5)
    (found,) = evaluate([view.node], {name: x})
    matrix = x.reshape(-1, 1) if source == "pinv(x)" else np.atleast_2d(x)
    np.testing.assert_allclose(found.reshape(matrix.shape[::-1]), np.linalg.pinv(matrix))
    assert (view.shape[0] == 1) == (source != "pinv(x')")
