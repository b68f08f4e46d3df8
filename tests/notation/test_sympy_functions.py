"""The catalogue as SymPy classes: shapes, rebuilding, printing, refusals, numbers."""

from __future__ import annotations

import inspect
import pickle

import numpy as np
import pytest
import sympy
from scipy import special
from sympy.matrices.expressions.matexpr import MatrixElement, MatrixExpr

import symgrad.notation.sympy_functions as sg
from symgrad.errors import NotDifferentiableError, ParseError, ShapeError, UnknownNameError
from symgrad.notation.sympy_symbols import symbols
from symgrad.operations.catalogue import records

W, X, A, x, z, b, s, t = symbols(
    "W: R^{m x n}; X: R^{m x n}; A: R^{n x n}; x: R^n; z: R^m; b: R^m; s: R; t: R positive"
)
m, n = sympy.symbols("m n", integer=True, positive=True)
RNG = np.random.default_rng(7)
VALUES = {
    W: RNG.normal(size=(3, 5)), X: RNG.normal(size=(3, 5)), A: RNG.normal(size=(5, 5)), x: RNG.normal(size=(5, 1)),
    z: RNG.normal(size=(3, 1)), b: RNG.normal(size=(3, 1)), s: 0.7, t: 1.3,
}  # fmt: skip


def numbers(expression):  # type: ignore[no-untyped-def]
    args = sorted(expression.free_symbols, key=str)
    return sympy.lambdify(args, expression, modules=sg.numpy_modules)(*(VALUES[a] for a in args))


@pytest.mark.parametrize(
    ("expression", "shape"),
    [
        (sg.relu(W * x), (m, 1)),
        (sg.softmax(z), (m, 1)),
        (sg.softmax(z.T), (1, m)),
        (sg.maximum(W * x, b), (m, 1)),
        (sg.maximum(0, b), (m, 1)),
        (sg.rowsoftmax(X), (m, n)),
        (sg.rowsum(X), (m, 1)),
        (sg.colsum(X), (1, n)),
        (sg.vec(X), (m * n, 1)),
        (sg.kron(X, z), (m**2, n)),
        (sg.diag(z), (m, m)),
        (sg.diagonal(A), (n, 1)),
        (sg.adj(A), (n, n)),
        (sg.gt(z, b), (m, 1)),
        (sg.leakyrelu(z, sympy.Rational(1, 10)), (m, 1)),
        (sg.eye(n, like=[x]), (n, n)),
        (sg.ones(m, n, like=[X]), (m, n)),
    ],
)
def test_matrices_have_shapes(expression, shape) -> None:  # type: ignore[no-untyped-def]
    assert isinstance(expression, MatrixExpr)
    assert expression.shape == shape
    assert expression.func(*expression.args) == expression
    assert expression.T.shape == shape[::-1]
    assert expression == expression.T.T
    assert expression.doit() == expression
    assert isinstance(expression[0, 0], MatrixElement)


@pytest.mark.parametrize(
    "expression",
    [
        sg.logsumexp(z), sg.norm1(X), sg.norm2(x), sg.normF(X), sg.norminf(x), sg.total(X), sg.mean(X), sg.var(x),
        sg.logdet(A), sg.dot(z, b), sg.max(z), sg.min(z), sg.relu(s), sg.maximum(s, t), sg.relu(x.T * A * x),
    ],
)  # fmt: skip
def test_scalars_are_expressions(expression) -> None:  # type: ignore[no-untyped-def]
    assert isinstance(expression, sympy.Expr) and not isinstance(expression, MatrixExpr)
    assert expression.func(*expression.args) == expression
    assert expression.doit() == expression
    assert expression * 2 == 2 * expression
    assert expression - expression == 0


def test_they_live_in_products_and_sums() -> None:
    expression = z.T * sg.relu(W * x) + sg.softmax(b).T * sg.relu(W * x)
    assert expression.shape == (1, 1)
    assert (sg.relu(W * x) * sg.logsumexp(z)).shape == (m, 1)
    expected = VALUES[z].T @ np.maximum(VALUES[W] @ VALUES[x], 0)
    expected = expected + special.softmax(VALUES[b]).T @ np.maximum(VALUES[W] @ VALUES[x], 0)
    assert np.allclose(numbers(expression), expected)


def test_equality_substitution_and_free_symbols() -> None:
    expression = sg.maximum(W * x, b)
    assert expression == sg.maximum(W * x, b) != sg.maximum(b, W * x)
    assert hash(expression) == hash(sg.maximum(W * x, b))
    assert expression.free_symbols == {W, x, b}
    assert expression.subs(b, z) == expression.xreplace({b: z}) == sg.maximum(W * x, z)
    assert sg.relu(s).subs(s, t) == sg.relu(t)
    y = symbols('y: R^n')
    assert (2 * sg.relu(W * x) + b).subs(x, y) == 2 * sg.relu(W * y) + b


