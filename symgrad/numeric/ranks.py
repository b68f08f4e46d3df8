"""On which inputs the rank of a matrix depends: what an exact comparison with pseudoinverses has to try.

>>> from symgrad.tensor.build import einsum
>>> X = Input.make("X", (4, 3))
>>> ranked_inputs(einsum([(X, "ki"), (X, "kj")], "ij")), ranked_inputs(einsum([(X, "ij")] * 2, "ij"))
((X,), None)
"""

from __future__ import annotations

from collections.abc import Sequence

from symgrad.operations.matrices import INVERTIBLE
from symgrad.tensor.nodes import Einsum, Input, Node, Reindex


def ranked_inputs(matrix: Node) -> tuple[Input, ...] | None:
    """The inputs whose ranks say that of a matrix, whatever else they are: of X, s X, X'X, Q X, kron(X, Y); or None."""
    factors = matrix.factors if isinstance(matrix, Einsum) else ((matrix, tuple(range(matrix.rank))),)
    arrays = [n for n, _ in factors if not isinstance(n, Reindex)]
    if len(arrays) == 1 and isinstance(arrays[0], Einsum):  # a Kronecker product with its axes joined
        return ranked_inputs(arrays[0])
    if not all(isinstance(n, Input) and n.rank in (0, 2) for n, _ in factors):
        return None
    singular = [(n, ls) for n, ls in factors if isinstance(n, Input) and not n.properties & INVERTIBLE]
    scalars = [n for n, ls in singular if not ls and "positive" not in n.properties]
    matrices = [(n, ls) for n, ls in singular if ls]
    if any(n.properties - {"symmetric", "positive"} for n, _ in matrices):
        return None
    if len(matrices) == 2 and matrices[0][0] is matrices[1][0]:  # X'X or X X'
        (_, first), (_, second) = matrices
        square = len(factors) - len(scalars) == 2 and first[0] != first[1] and second[0] != second[1]
        alike = [a == b for a, b in zip(first, second, strict=True)]
        return (*scalars, matrices[0][0]) if square and sum(alike) == 1 else None
    apart = _labels_apart([ls for _, ls in factors if ls], [ls for _, ls in matrices])
    return (*scalars, *(n for n, _ in matrices)) if apart and len({n for n, _ in matrices}) == len(matrices) else None


def _labels_apart(every: Sequence[tuple[int, ...]], some: Sequence[tuple[int, ...]]) -> bool:
    """Whether no chain of shared labels leads from one of some factors to another, and none has a label twice."""
    groups: list[tuple[set[int], int]] = []
    for labels in every:
        joined, count = set(labels), int(labels in some)
        rest = []
        for group, inside in groups:
            if group & joined:
                joined, count = joined | group, count + inside
            else:
                rest.append((group, inside))
        groups = [*rest, (joined, count)]
    return all(count < 2 for _, count in groups) and all(len(set(labels)) == len(labels) for labels in every)
