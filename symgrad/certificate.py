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

from symgrad.calculus.present import expanded, present
from symgrad.errors import LimitError, SymgradError
from symgrad.notation.lower import Scope, lower
from symgrad.notation.tree import Tree
from symgrad.operations.shapes import regrouped
from symgrad.tensor.nodes import walk
from symgrad.tensor.view import View

QUICK = 8  # terms up to which a certificate multiplies out before it turns to the prime field


def certified(tree: Tree, scope: Scope, wanted: View) -> bool:
    """Whether a printed form, read back, is this tensor: the same node, else equal in a prime field."""
    try:
        back = lower(tree, scope)
    except SymgradError:
        return False
    return same(back, wanted)


def same(a: View, b: View) -> bool:
    """Whether two readings are one matrix: `a` presented is `b`, the same normal form, or equal in a prime field."""
    if a.shape != b.shape:
        return False
    if a.node.shape == b.node.shape:
        if a.node is b.node:
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
