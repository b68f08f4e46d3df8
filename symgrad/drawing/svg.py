"""The picture of a computational graph, as the lectures draw it.

Gates are circles or rounded boxes; on each edge the forward value stands above (green) and the
gradient below (red); matrices stand in brackets.  A value that several gates use branches.  Plain
texts come in, SVG text goes out; this room knows nothing of expressions, shapes or arrays.  Widths
of text are estimated generously, so that nothing touches whatever font the reader has.

>>> x = GraphNode("1", "x", "input", "x")
>>> f = GraphNode("2", "exp", "output", "f", value="2.72", gradient="1.00")
>>> picture = draw([x, f], [GraphEdge("1", "2", 0, "1.00", "2.72")], title="f = exp(x)")
>>> picture.startswith("<svg "), ">2.72</text>" in picture
(True, True)
"""

from __future__ import annotations

import math
import re
import textwrap
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape
from itertools import accumulate
from typing import Literal, TypeVar, get_args
from zlib import crc32

from symgrad.drawing.layered import Box, Layout, Link, Route, Spot, bound, place
from symgrad.errors import DomainError, UnknownNameError, did_you_mean

Kind = Literal["input", "constant", "gate", "output"]
Role = Literal["title", "label", "input", "constant", "name", "value", "gradient"]
Form = Literal["words", "circle", "box", "fork", "end"]


@dataclass(frozen=True)
class GraphNode:
    """A gate, or a value that enters the graph.

    `label` is what stands in the gate, `name` what the program calls the value.  `value` and
    `gradient` stand on the edge leaving an output or an unused value, and before the branching
    of a value with several uses; where a value has one use, the edge to it says the same.
    """

    id: str
    label: str
    kind: Kind
    name: str | None = None
    value: str = ""
    gradient: str = ""


@dataclass(frozen=True)
class GraphEdge:
    """The use of a value by a gate, as its input number `slot`; texts may have several lines."""

    source: str
    target: str
    slot: int
    value: str = ""
    gradient: str = ""


@dataclass(frozen=True)
class Words:
    """A piece of text in its place: a row of cells per line, and the box that it needs."""

    role: Role
    cells: tuple[tuple[str, ...], ...]
    left: float
    top: float
    width: float
    height: float
    bracketed: bool = False

    def at(self, left: float, top: float) -> Words:
        return replace(self, left=left, top=top)


@dataclass(frozen=True)
class Shape:
    """A node, or an added branching or end of an output: its size, its texts, and its place."""

    form: Form
    box: Box
    width: float  # of the outline; a name above it may be wider
    words: tuple[Words, ...]  # in the middle, then above
    caption: str = ""
    x: float = 0.0
    y: float = 0.0
    span: tuple[float, float] = (0.0, 0.0)  # the ends of its column

    def placed(self, spot: Spot, span: tuple[float, float]) -> Shape:
        """In its column: inputs stand to the right, branchings and ends to the left."""
        right, left = span[1] - self.width / 2, span[0] + self.width / 2
        x = {"words": right, "fork": left, "end": left}.get(self.form, spot.x)
        middles = (spot.y, spot.y - self.box.above + NAME_HEIGHT / 2)
        pairs = zip(self.words, middles, strict=False)
        texts = tuple(text.at(x - text.width / 2, y - text.height / 2) for text, y in pairs)
        return replace(self, words=texts, x=x, y=spot.y, span=span)

    def side(self, direction: int, dy: float = 0.0) -> float:
        """Where the outline is met from the left (-1) or right (1), `dy` below the middle."""
        reach = math.sqrt(RADIUS**2 - dy**2) if self.form == "circle" else self.width / 2
        return self.x + direction * reach


@dataclass(frozen=True)
class Figure:
    """A drawing with everything in its place, before it is written as SVG."""

    words: tuple[Words, ...]
    shapes: tuple[Shape, ...]
    wires: tuple[str, ...]  # path data
    tips: tuple[tuple[float, float], ...]  # points of the arrows
    view: tuple[float, float, float, float]  # left, top, width, height


def draw(nodes: Sequence[GraphNode], edges: Sequence[GraphEdge], title: str = "") -> str:
    """The graph as the text of an SVG document.

    Raises: DomainError (no node, a repeated id, a cycle, a node of unknown kind),
    UnknownNameError (an edge to no node), LimitError (too large to look at).
    """
    return _document(arrange(nodes, edges, title), title, _description(nodes, edges))


