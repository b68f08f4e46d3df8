"""A recorded run as straight-line NumPy: one line for each call, buffers by name, a guard at the top.

What is written here comes from a tape alone: names are made here, numbers and axes are literals, everything else
(arrays, functions, slices of data) is bound to a name, so no text of a user is ever run.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from symgrad.engine.nested import LEAF
from symgrad.engine.storage import Storage, can_write, is_dot, needed
from symgrad.engine.tape import Call, StandIn, Tape

INFIX: dict[Any, str] = {np.add: "+", np.subtract: "-", np.multiply: "*", np.true_divide: "/"}


class Writer:
    """The text of a replay, and what its names are bound to."""

    def __init__(self, tape: Tape, leaves: Sequence[Any], outputs: Sequence[Any]):
        self.bound: dict[str, Any] = {"ndarray": np.ndarray}
        self.leaves, self.outputs = leaves, outputs
        self.arguments: list[str] = []
        self.calls = needed(tape.calls, outputs)
        self.storage = Storage(self.calls, [s for s in leaves if s.__class__ is StandIn], outputs)
        self._kept: list[Any] = []
        self._names: dict[int, str] = {id(self.bound["ndarray"]): "ndarray"}
        self._inputs = {s.place: f"x{k}" for k, s in enumerate(leaves) if s.__class__ is StandIn}

    # --- the whole ---

    def text(self, arguments: Sequence[Any], answer: Any) -> str:
        """A function of as many arguments as there are forms; it answers a nest of outputs of the form `answer`."""
        names = self.arguments = [f"a{k}" for k in range(len(arguments))]
        counter = iter(range(len(self.leaves)))
        opened: list[str] = []
        for name, form in zip(names, arguments, strict=True):
            opened += self._open(name, form, counter)
        body = [self._line(call) for call in self.calls]
        result = self._answer(answer, iter([self._leaving(k, s) for k, s in enumerate(self.outputs)]))
        lines = [f"def replay({', '.join(names)}):", *opened, *self._guard(names)]
        if self.storage.layouts:
            lines += ["held = free.pop() if free else fresh()", f"{', '.join(self.buffers())}, = held", *body]
            lines += [f"result = {result}", "free.append(held)", "return result"]
        else:
            lines += [*body, f"return {result}"]
        return "\n    ".join(lines) + "\n"

    def buffers(self) -> list[str]:
        """The names of the buffers, masks also as bytes, in the order of `Storage.fresh`."""
        layouts = self.storage.layouts
        masks = [f"m{k}" for k, a in enumerate(layouts) if a.dtype == np.bool_]
        return [*(f"b{k}" for k in range(len(layouts))), *masks]

    def _open(self, name: str, form: Any, counter: Iterator[int]) -> list[str]:
        """Lines that name the arrays of one argument x0, x1, ...; a nest of another form is a miss."""
        if form is LEAF:
            return [f"x{next(counter)} = {name}"]
        kind, keys, forms = form
        miss = f"return again({', '.join(self.arguments)})"
        lines = [f"if {name}.__class__ is not {self.name(kind)} or len({name}) != {len(forms)}: {miss}"]
        if keys is not None:
            lines.append(f"if tuple({name}) != {self.name(keys)}: {miss}")
        for k, part in enumerate(forms):
            inner = f"{name}_{k}"
            source = f"{name}[{self.name(keys[k])}]" if keys is not None else f"{name}[{k}]"
            if part is LEAF:
                lines.append(f"x{next(counter)} = {source}")
            else:
                lines += [f"{inner} = {source}", *self._open(inner, part, counter)]
        return lines

    def _guard(self, names: Sequence[str]) -> list[str]:
        tests = []
        for k, leaf in enumerate(self.leaves):
            if leaf.__class__ is not StandIn:
                tests.append(f"x{k}.__class__ is not {self.name(leaf.__class__)} or x{k} != {self.literal(leaf)}")
            elif isinstance(leaf.array, np.ndarray):
                shape, dtype = self.literal(leaf.shape), self.name(leaf.dtype)
                tests.append(f"x{k}.__class__ is not ndarray or x{k}.shape != {shape} or x{k}.dtype is not {dtype}")
            else:
                tests.append(f"x{k}.__class__ is not {self.name(leaf.array.__class__)}")
        return [f"if ({' or '.join(tests)}): return again({', '.join(names)})"] if tests else []

    # --- one call ---

    def _line(self, call: Call) -> str:
        results = "".join(f"{self.value(r)}, " for r in call.results) if call.several else self.value(call.results[0])
        out = self._out(call)
        if out is not None and not call.several:
            return f"{results} = {self._into(call, out)}"
        return f"{results.strip()} = {self._plain(call)}"

    def _out(self, call: Call) -> str | None:
        place = call.results[0].place
        if not can_write(call):
            return None
        if place in self.storage.over:
            return self.value(self.storage.over[place])
        buffer = self.storage.buffer.get(place)
        return None if buffer is None else f"b{buffer}"

    def _into(self, call: Call, out: str) -> str:
        if is_dot(call):
            return f"{self.value(call.operands[0])}.dot({self.value(call.operands[1])}, {out})"
        told = "out=" if call.function in (np.maximum, np.minimum) else ""
        operands = ", ".join(self._mask(call, o) for o in call.operands)
        return f"{self.name(call.function)}({operands}, {told}{out})"

    def _mask(self, call: Call, operand: Any) -> str:
        """An operand; a buffer of booleans is multiplied as the bytes 0 and 1 it is, three times faster."""
        buffer = self.storage.buffer.get(operand.place) if operand.__class__ is StandIn else None
        if buffer is None or call.function is not np.multiply or operand.dtype != np.bool_:
            return self.value(operand)
        return f"m{buffer}"

    def _plain(self, call: Call) -> str:
        operands = [self._mask(call, o) for o in call.operands]
        if is_dot(call):
            return f"{operands[0]}.dot({operands[1]})"
        if call.function is operator.getitem:
            return f"{operands[0]}[{operands[1]}]"
        if call.function in INFIX and len(operands) == 2 and not call.keywords:
            return f"{operands[0]} {INFIX[call.function]} {operands[1]}"
        named = [f"{k}={self.value(v)}" for k, v in call.keywords.items()]
        if isinstance(call.function, str):
            return f"{operands[0]}.{call.function}({', '.join([*operands[1:], *named])})"
        return f"{self.name(call.function)}({', '.join([*operands, *named])})"

    # --- names and literals ---

    def value(self, operand: Any) -> str:
        """How an operand is written."""
        if operand.__class__ is StandIn:
            return self._inputs.get(operand.place) or f"t{operand.place}"
        if operand.__class__ in (list, tuple) and _has_stand_in(operand):
            inner = ", ".join(self.value(o) for o in operand)
            return f"[{inner}]" if operand.__class__ is list else f"({inner},)"
        return self.literal(operand)

    def literal(self, constant: Any) -> str:
        """Whole numbers, None, truth values and tuples of them as they are; everything else by a name."""
        if constant.__class__ in (int, bool, type(None)):
            return repr(constant)
        if constant.__class__ is tuple and all(c.__class__ in (int, bool, type(None)) for c in constant):
            return repr(constant)
        return self.name(constant)

    def name(self, thing: Any) -> str:
        """A name bound to a thing, the same for the same thing."""
        found = self._names.get(id(thing))
        if found is None:
            said = getattr(thing, "__name__", "")
            plain = said if isinstance(thing, np.ufunc) and said.isidentifier() else f"c{len(self._kept)}"
            found = self._names[id(thing)] = plain
            self.bound[found] = thing.copy() if thing.__class__ is np.ndarray else thing
            self._kept.append(thing)  # alive, so that its identity stays its own
        return found

    # --- the answer ---

    def _leaving(self, k: int, s: Any) -> str:
        """An output in memory that nobody else has."""
        if s.__class__ is not StandIn:
            return f"{self.name(s)}.copy()" if isinstance(s, np.ndarray) else self.literal(s)
        if not isinstance(s.array, np.ndarray):
            return self.value(s)
        twice = any(s is other for other in self.outputs[:k])
        alone = s.array.base is None and self.storage.leaves_safely(s) and not twice
        return self.value(s) if alone else f"{self.value(s)}.copy()"

    def _answer(self, form: Any, outputs: Iterator[str]) -> str:
        if form is LEAF:
            return next(outputs)
        kind, keys, forms = form
        parts = [self._answer(f, outputs) for f in forms]
        if keys is not None:
            return "{" + ", ".join(f"{self.name(k)}: {p}" for k, p in zip(keys, parts, strict=True)) + "}"
        if kind is list:
            return f"[{', '.join(parts)}]"
        inner = "".join(f"{p}, " for p in parts)
        return f"({inner})" if kind is tuple else f"{self.name(kind)}({inner})"


def _has_stand_in(operand: Any) -> bool:
    if operand.__class__ in (list, tuple):
        return any(_has_stand_in(o) for o in operand)
    return operand.__class__ is StandIn
