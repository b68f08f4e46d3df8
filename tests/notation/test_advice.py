"""What beginners type, in Python, in LaTeX without commands, as on paper: where it is at fault, and what to write."""

from __future__ import annotations

import pytest

from symgrad import derivative
from symgrad.errors import LONGEST_WORD, SymgradError

VECTORS = "x, y: R^n; A, B: R^{n x n}"
TALL = "x: R^n; z: R^m; A, B: R^{m x n}"

# what was typed, declarations, the column at fault, and what must be offered
MISTAKES = [
    # transposes and products of other languages
    ("x.T @ A @ x", VECTORS, 2, "x'*A*x"),
    ("x.T*A*x", VECTORS, 2, "x'*A*x"),
    ("x @ y", VECTORS, 3, "x'*y"),
    ("x^T*A*x", VECTORS, 3, "x'*A*x"),
    ("x^T A x", VECTORS, 3, "x'*A*x"),
    ("x^T*A*x", "", 2, "x'*A*x"),
    ("xT*A*x", VECTORS, 1, "x'*A*x"),
    ("A^t*x", VECTORS, 3, "A'*x"),
    ("np.log(x)", VECTORS, 3, "log(x)"),
    ("np.sum(x**2)", VECTORS, 3, "sum(x.^2)"),
    ("np.linalg.norm(A @ x)", VECTORS, 3, "norm2(A*x)"),
    ("norm(A, 'fro')", TALL, 9, "normF(A)"),
    ("np.dot(x, y)", VECTORS, 3, "dot(x, y)"),
    ("x.dot(y)", VECTORS, 2, "dot(x, y)"),
    ("A.inv()", VECTORS, 2, "inv(A)"),
    ("A.I", VECTORS, 2, "inv(A)"),
    ("x.T.dot(A).dot(x)", VECTORS, 2, "x'*A*x"),
    ("tf.reduce_sum(x)", VECTORS, 3, "sum(x)"),
    ("torch.sum(x**2)", VECTORS, 6, "sum(x.^2)"),
    ("log det A", VECTORS, 1, "logdet(A)"),
    ("tr(A^T A)", VECTORS, 6, "tr(A'*A)"),
    ("∂f/∂x", VECTORS, 1, "the function alone"),
    ("x**2", VECTORS, 2, "x.^2"),
    ("x**2", "x: R", 2, "x^2"),
    # bars, angles, exponentials, indices
    ("||x||", VECTORS, 1, "norm2(x)"),
    ("||A*x - y||^2", VECTORS, 1, "norm2(A*x - y)^2"),
    ("||x||_2^2", VECTORS, 1, "norm2(x)^2"),
    ("|x|", VECTORS, 1, "abs(x)"),
    ("|A|", VECTORS, 1, "abs(A) or det(A)"),
    ("<x, y>", VECTORS, 1, "x'*y"),
    ("e^x", VECTORS, 1, "exp(x)"),
    ("e^(-x)", VECTORS, 1, "exp(-x)"),
    ("sum_i x_i^2", VECTORS, 1, r"\sum_i x_i^2"),
    ("sum_{i=1}^n x_i^2", VECTORS, 5, r"\sum_{i=1}^n x_i^2"),
    ("x_i", VECTORS, 1, "[i]: x[i]"),
    # functions
    ("Tr(A*B)", VECTORS, 1, "tr(A*B)"),
    ("Sum(x)", VECTORS, 1, "sum(x)"),
    ("norm(x)", VECTORS, 1, "norm2(x)"),
    ("sigmoid x", VECTORS, 1, "sigmoid(x)"),
    ("sin^2(x)", "x: R", 5, "sin(x).^2"),
    ("logdet(A)", TALL, 1, "A'*A"),
    ("tr(A)", TALL, 1, "A'*A"),
    ("softmax(A)", VECTORS, 1, "rowsoftmax"),
    ("sum(x, y)", VECTORS, 1, "sum(X)"),
    # operands that do not fit
    ("x*y", VECTORS, 2, "x'*y for the inner product, x*y' for the outer one, x .* y entry by entry"),
    ("x*x", "", 2, "x'*x for the inner product"),
    ("A*z", TALL, 2, "A'*z"),
    ("z*A", TALL, 2, "z'*A"),
    ("A*B", TALL, 2, "A'*B or A*B' or A .* B entry by entry"),
    ("x'*y'", VECTORS, 3, "x'*y for the inner product, x*y' for the outer one"),
    ("xAx", VECTORS, 2, "x'*A"),
    ("x^2", VECTORS, 2, "x.^2 entry by entry, x'*x for the squared length"),
    ("A^2", TALL, 2, "A.^2 entry by entry, A'*A"),
    ("1/x", VECTORS, 2, "1 ./ x entry by entry"),
    ("x/y", VECTORS, 2, "x ./ y entry by entry"),
    ("x/A", VECTORS, 2, "inv(A)*x"),
    ("A/x", VECTORS, 2, "norm2(x)"),
    ("x + A", VECTORS, 3, "x*ones(n)' is x in every column, ones(n)*x' in every row"),
    ("A + z", TALL, 3, "z*ones(n)' is z in every column"),
    ("A .* B'", TALL, 3, "A .* B"),
    ("x .* A", TALL, 3, "A*diag(x) scales every column"),
    ("x + y'", VECTORS, 3, "x + y"),
    # names, numbers, marks
    ("A*x + b", VECTORS, 7, "declare it too, 'b: R^n'"),
    ("I*x", VECTORS, 1, "eye(n)"),
    ("2,5*x", VECTORS, 2, "2.5*x"),
    ("۲*x", VECTORS, 1, "2*x"),
    ("(A*x - y", VECTORS, 1, "A*x - y"),
    ("x > 0", VECTORS, 3, "[x > 0]"),
    ("x if x > 0 else 0", VECTORS, 1, "relu(x)"),
    ("f(x) = x'*A*x", VECTORS, 6, "f = x'*A*x"),
    ("x'*A*x =", VECTORS, 8, "x'*A*x"),
    ("d/dx x'*A*x", VECTORS, 3, "x'*A*x"),
]


