"""What kind of linear map a derivative is, read off its graph.

A tensor J[rows, columns] opens into a sum of products; each product is a small network, whose connected
parts say what it is: a part that joins a row to a column by an identity is a diagonal, parts side by side
are a Kronecker product, parts with rows only or columns only are the vectors of a rank one term.  Labels
describe; the products of `operators` never depend on them.  Nothing here knows arrays.

>>> from symgrad.tensor.dims import letter
>>> x = Input.make("x", (letter("n"),))
>>> outer = einsum([(x, "i"), (x, "j")], "ij")
>>> structure(add([(1, einsum([(x, "i"), (Delta.make(letter("n")), "ij")], "ij")), (-1, outer)]), (0,), (1,))
'diagonal plus rank one'
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from itertools import count

from symgrad.tensor.build import add, einsum, is_zero, zero
from symgrad.tensor.nodes import Add, Coefficient, Delta, Einsum, Input, Node, Ones, Reindex, Shift

MOST_TERMS = 64  # of an opened sum
NUMBERS = ("", "one", "two", "three", "four", "five", "six")

Labels = tuple[Hashable, ...]
Factor = tuple[Node, Labels]


@dataclass(frozen=True, slots=True)
class Term:
    """coefficient * product of labelled factors; the labels 0, 1, ... are the tensor's axes."""

    coefficient: Coefficient
    factors: tuple[Factor, ...]


# --- opening -------------------------------------------------------------------------------------


def opened(node: Node) -> list[Term]:
    """The tensor as a sum of products, opened as far as products with a vector profit from it."""
    fresh = count()
    done: list[Term] = []
    stack: list[tuple[Coefficient, list[Factor], list[Factor]]] = [(1, [(node, tuple(range(node.rank)))], [])]
    while stack:
        coefficient, waiting, settled = stack.pop()
        if not waiting:
            done.append(Term(coefficient, tuple(settled)))
            continue
        factor, *rest = waiting
        inner, labels = factor
        opens = _opens(inner, labels, [*rest, *settled])
        if isinstance(inner, Einsum) and opens:
            bound = {a: ("bound", next(fresh)) for _, own in inner.factors for a in own if a >= inner.rank}
            names = {**dict(enumerate(labels)), **bound}
            parts = [(n, tuple(names[a] for a in own)) for n, own in inner.factors]
            stack.append((coefficient * inner.coefficient, [*parts, *rest], settled))
        elif isinstance(inner, Add) and opens and len(stack) + len(done) + len(inner.terms) <= MOST_TERMS:
            stack += [(coefficient * c, [(n, labels), *rest], list(settled)) for c, n in reversed(_summands(inner))]
        else:
            stack.append((coefficient, rest, [*settled, factor]))
    return done


def _opens(node: Node, labels: Labels, others: Iterable[Factor]) -> bool:
    """Whether a product with a vector is cheaper through the parts.

    Not beside an array over the same two axes, where it is better multiplied out once; more axes would be too many.
    """
    if isinstance(node, Einsum) and (node.rank > 3 or all(a < node.rank for _, own in node.factors for a in own)):
        return True
    if node.rank < 2 or any(len(set(labels) & set(own)) > 1 for n, own in others if not isinstance(n, Delta)):
        return False
    if isinstance(node, Add):
        return not node.terms or not all(_is_array(n) for _, n in node.terms)
    return isinstance(node, Einsum)


def _is_array(node: Node) -> bool:
    """Whether a term has no structure to profit from: it is an array over all of its axes, or constant."""
    if isinstance(node, Einsum):
        axes = set(range(node.rank))
        constant = all(isinstance(n, Ones) or not n.rank for n, _ in node.factors)
        return constant or any(axes <= set(own) and not isinstance(n, Delta) for n, own in node.factors)
    return not isinstance(node, Delta | Add)


