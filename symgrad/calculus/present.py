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

from symgrad.calculus.cancel import (
    cancel_inverse,
    cancel_orthogonal,
    cancelled_entrywise,
    cancelled_sums,
    components,
    degrees,
    drop_repeated_onehot,
    drop_triangle,
    drop_unit_sum,
    is_cancelling,
    may_cancel,
    sorted_diagonals,
)
from symgrad.calculus.collect import collected, gathered, shorter, without_fractions
from symgrad.errors import LimitError
from symgrad.tensor.build import add, apply, as_number, einsum, elementwise, inlined, is_zero, power, transposed, unit
from symgrad.tensor.canonical import symmetry
from symgrad.tensor.nodes import (
    Add,
    Apply,
    Coefficient,
    Delta,
    Einsum,
    Input,
    Map,
    Node,
    Ones,
    Power,
    Shift,
    walk,
)
from symgrad.tensor.signs import is_positive

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


def expanded(root: Node, limit: int = MAX_EXPANSION, named: Naming | None = None) -> Node:
    """The normal form: products multiplied out, sums of products of inputs and of functions of normal forms.

    Two polynomial tensor expressions are equal exactly when their normal forms are the same object; `named` as in
    `present`.  Raises LimitError where one product would give more than `limit` terms.
    """
    return _passed(root, {}, _Flattening(limit), named)


def _passed(root: Node, names: Mapping[Node, Node], flattening: _Flattening, named: Naming | None = None) -> Node:
    done: dict[Node, Node] = dict(names)
    order = walk(root, beyond=names)
    rules = tuple(dict.fromkeys(chain.from_iterable([n.op.rules for n in order if type(n) in _FUNCTIONS])))  # type: ignore[attr-defined]
    flattening.rules = rules
    for node in order:
        if node not in done:
            made = flattening.rebuilt(node, done) if node.args else node
            if rules:
                made = _ruled(made, rules)
            if type(made) is Add and not flattening.expand:
                found = collected(made)
                made = _terms_ruled(found, rules) if rules and found is not made else found
            done[node] = made if named is None else named(node, made)
    return done[root]


