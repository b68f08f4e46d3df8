"""Records of convolutions: linear maps whose pattern is a constant tensor, 1 where o = i + k.

`conv(x, h)` and `conv2(X, H)` are full (length n + k - 1), `convvalid(x, h)` and `conv2valid(X, H)` keep the
places where the filter lies inside (length n - k + 1); `flip` turns an array round.  Each is one einsum with the
pattern, so that every derivative follows from the rule of products: the derivative of a full convolution is a
valid one with the filter turned round, and the other way about.

>>> from symgrad.tensor.dims import letter
>>> from symgrad.tensor.nodes import Input
>>> x, h = (View(Input.make(name, (letter(size),)), 1) for name, size in (("x", "n"), ("h", "k")))
>>> CONV.build(x, h).describe(), CONVVALID.build(x, h).describe()
('a column vector (k + n - 1 x 1)', 'a column vector (-k + n + 1 x 1)')
"""

from __future__ import annotations

from collections.abc import Callable, Hashable

from symgrad.errors import ShapeError
from symgrad.operations.arrays import Array, signal
from symgrad.operations.record import Construct, Notation
from symgrad.operations.shapes import as_matrix, regrouped
from symgrad.tensor.build import einsum, hadamard
from symgrad.tensor.dims import Size, plus, times
from symgrad.tensor.nodes import Node, Shift
from symgrad.tensor.view import View

Labels = tuple[Hashable, ...]

# --- graphs --------------------------------------------------------------------------------------


def full_shift(signal: Size, filter: Size) -> Shift:
    """o = i + k."""
    return Shift.make((plus(signal, filter, -1), signal, filter), 0)


def valid_shift(signal: Size, filter: Size) -> Shift:
    """o + K - 1 = i + k, o counting the places where the filter of K entries lies inside."""
    return Shift.make((plus(signal, times(-1, filter), 1), signal, filter), plus(filter, -1))


def flip_shift(size: Size) -> Shift:
    """i + k = n - 1; the first axis has one entry."""
    return Shift.make((1, size, size), plus(size, -1))


Pattern = Callable[[Size, Size], Shift]


def _convolution(name: str, pattern: Pattern, x: View, h: View) -> View:
    for view in (x, h):
        if not view.is_column and not view.is_scalar:
            other = "conv2" + name.removeprefix("conv")
            raise ShapeError(f"{name} needs column vectors, but this is {view.describe()}", hint=f"{other} of matrices")
    if x.is_scalar or h.is_scalar:
        _require_entries(name, x, pattern(x.shape[0], h.shape[0]))
        return View(hadamard(x.node, h.node), x.rows or h.rows)
    x, h = (regrouped(v, (v.shape[0],), ()) for v in (x, h))
    return _along(name, x, h, [pattern(x.shape[0], h.shape[0])])


def _convolution2(name: str, pattern: Pattern, x: View, h: View) -> View:
    for view in (x, h):
        if not view.is_matrix:
            other = "conv" + name.removeprefix("conv2")
            raise ShapeError(f"{name} needs matrices, but this is {view.describe()}", hint=f"{other} of column vectors")
    shifts = [pattern(a, b) for a, b in zip(x.shape, h.shape, strict=True)]
    return _along(name, as_matrix(x), as_matrix(h), shifts)


def _along(name: str, x: View, h: View, shifts: list[Shift]) -> View:
    """The product of both arrays and one pattern for each axis; an axis of one entry is none."""
    factors: list[tuple[Node, Labels]] = [(x.node, tuple(("i", a) for a in range(len(shifts))))]
    factors.append((h.node, tuple(("k", a) for a in range(len(shifts)))))
    out: list[Hashable] = []
    for axis, shift in enumerate(shifts):
        _require_entries(name, x, shift)
        factors.append((shift, (("o", axis), ("i", axis), ("k", axis))))
        if shift.shape[0] != 1:
            out.append(("o", axis))
    return View(einsum(factors, out), int(shifts[0].shape[0] != 1))


def _require_entries(name: str, x: View, shift: Shift) -> None:
    length = shift.shape[0]
    if isinstance(length, int) and length < 1:
        raise ShapeError(
            f"{name}: a filter with {shift.shape[2]} entries does not fit into {shift.shape[1]}",
            hint="the longer one first",
        )


def _flip(view: View) -> View:
    view = as_matrix(view)
    axes = range(view.node.rank)
    factors: list[tuple[Node, Labels]] = [(view.node, tuple(("k", a) for a in axes))]
    factors += [(flip_shift(view.node.shape[a]), (("o", a), ("i", a), ("k", a))) for a in axes]
    return View(einsum(factors, [("i", a) for a in axes]), view.rows)


# --- numbers -------------------------------------------------------------------------------------


def _valid(x: Array, h: Array) -> Array:
    if x.shape[0] < h.shape[0] or x.shape[1] < h.shape[1]:
        sizes = [" x ".join(map(str, a.shape)) for a in (x, h)]
        raise ShapeError(f"a filter of {sizes[1]} does not fit into {sizes[0]}", hint="the longer one first")
    return signal.convolve2d(x, h, "valid")


def _full_pullback(g: Array, y: Array, x: Array, h: Array) -> tuple[Array, Array]:
    return signal.correlate2d(g, h, "valid"), signal.correlate2d(g, x, "valid")


def _valid_pullback(g: Array, y: Array, x: Array, h: Array) -> tuple[Array, Array]:
    return signal.correlate2d(g, h), signal.correlate2d(x, g, "valid")[::-1, ::-1]


CONV = Construct(
    name="conv",
    notation=Notation("conv"),
    arity=(2,),
    build=lambda x, h: _convolution("conv", full_shift, x, h),
    value=lambda x, h: signal.convolve2d(x, h),
    pullback=_full_pullback,
    doc="The full convolution of two column vectors: y[o] = sum_i x[i] h[o - i], with n + k - 1 entries.",
    example="conv(x, y)",
    source="linearity",
)
CONVVALID = Construct(
    name="convvalid",
    notation=Notation("convvalid"),
    arity=(2,),
    build=lambda x, h: _convolution("convvalid", valid_shift, x, h),
    value=_valid,
    pullback=_valid_pullback,
    doc="The convolution of two column vectors where the second lies inside the first: n - k + 1 entries.",
    example="convvalid(x, y)",
    source="linearity",
)
CONV2 = Construct(
    name="conv2",
    notation=Notation("conv2"),
    arity=(2,),
    build=lambda x, h: _convolution2("conv2", full_shift, x, h),
    value=lambda x, h: signal.convolve2d(x, h),
    pullback=_full_pullback,
    doc="The full convolution of two matrices, (m + p - 1) x (n + q - 1).",
    example="conv2(A, B)",
    source="linearity",
)
CONV2VALID = Construct(
    name="conv2valid",
    notation=Notation("conv2valid"),
    arity=(2,),
    build=lambda x, h: _convolution2("conv2valid", valid_shift, x, h),
    value=_valid,
    pullback=_valid_pullback,
    doc="The convolution of two matrices where the second lies inside the first, (m - p + 1) x (n - q + 1).",
    example="conv2valid(X, A)",
    source="linearity",
)
FLIP = Construct(
    name="flip",
    notation=Notation("flip"),
    arity=(1,),
    build=_flip,
    value=lambda x: x[::-1, ::-1],
    pullback=lambda g, y, x: (g[::-1, ::-1],),
    doc="The entries of a vector in reverse order; of a matrix along both axes.",
    example="flip(x)",
    source="linearity",
)

RECORDS = (CONV, CONVVALID, CONV2, CONV2VALID, FLIP)
