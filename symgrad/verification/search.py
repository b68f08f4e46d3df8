"""The search for the mistakes that explain a wrong answer.

Answers that mistakes would give are derived once per problem and kept with their values at one point; an answer is
looked up among them by two random projections, up to a factor, and what is found is compared at every
point.  Where none fits, single edits of the answer itself are tried, then two mistakes at once, then its terms are
compared with those of the derivative.  All work is bounded; nothing here decides whether an answer is right.

>>> from symgrad.verification.answers import check_answer
>>> check_answer("x'*A*x", "x", answer="2*A*x", where="x: R^n; A: R^{n x n}").misconception
'assumed symmetric'
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from itertools import chain, combinations, islice
from typing import Any, Protocol

import numpy as np

from symgrad.derivation import Derivative
from symgrad.errors import SymgradError
from symgrad.notation.lower import lower
from symgrad.notation.tree import Tree
from symgrad.tensor.build import full, permuted
from symgrad.tensor.nodes import Node
from symgrad.tensor.view import View
from symgrad.verification.edits import Edit, edits
from symgrad.verification.equality import equal, same_sizes
from symgrad.verification.mistaken import Change, derived_with, local_changes, other_functions, stopped_early
from symgrad.verification.mistakes import families, generality
from symgrad.verification.scaling import Factor, factor_of, ratio
from symgrad.verification.terms import compared_terms, count_of_terms
from symgrad.verification.witnesses import Point

Array = Any
MOST_CHANGES = 80  # local rules changed one at a time
MOST_PAIRS = 160  # ... two at a time
MOST_ALIKE = 48  # ... both by the same mistake
MOST_EDITS = 160  # changed formulas tried for one answer
MOST_NAMES = 8  # that may be mistaken for each other
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
class Found:
    """An explanation: the ids of the mistakes, and lines that say more."""

    ids: tuple[str, ...]
    lines: tuple[str, ...] = ()

    @property
    def families(self) -> tuple[str, ...]:
        return families(self.ids)


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
class Search:
    """The mistaken answers to one problem."""

    bench: Bench

    # --- what is looked for, in turn

    def explain(self, said: View, tree: Tree | None = None) -> list[Found]:
        """The explanations of an answer of the derivative's shape, the best first."""
        factor = self._factor(said)
        steps: tuple[Callable[[], list[Found]], ...] = (
            lambda: [Found(factor.ids, factor.lines)] if factor is not None else [],
            lambda: self._found_in(self.derivations, said),
            lambda: self._differs_at_zeros_only(said),
            lambda: self._assumed_symmetric(said) if self._has_merged_terms(said) else [],
            lambda: (
                self._placed(self._found_in(self.formulas, said), tree) or self._stopped(said) or self._repairs(tree)
            ),
            lambda: self._found_in(self.alike, said),
            lambda: self._termwise(said),
            lambda: self._found_twice(said),
            lambda: self._assumed_symmetric(said),
        )
        found = _ordered(next(filter(None, (step() for step in steps)), []))
        return [self._with_terms(found[0], said), *found[1:]] if found else []

    def _with_terms(self, found: Found, said: View) -> Found:
        """An explanation that is about terms, with the terms it is about."""
        if found.lines or found.families not in _OF_TERMS:
            return found
        terms = self._termwise(said)
        return Found(found.ids, terms[0].lines) if terms else found

    def explain_other_shape(self, said: View | None, tree: Tree | None) -> list[Found]:
        """The explanations of an answer of another shape, or of one (None) that does not conform."""
        if said is None:
            return _ordered(self._repairs(tree))
        found = self._found_in(self.formulas, said) or self._stopped(said) or self._repairs(tree)
        turned = _turned(said)
        if not found and turned is not None:
            known = (*self.derivations, *self.stops, *self.formulas)
            found = [Found((*c.ids, "transposed")) for c, f in self._hits(turned, known) if f == 1]
        return _ordered(found)

    def explain_values(self, seen: Sequence[tuple[Point, Array]]) -> list[Found]:
        """The explanations of an answer of which only the values at some points are known."""
        known = (*self.derivations, *self.formulas, *self.stops)
        return self._factor_of_values(seen) or _ordered(Found(c.ids) for c in known if self._has_values(c, seen))

    def _has_values(self, candidate: Candidate, seen: Sequence[tuple[Point, Array]]) -> bool:
        for point, value in seen:
            other = self._value(candidate.view, point)
            if other is None or other.shape != value.shape or not equal(value, other):
                return False
        return True

    def _factor_of_values(self, seen: Sequence[tuple[Point, Array]]) -> list[Found]:
        truths = [(value, self._value(self.truth, point), point) for point, value in seen]
        factor = factor_of((v, t, p) for v, t, p in truths if t is not None)
        return [Found(factor.ids, factor.lines)] if factor is not None else []

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
            return self.bench.values([view], point)[0]
        except SymgradError:
            return None

    def _pairs(self, said: View, other: View) -> Iterator[tuple[Array, Array, Point]]:
        for point in self.bench.points:
            a, b = self.bench.values([said, other], point)
            yield a, b, point

    def _factor(self, said: View) -> Factor | None:
        try:
            return factor_of(self._pairs(said, self.truth))
        except SymgradError:
            return None

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
        return list(self._candidates(chain(singles, others)))

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
        changed = ((e.made, e.tree) for e in islice(edits(tree), MOST_EDITS))
        read = ((made, self._read(t)) for made, t in changed)
        return list(self._candidates(((made,), view) for made, view in read if view is not None))

    def _stopped(self, said: View) -> list[Found]:
        """The rest of the chain, perhaps with its sign, is missing."""
        return [Found(c.ids) for c, factor in self._hits(said, self.stops) if abs(factor) == 1]

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

    def _read(self, tree: Tree) -> View | None:
        try:
            return lower(tree, self.bench.derivative.program.scope)
        except SymgradError:
            return None  # most edits do not conform

    def _candidates(self, made: Iterable[tuple[tuple[str, ...], View]]) -> Iterator[Candidate]:
        for ids, view in made:
            value = self._value(view, self.first)
            if value is not None and np.isfinite(value).all():
                yield Candidate(ids, view, value, _traces(value))

    def _found_in(self, candidates: Sequence[Candidate], said: View) -> list[Found]:
        return [Found(c.ids) for c, factor in self._hits(said, candidates) if factor == 1]

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

    # --- two mistakes at once

    def _found_twice(self, said: View) -> list[Found]:
        found = [Found((*c.ids, *Factor(Fraction(f)).ids)) for c, f in self._hits(said, self.derivations) if f != 1]
        return found or self._in_other_layout(said) or self._found_in(self.pairs, said) or self._all_at_once(said)

    def _in_other_layout(self, said: View) -> list[Found]:
        """A mistaken answer, and that transposed."""
        turned = _turned(said)
        if turned is None:
            return []
        return [Found((*c.ids, "transposed")) for c, f in self._hits(turned, self.derivations) if f == 1]

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

    def _all_at_once(self, said: View) -> list[Found]:
        """The same mistake wherever it can be made."""
        return self._found_in(self.wholes, said)

    @cached_property
    def wholes(self) -> list[Candidate]:
        by_record: dict[str, dict[object, Change]] = {}
        for change in self._changes:
            by_record.setdefault(families((change[1],))[0], {}).setdefault(change[0], change)
        groups = [tuple(g.values()) for g in by_record.values() if len(g) > 2]
        masks = [c for family in ("missing mask", "missing chain factor") for c in by_record.get(family, {}).values()]
        return list(self._candidates(self._derived([*groups, tuple(masks)] if len(masks) > 2 else groups)))

    # --- what values say

    def _differs_at_zeros_only(self, said: View) -> list[Found]:
        """Right wherever the derivative is not zero, and not zero somewhere else."""
        zeros = others = False
        try:
            for answer, truth, _ in self._pairs(said, self.truth):
                at_zero = np.abs(truth) <= 1e-12
                zeros = zeros or bool(np.abs(answer[at_zero]).max(initial=0) > 1e-9)
                others = others or not at_zero.all()
                if not equal(np.where(at_zero, 0, answer), truth):
                    return []
        except SymgradError:
            return []
        return [Found(("zeros left out",))] if zeros and others else []

    def _has_merged_terms(self, said: View) -> bool:
        return count_of_terms(said.node) < count_of_terms(self.truth.node)

    def _assumed_symmetric(self, said: View) -> list[Found]:
        """Right where every square matrix is made symmetric."""
        names = _square(self.bench.derivative)
        if not names:
            return []
        try:
            for point in islice(self.bench.points, 4):
                answer, truth = self.bench.values([said, self.truth], _symmetrised(point, names))
                if not equal(answer, truth):
                    return []
        except SymgradError:
            return []
        return [Found(("assumed symmetric",), (f"it is right where {' and '.join(names)} is symmetric",))]

    # --- edits of the answer

    def _repairs(self, tree: Tree | None) -> list[Found]:
        """The single edits of an answer that make it right."""
        if tree is None:
            return []
        found: dict[tuple[str, ...], Found] = {}
        for edit in islice(edits(tree, self._alike), MOST_EDITS):
            view = self._read(edit.tree)
            if view is not None and same_sizes(view, self.truth) and self._is_right(view):
                found.setdefault(families((edit.repaired,)), _repair(edit))
        return list(found.values())

    def _placed(self, found: Sequence[Found], tree: Tree | None) -> list[Found]:
        """Explanations with the place in the answer, where an edit of it says the same."""
        repairs = {f.families: f for f in self._repairs(tree)} if found else {}
        return [repairs.get(f.families, f) for f in found]

    def _is_right(self, view: View) -> bool:
        value, wanted = self._value(view, self.first), self._value(self.truth, self.first)
        return value is not None and wanted is not None and equal(value, wanted) and self._agree(view, self.truth)

    @cached_property
    def _alike(self) -> list[tuple[str, str]]:
        """Names of the program that may be mistaken for each other."""
        views = [(n, v) for n, v in self.bench.derivative.program.views.items() if v.node.rank][:MOST_NAMES]
        return [(a, b) for a, v in views for b, w in views if a != b and v.kind == w.kind and v.shape == w.shape]

    # --- terms

    def _termwise(self, said: View) -> list[Found]:
        def values(views: Sequence[View]) -> Array:
            rows = [self.bench.values(views, p) for p in islice(self.bench.points, 3)]
            return np.concatenate([np.stack([a.reshape(-1) for a in arrays], axis=1) for arrays in rows])

        found = compared_terms(said, self.truth, values)
        return [Found(found.ids, tuple(found.lines()))] if found is not None else []


