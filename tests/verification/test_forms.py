"""One right answer in the many forms in which people write it, and wrong ones in the same forms."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

from symgrad.errors import SymgradError
from symgrad.verification.answers import check_answer

QUADRATIC = ("x'*A*x", "x", "x: R^n; A: R^{n x n}")
SQUARES = ("norm2(X*w-y)^2", "w", "X: R^{m x n}; w: R^n; y: R^m")
LOGDET = ("logdet(X)", "X", "X: R^{n x n} invertible")
SIGMOID = ("sum(sigmoid(A*x))", "x", "A: R^{m x n}; x: R^n")
TANH = ("tanh(W*x)", "x", "W: R^{m x n}; x: R^n")
RELU = ("sum(relu(A*x))", "x", "A: R^{m x n}; x: R^n")
SOFTMAX = ("softmax(x)", "x", "x: R^n")
ENTROPY = ("-y'*log(softmax(z))", "z", "y: R^k onehot; z: R^k")
LOGISTIC = ("sum(log(1+exp(-y.*(X*w))))", "w", "X: R^{m x n}; y: R^m; w: R^n")
SMALL = ("x'*A*x", "x", "x: R^2; A: R^{2 x 2}")

RIGHT = [
    (QUADRATIC, "\u2207_x f = (A + A')x"),
    (QUADRATIC, "grad f = Ax + A'x"),
    (QUADRATIC, "f'(x) = (A + A')x"),
    (QUADRATIC, "= (A + A')x"),
    (QUADRATIC, "df/dx = Ax + A'x = (A + A')x"),
    (QUADRATIC, "df/dx = Ax + A'x\n      = (A + A')x"),
    (QUADRATIC, r"\begin{aligned} \frac{df}{dx} &= Ax + A^T x \\ &= (A + A^T) x \end{aligned}"),
    (QUADRATIC, r"\dfrac{df}{dx} = (A+A^T)x"),
    (QUADRATIC, r"$\frac{\partial f}{\partial x} = (A+A^{\mathsf T})x$"),
    (QUADRATIC, "**(A+A')*x**"),
    (QUADRATIC, "let B = A + A'; B x"),
    (QUADRATIC, "B x where B = A + A'"),
    (QUADRATIC, "(A+A')I x"),
    (QUADRATIC, "[A + A']x"),
    (QUADRATIC, "A(x + x) - A(x) + A'x"),
    (QUADRATIC, "\u067e\u0633 (A+A')x \u0627\u0633\u062a"),  # pas ... ast
    (QUADRATIC, "\U0001d400\U0001d431 + \U0001d400\u1d40\U0001d431"),
    (QUADRATIC, "np.dot(A, x) + np.dot(A.T, x)"),
    (QUADRATIC, "A.dot(x) + A.transpose().dot(x)"),
    (SQUARES, "2 * X.T @ (X @ w - y)"),
    (SQUARES, "r = X @ w - y\n2 * X.T @ r"),
    (SQUARES, r"2\sum_{i=1}^m X_{ik}\left(\sum_{j=1}^n X_{ij}w_j - y_i\right)"),
    (LOGDET, "X^-T"),
    (LOGDET, "X^{-T}"),
    (LOGDET, "X\u207b\u1d40"),
    (LOGDET, "np.linalg.inv(X).T"),
    (SIGMOID, "A' * (\u03c3(Ax) \u2299 (1 \u2212 \u03c3(Ax)))"),
    (SIGMOID, "A'(s.*(1-s)), s = sigmoid(Ax)"),
    (SIGMOID, "A' sigmoid'(Ax)"),
    (SIGMOID, "sum_i A_ik sigmoid((A*x)_i)(1 - sigmoid((A*x)_i))"),
    (SIGMOID, "A.T @ (np.exp(-A @ x) / (1 + np.exp(-A @ x))**2)"),
    (TANH, "diag(1 - tanh\u00b2(Wx)) W"),
    (TANH, r"\operatorname{diag}(1-\tanh^2(Wx))W"),
    (TANH, "np.diag(1 - np.tanh(W @ x)**2) @ W"),
    (RELU, "A' (Ax > 0)"),
    (RELU, "A' 1{Ax > 0}"),
    (RELU, "A.T @ np.where(A @ x > 0, 1, 0)"),
    (RELU, "sum_i A_ik [sum_j A_ij x_j > 0]"),
    (SOFTMAX, "softmax(x)_i (delta_ij - softmax(x)_j)"),
    (SOFTMAX, "s = softmax(x); s_i (\u03b4_ij \u2212 s_j)"),
    (SOFTMAX, "np.diag(softmax(x)) - np.outer(softmax(x), softmax(x))"),
    (ENTROPY, "exp(z_k)/sum_j exp(z_j) - y_k"),
    (ENTROPY, r"\frac{e^{z_k}}{\sum_j e^{z_j}} - y_k"),
    (ENTROPY, "e^z/sum(e^z) - y"),
    (LOGISTIC, r"-\sum_i \frac{y_i X_{ik}}{1+e^{y_i \sum_j X_{ij}w_j}}"),
    (SMALL, "[2*A_11*x_1 + (A_12+A_21)*x_2; (A_12+A_21)*x_1 + 2*A_22*x_2]"),
    (SMALL, r"\begin{pmatrix} 2A_{11}x_1 + (A_{12}+A_{21})x_2 \\ (A_{12}+A_{21})x_1 + 2A_{22}x_2\end{pmatrix}"),
]
WRONG = [
    (QUADRATIC, "df/dx = 2Ax = (A + A')x"),  # the first part is claimed too
    (QUADRATIC, "df/dx = (A + A')x = 2Ax"),
    (QUADRATIC, "B x where B = A - A'"),
    (QUADRATIC, "np.dot(A, x)"),
    (SQUARES, "X.T @ (X @ w - y)"),
    (LOGDET, "np.linalg.inv(X)"),
    (TANH, "np.diag(1 - np.tanh(W @ x)) @ W"),
    (RELU, "A' (Ax < 0)"),
    (RELU, "sum_i A_ik [sum_j A_ij x_j > 1]"),
    (SOFTMAX, "softmax(x)_i (delta_ij - softmax(x)_i)"),
    (ENTROPY, "exp(z_k)/sum_j exp(z_j) + y_k"),
    (SMALL, "[2*A_11*x_1 + 2*A_12*x_2; 2*A_21*x_1 + 2*A_22*x_2]"),
]


def _checked(problem, answer):
    expression, wrt, where = problem
    return check_answer(expression, wrt, answer=answer, where=where)


@pytest.mark.parametrize(("problem", "answer"), RIGHT)
def test_right_in_every_form(problem, answer):
    verdict = _checked(problem, answer)
    assert verdict.correct is True, str(verdict)


@pytest.mark.parametrize(("problem", "answer"), WRONG)
def test_wrong_in_every_form(problem, answer):
    verdict = _checked(problem, answer)
    assert verdict.correct is False and verdict.witness is not None


def test_the_part_of_a_chain_that_is_wrong_is_said():
    assert "2Ax" in " ".join(_checked(QUADRATIC, "df/dx = 2Ax = (A + A')x").notes)


def test_a_name_T_is_never_read_as_a_transpose():
    assert check_answer("s^T", "s", answer="T*s^T/s", where="s: R positive; T: R").correct
    assert check_answer("T*x", "x", answer="T", where="x: R^n; T: R^{m x n}").correct


def test_numbers_as_text():
    given = {"values": {"x": [1, 0], "A": [[1.5, 1], [1, 2]]}, "where": QUADRATIC[2]}
    assert check_answer("x'*A*x", "x", answer="[3.0, 2.0]", **given).correct
    assert check_answer("x'*A*x", "x", answer="(\u06f3\u066b\u06f0, \u06f2\u066b\u06f0)", **given).correct
    assert check_answer("x'*A*x", "x", answer="[3.0, 2.1]", **given).correct is False


HOSTILE = [
    "(" * 9000 + "x" + ")" * 9000,
    "x" + "+x" * 9000,
    "x" + "'" * 19000,
    "relu'(" * 500 + "x" + ")" * 500,
    "tanh\u00b2(" * 2000 + "x" + ")" * 2000,
    "np.dot(" * 2000 + "x" + ")" * 2000,
    r"\frac{" * 300 + "x_k" + "}{2}" * 300,
    "x where " * 2000,
    "x = " * 4000 + "x",
    " " * 15000 + "x",
    ";" * 19000,
    "9" * 19000 + "*x",
    "[" * 9000,
    "1{" * 9000,
    "x > " * 4000,
    "sum_j " * 500 + "A_kj x_j",
    "; ".join(f"b{i} = b{i - 1} + b{i - 1}" if i else "b0 = A" for i in range(900)) + "; b899*x",
    "A^9999999999999*x",
    "(A+A')^30*x",
    "ones(1000000000)",
    "I*" * 400 + "x",
    "x" * 10**6,
]


@pytest.mark.parametrize("answer", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_answers_get_an_error_or_a_verdict(answer):
    """Never right, never a crash, never a hang (the suite has a limit for each test)."""
    try:
        verdict = _checked(QUADRATIC, answer)
    except SymgradError:
        return
    assert verdict.correct is not True or set(answer) <= set(" x;'I*=")
    assert verdict.word in ("wrong", "unresolved")


def test_the_examples_in_the_documentation_are_real():
    page = Path(__file__).parents[2] / "docs" / "answers.md"
    found = doctest.testfile(str(page), module_relative=False)
    assert found.attempted >= 4 and found.failed == 0


def test_a_verdict_shows_itself():
    verdict = _checked(QUADRATIC, "2*A*x")
    assert str(verdict).startswith("wrong: assumed symmetric")
    shown = verdict.__rich__()
    assert shown.plain == str(verdict) and "red" in str(shown.spans) + str(shown.style)
    assert "assumed symmetric" in verdict._repr_html_()
