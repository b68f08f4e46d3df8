"""Index notation read: `[i, j, k]: sum_{l} A[i, l]*x[j]*delta[l, k]` -> a tree and, met by shapes, a tensor.

What stands before square brackets with index letters is an array of the language: a name, a call, a parenthesis.
`delta[i, j]` is 1 where the letters agree, `[i*n + j = k]` where the sides do (letters count from 0); `sum_{l}`
reaches to the end of its product.  Sizes follow from the arrays; one that does not is said: `[i, j: n]`, `sum_{l: n}`.
Functions act entry by entry on what has letters: `exp(x[i] + y[j])`.

>>> from symgrad.notation.declare import declare
>>> from symgrad.notation.lower import Scope, lower
>>> tree = parse_entries("[i, j, k]: 6*a[i]*delta[i, j]*delta[i, k]")
>>> lower(tree, Scope.of(declare("a: R^n"))).node.rank
3
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import cast

from symgrad.errors import LimitError, ParseError, ShapeError
from symgrad.notation.grammar import parse, parse_program
from symgrad.notation.tree import Assignment, Call, Name, Number, Tree
from symgrad.operations.catalogue import derivative_named, find
from symgrad.operations.record import Elementwise, TensorFunction
from symgrad.operations.shapes import as_matrix
from symgrad.tensor.build import add, apply, einsum, elementwise, number, power
from symgrad.tensor.dims import Size, agree
from symgrad.tensor.nodes import Delta, Node, Ones, Reindex, Shift
from symgrad.tensor.view import View

DEPTH = 60  # parentheses inside one another
LENGTH = 100_000  # characters

_LETTER = r"[^\W\d_][^\W_]*"
_OPENING = rf"\[((?:\s*{_LETTER}\s*(?::[^\],]+)?(?:,|(?=\])))*\s*)\][ \t]*:"
_HEADER, _BEGIN = re.compile(rf"(?:^|(?<=[;\n=]))\s*{_OPENING}"), re.compile(_OPENING)
_STAND_IN = "\u01c2"  # a name for the grammar in the place of index notation
_SUM = re.compile(r"sum_\s*\{([^{}]*)\}")
_NUMBER = re.compile(r"\d+(?:\.\d+)?(?:/\d+(?![\d.]))?")
_AT = re.compile(rf"\[\s*({_LETTER}(?:\s*,\s*{_LETTER})*)\s*\]")
_NAME = re.compile(r"[^\W\d_]\w*")
_EQUAL = re.compile(r"\[([^\[\]<>=!~]*[^<>=!~])=([^=][^\[\]<>=!~]*)\]")


@dataclass(slots=True, eq=False)
class Entries(Call):
    """An array said entry by entry; its arguments are the arrays and sizes that stand in it."""

    form: Form | None = None


@dataclass(frozen=True, slots=True)
class Form:
    """The axes of an array said by its entries, what the sizes are that the text says, and the entry."""

    axes: tuple[str, ...]
    sizes: tuple[tuple[str, Tree], ...]
    letters: tuple[tuple[str, ...], ...]  # of each array that stands in it
    pairs: tuple[tuple[str, str], ...]  # letters of equal sizes
    entry: Entry
    whole: tuple[int, ...]  # arrays that stand without letters in a function of arrays


@dataclass(frozen=True, slots=True)
class Entry:
    """One part of an entry: `kind` names the method of `_Builder` that builds it."""

    kind: str
    parts: tuple[Entry, ...] = ()
    labels: tuple[str, ...] = ()
    value: object = None


def header(text: str) -> re.Match[str] | None:
    """Where `[i, j]:` stands in a text, if it does."""
    return _HEADER.search(text) if ":" in text else None


def read_lines(text: str) -> tuple[Assignment, ...]:
    """The assignments of a program whose lines may be index notation.  Raises ParseError, LimitError."""
    found = {m.end(): m.start(1) - 1 for m in _HEADER.finditer(text)} if ":" in text else {}
    if not found:
        return parse_program(text)
    trees: dict[int, Entries] = {}
    plain = text
    for end, start in found.items():
        stop = min(at for at in (text.find("\n", end), text.find(";", end), len(text)) if at >= 0)
        trees[start] = parse_entries(text[:stop], start)
        plain = plain[:start] + _STAND_IN.ljust(stop - start) + plain[stop:]
    lines = parse_program(plain)
    return tuple(replace(line, value=_put_in(line.value, trees)) for line in lines)


def _put_in(value: Tree, trees: Mapping[int, Entries]) -> Tree:
    """The index notation that a line's value stands in for."""
    if isinstance(value, Name) and value.name == _STAND_IN and value.span:
        return trees.get(value.span[0], value)
    return value