def _turned(view: View) -> View | None:
    """The transpose of a matrix of at most two axes."""
    if view.node.rank > 2:
        return None
    return View(permuted(view.node, (1, 0)) if view.node.rank == 2 else view.node, view.node.rank - view.rows)


def _ordered(found: Iterable[Found]) -> list[Found]:
    """Each explanation once, the one with the fewest and most specific mistakes first."""
    best: dict[tuple[str, ...], Found] = {}
    for f in sorted(found, key=lambda f: (len(f.families), sum(map(generality, f.families)))):
        best.setdefault(f.families, f)
    if len(best) > 1:  # where something more specific fits, it is the same step that was left out
        best.pop(("differentiated the wrong function",), None)
    return list(best.values())


def _repair(edit: Edit) -> Found:
    place = f"column {edit.span[0] + 1}: " if edit.span is not None else ""
    return Found((edit.repaired,), (place + edit.says(),))


def _likely_first(pairs: Iterable[tuple[Change, Change]]) -> list[tuple[Change, Change]]:
    """Pairs of the more specific mistakes first."""
    return sorted(pairs, key=lambda pair: sum(generality(families((c[1],))[0]) for c in pair))


def _square(derivative: Derivative) -> list[str]:
    """The square matrices that are not declared to be symmetric or the like."""
    given = derivative.program.declared.values()
    return [d.name for d in given if d.kind == "matrix" and d.rows == d.columns and not d.properties & _STRUCTURED]


_OF_TERMS = (("sign",), ("dropped term",), ("missing factor 2",), ("forgot second occurrence",))
_STRUCTURED = {"symmetric", "spd", "skew", "diagonal", "lower", "upper", "orthogonal"}


def _symmetrised(point: Point, names: Sequence[str]) -> Point:
    values = {n: (v + v.T) / 2 if n in names else v for n, v in point.values.items()}
    return Point(point.sizes, values, point.domain)
