"""expm, its derivative in a direction, and powers of matrices whose exponent is a symbol, against SciPy and by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import linalg

from symgrad.derivation import Derivative, derivative
from symgrad.errors import DomainError, NotDifferentiableError, ShapeError
from symgrad.numeric.evaluate import evaluate
from symgrad.programs import program

WHERE = {"X": "R^{n x n}", "A": "R^{n x n}", "E": "R^{n x n}", "x": "R^n", "y": "R^n", "k": "R"}
rng = np.random.default_rng(8)
VALUES = {name: rng.normal(size=(3, 3)) for name in "XAE"} | {name: rng.normal(size=3) for name in "xy"}


def derived(source: str, *wrt: str) -> Derivative:
    return derivative(source, list(wrt), where=WHERE)


def array(result: Derivative, **more: Any) -> np.ndarray:
    given = VALUES | {"k": 1.0} | more
    return result.tensor(**{name: given[name] for name in result.program.declared})


def numbers(source: str, **more: Any) -> np.ndarray:
    """The value of an expression, by the graph."""
    return evaluate([program(source, WHERE).views["result"].node], VALUES | more, {"n": 3})[0]


def frechet(direction: np.ndarray) -> np.ndarray:
    return np.asarray(linalg.expm_frechet(VALUES["X"], direction, compute_expm=False))


UNITS = np.eye(9).reshape(3, 3, 3, 3)  # UNITS[k, l] is E_kl


# --- the exponential ----------------------------------------------------------------------------


def test_jacobian_is_the_frechet_derivative_in_every_direction() -> None:
    found = derivative("expm(X)", "X", where="X: R^{n x n}", layout="tensor").tensor(X=VALUES["X"])
    for k in range(3):
        for l in range(3):
            np.testing.assert_allclose(found[:, :, k, l], frechet(UNITS[k, l]), rtol=1e-10)


@pytest.mark.parametrize(
    ("source", "wrt", "written"),
    [
        ("tr(expm(X))", "X", "expm(X)'"),
        ("tr(expm(X)*A)", "X", "dexpm(X, A)'"),
        ("tr(expm(X'))", "X", "expm(X)'"),
        ("tr(A*expm(X'))", "X", "dexpm(X, A')'"),
        ("x'*expm(X)*y", "X", "dexpm(X, y*x')'"),
        ("logdet(expm(X))", "X", "eye(n)"),
        ("det(expm(X))", "X", "exp(tr(X))*eye(n)"),
        ("x'*inv(expm(X))*y", "X", "-dexpm(-X, y*x')'"),
        ("x'*expm(diag(y))*x", "y", "x.^2 .* exp(y)"),
        ("tr(dexpm(X, E))", "E", "expm(X)'"),
        ("tr(dexpm(X, eye(n)))", "X", "expm(X)'"),
        ("tr(expm(X)*expm(E))", "X", "dexpm(X, expm(E))'"),
    ],
)
def test_gradients(source: str, wrt: str, written: str) -> None:
    result = derived(source, wrt)
    assert str(result) == written
    report = result.check()
    assert report.ok, str(report)


@pytest.mark.parametrize("wrt", [("X", "X"), ("X", "A"), ("E", "X")])
def test_second_derivatives(wrt: tuple[str, str]) -> None:
    report = derived("tr(expm(X*E)*A)", *wrt).check()
    assert report.ok, str(report)


def test_third_derivative_of_a_direction() -> None:
    """d3 tr(A expm(X)) in one direction three times: the third derivative of t -> tr(A expm(X + tE)) at 0."""
    result = derived("tr(A*expm(X))", "X", "X", "X")
    E = VALUES["E"] / 4
    found = np.einsum("abcdef,ab,cd,ef->", array(result), E, E, E)
    stairs = np.kron(np.eye(4), VALUES["X"]) + np.kron(np.diag(np.ones(3), 1), E)
    wanted = 6 * np.trace(VALUES["A"] @ linalg.expm(stairs)[:3, 9:])
    assert found == pytest.approx(wanted, rel=1e-9)


def test_identities_of_the_exponential() -> None:
    X, y = VALUES["X"], VALUES["y"]
    np.testing.assert_allclose(numbers("expm(X)"), linalg.expm(X))
    np.testing.assert_allclose(numbers("inv(expm(X))"), np.linalg.inv(linalg.expm(X)))
    np.testing.assert_allclose(numbers("logdet(expm(X))"), np.trace(X))
    np.testing.assert_allclose(numbers("expm(diag(y))"), np.diag(np.exp(y)), atol=1e-15)
    np.testing.assert_allclose(numbers("expm(zeros(n, n) + 2*eye(n))"), np.exp(2) * np.eye(3), atol=1e-15)
    np.testing.assert_allclose(numbers("expm(X')"), linalg.expm(X).T)


def test_expm_of_a_rectangle_is_refused() -> None:
    with pytest.raises(ShapeError, match="expm needs a square matrix"):
        derivative("sum(expm(W))", "W", where="W: R^{m x n}")
    with pytest.raises(ShapeError, match="dexpm"):
        derivative("sum(dexpm(X, W))", "X", where="X: R^{n x n}; W: R^{m x m}")


def test_generated_code_says_expm_frechet() -> None:
    source = derived("tr(expm(X)*A)", "X").source()
    assert "from scipy import linalg" in source and "linalg.expm_frechet(X, A, compute_expm=False)" in source


# --- powers -------------------------------------------------------------------------------------


def power(k: int) -> np.ndarray:
    return np.linalg.matrix_power(VALUES["X"], k)


@pytest.mark.parametrize(
    ("source", "written"),
    [
        ("tr(X^k)", "k*X^(k - 1)'"),
        ("tr(X^n)", "n*X^(n - 1)'"),
        ("tr(X^100)", "100*X^99'"),
        ("logdet(X^k)", "k*inv(X)'"),
        ("tr(inv(X)^k)", "-k*X^(-k - 1)'"),
    ],
)
def test_gradient_of_the_trace_of_a_power(source: str, written: str) -> None:
    assert str(derived(source, "X")) == written


@pytest.mark.parametrize("k", [-2, 0, 1, 2, 5])
def test_general_derivative_of_a_power(k: int) -> None:
    """d X^k is the sum of X^r dX X^(k - 1 - r), for a negative k by the inverse."""
    found = array(derivative("X^k", "X", where={"X": WHERE["X"], "k": "R"}, layout="tensor"), k=float(k))
    if k >= 0:
        wanted = sum((np.einsum("ik,lj->ijkl", power(r), power(k - 1 - r)) for r in range(k)), np.zeros((3,) * 4))
    else:
        wanted = -sum(np.einsum("ik,lj->ijkl", power(-r), power(k - 1 + r)) for r in range(1, -k + 1))
    np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-11)


def test_a_power_prints_and_reads_back() -> None:
    result = derived("y'*X^k*x", "x")
    assert str(result) == "X^k'*y"
    back = numbers(str(result), k=3.0)
    np.testing.assert_allclose(back, power(3).T @ VALUES["y"])


def test_a_dimension_as_exponent() -> None:
    report = derived("x'*X^n*y", "X").check()
    assert report.ok, str(report)
    np.testing.assert_allclose(numbers("X^n"), power(3))


def test_a_large_exponent_is_no_limit() -> None:
    X = VALUES["X"] / 3
    found = derivative("tr(X^100)", "X", where="X: R^{n x n}").tensor(X=X)
    np.testing.assert_allclose(found, 100 * np.linalg.matrix_power(X, 99).T, rtol=1e-9)


def test_exponents_that_are_not_whole_are_refused() -> None:
    with pytest.raises(ShapeError, match="whole number"):
        derived("tr(X^0.5)", "X")
    with pytest.raises(DomainError, match="whole exponent"):
        array(derived("tr(X^k)", "X"), k=2.5)
    with pytest.raises(DomainError, match="whole exponent"):
        program("tr(X^k)", {"X": WHERE["X"], "k": "R"}).forward(X=VALUES["X"], k=2.5)


def test_no_derivative_by_the_exponent() -> None:
    with pytest.raises(NotDifferentiableError, match="by its exponent"):
        derived("tr(X^k)", "k")


def test_indexed_form_says_dexpm() -> None:
    result = derivative("expm(X)", "X", where="X: R^{n x n}")
    assert str(result) == "[i, j, k, l]: dexpm(X)[i, j, k, l]"
    assert not result.matrix_form


def test_indices_are_not_called_like_variables() -> None:
    """k is the exponent here, so no index is."""
    assert str(derived("x'*X^k*y", "X")) == "[i, j]: sum_{l m} x[l]*dpower(X, k)[l, m, i, j]*y[m]"


def test_a_direction_that_commutes_needs_no_integral() -> None:
    result = derivative("expm(k*X)*x", "k", where={"X": "R^{n x n}", "x": "R^n", "k": "R"})
    assert str(result) == "X*expm(k*X)*x"
    assert result.check().ok


@pytest.mark.parametrize("source", ["tr(X^k)", "x'*X^k*y", "y'*X^(2*k)*x", "logdet(X^k)"])
def test_witnesses_of_symbolic_powers(source: str) -> None:
    report = derived(source, "X").check()
    assert report.ok, str(report)
