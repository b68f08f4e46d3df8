"""Answers as people type them -> the text language: digits, quotes, dashes, hidden marks, prefixes, full stops.

What was changed is noted in words, so that a verdict can say how it read an answer; text that needs nothing is
returned as it is.  LaTeX is recognised by its backslashes and left alone here.  This room parses nothing.

>>> normalised("d/dx = 2*A’*x .").text
"2*A'*x"
>>> normalised("\u06f2*x").notes
('Persian or Arabic digits were read as 0-9',)
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from symgrad.errors import LimitError
from symgrad.notation.latex_tokens import is_latex
from symgrad.notation.tokens import LENGTH_LIMIT

HIDDEN = (
    "\ufeff\u200b\u200c\u200d\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\u00ad\u0640"
)
_QUOTES = "\u2018\u2019\u201b\u2032\u00b4\u02b9\u02bc\u0060\uff07"
_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2212\ufe63\uff0d"
_MARKS = {"\u066b": ".", "\u060c": ",", "\u066c": "", "\u061b": ";", "\u066a": "%", "\u00d7": "*", "\u22c6": "*"}
_WORDS = (
    "grad(?:ient)?", "answer", "ans", "result", "solution", "jacobian", "hessian",
    "\u067e\u0627\u0633\u062e", "\u062c\u0648\u0627\u0628", "\u0645\u0634\u062a\u0642",
)  # fmt: skip
_D = "[d\u2202\u03b4]"
_PREFIX = re.compile(
    rf"""\s*(?:
        \(?\s*{_D}\s*\^?[0-9]?\s*[\w.]*(?:\([^()=]*\))?\s*/\s*\(?\s*
            (?:{_D}\s*\w+(?:\^\w+)?['\u1d40\u22a4]?\s*)+\)?\s*(?:\[[^\]=]*\]|\([^()=]*\)|_\s*\{{?\s*\w+\s*\}}?)?
      | \u2207\s*_?\{{?\w*\}}?\s*\w*(?:\([^()=]*\))?
      | \\nabla[^=]*
      | \\frac\s*\{{\s*(?:\\partial|d|\\mathrm\s*\{{d\}})[^=]*
      | (?:{"|".join(_WORDS)})(?:_?\w+)?(?:\([^()=]*\))?
    )\s*(?:=(?!=)|:=?)\s*""",
    re.VERBOSE | re.IGNORECASE,
)
_FULL_STOP = re.compile(r"[\s.,;:!\u060c\u061b\u06d4\u3002]+$")
_OF_PYTHON = re.compile(r"\.T\b(?!\w)")
_TRANSPOSE = re.compile(r"\^\s*(?:\{\s*(?:T|\u22a4|\\top)\s*\}|T(?![\w^]))")
_BRACES = re.compile(r"\^\s*\{([^{}]*)\}")


@dataclass(frozen=True, slots=True)
class Normalised:
    """The text as it will be read, what was changed, and what was left out in front (`d/dx =`)."""

    text: str
    notes: tuple[str, ...] = ()
    prefix: str = ""


def normalised(answer: str) -> Normalised:
    """An answer with its spellings made plain.  Raises LimitError for a text that is too long to read."""
    if len(answer) > LENGTH_LIMIT:
        raise LimitError(f"the text has {len(answer)} characters; the limit is {LENGTH_LIMIT}")
    text, notes = answer, []
    for change, note in _STEPS:
        changed = change(text)
        if changed != text:
            notes.append(note)
            text = changed
    prefix = _prefix(text)
    if prefix:
        text = text[len(prefix) :]
        notes.append(f"{prefix.strip()!r} in front was left out")
    return Normalised(text, tuple(notes), prefix)


def _prefix(text: str) -> str:
    """A derivative's name with an equals sign in front of a single formula."""
    found = _PREFIX.match(text)
    if found is None:
        return ""
    rest = text[found.end() :].strip()
    return found[0] if rest and not re.search(r"[;\n]|(?<![<>=!~])=(?!=)", rest) else ""


def _without_hidden(text: str) -> str:
    return text.translate(dict.fromkeys(map(ord, HIDDEN)))


def _with_plain_digits(text: str) -> str:
    return "".join(str(unicodedata.decimal(c)) if _is_other_digit(c) else c for c in text)


def _is_other_digit(c: str) -> bool:
    return not c.isascii() and unicodedata.category(c) == "Nd"


def _with_plain_marks(text: str) -> str:
    text = "".join(_MARKS.get(c, c) for c in text)
    return "".join(unicodedata.normalize("NFKC", c) if "\uff01" <= c <= "\uff5e" else c for c in text)


def _with_plain_quotes(text: str) -> str:
    text = text.strip().removeprefix("```").removesuffix("```").strip()
    if text[:1] == text[-1:] == "`":
        text = text[1:-1]
    return text.translate({ord(c): "'" for c in _QUOTES})


def _with_plain_dashes(text: str) -> str:
    return text.translate({ord(c): "-" for c in _DASHES})


def _of_text(change: Callable[[str], str]) -> Callable[[str], str]:
    """A change that would spoil LaTeX."""
    return lambda text: text if is_latex(text) else change(text)


def _with_plain_transposes(text: str) -> str:
    return _TRANSPOSE.sub("'", _OF_PYTHON.sub("'", text))


def _with_plain_operators(text: str) -> str:
    return _BRACES.sub(r"^(\1)", text.replace("**", "^").replace("@", "*"))


_STEPS: tuple[tuple[Callable[[str], str], str], ...] = (
    (_without_hidden, "hidden marks were removed"),
    (_with_plain_digits, "Persian or Arabic digits were read as 0-9"),
    (_with_plain_marks, "marks of other scripts were read as the plain ones"),
    (_with_plain_quotes, "typographic quotes were read as transposes"),
    (_with_plain_dashes, "dashes were read as minus signs"),
    (_of_text(_with_plain_transposes), "^T or .T was read as a transpose"),
    (_of_text(_with_plain_operators), "operators of programming languages were read as * and ^"),
    (lambda text: _FULL_STOP.sub("", text), "punctuation at the end was left out"),
)
