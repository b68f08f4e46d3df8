"""The entry of a tensor as a SymPy expression: sums over indices of matrix elements.

Indices are i, j, k, l, ... counting from 0, as SymPy's matrix elements do; summed ones run over their
dimension.  Used where a derivative has no closed matrix notation.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping
from typing import Any

import sympy

from symgrad.errors import NotDifferentiableError
from symgrad.notation.declare import Declaration
from symgrad.notation.indexed import letters_for, taken
from symgrad.notation.lift import Lifter
from symgrad.notation.network import NoMatrixForm
from symgrad.notation.sympy_symbols import size_expression
from symgrad.notation.sympy_writer import to_sympy
from symgrad.tensor.dims import Size
from symgrad.tensor.nodes import Add, Coefficient, Delta, Einsum, Node, Ones


def indexed_to_sympy(node: Node, declared: Mapping[str, Declaration]) -> Any:
    """The entry [i, j, k, ...] of a tensor.  Raises NotDifferentiableError where a factor has no notation."""
    terms = node.terms if isinstance(node, Add) else ((1, node),)
    rows = [name for name, d in declared.items() if d.kind == "row"]
    names = taken(node)
    return sympy.Add(*(_term(c, n, declared, Lifter(rows), names) for c, n in terms))


def _term(
    coefficient: Coefficient, node: Node, declared: Mapping[str, Declaration], lifter: Lifter, names: Collection[str]
) -> Any:
    factors = node.factors if isinstance(node, Einsum) else ((node, tuple(range(node.rank))),)
    scale = coefficient * (node.coefficient if isinstance(node, Einsum) else 1)
    count = 1 + max((a for _, labels in factors for a in labels), default=node.rank - 1)
    index = [sympy.Symbol(a, integer=True, nonnegative=True) for a in letters_for(max(count, node.rank), names)]
    sizes: dict[Hashable, Size] = {a: s for n, labels in factors for a, s in zip(labels, n.shape, strict=True)}
    body = sympy.Mul(*(_entry(n, [index[a] for a in labels], declared, lifter) for n, labels in factors))
    bound = [a for a in range(node.rank, count) if a in sizes]
    ranges = [(index[a], 0, size_expression(sizes[a]) - 1) for a in bound]
    return sympy.Rational(scale) * (sympy.Sum(body, *ranges) if ranges else body)


def _entry(node: Node, index: list[Any], declared: Mapping[str, Declaration], lifter: Lifter) -> Any:
    if isinstance(node, Delta):
        return sympy.KroneckerDelta(*index)
    if isinstance(node, Ones):
        return sympy.Integer(1)
    try:
        matrix = to_sympy(lifter.lift(node), declared)
    except NoMatrixForm:
        raise NotDifferentiableError("a factor of this tensor has no matrix notation", hint="D.tensor(...)") from None
    return matrix[(*index, 0)[:2]] if index else matrix
