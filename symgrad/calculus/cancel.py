"""What cancels in a product: inverses, orthogonal factors, entries that sum to one, sums beside their powers.

A product is a list of factors with labels; each function here gives the factors without what cancels, or None.

>>> from symgrad.tensor.dims import letter
>>> from symgrad.tensor.nodes import Input
>>> Q = Input.make("Q", (letter("n"),) * 2, frozenset({"orthogonal"}))
>>> cancel_orthogonal([(Q, ("k", "i")), (Q, ("k", "j"))], ("i", "j"))
[(delta, ('i', 'j'))]
"""

from __future__ import annotations

from collections.abc import Hashable
from fractions import Fraction
from itertools import combinations

from symgrad.tensor.build import add, einsum, inlined, power, primitive
from symgrad.tensor.nodes import Add, Apply, Coefficient, Delta, Einsum, Input, Node, Ones, Power, Triangle

Labels = tuple[Hashable, ...]
Factors = list[tuple[Node, Labels]]


def may_cancel(factors: Factors) -> bool:
    """Whether some factor is an inverse, orthogonal, or sums to one (a quick look)."""
    for n, _ in factors:
        if type(n) is Apply:
            if n.op.inverts or n.op.sums_to_one:
                return True
        elif type(n) is Triangle or (type(n) is Input and n.properties):
            return True
    return False


def cancel_inverse(factors: Factors, out: Labels) -> Factors | None:
    """X inv(X) = inv(X) X = I."""
    inverses = [f for f in factors if isinstance(f[0], Apply) and f[0].op.inverts and len(f[1]) == 2]
    if not inverses:
        return None
    degree = degrees(factors, out)
    for inverse, (a, b) in inverses:
        for other in factors:
            if other[0] is not inverse.args[0]:
                continue
            c, d = other[1]
            pairs = [(b == c and b, a, d), (a == d and a, c, b)]
            if other[0].symmetry == 1:
                pairs += [(b == d and b, a, c), (a == c and a, d, b)]
            for shared, left, right in pairs:
                if shared is not False and degree[shared] == 2:
                    return _replaced(factors, [(inverse, (a, b)), other], (left, right))
    return None


def cancel_orthogonal(factors: Factors, out: Labels) -> Factors | None:
    """Q'Q = Q Q' = I."""
    candidates = [f for f in factors if isinstance(f[0], Input) and "orthogonal" in f[0].properties]
    degree = degrees(factors, out) if len(candidates) > 1 else {}
    for i, (q, labels) in enumerate(candidates):
        for other, others in candidates[i + 1 :]:
            for side in (0, 1):
                if other is q and labels[side] == others[side] and degree[labels[side]] == 2:
                    return _replaced(factors, [(q, labels), (other, others)], (labels[1 - side], others[1 - side]))
    return None


def _replaced(factors: Factors, pair: Factors, labels: Labels) -> Factors:
    rest = list(factors)
    for factor in pair:
        rest.remove(factor)
    return [*rest, (Delta.make(pair[0][0].shape[0]), labels)]


def drop_triangle(factors: Factors) -> Factors | None:
    """The diagonal of a triangle is ones."""
    for i, (node, labels) in enumerate(factors):
        if type(node) is Triangle and labels[0] == labels[1]:
            return [*factors[:i], *factors[i + 1 :], (Ones.make(node.shape[0]), labels[:1])]
    return None


def sorted_diagonals(factors: Factors, out: Labels) -> Factors | None:
    """D E = E D of diagonal matrices: two neighbours that stand in the wrong order change places."""
    diagonal = [i for i, (n, ls) in enumerate(factors) if len(ls) == 2 and ls[0] != ls[1] and _is_diagonal(n)]
    degree = degrees(factors, out) if len(diagonal) > 1 else {}
    for i, k in combinations(diagonal, 2):
        (first, one), (second, other) = factors[i], factors[k]
        shared = set(one) & set(other)
        if first is second or len(shared) != 1 or any(degree[a] != 2 for a in shared):
            continue
        before, after = (_end(next(a for a in ls if a not in shared), factors, out, ls) for ls in (one, other))
        if before != after and (before < after) != (first.key < second.key):
            found = list(factors)
            found[i], found[k] = (second, one), (first, other)
            return found
    return None


def _end(label: Hashable, factors: Factors, out: Labels, own: Labels) -> tuple[int, int]:
    """What a matrix of a chain meets at its outer end: an axis of the output, else the key of a neighbour."""
    if label in out:
        return out.index(label), 0
    return len(out), min((n.key for n, ls in factors if label in ls and ls is not own), default=0)


