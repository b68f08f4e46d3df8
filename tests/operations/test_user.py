"""Functions that a user adds with one call."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import sympy
from scipy import special

import symgrad as sg
from symgrad.custom import elementwise
from symgrad.derivation import derivative
from symgrad.errors import NotDifferentiableError, ParseError, SymgradError, UnknownNameError
from symgrad.notation.grammar import parse
from symgrad.notation.text import text
from symgrad.operations.catalogue import find, record, records, unregister
from symgrad.programs import program

X = sympy.Symbol("X")
WHERE = {"A": "R^{m x n}", "x": "R^n", "s": "R"}


@pytest.fixture(scope="module", autouse=True)
def functions() -> Iterator[None]:
    """The functions of this file, and the catalogue as it was afterwards."""
    before = {entry.name for entry in records()}
    elementwise("u_swish", "x*sigmoid(2*x)")
    elementwise("u_cube", value=lambda v: v**3, partial="3*x^2", analytic=True)
    elementwise("u_tanh", value=np.tanh, partial="1 - y^2")
    elementwise("u_huber", "[abs(x) <= a]*x^2/2 + [abs(x) > a]*a*(abs(x) - a/2)", args=["x", "a"])
    elementwise("u_wave", sympy.Lambda(X, sympy.exp(-(X**2)) * sympy.sin(X)))
    elementwise("u_gamma", sympy.gamma(X), domain="positive")
    elementwise("u_both", value=lambda v, w: v**2 * w, partial=["2*x*a", "x^2"], args=["x", "a"])
    yield
    for name in {entry.name for entry in records()} - before:
        unregister(name)


def checked(source: str, *wrt: str, where: Any = None) -> str:
    result = derivative(source, list(wrt), where=where or WHERE)
    report = result.check()
    assert report.ok, str(report)
    return str(result)


def test_from_text() -> None:
    checked("sum(u_swish(A*x))", "x")
    checked("sum(u_swish(x))", "x", "x")
    v = np.array([-1.0, 0.5, 2.0])
    np.testing.assert_allclose(program("u_swish(x)", {"x": "R^n"}).forward(x=v), v * special.expit(2 * v))


def test_code_of_a_definition_stands_alone() -> None:
    source = derivative("x'*u_swish(A*x)", "x", where={"A": "R^{n x n}", "x": "R^n"}).source()
    assert "u_swish" not in source.split('"""')[2]
    assert "special.expit" in source


def test_from_a_function_and_its_partial() -> None:
    assert checked("sum(u_cube(A*x))", "x") == "3*A'*(A*x).^2"
    assert checked("sum(u_cube(x))", "x", "x") == "6*diag(x)"
    assert "u_cube(" in derivative("x'*u_cube(x)", "x", where={"x": "R^n"}).source()


def test_partial_in_terms_of_the_value() -> None:
    assert checked("sum(u_tanh(x))", "x") == "1 - u_tanh(x).^2"


def test_two_arguments() -> None:
    assert checked("sum(u_both(x, s))", "x") == "2*s*x"
    assert checked("sum(u_both(x, s))", "s") == "x'*x"
    checked("sum(u_huber(A*x, 1.5))", "x")
    checked("sum(u_huber(x, s))", "s")


def test_kinks_of_a_definition_are_those_of_its_parts() -> None:
    assert "abs" in (record("u_huber").kinks or "")
    assert record("u_swish").kinks is None and record("u_swish").analytic


def test_from_sympy() -> None:
    assert checked("sum(u_wave(x))", "x") == "exp(-x.^2) .* (cos(x) - 2*x .* sin(x))"


def test_what_only_sympy_knows() -> None:
    """Its derivative becomes a function of its own."""
    result = derivative("sum(u_gamma(x))", "x", where="x: R^n positive")
    assert str(result) == "du_gamma(x)"
    v = np.array([0.7, 1.5, 3.2])
    np.testing.assert_allclose(result.tensor(x=v), special.gamma(v) * special.digamma(v))
    checked("sum(u_gamma(x))", "x", "x", where="x: R^n positive")


def test_printing_and_reading() -> None:
    tree = parse("u_swish(x + y) .* u_huber(x, 2)")
    assert text(parse(text(tree))) == text(tree)


def test_undefined_function_of_sympy_is_the_users() -> None:
    x = sg.symbols("x: R^n")
    x = x[0] if isinstance(x, tuple | list) else x
    swish = sympy.Function("u_swish")
    t = sympy.Symbol("t")
    applied = x.applyfunc(sympy.Lambda(t, swish(t)))
    found = derivative((x.T * applied)[0, 0], "x")
    wanted = derivative("x'*u_swish(x)", "x", where={"x": "R^n"})
    assert str(found) == str(wanted)


@pytest.mark.parametrize("name", ["u_swish", "u_cube", "u_tanh", "u_wave"])
def test_pullback_is_the_slope(name: str) -> None:
    entry = record(name)
    v = np.linspace(-2, 2, 9).reshape(-1, 1)
    (found,) = entry.pullback(np.ones_like(v), entry.value(v), v)
    slopes = {
        "u_swish": special.expit(2 * v) + 2 * v * special.expit(2 * v) * special.expit(-2 * v),
        "u_cube": 3 * v**2,
        "u_tanh": 1 / np.cosh(v) ** 2,
        "u_wave": np.exp(-(v**2)) * (np.cos(v) - 2 * v * np.sin(v)),
    }
    np.testing.assert_allclose(found, slopes[name], rtol=1e-8, atol=1e-9)


def test_a_wrong_partial_is_found_by_the_witnesses() -> None:
    elementwise("u_wrong", value=np.sin, partial="-cos(x)")
    assert not derivative("sum(u_wrong(x))", "x", where={"x": "R^n"}).check().ok


@pytest.mark.parametrize("name", ["sin", "tr", "pi", "u_swish"])
def test_a_taken_name_is_refused(name: str) -> None:
    with pytest.raises(UnknownNameError, match="already an operation"):
        elementwise(name, "x^2")


@pytest.mark.parametrize(
    ("definition", "options", "error"),
    [
        ("x*a", {}, ParseError),
        ("x'*A", {"args": ["x"]}, SymgradError),
        (None, {}, ParseError),
        (None, {"value": np.sin}, NotDifferentiableError),
        ("x^2", {"partial": ["2*x", "x"]}, ParseError),
        (sympy.Symbol("a") * X, {}, ParseError),
        ("eye(3)", {}, SymgradError),
    ],
)
def test_what_cannot_be_a_definition(definition: Any, options: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        elementwise("u_never", definition, **options)
    assert find("u_never") is None


def test_a_name_that_is_no_identifier() -> None:
    with pytest.raises(ParseError, match="name of a function"):
        elementwise("2fast", "x^2")


def test_an_added_function_can_be_taken_out_and_added_anew() -> None:
    elementwise("u_once", "x^2")
    unregister("u_once")
    with pytest.raises(UnknownNameError, match="u_once"):
        derivative("sum(u_once(x))", "x", where={"x": "R^n"})
    elementwise("u_once", "x^3")
    assert str(derivative("sum(u_once(x))", "x", where={"x": "R^n"})) == "3*x.^2"
    with pytest.raises(UnknownNameError, match="not an operation that was added"):
        unregister("sin")
