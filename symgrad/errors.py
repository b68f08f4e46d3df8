"""Every error symgrad raises: what was given, what was wanted, what to try.

An error starts out where the fault is noticed, often without knowing the user's text; the door it
leaves by adds the place with `located`.  All of them are `SymgradError` and the fitting builtin.

>>> str(ShapeError("cannot multiply x by z", text="x*z", span=(1, 2), hint="x'*z or x.*z"))
"column 2: cannot multiply x by z\\n  x*z\\n   ^\\n  try: x'*z or x.*z"
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

Span = tuple[int, int]

WINDOW = 72  # characters of the user's line that are shown around the caret
LONGEST_WORD = 60
_LONG_WORD = re.compile(rf"\w{{{LONGEST_WORD + 1},}}")


class SymgradError(Exception):
    """An input that cannot be used, with the place and the way out.

    `message` says what is wrong, `text` is what the user wrote, `span` the half-open range of
    characters at fault, `hint` what to write instead.
    """

    def __init__(self, message: str, *, text: str | None = None, span: Span | None = None, hint: str | None = None):
        message = _shortened(message)
        super().__init__(message)
        self.message = message
        self.text = text
        self.span = span
        self.hint = None if hint is None else _shortened(hint)

    @property
    def line(self) -> int:
        """Line of the fault, from 1."""
        return 1 if self.text is None or self.span is None else self.text.count("\n", 0, self.span[0]) + 1

    @property
    def column(self) -> int | None:
        """Column of the fault in its line, from 1; None where no place is known."""
        if self.text is None or self.span is None:
            return None
        return self.span[0] - (self.text.rfind("\n", 0, self.span[0]) + 1) + 1

    def located(self, text: str, span: Span | None) -> SymgradError:
        """The same error with the user's text and place, unless it has them already."""
        if self.text is None:
            self.text, self.span = text, span
        return self

    def __str__(self) -> str:
        lines = [self._heading()]
        if self.text is not None and self.span is not None:
            lines += self._excerpt()
        if self.hint:
            lines.append(f"  try: {self.hint}")
        return "\n".join(lines)

    def _heading(self) -> str:
        if self.column is None:
            return self.message
        place = f"column {self.column}"
        if self.text is not None and "\n" in self.text.strip("\n"):
            place = f"line {self.line}, {place}"
        return f"{place}: {self.message}"

    def _excerpt(self) -> list[str]:
        assert self.text is not None and self.span is not None
        start = self.text.rfind("\n", 0, self.span[0]) + 1
        end = self.text.find("\n", start)
        row = self.text[start : end if end >= 0 else len(self.text)]
        at = self.span[0] - start
        width = max(1, min(self.span[1] - self.span[0], len(row) - at))
        if len(row) > WINDOW:
            cut = max(0, at - WINDOW // 2)
            row, at = ("..." if cut else "") + row[cut : cut + WINDOW] + "...", at - cut + (3 if cut else 0)
            width = min(width, WINDOW // 2)
        row = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in row)
        return [f"  {row}", "  " + " " * at + "^" * width]


def _shortened(said: str) -> str:
    """What is said, with words of more than LONGEST_WORD letters cut: nobody reads a name of a thousand."""
    if len(said) <= LONGEST_WORD:
        return said
    return _LONG_WORD.sub(lambda word: f"{word[0][: LONGEST_WORD // 2]}...", said)


class ParseError(SymgradError, ValueError):
    """The text is not in the language."""


class UnknownNameError(SymgradError, NameError):
    """A name, dimension, function, exercise or option that does not exist."""


class ShapeError(SymgradError, ValueError):
    """Shapes or dimensions that do not agree."""


class DomainError(SymgradError, ValueError):
    """A value outside the domain of an operation."""


class NotDifferentiableError(SymgradError, ValueError):
    """A derivative that does not exist, or for which no rule is known."""


class LimitError(SymgradError, ValueError):
    """An input larger than the work symgrad is willing to do."""


class LayoutError(SymgradError, ValueError):
    """A layout that the result does not have."""


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """The hint for an unknown name: the closest known ones, else all of them.

    >>> did_you_mean("sinus", ["sin", "cos"])
    'did you mean sin?'
    """
    names, name = sorted(set(known)), str(name)
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.6) or [k for k in names if k.lower() == name.lower()]
    if close:
        return f"did you mean {' or '.join(close)}?"
    return f"known: {', '.join(names)}" if 0 < len(names) <= 12 else None
