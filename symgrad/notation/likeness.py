"""What a tensor is but for names and its sign: nodes of one likeness differ in the names of their inputs only.

The layers of a network give parts that are alike, `W3'*(t4 .* (1 - h3.^2))` and `W2'*(t5 .* (1 - h2.^2))`; what is
proved of one holds of the other with the names exchanged.  Factors and terms are put into an order that no name has
a part in, signs go outwards, inputs get numbers as they come, and the kind of each node is written down with these
numbers.  Where two factors can't be told apart they stay in their order, so that a likeness may be missed; it is
never claimed wrongly.

>>> from symgrad.tensor.build import einsum
>>> from symgrad.tensor.dims import letter
>>> n = letter("n")
>>> A, B, x, y = (*(Input.make(a, (n, n)) for a in "AB"), *(Input.make(a, (n,)) for a in "xy"))
>>> views = {node.name: View(node, 1) for node in (A, B, x, y)}
>>> first, second = (likeness(einsum([(M, "ji"), (v, "j")], "i", c), views) for M, v, c in ((A, y, 2), (B, x, -2)))
>>> first.form == second.form, (first.names, first.sign), (second.names, second.sign)
(True, (('A', 'y'), 1), (('B', 'x'), -1))
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import NamedTuple
from zlib import crc32

from symgrad.tensor.dims import key_of
from symgrad.tensor.nodes import Add, Apply, Coefficient, Einsum, Input, Map, Node, Power, walk
from symgrad.tensor.view import View

LARGEST = 64  # nodes of a tensor that is looked at

Operands = list[tuple[Node, object]]  # of a product its factors, of a sum its coefficients, of anything else signs


class Likeness(NamedTuple):
    """A tensor but for the names of its inputs and its sign, the names, in the order of their numbers, and the sign.

    `signs` are those that were taken out of each node, the last one out of the whole.
    """

    form: Hashable
    names: tuple[str, ...]
    signs: tuple[int, ...]

    @property
    def sign(self) -> int:
        return self.signs[-1]


class _Looks(NamedTuple):
    """How a node looks, no name being known, which sign is taken out of it, and its operands in order."""

    look: int
    sign: int = 1
    coefficient: Coefficient = 1
    operands: Operands = []  # noqa: RUF012


def likeness(root: Node, views: Mapping[str, View]) -> Likeness | None:
    """The likeness of a tensor whose inputs `views` knows by their names; None where it doesn't, or of a large one."""
    nodes = walk(root)
    if len(nodes) > LARGEST:
        return None
    looks: dict[Node, _Looks] = {}
    for node in nodes:
        if type(node) is Einsum:
            looks[node] = _of_product(node, looks)
        elif type(node) is Add and node.terms:
            looks[node] = _of_sum(node, looks)
        elif type(node) is Input:
            view = views.get(node.name)
            if view is None or view.node is not node:
                return None
            properties = crc32(" ".join(sorted(node.properties)).encode())
            looks[node] = _Looks(hash((*map(key_of, node.shape), properties, view.rows)))
        else:
            inner = [looks[n] for n in node.args]
            look = hash((_number_of_kind(node), *[(o.look, o.sign) for o in inner]))
            looks[node] = _Looks(look, operands=[(n, o.sign) for n, o in zip(node.args, inner, strict=True)])
    return _numbered(root, looks, views)


def _of_product(node: Einsum, looks: Mapping[Node, _Looks]) -> _Looks:
    rank, coefficient = node.rank, node.coefficient
    seen = []
    for place, (n, labels) in enumerate(node.factors):
        inner = looks[n]
        coefficient *= inner.sign
        seen.append((inner.look, tuple([a if a < rank else rank for a in labels]), place))
    seen.sort()
    sign = -1 if coefficient < 0 else 1
    look = hash((2, rank, sign * coefficient, *[s[:2] for s in seen]))
    return _Looks(look, sign, sign * coefficient, [node.factors[place] for _, _, place in seen])


def _of_sum(node: Add, looks: Mapping[Node, _Looks]) -> _Looks:
    """The first term in order is positive."""
    terms = [(looks[n].look, c * looks[n].sign, place) for place, (c, n) in enumerate(node.terms)]
    terms.sort(key=lambda t: (t[0], abs(t[1])))
    sign = -1 if terms[0][1] < 0 else 1
    operands: Operands = [(node.args[place], sign * c) for _, c, place in terms]
    return _Looks(hash((3, *[(look, sign * c) for look, c, _ in terms])), sign, 1, operands)


def _kind(node: Node) -> Hashable:
    """What a node is but for its operands; itself where that is not known."""
    match node:
        case Map():
            return Map, node.op
        case Apply():
            return Apply, node.op, node.batch
        case Power():
            return Power
        case _:
            return node


def _number_of_kind(node: Node) -> int:
    """The same in a number that is alike in every process."""
    match node:
        case Map():
            return crc32(node.op.name.encode())
        case Apply():
            return hash((crc32(node.op.name.encode()), node.batch))
        case Power():
            return 4
        case _:
            return node.key


def _numbered(root: Node, looks: Mapping[Node, _Looks], views: Mapping[str, View]) -> Likeness:
    """Every node with the numbers of its operands, which come before it."""
    number: dict[Node, int] = {}
    records: list[Hashable] = []
    names: list[str] = []
    stack = [root]
    while stack:
        node = stack[-1]
        waiting = [n for n, _ in looks[node].operands if n not in number]
        if waiting:
            stack += waiting[::-1]
            continue
        stack.pop()
        if node not in number:
            number[node] = len(number)
            if type(node) is Input:
                names.append(node.name)
                records.append((Input, node.shape, node.properties, views[node.name].rows))
            else:
                records.append(_record(node, looks[node], number))
    return Likeness(tuple(records), tuple(names), tuple([looks[n].sign for n in number]))


def _record(node: Node, found: _Looks, number: Mapping[Node, int]) -> Hashable:
    if type(node) is Einsum:
        label = {a: a for a in range(node.rank)}
        place = label.setdefault
        factors = [(number[n], tuple([place(a, len(label)) for a in labels])) for n, labels in found.operands]  # type: ignore[attr-defined]
        return (Einsum, node.rank, found.coefficient, *factors)
    kind = Add if type(node) is Add and node.terms else _kind(node)
    return (kind, *[(number[n], c) for n, c in found.operands])
