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

from symgrad.errors import DomainError, ShapeError, UnknownNameError, did_you_mean
from symgrad.verification.libraries import (
    Arguments,
    NoClaim,
    claimed_values,
    leaves,
    library_of,
    like,
    own_gradient,
    precision,
    real_values,
    to_numpy,
)

Array = NDArray[Any]
Slopes = tuple[Array, Array]  # claimed, and the size of the terms they are sums of
KINDS = ("gradient", "jacobian", "hessian", "vjp", "jvp")
EACH_ROW = 12  # entries up to which differences look at every row of a Hessian
SOME_ROWS = 3  # and combinations of rows, beyond


class Counter:
    """A function of flat points with real outputs, counted; failures of arithmetic are not numbers."""

    def __init__(self, f: Callable[..., Any], arguments: Arguments, what: str):
        self.f, self.arguments, self.what = f, arguments, what
        self.evaluations = 0
        self.raised = ""  # what f said where it has no value
        first = f(*arguments.here())
        self.eps = max(arguments.eps, precision(first))
        self.first = first
        self.shape = to_numpy(first).shape

    def __call__(self, flat: Array) -> Array:
        self.evaluations += 1
        try:
            found = self.f(*self.arguments.moved(flat))
        except (ArithmeticError, ValueError, RuntimeError) as error:  # it has a value at the point itself
            self.raised = f"{type(error).__name__}: {error}"
            return np.full(int(np.prod(self.shape)), np.nan)
        found = real_values(found, self.what)
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
    gradient: Callable[..., Any] | None = None,
) -> list[Claim]:
    """The claims to check, of which trials take turns; `gradient` serves a Hessian.

    Raises UnknownNameError, ShapeError.
    """
    if kind not in KINDS:
        raise UnknownNameError(f"there is no kind {kind!r} of derivative", hint=did_you_mean(kind, KINDS))
    if kind == "hessian":
        return [_hessian(f, _needed(grad, kind), gradient, arguments, rng)]
    counted = Counter(f, arguments, "f")
    if kind == "gradient":
        _check_scalar(counted, kind)
        given = grad if grad is not None else own_gradient(f, library_of(arguments.given[0]))
        return [_gradient(counted, given(*arguments.here()))]
    if kind == "jacobian":
        return [_jacobian(counted, _needed(grad, kind)(*arguments.here()))]
    if kind == "vjp":
        return [_pullback(counted, _needed(grad, kind), rng) for _ in range(trials)]
    return [_pushforward(counted, _needed(grad, kind))]


def _needed(grad: Callable[..., Any] | None, kind: str) -> Callable[..., Any]:
    if grad is None:
        raise DomainError(f"there is no {kind} to check", hint="a function as the second argument")
    return grad


def lengths(rows: Array) -> Array:
    """The Euclidean length of each row, however large or small its entries."""
    largest = np.abs(rows).max(axis=1, initial=0.0)
    unit = np.where((largest > 0) & np.isfinite(largest), largest, 1.0)
    return np.asarray(unit * np.linalg.norm(rows / unit[:, None], axis=1))


def _check_scalar(counted: Counter, kind: str) -> None:
    if int(np.prod(counted.shape)) != 1:
        raise ShapeError(f"f has shape {counted.shape}, a {kind} is that of a scalar: check a jacobian")


def _precision(values: Any) -> float:
    return max(precision(leaf) for _, leaf in leaves(values))


def _gradient(counted: Counter, claimed: Any, value: Callable[[Array], Array] | None = None) -> Claim:
    g = counted.arguments.flattened(claimed, "the gradient")

    def along(direction: Array) -> Slopes:
        terms = g * direction
        return np.array([terms.sum()]), lengths(terms[None, :])

    return Claim(value or counted, along, (), max(counted.eps, _precision(claimed)), counted)


