"""Objectives: cost and gradient against hand-written NumPy, parameters of every shape, examples, and refusals."""

import numpy as np
import pytest

from symgrad.errors import DomainError, ShapeError, SymgradError, UnknownNameError
from symgrad.training.objective import objective

RNG = np.random.default_rng(2)
X, Y = RNG.normal(size=(7, 3)), RNG.normal(size=7)
LINE = "r = X*w + b - y; J = r'*r/(2*m)"
WHERE = "X: R^{m x n}; y: R^m; w: R^n; b: R"


def line():
    return objective(LINE, ["w", "b"], {"X": X, "y": Y}, where=WHERE, examples=["X", "y"])


@pytest.mark.parametrize("rows", [None, [2], [0, 3, 5]])
def test_cost_and_gradient_of_least_squares(rows):
    w, b = RNG.normal(size=3), 0.4
    A, t = (X, Y) if rows is None else (X[rows], Y[rows])
    r = A @ w + b - t
    found = line().gradient({"w": w, "b": b}, rows)
    assert line().cost({"w": w, "b": b}, rows) == pytest.approx(r @ r / (2 * len(r)))
    np.testing.assert_allclose(found["w"], A.T @ r / len(r))
    np.testing.assert_allclose(found["b"], r.mean())


def test_the_gradient_of_all_is_the_mean_of_those_of_examples():
    at = {"w": np.array([1.0, -2.0, 0.5]), "b": 0.1}
    single = [line().gradient(at, [j])["w"] for j in range(7)]
    np.testing.assert_allclose(np.mean(single, axis=0), line().gradient(at)["w"])


@pytest.mark.parametrize("sizes", [(4, 3, 2), (3, 3, 3)])
def test_a_network_of_matrices(sizes):
    n, h, k = sizes
    rng = np.random.default_rng(n)
    x, y, W1, W2 = rng.normal(size=n), rng.normal(size=k), rng.normal(size=(h, n)), rng.normal(size=(k, h))
    made = objective(
        "a = tanh(W1*x); z = W2*a; J = dot(z - y, z - y)/2", ["W1", "W2"], {"x": x, "y": y},
        where="x: R^n; y: R^k; W1: R^{h x n}; W2: R^{k x h}", start={"W1": W1, "W2": W2},
    )  # fmt: skip
    a = np.tanh(W1 @ x)
    e = W2 @ a - y
    found = made.gradient({"W1": W1, "W2": W2})
    np.testing.assert_allclose(found["W2"], np.outer(e, a))
    np.testing.assert_allclose(found["W1"], np.outer((W2.T @ e) * (1 - a**2), x))
    flat = made.pack({"W1": W1, "W2": W2})
    assert flat.shape == (made.size,) == (h * n + k * h,)
    np.testing.assert_array_equal(made.unpack(flat)["W2"], W2)


def test_a_symmetric_parameter_stays_symmetric():
    """d (a'S b) / d S on symmetric matrices is (ab' + ba')/2."""
    a, b = np.array([1.0, 2.0, 0.5]), np.array([-1.0, 3.0, 1.0])
    made = objective("J = a'*S*b", "S", {"a": a, "b": b}, where="a, b: R^n; S: R^{n x n} symmetric")
    found = made.gradient({"S": np.eye(3)})["S"]
    np.testing.assert_allclose(found, (np.outer(a, b) + np.outer(b, a)) / 2)


def test_a_row_parameter():
    made = objective("J = (v*x)^2", "v", {"x": [1.0, 2.0]}, where="v: R^{1 x n}; x: R^n")
    np.testing.assert_allclose(made.gradient({"v": [[3.0, 1.0]]})["v"], [[10.0, 20.0]])


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        ({"wrt": ["w", "c"]}, UnknownNameError, "c is no input"),
        ({"wrt": ["w", "w"]}, DomainError, "named once"),
        ({"wrt": ["w", "y"]}, DomainError, "cannot be data and a parameter"),
        ({"data": {"X": X}}, UnknownNameError, "y has no value"),
        ({"data": {"X": X, "y": Y, "q": 1}}, UnknownNameError, "q is no input"),
        ({"data": {"X": X, "y": Y[:5]}}, ShapeError, "m"),
        ({"of": "r"}, ShapeError, "what is minimised is a scalar"),
        ({"examples": ["Z"]}, UnknownNameError, "Z is no data"),
    ],
)
def test_what_does_not_fit_is_refused(change, error, said):
    given = {"wrt": ["w", "b"], "data": {"X": X, "y": Y}, "examples": ["X", "y"], "of": None, **change}
    with pytest.raises(error, match=said):
        objective(LINE, given.pop("wrt"), given.pop("data"), where=WHERE, **given)


def test_sizes_that_no_data_tell_are_asked_for():
    with pytest.raises(SymgradError, match="size"):
        objective("J = dot(x, x)", "x", where="x: R^n")
    assert objective("J = dot(x, x)", "x", where="x: R^n", start={"x": [1, 2]}).size == 2


def test_parameters_that_do_not_fit_are_named():
    with pytest.raises(ShapeError, match=r"w has the shape \(2,\), and must have \(3,\)"):
        line().cost({"w": [1, 2], "b": 0})
    with pytest.raises(UnknownNameError, match="b has no value"):
        line().cost({"w": [1, 2, 3]})
    with pytest.raises(UnknownNameError, match="c is no parameter"):
        line().cost({"w": [1, 2, 3], "b": 0, "c": 1})
