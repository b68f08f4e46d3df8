"""One measured slope against one claimed slope: right, wrong, at a kink, or not known.

The size of what is claimed and measured is the only scale; what is granted is what the measurement says of its own
error, and the rounding of the claim.  Nothing here takes differences.

>>> from symgrad.verification.ladder import climb
>>> ladder = climb(lambda t: np.array([(3 + t)**2]), eps=2.0**-52)
>>> [int(compared(ladder, np.array([c]), np.array([6.0]), 1e-8, 2.0**-52)[0]) for c in (6.0, 6.1)] == [OK, WRONG]
True
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from symgrad.verification.ladder import Ladder

Array = NDArray[Any]
OK, SUBGRADIENT, UNRESOLVED, WRONG = range(4)
CAUTION = 3.0  # times the estimated error of a measured slope is granted
POWER = 0.01  # of its size is what a slope must at least be known to
COARSE = 300  # times the precision, where that is larger: half precision knows less
SIDES = 10  # times as much is granted to the slopes of both sides
CLEARLY = 2.0  # times what is granted is wrong even where slopes are hardly known


def compared(ladder: Ladder, claimed: Array, scale: Array, rtol: float, eps: float) -> Array:
    """OK, UNRESOLVED or WRONG for each output, where there is no kink."""
    granted = CAUTION * ladder.middle.error + rtol * scale
    off = np.abs(claimed - ladder.middle.value)
    needed = min(max(POWER, COARSE * eps), 0.5) * np.maximum(scale, ladder.reach)
    known = (CAUTION * ladder.middle.error <= needed) & (ladder.left.error + ladder.right.error <= SIDES * needed)
    nothing = (claimed == 0) & (ladder.central == 0).all(axis=0) & (ladder.reach == 0)
    right = np.where(known | nothing, OK, UNRESOLVED)
    return np.where(off <= granted, right, np.where(known | (off > CLEARLY * granted), WRONG, UNRESOLVED))


def kinked(ladder: Ladder, rtol: float) -> Array:
    """Whether the slopes of the two sides differ by more than they are uncertain."""
    left, right = ladder.left, ladder.right
    larger = np.maximum(np.abs(left.value), np.abs(right.value))
    return np.abs(right.value - left.value) > 4 * (left.error + right.error) + rtol * larger


def between(claimed: Array, low: Array, high: Array, granted: Array) -> Array:
    """SUBGRADIENT where the claim lies between the slopes of the sides, WRONG elsewhere."""
    inside = (low - granted <= claimed) & (claimed <= high + granted)
    return np.where(inside, SUBGRADIENT, WRONG)