def _jacobian(counted: Counter, claimed: Any) -> Claim:
    """Output axes, then an argument's; one array for each argument."""
    arguments, what = counted.arguments, "the Jacobian"
    blocks = []
    for i, (part, shape) in enumerate(zip(arguments.parts_of(claimed, what), arguments.shapes, strict=True)):
        block = claimed_values(part, what)
        if block.shape != counted.shape + shape:
            raise NoClaim(f"{what} by {arguments.name(i)} has shape {block.shape}, not {counted.shape + shape}")
        blocks.append(block.reshape(int(np.prod(counted.shape)), -1))
    return _matrix(counted, counted, np.hstack(blocks), counted.shape, max(counted.eps, _precision(claimed)))


def _matrix(
    value: Callable[[Array], Array], counter: Counter, rows: Array, output: tuple[int, ...], eps: float
) -> Claim:
    def along(direction: Array) -> Slopes:
        return rows @ direction, lengths(rows * direction)

    return Claim(value, along, output, eps, counter)


def _pullback(counted: Counter, vjp: Callable[..., Any], rng: np.random.Generator) -> Claim:
    """vjp(*at, cotangent) is the gradient of the sum of outputs that the cotangent weighs."""
    weights = rng.standard_normal(counted.shape)
    given = like(weights.astype(to_numpy(counted.first).dtype), counted.first)
    claimed = vjp(*counted.arguments.here(), given)
    seen = real_values(given, "the cotangent").ravel()
    return _gradient(counted, claimed, lambda flat: np.array([seen @ counted(flat)]))


def _pushforward(counted: Counter, jvp: Callable[..., Any]) -> Claim:
    """jvp(*at, *tangents) is the slope itself."""
    arguments = counted.arguments

    def along(direction: Array) -> Slopes:
        found = claimed_values(jvp(*arguments.here(), *arguments.moved(direction)), "the jvp")
        if found.shape != counted.shape:
            raise NoClaim(f"the jvp has shape {found.shape}, f has {counted.shape}")
        size = lengths(found.reshape(1, -1)) / np.sqrt(max(found.size, 1))
        return found.ravel(), np.repeat(size, found.size)

    return Claim(counted, along, counted.shape, counted.eps, counted)


# --- Hessians ---------------------------------------------------------------------------------


def _hessian(
    f: Callable[..., Any],
    hessian: Callable[..., Any],
    gradient: Callable[..., Any] | None,
    arguments: Arguments,
    rng: np.random.Generator,
) -> Claim:
    """The Hessian of one argument: its shape twice, or square in its flat entries."""
    if len(arguments.given) > 1:
        raise ShapeError("the Hessian of a function of one array is checked", hint="one flat array of all entries")
    claimed = hessian(*arguments.here())
    rows, shape = claimed_values(claimed, "the Hessian"), arguments.shapes[0]
    if rows.shape not in (shape * 2, (arguments.size,) * 2):
        raise NoClaim(f"the Hessian has shape {rows.shape}, not {shape * 2}")
    rows = rows.reshape(arguments.size, arguments.size)
    if gradient is not None:
        counted = Counter(gradient, arguments, "the gradient")
        if counted.shape != shape:
            raise ShapeError(f"the gradient has shape {counted.shape}, its variable {shape}")
        return _matrix(counted, counted, rows, shape, max(counted.eps, _precision(claimed)))
    counted = Counter(f, arguments, "f")
    _check_scalar(counted, "hessian")
    few = arguments.size <= EACH_ROW
    sides = np.diag(arguments.scale) if few else rng.choice([-1.0, 1.0], (SOME_ROWS, arguments.size)) * arguments.scale
    output = shape if few else (SOME_ROWS,)
    eps = max(counted.eps, _precision(claimed))
    return _matrix(lambda flat: _slopes(counted, flat, sides, eps), counted, sides @ rows, output, eps)


def _slopes(counted: Counter, flat: Array, sides: Array, eps: float) -> Array:
    """The slopes of f along each side, by differences at fixed steps: as smooth in the point as f is."""
    step = eps**0.125
    quotients = []
    for part in (1.0, 0.5, 0.25):
        t = step * part
        quotients.append(np.array([(counted(flat + t * s) - counted(flat - t * s))[0] for s in sides]) / (2 * t))
    coarse, fine = (4 * quotients[1] - quotients[0]) / 3, (4 * quotients[2] - quotients[1]) / 3
    return np.asarray((16 * fine - coarse) / 15)
