"""Answers compared term by term, factors, and where entries differ."""

from __future__ import annotations

from fractions import Fraction

import pytest

from symgrad.verification.answers import check_answer
from symgrad.verification.scaling import Factor, read_factor
from symgrad.verification.terms import Comparison

WHERE = "A, B: R^{n x n}; x, b, c: R^n"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("2*x + c", "your answer lacks the term b"),
        ("2*x + b - c", "your answer has -1 times the term c"),
        ("5*x + b + c", "your answer has 5/2 times the term"),
        ("2*x + b + c + A*b", "your answer has the extra term A*b"),
    ],
)
def test_terms(answer, said):
    assert said in check_answer("x'*x + b'*x + c'*x", "x", answer=answer, where=WHERE).explanation


def test_ids_of_a_comparison():
    assert Comparison((0, 1), ("x", "y")).ids == ("term left out",)
    assert Comparison((Fraction(1, 2), -1), ("x", "y")).ids == ("missing factor 2", "sign")
    assert Comparison((1, 0), ("x", "y"), of_answer=True).lines() == ["your answer has the extra term y"]


def test_factors():
    assert read_factor([(2.5, {"n": 3}), (2.5, {"n": 4})]) == (Fraction(5, 2), ())
    assert read_factor([(6.0, {"n": 3}), (8.0, {"n": 4})]) == (Fraction(2), ("n",))
    assert read_factor([(1 / 6, {"m": 2, "n": 3}), (1 / 20, {"m": 4, "n": 5})]) == (Fraction(1), ("/m", "/n"))
    assert read_factor([(1.0, {}), (2.0, {})]) is None and read_factor([]) is None
    assert Factor(Fraction(-1, 2)).ids == ("missing factor 2", "sign")


@pytest.mark.parametrize(
    ("expression", "answer", "where", "said"),
    [
        ("relu(A*x)", "A", "A: R^{m x n}; x: R^n", "it agrees on the rows where [A*x > 0] is 1"),
        ("x.^2", "2*x*ones(n)'", "x: R^n", "it agrees on the diagonal only"),
        ("a.*x", "diag(a) + diag(x)", "a, x: R^n", "it differs on the diagonal only"),
    ],
)
def test_where_it_differs(expression, answer, where, said):
    assert said in check_answer(expression, "x", answer=answer, where=where).explanation
