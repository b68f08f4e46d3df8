"""Presentation keeps the value; the normal form is one object for one polynomial."""

from __future__ import annotations

import numpy as np
import pytest
from reference import array_of, arrays, letters_at

from symgrad.calculus.present import expanded, present
from symgrad.derivation import derivative
from symgrad.errors import LimitError
from symgrad.programs import program
from symgrad.tensor.build import einsum, number
from symgrad.tensor.dims import letter
from symgrad.tensor.nodes import Delta, Einsum, Input, Node

n = letter("n")
WHERE = "x, y: R^n; A, B: R^{n x n}; Q: R^{n x n} orthogonal; p: R^n simplex; X: R^{m x n}; s: R"


def node(source: str) -> Node:
    return program(source, WHERE).views["result"].node


@pytest.mark.parametrize(
    "source",
    [
        "(A*(B*x))'*y",
        "inv(A)*A*x",
        "Q'*Q*x",
        "sum(p)*x",
        "exp(s)/(1 + exp(s))",
        "log(sum(exp(x)))",
        "tr(A*B*A)*A*x",
        "x'*(y*(x'*y))*x",
        "(x - y)'*(x - y)*A",
        "exp(x)/sum(exp(x))",
        "sum(X*x*ones(3)')",
        "ones(n)*s + ones(n)*(x'*y)",
        "rowsoftmax(X)*ones(n)",
        "diag(x)*A*y",
        "kron(A, B)",
        "vec(A*B)",
        "inv(A*B)*A",
        "det(A*B)",
        "var(x)",
        "norm2(A*x)^2",
    ],
)
def test_presenting_keeps_the_value(source: str) -> None:
    whole = program(source, WHERE)
    letters = letters_at(whole, "distinct")
    values = arrays(whole, letters, seed=4)
    plain = whole.views["result"].node
    for other in (present(plain), expanded(plain)):
        np.testing.assert_allclose(
            array_of(other, values, letters), array_of(plain, values, letters), rtol=1e-9, atol=1e-12
        )


@pytest.mark.parametrize(
    ("source", "simple"),
    [
        ("inv(A)*A*x", "x"),
        ("A*inv(A)", "eye(n)"),
        ("Q'*Q*x", "x"),
        ("Q*Q'", "eye(n)"),
        ("sum(p)", "1"),
        ("sum(softmax(x))", "1"),
        ("exp(s)/(1 + exp(s))", "sigmoid(s)"),
        ("1/(1 + exp(-s))", "sigmoid(s)"),
        ("exp(x)/sum(exp(x))", "softmax(x)"),
        ("log(sum(exp(x)))", "logsumexp(x)"),
        ("log(exp(x))", "x"),
        ("[relu(x) > 0]", "[x > 0]"),
    ],
)
def test_identities_are_used(source: str, simple: str) -> None:
    assert present(node(source)) is present(node(simple))


@pytest.mark.parametrize(
    "source", ["sin(relu(s))", "max(relu(x), 0*x)", "tanh(relu(x))", "[relu(x) >= 0]", "relu(relu(x)) + y"]
)
def test_a_rectifier_elsewhere_is_left_alone(source: str) -> None:
    """Only `[relu(x) > 0]` is `[x > 0]`."""
    whole = program(source, WHERE)
    letters = letters_at(whole, "distinct")
    values = arrays(whole, letters, seed=4)
    plain = whole.views["result"].node
    assert array_of(present(plain), values, letters) == pytest.approx(array_of(plain, values, letters))


def test_nested_products_become_one() -> None:
    found = present(node("A*(B*(A*x))"))
    assert isinstance(found, Einsum) and len(found.factors) == 4


def test_a_zero_in_a_product_makes_it_zero() -> None:
    assert expanded(node("(x - x)'*A*y")) is number(0)
    assert expanded(node("((x + y)'*(x - x))*A*x")) is expanded(node("zeros(n)"))