def refusal(text: str, where: str, wrt: str = "x") -> SymgradError:
    with pytest.raises(SymgradError) as refused:
        derivative(text, wrt, where=where or None)
    return refused.value


@pytest.mark.parametrize(("text", "where", "column", "offered"), MISTAKES)
def test_a_mistake_is_told_its_place_and_a_way_out(text: str, where: str, column: int, offered: str) -> None:
    error = refusal(text, where)
    assert error.column == column
    assert offered in (error.hint or ""), error.hint


@pytest.mark.parametrize(
    ("text", "where", "offered"),
    [(t, w, o) for t, w, _, o in MISTAKES if any(spelling in t for spelling in ("@", "|", "**", "np", ".T"))],
)
def test_what_is_offered_can_be_derived(text: str, where: str, offered: str) -> None:
    for formula in offered.split(" or "):
        derivative(formula, "A" if formula in ("abs(A)", "det(A)") else "x", where=where)


def test_shapes_stand_beside_their_operands() -> None:
    said = str(refusal("A*x + x", TALL))
    assert "A*x is a column vector (m x 1)" in said
    assert "x is a column vector (n x 1)" in said


def test_sizes_that_nobody_settled_are_letters() -> None:
    said = str(refusal("x*x", ""))
    assert "a column vector (n x 1) by a column vector (n x 1)" in said
    assert "?" not in said and "size" not in said


def test_a_variable_that_is_no_name_here() -> None:
    assert "the names here are x, A" in str(refusal("x'*A*x", "x: R^n; A: R^{n x n}", wrt="z"))
    assert "did you mean x?" in str(refusal("x'*A*x", "", wrt="X"))


def test_a_declared_T_is_a_power() -> None:
    assert derivative("s^T", "s", where="s, T: R").tensor(s=2.0, T=3.0) == pytest.approx(3 * 2.0**2)


def test_nothing_is_offered_that_does_not_fit() -> None:
    assert refusal("A @ z @ x", TALL).hint != "A * z * x"


def test_very_long_names_are_cut() -> None:
    error = refusal("v" * 5000, "x: R^n")
    assert all(len(line) < 200 for line in str(error).splitlines())
    assert "v" * (LONGEST_WORD + 1) not in error.message + (error.hint or "")
