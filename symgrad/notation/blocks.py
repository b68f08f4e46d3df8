"""Windows in a product or a sum, read as blocks: `[A, B; C, D]` and `X[1:m, :]`.

A window whose array is an axis of the result places a block there: the terms that do are one block matrix, with zeros
where nothing is placed.  A window whose array is summed over cuts its place out of the other factors.  Where it is not
certain how places lie (offsets hold letters) there is no such form.

>>> from symgrad.notation.lift import lift
>>> from symgrad.notation.text import text
>>> from symgrad.tensor.build import einsum, plus
>>> from symgrad.tensor.dims import letter
>>> from symgrad.tensor.dims import plus as plus_sizes
>>> from symgrad.tensor.nodes import Input
>>> from symgrad.tensor.windows import window
>>> m, n = letter("m"), letter("n")
>>> x, z = Input.make("x", (m,)), Input.make("z", (plus_sizes(m, n),))
>>> placed = einsum([(window(m, plus_sizes(m, n), 0), "oi"), (x, "o")], "i")
>>> text(lift(placed)), text(lift(einsum([(window(m, plus_sizes(m, n), 0), "oi"), (z, "i")], "o")))
('[x; zeros(n)]', 'z[1:m]')
"""

from __future__ import annotations

from collections.abc import Hashable
from fractions import Fraction
from typing import TYPE_CHECKING

from symgrad.notation.network import NoMatrixForm
from symgrad.notation.sums import sum_tree
from symgrad.notation.tree import Number, Tree
from symgrad.notation.words import Term, call, is_call, matrix, turned_tree, vector
from symgrad.tensor.build import add, einsum, inlined, is_zero, primitive, scaled
from symgrad.tensor.dims import Size, plus
from symgrad.tensor.nodes import Add, Coefficient, Einsum, Node, Unit, Window
from symgrad.tensor.windows import minus_sizes, never_negative, window

if TYPE_CHECKING:
    from symgrad.notation.lift import Lifter

CELLS = 1024  # of a block matrix that is written out

Labels = tuple[Hashable, ...]
Factors = list[tuple[Node, Labels]]
Place = tuple[Size, Size] | None  # offset and size of a block along an axis; None for the whole axis
_WHOLE: list[Place] = [None]


def block_terms(lifter: Lifter, node: Node) -> list[Term] | None:
    """The terms of a sum or product that places blocks; None where it places none."""
    summands = node.args if type(node) is Add else (node,)
    if node.rank > 2 or not any(Window in map(type, n.args or (n,)) for n in summands):
        return None
    terms = _opened(node)
    groups: dict[tuple[bool, ...], list[tuple[Coefficient, Node]]] = {}
    for c, n in terms:
        groups.setdefault(_placed_axes(n), []).append((c, n))
    plain = groups.pop((False,) * node.rank, [])
    if not groups:
        return None
    found = [t for c, n in plain for t in lifter._scaled_terms(n, c)]
    return found + [t for axes, group in groups.items() for t in _assembled(lifter, add(group), axes)]


def _opened(node: Node) -> list[tuple[Coefficient, Node]]:
    """The terms of a sum; one that places a sum of placed blocks as several."""
    found: list[tuple[Coefficient, Node]] = []
    todo: list[tuple[Coefficient, Node]] = [*node.terms] if type(node) is Add else [(1, node)]
    while todo and len(found) <= CELLS:
        c, n = todo.pop(0)
        inner = next(((f, ls) for f, ls in _factors(n) if type(f) is Add and _places_blocks(n, f, ls)), None)
        if inner is None or not any(_placed_axes(n)):
            found.append((c, n))
            continue
        rest = list(_factors(n))
        rest.remove(inner)
        scale = c * (n.coefficient if type(n) is Einsum else 1)
        for d, m in inner[0].terms:
            factors = inlined(m, inner[1]) if type(m) is Einsum else [(m, inner[1])]
            scaled_by = scale * d * (m.coefficient if type(m) is Einsum else 1)
            todo.append((scaled_by, einsum([*rest, *factors], range(n.rank))))
    return found + todo


