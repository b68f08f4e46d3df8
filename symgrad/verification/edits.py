"""Formulas changed in one place: a transpose more or less, two factors swapped, a sign, a factor or term left out.

Read one way, an edit of the right formula is a mistake; read the other way, an edit that makes an answer right says
what is wrong with it, and where.  Trees are changed here, their meaning is not looked at: many edits do not conform.

>>> from symgrad.notation.grammar import parse
>>> from symgrad.notation.text import text
>>> [text(e.tree) for e in edits(parse("A'*x")) if e.made == "missing transpose"]
['A*x']
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from itertools import combinations

from symgrad.errors import Span, SymgradError
from symgrad.notation.text import text
from symgrad.notation.tree import Call, Name, Number, Tree, postorder
from symgrad.operations.catalogue import find, record
from symgrad.operations.record import Elementwise, Operation, TensorFunction
from symgrad.tensor.dims import letter
from symgrad.tensor.nodes import Input
from symgrad.tensor.view import View
from symgrad.verification.mistake import Line

MOST_PARTS = 60  # of a formula that is edited
MOST_FACTORS = 6  # of a product whose factors are swapped
PRODUCTS = ("multiply", "hadamard")
QUOTIENTS = ("divide", "hadamard_divide")
POWERS = ("power", "hadamard_power")
SUMS = ("add", "subtract")
SUMS_OF_LINES = ("rowsum", "colsum")

Path = tuple[int, ...]
_KINDS = {"term": "جملهٔ", "factor": "عامل"}


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

    def says(self) -> Line:
        """The repair in words."""
        if self.repaired in ("extra term", "extra factor") and len(self.was.args) == 2:
            kind = self.repaired.partition(" ")[2]
            what = text(self.was.args[self.becomes is self.was.args[0]])
            return Line(f"your answer has the extra {kind} {what}", f"{_KINDS[kind]} {what} در پاسخ زیادی است")
        new, old = text(self.becomes), text(self.was)
        return Line(f"write {new} for {old}", f"به جای {old} بنویسید {new}")


def edits(tree: Tree, names: Sequence[tuple[str, str]] = (), letters: Collection[str] = ()) -> Iterator[Edit]:
    """Every formula that differs in one place, the plainest changes first.

    `names` are pairs that may be mistaken for each other, `letters` what stands for a number of entries.
    Nothing is changed in formulas of more than MOST_PARTS parts.
    """
    parts = list(places(tree))
    if len(parts) > MOST_PARTS:
        return
    for changes in (_plain_changes, _further_changes):
        for path, part in parts:
            for new, made, repaired in changes(part, _parent(tree, path), Words(names, letters)):
                yield Edit(replaced(tree, path, new), made, repaired, part, new)
    yield from _everywhere(tree, parts)


def _everywhere(tree: Tree, parts: Sequence[tuple[Path, Tree]]) -> Iterator[Edit]:
    """A sum that occurs several times, with the same term left out wherever it occurs."""
    groups: dict[str, list[tuple[Path, Tree]]] = {}
    for path, part in parts:
        if isinstance(part, Call) and part.op in SUMS:
            groups.setdefault(text(part), []).append((path, part))
    for same in groups.values():
        for i in (0, 1) if len(same) > 1 else ():
            whole = tree
            for path, part in same:
                whole = replaced(whole, path, part.args[i])
            yield Edit(whole, "term left out", "extra term", same[0][1], same[0][1].args[i])


def places(tree: Tree) -> Iterator[tuple[Path, Tree]]:
    """Every part of a formula with the way to it: the number of the argument at each step."""
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


@dataclass(frozen=True, slots=True)
class Words:
    """Names that may be mistaken for each other, and dimension letters."""

    names: Sequence[tuple[str, str]]
    letters: Collection[str]


def _plain_changes(part: Tree, parent: Call | None, words: Words) -> Changed:
    """Transposes, order, signs, what is left out."""
    if not (isinstance(part, Name) and part.name in words.letters):
        yield from _transposes(part, parent)
    if not isinstance(part, Call):
        return
    if part.op in PRODUCTS:
        yield from _products(part, parent)
    if part.op == "kron":
        yield Call("kron", part.args[::-1], part.span, part.mark), "wrong order", "wrong order"
    if part.op == "diag":
        yield part.args[0], "diag missing", "diag missing"
    yield from _sums(part)
    if part.op in SUMS_OF_LINES:
        yield part.args[0], "bias not summed", "extra factor"
        other = SUMS_OF_LINES[1 - SUMS_OF_LINES.index(part.op)]
        yield Call("transpose", (Call(other, part.args, part.span),), part.span), "other axis", "other axis"
    if part.op in QUOTIENTS:
        lost = "divisor of a mean" if _counts(part.args[1], words.letters) else "factor left out"
        yield part.args[0], lost, "divisor of a mean" if lost == "divisor of a mean" else "extra factor"


def _further_changes(part: Tree, parent: Call | None, words: Words) -> Changed:
    """Other names, functions and exponents."""
    if isinstance(part, Name):
        yield from ((Name(b, part.span), "stale variable", "stale variable") for a, b in words.names if a == part.name)
        if part.name in words.letters:
            size = parent is not None and record(parent.op).sizes  # eye(m) for eye(n) is no mean
            id = "stale variable" if size else "divisor of a mean"
            yield from ((Name(b), id, id) for b in words.letters if b != part.name)
    if isinstance(part, Call):
        yield from _quotients(part)
        yield from _functions(part)
        yield from _powers(part)
        yield from _outer_products(part)


def _counts(tree: Tree, letters: Collection[str]) -> bool:
    """Whether a formula is made of numbers and dimension letters alone."""
    found = [p for p in postorder(tree) if not isinstance(p, Call)]
    return all(isinstance(p, Number) or p.name in letters for p in found)


def _quotients(part: Call) -> Changed:
    """u / v: the numerator left out, or multiplied instead of divided."""
    if part.op in QUOTIENTS:
        above, below = part.args
        if not isinstance(above, Number):
            yield Call(part.op, (Number(Fraction(1)), below), part.span), "factor left out", "extra factor"
        kind = PRODUCTS[QUOTIENTS.index(part.op)]
        yield Call(kind, (above, below), part.span), "inverse left out", "inverse left out"


def _functions(part: Call) -> Changed:
    """f(u): without f, of -u, f(u)^p for f(u^p), without the inverse or the sum."""
    entry = find(part.op)
    if entry is None or len(part.args) != 1 or entry.notation.fixity != "call":
        return
    (inner,) = part.args
    if isinstance(entry, Elementwise):
        yield inner, "slope at the wrong place", "slope at the wrong place"
        yield Call(part.op, (Call("negate", (inner,)),), part.span, part.mark), "sign", "sign"
    elif isinstance(entry, TensorFunction) and entry.inverts:
        yield inner, "inverse left out", "inverse left out"
    elif _keeps_shape(entry):
        yield inner, "wrong exponent", "wrong exponent"
    elif part.op not in (*SUMS_OF_LINES, "diag"):
        yield inner, "sum left out", "function kept"
        yield Call("power", (part, Number(Fraction(2))), part.span), "wrong exponent", "wrong exponent"


@cache
def _keeps_shape(entry: Operation) -> bool:
    """Whether a function of one argument, such as sqrt, gives a matrix of the argument's shape."""
    size = letter("n")
    square = View(Input.make("X", (size, size)), 1)
    try:
        return entry.build(square).shape == square.shape
    except SymgradError:
        return False


