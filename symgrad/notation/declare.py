"""Declarations: what each name stands for, `"x, y: R^n; A: R^{n x n} symmetric"`.

A declaration is `names: space [properties]`, separated by `;` or line ends, or a mapping from names to
`"space [properties]"`.  Sizes are dimension letters, positive integers and their sums and products.
This module checks that the properties fit the space; it knows no operations, only the names that the
caller reserves for them.

>>> A = declare("A: R^{n x n} symmetric; x: R^n")["A"]
>>> A.kind, A.rows is A.columns, A.text()
('matrix', True, 'A: R^{n x n} symmetric')
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from symgrad.errors import LimitError, ParseError, ShapeError, Span, UnknownNameError, did_you_mean
from symgrad.notation.tokens import LENGTH_LIMIT, is_name, plain_name
from symgrad.tensor.dims import Dim, Size, letter, letters_of, plus, times

DIMENSION_LIMIT = 10**9

_SQUARE = frozenset({"symmetric", "skew", "diagonal", "orthogonal", "spd", "invertible", "lower", "upper"})
_STOCHASTIC = frozenset({"simplex", "onehot"})
PROPERTIES = tuple(sorted(_SQUARE | _STOCHASTIC | {"positive"}))
_CONTRADICTIONS = (
    {"skew", "symmetric"},
    {"skew", "spd"},
    {"skew", "diagonal"},
    {"onehot", "simplex"},
    {"onehot", "positive"},
    {"skew", "positive"},
)


@dataclass(frozen=True, slots=True)
class Declaration:
    """A name, the space it lives in, and its properties."""

    name: str
    rows: Size = 1
    columns: Size = 1
    properties: frozenset[str] = frozenset()

    @property
    def kind(self) -> str:
        """scalar, column, row or matrix."""
        if self.columns == 1:
            return "scalar" if self.rows == 1 else "column"
        return "row" if self.rows == 1 else "matrix"

    @property
    def space(self) -> str:
        """The space as it is written: `R`, `R^n`, `R^{m x n}`."""
        if self.kind == "scalar":
            return "R"
        if self.kind == "column":
            written = str(self.rows)
            return f"R^{written}" if written.isalnum() else f"R^{{{written}}}"
        return f"R^{{{self.rows} x {self.columns}}}"

    def text(self) -> str:
        """The declaration as it is written."""
        return " ".join([f"{self.name}: {self.space}", *sorted(self.properties)])


def declare(where: str | Mapping[str, object] | None, reserved: Collection[str] = ()) -> dict[str, Declaration]:
    """The declarations by name, in the order given.

    `where` is text, or a mapping from names to `"space [properties]"` or to a `Declaration`; `reserved`
    are the names of functions, which can't be declared.  Raises ParseError, ShapeError, LimitError,
    UnknownNameError.
    """
    table = _Table({*reserved, "pi"})
    if isinstance(where, str):
        table.read(where)
    elif isinstance(where, Mapping):
        for name, space in where.items():
            table.read_entry(name, space)
    elif where is not None:
        message = f"declarations are text or a mapping, not {type(where).__name__}"
        raise ParseError(message, hint="'x: R^n; A: R^{n x n}'")
    table.check_letters()
    return table.found


class _Table:
    """The declarations so far, each with the text it came from."""

    def __init__(self, reserved: set[str]) -> None:
        self.reserved = reserved
        self.found: dict[str, Declaration] = {}
        self.places: dict[str, tuple[str, Span]] = {}

    def read(self, text: str) -> None:
        if len(text) > LENGTH_LIMIT:
            raise LimitError(f"the declarations have {len(text)} characters; the limit is {LENGTH_LIMIT}")
        uncommented = re.sub(r"#[^\n]*", lambda m: " " * len(m[0]), text) if "#" in text else text
        for statement in re.finditer(r"[^;\n]+", uncommented):
            plain = _PLAIN.fullmatch(text, *statement.span())
            if plain is not None:
                self.add_plain(plain, text)
            elif statement[0].strip():
                self.add_all(_Reader(text, *statement.span()))

    def add_plain(self, match: re.Match[str], text: str) -> None:
        """`x: R`, `x: R^n`, `A: R^{m x n}`: the usual declarations, read at once."""
        name, length, rows, columns = match.groups()
        first, second = (letter(size) if size else 1 for size in (rows or length, columns))
        self.add(Declaration(name, first, second), text, match.span(1))

    def read_entry(self, name: object, space: object) -> None:
        if not isinstance(name, str):
            raise ParseError(f"a name is text, not {type(name).__name__}", hint="{'x': 'R^n'}")
        if isinstance(space, Declaration):
            if not is_name(name):
                raise ParseError(f"{name!r} is not a name", text=name, span=(0, len(name)))
            name = plain_name(name, 0, len(name))
            self.add(replace(space, name=name), space.text(), (0, 0))
        elif isinstance(space, str):
            text = f"{name}: {space}"
            self.add_all(_Reader(text, 0, len(text)))
        else:
            message = f"{name} is declared by text, not {type(space).__name__}"
            raise ParseError(message, hint=f"{{'{name}': 'R^n'}}")

    def add_all(self, reader: _Reader) -> None:
        names = reader.names()
        rows, columns = reader.space()
        properties = reader.properties(rows, columns)
        for name, span in names:
            self.add(Declaration(name, rows, columns, properties), reader.text, span)

    def add(self, declaration: Declaration, text: str, span: Span) -> None:
        name = declaration.name
        if name in self.reserved:
            what = "the number pi" if name == "pi" else "a function"
            raise ParseError(f"{name} is {what}; a variable needs another name", text=text, span=span, hint=f"{name}1")
        other = self.found.setdefault(name, declaration)
        if other != declaration:
            message = f"{name} is declared twice, as '{other.text()}' and as '{declaration.text()}'"
            raise ParseError(message, text=text, span=span)
        self.places.setdefault(name, (text, span))

    def check_letters(self) -> None:
        """No dimension letter is the name of a variable."""
        for letter_name in letters_of(size for d in self.found.values() for size in (d.rows, d.columns)):
            if letter_name in self.found:
                text, span = self.places[letter_name]
                message = f"{letter_name} is declared as a variable and is a dimension too"
                raise ParseError(message, text=text, span=span, hint="another letter for one of them")


_PIECE = re.compile(
    r"(?:[ \t\r\n\u00a0]|#[^\n]*+)*+(?:(?P<integer>\d++)|(?P<name>[^\W\d_]\w*+)|(?P<times>×|\\times\b)|"
    r"(?P<blackboard>\\mathbb\s*(?:\{\s*R\s*\}|R\b)|\\R\b|\\Re\b)|(?P<mark>\S)|(?P<end>\Z))"
)
_PLAIN = re.compile(
    r"\s*([A-Za-z][A-Za-z0-9_]*) *: *R"
    r"(?:\^([a-z])|\^\{ *([a-wyz][A-Za-z0-9]*) +x +([a-wyz][A-Za-z0-9]*) *\})? *",
    re.ASCII,
)
_JOINED = re.compile(r"([A-Za-z]|[0-9]+)x([A-Za-z]|[0-9]+)(?!\w)")  # `nxm` and `3x4` without spaces
_FACTOR_LIMIT = 64  # letters and integers in the dimensions of one declaration


class _Reader:
    """One declaration, read from left to right."""

    def __init__(self, text: str, start: int, end: int) -> None:
        self.text = text
        self.stop = end
        self.kind, self.value, self.span = "end", "", (start, start)
        self.previous = self.span
        self.next = start
        self.factors = 0
        self.advance()

    def advance(self) -> str:
        """Step to the next piece; returns the one left behind."""
        left = self.value
        match = _PIECE.match(self.text, self.next, self.stop)
        assert match is not None and match.lastgroup is not None
        self.kind, self.value, self.span = match.lastgroup, match[match.lastgroup], match.span(match.lastgroup)
        self.next = match.end()
        return left

    def fault(self, message: str, hint: str | None = None, span: Span | None = None) -> ParseError:
        return ParseError(message, text=self.text, span=span or self.span, hint=hint)

    def names(self) -> list[tuple[str, Span]]:
        """`x, y:`"""
        found = [self.one_name()]
        while self.value == ",":
            self.advance()
            found.append(self.one_name())
        if self.value not in (":", "∈"):
            raise self.fault(f"':' is missing after {found[-1][0]}", hint=f"{found[-1][0]}: R^n")
        self.advance()
        return found

    def one_name(self) -> tuple[str, Span]:
        if self.kind != "name":
            what = f"'{self.value}' is not a name" if self.value else "a name is missing"
            raise self.fault(what, hint="x: R^n")
        return self.identifier(), self.previous

    def identifier(self) -> str:
        self.previous = self.span
        name = plain_name(self.text, *self.span)
        self.advance()
        return name

    # --- the space

    def space(self) -> tuple[Size, Size]:
        """`R`, `R^n`, `R^{m x n}` as (rows, columns)."""
        if self.value not in ("R", "ℝ") and self.kind != "blackboard":
            what = f"'{self.value}' is not a space" if self.value else "the space is missing"
            raise self.fault(what, hint="R for a scalar, R^n for a column vector, R^{m x n} for a matrix")
        self.advance()
        if self.value != "^":
            return 1, 1
        self.advance()
        if self.value in ("{", "("):
            return self.sizes({"{": "}", "(": ")"}[self.advance()])
        if self.kind in ("name", "integer"):
            return self.bare_size()
        raise self.fault("a dimension is missing after '^'", hint="R^n, R^3 or R^{m x n}")

    def bare_size(self) -> tuple[Size, Size]:
        """A dimension without braces; whatever else follows it belongs into braces."""
        start = self.span[0]
        joined = _JOINED.match(self.text, start, self.stop)
        size = self.factor()
        self.checked(size, self.previous)
        follower = self.text[self.previous[1] : self.previous[1] + 1]
        more = self.kind == "times" or self.value in ("*", "+", "-", "x")
        if joined or more or follower.isalnum() or follower == ".":
            message = "a dimension of more than one letter or number stands in braces"
            raise self.fault(message, hint="R^{m x n}, R^{2n}", span=(start, max(self.span[1], self.previous[1])))
        return size, 1

    def sizes(self, closing: str) -> tuple[Size, Size]:
        found = self.joined() or [self.sum()]
        while self.kind == "times" or self.value in ("x", ","):
            self.advance()
            found.append(self.sum())
        if self.value != closing:
            what = f"'{self.value}' does not go on a dimension" if self.value else f"'{closing}' is missing"
            raise self.fault(what, hint="R^{m x n}, R^{2*n}, R^{n*n + 1}")
        if len(found) > 2:
            raise self.fault("a space has at most two dimensions", hint="R^{m x n}")
        self.advance()
        return found[0], found[1] if len(found) == 2 else 1

    def joined(self) -> list[Size]:
        """`nxm` and `3x4`."""
        match = _JOINED.match(self.text, self.span[0], self.stop)
        if match is None:
            return []
        sizes = []
        for group in (1, 2):
            self.next = match.start(group)
            self.stop, stop = match.end(group), self.stop
            self.advance()
            self.stop = stop
            sizes.append(self.checked(self.factor(), match.span(group)))
        return sizes

    def sum(self) -> Size:
        """A dimension: a sum of products of letters and integers."""
        start, terms, sign = self.span[0], [], 1
        while True:
            if self.value in ("+", "-"):
                sign = -1 if self.value == "-" else 1
                self.advance()
            terms.append(times(sign, self.product()))
            if self.value not in ("+", "-"):
                break
        return self.checked(plus(*terms), (start, self.previous[1]))

    def product(self) -> Size:
        factors = [self.factor()]
        while self.value in ("*", "·") or (self.kind == "name" and self.value != "x" and isinstance(factors[-1], int)):
            if self.kind != "name":
                self.advance()
            factors.append(self.factor())
        return times(*factors)

    def factor(self) -> Size:
        self.factors += 1
        if self.factors > _FACTOR_LIMIT:
            message = f"a declaration has at most {_FACTOR_LIMIT} letters and numbers in its dimensions"
            raise LimitError(message, text=self.text, span=self.span)
        if self.kind == "integer":
            return self.integer()
        if self.kind != "name":
            what = f"'{self.value}' is not a dimension" if self.value else "a dimension is missing"
            raise self.fault(what, hint="a letter or a positive integer")
        return letter(self.identifier())

    def integer(self) -> int:
        if not self.value.isascii():
            raise self.fault("dimensions are written with the digits 0 to 9")
        self.previous = self.span
        digits = self.advance().lstrip("0")
        if len(digits) > len(str(DIMENSION_LIMIT)):
            raise LimitError(f"a dimension is at most {DIMENSION_LIMIT}", text=self.text, span=self.previous)
        return int(digits or "0")

    def checked(self, size: Size, span: Span) -> Size:
        values = [c for _, c in size.terms] if isinstance(size, Dim) else [size]
        if max(values) <= 0:
            raise ShapeError(f"a dimension is positive, not {size}", text=self.text, span=span)
        if max(map(abs, values)) > DIMENSION_LIMIT:
            raise LimitError(f"a dimension is at most {DIMENSION_LIMIT}", text=self.text, span=span)
        return size

    # --- properties

    def properties(self, rows: Size, columns: Size) -> frozenset[str]:
        found: set[str] = set()
        while self.kind != "end":
            if self.value == ",":
                self.advance()
            self.check_property(rows, columns)
            found.add(self.value)
            for pair in _CONTRADICTIONS:
                if pair <= found:
                    raise self.fault(f"{' and '.join(sorted(pair))} exclude each other")
            self.advance()
        return frozenset(found)

    def check_property(self, rows: Size, columns: Size) -> None:
        if self.value not in PROPERTIES:
            raise self.unknown_property()
        given = Declaration("", rows, columns)
        if self.value in _SQUARE and (given.kind != "matrix" or rows != columns):
            message = f"{self.value} needs a square matrix, not {given.space}"
            hint = f"R^{{{rows} x {rows}}}" if given.kind != "scalar" else "positive, or no property"
            raise ShapeError(message, text=self.text, span=self.span, hint=hint)
        if self.value in _STOCHASTIC and given.kind == "scalar":
            raise ShapeError(f"{self.value} needs a vector, not R", text=self.text, span=self.span, hint="R^n")

    def unknown_property(self) -> ParseError | UnknownNameError:
        if self.kind != "name":
            return self.fault(f"'{self.value}' is not a property" if self.value else "a property is missing after ','")
        after = _PIECE.match(self.text, self.next, self.stop)
        if after is not None and after[0].strip() in (":", ","):
            return self.fault("declarations are separated by ';'", hint="x: R^n; A: R^{n x n}")
        message = f"{self.value} is not a property"
        hint = did_you_mean(self.value, PROPERTIES)
        if hint is None or not hint.startswith("did"):
            hint = f"one of {', '.join(PROPERTIES)}"
        return UnknownNameError(message, text=self.text, span=self.span, hint=hint)
