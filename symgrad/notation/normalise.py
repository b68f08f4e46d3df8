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
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass

from symgrad.errors import LimitError
from symgrad.notation.dressing import bare_line, one_space, split_at_equals, undressed
from symgrad.notation.latex_tokens import is_latex
from symgrad.notation.python_text import as_text, closing
from symgrad.operations.catalogue import find

HIDDEN = (
    "\ufeff\u200b\u200c\u200d\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\u00ad\u0640"
)
_QUOTES = "\u2018\u2019\u201b\u2032\u00b4\u02b9\u02bc\u0060\uff07"
_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2212\ufe63\uff0d"
_MARKS = {"\u066b": ".", "\u060c": ",", "\u066c": "", "\u061b": ";", "\u066a": "%", "\u00d7": "*", "\u22c6": "*"}
_FULL_STOP = re.compile(r"[\s.,;:!\u060c\u061b\u06d4\u3002]+$")
_OF_PYTHON = re.compile(r"\.T\b(?!\w)")
_TRANSPOSE = re.compile(r"\^\s*(?:\{\s*(?:T|\u22a4|\u1d40|\\top)\s*\}|[T\u22a4](?![\d_^])|\(\s*T\s*\))")
_INVERSE_TRANSPOSE = re.compile(
    r"\^\s*(?:\{\s*-\s*[T\u22a4\u1d40]\s*\}|\(\s*-\s*[T\u22a4\u1d40]\s*\)|-\s*[T\u22a4\u1d40](?![\w^]))|\u207b[\u1d40\u22a4]"
)
_BRACES = re.compile(r"\^\s*\{([^{}]*)\}")
_NORM = re.compile(r"(?:\|\||\u2016)([^|\u2016\n]+)(?:\|\||\u2016)(?:_?(?P<kind>[12F\u2081\u2082]))?")
_LOG_DET = re.compile(r"\b(?:log|ln)\s*\|\s*(?:det\b)?\s*([^|\n]+?)\s*\|(?!\|)")
_NORMS = {"1": "norm1", "\u2081": "norm1", "F": "normF"}
_FUNCTION_POWER = re.compile(r"\b([a-z]{3,10})(?:([\u00b2\u00b3])|\^([23]))\s*\(")
_LISTED = re.compile(r"[,;:=\n!\u2260]")
POWERS = 50  # of functions, in one answer
LENGTH = 20_000  # characters of an answer
_SIZED = re.compile(r"(?<![\w.)\]}'])([I10])_(?:\{([a-z]\w*)\}|([a-z]\w{0,2})\b)")
_CONSTANTS = {"I": "eye", "1": "ones", "0": "zeros"}
_EXPONENTIAL = re.compile(r"(?<![\w.)\]}'])e\s*\^\s*(?:\((?=[^\n])|(-?[^\W\d_]\w*'?(?!\s*[(\w])))")
_INDICATORS = "1I\U0001d7d9\U0001d540"


@dataclass(frozen=True, slots=True)
class Normalised:
    """The text as it will be read, what was changed, what was left out in front (`d/dx =`), and the earlier
    parts of a chain of equals signs, all of which are claimed."""

    text: str
    notes: tuple[str, ...] = ()
    prefix: str = ""
    earlier: tuple[str, ...] = ()


def normalised(answer: str, known: Collection[str] = ()) -> Normalised:
    """An answer with its spellings made plain.  A known name is never read as a spelling of something else.

    Raises LimitError for a text that is too long to read.
    """
    if len(answer) > LENGTH:
        raise LimitError(f"the answer has {len(answer)} characters; the limit is {LENGTH}")
    notes: list[str] = []
    text = _changed(answer, _MARKS_OF_SCRIPTS, notes)
    bare = undressed(text)
    *earlier, last = (_changed(part, _spellings(known), notes) for part in (*bare.earlier, bare.text))
    if bare.prefix:
        notes.append(f"{bare.prefix!r} in front was left out")
    elif bare.text != one_space(text):
        notes.append("words around the formula were left out")
    return Normalised(last, tuple(dict.fromkeys(notes)), bare.prefix, tuple(earlier))


def spelled(formula: str, known: Collection[str] = ()) -> str:
    """A formula with its spellings made plain and nothing left out."""
    return _changed(formula, (*_MARKS_OF_SCRIPTS, *_spellings(known)), [])


def normalised_line(line: str, known: Collection[str] = ()) -> str:
    """A line of a derivation with its spellings made plain; it keeps its left side and its equals signs."""
    return " = ".join(
        _changed(part, _spellings(known), []).strip()
        for part in split_at_equals(bare_line(_changed(line, _MARKS_OF_SCRIPTS, [])))
    )


def _changed(text: str, steps: Iterable[tuple[Callable[[str], str], str]], notes: list[str]) -> str:
    for change, note in steps:
        changed = change(text)
        if changed != text:
            notes.append(note)
            text = changed
    return text


def _without_hidden(text: str) -> str:
    return text.translate(dict.fromkeys(map(ord, HIDDEN)))


def _with_plain_digits(text: str) -> str:
    return "".join(str(unicodedata.decimal(c)) if _is_other_digit(c) else c for c in text)


