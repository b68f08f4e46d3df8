"""Witnesses: where and how a derivative is computed a second time, by what knows no symbolic rule.

A `Point` is sizes for the dimension letters and arrays for the inputs, inside the domain of every
operation and away from kinks.  At a point the numeric engine gives its Jacobian (`engine_jacobian`)
and differences of forward values give theirs (`difference_jacobian`).  An intermediate that one
differentiates by becomes an input: its line is dropped (`opened`).  This room compares nothing.

>>> from symgrad.programs import program
>>> net = program("h = tanh(w*x); f = h^2", "w, x: R")
>>> point = find_point(net, "distinct", seed=1)
>>> run = opened(net, ["h"], "f", point)
>>> bool(np.isclose(engine_jacobian(run, "h"), 2*run.values["h"]))
True
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from symgrad.errors import DomainError, ShapeError, SymgradError
from symgrad.execution import computational_graph
from symgrad.notation.declare import Declaration
from symgrad.notation.tree import Call, postorder
from symgrad.numeric.backprop import ComputationalGraph, Handle
from symgrad.numeric.difference import Estimate, central_jacobian, complex_step_jacobian
from symgrad.numeric.gates import OperationGate
from symgrad.numeric.sample import lengths_of, sample, sizes
from symgrad.operations.catalogue import record
from symgrad.operations.record import Operation
from symgrad.programs import Program
from symgrad.tensor.dims import letters_of, size_at

Array = Any
KINDS = ("distinct", "square", "one")
SIZES = 6  # assignments of sizes tried before falling back on distinct ones
ATTEMPTS = 24  # points drawn in one domain before the next is tried
LARGEST = 1e5  # values beyond this lose too many digits to compare derivatives
KINK_MARGIN = 0.02  # how near to a kink the input of an operation may come
SHRINK = 0.2  # of entries in (-1, 1), where their sums are to stay in (-1, 1) too

_FIXED = frozenset({"orthogonal", "simplex", "onehot", "invertible"})  # what scaling or an interval destroys


@dataclass(frozen=True, slots=True)
class Interval:
    """Where the entries of an input are drawn: an open interval, one of a few `choices`, or as `made` names."""

    low: float = -1.0
    high: float = 1.0
    choices: tuple[float, ...] = ()
    made: str = ""


@dataclass(frozen=True, slots=True)
class Point:
    """Sizes of the dimension letters and arrays of the inputs; `domain` says how entries were drawn."""

    sizes: Mapping[str, int]
    values: Mapping[str, Array]
    domain: str = "real"
    rejected_at_kink: int = 0
    near_kink: bool = False


@dataclass(frozen=True, slots=True)
class Run:
    """A program at a point: its gates for these sizes, and arrays for its inputs."""

    program: Program
    of: str
    graph: ComputationalGraph
    values: Mapping[str, Array]

    def forward(self, **changed: Array) -> Array:
        """The output, with some inputs changed."""
        given = {**self.values, **changed}
        used = [n.name for n in self.graph.nodes_topologically_sorted() if n.kind == "input"]
        return self.graph.forward(**{n: given[n] for n in used})


def at(source: Program, of: str, point: Point) -> Run:
    """The program's gates at a point."""
    return Run(source, of, computational_graph(source, point.sizes, of), point.values)


def opened(source: Program, names: Collection[str], of: str, point: Point) -> Run:
    """The program at a point, the intermediates in `names` being inputs that hold the values they had."""
    cut = [n for n in dict.fromkeys(names) if n in source.assigned]
    if not cut:
        return at(source, of, point)
    held = {n: at(source, n, point).forward() for n in cut}
    added = {n: Declaration(n, *source.views[n].shape) for n in cut}
    lines = tuple(line for line in source.lines if line.name not in cut)
    shorter = replace(source, lines=lines, declared={**source.declared, **added})
    return Run(shorter, of, computational_graph(shorter, point.sizes, of), {**point.values, **held})


# --- points -----------------------------------------------------------------------------------


