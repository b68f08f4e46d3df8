"""What an answer key is made of: a small tree of blocks that every writer renders in its format.

Sentences are marked up as in exercises: LaTeX between `$...$`.  Formulas carry both LaTeX and the text
language, so that a terminal needs no LaTeX.  This module knows no mathematics and no format.

>>> Formula(r"f = \\mathbf{x}^{\\top} A", "f = x'*A").text
"f = x'*A"
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Language = Literal["en", "fa"]
LANGUAGES: tuple[Language, ...] = ("en", "fa")


@dataclass(frozen=True, slots=True)
class Heading:
    """A title; level 1 is the document's."""

    text: str
    level: int


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Sentences; an answer stands out."""

    text: str
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Formula:
    """A displayed formula."""

    latex: str
    text: str


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a derivation: why, and what."""

    reason: str
    formula: Formula


@dataclass(frozen=True, slots=True)
class Derivation:
    """Lines in order; the legend explains names that only the text has, not the LaTeX."""

    lines: tuple[Line, ...]
    legend: str = ""


@dataclass(frozen=True, slots=True)
class Numbers:
    """A number, vector (one column) or matrix, rounded once."""

    rows: tuple[tuple[float, ...], ...]
    decimals: int
    kind: Literal["scalar", "column", "matrix"]


@dataclass(frozen=True, slots=True)
class Code:
    """Lines of a program, left to right in every language; in a table, one line."""

    text: str


Cell = str | Formula | Numbers | Code


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a header."""

    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True, slots=True)
class Figure:
    """A picture: `name` is its file's stem.

    A computational graph is drawn from `program` and `values`; other pictures bring their `svg`, and `program` is the
    text that stands for them where there are no pictures.
    """

    name: str
    caption: str
    where: str
    program: str
    values: tuple[tuple[str, object], ...]
    svg: str = ""


@dataclass(frozen=True, slots=True)
class Generated:
    """A derivative whose NumPy code a notebook shows and runs; the fields are those of `derivative`."""

    name: str
    where: str
    program: str
    wrt: tuple[str, ...]
    of: str | None
    layout: str
    vec: str


@dataclass(frozen=True, slots=True)
class Note:
    """A remark: on a print that is right (`fine`) or wrong (`wrong`), or on a check."""

    title: str
    text: str
    tone: Literal["fine", "wrong", "checked"]


Block = Heading | Paragraph | Formula | Derivation | Code | Table | Figure | Generated | Note


@dataclass(frozen=True, slots=True)
class Document:
    """A key in one language."""

    language: Language
    title: str
    blocks: tuple[Block, ...]
