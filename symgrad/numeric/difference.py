"""Finite differences: derivatives from values of a function alone, the witness that knows no rule.

Central differences at three steps are extrapolated (Richardson) and carry an estimate of their
error; the complex step is exact to rounding for functions that take complex arrays and are
analytic.  All results have the output's axes, then the variable's.  Nothing here knows gates or
rules, nor kinks: at a kink a central difference is the mean of both sides.

>>> slope = central_jacobian(lambda x: x @ x, np.array([1.0, 2.0]))
>>> bool(np.allclose(slope.value, [2, 4], atol=1e-10)), bool((slope.error < 1e-10).all())
(True, True)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from symgrad.errors import DomainError, LimitError, ShapeError
from symgrad.numeric.sample import ENTRY_LIMIT

Function = Callable[[NDArray[Any]], Any]

# Three halvings leave an error of order h^6 from truncation and eps/h from rounding.
STEP = 2.0**-8
COMPLEX_STEP = 1e-30
HALVINGS = (1.0, 0.5, 0.25)
EPSILON = 8 * float(np.finfo(np.float64).eps) / HALVINGS[-1]  # rounding of f at the smallest step, generously
SMALLEST_SCALE = 2.0**-3  # entries nearer to zero than this are stepped as if they were this large


@dataclass(frozen=True, slots=True, eq=False)
class Estimate:
    """A derivative from differences, and per entry an estimate of how far off it is."""

    value: NDArray[Any]
    error: NDArray[np.float64]


def central_jacobian(f: Function, x: ArrayLike, *, step: ArrayLike | None = None) -> Estimate:
    """d f[i..] / d x[k..] by central differences with a step for every entry of x.

    `step` is the largest of the three steps, one number or one per entry; by default a power of
    two near 2^-8 |x[k]|.  Raises DomainError where f is not finite or not real-valued in step.
    """
    point = _real_point(x)
    steps = _steps(point, step)
    at_point = _value(f, point)
    _check_room(at_point, point)
    value = np.zeros((point.size, *at_point.shape), at_point.dtype)
    error = np.zeros((point.size, *at_point.shape))
    for k in range(point.size):
        direction = np.zeros_like(point)
        direction.flat[k] = steps.flat[k]
        slope = _along(f, point, direction, at_point)
        value[k], error[k] = slope.value / steps.flat[k], slope.error / steps.flat[k]
    shapes = at_point.shape, point.shape
    return Estimate(_variable_last(value, *shapes), _variable_last(error, *shapes))


def directional(f: Function, x: ArrayLike, v: ArrayLike, *, step: float | None = None) -> Estimate:
    """d f[i..](x + t v) / dt at t = 0: the Jacobian times the direction v, in f's shape."""
    point, direction = _real_point(x), _real_point(v)
    if point.shape != direction.shape:
        raise ShapeError(f"the direction has shape {direction.shape}, the point {point.shape}")
    if not direction.any():
        raise DomainError("the direction is zero")
    if step is None:
        moving = direction != 0
        step = float(_power_of_two(np.min(_steps(point, None)[moving] / np.abs(direction[moving]))))
    slope = _along(f, point, direction * _positive(step), _value(f, point))
    return Estimate(slope.value / step, slope.error / step)


def complex_step_jacobian(f: Function, x: ArrayLike) -> NDArray[np.float64]:
    """d f[i..] / d x[k..] = Im f(x + ih e[k]) / h, for f analytic, real on reals, taking complex arrays.

    No subtraction, so no cancellation.  Raises DomainError where f returns real numbers for complex
    ones: it has dropped the part that carries the derivative.  Source: Squire & Trapp 1998.
    """
    point = _real_point(x).astype(np.complex128)
    rows = []
    for k in range(point.size):
        moved = point.copy()
        moved.flat[k] += 1j * COMPLEX_STEP
        value = _value(f, moved)
        if value.dtype.kind != "c":
            raise DomainError("f answers real numbers to complex ones: no complex step", hint="central_jacobian")
        if k == 0:
            _check_room(value, point)
        rows.append(value.imag / COMPLEX_STEP)
    shape = rows[0].shape
    return _variable_last(np.stack(rows), shape, point.shape)


