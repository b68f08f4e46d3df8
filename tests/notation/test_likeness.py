"""What differs in names only is alike, whatever order the factors have; nothing else is."""

from __future__ import annotations

import itertools

import pytest

from symgrad.certificate import same
from symgrad.notation.declare import declare
from symgrad.notation.grammar import parse
from symgrad.notation.likeness import LARGEST, likeness
from symgrad.notation.lower import Scope, lower
from symgrad.notation.tree import renamed
from symgrad.tensor.build import einsum, plus, scaled
from symgrad.tensor.dims import letter
from symgrad.tensor.nodes import Input
from symgrad.tensor.view import View

WHERE = "x, y, z: R^n; u: R^m; A, B, C: R^{n x n}; S, T: R^{n x n} symmetric; M: R^{m x n}; r: R^{1 x n}"
WHERE += "; p, q: R^n positive"
SCOPE = Scope.of(declare(WHERE))

# within a line everything is alike; no two lines are
ALIKE = [
    ["A*x", "B*x", "C*z", "B*y"],
    ["A'*x", "C'*y"],
    ["S*x", "T*y"],
    ["M*x", "M*z"],
    ["A*p", "B*q"],
    ["r'", "r'"],
    ["A*B*x", "B*A*y", "C*B*z"],
    ["A*A*x", "C*C*y"],
    ["A*A'*x", "B*B'*x"],
    ["A'*(x .* tanh(y).^2)", "B'*(y .* tanh(x).^2)", "C'*(tanh(x).^2 .* z)"],
    ["A'*(x .* tanh(x).^2)", "B'*(tanh(z).^2 .* z)"],
    [
        "A'*(x .* (1 - tanh(y).^2))",
        "B'*(y .* (1 - tanh(x).^2))",
        "C'*((tanh(x).^2 - 1) .* z)",
        "-A'*(z .* (1 - tanh(x).^2))",
    ],
    ["A'*(x .* (1 - tanh(x).^2))", "B'*((tanh(z).^2 - 1) .* z)"],
    ["A'*(x .* (1 + tanh(x).^2))"],
    ["A'*(x .* (1 - sin(y).^2))"],
    ["A*(x - B*y) + y", "C*(B*x - y) - x", "B*(A*z - x) - z"],
    ["A*(x - B*y) - y", "C*(B*x - y) + x"],
    ["sin(A*x - y)", "sin(B*y - x)"],
    ["sin(y - A*x)", "sin(x - B*y)"],
    ["A'*(x .* (2 - tanh(y).^2))"],
    ["3*A*x + y", "3*B*y + z", "x + 3*C*z"],
    ["A*x + 3*y", "3*x + B*z"],
    ["x - y + 0.5*z", "z + 0.5*x - y"],
    ["(2*A*diag(x)*diag(y) + B*C)*diag(z)", "(2*C*diag(z)*diag(x) + A*B)*diag(y)"],
    ["(2*A*diag(x)*diag(y) - B*C)*diag(z)"],
    ["(2*A*diag(x)*diag(y) + B'*C)*diag(z)"],
    ["(2*A*diag(x)*diag(y) + B*C)*diag(y)"],
    ["x*y'", "y*z'", "y*x'"],
    ["x*x'"],
    ["tr(A*B)*x", "tr(B*C)*y"],
    ["exp(x)/(x'*x)", "exp(z)/(z'*z)"],
    ["inv(A)*x", "inv(B)*y"],
]
PLACED = [(line, text) for line, texts in enumerate(ALIKE) for text in texts]


@pytest.mark.parametrize("line", range(len(ALIKE)))
def test_what_is_alike_is_equal_once_it_is_renamed(line: int) -> None:
    """The names say which becomes which: the one text with them exchanged is the other tensor, but for the sign."""
    for first, second in itertools.product(ALIKE[line], repeat=2):
        a, b = (likeness(lower(parse(text), SCOPE).node, SCOPE.views) for text in (first, second))
        assert a is not None and b is not None and a.form == b.form, (first, second)
        tree = renamed(parse(first), dict(zip(a.names, b.names, strict=True)))
        found, wanted = lower(tree, SCOPE), lower(parse(second), SCOPE)
        assert same(View(scaled(a.sign * b.sign, found.node), found.rows), wanted)
        assert a.sign == b.sign or not same(found, wanted)


def test_what_differs_in_more_than_names_is_not_alike() -> None:
    found = [(line, text, likeness(lower(parse(text), SCOPE).node, SCOPE.views)) for line, text in PLACED]
    for (i, first, a), (j, second, b) in itertools.combinations(found, 2):
        assert a is not None and b is not None
        assert i == j or a.form != b.form, (first, second)


def test_an_array_that_the_names_do_not_mean_has_no_likeness() -> None:
    n = letter("n")
    x, other = Input.make("x", (n,)), Input.make("x", (n,), frozenset({"positive"}))
    assert likeness(x, SCOPE.views) is not None
    assert likeness(other, SCOPE.views) is None and likeness(Input.make("w", (n,)), SCOPE.views) is None


def test_large_tensors_are_not_looked_at() -> None:
    n = letter("n")
    A, x = Input.make("A", (n, n)), Input.make("x", (n,))
    chain = x
    for _ in range(LARGEST):
        chain = plus(x, einsum([(A, "ij"), (chain, "j")], "i"))
    assert likeness(chain, SCOPE.views) is None
