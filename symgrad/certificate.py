"""Nothing unverified is printed: a printed form is read back and must be the tensor that was computed.

The same node, else the same normal form, else equal values in a prime field at several sizes.

>>> from symgrad.notation.declare import declare
>>> from symgrad.notation.grammar import parse
>>> scope = Scope.of(declare("A: R^{n x n}; x: R^n"))
>>> wanted = lower(parse("A*x + A'*x"), scope)
>>> certified(parse("(A + A')*x"), scope, wanted), certified(parse("2*A*x"), scope, wanted)
(True, False)
"""

from __future__ import annotations

from collections.abc import Hashable

from symgrad.calculus.present import expanded, present
from symgrad.errors import LimitError, SymgradError
from symgrad.notation.entries import parse_entries
from symgrad.notation.lower import Scope, lower
from symgrad.notation.tree import Tree
from symgrad.operations.shapes import regrouped
from symgrad.tensor.build import add, einsum, inlined, product_of, scaled
from symgrad.tensor.nodes import Add, Coefficient, Einsum, Node, walk
from symgrad.tensor.view import View

QUICK = 8  # terms up to which a certificate multiplies out before it turns to the prime field
OPENED = 16  # factors up to which nested products are opened first of all

Factors = list[tuple[Node, tuple[Hashable, ...]]]
Terms = list[tuple[Coefficient, Node]]


def certified(tree: Tree, scope: Scope, wanted: View) -> bool:
    """Whether a printed form, read back, is this tensor: the same node, else equal in a prime field."""
    try:
        back = lower(tree, scope, flat=True)
    except SymgradError:
        return False
    return same(back, wanted)


def contradicted(written: str, scope: Scope, wanted: Node) -> bool:
    """Whether index notation, read back, is another tensor; what cannot be read contradicts nothing."""
    try:
        back = lower(parse_entries(written), scope)
    except SymgradError:
        return False
    return not same(back, View(wanted, back.rows))


def same(a: View, b: View) -> bool:
    """Whether two readings are one matrix: `a` presented is `b`, the same normal form, or equal in a prime field."""
    if a.node is b.node and a.rows == b.rows:
        return True
    if a.shape != b.shape:
        return False
    if a.node.shape == b.node.shape:
        if a.node is b.node:
            return True
        if _opened(a.node) is _opened(b.node):
            return True
        written = _written_out(a.node) if a.node.rank > 1 else None
        if written is not None and written is _written_out(b.node):
            return True
        if Add in (type(a.node), type(b.node)) and _multiplied(a.node) is _multiplied(b.node):
            return True
        settled = {n: n for n in walk(b.node)}  # what stands in `b` too is as it should be
        if present(a.node, settled) is b.node:
            return True
        try:
            if expanded(a.node, QUICK) is expanded(b.node, QUICK):
                return True
        except LimitError:  # too many terms to multiply out
            pass
    from symgrad.numeric.field import same_in_field

    return same_in_field(a.node, regrouped(b, a.row_sizes, a.column_sizes).node)


def _multiplied(node: Node) -> Node:
    """The same tensor, products opened and a sum in each multiplied out: what most proofs need."""
    terms = node.terms if type(node) is Add else ((1, node),)  # type: ignore[attr-defined]
    found = [(c * d, term) for c, n in terms for d, term in _terms(n)]
    return scaled(*found[0]) if len(found) == 1 else add(found, node.shape)


def _opened(node: Node) -> Node:
    """The same tensor, the products in a product opened."""
    if type(node) is not Einsum or Einsum not in {type(a) for a in node.args}:
        return node
    coefficient, factors = node.coefficient, Factors()
    todo: Factors = [*node.factors]
    while todo:
        inner, labels = todo.pop()
        if type(inner) is Einsum and len(factors) + len(todo) < OPENED:
            coefficient *= inner.coefficient
            todo += inlined(inner, labels)
        else:
            factors.append((inner, labels))
    return einsum(factors, range(node.rank), coefficient)


def _written_out(root: Node) -> Node | None:
    """The same tensor as a sum of products, sums of matrices multiplied out; None where there are none, or too many.

    Sums of vectors stay factors: what a Hessian is made of, `diag(1 - h.^2)*W'*(...)*W*diag(1 - h.^2)`, doubles with
    each of them, but has one term for each of its matrix sums.
    """
    out, found, sums = tuple(range(root.rank)), Terms(), 0
    todo: list[tuple[Coefficient, Factors, Factors]] = [(1, [], [(root, out)])]  # number, factors done, to be looked at
    while todo:
        coefficient, closed, waiting = todo.pop()
        while waiting:
            node, labels = waiting.pop()
            if type(node) is Einsum:
                coefficient *= node.coefficient
                waiting += inlined(node, labels)
            elif type(node) is Add and node.terms and (node.rank > 1 or node is root):
                sums += node.rank > 1
                todo += [(coefficient * c, [*closed], [*waiting, (n, labels)]) for c, n in node.terms[1:]]
                coefficient *= node.terms[0][0]
                waiting.append((node.terms[0][1], labels))
            else:
                closed.append((node, labels))
            if len(todo) + len(found) >= QUICK or len(closed) + len(waiting) > 2 * OPENED:
                return None
        found.append((coefficient, product_of(closed, out)))
    return add(found, root.shape) if sums else None


def _terms(node: Node) -> Terms:
    """The terms of a product, one sum in it multiplied out."""
    node = _opened(node)
    if type(node) is Einsum:
        for place, (inner, labels) in enumerate(node.factors):
            if type(inner) is Add and len(inner.terms) <= QUICK:
                rest, out = [*node.factors[:place], *node.factors[place + 1 :]], range(node.rank)
                terms = ((c, einsum([*rest, (n, labels)], out, node.coefficient)) for c, n in inner.terms)
                return [(c, _opened(n)) for c, n in terms]
    return [(1, node)]
