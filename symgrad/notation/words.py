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
from fractions import Fraction
from functools import reduce
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
    """The transpose, without doubling transposes."""
    return tree.args[0] if isinstance(tree, Call) and tree.op == "transpose" else call("transpose", tree)


class Word:
    """A chain of links from a row end to a column end."""

    __slots__ = ("links",)

    def __init__(self, links: tuple[Link, ...]):
        self.links = links

    def reversed(self) -> Word:
        return Word(tuple([link.turned() for link in self.links[::-1]]))

    def joined(self, other: Word) -> Word:
        return Word(self.links + other.links)

    def tree(self) -> Tree:
        if len(self.links) == 1:
            return self.links[0].tree()
        return product_tree(link_trees(self.links))

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
        tree = link.tree_
        if isinstance(tree, Call) and tree.op == "subtract" and not is_call(tree.args[0], "add", "subtract", "negate"):
            turned = Link(call("subtract", *reversed(tree.args)), link.transposed, link.vector, link.symmetric)
            alone = sum(other.key[0] == link.key[0] for other in word.links) == 1
            if alone and not is_call(tree.args[1], "add", "subtract"):
                return Word((*word.links[:i], turned, *word.links[i + 1 :]))
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
        above: list[Tree] = [powered(t, e) for t, e in self.scalars if e > 0]
        below: list[Tree] = [powered(t, -e) for t, e in self.scalars if e < 0]
        size = abs(Fraction(self.coefficient))
        if size.denominator > 1 and not _short_decimal(size):
            below.insert(0, Number(Fraction(size.denominator)))
            size = Fraction(size.numerator)
        links = link_trees(self.word.links) if self.word else []
        if size != 1:
            above.insert(0, Number(size))
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

    @property
    def order(self) -> tuple[object, ...]:
        """Where it stands in a sum: positive first, longer products first, fewer transposes first."""
        if self._order is None:
            self._order = self._ordered()
        return self._order

    def _ordered(self) -> tuple[object, ...]:
        links = self.word.links if self.word else ()
        constant = any(is_call(link.tree_, "eye", "ones") for link in links) or self.spread is not None
        degree = 0 if constant else -self.degree()
        turned = sum(link.transposed for link in links)
        written = self.word.keys() if self.word else ""
        scalars = [(text(t), float(e)) for t, e in self.scalars]
        size = len(written) + sum(len(t) for t, _ in scalars)
        return self.coefficient < 0, degree, turned, size, written, scalars, abs(self.coefficient)


def product_tree(factors: list[Tree]) -> Tree:
    """The product from left to right."""
    return reduce(lambda a, b: call("multiply", a, b), factors)


def prefixed(front: Tree, tree: Tree) -> Tree:
    """front * (a*b*c) as front*a*b*c."""
    rest: list[Tree] = []
    while isinstance(tree, Call) and tree.op == "multiply" and len(tree.args) == 2:
        rest.append(tree.args[1])
        tree = tree.args[0]
    return product_tree([front, tree, *reversed(rest)])


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
    if not spine or (divided and not _is_reciprocal(tree)) or is_call(scalars[0], "multiply"):
        return None
    front = product_tree(scalars)
    start = front if first == _ONE else prefixed(front, first)
    return reduce(lambda a, b: call(b[0], a, b[1]), reversed(spine), start)


_ONE = Number(Fraction(1))


def _is_reciprocal(tree: Tree) -> bool:
    return is_call(tree, "hadamard_divide") and tree.args[0] == _ONE  # type: ignore[union-attr]


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


def sum_tree(terms: list[Term], keep: bool = False) -> Tree:
    """The terms as one tree, common factors taken out, in reading order; with `keep` in theirs, if none is."""
    factored = factor(terms)
    if keep and len(factored) == len(terms) > 1 and terms[0].coefficient > 0:
        return in_order(terms, keep=True)
    return in_order(factored)


