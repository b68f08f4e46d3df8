"""Presentation: the same tensor, arranged so that it can be read.

Nested products flatten (each up to a bound, so that depth stays linear), scalar parts split off, inverses
and orthogonal factors cancel, what sums to one is dropped, sums flatten, and the identities that the
catalogue's records bring (`rules`) are applied.  Named intermediates are put in first and stay names.

>>> from symgrad.tensor.build import einsum
>>> from symgrad.tensor.dims import letter
>>> from symgrad.tensor.nodes import Input
>>> A, x = Input.make("A", (letter("n"),) * 2), Input.make("x", (letter("n"),))
>>> nested = einsum([(einsum([(A, "ij"), (A, "jk")], "ik"), "ik"), (x, "k")], "i")
>>> present(nested) is einsum([(A, "ij"), (A, "jk"), (x, "k")], "i")
True
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping
from itertools import chain, product
from math import prod

from symgrad.calculus.collect import collected, gathered, shorter, without_fractions
from symgrad.errors import LimitError
from symgrad.tensor.build import add, apply, einsum, elementwise, inlined, power, unit
from symgrad.tensor.nodes import Add, Apply, Coefficient, Delta, Einsum, Input, Map, Node, Ones, Power, Shift, walk

MAX_TERMS = 64  # of a flattened sum
MAX_FACTORS = 32  # of a flattened product: naming it takes time that grows faster than its length
MAX_EXPANSION = 4096  # terms of a normal form
FEW = 8  # terms that are tried one by one
NESTED = 2  # sums inside one another that are

_FUNCTIONS = frozenset((Map, Apply))

Labels = tuple[Hashable, ...]
Factors = list[tuple[Node, Labels]]
Rule = Callable[[Node], Node | None]
Naming = Callable[[Node, Node], Node]  # a node as it was and as it is now -> what to write for it


def present(
    root: Node,
    names: Mapping[Node, Node] | None = None,
    whole: Collection[Node] | None = None,
    named: Naming | None = None,
) -> Node:
    """The same tensor, flattened and simplified; nodes that are keys of `names` are replaced by their names.

    Sums in `whole` are terms of other sums as they stand, and then longer sums that stand at several places are
    too: so a sum of L steps, each the sum of those before it and one term, stays linear in L.  `named` may put
    something else in the place of a node that is done, a name for it, before it is used.
    """
    return _passed(root, names or {}, _Flattening(0, None if whole is None else _kept(root, whole)), named)


def _kept(root: Node, whole: Collection[Node]) -> Callable[[Node, Add], bool]:
    uses = Counter(a for n in walk(root) for a in n.args)
    return lambda node, flat: node in whole or (uses[node] > 1 and len(flat.terms) > FEW)


def expanded(root: Node, limit: int = MAX_EXPANSION) -> Node:
    """The normal form: products multiplied out, sums of products of inputs and of functions of normal forms.

    Two polynomial tensor expressions are equal exactly when their normal forms are the same object.
    Raises LimitError where one product would give more than `limit` terms.
    """
    return _passed(root, {}, _Flattening(limit))


def _passed(root: Node, names: Mapping[Node, Node], flattening: _Flattening, named: Naming | None = None) -> Node:
    done: dict[Node, Node] = dict(names)
    order = walk(root, beyond=names)
    rules = tuple(dict.fromkeys(chain.from_iterable([n.op.rules for n in order if type(n) in _FUNCTIONS])))  # type: ignore[attr-defined]
    for node in order:
        if node not in done:
            made = flattening.rebuilt(node, done) if node.args else node
            if rules:
                made = _ruled(made, rules)
            if type(made) is Add and not flattening.expand:
                made = collected(made)
            done[node] = made if named is None else named(node, made)
    return done[root]


def _ruled(node: Node, rules: Iterable[Rule]) -> Node:
    for rule in rules:
        found = rule(node)
        if found is not None:
            return shorter(found, node) if isinstance(found, Add) and isinstance(node, Add) else found
    return node


# --- products ----------------------------------------------------------------------------------


class _Flattening:
    """One pass: how far products and sums are opened."""

    def __init__(self, limit: int, kept: Callable[[Node, Add], bool] | None = None):
        self.limit = limit  # terms of a product that is multiplied out; 0: present, do not expand
        self.kept = kept  # whether a sum is not opened in another one
        self.expand = limit > 0
        self.turned: dict[Node, Node] = {}  # sums of matrices that are factors, each as itself or as its transpose
        self.inside = 0  # sums that are being tried term by term

    def rebuilt(self, node: Node, done: Mapping[Node, Node]) -> Node:
        if type(node) is Einsum:
            factors: Factors = [(done[n], labels) for n, labels in node.factors]
            if self._is_flat(node, factors):
                return node
            return self.product(factors, node.rank, node.coefficient)
        if type(node) is Add:
            return self.sum([(c, done[n]) for c, n in node.terms], node)
        args = tuple([done[a] for a in node.args])
        if type(node) is Power:
            return _power_of_spread(*args) or power(*args)
        if args == node.args:
            return node
        if type(node) is Map:
            return elementwise(node.op, *args)
        return apply(node.op, args[0], node.batch, args[1:]) if type(node) is Apply else node

    def _is_flat(self, node: Einsum, factors: Factors) -> bool:
        """Whether nothing in a product can be opened, cancelled or split off (a quick look, not the last word)."""
        for (n, _), (old, labels) in zip(factors, node.factors, strict=True):
            if n is not old or (labels and min(labels) >= node.rank) or not self._is_plain(n):
                return False
        return True

    def _is_plain(self, n: Node) -> bool:
        kind = type(n)
        if kind is Input:
            return not n.properties  # type: ignore[attr-defined]
        return kind is Map or kind is Ones or kind is Delta or kind is Power or (kind is Add and not self._opens(n))  # type: ignore[arg-type]

    def sum(self, terms: list[tuple[Coefficient, Node]], node: Add) -> Node:
        flat: list[tuple[Coefficient, Node]] = []
        limit = self.limit or MAX_TERMS
        for (c, n), (_, old) in zip(terms, node.terms, strict=True):
            closed = self.kept is not None and isinstance(n, Add) and self.kept(old, n)
            if isinstance(n, Add) and len(n.terms) + len(flat) <= limit and not closed:
                flat += [(c * d, m) for d, m in n.terms]
            else:
                flat.append((c, n))
        total = node if flat == [*node.terms] else add(flat, node.shape)
        if self.expand:
            return total
        hoisted = _on_one_diagonal(_hoisted_ones(total))
        return hoisted if self.kept is None else _hoisted_factors(hoisted)

    def product(self, factors: Factors, rank: int, coefficient: Coefficient) -> Node:
        """A product with nested products opened, simplified, its scalar parts split off."""
        out: Labels = tuple(range(rank))
        coefficient, flat = self.opened(factors, out, coefficient)
        if not self.expand:
            flat = [self.narrowed(n, ls) if type(n) is Add and len(set(ls)) < len(ls) else (n, ls) for n, ls in flat]
            flat = [self.upright(n, ls) if type(n) is Add and n.rank == 2 else (n, ls) for n, ls in flat]
            shorter = self._summed_term_by_term(coefficient, flat, out)
            if shorter is not None:
                return shorter
        terms = self.distributed(coefficient, flat, out)
        if len(terms) > 1:
            parts = [(1, _simplified(c, f, rank)) for c, f in terms]
            return add(parts, parts[0][1].shape)
        return _simplified(*terms[0], rank)

    def narrowed(self, node: Add, labels: Labels) -> tuple[Node, Labels]:
        """The diagonal of a sum as the sum of diagonals."""
        own = tuple(dict.fromkeys(labels))
        places = tuple(own.index(a) for a in labels)
        shape = tuple(node.shape[labels.index(a)] for a in own)
        return add([(c, self.product([(n, places)], len(own), 1)) for c, n in node.terms], shape), own

    def upright(self, node: Node, labels: Labels) -> tuple[Node, Labels]:
        """A matrix sum as a factor; where its transpose was one before, that, read the other way."""
        if node not in self.turned:
            turned = einsum([(node, (0, 1))], (1, 0))
            self.turned[node] = turned if self.turned.get(turned) is turned else node
        found = self.turned[node]
        return (node, labels) if found is node else (found, labels[::-1])

    def opened(self, factors: Factors, out: Labels, coefficient: Coefficient) -> tuple[Coefficient, Factors]:
        """Inline nested products, all of them for the normal form, else those that `_runs_on` says."""
        if not any(type(n) is Einsum for n, _ in factors):
            return coefficient, factors
        repeated = Counter(factors) if len(set(factors)) < len(factors) else {}
        degree = _degrees(factors, out)
        flat: Factors = []
        for node, labels in factors:
            room = isinstance(node, Einsum) and len(flat) + len(node.factors) <= MAX_FACTORS
            if self.expand and isinstance(node, Einsum) and not room:
                raise LimitError(f"multiplying out gives a product of more than {MAX_FACTORS} factors")
            alone = repeated.get((node, labels), 1) == 1
            if isinstance(node, Einsum) and room and (self.expand or (alone and _runs_on(node, labels, degree))):
                coefficient *= node.coefficient
                flat += inlined(node, labels)
            elif isinstance(node, Einsum) and len(labels) > 1 and alone:
                coefficient *= node.coefficient
                flat += _in_parts(node, labels)
            else:
                flat.append((node, labels))
        return coefficient, flat

    def distributed(self, coefficient: Coefficient, factors: Factors, out: Labels) -> list[tuple[Coefficient, Factors]]:
        """Sums that are multiplied out: all for the normal form, else those with more than two axes."""
        sums = [(i, n, ls) for i, (n, ls) in enumerate(factors) if isinstance(n, Add) and self._opens(n)]
        turned = len(factors) == 1 and len(set(factors[0][1])) == len(factors[0][1])  # no diagonal of a sum
        if not sums or turned or any(not n.terms for _, n, _ in sums):  # a zero makes the product zero
            return [(coefficient, factors)]
        limit = self.limit or MAX_EXPANSION
        if prod(len(n.terms) for _, n, _ in sums) > limit:
            raise LimitError(f"multiplying out gives more than {limit} terms")
        rest = [f for i, f in enumerate(factors) if i not in {i for i, _, _ in sums}]
        terms = []
        for choice in product(*(n.terms for _, n, _ in sums)):
            c, extra = coefficient, list(rest)
            for (d, term), (_, _, labels) in zip(choice, sums, strict=True):
                c, extra = c * d, [*extra, (term, labels)]
            terms.append(self.opened(extra, out, c))
        return terms

    def _summed_term_by_term(self, coefficient: Coefficient, factors: Factors, out: Labels) -> Node | None:
        """A sum over an axis of nothing but a sum of terms, where terms cancel so: x - mean(x) adds up to 0."""
        if self.inside >= NESTED:
            return None
        sums = [(n, labels) for n, labels in factors if isinstance(n, Add) and 1 < len(n.terms) <= FEW]
        degree = _degrees(factors, out) if sums else {}
        for node, labels in sums:
            if any(degree[a] == 1 and a not in out for a in labels):
                rest = list(factors)
                rest.remove((node, labels))
                terms = [self.opened([*rest, (t, labels)], out, coefficient * c) for c, t in node.terms]
                self.inside += 1
                total = add(((1, self.product(f, len(out), c)) for c, f in terms), None)
                self.inside -= 1
                if (len(total.terms) if isinstance(total, Add) else 1) < len(node.terms):
                    return total
        return None

    def _opens(self, node: Add) -> bool:
        return self.expand or (node.rank > 2 and len(node.terms) <= MAX_TERMS)


def _runs_on(node: Einsum, labels: Labels, degree: Mapping[Hashable, int]) -> bool:
    """Whether a nested product reads on into the product around it.

    A product without sums does, and a chain of matrices that the next one continues.  Where a third factor
    meets its end (a Hadamard product) it is kept whole, and so is a scalar: both read better, and the number
    of factors stays bounded however deep a network is.  A convolution is a word of its own.
    """
    if not labels:
        return all(not inner for _, inner in node.factors)
    if any(isinstance(n, Shift) for n, _ in node.factors):
        return False
    sums = any(a >= node.rank for _, inner in node.factors for a in inner)
    return not sums or all(degree[a] <= 2 for a in labels)


def _in_parts(node: Einsum, labels: Labels) -> Factors:
    """A product kept whole, but for parts that share no label: u v' are two factors."""
    parts = components(inlined(node, labels))
    if len(parts) == 1:
        return [(unit(node), labels)]
    split: Factors = []
    for part in parts:
        ends = tuple(a for a in dict.fromkeys(labels) if any(a in inner for _, inner in part))
        split += part if len(part) == 1 else [(einsum(part, ends), ends)]
    return split


