"""Block arrays and their parts: `[A, B; C, D]`, `x[1:n]`, `X[1:m, 2]`; answers by hand, numbers by NumPy."""

from __future__ import annotations

import random

import numpy as np
import pytest
import sympy

import symgrad as sg
from symgrad.errors import SymgradError
from symgrad.notation.grammar import parse
from symgrad.notation.text import text
from symgrad.tensor.dims import letter, plus
from symgrad.tensor.windows import apart, inside, never_negative

WHERE = (
    "A: R^{m x n}; B: R^{m x q}; C: R^{p x n}; D: R^{p x q}; P: R^{n x n}; Q: R^{n x q}; R: R^{q x q}; x, w: R^n; "
    "y: R^q; u: R^m; v: R^p; s, t: R; M: R^{m+p x n+q}; N: R^{n+q x n+q}; z: R^{n+q}; L: R^{m x n+1}"
)
SIZES = [{"m": 3, "n": 4, "p": 2, "q": 5}, {"m": 3, "n": 3, "p": 3, "q": 3}]


def arrays(sizes: dict[str, int]) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(sum(sizes.values()))
    shapes = {
        "A": "mn", "B": "mq", "C": "pn", "D": "pq", "P": "nn", "Q": "nq", "R": "qq", "x": "n", "w": "n", "y": "q",
        "u": "m", "v": "p", "s": "", "t": "",
    }  # fmt: skip
    found = {name: rng.normal(size=tuple(sizes[a] for a in shape)) for name, shape in shapes.items()}
    m, n, p, q = (sizes[a] for a in "mnpq")
    found["P"], found["R"] = found["P"] + 4 * np.eye(n), found["R"] + 4 * np.eye(q)
    return found | {
        "M": rng.normal(size=(m + p, n + q)),
        "N": rng.normal(size=(n + q, n + q)) + 5 * np.eye(n + q),
        "z": rng.normal(size=n + q),
        "L": rng.normal(size=(m, n + 1)),
    }


# --- answers written by hand ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "wrt", "answer"),
    [
        ("[A, B; C, D]*[x; y]", "x", "[A; C]"),
        ("[A, B; C, D]*[x; y]", "y", "[B; D]"),
        ("[A, B; C, D]*z", "z", "[A, B; C, D]"),
        ("[x; y]", "y", "[zeros(n, q); eye(q)]"),
        ("[x; y]'*[x; y]", "x", "2*x"),
        ("norm2([x; y])", "y", "y/norm2([x; y])"),
        ("norm2(M*[x; y])^2", "y", "2*M[:, n+1:n+q]'*M*[x; y]"),
        ("norm2(L*[x; 1] - u)^2", "L", "2*(L*[x; 1] - u)*[x; 1]'"),
        ("norm2(L*[x; 1] - u)^2", "x", "2*L[:, 1:n]'*(L*[x; 1] - u)"),
        ("tr([A, B; C, D]'*M)", "B", "M[1:m, n+1:n+q]"),
        ("tr([A; C]*[A; C]')", "C", "2*C"),
        ("[x; y]'*[P, Q; Q', R]*[x; y]", "Q", "2*x*y'"),
        ("[x; y]'*[P, Q; Q', R]*[x; y]", "x", "2*Q*y + (P + P')*x"),
        ("z'*[s, x'; x, P]*z", "s", None),
        ("sum(exp([A, B; C, D]))", "D", "exp(D)"),
        ("relu([A*x; C*x])", "x", "[diag([A*x > 0])*A; diag([C*x > 0])*C]"),
        ("logsumexp([x; y])", "y", "softmax([x; y])[n+1:n+q]"),
        ("logdet([P, Q; Q', R])", "P", "inv([P, Q; Q', R])[1:n, 1:n]'"),
        ("s*[x; y]", "s", "[x; y]"),
        ("[s; t; s]", "s", "[1; 0; 1]"),
        ("z[1:n]'*x", "z", "[x; zeros(q)]"),
        ("z[1:n]'*x", "x", "z[1:n]"),
        ("x[2]*x", "w", "zeros(n, n)"),
        ("z[n+1:n+q]", "z", "[zeros(q, n), eye(q)]"),
        ("u'*A[:, 2]", "A", "u*e(2, n)'"),
        ("M[1:m, :]*z", "z", "M[1:m, :]"),
        ("A[1, 2]", "A", "e(1, m)*e(2, n)'"),
        ("max([x; y])", "y", "firstmax([x; y])[n+1:n+q]"),
        ("kron([s; t], x)", "x", "kron([s; t], eye(n))"),
    ],
)
def test_answers(expression: str, wrt: str, answer: str | None) -> None:
    where = WHERE if answer else "s: R; x: R^n; P: R^{n x n}; z: R^{n+1}"
    result = sg.derivative(expression, wrt, where=where)
    assert result.matrix_form
    assert str(result) == (answer or "z[1]^2")


