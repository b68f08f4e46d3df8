"""Products with the same factors on both sides, P' M P: one side is computed once.

The Hessian of a network is a chain of layers, a small middle and the same chain back; multiplied out from one end
it costs twice what a chain and one last product cost.  Here the factors of a result are laid open and paired from
its two ends: axis i with axis i + rank/2, then every factor at one end with an equal one at the other.  What is
paired becomes a node of its own where that costs less at the sizes given.  Only the order of multiplication changes.

>>> from symgrad.tensor.build import einsum
>>> from symgrad.tensor.dims import letter
>>> from symgrad.tensor.nodes import Input
>>> n = letter("n")
>>> A, B = Input.make("A", (n, n)), Input.make("B", (n, n))
>>> chain = einsum([(B, "ai"), (A, "ba"), (A, "bc"), (B, "ck")], "ik")
>>> two_sided(chain, lambda size: 100).sides
((1 A[1, 2] B[2, 0] -> 2),)
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import NamedTuple

from symgrad.numeric.reassociate import cost_of
from symgrad.tensor.build import einsum
from symgrad.tensor.dims import Size
from symgrad.tensor.nodes import Add, Coefficient, Delta, Einsum, Node, Reindex

Labels = tuple[Hashable, ...]
Extent = Callable[[Size], int]
Factors = list[tuple[Node, Labels]]
Term = tuple[Coefficient, Factors]

MOST_FACTORS = 150  # that are laid open
MOST_TERMS = 4  # of a sum in the middle
PAYS = 0.9  # of the cost of the product as it was, below which it is written anew
WORTH = 2  # matrices on a side, from which it is computed by itself


class TwoSided(NamedTuple):
    """A tensor, the sides in it that are to be computed as such, and whether other sizes might make other ones."""

    node: Node
    sides: tuple[Node, ...] = ()
    depends: bool = False


def two_sided(node: Node, extent: Extent) -> TwoSided:
    """The same tensor, its products with equal sides written so that a side is one factor, used twice."""
    half = node.rank // 2
    if node.rank not in (2, 4) or not isinstance(node, Einsum | Add) or node.shape[:half] != node.shape[half:]:
        return TwoSided(node)
    coefficient, factors = _opened(1, [(node, tuple(range(node.rank)))], 2)
    found = [_rewritten(part, half, extent) for part in _connected(factors)]
    sides = tuple(dict.fromkeys(s for part in found for s in part.sides))
    depends = any(part.depends for part in found)
    if not sides:
        return TwoSided(node, depends=depends)
    parts = [f for part in found for f in part.factors]
    return TwoSided(_product(coefficient, parts, tuple(range(node.rank))), sides, depends)


class _Part(NamedTuple):
    """Factors that share labels with no others."""

    factors: Factors
    sides: tuple[Node, ...] = ()
    depends: bool = False


def _rewritten(factors: Factors, half: int, extent: Extent) -> _Part:
    """The factors, or one in place of them where that pays."""
    out = tuple(sorted(a for a in {a for _, labels in factors for a in labels} if isinstance(a, int)))
    if not out or any((a + half if a < half else a - half) not in out for a in out):
        return _Part(factors)
    terms = _terms(factors)
    pairings = [_Pairing.of(term, [a for a in out if a < half], half) for _, term in terms]
    found = {side.node: side for p in pairings for side in p.sides() if side.is_worth}
    if not found:
        return _Part(factors)
    replaced = [p.replaced(set(found)) for p in pairings]
    sided = sum(cost_of([*side.factors], side.labels, extent) for side in found.values())
    sided += sum(cost_of(term, out, extent) for term in replaced)
    if sided >= PAYS * sum(cost_of(p.given or p.factors, out, extent) for p in pairings):
        return _Part(factors, depends=True)
    products = [_product(c, term, out) for (c, _), term in zip(terms, replaced, strict=True)]
    whole = products[0] if len(products) == 1 else Add.make(tuple([(1, p) for p in products]), products[0].shape)
    return _Part([(whole, out)], tuple(found), True)


def _product(coefficient: Coefficient, factors: Factors, out: Labels) -> Node:
    """The product as it is, nothing opened: labels of `out` first, others as they come."""
    numbers: dict[Hashable, int] = {a: i for i, a in enumerate(out)}
    sizes = {a: s for n, labels in factors for a, s in zip(labels, n.shape, strict=True)}
    renamed = tuple([(n, tuple([numbers.setdefault(a, len(numbers)) for a in labels])) for n, labels in factors])
    return Einsum.make(coefficient, renamed, tuple(sizes[a] for a in out))


# --- laid open -------------------------------------------------------------------------------------

_tags = count()


def _opened(coefficient: Coefficient, factors: Factors, least: int) -> Term:
    """The factors with products of at least so many axes replaced by their own factors."""
    found: Factors = []
    stack = list(reversed(factors))
    while stack:
        node, labels = stack.pop()
        if not isinstance(node, Einsum) or node.rank < least or len(stack) + len(found) > MOST_FACTORS:
            found.append((node, labels))
            continue
        coefficient *= node.coefficient
        tag = next(_tags)
        stack += [
            (n, tuple([labels[a] if a < node.rank else ("bound", tag, a) for a in own]))
            for n, own in reversed(node.factors)
        ]
    return coefficient, found


def _terms(factors: Factors) -> list[Term]:
    """The products that the factors come to when one sum among them is multiplied out."""
    place = next((k for k, (n, _) in enumerate(factors) if isinstance(n, Add) and n.rank > 1), None)
    if place is None:
        return [(1, factors)]
    node, labels = factors[place]
    assert isinstance(node, Add)
    if not 0 < len(node.terms) <= MOST_TERMS:
        return [(1, factors)]
    others = factors[:place] + factors[place + 1 :]
    return [_opened(c, [*others, (n, labels)], 2) for c, n in node.terms]


def _connected(factors: Factors) -> list[Factors]:
    """The factors in groups that share labels."""
    groups: list[tuple[set[Hashable], Factors]] = []
    for factor in factors:
        labels, members = set(factor[1]), [factor]
        for group in [g for g in groups if g[0] & labels]:
            groups.remove(group)
            labels |= group[0]
            members = group[1] + members
        groups.append((labels, members))
    return [members for _, members in groups]


# --- paired ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Side:
    """Paired factors of one end as a node over labels that are seen from outside, and the other end's labels."""

    node: Node
    labels: Labels
    other: Labels
    places: frozenset[int]  # of the factors of both ends
    factors: Factors

    @property
    def is_worth(self) -> bool:
        return len(self.labels) > 1 and sum(n.rank > 1 for n in self.node.args) >= WORTH


