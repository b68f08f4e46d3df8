"""Sums and entrywise products in the order in which the reader wrote them.

An answer is put together in an order of its own.  Where a sum or an entrywise product in it has the very terms
of one in the source, it is written as there: `A + x*y'` and `y .* (X*w)` stay so.  A difference that is squared,
or stands twice in a product, is turned round where the source has it the other way.  All of this is about
writing: the tree is read back and proved afterwards like any other.

>>> from symgrad.notation.grammar import parse
>>> from symgrad.notation.text import text
>>> text(Familiar([parse("det(A + x*y') + norm2(x - a)")]).tree(parse("inv(x*y' + A)*(a - x)*(a - x)'")))
"inv(A + x*y')*(x - a)*(x - a)'"
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from collections.abc import Set as AbstractSet

from symgrad.notation.text import text
from symgrad.notation.tree import Call, Number, Tree, is_transpose, postorder, product_factors

CHAIN = 12  # terms up to which the beginning of a longer chain is looked at by itself
_SUMS = ("add", "subtract")
_LEARNT = frozenset((*_SUMS, "hadamard", "det"))
_WRITTEN = (" + ", " - ", ".*", "det(")  # what is in the text where one of these is in the tree
_EVEN = ("norm2", "normF", "norm1", "norminf", "abs")

Terms = list[tuple[bool, Tree]]  # whether subtracted, and what


class Familiar:
    """The orders that a source has, and trees written in them."""

    def __init__(self, source: Iterable[Tree]) -> None:
        self.sums: dict[frozenset[tuple[bool, str]], list[str]] = {}
        self.products: dict[tuple[str, ...], list[str]] = {}
        self.determinants: list[tuple[Counter[str], Tree]] = []
        self.source = source

    def _learn_all(self) -> None:
        todo, inside = list(self.source), set[int]()
        while todo:
            part = todo.pop()  # before its arguments
            if isinstance(part, Call):
                if part.op in _LEARNT and id(part) not in inside:
                    self._learn(part, inside)
                todo.extend(part.args)

    def _learn(self, part: Call, inside: set[int]) -> None:
        if part.op in _SUMS and len(part.args) == 2:
            terms = _terms(part, inside)
            self.sums.setdefault(frozenset(_keys(terms)), [text(t) for _, t in terms])
        elif part.op == "det" and isinstance(part.args[0], Call) and part.args[0].op == "multiply":
            factors = [f.args[0] if is_transpose(f) else f for f in product_factors(part.args[0])]  # type: ignore[union-attr]
            self.determinants.append((Counter(map(text, factors)), part))
        elif part.op == "hadamard":
            written = [text(f) for f in _factors(part, inside)]
            self.products.setdefault(tuple(sorted(written)), written)

    def tree(self, tree: Tree) -> Tree:
        """The tree with its sums and entrywise products in the order of the source."""
        written = text(tree)
        if not any(sign in written for sign in _WRITTEN):
            return tree
        self._learn_all()
        if not self.sums and not self.products and not self.determinants:
            return tree
        parts = list(postorder(tree))
        stack: list[Tree] = []
        changed = False
        begun = _beginnings(parts)
        for part in parts:
            if not isinstance(part, Call) or not part.args:
                stack.append(part)
                continue
            count = len(part.args)
            args = tuple(stack[-count:])
            del stack[-count:]
            same = all(a is b for a, b in zip(args, part.args, strict=True))
            call = part if same else Call(part.op, args)
            made = call if id(part) in begun else self._written(call)
            changed = changed or made is not part
            stack.append(made)
        return stack[-1] if changed else tree

    def _written(self, part: Call) -> Tree:
        """One part, its arguments being written already."""
        if part.op in _SUMS and len(part.args) == 2:
            return self._sum(part) if self.sums else part
        if part.op == "hadamard":
            return self._product(part) if self.products else part
        if part.op in _EVEN or (part.op == "hadamard_power" and _is_even(part.args[1])):
            turned = self._turned(part.args[0])
            return part if turned is None else Call(part.op, (turned, *part.args[1:]))
        return self._pair(part) if part.op == "multiply" and (self.sums or self.determinants) else part

    def _sum(self, part: Call) -> Tree:
        terms = _terms(part, set())
        order = self.sums.get(frozenset(_keys(terms)))
        if order is None or len(order) != len(terms):
            return part
        return _total(sorted(terms, key=lambda t: order.index(text(t[1]))))

    def _product(self, part: Call) -> Tree:
        factors = _factors(part, set())
        order = self.products.get(tuple(sorted(text(f) for f in factors)))
        if order is None:
            return part
        first, *rest = sorted(factors, key=lambda f: order.index(text(f)))
        for factor in rest:
            first = Call("hadamard", (first, factor))
        return first

    def _turned(self, tree: Tree) -> Tree | None:
        """b - a for a - b, where the source has that."""
        if not (isinstance(tree, Call) and tree.op in _SUMS and len(tree.args) == 2):
            return None
        keys = _keys(_terms(tree, set()))
        order = self.sums.get(frozenset([(not minus, written) for minus, written in keys]))
        if order is None or len(order) != len(keys) or frozenset(keys) in self.sums:
            return None
        terms = [(not minus, t) for minus, t in _terms(tree, set())]
        ordered = sorted(terms, key=lambda t: order.index(text(t[1])))
        return None if ordered[0][0] else _total(ordered)

    def _pair(self, part: Call) -> Tree:
        """A product in which two factors can be turned round."""
        spine = product_factors(part)
        factors = self._whole_determinants(spine)
        turned = [self._turned_factor(f) for f in factors] if self.sums else []
        if len(turned) - turned.count(None) == 2:
            factors = [f if t is None else t for f, t in zip(factors, turned, strict=True)]
        elif len(factors) == len(spine):
            return part
        first, *rest = factors
        for factor in rest:
            first = Call("multiply", (first, factor))
        return first

    def _whole_determinants(self, factors: list[Tree]) -> list[Tree]:
        """det(A)*det(B)*det(X) as the det(A*X*B) of the source."""
        for wanted, whole in self.determinants:
            at = {text(d[0]): (i, d[1]) for i, f in enumerate(factors) if (d := _determinant(f)) is not None}
            if all(a in at and at[a][1] == k for a, k in wanted.items()):
                places = {at[a][0] for a in wanted}
                first = min(places)
                factors = [whole if i == first else f for i, f in enumerate(factors) if i == first or i not in places]
        return factors

    def _turned_factor(self, tree: Tree) -> Tree | None:
        if isinstance(tree, Call) and tree.op == "transpose":
            inner = self._turned(tree.args[0])
            return None if inner is None else Call("transpose", (inner,))
        return self._turned(tree)


def _determinant(tree: Tree) -> tuple[Tree, int] | None:
    """X and k where a tree is det(X)^k."""
    exponent = 1
    if isinstance(tree, Call) and tree.op == "power" and isinstance(tree.args[1], Number):
        value = tree.args[1].value
        if value.denominator > 1:
            return None
        tree, exponent = tree.args[0], int(value)
    return (tree.args[0], exponent) if isinstance(tree, Call) and tree.op == "det" else None


def _is_even(exponent: Tree) -> bool:
    return isinstance(exponent, Number) and exponent.value.denominator == 1 and exponent.value % 2 == 0


def _beginnings(parts: list[Tree]) -> AbstractSet[int]:
    """The beginnings of products, which the whole has, and those of long chains of sums: looking at each of them
    anew would take quadratic time."""
    depth: dict[int, int] = {}
    begun: set[int] = set()
    for part in parts:
        if isinstance(part, Call) and part.args:
            first = part.args[0]
            alike = isinstance(first, Call) and (first.op == part.op or (first.op in _SUMS and part.op in _SUMS))
            depth[id(part)] = depth.get(id(first), 0) + 1 if alike else 1
            if alike and (part.op == "multiply" or depth[id(first)] > CHAIN):
                begun.add(id(first))
    return begun


def _keys(terms: Terms) -> list[tuple[bool, str]]:
    return [(minus, text(t)) for minus, t in terms]


def _terms(part: Call, inside: set[int]) -> Terms:
    """The terms of a chain of sums and differences from left to right; the sums on the way go `inside`."""
    found: Terms = []
    todo: Terms = [(False, part)]
    while todo:
        minus, tree = todo.pop()
        if isinstance(tree, Call) and tree.op in _SUMS and len(tree.args) == 2:
            inside.add(id(tree))
            todo += [(minus != (tree.op == "subtract"), tree.args[1]), (minus, tree.args[0])]
        elif isinstance(tree, Call) and tree.op == "negate":
            todo.append((not minus, tree.args[0]))
        else:
            found.append((minus, tree))
    return found


def _factors(part: Call, inside: set[int]) -> list[Tree]:
    found: list[Tree] = []
    tree: Tree = part
    while isinstance(tree, Call) and tree.op == "hadamard":
        inside.add(id(tree))
        found.append(tree.args[1])
        tree = tree.args[0]
    return [tree, *reversed(found)]


def _total(terms: Terms) -> Tree:
    """The sum, without a leading minus where some term has none."""
    lead = next((t for t in terms if not t[0]), terms[0])
    rest = [t for t in terms if t is not lead]
    total: Tree = Call("negate", (lead[1],)) if lead[0] else lead[1]
    for minus, tree in rest:
        total = Call("subtract" if minus else "add", (total, tree))
    return total
