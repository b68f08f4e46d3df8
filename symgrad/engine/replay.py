"""Recording: a scalar function and its gradient run once, then replayed as straight-line NumPy.

The function runs on stand-ins, so that every NumPy call of the forward run and of the sweep back is noted; what the
results need is written as a Python function with buffers that are allocated once.  It is recorded again for
arguments of other shapes or types, and refused where its way depends on the numbers in an array.

>>> step = record(lambda w, x: np.sum(np.tanh(x @ w)), np.zeros(2), np.ones((3, 2)))
>>> step(np.array([0.0, 0.0]), np.ones((3, 2)))
(np.float64(0.0), array([3., 3.]))
"""

from __future__ import annotations

import linecache
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

import numpy as np

from symgrad.engine.nested import put_together, taken_apart
from symgrad.engine.tape import StandIn, Tape
from symgrad.engine.variable import constant
from symgrad.engine.verbs import value_and_grad
from symgrad.engine.writing import Writer
from symgrad.errors import DomainError

MOST_RECORDINGS = 16
_numbers = count(1)
Function = Callable[..., Any]


class Replay:
    """A recorded step: call it like the function; it answers (value, gradient) as `value_and_grad` does.

    `source` is the NumPy that runs.  Results share no memory with each other or with the next call's.  Several
    threads may call it at once.
    """

    def __init__(self, function: Function, wrt: int | Sequence[int]):
        self.function, self.wrt = function, wrt
        self._both = value_and_grad(function, wrt)
        self._known: dict[Any, tuple[Function, str]] = {}
        self._first: Function = self._again
        self._count = -1
        self.source = ""

    def __call__(self, *arguments: Any) -> tuple[Any, Any]:
        if len(arguments) != self._count:
            return self._again(*arguments)
        return self._first(*arguments)  # type: ignore[no-any-return]

    def _again(self, *arguments: Any) -> tuple[Any, Any]:
        """The step for arguments that the first recording does not fit."""
        leaves: list[Any] = []
        forms = [taken_apart(a, leaves) for a in arguments]
        leaves = [_leaf(x) for x in leaves]
        key = (*forms, *map(_signature, leaves))
        if key not in self._known:
            if len(self._known) >= MOST_RECORDINGS:
                self._known.pop(next(iter(self._known)))
            self._known[key] = self._record(forms, leaves)
            if len(self._known) == 1:
                self._first, self.source = self._known[key]
                self._count = len(arguments)
        rebuilt = iter(leaves)
        return self._known[key][0](*[put_together(f, rebuilt) for f in forms])  # type: ignore[no-any-return]

    def _record(self, forms: list[Any], leaves: list[Any]) -> tuple[Function, str]:
        tape, stand_ins, outputs, answer = self._run(forms, leaves)
        other, _, _, _ = self._run(forms, leaves)
        _check_same(tape, other)
        writer = Writer(tape, stand_ins, outputs)
        text = writer.text(forms, answer)
        return _function(text, writer, self._again), text

    def _run(self, forms: list[Any], leaves: list[Any]) -> tuple[Tape, list[Any], list[Any], Any]:
        """The tape of one run, what stood for the leaves, and the outputs with their form."""
        tape = Tape()
        stand_ins = [tape.stand_in(x) if _is_number(x) else x for x in leaves]
        given = iter(stand_ins)
        result = self._both(*[put_together(f, given) for f in forms])
        outputs: list[Any] = []
        answer = taken_apart(result, outputs)
        return tape, stand_ins, outputs, answer


def record(function: Function, *examples: Any, wrt: int | Sequence[int] = 0) -> Replay:
    """A compiled step: the value and gradient of a scalar function of arrays, recorded for arguments like these.

    Whole numbers, truth values and texts among the arguments are part of the recording; arrays and floats are not.
    Arrays that the function takes from outside are constants of the recording: what changes must be an argument.
    Raises NotDifferentiableError where the way through the function depends on the numbers in an array, and
    DomainError where a second run differs from the first.
    """
    replay = Replay(function, wrt)
    if examples:
        replay(*examples)
    return replay


# --- arguments --------------------------------------------------------------------------------


def _leaf(x: Any) -> Any:
    """An argument as a recording takes it: a plain array of a usual type, a number, or what is no data at all."""
    if x is None or x.__class__ in (int, bool, str, float) or isinstance(x, np.generic):
        return x
    array = np.asarray(constant(x))
    usual = array.astype(array.dtype.type) if array.dtype is not np.dtype(array.dtype.type) else array
    return usual if usual.ndim else usual[()]


def _is_number(x: Any) -> bool:
    return isinstance(x, np.ndarray | np.generic | float)


def _signature(x: Any) -> Any:
    return (x.__class__, x.shape, x.dtype.str) if isinstance(x, np.ndarray) else x.__class__ if _is_number(x) else x


# --- recordings -------------------------------------------------------------------------------


def _function(text: str, writer: Writer, again: Function) -> Function:
    layouts = writer.storage.layouts
    free: list[tuple[Any, ...]] = []  # a thread that runs takes a set of buffers, or makes one

    def fresh() -> tuple[Any, ...]:
        buffers = [np.empty_like(a) for a in layouts]
        return (*buffers, *(b.view(np.int8) for b in buffers if b.dtype == np.bool_))

    file = f"<recording {next(_numbers)}>"
    namespace = {**writer.bound, "again": again, "free": free, "fresh": fresh}
    exec(compile(text, file, "exec"), namespace)  # text made of a tape alone, see `writing`
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    function: Function = namespace["replay"]
    return function


def _check_same(one: Tape, other: Tape) -> None:
    """Two runs that differ depend on something that is no argument."""
    same = len(one.calls) == len(other.calls) and all(
        _alike(a.operands, b.operands) and _alike(tuple(a.keywords.values()), tuple(b.keywords.values()))
        for a, b in zip(one.calls, other.calls, strict=True)
    )
    if not same:
        message = "the function did not do the same twice, so it cannot be recorded"
        raise DomainError(message, hint="random numbers and whatever else changes must be arguments")


def _alike(a: Any, b: Any) -> bool:
    if a.__class__ is not b.__class__:
        return False
    if isinstance(a, StandIn):
        return bool(a.place == b.place)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(_alike, a, b))
    if isinstance(a, np.ndarray | np.generic):
        return a.shape == b.shape and bool(np.array_equal(a, b, equal_nan=a.dtype.kind == "f"))
    return a.__class__ not in (int, float, bool, str) or bool(a == b)
