"""Graph -> tree: lifting and lowering are inverse, and the notation is that of textbooks."""

from __future__ import annotations

import pytest

from symgrad.calculus.present import present
from symgrad.certificate import same
from symgrad.notation.declare import declare
from symgrad.notation.grammar import parse
from symgrad.notation.lift import Lifter, lift, size_tree, square_root
from symgrad.notation.lower import Scope, lower
from symgrad.notation.network import NoMatrixForm
from symgrad.notation.text import text
from symgrad.tensor.build import einsum
from symgrad.tensor.dims import letter, plus, times
from symgrad.tensor.nodes import Input

m, n = letter("m"), letter("n")
SCOPE = Scope.of(
    declare("x, y: R^n; z: R^m; A, B: R^{n x n}; M, N: R^{m x n}; S: R^{n x n} symmetric; s, t: R; p: R^n positive")
)

CLOSED = [
    "A*x",
    "x'*A*y",
    "(A + A')*x",
    "2*x",
    "-x",
    "x - y",
    "x*y'",
    "x .* y",
    "x ./ y",
    "x.^3",
    "tr(A*B)",
    "tr(A)",
    "sum(x)",
    "diag(x)*A",
    "A*diag(x)",
    "M*x - z",
    "s*x/t",
    "norm2(x)",
    "normF(M)",
    "x/norm2(x)",
    "sqrt(p)",
    "exp(A*x)",
    "softmax(M*x)",
    "inv(A)*x",
    "det(A)",
    "logdet(A)",
    "A.^2",
    "M .* N",
    "rowsum(M)",
    "colsum(M)",
    "ones(n)",
    "1 - x",
    "eye(n) + A",
    "diag(x)",
    "diagonal(A)",
    "e(1, n)",
    "s^t",
    "max(x, y)",
    "[x > y]",
    "rowsoftmax(M)",
    "log(rowsum(exp(M)))",
    "x.^s",
    "pi*x",
    "n*x",
    "A^3",
    "(x'*x)*A",
    "S*x",
    "A*S*B'",
    "sigmoid(x) .* (1 - sigmoid(x))",
    "1/(1 + x'*x)",
    "zeros(n)",
    "s",
    "3",
]


@pytest.mark.parametrize("source", CLOSED)
def test_lifting_gives_the_same_matrix_back(source: str) -> None:
    view = lower(parse(source), SCOPE)
    node = present(view.node)
    tree = lift(node, transposed=view.is_row)
    back = lower(parse(text(tree)), SCOPE)
    assert same(back, view) or same(back, type(view)(node, view.rows)), text(tree)


@pytest.mark.parametrize(
    "source",
    [
        "A*x",
        "(A + A')*x",
        "x*y'",
        "tr(A*B)",
        "diag(x)*A",
        "x .* y",
        "2*(x - y)",
        "norm2(x)",
        "M*x - z",
        "x/norm2(x)",
        "1 - x",
        "A'",
        "x.^3",
        "inv(A)",
    ],
)
def test_textbook_forms_are_kept_as_they_are(source: str) -> None:
    assert text(lift(present(lower(parse(source), SCOPE).node))) == source


def test_rows_are_transposed_columns() -> None:
    assert text(lift(lower(parse("A*x"), SCOPE).node, transposed=True)) == "x'*A'"


def test_more_than_two_axes_have_no_such_form() -> None:
    with pytest.raises(NoMatrixForm):
        lift(Input.make("T", (m, n, n)))


def test_helpers() -> None:
    x = Input.make("x", (n,))
    assert square_root(einsum([(x, "i"), (x, "i")], "")) is x
    assert square_root(einsum([(x, "i"), (x, "i"), (x, "i")], "")) is None
    assert text(size_tree(plus(times(m, n), 1))) == "m*n + 1" and text(size_tree(4)) == "4"
    assert text(Lifter().tree(x)) == "x"
