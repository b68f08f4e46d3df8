"""Keys in a terminal, with rich: formulas in the text language, matrices one row a line, no LaTeX.

>>> from symgrad.bank.content import Document, Formula, Heading
>>> print(terminal_text(Document("en", "Key", (Heading("Key", 1), Formula("f = a^{2}", "f = a^2")))))
Key
<BLANKLINE>
    f = a^2
<BLANKLINE>
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table as RichTable
from rich.text import Text

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
from symgrad.bank.writers.plain import plain
from symgrad.errors import UnknownNameError

INDENT = 4
STYLES = {"fine": "green", "wrong": "bold red", "checked": "green"}
MARKS = {"fine": "✓", "wrong": "✗", "checked": "✓"}


def terminal(document: Document) -> Group:
    """What rich prints of a key."""
    shown = (block for block in document.blocks if not isinstance(block, Generated))  # which is for notebooks
    return Group(*(part for block in shown for part in (*_block(block), Text(""))))


def terminal_text(document: Document, width: int = 100) -> str:
    """The key as plain text."""
    console = Console(file=io.StringIO(), width=width, color_system=None, legacy_windows=False)
    console.print(terminal(document), end="")
    written: str = console.file.getvalue()  # type: ignore[attr-defined]
    return "\n".join(line.rstrip() for line in written.rstrip().split("\n")) + "\n"


def _block(block: Block) -> Iterator[RenderableType]:
    match block:
        case Heading():
            yield from _heading(block)
        case Paragraph():
            yield from _sentences(block.text, "bold" if block.strong else "")
        case Formula():
            yield _formula(block)
        case Derivation():
            if block.legend:
                yield from _sentences(block.legend, "dim")
            for line in block.lines:
                yield from _sentences(line.reason, "dim")
                yield _formula(line.formula)
        case Table():
            yield _table(block)
        case Code():
            yield Padding(Text(block.text, style="cyan"), (0, 0, 0, INDENT))
        case Figure():
            yield Padding(Text(block.program, style="cyan"), (0, 0, 0, INDENT))
        case Note():
            title = f"{MARKS[block.tone]} {block.title}"
            yield from _sentences(f"{title}. {block.text}" if block.text else f"{title}.", STYLES[block.tone])
        case _:
            raise UnknownNameError(f"the terminal has no way to write a {type(block).__name__}")


def _heading(heading: Heading) -> Iterator[RenderableType]:
    if heading.level == 2:
        yield Rule(Text(prose(heading.text), style="bold"), align="left", style="dim")
    else:
        yield Text(prose(heading.text), style="bold underline" if heading.level == 1 else "italic")


def _sentences(text: str, style: str) -> Iterator[RenderableType]:
    for at, part in enumerate(re.split(r"\$\$(.+?)\$\$", text, flags=re.DOTALL)):
        if at % 2:
            yield Padding(Text(plain(part), style="cyan"), (0, 0, 0, INDENT))
        elif part.strip(" \n."):
            yield Text(prose(part.strip()), style=style)


def prose(text: str) -> str:
    """Sentences with their formulas as plain characters, on one line."""
    parts = text.split("$")
    return " ".join("".join(plain(part) if at % 2 else part for at, part in enumerate(parts)).split())


def _formula(formula: Formula) -> RenderableType:
    return Padding(Text(formula.text, style="cyan"), (0, 0, 0, INDENT))


def _table(table: Table) -> RenderableType:
    drawn = RichTable(show_lines=True, header_style="bold")
    for title in table.header:
        drawn.add_column(Text(prose(title)))
    for row in table.rows:
        drawn.add_row(*(Text(_cell(cell)) for cell in row))
    return drawn


def _cell(cell: Cell) -> str:
    if isinstance(cell, str):
        return prose(cell)
    return numbers_text(cell) if isinstance(cell, Numbers) else cell.text


def numbers_text(block: Numbers) -> str:
    """A number; a column in one line; a matrix one row a line, columns aligned."""
    cells = [[f"{x:.{block.decimals}f}" for x in row] for row in block.rows]
    if block.kind == "scalar":
        return cells[0][0]
    if block.kind == "column":
        return "(" + ", ".join(row[0] for row in cells) + ")"
    width = max(len(cell) for row in cells for cell in row)
    return "\n".join("[" + "  ".join(cell.rjust(width) for cell in row) + "]" for row in cells)