def _terms_ruled(node: Node, rules: Iterable[Rule]) -> Node:
    """The identities applied to the terms of a sum that has been put together another way, then to the sum."""
    if isinstance(node, Add) and node.terms:
        node = add([(c, _ruled(n, rules)) for c, n in node.terms])
    return _ruled(node, rules)


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
        self.rules: tuple[Rule, ...] = ()  # identities of the records that occur

    def rebuilt(self, node: Node, done: Mapping[Node, Node]) -> Node:
        if type(node) is Einsum:
            factors: Factors = [(done[n], labels) for n, labels in node.factors]
            if self._is_flat(node, factors):
                return node
            return self.product(factors, node.rank, node.coefficient)
        if type(node) is Add:
            return self.sum([(c, done[n]) for c, n in node.terms], node)
        args = tuple([done[a] for a in node.args])
        return _upright_function(node, args) if self.expand else _function_of(node, args)

    def _is_flat(self, node: Einsum, factors: Factors) -> bool:
        """Whether nothing in a product can be opened, cancelled or split off (a quick look, not the last word)."""
        sums = [labels for n, labels in factors if type(n) is Add]
        if len(sums) > 1 or (sums and any(len(ls) == 1 and ls[0] in sums[0] for _, ls in factors)):
            return False
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
            kinds = {type(n) for n, _ in flat}
            if Add in kinds and Delta in kinds:
                whole = einsum(flat, out, coefficient)  # deltas vanish
                if not isinstance(whole, Einsum):
                    return whole
                coefficient, flat = whole.coefficient, list(whole.factors)
            if Add in kinds:
                flat = self._cancelled_in_sums(flat, out) if may_cancel(flat) else flat
                flat = self._without_vanishing(flat, out) if self.inside < NESTED else flat
                flat = cancelled_entrywise(_scaled_inside(flat, self.rules))
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
        degree = degrees(factors, out)
        flat: Factors = []
        for node, labels in factors:
            room = isinstance(node, Einsum) and len(flat) + len(node.factors) <= MAX_FACTORS
            if self.expand and isinstance(node, Einsum) and not room:
                raise LimitError(f"multiplying out gives a product of more than {MAX_FACTORS} factors")
            alone = repeated.get((node, labels), 1) == 1
            if isinstance(node, Einsum) and room and (self.expand or (alone and _runs_on(node, labels, degree))):
                coefficient *= node.coefficient
                flat += inlined(node, labels)
            elif isinstance(node, Einsum) and alone and (labels or _falls_apart(node)):
                coefficient *= node.coefficient
                flat += _in_parts(node, labels)
            else:
                flat.append((node, labels))
        return coefficient, flat

    def distributed(self, coefficient: Coefficient, factors: Factors, out: Labels) -> list[tuple[Coefficient, Factors]]:
        """Sums that are multiplied out: all for the normal form, else those with more than two axes."""
        sums = [(i, n, ls) for i, (n, ls) in enumerate(factors) if isinstance(n, Add) and self._opens(n)]
        turned = len(factors) == 1 and len(factors[0][1]) == len(out) == len(set(factors[0][1]))  # nothing else
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
        degree = degrees(factors, out) if sums else {}
        for node, labels in sums:
            if any(degree[a] == 1 and a not in out for a in labels):
                rest = list(factors)
                rest.remove((node, labels))
                terms = [self.opened([*rest, (t, labels)], out, coefficient * c) for c, t in node.terms]
                self.inside += 1
                total = add((t for c, f in terms for t in _opened_sum(self.product(f, len(out), c))), None)
                self.inside -= 1
                if (len(total.terms) if isinstance(total, Add) else 1) < len(node.terms):
                    return total
        return None

    def _cancelled_in_sums(self, factors: Factors, out: Labels) -> Factors:
        """Q'(Q x - m) as x - Q' m, inv(A) (A x - b) as x - inv(A) b: what cancels in one term of a sum."""
        degree = degrees(factors, out)
        for whole, labels in factors:
            if type(whole) is not Add or whole.rank > 2:
                continue
            for near, ends in factors:
                shared = [a for a in ends if a in labels and degree[a] == 2]
                if len(shared) != 1 or len(set(ends)) != 2 or not is_cancelling(near):
                    continue
                other = ends[0] if ends[1] == shared[0] else ends[1]
                axes = (other, *(a for a in labels if a != shared[0]))
                made = [(c, n, self._near(near, ends, n, labels, axes)) for c, n in whole.terms]
                left = [(c, n) for c, n, found in made if found is None]
                if len(left) < len(made):
                    rest = [f for f in factors if f[0] is not near and f[0] is not whole]
                    gone: list[tuple[Coefficient, Node]] = [(c, found) for c, _, found in made if found is not None]
                    if left:
                        gone.append((1, einsum([(near, ends), (add(left), labels)], axes)))
                    total = add(gone)
                    return [*rest, (total, axes)] if len(rest) == len(factors) - 2 else factors
        return factors

    def _without_vanishing(self, factors: Factors, out: Labels) -> Factors:
        """(diag(p) - p p')(I - 1 p') is diag(p) - p p': terms whose ones meet a sum that adds up to nothing."""
        for i, (whole, labels) in enumerate(factors):
            if type(whole) is not Add or whole.rank != 2:
                continue
            for axis, label in enumerate(labels):
                near = [f for k, f in enumerate(factors) if k != i and label in f[1]]
                spread = [n for _, n in whole.terms if type(n) is Einsum and _has_ones(n, axis)]
                if not spread or len(near) != 1 or type(near[0][0]) is not Add or label in out or near[0][0].rank != 2:
                    continue
                if near[0][0] is whole:  # a square reads better
                    continue
                ends = near[0][1]
                self.inside += 1
                other = tuple(a for a in ends if a != label)
                names = {label: "summed", **dict.fromkeys(other, 0)}
                total = self.product([(near[0][0], tuple(names[a] for a in ends))], len(other), 1)
                self.inside -= 1
                if is_zero(total) and len(spread) < len(whole.terms):
                    kept = add([(c, n) for c, n in whole.terms if n not in spread])
                    return [*factors[:i], (kept, labels), *factors[i + 1 :]]
        return factors

    def _near(self, near: Node, ends: Labels, term: Node, labels: Labels, axes: Labels) -> Node | None:
        """The product of a factor and a term of a sum where the factor cancels; else None."""
        _, flat = self.opened([(near, ends), (term, labels)], axes, 1)
        rest = cancel_inverse(flat, axes) or cancel_orthogonal(flat, axes)
        return None if rest is None else einsum(rest, axes, term.coefficient if isinstance(term, Einsum) else 1)

    def _opens(self, node: Add) -> bool:
        return self.expand or (node.rank > 2 and len(node.terms) <= MAX_TERMS)


