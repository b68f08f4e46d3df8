"""Answers compared where every size is 1: what is arranged wrongly is right there.

Of scalars, order, transposes, diag and the kind of product make no difference, so any text has a value, also one that
does not conform; a function of a whole vector becomes an unknown of its argument.  Where the ratio to the derivative
is a number the factors are arranged wrongly; where it is a factor of the formulas, that factor is missing or too many.

>>> from symgrad.derivation import derivative
>>> from symgrad.notation.grammar import parse
>>> D = derivative("norm2(X*w-y)^2", "X", where="X: R^{m x n}; w: R^n; y: R^m", layout="gradient")
>>> AtSizeOne(D).explain(parse("2*w'*(X*w-y)"), [])
(('wrong order',), ('it is right where all sizes are 1: look at how the factors are arranged',))
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from itertools import islice
from math import prod
from typing import Any

import numpy as np

from symgrad.calculus.present import expanded
from symgrad.derivation import Derivative
from symgrad.errors import LimitError, SymgradError
from symgrad.notation.lower import Scope, lower
from symgrad.notation.text import text
from symgrad.notation.tree import Call, Name, Number, Tree, postorder
from symgrad.numeric.evaluate import evaluate
from symgrad.operations.catalogue import find, record
from symgrad.operations.record import Elementwise
from symgrad.tensor.nodes import Add, Apply, Einsum, Input, Map, Node, Power, walk
from symgrad.tensor.view import View
from symgrad.verification.edits import POWERS, PRODUCTS, Edit
from symgrad.verification.mistake import Line
from symgrad.verification.product_rules import multiplied
from symgrad.verification.scaling import Factor

Array = Any
Explained = tuple[tuple[str, ...], tuple[str, ...]]
POINTS = 24
ENOUGH = 4  # points at which values are finite and not zero
MOST_FACTORS = 40  # that may be missing or too many
MOST_TERMS = 8  # compared one by one
CLOSE = 1e-9
_ONE = Number(Fraction(1))
_ARRANGED = Line(
    "it is right where all sizes are 1: look at how the factors are arranged",
    "اگر همهٔ اندازه‌ها 1 باشند درست است: به چینش عامل‌ها نگاه کنید",
)


@dataclass
class AtSizeOne:
    """One problem where every size is 1."""

    derivative: Derivative
    unknown: dict[tuple[Any, ...], Input] = field(default_factory=dict)
    drawn: dict[str, Array] = field(default_factory=dict)
    known: dict[Node, Array] = field(default_factory=dict)

    def explain(self, said: Tree, changed: Iterable[Edit]) -> Explained | None:
        """The ids and lines that explain an answer; `changed` are the edits of the right formula."""
        wanted = self.derivative.tree
        if wanted is None:
            return None
        try:
            answer, truth = self._values(said), self._values(wanted)
        except SymgradError:
            return None
        return (
            self._arranged(said, wanted, answer, truth)
            or self._by_product_rules(answer, truth)
            or self._edited(answer, truth, changed)
            or self._factored(said, wanted, answer, truth)
        )

    def _arranged(self, said: Tree, wanted: Tree, answer: Array, truth: Array) -> Explained | None:
        number = _constant(answer, truth)
        if number is None:
            return None
        ids = () if number == 1 else Factor(number).ids
        return ((arrangement(said, wanted), *ids), (_ARRANGED,) if not ids else ())

    def _by_product_rules(self, answer: Array, truth: Array) -> Explained | None:
        """f'g' for (fg)', and f'/g' for (f/g)'."""
        source, wrt = self.derivative.program, self.derivative.wrt
        if len(wrt) > 1 or wrt[0] in source.assigned:
            return None
        try:
            output = self._lowered(source.lines[-1].value).node
            for node in multiplied(output, self._scope.views[wrt[0]].node):
                other = self._at_points(node)
                if _constant(other, truth) != 1 and _constant(answer, other) == 1:
                    return ("product rule",), ()
        except SymgradError:
            pass
        return None

    def _edited(self, answer: Array, truth: Array, changed: Iterable[Edit]) -> Explained | None:
        for edit in changed:
            if edit.made == "wrong exponent" and isinstance(edit.was, Call) and edit.was.op not in POWERS:
                continue  # det(X) is X here, and its square says nothing
            try:
                other = self._values(edit.tree)
            except SymgradError:
                continue
            if _constant(other, truth) != 1 and _constant(answer, other) == 1:
                new, old = text(edit.becomes), text(edit.was)
                line = Line(f"your answer fits {new} where {old} belongs", f"پاسخ با {new} به جای {old} جور است")
                return (edit.made,), (line,)
        return None

    def _factored(self, said: Tree, wanted: Tree, answer: Array, truth: Array) -> Explained | None:
        """One factor or two between the answer and the derivative, or between one term of each."""
        found = self._ratio((wanted, said), answer, truth)
        if found is not None:
            return found
        for term in self._terms(wanted):
            found = self._term(said, wanted, answer - (truth - term), term)
            if found is not None:
                return found
        return None

    def _term(self, said: Tree, wanted: Tree, answer: Array, term: Array) -> Explained | None:
        number = _constant(answer, term)
        if number is not None and number != 1:
            return (arrangement(said, wanted), *Factor(number).ids), ()
        return self._ratio((wanted, said), answer, term) if number is None else None

    def _terms(self, wanted: Tree) -> list[Array]:
        """The values of the terms of the derivative."""
        try:
            whole = expanded(self._lowered(wanted).node, MOST_TERMS)
        except LimitError:
            return []
        terms = whole.terms if isinstance(whole, Add) else ()
        return [float(c) * self._at_points(n) for c, n in terms[:MOST_TERMS]]

    def _ratio(self, trees: Sequence[Tree], answer: Array, truth: Array) -> Explained | None:
        usable = _usable(answer, truth) & (truth != 0) & (answer != 0)
        if usable.sum() < ENOUGH:
            return None
        parts, values = self._factors(trees, usable)
        with np.errstate(all="ignore"):
            ratio = answer / truth
        names = np.array([isinstance(p, Name) for p in parts])
        found = _as_powers(np.log(np.abs(ratio[usable])), np.log(np.abs(values)), names) if parts else None
        if found is None:
            return None
        for i, p in found:
            ratio = ratio / _spread(values[i], usable) ** p
        chosen = [(parts[i], p) for i, p in found]
        number, ids = _constant(ratio, np.where(usable, 1.0, np.nan)), _ids_of(chosen)
        wanted, said = ({self._lowered(p).node for p in postorder(t)} for t in trees)
        if any(self._lowered(t).node not in (wanted if p < 0 else said) for t, p in chosen):
            return None  # what is lost stands in the derivative, what is added in the answer
        if number is None or not ids or (number != 1 and len(Factor(number).ids) > 1):
            return None
        return (*ids, *(() if number == 1 else Factor(number).ids)), tuple(_said(t, p) for t, p in chosen)

    def _factors(self, trees: Sequence[Tree], usable: Array) -> tuple[list[Tree], Array]:
        """The parts of formulas that may be factors, and their values."""
        found: dict[Node, Tree] = {}
        for tree in trees:
            for part in list(postorder(tree))[:-1]:
                try:
                    found.setdefault(self._lowered(part).node, part)
                except SymgradError:
                    continue
        names, rows = [], []
        for node, part in islice(found.items(), MOST_FACTORS):
            row = self._at_points(node)[usable]
            if np.isfinite(row).all() and (row != 0).all() and np.ptp(row) > CLOSE:
                names.append(part)
                rows.append(row)
        return names, np.array(rows)

    # --- values

    def _values(self, tree: Tree) -> Array:
        return self._at_points(self._lowered(tree).node)

    def _at_points(self, node: Node) -> Array:
        with np.errstate(all="ignore"):
            for part in walk(node):
                if part not in self.known:
                    self.known[part] = self._draw(part.name) if isinstance(part, Input) else _value(part, self.known)
        return self.known[node][:, 0]

    def _draw(self, name: str) -> Array:
        """Values of an input: positive ones first, then of both signs."""
        if name not in self.drawn:
            rng = np.random.default_rng([len(self.drawn), 5])
            values, signs = rng.uniform(0.3, 1.7, POINTS), rng.choice([-1.0, 1.0], POINTS)
            self.drawn[name] = np.where(np.arange(POINTS) < POINTS // 2, values, signs * values)[:, None]
        return self.drawn[name]

    @cached_property
    def _scope(self) -> Scope:
        source = self.derivative.program
        scope = Scope({n: View(Input.make(n, ()), 0) for n in source.declared}, frozenset())
        for line in source.lines:
            if line.name:
                scope.views[line.name] = _lowered(line.value, scope, source.scope.letters, self.unknown)
        return scope

    def _lowered(self, tree: Tree) -> View:
        return _lowered(tree, self._scope, self.derivative.program.scope.letters, self.unknown)


def _lowered(tree: Tree, scope: Scope, letters: Iterable[str], unknown: dict[tuple[Any, ...], Input]) -> View:
    """The meaning of a formula of scalars; what means nothing for scalars is an unknown of its arguments."""
    known: dict[int, View] = {}
    for part in postorder(tree):
        if isinstance(part, Call):
            known[id(part)] = _call(part, [known[id(a)] for a in part.args], unknown)
        elif isinstance(part, Name) and part.name in letters:
            known[id(part)] = lower(_ONE, scope)
        else:
            known[id(part)] = lower(part, scope)
    return known[id(tree)]


def _call(part: Call, args: Sequence[View], unknown: dict[tuple[Any, ...], Input]) -> View:
    entry = find(part.op)
    if entry is not None and entry.sizes and entry.arrays:
        return args[0]
    if entry is not None and entry.sizes:
        return lower(Call(part.op, tuple(_ONE for _ in part.args)), Scope({}, frozenset()))
    views = {f"_{i}": View(a.node, 0) for i, a in enumerate(args)}
    try:
        found = lower(Call(part.op, tuple(Name(n) for n in views)), Scope(views, frozenset()))
    except SymgradError:
        found = None
    if found is None or found.node.shape:  # no value at size one, or several, as blocks have
        key = (part.op, *(a.node for a in args))
        return View(unknown.setdefault(key, Input.make(f"_unknown{len(unknown)}", ())), 0)
    return found


def _value(node: Node, known: Mapping[Node, Array]) -> Array:
    """The values of a scalar at all points at once, as a column."""
    args = [known[a] for a in node.args]
    match node:
        case Einsum():
            return prod(args, start=np.full((POINTS, 1), float(node.coefficient)))
        case Add():
            return sum((float(c) * known[a] for c, a in node.terms), start=np.zeros((POINTS, 1)))
        case Power():
            return np.asarray(args[0] ** args[1], dtype=float)
        case Map() if isinstance(node.op, Elementwise):
            return np.asarray(node.op.value(*args), dtype=float)
        case Apply():
            raise LimitError(f"{node.op.name} of a scalar is not looked at")
    return np.full((POINTS, 1), float(evaluate([node], {}, {})[0]))


# --- numbers ----------------------------------------------------------------------------------


def _usable(a: Array, b: Array) -> Array:
    return np.isfinite(a) & np.isfinite(b)


def _constant(answer: Array, truth: Array) -> Fraction | None:
    """The simple number that the truth must be multiplied by at every point."""
    usable = _usable(answer, truth)
    kept = usable & (truth != 0)
    if kept.sum() < ENOUGH or (answer[usable & (truth == 0)] != 0).any():
        return None
    ratio = answer[kept] / truth[kept]
    if np.ptp(ratio) > CLOSE * max(1.0, np.abs(ratio).max()):
        return None
    number = Fraction(float(ratio[0])).limit_denominator(12)
    return number if number and abs(float(number) - ratio[0]) < 1e-7 else None


def _spread(row: Array, usable: Array) -> Array:
    whole = np.full(len(usable), np.nan)
    whole[usable] = row
    return whole


_POWERS = (-1, 1, -2, 2, -0.5, 0.5, -1.5, 1.5)


def _as_powers(ratio: Array, logs: Array, names: Array) -> list[tuple[int, float]] | None:
    """The one or two rows whose powers, up to a number, are the ratio; the fewest and smallest first."""
    ratio, rows = ratio - ratio.mean(), logs - logs.mean(axis=1, keepdims=True)
    for p in _POWERS:
        off = np.abs(ratio - p * rows).max(axis=1)
        if off.min() < CLOSE:
            return [(int(off.argmin()), p)]
    for p, q in ((-1, -1), (1, 1), (1, -1)):
        off = np.abs(ratio - (p * rows[:, None] + q * rows[None])).max(axis=2)
        if p != q:  # one name for another
            off[~names] = off[:, ~names] = np.inf
        np.fill_diagonal(off, np.inf)
        if off.min() < CLOSE:
            i, j = np.unravel_index(int(off.argmin()), off.shape)
            return [(int(i), p), (int(j), q)]
    return None


# --- words ------------------------------------------------------------------------------------


def _ids_of(chosen: Sequence[tuple[Tree, float]]) -> tuple[str, ...]:
    if any(p % 1 for _, p in chosen):
        return ("wrong exponent",) if all(isinstance(t, Name) for t, _ in chosen) else ()
    lost, added = [t for t, p in chosen if p < 0], [t for t, p in chosen if p > 0]
    if lost and added:
        return ("stale variable",) if all(isinstance(t, Name) for t in (*lost, *added)) else ()
    if any(abs(p) > 1 and not isinstance(t, Name) for t, p in chosen):
        return ()
    return ("factor left out",) if lost else ("extra factor",)


def _said(part: Tree, power: float) -> str:
    shown = text(part) if abs(power) == 1 else f"({text(part)})^{Fraction(abs(power))}"
    if power < 0:
        return Line(f"your answer lacks the factor {shown}", f"عامل {shown} در پاسخ نیست")
    return Line(f"your answer has the extra factor {shown}", f"عامل {shown} در پاسخ زیادی است")


def arrangement(said: Tree, wanted: Tree) -> str:
    """What is wrong with how the factors of a formula are arranged."""
    ours, theirs = _operations(said), _operations(wanted)
    if theirs["diag"] > ours["diag"]:
        return "diag missing"
    kinds = [sum(n[op] for op in PRODUCTS[1:]) for n in (ours, theirs)]
    if kinds[0] != kinds[1] or ours["diag"] > theirs["diag"]:
        return "elementwise vs matrix product"
    if theirs["kron"] > ours["kron"]:
        return "factor left out"
    if _other_axis(ours, theirs):
        return "other axis"
    for lost in _summing(theirs):
        if theirs[lost] > ours[lost] and not (ours["ones"] and lost in _BY_ONES):
            return "sum left out"
    if any(ours[kept] > theirs[kept] for kept in _summing(ours)):
        return "function kept"
    if _leaves(said) != _leaves(wanted) or ours["transpose"] == theirs["transpose"]:
        return "wrong order"
    return "missing transpose" if ours["transpose"] < theirs["transpose"] else "extra transpose"


_BY_ONES = ("sum", "rowsum", "colsum")  # a product with ones does the same


def _other_axis(ours: Counter[str], theirs: Counter[str]) -> bool:
    """Whether rows are summed for columns, or back."""
    kinds = ("rowsum", "colsum")
    return any(ours[a] > theirs[a] and theirs[b] > ours[b] for a, b in (kinds, kinds[::-1]))


def _operations(tree: Tree) -> Counter[str]:
    return Counter(p.op for p in postorder(tree) if isinstance(p, Call))


def _summing(ops: Iterable[str]) -> Iterator[str]:
    """The operations of one argument that give fewer entries: sums, traces, diagonals."""
    for op in ops:
        entry = record(op)
        if entry.arity == (1,) and not entry.sizes and entry.notation.fixity == "call" and op != "diag":
            yield op


def _leaves(tree: Tree) -> list[str]:
    calls = [(p, record(p.op)) for p in postorder(tree) if isinstance(p, Call)]
    sizes = {id(a) for p, entry in calls if entry.sizes for a in p.args[entry.arrays :]}
    return [p.name for p in postorder(tree) if isinstance(p, Name) and id(p) not in sizes]
