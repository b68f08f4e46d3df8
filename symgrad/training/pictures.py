"""Pictures of runs as SVG: costs against steps, paths over the contours of a cost, schedules, trials of a search.

Every function takes what it draws by label, and its words as arguments, so that pictures speak any language.

>>> from symgrad.training.schedules import inverse_decay
>>> schedule_picture({"1/(1 + t)": inverse_decay(1, 1)}, 10)[:4]
'<svg'
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np

from symgrad.drawing.axis import Scale
from symgrad.drawing.chart import Limits, Look, Mark, Series, chart
from symgrad.drawing.contours import contours, grid
from symgrad.errors import DomainError, ShapeError
from symgrad.training.descent import Run
from symgrad.training.differences import Difference
from symgrad.training.objective import Objective
from symgrad.training.schedules import Schedule
from symgrad.training.search import Trial

Array = Any
MOST_POINTS = 600  # of a curve
GRID, LEVELS = 49, 12
ABOVE = 3.0  # how many times the first cost a picture of costs reaches
FLOOR = 1e-16  # of the largest cost, below which nothing is drawn
ROUNDING = 2.0**-53
DIFFERENCES = ("forward difference", "central difference", "truncation ~ h\u00b2", "rounding ~ 1/h")


@dataclass(frozen=True)
class Words:
    """What stands at the axes, and above the picture."""

    across: str = "step"
    up: str = "cost"
    title: str = ""


def cost_picture(runs: Mapping[str, Run], words: Words | None = None, scale: Scale = "log") -> str:
    """The cost over all the data after each step; what grows beyond the picture is cut.

    Raises DomainError where there is no run.
    """
    words = words or Words()
    if not runs:
        raise DomainError("there is no run to draw")
    highest = max(float(run.costs[0]) for run in runs.values())
    lowest = min(float(run.costs.min()) for run in runs.values())
    if scale == "log":
        lowest = max(lowest, FLOOR * highest)
    low = lowest / 2 if scale == "log" else lowest - 0.05 * (highest - lowest)
    limits: Limits = (low, max(ABOVE * highest, 2 * low))
    series = []
    for label, run in runs.items():
        points = [(t, c) for t, c in _thinned(enumerate(run.costs.tolist()), len(run.costs)) if c > low]
        series.append(Series(tuple(points), label, look="line"))
    told = [f"{label}: {run.costs[0]:.3g} to {run.costs[-1]:.3g}, {run.stopped}" for label, run in runs.items()]
    return _chart(series, words, ("linear", scale), (None, limits), note="; ".join(told))


def path_picture(runs: Mapping[str, Run], words: Words | None = None, look: Look = "marked") -> str:
    """The ways of runs over the contours of the cost of all data; the cost has two numbers as parameters.

    The picture reaches over the runs that do not end higher than they began; the others are cut at its frame.
    Raises ShapeError for another number of parameters, DomainError where there is no run.
    """
    if not runs:
        raise DomainError("there is no run to draw")
    objective = next(iter(runs.values())).objective
    if objective.size != 2:
        raise ShapeError(f"a path is drawn over two numbers, and the cost has {objective.size}")
    words = words or Words(*_entries(objective))
    across, up = _window(list(runs.values()))
    lines = _contours(objective, across, up)
    series = [
        Series(tuple(_thinned(((float(x), float(y)) for x, y in run.points), len(run.points))), label, look=look)
        for label, run in runs.items()
    ]
    start = next(iter(runs.values())).points[0]
    marks = [Mark(float(start[0]), float(start[1]), "")]
    return _chart(series, words, ("linear", "linear"), (across, up), marks=marks, lines=lines)


def schedule_picture(schedules: Mapping[str, Schedule], steps: int, words: Words | None = None) -> str:
    """Learning rates over time, from 0 to so many steps (or epochs)."""
    words = words or Words(up="learning rate")
    series = [Series(tuple(_stairs(rate, steps)), label, look="line") for label, rate in schedules.items()]
    highest = max(y for s in series for _, y in s.points)
    return _chart(series, words, ("linear", "linear"), (None, (0.0, 1.08 * highest)))


def difference_picture(
    rows: Sequence[Difference], labels: tuple[str, str, str, str] = DIFFERENCES, words: Words | None = None
) -> str:
    """Relative errors of numeric gradients against the step h, with the two branches of the central one as guides.

    `labels` are those of forward and central differences, of truncation and of rounding.
    """
    words = words or Words("h", "relative error")
    drawn = [[(row.h, max(row[k], ROUNDING / 10)) for row in rows] for k in (1, 2)]
    widest = max(rows)
    truncation = [(row.h, widest.central * (row.h / widest.h) ** 2) for row in rows]
    rounding = [(row.h, ROUNDING / row.h) for row in rows]
    guides = [[p for p in line if p[1] > ROUNDING / 10] for line in (truncation, rounding)]
    series = [Series(tuple(points), label) for points, label in zip(drawn, labels[:2], strict=True)]
    series += [Series(tuple(g), label, guide=True) for g, label in zip(guides, labels[2:], strict=True)]
    best = min(rows, key=lambda row: row.central)
    marks = [Mark(best.h, max(best.central, ROUNDING / 10), f"h = {best.h:.0e}")]
    return _chart(series, words, ("log", "log"), (None, None), marks=marks)


def search_picture(trials: Sequence[Trial], names: tuple[str, str], words: Words | None = None, best: str = "") -> str:
    """Where a search looked, two hyper-parameters on logarithmic axes, better thirds apart from worse ones; the best
    trial is marked.

    Raises DomainError where no trial has a finite score.
    """
    good = sorted((t for t in trials if isfinite(t.score)), key=lambda t: t.score)
    if not good:
        raise DomainError("no trial has a finite score")
    words = words or Words(*names)
    third = -(-len(good) // 3)
    groups = [good[:third], good[third : 2 * third], good[2 * third :], [t for t in trials if not isfinite(t.score)]]
    series = []
    for group in groups:
        if group:
            ends = f"{group[0].score:.2g} \u2013 {group[-1].score:.2g}" if isfinite(group[0].score) else "\u221e"
            points = tuple((t.values[names[0]], t.values[names[1]]) for t in group)
            series.append(Series(points, ends, look="points"))
    place = good[0].values
    marks = [Mark(place[names[0]], place[names[1]], best or f"{good[0].score:.2g}")]
    return _chart(series, words, ("log", "log"), (None, None), marks=marks)


def _chart(
    series: Sequence[Series],
    words: Words,
    scales: tuple[Scale, Scale],
    limits: tuple[Limits, Limits],
    *,
    marks: Sequence[Mark] = (),
    lines: Sequence[Sequence[tuple[float, float]]] = (),
    note: str = "",
) -> str:
    kept = [s for s in series if s.points]
    return chart(
        kept, words.across, words.up, title=words.title, marks=marks, note=note, scales=scales, limits=limits,
        contours=lines,
    )  # fmt: skip


def _thinned(points: Iterable[Any], count: int) -> list[Any]:
    """At most MOST_POINTS of so many points, the last among them."""
    stride = -(-count // MOST_POINTS)
    return [p for k, p in enumerate(points) if k % stride == 0 or k == count - 1]


def _stairs(rate: Schedule, steps: int) -> list[tuple[float, float]]:
    """Time and rate; where a rate that had stayed the same changes, it does so at once."""
    values = [float(rate(t)) for t in range(steps + 1)]
    points: list[tuple[float, float]] = []
    for t, value in _thinned(enumerate(values), len(values)):
        if t > 1 and value != values[t - 1] == values[t - 2]:
            points.append((t, values[t - 1]))
        points.append((t, value))
    return points


def _entries(objective: Objective) -> tuple[str, str]:
    """What the two numbers are called: w and b, or the entries of one parameter."""
    if len(objective.wrt) == 2:
        return objective.wrt[0], objective.wrt[1]
    return f"{objective.wrt[0]}[1]", f"{objective.wrt[0]}[2]"


def _window(runs: Sequence[Run]) -> tuple[tuple[float, float], tuple[float, float]]:
    """What a picture of paths shows: the runs that stay near, with room around them."""
    near = [run for run in runs if run.left_at is None and run.costs[-1] <= run.costs[0]]
    points = np.concatenate([run.points for run in near] or [runs[0].points[:3]])
    low, high = points.min(axis=0), points.max(axis=0)
    room = 0.12 * np.maximum(high - low, 0.01 * max(float((high - low).max()), 1e-9))
    ends = [(float(a), float(b)) for a, b in zip(low - room, high + room, strict=True)]
    return ends[0], ends[1]


def _contours(
    objective: Objective, across: tuple[float, float], up: tuple[float, float]
) -> list[tuple[tuple[float, float], ...]]:
    """Contour lines of the cost, closer together near its lowest point."""
    xs, ys = grid(*across, GRID), grid(*up, GRID)
    with np.errstate(all="ignore"):
        values = {(x, y): objective.value_and_gradient(np.array([x, y]))[0] for x in xs for y in ys}
    finite = [v for v in values.values() if isfinite(v)]
    if not finite:
        return []
    low, high = min(finite), max(finite)
    parts = np.linspace(0, 1, LEVELS + 2)[1:-1] ** 2
    levels = [low + float(part) * (high - low) for part in parts]
    return [line for level in contours(xs, ys, lambda x, y: values[x, y], levels) for line in level]