def _summands(node: Add) -> list[tuple[Coefficient, Node]]:
    """The terms that a sum opens into; those that are mere arrays stay together, as one."""
    arrays = [(c, n) for c, n in node.terms if _is_array(n)]
    others = [(c, n) for c, n in node.terms if not _is_array(n)]
    return [(1, add(arrays)), *others] if len(arrays) > 1 else list(node.terms)


def applied(node: Node, vector: Node, columns: Sequence[int], rows: Sequence[int], batch: int = 0) -> Node:
    """J applied to an array over the columns (and `batch` more axes): J itself is never an array."""
    more = [("batch", i) for i in range(batch)]
    out = [*rows, *more]
    terms = [(1, einsum([*t.factors, (vector, (*columns, *more))], out, t.coefficient)) for t in opened(node)]
    shape = (*(node.shape[r] for r in rows), *vector.shape[vector.rank - batch :])
    return add(terms, shape) if terms else zero(shape)


# --- naming --------------------------------------------------------------------------------------


def structure(node: Node, rows: Sequence[int], columns: Sequence[int]) -> str:
    """The structure of the matrix in words, such as "diagonal plus rank one"."""
    if is_zero(node):
        return "zero"
    kinds = Counter(_kind(term, rows, columns) for term in opened(node))
    for wider, narrower in _WITHIN:
        if wider in kinds:
            kinds = Counter({k: c for k, c in kinds.items() if k not in narrower})
    ordered = sorted(kinds.items(), key=lambda item: _ORDER.split().index(item[0].split()[0]))
    return " plus ".join(_counted(kind, times) for kind, times in ordered)


_WITHIN = (
    ("block diagonal", ("diagonal", "identity", "scaled identity")),
    ("diagonal", ("identity", "scaled identity")),
    ("scaled identity", ("identity",)),
)
_ORDER = "scalar identity scaled diagonal block commutation selection Toeplitz Kronecker product dense rank"


def _counted(kind: str, times: int) -> str:
    if kind == "rank one":
        return f"rank {NUMBERS[times] if times < len(NUMBERS) else times}"
    if times == 1 or kind in ("diagonal", "scaled identity", "block diagonal"):
        return kind
    return f"sum of {NUMBERS[times] if times < len(NUMBERS) else times} ({kind})"


def _kind(term: Term, rows: Sequence[int], columns: Sequence[int]) -> str:
    classes = _Classes()
    for node, labels in term.factors:
        if isinstance(node, Delta):
            classes.join(*labels)
    parts = _parts(term, classes, (*rows, *columns))
    shapes = [_Part.of(part, term, classes, rows, columns) for part in parts]
    joined = [s for s in shapes if s.rows and s.columns]
    if not rows and not columns:
        return "scalar"
    if not joined:
        return "rank one"
    if len(joined) < len(shapes):
        return "Kronecker"
    if all(s.kind in ("identity", "diagonal") for s in joined):
        return _diagonal(term, joined, [classes.root(r) for r in rows], [classes.root(c) for c in columns])
    if len(joined) == 1:
        return joined[0].kind
    return "Kronecker times commutation" if _crossed(joined, rows, columns) else "Kronecker"


def _diagonal(term: Term, parts: Sequence[_Part], rows: list[Hashable], columns: list[Hashable]) -> str:
    plain = all(p.kind == "identity" for p in parts)
    if len(set(rows)) < len(rows) or len(set(columns)) < len(columns):
        return "selection" if plain else "scaled selection"
    if rows != columns:
        return "commutation" if plain else "diagonal times commutation"
    scaled = term.coefficient != 1 or any(not isinstance(n, Delta) for n, _ in term.factors)
    return "diagonal" if not plain else "scaled identity" if scaled else "identity"


class _Classes:
    """Labels that identities make equal."""

    def __init__(self) -> None:
        self.above: dict[Hashable, Hashable] = {}

    def root(self, label: Hashable) -> Hashable:
        while label in self.above:
            label = self.above[label]
        return label

    def join(self, a: Hashable, b: Hashable) -> None:
        if self.root(a) != self.root(b):
            self.above[self.root(b)] = self.root(a)


