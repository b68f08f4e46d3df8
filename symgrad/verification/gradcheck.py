"""Claimed derivatives of any function, checked against its values: scale-free, and honest at kinks.

The function is followed along a few random directions by a ladder of steps (`ladder.py`), whose noise is measured,
so that no step, no scale and no tolerance for it has to be chosen.  Entries are looked at one by one only where a
direction fails, or at a kink; there a slope is right if it lies between those of the sides (a subgradient), else
between the slopes nearby (Clarke's generalised gradient).  Nothing here knows formulas or rules.

>>> check(lambda x: x @ x, lambda x: 2*x, at=np.array([1.0, 2.0])).verdict
'ok'
>>> check(lambda x: np.abs(x).sum(), np.sign, at=np.zeros(3)).verdict
'ok-subgradient'
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from heapq import heappop, heappush
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symgrad.errors import DomainError, ShapeError
from symgrad.verification.claims import Claim, claims_of
from symgrad.verification.gradient_report import Curve, Entry, GradientReport, Outcome
from symgrad.verification.ladder import RUNGS, Ladder, Line, climb, measured_noise
from symgrad.verification.libraries import Arguments
from symgrad.verification.one_slope import (
    CAUTION,
    OK,
    POWER,
    SIDES,
    SUBGRADIENT,
    UNRESOLVED,
    WRONG,
    between,
    compared,
    kinked,
)

Array = NDArray[Any]
OUTCOMES: tuple[Outcome, ...] = ("ok", "ok-subgradient", "unresolved", "wrong")

FINEST = 2.0**-26  # claims are not held to more than this, which double precision could keep
CLOSER = 5  # more steps, where those do not tell
AT_KINKS = 8  # further directions, of uneven lengths
EACH = 256  # entries up to which each is localised by itself
PROBES = 120  # ladders climbed to find wrong entries among more
ENOUGH = 5  # wrong entries
NEIGHBOURS = 64  # points near a kink where slopes are taken
NEARER = 16  # times as near, slopes at a kink differ as much, while those of a curved function do not


@dataclass(frozen=True, slots=True, eq=False)
class Probe:
    """What was found along one direction, for each output: the claimed slope and the measured ones."""

    direction: Array
    ladder: Ladder
    claimed: Array
    size: Array
    low: Array
    high: Array
    error: Array
    code: Array

    @property
    def worst(self) -> int:
        return int(self.code.max())

    @property
    def off(self) -> Array:
        """The distance from the measured slopes, in parts of their size."""
        distance = np.maximum(np.maximum(self.low - self.claimed, self.claimed - self.high), 0.0)
        return np.divide(distance, self.size, out=np.zeros_like(distance), where=self.size > 0)


def check(
    f: Callable[..., Any],
    grad: Callable[..., Any] | None = None,
    *,
    at: Any,
    kind: str = "gradient",
    gradient: Callable[..., Any] | None = None,
    trials: int = 3,
    seed: int = 0,
    rtol: float | None = None,
    full: bool = False,
) -> GradientReport:
    """Compare what `grad` says of the slopes of f at a point with the values of f near it.

    at      an array or a number, or a tuple of them for functions of several; NumPy, PyTorch or JAX
    kind    gradient; jacobian; hessian; vjp: grad(*at, cotangent); jvp: grad(*at, *tangents); see `claims.py`
    gradient  with a Hessian: the gradient, which then is differenced instead of f
    trials  random directions;  full  each entry too, though the directions agree
    rtol    granted to the claimed slopes' own rounding, the root of the coarsest precision if not given

    The verdict is ok, ok-subgradient, wrong or unresolved.  Raises DomainError for what is not real.
    """
    if trials < 1:
        raise DomainError(f"{trials} directions check nothing", hint="trials=3")
    arguments = Arguments(at)
    rng = np.random.default_rng(seed)
    name = getattr(f, "__name__", "f")
    subject = f"{kind} of {name if name.isidentifier() else 'f'}"
    try:
        with np.errstate(all="ignore"):
            claims = claims_of(kind, f, grad, arguments, rng, trials, gradient)
            checking = Checking(arguments, claims, rng, rtol if rtol is not None else own_rounding(claims))
            checking.run_somewhere(trials, full)
            return checking.report(subject, seed, trials)
    except ShapeError as error:
        return GradientReport("wrong", subject, seed, trials, 0, 0.0, np.inf, notes=(error.message,))
    except _Silent as reason:
        return GradientReport("unresolved", subject, seed, trials, 0, 0.0, np.inf, notes=(str(reason),))


class _Silent(Exception):
    """The function does not say anything: it is not finite."""


def own_rounding(claims: list[Claim]) -> float:
    """What is granted to the rounding of claims, by their coarsest precision."""
    return max(FINEST, max(c.eps for c in claims) ** 0.6)


class Checking:
    """One check as it goes on: the probes so far, the entries localised, the notes."""

    def __init__(self, arguments: Arguments, claims: list[Claim], rng: np.random.Generator, rtol: float):
        self.arguments, self.claims, self.rng, self.rtol = arguments, claims, rng, rtol
        self.probes: list[Probe] = []
        self.single: dict[tuple[int, int], Probe] = {}  # (claim, entry)
        self.notes: list[str] = []
        self.localising = False
        self._starts: dict[int, tuple[Array, Array]] = {}

    # --- the course of a check

    def run_somewhere(self, trials: int, full: bool) -> None:
        """`run`, and if f is not finite there, or a claim fails that steps too large for small entries may fail,
        again with these entries moved by their own sizes only."""
        try:
            self.run(trials, full)
        except _Silent:
            if not self.arguments.narrow():
                raise
            self._start_over()
            self.notes.append("entries were moved by no more than their own sizes, to stay where f is finite")
            self.run(trials, full)
        if self.worst == WRONG and self._small_entries_vindicated():
            self._start_over()
            self.notes.append("small entries were moved by no more than their own sizes: f changes fast there")
            self.run(trials, full)

    def _small_entries_vindicated(self) -> bool:
        """Whether entries that were moved by far more than their sizes are right when these move by themselves.

        Then these steps are kept.  An entry that moves alone has to stand for itself, so nothing wrong is hidden.
        """
        own, before = self.arguments.own_scale, self.arguments.scale
        small = own < before
        which = self._suspected()[0]
        wrong = [k for (_, k), probe in self.single.items() if probe.worst == WRONG and small[k]]
        if not wrong:
            return False
        self._starts.clear()  # noise is that of such steps
        self.arguments.scale = own.copy()
        right = [k for k in wrong if self.probe(which, self._unit(k)).worst == OK]
        if self.arguments.size > EACH and right and self.probe(which, self.uneven() * small).worst == OK:
            right = np.flatnonzero(small).tolist()
        self.arguments.scale = before.copy()
        self.arguments.scale[right] = own[right]
        return bool(right)

    def _start_over(self) -> None:
        self.probes.clear()
        self.single.clear()
        self._starts.clear()
        self.localising = False

    def run(self, trials: int, full: bool) -> None:
        """Directions first; entries where these fail, and at kinks."""
        for i in range(trials):
            self.probes.append(self.probe(i % len(self.claims), self.uneven()))
        outcome = self.worst
        if outcome == SUBGRADIENT:
            for i in range(AT_KINKS):
                normal = self.rng.standard_normal(self.arguments.size) * self.arguments.scale
                self.probes.append(self.probe(i % len(self.claims), normal))
        if outcome != OK or full:
            self._localise(full)

    @property
    def worst(self) -> int:
        return max(p.worst for p in (*self.probes, *self.single.values()))

    def uneven(self) -> Array:
        """A direction in which every entry moves by half its scale to all of it, in few digits, never all alike."""
        lengths = self.rng.integers(8, 16, self.arguments.size) / 16
        return np.asarray(self.rng.choice([-1.0, 1.0], self.arguments.size) * lengths * self.arguments.scale)

    # --- one direction

    def probe(self, which: int, direction: Array) -> Probe:
        """One direction; by smaller steps again if a kink is so near that the usual ones leap over it."""
        found = self._probed(which, direction, RUNGS)
        if found.worst == UNRESOLVED:
            closer = self._probed(which, direction, RUNGS + CLOSER)
            return closer if closer.worst < UNRESOLVED else found
        return found

    def _probed(self, which: int, direction: Array, rungs: int) -> Probe:
        claim = self.claims[which]
        ladder = self._climbed(which, direction, rungs)
        claimed, size = claim.along(direction)
        middle = ladder.middle
        scale = np.maximum(size, np.abs(middle.value))
        code = compared(ladder, claimed, scale, self.rtol, claim.eps)
        low, high, error = middle.value.copy(), middle.value.copy(), middle.error.copy()
        at_kink = kinked(ladder, self.rtol)
        if at_kink.any():
            sides = np.stack([ladder.left.value, ladder.right.value])
            both = ladder.left.error + ladder.right.error
            low = np.where(at_kink, sides.min(axis=0), low)
            high = np.where(at_kink, sides.max(axis=0), high)
            error = np.where(at_kink, both, error)
            code = np.where(at_kink, between(claimed, low, high, CAUTION * error + self.rtol * scale), code)
        code = np.where(np.isfinite(claimed), code, WRONG)
        found = Probe(direction, ladder, claimed, scale, low, high, error, code)
        if rungs == RUNGS and self._nearly_right(found):
            return self._confirmed(found, self._probed(which, direction, RUNGS + CLOSER))
        if found.worst == WRONG and (at_kink.any() or not self.localising):
            return self._among_neighbours(claim, found)
        return found

    @staticmethod
    def _nearly_right(probe: Probe) -> bool:
        """Whether something is wrong by so little beside what f does around, that the slope may not have settled."""
        off = probe.off * probe.size
        return bool(((probe.code == WRONG) & (off > 0) & (off < POWER * probe.ladder.reach)).any())

    @staticmethod
    def _confirmed(probe: Probe, closer: Probe) -> Probe:
        """The closer probe; what is wrong by both, though they measure different slopes, is not known."""
        apart = np.abs(probe.ladder.middle.value - closer.ladder.middle.value) > CAUTION * (
            probe.ladder.middle.error + closer.ladder.middle.error
        )
        unsettled = apart & (probe.code == WRONG) & (closer.code == WRONG)
        return replace(closer, code=np.where(unsettled, UNRESOLVED, closer.code))

    def _climbed(self, which: int, direction: Array, rungs: int) -> Ladder:
        claim = self.claims[which]
        start, noise = self._start(which)
        try:
            return climb(self._line(claim, direction), eps=claim.eps, start=start, noise=noise, rungs=rungs)
        except DomainError as error:
            raise _Silent(error.message) from None

    def _line(self, claim: Claim, direction: Array) -> Line:
        return lambda t: claim.value(self.arguments.flat + t * direction)

    def _start(self, which: int) -> tuple[Array, Array]:
        """The values at the point and their noise, measured once, where every entry moves in all its digits."""
        if which not in self._starts:
            claim = self.claims[which]
            start = claim.value(self.arguments.flat)
            everywhere = self.rng.standard_normal(self.arguments.size) * self.arguments.scale
            self._starts[which] = start, measured_noise(self._line(claim, everywhere), start, claim.eps)
        return self._starts[which]

    def _among_neighbours(self, claim: Claim, probe: Probe) -> Probe:
        """The probe with what slopes nearby say: at a kink all between them are right."""
        away = claim.eps**0.25
        low, high, error = self._hull(claim, probe, away)
        nearer_low, nearer_high, nearer_error = self._hull(claim, probe, away / NEARER)
        persists = nearer_high - nearer_low > np.maximum(8 * nearer_error, (high - low) / 2)
        at_kink = persists & (high - low > 8 * error + POWER * probe.size) & (probe.code == WRONG)
        granted = CAUTION * error + self.rtol * probe.size
        code = np.where(at_kink, between(probe.claimed, low, high, granted), probe.code)
        low, high = np.where(at_kink, low, probe.low), np.where(at_kink, high, probe.high)
        return replace(probe, low=low, high=high, error=np.where(at_kink, error, probe.error), code=code)

    def _hull(self, claim: Claim, probe: Probe, away: float) -> tuple[Array, Array, Array]:
        """The least and the largest slope along the probe's direction at random points so far away, and their error."""
        step = away / 64
        found = [probe.low, probe.high]
        for _ in range(NEIGHBOURS):
            beside = self.rng.standard_normal(self.arguments.size) * self.arguments.scale * away
            ahead, behind = (claim.value(self.arguments.flat + beside + s * step * probe.direction) for s in (1, -1))
            slopes = (ahead - behind) / (2 * step)
            if np.isfinite(slopes).all():
                found.append(slopes)
        rounding = probe.ladder.noise / step
        return np.min(found, axis=0), np.max(found, axis=0), np.maximum(probe.error, rounding)

    # --- entries

    def _localise(self, full: bool) -> None:
        self.localising = True
        for which in self._suspected():
            if full or self.arguments.size <= EACH:
                for k in range(self.arguments.size):
                    self.single[which, k] = self._vouched(self.probe(which, self._unit(k)))
            elif self.worst == SUBGRADIENT:
                for k in self.rng.choice(self.arguments.size, EACH, replace=False).tolist():
                    self.single[which, k] = self.probe(which, self._unit(k))
            else:
                self._search(which)
        self._judge_kinks_together()

    def _vouched(self, probe: Probe) -> Probe:
        """An entry too small to be known by itself is right where all directions are."""
        if max(p.worst for p in self.probes) == OK:
            return replace(probe, code=np.where(probe.code == UNRESOLVED, OK, probe.code))
        return probe

    def _suspected(self) -> list[int]:
        """The claim that was contradicted first; the first one where none was."""
        return [next((i % len(self.claims) for i, p in enumerate(self.probes) if p.worst == self.worst), 0)]

    def _unit(self, k: int) -> Array:
        direction = np.zeros(self.arguments.size)
        direction[k] = self.arguments.scale[k]
        return direction

    def _search(self, which: int) -> None:
        """Wrong entries among many: the block that disagrees most is halved, again and again."""
        signs = self.uneven()
        heap: list[tuple[float, int, int]] = [(-np.inf, 0, self.arguments.size)]
        wrong = 0
        for _ in range(PROBES // 2):
            if not heap or wrong >= ENOUGH:
                return
            _, low, high = heappop(heap)
            middle = (low + high) // 2
            for start, end in ((low, middle), (middle, high)):
                direction = np.zeros_like(signs)
                direction[start:end] = signs[start:end]
                probe = self.probe(which, direction)
                if end - start == 1:
                    self.single[which, start] = probe
                    wrong += probe.worst == WRONG
                elif probe.worst == WRONG:
                    heappush(heap, (-float(np.max(probe.off * probe.size)), start, end))

    def _judge_kinks_together(self) -> None:
        """No entry is wrong by itself, but a direction is: certain where all kinks bend the same way.

        Then the slopes of the sides are all there is to a subgradient; else its reach was only sampled.
        """
        single = max((p.worst for p in self.single.values()), default=OK)
        if self.worst != WRONG or single == WRONG or len(self.single) < self.arguments.size:
            return
        if self._bends_both_ways():
            self.probes = [self._doubted(p) for p in self.probes]
        elif single == SUBGRADIENT:
            self.notes.append("each entry lies between the slopes of its sides, but together they do not")

    def _bends_both_ways(self) -> bool:
        """Whether at some kinks the slope grows and at others it falls."""
        ladders = [p.ladder for p in (*self.probes, *self.single.values())]
        bends = np.concatenate([(x.right.value - x.left.value) * kinked(x, self.rtol) for x in ladders])
        return bool((bends > 0).any() and (bends < 0).any())

    def _doubted(self, probe: Probe) -> Probe:
        """The probe, unresolved where kinks in different entries could make the claim right."""
        low, high = self._outer(probe)
        spread = probe.high - probe.low > 8 * probe.error
        inside = (low <= probe.claimed) & (probe.claimed <= high)
        return replace(probe, code=np.where((probe.code == WRONG) & spread & inside, UNRESOLVED, probe.code))

    def _outer(self, probe: Probe) -> Array:
        """Bounds of the slopes along a direction if kinks in different entries had nothing to do with each other."""
        low, high = np.zeros_like(probe.low), np.zeros_like(probe.high)
        for (_, k), single in self.single.items():
            factor = probe.direction[k] / single.direction[k]
            ends = factor * single.low, factor * single.high
            low, high = low + np.minimum(*ends), high + np.maximum(*ends)
        granted = CAUTION * probe.error + self.rtol * probe.size
        return np.stack([low - granted, high + granted])

    # --- what is said

    def report(self, subject: str, seed: int, trials: int) -> GradientReport:
        outcome = OUTCOMES[self.worst]
        entries = sorted(self._entries(), key=lambda e: -e.off if np.isfinite(e.off) else -np.inf)
        shown = max([*self.probes, *self.single.values()], key=lambda p: (p.worst, float(np.max(p.off))))
        largest = float(np.max([np.max(p.off) for p in self.probes]))
        count = sum(c.evaluations for c in {id(c.counter): c.counter for c in self.claims}.values())
        notes = (*self.notes, *self._factor(), *self._noisy(), *_why_unresolved(outcome, shown))
        tolerance, curve = self.rtol, _curve(shown)
        return GradientReport(outcome, subject, seed, trials, count, tolerance, largest, tuple(entries), notes, curve)

    def _entries(self) -> list[Entry]:
        found = []
        for (which, k), probe in self.single.items():
            step = probe.direction[k]
            for i in np.flatnonzero(probe.code == probe.worst) if probe.worst == self.worst else ():
                output = np.unravel_index(int(i), self.claims[which].output) if self.claims[which].output else ()
                low, high = sorted((float(probe.low[i] / step), float(probe.high[i] / step)))
                claimed, error = float(probe.claimed[i] / step), float(probe.error[i] / abs(step))
                part, index = self.arguments.place(k)
                where, inside = self.arguments.paths[part][0], self.arguments.inside(part)
                found.append(Entry(where, index, tuple(int(n) for n in output), claimed, low, high, error, inside))
        return found

    def _factor(self) -> list[str]:
        """The factor by which the claim is off in all directions alike, if it is."""
        if self.worst != WRONG or len(self.probes) < 2:
            return []
        claimed = np.concatenate([p.claimed for p in self.probes])
        found = np.concatenate([(p.low + p.high) / 2 for p in self.probes])
        weight = float(found @ found)
        factor = float(claimed @ found) / weight if weight > 0 else 0.0
        same = np.isfinite(factor) and np.abs(claimed - factor * found).max() <= 0.01 * np.abs(claimed - found).max()
        said = f"{factor:.4g} times the slope" if abs(factor) > 1e-6 else "zero"
        return [f"the claim is {said} in every direction"] if same else []

    def _noisy(self) -> list[str]:
        if np.array_equal(self._start(0)[0], self.claims[0].value(self.arguments.flat), equal_nan=True):
            return []
        return ["f gives different values at the same point: fix its random numbers"]


# --- what is said of a probe ------------------------------------------------------------------


def _why_unresolved(outcome: Outcome, probe: Probe) -> list[str]:
    if outcome != "unresolved":
        return []
    i = int(np.argmax(probe.code))
    ladder, claimed = probe.ladder, f"claimed {probe.claimed[i]:.1e}"
    sides = ladder.left.error[i] + ladder.right.error[i]
    if sides > SIDES * probe.error[i]:
        return [f"the slopes of the two sides do not settle as the step shrinks: known to {sides:.1e} only, {claimed}"]
    noise = f"values of f carry a noise of {ladder.noise[i]:.1e}"
    return [f"{noise}, slopes are known to {probe.error[i]:.1e} only, {claimed}"]


def _curve(probe: Probe) -> Curve:
    """The picture's data for the worst output of a probe."""
    ladder, i = probe.ladder, int(np.argmax(np.nan_to_num(probe.off, nan=np.inf)))
    central = ladder.central[:, i]
    errors, distances = np.abs(central - ladder.middle.value[i]), np.abs(central - probe.claimed[i])
    forward, size = np.abs(ladder.forward[:, i] - probe.claimed[i]), float(probe.size[i])
    return Curve(ladder.steps, errors, distances, ladder.rounding[:, i], forward, size if 0 < size < np.inf else 1.0)
