"""The plain interpreter against values worked out with NumPy by hand."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from symgrad.errors import ShapeError, UnknownNameError
from symgrad.numeric.evaluate import bind_sizes, evaluate
from symgrad.operations.elementwise import GT, MAX, TANH
from symgrad.operations.matrices import DET, INV
from symgrad.operations.reductions import LOGSUMEXP, SOFTMAX
from symgrad.tensor.build import add, apply, einsum, elementwise, full, number, power, zero
from symgrad.tensor.dims import letter, plus, times
from symgrad.tensor.nodes import Constant, Delta, Input, Node, Ones, Reindex, Size, Unit

m, n = letter("m"), letter("n")
A, X, x = Input.make("A", (n, n)), Input.make("X", (m, n)), Input.make("x", (n,))
GIVEN = {
    "A": np.array([[2.0, 1, 0], [0, 3, 1], [1, 0, 4]]),
    "X": np.array([[1.0, -2, 3], [0.5, 0, -1]]),
    "x": np.array([1.0, 2, -1]),
}
a, b, v = GIVEN["A"], GIVEN["X"], GIVEN["x"]

CASES: list[tuple[Node, object]] = [
    (einsum([(X, "ij"), (x, "j")], "i"), b @ v),
    (einsum([(A, "ij"), (A, "ji")], "", Fraction(1, 2)), np.trace(a @ a) / 2),
    (einsum([(x, "i"), (Delta.make(n), "ij")], "ij"), np.diag(v)),
    (einsum([(x, "i"), (Ones.make(m), "j")], "ji"), np.array([v, v])),
    (add([(2, A), (-1, Delta.make(n))]), 2 * a - np.eye(3)),
    (zero((m, n)), np.zeros((2, 3))),
    (full(number(3), (m,)), np.array([3.0, 3.0])),
    (power(x, -2), 1 / v**2),
    (power(elementwise(MAX, x, number(1)), number(Fraction(1, 2))), np.sqrt([1, 2, 1])),
    (elementwise(TANH, X), np.tanh(b)),
    (elementwise(GT, X, number(0)), np.array([[1.0, 0, 1], [1, 0, 0]])),
    (apply(INV, A), np.linalg.inv(a)),
    (apply(DET, A), 25.0),
    (apply(SOFTMAX, x), np.exp(v) / np.exp(v).sum()),
    (apply(LOGSUMEXP, X, 1), np.log(np.exp(b).sum(axis=1))),
    (einsum([(Unit.make(2, n), "i"), (X, "ji")], "j"), b[:, 1]),
    (Size.make(n), 3.0),
    (Constant.make("pi"), np.pi),
    (einsum([(X, "ij"), (Reindex.make((m, n), (times(m, n),)), "ija")], "a"), b.reshape(-1)),
]


@pytest.mark.parametrize("node, expected", CASES, ids=[str(i) for i in range(len(CASES))])
def test_values(node: Node, expected: object) -> None:
    needed = {**GIVEN}
    (found,) = evaluate([node], needed, {"m": 2, "n": 3})
    assert found.shape == np.shape(expected)
    np.testing.assert_allclose(found, expected)  # type: ignore


def test_a_function_of_a_matrix_whose_indices_are_groups_of_axes() -> None:
    left, right = Input.make("P", (n, n)), Input.make("Q", (m, m))
    product = einsum([(left, "ik"), (right, "jl")], "ijkl")
    p, q = a, np.array([[1.0, 2], [3, 4]])
    (inverse, determinant) = evaluate([apply(INV, product), apply(DET, product)], {"P": p, "Q": q})
    np.testing.assert_allclose(inverse.reshape(6, 6), np.linalg.inv(np.kron(p, q)), atol=1e-12)
    np.testing.assert_allclose(determinant, np.linalg.det(np.kron(p, q)))


def test_depth_is_not_bounded() -> None:
    node: Node = x
    for _ in range(5000):
        node = elementwise(TANH, node)
    assert np.all(np.abs(evaluate([node], {"x": v})[0]) < 0.02)


def test_sizes_are_read_off_arrays() -> None:
    shapes = {"X": (m, n), "a": (plus(n, 2),), "b": (times(m, n),)}
    arrays = {"X": np.ones((2, 3)), "a": np.ones(5), "b": np.ones(6)}
    assert bind_sizes(shapes, arrays) == {"m": 2, "n": 3}
    assert bind_sizes({"a": (plus(n, 2),)}, {"a": np.ones(5)}) == {"n": 3}


@pytest.mark.parametrize(
    "shapes, arrays, words",
    [
        ({"x": (n,)}, {"x": np.ones((3, 1))}, r"x has shape \(3, 1\), but is declared \(n,\): one axis wanted"),
        ({"r": (1, n)}, {"r": np.ones(3)}, r"r has shape \(3,\), but is declared \(1, n\)"),
        ({"A": (n, n)}, {"A": np.ones((2, 3))}, r"A has shape \(2, 3\).*axis 1 has 3 entries, but n = 2"),
        ({"x": (4,)}, {"x": np.ones(3)}, r"axis 0 has 3 entries, not 4"),
        ({"x": (n,), "a": (plus(n, 1),)}, {"x": np.ones(3), "a": np.ones(5)}, r"axis 0 has 5 entries, but n \+ 1 is 4"),
        ({"s": ()}, {"s": np.ones((1, 1))}, r"s has shape \(1, 1\), but is declared \(\): no axis wanted"),
    ],
)
def test_a_wrong_shape_is_an_error_with_both_shapes(shapes: dict, arrays: dict, words: str) -> None:
    with pytest.raises(ShapeError, match=words):
        bind_sizes(shapes, arrays)


def test_unknown_and_missing_names() -> None:
    with pytest.raises(UnknownNameError, match="no input alpa") as caught:
        bind_sizes({"alpha": (n,)}, {"alpa": np.ones(3)})
    assert caught.value.hint == "did you mean alpha?"
    with pytest.raises(UnknownNameError, match="no array is given for x"):
        evaluate([x], {})


def test_a_dimension_that_nothing_fixes_is_named() -> None:
    with pytest.raises(ShapeError, match="dimension n is not fixed"):
        evaluate([Delta.make(n)], {})
