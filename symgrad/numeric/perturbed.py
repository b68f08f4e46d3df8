"""An expression at many points at once, each of which differs from one point in a single entry.

What differences need: f(x + h[k] e[k]) - f(x) for every entry k of x.  The change is carried through the graph with
the entries as leading axes, and as thinly as it is: where entry i of an array changes with entry i of x alone, only
that diagonal is kept, so the product A*x costs nothing but the columns of A.  Products are linear in what changes;
functions are evaluated at the changed arguments.  No rule of differentiation is used here.

>>> from symgrad.tensor.build import einsum
>>> from symgrad.tensor.dims import letter
>>> x = Input.make("x", (letter("n"),))
>>> changes(einsum([(x, "i"), (x, "i")], ""), x, {"x": np.array([1.0, 2.0])}, np.array([1.0, 1.0]))
array([3., 5.])
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import prod
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from symgrad.errors import LimitError, SymgradError
from symgrad.numeric.evaluate import bind_sizes, value_of
from symgrad.numeric.sample import ENTRY_LIMIT
from symgrad.operations.record import Elementwise, TensorFunction
from symgrad.tensor.dims import size_at
from symgrad.tensor.nodes import Add, Apply, Delta, Einsum, Input, Map, Node, Power, value_shape, walk

Array = NDArray[Any]
Labels = tuple[Any, ...]
MOST_CHANGED = 5  # factors of a product that change, whose 2^5 partial products are summed one by one
ROOM = ENTRY_LIMIT  # entries of an array; where there are more, fewer changes are carried at a time
MOST_CALLS = 10**6  # of a function that takes one vector or matrix at a time


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """What is added to an array for each entry of x.

    `array` has the axes of x, then those axes of the node that are not tied; `ties` says which axis of the node
    changes only where its index is that of an axis of x.
    """

    array: Array
    ties: Mapping[int, int]


class _TooLarge(Exception):
    """An array would not fit: fewer entries at a time."""


def changes(
    node: Node, x: Input, values: Mapping[str, Any], moves: Array, sizes: Mapping[str, int] | None = None
) -> Array:
    """f(x + moves[k..] e[k..]) - f(x): the axes of x, then those of the node.

    values  arrays by name;  sizes  letters that no array has.  Raises LimitError for what does not fit in memory.
    """
    order = list(walk(node))
    inputs = {n.name: n.shape for n in order if isinstance(n, Input)}
    given = {n: np.asarray(values[n], dtype=float) for n in inputs}
    at = bind_sizes(inputs, given, sizes or {})
    out = tuple(size_at(s, at) for s in node.shape)
    moves = np.asarray(moves, dtype=float)
    if moves.size * prod(out) > ENTRY_LIMIT:
        raise LimitError(f"changes of {prod(out)} outputs by {moves.size} entries", hint="one direction at a time")
    if x not in order:
        return np.zeros(moves.shape + out)
    moving = _Moving(order, x, given, at)
    if not moves.ndim:
        return moving.of(node, moves, slice(0, 1))
    found = np.empty(moves.shape + out)
    start, width = 0, len(moves)
    while start < len(moves):
        block = slice(start, min(start + width, len(moves)))
        try:
            found[block] = moving.of(node, moves[block], block)
        except _TooLarge:
            if width == 1:
                raise LimitError("changes by one row of entries do not fit into memory") from None
            width = (width + 1) // 2
        else:
            start = block.stop
    return found


class _Moving:
    """A graph at a point, and what changes in it when entries of x do."""

    def __init__(self, order: Sequence[Node], x: Input, given: Mapping[str, Array], sizes: Mapping[str, int]):
        self.order, self.x, self.given, self.sizes = order, x, given, sizes
        self.moved: set[Node] = {x}
        self.base: dict[Node, Array] = {}
        for node in order:
            if self.moved & set(node.args):
                self.moved.add(node)
            if not isinstance(node, Delta):
                self.base[node] = self._base(node)

    def _base(self, node: Node) -> Array:
        if isinstance(node, Einsum):
            return self._contracted(node, [self.base.get(n) for n, _ in node.factors])
        args = [self.base[a] if a in self.base else self._identity(a) for a in node.args]
        return np.asarray(value_of(node, args, self.given, self.sizes))

    def _identity(self, delta: Node) -> Array:
        size = size_at(delta.shape[0], self.sizes)
        if size**2 > ENTRY_LIMIT:
            raise LimitError(f"the expression needs a {size} x {size} identity as an array")
        return np.eye(size)

    def _contracted(self, node: Einsum, arrays: Sequence[Array | None]) -> Array:
        """The product at the point; identities join labels wherever one of the two is summed."""
        labels, kept = _joined(node)
        operands: list[Any] = []
        for i in kept:
            found = arrays[i]
            operands += [found if found is not None else self._identity(node.factors[i][0]), labels[i]]
        scale = float(node.coefficient)
        if not operands:
            return np.full([size_at(s, self.sizes) for s in node.shape], scale)
        return np.asarray(scale * np.einsum(*operands, list(range(node.rank)), optimize=len(kept) > 1))

    def of(self, node: Node, moves: Array, block: slice) -> Array:
        """The change of a node by these moves of the entries in a block of the first axis of x."""
        self.block, self.axes = block, moves.shape
        found: dict[Node, Change] = {self.x: Change(moves, {i: i for i in range(moves.ndim)})}
        for part in self.order:
            if part in self.moved and part is not self.x:
                found[part] = self._change(part, found)
        return self._untied(found[node], (), self.base[node].ndim).array

    def _change(self, node: Node, found: Mapping[Node, Change]) -> Change:
        match node:
            case Einsum():
                return self._product(node, found)
            case Add():
                return self._sum(node, found)
            case Map():
                return self._entrywise(node, found, cast(Elementwise, node.op).value)
            case Power():
                return self._entrywise(node, found, lambda base, exponent: np.asarray(base * 1.0) ** exponent)
            case Apply():
                return self._applied(node, found)
            case _:
                raise SymgradError(f"no change of a node of kind {type(node).__name__}")

    # --- products

    def _product(self, node: Einsum, found: Mapping[Node, Change]) -> Change:
        """(b + c)(b' + c') - b b' = c b' + b c' + c c', for any number of factors."""
        labels, kept = _joined(node)
        moved = [i for i in kept if node.factors[i][0] in found]
        if len(moved) > MOST_CHANGED:
            raise LimitError(f"a product of {len(moved)} factors that change", hint="a power, or a name for a part")
        terms = []
        for count in range(1, len(moved) + 1):
            for chosen in combinations(moved, count):
                terms.append(self._partial_product(node, labels, kept, {i: found[node.factors[i][0]] for i in chosen}))
        return self._added(terms, [float(node.coefficient)] * len(terms), node.rank)

    def _partial_product(
        self, node: Einsum, labels: Sequence[list[int]], kept: Sequence[int], chosen: Mapping[int, Change]
    ) -> Change:
        """One term: the chosen factors change, the others stand as they are."""
        names: dict[int, int] = {}  # a label -> the axis of x it is tied to
        changed: list[tuple[Array, list[int]]] = []
        for i, change in chosen.items():
            kept_ties = [a for a, t in change.ties.items() if names.setdefault(labels[i][a], t) == t]
            change = self._untied(change, kept_ties, len(labels[i]))
            changed.append((change.array, [n for a, n in enumerate(labels[i]) if a not in change.ties]))
        operands: list[Any] = []
        front = (slice(None),) * len(self.axes)
        for array, free in changed:
            cut = tuple(self.block if names.get(n) == 0 else slice(None) for n in free)
            operands += [array[front + cut], [*self._axis_names(), *self._renamed(free, names)]]
        for i in kept:
            if i not in chosen:
                inner = node.factors[i][0]
                array = self.base[inner] if inner in self.base else self._identity(inner)
                operands += [self._in_block(array, labels[i], names), self._renamed(labels[i], names)]
        out = [n for n in range(node.rank) if n not in names]
        wanted = [*self._axis_names(), *out]
        self._check_room(operands, wanted)
        array = np.einsum(*operands, wanted, optimize=len(operands) > 4)
        return Change(np.asarray(array), {n: names[n] for n in range(node.rank) if n in names})

    def _axis_names(self) -> list[int]:
        """Labels for the axes of x, beyond those of any product (np.einsum takes fewer than 52)."""
        return [51 - i for i in range(len(self.axes))]

    def _renamed(self, labels: Sequence[int], names: Mapping[int, int]) -> list[int]:
        return [51 - names[n] if n in names else n for n in labels]

    def _in_block(self, array: Array, labels: Sequence[int], names: Mapping[int, int]) -> Array:
        """The part of an array that belongs to the block: an axis tied to the first axis of x is cut."""
        cut = tuple(self.block if names.get(n) == 0 else slice(None) for n in labels)
        return array[cut] if 0 in names.values() else array

    def _check_room(self, operands: Sequence[Any], wanted: Sequence[int]) -> None:
        """Raises where the result has too many entries."""
        pairs = zip(operands[::2], operands[1::2], strict=True)
        lengths = {n: s for array, own in pairs for n, s in zip(own, array.shape, strict=True)}
        if prod(lengths[n] for n in wanted) > ROOM:
            raise _TooLarge

    # --- sums and functions

    def _sum(self, node: Add, found: Mapping[Node, Change]) -> Change:
        moved = [(float(c), found[n]) for c, n in node.terms if n in found]
        return self._added([change for _, change in moved], [c for c, _ in moved], node.rank)

    def _added(self, terms: Sequence[Change], factors: Sequence[float], rank: int) -> Change:
        """The sum, tied where all of its terms are."""
        kept = self._common(terms)
        arrays = [f * self._untied(t, kept, rank).array for f, t in zip(factors, terms, strict=True)]
        return Change(np.asarray(sum(arrays[1:], arrays[0])), {a: t for a, t in terms[0].ties.items() if a in kept})

    @staticmethod
    def _common(terms: Sequence[Change]) -> list[int]:
        return [a for a, t in terms[0].ties.items() if all(other.ties.get(a) == t for other in terms)]

    def _entrywise(self, node: Node, found: Mapping[Node, Change], function: Any) -> Change:
        """A function of the changed entries, less what it was; a scalar argument is spread over all entries."""
        whole = [found[a] for a in node.args if a in found and a.rank == node.rank]
        spread = any(a in found and a.rank < node.rank for a in node.args)
        kept = [] if spread else self._common(whole)
        ties = {a: t for a, t in whole[0].ties.items() if a in kept} if kept else {}
        before, after = [], []
        for arg in node.args:
            base = self._lined_up(self.base[arg], ties if arg.rank == node.rank else {}, node.rank - len(ties))
            before.append(base)
            if arg in found:
                array = self._untied(found[arg], kept, arg.rank).array
                more = node.rank - len(ties) - (array.ndim - len(self.axes))
                base = base + array.reshape(array.shape + (1,) * more)
            after.append(base)
        self._room_for(np.broadcast_shapes(*(a.shape for a in after)))
        array = np.asarray(function(*after)) - np.asarray(function(*before))
        free = [n for n in range(node.rank) if n not in ties]
        wanted = self.axes + tuple(size_at(node.shape[n], self.sizes) for n in free)
        return Change(np.broadcast_to(array, wanted), ties)

    def _lined_up(self, array: Array, ties: Mapping[int, int], free: int) -> Array:
        """An array of the node with the axes of x in front, for tied axes, and the others behind."""
        labels = list(range(array.ndim))
        cut = self._in_block(array, labels, ties)
        tied = sorted(set(ties.values()))
        rest = [n for n in labels if n not in ties]
        seen = np.einsum(cut, self._renamed(labels, ties), [*(51 - t for t in tied), *rest])
        front = tuple(self.axes[t] if t in tied else 1 for t in range(len(self.axes)))
        return seen.reshape(front + seen.shape[len(tied) :] + (1,) * (free - len(rest)))

    def _applied(self, node: Apply, found: Mapping[Node, Change]) -> Change:
        """A function of whole vectors or matrices, called once for every changed one."""
        argument, *more = node.args
        if any(m in found for m in more):
            return self._applied_in_full(node, found)
        change = found[argument]
        change = self._untied(change, [a for a in change.ties if a < node.batch], argument.rank)
        free = argument.rank - len(change.ties)
        base = self._lined_up(self.base[argument], change.ties, free)
        lined = base + change.array
        core = lined.shape[lined.ndim - (argument.rank - node.batch) :]
        before = self._lined_up(self.base[node], change.ties, node.rank - len(change.ties))
        after = self._called(node, lined.reshape(-1, *core), [self.base[m] for m in more])
        return Change(after.reshape(lined.shape[: lined.ndim - len(core)] + after.shape[1:]) - before, change.ties)

    def _applied_in_full(self, node: Apply, found: Mapping[Node, Change]) -> Change:
        """The same where further arguments change too: they are those of every changed point."""
        spread = [
            self.base[a] + self._untied(found[a], (), a.rank).array
            if a in found
            else np.broadcast_to(self.base[a], self.axes + self.base[a].shape)
            for a in node.args
        ]
        flat = [s.reshape(-1, *s.shape[len(self.axes) :]) for s in spread]
        values = np.stack([self._called(node, m[0][None], m[1:])[0] for m in zip(*flat, strict=True)])
        return Change(values.reshape(self.axes + values.shape[1:]) - self.base[node], {})

    @staticmethod
    def _called(node: Apply, members: Array, more: Sequence[Array]) -> Array:
        op = cast(TensorFunction, node.op)
        if len(members) > MOST_CALLS:
            raise LimitError(f"{op.written} would be called {len(members)} times")
        core = members.shape[1:]
        rows = prod(core[: len(core) // 2]) if op.core.startswith("m") else prod(core)
        columns = [m.reshape(rows, -1) for m in members]
        values = np.asarray([op.value(m, *(np.atleast_2d(a) for a in more)) for m in columns])
        shape = [size_at(s, {}) for s in value_shape(op.core, core)]
        return values.reshape(len(members), *shape)

    # --- ties

    def _untied(self, change: Change, kept: Sequence[int], rank: int) -> Change:
        """The same change with all ties but some written out, zeros and all."""
        ties = dict(change.ties)
        array = change.array
        for axis in [a for a in ties if a not in kept]:
            tied = ties.pop(axis)
            free = [n for n in range(rank) if n not in ties]
            place = len(self.axes) + free.index(axis)
            array = self._spread(array, tied, place)
        return Change(array, ties)

    def _spread(self, array: Array, tied: int, place: int) -> Array:
        """A new axis that is zero but where its index is that of an axis of x."""
        full = self.base[self.x].shape[tied]
        self._room_for((*array.shape, full))
        made = np.zeros((*array.shape[:place], full, *array.shape[place:]), array.dtype)
        here = np.arange(array.shape[tied])
        there = here + (self.block.start if tied == 0 else 0)
        np.moveaxis(made, (tied, place), (0, 1))[here, there] = np.moveaxis(array, tied, 0)
        return made

    @staticmethod
    def _room_for(shape: Sequence[int]) -> None:
        if prod(shape) > ROOM:
            raise _TooLarge


def _joined(node: Einsum) -> tuple[list[list[int]], list[int]]:
    """The labels of each factor, and which factors stay: an identity with a summed label renames it instead."""
    labels = [list(own) for _, own in node.factors]
    kept = list(range(len(labels)))
    for i, (inner, _) in enumerate(node.factors):
        if not isinstance(inner, Delta):
            continue
        a, b = labels[i]
        old, new = (a, b) if a >= node.rank else (b, a)
        others = [n for j in kept if j != i for n in labels[j]]
        if old < node.rank or a == b or old not in others or (new not in others and new >= node.rank):
            continue
        kept.remove(i)
        labels = [[new if n == old else n for n in own] for own in labels]
    return labels, kept
