"""What the records themselves promise: shapes, errors, conventions (`tests/laws` checks their values and slopes)."""

from __future__ import annotations

import numpy as np
import pytest

from symgrad.errors import ShapeError, SymgradError, UnknownNameError
from symgrad.operations import catalogue
from symgrad.operations.arrays import LazyModule, scalar, stacked, total
from symgrad.operations.catalogue import find, function_names, record, register
from symgrad.operations.elementwise import SIN
from symgrad.operations.record import Elementwise, Notation
from symgrad.operations.shapes import aligned, entrywise, regrouped, require_scalar, require_square, require_vector
from symgrad.programs import program
from symgrad.tensor.build import hadamard, power
from symgrad.tensor.dims import letter, times
from symgrad.tensor.nodes import Input
from symgrad.tensor.view import View

m, n = letter("m"), letter("n")
WHERE = "x, y: R^n; z: R^m; r: R^{1 x n}; A: R^{m x n}; X, Y: R^{n x n}; s, t: R"
COLUMN = View(Input.make("x", (n,)), 1)
ROW = View(Input.make("x", (n,)), 0)
MATRIX = View(Input.make("A", (m, n)), 1)
SCALAR = View(Input.make("s", ()), 0)


def shape(source: str) -> tuple[str, ...]:
    return tuple(map(str, program(source, WHERE).views["result"].shape))


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("x + s", ("n", "1")),
        ("s - A", ("m", "n")),
        ("A*x", ("m", "1")),
        ("x'*y", ("1", "1")),
        ("x*y'", ("n", "n")),
        ("x*z'", ("n", "m")),
        ("(x'*y)*A", ("m", "n")),
        ("A/s", ("m", "n")),
        ("A.^2", ("m", "n")),
        ("X^3", ("n", "n")),
        ("X^0", ("n", "n")),
        ("X^(-1)", ("n", "n")),
        ("A'", ("n", "m")),
        ("r*x", ("1", "1")),
        ("r'", ("n", "1")),
        ("sum(A)", ("1", "1")),
        ("rowsum(A)", ("m", "1")),
        ("colsum(A)", ("1", "n")),
        ("mean(A)", ("1", "1")),
        ("diag(x)", ("n", "n")),
        ("diagonal(X)", ("n", "1")),
        ("vec(A)", ("m*n", "1")),
        ("kron(A, X)", ("m*n", "n*n")),
        ("kron(x, z)", ("m*n", "1")),
        ("softmax(x)", ("n", "1")),
        ("softmax(r)", ("1", "n")),
        ("rowsoftmax(A)", ("m", "n")),
        ("logsumexp(x)", ("1", "1")),
        ("max(x)", ("1", "1")),
        ("max(x, y)", ("n", "1")),
        ("max(A, 0)", ("m", "n")),
        ("[x > 0]", ("n", "1")),
        ("ones(m, n)", ("m", "n")),
        ("ones(n)", ("n", "1")),
        ("ones(1, n)", ("1", "n")),
        ("eye(n + 1)", ("n + 1", "n + 1")),
        ("e(2, n)", ("n", "1")),
        ("commutation(m, n)", ("m*n", "m*n")),
        ("dot(A, A)", ("1", "1")),
        ("dot(x, y)", ("1", "1")),
        ("normF(A)", ("1", "1")),
        ("det(X)", ("1", "1")),
        ("inv(X)*x", ("n", "1")),
        ("1 ./ x", ("n", "1")),
        ("adj(X)", ("n", "n")),
        ("x'*x/n", ("1", "1")),
    ],
)
def test_shapes(source: str, wanted: tuple[str, str]) -> None:
    assert shape(source) == wanted


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("x + z", "n x 1.*m x 1"),
        ("x + y'", "try: x \\+ y"),
        ("A + x", "ones\\(m\\)\\*x' in every row"),
        ("A*z", "n columns against m rows"),
        ("x*y", "inner product"),
        ("x .* z", "n x 1.*m x 1"),
        ("x .* A", "A\\*diag\\(x\\) scales every column"),
        ("A/x", "inv|./"),
        ("x/y", "division is by a scalar"),
        ("x^2", "x.\\^2"),
        ("A^2", "square"),
        ("X^0.5", "whole number"),
        ("x.^z", "n x 1.*m x 1"),
        ("s^x", "must be a scalar"),
        ("tr(A)", "square"),
        ("det(A)", "square"),
        ("inv(x)", "square"),
        ("logdet(A)", "square"),
        ("diag(A)", "diagonal\\(M\\)"),
        ("diagonal(x)", "square matrix"),
        ("softmax(A)", "rowsoftmax"),
        ("logsumexp(A)", "rowsum\\(exp"),
        ("rowsoftmax(x)", "softmax\\(v\\)"),
        ("max(A)", "vector"),
        ("max(x, z)", "n x 1.*m x 1"),
        ("[x > z]", "n x 1.*m x 1"),
        ("dot(x, z)", "n x 1.*m x 1"),
    ],
)
def test_shape_errors_say_both_shapes_or_the_way_out(source: str, said: str) -> None:
    with pytest.raises(ShapeError) as caught:
        _ = program(source, WHERE).views
    flat = str(caught.value).replace("\n", " ")
    import re

    assert re.search(said, flat), flat
    assert caught.value.column is not None


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("ones(n, n, n)", "takes 1 or 2"),
        ("sin()", "takes|argument"),
        ("det(X, X)", "takes 1"),
        ("e(0, n)", "counts from 1"),
        ("eye(0)", "at least 1"),
        ("ones(q)", "q"),
        ("eye(1.5)", "whole number"),
        ("eye(x)", "variable"),
    ],
)
def test_other_errors(source: str, said: str) -> None:
    with pytest.raises(SymgradError, match=said):
        _ = program(source, WHERE).views


