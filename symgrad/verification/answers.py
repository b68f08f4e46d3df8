"""Answers judged: a ladder from shapes to samples, each rung with bounded work.

An answer is text in the names of the problem (intermediates mean their values), or numbers with a stated rounding.
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
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

import numpy as np

from symgrad.calculus.present import expanded, present
from symgrad.derivation import Derivative, derive
from symgrad.errors import DomainError, LayoutError, LimitError, ParseError, ShapeError, SymgradError
from symgrad.evaluation import compiled
from symgrad.notation.declare import PROPERTIES, Declaration
from symgrad.notation.grammar import parse_program, resolve_juxtaposition
from symgrad.notation.layout import LAYOUTS, STACKINGS
from symgrad.notation.lower import Scope, lower
from symgrad.notation.text import text as text_of
from symgrad.notation.tree import names
from symgrad.numeric.evaluate import evaluate
from symgrad.numeric.field import SingularError, fingerprint
from symgrad.numeric.sample import sizes
from symgrad.operations.catalogue import function_names
from symgrad.program import Program, Where, program
from symgrad.tensor.build import is_zero, permuted
from symgrad.tensor.dims import agree, size_at
from symgrad.tensor.nodes import Input, Node, walk
from symgrad.tensor.view import View
from symgrad.verification.mistakes import MISTAKES, explanations
from symgrad.verification.rounding import explained, judge, roundings
from symgrad.verification.verdict import Difference, Verdict
from symgrad.verification.witnesses import Interval, Point, at, described, find_point, letters, operations

Array = Any
POINTS = ("distinct", "square", "distinct", "square", "one")  # sizes of the samples, in turn
ROUNDS_AT_KINKS = 5  # times as many where masks occur: a mask may be all ones at a point by chance
FIELD_TRIALS = (("distinct", 1), ("square", 2), ("distinct", 3))
TOLERANCE = 1e-8
FIELD_ENTRIES = 10**5


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
    seed: int = 0,
) -> Verdict:
    """Judge an answer to "d expression / d wrt".

    answer     text in the names of the program and of `where`; or numbers, with `values` and `decimals`
    domain     what else is said of the inputs: "y simplex; x in (2, 3); M mask; z signs"
    values     arrays for the inputs, where the answer is numbers

    Raises ParseError, UnknownNameError where the answer cannot be read; what can be read gets a verdict.
    """
    source, intervals = _with_domain(program(expression, where), domain)
    derivative = derive(source, of, wrt, layout=layout, vec=vec, structure=structure)
    if not isinstance(answer, str):
        return judge_numbers(derivative, answer, values, decimals)
    return judge_text(derivative, answer, intervals=intervals, seed=seed)


# --- what is said of inputs besides their declarations ----------------------------------------

_NUMBER = r"([-+]?[\d.]+(?:e[-+]?\d+)?)"
_IN = re.compile(rf"\s*(\w+)\s+in\s*\(\s*{_NUMBER}\s*,\s*{_NUMBER}\s*\)\s*")
_SAID = re.compile(r"\s*(\w+)\s+(\w+)\s*")
_CHOICES = {"signs": (-1.0, 1.0), "mask": (0.0, 1.0)}


def _with_domain(source: Program, domain: str | None) -> tuple[Program, dict[str, Interval]]:
    """The program with further properties declared, and intervals to sample in."""
    declared, intervals = dict(source.declared), {}
    for said in filter(str.strip, re.split(r"[;\n]", domain or "")):
        found = _IN.fullmatch(said) or _SAID.fullmatch(said)
        if found is None or found[1] not in declared:
            raise DomainError(f"{said.strip()!r} says nothing of an input", hint="y simplex; x in (2, 3); M mask")
        name = found[1]
        if found.re is _IN:
            intervals[name] = Interval(float(found[2]), float(found[3]))
        elif found[2] in _CHOICES:
            intervals[name] = Interval(choices=_CHOICES[found[2]])
        elif found[2] in PROPERTIES:
            old = declared[name]
            declared[name] = Declaration(name, old.rows, old.columns, old.properties | {found[2]})
        else:
            raise DomainError(f"there is no property {found[2]}", hint=f"one of {', '.join((*PROPERTIES, *_CHOICES))}")
    if declared == source.declared:
        return source, intervals
    return Program(source.text, source.lines, declared, source.assumed, source.notes, declared), intervals


# --- answers as text --------------------------------------------------------------------------


def judge_text(
    derivative: Derivative, answer: str, *, intervals: Mapping[str, Interval] | None = None, seed: int = 0
) -> Verdict:
    """Judge an answer in the text language against a derivative in its layout."""
    case = Case(derivative, intervals or {}, seed)
    try:
        said = read_answer(answer, derivative.program)
    except ShapeError as error:
        return case.wrong("shapes", f"wrong shape: the answer does not conform\n{error}")
    return case.judged(said)


def read_answer(answer: str, source: Program) -> View:
    """The meaning of an answer, in the names of a program; it may have lines of its own."""
    scope = source.scope
    scope = Scope(dict(scope.views), scope.letters, scope.declared)
    known = {*scope.views}
    for line in parse_program(answer):
        tree = line.value
        if any(n not in known and n not in scope.letters for n in names(tree)):
            tree, _ = resolve_juxtaposition(tree, known, set(function_names()))
        view = lower(tree, scope, answer)
        if line.name is None:
            continue
        if line.name in source.declared:
            raise ParseError(f"{line.name} is given and can't be assigned", text=answer, span=line.span, hint="another name")
        scope.views[line.name] = view
        known.add(line.name)
    return view


class Sampled:
    """Points that are found once, when they are first asked for."""

    def __init__(self, find: Callable[[int], Point], count: int):
        self.find, self.count, self.found = find, count, list[Point]()

    def __iter__(self) -> Iterator[Point]:
        for i in range(self.count):
            if i == len(self.found):
                self.found.append(self.find(i))
            yield self.found[i]


@dataclass(frozen=True)
class Case:
    """One problem: a derivative in its layout, what is known of the inputs, and where samples are taken."""

    derivative: Derivative
    intervals: Mapping[str, Interval]
    seed: int = 0

    # --- the ladder

    def judged(self, said: View) -> Verdict:
        """Climb until a rung decides."""
        wanted = self.arranged(self.derivative)
        if is_zero(said.node) and is_zero(wanted.node) and said.is_scalar:
            return self.right("normal form")
        if not same_sizes(said, wanted):
            return self._of_wrong_shape(said, wanted)
        if proved(said, wanted):
            return self.right("normal form")
        if same_in_field(said, wanted, self.derivative.program):
            return self.right("prime field")
        return self._sampled(said, wanted)

    def right(self, rung: str) -> Verdict:
        proof = "numeric" if rung == "samples" else "symbolic"
        return Verdict(True, rung, proof, expected=str(self.derivative))  # type: ignore[arg-type]

    def wrong(self, rung: str, explanation: str, **more: Any) -> Verdict:
        return Verdict(False, rung, explanation=explanation, expected=str(self.derivative), **more)

    def _of_wrong_shape(self, said: View, wanted: View) -> Verdict:
        message = f"wrong shape: the answer is {said.describe()}, the derivative in {self._convention()} {_article(wanted)}"
        other = next((o for o, view in self.other_layouts() if same_sizes(said, view) and self.agrees(said, view)), None)
        if other is None:
            return self.wrong("shapes", message)
        id = _name_of_layout(self.derivative)
        return self.wrong("shapes", f"{message}\nit is right in {other}", misconceptions=(id,))

    def _convention(self) -> str:
        return f"{self.derivative.layout} layout"

    def _sampled(self, said: View, wanted: View) -> Verdict:
        try:
            for point in self.points:
                answer, truth = self.values([said, wanted], point)
                if not equal(answer, truth):
                    return self._differing(said, difference(answer, truth, point))
        except DomainError as error:
            return Verdict(None, "unresolved", explanation=error.message, expected=str(self.derivative))
        return self.right("samples")

    def _differing(self, said: View, witness: Difference) -> Verdict:
        for other, view in self.other_layouts():
            if same_sizes(said, view) and self.agrees(said, view):
                id = _name_of_layout(self.derivative)
                return self.wrong("samples", f"it is right in {other}", misconceptions=(id,), witness=witness)
        found = explanations(self.derivative, lambda node: self.agrees(said, self.view(node)))
        best, *others = found or [()]
        text = "\n".join(MISTAKES[id].explanation.en for id in best)
        return self.wrong("samples", text, misconceptions=best, witness=witness, alternatives=tuple(others))

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
            for layout in LAYOUTS:
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
        return Sampled(lambda i: find_point(source, kinds[i], self.seed + i, self.intervals, self.derivative.of), len(kinds))

    def values(self, views: Sequence[View], point: Point) -> list[Array]:
        """The views as matrices at a point."""
        return matrices(views, self.derivative.program, point)

    def agrees(self, said: View, other: View) -> bool:
        """Whether two matrices are equal: proved, or at every point."""
        if proved(said, other):
            return True
        return all(equal(*self.values([said, other], point)) for point in self.points)


def _article(view: View) -> str:
    return f"is {view.describe()}"


def _name_of_layout(derivative: Derivative) -> str:
    """A gradient is called transposed, a Jacobian in the other convention is in the wrong layout."""
    return "transposed" if derivative.output.is_scalar and len(derivative.wrt) == 1 else "wrong layout"


def axes_in_layout(derivative: Derivative) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The axes of rows and of columns.  Raises LayoutError where the result has more than two sides."""
    rows, columns = derivative.arrangement.rows, derivative.arrangement.columns
    if rows is not None and columns is not None:
        return rows, columns
    if derivative.node.rank > 2:
        raise LayoutError(
            f"a tensor of order {derivative.node.rank} is not answered by a matrix", hint="layout='numerator' to flatten it"
        )
    return tuple(range(derivative.node.rank))[:1], tuple(range(derivative.node.rank))[1:]