@dataclass
class _Pairing:
    """The factors of a term, paired from both ends."""

    factors: Factors
    partner: dict[Hashable, Hashable]  # labels of the first end -> labels of the second
    pairs: dict[int, int] = field(default_factory=dict)  # places of factors likewise
    given: Factors = field(default_factory=list)  # before vectors were laid open

    @staticmethod
    def of(factors: Factors, ends: Sequence[int], half: int) -> _Pairing:
        """The pairing; products that are vectors are laid open where then everything finds its partner."""
        found = _Pairing(factors, {a: a + half for a in ends}).paired()
        if any(isinstance(n, Einsum) for n, _ in factors):
            coefficient, opened = _opened(1, factors, 1)
            other = _Pairing(opened, {a: a + half for a in ends}, given=factors).paired()
            if coefficient == 1 and 2 * len(other.pairs) == len(opened):
                return other
        return found

    def paired(self) -> _Pairing:
        """Pair what can be, beginning at the ends."""
        standing: dict[Hashable, list[int]] = {}
        for place, (_, labels) in enumerate(self.factors):
            for a in dict.fromkeys(labels):
                standing.setdefault(a, []).append(place)
        queue, taken = list(self.partner), set[int]()
        for a in queue:
            for place in standing.get(a, ()):
                if place in taken:
                    continue
                for other in standing.get(self.partner[a], ()):
                    new = None if other == place or other in taken else self._fit(place, other)
                    if new is not None:
                        taken |= {place, other}
                        self.pairs[place] = other
                        self.partner |= new
                        queue += [u for u, v in new.items() if u != v]
                        break
        return self

    def _fit(self, place: int, other: int) -> dict[Hashable, Hashable] | None:
        """The further pairs of labels if these two factors are partners; None where they cannot be."""
        (node, own), (same, theirs) = self.factors[place], self.factors[other]
        if node is not same or isinstance(node, Delta | Reindex):
            return None
        new: dict[Hashable, Hashable] = {}
        known = {v: u for u, v in self.partner.items()}
        for u, v in zip(own, theirs, strict=True):
            if (self.partner | new).get(u, v) != v or (known | {b: a for a, b in new.items()}).get(v, u) != u:
                return None
            if u != v and (u in known or v in self.partner):
                return None
            if u not in self.partner:
                new[u] = v
        return new

    def sides(self, trimmed: bool = False) -> list[_Side]:
        """The connected groups of the first end with their partners; trimmed, without vectors at the inner end."""
        fixed = {u for u, v in self.partner.items() if u == v}
        rest = set(self.pairs) - (self._leaves(fixed) if trimmed else set())
        found = []
        while rest:
            group = [min(rest)]
            rest.remove(group[0])
            for place in group:
                labels = set(self.factors[place][1]) - fixed
                more = sorted(p for p in rest if labels & set(self.factors[p][1]))
                group += more
                rest.difference_update(more)
            found.append(self._side(group))
        return found

    def _leaves(self, fixed: set[Hashable]) -> set[int]:
        """Vectors of the first end on a label that else one of its matrices has."""
        vectors = {p for p in self.pairs if self.factors[p][0].rank == 1}
        found = set()
        for place in vectors:
            (label,) = self.factors[place][1]
            others = {p for p, (_, labels) in enumerate(self.factors) if label in labels} - vectors
            if not isinstance(label, int) and label not in fixed and len(others) == 1 and others <= set(self.pairs):
                found.add(place)
        return found

    def _side(self, group: Sequence[int]) -> _Side:
        beyond = self._seen([self.pairs[p] for p in group])
        seen = self._seen(group) | {u for u, v in self.partner.items() if v in beyond}
        own = dict.fromkeys(a for p in group for a in self.factors[p][1])
        labels = tuple(sorted((a for a in own if a in seen), key=lambda a: not isinstance(a, int)))
        factors = [self.factors[p] for p in group]
        places = frozenset([*group, *(self.pairs[p] for p in group)])
        return _Side(einsum(factors, labels), labels, tuple(self.partner[a] for a in labels), places, factors)

    def _seen(self, group: Sequence[int]) -> set[Hashable]:
        """The labels of some factors that the result or other factors have, too."""
        outside = {a for p, (_, labels) in enumerate(self.factors) if p not in group for a in labels}
        return {a for p in group for a in self.factors[p][1] if isinstance(a, int) or a in outside}

    def replaced(self, sides: set[Node]) -> Factors:
        """The factors with these sides in place of their own."""
        for trimmed in (False, True):
            used = [s for s in self.sides(trimmed) if s.node in sides]
            if used:
                gone = {p for s in used for p in s.places}
                kept = [f for p, f in enumerate(self.factors) if p not in gone]
                return [*((s.node, end) for s in used for end in (s.labels, s.other)), *kept]
        return self.given or self.factors