def _parts(term: Term, classes: _Classes, axes: Sequence[int]) -> list[set[Hashable]]:
    """The connected parts of the network, as sets of label classes, that carry an axis."""
    groups: list[set[Hashable]] = [{classes.root(a)} for a in dict.fromkeys(axes)]
    for _, labels in term.factors:
        whole = {classes.root(a) for a in labels}
        touching = [g for g in groups if g & whole]
        groups = [g for g in groups if not g & whole]
        if whole:
            groups.append(whole.union(*touching))
    merged: list[set[Hashable]] = []
    for group in groups:
        if not any(group == m for m in merged):
            merged.append(group)
    kept = {classes.root(a) for a in axes}
    return [g for g in merged if g & kept]


@dataclass(frozen=True, slots=True)
class _Part:
    """One connected part of a product, with the rows and columns that it has."""

    kind: str
    rows: tuple[int, ...]
    columns: tuple[int, ...]

    @staticmethod
    def of(part: set[Hashable], term: Term, classes: _Classes, rows: Sequence[int], columns: Sequence[int]) -> _Part:
        own_rows = tuple(r for r in rows if classes.root(r) in part)
        own_columns = tuple(c for c in columns if classes.root(c) in part)
        inside = [n for n, labels in term.factors if labels and classes.root(labels[0]) in part]
        arrays = [n for n in inside if not isinstance(n, Delta | Ones)]
        row_roots, column_roots = {classes.root(r) for r in own_rows}, {classes.root(c) for c in own_columns}
        if row_roots == column_roots:
            return _Part("diagonal" if arrays else "identity", own_rows, own_columns)
        if row_roots & column_roots:
            return _Part("block diagonal", own_rows, own_columns)
        if any(isinstance(n, Reindex) for n in arrays):
            return _Part("dense", own_rows, own_columns)
        ends = row_roots, column_roots
        factors = [(n, {classes.root(a) for a in own}) for n, own in term.factors if n in arrays and own]
        kind = _toeplitz(factors, row_roots | column_roots) or _scaled_matrix(
            [f for f in factors if f[1] & part], *ends
        )
        return _Part(kind, own_rows, own_columns)


def _toeplitz(factors: Sequence[tuple[Node, set[Hashable]]], ends: set[Hashable]) -> str | None:
    """Convolutions with arrays that depend on neither the row nor the column."""
    shifts = sum(isinstance(n, Shift) for n, _ in factors)
    if not shifts or any(labels & ends for n, labels in factors if not isinstance(n, Shift)):
        return None
    return "Toeplitz matrix" if shifts == 1 else "block Toeplitz matrix"


def _scaled_matrix(factors: Sequence[tuple[Node, set[Hashable]]], rows: set[Hashable], columns: set[Hashable]) -> str:
    """A product of matrices, or one matrix and what its rows and columns are multiplied by."""
    if sum(n.rank > 1 for n, _ in factors) > 1:
        return "product of matrices"
    vectors = [labels for n, labels in factors if n.rank == 1]
    left = "diagonal times " if any(v <= rows for v in vectors) else ""
    right = " times diagonal" if any(v <= columns for v in vectors) else ""
    return f"{left}dense matrix{right}"


def _crossed(parts: Sequence[_Part], rows: Sequence[int], columns: Sequence[int]) -> bool:
    """Whether the parts stand in another order along the columns than along the rows."""
    by_row = sorted(parts, key=lambda p: min(rows.index(r) for r in p.rows))
    by_column = sorted(parts, key=lambda p: min(columns.index(c) for c in p.columns))
    return by_row != by_column


def needed(node: Node) -> list[Node]:
    """The arrays with more than two axes that products with J need whole: factors that do not open."""
    return [n for t in opened(node) for n, _ in t.factors if n.rank > 2 and not isinstance(n, Input)]
