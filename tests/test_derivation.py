"""The road: what a Derivative is and how it is read."""

from __future__ import annotations

import numpy as np
import pytest

import symgrad as sg
from symgrad.certificate import same
from symgrad.derivation import Derivative, axes_of, derivative, explain_layout, gradient, hessian, jacobian
from symgrad.errors import DomainError, LayoutError, LimitError, NotDifferentiableError, SymgradError, UnknownNameError
from symgrad.programs import program
from symgrad.tensor.dims import letter, times

WHERE = "x, a: R^n; A: R^{n x n}; M: R^{m x n}; B: R^{n x q}; r: R^{1 x n}; s, t: R"
m, n, q = letter("m"), letter("n"), letter("q")


def d(expression: str, wrt: object, **options: object) -> Derivative:
    return derivative(expression, wrt, where=WHERE, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("expression", "wrt", "answer"),
    [
        ("a'*x", "x", "a"),
        ("x'*a", "x", "a"),
        ("A*x", "x", "A"),
        ("x'*A*x", "x", "(A + A')*x"),
        ("x'*A*x", "A", "x*x'"),
        ("norm2(M*x)^2", "x", "2*M'*M*x"),
        ("tr(B'*A*B)", "B", "(A + A')*B"),
        ("sum(log(1 + exp(x)))", "x", "sigmoid(x)"),
        ("logsumexp(x)", "x", "softmax(x)"),
        ("norm2(x)", "x", "x/norm2(x)"),
        ("s^3", "s", "3*s^2"),
        ("sum(relu(x))", "x", "[x > 0]"),
        ("exp(a'*x)", "x", "exp(a'*x)*a"),
        ("M*A*B", "A", "kron(B', M)"),
        ("det(A)", "A", "det(A)*inv(A)'"),
        ("x'*x/n", "x", "2*x/n"),
        ("s*x", "s", "x"),
    ],
)
def test_textbook_answers(expression: str, wrt: str, answer: str) -> None:
    assert str(d(expression, wrt)) == answer


@pytest.mark.parametrize(
    ("layout", "written", "shape"),
    [
        ("mixed", "a", (n, 1)),
        ("numerator", "a'", (1, n)),
        ("denominator", "a", (n, 1)),
        ("gradient", "a", (n, 1)),
        ("tensor", "a", (n,)),
    ],
)
def test_layouts_of_a_scalar_by_a_vector(layout: str, written: str, shape: tuple[object, ...]) -> None:
    found = d("a'*x", "x").in_layout(layout)
    assert (str(found), found.shape, found.layout) == (written, shape, layout)
    assert str(d("a'*x", "x", layout=layout)) == written


def test_layouts_of_arrays() -> None:
    found = d("M*x", "x")
    assert str(found) == str(found.in_layout("numerator")) == "M" and str(found.in_layout("denominator")) == "M'"
    assert found.shape == (m, n) and found.in_layout("denominator").shape == (n, m)
    with pytest.raises(LayoutError, match="scalar"):
        found.in_layout("gradient")
    with pytest.raises(LayoutError):
        found.in_layout("jacobian")
    assert d("x'*A*x", "A").in_layout("numerator").shape == (n, n)
    assert d("sum(M)", "M").in_layout("numerator").shape == (n, m)


def test_changing_layout_is_a_view() -> None:
    found = d("M*A*B", "A")
    assert found.in_layout("denominator").node is found.node and found.in_layout("mixed", "row").node is found.node
    assert str(found.in_layout("mixed", "row")) == "kron(M, B')"
    assert found.shape == (times(m, q), times(n, n))


def test_shapes_and_kinds() -> None:
    assert d("r*x", "r").tensor_shape == (1, n) and d("r*x", "r").kind == "row"
    assert d("s*t", "s").kind == "scalar" and d("a'*x", "x").kind == "column"
    assert d("A*B", "A").tensor_shape == (n, q, n, n)
    assert axes_of(program("r", WHERE).views["result"]) == (1, n)
    assert d("s*x", ["x", "s"]).tensor_shape == (n, n)
    assert d("x'*A*x*s", ["s", "x"]).tensor_shape == (n,)


