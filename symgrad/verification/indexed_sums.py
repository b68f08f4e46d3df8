"""Answers as indexed sums -> graphs: `sum_j A_kj x_j + sum_i A_ik x_i` is a vector with the entry k.

Subscripts are letters, written `A_kj`, `A_{kj}` or `A[k,j]`; `sum_j` binds a letter over the product after it, up to
the next plus or minus; a letter that occurs twice in a product and is free nowhere is summed, as is the habit.
`delta_ij` and `[i = j]` are 1 where the letters agree; `softmax(z)_i`, `(X*w)_i` are entries of arrays that the text
language says.  The letters that are left are the answer's axes.

>>> from symgrad.programs import program
>>> scope = program("x'*A*x", "x: R^n; A: R^{n x n}").scope
>>> entries = read_indexed("sum_j A_kj x_j + sum_i A_ik x_i", scope)
>>> entries.letters, entries.node.shape == scope.views["x"].node.shape
(('k',), True)
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from symgrad.errors import LimitError, ParseError, ShapeError
from symgrad.notation.lower import Scope, lower
from symgrad.notation.tokens import INFIX
from symgrad.operations.catalogue import LOGARITHM, find
from symgrad.operations.record import Elementwise
from symgrad.tensor.build import add, einsum, elementwise, number, power, size_number
from symgrad.tensor.dims import Shape, Size, agree, letter
from symgrad.tensor.nodes import Delta, Node, Ones
from symgrad.tensor.view import View
from symgrad.verification.formulas import lines_of

DEPTH = 40  # parentheses inside one another
LENGTH = 4000  # characters

_TOKEN = re.compile(
    r"""\s*(?:(?P<iverson>(?:1\s*_?\s*)?[\[{]\s*(?P<a>[a-z])\s*={1,2}\s*(?P<b>[a-z])\s*[\]}])
    | (?P<number>\d+(?:\.\d+)?)
    | (?P<sum>(?:sum|Sum|\u03a3|\u2211|\\sum)\s*_?\s*
        (?:\{\s*(?P<many>[a-z](?:\s*,?\s*[a-z])*)\s*(?:=\s*1)?\s*\}|(?P<one>[a-z]{1,3})(?![a-zA-Z(])(?:\s*=\s*1)?)
        (?:\s*\^\s*(?:\{\s*\w+\s*\}|\w))?)
    | (?P<delta>(?:\\?delta|\u03b4)\s*(?:_\s*\{?\s*(?P<d>[a-z]\s*,?\s*[a-z])\s*\}?|\[\s*(?P<e>[a-z]\s*,\s*[a-z])\s*\]))
    | (?P<name>[^\W\d_][^\W_]*(?:_(?![{a-z]))?)
    | (?P<sub>_\s*(?:\{\s*(?P<group>[a-z](?:\s*,?\s*[a-z])*)\s*\}|(?P<plain>[a-z]+))
        | \[\s*(?P<list>[a-z](?:\s*,\s*[a-z])*)\s*\])
    | (?P<op>\.\*|\./|\.\^|\\cdot|[<>]=?|[-+*/^()\u00b7{},\[\]\u2264\u2265]))""",
    re.VERBOSE,
)  # fmt: skip
_DECORATION = re.compile(r"\$|\\(?:left|right|quad|qquad|limits|displaystyle|[,;!:]|\[|\]|\(|\))")
_CALL_AT = re.compile(r"(?<!\w)(\w*)\([^()]*\)'*_\s*(?:\{[^{}]*\}|[a-z]{1,4}(?![^\W_]))")
_SUBSCRIPTED = re.compile(
    r"(?<![^\W_])([^\W\d_][^\W_]*)_(?:\{[^{}]*\}|[a-z]{1,4}(?![^\W_]))|(?<![^\W_])([^\W\d_][^\W_]*)\[\s*[a-z]\s*(?:,\s*[a-z]\s*)*\]"
)


_SPELLED = {"{": "(", "}": ")", ".*": "*", "\\cdot": "*", "\u00b7": "*", "./": "/", ".^": "^",
            "\u2265": ">=", "\u2264": "<="}  # fmt: skip
_COMPARISONS = {INFIX[op][0]: find(op) for op in ("gt", "ge", "lt", "le")}
_FRACTION = re.compile(r"\\[dt]?frac\s*\{")
_FONT = re.compile(r"\\(?:mathbf|mathrm|boldsymbol|bm|operatorname|text|mathbb|vec|hat|bar)\s*\{\s*([\w\s]*?)\s*\}")
_COMMAND = re.compile(r"\\(?!sum|delta|cdot)([a-zA-Z]+)")
_TRANSPOSED = re.compile(r"\^\s*(?:\{\s*\\?(?:top|intercal|T)\s*\}|\\(?:top|intercal)\b|T(?![\w^]))")
_AT = re.compile(
    r"(['\u1d40\u22a4]*)(?:_\s*(?:\{\s*([a-z](?:\s*,?\s*[a-z])*)\s*\}|([a-z]{1,4})(?![^\W_]))"
    r"|\[\s*([a-z](?:\s*,\s*[a-z])*)\s*\])"
)
FRACTIONS = 100


def without_commands(text: str) -> str:
    r"""Plain text for LaTeX: `\frac{a}{b}` is ((a)/(b)), `\exp` exp, `\sigma` the sigmoid."""
    if "\\" not in text:
        return text
    text = _TRANSPOSED.sub("'", _FONT.sub(r" \1 ", text))
    for _ in range(FRACTIONS):
        found = _FRACTION.search(text)
        if found is None:
            break
        middle = _closing_brace(text, found.end())
        second = text.find("{", middle)
        end = _closing_brace(text, second + 1)
        if min(middle, second, end) < 0:
            raise ParseError(r"\frac takes two arguments", text=text, span=(found.start(), found.end()))
        upper, lower_part = text[found.end() : middle], text[second + 1 : end]
        text = f"{text[: found.start()]}(({upper})/({lower_part})){text[end + 1 :]}"
    text = re.sub(r"\\(?:geq?)(?![a-zA-Z])", " >= ", re.sub(r"\\(?:leq?)(?![a-zA-Z])", " <= ", text))
    return _COMMAND.sub(lambda m: f" {'sigmoid' if m[1] == 'sigma' else m[1]}", text)


def _closing_brace(text: str, start: int) -> int:
    depth = 1
    for at in range(start, len(text)):
        depth += (text[at] == "{") - (text[at] == "}")
        if depth == 0:
            return at
    return -1


def _entries_of_arrays(text: str, scope: Scope) -> Iterator[tuple[int, tuple[int, str, tuple[str, ...]]]]:
    """Where `softmax(z)_i` and `(X*w)_i` stand: from, to, the array's text, its letters."""
    opened: list[int] = []
    for at, mark in enumerate(text):
        if mark == "(":
            opened.append(at)
        elif mark == ")" and opened:
            start = opened.pop()
            found = _AT.match(text, at + 1)
            if found is None or looks_indexed(text[start:at], scope):
                continue
            while start and (text[start - 1].isalnum() or text[start - 1] == "_"):
                start -= 1
            letters = tuple(c for c in (found[2] or found[3] or found[4]) if c.isalpha())
            yield start, (found.end(), text[start : at + 1] + found[1], letters)


@dataclass(frozen=True, slots=True)
class Entries:
    """A tensor whose axes are index letters."""

    node: Node
    letters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    letters: tuple[str, ...]
    at: int


def looks_indexed(text: str, scope: Scope) -> bool:
    """Whether names of the problem carry subscripts that are letters (and are not names themselves)."""
    for found in _SUBSCRIPTED.finditer(text):
        base, whole = found[1] or found[2], found[0]
        if base in ("delta", "\u03b4") or (base in scope.views and whole not in scope.views):
            return not find(whole)
    return any(find(f[1]) is not None or not f[1] for f in _CALL_AT.finditer(text))


def read_indexed(text: str, scope: Scope, shape: Shape = ()) -> Entries:
    """The meaning of an indexed sum, its axes being `shape` if that is known.

    Raises ParseError, ShapeError, LimitError.
    """
    if len(text) > LENGTH:
        raise LimitError(f"an indexed sum has at most {LENGTH} characters")
    return _Reader(without_commands(_DECORATION.sub(" ", text)), scope, shape).whole()


def arrangements(entries: Entries, order: Sequence[str] = ()) -> list[View]:
    """The matrices that the entries may be: one free letter is a column, two are rows and columns."""
    letters = entries.letters
    if order and set(order) == set(letters):
        orders = [tuple(order)]
    else:
        orders = [tuple(sorted(letters))] + ([tuple(sorted(letters))[::-1]] if len(letters) == 2 else [])
    nodes = [einsum([(entries.node, letters)], o) if letters else entries.node for o in orders]
    return [View(n, min(1, n.rank)) for n in nodes]


class _Reader:
    """Terms, products and factors, by recursive descent to a bounded depth."""

    def __init__(self, text: str, scope: Scope, shape: Shape = ()):
        self.text, self.scope, self.shape, self.depth, self.at = text, scope, shape, 0, 0
        self.arrays = dict(_entries_of_arrays(text, scope))
        self.sizes: dict[str, Size] = {}
        self.tokens = list(self._tokens())
        self.free = self._free_letters()

    def _tokens(self) -> Iterable[_Token]:
        at = 0
        end = len(self.text.rstrip())
        while at < end:
            while at < end and self.text[at].isspace():
                at += 1
            if at in self.arrays:
                stop, inside, letters = self.arrays[at]
                yield _Token("array", inside, letters, at)
                at = stop
                continue
            found = _TOKEN.match(self.text, at)
            if found is None:
                raise ParseError("an indexed sum cannot be read from here", text=self.text, span=(at, at + 1))
            kind = next(k for k in ("number", "sum", "delta", "iverson", "name", "sub", "op") if found[k] is not None)
            groups = [found[g] or "" for g in ("many", "one", "d", "e", "a", "b", "group", "plain", "list")]
            letters = tuple(c for c in "".join(groups) if c.isalpha())
            start = found.start(kind)
            yield _Token(kind, _SPELLED.get(found[kind].strip(), found[kind].strip()), letters, start)
            at = found.end()

    def _free_letters(self) -> frozenset[str]:
        """Letters that every term of the whole sum has and none sums: those occurring once in some product."""
        bound = {a for t in self.tokens if t.kind == "sum" for a in t.letters}
        counts: list[Counter[str]] = [Counter()]
        depth = 0
        for t in self.tokens:
            depth += {"(": 1, ")": -1, "[": 1, "]": -1}.get(t.text, 0)
            if t.kind == "op" and t.text in "+-" and depth == 0:
                counts.append(Counter())
            elif t.kind in ("sub", "delta", "iverson", "array"):
                counts[-1].update(t.letters)
        once = {a for c in counts for a, k in c.items() if k == 1}
        everywhere = [frozenset(c) for c in counts if c]
        unbound = {a for c in everywhere for a in c} - bound
        if len(unbound) == len(self.shape):
            return frozenset(unbound)  # `x_i delta_ij` is a matrix where one is wanted
        return frozenset(a for a in once - bound if all(a in c for c in everywhere))

    def whole(self) -> Entries:
        found = self.sum()
        if self.at < len(self.tokens):
            raise self.error("this is left over")
        return found

    def error(self, message: str) -> ParseError:
        at = self.tokens[self.at].at if self.at < len(self.tokens) else len(self.text)
        return ParseError(message, text=self.text, span=(at, at + 1), hint="sum_j A_kj x_j")

    def peek(self) -> str:
        token = self.tokens[self.at] if self.at < len(self.tokens) else None
        return "" if token is None else token.text if token.kind == "op" else token.kind

    def sum(self) -> Entries:
        """term + term - term"""
        self.depth += 1
        if self.depth > DEPTH:
            raise LimitError(f"nested more than {DEPTH} levels deep")
        terms: list[tuple[int, Entries]] = []
        sign = 1
        while True:
            while self.peek() in ("+", "-"):
                sign = -sign if self.peek() == "-" else sign
                self.at += 1
            terms.append((sign, self.product()))
            if self.peek() not in ("+", "-"):
                break
            sign = 1
        self.depth -= 1
        return self._added(terms)

    def _added(self, terms: Sequence[tuple[int, Entries]]) -> Entries:
        letters = tuple(dict.fromkeys(a for _, t in terms for a in t.letters))
        return Entries(add([(sign, self._spread(t, letters)) for sign, t in terms]), letters)

    def _spread(self, entries: Entries, letters: Sequence[str]) -> Node:
        missing = [a for a in letters if a not in entries.letters]
        factors = [(entries.node, entries.letters), *((Ones.make(self.sizes[a]), (a,)) for a in missing)]
        return einsum(factors, tuple(letters))  # type: ignore[arg-type]

    def product(self) -> Entries:
        """Factors side by side; a sum_j in it reaches to its end, and so does one that is divided by."""
        factors: list[Entries] = []
        bound: list[str] = []
        inverse = False
        while True:
            kind = self.peek()
            if kind in ("*", "/"):
                inverse = kind == "/"
                self.at += 1
            elif kind == "sum" and not (inverse or self._collides(factors)):
                bound += self.tokens[self.at].letters
                self.at += 1
            elif kind in ("number", "name", "delta", "iverson", "array", "(", "[", "sum"):
                factor = self._nested_product() if kind == "sum" else self.factor()
                factors.append(Entries(power(factor.node, -1), factor.letters) if inverse else factor)
                inverse = False
            else:
                break
        if not factors:
            raise self.error("a factor is missing here")
        return self._multiplied(factors, bound)

    def _multiplied(self, factors: Sequence[Entries], bound: Sequence[str]) -> Entries:
        counts = Counter(a for f in factors for a in f.letters)
        unknown = [a for a in bound if a not in self.sizes]
        if unknown:
            raise self.error(f"sum_{unknown[0]}: no factor has the index {unknown[0]}")
        summed = {*bound, *(a for a, k in counts.items() if k > 1 and a not in self.free and self.depth < 2)}
        out = tuple(a for a in counts if a not in summed)
        spread = [(Ones.make(self.sizes[a]), (a,)) for a in bound if a not in counts]
        return Entries(einsum([*((f.node, f.letters) for f in factors), *spread], out), out)

    def _collides(self, factors: Sequence[Entries]) -> bool:
        """Whether the sum that begins here binds a letter that factors before it have."""
        letters = self.tokens[self.at].letters
        return any(a in f.letters for f in factors for a in letters)

    def _nested_product(self) -> Entries:
        """A sum_j that has the rest of the product to itself."""
        self.depth += 1
        if self.depth > DEPTH:
            raise LimitError(f"nested more than {DEPTH} levels deep")
        found = self.product()
        self.depth -= 1
        return found

    def factor(self) -> Entries:
        """A number, name, function or parenthesis, with a power."""
        token = self.tokens[self.at]
        self.at += 1
        match token.kind:
            case "number":
                found = Entries(number(Fraction(token.text)), ())
            case "delta" | "iverson":
                found = self._delta(token)
            case "name":
                found = self._named(token)
            case "array":
                found = self._array(token)
            case _ if token.text == "[":
                found = self._mask()
            case _:
                found = self._closed(self.sum())
        if self.peek() == "^":
            self.at += 1
            found = Entries(power(found.node, self._exponent()), found.letters)
        return found

    def _closed(self, found: Entries, closing: str = ")") -> Entries:
        if self.peek() != closing:
            raise self.error("a bracket is not closed")
        self.at += 1
        return found

    def _mask(self) -> Entries:
        """[z_i > 0]"""
        left = self.sum()
        op = _COMPARISONS.get(self.peek())
        if op is None:
            raise self.error("a comparison is missing here")
        self.at += 1
        return self._closed(self._entrywise(op, (left, self.sum())), "]")

    def _entrywise(self, op: Any, given: Sequence[Entries]) -> Entries:
        """A function of entries; letters that only some of its arguments have are spread over the others."""
        letters = tuple(dict.fromkeys(a for e in given for a in e.letters))
        return Entries(elementwise(op, *(self._spread(e, letters) for e in given)), letters)

    def _array(self, token: _Token) -> Entries:
        """An entry of an array in the text language, such as `softmax(z)_i`."""
        try:
            view = lower(lines_of(token.text, self.scope)[0][-1].value, self.scope, token.text)
        except ParseError as error:
            raise ParseError(f"{token.text}: {error.message}", text=self.text, span=(token.at, token.at + 1)) from None
        return self._at(view, token)

    def _any_exponent(self) -> Entries:
        """What stands above: a parenthesis or one factor, with its sign."""
        negative = self.peek() == "-"
        self.at += negative
        found = self.factor() if self.at < len(self.tokens) else self.sum()
        return Entries(add([(-1, found.node)]), found.letters) if negative else found

    def _exponent(self) -> Node:
        negative = self.peek() == "-"
        self.at += negative
        if self.peek() not in ("number", "name", "("):
            raise self.error("an exponent is missing here")
        found = self.factor()
        if found.letters:
            raise self.error("an exponent is a scalar")
        return einsum([(found.node, ())], (), -1 if negative else 1)

    def _delta(self, token: _Token) -> Entries:
        a, b = token.letters
        known = next((self.sizes[c] for c in (a, b) if c in self.sizes), None) or self._size_ahead((a, b))
        self.sizes[a] = self.sizes[b] = known
        if a == b:
            return Entries(Ones.make(known), (a,))
        return Entries(Delta.make(known), (a, b))

    def _size_ahead(self, letters: Sequence[str]) -> Size:
        """The size of a letter that occurs at a name further on."""
        for name, sub in zip(self.tokens, self.tokens[1:], strict=False):
            view = self.scope.views.get(name.text)
            if name.kind == "name" and sub.kind == "sub" and view is not None:
                for c, size in zip(sub.letters, view.node.shape, strict=False):
                    if c in letters:
                        return size
        if len(set(self.shape)) == 1:
            return self.shape[0]
        raise self.error(f"nothing says how far {letters[0]} runs")

    def _named(self, token: _Token) -> Entries:
        name = token.text
        if name in self.scope.views:
            return self._entry(self.scope.views[name], token)
        if name in self.scope.letters:
            return Entries(size_number(letter(name)), ())
        op = LOGARITHM if name == "ln" else find(name)
        if name == "e" and self.peek() == "^":
            self.at += 1
            inner = self._any_exponent()
            return self._entrywise(find("exp"), (inner,))
        if name == "sqrt" and self.peek() == "(":
            self.at += 1
            inner = self._closed(self.sum())
            return Entries(power(inner.node, number(Fraction(1, 2))), inner.letters)
        if isinstance(op, Elementwise) and self.peek() == "(":
            self.at += 1
            given = [self.sum()]
            while self.peek() == ",":
                self.at += 1
                given.append(self.sum())
            if len(given) not in op.arity:
                raise self.error(f"{name} does not take {len(given)} arguments")
            return self._closed(self._entrywise(op, given))
        self.at -= 1
        raise self.error(f"{name} is no array of the problem and no function of entries")

    def _entry(self, view: View, token: _Token) -> Entries:
        letters: tuple[str, ...] = ()
        if self.peek() == "sub":
            letters = self.tokens[self.at].letters
            self.at += 1
        if len(letters) != view.node.rank:
            self.at -= 1
            raise self.error(f"{token.text} has {view.node.rank} indices, not {len(letters)}")
        return self._at(view, _Token(token.kind, token.text, letters, token.at))

    def _at(self, view: View, token: _Token) -> Entries:
        """The entries of a matrix at letters, repeated ones on the diagonal."""
        letters = token.letters
        if len(letters) != view.node.rank:
            raise self.error(f"{token.text} has {view.node.rank} indices, not {len(letters)}")
        for a, size in zip(letters, view.node.shape, strict=True):
            if not agree(self.sizes.setdefault(a, size), size):
                raise ShapeError(f"the index {a} runs to {self.sizes[a]} and to {size}", text=self.text,
                                 span=(token.at, token.at + len(token.text)))  # fmt: skip
        if len(set(letters)) < len(letters):
            return Entries(einsum([(view.node, letters)], tuple(dict.fromkeys(letters))), tuple(dict.fromkeys(letters)))
        return Entries(view.node, letters)


def letters_on_the_left(prefix: str, letters: Mapping[str, object] | Iterable[str]) -> tuple[str, ...]:
    """The index letters of a left hand side such as `(df/dX)_ij =`, in their order; nothing where it has none."""
    found = re.findall(r"[\])}]?\s*_\s*\{?([a-z](?:\s*,?\s*[a-z])*)\}?|\[\s*([a-z](?:\s*,\s*[a-z])*)\s*\]", prefix)
    named = "".join(a + b for a, b in found)
    return tuple(dict.fromkeys(c for c in named if c in set(letters)))
