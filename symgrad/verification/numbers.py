"""Answers that are numbers: a derivative at given values, rounded to stated decimals.

>>> from symgrad.derivation import derivative
>>> D = derivative("sigmoid(w*x)", "x", where="w, x: R")
>>> judge_numbers(D, 0.21, {"w": 2, "x": -1}, 2).correct
True
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from symgrad.derivation import Derivative
from symgrad.errors import DomainError, LimitError, ParseError
from symgrad.evaluation import compiled
from symgrad.execution import bound_sizes
from symgrad.notation.normalise import normalised
from symgrad.verification.equality import axes_in_layout
from symgrad.verification.rounding import explained, judge, roundings
from symgrad.verification.verdict import Difference, Verdict
from symgrad.verification.witnesses import Point, at

Array = Any


def judge_numbers(
    derivative: Derivative, answer: Any, values: Mapping[str, Any] | None, decimals: int | None
) -> Verdict:
    """Judge numbers that are rounded to so many decimals, at given values of the inputs."""
    if values is None or decimals is None:
        raise DomainError(
            "numbers are judged at values of the inputs, with stated rounding", hint="values={...}, decimals=2"
        )
    exact = np.asarray(compiled(derivative)(**values))
    printed = _numbers(answer)
    if _squeezed(printed.shape) != _squeezed(exact.shape):
        return Verdict(
            False, "shapes", explanation=f"wrong shape: the answer is {printed.shape}, the derivative {exact.shape}"
        )
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


_NUMBER = re.compile(r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?")
_OF_NUMBERS = re.compile(r"[-+\d.eE\s,;\[\]()]+")
MOST_NUMBERS = 10_000


def written_numbers(answer: str, decimals: int | None) -> tuple[Any, int | None]:
    """The array that a text such as `[0.39, -1.20]` or `[1 2; 3 4]` lists, with the decimals it shows.

    Any other text is returned as it is.  Raises LimitError.
    """
    text = normalised(answer).text
    if _OF_NUMBERS.fullmatch(text) is None:
        return answer, decimals
    rows = [_NUMBER.findall(row) for row in re.split(r"[;\n]|\]\s*,?\s*\[", text) if _NUMBER.search(row)]
    if sum(map(len, rows)) > MOST_NUMBERS:
        raise LimitError(f"an answer lists at most {MOST_NUMBERS} numbers")
    if not rows or len({len(row) for row in rows}) > 1:
        return answer, decimals
    shown = max(len(n.partition(".")[2]) for row in rows for n in row)
    single = len(rows) == 1
    array = [[float(n) for n in row] for row in rows]
    found = array[0][0] if single and len(array[0]) == 1 else array[0] if single else array
    return found, decimals if decimals is not None else shown


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
    point = Point(bound_sizes(derivative.program, values), {n: np.asarray(v, dtype=float) for n, v in values.items()})
    run = at(derivative.program, derivative.of, point)
    run.forward()
    turned = (
        (why, _arranged(derivative, array).reshape(printed.shape))
        for why, array in roundings(run.graph, derivative.wrt[0], decimals)
    )
    return explained(turned, printed, decimals)


def _arranged(derivative: Derivative, gradient: Array) -> Array:
    """A gradient's array in the layout."""
    array, (rows, columns) = np.asarray(gradient), axes_in_layout(derivative)
    return np.transpose(array, (*rows, *columns)) if array.ndim == len(rows) + len(columns) else array