# --- numbers ----------------------------------------------------------------------------------------


def stacked(*parts):  # type: ignore[no-untyped-def]
    return np.concatenate([np.atleast_1d(p) for p in parts])


VALUES = {
    "[A, B; C, D]*z": lambda a: np.block([[a["A"], a["B"]], [a["C"], a["D"]]]) @ a["z"],
    "logdet([P, Q; Q', R])": lambda a: np.linalg.slogdet(np.block([[a["P"], a["Q"]], [a["Q"].T, a["R"]]]))[1],
    "inv([P, Q; Q', R])*[x; y]": lambda a: np.linalg.solve(
        np.block([[a["P"], a["Q"]], [a["Q"].T, a["R"]]]), stacked(a["x"], a["y"])
    ),
    "tanh([x; s; y])": lambda a: np.tanh(stacked(a["x"], a["s"], a["y"])),
    "softmax([A*x; v]).*[u; C*x]": lambda a: (
        lambda k: np.exp(k) / np.exp(k).sum() * stacked(a["u"], a["C"] @ a["x"])
    )(stacked(a["A"] @ a["x"], a["v"])),
    "norm2([x, w]*[s; t])": lambda a: np.linalg.norm(a["x"] * a["s"] + a["w"] * a["t"]),
    "det([x, w]'*[x, w])": lambda a: np.linalg.det(
        np.stack([a["x"], a["w"]]) @ np.stack([a["x"], a["w"]]).T
    ),
    "kron([x; y], u)": lambda a: np.kron(stacked(a["x"], a["y"]), a["u"]),
    "diag([x; y])*z": lambda a: stacked(a["x"], a["y"]) * a["z"],
    "M[1:m, :]*z + u": lambda a: a["M"][: len(a["u"])] @ a["z"] + a["u"],
    "M[2, :]*z*z[1]": lambda a: a["M"][1] @ a["z"] * a["z"][0],
    "norm2(z[2:n] - x[2:n])^2": lambda a: ((a["z"][1 : len(a["x"])] - a["x"][1:]) ** 2).sum(),
    "N[1:n, 1:n]*inv(P)*N[1:n, n+1:n+q]*y": lambda a: (
        lambda n: a["N"][:n, :n] @ np.linalg.solve(a["P"], a["N"][:n, n:] @ a["y"])
    )(len(a["x"])),
    "sum(rowsoftmax([A, B]).*[B, A])": lambda a: (
        lambda K: (np.exp(K) / np.exp(K).sum(1, keepdims=True) * np.hstack([a["B"], a["A"]])).sum()
    )(np.hstack([a["A"], a["B"]])),
    "[[x; s], [w; t]]'*[x; s]": lambda a: np.stack([stacked(a["x"], a["s"]), stacked(a["w"], a["t"])])
    @ stacked(a["x"], a["s"]),
    "[P, zeros(n, q); zeros(q, n), R]^2*[x; y]": lambda a: stacked(a["P"] @ a["P"] @ a["x"], a["R"] @ a["R"] @ a["y"]),
    "vec([A, B])'*vec([A, B])": lambda a: (a["A"] ** 2).sum() + (a["B"] ** 2).sum(),
    "var([x; y])": lambda a: stacked(a["x"], a["y"]).var(),
}  # fmt: skip


