"""Derivatives by variables with structure, by hand."""

from __future__ import annotations

import numpy as np
import pytest
from reference import array_of

from symgrad.derivation import derivative
from symgrad.errors import DomainError

A = np.arange(9.0).reshape(3, 3)


def by(properties: str, structure: str) -> np.ndarray:
    """d tr(A'*V) / d V is A, but for the structure of V."""
    result = derivative(
        "tr(A'*V)", "V", where={"A": "R^{n x n}", "V": f"R^{{n x n}} {properties}"}, structure=structure
    )
    return array_of(result.node, {"A": A}, {"n": 3})


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
