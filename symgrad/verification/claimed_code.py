"""Code judged against a formula: a function of arrays by name, compared with the derived and compiled derivative.

No differences are taken: the truth is evaluated at sampled inputs of several sizes, all different and square.
Code that is wrong is compared with what the mistakes of `mistakes.py` and the other layouts would give, so that
what went wrong has a name.  Nothing here runs text.

>>> from symgrad.derivation import derivative
>>> D = derivative("norm2(A*x - b)^2", "x", where="A: R^{m x n}; x: R^n; b: R^m")
>>> judge_code(D, lambda A, x, b: A.T @ (A @ x - b)).verdict.misconception
'missing factor 2'
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symgrad.derivation import Derivative
from symgrad.errors import DomainError, LayoutError, ShapeError
from symgrad.evaluation import Function, compiled
from symgrad.notation.layout import LAYOUTS, STACKINGS
from symgrad.programs import RESULT
from symgrad.tensor.dims import Size, size_at
from symgrad.tensor.nodes import Input, walk
from symgrad.tensor.view import View
from symgrad.verification.answers import POINTS, ROUNDS_AT_KINKS, Case, Sampled
from symgrad.verification.equality import TOLERANCE, axes_in_layout
from symgrad.verification.functions import ROUNDINGS, NotNumbers, Parameters, numbers_of, parameters_of
from symgrad.verification.libraries import precision
from symgrad.verification.shown import Shown
from symgrad.verification.verdict import Difference, Verdict
from symgrad.verification.witnesses import Point, described, find_point, operations

Array = NDArray[Any]
Code = Callable[..., Any]
CLAIMED = "claimed"  # the name under which the code's numbers stand among the inputs
SHOWN = 5  # of the worst entries


@dataclass(frozen=True, slots=True)
class CodeReport(Shown):
    """What is said of code: the verdict, and where it is farthest off, at one point."""

    verdict: Verdict
    subject: str
    entries: tuple[Difference, ...]
    points: int
    seed: int

    @property
    def ok(self) -> bool:
        return self.verdict.correct is True

    @property
    def good(self) -> bool | None:
        return self.verdict.correct

    def __bool__(self) -> bool:
        return self.ok

    @property
    def mistakes(self) -> tuple[str, ...]:
        """The ids of the mistakes that explain the code, from the general to the fine."""
        return tuple(dict.fromkeys((*self.verdict.misconceptions, *self.verdict.details)))

    def text(self) -> str:
        """The report as plain text."""
        plain = replace(self.verdict, witness=None)
        first, *rest = plain.text().splitlines()
        lines = [f"{self.subject}: {first}", *rest]
        if self.entries:
            lines.append(f"  worst entries, counting from 1 (at {described(self.entries[0].sizes)}):")
            lines += [f"    {replace(e, sizes={})}" for e in self.entries]
        points = f"{self.points} point{'s' * (self.points != 1)}, " if self.points else ""
        return "\n".join([*lines, f"  {points}seed {self.seed}"])

    def to_json(self) -> dict[str, Any]:
        """The report as plain data."""
        return {**self.verdict.to_json(), "subject": self.subject, "points": self.points, "seed": self.seed}


def judge_code(
    derivative: Derivative,
    code: Code,
    *,
    trials: int | None = None,
    seed: int = 0,
    rtol: float | None = None,
    convert: Callable[[Array], Any] | None = None,
) -> CodeReport:
    """Compare code, which takes inputs of the program by name, with a derivative in its layout.

    `trials` points (five, and more where masks occur); `convert` makes the library's array of each input.
    Raises UnknownNameError for a parameter that is no input, DomainError where no point can be found.
    """
    judging = Judging(derivative, code, parameters_of(code, tuple(derivative.program.declared)), convert, rtol)
    rounds = ROUNDS_AT_KINKS if any(op.kinks for op in operations(derivative.program)) else 1
    kinds = POINTS * rounds
    count = trials if trials is not None else len(kinds)
    points = Sampled(lambda i: find_point(derivative.program, kinds[i % len(kinds)], seed + i, of=derivative.of), count)
    try:
        compared = [judging.compared(p) for p in points]
    except NotNumbers as error:
        verdict = Verdict(False, "shapes", explanation=error.message, expected=str(derivative))
        return CodeReport(verdict, subject_of(derivative), (), 1, seed)
    verdict, entries = judging.verdict(compared, seed)
    return CodeReport(verdict, subject_of(derivative), entries, len(compared), seed)


def subject_of(derivative: Derivative) -> str:
    """What is judged: d of / d wrt."""
    of = derivative.of if derivative.of != RESULT else f"({derivative.program.text.strip()})"
    return f"d {of} / d {', '.join(derivative.wrt)}"


@dataclass(frozen=True, slots=True)
class Compared:
    """What the code gave at a point, and what is right; `granted` is relative to the larger of both."""

    point: Point
    claimed: Array
    truth: Array
    granted: float
    whole: bool = False  # the code gives whole numbers

    def agrees(self, other: Array) -> bool:
        """Whether the code gave these numbers."""
        if self.claimed.shape != other.shape or not np.isfinite(self.claimed).all():
            return False
        scale = max(float(np.abs(self.claimed).max(initial=0)), float(np.abs(other).max(initial=0)))
        return bool(np.abs(self.claimed - other).max(initial=0) <= self.granted * scale)


@dataclass(frozen=True)
class CodeCase(Case):
    """A case in which an answer is the input `CLAIMED`, whose value at each point is what code gives there."""

    judging: Judging | None = None
    shape: tuple[Size, ...] = ()

    def values(self, views: Sequence[View], point: Point) -> list[Array]:
        """The views as matrices at a point."""
        assert self.judging is not None
        if any(isinstance(n, Input) and n.name == CLAIMED for n in walk(*(v.node for v in views))):
            sizes = [size_at(s, point.sizes) for s in self.shape]
            value = np.reshape(self.judging.called(point), sizes)
            point = replace(point, values={**point.values, CLAIMED: value})
        return super().values(views, point)


@dataclass(frozen=True, slots=True)
class Judging:
    """One derivative, one piece of code."""

    derivative: Derivative
    code: Code
    parameters: Parameters
    convert: Callable[[Array], Any] | None
    rtol: float | None

    def compared(self, point: Point) -> Compared:
        """Both results at a point."""
        result = self._result(point)
        array = numbers_of(result)
        rounding = max(precision(result), precision(array))
        granted = self.rtol if self.rtol is not None else max(TOLERANCE, ROUNDINGS * rounding)
        truth = _evaluated(compiled(self.derivative), point)
        return Compared(point, array.astype(float), truth, granted, array.dtype.kind in "biu")

    def called(self, point: Point) -> Array:
        """What the code gives at a point."""
        return numbers_of(self._result(point)).astype(float)

    def _result(self, point: Point) -> Any:
        """The code's own result.  An error of the code gets a note that says the sizes."""
        given = [self._converted(point.values[n]) for n in self.parameters.positional]
        named = {n: self._converted(point.values[n]) for n in self.parameters.named}
        try:
            return self.code(*given, **named)
        except Exception as error:
            error.add_note(f"symgrad called the claimed derivative at {described(point.sizes)}")
            raise

    def _converted(self, array: Any) -> Any:
        own = np.array(array)  # a copy: code may write into it
        return self.convert(own) if self.convert is not None else own

    def verdict(self, compared: list[Compared], seed: int) -> tuple[Verdict, tuple[Difference, ...]]:
        """Right, or wrong with the reason that fits at all points."""
        expected = str(self.derivative)
        bad = next((c for c in compared if not c.agrees(c.truth)), None)
        if bad is None:
            return Verdict(True, "samples", "numeric", expected=expected), ()
        if bad.claimed.shape != bad.truth.shape:
            layout = self._layout_that_fits(compared)
            wanted = f"the {self.derivative.layout} layout has {bad.truth.shape}"
            said = f"wrong shape: the code gives {bad.claimed.shape}, {wanted} (at {described(bad.point.sizes)})"
            ids = (self._name_of_layout(),) if layout else ()
            return Verdict(False, "shapes", None, ids, "\n".join([said, *layout]), expected=expected), ()
        worst = tuple(_worst(bad))
        if not all(np.isfinite(c.claimed).all() for c in compared):
            return Verdict(False, "samples", None, (), "the code gives what is not finite", worst[0], expected), worst
        if all(c.whole for c in compared):
            why = "the code gives whole numbers: was something made as an array of integers?"
            return Verdict(False, "samples", None, (), why, worst[0], expected), worst
        return self._diagnosed(seed, Verdict(False, "samples", None, (), "", worst[0], expected)), worst

    def _diagnosed(self, seed: int, verdict: Verdict) -> Verdict:
        """The verdict with the mistakes that give the numbers which the code gives."""
        try:
            rows, columns = axes_in_layout(self.derivative)
        except LayoutError:
            return verdict  # no matrix, so nothing to compare with
        shape = tuple(self.derivative.node.shape[i] for i in (*rows, *columns))
        said = View(Input.make(CLAIMED, shape), len(rows))
        found = CodeCase(self.derivative, {}, seed, self, shape).judged(said)
        return replace(found, witness=verdict.witness) if found.correct is False else verdict

    def _layout_that_fits(self, compared: list[Compared]) -> list[str]:
        """The convention in which the code is right, if there is one."""
        for name, other in self._other_layouts():
            function = compiled(other)
            if all(c.agrees(_evaluated(function, c.point)) for c in compared):
                return [f"it is right in {name}"]
        return []

    def _other_layouts(self) -> Iterator[tuple[str, Derivative]]:
        own = (self.derivative.layout, self.derivative.vec)
        for vec in (own[1], *(v for v in STACKINGS if v != own[1])):
            for layout in (x for x in LAYOUTS if (x, vec) != own):
                try:
                    other = self.derivative.in_layout(layout, vec)
                except LayoutError:
                    continue
                yield f"{layout} layout" + (f", stacked by {vec}s" if vec != own[1] else ""), other

    def _name_of_layout(self) -> str:
        scalar = self.derivative.output.is_scalar and len(self.derivative.wrt) == 1
        return "transposed" if scalar else "wrong layout"


def _evaluated(function: Function, point: Point) -> Array:
    sizes = {a: point.sizes[a] for a in function.compiled.free}
    with np.errstate(all="ignore"):
        try:
            return function(**point.values, **sizes)
        except (np.linalg.LinAlgError, ShapeError, DomainError):
            return np.full((), np.nan)


def _worst(compared: Compared) -> Iterator[Difference]:
    """The entries that are farthest off, the worst first."""
    off = np.nan_to_num(np.abs(compared.claimed - compared.truth), nan=np.inf, posinf=np.inf)
    order = np.argsort(-off, axis=None)[:SHOWN]
    for k in order.tolist():
        entry = tuple(int(i) for i in np.unravel_index(k, off.shape))
        if off[entry] == 0 and k != order[0]:
            return
        shown = () if off.size == 1 else tuple(i + 1 for i in entry)
        numbers = float(compared.claimed[entry]) + 0.0, float(compared.truth[entry]) + 0.0
        yield Difference(dict(compared.point.sizes), dict(compared.point.values), shown, *numbers)
