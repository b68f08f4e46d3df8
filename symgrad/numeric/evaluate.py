"""The value of a graph, one node at a time: slow, simple, the measure of compiled code.

Axes of nodes are axes of arrays.  Functions take their values from the catalogue's `value`, not from
the templates that generated code uses.  `bind_sizes` reads dimension letters off given arrays.

>>> from symgrad.tensor.build import einsum
>>> from symgrad.tensor.dims import letter
>>> x, A = Input.make("x", (letter("n"),)), Input.make("A", (letter("m"), letter("n")))
>>> evaluate([einsum([(A, "ij"), (x, "j")], "i")], {"A": np.eye(2), "x": np.array([1.0, 2.0])})
[array([1., 2.])]
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import prod
from typing import Any, cast

import numpy as np

from symgrad.errors import ShapeError, SymgradError, UnknownNameError, did_you_mean
from symgrad.operations.record import Elementwise, TensorFunction
from symgrad.tensor.dims import Dim, Shape, letters_of, size_at
from symgrad.tensor.dims import Size as Dimension
from symgrad.tensor.nodes import (
    Add,
    Apply,
    Constant,
    Delta,
    Einsum,
    Input,
    Map,
    Node,
    Ones,
    Power,
    Reindex,
    Shift,
    Size,
    Triangle,
    Unit,
    Window,
    walk,
)

Array = Any
VALID = "a second argument that fits into the first"


def evaluate(nodes: Sequence[Node], values: Mapping[str, Array], sizes: Mapping[str, int] | None = None) -> list[Array]:
    """The arrays that nodes are, given those of their inputs; `sizes` are letters no array has."""
    order = list(walk(*nodes))
    inputs = {n.name: n.shape for n in order if isinstance(n, Input)}
    given = {name: np.asarray(values[name]) for name in inputs if name in values}
    at = bind_sizes(inputs, given, sizes or {})
    found: dict[Node, Array] = {}
    for node in order:
        found[node] = value_of(node, [found[a] for a in node.args], given, at)
    return [found[n] for n in nodes]


def value_of(node: Node, args: list[Array], given: Mapping[str, Array], sizes: Mapping[str, int]) -> Array:
    """The array that one node is, given those of its arguments."""
    shape = _shape(node.shape, sizes)
    match node:
        case Input():
            return given[node.name]
        case Einsum():
            return _einsum(node, args)
        case Add():
            return sum((float(c) * a for (c, _), a in zip(node.terms, args, strict=True)), np.zeros(shape))
        case Power():
            return np.asarray(args[0] * 1.0) ** args[1]
        case Map():
            return np.asarray(cast(Elementwise, node.op).value(*args)) * np.ones(shape)
        case Apply():
            return _apply(node, args[0], args[1:], shape)
        case Delta():
            return np.eye(shape[0])
        case Ones():
            return np.ones(shape)
        case Unit():
            return np.eye(shape[0])[node.index - 1]
        case Size():
            return np.asarray(float(_integer(node.size, sizes)))
        case Constant() if node.name == "pi":
            return np.asarray(np.pi)
        case Reindex():
            return np.eye(prod(shape[: node.split])).reshape(shape)
        case Shift():
            return shift_pattern(shape, _integer(node.offset, sizes)).astype(float)
        case Triangle():
            return np.tri(shape[0], shape[1])
        case Window():
            return window_pattern(shape, _integer(node.offset, sizes)).astype(float)
        case _:
            raise SymgradError(f"no value for a node of kind {type(node).__name__}")


def _einsum(node: Einsum, args: list[Array]) -> Array:
    if not args:
        return np.asarray(float(node.coefficient))
    operands: list[Any] = []
    for array, (_, labels) in zip(args, node.factors, strict=True):
        operands += [array, list(labels)]
    return float(node.coefficient) * np.einsum(*operands, list(range(node.rank)), optimize=len(args) > 2)


def shift_pattern(shape: tuple[int, ...], offset: int) -> Array:
    """Where o + offset = i + k.  Raises ShapeError where an axis would be empty."""
    if min(shape) < 1:
        raise ShapeError(f"a convolution with {shape[0]} entries from {shape[1]} and {shape[2]}", hint=VALID)
    o, i, k = (np.arange(size) for size in shape)
    return o[:, None, None] + offset == i[:, None] + k


def window_pattern(shape: tuple[int, ...], offset: int) -> Array:
    """Where the column is the row + offset.  Raises ShapeError where the part does not exist."""
    if shape[0] < 1 or offset < 0 or offset + shape[0] > shape[1]:
        raise ShapeError(f"there are no places {offset + 1} to {offset + shape[0]} of {shape[1]}")
    return np.eye(shape[0], shape[1], offset, dtype=bool)


def _apply(node: Apply, argument: Array, more: Sequence[Array], shape: tuple[int, ...]) -> Array:
    """The catalogue's value of every member of the batch, as a square matrix or a column."""
    op = cast(TensorFunction, node.op)
    batch, core = argument.shape[: node.batch], argument.shape[node.batch :]
    rows = prod(core[: len(core) // 2]) if op.core.startswith("m") else prod(core)
    members = np.asarray(argument * 1.0).reshape(-1, rows, prod(core) // max(rows, 1))
    values = [op.value(m, *(np.atleast_2d(a) for a in more)) for m in members]
    return np.asarray(values).reshape(shape if not op.core.endswith("s") else batch)


def _shape(shape: Shape, sizes: Mapping[str, int]) -> tuple[int, ...]:
    return tuple(_integer(s, sizes) for s in shape)


def _integer(size: Dimension, sizes: Mapping[str, int]) -> int:
    try:
        return size_at(size, sizes)
    except KeyError as missing:
        raise ShapeError(
            f"the dimension {missing.args[0]} is not fixed by any array",
            hint=f"give it as a number, {missing.args[0]}=3",
        ) from None


# --- dimensions off arrays -------------------------------------------------------------------


def bind_sizes(
    inputs: Mapping[str, Shape], values: Mapping[str, Array], sizes: Mapping[str, int] | None = None
) -> dict[str, int]:
    """What the dimension letters are, read off the arrays.

    Raises UnknownNameError for a name too many or too few, ShapeError where an array does not have its
    declared shape, naming both.
    """
    if values.keys() != inputs.keys():
        _check_names(inputs, values)
    found = dict(sizes) if sizes else {}
    origin: dict[str, str] = dict.fromkeys(found, "as given")
    waiting: list[tuple[str, int]] = []
    for name, shape in inputs.items():
        actual = values[name].shape
        if len(actual) != len(shape):
            raise _wrong_rank(name, shape, actual)
        for axis, (size, length) in enumerate(zip(shape, actual, strict=True)):
            if isinstance(size, int):
                if size != length:
                    raise _mismatch(name, shape, actual, f"axis {axis} has {length} entries, not {size}")
            elif size.terms[0][1] == 1 and len(size.terms) == 1 and len(size.terms[0][0]) == 1:
                letter = size.terms[0][0][0]
                if found.setdefault(letter, length) != length:
                    known = f"{letter} = {found[letter]} {origin[letter]}"
                    raise _mismatch(name, shape, actual, f"axis {axis} has {length} entries, but {known}")
                origin.setdefault(letter, f"(from axis {axis} of {name})")
            else:
                waiting.append((name, axis))
    _bind_polynomials(inputs, values, found, waiting)
    return found


def solvable(shapes: Iterable[Shape]) -> set[str]:
    """The letters that arrays of these shapes determine: those that stand alone, then one left in a size at a time."""
    sizes = [s for shape in shapes for s in shape if isinstance(s, Dim)]
    found: set[str] = set()
    before = -1
    while len(found) > before:
        before = len(found)
        for size in sizes:
            missing = [a for a in letters_of([size]) if a not in found]
            if len(missing) == 1 and all(m.count(missing[0]) < 2 for m, _ in size.terms):
                found.add(missing[0])
    return found


def _bind_polynomials(
    inputs: Mapping[str, Shape], values: Mapping[str, Array], found: dict[str, int], waiting: list[tuple[str, int]]
) -> None:
    """Sizes such as n + 1 or m*n: solved for a letter while one is missing, then checked."""
    progress = True
    while progress:
        progress = False
        for name, axis in waiting:
            size = inputs[name][axis]
            assert isinstance(size, Dim)
            missing = [a for a in letters_of([size]) if a not in found]
            if len(missing) == 1 and all(m.count(missing[0]) < 2 for m, _ in size.terms):
                slope = sum(c * prod(found[a] for a in m if a != missing[0]) for m, c in size.terms if missing[0] in m)
                rest = sum(c * prod(found[a] for a in m) for m, c in size.terms if missing[0] not in m)
                value, remainder = divmod(values[name].shape[axis] - rest, slope or 1)
                if remainder or value < 1 or not slope:
                    raise _mismatch(
                        name, inputs[name], values[name].shape, f"no {missing[0]} makes {size} what axis {axis} is"
                    )
                found[missing[0]] = value
                progress = True
    for name, axis in waiting:
        size, length = inputs[name][axis], values[name].shape[axis]
        if all(a in found for a in letters_of([size])) and size_at(size, found) != length:
            what = f"axis {axis} has {length} entries, but {size} is {size_at(size, found)}"
            raise _mismatch(name, inputs[name], values[name].shape, what)


def _check_names(inputs: Mapping[str, Shape], values: Mapping[str, Array]) -> None:
    for name in values:
        if name not in inputs:
            raise UnknownNameError(f"there is no input {name}", hint=did_you_mean(name, inputs))
    missing = [name for name in inputs if name not in values]
    raise UnknownNameError(f"no array is given for {', '.join(missing)}", hint=f"{missing[0]}=...")


def declared(shape: Shape) -> str:
    """A shape with its letters, as Python writes tuples."""
    inside = ", ".join(map(str, shape))
    return f"({inside},)" if len(shape) == 1 else f"({inside})"


def _mismatch(name: str, shape: Shape, actual: tuple[int, ...], what: str) -> ShapeError:
    return ShapeError(f"{name} has shape {actual}, but is declared {declared(shape)}: {what}")


def _wrong_rank(name: str, shape: Shape, actual: tuple[int, ...]) -> ShapeError:
    hint = None
    if len(shape) == 1 and len(actual) == 2 and 1 in actual:
        hint = f"{name}.reshape(-1): a column vector has one axis"
    elif len(shape) == 2 and len(actual) == 1 and shape[0] == 1:
        hint = f"{name}[None, :]: a row vector is 1 x {shape[1]}"
    elif not shape and prod(actual) == 1:
        hint = f"{name}.item(): a scalar has no axis"
    wanted = "no axis" if not shape else f"{len(shape)} axes" if len(shape) > 1 else "one axis"
    return ShapeError(f"{name} has shape {actual}, but is declared {declared(shape)}: {wanted} wanted", hint=hint)
