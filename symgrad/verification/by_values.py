"""Mistakes that are seen by comparing numbers alone, as of code that has no formula.

Each function looks at answers and derivatives at the same points; an input counts as a factor or a term where it has
the derivative's shape, or is a scalar.

>>> from symgrad.verification.witnesses import Point
>>> x, g = np.array([[0.5], [2.0]]), np.array([[3.0], [1.0]])
>>> explained([(Point({}, {"x": x}), g * x, g)])
(('extra factor',), ('the answer is x times the derivative',))
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from symgrad.verification.equality import equal
from symgrad.verification.mistake import Line
from symgrad.verification.scaling import ratio
from symgrad.verification.witnesses import Point

Array = Any
Explained = tuple[tuple[str, ...], tuple[str, ...]]
Seen = Sequence[tuple[Point, Array, Array]]  # the answer and the derivative at a point
MOST_DECIMALS = 6
_MOVED = Line("it has the right entries in other places", "درایه‌ها درست‌اند، اما جای آن‌ها درست نیست")
OFF = 20  # units of the last kept digit that rounding on the way may come to


def explained(seen: Seen) -> Explained | None:
    """The ids and lines that explain arrays, if anything does."""
    if not seen or any(a.shape != t.shape for _, a, t in seen):
        return None
    found = next(_by_inputs(seen), None)
    if found is not None:
        return found
    if _rounded(seen):
        return ("rounded twice",), ()
    return (("wrong index formula",), (_MOVED,)) if _permuted(seen) else None


def _rounded(seen: Seen) -> bool:
    """Whether every entry has few decimals and is near the right one."""
    for k in range(1, MOST_DECIMALS + 1):
        unit = 10.0**-k
        near = all(np.abs(a - t).max() <= OFF * unit for _, a, t in seen)
        if near and all(equal(np.round(a, k), a) and not equal(np.round(t, k), t) for _, a, t in seen):
            return True
    return False


def _permuted(seen: Seen) -> bool:
    kept = [(a, t) for _, a, t in seen if a.size > 2]
    return bool(kept) and all(equal(np.sort(a, axis=None), np.sort(t, axis=None)) for a, t in kept)


def _by_inputs(seen: Seen) -> Iterator[Explained]:
    for name in seen[0][0].values:
        rows = [(_like(point.values[name], t), a, t) for point, a, t in seen]
        if any(v is None for v, _, _ in rows):
            continue
        if all(equal(a, t * v) for v, a, t in rows):
            line = Line(f"the answer is {name} times the derivative", f"پاسخ {name} برابر مشتق است")
            yield ("extra factor",), (line,)
        elif all(equal(t, a * v) for v, a, t in rows):
            line = Line(f"the derivative is {name} times the answer", f"مشتق {name} برابر پاسخ است")
            yield ("factor left out",), (line,)
        elif all(np.shape(v) == a.shape for v, a, _ in rows):
            yield from _extra_term(name, rows)


def _extra_term(name: str, rows: Sequence[tuple[Array, Array, Array]]) -> Iterator[Explained]:
    found = [ratio(a - t, v) for v, a, t in rows]
    first = found[0]
    if first is not None and all(f is not None and abs(f - first) < 1e-7 for f in found):
        times = "" if abs(first - 1) < 1e-7 else f"{first:.4g} times "
        fa = f"جملهٔ {name} در پاسخ زیادی است (با ضریب {first:.4g})"
        line = Line(f"your answer has {times}the extra term {name}", fa)
        yield ("extra term",), (line,)


def _like(value: Array, truth: Array) -> Array:
    """An input as an array of the derivative's shape, or a scalar; None where it is neither."""
    value = np.asarray(value, dtype=float)
    if value.size == 1:
        return float(value.reshape(()))
    if [n for n in value.shape if n != 1] != [n for n in truth.shape if n != 1]:
        return None
    return value.reshape(truth.shape)


def is_one_row(answer: Array, whole: Array) -> bool:
    """Whether an answer is the first row, or column, of what should have been summed over them."""
    if whole.ndim != 2 or min(whole.shape) < 2:
        return False
    given = answer.reshape(-1)
    return any(given.shape == part.shape and equal(given, part) for part in (whole[0], whole[:, 0]))
