"""Derivatives by variables with structure, by hand."""

from __future__ import annotations

import numpy as np
import pytest
from reference import array_of
from scipy import linalg

from symgrad.derivation import derivative
from symgrad.errors import DomainError, NotDifferentiableError

A = np.arange(9.0).reshape(3, 3)
V = np.array([[2.0, -1.0, 2.0], [2.0, 2.0, -1.0], [-1.0, 2.0, 2.0]]) / 3  # orthogonal


def by(properties: str, structure: str) -> np.ndarray:
    """d tr(A'*V) / d V is A, but for the structure of V."""
    result = derivative(
        "tr(A'*V)", "V", where={"A": "R^{n x n}", "V": f"R^{{n x n}} {properties}"}, structure=structure
    )
    return array_of(result.node, {"A": A, "V": V}, {"n": 3})


D = np.diag(np.diag(A))


@pytest.mark.parametrize(
    ("properties", "structure", "wanted"),
    [
        ("", "project", A),
        ("", "free", A),
        ("symmetric", "ignore", A),
        ("symmetric", "project", (A + A.T) / 2),
        ("symmetric", "free", A + A.T - D),
        ("spd", "project", (A + A.T) / 2),
        ("spd", "free", A + A.T - D),
        ("skew", "project", (A - A.T) / 2),
        ("skew", "free", A - A.T),
        ("diagonal", "project", D),
        ("diagonal", "free", D),
        ("diagonal", "ignore", A),
        ("orthogonal", "ignore", A),
        ("lower", "project", np.tril(A)),
        ("lower", "free", np.tril(A)),
        ("lower", "ignore", A),
        ("upper", "project", np.triu(A)),
        ("upper", "free", np.triu(A)),
        ("lower upper", "project", D),
        ("symmetric lower", "project", D),
        ("spd upper", "free", D),
        ("orthogonal", "project", (A - V @ A.T @ V) / 2),
        ("upper", "project", np.triu(A)),
        ("upper", "ignore", A),
    ],
)
def test_conventions(properties: str, structure: str, wanted: np.ndarray) -> None:
    assert by(properties, structure) == pytest.approx(wanted)


def test_free_entries_of_a_symmetric_variable_are_what_one_can_move() -> None:
    """d f / d s_ij where both entries move together."""

    def f(S: np.ndarray) -> float:
        return float(np.trace(A.T @ S @ S))

    S = np.array([[2.0, 1.0, 0.0], [1.0, 3.0, -1.0], [0.0, -1.0, 1.0]])
    result = derivative("tr(A'*S*S)", "S", where="A: R^{n x n}; S: R^{n x n} symmetric", structure="free")
    found = array_of(result.node, {"A": A, "S": S}, {"n": 3})
    for i in range(3):
        for j in range(3):
            move = np.zeros((3, 3))
            move[i, j] = move[j, i] = 1e-6
            assert found[i, j] == pytest.approx((f(S + move) - f(S - move)) / 2e-6, rel=1e-6, abs=1e-6)


def test_an_unknown_structure_is_refused() -> None:
    with pytest.raises(DomainError, match="project"):
        by("symmetric", "projected")


def test_what_has_no_free_entries_is_said() -> None:
    with pytest.raises(NotDifferentiableError, match="orthogonal matrix V are not free"):
        by("orthogonal", "free")


def test_gradient_along_orthogonal_matrices_predicts_every_small_rotation() -> None:
    """f(Q R(t)) changes as the projected gradient says, and the gradient leaves the orthogonal matrices nowhere."""
    where = "A: R^{n x n}; Q: R^{n x n} orthogonal"
    found = derivative("tr(A'*Q*A*Q)", "Q", where=where).tensor(A=A, Q=V)
    np.testing.assert_allclose(V.T @ found + found.T @ V, np.zeros((3, 3)), atol=1e-12)
    rng = np.random.default_rng(0)
    for _ in range(3):
        M = rng.normal(size=(3, 3))
        skew = M - M.T
        t = 1e-5
        forward, back = (V @ linalg.expm(s * t * skew) for s in (1, -1))
        change = (np.trace(A.T @ forward @ A @ forward) - np.trace(A.T @ back @ A @ back)) / (2 * t)
        assert change == pytest.approx((found * (V @ skew)).sum(), rel=1e-6)


@pytest.mark.parametrize("kind", ["lower", "upper"])
def test_triangular_entries_move_alone(kind: str) -> None:
    cut = np.tril if kind == "lower" else np.triu
    L = cut(A + 1)
    found = derivative("tr(A'*L*L*L)", "L", where=f"A: R^{{n x n}}; L: R^{{n x n}} {kind}").tensor(A=A, L=L)
    for i in range(3):
        for j in range(3):
            move = cut(np.eye(9)[3 * i + j].reshape(3, 3)) * 1e-6
            change = [np.trace(A.T @ np.linalg.matrix_power(L + s * move, 3)) for s in (1, -1)]
            assert found[i, j] == pytest.approx((change[0] - change[1]) / 2e-6, rel=1e-6, abs=1e-5)


def test_triangles_print_as_such() -> None:
    where = "x: R^n; y: R^n; L: R^{n x n} lower; U: R^{n x n} upper"
    assert str(derivative("x'*L*y", "L", where=where)) == "tril(x*y')"
    assert str(derivative("x'*U*y", "U", where=where)) == "triu(x*y')"
    assert str(derivative("x'*tril(L*L)*y", "L", where=where, structure="ignore")) == "L'*tril(x*y') + tril(x*y')*L'"


def test_ignoring_a_structure_leaves_no_trace_of_it() -> None:
    """S' is not S then: x'Sy by S is x y', not y x'."""
    where = "x: R^n; y: R^n; S: R^{n x n} symmetric"
    assert str(derivative("x'*S*y", "S", where=where, structure="ignore")) == "x*y'"
    assert str(derivative("x'*S*y", "S", where=where)) == "0.5*(x*y' + y*x')"


@pytest.mark.parametrize("kind", ["lower", "upper", "orthogonal"])
def test_witnesses_know_the_structure(kind: str) -> None:
    where = f"A: R^{{n x n}}; V: R^{{n x n}} {kind}"
    report = derivative("tr(A'*V*A*V)", "V", where=where).check()
    assert report.ok, str(report)