def find_point(
    source: Program, kind: str, seed: int, intervals: Mapping[str, Interval] | None = None, of: str | None = None
) -> Point:
    """A point where every value is finite and no operation is near a kink, sizes of the given kind.

    Entries are drawn from all reals, else positive ones, small ones, ones beyond 1, or with whole scalars.  If every
    point is near a kink the last one is taken and says so.  Raises DomainError if no value is finite.
    """
    kinked, skipped = None, 0
    lengths = lengths_of(view.node for view in source.views.values())
    for turn, wanted in enumerate([kind] * SIZES + ["distinct"] * SIZES):
        at_sizes = sizes(letters(source), wanted, seed + turn, lengths)
        for found in _points(source, at_sizes, intervals or {}, seed, of or source.output):
            if not found.near_kink:
                return replace(found, rejected_at_kink=skipped)
            kinked, skipped = found, skipped + 1
        if kinked is not None:
            return replace(kinked, rejected_at_kink=skipped)
    raise DomainError("no sample of the inputs gives a finite value", hint="declare the inputs positive, spd, ...")


def _points(
    source: Program, at_sizes: Mapping[str, int], intervals: Mapping[str, Interval], seed: int, of: str
) -> Iterator[Point]:
    """The points that have a value and a derivative."""
    try:
        gates = computational_graph(source, at_sizes, of)
    except SymgradError:
        return  # a size the expression does not allow, as n = 1 of e(2, n)
    for domain, values in _draws(source, at_sizes, intervals, seed):
        found = _tried(gates, at_sizes, domain, values)
        if found is not None:
            yield found


def letters(source: Program) -> list[str]:
    """The dimension letters of a program, in order of first occurrence."""
    known = letters_of(s for d in source.declared.values() for s in (d.rows, d.columns))
    return list(dict.fromkeys([*known, *sorted(source.scope.letters)]))


def _draws(
    source: Program, at_sizes: Mapping[str, int], intervals: Mapping[str, Interval], seed: int
) -> Iterator[tuple[str, dict[str, Array]]]:
    conditioned = {"invertible"} if {"invertible", "spd"} & {op.domain for op in operations(source)} else set()
    for domain in ("real", "positive", "small", "gt1", "whole"):
        rng = np.random.default_rng([seed, *domain.encode()])
        for _ in range(ATTEMPTS):
            yield (
                domain,
                {
                    d.name: _drawn(d, at_sizes, rng, domain, conditioned, intervals.get(d.name))
                    for d in source.declared.values()
                },
            )


def _drawn(
    declared: Declaration,
    at_sizes: Mapping[str, int],
    rng: np.random.Generator,
    domain: str,
    conditioned: set[str],
    interval: Interval | None,
) -> Array:
    if domain == "whole" and declared.kind == "scalar":  # the k of X^k
        return np.asarray(float(rng.integers(1, 5)))
    small, names = domain == "small", ["unit" if domain == "small" else "real" if domain == "whole" else domain]
    if interval is not None and not declared.properties & _FIXED:
        return _in_interval(sample(declared, at_sizes, rng, "real"), interval, rng)
    if declared.kind == "matrix" and declared.rows == declared.columns and not small:
        names += conditioned
    for wanted in (names, ["real"]):
        try:
            drawn = sample(declared, at_sizes, rng, wanted)
        except DomainError:
            continue  # the declaration and the domain exclude each other: the declaration counts
        return drawn * SHRINK if small and wanted is names and not declared.properties & _FIXED else drawn
    raise DomainError(f"no array is {declared.text()}")