def test_a_substitution_can_change_a_number_of_rows() -> None:
    y = sympy.MatrixSymbol("y", 1, 1)
    v = sympy.MatrixSymbol("v", 3, 1)
    assert isinstance(sg.relu(v), MatrixExpr)
    assert not isinstance(sg.relu(v).xreplace({v: y}), MatrixExpr)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: sg.maximum(W * x, x), lambda: sg.softmax(X), lambda: sg.logsumexp(A), lambda: sg.diagonal(X),
        lambda: sg.diag(X), lambda: sg.logdet(X), lambda: sg.adj(X), lambda: sg.dot(x, z), lambda: sg.gt(x, z),
        lambda: sg.maximum(x, x.T), lambda: sg.Scalar(X), lambda: sg.norminf(X),
    ],
)  # fmt: skip
def test_shapes_are_checked(wrong) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ShapeError):
        wrong()


def test_a_shape_error_names_the_function_and_both_shapes() -> None:
    with pytest.raises(ShapeError, match=r"max: .*m x 1.*n x 1"):
        sg.maximum(z, x)


def test_wrong_calls() -> None:
    with pytest.raises(ParseError, match="2 arguments"):
        sg.dot(x)
    with pytest.raises(ParseError, match="ndarray"):
        sg.relu(np.ones(3))
    with pytest.raises(AttributeError):
        sg.sotfmax  # noqa: B018
    with pytest.raises(UnknownNameError, match="softmax"):
        sg.function("sotfmax")


# SymPy answers 0 for log(Determinant(X)).diff(X): here every road has to raise.
CONTAINING = [
    sg.relu(x), 2 * sg.relu(x), sg.relu(x) + x, x.T * sg.relu(x), A * sg.relu(A * x), sg.relu(A * x).T,
    sympy.HadamardProduct(sg.relu(x), x), sympy.Trace(x * sg.relu(x).T), (x.T * sg.relu(x))[0, 0],
    sg.logdet(A * sg.norm2(x)),
    sympy.log(sg.norm2(x)), sg.norm2(x) ** 2, sg.norm2(x) * x, sg.logsumexp(x) + 1, sympy.Inverse(A * sg.norm2(x)),
    sg.Scalar(x.T * A * x), sg.Scalar(x.T * A * x) * x, sympy.exp(sg.Scalar(x.T * x)), sg.ones(n, like=[x]) + x,
    sg.Dimension(n, [x]) * x, x.applyfunc(sympy.exp) + sg.relu(x),
]  # fmt: skip


@pytest.mark.parametrize("expression", CONTAINING, ids=str)
def test_sympy_never_answers_zero(expression) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(NotDifferentiableError, match=r"derivative.*\n.*symgrad.derivative"):
        expression.diff(x)
    with pytest.raises(NotDifferentiableError):
        sympy.diff(expression, x)


def test_an_unevaluated_derivative_is_not_zero() -> None:
    assert isinstance(sympy.Determinant(A * sg.norm2(x)).diff(x), sympy.Derivative)


def test_derivatives_that_sympy_knows_are_left_alone() -> None:
    assert (x.T * A * x).diff(x) == A * x + A.T * x
    assert sympy.Trace(A * x * x.T).diff(A) == x * x.T


BY_SCALAR = [sg.relu(s * x), sg.relu(s), sg.relu(s) ** 2, x * sg.relu(s), sg.norm2(s * x) * s]


@pytest.mark.parametrize("expression", BY_SCALAR)
def test_nor_by_a_scalar(expression) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(NotDifferentiableError):
        expression.diff(s)


def test_printing() -> None:
    assert str(2 * sg.relu(W * x) + sg.softmax(z)) == "2*relu(W*x) + softmax(z)"
    assert str(sg.Scalar(x.T * A * x) + sg.Dimension(n, [x])) == "n + (x.T*A*x)[0, 0]"
    assert sympy.latex(sg.relu(W * x)) == r"\operatorname{ReLU}(W x)"
    assert sympy.latex(sg.gt(z, b)) == r"\left[z > b\right]"
    assert sympy.latex(sg.kron(W + X, A)) == r"\left(W + X\right) \otimes A"
    assert sympy.latex(sg.eye(n)) == "I_{n}"
    assert sympy.latex(sg.Scalar(x.T * A * x) ** 2) == r"\left(x^{T} A x\right)^{2}"
    assert sympy.latex(sg.softmax(z)) == r"\operatorname{softmax}\left(z\right)"


def test_every_call_prints_balanced_latex() -> None:
    for entry in records():
        made = _sample(entry)
        text = sympy.latex(made)
        assert text.count("{") == text.count("}") and text.count(r"\left") == text.count(r"\right"), text
        assert entry.sizes or str(made).startswith(entry.name)


def _sample(entry):  # type: ignore[no-untyped-def]
    """The operation applied to arguments that fit, found by trying."""
    if entry.arrays:
        return sg.function(entry.name)(A, 2, n) if entry.name != "part" else sg.part(x, 2, n)
    if entry.sizes:
        return sg.function(entry.name)(*[m, n][: entry.arity[0]]) if entry.name != "e" else sg.e(1, n)
    most = entry.arity[-1]
    for arguments in ([x] * most, [A] * most, [x] * entry.arity[0], [x, s], [t] * most):
        try:
            return sg.applied(entry.name, *arguments)
        except (ShapeError, ParseError):
            continue
    raise AssertionError(f"no arguments fit {entry.name}")


