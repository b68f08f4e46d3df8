"""Every entry of a derivative at given arrays, by differences of an expression that is known.

The values at all the points x +- h e[k] are computed together (`symgrad.numeric.perturbed`), which makes the check
of all entries cheap: no rule of differentiation, no random direction, no evaluation per entry.  At a kink a slope is
known only to lie between those of its sides.

>>> from symgrad.derivation import derivative
>>> found = slopes(derivative("sum(abs(x))", "x", where="x: R^n"), {"x": np.array([0.0, 2.0])})
>>> found.low.round(9).tolist(), found.high.round(9).tolist()
([-1.0, 1.0], [1.0, 1.0])
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from symgrad.derivation import derive
from symgrad.errors import DomainError
from symgrad.evaluation import inputs_of
from symgrad.numeric.evaluate import bind_sizes, evaluate
from symgrad.numeric.perturbed import changes
from symgrad.tensor.nodes import Input, Node, walk
from symgrad.verification.libraries import Arguments

if TYPE_CHECKING:
    from symgrad.derivation import Derivative

Array = NDArray[Any]
STEP = 2.0**-7  # of the size of an entry; halved twice
HALVINGS = (1.0, 0.5, 0.25)
ROUNDING = 16 * float(np.finfo(float).eps)
STAYS = 0.6  # of the difference of the two sides' slopes stays at a kink when the step is halved twice, else 1/4
CLEAR = 1e-4  # of a slope is what its sides must differ by


@dataclass(frozen=True, slots=True, eq=False)
class Slopes:
    """Between which bounds each entry of a derivative was measured, and how far off they may be.

    Axes are those of the tensor: the output's, then each variable's.  Bounds differ at kinks only.
    """

    low: Array
    high: Array
    error: Array

    @property
    def kinks(self) -> int:
        """How many entries are at a kink."""
        return int(np.count_nonzero(self.low < self.high))


def sizes_at(derivative: Derivative, arrays: Mapping[str, Any]) -> dict[str, int]:
    """What the dimension letters are.  Raises ShapeError, UnknownNameError naming the array at fault."""
    inputs = inputs_of(derivative)
    given = {n: np.asarray(v) for n, v in arrays.items()}
    return bind_sizes({n: inputs[n].arrives if n in inputs else () for n in {**inputs, **given}}, given)


def slopes(derivative: Derivative, arrays: Mapping[str, Any]) -> Slopes:
    """The derivative of the last order by differences, its entries taken as independent.

    arrays  every input by name, as for `D.function()`.  Raises DomainError where the expression is not finite near
    the arrays, LimitError for more entries than can be kept.
    """
    sizes = sizes_at(derivative, arrays)
    source = derivative.program
    free = derive(source, derivative.of, derivative.wrt, structure="ignore")  # as its values see it: S' is not S
    below = _below(free)
    x = cast(Input, free.variables[-1].node)
    values = _values(free, below, arrays, sizes)
    moving = Arguments(values[x.name])
    with np.errstate(all="ignore"):
        start = np.asarray(evaluate([below], _of(below, values), sizes)[0])
        found = _sides(lambda moves: changes(below, x, values, moves, sizes), moving, start)
    return _last(found, x.rank)


def _below(free: Derivative) -> Node:
    """What is differenced: the expression, or its derivative of one order less."""
    if len(free.wrt) == 1:
        return free.output.node
    return derive(free.program, free.of, free.wrt[:-1], structure="ignore").node


def _values(free: Derivative, below: Node, arrays: Mapping[str, Any], sizes: Mapping[str, int]) -> dict[str, Array]:
    """Arrays in the axes of the graph for all of its inputs, intermediates that are variables included."""
    views = free.program.scope.views
    given = {n: np.asarray(v, dtype=float) for n, v in arrays.items()}
    given = {n: v.reshape(-1) if n in views and views[n].is_row else v for n, v in given.items()}
    for name in free.wrt:
        if name in free.program.assigned:
            node = views[name].node
            given[name] = np.asarray(evaluate([node], _of(node, given), sizes)[0])
    return given


def _of(node: Node, values: Mapping[str, Array]) -> dict[str, Array]:
    return {n.name: values[n.name] for n in walk(node) if isinstance(n, Input)}


def _sides(change: Callable[[Array], Array], moving: Arguments, start: Array) -> Slopes:
    """Slopes by central differences at three steps, extrapolated; at kinks those of the two sides."""
    shape = moving.shapes[0]
    ahead, behind = _both_sides(change, moving, shape)
    if not (np.isfinite(ahead[0]).all() and np.isfinite(behind[0]).all()) and moving.narrow():
        ahead, behind = _both_sides(change, moving, shape)
    steps = [(STEP * part * moving.scale).reshape(shape + (1,) * start.ndim) for part in HALVINGS]
    if not all(np.isfinite(a).all() for a in (*ahead, *behind)):
        raise DomainError("the expression is not finite near these arrays", hint="arrays inside its domain")
    right = [a / h for a, h in zip(ahead, steps, strict=True)]
    left = [-b / h for b, h in zip(behind, steps, strict=True)]
    central = [(r + s) / 2 for r, s in zip(right, left, strict=True)]
    coarse, fine = (4 * central[1] - central[0]) / 3, (4 * central[2] - central[1]) / 3
    best = (16 * fine - coarse) / 15
    largest = np.maximum(np.abs(start), np.maximum(np.abs(ahead[0]), np.abs(behind[0])))
    error = np.abs(best - fine) + ROUNDING * largest / steps[-1] + ROUNDING * np.abs(best) / STEP
    return _at_kinks(best, error, left, right)


def _both_sides(change: Callable[[Array], Array], moving: Arguments, shape: tuple[int, ...]) -> tuple[Any, Any]:
    moves = [(STEP * part * moving.scale).reshape(shape) for part in HALVINGS]
    return [change(m) for m in moves], [change(-m) for m in moves]


def _at_kinks(best: Array, error: Array, left: list[Array], right: list[Array]) -> Slopes:
    """Where slopes of the sides stay apart as the step shrinks, all between them are right."""
    apart = [np.abs(r - s) for r, s in zip(right, left, strict=True)]
    sizes = np.maximum(np.abs(left[-1]), np.abs(right[-1]))
    kinked = (apart[-1] > STAYS * apart[0]) & (apart[-1] > CLEAR * sizes) & (apart[-1] > error)
    ends = [2 * side[2] - side[1] for side in (left, right)]
    low, high = np.minimum(*ends), np.maximum(*ends)
    bent = np.abs(ends[0] - left[-1]) + np.abs(ends[1] - right[-1])
    return Slopes(np.where(kinked, low, best), np.where(kinked, high, best), np.where(kinked, bent, error))


def _last(found: Slopes, rank: int) -> Slopes:
    """The variable's axes behind the others."""
    front = tuple(range(rank))
    back = tuple(range(-rank, 0))
    return Slopes(*(np.moveaxis(a, front, back) if rank else a for a in (found.low, found.high, found.error)))


def as_tensor(derivative: Derivative, claimed: Any, shape: tuple[int, ...]) -> Array | None:
    """An array in the derivative's layout with the axes of its tensor, of this shape; None where it does not fit."""
    array = np.asarray(claimed, dtype=float)
    rows, columns = derivative.arrangement.rows, derivative.arrangement.columns
    order = tuple(range(len(shape))) if rows is None or columns is None else (*rows, *columns)
    wanted = tuple(shape[i] for i in order)
    if array.size != int(np.prod(shape)) or not _fits(derivative, array.shape, shape):
        return None
    return np.asarray(array.reshape(wanted).transpose(np.argsort(order)))


def _fits(derivative: Derivative, given: tuple[int, ...], shape: tuple[int, ...]) -> bool:
    """Whether an array has the shape of the layout, a column being one axis or n x 1."""
    rows, columns = derivative.arrangement.rows, derivative.arrangement.columns
    if rows is None or columns is None:
        return [n for n in given if n > 1] == [n for n in shape if n > 1]
    matrix = int(np.prod([shape[i] for i in rows])), int(np.prod([shape[i] for i in columns]))
    if not columns:
        return given in ((matrix[0],), (matrix[0], 1)) if rows else int(np.prod(given)) == 1
    return given == matrix