def differences(function, given, wrt: str):  # type: ignore[no-untyped-def]
    """Central differences, the output's axes first."""
    base, columns = given[wrt], []
    for k in np.ndindex(base.shape):
        step = np.zeros(base.shape)
        step[k] = 1e-5
        up, down = (np.asarray(function({**given, wrt: base + sign * step})) for sign in (1, -1))
        columns.append((up - down) / 2e-5)
    found = np.stack(columns, axis=-1)
    return np.reshape(found, (*found.shape[:-1], *base.shape))


@pytest.mark.parametrize("expression", VALUES)
@pytest.mark.parametrize("sizes", SIZES, ids=["distinct", "square"])
def test_derivatives_against_differences_of_numpy(expression: str, sizes: dict[str, int]) -> None:
    given = arrays(sizes)
    value = sg.program(expression, WHERE)
    used = [name for name in given if name in {str(n) for n in _names(expression)}]
    for wrt in used:
        result = sg.derivative(value, wrt)
        found = result.tensor(**given)
        wanted = differences(VALUES[expression], given, wrt)
        np.testing.assert_allclose(np.reshape(found, wanted.shape), wanted, rtol=1e-6, atol=1e-7, err_msg=wrt)
        if result.matrix_form:
            _same_in_sympy(result, given)


def _names(expression: str) -> list[str]:
    from symgrad.notation.tree import names

    return names(parse(expression))


def _same_in_sympy(result, given) -> None:  # type: ignore[no-untyped-def]
    """lambdify of D.expr gives the numbers of D.function."""
    expression = result.expr
    free = sorted(expression.free_symbols, key=str)
    values = [given[a.name].reshape(-1, 1) if given[a.name].ndim == 1 else given[a.name] for a in free]
    found = np.asarray(sympy.lambdify(free, expression, modules=sg.numpy_modules)(*values), dtype=float)
    wanted = result.function()(**given)
    np.testing.assert_allclose(found.reshape(np.shape(wanted)), wanted, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("expression", ["[A, B; C, D]*z", "tanh([x; s; y])", "logdet([P, Q; Q', R])", "M[2, :]*z*z[1]"])
def test_the_witnesses_agree(expression: str) -> None:
    for wrt in _names(expression):
        if wrt in WHERE:
            assert sg.derivative(expression, wrt, where=WHERE).check().ok


def test_second_derivatives() -> None:
    given = arrays(SIZES[0])
    result = sg.derivative("norm2([A, B]*[x; y])^2", ["x", "y"], where=WHERE)
    np.testing.assert_allclose(result.tensor(**given), 2 * given["A"].T @ given["B"], rtol=1e-12)
    assert str(sg.derivative("norm2([A, B]*z)^2", ["z", "z"], where=WHERE)) == "2*[A, B]'*[A, B]"
    assert str(sg.derivative("[x; y]'*[x; y]", ["x", "y"], where=WHERE)) == "zeros(n, q)"


def test_generated_code_slices_and_writes_in_place() -> None:
    source = sg.derivative("relu([A*x; C*x])", "x", where=WHERE).source()
    assert "arange" not in source and ".copy()" not in source and source.count("np.zeros") == 1
    assert "M[:m][:, :n]" in sg.derivative("tr([A, B; C, D]'*M)", "A", where=WHERE).source()


# --- equality, printing, reading --------------------------------------------------------------------


def test_equality() -> None:
    assert sg.equal("[x; y]'*[x; y]", "x'*x + y'*y", where=WHERE).proved
    assert sg.equal("[A, B; C, D]'", "[A', C'; B', D']", where=WHERE).proved
    assert sg.equal("[A, B; C, D]*[x; y]", "[A*x + B*y; C*x + D*y]", where=WHERE).proved
    assert sg.equal("[z[1:n]; z[n+1:n+q]]", "z", where=WHERE).proved
    assert sg.equal("rows(columns(M, 1, n), 1, m)", "M[1:m, 1:n]", where=WHERE).proved
    assert not sg.equal("[x; y]'*[x; y]", "x'*x - y'*y", where=WHERE)


@pytest.mark.parametrize(
    "written",
    ["[A, B; C, D]", "[x; y]", "[A, B]", "[[x; s], [y; t]]", "[[a > b], x]'", "x[1:n]", "x[2]", "X[1:m, n+1:n+q]",
     "X[:, 2]", "X[2, :]", "inv(X)[1:2, 1:2]", "(A + B)[1:2, :]", "[x; y][1:2]", "2*[x; -y]", "[A, [B; C]]*x[1:2]"],
)  # fmt: skip
def test_text_round_trip(written: str) -> None:
    assert text(parse(written)) == written


def test_how_brackets_bind() -> None:
    assert text(parse("A*x[1:n]'")) == "A*x[1:n]'"
    assert text(parse("(A*x)[1:n]^2")) == "(A*x)[1:n]^2"
    assert text(parse("(x)[x > 0]")) == "x*[x > 0]"
    assert text(parse("[A,\nB;\n C, D]")) == "[A, B; C, D]"
    assert str(sg.program("k = [x; y]; k'*k", WHERE).lines[-1].value.op) == "multiply"


def test_latex() -> None:
    assert sg.derivative("[A, B; C, D]*z", "z", where=WHERE).latex() == r"\begin{bmatrix} A & B \\ C & D \end{bmatrix}"
    assert sg.derivative("M*[x; y]", "y", where=WHERE).latex() == r"{M}_{:,\,n+1:n+q}"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (r"\begin{bmatrix} A & B \\ C & D \end{bmatrix} z", "[A, B; C, D]*z"),
        (r"\begin{pmatrix} x \\ y \\ \end{pmatrix}^\top z", "[x; y]'*z"),
        ("\\left\\lVert \\begin{matrix}\n x \\\\\n y\n\\end{matrix} - z \\right\\rVert_2^2", "norm2([x; y] - z)^2"),
        (r"{M}_{1:m,\,n+1:n+q} y", "M[1:m, n+1:n+q]*y"),
        (r"{M}_{:, 2}^\top {M}_{:, 1}", "M[:, 2]'*M[:, 1]"),
        (r"{z}_{2} {z}_{1:n}", "z[2]*z[1:n]"),
    ],
)
def test_latex_is_read(written: str, meant: str) -> None:
    assert text(sg.program(written, WHERE).lines[0].value) == meant