# --- equality, rung by rung -------------------------------------------------------------------


def same_sizes(a: View, b: View) -> bool:
    return all(agree(p, q) for p, q in zip(a.shape, b.shape, strict=True))


def proved(a: View, b: View) -> bool:
    """Whether the normal forms are one object."""
    if a.node.shape != b.node.shape:
        return False
    try:
        return a.node is b.node or expanded(a.node) is expanded(b.node)
    except LimitError:
        return False  # too many terms to multiply out


def same_in_field(a: View, b: View, source: Program) -> bool:
    """Whether the exact values in a prime field are equal at sizes all different and square."""
    for kind, seed in FIELD_TRIALS:
        at_sizes = sizes(letters(source), kind, seed)
        if any(prod(size_at(s, at_sizes) for s in n.shape) > FIELD_ENTRIES for n in walk(a.node, b.node)):
            return False
        try:
            first, second = (_as_matrix(v, fingerprint(v.node, at_sizes, seed), at_sizes) for v in (a, b))
        except (SingularError, SymgradError):
            return False
        if not np.array_equal(first, second):
            return False
    return True


def matrices(views: Sequence[View], source: Program, point: Point) -> list[Array]:
    """The values of views at a point, as arrays of two axes."""
    held = {n.name: n.rank for n in walk(*(v.node for v in views)) if isinstance(n, Input)}
    given = {name: np.reshape(point.values[name], np.shape(point.values[name])[-rank:] if rank else ()) for name, rank in held.items()}
    with np.errstate(all="ignore"):
        arrays = evaluate([v.node for v in views], given, point.sizes)
    return [_as_matrix(v, a, point.sizes) for v, a in zip(views, arrays, strict=True)]


