"""Gates of NumPy's own operators: broadcasting sums and products, matrix products, reductions, views, joins.

They are no functions of the catalogue: their operands carry axes, indices and shapes, and any number of batch axes.
Pullbacks are written in NumPy's words, in the fewest calls; operands that are data (an axis, an index) have none.

>>> MATMUL.forward(np.ones((2, 3)), np.ones(3))
array([3., 3.])
>>> SUM.pulls[0](np.float64(2.0), None, np.ones((2, 2)), None, False)
array([[2., 2.],
       [2., 2.]])
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from symgrad.engine.gate import Array, Gate, Scatter, opaque

Axes = tuple[int, ...]

# --- entry by entry ---------------------------------------------------------------------------

ADD = Gate("add", np.add, (lambda g, y, a, b: g, lambda g, y, a, b: g), needs=(), output=False, spreads=True)
SUBTRACT = Gate(
    "subtract", np.subtract, (lambda g, y, a, b: g, lambda g, y, a, b: -g), needs=(), output=False, spreads=True
)
MULTIPLY = Gate(
    "multiply", np.multiply, (lambda g, y, a, b: g * b, lambda g, y, a, b: g * a), output=False, spreads=True
)
DIVIDE = Gate(
    "divide", np.true_divide, (lambda g, y, a, b: g / b, lambda g, y, a, b: g * y / -b), needs=(1,), spreads=True
)
NEGATE = Gate("negative", np.negative, (lambda g, y, a: -g,), needs=(), output=False)
SQUARE = Gate("square", np.square, (lambda g, y, a: g * (2 * a),), output=False)
RECIPROCAL = Gate("reciprocal", np.reciprocal, (lambda g, y, a: g * y * -y,), needs=())
SQRT = Gate("sqrt", np.sqrt, (lambda g, y, a: g * 0.5 / y,), needs=())
POSITIVE = Gate("positive", np.positive, (lambda g, y, a: g,), needs=(), output=False)
WHERE = Gate(
    "where",
    np.where,
    (None, lambda g, y, m, a, b: np.where(m, g, 0.0), lambda g, y, m, a, b: np.where(m, 0.0, g)),
    needs=(0,),
    output=False,
    spreads=True,
)


# --- matrix products --------------------------------------------------------------------------


def dot(a: Array, b: Array) -> Array:
    """The product of at most two axes: half the price of `@` on small arrays."""
    return a.dot(b) if b.__class__ is np.ndarray else np.dot(a, b)


def _matmul(a: Array, b: Array) -> Array:
    if 0 < a.ndim <= 2 and 0 < b.ndim <= 2:
        return a.dot(b) if b.__class__ is np.ndarray else np.dot(a, b)
    return np.matmul(a, b)


def _matmul_left(g: Array, y: Array, a: Array, b: Array) -> Array:
    if a.ndim <= 2 and b.ndim <= 2:
        if a.ndim == b.ndim == 2:
            return g.dot(b.T) if b.__class__ is np.ndarray else np.dot(g, b.T)
        return g[:, None] * b if a.ndim == 2 else dot(b, g) if b.ndim == 2 else g * b
    if b.ndim == 1:
        return np.expand_dims(g, -1) * b
    wide = g if a.ndim > 1 else np.expand_dims(g, -2)
    share = np.matmul(wide, np.swapaxes(b, -1, -2))
    return share if a.ndim > 1 else np.squeeze(share, -2)


def _matmul_right(g: Array, y: Array, a: Array, b: Array) -> Array:
    if a.ndim <= 2 and b.ndim <= 2:
        if a.ndim == b.ndim == 2:
            return a.T.dot(g) if g.__class__ is np.ndarray else np.dot(a.T, g)
        return a[:, None] * g if b.ndim == 2 else dot(g, a) if a.ndim == 2 else g * a
    if a.ndim == 1:
        return np.expand_dims(a, -1) * np.expand_dims(g, -2)
    if b.ndim == 2:  # one product over the whole batch
        return dot(a.reshape(-1, a.shape[-1]).T, g.reshape(-1, g.shape[-1]))
    wide = g if b.ndim > 1 else np.expand_dims(g, -1)
    share = np.matmul(np.swapaxes(a, -1, -2), wide)
    return share if b.ndim > 1 else np.squeeze(share, -1)


MATMUL = Gate("matmul", _matmul, (_matmul_left, _matmul_right), output=False, spreads=True)
OUTER = Gate(
    "outer",
    lambda a, b: a[:, None] * b,
    (lambda g, y, a, b: dot(g, b), lambda g, y, a, b: dot(a, g)),
    output=False,
)

# --- sums of rows and columns -----------------------------------------------------------------


@lru_cache(32)
def _ones(length: int, dtype: str) -> Array:
    ones = np.ones(length, dtype)
    ones.flags.writeable = False
    return ones


def column_sums(a: Array) -> Array:
    """The sum of a matrix over its first axis, as a product with ones: a third of the price of a reduction."""
    return dot(_ones(len(a), a.dtype.char), a)


def row_sums(a: Array) -> Array:
    """The sum of a matrix over its last axis."""
    return dot(a, _ones(a.shape[1], a.dtype.char))


# --- reductions; `axes` is a tuple of axes, none negative, or None for all ----------------------


def _respread(g: Array, a: Array, axes: Axes | None, keepdims: bool) -> Array:
    """A reduced array as it was before: the axes that were summed over are 1 long."""
    if axes is None or keepdims:
        return g if keepdims or a.ndim == 0 else np.reshape(g, (1,) * a.ndim)
    return g.reshape([1 if i in axes else n for i, n in enumerate(a.shape)])


def _sum_pull(g: Array, y: Array, a: Array, axes: Axes | None, keepdims: bool) -> Array:
    return np.broadcast_to(g if axes is None and not keepdims else _respread(g, a, axes, keepdims), a.shape)


def count(shape: Axes, axes: Axes | None) -> int:
    """How many entries go into each sum."""
    total = 1
    for i, n in enumerate(shape):
        if axes is None or i in axes:
            total *= n
    return total


def _mean_pull(g: Array, y: Array, a: Array, axes: Axes | None, keepdims: bool) -> Array:
    return _sum_pull(g / count(a.shape, axes), y, a, axes, keepdims)


def _variance_pull(g: Array, y: Array, a: Array, axes: Axes | None, keepdims: bool) -> Array:
    centred = a - np.mean(a, axis=axes, keepdims=True)
    return _respread(g * (2.0 / count(a.shape, axes)), a, axes, keepdims) * centred


def _product_pull(g: Array, y: Array, a: Array, axes: Axes | None, keepdims: bool) -> Array:
    """Products of all the others, so that zeros do no harm: what stands before times what stands after."""
    order = [i for i in range(a.ndim) if axes is not None and i not in axes]
    inner = [i for i in range(a.ndim) if i not in order]
    lines = a.transpose(order + inner).reshape([a.shape[i] for i in order] + [-1])
    ones = np.ones_like(lines[..., :1])
    before = np.cumprod(np.concatenate([ones, lines[..., :-1]], -1), -1)
    after = np.cumprod(np.concatenate([ones, lines[..., :0:-1]], -1), -1)[..., ::-1]
    others = (before * after).reshape([a.shape[i] for i in order + inner])
    return _respread(g, a, axes, keepdims) * others.transpose(np.argsort(order + inner))


@opaque
def _extreme_pull(g: Array, y: Array, a: Array, axis: int | None, keepdims: bool, first: Array) -> Array:
    """All of the cotangent to the first entry that is the extreme."""
    out = np.zeros_like(a)
    if axis is None:
        out.flat[int(first)] = np.reshape(g, ())
    else:
        wide = g if keepdims else np.expand_dims(g, axis)
        np.put_along_axis(out, np.expand_dims(first, axis), wide, axis)
    return out


def _extreme(choose: Any) -> Any:
    @opaque
    def forward(a: Array, axis: int | None, keepdims: bool) -> tuple[Array, Array]:
        first = choose(a, axis)
        if axis is None:
            best = a.reshape(-1)[first]
            return (np.reshape(best, (1,) * a.ndim) if keepdims else best), first
        best = np.take_along_axis(a, np.expand_dims(first, axis), axis)
        return (best if keepdims else np.squeeze(best, axis)[()]), first

    return forward


SUM = Gate("sum", lambda a, axes, keepdims: np.add.reduce(a, axis=axes, keepdims=keepdims), (_sum_pull, None, None))
MEAN = Gate("mean", lambda a, axes, keepdims: np.mean(a, axis=axes, keepdims=keepdims), (_mean_pull, None, None))
VAR = Gate("var", lambda a, axes, keepdims: np.var(a, axis=axes, keepdims=keepdims), (_variance_pull, None, None))
PROD = Gate("prod", lambda a, axes, keepdims: np.prod(a, axis=axes, keepdims=keepdims), (_product_pull, None, None))
LARGEST = Gate("max", _extreme(np.argmax), (_extreme_pull, None, None), keeps=True)
SMALLEST = Gate("min", _extreme(np.argmin), (_extreme_pull, None, None), keeps=True)
CUMSUM = Gate(
    "cumsum", np.cumsum, (lambda g, y, a, axis: np.flip(np.cumsum(np.flip(g, axis), axis), axis), None), needs=()
)

# --- views ------------------------------------------------------------------------------------


@opaque
def _on_diagonal(g: Array, y: Array, a: Array) -> Array:
    out = np.zeros_like(a)
    places = np.arange(len(g))
    out[places, places] = g
    return out


RESHAPE = Gate("reshape", lambda a, shape: a.reshape(shape), (lambda g, y, a, shape: g.reshape(a.shape), None))
TRANSPOSE = Gate(
    "transpose",
    lambda a, axes: a.transpose(axes),
    (lambda g, y, a, axes: g.transpose(tuple(sorted(range(len(axes)), key=axes.__getitem__))), None),
)
BROADCAST = Gate(
    "broadcast_to", lambda a, shape: np.broadcast_to(a, shape), (lambda g, y, a, shape: g, None), spreads=True
)
FLIP = Gate("flip", lambda a, axes: np.flip(a, axes), (lambda g, y, a, axes: np.flip(g, axes), None))
GETITEM = Gate(
    "getitem",
    lambda a, index, repeats: a[index],
    (lambda g, y, a, index, repeats: Scatter(index, g, repeats), None, None),
)
TRACE = Gate("trace", lambda a: np.trace(a), (lambda g, y, a: g * np.eye(a.shape[0], a.shape[1], dtype=a.dtype),))
DIAGONAL = Gate("diagonal", lambda a: a.diagonal(), (_on_diagonal,))
DIAG = Gate("diag", lambda a: np.diag(a), (lambda g, y, a: g.diagonal(),))
TRIL = Gate("tril", lambda a, k: np.tril(a, k), (lambda g, y, a, k: np.tril(g, k), None))
TRIU = Gate("triu", lambda a, k: np.triu(a, k), (lambda g, y, a, k: np.triu(g, k), None))


# --- joins: the gate depends on the number of operands, so it is made for each call --------------


def concatenation(sizes: tuple[int, ...], axis: int) -> Gate:
    """Arrays one after the other along an axis; each gets its part of the cotangent back."""
    ends = [sum(sizes[: k + 1]) for k in range(len(sizes))]

    def part(k: int) -> Any:
        index = (*(slice(None),) * axis, slice(ends[k] - sizes[k], ends[k]))
        return lambda g, *_: g[index]

    pulls = tuple(part(k) for k in range(len(sizes)))
    return Gate("concatenate", lambda *arrays: np.concatenate(arrays, axis), pulls, needs=())


def stacking(count: int, axis: int) -> Gate:
    """Arrays of one shape along a new axis."""

    def part(k: int) -> Any:
        index = (*(slice(None),) * axis, k)
        return lambda g, *_: g[index]

    return Gate("stack", lambda *arrays: np.stack(arrays, axis), tuple(part(k) for k in range(count)), needs=())