# ---- text and its size

STYLES: dict[Role, tuple[float, str, str]] = {  # size, colour, the rest
    "title": (16, "#1f2937", ' font-weight="600"'),
    "label": (15, "#1f2937", ""),
    "input": (15, "#1f2937", ' font-weight="600"'),
    "constant": (14, "#475569", ""),
    "name": (13, "#1d4ed8", ' font-style="italic"'),
    "value": (12, "#15803d", ""),
    "gradient": (12, "#c81e1e", ""),
}
SIZES = {role: size for role, (size, _, _) in STYLES.items()}
MATRIX_SIZE = 11.0
LEADING, BOLD = 1.25, 1.12  # height of a line in sizes of the font; how much wider bold letters are
CELL_GAP, BRACKET = 8.0, 7.0  # between the columns of a matrix; for each of its brackets
LONGEST, TALLEST = 36, 8  # characters of a line, rows and columns of a matrix; beyond that "…" stands
SPOKEN = 400  # characters of a text in the description


def measure(text: str, size: float) -> float:
    """An upper estimate of the width of one line in the usual sans-serif fonts."""
    return round(size * sum(_em(c) for c in text), 2)


def _em(c: str) -> float:
    category = unicodedata.category(c)
    if category in ("Mn", "Me", "Cf"):
        return 0.0
    if unicodedata.east_asian_width(c) in "WF":
        return 1.1
    if c in "iljftrI.,:;'|!()[]/- ":
        return 0.43
    if c in "mwMWO@%…—":
        return 1.0
    return {"Nd": 0.65, "No": 0.45, "Lm": 0.45, "Ll": 0.66, "Lu": 0.78}.get(category, 0.86)


def words(role: Role, text: str) -> Words:
    """The text laid out, at no place yet: several lines are a matrix or column in brackets."""
    lines = [line for line in map(_printable, text.splitlines()) if line.strip()]
    if role in ("name", "input"):
        lines = [" ".join(lines)]
    if len(lines) <= 1:
        line = _clip(lines[0].strip()) if lines else ""
        width = measure(line, SIZES[role] * (BOLD if role == "input" else 1))
        return Words(role, ((line,),), 0, 0, width, SIZES[role] * LEADING)
    cells = _matrix(lines)
    width = sum(_column_widths(cells)) + CELL_GAP * (len(cells[0]) - 1) + 2 * BRACKET
    return Words(role, cells, 0, 0, width, len(cells) * MATRIX_SIZE * LEADING + 4, bracketed=True)


def _matrix(lines: list[str]) -> tuple[tuple[str, ...], ...]:
    """The entries row by row; lines that don't divide into equally many entries stay whole."""
    rows = [re.sub(r"[\[\],;]+(?=\s|$)|^[\[\s]+", " ", line).split() for line in lines]
    if len({len(row) for row in rows}) > 1 or not rows[0]:
        rows = [[line.strip()] for line in lines]
    rows = [_elide([_clip(cell) for cell in row], "…") for row in rows]
    return tuple(tuple(row) for row in _elide(rows, ["⋮"] * len(rows[0])))


T = TypeVar("T")


def _elide(items: list[T], dots: T) -> list[T]:
    return items if len(items) <= TALLEST else [*items[: TALLEST - 2], dots, items[-1]]


def _clip(text: str, most: int = LONGEST) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _printable(text: str) -> str:
    """Characters that XML can't carry are shown as the replacement character."""
    return "".join(c if unicodedata.category(c) not in ("Cc", "Cs", "Cn") else "\ufffd" for c in text.expandtabs())


def _column_widths(cells: tuple[tuple[str, ...], ...]) -> list[float]:
    return [max(measure(cell, MATRIX_SIZE) for cell in column) for column in zip(*cells, strict=True)]


# ---- the shapes to be placed: nodes, branchings and ends of outputs

RADIUS = 18.0
NAME_HEIGHT = SIZES["name"] * LEADING
ROOM = 4.0  # between a text and the line or outline next to it


@dataclass(frozen=True)
class _Wire:
    source: int
    target: int
    value: Words | None
    gradient: Words | None

    @property
    def box(self) -> Box:
        width = max((k.width for k in (self.value, self.gradient) if k), default=-2 * ROOM) + 2 * ROOM
        above = self.value.height + ROOM if self.value else 0.0
        below = self.gradient.height + ROOM if self.gradient else 0.0
        return Box(width, above, below)


