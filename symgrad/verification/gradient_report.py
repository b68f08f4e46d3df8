"""What a check of a gradient found: the verdict, the worst entries, the error at each step.

A report is a value.  `curve` is the data of the classical picture, the error of differences against the step, falling
with truncation and rising again with rounding; `curve.picture()` draws it.  Nothing is checked here.

>>> entry = Entry(0, (2,), (), claimed=2.0, low=1.0, high=1.0, error=1e-12)
>>> print(entry)
argument 0, entry [2]: claimed 2, measured 1 +- 1e-12
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from math import isfinite
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from symgrad.drawing.chart import Series

Array = NDArray[Any]
Outcome = Literal["ok", "ok-subgradient", "wrong", "unresolved"]
SHOWN = 5  # of the worst entries
FLOOR = 1e-18  # errors below this part of the slope are drawn there: some are exactly 0
ALIKE = 0.2  # how near to a whole power the errors of two neighbouring steps must fall
APART = 3.0  # times its own error is a measured slope from a claim that gets a curve of its own

_MEANING = {
    "ok": "the claimed slopes are the measured ones",
    "ok-subgradient": "the point is at a kink, and the claimed slopes lie between those of its sides",
    "wrong": "the claimed slopes are not the slopes of f",
    "unresolved": "the values of f do not tell",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a derivative: what was claimed and what was measured, from `low` to `high` at a kink."""

    argument: int
    index: tuple[int, ...]
    output: tuple[int, ...]
    claimed: float
    low: float
    high: float
    error: float
    inside: str = ""  # where the array is in its argument, if that is a dictionary or a list

    @property
    def off(self) -> float:
        """How far the claim is from what was measured."""
        return max(self.low - self.claimed, self.claimed - self.high, 0.0)

    def __str__(self) -> str:
        output = f"output {_index(self.output)}, " if self.output else ""
        place = f"entry {_index(self.index)}" if self.index else "the value"
        if self.high - self.low > 10 * self.error:
            measured = f"between {self.low:.7g} and {self.high:.7g}"
        else:
            measured = f"{(self.low + self.high) / 2:.7g}"
        where = f"{output}argument {self.argument}{self.inside}, {place}"
        return f"{where}: claimed {self.claimed:.7g}, measured {measured} +- {self.error:.1g}"


def _index(index: tuple[int, ...]) -> str:
    return "[" + ", ".join(map(str, index)) + "]"


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """Errors of central differences along one direction, from the largest step to the smallest.

    `errors` are distances from the extrapolated slope, `distances` those from the claimed one, `rounding` what the
    noise of f alone may do at each step.
    """

    steps: Array
    errors: Array
    distances: Array
    rounding: Array
    forward: Array | None = None  # distances of the one-sided quotients from the claim
    size: float = 1.0  # of the slope, in parts of which errors are drawn

    def rows(self) -> Iterator[tuple[float, float, float, float]]:
        """(step, error, distance from the claim, rounding) of each step."""
        columns = (self.steps, self.errors, self.distances, self.rounding)
        yield from zip(*(c.tolist() for c in columns), strict=True)

    def text(self) -> str:
        """The curve as a table."""
        head = "    step   error   claim - measured   rounding"
        return "\n".join([head, *(f"{s:8.1e}  {e:.0e}  {d:17.1e}  {r:9.0e}" for s, e, d, r in self.rows())])

    def picture(self, title: str = "Numeric against analytic slope") -> str:
        """The curve as SVG: errors in parts of the slope against the step, the branches of theory, the best step."""
        from symgrad.drawing.chart import Mark, chart

        series, marks = self._measured(), []
        truncation = _power_law(self.steps, self.errors, self.rounding, 2)
        if truncation is not None:
            series.append(self._guide(truncation * self.steps**2, "truncation ~ step\u00b2"))
            best = int(np.argmin(self._drawn(self.errors)))
            step = float(self.steps[best])
            marks = [Mark(step, float(self._drawn(self.errors)[best]), f"best step {step:.0e}")]
        if (self.rounding > 0).any():
            series.append(self._guide(self.rounding, "rounding < noise / step"))
        words = "step, in parts of the size of each entry", "relative error of the slope"
        return chart(series, *words, title=title, marks=marks, note=self.text())

    def _repr_svg_(self) -> str:
        return self.picture()

    def _measured(self) -> list[Series]:
        """The quotients' distances from the claim; what they are from the measured slope, if that is another one."""
        found = [self._series(self.distances, "central difference - claim")]
        if self.forward is not None:
            found.append(self._series(self.forward, "forward difference - claim"))
        if float(self.distances.min()) > APART * float(self.errors.min() + self.rounding.min()):
            found.append(self._series(self.errors, "central difference - measured slope"))
        return found

    def _series(self, values: Array, label: str) -> Series:
        from symgrad.drawing.chart import Series

        points = zip(self.steps.tolist(), self._drawn(values).tolist(), strict=True)
        return Series(tuple(p for p in points if isfinite(p[1])), label)

    def _guide(self, values: Array, label: str) -> Series:
        from symgrad.drawing.chart import Series

        points = zip(self.steps.tolist(), (values / self.size).tolist(), strict=True)
        return Series(tuple(p for p in points if p[1] > FLOOR), label, guide=True)

    def _drawn(self, values: Array) -> Array:
        return np.asarray(np.maximum(np.where(np.isnan(values), np.inf, values) / self.size, FLOOR))