def _power_of_spread(base: Node, exponent: Node) -> Node | None:
    """The power of a scalar that is spread: spread is the power of the scalar."""
    if not isinstance(base, Einsum) or not base.rank:
        return None
    ones = [(n, labels) for n, labels in base.factors if isinstance(n, Ones)]
    rest = [(n, labels) for n, labels in base.factors if not isinstance(n, Ones)]
    if len(ones) < base.rank or not rest or any(a < base.rank for _, labels in rest for a in labels):
        return None
    return einsum([(power(einsum(rest, (), base.coefficient), exponent), ()), *ones], range(base.rank))


def _on_one_diagonal(node: Node) -> Node:
    """A sum of matrices of which several are diagonal: those as one, with the sum of their entries."""
    if not isinstance(node, Add) or node.rank != 2:
        return node
    entries = [(c, _diagonal_entries(n)) for c, n in node.terms]
    found = [(c, n) for c, n in entries if n is not None]
    if len(found) < 2:
        return node
    total = collected(_hoisted_ones(add(found, node.shape[:1])))
    diagonal = einsum([(total, (0,)), (Delta.make(node.shape[0]), (0, 1))], (0, 1))
    rest = [term for term, (_, n) in zip(node.terms, entries, strict=True) if n is None]
    return add([*rest, (1, diagonal)], node.shape)


