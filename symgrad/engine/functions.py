"""What variables can be put into: reading entries, NumPy's functions, the catalogue's, and a few for training.

NumPy's functions are found by the function itself (`np.sum(v)` asks the variable), the catalogue's by name
(`symgrad.engine.relu(v)`).  All of them answer plain arrays where no operand is a variable.

>>> from symgrad.engine.variable import variable
>>> v = variable([[1.0, 2.0], [3.0, 4.0]])
>>> np.sum(v[:, 0] * 2)
Variable(np.float64(8.0), made by sum)
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from symgrad.engine import arithmetic as gates
from symgrad.engine.entries import record_gate, record_of
from symgrad.engine.gate import Array, Gate, opaque
from symgrad.engine.variable import Variable, apply, binary, constant, data, frozen, unary
from symgrad.errors import DomainError, NotDifferentiableError, ShapeError
from symgrad.operations.catalogue import record
from symgrad.operations.record import Elementwise, Operation

# --- reading entries --------------------------------------------------------------------------


def entries(v: Any, index: Any) -> Any:
    """v[index], basic or advanced; entries read twice get both cotangents."""
    parts = index if isinstance(index, tuple) else (index,)
    fixed = tuple(_fixed(p) for p in parts)
    repeats = any(not isinstance(p, slice | int | np.integer | type(...) | type(None)) for p in fixed)
    return apply(gates.GETITEM, v, fixed if isinstance(index, tuple) else fixed[0], repeats)


def _fixed(part: Any) -> Any:
    """A part of an index, which must be data; a list or array is copied, because the sweep will read it."""
    if isinstance(part, Variable):
        raise DomainError("an index is data, not a variable", hint="whole numbers or booleans")
    if isinstance(part, list):
        return np.asarray(part)
    return frozen(part)


# --- reductions -------------------------------------------------------------------------------


def _axes(v: Any, axis: Any) -> tuple[int, ...] | None:
    if axis is None:
        return None
    given = axis if isinstance(axis, tuple) else (axis,)
    return tuple(_axis(v, a) for a in given)


def _axis(v: Any, axis: Any) -> int:
    rank, at = v.ndim, operator.index(axis)
    if not -rank <= at < rank:
        raise ShapeError(f"there is no axis {at} in an array of shape {v.shape}")
    return at % rank


def _reduced(gate: Gate) -> Callable[..., Any]:
    def reduce(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
        return apply(gate, a, _axes(a, axis), bool(keepdims))

    return reduce


def _extreme(gate: Gate) -> Callable[..., Any]:
    def extreme(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
        if isinstance(axis, tuple):
            raise ShapeError(f"{gate.name} is over one axis or all of them", hint="one axis after the other")
        return apply(gate, a, None if axis is None else _axis(a, axis), bool(keepdims))

    return extreme


def reduction(ufunc: Any, a: Any, axis: Any = 0, **keywords: Any) -> Any:
    """np.add.reduce and its like."""
    found = {np.add: np.sum, np.maximum: np.max, np.minimum: np.min, np.multiply: np.prod}.get(ufunc)
    if found is None or set(keywords) - {"keepdims"}:
        raise NotDifferentiableError(f"np.{ufunc.__name__}.reduce of a variable has no gate")
    return _NUMPY[found](a, axis, **keywords)


def _cumsum(a: Any, axis: Any = None) -> Any:
    return apply(gates.CUMSUM, reshape(a, -1), 0) if axis is None else apply(gates.CUMSUM, a, _axis(a, axis))


def _std(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    return apply(gates.SQRT, apply(gates.VAR, a, _axes(a, axis), bool(keepdims)))


def _norm(a: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    if ord not in (None, 2, "fro") or (ord == 2 and axis is None and a.ndim != 1):
        raise NotDifferentiableError(f"np.linalg.norm of order {ord} has no gate", hint="norms made of sums and powers")
    return apply(gates.SQRT, apply(gates.SUM, apply(gates.SQUARE, a), _axes(a, axis), bool(keepdims)))


# --- shapes -----------------------------------------------------------------------------------


def reshape(a: Any, shape: Any, order: str = "C") -> Any:
    """The same entries in another shape, by rows (order "C") or by columns ("F")."""
    wanted = tuple(operator.index(n) for n in shape) if isinstance(shape, Sequence) else operator.index(shape)
    if order == "F":
        turned = wanted[::-1] if isinstance(wanted, tuple) else wanted
        return transpose(reshape(transpose(a), turned))
    if order != "C":
        raise NotDifferentiableError(f"there is no order {order!r}", hint='order="C" or order="F"')
    return apply(gates.RESHAPE, a, wanted)


def transpose(a: Any, axes: Any = None) -> Any:
    """The axes in another order, reversed unless said."""
    order = tuple(reversed(range(a.ndim))) if axes is None else tuple(_axis(a, i) for i in axes)
    return apply(gates.TRANSPOSE, a, order)


def _swapaxes(a: Any, axis1: Any, axis2: Any) -> Any:
    order = list(range(a.ndim))
    i, j = _axis(a, axis1), _axis(a, axis2)
    order[i], order[j] = j, i
    return transpose(a, order)


def _moveaxis(a: Any, source: Any, destination: Any) -> Any:
    order = list(range(a.ndim))
    order.remove(_axis(a, source))
    order.insert(_axis(a, destination), _axis(a, source))
    return transpose(a, order)


def _squeeze(a: Any, axis: Any = None) -> Any:
    gone = _axes(a, axis) if axis is not None else tuple(i for i, n in enumerate(a.shape) if n == 1)
    if any(a.shape[i] != 1 for i in gone or ()):
        raise ShapeError(f"axis {axis} of an array of shape {a.shape} is not 1 long")
    return reshape(a, [n for i, n in enumerate(a.shape) if i not in (gone or ())])


def _expand_dims(a: Any, axis: Any) -> Any:
    wanted = np.expand_dims(np.empty(a.shape, np.bool_), axis).shape
    return reshape(a, wanted)


def _ravel(a: Any, order: str = "C") -> Any:
    return reshape(a, -1, order)


def _broadcast_to(a: Any, shape: Any) -> Any:
    return apply(gates.BROADCAST, a, tuple(shape) if isinstance(shape, Sequence) else (shape,))


def _flip(a: Any, axis: Any = None) -> Any:
    return apply(gates.FLIP, a, tuple(range(a.ndim)) if axis is None else _axes(a, axis))


def _concatenate(arrays: Any, axis: Any = 0) -> Any:
    parts = [_operand(a) for a in arrays]
    at = _axis(parts[0], axis)
    return apply(gates.concatenation(tuple(p.shape[at] for p in parts), at), *parts)


def _stack(arrays: Any, axis: Any = 0) -> Any:
    parts = [_operand(a) for a in arrays]
    if len({p.shape for p in parts}) > 1:
        raise ShapeError(f"stack needs arrays of one shape, not {' and '.join(str(p.shape) for p in parts)}")
    at = operator.index(axis)
    return apply(gates.stacking(len(parts), at % (parts[0].ndim + 1)), *parts)


def _operand(a: Any) -> Any:
    return a if isinstance(a, Variable) else constant(a)


# --- choices and products ---------------------------------------------------------------------


def _where(condition: Any, *choices: Any) -> Any:
    if isinstance(condition, Variable):
        raise DomainError("the condition of where is data, not a variable", hint="v > 0")
    if len(choices) != 2:
        raise NotDifferentiableError("np.where of one argument answers indices, which have no derivative")
    return apply(gates.WHERE, frozen(constant(condition)), *map(_operand, choices))


def _clip(a: Any, a_min: Any = None, a_max: Any = None) -> Any:
    low = a if a_min is None else np.maximum(a, a_min)
    return low if a_max is None else np.minimum(low, a_max)


def _dot(a: Any, b: Any) -> Any:
    a, b = _operand(a), _operand(b)
    if a.ndim == 0 or b.ndim == 0:
        return a * b
    if a.ndim > 2 or b.ndim > 2:
        raise ShapeError("np.dot is for at most two axes here", hint="np.matmul")
    return binary(gates.MATMUL, a, b)


def _vdot(a: Any, b: Any) -> Any:
    return _dot(reshape(_operand(a), -1), reshape(_operand(b), -1))


def _outer(a: Any, b: Any) -> Any:
    left, right = reshape(_operand(a), -1), reshape(_operand(b), -1)
    return apply(gates.OUTER, *(u if isinstance(u, Variable) else frozen(u) for u in (left, right)))


def _trace(a: Any) -> Any:
    _two_axes(a, "trace")
    return apply(gates.TRACE, a)


def _diagonal(a: Any) -> Any:
    _two_axes(a, "diagonal")
    return apply(gates.DIAGONAL, a)


def _diag(v: Any) -> Any:
    return _diagonal(v) if v.ndim == 2 else apply(gates.DIAG, v)


def _triangle(gate: Gate) -> Callable[..., Any]:
    def triangle(m: Any, k: int = 0) -> Any:
        _two_axes(m, gate.name)
        return apply(gate, m, k)

    return triangle


def _two_axes(a: Any, name: str) -> None:
    if a.ndim != 2:
        raise ShapeError(f"{name} needs an array with two axes, this one has shape {a.shape}")


def _einsum(subscripts: str, *arrays: Any) -> Any:
    """Of named axes, none of them twice in one operand."""
    text = subscripts.replace(" ", "")
    if "..." in text or "->" not in text:
        raise NotDifferentiableError(f"einsum of {subscripts!r} has no gate", hint="every axis named, and '->'")
    sources, out = text.split("->")
    letters = sources.split(",")
    if any(len(set(s)) < len(s) for s in (*letters, out)):
        raise NotDifferentiableError(f"einsum of {subscripts!r} repeats an axis", hint="np.diagonal, np.trace")

    def pull(k: int) -> Callable[..., Any]:
        others = [letters[i] for i in range(len(letters)) if i != k]
        known = [s for s in letters[k] if s in out or any(s in o for o in others)]
        terms = ",".join([out, *others])

        def one(g: Array, y: Array, *operands: Array) -> Array:
            rest = [a for i, a in enumerate(operands) if i != k]
            share = np.einsum(f"{terms}->{''.join(known)}", g, *rest)
            if len(known) < len(letters[k]):  # axes of this operand alone were summed over
                share = np.reshape(share, [n if s in known else 1 for s, n in zip(letters[k], operands[k].shape)])
                share = np.broadcast_to(share, operands[k].shape)
            return share

        return one

    gate = Gate("einsum", lambda *a: np.einsum(text, *a), tuple(pull(k) for k in range(len(letters))))
    return apply(gate, *(u if isinstance(u, Variable) else frozen(constant(u)) for u in arrays))


# --- NumPy asks -------------------------------------------------------------------------------

_NUMPY: dict[Any, Callable[..., Any]] = {
    np.sum: _reduced(gates.SUM),
    np.mean: _reduced(gates.MEAN),
    np.var: _reduced(gates.VAR),
    np.prod: _reduced(gates.PROD),
    np.max: _extreme(gates.LARGEST),
    np.min: _extreme(gates.SMALLEST),
    np.std: _std,
    np.cumsum: _cumsum,
    np.linalg.norm: _norm,
    np.reshape: reshape,
    np.transpose: transpose,
    np.swapaxes: _swapaxes,
    np.moveaxis: _moveaxis,
    np.squeeze: _squeeze,
    np.expand_dims: _expand_dims,
    np.ravel: _ravel,
    np.broadcast_to: _broadcast_to,
    np.flip: _flip,
    np.concatenate: _concatenate,
    np.stack: _stack,
    np.vstack: lambda arrays: _concatenate([a if a.ndim > 1 else reshape(a, (1, -1)) for a in map(_operand, arrays)]),
    np.hstack: lambda arrays: _concatenate(arrays, 0 if _operand(arrays[0]).ndim == 1 else 1),
    np.where: _where,
    np.clip: _clip,
    np.dot: _dot,
    np.inner: lambda a, b: _dot(a, transpose(_operand(b))),
    np.vdot: _vdot,
    np.outer: _outer,
    np.trace: _trace,
    np.diagonal: _diagonal,
    np.diag: _diag,
    np.tril: _triangle(gates.TRIL),
    np.triu: _triangle(gates.TRIU),
    np.einsum: _einsum,
}
_QUESTIONS = frozenset(
    {np.shape, np.ndim, np.size, np.argmax, np.argmin, np.argsort, np.allclose, np.isclose, np.array_equal}
    | {np.zeros_like, np.ones_like, np.full_like, np.empty_like, np.count_nonzero, np.nonzero, np.result_type}
    | {np.all, np.any, np.array_repr, np.array_str}
)  # their answers have no derivative, or a zero one


def of_numpy(function: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    """A function of NumPy of variables.  Raises NotDifferentiableError naming it where there is no gate."""
    if function in _QUESTIONS:
        return function(*map(data, arguments), **{k: data(v) for k, v in keywords.items()})
    found = _NUMPY.get(function)
    name = f"{function.__module__}.{function.__name__}".replace("numpy", "np", 1)
    if found is None:
        operation = record_of(function)
        if operation is not None and not keywords:
            return by_record(operation, *arguments)
        hint = "symgrad.gate(forward, pullback), or v.value where no derivative should flow"
        raise NotDifferentiableError(f"{name} of a variable has no gate", hint=hint)
    if keywords.get("out") is not None:
        raise DomainError(f"{name} would write into an array in place", hint="a new array")
    given = {k: v for k, v in keywords.items() if k != "out" and v is not np._NoValue}  # type: ignore[attr-defined]
    try:
        return found(*arguments, **given)
    except TypeError as error:
        if "argument" not in str(error):
            raise
        raise NotDifferentiableError(f"{name} of a variable: {str(error).split('() ')[-1]}") from None


# --- the catalogue's functions ----------------------------------------------------------------


def by_record(operation: Operation, *arrays: Any) -> Any:
    """An operation of the catalogue on variables and arrays, the last axes being its own, those before a batch."""
    operands = [_operand(a) for a in arrays]
    gate = record_gate(operation, tuple(0 if np.isscalar(a) else a.ndim for a in operands))
    return apply(gate, *(u if isinstance(u, Variable) else frozen(u) for u in operands))


def function(name: str) -> Callable[..., Any]:
    """The catalogue's function of that name, for variables and arrays.  Raises UnknownNameError."""
    operation = record(name)
    made = _of_entry(operation) if isinstance(operation, Elementwise) and operation.arity == (1,) else _of(operation)
    made.__name__ = made.__qualname__ = name
    made.__doc__ = f"{operation.doc}\n\nSource: {operation.source}."
    return made


