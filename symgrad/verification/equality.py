"""Equality of two readings of tensors, rung by rung: normal forms, exact values in a prime field, samples.

A matrix here is a `View` in terms of the inputs of a program.  Each rung has bounded work; the first two prove,
the third compares floating arrays at one point and names the entry that is farthest off.

>>> from symgrad.derivation import derivative
>>> D = derivative("x'*A*x", "x", where="x: R^n; A: R^{n x n}")
>>> axes_in_layout(D), axes_in_layout(D.in_layout("numerator"))
(((0,), ()), ((), (0,)))
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from symgrad.calculus.present import expanded
from symgrad.derivation import Derivative
from symgrad.errors import LayoutError, LimitError
from symgrad.numeric.evaluate import evaluate
from symgrad.numeric.sample import ENTRY_LIMIT
from symgrad.programs import Program
from symgrad.tensor.dims import agree, size_at
from symgrad.tensor.nodes import Input, walk
from symgrad.tensor.view import View
from symgrad.verification.elementary import elementary, quotient
from symgrad.verification.exact import Comparison, compared
from symgrad.verification.verdict import Difference
from symgrad.verification.witnesses import Point, letters

Array = Any
TOLERANCE = 1e-8


def axes_in_layout(derivative: Derivative) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The axes of rows and of columns.  Raises LayoutError where the result has more than two sides."""
    rows, columns = derivative.arrangement.rows, derivative.arrangement.columns
    if rows is not None and columns is not None:
        return rows, columns
    if derivative.node.rank > 2:
        raise LayoutError(
            f"a tensor of order {derivative.node.rank} is not answered by a matrix",
            hint="layout='numerator' to flatten it, or index notation, [i, j, k]: x[i]*A[j, k]",
        )
    return tuple(range(derivative.node.rank))[:1], tuple(range(derivative.node.rank))[1:]


def same_sizes(a: View, b: View) -> bool:
    """Whether two matrices have the same numbers of rows and columns."""
    return all(agree(p, q) for p, q in zip(a.shape, b.shape, strict=True))


def proved(a: View, b: View) -> bool:
    """Whether the normal forms are one object."""
    if a.node.shape != b.node.shape:
        return False
    try:
        return a.node is b.node or expanded(a.node) is expanded(b.node)
    except LimitError:
        return False  # too many terms to multiply out


def same_in_field(a: View, b: View, source: Program) -> bool:
    """Whether the exact values in prime fields are equal at sizes all different and square.

    Where they are not, identities of functions are tried: both sides are written by few functions.
    """
    return exact(a, b, source).equal


def exact(a: View, b: View, source: Program, everywhere: bool = False) -> Comparison:
    """The comparison of two matrices of one shape in prime fields, as they stand, else written by few functions.

    `everywhere`: for matrices without full rank too, which matters to pseudoinverses.
    """
    sizes = letters(source)
    try:
        found = compared(a.node, b.node, sizes, everywhere)
        if found.equal or found.different:
            return found
        first, second = elementary(a.node, b.node)
        other = compared(first, second, sizes, everywhere) if (first, second) != (a.node, b.node) else found
        if not other.equal and (product := quotient(first, second)) is not None:
            other = compared(*product, sizes, everywhere)
        return other if other.equal else found
    except LimitError:
        return Comparison(False)


def matrices(views: Sequence[View], point: Point) -> list[Array]:
    """The values of views at a point, as arrays of two axes.  Raises LimitError beyond ENTRY_LIMIT."""
    nodes = list(walk(*(v.node for v in views)))
    if any(prod(size_at(s, point.sizes) for s in n.shape) > ENTRY_LIMIT for n in nodes):
        raise LimitError("too many entries to compare at a sample", hint="dimension letters or small sizes")
    given = {n.name: _axes_of_node(point.values[n.name], n.rank) for n in nodes if isinstance(n, Input)}
    return [_as_matrix(v, _value(v, given, point.sizes), point.sizes) for v in views]


def _axes_of_node(array: Array, rank: int) -> Array:
    """A row vector is (1, n) as an array and has one axis as a node."""
    return np.reshape(array, np.shape(array)[np.ndim(array) - rank :])


def _value(view: View, given: Mapping[str, Array], at_sizes: Mapping[str, int]) -> Array:
    """The array of a view; not a number where it has none, as the inverse of a singular matrix."""
    with np.errstate(all="ignore"):
        try:
            return evaluate([view.node], given, at_sizes)[0]
        except (np.linalg.LinAlgError, OverflowError):  # singular; a coefficient beyond floating point
            return np.full([size_at(s, at_sizes) for s in view.node.shape], np.nan)


def _as_matrix(view: View, array: Array, at_sizes: Mapping[str, int]) -> Array:
    return np.reshape(array, [size_at(s, at_sizes) for s in view.shape])


def equal(answer: Array, truth: Array, tolerance: float = TOLERANCE) -> bool:
    """Whether two arrays agree to rounding; what is not finite agrees with nothing."""
    if not (np.isfinite(answer).all() and np.isfinite(truth).all()):
        return False
    scale = max(float(np.abs(answer).max()), float(np.abs(truth).max()))
    return bool(np.abs(answer - truth).max() <= tolerance * scale + 1e-12)


def difference(answer: Array, truth: Array, point: Point) -> Difference:
    """The entry that is farthest off."""
    off = np.nan_to_num(np.abs(answer - truth), nan=np.inf, posinf=np.inf)
    entry = tuple(int(i) for i in np.unravel_index(int(np.argmax(off)), off.shape))
    shown = () if off.size == 1 else tuple(i + 1 for i in entry)
    return Difference(
        dict(point.sizes), dict(point.values), shown, float(answer[entry]) + 0.0, float(truth[entry]) + 0.0
    )
