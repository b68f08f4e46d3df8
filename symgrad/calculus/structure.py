"""Variables with structure: what the derivative by a symmetric, skew or diagonal matrix means.

project  the gradient projected onto the structure: (G + G')/2 for symmetric (the default)
free     the derivative by the free entries: G + G' - diag(G) for symmetric (duplication-matrix form)
ignore   all entries independent

>>> from symgrad.tensor.nodes import Input
>>> from symgrad.tensor.build import einsum
>>> from symgrad.tensor.dims import letter
>>> S = Input.make("S", (letter("n"),) * 2, frozenset({"symmetric"}))
>>> x, y = (Input.make(a, (letter("n"),)) for a in "xy")
>>> structured(einsum([(x, "i"), (y, "j")], "ij"), View(S, 1), "project", "S")
(1/2*(1 x[1] y[0] -> 2) + 1/2*(1 x[0] y[1] -> 2))
"""

from __future__ import annotations

from fractions import Fraction

from symgrad.errors import NotDifferentiableError
from symgrad.tensor.build import add, einsum, permuted
from symgrad.tensor.nodes import Delta, Input, Node
from symgrad.tensor.view import View

STRUCTURES = ("project", "free", "ignore")


def structured(node: Node, variable: View, structure: str, name: str) -> Node:
    """The derivative (its last axes the variable's) with the variable's declared structure taken into account.

    Raises NotDifferentiableError for a structure whose derivative is not known.
    """
    properties = variable.node.properties if isinstance(variable.node, Input) else frozenset()
    if structure == "ignore" or variable.node.rank != 2:
        return node
    if properties & {"lower", "upper"}:
        raise NotDifferentiableError(
            f"the derivative by the triangular variable {name} is not projected yet",
            hint="structure='ignore' treats all its entries as independent",
        )
    if "diagonal" in properties:
        return _on_diagonal(node)
    sign = -1 if "skew" in properties else 1 if properties & {"symmetric", "spd"} else 0
    if not sign:
        return node
    turned = permuted(node, (*range(node.rank - 2), node.rank - 1, node.rank - 2))
    if structure == "project":
        return add(((Fraction(1, 2), node), (Fraction(sign, 2), turned)), node.shape)
    terms = [(1, node), (sign, turned)]
    return add([*terms, (-1, _on_diagonal(node))] if sign > 0 else terms, node.shape)


def _on_diagonal(node: Node) -> Node:
    """Only the entries with both last indices equal."""
    rank = node.rank
    factors = [(node, (*range(rank - 2), "d", "d")), (Delta.make(node.shape[-1]), (rank - 2, rank - 1))]
    return einsum([*factors, (Delta.make(node.shape[-1]), ("d", rank - 2))], range(rank))
