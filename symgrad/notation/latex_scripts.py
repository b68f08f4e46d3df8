r"""Names with what convention makes of them, and what stands above and below: the middle of the reader.

\sigma(x) is the sigmoid, e^x is exp, I_n the identity, \mathbf{1}[z > 0] a mask; X^\top, X^{-\top} and powers.
What an expression or a group is, the reader built on this one says.

>>> from symgrad.notation.latex_reader import parse_latex
>>> parse_latex(r"X^{-\top}").op, parse_latex("e^x").op, parse_latex("e^x", {"e"}).op
('transpose', 'exp', 'power')
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from fractions import Fraction

from symgrad.errors import ParseError, Span
from symgrad.notation.latex_names import Symbol
from symgrad.notation.latex_sums import ENTRY
from symgrad.notation.latex_symbols import SymbolReader
from symgrad.notation.latex_terms import is_comparison
from symgrad.notation.tree import Call, Name, Number, Tree, same
from symgrad.operations.catalogue import record

SIZED = {"I": "eye", "0": "zeros", "1": "ones", "K": "commutation", "e": "e"}  # what has its size as an index


class ScriptReader(SymbolReader, ABC):
    """Names, scripts and sized constants."""

    open: list[str]  # the delimiters that are open

    @abstractmethod
    def expression(self) -> Tree:
        """A sum."""

    @abstractmethod
    def argument(self) -> Tree:
        """A group in braces, or one token."""

    @abstractmethod
    def braced(self) -> Tree:
        """What stands in braces, the opening one being read."""

    @abstractmethod
    def enclosed(self) -> tuple[str, list[Tree], bool]:
        """A delimited group: how it opens, its parts, whether it is a comparison."""

    @abstractmethod
    def applied(self, function: str, start: int, mark: Span) -> Tree:
        """A function with the argument that follows."""

    @abstractmethod
    def unexpected(self) -> ParseError:
        """The error for a token that cannot stand here."""

    # --- names and what stands above and below

    def named(self) -> Tree:
        """A name, its entry under a sum, or a function that is written like a name."""
        start = self.peek[2]
        if self.values(2) == ("D", "exp") and self.peek[0] == "word" and "D" not in self.known:
            return self.slope_of_exp(start)
        if (function := self.function_word()) is not None:
            return self.applied(function, start, (start, self.end))
        symbol = self.symbol()
        if symbol is None:  # bold around more than a name
            self.take()
            return self.scripts(self.argument(), start)
        special = self.special(symbol, start)
        if special is not None:
            return self.scripts(special, start)
        symbol, entry = self.indexed(symbol)
        if len(symbol.indices) == 1 and len(alike := symbol.known_as(self.known)) > 1:
            message = f"this may be {' or '.join(alike)}, which are written alike in LaTeX"
            raise ParseError(message, text=self.text, span=(start, self.end), hint="the text language, or another name")
        name = Name(symbol.name(self.known), (start, self.end))
        if entry:
            return self.scripts(self.call(ENTRY, (name, *map(Name, entry)), start), start)
        return self.scripts(self.listed_call(name, start) or name, start)

    def slope_of_exp(self, start: int) -> Tree:
        r"""`\mathrm{D}\exp(X)[E]`: how the exponential of X changes where X changes along E."""
        self.at += 2
        parts: list[Tree] = []
        for opening in "([":
            if self.peek[:2] != ("open", opening):
                raise self.error(f"'{opening}' is missing", hint=r"\mathrm{D}\exp(X)[E]")
            parts += self.enclosed()[1]
        return self.scripts(self.call("dexpm", tuple(parts), start), start)

    def listed_call(self, name: Name, start: int) -> Tree | None:
        """`e(i, n)`: a name before several arguments is a function; before one it is a factor."""
        if self.peek[:2] != ("open", "(") or name.name in self.known or not self.comma_inside():
            return None
        return self.call(name.name, tuple(self.enclosed()[1]), start, name.span)

    def special(self, symbol: Symbol, start: int) -> Tree | None:
        r"""What a letter means by convention: ones, the identity, exp, the sigmoid."""
        base, mark = symbol.base, (start, self.end)
        if symbol.accent or symbol.indices or symbol.name(self.known) in self.known:
            return None
        if base == "sigma" and self.peek[0] == "open" and self.peek[1] in "([{":
            return self.call("sigmoid", tuple(self.enclosed()[1]), start, mark)
        if base == "sigma" and self.peek[0] == "transpose" and self.tokens[self.at + 1][:2] == ("open", "("):
            hint = r"\sigma(z) \odot (1 - \sigma(z))"
            raise self.error("a prime at a function is a derivative; it is not read", hint=hint)
        if base == "e" and self.peek[0] == "^" and not self.transposes(self.at + 1):
            self.take()
            return self.call("exp", (self.exponent(),), start, mark)
        if base == "1" and self.peek[0] == "open" and self.peek[1] in "([{":
            return self.indicator()
        if base not in SIZED:
            return None
        if self.peek[0] == "_" and not self.is_known_with_index(symbol):
            return self.sized(base, start)
        if base == "0":
            return Number(Fraction(0), mark)
        return self.call(SIZED[base], (), start, mark) if base in "1I" and self.peek[0] != "_" else None

    def indicator(self) -> Tree:
        token = self.peek
        _, parts, compared = self.enclosed()
        if not compared and not is_comparison(parts[0]):
            raise self.error("a comparison is wanted here", token, r"\mathbf{1}[z > 0], or \mathbf{1} \cdot (...)")
        return parts[0]

    def sized(self, base: str, start: int) -> Tree | None:
        r"""`I_n`, `\mathbf{1}_n`, `0_{m \times n}`: constants with their size; None where that is a name."""
        before = self.at
        self.take()
        braces = self.takes("{")
        sizes = self.size_list() if braces else [self.argument()]
        if base == "1" and is_comparison(sizes[0]):
            return sizes[0]
        if base == "I" and len(sizes) == 2 and same(*sizes):
            sizes = sizes[:1]
        if len(sizes) not in record(SIZED[base]).arity:
            self.at = before
            return None
        return self.call(SIZED[base], tuple(sizes), start)

    def size_list(self) -> list[Tree]:
        r"""What stands between commas or \times in braces."""
        self.open.append("}")
        self.split_at_times()
        sizes = [self.expression()]
        if self.peek[0] in ("compare", "="):
            _, op, *mark = self.take()
            right = self.expression()
            sizes = [Call({"=": "eq"}.get(op, op), (sizes[0], right), joined(sizes[0], right), (mark[0], mark[1]))]
        while self.takes(","):
            sizes.append(self.expression())
        if not self.takes("}"):
            raise self.unexpected()
        self.open.pop()
        return sizes

    def scripts(self, tree: Tree, start: int) -> Tree:
        """Transposes and powers after a factor, and the index of its entry."""
        raised = False
        self.index_first()
        while self.peek[0] in ("transpose", "^", "_"):
            kind, _, *place = self.peek
            mark = (place[0], place[1])
            if kind == "_":
                tree = self.entry_of(tree, start)
            elif kind == "transpose" or self.transposes(self.at + 1):
                tree = self.transposed(tree, start)
            elif raised:
                raise self.error("a power of a power needs braces", hint="{a^b}^c or a^{b^c}")
            else:
                self.take()
                tree, raised = self.raised(tree, start, mark), True
        return tree

    def transposed(self, tree: Tree, start: int) -> Tree:
        r"""`X'`, `X^\top`, and `X^{-\top}`, the transpose of the inverse."""
        begin = self.take()[2]
        for _ in range(self.transposes(self.at) if self.tokens[self.at - 1][0] == "^" else 0):
            inverse = self.peek[0] == "sign"
            self.take()
            if inverse:
                tree = self.call("power", (tree, Call("negate", (Number(Fraction(1)),))), start, (begin, self.end))
        return self.call("transpose", (tree,), start, (begin, self.end))

    def raised(self, tree: Tree, start: int, mark: Span) -> Tree:
        braces = 1 if self.peek[0] == "{" else 0
        kind, op, *_ = self.tokens[self.at + braces]
        after = self.tokens[min(self.at + braces + 1, len(self.tokens) - 1)][0]
        if kind == "infix" and op == "hadamard" and braces:
            self.at += 2
            return self.call("hadamard_power", (tree, self.braced()), start, mark)
        if (kind, op) == ("sign", "add") and (not braces or after == "}"):
            self.at += 1 + 2 * braces
            return self.call("pinv", (tree,), start, mark)
        if kind == "infix":
            raise self.error("this superscript is not read", hint=r"X^\top for a transpose, x^{\odot 2} entry by entry")
        return self.call("power", (tree, self.exponent()), start, mark)

    def exponent(self) -> Tree:
        """What stands above: a group, a token, or a signed number without braces."""
        if self.peek[0] != "sign":
            return self.argument()
        _, op, *mark = self.take()
        number = self.argument()
        return number if op == "add" else self.call("negate", (number,), mark[0], (mark[0], mark[1]))

    def part_of(self, tree: Tree, start: int) -> Tree:
        """`{X}_{1:m, :}`: rows and columns, the opening brace being next."""
        self.take()
        self.open.append("}")
        axes: list[list[Tree]] = []
        while not axes or self.takes(","):
            whole = self.peek[0] == ":" and self.tokens[self.at + 1][0] in (",", "}")
            axes.append([] if whole else [self.expression()])
            if self.takes(":") and not whole:
                axes[-1].append(self.expression())
        if self.peek[0] != "}" or len(axes) > 2:
            raise self.error("a part has places along one axis or two", hint="{X}_{1:m, 2}")
        self.take()
        self.open.pop()
        for name, ends in zip(("part",) if len(axes) == 1 else ("rows", "columns"), axes, strict=True):
            if ends:
                tree = self.call(name, (tree, ends[0], ends[-1]), start)
        return tree

    def says_places(self) -> bool:
        """Whether a colon stands in the braces that are next, or nothing but numbers."""
        depth, numbers = 0, True
        for kind, *_ in self.tokens[self.at :]:
            depth += (kind == "{") - (kind == "}")
            if depth == 0 or kind == ":":
                return depth > 0 or numbers
            numbers = numbers and kind in ("{", "number", ",")
        return False

    def entry_of(self, tree: Tree, start: int) -> Tree:
        token = self.take()
        if self.peek[0] == "{" and self.says_places():
            return self.part_of(tree, start)
        if not self.bound:
            raise self.error("entries are read under a sum only", token, r"\sum_i (A x)_i")
        parts = self.index_parts()
        indices = [i for part in parts for i in part]
        if not set(indices) <= set(self.bound):
            raise self.error("this is not an index of the sum around it", token)
        return self.call(ENTRY, (tree, *map(Name, indices)), start)


def joined(left: Tree, right: Tree) -> Span | None:
    """From the start of one part to the end of another."""
    return (left.span[0], right.span[1]) if left.span and right.span else None
