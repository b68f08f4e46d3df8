"""Expressions whose derivations are written and checked: (expression, variable, declarations, methods that refuse)."""

from __future__ import annotations

Row = tuple[str, str, str, frozenset[str]]


def _row(expression: str, wrt: str, where: str, *refusing: str) -> Row:
    return expression, wrt, where, frozenset(refusing)


TABLE = [
    _row("x'*A*x", "x", "x: R^n; A: R^{n x n}"),
    _row("x'*A*x", "A", "x: R^n; A: R^{n x n}"),
    _row("a'*x", "x", "a: R^n; x: R^n"),
    _row("x'*x", "x", "x: R^n"),
    _row("A*x", "x", "A: R^{m x n}; x: R^n"),
    _row("A*x", "A", "A: R^{m x n}; x: R^n", "chain"),
    _row("a'*X*b", "X", "a: R^m; X: R^{m x n}; b: R^n"),
    _row("tr(X'*A*X)", "X", "X: R^{n x m}; A: R^{n x n}"),
    _row("tr(A*X)", "X", "A: R^{n x m}; X: R^{m x n}"),
    _row("tr(X^3)", "X", "X: R^{n x n}"),
    _row("A*X*B", "X", "A: R^{n x k}; X: R^{k x p}; B: R^{p x m}", "chain"),
    _row("x*y'", "x", "x: R^n; y: R^m", "chain"),
    _row("X*X'", "X", "X: R^{n x m}", "chain"),
    _row("rowsum(X)", "X", "X: R^{m x n}", "chain"),
    _row("vec(A*X)", "X", "A: R^{m x n}; X: R^{n x k}", "chain", "differential"),
    _row("kron(x, y)", "x", "x: R^n; y: R^m", "differential"),
    _row("diag(x)*y", "x", "x: R^n; y: R^n", "chain"),
    _row("sum(log(1+exp(-y.*(X*w))))", "w", "X: R^{m x n}; y: R^m; w: R^n"),
    _row("-y'*log(softmax(W*x))", "W", "W: R^{k x n}; x: R^n; y: R^k onehot"),
    _row("logsumexp(A*x)", "x", "A: R^{m x n}; x: R^n"),
    _row("softmax(x)", "x", "x: R^n"),
    _row("norm2(A*x-b)^2", "x", "A: R^{m x n}; x: R^n; b: R^m"),
    _row("norm2(x)", "x", "x: R^n"),
    _row("normF(X - A)^2", "X", "X: R^{m x n}; A: R^{m x n}"),
    _row("(A*x - b)'*C*(A*x - b)", "x", "A: R^{m x n}; x: R^n; b: R^m; C: R^{m x m}"),
    _row("inv(X)", "X", "X: R^{n x n}", "chain"),
    _row("logdet(X)", "X", "X: R^{n x n}"),
    _row("det(X)", "X", "X: R^{n x n}"),
    _row("tr(inv(X)*A)", "X", "X: R^{n x n}; A: R^{n x n}"),
    _row("x'*inv(A)*x", "A", "x: R^n; A: R^{n x n}"),
    _row("logdet(X'*X)", "X", "X: R^{n x n}"),
    _row("(x'*A*x)*(b'*x)", "x", "x: R^n; b: R^n; A: R^{n x n}"),
    _row("(x'*A*x)/(x'*x)", "x", "x: R^n; A: R^{n x n}"),
    _row("exp(-x'*x)", "x", "x: R^n"),
    _row("sigmoid(w'*x + b)", "w", "w: R^n; x: R^n; b: R"),
    _row("1/(1+exp(-t))", "t", "t: R"),
    _row("x^3", "x", "x: R"),
    _row("tanh(W*x+b)", "x", "W: R^{m x n}; x: R^n; b: R^m"),
    _row("A*sigmoid(B*x)", "x", "A: R^{m x k}; B: R^{k x n}; x: R^n"),
    _row("sum(relu(W*x))", "W", "W: R^{m x n}; x: R^n"),
    _row("sum(max(a, x))", "x", "a: R^n; x: R^n"),
    _row("sum(abs(x))", "x", "x: R^n"),
    _row("x.*x", "x", "x: R^n"),
    _row("(A*x).^2", "x", "A: R^{m x n}; x: R^n"),
    _row("log(x)", "x", "x: R^n"),
    _row("sqrt(x)", "x", "x: R^n"),
    _row("mean(x)", "x", "x: R^n"),
    _row("var(x)", "x", "x: R^n"),
    _row("a'*b", "x", "a: R^n; b: R^n; x: R^n"),
    _row("S*x", "S", "S: R^{n x n} symmetric; x: R^n", "chain"),
    _row("x'*S*x", "S", "S: R^{n x n} symmetric; x: R^n"),
    _row("tr(K*A)", "K", "K: R^{n x n} skew; A: R^{n x n}"),
    _row("z = W*x; h = tanh(z); L = sum(h.*h)", "W", "W: R^{m x n}; x: R^n"),
    _row("h1 = tanh(W1*x); h2 = tanh(W2*h1) + h1; L = v'*h2", "W1", "W1: R^{n x n}; W2: R^{n x n}; x: R^n; v: R^n"),
]
