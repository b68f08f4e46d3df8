"""Layouts: which axes of a derivative are its rows and which its columns.

A derivative is one tensor, output axes first, then each variable's.  A layout only reads it: `arrange`
names the axes of the row index and of the column index, the slowest first, so that changing the layout
never derives anew.  Rows of a Jacobian are outputs; a matrix is stacked by its columns or its rows.

>>> f, x = Part((), ()), Part((0,), ())
>>> arrange(f, [x], "gradient"), arrange(f, [x], "numerator")
(Arrangement(rows=(0,), columns=()), Arrangement(rows=(), columns=(0,)))
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from symgrad.errors import LayoutError, did_you_mean
from symgrad.tensor.dims import Shape, Size, times

LAYOUTS = ("mixed", "numerator", "denominator", "gradient", "tensor")
STACKINGS = ("column", "row")

Axes = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """The axes of the output or of one variable within the derivative: its rows, its columns."""

    rows: Axes
    columns: Axes

    def stacked(self, vec: str) -> Axes:
        """All axes as one index: by columns, the column index is the slow one."""
        return self.columns + self.rows if vec == "column" else self.rows + self.columns

    @property
    def is_scalar(self) -> bool:
        return not self.rows and not self.columns

    @property
    def is_matrix(self) -> bool:
        return bool(self.rows and self.columns)


@dataclass(frozen=True, slots=True)
class Arrangement:
    """The axes of the row index and of the column index; both None where the result stays a tensor."""

    rows: Axes | None
    columns: Axes | None

    @property
    def is_tensor(self) -> bool:
        return self.rows is None

    def shape(self, sizes: Shape) -> tuple[Size, Size]:
        assert self.rows is not None and self.columns is not None
        return times(*(sizes[a] for a in self.rows)), times(*(sizes[a] for a in self.columns))

    def transposed(self) -> Arrangement:
        return Arrangement(self.columns, self.rows)


TENSOR = Arrangement(None, None)


def check_layout(layout: str, vec: str) -> None:
    """Raises LayoutError for a name that is no layout or stacking."""
    if layout not in LAYOUTS:
        raise LayoutError(f"there is no layout {layout!r}", hint=did_you_mean(layout, LAYOUTS))
    if vec not in STACKINGS:
        raise LayoutError(f"vec stacks by 'column' or 'row', not by {vec!r}", hint=did_you_mean(vec, STACKINGS))


def arrange(output: Part, variables: Sequence[Part], layout: str, vec: str = "column") -> Arrangement:
    """The arrangement of a derivative of `output` by `variables` in turn.  Raises LayoutError."""
    check_layout(layout, vec)
    arrays = [v for v in variables if not v.is_scalar]
    if layout == "tensor":
        return TENSOR
    if not output.is_scalar:
        return _of_array(output, arrays, layout, vec)
    if not arrays:
        return Arrangement((), ())
    if len(arrays) == 1:
        gradient = Arrangement(arrays[0].rows, arrays[0].columns)
        return gradient.transposed() if layout == "numerator" else gradient
    return Arrangement(arrays[0].stacked(vec), arrays[1].stacked(vec)) if len(arrays) == 2 else TENSOR


def _of_array(output: Part, arrays: list[Part], layout: str, vec: str) -> Arrangement:
    if layout == "gradient":
        raise LayoutError(
            "the gradient layout is for scalar outputs, and this output is an array",
            hint="layout='numerator' for the Jacobian (rows = outputs), 'denominator' for its transpose",
        )
    if len(arrays) > 1:
        return TENSOR
    if arrays:
        jacobian = Arrangement(output.stacked(vec), arrays[0].stacked(vec))
    else:
        jacobian = Arrangement(output.rows, output.columns)
    return jacobian.transposed() if layout == "denominator" else jacobian
