"""What one does with the engine: a function's value with its gradient, and a gate of one's own.

>>> import numpy as np
>>> value_and_grad(lambda x: np.sum(x * x))(np.array([1.0, 2.0]))
(np.float64(5.0), array([2., 4.]))
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import numpy as np

from symgrad.engine.gate import Gate, Pull, opaque
from symgrad.engine.nested import LEAF, put_together, taken_apart
from symgrad.engine.sweep import owned, sweep
from symgrad.engine.variable import Variable, apply, constant, frozen, unseen
from symgrad.errors import DomainError, NotDifferentiableError, ShapeError
from symgrad.numeric.difference import directional
from symgrad.numeric.gates import Gate as GraphGate

Function = Callable[..., Any]
_ndarray, _float64 = np.ndarray, np.dtype(np.float64)  # the common case, met at every step for every parameter

# --- functions --------------------------------------------------------------------------------


def value_and_grad(function: Function, wrt: int | Sequence[int] = 0) -> Function:
    """The function that answers (value, gradient) of a scalar function of arrays.

    `wrt` is the place of the argument to differentiate by, or several places (then a tuple of gradients comes back).
    An argument is an array or a nest of arrays in lists, tuples and dictionaries; its gradient has the same form.
    All other arguments are data.  The arrays are not copied; leave them alone while the function runs.
    Raises DomainError for a result that is no scalar, NotDifferentiableError for what cannot be recorded.
    """
    places = (wrt,) if isinstance(wrt, int) else tuple(wrt)

    @wraps(function)
    def both(*arguments: Any, **keywords: Any) -> tuple[Any, Any]:
        given = list(arguments)
        variables: list[Variable] = []
        forms = [_opened(given, place, variables) for place in places]
        loss = function(*given, **keywords)
        found = iter(_gradients(loss, variables))
        value = loss._value if loss.__class__ is Variable else loss
        if isinstance(wrt, int):
            return value, put_together(forms[0], found)
        return value, tuple([put_together(form, found) for form in forms])

    return both


def grad(function: Function, wrt: int | Sequence[int] = 0) -> Function:
    """The gradient alone; see `value_and_grad`."""
    both = value_and_grad(function, wrt)

    @wraps(function)
    def gradient(*arguments: Any, **keywords: Any) -> Any:
        return both(*arguments, **keywords)[1]

    return gradient


def _opened(given: list[Any], place: int, variables: list[Variable]) -> Any:
    """Put variables where the arrays of one argument are; answer the form of the argument."""
    if not -len(given) <= place < len(given):
        raise DomainError(f"there is no argument {place} to differentiate by", hint="it must be positional")
    leaves: list[Any] = []
    form = taken_apart(given[place], leaves)
    made = [
        unseen(leaf if leaf.__class__ is _ndarray and leaf.dtype is _float64 else differentiable(leaf))
        for leaf in leaves
    ]
    variables += made
    given[place] = made[0] if form is LEAF else put_together(form, iter(made))
    return form


def differentiable(array: Any) -> Any:
    """An array of floats as it is.  Raises DomainError for other data, NotDifferentiableError for a variable."""
    if array.__class__ is np.ndarray and array.dtype.kind == "f":
        return array if array.ndim else array[()]
    if array.__class__ is float:
        return np.float64(array)
    if isinstance(array, Variable):
        hint = "derive the formula: symgrad.hessian, or D.operator() of a gradient"
        raise NotDifferentiableError("the engine does not record a derivative inside a derivative", hint=hint)
    found = constant(array)
    if found.dtype.kind != "f":
        message = f"a derivative is by floating-point numbers, not by entries of type {found.dtype}"
        raise DomainError(message, hint="array.astype(float), or another place in wrt=")
    return found if found.ndim or hasattr(found, "_symgrad_note") else found[()]


def _gradients(loss: Any, variables: Sequence[Variable]) -> list[Any]:
    if loss.__class__ is not Variable:
        if isinstance(loss, float | int | np.generic) or hasattr(loss, "_symgrad_note"):
            return owned({}, variables)  # a number that is not made of the arguments
        raise DomainError(f"the function answers {type(loss).__name__}, not a scalar made of its arguments")
    value = loss._value
    if value.shape:
        raise ShapeError(f"the function answers an array of shape {value.shape}, not a scalar", hint="its sum or mean")
    return owned(sweep(loss, value.dtype.type(1)), variables)


# --- a user's own gate ------------------------------------------------------------------------


class OwnGate:
    """A user's own operation on arrays: call it with variables and arrays.  `check` compares it with differences."""

    def __init__(self, name: str, forward: Function, pullback: Function):
        self.name, self.forward, self.pullback = name, forward, pullback
        self._gates: dict[int, Gate] = {}

    def __call__(self, *operands: Any) -> Any:
        arrays = [u if isinstance(u, Variable) else frozen(constant(u)) for u in operands]
        count = len(arrays)
        if count not in self._gates:
            self._gates[count] = self._gate(count)
        return apply(self._gates[count], *arrays)

    def __repr__(self) -> str:
        return f"<gate {self.name}>"

    def _gate(self, count: int) -> Gate:
        """All cotangents come from one call of the user's pullback, which is made for the first operand asked for."""

        @opaque
        def forward(*arrays: Any) -> Any:
            output = np.asarray(self.forward(*arrays))
            if output.dtype.kind != "f":
                raise DomainError(f"{self.name} gave entries of type {output.dtype}, not floating-point numbers")
            return output.copy()[()]

        def pull(k: int) -> Pull:
            @opaque
            def one(g: Any, y: Any, *arrays: Any) -> Any:
                return self._shares(g, y, arrays)[k]

            return one

        return Gate(self.name, forward, tuple(pull(k) for k in range(count)))

    def _shares(self, g: Any, y: Any, arrays: Sequence[Any]) -> list[Any]:
        sent = self.pullback(g, y, *arrays)
        if not isinstance(sent, tuple | list) or len(sent) != len(arrays):
            raise ShapeError(f"the pullback of {self.name} must return {len(arrays)} cotangents, it returned {sent!r}")
        shares = []
        for k, (share, array) in enumerate(zip(sent, arrays, strict=True)):
            found = np.array(share, array.dtype if array.dtype.kind == "f" else None)
            if found.shape != array.shape:
                message = f"{self.name} pulls back {found.shape} to operand {k} of shape {array.shape}"
                raise ShapeError(message)
            shares.append(found[()])
        return shares

    def check(self, *arrays: Any, trials: int = 3, seed: int = 0, tolerance: float = 1e-6) -> float:
        """The largest relative error of the pullback against differences of the forward function at these arrays.

        Random cotangents and directions: <g, f(x + t u)>' at t = 0 is <pullback(g), u>.
        Raises NotDifferentiableError where the error is above `tolerance`.
        """
        rng = np.random.default_rng(seed)
        points = [np.asarray(a, np.float64) for a in arrays]
        y = np.asarray(self.forward(*points))
        worst = 0.0
        for _ in range(trials):
            g = rng.standard_normal(y.shape)
            shares = self._shares(g, y, points)
            for k, (point, share) in enumerate(zip(points, shares, strict=True)):
                worst = max(worst, self._error(points, k, point, g, share, rng.standard_normal(point.shape)))
        if worst > tolerance:
            raise NotDifferentiableError(f"the pullback of {self.name} is off by {worst:.1e} of its size")
        return worst

    def _error(self, points: list[Any], k: int, point: Any, g: Any, share: Any, direction: Any) -> float:
        def along(x: Any) -> Any:
            return np.sum(g * self.forward(*[x if i == k else p for i, p in enumerate(points)]))

        slope = float(directional(along, point, direction).value)
        claimed = float(np.sum(share * direction))
        return abs(slope - claimed) / max(1.0, abs(slope), float(np.linalg.norm(np.ravel(share))))


def gate(forward: Any, pullback: Function | None = None, *, name: str | None = None) -> OwnGate:
    """A gate of one's own: `forward(*arrays)` and `pullback(cotangent, output, *arrays)`, one cotangent per array.

    A subclass of `symgrad.Gate` serves too, whose instances cache in `forward` what `backward(cotangent)` needs;
    a new instance is made for every use.
    """
    if isinstance(forward, type) and issubclass(forward, GraphGate):
        if pullback is not None:
            raise DomainError("a gate class brings its own backward")
        return _CachingGate(name or forward.__name__.removesuffix("Gate"), forward)
    if not callable(forward) or not callable(pullback):
        raise DomainError("a gate is a forward function and a pullback", hint="gate(forward, pullback)")
    return OwnGate(name or str(getattr(forward, "__name__", "gate")), forward, pullback)


class _CachingGate(OwnGate):
    """A gate class for computational graphs, of which every pullback makes and runs a new instance."""

    def __init__(self, name: str, kind: type[GraphGate]):
        def pullback(g: Any, y: Any, *arrays: Any) -> Any:
            instance = kind()
            instance.forward(*arrays)
            return instance.backward(g)

        super().__init__(name, lambda *arrays: kind().forward(*arrays), pullback)
