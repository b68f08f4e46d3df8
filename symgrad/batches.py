"""Many independent pieces of work on any executor of `concurrent.futures`, a cluster's included.

Items go out in chunks, a bounded number of chunks at a time, and results come back in order as they are asked for,
so that neither items nor results ever have to fit into memory together.  What fails is attributed to its item and
costs no other.  Of an executor only `submit` is used, of its futures only `result`, so that a process pool, dask's
`client.get_executor()` and a class of one's own all serve.  A `Derivative` travels as its text.

>>> from symgrad.derivation import derivative
>>> D = derivative("x'*x", "x", where="x: R^n")
>>> [g.tolist() for g in map_batches(D, ({"x": [float(k), 1.0]} for k in range(3)))]
[[0.0, 2.0], [2.0, 2.0], [4.0, 2.0]]
>>> list(map_batches(lambda x: 6 // x, [3, 0, 1], errors="return"))
[2, <item 1 failed: ZeroDivisionError: integer division or modulo by zero>, 6]
"""

from __future__ import annotations

import pickle
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from itertools import islice
from typing import Any

from symgrad.derivation import Derivative
from symgrad.errors import DomainError, SymgradError, UnknownNameError, did_you_mean

CHUNK = 64  # items that travel together
AHEAD = 16  # chunks on their way at a time
REMEMBERED = 8  # pieces of work that a worker keeps ready
ERRORS = ("raise", "return")
WHAT = ("function", "tensor", "values")


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong with one item.  It is false, so that results can be told from failures."""

    index: int
    kind: str
    message: str

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return f"<item {self.index} failed: {self.kind}: {self.message}>"


class ItemError(SymgradError, RuntimeError):
    """An item failed; `failure` says which one and how."""

    def __init__(self, failure: Failure):
        super().__init__(
            f"item {failure.index} failed: {failure.kind}: {failure.message}",
            hint='errors="return" goes on and gives failures in place of results',
        )
        self.failure = failure


@dataclass(frozen=True, slots=True)
class _Evaluation:
    """A derivative at arrays by name."""

    derivative: Derivative
    what: str

    def __call__(self, item: Any) -> Any:
        found = self.derivative
        run = {"tensor": found.tensor, "values": found.values}.get(self.what) or found.function()
        return run(**item)


def map_batches(
    work: Derivative | Callable[[Any], Any],
    items: Iterable[Any],
    *,
    executor: Executor | Any = None,
    chunk: int = CHUNK,
    ahead: int = AHEAD,
    errors: str = "raise",
    what: str = "function",
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[Any]:
    """The results for all items, in their order; nothing runs before the first one is asked for.

    work      a Derivative, whose items are arrays by name, or a function of one item
    executor  anything with `submit`; without one the work is done here
    chunk     items that travel together;  ahead  chunks on their way at a time
    errors    raise: ItemError at the first item that fails; return: a Failure in the place of its result
    what      of a Derivative: function (the array in its layout), tensor, or values (with the value)
    progress  called with the numbers of items done and failed after each chunk

    Raises DomainError, UnknownNameError for options that make no sense.
    """
    _check(chunk, ahead, errors, what)
    done = _Evaluation(work, what) if isinstance(work, Derivative) else work
    return _results(_sent(done), items, executor or _Here(), chunk, ahead, errors, progress)


def _check(chunk: int, ahead: int, errors: str, what: str) -> None:
    for name, number in (("chunk", chunk), ("ahead", ahead)):
        if number < 1:
            raise DomainError(f"{name} is {number}, but at least 1 is needed")
    for word, known in ((errors, ERRORS), (what, WHAT)):
        if word not in known:
            raise UnknownNameError(f"there is no {word!r} here", hint=did_you_mean(word, known))


def _results(
    work: Any,
    items: Iterable[Any],
    executor: Any,
    chunk: int,
    ahead: int,
    errors: str,
    progress: Callable[[int, int], None] | None,
) -> Iterator[Any]:
    waiting: deque[tuple[int, list[Any], Any]] = deque()
    source, sent, done, failed = iter(items), 0, 0, 0
    try:
        while True:
            while len(waiting) < ahead and (taken := list(islice(source, chunk))):
                waiting.append((sent, taken, _submitted(executor, work, taken)))
                sent += len(taken)
            if not waiting:
                return
            start, taken, future = waiting.popleft()
            found = _of_chunk(executor, work, start, taken, future)
            done, failed = done + len(found), failed + sum(isinstance(f, Failure) for f in found)
            if progress is not None:
                progress(done, failed)
            for result in found:
                if isinstance(result, Failure) and errors == "raise":
                    raise ItemError(result)
                yield result
    finally:
        for _, _, future in waiting:
            getattr(future, "cancel", lambda: None)()


def _submitted(executor: Any, work: Any, taken: Sequence[Any]) -> Any:
    """The future of a chunk; where the executor refuses it, one that says so."""
    try:
        return executor.submit(_run_chunk, work, list(taken))
    except Exception as error:  # a pool that is shut down or broken, an item that cannot travel
        return _Known(error)


def _of_chunk(executor: Any, work: Any, start: int, taken: Sequence[Any], future: Any) -> list[Any]:
    """The results of a chunk.  One that fails as a whole is tried again item by item, to find which one it was."""
    try:
        pairs = future.result()
    except Exception as error:
        if len(taken) == 1:
            return [_failure(start, error)]
        singles = [
            _of_chunk(executor, work, start + i, [x], _submitted(executor, work, [x])) for i, x in enumerate(taken)
        ]
        return [result for single in singles for result in single]
    return [value if ok else Failure(start + i, *value) for i, (ok, value) in enumerate(pairs)]


def _failure(index: int, error: BaseException) -> Failure:
    return Failure(index, type(error).__name__, getattr(error, "message", None) or str(error))


# --- in the worker ----------------------------------------------------------------------------

_ready: OrderedDict[bytes, Any] = OrderedDict()


def _sent(work: Any) -> Any:
    """The work as bytes, which a worker unpacks once; as it is where that cannot be, as for lambdas in threads."""
    try:
        return pickle.dumps(work)
    except Exception:
        return work


def _run_chunk(work: Any, items: Sequence[Any]) -> list[tuple[bool, Any]]:
    """(True, result) or (False, (kind, message)) of each item."""
    done = _unpacked(work) if isinstance(work, bytes) else work
    found: list[tuple[bool, Any]] = []
    for item in items:
        try:
            found.append((True, done(item)))
        except Exception as error:  # of this item alone
            failure = _failure(0, error)
            found.append((False, (failure.kind, failure.message)))
    return found


def _unpacked(packed: bytes) -> Any:
    if packed not in _ready:
        _ready[packed] = pickle.loads(packed)
        while len(_ready) > REMEMBERED:
            _ready.popitem(last=False)
    return _ready[packed]


class _Known:
    """A future that has failed already."""

    def __init__(self, error: Exception):
        self.error = error

    def result(self) -> Any:
        raise self.error


class _Here:
    """No executor: a chunk is done when it is asked for."""

    @staticmethod
    def submit(function: Callable[..., Any], *given: Any) -> Any:
        return _Later(function, given)


@dataclass(frozen=True, slots=True)
class _Later:
    function: Callable[..., Any]
    given: tuple[Any, ...]

    def result(self) -> Any:
        return self.function(*self.given)
