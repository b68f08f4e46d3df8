"""Compiled derivatives as users meet them: calls, values, backends, self-tests, stable forms."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import linalg, special

from symgrad.derivation import derivative, gradient, hessian
from symgrad.errors import DomainError, LayoutError, ShapeError, SymgradError, UnknownNameError

LOGISTIC = "sum(log(1+exp(-y.*(X*w))))"
DATA = "y: R^m; X: R^{m x n}; w: R^n"


def logistic() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {"y": np.sign(rng.normal(size=7)), "X": rng.normal(size=(7, 3)), "w": rng.normal(size=3)}


# --- calls -----------------------------------------------------------------------------------------


def test_the_function_reads_its_arrays_at_every_call() -> None:
    f = derivative(LOGISTIC, "w", where=DATA).function()
    data = logistic()
    for _ in range(3):
        expected = data["X"].T @ (-data["y"] * special.expit(-data["y"] * (data["X"] @ data["w"])))
        np.testing.assert_allclose(f(**data), expected)
        data["w"] *= -0.5


def test_errors_come_before_and_after_a_call_that_fits() -> None:
    f = derivative(LOGISTIC, "w", where=DATA).function()
    data = logistic()
    for _ in range(2):
        with pytest.raises(ShapeError, match=r"w has shape \(4,\), but is declared \(n,\)"):
            f(**{**data, "w": np.ones(4)})
        with pytest.raises(UnknownNameError, match="no array is given for w"):
            f(y=data["y"], X=data["X"])
        with pytest.raises(UnknownNameError, match="z"):
            f(**data, z=np.ones(2))
        with pytest.raises(DomainError, match="complex"):
            f(**{**data, "w": data["w"] * 1j})
        f(**data)


def test_other_types_are_taken_after_a_call_that_fits() -> None:
    f = derivative("x'*A*x", "x", where="x: R^n; A: R^{n x n}").function()
    A, x = np.eye(2), np.ones(2)
    np.testing.assert_array_equal(f(A=A, x=x), [2, 2])
    np.testing.assert_array_equal(f(A=A.tolist(), x=[1, 1]), [2, 2])
    np.testing.assert_array_equal(f(A=np.ma.masked_array(A), x=x), [2, 2])
    assert f(A=A.astype(np.float32), x=x.astype(np.float32)).dtype == np.float32
    assert f(A=A.astype(int), x=x.astype(np.int32)).dtype == np.float64
    with pytest.raises(DomainError):
        f(A=A.astype(str), x=x)


def test_inputs_that_are_not_needed_are_checked() -> None:
    f = derivative("a'*x", "x", where="a, x: R^n").function()
    np.testing.assert_array_equal(f(a=[1.0, 2.0], x=[0.0, 0.0]), [1, 2])
    with pytest.raises(ShapeError, match="x has shape"):
        f(a=[1.0, 2.0], x=[0.0, 0.0, 0.0])


def test_a_constant_needs_no_array() -> None:
    D = derivative("x + y", "x", where="x, y: R")
    assert D.function()() == D.function()(x=2.0, y=3.0) == 1
    assert D.operator() @ np.ones(1) == 1
    assert D.values(x=2.0, y=3.0) == (5, 1)
    with pytest.raises(UnknownNameError, match="z"):
        D.function()(z=1.0)


def test_a_singular_matrix_is_named_as_such() -> None:
    with pytest.raises(DomainError, match="singular"):
        derivative("b'*inv(A)*b", "b", where="A: R^{n x n}; b: R^n").function()(A=np.zeros((2, 2)), b=np.ones(2))
    with pytest.raises(DomainError, match="positive definite"):
        derivative("b'*inv(A)*b", "b", where="A: R^{n x n} spd; b: R^n").function()(A=-np.eye(2), b=np.ones(2))


def test_a_singular_matrix_is_named_after_a_call_that_fits() -> None:
    f = derivative("b'*inv(A)*b", "b", where="A: R^{n x n}; b: R^n").function()
    f(A=np.eye(2), b=np.ones(2))
    with pytest.raises(DomainError, match="singular"):
        f(A=np.zeros((2, 2)), b=np.ones(2))


# --- sizes -----------------------------------------------------------------------------------------

FACTORIZATION = ("norm2(T-U*V')^2", "U", "T: R^{n x m}; U: R^{n x k}; V: R^{m x k}")


def test_a_thin_factor_is_multiplied_with_itself_first() -> None:
    text, by, where = FACTORIZATION
    D = derivative(text, by, where=where)
    assert "T @ V" in D.source(sizes={"n": 500, "m": 500, "k": 5})
    assert "T @ V" not in D.source(sizes={"n": 5, "m": 5, "k": 500})
    with pytest.raises(UnknownNameError, match="dimension k"):
        D.source(sizes={"n": 5, "m": 5})


@pytest.mark.parametrize("sizes", [(3, 4, 2), (200, 150, 3), (3, 4, 200), (130, 2, 140)])
@pytest.mark.parametrize(
    "text, by",
    [
        ("norm2(T-U*V')^2", ["U"]),
        ("norm2(T-U*V')^2", ["U", "c"]),
        ("logsumexp(T*c + T*c)", ["c", "c"]),
        ("sum(log(1+exp(T*c)))", ["c", "c"]),
        ("sum((T*c).^4)", ["c", "c"]),
        ("sum(sigmoid(T*c))", ["c", "c"]),
        ("norm2(T*(c - V*a))^2", ["a"]),
    ],
)
def test_the_sizes_change_the_way_and_not_the_result(text: str, by: list[str], sizes: tuple[int, ...]) -> None:
    n, m, k = sizes
    rng = np.random.default_rng(0)
    shapes = {"T": (n, m), "U": (n, k), "V": (m, k), "c": (m,), "a": (k,)}
    arrays = {name: rng.normal(size=shape) / shape[-1] for name, shape in shapes.items()}
    D = derivative(text, by, where="T: R^{n x m}; U: R^{n x k}; V: R^{m x k}; c: R^m; a: R^k")
    f = D.function()
    needed = {a.name: arrays[a.name] for a in f.compiled.arguments}
    generic = f.compiled.function(*needed.values())
    for _ in range(2):
        np.testing.assert_allclose(f(**needed), generic, rtol=1e-9, atol=1e-12)


def test_weights_that_may_be_negative_have_no_root() -> None:
    D = derivative("sum((X*w).^3)", ["w", "w"], where="X: R^{m x n}; w: R^n")
    assert "sqrt" not in D.source(sizes={"m": 500, "n": 500})
    D = derivative("sum((X*w).^4)", ["w", "w"], where="X: R^{m x n}; w: R^n")
    assert "sqrt" in D.source(sizes={"m": 500, "n": 500})
    assert "sqrt" not in D.source(sizes={"m": 40, "n": 40})


# --- value and derivative --------------------------------------------------------------------------


def test_value_and_derivative_share_their_work() -> None:
    D, data = derivative(LOGISTIC, "w", where=DATA), logistic()
    value, slope = D.value_and_derivative(**data)
    np.testing.assert_allclose(value, np.sum(np.log1p(np.exp(-data["y"] * (data["X"] @ data["w"])))))
    np.testing.assert_array_equal(slope, D.function()(**data))
    assert D.values(**data).value == value
    assert D._compiled(value=True).compiled.source.count("X @ w") == 1


def test_the_value_of_an_array_keeps_its_axes() -> None:
    D = derivative("r*A", "A", where="r: R^{1 x n}; A: R^{n x m}")
    rng = np.random.default_rng(0)
    r, A = rng.normal(size=(1, 3)), rng.normal(size=(3, 2))
    value, slope = D.values(r=r, A=A)
    np.testing.assert_allclose(value, r @ A)
    assert slope.shape == (2, 6)


def test_an_inverse_is_shared_by_value_and_derivative() -> None:
    D = derivative("y'*inv(X)*y + logdet(X)", "X", where="X: R^{n x n} spd; y: R^n")
    rng = np.random.default_rng(0)
    X, y = np.cov(rng.normal(size=(4, 20))) + np.eye(4), rng.normal(size=4)
    value, slope = D.values(X=X, y=y)
    inverse = np.linalg.inv(X)
    np.testing.assert_allclose(value, y @ inverse @ y + np.log(np.linalg.det(X)))
    np.testing.assert_allclose(slope, inverse - inverse @ np.outer(y, y) @ inverse)
    source = D._compiled(value=True).compiled.source
    assert source.count("cho_factor") == 1
    assert "np.linalg" not in source


# --- operators -------------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", ["numerator", "denominator", "mixed"])
@pytest.mark.parametrize("vec", ["column", "row"])
def test_operators_honour_layout_and_stacking(layout: str, vec: str) -> None:
    where = "A: R^{m x n}; X: R^{n x p}; B: R^{p x q}"
    rng = np.random.default_rng(0)
    A, X, B = rng.normal(size=(2, 3)), rng.normal(size=(3, 4)), rng.normal(size=(4, 5))
    J = derivative("A*X*B", "X", where=where, layout=layout, vec=vec).operator(A=A, X=X, B=B)
    kron = np.kron(B.T, A) if vec == "column" else np.kron(A, B.T)
    expected = kron.T if layout == "denominator" else kron
    v = rng.normal(size=expected.shape[1])
    np.testing.assert_allclose(J @ v, expected @ v)
    np.testing.assert_allclose(J.todense(), expected)
    assert J.structure == "Kronecker"


def test_hessian_vector_products_without_the_hessian() -> None:
    H = hessian(LOGISTIC, "w", where=DATA)
    data = logistic()
    v, h = np.array([1.0, -2.0, 0.5]), 1e-6
    slope = derivative(LOGISTIC, "w", where=DATA).function()
    moved = [slope(**{**data, "w": data["w"] + s * h * v}) for s in (1, -1)]
    np.testing.assert_allclose(H.operator(**data) @ v, (moved[0] - moved[1]) / (2 * h), rtol=1e-6, atol=1e-8)


def test_inputs_that_an_operator_does_not_need_are_left_aside() -> None:
    J = derivative("A*x", "x", where="A: R^{m x n}; x: R^n").operator(A=np.ones((2, 3)), x=np.zeros(3))
    np.testing.assert_array_equal(J @ np.ones(3), [3, 3])


def test_a_tensor_is_no_operator() -> None:
    with pytest.raises(LayoutError, match="no operator"):
        derivative("A*x", "x", where="A: R^{m x n}; x: R^n", layout="tensor").operator(A=np.eye(2), x=np.ones(2))


# --- text ------------------------------------------------------------------------------------------


def test_the_docstring_says_formula_layout_and_shapes() -> None:
    source = derivative("A*X*B", "X", where="A: R^{m x n}; X: R^{n x p}; B: R^{p x q}").source()
    doc = ast.get_docstring(ast.parse(source).body[-1]) or ""  # type: ignore[arg-type]
    for part in ("kron(B', A)", "mixed layout", "m*q x n*p", "A: R^{m x n}"):
        assert part in doc


SELF_TESTS = [
    (LOGISTIC, "w", DATA, "mixed"),
    (LOGISTIC, ["w", "w"], DATA, "mixed"),
    ("A*X*B", "X", "A: R^{m x n}; X: R^{n x p}; B: R^{p x q}", "denominator"),
    ("r*A", "r", "r: R^{1 x n}; A: R^{n x m}", "numerator"),
    ("tr(inv(S))", "S", "S: R^{n x n} spd", "mixed"),
    ("a'*L*b", "L", "L: R^{n x n} lower; a, b: R^n", "mixed"),
    ("lambda*x", "lambda", "lambda: R; x: R^n", "tensor"),
]


@pytest.mark.parametrize("text, by, where, layout", SELF_TESTS)
def test_a_pasted_function_tests_itself(text: str, by: str, where: str, layout: str) -> None:
    source = derivative(text, by, where=where, layout=layout).source(self_test=True)
    exec(compile(source, "pasted", "exec"), {"__name__": "__main__"})
    assert "__main__" in source


def test_a_wrong_function_fails_its_self_test(tmp_path: Path) -> None:
    source = derivative("x'*x", "x", where="x: R^n").source(self_test=True)
    (tmp_path / "wrong.py").write_text(source.replace("return 2 * x", "return 3 * x"))
    run = subprocess.run([sys.executable, "wrong.py"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert "does not agree" in run.stderr


def test_a_self_test_is_numpy() -> None:
    with pytest.raises(DomainError, match="NumPy"):
        derivative("x'*x", "x", where="x: R^n").source("jax", self_test=True)


def test_the_page_says_what_happens(capsys: pytest.CaptureFixture[str]) -> None:
    page = (Path(__file__).parents[1] / "docs" / "evaluation.md").read_text(encoding="utf-8")
    first, printed, factors, operators = (part.partition("```")[0] for part in page.split("```python\n")[1:5])
    namespace: dict[str, object] = {}
    exec(first, namespace)
    assert capsys.readouterr().out.strip() == printed.strip()
    exec(factors, namespace)
    assert capsys.readouterr().out.strip() == "[i = k]*F1[j, l]"
    V = namespace["V"]
    np.testing.assert_allclose(namespace["dense"], 2 * np.einsum("ik,jl->ijkl", np.eye(4), V.T @ V))  # type: ignore
    exec(operators, namespace)
    assert capsys.readouterr().out.strip() == "Kronecker (8, 15)"
    np.testing.assert_allclose(namespace["M"] @ np.ones(15), namespace["v"])  # type: ignore[operator]


# --- other libraries -------------------------------------------------------------------------------

TRANSLATED = [
    ("softmax(x)", "x", "x: R^n", ".add(t1)", "torch.softmax(x, dim=-1)"),
    ("relu(x)", "x", "x: R^n", "jnp.diag(", "torch.diag("),
    ("norm2(T-U*V')^2", ["U", "U"], "T: R^{n x m}; U: R^{n x k}; V: R^{m x k}", ".at[", "torch.arange("),
    (LOGISTIC, "w", DATA, "jax.scipy.special.expit(", "torch.sigmoid("),
    ("y'*inv(X)*y + logdet(X)", "X", "X: R^{n x n} spd; y: R^n", "cho_factor(X)", "torch.cholesky_inverse("),
    ("sum(max(x, 0.5))", "x", "x: R^n", "x >= 0.5", "x >= 0.5"),
]


@pytest.mark.parametrize("text, by, where, jax, torch", TRANSLATED)
def test_text_in_other_words(text: str, by: str, where: str, jax: str, torch: str) -> None:
    D = derivative(text, by, where=where)
    for backend, part in (("jax", jax), ("torch", torch)):
        source = D.source(backend)
        ast.parse(source)
        assert part in source
        assert "np." not in source.replace("jnp.", "")
        assert f"import {backend}" in source


def test_jax_text_writes_to_no_array() -> None:
    for text in ("softmax(x)", "x/norm2(x)", "x.*x"):
        tree = ast.parse(derivative(text, "x", where="x: R^n").source("jax"))
        for node in ast.walk(tree):
            assert not isinstance(node, ast.AugAssign)
            assert not (isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript))


def test_what_a_library_cannot_say_is_named() -> None:
    with pytest.raises(DomainError, match=r"PyTorch has no np\.convolve"):
        derivative("sum(conv(x, h).^2)", "x", where="x: R^n; h: R^k").source("torch")
    with pytest.raises(UnknownNameError, match="no backend 'jx'") as caught:
        derivative("x", "x", where="x: R^n").function("jx")
    assert "jax" in (caught.value.hint or "")


def test_a_missing_library_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    D = derivative("x'*x", "x", where="x: R^n")
    with pytest.raises(SymgradError, match="torch is not installed") as caught:
        D.function("torch")
    assert "pip install torch" in (caught.value.hint or "")


RUN = [
    *((t, b, w) for t, b, w, *_ in TRANSLATED),
    ("softmax(x)", "x", "x: R^n"),
    ("logsumexp(A*x)", ["x", "x"], "A: R^{m x n}; x: R^n"),
    ("A*X*B", "X", "A: R^{m x n}; X: R^{n x p}; B: R^{p x q}"),
    ("X'", "X", "X: R^{n x p}"),
    ("rowsoftmax(X)", "X", "X: R^{n x p}"),
    ("tr(inv(X)*A)", "X", "A, X: R^{n x n}"),
    ("expm(X)", "X", "X: R^{n x n}"),
    ("x'*x*ones(n)", "x", "x: R^n"),
    ("sum(gelu(x) + elu(x) + softplus(x))", "x", "x: R^n"),
    ("max(x)", "x", "x: R^n"),
]


@pytest.mark.parametrize("backend", ["jax", "torch"])
@pytest.mark.parametrize("text, by, where", RUN)
def test_other_libraries_give_the_same_numbers(text: str, by: str, where: str, backend: str) -> None:
    pytest.importorskip(backend)
    D = derivative(text, by, where=where)
    sizes, rng = {"m": 3, "n": 4, "p": 2, "q": 5, "k": 2}, np.random.default_rng(0)
    arrays = {}
    for name, d in D.program.declared.items():
        shape = [sizes[str(s)] for s in (d.rows, d.columns) if s != 1]
        arrays[name] = rng.uniform(0.2, 0.9, shape).astype(np.float32)
        if "spd" in d.properties:
            arrays[name] = arrays[name] @ arrays[name].T + np.eye(shape[0], dtype=np.float32)
    expected, found = D.function()(**arrays), D.function(backend)(**arrays)
    assert "float32" in str(found.dtype)
    np.testing.assert_allclose(np.asarray(found), expected, rtol=2e-4, atol=2e-5)


def test_jax_functions_can_be_traced() -> None:
    jax = pytest.importorskip("jax")
    f = derivative(LOGISTIC, "w", where=DATA).function("jax")
    data = {k: v.astype(np.float32) for k, v in logistic().items()}
    np.testing.assert_allclose(jax.jit(lambda d: f(**d))(data), f(**data), rtol=1e-5)
    batch = np.stack([data["w"], 2 * data["w"]])
    mapped = jax.vmap(lambda w: f(y=data["y"], X=data["X"], w=w))(batch)
    np.testing.assert_allclose(mapped[1], f(**{**data, "w": batch[1]}), rtol=1e-5)
    with pytest.raises(ShapeError, match="w has shape"):
        jax.jit(lambda w: f(y=data["y"], X=data["X"], w=w))(np.ones(5, np.float32))


# --- numbers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text, at_low, at_high",
    [
        ("softplus(s)", 0, 1),
        ("log(1+exp(s))", 0, 1),
        ("sigmoid(s)", 0, 0),
        ("log(sigmoid(s))", 1, 0),
        ("1/(1+exp(-s))", 0, 0),
        ("tanh(s)", 0, 0),
        ("log(exp(s) + 1)", 0, 1),
    ],
)
def test_extreme_arguments_stay_finite(text: str, at_low: float, at_high: float) -> None:
    D = derivative(text, "s", where="s: R")
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        for s, expected in ((-1000.0, at_low), (1000.0, at_high)):
            value, slope = D.values(s=s)
            assert np.isfinite(value)
            assert slope == pytest.approx(expected, abs=1e-12)


def test_extreme_vectors_stay_finite() -> None:
    x = np.array([1000.0, -1000.0, 999.0])
    p = np.array([1 / (1 + np.exp(-1)), 0, 1 / (1 + np.exp(1))])
    where = "x: R^n"
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        for text in ("logsumexp(x)", "log(sum(exp(x)))"):
            value, slope = gradient(text, "x", where=where).values(x=x)
            assert value == pytest.approx(1000 + np.log1p(np.exp(-1)))
            np.testing.assert_allclose(slope, p, atol=1e-12)
        for text in ("logsoftmax(x)", "log(softmax(x))"):
            np.testing.assert_allclose(derivative(text, "x", where=where).function()(x=x), np.eye(3) - p, atol=1e-12)
        data = logistic()
        loss, slope = derivative(LOGISTIC, "w", where=DATA).values(**{**data, "w": 1e4 * data["w"]})
        assert np.isfinite(loss)
        assert np.isfinite(slope).all()


def test_positive_definite_matrices_are_solved_by_cholesky() -> None:
    where = "S: R^{n x n} spd; b: R^n; B: R^{n x m}"
    rng = np.random.default_rng(0)
    S, B, b = np.cov(rng.normal(size=(4, 30))), rng.normal(size=(4, 3)), rng.normal(size=4)
    D = derivative("b'*inv(S)*b", "b", where="S: R^{n x n} spd; b: R^n")
    assert "cho_solve" in D.source()
    np.testing.assert_allclose(D.function()(S=S, b=b), 2 * linalg.solve(S, b, assume_a="pos"))
    D = derivative("inv(S)*(b + B*ones(m))", "b", where=where)
    np.testing.assert_allclose(D.function()(S=S, B=B, b=b), np.linalg.inv(S))
    single = derivative("logdet(S)", "S", where="S: R^{n x n} spd").values(S=S.astype(np.float32))
    assert {single.value.dtype, single.derivative.dtype} == {np.dtype(np.float32)}
    np.testing.assert_allclose(single.value, np.linalg.slogdet(S)[1], rtol=1e-4)


DIAGONALS = [("X*B", "X", "X: R^{m x n}; B: R^{n x p}"), ("diag(x) - x*x'", "x", "x: R^n")]


@pytest.mark.parametrize("text, by, where", DIAGONALS)
def test_torch_functions_are_differentiated_and_mapped(text: str, by: str, where: str) -> None:
    torch = pytest.importorskip("torch")
    D = derivative(text, by, where=where)
    f, inputs = D.function("torch"), D.program.declared
    sizes = {"m": 2, "n": 3, "p": 4}
    name = D.function().compiled.arguments[-1].name
    rng = np.random.default_rng(0)
    shapes = {n: [sizes[str(a)] for a in (d.rows, d.columns) if a != 1] for n, d in inputs.items()}
    data = {n: rng.normal(size=s) for n, s in shapes.items()}
    given = {n: torch.tensor(a) for n, a in data.items()}
    stacked = torch.func.vmap(lambda a: f(**{**given, name: a}))(torch.stack([given[name], 2 * given[name]]))
    np.testing.assert_allclose(stacked[1], D.function()(**{**data, name: 2 * data[name]}))
    leaf = given[name].clone().requires_grad_(True)
    f(**{**given, name: leaf}).sum().backward()
    step = rng.normal(size=data[name].shape)
    ahead, behind = (D.function()(**{**data, name: data[name] + h * step}).sum() for h in (1e-6, -1e-6))
    np.testing.assert_allclose((leaf.grad.numpy() * step).sum(), (ahead - behind) / 2e-6, rtol=1e-5, atol=1e-6)


def test_sizes_come_from_arrays_of_the_function_and_not_from_what_is_merely_declared():
    where = "A: R^{p x m}; X: R^{m x n}; x: R^n; y: R^n"
    J = derivative("X*x", "X", where=where)
    X, x = np.arange(6.0).reshape(2, 3), np.array([1.0, -2.0, 3.0])
    assert np.array_equal(J.function()(X=X, x=x), np.kron(x, np.eye(2)))
    assert np.array_equal(J.tensor(X=X, x=x), np.einsum("ij,k->ijk", np.eye(2), x))
    assert np.array_equal(J.operator(X=X, x=x).todense(), np.kron(x, np.eye(2)))
    with pytest.raises(UnknownNameError, match="z is not an input"):
        J.function()(X=X, z=x)
    with pytest.raises(SymgradError, match="no array is given for x"):
        J.function()(X=X, y=x)


@pytest.mark.parametrize(("n", "k"), [(4, 3), (3, 3), (1, 2)])
def test_a_size_that_only_other_inputs_tell(n: int, k: int) -> None:
    """The Jacobian by the filter holds x alone, whose length n + k - 1 does not say n."""
    result = derivative("convvalid(x, h)", "h", where="x: R^{n+k-1}; h: R^k")
    x = np.arange(1.0, n + k)
    wanted = np.array([[x[i + k - 1 - j] for j in range(k)] for i in range(n)])
    np.testing.assert_array_equal(result.tensor(x=x, h=np.ones(k)), wanted)
    np.testing.assert_array_equal(result.tensor(x=x, n=n, k=k), wanted)
    with pytest.raises(UnknownNameError, match="is needed as a number"):
        result.tensor(x=x)
