"""The judges of printed answers, one for each kind of question.

A judge recomputes what is asked from the problem alone, by the numeric engine, by differences or by enumeration,
and says whether the print is right, what is wrong with it and where that shows.  It sees the whole question but
reads nothing of `finding`.  `grad_NAME` in a printed derivative is a free input of NAME's shape.

>>> from symgrad.bank.exercise import Problem
>>> upstream(program("z = x*y; L = sigmoid(z)", "x, y: R"), ["z"]).lines[-1].name
'upstream'
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from symgrad.bank.exercise import (
    ChainQuestion,
    DerivativeQuestion,
    Factor,
    GradientValueQuestion,
    ValueQuestion,
)
from symgrad.bank.judged import NOTHING_PRINTED, WRONG, Judged, jacobian_matrix, placed, program_of, right, wrong
from symgrad.derivation import derive
from symgrad.errors import UnknownNameError, did_you_mean
from symgrad.evaluation import compiled
from symgrad.notation.declare import Declaration
from symgrad.notation.grammar import parse_program
from symgrad.notation.text import text as text_of
from symgrad.notation.tree import names
from symgrad.numeric.gates import OperationGate
from symgrad.programs import RESULT, Program, program
from symgrad.verification.answers import judge_text
from symgrad.verification.check import check
from symgrad.verification.rounding import explained, roundings
from symgrad.verification.rounding import judge as judge_rounded
from symgrad.verification.witnesses import (
    Point,
    Run,
    at,
    difference_jacobian,
    engine_jacobian,
    find_point,
    near_kink,
    opened,
)

Array = Any
WITNESSES_DISAGREE = "witnesses disagree"
CLOSE = 1e-9


# --- formulas ---------------------------------------------------------------------------------


def judge_derivative(question: DerivativeQuestion) -> Judged:
    """The derivation against its witnesses, then the print against the derivation."""
    source = program_of(question.problem)
    arriving = _arriving(question.printed, source) if question.printed is not None else []
    of = question.of
    if arriving:
        source, of = upstream(source, arriving), None
    vec = question.vec or "column"
    derivative = derive(source, of, list(question.wrt), layout=question.layout, vec=vec)
    report = check(derivative)
    if not report.ok:
        return wrong(WITNESSES_DISAGREE, report.text())
    if question.printed is None:
        return Judged(None, (), report.verdict)
    verdict = judge_text(derivative, question.printed)
    if verdict.correct:
        return right(verdict.text())
    return Judged(False, verdict.misconceptions or (WRONG,), verdict.text())


def _arriving(printed: str, source: Program) -> list[str]:
    """The names whose gradient arrives from behind: NAME for every undeclared `grad_NAME` in the print."""
    found = dict.fromkeys(n for line in parse_program(printed) for n in names(line.value))
    arriving = [n.removeprefix("grad_") for n in found if n.startswith("grad_") and n not in source.views]
    for name in arriving:
        if name not in source.views:
            raise UnknownNameError(f"grad_{name}: there is no {name}", hint=did_you_mean(name, source.views))
    return arriving


def upstream(source: Program, arriving: Sequence[str]) -> Program:
    """The program that ends in the sum of dot(grad_NAME, NAME), every grad_NAME a free input of NAME's shape."""
    declared = dict(source.declared)
    for name in arriving:
        declared[f"grad_{name}"] = Declaration(f"grad_{name}", *source.views[name].shape)
    last = "upstream" if "upstream" not in source.views else "upstream_gradient"
    lines = [f"{line.name or RESULT} = {text_of(line.value)}" for line in source.lines]
    lines.append(f"{last} = " + " + ".join(f"dot(grad_{n}, {n})" for n in arriving))
    return program("\n".join(lines), declared)


# --- numbers ----------------------------------------------------------------------------------


def judge_value(question: ValueQuestion) -> Judged:
    """A value of the forward pass."""
    source, point = placed(question.problem)
    exact = at(source, question.of, point).forward()
    return _judge_numbers(
        exact, question.printed, question.decimals, lambda: _forward_roundings(source, question, point)
    )


def judge_gradient_value(question: GradientValueQuestion) -> Judged:
    """A gradient in numbers: by the engine, confirmed by the compiled derivative and by differences."""
    source, point = placed(question.problem)
    of = question.of or source.output
    run = opened(source, [question.wrt], of, point)
    exact = engine_jacobian(run, question.wrt)
    derivative = derive(source, of, question.wrt, layout="gradient", structure="ignore")
    doubt = _doubt(run, question.wrt, exact, compiled(derivative, tensor=True)(**point.values))
    if doubt is not None:
        return wrong(WITNESSES_DISAGREE, doubt)
    return _judge_numbers(
        exact, question.printed, question.decimals, lambda: _backward_roundings(source, of, question, point)
    )


