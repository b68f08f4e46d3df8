"""One axis of a chart: a range of numbers on a linear or logarithmic scale, and the numbers that are labelled.

>>> [label for _, label in Axis.over([0, 7], "linear").ticks()]
['0', '1', '2', '3', '4', '5', '6', '7']
>>> Axis.over([1e-3, 1e2], "log").ticks()[0]
(0.001, '10^-3')
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from symgrad.errors import DomainError

Scale = Literal["log", "linear"]
TICKS = 9  # labels of an axis at most
FEW = 1e-9  # of a range, by which a tick may lie outside


@dataclass(frozen=True, slots=True)
class Axis:
    """From `low` to `high`; both are logarithms where the scale is logarithmic."""

    low: float
    high: float
    scale: Scale

    @staticmethod
    def over(
        values: Sequence[float], scale: Scale, room: float = 0.0, limits: tuple[float, float] | None = None
    ) -> Axis:
        """The axis over all values with some room beside them (decades, or parts of the range), or over `limits`.

        Raises DomainError where there is nothing to draw, or what cannot stand on the scale.
        """
        values = limits or values
        if not values:
            raise DomainError("there are no points to draw")
        if scale == "log" and not all(math.isfinite(v) and v > 0 for v in values):
            raise DomainError("logarithmic axes need positive numbers")
        if not all(math.isfinite(v) for v in values):
            raise DomainError("what is drawn must be finite")
        places = [math.log10(v) for v in values] if scale == "log" else list(values)
        if limits is not None:
            return Axis(*_apart(min(places), max(places)), scale)
        return Axis(*(_decades if scale == "log" else _roomy)(min(places), max(places), room), scale)

    def at(self, value: float) -> float:
        """Where a number stands: 0 at the low end, 1 at the high one."""
        place = math.log10(value) if self.scale == "log" else value
        return (place - self.low) / (self.high - self.low)

    def ticks(self) -> list[tuple[float, str]]:
        """The numbers that are labelled; `10^k` stands for a power of ten."""
        if self.scale == "log":
            return [(10.0**k, "1" if k == 0 else f"10^{k}") for k in self._powers()]
        step = next(s for s in _round_steps(self.high - self.low) if (self.high - self.low) / s < TICKS)
        slack = FEW * (self.high - self.low)
        first, last = math.ceil((self.low - slack) / step), math.floor((self.high + slack) / step)
        digits = max(0, -math.floor(math.log10(step) + FEW))
        return [(k * step, f"{k * step:.{digits}f}".replace("-", "\u2013")) for k in range(first, last + 1)]

    def _powers(self) -> list[int]:
        """Whole decades to label: all, every second, third, ..."""
        first, last = math.ceil(self.low), math.floor(self.high)
        step = next(s for s in range(1, 1000) if (last - first) // s < TICKS)
        return [k for k in range(first, last + 1) if k % step == 0]


def _decades(low: float, high: float, room: float) -> tuple[float, float]:
    low, high = low - room, high + room
    return (low, high) if high - low > 2 else (low - 1, high + 1)


def _roomy(low: float, high: float, room: float) -> tuple[float, float]:
    return _apart(low - room * (high - low), high + room * (high - low))


def _apart(low: float, high: float) -> tuple[float, float]:
    """A range that is not empty."""
    if high > low:
        return low, high
    return low - (abs(low) or 1) / 2, high + (abs(high) or 1) / 2


def _round_steps(width: float) -> list[float]:
    """1, 2 and 5 times powers of ten, from small to large ones."""
    power = 10.0 ** (math.floor(math.log10(width)) - 2)
    return [m * power * 10**k for k in range(4) for m in (1, 2, 5)]