def _is_diagonal(node: Node) -> bool:
    if type(node) is Apply and node.op.inverts:
        node = node.args[0]
    return type(node) is Input and "diagonal" in node.properties


def drop_repeated_onehot(factors: Factors) -> Factors | None:
    """y .* y is y where every entry is 0 or 1."""
    for i, (node, labels) in enumerate(factors):
        if isinstance(node, Input) and "onehot" in node.properties and (node, labels) in factors[:i]:
            return [*factors[:i], *factors[i + 1 :]]
    return None


def drop_unit_sum(factors: Factors, out: Labels) -> Factors | None:
    """The entries of a softmax, or of a vector declared `simplex` or `onehot`, sum to one."""
    if not any(_sums_to_one(n) for n, _ in factors):
        return None
    degree = degrees(factors, out)
    for i, (node, labels) in enumerate(factors):
        first = node.batch if isinstance(node, Apply) else len(labels) - 1  # of the axes whose sum is one
        if labels and _sums_to_one(node) and all(a not in out and degree[a] == 1 for a in labels[first:]):
            spread = [(Ones.make(s), (a,)) for s, a in zip(node.shape[:first], labels[:first], strict=True)]
            return [*factors[:i], *factors[i + 1 :], *spread]
    return None


def _sums_to_one(node: Node) -> bool:
    if isinstance(node, Apply):
        return node.op.sums_to_one
    return isinstance(node, Input) and bool(node.properties & {"simplex", "onehot"})


def is_cancelling(node: Node) -> bool:
    """Whether a factor may cancel another one: an inverse, or orthogonal."""
    if type(node) is Apply:
        return node.op.inverts
    return type(node) is Input and "orthogonal" in node.properties


def cancelled_entrywise(factors: Factors) -> Factors:
    """y .* (x ./ y - 1) as x - y: a factor that cancels in one of the two terms of a sum beside it."""
    for i, (whole, labels) in enumerate(factors):
        if type(whole) is not Add or len(whole.terms) != 2 or len(set(labels)) < len(labels):
            continue
        own = tuple(range(whole.rank))
        for k, (n, ls) in enumerate(factors):
            if k == i or ls != labels or type(n) in (Add, Ones) or n.rank != whole.rank:
                continue
            inverse = power(n, -1), own
            if any((type(t) is Einsum and inverse in t.factors) or (t is inverse[0] and own) for _, t in whole.terms):
                total = add((c, _multiplied(t, n, own)) for c, t in whole.terms)
                return [*(f for j, f in enumerate(factors) if j not in (i, k)), (total, labels)]
    return factors


def _multiplied(node: Node, by: Node, own: Labels) -> Node:
    inner: Factors = inlined(node, own) if isinstance(node, Einsum) else [(node, own)]
    return einsum([*inner, (by, own)], own, node.coefficient if isinstance(node, Einsum) else 1)


def cancelled_sums(coefficient: Coefficient, factors: Factors) -> tuple[Coefficient, Factors]:
    """(2 s + 2 t)/(s + t) is 2: a sum beside a power of one of its multiples."""
    bases = {(n.args[0], ls) for n, ls in factors if isinstance(n, Power) and isinstance(n.args[0], Add)}
    for i, (node, labels) in enumerate(factors):
        for base, own in bases if isinstance(node, Add) and node.terms else ():
            if own == labels and base is not node and isinstance(base, Add):
                (c, plain), (d, other) = primitive(node), primitive(base)  # type: ignore[arg-type]
                if plain is other:
                    rest = [*factors[:i], (base, labels), *factors[i + 1 :]]
                    return cancelled_sums(coefficient * Fraction(c) / Fraction(d), rest)
    return coefficient, factors


def degrees(factors: Factors, out: Labels) -> dict[Hashable, int]:
    """At how many places each label stands, the output being one."""
    degree = dict.fromkeys(out, 1)
    for _, labels in factors:
        for a in labels:
            degree[a] = degree.get(a, 0) + 1
    return degree


def components(factors: Factors) -> list[Factors]:
    """The factors in groups that share labels."""
    groups: list[tuple[set[Hashable], Factors]] = []
    for factor in factors:
        labels, members = set(factor[1]), [factor]
        apart = []
        for group in groups:
            if labels & group[0]:
                labels |= group[0]
                members = group[1] + members
            else:
                apart.append(group)
        groups = [*apart, (labels, members)]
    return [members for _, members in groups]