def _node_shape(node: GraphNode) -> Shape:
    shown = node.label or node.name or ""
    if node.kind not in get_args(Kind):
        raise DomainError(f"node {node.id!r} is of unknown kind {node.kind!r}", hint=" or ".join(get_args(Kind)))
    if node.kind == "input":
        return _plain(words("input", node.name or node.label))
    if node.kind == "constant":
        return _plain(words("constant", shown))
    return _gate(shown, node.name if node.kind == "gate" and node.name != shown else None)


def _plain(text: Words) -> Shape:
    width = text.width + 2 * ROOM
    return Shape("words", Box(width, text.height / 2, text.height / 2), width, (text,))


def _gate(label: str, name: str | None) -> Shape:
    inside = words("label", label)
    round_ = not inside.bracketed and inside.width <= 2 * RADIUS - 8
    width = 2 * RADIUS if round_ else inside.width + 20
    half = RADIUS if round_ else max(RADIUS - 2, inside.height / 2 + ROOM)
    above = words("name", name) if name else None
    box = Box(max(width, above.width if above else 0), half + (NAME_HEIGHT + 2 if above else 0), half)
    caption = f"{name} = {label}" if name else label
    return Shape("circle" if round_ else "box", box, width, (inside, above) if above else (inside,), caption)


def _wire(source: int, target: int, texts: GraphNode | GraphEdge) -> _Wire:
    value = words("value", texts.value) if texts.value.strip() else None
    gradient = words("gradient", texts.gradient) if texts.gradient.strip() else None
    return _Wire(source, target, value, gradient)


def _plan(nodes: Sequence[GraphNode], edges: Sequence[GraphEdge]) -> tuple[list[Shape], list[_Wire]]:
    """The graph to be placed: the nodes, then the added branchings and ends of outputs."""
    number = _numbers(nodes, edges)
    shapes, wires = [_node_shape(node) for node in nodes], []
    uses = Counter(edge.source for edge in edges)
    starts = dict(number)
    for node in nodes:
        texts = bool(node.value.strip() or node.gradient.strip())
        if node.kind == "output" or (texts and not uses[node.id]):
            wires.append(_wire(number[node.id], len(shapes), node))
            shapes.append(_end(node))
        elif texts and uses[node.id] > 1:
            starts[node.id] = len(shapes)
            wires.append(_wire(number[node.id], len(shapes), node))
            shapes.append(Shape("fork", Box(6, 3, 3), 6, ()))
    ordered = sorted(edges, key=lambda edge: edge.slot)
    return shapes, wires + [_wire(starts[edge.source], number[edge.target], edge) for edge in ordered]


def _end(node: GraphNode) -> Shape:
    if node.kind == "output" and node.name:
        return replace(_plain(words("input", node.name)), form="end")
    return Shape("end", Box(0, 0, 0), 0, ())


def _numbers(nodes: Sequence[GraphNode], edges: Sequence[GraphEdge]) -> dict[str, int]:
    """The number of each node, after a look at the data."""
    if not nodes:
        raise DomainError("a graph without nodes cannot be drawn", hint="give at least one node")
    bound(len(nodes), len(edges))
    number = {node.id: k for k, node in enumerate(nodes)}
    if len(number) < len(nodes):
        twice = next(node.id for k, node in enumerate(nodes) if number[node.id] != k)
        raise DomainError(f"two nodes have the id {twice!r}", hint="give each node an id of its own")
    for end in (end for edge in edges for end in (edge.source, edge.target)):
        if end not in number:
            raise UnknownNameError(f"an edge ends at an unknown node {end!r}", hint=did_you_mean(end, number))
    return number


# ---- everything in its place

MARGIN = 16.0
TIP = 7.0  # length of an arrow's point
NARROWEST = 260.0  # a title is not broken into lines shorter than this


def arrange(nodes: Sequence[GraphNode], edges: Sequence[GraphEdge], title: str = "") -> Figure:
    """The figure: every text, outline and line with its place."""
    shapes, wires = _plan(nodes, edges)
    layout = place([shape.box for shape in shapes], [Link(k.source, k.target, k.box) for k in wires])
    placed = list(map(Shape.placed, shapes, layout.spots, layout.spans))
    laid = list(zip(wires, layout.routes, strict=True))
    heading = _heading(title, layout)
    top = min([-MARGIN, *(line.top - MARGIN for line in heading)])
    width = max([layout.width, *(line.width for line in heading)]) + 2 * MARGIN
    paths, tips = _lines(placed, laid)
    return Figure(
        words=(*heading, *(k for p in placed for k in p.words), *(k for pair in laid for k in _wire_texts(*pair))),
        shapes=tuple(placed),
        wires=tuple(paths),
        tips=tuple(tips),
        view=((layout.width - width) / 2, top, width, layout.height + MARGIN - top),
    )


