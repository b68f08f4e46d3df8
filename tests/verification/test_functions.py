"""Answers that are functions of arrays."""

from __future__ import annotations

import numpy as np
import pytest

from symgrad.errors import UnknownNameError
from symgrad.verification.answers import case_of, check_answer

WHERE = "X: R^{m x n}; w: R^n; y: R^m"
LOSS = "norm2(X*w-y)^2"


@pytest.mark.parametrize(
    ("answer", "correct", "mistake"),
    [
        (lambda X, w, y: 2 * X.T @ (X @ w - y), True, None),
        (lambda **given: 2 * given["X"].T @ (given["X"] @ given["w"] - given["y"]), True, None),
        (lambda X, w, y, scale=2: scale * X.T @ (X @ w - y), True, None),
        (lambda X, w, y: X.T @ (X @ w - y), False, "missing factor 2"),
        (lambda X, w, y: 2 * X.T @ (y - X @ w), False, "sign"),
        (lambda X, w, y: 2 * X @ (X @ w - y), False, None),  # does not run
        (lambda X, w, y: 0 * w, False, None),
        (lambda X, w, y: X, False, None),
    ],
)
def test_least_squares(answer, correct, mistake):
    verdict = check_answer(LOSS, "w", answer=answer, where=WHERE)
    assert verdict.correct is correct and verdict.misconception == mistake
    assert correct or verdict.explanation or verdict.witness


def test_a_mask_left_out_in_code():
    where = "W: R^{k x n}; x: R^n; v: R^k"
    verdict = check_answer("v'*relu(W*x)", "W", answer=lambda W, x, v: np.outer(v, x), where=where)
    assert verdict.misconception == "missing mask" and verdict.witness is not None


def test_a_function_cannot_change_the_point():
    def greedy(x):
        x[:] = 0
        return x

    verdict = check_answer("x'*x", "x", answer=greedy, where="x: R^n")
    assert verdict.correct is False and np.abs(verdict.witness.values["x"]).max() > 0


def test_a_parameter_that_is_no_input_is_an_error():
    with pytest.raises(UnknownNameError):
        check_answer(LOSS, "w", answer=lambda X, w, z: w, where=WHERE)


def test_one_case_judges_many_answers():
    case = case_of(LOSS, "w", where=WHERE, layout="gradient")
    said = [case.judge(a).misconception for a in ("2*X'*(X*w-y)", "X'*(X*w-y)", "2*X*(X*w-y)", "2*X'*X*w")]
    assert said == [None, "missing factor 2", "missing transpose", "dropped term"]
