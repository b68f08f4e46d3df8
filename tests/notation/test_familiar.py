"""Answers written in the order of the source."""

from __future__ import annotations

import pytest

from symgrad.derivation import derivative
from symgrad.notation.familiar import Familiar
from symgrad.notation.grammar import parse
from symgrad.notation.text import text

CASES = [  # source, a tree as it was put together, how the reader wrote it
    ("det(A + x*y')", "inv(x*y' + A)", "inv(A + x*y')"),
    ("y .* (X*w)", "sigmoid(-(X*w .* y))", "sigmoid(-(y .* (X*w)))"),
    ("norm2(x - a)", "norm2(a - x)^3", "norm2(x - a)^3"),
    ("abs(x - a)", "(a - x).^2", "(x - a).^2"),
    ("abs(x - a)", "(a - x).^3", "(a - x).^3"),
    ("norm2(x - a)", "P*(a - x)*(a - x)'", "P*(x - a)*(x - a)'"),
    ("norm2(x - a)", "(a - x)*b'", "(a - x)*b'"),
    ("1 + x - y", "x + 1 - y", "1 + x - y"),
    ("y - x", "y - x + u", "y - x + u"),
    ("det(A*X*B)", "det(A)*det(B)*det(X)*inv(X)'", "det(A*X*B)*inv(X)'"),
    ("det(X'*A*X)", "2*det(A)*det(X)^2*inv(X)'", "2*det(X'*A*X)*inv(X)'"),
    ("det(X'*A*X)", "2*det(A)*det(X)*inv(X)'", "2*det(A)*det(X)*inv(X)'"),
    ("x", "b + a", "b + a"),
]


@pytest.mark.parametrize(("source", "put_together", "written"), CASES)
def test_is_written_as_in_the_source(source: str, put_together: str, written: str) -> None:
    assert text(Familiar([parse(source)]).tree(parse(put_together))) == text(parse(written))


def test_answers_are() -> None:
    where = "A: R^{n x n} invertible; x, y: R^n"
    assert str(derivative("logdet(A + x*y')", "x", where=where)) == "inv(A + x*y')'*y"
    assert str(derivative("sqrt(1 + x'*x)", "x", where=where)) == "x/sqrt(1 + x'*x)"


def test_deep_trees_are_no_matter() -> None:
    tree = parse("x + y")
    for _ in range(3000):
        tree = parse("sin(x)").__class__("sin", (tree,))
    assert Familiar([tree]).tree(tree) is not None
