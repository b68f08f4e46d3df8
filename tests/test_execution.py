"""Programs on numeric gates."""

from __future__ import annotations

import numpy as np
import pytest

from symgrad.errors import ShapeError, UnknownNameError
from symgrad.execution import bound_sizes, computational_graph, execute
from symgrad.programs import program

RNG = np.random.default_rng(0)
A, x, M, y = RNG.normal(size=(3, 3)), RNG.normal(size=3), RNG.normal(size=(2, 3)), RNG.normal(size=3)
VALUES = {"A": A, "x": x, "M": M, "y": y, "s": 1.5, "r": np.ones((1, 3))}
WHERE = "A: R^{n x n}; x, y: R^n; M: R^{m x n}; s: R; r: R^{1 x n}"


def value(source: str) -> object:
    used = program(source, WHERE)
    run = execute(used, VALUES)
    return run.value(run.output)


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("x'*A*y", x @ A @ y),
        ("M*x + 1", M @ x + 1),
        ("A.^2 - s", A**2 - 1.5),
        ("sum(M)/n", M.sum() / 3),
        ("ones(m, n) + M", M + 1),
        ("eye(n)*x", x),
        ("pi*s", 1.5 * np.pi),
        ("kron(M, x')", np.kron(M, x[None, :])),
        ("x*y'", np.outer(x, y)),
        ("r*x", x.sum()),
        ("r'", np.ones(3)),
        ("M'", M.T),
        ("-x", -x),
        ("[x > y]", (x > y) * 1.0),
        ("max(x)", x.max()),
        ("softmax(M*x)", np.exp(M @ x) / np.exp(M @ x).sum()),
        ("x", x),
        ("2", 2.0),
        ("vec(M)", M.reshape(-1, order="F")),
        ("inv(A)*x", np.linalg.solve(A, x)),
        ("e(2, n)'*x", x[1]),
        ("x'*ones(n)*s^2", x.sum() * 2.25),
    ],
)
def test_values(source: str, wanted: object) -> None:
    found = value(source)
    assert np.shape(found) == np.shape(wanted)
    np.testing.assert_allclose(found, wanted, rtol=1e-12)


def test_gates_follow_the_lines() -> None:
    source = program("h = tanh(M*x); f = h'*h", WHERE)
    run = execute(source, VALUES)
    np.testing.assert_allclose(run.value("h"), np.tanh(M @ x))
    back = run.backward()
    h = np.tanh(M @ x)
    np.testing.assert_allclose(back["x"], M.T @ (2 * h * (1 - h**2)))
    np.testing.assert_allclose(execute(source, VALUES, "h").value("h"), h)


def test_sizes_come_from_the_arrays() -> None:
    assert bound_sizes(program("M*x", "M: R^{m x n}; x: R^n"), {"M": M, "x": x}) == {"m": 2, "n": 3}
    graph = computational_graph(program("sum(ones(n))*s", "x: R^n; s: R"), {"n": 5})
    assert graph.forward(s=2.0) == 10


@pytest.mark.parametrize(
    ("values", "kind", "said"),
    [
        ({"M": M, "x": np.ones(4)}, ShapeError, "x is declared R\\^n"),
        ({"M": M, "x": np.ones((3, 1))}, ShapeError, "one axis"),
        ({"M": M}, UnknownNameError, "x"),
        ({"M": M, "x": x, "z": x}, UnknownNameError, "z"),
        ({"M": 1.0, "x": x}, ShapeError, "two axes"),
    ],
)
def test_arrays_that_do_not_fit(values: dict[str, object], kind: type[Exception], said: str) -> None:
    with pytest.raises(kind, match=said):
        execute(program("M*x", "M: R^{m x n}; x: R^n"), values)


def test_sizes_that_are_expressions_are_checked() -> None:
    source = program("x'*x", {"x": "R^{n + 1}", "y": "R^n"})
    run = execute(source, {"x": np.ones(4), "y": np.ones(3)})
    assert run.value(run.output) == 4
    with pytest.raises(ShapeError):
        execute(source, {"y": np.ones(3), "x": np.ones(3)})


def test_a_dimension_that_is_one() -> None:
    """n = 1: a column of one entry and a 1 x 1 matrix keep their axes."""
    source = program("A*x", "A: R^{n x n}; x: R^n")
    run = execute(source, {"A": np.array([[2.0]]), "x": np.array([3.0])})
    assert run.value(run.output).shape == (1,)


def test_long_programs_are_no_recursion() -> None:
    lines = ["h0 = x", *(f"h{i} = sin(h{i - 1})" for i in range(1, 1500)), "sum(h1499)"]
    run = execute(program("\n".join(lines), "x: R^n"), {"x": np.array([0.5])})
    wanted = 0.5
    for _ in range(1499):
        wanted = np.sin(wanted)
    assert run.value(run.output) == pytest.approx(wanted)
    assert np.isfinite(run.backward()["x"]).all()


def test_a_dimension_that_no_input_has_is_named() -> None:
    with pytest.raises(UnknownNameError, match="dimension n"):
        program("sum(eye(n))").graph()