def _places_blocks(whole: Node, node: Add, labels: Labels) -> bool:
    """Whether a sum that is a factor places its terms on an axis of the whole product."""
    placed = {labels[axis] for n in node.args for axis, p in enumerate(_placed_axes(n)) if p}
    return type(whole) is Einsum and any(a < whole.rank for a in placed)  # type: ignore[operator]


def _placed_axes(node: Node) -> tuple[bool, ...]:
    """For each axis of a node, whether a window places something on it."""
    ends = {labels[1] for n, labels in _factors(node) if type(n) is Window}
    return tuple(axis in ends for axis in range(node.rank))


def _factors(node: Node) -> Factors:
    return [*node.factors] if type(node) is Einsum else [(node, tuple(range(node.rank)))]


def _assembled(lifter: Lifter, node: Node, axes: tuple[bool, ...]) -> list[Term]:
    """A sum of placed blocks as one block matrix; a few single entries as multiples of unit vectors."""
    content, node = primitive(node) if type(node) is Add else _without_coefficient(node)
    terms = [n for _, n in node.terms] if type(node) is Add else [node]
    places = [_places(terms, axis, node.shape[axis]) if placed else _WHOLE for axis, placed in enumerate(axes)]
    rows, columns = (*places, _WHOLE)[:2]
    if len(rows) * len(columns) > CELLS:
        raise NoMatrixForm
    cells = {(r, c): _cell(node, r, c) for r in rows for c in columns}
    filled = {at: block for at, block in cells.items() if not is_zero(block)}
    entries = len(filled) == 1 or any(p is not None and p[1] != 1 for p in (*rows, *columns))
    if entries and 2 * len(filled) <= len(cells) and all(map(_is_entry, filled)):
        return [t for at, block in filled.items() for t in _at_units(lifter, node, block, at, content)]
    lines = [[_cell_tree(lifter, node, cells[r, c], r, c) for c in columns] for r in rows]
    return [Term(content, (), vector(_written(lines)) if node.rank == 1 else matrix(_upright(lines)))]


def _is_entry(at: tuple[Place, Place]) -> bool:
    """Whether a block is placed as single rows or columns, and where is known."""
    return all(p is None or (p[1] == 1 and isinstance(p[0], int)) for p in at)


def _at_units(lifter: Lifter, node: Node, block: Node, at: tuple[Place, Place], content: Coefficient) -> list[Term]:
    """A single entry, row or column at its place: s*e(1, m)*e(2, n)'."""
    labels = tuple(axis for axis, p in enumerate(at[: node.rank]) if p is None)
    units: Factors = [
        (Unit.make(p[0] + 1, node.shape[axis]), (axis,))
        for axis, p in enumerate(at[: node.rank])
        if p is not None and isinstance(p[0], int)
    ]
    out = tuple(range(node.rank))
    return lifter.terms(einsum([(block, labels), *units], out, content))


def _upright(lines: list[list[Tree]]) -> Tree:
    """A block matrix; of nothing but transposes the transpose of one."""
    cells = [cell for line in lines for cell in line if not is_call(cell, "zeros")]
    if not all(is_call(cell, "transpose") for cell in cells):
        return _written(lines)
    turned = [[_turned(cell) for cell in line] for line in zip(*lines, strict=True)]
    return call("transpose", _written(turned))


def _turned(cell: Tree) -> Tree:
    """The transpose of a cell that is a transpose or zeros."""
    if is_call(cell, "transpose"):
        return cell.args[0]
    sizes = [*cell.args, Number(Fraction(1))][1::-1]
    return call("zeros", *(sizes[:1] if sizes[1:] == [Number(Fraction(1))] else sizes))


def _written(lines: list[list[Tree]]) -> Tree:
    beside = [line[0] if len(line) == 1 else call("hstack", *line) for line in lines]
    return beside[0] if len(beside) == 1 else call("vstack", *beside)


