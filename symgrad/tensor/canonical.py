"""One name for each product: factors in order, labels numbered.

Two products that differ only in the order of factors or the names of labels become the same tuple.
Distinct factors are ordered by their keys.  Equal factors make it a graph problem: labels are coloured
by where they occur, colours are refined, and what is still tied is split by trying (with bounded work;
beyond the bound two equal products may get two names, which costs a proof, never a wrong one).
Symmetric factors have their two labels in order, skew ones at the price of a sign.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from functools import lru_cache

from symgrad.errors import LimitError
from symgrad.tensor.nodes import Add, Apply, Delta, Einsum, Factor, Input, Map, Node, Power

TRIES = 24
MOST_FACTORS = 128  # of a product in which some are equal: putting them in order takes the cube of their number
PATTERNS = 4096  # of labels that are remembered

Factors = Sequence[tuple[Node, tuple[Hashable, ...]]]
Colours = dict[int, int]
Row = tuple[int, tuple[int, ...], int]  # a factor: its key, its labels, its symmetry
Found = tuple[int, list[tuple[int, tuple[int, ...]]], tuple[tuple[int, tuple[int, ...]], ...]]


def canonical_product(factors: Factors, out: tuple[Hashable, ...]) -> tuple[int, tuple[Factor, ...]]:
    """The sign (0: the product vanishes) and the factors in canonical order and labels."""
    turns = [n.symmetry != 0 and _turns(n) != 0 for n, _ in factors]
    if True not in turns:
        if len(factors) == 1:
            return 1, _numbered(factors, out)
        if len(factors) == 2 and factors[0][0].key != factors[1][0].key:  # the commonest case
            return 1, _numbered(factors if factors[0][0].key < factors[1][0].key else factors[::-1], out)
        keys = {n.key for n, _ in factors}
        ordered = sorted(factors, key=_key)
        if len(keys) == len(factors) or len(keys) == len(set(factors)):  # equal factors have equal labels
            return 1, _numbered(ordered, out)
        if len(keys) == len(factors) - 1:
            return 1, _of_pair(ordered, out)
    else:
        oriented = _oriented(factors, out)
        if oriented is not None:
            return oriented
    if len(factors) > MOST_FACTORS:
        message = f"a product of {len(factors)} factors, some of them equal; the limit is {MOST_FACTORS}"
        raise LimitError(message, hint="powers, A^n in the place of A*A*...")
    pattern = tuple([(n.key, labels, _turns(n)) for n, labels in _numbered(factors, out)])
    sign, places = _solved(pattern, len(out))
    return sign, tuple([(factors[i][0], labels) for i, labels in places])


@lru_cache(maxsize=PATTERNS)
def _solved(pattern: tuple[Row, ...], rank: int) -> tuple[int, tuple[tuple[int, tuple[int, ...]], ...]]:
    """The sign of a pattern of factors, and which factor comes in which place with which labels."""
    sign, _, found = _Colouring(pattern, rank).solve()
    return sign, found


def _turns(node: Node) -> int:
    """The symmetry of a factor whose labels have to be ordered (those of a delta are in order already)."""
    if node.rank != 2 or node.shape[0] is not node.shape[1] or type(node) is Delta:
        return 0
    return symmetry(node) if node.symmetry is None else node.symmetry


def _oriented(factors: Factors, out: tuple[Hashable, ...]) -> tuple[int, tuple[Factor, ...]] | None:
    """A product of different factors, the output's labels first in each symmetric one: what colouring it comes to.

    None where some factors are equal, or where both labels of a symmetric one are summed.
    """
    if len({n.key for n, _ in factors}) < len(factors):
        return None
    sign, turned = 1, []
    for factor in factors:
        node, labels = factor
        turns = _turns(node)
        if turns:
            first, second = [out.index(a) if a in out else len(out) for a in labels]
            if first == second:
                return None
            if first > second:
                sign, factor = sign * turns, (node, labels[::-1])
        turned.append(factor)
    return sign, _numbered(sorted(turned, key=_key), out)


def _of_pair(ordered: Factors, out: tuple[Hashable, ...]) -> tuple[Factor, ...]:
    """A product in which two factors are equal, in that order of the two in which its labels come first."""
    at = next(i for i in range(1, len(ordered)) if ordered[i - 1][0].key == ordered[i][0].key)
    swapped = [*ordered[: at - 1], ordered[at], ordered[at - 1], *ordered[at + 1 :]]
    return min(_numbered(ordered, out), _numbered(swapped, out), key=_all_labels)


def _all_labels(factors: tuple[Factor, ...]) -> list[tuple[int, ...]]:
    return [labels for _, labels in factors]


def _key(factor: tuple[Node, tuple[Hashable, ...]]) -> int:
    return factor[0].key


def _numbered(factors: Factors, out: tuple[Hashable, ...]) -> tuple[Factor, ...]:
    """The factors with their labels numbered as they come, those of the output first."""
    number: dict[Hashable, int] = {}
    for a in out:
        number[a] = len(number)
    place = number.setdefault
    named: list[Factor] = []
    for node, labels in factors:
        if len(labels) == 2:
            named.append((node, (place(labels[0], len(number)), place(labels[1], len(number)))))
        elif len(labels) == 1:
            named.append((node, (place(labels[0], len(number)),)))
        else:
            named.append((node, tuple([place(a, len(number)) for a in labels])))
    return tuple(named)


class _Colouring:
    """The labelling of one pattern of factors."""

    def __init__(self, rows: tuple[Row, ...], rank: int):
        self.rows, self.rank = rows, rank
        self.tries = TRIES

    def solve(self) -> Found:
        colours: Colours = {a: 0 for _, labels, _ in self.rows for a in labels}
        colours.update({a: a + 1 for a in range(self.rank)})
        return self._split(colours)

    def _split(self, colours: Colours) -> Found:
        colours = self._refined(colours)
        classes: dict[int, list[int]] = {}
        for a, c in colours.items():
            classes.setdefault(c, []).append(a)
        tied = [(c, members) for c, members in classes.items() if len(members) > 1]
        if not tied or self.tries <= 0:
            return self._ordered(colours)
        _, members = min(tied, key=lambda t: (len(t[1]), t[0]))
        candidates = []
        for a in members:
            self.tries -= 1
            candidates.append(self._split({**colours, a: hash((colours[a], 1))}))
            if self.tries <= 0:
                break
        best = min(candidates, key=lambda c: c[1])
        if any(c[0] == 0 or (c[1] == best[1] and c[0] != best[0]) for c in candidates):
            return 0, *best[1:]  # it is its own negative: x'K x, tr(S K)
        return best

    def _refined(self, colours: Colours) -> Colours:
        count = len(set(colours.values()))
        while True:
            seen: dict[int, list[int]] = {a: [] for a in colours}
            for kind, labels, symmetric in self.rows:
                around = tuple([colours[a] for a in labels])
                signature = hash((kind, tuple(sorted(around)) if symmetric else around))
                for place, a in enumerate(labels):
                    seen[a].append(hash((signature, 0 if symmetric else place)))
            colours = {a: hash((c, tuple(sorted(seen[a])))) for a, c in colours.items()}
            fresh = len(set(colours.values()))
            if fresh == count:
                return colours
            count = fresh

    def _ordered(self, colours: Colours) -> Found:
        sign = 1
        rows: list[tuple[int, tuple[int, ...], int]] = []
        for at, (kind, labels, symmetric) in enumerate(self.rows):
            if symmetric:
                first, second = ((min(a - self.rank, 0), colours[a]) for a in labels)  # the output first
                if first > second:
                    labels, sign = labels[::-1], sign * symmetric
                if symmetric < 0 and labels[0] == labels[1]:
                    sign = 0
            rows.append((kind, labels, at))
        rows.sort(key=lambda r: (r[0], tuple([colours[a] for a in r[1]])))
        number = {a: a for a in range(self.rank)}
        place = number.setdefault
        numbered = [(kind, tuple([place(a, len(number)) for a in labels]), at) for kind, labels, at in rows]
        return sign, [row[:2] for row in numbered], tuple([(at, labels) for _, labels, at in numbered])


def symmetry(node: Node) -> int:
    """1 where A' = A is known, -1 where A' = -A is, else 0.  `node` has two axes."""
    if node.symmetry is None:
        node.symmetry = 0 if node.shape[0] != node.shape[1] else _symmetry(node)
    return node.symmetry


def _symmetry(node: Node) -> int:
    if type(node) is Input:
        properties = node.properties
        return -1 if "skew" in properties else 1 if properties & {"symmetric", "spd", "diagonal"} else 0
    if type(node) is Delta:
        return 1
    if type(node) is Apply:
        turns = symmetry(node.args[0]) if node.op.transposes and not node.batch else 0
        return turns if turns == 1 or node.op.inverts else 0  # the inverse of a skew matrix is skew
    if type(node) is Power:
        return int(symmetry(node.base) == 1)
    if type(node) is Map:
        return int(all(not a.shape or symmetry(a) == 1 for a in node.args))
    if type(node) is Add:
        return _symmetry_of_sum(node)
    if type(node) is Einsum:
        return _symmetry_of_product(node)
    return 0


def _symmetry_of_sum(node: Add) -> int:
    if not node.terms:
        return 0
    ends = {_ends(t) for _, t in node.terms}
    if any((columns, rows) not in ends for rows, columns in ends):
        return 0
    flipped = {_flipped(t): c for c, t in node.terms}
    if None in flipped:
        return 0
    same = all(flipped.get(t) == c for c, t in node.terms)
    return 1 if same else -1 if all(flipped.get(t) == -c for c, t in node.terms) else 0


def _flipped(node: Node) -> Node | None:
    """The transpose of a term of a sum as the term it would be, if that is easily said."""
    if symmetry(node) == 1:
        return node
    if type(node) is Einsum:
        sign, factors = canonical_product(_swapped(node), (0, 1))
        if sign != 1:
            return None
        if len(factors) == 1 and factors[0][1] == (0, 1):
            return factors[0][0]
        return Einsum.make(1, factors, node.shape)
    if isinstance(node, Input | Apply | Map):
        return Einsum.make(1, ((node, (1, 0)),), node.shape)
    return None


def _ends(node: Node) -> tuple[frozenset[Node], frozenset[Node]]:
    """What stands at the rows of a matrix, and at its columns; the transpose has them exchanged."""
    if type(node) is not Einsum:
        both = frozenset((node,))
        return both, both
    rows = frozenset([n for n, labels in node.factors if 0 in labels])
    if Delta in [type(n) for n in rows]:  # diagonal
        return rows, rows
    return rows, frozenset([n for n, labels in node.factors if 1 in labels])


def _symmetry_of_product(node: Einsum) -> int:
    rows, columns = _ends(node)
    if rows != columns:
        return 0
    sign, factors = canonical_product(_swapped(node), (0, 1))
    return sign if factors == node.factors else 0


def _swapped(node: Einsum) -> list[Factor]:
    """The factors with the two output labels exchanged (with a delta between them nothing changes)."""
    if any(type(n) is Delta and set(labels) == {0, 1} for n, labels in node.factors):
        return list(node.factors)
    swap = {0: 1, 1: 0}
    return [(n, tuple(swap.get(a, a) for a in labels)) for n, labels in node.factors]
