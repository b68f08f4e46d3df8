r"""Keys as one LaTeX document: amsmath, and for Persian polyglossia (which loads bidi) with XeLaTeX.

English compiles with any engine, Persian with XeLaTeX.  Long formulas are set in a paragraph of their own, which TeX
breaks at relations and operators.  The Persian font is the first found that has parentheses too.  TeX reads no SVG:
where `NAME.pdf` stands beside the document it is the picture, else the program is shown.

>>> from symgrad.bank.content import Document, Formula, Heading
>>> print(tex([Document("en", "", (Heading("5 % of $x$", 1), Formula("f = a^2", "f = a^2")))]).split("{document}")[1])
<BLANKLINE>
<BLANKLINE>
\section*{5 \% of $x$}
<BLANKLINE>
\[ f = a^2 \]
<BLANKLINE>
\end
"""

from __future__ import annotations

import re
from collections.abc import Sequence

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
from symgrad.bank.writers.prose import MARKS, paragraphs, prose
from symgrad.errors import UnknownNameError
from symgrad.notation.mathml import width

TABLE_WIDTH = 0.9  # of the line; the rest stands between the columns
NARROWEST, WIDEST = 9, 32  # characters by which columns share it
LONG = 60  # characters beyond which a formula may take several lines

_PREAMBLE = r"""\documentclass[11pt,a4paper]{article}
\usepackage[margin=22mm]{geometry}
\usepackage{iftex}
\ifPDFTeX\usepackage[T1]{fontenc}\usepackage[utf8]{inputenc}\usepackage{textcomp}\else\usepackage{fontspec}\fi
\usepackage{amsmath,amssymb,graphicx,longtable,array,booktabs,xcolor}
\setlength{\parindent}{0pt}\setlength{\parskip}{4pt plus 2pt}\setcounter{secnumdepth}{0}
\allowdisplaybreaks
\definecolor{fine}{HTML}{1A7F4B}\definecolor{wrong}{HTML}{B42318}
\newcommand{\fine}{\textcolor{fine}{$\checkmark$}}\newcommand{\wrong}{\textcolor{wrong}{$\times$}}
"""
_PERSIAN = r"""\usepackage{polyglossia}
\setmainlanguage{persian}\setotherlanguage{english}
\newcommand{\tryfont}[1]{\ifdefined\persianfont\else\IfFontExistsTF{#1}{\newfontfamily\persianfont[Script=Arabic]{#1}}{}\fi}
\newcommand{\tryfull}[1]{\IfFontExistsTF{#1}{\font\probe="#1"\relax\iffontchar\probe"28 \tryfont{#1}\fi}{}}
\tryfull{Vazirmatn}\tryfull{XB Niloofar}\tryfull{Amiri}\tryfull{Scheherazade New}\tryfull{Noto Naskh Arabic}
\tryfull{Times New Roman}\tryfull{Tahoma}\tryfull{DejaVu Sans}\tryfont{Noto Naskh Arabic}
\newenvironment{ltr}{\begin{english}}{\end{english}}
\newcommand{\ltrcode}[1]{\textenglish{\texttt{#1}}}
"""
_ENGLISH = r"""\newenvironment{ltr}{}{}
\newcommand{\ltrcode}[1]{\texttt{#1}}
"""
_PERSIAN_LETTER = re.compile(r"[\u0620-\u06cc]")
_LATIN = re.compile(r"([A-Za-z](?:[\w -]*\w)?)", re.ASCII)
_SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", "\"": r"\textquotedbl{}", "✓": r"\fine{}", "✗": r"\wrong{}", "—": r"\textemdash{}",
    "–": r"\textendash{}",
    "…": r"\ldots{}", "×": r"$\times$", "→": r"$\to$", "≠": r"$\ne$", "≤": r"$\le$", "≥": r"$\ge$", "·": r"$\cdot$",
    "−": "$-$", "∂": r"$\partial$", "⊤": r"$\top$", "⊙": r"$\odot$",
}  # fmt: skip


def tex(documents: Sequence[Document]) -> str:
    """A document of one or several keys in one language."""
    persian = bool(documents) and documents[0].language == "fa"
    engine = "% !TEX program = xelatex\n" if persian else ""
    head = f"{engine}{_PREAMBLE}{_PERSIAN if persian else _ENGLISH}"
    bodies = ("\n\n".join(_written(document)) for document in documents)
    body = "\n\n\\clearpage\n".join(bodies)
    return f"{head}\\begin{{document}}\n\n{body}\n\n\\end{{document}}\n"


def escaped(text: str) -> str:
    r"""Characters as TeX prints them.

    >>> print(escaped("50% of {a_b} \\ #1"))
    50\% of \{a\_b\} \textbackslash{} \#1
    """
    return "".join(_SPECIAL.get(c, c) for c in text)


def _written(document: Document) -> list[str]:
    return [part for block in document.blocks if (part := _block(block))]


