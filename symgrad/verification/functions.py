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
from dataclasses import dataclass
from itertools import islice, takewhile
from typing import Any, Protocol

import numpy as np

from symgrad.derivation import Derivative
from symgrad.errors import SymgradError, UnknownNameError, did_you_mean
from symgrad.tensor.view import View
from symgrad.verification.equality import TOLERANCE, difference, equal
from symgrad.verification.libraries import precision, to_numpy
from symgrad.verification.search import Found
from symgrad.verification.verdict import Verdict
from symgrad.verification.witnesses import Point

Array = Any
Returned = tuple[Array, float]
MOST_POINTS = 10
ROUNDINGS = 200  # of the code's own precision are granted


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


@dataclass(frozen=True, slots=True)
class Parameters:
    """The inputs that code asks for: by position, as wrapped functions need it, or by name."""

    positional: tuple[str, ...]
    named: tuple[str, ...]


def parameters_of(code: Callable[..., Any], inputs: Sequence[str]) -> Parameters:
    """How code takes the inputs, by the names of its parameters; `*values` takes all of them in their order.

    Raises UnknownNameError for a parameter that is no input and has no default.
    """
    try:
        parameters = list(inspect.signature(code).parameters.values())
    except (TypeError, ValueError):
        return Parameters((), tuple(inputs))
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        return Parameters((), tuple(inputs))
    for p in parameters:
        if p.name not in inputs and p.default is p.empty and p.kind is not p.VAR_POSITIONAL:
            known = did_you_mean(p.name, inputs)
            raise UnknownNameError(f"the code's parameter {p.name} is no input of the formula", hint=known)
    by_place = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    first = list(takewhile(lambda p: p.name in inputs and p.kind in by_place, parameters))
    rest = [p.name for p in parameters[len(first) :] if p.name in inputs]
    if not first and any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return Parameters(tuple(n for n in inputs if n not in rest), tuple(rest))
    return Parameters(tuple(p.name for p in first), tuple(rest))


def judge_function(case: Bench, answer: Callable[..., Any]) -> Verdict:
    """Judge a function of arrays.  Raises UnknownNameError for a parameter that is no input."""
    wanted = case.arranged(case.derivative)
    parameters = parameters_of(answer, list(case.derivative.program.declared))
    seen: list[tuple[Point, Array]] = []
    wrong: Verdict | None = None
    expected = str(case.derivative)
    try:
        for point in islice(case.points, MOST_POINTS):
            truth = case.values([wanted], point)[0]
            said = _called(answer, parameters, point.values)
            if isinstance(said, str):
                return Verdict(False, "samples", explanation=said, expected=expected)
            array, eps = said
            if not _fits(array.shape, truth.shape):
                return _of_wrong_shape(case, array, wanted, expected)
            array = array.reshape(truth.shape)
            seen.append((point, array))
            if wrong is None and not equal(array, truth, max(TOLERANCE, ROUNDINGS * eps)):
                wrong = Verdict(False, "samples", witness=difference(array, truth, point), expected=expected)
    except SymgradError as error:
        return Verdict(None, "unresolved", explanation=error.message, expected=expected)
    if wrong is None:
        return Verdict(True, "samples", "numeric", expected=expected)
    return case.with_found(wrong, case.explained_by_values(seen))


def _of_wrong_shape(case: Bench, array: Array, wanted: View, expected: str) -> Verdict:
    message = f"wrong shape: the function returns {array.shape}, the derivative is {wanted.describe()}"
    return Verdict(False, "shapes", explanation=message, expected=expected)


def _fits(shape: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    """Whether an array can be that matrix: a list of entries has no direction, a row is no column."""
    return shape == wanted or (len(shape) < 2 and _squeezed(shape) == _squeezed(wanted))


class NotNumbers(SymgradError, TypeError):
    """What code returned is no array of real numbers."""


def numbers_of(returned: Any) -> Array:
    """What code returned as an array of real numbers.  Raises NotNumbers, which says what it is."""
    try:
        array = to_numpy(returned)
        if array.dtype.kind == "c" and not np.any(array.imag):
            array = array.real
        if array.dtype.kind == "O" and returned is not None:
            array = array.astype(float)
    except (TypeError, ValueError, RuntimeError):
        raise NotNumbers(f"the code returns {_what(returned)}, not an array of numbers") from None
    if array.dtype.kind not in "biuf":
        raise NotNumbers(f"the code returns {_what(returned)}, not an array of real numbers")
    return array


def _called(answer: Callable[..., Any], parameters: Parameters, values: Mapping[str, Array]) -> Returned | str:
    """What a function returns for arrays of its own and its rounding, or what went wrong in it."""
    given = {n: np.array(values[n], dtype=float) for n in (*parameters.positional, *parameters.named)}
    try:
        with np.errstate(all="ignore"):
            returned = answer(*(given[n] for n in parameters.positional), **{n: given[n] for n in parameters.named})
        array = numbers_of(returned)
        return array.astype(float), max(precision(array), precision(returned))
    except NotNumbers as error:
        return error.message
    except (Exception, SystemExit) as error:  # the code of others may raise anything
        return f"the function raised {type(error).__name__}: {error}"


def _what(returned: Any) -> str:
    if returned is None:
        return "None (no return statement?)"
    dtype = getattr(returned, "dtype", None)
    return f"an array of type {dtype}" if dtype is not None else f"a {type(returned).__name__}"


def _squeezed(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(n for n in shape if n != 1)
