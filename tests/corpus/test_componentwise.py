"""Every answer of the corpus beside SymPy's own derivation of the entries, exactly: along a line X + t V.

SymPy derives the expression, written out entry by entry at a small size, by t (and u, w for higher orders); the printed
answer is worked out by the same entries and applied to V.  Neither knows symgrad's tensors.
"""

from __future__ import annotations

import json
import random
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sympy
from componentwise import AT_ZERO, PARAMETERS, value
from sympy import Matrix, Rational

from symgrad.derivation import derivative

HERE = Path(__file__).parent
CASES = [json.loads(line) for line in (HERE / "cases.jsonl").read_text(encoding="utf-8").splitlines()]
TRUTH = np.load(HERE / "truth.npz")
DIMS = json.loads(str(TRUTH["dims"]))
DIGITS = 30


def _wrt(case: dict[str, Any]) -> list[str]:
    return case["wrt"] if isinstance(case["wrt"], list) else [case["wrt"]]


def _point(case: dict[str, Any], tag: str) -> dict[str, Matrix]:
    """The point of the numeric truth, rounded to small fractions; sums of probabilities stay 1."""
    found = {}
    for name, space in case["vars"].items():
        array = np.asarray(TRUTH[f"{case['id']}/{tag}/in/{name}"])
        rows = array.reshape(array.shape or (1, 1)) if array.ndim != 1 else array[:, None]
        matrix = Matrix(*rows.shape, lambda i, j, rows=rows: Rational(str(rows[i, j])).limit_denominator(20))
        is_simplex = "simplex" in space or f"{name} simplex" in case.get("domain", "")
        found[name] = matrix / sum(matrix) if is_simplex else matrix
    return found


def _direction(shape: tuple[int, int], space: str, chance: random.Random) -> Matrix:
    found = Matrix(*shape, lambda i, j: Rational(chance.randint(-6, 6), 5))
    return (found + found.T) / 2 if {"symmetric", "spd"} & set(space.split()) else found


def _vec(a: Matrix) -> Matrix:
    return Matrix([a[i, j] for j in range(a.cols) for i in range(a.rows)])


def _along(answer: Matrix, directions: list[Matrix], output: Matrix) -> Matrix:
    """The answer, in mixed layout, applied to the directions."""
    first = directions[0]
    if all(v.shape == (1, 1) for v in directions):
        return answer * prod(v[0, 0] for v in directions)
    if len(directions) == 2:
        by = [_vec(v) for v in directions]
        if answer.shape == (len(by[0]), len(by[1])):
            return by[0].T * answer * by[1]
        (whole,) = [v for v in by if len(v) > 1]
        return Matrix([[_vec(answer).dot(whole) * next(v for v in by if len(v) == 1)[0]]])
    if output.shape == (1, 1):
        assert answer.shape == first.shape
        return Matrix([[sum(g * v for g, v in zip(answer, first, strict=True))]])
    return answer * _vec(first)


def _each() -> list[Any]:
    """Every case at both assignments of dimensions; one in nine in the daily run, the others in the slow sweep."""
    found = [(case, tag) for case in CASES for tag in ("primes", "square")]
    marks = [() if i % 9 == 0 else (pytest.mark.slow,) for i in range(len(found))]
    return [pytest.param(*p, id="-".join((p[0]["id"], p[1])), marks=m) for p, m in zip(found, marks, strict=True)]


@pytest.mark.parametrize(("case", "tag"), _each())
def test_answer_is_what_sympy_derives_entry_by_entry(case: dict[str, Any], tag: str) -> None:
    result = derivative(case["expr"], _wrt(case), where=case["vars"])
    if not result.matrix_form:
        pytest.skip("an indexed sum: no matrix to apply to a direction")
    point, letters = _point(case, tag), DIMS[f"{case['id']}/{tag}"]
    chance = random.Random(case["id"] + tag)
    names = _wrt(case)
    directions = [_direction(point[name].shape, case["vars"][name], chance) for name in names]
    line = dict(point)
    for name, parameter, direction in zip(names, PARAMETERS, directions, strict=False):
        line[name] = line[name] + parameter * direction
    output = value(case["expr"], line, letters)
    found = output
    for parameter in PARAMETERS[: len(names)]:
        found = found.diff(parameter)
    expected = found.subs(AT_ZERO).evalf(DIGITS)
    answer = _along(value(str(result), point, letters), directions, output).evalf(DIGITS)
    for got, wanted in zip(_vec(answer), _vec(expected), strict=True):
        assert abs(got - wanted) <= sympy.Float(10) ** (5 - DIGITS) * (1 + abs(wanted))
