"""Contracting networks of indices into matrix notation, one rule at a time."""

from __future__ import annotations

from fractions import Fraction

import pytest

from symgrad.notation.network import Item, Network, NoMatrixForm, entry_power, inner_product, line_sums, trace
from symgrad.notation.text import text
from symgrad.notation.tree import Name
from symgrad.notation.words import call, matrix, vector


def contracted(items: str, out: str) -> str:
    """`A:ij x:j` over `i`: capital letters are matrices."""
    network = Network([], tuple(out))
    for item in items.split():
        name, labels = item.split(":")
        word = matrix(Name(name)) if len(labels) == 2 else vector(Name(name))
        network.items.append(Item(tuple(labels), word))
    word = network.contract()
    parts = [text(t if e == 1 else call("power", t, Name(str(e)))) for t, e in network.scalars]
    return " | ".join(parts + ([text(word.tree())] if word is not None else []))


@pytest.mark.parametrize(
    ("items", "out", "written"),
    [
        ("A:ij x:j", "i", "A*x"),
        ("A:ji x:j", "i", "A'*x"),
        ("A:ij B:jk", "ik", "A*B"),
        ("A:ij B:kj", "ik", "A*B'"),
        ("x:i y:i", "", "x'*y"),
        ("x:i y:j", "ij", "x*y'"),
        ("x:i y:i", "i", "x .* y"),
        ("A:ij B:ij", "ij", "A .* B"),
        ("A:ij B:ji", "", "tr(A*B)"),
        ("A:ii", "", "tr(A)"),
        ("A:ii", "i", "diagonal(A)"),
        ("x:i A:ij", "ij", "diag(x)*A"),
        ("A:ij y:j", "ij", "A*diag(y)"),
        ("x:i A:ij y:j", "", "x'*A*y"),
        ("x:i A:ij y:j", "ij", "x*y' .* A"),  # shorter than diag(x)*A*diag(y)
        ("A:ij", "i", "rowsum(A)"),
        ("A:ij", "j", "colsum(A)'"),
        ("x:i", "", "sum(x)"),
        ("A:ij B:jk x:k", "i", "A*B*x"),
        ("x:i y:i z:j", "j", "x'*y | z"),
    ],
)
def test_rules(items: str, out: str, written: str) -> None:
    assert contracted(items, out) == written


@pytest.mark.parametrize(("items", "out"), [("A:ij B:jk C:jl", "ikl"), ("A:ij B:jk C:ki D:il E:jl F:kl", "")])
def test_what_has_no_matrix_notation_is_not_guessed(items: str, out: str) -> None:
    with pytest.raises(NoMatrixForm):
        contracted(items, out)


def test_writing() -> None:
    assert [text(entry_power(Name("x"), e)) for e in (1, 2, Fraction(1, 2))] == ["x", "x.^2", "sqrt(x)"]
    assert text(inner_product(vector(Name("x")), vector(Name("y"))).tree()) in ("x'*y", "y'*x")
    tree, exponent = trace(matrix(Name("A")).reversed())
    assert (text(tree), exponent) == ("tr(A)", 1)
    square = matrix(Name("A")).joined(matrix(Name("X")))
    tree, exponent = trace(square.reversed().joined(square))
    assert (text(tree), exponent) in (("normF(A*X)", 2), ("normF(X'*A')", 2))
    assert text(line_sums(matrix(Name("A")).reversed())) == "colsum(A)'"