def _function_of(node: Node, args: tuple[Node, ...]) -> Node:
    """The power or function that a node is, of other arguments."""
    if type(node) is Power:
        return _power_of_spread(*args) or _power_of_squares(*args) or power(*args)
    if args == node.args:
        return node
    if type(node) is Map:
        return elementwise(node.op, *args)
    return apply(node.op, args[0], node.batch, args[1:]) if type(node) is Apply else node


def _upright_function(node: Node, args: tuple[Node, ...]) -> Node:
    """f(M')' as f(M) where f goes through transposes: of M and M' the one that is named first."""
    goes = node.op.transposes and not node.batch if type(node) is Apply else True
    matrices = [a for a in args if a.rank == 2] if goes else []
    if len(matrices) > 1 or any(type(a) in (Einsum, Add) or symmetry(a) < 0 for a in matrices):
        turned = tuple([transposed(a) if a.rank == 2 else a for a in args])
        if [a.key for a in turned] < [a.key for a in args]:
            found = _function_of(node, turned)
            return transposed(found) if found.rank == 2 else found
    return _function_of(node, args)


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


def _falls_apart(node: Einsum) -> bool:
    """Whether a scalar product of two arrays is the product of two sums."""
    return len(node.factors) == 2 and set(node.factors[0][1]).isdisjoint(node.factors[1][1])


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


def _opened_sum(node: Node) -> list[tuple[Coefficient, Node]]:
    """A product with a sum for the one array in it, ones apart, as its terms."""
    arrays = [f for f in node.factors if f[1] and not isinstance(f[0], Ones)] if isinstance(node, Einsum) else []
    inner, labels = arrays[0] if len(arrays) == 1 else (node, ())
    if not isinstance(node, Einsum) or not isinstance(inner, Add):
        return [(1, node)]
    rest = [f for f in node.factors if f is not arrays[0]]
    return [(c * node.coefficient, einsum([*rest, (n, labels)], range(node.rank))) for c, n in inner.terms]


def _power_of_spread(base: Node, exponent: Node) -> Node | None:
    """The power of a scalar that is spread: spread is the power of the scalar."""
    if not isinstance(base, Einsum) or not base.rank:
        return None
    ones = [(n, labels) for n, labels in base.factors if isinstance(n, Ones)]
    rest = [(n, labels) for n, labels in base.factors if not isinstance(n, Ones)]
    if len(ones) < base.rank or not rest or any(a < base.rank for _, labels in rest for a in labels):
        return None
    return einsum([(power(einsum(rest, (), base.coefficient), exponent), ()), *ones], range(base.rank))


