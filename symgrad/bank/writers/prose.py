r"""Sentences of exercises cut into what each format writes in its own way.

LaTeX stands between `$...$`, or `$$...$$` in a line of its own; `code` between grave accents; `\$` is a dollar.

>>> list(prose("the gain is $\\lambda$, in `gain`"))
[('text', 'the gain is '), ('inline', '\\lambda'), ('text', ', in '), ('code', 'gain')]
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

Kind = Literal["text", "inline", "display", "code"]

MARKS = {"fine": "✓", "wrong": "✗", "checked": "✓"}  # of notes

_PART = re.compile(r"\$\$(?P<display>.+?)\$\$|(?<!\\)\$(?P<inline>[^$]+?)(?<!\\)\$|`(?P<code>[^`]+)`", re.DOTALL)


def prose(text: str) -> Iterator[tuple[Kind, str]]:
    """The parts of a text in order; formulas without their dollars."""
    start = 0
    for part in _PART.finditer(text):
        if part.start() > start:
            yield "text", text[start : part.start()].replace("\\$", "$")
        if part["display"]:
            yield "display", part["display"].strip()
        elif part["inline"]:
            yield "inline", part["inline"].strip()
        else:
            yield "code", part["code"]
        start = part.end()
    if start < len(text):
        yield "text", text[start:].replace("\\$", "$")


def paragraphs(text: str) -> list[str]:
    """A text at its blank lines."""
    return [part.strip() for part in re.split(r"\n\s*\n", text) if part.strip()]
