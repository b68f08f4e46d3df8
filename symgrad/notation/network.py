"""A product with indices as a small tensor network, contracted with the words of matrix notation.

Factors are items over one or two labels.  One rule after the other joins items until each label of the
output is one end of one word: diagonals and traces, Hadamard products, matrix times vector, matrix times
matrix, sums along a line, diag(v) on a label that stays, outer products.  What fits none of the rules has
no matrix notation: `NoMatrixForm`, never a guess.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from symgrad.notation.text import text
from symgrad.notation.tree import Name, Number, Tree
from symgrad.notation.words import Link, Word, call, entrywise_factors, is_call, is_mask, matrix, turned_tree, vector
from symgrad.tensor.dims import Size, times
from symgrad.tensor.nodes import Coefficient, Node
from symgrad.tensor.numbers import exact

ROTATIONS = 16  # of a trace that are compared


class NoMatrixForm(Exception):
    """The product has no closed matrix notation; it is shown with indices instead."""


@dataclass(eq=False, slots=True)
class Item:
    """A factor: its labels, the word from the first to the second, and the power it stands in."""

    labels: tuple[Hashable, ...]
    word: Word
    exponent: Coefficient = 1
    ones: bool = False

    def closed(self) -> Word:
        """The word with the power written out."""
        return self.word if self.exponent == 1 else _entrywise([self], self.labels)

    def from_label(self, label: Hashable) -> Word:
        """The word read from `label` on."""
        return self.closed() if self.labels[0] == label else self.closed().reversed()

    def other(self, label: Hashable) -> Hashable:
        return self.labels[1] if self.labels[0] == label else self.labels[0]


@dataclass(slots=True)
class Network:
    """Items to be contracted to the labels `out`; scalars split off on the way."""

    items: list[Item]
    out: tuple[Hashable, ...]
    scalars: list[tuple[Tree, Coefficient]] = field(default_factory=list)
    factors: Sequence[tuple[Node, tuple[Hashable, ...]]] = ()  # what the items are made of, for the sizes of labels
    sums: dict[str, tuple[Size, Tree | None]] = field(default_factory=dict)
    _degree: dict[Hashable, int] | None = None

    def contract(self) -> Word | None:
        """The word of the whole product (None for a scalar).  Raises NoMatrixForm."""
        chain = self._chain() if self.out else None
        if chain is not None:
            return chain
        rules = (
            self._close_loops,
            self._join_vectors,
            self._join_parallel,
            self._absorb_vectors,
            self._join_matrices,
            self._sum_lines,
            self._attach_diagonals,
        )
        while not self._is_settled():
            for rule in rules:
                if rule():
                    break
            else:
                break
        return self._finished()

    def _chain(self) -> Word | None:
        """The word of a plain chain from end to end, the commonest network; None of any other."""
        standing: dict[Hashable, list[Item]] = {}
        for item in self.items:
            if item.ones:
                return None
            for a in item.labels:
                standing.setdefault(a, []).append(item)
        label: Hashable = self.out[0]
        links: tuple[Link, ...] = ()
        last: Item | None = None
        for _ in self.items:
            here = standing.get(label, [])
            if len(here) != (1 if last is None else 2):
                return None
            last = here[1] if here[0] is last else here[0]
            links += last.from_label(label).links
            label = last.other(label) if len(last.labels) == 2 else None
        whole = len(standing[label]) == 1 if label in standing else label is None
        return Word(links) if whole and (label,) == (self.out[1:] or (None,)) else None

    def _is_settled(self) -> bool:
        """Whether each label of the output is one end of one item and nothing else is left: no rule would act."""
        items = self.items
        if len(items) == 1:  # the commonest end
            labels = items[0].labels
            return labels == self.out or (len(labels) == len(self.out) and set(labels) == set(self.out))
        ends = [a for item in items for a in item.labels]
        return len(ends) == len(self.out) and set(ends) == set(self.out)

    def degree(self) -> dict[Hashable, int]:
        """At how many places each label stands, the output being one."""
        if self._degree is None:
            self._degree = dict.fromkeys(self.out, 1)
            for item in self.items:
                for a in set(item.labels):
                    self._degree[a] = self._degree.get(a, 0) + 1
        return self._degree

    def on(self, label: Hashable, rank: int) -> list[Item]:
        return [i for i in self.items if label in i.labels and len(i.labels) == rank]

    def labels(self) -> list[Hashable]:
        return list(dict.fromkeys(a for item in self.items for a in item.labels))

    def replace(self, old: list[Item], new: Item | None) -> bool:
        self.items = [i for i in self.items if i not in old] + ([new] if new else [])
        self._degree = None
        return True

    # --- the rules; each joins something and says so ---------------------------------------------

    def _close_loops(self) -> bool:
        """M[i, i]: a trace, or the diagonal where i goes on."""
        for item in self.items:
            if len(item.labels) == 2 and item.labels[0] == item.labels[1]:
                label = item.labels[0]
                if self.degree()[label] == 1:
                    self.scalars.append(trace(item.closed()))
                    return self.replace([item], None)
                tree = call("diagonal", item.closed().tree())
                return self.replace([item], Item((label,), vector(tree)))
        return False

    def _join_vectors(self) -> bool:
        """Vectors on one label: an inner product where nothing else is there, else a Hadamard product."""
        standing: dict[Hashable, list[Item]] = {}
        for item in self.items:
            if len(item.labels) == 1:
                standing.setdefault(item.labels[0], []).append(item)
        degree = self.degree()
        for label in self.labels() if standing else []:
            vectors = standing.get(label, [])
            if len(vectors) == degree[label] and len(vectors) <= 2:
                self.scalars.append(self._scalar(vectors))
                return self.replace(vectors, None)
            if len(vectors) == degree[label] and len({v.word.keys() for v in vectors}) == 1:
                total_power = entry_power(vectors[0].word.tree(), exact(sum(Fraction(v.exponent) for v in vectors)))
                self.scalars.append((self._summed(call("sum", total_power), (label,)), 1))
                return self.replace(vectors, None)
            if len(vectors) == degree[label]:
                first, *rest = sorted(vectors, key=lambda v: (v.exponent != 1, _place(v)))
                joined = Item((label,), _entrywise(rest, (label,)))
                return self.replace(vectors, first) and self.replace([], joined)
            if len(vectors) > 1:
                return self.replace(vectors, Item((label,), _entrywise(vectors, (label,))))
        return False

    def _summed(self, tree: Tree, labels: tuple[Hashable, ...], entries: Tree | None = None) -> Tree:
        """A sum, with how many entries it has (and which) kept: over that number it is a mean."""
        sizes = {a: s for n, ls in self.factors for a, s in zip(ls, n.shape, strict=True)}
        if all(a in sizes for a in labels) and not is_call(tree, "norm1"):
            entries = tree.args[0] if is_call(tree, "sum") else entries
            self.sums[text(tree)] = times(*(sizes[a] for a in labels)), entries
        return tree

    def _scalar(self, vectors: list[Item]) -> tuple[Tree, Coefficient]:
        if len(vectors) == 1:
            return self._summed(_sum_of(vectors[0]), vectors[0].labels), 1
        if len({item.exponent < 0 for item in vectors}) == 2:
            return call("sum", _entrywise(vectors, vectors[0].labels).tree()), 1
        if vectors[0].exponent != vectors[1].exponent and vectors[0].word.keys() == vectors[1].word.keys():
            base, exponent = vectors[0].word.tree(), exact(Fraction(vectors[0].exponent) + vectors[1].exponent)
            return self._summed(call("sum", entry_power(base, exponent)), vectors[0].labels), 1
        u, v = (item.closed() for item in vectors)
        if u.keys() == v.keys() and is_compound(u.tree()):
            return call("norm2", u.tree()), 2
        found = inner_product(u, v)
        half = half_of(found)
        if half is None and any(is_call(item.word.tree(), "hadamard") for item in vectors):
            self._summed(found.tree(), vectors[0].labels, _entrywise(vectors, vectors[0].labels).tree())
        return (found.tree(), 1) if half is None else (call("norm2", half.tree()), 2)

    def _join_parallel(self) -> bool:
        """Matrices over the same two labels: tr(A'B) where nothing else is there, else a Hadamard product."""
        groups: dict[frozenset[Hashable], list[Item]] = {}
        for item in self.items:
            if len(item.labels) == 2:
                groups.setdefault(frozenset(item.labels), []).append(item)
        degree = self.degree()
        for group in groups.values():
            if len(group) < 2:
                continue
            a, b = group[0].labels if group[0].labels[::-1] != self.out else self.out
            alone = degree[a] == degree[b] == len(group)
            if alone and len(group) == 2:
                if group[0].closed().keys() == group[1].closed().keys() and group[0].labels == group[1].labels:
                    self.scalars.append((call("normF", group[0].closed().tree()), 2))
                    return self.replace(group, None)
                loop = group[0].from_label(b).joined(group[1].from_label(a))
                self.scalars.append(trace(loop))
                return self.replace(group, None)
            return self.replace(group, Item((a, b), _entrywise(group, (a, b))))
        return False

    def _absorb_vectors(self) -> bool:
        """v[i] M[i, j] where i ends: a matrix times a vector."""
        degree = self.degree()
        for item in self.items:
            if len(item.labels) == 1 and degree[item.labels[0]] == 2:
                for other in self.on(item.labels[0], 2):
                    end = other.other(item.labels[0])
                    word = other.from_label(end).joined(item.closed())
                    return self.replace([item, other], Item((end,), word))
        return False

    def _join_matrices(self) -> bool:
        """A[i, k] B[k, j] where k ends: a matrix product."""
        degree = self.degree()
        for label in self.labels():
            pair = self.on(label, 2)
            if degree[label] == 2 and len(pair) == 2:
                left, right = pair[0].other(label), pair[1].other(label)
                word = pair[0].from_label(left).joined(pair[1].from_label(label))
                return self.replace(pair, Item((left, right), word))
        return False

    def _sum_lines(self) -> bool:
        """M[i, j] summed over j alone: its row sums."""
        degree = self.degree()
        for item in self.items:
            if len(item.labels) == 2:
                for label in item.labels:
                    if degree[label] == 1:
                        end = item.other(label)
                        word = _line_sums_of_chain(item.from_label(end))
                        if degree[end] == 1:
                            word = min(item.closed(), item.closed().reversed(), key=Word.weight)
                            self.scalars.append((self._summed(total(word.tree()), item.labels), 1))
                            return self.replace([item], None)
                        return self.replace([item], Item((end,), word))
        return False

    def _attach_diagonals(self) -> bool:
        """v[i] M[i, j] where i goes on: diag(v) M."""
        if self._outer_over_matrix():
            return True
        for item in self.items:
            if len(item.labels) == 1 and not item.ones:
                for other in self.on(item.labels[0], 2):
                    end = other.other(item.labels[0])
                    diagonal = matrix(call("diag", item.closed().tree()), symmetric=True)
                    word = diagonal.joined(other.from_label(item.labels[0]))
                    return self.replace([item, other], Item((item.labels[0], end), word))
        return False

    def _outer_over_matrix(self) -> bool:
        """u[i] M[i, j] v[j], i and j the output: u*v' .* M, shorter than diag(u)*M*diag(v); of plain names."""
        matrices = [i for i in self.items if set(i.labels) == set(self.out)]
        vectors = [i for a in self.out for i in self.items if i.labels == (a,)]
        if len(self.out) != 2 or len(self.items) != 3 or len(matrices) != 1 or len(vectors) != 2:
            return False
        if not all(isinstance(i.closed().tree(), Name) for i in self.items):
            return False
        outer = vectors[0].closed().joined(vectors[1].closed().reversed()).tree()
        word = matrix(call("hadamard", outer, matrices[0].from_label(self.out[0]).tree()))
        return self.replace([*self.items], Item(self.out, word))

    def _finished(self) -> Word | None:
        if not self.out and not self.items:
            return None
        if len(self.out) == 1 and len(self.items) == 1 and self.items[0].labels == self.out:
            return self.items[0].closed()
        if len(self.out) == 2 and len(self.items) == 1 and set(self.items[0].labels) == set(self.out):
            return self.items[0].from_label(self.out[0])
        if len(self.out) == 2 and {i.labels for i in self.items} == {(a,) for a in self.out} and len(self.items) == 2:
            left, right = sorted(self.items, key=lambda i: self.out.index(i.labels[0]))
            return left.closed().joined(right.closed().reversed())
        raise NoMatrixForm


def is_compound(tree: Tree) -> bool:
    """Whether the square of a vector is shorter as a norm: (a - x)'*(a - x) is, x'*x is not."""
    return is_call(tree, "add", "subtract", "hadamard", "hadamard_divide", "negate")


def _place(item: Item) -> tuple[bool, bool, int, str]:
    """The order of factors in a Hadamard product: masks last (the longer first), chains first, then the shorter."""
    tree, links = item.word.tree(), item.word.links
    written = text(tree)
    mask = len(links) == 1 and is_mask(links[0].tree_)
    chain = len(links) > 1 and not is_call(tree, "hadamard")
    return mask, not chain, -len(written) if mask else len(written), written


def _entrywise(items: list[Item], labels: tuple[Hashable, ...]) -> Word:
    """The Hadamard product of items over the same labels, powers and quotients written as such."""
    powers: dict[str, tuple[Tree, Coefficient]] = {}
    for item in sorted(items, key=_place) if len(items) > 1 else items:
        word = item.word if item.labels == labels else item.word.reversed()
        for tree in entrywise_factors(word.tree()) if item.exponent == 1 else [word.tree()]:
            key = text(tree)
            powers[key] = (tree, powers.get(key, (tree, 0))[1] + item.exponent)
    found: Tree | None = None
    for t, e in powers.values():
        if e > 0:
            found = entry_power(t, e) if found is None else call("hadamard", found, entry_power(t, e))
    tree = Number(Fraction(1)) if found is None else found
    for t, e in powers.values():
        if e < 0:
            tree = call("hadamard_divide", tree, entry_power(t, -e))
    return vector(tree) if len(labels) == 1 else matrix(tree, all(i.word.symmetric for i in items))


def entry_power(tree: Tree, exponent: Coefficient) -> Tree:
    """tree .^ exponent, a root as sqrt."""
    if exponent == 1:
        return tree
    if exponent == 2:
        return call("hadamard_power", tree, _TWO)
    if exponent == _HALF:
        return call("sqrt", tree)
    return call("hadamard_power", tree, Number(Fraction(exponent)))


_TWO, _HALF = Number(Fraction(2)), Fraction(1, 2)


def inner_product(u: Word, v: Word) -> Word:
    """u'v, the way round that reads better: fewer transposes, then the longer half to the right."""
    options = [u.reversed().joined(v), v.reversed().joined(u)]
    return min(options, key=lambda w: (w.weight()[0], len(w.links[0].key[0]), w.weight()[2]))


def half_of(word: Word) -> Word | None:
    """A*x of x'*A'*A*x, whose square norm that is; None of any other chain, and of x'*x, which is short."""
    middle, odd = divmod(len(word.links), 2)
    if odd or middle < 2 or word.links[middle - 1].transposed == word.links[middle].transposed:
        return None
    half = Word(word.links[middle:])
    return half if Word(word.links[:middle]).keys() == half.reversed().keys() else None


def trace(loop: Word) -> tuple[Tree, Coefficient]:
    """tr of a closed chain, at the rotation and direction that read best, or the square of a norm."""
    links = loop.links
    rotations = [Word(links[k:] + links[:k]) for k in range(min(len(links), ROTATIONS))]
    both = rotations + [w.reversed() for w in rotations]
    best = min(both, key=lambda w: (w.weight()[0], not w.links[0].transposed, *w.weight()[1:]))
    halves = [h for w in rotations if (h := half_of(w)) is not None] if len(links) > 2 else []
    return (call("normF", halves[0].tree()), 2) if halves else (call("tr", best.tree()), 1)


def _sum_of(item: Item) -> Tree:
    """sum(v); of a chain the ones go to its shorter end."""
    return total(item.closed().tree())


def total(tree: Tree) -> Tree:
    """The sum of all entries; of absolute values the norm."""
    return call("norm1", tree.args[0]) if is_call(tree, "abs") else call("sum", tree)


def _line_sums_of_chain(word: Word) -> Word:
    """The sums of the rows of A*B' as A*colsum(B)', of A*B as they stand."""
    last = word.links[-1]
    if len(word.links) > 1 and last.transposed:
        return Word((*word.links[:-1], *vector(line_sums(Word((last,)))).links))
    return vector(line_sums(word))


def line_sums(word: Word) -> Tree:
    """The sums of the rows of a chain."""
    tree = word.tree()
    if is_call(tree, "transpose"):
        return call("transpose", call("colsum", turned_tree(tree)))
    return call("rowsum", tree)


def link_of(tree: Tree, rank: int, symmetric: bool) -> Word:
    """The word of one factor."""
    return vector(tree) if rank == 1 else matrix(tree, symmetric)