def _power_of_squares(base: Node, exponent: Node) -> Node | None:
    """(s s t)^(1/2) is s t^(1/2) where s is known to be positive."""
    if not isinstance(base, Einsum) or len(set(base.factors)) == len(base.factors):
        return None
    value = as_number(exponent)
    if value is None or isinstance(value, int):
        return None
    counts = Counter(f for f in base.factors if max(f[1], default=0) < base.rank or not f[1])
    squares = [(n, ls, k // 2) for (n, ls), k in counts.items() if k > 1 and is_positive(n)]
    rest = list(base.factors)
    for n, ls, k in squares:
        for _ in range(2 * k):
            rest.remove((n, ls))
    if not squares or {a for _, ls in rest for a in ls} < {a for _, ls in base.factors for a in ls}:
        return None
    out = range(base.rank)
    roots = [(power(n, 2 * k * value), ls) for n, ls, k in squares]
    return einsum([*roots, (power(einsum(rest, out, base.coefficient), exponent), out)], out)


def _on_one_diagonal(node: Node) -> Node:
    """A sum of matrices of which several are diagonal: those as one, with the sum of their entries."""
    if not isinstance(node, Add) or node.rank != 2:
        return node
    entries = [(c, _diagonal_entries(n)) for c, n in node.terms]
    found = [(c, n) for c, n in entries if n is not None]
    if len(found) < 2:
        return node
    found = [(c * d, m) for c, n in found for d, m in (n.terms if isinstance(n, Add) else ((1, n),))]
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
    if may_cancel(factors) and any(isinstance(n, Power | Delta) for n, _ in factors):
        flat = einsum(factors, out, coefficient)  # y .* (1 ./ y) must have gone before sums to one are looked for
        if not isinstance(flat, Einsum):
            return flat
        coefficient, factors = flat.coefficient, list(flat.factors)
    while may_cancel(factors):
        cancelled = cancel_inverse(factors, out) or cancel_orthogonal(factors, out) or drop_triangle(factors)
        replaced = cancelled or drop_repeated_onehot(factors) or drop_unit_sum(factors, out)
        if replaced is None:
            replaced = sorted_diagonals(factors, out)
        if replaced is None:
            break
        flat = einsum(replaced, out, coefficient)  # deltas vanish
        if not isinstance(flat, Einsum):
            return flat
        coefficient, factors = flat.coefficient, list(flat.factors)
    return _split_scalars(coefficient, factors, out)


def _split_scalars(coefficient: Coefficient, factors: Factors, out: Labels) -> Node:
    """Parts that share no label with the output are scalars: keep each as one factor."""
    ends = set(out)
    if len(factors) == 1 or not any(ends.isdisjoint(labels) for _, labels in factors):
        return einsum(factors, out, coefficient)
    coefficient, factors = cancelled_sums(coefficient, gathered(without_fractions(factors)))
    groups = components(factors)
    if len(groups) > 1:
        factors = []
        for group in groups:
            labels = {a for _, ls in group for a in ls}
            alone = bool(labels) and not labels & ends
            factors += [(einsum(group, ()), ())] if alone else group
    return einsum(factors, out, coefficient)


def _scaled_inside(factors: Factors, rules: Iterable[Rule]) -> Factors:
    """(I - u 1') diag(v) as diag(v) - u v': a vector over an axis on which every term has a delta or ones."""
    for i, (whole, labels) in enumerate(factors):
        if type(whole) is not Add or whole.rank != 2 or len(set(labels)) < 2 or not 0 < len(whole.terms) <= FEW:
            continue
        for axis, label in enumerate(labels):
            vectors = [f for k, f in enumerate(factors) if k != i and f[1] == (label,)]
            if vectors and all(_is_plain_along(n, axis) for _, n in whole.terms):
                own: Factors = [(n, (axis,)) for n, _ in vectors]
                total = add((c, _ruled(_times(n, own), rules)) for c, n in whole.terms)
                rest = [f for k, f in enumerate(factors) if k != i and f[1] != (label,)]
                return [*rest, (total, labels)]
    return factors


def _times(node: Node, more: Factors) -> Node:
    """A matrix times what lies over its axes, as one product."""
    inner: Factors = inlined(node, (0, 1)) if isinstance(node, Einsum) else [(node, (0, 1))]
    return einsum([*inner, *more], (0, 1), node.coefficient if isinstance(node, Einsum) else 1)


def _is_plain_along(node: Node, axis: int) -> bool:
    """Whether a matrix has nothing but a delta or ones over one of its axes."""
    if isinstance(node, Delta):
        return True
    factors = node.factors if isinstance(node, Einsum) else ()
    over = [n for n, labels in factors if axis in labels]
    return len(over) == 1 and isinstance(over[0], Delta | Ones)


def _has_ones(node: Einsum, axis: int) -> bool:
    return any(type(n) is Ones and labels == (axis,) for n, labels in node.factors)
