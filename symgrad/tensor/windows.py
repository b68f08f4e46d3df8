"""Blocks: what a `Window` does to the factors that it stands with.

W[o, i] = 1 where i = o + offset.  A block array is a sum of blocks times windows, a part of an array a product with
one.  So two facts are the whole algebra: windows of one array that lie apart multiply to zero, and beside W[o, i] a
factor may be read at o instead of i.  Sums of blocks, functions of them entry by entry and windows are read so at
once; the window goes where nothing else is left at i.  Offsets hold letters: what cannot be proved for all of their
values is left as it is.

>>> from symgrad.tensor.build import plus
>>> from symgrad.tensor.dims import letter
>>> from symgrad.tensor.nodes import Input
>>> m, n = letter("m"), letter("n")
>>> x, y = Input.make("x", (m,)), Input.make("y", (n,))
>>> first, second = window(m, plus_sizes(m, n), 0), window(n, plus_sizes(m, n), m)
>>> stacked = plus(einsum([(first, "oi"), (x, "o")], "i"), einsum([(second, "oi"), (y, "o")], "i"))
>>> einsum([(second, "oi"), (stacked, "i")], "o")
y
"""

from __future__ import annotations

from collections.abc import Hashable
from contextvars import ContextVar
from itertools import combinations, product

from symgrad.tensor.build import add, einsum, elementwise, inlined, power
from symgrad.tensor.dims import Dim, Size, letter, times
from symgrad.tensor.dims import plus as plus_sizes
from symgrad.tensor.nodes import Add, Coefficient, Delta, Einsum, Map, Node, Ones, Power, Shift, Unit, Window, walk

NESTED = 8  # sums, products and functions inside one another through which a window is followed
_products: ContextVar[int] = ContextVar("products", default=0)  # that are being narrowed inside one another

Labels = tuple[Hashable, ...]
Factors = list[tuple[Node, Labels]]


def window(size: Size, whole: Size, offset: Size) -> Node:
    """W[o, i] = 1 where i = o + offset, o < size, i < whole; the identity where the block is the whole."""
    return Delta.make(whole) if size == whole and offset == 0 else Window.make(size, whole, offset)


def never_negative(size: Size) -> bool:
    """Whether a dimension is at least 0 whatever its letters are, which are at least 1.

    >>> n = letter("n")
    >>> never_negative(plus_sizes(n, -1)), never_negative(plus_sizes(n, -2))
    (True, False)
    """
    if not isinstance(size, Dim):
        return size >= 0
    shifted: list[Size] = []
    for letters, coefficient in size.terms:  # each letter a is 1 + a, a >= 0 then
        choices: list[tuple[Size, ...]] = [(1, letter(a)) for a in letters]
        shifted += [times(coefficient, *chosen) for chosen in product(*choices)]
    total = plus_sizes(*shifted)
    return all(c >= 0 for _, c in total.terms) if isinstance(total, Dim) else total >= 0


def lengths(*nodes: Node) -> tuple[Size, ...]:
    """What has to be at least 1 for the patterns in a graph to exist: sizes of convolutions, room for parts."""
    found: list[Size] = []
    for node in walk(*nodes):
        if type(node) is Shift:
            found += node.shape
        elif type(node) is Window:
            size, whole, offset = *node.shape, node.offset
            room = (size, plus_sizes(offset, 1), plus_sizes(whole, times(-1, offset), times(-1, size), 1))
            found += [s for s in room if not never_negative(minus_sizes(s, 1))]
    return tuple(dict.fromkeys(s for s in found if isinstance(s, Dim)))


def minus_sizes(a: Size, b: Size) -> Size:
    """a - b."""
    return plus_sizes(a, times(-1, b))


def inside(offset: Size, size: Size, around: Size, extent: Size) -> bool:
    """Whether `size` places from `offset` on certainly lie among the `extent` places from `around` on."""
    before = minus_sizes(offset, around)
    return never_negative(before) and never_negative(minus_sizes(extent, plus_sizes(before, size)))


def apart(offset: Size, size: Size, other: Size, extent: Size) -> bool:
    """Whether `size` places from `offset` on and `extent` places from `other` on certainly have none in common."""
    after = minus_sizes(other, plus_sizes(offset, size))
    return never_negative(after) or never_negative(minus_sizes(offset, plus_sizes(other, extent)))


def narrowed(coefficient: Coefficient, factors: Factors, out: Labels) -> Node | None:
    """The product with one of its windows gone or one of its factors read at the block; None where neither is."""
    token = _products.set(_products.get() + 1)
    try:
        for at, (node, labels) in enumerate(factors):
            if type(node) is Window:
                others = [*factors[:at], *factors[at + 1 :]]
                met = _met(node, labels, others) or _read_at_block(node, labels, others, out)
                if met is not None:
                    scale = coefficient * met[0]
                    return _multiplied_out(scale, met[1], out) or einsum(met[1], out, scale)
    finally:
        _products.reset(token)
    return None


def _multiplied_out(coefficient: Coefficient, factors: Factors, out: Labels) -> Node | None:
    """[A, B]*[x; y] as A*x + B*y: two sums of blocks that meet along a line of blocks and have no other."""
    sums = [(n, ls) for n, ls in factors if type(n) is Add and any(map(_placed_axes, n.args))]
    for (a, left), (b, right) in combinations(sums, 2):
        (meet, *others) = set(left) & set(right) or (None,)
        alone = sum(meet in ls for _, ls in factors) == 2 and meet not in out
        if others or not alone or {_placed_at(n, ls) for n, ls in ((a, left), (b, right))} != {(meet,)}:
            continue
        rest = [f for f in factors if f not in ((a, left), (b, right))]
        terms = [
            (c * d, einsum([*rest, (m, left), (n, right)], out, coefficient)) for c, m in a.terms for d, n in b.terms
        ]
        return add(terms)
    return None


