"""The constructors: each simplification is an identity, and each identity is found."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from reference import array_of

from symgrad.errors import LimitError, ShapeError
from symgrad.operations.elementwise import EXP, SIN
from symgrad.operations.matrices import DET, INV
from symgrad.tensor.build import (
    MINUS_ONE,
    ONE,
    add,
    apply,
    as_number,
    einsum,
    elementwise,
    full,
    hadamard,
    is_positive,
    is_zero,
    minus,
    number,
    number_power,
    plus,
    power,
    primitive,
    scaled,
    size_number,
    transposed,
    zero,
)
from symgrad.tensor.dims import letter
from symgrad.tensor.nodes import Add, Delta, Einsum, Input, Node, Ones, Power, Size

m, n = letter("m"), letter("n")
x, y = Input.make("x", (n,)), Input.make("y", (n,))
s, t = Input.make("s", ()), Input.make("t", ())
A, B = Input.make("A", (n, n)), Input.make("B", (n, n))
M = Input.make("M", (m, n))
LETTERS = {"m": 2, "n": 3}
RNG = np.random.default_rng(0)
VALUES = {
    "x": RNG.normal(size=3),
    "y": RNG.normal(size=3),
    "s": 1.7,
    "t": -0.4,
    "A": RNG.normal(size=(3, 3)),
    "B": RNG.normal(size=(3, 3)),
    "M": RNG.normal(size=(2, 3)),
}


def value(node: Node) -> np.ndarray:
    return array_of(node, VALUES, LETTERS)


# --- products -----------------------------------------------------------------------------------


def test_order_of_factors_and_names_of_labels_do_not_matter() -> None:
    assert einsum([(A, "ij"), (x, "j")], "i") is einsum([(x, "k"), (A, "lk")], "l")
    assert einsum([(A, "ij"), (x, "j")], "i") is not einsum([(A, "ji"), (x, "j")], "i")


def test_deltas_vanish_by_renaming() -> None:
    assert einsum([(A, "ij"), (Delta.make(n), "jk")], "ik") is A
    assert einsum([(Delta.make(n), "ij"), (Delta.make(n), "jk")], "ik") is Delta.make(n)
    assert einsum([(A, "ij"), (Delta.make(n), "ij")], "") is einsum([(A, "ii")], "")
    assert einsum([(Delta.make(n), "ii")], "") is Size.make(n)


def test_ones_fold_away() -> None:
    assert einsum([(x, "i"), (Ones.make(n), "i")], "i") is x
    assert einsum([(Ones.make(n), "i")], "") is Size.make(n)
    assert einsum([(Ones.make(4), "i"), (x, "j")], "j") is scaled(4, x)


def test_coefficients_collect() -> None:
    assert scaled(2, scaled(Fraction(1, 2), x)) is x
    assert hadamard(number(3), scaled(2, x)) is scaled(6, x)
    assert is_zero(scaled(0, x)) and scaled(0, x).shape == (n,)


def test_powers_of_one_base_merge() -> None:
    assert hadamard(s, power(s, -1)) is ONE
    assert hadamard(power(s, Fraction(1, 2)), power(s, Fraction(1, 2))) is s
    assert hadamard(power(x, -1), x, x) is x
    assert hadamard(power(s, t), s, s) is power(s, plus(t, number(2)))


def test_transposing_twice_is_nothing() -> None:
    assert transposed(transposed(M)) is M
    assert transposed(M).shape == (n, m)
    assert transposed(plus(A, transposed(B))) is plus(transposed(A), B)


def test_a_scaled_reordering_in_a_sum_is_one_term() -> None:
    """3 A' transposed and 3 A are one term of a sum, however they came about."""
    first = add([(1, transposed(scaled(3, transposed(A)))), (1, B)])
    assert first is add([(3, A), (1, B)])


def test_bound_labels_are_kept_apart() -> None:
    trace = einsum([(A, "ii")], "")
    assert value(hadamard(trace, trace)) == pytest.approx(np.trace(VALUES["A"]) ** 2)
    inner = einsum([(A, "ij"), (B, "jk")], "ik")
    assert value(einsum([(inner, "ij"), (inner, "jk")], "ik")) == pytest.approx(
        np.linalg.matrix_power(VALUES["A"] @ VALUES["B"], 2)
    )


# --- sums ---------------------------------------------------------------------------------------


def test_like_terms_collect() -> None:
    assert plus(x, x) is scaled(2, x)
    assert is_zero(minus(x, x)) and minus(x, x).shape == (n,)
    assert add([(1, x), (2, y), (-1, x)]) is scaled(2, y)
    assert plus(x, y) is plus(y, x)
    assert minus(x, zero((n,))) is x


