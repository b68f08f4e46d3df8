"""`sg.equal`: are two expressions the same function of their inputs?

Rung by rung: one normal form (proved), exact values in prime fields (proved up to odds that are stated), then
floating samples at several sizes, ordinary and special ones: a disagreement refutes, with the values as witness;
agreement is only that, and the answer says so.  Equal means: wherever both sides have a value.  Where one has values
on a whole region on which the other has none, as sqrt(x)^2 and x, nothing is called proved, and the answer says where.

>>> print(equal("tr(A*B)", "tr(B*A)"))
proved (normal form)
>>> equal("x'*A*x", "x'*A'*x + 1").refuted
True
>>> found = equal("exp(log(s))", "s", where="s: R")
>>> found.proved, found.refuted, str(found).split(" at ")[0]
(False, False, 'equal where both sides have a value, but the left side has none')
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from symgrad.errors import DomainError, ShapeError, SymgradError
from symgrad.notation.text import text as tree_text
from symgrad.notation.tree import renamed
from symgrad.programs import Program, Where, program
from symgrad.tensor.view import View, same_shape
from symgrad.verification.equal_points import Sides, drawn_at, open_points, special_points
from symgrad.verification.equality import difference, exact, proved
from symgrad.verification.equality import equal as agree
from symgrad.verification.exact import Comparison
from symgrad.verification.verdict import Difference
from symgrad.verification.witnesses import Point, find_point, operations

Array = Any
LEFT, RIGHT = "left_side", "right_side"
SAMPLES = ("distinct", "square", "one", "distinct", "square")
AFTER_A_PROOF = 3  # samples: they only guard it
CLEARLY = 1e-6  # a difference that rounding at a special point does not explain
FINE = 1e-12  # a difference that rounding does not explain where it stays the same nearby
NEARBY = 1e-14
ATTEMPTS = 4  # to find numbers at sizes at which exact values differ
BOUNDED = frozenset({"positive", "unit", "gt1", "gtminus1"})  # domains that are not all but a few points
SHOWN = 4  # values of inputs that a line shows


@dataclass(frozen=True, slots=True)
class Equality:
    """The answer of `equal`: what was found, and which rung found it.

    `sizes` and `seed` say where samples were taken; `witness` is the point of a disagreement; `odds` bound the
    chance that a proof by values in prime fields is an accident; `undefined` is a point at which one side has no
    value though the other has one all around: then nothing is proved, though both agree where they have values.
    """

    proved: bool
    refuted: bool
    rung: str
    sizes: tuple[dict[str, int], ...] = ()
    seed: int = 0
    witness: Difference | None = None
    assumed: tuple[str, ...] = ()
    odds: float = 0.0
    undefined: Difference | None = None

    def __bool__(self) -> bool:
        """True unless refuted."""
        return not self.refuted

    def __str__(self) -> str:
        if self.proved:
            return f"proved ({self.rung})"
        if self.witness is not None:
            return f"refuted: {_apart(self.witness)} at {_place(self.witness)}"
        if self.undefined is not None:
            side = "left" if np.isnan(self.undefined.answer) else "right"
            how = "equal" if self.rung != "samples" else f"agreed on {len(self.sizes)} samples"
            return f"{how} where both sides have a value, but the {side} side has none at {_place(self.undefined)}"
        return f"agreed on {len(self.sizes)} samples (seed {self.seed})"


def _apart(found: Difference) -> str:
    """Two numbers with as many digits as it takes to tell them apart."""
    for digits in (6, 10, 17):
        shown = f"{found.answer:.{digits}g}", f"{found.expected:.{digits}g}"
        if shown[0] != shown[1]:
            break
    return f"{shown[0]} against {shown[1]}"


def _place(found: Difference) -> str:
    """The sizes and what is small enough to be shown of the values."""
    sizes = [f"{a} = {n}" for a, n in found.sizes.items()]
    values = [f"{a} = {_number(v)}" for a, v in found.values.items() if np.size(v) <= SHOWN and np.ndim(v) < 2]
    return ", ".join([*sizes, *values]) or "a sample"


def _number(value: Array) -> str:
    shown = [f"{float(v):.4g}" for v in np.ravel(value)]
    return shown[0] if not np.ndim(value) else f"[{', '.join(shown)}]"


def equal(a: Any, b: Any, where: Where = None, *, infer: bool = False, seed: int = 0) -> Equality:
    """Whether expressions `a` and `b` (text, programs or SymPy) are equal for all inputs.

    Raises ShapeError where their shapes differ, ParseError, UnknownNameError as for `derivative`.
    """
    both = _together(a, b, where, infer)
    left, right = both.views[LEFT], both.views[RIGHT]
    if not same_shape(left, right):
        raise ShapeError(f"the left side is {left.describe()}, the right side {right.describe()}")
    assumed = tuple(both.declared[n].text() for n in both.assumed)
    return replace(_Samples(both, seed).judged(*_shown(left, right, both)), assumed=assumed)


def _shown(left: View, right: View, both: Program) -> tuple[str, Comparison]:
    """What exact means say, and which."""
    if proved(left, right):
        return "normal form", Comparison(True, 0.0)
    return "prime field", exact(left, right, both, everywhere=True)


def _together(a: Any, b: Any, where: Where, infer: bool) -> Program:
    """Both sides as one program, so that names mean the same and what is inferred fits both."""
    left, right = (program(side, where, infer=infer) for side in (a, b))
    declared = {**left.where, **right.where}
    text = "\n".join([*_lines(left, LEFT), *_lines(right, RIGHT)])
    return program(text, declared or where, infer=infer)


def _lines(side: Program, name: str) -> Iterator[str]:
    """The lines of one side, its last one under `name`; what the others assign gets names that no other side has."""
    new = {n: f"{name}_{n}" for n in side.assigned[:-1]}
    for line in side.lines[:-1]:
        assert line.name is not None  # only the last line may be without
        yield f"{new[line.name]} = {tree_text(renamed(line.value, new))}"
    yield f"{name} = {tree_text(renamed(side.lines[-1].value, new))}"


@dataclass(frozen=True, slots=True)
class _Pair:
    """The values of both sides at a point."""

    point: Point
    left: Array
    right: Array

    @property
    def apart(self) -> float:
        """The largest difference, against the largest entry (of entries below 1, against 1)."""
        scale = max(float(np.abs(self.left).max(initial=0)), float(np.abs(self.right).max(initial=0)), 1.0)
        return float(np.abs(self.left - self.right).max(initial=0)) / scale

    def differs(self) -> Difference:
        """The entry that is farthest off."""
        return difference(self.left, self.right, self.point)


class _Samples:
    """Both sides at points."""

    def __init__(self, both: Program, seed: int):
        self.both, self.seed = both, seed
        self.sides = Sides(both, LEFT, RIGHT)
        used = operations(both)
        self.kinked = any(not op.analytic for op in used)  # continuity does not carry over to special points
        self.bounded = any(op.domain in BOUNDED for op in used)

    def judged(self, rung: str, shown: Comparison) -> Equality:
        """The answer, given what exact means have shown."""
        ordinary = list(self._ordinary(SAMPLES[:AFTER_A_PROOF] if shown.equal else SAMPLES))
        apart = [p for p in ordinary if not agree(p.left, p.right)]
        special = [] if apart or (shown.equal and not self.kinked) else list(self._special())
        apart = apart or [p for p in special if p.apart > CLEARLY]
        if not shown.equal and not apart:
            apart = self._finely_apart(ordinary, shown.different)
        sizes = tuple(dict(p.point.sizes) for p in ordinary or special)
        if apart:
            way = "prime field" if shown.different else "samples"
            return Equality(False, True, way, sizes, self.seed, max(apart, key=lambda p: p.apart).differs())
        undefined = self._undefined() if self.bounded or len(ordinary) < AFTER_A_PROOF else None
        if undefined is not None:
            return Equality(False, False, rung if shown.equal else "samples", sizes, self.seed, undefined=undefined)
        if shown.equal:
            return Equality(True, False, rung, odds=shown.odds)
        if shown.different:
            return Equality(False, True, "prime field", sizes, self.seed, self._where_values_differ(shown, ordinary))
        if not ordinary and not special:
            raise DomainError("no sample of the inputs gives both sides a finite value")
        return Equality(False, False, "samples", sizes, self.seed)

    def _ordinary(self, kinds: Sequence[str]) -> Iterator[_Pair]:
        """Points away from kinks at which both sides have values."""
        for i, kind in enumerate(kinds):
            for of in (RIGHT, LEFT):
                try:
                    point = find_point(self.both, kind, self.seed + i, of=of)
                except DomainError:
                    continue
                values = self.sides.at(point)
                if values is not None:
                    yield _Pair(point, *values)
                    break

    def _special(self) -> Iterator[_Pair]:
        for point in special_points(self.both, self.seed):
            values = self.sides.at(point)
            if values is not None:
                yield _Pair(point, *values)

    def _where_values_differ(self, shown: Comparison, ordinary: list[_Pair]) -> Difference | None:
        """The point that shows best what exact values have shown, however large the numbers are there."""
        found = list(ordinary)
        for seed in range(ATTEMPTS):
            try:
                point = drawn_at(self.both, dict(shown.sizes), seed)
            except SymgradError:
                continue
            values = self.sides.at(point, strict=False)
            if values is not None and all(np.isfinite(v).all() for v in values):
                found.append(_Pair(point, *values))
        return max(found, key=lambda p: p.apart).differs() if found else None

    def _undefined(self) -> Difference | None:
        """A point at which one side has no value and the other has."""
        for point in open_points(self.both, self.seed):
            values = self.sides.at(point, strict=False)
            if values is not None:
                missing = [bool(np.isnan(v).any()) for v in values]
                if missing[0] != missing[1] and np.isfinite(values[1 if missing[0] else 0]).all():
                    return difference(*values, point)
        return None

    def _finely_apart(self, ordinary: list[_Pair], certain: bool) -> list[_Pair]:
        """Points at which a small difference stays the same nearby, as no rounding does."""
        found = [p for p in ordinary if (p.apart > 0 if certain else self._stays(p))]
        return found if certain or len(found) >= len(SAMPLES) - 2 else []

    def _stays(self, pair: _Pair) -> bool:
        if pair.apart < FINE:
            return False
        off = pair.left - pair.right
        worst = int(np.argmax(np.abs(off)))
        rng = np.random.default_rng(self.seed)
        for _ in range(3):
            moved = {n: v * (1 + NEARBY * rng.uniform(-1, 1, np.shape(v))) for n, v in pair.point.values.items()}
            values = self.sides.at(replace(pair.point, values=moved), strict=False)
            if values is None or not abs((values[0] - values[1])[worst] - off[worst]) < 0.2 * abs(off[worst]):
                return False
        return True
