"""What the sides of a step come to: samples, the numeric engine, and the check of a claim.

Values of names and derivatives come from the graph of numeric gates, never from the symbolic rules, so a
step is held against something that was not derived as it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod
from typing import Any

import numpy as np

from symgrad.errors import DomainError
from symgrad.execution import execute
from symgrad.notation.declare import Declaration
from symgrad.notation.layout import Arrangement
from symgrad.notation.lower import Scope, lower
from symgrad.notation.tree import Tree
from symgrad.numeric.backprop import ComputationalGraph
from symgrad.numeric.evaluate import evaluate
from symgrad.numeric.sample import lengths_of, sample
from symgrad.numeric.sample import sizes as sample_sizes
from symgrad.programs import Program
from symgrad.steps.step import Meaning, Step, Symbol, Written, stacked_axes
from symgrad.tensor.dims import letters_of, size_at
from symgrad.tensor.nodes import Input, Node, walk

Array = Any
TOLERANCE = 1e-8
ATTEMPTS = 12


@dataclass(frozen=True, slots=True)
class Disagreement:
    """How far the two sides of a step are apart at a sample."""

    step: Step
    error: float
    sizes: Mapping[str, int]
    agrees: bool

    def __bool__(self) -> bool:
        return self.agrees

    def __str__(self) -> str:
        at = ", ".join(f"{name} = {size}" for name, size in self.sizes.items())
        return f"{'agrees' if self.agrees else 'differs'}: {self.error:.1e}{f' at {at}' if at else ''}"


def check_step(step: Step, rng: np.random.Generator, kinds: tuple[str, ...] = ("distinct", "square")) -> Disagreement:
    """The largest disagreement of both sides, at sizes all different and at square ones."""
    worst: Disagreement | None = None
    for kind in kinds:
        with np.errstate(all="ignore"):
            at = sampled(step.program, rng, kind)
            left, right = np.asarray(step.left.array(at)), np.asarray(step.right.array(at))
        error = _error(left, right)
        if worst is None or not error <= worst.error:
            worst = Disagreement(step, error, at.sizes, bool(error <= TOLERANCE))
    assert worst is not None
    return worst


def _error(left: Array, right: Array) -> float:
    if left.shape != right.shape:
        return float("inf")
    if not left.size:
        return 0.0
    error = float(np.max(np.abs(left - right)) / (1 + np.max(np.abs(left))))
    return error if np.isfinite(error) else float("inf")


def sampled(program: Program, rng: np.random.Generator, kind: str) -> Sampled:
    """A sample at which every value of the program is finite.  Raises DomainError where none is found."""
    for domain in _domains():
        found = _draw(program, rng, kind, domain)
        if found is not None and found.is_finite:
            return found
    raise DomainError("no sample was found at which every step of the program has a value", hint="declare the domain")


def _domains() -> Iterator[tuple[str, ...]]:
    for attempt in range(ATTEMPTS):
        yield ((), ("positive",), ("unit",), ("unit", "positive"))[attempt // 3]


def _draw(program: Program, rng: np.random.Generator, kind: str, domain: tuple[str, ...]) -> Sampled | None:
    declared = {**program.declared, **program.where}  # the variable's structure is sampled, not used
    letters = letters_of(s for d in declared.values() for s in (d.rows, d.columns))
    lengths = lengths_of(view.node for view in program.views.values())
    sizes = sample_sizes(letters, kind, int(rng.integers(1000)), lengths)
    try:
        values = {n: sample(d, sizes, rng, () if d.properties else domain) for n, d in declared.items()}
    except DomainError:
        return None
    with np.errstate(all="ignore"):
        return Sampled(program, sizes, values, rng)


class Sampled:
    """A program run at a sample: values of names, derivatives, and matrices written in them."""

    def __init__(self, program: Program, sizes: dict[str, int], values: dict[str, Array], rng: np.random.Generator):
        self.program, self.sizes, self.values, self.rng = program, sizes, values, rng
        self._slopes: dict[tuple[str, str], Array] = {}
        self._changes: dict[str, Array] = {}
        self._nodes: dict[Node, Array] = {}

    @cached_property
    def graph(self) -> ComputationalGraph:
        return execute(self.program, self.values)

    @cached_property
    def evaluated(self) -> frozenset[str]:
        return frozenset(h.name for h in self.graph.nodes_topologically_sorted())

    @property
    def is_finite(self) -> bool:
        return all(np.isfinite(self.value(name)).all() for name in self.program.assigned if name in self.evaluated)

    def shape(self, node: Node) -> tuple[int, ...]:
        return tuple(size_at(s, self.sizes) for s in node.shape)

    def value(self, name: str) -> Array:
        """The value of a name, with the axes of its node."""
        view = self.program.views[name]
        found = self.graph.value(name) if name in self.evaluated else self.values[name]
        return np.asarray(found).reshape(self.shape(view.node))

    def slope(self, of: str, wrt: str) -> Array:
        """d of / d wrt with the axes of the two nodes."""
        key = (of, wrt)
        if key not in self._slopes:
            shape = self.shape(self.program.views[of].node) + self.shape(self.program.views[wrt].node)
            used = {h.name for h in self.graph.nodes_topologically_sorted(of)}
            found = self.graph.jacobian(of, wrt=wrt) if wrt in used else np.zeros(shape)
            self._slopes[key] = np.asarray(found).reshape(shape)
        return self._slopes[key]

    def local_slope(self, line: str, name: str) -> Array:
        """The slope of one line by a name that it reads, everything else that it reads being held."""
        tree = next(a for a in self.program.lines if a.name == line)
        declared = {n: Declaration(n, *view.shape) for n, view in self.program.views.items() if n != line}
        alone = replace(self.program, lines=(tree,), declared=declared, where={})
        shapes = {
            n: self.shape(view.node) if view.kind != "row" else (1, *self.shape(view.node))
            for n, view in alone.views.items()
            if n != line
        }
        graph = execute(alone, {n: self.value(n).reshape(shape) for n, shape in shapes.items()})
        shape = self.shape(alone.views[line].node) + self.shape(alone.views[name].node)
        return np.asarray(graph.jacobian(line, wrt=name)).reshape(shape)

    def change(self, name: str) -> Array:
        """An arbitrary small change of a variable."""
        if name not in self._changes:
            self._changes[name] = self.rng.normal(size=self.shape(self.program.views[name].node))
        return self._changes[name]

    def symbol(self, symbol: Symbol) -> Array:
        slope = self.slope(symbol.of, symbol.wrt)
        if symbol.stacked is not None:
            of, wrt = (self.program.views[n] for n in (symbol.of, symbol.wrt))
            behind = (of.node.rank + a for a in stacked_axes(wrt, symbol.stacked))
            return slope.transpose(*stacked_axes(of, symbol.stacked), *behind)
        if symbol.kind == "gradient":
            return slope
        change = self.change(symbol.wrt)
        return np.tensordot(slope, change, axes=change.ndim) if change.ndim else slope * change

    def node(self, node: Node, symbols: tuple[Symbol, ...] = ()) -> Array:
        """The array of a node over the program's names and symbols."""
        if node in self._nodes:
            return self._nodes[node]
        table = {s.name: s for s in symbols}
        names = [n.name for n in walk(node) if isinstance(n, Input)]
        values = {n: self.symbol(table[n]) if n in table else self.value(n) for n in names}
        found = evaluate([node], values, self.sizes)[0]
        if not symbols:
            self._nodes[node] = found
        return found

    def matrix(self, tree: Tree, meaning: Meaning) -> Array:
        """What a tree stands for, with rows and columns."""
        program = meaning.program
        view = lower(tree, Scope(dict(meaning.views), program.scope.letters, program.scope.declared))
        array = self.node(view.node, meaning.symbols)
        return np.asarray(array).reshape(prod(array.shape[: view.rows]), prod(array.shape[view.rows :]))

    def entries(self, written: Written, order: tuple[int, ...], shape: tuple[Any, ...]) -> Array:
        """A matrix with its rows and columns as the axes of the claim."""
        sizes = [size_at(s, self.sizes) for s in shape]
        array = self.matrix(written.tree, written.meaning).reshape([sizes[a] for a in order])
        return array.transpose([order.index(a) for a in range(len(order))])

    def arranged(self, of: str, wrt: str, arrangement: Arrangement, projected: str | None) -> Array:
        """The derivative as a matrix."""
        assert arrangement.rows is not None and arrangement.columns is not None
        slope = self.slope(of, wrt)
        if projected is not None:
            slope = _project(slope, projected)
        turned = slope.transpose(*arrangement.rows, *arrangement.columns)
        return turned.reshape(prod(turned.shape[: len(arrangement.rows)]), -1)


def _project(slope: Array, structure: str) -> Array:
    """The derivative by a structured variable (its last two axes), from that by free entries."""
    turned = np.swapaxes(slope, -1, -2)
    on_diagonal = slope * np.eye(slope.shape[-1])
    return {
        "symmetric": (slope + turned) / 2,
        "skew": (slope - turned) / 2,
        "diagonal": on_diagonal,
        "symmetric free": slope + turned - on_diagonal,
        "skew free": slope - turned,
    }[structure]
