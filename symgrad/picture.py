r"""The picture of a program: its computational graph as the lectures draw it, with numbers on the edges.

A program is executed gate by gate, as it was written (`symgrad.execution`), and the run is drawn
(`symgrad.drawing`): forward values above the edges, gradients below.  What clutters on paper is merged
here, for the eye only: a number that a gate adds or multiplies by stands inside the gate (`+1`, `*-1`,
`1/x`), and a transpose in front of a product joins it (`yᵀ *`).  No mathematics happens in this room.

>>> from symgrad.program import program
>>> svg = picture(program("q = x + y; f = q*z", "x, y, z: R"), {"x": -2, "y": 5, "z": -4})
>>> svg.startswith("<svg "), ">-12</text>" in svg
(True, True)
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from symgrad.drawing.svg import GraphEdge, GraphNode, draw
from symgrad.errors import UnknownNameError, did_you_mean
from symgrad.execution import computational_graph, execute
from symgrad.numeric.backprop import ComputationalGraph, Handle
from symgrad.numeric.gates import OperationGate
from symgrad.operations.record import Operation
from symgrad.program import Program

DETAILS = ("gates", "lines")

PLAIN_LIMIT = 1e5  # larger numbers are written with an exponent
NOISE = 1e-9  # smaller numbers count as zero


def picture(
    program: Program,
    values: Mapping[str, Any] | None,
    of: str | None = None,
    title: str = "",
    detail: str = "gates",
) -> str:
    """The SVG text of a program's computational graph.

    values  arrays by name; None draws the graph without numbers
    of      the name that is the output (the last one unless given); gradients are those of a scalar
            output, an array shows its forward values only
    detail  "gates": one gate per operator; "lines": one box per line of the program

    Raises UnknownNameError, ShapeError, DomainError, LimitError.
    """
    if detail not in DETAILS:
        raise UnknownNameError(f"there is no detail {detail!r}", hint=did_you_mean(detail, DETAILS))
    if of is not None:
        program.lookup(of)
    graph = _run(program, values, of)
    gates = _gates(graph) if detail == "gates" else _lines(graph, program)
    return _drawn(gates, _Numbers(graph, values is not None), graph.output, title)


def shows_gradients(program: Program, of: str | None = None) -> bool:
    """Whether the picture has gradients: the output is a scalar."""
    return program.lookup(of or program.output).is_scalar


def _run(program: Program, values: Mapping[str, Any] | None, of: str | None) -> ComputationalGraph:
    if values is None:
        return computational_graph(program, dict.fromkeys(program.scope.letters, 1), of)
    graph = execute(program, values, of)
    if shows_gradients(program, of):
        graph.backward()
    return graph


# --- what is drawn: gates, and which edges of the run stand behind each of theirs -----------------


class _Use(NamedTuple):
    """An edge into a gate: from which node, and the edges (target, slot) of the run that it stands for."""

    source: int
    edges: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class _Gate:
    handle: Handle
    label: str
    uses: tuple[_Use, ...]

    @property
    def name(self) -> str | None:
        return None if self.handle.name.startswith("#") else self.handle.name

    @property
    def record(self) -> Operation | None:
        return self.handle.gate.record if isinstance(self.handle.gate, OperationGate) else None

    @property
    def constant(self) -> bool:
        """Whether it is a fixed number, or an array of fixed entries such as ones(3)."""
        return self.handle.kind == "constant" or (self.handle.kind == "gate" and not self.uses)

    @property
    def number(self) -> bool:
        """Whether it is written as a number and can stand inside a gate."""
        return self.handle.kind == "constant"


def _gates(graph: ComputationalGraph) -> dict[int, _Gate]:
    """One gate per operator, with numbers and transposes merged into the gates that use them."""
    drawn: dict[int, _Gate] = {}
    handles = graph.nodes_topologically_sorted()
    inner = _inner(handles, graph.output)
    for handle in handles:
        uses = tuple(_Use(p, ((handle.index, slot),)) for slot, p in enumerate(handle.parents))
        gate = _Gate(handle, handle.label, uses)
        if gate.record is not None and uses:
            gate = _merged(gate, gate.record, drawn, inner)
        drawn[handle.index] = gate
    return drawn


def _inner(handles: list[Handle], output: Handle) -> set[int]:
    """The nodes that nobody would miss: without a name and used once."""
    uses = Counter(parent for handle in handles for parent in handle.parents)
    return {h.index for h in handles if h.name.startswith("#") and uses[h.index] == 1 and h is not output}


def _merged(gate: _Gate, record: Operation, drawn: dict[int, _Gate], inner: set[int]) -> _Gate:
    operands = [drawn[use.source] for use in gate.uses]
    if any(o.number for o in operands) and not all(o.number for o in operands):
        return _with_numbers(gate, record, operands, drawn)
    if record.name == "negate":
        return _negated(gate, operands[0], drawn, inner)
    if record.name == "multiply" and any(_is_transpose(o) and o.handle.index in inner for o in operands):
        return _with_transposes(gate, operands, drawn, inner)
    return replace(gate, label=_label(record))


def _label(record: Operation) -> str:
    """What stands in a gate: a Greek letter for a function that is written with one, ᵀ for a transpose."""
    letter = re.match(r"\\(sigma)\b", record.notation.latex or "")
    if letter is not None:
        return "\N{GREEK SMALL LETTER SIGMA}"
    return "·ᵀ" if record.notation.fixity == "postfix" else record.notation.text


def _with_numbers(gate: _Gate, record: Operation, operands: list[_Gate], drawn: dict[int, _Gate]) -> _Gate:
    """`+1`, `*2`, `1/x`, `max(0, x)`: the numbers stand in the gate."""
    uses = tuple(use for use, operand in zip(gate.uses, operands, strict=True) if not operand.number)
    for use, operand in zip(gate.uses, operands, strict=True):
        if operand.number:
            del drawn[use.source]
    texts = [o.label if o.number else "x" for o in operands]
    return replace(gate, label=_call_text(record, texts), uses=uses)


def _call_text(record: Operation, texts: list[str]) -> str:
    sign = record.notation.text.removeprefix(".")
    if record.notation.fixity == "call" or len(texts) != 2:
        return f"{record.notation.text}({', '.join(texts)})"
    if record.notation.fixity == "bracket":
        return f"[{texts[0]} {sign} {texts[1]}]"
    if texts[1] == "x" and sign in "+*":
        texts = [texts[1], texts[0]]
    return "".join([texts[0] if texts[0] != "x" else "", sign, texts[1]])


def _negated(gate: _Gate, operand: _Gate, drawn: dict[int, _Gate], inner: set[int]) -> _Gate:
    """`*-1`; the minus in front of a number times something joins that gate, so that -1*s is one gate."""
    if operand.number:
        return replace(gate, label="*-1")
    factor = re.fullmatch(r"\*(\d.*|\w)", operand.label)
    if factor is None or operand.handle.index not in inner:
        return replace(gate, label="*-1")
    del drawn[operand.handle.index]
    return replace(gate, label=f"*-{factor[1]}", uses=operand.uses)


def _is_transpose(gate: _Gate) -> bool:
    return gate.record is not None and gate.record.name == "transpose"


def _with_transposes(gate: _Gate, operands: list[_Gate], drawn: dict[int, _Gate], inner: set[int]) -> _Gate:
    """`yᵀ *`: the product of a transposed operand, which is told by its name where it has one."""
    uses, texts = [], []
    for use, operand in zip(gate.uses, operands, strict=True):
        if _is_transpose(operand) and operand.handle.index in inner:
            del drawn[operand.handle.index]
            uses.append(operand.uses[0])
            texts.append((drawn[operand.uses[0].source].name or "·") + "ᵀ")
        else:
            uses.append(use)
            texts.append("")
    return replace(gate, label=" * ".join(texts).strip(), uses=tuple(uses))


def _lines(graph: ComputationalGraph, program: Program) -> dict[int, _Gate]:
    """One box per line of the program, showing the line's expression."""
    raise NotImplementedError


