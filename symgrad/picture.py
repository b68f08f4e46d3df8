r"""The picture of a program: its computational graph as the lectures draw it, with numbers on the edges.

A program is executed gate by gate, as it was written (`symgrad.execution`), and the run is drawn
(`symgrad.drawing`): forward values above the edges, gradients below.  What clutters on paper is merged
here, for the eye only: a number that a gate adds or multiplies by stands inside the gate (`+1`, `*-1`,
`1/x`), and a transpose in front of a product joins it (`yᵀ *`).  No mathematics happens in this room.

>>> from symgrad.programs import program
>>> svg = picture(program("q = x + y; f = q*z", "x, y, z: R"), {"x": -2, "y": 5, "z": -4})
>>> svg.startswith("<svg "), ">-12</text>" in svg
(True, True)
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from symgrad.drawing.svg import GraphEdge, GraphNode, Kind, draw
from symgrad.errors import LimitError, UnknownNameError, did_you_mean
from symgrad.execution import bound_sizes, computational_graph, execute
from symgrad.notation.text import text as tree_text
from symgrad.numeric.backprop import ComputationalGraph, Handle
from symgrad.numeric.gates import OperationGate
from symgrad.numeric.sample import ENTRY_LIMIT
from symgrad.operations.record import Operation
from symgrad.programs import RESULT, Program

DETAILS = ("gates", "lines")


def picture(
    program: Program, values: Mapping[str, Any] | None, of: str | None = None, title: str = "", detail: str = "gates"
) -> str:
    """The SVG text of a program's computational graph.

    values  arrays by name; None draws the graph without numbers
    of      the name that is the output (the last one unless given); a scalar output has gradients,
            an array shows the forward values only
    detail  "gates": one gate per operator; "lines": one box per line of the program

    Raises UnknownNameError, ShapeError, DomainError, LimitError.
    """
    if detail not in DETAILS:
        raise UnknownNameError(f"there is no detail {detail!r}", hint=did_you_mean(detail, DETAILS))
    graph = _run(program, values, of)
    gates = _gates(graph) if detail == "gates" else _boxes(graph, program)
    return _draw(gates, graph, _Numbers(graph, values is not None), title)


def shows_gradients(program: Program, of: str | None = None) -> bool:
    """Whether the picture can have gradients: the output is a scalar."""
    return program.lookup(of or program.output).is_scalar


def _run(program: Program, values: Mapping[str, Any] | None, of: str | None) -> ComputationalGraph:
    scalar = shows_gradients(program, of)
    if values is None:
        return computational_graph(program, dict.fromkeys(program.scope.letters, 1), of)
    _check_sizes(program, values, of)
    with np.errstate(all="ignore"):  # what is not finite is seen in the picture
        graph = execute(program, values, of)
        if scalar:
            graph.backward()
    return graph


def _check_sizes(program: Program, values: Mapping[str, Any], of: str | None) -> None:
    """Every dimension is known, and no eye or ones is larger than what a picture is worth."""
    sizes = bound_sizes(program, values)
    unknown = sorted(program.scope.letters - sizes.keys())
    if unknown:
        raise UnknownNameError(f"no array says how large {unknown[0]} is", hint="a number in its place")
    for handle in computational_graph(program, sizes, of).nodes_topologically_sorted():
        if isinstance(handle.gate, OperationGate) and handle.gate.sizes and not handle.gate.record.arrays:
            rows, columns = handle.gate.record.build(*handle.gate.sizes).shape
            if int(str(rows)) * int(str(columns)) > ENTRY_LIMIT:
                raise LimitError(f"{handle.label} of {rows} x {columns} entries is too large", hint="smaller sizes")


# --- what is drawn --------------------------------------------------------------------------------


class _Use(NamedTuple):
    """An arrow into a gate: from which node, and the edges (target, slot) of the run that it stands for."""

    source: int
    edges: tuple[tuple[Handle, int], ...]


@dataclass(frozen=True)
class _Gate:
    """A node of the picture; `number` says that it is written as a number and may stand inside a gate."""

    handle: Handle
    label: str
    uses: tuple[_Use, ...] = ()
    number: bool = False

    @property
    def name(self) -> str | None:
        return None if self.handle.name.startswith("#") else self.handle.name

    @property
    def record(self) -> Operation | None:
        return self.handle.gate.record if isinstance(self.handle.gate, OperationGate) else None


Gates = dict[int, _Gate]  # by the index of the node in the run


def _gates(graph: ComputationalGraph) -> Gates:
    """One gate per operator, with numbers and transposes merged into the gates that use them."""
    handles = graph.nodes_topologically_sorted()
    inner = _inner(handles, graph.output)
    drawn: Gates = {}
    for handle in handles:
        uses = tuple(_Use(p, ((handle, slot),)) for slot, p in enumerate(handle.parents))
        gate = _Gate(handle, handle.label, uses, handle.kind == "constant")
        drawn[handle.index] = gate if gate.record is None else _merged(gate, gate.record, drawn, inner)
    return _reachable(drawn, graph.output)


def _inner(handles: list[Handle], output: Handle) -> set[int]:
    """The nodes that nobody would miss: without a name and used once."""
    uses = Counter(parent for handle in handles for parent in handle.parents)
    return {h.index for h in handles if h.name.startswith("#") and uses[h.index] == 1 and h is not output}


def _reachable(gates: Gates, output: Handle) -> Gates:
    seen, stack = {output.index}, [output.index]
    while stack:
        for use in gates[stack.pop()].uses:
            if use.source not in seen:
                seen.add(use.source)
                stack.append(use.source)
    return {index: gate for index, gate in gates.items() if index in seen}


# --- merging --------------------------------------------------------------------------------------


def _merged(gate: _Gate, record: Operation, drawn: Gates, inner: set[int]) -> _Gate:
    operands = [drawn[use.source] for use in gate.uses]
    if any(operand.number for operand in operands):
        return _with_numbers(gate, record, operands, inner)
    if record.name == "negate":
        return _negated(gate, operands[0], inner)
    if record.name == "multiply" and any(_joins(operand, inner) for operand in operands):
        return _with_transposes(gate, operands, drawn, inner)
    return replace(gate, label=_label(record))


def _label(record: Operation) -> str:
    """What stands in a gate: the Greek letter of a function that is printed as one, ᵀ for a transpose."""
    if record.notation.fixity == "postfix":
        return "·ᵀ"
    letter = re.match(r"\\([a-z]+)", record.notation.latex or "")
    try:
        return unicodedata.lookup(f"GREEK SMALL LETTER {letter[1].upper()}") if letter else record.notation.text
    except KeyError:  # \exp, \det: no letter
        return record.notation.text


def _with_numbers(gate: _Gate, record: Operation, operands: list[_Gate], inner: set[int]) -> _Gate:
    """`+1`, `*2`, `1/x`, `max(0, x)`: the numbers stand in the gate; numbers only are one number."""
    uses = tuple(use for use, operand in zip(gate.uses, operands, strict=True) if not operand.number)
    if not uses and gate.handle.index not in inner:
        return replace(gate, label=_label(record))
    label = _in_words(record, [o.label if o.number else "" for o in operands])
    return replace(gate, label=label, uses=uses, number=not uses)


def _in_words(record: Operation, texts: list[str]) -> str:
    """An operation written out; an empty text is the input of the gate."""
    sign, fixity = record.notation.text, record.notation.fixity
    if fixity == "prefix":
        return f"{sign}{_closed(texts[0])}"
    if fixity == "postfix":
        return f"{_closed(texts[0])}ᵀ"
    if fixity in ("call", "square"):
        return f"{sign}({', '.join(t or 'x' for t in texts)})"
    if fixity == "bracket":
        return f"[{texts[0] or 'x'} {sign} {texts[1] or 'x'}]"
    sign = sign.removeprefix(".")
    left, right = texts
    if not right and sign in "+*":
        left, right = right, left
    return f"{_closed(left)}{sign}{_closed(right) or 'x'}"


def _closed(text: str) -> str:
    """A number with parentheses where it is written with operators."""
    return text if re.fullmatch(r"[\w.]*", text) else f"({text})"


def _negated(gate: _Gate, operand: _Gate, inner: set[int]) -> _Gate:
    """`*-1`; the minus in front of a number times something joins that gate: -2*s is one gate, `*-2`."""
    factor = re.fullmatch(r"\*([\w.]+)", operand.label)
    if factor is None or operand.handle.index not in inner:
        return replace(gate, label="*-1")
    return replace(gate, label=f"*-{factor[1]}", uses=operand.uses)


def _joins(operand: _Gate, inner: set[int]) -> bool:
    """Whether an operand is a transpose that may stand inside the product."""
    return operand.record is not None and operand.record.name == "transpose" and operand.handle.index in inner


def _with_transposes(gate: _Gate, operands: list[_Gate], drawn: Gates, inner: set[int]) -> _Gate:
    """`yᵀ *`: the product of a transposed operand, called by its name where it has one."""
    uses, texts = [], []
    for use, operand in zip(gate.uses, operands, strict=True):
        joins = _joins(operand, inner)
        uses.append(operand.uses[0] if joins else use)
        texts.append((drawn[operand.uses[0].source].name or "·") + "ᵀ" if joins else "")
    return replace(gate, label=" * ".join(texts).strip(), uses=tuple(uses))


# --- one box per line -----------------------------------------------------------------------------


def _boxes(graph: ComputationalGraph, program: Program) -> Gates:
    """One box per line, showing its expression; the arrows are the names that it reads."""
    lines = {line.name or RESULT: tree_text(line.value) for line in program.lines}
    handles = graph.nodes_topologically_sorted()
    everything = {h.index: h for h in handles}
    ends = {h.index for h in handles if h.kind == "input" or not h.name.startswith("#")} | {graph.output.index}
    boxes: Gates = {}
    for index in sorted(ends):
        handle = everything[index]
        written = lines.get(RESULT if handle.name.startswith("#") else handle.name, handle.label)
        boxes[index] = _Gate(handle, written, _read_by(handle, everything, ends))
    return boxes


def _read_by(handle: Handle, everything: Mapping[int, Handle], ends: set[int]) -> tuple[_Use, ...]:
    """What a line reads: the edges of the run by which earlier lines and inputs enter its gates."""
    entering: dict[int, list[tuple[Handle, int]]] = {}
    stack = [handle]
    while stack:
        target = stack.pop()
        for slot, parent in enumerate(target.parents):
            if parent in ends:
                entering.setdefault(parent, []).append((target, slot))
            else:
                stack.append(everything[parent])
    return tuple(_Use(source, tuple(edges)) for source, edges in sorted(entering.items()))


# --- numbers --------------------------------------------------------------------------------------


class _Numbers:
    """Values and gradients of a run as texts; empty where there are none."""

    def __init__(self, graph: ComputationalGraph, ran: bool):
        self.graph = graph
        self.ran = ran
        self.swept = ran and not np.shape(graph.value(graph.output))
        self.whole = all(_is_whole(number) for number in self._scalars())

    def _scalars(self) -> Iterable[Any]:
        """All scalars of the picture: they are written alike."""
        for handle in self.graph.nodes_topologically_sorted() if self.ran else []:
            if not np.shape(self.graph.value(handle)):
                yield self.graph.value(handle)
                if self.swept:
                    yield self.graph.gradient(handle)

    def value(self, handle: Handle) -> str:
        return self._text(self.graph.value(handle)) if self.ran else ""

    def gradient(self, handle: Handle) -> str:
        return self._text(self.graph.gradient(handle)) if self.swept else ""

    def along(self, use: _Use) -> str:
        """The cotangent that comes back along an arrow."""
        if not self.swept:
            return ""
        return self._text(sum(self.graph.edge_gradient(target, slot) for target, slot in use.edges))

    def _text(self, array: Any) -> str:
        """Two decimals; whole numbers stay whole in an array of such, or where every scalar is whole."""
        array = _corner(np.asarray(array))
        whole = _is_whole(array) if array.shape else self.whole
        rows = array.reshape(len(array), -1) if array.shape else array.reshape(1, 1)
        cells = [[_number(float(entry), whole) for entry in row] for row in rows]
        if array.shape and len(cells) == 1:
            return f"[{' '.join(_few(cells[0]))}]"
        return "\n".join(map(" ".join, cells))


def _few(row: list[str]) -> list[str]:
    """The entries of a row vector, dots in the place of too many."""
    return row if len(row) <= ROW else [*row[: ROW - 2], "…", row[-1]]


ROW = 5  # entries of a row vector
SHOWN = 9  # rows and columns handed to the drawing, which puts dots for what is between the first and the last
PLAIN = 1e5  # larger numbers are written with an exponent
NOISE = 1e-9  # smaller ones count as zero


def _corner(array: np.ndarray) -> np.ndarray:
    """The first rows and columns of a large array, and the last."""
    for axis, size in enumerate(array.shape):
        if size > SHOWN:
            array = np.take(array, [*range(SHOWN - 1), size - 1], axis)
    return array


def _is_whole(array: Any) -> bool:
    return bool(np.all(np.abs(array) < PLAIN) and np.all(np.round(array) == array))


def _number(number: float, whole: bool) -> str:
    if abs(number) < NOISE:
        return "0" if whole else "0.00"
    if not NOISE < abs(number) < PLAIN:  # large, infinite or not a number
        return f"{number:.2g}"
    if abs(number) < 0.005:
        return f"{number:.0e}"
    return f"{number:.0f}" if whole else f"{number:.2f}"


# --- the drawing ----------------------------------------------------------------------------------


def _draw(gates: Gates, graph: ComputationalGraph, numbers: _Numbers, title: str) -> str:
    """A value that branches shows its sum before the branching, and each branch its own part."""
    uses = Counter(use.source for gate in gates.values() for use in gate.uses)
    nodes, edges = [], []
    for index, gate in gates.items():
        alone = uses[index] == 1
        value, gradient = ("", "") if alone else (numbers.value(gate.handle), numbers.gradient(gate.handle))
        kind = _kind(gate, graph.output)
        nodes.append(GraphNode(str(index), gate.label, kind, gate.name, value, gradient))
        for slot, use in enumerate(gate.uses):
            carried = numbers.value(gates[use.source].handle) if uses[use.source] == 1 else ""
            back = "" if _is_fixed(gates[use.source]) else numbers.along(use)
            edges.append(GraphEdge(str(use.source), str(index), slot, carried, back))
    return draw(nodes, edges, title)


def _kind(gate: _Gate, output: Handle) -> Kind:
    if gate.handle is output and gate.handle.kind == "gate":
        return "output"
    return "constant" if _is_fixed(gate) else gate.handle.kind


def _is_fixed(gate: _Gate) -> bool:
    """Whether it is a number or an array of fixed entries, such as ones(3): nobody asks for its gradient."""
    return gate.handle.kind == "constant" or (gate.handle.kind == "gate" and not gate.uses)