@pytest.mark.parametrize("expression", ["relu([A*x; C*x])", "M[:, n+1:n+q]*y", "s*z[1]*x[2]", "softmax([x; y])"])
def test_latex_of_answers_is_read_back(expression: str) -> None:
    for wrt in _names(expression):
        if wrt in ("A", "C", "M", "x", "y", "z", "s"):
            result = sg.derivative(expression, wrt, where=WHERE)
            assert sg.equal(sg.program(result.latex(), WHERE).text, str(result), where=WHERE)


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("[A, C]", "blocks beside one another have the same number of rows, not m and p"),
        ("[x; A]", "blocks under one another have the same number of columns, not 1 and n"),
        ("[A]", "a comparison or blocks"),
        ("M[1:2]", "two places are wanted of a matrix"),
        ("z[0]", "there are no rows 0 to 0 of n . q"),
        ("z[n+1:n+q+1]", "there are no rows n . 1 to n . q . 1"),
        ("z[3:2]", "there are no rows 3 to 2"),
        ("z[s:2]", "s is a variable"),
        ("z[1:k]", "k is not a declared dimension"),
    ],
)
def test_errors(written: str, message: str) -> None:
    with pytest.raises(SymgradError, match=message):
        sg.derivative(written, "x", where=WHERE)


def test_sizes_of_undeclared_blocks() -> None:
    """A sum of sizes is found where one of them is unknown; of several it is asked for."""
    result = sg.derivative("norm2([A*x; y] - b)^2", "x")
    assert str(result) == "2*A'*(A*x - b[1:m])"
    assert result.assumed == ("A: R^{m x n}", "x: R^n", "y: R^p", "b: R^{m + p}")
    assert sg.derivative("norm2(W*[x; 1])^2", "W").assumed == ("W: R^{m x n + 1}", "x: R^n")
    with pytest.raises(SymgradError, match="declare the names"):
        sg.derivative("[A, B]*[x; y]", "x")


