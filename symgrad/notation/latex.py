r"""Tree -> LaTeX, in the look of the field: bold vectors, \top, \odot, fractions, \left( \right).

How a function looks comes from the caller as a template over `{0}`, `{1}`, ... or `{args}`, with its own
braces doubled as `str.format` wants them; where parentheses are needed is decided here.  Without one it is
`\operatorname{name}(...)`.  This module knows names and operators, no mathematics.

>>> from symgrad.notation.grammar import parse
>>> print(latex(parse("0.5*(X*w - yhat)'*X"), {"w": "column", "yhat": "column"}))
0.5 \left(X \mathbf{w} - \hat{\mathbf{y}}\right)^{\top} X
>>> print(latex(parse("inv(X)'*[z > 0]"), templates={"inv": "{0}^{{-1}}"}))
X^{-\top} \mathbf{1}[z > 0]
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Iterable, Mapping
from fractions import Fraction
from functools import lru_cache

from symgrad.errors import UnknownNameError
from symgrad.notation.text import ATOM, PARTS, SIGN, number_text, places_of
from symgrad.notation.tokens import ADD, COMPARE, INFIX, MULTIPLY, POWER
from symgrad.notation.tree import Call, Name, Number, Tree, names

Part = str | tuple[Tree, int]  # what to write next: characters, or a tree and the precedence it needs
Templates = Mapping[str, str]

STYLES = ("textbook", "plain")

_MARK = {
    "gt": " > ", "ge": r" \ge ", "lt": " < ", "le": r" \le ", "eq": " = ", "ne": r" \ne ",
    "add": " + ", "subtract": " - ", "hadamard": r" \odot ", "hadamard_divide": r" \oslash ", "kron": r" \otimes ",
}  # fmt: skip


def latex(
    tree: Tree,
    kinds: Mapping[str, str] | None = None,
    style: str = "textbook",
    templates: Templates | None = None,
) -> str:
    """The tree as LaTeX for math mode.

    `kinds` says which names are columns or rows (bold in the style "textbook", not in "plain");
    `templates` maps functions to how they are written.  Raises UnknownNameError.
    """
    if style not in STYLES:
        raise UnknownNameError(f"{style!r} is not a style of LaTeX", hint=" or ".join(STYLES))
    unambiguous = _unambiguous(templates or {}, [*names(tree), *(kinds or {})])
    writer = _Writer(kinds if kinds is not None and style == "textbook" else {}, unambiguous)
    out: list[str] = []
    todo: list[Part] = [(tree, 0)]
    while todo:
        part = todo.pop()
        if isinstance(part, str):
            out.append(part)
            continue
        precedence, parts = writer.parts(part[0])
        if precedence < part[1]:
            parts = [r"\left(", *parts, r"\right)"]
        todo.extend(reversed(parts))
    return _joined(out)


def _joined(pieces: list[str]) -> str:
    """The pieces after one another, with a space where a command would swallow the letter after it."""
    out: list[str] = []
    for piece in pieces:
        if out and piece[:1].isalpha() and re.search(r"\\[A-Za-z]+\Z", out[-1]):
            out.append(" ")
        if piece:
            out.append(piece)
    return "".join(out)


def _rows_of_blocks(tree: Call) -> list[Part]:
    r"""`A & B \\ C & D`."""
    parts: list[Part] = []
    for row in [tree] if tree.op == "hstack" else tree.args:
        blocks = row.args if isinstance(row, Call) and row.op == "hstack" and len(row.args) > 1 else (row,)
        parts.append(r" \\ ")
        parts += [part for block in blocks for part in (" & ", (block, 0))][1:]
    return parts[1:]


class _Writer:
    """How each node is written, one level at a time."""

    def __init__(self, kinds: Mapping[str, str], templates: Templates) -> None:
        self.kinds = kinds
        self.templates = templates

    def parts(self, tree: Tree) -> tuple[int, list[Part]]:
        """How tightly a tree binds as it is written, and what it is written of."""
        if isinstance(tree, Name):
            return ATOM, [name_latex(tree.name, self.kinds.get(tree.name) in ("column", "row"))]
        if isinstance(tree, Number):
            precedence, written = number_latex(tree.value)
            return precedence, [written]
        if len(tree.args) == 1 and tree.op == "negate":
            return SIGN, ["-", (tree.args[0], MULTIPLY)]
        if len(tree.args) == 1 and tree.op == "transpose":
            return POWER, self.transposed(tree.args[0])
        if len(tree.args) == 2 and tree.op in INFIX:
            return self.infix(tree)
        filled = _fill(self.templates[tree.op], tree.args) if tree.op in self.templates else None
        if filled is not None:
            return filled
        if tree.op in ("hstack", "vstack") and len(tree.args) > 1:
            return ATOM, [r"\begin{bmatrix} ", *_rows_of_blocks(tree), r" \end{bmatrix}"]
        if tree.op in PARTS and len(tree.args) == 3:
            whole, places = places_of(tree)
            return ATOM, ["{", (whole, ATOM), "}_{" + r",\,".join(places).replace("*", " ") + "}"]
        return ATOM, [rf"\operatorname{{{_escaped(tree.op)}}}\left(", *_listed(tree.args), r"\right)"]

    def transposed(self, arg: Tree) -> list[Part]:
        r"""`X^{\top}`; of an inverse `X^{-\top}`."""
        precedence, parts = self.parts(arg)
        if precedence == POWER and parts[-1] == "^{-1}":
            return [*parts[:-1], r"^{-\top}"]
        return [(arg, ATOM), r"^{\top}"]

    def infix(self, tree: Call) -> tuple[int, list[Part]]:
        left, right = tree.args
        precedence = INFIX[tree.op][1]
        if precedence == COMPARE:
            return ATOM, [r"\mathbf{1}[", (left, ADD), _MARK[tree.op], (right, ADD), "]"]
        if tree.op == "divide":
            return POWER, [r"\frac{", (left, 0), "}{", (right, 0), "}"]
        if tree.op == "power":
            return POWER, [(left, ATOM), *_exponent(right)]
        if tree.op == "hadamard_power":
            return POWER, [(left, ATOM), r"^{\odot ", (right, ATOM), "}"]
        if precedence == ADD:
            return ADD, [(left, ADD), _MARK[tree.op], (right, MULTIPLY)]
        if tree.op == "multiply":
            mark = r" \cdot " if self.starts_with_digit(right) else " "
            return MULTIPLY, [(left, POWER if _is_entrywise(left) else MULTIPLY), mark, (right, POWER)]
        same = isinstance(left, Call) and left.op in (tree.op, "multiply")
        return MULTIPLY, [(left, MULTIPLY if same else POWER), _MARK[tree.op], (right, POWER)]

    def starts_with_digit(self, tree: Tree) -> bool:
        """Whether what is written begins with a digit, which would run into the factor before it."""
        need = POWER
        while True:
            precedence, parts = self.parts(tree)
            first = parts[0]
            if precedence < need or isinstance(first, str):
                return precedence >= need and str(first)[:1].isdigit()
            tree, need = first


def _is_entrywise(tree: Tree) -> bool:
    """Whether a product is not the matrix product, so that parentheses must keep it together."""
    return isinstance(tree, Call) and len(tree.args) == 2 and tree.op in ("hadamard", "hadamard_divide", "kron")


def _exponent(tree: Tree) -> list[Part]:
    """The exponent in braces; -1 as one piece, so that a transpose recognises the inverse."""
    if isinstance(tree, Call) and tree.op == "negate" and tree.args == (Number(Fraction(1)),):
        return ["^{-1}"]
    if tree == Number(Fraction(-1)):
        return ["^{-1}"]
    return ["^{", (tree, 0), "}"]


def _listed(args: tuple[Tree, ...]) -> list[Part]:
    return [part for arg in args for part in (", ", (arg, 0))][1:]


def number_latex(value: Fraction) -> tuple[int, str]:
    r"""How a number is written, and how tightly that binds.

    >>> [number_latex(Fraction(*v))[1] for v in ((1, 2), (-1, 3), (1, 10**20))]
    ['0.5', '-\\frac{1}{3}', '1 \\cdot 10^{-20}']
    """
    if value < 0:
        return SIGN, "-" + number_latex(-value)[1]
    precedence, written = number_text(value)
    if precedence != ATOM:
        return POWER, rf"\frac{{{value.numerator}}}{{{value.denominator}}}"
    mantissa, _, exponent = written.partition("e")
    return (MULTIPLY, rf"{mantissa} \cdot 10^{{{exponent}}}") if exponent else (ATOM, written)


def _unambiguous(templates: Templates, used: Iterable[str]) -> Templates:
    r"""The templates without those that begin like a name in use: `\sigma(x)` beside a sigma, `I_{n}` beside an I."""
    written = {name_latex(name) for name in used}
    return {op: t for op, t in templates.items() if not ((begin := _LEADING.match(t)) and begin[1] in written)}


# --- templates ------------------------------------------------------------------------------------

_OPENING = r"\\l(?:vert|Vert|angle|floor|ceil)(?![A-Za-z])|(?<!\\)\{|\(|\[|\\\{"
_CLOSING = r"\\r(?:vert|Vert|angle|floor|ceil)(?![A-Za-z])|(?<!\\)\}|\)|\]|\\\}"
_ENCLOSED_BEFORE = re.compile(rf"(?:{_OPENING}|,)\s*\Z")
_ENCLOSED_AFTER = re.compile(rf"\s*(?:\\right\b|{_CLOSING}|,)")

_LEADING = re.compile(r"(\\?[A-Za-z]+)[(_]")
_WORD_BEFORE_BARS = re.compile(r"\\[a-z]+\s*\\left\\lvert")  # a power after them would be one of the bars

Place = tuple[int | str | None, str]  # an argument's number or "args", or None and characters


def _fill(template: str, args: tuple[Tree, ...]) -> tuple[int, list[Part]] | None:
    """A template with its arguments; None where it is made for more of them."""
    precedence, pieces = _analysed(template)
    parts: list[Part] = []
    for place, written, need in pieces:
        if place == "args":
            parts += _listed(args)
        elif isinstance(place, int):
            if place >= len(args):
                return None
            parts.append((args[place], need))
        else:
            parts.append(written)
    return precedence, parts


@lru_cache(maxsize=1024)
def _analysed(template: str) -> tuple[int, list[tuple[int | str | None, str, int]]]:
    """The precedence of what a template writes, and its pieces with the precedence that each needs."""
    pieces = _cut(template)
    padded = ["", *(written for _, written in pieces), ""]
    needs = [_need(padded[at], padded[at + 2]) for at in range(len(pieces))]
    return _precedence(pieces), [(*piece, need) for piece, need in zip(pieces, needs, strict=True)]


def _cut(template: str) -> list[Place]:
    """Characters and placeholders, by the rules of `str.format`."""
    pieces: list[Place] = []
    for literal, field, _, _ in string.Formatter().parse(template):
        if literal and pieces and pieces[-1][0] is None:
            pieces[-1] = (None, pieces[-1][1] + literal)
        elif literal:
            pieces.append((None, literal))
        if field is not None:
            pieces.append((int(field) if field.isdigit() else field, ""))
    return pieces


def _need(before: str, after: str) -> int:
    """How tightly an argument must bind between two pieces of a template."""
    if after.startswith(("^", "_")):
        return ATOM
    if _ENCLOSED_BEFORE.search(before) and _ENCLOSED_AFTER.match(after):
        return 0
    return MULTIPLY if before.rstrip().endswith(("+", "-")) else POWER


def _precedence(pieces: list[Place]) -> int:
    depth, bare, raised = 0, [], False
    for at, (place, written) in enumerate(pieces):
        if place is not None:
            bare += [at] if depth == 0 else []
            continue
        for mark in re.finditer(rf"(?P<open>{_OPENING})|(?P<close>{_CLOSING})|\^", written):
            raised = raised or (mark[0] == "^" and depth == 0)
            depth += {"open": 1, "close": -1, None: 0}[mark.lastgroup]
    if len(bare) > 1 or (bare and bare[0] > 0):
        return MULTIPLY  # an operator, or a word before its argument without parentheses
    word_before_bars = bool(pieces) and _WORD_BEFORE_BARS.match(pieces[0][1]) is not None
    return POWER if bare or raised or word_before_bars or (pieces and pieces[0][1].startswith(r"\frac")) else ATOM


# --- names ----------------------------------------------------------------------------------------

_GREEK_WORDS = """
    alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu xi pi varpi rho varrho
    sigma varsigma tau upsilon phi varphi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega
