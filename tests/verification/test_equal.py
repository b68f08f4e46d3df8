"""sg.equal: proved, refuted with a witness, or agreed on samples; never more than was shown."""

from __future__ import annotations

import numpy as np
import pytest

import symgrad as sg
from symgrad.verification.equal import equal


@pytest.mark.parametrize(
    ("a", "b", "where"),
    [
        ("tr(A*B)", "tr(B*A)", "A: R^{m x n}; B: R^{n x m}"),
        ("(A*B)'", "B'*A'", "A: R^{m x n}; B: R^{n x p}"),
        ("x'*A*x", "x'*A'*x", "x: R^n; A: R^{n x n}"),
        ("2*S*x", "(S + S')*x", "x: R^n; S: R^{n x n} symmetric"),
        ("inv(A*B)", "inv(B)*inv(A)", "A, B: R^{n x n}"),
        ("A*inv(A)*x", "x", "A: R^{n x n}; x: R^n"),
        ("Q'*Q", "eye(n)", "Q: R^{n x n} orthogonal"),
        ("norm2(A*x - b)^2", "x'*A'*A*x - 2*b'*A*x + b'*b", "A: R^{m x n}; x: R^n; b: R^m"),
        ("vec(A*X*B)", "kron(B', A)*vec(X)", "A: R^{p x m}; X: R^{m x n}; B: R^{n x k}"),
        ("commutation(m, n)*vec(A)", "vec(A')", "A: R^{m x n}"),
        ("sum(softmax(z))", "1", "z: R^n"),
        ("det(A*B)", "det(A)*det(B)", "A, B: R^{n x n}"),
    ],
)
def test_identities_are_proved(a: str, b: str, where: str) -> None:
    assert equal(a, b, where).proved


@pytest.mark.parametrize(
    ("a", "b", "where"),
    [
        ("2*A*x", "(A + A')*x", "x: R^n; A: R^{n x n}"),
        ("A*B", "B*A", "A, B: R^{n x n}"),
        ("log(x)", "x - 1", "x: R^n positive"),
        ("inv(A)", "inv(A)'", "A: R^{n x n}"),
    ],
)
def test_differences_are_refuted_with_a_witness(a: str, b: str, where: str) -> None:
    found = equal(a, b, where)
    assert found.refuted and not found and found.witness is not None
    assert not np.isclose(found.witness.answer, found.witness.expected)


def test_what_only_samples_show_is_not_called_proved() -> None:
    found = equal("log(x.*x)", "2*log(abs(x))", "x: R^n")
    assert not found.proved and not found.refuted and len(found.sizes) >= 3 and "agreed" in str(found)


def test_shapes_must_agree() -> None:
    with pytest.raises(sg.ShapeError, match="column"):
        equal("A*x", "x'*A'", "A: R^{m x n}; x: R^n")


def test_without_declarations_both_sides_share_their_names() -> None:
    found = equal("tr(A'*B)", "sum(A.*B)")
    assert found.proved and found.assumed