def parse_entries(text: str, start: int = 0) -> Entries:
    """The tree of index notation that begins at `start` with its letters.  Raises ParseError, LimitError."""
    found = _BEGIN.match(text, start)
    if found is None:
        raise ParseError("index notation begins with its letters", text=text, span=(start, start + 1), hint="[i, j]: ")
    if len(text) > LENGTH:
        raise LimitError(f"index notation has at most {LENGTH} characters", text=text, span=(LENGTH, LENGTH + 1))
    return _Reader(text, found).whole()


@dataclass
class _Reader:
    """Recursive descent to a bounded depth; every sum's letters get names of their own."""

    text: str
    found: re.Match[str]
    depth: int = 0
    at: int = 0
    count: int = 0
    arrays: list[Tree] = field(default_factory=list)
    letters: list[tuple[str, ...]] = field(default_factory=list)
    pairs: list[tuple[str, str]] = field(default_factory=list)
    sizes: list[tuple[str, Tree]] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    whole_arrays: list[int] = field(default_factory=list)

    def whole(self) -> Entries:
        start = self.found.start(1)
        axes = self.bind(self.found[1], start, fresh=False)
        self.at = self.found.end()
        entry = self.sum()
        if self.peek():
            raise self.error("this is left over")
        form = Form(axes, tuple(self.sizes), tuple(self.letters), tuple(self.pairs), entry, tuple(self.whole_arrays))
        written = (0, self.text[self.found.start(1) - 1 :].strip())
        return Entries("entries", tuple(self.arrays), (start - 1, len(self.text)), None, written, form)

    def error(self, message: str, at: int | None = None) -> ParseError:
        at = self.at if at is None else at
        return ParseError(message, text=self.text, span=(at, min(at + 1, len(self.text))), hint="[i, j]: A[i, j]*x[j]")

    def peek(self) -> str:
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1
        return self.text[self.at : self.at + 1]

    def bind(self, written: str, at: int, fresh: bool = True) -> tuple[str, ...]:
        """The letters of a header or a sum, with the sizes that are said."""
        bound: list[str] = []
        for part in written.split(","):
            letters, _, size = part.partition(":")
            for letter in letters.split():
                if not re.fullmatch(_LETTER, letter) or letter in self.names:
                    raise self.error(f"{letter} is no index letter, or is bound twice", at)
                self.count += fresh
                self.names[letter] = f"{letter}#{self.count}" if fresh else letter
                bound.append(letter)
            if size:
                self.sizes.append((self.names[bound[-1]], parse(size)))
        return tuple(self.names[a] for a in bound)

    # --- sums, products, factors

    def sum(self) -> Entry:
        """term + term - term"""
        self.depth += 1
        if self.depth > DEPTH:
            raise LimitError(f"nested more than {DEPTH} levels deep", text=self.text, span=(self.at, self.at + 1))
        terms, signs = [], []
        while True:
            sign = 1
            while self.peek() in ("+", "-") and self.peek():
                sign = -sign if self.peek() == "-" else sign
                self.at += 1
            outside = dict(self.names)
            terms.append(self.product())
            self.names = outside
            signs.append(sign)
            if self.peek() not in ("+", "-") or not self.peek():
                break
        self.depth -= 1
        return terms[0] if signs == [1] else Entry("sum", tuple(terms), (), tuple(signs))

    def product(self) -> Entry:
        """Factors; the letters of a sum among them are summed over at the end."""
        factors: list[Entry] = []
        bound: tuple[str, ...] = ()
        divided = False
        while True:
            found = _SUM.match(self.text, self.at) if self.peek() == "s" else None
            if found is not None:
                self.at = found.end()
                bound += self.bind(found[1], found.start(1))
                continue
            factor = self.power()
            factors.append(Entry("power", (factor, Entry("number", value=Fraction(-1)))) if divided else factor)
            if self.peek() not in ("*", "/") or not self.peek():
                break
            divided = self.peek() == "/"
            self.at += 1
        return factors[0] if len(factors) == 1 and not bound else Entry("product", tuple(factors), bound)

    def power(self) -> Entry:
        base = self.factor()
        if self.peek() != "^":
            return base
        self.at += 1
        sign = self.peek() == "-"
        self.at += sign
        exponent = self.factor()
        return Entry("power", (base, Entry("sum", (exponent,), (), (-1,)) if sign else exponent))

    def factor(self) -> Entry:
        """A number, a delta, an equation of letters, an array at letters, a function of entries, a parenthesis."""
        mark = self.peek()
        number_found = _NUMBER.match(self.text, self.at)
        if number_found:
            self.at = number_found.end()
            return Entry("number", value=Fraction(number_found[0]))
        equal = _EQUAL.match(self.text, self.at) if mark == "[" else None
        if equal is not None:
            return self.equation(equal)
        start = self.at
        name = _NAME.match(self.text, start)
        if name is None and mark not in ("(", "["):
            raise self.error("a factor is missing here")
        end = name.end() if name else self.closing(start)
        if name and self.text[end : end + 1] == "(":
            end = self.closing(end)
        while self.text[end : end + 1] == "'" or (self.text[end : end + 1] == "[" and not _AT.match(self.text, end)):
            end = end + 1 if self.text[end] == "'" else self.closing(end)  # a quote, a part as X[1:m, :]
        letters = _AT.match(self.text, end)
        if letters is not None:
            self.at = letters.end()
            return self.array(start, end, letters)
        opened = self.text.find("(", start, end)
        if opened >= 0 and self.text[end - 1] == ")" and self.has_letters(opened, end):
            return self.inside(name[0] if name else "", opened)
        self.at = end
        return self.array(start, end, None)

    def closing(self, start: int) -> int:
        """Behind the bracket that closes the one at `start`."""
        depth = 0
        for at in range(start, len(self.text)):
            depth += (self.text[at] in "([") - (self.text[at] in ")]")
            if depth == 0:
                return at + 1
        raise self.error("a bracket is not closed", start)

    def has_letters(self, start: int, end: int) -> bool:
        """Whether entries stand in a parenthesis, so that it is one of index notation itself."""
        inner = self.text[start:end]
        return bool(_SUM.search(inner) or _AT.search(inner) or _EQUAL.search(inner))

    def inside(self, name: str, opened: int) -> Entry:
        """(entry) or f(entry, entry)"""
        self.at = opened + 1
        parts = [self.sum()]
        while name and self.peek() == ",":
            self.at += 1
            parts.append(self.sum())
        if self.peek() != ")":
            raise self.error("a bracket is not closed", opened)
        self.at += 1
        if not name:
            return parts[0]
        op = find(name)
        if not isinstance(op, Elementwise) or len(parts) not in op.arity:
            raise self.error(f"{name} is no function of {len(parts)} entries", opened)
        return Entry("map", tuple(parts), (), op)

    def array(self, start: int, end: int, found: re.Match[str] | None) -> Entry:
        """An array of the language, at its letters."""
        labels = tuple(self.label(a.strip(), found.start(1)) for a in found[1].split(",")) if found else ()
        written = self.text[start:end]
        if written == "delta" and labels:
            if len(labels) != 2:
                raise self.error("delta has two indices", start)
            self.pairs.append((labels[0], labels[1]))
            return Entry("delta", (), labels)
        tree = Name(written, (start, end)) if _NAME.fullmatch(written) else parse(" " * start + self.text[start:end])
        opaque = derivative_named(tree.op) if isinstance(tree, Call) and len(labels) > 2 else None
        if isinstance(tree, Call) and opaque is not None:  # dexpm(X)[i, j, k, l]
            args = [self.stored(arg, ()) for arg in tree.args]
            self.whole_arrays += args
            return Entry("whole", (), labels, (opaque, args))
        return Entry("at", (), labels, self.stored(tree, labels))

    def stored(self, tree: Tree, labels: tuple[str, ...]) -> int:
        """The number of an array that stands in the text; without letters it is taken as a whole."""
        self.arrays.append(tree)
        self.letters.append(labels)
        return len(self.arrays) - 1

    def label(self, letter: str, at: int) -> str:
        if letter not in self.names:
            raise self.error(f"the index {letter} is neither in front nor summed over", at)
        return self.names[letter]

    def equation(self, found: re.Match[str]) -> Entry:
        """[i*n + j = k], [i + 2 = j + k]"""
        self.at = found.end()
        left, right = (parse(" " * found.start(k) + found[k]) for k in (1, 2))
        shifted = self.shifted(left), self.shifted(right)
        if any(len(letters) == 2 for letters, _ in shifted):
            (one, offset), (two, none) = shifted
            if len(one) != 1 or len(two) != 2 or none is not None:
                raise self.error("one index and how far it is shifted on the left, two on the right", found.start())
            self.count += 1
            name = f"#{self.count}"  # the offset is a size like others
            self.sizes.append((name, offset or Number(Fraction(0))))
            return Entry("shift", (), (*one, *two), name)
        first = self.flat(left, found.start(1))
        return Entry("equal", (), (*first, *self.flat(right, found.start(2))), len(first))

    def shifted(self, tree: Tree) -> tuple[tuple[str, ...], Tree | None]:
        """The index letters that a side adds up, and the size that it adds to them."""
        letters: list[str] = []
        rest: Tree | None = None
        while True:
            sums = isinstance(tree, Call) and tree.op in ("add", "subtract") and len(tree.args) == 2
            last = tree.args[1] if sums else tree
            if isinstance(last, Name) and last.name in self.names:
                letters.insert(0, self.names[last.name])
            elif sums:
                assert isinstance(tree, Call)
                zero: Tree = Number(Fraction(0))
                rest = Call("add", (Call(tree.op, (zero, last)), rest)) if rest else Call(tree.op, (zero, last))
            if not sums:
                return tuple(letters), rest
            tree = tree.args[0]

    def flat(self, tree: Tree, at: int) -> tuple[str, ...]:
        """The letters of (i*n + j)*p + k, whose sizes but the first are said so."""
        if isinstance(tree, Name):
            return (self.label(tree.name, at),)
        if isinstance(tree, Call) and tree.op == "add" and isinstance(tree.args[1], Name):
            times, last = tree.args[0], self.label(tree.args[1].name, at)
            if isinstance(times, Call) and times.op == "multiply" and len(times.args) == 2:
                self.sizes.append((last, times.args[1]))
                return (*self.flat(times.args[0], at), last)
        raise self.error("a side is one index, or several as i*n + j", at)