def test_places_that_do_not_exist_are_an_error_when_numbers_are_there() -> None:
    """x[2:5] of three entries: never a shorter array in silence."""
    result = sg.derivative("x[2:5]'*x[2:5]", "x", where="x: R^n")
    np.testing.assert_allclose(result.function()(x=np.arange(6.0)), [0, 2, 4, 6, 8, 0])
    with pytest.raises(SymgradError):
        result.function()(x=np.arange(3.0))
    with pytest.raises(SymgradError):
        sg.program("x[2:5]'*x[2:5]", "x: R^n").forward(x=np.arange(3.0))


# --- dimensions -------------------------------------------------------------------------------------


def test_places_are_compared_for_all_sizes() -> None:
    n, k = letter("n"), letter("k")
    assert never_negative(plus(n, -1)) and not never_negative(plus(n, -2)) and not never_negative(plus(n, -1, -1))
    assert apart(0, n, n, k) and apart(n, k, 0, n) and not apart(0, n, k, k)
    assert inside(0, n, 0, plus(n, k)) and not inside(0, n, 0, k)


# --- SymPy ------------------------------------------------------------------------------------------


def test_parts_and_blocks_in_sympy() -> None:
    n, m = sympy.symbols("n m", integer=True, positive=True)
    X, N = sympy.MatrixSymbol("X", n, n), sympy.MatrixSymbol("N", n + m, n + m)
    cut = sg.rows(N, 1, n)
    assert cut.shape == (n, n + m) and str(cut) == "N[0:n, :]" and str(sg.columns(cut, 2, 3)) == "N[0:n, 1:3]"
    assert cut[0, 1] == N[0, 1] and sg.columns(N, n + 1, n + m)[0, 1] == N[0, n + 1]
    assert sympy.latex(cut) == "{N}_{1:n,:}"
    trace = sympy.Trace(sympy.BlockMatrix([[X, X], [X, X]]) ** 2)
    assert str(sg.derivative(trace, X)) == "8*X'"
    with pytest.raises(SymgradError, match="no derivative of Part"):
        sympy.Trace(sg.columns(cut, 1, n)).diff(N)
    assert isinstance(sg.derivative(sg.vstack(X, X), sympy.Symbol("s")).expr, sympy.MatrixExpr)


def test_a_derivative_that_sympy_did_not_work_out_is_a_request() -> None:
    n = sympy.Symbol("n", integer=True, positive=True)
    X, A = sympy.MatrixSymbol("X", n, n), sympy.MatrixSymbol("A", n, n)
    asked = sympy.Derivative(sympy.Trace(X * A * X), X)
    assert str(sg.derivative(asked)) == "A'*X' + X'*A'"
    assert sg.derivative(asked, A).wrt == ("X", "A")
    s = sympy.Symbol("s", real=True)
    assert str(sg.derivative(sympy.Derivative(s**3, (s, 2)))) == "6*s"


def test_indexed_bases() -> None:
    n, m = sympy.symbols("n m", integer=True, positive=True)
    i, j = sympy.symbols("i j", integer=True)
    a, b, Y = sympy.IndexedBase("a"), sympy.IndexedBase("b"), sympy.IndexedBase("Y", shape=(n, m))
    form = sympy.Sum(a[i] * Y[i, j] * b[j], (i, 0, n - 1), (j, 0, m - 1))
    assert str(sg.derivative(form, Y)) == "a*b'" and str(sg.derivative(form, a)) == "Y*b"
    assert str(sg.derivative(sympy.Sum(sympy.exp(a[i]), (i, 1, n)), a)) == "exp(a)"
    with pytest.raises(SymgradError, match="from 0 and from 1"):
        sg.derivative(sympy.Sum(a[i], (i, 1, n)) + sympy.Sum(a[i], (i, 0, n - 1)), a)
    with pytest.raises(SymgradError, match="how many entries a has"):
        sg.derivative(a[0] ** 2, a)
    with pytest.raises(SymgradError, match="starts at 1, but"):
        sg.derivative(sympy.Sum(Y[i, 0], (i, 1, n)), Y)


