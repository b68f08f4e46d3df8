"""The numeric gradient at given steps h, entry by entry, beside the derived one.

Forward differences (f(x + h) - f(x)) / h cost one evaluation more for each entry and are wrong by about h; central ones
cost two and are wrong by about h^2.  Rounding adds about 1e-16 / h to both, so that there is a best h.

>>> from symgrad.programs import program
>>> cube = program("f = x^3", "x: R")
>>> forward, central = (differences(cube, "f", "x", {"x": 1.0}, [1e-2])[0][k] for k in (1, 2))
>>> round(forward, 4), round(central, 6)
(0.0099, 3.3e-05)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from symgrad.derivation import derive
from symgrad.errors import DomainError
from symgrad.evaluation import compiled
from symgrad.execution import execute
from symgrad.programs import Program

Array = Any


class Difference(NamedTuple):
    """One step h, and the relative errors of the two numeric gradients."""

    h: float
    forward: float
    central: float


def differences(
    source: Program, of: str, wrt: str, values: Mapping[str, Any], steps: Sequence[float]
) -> tuple[Difference, ...]:
    """The errors of the numeric gradients by `wrt` at each step.  Raises DomainError for steps not above 0."""
    if any(not h > 0 for h in steps):
        raise DomainError("steps are positive numbers")
    exact = compiled(derive(source, of, wrt, layout="gradient", structure="ignore"), tensor=True)(**values)
    found = []
    for h in steps:
        numeric = (numeric_gradient(source, of, wrt, values, h, central=central) for central in (False, True))
        found.append(Difference(h, *(relative_error(g, exact) for g in numeric)))
    return tuple(found)


def numeric_gradient(
    source: Program, of: str, wrt: str, values: Mapping[str, Any], h: float, *, central: bool = True
) -> Array:
    """Forward or central differences with step h in every entry of `wrt`, by running the graph of gates."""
    start = np.asarray(values[wrt], dtype=float)

    def cost(moved: Array) -> float:
        return float(execute(source, {**values, wrt: moved}, of).value(of))

    def shifted(k: int, by: float) -> Array:
        moved = start.copy()
        moved.flat[k] += by
        return moved

    below = cost(start) if not central else 0.0
    slopes = [
        (cost(shifted(k, h)) - cost(shifted(k, -h))) / (2 * h) if central else (cost(shifted(k, h)) - below) / h
        for k in range(start.size)
    ]
    return np.reshape(slopes, start.shape)


def relative_error(numeric: Array, exact: Array) -> float:
    """|numeric - exact| / max(|numeric|, |exact|) with Euclidean lengths; 0 where both are zero."""
    size = max(float(np.linalg.norm(numeric)), float(np.linalg.norm(exact)))
    return float(np.linalg.norm(np.asarray(numeric) - exact)) / size if size else 0.0
