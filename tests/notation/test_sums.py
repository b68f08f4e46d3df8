"""Sums of terms: what they share is taken out, like terms are put together, signs go where they are not seen."""

from __future__ import annotations

from fractions import Fraction

import pytest

from symgrad.notation.grammar import parse
from symgrad.notation.sums import factor, sum_tree
from symgrad.notation.text import text
from symgrad.notation.tree import Name, Number
from symgrad.notation.words import Term, Word, call, matrix, vector

A, B, x, y, s, t = (Name(a) for a in ("A", "B", "x", "y", "s", "t"))


def chain(*links: Word) -> Word:
    word = links[0]
    for link in links[1:]:
        word = word.joined(link)
    return word


@pytest.mark.parametrize(
    ("terms", "written"),
    [
        ([Term(1, (), chain(matrix(A), vector(x))), Term(1, (), chain(matrix(A).reversed(), vector(x)))], "(A + A')*x"),
        ([Term(2, (), vector(x)), Term(-2, (), vector(y))], "2*(x - y)"),
        ([Term(-1, (), vector(x)), Term(-1, (), vector(y))], "-x - y"),
        ([Term(1, ((s, 1),), vector(x)), Term(1, ((s, 1),), vector(y))], "s*(x + y)"),
        ([Term(1, (), vector(x))], "x"),
        ([Term(-1, (), vector(y)), Term(1, (), vector(x))], "x - y"),
        (
            [Term(1, (), chain(matrix(A), matrix(B), vector(x))), Term(1, (), chain(matrix(A), vector(y)))],
            "A*(B*x + y)",
        ),
    ],
)
def test_sums_share_factors(terms: list[Term], written: str) -> None:
    assert text(sum_tree(terms)) == written


def test_a_spread_scalar_is_written_with_its_ones_alone() -> None:
    ones = vector(call("ones", Name("n")))
    spread = Term(1, (), None, ones)
    assert text(spread.closed()) == "ones(n)"
    assert text(sum_tree([spread, Term(-1, (), vector(x))])) == "1 - x"


def test_factoring_keeps_single_terms() -> None:
    terms = [Term(1, (), vector(x)), Term(1, (), vector(y))]
    assert len(factor(terms)) == 2
    assert factor(terms[:1]) == terms[:1]
    assert text(Number(Fraction(3))) == "3"


def inner(text_: str) -> tuple[object, int]:
    return parse(text_), 1


@pytest.mark.parametrize(
    ("terms", "written"),
    [
        ([Term(1, (inner("a'*q"),)), Term(-1, (inner("a'*p"),))], "a'*(q - p)"),
        ([Term(1, (inner("q'*a"),)), Term(-1, (inner("a'*p"),))], "a'*(q - p)"),  # either way round
        ([Term(1, (inner("x'*A*y"),)), Term(2, (inner("x'*B*y"),))], "x'*(A + 2*B)*y"),
        ([Term(1, (inner("x'*A*x"),)), Term(1, (inner("b'*x"),))], "b'*x + x'*A*x"),  # of as many links only
        ([Term(1, (inner("a'*q"),)), Term(-1, (inner("b'*p"),))], "a'*q - b'*p"),
    ],
)
def test_inner_products_share_a_vector(terms: list[Term], written: str) -> None:
    assert text(sum_tree(terms)) == written


@pytest.mark.parametrize(
    ("terms", "written"),
    [
        (  # c*s*x - c*t*x
            [Term(1, ((Name("c"), 1), (s, 1)), vector(x)), Term(-1, ((Name("c"), 1), (t, 1)), vector(x))],
            "c*(s - t)*x",
        ),
        (  # the same difference both ways round: 2*(x - y) + s*(y - x)
            [Term(2, (), vector(parse("x - y"))), Term(1, ((s, 1),), vector(parse("y - x")))],
            "(2 - s)*(x - y)",
        ),
        ([Term(1, (), matrix(parse("diag(x)"))), Term(1, (), matrix(parse("diag(x - y)")))], "diag(2*x - y)"),
        ([Term(1, (), vector(parse("vec(A)"))), Term(-2, (), vector(parse("vec(B)")))], "vec(A - 2*B)"),
        (
            [Term(1, (), chain(matrix(parse("A + B")), vector(x))), Term(1, (), chain(matrix(A), vector(x)))],
            "(2*A + B)*x",
        ),
    ],
)
def test_like_terms_are_put_together(terms: list[Term], written: str) -> None:
    assert text(sum_tree(terms)) == written
