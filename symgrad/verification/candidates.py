"""Answers that mistakes would give to one problem, derived once and kept with their values at one point.

A list for each kind: one local rule changed, two, the formula edited, the chain stopped early, another question
answered.  An answer is looked up in a list by two random projections, up to a factor, and what is found is
compared at every point.  What explains an answer, and in which order that is tried, is decided in `search`.

>>> from symgrad.verification.answers import case_of
>>> known = Candidates(case_of("x'*A*x", "x", where="x: R^n; A: R^{n x n}"))
>>> ("forgot second occurrence",) in {c.ids for c in known.derivations}
True
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain, combinations, islice
from typing import Any, Protocol

import numpy as np

from symgrad.derivation import Derivative
from symgrad.errors import SymgradError
from symgrad.notation.lower import Scope, lower
from symgrad.notation.tree import Call, Name, Tree, postorder
from symgrad.tensor.build import einsum, full
from symgrad.tensor.dims import agree
from symgrad.tensor.nodes import Delta, Node
from symgrad.tensor.view import View
from symgrad.verification.edits import MOST_PARTS, edits
from symgrad.verification.equality import equal, same_sizes
from symgrad.verification.mistaken import (
    Change,
    derived_with,
    local_changes,
    merged_steps,
    mistaken_before,
    names_left_out,
    other_derivatives,
    other_functions,
    other_structures,
    products_of_derivatives,
    stopped_early,
)
from symgrad.verification.mistakes import families, generality
from symgrad.verification.scaling import ratio
from symgrad.verification.shared_values import SharedValues
from symgrad.verification.witnesses import Point

Array = Any
MOST_CHANGES = 160  # local rules changed one at a time
MOST_PAIRS = 160  # ... two at a time
MOST_ALIKE = 48  # ... both by the same mistake
MOST_POINTS = 32  # whose values are kept
MOST_EDITS = 160  # changed formulas tried for one answer
NEAR = 1e-6  # of two projections, relatively
FACTORS = (1.0, -1.0, 2.0, 0.5, -2.0, -0.5)


class Bench(Protocol):
    """What is needed of a case: the problem, its points, and values there."""

    @property
    def derivative(self) -> Derivative: ...
    @property
    def points(self) -> Iterable[Point]: ...
    def view(self, node: Node) -> View: ...
    def closed(self, node: Node) -> Node: ...
    def arranged(self, derivative: Derivative) -> View: ...
    def values(self, views: Sequence[View], point: Point) -> list[Array]: ...


@dataclass(frozen=True, slots=True)
class Candidate:
    """A mistaken answer, its value at the first point and two projections of it."""

    ids: tuple[str, ...]
    view: View
    value: Array = field(compare=False)
    traces: tuple[float, float] = field(compare=False)


def _traces(value: Array) -> tuple[float, float]:
    """Two random projections of an array, the same for every array of its shape."""
    rng = np.random.default_rng([*value.shape, 20])
    weights = rng.normal(size=(2, value.size))
    first, second = weights @ np.asarray(value, dtype=float).reshape(-1)
    return float(first), float(second)


@dataclass(frozen=True)
class Candidates:
    """The mistaken answers to one problem."""

    bench: Bench

    # --- the problem

    @cached_property
    def truth(self) -> View:
        return self.bench.arranged(self.bench.derivative)

    @cached_property
    def first(self) -> Point | None:
        """The point at which values are looked up."""
        try:
            return next(iter(self.bench.points), None)
        except SymgradError:
            return None

    def _value(self, view: View, point: Point | None) -> Array | None:
        if point is None:
            return None
        try:
            return self._at(view, point)
        except SymgradError:
            return None

    def _at(self, view: View, point: Point) -> Array:
        try:
            return self._shared(point).of(view)
        except KeyError:  # an input that the point does not have, but the case knows
            return self.bench.values([view], point)[0]

    def _shared(self, point: Point) -> SharedValues:
        """The values at a point that are known already."""
        if id(point) not in self._known:
            if len(self._known) >= MOST_POINTS:
                self._known.clear()
            self._known[id(point)] = SharedValues(point)  # which keeps the point, so that its id stays its own
        return self._known[id(point)]

    @cached_property
    def _known(self) -> dict[int, SharedValues]:
        return {}

    def _pairs(self, said: View, other: View) -> Iterator[tuple[Array, Array, Point]]:
        for point in self.bench.points:
            yield self._at(said, point), self._at(other, point), point

    def _agree(self, said: View, other: View, factor: float = 1) -> bool:
        try:
            return all(equal(a, factor * b) for a, b, _ in self._pairs(said, other))
        except SymgradError:
            return False

    # --- answers that mistakes would give, by their values

    @cached_property
    def derivations(self) -> list[Candidate]:
        """One local rule changed, or another function differentiated."""
        singles = self._derived((c,) for c in islice(self._changes, MOST_CHANGES))
        others = ((("differentiated the wrong function",), self.bench.view(n)) for n in self._others())
        return list(self._candidates(chain(singles, others, self._before())))

    @cached_property
    def merged(self) -> list[Candidate]:
        """Mistakes at steps of the text that the graph holds as one function."""
        return list(self._candidates(self._at_merged_steps()))

    def _at_merged_steps(self) -> Iterator[tuple[tuple[str, ...], View]]:
        try:
            for id, node in islice(merged_steps(self.bench.derivative), MOST_CHANGES):
                whole = node.rank == self.bench.derivative.node.rank
                yield (id,), self.bench.view(node) if whole else View(node, min(1, node.rank))
        except SymgradError:
            return

    @cached_property
    def structures(self) -> list[Candidate]:
        """The derivative by other conventions for a variable with a structure."""
        derivative, made = self.bench.derivative, []
        if any(derivative.program.declared[n].properties for n in derivative.wrt if n in derivative.program.declared):
            for other in other_structures(derivative):
                made.append((("other structure",), self.bench.arranged(other)))
        return list(self._candidates(made))

    def _before(self) -> Iterator[tuple[tuple[str, ...], View]]:
        """Mistakes in the first of two differentiations."""
        try:
            for id, node in islice(mistaken_before(self.bench.derivative), MOST_CHANGES):
                yield (id,), self.bench.view(node)
        except SymgradError:
            return

    def _others(self) -> Iterator[Node]:
        try:
            yield from other_functions(self.bench.derivative)
        except SymgradError:
            return

    @cached_property
    def _changes(self) -> list[Change]:
        return local_changes(self.bench.derivative)

    def _derived(self, choices: Iterable[tuple[Change, ...]]) -> Iterator[tuple[tuple[str, ...], View]]:
        derivative = self.bench.derivative
        for chosen in choices:
            ids = tuple(dict.fromkeys(record for _, record, _ in chosen))
            try:
                yield ids, self.bench.view(derived_with(derivative, chosen))
            except SymgradError:
                continue  # the changed rule has no meaning here

    @cached_property
    def formulas(self) -> list[Candidate]:
        """The derivative's formula with one edit."""
        tree = self.bench.derivative.tree
        if tree is None:
            return []
        reader = Reader(tree, self.bench.derivative.program.scope)
        read = ((e.made, reader.read(e.tree)) for e in islice(edits(tree), MOST_EDITS))
        return list(self._candidates(((made,), view) for made, view in read if view is not None))

    @cached_property
    def stops(self) -> list[Candidate]:
        """The derivative by a step on the way: the rest of the chain is missing."""
        variable = self.bench.derivative.variables[-1]
        made: list[tuple[tuple[str, ...], View]] = []
        try:
            for step, node in stopped_early(self.bench.derivative):
                node = self.bench.closed(node)
                whole = full(node, variable.node.shape) if not node.shape else node
                made += [(("factor left out",), View(n, min(1, n.rank))) for n in {node: 0, whole: 0} if step.rank < 3]
        except SymgradError:
            return []
        return list(self._candidates(made))

    @cached_property
    def questions(self) -> list[Candidate]:
        """Answers to other questions: by another variable, or not differentiated (again)."""
        return list(self._candidates(self._asked()))

    def _asked(self) -> Iterator[tuple[tuple[str, ...], View]]:
        derivative = self.bench.derivative
        last = derivative.wrt[-1]
        try:
            for other in other_derivatives(derivative):
                id = "by another variable" if other.wrt[-1] != last else "not differentiated"
                view = self.bench.arranged(other)
                yield (id,), view
                square = on_the_diagonal(view, self.truth)
                if square is not None:
                    yield (id,), square
            if len(derivative.wrt) == 1:
                yield ("not differentiated",), View(self.bench.closed(derivative.output.node), derivative.output.rows)
        except SymgradError:
            return

    @cached_property
    def rare(self) -> list[Candidate]:
        """Wrong product rules, and named steps without their Jacobian."""
        derivative, bench = self.bench.derivative, self.bench
        try:
            made = [(("product rule",), bench.view(n)) for n in products_of_derivatives(derivative)]
            made += [(("Jacobian left out",), bench.view(n)) for n in names_left_out(derivative)]
        except SymgradError:
            return []
        return list(self._candidates(made))

    def _candidates(self, made: Iterable[tuple[tuple[str, ...], View]]) -> Iterator[Candidate]:
        for ids, view in made:
            value = self._value(view, self.first)
            if value is not None and np.isfinite(value).all():
                yield Candidate(ids, view, value, _traces(value))

    def _hits(self, said: View, candidates: Sequence[Candidate]) -> Iterator[tuple[Candidate, float]]:
        """The candidates that are the answer up to a factor at the first point and equal at every point."""
        value = self._value(said, self.first)
        if value is None or not np.isfinite(value).all():
            return
        first, second = _traces(value)
        for c in candidates:
            if c.value.shape != value.shape or abs(first * c.traces[1] - second * c.traces[0]) > NEAR * (
                abs(first * c.traces[1]) + abs(second * c.traces[0])
            ):
                continue
            factor = ratio(value, c.value) or (1.0 if equal(value, c.value) else 0.0)
            simple = next((f for f in FACTORS if abs(factor - f) < 1e-6), None)
            if simple is not None and same_sizes(said, c.view) and self._agree(said, c.view, simple):
                yield c, simple

    # --- two local rules changed

    @cached_property
    def pairs(self) -> list[Candidate]:
        """Two local rules changed."""
        both = ((a, b) for a, b in combinations(self._changes, 2) if a[0] != b[0])
        return list(self._candidates(self._derived(islice(_likely_first(both), MOST_PAIRS))))

    @cached_property
    def alike(self) -> list[Candidate]:
        """Two local rules changed by the same mistake."""
        both = ((a, b) for a, b in combinations(self._changes, 2) if a[0] != b[0] and a[1] == b[1])
        return list(self._candidates(self._derived(islice(_likely_first(both), MOST_ALIKE))))

    @cached_property
    def wholes(self) -> list[Candidate]:
        by_record: dict[str, dict[object, Change]] = {}
        for change in self._changes:
            by_record.setdefault(families((change[1],))[0], {}).setdefault(change[0], change)
        groups = [tuple(g.values()) for g in by_record.values() if len(g) > 2]
        slopes = tuple({c[0]: c for c in self._changes if c[1] in _SLOPES_AS_ONE}.values())
        return list(self._candidates(self._derived([*groups, slopes] if len(slopes) > 1 else groups)))