def test_a_sum_of_nothing_needs_a_shape() -> None:
    assert is_zero(add([], (n,)))
    with pytest.raises(ShapeError):
        add([])


def test_primitive_part() -> None:
    node = add([(Fraction(-2, 3), x), (Fraction(4, 3), y)])
    assert isinstance(node, Add)
    content, rest = primitive(node)
    assert isinstance(rest, Add)
    assert scaled(content, rest) is node
    coefficients = [c for c, _ in rest.terms]
    assert coefficients[0] > 0 and set(map(abs, coefficients)) == {1, 2}


# --- numbers and powers -------------------------------------------------------------------------


def test_numbers() -> None:
    assert as_number(number(Fraction(4, 2))) == 2 and as_number(zero(())) == 0 and as_number(s) is None
    assert as_number(plus(ONE, MINUS_ONE)) == 0
    assert size_number(3) is number(3) and size_number(n) is Size.make(n)
    assert value(full(s, (m, n))).shape == (2, 3)


@pytest.mark.parametrize(
    ("base", "exponent", "result"),
    [
        (4, Fraction(1, 2), 2),
        (2, 10, 1024),
        (2, -2, Fraction(1, 4)),
        (Fraction(8, 27), Fraction(2, 3), Fraction(4, 9)),
        (2, Fraction(1, 2), None),
        (0, 3, 0),
        (-1, 3, -1),
    ],
)
def test_number_power(base: int, exponent: int, result: object) -> None:
    assert number_power(base, exponent) == result


def test_number_power_is_bounded() -> None:
    with pytest.raises(LimitError, match="too large"):
        number_power(2, 99999999)
    with pytest.raises(ShapeError, match="zero"):
        number_power(0, -1)


def test_powers() -> None:
    assert power(x, 1) is x and power(s, 0) is ONE
    assert power(x, 2) is hadamard(x, x)
    assert power(power(s, -1), -1) is s
    assert power(hadamard(s, t), 2) is hadamard(power(s, 2), power(t, 2))
    assert isinstance(power(power(s, 2), Fraction(1, 2)), Power)  # |s|, not s
    positive = Input.make("p", (), frozenset({"positive"}))
    assert power(power(positive, 9), Fraction(1, 9)) is positive


# --- functions ----------------------------------------------------------------------------------


def test_functions_go_inside_transposes_and_spreads() -> None:
    assert elementwise(SIN, transposed(M)) is transposed(elementwise(SIN, M))
    assert elementwise(SIN, full(s, (n,))) is full(elementwise(SIN, s), (n,))
    assert apply(INV, transposed(A)) is transposed(apply(INV, A))
    assert apply(DET, transposed(A)) is apply(DET, A)


def test_a_diagonal_matrix_is_not_a_reordering() -> None:
    """cos of a diagonal matrix has ones off the diagonal: the delta must stay inside."""
    diagonal = einsum([(x, "i"), (Delta.make(n), "ij")], "ij")
    assert value(elementwise(EXP, diagonal)) == pytest.approx(np.exp(np.diag(VALUES["x"])))


def test_positive() -> None:
    p = Input.make("p", (n,), frozenset({"positive"}))
    assert (
        is_positive(elementwise(EXP, x)) and is_positive(plus(p, elementwise(EXP, x))) and is_positive(hadamard(p, p))
    )
    assert not is_positive(x) and not is_positive(minus(p, elementwise(EXP, x))) and not is_positive(scaled(-1, p))
    assert not is_positive(einsum([(p, "i"), (Delta.make(n), "ij")], "ij"))


def test_coefficient_one_of_a_product_is_not_written() -> None:
    node = einsum([(A, "ij"), (x, "j")], "i")
    assert isinstance(node, Einsum) and node.coefficient == 1


def test_transposes_and_numbers_inside_a_product_are_no_factors() -> None:
    """3 A' M' and the like, made from nodes of their own, against NumPy."""
    a, m = VALUES["A"], VALUES["M"]
    product = einsum([(number(3), ()), (transposed(A), "ij"), (scaled(-2, transposed(M)), "jk")], "ik")
    assert value(product) == pytest.approx(-6 * a.T @ m.T)
    assert product is einsum([(A, "ji"), (M, "kj")], "ik", -6)
    assert is_zero(einsum([(number(0), ()), (A, "ij")], "ij"))
    diagonal = einsum([(A, "ii")], "i")  # its label stands twice
    assert value(einsum([(diagonal, "i"), (x, "i")], "")) == pytest.approx(np.diag(a) @ VALUES["x"])
    row_sums = einsum([(A, "ij")], "i")  # a label is summed inside
    assert value(einsum([(row_sums, "j"), (A, "ij")], "i")) == pytest.approx(a @ a.sum(1))
