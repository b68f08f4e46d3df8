"""What a check of a gradient found: the verdict, the worst entries, the error at each step.

A report is a value.  `curve` is the data of the classical picture, the error of central differences against the
step, falling with truncation and rising again with rounding.  Nothing is checked here.

>>> entry = Entry(0, (2,), (), claimed=2.0, low=1.0, high=1.0, error=1e-12)
>>> print(entry)
argument 0, entry [2]: claimed 2, measured 1 +- 1e-12
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from math import isfinite
from typing import Any, Literal

from numpy.typing import NDArray

Array = NDArray[Any]
Outcome = Literal["ok", "ok-subgradient", "wrong", "unresolved"]
SHOWN = 5  # of the worst entries

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
        where = f"{output}argument {self.argument}, {place}"
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

    def rows(self) -> Iterator[tuple[float, float, float, float]]:
        """(step, error, distance from the claim, rounding) of each step."""
        columns = (self.steps, self.errors, self.distances, self.rounding)
        yield from zip(*(c.tolist() for c in columns), strict=True)

    def text(self) -> str:
        """The curve as a table."""
        head = "    step   error   claim - measured   rounding"
        return "\n".join([head, *(f"{s:8.1e}  {e:.0e}  {d:17.1e}  {r:9.0e}" for s, e, d, r in self.rows())])


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

    def to_json(self) -> dict[str, Any]:
        """The report as plain data; what is not a finite number is None."""
        data = {n: getattr(self, n) for n in ("verdict", "subject", "seed", "trials", "evaluations", "tolerance")}
        entries = [{n: _plain(v) for n, v in asdict(e).items()} for e in self.entries]
        curve = [[_plain(v) for v in row] for row in self.curve.rows()] if self.curve is not None else None
        return {**data, "largest": _plain(self.largest), "entries": entries, "notes": list(self.notes), "curve": curve}


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not isfinite(value) else value
