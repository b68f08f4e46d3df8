"""Where the results of a recorded run live: in place of an operand that is used up, in a buffer, or in new memory.

A result that leaves the function gets new memory at every call; a ufunc whose operand is read for the last time
writes over it; everything else gets a buffer that is allocated once and shared by results that are never alive
together.  Views live where their operand does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from symgrad.engine.tape import Call, StandIn, example

Shape = tuple[Any, ...]


def stand_ins(operand: Any) -> list[StandIn]:
    """The stand-ins in an operand, also in lists and tuples."""
    if operand.__class__ is StandIn:
        return [operand]
    if operand.__class__ in (list, tuple):
        return [s for part in operand for s in stand_ins(part)]
    return []


def read_by(call: Call) -> list[StandIn]:
    """The stand-ins that a call reads."""
    return [s for part in (*call.operands, *call.keywords.values()) for s in stand_ins(part)]


def needed(calls: Sequence[Call], outputs: Sequence[Any]) -> list[Call]:
    """The calls that the outputs depend on."""
    wanted = {s.place for s in outputs if s.__class__ is StandIn}
    kept = []
    for call in reversed(calls):
        if any(r.place in wanted for r in call.results):
            kept.append(call)
            wanted.update(s.place for s in read_by(call))
    return kept[::-1]


def can_write(call: Call) -> bool:
    """Whether a call can be told where to write its result."""
    array = call.results[0].array
    if call.several or not isinstance(array, np.ndarray) or not array.ndim or array.base is not None:
        return False
    if isinstance(call.function, np.ufunc):
        return not call.keywords and not any(o.__class__ in (list, tuple) for o in call.operands)
    return is_dot(call) and array.flags.c_contiguous and {example(o).dtype for o in call.operands} == {array.dtype}


def is_dot(call: Call) -> bool:
    """Whether a call is a product of two arrays."""
    arrays = all(o.__class__ in (StandIn, np.ndarray) for o in call.operands)
    return (call.function is np.dot or call.function == "dot") and arrays and len(call.operands) == 2


class Storage:
    """The places of all results of a run.

    root    for each result, the result in whose memory it lies (itself, or what it is a view of)
    over    the results that are written over an operand, and which one
    buffer  the number of the buffer of each result that is written into one
    """

    def __init__(self, calls: Sequence[Call], inputs: Sequence[StandIn], outputs: Sequence[Any]):
        self.calls = calls
        self.root: dict[int, int] = {s.place: s.place for s in inputs}
        self.over: dict[int, StandIn] = {}
        self.buffer: dict[int, int] = {}
        self.layouts: list[np.ndarray[Any, Any]] = []
        self._own = self._views()
        self._last = self._last_reads(outputs)
        self._leaving = {self.root[s.place] for s in outputs if s.__class__ is StandIn and s.place in self.root}
        self._place()

    def _views(self) -> set[int]:
        """Roots of all results; answers those that have memory of their own."""
        own = set()
        for call in self.calls:
            for result in call.results:
                base = next((s for s in read_by(call) if _shared(result.array, s.array)), None)
                self.root[result.place] = result.place if base is None else self.root[base.place]
                if base is None:
                    own.add(result.place)
        return own

    def _last_reads(self, outputs: Sequence[Any]) -> dict[int, int]:
        """For each root the last call that reads it or a view of it."""
        last: dict[int, int] = {}
        for at, call in enumerate(self.calls):
            for s in read_by(call):
                last[self.root.get(s.place, s.place)] = at
        for s in outputs:
            if s.__class__ is StandIn:
                last[self.root.get(s.place, s.place)] = len(self.calls)
        return last

    def _place(self) -> None:
        """Chains of results in one place, from the front; then a buffer for each chain that does not leave."""
        chains: dict[int, list[tuple[int, int]]] = {}  # first result -> (call, result) written there
        head: dict[int, int] = {}
        for at, call in enumerate(self.calls):
            result = call.results[0]
            if not can_write(call) or result.place not in self._own:
                continue
            operand = self._used_up(at, call, head)
            head[result.place] = result.place if operand is None else head[operand.place]
            chains.setdefault(head[result.place], []).append((at, result.place))
            if operand is not None:
                self.over[result.place] = operand
        self._share_buffers(chains)

    def _used_up(self, at: int, call: Call, head: dict[int, int]) -> StandIn | None:
        """An operand that this ufunc may write over: its like, in our own memory, read here for the last time."""
        if not isinstance(call.function, np.ufunc):
            return None
        made = call.results[0].array
        for s in read_by(call):
            alike = s.place in head and s.array.shape == made.shape and s.array.dtype == made.dtype
            if alike and s.array.strides == made.strides and self._last[s.place] == at:
                return s
        return None

    def _share_buffers(self, chains: dict[int, list[tuple[int, int]]]) -> None:
        free: dict[Shape, list[tuple[int, int]]] = {}  # layout -> (from which call on, buffer)
        arrays = {r.place: r.array for call in self.calls for r in call.results}
        for first, chain in sorted(chains.items(), key=lambda item: item[1][0][0]):
            if any(place in self._leaving for _, place in chain):
                continue
            array, start = arrays[first], chain[0][0]
            end = max(self._last.get(place, at) for at, place in chain)
            waiting = free.setdefault((array.shape, array.dtype, array.strides), [])
            found = next((entry for entry in waiting if entry[0] <= start), None)
            if found is None:
                self.layouts.append(array)
                found = (start, len(self.layouts) - 1)
            else:
                waiting.remove(found)
            waiting.append((end + 1, found[1]))
            self.buffer[first] = found[1]

    def leaves_safely(self, s: StandIn) -> bool:
        """Whether a result can leave as it is: in memory of its own that is new at every call."""
        return s.place in self._own


def _shared(a: Any, b: Any) -> bool:
    return isinstance(a, np.ndarray) and isinstance(b, np.ndarray) and np.may_share_memory(a, b)
