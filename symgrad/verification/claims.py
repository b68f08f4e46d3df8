"""What can be claimed of the slopes of a function: gradients, Jacobians, Hessians, products with either side.

A claim is a function of one flat point and what is said of its slope along any direction.  A vjp is the gradient
of a random sum of outputs; a Hessian is the Jacobian of the gradient, or of differences of f where none is given.
Nothing here compares.

>>> point = Arguments(np.array([1.0, 2.0]))
>>> claim, = claims_of("gradient", lambda x: x @ x, lambda x: 2*x, point, np.random.default_rng(0), 1)
>>> claim.along(np.array([1.0, 0.0]))[0].tolist()
[2.0]
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symgrad.errors import ShapeError, UnknownNameError, did_you_mean
from symgrad.verification.libraries import Arguments, library_of, like, own_gradient, precision, real_values, to_numpy

Array = NDArray[Any]
Slopes = tuple[Array, Array]  # claimed, and the size of the terms they are sums of
KINDS = ("gradient", "jacobian", "hessian", "vjp", "jvp")


class Counter:
    """A function of flat points with real outputs, counted; failures of arithmetic are not numbers."""

    def __init__(self, f: Callable[..., Any], arguments: Arguments, what: str):
        self.f, self.arguments, self.what = f, arguments, what
        self.evaluations = 0
        first = f(*arguments.moved(arguments.flat))
        self.eps = max(arguments.eps, precision(first))
        self.first = first
        self.shape = to_numpy(first).shape

    def __call__(self, flat: Array) -> Array:
        self.evaluations += 1
        try:
            found = real_values(self.f(*self.arguments.moved(flat)), self.what)
        except (ArithmeticError, np.linalg.LinAlgError):
            return np.full(int(np.prod(self.shape)), np.nan)
        if found.shape != self.shape:
            raise ShapeError(f"{self.what} has shape {self.shape} at the point and {found.shape} nearby")
        return found.ravel()


@dataclass(frozen=True, slots=True, eq=False)
class Claim:
    """Values at flat points, the slopes claimed along a direction, the shape of the output."""

    value: Callable[[Array], Array]
    along: Callable[[Array], Slopes]
    output: tuple[int, ...]
    eps: float
    counter: Counter


def claims_of(
    kind: str,
    f: Callable[..., Any],
    grad: Callable[..., Any] | None,
    arguments: Arguments,
    rng: np.random.Generator,
    trials: int,
) -> list[Claim]:
    """The claims to check, of which trials take turns.  Raises UnknownNameError, ShapeError."""
    if kind not in KINDS:
        raise UnknownNameError(f"there is no kind {kind!r} of derivative", hint=did_you_mean(kind, KINDS))
    given = grad if grad is not None else own_gradient(f, library_of(arguments.given[0]))
    counted = Counter(f, arguments, "f")
    if kind in ("gradient", "hessian") and counted.shape not in ((), (1,)):
        raise ShapeError(f"f has shape {counted.shape}, a {kind} is that of a scalar: check a jacobian")
    if kind == "gradient":
        return [_gradient(counted, given)]
    if kind == "jacobian":
        return [_matrix(counted, _rows(given(*_point(arguments)), counted.shape, arguments), precision_of=given)]
    if kind == "vjp":
        return [_pullback(counted, given, rng) for _ in range(trials)]
    return [_pushforward(counted, given)]


def _point(arguments: Arguments) -> list[Any]:
    return arguments.moved(arguments.flat)


def _precision(values: Any) -> float:
    parts = values if isinstance(values, tuple | list) else [values]
    return max(precision(p) for p in parts)
