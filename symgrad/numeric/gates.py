"""Gates: what a computational graph is made of, each with its own forward and backward.

A gate's `forward` caches what its `backward` will need; `backward` takes the cotangent of the output
(dL / d output) and returns one cotangent per input.  The patterns of the course: addition distributes
the cotangent, multiplication swaps the factors, max routes it, copy sums its branches.  These
pullbacks are numeric code of their own: this room must not know the symbolic rules, for it is the
witness against them.  A user's own gate is a subclass of `Gate` with those two methods.

>>> gate = MultiplyGate()
>>> gate.forward(3.0, -4.0)
-12.0
>>> gate.backward(1.0)
(-4.0, 3.0)
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from symgrad.errors import DomainError, ShapeError, SymgradError, UnknownNameError, did_you_mean

if TYPE_CHECKING:
    from symgrad.operations.record import Operation

Array = NDArray[Any]  # scalars of NumPy included: they have shape and dtype too
Number = int | float | complex
Kind = Literal["scalar", "column", "row", "matrix"]


class Gate(ABC):
    """One operation of a computational graph.

    A gate is used at one place of one graph, because it keeps the values it met there.
    """

    __slots__ = ()

    @property
    def label(self) -> str:
        """What a picture shows."""
        return type(self).__name__.removesuffix("Gate") or "Gate"

    @property
    def arity(self) -> tuple[int, ...] | None:
        """The allowed numbers of inputs; None where any number will do."""
        return None

    @abstractmethod
    def forward(self, *inputs: Any) -> Any:
        """The output for these inputs."""

    @abstractmethod
    def backward(self, cotangent: Any) -> Sequence[Any]:
        """dL / d input for each input, from dL / d output."""


# --- arrays -----------------------------------------------------------------------------------


def as_value(given: object) -> Array:
    """`given` as a float or complex array of at most two axes; a scalar becomes a NumPy scalar.

    Floats and complex numbers keep their precision, integers and booleans become float64.
    Raises DomainError for what is no number, ShapeError for more than two axes.
    """
    if type(given) is np.ndarray and 0 < given.ndim <= 2 and given.dtype.kind in "fc":
        return given  # the common case, met at every gate
    if isinstance(given, np.ma.MaskedArray):
        raise DomainError("a masked array has no value at its masked entries", hint="array.filled(value)")
    try:
        array: Array = np.asarray(given)
    except ValueError as error:
        raise ShapeError(f"rows of different lengths make no array: {error}") from error
    if array.dtype.kind in "biu":
        array = array.astype(np.float64)
    if array.dtype.kind not in "fc":
        raise DomainError(f"expected numbers, got {type(given).__name__} with entries of type {array.dtype}")
    if array.ndim > 2:
        hint = "scalars have no axis, column vectors one, rows and matrices two"
        raise ShapeError(f"an array of shape {array.shape} has more than two axes", hint=hint)
    scalar: Array = array[()] if array.ndim == 0 else array
    return scalar


def _pair_shapes(what: str, x: Array, y: Array) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Their shapes, equal unless one is a scalar: a vector is never spread over a matrix."""
    x_shape, y_shape = _shape(x), _shape(y)
    if x_shape != y_shape and x_shape and y_shape:
        raise ShapeError(f"cannot {what} arrays of shapes {x_shape} and {y_shape}", hint="two arrays of one shape")
    return x_shape, y_shape


def _shape(x: Array) -> tuple[int, ...]:
    """The shape; a Python number (a gate tried by hand) has none to ask for."""
    shape: tuple[int, ...] = getattr(x, "shape", ())
    return shape


def _fold(cotangent: Array, shape: tuple[int, ...]) -> Array:
    """The cotangent of an operand that may have been a scalar spread over an array."""
    if _shape(cotangent) == shape:
        return cotangent
    total: Array = np.sum(cotangent)
    return total


# --- the four patterns ------------------------------------------------------------------------


class AddGate(Gate):
    """x + y, distributes: both inputs get the cotangent."""

    __slots__ = ("x_shape", "y_shape")
    label = "+"
    arity = (2,)

    def forward(self, x: Array, y: Array) -> Array:
        self.x_shape, self.y_shape = _pair_shapes("add", x, y)
        return x + y

    def backward(self, cotangent: Array) -> Sequence[Array]:
        return _fold(cotangent, self.x_shape), _fold(cotangent, self.y_shape)


