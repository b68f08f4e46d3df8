"""Words: what matrix notation is made of while it is being put together.

A `Word` is a chain of links read from a row end to a column end; a link is a tree, transposed or not.
A `Term` is a word with a coefficient and scalar factors; `sums` adds terms up.
Everything here is about writing; the meaning was settled in the graph.

>>> from symgrad.notation.text import text
>>> from symgrad.notation.tree import Name
>>> w = Word((Link(Name("A")), Link(Name("x"), vector=True)))
>>> text(w.tree()), text(w.reversed().tree())
('A*x', "x'*A'")
"""

from __future__ import annotations

from fractions import Fraction
from functools import reduce

from symgrad.notation.text import text
from symgrad.notation.tree import Call, Name, Number, Tree, product_factors
from symgrad.operations.catalogue import find
from symgrad.tensor.nodes import Coefficient
from symgrad.tensor.numbers import exact


def call(op: str, *args: Tree) -> Tree:
    """A call of a record by its canonical name."""
    return Call(op, args)


def is_call(tree: Tree, *ops: str) -> bool:
    """Whether a tree is a call of one of these records."""
    return isinstance(tree, Call) and tree.op in ops


class Link:
    """A tree in a chain: a matrix or a column (`vector`), standing transposed or not."""

    __slots__ = ("symmetric", "transposed", "tree_", "vector")

    def __init__(self, tree: Tree, transposed: bool = False, vector: bool = False, symmetric: bool = False):
        self.tree_, self.transposed, self.vector, self.symmetric = tree, transposed, vector, symmetric

    def turned(self) -> Link:
        return self if self.symmetric else Link(self.tree_, not self.transposed, self.vector)

    def tree(self) -> Tree:
        return turned_tree(self.tree_) if self.transposed else self.tree_

    @property
    def key(self) -> tuple[str, bool]:
        """What makes two links the same: what is written, and which way round."""
        return text(self.tree_), self.transposed


def turned_tree(tree: Tree) -> Tree:
    """The transpose, without doubling transposes; of A .* B' it is A' .* B."""
    if not isinstance(tree, Call):
        return call("transpose", tree)
    if tree.op == "transpose":
        return tree.args[0]
    entry = find(tree.op)
    if entry is not None and entry.turned is not None and len(text(tree.args[0])) > 1:
        turned = call(entry.turned, _turned_product(tree.args[0]))
        return min(call("transpose", tree), turned, key=lambda t: len(text(t)))
    if tree.op == "hadamard_power" and isinstance(tree.args[0], Name):
        return call("hadamard_power", turned_tree(tree.args[0]), tree.args[1])
    if tree.op == "hadamard" and is_call(tree.args[1], "transpose") != is_call(tree.args[0], "transpose"):
        return call("hadamard", *map(turned_tree, tree.args))
    return call("transpose", tree)


def _turned_product(tree: Tree) -> Tree:
    """The transpose of A*B as B'*A'."""
    return product_tree([turned_tree(f) for f in reversed(product_factors(tree))])


class Word:
    """A chain of links from a row end to a column end."""

    __slots__ = ("_tree", "links")

    def __init__(self, links: tuple[Link, ...]):
        self.links = links
        self._tree: Tree | None = None

    def reversed(self) -> Word:
        return Word(tuple([link.turned() for link in self.links[::-1]]))

    def joined(self, other: Word) -> Word:
        return Word(self.links + other.links)

    def tree(self) -> Tree:
        if self._tree is None:
            alone = len(self.links) == 1
            self._tree = self.links[0].tree() if alone else product_tree(link_trees(self.links))
        return self._tree

    def weight(self) -> tuple[int, int, str]:
        """Fewest transposes first, then the shorter text: which way round a chain reads better."""
        written = self.keys()
        return sum(link.transposed for link in self.links), len(written), written

    def keys(self) -> str:
        """The links as they are written, one after the other."""
        return "*".join([text(link.tree_) + "'" if link.transposed else text(link.tree_) for link in self.links])

    @property
    def symmetric(self) -> bool:
        return len(self.links) == 1 and self.links[0].symmetric


def link_trees(links: tuple[Link, ...]) -> list[Tree]:
    """The factors of a chain; a matrix that stands several times in a row as a power."""
    trees: list[Tree] = []
    last, times = None, 0
    for link in links:
        if last is not None and not link.vector and link.key == last.key:
            times += 1
            trees[-1] = call("power", last.tree(), Number(Fraction(times)))
        else:
            last, times = link, 1
            trees.append(link.tree())
    return trees


