"""Where to put the boxes of a graph that is read from left to right.

A small layered (Sugiyama) layout: longest-path layers pulled together, a stand-in for every
column that an edge crosses, barycentre sweeps against crossings, and heights by least squares
under minimum distances.  Each edge's label has a column to itself between two layers, so no
label can touch a box, another label or a foreign edge.  Written here, not taken from a graph
library, to keep the tool light.  It knows sizes and numbers only: no text, SVG or mathematics.

>>> dot, word = Box(10, 5, 5), Box(30, 12, 12)
>>> layout = place([dot, dot, dot], [Link(0, 2, word), Link(1, 2, word)])
>>> [spot.x for spot in layout.spots], [spot.y for spot in layout.spots]
([5.0, 5.0, 81.0], [12.0, 46.0, 29.0])
"""

from __future__ import annotations

import math
from bisect import bisect_right, insort
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from symgrad.errors import DomainError, LimitError, UnknownNameError

NODES, LINKS, ITEMS = 400, 1600, 20_000  # what is still worth looking at, and drawn in a few seconds
SWEEPS = 24  # barycentre sweeps; the best order seen is kept
ROUNDS = 40  # sweeps of the heights, half of them looking one way only
STRAIGHTENINGS = 3  # rounds of taking bends out
SEPARATION = 10.0  # free height between two neighbours of a column
STIFF = 8.0  # how much straighter a piece of edge is that nothing branches from
NARROW, WIDE = 18.0, 64.0  # free width between two columns


@dataclass(frozen=True)
class Box:
    """A size: the width, and how far it reaches above and below the line of its edges."""

    width: float
    above: float
    below: float


@dataclass(frozen=True)
class Link:
    """An edge between two boxes, given by their numbers, with the size of its label."""

    source: int
    target: int
    label: Box


@dataclass(frozen=True)
class Spot:
    """A box put in its place: `x` is its middle, `y` the height at which edges meet it."""

    x: float
    y: float
    box: Box


@dataclass(frozen=True)
class Run:
    """A level piece of an edge, across one column."""

    left: float
    right: float
    y: float


@dataclass(frozen=True)
class Route:
    """An edge in its place: its label and the columns it crosses, from left to right."""

    label: Spot
    runs: tuple[Run, ...]


@dataclass(frozen=True)
class Layout:
    """Everything in its place; `spans` are the left and right ends of each box's column."""

    layers: tuple[int, ...]
    spots: tuple[Spot, ...]
    spans: tuple[tuple[float, float], ...]
    routes: tuple[Route, ...]
    width: float
    height: float


@dataclass
class _Grid:
    """The columns with all their items: boxes first, then a stand-in per edge and column."""

    boxes: list[Box]
    column: list[int]
    before: list[list[int]]
    after: list[list[int]]
    chains: list[list[int]] = field(default_factory=list)
    columns: list[list[int]] = field(default_factory=list)

    def add(self, box: Box, column: int) -> int:
        self.boxes.append(box)
        self.column.append(column)
        self.before.append([])
        self.after.append([])
        return len(self.boxes) - 1

    def join(self, left: int, right: int) -> None:
        self.after[left].append(right)
        self.before[right].append(left)


def place(boxes: Sequence[Box], links: Sequence[Link]) -> Layout:
    """The layout of a graph without cycles; the same input gives the same layout.

    Of several links into one box, the earlier is put higher where nothing speaks against it.

    Raises: LimitError for a graph too large to look at, DomainError for a cycle,
    UnknownNameError for a link to a box that does not exist.
    """
    for end in (end for link in links for end in (link.source, link.target)):
        if not 0 <= end < len(boxes):
            raise UnknownNameError(f"an edge ends at node {end}, but the nodes are 0 to {len(boxes) - 1}")
    levels = layers(len(boxes), [(link.source, link.target) for link in links])
    grid = _grid(boxes, links, levels)
    _order(grid)
    heights = _heights(grid)
    return _layout(grid, links, levels, heights)


def bound(nodes: int, links: int) -> None:
    """Raises LimitError for a graph too large to look at."""
    if nodes > NODES or links > LINKS:
        raise LimitError(
            f"a graph of {nodes} nodes and {links} edges is too large to draw: at most {NODES} nodes and {LINKS} edges",
            hint="draw a part of the program, or use larger gates",
        )


