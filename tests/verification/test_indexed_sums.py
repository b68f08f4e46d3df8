"""Answers as indexed sums."""

from __future__ import annotations

import pytest

from symgrad.errors import LimitError, ParseError, ShapeError, SymgradError
from symgrad.programs import program
from symgrad.verification.answers import check_answer
from symgrad.verification.indexed_sums import looks_indexed, read_indexed

SQUARE = "x: R^n; A: R^{n x n}"


@pytest.mark.parametrize(
    "answer",
    [
        "sum_j A_kj x_j + sum_i A_ik x_i",
        "sum_j (A_kj + A_jk) x_j",
        "A_{kj} x_j + x_i A_{ik}",
        "A[k,j]*x[j] + A[j,k]*x[j]",
        r"\sum_j A_{kj} x_j + \sum_i A_{ik} x_i",
        r"$\sum_{j} A_{kj} x_j + \sum_{i=1}^{n} A_{ik} x_i$",
        "\u2211_j A_kj x_j + \u2211_i A_ik x_i",
        "df/dx_k = sum_j A_kj x_j + sum_j A_jk x_j",
        "sum_i sum_j (delta_ik x_j + x_i delta_jk) A_ij",
    ],
)
def test_the_quadratic_form(answer):
    verdict = check_answer("x'*A*x", "x", answer=answer, where=SQUARE)
    assert verdict.correct and "free indices: k" in verdict.notes[-1]


@pytest.mark.parametrize(
    ("answer", "mistake"),
    [
        ("sum_j A_kj x_j", "forgot second occurrence"),
        ("2 sum_j A_kj x_j", "assumed symmetric"),
        ("-sum_j (A_kj + A_jk) x_j", "sign"),
    ],
)
def test_mistakes_are_named_in_sums_too(answer, mistake):
    assert check_answer("x'*A*x", "x", answer=answer, where=SQUARE).misconception == mistake


@pytest.mark.parametrize(
    ("expression", "wrt", "where", "answer", "correct"),
    [
        ("a'*X*b", "X", "a: R^m; b: R^n; X: R^{m x n}", "a_i b_j", True),
        ("a'*X*b", "X", "a, b: R^n; X: R^{n x n}", "(df/dX)_ij = a_i b_j", True),
        ("a'*X*b", "X", "a, b: R^n; X: R^{n x n}", "(df/dX)_ij = a_j b_i", False),
        ("A*x", "x", "A: R^{m x n}; x: R^n", "A_ij", True),
        ("x.^3", "x", "x: R^n", "3 x_i^2 delta_ij", True),
        ("sum(x)", "x", "x: R^n", "sum_i delta_ik", True),
        ("x'*x/n", "x", "x: R^n", "2 x_i/n", True),
        ("tr(X'*A*X)", "X", "X: R^{n x p}; A: R^{n x n}", "sum_l (A_kl + A_lk) X_lp", True),
        ("sum(sigmoid(A*x))", "x", "A: R^{m x n}; x: R^n",
         "sum_i sigmoid(sum_k A_ik x_k) * (1 - sigmoid(sum_k A_ik x_k)) * A_ij", True),
        ("sum(exp(x))", "x", "x: R^n", "x_i", False),
    ],
)  # fmt: skip
def test_entries(expression, wrt, where, answer, correct):
    assert check_answer(expression, wrt, answer=answer, where=where).correct is correct


def test_names_of_the_problem_are_no_subscripts():
    scope = program("x_t'*x_t", "x_t: R^n").scope
    assert not looks_indexed("2*x_t", scope) and not looks_indexed("grad_w + x_t", scope)


SCOPE = program("x'*A*y", "x: R^n; A: R^{n x m}; y: R^m").scope


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("A_ij x_j", ShapeError),  # j runs to m and to n
        ("A_i", ParseError),
        ("A_ij y_j +", ParseError),
        ("sum_q x_i", ParseError),
        ("q_i", ParseError),
        ("x_i @ 2", ParseError),
        ("(" * 500 + "x_i" + ")" * 500, LimitError),
        ("x_i " * 2000, LimitError),
        ("x_i^y_j", SymgradError),
    ],
)
def test_what_cannot_be_read(text, error):
    with pytest.raises(error):
        read_indexed(text, SCOPE)
