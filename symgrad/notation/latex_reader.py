r"""LaTeX -> tree, as people and textbooks write it: one formula (`parse_latex`) or assignments.

Juxtaposition multiplies and binds tighter than a written operator: y \odot A x is y .* (A*x).  Single
letters are names of their own, words in \mathrm are one.  T, I, e and \sigma mean the transpose, the
identity, exp and the sigmoid unless `known` has such a name.  Depth is limited, so recursion is safe.

>>> from symgrad.notation.text import text
>>> text(parse_latex(r"\tfrac{1}{2} \lVert \mathbf{A}x - b \rVert_2^2")), text(parse_latex(r"x^T A^{-1} x"))
('1/2*norm2(A*x - b)^2', "x'*A^(-1)*x")
>>> [(a.name, text(a.value)) for a in parse_latex_program(r"h_1 &= \tanh(W x) \\ L &= h_1^\top h_1")]
[('h1', 'tanh(W*x)'), ('L', "h1'*h1")]
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from fractions import Fraction

from symgrad.errors import LimitError, ParseError, Span
from symgrad.notation.latex import GREEK_COMMANDS
from symgrad.notation.latex_names import ACCENTS, function_named, kind_of
from symgrad.notation.latex_scripts import ScriptReader, joined
from symgrad.notation.latex_sums import ENTRY, contracted
from symgrad.notation.latex_terms import Summand, check_sizes, product_of, sum_of
from symgrad.notation.tokens import Token, exact
from symgrad.notation.tree import Assignment, Call, Name, Number, Tree, names, placed
from symgrad.operations.catalogue import find
from symgrad.operations.record import Elementwise

NESTING_LIMIT = 50  # groups inside one another

_CLOSE = {"endmatrix": r"\end{bmatrix}",
          "(": ")", "[": "]", "{": r"\}", "<": r"\rangle", "|": "|", "lvert": r"\rvert", "‖": r"\rVert", "||": "||"}
_NORMS = {"2": "norm2", "F": "normF", "1": "norm1", "infty": "norminf"}
_DOTS = (r"\cdot", "·", "⋅")
_FRACTIONS = ("frac", "tfrac", "dfrac", "cfrac")
_OVER = ("command", "over")
_SIZED_DIGITS = ("0", "1")  # 1_n and 0_n are arrays
_FACTOR = ("letter", "word", "operator", "command", "style", "open", "bar", "{", "number", "matrix")


def parse_latex(text: str, known: Collection[str] = (), kinds: Mapping[str, str] | None = None) -> Tree:
    """The tree of one formula.

    `known` are the declared names; `kinds` says of names whether they are scalar, column, row or matrix.
    Raises ParseError, LimitError.
    """
    (line,) = _lines(text, known, kinds, single=True)
    return line.value


def parse_latex_program(
    text: str, known: Collection[str] = (), kinds: Mapping[str, str] | None = None
) -> tuple[Assignment, ...]:
    r"""The assignments of a program, one a line or separated by \\; the last may be a bare formula.

    Options and errors as for `parse_latex`.
    """
    return _lines(text, known, kinds, single=False)


def _lines(text: str, known: Collection[str], kinds: Mapping[str, str] | None, single: bool) -> tuple[Assignment, ...]:
    reader = _Reader(text, set(known), dict(kinds or {}), single)
    lines: list[Assignment] = []
    while reader.skip("line", "newline"):
        if single and lines:
            raise reader.error("one formula is wanted, and here another begins", reader.peek)
        line = reader.line()
        if lines and lines[-1].name is None:
            message = "only the last line of a program may be without a name"
            raise ParseError(message, text=text, span=lines[-1].span, hint="y = ...")
        if line.name is not None and any(line.name == other.name for other in lines):
            raise ParseError(f"{line.name} is assigned twice", text=text, span=line.span)
        lines.append(line)
        if line.name is not None:
            reader.known.add(line.name)
            reader.kinds[line.name] = kind_of(line.value, reader.kinds)
    if not lines:
        raise ParseError("there is no formula", text=text, span=(0, len(text)))
    return tuple(lines)


class _Reader(ScriptReader):
    """The grammar: what is open, and how deep."""

    def __init__(self, text: str, known: set[str], kinds: dict[str, str], single: bool) -> None:
        super().__init__(text, known, kinds, single)
        self.depth = 0
        self.open: list[str] = []  # the delimiters that are open

    # --- lines, sums, products

    def line(self) -> Assignment:
        start, name = self.peek[2], self.left_side()
        value = self.expression()
        check_sizes(value, self.text)
        while self.peek[0] in (",", "line", "newline"):
            self.take()
            if self.tokens[self.at - 1][0] != ",":
                break
        else:
            if self.peek[0] != "end":
                raise self.unexpected()
        return Assignment(name, value, (start, value.span[1] if value.span else self.end))

    def unexpected(self) -> ParseError:
        kind, value, start, end = self.peek
        written = self.text[start:end]
        if kind == "=":
            return self.error("'=' stands between a name and its formula, or in brackets", hint=r"\mathbf{1}[a = b]")
        if kind == "compare":
            return self.error(f"'{written}' stands in brackets only", hint=rf"\mathbf{{1}}[a {written} b]")
        if kind == ",":
            return self.error("a comma stands between the arguments of a function only")
        if self.open and written and (value == self.open[-1] or kind == self.open[-1]):
            return self.error(f"something is missing before '{written}'")
        if self.open and kind in ("end", "close", "}"):
            return self.error(f"'{_CLOSE.get(self.open[-1], '}')}' is missing here")
        return self.error(f"'{written}' is not expected here" if written else "something is missing at the end")

    def expression(self) -> Tree:
        summands: list[Summand] = []
        while not summands or self.peek[0] == "sign":
            mark = self.peek[2:]
            op = self.take()[1] if self.peek[0] == "sign" else None
            summands.append(Summand(op, self.term(), mark))
        return sum_of(summands, self.kinds)

    def term(self) -> Tree:
        """A product: chains of factors with operators between, from left to right."""
        factors = self.chain()
        while self.peek[0] == "infix":
            token = self.take()
            right = self.chain()
            if token[1] == "multiply":
                factors = self.dotted(factors, right, token) or factors + right
                continue
            if token[1] == "divide" and len(right) > 1:
                factors = self.slashed(factors, right, token)
                continue
            args = product_of(factors, self.kinds), product_of(right, self.kinds)
            factors = [Call(token[1], args, joined(*args), token[2:])]
        return product_of(factors, self.kinds)

    def dotted(self, left: list[Tree], right: list[Tree], mark: Token) -> list[Tree]:
        r"""`x \cdot y` of two declared columns is their inner product: no other product of theirs exists."""
        if self.text[mark[2] : mark[3]] not in _DOTS:
            return []
        args = product_of(left, self.kinds), product_of(right, self.kinds)
        declared = all(name in self.kinds for tree in args for name in names(tree))
        if not declared or any(kind_of(tree, self.kinds) != "column" for tree in args):
            return []
        return [Call("dot", args, joined(*args), mark[2:])]

    def slashed(self, left: list[Tree], right: list[Tree], mark: Token) -> list[Tree]:
        """`1/2 x` is half of x; in `a/b x` nobody can tell what is divided."""
        if len(left) == 1 and isinstance(left[0], Number) and isinstance(right[0], Number):
            args = left[0], right[0]
            return [Call("divide", args, joined(*args), mark[2:]), *right[1:]]
        raise self.error("this division can be read in two ways", mark, r"\frac{a}{b} x or \frac{a}{b x}")

    def chain(self) -> list[Tree]:
        """Factors with nothing between them."""
        if self.peek[0] == "sign":
            token = self.take()
            self.enter()
            inner = product_of(self.chain(), self.kinds)
            self.depth -= 1
            return [inner if token[1] == "add" else self.call("negate", (inner,), token[2], token[2:])]
        factors = [self.factor()]
        while self.more():
            factors.append(self.factor())
        return factors

    def more(self) -> bool:
        """Whether another factor follows."""
        kind, value, *_ = self.peek
        if kind == "number" and not self.is_sized_digit():
            hint = rf"\cdot {value}, ^{{{value}}} or _{{{value}}}"
            raise self.error("an operator is missing before this number", hint=hint)
        return kind in _FACTOR and not (kind == "bar" and self.closes()) and self.peek[:2] != _OVER

    def is_sized_digit(self) -> bool:
        """Whether `1_n` or `0_n` follows, ones and zeros that are not written bold."""
        return self.peek[1] in _SIZED_DIGITS and self.tokens[self.at + 1][0] == "_"

    # --- factors

    def enter(self) -> None:
        """One level deeper; every recursion passes here."""
        self.depth += 1
        if self.depth > NESTING_LIMIT:
            message = f"nested more than {NESTING_LIMIT} levels deep"
            start, end = self.peek[2:]
            raise LimitError(message, text=self.text, span=(start, end), hint="a program that names the inner parts")

    def factor(self) -> Tree:
        """What is multiplied: a number, a name, a group or a function, with what stands above and below."""
        self.enter()
        tree = self.one_factor()
        self.depth -= 1
        return tree

    def one_factor(self) -> Tree:
        kind, value, start, _ = self.peek
        if kind == "number":
            return self.scripts(self.number(), start)
        if kind in ("open", "bar"):
            return self.scripts(self.delimited(), start)
        if kind == "matrix":
            return self.scripts(self.matrix(), start)
        if kind == "{":
            self.take()
            if self.peek[0] == "}":
                raise self.error("these braces are empty")
            return self.scripts(self.braced(), start)
        if kind == "command" and value not in GREEK_COMMANDS and value not in ACCENTS:
            return self.command()
        if kind in ("command", "word", "operator", "letter", "style"):
            return self.named()
        if kind == "transpose":
            raise self.error("a prime transposes what stands before it; nothing does")
        raise self.unexpected()

    def matrix(self) -> Tree:
        r"""`\begin{bmatrix} A & B \\ C & D \end{bmatrix}`: blocks."""
        start, rows = self.take()[2], list[list[Tree]]([[]])
        self.open.append("endmatrix")
        while True:
            self.skip_lines("newline")
            rows[-1].append(self.expression())
            self.skip_lines("newline")
            if self.takes("&"):
                continue
            if self.peek[0] == "line":
                self.skip_lines("line", "newline")
                rows.append([])
            if self.peek[0] == "endmatrix":
                break
            if rows[-1]:
                raise self.unexpected()
        self.take()
        self.open.pop()
        beside = [self.stacked("hstack", row, start) for row in rows if row]
        return self.stacked("vstack", beside, start)

    def skip_lines(self, *kinds: str) -> None:
        while self.peek[0] in kinds:
            self.take()

    def stacked(self, op: str, blocks: list[Tree], start: int) -> Tree:
        return blocks[0] if len(blocks) == 1 else self.call(op, tuple(blocks), start)

    def number(self, digits: int | None = None) -> Tree:
        kind, value, start, end = self.take()
        if digits is not None and len(value) > digits:  # \frac12: the first digit only
            self.at -= 1
            self.tokens[self.at] = (kind, value[digits:], start + digits, end)
            value, self.end = value[:digits], start + digits
        if value in _SIZED_DIGITS and self.peek[0] == "_":
            return self.sized(value, start) or Number(Fraction(int(value)), (start, end))
        return Number(exact(value, self.text, start), (start, self.end))

    def braced(self) -> Tree:
        """What stands in braces, the opening one being read."""
        self.open.append("}")
        start, tree = self.peek[2], self.expression()
        if self.peek[:2] == _OVER:
            mark = self.take()[2:]
            below = self.expression()
            tree = self.call("divide", (tree, below), start, mark)
        if self.peek[0] != "}":
            raise self.unexpected()
        self.take()
        self.open.pop()
        return tree

    def argument(self) -> Tree:
        r"""What a command takes: a group, or one token: \frac12, \sqrt x."""
        if self.takes("{"):
            return self.braced()
        if self.peek[0] == "number":
            return self.number(digits=1)
        symbol = self.symbol() if self.peek[0] in ("letter", "word", "command", "style") else None
        if symbol is None:
            raise self.error("an argument is missing here", hint="{...}")
        return Name(symbol.name(self.known), (self.tokens[self.at - 1][2], self.end))

    # --- delimiters

    def closes(self) -> bool:
        """Whether a bar closes what is open, rather than opening anew."""
        top = self.open[-1] if self.open else ""
        return top == self.peek[1] or (top == "||" and self.doubled())

    def doubled(self) -> bool:
        """Whether two single bars stand next to each other, for a norm."""
        first, second = self.peek, self.tokens[min(self.at + 1, len(self.tokens) - 1)]
        apart = second[0] == first[0] == "bar" and first[3] != second[2]
        return first[1] == second[1] == "|" and first[0] == second[0] and not apart

    def enclosed(self) -> tuple[str, list[Tree], bool]:
        """A delimited group: how it opens, its parts between commas, and whether it is a comparison."""
        opening = "||" if self.peek[1] == "|" and self.doubled() else self.peek[1]
        for _ in opening if opening == "||" else "x":
            self.take()
        self.open.append(opening)
        parts = [self.expression()]
        compared = self.peek[0] in ("compare", "=")
        if compared:
            _, op, *mark = self.take()
            right = self.expression()
            parts = [Call({"=": "eq"}.get(op, op), (parts[0], right), joined(parts[0], right), (mark[0], mark[1]))]
        while self.takes(","):
            parts.append(self.expression())
        self.close(opening)
        return opening, parts, compared

    def close(self, opening: str) -> None:
        kind, value, *_ = self.peek
        fits = self.doubled() if opening == "||" else value == opening
        if kind not in ("close", "bar") or not fits:
            raise self.unexpected()
        for _ in opening if opening == "||" else "x":
            self.take()
        self.open.pop()

    def delimited(self) -> Tree:
        token = self.peek
        opening, parts, compared = self.enclosed()
        start, tree = token[2], parts[0]
        if opening == "<":
            return self.inner_product(parts, token)
        if len(parts) > 1:
            raise self.error("there are no lists; a comma stands between the arguments of a function", token)
        if compared and opening not in ("[", "{"):
            raise self.error("a comparison stands in brackets", token, r"\mathbf{1}[a > b]")
        if opening in ("‖", "||"):
            return self.call(self.norm(), (tree,), start, token[2:])
        if opening not in ("|", "lvert"):
            return tree
        printed = self.text.startswith(r"\left\lvert", start)  # as entry by entry is printed here
        if not printed and kind_of(tree, self.kinds) == "matrix":
            raise self.error("bars around a matrix are a determinant to some, absolute values to others", token,
                             r"\det(X) or \operatorname{abs}(X)")  # fmt: skip
        return self.call("abs", (tree,), start, token[2:])

    def inner_product(self, parts: list[Tree], token: Token) -> Tree:
        if len(parts) != 2:
            raise self.error("an inner product has two parts", token, r"\langle a, b \rangle")
        if self.values(2) == ("_", "F"):
            self.at += 2
        return self.call("dot", tuple(parts), token[2], token[2:])

    def norm(self) -> str:
        r"""Which norm, by the index after the bars."""
        self.index_first()
        if not self.takes("_"):
            return "norm2"
        mark = self.peek
        braces = self.takes("{")
        _, value, *_ = self.take()
        if (braces and not self.takes("}")) or value not in _NORMS:
            raise self.error("this norm is not known", mark, r"\lVert x \rVert with index 1, 2, F or \infty")
        return _NORMS[value]

    # --- commands and functions

    def command(self) -> Tree:
        _, name, start, end = token = self.peek
        if name in _FRACTIONS:
            self.take()
            args = self.argument(), self.argument()
            return self.scripts(self.call("divide", args, start, (start, end)), start)
        if name == "sqrt":
            self.take()
            if self.peek[:2] == ("open", "["):
                raise self.error("only square roots are read", hint="x^{1/3}")
            return self.scripts(self.call("sqrt", (self.argument(),), start, (start, end)), start)
        if name == "sum":
            self.take()
            return self.summation(token)
        if name in ("norm", "abs") and self.tokens[self.at + 1][0] == "{":
            self.take()
            arg = self.argument()
            op = self.norm() if name == "norm" else "abs"
            return self.scripts(self.call(op, (arg,), start, (start, end)), start)
        function = function_named(name)
        if function is None:
            hint = rf"\operatorname{{{name}}}(X) for a function, \mathrm{{{name}}} for a name"
            raise self.error(f"\\{name} is not read", token, hint)
        self.take()
        return self.applied(function, start, (start, end))

    def applied(self, function: str, start: int, mark: Span) -> Tree:
        r"""A function and its argument: `\det(X)^2` is a power of it, `\log x y` takes the whole product."""
        if self.peek[0] == "_":
            raise self.error(f"an index at {function} is not read", hint=r"\max(v), \frac{\log x}{\log 2}")
        power = self.function_power(function) if self.peek[0] == "^" else None
        kind, value, *_ = self.peek
        if kind == "open" and value in "([{":
            _, parts, _ = self.enclosed()
            tree: Tree = self.call(function, tuple(parts), start, mark)
            tree = self.scripts(tree, start) if power is None else tree
        elif kind == "{":
            tree = self.call(function, (self.argument(),), start, mark)
        else:
            tree = self.call(function, (self.bare_argument(function, mark),), start, mark)
            tree = self.log_det(tree)
        if power is None:
            return tree
        entrywise = isinstance(find(function), Elementwise) and kind_of(tree, self.kinds) not in ("scalar", None)
        return self.call("hadamard_power" if entrywise else "power", (tree, power), start)

    def function_power(self, function: str) -> Tree:
        mark = self.take()
        exponent = self.argument() if self.peek[0] != "sign" else None
        if exponent is None or (isinstance(exponent, Call) and exponent.op == "negate"):
            hint = rf"\arcsin(x) or \frac{{1}}{{\{function}(x)}}"
            raise self.error("an inverse function or a reciprocal?", mark, hint)
        return exponent

    def bare_argument(self, function: str, mark: Span) -> Tree:
        r"""The product after a function without parentheses, up to an operator or the next function."""
        if self.peek[0] == "sign" or self.peek[0] not in _FACTOR or (self.peek[0] == "bar" and self.closes()):
            raise ParseError(f"{function} needs an argument", text=self.text, span=mark, hint=rf"\{function}(x)")
        if function == "log" and self.peek[1] in ("|", "lvert"):
            return self.log_bars()
        factors = [self.factor()]
        while self.peek[0] in _FACTOR and not self.starts_function() and self.more():
            factors.append(self.factor())
        return product_of(factors, self.kinds)

    def starts_function(self) -> bool:
        kind, value, *_ = self.peek
        if kind in ("word", "operator"):
            return value not in self.known and function_named(value) is not None
        return kind == "command" and (value == "sum" or function_named(value) is not None) and value not in ACCENTS

    def log_bars(self) -> Tree:
        r"""`\log|X|` of a matrix is of its determinant."""
        start = self.peek[2]
        opening, parts, _ = self.enclosed()
        if opening != "||" and len(parts) == 1:
            is_matrix = kind_of(parts[0], self.kinds) == "matrix"
            return self.scripts(self.call("det" if is_matrix else "abs", (parts[0],), start), start)
        raise self.error("log of a norm needs parentheses", hint=r"\log(\lVert x \rVert)")

    def log_det(self, tree: Call) -> Call:
        r"""`\log\det X` and `\log|\det X|` are one operation."""
        inner = tree.args[0]
        if tree.op == "log" and isinstance(inner, Call) and inner.op == "abs":
            inner = inner.args[0]
        if tree.op == "log" and isinstance(inner, Call) and inner.op == "det":
            return Call("logdet", inner.args, tree.span, tree.mark)
        return tree

    def summation(self, token: Token) -> Tree:
        r"""`\sum_{i=1}^n` and the product after it."""
        self.index_first()
        indices = self.sum_indices(token)
        if self.takes("^"):
            self.argument()
        taken = [i for i in indices if i in self.bound]
        if taken:
            raise self.error(f"the index {taken[0]} is summed twice", token, "another letter")
        self.bound += indices
        body = self.term()
        del self.bound[len(self.bound) - len(indices) :]
        tree = placed(contracted(body, tuple(indices), self.kinds, self.text, token[2:]), (token[2], self.end))
        if isinstance(tree, Call) and tree.op == ENTRY and not self.bound:
            raise self.error(f"the index {_index_of(tree)} is not summed", token, rf"\sum_{{{_index_of(tree)}}}")
        return tree

    def sum_indices(self, token: Token) -> list[str]:
        if not self.takes("_"):
            raise self.error("a sum needs its index", token, r"\sum_i a_i x_i or \operatorname{sum}(x)")
        braces, found = self.takes("{"), []
        while self.peek[0] in (("letter", ",") if braces else ("letter",)):
            kind, value, *_ = self.take()
            found += [value] if kind == "letter" else []
            if not braces:
                break
        if braces and self.takes("="):
            self.takes("number")
        if not found or (braces and not self.takes("}")):
            raise self.error("this is not an index of a sum", hint=r"\sum_{i=1}^{n} or \sum_{i,j}")
        return found


def _index_of(tree: Tree) -> str:
    return ", ".join(a.name for a in tree.args[1:] if isinstance(a, Name))
