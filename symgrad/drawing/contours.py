"""Contour lines of a function of two numbers, by marching squares over a grid of its values.

>>> lines = contours([0, 1, 2], [0, 1, 2], lambda x, y: x + y, [0.5])
>>> sorted(lines[0][0])
[(0.0, 0.5), (0.5, 0.0)]
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

Point = tuple[float, float]
Line = tuple[Point, ...]
Corner = tuple[int, int]
Edge = tuple[Corner, Corner]


def contours(
    xs: Sequence[float], ys: Sequence[float], f: Callable[[float, float], float], levels: Sequence[float]
) -> list[tuple[Line, ...]]:
    """For each level the lines on which f has it; f is called once at each point of the grid.

    Squares with a value that is not finite are left out.
    """
    values = {(i, j): float(f(x, y)) for i, x in enumerate(xs) for j, y in enumerate(ys)}
    return [_lines(xs, ys, values, level) for level in levels]


def grid(low: float, high: float, count: int) -> list[float]:
    """So many numbers, evenly from low to high."""
    return [low + (high - low) * k / (count - 1) for k in range(count)]


def _lines(xs: Sequence[float], ys: Sequence[float], values: dict[Corner, float], level: float) -> tuple[Line, ...]:
    """The pieces of every triangle, joined where they share an edge."""
    meets: dict[Edge, list[Edge]] = {}
    places: dict[Edge, Point] = {}
    for i in range(len(xs) - 1):
        for j in range(len(ys) - 1):
            for triangle in (((i, j), (i + 1, j), (i, j + 1)), ((i + 1, j), (i, j + 1), (i + 1, j + 1))):
                crossed = _crossed(triangle, values, level)
                if crossed is None:
                    continue
                for one, other in (crossed, crossed[::-1]):
                    meets.setdefault(one, []).append(other)
                    places.setdefault(one, _place(xs, ys, one, values, level))
    return tuple(tuple(places[e] for e in chain) for chain in _chains(meets))


def _crossed(triangle: Sequence[Corner], values: dict[Corner, float], level: float) -> tuple[Edge, Edge] | None:
    """The two sides of a triangle between which the level lies."""
    corners = sorted(triangle)
    if not all(math.isfinite(values[c]) for c in corners):
        return None
    sides = [(corners[0], corners[1]), (corners[0], corners[2]), (corners[1], corners[2])]
    found = [s for s in sides if (values[s[0]] > level) != (values[s[1]] > level)]
    return (found[0], found[1]) if found else None


def _place(xs: Sequence[float], ys: Sequence[float], edge: Edge, values: dict[Corner, float], level: float) -> Point:
    """Where the level is met on an edge, the function being taken as linear there."""
    (i, j), (k, m) = edge
    part = (level - values[edge[0]]) / (values[edge[1]] - values[edge[0]])
    return float(xs[i] + part * (xs[k] - xs[i])), float(ys[j] + part * (ys[m] - ys[j]))


def _chains(meets: dict[Edge, list[Edge]]) -> list[list[Edge]]:
    """Edges in the order in which a line passes them: open lines from an end, then closed ones."""
    found, left = [], dict(meets)
    for start in [*(e for e, others in meets.items() if len(others) == 1), *meets]:
        if start not in left:
            continue
        chain = [start]
        following: Edge | None = start
        while following is not None:
            around = left.pop(following)
            following = next((e for e in around if e in left), None)
            chain += [following] if following is not None else []
        if len(meets[start]) == 2 and len(chain) > 2:
            chain.append(start)  # closed
        found.append(chain)
    return found
