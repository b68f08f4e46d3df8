"""Answers made wrong by hand, and whether the planted mistake is the one that is named."""

from __future__ import annotations

import pytest
from verification.answers_own import RIGHT, WRONG

from symgrad.verification.answers import check_answer


def _judged(case):
    options = {"where": case.where, "layout": case.layout, "domain": case.domain}
    return check_answer(case.expression, case.wrt, answer=case.answer, **options)


@pytest.mark.parametrize("case", WRONG, ids=lambda c: f"{c.expression} | {c.answer}")
def test_planted_mistakes_are_named(case):
    verdict = _judged(case)
    assert verdict.correct is False
    assert verdict.misconception in case.planted
    assert verdict.explanation and verdict.details


@pytest.mark.parametrize("case", RIGHT, ids=lambda c: f"{c.expression} | {c.answer}")
def test_right_answers_are_not_accused(case):
    verdict = _judged(case)
    assert verdict.correct is True and verdict.misconceptions == ()


WHERE = "A, B: R^{n x n}; x, b: R^n; s: R"


@pytest.mark.parametrize(
    ("expression", "answer", "said"),
    [
        ("x'*A*x + b'*x", "(A+A')*x + 3*b", "your answer has 3 times the term b"),
        ("sum(sin(x)) + sum(x.^4)", "cos(x) + 2*x.^3", "times the term"),
        ("sum(x.^2)+b'*x", "2*x + b + B*b", "your answer has the extra term B*b"),
        ("norm2(A*x-b)^2", "2*A*(A*x-b)", "column 3: write A' for A"),
        ("sum(x.^3)", "x.^2", "1/3 times the derivative"),
    ],
)
def test_what_is_said_of_it(expression, answer, said):
    assert said in check_answer(expression, "x", answer=answer, where=WHERE).explanation


@pytest.mark.parametrize("answer", ["b", "sin(x)", "x .* b", "s*x", "exp(A*x) + B'*b"])
def test_what_no_mistake_explains_is_not_explained(answer):
    verdict = check_answer("tr(A)*(b'*x)^3 + sum(cosh(B*x))", "x", answer=answer, where=WHERE)
    assert verdict.correct is False and verdict.misconception is None


def test_two_explanations_are_both_shown():
    """Half of S x + S x: the factor 2 or the second occurrence; the factor is the plainer one."""
    verdict = check_answer("x'*S*x", "x", answer="S*x", where="S: R^{n x n} symmetric; x: R^n")
    assert verdict.misconception == "missing factor 2"
    both = check_answer("norm2(A*x-b)^2", "x", answer="2*A*(A*x-b)", where=WHERE)
    assert both.misconception == "missing transpose"


def test_an_answer_that_does_not_conform_is_repaired():
    where = "X: R^{m x n}; w: R^n; y: R^m"
    verdict = check_answer("norm2(X*w-y)^2", "w", answer="2*X*(X*w-y)", where=where)
    assert verdict.rung == "shapes" and verdict.misconception == "missing transpose"
    assert "write X' for X" in verdict.explanation and "^" in verdict.explanation


def test_by_an_intermediate():
    net = "h = tanh(W*x); L = sum(V*h.*(V*h))"
    where = "W: R^{k x n}; V: R^{p x k}; x: R^n"
    assert check_answer(net, "h", answer="V'*V*h", where=where).misconception == "missing factor 2"
    assert check_answer(net, "h", answer="2*V*h", where=where).misconception == "missing chain factor"