# ---- layers


def layers(count: int, links: Sequence[tuple[int, int]]) -> list[int]:
    """The layer of each node: every link goes at least one layer to the right.

    Nodes stand as close to their first use as they can (longest path from the far end); those
    with more inputs than uses then go back towards their inputs, since that is less ink.
    """
    before, after = _neighbours(count, links)
    order = _sorted(before, after)
    level = [0] * count
    for node in order:
        level[node] = max((level[k] + 1 for k in before[node]), default=0)
    for node in reversed(order):
        level[node] = min((level[k] - 1 for k in after[node]), default=level[node])
    for node in order:
        if len(before[node]) > len(after[node]):
            level[node] = max(level[k] for k in before[node]) + 1
    return level


def _neighbours(count: int, links: Iterable[tuple[int, int]]) -> tuple[list[list[int]], list[list[int]]]:
    before: list[list[int]] = [[] for _ in range(count)]
    after: list[list[int]] = [[] for _ in range(count)]
    for source, target in links:
        before[target].append(source)
        after[source].append(target)
    return before, after


def _sorted(before: list[list[int]], after: list[list[int]]) -> list[int]:
    """The nodes in topological order."""
    missing = [len(k) for k in before]
    order = [node for node, count in enumerate(missing) if count == 0]
    for node in order:  # grows while we walk it
        for target in after[node]:
            missing[target] -= 1
            if missing[target] == 0:
                order.append(target)
    if len(order) < len(before):
        node = next(k for k, count in enumerate(missing) if count > 0)
        raise DomainError(f"the graph has a cycle: node number {node} (from 0) waits for itself")
    return order


# ---- columns: even ones hold the layers, odd ones the labels between them


def _grid(boxes: Sequence[Box], links: Sequence[Link], levels: Sequence[int]) -> _Grid:
    grid = _Grid([], [], [], [])
    for box, level in zip(boxes, levels, strict=True):
        grid.add(box, 2 * level)
    total = len(boxes) + sum(2 * (levels[k.target] - levels[k.source]) - 1 for k in links)
    if total > ITEMS:
        hint = "draw a part of the program"
        raise LimitError(f"the edges are too long to draw: {total} pieces, at most {ITEMS}", hint=hint)
    for link in links:
        _chain(grid, link, 2 * levels[link.source] + 1, 2 * levels[link.target])
    grid.columns = [[] for _ in range(max(grid.column, default=-1) + 1)]
    for item in _reading_order(grid):
        grid.columns[grid.column[item]].append(item)
    return grid


def _chain(grid: _Grid, link: Link, first: int, end: int) -> None:
    chain = [grid.add(link.label if k == first else Box(0, 0, 0), k) for k in range(first, end)]
    for left, right in zip([link.source, *chain], [*chain, link.target], strict=True):
        grid.join(left, right)
    grid.chains.append(chain)


def _reading_order(grid: _Grid) -> list[int]:
    """Depth first from the far end, inputs in their order: this alone draws a tree without crossings."""
    seen: dict[int, None] = {}
    stack = [k for k in reversed(range(len(grid.boxes))) if not grid.after[k]]
    while stack:
        item = stack.pop()
        if item not in seen:
            seen[item] = None
            stack += reversed(grid.before[item])
    return list(seen)


# ---- the order within each column


def _order(grid: _Grid) -> None:
    best, fewest = [list(k) for k in grid.columns], _crossings(grid)
    for sweep in range(SWEEPS):
        if fewest == 0:
            break
        _sweep(grid, rightward=sweep % 2 == 1)
        found = _crossings(grid)
        if found < fewest:
            best, fewest = [list(k) for k in grid.columns], found
    grid.columns = best


def _sweep(grid: _Grid, rightward: bool) -> None:
    numbers = range(1, len(grid.columns)) if rightward else range(len(grid.columns) - 2, -1, -1)
    near = grid.before if rightward else grid.after
    for number in numbers:
        fixed = grid.columns[number - 1 if rightward else number + 1]
        rank = {item: k for k, item in enumerate(fixed)}
        grid.columns[number] = _by_barycentre(grid.columns[number], near, rank)


