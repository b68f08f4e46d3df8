"""Shapes that nobody declared."""

from __future__ import annotations

import pytest

from symgrad.errors import SymgradError
from symgrad.notation.declare import declare
from symgrad.notation.grammar import parse_program
from symgrad.notation.infer import dimension_names, infer


def inferred(source: str, where: str = "") -> list[str]:
    return [d.text() for d in infer(parse_program(source), declare(where), source).values()]


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("x'*A*x", ["x: R^n", "A: R^{n x n}"]),
        ("A*x", ["A: R^{m x n}", "x: R^n"]),
        ("lambda*x'*x", ["lambda: R", "x: R^n"]),
        ("h = tanh(W*x); L = h'*h", ["W: R^{m x n}", "x: R^n"]),
        ("tr(X)", ["X: R^{n x n}"]),
        ("x'*y + 3", ["x: R^n", "y: R^n"]),
        ("sum(A*X*B)", ["A: R^{m x n}", "X: R^{n x p}", "B: R^{p x k}"]),
        ("alpha1*x + b", ["alpha1: R", "x: R^n", "b: R^n"]),
        ("x'*ones(n)", ["x: R^n"]),
        ("norm2(A*x - b)^2", ["A: R^{m x n}", "x: R^n", "b: R^m"]),
    ],
)
def test_by_the_habit_of_the_field(source: str, wanted: list[str]) -> None:
    assert inferred(source) == wanted


def test_greek_letters_are_scalars() -> None:
    assert inferred("β*x'*x")[0].endswith(": R")


def test_declarations_are_kept_to() -> None:
    assert inferred("A*x", "x: R^k") == ["A: R^{n x k}"]
    assert inferred("x'*y", "x: R^3") == ["y: R^3"]


def test_what_does_not_fit_says_what_was_assumed() -> None:
    with pytest.raises(SymgradError) as caught:
        inferred("x*y")
    assert "x a column" in str(caught.value) and "?" not in caught.value.message


def test_names_inside_eye_are_dimensions() -> None:
    assert dimension_names(parse_program("eye(n)*x + ones(m, k)*y")) == ["n", "m", "k"]


@pytest.mark.parametrize(
    ("source", "settling"),
    [
        ("expm(t*A)", "declare 't: R' "),
        ("x .* A", "declare 'x: R' "),
        ("softmax(X*β)", "declare 'β: R^n' "),
        ("s*x", "declare 's: R' or 'x: R' "),
        ("norm2(y - X*β)^2", "declare 'y: R' or 'β: R^n' "),
        ("a*b*x", "declare 'a: R; b: R' or 'a: R; x: R' or 'b: R; x: R' "),
    ],
)
def test_no_other_reading_is_assumed_but_those_that_fit_are_named(source: str, settling: str) -> None:
    with pytest.raises(SymgradError) as caught:
        inferred(source)
    assert settling in str(caught.value)