def _is_other_digit(c: str) -> bool:
    return not c.isascii() and unicodedata.category(c) == "Nd"


def _with_plain_marks(text: str) -> str:
    text = "".join(_MARKS.get(c, c) for c in text)
    return "".join(unicodedata.normalize("NFKC", c) if _is_wide(c) else c for c in text)


def _is_wide(c: str) -> bool:
    """Full width, or the bold and double-struck letters of mathematics."""
    return "\uff01" <= c <= "\uff5e" or "\U0001d400" <= c <= "\U0001d7cb"


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
    return _TRANSPOSE.sub("'", _INVERSE_TRANSPOSE.sub("^(-1)'", _OF_PYTHON.sub("'", text)))


def _with_plain_operators(text: str) -> str:
    return _BRACES.sub(r"^(\1)", text.replace("**", "^").replace("@", "*"))


def _with_plain_constants(text: str) -> str:
    """`e^{-x}` is exp(-x), `I_n` the identity, `1_n` ones."""
    text = _SIZED.sub(lambda m: f"{_CONSTANTS[m[1]]}({m[2] or m[3]})", text)
    return _EXPONENTIAL.sub(lambda m: f"exp({m[1]})" if m[1] else "exp(", text)


def _with_plain_determinants(text: str) -> str:
    return _LOG_DET.sub(lambda m: f"logdet({m[1]})", text)


def _with_plain_norms(text: str) -> str:
    return _NORM.sub(lambda m: f"{_NORMS.get(m['kind'] or '', 'norm2')}({m[1]})", text)


def _with_plain_functions(text: str) -> str:
    """`tanh\u00b2(z)` is tanh(z).^2."""
    for _ in range(POWERS):
        found = next((f for f in _FUNCTION_POWER.finditer(text) if find(f[1]) is not None), None)
        end = closing(text, found.end()) if found is not None else None
        if found is None or end is None:
            break
        exponent = found[3] or {"\u00b2": "2", "\u00b3": "3"}[found[2]]
        text = f"{text[: found.start()]}({found[1]}({text[found.end() : end]}).^{exponent}){text[end + 1 :]}"
    return text


def _with_plain_masks(text: str) -> str:
    """`1{z > 0}` and `(z > 0)` are [z > 0]; brackets that hold no comparison and no list are parentheses."""
    opened: list[int] = []
    compares: list[bool] = []
    marks = list(text)
    for at, mark in enumerate(text):
        if mark in "([{":
            opened.append(at)
            compares.append(False)
        elif mark in "<>\u2264\u2265" and opened:
            compares[-1] = True
        elif mark in ")]}" and opened:
            start = opened.pop()
            before = text[start - 1] if start else " "
            called = _is_word(before) or (before in ")]" and text[start + 1 : at].strip().isdigit())  # (A*x)[2]
            if compares.pop():
                if _drop_indicator(marks, start) or not called:
                    marks[start], marks[at] = "[", "]"
            elif mark == "]" and text[start] == "[" and not called and not _LISTED.search(text, start, at):
                marks[start], marks[at] = "(", ")"
    return "".join(marks)


def _is_word(mark: str) -> bool:
    return mark.isalnum() or mark == "_"


def _drop_indicator(marks: list[str], start: int) -> bool:
    """Leave out the 1, I or \U0001d7d9 (with its underscore) before a mask."""
    at = start - 1
    while at >= 0 and marks[at] in " _":
        at -= 1
    found = at >= 0 and marks[at] in _INDICATORS and (at == 0 or not (_is_word(marks[at - 1]) or marks[at - 1] == "."))
    if found:
        marks[at:start] = [""] * (start - at)
    return found


_MARKS_OF_SCRIPTS: tuple[tuple[Callable[[str], str], str], ...] = (
    (_without_hidden, "hidden marks were removed"),
    (_with_plain_digits, "Persian or Arabic digits were read as 0-9"),
    (_with_plain_marks, "marks of other scripts were read as the plain ones"),
    (_with_plain_quotes, "typographic quotes were read as transposes"),
    (_with_plain_dashes, "dashes were read as minus signs"),
    (lambda text: _FULL_STOP.sub("", text), "punctuation at the end was left out"),
)


def _spellings(known: Collection[str]) -> Iterator[tuple[Callable[[str], str], str]]:
    """What is spelled otherwise in text that is no LaTeX."""
    if not any(name.startswith("T") for name in known):
        yield _of_text(_with_plain_transposes), "^T or .T was read as a transpose"
    yield _of_text(as_text), "functions and operators of Python were read as they act on arrays"
    yield _of_text(_with_plain_masks), "a comparison was read as a mask"
    yield _of_text(_with_plain_constants), "e^ was read as exp, I_n and 1_n as eye and ones"
    yield _of_text(_with_plain_operators), "operators of programming languages were read as * and ^"
    yield _of_text(_with_plain_determinants), "log|X| was read as logdet(X)"
    yield _of_text(_with_plain_norms), "bars were read as a norm"
    yield _of_text(_with_plain_functions), "a power of a function was read as that of its values"
    if "\u03c3" not in known:
        yield _of_text(lambda text: re.sub(r"\u03c3(?='?\s*\()", "sigmoid", text)), "\u03c3( ) was read as the sigmoid"