def _of_entry(operation: Elementwise) -> Callable[..., Any]:
    def of_entries(array: Any) -> Any:
        if array.__class__ is Variable:
            return unary(record_gate(operation, (1,)), array)
        return record_gate(operation, (1,)).forward(constant(array))

    return of_entries


def _of(operation: Operation) -> Callable[..., Any]:
    def of_arrays(*arrays: Any, axis: int = -1) -> Any:
        if axis == -1:
            return by_record(operation, *arrays)
        (array,) = map(_operand, arrays)
        moved = by_record(operation, _moveaxis(array, axis, -1))
        return moved if moved.ndim < array.ndim else _moveaxis(moved, -1, axis)

    return of_arrays


# --- for training -----------------------------------------------------------------------------


FEW = 32  # classes, below which NumPy reduces columns faster than short rows


def cross_entropy(logits: Any, labels: Any) -> Any:
    """-log softmax(logits)[label], the mean over the batch.

    logits: (classes,) with one label, or (batch, classes) with a label for each row; labels are whole numbers from
    0.  The gradient is (softmax - onehot)/batch.  Raises ShapeError, DomainError.  Source: Bridle 1990.
    """
    z = logits if logits.__class__ is Variable else constant(logits)
    if labels.__class__ is int and z.ndim == 1:
        return apply(CROSS_ENTROPY, z, labels)
    picked = _operand(labels)
    if isinstance(picked, Variable) or picked.dtype.kind not in "iu":
        hint = "-(t*logsoftmax(z)).sum(-1).mean() for probabilities t"
        raise DomainError(f"labels are whole numbers, not entries of type {picked.dtype}", hint=hint)
    if z.ndim not in (1, 2) or picked.shape != z.shape[:-1]:
        raise ShapeError(f"logits of shape {z.shape} do not go with labels of shape {picked.shape}")
    return apply(CROSS_ENTROPY, z, frozen(picked))


