"""The table of problems with hand-written answers: right values, closed notation, and no longer than the hand's."""

from __future__ import annotations

from functools import cache
from statistics import median
from typing import Any

import numpy as np
import pytest
from reference import arrays, assert_agrees, derivative_array, differences, letters_at, matrix_of, value_of
from textbook import Problem, problems, symbols

from symgrad.derivation import Derivative, derivative
from symgrad.programs import program
from symgrad.tensor.build import permuted
from symgrad.tensor.view import View

ALL = list(problems())
ANSWERED = [p for p in ALL if p.answer]

each = pytest.mark.parametrize("problem", ALL, ids=str)
each_answered = pytest.mark.parametrize("problem", ANSWERED, ids=str)
each_kind = pytest.mark.parametrize("kind", ["distinct", "square"])


@cache
def derived(problem: Problem) -> Derivative:
    names = problem.wrt.split()
    return derivative(problem.expression, names if len(names) > 1 else names[0], where=problem.where)


def values_of(problem: Problem, kind: str) -> tuple[dict[str, Any], dict[str, int]]:
    """Arrays that keep to the problem's domain, and sizes at which X'X of a tall X is invertible."""
    source = program(problem.expression, problem.where)
    letters = letters_at(source, kind)
    if kind == "distinct" and "m" in letters and "p" in letters:
        letters["m"] = max(letters.values()) + 1
    if kind == "distinct" and "n" in letters and "p" in letters and "m" not in letters:
        letters["n"] = max(letters.values()) + 1
    small = problem.domain == "small"
    domain = "real" if small else problem.domain
    values = arrays(source, letters, domain, seed=5)
    if small:
        values = {name: 0.3 * array if name != "y" else array**2 + 3 for name, array in values.items()}
    return values, letters


def estimated(problem: Problem, values: dict[str, Any], letters: dict[str, int]) -> tuple[Any, Any]:
    """The derivative by central differences, and how far off it may be: of values, then of what these confirmed."""
    source = program(problem.expression, problem.where)
    first, *more = problem.wrt.split()
    found = differences(lambda v: value_of(source, v), values, first)
    if not more:
        return found.value, found.error
    gradient = derivative(source, first)
    assert_agrees(derivative_array(gradient, values, letters), found, f"the first derivative of {problem}")
    found = differences(lambda v: derivative_array(gradient, v, letters), values, more[0])
    return found.value, found.error


def projected(array: Any, problem: Problem) -> Any:
    """The derivative by a structured variable, as the default gives it."""
    declared = program(problem.expression, problem.where).declared[problem.wrt.split()[0]].properties
    turned = np.swapaxes(array, -1, -2) if array.ndim > 1 else array
    if declared & {"symmetric", "spd"}:
        return (array + turned) / 2
    if "skew" in declared:
        return (array - turned) / 2
    return array * np.eye(array.shape[-1]) if "diagonal" in declared else array


@each
@each_kind
def test_value_agrees_with_differences(problem: Problem, kind: str) -> None:
    values, letters = values_of(problem, kind)
    truth, error = estimated(problem, values, letters)
    found = derivative_array(derived(problem), values, letters)
    truth = projected(truth, problem)
    assert found.shape == truth.shape
    scale = 1 + np.abs(truth).max(initial=0)
    assert (np.abs(found - truth) <= 1e-6 * scale + 100 * projected(error, problem).max(initial=0)).all()


@each_answered
@each_kind
def test_hand_written_answer_is_the_derivative(problem: Problem, kind: str) -> None:
    values, letters = values_of(problem, kind)
    result = derived(problem)
    rows, columns = result.arrangement.rows, result.arrangement.columns
    assert rows is not None and columns is not None
    ours = matrix_of(View(permuted(result.node, (*rows, *columns)), len(rows)), values, letters)
    text = f"{problem.expression}; answer_ = {problem.answer}" if ";" in problem.expression else problem.answer
    book = program(text, problem.where)
    hand = matrix_of(book.views["answer_" if ";" in problem.expression else "result"], values, letters)
    np.testing.assert_allclose(hand, ours, rtol=1e-8, atol=1e-8 * (1 + np.abs(ours).max(initial=0)))


@each
def test_is_in_closed_matrix_notation(problem: Problem) -> None:
    assert derived(problem).matrix_form


@each_answered
def test_is_no_longer_than_the_hand_written_answer(problem: Problem) -> None:
    result = derived(problem)
    assert symbols(str(result)) <= symbols(problem.answer) or problem.level > 3, f"{result}"


def test_most_are_short() -> None:
    ratios = [symbols(str(derived(p))) / symbols(p.answer) for p in ANSWERED]
    assert len(ALL) > 900 and len(ANSWERED) > 900
    assert median(ratios) <= 1 and sum(ratios) / len(ratios) < 0.99


def test_symbols_are_counted() -> None:
    written = ("x", "-x'", "2*X'*(X*w - y)", "kron(B', A)", "[z >= 0]", "1.5e3 .* x")
    assert [symbols(t) for t in written] == [1, 3, 12, 7, 5, 3]