def _diagonal_entries(node: Node) -> Node | None:
    """v of diag(v); None of what is not diagonal by a delta of its two axes."""
    if isinstance(node, Delta):
        return Ones.make(node.shape[0])
    if not isinstance(node, Einsum):
        return None
    rest = [(n, labels) for n, labels in node.factors if not (isinstance(n, Delta) and set(labels) == {0, 1})]
    if len(rest) != len(node.factors) - 1:
        return None
    entries = [(n, tuple(0 if a == 1 else a for a in labels)) for n, labels in rest]
    return einsum([*entries, (Ones.make(node.shape[0]), (0,))], (0,), node.coefficient)


def _hoisted_ones(node: Node) -> Node:
    """A sum all of whose terms are spread along an axis: the spreading is taken out."""
    if (
        not isinstance(node, Add)
        or not node.terms
        or not all(isinstance(n, Einsum) and len(n.factors) > 1 for _, n in node.terms)
    ):
        return node
    for axis in range(node.rank):
        products = [n for _, n in node.terms if isinstance(n, Einsum)]
        if all(any(isinstance(f, Ones) and ls == (axis,) for f, ls in n.factors) for n in products):
            kept = [a for a in range(node.rank) if a != axis]
            narrow = add((c, _without_ones(n, axis, kept)) for c, n in node.terms)  # type: ignore[arg-type]
            return einsum([(_hoisted_ones(narrow), kept), (Ones.make(node.shape[axis]), (axis,))], range(node.rank))
    return node