def with_difference_turned(word: Word) -> Word | None:
    """The negative of a word that has a difference a - b for a link: the word with b - a; else None."""
    for i, link in enumerate(word.links):
        tree = turned_difference(link.tree_)
        if tree is not None and sum(other.key[0] == link.key[0] for other in word.links) == 1:
            turned = Link(tree, link.transposed, link.vector, link.symmetric)
            return Word((*word.links[:i], turned, *word.links[i + 1 :]))
    return None


def turned_difference(tree: Tree) -> Tree | None:
    """b - a of a - b, also as a factor of a Kronecker product; None of anything else."""
    if not isinstance(tree, Call):
        return None
    if tree.op == "subtract":
        a, b = tree.args
        several = is_call(a, "add", "subtract", "negate") or is_call(b, "add", "subtract")
        return None if several else call("subtract", b, a)
    if tree.op in ("kron", "transpose"):
        for i, arg in enumerate(tree.args):
            found = turned_difference(arg)
            if found is not None:
                return call(tree.op, *tree.args[:i], found, *tree.args[i + 1 :])
    return None


def vector(tree: Tree) -> Word:
    """The word of a column."""
    return Word((Link(tree, vector=True),))


def matrix(tree: Tree, symmetric: bool = False) -> Word:
    """The word of a matrix; a transpose around it becomes part of the link."""
    if isinstance(tree, Call) and tree.op == "transpose":
        return Word((Link(tree.args[0], transposed=True),))
    return Word((Link(tree, symmetric=symmetric),))


class Term:
    """coefficient * product of scalars^exponents * word; a scalar term has no word.

    `spread` marks a scalar that stands for an array of equal entries, as in `1 - x`.
    """

    __slots__ = ("_order", "_unsigned", "coefficient", "scalars", "spread", "word")

    def __init__(
        self,
        coefficient: Coefficient,
        scalars: tuple[tuple[Tree, Coefficient], ...] = (),
        word: Word | None = None,
        spread: Word | None = None,
    ):
        self.coefficient, self.scalars, self.word, self.spread = coefficient, scalars, word, spread
        self._unsigned: Tree | None = None
        self._order: tuple[object, ...] | None = None

    def tree(self) -> Tree:
        """The term with its sign inside the coefficient."""
        tree = self.unsigned
        return call("negate", tree) if self.coefficient < 0 else tree

    @property
    def unsigned(self) -> Tree:
        """|coefficient| * scalars * word, scalars with negative exponents as a divisor."""
        if self._unsigned is None:
            self._unsigned = self._written()
        return self._unsigned

    def _written(self) -> Tree:
        if self.word is not None and not self.scalars and self.coefficient in (1, -1):
            return self.word.tree()
        above: list[Tree] = []
        below: list[Tree] = []
        for tree, exponent in self.scalars:
            (above if exponent > 0 else below).append(powered(tree, exponent if exponent > 0 else -exponent))
        size = self.coefficient if self.coefficient > 0 else -self.coefficient
        if isinstance(size, Fraction) and size.denominator > 1 and not _short_decimal(size):
            below.insert(0, Number(Fraction(size.denominator)))
            size = size.numerator
        links = link_trees(self.word.links) if self.word else []
        if size != 1:
            above.insert(0, Number(Fraction(size)))
        if below and links and any(is_call(t, "multiply") for t in above):  # (x'*y)/n*x needs no parentheses
            front = prefixed(*above) if len(above) == 2 and isinstance(above[0], Number) else product_tree(above)
            return product_tree([call("divide", front, product_tree(below)), *links])
        top = self._numerator(above, links, bool(below))
        if not below:
            return top
        if isinstance(top, Call) and top.op == "divide" and len(top.args) == 2:
            top, below = top.args[0], [top.args[1], *below]
        return call("divide", top, reduce(lambda a, b: call("multiply", a, b), below))

    def _numerator(self, scalars: list[Tree], links: list[Tree], divided: bool) -> Tree:
        """Scalars and links in the order that needs the fewest parentheses."""
        if not (scalars or links):
            return Number(Fraction(1))
        if scalars and len(links) == 1:
            inside = _scaled_inside(scalars, links[0], divided)
            if inside is not None:
                return inside
        if len(scalars) == 2 and not links and isinstance(scalars[0], Number):
            return prefixed(*scalars)
        if scalars and links and is_call(scalars[0], "multiply") and not is_call(links[0], "eye"):
            scalars, links = links, scalars  # x*(x'*y): a product in front would run into the rest
        return product_tree(scalars + links)

    def scaled(self, c: Coefficient) -> Term:
        found = Term(exact(self.coefficient * c), self.scalars, self.word, self.spread)
        if self._order is not None:  # the sign and the size of the coefficient are all that changes
            found._order = (found.coefficient < 0, *self._order[1:-1], abs(found.coefficient))
        return found

    def turned(self) -> Term:
        """The transpose."""
        word, spread = (None if w is None else w.reversed() for w in (self.word, self.spread))
        return Term(self.coefficient, self.scalars, word, spread)

    def closed(self) -> Tree:
        """As it stands alone: a spread scalar is written with its ones."""
        if self.spread is None:
            return self.tree()
        return Term(self.coefficient, self.scalars, self.spread).tree()

    @property
    def order(self) -> tuple[object, ...]:
        """Where it stands in a sum: positive first, longer products first, fewer transposes first."""
        if self._order is None:
            self._order = self._ordered()
        return self._order

    def _ordered(self) -> tuple[object, ...]:
        degree = turned = 0  # how many vectors and matrices are multiplied; of a scalar, how many factors
        constant = self.spread is not None
        if self.word is None:
            degree, written = len(self.scalars), ""
        else:
            written = self.word.keys()
            for link in self.word.links:
                op = link.tree_.op if isinstance(link.tree_, Call) else ""
                degree += 2 if op in ("hadamard", "hadamard_power") else 1
                constant = constant or op in ("eye", "ones")
                turned += link.transposed
        scalars = [(text(t), float(e)) for t, e in self.scalars]
        size = len(written) + sum([len(t) for t, _ in scalars])
        return self.coefficient < 0, 0 if constant else -degree, turned, size, written, scalars, abs(self.coefficient)