# --- the tree meets the declarations ----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Part:
    """A tensor whose axes are index letters."""

    node: Node
    letters: tuple[str, ...]


def entries_view(tree: Entries, views: Sequence[View], size_of: Callable[[Tree], Size]) -> View:
    """The tensor of index notation, given the arrays in it.  Raises ShapeError, ParseError."""
    form = tree.form
    assert form is not None
    nodes = [
        as_matrix(view).node if place in form.whole else _at_letters(view, letters)
        for place, (view, letters) in enumerate(zip(views, form.letters, strict=True))
    ]
    sizes = {letter: size_of(size) for letter, size in form.sizes}
    for node, letters in [*zip(nodes, form.letters, strict=True), *_wholes(form.entry, nodes)]:
        for letter, size in zip(letters, node.shape, strict=False):
            if not agree(sizes.setdefault(letter, size), size):
                raise ShapeError(f"the index {_plain(letter)} runs to {sizes[letter]} and to {size}")
    for _ in form.pairs:  # sizes go from letter to letter along deltas
        for a, b in (*form.pairs, *((b, a) for a, b in form.pairs)):
            if a in sizes and not agree(sizes.setdefault(b, sizes[a]), sizes[a]):
                raise ShapeError(f"the indices {_plain(a)} and {_plain(b)} run to {sizes[a]} and to {sizes[b]}")
    builder = _Builder(nodes, form.letters, _Sizes(sizes))
    node = builder.spread(builder.entry(form.entry), form.axes)
    return View(node, min(1, node.rank))


