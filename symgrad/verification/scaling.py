"""Whether an answer is a factor times another one: a number, or a number of entries.

The factor is read off at every point; it explains something where it is the same number everywhere, or the same
product of dimension letters.  No mistake is searched for here.

>>> read_factor([(3.0, {"n": 3}), (2.0, {"n": 2})])
(Fraction(1, 1), ('n',))
>>> read_factor([(0.5, {"n": 3}), (0.5, {"n": 2})])
(Fraction(1, 2), ())
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations_with_replacement
from typing import Any

import numpy as np

from symgrad.verification.equality import equal
from symgrad.verification.mistake import Line
from symgrad.verification.witnesses import Point

Array = Any
LARGEST_DENOMINATOR = 24
_TELLING = {
    Fraction(-1): ("sign",),
    Fraction(1, 2): ("missing factor 2",),
    Fraction(-1, 2): ("missing factor 2", "sign"),
    Fraction(2): ("extra factor 2",),
    Fraction(-2): ("extra factor 2", "sign"),
}


@dataclass(frozen=True, slots=True)
class Factor:
    """number * product of letters (or divided by them where their names start with /)."""

    number: Fraction
    letters: tuple[str, ...] = ()

    @property
    def ids(self) -> tuple[str, ...]:
        if self.letters:
            return ("divisor of a mean",)
        return _TELLING.get(self.number, ("off by constant",))

    @property
    def lines(self) -> tuple[str, ...]:
        parts = [str(self.number)] if self.number != 1 or not self.letters else []
        written = "*".join([*parts, *(a for a in self.letters if a[0] != "/")]) or "1"
        factor = written + "".join(a for a in self.letters if a[0] == "/")
        return (Line(f"the answer is {factor} times the derivative", f"پاسخ {factor} برابر مشتق است"),)


def ratio(answer: Array, truth: Array) -> float | None:
    """The number that the truth must be multiplied by, if there is one."""
    norm = float((truth * truth).sum()) if truth.shape == answer.shape else 0.0
    if not np.isfinite(norm) or norm == 0 or not np.isfinite(answer).all():
        return None
    factor = float((answer * truth).sum()) / norm
    return factor if factor != 0 and equal(answer, factor * truth) else None


def factor_of(pairs: Iterable[tuple[Array, Array, Point]]) -> Factor | None:
    """The factor between answers and truths at points, if it is the same everywhere."""
    seen: list[tuple[float, Mapping[str, int]]] = []
    for answer, truth, point in pairs:
        if equal(answer, truth) and not np.abs(truth).max(initial=0):
            continue  # both are zero here
        found = ratio(answer, truth)
        if found is None:
            return None
        seen.append((found, point.sizes))
    read = read_factor(seen)
    return Factor(*read) if read is not None else None


def read_factor(seen: Sequence[tuple[float, Mapping[str, int]]]) -> tuple[Fraction, tuple[str, ...]] | None:
    """The number and the letters that give these factors at these sizes."""
    if not seen:
        return None
    letters = sorted(seen[0][1])
    tried = [(), *((a,) for a in letters), *combinations_with_replacement(letters, 2)]
    for chosen in tried:
        for inverse in (False, True) if chosen else (False,):
            number = _constant([_without(value, sizes, chosen, inverse) for value, sizes in seen])
            if number is not None:
                return number, tuple(f"/{a}" if inverse else a for a in chosen)
    return None


def _without(value: float, sizes: Mapping[str, int], letters: Sequence[str], inverse: bool) -> float:
    for a in letters:
        value = value * sizes[a] if inverse else value / sizes[a]
    return value


def _constant(values: Sequence[float]) -> Fraction | None:
    number = Fraction(values[0]).limit_denominator(LARGEST_DENOMINATOR)
    close = all(abs(v - float(number)) <= 1e-7 * max(1.0, abs(v)) for v in values)
    return number if close and number else None