@opaque
def _cross_entropy(z: Array, labels: Array) -> tuple[Array, Array]:
    if z.ndim == 1:
        return _of_one(z, operator.index(labels))
    top = np.maximum.reduce(z.T.copy(), 0) if z.shape[1] < FEW else np.maximum.reduce(z, 1)
    p = z - top[:, None]
    at = np.add.reduce(_picked(p, labels))
    np.exp(p, p)
    total = gates.row_sums(p)
    p /= total[:, None]
    return (np.add.reduce(np.log(total)) - at) / p.dtype.type(len(p)), p


def _of_one(z: Array, label: int) -> tuple[Array, Array]:
    if not 0 <= label < len(z):
        raise DomainError(f"there is no label {label} among {len(z)} classes, which count from 0")
    p = z - np.maximum.reduce(z)
    at = p[label]
    np.exp(p, p)
    total = np.add.reduce(p)
    p /= total
    return np.log(total) - at, p


def _picked(p: Array, labels: Array) -> Array:
    """The entry of every row at its label.  Raises DomainError where there is none: -1 is not the last class."""
    try:
        if len(labels) and np.minimum.reduce(labels) < 0:
            raise IndexError
        return p[_rows(len(p)), labels]
    except IndexError:
        said = f"labels from {labels.min()} to {labels.max()}, but the {p.shape[1]} classes count from 0"
        raise DomainError(said) from None


@lru_cache(16)
def _rows(count: int) -> Array:
    return np.arange(count)


@opaque
def _cross_entropy_pull(g: Array, y: Array, z: Array, labels: Array, p: Array) -> Array:
    if z.ndim == 1:
        back = p * g
        back[labels] -= g
        return back
    share = g / p.dtype.type(len(p))
    back = p * share
    back[_rows(len(p)), labels] -= share
    return back


CROSS_ENTROPY = Gate("cross_entropy", _cross_entropy, (_cross_entropy_pull, None), keeps=True, output=False)
