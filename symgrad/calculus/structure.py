"""Variables with structure: what the derivative by a symmetric, triangular, ... matrix means.

G being the derivative with all entries independent, each kind of variable has its convention:

| declared          | project (the default)      | free: by the free entries     |
| ----------------- | -------------------------- | ----------------------------- |
| symmetric, spd    | (G + G')/2                 | G + G' - diag(diagonal(G)), duplication-matrix form |
| skew              | (G - G')/2                 | G - G'                        |
| diagonal          | diag(diagonal(G))          | the same: those entries are free |
| lower, upper      | tril(G), triu(G)           | the same                      |
| orthogonal        | G - Q (Q'G + G'Q)/2, the part of G along the orthogonal matrices near Q | has none: an error |

`ignore` is G itself.  Two triangles, or a triangle and symmetric, are diagonal; orthogonal counts before the rest.

>>> from symgrad.tensor.nodes import Input
>>> from symgrad.tensor.build import einsum
>>> from symgrad.tensor.dims import letter
>>> S = Input.make("S", (letter("n"),) * 2, frozenset({"symmetric"}))
>>> x, y = (Input.make(a, (letter("n"),)) for a in "xy")
>>> G = einsum([(x, "i"), (y, "j")], "ij")
>>> structured(G, View(S, 1), "project", "S") is add([(Fraction(1, 2), G), (Fraction(1, 2), permuted(G, (1, 0)))])
True
"""

from __future__ import annotations

from fractions import Fraction

from symgrad.errors import NotDifferentiableError
from symgrad.tensor.build import add, einsum, permuted
from symgrad.tensor.nodes import Delta, Input, Node, Triangle
from symgrad.tensor.view import View

STRUCTURES = ("project", "free", "ignore")


def structured(node: Node, variable: View, structure: str, name: str) -> Node:
    """The derivative (its last axes the variable's) with the variable's declared structure taken into account.

    Raises NotDifferentiableError where the structure has no free entries to derive by.
    """
    properties = variable.node.properties if isinstance(variable.node, Input) else frozenset()
    if structure == "ignore" or variable.node.rank != 2:
        return node
    if "orthogonal" in properties:
        if structure == "free":
            raise NotDifferentiableError(
                f"the entries of an orthogonal matrix {name} are not free",
                hint="structure='project' for the part along the orthogonal matrices, 'ignore' for all entries",
            )
        return _along_orthogonal(node, variable.node)
    triangles, symmetric = properties & {"lower", "upper"}, properties & {"symmetric", "spd"}
    if "diagonal" in properties or len(triangles) == 2 or (triangles and symmetric):
        return _on_diagonal(node)
    if triangles:
        return _on_triangle(node, lower="lower" in properties)
    sign = -1 if "skew" in properties else 1 if symmetric else 0
    return _mirrored(node, sign, structure) if sign else node


def _mirrored(node: Node, sign: int, structure: str) -> Node:
    turned = _turned(node)
    if structure == "project":
        return add(((Fraction(1, 2), node), (Fraction(sign, 2), turned)), node.shape)
    terms = [(1, node), (sign, turned)]
    return add([*terms, (-1, _on_diagonal(node))] if sign > 0 else terms, node.shape)


def _turned(node: Node) -> Node:
    return permuted(node, (*range(node.rank - 2), node.rank - 1, node.rank - 2))


def _on_diagonal(node: Node) -> Node:
    """Only the entries with both last indices equal."""
    rank = node.rank
    factors = [(node, (*range(rank - 2), "d", "d")), (Delta.make(node.shape[-1]), (rank - 2, rank - 1))]
    return einsum([*factors, (Delta.make(node.shape[-1]), ("d", rank - 2))], range(rank))


def _on_triangle(node: Node, lower: bool) -> Node:
    """Only the entries whose last indices lie on the free side of the diagonal."""
    rank = node.rank
    ends = (rank - 2, rank - 1) if lower else (rank - 1, rank - 2)
    mask = Triangle.make(*(node.shape[a] for a in ends))
    return einsum([(node, range(rank)), (mask, ends)], range(rank))


def _along_orthogonal(node: Node, variable: Node) -> Node:
    """G - Q (Q'G + G'Q)/2 = (G - Q G' Q)/2, since Q Q' = I."""
    outer, k, l = tuple(range(node.rank - 2)), node.rank - 2, node.rank - 1
    turned = einsum([(variable, (k, "a")), (node, (*outer, "b", "a")), (variable, ("b", l))], (*outer, k, l))
    return add(((Fraction(1, 2), node), (Fraction(-1, 2), turned)), node.shape)
