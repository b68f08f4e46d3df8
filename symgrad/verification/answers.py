"""Answers judged: a ladder from shapes to samples, each rung with bounded work.

An answer is text in the names of the problem (intermediates mean their values), LaTeX, an indexed sum, a function of
arrays, or numbers with a stated rounding.
Shapes are compared first, then normal forms, then exact values in a prime field; where these cannot
decide, floating samples do, at several sizes.  A wrong answer comes with a witness, is told
from one that is right in another layout, and is explained by a mistake where one fits.

>>> check_answer("x'*A*x", "x", answer="(A+A')*x", where="x: R^n; A: R^{n x n}").proof
'symbolic'
>>> verdict = check_answer("sum(relu(A*x))", "x", answer="A'*ones(m)", where="A: R^{m x n}; x: R^n")
>>> verdict.correct, verdict.misconception
(False, 'missing mask')
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from typing import Any

from symgrad.calculus.present import present
from symgrad.derivation import Derivative, derive
from symgrad.errors import DomainError, LayoutError, LimitError, ShapeError, SymgradError
from symgrad.notation.declare import PROPERTIES, Declaration
from symgrad.notation.entries import header
from symgrad.notation.layout import LAYOUTS, STACKINGS
from symgrad.notation.normalise import normalised
from symgrad.notation.text import text as tree_text
from symgrad.notation.tree import Tree, postorder
from symgrad.programs import Program, Where, program
from symgrad.tensor.build import is_zero, permuted
from symgrad.tensor.dims import agree
from symgrad.tensor.nodes import Node
from symgrad.tensor.view import View
from symgrad.verification.diagnose import where_it_differs
from symgrad.verification.equality import axes_in_layout, difference, equal, matrices, proved, same_in_field, same_sizes
from symgrad.verification.formulas import lines_of
from symgrad.verification.functions import judge_function
from symgrad.verification.mistake import Line, joined
from symgrad.verification.mistakes import MISTAKES
from symgrad.verification.numbers import judge_numbers, written_numbers
from symgrad.verification.persian import in_persian_words
from symgrad.verification.reading import read_answer
from symgrad.verification.search import Found, Search
from symgrad.verification.verdict import Difference, OtherLayout, Verdict
from symgrad.verification.witnesses import MADE, Interval, Point, find_point, operations

Array = Any
POINTS = ("distinct", "square", "distinct", "square", "one")  # sizes of the samples, in turn
LONG = 400  # parts of a tree
ROUNDS_AT_KINKS = 5  # times as many where masks occur: a mask may be all ones at a point by chance


def check_answer(
    expression: Any,
    wrt: Any,
    *,
    answer: Any,
    layout: str = "mixed",
    vec: str = "column",
    where: Where = None,
    of: str | None = None,
    structure: str = "project",
    domain: str | None = None,
    values: Mapping[str, Any] | None = None,
    decimals: int | None = None,
    other_layout: OtherLayout = "wrong",
    seed: int = 0,
) -> Verdict:
    """Judge an answer to "d expression / d wrt".

    answer     text in the names of the program and of `where`, LaTeX, SymPy, an indexed sum, a function of arrays;
               or numbers, with `values` and `decimals`
    domain     what else is said of the inputs: "y simplex; x in (2, 3); M mask; z signs; Y onehot-rows; n > p"
    values     arrays for the inputs, where the answer is numbers
    other_layout   whether an answer that is right in another layout counts as "right", "partial" or "wrong"

    Raises ParseError, UnknownNameError where the answer cannot be read; what can be read gets a verdict.
    """
    source, intervals = _with_domain(program(expression, where), domain)
    derivative = derive(source, of, wrt, layout=layout, vec=vec, structure=structure)
    answer = _sympy_as_text(answer)
    if isinstance(answer, str) and values is not None:
        answer, decimals = written_numbers(answer, decimals)
    if callable(answer):
        return judge_function(Case(derivative, intervals, seed), answer)
    if not isinstance(answer, str):
        return judge_numbers(derivative, answer, values, decimals)
    return judge_text(derivative, answer, intervals=intervals, seed=seed).counting(other_layout)


def _sympy_as_text(answer: Any) -> Any:
    """A SymPy expression in the text language; anything else as it is."""
    sympy = sys.modules.get("sympy")
    if sympy is None or not isinstance(answer, sympy.Basic):
        return answer
    from symgrad.notation.sympy_door import to_tree

    return tree_text(to_tree(answer)[0])


def case_of(
    expression: Any, wrt: Any, *, where: Where = None, domain: str | None = None, seed: int = 0, **options: Any
) -> Case:
    """One problem for many answers: `case_of(...).judge(answer)`; what mistakes would give is computed once.

    Options as for `derivative`: of, layout, vec, structure.
    """
    source, intervals = _with_domain(program(expression, where), domain)
    return Case(derive(source, options.pop("of", None), wrt, **options), intervals, seed)


# --- what is said of inputs besides their declarations ----------------------------------------

_NUMBER = r"([-+]?[\d.]+(?:e[-+]?\d+)?)"
_IN = re.compile(rf"\s*(\w+)\s+in\s*\(\s*{_NUMBER}\s*,\s*{_NUMBER}\s*\)\s*")
_SAID = re.compile(r"\s*(\w+)\s+([\w-]+)\s*")
_LARGER = re.compile(r"\s*(\w+)\s*[<>]=?\s*(\w+)\s*")
_CHOICES = {"signs": (-1.0, 1.0), "mask": (0.0, 1.0)}


def _with_domain(source: Program, domain: str | None) -> tuple[Program, dict[str, Interval]]:
    """The program with further properties declared, and intervals to sample in."""
    declared, intervals = dict(source.declared), {}
    for said in filter(str.strip, re.split(r"[;\n]", domain or "")):
        sizes = _LARGER.fullmatch(said)
        if sizes is not None and {*sizes.groups()} <= source.scope.letters:
            continue  # points are taken where there is a value: n > p for inv(X'*X)
        found = _IN.fullmatch(said) or _SAID.fullmatch(said)
        if found is None or found[1] not in declared:
            raise DomainError(f"{said.strip()!r} says nothing of an input", hint="y simplex; x in (2, 3); M mask")
        name = found[1]
        if found.re is _IN:
            intervals[name] = Interval(float(found[2]), float(found[3]))
        elif found[2] in _CHOICES:
            intervals[name] = Interval(choices=_CHOICES[found[2]])
        elif found[2] in MADE and declared[name].kind == "matrix":
            intervals[name] = Interval(made=found[2])
        elif found[2] in PROPERTIES:
            old = declared[name]
            declared[name] = Declaration(name, old.rows, old.columns, old.properties | {found[2]})
        else:
            known = ", ".join((*PROPERTIES, *_CHOICES, *MADE))
            raise DomainError(f"there is no property {found[2]}", hint=f"one of {known}")
    if declared == source.declared:
        return source, intervals
    return Program(source.text, source.lines, declared, source.assumed, source.notes, declared), intervals


# --- answers as text --------------------------------------------------------------------------


def judge_text(
    derivative: Derivative, answer: str, *, intervals: Mapping[str, Interval] | None = None, seed: int = 0
) -> Verdict:
    """Judge an answer in the text language against a derivative in its layout."""
    return Case(derivative, intervals or {}, seed).judge(answer)


class Sampled:
    """Points that are found once, when they are first asked for; sizes for which there is none are left out.

    Iterating raises DomainError where there is no point at all.
    """

    def __init__(self, find: Callable[[int], Point], count: int):
        self.find, self.count = find, count
        self.found: dict[int, Point | None] = {}

    def __iter__(self) -> Iterator[Point]:
        for i in range(self.count):
            if i not in self.found:
                self.found[i] = self._sought(i)
            point = self.found[i]
            if point is not None:
                yield point

    def _sought(self, i: int) -> Point | None:
        try:
            return self.find(i)
        except DomainError:
            if i == 0:
                raise
            return None


@dataclass(frozen=True)
class Case:
    """One problem: a derivative in its layout, what is known of the inputs, and where samples are taken."""

    derivative: Derivative
    intervals: Mapping[str, Interval]
    seed: int = 0

    # --- the ladder

    def judge(self, answer: str) -> Verdict:
        """The verdict on an answer as text.

        Raises ParseError, UnknownNameError where it cannot be read.
        """
        scope = self.derivative.program.scope
        if header(answer) is not None:  # index notation has equals signs and letters of its own
            return self._judge_part(answer.strip(), "")
        plain = normalised(answer, {*scope.views, *scope.letters})
        for part in plain.earlier:  # of a chain of equals signs: each is claimed
            verdict = self._judge_part(part, plain.prefix)
            if not verdict.correct:
                return replace(verdict, notes=(*plain.notes, *verdict.notes, f"this is said of the part {part}"))
        verdict = self._judge_part(plain.text, plain.prefix)
        return replace(verdict, notes=(*plain.notes, *verdict.notes))

    def _judge_part(self, text: str, prefix: str) -> Verdict:
        try:
            read = read_answer(text, self.derivative.program.scope, prefix, self.derivative.node.shape)
        except ShapeError as error:
            return self._of_no_shape(text, error)
        tree = read.tree if read.tree is not None and _is_short(read.tree) else None
        if read.by_axes:
            return replace(self._judged_by_axes(read.views[0]), notes=read.notes)
        verdict = self.judged(read.views[0], tree)
        for other in read.views[1:]:  # the free indices in another order
            verdict = verdict if verdict.correct else self._better(verdict, self.judged(other))
        return replace(verdict, notes=read.notes)

    def _judged_by_axes(self, said: View) -> Verdict:
        """Index notation: a tensor with the derivative's axes, in whatever layout that is read."""
        tensor = self.derivative.node
        if said.node.rank != tensor.rank or self.derivative.arrangement.rows is not None:
            return self.judged(self.view(said.node) if said.node.rank == tensor.rank else said)
        wanted = View(self.closed(tensor), 1)
        if not all(agree(a, b) for a, b in zip(said.node.shape, tensor.shape, strict=True)):
            return self.wrong("shapes", "wrong shape: the indices run to other sizes than those of the derivative")
        if proved(said, wanted):
            return self.right("normal form")
        if same_in_field(said, wanted, self.derivative.program):
            return self.right("prime field")
        try:
            for point in self.points:
                answer, truth = self.values([said, wanted], point)
                if not equal(answer, truth):
                    return self.wrong("samples", "", witness=difference(answer, truth, point))
        except (DomainError, LimitError) as error:
            return Verdict(None, "unresolved", explanation=error.message, expected=str(self.derivative))
        return self.right("samples")

    def judged(self, said: View, tree: Tree | None = None) -> Verdict:
        """Climb until a rung decides; `tree` is the answer as it was written."""
        wanted = self.arranged(self.derivative)
        if is_zero(said.node) and is_zero(wanted.node) and said.is_scalar:
            return self.right("normal form")
        if not same_sizes(said, wanted):
            return self._of_wrong_shape(said, wanted, tree)
        if proved(said, wanted):
            return self.right("normal form")
        if same_in_field(said, wanted, self.derivative.program):
            return self.right("prime field")
        return self._sampled(said, wanted, tree)

    def right(self, rung: str) -> Verdict:
        return Verdict(True, rung, "numeric" if rung == "samples" else "symbolic", expected=str(self.derivative))

    def wrong(self, rung: str, explanation: str, **more: Any) -> Verdict:
        return Verdict(False, rung, explanation=explanation, expected=str(self.derivative), **more)

    def _of_no_shape(self, answer: str, error: ShapeError) -> Verdict:
        """An answer that does not conform, and what would make it right."""
        message = Line(f"wrong shape: the answer does not conform\n{error}", f"{_NO_SHAPE_FA}\n{error}")
        try:
            lines, _ = lines_of(answer, self.derivative.program.scope)
        except SymgradError:
            lines = []
        tree = lines[0].value if len(lines) == 1 else None
        return self._explained(self.wrong("shapes", message), self.search.explain_other_shape(None, tree))

    def _of_wrong_shape(self, said: View, wanted: View, tree: Tree | None) -> Verdict:
        convention = f"{self.derivative.layout} layout"
        en = f"wrong shape: the answer is {said.describe()}, the derivative in {convention} is {wanted.describe()}"
        message = Line(en, _wrong_shape_in_persian(said, wanted, self.derivative.layout))
        other = self._right_elsewhere(said)
        if other is None:
            return self._explained(self.wrong("shapes", message), self.search.explain_other_shape(said, tree))
        ids = (_name_of_layout(self.derivative),)
        text = joined([message, _right_in(other)])
        return self.wrong("shapes", text, misconceptions=ids, details=ids, layout=other)

    @staticmethod
    def _better(first: Verdict, second: Verdict) -> Verdict:
        """Of two readings that are wrong, the one that is explained."""
        return second if second.correct or (second.misconceptions and not first.misconceptions) else first

    def with_found(self, verdict: Verdict, found: Sequence[Found]) -> Verdict:
        """A wrong verdict with its explanations, if there are any."""
        return self._explained(verdict, found)

    def explained_by_values(self, seen: Sequence[tuple[Point, Array]]) -> list[Found]:
        """The mistakes that give these values at these points."""
        return self.search.explain_values(seen)

    @staticmethod
    def _explained(verdict: Verdict, found: Sequence[Found]) -> Verdict:
        """The verdict with the mistakes that explain it."""
        if not found:
            return verdict
        best, *others = found
        records = (MISTAKES[i].explanation for i in best.ids)
        said = [verdict.explanation, *(Line(r.en, r.fa) for r in records), *best.lines]
        return replace(
            verdict,
            misconceptions=best.families,
            details=best.ids,
            explanation=joined(said),
            alternatives=tuple(f.families for f in others),
        )

    @cached_property
    def search(self) -> Search:
        """The mistaken answers to this problem, made once."""
        return Search(self)

    def _right_elsewhere(self, said: View) -> str | None:
        """The convention in which the answer is right, if there is one."""
        for other, view in self.other_layouts():
            if same_sizes(said, view) and self.agrees(said, view):
                return other
        return None

    def _sampled(self, said: View, wanted: View, tree: Tree | None) -> Verdict:
        try:
            for point in self.points:
                answer, truth = self.values([said, wanted], point)
                if not equal(answer, truth):
                    return self._differing(said, tree, difference(answer, truth, point))
        except (DomainError, LimitError) as error:
            return Verdict(None, "unresolved", explanation=error.message, expected=str(self.derivative))
        return self.right("samples")

    def _differing(self, said: View, tree: Tree | None, witness: Difference) -> Verdict:
        other = self._right_elsewhere(said)
        if other is not None:
            only_stacked = other.startswith(f"{self.derivative.layout} layout")
            ids = ("wrong order",) if only_stacked else (_name_of_layout(self.derivative),)  # kron(A, B) for kron(B, A)
            also = (("wrong layout",),) if only_stacked else ()
            said_so = _right_in(other)
            named: dict[str, Any] = {"misconceptions": ids, "details": ids, "alternatives": also}
            return self.wrong("samples", said_so, witness=witness, layout=other, **named)
        found = self.search.explain(said, tree)
        where = joined(where_it_differs(self, said))
        where = Line("", "") if found and where == "no entry agrees" else where
        return self._explained(self.wrong("samples", where, witness=witness), found)

    # --- views and values

    def view(self, node: Node, derivative: Derivative | None = None) -> View:
        """A tensor of the derivative's axes as a matrix in the layout, in terms of inputs alone."""
        rows, columns = axes_in_layout(derivative or self.derivative)
        return View(permuted(self.closed(node), (*rows, *columns)), len(rows))

    def arranged(self, derivative: Derivative) -> View:
        return self.view(derivative.node, derivative)

    def closed(self, node: Node) -> Node:
        """Intermediates that were variables are replaced by their values."""
        source, scope = self.derivative.program, self.derivative.scope
        cut = {scope.views[n].node: source.views[n].node for n in self.derivative.wrt if n in source.assigned}
        moved = {a: b for a, b in cut.items() if a is not b}
        return present(node, moved) if moved else node

    def other_layouts(self) -> Iterator[tuple[str, View]]:
        """The derivative as other conventions arrange it, each arrangement once."""
        seen = {axes_in_layout(self.derivative)}
        for vec in (self.derivative.vec, *(v for v in STACKINGS if v != self.derivative.vec)):
            for layout in dict.fromkeys((self.derivative.layout, *LAYOUTS)):
                try:
                    other = self.derivative.in_layout(layout, vec)
                    axes = axes_in_layout(other)
                except LayoutError:
                    continue
                if axes not in seen:
                    seen.add(axes)
                    stacked = f", stacked by {vec}s" if vec != self.derivative.vec else ""
                    yield f"{layout} layout{stacked}", self.arranged(other)

    @cached_property
    def points(self) -> Sampled:
        """Where samples are taken, found as they are needed."""
        source = self.derivative.program
        rounds = ROUNDS_AT_KINKS if any(op.kinks for op in operations(source)) else 1
        kinds = POINTS * rounds
        return Sampled(
            lambda i: find_point(source, kinds[i], self.seed + i, self.intervals, self.derivative.of), len(kinds)
        )

    def values(self, views: Sequence[View], point: Point) -> list[Array]:
        """The views as matrices at a point."""
        return matrices(views, point)

    def agrees(self, said: View, other: View) -> bool:
        """Whether two matrices are equal: proved, or at every point."""
        if proved(said, other):
            return True
        try:
            return all(equal(*self.values([said, other], point)) for point in self.points)
        except (DomainError, LimitError):
            return False  # no point, or too large to compare at one


def _is_short(tree: Tree) -> bool:
    """Whether repairs of an answer as it was written are worth trying one by one."""
    return sum(1 for _ in islice(postorder(tree), LONG)) < LONG


def _name_of_layout(derivative: Derivative) -> str:
    """A gradient is called transposed, a Jacobian in the other convention is in the wrong layout."""
    return "transposed" if derivative.output.is_scalar and len(derivative.wrt) == 1 else "wrong layout"


_NO_SHAPE_FA = "اندازه‌های درون پاسخ با هم جور نیستند"


def _right_in(layout: str) -> Line:
    return Line(f"it is right in {layout}", f"در {in_persian_words(layout)} درست است")


def _wrong_shape_in_persian(said: View, wanted: View, layout: str) -> str:
    ours, theirs = (" x ".join(map(str, view.shape)) for view in (said, wanted))
    return f"اندازهٔ پاسخ {ours} است، ولی مشتق در چیدمان {layout} اندازهٔ {theirs} دارد"
