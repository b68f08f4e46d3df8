"""SymPy and tree are each other's inverse, and lambdify gives the numbers of the catalogue."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import sympy
from sympy import (
    Abs,
    HadamardPower,
    HadamardProduct,
    Identity,
    KroneckerProduct,
    Lambda,
    Max,
    Min,
    OneMatrix,
    Piecewise,
    Rational,
    Sum,
    Trace,
    ZeroMatrix,
    exp,
    log,
    pi,
    sin,
    tanh,
)
from sympy.matrices.expressions.diagonal import DiagMatrix, DiagonalMatrix, DiagonalOf
from sympy.matrices.expressions.dotproduct import DotProduct

import symgrad.notation.sympy_functions as sg
from symgrad.derivation import derivative
from symgrad.errors import LimitError, ParseError, ShapeError, SymgradError, UnknownNameError
from symgrad.notation.declare import Declaration, declare
from symgrad.notation.grammar import parse
from symgrad.notation.lower import Scope, lower
from symgrad.notation.sympy_door import declaration_of, symbols, to_sympy, to_tree
from symgrad.notation.text import text
from symgrad.notation.tree import Call, Name, Number, Tree, postorder
from symgrad.numeric.evaluate import evaluate
from symgrad.operations.catalogue import record, records
from symgrad.tensor.dims import size_at

WHERE = (
    "x, y, w: R^n; z, b: R^m; u: R^{1 x n}; A, B: R^{n x n}; S: R^{n x n} symmetric; W, X: R^{m x n}; "
    "C: R^{n x p}; s, r: R; t: R positive; v: R^n positive"
)
DECLARED = declare(WHERE)
SIZES = [{"n": 3, "m": 4, "p": 2}, {"n": 3, "m": 3, "p": 3}]
LETTERS = "mnp"


def meaning(tree: Tree, declared: dict[str, Declaration]):  # type: ignore[no-untyped-def]
    """The graph node, and which axes are rows."""
    view = lower(tree, Scope.of(declared, LETTERS))
    return view.node, view.rows


def values(sizes: dict[str, int], declared=DECLARED):  # type: ignore[no-untyped-def]
    """Arrays for every name, all with two axes."""
    rng = np.random.default_rng(sum(sizes.values()))
    found = {}
    for d in declared.values():
        array = rng.uniform(0.2, 0.8, size=(size_at(d.rows, sizes), size_at(d.columns, sizes)))
        if d.rows == d.columns != 1:
            array = array + 2 * np.eye(len(array))
        found[d.name] = array + array.T if "symmetric" in d.properties else array
    return found


def number_of_size(tree: Tree, sizes: dict[str, int]) -> int:
    stack: list[int] = []
    for part in postorder(tree):
        if isinstance(part, Call):
            b, a = stack.pop(), stack.pop()
            stack.append({"add": a + b, "subtract": a - b, "multiply": a * b}[part.op])
        else:
            stack.append(sizes[part.name] if isinstance(part, Name) else int(part.value))
    return stack[0]


def reference(tree: Tree, arrays, sizes: dict[str, int]):  # type: ignore[no-untyped-def]
    """The value by the records alone, all arrays with two axes."""
    if isinstance(tree, Number):
        return np.array([[float(tree.value)]])
    if isinstance(tree, Name):
        if tree.name == "pi":
            return np.array([[np.pi]])
        return arrays[tree.name] if tree.name in arrays else np.array([[float(sizes[tree.name])]])
    entry = record(tree.op)
    if entry.sizes:
        whole = [reference(a, arrays, sizes) for a in tree.args[: entry.arrays]]
        return entry.value(*whole, *(number_of_size(a, sizes) for a in tree.args[entry.arrays :]))
    return entry.value(*(reference(a, arrays, sizes) for a in tree.args))


def lambdified(expression, arrays, numbers_for):  # type: ignore[no-untyped-def]
    """The expression at those arrays, by lambdify; `numbers_for` maps symbols to names."""
    free = sorted(expression.free_symbols, key=str)
    given = [arrays[numbers_for[a]] if a.is_Matrix else arrays[numbers_for[a]].item() for a in free]
    return np.asarray(sympy.lambdify(free, expression, modules=sg.numpy_modules)(*given))


TABLE = """
x'*y
x'*A*x
x'*A*y + 1
(x'*y)*x
x*(y'*w)
x*y'
-x
-(x'*y)
2*x - 3*y + w
A*x + B*y - x
0.5*(A + A')
x + 1
s - x
A + s
u*x
u' + x
u*A
(A*B)'
(A*(B*x))'*y
A'*B'*x
X'*(X*w - z)
(X*w - z)'*(X*w - z)/m
x'*x/n
mean(x) + n
s*x/r
x/(y'*y)
A/s
s/r
s^3 - s^0.5
s^r
2^s
s^(-2)
A^2*x
A^(-1)
A^(-2)
A^0
A^3'
x.^2
x.^s
x.^0.5
x.^(-1)
A.^3
x .* y .* w
A .* B
s .* x
x ./ y
1 ./ x
s ./ A
x ./ s
exp(x)
log(x) + log(s)
exp(s*x)
sin(x) .* cos(y) - tan(s)
sinh(s) + cosh(s) + tanh(x'*y)
tanh(W*x + b)
arcsin(x) + arccos(x) + arctan(x)
sqrt(x)
sqrt(x'*x)
abs(x - y)
sign(x - y)
erf(x) + erf(s)
relu(W*x - b)
relu(s)
sigmoid(x) .* (1 - sigmoid(x))
softplus(-x)
silu(x) + gelu(x) + elu(x)
step(x - 0.5)
leakyrelu(x - y, 0.1)
log1p(x) + expm1(x)
max(x, y)
max(x, 0.5)
min(s, r)
max(x) + min(y)
[x > y]
[x >= 0.5] .* x
[s < r] + [s <= r]
[x == y] + [x != y]
softmax(x)
softmax(u)
logsoftmax(x)
logsumexp(A*x)
rowsoftmax(X)
firstmax(x)
sum(X)
mean(X) + var(x)
rowsum(X)
colsum(X)
dot(X, W)
norm1(X) + norm2(x) + normF(X)
norminf(x)
norm2(A*x - y)^2
tr(A)
tr(A*B)
tr(s)
inv(A)
inv(A + B)*x
inv(s)
det(A)
logdet(A)
log(det(A))
adj(A)
diag(x)
diag(x)*A
diagonal(A)
vec(X)
vec(X)'*vec(X)
kron(X, C)
kron(A, B)*vec(A)
kron(x, y)
eye(n)
A + eye(n)
ones(n)
ones(m, n)
X*ones(n)
x*ones(m)' + C*ones(p, m)
zeros(n) + x
zeros(m, n)
e(2, n)
commutation(m, n)*vec(X)
e(1, n)'*A*e(2, n)
eye(m + n)
ones(2*n + 1)'*ones(2*n + 1)
pi*s + 3
x'*S*x + pi
-y'*log(softmax(W'*z))
2*(s + r)
2*(A + B)
s*(A*x)
(2*x)'*(3*y)
y - softmax(x)
((softmax(x) - y) .* [x >= y])*relu(z)'
X'*(1 ./ (1 + exp(X*w)))
s*A + r*eye(n)
v'*log(v)
log(sum(exp(x)))
diag(softmax(x)) - softmax(x)*softmax(x)'
exp(-t*x.^2)
A*x/(x'*x)^0.5 - (x'*A*x)*x/(x'*x)^1.5
2*x/n - ones(n)/n
expm(A)
dexpm(A, B)*x
pinv(X)
tril(X)
triu(A)
conv(x, y)
convvalid(x, y)
conv2(X, A)
conv2valid(X, X)
flip(X)
[A, C; B, C]
[x; y; s]
[x, y]*[s; t]
[s, x'; y, A]
[[x; s], [y; t]]'
[exp(X), zeros(m, n)]*[x; y]
x[1:2]
x[2:n]'*y[2:n]
x'[1:2]
X[2:m, 1:n]
A[1:2, 2:n]*x[2:n]
inv(A)[:, 2]
s*A[1, 2]
columns(rows(A + B, 1, 2), 2, n)
""".strip().splitlines()

# Scalar factors are gathered in front of a product, SymPy multiplies out 2*(s + r): the same function, another node.
REGROUPED = {"s*x/r", "x ./ s", "A*x/(x'*x)^0.5 - (x'*A*x)*x/(x'*x)^1.5"}


@pytest.mark.parametrize("written", TABLE)
def test_round_trip(written: str) -> None:
    tree = parse(written)
    back, declared = to_tree(to_sympy(tree, DECLARED))
    assert declared.items() <= DECLARED.items()
    assert same_function(back, tree, DECLARED), text(back)
    assert (meaning(back, DECLARED) == meaning(tree, DECLARED)) == (written not in REGROUPED)


def same_function(a: Tree, b: Tree, declared) -> bool:  # type: ignore[no-untyped-def]
    """The same graph node, or else the same shape and numbers."""
    one, other = meaning(a, declared), meaning(b, declared)
    if one == other:
        return True
    for sizes in SIZES:
        arrays = values(sizes, declared)
        if not np.allclose(reference(a, arrays, sizes), reference(b, arrays, sizes), rtol=1e-12):
            return False
    return one[0].shape == other[0].shape and one[1] == other[1]


@pytest.mark.parametrize("written", TABLE)
def test_lambdify_gives_the_numbers_of_the_records(written: str) -> None:
    tree = parse(written)
    expression = to_sympy(tree, DECLARED)
    names = {symbol: symbol.name for symbol in expression.free_symbols}
    assert all(name in DECLARED for name in names.values()), "no dimension letter is an argument"
    for sizes in SIZES:
        arrays = values(sizes)
        found, wanted = lambdified(expression, arrays, names), reference(tree, arrays, sizes)
        assert found.shape == (wanted.shape if expression.is_Matrix else ())
        assert np.allclose(found, wanted, rtol=1e-11, atol=1e-12), str(expression)


def test_the_table_covers_the_catalogue() -> None:
    """Every operation that a text can call."""
    used = {record(part.op).name for written in TABLE for part in postorder(parse(written)) if isinstance(part, Call)}
    called = {r.name for r in records() if r.notation.text == r.name or r.notation.fixity != "call"}
    assert called == used & called


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        ("x'*A*x", sg.Scalar),
        ("A*x", sympy.MatMul),
        ("A + B", sympy.MatAdd),
        ("x .* y", HadamardProduct),
        ("exp(s)", exp),
        ("inv(A)", sympy.Inverse),
        ("A'", sympy.Transpose),
    ],
)
def test_sympy_classes_where_they_are_right(written: str, kind: type) -> None:
    assert isinstance(to_sympy(parse(written), DECLARED), kind)


def test_what_it_reads_like() -> None:
    printed = {
        "x'*A*x": "(x.T*A*x)[0, 0]",
        "(A + A')*x": "(A + A.T)*x",
        "A'*(A*x - y)": "A.T*(A*x - y)",
        "2*x/n": "(2/n)*x",
        "x + 1": "ones(n, 1) + x",
        "relu(W*x)": "relu(W*x)",
    }
    for written, expected in printed.items():
        assert str(to_sympy(parse(written), DECLARED)) == expected
    assert sympy.latex(to_sympy(parse("x'*A*x/2"), DECLARED)) == r"\frac{x^{T} A x}{2}"


# --- SymPy's own expressions -----------------------------------------------------------------------

x, y, w, z, b, u, A, B, S, W, X, C, s, r, t, v = symbols(WHERE)
m, n, p = sympy.symbols("m n p", integer=True, positive=True)
i, j, k = sympy.symbols("i j k", integer=True)
d = sympy.Symbol("d")


@pytest.mark.parametrize(
    ("expression", "written"),
    [
        (x.T * A * x, "x'*A*x"),
        (A * x + 2 * y, "A*x + 2*y"),
        (A - B, "A - B"),
        (s * A * x / r, "s/r*A*x"),
        (x * x.T, "x*x'"),
        (x.T * A * x * x.T, "(x'*A*x)*x'"),
        (A**3, "A*A*A"),
        (A**-1 * x, "inv(A)*x"),
        (A.inverse().T, "inv(A)'"),
        ((A * B).inverse(), "inv(A*B)"),
        (sympy.Adjoint(A), "A'"),
        ((x.T * x) ** 2, "(x'*x)^2"),
        (sympy.sqrt(x.T * x), "sqrt(x'*x)"),
        (Trace(A * B), "tr(A*B)"),
        (sympy.Determinant(A), "det(A)"),
        (log(sympy.Determinant(A)), "logdet(A)"),
        (HadamardProduct(A, B, A), "A.*B.*A"),
        (HadamardPower(A, 3), "A.^3"),
        (HadamardPower(x, -1), "1 ./ x"),
        (HadamardPower(x, Rational(1, 2)), "sqrt(x)"),
        (HadamardPower(2, A), "exp(log(2)*A)"),
        (KroneckerProduct(X, C, A), "kron(kron(X, C), A)"),
        (Identity(n) + A, "eye(n) + A"),
        (OneMatrix(m, n) + X, "ones(m, n) + X"),
        (OneMatrix(n, 1) + x, "ones(n) + x"),
        (ZeroMatrix(m, n), "zeros(m, n)"),
        (DiagMatrix(x) * A, "diag(x)*A"),
        (DiagonalOf(A), "diagonal(A)"),
        (DiagonalMatrix(A), "diag(diagonal(A))"),
        (DotProduct(x, y), "dot(x, y)"),
        (DotProduct(x.T, y), "x'*y"),
        (Trace(A) * A / 2, "tr(A)*A/2"),
        (n * x, "n*x"),
        (x.T * x / n, "x'*x/n"),
        (0.1 * x, "0.1*x"),
        (pi * x, "pi*x"),
        (sympy.E * x, "exp(1)*x"),
        (Rational(1, 3) * Trace(A) - 2, "tr(A)/3 - 2"),
        (1 / (1 + exp(-s)), "1/(1 + exp(-s))"),
        (s**r + 2**s, "s^r + 2^s"),
        (sympy.cot(s) + sympy.sech(s), "1/tan(s) + 1/cosh(s)"),
        (Abs(s) + sympy.sign(r), "abs(s) + sign(r)"),
        (sympy.erf(s) * sympy.atan(r), "erf(s)*arctan(r)"),
        (Max(s, 0), "relu(s)"),
        (Max(s, r), "max(r, s)"),
        (Min(s, 1), "min(1, s)"),
        (sympy.UnevaluatedExpr(s) * 2, "2*s"),
        (sympy.Add(x.T * x, 1), "x'*x + 1"),
        (exp(x.T * A * x), "exp(x'*A*x)"),
        # applyfunc
        (x.applyfunc(exp), "exp(x)"),
        ((W * x).applyfunc(tanh), "tanh(W*x)"),
        (A.applyfunc(Lambda(d, d**2 + 1)), "A.^2 + 1"),
        (A.applyfunc(Lambda(s, s**2 + r)), "A.^2 + r"),
        (x.applyfunc(Lambda(d, 1 / (1 + exp(-d)))), "1 ./ (1 + exp(-x))"),
        (x.applyfunc(Lambda(d, d * sin(d) / 2)), "0.5*(x.*sin(x))"),
        (x.applyfunc(Lambda(d, 2**d)), "exp(log(2)*x)"),
        (x.applyfunc(Lambda(d, d**d)), "exp(log(x) .* x)"),
        (x.applyfunc(Lambda(d, Max(d, 0))), "relu(x)"),
        (x.applyfunc(Lambda(d, Min(d, s))), "min(s, x)"),
        (x.applyfunc(Lambda(d, sympy.Heaviside(d, 0))), "step(x)"),
        (x.applyfunc(Lambda(d, sympy.Heaviside(d))), "step(x) + 0.5*[x == 0]"),
        (x.applyfunc(Lambda(d, Piecewise((d, d > 0), (0, True)))), "relu(x)"),
        (x.applyfunc(Lambda(d, Piecewise((d, d > 0), (d / 10, True)))), "leakyrelu(x, 0.1)"),
        (x.applyfunc(Lambda(d, Piecewise((d, d > 0), (exp(d) - 1, True)))), "elu(x)"),
        (x.applyfunc(Lambda(d, Piecewise((d**2, d < 1), (2 * d - 1, True)))), "[x < 1].*x.^2 + [x >= 1].*(2*x - 1)"),
        (x.applyfunc(Lambda(d, 3)), "3*ones(n)"),
        ((x.T * y).applyfunc(exp), "exp(x'*y)"),
        (sg.relu(W * x) + b, "relu(W*x) + b"),
        (sg.maximum(x, y).T * sg.softmax(w), "max(x, y)'*softmax(w)"),
        (sg.ones(n, like=[x]) + x, "ones(n) + x"),
        (sg.logsumexp(sg.relu(s) * x), "logsumexp(relu(s)*x)"),
        # entries and sums over indices, as indexing writes them
        ((x.T * A * x)[0, 0], "x'*A*x"),
        ((x.T * A * B * y)[0, 0], "x'*A*B*y"),
        ((x.T * A**2 * x)[0, 0], "x'*A*A*x"),
        ((x.T * A.T * x)[0, 0] * x, "(x'*A'*x)*x"),
        ((x.T * x)[0, 0], "x'*x"),
        ((x.T * x * y.T * x)[0, 0], "(x'*x)*(y'*x)"),
        ((x.T * A.inverse() * x)[0, 0], "x'*inv(A)*x"),
        ((x.T * (A + Identity(n)) * x)[0, 0], "x'*(A + eye(n))*x"),
        ((x.T * (A * x + y))[0, 0], "x'*(A*x + y)"),
        ((x.applyfunc(exp).T * A * x)[0, 0], "exp(x)'*A*x"),
        ((sg.relu(W * x).T * z)[0, 0], "relu(W*x)'*z"),
        ((OneMatrix(1, n) * x)[0, 0], "sum(x)"),
        (A[0, 1], "e(1, n)'*A*e(2, n)"),
        (x[1, 0] * u[0, 2], "(e(2, n)'*x)*(u*e(3, n))"),
        ((A * x)[0, 0], "e(1, n)'*A*x"),
        ((A.T * x)[1, 0], "e(2, n)'*A'*x"),
        (Sum(x[i, 0] * y[i, 0], (i, 0, n - 1)), "x'*y"),
        (Sum(x[i, 0], (i, 0, n - 1)), "sum(x)"),
        (Sum(u[0, i] * x[i, 0], (i, 0, n - 1)), "u*x"),
        (Sum(X[i, j] * z[i, 0] * x[j, 0], (i, 0, m - 1), (j, 0, n - 1)), "z'*X*x"),
        (Sum(X[i, j] ** 2, (i, 0, m - 1), (j, 0, n - 1)), "sum(X.*X)"),
        (Sum(X[i, j] * W[i, j], (i, 0, m - 1), (j, 0, n - 1)), "sum(X.*W)"),
        (Sum(A[i, i], (i, 0, n - 1)), "tr(A)"),
        (Sum(A[i, j] * B[j, i], (i, 0, n - 1), (j, 0, n - 1)), "tr(A*B)"),
        (Sum(A[i, j] * B[j, k] * S[k, i], (i, 0, n - 1), (j, 0, n - 1), (k, 0, n - 1)), "tr(A*B*S)"),
        (Sum(x[i, 0] * A[i, j] * B[i, k] * y[j, 0] * w[k, 0], (i, 0, n - 1), (j, 0, n - 1), (k, 0, n - 1)),
         "sum(x.*(A*y).*(B*w))"),
        (Sum(log(1 + exp(-y[i, 0] * x[i, 0])), (i, 0, n - 1)), "sum(log(1 + exp(-(y.*x))))"),
        (Sum(exp(Sum(A[i, j] * x[j, 0], (j, 0, n - 1))), (i, 0, n - 1)), "sum(exp(A*x))"),
        (Sum((x[i, 0] - y[i, 0]) ** 2, (i, 0, n - 1)) / n, "(x - y)'*(x - y)/n"),
        (Sum((x[i, 0] - z[j, 0]) ** 3, (i, 0, n - 1), (j, 0, m - 1)), "sum((x*ones(m)' - ones(n)*z').^3)"),
        (Sum(x[i, 0] / y[i, 0], (i, 0, n - 1)), "sum(x ./ y)"),
        (Sum(s * x[i, 0] + r, (i, 0, n - 1)), "s*sum(x) + n*r"),
        (Sum(3, (i, 0, n - 1)), "3*n"),
        (Sum(Max(x[i, 0], 0) * y[i, 0], (i, 0, n - 1)), "relu(x)'*y"),
        (Sum(sg.relu(x[i, 0] * s), (i, 0, n - 1)), "sum(relu(s*x))"),
        (sympy.Matrix([[1, s], [0, -2]]) * sympy.MatrixSymbol("q", 2, 1),
         "(e(1,2)*e(1,2)' + s*(e(1,2)*e(2,2)') - 2*(e(2,2)*e(2,2)'))*q"),
    ],
    ids=str,
)  # fmt: skip
def test_reading_sympy(expression, written: str) -> None:  # type: ignore[no-untyped-def]
    """The same function, by the graph or else by its numbers."""
    tree, declared = to_tree(expression)
    everything = {**DECLARED, "q": Declaration("q", 2, 1)}
    expected = parse(written)
    assert declared.items() <= everything.items()
    assert same_function(tree, expected, everything), text(tree)


@pytest.mark.parametrize(
    ("expression", "written"),
    [
        ((x.T * A * x)[0, 0], "x'*(A*x)"),
        (x.T * A * x, "x'*A*x"),
        (A * x - 2 * y, "A*x - 2*y"),
        (s * x / r, "s/r*x"),
        (x / s, "x/s"),
        (-x, "-x"),
        (Sum(x[i, 0] ** 2, (i, 0, n - 1)), "x'*x"),
        (x.applyfunc(Lambda(d, 1 / d)), "1 ./ x"),
    ],
    ids=str,
)
def test_what_was_read_reads_well(expression, written: str) -> None:  # type: ignore[no-untyped-def]
    assert text(to_tree(expression)[0]) == written


def test_plain_sympy_symbols_are_declared_by_their_shape_and_assumptions() -> None:
    size = sympy.Symbol("q")
    M, f = sympy.MatrixSymbol("M", size, 2 * size + 1), sympy.Symbol("f", positive=True)
    tree, declared = to_tree(f * M)
    assert text(tree) == "f*M"
    assert {d.text() for d in declared.values()} == {"M: R^{q x 2*q + 1}", "f: R positive"}


def test_a_dimension_letter_that_stands_as_a_number_is_no_variable() -> None:
    tree, declared = to_tree(sympy.Symbol("n") * x)
    assert text(tree) == "n*x" and list(declared) == ["x"]


def test_symbols() -> None:
    assert symbols("q: R^n").shape == (n, 1)
    assert symbols("q: R^{1 x n}").shape == (1, n)
    assert symbols("q: R^{3 x n}").shape == (3, n)
    assert symbols("q: R") == sympy.Symbol("q", real=True)
    assert symbols("q: R positive").is_positive
    assert isinstance(symbols("q: R^n; f: R"), tuple)
    one, other = symbols("M: R^{n x n}"), symbols("M: R^{n x n} symmetric")
    assert one != other and one == symbols("M: R^{n x n}") and hash(one) == hash(symbols("M: R^{n x n}"))
    assert len({one, other, symbols("M: R^{n x n} symmetric")}) == 2
    assert declaration_of(other).text() == other.declaration.text() == "M: R^{n x n} symmetric"
    assert declaration_of(symbols("v: R^n positive, simplex")).properties == {"positive", "simplex"}
    assert other.subs(n, 3).shape == (3, 3) and other.subs(n, 3).properties == {"symmetric"}
    assert symbols("q: R^{2*n + 1}").shape == (2 * n + 1, 1)
    with pytest.raises(ParseError):
        symbols("")
    with pytest.raises(ParseError, match="function"):
        symbols("tr: R^n")


def test_declared_symbols_work_in_sympy() -> None:
    assert (A * x).shape == (n, 1) and (x.T * A * x).shape == (1, 1)
    assert (A.T).T == A and Trace(A).arg == A
    assert (A * x).subs(x, y) == A * y
    assert (A * A.inverse()) == Identity(n)
    assert np.allclose(sympy.lambdify([A, x], A * x)(np.eye(2), np.ones((2, 1))), 1)


def test_symbols_of_one_name_must_agree() -> None:
    with pytest.raises(SymgradError, match="two different symbols are called A"):
        to_tree(A * symbols("A: R^{n x n} symmetric"))
    with pytest.raises(SymgradError, match="matrix and a dimension"):
        to_tree(sympy.MatrixSymbol("n", n, 1))


@pytest.mark.parametrize(
    ("expression", "error", "message"),
    [
        (A[::2, :], ParseError, "next to one another"),
        (sympy.Function("f")(s), ParseError, "function f"),
        (sympy.gamma(s), ParseError, "gamma"),
        (sympy.I * s, ParseError, "ImaginaryUnit"),
        (sympy.oo, SymgradError, "Infinity"),
        (sympy.zoo, SymgradError, "ComplexInfinity"),
        (sympy.nan, SymgradError, "NaN"),
        (sympy.Integral(s, s), ParseError, "Integral"),
        (2 * sympy.Derivative(s**2, s), ParseError, "Derivative"),
        (exp(A), ShapeError, r"exp of the n x n matrix A"),
        (log(A), ShapeError, "log"),
        (sympy.Add(A, s), ShapeError, "Add"),
        (sympy.Symbol("a b"), ParseError, "'a b'"),
        (sympy.Symbol("x^2"), ParseError, r"'x\^2'"),
        (sympy.Symbol("tr"), ParseError, "tr is a function"),
        (sympy.Symbol("pi"), ParseError, "pi is the number pi"),
        (sympy.MatrixSymbol("softmax", n, 1), ParseError, "softmax is a function"),
        (sympy.Symbol("W_{1}"), ParseError, "W_{1}"),
        (sympy.Symbol("c", imaginary=True), ParseError, "real"),
        (sympy.Symbol("c", commutative=False), ParseError, "real"),
        (x[i, 0], ParseError, "index i"),
        (x[-1, 0], ShapeError, "index -1"),
        (Sum(x[i, 0], (i, 1, n - 1)), ParseError, "starts at 1"),
        (Sum(x[i, 0], (i, 0, n - 2)), ShapeError, "runs over n - 1"),
        (Sum(i * x[i, 0], (i, 0, n - 1)), ParseError, "index i of a sum"),
        (Sum(A[i, j] * A[i, k] * A[i, 0] * S[i, j] * B[i, p], (i, 0, n - 1)), ParseError, "index j"),
        (Piecewise((s, s > 0)), ParseError, "defined everywhere"),
        (Piecewise((log(s), s > 1), (0, True)), ParseError, "Piecewise"),
        (sympy.HadamardPower(-2, A), ParseError, "negative"),
        (sympy.MatrixSymbol("M", n / 2, n), ShapeError, "dimension"),
        (sympy.MatrixSymbol("M", sympy.sqrt(n), n), ShapeError, "dimension"),
        (sympy.zeros(20, 20), LimitError, "64"),
        (sympy.Tuple(s, r), ParseError, "Tuple"),
        ("x'*x", ParseError, "str"),
    ],
    ids=str,
)
def test_what_cannot_be_read_says_so(expression, error, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(error, match=message):
        to_tree(expression)


def test_four_matrices_at_one_index_are_index_notation() -> None:
    l = sympy.Symbol("l", integer=True)
    ring = [A[i, j], A[i, k], A[i, l], B[j, k], B[k, l], B[l, j]]
    tree, declared = to_tree(Sum(sympy.Mul(*ring), *((a, 0, n - 1) for a in (i, j, k, l))))
    rng = np.random.default_rng(4)
    P, Q = rng.normal(size=(2, 3, 3))
    node = lower(tree, Scope.of(declared)).node
    found = evaluate([node], {"A": P, "B": Q}, {"n": 3})[0]
    assert np.isclose(found, np.einsum("ij,ik,il,jk,kl,lj", P, P, P, Q, Q, Q))


def test_names_in_the_tree_must_be_declared() -> None:
    with pytest.raises(UnknownNameError, match="q is not declared"):
        to_sympy(Name("q"), DECLARED)


def test_shapes_that_do_not_fit_are_an_error() -> None:
    concrete = declare("P: R^{2 x 3}; Q: R^{2 x 3}")
    with pytest.raises(ShapeError):
        to_sympy(parse("P*Q"), concrete)


def test_large_powers_of_numbers_are_not_worked_out() -> None:
    assert to_sympy(parse("2^99999999999"), {}).args == (2, 99999999999)


def test_deep_expressions() -> None:
    deep: Tree = Name("s")
    for _ in range(300):
        deep = Call("sigmoid", (Call("multiply", (Name("r"), deep)),))
    back, _ = to_tree(to_sympy(deep, DECLARED))
    assert sum(1 for _ in postorder(back)) == sum(1 for _ in postorder(deep))
    chain = parse("+".join(["x"] * 3 + ["A*x"] * 3000))
    assert len(to_sympy(chain, DECLARED).args) == 3003
    factors = parse("A*" * 200 + "x")
    assert len(to_sympy(factors, DECLARED).args) == 201


def test_shared_parts_are_read_once() -> None:
    """A tree of 2^40 leaves is read in the number of its distinct parts."""
    expression = s
    for _ in range(40):
        expression = sg.maximum(sg.sigmoid(expression), sg.relu(expression))
    tree, declared = to_tree(expression)
    assert isinstance(tree, Call) and list(declared) == ["s"]


def test_numbers_are_exact() -> None:
    assert to_tree(sympy.Float("0.1"))[0] == Number(Fraction(1, 10))
    assert to_tree(sympy.Float("1e-30"))[0] == Number(Fraction(1, 10**30))
    assert to_sympy(Number(Fraction(1, 3)), {}) == Rational(1, 3)


def test_random_sizes_of_constants() -> None:
    """Sizes in sums and products of letters, read off arrays that have them or their letters."""
    declared = declare("q: R^{n + m}; g: R^n; M: R^{m*n x p}")
    tree = parse("ones(n + m)' * q + ones(m*n)'*M*ones(p) + n + m*p")
    expression = to_sympy(tree, declared)
    for sizes in SIZES:
        arrays = values(sizes, declared)
        found = lambdified(expression, arrays, {a: a.name for a in expression.free_symbols if a.is_Matrix})
        assert np.allclose(found, reference(tree, arrays, sizes))


def test_dimensions_that_no_array_tells_are_arguments() -> None:
    expression = to_sympy(parse("tr(eye(q))"), {})
    assert [a.name for a in expression.free_symbols] == ["q"]
    (size,) = expression.free_symbols
    assert sympy.lambdify([size], expression, modules=sg.numpy_modules)(5) == 5


def test_forms_in_block_matrices() -> None:
    """[x; y]' [A B; B' C] [x; y] = x'Ax + 2 x'By + y'Cy, and its derivatives by hand."""
    from symgrad.derivation import derivative
    from symgrad.verification.equal import equal

    n, m = sympy.symbols("n m", integer=True, positive=True)
    A, B, C = sympy.MatrixSymbol("A", n, n), sympy.MatrixSymbol("B", n, m), sympy.MatrixSymbol("C", m, m)
    x, y = sympy.MatrixSymbol("x", n, 1), sympy.MatrixSymbol("y", m, 1)
    M, v = sympy.BlockMatrix([[A, B], [B.T, C]]), sympy.BlockMatrix([[x], [y]])
    where = "A: R^{n x n}; B: R^{n x m}; C: R^{m x m}; x: R^n; y: R^m"
    form = v.T * M * v
    assert equal(str(derivative(form, x)), "(A + A')*x + 2*B*y", where=where).proved
    assert equal(str(derivative(form, B)), "2*x*y'", where=where).proved
    assert equal(str(derivative(sympy.Trace(M * M), B)), "4*B", where=where).proved
    assert equal(str(derivative(sympy.Trace(M), A)), "eye(n)", where=where).proved


def test_a_number_to_the_power_of_every_entry() -> None:
    """SymPy's own `2**x` of a column would be a power of matrices."""
    expression = derivative("2.^x", "x", where="x: R^n").expr
    at = np.array([[1.0], [2.0], [3.0]])
    found = sympy.lambdify([expression.atoms(sympy.MatrixSymbol).pop()], expression, modules=sg.numpy_modules)(at)
    np.testing.assert_allclose(found, np.diag(np.log(2) * 2 ** at.ravel()))


def test_an_index_is_not_called_as_a_dimension_is() -> None:
    expression = derivative("x.^3", ["x", "x"], where="x: R^k").expr
    assert {str(s) for s in expression.atoms(sympy.MatrixSymbol).pop().shape[0].free_symbols} == {"k"}
    assert {str(s) for d in expression.atoms(sympy.KroneckerDelta) for s in d.free_symbols} == {"i", "j", "l"}