def _without_coefficient(node: Node) -> tuple[Coefficient, Node]:
    if type(node) is Einsum and node.coefficient != 1:
        return node.coefficient, Einsum.make(1, node.factors, node.shape)
    return 1, node


def _places(terms: list[Node], axis: int, whole: Size) -> list[Place]:
    """The blocks along an axis in their order, those of zeros too.  Raises NoMatrixForm where the order is unsure."""
    used = {(n.offset, n.shape[0]) for t in terms for n, ls in _factors(t) if type(n) is Window and ls[1] == axis}
    found: list[Place] = []
    at: Size = 0
    while used:
        first = next((p for p in used if all(never_negative(minus_sizes(q[0], p[0])) for p in [p] for q in used)), None)
        gap = minus_sizes(first[0], at) if first is not None else -1
        if first is None or not never_negative(gap) or any(q[0] == first[0] for q in used if q != first):
            raise NoMatrixForm
        found += [(at, gap)] if gap != 0 else []
        found.append(first)
        used.remove(first)
        at = plus(*first)
    rest = minus_sizes(whole, at)
    return found + ([(at, rest)] if rest != 0 else [])


def _cell(node: Node, row: Place, column: Place) -> Node:
    """What one block holds."""
    labels = tuple(range(node.rank))
    out: list[Hashable] = []
    cut: Factors = []
    for axis, place in enumerate((row, column)[: node.rank]):
        if place is None:
            out.append(axis)
            continue
        cut.append((window(place[1], node.shape[axis], place[0]), (("cell", axis), axis)))
        if place[1] != 1:
            out.append(("cell", axis))
    terms = node.terms if type(node) is Add else ((1, node),)
    shape = tuple(s for s in _extent(node, row, column) if s != 1)
    return add([(c, _cut(n, labels, cut, out)) for c, n in terms], shape)


def _extent(node: Node, row: Place, column: Place) -> tuple[Size, ...]:
    return tuple(p[1] if p is not None else s for p, s in zip((row, column), node.shape, strict=False))


def _cell_tree(lifter: Lifter, node: Node, block: Node, row: Place, column: Place) -> Tree:
    shape = _extent(node, row, column)
    if is_zero(block):
        return _zeros(shape)
    tree = lifter.lift(block)
    flat = node.rank == 2 and block.rank == 1 and shape[0] == 1
    return turned_tree(tree) if flat else tree


def _cut(node: Node, labels: Labels, cut: Factors, out: list[Hashable]) -> Node:
    coefficient = node.coefficient if type(node) is Einsum else 1
    factors = inlined(node, labels) if type(node) is Einsum else [(node, labels)]
    return einsum([*factors, *cut], out, coefficient)


def _zeros(shape: tuple[Size, ...]) -> Tree:
    from symgrad.notation.lift import size_tree

    if all(s == 1 for s in shape):
        return Number(Fraction(0))
    kept = shape[:1] if shape[1:] == (1,) else shape
    return call("zeros", *map(size_tree, kept))


# --- parts ---------------------------------------------------------------------------------------


def block_product(lifter: Lifter, factors: Factors, out: Labels, coefficient: Coefficient) -> Term:
    """A product in which windows stand: blocks where they place something, else parts of the other factors."""
    factors = _flat(factors)
    windows = [(n, ls) for n, ls in factors if isinstance(n, Window)]
    if any(ls[1] in out for _, ls in windows):
        node = einsum(factors, out, coefficient)
        found = block_terms(lifter, node)
        if not found:
            raise NoMatrixForm
        if len(found) == 1:
            return found[0]
        tree = sum_tree(found)
        return Term(1, (), vector(tree) if len(out) == 1 else matrix(tree))
    rest: Factors = [(n, ls) for n, ls in factors if not isinstance(n, Window)]
    windows, others = _cutting(windows)
    rest += others
    if len(rest) == 1 and _cuts_alone(*rest[0], windows):
        return _part(lifter, *rest[0], {ls[1]: (n, ls[0]) for n, ls in windows}, out, coefficient)
    for block, (o, i) in windows:
        if not any(i in ls for _, ls in rest):
            raise NoMatrixForm
        rest = [_read_at(n, ls, block, o, i, o in out) for n, ls in rest]
    return lifter.product(rest, out, coefficient)


