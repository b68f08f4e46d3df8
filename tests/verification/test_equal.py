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
        ("tr(commutation(n, 2))", "2", "x: R^n"),
        ("exp(x - y) .* exp(x - 2*y)", "exp(x - 2*y) .* exp(x - y)", "x, y: R^n"),
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
    found = equal("exp(-abs(x))", "min(exp(x), exp(-x))", "x: R^n")
    assert not found.proved and not found.refuted and len(found.sizes) >= 3 and "agreed" in str(found)


@pytest.mark.parametrize(
    ("a", "b", "where"),
    [
        ("[x > y] + [x < y]", "ones(n)", "x, y: R^n"),  # where x = y
        ("sign(s)^2", "1", "s: R"),  # at 0
        ("pinv(A)*A", "eye(n)", "A: R^{n x n}"),  # of a singular A
        ("det(Q)", "1", "Q: R^{n x n} orthogonal"),  # of a reflection
        ("o", "e(1, n)", "o: R^n onehot"),
        ("n*n + 6", "5*n", "x: R^n"),  # at n = 2 and n = 3 they are equal
        ("det(2*eye(n))", "n^2 - n + 2", "x: R^n"),  # at n = 1, 2, 3
        ("536870909*s", "0", "s: R"),  # a prime
        ("s^536870909", "s", "s: R"),  # Fermat
        ("(m - n)*(m - n - 1)*(m - n + 1)*A", "zeros(m, n)", "A: R^{m x n}"),
    ],
)
def test_what_fails_at_special_points_is_refuted(a: str, b: str, where: str) -> None:
    found = equal(a, b, where)
    assert found.refuted and found.witness is not None and found.witness.answer != found.witness.expected


@pytest.mark.parametrize(
    ("a", "b", "where"),
    [("x'*y", "x'*y*1.00000000001", "x, y: R^n"), ("log(a .* d)", "log(a) + log(d) + 1e-9", "a, d: R^n positive")],
)
def test_small_differences_are_seen_through_rounding(a: str, b: str, where: str) -> None:
    assert equal(a, b, where).refuted


def test_what_holds_where_both_have_values_says_where_one_has_none() -> None:
    found = equal("sqrt(s)^2", "s", "s: R")
    assert not found.proved and not found.refuted and found.undefined is not None
    assert float(found.undefined.values["s"]) < 0 and "the left side has none at s = -" in str(found)


def test_a_proof_by_values_states_its_odds() -> None:
    found = equal("A*adj(A)", "det(A)*eye(n)", "A: R^{n x n}")
    assert found.rung == "prime field" and 0 < found.odds < 2.0**-40
    assert equal("(A*B)'", "B'*A'", "A, B: R^{n x n}").odds == 0


def test_shapes_must_agree() -> None:
    with pytest.raises(sg.ShapeError, match="column"):
        equal("A*x", "x'*A'", "A: R^{m x n}; x: R^n")


def test_without_declarations_both_sides_share_their_names() -> None:
    found = equal("tr(A'*B)", "sum(A.*B)")
    assert found.proved and found.assumed


PROGRAMS = [
    ("u = x + 1; u + u", "u = 2*x; u + 2"),
    ("r = A*x - b; r'*r", "s = x'*A'; s*A*x - 2*(s*b) + b'*b"),
    ("u = A*x; v = u'*u; v*v", "norm2(A*x)^4"),
]


@pytest.mark.parametrize(("a", "b"), PROGRAMS)
def test_programs_are_compared_by_their_last_lines(a: str, b: str) -> None:
    where = "A: R^{m x n}; b: R^m; x: R^n" if "A" in a else "x: R"
    assert equal(a, b, where).proved
    assert equal(a, f"{b} + 1", where).refuted


def test_names_inside_one_side_are_not_those_of_the_other() -> None:
    assert equal("u = 2*x; u", "u = x; u", "x: R").refuted
    with pytest.raises(sg.UnknownNameError, match="u"):
        equal("u = 2*x; u", "u", "x: R")