class SubtractGate(Gate):
    """x - y."""

    __slots__ = ("x_shape", "y_shape")
    label = "-"
    arity = (2,)

    def forward(self, x: Array, y: Array) -> Array:
        self.x_shape, self.y_shape = _pair_shapes("subtract", x, y)
        return x - y

    def backward(self, cotangent: Array) -> Sequence[Array]:
        return _fold(cotangent, self.x_shape), -_fold(cotangent, self.y_shape)


class MultiplyGate(Gate):
    """x .* y entry by entry, swaps: each input gets the cotangent times the other input."""

    __slots__ = ("x", "x_shape", "y", "y_shape")
    label = "*"
    arity = (2,)

    def forward(self, x: Array, y: Array) -> Array:
        self.x_shape, self.y_shape = _pair_shapes("multiply", x, y)
        self.x, self.y = x, y
        return x * y

    def backward(self, cotangent: Array) -> Sequence[Array]:
        return _fold(self.y * cotangent, self.x_shape), _fold(self.x * cotangent, self.y_shape)


class MaxGate(Gate):
    """max(x, y) entry by entry, routes: to x where x >= y (so to x at a tie), else to y."""

    __slots__ = ("first", "x_shape", "y_shape")
    label = "max"
    arity = (2,)

    def forward(self, x: Array, y: Array) -> Array:
        self.x_shape, self.y_shape = _pair_shapes("take the larger of", x, y)
        if np.iscomplexobj(x) or np.iscomplexobj(y):
            raise DomainError("complex numbers have no larger one", hint="the real parts")
        self.first = np.greater_equal(x, y)
        larger: Array = np.maximum(x, y)
        return larger

    def backward(self, cotangent: Array) -> Sequence[Array]:
        routed = cotangent * self.first
        return _fold(routed, self.x_shape), _fold(cotangent * ~self.first, self.y_shape)


class CopyGate(Gate):
    """x itself for several readers, sums: the input gets the sum over the branches."""

    __slots__ = ()
    label = "copy"
    arity = (1,)

    def forward(self, x: Array) -> Array:
        return x

    def backward(self, cotangent: Array, *others: Array) -> Sequence[Array]:
        """The sum of the branches; a graph has summed them already and passes one."""
        for other in others:
            cotangent = cotangent + other
        return (cotangent,)


# --- one input --------------------------------------------------------------------------------


class NegateGate(Gate):
    """-x."""

    __slots__ = ()
    label = "*-1"
    arity = (1,)

    def forward(self, x: Array) -> Array:
        return -x

    def backward(self, cotangent: Array) -> Sequence[Array]:
        return (-cotangent,)


class ExpGate(Gate):
    """e^x entry by entry; its derivative is its output."""

    __slots__ = ("output",)
    label = "exp"
    arity = (1,)

    def forward(self, x: Array) -> Array:
        self.output: Array = np.exp(x)
        return self.output

    def backward(self, cotangent: Array) -> Sequence[Array]:
        return (cotangent * self.output,)


class ReciprocalGate(Gate):
    """1/x entry by entry; its derivative is -1/x^2."""

    __slots__ = ("output",)
    label = "1/x"
    arity = (1,)

    def forward(self, x: Array) -> Array:
        self.output = 1 / x
        return self.output

    def backward(self, cotangent: Array) -> Sequence[Array]:
        return (-cotangent * self.output * self.output,)


class SigmoidGate(Gate):
    """1/(1 + e^-x) entry by entry, grouped into one gate; its derivative is (1 - s)s."""

    __slots__ = ("output",)
    label = "\N{GREEK SMALL LETTER SIGMA}"
    arity = (1,)

    def forward(self, x: Array) -> Array:
        self.output: Array = _sigmoid(x) if _shape(x) else _scalar_sigmoid(x)
        return self.output

    def backward(self, cotangent: Array) -> Sequence[Array]:
        return (cotangent * ((1 - self.output) * self.output),)


def _sigmoid(x: Array) -> Array:
    right = x.real >= 0
    small: Array = np.exp(np.where(right, -x, x))  # never above 1, so nothing overflows
    answer: Array = np.where(right, 1, small) / (1 + small)
    return answer


def _scalar_sigmoid(x: Array) -> Array:
    small: Array = np.exp(-x if x.real >= 0 else x)
    return (1 if x.real >= 0 else small) / (1 + small)


