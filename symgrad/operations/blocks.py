"""Records of block arrays and their parts: `[A, B; C, D]` puts arrays together, `X[1:m, 1:n]` cuts one out.

`hstack` and `vstack` are what brackets mean: blocks beside one another, blocks under one another; `part` is `x[1:m]`,
`rows` is `X[1:m, :]` and `columns` is `X[:, 1:n]`.  A block is placed
by a `Window`, so every derivative follows from the rule of products: that of a stack is the part where the block
lies, that of a part is the block with zeros around it.  Places count from 1 and both ends are meant.

>>> from symgrad.tensor.dims import letter
>>> from symgrad.tensor.nodes import Input
>>> x, y = (View(Input.make(name, (letter(size),)), 1) for name, size in (("x", "m"), ("y", "n")))
>>> VSTACK.build(x, y).describe()
'a column vector (m + n x 1)'
>>> PART.build(VSTACK.build(x, y), 1, letter("m")).node
x
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

from symgrad.errors import ShapeError
from symgrad.operations.arrays import Array, np
from symgrad.operations.record import Construct, Notation
from symgrad.operations.shapes import as_matrix
from symgrad.tensor.build import add, einsum
from symgrad.tensor.dims import Size, agree, plus, times
from symgrad.tensor.nodes import Add, Einsum, Node, Window
from symgrad.tensor.view import View
from symgrad.tensor.windows import minus_sizes, never_negative, window

BLOCKS = 64  # beside one another, or under one another

Labels = tuple[Hashable, ...]
_LINES = ("rows", "columns")

# --- stacks --------------------------------------------------------------------------------------


def _stack(axis: int, *given: View) -> View:
    """The blocks one after the other along an axis (0: under one another)."""
    views = [as_matrix(v) for v in given]
    along, across = [v.shape[axis] for v in views], [v.shape[1 - axis] for v in views]
    for size in across[1:]:
        if not agree(across[0], size):
            where, lines = "beside" if axis else "under", _LINES[1 - axis]
            message = f"blocks {where} one another have the same number of {lines}, not {across[0]} and {size}"
            raise ShapeError(message, hint="zeros(m, n) for a block of zeros")
    whole, shared = plus(*along), across[0]
    kept = (axis == 0 or shared != 1, axis == 1 or shared != 1)
    out = tuple(a for a, k in enumerate(kept) if k)
    terms: list[tuple[Any, Node]] = []
    offset: Size = 0
    for view, size in zip(views, along, strict=True):
        terms += _placed(view, axis, window(size, whole, offset), out)
        offset = plus(offset, size)
    shape = tuple(whole if a == axis else shared for a in out)
    return View(add(terms, shape), int(kept[0]))


def _placed(view: View, axis: int, place: Node, out: Labels) -> list[tuple[Any, Node]]:
    """One block at its place; blocks in it are placed one by one."""
    labels = _labels(view)
    moved = tuple("block" if a == axis else a for a in labels)
    if type(view.node) is Add and any(map(_is_placed, view.node.args)):
        return [(c, einsum([(n, moved), (place, ("block", axis))], out)) for c, n in view.node.terms]
    return [(1, einsum([(view.node, moved), (place, ("block", axis))], out))]


def _labels(view: View) -> Labels:
    """0 for the axis of rows, 1 for that of columns; a size of 1 has no axis."""
    return (0, 1) if view.is_matrix else (0,) if view.is_column else (1,) if view.is_row else ()


def _is_placed(node: Node) -> bool:
    return type(node) is Einsum and any(type(n) is Window for n in node.args)


# --- parts ---------------------------------------------------------------------------------------


def _part(axis: int, given: View, first: Size, last: Size) -> View:
    """The lines first, ..., last of a matrix along an axis."""
    view = as_matrix(given)
    whole, offset = view.shape[axis], minus_sizes(first, 1)
    size = minus_sizes(last, offset)
    lacking = (times(-1, size), minus_sizes(-1, offset), minus_sizes(plus(offset, size, -1), whole))
    if any(map(never_negative, lacking)):  # whatever the letters are; else it is seen when numbers are there
        raise ShapeError(f"there are no {_LINES[axis]} {first} to {last} of {whole}", hint=f"places from 1 to {whole}")
    labels = _labels(view)
    if axis not in labels:  # a single line: itself
        return given
    out = tuple("part" if a == axis else a for a in labels if a != axis or size != 1)
    node = einsum([(view.node, labels), (window(size, whole, offset), ("part", axis))], out)
    return View(node, int(0 in labels and (axis == 1 or size != 1)))


def _entries(given: View, first: Size, last: Size) -> View:
    """The entries first, ..., last of a column or a row."""
    if given.is_matrix:
        message = f"two places are wanted of {given.describe()}"
        raise ShapeError(message, hint="X[1:m, :], X[:, 1:n] or X[1, 2]")
    return _part(int(given.is_row), given, first, last)


# --- numbers -------------------------------------------------------------------------------------


def _cut(axis: int, g: Array, parts: Sequence[Array]) -> tuple[Array, ...]:
    """A stack's cotangent, cut where the blocks meet."""
    ends = np.cumsum([p.shape[axis] for p in parts])[:-1]
    return tuple(np.split(g, ends, axis=axis))