def _by_barycentre(items: list[int], near: list[list[int]], rank: dict[int, int]) -> list[int]:
    """Sorted by the mean rank of their neighbours; items without neighbours keep their place."""
    moving = [k for k in items if near[k]]
    mean = {k: sum(rank[n] for n in near[k]) / len(near[k]) for k in moving}
    replacement = iter(sorted(moving, key=mean.__getitem__))  # stable: ties keep their order
    return [next(replacement) if k in mean else k for k in items]


def _crossings(grid: _Grid) -> int:
    return sum(_between(grid, left, right) for left, right in pairwise(grid.columns))


def _between(grid: _Grid, left: list[int], right: list[int]) -> int:
    rank = {item: k for k, item in enumerate(right)}
    found, seen = 0, list[int]()
    for item in left:
        ends = [rank[k] for k in grid.after[item]]
        found += sum(len(seen) - bisect_right(seen, end) for end in ends)
        for end in ends:
            insort(seen, end)
    return found


# ---- heights


def _heights(grid: _Grid) -> list[float]:
    """Sweeps of least squares: each item near the weighted mean of its neighbours, none too close."""
    y = [0.0] * len(grid.boxes)
    for column in grid.columns:
        _settle(grid, column, y, [0.0] * len(column), [1.0] * len(column))
    for turn in range(ROUNDS):
        rightward = turn % 2 == 1
        for column in grid.columns if rightward else reversed(grid.columns):
            _relax(grid, column, y, grid.before if rightward else grid.after, both=turn >= ROUNDS // 2)
    for column in grid.columns:  # at last each gate in the middle of its inputs
        _relax(grid, column, y, grid.before, both=False)
    for _ in range(STRAIGHTENINGS):
        _straighten(grid, y)
    _gather(grid, y)
    return y


def _relax(grid: _Grid, column: list[int], y: list[float], near: list[list[int]], both: bool) -> None:
    wanted, weights = [], []
    for item in column:
        pulls = _pulls(grid, item, near, both)
        total = sum(weight for _, weight in pulls)
        wanted.append(sum(y[k] * weight for k, weight in pulls) / total if pulls else y[item])
        weights.append(total if pulls else 0.1)
    _settle(grid, column, y, wanted, weights)


def _pulls(grid: _Grid, item: int, near: list[list[int]], both: bool) -> list[tuple[int, float]]:
    left = [(k, _stiffness(grid, k, item)) for k in grid.before[item]]
    right = [(k, _stiffness(grid, item, k)) for k in grid.after[item]]
    if both or not near[item]:
        return left + right
    return left if near is grid.before else right


def _stiffness(grid: _Grid, left: int, right: int) -> float:
    return STIFF if len(grid.after[left]) == 1 == len(grid.before[right]) else 1.0


def _settle(grid: _Grid, column: list[int], y: list[float], wanted: list[float], weights: list[float]) -> None:
    """Sets the column's heights: nearest to the wanted ones that keep order and distance.

    With the distances taken off, it is isotonic regression: neighbours that want to pass each
    other are pooled at their weighted mean.
    """
    offsets = _offsets(grid, column)
    pools: list[tuple[float, float, int]] = []  # mean, weight, members
    for want, weight, offset in zip(wanted, weights, offsets, strict=True):
        mean, total, members = want - offset, weight, 1
        while pools and pools[-1][0] > mean:
            other, more, count = pools.pop()
            mean, total = (mean * total + other * more) / (total + more), total + more
            members += count
        pools.append((mean, total, members))
    means = [mean for mean, _, members in pools for _ in range(members)]
    for item, mean, offset in zip(column, means, offsets, strict=True):
        y[item] = mean + offset


def _offsets(grid: _Grid, column: list[int]) -> list[float]:
    offsets = [0.0] * min(1, len(column))
    for upper, lower in pairwise(column):
        offsets.append(offsets[-1] + grid.boxes[upper].below + SEPARATION + grid.boxes[lower].above)
    return offsets


# ---- straight lines, and parts that hang together


def _straighten(grid: _Grid, y: list[float]) -> None:
    """Makes every path that nothing branches from level, with as few bends as its neighbours allow."""
    limits = _limits(grid)
    for path in _paths(grid):
        low, high, start = -math.inf, math.inf, 0
        for k, item in enumerate(path):
            top, bottom = limits(item, y)
            if max(low, top) > min(high, bottom):
                _level(path[start:k], y, low, high)
                low, high, start = top, bottom, k
            else:
                low, high = max(low, top), min(high, bottom)
        _level(path[start:], y, low, high)


def _level(items: list[int], y: list[float], low: float, high: float) -> None:
    mean = sum(y[k] for k in items) / len(items)
    for k in items:
        y[k] = min(max(mean, low), high)


def _limits(grid: _Grid) -> Callable[[int, list[float]], tuple[float, float]]:
    """How high and low an item may go while its neighbours in the column stay."""
    above: dict[int, tuple[int, float]] = {}
    below: dict[int, tuple[int, float]] = {}
    for upper, lower in (pair for column in grid.columns for pair in pairwise(column)):
        distance = grid.boxes[upper].below + SEPARATION + grid.boxes[lower].above
        above[lower], below[upper] = (upper, distance), (lower, distance)

    def limits(item: int, y: list[float]) -> tuple[float, float]:
        top = y[above[item][0]] + above[item][1] if item in above else -math.inf
        bottom = y[below[item][0]] - below[item][1] if item in below else math.inf
        return min(top, y[item]), max(bottom, y[item])  # a rounding error must not push it out of its place

    return limits


def _paths(grid: _Grid) -> list[list[int]]:
    """The maximal paths of stiff pieces, the longest first: they deserve most to be straight."""
    stiff = {k: v[0] for k, v in enumerate(grid.after) if len(v) == 1 == len(grid.before[v[0]])}
    paths = []
    for start in sorted(set(stiff) - set(stiff.values())):
        path = [start]
        while path[-1] in stiff:
            path.append(stiff[path[-1]])
        paths.append(path)
    return sorted(paths, key=len, reverse=True)


def _gather(grid: _Grid, y: list[float]) -> None:
    """Slides parts without a connection together, each under the former ones."""
    floor = [-math.inf] * len(grid.columns)
    for part in _parts(grid):
        need = max(floor[grid.column[k]] + SEPARATION - (y[k] - grid.boxes[k].above) for k in part)
        shift = need if math.isfinite(need) else -min(y[k] - grid.boxes[k].above for k in part)
        for k in part:
            y[k] += shift
            floor[grid.column[k]] = max(floor[grid.column[k]], y[k] + grid.boxes[k].below)


def _parts(grid: _Grid) -> list[list[int]]:
    """The items of each connected part, in the order of their first boxes."""
    seen: set[int] = set()
    parts = []
    for start in range(len(grid.boxes)):
        if start not in seen:
            seen.add(start)
            part = [start]
            for item in part:  # grows while we walk it
                fresh = [k for k in dict.fromkeys(grid.before[item] + grid.after[item]) if k not in seen]
                seen.update(fresh)
                part += fresh
            parts.append(part)
    return parts


# ---- everything together


def _layout(grid: _Grid, links: Sequence[Link], levels: Sequence[int], heights: list[float]) -> Layout:
    top = min((y - box.above for y, box in zip(heights, grid.boxes, strict=True)), default=0.0)
    y = [round(k - top, 1) for k in heights]
    spans = _spans(grid, y)
    spots = [
        Spot((spans[column][0] + spans[column][1]) / 2, height, box)
        for column, height, box in zip(grid.column, y, grid.boxes, strict=True)
    ]
    routes = [Route(spots[chain[0]], tuple(Run(*spans[grid.column[k]], y[k]) for k in chain)) for chain in grid.chains]
    return Layout(
        layers=tuple(levels),
        spots=tuple(spots[: len(levels)]),
        spans=tuple(spans[column] for column in grid.column[: len(levels)]),
        routes=tuple(routes),
        width=spans[-1][1] if spans else 0.0,
        height=max((spot.y + spot.box.below for spot in spots), default=0.0),
    )


def _spans(grid: _Grid, y: list[float]) -> list[tuple[float, float]]:
    """Left and right end of each column; the steeper the edges, the wider the gap before it."""
    spans: list[tuple[float, float]] = []
    for column in grid.columns:
        steepest = max((abs(y[k] - y[item]) for item in column for k in grid.before[item]), default=0.0)
        left = spans[-1][1] + min(WIDE, max(NARROW, 0.6 * steepest)) if spans else 0.0
        left = round(left, 1)
        spans.append((left, left + max(grid.boxes[item].width for item in column)))
    return spans