def _as_matrix(view: View, array: Array, at_sizes: Mapping[str, int]) -> Array:
    return np.reshape(array, [size_at(s, at_sizes) for s in view.shape])


def equal(answer: Array, truth: Array) -> bool:
    if not (np.isfinite(answer).all() and np.isfinite(truth).all()):
        return False
    scale = max(float(np.abs(answer).max()), float(np.abs(truth).max()))
    return bool(np.abs(answer - truth).max() <= TOLERANCE * scale + 1e-12)


def difference(answer: Array, truth: Array, point: Point) -> Difference:
    """The entry that is farthest off."""
    off = np.nan_to_num(np.abs(answer - truth), nan=np.inf, posinf=np.inf)
    entry = tuple(int(i) for i in np.unravel_index(int(np.argmax(off)), off.shape))
    shown = () if off.size == 1 else tuple(i + 1 for i in entry)
    return Difference(dict(point.sizes), dict(point.values), shown, float(answer[entry]) + 0.0, float(truth[entry]) + 0.0)


# --- answers as numbers -----------------------------------------------------------------------


def judge_numbers(
    derivative: Derivative, answer: Any, values: Mapping[str, Any] | None, decimals: int | None
) -> Verdict:
    """Judge numbers that are rounded to so many decimals, at given values of the inputs."""
    if values is None or decimals is None:
        raise DomainError("numbers are judged at values of the inputs, with stated rounding", hint="values={...}, decimals=2")
    exact = np.asarray(compiled(derivative)(**values))
    printed = _numbers(answer)
    if _squeezed(printed.shape) != _squeezed(exact.shape):
        return Verdict(False, "shapes", explanation=f"wrong shape: the answer is {printed.shape}, the derivative {exact.shape}")
    printed = printed.reshape(exact.shape)
    found = judge(exact, printed, decimals)
    if found.ok:
        return Verdict(True, "numbers", "numeric")
    entry = tuple(i + 1 for i in found.worst)
    witness = Difference({}, dict(values), entry, found.printed, found.exact)
    if not found.off_by_one:
        return Verdict(False, "numbers", witness=witness)
    why = _rounded_on_the_way(derivative, values, printed, decimals) or "one unit of the last place off"
    return Verdict(False, "numbers", misconceptions=("rounded twice",), explanation=why, witness=witness)