def test_assumptions() -> None:
    n = sympy.Symbol("n", integer=True, positive=True)
    X, x = sympy.MatrixSymbol("X", n, n), sympy.MatrixSymbol("x", n, 1)
    with sympy.assuming(sympy.Q.symmetric(X)):
        assert str(sg.derivative(x.T * X * x, x)) == "2*X*x"
    assert str(sg.derivative(x.T * X * x, x)) == "(X + X')*x"
    with sympy.assuming(sympy.Q.unitary(X)), pytest.raises(SymgradError, match="unitary"):
        sg.derivative(x.T * X * x, x)


# --- random expressions -----------------------------------------------------------------------------


class Drawn:
    """A random expression of blocks and parts, well-shaped by construction; sizes are `n` or `m+n`."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.declared: dict[str, str] = {"um": "R^m", "un": "R^n", "uq": "R^q", "s": "R"}  # every letter is told
        self.text = self.expression(*self.random.choice([("1", "1"), ("n", "1"), ("m+n", "1"), ("n", "q")]), 3)

    def leaf(self, rows: str, columns: str) -> str:
        if (rows, columns) == ("1", "1"):
            return "s"
        if rows == "1":
            return self.leaf(columns, rows) + "'"
        name = f"X{rows}x{columns}_{self.random.randint(1, 2)}".replace("+", "p")
        self.declared[name] = f"R^{{{rows} x {columns}}}" if columns != "1" else f"R^{{{rows}}}"
        return name

    def expression(self, rows: str, columns: str, depth: int) -> str:
        if depth == 0:
            return self.leaf(rows, columns)

        def part(r: str, c: str) -> str:
            return self.expression(r, c, depth - 1)

        other = self.random.choice(["m", "q", "m+n", "q+1"])
        if "+" in rows and self.random.random() < 0.5:
            above, below = rows.split("+")
            return f"[{part(above, columns)}; {part(below, columns)}]"
        if "+" in columns and self.random.random() < 0.5:
            left, right = columns.split("+")
            return f"[{part(rows, left)}, {part(rows, right)}]"
        if (rows, columns) == ("1", "1"):
            return f"norm2({part(other, '1')})^2"
        forms = [
            lambda: f"({part(rows, other)})*({part(other, columns)})",
            lambda: f"({part(rows, columns)} + {part(rows, columns)})",
            lambda: f"({part(rows, columns)}) .* ({part(rows, columns)})",
            lambda: f"tanh({part(rows, columns)}/3)",
        ]
        if "+" not in rows + columns and "1" not in (rows, columns):
            forms += [lambda: f"({part('q+' + rows, columns)})[q+1:q+{rows}, :]", lambda: f"({part(columns, rows)})'"]
        if "+" not in rows and columns == "1" != rows:
            forms.append(lambda: f"({part(rows + '+m', '1')})[1:{rows}]")
        return self.random.choice(forms)()


@pytest.mark.parametrize("seed", range(24))
def test_random_blocks(seed: int) -> None:
    drawn = Drawn(seed)
    for wrt in [name for name in _names(drawn.text) if name in drawn.declared][:2]:
        result = sg.derivative(drawn.text, wrt, where=drawn.declared)
        assert result.check().ok, (drawn.text, wrt, str(result))


@pytest.mark.parametrize(
    ("expression", "wrt", "answer", "right"),
    [
        ("[A, B; C, D]*[x; y]", "x", "[A; C]", True),
        ("[A, B; C, D]*[x; y]", "x", r"\begin{bmatrix} A \\ C \end{bmatrix}", True),
        ("[A, B; C, D]*[x; y]", "x", "[C; A]", False),
        ("[x; y]'*[x; y]", "x", "2*x", True),
        ("[x; y]'*N*[x; y]", "x", "(N*[x; y])[1:n] + (N'*[x; y])[1:n]", True),
        ("norm2(M*[x; y])^2", "y", "2*M[:, 1:q]'*M*[x; y]", False),
        ("norm2(M*[x; y])^2", "y", "2*M[:, n+1:n+q]'*M*[x; y]", True),
    ],
)
def test_answers_with_blocks_are_judged(expression: str, wrt: str, answer: str, right: bool) -> None:
    verdict = sg.check_answer(expression, wrt, answer=answer, where=WHERE)
    assert verdict.correct == right
