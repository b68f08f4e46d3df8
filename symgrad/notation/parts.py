"""An answer too long to be written out: parts of the graph that stand at several places get names first.

A residual chain hands each gradient on twice, so its answer written as one expression doubles with every
step while its graph grows by a few nodes.  Here names are given in the graph, before anything is written:
each part, in terms of the parts before it, is lifted and proved by itself, so that time, memory and text
stay linear in the graph.  What counts as proved is the caller's business.

>>> from symgrad.tensor.build import einsum, plus
>>> from symgrad.tensor.dims import letter
>>> A, x = Input.make("A", (letter("n"),) * 2), Input.make("x", (letter("n"),))
>>> def doubled(u): return plus(u, einsum([(A, "ij"), (u, "j")], "i"))
>>> y = doubled(doubled(doubled(doubled(x))))
>>> symbols(y), symbols(doubled(y))
(61, 125)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection

from symgrad.calculus.present import present
from symgrad.notation.lift import Lifter
from symgrad.notation.lower import Scope
from symgrad.notation.network import NoMatrixForm
from symgrad.notation.sharing import Shared
from symgrad.notation.stacked import lift_arranged
from symgrad.notation.tree import Tree
from symgrad.tensor.build import permuted
from symgrad.tensor.nodes import Input, Node, walk
from symgrad.tensor.view import View

WORTH = 8  # symbols a part must have to get a name

Axes = tuple[int, ...]
Proof = Callable[[Tree, Scope, View], bool]  # whether a tree, read in a scope, is a tensor


def symbols(root: Node) -> int:
    """How many nodes the expression would have were it written out, what is shared each time anew."""
    size: dict[Node, int] = {}
    for node in walk(root):
        size[node] = 1 + sum(size[a] for a in node.args)
    return size[root]


class InParts:
    """The naming of one answer.  `scope` is extended by the names that are given."""

    def __init__(self, scope: Scope, rows: Collection[str], proved: Proof) -> None:
        self.scope, self.rows, self.proved = scope, rows, proved
        self.names: dict[Node, Node] = {}
        self.parts: list[tuple[str, Tree]] = []

    def shared(self, root: Node, rows: Axes, columns: Axes) -> Shared | None:
        """The parts and the result with these axes as rows and columns; None where it has no matrix notation."""
        uses = Counter(a for node in walk(root) for a in node.args)
        size: dict[Node, int] = {}
        for node in walk(root):
            size[node] = 1 + sum(size[a] for a in node.args)
            worth = uses[node] > 1 and 0 < node.rank <= 2 and size[node] >= WORTH
            if worth and node is not root and self._named(node):
                size[node] = 1
        tree = self._tree(present(root, self.names), rows, columns)
        return None if tree is None else Shared(tuple(self.parts), tree)

    def _named(self, node: Node) -> bool:
        """Give a node a name if it can be written."""
        part = present(node, self.names)
        tree = self._tree(part, (0,), tuple(range(1, node.rank)))
        if tree is None:
            return False
        number = len(self.parts) + 1
        while f"t{number}" in self.scope.views or f"t{number}" in self.scope.letters:
            number += 1
        self.parts.append((f"t{number}", tree))
        self.names[node] = Input.make(f"t{number}", node.shape)
        self.scope.views[f"t{number}"] = View(self.names[node], 1)
        return True

    def _tree(self, node: Node, rows: Axes, columns: Axes) -> Tree | None:
        try:
            tree = lift_arranged(node, rows, columns, Lifter(self.rows))
        except NoMatrixForm:
            return None
        return tree if self.proved(tree, self.scope, View(permuted(node, (*rows, *columns)), len(rows))) else None
