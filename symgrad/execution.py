"""A program as a computational graph of numeric gates: forward values, backward gradients.

The gates follow the lines as they were written, one operator one gate, so that nothing of lowering,
differentiation or presentation is shared with this witness.  Sizes come from the arrays.

>>> from symgrad.programs import program
>>> run = execute(program("q = x + y; f = q*z", "x, y, z: R"), {"x": -2.0, "y": 5.0, "z": -4.0})
>>> float(run.value("f")), {k: float(v) for k, v in run.backward().items()}
(-12.0, {'x': -4.0, 'y': -4.0, 'z': 3.0})
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import pi
from typing import Any

import numpy as np

from symgrad.errors import NotDifferentiableError, ShapeError, UnknownNameError, did_you_mean
from symgrad.notation.declare import Declaration
from symgrad.notation.entries import Entries, entries_view
from symgrad.notation.lower import CONSTANTS, Scope, size_of
from symgrad.notation.tree import Call, Name, Number, Tree, postorder
from symgrad.numeric.backprop import ComputationalGraph, Handle
from symgrad.numeric.evaluate import evaluate
from symgrad.numeric.gates import Gate, OperationGate
from symgrad.operations.catalogue import record
from symgrad.programs import RESULT, Program
from symgrad.tensor.build import ONE, number
from symgrad.tensor.dims import Size, letter, letters_of, size_at
from symgrad.tensor.nodes import Input, walk
from symgrad.tensor.view import View

_SCALAR = View(ONE, 0)


def execute(program: Program, values: Mapping[str, Any], of: str | None = None) -> ComputationalGraph:
    """The graph of a program, run forward at `values`; call `.backward()` for the gradients.

    `of` is the name whose value is the output (the last one unless given).
    Raises ShapeError or UnknownNameError naming the array that does not fit.
    """
    graph = computational_graph(program, bound_sizes(program, values), of)
    used = {n.name for n in graph.nodes_topologically_sorted() if n.kind == "input"}
    graph.forward(**{k: v for k, v in values.items() if k in used})
    return graph


def computational_graph(program: Program, sizes: Mapping[str, int], of: str | None = None) -> ComputationalGraph:
    """The gates of a program for given sizes of its dimension letters."""
    builder = _Builder(program, sizes)
    for line in program.lines:
        builder.add_line(line.name or RESULT, line.value)
    builder.graph.output = builder.handles[of or program.output]
    return builder.graph


class _Builder:
    def __init__(self, program: Program, sizes: Mapping[str, int]):
        self.scope: Scope = program.scope
        self.sizes = sizes
        self.graph = ComputationalGraph()
        self.handles: dict[str, Handle] = {name: self.graph.input(name) for name in program.declared}

    def add_line(self, name: str, tree: Tree) -> None:
        stack: list[tuple[Handle, View]] = []
        skipped: set[int] = set()
        parts = list(postorder(tree))
        for part in parts:
            if type(part) is Call and record(part.op).sizes:
                skipped.update(id(p) for a in part.args[record(part.op).arrays :] for p in postorder(a))
        for part in parts:
            if id(part) not in skipped:
                stack.append(self._part(part, stack, name if part is tree and isinstance(part, Call) else None))
        self.handles[name] = stack[-1][0]

    def _part(self, part: Tree, stack: list[tuple[Handle, View]], name: str | None) -> tuple[Handle, View]:
        if isinstance(part, Name):
            return self._name(part.name)
        if isinstance(part, Number):
            written = str(part.value) if part.value.denominator == 1 else f"{float(part.value):g}"
            return self.graph.constant(float(part.value), written), View(number(part.value), 0)
        name = None if name == RESULT else name
        if isinstance(part, Entries):
            arguments = [stack.pop() for _ in part.args][::-1]
            gate = IndexNotationGate(part, [v for _, v in arguments], self._size, self.scope)
            return self.graph.add(gate, *(h for h, _ in arguments), name=name), gate.view
        entry = record(part.op)
        wanted = size_arguments(part, self.scope) if entry.sizes else []
        count = len(part.args) - len(wanted)
        arguments = stack[len(stack) - count :]
        del stack[len(stack) - count :]
        views = [v for _, v in arguments]
        if wanted:
            view = entry.build(*views, *wanted)
            sized = OperationGate(entry, sizes=[self._size(s) for s in wanted], kind=view.kind)
            return self.graph.add(sized, *(h for h, _ in arguments), name=name), view
        if entry.name in ("add", "subtract"):  # only the shape matters here, so long sums stay linear
            view = next((v for v in views if not v.is_scalar), views[0])
        else:
            view = entry.build(*views)
        return self.graph.add(OperationGate(entry, kind=view.kind), *(h for h, _ in arguments), name=name), view

    def _name(self, name: str) -> tuple[Handle, View]:
        if name in self.handles:
            return self.handles[name], self.scope.views[name]
        if name in CONSTANTS:
            return self.graph.constant(pi, name), _SCALAR
        return self.graph.constant(float(self._size(letter(name))), name), _SCALAR

    def _size(self, size: Size) -> int:
        """The number that a dimension is.  Raises UnknownNameError where no array fixes a letter of it."""
        free = [a for a in letters_of([size]) if a not in self.sizes]
        if free:
            raise UnknownNameError(f"no input has the dimension {free[0]}, so its size is not known")
        return size_at(size, self.sizes)


class IndexNotationGate(Gate):
    """An array said entry by entry: it has a value, but no numeric pullback of its own."""

    __slots__ = ("form", "shapes", "size", "view")

    def __init__(self, tree: Entries, views: Sequence[View], size: Callable[[Size], int], scope: Scope):
        shapes = [tuple(s for s in v.shape if s != 1) for v in views]
        inputs = [View(Input.make(f"{k}", s), v.rows and 1) for k, (s, v) in enumerate(zip(shapes, views, strict=True))]
        self.shapes = [v.node.shape for v in inputs]
        self.form = entries_view(tree, inputs, lambda t: size_of(t, scope)).node
        self.view = View(self.form, min(1, self.form.rank))
        self.size = size

    @property
    def label(self) -> str:
        return "[i]"

    def forward(self, *inputs: Any) -> Any:
        values = {
            str(k): np.reshape(x, tuple(self.size(s) for s in shape))
            for k, (x, shape) in enumerate(zip(inputs, self.shapes, strict=True))
        }
        letters = letters_of(s for n in walk(self.form) for s in n.shape)
        return evaluate([self.form], values, {a: self.size(letter(a)) for a in letters})[0]

    def backward(self, cotangent: Any) -> Sequence[Any]:
        raise NotDifferentiableError("index notation has no gate to run backward", hint="the same in matrices")


def size_arguments(call: Call, scope: Scope) -> list[Size]:
    """The dimensions that eye, ones, ... are called with."""
    return [size_of(a, scope) for a in call.args[record(call.op).arrays :]]


def bound_sizes(program: Program, values: Mapping[str, Any]) -> dict[str, int]:
    """The sizes of the dimension letters, read off the arrays; every array is checked against its declaration."""
    unknown = [n for n in values if n not in program.declared]
    if unknown:
        raise UnknownNameError(f"{unknown[0]} is not an input", hint=did_you_mean(unknown[0], program.declared))
    missing = [n for n in program.declared if n not in values]
    if missing:
        raise UnknownNameError(f"no value is given for {', '.join(missing)}")
    sizes: dict[str, int] = {}
    for name, declared in 2 * [*program.declared.items()]:  # twice, so that n + 1 is checked though n is known later
        _bind(declared, np.shape(values[name]), sizes)
    return sizes


def _bind(declared: Declaration, shape: tuple[int, ...], sizes: dict[str, int]) -> None:
    wanted = {"scalar": (), "column": (declared.rows,)}.get(declared.kind, (declared.rows, declared.columns))
    if len(shape) != len(wanted):
        raise ShapeError(
            f"{declared.name} is declared {declared.space}, but its array has shape {shape}", hint=_axes(declared)
        )
    for size, actual in zip(wanted, shape, strict=True):
        letters = letters_of([size])
        if [str(size)] == letters and letters[0] not in sizes:
            sizes[letters[0]] = actual
        elif all(a in sizes for a in letters) and size_at(size, sizes) != actual:
            said = ", ".join(f"{a} = {sizes[a]}" for a in letters)
            raise ShapeError(
                f"{declared.name} is declared {declared.space}, but its array has shape {shape}"
                + (f" where {said}" if said else "")
            )


def _axes(declared: Declaration) -> str:
    return {
        "scalar": "a number",
        "column": "an array with one axis",
        "row": "an array of shape (1, n)",
        "matrix": "an array with two axes",
    }[declared.kind]
