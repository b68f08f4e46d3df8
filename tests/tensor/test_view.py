"""Reading axes as rows and columns."""

from __future__ import annotations

import pytest

from symgrad.tensor.dims import letter, times
from symgrad.tensor.nodes import Input
from symgrad.tensor.view import View, same_shape

m, n = letter("m"), letter("n")
s, x, M = Input.make("s", ()), Input.make("x", (n,)), Input.make("M", (m, n))
T = Input.make("T", (m, n, m, n))


@pytest.mark.parametrize(
    ("view", "kind", "shape", "words"),
    [
        (View(s, 0), "scalar", (1, 1), "a scalar"),
        (View(x, 1), "column", (n, 1), "a column vector (n x 1)"),
        (View(x, 0), "row", (1, n), "a row vector (1 x n)"),
        (View(M, 1), "matrix", (m, n), "a matrix (m x n)"),
        (View(M, 2), "column", (times(m, n), 1), "a column vector (m*n x 1)"),
        (View(T, 2), "matrix", (times(m, n), times(m, n)), "a matrix (m*n x m*n)"),
    ],
)
def test_kinds(view: View, kind: str, shape: tuple[object, object], words: str) -> None:
    assert view.kind == kind and view.shape == shape and view.describe() == words
    assert [view.is_scalar, view.is_column, view.is_row, view.is_matrix].count(True) == 1


def test_square_and_same_shape() -> None:
    assert View(T, 2).is_square and not View(M, 1).is_square
    assert same_shape(View(x, 1), View(Input.make("y", (n,)), 1))
    assert not same_shape(View(x, 1), View(x, 0)) and not same_shape(View(x, 1), View(s, 0))
