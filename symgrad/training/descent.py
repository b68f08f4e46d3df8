"""Gradient descent: the loop, with any update rule, schedule and choice of examples.

    while True:
        dx = gradient at x
        x += -learning_rate * dx

A run is a value: every point, every cost over all the data, and why it stopped.  A run that leaves the finite numbers
stops there and says at which step.

>>> from symgrad.training.objective import objective
>>> bowl = objective("J = x^2/2", "x", where="x: R")
>>> descend(bowl, {"x": 1.0}, rate=0.5, steps=3).costs.tolist()
[0.5, 0.125, 0.03125, 0.0078125]
>>> descend(bowl, {"x": 1.0}, rate=1e200, steps=9).stopped
'the run left the finite numbers at step 1'
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

import numpy as np

from symgrad.errors import DomainError, LimitError
from symgrad.training.objective import Objective
from symgrad.training.rules import Rule, rule
from symgrad.training.samples import Sampler, batch
from symgrad.training.schedules import Schedule, constant

Array = Any
MOST_NUMBERS = 50_000_000  # that a run keeps
ROUNDING = 1e-12  # of a cost
DONE, FLAT = "all steps were made", "the gradient is small at step {t}"
LEFT = "the run left the finite numbers at step {t}"


@dataclass(frozen=True, eq=False)
class Run:
    """What happened.

    points    the flat parameters before the first step and after each, (steps + 1, n)
    costs     J over all the data at these points, (steps + 1,)
    stopped   why the run ended;  left_at  the step that left the finite numbers, None where none did
    """

    objective: Objective = field(repr=False)
    rule: Rule
    points: Array = field(repr=False)
    costs: Array = field(repr=False)
    stopped: str
    left_at: int | None
    converged: bool

    @property
    def steps(self) -> int:
        """How many steps led to finite numbers."""
        return len(self.points) - 1

    @property
    def end(self) -> dict[str, Array]:
        """The parameters after the last step.  Raises DomainError where the run left the finite numbers."""
        if self.left_at is not None:
            raise DomainError(self.stopped, hint="a smaller learning rate; curvature(...).limit tells how small")
        return self.objective.unpack(self.points[-1])

    @property
    def rises(self) -> tuple[int, ...]:
        """The steps, counted from 1, after which the cost over all the data was higher than before, beyond rounding."""
        rounding = ROUNDING * np.abs(self.costs[:-1]) + ROUNDING**2 * abs(self.costs[0])
        risen = (np.flatnonzero(np.diff(self.costs) > rounding) + 1).tolist()
        return tuple(risen) if self.left_at is None else (*risen, self.left_at)

    def path(self, name: str) -> Array:
        """One parameter at every point, (steps + 1, ...)."""
        return np.array([self.objective.unpack(p)[name] for p in self.points])


def descend(
    objective: Objective,
    start: Mapping[str, Any],
    *,
    rate: float | Schedule,
    steps: int,
    rule: str | Rule = "sgd",
    sample: Sampler | None = None,
    tolerance: float = 0.0,
) -> Run:
    """Minimise from `start`; stop after so many steps, or where the gradient of all data is at most `tolerance` long.

    Raises LimitError for a run too large to keep, DomainError for a rate that is negative or not finite, and for a
    sample of an objective without examples.
    """
    x = objective.pack(start)
    if sample is not None:
        objective.count  # noqa: B018  it refuses samples of nothing
    if steps < 0:
        raise DomainError(f"{steps} steps")
    if (steps + 1) * (x.size + 1) > MOST_NUMBERS:
        raise LimitError(f"{steps} steps of {x.size} parameters; a run keeps at most {MOST_NUMBERS} numbers")
    loop = _Loop(objective, _found(rule), rate if callable(rate) else constant(rate), sample or batch())
    with np.errstate(all="ignore"):
        return loop.run(x, steps, tolerance)


def _found(given: str | Rule) -> Rule:
    return given if isinstance(given, Rule) else rule(given)


@dataclass(frozen=True)
class _Loop:
    objective: Objective
    rule: Rule
    rate: Schedule
    sample: Sampler

    def run(self, x: Array, steps: int, tolerance: float) -> Run:
        state = self.rule.start(x.size)
        cost, slope = self.objective.value_and_gradient(x)
        if not _finite(cost, slope):
            raise DomainError("the cost or its gradient is not finite at the start")
        points, costs = [x], [cost]
        for t in range(steps):
            if np.linalg.norm(slope) <= tolerance:
                return self._ended(points, costs, FLAT.format(t=t), None, True)
            rate = self._rate(t)
            x, state = self.rule.step(x, self._gradient(x, slope, state, rate, t), state, rate, t + 1)
            cost, slope = self.objective.value_and_gradient(x)
            if not _finite(cost, x):
                return self._ended(points, costs, LEFT.format(t=t + 1), t + 1, False)
            points.append(x)
            costs.append(cost)
        return self._ended(points, costs, DONE, None, bool(np.linalg.norm(slope) <= tolerance))

    def _gradient(self, x: Array, slope: Array, state: tuple[Array, ...], rate: float, t: int) -> Array:
        """The gradient that the rule asks for; `slope` is that of all data at x, which is known already."""
        rows = self.sample(self.objective.count, t) if self.objective.examples else None
        at = self.rule.point(x, state, rate, t + 1)
        return slope if rows is None and at is x else self.objective.value_and_gradient(at, rows)[1]

    def _rate(self, t: int) -> float:
        rate = float(self.rate(t))
        if not (isfinite(rate) and rate >= 0):
            raise DomainError(f"the learning rate of step {t + 1} is {rate}")
        return rate

    def _ended(self, points: list[Array], costs: list[float], why: str, left: int | None, converged: bool) -> Run:
        return Run(self.objective, self.rule, np.array(points), np.array(costs), why, left, converged)


def _finite(cost: float, array: Array) -> bool:
    return isfinite(cost) and bool(np.isfinite(array).all())
