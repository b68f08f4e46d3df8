"""Presentation: the same tensor, arranged so that it can be read.

Nested products flatten (each up to a bound, so that depth stays linear), scalar parts split off, inverses
and orthogonal factors cancel, what sums to one is dropped, sums flatten, and the identities that the
catalogue's records bring (`rules`) are applied.  Named intermediates are put in first and stay names.

>>> from symgrad.tensor.build import einsum
>>> from symgrad.tensor.dims import letter
>>> from symgrad.tensor.nodes import Input
>>> A, x = Input.make("A", (letter("n"),) * 2), Input.make("x", (letter("n"),))
>>> present(einsum([(einsum([(A, "ij"), (A, "jk")], "ik"), "ik"), (x, "k")], "i"))
(1 A[0, 1] A[1, 2] x[2] -> 1)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping
from itertools import chain, product

from symgrad.tensor.build import add, apply, einsum, elementwise, inlined, power
from symgrad.tensor.nodes import Add, Apply, Coefficient, Delta, Einsum, Input, Map, Node, Ones, Power, walk

MAX_FACTORS = 32  # of a flattened product
MAX_TERMS = 64  # of a flattened sum

Labels = tuple[Hashable, ...]
Factors = list[tuple[Node, Labels]]
Rule = Callable[[Node], Node | None]


def present(root: Node, names: Mapping[Node, Node] | None = None) -> Node:
    """The same tensor, flattened and simplified; nodes that are keys of `names` are replaced by their names."""
    named = names or {}
    done: dict[Node, Node] = dict(named)
    order = list(walk(root))
    rules = tuple(dict.fromkeys(chain.from_iterable(n.op.rules for n in order if isinstance(n, Map | Apply))))
    for node in order:
        if node not in done:
            done[node] = _ruled(_rebuilt(node, done), rules)
    return done[root]


def _ruled(node: Node, rules: Iterable[Rule]) -> Node:
    for rule in rules:
        found = rule(node)
        if found is not None:
            return found
    return node


def _rebuilt(node: Node, done: Mapping[Node, Node]) -> Node:
    match node:
        case Einsum():
            return flattened([(done[n], labels) for n, labels in node.factors], node.rank, node.coefficient)
        case Add():
            return _flat_sum([(c, done[n]) for c, n in node.terms], node)
        case Power():
            return power(done[node.base], done[node.exponent])
        case Map():
            return elementwise(node.op, *(done[a] for a in node.args))
        case Apply():
            return apply(node.op, done[node.args[0]], node.batch)
        case _:
            return node


def _flat_sum(terms: list[tuple[Coefficient, Node]], node: Add) -> Node:
    flat: list[tuple[Coefficient, Node]] = []
    for c, n in terms:
        if isinstance(n, Add) and len(n.terms) + len(flat) <= MAX_TERMS:
            flat += [(c * d, m) for d, m in n.terms]
        else:
            flat.append((c, n))
    return _hoisted_ones(add(flat, node.shape))


def _hoisted_ones(node: Node) -> Node:
    """A sum all of whose terms are spread along an axis: the spreading is taken out."""
    if not isinstance(node, Add) or not all(isinstance(n, Einsum) and len(n.factors) > 1 for _, n in node.terms):
        return node
    for axis in range(node.rank):
        if all(any(isinstance(f, Ones) and ls == (axis,) for f, ls in n.factors) for _, n in node.terms):  # type: ignore[attr-defined]
            kept = [a for a in range(node.rank) if a != axis]
            narrow = add((c, _without_ones(n, axis, kept)) for c, n in node.terms)  # type: ignore[arg-type]
            return einsum([(_hoisted_ones(narrow), kept), (Ones.make(node.shape[axis]), (axis,))], range(node.rank))
    return node


def _without_ones(node: Einsum, axis: int, kept: list[int]) -> Node:
    factors = [(f, ls) for f, ls in node.factors if not (isinstance(f, Ones) and ls == (axis,))]
    return einsum(factors, kept, node.coefficient)


# --- products ----------------------------------------------------------------------------------


def flattened(factors: Factors, rank: int, coefficient: Coefficient) -> Node:
    """A product with nested products opened, simplified, its scalar parts split off."""
    coefficient, flat = _opened(factors, coefficient)
    terms = _distributed(coefficient, flat)
    if len(terms) > 1:
        parts = [(1, _simplified(c, f, rank)) for c, f in terms]
        return add(parts, parts[0][1].shape)
    return _simplified(*terms[0], rank)


def _opened(factors: Factors, coefficient: Coefficient) -> tuple[Coefficient, Factors]:
    """Inline nested products.  A factor that stands there twice (a square) is kept whole: it reads better."""
    count = Counter(factors)
    flat: Factors = []
    for node, labels in factors:
        few = isinstance(node, Einsum) and len(node.factors) + len(flat) <= MAX_FACTORS
        if few and count[node, labels] == 1 and (labels or all(not ls for _, ls in node.factors)):  # type: ignore[attr-defined]
            coefficient *= node.coefficient  # type: ignore[attr-defined]
            flat += inlined(node, labels)  # type: ignore[arg-type]
        else:
            flat.append((node, labels))
    return coefficient, flat


def _distributed(coefficient: Coefficient, factors: Factors) -> list[tuple[Coefficient, Factors]]:
    """Sums with more than two axes have no matrix notation of their own: multiply them out."""
    wide = [(n, ls) for n, ls in factors if isinstance(n, Add) and len(ls) > 2 and len(n.terms) <= MAX_TERMS]
    if not wide or len(factors) == 1:
        return [(coefficient, factors)]
    rest = [f for f in factors if f not in wide]
    terms = []
    for choice in product(*(n.terms for n, _ in wide)):
        c, extra = coefficient, list(rest)
        for (d, term), (_, labels) in zip(choice, wide, strict=True):
            inner_c, inner = _opened([(term, labels)], d)
            c, extra = c * inner_c, extra + inner
        terms.append((c, extra))
    return terms


def _simplified(coefficient: Coefficient, factors: Factors, rank: int) -> Node:
    out: Labels = tuple(range(rank))
    while True:
        replaced = _cancel_inverse(factors, out) or _cancel_orthogonal(factors, out) or _drop_unit_sum(factors, out)
        if replaced is None:
            break
        flat = einsum(replaced, out, coefficient)  # deltas vanish
        if not isinstance(flat, Einsum):
            return flat
        coefficient, factors = flat.coefficient, list(flat.factors)
    return _split_scalars(coefficient, factors, out)


def _split_scalars(coefficient: Coefficient, factors: Factors, out: Labels) -> Node:
    """Parts that share no label with the output are scalars: keep each as one factor."""
    groups = components(factors)
    if len(groups) > 1:
        factors = []
        for group in groups:
            labels = {a for _, ls in group for a in ls}
            alone = bool(labels) and not labels & set(out)
            factors += [(einsum(group, ()), ())] if alone else group
    return einsum(factors, out, coefficient)


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


def _degrees(factors: Factors, out: Labels) -> Counter[Hashable]:
    return Counter(chain(out, *(labels for _, labels in factors)))


def _cancel_inverse(factors: Factors, out: Labels) -> Factors | None:
    """X inv(X) = inv(X) X = I."""
    inverses = [f for f in factors if isinstance(f[0], Apply) and f[0].op.name == "inv" and len(f[1]) == 2]
    if not inverses:
        return None
    degree = _degrees(factors, out)
    for inverse, (a, b) in inverses:
        for other in factors:
            if other[0] is not inverse.args[0]:
                continue
            c, d = other[1]
            for shared, left, right in ((b == c and b, a, d), (a == d and a, c, b)):
                if shared is not False and degree[shared] == 2:
                    return _replaced(factors, [(inverse, (a, b)), other], (left, right))
    return None


def _cancel_orthogonal(factors: Factors, out: Labels) -> Factors | None:
    """Q'Q = Q Q' = I."""
    candidates = [f for f in factors if isinstance(f[0], Input) and "orthogonal" in f[0].properties]
    degree = _degrees(factors, out) if len(candidates) > 1 else Counter()
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


def _drop_unit_sum(factors: Factors, out: Labels) -> Factors | None:
    """The entries of a softmax, or of a vector declared `simplex` or `onehot`, sum to one."""
    if not any(_sums_to_one(n) for n, _ in factors):
        return None
    degree = _degrees(factors, out)
    for i, (node, labels) in enumerate(factors):
        if labels and _sums_to_one(node) and labels[-1] not in out and degree[labels[-1]] == 1:
            spread = [(Ones.make(s), (a,)) for s, a in zip(node.shape[:-1], labels[:-1], strict=True)]
            return [*factors[:i], *factors[i + 1 :], *spread]
    return None


def _sums_to_one(node: Node) -> bool:
    if isinstance(node, Apply):
        return node.op.sums_to_one
    return isinstance(node, Input) and bool(node.properties & {"simplex", "onehot"})
