"""Sums of terms in reading order, what they share taken out.

Terms share a number and scalars, links at either end of their words, factors of entrywise products, and arguments
of diag and kron.  Everything here is about writing; the meaning was settled in the graph.

>>> from symgrad.notation.text import text
>>> from symgrad.notation.tree import Name
>>> A, x = Name("A"), Link(Name("x"), vector=True)
>>> text(sum_tree([Term(1, (), Word((Link(A), x))), Term(1, (), Word((Link(A, transposed=True), x)))]))
"(A + A')*x"
"""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from functools import reduce
from math import gcd, lcm

from symgrad.notation.text import text
from symgrad.notation.tree import Call, Number, Tree, product_factors
from symgrad.notation.words import (
    Link,
    Term,
    Word,
    call,
    entrywise_factors,
    is_call,
    is_mask,
    matrix,
    prefixed,
    turned_difference,
    turned_tree,
    vector,
    with_difference_turned,
)
from symgrad.tensor.nodes import Coefficient
from symgrad.tensor.numbers import exact


def _order(term: Term) -> tuple[object, ...]:
    return term.order


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
    table: dict[str, tuple[Fraction, Tree]] = {}
    for negative, part in reversed(parts):
        number, core = _counted(part)
        before, core = table.get(text(core), (Fraction(0), core))
        table[text(core)] = before + (-number if negative else number), core
    kept = [(c, core) for c, core in table.values() if c] or [(Fraction(0), _UNIT)]
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
    if number != 1 and is_call(core, "divide"):
        return call("divide", _times(number, core.args[0]), core.args[1])  # type: ignore[union-attr]
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
    terms = _same_way_round(sorted(terms, key=_order))
    while True:
        merged = _merge_same_words(terms) or _merge_by_links(terms) or merge_entrywise(terms)
        merged = merged or _merge_in_functions(terms)
        if merged is None:
            break
        terms = merged
    return _common_scalars(terms)


def _same_way_round(terms: list[Term]) -> list[Term]:
    """A difference that another term has the other way round, turned as there."""
    terms = _scalars_same_way_round(terms)
    differences = {
        link.key[0] for t in terms if t.word is not None for link in t.word.links if is_call(link.tree_, "subtract")
    }
    if len(differences) < 2:
        return terms
    seen: set[str] = set()
    found = []
    for term in terms:
        turned = with_difference_turned(term.word) if term.word is not None else None
        if turned is not None and any(text(link.tree_) in seen for link in turned.links):
            term = Term(exact(-term.coefficient), term.scalars, turned, term.spread)
        seen |= {link.key[0] for link in term.word.links if is_call(link.tree_, "subtract")} if term.word else set()
        found.append(term)
    return found


def _scalars_same_way_round(terms: list[Term]) -> list[Term]:
    """(a - b)*x and (b - a)^2*y with a - b in both."""
    written = {text(s) for t in terms for s, _ in t.scalars if is_call(s, "subtract")}
    if len(written) < 2:
        return terms
    odd = {text(s) for t in terms for s, e in t.scalars if is_call(s, "subtract") and e == 1}
    found = []
    for term in terms:
        scalars = []
        for tree, exponent in term.scalars:
            turned = turned_difference(tree) if Fraction(exponent) % 2 == 0 else None
            scalars.append((turned if turned is not None and text(turned) in odd else tree, exponent))
        found.append(Term(term.coefficient, tuple(scalars), term.word, term.spread))
    return found


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
    terms = _inner_products_merged(terms)
    if len(terms) < 2:
        return terms
    content, shared = _content(terms), _shared_scalars(terms)
    if not shared and content in (1, -1):
        return terms
    inner = sum_tree([_without(t, content, shared) for t in terms])
    factored = Term(content, (*shared.items(), (inner, 1)))
    if any(e < 0 for e in shared.values()) and len(text(factored.tree())) > len(text(in_order(terms))):
        return terms  # n/s - a/s^3 is shorter than (n - a/s^2)/s
    return [factored]


def _inner_products_merged(terms: list[Term]) -> list[Term]:
    """a'*q - a'*p as a'*(q - p): inner products of as many links that share a vector at one end."""
    chains = [_as_chain(t) for t in terms]
    groups: dict[object, list[tuple[int, Term]]] = {}
    for i, chain in enumerate(chains):
        for turned in (chain, chain.turned()) if chain is not None else ():
            assert turned.word is not None
            groups.setdefault((turned.word.links[0].key, len(turned.word.links)), []).append((i, turned))
    best = max(groups.values(), key=len, default=[])
    members = {i for i, _ in best}
    if len(members) < 2:
        return terms
    (merged,) = _merged([t for _, t in best], False, list(range(len(best))))
    assert merged.word is not None
    whole = Term(merged.coefficient, (*merged.scalars, (merged.word.tree(), 1)))
    apart = [t for i, t in enumerate(terms) if i in members]
    if len(members) < len(best) or len(text(whole.tree())) >= len(text(in_order(apart))):
        return terms
    return sorted([whole, *(t for i, t in enumerate(terms) if i not in members)], key=_order)


