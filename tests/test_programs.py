"""Programs: names, declarations, intermediates as variables, and what goes wrong."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

import symgrad as sg
from symgrad.errors import ParseError, ShapeError, SymgradError, UnknownNameError
from symgrad.programs import RESULT, Program, echoes, name_of, program, shown_names
from symgrad.tensor.nodes import Input

NETWORK = """
l1   = relu(W1*x)
l21  = relu(W21*l1)
l22  = sigmoid(W22*l1)
z    = max(l21, l22)
yhat = softmax(z)
L    = -y'*log(yhat)
"""
WHERE = "x: R^n; W1: R^{h x n}; W21, W22: R^{k x h}; y: R^k onehot"


def network() -> Program:
    return program(NETWORK, WHERE)


def test_names_and_shapes() -> None:
    net = network()
    assert net.output == "L" and net.assigned == ["l1", "l21", "l22", "z", "yhat", "L"]
    assert net.views["z"].describe() == "a column vector (k x 1)" and net.views["L"].is_scalar
    assert net.assumed == () and program(net) is net


def test_an_expression_is_a_program_of_one_line() -> None:
    one = program("x'*x", "x: R^n")
    assert one.output == RESULT and one.assigned == [RESULT]
    assert program("a = 2*x; a'*a", "x: R^n").output == RESULT


def test_what_is_inferred_is_listed() -> None:
    found = program("h = tanh(W*x); L = h'*h")
    assert found.assumed == ("W", "x")
    assert program("x'*A*x", "x: R^n", infer=True).assumed == ("A",)


@pytest.mark.parametrize(
    ("wrt", "answer"),
    [
        ("z", "yhat - y"),
        ("l21", "(yhat - y) .* [l21 >= l22]"),
        ("l22", "(yhat - y) .* [l21 < l22]"),
        ("W21", "((yhat - y) .* [l21 >= l22] .* [l21 > 0])*l1'"),
        ("yhat", "-y ./ yhat"),
    ],
)
def test_answers_keep_the_names_of_the_program(wrt: str, answer: str) -> None:
    """The answers of the lecture, W21 as the contract prints it, up to the order of factors and brackets."""
    found = str(network().derivative(wrt=wrt))
    assert sorted(found.replace(" ", "")) == sorted(answer.replace(" ", "")), found


def test_an_intermediate_is_a_variable_of_its_own() -> None:
    source = program("h = 2*x; f = h'*x", "x: R^n")
    assert str(source.derivative("f", "h")) == "x"
    assert str(source.derivative("f", "x")) == "4*x"
    assert str(source.derivative("h", "x")) == "2*eye(n)"
    assert str(source.derivative("h", "h")) == "eye(n)"


def test_forward_and_backward() -> None:
    source = program("q = x + y; f = q*z", "x, y, z: R")
    values = {"x": -2.0, "y": 5.0, "z": -4.0}
    assert source.forward(**values) == -12 and source.forward("q", **values) == 3
    assert source.backward(**values) == {"x": -4, "y": -4, "z": 3}
    assert program("x'*x", "x: R^n").forward(x=[1.0, 2.0]) == 5
    assert program("f = x", "x: R").forward(x=3.0) == 3


def test_the_function_survives_the_import_of_its_module() -> None:
    """`sg.program` is the function, whatever was imported before."""
    code = "import symgrad as sg; import symgrad.programs; sg.derivative('x', 'x'); print(sg.program('2*x').output)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert callable(sg.program) and callable(sg.derivative)


@pytest.mark.parametrize(
    "name", [n for n in dir(sg) if not n.startswith("_") and n not in ("annotations", "import_module", "Any")]
)
def test_every_public_name_exists(name: str) -> None:
    assert getattr(sg, name) is not None


@pytest.mark.parametrize(
    ("source", "where", "kind", "said"),
    [
        ("y = q*x", "x: R^n", UnknownNameError, "q"),
        ("x = 2*x", "x: R^n", ParseError, "declared and assigned"),
        ("pi = x", "x: R", ParseError, "constant"),
        ("sin = x", "x: R", ParseError, "sin"),
        ("sinn(x)", "x: R^n", SymgradError, "sin"),
        ("h = A*x", "x: R^n; A: R^{n x m}", ShapeError, "m columns"),
        ("x'*x", "pi: R; x: R^n", SymgradError, "pi"),
        ("", "x: R", ParseError, "empty|nothing"),
    ],
)
def test_errors(source: str, where: str, kind: type[Exception], said: str) -> None:
    with pytest.raises(kind, match=said):
        _ = program(source, where).views


def test_names_that_are_not_there() -> None:
    net = network()
    for call in (lambda: net.derivative("M", "x"), lambda: net.derivative(wrt="W3"), lambda: net.derivative(wrt=[])):
        with pytest.raises(UnknownNameError):
            call()
    with pytest.raises(UnknownNameError, match=r"W21|W22"):
        net.derivative(wrt="W2")
    with pytest.raises(ParseError, match="int"):
        program(3)


def test_juxtaposition_of_declared_names() -> None:
    source = program("Ax", "A: R^{m x n}; x: R^n")
    assert source.views[RESULT].shape == program("A*x", "A: R^{m x n}; x: R^n").views[RESULT].shape
    assert source.notes


def test_names_of_variables() -> None:
    assert name_of(" x ") == "x"
    for wrong in ("", "  ", 3, None):
        with pytest.raises(UnknownNameError):
            name_of(wrong)


def test_stand_ins_bring_what_follows_from_them() -> None:
    net = network()
    table = shown_names(net.scope, net.assigned)
    assert {n.name for n in table.values() if isinstance(n, Input)} >= {"l1", "l21", "z", "yhat"}
    assert len(table) > 6  # also [l1 > 0] for the mask


def test_gradients_of_the_network_against_backprop() -> None:
    rng = np.random.default_rng(0)
    values = {
        "x": rng.normal(size=4),
        "W1": rng.normal(size=(5, 4)),
        "W21": rng.normal(size=(3, 5)),
        "W22": rng.normal(size=(3, 5)),
        "y": np.eye(3)[1],
    }
    back = network().backward(**values)
    for name in ("x", "W1", "W21", "W22"):
        found = network().derivative(wrt=name).tensor(**values)
        np.testing.assert_allclose(found, back[name], rtol=1e-10, atol=1e-12)


def test_the_norm_of_a_matrix_is_echoed() -> None:
    assert echoes(program("norm2(X)^2", "X: R^{m x n}")) == ["norm2(X) is the Frobenius norm"]
    assert echoes(program("norm2(x)^2", "x: R^n")) == []
