"""What is minimised: a program that ends in a scalar, with data, and its derived gradient by the parameters.

Cost and all gradients are compiled into one function.  Parameters of any shape are one flat vector for the rules;
`pack` and `unpack` go between the two.  With `examples`, the arrays whose rows are examples, a step may look at
some rows only: a cost that is a mean over them stays a mean.

>>> line = objective("r = X*w + b - y; J = r'*r/(2*m)", ["w", "b"], {"X": [[1], [2]], "y": [3, 5]},
...                  where="X: R^{m x n}; w: R^n; b: R; y: R^m", examples=["X", "y"])
>>> line.cost({"w": [0], "b": 0}), line.gradient({"w": [0], "b": 0})
(8.5, {'w': array([-6.5]), 'b': array(-4.)})
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import prod
from typing import Any

import numpy as np

from symgrad.derivation import Derivative, derive
from symgrad.errors import DomainError, ShapeError, UnknownNameError, did_you_mean
from symgrad.numeric.code import Compiled, compile_results
from symgrad.numeric.evaluate import bind_sizes
from symgrad.numeric.function_text import Argument
from symgrad.programs import Program, Where, program
from symgrad.tensor.dims import size_at
from symgrad.tensor.nodes import Input, walk

Array = Any
Rows = Any


@dataclass(frozen=True, eq=False)
class Objective:
    """A cost J of some parameters, its data fixed.

    of        the name of the cost;  wrt  the parameters
    data      every other input of the program
    examples  the names of the data whose first axis counts examples
    shapes    of the parameters, as arrays
    """

    program: Program
    of: str
    wrt: tuple[str, ...]
    data: Mapping[str, Array] = field(repr=False)
    examples: tuple[str, ...]
    shapes: Mapping[str, tuple[int, ...]]

    def cost(self, parameters: Mapping[str, Any], rows: Rows = None) -> float:
        """J at the parameters, over all examples or those in `rows`."""
        return self.value_and_gradient(self.pack(parameters), rows)[0]

    def gradient(self, parameters: Mapping[str, Any], rows: Rows = None) -> dict[str, Array]:
        """d J / d p for every parameter p, in its shape."""
        return self.unpack(self.value_and_gradient(self.pack(parameters), rows)[1])

    def value_and_gradient(self, flat: Array, rows: Rows = None) -> tuple[float, Array]:
        """J and its gradient at the flat parameters, (n,)."""
        given = {**self._rows(rows), **self.unpack(flat)}
        found = self.compiled(**{a.name: given[a.name] for a in self.compiled.arguments})
        return float(found[0]), np.concatenate([np.ravel(g) for g in found[1:]])

    def pack(self, parameters: Mapping[str, Any]) -> Array:
        """Arrays by name as one flat vector.  Raises UnknownNameError, ShapeError naming the array at fault."""
        for name in parameters:
            if name not in self.wrt:
                raise UnknownNameError(f"{name} is no parameter", hint=did_you_mean(name, self.wrt))
        missing = [n for n in self.wrt if n not in parameters]
        if missing:
            raise UnknownNameError(f"the parameter {missing[0]} has no value")
        arrays = {n: np.asarray(parameters[n], dtype=float) for n in self.wrt}
        for name, array in arrays.items():
            if array.shape != self.shapes[name]:
                raise ShapeError(f"{name} has the shape {array.shape}, and must have {self.shapes[name]}")
        return np.concatenate([a.ravel() for a in arrays.values()])

    def unpack(self, flat: Array) -> dict[str, Array]:
        """A flat vector as arrays by name."""
        ends = np.cumsum([prod(self.shapes[n]) for n in self.wrt])
        parts = np.split(np.asarray(flat), ends[:-1])
        return {n: part.reshape(self.shapes[n]) for n, part in zip(self.wrt, parts, strict=True)}

    @property
    def size(self) -> int:
        """How many numbers the parameters are."""
        return sum(prod(shape) for shape in self.shapes.values())

    @property
    def count(self) -> int:
        """How many examples there are.  Raises DomainError where none are named."""
        if not self.examples:
            raise DomainError("no array of examples is named", hint='objective(..., examples=["X", "y"])')
        return len(self.data[self.examples[0]])

    @cached_property
    def gradients(self) -> tuple[Derivative, ...]:
        """The derived gradient by each parameter, projected onto the structure that it is declared to have."""
        return tuple(derive(self.program, self.of, n, layout="gradient") for n in self.wrt)

    @cached_property
    def compiled(self) -> Compiled:
        """Cost and gradients as one function of all inputs."""
        nodes = [self.program.views[self.of].node, *(g.node for g in self.gradients)]
        occurring = {n.name for n in walk(*nodes) if isinstance(n, Input)} | {*self.wrt, *self.data}
        declared = self.program.declared
        arguments = [Argument.declared(n, d.rows, d.columns) for n, d in declared.items() if n in occurring]
        return compile_results([(node, None) for node in nodes], arguments, function_name="cost_and_gradient")

    def _rows(self, rows: Rows) -> Mapping[str, Array]:
        if rows is None:
            return self.data
        self.count  # noqa: B018  it refuses rows of nothing
        return {n: a[rows] if n in self.examples else a for n, a in self.data.items()}


def objective(
    source: Any,
    wrt: str | Sequence[str],
    data: Mapping[str, Any] | None = None,
    *,
    where: Where = None,
    of: str | None = None,
    examples: Sequence[str] = (),
    start: Mapping[str, Any] | None = None,
) -> Objective:
    """The objective that a program describes: `of` (its last line) by the parameters `wrt`.

    `start` gives parameters, where sizes cannot be told from the data.
    Raises UnknownNameError for a name that does not exist or has no data, ShapeError for a cost that is no scalar.
    """
    read = program(source, where)
    name = of or read.output
    if read.lookup(name).node.shape:
        raise ShapeError(f"{name} is {read.lookup(name).describe()}; what is minimised is a scalar")
    parameters = (wrt,) if isinstance(wrt, str) else tuple(wrt)
    given = {n: np.asarray(a, dtype=float) for n, a in (data or {}).items()}
    _refuse_names(read, parameters, given, tuple(examples))
    shapes = _shapes(read, parameters, given, start or {})
    return Objective(read, name, parameters, given, tuple(examples), shapes)


def _refuse_names(read: Program, wrt: tuple[str, ...], data: Mapping[str, Array], examples: tuple[str, ...]) -> None:
    for name in (*wrt, *data):
        if name not in read.declared:
            raise UnknownNameError(f"{name} is no input of the program", hint=did_you_mean(name, read.declared))
    if not wrt or len(set(wrt)) < len(wrt):
        raise DomainError("the parameters are some inputs, each named once")
    both = [n for n in wrt if n in data]
    if both:
        raise DomainError(f"{both[0]} cannot be data and a parameter")
    missing = [n for n in read.declared if n not in data and n not in wrt]
    if missing:
        raise UnknownNameError(f"{missing[0]} has no value", hint=f"data={{{missing[0]!r}: ...}}")
    unknown = [n for n in examples if n not in data]
    if unknown:
        raise UnknownNameError(f"{unknown[0]} is no data", hint=did_you_mean(unknown[0], data))
    if len({data[n].shape[:1] for n in examples}) > 1:
        counts = ", ".join(f"{n} has {data[n].shape[0]}" for n in examples)
        raise ShapeError(f"every array of examples has the same number of rows: {counts}")


def _shapes(
    read: Program, wrt: tuple[str, ...], data: Mapping[str, Array], start: Mapping[str, Any]
) -> dict[str, tuple[int, ...]]:
    """The parameters' shapes.  Raises ShapeError where an array does not fit or a size is not known."""
    arrives = {n: Argument.declared(n, d.rows, d.columns).arrives for n, d in read.declared.items()}
    known = {**data, **{n: np.asarray(a, dtype=float) for n, a in start.items() if n in wrt}}
    sizes = bind_sizes({n: arrives[n] for n in known}, known, {})
    try:
        return {n: tuple(size_at(s, sizes) for s in arrives[n]) for n in wrt}
    except KeyError as error:
        raise ShapeError(f"no array tells the size {error.args[0]}", hint="start={...}") from error
