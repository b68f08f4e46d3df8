"""Answers compared where all sizes are 1; what is expected was read off the formulas by hand."""

from __future__ import annotations

import pytest

from symgrad.derivation import derivative
from symgrad.notation.grammar import parse
from symgrad.verification.at_size_one import AtSizeOne, arrangement
from symgrad.verification.edits import edits

WHERE = "X: R^{m x n}; w: R^n; y: R^m; A: R^{n x n}"


def _explained(expression, wrt, answer, where=WHERE):
    result = derivative(expression, wrt, where=where, layout="gradient")
    return AtSizeOne(result).explain(parse(answer), edits(result.tree))


@pytest.mark.parametrize(
    ("answer", "ids"),
    [
        ("2*w'*(X*w-y)", ("wrong order",)),
        ("w'*(X*w-y)", ("wrong order", "missing factor 2")),
        ("-2*w'*(X*w-y)", ("wrong order", "sign")),
        ("2*(X*w-y).*w", ("elementwise vs matrix product",)),
        ("2*w*X", None),
    ],
)
def test_the_gradient_of_least_squares_by_its_matrix(answer, ids):
    """2 (Xw - y) w': of scalars the order, the transposes and the kind of product make no difference."""
    found = _explained("norm2(X*w-y)^2", "X", answer)
    assert (found and found[0]) == ids


def test_factors_that_are_missing_are_said():
    """exp(w'y) w is the derivative by y; without w, and with exp(w'y) twice."""
    where = "w, y: R^n"
    ids, lines = _explained("exp(w'*y)", "y", "exp(w'*y)", where)
    assert ids == ("factor left out",) and lines
    ids, lines = _explained("exp(w'*y)", "y", "exp(w'*y)*w*exp(w'*y)", where)
    assert ids == ("extra factor",) and lines == ("your answer has the extra factor exp(w'*y)",)


def test_a_function_of_a_vector_is_an_unknown():
    """softmax of one entry would be 1 and its derivative 0, so that everything agreed."""
    where = "X: R^{m x n}; w: R^n; c: R^m"
    turned = "X*(softmax(X*w).*c - softmax(X*w)*(softmax(X*w)'*c))"
    assert _explained("c'*softmax(X*w)", "w", turned, where) is not None
    assert _explained("c'*softmax(X*w)", "w", "sin(w)", where) is None


@pytest.mark.parametrize(
    ("said", "wanted", "id"),
    [
        ("v*A", "diag(v)*A", "diag missing"),
        ("a.*b", "a*b'", "elementwise vs matrix product"),
        ("A*x", "A'*x", "missing transpose"),
        ("A'*x", "A*x", "extra transpose"),
        ("B*A", "A*B", "wrong order"),
        ("A*B", "tr(A*B)", "sum left out"),
    ],
)
def test_arrangements(said, wanted, id):
    assert arrangement(parse(said), parse(wanted)) == id
