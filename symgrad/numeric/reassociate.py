"""What depends on how large the arrays are: whether a product goes into a sum, and when X'DX is half a product.

(T - U V') V is cheaper as T V - U (V' V) where V is thin; A' (diag(p) A - p p'A) where it splits, because
A' diag(p) A with p >= 0 is S'S, of which BLAS computes one half.  Costs are those of `contract`, at the sizes
given.  Nodes and labels are looked at here; arrays and steps are made elsewhere.

>>> from symgrad.tensor.build import elementwise
>>> from symgrad.tensor.dims import letter
>>> from symgrad.tensor.nodes import Input
>>> is_nonnegative(elementwise(SIGMOID, Input.make("x", (letter("n"),))))
True
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from math import prod
from typing import cast

from symgrad.numeric.contract import order, pair_cost
from symgrad.numeric.template import template
from symgrad.operations.elementwise import SIGMOID
from symgrad.operations.record import Elementwise
from symgrad.tensor.build import as_number
from symgrad.tensor.dims import Size
from symgrad.tensor.nodes import Add, Delta, Einsum, Map, Node, Ones, Power
from symgrad.tensor.signs import is_positive

LARGE = 48  # columns of X from which the symmetric product X'DX pays
WORTH = 0.8  # of the cost, below which a sum is multiplied out

Labels = tuple[Hashable, ...]
Factors = Sequence[tuple[Node, Labels]]
Sizes = Mapping[Hashable, int]


def is_nonnegative(node: Node) -> bool:
    """Whether every entry is known to be >= 0 (not knowing is False)."""
    if is_positive(node) or (isinstance(node, Map) and template(cast(Elementwise, node.op).code).boolean):
        return True
    if isinstance(node, Power):
        exponent = as_number(node.exponent)
        return isinstance(exponent, int) and exponent % 2 == 0
    if isinstance(node, Add) and len(node.terms) == 2:  # 1 - sigma
        return any(
            c == -1 and isinstance(n, Map) and n.op is SIGMOID and all(d == 1 and is_positive(o) for d, o in rest)
            for (c, n), rest in zip(node.terms, (node.terms[1:], node.terms[:1]), strict=True)
        )
    return False


def splits(sums: Add, labels: Labels, others: Factors, out: Labels, extent: Callable[[Size], int]) -> bool:
    """Whether a product over the terms of a sum costs less than the product with the sum."""
    terms = [_factors(node, labels, place) for place, (_, node) in enumerate(sums.terms)]
    if len(terms) > 4 or any(not f for f in terms):
        return False
    factors = [*others, (sums, labels), *(f for term in terms for f in term)]
    every = {a: extent(s) for n, own in factors for a, s in zip(own, n.shape, strict=True)}
    size = prod(every[a] for a in labels)
    whole = sum(_cost(f, labels, every) + size for f in terms) + _cost([*others, (sums, labels)], out, every)
    return sum(_cost([*others, *f], out, every) for f in terms) < WORTH * whole


def _factors(node: Node, labels: Labels, place: int) -> list[tuple[Node, Labels]]:
    """The factors of a term, its summed labels told apart from those of others; none for an identity."""
    if not isinstance(node, Einsum):
        return [] if isinstance(node, Delta) else [(node, labels)]
    if any(isinstance(n, Delta) for n in node.args):
        return []
    return [
        (n, tuple(labels[a] if a < node.rank else ("within", place, a) for a in own))
        for n, own in node.factors
        if not isinstance(n, Ones)
    ]


def cost_of(factors: Factors, out: Labels, extent: Callable[[Size], int]) -> float:
    """What multiplying the factors and summing the labels that `out` lacks costs."""
    return _cost(factors, out, {a: extent(s) for n, own in factors for a, s in zip(own, n.shape, strict=True)})


def _cost(factors: Factors, out: Labels, sizes: Sizes) -> float:
    """What contracting the factors costs; half where it is a symmetric product."""
    current = [frozenset(labels) for _, labels in factors if labels]
    if out and _is_gram(factors, out) and min(sizes[a] for a in out) >= LARGE:
        return 0.5 * prod(sizes[a] for a in frozenset().union(*current))
    total = 0.0
    kept = frozenset(out)
    for i, j in order(current, kept, sizes):
        a, b = current[i], current[j]
        current = [c for k, c in enumerate(current) if k not in (i, j)]
        needed = kept.union(*current)
        total += pair_cost(a, b, needed, sizes)
        current.append((a | b) & needed)
    return total


def _is_gram(factors: Factors, out: Labels) -> bool:
    """X'DX with D >= 0."""
    wide = [(n, labels) for n, labels in factors if len(labels) == 2]
    if len(wide) != 2 or wide[0][0] is not wide[1][0] or len(out) != 2:
        return False
    shared = set(wide[0][1]) & set(wide[1][1]) - set(out)
    weights = Counter(n for n, labels in factors if len(labels) == 1)
    return (
        len(shared) == 1
        and len({labels.index(a) for _, labels in wide for a in shared}) == 1
        and all(set(labels) == shared for _, labels in factors if len(labels) == 1)
        and all(times % 2 == 0 or is_nonnegative(n) for n, times in weights.items())
    )
