"""The gradients of the models: against their formulas, and against the values of the losses."""

import numpy as np
import pytest
from handwritten.models import (
    logistic_gradient,
    logistic_loss,
    network_gradients,
    network_loss,
    ridge_gradient,
    ridge_hessian,
    ridge_loss,
)

RIDGE = "norm2(X*w - y)^2 + l*norm2(w)^2"
RIDGE_SHAPES = "X: R^{m x n}; y: R^m; w: R^n; l: R"
NETWORK = "z = W1*x + b1; h = relu(z); L = norm2(W2*h - y)^2/2"
NETWORK_SHAPES = "W1: R^{m x n}; x: R^n; b1: R^m; W2: R^{k x m}; y: R^k"


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    return rng.standard_normal((20, 4)), np.sign(rng.standard_normal(20)), rng.standard_normal(4)


def test_ridge_gradient_is_that_of_the_formula(symgrad):
    symgrad.assert_derivative(RIDGE, "w", where=RIDGE_SHAPES, claimed=ridge_gradient)


def test_ridge_hessian_is_that_of_the_formula(symgrad):
    symgrad.assert_derivative(RIDGE, ["w", "w"], where=RIDGE_SHAPES, claimed=ridge_hessian)


def test_ridge_hessian_fits_the_values(symgrad, data):
    X, y, w = data
    symgrad.assert_hessian(lambda w: ridge_loss(X, y, w, 0.5), lambda w: ridge_hessian(X, 0.5), at=w)


def test_logistic_gradient_is_that_of_the_formula(symgrad):
    shapes = "X: R^{m x n}; y: R^m; w: R^n"
    symgrad.assert_derivative("sum(log(1 + exp(-y.*(X*w))))", "w", where=shapes, claimed=logistic_gradient)


@pytest.mark.symgrad(trials=5)
def test_logistic_gradient_fits_the_values(symgrad, data):
    X, y, w = data
    symgrad.assert_gradient(lambda w: logistic_loss(X, y, w), lambda w: logistic_gradient(X, y, w), at=w)


@pytest.mark.parametrize(("place", "name"), list(enumerate(["W1", "b1", "W2"])))
def test_network_gradients_are_those_of_the_formula(symgrad, place, name):
    def claimed(W1, b1, W2, x, y):
        return network_gradients(W1, b1, W2, x, y)[place]

    symgrad.assert_derivative(NETWORK, name, where=NETWORK_SHAPES, claimed=claimed)


def test_network_gradients_fit_the_values(symgrad):
    rng = np.random.default_rng(1)
    W1, b1, W2 = rng.standard_normal((5, 3)), rng.standard_normal(5), rng.standard_normal((2, 5))
    x, y = rng.standard_normal(3), rng.standard_normal(2)
    symgrad.assert_gradient(lambda *p: network_loss(*p, x, y), lambda *p: network_gradients(*p, x, y), at=(W1, b1, W2))


def test_a_subgradient_at_the_kink_is_accepted(symgrad):
    """All relu units sit exactly at 0 for x = 0 and b1 = 0."""
    rng = np.random.default_rng(2)
    W1, W2, y = rng.standard_normal((5, 3)), rng.standard_normal((2, 5)), rng.standard_normal(2)
    report = symgrad.assert_gradient(
        lambda b1: network_loss(W1, b1, W2, np.zeros(3), y),
        lambda b1: network_gradients(W1, b1, W2, np.zeros(3), y)[1],
        at=np.zeros(5),
    )
    assert report.verdict == "ok-subgradient"
