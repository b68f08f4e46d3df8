"""One name for each product, also where factors repeat or are symmetric."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from reference import array_of

from symgrad.tensor.build import einsum, plus, scaled, transposed
from symgrad.tensor.canonical import symmetry
from symgrad.tensor.dims import letter
from symgrad.tensor.nodes import Delta, Input

n = letter("n")
A = Input.make("A", (n, n))
S = Input.make("S", (n, n), frozenset({"symmetric"}))
K = Input.make("K", (n, n), frozenset({"skew"}))
x = Input.make("x", (n,))


@pytest.mark.parametrize("letters", [["ij", "jk", "kl", "li"], ["ij", "ij", "kl", "lk"], ["ij", "ik", "il", "jk"]])
def test_equal_factors_in_any_order(letters: list[str]) -> None:
    """tr(A^4) and other products of one matrix: every order of factors and every renaming is one node."""
    wanted = einsum([(A, a) for a in letters], "")
    for order in permutations(letters):
        for names in permutations("ijkl"):
            renamed = [a.translate(str.maketrans("ijkl", "".join(names))) for a in order]
            assert einsum([(A, a) for a in renamed], "") is wanted


def test_different_products_of_equal_factors_differ() -> None:
    assert einsum([(A, "ij"), (A, "ji")], "") is not einsum([(A, "ij"), (A, "ij")], "")
    assert einsum([(A, "ij"), (A, "jk")], "ik") is not einsum([(A, "ij"), (A, "kj")], "ik")


def test_symmetric_factors_turn_freely() -> None:
    assert einsum([(S, "ji"), (x, "j")], "i") is einsum([(S, "ij"), (x, "j")], "i")
    assert transposed(S) is S
    assert einsum([(S, "ij"), (S, "kj")], "ik") is einsum([(S, "ji"), (S, "jk")], "ik")


def test_whatever_a_symmetric_matrix_is_called_its_transpose_is_itself() -> None:
    for i in range(50):
        symmetric = Input.make(f"S{i}", (n, n), frozenset({"symmetric"}))
        skew = Input.make(f"K{i}", (n, n), frozenset({"skew"}))
        assert einsum([(symmetric, "ij")], "ij") is symmetric and transposed(symmetric) is symmetric
        assert einsum([(skew, "ij")], "ij") is skew and transposed(skew) is scaled(-1, skew)


def test_skew_factors_turn_at_the_price_of_a_sign() -> None:
    assert transposed(K) is scaled(-1, K)
    quadratic = einsum([(K, "ij"), (x, "i"), (x, "j")], "")
    values = {"K": np.array([[0.0, 2.0], [-2.0, 0.0]]), "x": np.array([1.0, 3.0])}
    assert array_of(quadratic, values, {"n": 2}) == 0


def test_symmetric_and_skew_factors_in_any_order() -> None:
    """S[i, j] K[k, j] A[k, l] x[l]: orders, names and turns of the symmetric ones; each turn of K is a sign."""
    B = Input.make("B", (n, n))
    factors = [(S, "ij"), (K, "kj"), (A, "kl"), (B, "lm")]
    for out in ("im", "jl", "kj", "i", "lk"):
        wanted = einsum(factors, out)
        for order in permutations(factors):
            assert einsum(order, out) is wanted
        turned = [(S, "ji"), (K, "jk"), (A, "kl"), (B, "lm")]
        assert einsum(turned, out) is scaled(-1, wanted)
        renamed = [(m, a.translate(str.maketrans("ijklm", "mlkji"))) for m, a in turned[::-1]]
        assert einsum(renamed, out.translate(str.maketrans("ijklm", "mlkji"))) is scaled(-1, wanted)


def test_sums_and_products_whose_ends_differ_are_not_symmetric() -> None:
    B = Input.make("B", (n, n))
    AB, BA = einsum([(A, "ij"), (B, "jk")], "ik"), einsum([(B, "ji"), (A, "kj")], "ik")  # A B and its transpose
    middle = einsum([(A, "ji"), (S, "jk"), (A, "kl")], "il")
    diagonal = einsum([(x, "i"), (Delta.make(n), "ij")], "ij")
    both = einsum([(x, "i"), (A, "ij"), (x, "j")], "ij")
    wanted = {
        AB: 0,
        BA: 0,
        plus(AB, BA): 1,
        plus(AB, scaled(-1, BA)): -1,
        plus(AB, S): 0,
        middle: 1,
        diagonal: 1,
        both: 0,
    }
    wanted |= {plus(diagonal, middle): 1, plus(diagonal, AB): 0, einsum([(x, "i"), (S, "ij"), (x, "j")], "ij"): 1}
    assert {node: symmetry(node) for node in wanted} == wanted


def test_what_is_known_to_be_symmetric() -> None:
    assert symmetry(S) == 1 and symmetry(K) == -1 and symmetry(A) == 0
    assert symmetry(plus(A, transposed(A))) == 1
    assert symmetry(einsum([(A, "ik"), (A, "jk")], "ij")) == 1
    assert symmetry(einsum([(x, "i"), (x, "j")], "ij")) == 1
    assert symmetry(einsum([(A, "ik"), (A, "kj")], "ij")) == 0
    assert symmetry(Delta.make(n)) in (0, 1)