class Reader:
    """Reads formulas that differ from one formula in a part: what they share is looked at once."""

    def __init__(self, tree: Tree, scope: Scope):
        self.tree = tree  # kept, so that the ids of its parts stay their own
        self.names: dict[int, Name] = {}
        self.scope = replace(scope, views=dict(scope.views))
        parts = list(islice(postorder(tree), MOST_PARTS + 1))
        for part in parts if len(parts) <= MOST_PARTS else ():  # longer formulas are not edited
            if isinstance(part, Call) and id(part) not in self.names:
                view = self.read(part)
                if view is not None:
                    name = self.names[id(part)] = Name(f" {len(self.names)}")
                    self.scope.views[name.name] = view

    def read(self, tree: Tree) -> View | None:
        """The meaning of a formula, None where it does not conform, as most edits do not."""
        try:
            return lower(self._shortened(tree), self.scope)
        except SymgradError:
            return None

    def _shortened(self, tree: Tree) -> Tree:
        """Known parts become names; formulas that are edited are not deep."""
        if not isinstance(tree, Call):
            return tree
        known = self.names.get(id(tree))
        return known or Call(tree.op, tuple(map(self._shortened, tree.args)), tree.span, tree.mark)


def on_the_diagonal(said: View, truth: View) -> View | None:
    """A vector as the diagonal of a matrix of the derivative's shape."""
    node = said.node
    if node.rank != 1 or not (agree(truth.shape[0], node.shape[0]) and agree(truth.shape[1], node.shape[0])):
        return None
    return View(einsum([(node, (0,)), (Delta.make(node.shape[0]), (0, 1))], (0, 1)), 1)


def _likely_first(pairs: Iterable[tuple[Change, Change]]) -> list[tuple[Change, Change]]:
    """Pairs of the more specific mistakes first."""
    return sorted(pairs, key=lambda pair: sum(generality(families((c[1],))[0]) for c in pair))


_SLOPES_AS_ONE = ("missing mask", "max sent to both", "missing chain factor")
