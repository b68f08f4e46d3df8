"""Where a wrong answer differs: on the diagonal, in some rows or columns, where a mask is zero or one.

Only values at points are compared; what was done wrong is not looked for here.

>>> from symgrad.verification.answers import check_answer
>>> print(check_answer("tr(X*sin(X))", "X", answer="X*X*X+sin(X)*X", where="X: R^{n x n}").explanation)
no entry agrees
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any, Protocol

import numpy as np

from symgrad.derivation import Derivative
from symgrad.errors import SymgradError
from symgrad.notation.lift import lift
from symgrad.notation.network import NoMatrixForm
from symgrad.notation.text import text
from symgrad.operations.record import Elementwise
from symgrad.tensor.nodes import Map, Node, walk
from symgrad.tensor.view import View
from symgrad.verification.mistake import Line
from symgrad.verification.witnesses import Point

Array = Any
POINTS = 4
CLOSE = 1e-8


class Bench(Protocol):
    """What is needed of a case."""

    @property
    def derivative(self) -> Derivative: ...
    @property
    def points(self) -> Iterable[Point]: ...
    def arranged(self, derivative: Derivative) -> View: ...
    def values(self, views: Sequence[View], point: Point) -> list[Array]: ...


def where_it_differs(bench: Bench, said: View) -> list[str]:
    """In words, which entries of an answer of the right shape are right."""
    wanted = bench.arranged(bench.derivative)
    masks = _masks(wanted.node)
    agreeing, at_masks = [], []
    try:
        for point in islice(bench.points, POINTS):
            answer, truth, *values = bench.values([said, wanted, *(View(m, min(1, m.rank)) for m in masks)], point)
            agreeing.append(np.abs(answer - truth) <= CLOSE * (1 + np.abs(truth)))
            at_masks.append(values)
    except SymgradError:
        return []
    if all(a.size == 1 for a in agreeing) or all(a.all() for a in agreeing):
        return []
    return _by_mask(agreeing, masks, at_masks) or _by_place(agreeing)


def _by_place(agreeing: Sequence[Array]) -> list[str]:
    if not any(a.any() for a in agreeing):
        return [Line("no entry agrees", "هیچ درایه‌ای درست نیست")]
    square = [a for a in agreeing if a.shape[0] == a.shape[1] > 1]
    if square and len(square) == len(agreeing):
        diagonal = [np.eye(len(a), dtype=bool) for a in square]
        if all(a[~d].all() for a, d in zip(square, diagonal, strict=True)):
            return [Line("it differs on the diagonal only", "تنها درایه‌های قطر نادرست‌اند")]
        if all(a[d].all() and not a[~d].any() for a, d in zip(square, diagonal, strict=True)):
            return [Line("it agrees on the diagonal only", "تنها درایه‌های قطر درست‌اند")]
    if all((a.all(axis=1) | ~a.any(axis=1)).all() for a in agreeing) and agreeing[0].shape[0] > 1:
        return [_of_rows(next((a for a in agreeing if not a.all()), agreeing[0]).all(axis=1))]
    share = sum(int(a.sum()) for a in agreeing) / sum(a.size for a in agreeing)
    return [Line(f"{share:.0%} of the entries agree", f"{share:.0%} درایه‌ها درست‌اند")]


def _of_rows(right: Array) -> Line:
    kinds = [_listed(rows) for rows in (right, ~right)]
    en = "at one point the right rows are {}, the wrong ones {}".format(*kinds)
    return Line(en, "در یک نقطه سطرهای درست {} و سطرهای نادرست {} هستند".format(*kinds))


def _listed(rows: Array) -> str:
    return ", ".join(str(i + 1) for i in np.flatnonzero(rows)) or "-"


def _masks(node: Node) -> Sequence[Node]:
    """The comparisons that occur in the derivative, vectors and matrices."""
    return [n for n in walk(node) if isinstance(n, Map) and _is_mask(n) and n.rank in (1, 2)][:4]


def _is_mask(node: Map) -> bool:
    return isinstance(node.op, Elementwise) and node.op.notation.fixity == "bracket"


def _by_mask(agreeing: Sequence[Array], masks: Sequence[Node], values: Sequence[Sequence[Array]]) -> list[str]:
    """Whether the entries or rows that agree are those where a mask is one, or zero."""
    for k, mask in enumerate(masks):
        for turned in (False, True):
            for on in (1, 0):
                if _explains(agreeing, [v[k].T if turned else v[k] for v in values], on):
                    rows = "rows" if mask.rank == 1 else "entries"
                    where = ("columns" if turned else rows) if mask.rank == 1 else rows
                    en = f"it agrees on the {where} where {_written(mask)} is {on}, and differs elsewhere"
                    fa = f"{_PLACES[where]} که در آن‌ها {_written(mask)} برابر {on} است درست‌اند و بقیه نادرست"
                    return [Line(en, fa)]
    return []


_PLACES = {"rows": "سطرهایی", "columns": "ستون‌هایی", "entries": "درایه‌هایی"}


def _explains(agreeing: Sequence[Array], masks: Sequence[Array], on: int) -> bool:
    seen = set()
    for a, m in zip(agreeing, masks, strict=True):
        if (m.shape[0] != a.shape[0] and m.shape[0] != 1) or m.shape[1] not in (1, a.shape[1]):
            return False
        wanted = np.broadcast_to(m == on, a.shape)
        if (a != wanted).any():
            return False
        seen |= set(np.unique(wanted))
    return seen == {True, False}


def _written(mask: Node) -> str:
    try:
        return text(lift(mask))
    except NoMatrixForm:
        return "the mask"
