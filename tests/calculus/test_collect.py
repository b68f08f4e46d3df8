"""Sums in their shortest form: equal to what they replace, never longer, and left alone where nothing helps."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from reference import array_of

from symgrad.calculus.collect import collected, gathered, shorter, size, without_fractions
from symgrad.programs import program
from symgrad.tensor.build import is_zero, power
from symgrad.tensor.nodes import Add, Node

WHERE = "x, y, u: R^n; A: R^{m x n}; B: R^{n x n}; s, t, k: R"

CASES = [  # a sum, and the same written shorter by hand; the last three are as short as they get
    ("(1 - y) .* x - y .* (1 - x)", "x - y"),
    ("s*(x - y) + s*(y - u)", "s*(x - u)"),
    ("B*(x - y) + B*(y - u)", "B*(x - u)"),
    ("1 ./ sqrt(1 + x.^2) - x.^2 ./ (1 + x.^2).^1.5", "1 ./ (1 + x.^2).^1.5"),
    ("1 - x ./ (x + y) - y ./ (x + y)", "zeros(n)"),
    ("x .* (y + u) + B*x", "x .* (y + u) + B*x"),
    ("(x - y) .* (x + y) + u", "(x - y) .* (x + y) + u"),
    ("s*(x - y) + t*(y - u)", "s*(x - y) + t*(y - u)"),
]


def node_of(text: str) -> Node:
    return program(text, WHERE).views["result"].node


@pytest.mark.parametrize(("long", "short"), CASES)
@pytest.mark.parametrize("sizes", [{"m": 2, "n": 5}, {"m": 3, "n": 3}])
def test_is_the_same_tensor(long: str, short: str, sizes: dict[str, int]) -> None:
    rng = np.random.default_rng(3)
    m, n = sizes["m"], sizes["n"]
    values = {a: rng.uniform(0.5, 2, n) for a in "xyu"} | {a: rng.uniform(0.5, 2) for a in "stk"}
    values |= {"A": rng.normal(size=(m, n)), "B": rng.normal(size=(n, n))}
    found = collected(node_of(long))
    np.testing.assert_allclose(array_of(found, values, sizes), array_of(node_of(short), values, sizes), atol=1e-12)


@pytest.mark.parametrize(("long", "short"), CASES)
def test_is_as_short_as_by_hand(long: str, short: str) -> None:
    assert size(collected(node_of(long))) <= size(node_of(short))


def test_what_cancels_is_zero() -> None:
    assert is_zero(collected(node_of("(1 - y) .* x - x + x .* y")))


def test_shorter_keeps_the_sum_where_the_other_is_no_shorter() -> None:
    node, longer = node_of("x + y"), node_of("x + y + u + B*x")
    assert shorter(longer, node) is node
    assert shorter(node, longer) is node


def test_a_divisor_goes_into_the_sum_below() -> None:
    base, k = node_of("1 + t/k"), node_of("k")
    assert isinstance(base, Add)
    ((found, labels),) = without_fractions([(power(k, -1), ()), (power(base, -1), ())])
    assert labels == () and found is power(node_of("k + t"), -1)


def test_factors_beside_a_root_of_them_go_into_it() -> None:
    square = node_of("s*s")
    ((found, _),) = gathered([(node_of("s"), ()), (node_of("s"), ()), (power(square, Fraction(-1, 2)), ())])
    assert found is power(square, Fraction(1, 2))