# --- the numbers on the edges ---------------------------------------------------------------------


class _Numbers:
    """Values and gradients of a run as texts; all empty where there was none."""

    def __init__(self, graph: ComputationalGraph, ran: bool):
        self.graph = graph
        self.ran = ran
        self.swept = ran and not np.shape(graph.value(graph.output))
        scalars = [a for h in graph.nodes_topologically_sorted() for a in self._scalars(h)] if ran else []
        self.whole = all(_is_whole(a) for a in scalars)

    def _scalars(self, handle: Handle) -> list[Any]:
        if np.shape(self.graph.value(handle)):
            return []
        return [self.graph.value(handle), *([self.graph.gradient(handle)] if self.swept else [])]

    def value(self, index: int) -> str:
        return self._text(self.graph.value(self._node(index))) if self.ran else ""

    def gradient(self, index: int) -> str:
        return self._text(self.graph.gradient(self._node(index))) if self.swept else ""

    def edge(self, use: _Use) -> str:
        """The cotangent that comes back along a use."""
        if not self.swept:
            return ""
        parts = [self.graph.edge_gradient(self._node(target), slot) for target, slot in use.edges]
        shape = np.shape(self.graph.value(self._node(use.source)))
        return self._text(sum(np.reshape(part, shape) for part in parts))

    def _node(self, index: int) -> Handle:
        return self.graph.nodes_topologically_sorted()[0] if index < 0 else self.nodes[index]

    def _text(self, array: Any) -> str:
        """Two decimals; whole numbers stay whole in an array of such, or where every scalar is whole."""
        array = np.asarray(array)
        whole = _is_whole(array) if array.shape else self.whole
        rows = array.reshape(len(array), -1) if array.shape else array.reshape(1, 1)
        return "\n".join(" ".join(_number(float(entry), whole) for entry in row) for row in rows)