def _lines(axis: int, first: int, last: int) -> tuple[slice, ...]:
    lines = slice(first - 1, last)
    return (lines, slice(None)) if axis == 0 else (slice(None), lines)


def _taken(axis: int, x: Array, first: int, last: int) -> Array:
    if not 1 <= first <= last <= x.shape[axis]:
        raise ShapeError(f"{_LINES[axis]} {first} to {last} of {x.shape[axis]} do not exist")
    return x[_lines(axis, first, last)]


def _put_back(axis: int, g: Array, x: Array, first: int, last: int) -> tuple[Array]:
    whole = np.zeros(x.shape, dtype=g.dtype)
    whole[_lines(axis, first, last)] = g
    return (whole,)


HSTACK = Construct(
    name="hstack",
    notation=Notation("hstack", "square"),
    arity=tuple(range(2, BLOCKS + 1)),
    build=lambda *views: _stack(1, *views),
    value=lambda *parts: np.hstack(parts),
    pullback=lambda g, y, *parts: _cut(1, g, parts),
    doc="Blocks beside one another, [A, B].",
    example="[A, X]",
    source="linearity",
)
VSTACK = Construct(
    name="vstack",
    notation=Notation("vstack", "square"),
    arity=tuple(range(2, BLOCKS + 1)),
    build=lambda *views: _stack(0, *views),
    value=lambda *parts: np.vstack(parts),
    pullback=lambda g, y, *parts: _cut(0, g, parts),
    doc="Blocks under one another, [A; B].",
    example="[x; y]",
    source="linearity",
)
PART = Construct(
    name="part",
    notation=Notation("part", "square"),
    arity=(3,),
    build=_entries,
    value=lambda x, first, last: _taken(int(x.shape[0] == 1), x, first, last),
    pullback=lambda g, y, x, first, last: _put_back(int(x.shape[0] == 1), g, x, first, last),
    sizes=True,
    arrays=1,
    doc="The entries i, ..., j of a column or a row, counting from 1: x[i:j], or x[i] alone.",
    example="x[2:n]",
    source="linearity",
)
ROWS = Construct(
    name="rows",
    notation=Notation("rows", "square"),
    arity=(3,),
    build=lambda x, first, last: _part(0, x, first, last),
    value=lambda x, first, last: _taken(0, x, first, last),
    pullback=lambda g, y, x, first, last: _put_back(0, g, x, first, last),
    sizes=True,
    arrays=1,
    doc="The rows i, ..., j of a matrix, counting from 1: X[i:j, :].",
    example="A[2:m, :]",
    source="linearity",
)
COLUMNS = Construct(
    name="columns",
    notation=Notation("columns", "square"),
    arity=(3,),
    build=lambda x, first, last: _part(1, x, first, last),
    value=lambda x, first, last: _taken(1, x, first, last),
    pullback=lambda g, y, x, first, last: _put_back(1, g, x, first, last),
    sizes=True,
    arrays=1,
    doc="The columns i, ..., j of a matrix, counting from 1: X[:, i:j].",
    example="A[:, 2:n]",
    source="linearity",
)

RECORDS = (HSTACK, VSTACK, PART, ROWS, COLUMNS)