def _cutting(windows: list[tuple[Window, Labels]]) -> tuple[list[tuple[Window, Labels]], Factors]:
    """One window for each array, the smallest; others of the same array are arrays as well: [eye(n), zeros(n, m)]."""
    first: dict[Hashable, tuple[Window, Labels]] = {}
    for found in sorted(windows, key=lambda w: w[0].shape[0] != 1):
        first.setdefault(found[1][1], found)
    inner = {a for _, (a, _) in first.values()}
    if inner & first.keys():  # a part of a part
        raise NoMatrixForm
    return [*first.values()], [(n, ls) for n, ls in windows if first[ls[1]] != (n, ls)]


def _flat(factors: Factors) -> Factors:
    """The factors with parts of one array opened, so that a part of a part is one part."""
    flat: Factors = []
    for node, labels in factors:
        of_one = type(node) is Einsum and sum(type(n) is not Window for n in node.args) == 1 < len(node.args)
        opened = of_one and node.coefficient == 1  # type: ignore[attr-defined]
        flat += inlined(node, labels) if opened else [(node, labels)]  # type: ignore[arg-type]
    return flat


def _cuts_alone(whole: Node, labels: Labels, windows: list[tuple[Window, Labels]]) -> bool:
    """Whether windows cut a part out of one array and nothing else happens to its axes."""
    cut = [ls[1] for _, ls in windows]
    return whole.rank <= 2 and len(set(labels)) == len(labels) and len(set(cut)) == len(cut) and set(cut) <= set(labels)


def _read_at(node: Node, labels: Labels, block: Node, o: Hashable, i: Hashable, kept: bool) -> tuple[Node, Labels]:
    """A factor over i as its part over o; a single place is no axis unless it is `kept`."""
    while i in labels:
        axis = labels.index(i)
        own: list[Hashable] = list(range(node.rank))
        own[axis] = "part"
        stays = kept or block.shape[0] != 1
        out = own if stays else [a for a in own if a != "part"]
        node = einsum([(node, range(node.rank)), (block, ("part", axis))], out)
        labels = (*labels[:axis], *((o,) if stays else ()), *labels[axis + 1 :])
    return node, labels


def _part(
    lifter: Lifter,
    whole: Node,
    labels: Labels,
    cuts: dict[Hashable, tuple[Window, Hashable]],
    out: Labels,
    coefficient: Coefficient,
) -> Term:
    """Rows and columns of one matrix, entries of one vector: `X[1:m, 2]`."""
    from symgrad.notation.lift import size_tree

    if coefficient < 0 and type(whole) is Add and any(c > 0 for c, _ in whole.terms):
        coefficient, whole = -coefficient, scaled(-1, whole)
    tree, left = lifter.tree(whole), list[Hashable]()
    for axis, label in enumerate(labels):
        block, end = cuts.get(label, (None, label))
        if block is not None:
            places = size_tree(plus(block.offset, 1)), size_tree(plus(block.offset, block.shape[0]))
            tree = call("part" if whole.rank == 1 else "columns" if axis else "rows", tree, *places)
        if block is None or block.shape[0] != 1 or end in out:
            left.append(end)
    if set(left) != set(out) or len(left) != len(out):
        raise NoMatrixForm
    if not out:
        return Term(coefficient, ((tree, 1),))
    if len(out) == 1:
        turned = whole.rank == 2 and left[0] == cuts.get(labels[1], (None, labels[1]))[1]
        return Term(coefficient, (), vector(turned_tree(tree) if turned else tree))
    return Term(coefficient, (), matrix(tree) if tuple(left) == out else matrix(tree).reversed())
