"""An evaluator of graphs of its own, and values of programs by gates: what the tests measure against.

`array_of` reads a node with nothing but NumPy; a function's values come from its record.  `value_of` runs
the program line by line on gates, so that lowering and calculus have no part in it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from typing import Any

import numpy as np

from symgrad.derivation import Derivative
from symgrad.execution import execute
from symgrad.notation.declare import Declaration
from symgrad.numeric.difference import central_jacobian
from symgrad.numeric.sample import sample, sizes
from symgrad.programs import Program
from symgrad.tensor import nodes as kinds
from symgrad.tensor.dims import letters_of, size_at
from symgrad.tensor.nodes import Node, walk
from symgrad.tensor.view import View

Values = Mapping[str, Any]


def array_of(root: Node, values: Values, letters: Mapping[str, int]) -> Any:
    """The array that a node is: one axis of the array for each axis of the node."""
    done: dict[Node, Any] = {}
    for node in walk(root):
        shape = tuple(size_at(s, letters) for s in node.shape)
        done[node] = np.asarray(_array(node, [done[a] for a in node.args], shape, values, letters), dtype=float)
        assert done[node].shape == shape, f"{node!r} came out as {done[node].shape}, not {shape}"
    return done[root]


def _array(node: Node, args: list[Any], shape: tuple[int, ...], values: Values, letters: Mapping[str, int]) -> Any:
    match node:
        case kinds.Input():
            return np.reshape(values[node.name], shape)
        case kinds.Einsum():
            operands = [part for array, (_, labels) in zip(args, node.factors) for part in (array, labels)]
            return float(node.coefficient) * (
                np.einsum(*operands, range(node.rank), optimize=True) if operands else 1.0
            )
        case kinds.Add():
            return sum((float(c) * a for (c, _), a in zip(node.terms, args)), np.zeros(shape))
        case kinds.Power():
            return args[0] ** args[1]
        case kinds.Map():
            return node.op.value(*(np.broadcast_to(a, shape).reshape(prod(shape), 1) for a in args)).reshape(shape)  # type: ignore[attr-defined]
        case kinds.Apply():
            return _applied(node, args[0], args[1:], shape)
        case kinds.Delta():
            return np.eye(shape[0])
        case kinds.Ones():
            return np.ones(shape)
        case kinds.Unit():
            return np.arange(1, shape[0] + 1) == node.index
        case kinds.Size():
            return size_at(node.size, letters)
        case kinds.Constant():
            return {"pi": np.pi}[node.name]
        case kinds.Reindex():
            return np.eye(prod(shape[: node.split])).reshape(shape)
        case kinds.Shift():
            o, i, k = np.indices(shape)
            return o + size_at(node.offset, letters) == i + k
        case kinds.Triangle():
            return np.tri(*shape)
        case kinds.Window():
            return np.eye(shape[0], shape[1], size_at(node.offset, letters))
    raise TypeError(f"no such kind of node: {type(node).__name__}")


def _applied(node: kinds.Apply, argument: Any, more: list[Any], shape: tuple[int, ...]) -> Any:
    core = argument.shape[node.batch :]
    rows = prod(core[: len(core) // 2]) if node.op.core.startswith("m") else prod(core)
    members = argument.reshape(-1, rows, prod(core) // rows)
    return np.reshape([node.op.value(m, *map(np.atleast_2d, more)) for m in members], shape)  # type: ignore[attr-defined]


# --- sampling and running -----------------------------------------------------------------------


def letters_at(program: Program, kind: str, seed: int = 0) -> dict[str, int]:
    """Numbers for the dimension letters: `distinct` or `square`."""
    declared = program.declared.values()
    return sizes(letters_of(s for d in declared for s in (d.rows, d.columns)), kind, seed)


def arrays(program: Program, letters: Mapping[str, int], domain: str = "real", seed: int = 0) -> dict[str, Any]:
    """A random array for every input; `domain` is kept to by those that can."""
    rng = np.random.default_rng(seed)
    return {name: sample(d, letters, rng, _domain(d, domain)) for name, d in program.declared.items()}


def _domain(declared: Declaration, domain: str) -> str:
    square = declared.kind == "matrix" and declared.rows == declared.columns
    return domain if square or domain not in ("invertible", "spd") else "real"


def value_of(program: Program, values: Values, of: str | None = None) -> Any:
    """The value of a program by its gates."""
    run = execute(program, values, of)
    return run.value(run.output)


def derivative_array(result: Derivative, values: Values, letters: Mapping[str, int]) -> Any:
    """The tensor of a derivative: output axes, then variable axes, a row vector with both of its axes."""
    shape = tuple(size_at(s, letters) for s in result.tensor_shape)
    return array_of(result.node, values, letters).reshape(shape)


def matrix_of(view: View, values: Values, letters: Mapping[str, int]) -> Any:
    """The matrix that a view is, with two axes."""
    return array_of(view.node, values, letters).reshape(tuple(size_at(s, letters) for s in view.shape))


def differences(function: Callable[[Any], Any], values: Values, name: str) -> Any:
    """d function(values) / d values[name] by central differences."""
    return central_jacobian(lambda x: np.asarray(function({**values, name: x}), dtype=float), values[name])


def assert_agrees(actual: Any, estimate: Any, what: str) -> None:
    """Within the differences' own estimate of their error."""
    scale = 1 + np.abs(estimate.value).max(initial=0)
    allowed = 1e-7 * scale + 100 * estimate.error
    assert actual.shape == estimate.value.shape, (
        f"{what}: shape {actual.shape}, differences have {estimate.value.shape}"
    )
    off = np.abs(actual - estimate.value) - allowed
    assert (off <= 0).all(), f"{what}: off by {np.abs(actual - estimate.value).max():.2e}\n{actual}\n{estimate.value}"