class AddConstantGate(Gate):
    """x + c for a fixed number c."""

    __slots__ = ("constant",)
    arity = (1,)

    def __init__(self, constant: Number):
        self.constant = constant

    @property
    def label(self) -> str:
        return f"{self.constant:+g}"

    def forward(self, x: Array) -> Array:
        return x + self.constant

    def backward(self, cotangent: Array) -> Sequence[Array]:
        return (cotangent,)


class ScaleGate(Gate):
    """a x for a fixed number a."""

    __slots__ = ("factor",)
    arity = (1,)

    def __init__(self, factor: Number):
        self.factor = factor

    @property
    def label(self) -> str:
        return f"*{self.factor:g}"

    def forward(self, x: Array) -> Array:
        return x * self.factor

    def backward(self, cotangent: Array) -> Sequence[Array]:
        return (cotangent * self.factor,)


# --- the catalogue ----------------------------------------------------------------------------


class OperationGate(Gate):
    """An operation of the catalogue: forward by its `value`, backward by its numeric `pullback`.

    Records speak of arrays with two axes; the gate turns a scalar into 1 x 1 and a column into n x 1
    and back again.  `kind` says what the output is; without it, 1 x 1 is taken for a scalar and
    n x 1 for a column, which is wrong only for a matrix whose dimension letters happen to be 1.
    Dimensions among its arguments (`eye`, `ones`, `rows`, ...) are numbers, given as `sizes`.
    """

    __slots__ = ("inputs", "kind", "output", "record", "shapes", "sizes")

    def __init__(self, record: Operation, *, sizes: Sequence[int] = (), kind: Kind | None = None):
        if bool(sizes) != record.sizes:
            wanted = "its sizes, such as sizes=(3,)" if record.sizes else "no sizes, only inputs"
            raise ShapeError(f"{record.name} takes {wanted}")
        if kind is not None and kind not in _LOWERED:
            raise UnknownNameError(f"no kind of array {kind}", hint=did_you_mean(kind, _LOWERED))
        self.record, self.kind = record, kind
        self.sizes = tuple(sizes)

    @property
    def label(self) -> str:
        return self.record.notation.text

    @property
    def arity(self) -> tuple[int, ...]:
        return (self.record.arrays,) if self.record.sizes else self.record.arity

    def forward(self, *inputs: Array) -> Array:
        self.shapes = [np.shape(x) for x in inputs]
        self.inputs = [np.reshape(x, (*np.shape(x), 1, 1)[:2]) for x in inputs]
        self.output: Array = self._call(self.record.value, *self.inputs, *self.sizes)
        return self._lower()

    def _lower(self) -> Array:
        rows, columns = self.output.shape
        kind = self.kind or ("matrix" if columns != 1 else "scalar" if rows == 1 else "column")
        fits, index = _LOWERED[kind]
        if not fits(rows, columns):
            raise ShapeError(f"{self.record.name} gave {rows} x {columns}, which is no {kind}")
        lowered: Array = self.output[index]
        return lowered

    def backward(self, cotangent: Array) -> Sequence[Array]:
        if not self.inputs:
            return ()
        lifted = np.reshape(cotangent, self.output.shape)
        back: Sequence[Array] = self._call(self.record.pullback, lifted, self.output, *self.inputs, *self.sizes)
        for slot, (sent, x) in enumerate(zip(back, self.inputs, strict=True)):
            if sent.shape != x.shape:
                raise ShapeError(f"{self.record.name} pulls back {sent.shape} to input {slot} of shape {x.shape}")
        return [np.reshape(sent, shape)[()] for sent, shape in zip(back, self.shapes, strict=True)]

    def _call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """`function(*arguments)`, with NumPy's complaints said in the words of the operation."""
        try:
            return function(*arguments)
        except SymgradError:
            raise
        except np.linalg.LinAlgError as error:
            raise DomainError(f"{self.record.name} has no value here: {error}") from error
        except (ValueError, TypeError, IndexError) as error:
            shapes = " and ".join(map(str, self.shapes)) or f"sizes {self.sizes}"
            raise ShapeError(f"{self.record.name} cannot be computed for shapes {shapes}: {error}") from error


# What an array with two axes must be to count as each kind, and the index that drops its idle axes.
_LOWERED: dict[str, tuple[Callable[[int, int], bool], Any]] = {
    "scalar": (lambda rows, columns: rows == columns == 1, (0, 0)),
    "column": (lambda rows, columns: columns == 1, (slice(None), 0)),
    "row": (lambda rows, columns: rows == 1, ...),
    "matrix": (lambda rows, columns: True, ...),
}
