"""Fingerprints: equal for what is equal, different for near misses."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from symgrad.errors import SymgradError
from symgrad.numeric.field import fingerprint, same_in_field
from symgrad.numeric.residues import P, SingularError, residue
from symgrad.operations.elementwise import SIGMOID, TANH
from symgrad.operations.matrices import ADJ, DET, INV, LOGDET
from symgrad.operations.reductions import SOFTMAX
from symgrad.tensor.build import add, apply, einsum, elementwise, hadamard, minus, number, plus, power, scaled, zero
from symgrad.tensor.dims import letter
from symgrad.tensor.nodes import Apply, Delta, Einsum, Input, Node, Ones, Size

m, n = letter("m"), letter("n")
A, B, X = Input.make("A", (n, n)), Input.make("B", (n, n)), Input.make("X", (m, n))
S = Input.make("S", (n, n), frozenset({"symmetric"}))
K = Input.make("K", (n, n), frozenset({"skew"}))
D = Input.make("D", (n, n), frozenset({"diagonal"}))
x, y, s, t = Input.make("x", (n,)), Input.make("y", (n,)), Input.make("s", ()), Input.make("t", ())
I = Delta.make(n)


def product(*nodes: Node) -> Node:
    """The matrix product, left as it is built."""
    result = nodes[0]
    for node in nodes[1:]:
        result = einsum([(result, "ij"), (node, "jk")], "ik")
    return result


def turned(node: Node) -> Node:
    return einsum([(node, "ij")], "ji")


def raw_inverse(node: Node) -> Node:
    return Apply.make(INV, node, 0)


EQUAL = {
    "a square of a sum": (
        hadamard(plus(x, y), plus(x, y)),
        add([(1, power(x, 2)), (2, hadamard(x, y)), (1, power(y, 2))]),
    ),
    "associativity": (product(product(A, B), A), einsum([(A, "ij"), (B, "jk"), (A, "kl")], "il")),
    "the inverse": (product(A, apply(INV, A)), I),
    "the inverse of a product": (raw_inverse(product(A, B)), product(apply(INV, B), apply(INV, A))),
    "Cramer": (product(A, apply(ADJ, A)), einsum([(apply(DET, A), ""), (I, "ij")], "ij")),
    "the determinant of a product": (Apply.make(DET, product(A, B), 0), hadamard(apply(DET, A), apply(DET, B))),
    "Woodbury of rank one": (
        raw_inverse(plus(A, einsum([(x, "i"), (y, "j")], "ij"))),
        minus(
            apply(INV, A),
            einsum(
                [
                    (apply(INV, A), "ij"),
                    (x, "j"),
                    (y, "k"),
                    (apply(INV, A), "kl"),
                    (power(plus(number(1), einsum([(y, "i"), (apply(INV, A), "ij"), (x, "j")], "")), -1), ""),
                ],
                "il",
            ),
        ),
    ),
    "declared symmetry": (S, Einsum.make(1, ((S, (1, 0)),), (n, n))),
    "declared skewness": (K, Einsum.make(-1, ((K, (1, 0)),), (n, n))),
    "declared zeros": (D, einsum([(D, "ii"), (I, "ij")], "ij")),
    "equal arguments": (elementwise(TANH, plus(plus(x, y), x)), elementwise(TANH, add([(2, x), (1, y)]))),
    "a quotient": (hadamard(s, power(hadamard(s, t), -1)), power(t, -1)),
    "half powers": (
        hadamard(power(plus(s, t), number(Fraction(3, 2))), power(plus(t, s), -1)),
        power(plus(s, t), number(Fraction(1, 2))),
    ),
    "the trace of the identity": (einsum([(I, "ij"), (I, "ji")], ""), Size.make(n)),
    "logdet of a transpose": (Apply.make(LOGDET, turned(A), 0), apply(LOGDET, A)),
    "thirds": (add([(Fraction(1, 3), x), (Fraction(2, 3), x)]), x),
}
DIFFERENT = {
    "a transpose": (A, turned(A)),
    "order": (product(A, B), product(B, A)),
    "a sign": (x, scaled(-1, x)),
    "a factor": (scaled(2, x), x),
    "functions": (elementwise(TANH, x), elementwise(SIGMOID, x)),
    "arguments": (elementwise(TANH, x), elementwise(TANH, y)),
    "inverses": (apply(INV, A), apply(INV, turned(A))),
    "rows and columns": (einsum([(A, "ij")], "i"), einsum([(A, "ij")], "j")),
    "zero": (zero((n,)), x),
    "softmax and its argument's reverse": (apply(SOFTMAX, x), apply(SOFTMAX, scaled(-1, x))),
    "shapes": (X, turned(X)),
    "ranks": (x, s),
    "n against the trace of one matrix": (einsum([(A, "ii")], ""), Size.make(n)),
}


@pytest.mark.parametrize("name", EQUAL)
def test_what_is_equal_has_equal_fingerprints(name: str) -> None:
    assert same_in_field(*EQUAL[name])


@pytest.mark.parametrize("name", DIFFERENT)
def test_what_differs_is_told_apart(name: str) -> None:
    assert not same_in_field(*DIFFERENT[name])


def test_products_do_not_overflow() -> None:
    """Against Python's integers, at residues near P."""
    sizes = {"n": 7}
    a = fingerprint(A, sizes, 1).astype(object)
    expected = a.dot(a).dot(a) % P
    found = fingerprint(product(A, A, A), sizes, 1)
    assert (found.astype(object) == expected).all()


def test_determinants_against_fractions() -> None:
    from sympy import Matrix

    a = fingerprint(A, {"n": 4}, 5)
    assert int(fingerprint(apply(DET, A), {"n": 4}, 5)) == Matrix(a.tolist()).det() % P


def test_rationals() -> None:
    assert residue(Fraction(1, 3)) * 3 % P == 1
    assert residue(-1) == P - 1


def test_seeds_and_names_matter_and_repeat() -> None:
    sizes = {"n": 3}
    assert np.array_equal(fingerprint(A, sizes, 1), fingerprint(A, sizes, 1))
    assert not np.array_equal(fingerprint(A, sizes, 1), fingerprint(A, sizes, 2))
    assert not np.array_equal(fingerprint(A, sizes, 1), fingerprint(B, sizes, 1))


def test_every_row_of_a_batch_is_the_function_of_that_row() -> None:
    """Two rows that are equal get equal values, two that differ do not."""
    alike = Apply.make(SOFTMAX, einsum([(x, "j"), (Ones.make(m), "i")], "ij"), 1)
    rows = fingerprint(alike, {"m": 2, "n": 3}, 0)
    assert np.array_equal(rows[0], rows[1])
    assert np.array_equal(rows[0], fingerprint(Apply.make(SOFTMAX, x, 0), {"n": 3}, 0))
    differing = fingerprint(Apply.make(SOFTMAX, X, 1), {"m": 2, "n": 3}, 0)
    assert not np.array_equal(differing[0], differing[1])


def test_a_division_by_zero_is_an_error() -> None:
    singular = raw_inverse(einsum([(x, "i"), (y, "j")], "ij"))
    with pytest.raises(SingularError):
        fingerprint(singular, {"n": 3}, 0)
    with pytest.raises(SymgradError, match="divides by zero"):
        same_in_field(singular, A)