def _doubt(run: Run, wrt: str, engine: Array, symbolic: Array) -> str | None:
    """What speaks against the engine's gradient at this point, if anything does."""
    if np.abs(engine - symbolic).max() > CLOSE * (1 + np.abs(engine).max()):
        return f"engine {engine}, compiled {symbolic}"
    gates = [n.gate for n in run.graph.nodes_topologically_sorted()]
    if any(isinstance(g, OperationGate) and near_kink(g) for g in gates):
        return None  # differences say nothing here
    estimate = difference_jacobian(run, [wrt], analytic=False)
    off = np.abs(estimate.value - engine) - 10 * estimate.error
    return f"engine {engine}, differences {estimate.value}" if off.max() > 1e-6 * (1 + np.abs(engine).max()) else None


Roundings = Callable[[], Iterator[tuple[str, Array]]]


def _judge_numbers(exact: Array, printed: Any, decimals: int | None, candidates: Roundings) -> Judged:
    if printed is None or decimals is None:
        return NOTHING_PRINTED
    said = np.asarray(printed, dtype=float)
    if said.shape != np.shape(exact):
        return wrong(WRONG, f"wrong shape: {said.shape} is printed, the value is {np.shape(exact)}")
    found = judge_rounded(exact, said, decimals)
    if found.ok:
        return right(f"every number is the exact value rounded to {decimals} decimal{'s' * (decimals != 1)}")
    place = f"entry {', '.join(str(i + 1) for i in found.worst)}: " if found.worst else ""
    detail = f"{place}{found.printed:g} is printed, exact is {found.exact:.{decimals + 2}f}"
    if not found.off_by_one:
        return wrong(WRONG, detail)
    why = explained(candidates(), said, decimals) or "one unit of the last place off"
    return wrong("rounded twice", f"{detail}\n{why}")


def _forward_roundings(source: Program, question: ValueQuestion, point: Point) -> Iterator[tuple[str, Array]]:
    """What the value becomes where one intermediate is rounded on the way."""
    for name in source.assigned:
        if name != question.of and question.decimals is not None:
            run = opened(source, [name], question.of, point)
            rounded = np.round(run.values[name], question.decimals)
            yield f"{name} had been rounded to {rounded}", run.forward(**{name: rounded})


def _backward_roundings(
    source: Program, of: str, question: GradientValueQuestion, point: Point
) -> Iterator[tuple[str, Array]]:
    assert question.decimals is not None
    run = at(source, of, point)
    run.forward()
    yield from roundings(run.graph, question.wrt, question.decimals)


# --- chains -----------------------------------------------------------------------------------


def judge_chain(question: ChainQuestion) -> Judged:
    """Whether the factors link up, and whether their product is the derivative."""
    source = program_of(question.problem)
    if question.printed is None:
        return NOTHING_PRINTED
    for name in (question.of, question.wrt, *(n for f in question.printed for n in (f.of, f.wrt))):
        source.lookup(name)
    gap = _gap(question)
    difference = next(filter(None, (_product_differs(source, question, kind) for kind in ("distinct", "square"))), None)
    if gap is None and difference is None:
        return right("the factors link up, and their product is the derivative")
    detail = "\n".join(filter(None, (gap, difference)))
    return wrong("wrong chain factor", detail)


def _gap(question: ChainQuestion) -> str | None:
    """The first factor that does not follow."""
    wanted = question.of
    for factor in question.printed or ():
        if factor.of != wanted:
            return f"{_said(factor)} stands where a derivative of {wanted} is wanted"
        wanted = factor.wrt
    return None if wanted == question.wrt else f"the chain ends at {wanted}, not at {question.wrt}"


def _said(factor: Factor) -> str:
    return f"d {factor.of} / d {factor.wrt}"


def _product_differs(source: Program, question: ChainQuestion, kind: str) -> str | None:
    """Where the product of the factors is not the derivative, in numbers of the engine."""
    point = find_point(source, kind, 0)
    whole = jacobian_matrix(source, Factor(question.of, question.wrt), point)
    total = np.eye(len(whole))
    for factor in question.printed or ():
        matrix = jacobian_matrix(source, factor, point)
        if total.shape[1] != len(matrix):
            return (
                f"{_said(factor)} is {_size(matrix)}, which does not multiply with {total.shape[1]} columns before it"
            )
        total = total @ matrix
    if total.shape != whole.shape:
        return f"the product is {_size(total)}, the derivative {_size(whole)}"
    off = np.abs(total - whole)
    if off.max() <= 1e-8 * max(1.0, np.abs(whole).max()):
        return None
    i, j = np.unravel_index(int(np.argmax(off)), off.shape)
    return f"entry {i + 1}, {j + 1} of the product is {total[i, j]:.6g}, of the derivative {whole[i, j]:.6g}"


def _size(matrix: Array) -> str:
    return " x ".join(map(str, matrix.shape))
