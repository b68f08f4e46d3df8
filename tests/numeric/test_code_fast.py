"""Programs for running: in place without harm, arrays of any layout, results of their own, `out`, counts, factors."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest
from graphs import Grower

from symgrad.derivation import Derivative, derivative, hessian, jacobian
from symgrad.errors import DomainError, ShapeError, SymgradError, UnknownNameError
from symgrad.numeric.code import compile_numpy
from symgrad.numeric.compressed import compile_factors
from symgrad.numeric.evaluate import evaluate
from symgrad.numeric.fast import FastLayout
from symgrad.numeric.function_text import Argument
from symgrad.numeric.steps import Steps
from symgrad.operations.catalogue import records
from symgrad.operations.record import Elementwise
from symgrad.tensor.build import elementwise, number
from symgrad.tensor.dims import letter
from symgrad.tensor.nodes import Input, Unit, walk

KINDS = {0: "scalar", 1: "column", 2: "matrix"}
LOGISTIC = "sum(log(1+exp(-y.*(X*w))))"
DATA = "y: R^m; X: R^{m x n}; w: R^n"


def strided(array: np.ndarray) -> np.ndarray:
    """Every second entry of a larger array."""
    wide = np.full([2 * s for s in array.shape], np.nan)
    view = wide[tuple(slice(None, None, 2) for _ in array.shape)]
    view[...] = array
    return view


def reversed_view(array: np.ndarray) -> np.ndarray:
    """The same entries with negative strides."""
    back = tuple(slice(None, None, -1) for _ in array.shape)
    return array[back].copy()[back]


def read_only(array: np.ndarray) -> np.ndarray:
    copy = array.copy()
    copy.flags.writeable = False
    return copy


LAYOUTS = [np.ascontiguousarray, np.asfortranarray, strided, reversed_view, read_only]


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("size", [1, 3])
def test_arrays_of_any_layout_give_the_same_and_stay_as_they_are(seed: int, size: int) -> None:
    grower = Grower(seed)
    node = grower.grow(4 + seed % 8)
    code = compile_numpy(node, [Argument(i.name, i.shape, KINDS[i.rank]) for i in grower.inputs])  # type: ignore
    rng = np.random.default_rng(seed)
    least = max([size, *(n.index for n in walk(node) if isinstance(n, Unit))])  # unit vectors need their entry
    sizes = {"m": least, "n": least + size // 2, "k": least + size - 1}
    values = {i.name: rng.uniform(0.2, 0.9, [sizes[str(a)] for a in i.shape]) for i in grower.inputs}
    with np.errstate(all="ignore"):
        expected = evaluate([node], values, sizes)[0]
        for layout in LAYOUTS:
            given = {n: layout(v) if v.ndim else v for n, v in values.items()}
            results = [code(**given, **{a: sizes[a] for a in code.free}) for _ in range(2)]
            for found in results:
                np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-9 * max(1, np.abs(expected).max()))
                assert not any(np.may_share_memory(found, a) for a in given.values())
            assert not np.may_share_memory(*results)
            for name, array in given.items():
                np.testing.assert_array_equal(array, values[name])


def test_a_value_that_is_needed_later_is_not_overwritten() -> None:
    D = derivative("sum(exp(x).*sin(exp(x)))", "x", where="x: R^n")
    x = np.array([0.1, -0.7, 1.3])
    for _ in range(3):
        np.testing.assert_allclose(D.tensor(x=x), np.exp(x) * (np.sin(np.exp(x)) + np.exp(x) * np.cos(np.exp(x))))


def test_a_buffer_seen_through_a_view_is_not_overwritten() -> None:
    steps = Steps()
    x, A = steps.leaf("x", 1), steps.leaf("A", 2)
    square = steps.raised(A, 2)
    turned = steps.moved(square, (1, 0))
    root = steps.multiply(steps.multiply(square, steps.spread(x, [True, False])), turned)
    text = FastLayout({x: "_a0", A: "_a1"}, "d").function([root], ["_a0", "_a1"])
    assert "_multiply(_a0[:, None], _t1, _t1)" not in text and "_multiply(_t1, _a0[:, None], _t1)" not in text


def test_a_broken_broadcast_is_no_buffer() -> None:
    D = jacobian("exp(x)*exp(y)' + exp(y)*exp(x)'", "x", where="x: R^n; y: R^n")
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=3), rng.normal(size=3)
    first = np.einsum("ik,i,j->ijk", np.eye(3), np.exp(x), np.exp(y))
    np.testing.assert_allclose(D.tensor(x=x, y=y), first + first.transpose(1, 0, 2))


@pytest.mark.parametrize("op", [op for op in records() if isinstance(op, Elementwise)], ids=lambda op: op.name)
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_every_function_keeps_the_precision(op: Elementwise, kind: Any) -> None:
    x = Input.make("x", (letter("n"),))
    node = elementwise(op, *(x if k == 0 else number(2) for k in range(len(op.partials))))
    code = compile_numpy(node, [Argument("x", x.shape, "column")])
    array = np.array([0.25, 0.5, 0.75], kind)
    found = [code(x=array) for _ in range(2)]
    assert [f.dtype for f in found] == [kind, kind]
    expected = evaluate([node], {"x": array.astype(float)}, {"n": 3})[0]
    np.testing.assert_allclose(found[1], expected, rtol=1e-5)


@pytest.mark.parametrize("scalar", [2.0, 2, np.float64(2), np.array(2.0), np.float32(2)])
def test_scalars_come_as_any_number(scalar: Any) -> None:
    f = derivative("s^3*sum(x)", "x", where="s: R; x: R^n").function()
    for kind in (np.float64, np.float32):
        for _ in range(2):
            found = f(s=scalar, x=np.ones(3, kind))
            np.testing.assert_allclose(found, np.full(3, 8.0))
            assert found.dtype == kind


def test_a_negative_number_has_no_root_and_no_complex_one() -> None:
    f = derivative("s^(5/2)", "s", where="s: R").function()
    with np.errstate(invalid="ignore"):
        assert [np.isnan(f(s=-2.0)) for _ in range(2)] == [True, True]


def test_positions_serve_as_well_as_names() -> None:
    f = derivative("x'*A*x", "x", where="x: R^n; A: R^{n x n}").function()
    x, A = np.array([1.0, 2.0]), np.array([[1.0, 2.0], [3.0, 4.0]])
    np.testing.assert_array_equal(f(x, A), f(A=A, x=x))
    with pytest.raises(ShapeError, match="A has shape"):
        f(x, A[:1])


def test_threads_do_not_meet() -> None:
    f = derivative(LOGISTIC, "w", where=DATA).function()
    rng = np.random.default_rng(0)
    sets = [(np.sign(rng.normal(size=9)), rng.normal(size=(9, 4)), rng.normal(size=4)) for _ in range(4)]
    expected = [f(y=y, X=X, w=w) for y, X, w in sets]
    wrong: list[int] = []

    def run(k: int) -> None:
        y, X, w = sets[k]
        for _ in range(300):
            if not np.array_equal(f(y=y, X=X, w=w), expected[k]):
                wrong.append(k)

    threads = [threading.Thread(target=run, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


# --- arrays that are given -------------------------------------------------------------------------


OUT = [
    (LOGISTIC, "w", DATA, {"y": (5,), "X": (5, 3), "w": (3,)}),
    ("softmax(x)", "x", "x: R^n", {"x": (4,)}),
    ("x'*A*x", ["x", "x"], "x: R^n; A: R^{n x n}", {"A": (3, 3)}),
    ("A*X*B", "X", "A: R^{m x n}; X: R^{n x p}; B: R^{p x q}", {"A": (2, 3), "B": (4, 2)}),
    ("a'*x", "x", "a, x: R^n", {"a": (3,)}),
    ("normF(T-U*V')^2", "U", "T: R^{m x n}; U: R^{m x k}; V: R^{n x k}", {"T": (4, 5), "U": (4, 2), "V": (5, 2)}),
]


@pytest.mark.parametrize("text, by, where, shapes", OUT)
def test_the_result_is_made_in_the_array_that_is_given(text: str, by: Any, where: str, shapes: dict[str, Any]) -> None:
    f = derivative(text, by, where=where).function()
    rng = np.random.default_rng(1)
    data = {n: rng.normal(size=s) for n, s in shapes.items()}
    expected = f(**data)
    for out in (np.empty_like(expected), np.asfortranarray(np.empty_like(expected)), strided(expected)):
        out.fill(np.nan)
        assert f(**data, out=out) is out
        np.testing.assert_array_equal(out, expected)
    single = {n: v.astype(np.float32) for n, v in data.items()}
    np.testing.assert_allclose(f(**single, out=np.empty(expected.shape, np.float32)), expected, rtol=1e-3, atol=1e-4)


def test_out_may_be_an_argument() -> None:
    f = derivative("normF(T-U*V')^2", "U", where="T: R^{m x n}; U: R^{m x k}; V: R^{n x k}").function()
    rng = np.random.default_rng(2)
    T, U, V = rng.normal(size=(4, 5)), rng.normal(size=(4, 2)), rng.normal(size=(5, 2))
    expected = 2 * (U @ V.T - T) @ V
    assert f(T=T, U=U, V=V, out=U) is U
    np.testing.assert_allclose(U, expected)


def test_an_out_that_does_not_fit_is_named() -> None:
    f = derivative("x'*A*x", "x", where="x: R^n; A: R^{n x n}").function()
    x, A = np.ones(2), np.eye(2)
    with pytest.raises(ShapeError, match=r"out has shape \(3,\), but the result has \(2,\)"):
        f(x=x, A=A, out=np.empty(3))
    with pytest.raises(DomainError, match="out is of type float32"):
        f(x=x, A=A, out=np.empty(2, np.float32))
    with pytest.raises(DomainError, match="out has to be an array"):
        f(x=x, A=A, out=read_only(x))
    with pytest.raises(DomainError, match="out has to be an array"):
        f(x=x, A=A, out=[0.0, 0.0])


def test_an_input_called_out_is_that_input() -> None:
    f = derivative("out'*x", "x", where="x, out: R^n").function()
    np.testing.assert_array_equal(f(out=np.array([1.0, 2.0])), [1, 2])


# --- factors ---------------------------------------------------------------------------------------

FACTORED = [
    ("normF(T-U*V')^2", ["U", "U"], "T: R^{m x n}; U: R^{m x k}; V: R^{n x k}", "[i = k]*F1[j, l]"),
    ("normF(W.*(T-U*V'))^2", ["U", "U"], "W, T: R^{m x n}; U: R^{m x k}; V: R^{n x k}", "[i = k]*F1[i, j, l]"),
    ("A*X*B", "X", "A: R^{m x n}; X: R^{n x k}; B: R^{k x m}", "F1[i, k]*F2[j, l]"),
    ("softmax(x)", "x", "x: R^n", "[i = j]*F1[i] + F2[j]*F3[i]"),
    ("relu(X)", "X", "X: R^{m x n}", "[i = k]*[j = l]*F1[i, j]"),
    ("logsumexp(A*x)", ["x", "x"], "A: R^{m x n}; x: R^n", "F1[i, j]"),
    ("v'*tanh(W*x)", ["W", "W"], "v: R^m; W: R^{m x n}; x: R^n", "[i = k]*F1[i]*F2[j]*F3[l]"),
    ("X*x", "X", "X: R^{m x n}; x: R^n", "[i = j]*F1[k]"),
    ("(e(2,n)'*x)*x", "x", "x: R^n", "[i = j]*F1 + [j = 2]*F2[i]"),
]
SIZES = {"m": 4, "n": 3, "k": 2}


def arrays_for(D: Derivative) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(3)
    shapes = {n: [d.rows, d.columns] for n, d in D.program.declared.items()}
    return {n: rng.normal(size=[SIZES[str(a)] for a in s if a != 1]) for n, s in shapes.items()}


@pytest.mark.parametrize("text, by, where, statement", FACTORED)
def test_factors_make_the_tensor(text: str, by: Any, where: str, statement: str) -> None:
    D = derivative(text, by, where=where)
    data, F = arrays_for(D), D.compressed
    assert sorted(F.statement) == sorted(statement) if "+" not in statement else F.statement.count(" + ") == 1
    factors = F(**data)
    given = factors if isinstance(factors, tuple) else (factors,)
    np.testing.assert_allclose(F.dense(factors, **SIZES), D.tensor(**data), rtol=1e-9, atol=1e-12)
    assert sum(np.size(f) for f in given) <= D.tensor(**data).size


def test_a_compressed_hessian_is_its_block() -> None:
    F = hessian("normF(T-U*V')^2", "U", where="T: R^{m x n}; U: R^{m x k}; V: R^{n x k}").compressed
    V = np.random.default_rng(0).normal(size=(6, 3))
    np.testing.assert_allclose(F(V=V), 2 * V.T @ V)
    with pytest.raises(UnknownNameError, match="dimension m"):
        F.dense(F(V=V))
    with pytest.raises(ShapeError, match="V has shape"):
        F(V=V[0])


@pytest.mark.parametrize("seed", range(40))
def test_factors_of_random_products(seed: int) -> None:
    grower = Grower(seed)
    node = grower.network()
    made = compile_factors(node, [Argument(i.name, i.shape, KINDS[i.rank]) for i in grower.inputs])  # type: ignore
    rng = np.random.default_rng(seed)
    values = {i.name: rng.uniform(0.2, 0.9, [SIZES[str(a)] for a in i.shape]) for i in grower.inputs}
    needed = {a.name for a in made.program.arguments}
    free = {a: SIZES[a] for a in made.program.free}
    factors = made.program(**{n: v for n, v in values.items() if n in needed}, **free)
    expected = evaluate([node], values, SIZES)[0]
    np.testing.assert_allclose(made.dense(factors, **SIZES), expected, rtol=1e-8, atol=1e-10)


# --- counts ----------------------------------------------------------------------------------------

COUNTED = [
    ("x'*A*x", "x", "x: R^n; A: R^{n x n}", "4*n^2 + n"),  # two products of n x n and n, one sum
    ("norm2(A*x-b)^2", ["x", "x"], "A: R^{m x n}; x: R^n; b: R^m", "2*m*n^2 + n^2"),
    ("a'*X*b", "X", "X: R^{m x n}; a: R^m; b: R^n", "m*n"),
    ("logdet(X)", "X", "X: R^{n x n}", "2*n^3"),
    ("softmax(x)", "x", "x: R^n", "n^2 + 6*n"),  # the outer product; softmax 4, a sign, the diagonal
]


@pytest.mark.parametrize("text, by, where, count", COUNTED)
def test_the_docstring_counts_operations(text: str, by: Any, where: str, count: str) -> None:
    assert f"\n    flops: {count}\n" in derivative(text, by, where=where).source()


def test_what_fails_inside_is_named_at_every_call() -> None:
    f = derivative("tr(inv(X)*A)", "X", where="X, A: R^{n x n}").function()
    for _ in range(2):
        f(X=np.eye(2), A=np.eye(2))
        with pytest.raises(SymgradError, match="singular"):
            f(X=np.ones((2, 2)), A=np.eye(2))