def product_tree(parts: list[Tree]) -> Tree:
    """The product from left to right."""
    return reduce(lambda a, b: call("multiply", a, b), parts)


def prefixed(front: Tree, tree: Tree) -> Tree:
    """front * (a*b*c) as front*a*b*c."""
    return product_tree([front, *product_factors(tree)])


def _scaled_inside(scalars: list[Tree], tree: Tree, divided: bool) -> Tree | None:
    """2*(a .* b) as 2*a .* b, t*(1 ./ x) as t ./ x: scalars go to the first factor, where that saves parentheses."""
    if is_call(tree, "diag"):
        inner = _scaled_inside(scalars, tree.args[0], divided) if _is_reciprocal(tree.args[0]) else None  # type: ignore[union-attr]
        return None if inner is None else call("diag", inner)
    spine: list[tuple[str, Tree]] = []
    first = tree
    while isinstance(first, Call) and first.op in ("hadamard", "hadamard_divide"):
        spine.append((first.op, first.args[1]))
        first = first.args[0]
    kept_apart = divided and not _is_reciprocal(tree) and not is_call(tree, "hadamard")
    if not spine or kept_apart or is_call(scalars[0], "multiply"):
        return None
    front = product_tree(scalars)
    start = front if first == _ONE else prefixed(front, first)
    return reduce(lambda a, b: call(b[0], a, b[1]), reversed(spine), start)


_ONE = Number(Fraction(1))


def _is_reciprocal(tree: Tree) -> bool:
    return is_call(tree, "hadamard_divide") and tree.args[0] == _ONE  # type: ignore[union-attr]


def _short_decimal(value: Fraction) -> bool:
    """Whether a fraction is better written as a decimal: 0.5, 0.25, 1.5."""
    return 10_000 % value.denominator == 0


def powered(tree: Tree, exponent: Coefficient) -> Tree:
    """A scalar to a power: sqrt for one half, nothing for one."""
    if exponent == 1:
        return tree
    if exponent == Fraction(1, 2):
        return call("sqrt", tree)
    if exponent == -1:
        return call("divide", Number(Fraction(1)), tree)
    value = Number(abs(Fraction(exponent)))
    return call("power", tree, value if exponent > 0 else call("negate", value))


def entrywise_factors(tree: Tree) -> list[Tree]:
    """a, b, c of a .* b .* c."""
    factors: list[Tree] = []
    while isinstance(tree, Call) and tree.op == "hadamard":
        factors.append(tree.args[1])
        tree = tree.args[0]
    return [tree, *reversed(factors)]


def is_mask(tree: Tree) -> bool:
    """Whether a tree is an Iverson bracket."""
    return is_call(tree, "gt", "ge", "lt", "le", "eq", "ne")
