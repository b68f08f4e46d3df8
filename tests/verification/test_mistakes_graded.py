"""Some 1070 answers in which mistakes were planted by hand: every verdict is right, and how many mistakes are named."""

from __future__ import annotations

import pytest
from verification.graded_answers import FILES, problems

from symgrad.verification.answers import case_of
from symgrad.verification.mistakes import MISTAKES

NAMED_AT_LEAST = 0.95  # of all; strictly: the first id that is reported is one of the planted ones
CLASSICS_AT_LEAST = 0.93  # of those written last, which no label or rule was fitted to when they were measured


def _case(problem):
    options = {"where": problem.where, "layout": problem.layout, "domain": problem.domain}
    return case_of(problem.expression, problem.wrt, **options)


@pytest.mark.parametrize("name", FILES)
def test_verdicts_are_right_and_mistakes_are_named_where_the_file_says_so(name):
    for problem in problems(name):
        case = _case(problem)
        for answer, ids, named in problem.answers:
            verdict = case.judge(answer)
            place = f"d {problem.expression} / d {problem.wrt}: {answer}"
            assert verdict.correct is (ids == ("right",)), place
            if verdict.correct:
                assert verdict.misconceptions == (), place
            else:
                planted = {MISTAKES[i].family for i in ids}
                assert (verdict.misconception in planted) is named, f"{place}: {verdict.misconceptions}"


def test_the_shares_that_are_named():
    every = [(name, n) for name in FILES for p in problems(name) for _, ids, n in p.answers if ids != ("right",)]
    classics = [named for name, named in every if name == "classics"]
    assert len(every) > 950 and len(classics) > 200
    assert sum(named for _, named in every) >= NAMED_AT_LEAST * len(every)
    assert sum(classics) >= CLASSICS_AT_LEAST * len(classics)
