"""Differences against derivatives known by hand, their error estimates, and what they refuse."""

import numpy as np
import pytest

from symgrad.errors import DomainError, LimitError, ShapeError
from symgrad.numeric.difference import central_jacobian, complex_step_jacobian, derivative_of, directional

A = np.array([[1.0, -2.0, 0.5], [3.0, 0.2, -1.0]])
X = np.array([0.7, -1.3, 2.1])
M = np.array([[1.0, -2.0], [3.0, 0.5]])

CASES = {  # f, point, derivative by hand
    "linear": (lambda x: A @ x, X, A),
    "quadratic": (lambda x: x @ x, X, 2 * X),
    "exp": (np.exp, X, np.diag(np.exp(X))),
    "log of small and large": (np.log, np.array([0.1, 1.0, 1e6]), np.diag([10.0, 1.0, 1e-6])),
    "sin at zero": (np.sin, np.zeros(2), np.eye(2)),
    "cube of a scalar": (lambda x: x**3, 2.0, 12.0),
    "trace of square": (lambda x: np.trace(x @ x), M, 2 * M.T),
    "transpose": (lambda x: x.T, A, np.einsum("pl,qk->pqkl", np.eye(3), np.eye(2))),
    "squares of a row": (lambda x: x * x, np.array([[1.0, 2.0]]), np.diag([2.0, 4.0]).reshape(1, 2, 1, 2)),
    "identity": (lambda x: x, X, np.eye(3)),
}


@pytest.mark.parametrize("name", CASES)
def test_central(name):
    f, x, derivative = CASES[name]
    found = central_jacobian(f, x)
    assert found.value.shape == np.shape(derivative)
    assert found.value == pytest.approx(derivative, rel=1e-9, abs=1e-10)
    assert (np.abs(found.value - derivative) <= found.error).all()
    assert (found.error <= 1e-6 * (1 + np.abs(derivative).max())).all()


@pytest.mark.parametrize("name", CASES)
def test_complex_step(name):
    f, x, derivative = CASES[name]
    found = complex_step_jacobian(f, x)
    assert found.shape == np.shape(derivative)
    assert found == pytest.approx(derivative, rel=1e-14, abs=1e-15)


@pytest.mark.parametrize("name", CASES)
def test_directional(name):
    f, x, derivative = CASES[name]
    v = np.random.default_rng(0).normal(size=np.shape(x))
    expected = np.tensordot(derivative, v, axes=np.ndim(x))
    found = directional(f, x, v)
    assert found.value == pytest.approx(expected, rel=1e-9, abs=1e-10)
    assert (np.abs(found.value - expected) <= found.error).all()


def test_hessian_from_a_gradient():
    hessian = derivative_of(lambda x: 3 * x**2 + x.sum(), X)  # of sum(x^3) + (sum x)^2 / 2
    assert hessian.value == pytest.approx(np.diag(6 * X) + 1, rel=1e-10)


class TestSteps:
    def test_every_entry_has_a_step_of_its_scale(self):
        x = np.array([1e-1, 1e8])
        seen = []
        central_jacobian(lambda y: seen.append(y - x) or y.sum(), x)
        largest = np.abs(seen).max(axis=0)
        assert largest[0] < 1e-3
        assert 1e5 < largest[1] < 1e6

    def test_a_given_step_is_taken(self):
        seen = []
        central_jacobian(lambda y: seen.append(abs(y[0] - 3)) or y[0], [3.0], step=0.25)
        assert max(seen) == 0.25

    def test_truncation_shows_in_the_error(self):
        found = central_jacobian(lambda x: np.sin(50 * x), [0.3], step=0.05)
        assert np.abs(found.value[0, 0] - 50 * np.cos(15)) <= found.error[0, 0]
        assert found.error[0, 0] > 0.1

    def test_a_kink_within_reach_shows_in_the_error(self):
        found = central_jacobian(lambda x: np.maximum(x, 0), [1e-4])
        assert found.error[0, 0] > 0.01

    @pytest.mark.parametrize("step", [0, -1, np.nan, np.inf])
    def test_a_step_is_positive_and_finite(self, step):
        with pytest.raises(DomainError, match="positive and finite"):
            central_jacobian(np.sin, X, step=step)


class TestRefusals:
    def test_the_edge_of_a_domain(self):
        with np.errstate(invalid="ignore"), pytest.raises(DomainError, match="not finite"):
            central_jacobian(np.sqrt, [1e-9])

    def test_a_function_that_drops_the_imaginary_part(self):
        with pytest.raises(DomainError, match="central_jacobian"):
            complex_step_jacobian(np.abs, X)

    def test_directions(self):
        with pytest.raises(ShapeError, match=r"\(2,\).*\(3,\)"):
            directional(np.sin, X, [1.0, 2.0])
        with pytest.raises(DomainError, match="zero"):
            directional(np.sin, X, np.zeros(3))

    @pytest.mark.parametrize("x", [[1j], [np.nan], ["a"]])
    def test_points_are_real_and_finite(self, x):
        with pytest.raises(DomainError):
            central_jacobian(np.sin, x)

    def test_nothing_to_differentiate_by(self):
        with pytest.raises(ShapeError, match="no entries"):
            complex_step_jacobian(np.sin, [])

    def test_values_that_are_no_numbers(self):
        with pytest.raises(DomainError, match="numbers"):
            central_jacobian(lambda x: None, X)

    def test_a_changing_shape(self):
        with pytest.raises(ShapeError, match="nearby"):
            central_jacobian(lambda x: np.ones(2 if x[0] > 1 else 3), [1.0])

    @pytest.mark.parametrize("jacobian", [central_jacobian, complex_step_jacobian])
    def test_too_large(self, jacobian):
        with pytest.raises(LimitError, match="4096 x 4096"):
            jacobian(np.exp, np.zeros(4096))


def test_a_function_that_reuses_its_buffer():
    buffer = np.zeros(3)

    def f(x):
        buffer[:] = x**2
        return buffer

    assert central_jacobian(f, X).value == pytest.approx(np.diag(2 * X), abs=1e-10)