def _without_ones(node: Einsum, axis: int, kept: list[int]) -> Node:
    factors = [(f, ls) for f, ls in node.factors if not (isinstance(f, Ones) and ls == (axis,))]
    return einsum(factors, kept, node.coefficient)


def _hoisted_factors(node: Node) -> Node:
    """A sum over more than two axes all of whose terms have a factor that nothing else shares an axis with: taken out.

    So the second derivatives of a network stay sums of matrices, which nest, and are not multiplied out.
    """
    if not isinstance(node, Add) or node.rank < 3 or not all(isinstance(n, Einsum) for n in node.args):
        return node
    products = [n for n in node.args if isinstance(n, Einsum)]
    for factor, labels in products[0].factors if products else ():
        own = set(labels)
        if labels and max(labels) < node.rank and all(_stands_apart(n, (factor, labels), own) for n in products):
            kept = [a for a in range(node.rank) if a not in own]
            terms = [(c, _without((factor, labels), n, kept)) for (c, _), n in zip(node.terms, products, strict=True)]
            rest = _hoisted_factors(add(terms))
            return einsum([(rest, kept), (factor, labels)], range(node.rank))
    return node


def _stands_apart(node: Einsum, factor: tuple[Node, tuple[int, ...]], own: set[int]) -> bool:
    """Whether a product has this factor once, and no other one over its labels."""
    return factor in node.factors and all(f == factor or own.isdisjoint(f[1]) for f in node.factors) and (
        sum(f == factor for f in node.factors) == 1
    )


