r"""Answers written out entry by entry: `[2*x_1; 2*x_2]`, `[[a, b], [c, d]]`, `\begin{pmatrix} .. \end{pmatrix}`.

Entries are expressions of scalars and of entries `A_12`, `x_1` of the arrays; sizes are whole numbers.  The list
becomes one expression of the text language, a sum of entries times unit vectors.  A list without rows may be
a column or a row.  Nothing here is judged.

>>> from symgrad.programs import program
>>> scope = program("x'*x", "x: R^2").scope
>>> as_sums("[2*x_1; 2*x_2]", scope)[0]
"(2*(e(1,2)'*x))*e(1,2)*e(1,1)' + (2*(e(2,2)'*x))*e(2,2)*e(1,1)'"
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from symgrad.errors import LimitError, ParseError
from symgrad.notation.lower import Scope
from symgrad.tensor.view import View
from symgrad.verification.indexed_sums import without_commands

CELLS = 100  # of an answer that is written out
_LATEX = re.compile(
    r"\\begin\s*\{\s*[pbvBV]?(?:small)?matrix\s*\}(.*)\\end\s*\{\s*[pbvBV]?(?:small)?matrix\s*\}", re.DOTALL
)
_TRANSPOSED = re.compile(r"\s*(?:'|\^\s*(?:T|\\top|\{\s*(?:T|\\top)\s*\})|\u1d40|\u22a4)\s*$")
_ENTRY = re.compile(r"(?<![^\W\d])(?<!\.)([^\W\d_]+)(?:_\s*(?:\{\s*(\d[\d\s,]*)\}|(\d+))|(\d+)(?!\w))")
_BRACKETS = {"[": "]", "(": ")", "{": "}"}


def as_sums(answer: str, scope: Scope) -> tuple[str, ...]:
    """The expressions that an answer written out may mean; none where it is not written out.

    Raises LimitError for too many entries, ParseError for rows of different lengths.
    """
    text = answer.strip()
    turned = _TRANSPOSED.search(text)
    if turned is not None:
        text = text[: turned.start()].strip()
    rows = _rows(text)
    if rows is None:
        return ()
    if sum(map(len, rows)) > CELLS:
        raise LimitError(f"an answer that is written out has at most {CELLS} entries")
    if len({len(row) for row in rows}) > 1:
        raise ParseError("the rows have different numbers of entries", text=answer, span=(0, len(answer)))
    across = [list(column) for column in zip(*rows, strict=True)]
    one_list = len(rows) == 1 and len(rows[0]) > 1
    chosen = [across if turned is not None else rows]
    if one_list and turned is None:
        chosen = [across, rows]
    return tuple(_sum(cells, scope) for cells in chosen)


def _rows(text: str) -> list[list[str]] | None:
    """Texts of entries, row by row; None where the text is one expression."""
    found = _LATEX.fullmatch(text)
    if found is not None:
        lines = [line for line in re.split(r"\\\\", found[1]) if line.strip()]
        return [line.split("&") for line in lines] or None
    if text[:1] not in ("[", "(") or _end(text) != len(text) - 1:
        return None
    inside = text[1:-1].strip()
    lines = _split(inside, ";\n")
    if len(lines) > 1:
        return [_split(line, ",") for line in lines if line.strip()]
    cells = _split(inside, ",")
    if all(c.strip()[:1] == "[" and _end(c.strip()) == len(c.strip()) - 1 for c in cells):
        return [_split(c.strip()[1:-1], ",") for c in cells]
    return [cells] if len(cells) > 1 else None


def _end(text: str) -> int:
    """Where the bracket that opens the text closes."""
    depth = 0
    for at, mark in enumerate(text):
        depth += (mark in "([{") - (mark in ")]}")
        if depth == 0:
            return at
    return -1


def _split(text: str, marks: str) -> list[str]:
    """The text at marks that stand in no brackets."""
    parts, depth, start = [], 0, 0
    for at, mark in enumerate(text):
        depth += (mark in "([{") - (mark in ")]}")
        if mark in marks and depth == 0:
            parts.append(text[start:at])
            start = at + 1
    return [*parts, text[start:]]


def _sum(cells: Sequence[Sequence[str]], scope: Scope) -> str:
    """Entries times unit vectors."""
    r, c = len(cells), len(cells[0])
    terms = [
        f"({_with_entries(cell, scope)})*e({i},{r})*e({j},{c})'"
        for i, row in enumerate(cells, 1)
        for j, cell in enumerate(row, 1)
        if cell.strip() != "0" or r * c == 1
    ]
    return " + ".join(terms) or f"zeros({r},{c})"


def _with_entries(cell: str, scope: Scope) -> str:
    """`A_12` and `x_1` as products with unit vectors."""

    def entry(found: re.Match[str]) -> str:
        view = scope.views.get(found[1])
        if view is None or found[0] in scope.views:
            return found[0]
        indices = _indices(found[2] or found[3] or found[4], view.node.rank)
        return _product(found[1], view, indices) if len(indices) == view.node.rank else found[0]

    plain = _ENTRY.sub(entry, without_commands(cell)).replace("{", "(").replace("}", ")")
    return re.sub(r"\)\s*\((?=e\()", ")*(", plain).strip()


def _indices(written: str, rank: int) -> list[str]:
    """The numbers of `1,2`, of `12` for a matrix, of `12` for a vector."""
    if "," in written or rank != 2:
        return [i.strip() for i in written.split(",")]
    return list(written.strip())


def _product(name: str, view: View, indices: Sequence[str]) -> str:
    sides = [f"e({i},{size})" for i, size in zip(indices, view.node.shape, strict=True)]
    if len(sides) == 2:
        return f"({sides[0]}'*{name}*{sides[1]})"
    return f"({sides[0]}'*{name})" if view.kind != "row" else f"({name}*{sides[0]})"
