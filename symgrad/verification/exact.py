"""The exact rung: two tensors have equal values in prime fields, at enough sizes and on every part of what is declared.

A field shows that two rational expressions of inputs (and of functions that nothing is known of) are equal, up to odds
that are bounded by their degree.  What it can't see by itself is looked after here: a dimension that stands as a
number is a fresh value, or takes more sizes than the degree in it; a pseudoinverse is tried on matrices of every
rank; an orthogonal matrix with both determinants; a one-hot vector with every entry.

>>> from symgrad.programs import program
>>> whole = program("a = n*n + 6; b = 5*n; c = x'*(x*n)*n; d = n*n*x'*x", "x: R^n")
>>> [compared(whole.views[p].node, whole.views[q].node, ["n"]).equal for p, q in ("ab", "cd")]
[False, True]
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import prod

import numpy as np

from symgrad.errors import SymgradError
from symgrad.numeric.field import Draw, highest_order, values_at
from symgrad.numeric.ranks import ranked_inputs
from symgrad.numeric.residues import PRIMES, P, SingularError
from symgrad.numeric.sample import sizes
from symgrad.operations.matrices import ADJ, DET, INV, PINV
from symgrad.tensor.build import as_number
from symgrad.tensor.dims import letters_of, size_at
from symgrad.tensor.nodes import Add, Apply, Einsum, Input, Map, Node, Power, Size, walk
from symgrad.tensor.windows import lengths as lengths_needed

ENTRIES = 10**5  # of any array that is compared
ODDS = 2.0**-40  # of an accident: a proof is surer than that
PARTS = 24  # of what is declared that are tried one by one
GRID = 64  # assignments of sizes where dimensions stand as numbers
SLACK = 2  # more sizes than the degree in them

Sizes = dict[str, int]
Degree = tuple[int, int]  # of a numerator and of its denominator


@dataclass(frozen=True, slots=True)
class Comparison:
    """Whether two tensors were equal wherever they have values, and a bound on the odds that this is an accident.

    `different` says that they certainly are not: some value differs, and nothing but sums, products and inverses
    of inputs stands in them.
    """

    equal: bool
    odds: float = 1.0
    different: bool = False
    sizes: tuple[tuple[str, int], ...] = ()  # at which they differed


def compared(a: Node, b: Node, letters: Sequence[str], everywhere: bool = False) -> Comparison:
    """Exact values of two nodes with the same number of entries, read in the same order.

    Matrices under a pseudoinverse have full rank, but for `everywhere`, where they have every rank.
    """
    if a is b:
        return Comparison(True, 0.0)
    nodes = walk(a, b)
    looked = _Looked(a, b, nodes, [x for x in letters if x in _letters(nodes)], everywhere)
    found = Comparison(False)
    for special, (counts, assignments) in product((False, True) if _special(nodes) else (False,), looked.plans()):
        other = looked.at(assignments, counts, special)
        if other.equal:
            return other
        found = other if other.different else found
    return found


def _letters(nodes: Iterable[Node]) -> list[str]:
    return letters_of(s for n in nodes for s in (*n.shape, *([n.size] if isinstance(n, Size) else [])))


@dataclass(frozen=True)
class _Looked:
    """Two nodes, everything below them, and the letters of their sizes."""

    a: Node
    b: Node
    nodes: list[Node]
    letters: list[str]
    everywhere: bool

    def plans(self) -> Iterator[tuple[bool, list[Sizes]]]:
        """Where to look: dimensions that are numbers as fresh values, else at more sizes than their degree."""
        few, lengths = few_sizes(self.letters), lengths_needed(self.a, self.b)
        if lengths:  # n - k + 1 is no size where k is larger than n
            few += [sizes(self.letters, "distinct", seed, lengths) for seed in (1, 2, 3)]
        numbers = any(isinstance(n, Size) for n in self.nodes)
        yield numbers, few
        if numbers:
            grid = _grid(self.letters, [self._degree_in(x) for x in self.letters])
            yield False, [*few, *grid] if grid else []

    def at(self, assignments: list[Sizes], counts: bool, special: bool) -> Comparison:
        """The comparison at some sizes, each letter of which has to take two values at least.

        Orthogonal and one-hot inputs are so, where `special`, else anything.
        """
        seen: dict[str, set[int]] = {x: set() for x in self.letters}
        trials = 0
        for seed, at_sizes in enumerate(assignments, 1):
            found = self._at_sizes(at_sizes, Draw(at_sizes, seed, PRIMES[seed % len(PRIMES)], counts), special)
            if found is False:
                different = not counts and self._is_rational()
                return Comparison(False, 1.0, different, tuple(at_sizes.items()))
            if found:
                trials += 1
                for x, size in at_sizes.items():
                    seen[x].add(size)
        if trials < 2 or any(len(taken) < 2 for taken in seen.values()):
            return Comparison(False)
        odds = self._odds() ** trials
        return Comparison(odds < ODDS, odds)

    def _at_sizes(self, at_sizes: Sizes, draw: Draw, special: bool) -> bool | None:
        """Whether all values agree there; None where there are none."""
        if any(min(shape, default=1) < 1 or prod(shape) > ENTRIES for shape in self._shapes(at_sizes)):
            return None
        verdict = None
        ranks = _ranks(self.nodes, at_sizes) if self.everywhere else [None]
        order = highest_order(self.nodes)
        for part, low in product(_parts(self.nodes, at_sizes) if special else [{}], ranks):
            try:
                first, second = values_at([self.a, self.b], replace(draw, part=part, ranks=low, order=order))
            except SingularError:
                continue
            except SymgradError:
                return None
            if not np.array_equal(np.ravel(first), np.ravel(second)):
                return False
            verdict = True
        return verdict

    def _shapes(self, at_sizes: Sizes) -> Iterator[tuple[int, ...]]:
        for n in self.nodes:
            yield tuple(size_at(s, at_sizes) for s in n.shape)

    def _degree_in(self, letter: str) -> int:
        def leaf(node: Node) -> int:
            terms = node.size.terms if isinstance(node, Size) and not isinstance(node.size, int) else ()
            return max((letters.count(letter) for letters, _ in terms), default=0)

        return _degree([self.a, self.b], self.nodes, leaf)

    def _odds(self) -> float:
        """Of equal values of different tensors: by Schwartz and Zippel, any two functions having other arguments."""
        opaque = sum(isinstance(n, Map | Apply) for n in self.nodes)
        return min(1.0, _degree([self.a, self.b], self.nodes, lambda n: 1) * (1 + opaque**2) / P)

    def _is_rational(self) -> bool:
        """Whether values that differ are a proof: no function but of rational numbers, no input of a special kind."""
        return all(_is_rational(n) for n in self.nodes)


def _is_rational(node: Node) -> bool:
    if isinstance(node, Input):
        return not node.properties & {"orthogonal", "onehot", "simplex"}
    if isinstance(node, Power):
        return isinstance(as_number(node.exponent), int)
    return not isinstance(node, Map) and not (isinstance(node, Apply) and node.op not in (INV, DET, ADJ))


# --- sizes and parts ---------------------------------------------------------------------------


def few_sizes(letters: Sequence[str]) -> list[Sizes]:
    """Rising, falling, all equal, with a 1: each letter takes at least three values, each pair both orders."""
    count = len(letters)
    rising = [2 + i if count < 5 else 2 + i % 2 for i in range(count)]
    rows = [rising, rising[::-1], [3] * count, [1 + i % 2 for i in range(count)]]
    if count < 4:
        rows.append([4] * count)
    if count < 3:
        rows += [[5 - i for i in range(count)], [2 + 3 * i for i in range(count)]]
    if count > 2:
        rows += [rising[1:] + rising[:1], [*rising[:1], *rising[:0:-1]]]
    distinct = dict.fromkeys(map(tuple, rows))
    return [dict(zip(letters, row, strict=True)) for row in distinct] if count else [{}] * 3


def _grid(letters: Sequence[str], degrees: Sequence[int]) -> list[Sizes]:
    """More values of each letter than the degree in it; none where these are too many."""
    axes = [range(2, 2 + degree + SLACK) if degree else range(3, 4) for degree in degrees]
    if prod(map(len, axes)) > GRID:
        return []
    return [dict(zip(letters, row, strict=True)) for row in product(*axes)]


def _special(nodes: Iterable[Node]) -> list[Input]:
    """The inputs that are orthogonal or one-hot, and nothing else."""
    found = [n for n in nodes if isinstance(n, Input) and n.rank]
    return [n for n in found if "onehot" in n.properties or n.properties - {"invertible"} == {"orthogonal"}]


def _parts(nodes: Iterable[Node], at_sizes: Mapping[str, int]) -> list[dict[str, int]]:
    """The components of orthogonal inputs and the places of the ones, all combinations; none where these are many."""
    inputs = _special(nodes)
    counts = [_places(n, at_sizes) if "onehot" in n.properties else 2 for n in inputs]
    if prod(counts) > PARTS:
        return []
    return [dict(zip([n.name for n in inputs], row, strict=True)) for row in product(*map(range, counts))]


def _ranks(nodes: Iterable[Node], at_sizes: Mapping[str, int]) -> list[dict[str, int] | None]:
    """Every choice of ranks for the inputs on which the rank under a pseudoinverse depends; none if these are many."""
    under = [ranked_inputs(n.args[0]) or () for n in nodes if isinstance(n, Apply) and n.op is PINV]
    inputs = list(dict.fromkeys(n for found in under for n in found))
    counts = [1 + min((size_at(s, at_sizes) for s in n.shape), default=1) for n in inputs]
    if prod(counts) > PARTS:
        return []
    return [dict(zip([n.name for n in inputs], row, strict=True)) for row in product(*map(range, counts))]


def _places(node: Input, at_sizes: Mapping[str, int]) -> int:
    """In how many ways each row can have its 1."""
    *rows, columns = (size_at(s, at_sizes) for s in node.shape)
    return int(columns ** prod(rows))


# --- degrees -----------------------------------------------------------------------------------


def _degree(roots: Sequence[Node], nodes: Sequence[Node], leaf: Callable[[Node], int]) -> int:
    """A bound on the degree of the difference of two nodes, over one denominator."""
    found: dict[Node, Degree] = {}
    for node in nodes:
        found[node] = _degree_of(node, [found[a] for a in node.args], leaf(node))
    (top, below), (other, under) = (found[root] for root in roots)
    inside = max((sum(d) for d in found.values()), default=0)
    return max(top + under, other + below, inside)


def _degree_of(node: Node, args: list[Degree], leaf: int) -> Degree:
    match node:
        case Einsum():
            return sum(n for n, _ in args), sum(d for _, d in args)
        case Add():
            below = sum(d for _, d in args)
            return max((n + below - d for n, d in args), default=0), below
        case Power():
            return _degree_of_power(args[0], args[1], as_number(node.exponent), leaf)
        case Apply():
            total = max(sum(d) for d in args) * (5 if node.rank else 2) + leaf
            return total, total
        case Map():
            return max(leaf, *(sum(d) for d in args)), 0
        case _:
            return leaf, 0


def _degree_of_power(base: Degree, by: Degree, exponent: object, leaf: int) -> Degree:
    if isinstance(exponent, int):
        k = abs(exponent)
        return (k * base[0], k * base[1]) if exponent > 0 else (k * base[1], k * base[0])
    k = 1 + abs(int(exponent)) if exponent is not None else 1  # type: ignore[call-overload]
    total = k * sum(base) + sum(by) + leaf
    return total, total
