"""A user's own gate, in a run, in a replay, from a class for computational graphs, and checked by differences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symgrad as sg
from symgrad import engine
from symgrad.errors import DomainError, NotDifferentiableError, ShapeError


class MultiplyGate(sg.Gate):
    """The gate of the lecture: it caches x and y."""

    def forward(self, x: Any, y: Any) -> Any:
        self.x, self.y = x, y
        return x * y

    def backward(self, dz: Any) -> Any:
        return [self.y * dz, self.x * dz]


multiply = sg.gate(MultiplyGate)
norm = sg.gate(lambda x: np.sqrt((x * x).sum()), lambda g, y, x: (g * x / y,), name="norm")


@pytest.mark.parametrize("replayed", [False, True])
def test_a_gate_class_serves_as_it_is(replayed: bool) -> None:
    def f(x: Any, y: Any) -> Any:
        return np.sum(multiply(multiply(x, y), x)) + norm(x)

    x, y = np.array([3.0, 4.0]), np.array([-4.0, 1.0])
    step = engine.record(f, x, y, wrt=(0, 1)) if replayed else sg.value_and_grad(f, wrt=(0, 1))
    value, (by_x, by_y) = step(x, y)
    assert value == -20 + 5
    np.testing.assert_allclose(by_x, 2 * x * y + x / 5)
    np.testing.assert_allclose(by_y, x * x)


def test_the_same_class_in_a_graph() -> None:
    graph = sg.ComputationalGraph()
    x, y = graph.input("x"), graph.input("y")
    graph.add(MultiplyGate(), x, y)
    assert graph.forward(x=3.0, y=-4.0) == -12
    assert {k: float(v) for k, v in graph.backward().items()} == {"x": -4, "y": 3}


def test_constants_and_plain_arrays() -> None:
    assert norm(np.array([3.0, 4.0])) == 5
    v = sg.variable([1.0, 2.0])
    multiply(v, np.array([5.0, 6.0])).sum().backward()
    assert v.grad.tolist() == [5, 6]


def test_a_right_gate_passes_its_check() -> None:
    assert norm.check(np.array([3.0, -4.0, 1.0])) < 1e-9
    assert multiply.check(np.ones((2, 3)), np.full((2, 3), 2.0)) < 1e-9


def test_a_wrong_gate_is_found() -> None:
    wrong = sg.gate(np.tanh, lambda g, y, x: (g * (1 - y),), name="wrong")
    with pytest.raises(NotDifferentiableError, match="pullback of wrong"):
        wrong.check(np.array([0.3, -0.2]))


@pytest.mark.parametrize(
    ("pullback", "said"),
    [
        (lambda g, y, x: g, "1 cotangents"),
        (lambda g, y, x: (g, g), "1 cotangents"),
        (lambda g, y, x: (np.ones(3),), "shape"),
        (lambda g, y, x: (0.0,), "shape"),
    ],
)
def test_cotangents_that_do_not_fit(pullback: Any, said: str) -> None:
    v = sg.variable([1.0, 2.0])
    with pytest.raises(ShapeError, match=said):
        sg.gate(np.sin, pullback)(v).sum().backward()


def test_the_users_arrays_are_the_users() -> None:
    shared = np.zeros(2)

    def pullback(g: Any, y: Any, a: Any, b: Any) -> Any:
        shared[:] = g
        return shared, shared

    add = sg.gate(lambda a, b: a + b, pullback)
    a, b = sg.variable([1.0, 2.0]), sg.variable([3.0, 4.0])
    (add(a, b) * np.array([2.0, 3.0]) + add(a, b)).sum().backward()
    assert a.grad.tolist() == b.grad.tolist() == [3, 4]


@pytest.mark.parametrize(
    "made", [lambda: sg.gate(np.sin), lambda: sg.gate(3, 4), lambda: sg.gate(MultiplyGate, np.sin)]
)
def test_what_is_no_gate(made: Any) -> None:
    with pytest.raises(DomainError):
        made()


def test_whole_numbers_are_no_output() -> None:
    with pytest.raises(DomainError, match="floating-point"):
        sg.gate(lambda x: np.argmax(x), lambda g, y, x: (g,))(sg.variable([1.0]))


def test_a_function_added_to_the_catalogue_is_a_gate_at_once() -> None:
    sg.elementwise("swishy", "x*sigmoid(3*x)")
    try:
        f = engine.swishy
        point = np.array([[0.3, -2.0], [1.0, 0.0]])
        s = 1 / (1 + np.exp(-3 * point))
        np.testing.assert_allclose(f(point), point * s)
        np.testing.assert_allclose(engine.grad(lambda u: np.sum(f(u)))(point), s + 3 * point * s * (1 - s))
    finally:
        sg.unregister("swishy")
    sg.elementwise("cubic", value=lambda x: x**3, partial="3*x^2")
    try:
        assert engine.grad(lambda u: np.sum(engine.cubic(u)))(np.array([2.0])).tolist() == [12]
    finally:
        sg.unregister("cubic")
