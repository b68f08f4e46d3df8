"""Slopes from a ladder of steps: central and one-sided quotients, extrapolated, with a measured noise floor.

A line is a function of one number t, the values of some f at x + t d.  Its quotients are taken at steps that
shrink by 4, extrapolated to t = 0 (Richardson), and of all the extrapolations that one is kept whose truncation,
seen from its neighbours, and rounding, known from the noise of f, are smallest together, provided that no
smaller step contradicts it.  Nothing here knows gradients, tolerances or verdicts.

>>> slope = climb(lambda t: np.array([1e8 + (3 + t)**2]), eps=2.0**-52)
>>> bool(abs(slope.middle.value[0] - 6) < slope.middle.error[0] < 1e-5)
True
>>> kink = climb(lambda t: np.array([abs(t)]), eps=2.0**-52)
>>> kink.left.value.tolist(), kink.right.value.tolist()
([-1.0], [1.0])
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import factorial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symgrad.errors import DomainError

Array = NDArray[Any]
Line = Callable[[float], Array]  # t -> the values at x + t d, one axis

RATIO = 4.0
FIRST = 0.25  # the largest step, in units of the direction
HALF_PRECISION = 2.0**-12  # so coarse types are stepped from 1
RUNGS = 10
FEWEST = 4
MORE_RUNGS = 12  # further down, where the first steps left the domain
NOISE_POINTS = 7
NOISE_ORDERS = (3, 4, 5)  # differences of these orders leave nothing but noise
NOISE_STEP = 701.3  # in units of eps; no power of two, so that rounding is as it comes
NOISE_GROWTH = 37.1  # of that step, as long as the values do not change at all
STAIRS = 2.0**-8  # the largest step at which values that do not change are followed to where they do
BESIDE = 2.0**-10  # of that step: so close, a value that is rounded is still the same
SPREAD = 2.0  # rounding is bounded by so many standard deviations
HALF_ULP = 0.5
TINY = float(np.finfo(np.float64).tiny)


@dataclass(frozen=True, slots=True, eq=False)
class Limit:
    """What quotients tend to as the step goes to 0, and how far off it may be; one for each output."""

    value: Array
    error: Array


@dataclass(frozen=True, slots=True, eq=False)
class Ladder:
    """Quotients of a line: `central[k, i]` and `forward[k, i]` at `steps[k]` for output i, and their limits.

    `noise` bounds the rounding of one value; `reach` is the largest slope between values far apart.
    """

    steps: Array
    central: Array
    forward: Array
    noise: Array
    reach: Array
    middle: Limit
    left: Limit
    right: Limit

    @property
    def rounding(self) -> Array:
        """What rounding may do to `central`."""
        return self.noise / self.steps[:, None]


def climb(
    line: Line, *, eps: float, noise: Array | None = None, start: Array | None = None, rungs: int = RUNGS
) -> Ladder:
    """The slope of a line at 0, from both sides.

    eps    the relative rounding of its argument and values;  start  its values at 0, where these are known
    noise  a bound for the rounding of its values, measured if not given;  rungs  how many steps

    Raises DomainError where the line is not finite at 0, or at no step near it.
    """
    start = line(0.0) if start is None else start
    if not np.isfinite(start).all():
        raise DomainError("f is not finite at the point itself", hint="a point inside the domain of f")
    if noise is None:
        noise = measured_noise(line, start, eps)
    steps, ahead, behind = _values_both_sides(line, eps, rungs)
    widths = steps[:, None]
    central, right, left = (ahead - behind) / (2 * widths), (ahead - start) / widths, (start - behind) / widths
    rounding = noise / widths
    reach = np.maximum(np.abs(right[:2]), np.abs(left[:2])) - 2 * rounding[:2]
    return Ladder(
        steps,
        central,
        right,
        noise,
        np.maximum(reach.max(axis=0), 0.0),
        extrapolated(central, rounding, (2, 4, 6)),
        extrapolated(left, 2 * rounding, (1, 2, 3)),
        extrapolated(right, 2 * rounding, (1, 2, 3)),
    )


# --- values -----------------------------------------------------------------------------------


def _values_both_sides(line: Line, eps: float, rungs: int) -> tuple[Array, Array, Array]:
    """Steps, and the values ahead and behind, from the largest step below which all is finite."""
    steps: list[float] = []
    ahead: list[Array] = []
    behind: list[Array] = []
    usable = 0
    first = FIRST if eps < HALF_PRECISION else 1.0
    for k in range(rungs + MORE_RUNGS):
        t = first * RATIO**-k
        if usable >= FEWEST and (k >= rungs or t < 64 * eps):
            break
        steps.append(t)
        ahead.append(line(t))
        behind.append(line(-t))
        usable = usable + 1 if np.isfinite(ahead[-1]).all() and np.isfinite(behind[-1]).all() else 0
    if not usable:
        raise DomainError("f is not finite near the point", hint="a point inside the domain of f")
    return np.array(steps[-usable:]), np.stack(ahead[-usable:]), np.stack(behind[-usable:])


def measured_noise(line: Line, start: Array, eps: float) -> Array:
    """A bound for the rounding of one value of a line, from high differences at steps that are all but zero.

    Source: Moré & Wild, Estimating computational noise, 2011.  Points lie on one side: 0 may be a kink.
    """
    floor = HALF_ULP * eps * np.abs(start)
    step = NOISE_STEP * eps
    values = _row_of_values(line, step)
    if (values == start).all():
        values = _first_stairs(line, start, step)
    if not np.isfinite(values).all():
        return floor
    largest = np.maximum(np.abs(values).max(axis=0), TINY)
    levels = []
    for order in NOISE_ORDERS:
        table = np.diff(values / largest, order, axis=0)
        levels.append(np.sqrt(factorial(order) ** 2 / factorial(2 * order) * np.mean(table**2, axis=0)))
    return np.asarray(np.maximum(SPREAD * np.median(levels, axis=0) * largest, floor))


def _row_of_values(line: Line, step: float) -> Array:
    return np.stack([line(step * k) for k in range(1, NOISE_POINTS + 1)])


def _first_stairs(line: Line, start: Array, step: float) -> Array:
    """Values at the smallest steps at which they change, if they climb by stairs; else the start.

    Digits that f drops, as by computing in a coarser type or by printing, are noise too, though at the finest steps
    nothing of it is seen.  Where a slope begins, as beyond a kink, values next to each other differ.
    """
    same = np.stack([start] * NOISE_POINTS)
    while (step := step * NOISE_GROWTH) < STAIRS:
        values = _row_of_values(line, step)
        moved = (values != start).any(axis=1)
        if moved.any():
            beside = np.stack([line(step * (k + BESIDE)) for k in range(1, NOISE_POINTS + 1)])
            flat = (beside == values).all(axis=1)
            return values if 3 * np.count_nonzero(flat & moved) >= 2 * np.count_nonzero(moved) else same
    return same


# --- extrapolation ----------------------------------------------------------------------------


def extrapolated(quotients: Array, rounding: Array, powers: Sequence[int]) -> Limit:
    """The limit of quotients whose error is a series in these powers of the step.

    quotients: (steps, outputs), from the largest step to the smallest.
    """
    finest, values, errors = _candidates(quotients, rounding, powers)
    gain = 2 / (RATIO ** powers[0] - 1)
    for k in range(1, len(quotients)):
        doubt = gain * np.abs(quotients[k] - quotients[k - 1]) + SPREAD * rounding[k]
        against = np.abs(quotients[k] - values) - doubt
        errors = np.where((finest < k)[:, None], np.maximum(errors, against), errors)
    best = np.argmin(np.where(np.isnan(errors), np.inf, errors), axis=0)
    chosen = best, np.arange(quotients.shape[1])
    return Limit(values[chosen], errors[chosen])


def _candidates(quotients: Array, rounding: Array, powers: Sequence[int]) -> tuple[Array, Array, Array]:
    """Every extrapolation: the smallest step it uses, its value, and its distance from its parents."""
    before = np.vstack([np.full((1, quotients.shape[1]), np.inf), np.abs(np.diff(quotients, axis=0))])
    finest, values, errors = [np.arange(len(quotients))], [quotients], [before + rounding]
    column = quotients
    for depth, power in enumerate(powers, 1):
        if len(column) < 2:
            break
        weight = RATIO**power
        coarse, fine = column[:-1], column[1:]
        column = (weight * fine - coarse) / (weight - 1)
        finest.append(np.arange(depth, len(quotients)))
        values.append(column)
        parents = np.maximum(np.abs(column - fine), np.abs(column - coarse) / RATIO ** (powers[0] - 1))
        errors.append(parents + rounding[depth:])
    return np.concatenate(finest), np.vstack(values), np.vstack(errors)
