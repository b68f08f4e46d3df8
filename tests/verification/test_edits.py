"""Formulas changed in one place."""

from __future__ import annotations

import pytest

from symgrad.notation.grammar import parse
from symgrad.notation.text import text
from symgrad.verification.edits import MOST_PARTS, edits


def _made(formula, mistake):
    return {text(e.tree) for e in edits(parse(formula)) if e.made == mistake}


@pytest.mark.parametrize(
    ("formula", "mistake", "changed"),
    [
        ("A'*x", "missing transpose", {"A*x"}),
        ("2*A'*B", "wrong order", {"2*B*A'", "2*B'*A"}),
        ("kron(A, B)", "wrong order", {"kron(B, A)"}),
        ("A'*x", "elementwise vs matrix product", {"A' .* x"}),
        ("diag(v)*A", "diag missing", {"v*A"}),
        ("x - y", "term left out", {"x", "-y"}),
        ("[x > 0] .* y", "missing mask", {"y"}),
        ("a*b", "factor left out", {"a", "b"}),
        ("colsum(G)'", "bias not summed", {"G'"}),
        ("a/b", "inverse left out", {"a*b"}),
        ("a/b", "factor left out", {"a", "1/b"}),
        ("inv(A)*x", "inverse left out", {"A*x"}),
        ("1 - tanh(u)", "slope at the wrong place", {"1 - u"}),
        ("sigmoid(u)", "sign", {"sigmoid(-u)"}),
        ("sin(x).^2", "slope at the wrong place", {"x.^2", "sin(x.^2)"}),
        ("x.^3", "wrong exponent", {"x", "x.^4", "x.^2", "x.^(-3)"}),
        ("sqrt(u)", "wrong exponent", {"u"}),
        ("tr(A)*x", "sum left out", {"A*x"}),
        ("a.*b", "elementwise vs matrix product", {"a*b'", "a'*b", "a*b"}),
        ("a*b'", "elementwise vs matrix product", {"a .* b"}),
    ],
)
def test_what_a_mistake_makes_of_a_formula(formula, mistake, changed):
    assert changed <= _made(formula, mistake)


def test_a_sign_is_turned():
    assert "x - y" in _made("x + y", "sign") and "x" in _made("-x", "sign")


def test_names_that_are_alike_are_exchanged_one_at_a_time():
    found = {text(e.tree) for e in edits(parse("x*x"), [("x", "y")]) if e.made == "stale variable"}
    assert found == {"y*x", "x*y"}


def test_letters_divide_means():
    found = {text(e.tree) for e in edits(parse("x/n"), (), {"m", "n"}) if e.made == "divisor of a mean"}
    assert found == {"x", "x/m"}


def test_the_repair_says_where():
    [edit] = [e for e in edits(parse("2*A*x")) if text(e.tree) == "2*A'*x"]
    assert edit.repaired == "missing transpose" and edit.span == (2, 3) and edit.says() == "write A' for A"
    [edit] = [e for e in edits(parse("x + b")) if e.repaired == "extra term" and text(e.tree) == "x"]
    assert edit.says() == "your answer has the extra term b"


def test_long_formulas_are_not_edited():
    assert list(edits(parse(" + ".join(["x"] * MOST_PARTS)))) == []
