"""Convolutions as linear maps, against NumPy and SciPy, and their derivatives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import linalg, signal

from symgrad.derivation import derivative
from symgrad.errors import ShapeError
from symgrad.numeric.evaluate import evaluate
from symgrad.programs import program

WHERE = {"x": "R^n", "h": "R^k", "y": "R^n", "X": "R^{m x n}", "H": "R^{p x q}"}
rng = np.random.default_rng(2)
VALUES: dict[str, Any] = {
    "x": rng.normal(size=6),
    "h": rng.normal(size=3),
    "y": rng.normal(size=6),
    "X": rng.normal(size=(4, 6)),
    "H": rng.normal(size=(2, 3)),
}
x, h, y, X, H = VALUES.values()


@pytest.mark.parametrize(
    ("source", "wanted", "shape"),
    [
        ("conv(x, h)", np.convolve(x, h), "k + n - 1"),
        ("convvalid(x, h)", np.convolve(x, h, "valid"), "-k + n + 1"),
        ("conv2(X, H)", signal.convolve2d(X, H), "m + p - 1"),
        ("conv2valid(X, H)", signal.convolve2d(X, H, "valid"), "m - p + 1"),
        ("convvalid(x, y)", x @ y[::-1], "1"),
        ("conv2valid(X, X)", (X * X[::-1, ::-1]).sum(), "1"),
        ("flip(x)", x[::-1], "n"),
        ("flip(X)", X[::-1, ::-1], "m"),
        ("conv(x, 3)", 3 * x, "n"),
    ],
)
def test_values(source: str, wanted: Any, shape: str) -> None:
    view = program(source, WHERE).views["result"]
    assert str(view.shape[0]) == shape
    np.testing.assert_allclose(evaluate([view.node], VALUES)[0], wanted, rtol=1e-12)
    used = {name: VALUES[name] for name in WHERE}
    np.testing.assert_allclose(program(source, WHERE).forward(**used), wanted, rtol=1e-12)


def array(source: str, wrt: str, **options: Any) -> np.ndarray:
    return derivative(source, wrt, where=WHERE, layout="tensor", **options).tensor(**VALUES)


def test_jacobian_of_a_convolution_is_a_toeplitz_matrix() -> None:
    column = np.concatenate([h, np.zeros(5)])
    np.testing.assert_allclose(array("conv(x, h)", "x"), linalg.toeplitz(column, np.eye(6)[0] * h[0]))


def test_jacobian_of_a_valid_convolution_by_the_filter() -> None:
    found = array("convvalid(x, h)", "h")
    for o in range(4):
        np.testing.assert_allclose(found[o], x[o : o + 3][::-1])


def test_jacobian_in_two_dimensions_row_by_row() -> None:
    found = array("conv2(X, H)", "H")
    for p in range(2):
        for q in range(3):
            np.testing.assert_allclose(found[:, :, p, q], signal.convolve2d(X, np.eye(6)[3 * p + q].reshape(2, 3)))


@pytest.mark.parametrize(
    ("source", "wrt", "written"),
    [
        ("sum(conv(x, h).^2)", "x", "2*convvalid(conv(x, h), flip(h))"),
        ("sum(conv(x, h).^2)", "h", "2*convvalid(conv(x, h), flip(x))"),
        ("sum(convvalid(x, h).^2)", "x", "2*conv(convvalid(x, h), flip(h))"),
        ("sum(convvalid(x, h).^2)", "h", "2*flip(convvalid(x, flip(convvalid(x, h))))"),
        ("convvalid(x, y)", "x", "flip(y)"),
        ("flip(x)'*y", "x", "flip(y)"),
        ("sum(conv2(X, H).^2)", "H", "2*conv2valid(conv2(X, H), flip(X))"),
        ("sum(conv2valid(X, H).^2)", "X", "2*conv2(conv2valid(X, H), flip(H))"),
    ],
)
def test_gradients(source: str, wrt: str, written: str) -> None:
    result = derivative(source, wrt, where=WHERE)
    assert str(result) == written
    report = result.check()
    assert report.ok, str(report)


@pytest.mark.parametrize(
    ("source", "wrt"),
    [
        ("conv(x, h)", "h"),
        ("convvalid(x, h)", "x"),
        ("sum(relu(conv2(X, H)))", "H"),
        ("norm2(conv(conv(x, h), h))", "h"),
        ("sum(exp(conv(x.*y, A*h)))", "h"),
        ("sum(conv2(X, H)*conv2(X, H)')", "X"),
        ("conv2(X, H)", "H"),
    ],
)
def test_witnesses_agree(source: str, wrt: str) -> None:
    report = derivative(source, wrt, where=WHERE | {"A": "R^{k x k}"}).check()
    assert report.ok, str(report)


def test_hessian_of_a_quadratic_in_a_convolution() -> None:
    result = derivative("sum(conv(x, h).^2)", ["x", "h"], where={"x": "R^n", "h": "R^k"})
    report = result.check()
    assert report.ok, str(report)


def test_a_layer_of_a_network() -> None:
    source = "z = relu(conv2valid(X, H)); L = sum(z.^2)/2"
    result = program(source, {"X": "R^{m x n}", "H": "R^{p x q}"}).derivative("L", "H")
    out = np.maximum(signal.convolve2d(X, H, "valid"), 0)
    wanted = signal.correlate2d(X, out, "valid")[::-1, ::-1]
    np.testing.assert_allclose(result.tensor(X=X, H=H), wanted, rtol=1e-10)


@pytest.mark.parametrize("name", ["conv", "convvalid"])
def test_generated_code_convolves(name: str) -> None:
    source = derivative(f"{name}(x, h)'*{name}(x, h)", "x", where={"x": "R^n", "h": "R^k"}).source()
    assert source.count("np.convolve") == 2 and "einsum" not in source


def test_a_filter_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ShapeError, match="does not fit"):
        derivative("convvalid(x, h)", "x", where="x: R^3; h: R^5")
    result = derivative("convvalid(x, h)'*convvalid(x, h)", "x", where={"x": "R^n", "h": "R^k"})
    with pytest.raises(ShapeError, match=r"-k \+ n \+ 1 would be"):
        result.tensor(x=np.ones(3), h=np.ones(5))
    with pytest.raises(ShapeError, match="does not fit"):
        program("sum(convvalid(x, h))", {"x": "R^n", "h": "R^k"}).forward(x=np.ones(3), h=np.ones(5))


@pytest.mark.parametrize(
    ("source", "hint"), [("conv(X, h)", "conv2"), ("conv2(x, H)", "conv of"), ("convvalid(x', h)", "conv2valid")]
)
def test_wrong_shapes_name_the_other_function(source: str, hint: str) -> None:
    with pytest.raises(ShapeError, match=hint):
        derivative(source, "x", where=WHERE)