def derivative_of(gradient: Function, x: ArrayLike, *, step: ArrayLike | None = None) -> Estimate:
    """The derivative of a given gradient: d^2 f / d x[i..] d x[k..], gradient axes first."""
    return central_jacobian(gradient, x, step=step)


# --- one direction ----------------------------------------------------------------------------


def _along(f: Function, point: NDArray[Any], move: NDArray[Any], at_point: NDArray[Any]) -> Estimate:
    """d f(point + t move) / dt at 0 from steps 1, 1/2, 1/4, with an estimate of the error."""
    slopes, largest = [], np.abs(at_point)
    for part in HALVINGS:
        ahead, behind = (_value(f, point + s * part * move) for s in (1, -1))
        for value in (ahead, behind):
            if value.shape != at_point.shape:
                raise ShapeError(f"f has shape {at_point.shape} at x and {value.shape} nearby")
            if not np.isfinite(value).all():
                raise DomainError("f is not finite near x: a step leaves its domain", hint="a smaller step=")
        largest = np.maximum(largest, np.maximum(np.abs(ahead), np.abs(behind)))
        slopes.append((ahead - behind) / (2 * part))
    coarse, fine = (4 * slopes[1] - slopes[0]) / 3, (4 * slopes[2] - slopes[1]) / 3
    best = (16 * fine - coarse) / 15
    return Estimate(best, np.abs(best - fine) + EPSILON * (largest + np.abs(best) * _cancellation(point, move)))


def _cancellation(point: NDArray[Any], move: NDArray[Any]) -> float:
    """How many times larger than its move an entry is: what rounding x + move costs the slope."""
    moving = move != 0
    return float(np.max(np.abs(point[moving]) / np.abs(move[moving])))


def _value(f: Function, x: NDArray[Any]) -> NDArray[Any]:
    """f(x) in an array of its own: f may answer with its argument or reuse its buffer."""
    value = np.array(f(x.copy()))
    if value.dtype.kind in "biu":
        value = value.astype(np.float64)
    if value.dtype.kind not in "fc":
        raise DomainError(f"f must return numbers, it returned entries of type {value.dtype}")
    if not np.isfinite(value).all():
        raise DomainError("f is not finite here", hint="a point inside the domain of f, or a smaller step=")
    return value


# --- steps and shapes -------------------------------------------------------------------------


def _real_point(x: ArrayLike) -> NDArray[np.float64]:
    point = np.array(x)
    if point.dtype.kind not in "biuf":
        raise DomainError(f"differences are taken at real points, got entries of type {point.dtype}")
    if not point.size:
        raise ShapeError(f"no entries to differentiate by: shape {point.shape}")
    if not np.isfinite(point).all():
        raise DomainError("differences are taken at finite points")
    return point.astype(np.float64)


def _steps(point: NDArray[Any], step: ArrayLike | None) -> NDArray[Any]:
    if step is None:
        return _power_of_two(np.maximum(np.abs(point), SMALLEST_SCALE)) * STEP
    given = _positive(step)
    if given.shape not in ((), point.shape):
        raise ShapeError(f"the steps have shape {given.shape}, the point {point.shape}")
    return np.broadcast_to(given, point.shape)


def _positive(step: ArrayLike) -> NDArray[Any]:
    given = np.asarray(step, dtype=np.float64)
    if not (np.isfinite(given) & (given > 0)).all():
        raise DomainError(f"a step must be positive and finite, got {step!r}")
    return given


def _power_of_two(scale: NDArray[Any]) -> NDArray[Any]:
    """The power of two just below: adding one loses no digits of x, so the step taken is the step meant."""
    power: NDArray[Any] = np.exp2(np.floor(np.log2(scale)))
    return power


def _check_room(value: NDArray[Any], point: NDArray[Any]) -> None:
    if value.size * point.size > ENTRY_LIMIT:
        hint = "directional(f, x, v) for one product"
        raise LimitError(f"a Jacobian of {value.size} x {point.size} entries", hint=hint)


def _variable_last(rows: NDArray[Any], output: tuple[int, ...], variable: tuple[int, ...]) -> NDArray[Any]:
    """(variable entries, output axes) -> output axes, then variable axes."""
    return np.ascontiguousarray(np.moveaxis(rows, 0, -1)).reshape(output + variable)
