"""Answers that are functions of arrays: NumPy, PyTorch or JAX code judged against the derivation at points.

The function gets the inputs it names, as arrays (`n`-vectors with one axis), and returns the derivative in the
layout.  Nothing is proved of code: a right answer agrees at every sampled point.

>>> from symgrad.verification.answers import check_answer
>>> check_answer("x'*A*x", "x", answer=lambda x, A: A @ x, where="x: R^n; A: R^{n x n}").misconception
'forgot second occurrence'
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, Protocol

import numpy as np

from symgrad.derivation import Derivative
from symgrad.errors import SymgradError, UnknownNameError, did_you_mean
from symgrad.tensor.view import View
from symgrad.verification.equality import difference, equal
from symgrad.verification.search import Found
from symgrad.verification.verdict import Verdict
from symgrad.verification.witnesses import Point

Array = Any
MOST_POINTS = 10


class Bench(Protocol):
    """What is needed of a case."""

    @property
    def derivative(self) -> Derivative: ...
    @property
    def points(self) -> Iterable[Point]: ...
    def arranged(self, derivative: Derivative) -> View: ...
    def values(self, views: Sequence[View], point: Point) -> list[Array]: ...
    def explained_by_values(self, seen: Sequence[tuple[Point, Array]]) -> list[Found]: ...
    def with_found(self, verdict: Verdict, found: Sequence[Found]) -> Verdict: ...


def judge_function(case: Bench, answer: Callable[..., Any]) -> Verdict:
    """Judge a function of arrays.  Raises UnknownNameError for a parameter that is no input."""
    wanted = case.arranged(case.derivative)
    names = _parameters(answer, list(case.derivative.program.declared))
    seen: list[tuple[Point, Array]] = []
    wrong: Verdict | None = None
    expected = str(case.derivative)
    try:
        for point in islice(case.points, MOST_POINTS):
            truth = case.values([wanted], point)[0]
            said = _called(answer, names, point.values)
            if isinstance(said, str):
                return Verdict(False, "samples", explanation=said, expected=expected)
            if _squeezed(said) != _squeezed(truth):
                message = f"wrong shape: the function returns {said.shape}, the derivative is {truth.shape}"
                return Verdict(False, "shapes", explanation=message, expected=expected)
            said = said.reshape(truth.shape)
            seen.append((point, said))
            if wrong is None and not equal(said, truth):
                wrong = Verdict(False, "samples", witness=difference(said, truth, point), expected=expected)
    except SymgradError as error:
        return Verdict(None, "unresolved", explanation=error.message, expected=expected)
    if wrong is None:
        return Verdict(True, "samples", "numeric", expected=expected)
    return case.with_found(wrong, case.explained_by_values(seen))


def _parameters(answer: Callable[..., Any], known: Sequence[str]) -> list[str]:
    """The inputs that a function takes, by the names of its parameters."""
    try:
        parameters = list(inspect.signature(answer).parameters.values())
    except (TypeError, ValueError):
        return list(known)
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        return list(known)
    asked = [p.name for p in parameters if p.default is p.empty]
    for name in asked:
        if name not in known:
            raise UnknownNameError(f"{name} is not an input", hint=did_you_mean(name, known))
    return asked


def _called(answer: Callable[..., Any], names: Sequence[str], values: Mapping[str, Array]) -> Array | str:
    """What a function returns for arrays of its own, or what went wrong in it."""
    try:
        with np.errstate(all="ignore"):
            returned = answer(**{n: np.array(values[n], dtype=float) for n in names})
            returned = returned.detach() if hasattr(returned, "detach") else returned
            return np.asarray(returned, dtype=float)
    except Exception as error:  # the code of others may raise anything
        return f"the function raised {type(error).__name__}: {error}"


def _squeezed(array: Array) -> tuple[int, ...]:
    return tuple(n for n in np.shape(array) if n != 1)
