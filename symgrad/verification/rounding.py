"""Numbers with stated rounding: whether a printed number is the exact one rounded once.

A number that is off by one unit in its last place was often computed from a number that had been rounded
before; `roundings` tries this for the cotangent of every gate of a graph, and so can say which.

>>> judge(0.3932, 0.4, 2).off_by_one, judge(0.3932, 0.39, 2).ok
(True, True)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from symgrad.numeric.backprop import ComputationalGraph, Handle

Array = Any
SLACK = 1e-9  # relative to one unit: the exact value is computed in floating point


@dataclass(frozen=True, slots=True)
class Judgement:
    """How printed numbers compare with exact ones; `worst` is the entry that is farthest off, from 0."""

    ok: bool
    off_by_one: bool
    worst: tuple[int, ...]
    exact: float
    printed: float


def judge(exact: Array, printed: Array, decimals: int) -> Judgement:
    """Compare entry by entry; the shapes must be equal."""
    true, said = np.asarray(exact, dtype=float), np.asarray(printed, dtype=float)
    unit = 10.0**-decimals
    off = np.abs(said - true) / unit
    beyond = np.abs(said - np.round(true, decimals)) / unit
    worst = tuple(int(i) for i in np.unravel_index(int(np.argmax(off)), off.shape))
    ok = bool((off <= 0.5 + SLACK + 1e-12 * np.abs(true) / unit).all())
    return Judgement(ok, not ok and bool((beyond <= 1 + 1e-6).all()), worst, float(true[worst]), float(said[worst]))


def explained(candidates: Iterable[tuple[str, Array]], printed: Array, decimals: int) -> str | None:
    """The first candidate of `roundings` that gives the printed numbers."""
    return next((said for said, value in candidates if judge(value, printed, decimals).ok), None)


def roundings(graph: ComputationalGraph, wrt: str, decimals: int) -> Iterator[tuple[str, Array]]:
    """What the gradient by `wrt` becomes where the cotangent of one gate is rounded on the way.

    The graph has been run forward to a scalar.
    """
    graph.backward()
    needed = graph.nodes_topologically_sorted()
    if wrt not in {n.name for n in needed}:
        return  # the output does not depend on it
    nodes = [n for n in needed if n.kind == "gate" and n.name != wrt]
    arrived = {n: graph.gradient(n) for n in nodes}
    exact = graph.gradient(wrt)
    for node in nodes:
        rounded = np.round(arrived[node], decimals)
        change = rounded - arrived[node]
        if np.abs(change).max() > 0:
            graph.backward(change, of=node)
            yield (
                f"the gradient at {_called(node, graph)} had been rounded to {_shown(rounded)}",
                exact + graph.gradient(wrt),
            )
    graph.backward()


def _called(node: Handle, graph: ComputationalGraph) -> str:
    """The node by its name, an unnamed one by the named one that it leads to."""
    at, readers = node, {source.index: target for source, target, _ in reversed(graph.edges())}
    while at.name.startswith("#") and at.index in readers:
        at = readers[at.index]
    if at is node:
        return node.name if not node.name.startswith("#") else f"the gate {node.label}"
    return f"the gate {node.label} before {at.name if not at.name.startswith('#') else 'the output'}"


def _shown(value: Array) -> str:
    return np.array2string(np.asarray(value) + 0.0, separator=", ").replace("\n", "")
