"""Layouts only say which axes are rows and which columns."""

from __future__ import annotations

import pytest

from symgrad.errors import LayoutError
from symgrad.notation.layout import Arrangement, Part, arrange, check_layout
from symgrad.tensor.dims import letter, times

SCALAR = Part((), ())
m, n = letter("m"), letter("n")


def column(axis: int) -> Part:
    return Part((axis,), ())


def matrix(axis: int) -> Part:
    return Part((axis,), (axis + 1,))


@pytest.mark.parametrize(
    ("output", "variable", "layout", "wanted"),
    [
        (SCALAR, SCALAR, "mixed", ((), ())),
        (SCALAR, column(0), "mixed", ((0,), ())),
        (SCALAR, column(0), "numerator", ((), (0,))),
        (SCALAR, column(0), "denominator", ((0,), ())),
        (SCALAR, column(0), "gradient", ((0,), ())),
        (SCALAR, Part((), (0,)), "gradient", ((), (0,))),
        (SCALAR, matrix(0), "mixed", ((0,), (1,))),
        (SCALAR, matrix(0), "numerator", ((1,), (0,))),
        (SCALAR, matrix(0), "denominator", ((0,), (1,))),
        (column(0), column(1), "mixed", ((0,), (1,))),
        (column(0), column(1), "numerator", ((0,), (1,))),
        (column(0), column(1), "denominator", ((1,), (0,))),
        (column(0), SCALAR, "mixed", ((0,), ())),
        (column(0), SCALAR, "denominator", ((), (0,))),
        (matrix(0), SCALAR, "mixed", ((0,), (1,))),
    ],
)
def test_conventions(
    output: Part, variable: Part, layout: str, wanted: tuple[tuple[int, ...], tuple[int, ...]]
) -> None:
    assert arrange(output, [variable], layout) == Arrangement(*wanted)


def test_stacking_of_matrices() -> None:
    """By columns the column index is the slow one."""
    assert arrange(matrix(0), [matrix(2)], "mixed", "column") == Arrangement((1, 0), (3, 2))
    assert arrange(matrix(0), [matrix(2)], "mixed", "row") == Arrangement((0, 1), (2, 3))
    assert arrange(matrix(0), [matrix(2)], "denominator") == Arrangement((3, 2), (1, 0))
    assert arrange(SCALAR, [matrix(0), matrix(2)], "mixed") == Arrangement((1, 0), (3, 2))


def test_shapes() -> None:
    found = arrange(matrix(0), [column(2)], "mixed")
    assert found.shape((m, n, n)) == (times(m, n), n)
    assert found.transposed().shape((m, n, n)) == (n, times(m, n))


def test_what_stays_a_tensor() -> None:
    assert arrange(column(0), [column(1)], "tensor").is_tensor
    assert arrange(SCALAR, [column(0), column(1), column(2)], "mixed").is_tensor
    assert arrange(column(0), [column(1), column(2)], "mixed").is_tensor


def test_errors() -> None:
    with pytest.raises(LayoutError, match="scalar outputs"):
        arrange(column(0), [column(1)], "gradient")
    with pytest.raises(LayoutError, match="numerator"):
        check_layout("numerater", "column")
    with pytest.raises(LayoutError, match="column"):
        check_layout("mixed", "columns")
