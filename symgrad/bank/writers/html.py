"""Keys as one page that needs no network: formulas as MathML, pictures inline, light and dark, fit to print.

Persian pages run from right to left, their formulas and programs from left to right.  Long formulas end their
lines at `=`, `+` and `-`; what is wider than the page scrolls.

>>> from symgrad.bank.content import Document, Formula, Heading
>>> page = html([Document("en", "Key", (Heading("Key", 1), Formula("f = a^2", "f = a^2")))])
>>> "<msup><mi>a</mi><mn>2</mn></msup>" in page, "http" in page.replace("http://www.w3.org", "")
(True, False)
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape

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
from symgrad.bank.writers.markdown import numbers_latex
from symgrad.bank.writers.page_style import STYLE
from symgrad.bank.writers.prose import MARKS, paragraphs, prose
from symgrad.errors import UnknownNameError
from symgrad.notation.mathml import mathml, mathml_pieces, width

LONG = 60  # characters beyond which a formula may take several lines
WIDE = 800  # pixels beyond which a picture takes the width of the window, on paper a page across


def html(documents: Sequence[Document], pictures: Mapping[str, str] | None = None) -> str:
    """A page of one or several keys in one language.  `pictures` maps the names of figures to their SVG."""
    language = documents[0].language if documents else "en"
    direction = "rtl" if language == "fa" else "ltr"
    title = escape("; ".join(document.title for document in documents))
    body = "\n".join(f"<article>\n{_article(document, pictures or {})}\n</article>" for document in documents)
    return (
        f'<!DOCTYPE html>\n<html lang="{language}" dir="{direction}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def _article(document: Document, pictures: Mapping[str, str]) -> str:
    return "\n".join(part for block in document.blocks if (part := _block(block, pictures)))


def _block(block: Block, pictures: Mapping[str, str]) -> str:
    match block:
        case Heading():
            return f"<h{block.level}>{_inline(block.text)}</h{block.level}>"
        case Paragraph():
            return f'<p class="answer">{_inline(block.text)}</p>' if block.strong else _sentences(block.text)
        case Formula():
            return _displayed(block.latex)
        case Derivation():
            lines = (f"<li>{_sentences(s.reason)}{_displayed(s.formula.latex)}</li>" for s in block.lines)
            return f'<ol class="derivation">{"".join(lines)}</ol>'
        case Code():
            return _listing(block.text)
        case Table():
            return _table(block)
        case Figure():
            return _figure(block, pictures)
        case Note():
            title = f'<b><span class="mark">{MARKS[block.tone]}</span> {_inline(block.title)}.</b> '
            return f'<aside class="{block.tone}">{_sentences(block.text, title)}</aside>'
        case Generated():
            return ""  # programs that test themselves are for notebooks
        case _:
            raise UnknownNameError(f"HTML has no way to write a {type(block).__name__}")


# --- sentences and formulas -----------------------------------------------------------------------


def _sentences(text: str, before: str = "") -> str:
    """Paragraphs; displayed formulas stand between them."""
    written = []
    for at, paragraph in enumerate(paragraphs(text) or [""]):
        inside = (before if at == 0 else "") + _inline(paragraph)
        for part in re.split(r"(<div class=\"formula.*?</div>)", inside, flags=re.DOTALL):
            if part.strip(" \n."):
                written.append(part if part.startswith("<div") else f"<p>{part.strip()}</p>")
    return "".join(written)


def _inline(text: str) -> str:
    written = {
        "text": lambda part: escape(part, quote=False),
        "inline": lambda part: mathml(part, display=False),
        "display": _displayed,
        "code": lambda part: f'<code dir="ltr">{escape(part, quote=False)}</code>',
    }
    return "".join(written[kind](part) for kind, part in prose(text))


def _displayed(latex: str) -> str:
    if width(latex) <= LONG or r"\begin" in latex:
        return f'<div class="formula">{mathml(latex)}</div>'
    return f'<div class="formula long">{" ".join(mathml_pieces(latex))}</div>'


# --- tables, programs, pictures -------------------------------------------------------------------


def _listing(text: str) -> str:
    return f'<pre dir="ltr"><code>{escape(text, quote=False)}</code></pre>'


def _table(table: Table) -> str:
    header = "".join(f"<th>{_inline(title)}</th>" for title in table.header)
    rows = "\n".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in table.rows)
    return (
        f'<div class="table"><table>\n<thead><tr>{header}</tr></thead>\n<tbody>\n{rows}\n</tbody>\n</table></div>'
    )


def _cell(cell: Cell) -> str:
    if isinstance(cell, str):
        return f"<td>{_inline(cell)}</td>"
    if isinstance(cell, Code):
        return f'<td><code dir="ltr">{escape(cell.text, quote=False)}</code></td>'
    latex = numbers_latex(cell) if isinstance(cell, Numbers) else cell.latex
    return f'<td class="{"number" if isinstance(cell, Numbers) else "quantity"}">{mathml(latex, display=False)}</td>'


def _figure(figure: Figure, pictures: Mapping[str, str]) -> str:
    if figure.name not in pictures:
        return _listing(figure.program)
    svg = re.sub(r"<\?xml.*?\?>", "", pictures[figure.name], flags=re.DOTALL).strip()
    size = re.match(r'<svg[^>]*?\swidth="([0-9.]+)"', svg)
    wide = f' class="wide" style="--width:{size[1]}px"' if size is not None and float(size[1]) > WIDE else ""
    return f'<figure dir="ltr"{wide}>{svg}<figcaption dir="auto">{_inline(figure.caption)}</figcaption></figure>'