def _as_chain(term: Term) -> Term | None:
    """A scalar term with one inner product as a factor, that product as its word."""
    chains = [t for t, e in term.scalars if e == 1 and is_call(t, "multiply")]
    if len(chains) != 1:
        return None
    word = _chain(chains[0], True)
    ends = word.links[0].transposed and word.links[-1].vector
    return Term(term.coefficient, tuple(s for s in term.scalars if s[0] is not chains[0]), word) if ends else None


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


def _merge_same_words(terms: list[Term]) -> list[Term] | None:
    """s*x - s*t*x as s*(1 - t)*x: terms that differ in their scalars alone, where that is shorter."""
    groups: dict[str, list[int]] = {}
    for i, term in enumerate(terms):
        if term.word is not None:
            groups.setdefault(term.word.keys(), []).append(i)
    for members in groups.values() if len(groups) < len(terms) else ():
        chosen = [terms[i] for i in members]
        shared = _shared_scalars(chosen) if len(members) > 1 else {}
        if len(members) < 2:
            continue
        content = _content(chosen)
        inner = [_without(Term(t.coefficient, t.scalars), content, shared) for t in chosen]
        whole = Term(content, (*shared.items(), (sum_tree(inner), 1)), chosen[0].word)
        if len(text(whole.tree())) < len(text(in_order(chosen))):
            return sorted([whole, *(t for i, t in enumerate(terms) if i not in members)], key=_order)
    return None


def _merged(terms: list[Term], at_end: bool, members: list[int]) -> list[Term]:
    chosen = [terms[i] for i in members]
    rest = [t for i, t in enumerate(terms) if i not in members]
    word = chosen[0].word
    assert word is not None
    link = word.links[-1 if at_end else 0]
    left_over = slice(None, -1) if at_end else slice(1, None)
    inner_terms = _like([Term(t.coefficient, t.scalars, Word(t.word.links[left_over])) for t in chosen if t.word])
    inner = factor(inner_terms)
    if len(inner) == 1 and inner[0].word is not None and inner[0].spread is None:
        middle, coefficient, extra = inner[0].word.links, inner[0].coefficient, inner[0].scalars
    else:
        content = _content(inner)
        tree = in_order([_without(t, content, {}) for t in inner])
        middle, coefficient, extra = (_inner_link(tree, inner_terms),), content, ()
    links = (*middle, link) if at_end else (link, *middle)
    return sorted([*rest, Term(coefficient, extra, Word(links))], key=_order)


def _like(terms: list[Term]) -> list[Term]:
    """The terms with those that are multiples of one another as one."""
    found: dict[object, Term] = {}
    for term in terms:
        key = (term.word.keys() if term.word else "", tuple([(text(t), e) for t, e in term.scalars]))
        coefficient = term.coefficient + (found[key].coefficient if key in found else 0)
        found[key] = Term(exact(coefficient), term.scalars, term.word, term.spread)
    kept = [t for t in found.values() if t.coefficient]
    return kept if kept and len(kept) < len(terms) else terms


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
        word = _entries(left, link.vector) if left else None
        inner.append(Term(term.coefficient, term.scalars, word, None if left else term.word))
    content, common = _content(inner), _shared_scalars(inner)
    total = sum_tree([_without(t, content, common) for t in inner])
    others = [f for f in entrywise_factors(total) if f != _UNIT]
    parts = sorted([shared, *others], key=lambda t: (is_mask(t), len(text(t))))
    tree = reduce(lambda a, b: call("hadamard", a, b), parts)
    return Term(content, tuple(common.items()), Word((Link(tree, link.transposed, link.vector),)))


def _entries(factors: list[Tree], column: bool) -> Word:
    """The word of an entrywise product; of one factor that is a product, its links."""
    if len(factors) == 1 and is_call(factors[0], "multiply"):
        return _chain(factors[0], column)
    return Word((Link(reduce(lambda a, b: call("hadamard", a, b), factors), vector=column),))


def _chain(tree: Tree, column: bool) -> Word:
    """The word of a tree: the links of a product."""
    links = [link for part in product_factors(tree) for link in matrix(part).links]
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
        if link.tree_.op in ("diag", "vec") and not is_call(link.tree_.args[0], "ones"):
            groups.setdefault((link.tree_.op,), []).append(i)
        elif link.tree_.op == "kron":
            for place in (0, 1):
                groups.setdefault((place, text(link.tree_.args[place])), []).append(i)
    several = [(key, members) for key, members in groups.items() if len(members) > 1]
    if not several:
        return None
    key, members = several[0]
    op = key[0] if key[0] in ("diag", "vec") else "kron"
    open_ = 1 - int(str(key[0])) if op == "kron" else 0
    trees = [t.word.links[0].tree_ for i in members if (t := terms[i]).word is not None]
    inner = [
        Term(terms[i].coefficient, terms[i].scalars, _chain(a, op == "diag"))
        for i, tree in zip(members, trees, strict=True)
        for a in (tree.args[open_],)  # type: ignore[union-attr]
    ]
    content, common = _content(inner), _shared_scalars(inner)
    arguments = list(trees[0].args)  # type: ignore[union-attr]
    arguments[open_] = sum_tree([_without(t, content, common) for t in inner])
    whole = call(str(op), *arguments)
    word = vector(whole) if op == "vec" else matrix(whole, symmetric=op == "diag")
    merged = Term(content, tuple(common.items()), word)
    return sorted([*(t for i, t in enumerate(terms) if i not in members), merged], key=_order)
