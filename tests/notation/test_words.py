"""Words and terms: how chains are turned, and how sums share factors."""

from __future__ import annotations

from fractions import Fraction

import pytest

from symgrad.notation.text import text
from symgrad.notation.tree import Call, Name, Number
from symgrad.notation.words import (
    Link,
    Term,
    Word,
    call,
    is_call,
    matrix,
    powered,
    turned_difference,
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


def test_the_transpose_of_an_entrywise_product() -> None:
    assert text(turned_tree(call("hadamard", A, call("transpose", B)))) == "A' .* B"
    assert text(turned_tree(call("hadamard", A, B))) == "(A .* B)'"
    assert text(turned_tree(call("hadamard_power", A, Number(Fraction(2))))) == "A'.^2"


def test_the_transpose_of_line_sums() -> None:
    product = call("multiply", A, call("transpose", B))
    assert text(turned_tree(call("rowsum", product))) == "colsum(B*A')"
    assert text(turned_tree(call("colsum", call("transpose", A)))) == "rowsum(A)"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (call("subtract", x, y), "y - x"),
        (call("kron", call("transpose", call("subtract", x, y)), A), "kron((y - x)', A)"),
        (call("add", x, y), None),
        (call("subtract", call("add", x, y), A), None),  # three terms: no sign is saved
    ],
)
def test_differences_are_turned(before: Call, after: str | None) -> None:
    found = turned_difference(before)
    assert (None if found is None else text(found)) == after
