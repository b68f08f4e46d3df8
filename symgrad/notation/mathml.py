r"""LaTeX -> Presentation MathML, as browsers draw it without a library: the formulas of pages.

What is read is the mathematics that our LaTeX writer and the sentences of exercises use, so that parentheses and
the look of every operation are decided once, in `latex.py` and the records.  A command that is not known shows as
an error in the page (`<merror>`), never as nothing.  No pass recurses over the depth of a formula.

>>> print(mathml(r"A^{\top} \mathbf{x}", display=False))
<math dir="ltr"><msup><mi>A</mi><mi>⊤</mi></msup><mi>𝐱</mi></math>
>>> print(mathml(r"\frac{1}{2}", display=False))
<math dir="ltr"><mfrac><mn>1</mn><mn>2</mn></mfrac></math>
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from html import escape

from symgrad.errors import ParseError
from symgrad.notation.mathml_signs import (
    ACCENTS,
    DELIMITERS,
    FENCES,
    IGNORED,
    LARGE,
    LETTERS,
    LIMITS,
    OPERATORS,
    SPACES,
    STYLES,
    TABLES,
    UPRIGHT,
    WORDS,
    greek,
    styled,
)

_TOKEN = re.compile(
    r"\\(?:begin|end)\s*\{[A-Za-z]+\*?\}|\\[A-Za-z]+\*?|\\.|[{}^_&]|[0-9]+(?:\.[0-9]+)?|\s+|[^\\{}^_&\s]", re.DOTALL
)
_TEXT = re.compile(r"\\(?:text|mbox)\s*\{((?:[^{}\\]|\\.)*)\}")
_OPENING_TOKENS = ("'", "(", "[", "\\left", "\\lvert", "\\lVert", "\\langle", "^", "_", "}", "\\right", ",")
_RELATIONS = frozenset("=≤≥<>≠≈≡≔≜→∈")
_BREAKS = _RELATIONS | {"+", "−"}
_PRODUCTS = frozenset("⊙⊗⊘⋅")
_CLOSING = ")]|‖⟩′"
_LEVELS = 4  # of parentheses that are opened to make lines short


@dataclass(slots=True)
class Element:
    """An element of MathML: characters, or other elements."""

    tag: str
    text: str = ""
    children: list[Element] = field(default_factory=list)
    attributes: tuple[tuple[str, str], ...] = ()


def mathml(latex: str, display: bool = True) -> str:
    r"""The formula as a `<math>` element; `display` sets it apart in a line of its own.

    Raises ParseError for braces, `\left` or environments that are not closed.
    """
    attributes = (("dir", "ltr"), ("display", "block")) if display else (("dir", "ltr"),)
    return written(Element("math", children=_row(latex), attributes=attributes))


def mathml_pieces(latex: str, longest: int = 60) -> list[str]:
    """The formula as several `<math>` elements, between which a line may end: after wide spaces, else at relations,
    `+` and `-` outside of parentheses.  A piece that is still longer than `longest` is cut within its outermost
    parentheses, at other products too.  Raises ParseError as `mathml`.

    >>> len(mathml_pieces(r"f = a + \\left(b - c\\right)"))
    3
    """
    attributes = (("dir", "ltr"), ("displaystyle", "true"))
    row = _row(latex)
    cut = _after_spaces if any(map(_is_wide, row)) else _at_operators
    pieces = [part for piece in cut(row) for part in _shortened(piece, longest)]
    return [written(Element("math", children=piece, attributes=attributes)) for piece in pieces]


def width(latex: str) -> int:
    """How many characters a formula has, as a measure of its length in a line; those of scripts count too."""
    return sum(map(_characters, _row(latex)))


def _characters(element: Element) -> int:
    todo, count = [element], 0
    while todo:
        part = todo.pop()
        todo += part.children
        count += len(part.text)
    return count


def _shortened(piece: list[Element], longest: int) -> list[list[Element]]:
    """The piece, or what it comes to when its largest parentheses are opened, some levels deep."""
    if sum(map(_characters, piece)) <= longest:
        return [piece]
    for _ in range(_LEVELS):
        place = max(range(len(piece)), key=lambda at: _characters(piece[at]))
        if piece[place].tag != "mrow" or _characters(piece[place]) <= longest // 2:
            break
        inside = [Element(e.tag, e.text, e.children, _still(e)) for e in piece[place].children]
        piece = [*piece[:place], *inside, *piece[place + 1 :]]
    return list(_at_operators(piece, _BREAKS | _PRODUCTS))


def _still(element: Element) -> tuple[tuple[str, str], ...]:
    """The attributes of a delimiter that is parted from its partner: it does not stretch."""
    return tuple((n, "false" if n == "stretchy" else value) for n, value in element.attributes)


def _is_wide(element: Element) -> bool:
    return element.tag == "mspace" and element.attributes[0][1] in ("1em", "2em")


def _after_spaces(row: list[Element]) -> Iterator[list[Element]]:
    piece: list[Element] = []
    for element in row:
        piece.append(element)
        if _is_wide(element):
            yield piece
            piece = []
    if piece:
        yield piece


def _row(latex: str) -> list[Element]:
    return _Reader(latex).read()


def _at_operators(row: list[Element], breaks: frozenset[str] = _BREAKS) -> Iterator[list[Element]]:
    piece: list[Element] = []
    for element in row:
        operand = bool(piece) and (piece[-1].tag != "mo" or piece[-1].text in _CLOSING)
        if operand and element.tag == "mo" and element.text in breaks:
            yield piece
            piece = []
            element = Element("mo", element.text, attributes=(("form", "infix"), *element.attributes))
        piece.append(element)
    if piece:
        yield piece


def written(element: Element) -> str:
    """The element as text."""
    out: list[str] = []
    todo: list[Element | str] = [element]
    while todo:
        part = todo.pop()
        if isinstance(part, str):
            out.append(part)
            continue
        attributes = "".join(f' {name}="{escape(value)}"' for name, value in part.attributes)
        out.append(f"<{part.tag}{attributes}>{escape(part.text, quote=False)}")
        todo.append(f"</{part.tag}>")
        todo.extend(reversed(part.children))
    return "".join(out)


# --- reading --------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Frame:
    """What is open: a row that ends with `closing`, or, where `wanted` is given, so many arguments."""

    finish: Callable[[list[Element]], Element]
    closing: str = ""
    wanted: int = 0
    children: list[Element] = field(default_factory=list)
    cells: list[list[Element]] = field(default_factory=lambda: [[]])


class _Reader:
    """One pass over the tokens with a stack of what is open."""

    def __init__(self, latex: str) -> None:
        self.latex = latex
        self.tokens = _tokens(latex)
        self.at = 0
        self.stack = [_Frame(_grouped)]

    def read(self) -> list[Element]:
        while self.at < len(self.tokens):
            token = self.tokens[self.at]
            self.at += 1
            self.token(token)
        if len(self.stack) > 1:
            frame = self.stack[-1]
            raise self.error(f"{frame.closing} is missing" if frame.closing else "an argument is missing")
        return self.stack[0].children

    def error(self, message: str) -> ParseError:
        return ParseError(f"LaTeX: {message} in {self.latex[:200]!r}")

    def deliver(self, element: Element) -> None:
        """To the row that is open; where it was the last argument, what waited for it is delivered too."""
        while True:
            frame = self.stack[-1]
            frame.children.append(element)
            if not frame.wanted or len(frame.children) < frame.wanted:
                return
            self.stack.pop()
            element = frame.finish(frame.children)

    def token(self, token: str) -> None:
        frame = self.stack[-1]
        if token.isspace():
            return
        if token == "{":
            self.stack.append(_Frame(_grouped, "}"))
        elif frame.closing and token == frame.closing:
            self.close()
        elif token in ("}", "\\right") or token.startswith("\\end{"):
            raise self.error(f"{token} closes nothing")
        elif token in ("^", "_", "'"):
            self.script(token)
        elif token in ("&", "\\\\", "\\cr"):
            self.cell(token)
        elif token.startswith("\\"):
            self.command(token[1:])
        else:
            self.character(token)

    def close(self) -> None:
        frame = self.stack.pop()
        if frame.closing == "\\right":
            frame.children.append(self.fence("postfix"))
        self.deliver(frame.finish(frame.children))

    def fence(self, form: str) -> Element:
        """The delimiter after `\\left` or `\\right`."""
        while self.at < len(self.tokens) and self.tokens[self.at].isspace():
            self.at += 1
        token = self.tokens[self.at] if self.at < len(self.tokens) else ""
        self.at += 1
        sign = DELIMITERS.get(token.removeprefix("\\"))
        if sign is None:
            raise self.error(f"{token or 'the end'} is no delimiter")
        return _operator(sign, ("fence", "true"), ("form", form), ("stretchy", "true"))

    def script(self, mark: str) -> None:
        row = self.stack[-1]
        if row.wanted:
            raise self.error(f"{mark} has nothing before it")
        base = row.children.pop() if row.children else Element("mrow")
        if mark == "'":
            self.deliver(_scripted(base, "^", _operator("′")))
        else:
            self.stack.append(_Frame(lambda parts: _scripted(base, mark, parts[0]), wanted=1))

    def cell(self, mark: str) -> None:
        frame = self.stack[-1]
        if not frame.closing.startswith("\\end"):
            raise self.error(f"{mark} stands outside of a table")
        frame.cells[-1].append(_grouped(frame.children))
        frame.children = []
        if mark != "&":
            frame.cells.append([])

    def character(self, token: str) -> None:
        if token[0].isdigit():
            if self.stack[-1].wanted and len(token) > 1:  # `x^12` raises the 1 only
                self.tokens.insert(self.at, token[1:])
                token = token[0]
            self.deliver(Element("mn", token))
        elif token.isalpha():
            self.deliver(Element("mi", token))
        elif token in "()[]|":
            self.deliver(_operator(token, ("stretchy", "false")))
        else:
            row = self.stack[-1].children
            first = token in "+-" and bool(row) and row[-1].tag == "mo" and row[-1].text not in _CLOSING
            self.deliver(_operator({"-": "−", "*": "∗"}.get(token, token), *((("form", "prefix"),) if first else ())))

    # --- commands

    def command(self, name: str) -> None:
        if name.startswith(("begin", "text{", "mbox{")):
            self.environment(name) if name.startswith("begin") else self.words(name)
        elif name == "left":
            opening = self.fence("prefix")
            self.stack.append(_Frame(lambda parts: Element("mrow", children=parts), "\\right", children=[opening]))
        elif name in ("frac", "dfrac", "tfrac"):
            self.stack.append(_Frame(lambda parts: Element("mfrac", children=parts), wanted=2))
        elif name == "sqrt":
            self.root()
        elif name in ACCENTS:
            accent = _operator(ACCENTS[name], ("stretchy", "false"))
            over = (("accent", "true"),)
            self.stack.append(_Frame(lambda parts: Element("mover", "", [parts[0], accent], over), wanted=1))
        elif name.rstrip("*") in STYLES:
            style = name.rstrip("*")
            named = self.spaced if style == "operatorname" else lambda name: name
            self.stack.append(_Frame(lambda parts: named(_restyled(parts[0], style)), wanted=1))
        elif name not in IGNORED:
            self.deliver(self.sign(name))

    def sign(self, name: str) -> Element:
        """The element of a command without arguments."""
        if (letter := greek(name) or LETTERS.get(name)) is not None:
            capital = letter.isupper() and letter not in LETTERS.values()
            return Element("mi", letter, attributes=(("mathvariant", "normal"),) if capital else ())
        if name in OPERATORS:
            return _operator(OPERATORS[name])
        if name in LARGE:
            return _operator(LARGE[name], ("largeop", "true"), ("movablelimits", "true"))
        if name in SPACES:
            return Element("mspace", attributes=(("width", SPACES[name]),))
        if name in WORDS:
            return self.word(name)
        if name in DELIMITERS:
            form = {"l": (("form", "prefix"),), "r": (("form", "postfix"),)}.get(name[0], ())
            return _operator(DELIMITERS[name], *form, ("stretchy", "false"))
        if len(name) == 1:
            return _operator(name)
        return Element("merror", children=[Element("mtext", f"\\{name}")])

    def word(self, name: str) -> Element:
        """A function's name, with the space that it has before an argument without parentheses."""
        return self.spaced(Element("mi", name))

    def spaced(self, name: Element) -> Element:
        """An operator with a thin space behind it, unless a parenthesis, a script or the end follows."""
        ahead = next((t for t in self.tokens[self.at : self.at + 2] if not t.isspace()), "}")
        if ahead.startswith(_OPENING_TOKENS):
            return name
        return Element("mrow", children=[name, Element("mspace", attributes=(("width", "0.167em"),))])

    def words(self, name: str) -> None:
        text = re.sub(r"\\(.)", r"\1", name[name.index("{") + 1 : -1])
        self.deliver(Element("mtext", text.replace(" ", "\u00a0")))

    def root(self) -> None:
        if self.at < len(self.tokens) and self.tokens[self.at] == "[":
            self.at += 1
            self.stack.append(_Frame(lambda parts: Element("mroot", children=parts[::-1]), wanted=2))
            self.stack.append(_Frame(_grouped, "]"))
        else:
            self.stack.append(_Frame(lambda parts: Element("msqrt", children=parts), wanted=1))

    def environment(self, name: str) -> None:
        kind = name[name.index("{") + 1 : -1]
        if kind not in TABLES:
            raise self.error(f"the environment {kind} is not known")
        frame = _Frame(_grouped, f"\\end{{{kind}}}")
        frame.finish = lambda parts: _table(kind, [*frame.cells[:-1], [*frame.cells[-1], _grouped(parts)]])
        self.stack.append(frame)


