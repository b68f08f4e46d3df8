"""Random graphs over every kind of product, for comparing what computes them."""

from __future__ import annotations

from random import Random

from symgrad.operations import elementwise as e
from symgrad.operations import matrices, reductions
from symgrad.tensor.build import add, apply, einsum, elementwise, full, number, plus, power
from symgrad.tensor.dims import letter, times
from symgrad.tensor.nodes import Constant, Delta, Input, Node, Ones, Reindex, Size, Unit

LETTERS = tuple(map(letter, "mnk"))


class Grower:
    """Grows a graph from inputs by seeded choice, all values staying of moderate size."""

    def __init__(self, seed: int):
        self.random = Random(seed)
        self.inputs = [Input.make("s", ())]
        for i, a in enumerate(LETTERS):
            self.inputs += [Input.make(f"v{i}", (a,)), Input.make(f"u{i}", (a,), frozenset({"positive"}))]
            self.inputs += [Input.make(f"M{i}{j}", (a, b)) for j, b in enumerate(LETTERS)]
        self.basis: list[Node] = [*self.inputs, *self._inverses()]
        self.pool: list[Node] = list(self.basis)

    def _inverses(self) -> list[Node]:
        """Inverses that the compiler may replace by solves."""
        squares = [n for n in self.inputs if n.rank == 2 and n.shape[0] == n.shape[1]]
        return [apply(matrices.INV, add([(1, n), (9, Delta.make(n.shape[0]))], n.shape)) for n in squares] * 2

    def grow(self, steps: int) -> Node:
        for _ in range(steps):
            self.pool.append(self._one())
        return self.pool[-1]

    def _one(self) -> Node:
        kind = self.random.choice(["product"] * 8 + ["sum", "sum", "map", "power", "function", "mask", "regroup"])
        return getattr(self, f"_{kind}")()

    def _pick(self, rank: int | None = None) -> Node:
        pool = self.basis if self.random.random() < 0.5 else self.pool
        choices = [n for n in pool if (rank is None and n.rank < 5) or n.rank == rank]
        return self.random.choice(choices[-25:])

    def _product(self) -> Node:
        """Factors whose labels are drawn with repetition, so that every pattern comes up."""
        factors: list[tuple[Node, tuple[object, ...]]] = []
        for _ in range(self.random.randint(1, 4)):
            node = self.random.choice([self._pick(), self._pick(), self._constant()])
            factors.append((node, tuple(self._label(s) for s in node.shape)))
        labels = list(dict.fromkeys((a, s) for n, ls in factors for a, s in zip(ls, n.shape)))
        self.random.shuffle(labels)
        out = [a for a, _ in labels][: self.random.choice([0, 1, 1, 2, 2, 2, 3, 4])]
        return einsum(factors, out, self.random.choice([1, 1, -1, 2]))

    def network(self) -> Node:
        """One product of many matrices and vectors, nested here and there."""
        arrays = [n for n in self.basis if n.rank]
        node = self.random.choice(arrays)
        for _ in range(self.random.randint(1, 3)):
            factors = [(n, tuple(map(self._label, n.shape))) for n in self.random.choices([*arrays, node], k=2)]
            factors.append((node, tuple(self._label(s) for s in node.shape)))
            labels = list(dict.fromkeys(a for _, ls in factors for a in ls))
            self.random.shuffle(labels)
            node = einsum(factors, labels[: self.random.randint(0, 4)], self.random.choice([1, -1, 3]))
        return node

    def _label(self, size: object) -> object:
        return (str(size), self.random.randint(0, 1))

    def _constant(self) -> Node:
        size = self.random.choice(LETTERS)
        return self.random.choice(
            [Delta.make(size), Ones.make(size), Unit.make(2, size), Size.make(size), Constant.make("pi")]
        )

    def _sum(self) -> Node:
        first = self._pick()
        same = [n for n in self.pool if n.shape == first.shape]
        terms = [(self.random.choice([1, -1, 3]), self.random.choice(same)) for _ in range(2)]
        if first.rank == 2 and first.shape[0] == first.shape[1] and self.random.random() < 0.7:
            terms.append((2, Delta.make(first.shape[0])))
        if self.random.random() < 0.4:
            terms.append((1, full(self._pick(0), first.shape)))
        return add([(1, first), *terms], first.shape)

    def _map(self) -> Node:
        op = self.random.choice([e.TANH, e.SIGMOID, e.SIN, e.RELU, e.ABS, e.SOFTPLUS, e.SILU])
        return elementwise(op, self._pick())

    def _mask(self) -> Node:
        node = self._pick()
        return elementwise(self.random.choice([e.GT, e.LE, e.MAX]), node, self._pick(0))

    def _power(self) -> Node:
        base = plus(full(number(1), n.shape), elementwise(e.SIGMOID, n)) if (n := self._pick()) else None
        assert base is not None
        return power(base, self.random.choice([-1, -2, number(1), 3, power(number(2), -1), self._pick(0)]))

    def _function(self) -> Node:
        square = [n for n in self.inputs if n.rank == 2 and n.shape[0] == n.shape[1]]
        choice = self.random.randint(0, 3)
        if choice == 0:
            return apply(reductions.SOFTMAX, self._pick(1))
        if choice == 1:
            return apply(reductions.LOGSUMEXP, self._pick(2), 1)
        matrix = self.random.choice(square)
        shifted = add([(1, matrix), (9, Delta.make(matrix.shape[0]))], matrix.shape)
        return apply(self.random.choice([matrices.INV, matrices.LOGDET, matrices.DET]), shifted)

    def _regroup(self) -> Node:
        node = self._pick(2)
        flat = times(*node.shape)
        column = einsum([(node, "ij"), (Reindex.make(node.shape, (flat,)), "ija")], "a")
        if self.random.random() < 0.5:
            return einsum([(column, "a")] * 2, "")
        back = Reindex.make((flat,), node.shape[::-1])
        return einsum([(column, "a"), (back, "aij")], "ij")