def _onehot_rows(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """One 1 in each row."""
    return np.eye(shape[1])[rng.integers(shape[1], size=shape[0])]


def _squared_distances(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """The squared distances of some points in space."""
    points = rng.normal(size=(shape[0], 3))
    return np.asarray(((points[:, None] - points[None]) ** 2).sum(axis=2))[:, : shape[1]]


MADE = {"onehot-rows": _onehot_rows, "sqdist": _squared_distances}


def _in_interval(drawn: Array, interval: Interval, rng: np.random.Generator) -> Array:
    if interval.made:
        return MADE[interval.made](np.shape(drawn), rng)
    if interval.choices:
        return rng.choice(np.asarray(interval.choices), size=np.shape(drawn))
    return rng.uniform(interval.low, interval.high, np.shape(drawn))


def _tried(
    gates: ComputationalGraph, at_sizes: Mapping[str, int], domain: str, values: dict[str, Array]
) -> Point | None:
    """The point, unless some value or cotangent there is not a finite number of moderate size."""
    needed = gates.nodes_topologically_sorted()
    try:
        with np.errstate(all="ignore"):
            output = gates.forward(**{n.name: values[n.name] for n in needed if n.kind == "input"})
            gates.backward(np.ones_like(output)[()])
            whole = _whole_exponents(gates, needed)
            moderate = all(
                _moderate(gates.value(n)) and (n.index in whole or _moderate(gates.gradient(n)))
                for n in needed
                if n.kind != "constant"
            )
            near = any(isinstance(n.gate, OperationGate) and near_kink(n.gate) for n in needed)
    except (SymgradError, ArithmeticError, np.linalg.LinAlgError):
        return None
    return Point(at_sizes, values, domain, near_kink=near) if moderate else None


def _whole_exponents(gates: ComputationalGraph, needed: Sequence[Handle]) -> set[int]:
    """The nodes that make the exponent of a power of a matrix: whole numbers, by which there is no derivative."""
    found: set[int] = set()
    for node in reversed(needed):
        if node.index in found:
            found.update(node.parents)
        elif isinstance(node.gate, OperationGate) and node.gate.record.name == "power":
            base, exponent = node.parents
            matrix, k = (gates.value(next(n for n in needed if n.index == at)) for at in (base, exponent))
            if np.ndim(matrix):
                if k != round(float(k)):
                    raise DomainError("the exponent of a matrix is no whole number")
                found.add(exponent)
    return found


def _moderate(array: Array) -> bool:
    return bool((np.abs(array) < LARGEST).all())


def operations(source: Program) -> list[Operation]:
    """The records of the operations that occur in a program."""
    calls = {part.op for line in source.lines for part in postorder(line.value) if type(part) is Call}
    return [record(name) for name in sorted(calls)]


def near_kink(gate: OperationGate) -> bool:
    """Whether the slope or the value of an operation with kinks jumps within KINK_MARGIN of its inputs."""
    if gate.record.kinks is None:
        return False
    return any(_jumps(gate.record, gate.inputs, moves) for moves in _moves(gate.inputs))


def _moves(inputs: Sequence[Array]) -> Iterator[list[Array]]:
    """Directions in which each input moves against the others, and each entry against every other one.

    Entries are numbered through; the bits of the numbers are the signs, so any two differ in some direction.
    """
    yield [np.full(x.shape, KINK_MARGIN * (-1.0) ** i) for i, x in enumerate(inputs)]
    count = sum(x.size for x in inputs)
    for bit in range(count.bit_length()):
        signs = np.where(np.arange(count) >> bit & 1, KINK_MARGIN, -KINK_MARGIN)
        parts = np.split(signs, np.cumsum([x.size for x in inputs])[:-1])
        yield [part.reshape(x.shape) for part, x in zip(parts, inputs, strict=True)]


def _jumps(operation: Operation, inputs: Sequence[Array], moves: Sequence[Array]) -> bool:
    values, slopes = [], []
    for sign in (1, -1):
        moved = [np.real(x) + sign * step for x, step in zip(inputs, moves, strict=True)]
        values.append(operation.value(*moved))
        slopes.append(operation.pullback(np.ones_like(values[-1]), values[-1], *moved))
    bound = 2 * KINK_MARGIN * sum(float(np.abs(s).sum()) for pair in slopes for s in pair) + 1e-9
    steep = any(np.abs(a - b).max() > 0.1 for a, b in zip(*slopes, strict=True))
    return steep or float(np.abs(values[0] - values[1]).max()) > bound


# --- Jacobians --------------------------------------------------------------------------------


def engine_jacobian(run: Run, wrt: str) -> Array:
    """d output / d input by the engine's reverse sweeps: the output's axes, then the input's."""
    run.forward()
    used = {n.name for n in run.graph.nodes_topologically_sorted() if n.kind == "input"}
    if wrt not in used:
        return np.zeros(np.shape(run.graph.value(run.graph.output)) + np.shape(run.values[wrt]))
    return run.graph.jacobian(wrt=wrt)


def difference_jacobian(run: Run, wrt: Sequence[str], analytic: bool) -> Estimate:
    """d output / d inputs in turn from forward values: complex step where analytic, else central differences."""
    first = _first_differences(run, wrt[0], analytic)
    return _again(first, run, wrt[1:])


def engine_differences(run: Run, wrt: Sequence[str]) -> Estimate:
    """The engine's Jacobian by the first variable, differenced by the others."""

    def jacobian(changed: Mapping[str, Array]) -> Array:
        return engine_jacobian(replace(run, values={**run.values, **changed}), wrt[0])

    return _again(jacobian, run, wrt[1:])


def _first_differences(run: Run, name: str, analytic: bool) -> Callable[[Mapping[str, Array]], Array]:
    def jacobian(changed: Mapping[str, Array]) -> Array:
        here = {**run.values, **changed}

        def value(x: Array) -> Array:
            return run.forward(**{**here, name: x})

        if analytic and np.iscomplexobj(value(here[name] + 0j)):
            return complex_step_jacobian(value, here[name])
        return central_jacobian(value, here[name]).value

    return jacobian


def differenced(function: Callable[[Mapping[str, Array]], Array], values: Mapping[str, Array], name: str) -> Estimate:
    """d function / d name by central differences, for a function of arrays by name."""
    return central_jacobian(lambda x: function({name: x}), values[name])


def _again(function: Callable[[Mapping[str, Array]], Array], run: Run, names: Sequence[str]) -> Estimate:
    if not names:
        value = np.asarray(function({}))
        return Estimate(value, np.zeros(value.shape))
    if len(names) > 1:
        raise DomainError(
            "differences of differences of differences carry no digits", hint="difference a second derivative"
        )
    return differenced(function, run.values, names[0])


def is_analytic(source: Program) -> bool:
    """Whether every operation of a program takes complex arrays and is analytic."""
    return all(op.analytic for op in operations(source))


# --- structure --------------------------------------------------------------------------------


def projected(array: Array, start: int, declared: Declaration, structure: str, value: Array) -> Array:
    """A derivative, read by the declared structure of the variable whose axes begin at `start`.

    Symmetric, skew, diagonal: the projection (for `free`, the derivative by free entries; for `kept`, nothing is
    changed: it should have that form); orthogonal and simplex: the part along the constraint, which alone is
    determined.
    """
    p = declared.properties
    if p & {"simplex", "onehot"}:
        axis = start + np.ndim(value) - 1
        return array - array.mean(axis=axis, keepdims=True)
    if declared.kind != "matrix" or not p & {"diagonal", "symmetric", "spd", "skew", "orthogonal", "lower", "upper"}:
        return array
    last = np.moveaxis(array, (start, start + 1), (-2, -1))
    return np.moveaxis(_of_square(last, p, structure, value), (-2, -1), (start, start + 1))


def _of_square(g: Array, properties: Collection[str], structure: str, value: Array) -> Array:
    turned, on_diagonal = np.swapaxes(g, -1, -2), g * np.eye(g.shape[-1])
    if "orthogonal" in properties:
        inner = value.T @ g
        return g - value @ (inner + np.swapaxes(inner, -1, -2)) / 2
    if structure == "kept":
        return g
    if "diagonal" in properties:
        return on_diagonal
    triangles = {"lower", "upper"} & set(properties)
    if triangles:
        diagonal = len(triangles) == 2 or {"symmetric", "spd"} & set(properties)
        return on_diagonal if diagonal else np.tril(g) if triangles == {"lower"} else np.triu(g)
    sign = -1 if "skew" in properties else 1
    if structure == "free":
        return g + turned - on_diagonal if sign > 0 else g - turned
    return (g + sign * turned) / 2


def described(at_sizes: Mapping[str, int]) -> str:
    """Sizes as people write them."""
    return ", ".join(f"{a} = {n}" for a, n in at_sizes.items()) or "as declared"


def entry_count(source: Program, names: Iterable[str], at_sizes: Mapping[str, int]) -> int:
    """Entries of a derivative with the axes of all these names.  Raises ShapeError for an unknown letter."""
    total = 1
    for name in names:
        for size in source.views[name].shape:
            try:
                total *= size_at(size, at_sizes)
            except KeyError as error:
                raise ShapeError(f"the dimension {error.args[0]} is not known") from None
    return total
