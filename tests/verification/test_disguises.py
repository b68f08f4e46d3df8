"""Right answers in fifteen disguises: no one is accused of a mistake."""

from __future__ import annotations

import random

import pytest
from verification.graded_answers import FILES, problems

from symgrad.verification.answers import case_of

DISGUISES = [
    "({0})", "(({0})')'", "-(-({0}))", "2*({0}) - ({0})", "({0})/2 + ({0})/2", "0.25*({0})*4", "3*({0})/3",
    "({0}) + ({0}) - ({0})", "(5*({0}) - 2*({0}))/3", "0*({0}) + ({0})", "({0}) - 0*({0})", "(-1)*(-({0}))",
    "(2*({0})')'/2", "({0})*1", "1*({0})*1",
]  # fmt: skip
MOST = 4  # disguises of one answer


CASES = [pytest.param(p, k, id=f"{name}-{k}") for name in FILES for k, p in enumerate(problems(name))]


@pytest.mark.parametrize(("problem", "seed"), CASES)
def test_no_disguise_of_a_right_answer_is_called_wrong(problem, seed):
    options = {"where": problem.where, "layout": problem.layout, "domain": problem.domain}
    case = case_of(problem.expression, problem.wrt, **options)
    right = [answer for answer, ids, _ in problem.answers if ids == ("right",)]
    if case.derivative.matrix_form:
        right.append(str(case.derivative))
    rng = random.Random(seed)
    for answer in right[-2:]:
        for disguise in rng.sample(DISGUISES, MOST):
            verdict = case.judge(disguise.format(answer))
            assert verdict.correct is True and verdict.misconceptions == (), disguise.format(answer)
