"""Exact values say equal only of what is: dimensions as numbers, every rank, both determinants, every entry."""

from __future__ import annotations

import pytest

from symgrad.programs import program
from symgrad.verification.exact import Comparison, compared, few_sizes
from symgrad.verification.witnesses import letters

WHERE = "x: R^n; b: R^m; A, B: R^{n x n}; F: R^{m x n}; Q: R^{n x n} orthogonal; o: R^n onehot; w: R^n simplex; s: R"


def comparison(a: str, b: str, everywhere: bool = True) -> Comparison:
    both = program(f"left = {a}\nright = {b}", WHERE)
    return compared(both.views["left"].node, both.views["right"].node, letters(both), everywhere)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("det(A*B)*s", "s*det(B)*det(A)"),
        ("F*pinv(F)*F", "F"),
        ("pinv(F*Q)", "Q'*pinv(F)"),
        ("det(Q)^2", "1"),
        ("Q'*Q*x", "x"),
        ("o*o'", "diag(o)"),
        ("w'*ones(n)", "1"),
        ("det(s*A)", "s^n*det(A)"),
        ("n*x'*x + x'*x", "(n + 1)*x'*x"),
        ("ones(n)'*inv(2*eye(n) + ones(n, n))*ones(n)", "n/(n + 2)"),
    ],
)
def test_what_is_equal(a: str, b: str) -> None:
    assert comparison(a, b).equal


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("pinv(F)*F", "eye(n)"),
        ("pinv(A)*A", "eye(n)"),
        ("pinv(A*B)", "pinv(B)*pinv(A)"),
        ("pinv(A - B)*(A - B)", "eye(n)"),
        ("pinv(s*A)*s", "pinv(A)"),
        ("det(Q)", "1"),
        ("det(Q)", "-1"),
        ("o'*e(1, n)", "0"),
        ("n*n + 6", "5*n"),
        ("(n - 2)*(n - 3)*(n - 4)*(n - 5)", "0"),
        ("ones(n)'*inv(2*eye(n) + ones(n, n))*ones(n)", "(n + 3)/10"),
        ("det(2*eye(n))", "n*n - n + 2"),
        ("adj(A)", "tr(A)*eye(n) - A"),
        ("536870909*s", "0"),
        ("s^536870909", "s"),
    ],
)
def test_what_is_not(a: str, b: str) -> None:
    assert not comparison(a, b).equal


def test_of_full_rank_a_pseudoinverse_is_what_it_is_there() -> None:
    assert comparison("pinv(A)*A", "eye(n)", everywhere=False).equal
    assert not comparison("pinv(F)*F", "eye(n)", everywhere=False).equal


def test_rational_expressions_that_differ_are_known_to() -> None:
    assert comparison("x'*x", "x'*x + s").different
    assert not comparison("exp(s)", "exp(2*s)").different
    assert not comparison("o .* o", "o").different


def test_sizes_are_in_every_order_and_take_three_values() -> None:
    for names in (["n"], ["m", "n"], ["m", "n", "p"]):
        rows = few_sizes(names)
        assert all(len({row[a] for row in rows}) >= 3 for a in names)
        for a in names:
            for b in names:
                assert a == b or {row[a] < row[b] for row in rows} == {True, False}
