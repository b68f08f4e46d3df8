"""Learning-rate decay: schedules are functions of the time t, which is 0 at the first step.

Whether t counts steps or epochs is the caller's: `per_epoch` turns a schedule of epochs into one of steps.

>>> [inverse_decay(0.1, 1)(t) for t in (0, 1, 3)]
[0.1, 0.05, 0.025]
"""

from __future__ import annotations

from collections.abc import Callable
from math import exp, isfinite

from symgrad.errors import DomainError

Schedule = Callable[[int], float]


def constant(rate: float) -> Schedule:
    """a(t) = a0.  Raises DomainError for a rate that is not positive and finite."""
    _positive("rate", rate)
    return lambda t: rate


def step_decay(rate: float, every: int, factor: float = 0.5) -> Schedule:
    """a(t) = a0 factor^floor(t / every): after each `every` the rate is multiplied by the factor.

    Raises DomainError for numbers that are not positive, or a factor above 1.
    """
    _positive("rate", rate)
    _positive("every", every)
    _positive("factor", factor)
    if factor > 1:
        raise DomainError(f"factor is {factor}; a rate that decays is multiplied by at most 1")
    return lambda t: rate * factor ** (t // every)


def exponential_decay(rate: float, k: float) -> Schedule:
    """a(t) = a0 exp(-k t).  Raises DomainError for a rate that is not positive or a negative k."""
    _positive("rate", rate)
    _not_negative("k", k)
    return lambda t: rate * exp(-k * t)


def inverse_decay(rate: float, k: float) -> Schedule:
    """a(t) = a0 / (1 + k t).  Raises DomainError for a rate that is not positive or a negative k."""
    _positive("rate", rate)
    _not_negative("k", k)
    return lambda t: rate / (1 + k * t)


def per_epoch(schedule: Schedule, steps: int) -> Schedule:
    """The same schedule where t counts steps, so many of them an epoch."""
    _positive("steps", steps)
    return lambda t: schedule(t // steps)


def _positive(name: str, value: float) -> None:
    if not (isfinite(value) and value > 0):
        raise DomainError(f"{name} is {value}; a positive number is wanted")


def _not_negative(name: str, value: float) -> None:
    if not (isfinite(value) and value >= 0):
        raise DomainError(f"{name} is {value}; zero or a positive number is wanted")