def test_large_matrix_powers() -> None:
    """65 (X^64)' beyond what is written out as a product."""
    X = np.array([[0.9, 0.2], [-0.1, 1.0]])
    found = program("tr(X^65)", "X: R^{n x n}").derivative(wrt="X").tensor(X=X)
    np.testing.assert_allclose(found, 65 * np.linalg.matrix_power(X, 64).T)


# --- the shape rules that records share -----------------------------------------------------------


def test_requirements() -> None:
    require_square(View(Input.make("X", (n, n)), 1), "tr")
    require_square(SCALAR, "tr")
    require_vector(COLUMN, "max", "")
    require_vector(ROW, "max", "")
    require_scalar(SCALAR, "an exponent")
    for requirement in (
        lambda: require_square(MATRIX, "tr"),
        lambda: require_vector(MATRIX, "max", ""),
        lambda: require_scalar(COLUMN, "an exponent"),
    ):
        with pytest.raises(ShapeError):
            requirement()


def test_aligning_spreads_scalars_only() -> None:
    a, b = aligned(SCALAR, COLUMN, "add")
    assert a.shape == b.shape == (n, 1)
    with pytest.raises(ShapeError, match="cannot add"):
        aligned(COLUMN, ROW, "add")


def test_regrouping_is_reading_the_same_matrix_over_other_axes() -> None:
    flat = View(Input.make("v", (times(m, n),)), 1)
    split = regrouped(flat, (m, n), ())
    assert split.node.shape == (m, n) and split.shape == flat.shape
    assert regrouped(flat, (times(m, n),), ()) is flat


def test_entrywise_names_the_function() -> None:
    with pytest.raises(ShapeError, match="sin"):
        entrywise(lambda: SIN)(COLUMN, MATRIX)


# --- arrays ---------------------------------------------------------------------------------------


def test_array_helpers() -> None:
    assert total(np.ones((2, 3)), np.ones((2, 3))).shape == (2, 3)
    assert total(np.ones((2, 3)), np.ones((1, 1))).item() == 6
    assert scalar(2).shape == (1, 1)
    assert stacked(np.array([[1, 3], [2, 4]])).reshape(-1).tolist() == [1, 2, 3, 4]
    assert LazyModule("math").sqrt(4) == 2


# --- the catalogue --------------------------------------------------------------------------------


def test_unknown_functions() -> None:
    with pytest.raises(UnknownNameError, match="did you mean sin"):
        record("sinn")
    assert find("sinn") is None and "sinn" not in function_names()
    assert "add" not in function_names() and "tr" in function_names()


def test_a_registered_operation_works_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "_table", dict(catalogue._table))
    entry: Elementwise
    entry = Elementwise(
        name="cube",
        notation=Notation("cube"),
        arity=(1,),
        build=entrywise(lambda: entry),
        value=lambda x: x**3,
        pullback=lambda g, y, x: (3 * g * x**2,),
        doc="x^3.",
        example="cube(x)",
        source="test",
        partials=(lambda y, x: hadamard(power(x, 2), coefficient=3),),
        code="({0})**3",
    )
    register(entry)
    whole = program("sum(cube(x))", "x: R^n")
    assert str(whole.derivative(wrt="x")) == "3*x.^2"
    assert whole.forward(x=[1.0, 2.0]) == 9.0
    with pytest.raises(UnknownNameError, match="already"):
        register(entry)


# --- conventions at kinks ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "slope"),
    [
        ("relu(s)", 0.0),
        ("abs(s)", 0.0),
        ("sign(s)", 0.0),
        ("step(s)", 0.0),
        ("max(s, t)", 1.0),
        ("min(s, t)", 1.0),
        ("max(t, s)", 0.0),
        ("[s > 0]", 0.0),
    ],
)
def test_the_slope_taken_at_a_tie(source: str, slope: float) -> None:
    """contract: relu'(0) = 0, abs'(0) = 0, and the first argument of max wins."""
    values = {"s": 0.0, "t": 0.0} if "t" in source.replace("step", "") else {"s": 0.0}
    where = "; ".join(f"{name}: R" for name in values)
    assert program(source, where).backward(**values)["s"] == slope
    found = program(source, where).derivative(wrt="s").tensor(**values)
    assert found == slope