def in_order(factored: list[Term], keep: bool = False) -> Tree:
    """Terms that have no common factors left, as one tree."""
    if len(factored) == 1:
        return factored[0].closed()
    if all(t.spread is not None for t in factored):
        inner = sum_tree([Term(t.coefficient, t.scalars) for t in factored])
        assert factored[0].spread is not None
        return Term(1, ((inner, 1),), factored[0].spread).tree()
    if any(_is_diagonal_matrix(t) for t in factored):  # I - 1/n would be read as the identity times a number
        factored = [Term(t.coefficient, t.scalars, t.spread) if _is_spread_matrix(t) else t for t in factored]
    ordered = factored if keep else sorted(factored, key=_order)
    tree = ordered[0].tree()
    has_sums = is_call(tree, "add", "subtract")
    for term in ordered[1:]:
        unsigned = term.unsigned
        has_sums = has_sums or is_call(unsigned, "add", "subtract")
        tree = _and_then(tree, unsigned, term.coefficient < 0)
    return _collected(tree) if has_sums and len(ordered) > 1 else tree


def _collected(total: Tree) -> Tree:
    """A sum of sums with equal parts put together: s - 1 + s is 2*s - 1."""
    parts: list[tuple[bool, Tree]] = []
    while isinstance(total, Call) and len(total.args) == 2 and total.op in ("add", "subtract"):
        parts.append((total.op == "subtract", total.args[1]))
        total = total.args[0]
    parts.append((True, total.args[0]) if isinstance(total, Call) and total.op == "negate" else (False, total))
    table: dict[Tree, Fraction] = {}
    for negative, part in reversed(parts):
        number, core = _counted(part)
        table[core] = table.get(core, Fraction(0)) + (-number if negative else number)
    kept = [(c, core) for core, c in table.items() if c] or [(Fraction(0), _UNIT)]
    if all(c < 0 for c, _ in kept[:1]) and any(c > 0 for c, _ in kept):
        kept.sort(key=lambda pair: pair[0] < 0)
    (first, core), *rest = kept
    found = call("negate", _times(-first, core)) if first < 0 else _times(first, core)
    for number, core in rest:
        found = call("subtract" if number < 0 else "add", found, _times(abs(number), core))
    return found


_UNIT = Number(Fraction(1))


def _counted(tree: Tree) -> tuple[Fraction, Tree]:
    """2*x as 2 and x."""
    if isinstance(tree, Number):
        return tree.value, _UNIT
    if isinstance(tree, Call) and tree.op == "multiply" and isinstance(tree.args[0], Number):
        return tree.args[0].value, tree.args[1]
    return Fraction(1), tree


def _times(number: Fraction, core: Tree) -> Tree:
    if core is _UNIT:
        return Number(number)
    return core if number == 1 else prefixed(Number(number), core)


def _is_diagonal_matrix(term: Term) -> bool:
    return term.word is not None and len(term.word.links) == 1 and is_call(term.word.links[0].tree_, "eye", "diag")


def _is_spread_matrix(term: Term) -> bool:
    return term.spread is not None and not term.spread.links[0].vector


def _and_then(total: Tree, tree: Tree, negative: bool) -> Tree:
    """total + tree or total - tree; what is a sum itself goes on without parentheses."""
    rest: list[tuple[bool, Tree]] = []
    while isinstance(tree, Call) and len(tree.args) == 2 and tree.op in ("add", "subtract"):
        rest.append((tree.op == "subtract", tree.args[1]))
        tree = tree.args[0]
    if isinstance(tree, Call) and tree.op == "negate":
        rest.append((True, tree.args[0]))
    else:
        rest.append((False, tree))
    for minus, part in reversed(rest):
        total = call("subtract" if minus != negative else "add", total, part)
    return total


# --- common factors ----------------------------------------------------------------------------


def factor(terms: list[Term]) -> list[Term]:
    """Take out what terms share: a number and scalars of all, links of all or of some."""
    if len(terms) < 2:
        return terms
    terms = sorted(terms, key=_order)
    while True:
        merged = _merge_by_links(terms) or merge_entrywise(terms) or _merge_in_functions(terms)
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
    factored = Term(content, (*shared.items(), (inner, 1)))
    if any(e < 0 for e in shared.values()) and len(text(factored.tree())) > len(text(in_order(terms))):
        return terms  # n/s - a/s^3 is shorter than (n - a/s^2)/s
    return [factored]