def test_zero_is_explained() -> None:
    gone = d("a'*a", "x")
    assert gone.is_zero and gone.why_zero is not None and "x does not occur" in gone.why_zero
    assert gone.tensor_shape == (n,) and str(gone) == "zeros(n)"
    assert d("x - x + a", "x").is_zero and d("sum(sign(x))", "x").why_zero is not None
    assert d("a'*x", "x").why_zero is None
    assert d("a'*x", ["x", "x"]).tensor_shape == (n, n)


def test_higher_orders() -> None:
    assert str(hessian("x'*A*x", "x", where=WHERE)) == "A + A'"
    assert str(d("x'*A*x", ["x", "x"])) == "A + A'"
    assert str(hessian("s*a'*x", ["s", "x"], where=WHERE)) in ("a", "a'")
    third = d("sum(x.^3)", ["x", "x", "x"])
    assert not third.matrix_form and third.kind == "tensor"
    assert str(third) == "[i: n, j: n, k: n]: 6*delta[i, j]*delta[i, k]"  # nothing else says how far they run
    assert str(gradient("x'*x", "x", where=WHERE)) == "2*x" and str(jacobian("x'*x", "x", where=WHERE)) == "2*x'"


def test_what_was_assumed_is_shown() -> None:
    assert derivative("x'*A*x", "x").assumed == ("x: R^n", "A: R^{n x n}")
    assert d("x'*A*x", "x").assumed == ()


def test_latex_and_repr() -> None:
    found = d("x'*A*x", "x")
    assert r"\top" in found.latex() or "^T" in found.latex() or r"\mathsf" in found.latex()
    assert found._repr_latex_().startswith("$") and "mixed" in repr(found) and "/ d x" in repr(found)
    assert "numerator" in explain_layout(d("M*A*B", "A", layout="numerator"))
    assert "column" in explain_layout(d("M*A*B", "A"))


def test_numbers() -> None:
    rng = np.random.default_rng(0)
    A, x = rng.normal(size=(3, 3)), rng.normal(size=3)
    found = d("x'*A*x", "x")
    np.testing.assert_allclose(found.tensor(x=x, A=A), (A + A.T) @ x)
    np.testing.assert_allclose(d("r*x", "r").tensor(r=np.ones((1, 3)), x=x), x.reshape(1, 3))
    assert np.shape(d("s*t", "s").tensor(s=1.0, t=2.0)) == ()


