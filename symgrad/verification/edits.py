"""Formulas changed in one place: a transpose more or less, two factors swapped, a sign, a factor or term left out.

Read one way, an edit of the right formula is a mistake; read the other way, an edit that makes an answer right says
what is wrong with it, and where.  Trees are changed here, their meaning is not looked at: many edits do not conform.

>>> from symgrad.notation.grammar import parse
>>> from symgrad.notation.text import text
>>> [text(e.tree) for e in edits(parse("A'*x")) if e.made == "missing transpose"]
['A*x']
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from symgrad.errors import Span
from symgrad.notation.text import text
from symgrad.notation.tree import Call, Name, Number, Tree, postorder
from symgrad.operations.catalogue import record

MOST_PARTS = 60  # of a formula that is edited
MOST_FACTORS = 6  # of a product whose factors are swapped
PRODUCTS = ("multiply", "hadamard")

Path = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Edit:
    """A changed formula: the mistake it makes of a right one, the mistake it repairs in a wrong one, and where."""

    tree: Tree
    made: str
    repaired: str
    was: Tree
    becomes: Tree

    @property
    def span(self) -> Span | None:
        return self.was.span

    def says(self) -> str:
        """The repair in words."""
        if self.repaired in ("extra term", "extra factor") and len(self.was.args) == 2:
            kind = self.repaired.partition(" ")[2]
            return f"your answer has the extra {kind} {text(self.was.args[self.becomes is self.was.args[0]])}"
        return f"write {text(self.becomes)} for {text(self.was)}"


def edits(tree: Tree, names: Sequence[tuple[str, str]] = ()) -> Iterator[Edit]:
    """Every formula that differs in one place; `names` are pairs that may be mistaken for each other.

    Nothing is changed in formulas of more than MOST_PARTS parts.
    """
    places = list(_places(tree))
    if len(places) > MOST_PARTS:
        return
    for path, part in places:
        for new, made, repaired in _changes(part, _parent(tree, path), names):
            whole = replaced(tree, path, new)
            yield Edit(whole, made, repaired, part, new)


def _places(tree: Tree) -> Iterator[tuple[Path, Tree]]:
    stack: list[tuple[Path, Tree]] = [((), tree)]
    while stack:
        path, part = stack.pop()
        yield path, part
        stack.extend(((*path, i), a) for i, a in enumerate(part.args))


def _parent(tree: Tree, path: Path) -> Call | None:
    if not path:
        return None
    for i in path[:-1]:
        tree = tree.args[i]
    assert isinstance(tree, Call)
    return tree


def replaced(tree: Tree, path: Path, new: Tree) -> Tree:
    """The tree with the part at a path replaced."""
    parents = []
    for i in path:
        parents.append(tree)
        tree = tree.args[i]
    for i, parent in zip(reversed(path), reversed(parents), strict=True):
        assert isinstance(parent, Call)
        new = Call(parent.op, (*parent.args[:i], new, *parent.args[i + 1 :]), parent.span, parent.mark)
    return new


Changed = Iterator[tuple[Tree, str, str]]


def _changes(part: Tree, parent: Call | None, names: Sequence[tuple[str, str]]) -> Changed:
    yield from _transposes(part, parent)
    if isinstance(part, Name):
        yield from ((Name(b, part.span), "stale variable", "stale variable") for a, b in names if a == part.name)
    if not isinstance(part, Call):
        return
    if part.op in PRODUCTS:
        yield from _products(part, parent)
    if part.op == "kron":
        yield Call("kron", part.args[::-1], part.span, part.mark), "wrong order", "wrong order"
    if part.op == "diag":
        yield part.args[0], "diag missing", "diag missing"
    yield from _sums(part)
    if part.op in ("rowsum", "colsum"):
        yield part.args[0], "bias not summed", "extra factor"
    if part.op in ("divide", "hadamard_divide", "power", "hadamard_power"):
        yield part.args[0], "factor left out", "extra factor"


# A product inside a product is no factor of its own: its quote would stand at one of its factors.
_INSIDE = dict.fromkeys((*PRODUCTS, "negate"), ("transpose", *PRODUCTS, "negate"))


def _op(part: Tree) -> str:
    return part.op if isinstance(part, Call) else ""


def _transposes(part: Tree, parent: Call | None) -> Changed:
    if isinstance(part, Call) and part.op == "transpose":
        yield part.args[0], "missing transpose", "extra transpose"
    elif not isinstance(part, Number) and (parent is None or parent.op not in _INSIDE.get(_op(part), ("transpose",))):
        yield Call("transpose", (part,), part.span), "extra transpose", "missing transpose"


def _products(part: Call, parent: Call | None) -> Changed:
    a, b = part.args
    other = PRODUCTS[1 - PRODUCTS.index(part.op)]
    kind = "elementwise vs matrix product"
    yield Call(other, (a, b), part.span, part.mark), kind, kind
    yield Call("multiply", (Call("diag", (a,)), b), part.span), "diag missing", "diag missing"
    yield Call("multiply", (a, Call("diag", (b,))), part.span), "diag missing", "diag missing"
    for kept, lost in ((b, a), (a, b)):
        if not isinstance(lost, Number):
            yield kept, _left_out(lost), "extra factor"
    if parent is None or parent.op != part.op:
        yield from _swapped(part)


def _left_out(lost: Tree) -> str:
    """The mistake of leaving a factor out."""
    ops = [p.op for p in postorder(lost) if isinstance(p, Call)]
    if ops and ops[-1] in ("eye", "tril", "triu"):
        return "missing mask"
    if ops and record(ops[-1]).notation.fixity == "bracket":
        return "missing mask"
    if "ones" in ops and not any(isinstance(p, Call) and p.op in PRODUCTS for p in postorder(lost)):
        return "bias not summed"
    return "factor left out"


def _swapped(part: Call) -> Changed:
    factors = _factors(part)
    if len(factors) > MOST_FACTORS:
        return
    for i, j in combinations(range(len(factors)), 2):
        if isinstance(factors[i], Number) or isinstance(factors[j], Number):
            continue
        turned = list(factors)
        turned[i], turned[j] = factors[j], factors[i]
        yield _product(part, turned), "wrong order", "wrong order"
        first, second = _bare(factors[i]), _bare(factors[j])
        if first is not factors[i] or second is not factors[j]:  # the quotes stay where they are
            turned[i], turned[j] = _quoted(second, factors[i]), _quoted(first, factors[j])
            yield _product(part, turned), "wrong order", "wrong order"


def _factors(part: Call) -> list[Tree]:
    """The factors of a chain of one kind of product, left to right."""
    found: list[Tree] = []
    tree: Tree = part
    while isinstance(tree, Call) and tree.op == part.op:
        found.append(tree.args[1])
        tree = tree.args[0]
    return [tree, *reversed(found)]


def _product(part: Call, factors: Sequence[Tree]) -> Tree:
    whole = factors[0]
    for factor in factors[1:]:
        whole = Call(part.op, (whole, factor), part.span)
    return whole


def _bare(tree: Tree) -> Tree:
    return tree.args[0] if isinstance(tree, Call) and tree.op == "transpose" else tree


def _quoted(tree: Tree, like: Tree) -> Tree:
    return tree if _bare(like) is like else Call("transpose", (tree,))


def _sums(part: Call) -> Changed:
    if part.op in ("add", "subtract"):
        a, b = part.args
        other = "subtract" if part.op == "add" else "add"
        yield Call(other, (a, b), part.span, part.mark), "sign", "sign"
        yield Call(part.op, (Call("negate", (a,)), b), part.span, part.mark), "sign", "sign"
        yield a, "term left out", "extra term"
        yield (b if part.op == "add" else Call("negate", (b,))), "term left out", "extra term"
    elif part.op == "negate":
        yield part.args[0], "sign", "sign"
