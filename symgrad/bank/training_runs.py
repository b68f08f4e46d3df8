"""What the questions on training ask to be run: objectives, runs, schedules and searches from their data.

>>> from symgrad.bank.exercise import Bilingual
>>> one = ScheduleOf(Bilingual("", ""), "inverse", rate=0.1, k=1.0, every=1, factor=1.0, printed=None)
>>> schedule_of(one)(4)
0.02
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from symgrad.bank.exercise import Problem
from symgrad.bank.training_questions import DescentQuestion, RunOf, ScheduleOf, SearchQuestion
from symgrad.training.convergence import curvature
from symgrad.training.descent import Run, descend
from symgrad.training.objective import Objective, objective
from symgrad.training.rules import rule
from symgrad.training.samples import Sampler, mini_batch, shuffled, stochastic
from symgrad.training.schedules import Schedule, exponential_decay, inverse_decay, step_decay
from symgrad.training.search import Trial, log_uniform, random_search


def objective_of(
    problem: Problem, of: str | None, wrt: Sequence[str], start: Mapping[str, Any], examples: Sequence[str] = ()
) -> Objective:
    """The objective of a problem: its values are the data, but for the parameters."""
    data = {n: v for n, v in problem.values.items() if n not in wrt}
    return objective(problem.formula, wrt, data, where=problem.where, of=of, examples=examples, start=start)


def runs_of(question: DescentQuestion) -> list[Run]:
    """The runs of a question, in order."""
    made = objective_of(question.problem, question.of, question.wrt, question.start, question.examples)
    return [_run(made, one, question.start) for one in question.runs]


def _run(made: Objective, one: RunOf, start: Mapping[str, Any]) -> Run:
    known = rule(one.rule, **one.settings)
    return descend(made, start, rule=known, rate=rate_of(made, one, start), steps=one.steps, sample=_sampler(one))


def rate_of(made: Objective, one: RunOf, start: Mapping[str, Any]) -> float:
    """The learning rate of a run: as given, or as a part of 2 / L, L the largest eigenvalue at the start."""
    if one.rate is not None:
        return one.rate
    assert one.of_limit is not None
    return one.of_limit * curvature(made, start).limit


def _sampler(one: RunOf) -> Sampler | None:
    if one.sample == "batch":
        return None
    if one.sample == "stochastic":
        return stochastic(one.seed)
    return (mini_batch if one.sample == "mini-batch" else shuffled)(one.size, one.seed)


def schedule_of(one: ScheduleOf) -> Schedule:
    """The learning rate over time."""
    if one.schedule == "step":
        return step_decay(one.rate, one.every, one.factor)
    return (exponential_decay if one.schedule == "exponential" else inverse_decay)(one.rate, one.k)


def trials_of(question: SearchQuestion) -> tuple[Trial, ...]:
    """The trials of a search, best first; each is the cost after a whole run."""
    made = objective_of(question.problem, question.of, question.wrt, question.start)
    space = {"rate": log_uniform(*question.rates), "below_one": log_uniform(*question.below_one)}
    score = partial(_score, made, question)
    return random_search(score, space, trials=question.trials, seed=question.seed)


def _score(made: Objective, question: SearchQuestion, rate: float, below_one: float) -> float:
    """The cost at the end; a run that left the finite numbers is infinitely bad."""
    known = rule(question.rule, **{question.setting: 1 - below_one})
    run = descend(made, question.start, rule=known, rate=rate, steps=question.steps)
    return float(run.costs[-1]) if run.left_at is None else float(np.inf)
