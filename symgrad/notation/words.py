"""Words: what matrix notation is made of while it is being put together.

A `Word` is a chain of links read from a row end to a column end; a link is a tree, transposed or not.
A `Term` is a word with a coefficient and scalar factors; sums of terms share factors on either side.
Everything here is about writing; the meaning was settled in the graph.

>>> from symgrad.notation.text import text
>>> from symgrad.notation.tree import Name
>>> w = Word((Link(Name("A")), Link(Name("x"), vector=True)))
>>> text(w.tree()), text(w.reversed().tree())
('A*x', "x'*A'")
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, reduce
from math import gcd, lcm

from symgrad.notation.text import text
from symgrad.notation.tree import Call, Number, Tree
from symgrad.tensor.nodes import Coefficient
from symgrad.tensor.numbers import exact


def call(op: str, *args: Tree) -> Tree:
    """A call of a record by its canonical name."""
    return Call(op, args)


def is_call(tree: Tree, *ops: str) -> bool:
    """Whether a tree is a call of one of these records."""
    return isinstance(tree, Call) and tree.op in ops


@dataclass(frozen=True, eq=False)
class Link:
    """A tree in a chain: a matrix or a column (`vector`), standing transposed or not."""

    tree_: Tree
    transposed: bool = False
    vector: bool = False
    symmetric: bool = False

    def turned(self) -> Link:
        return self if self.symmetric else Link(self.tree_, not self.transposed, self.vector)

    def tree(self) -> Tree:
        return turned_tree(self.tree_) if self.transposed else self.tree_

    @cached_property
    def key(self) -> tuple[str, bool]:
        """What makes two links the same: what is written, and which way round."""
        return text(self.tree_), self.transposed


def turned_tree(tree: Tree) -> Tree:
    """The transpose, without doubling transposes."""
    return tree.args[0] if isinstance(tree, Call) and tree.op == "transpose" else call("transpose", tree)


@dataclass(frozen=True, slots=True)
class Word:
    """A chain of links from a row end to a column end."""

    links: tuple[Link, ...]

    def reversed(self) -> Word:
        return Word(tuple(link.turned() for link in reversed(self.links)))

    def joined(self, other: Word) -> Word:
        return Word(self.links + other.links)

    def tree(self) -> Tree:
        if len(self.links) == 1:
            return self.links[0].tree()
        return reduce(lambda a, b: call("multiply", a, b), [link.tree() for link in self.links])

    def weight(self) -> tuple[int, int, str]:
        """Fewest transposes first, then the shorter text: which way round a chain reads better."""
        written = self.keys()
        return sum(link.transposed for link in self.links), len(written), written

    def keys(self) -> str:
        """The links as they are written, one after the other."""
        return "*".join([link.key[0] + "'" * link.transposed for link in self.links])

    @property
    def symmetric(self) -> bool:
        return len(self.links) == 1 and self.links[0].symmetric


def vector(tree: Tree) -> Word:
    """The word of a column."""
    return Word((Link(tree, vector=True),))


def matrix(tree: Tree, symmetric: bool = False) -> Word:
    """The word of a matrix; a transpose around it becomes part of the link."""
    if isinstance(tree, Call) and tree.op == "transpose":
        return Word((Link(tree.args[0], transposed=True),))
    return Word((Link(tree, symmetric=symmetric),))


@dataclass(frozen=True, eq=False)
class Term:
    """coefficient * product of scalars^exponents * word; a scalar term has no word.

    `spread` marks a scalar that stands for an array of equal entries, as in `1 - x`.
    """

    coefficient: Coefficient
    scalars: tuple[tuple[Tree, Coefficient], ...] = ()
    word: Word | None = None
    spread: Word | None = None

    def tree(self) -> Tree:
        """The term with its sign inside the coefficient."""
        tree = self.unsigned
        return call("negate", tree) if self.coefficient < 0 else tree

    @cached_property
    def unsigned(self) -> Tree:
        """|coefficient| * scalars * word, scalars with negative exponents as a divisor."""
        if self.word is not None and not self.scalars and self.coefficient in (1, -1):
            return self.word.tree()
        above: list[Tree] = [powered(t, e) for t, e in self.scalars if e > 0]
        below: list[Tree] = [powered(t, -e) for t, e in self.scalars if e < 0]
        size = abs(Fraction(self.coefficient))
        if size.denominator > 1 and not _short_decimal(size):
            below.insert(0, Number(Fraction(size.denominator)))
            size = Fraction(size.numerator)
        links = [link.tree() for link in self.word.links] if self.word else []
        if size == 1 and links and above and is_call(above[0], "multiply"):
            above = links + above  # x*(x'*y): a product in front would run into the rest
        else:
            above += links
        if size != 1:
            above.insert(0, Number(size))
        top = reduce(lambda a, b: call("multiply", a, b), above) if above else Number(Fraction(1))
        if not below:
            return top
        return call("divide", top, reduce(lambda a, b: call("multiply", a, b), below))

    def scaled(self, c: Coefficient) -> Term:
        return Term(exact(self.coefficient * c), self.scalars, self.word, self.spread)

    def turned(self) -> Term:
        """The transpose."""
        word, spread = (None if w is None else w.reversed() for w in (self.word, self.spread))
        return Term(self.coefficient, self.scalars, word, spread)

    def closed(self) -> Tree:
        """As it stands alone: a spread scalar is written with its ones."""
        if self.spread is None:
            return self.tree()
        return Term(self.coefficient, self.scalars, self.spread).tree()

    def degree(self) -> int:
        """How many vectors and matrices are multiplied; of a scalar, how many factors."""
        if self.word is None:
            return len(self.scalars)
        links = self.word.links
        return len(links) + sum(is_call(link.tree_, "hadamard", "hadamard_power") for link in links)

    @cached_property
    def order(self) -> tuple[object, ...]:
        """Where it stands in a sum: positive first, longer products first, fewer transposes first."""
        links = self.word.links if self.word else ()
        constant = any(is_call(link.tree_, "eye", "ones") for link in links) or self.spread is not None
        degree = 0 if constant else -self.degree()
        turned = sum(link.transposed for link in links)
        written = self.word.keys() if self.word else ""
        scalars = [(text(t), float(e)) for t, e in self.scalars]
        size = len(written) + sum(len(t) for t, _ in scalars)
        return self.coefficient < 0, degree, turned, size, written, scalars, abs(self.coefficient)


def _order(term: Term) -> tuple[object, ...]:
    return term.order


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


def sum_tree(terms: list[Term]) -> Tree:
    """The terms as one tree, common factors taken out, in reading order."""
    return _in_order(factor(terms))


def _in_order(factored: list[Term]) -> Tree:
    """Terms that have no common factors left, as one tree."""
    if len(factored) == 1:
        return factored[0].closed()
    if all(t.spread is not None for t in factored):
        inner = sum_tree([Term(t.coefficient, t.scalars) for t in factored])
        assert factored[0].spread is not None
        return Term(1, ((inner, 1),), factored[0].spread).tree()
    ordered = sorted(factored, key=_order)
    tree = ordered[0].tree()
    for term in ordered[1:]:
        tree = call("subtract" if term.coefficient < 0 else "add", tree, term.unsigned)
    return tree


# --- common factors ----------------------------------------------------------------------------


def factor(terms: list[Term]) -> list[Term]:
    """Take out what terms share: a number and scalars of all, links of all or of some."""
    if len(terms) < 2:
        return terms
    terms = sorted(terms, key=_order)
    while True:
        merged = _merge_by_links(terms) or merge_entrywise(terms)
        if merged is None:
            break
        terms = merged
    return _common_scalars(terms)


def _common_scalars(terms: list[Term]) -> list[Term]:
    """One term, where a number or scalar factors are common to all."""
    words = [t.word for t in terms if t.word is not None]
    if len(terms) < 2 or not words:
        return _common_scalar_sum(terms)
    content, shared = _content(terms), _shared_scalars(terms)
    if content in (1, -1) and not shared:
        return terms
    inner = sum_tree([_without(t, content, shared) for t in terms])
    column = words[0].links[-1].vector and not words[0].links[0].transposed
    return [Term(content, tuple(shared.items()), Word((Link(inner, vector=column),)))]


def _common_scalar_sum(terms: list[Term]) -> list[Term]:
    """A sum of scalars: take out what is common only where every term still has something left."""
    if len(terms) < 2 or any(t.word is not None or t.spread is not None for t in terms):
        return terms
    content, shared = _content(terms), _shared_scalars(terms)
    if not shared and content in (1, -1):
        return terms
    inner = sum_tree([_without(t, content, shared) for t in terms])
    return [Term(content, (*shared.items(), (inner, 1)))]


def _content(terms: list[Term]) -> Coefficient:
    """The rational number that all coefficients are whole multiples of; negative where all are."""
    whole = [t.coefficient for t in terms if type(t.coefficient) is int]
    if len(whole) == len(terms):
        return -gcd(*whole) if all(c < 0 for c in whole) else gcd(*whole)
    fractions = [Fraction(t.coefficient) for t in terms]
    content = Fraction(gcd(*(f.numerator for f in fractions)), lcm(*(f.denominator for f in fractions)))
    return exact(-content if all(f < 0 for f in fractions) else content)


def _shared_scalars(terms: list[Term]) -> dict[Tree, Coefficient]:
    """Scalar factors of every term, each with the exponent nearest to zero."""
    tables = [{text(t): (t, e) for t, e in term.scalars} for term in terms]
    shared: dict[Tree, Coefficient] = {}
    for key, (tree, _) in tables[0].items():
        exponents = [table[key][1] for table in tables if key in table]
        if len(exponents) == len(terms) and (all(e > 0 for e in exponents) or all(e < 0 for e in exponents)):
            shared[tree] = min(exponents, key=lambda e: Fraction(e) ** 2)
    return shared


def _without(term: Term, content: Coefficient, shared: dict[Tree, Coefficient]) -> Term:
    if content == 1 and not shared:
        return term
    taken = Counter({text(t): e for t, e in shared.items()})
    scalars = tuple((t, exact(e - taken[text(t)])) for t, e in term.scalars if e != taken[text(t)])
    return Term(exact(Fraction(term.coefficient) / content), scalars, term.word, term.spread)


def _merge_by_links(terms: list[Term]) -> list[Term] | None:
    """Two or more terms that start or end with the same link, with that link taken out."""
    best: tuple[int, bool, list[int]] | None = None
    for at_end in (True, False):
        groups: dict[tuple[object, ...], list[int]] = {}
        for i, term in enumerate(terms):
            if term.word is not None and len(term.word.links) > 1:
                link = term.word.links[-1 if at_end else 0]
                groups.setdefault((link.key, *_scalar_key(term)), []).append(i)
        for members in groups.values():
            if len(members) > 1 and (best is None or len(members) > best[0]):
                best = (len(members), at_end, members)
    return None if best is None else _merged(terms, best[1], best[2])


def _scalar_key(term: Term) -> tuple[object, ...]:
    return tuple(sorted((text(t), e) for t, e in term.scalars))


def _merged(terms: list[Term], at_end: bool, members: list[int]) -> list[Term]:
    chosen = [terms[i] for i in members]
    rest = [t for i, t in enumerate(terms) if i not in members]
    word = chosen[0].word
    assert word is not None
    link = word.links[-1 if at_end else 0]
    left_over = slice(None, -1) if at_end else slice(1, None)
    inner_terms = [Term(t.coefficient, (), Word(t.word.links[left_over])) for t in chosen if t.word]
    inner = factor(inner_terms)
    if len(inner) == 1 and inner[0].word is not None and inner[0].spread is None:
        middle, coefficient, extra = inner[0].word.links, inner[0].coefficient, inner[0].scalars
    else:
        content = _content(inner)
        tree = _in_order([_without(t, content, {}) for t in inner])
        middle, coefficient, extra = (_inner_link(tree, inner_terms),), content, ()
    links = (*middle, link) if at_end else (link, *middle)
    return sorted([*rest, Term(coefficient, (*chosen[0].scalars, *extra), Word(links))], key=_order)


def _inner_link(tree: Tree, terms: list[Term]) -> Link:
    """The bracketed sum as a link; it is a column where its terms end in one, a row where they start with one."""
    word = terms[0].word
    assert word is not None
    if word.links[-1].vector and not word.links[-1].transposed:
        return Link(tree, vector=True)
    if word.links[0].vector and word.links[0].transposed:
        return Link(turned_tree(tree) if is_call(tree, "transpose") else tree)
    return Link(tree)


# --- common factors entry by entry -------------------------------------------------------------


def merge_entrywise(terms: list[Term]) -> list[Term] | None:
    """u .* a + u .* b = u .* (a + b), for the factor that most terms share."""
    groups: dict[tuple[object, ...], list[int]] = {}
    for i, term in enumerate(terms):
        if term.word is not None and len(term.word.links) == 1:
            link = term.word.links[0]
            for written in dict.fromkeys(text(f) for f in entrywise_factors(link.tree_)):
                groups.setdefault((written, link.transposed, *_scalar_key(term)), []).append(i)
    several = {str(key[0]): members for key, members in groups.items() if len(members) > 1}
    shared = [(len(members), len(written), members, written) for written, members in several.items()]
    if not shared:
        return None
    _, _, members, written = max(shared, key=lambda g: (g[0], g[1], g[3]))
    chosen = [terms[i] for i in members]
    rest = [t for i, t in enumerate(terms) if i not in members]
    return sorted([*rest, _entrywise_product(chosen, written)], key=_order)


def entrywise_factors(tree: Tree) -> list[Tree]:
    """a, b, c of a .* b .* c."""
    factors: list[Tree] = []
    while isinstance(tree, Call) and tree.op == "hadamard":
        factors.append(tree.args[1])
        tree = tree.args[0]
    return [tree, *reversed(factors)]


def _entrywise_product(terms: list[Term], written: str) -> Term:
    """The shared factor times the sum of what is left; where nothing is left, of a 1 that is spread."""
    first = terms[0].word
    assert first is not None
    link = first.links[0]
    inner: list[Term] = []
    for term in terms:
        assert term.word is not None
        factors = entrywise_factors(term.word.links[0].tree_)
        shared = next(f for f in factors if text(f) == written)
        left = [f for f in factors if f is not shared]
        word = Word((Link(reduce(lambda a, b: call("hadamard", a, b), left), vector=link.vector),)) if left else None
        inner.append(Term(term.coefficient, (), word, None if left else term.word))
    content = _content(inner)
    total = sum_tree([_without(t, content, {}) for t in inner])
    pair = sorted((shared, total), key=lambda t: (is_mask(t), len(text(t))))
    return Term(content, terms[0].scalars, Word((Link(call("hadamard", *pair), link.transposed, link.vector),)))


def is_mask(tree: Tree) -> bool:
    """Whether a tree is an Iverson bracket."""
    return is_call(tree, "gt", "ge", "lt", "le", "eq", "ne")
