"""Random search for hyper-parameters on a logarithmic scale (Bergstra & Bengio 2012).

Learning rates act by their size: between 1e-4 and 1 as many trials should fall into each decade.  Every trial has a
number and is drawn from the seed and that number alone.

>>> found = random_search(lambda rate: abs(rate - 0.1), {"rate": log_uniform(1e-3, 1)}, trials=50, seed=1)
>>> len(found), 0.05 < found[0].values["rate"] < 0.2
(50, True)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf, isfinite, log10, nan
from typing import Any

import numpy as np

from symgrad.errors import DomainError, LimitError, SymgradError

Draw = Callable[[Any], float]  # a generator of random numbers -> a value
MOST_TRIALS = 1_000_000


@dataclass(frozen=True)
class Trial:
    """One draw and its score, lower is better; infinite where the run left the finite numbers or was refused."""

    number: int
    values: Mapping[str, float]
    score: float


def uniform(low: float, high: float) -> Draw:
    """Evenly between two numbers.  Raises DomainError."""
    if not (isfinite(low) and isfinite(high) and low < high):
        raise DomainError(f"from {low} to {high} there is nothing to draw from")
    return lambda rng: float(rng.uniform(low, high))


def log_uniform(low: float, high: float) -> Draw:
    """10^u, u evenly between the logarithms: every decade gets its share.  Raises DomainError unless 0 < low < high."""
    if not (isfinite(low) and isfinite(high) and 0 < low < high):
        raise DomainError(f"from {low} to {high}: a logarithmic scale needs 0 < low < high")
    exponent = uniform(log10(low), log10(high))
    return lambda rng: float(min(max(10 ** exponent(rng), low), high))


def random_search(
    score: Callable[..., float], space: Mapping[str, Draw], *, trials: int, seed: int = 0
) -> tuple[Trial, ...]:
    """Call score(name=value, ...) at random places; the trials, best first.

    An error that symgrad raises in a trial, and what is not finite, count as infinitely bad.
    Raises DomainError for no trials, LimitError for too many.
    """
    if trials < 1:
        raise DomainError(f"{trials} trials")
    if trials > MOST_TRIALS:
        raise LimitError(f"{trials} trials; at most {MOST_TRIALS}")
    found = [_tried(score, space, number, seed) for number in range(trials)]
    return tuple(sorted(found, key=lambda trial: (trial.score, trial.number)))


def _tried(score: Callable[..., float], space: Mapping[str, Draw], number: int, seed: int) -> Trial:
    rng = np.random.default_rng([seed, number])
    values = {name: draw(rng) for name, draw in space.items()}
    try:
        result = float(score(**values))
    except SymgradError:
        result = nan
    return Trial(number, values, result if isfinite(result) else inf)
