"""A tensor read as a matrix: which of its axes make the rows and which the columns.

The graph knows only axes.  People write scalars, columns, rows and matrices; `View` is the bridge.
The first `rows` axes of the tensor, the slowest first, are read as one row index, the others as one
column index; no axis at all means a size of 1.  So vec, Kronecker products and 1 x n rows need no
node of their own: they regroup axes.

A column vector is a tensor of one axis with `rows=1`, a row vector the same tensor with `rows=0`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from symgrad.tensor.dims import Size, agree, times

if TYPE_CHECKING:
    from symgrad.tensor.nodes import Node


Kind = Literal["scalar", "column", "row", "matrix"]


@dataclass(slots=True, unsafe_hash=True)
class View:
    """`node` with its first `rows` axes as row index and the rest as column index; never changed."""

    node: Node
    rows: int

    @property
    def row_sizes(self) -> tuple[Size, ...]:
        return self.node.shape[: self.rows]

    @property
    def column_sizes(self) -> tuple[Size, ...]:
        return self.node.shape[self.rows :]

    @property
    def shape(self) -> tuple[Size, Size]:
        """(number of rows, number of columns)."""
        return times(*self.row_sizes), times(*self.column_sizes)

    @property
    def is_scalar(self) -> bool:
        return not self.node.shape

    @property
    def is_column(self) -> bool:
        return self.rows > 0 and self.rows == len(self.node.shape)

    @property
    def is_row(self) -> bool:
        return self.rows == 0 and len(self.node.shape) > 0

    @property
    def is_matrix(self) -> bool:
        return 0 < self.rows < len(self.node.shape)

    @property
    def is_square(self) -> bool:
        return agree(*self.shape)

    @property
    def kind(self) -> Kind:
        return "scalar" if self.is_scalar else "column" if self.is_column else "row" if self.is_row else "matrix"

    def describe(self) -> str:
        """The shape in words, as errors and echoes say it."""
        r, c = self.shape
        return {
            "scalar": "a scalar",
            "column": f"a column vector ({r} x 1)",
            "row": f"a row vector (1 x {c})",
            "matrix": f"a matrix ({r} x {c})",
        }[self.kind]


def same_shape(a: View, b: View) -> bool:
    """Whether two views have the same numbers of rows and columns."""
    if a.rows == b.rows and a.node.shape == b.node.shape:
        return True
    return a.kind == b.kind and agree(a.shape[0], b.shape[0]) and agree(a.shape[1], b.shape[1])