def test_names_stand_for_what_they_name() -> None:
    inner = node("A*x")
    h = Input.make("h", (n,))
    assert present(node("(A*x)'*(A*x)"), {inner: h}) is einsum([(h, "i"), (h, "i")], "")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("(A + B)*(A + B)", "A^2 + A*B + B*A + B^2"),
        ("(x + y)'*(x - y)", "x'*x - y'*y"),
        ("tr(A*B)", "tr(B*A)"),
        ("tr(A*B*A')", "tr(B*A'*A)"),
        ("(A*B)'", "B'*A'"),
        ("x'*A*y", "y'*A'*x"),
        ("vec(x*y')", "kron(y, x)"),
        ("kron(A, B)*kron(x, y)", "kron(A*x, B*y)"),
        ("diag(x)*y", "x .* y"),
        ("sum(x .* y)", "x'*y"),
        ("commutation(n, n)*vec(A)", "vec(A')"),
        ("2*(x + y) - x", "x + 2*y"),
    ],
)
def test_normal_forms_of_equal_polynomials(one: str, other: str) -> None:
    from symgrad.certificate import same

    assert same(program(one, WHERE).views["result"], program(other, WHERE).views["result"])


@pytest.mark.parametrize(
    ("one", "other"), [("A*B", "B*A"), ("A", "A'"), ("x'*A*y", "x'*A'*y"), ("tr(A*A)", "tr(A*A')"), ("x", "2*x")]
)
def test_unequal_polynomials_are_told_apart(one: str, other: str) -> None:
    from symgrad.certificate import same

    assert not same(program(one, WHERE).views["result"], program(other, WHERE).views["result"])


def test_expansion_is_bounded() -> None:
    with pytest.raises(LimitError):
        expanded(node("*".join(f"(A + {i}*B)" for i in range(2, 9))), limit=100)
    expanded(node("*".join(f"(A + {i}*B)" for i in range(2, 8))), limit=100)
    with pytest.raises(LimitError):
        expanded(node("x'*" + "A*B*" * 200 + "y"))


def test_deltas_alone() -> None:
    assert present(Delta.make(n)) is Delta.make(n)


def test_a_onehot_vector_is_its_own_square() -> None:
    where = "o: R^n onehot; s: R; x: R^n"
    answers = [str(derivative(e, v, where=where)) for e, v in [("s*o'*o", "s"), ("x'*(o .* o .* o)", "x")]]
    assert answers == ["1", "o"]
    assert str(derivative("x'*(o .* o)", "x", where="o: R^n simplex; x: R^n")) == "o.^2"


@pytest.mark.parametrize(
    ("expression", "wrt", "where", "answer"),
    [
        ("x'*D*E*x", "x", "x: R^n; D, E: R^{n x n} diagonal", "2*D*E*x"),
        ("x'*D*E*inv(D)*x", "x", "x: R^n; D, E: R^{n x n} diagonal", "2*E*x"),
        ("x'*inv(K)*x", "x", "x: R^n; K: R^{n x n} skew invertible", "zeros(n)"),
        ("x'*(eye(n) - inv(H)*H)*x", "x", "x: R^n; H: R^{n x n}", "zeros(n)"),
        ("(x'*x)^(3/2)/(x'*x)", "x", "x: R^n", "x/norm2(x)"),
        ("k*log(2*pi*s^2)/2", "s", "k: R; s: R", "k/s"),
    ],
)
def test_diagonal_matrices_commute_and_inverses_keep_their_structure(expression, wrt, where, answer):
    assert str(derivative(expression, wrt, where=where)) == answer


def test_squares_of_what_is_positive_leave_roots() -> None:
    assert present(program("sqrt(s^2*t)", "s: R positive; t: R").views["result"].node) is present(
        program("s*sqrt(t)", "s: R positive; t: R").views["result"].node
    )
    kept = present(program("sqrt(s^2*t)", "s, t: R").views["result"].node)
    assert float(array_of(kept, {"s": -2.0, "t": 9.0}, {})) == 6.0


@pytest.mark.parametrize("source", ["x'*K*x", "tr(S*K)", "sum(S .* K)", "tr(K*K*K)", "y'*S*K*S*y"])
def test_products_that_are_their_own_negative_vanish(source: str) -> None:
    where = "x, y: R^n; K: R^{n x n} skew; S: R^{n x n} symmetric"
    assert expanded(program(source, where).views["result"].node) is number(0)


def test_functions_go_through_transposes_in_the_normal_form() -> None:
    for one, other in [("tanh(A*B)", "tanh(B'*A')'"), ("max(A, B)", "max(A', B')'"), ("expm(A*B)", "expm((A*B)')'")]:
        assert expanded(node(one)) is expanded(node(other))
