"""Scalar factors: collected, roots of numbers joined, sums over the number of their entries as means."""

from __future__ import annotations

from fractions import Fraction

import pytest

from symgrad.derivation import derivative
from symgrad.notation.scalars import square_root, with_scalars
from symgrad.notation.text import text
from symgrad.notation.tree import Name, Number, Tree
from symgrad.tensor.build import einsum
from symgrad.tensor.dims import letter
from symgrad.tensor.nodes import Coefficient, Input

HALF = Fraction(1, 2)
TWO, PI, s = Number(Fraction(2)), Name("pi"), Name("s")


@pytest.mark.parametrize(
    ("coefficient", "scalars", "written"),
    [
        (1, [(TWO, HALF), (PI, HALF)], "sqrt(2*pi)"),
        (1, [(TWO, HALF), (PI, -HALF)], "sqrt(2/pi)"),
        (2, [(TWO, -HALF)], "sqrt(2)"),
        (HALF, [(TWO, HALF)], "1/sqrt(2)"),
        (HALF, [(TWO, HALF), (PI, -HALF)], "1/sqrt(2*pi)"),
        (3, [(s, 1), (s, -3)], "3/s^2"),
        (1, [(s, 1), (s, -1)], "1"),
        (1, [(TWO, 3), (s, 1)], "8*s"),
    ],
)
def test_factors_are_collected(coefficient: Coefficient, scalars: list[tuple[Tree, Coefficient]], written: str) -> None:
    assert text(with_scalars(coefficient, scalars, None).tree()) == written


def test_a_square_is_known_by_its_root() -> None:
    x, y = (Input.make(name, (letter("n"),)) for name in "xy")
    assert square_root(einsum([(x, "i"), (x, "i")], "")) is x
    assert square_root(einsum([(x, "i"), (y, "i")], "")) is None
    assert square_root(einsum([(x, "i"), (x, "i")], "", 2)) is None


@pytest.mark.parametrize(
    ("expression", "wrt", "written"),
    [
        ("t*sum(x)/n", "t", "mean(x)"),
        ("t*norm2(x - mean(x))^2/n", "t", "var(x)"),
        ("t*(x'*y)/n", "t", "x'*y/n"),  # no longer than the mean of products
        ("t*sum(x .* y .* z)/n", "t", "mean(x .* y .* z)"),
        ("t*norm1(x)/n", "t", "norm1(x)/n"),  # the mean of the absolute values is longer
    ],
)
def test_sums_over_their_number_are_means(expression: str, wrt: str, written: str) -> None:
    assert str(derivative(expression, wrt, where="x, y, z: R^n; t: R")) == written
