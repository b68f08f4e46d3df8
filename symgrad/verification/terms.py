"""An answer compared with the derivative term by term.

The answer is written as a combination of the derivative's terms (values at several points, least squares): the
coefficients say which terms are missing or carry a wrong factor.  The other way round, the answer's own terms are
combined to the derivative: those that are not needed are too many.  Nothing is searched for here.

>>> Comparison((0, 1), ("A*x", "b")).lines()
['your answer lacks the term A*x']
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from symgrad.calculus.present import expanded, present
from symgrad.errors import LimitError, SymgradError
from symgrad.notation.indexed import indexed_text
from symgrad.notation.lift import Lifter
from symgrad.notation.network import NoMatrixForm
from symgrad.notation.stacked import lift_arranged
from symgrad.notation.text import text
from symgrad.tensor.build import permuted, scaled, unit
from symgrad.tensor.nodes import Add, Einsum, Node
from symgrad.tensor.view import View
from symgrad.verification.mistake import Line

Array = Any
MOST_TERMS = 14
FEW_TERMS = 6  # that are told one by one
FEW = 64  # terms up to which products are multiplied out
Values = Callable[[Sequence[View]], Array]  # the views' entries at several points, one column each


@dataclass(frozen=True, slots=True)
class Comparison:
    """Terms and the coefficient that each one has in the other formula; 1 is as it should be."""

    coefficients: tuple[Fraction | int, ...]
    terms: tuple[str, ...]
    of_answer: bool = False  # the terms are the answer's, not the derivative's

    @property
    def ids(self) -> tuple[str, ...]:
        if self.of_answer:
            return ("extra term",)
        if sorted(self.coefficients) == [0, 2]:
            return ("one term twice",)
        off = dict.fromkeys(c for c in self.coefficients if c != 1)
        return tuple(dict.fromkeys(id for c in off for id in _IDS.get(Fraction(c), ("off by constant",))))

    def lines(self) -> list[str]:
        """What is wrong with each term, in words."""
        return [_said(c, t, self.of_answer) for c, t in zip(self.coefficients, self.terms, strict=True) if c != 1]


_IDS = {
    Fraction(0): ("term left out",),
    Fraction(-1): ("sign",),
    Fraction(1, 2): ("missing factor 2",),
    Fraction(-1, 2): ("missing factor 2", "sign"),
    Fraction(2): ("extra factor 2",),
    Fraction(-2): ("extra factor 2", "sign"),
}


def _said(coefficient: Fraction | int, term: str, of_answer: bool) -> str:
    if of_answer:
        return Line(f"your answer has the extra term {term}", f"جملهٔ {term} در پاسخ زیادی است")
    if coefficient == 0:
        return Line(f"your answer lacks the term {term}", f"جملهٔ {term} در پاسخ نیست")
    en = f"your answer has {coefficient} times the term {term}"
    return Line(en, f"جملهٔ {term} در پاسخ با ضریب {coefficient} آمده است")


def compared_terms(said: View, wanted: View, values: Values) -> Comparison | None:
    """How the terms of two formulas compare; None where they cannot be told apart or nothing simple fits."""
    for terms in _splittings(wanted):
        found = _combined(said, terms, values)
        if found is not None:
            return Comparison(found, tuple(term_text(t) for t in terms))
    for terms in _splittings(said):
        found = _combined(wanted, terms, values)
        if found is not None and set(found) == {0, 1}:
            return Comparison(found, tuple(term_text(t) for t in terms), of_answer=True)
    return None


def _splittings(view: View) -> Iterator[list[View]]:
    """The terms as they stand, and those of the normal form."""
    seen = 0
    for arrange in (present, lambda node: expanded(node, FEW)):
        try:
            node = arrange(view.node)
        except LimitError:
            return
        if isinstance(node, Add) and seen != len(node.terms) <= MOST_TERMS:
            seen = len(node.terms)
            yield [View(scaled(c, n), view.rows) for c, n in node.terms]


def _combined(target: View, terms: Sequence[View], values: Values) -> tuple[Fraction | int, ...] | None:
    """The simple coefficients that make terms the target."""
    try:
        columns = values([*terms, target])
    except SymgradError:
        return None
    if not np.isfinite(columns).all():
        return None
    basis, wanted = columns[:, :-1], columns[:, -1]
    solution, _, rank, _ = np.linalg.lstsq(basis, wanted, rcond=1e-10)
    if rank < len(terms) or np.abs(basis @ solution - wanted).max() > 1e-8 * (1 + np.abs(wanted).max()):
        return None
    simple = tuple(Fraction(float(c)).limit_denominator(12) for c in solution)
    close = all(abs(float(s) - c) < 1e-6 for s, c in zip(simple, solution, strict=True))
    return simple if close and any(s != 1 for s in simple) else None


def term_text(view: View) -> str:
    """A term in matrix notation where it has one, else as an indexed sum."""
    rows, columns = tuple(range(view.rows)), tuple(range(view.rows, view.node.rank))
    try:
        return text(lift_arranged(view.node, rows, columns, Lifter(frozenset())))
    except NoMatrixForm:
        return indexed_text(permuted(view.node, (*rows, *columns)))


def common_terms(said: View, wanted: View) -> list[str]:
    """Which terms of two normal forms are the same, lacking and extra; nothing where no term is."""
    ours, theirs = _by_node(said), _by_node(wanted)
    right = [n for n in theirs if ours.get(n) == theirs[n]]
    if not right or max(len(ours), len(theirs)) > FEW_TERMS:
        return []
    times = [n for n in theirs if n in ours and n not in right]
    named: list[tuple[str, str, list[Node], dict[Node, Fraction | int]]] = [
        ("your answer has the right term {}", "جملهٔ {} در پاسخ درست است", right, theirs),
        ("another coefficient stands before the term {}", "ضریب جملهٔ {} در پاسخ نادرست است", times, theirs),
        ("your answer lacks the term {}", "جملهٔ {} در پاسخ نیست", [n for n in theirs if n not in ours], theirs),
        ("your answer has the extra term {}", "جملهٔ {} در پاسخ زیادی است", [n for n in ours if n not in theirs], ours),
    ]
    found = [(en, fa, term_text(View(scaled(of[n], n), said.rows))) for en, fa, nodes, of in named for n in nodes]
    return [Line(en.format(term), fa.format(term)) for en, fa, term in found]


def _by_node(view: View) -> dict[Node, Fraction | int]:
    """The terms of the normal form, each with its coefficient."""
    try:
        whole = expanded(view.node, FEW)
    except LimitError:
        return {}
    if isinstance(whole, Add):
        return {n: c for c, n in whole.terms}
    return {unit(whole): whole.coefficient} if isinstance(whole, Einsum) else {whole: 1}


def count_of_terms(node: Node) -> int:
    """How many terms the normal form has."""
    try:
        whole = expanded(node, FEW)
    except LimitError:
        return 0
    return len(whole.terms) if isinstance(whole, Add) else 1
