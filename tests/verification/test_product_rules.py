"""Wrong rules for products against derivatives worked out by hand."""

from __future__ import annotations

import pytest

from symgrad.calculus.present import expanded
from symgrad.derivation import derivative
from symgrad.programs import program
from symgrad.verification.mistaken import derived_with, local_changes, products_of_derivatives

WHERE = "A, B, P: R^{m x n}; X: R^{m x n}; a, b, x: R^n; s: R"


def _made(expression, wrt, id):
    result = derivative(expression, wrt, where=WHERE)
    return {expanded(derived_with(result, [c])) for c in local_changes(result) if c[1] == id}


def _node(formula):
    return expanded(program(formula, WHERE).scope.views["result"].node)


@pytest.mark.parametrize(
    ("expression", "wrt", "id", "formula"),
    [
        ("sum(P.*X.*X)", "X", "cofactor left out", "P.*X + X"),
        ("s*(a'*x)^2", "x", "cofactor left out", "2*(a'*x)*a"),
        ("mean(x)^2", "x", "mean as a sum", "2*mean(x)*ones(n)"),
        ("(a'*x)*exp(b'*x)", "x", "treated as constant", "a*exp(b'*x)"),
        ("sum(sin(cos(x)))", "x", "function of the slope", "cos(-sin(x))"),
    ],
)
def test_what_a_wrong_rule_gives(expression, wrt, id, formula):
    assert _node(formula) in _made(expression, wrt, id)


def test_each_factor_keeps_itself():
    """(f g)' as f f' + g g' for f = Ax, g = Bx."""
    result = derivative("(A*x).*(B*x)", "x", where=WHERE)
    found = {expanded(derived_with(result, [c])) for c in local_changes(result) if c[1] == "product rule"}
    assert _node("diag(A*x)*A + diag(B*x)*B") in found


@pytest.mark.parametrize(
    ("expression", "formula"),
    [
        ("(a'*x)*exp(b'*x)", "a.*b*exp(b'*x)"),
        ("sum(sin(x).*exp(x))", "cos(x).*exp(x)"),
        ("(x'*x)/(b'*x)", "2*x./b"),
    ],
)
def test_derivatives_multiplied(expression, formula):
    found = {expanded(n) for n in products_of_derivatives(derivative(expression, "x", where=WHERE))}
    assert _node(formula) in found