def _tokens(latex: str) -> list[str]:
    r"""The tokens; `\text{...}`, `\begin{...}` and `\end{...}` are one each."""
    found: list[str] = []
    start = 0
    for text in _TEXT.finditer(latex):
        found += [_joined(t) for t in _TOKEN.findall(latex[start : text.start()])]
        found.append(re.sub(r"\A(\\[a-z]+)\s*", r"\1", text[0]))
        start = text.end()
    return found + [_joined(t) for t in _TOKEN.findall(latex[start:])]


def _joined(token: str) -> str:
    return re.sub(r"\s+", "", token) if token.startswith(("\\begin", "\\end")) else token


# --- elements -------------------------------------------------------------------------------------


def _operator(sign: str, *attributes: tuple[str, str]) -> Element:
    return Element("mo", sign, attributes=attributes)


def _grouped(parts: list[Element]) -> Element:
    return parts[0] if len(parts) == 1 else Element("mrow", children=parts)


def _scripted(base: Element, mark: str, script: Element) -> Element:
    """A base with a script, above it where it has one below already; those of sums and maxima stand over and under."""
    limits, scripts = ("munder", "mover", "munderover"), ("msub", "msup", "msubsup")
    below, above, both = limits if _has_limits(base) else scripts
    if base.tag == below and mark == "^":
        return Element(both, children=[*base.children, script])
    if base.tag == above and mark == "_":
        return Element(both, children=[base.children[0], script, base.children[1]])
    if base.tag == above and mark == "^":  # `f'^2`: one script of two
        return Element(above, children=[base.children[0], _grouped([base.children[1], script])])
    return Element(below if mark == "_" else above, children=[base, script])