def _power_law(steps: Array, errors: Array, rounding: Array, power: int) -> float | None:
    """The factor c of errors that fall as c * step^power, from where they do and are no rounding."""
    with np.errstate(all="ignore"):
        slopes = np.diff(np.log(errors)) / np.diff(np.log(steps))
    alike = (np.abs(slopes - power) < ALIKE) & (errors[1:] > APART * rounding[1:])
    falling = np.flatnonzero(alike[1:] & alike[:-1])
    return float(np.median(errors[falling] / steps[falling] ** power)) if falling.size else None


@dataclass(frozen=True, slots=True)
class GradientReport:
    """The outcome of a check.  `entries` are those that were localised, the worst first."""

    verdict: Outcome
    subject: str
    seed: int
    trials: int
    evaluations: int
    tolerance: float
    largest: float  # disagreement along the directions, in parts of the slopes' size
    entries: tuple[Entry, ...] = ()
    notes: tuple[str, ...] = ()
    curve: Curve | None = field(default=None, compare=False)

    @property
    def ok(self) -> bool:
        return self.verdict in ("ok", "ok-subgradient")

    def __bool__(self) -> bool:
        return self.ok

    def text(self) -> str:
        """The report as plain text."""
        lines = [f"{self.subject}: {self.verdict}, {_MEANING[self.verdict]}"]
        lines += [f"  {note}" for note in self.notes]
        if not self.ok:
            lines += [f"  {entry}" for entry in self.entries[:SHOWN]]
            if len(self.entries) > SHOWN:
                lines.append(f"  and {len(self.entries) - SHOWN} more")
        plural = "" if self.trials == 1 else "s"
        lines.append(
            f"  largest disagreement {self.largest:.1e}, allowed {self.tolerance:.1e} and the measured error; "
            f"{self.trials} direction{plural}, {self.evaluations} evaluations, seed {self.seed}"
        )
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.text()

    def picture(self, title: str = "") -> str | None:
        """The curve of the worst direction as SVG; None where nothing was measured."""
        return self.curve.picture(title or f"{self.subject}: {self.verdict}") if self.curve is not None else None

    def _repr_svg_(self) -> str | None:
        return self.picture()

    def to_json(self) -> dict[str, Any]:
        """The report as plain data; what is not a finite number is None."""
        data = {n: getattr(self, n) for n in ("verdict", "subject", "seed", "trials", "evaluations", "tolerance")}
        entries = [{n: _plain(v) for n, v in asdict(e).items()} for e in self.entries]
        curve = [[_plain(v) for v in row] for row in self.curve.rows()] if self.curve is not None else None
        return {**data, "largest": _plain(self.largest), "entries": entries, "notes": list(self.notes), "curve": curve}


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not isfinite(value) else value
