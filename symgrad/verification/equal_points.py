"""Where two sides are compared in floating point: ordinary points, and special ones at which plausible things fail.

Values are those of the text as it stands, operation by operation, before anything is simplified.  Ordinary points lie
in the domain and away from kinks, at sizes all different, square, with a 1.  Special ones are made of 0, 1 and -1,
have equal inputs, singular and diagonal matrices: x = y tells [x > y] + [x < y] from 1, a singular A pinv(A) A from I.
Rounding decides nothing there: a point is left out where a tie is near but not exact, or a matrix nearly singular.

>>> from symgrad.programs import program
>>> both = program("a = sign(x).*sign(x); b = [x == x]", "x: R^n")
>>> sides = Sides(both, "a", "b")
>>> sorted({bool((v[0] == v[1]).all()) for p in special_points(both, 0) if (v := sides.at(p)) is not None})
[False, True]
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from symgrad.errors import DomainError, SymgradError
from symgrad.execution import computational_graph
from symgrad.notation.declare import Declaration
from symgrad.numeric.backprop import ComputationalGraph
from symgrad.numeric.gates import OperationGate
from symgrad.numeric.sample import sample, shape_at
from symgrad.operations.matrices import DET, PINV
from symgrad.programs import Program
from symgrad.verification.exact import few_sizes
from symgrad.verification.witnesses import LARGEST, Point, letters

Array = Any
KINDS = ("zeros", "ones", "signs", "signs", "signs", "alike", "opposite", "alike signs", "rank one", "half zero")
NEAR = 1e-9  # of a tie that is not exact
SINGULAR = 1e8  # condition of a matrix whose inverse is not trusted
ROUNDED = 1e-15  # what is 0 but for rounding, against the largest singular value
OPEN = 12  # points that are drawn to see where a side has a value


class Sides:
    """Both sides of an equation as gates, made once for each assignment of sizes."""

    def __init__(self, both: Program, left: str, right: str):
        self.both, self.names = both, (left, right)
        self.made: dict[tuple[int, ...], tuple[ComputationalGraph, ...] | None] = {}

    def at(self, point: Point, strict: bool = True) -> tuple[Array, Array] | None:
        """The values of both sides, read row by row; None where one has none that can be trusted.

        Not `strict`: values that are not numbers are shown as they are.
        """
        graphs = self._graphs(point.sizes)
        if graphs is None:
            return None
        found = []
        for graph in graphs:
            with np.errstate(all="ignore"):
                try:
                    needed = [n.name for n in graph.nodes_topologically_sorted() if n.kind == "input"]
                    value = graph.forward(**{name: point.values[name] for name in needed})
                    if strict and not _trusted(graph):
                        return None
                except (SymgradError, ArithmeticError, np.linalg.LinAlgError):
                    return None
            found.append(np.ravel(np.asarray(value, dtype=float)))
        return found[0], found[1]

    def _graphs(self, at_sizes: Mapping[str, int]) -> tuple[ComputationalGraph, ...] | None:
        key = tuple(at_sizes.values())
        if key not in self.made:
            try:
                self.made[key] = tuple(computational_graph(self.both, at_sizes, of) for of in self.names)
            except SymgradError:
                self.made[key] = None  # a size the expression does not allow
        return self.made[key]


def _trusted(graph: ComputationalGraph) -> bool:
    """Whether all values are finite and moderate, no tie is near without being exact, no inverse nearly singular."""
    for node in graph.nodes_topologically_sorted():
        if node.kind != "constant" and not (np.abs(graph.value(node)) < LARGEST).all():
            return False
        gate = node.gate
        if not isinstance(gate, OperationGate):
            continue
        if gate.record.kinks is not None and _nearly_tied(gate.inputs):
            return False
        matrix = gate.record.domain in ("invertible", "spd", "positive") or not gate.record.analytic
        matrix = matrix and gate.record is not DET  # which is continuous
        floor = ROUNDED if gate.record is PINV else 0.0
        if matrix and any(min(x.shape) > 1 and _nearly_singular(x, floor) for x in gate.inputs[:1]):
            return False
    return True


def _nearly_tied(inputs: list[Array]) -> bool:
    values = np.real(inputs[0]) - np.real(inputs[1]) if len(inputs) == 2 else np.real(inputs[0])
    apart = values - values.reshape(-1)[:, None, None] if len(inputs) == 1 and values.size > 1 else values
    return any(((np.abs(v) > 0) & (np.abs(v) < NEAR)).any() for v in (values, apart))


def _nearly_singular(matrix: Array, floor: float) -> bool:
    """Whether rounding decides if a matrix has full rank; below the floor it certainly has not."""
    values = np.linalg.svd(matrix, compute_uv=False)
    return bool(((values > floor * values[0]) & (values < values[0] / SINGULAR)).any())


# --- special points -----------------------------------------------------------------------------


def special_points(both: Program, seed: int) -> Iterator[Point]:
    """Points made of 0, 1 and -1, with equal inputs and singular matrices, at a few sizes."""
    for turn, at_sizes in enumerate(_usual_sizes(both)):
        for k, kind in enumerate(KINDS):
            rng = np.random.default_rng([seed, turn, k])
            alike: dict[object, Array] = {}
            try:
                values = {d.name: _drawn(d, at_sizes, rng, kind, alike) for d in both.declared.values()}
            except SymgradError:
                continue
            yield Point(at_sizes, values, kind)


def _usual_sizes(both: Program) -> list[dict[str, int]]:
    """Without a 1: what is a matrix elsewhere is a number there."""
    return [s for s in few_sizes(letters(both)) if min(s.values(), default=2) > 1][:3]


def open_points(both: Program, seed: int) -> Iterator[Point]:
    """Points anywhere: they show where a side has a value."""
    usual = _usual_sizes(both)
    for turn in range(OPEN):
        try:
            yield drawn_at(both, usual[turn % len(usual)], 100 * seed + turn)
        except SymgradError:
            continue


def drawn_at(both: Program, at_sizes: Mapping[str, int], seed: int) -> Point:
    """A point anywhere, at these sizes (3 for a letter that has none).  Raises DomainError, LimitError."""
    whole = {**dict.fromkeys(letters(both), 3), **at_sizes}
    rng = np.random.default_rng([seed, 77])
    return Point(whole, {d.name: sample(d, whole, rng, "real") for d in both.declared.values()}, "open")


def _drawn(
    declared: Declaration, at_sizes: Mapping[str, int], rng: np.random.Generator, kind: str, alike: dict[object, Array]
) -> Array:
    properties = declared.properties
    shape = shape_at(declared.rows, declared.columns, at_sizes)
    if properties & {"simplex", "onehot", "orthogonal", "spd", "invertible"}:
        return _of_its_kind(declared, at_sizes, rng)
    key = (shape, properties)
    if key in alike and "alike" in kind:
        return alike[key]
    if key in alike and kind == "opposite":
        return -alike[key] if "positive" not in properties else alike[key]
    alike[key] = _with_structure(_entries(shape, rng, kind, "positive" in properties), properties)
    return alike[key]


def _of_its_kind(declared: Declaration, at_sizes: Mapping[str, int], rng: np.random.Generator) -> Array:
    """A diagonal matrix of signs where that is allowed, else any sample."""
    properties, shape = declared.properties, shape_at(declared.rows, declared.columns, at_sizes)
    if len(shape) == 2 and properties <= {"orthogonal", "invertible"}:
        return np.diag(rng.choice([-1.0, 1.0], shape[0]))
    if len(shape) == 2 and properties <= {"spd", "symmetric"}:
        return np.diag(rng.choice([1.0, 2.0], shape[0]))
    return sample(declared, at_sizes, rng, "real")


def _entries(shape: tuple[int, ...], rng: np.random.Generator, kind: str, positive: bool) -> Array:
    if positive:
        return rng.choice([1.0, 2.0], shape) if kind != "ones" else np.ones(shape)
    if kind == "zeros":
        return np.zeros(shape)
    if kind == "ones":
        return np.ones(shape)
    if kind in ("alike", "opposite"):
        return np.round(rng.uniform(-2, 2, shape), 1)
    found = rng.choice([-1.0, 0.0, 1.0], shape)
    if kind == "half zero":
        return found * (rng.uniform(size=shape) < 0.5) + 0.0
    return np.multiply.outer(found[:, 0], found[0]) if kind == "rank one" and len(shape) == 2 else found


def _with_structure(entries: Array, properties: frozenset[str]) -> Array:
    """Made symmetric, triangular, ... as declared."""
    if entries.ndim < 2:
        return entries
    if properties & {"symmetric"}:
        entries = np.tril(entries) + np.tril(entries, -1).T
    if "skew" in properties:
        entries = np.tril(entries, -1) - np.tril(entries, -1).T
    if properties & {"lower", "diagonal"}:
        entries = np.tril(entries)
    if properties & {"upper", "diagonal"}:
        entries = np.triu(entries)
    if "skew" in properties and properties & {"lower", "upper", "diagonal"}:
        raise DomainError("no such matrix but zero")
    return entries
