"""Indices of a stacked product that deltas tie together, and the parts that lie between the indices.

`rows` and `columns` are the labels of the wanted matrix.  Nothing here knows notation: products go in and out as
factors with labels, so that `stacked` can look for a form in them.
"""

from __future__ import annotations

from collections.abc import Hashable

from symgrad.calculus.cancel import components
from symgrad.notation.network import NoMatrixForm
from symgrad.tensor.build import einsum
from symgrad.tensor.nodes import Delta, Node

Labels = tuple[Hashable, ...]
Factors = list[tuple[Node, Labels]]


def parts_of(factors: Factors, ends: set[Hashable]) -> list[Factors]:
    """The factors in groups that share summed labels."""
    summed = [tuple(a for a in labels if a not in ends) for _, labels in factors]
    parts: list[Factors] = [[f] for f, inner in zip(factors, summed, strict=True) if f[1] and not inner]
    for group in components([(n, inner) for (n, _), inner in zip(factors, summed, strict=True) if inner]):
        reached = {a for _, inner in group for a in inner}
        parts.append([f for f in factors if reached & set(f[1])])
    return parts


def untied(factors: Factors, rows: Labels, columns: Labels) -> Factors:
    """Deltas that tie several indices of the result together as deltas between a row and a column index each."""
    ties = [labels for n, labels in factors if isinstance(n, Delta)]
    classes: list[set[Hashable]] = []
    for pair in ties:
        joined = set(pair).union(*(c for c in classes if c & set(pair)))
        classes = [c for c in classes if not c & set(pair)] + [joined]
    untied = [(n, _moved(ls, classes, rows, columns)) for n, ls in factors if not isinstance(n, Delta)]
    sizes = {a: n.shape[0] for n, labels in factors if isinstance(n, Delta) for a in labels}
    for tied in classes:
        on_rows, on_columns = [a for a in rows if a in tied], [a for a in columns if a in tied]
        if not on_rows or not on_columns or len(tied) != len(on_rows) + len(on_columns):
            raise NoMatrixForm
        size = Delta.make(next(sizes[a] for a in tied if a in sizes))
        untied += [(size, (a, on_columns[0])) for a in on_rows] + [(size, (on_rows[0], a)) for a in on_columns[1:]]
    return untied


def joined_chains(factors: Factors, rows: Labels, columns: Labels) -> Factors:
    """The factors, those of a chain between two labels of the result as one matrix."""
    joined: Factors = [f for f in factors if not f[1]]
    for part in parts_of(factors, {*rows, *columns}):
        over = {a for _, labels in part for a in labels} & {*rows, *columns}
        ends = tuple(a for a in (*rows, *columns) if a in over)
        joined += part if len(ends) != 2 or len(part) == 1 else [(einsum(part, ends), ends)]
    return joined


def _moved(labels: Labels, classes: list[set[Hashable]], rows: Labels, columns: Labels) -> Labels:
    """A factor at an index that is tied to others, read at the one that leaves it a row and a column index."""
    moved = []
    for a in labels:
        others = {b for b in labels if b != a}
        for tied in classes:
            away = columns if others & set(rows) else rows
            if a in tied and others & {*rows, *columns}:
                a = next((b for b in away if b in tied), a)
        moved.append(a)
    return tuple(moved)


def on_the_diagonal(factors: Factors, rows: Labels, columns: Labels) -> Factors | None:
    """The factors over the row labels where deltas tie each column label to one and an array lies over both."""
    ties: dict[Hashable, Hashable] = {}
    for a, b in [labels for n, labels in factors if isinstance(n, Delta)]:
        ties.update({b: a} if a in rows and b in columns else {a: b} if b in rows and a in columns else {})
    if set(ties) != set(columns) or set(ties.values()) != set(rows):
        return None
    moved = [(n, tuple(ties.get(a, a) for a in labels)) for n, labels in factors if not isinstance(n, Delta)]
    return moved if any(set(labels) == set(rows) for _, labels in moved) else None
