"""Index notation on paper: `sum_{l} A[i, l]*x[j]`, for tensors without a closed matrix form.

Free indices are i, j, k, l, ... in the order of the axes; summed ones follow.  What has at most two axes
is written by its matrix notation with indices; what has more is opened, entry by entry.

>>> from symgrad.tensor.build import einsum
>>> from symgrad.tensor.dims import letter
>>> from symgrad.tensor.nodes import Input
>>> x = Input.make("x", (letter("n"),))
>>> indexed_text(einsum([(x, "i"), (x, "j"), (x, "k")], "ijk"))
'[i, j, k]: x[i]*x[j]*x[k]'
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from fractions import Fraction
from itertools import chain, islice

from symgrad.errors import LimitError, NotDifferentiableError
from symgrad.notation.latex import latex as latex_of
from symgrad.notation.lift import Lifter
from symgrad.notation.network import NoMatrixForm
from symgrad.notation.text import ATOM, binding
from symgrad.notation.text import text as text_of
from symgrad.notation.tree import Call, Name, Tree
from symgrad.operations.catalogue import latex_templates
from symgrad.tensor.build import as_number
from symgrad.tensor.dims import Shape, letters_of
from symgrad.tensor.nodes import (
    Add,
    Apply,
    Coefficient,
    Constant,
    Delta,
    Einsum,
    Input,
    Map,
    Node,
    Ones,
    Power,
    Reindex,
    Shift,
    Size,
    walk,
)

LETTERS = "ijklmnpqrstuvwabcdefgh"
MAX_LETTERS = 200
MAX_DEPTH = 40
MAX_SYMBOLS = 30_000  # of an expression that is written out: some 100,000 characters, as many as are read

Labels = tuple[str, ...]


def letters_for(count: int, taken: Collection[str] = ()) -> list[str]:
    """The first `count` index letters that are not `taken`."""
    if count > MAX_LETTERS:
        raise LimitError(f"more than {MAX_LETTERS} indices are not written out")
    further = (f"i{i}" for i in range(len(LETTERS), len(LETTERS) + MAX_LETTERS + len(taken)))
    return list(islice((a for a in chain(LETTERS, further) if a not in taken), count))


def taken(node: Node) -> frozenset[str]:
    """Names that an index must not have: those of inputs and of dimensions that are written out."""
    names: set[str] = set()
    for n in walk(node):
        names.update(letters_of(n.shape))
        if isinstance(n, Input):
            names.add(n.name)
        elif isinstance(n, Shift):
            names.update(letters_of([n.offset]))
        elif isinstance(n, Size):
            names.update(letters_of([n.size]))
    return frozenset(names)


def check_length(node: Node) -> None:
    """Raises LimitError where an expression, written out, would be longer than anybody reads."""
    if node.symbols > MAX_SYMBOLS:
        raise LimitError(
            f"written out, this has more than {MAX_SYMBOLS} symbols",
            hint=".function() evaluates it and .source() is its program, in which nothing is repeated",
        )


def indexed_text(node: Node) -> str:
    """The entry of a tensor as text: `[i, j, k]: sum_{l} A[i, l]*...`.

    It can be read again: where nothing in the entry says how far a letter runs, its size stands behind it.
    Raises LimitError where it is too long.
    """
    check_length(node)
    writer = _Writer(_TextStyle(), node.rank, taken(node))
    free = letters_for(node.rank, writer.taken)
    entry = writer.entry(node, tuple(free), outer=True)
    known = writer.known()
    sized = [a if a in known else f"{a}: {size}" for a, size in zip(free, node.shape, strict=True)]
    return f"[{', '.join(sized)}]: {entry}"


def indexed_latex(node: Node) -> str:
    """The entry of a tensor as LaTeX.  Raises LimitError where it is too long."""
    check_length(node)
    writer = _Writer(_LatexStyle(), node.rank, taken(node))
    return writer.entry(node, tuple(letters_for(node.rank, writer.taken)), outer=True)


def _flat(labels: Labels, sizes: Shape) -> str:
    """Several indices, counted from 0, read as one: `i*n + j`."""
    written = labels[0]
    for label, size in zip(labels[1:], sizes[1:], strict=True):
        outer = f"({written})" if " + " in written else written
        written = f"{outer}*{size if isinstance(size, int) or str(size).isidentifier() else f'({size})'} + {label}"
    return written


class _TextStyle:
    times = "*"
    brackets = ("(", ")")

    def indexed(self, tree: Tree, labels: Labels) -> str:
        written = text_of(tree)
        stands = written if _is_atom(tree) else f"({written})"
        return f"{stands}[{', '.join(labels)}]" if labels else stands

    def delta(self, labels: Labels) -> str:
        return f"delta[{', '.join(labels)}]"

    def sum(self, labels: Labels, body: str) -> str:
        mark = ", " if any(":" in a for a in labels) else " "
        return f"sum_{{{mark.join(labels)}}} {body}"

    def bound(self, letter: str, size: object, known: bool) -> str:
        """A letter that is summed over, with its size where no array says it."""
        return letter if known else f"{letter}: {size}"

    def number(self, value: Fraction) -> str:
        return str(value)

    def function(self, name: str, args: list[str]) -> str:
        return f"{name}({', '.join(args)})"

    def whole(self, name: str, args: list[Tree], labels: Labels) -> str:
        return f"{name}({', '.join(map(text_of, args))})[{', '.join(labels)}]"

    def bracket(self, left: str, right: str) -> str:
        return f"[{left} = {right}]"

    def power(self, base: str, exponent: str) -> str:
        return f"{base}^{exponent}" if exponent.isalnum() else f"{base}^({exponent})"

    def bracketed(self, written: str) -> str:
        """As a factor or the base of a power."""
        plain = written.isalnum() or (written.startswith("(") and _closes_last(written))
        return written if plain else f"({written})"


def _closes_last(written: str) -> bool:
    """Whether the parenthesis at the start is closed at the end."""
    depth = 0
    for at, mark in enumerate(written):
        depth += (mark == "(") - (mark == ")")
        if depth == 0:
            return at == len(written) - 1
    return False


def _is_atom(tree: Tree) -> bool:
    """Whether a tree is written as a name, a function or in brackets, so that indices may follow."""
    return isinstance(tree, Name) or (isinstance(tree, Call) and binding(tree) == ATOM)


class _LatexStyle(_TextStyle):
    times = r" \, "
    brackets = (r"\left(", r"\right)")

    def indexed(self, tree: Tree, labels: Labels) -> str:
        written = latex_of(tree, templates=latex_templates())
        plain = isinstance(tree, Name) and "_" not in written
        base = written if plain or (not labels and _is_atom(tree)) else rf"\left({written}\right)"
        return f"{base}_{{{' '.join(labels)}}}" if labels else base

    def delta(self, labels: Labels) -> str:
        return rf"\delta_{{{' '.join(labels)}}}"

    def sum(self, labels: Labels, body: str) -> str:
        return rf"\sum_{{{', '.join(labels)}}} {body}"

    def bound(self, letter: str, size: object, known: bool) -> str:
        return letter

    def number(self, value: Fraction) -> str:
        return str(value.numerator) if value.denominator == 1 else rf"\frac{{{value.numerator}}}{{{value.denominator}}}"

    def function(self, name: str, args: list[str]) -> str:
        return rf"\operatorname{{{name}}}\left({', '.join(args)}\right)"

    def whole(self, name: str, args: list[Tree], labels: Labels) -> str:
        inside = ", ".join(latex_of(a, templates=latex_templates()) for a in args)
        return rf"\operatorname{{{name}}}\left({inside}\right)_{{{' '.join(labels)}}}"

    def bracket(self, left: str, right: str) -> str:
        return rf"\left[{left} = {right}\right]"

    def power(self, base: str, exponent: str) -> str:
        return rf"{base}^{{{exponent}}}"

    def bracketed(self, written: str) -> str:
        return written if written.isalnum() else rf"\left({written}\right)"


class _Writer:
    """Writes the entry of a node at given labels; letters of sums are used again in the next term only.

    `arrays` are the letters of arrays and `pairs` those of deltas, as they are written: they say how far letters run.
    """

    def __init__(self, style: _TextStyle, used: int, taken: frozenset[str]):
        self.style, self.used, self.taken, self.depth = style, used, taken, 0
        self.lifter = Lifter()
        self.free = used
        self.arrays: list[str] = []
        self.pairs: list[Labels] = []

    def known(self) -> set[str]:
        """The free letters whose sizes can be read off the arrays, directly or along deltas."""
        free = set(letters_for(self.free, self.taken))
        known = free.intersection(self.arrays)
        pairs = [set(p) for p in self.pairs if free.issuperset(p)]
        for _ in pairs:
            known.update(*(p for p in pairs if p & known))
        return known

    def indexed(self, tree: Tree, labels: Labels) -> str:
        self.arrays += labels
        return self.style.indexed(tree, labels)

    def entry(self, node: Node, labels: Labels, outer: bool = False) -> str:
        """One entry; sums are bracketed unless they stand outermost."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise LimitError("the indexed form is nested too deeply to be written out")
        written = self._entry(node, labels)
        self.depth -= 1
        opens = (isinstance(node, Add) and len(node.terms) > 1) or (
            isinstance(node, Einsum) and node.rank < len(node.args)
        )
        left, right = self.style.brackets
        return written if outer or not opens else f"{left}{written}{right}"

    def _entry(self, node: Node, labels: Labels) -> str:
        if isinstance(node, Add):
            return self._sum(node, labels)
        if isinstance(node, Einsum):
            sign, body = self._product(1, node, labels)
            return f"-{body}" if sign < 0 else body
        if isinstance(node, Delta):
            self.pairs.append(labels)
            return self.style.delta(labels)
        if isinstance(node, Map) and node.rank > 2:
            return self.style.function(
                node.op.name, [self.entry(a, labels if a.shape else (), True) for a in node.args]
            )
        if isinstance(node, Apply) and node.rank > 2 and not node.batch:
            self.arrays += labels
            return self.style.whole(node.op.written, [self.lifter.lift(a) for a in node.args], labels)
        if isinstance(node, Reindex):
            sides = (labels[: node.split], node.shape[: node.split]), (labels[node.split :], node.shape[node.split :])
            self.arrays += [*labels[1 : node.split], *labels[node.split + 1 :]]
            return self.style.bracket(*(_flat(*side) for side in sides))
        if isinstance(node, Shift):
            offset = "" if node.offset == 0 else f" + {node.offset}"
            return self.style.bracket(f"{labels[0]}{offset}", f"{labels[1]} + {labels[2]}")
        if isinstance(node, Power) and node.rank > 2:
            base = self.style.bracketed(self.entry(node.base, labels, True))
            return self.style.power(base, self.style.bracketed(self.entry(node.exponent, (), True)))
        try:
            return self.indexed(self.lifter.lift(node), labels)
        except NoMatrixForm:
            raise NotDifferentiableError(f"no notation is known for {node!r}") from None

    def _sum(self, node: Add, labels: Labels) -> str:
        if not node.terms:
            return "0"
        written, before, last = "", self.used, self.used
        for c, term in node.terms:
            self.used = before
            sign, body = self._product(c, term, labels)
            written += (" - " if sign < 0 else " + ") + body
            last = max(last, self.used)
        self.used = last
        return "-" + written[3:] if written.startswith(" - ") else written[3:]

    def _product(self, c: Coefficient, node: Node, labels: Labels) -> tuple[int, str]:
        """The sign and the body of one term."""
        factors = node.factors if isinstance(node, Einsum) else ((node, tuple(range(node.rank))),)
        c = c * node.coefficient if isinstance(node, Einsum) else c
        bound = sorted({a for _, inner in factors for a in inner if a >= node.rank})
        fresh = letters_for(self.used + len(bound), self.taken)[self.used :]
        self.used += len(bound)
        names = dict(enumerate(labels)) | dict(zip(bound, fresh, strict=True))
        ordered = sorted((f for f in factors if not isinstance(f[0], Ones)), key=lambda f: f[1])
        first = len(self.arrays)
        parts = self._powers([(n, self._factor(n, tuple(names[a] for a in inner))) for n, inner in ordered])
        size = abs(Fraction(c))
        if size != 1 or not parts:
            parts.insert(0, self.style.number(size))
        body = self.style.times.join(parts)
        if not bound:
            return (-1 if c < 0 else 1), body
        sizes = {a: s for n, inner in factors for a, s in zip(inner, n.shape, strict=True)}
        said = {*self.arrays[first:]}
        summed = tuple(self.style.bound(names[a], sizes[a], names[a] in said) for a in bound)
        return (-1 if c < 0 else 1), self.style.sum(summed, body)

    def _powers(self, factors: list[tuple[Node, str]]) -> list[str]:
        """Equal factors written as a power."""
        times = Counter(written for _, written in factors)
        once = {written: node for node, written in factors}
        return [
            w if k == 1 or not _is_word(node) else self.style.power(w, str(k))
            for w, node in once.items()
            for k in [times[w]]
            for _ in range(1 if _is_word(node) else k)
        ]

    def _power(self, base: Node, exponent: Fraction) -> str:
        """A scalar to a number."""
        try:
            self.lifter.lift(base)
            tree, whole = self.lifter.scalar_power(base, exponent)
            written, exponent = self.indexed(tree, ()), Fraction(whole)
        except NoMatrixForm:
            written = self.style.bracketed(self.entry(base, (), True))
        return written if exponent == 1 else self.style.power(written, self.style.number(exponent))

    def _factor(self, node: Node, labels: Labels) -> str:
        if isinstance(node, Power) and node.rank <= 2:
            exponent = as_number(node.exponent)
            if exponent is not None and not labels:
                return self._power(node.base, Fraction(exponent))
        if isinstance(node, Add | Einsum) and len(labels) <= 2:
            try:
                return self.indexed(self.lifter.lift(node), labels)
            except NoMatrixForm:
                pass  # opened below, entry by entry
        return self.entry(node, labels)


def _is_word(node: Node) -> bool:
    """Whether a factor's own notation can stand in a power."""
    return isinstance(node, Input | Map | Apply | Size | Constant)
