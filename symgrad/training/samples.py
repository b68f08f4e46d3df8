"""Which examples a step looks at: all of them, one drawn at random, or a small batch.

A sampler is a pure function of the number of examples and the number of the step, so that a run can be repeated, and
entered anywhere, from its seed.

>>> stochastic(seed=1)(5, 3) == stochastic(seed=1)(5, 3), sorted(mini_batch(5)(5, 1).tolist())
(array([ True]), [0, 1, 2, 3, 4])
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from symgrad.errors import DomainError

Array = Any
Sampler = Callable[[int, int], Array | None]  # number of examples, number of the step from 0 -> rows; None: all


def batch() -> Sampler:
    """Every example at every step (batch gradient descent)."""
    return lambda count, t: None


def stochastic(seed: int = 0) -> Sampler:
    """One example, uniformly from all, anew at every step (Algorithm 1 of the course's notes)."""
    return lambda count, t: np.random.default_rng([seed, t]).integers(count, size=1)


def mini_batch(size: int, seed: int = 0) -> Sampler:
    """`size` different examples, uniformly from all, anew at every step (Algorithm 2 of the course's notes).

    Raises DomainError for a size below 1, and when it is called for more examples than there are.
    """
    _at_least_one(size)

    def rows(count: int, t: int) -> Array:
        _not_more(size, count)
        return np.random.default_rng([seed, t]).choice(count, size=size, replace=False)

    return rows


def shuffled(size: int, seed: int = 0) -> Sampler:
    """The examples in a new order each epoch, cut into batches: each is looked at once an epoch.

    The last batch of an epoch is smaller where the size does not divide the number of examples.
    """
    _at_least_one(size)

    def rows(count: int, t: int) -> Array:
        _not_more(size, count)
        epoch, place = divmod(t, -(-count // size))
        return np.random.default_rng([seed, epoch]).permutation(count)[place * size : (place + 1) * size]

    return rows


def _at_least_one(size: int) -> None:
    if size < 1:
        raise DomainError(f"a batch of {size} examples")


def _not_more(size: int, count: int) -> None:
    if size > count:
        raise DomainError(f"a batch of {size} examples out of {count}", hint=f"a size of at most {count}")
