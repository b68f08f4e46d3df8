"""What a judge of a printed answer says, and what all judges need: the program, its numbers, a Jacobian.

>>> wrong("missing mask", "").right
False
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from symgrad.bank.exercise import Factor, Problem
from symgrad.execution import bound_sizes
from symgrad.programs import Program, program
from symgrad.verification.witnesses import Point, engine_jacobian, opened

Array = Any
WRONG = "wrong answer"  # where no mistake explains it


@dataclass(frozen=True, slots=True)
class Judged:
    """Whether a print is right (None: nothing printed), the ids of what is wrong, and where it shows."""

    right: bool | None
    findings: tuple[str, ...]
    detail: str


NOTHING_PRINTED = Judged(None, (), "")


def right(detail: str) -> Judged:
    """A print that is right, and why."""
    return Judged(True, (), detail)


def wrong(finding: str, detail: str) -> Judged:
    """A print in which one mistake was found, and where it shows."""
    return Judged(False, (finding,), detail)


def program_of(problem: Problem) -> Program:
    """The program of a problem."""
    return program(problem.formula, problem.where)


def placed(problem: Problem) -> tuple[Program, Point]:
    """The program of a problem, and the point that its numbers are."""
    source = program_of(problem)
    values = {n: np.asarray(v, dtype=float) for n, v in problem.values.items() if n in source.declared}
    return source, Point(bound_sizes(source, values), values)


def jacobian_matrix(source: Program, factor: Factor, point: Point) -> Array:
    """The Jacobian of a factor, its rows the entries of what is differentiated."""
    run = opened(source, [factor.wrt], factor.of, point)
    return engine_jacobian(run, factor.wrt).reshape(-1, int(np.size(run.values[factor.wrt])))