def test_pickling() -> None:
    expression = sg.relu(W * x) + 2 * sg.maximum(b, z)
    assert pickle.loads(pickle.dumps(expression)) == expression


def test_explicit_matrices_are_arguments() -> None:
    fixed = sympy.Matrix([1, -2])
    assert sg.relu(fixed).shape == (2, 1)
    assert np.array_equal(sympy.lambdify([], sg.relu(fixed), modules=sg.numpy_modules)(), [[1.0], [0.0]])
    assert sg.Scalar(sympy.Matrix([[s]])) == s


# --- numbers, against NumPy and SciPy --------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (sg.relu(W * x), lambda v: np.maximum(v[W] @ v[x], 0)),
        (sg.softmax(z), lambda v: special.softmax(v[z])),
        (sg.rowsoftmax(X), lambda v: special.softmax(v[X], axis=1)),
        (sg.logsumexp(z), lambda v: special.logsumexp(v[z])),
        (sg.maximum(z, b), lambda v: np.maximum(v[z], v[b])),
        (sg.max(z), lambda v: v[z].max()),
        (sg.norm1(X), lambda v: abs(v[X]).sum()),
        (sg.normF(X), lambda v: np.linalg.norm(v[X])),
        (sg.norminf(x), lambda v: abs(v[x]).max()),
        (sg.vec(X), lambda v: v[X].T.reshape(-1, 1)),
        (sg.kron(X, z), lambda v: np.kron(v[X], v[z])),
        (sg.diag(z), lambda v: np.diag(v[z][:, 0])),
        (sg.logdet(A), lambda v: np.linalg.slogdet(v[A])[1]),
        (sg.var(X), lambda v: np.var(v[X])),
        (sg.mean(X), lambda v: np.mean(v[X])),
        (sg.total(X), lambda v: np.sum(v[X])),
        (sg.erf(x), lambda v: special.erf(v[x])),
        (sg.gt(z, b), lambda v: v[z] > v[b]),
        (sg.leakyrelu(z, s), lambda v: np.where(v[z] > 0, v[z], 0.7 * v[z])),
        (sg.relu(s) * x, lambda v: 0.7 * v[x]),
        (sg.Scalar(x.T * A * x), lambda v: (v[x].T @ v[A] @ v[x])[0, 0]),
        (sg.Scalar(x.T * x) / sg.Dimension(n, [x]), lambda v: np.mean(v[x] ** 2)),
        (sg.eye(n, like=[x]) + A, lambda v: np.eye(5) + v[A]),
        (sg.ones(m, n, like=[X]), lambda v: np.ones((3, 5))),
        (sg.zeros(n + m, like=[X]), lambda v: np.zeros((8, 1))),
        (sg.e(2, n, like=[A]), lambda v: np.eye(5)[:, 1:2]),
    ],
    ids=lambda value: "" if callable(value) and not hasattr(value, "args") else str(value),
)
def test_numbers(expression, expected) -> None:  # type: ignore[no-untyped-def]
    found, wanted = numbers(expression), np.asarray(expected(VALUES))
    assert np.shape(found) == wanted.shape
    assert np.allclose(found, wanted)


def test_the_size_is_no_argument_but_without_a_witness_it_is() -> None:
    assert sg.ones(n, like=[x]).free_symbols == {x}
    assert sg.ones(n).free_symbols == {n}
    made = sympy.lambdify([n], sg.ones(n), modules=sg.numpy_modules)
    assert made(4).shape == (4, 1)


def test_a_size_is_read_from_a_composite_dimension() -> None:
    v = symbols("v: R^{2*n + 1}")
    assert sympy.lambdify([v], sg.ones(n, like=[v]), modules=sg.numpy_modules)(np.ones((7, 1))).shape == (3, 1)
    assert sympy.lambdify([v], sg.ones(n * n, like=[v]), modules=sg.numpy_modules)(np.ones((7, 1))).shape == (9, 1)


def test_vectors_without_a_second_axis_are_refused() -> None:
    made = sympy.lambdify([x], sg.relu(x), modules=sg.numpy_modules)
    with pytest.raises(ShapeError, match=r"\(n, 1\)"):
        made(np.ones(3))
    assert made(np.array([[-1], [2]])).tolist() == [[0.0], [2.0]]


def test_numbers_are_not_silently_taken_from_arrays() -> None:
    """lambdify puts a scalar Dummy in the place of a matrix when it must rename; then the number is refused."""
    made = sympy.lambdify([x], sg.relu(x), modules=sg.numpy_modules, dummify=True)
    with pytest.raises(ShapeError):
        made(np.ones((3, 1)))


def test_a_python_keyword_as_a_name() -> None:
    keyword = symbols("lambda: R^n")
    made = sympy.lambdify([keyword, A], keyword.T * A, modules=sg.numpy_modules)
    assert "lambda_" in inspect.signature(made).parameters
    assert np.allclose(made(VALUES[x], VALUES[A]), VALUES[x].T @ VALUES[A])
    assert keyword.name == "lambda" and sympy.latex(keyword) == r"\lambda"
