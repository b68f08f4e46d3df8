"""Zero is answered where it is a theorem, hidden ones too, and says why; what is not zero is not."""

from __future__ import annotations

import pytest

from symgrad.derivation import derivative

WHERE = (
    "X, A, B: R^{n x n}; Q: R^{n x n} orthogonal; K: R^{n x n} skew; x, y, a: R^n; p: R^n simplex; s, t: R"
)
ZEROS = [
    ("y'*y", "x", "does not occur"),
    ("det(Q)^2", "x", "does not occur"),
    ("z = tr(A); x'*y", "A", "does not occur"),
    ("tr(X - X)", "X", "cancels out"),
    ("(x - x)'*A*x", "x", "cancels out"),
    ("s*0", "s", "cancels out"),
    ("X^0", "X", "cancels out"),
    ("tr(A*B) - tr(B*A)", "A", "cancels out"),
    ("log(exp(t)) - t", "t", "cancels out"),
    ("x'*x/norm2(x)^2", "x", "cancels out"),
    ("log(det(X'*X)/det(X)^2)", "X", "cancel"),
    ("x'*Q'*Q*x - x'*x", "x", "cancel"),
    ("norm2(Q*x)^2 - norm2(x)^2", "x", "cancel"),
    ("tr(X*inv(X))", "X", "cancel"),
    ("sum(softmax(x))", "x", "cancel"),
    ("x'*A*x - x'*A'*x", "x", "cancel"),
    ("x'*K*x", "x", "cancel"),
    ("sin(x)'*sin(x) + cos(x)'*cos(x)", "x", "cancel"),
    ("sigmoid(t) + sigmoid(-t)", "t", "cancel"),
    ("sum(x - mean(x))", "x", "cancel"),
    ("logsumexp(x + s*ones(n)) - s", "s", "cancel"),
    ("softmax(x + s*ones(n))'*a", "s", "cancel"),
    ("sum(sign(x))", "x", "sign, whose derivative is zero"),
    ("sum([x > 0])", "x", "whose derivative is zero"),
]
OTHERS = ["tr(X + X)", "logdet(X'*X) - logdet(X)", "tr(X*inv(X + A))", "sum(X .* X)", "tr(X*A) - tr(X*B)"]


@pytest.mark.parametrize(("expression", "wrt", "why"), ZEROS)
def test_zero_says_why(expression: str, wrt: str, why: str) -> None:
    result = derivative(expression, wrt, where=WHERE)
    assert result.is_zero and result.why_zero is not None and why in result.why_zero
    assert str(result).startswith(("zeros(", "0"))


@pytest.mark.parametrize("expression", OTHERS)
def test_others_are_not_zero(expression: str) -> None:
    result = derivative(expression, "X", where=WHERE)
    assert not result.is_zero and result.why_zero is None