def _content(terms: list[Term]) -> Coefficient:
    """The rational number that all coefficients are whole multiples of; negative where all are."""
    whole = [t.coefficient for t in terms if type(t.coefficient) is int]
    if len(whole) == len(terms):
        return -gcd(*whole) if all(c < 0 for c in whole) else gcd(*whole)
    fractions = [Fraction(t.coefficient) for t in terms]
    if any(f in (1, -1) for f in fractions):  # [x > 0] + 0.1*[x <= 0] is not a tenth of something
        return -1 if all(f < 0 for f in fractions) else 1
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
                groups.setdefault(link.key, []).append(i)
        for members in groups.values():
            if len(members) > 1 and (best is None or len(members) > best[0]):
                best = (len(members), at_end, members)
    return None if best is None else _merged(terms, best[1], best[2])


def _merged(terms: list[Term], at_end: bool, members: list[int]) -> list[Term]:
    chosen = [terms[i] for i in members]
    rest = [t for i, t in enumerate(terms) if i not in members]
    word = chosen[0].word
    assert word is not None
    link = word.links[-1 if at_end else 0]
    left_over = slice(None, -1) if at_end else slice(1, None)
    inner_terms = [Term(t.coefficient, t.scalars, Word(t.word.links[left_over])) for t in chosen if t.word]
    inner = factor(inner_terms)
    if len(inner) == 1 and inner[0].word is not None and inner[0].spread is None:
        middle, coefficient, extra = inner[0].word.links, inner[0].coefficient, inner[0].scalars
    else:
        content = _content(inner)
        tree = in_order([_without(t, content, {}) for t in inner])
        middle, coefficient, extra = (_inner_link(tree, inner_terms),), content, ()
    links = (*middle, link) if at_end else (link, *middle)
    return sorted([*rest, Term(coefficient, extra, Word(links))], key=_order)


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
            for written in dict.fromkeys(text(f) for f in _with_bases(entrywise_factors(link.tree_))):
                groups.setdefault((written, link.transposed), []).append(i)
    several = {str(k[0]): members for k, members in groups.items() if _is_worth_merging(terms, members, str(k[0]))}
    shared = [(len(members), len(written), members, written) for written, members in several.items()]
    if not shared:
        return None
    _, _, members, written = max(shared, key=lambda g: (g[0], g[1], g[3]))
    chosen = [terms[i] for i in members]
    rest = [t for i, t in enumerate(terms) if i not in members]
    return sorted([*rest, _entrywise_product(chosen, written)], key=_order)


def _is_worth_merging(terms: list[Term], members: list[int], written: str) -> bool:
    """Whether there are several terms, of which one at most is nothing but the shared factor."""
    alone = [i for i in members if (w := terms[i].word) and text(w.links[0].tree_) == written]
    return len(members) > 1 and len(alone) <= 1


def entrywise_factors(tree: Tree) -> list[Tree]:
    """a, b, c of a .* b .* c."""
    factors: list[Tree] = []
    while isinstance(tree, Call) and tree.op == "hadamard":
        factors.append(tree.args[1])
        tree = tree.args[0]
    return [tree, *reversed(factors)]


def _with_bases(factors: list[Tree]) -> list[Tree]:
    """The factors, and x for x.^2."""
    return [*factors, *(f.args[0] for f in factors if isinstance(f, Call) and _is_whole_power(f))]


def _is_whole_power(tree: Call) -> bool:
    exponent = tree.args[1] if tree.op == "hadamard_power" else None
    return isinstance(exponent, Number) and exponent.value.denominator == 1 and exponent.value > 1