def _heading(title: str, layout: Layout) -> list[Words]:
    """The lines of the title, above the graph: at negative heights."""
    size, height = SIZES["title"], SIZES["title"] * LEADING
    lines = textwrap.wrap(_printable(" ".join(title.split())), int(max(layout.width, NARROWEST) / (0.66 * size)))
    shown = [Words("title", ((line,),), 0, 0, measure(line, BOLD * size), height) for line in lines]
    return [k.at((layout.width - k.width) / 2, (n - len(lines)) * height - MARGIN) for n, k in enumerate(shown)]


def _wire_texts(wire: _Wire, route: Route) -> list[Words]:
    """The value above and the gradient below the edge, one above the other's middle."""
    x, y = route.label.x, route.label.y
    value = [wire.value.at(x - wire.value.width / 2, y - ROOM - wire.value.height)] if wire.value else []
    return value + ([wire.gradient.at(x - wire.gradient.width / 2, y + ROOM)] if wire.gradient else [])


def _lines(placed: Sequence[Shape], wires: list[tuple[_Wire, Route]]) -> tuple[list[str], list[tuple[float, float]]]:
    """The paths and the points of their arrows, each gate's inputs spread in the order of their arrival."""
    arriving: dict[int, list[int]] = {}
    for k in sorted(range(len(wires)), key=lambda k: wires[k][1].runs[-1].y):
        arriving.setdefault(wires[k][0].target, []).append(k)
    paths, tips = [], list[tuple[float, float]]()
    for k, (wire, route) in enumerate(wires):
        target, others = placed[wire.target], arriving[wire.target]
        dy = 1.9 * target.box.below * ((others.index(k) + 0.5) / len(others) - 0.5)
        x, y = target.side(-1, dy), target.y + dy
        pointed = target.form != "fork"
        paths.append(_path(placed[wire.source], route, target.span[0], (x - pointed * TIP / 2, y)))
        tips += [(x, y)] * pointed
    return paths, tips


def _path(source: Shape, route: Route, column: float, end: tuple[float, float]) -> str:
    """Level across the columns, a smooth bend between them: so no line meets a foreign text."""
    x, y = source.side(1), source.y
    parts = [f"M{_n(x)} {_n(y)}"]
    x = source.span[1]
    stops = [(run.left, run.right, run.y) for run in route.runs]
    for left, right, height in [*stops, (min(column, end[0] - TIP / 2), *end)]:
        parts.append(f"H{_n(x)}")
        if abs(height - y) > 0.05:
            middle = _n((x + left) / 2)
            parts.append(f"C{middle} {_n(y)} {middle} {_n(height)} {_n(left)} {_n(height)}")
        x, y = right, height
    return "".join([*parts, f"H{_n(x)}"])


def _n(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")


# ---- SVG

FONTS = "'Segoe UI', 'Helvetica Neue', Arial, 'Noto Sans', 'DejaVu Sans', Vazirmatn, 'Noto Naskh Arabic', sans-serif"
PAPER, LINE, GATE = "#ffffff", "#64748b", "#eaf1fb"


def _document(figure: Figure, title: str, description: str) -> str:
    view = " ".join(map(_n, figure.view))
    stamp = f"{crc32((title + description).encode(errors='replace')):08x}"  # several pictures may share a page
    corner = f'x="{_n(figure.view[0])}" y="{_n(figure.view[1])}"'
    size = f'width="{_n(figure.view[2])}" height="{_n(figure.view[3])}"'
    about = f'role="img" aria-labelledby="title-{stamp} desc-{stamp}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} viewBox="{view}" {about} font-family="{FONTS}">',
        f'<title id="title-{stamp}">{_xml(title or "Computational graph")}</title>',
        f'<desc id="desc-{stamp}">{_xml(description)}</desc>',
        f'<rect {corner} {size} rx="6" fill="{PAPER}"/>',
        f'<g fill="none" stroke="{LINE}" stroke-width="1.4">',
        *(f'<path d="{path}"/>' for path in figure.wires),
        f'</g><g fill="{LINE}">',
        *(f'<path d="M{_n(x)} {_n(y)}l{-TIP} -3.5v7z"/>' for x, y in figure.tips),
        *(f'<circle cx="{_n(p.x)}" cy="{_n(p.y)}" r="3"/>' for p in figure.shapes if p.form == "fork"),
        f'</g><g fill="{GATE}" stroke="#33507a" stroke-width="1.4">',
        *(_outline(p) for p in figure.shapes if p.form in ("circle", "box")),
        "</g>",
    ]
    for role in STYLES:
        lines += _group(role, [k for k in figure.words if k.role == role])
    return "\n".join([*lines, "</svg>", ""])


