"""Tree -> graph: what names mean, and errors with the user's text and the place."""

from __future__ import annotations

import itertools
import random

import pytest

from symgrad.certificate import same
from symgrad.errors import ParseError, ShapeError, UnknownNameError
from symgrad.notation.declare import declare
from symgrad.notation.grammar import parse
from symgrad.notation.lower import Scope, input_view, lower, size_of, unknown_name
from symgrad.tensor.build import einsum, plus, scaled, size_number
from symgrad.tensor.dims import letter, times
from symgrad.tensor.dims import plus as plus_sizes
from symgrad.tensor.nodes import Constant, Input
from symgrad.tensor.view import View

m, n = letter("m"), letter("n")
SCOPE = Scope.of(declare("x, y: R^n; r: R^{1 x n}; A: R^{m x n}; s: R; S: R^{n x n} symmetric"))
x, A = Input.make("x", (n,)), Input.make("A", (m, n))


def low(source: str) -> View:
    return lower(parse(source), SCOPE, source)


def test_inputs_have_the_axes_they_need() -> None:
    assert low("x") == View(x, 1)
    assert low("r") == View(Input.make("r", (n,)), 0)
    assert low("s") == View(Input.make("s", ()), 0)
    assert low("S").node is Input.make("S", (n, n), frozenset({"symmetric"}))
    assert input_view(declare("Q: R^{1 x 1}")["Q"]).is_scalar


def test_letters_and_constants_are_numbers() -> None:
    assert low("n").node is size_number(n)
    assert low("pi").node is Constant.make("pi")


def test_operators_build_the_graph() -> None:
    assert low("A*x") == View(einsum([(A, "ij"), (x, "j")], "i"), 1)
    assert low("x + x - 3*x").node is scaled(-1, x)
    assert low("x'*A'").is_row
    assert low("x + y").node is plus(x, Input.make("y", (n,)))


def test_assigned_names_are_looked_up() -> None:
    scope = Scope.of(declare("x: R^n"))
    scope.views["h"] = lower(parse("2*x"), scope)
    assert lower(parse("h + h"), scope).node is scaled(4, x)


@pytest.mark.parametrize(
    ("source", "kind", "column", "said"),
    [
        ("x + A", ShapeError, 3, "A is a matrix (m x n)"),
        ("2*x + x*y", ShapeError, 8, "x is a column vector (n x 1)"),
        ("x + z", UnknownNameError, 5, "z is not declared"),
        ("x + sinh", UnknownNameError, 5, "sinh(x)"),
        ("det(x, x)", ParseError, 1, "takes 1 argument,"),
        ("x'*ones(q)", UnknownNameError, 9, "q is not a declared dimension"),
        ("x'*ones(A)", ShapeError, 9, "variable"),
        ("x + eye(n - n)", ShapeError, 5, "at least 1"),
    ],
)
def test_errors_have_a_place(source: str, kind: type[Exception], column: int, said: str) -> None:
    with pytest.raises(kind) as caught:
        low(source)
    assert caught.value.column == column  # type: ignore[attr-defined]
    assert said in str(caught.value)
    assert source in str(caught.value)


def test_a_wrong_term_late_in_a_long_sum_is_found() -> None:
    source = " + ".join(["x"] * 50 + ["A"])
    with pytest.raises(ShapeError) as caught:
        low(source)
    assert caught.value.span is not None and caught.value.span[0] == source.rindex("+")


def test_sizes() -> None:
    assert size_of(parse("2*n + m - 1"), SCOPE) is plus_sizes(times(2, n), m, -1)
    assert size_of(parse("7"), SCOPE) == 7


def test_unknown_names_suggest_known_ones() -> None:
    scope = Scope.of(declare("alpha: R; W1: R^{n x n}"))
    assert "alpha" in str(unknown_name("alhpa", scope))
    assert "W1" in str(unknown_name("w1", scope))


def test_a_flat_product_is_what_pairs_of_factors_are() -> None:
    declared = "A, B: R^{n x n}; M: R^{m x n}; x, y: R^n; u: R^m; s: R; r: R^{1 x n}; S: R^{n x n} symmetric"
    scope = Scope.of(declare(declared))
    names = ["A", "A'", "M", "M'", "x", "x'", "u", "u'", "s", "r", "r'", "S", "(A+B)'", "(x+y)", "(x+y)'", "2", "s'"]
    rng = random.Random(1)
    chains = [*itertools.product(names, repeat=2), *(rng.choices(names, k=k) for k in (3, 4) for _ in range(1500))]
    fitting = 0
    for chain in chains:
        tree = parse("*".join(chain))
        try:
            pairwise = lower(tree, scope)
        except ShapeError:
            with pytest.raises(ShapeError):
                lower(tree, scope, flat=True)
            continue
        fitting += 1
        flat = lower(tree, scope, flat=True)
        assert flat.rows == pairwise.rows and same(flat, pairwise), "*".join(chain)
    assert fitting > 500
