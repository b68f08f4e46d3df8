"""Index notation in Python comes to the same nodes as the constructors."""

from __future__ import annotations

from fractions import Fraction

from symgrad.tensor.build import einsum, full, hadamard, minus, number, plus, power
from symgrad.tensor.dims import letter
from symgrad.tensor.index import Entries, Tensor, delta, resolved, spread_sum
from symgrad.tensor.nodes import Delta, Input

n = letter("n")
x, s = Input.make("x", (n,)), Input.make("s", ())
A = Input.make("A", (n, n))
one = full(number(1), (n,))


def test_products_of_indexed_tensors_are_terms() -> None:
    i, j, k = ("i",), ("j",), ("k",)
    rule = Tensor(x)[i] * delta[i, k] - 2 * (Tensor(A)[i, j] * Tensor(x)[j])
    assert [c for c, _ in rule.terms] == [1, -2]
    first = resolved(rule.terms[0], {"i": n, "k": n})
    assert einsum(first, ("i", "k")) is einsum([(x, "i"), (Delta.make(n), "ik")], "ik")
    second = resolved(rule.terms[1], {})
    assert einsum(second, ("i",), -2) is einsum([(A, "ij"), (x, "j")], "i", -2)


def test_an_index_over_two_axes() -> None:
    assert delta[("a", "b"), ("c", "d")].terms == ((1, ((None, ("a", "c")), (None, ("b", "d")))),)


def test_a_batch_comes_first() -> None:
    assert Tensor(A, ("row",))[("i",)].terms[0][1] == ((A, ("row", "i")),)
    assert Tensor(s)().terms[0][1] == ((s, ()),)


def test_entrywise_arithmetic() -> None:
    e = Entries(x)
    assert (1 - e**2).node is minus(one, hadamard(x, x))
    assert (e + e).node is plus(x, x) and (e - 1).node is minus(x, one)
    assert (2 / e).node is hadamard(number(2), power(x, -1))
    assert (-e).node is hadamard(number(-1), x)
    assert (e * Fraction(1, 2)).node is hadamard(number(Fraction(1, 2)), x)


def test_scalars_are_spread_in_sums() -> None:
    assert spread_sum(((1, x), (2, s))) is plus(x, full(hadamard(number(2), s), (n,)))
