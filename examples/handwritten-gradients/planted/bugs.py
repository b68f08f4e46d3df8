"""Gradients with one bug each, of the kind that people write.

`mistake` is what was done; `named` are the names by which symgrad may call it, none where it only catches the bug.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Bug:
    """A formula, the variable, and wrong code for the derivative."""

    mistake: str
    formula: str
    wrt: str
    where: str
    code: Callable[..., np.ndarray]
    named: tuple[str, ...]


BUGS: list[Bug] = []


def planted(mistake: str, formula: str, wrt: str, where: str, *, named: tuple[str, ...] | None = None):
    """Registers the function below as the wrong code for d formula / d wrt."""

    def register(code: Callable[..., np.ndarray]) -> Callable[..., np.ndarray]:
        BUGS.append(Bug(mistake, formula, wrt, where, code, (mistake,) if named is None else named))
        return code

    return register


def sigmoid(z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-z))


def softmax(z: np.ndarray) -> np.ndarray:
    return np.exp(z) / np.exp(z).sum()


LEAST_SQUARES = ("norm2(X*w - y)^2", "w", "X: R^{m x n}; w: R^n; y: R^m")
RIDGE = ("norm2(X*w - y)^2 + l*norm2(w)^2", "w", "X: R^{m x n}; w: R^n; y: R^m; l: R")
NETWORK = ("sum(V*relu(W*x + b))", "W", "V: R^{k x m}; W: R^{m x n}; x: R^n; b: R^m")
SMOOTH = ("sum(V*tanh(W*x + b))", "W", "V: R^{k x m}; W: R^{m x n}; x: R^n; b: R^m")


# --- factors, signs, layout -------------------------------------------------------------------


@planted("missing factor 2", *LEAST_SQUARES)
def _(X, w, y):
    return X.T @ (X @ w - y)


@planted("extra factor 2", "norm2(X*w - y)^2/2", "w", "X: R^{m x n}; w: R^n; y: R^m")
def _(X, w, y):
    return 2 * X.T @ (X @ w - y)


@planted("sign", *LEAST_SQUARES)
def _(X, w, y):
    return 2 * X.T @ (y - X @ w)


@planted("off by constant", "norm2(X*w - y)^2/2", "w", "X: R^{m x n}; w: R^n; y: R^m")
def _(X, w, y):
    return 3 * X.T @ (X @ w - y)


@planted("divisor of a mean", "mean((X*w - y).^2)", "w", "X: R^{m x n}; w: R^n; y: R^m")
def _(X, w, y):
    return 2 * X.T @ (X @ w - y)


@planted("transposed", "tr(A*X)", "X", "A: R^{m x n}; X: R^{n x m}")
def _(A):
    return A


@planted("wrong layout", "tanh(A*x)", "x", "A: R^{m x n}; x: R^n")
def _(A, x):
    return A.T * (1 - np.tanh(A @ x) ** 2)


# --- products and transposes ------------------------------------------------------------------


@planted("assumed symmetric", "x'*A*x", "x", "A: R^{n x n}; x: R^n")
def _(A, x):
    return 2 * A @ x


@planted("missing transpose", "norm2(A*x)^2", "x", "A: R^{n x n}; x: R^n")
def _(A, x):
    return 2 * A @ (A @ x)


@planted("extra transpose", "tr(A'*X*B')", "X", "A, X, B: R^{n x n}")
def _(A, B):
    return A.T @ B


@planted("wrong order", "tr(A'*X*B')", "X", "A, X, B: R^{n x n}")
def _(A, B):
    return B @ A


@planted("elementwise vs matrix product", "tr((A.*B)'*X)", "X", "A, B, X: R^{n x n}")
def _(A, B):
    return A @ B


@planted("diag missing", "sigmoid(z)", "z", "z: R^n", named=("diag missing", "zeros left out"))
def _(z):
    s = sigmoid(z)
    return np.tile(s * (1 - s), (z.size, 1))


@planted("factor left out", "exp(a'*x)*(b'*x)^2", "x", "a, b, x: R^n")
def _(a, b, x):
    return np.exp(a @ x) * (b @ x) * a + 2 * np.exp(a @ x) * (b @ x) * b


# --- networks ---------------------------------------------------------------------------------


@planted("missing mask", *NETWORK)
def _(V, x):
    return np.outer(V.sum(0), x)


@planted("value for its mask", *NETWORK)
def _(V, W, x, b):
    return np.outer(V.sum(0) * np.maximum(W @ x + b, 0), x)


@planted("max sent to both", "sum(max(A*x, B*x))", "x", "A, B: R^{m x n}; x: R^n")
def _(A, B):
    return A.sum(0) + B.sum(0)


@planted("max sent to the loser", "sum(max(A*x, B*x))", "x", "A, B: R^{m x n}; x: R^n")
def _(A, B, x):
    a, b = A @ x, B @ x
    return A.T @ (a < b) + B.T @ (a >= b)


@planted("missing chain factor", *SMOOTH)
def _(V, x):
    return np.outer(V.sum(0), x)


@planted("slope in part", "sum(sigmoid(W*x))", "x", "W: R^{m x n}; x: R^n")
def _(W, x):
    return W.T @ sigmoid(W @ x)


@planted("function for its slope", *SMOOTH)
def _(V, W, x, b):
    return np.outer(V.sum(0) * np.tanh(W @ x + b), x)


@planted("slope at the wrong place", *SMOOTH)
def _(V, W, x, b):
    h = np.tanh(W @ x + b)
    return np.outer(V.sum(0) * (1 - np.tanh(h) ** 2), x)


@planted("bias not summed", "norm2(X*W + ones(m)*b')^2", "b", "X: R^{m x n}; W: R^{n x m}; b: R^m")
def _(X, W, b):
    return 2 * (X @ W + b)[0]


@planted(
    "branches not added",
    "h = tanh(x); f = sum(h.*(A*h))",
    "x",
    "A: R^{n x n}; x: R^n",
    named=("branches not added", "forgot second occurrence"),
)
def _(A, x):
    h = np.tanh(x)
    return (1 - h**2) * (A @ h)


@planted("forgot second occurrence", "x'*A*x", "x", "A: R^{n x n}; x: R^n")
def _(A, x):
    return A @ x


@planted(
    "treated as constant",
    "(a'*x)*exp(b'*x)",
    "x",
    "a, b, x: R^n",
    named=("treated as constant", "forgot second occurrence"),
)
def _(a, b, x):
    return np.exp(b @ x) * a


@planted("dropped term", *RIDGE)
def _(X, w, y):
    return 2 * X.T @ (X @ w - y)


@planted("extra term", *LEAST_SQUARES)
def _(X, w, y):
    return 2 * X.T @ (X @ w - y) + w


@planted("Jacobian in part", "softmax(z)", "z", "z: R^n", named=("Jacobian in part", "term left out"))
def _(z):
    return np.diag(softmax(z))


@planted("term left out", "sum(log(x)) + a'*x + norm2(x)^2", "x", "a, x: R^n positive", named=("dropped term",))
def _(a, x):
    return 1 / x + a


@planted("Jacobian left out", "a'*softmax(z)", "z", "a, z: R^n", named=("Jacobian left out", "missing chain factor"))
def _(a):
    return a


@planted(
    "Jacobian's diagonal only", "a'*softmax(z)", "z", "a, z: R^n", named=("Jacobian's diagonal only", "dropped term")
)
def _(a, z):
    s = softmax(z)
    return a * s * (1 - s)


@planted("one of two factors", "norm2(tanh(x))^2", "x", "x: R^n", named=("one of two factors", "missing factor 2"))
def _(x):
    h = np.tanh(x)
    return h * (1 - h**2)


@planted("extra factor", "sum(exp(a.*x))", "x", "a, x: R^n")
def _(a, x):
    return a * x * np.exp(a * x)


# --- powers, norms, inverses ------------------------------------------------------------------


@planted("norm not normalised", "norm2(X*w - y)", "w", "X: R^{m x n}; w: R^n; y: R^m")
def _(X, w, y):
    return X.T @ (X @ w - y)


@planted("power not lowered", "sum(x.^3)", "x", "x: R^n", named=("power not lowered", "wrong exponent"))
def _(x):
    return 3 * x**3


@planted("wrong exponent", "sum(sqrt(1 + x.^2))", "x", "x: R^n")
def _(x):
    return x / (1 + x**2)


@planted("product rule", "(a'*x)*exp(b'*x)", "x", "a, b, x: R^n")
def _(a, b, x):
    return a * b * np.exp(b @ x)


@planted("exponent left out", "sum(x.^3)", "x", "x: R^n", named=("exponent left out", "off by constant"))
def _(x):
    return x**2


@planted("inverse on one side", "tr(A*inv(X))", "X", "A, X: R^{n x n}")
def _(A, X):
    return -(np.linalg.inv(X) @ A).T


@planted("inverse not transposed", "logdet(X)", "X", "X: R^{n x n}", named=("inverse not transposed", "transposed"))
def _(X):
    return np.linalg.inv(X)


@planted("one sign", "norm2(X*w - y)^2 - l*norm2(w)^2", "w", "X: R^{m x n}; w: R^n; y: R^m; l: R")
def _(X, w, y, l):
    return 2 * X.T @ (X @ w - y) + 2 * l * w


@planted("bars left out", "abs(a'*x)", "x", "a, x: R^n")
def _(a):
    return a


@planted("det for logdet", "det(X)", "X", "X: R^{n x n}")
def _(X):
    return np.linalg.inv(X).T


@planted("zeros left out", "sum(relu(x))^2", "x", "x: R^n", named=("zeros left out", "missing mask"))
def _(x):
    return np.full(x.shape, 2 * np.maximum(x, 0).sum())


@planted("differentiated the wrong function", "norm2(A*x)", "x", "A: R^{m x n}; x: R^n")
def _(A, x):
    return 2 * A.T @ (A @ x)


# --- bugs of programs, which have no formula to be named by ------------------------------------


@planted(
    "stale variable", "sum(tanh(W*x + b))", "x", "W: R^{n x n}; x, b: R^n", named=("stale variable", "term left out")
)
def _(W, x, b):
    h = W @ x  # the bias was added later, the slope still uses the old h
    return W.T @ (1 - np.tanh(h) ** 2)


@planted("rounded twice", *LEAST_SQUARES)
def _(X, w, y):
    return np.round(2 * X.T @ np.round(X @ w - y, 3), 3)


@planted("wrong index formula", "tr(A'*X)", "X", "A, X: R^{m x n}")
def _(A):
    return A.ravel().reshape(A.shape, order="F")


@planted("wrong chain factor", "h = tanh(W*x); f = sum(tanh(V*h))", "x", "W: R^{n x n}; V: R^{n x n}; x: R^n")
def _(W, V, x):
    h = np.tanh(W @ x)
    return W.T @ ((1 - h**2) * (V.T @ (1 - h**2)))


@planted(
    "gradient of another name", "(a'*x)*(b'*y)", "x", "a, b, x, y: R^n", named=("by another variable",)
)
def _(a, b, x):
    return (a @ x) * b
