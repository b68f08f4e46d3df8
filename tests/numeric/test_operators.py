"""Operators against the dense tensor that the plain interpreter gives, and what they say of themselves."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from scipy.sparse.linalg import aslinearoperator, cg

from symgrad.calculus.differentiate import differentiate
from symgrad.calculus.present import present
from symgrad.derivation import derivative
from symgrad.errors import LimitError, ShapeError, UnknownNameError
from symgrad.notation.declare import declare
from symgrad.notation.grammar import parse
from symgrad.notation.lower import Scope, lower
from symgrad.numeric.evaluate import evaluate
from symgrad.numeric.function_text import Argument
from symgrad.numeric.operators import OperatorCode
from symgrad.operations.catalogue import LOGARITHM
from symgrad.tensor.dims import size_at
from symgrad.tensor.nodes import Input, walk

SIZES = {"m": 3, "n": 4, "p": 2, "q": 5, "k": 3}
DENSE = "A: R^{m x n}; x, b: R^n; X: R^{n x p}; B: R^{p x q}; S: R^{n x n}; W: R^{k x n}; V: R^{m x k}"


def coded(text: str, *by: str, where: str = DENSE, turned: bool = False) -> OperatorCode:
    """The derivative of a text, rows its own axes (or, turned, the variables'), the slowest first."""
    scope = Scope.of(declare(where))
    node = value = lower(parse(text), scope).node
    for name in by:
        node = present(differentiate(node, scope.views[name].node, LOGARITHM))
    last = scope.views[by[-1]].node.rank
    rows, columns = tuple(range(node.rank - last)), tuple(range(node.rank - last, node.rank))
    occurring = {n.name for n in walk(node, value) if isinstance(n, Input)}
    given = [Argument.declared(d.name, d.rows, d.columns) for d in declare(where).values() if d.name in occurring]
    return OperatorCode(node, columns if turned else rows, rows if turned else columns, given)


def sampled(code: OperatorCode, seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {a.name: rng.uniform(0.2, 0.9, [size_at(s, SIZES) for s in a.arrives]) for a in code.arguments}


def interpreted(code: OperatorCode, values: dict[str, np.ndarray]) -> np.ndarray:
    """The dense matrix, by the interpreter."""
    tensor = np.asarray(evaluate([code.node], values, SIZES)[0]).transpose(*code.rows, *code.columns)
    return tensor.reshape(int(np.prod(tensor.shape[: len(code.rows)])), -1)


STRUCTURES = [
    ("relu(x)", ["x"], "diagonal"),
    ("tanh(X)", ["X"], "diagonal"),
    ("3*x", ["x"], "scaled identity"),
    ("x", ["x"], "identity"),
    ("X'", ["X"], "commutation"),
    ("A*X*B", ["X"], "Kronecker"),
    ("softmax(x)", ["x"], "diagonal plus rank one"),
    ("x/norm2(x)", ["x"], "scaled identity plus rank one"),
    ("A*x", ["x"], "dense matrix"),
    ("b'*x", ["x"], "rank one"),
    ("b'*x", ["x", "x"], "zero"),
    ("logsumexp(A*x)", ["x", "x"], "product of matrices plus rank one"),
    ("sum(log(1+exp(A*x)))", ["x", "x"], "product of matrices"),
    ("tr(S)*S", ["S"], "scaled identity plus rank one"),
    ("inv(S)", ["S"], "Kronecker"),
    ("rowsoftmax(X)", ["X"], "block diagonal"),
    ("diag(x)", ["x"], "selection"),
    ("X*X'", ["X"], "Kronecker plus Kronecker times commutation"),
    ("V*tanh(W*x)", ["x"], "product of matrices"),
    ("V*tanh(W*x)", ["W"], "Kronecker"),
    ("sum((S - X*X').^2)", ["X", "X"], None),
    ("expm(S)", ["S"], "dense matrix"),
    ("logdet(S)", ["S", "S"], "Kronecker times commutation"),
    ("conv(x, b)", ["x"], "Toeplitz matrix"),
    ("tanh(W*x)", ["x"], "diagonal times dense matrix"),
    ("W*diag(b)*x", ["x"], "dense matrix times diagonal"),
    ("diag(b)*X", ["X"], "diagonal"),
    ("x'*S*x", ["x", "x"], "dense matrix"),
    ("S*x + b*x'*x", ["x"], "dense matrix plus rank one"),
    ("b'*x*x + S*x", ["x"], "scaled identity plus dense matrix plus rank one"),
    ("sum(tanh(A*X*B))", ["X", "X"], "product of matrices"),
]


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("text, by, words", STRUCTURES)
def test_products_are_those_of_the_dense_matrix(text: str, by: list[str], words: str | None, turned: bool) -> None:
    code = coded(text, *by, turned=turned)
    values = sampled(code)
    for name in values:
        if name == "S":
            values[name] = values[name] + 2 * np.eye(4)
    operator, dense = code(**values), interpreted(code, values)
    assert operator.shape == dense.shape
    rng = np.random.default_rng(1)
    v, u = rng.normal(size=dense.shape[1]), rng.normal(size=dense.shape[0])
    several, others = rng.normal(size=(dense.shape[1], 3)), rng.normal(size=(dense.shape[0], 2))
    for found, expected in (
        (operator @ v, dense @ v),
        (operator.matvec(v[:, None]), (dense @ v)[:, None]),
        (operator.rmatvec(u), dense.T @ u),
        (operator @ several, dense @ several),
        (operator.rmatmat(others), dense.T @ others),
        (operator.adjoint() @ u, dense.T @ u),
        (operator.todense(), dense),
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)
    if words is not None and not (turned and " times " in words):
        assert operator.structure == words


def test_a_product_can_be_kept_and_changed() -> None:
    for text in ("x", "b'*x*b"):
        operator = coded(text, "x")(**sampled(coded(text, "x")))
        v = np.ones(4)
        first = operator @ v
        first[:] = 7
        assert not np.shares_memory(first, v)
        np.testing.assert_array_equal(v, np.ones(4))
        assert not np.any(operator @ v == 7)


def test_relu_of_4096_entries_needs_no_square_array() -> None:
    code = coded("relu(x)", "x")
    x, v = np.random.default_rng(0).normal(size=(2, 4096))
    operator = code(x=x)
    tracemalloc.start()
    operator = code(x=x)
    product = operator @ v
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20 * x.nbytes
    np.testing.assert_array_equal(product, np.where(x > 0, v, 0))


HESSIANS = [  # text, variable, declarations, shapes: no array that comes near the size of the Hessian is made
    ("sum(log(1+exp(y.*(A*x))))", "x", "A: R^{m x n}; x: R^n; y: R^m", {"A": (30, 2000), "x": (2000,), "y": (30,)}),
    ("logsumexp(A*x)", "x", "A: R^{m x n}; x: R^n", {"A": (30, 2000), "x": (2000,)}),
    ("sum((T-U*V').^2)", "U", "T: R^{m x n}; U: R^{m x k}; V: R^{n x k}", {"T": (60, 50), "U": (60, 9), "V": (50, 9)}),
    (
        "sum((M.*(T-U*V')).^2)",
        "U",
        "M, T: R^{m x n}; U: R^{m x k}; V: R^{n x k}",
        {"M": (60, 50), "T": (60, 50), "U": (60, 9), "V": (50, 9)},
    ),
    (
        "sum(Y.*log(rowsoftmax(tanh(X*W)*V)))",
        "W",
        "X: R^{b x n}; W: R^{n x k}; V: R^{k x p}; Y: R^{b x p}",
        {"X": (20, 30), "W": (30, 25), "V": (25, 4), "Y": (20, 4)},
    ),
]


@pytest.mark.parametrize("text, name, where, shapes", HESSIANS)
def test_hessian_vector_products_need_no_hessian(text: str, name: str, where: str, shapes: dict[str, tuple]) -> None:
    gradient, hessian = coded(text, name, where=where, turned=True), coded(text, name, name, where=where)
    rng = np.random.default_rng(0)
    values = {n: rng.normal(size=s) / np.sqrt(s[-1]) for n, s in shapes.items()}
    given = {a.name: values[a.name] for a in hessian.arguments}
    v = rng.normal(size=shapes[name])
    hessian(**given) @ v.reshape(-1)  # compiled
    tracemalloc.start()
    found = hessian(**given) @ v.reshape(-1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    inputs = sum(a.nbytes for a in values.values())
    assert peak < 12 * inputs and peak < v.size**2 * 8 / 10

    def slope(t: float) -> np.ndarray:
        moved = {**values, name: values[name] + t * v}
        return gradient(**{a.name: moved[a.name] for a in gradient.arguments}).todense().reshape(-1)

    expected = (8 * (slope(1e-3) - slope(-1e-3)) - (slope(2e-3) - slope(-2e-3))) / 12e-3
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-7 * np.abs(expected).max())


LAYOUTS = [("numerator", "column"), ("numerator", "row"), ("denominator", "column"), ("denominator", "row")]


@pytest.mark.parametrize("layout, vec", LAYOUTS)
def test_vectors_are_stacked_as_the_layout_says(layout: str, vec: str) -> None:
    rng = np.random.default_rng(3)
    A, X, B, x, r = (rng.normal(size=s) for s in ((3, 4), (4, 2), (2, 5), (4,), (1, 4)))
    S, s = rng.normal(size=(4, 4)), np.array(0.7)
    swap = np.einsum("ik,jl->jikl", np.eye(4), np.eye(2)).reshape(8, 8)  # rows of X' to rows of X
    by_hand = [  # text, variable, arrays, the matrix in numerator layout for either stacking
        ("A*X*B", "X", {"A": A, "X": X, "B": B}, {"column": np.kron(B.T, A), "row": np.kron(A, B.T)}),
        ("X'", "X", {"X": X}, {"column": swap.T, "row": swap}),
        ("s*X", "s", {"s": s, "X": X}, dict.fromkeys(("column", "row"), X)),  # a matrix by a scalar is a matrix
        ("x'*X*y", "X", {"x": x, "X": X, "y": B[:, 0]}, None),
        ("x'*S*x", "x", {"x": x, "S": S}, dict.fromkeys(("column", "row"), ((S + S.T) @ x)[None, :])),
        ("r*S", "r", {"r": r, "S": S}, dict.fromkeys(("column", "row"), S.T)),
        ("r*x", "r", {"r": r, "x": x}, dict.fromkeys(("column", "row"), x[:, None])),
    ]
    spaces = {"A": "R^{m x n}", "X": "R^{n x p}", "B": "R^{p x q}", "S": "R^{n x n}"}
    spaces |= {"s": "R", "x": "R^n", "y": "R^p", "r": "R^{1 x n}"}
    for text, name, arrays, matrices in by_hand:
        D = derivative(text, name, where={n: spaces[n] for n in arrays}, layout=layout, vec=vec)
        J = D.operator(**arrays)
        numerator = np.outer(x, B[:, 0]).T if matrices is None else matrices[vec]  # a scalar by X is X' shaped
        expected = numerator if layout == "numerator" else numerator.T
        v, u = rng.normal(size=expected.shape[1]), rng.normal(size=(expected.shape[0], 2))
        assert J.shape == expected.shape, (text, J.shape)
        np.testing.assert_allclose(J @ v, expected @ v, atol=1e-12)
        np.testing.assert_allclose(J.H @ u, expected.T @ u, atol=1e-12)
        np.testing.assert_allclose(J.todense(), expected, atol=1e-12)


def test_a_kronecker_product_is_two_matrix_products() -> None:
    body = coded("A*X*B", "X").products.source
    assert body.count("@") == 4  # two for each direction
    for word in ("einsum", "kron", "tensordot", "eye"):
        assert word not in body


def test_what_does_not_depend_on_the_vector_is_computed_once() -> None:
    source = coded("softmax(x)", "x").products.source
    before, _, after = source.partition("def matvec")
    assert "special.softmax" in before
    assert "softmax" not in after


def test_an_inverse_is_factored_once() -> None:
    source = coded("inv(S)", "S").products.source
    assert source.count("lu_factor") == 1
    assert "np.linalg" not in source


def test_large_dense_arrays_are_refused() -> None:
    x = np.ones(20_000)
    operator = coded("relu(x)", "x")(x=x)
    np.testing.assert_array_equal(operator @ x, x)
    with pytest.raises(LimitError, match="20000 x 20000"):
        operator.todense()
    with pytest.raises(LimitError, match="200 x 200 x 200 x 200"):
        coded("expm(S)", "S")(S=np.eye(200))


def test_float32_stays_float32() -> None:
    values = {"x": np.ones(4, np.float32)}
    operator = coded("softmax(x)", "x")(**values)
    assert operator.dtype == np.float32
    assert (operator @ values["x"]).dtype == np.float32


def test_arrays_that_do_not_fit_are_named() -> None:
    with pytest.raises(ShapeError, match=r"X has shape \(3, 2\), but is declared \(n, p\)"):
        coded("A*X*B", "X")(A=np.ones((3, 4)), X=np.ones((3, 2)), B=np.ones((2, 5)))
    with pytest.raises(UnknownNameError, match="no array is given for B"):
        coded("A*X*B", "X")(A=np.ones((3, 4)), X=np.ones((4, 2)))
    with pytest.raises(ValueError, match="dimension mismatch"):
        coded("x", "x")(x=np.ones(3)) @ np.ones(4)


def test_scipy_takes_it() -> None:
    rng = np.random.default_rng(2)
    A, b = rng.normal(size=(9, 4)), rng.normal(size=4)
    hessian = coded("sum((A*x).^2)", "x", "x")(A=A, x=b)
    found, status = cg(aslinearoperator(hessian), b, rtol=1e-12)
    assert status == 0
    np.testing.assert_allclose(found, np.linalg.solve(2 * A.T @ A, b))


def test_a_gradient_that_is_zero() -> None:
    made = derivative("det(A)", "x", where="A: R^{k x k}; x: R^n").operator(A=np.eye(3), x=np.ones(4))
    assert (made.shape, made.structure) == ((4, 1), "zero")
    np.testing.assert_array_equal(made @ np.ones(1), np.zeros(4))
    np.testing.assert_array_equal(made.rmatvec(np.ones(4)), np.zeros(1))


def test_names_of_the_vectors_do_not_clash() -> None:
    where = "u, v, matvec: R^n"
    code = coded("u.*v.*matvec", "v", where=where)
    u, v, w = np.random.default_rng(0).normal(size=(3, 4))
    np.testing.assert_allclose(code(u=u, v=v, matvec=w) @ np.ones(4), u * w)