"""
GREEK_COMMANDS = frozenset(_GREEK_WORDS.split())
VARIANTS = {"ε": "varepsilon", "ϵ": "epsilon", "φ": "varphi", "ϕ": "phi", "ϑ": "vartheta", "ϱ": "varrho",
             "ϖ": "varpi", "ς": "varsigma"}  # fmt: skip
_ACCENTS = {"hat": r"\hat", "bar": r"\bar", "tilde": r"\tilde", "dot": r"\dot"}


def name_latex(name: str, bold: bool = False) -> str:
    r"""A name: Greek letters, accents, digits and what follows `_` as subscripts.

    >>> [name_latex(n) for n in ("W21", "yhat", "mu_k", "loss")]
    ['W_{21}', '\\hat{y}', '\\mu_{k}', '\\mathrm{loss}']
    """
    match = re.match(r"([^\W\d_]+)_?(.*)", name, re.DOTALL)
    if match is None:
        return rf"\text{{{_escaped(name)}}}"
    head, subscript = match.groups()
    written = _head(head, bold)
    indices = [_word(part) for part in subscript.split("_") if part]
    return written + (f"_{{{','.join(indices)}}}" if indices else "")


def _head(head: str, bold: bool) -> str:
    for ending, accent in _ACCENTS.items():
        base = head.removesuffix(ending)
        if base != head and (len(base) == 1 or base in GREEK_COMMANDS):
            return f"{accent}{{{_bold(base, bold)}}}"
    return _bold(head, bold)


def _bold(word: str, bold: bool) -> str:
    written = _word(word)
    if not bold:
        return written
    if written.startswith("\\") and not written.startswith(r"\mathrm"):
        return rf"\boldsymbol{{{written}}}"
    return rf"\mathbf{{{word}}}"


def _word(word: str) -> str:
    """A word without accents and subscripts of its own."""
    if word in GREEK_COMMANDS:
        return "\\" + word
    if len(word) == 1 and not word.isascii():
        return _greek_letter(word)
    if not word.isascii():
        return rf"\text{{{_escaped(word)}}}"
    return word if len(word) == 1 or word.isdigit() else rf"\mathrm{{{_escaped(word)}}}"


def _greek_letter(c: str) -> str:
    if c in VARIANTS:
        return "\\" + VARIANTS[c]
    script, _, rest = unicodedata.name(c, "").partition(" ")
    size, _, spelled = rest.partition(" LETTER ")
    command = spelled.lower().replace("lamda", "lambda")
    command = command.capitalize() if size == "CAPITAL" else command
    return "\\" + command if script == "GREEK" and command in GREEK_COMMANDS else rf"\text{{{_escaped(c)}}}"


def _escaped(word: str) -> str:
    return re.sub(r"([_#$%&{}])", r"\\\1", word)
