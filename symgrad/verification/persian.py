"""English sentences of errors, notes and verdicts in Persian, line by line; what is not known stays English.

A sentence is found by its fixed words; what stands between them, formulas and names, is put into the Persian one,
shapes in words.  Lines with the user's own text, and the caret below it, stay as they are.

>>> in_persian_words("column 4: this '(' is not closed\\n  x'*(A*x\\n     ^")
"ستون 4: این '(' بسته نشده است\\n  x'*(A*x\\n     ^"
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache, lru_cache

from symgrad.verification import persian_sentences as sentences

LONGEST = 600  # characters of a line that is looked up
DEPTH = 6  # sentences inside one another: a place, what is said, an alternative in it, a shape

_PLACE = re.compile(r"\{(\d?)\}")

Rule = tuple[re.Pattern[str], str]


def in_persian_words(said: str) -> str:
    """A text of one or several lines in Persian."""
    if said.isspace() or not said:
        return said
    return "\n".join(_line(line) for line in said.split("\n"))


def missing(templates: Iterable[str]) -> list[str]:
    """The English sentences, their changing parts as {}, that have no Persian."""
    return [t for t in templates if in_persian_words(t.replace("{}", "Q")) == t.replace("{}", "Q") and _has_words(t)]


def _has_words(template: str) -> bool:
    """Whether it says something in words: two of them, beside the formulas."""
    return len(re.findall(r"(?<![\w\\(\[.])[a-z]{3,}(?![\w(])", template)) >= 2


@lru_cache(maxsize=4096)
def _line(line: str) -> str:
    body = line.lstrip()
    indent = line[: len(line) - len(body)]
    if not body or len(line) > LONGEST or set(body) == {"^"}:
        return line
    return indent + (_said(body, DEPTH) or body)


def _said(text: str, depth: int) -> str | None:
    """The sentence in Persian; None where it is not known."""
    for pattern, persian in _rules():
        found = pattern.fullmatch(text)
        if found is not None:
            is_hint = text.startswith("try: ")
            return _filled(persian, [_inner(part, depth, is_hint) for part in found.groups()])
    return None


def _inner(part: str, depth: int, is_hint: bool) -> str:
    """What stands in a sentence: a shape, a sentence of its own, or a formula; the formulas of a hint have an or."""
    said = _said(part, depth - 1) if depth and (" " in part or part.isalpha()) else None
    return said or (part.replace(" or ", " یا ") if is_hint else part)


def _filled(persian: str, parts: list[str]) -> str:
    """The parts in the places `{}`, in order, or in those with their numbers."""
    rest = iter(parts)
    return _PLACE.sub(lambda place: parts[int(place[1])] if place[1] else next(rest, ""), persian)


@cache
def _rules() -> tuple[Rule, ...]:
    """The sentences: places first, then those with more fixed words before those with fewer; and those of mistakes."""
    from symgrad.verification.mistakes import MISTAKES

    mistakes = {said.en: said.fa for m in MISTAKES.values() for said in (m.title, m.explanation, m.again)}
    tables = (
        sentences.SHAPES, sentences.TEXTS, sentences.LATEX, sentences.INDICES, sentences.OPERATIONS,
        sentences.ANSWERS, sentences.PRINTS, sentences.LINES, sentences.NOTES, sentences.REMARKS, sentences.HINTS,
    )  # fmt: skip
    known = sorted((pair for table in tables for pair in table.items()), key=lambda pair: -len(pair[0]))
    frame = list(sentences.FRAME.items())
    pairs = (*frame[:5], *known, *frame[5:])
    whole = tuple((re.compile(re.escape(english)), persian) for english, persian in mistakes.items())
    return (*whole, *((_pattern(english), persian) for english, persian in pairs))


def _pattern(english: str) -> re.Pattern[str]:
    """`{} is not declared` as a pattern; other braces stand for themselves."""
    return re.compile("(.+?)".join(map(re.escape, english.split("{}"))), re.DOTALL)