def _wholes(entry: Entry, nodes: Sequence[Node]) -> Iterator[tuple[Node, tuple[str, ...]]]:
    """The functions of arrays, built, with their letters."""
    if entry.kind == "whole":
        yield _whole(entry, nodes), entry.labels
    for part in entry.parts:
        yield from _wholes(part, nodes)


def _whole(entry: Entry, nodes: Sequence[Node]) -> Node:
    op, (first, *more) = cast("tuple[TensorFunction, list[int]]", entry.value)
    node = apply(op, nodes[first], 0, tuple(nodes[k] for k in more))
    if node.rank != len(entry.labels):
        raise ShapeError(f"{op.written} has {node.rank} indices, not {len(entry.labels)}")
    return node


def _plain(letter: str) -> str:
    return letter.partition("#")[0]


def _at_letters(view: View, letters: Sequence[str]) -> Node:
    node = view.node if view.node.rank == len(letters) else as_matrix(view).node
    if node.rank != len(letters):
        raise ShapeError(f"{view.describe()} has {node.rank} indices, not {len(letters)}")
    return node


class _Sizes(dict[str, Size]):
    def __missing__(self, letter: str) -> Size:
        plain = _plain(letter)
        raise ShapeError(f"nothing says how far {plain} runs", hint=f"{plain}: n behind the letter where it is bound")


