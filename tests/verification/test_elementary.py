"""Identities of functions: proved where they hold, never where they do not."""

from __future__ import annotations

import pytest

from symgrad.programs import program
from symgrad.verification.equal import equal
from symgrad.verification.equality import exact

TRUE = [
    ("tanh(x)", "2*sigmoid(2*x)-1"),
    ("tanh(x)", "(exp(x)-exp(-x))./(exp(x)+exp(-x))"),
    ("sigmoid(-x)", "1-sigmoid(x)"),
    ("sin(x).^2+cos(x).^2", "ones(n)"),
    ("cos(3*x)", "4*cos(x).^3-3*cos(x)"),
    ("sin(x+y)", "sin(x).*cos(y)+cos(x).*sin(y)"),
    ("tan(x/2)", "sin(x)./(1+cos(x))"),
    ("cosh(x).^2-sinh(x).^2", "ones(n)"),
    ("cosh(x+y)", "cosh(x).*cosh(y)+sinh(x).*sinh(y)"),
    ("exp(x+y)", "exp(x).*exp(y)"),
    ("exp(x/2).^2", "exp(x)"),
    ("log(w.*w)", "2*log(w)"),
    ("log(softmax(x))", "x-logsumexp(x)"),
    ("softmax(x+s)", "softmax(x)"),
    ("abs(x).^2", "x.^2"),
    ("abs(x-y)", "abs(y-x)"),
    ("relu(x)-relu(-x)", "x"),
    ("max(x,y)+min(x,y)", "x+y"),
    ("max(x,y)", "(x+y+abs(x-y))/2"),
    ("inv(O)", "O'"),
]
FALSE = [
    ("sin(2*x)", "2*sin(x)"),
    ("tanh(2*x)", "2*tanh(x)"),
    ("exp(x.*y)", "exp(x).*exp(y)"),
    ("softmax(2*x)", "softmax(x)"),
    ("abs(x)", "x"),
    ("sqrt(x.^2)", "x"),
    ("abs(x-y)", "abs(x)-abs(y)"),
    ("max(x,y)", "min(x,y)"),
    ("relu(-x)", "-relu(x)"),
    ("sin(x/2)", "sin(x)/2"),
    ("inv(O)", "O"),
]
WHERE = "x, y: R^n; w: R^n positive; s: R; O: R^{n x n} orthogonal"


@pytest.mark.parametrize(("a", "b"), TRUE)
def test_identities_are_proved(a, b):
    assert equal(a, b, where=WHERE).proved


@pytest.mark.parametrize(("a", "b"), FALSE)
def test_what_is_no_identity_is_refuted(a, b):
    assert equal(a, b, where=WHERE).refuted


def test_the_logarithm_of_a_product_is_split_only_where_factors_are_positive():
    """log(x y) = log x + log y fails where both are negative."""
    assert not equal("log(x.*y)", "log(x)+log(y)", where=WHERE).proved
    assert equal("log(w.*y)", "log(w)+log(y)", where=WHERE).proved


@pytest.mark.parametrize(
    ("a", "b", "where", "holds"),
    [
        ("softmax(vec(F))", "vec(rowsoftmax(F))", "F: R^{m x n}", False),
        ("logsumexp(vec(F))", "log(sum(exp(F)))", "F: R^{m x n}", True),
        ("logsoftmax(vec(F))", "vec(F) - logsumexp(vec(F))", "F: R^{m x n}", True),
        ("max(vec(F + ones(m)*x'))", "max(vec(F)) + sum(x)", "F: R^{m x n}; x: R^n", False),
        ("det(s*kron(A, B))", "s^n*det(kron(A, B))", "A: R^{n x n}; B: R^{m x m}; s: R", False),
        ("det(s*kron(A, B))", "s^(n*m)*det(kron(A, B))", "A: R^{n x n}; B: R^{m x m}; s: R", True),
    ],
)
def test_vectors_and_matrices_that_have_several_axes(a, b, where, holds):
    """Exact values alone, without the samples that would refute."""
    both = program(f"left = {a}\nright = {b}", where)
    assert exact(both.views["left"], both.views["right"], both).equal == holds
