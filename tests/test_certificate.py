"""Nothing wrong is certified: printed forms with one thing changed are refused, each rung of the proof by itself."""

from __future__ import annotations

import pytest

from symgrad.certificate import certified, contradicted, same
from symgrad.derivation import derivative
from symgrad.notation.declare import declare
from symgrad.notation.grammar import parse
from symgrad.notation.lower import Scope, lower
from symgrad.notation.tree import Call, Name, Tree
from symgrad.tensor.build import einsum, scaled
from symgrad.tensor.view import View

WHERE = "x, y, t: R^n; A, B, X: R^{n x n}; S: R^{n x n} symmetric; M: R^{m x n}; u: R^m; s: R"
SCOPE = Scope.of(declare(WHERE))

# right, and what must not pass for it
PAIRS = [
    ("(A + A')*x", "2*A*x"),
    ("(A + A')*x", "(A - A')*x"),
    ("2*M'*(M*x - u)", "2*M'*(u - M*x)"),
    ("2*M'*(M*x - u)", "M'*(M*x - u)"),
    ("A*B*x", "B*A*x"),
    ("A'*tanh(B*x)", "A'*tanh(A*x)"),
    ("A'*((1 - tanh(B*x).^2) .* y)", "A'*((1 - tanh(B*x)) .* y)"),
    ("inv(X)'*A*inv(X)", "inv(X)*A*inv(X)"),
    ("softmax(x) - y", "y - softmax(x)"),
    ("diag(softmax(x)) - softmax(x)*softmax(x)'", "diag(softmax(x))"),
    ("kron(B', A)", "kron(A, B')"),
    ("kron(A, B)", "kron(A, B')"),
    ("x*y'/s", "x*y'/s^2"),
    ("S*x", "S*y"),
    ("(2*A*diag(x)*diag(y) + B*X)*diag(1 - t.^2)", "(2*A*diag(x .* y) - B*X)*diag(1 - t.^2)"),
    ("kron(x*x', A'*(diag(y)*B*A - 2*diag(t))*X)", "kron(x*x', A'*(diag(y)*B*A - 2*diag(y))*X)"),
    ("kron(x*y', A'*(diag(y)*B*A - 2*diag(t))*X)", "kron(y*x', A'*(diag(y)*B*A - 2*diag(t))*X)"),
    ("(A*(B*(X + diag(x))*A + diag(y)) + S)*B", "(A*(B*(X + diag(x))*A + diag(y)) - S)*B"),
]


@pytest.mark.parametrize(("right", "wrong"), PAIRS)
def test_a_changed_form_is_refused(right: str, wrong: str) -> None:
    wanted = lower(parse(right), SCOPE)
    assert certified(parse(right), SCOPE, wanted)
    assert not certified(parse(wrong), SCOPE, wanted)


@pytest.mark.parametrize("right", [right for right, _ in PAIRS])
def test_a_sign_or_a_factor_is_never_lost(right: str) -> None:
    view = lower(parse(right), SCOPE)
    for factor in (-1, 2):
        assert not same(View(scaled(factor, view.node), view.rows), view)


def test_every_name_of_a_printed_network_matters() -> None:
    """One weight matrix exchanged for another of its shape, at every place of the printed gradient."""
    D = derivative("h1 = tanh(V*x)\nh2 = tanh(W*h1)\nL = norm2(Z*h2 - t)^2", "x", where="x, t: R^n; V, W, Z: R^{n x n}")
    assert D.tree is not None
    places = [str(D).index(name) for name in "VWZ"] + [str(D).rindex(name) for name in "VWZ"]
    for place in places:
        other = {"V": "W", "W": "Z", "Z": "V"}[str(D)[place]]
        wrong = str(D)[:place] + other + str(D)[place + 1 :]
        assert wrong != str(D) and not D._certified(parse(wrong), (0,), ())


def test_what_is_shared_is_lowered_once() -> None:
    """A tree of 2^60 leaves made of 61 objects."""
    tree: Tree = Name("x")
    for _ in range(60):
        tree = Call("add", (Call("transpose", (tree,)), Call("transpose", (tree,))))
    view = lower(tree, SCOPE)
    assert view.is_column and view.node is scaled(2**60, SCOPE.views["x"].node)


# proved by opening products, or by multiplying out one sum; and beside it what differs by one letter, sign or factor
OPENED = [
    ("A*(B*(X*x))", "((A*B)*X)*x", "((A*X)*B)*x"),
    ("(A*B)'*X", "B'*A'*X", "A'*B'*X"),
    ("(A + A')*x", "A*x + A'*x", "A*x - A'*x"),
    ("A*(B - X)*x", "A*B*x - A*(X*x)", "A*B*x - X*(A*x)"),
    ("2*s*(x - y)", "2*s*x - 2*s*y", "2*s*x - s*y"),
    ("x*(y - t)'*(A*x)", "x*y'*(A*x) - x*t'*A*x", "x*y'*(A*x) - x*t'*A*y"),
]


@pytest.mark.parametrize(("one", "other", "wrong"), OPENED)
def test_opened_products_are_proved_and_their_likes_refused(one: str, other: str, wrong: str) -> None:
    a, b, c = (lower(parse(t), SCOPE) for t in (one, other, wrong))
    assert same(a, b) and same(b, a)
    assert not same(a, c) and not same(c, b)


def test_index_notation_that_says_something_else_is_contradicted() -> None:
    scope = Scope.of(declare("x: R^n"))
    x = scope.views["x"].node
    wanted = einsum([(x, "i"), (x, "j"), (x, "k")], "ijk")
    assert not contradicted("[i, j, k]: x[i]*x[j]*x[k]", scope, wanted)
    assert contradicted("[i, j, k]: x[i]*x[j]*x[j]*delta[j, k]", scope, wanted)
    assert contradicted("[i, j, k]: 2*x[i]*x[j]*x[k]", scope, wanted)
