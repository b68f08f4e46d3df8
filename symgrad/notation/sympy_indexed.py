"""Entries with indices, as SymPy's sums over `X[i, j]` have them, turned into matrix notation.

An `Entries` is a tree with up to two index labels: none is a scalar (or a whole array that nothing
indexes), one a column over that index, two a matrix.  The operations here are entry by entry; `summed`
removes an index from a product by a matrix product where one exists.  What has no matrix notation is an
error, never a guess.  This module knows trees and labels, not SymPy.

>>> from symgrad.notation.text import text
>>> from symgrad.notation.tree import Name
>>> x, A = Entries(Name("x"), ("i",)), Entries(Name("A"), ("i", "j"))
>>> text(collapsed(summed([A, x], "i", 5)).tree)
"A'*x"
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from symgrad.errors import ParseError
from symgrad.notation.sympy_symbols import size_tree
from symgrad.notation.tree import Call, Number, Tree
from symgrad.operations.catalogue import record
from symgrad.operations.record import Elementwise
from symgrad.tensor.dims import Size

Label = Hashable


@dataclass(frozen=True, slots=True)
class Entries:
    """A tree, and the indices its entries are named by."""

    tree: Tree
    labels: tuple[Label, ...] = ()


ONE: Tree = Number(Fraction(1))


def is_one(tree: Tree) -> bool:
    """Whether a tree is the number 1."""
    return tree == ONE


def number(value: Fraction) -> Tree:
    """A number as it is written; a negative one is a sign and a number."""
    return Call("negate", (Number(-value),)) if value < 0 else Number(value)


def transposed(tree: Tree) -> Tree:
    """The transpose, without doubling it."""
    if isinstance(tree, Call) and tree.op == "transpose":
        return tree.args[0]
    return Call("transpose", (tree,))


def product(left: Tree, right: Tree, op: str = "multiply") -> Tree:
    """left * right, signs in front, divisions at the end, ones left out."""
    for one, other in ((left, right), (right, left)):
        if is_one(one):
            return other
    if isinstance(left, Call) and left.op == "negate":
        return Call("negate", (product(left.args[0], right, op),))
    if isinstance(left, Call) and left.op == "divide" and op == "multiply" and is_one(left.args[0]):
        return Call("divide", (right, left.args[1]))
    return Call(op, (left, right))


def scaled(scalar: Tree, array: Tree) -> Tree:
    """A scalar times an array."""
    return product(scalar, array)


def sum_of(left: Tree, right: Tree) -> Tree:
    """A sum; a sign in front of the right side makes it a difference."""
    if isinstance(right, Call) and right.op == "negate":
        return Call("subtract", (left, right.args[0]))
    return Call("add", (left, right))


# --- entry by entry ------------------------------------------------------------------------------


def turned(entries: Entries, labels: tuple[Label, ...]) -> Entries:
    """The same entries with the labels in that order."""
    if entries.labels == labels:
        return entries
    return Entries(transposed(entries.tree), labels)


def spread(entries: Entries, labels: tuple[Label, ...], sizes: Mapping[Label, Size]) -> Entries:
    """The same entries repeated along the labels they do not have; a scalar stays one, for the language spreads it."""
    if not entries.labels or set(entries.labels) == set(labels):
        return turned(entries, labels) if entries.labels else entries
    (own,) = entries.labels
    (other,) = set(labels) - {own}
    ones = Call("ones", (size_tree(sizes[other]),))
    if labels[0] == own:
        return Entries(Call("multiply", (entries.tree, transposed(ones))), labels)
    return Entries(Call("multiply", (ones, transposed(entries.tree))), labels)


def common_labels(all_entries: Sequence[Entries]) -> tuple[Label, ...]:
    """The labels of several entries, the widest first.  Raises ParseError beyond two."""
    widest_first = sorted(all_entries, key=lambda e: -len(e.labels))
    labels = tuple(dict.fromkeys(label for e in widest_first for label in e.labels))
    if len(labels) > 2:
        raise ParseError("an expression over more than two indices has no matrix notation")
    return labels


def added(terms: Sequence[Entries], sizes: Mapping[Label, Size]) -> Entries:
    """The sum of entries."""
    labels = common_labels(terms)
    aligned = [spread(t, labels, sizes) for t in terms]
    first = next((i for i, t in enumerate(aligned) if not _is_negated(t.tree)), 0)
    aligned.insert(0, aligned.pop(first))  # no sign in front where another term can stand there
    result = aligned[0].tree
    for term in aligned[1:]:
        result = sum_of(result, term.tree)
    return Entries(result, labels)


def _is_negated(tree: Tree) -> bool:
    return isinstance(tree, Call) and tree.op == "negate"


def called(name: str, arguments: Sequence[Entries], sizes: Mapping[Label, Size]) -> Entries:
    """A function of the catalogue applied entry by entry (or to what nothing indexes)."""
    labels = common_labels(arguments)
    if labels and not isinstance(record(name), Elementwise) and name != "sqrt":
        raise ParseError(f"{name} of single entries has no matrix notation")
    return Entries(Call(name, tuple(spread(a, labels, sizes).tree for a in arguments)), labels)


def multiplied(a: Entries, b: Entries) -> Entries:
    """The product entry by entry, where one has no labels or both have the same."""
    if not a.labels or not b.labels:
        return Entries(product(a.tree, b.tree) if not a.labels else product(b.tree, a.tree), a.labels or b.labels)
    return Entries(product(a.tree, turned(b, a.labels).tree, "hadamard"), a.labels)


def divided(a: Entries, b: Entries, sizes: Mapping[Label, Size]) -> Entries:
    """The quotient entry by entry."""
    labels = common_labels((a, b))
    above, below = spread(a, labels, sizes).tree, spread(b, labels, sizes).tree
    op = "hadamard_divide" if b.labels else "divide"
    if isinstance(above, Call) and above.op == "negate":
        return Entries(Call("negate", (Call(op, (above.args[0], below)),)), labels)
    return Entries(Call(op, (above, below)), labels)


def power(base: Entries, exponent: Entries, sizes: Mapping[Label, Size]) -> Entries:
    """base ^ exponent entry by entry; over different indices with exp and log."""
    if exponent.labels and exponent.labels == base.labels:
        return Entries(Call("hadamard_power", (base.tree, exponent.tree)), base.labels)
    if exponent.labels:
        if _is_negative(base.tree):
            raise ParseError("a negative number to the power of an array is not a real array")
        return called("exp", [multiplied_or_spread(called("log", [base], sizes), exponent, sizes)], sizes)
    if isinstance(exponent.tree, Call) and exponent.tree.op == "negate":
        below = power(base, Entries(exponent.tree.args[0]), sizes)
        return divided(Entries(ONE), below, sizes)
    if is_one(exponent.tree):
        return base
    if exponent.tree == Number(Fraction(1, 2)):
        return Entries(Call("sqrt", (base.tree,)), base.labels)
    return Entries(Call("hadamard_power" if base.labels else "power", (base.tree, exponent.tree)), base.labels)


def _is_negative(tree: Tree) -> bool:
    return isinstance(tree, Call) and tree.op == "negate" and isinstance(tree.args[0], Number)


def multiplied_or_spread(a: Entries, b: Entries, sizes: Mapping[Label, Size]) -> Entries:
    """The product entry by entry over all labels of both."""
    if not a.labels or not b.labels:
        return multiplied(a, b)
    labels = common_labels((a, b))
    return multiplied(spread(a, labels, sizes), spread(b, labels, sizes))


# --- products and sums over an index -------------------------------------------------------------


def merged(factors: Sequence[Entries]) -> list[Entries]:
    """Factors over the same labels made one; a factor without labels stays in front."""
    groups: dict[frozenset[Label], Entries] = {}
    for factor in factors:
        key = frozenset(factor.labels)
        groups[key] = multiplied(groups[key], factor) if key in groups else factor
    return sorted(groups.values(), key=lambda f: len(f.labels) > 0)


def summed(factors: Sequence[Entries], label: Label, size: Size) -> list[Entries]:
    """The product of factors summed over one index."""
    touching = [f for f in factors if label in f.labels]
    rest = [f for f in factors if label not in f.labels]
    if not touching:
        return [*rest, Entries(size_tree(size))]
    vectors = [f for f in touching if len(f.labels) == 1]
    matrices = [turned(f, (label, *_others(f, label))) for f in merged([f for f in touching if len(f.labels) == 2])]
    return [*rest, _contracted(vectors, matrices, label)]


def summable(factors: Sequence[Entries], label: Label) -> bool:
    """Whether at most two matrices meet in the index."""
    return len({frozenset(f.labels) for f in factors if label in f.labels and len(f.labels) == 2}) <= 2


def _others(factor: Entries, label: Label) -> tuple[Label, ...]:
    return tuple(other for other in factor.labels if other != label)


def _contracted(vectors: list[Entries], matrices: list[Entries], label: Label) -> Entries:
    if len(matrices) > 2:
        raise ParseError(f"a sum over {label} in which more than two matrices meet has no matrix notation here")
    if not matrices:
        return _dot(vectors)
    first = matrices[0]
    if len(matrices) == 1:
        if vectors:
            (vector,) = merged(vectors)
            return Entries(Call("multiply", (transposed(first.tree), vector.tree)), first.labels[1:])
        return Entries(Call("rowsum", (transposed(first.tree),)), first.labels[1:])
    right = matrices[1].tree
    if vectors:
        (vector,) = merged(vectors)
        right = Call("multiply", (Call("diag", (vector.tree,)), right))
    return Entries(Call("multiply", (transposed(first.tree), right)), (first.labels[1], matrices[1].labels[1]))


def _dot(vectors: list[Entries]) -> Entries:
    """The sum of a product of columns."""
    if len(vectors) == 1:
        return Entries(Call("sum", (vectors[0].tree,)))
    (left,) = merged(vectors[:-1])
    return Entries(Call("multiply", (transposed(left.tree), vectors[-1].tree)))


def collapsed(factors: Sequence[Entries]) -> Entries:
    """A product of factors as one: outer products, and vectors that scale rows or columns of a matrix."""
    coefficient = Entries(ONE)
    columns: list[Entries] = []
    matrix: Entries | None = None
    for factor in merged(factors):
        if not factor.labels:
            coefficient = factor
        elif len(factor.labels) == 1:
            columns.append(factor)
        elif matrix is None:
            matrix = factor
        else:
            raise ParseError("a product over more than two indices has no matrix notation")
    common_labels([*columns, *([matrix] if matrix else [])])
    return multiplied(coefficient, _scaled_lines(matrix, columns)) if columns or matrix else coefficient


def _scaled_lines(matrix: Entries | None, columns: list[Entries]) -> Entries:
    if matrix is None:
        first, *others = columns
        if not others:
            return first
        return Entries(Call("multiply", (first.tree, transposed(others[0].tree))), (*first.labels, *others[0].labels))
    tree = matrix.tree
    for column in columns:
        diagonal = Call("diag", (column.tree,))
        pair = (diagonal, tree) if column.labels[0] == matrix.labels[0] else (tree, diagonal)
        tree = Call("multiply", pair)
    return Entries(tree, matrix.labels)
