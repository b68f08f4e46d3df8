"""The check of a derivative: the compiled result against the numeric engine and against differences.

At several points (sizes all different, square, and with a 1 among them) the compiled arrays are compared
with two witnesses that share no rule with them: reverse sweeps of the engine over the gates of the program
as it was written, and finite differences of its forward values.  A `Report` says the largest disagreement
of each and what was done about kinks, domains and structure.  At arrays that are given, every entry is compared
with differences (`entrywise`), for code of one's own too.  Nothing here knows what a rule is.

>>> from symgrad.derivation import derivative
>>> report = check(derivative("sum(tanh(A*x))", "x", where="A: R^{m x n}; x: R^n"))
>>> report.ok, [row.witness for row in report.rows[:2]]
(True, ['engine', 'differences'])
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from symgrad.derivation import derive
from symgrad.errors import DomainError, LimitError
from symgrad.evaluation import Function, compiled
from symgrad.numeric.difference import Estimate
from symgrad.numeric.sample import ENTRY_LIMIT
from symgrad.verification.entrywise import Slopes, as_tensor, sizes_at, slopes
from symgrad.verification.witnesses import (
    KINDS,
    Interval,
    Point,
    Run,
    described,
    difference_jacobian,
    differenced,
    engine_differences,
    engine_jacobian,
    entry_count,
    find_point,
    is_analytic,
    opened,
    projected,
)

if TYPE_CHECKING:
    from rich.table import Table

    from symgrad.derivation import Derivative

Array = Any
EXACT = 1e-8  # relative tolerance against a witness that makes rounding errors only
BY_DIFFERENCES = 1e-6  # and against one that makes truncation errors too
FLOOR = 1e-9  # disagreements below this are rounding, however small the derivative
CAUTION = 10  # times the estimated error of differences is granted
OWN_ROUNDING = 1e-12  # of the largest entry is granted to what is claimed
WORST = 5  # entries that disagree are shown


@dataclass(frozen=True, slots=True)
class Row:
    """One witness at one point: by how much it disagrees with the compiled derivative at most."""

    witness: str
    how: str
    sizes: Mapping[str, int]
    absolute: float
    relative: float
    ok: bool


@dataclass(frozen=True, slots=True)
class Report:
    """What the witnesses say of a derivative.  `notes` tell what was done about kinks, domains and structure."""

    subject: str
    rows: tuple[Row, ...]
    seed: int
    notes: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        return bool(self.rows) and all(row.ok for row in self.rows)

    @property
    def verdict(self) -> str:
        """One line: whether all witnesses agree."""
        bad = sum(not row.ok for row in self.rows)
        said = f"{bad} of {len(self.rows)} comparisons disagree" if bad else f"all {len(self.rows)} comparisons agree"
        return f"{self.subject}: {said} (seed {self.seed})"

    def text(self) -> str:
        """The report as plain text."""
        head = ("witness", "sizes", "absolute", "relative", "")
        cells = [head, *(_cells(row) for row in self.rows)]
        widths = [max(len(c[i]) for c in cells) for i in range(len(head))]
        lines = ["  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in cells]
        return "\n".join([self.verdict, *(f"  {line}" for line in lines), *(f"  {note}" for note in self.notes)])

    def to_json(self) -> dict[str, Any]:
        """The report as plain data; what is not a finite number is None."""
        rows = [{**asdict(r), "absolute": _finite(r.absolute), "relative": _finite(r.relative)} for r in self.rows]
        return {**asdict(self), "rows": rows, "ok": self.ok}

    def __str__(self) -> str:
        return self.text()

    def _repr_html_(self) -> str:
        colour = "green" if self.ok else "red"
        rows = [("td", "" if row.ok else ' style="color:red"', _cells(row)) for row in self.rows]
        head: tuple[str, ...] = ("witness", "sizes", "absolute", "relative", "")
        table = "".join(
            f"<tr{style}>{''.join(f'<{tag}>{escape(cell, quote=False)}</{tag}>' for cell in cells)}</tr>"
            for tag, style, cells in (("th", "", head), *rows)
        )
        notes = "".join(f"<div>{escape(note, quote=False)}</div>" for note in self.notes)
        return f'<b style="color:{colour}">{escape(self.verdict, quote=False)}</b><table>{table}</table>{notes}'

    def __rich__(self) -> Table:
        from rich.table import Table
        from rich.text import Text

        table = Table(title=Text(self.verdict), caption=Text("\n".join(self.notes)), title_justify="left")
        for name, justify in (
            ("witness", "left"),
            ("sizes", "left"),
            ("absolute", "right"),
            ("relative", "right"),
            ("", "left"),
        ):
            table.add_column(name, justify=justify)  # type: ignore[arg-type]
        for row in self.rows:
            table.add_row(*map(Text, _cells(row)), style=None if row.ok else "bold red")
        return table


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _cells(row: Row) -> tuple[str, str, str, str, str]:
    name = f"{row.witness} ({row.how})"
    return name, described(row.sizes), f"{row.absolute:.1e}", f"{row.relative:.1e}", "agrees" if row.ok else "DISAGREES"


def check(
    derivative: Derivative,
    *,
    trials: int = 3,
    seed: int = 0,
    tolerance: float | None = None,
    intervals: Mapping[str, Interval] | None = None,
    at: Mapping[str, Any] | None = None,
    claimed: Any = None,
) -> Report:
    """Compare a derivative with the numeric engine and with finite differences at `trials` points.

    tolerance  relative (by default 1e-8, and 1e-6 with the estimated error for differences)
    at         arrays by name: every entry there is compared with differences, which are taken all at once
    claimed    an array in the layout, or a function of the arrays by name, to be compared in place of the compiled one

    Raises DomainError where no point can be found, LimitError for arrays too large to compare.
    """
    if at is not None:
        return _check_at(derivative, at, claimed, BY_DIFFERENCES if tolerance is None else tolerance, seed)
    if claimed is not None:
        raise DomainError("a claim is compared at arrays that are given", hint="D.check(at={...}, claimed=...)")
    function = compiled(derivative, tensor=True)
    rows: list[Row] = []
    notes = [*_structure_notes(derivative)]
    for trial in range(trials):
        point = find_point(derivative.program, KINDS[trial % len(KINDS)], seed + trial, intervals, derivative.of)
        _check_room(derivative, point)
        notes += _point_notes(point)
        rows += _compared(derivative, function, point, tolerance)
    subject = derivative.subject
    return Report(subject, tuple(rows), seed, tuple(dict.fromkeys(notes)))


def _check_at(derivative: Derivative, at: Mapping[str, Any], claimed: Any, tolerance: float, seed: int) -> Report:
    """Every entry at these arrays: what is claimed, or the compiled derivative, against differences."""
    arrays = {n: np.asarray(v, dtype=float) for n, v in at.items()}
    sizes = sizes_at(derivative, arrays)
    found = slopes(derivative, arrays)
    ranks = {n: v.node.rank for n, v in zip(derivative.wrt, derivative.variables, strict=True)}
    values = {
        n: arrays[n].reshape(arrays[n].shape[-r:] if r else ()) if n in arrays else np.zeros((1,) * r)
        for n, r in ranks.items()
    }
    low, high = (_projected(derivative, values, a, derivative.structure) for a in (found.low, found.high))
    if claimed is None:
        said = compiled(derivative)(**at)
    else:
        said = claimed(**{n: v.copy() for n, v in arrays.items()}) if callable(claimed) else claimed
    tensor = as_tensor(derivative, said, low.shape)
    notes = list(_structure_notes(derivative))
    if found.kinks:
        notes.append(f"{found.kinks} entries are at a kink: they may lie between the slopes of its sides")
    if tensor is None:
        notes.append(f"what is claimed has shape {np.shape(said)}, which is not that of {derivative.subject}")
        row = Row("differences", "every entry", sizes, np.inf, np.inf, False)
        return Report(derivative.subject, (row,), seed, tuple(notes))
    tensor = _projected(derivative, values, tensor, "kept")
    row, worst = _every_entry(
        tensor, Slopes(np.minimum(low, high), np.maximum(low, high), found.error), sizes, tolerance
    )
    return Report(derivative.subject, (row,), seed, (*notes, *worst))


def _every_entry(claimed: Array, found: Slopes, sizes: Mapping[str, int], tolerance: float) -> tuple[Row, list[str]]:
    """The row of the report, and the entries that disagree most."""
    off = np.maximum(np.maximum(found.low - claimed, claimed - found.high), 0.0)
    entry = np.maximum(np.abs(found.low), np.abs(found.high))
    scale = max(_largest(claimed), _largest(entry))
    excess = off - (tolerance * entry + OWN_ROUNDING * scale + CAUTION * found.error)
    wrong = ~(excess <= 0)  # what is not a number is wrong
    absolute = _largest(off)
    how = f"every entry ({claimed.size})"
    row = Row("differences", how, sizes, absolute, absolute / scale if scale > 0 else 0.0, not wrong.any())
    order = np.argsort(-np.nan_to_num(excess, nan=np.inf), axis=None)[: min(WORST, int(np.count_nonzero(wrong)))]
    places = [tuple(int(i) for i in np.unravel_index(k, claimed.shape)) for k in order]
    return row, [f"entry {list(p)}: claimed {claimed[p]:.7g}, measured {_measured(found, p)}" for p in places]


def _measured(found: Slopes, place: tuple[int, ...]) -> str:
    low, high = found.low[place], found.high[place]
    return f"{low:.7g}" if low == high else f"between {low:.7g} and {high:.7g}"


def _check_room(derivative: Derivative, point: Point) -> None:
    count = entry_count(derivative.program, (derivative.of, *derivative.wrt), point.sizes)
    if count > ENTRY_LIMIT:
        raise LimitError(
            f"a derivative of {count} entries is too large to check", hint="dimension letters or small sizes"
        )


def _point_notes(point: Point) -> list[str]:
    notes = []
    if point.rejected_at_kink:
        notes.append("points near a kink were drawn again: the derivative is compared where it exists")
    if point.near_kink:
        notes.append("no point away from all kinks was found: differences there are the mean of both sides")
    if point.domain != "real":
        words = {"positive": "positive", "small": "small", "gt1": "greater than 1", "whole": "with whole scalars"}
        notes.append(f"inputs are {words[point.domain]}, to stay where the expression is defined")
    return notes


def _structure_notes(derivative: Derivative) -> list[str]:
    declared = derivative.program.declared
    kept = [declared[n].text() for n in dict.fromkeys(derivative.wrt) if n in declared and declared[n].properties]
    if not kept:
        return []
    return [f"compared after projection onto the declared structure, witnesses included ({'; '.join(kept)})"]


def _compared(derivative: Derivative, function: Function, point: Point, tolerance: float | None) -> list[Row]:
    run = opened(derivative.program, derivative.wrt, derivative.of, point)
    with np.errstate(all="ignore"):
        claimed = _projected(derivative, run.values, _evaluated(function, point), "kept")
        found = [(name, how, estimate()) for name, how, estimate in _witnesses(derivative, run, point)]
    rows = []
    for name, how, estimate in found:
        truth = Estimate(_projected(derivative, run.values, estimate.value, derivative.structure), estimate.error)
        exact = name == "engine" and len(derivative.wrt) == 1
        allowed = tolerance if tolerance is not None else EXACT if exact else BY_DIFFERENCES
        rows.append(_row(name, how, point.sizes, claimed, truth, allowed))
    return rows


def _evaluated(function: Function, point: Point) -> Array:
    sizes = {a: point.sizes[a] for a in function.compiled.free}
    return function(**point.values, **sizes)


Witness = tuple[str, str, Callable[[], Estimate]]


def _witnesses(derivative: Derivative, run: Run, point: Point) -> list[Witness]:
    """What the compiled derivative is compared with, by order."""
    wrt = derivative.wrt
    analytic = is_analytic(derivative.program)
    by_differences = "complex step" if analytic else "central"
    if len(wrt) == 1:
        return [
            ("engine", "reverse sweeps", lambda: _exactly(engine_jacobian(run, wrt[0]))),
            ("differences", by_differences, lambda: difference_jacobian(run, wrt, analytic)),
        ]
    if len(wrt) == 2:
        return [
            ("engine", "differences of sweeps", lambda: engine_differences(run, wrt)),
            ("differences", f"{by_differences}, then central", lambda: difference_jacobian(run, wrt, analytic)),
        ]
    return [("differences", f"of the compiled order {len(wrt) - 1}", lambda: _of_lower_order(derivative, run, point))]


def _exactly(value: Array) -> Estimate:
    return Estimate(np.asarray(value), np.zeros(np.shape(value)))


def _of_lower_order(derivative: Derivative, run: Run, point: Point) -> Estimate:
    """Central differences of the compiled derivative of one order less, whose order has its own check."""
    lower = derive(run.program, derivative.of, derivative.wrt[:-1], structure="ignore")
    function = compiled(lower, tensor=True)

    def value(changed: Mapping[str, Array]) -> Array:
        return _evaluated(function, replace(point, values={**run.values, **changed}))

    return differenced(value, run.values, derivative.wrt[-1])


def _projected(derivative: Derivative, values: Mapping[str, Array], array: Array, structure: str) -> Array:
    """The part that the declared structure of the variables determines."""
    array = np.asarray(array)
    start = array.ndim - sum(np.ndim(values[n]) for n in derivative.wrt)
    for name in derivative.wrt:
        if name in derivative.program.declared:
            value = values[name]
            array = projected(array, start, derivative.program.declared[name], structure, value)
        start += np.ndim(values[name])
    return array


def _row(witness: str, how: str, sizes: Mapping[str, int], claimed: Array, truth: Estimate, tolerance: float) -> Row:
    if claimed.shape != truth.value.shape:
        return Row(witness, f"{how}, shape {truth.value.shape} against {claimed.shape}", sizes, np.inf, np.inf, False)
    distance = np.abs(claimed - truth.value)
    scale = max(_largest(claimed), _largest(truth.value))
    allowed = FLOOR + tolerance * scale + CAUTION * truth.error
    ok = bool(np.isfinite(distance).all() and (distance <= allowed).all())
    absolute = _largest(distance)
    return Row(witness, how, sizes, absolute, absolute / scale if scale > 0 else 0.0, ok)


def _largest(array: Array) -> float:
    return float(np.max(np.abs(array))) if np.size(array) else 0.0
