"""Curvature against eigenvalues known by hand, and the rates that follow from them."""

import numpy as np
import pytest

from symgrad.errors import DomainError
from symgrad.training.convergence import curvature, hessian
from symgrad.training.descent import descend
from symgrad.training.objective import objective
from symgrad.training.rules import rule

ROOT = 5**0.5


def bowl(entries):
    n = len(entries)
    return objective("J = x'*H*x/2", "x", {"H": entries}, where=f"x: R^{n}; H: R^{{{n} x {n}}}")


def test_eigenvalues_by_hand():
    found = curvature(bowl([[3, 1], [1, 2]]), {"x": [1, 1]})
    assert found.eigenvalues == pytest.approx(((5 - ROOT) / 2, (5 + ROOT) / 2))
    assert found.limit == pytest.approx(4 / (5 + ROOT)) and found.best == pytest.approx(2 / 5)
    assert found.condition == pytest.approx((5 + ROOT) / (5 - ROOT))


def test_the_hessian_of_several_parameters():
    x, y = np.array([0.0, 1.0, 2.0, 3.0]), np.array([1.0, 3.0, 5.0, 7.0])
    line = objective("r = w*x + b - y; J = r'*r/(2*m)", ["w", "b"], {"x": x, "y": y}, where="x, y: R^m; w, b: R")
    found = hessian(line, {"w": 5, "b": -1})
    np.testing.assert_allclose(found, [[np.mean(x**2), np.mean(x)], [np.mean(x), 1]])


def test_the_hessian_of_logistic_regression_depends_on_the_point():
    X, y = np.array([[1.0, 2.0], [-1.0, 0.5], [0.3, -2.0]]), np.array([1.0, -1.0, 1.0])
    made = objective("sum(log(1 + exp(-y.*(X*w))))", "w", {"X": X, "y": y}, where="X: R^{m x n}; y: R^m; w: R^n")
    w = np.array([0.3, -0.4])
    p = 1 / (1 + np.exp(-(X @ w)))
    np.testing.assert_allclose(hessian(made, {"w": w}), X.T @ np.diag(p * (1 - p)) @ X)


@pytest.mark.parametrize("rate", [0.1, 0.3, 2 / 11, 0.19])
def test_the_factor_is_what_a_step_does(rate):
    found = curvature(bowl([[1, 0], [0, 10]]), {"x": [1, 1]})
    assert found.factor(rate) == pytest.approx(max(abs(1 - rate), abs(1 - 10 * rate)))
    assert (found.factor(rate) < 1) == (rate < found.limit)


def test_the_best_rate_is_best():
    found = curvature(bowl([[1, 0], [0, 10]]), {"x": [1, 1]})
    others = [found.factor(found.best * part) for part in (0.98, 1.02)]
    assert found.factor(found.best) == pytest.approx(9 / 11) and min(others) > 9 / 11


def test_the_best_momentum_shrinks_the_error_by_its_root():
    """The slowest part shrinks by sqrt(mu) a step, ((sqrt L - sqrt l) / (sqrt L + sqrt l)), far faster than without."""
    made = bowl([[1, 0], [0, 100]])
    found = curvature(made, {"x": [1, 1]})
    rate, mu = found.best_momentum
    assert (rate, mu) == pytest.approx((4 / 121, (9 / 11) ** 2))
    with_it = descend(made, {"x": [1, 1]}, rule=rule("momentum", mu=mu), rate=rate, steps=150)
    without = descend(made, {"x": [1, 1]}, rate=found.best, steps=150)
    assert with_it.costs[-1] < 1e-18 and without.costs[-1] > 1e-3


def test_what_is_not_convex_has_no_limit():
    found = curvature(bowl([[1, 0], [0, -1]]), {"x": [1, 1]})
    for name in ("limit", "best", "best_momentum"):
        with pytest.raises(DomainError, match="not convex"):
            getattr(found, name)


def test_a_symmetric_parameter_is_flat_only_where_it_cannot_go():
    made = objective("J = tr(S*S)/2", "S", where="S: R^{2 x 2} symmetric")
    found = curvature(made, {"S": [[1, 2], [2, 3]]})
    assert found.eigenvalues == pytest.approx((0, 1, 1, 1), abs=1e-12) and found.limit == pytest.approx(2)


def test_a_flat_direction_is_no_obstacle():
    found = curvature(bowl([[4, 0], [0, 0]]), {"x": [1, 1]})
    assert found.limit == 0.5 and found.condition == float("inf")