def _without(factor: tuple[Node, tuple[int, ...]], node: Einsum, kept: list[int]) -> Node:
    return einsum([f for f in node.factors if f != factor], kept, node.coefficient)


def _simplified(coefficient: Coefficient, factors: Factors, rank: int) -> Node:
    out: Labels = tuple(range(rank))
    if _may_cancel(factors) and any(isinstance(n, Power) for n, _ in factors):
        flat = einsum(factors, out, coefficient)  # y .* (1 ./ y) must have gone before sums to one are looked for
        if not isinstance(flat, Einsum):
            return flat
        coefficient, factors = flat.coefficient, list(flat.factors)
    while _may_cancel(factors):
        cancelled = _cancel_inverse(factors, out) or _cancel_orthogonal(factors, out)
        replaced = cancelled or _drop_repeated_onehot(factors) or _drop_unit_sum(factors, out)
        if replaced is None:
            break
        flat = einsum(replaced, out, coefficient)  # deltas vanish
        if not isinstance(flat, Einsum):
            return flat
        coefficient, factors = flat.coefficient, list(flat.factors)
    return _split_scalars(coefficient, factors, out)


def _may_cancel(factors: Factors) -> bool:
    """Whether some factor is an inverse, orthogonal, or sums to one (a quick look)."""
    for n, _ in factors:
        if type(n) is Apply:
            if n.op.inverts or n.op.sums_to_one:
                return True
        elif type(n) is Input and n.properties:
            return True
    return False


def _split_scalars(coefficient: Coefficient, factors: Factors, out: Labels) -> Node:
    """Parts that share no label with the output are scalars: keep each as one factor."""
    ends = set(out)
    if len(factors) == 1 or not any(ends.isdisjoint(labels) for _, labels in factors):
        return einsum(factors, out, coefficient)
    factors = gathered(without_fractions(factors))
    groups = components(factors)
    if len(groups) > 1:
        factors = []
        for group in groups:
            labels = {a for _, ls in group for a in ls}
            alone = bool(labels) and not labels & ends
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


def _degrees(factors: Factors, out: Labels) -> dict[Hashable, int]:
    """At how many places each label stands, the output being one."""
    degree = dict.fromkeys(out, 1)
    for _, labels in factors:
        for a in labels:
            degree[a] = degree.get(a, 0) + 1
    return degree


def _cancel_inverse(factors: Factors, out: Labels) -> Factors | None:
    """X inv(X) = inv(X) X = I."""
    inverses = [f for f in factors if isinstance(f[0], Apply) and f[0].op.inverts and len(f[1]) == 2]
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
    degree = _degrees(factors, out) if len(candidates) > 1 else {}
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


def _drop_repeated_onehot(factors: Factors) -> Factors | None:
    """y .* y is y where every entry is 0 or 1."""
    for i, (node, labels) in enumerate(factors):
        if isinstance(node, Input) and "onehot" in node.properties and (node, labels) in factors[:i]:
            return [*factors[:i], *factors[i + 1 :]]
    return None


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
