"""A worked derivation as a whole: its lines in order, how they look in a notebook, and the check of every line.

>>> from symgrad.derivation import derivative
>>> print(derivative("a'*X*b", "X").steps("differential").check())
all 3 lines agree: both sides of each, computed at random arrays (seed 0)
  1  agrees  df = a'*dX*b
  2  agrees  df = tr(b*a'*dX)
  3  agrees  df/dX = a*b'
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from symgrad.steps.step import Step

if TYPE_CHECKING:
    from rich.text import Text

    from symgrad.steps.witness import Disagreement


class Worked(tuple[Step, ...]):
    """The steps of a derivation, in order; a tuple that prints as its lines."""

    __slots__ = ()

    def text(self) -> str:
        """One line for each step, with the name of its rule."""
        return "\n".join(f"{step.text()}    ({step.rule})" for step in self)

    def latex(self) -> str:
        """The lines aligned at their `=`, the rules beside them."""
        rows = (rf"{s.left.latex()} &= {s.right.latex()} && \text{{{s.rule}}}" for s in self)
        return "\\begin{aligned}\n" + " \\\\\n".join(rows) + "\n\\end{aligned}"

    def check(self, seed: int = 0) -> StepsReport:
        """Compute both sides of every line at random arrays, by the numeric engine, and compare them.

        Raises DomainError where no arrays are found at which every line has a value.
        """
        return StepsReport(tuple(step.check(seed) for step in self), seed)

    __str__ = __repr__ = text

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex()}$"


@dataclass(frozen=True, slots=True)
class StepsReport:
    """What the machine says of each line of a derivation."""

    lines: tuple[Disagreement, ...]
    seed: int = 0

    @property
    def ok(self) -> bool:
        """Whether the two sides of every line agree."""
        return all(line.agrees for line in self.lines)

    def __bool__(self) -> bool:
        return self.ok

    def text(self) -> str:
        """The report: a heading, then a line for each step."""
        return "\n".join((self.heading, *self._rows()))

    @property
    def heading(self) -> str:
        """The verdict on all lines."""
        wrong = sum(not line.agrees for line in self.lines)
        count = f"{len(self.lines)} line{'s' if len(self.lines) != 1 else ''}"
        if not wrong:
            agrees = f"all {count} agree" if len(self.lines) != 1 else f"{count} agrees"
            return f"{agrees}: both sides of each, computed at random arrays (seed {self.seed})"
        return f"{wrong} of {count} disagree{'s' if wrong == 1 else ''} (seed {self.seed})"

    def _rows(self) -> Iterator[str]:
        for number, line in enumerate(self.lines, 1):
            yield f"  {number}  {'agrees' if line.agrees else 'DIFFERS'}  {line.step.text()}"

    __str__ = text

    def __rich__(self) -> Text:
        from rich.text import Text

        text = Text(self.heading, style=f"bold {'green' if self.ok else 'red'}")
        for row, line in zip(self._rows(), self.lines, strict=True):
            text.append(f"\n{row}", style="not bold default" if line.agrees else "bold red")
        return text

    def to_json(self) -> dict[str, Any]:
        """The fields of `check.steps` under --json."""
        lines = [{"agrees": line.agrees, "error": line.error, "sizes": dict(line.sizes)} for line in self.lines]
        return {"ok": self.ok, "seed": self.seed, "lines": lines}