def _powers(part: Call) -> Changed:
    """Another exponent, or the exponent at another place."""
    if part.op not in POWERS:
        return
    base, exponent = part.args
    yield base, "wrong exponent", "wrong exponent"
    if isinstance(exponent, Number):
        for other in (exponent.value + 1, exponent.value - 1, exponent.value / 2, -exponent.value):
            yield Call(part.op, (base, Number(other)), part.span), "wrong exponent", "wrong exponent"
    if isinstance(base, Call) and base.op in SUMS:  # (a + b)^p for a + b^p
        a, b = base.args
        for pair in ((a, _raised(b, part)), (_raised(a, part), b), (_raised(a, part), _raised(b, part))):
            yield Call(base.op, pair, part.span, base.mark), "wrong exponent", "wrong exponent"
    if isinstance(base, Call) and len(base.args) == 1 and isinstance(find(base.op), Elementwise):
        inside = Call(base.op, (Call(part.op, (base.args[0], exponent)),), part.span)
        yield inside, "slope at the wrong place", "slope at the wrong place"


def _raised(base: Tree, power: Call) -> Tree:
    return base if isinstance(base, Number) and base.value == 1 else Call(power.op, (base, power.args[1]), power.span)


def _outer_products(part: Call) -> Changed:
    """u .* v for u*v' or u'*v, and back."""
    kind = "elementwise vs matrix product"
    a, b = (part.args[0], part.args[-1])
    if part.op == "hadamard":
        yield Call("multiply", (a, Call("transpose", (b,))), part.span), kind, kind
        yield Call("multiply", (Call("transpose", (a,)), b), part.span), kind, kind
    elif part.op == "multiply" and (_bare(a) is not a or _bare(b) is not b):
        yield Call("hadamard", (_bare(a), _bare(b)), part.span), kind, kind


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
            yield kept, _left_out(lost, part.op), "extra factor"
    if parent is None or parent.op != part.op:
        yield from _swapped(part)


def _left_out(lost: Tree, product: str) -> str:
    """The mistake of leaving a factor out."""
    ops = [p.op for p in postorder(lost) if isinstance(p, Call)]
    if ops and (record(ops[-1]).notation.fixity == "bracket" or (product == "hadamard" and ops[-1] in _ZEROS)):
        return "missing mask"
    if "ones" in ops and not any(isinstance(p, Call) and p.op in PRODUCTS for p in postorder(lost)):
        return "bias not summed"
    return "factor left out"


_ZEROS = ("eye", "tril", "triu")  # what is zero at places


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
    if part.op in SUMS:
        a, b = part.args
        other = "subtract" if part.op == "add" else "add"
        yield Call(other, (a, b), part.span, part.mark), "sign", "sign"
        yield Call(part.op, (Call("negate", (a,)), b), part.span, part.mark), "sign", "sign"
        yield a, "term left out", "extra term"
        yield (b if part.op == "add" else Call("negate", (b,))), "term left out", "extra term"
        if isinstance(a, Call) and a.op in PRODUCTS:  # u*v - w for u*(v - w)
            whole = Call(part.op, (a.args[1], b), part.span, part.mark)
            yield Call(a.op, (a.args[0], whole), a.span, a.mark), "extra factor", "factor left out"
    elif part.op == "negate":
        yield part.args[0], "sign", "sign"