def _block(block: Block) -> str:
    match block:
        case Heading():
            return rf"\{('section', 'subsection', 'subsubsection')[min(block.level, 3) - 1]}*{{{_inline(block.text)}}}"
        case Paragraph():
            return rf"\textbf{{{_inline(block.text)}}}" if block.strong else _sentences(block.text)
        case Formula():
            return _displayed(block.latex)
        case Derivation():
            return "\n\n".join(f"{_sentences(s.reason)}\n{_displayed(s.formula.latex)}" for s in block.lines)
        case Code():
            return _listing(block.text)
        case Table():
            return _table(block)
        case Figure():
            return _figure(block)
        case Note():
            mark = {"✓": r"\fine", "✗": r"\wrong"}[MARKS[block.tone]]
            title = rf"{mark}{{}} \textbf{{{_inline(block.title)}.}}"
            return f"\\begin{{quote}}\n{title} {_sentences(block.text)}\n\\end{{quote}}"
        case Generated():
            return ""  # programs that test themselves are for notebooks
        case _:
            raise UnknownNameError(f"LaTeX has no way to write a {type(block).__name__}")


# --- sentences and formulas -----------------------------------------------------------------------


def _sentences(text: str) -> str:
    return "\n\n".join(_inline(paragraph) for paragraph in paragraphs(text))


def _inline(text: str) -> str:
    written = {
        "text": _text,
        "inline": lambda part: f"${_formula(part)}$",
        "display": lambda part: f"\n{_displayed(part)}\n",
        "code": _code,
    }
    return "".join(written[kind](part) for kind, part in prose(text))


def _text(part: str) -> str:
    """Words of a sentence; Latin ones in a Persian sentence run from left to right."""
    if not _PERSIAN_LETTER.search(part):
        return escaped(part)
    pieces = _LATIN.split(part)
    return "".join(rf"\textenglish{{{escaped(p)}}}" if i % 2 else escaped(p) for i, p in enumerate(pieces))


def _formula(latex: str) -> str:
    r"""Rows end in `\\` within amsmath's environments; outside of them an `&` aligns nothing and is a character."""
    latex = re.sub(r"\\cr(?![A-Za-z])", r"\\\\", latex)
    return latex if r"\begin" in latex else re.sub(r"(?<!\\)&", r"\&", latex)


def _displayed(latex: str) -> str:
    if width(latex) <= LONG or r"\begin" in latex:
        return rf"\[ {_formula(latex)} \]"
    return f"\\begin{{ltr}}\\begin{{flushleft}}\n$\\displaystyle {_formula(latex)}$\n\\end{{flushleft}}\\end{{ltr}}"


# --- tables, programs, pictures -------------------------------------------------------------------


def _code(text: str) -> str:
    return rf"\ltrcode{{{escaped(text)}}}"


def _listing(text: str) -> str:
    r"""Lines of typewriter text, escaped, so that nothing in them ends the listing; `\\` would read a `*` or `[`."""
    lines = "\\\\\\relax\n".join(escaped(line).replace(" ", "~") or "~" for line in text.split("\n"))
    return f"\\begin{{ltr}}\\begin{{flushleft}}\\ttfamily\\small\n{lines}\n\\end{{flushleft}}\\end{{ltr}}"


def _table(table: Table) -> str:
    columns = "".join(rf">{{\raggedright\arraybackslash}}p{{{share:.3f}\linewidth}}" for share in _shares(table))
    header = " & ".join(rf"\textbf{{{_inline(title)}}}" for title in table.header)
    rows = " \\\\ \\midrule\n".join(" & ".join(map(_cell, row)) for row in table.rows)
    return (
        f"{{\\small\\setlength{{\\arraycolsep}}{{3pt}}\\setlength{{\\tabcolsep}}{{4pt}}\n"
        f"\\begin{{longtable}}{{{columns}}}\n"
        f"\\toprule {header} \\\\ \\midrule\\endhead\n{rows} \\\\ \\bottomrule\n\\end{{longtable}}}}"
    )


def _shares(table: Table) -> list[float]:
    """The columns' shares of the line, by what they hold: numbers can't be broken, sentences can."""
    widest = [max(map(_characters, column)) for column in zip(table.header, *table.rows, strict=True)]
    weights = [min(max(w, NARROWEST), WIDEST) for w in widest]
    return [TABLE_WIDTH * w / sum(weights) for w in weights]


def _characters(cell: Cell) -> int:
    if isinstance(cell, Numbers):
        return 4 + max(sum(len(f"{x:.{cell.decimals}f}") + 2 for x in row) for row in cell.rows)
    if isinstance(cell, str):
        return len(cell)
    return len(cell.text) if isinstance(cell, Code) else width(cell.latex)


def _cell(cell: Cell) -> str:
    if isinstance(cell, str):
        return _inline(" ".join(cell.split()))
    if isinstance(cell, Code):
        return _code(cell.text)
    return f"${_formula(numbers_latex(cell) if isinstance(cell, Numbers) else cell.latex)}$"


def _figure(figure: Figure) -> str:
    file = f"{figure.name}.pdf"
    return (
        f"\\IfFileExists{{{file}}}{{\\begin{{center}}\\includegraphics[width=\\linewidth]{{{file}}}\\par\n"
        f"{_inline(figure.caption)}\\end{{center}}}}{{%\n{_listing(figure.program)}}}"
    )
