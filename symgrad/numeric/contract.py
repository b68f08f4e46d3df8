"""In which order to multiply out a product of many factors.

Each factor is a set of labels; a pair costs the product of the sizes of all its labels.  Few factors
are ordered optimally over all binary trees, many greedily.  Sizes are generic: a dimension letter
counts as a hundred.  Nothing here knows arrays or the graph.

>>> order([frozenset("ij"), frozenset("jk"), frozenset("k")], frozenset("i"), dict.fromkeys("ijk", 100))
[(1, 2), (0, 1)]
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from itertools import combinations
from math import prod

GENERIC = 100  # what a dimension letter counts as
OPTIMAL = 5  # factors up to which all trees are tried
ODD = 8  # how much dearer a pair is that no matrix product says

Labels = frozenset[Hashable]
Sizes = Mapping[Hashable, int]


def order(operands: Sequence[Labels], out: Labels, sizes: Sizes) -> list[tuple[int, int]]:
    """Pairs of positions to contract; each result goes to the end of the list."""
    if len(operands) < 3:
        return [(0, 1)] if len(operands) == 2 else []
    return _optimal(operands, out, sizes) if len(operands) <= OPTIMAL else _greedy(operands, out, sizes)


def pair_cost(a: Labels, b: Labels, kept: Labels, sizes: Sizes) -> float:
    """What multiplying two factors and summing the labels that are not `kept` costs."""
    shared, result = a & b, (a | b) & kept
    odd = bool(shared & kept) and bool(shared - kept)
    work = prod(sizes[i] for i in a | b)
    return work * (ODD if odd else 1) + prod(sizes[i] for i in result)


def _needed(rest: Sequence[Labels], out: Labels) -> Labels:
    return out.union(*rest)


def _greedy(operands: Sequence[Labels], out: Labels, sizes: Sizes) -> list[tuple[int, int]]:
    """The cheapest pair first; pairs without a common label only where there are no others."""
    current, pairs = list(operands), []
    costs: dict[tuple[Labels, Labels, Labels], float] = {}
    while len(current) > 1:
        places = Counter(a for labels in (*current, out) for a in labels)
        best = None
        chosen = _chosen(current)
        for i, j in _touching(current, chosen) or combinations(chosen, 2):
            a, b = current[i], current[j]
            kept = frozenset([x for x in a | b if places[x] > (x in a) + (x in b)])
            cost = costs.get((a, b, kept))
            if cost is None:
                cost = costs[a, b, kept] = pair_cost(a, b, kept, sizes)
            if best is None or cost < best[0]:
                best = (cost, i, j, kept)
        assert best is not None
        _, i, j, result = best
        pairs.append((i, j))
        current = [c for k, c in enumerate(current) if k not in (i, j)] + [result]
    return pairs


def _chosen(operands: Sequence[Labels]) -> list[int]:
    """The first two places of every set of labels: what else has these labels costs the same."""
    count: Counter[Labels] = Counter()
    found = []
    for i, labels in enumerate(operands):
        count[labels] += 1
        if count[labels] < 3:
            found.append(i)
    return found


def _touching(operands: Sequence[Labels], chosen: Sequence[int]) -> list[tuple[int, int]]:
    """The pairs of the chosen places that have a label in common, in order."""
    standing: dict[Hashable, list[int]] = {}
    for i in chosen:
        for a in operands[i]:
            standing.setdefault(a, []).append(i)
    return sorted({pair for places in standing.values() for pair in combinations(places, 2)})


def _optimal(operands: Sequence[Labels], out: Labels, sizes: Sizes) -> list[tuple[int, int]]:
    count = len(operands)
    whole = (1 << count) - 1
    needed = [_needed([operands[i] for i in range(count) if not subset >> i & 1], out) for subset in range(whole + 1)]
    labels = [
        frozenset().union(*(operands[i] for i in range(count) if subset >> i & 1)) & needed[subset]
        for subset in range(whole + 1)
    ]
    best: dict[int, tuple[float, int]] = {1 << i: (0.0, 0) for i in range(count)}
    for subset in range(1, whole + 1):
        if subset in best:
            continue
        options = []
        left = (subset - 1) & subset
        while left * 2 > subset:
            right = subset ^ left
            cost = pair_cost(_labels(operands, labels, left), _labels(operands, labels, right), needed[subset], sizes)
            options.append((best[left][0] + best[right][0] + cost, left))
            left = (left - 1) & subset
        best[subset] = min(options)
    return _pairs(best, whole, count)


def _labels(operands: Sequence[Labels], labels: Sequence[Labels], subset: int) -> Labels:
    """A single factor keeps all its labels; a product has summed what it could."""
    return operands[subset.bit_length() - 1] if subset & (subset - 1) == 0 else labels[subset]


def _pairs(best: Mapping[int, tuple[float, int]], whole: int, count: int) -> list[tuple[int, int]]:
    tree, stack = [], [whole]
    while stack:
        subset = stack.pop()
        left = best[subset][1]
        if left:
            tree.append((subset, left))
            stack += [left, subset ^ left]
    current = [1 << i for i in range(count)]
    pairs = []
    for subset, left in reversed(tree):
        i, j = sorted((current.index(left), current.index(subset ^ left)))
        pairs.append((i, j))
        current = [c for k, c in enumerate(current) if k not in (i, j)] + [subset]
    return pairs
