"""Verdicts: what is said of one answer, and how it is shown.

A verdict is a value: right, wrong or unresolved, the rung of the ladder that decided, the mistake that explains
a wrong answer, and a witness, one point and one entry where the answer differs.  No judging happens here.

>>> print(Verdict(True, "normal form", "symbolic", expected="2*x"))
right, proved: the normal forms are the same
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from rich.text import Text

Proof = Literal["symbolic", "numeric"]

_HOW = {
    "normal form": "proved: the normal forms are the same",
    "prime field": "proved: the exact values in a prime field are the same",
    "samples": "in floating point at every sample, several sizes all different and square",
    "numbers": "every number is the exact value rounded once",
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
class Verdict:
    """What is said of an answer.

    correct        True, False, or None where no rung could decide
    rung           shapes, normal form, prime field, samples, numbers or unresolved
    proof          "symbolic" or "numeric" for a right answer
    misconception  the id of the mistake that explains a wrong answer; `misconceptions` are all of them where it
                   takes several, `alternatives` other explanations that fit as well
    details        the finer ids of `misconceptions` in the library of mistakes
    notes          how the answer was read, where it was not taken as it stands
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

    @property
    def misconception(self) -> str | None:
        return self.misconceptions[0] if self.misconceptions else None

    @property
    def word(self) -> str:
        return {True: "right", False: "wrong", None: "unresolved"}[self.correct]

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

    def __str__(self) -> str:
        return self.text()

    def __rich__(self) -> Text:
        from rich.text import Text

        first, _, rest = self.text().partition("\n")
        text = Text(
            first, style="bold green" if self.correct else "bold red" if self.correct is False else "bold yellow"
        )
        return text.append(f"\n{rest}", style="not bold default") if rest else text

    def to_json(self) -> dict[str, Any]:
        """The verdict as plain data; what is not a finite number is None."""
        data = asdict(self)
        if self.witness is not None:
            data["witness"]["values"] = {n: _plain(v) for n, v in self.witness.values.items()}
            for side in ("answer", "expected"):
                data["witness"][side] = data["witness"][side] if isfinite(data["witness"][side]) else None
        return {**data, "misconception": self.misconception}


def _plain(value: Any) -> Any:
    return value.tolist() if hasattr(value, "tolist") else value
