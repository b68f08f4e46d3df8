"""The shape rules that records share, and the words of their errors.

Errors raised here know shapes but not the user's text; lowering adds place and sub-expressions.
"""

from __future__ import annotations

from collections.abc import Callable

from symgrad.errors import ShapeError
from symgrad.tensor.build import einsum, elementwise, full
from symgrad.tensor.dims import Shape, agree
from symgrad.tensor.nodes import EntrywiseFunction, Node, Reindex
from symgrad.tensor.view import View, same_shape


def scalar_view(node: Node) -> View:
    """A node without axes, read as a scalar."""
    return View(node, 0)


def require_square(view: View, what: str) -> None:
    """Raises ShapeError unless the view is a square matrix or a scalar."""
    if not view.is_scalar and (not view.is_matrix or not view.is_square):
        raise ShapeError(f"{what} needs a square matrix, but this is {view.describe()}")


def require_vector(view: View, what: str, instead: str) -> None:
    """Raises ShapeError unless the view is a column or a row."""
    if not (view.is_column or view.is_row):
        raise ShapeError(f"{what} needs a vector, but this is {view.describe()}", hint=instead)


def require_scalar(view: View, what: str) -> None:
    """Raises ShapeError unless the view is a scalar."""
    if not view.is_scalar:
        raise ShapeError(f"{what} must be a scalar, but this is {view.describe()}")


def regrouped(view: View, rows: Shape, columns: Shape) -> View:
    """The same matrix with its row and column indices split into other axes."""
    if view.row_sizes == rows and view.column_sizes == columns:
        return view
    node, rank = view.node, view.node.rank
    labels: list[object] = list(range(rank))
    factors: list[tuple[Node, list[object]]] = [(node, labels)]
    out: list[object] = []
    for side, (old, new) in enumerate(((view.row_sizes, rows), (view.column_sizes, columns))):
        start = 0 if side == 0 else view.rows
        own = labels[start : start + len(old)]
        if old == new or (len(old) == len(new) and all(agree(a, b) for a, b in zip(old, new, strict=True))):
            out += own
        else:
            fresh: list[object] = [(side, i) for i in range(len(new))]
            factors.append((Reindex.make(old, new), own + fresh))
            out += fresh
    return View(einsum(factors, out), len(rows))  # type: ignore[arg-type]


def as_matrix(view: View) -> View:
    """The same matrix with one row axis and one column axis, for functions that look at it as a whole."""
    if view.is_matrix and view.node.rank > 2:
        rows, columns = view.shape
        return regrouped(view, (rows,), (columns,))
    return view


def aligned(a: View, b: View, what: str, hint: str | None = None) -> tuple[View, View]:
    """Two views with the same axes; scalars are spread.  Raises ShapeError."""
    if a.is_scalar and not b.is_scalar:
        return View(full(a.node, b.node.shape), b.rows), b
    if b.is_scalar and not a.is_scalar:
        return a, View(full(b.node, a.node.shape), a.rows)
    if not same_shape(a, b):
        raise ShapeError(f"cannot {what}: the left side is {a.describe()}, the right side {b.describe()}", hint=hint)
    return a, regrouped(b, a.row_sizes, a.column_sizes)


def entrywise(op: Callable[[], EntrywiseFunction]) -> Callable[..., View]:
    """The shape rule of a function applied entry by entry: all arguments have one shape, scalars are spread."""

    def build(*views: View) -> View:
        first = next((v for v in views if not v.is_scalar), views[0])
        nodes = [v.node if v.is_scalar else aligned(first, v, f"apply {op().written}")[1].node for v in views]
        return View(elementwise(op(), *nodes), first.rows)

    return build