def _has_limits(base: Element) -> bool:
    if base.tag in ("munder", "mover") and not base.attributes:
        base = base.children[0]
    large = base.tag == "mo" and any(name == "movablelimits" for name, _ in base.attributes)
    return large or (base.tag == "mi" and base.text in LIMITS)


def _restyled(element: Element, style: str) -> Element:
    """The element with its letters in another alphabet; upright words are one identifier."""
    leaves = [element] if not element.children else element.children
    if style in UPRIGHT and all(not leaf.children and leaf.tag != "merror" for leaf in leaves):
        word = "".join(leaf.text for leaf in leaves)
        return Element("mi", word, attributes=(("mathvariant", "normal"),) if len(word) == 1 else ())
    todo = [element]
    while todo:
        part = todo.pop()
        todo += part.children
        if part.tag in ("mi", "mn"):
            part.text = styled(part.text, style)
            part.attributes = (("mathvariant", "normal"),) if style in UPRIGHT else part.attributes
    return element


def _table(kind: str, rows: list[list[Element]]) -> Element:
    if rows[-1] == [Element("mrow")]:  # the last row ended with a mark
        rows = rows[:-1]
    sides = ("right", "left") if kind in ("aligned", "align", "align*", "split") else ()
    sides = ("left", "left") if kind == "cases" else sides
    body = [Element("mtr", children=list(_cells(row, sides))) for row in rows]
    aligned = (("displaystyle", "true"),) if sides and kind != "cases" else ()
    table = Element("mtable", children=body, attributes=aligned)
    if kind not in FENCES:
        return table
    fences = [_operator(f, ("fence", "true"), ("stretchy", "true")) for f in FENCES[kind]]
    return Element("mrow", children=[fences[0], table, *fences[1:]])


def _cells(row: Iterable[Element], sides: tuple[str, ...]) -> Iterator[Element]:
    for place, cell in enumerate(row):
        style = f"text-align:{sides[place % 2]};padding-{sides[place % 2]}:0" if sides else ""
        yield Element("mtd", "", [cell], (("style", style),) if style else ())