def _numbers(answer: Any) -> Array:
    try:
        return np.asarray(answer, dtype=float)
    except (TypeError, ValueError) as error:
        raise ParseError(f"an answer is text or numbers: {error}") from None


def _squeezed(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(n for n in shape if n != 1)


def _rounded_on_the_way(derivative: Derivative, values: Mapping[str, Any], printed: Array, decimals: int) -> str | None:
    """The number whose rounding before the end explains the print, for the gradient of a scalar."""
    if not derivative.output.is_scalar or len(derivative.wrt) != 1:
        return None
    point = Point(_sizes_of(derivative.program, values), {n: np.asarray(v, dtype=float) for n, v in values.items()})
    run = at(derivative.program, derivative.of, point)
    run.forward()
    turned = ((why, _arranged(derivative, array).reshape(printed.shape)) for why, array in roundings(run.graph, derivative.wrt[0], decimals))
    return explained(turned, printed, decimals)


def _arranged(derivative: Derivative, gradient: Array) -> Array:
    """A gradient's array in the layout."""
    array, (rows, columns) = np.asarray(gradient), axes_in_layout(derivative)
    return np.transpose(array, (*rows, *columns)) if array.ndim == len(rows) + len(columns) else array


def _sizes_of(source: Program, values: Mapping[str, Any]) -> dict[str, int]:
    from symgrad.execution import bound_sizes

    return bound_sizes(source, values)