def _taken_out(factors: list[Tree], written: str) -> tuple[Tree, list[Tree]]:
    """The factor that is written so and the others; of a power of it one less."""
    for i, f in enumerate(factors):
        if text(f) == written:
            return f, [*factors[:i], *factors[i + 1 :]]
    for i, f in enumerate(factors):
        if isinstance(f, Call) and _is_whole_power(f) and text(f.args[0]) == written:
            base, exponent = f.args
            value = exponent.value - 1  # type: ignore[union-attr]
            less = base if value == 1 else call("hadamard_power", base, Number(value))
            return base, [*factors[:i], less, *factors[i + 1 :]]
    raise ValueError(f"{written} is no factor")


def _entrywise_product(terms: list[Term], written: str) -> Term:
    """The shared factor times the sum of what is left; where nothing is left, of a 1 that is spread."""
    first = terms[0].word
    assert first is not None
    link = first.links[0]
    inner: list[Term] = []
    for term in terms:
        assert term.word is not None
        factors = entrywise_factors(term.word.links[0].tree_)
        shared, left = _taken_out(factors, written)
        word = Word((Link(reduce(lambda a, b: call("hadamard", a, b), left), vector=link.vector),)) if left else None
        inner.append(Term(term.coefficient, term.scalars, word, None if left else term.word))
    content, common = _content(inner), _shared_scalars(inner)
    total = sum_tree([_without(t, content, common) for t in inner])
    others = [f for f in entrywise_factors(total) if f != _UNIT]
    parts = sorted([shared, *others], key=lambda t: (is_mask(t), len(text(t))))
    tree = reduce(lambda a, b: call("hadamard", a, b), parts)
    return Term(content, tuple(common.items()), Word((Link(tree, link.transposed, link.vector),)))


def _chain(tree: Tree, column: bool) -> Word:
    """The word of a tree: the links of a product."""
    rest: list[Tree] = []
    while isinstance(tree, Call) and tree.op == "multiply" and len(tree.args) == 2:
        rest.append(tree.args[1])
        tree = tree.args[0]
    links = [link for part in (tree, *reversed(rest)) for link in matrix(part).links]
    last = links[-1]
    return Word((*links[:-1], Link(last.tree_, last.transposed, column and not last.transposed)))


# --- common arguments --------------------------------------------------------------------------


def _merge_in_functions(terms: list[Term]) -> list[Term] | None:
    """kron(A, B) + kron(A, C) = kron(A, B + C); diag(a) - diag(b) = diag(a - b)."""
    groups: dict[tuple[object, ...], list[int]] = {}
    for i, term in enumerate(terms):
        link = term.word.links[0] if term.word is not None and len(term.word.links) == 1 else None
        if link is None or not isinstance(link.tree_, Call) or link.transposed:
            continue
        if link.tree_.op == "diag" and not is_call(link.tree_.args[0], "ones"):
            groups.setdefault(("diag",), []).append(i)
        elif link.tree_.op == "kron":
            for place in (0, 1):
                groups.setdefault((place, text(link.tree_.args[place])), []).append(i)
    several = [(key, members) for key, members in groups.items() if len(members) > 1]
    if not several:
        return None
    key, members = several[0]
    open_ = 1 - int(str(key[0])) if key[0] != "diag" else 0
    trees = [t.word.links[0].tree_ for i in members if (t := terms[i]).word is not None]
    is_vector = key[0] == "diag"
    inner = [
        Term(terms[i].coefficient, terms[i].scalars, _chain(a, is_vector))
        for i, tree in zip(members, trees, strict=True)
        for a in (tree.args[open_],)  # type: ignore[union-attr]
    ]
    content, common = _content(inner), _shared_scalars(inner)
    arguments = list(trees[0].args)  # type: ignore[union-attr]
    arguments[open_] = sum_tree([_without(t, content, common) for t in inner])
    op = "diag" if is_vector else "kron"
    merged = Term(content, tuple(common.items()), matrix(call(op, *arguments), symmetric=is_vector))
    return sorted([*(t for i, t in enumerate(terms) if i not in members), merged], key=_order)


def is_mask(tree: Tree) -> bool:
    """Whether a tree is an Iverson bracket."""
    return is_call(tree, "gt", "ge", "lt", "le", "eq", "ne")
