"""Verdicts: what is said of one answer, and how it is shown.

A verdict is a value: right, wrong or unresolved, the rung of the ladder that decided, the mistake that explains
a wrong answer, and a witness, one point and one entry where the answer differs.  No judging happens here.

>>> print(Verdict(True, "normal form", "symbolic", expected="2*x"))
right, proved: the normal forms are the same
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from math import isfinite
from typing import Any, Literal

from symgrad.errors import DomainError
from symgrad.verification.mistake import in_persian
from symgrad.verification.shown import Shown

Proof = Literal["symbolic", "numeric"]
OtherLayout = Literal["wrong", "partial", "right"]

_HOW = {
    "normal form": "proved: the normal forms are the same",
    "prime field": "proved: the exact values in a prime field are the same",
    "samples": "in floating point at every sample, several sizes all different and square",
    "numbers": "every number is the exact value rounded once",
    "other layout": "though in another layout than the one asked for",
}


@dataclass(frozen=True, slots=True)
class Difference:
    """A point where an answer differs: the worst entry (counting from 1) and both numbers there."""

    sizes: Mapping[str, int]
    values: Mapping[str, Any]
    entry: tuple[int, ...]
    answer: float
    expected: float

    def __str__(self) -> str:
        entry = f"entry {', '.join(map(str, self.entry))}" if self.entry else "the value"
        sizes = ", ".join(f"{a} = {n}" for a, n in self.sizes.items())
        return f"{entry} is {self.answer:.6g}, but should be {self.expected:.6g}" + (f" (at {sizes})" if sizes else "")


@dataclass(frozen=True, slots=True)
class Verdict(Shown):
    """What is said of an answer.

    correct        True, False, or None where no rung could decide
    rung           shapes, normal form, prime field, samples, numbers or unresolved
    proof          "symbolic" or "numeric" for a right answer
    misconception  the id of the mistake that explains a wrong answer; `misconceptions` are all of them where it
                   takes several, `alternatives` other explanations that fit as well
    details        the finer ids of `misconceptions` in the library of mistakes
    notes          how the answer was read, where it was not taken as it stands
    layout         the convention in which the answer is right, where that is not the one asked for
    partial        whether such an answer counts in part
    """

    correct: bool | None
    rung: str
    proof: Proof | None = None
    misconceptions: tuple[str, ...] = ()
    explanation: str = ""
    witness: Difference | None = None
    expected: str = ""
    alternatives: tuple[tuple[str, ...], ...] = ()
    details: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    layout: str | None = None
    partial: bool = False

    @property
    def misconception(self) -> str | None:
        return self.misconceptions[0] if self.misconceptions else None

    def explained_in(self, language: str) -> str:
        """The explanation in English (en) or Persian (fa); formulas stay as they are."""
        if language not in ("en", "fa"):
            raise DomainError(f"there is no explanation in {language!r}", hint="en or fa")
        return in_persian(self.explanation) if language == "fa" else str(self.explanation)

    @property
    def word(self) -> str:
        return "partly right" if self.partial else {True: "right", False: "wrong", None: "unresolved"}[self.correct]

    def counting(self, other_layout: OtherLayout) -> Verdict:
        """The verdict where an answer that is right in another layout counts as right, in part, or as wrong."""
        if other_layout not in ("wrong", "partial", "right"):
            raise DomainError(f"other_layout is {other_layout!r}", hint="one of wrong, partial, right")
        if self.layout is None or other_layout == "wrong":
            return self
        if other_layout == "partial":
            return replace(self, partial=True)
        notes = (*self.notes, f"it is right in {self.layout}")
        return Verdict(True, "other layout", "numeric", expected=self.expected, notes=notes, layout=self.layout)

    def __bool__(self) -> bool:
        return self.correct is True

    def text(self) -> str:
        """The verdict as plain text."""
        notes = [f"  note: {note}" for note in self.notes]
        if self.correct:
            return "\n".join([f"{self.word}, {_HOW[self.rung]}", *notes])
        lines = [self.word + (f": {' and '.join(self.misconceptions)}" if self.misconceptions else "")]
        lines += [f"  {line}" for line in self.explanation.splitlines()]
        if self.alternatives:
            lines.append("  or one of: " + "; ".join(" and ".join(ids) for ids in self.alternatives))
        if self.witness is not None:
            lines.append(f"  {self.witness}")
        if self.expected:
            lines.append(f"  expected: {self.expected}")
        return "\n".join([*lines, *notes])

    @property
    def good(self) -> bool | None:
        return self.correct

    def to_json(self) -> dict[str, Any]:
        """The verdict as plain data; what is not a finite number is None."""
        data = asdict(self)
        if self.witness is not None:
            data["witness"]["values"] = {n: _plain(v) for n, v in self.witness.values.items()}
            for side in ("answer", "expected"):
                data["witness"][side] = data["witness"][side] if isfinite(data["witness"][side]) else None
        return {**data, "misconception": self.misconception, "explanation_fa": self.explained_in("fa")}


def _plain(value: Any) -> Any:
    return value.tolist() if hasattr(value, "tolist") else value
