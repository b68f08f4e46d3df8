"""The tape: every NumPy call of a run, noted in order by arrays that stand in for the arguments.

A `StandIn` carries the example array and its place on the tape.  Operators, ufuncs and NumPy's functions compute on
the example and are noted; what would make the rest of the run depend on the example's numbers (`if`, `float`,
`np.asarray`) is an error, because a replay would take the same way for other numbers.

>>> tape = Tape()
>>> x = tape.stand_in(np.array([1.0, 2.0]))
>>> y = np.exp(x) * 2
>>> [call.function.__name__ for call in tape.calls], y.shape
(['exp', 'multiply'], (2,))
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from symgrad.engine.variable import Variable
from symgrad.errors import DomainError, NotDifferentiableError


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """One noted call: a function, or the name of a method of its first operand; `results` are its stand-ins."""

    function: Any
    operands: tuple[Any, ...]
    keywords: dict[str, Any]
    results: tuple[StandIn, ...]
    several: bool


class Tape:
    """The calls of one run."""

    __slots__ = ("calls", "count")

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.count = 0

    def stand_in(self, array: Any) -> StandIn:
        """What stands for an array from here on."""
        self.count += 1
        return StandIn(array, self, self.count - 1)

    def note(self, function: Any, operands: tuple[Any, ...], keywords: dict[str, Any] | None = None) -> Any:
        """Compute on the examples, note the call, answer what stands for the result."""
        named = keywords or {}
        plain = [example(o) for o in operands]
        if isinstance(function, str):
            found = getattr(plain[0], function)(*plain[1:], **named)
        else:
            found = function(*plain, **{k: example(v) for k, v in named.items()})
        several = isinstance(found, tuple)
        results = tuple([self.stand_in(a) for a in (found if several else (found,))])
        self.calls.append(Call(function, operands, named, results, several))
        return results if several else results[0]


def example(operand: Any) -> Any:
    """The operand with example arrays in place of what stands for them."""
    if operand.__class__ is StandIn:
        return operand.array
    if operand.__class__ in (list, tuple):
        return operand.__class__([example(o) for o in operand])
    return operand


_STATIC = frozenset({np.shape, np.ndim, np.size, np.result_type})  # the same for every replay


def _operator(ufunc: Any, swapped: bool = False) -> Callable[[StandIn, Any], Any]:
    def noted(self: StandIn, other: Any) -> Any:
        if other.__class__ is Variable:
            return NotImplemented
        return self.tape.note(ufunc, (other, self) if swapped else (self, other))

    return noted


def _method(name: str) -> Callable[..., Any]:
    def noted(self: StandIn, *operands: Any, **keywords: Any) -> Any:
        return self.tape.note(name, (self, *operands), keywords)

    return noted


class StandIn:
    """An array of a recorded run: it has a shape and a type, but its numbers are only an example."""

    __slots__ = ("array", "place", "tape")

    def __init__(self, array: Any, tape: Tape, place: int):
        self.array, self.tape, self.place = array, tape, place

    def _symgrad_note(self, function: Any, operands: tuple[Any, ...]) -> Any:
        return self.tape.note(function, operands)

    @property
    def shape(self) -> tuple[int, ...]:
        return np.shape(self.array)

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.asarray(self.array).dtype if self.array.__class__ in (float, int, bool) else self.array.dtype

    @property
    def ndim(self) -> int:
        return np.ndim(self.array)

    @property
    def size(self) -> int:
        return np.size(self.array)

    @property
    def T(self) -> Any:
        return self.tape.note("transpose", (self,))

    def __len__(self) -> int:
        return len(self.array)

    def __repr__(self) -> str:
        return f"<array of shape {self.shape} in a recording>"

    def __getitem__(self, index: Any) -> Any:
        return self.tape.note(operator.getitem, (self, index))

    def __iter__(self) -> Any:
        return (self[i] for i in range(len(self)))

    __add__, __radd__ = _operator(np.add), _operator(np.add, True)
    __sub__, __rsub__ = _operator(np.subtract), _operator(np.subtract, True)
    __mul__, __rmul__ = _operator(np.multiply), _operator(np.multiply, True)
    __truediv__, __rtruediv__ = _operator(np.true_divide), _operator(np.true_divide, True)
    __floordiv__, __mod__ = _operator(np.floor_divide), _operator(np.remainder)
    __pow__, __rpow__ = _operator(np.power), _operator(np.power, True)
    __matmul__, __rmatmul__ = _operator(np.matmul), _operator(np.matmul, True)
    __and__, __or__, __xor__ = _operator(np.bitwise_and), _operator(np.bitwise_or), _operator(np.bitwise_xor)
    __gt__, __ge__, __lt__, __le__ = map(_operator, (np.greater, np.greater_equal, np.less, np.less_equal))
    __eq__, __ne__ = _operator(np.equal), _operator(np.not_equal)  # type: ignore[assignment]
    __hash__ = object.__hash__

    def __neg__(self) -> Any:
        return self.tape.note(np.negative, (self,))

    def __invert__(self) -> Any:
        return self.tape.note(np.invert, (self,))

    def __abs__(self) -> Any:
        return self.tape.note(np.absolute, (self,))

    reshape, transpose, dot, astype = map(_method, ("reshape", "transpose", "dot", "astype"))
    sum, mean, max, min = map(_method, ("sum", "mean", "max", "min"))
    argmax, argmin, diagonal, ravel, copy = map(_method, ("argmax", "argmin", "diagonal", "ravel", "copy"))

    def view(self, dtype: Any) -> StandIn:
        """A mask as bytes is the mask: what is written out multiplies masks as bytes anyway."""
        if self.dtype != np.bool_ or dtype is not np.int8:
            self._refuse()
        return self

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **keywords: Any) -> Any:
        if any(u.__class__ is Variable for u in inputs):
            return NotImplemented
        if keywords.get("out") is not None:
            raise DomainError(f"np.{ufunc.__name__} would write into an array of a recording", hint="a new array")
        return self.tape.note(ufunc if method == "__call__" else getattr(ufunc, method), inputs, keywords)

    def __array_function__(self, function: Any, types: Any, arguments: Any, keywords: Any) -> Any:
        if Variable in types:
            return NotImplemented
        if function in _STATIC:
            return function(*map(example, arguments), **keywords)
        return self.tape.note(function, arguments, keywords)

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise NotDifferentiableError(
            "this step depends on the numbers in an array, so a replay could not follow it",
            hint="np.where instead of if, or value_and_grad, which runs anew every time",
        )

    __bool__ = __float__ = __int__ = __index__ = __complex__ = __array__ = __setitem__ = item = tolist = _refuse
