"""Keys as Markdown: GitHub's mathematics, Persian inside `<div dir="rtl">`, formulas left to right.

Rows of matrices end in `\\cr`, because Markdown would eat half of a double backslash.

>>> from symgrad.bank.content import Document, Formula, Heading
>>> print(markdown(Document("en", "Key", (Heading("Key", 1), Formula("f = a^2", "f = a^2")))))
# Key
<BLANKLINE>
$$
f = a^2
$$
<BLANKLINE>
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from symgrad.bank.content import (
    Block,
    Cell,
    Code,
    Derivation,
    Document,
    Figure,
    Formula,
    Generated,
    Heading,
    Note,
    Numbers,
    Paragraph,
    Table,
)
from symgrad.errors import UnknownNameError

MARKS = {"fine": "✓", "wrong": "✗", "checked": "✓"}


def markdown(document: Document, figures: Mapping[str, str] | None = None) -> str:
    """The text of a key.  `figures` maps the names of figures to where their pictures are."""
    body = "\n\n".join(part for block in document.blocks if (part := _block(block, figures or {}))) + "\n"
    if document.language != "fa":
        return body
    formula = re.compile(r"^((?:> ?)?)\$\$\n.*?^(?:> ?)?\$\$$", re.DOTALL | re.MULTILINE)
    return f'<div dir="rtl" lang="fa">\n\n{formula.sub(_left_to_right, body)}\n</div>\n'


def _left_to_right(formula: re.Match[str]) -> str:
    """A displayed formula in a block of its own direction; within a quotation so is the block."""
    mark = formula[1].rstrip()
    return f'{formula[1]}<div dir="ltr">\n{mark}\n{formula[0]}\n{mark}\n{formula[1]}</div>'


def _block(block: Block, figures: Mapping[str, str]) -> str:
    match block:
        case Heading():
            return f"{'#' * block.level} {block.text}"
        case Paragraph():
            return f"**{block.text}**" if block.strong else sentences(block.text)
        case Formula():
            return _displayed(block.latex)
        case Derivation():
            return "\n\n".join(f"{sentences(line.reason)}\n\n{_displayed(line.formula.latex)}" for line in block.lines)
        case Code():
            return _listing(block.text)
        case Table():
            return _table(block)
        case Figure():
            return _figure(block, figures)
        case Note():
            return _note(block)
        case Generated():
            return ""  # programs that test themselves are for notebooks
        case _:
            raise UnknownNameError(f"Markdown has no way to write a {type(block).__name__}")


def _displayed(latex: str) -> str:
    return f"$$\n{latex}\n$$"


def sentences(text: str) -> str:
    """Prose as it was written; a displayed formula within it gets lines of its own."""
    parts = re.split(r"\$\$(.+?)\$\$", text, flags=re.DOTALL)
    written = [_displayed(part.strip()) if at % 2 else part.strip() for at, part in enumerate(parts)]
    return "\n\n".join(part for part in written if part)


def _note(note: Note) -> str:
    body = f"{MARKS[note.tone]} **{note.title}.** {note.text}" if note.text else f"{MARKS[note.tone]} **{note.title}.**"
    return "\n".join(f"> {line}".rstrip() for line in sentences(body).split("\n"))


def _figure(figure: Figure, figures: Mapping[str, str]) -> str:
    if figure.name in figures:
        return f"![{figure.caption}]({figures[figure.name]})"
    return _listing(figure.program)


def _listing(lines: str) -> str:
    return f'<div dir="ltr">\n\n```\n{lines}\n```\n\n</div>'


def _table(table: Table) -> str:
    lines = [table.header, tuple("---" for _ in table.header), *(tuple(map(_cell, row)) for row in table.rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(cell: Cell) -> str:
    if isinstance(cell, str):
        return " ".join(cell.split()).replace("|", r"\|")
    if isinstance(cell, Code):
        return f'<span dir="ltr">`{cell.text.replace("|", chr(92) + "|")}`</span>'
    latex = cell.latex if isinstance(cell, Formula) else numbers_latex(cell)
    return f"${latex}$".replace("|", r"\vert ")


def numbers_latex(block: Numbers) -> str:
    """A number, or a matrix of them."""
    rows = [" & ".join(f"{x:.{block.decimals}f}" for x in row) for row in block.rows]
    return rows[0] if block.kind == "scalar" else r"\begin{bmatrix} " + r" \cr ".join(rows) + r" \end{bmatrix}"
