"""The search for the mistakes that explain a wrong answer.

An answer is looked up among those that mistakes would give (`candidates`).  Where none fits, single edits of the answer
itself are tried, then its terms are compared with those of the derivative, then two mistakes at once, then the
scalar case (`at_size_one`).  All work is bounded; nothing here decides whether an answer is right.

>>> from symgrad.verification.answers import check_answer
>>> check_answer("x'*A*x", "x", answer="2*A*x", where="x: R^n; A: R^{n x n}").misconception
'assumed symmetric'
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import islice
from typing import Any

import numpy as np

from symgrad.derivation import Derivative
from symgrad.errors import SymgradError
from symgrad.notation.tree import Tree
from symgrad.tensor.build import permuted
from symgrad.tensor.view import View
from symgrad.verification.at_size_one import AtSizeOne
from symgrad.verification.by_values import explained, is_one_row
from symgrad.verification.candidates import MOST_EDITS, Candidate, Candidates, Reader, on_the_diagonal
from symgrad.verification.edits import Edit, edits
from symgrad.verification.equality import equal, same_sizes
from symgrad.verification.mistake import Line
from symgrad.verification.mistakes import families, generality, vague
from symgrad.verification.scaling import Factor, factor_of
from symgrad.verification.terms import common_terms, compared_terms, count_of_terms
from symgrad.verification.witnesses import Point

Array = Any
MOST_NAMES = 8  # that may be mistaken for each other


@dataclass(frozen=True, slots=True)
class Found:
    """An explanation: the ids of the mistakes, and lines that say more."""

    ids: tuple[str, ...]
    lines: tuple[str, ...] = ()

    @property
    def families(self) -> tuple[str, ...]:
        return families(self.ids)


@dataclass(frozen=True)
class Search(Candidates):
    """The explanations of wrong answers to one problem."""

    # --- what is looked for, in turn

    def explain(self, said: View, tree: Tree | None = None) -> list[Found]:
        """The explanations of an answer of the derivative's shape, the best first."""
        factor = self._factor(said)
        steps: tuple[Callable[[], list[Found]], ...] = (
            lambda: [Found(factor.ids, factor.lines)] if factor is not None else [],
            lambda: self._found_in(self.structures, said),
            lambda: self._found_in(self.derivations, said),
            lambda: self._differs_at_zeros_only(said),
            lambda: self._symmetric_or_twice(said) if self._has_merged_terms(said) else [],
            lambda: (
                self._placed(self._found_in(self.formulas, said), tree) or self._stopped(said) or self._repairs(tree)
            ),
            lambda: self._found_in(self.alike, said),
            lambda: [f for f in self._termwise(said) if len(f.families) == 1],
            lambda: self._found_in(self.questions, said) or self._found_in(self.rare, said),
            lambda: self._found_in(self.merged, said),
            lambda: self._found_twice(said),
            lambda: self._termwise(said),
            lambda: self._assumed_symmetric(said),
            lambda: self._at_size_one(tree),
            lambda: self._edited_candidate(tree) if tree is not None else self._by_values_alone(said),
            lambda: self._terms_in_common(said),
        )
        found = _ordered(next(filter(None, (step() for step in steps)), []))
        if found and found[0].ids == ("term left out",):  # perhaps because two occurrences were forgotten
            found = _ordered([*found, *self._found_in(self.alike, said)])
        elif found and found[0].ids == ("stale variable",):
            found = [*found, *self._found_in(self.questions, said)][:2]
        elif found and found[0].families == _ANOTHER:
            found = [*found, *self._found_in(self.merged, said)][:2]
        return [self._with_terms(found[0], said), *found[1:]] if found else []

    def _with_terms(self, found: Found, said: View) -> Found:
        """An explanation that is about terms, with the terms it is about."""
        if found.lines or found.families not in _OF_TERMS:
            return found
        terms = self._termwise(said)
        return Found(found.ids, terms[0].lines) if terms else found

    def explain_other_shape(self, said: View | None, tree: Tree | None) -> list[Found]:
        """The explanations of an answer of another shape, or of one (None) that does not conform."""
        found: list[Found] = []
        if said is not None:
            found = self._found_in(self.formulas, said) or self._stopped(said) or self._found_in(self.questions, said)
            found = found or self._found_in(self.merged, said)
        found = found or self._repairs(tree, other_shapes=True)
        if said is not None and not found:
            found = self._turned_or_on_the_diagonal(said)
        return _ordered(found or self._at_size_one(tree) or self._edited_candidate(tree))

    def _turned_or_on_the_diagonal(self, said: View) -> list[Found]:
        """Another mistake, and transposed; or the entries of a diagonal as a vector."""
        turned = _turned(said)
        if turned is not None and same_sizes(turned, self.truth):
            found = self.explain(turned)
            if found and found[0].ids:
                return [Found((*found[0].ids, "transposed"), found[0].lines)]
        diagonal = on_the_diagonal(said, self.truth)
        if diagonal is None:
            return []
        if self._agree(diagonal, self.truth):
            return [Found(("diag missing",))]
        return [Found((*f.ids, "diag missing")) for f in self._found_in(self.derivations, diagonal)]

    def _at_size_one(self, tree: Tree | None) -> list[Found]:
        if tree is None:
            return []
        formula = self.bench.derivative.tree
        found = self.ones.explain(tree, islice(edits(formula), MOST_EDITS) if formula is not None else ())
        return [Found(*found)] if found is not None else []

    @cached_property
    def ones(self) -> AtSizeOne:
        return AtSizeOne(self.bench.derivative)

    def _edited_candidate(self, tree: Tree | None) -> list[Found]:
        """A mistaken derivation, and one change of its formula."""
        if tree is None:
            return []
        reader = Reader(tree, self.bench.derivative.program.scope)
        for edit in islice(edits(tree), MOST_EDITS):
            view = reader.read(edit.tree) if edit.repaired in _REARRANGED else None
            if view is not None and same_sizes(view, self.truth):
                found = self._found_in(self.derivations, view)
                if found:
                    return [Found((*found[0].ids, edit.repaired), (_placed_words(edit),))]
        return []

    def explain_values(self, seen: Sequence[tuple[Point, Array]]) -> list[Found]:
        """The explanations of an answer of which only the values at some points are known."""
        known = (*self.derivations, *self.formulas, *self.stops, *self.questions, *self.rare)
        found = self._factor_of_values(seen) or _ordered(Found(c.ids) for c in known if self._has_values(c, seen))
        return found or self._one_row_of(seen) or self._by_numbers(seen)

    def _by_values_alone(self, said: View) -> list[Found]:
        try:
            seen = [(point, self.bench.values([said], point)[0]) for point in islice(self.bench.points, 4)]
        except SymgradError:
            return []
        return self._one_row_of(seen) or self._by_numbers(seen)

    def _one_row_of(self, seen: Sequence[tuple[Point, Array]]) -> list[Found]:
        """The first row of what should have been summed over all rows."""
        for c in self.formulas:
            pairs = ((value, self._value(c.view, point)) for point, value in seen)
            if c.ids == ("bias not summed",) and all(v is not None and is_one_row(a, v) for a, v in pairs):
                return [Found(c.ids)]
        return []

    def _by_numbers(self, seen: Sequence[tuple[Point, Array]]) -> list[Found]:
        truths = [(point, value, self._value(self.truth, point)) for point, value in seen]
        found = explained([t for t in truths if t[2] is not None])
        return [Found(*found)] if found is not None else []

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

    def _all_at_once(self, said: View) -> list[Found]:
        """The same mistake wherever it can be made."""
        return self._found_in(self.wholes, said)

    def _stopped(self, said: View) -> list[Found]:
        """The rest of the chain, perhaps with its sign, is missing."""
        return [Found(c.ids) for c, factor in self._hits(said, self.stops) if abs(factor) == 1]

    def _found_in(self, candidates: Sequence[Candidate], said: View) -> list[Found]:
        return [Found(c.ids) for c, factor in self._hits(said, candidates) if factor == 1]

    # --- what values say

    def _factor(self, said: View) -> Factor | None:
        try:
            return factor_of(self._pairs(said, self.truth))
        except SymgradError:
            return None

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
        en = f"it is right where {' and '.join(names)} is symmetric"
        return [Found(("assumed symmetric",), (Line(en, f"اگر {' و '.join(names)} متقارن باشد درست است"),))]

    def _symmetric_or_twice(self, said: View) -> list[Found]:
        return self._assumed_symmetric(said) or [f for f in self._termwise(said) if f.ids == ("one term twice",)]

    # --- edits of the answer

    def _repairs(self, tree: Tree | None, *, other_shapes: bool = False) -> list[Found]:
        """The single edits of an answer that make it right."""
        if tree is None:
            return []
        found: dict[tuple[str, ...], Found] = {}
        scope = self.bench.derivative.program.scope
        changed = edits(tree, self._alike(other_shapes), scope.letters)
        reader = Reader(tree, scope)
        for edit in islice(changed, MOST_EDITS):
            view = reader.read(edit.tree)
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

    def _alike(self, other_shapes: bool) -> list[tuple[str, str]]:
        """Names of the program that may be mistaken for each other."""
        views = [(n, v) for n, v in self.bench.derivative.program.views.items() if v.node.rank][:MOST_NAMES]
        pairs = [(a, v, b, w) for a, v in views for b, w in views if a != b and v.kind == w.kind]
        return [(a, b) for a, v, b, w in pairs if other_shapes or v.shape == w.shape]

    # --- terms

    def _terms_in_common(self, said: View) -> list[Found]:
        """No mistake, but which terms are right."""
        lines = common_terms(said, self.truth)
        return [Found((), tuple(lines))] if lines else []

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
    for f in sorted(found, key=lambda f: (len(f.families), vague(f.ids), sum(map(generality, f.families)))):
        best.setdefault(f.families, f)
    if ("dropped term",) in best and best.get(("forgot second occurrence",), Found(())).ids == ("branches not added",):
        best = {("dropped term",): best.pop(("dropped term",)), **best}  # a sum's term, rather than a branch
    if any(not vague(f.ids) for f in best.values() if f.families != _ANOTHER):  # the same step, told more closely
        best.pop(_ANOTHER, None)
    return list(best.values())


def _repair(edit: Edit) -> Found:
    return Found((edit.repaired,), (_placed_words(edit),))


def _placed_words(edit: Edit) -> str:
    said = edit.says()
    if edit.span is None:
        return said
    column = edit.span[0] + 1
    return Line(f"column {column}: {said}", f"ستون {column}: {said.fa}")


def _square(derivative: Derivative) -> list[str]:
    """The square matrices that are not declared to be symmetric or the like."""
    given = derivative.program.declared.values()
    return [d.name for d in given if d.kind == "matrix" and d.rows == d.columns and not d.properties & _STRUCTURED]


_REARRANGED = (
    "missing transpose", "extra transpose", "wrong order", "sign", "diag missing", "elementwise vs matrix product",
)  # fmt: skip
_ANOTHER = ("differentiated the wrong function",)
_OF_TERMS = (("sign",), ("dropped term",), ("missing factor 2",), ("forgot second occurrence",))
_STRUCTURED = {"symmetric", "spd", "skew", "diagonal", "lower", "upper", "orthogonal"}


def _symmetrised(point: Point, names: Sequence[str]) -> Point:
    values = {n: (v + v.T) / 2 if n in names else v for n, v in point.values.items()}
    return Point(point.sizes, values, point.domain)
