"""Points inside domains and away from kinks; Jacobians by engine and differences against hand-made ones."""

from __future__ import annotations

import numpy as np
import pytest

from symgrad.notation.declare import declare
from symgrad.numeric.gates import OperationGate
from symgrad.operations.catalogue import record
from symgrad.programs import program
from symgrad.verification.witnesses import (
    difference_jacobian,
    engine_jacobian,
    find_point,
    is_analytic,
    near_kink,
    opened,
    projected,
)


def _gate(name, *inputs):
    gate = OperationGate(record(name))
    gate.forward(*(np.asarray(x, dtype=float) for x in inputs))
    return gate


@pytest.mark.parametrize(
    ("name", "inputs", "near"),
    [
        ("relu", ([1.0, -0.01],), True),
        ("relu", ([1.0, -0.3],), False),
        ("abs", ([0.001],), True),
        ("max", ([1.0, 2.0], [0.5, 2.01]), True),
        ("max", ([1.0, 2.0], [0.5, 2.5]), False),
        ("max", ([1.0, 1.01, 0.2],), True),
        ("max", ([1.0, 1.5, 0.2],), False),
        ("gt", ([0.3], [0.31]), True),
        ("gt", ([0.3], [0.9]), False),
        ("norm2", ([0.01, 0.0],), True),
        ("norm2", ([1.0, 1.0],), False),
        ("norm1", ([1.0, 0.5, -2.0, 0.7],), False),
        ("norm1", ([1.0, 0.001],), True),
        ("exp", ([0.0],), False),
    ],
)
def test_kinks_are_noticed_from_values_and_slopes_alone(name, inputs, near):
    assert near_kink(_gate(name, *inputs)) is near


def test_points_keep_away_from_kinks_and_say_how_many_were_rejected():
    source = program("sum(relu(A*x)) + sum(abs(x))", "A: R^{m x n}; x: R^n")
    for seed in range(20):
        point = find_point(source, "distinct", seed)
        assert not point.near_kink
        assert np.abs(point.values["A"] @ point.values["x"]).min() > 0.02


def test_a_kink_that_is_everywhere_is_admitted():
    assert find_point(program("max(x, x + 0*y)", "x, y: R^n"), "distinct", 0).near_kink


def test_points_stay_in_the_domain():
    point = find_point(program("sum(log(x)) + sum(arcsin(y))", "x: R^n; y: R^n"), "square", 0)
    assert point.domain == "small" or (point.values["x"] > 0).all()
    assert np.isfinite(np.log(point.values["x"])).all() and (np.abs(point.values["y"]) < 1).all()


def test_an_intermediate_becomes_an_input_with_its_own_value():
    source = program("h = W*x; f = h'*h", "W: R^{m x n}; x: R^n")
    point = find_point(source, "distinct", 1)
    run = opened(source, ["h"], "f", point)
    h = point.values["W"] @ point.values["x"]
    assert np.allclose(engine_jacobian(run, "h"), 2 * h)
    assert np.allclose(difference_jacobian(run, ["h"], analytic=True).value, 2 * h)
    assert np.allclose(engine_jacobian(run, "x"), 0)  # h is a variable of its own


def test_a_name_that_is_only_another_name_can_be_opened():
    source = program("q = x; f = q'*q", "x: R^n")
    point = find_point(source, "distinct", 0)
    assert np.allclose(engine_jacobian(opened(source, ["q"], "f", point), "q"), 2 * point.values["x"])


def test_second_differences_of_a_quadratic_form():
    source = program("x'*A*x", "x: R^n; A: R^{n x n}")
    point = find_point(source, "square", 0)
    found = difference_jacobian(opened(source, [], "result", point), ["x", "x"], analytic=True)
    assert np.allclose(found.value, point.values["A"] + point.values["A"].T, atol=1e-9)


def test_analytic_is_said_of_all_operations():
    assert is_analytic(program("exp(x'*x)", "x: R^n"))
    assert not is_analytic(program("exp(norm1(x))", "x: R^n"))


def test_projections_by_hand():
    g = np.array([[1.0, 2.0], [4.0, 8.0]])
    [symmetric, skew, diagonal] = (declare(f"S: R^{{2 x 2}} {p}")["S"] for p in ("symmetric", "skew", "diagonal"))
    assert projected(g, 0, symmetric, "project", g).tolist() == [[1, 3], [3, 8]]
    assert projected(g, 0, symmetric, "free", g).tolist() == [[1, 6], [6, 8]]
    assert projected(g, 0, skew, "project", g).tolist() == [[0, -1], [1, 0]]
    assert projected(g, 0, diagonal, "project", g).tolist() == [[1, 0], [0, 8]]
    stacked = np.stack([g, 2 * g])  # an output axis first
    assert projected(stacked, 1, symmetric, "project", g)[1].tolist() == [[2, 6], [6, 16]]


def test_the_derivative_by_a_simplex_is_told_up_to_a_constant():
    simplex = declare("p: R^3 simplex")["p"]
    value = np.ones(3) / 3
    assert np.allclose(projected(np.array([1.0, 2, 6]), 0, simplex, "project", value), [-2, -1, 3])
