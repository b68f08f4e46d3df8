"""The rules, one kind of node at a time, against what is true on paper."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from reference import array_of

from symgrad.calculus.differentiate import cotangents, depends, differentiate
from symgrad.errors import NotDifferentiableError
from symgrad.operations.elementwise import LOG, SIN
from symgrad.operations.matrices import INV
from symgrad.operations.reductions import SOFTMAX
from symgrad.tensor.build import apply, einsum, elementwise, hadamard, is_zero, number, plus, power, scaled, transposed
from symgrad.tensor.dims import letter
from symgrad.tensor.nodes import Delta, Input, Node, walk

m, n = letter("m"), letter("n")
x, s, t = Input.make("x", (n,)), Input.make("s", ()), Input.make("t", ())
A, X = Input.make("A", (n, n)), Input.make("X", (m, n))
RNG = np.random.default_rng(1)
VALUES = {
    "x": RNG.normal(size=3),
    "s": 1.3,
    "t": 0.7,
    "A": RNG.normal(size=(3, 3)) + 3 * np.eye(3),
    "X": RNG.normal(size=(2, 3)),
}


def value(node: Node) -> np.ndarray:
    return array_of(node, VALUES, {"m": 2, "n": 3})


def test_by_itself_it_is_the_identity() -> None:
    assert differentiate(x, x) is Delta.make(n)
    assert differentiate(s, s) is number(1)
    assert value(differentiate(X, X)) == pytest.approx(np.einsum("ik,jl->ijkl", np.eye(2), np.eye(3)))


def test_zero_where_it_does_not_occur() -> None:
    found = differentiate(elementwise(SIN, X), x)
    assert is_zero(found) and found.shape == (m, n, n)
    assert not depends(A, x) and depends(einsum([(A, "ij"), (x, "j")], "i"), x)


def test_products_swap_the_factor_with_the_output() -> None:
    product = einsum([(A, "ij"), (x, "j")], "i")
    assert differentiate(product, x) is A
    assert differentiate(product, A) is einsum([(Delta.make(n), "ik"), (x, "l")], "ikl")
    quadratic = einsum([(x, "i"), (A, "ij"), (x, "j")], "")
    assert differentiate(quadratic, A) is einsum([(x, "i"), (x, "j")], "ij")
    assert value(differentiate(quadratic, x)) == pytest.approx((VALUES["A"] + VALUES["A"].T) @ VALUES["x"])


def test_numbers_along_a_chain_multiply() -> None:
    """They travel beside the cotangents: (3/2) sin(-(2/3) (A x)) summed, twice, and once more where paths meet."""
    inner = scaled(Fraction(-2, 3), einsum([(A, "ij"), (x, "j")], "i"))
    y = elementwise(SIN, inner)
    found = differentiate(scaled(Fraction(3, 2), einsum([(y, "i")], "")), x)
    slope = np.cos(-2 / 3 * VALUES["A"] @ VALUES["x"])
    assert value(found) == pytest.approx(-VALUES["A"].T @ slope)
    both = plus(scaled(Fraction(3, 2), einsum([(y, "i")], "")), einsum([(y, "i"), (inner, "i"), (y, "i")], "", -5))
    v = -2 / 3 * VALUES["A"] @ VALUES["x"]
    wanted = -2 / 3 * VALUES["A"].T @ (1.5 * np.cos(v) - 5 * (2 * np.sin(v) * np.cos(v) * v + np.sin(v) ** 2))
    assert value(differentiate(both, x)) == pytest.approx(wanted)


def test_a_number_is_kept_where_an_intermediate_is_asked_for() -> None:
    inner = einsum([(A, "ij"), (x, "j")], "i", 7)
    y = elementwise(SIN, inner)
    found = cotangents(einsum([(y, "i")], "", Fraction(1, 2)), [y, inner, x])
    slope = np.cos(7 * VALUES["A"] @ VALUES["x"])
    assert value(found[y]) == pytest.approx(np.full(3, 0.5))
    assert value(found[inner]) == pytest.approx(0.5 * slope)
    assert value(found[x]) == pytest.approx(3.5 * VALUES["A"].T @ slope)


def test_reading_a_diagonal() -> None:
    trace = einsum([(A, "ii")], "")
    assert differentiate(trace, A) is Delta.make(n)
    diagonal = einsum([(A, "ii")], "i")
    wanted = np.einsum("ik,il->ikl", np.eye(3), np.eye(3))
    assert value(differentiate(diagonal, A)) == pytest.approx(wanted)


def test_sums_and_transposes() -> None:
    assert differentiate(plus(scaled(3, x), x), x) is scaled(4, Delta.make(n))
    assert value(differentiate(transposed(X), X)) == pytest.approx(np.einsum("il,jk->ijkl", np.eye(3), np.eye(2)))


def test_powers() -> None:
    assert differentiate(power(s, 3), s) is scaled(3, power(s, 2))
    assert value(differentiate(power(s, t), s)) == pytest.approx(0.7 * 1.3**-0.3)
    assert value(differentiate(power(s, t), t, LOG)) == pytest.approx(np.log(1.3) * 1.3**0.7)
    with pytest.raises(NotDifferentiableError, match="logarithm"):
        differentiate(power(s, t), t)


def test_entry_by_entry_and_whole_functions() -> None:
    assert value(differentiate(elementwise(SIN, x), x)) == pytest.approx(np.diag(np.cos(VALUES["x"])))
    y = np.exp(VALUES["x"]) / np.exp(VALUES["x"]).sum()
    assert value(differentiate(apply(SOFTMAX, x), x)) == pytest.approx(np.diag(y) - np.outer(y, y))
    inverse = np.linalg.inv(VALUES["A"])
    assert value(differentiate(apply(INV, A), A)) == pytest.approx(-np.einsum("ik,lj->ijkl", inverse, inverse))


def test_a_function_of_every_row() -> None:
    rows = apply(SOFTMAX, X, 1)
    y = value(rows)
    wanted = np.einsum("ik,ij,jl->ijkl", np.eye(2), y, np.eye(3)) - np.einsum("ik,ij,il->ijkl", np.eye(2), y, y)
    assert value(differentiate(rows, X)) == pytest.approx(wanted)


def test_every_variable_in_one_sweep() -> None:
    quadratic = einsum([(x, "i"), (A, "ij"), (x, "j"), (s, "")], "")
    found = cotangents(quadratic, [x, A, s, t])
    assert found[x] is differentiate(quadratic, x) and found[A] is differentiate(quadratic, A)
    assert is_zero(found[t])


def test_shared_parts_are_pulled_back_once() -> None:
    """h <- sin(h) * h forty times: without sharing the work would double with every step."""
    node: Node = s
    for _ in range(40):
        node = hadamard(elementwise(SIN, node), node)
    assert sum(1 for _ in walk(differentiate(node, s))) < 1000


def test_an_unknown_kind_is_refused() -> None:
    class Strange(Node):
        __slots__ = ()

    strange = Strange()
    strange.shape, strange.args, strange.key = (), (s,), 0
    with pytest.raises(NotDifferentiableError, match="Strange"):
        differentiate(strange, s)
