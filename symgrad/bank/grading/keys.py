"""When two answers are the same, and the key under which a verdict on an answer is kept.

`plain` makes spellings equal that never mean different things: hidden marks, digits of other scripts, quotes,
dashes, blanks, punctuation at the end.  It is linear in the text, so that a hostile answer costs nothing here; what
an answer means is found out in a worker.  A key is made of the question's mathematics, the answer and the grader.

>>> plain(" \u06f2 * A\u2019*x\u200c .") == plain("2 * A'*x")
True
>>> plain("A x") == plain("Ax")
False
"""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Mapping
from typing import Any

from symgrad.notation.normalise import HIDDEN
from symgrad.verification.mistakes import MISTAKES

GRADER = 2  # raise it when verdicts change, so that what older graders said is not used again
LIBRARY = " ".join(sorted(MISTAKES))  # with another library of mistakes, other names are found
ANSWER_LIMIT = 10_000  # characters of an answer
SHOWN = 200  # characters of an answer that is too long
NAME_LIMIT = 200  # characters of a student's or a question's name
KEY_LENGTH = 32

_QUOTES = "\u2018\u2019\u201b\u2032\u00b4\u02b9\u02bc\uff07"
_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2212\ufe63\uff0d"
_MARKS = {"\u066b": ".", "\u060c": ",", "\u061b": ";"}
_AT_THE_END = " .,;:!\u060c\u061b\u06d4\u3002"
_UNPRINTABLE = {"Cc", "Cs", "Cn", "Co"}
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_SAME_LETTERS = {"\u064a": "\u06cc", "\u0643": "\u06a9"}  # the Arabic forms of Persian letters, in names


class _Plain(dict[int, "str | None"]):
    """The table of `str.translate`, filled as characters are met."""

    def __missing__(self, code: int) -> str | None:
        found = self[code] = _plain_character(chr(code))
        return found


def _plain_character(c: str) -> str | None:
    if c in HIDDEN:
        return None
    if c in _MARKS:
        return _MARKS[c]
    if c in _QUOTES or c in _DASHES:
        return "'" if c in _QUOTES else "-"
    category = unicodedata.category(c)
    if category == "Nd":
        return str(unicodedata.decimal(c))
    if c in "\n\t" or category == "Zs":
        return c if c == "\n" else " "
    if category in ("Zl", "Zp"):
        return "\n"
    if category in _UNPRINTABLE:
        return _REPLACEMENT
    return unicodedata.normalize("NFKC", c) if "\uff01" <= c <= "\uff5e" else c


_PLAIN = _Plain()


def plain(answer: str) -> str:
    """The spelling that stands for an answer; one that is too long is cut, and `too_long` of it is true."""
    if len(answer) > ANSWER_LIMIT:
        digest = hashlib.sha256(answer.encode("utf-8", "replace")).hexdigest()[:KEY_LENGTH]
        return f"{_spelled(answer[:SHOWN])}{_CUT}{len(answer)} characters, {digest}"
    return _spelled(answer)


_CUT = "\x00"  # can't occur in a plain answer


def too_long(spelled: str) -> bool:
    """Whether this is what `plain` makes of an answer that is too long."""
    return _CUT in spelled


def shown(spelled: str) -> str:
    """A plain answer for people."""
    start, cut, length = spelled.partition(_CUT)
    return f"{start}... ({length.split(',')[0]})" if cut else spelled


def _spelled(text: str) -> str:
    lines = (" ".join(filter(None, line.split(" "))) for line in text.translate(_PLAIN).split("\n"))
    return "\n".join(filter(None, lines)).rstrip(_AT_THE_END)


def plain_name(name: str) -> str:
    """A student's or a question's name, so that the same person is the same text."""
    text = name[:NAME_LIMIT].translate(_PLAIN)
    text = "".join(_SAME_LETTERS.get(c, c) for c in unicodedata.normalize("NFC", text))
    return " ".join(text.split())


def fingerprint(definition: Mapping[str, Any]) -> str:
    """A question's mathematics as one text, the same in every process."""
    return json.dumps(definition, sort_keys=True, ensure_ascii=True, separators=(",", ":"))


def key(question: str, answer: str) -> str:
    """The key of a verdict: `question` is a fingerprint, `answer` is plain."""
    text = "\x00".join((str(GRADER), LIBRARY, question, answer))
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:KEY_LENGTH]