def _placed_at(node: Add, labels: Labels) -> Labels | None:
    """The labels along which every term of a sum is placed, where they are the same for all."""
    axes = {_placed_axes(n) for n in node.args}
    return tuple(labels[a] for a in axes.pop()) if len(axes) == 1 else None


def _placed_axes(node: Node) -> tuple[int, ...]:
    """The axes along which a window places a block."""
    if type(node) is not Einsum:
        return ()
    return tuple(sorted({ls[1] for n, ls in node.factors if type(n) is Window and ls[1] < node.rank}))


def _met(node: Window, labels: Labels, others: Factors) -> tuple[int, Factors] | None:
    """A window that meets another one of the same array: 0 where they lie apart, one inside the other."""
    o, i = labels
    size, offset = node.shape[0], node.offset
    for at, (other, ends) in enumerate(others):
        if type(other) is Window and ends[1] == i:
            p, extent = ends[0], other.shape[0]
            if apart(offset, size, other.offset, extent):
                return 0, [(node, labels), *others]
            if inside(offset, size, other.offset, extent):
                block = window(size, extent, minus_sizes(offset, other.offset))
                kept = [*others[:at], *others[at + 1 :], (node, labels)]
                return 1, kept if p == o and type(block) is Delta else [*kept, (block, (o, p))]
    return None


def _read_at_block(node: Window, labels: Labels, others: Factors, out: Labels) -> tuple[int, Factors] | None:
    """Factors over i read at o, as far as they can be."""
    o, i = labels
    summed = i not in out
    touching = [(n, ls) for n, ls in others if i in ls]
    if summed and not touching:
        return 1, [*others, (Ones.make(node.shape[0]), (o,))]
    read = [(_at_block_everywhere(n, ls, node, i), ls) for n, ls in touching]
    found: Factors = [(n, tuple(o if a == i else a for a in ls)) for n, ls in read if n is not None]
    if not found:
        return None
    left = [f for f, (n, _) in zip(touching, read, strict=True) if n is None]
    rest = [f for f in others if i not in f[1]]
    return 1, [*rest, *left, *found, *([(node, labels)] if left or not summed else [])]


def _at_block_everywhere(node: Node, labels: Labels, block: Window, label: Hashable) -> Node | None:
    found: Node | None = node
    for axis, a in enumerate(labels):
        if a == label and found is not None:
            found = at_block(found, axis, block, NESTED - _products.get())
    return found


def at_block(node: Node, axis: int, block: Window, depth: int) -> Node | None:
    """The node with one axis read at the places of a block alone; None where that says nothing shorter."""
    kind = type(node)
    if kind is Ones:
        return Ones.make(block.shape[0])
    if kind is Window and axis == 0:
        return window(block.shape[0], node.shape[1], plus_sizes(block.offset, node.offset))  # type: ignore[attr-defined]
    if kind is Unit:
        return _unit_at_block(node, block)  # type: ignore[arg-type]
    if depth <= 0:
        return None
    if kind is Add:
        return _sum_at_block(node, axis, block, depth)  # type: ignore[arg-type]
    if kind is Einsum:
        return _product_at_block(node, axis, block)  # type: ignore[arg-type]
    if kind is Map:
        read = [at_block(a, axis, block, depth - 1) if a.shape else a for a in node.args]
        return elementwise(node.op, *read) if None not in read else None  # type: ignore[attr-defined, arg-type]
    if kind is Power:
        base = at_block(node.args[0], axis, block, depth - 1)
        return None if base is None else power(base, node.args[1])
    return None


def _sum_at_block(node: Add, axis: int, block: Window, depth: int) -> Node | None:
    read = [at_block(n, axis, block, depth - 1) for _, n in node.terms]
    if all(n is None for n in read):
        return None
    terms = [(c, _selected(old, axis, block) if n is None else n) for (c, old), n in zip(node.terms, read, strict=True)]
    return add(terms)


def _selected(node: Node, axis: int, block: Window) -> Node:
    """The product with the window, whatever becomes of it."""
    own: list[Hashable] = list(range(node.rank))
    factors = inlined(node, tuple(own)) if type(node) is Einsum else [(node, tuple(own))]
    coefficient = node.coefficient if type(node) is Einsum else 1
    own[axis] = "block"
    return einsum([*factors, (block, ("block", axis))], own, coefficient)


def _product_at_block(node: Einsum, axis: int, block: Window) -> Node | None:
    found = _selected(node, axis, block)
    left = type(found) is Einsum and any(n is block for n, _ in found.factors)
    return None if left else found


def _unit_at_block(node: Unit, block: Window) -> Node | None:
    """e_k read at a block that certainly holds its place, or certainly does not."""
    size, offset = block.shape[0], block.offset
    if apart(node.index - 1, 1, offset, size):
        return add((), (size,))
    if isinstance(offset, int) and inside(node.index - 1, 1, offset, size):
        return Ones.make(1) if size == 1 else Unit.make(node.index - offset, size)
    return None
