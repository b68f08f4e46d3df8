"""Numeric gradients: errors of the orders that theory gives, against gradients written by hand."""

import math

import numpy as np
import pytest

from symgrad.errors import DomainError
from symgrad.programs import program
from symgrad.training.differences import differences, numeric_gradient, relative_error


def test_the_errors_of_a_cube_are_known_exactly():
    """Forward: 3 x h + h^2; central: h^2; the slope at 1 is 3."""
    source = program("f = x^3", "x: R")
    for h, forward, central in differences(source, "f", "x", {"x": 1.0}, [0.1, 0.01, 0.001]):
        assert forward == pytest.approx((3 * h + h * h) / (3 + 3 * h + h * h), rel=1e-6)
        assert central == pytest.approx(h * h / (3 + h * h), rel=1e-4)


def test_truncation_falls_with_h_and_h_squared_then_rounding_rises():
    source = program("J = sum(exp(A*x))", "A: R^{m x n}; x: R^n")
    rng = np.random.default_rng(1)
    values = {"A": rng.normal(size=(4, 3)), "x": rng.normal(size=3)}
    rows = {row.h: row for row in differences(source, "J", "x", values, [1e-2, 1e-3, 1e-5, 1e-13])}
    assert math.log10(rows[1e-2].forward / rows[1e-3].forward) == pytest.approx(1, abs=0.1)
    assert math.log10(rows[1e-2].central / rows[1e-3].central) == pytest.approx(2, abs=0.1)
    assert rows[1e-5].central < 1e-8 < 1e-6 < rows[1e-13].central


@pytest.mark.parametrize("shape", [(2, 3), (3, 3)])
def test_matrices_keep_their_shape(shape):
    rng = np.random.default_rng(0)
    X = rng.normal(size=shape)
    source = program("J = sum(X.^2)", "X: R^{m x n}")
    found = numeric_gradient(source, "J", "X", {"X": X}, 1e-5)
    np.testing.assert_allclose(found, 2 * X, atol=1e-8)


def test_relative_errors():
    assert relative_error(np.array([3.0, 4.0]), np.array([3.0, 4.0])) == 0
    assert relative_error(np.zeros(2), np.zeros(2)) == 0
    assert relative_error(np.array([0.0, 0.0]), np.array([3.0, 4.0])) == 1
    assert relative_error(np.array([6.0, 8.0]), np.array([3.0, 4.0])) == 0.5


@pytest.mark.parametrize("h", [0.0, -1e-3, math.nan])
def test_steps_are_positive(h):
    with pytest.raises(DomainError):
        differences(program("f = x^2", "x: R"), "f", "x", {"x": 1.0}, [h])