def _outline(gate: Shape) -> str:
    half, width = gate.box.below, gate.width
    caption = f"<title>{_xml(gate.caption)}</title>"
    if gate.form == "circle":
        return f'<circle cx="{_n(gate.x)}" cy="{_n(gate.y)}" r="{_n(half)}">{caption}</circle>'
    corner = f'x="{_n(gate.x - width / 2)}" y="{_n(gate.y - half)}"'
    return f'<rect {corner} width="{_n(width)}" height="{_n(2 * half)}" rx="10">{caption}</rect>'


def _group(role: Role, texts: list[Words]) -> list[str]:
    """All texts of a role: first what is cleared behind them, then brackets and characters."""
    if not texts:
        return []
    halo = [] if role == "label" else [_clearing(k) for k in texts]
    marks = [_brackets(k) for k in texts if k.bracketed]
    size, colour, rest = STYLES[role]
    start = f'<g font-size="{_n(size)}" text-anchor="middle" fill="{colour}"{rest}>'
    return [*halo, start, *marks, *(line for k in texts for line in _texts(k)), "</g>"]


def _clearing(text: Words) -> str:
    place = f'x="{_n(text.left)}" y="{_n(text.top)}" width="{_n(text.width)}" height="{_n(text.height)}"'
    return f'<rect {place} rx="3" fill="{PAPER}" fill-opacity="0.9"/>'


def _brackets(text: Words) -> str:
    top, height = _n(text.top + 1), _n(text.height - 2)
    left, right = _n(text.left + 5), _n(text.left + text.width - 5)
    path = f"M{left} {top}h-3.5v{height}h3.5M{right} {top}h3.5v{height}h-3.5"
    return f'<path d="{path}" fill="none" stroke="{STYLES[text.role][1]}"/>'


def _texts(text: Words) -> list[str]:
    if not text.bracketed:
        baseline = text.top + text.height / 2 + 0.35 * SIZES[text.role]
        return [f'<text x="{_n(text.left + text.width / 2)}" y="{_n(baseline)}">{_xml(text.cells[0][0])}</text>']
    widths = _column_widths(text.cells)
    ends = [text.left + BRACKET + end + CELL_GAP * k for k, end in enumerate(accumulate(widths))]
    place = f'font-size="{_n(MATRIX_SIZE)}" text-anchor="end"'
    lines = []
    for k, row in enumerate(text.cells):
        y = _n(text.top + 2 + MATRIX_SIZE * (LEADING * (k + 0.5) + 0.35))
        lines += [f'<text x="{_n(x)}" y="{y}" {place}>{_xml(c)}</text>' for x, c in zip(ends, row, strict=True)]
    return lines


def _xml(text: str) -> str:
    return escape(_printable("; ".join(text.splitlines())))


def _description(nodes: Sequence[GraphNode], edges: Sequence[GraphEdge]) -> str:
    """The picture in words, edge by edge."""
    called = {node.id: f"{node.name} ({node.label})" if node.name else node.label for node in nodes}
    called |= {node.id: node.label or node.name or "" for node in nodes if node.name == node.label or not node.label}
    parts = ["Computational graph from left to right; forward values above the edges, gradients below."]
    parts += [f"{called[edge.source]} to {called[edge.target]}{_said(edge)}." for edge in edges]
    parts += [f"{called[node.id]}{_said(node)}." for node in nodes if node.value or node.gradient]
    return " ".join(parts)


def _said(texts: GraphNode | GraphEdge) -> str:
    pairs = (("value", texts.value), ("gradient", texts.gradient))
    said = ", ".join(f"{word} {_clip(text, SPOKEN)}" for word, text in pairs if text)
    return said and f": {said}"
