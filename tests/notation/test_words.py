"""Words and terms: how chains are turned, and how sums share factors."""

from __future__ import annotations

from fractions import Fraction

import pytest

from symgrad.notation.text import text
from symgrad.notation.tree import Name, Number
from symgrad.notation.words import (
    Link,
    Term,
    Word,
    call,
    factor,
    is_call,
    matrix,
    powered,
    sum_tree,
    turned_tree,
    vector,
)

A, B, x, y, s = (Name(a) for a in ("A", "B", "x", "y", "s"))


def chain(*links: Word) -> Word:
    word = links[0]
    for link in links[1:]:
        word = word.joined(link)
    return word


def test_turning_a_chain() -> None:
    word = chain(matrix(A), matrix(B), vector(x))
    assert text(word.tree()) == "A*B*x"
    assert text(word.reversed().tree()) == "x'*B'*A'"
    assert text(word.reversed().reversed().tree()) == "A*B*x"
    assert text(matrix(A, symmetric=True).reversed().tree()) == "A"


def test_transposes_do_not_double() -> None:
    assert turned_tree(turned_tree(A)) is A
    assert matrix(call("transpose", A)).weight() == matrix(A).reversed().weight()
    assert is_call(turned_tree(A), "transpose") and not is_call(A, "transpose")


def test_weight_prefers_few_transposes() -> None:
    assert chain(matrix(A), vector(x)).weight() < chain(matrix(A), vector(x)).reversed().weight()
    assert Link(A).key == Link(Name("A")).key != Link(A, transposed=True).key


@pytest.mark.parametrize(
    ("term", "written"),
    [
        (Term(-2, (), vector(x)), "-2*x"),
        (Term(Fraction(1, 2), (), vector(x)), "0.5*x"),
        (Term(Fraction(2, 3), (), vector(x)), "2*x/3"),
        (Term(1, ((s, -1),), vector(x)), "x/s"),
        (Term(3, ((s, 2),)), "3*s^2"),
        (Term(1, ((s, Fraction(1, 2)),)), "sqrt(s)"),
        (Term(1), "1"),
        (Term(1, ((s, -2),)), "1/s^2"),
    ],
)
def test_terms(term: Term, written: str) -> None:
    assert text(term.tree()) == written


def test_powers_of_scalars() -> None:
    assert powered(s, 1) is s
    assert [text(powered(s, e)) for e in (2, Fraction(1, 2), -1)] == ["s^2", "sqrt(s)", "1/s"]


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