@pytest.mark.parametrize(
    ("call", "kind"),
    [
        (lambda: d("a'*x", "y"), UnknownNameError),
        (lambda: d("a'*x", ""), UnknownNameError),
        (lambda: d("a'*x", []), UnknownNameError),
        (lambda: d("a'*x", "x", layout="rows"), LayoutError),
        (lambda: d("a'*x", "x", vec="rows"), LayoutError),
        (lambda: d("A", "A", structure="all"), DomainError),
        (lambda: d("A^t", "t"), NotDifferentiableError),
        (lambda: d("2^99999999", "x"), LimitError),
        (lambda: d("(" * 100_000, "x"), SymgradError),
        (lambda: d("x" * 1_000_001, "x"), SymgradError),
    ],
)
def test_errors(call: object, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        call()  # type: ignore[operator]


def test_the_printed_form_is_certified() -> None:
    """A tree that is not the tensor is not shown as its matrix form."""
    found = d("x'*A*x", "x")
    wrong = d("2*A*x", "x").tree  # 2*A
    assert wrong is not None and not found._certified(wrong, (0,), ())
    assert found.tree is not None and found._certified(found.tree, (0,), ())


def test_same() -> None:
    def view(source: str) -> object:
        return program(source, WHERE).views["result"]

    assert same(view("inv(A')*x"), view("inv(A)'*x"))  # type: ignore[arg-type]
    assert same(view("(x + a)'*(x + a)"), view("x'*x + 2*a'*x + a'*a"))  # type: ignore[arg-type]
    assert not same(view("x"), view("r'"))  # type: ignore[arg-type]
    assert not same(view("x"), view("x'"))  # type: ignore[arg-type]
    assert not same(view("A"), view("A'"))  # type: ignore[arg-type]


def test_structures() -> None:
    where = {"S": "R^{n x n} symmetric", "G": "R^{n x n}"}
    by = {s: str(derivative("tr(G'*S)", "S", where=where, structure=s)) for s in ("project", "free", "ignore")}
    assert by["ignore"] == "G"
    assert by["project"] in ("(G + G')/2", "0.5*(G + G')", "0.5*G + 0.5*G'")
    assert "diag" in by["free"]


def test_public_names() -> None:
    assert sg.derivative is derivative and sg.hessian is hessian and sg.Derivative is Derivative
    with pytest.raises(AttributeError, match="nothing_of_the_kind"):
        _ = sg.nothing_of_the_kind


@pytest.mark.parametrize(
    ("expression", "wrt", "expected", "shape"),
    [
        ("r*A*r'", "r", "r*(A + A')", 2),
        ("r*A", "A", "kron(eye(m), r)", 2),
        ("r*x", "r", "x'", 2),
        ("r*x", "x", "r'", 2),
    ],
)
def test_row_vectors_are_written_as_rows(expression: str, wrt: str, expected: str, shape: int) -> None:
    """A row has one axis in the graph; what is printed must be the 1 x n matrix that was declared."""
    square = "n" if "r'" in expression else "m"
    D = derivative(expression, wrt, where=f"r: R^{{1 x n}}; A: R^{{n x {square}}}; x: R^n")
    assert str(D) == expected and D.matrix_form and len(D.shape) == shape


def test_kinks_are_stated_and_smooth_results_say_nothing() -> None:
    assert derivative("sum(relu(x))", "x").kinks == ("relu: at 0, where the slope taken is 0",)
    assert derivative("x'*x", "x").kinks == ()


def test_the_sympy_form_reads_its_sizes_off_arguments_alone() -> None:
    """An unnamed result is no argument of the lambdified function, so nothing may be read off it."""
    import sympy

    D = derivative("kron(X, X)", "X", where="X: R^{m x n}")
    X = np.arange(6.0).reshape(2, 3)
    (symbol,) = (s for s in D.expr.atoms(sympy.MatrixSymbol) if s.name == "X")
    assert sympy.lambdify([symbol], D.expr, modules=sg.numpy_modules)(X) == pytest.approx(D.function()(X=X))


@pytest.mark.parametrize("word", ["symmetric", "spd", "skew", "diagonal", "lower", "upper"])
def test_a_result_says_what_was_done_about_structure(word: str) -> None:
    for structure, said in (("project", "projected"), ("free", "free entries"), ("ignore", "independent")):
        found = derivative("tr(C*X)", "X", where=f"X: R^{{n x n}} {word}; C: R^{{n x n}}", structure=structure)
        assert said in found.notes[0] and word in found.notes[0]
    assert derivative("tr(C*X)", "C", where=f"X: R^{{n x n}} {word}; C: R^{{n x n}}").notes == ()


def test_notes_say_how_the_text_was_read() -> None:
    assert derivative("norm2(A)", "A", where="A: R^{m x n}").notes == ("norm2(A) is the Frobenius norm",)
    assert derivative("Ax", "x", where="A: R^{m x n}; x: R^n").notes == ("Ax was read as A*x",)


def test_relu_of_what_is_positive_has_no_mask() -> None:
    assert str(derivative("sum(relu(x))", "x", where="x: R^n positive")) == "ones(n)"
    assert str(derivative("sum(relu(x))", "x", where="x: R^n")) == "[x > 0]"


def test_the_order_is_bounded() -> None:
    with pytest.raises(LimitError, match="order 1000"):
        derivative("x'*x", ["x"] * 1000, where="x: R^n")
