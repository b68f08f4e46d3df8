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
from collections.abc import Callable, Collection, Hashable, Mapping

from symgrad.calculus.cancel import components
from symgrad.calculus.present import present
from symgrad.notation.lift import Lifter
from symgrad.notation.likeness import Likeness, likeness
from symgrad.notation.lower import Scope
from symgrad.notation.network import NoMatrixForm
from symgrad.notation.sharing import Shared
from symgrad.notation.stacked import lift_arranged
from symgrad.notation.tree import Tree, renamed
from symgrad.tensor.build import einsum, permuted, scaled, unit
from symgrad.tensor.nodes import Add, Einsum, Input, Node, walk
from symgrad.tensor.view import View

WORTH = 8  # symbols a part must have to get a name
BULKY = 12  # symbols from which on a sum of matrices gets a name though it stands at one place only

Axes = tuple[int, ...]
Proof = Callable[[Tree, Scope, View], bool]  # whether a tree, read in a scope, is a tensor


def symbols(root: Node, names: Collection[Node] = ()) -> int:
    """How many nodes the expression would have were it written out, what is shared each time anew, `names` as one."""
    return _measured(root, names)[0]


def is_repetitive(root: Node, symbols: int, times: int, names: Collection[Node] = ()) -> bool:
    """Whether an expression written out has more than so many symbols, and so many times what it is made of."""
    if not names and root.symbols <= symbols:
        return False
    written, nodes = _measured(root, names)
    return written > symbols and written > times * nodes


def _measured(root: Node, names: Collection[Node]) -> tuple[int, int]:
    """The symbols of an expression written out, and its distinct nodes."""
    size = dict.fromkeys(names, 1)
    order = walk(root, beyond=names)
    for node in order:
        size[node] = 1 + sum([size[a] for a in node.args]) if node.args else 1
    return size[root], len(order)


class InParts:
    """The naming of one answer.  `scope` is extended by the names that are given."""

    def __init__(self, scope: Scope, rows: Collection[str], proved: Proof) -> None:
        self.scope, self.lifter, self.proved = scope, Lifter(rows), proved
        self.parts: list[tuple[str, Tree]] = []
        self.named: dict[Node, Node] = {}
        self.size: dict[Node, int] = {}
        self.alike: dict[Hashable, tuple[Likeness, int, Tree | None]] = {}  # parts that others may be like

    def shared(self, root: Node, names: Mapping[Node, Node], rows: Axes, columns: Axes) -> Shared | None:
        """The parts and the result with these axes as rows and columns; None where it has no matrix notation.

        `names` are those of the program.
        """
        uses = Counter(a for node in walk(root, beyond=names) for a in node.args)

        def naming(node: Node, made: Node) -> Node:
            worth = node.rank and node is not root and (uses[node] > 1 or self._is_bulky(made))
            return self._parted(made) if worth else made

        tree = self._tree(present(root, names, (), naming), rows, columns)
        return None if tree is None else Shared(tuple(self.parts), tree)

    def _is_bulky(self, node: Node) -> bool:
        """Whether a product with a sum of matrices in it is long: nested in one another they could not be read."""
        return any(isinstance(a, Add) and a.rank == 2 for a in node.args) and self._symbols(node) >= BULKY

    def _parted(self, node: Node) -> Node:
        """A node that stands at several places as a name; of one with many axes, its parts that lie apart."""
        if node.rank <= 2:
            return self._name(node)
        if not isinstance(node, Einsum):
            return node
        factors: list[tuple[Node, tuple[Hashable, ...]]] = []
        for group in components([*node.factors]):
            touched = {a for _, labels in group for a in labels}
            ends = tuple(a for a in range(node.rank) if a in touched)
            if len(group) > 1 and 0 < len(ends) <= 2:
                factors.append((self._name(einsum(group, ends)), ends))
            else:
                factors += group
        return einsum(factors, range(node.rank), node.coefficient)

    def _name(self, node: Node) -> Node:
        """The name of a node, given if it is worth one and can be written, else the node."""
        if isinstance(node, Einsum) and node.coefficient != 1:
            return scaled(node.coefficient, self._name(unit(node)))
        if node not in self.named:
            self.named[node] = node
            if self._symbols(node) < WORTH:
                return node
            sign, tree = self._written(node)
            if tree is not None:
                name = self._fresh()
                self.parts.append((name, tree))
                array = Input.make(name, node.shape)
                self.scope.views[name] = View(array, 1)
                self.named[node] = scaled(sign, array)
        return self.named[node]

    def _written(self, node: Node) -> tuple[int, Tree | None]:
        """A sign, and how the node with this sign is written: as a part that it is like, with its own names."""
        like = likeness(node, self.scope.views)
        if like is None:
            return self._lifted(node)
        names = sorted(like.names)  # what is written is sorted by name, and by length and name
        signs = like.signs if type(node) is Add else ()  # a sum has no sign in front: each shows in what is written
        key = like.form, signs, *map(names.index, like.names), *map(sorted(names, key=len).index, like.names)
        known = self.alike.get(key)
        if known is not None:
            other, sign, tree = known
            written = tree if tree is None else renamed(tree, dict(zip(other.names, like.names, strict=True)))
            return sign * other.sign * like.sign, written
        sign, tree = self._lifted(node)
        self.alike[key] = like, sign, tree
        return sign, tree

    def _lifted(self, node: Node) -> tuple[int, Tree | None]:
        sign = -1 if self.lifter.reads_better_negated(node) else 1
        return sign, self._tree(scaled(sign, node), (0,), tuple(range(1, node.rank)))

    def _symbols(self, root: Node) -> int:
        size, stack = self.size, [root]
        while stack:
            node = stack[-1]
            waiting = [a for a in node.args if a not in size]
            if waiting:
                stack += waiting
            else:
                size[stack.pop()] = 1 + sum([size[a] for a in node.args])
        return size[root]

    def _fresh(self) -> str:
        number = len(self.parts) + 1
        while f"t{number}" in self.scope.views or f"t{number}" in self.scope.letters:
            number += 1
        return f"t{number}"

    def _tree(self, node: Node, rows: Axes, columns: Axes) -> Tree | None:
        try:
            tree = lift_arranged(node, rows, columns, self.lifter)
        except NoMatrixForm:
            return None
        return tree if self.proved(tree, self.scope, View(permuted(node, (*rows, *columns)), len(rows))) else None
