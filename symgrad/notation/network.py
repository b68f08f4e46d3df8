"""A product with indices as a small tensor network, contracted with the words of matrix notation.

Factors are items over one or two labels.  One rule after the other joins items until each label of the
output is one end of one word: diagonals and traces, Hadamard products, matrix times vector, matrix times
matrix, sums along a line, diag(v) on a label that stays, outer products.  What fits none of the rules has
no matrix notation: `NoMatrixForm`, never a guess.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import reduce

from symgrad.notation.text import text
from symgrad.notation.tree import Name, Number, Tree
from symgrad.notation.words import Word, call, entrywise_factors, is_call, is_mask, matrix, turned_tree, vector
from symgrad.tensor.dims import Size, times
from symgrad.tensor.nodes import Coefficient

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
    sizes: Mapping[Hashable, Size] = field(default_factory=dict)
    sums: dict[str, Size] = field(default_factory=dict)
    _degree: dict[Hashable, int] | None = None

    def contract(self) -> Word | None:
        """The word of the whole product (None for a scalar).  Raises NoMatrixForm."""
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
                    self.scalars.append((trace(item.closed()), 1))
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
            if len(vectors) == degree[label]:
                first, *rest = sorted(vectors, key=lambda v: (v.exponent != 1, _place(v)))
                joined = Item((label,), _entrywise(rest, (label,)))
                return self.replace(vectors, first) and self.replace([], joined)
            if len(vectors) > 1:
                return self.replace(vectors, Item((label,), _entrywise(vectors, (label,))))
        return False

    def _summed(self, tree: Tree, labels: tuple[Hashable, ...]) -> Tree:
        """A sum, with how many entries it has kept: over that number it is a mean."""
        if self.sizes and all(a in self.sizes for a in labels):
            self.sums[text(tree)] = times(*(self.sizes[a] for a in labels))
        return tree

    def _scalar(self, vectors: list[Item]) -> tuple[Tree, Coefficient]:
        if len(vectors) == 1:
            return self._summed(_sum_of(vectors[0]), vectors[0].labels), 1
        u, v = (item.closed() for item in vectors)
        if u.keys() == v.keys() and is_compound(u.tree()):
            return call("norm2", u.tree()), 2
        return inner_product(u, v), 1

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
            a, b = group[0].labels
            alone = degree[a] == degree[b] == len(group)
            if alone and len(group) == 2:
                if group[0].closed().keys() == group[1].closed().keys() and group[0].labels == group[1].labels:
                    self.scalars.append((call("normF", group[0].closed().tree()), 2))
                    return self.replace(group, None)
                loop = group[0].from_label(b).joined(group[1].from_label(a))
                self.scalars.append((trace(loop), 1))
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
                        tree = line_sums(item.from_label(end))
                        if degree[end] == 1:
                            word = min(item.closed(), item.closed().reversed(), key=Word.weight)
                            self.scalars.append((self._summed(total(word.tree()), item.labels), 1))
                            return self.replace([item], None)
                        return self.replace([item], Item((end,), vector(tree)))
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
    written = text(item.word.tree())
    mask = is_mask(item.word.links[0].tree_) and len(item.word.links) == 1
    chain = not mask and not is_call(item.word.tree(), "hadamard") and len(item.word.links) > 1
    return mask, not chain, -len(written) if mask else len(written), written


def _entrywise(items: list[Item], labels: tuple[Hashable, ...]) -> Word:
    """The Hadamard product of items over the same labels, powers and quotients written as such."""
    powers: dict[str, tuple[Tree, Coefficient]] = {}
    for item in sorted(items, key=_place) if len(items) > 1 else items:
        word = item.word if item.labels == labels else item.word.reversed()
        for tree in entrywise_factors(word.tree()) if item.exponent == 1 else [word.tree()]:
            key = text(tree)
            powers[key] = (tree, powers.get(key, (tree, 0))[1] + item.exponent)
    above = [entry_power(t, e) for t, e in powers.values() if e > 0]
    below = [entry_power(t, -e) for t, e in powers.values() if e < 0]
    top = reduce(lambda a, b: call("hadamard", a, b), above) if above else Number(Fraction(1))
    tree = reduce(lambda a, b: call("hadamard_divide", a, b), below, top)
    return vector(tree) if len(labels) == 1 else matrix(tree, all(i.word.symmetric for i in items))


def entry_power(tree: Tree, exponent: Coefficient) -> Tree:
    """tree .^ exponent, a root as sqrt."""
    if exponent == 1:
        return tree
    if exponent == Fraction(1, 2):
        return call("sqrt", tree)
    return call("hadamard_power", tree, Number(Fraction(exponent)))


def inner_product(u: Word, v: Word) -> Tree:
    """u'v, the way round that reads better: fewer transposes, then the longer half to the right."""
    options = [u.reversed().joined(v), v.reversed().joined(u)]
    best = min(options, key=lambda w: (w.weight()[0], len(w.links[0].key[0]), w.weight()[2]))
    return best.tree()


def trace(loop: Word) -> Tree:
    """tr of a closed chain, at the rotation and direction that read best."""
    links = loop.links
    rotations = [Word(links[k:] + links[:k]) for k in range(min(len(links), ROTATIONS))]
    both = rotations + [w.reversed() for w in rotations]
    return call("tr", min(both, key=lambda w: (w.weight()[0], not w.links[0].transposed, *w.weight()[1:])).tree())


def _sum_of(item: Item) -> Tree:
    """sum(v); of a chain the ones go to its shorter end."""
    return total(item.closed().tree())


def total(tree: Tree) -> Tree:
    """The sum of all entries; of absolute values the norm."""
    return call("norm1", tree.args[0]) if is_call(tree, "abs") else call("sum", tree)


def line_sums(word: Word) -> Tree:
    """The sums of the rows of a chain."""
    tree = word.tree()
    if is_call(tree, "transpose"):
        return call("transpose", call("colsum", turned_tree(tree)))
    return call("rowsum", tree)


def link_of(tree: Tree, rank: int, symmetric: bool) -> Word:
    """The word of one factor."""
    return vector(tree) if rank == 1 else matrix(tree, symmetric)