@dataclass(frozen=True, slots=True)
class _Builder:
    """Builds the tensor of each part of an entry."""

    nodes: Sequence[Node]
    letters: Sequence[tuple[str, ...]]
    sizes: Mapping[str, Size]

    def entry(self, entry: Entry) -> _Part:
        """One part; nesting is bounded by the reader."""
        built: _Part = getattr(self, entry.kind)(entry, [self.entry(part) for part in entry.parts])
        return built

    def spread(self, part: _Part, letters: tuple[str, ...]) -> Node:
        """The tensor with these letters for axes."""
        if set(part.letters) - set(letters):
            raise ShapeError(f"the index {_plain(min(set(part.letters) - set(letters)))} is not in front")
        ones = [(Ones.make(self.sizes[a]), (a,)) for a in letters if a not in part.letters]
        return einsum([(part.node, part.letters), *ones], letters)

    def at(self, entry: Entry, _: Sequence[_Part]) -> _Part:
        node, labels = self.nodes[cast(int, entry.value)], entry.labels
        once = tuple(dict.fromkeys(labels))
        return _Part(node if once == labels else einsum([(node, labels)], once), once)

    def whole(self, entry: Entry, _: Sequence[_Part]) -> _Part:
        return self._pattern(_whole(entry, self.nodes), entry.labels)

    def delta(self, entry: Entry, _: Sequence[_Part]) -> _Part:
        a, b = entry.labels
        return _Part(Ones.make(self.sizes[a]), (a,)) if a == b else _Part(Delta.make(self.sizes[a]), (a, b))

    def equal(self, entry: Entry, _: Sequence[_Part]) -> _Part:
        split, shape = cast(int, entry.value), tuple(self.sizes[a] for a in entry.labels)
        return self._pattern(Reindex.make(shape[:split], shape[split:]), entry.labels)

    def shift(self, entry: Entry, _: Sequence[_Part]) -> _Part:
        i, j, k = (self.sizes[a] for a in entry.labels)
        return self._pattern(Shift.make((i, j, k), self.sizes[cast(str, entry.value)]), entry.labels)

    def _pattern(self, node: Node, labels: tuple[str, ...]) -> _Part:
        once = tuple(dict.fromkeys(labels))
        return _Part(einsum([(node, labels)], once), once)

    def number(self, entry: Entry, _: Sequence[_Part]) -> _Part:
        return _Part(number(cast(Fraction, entry.value)), ())

    def sum(self, entry: Entry, parts: Sequence[_Part]) -> _Part:
        letters = _letters(parts)
        signs = cast("tuple[int, ...]", entry.value)
        return _Part(add([(c, self.spread(p, letters)) for c, p in zip(signs, parts, strict=True)]), letters)

    def product(self, entry: Entry, parts: Sequence[_Part]) -> _Part:
        letters = _letters(parts)
        alone = [(Ones.make(self.sizes[a]), (a,)) for a in entry.labels if a not in letters]
        out = tuple(a for a in letters if a not in entry.labels)
        return _Part(einsum([*((p.node, p.letters) for p in parts), *alone], out), out)

    def power(self, _: Entry, parts: Sequence[_Part]) -> _Part:
        base, exponent = parts
        if exponent.letters:
            raise ShapeError("an exponent in index notation is a scalar")
        return _Part(power(base.node, exponent.node), base.letters)

    def map(self, entry: Entry, parts: Sequence[_Part]) -> _Part:
        letters = _letters(parts)
        op = cast(Elementwise, entry.value)
        return _Part(elementwise(op, *(self.spread(p, letters) for p in parts)), letters)


def _letters(parts: Iterable[_Part]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(a for p in parts for a in p.letters))
