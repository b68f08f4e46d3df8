"""Runs on quadratics, whose points are known in closed form; where they converge, stop, rise and leave the numbers."""

import numpy as np
import pytest

from symgrad.errors import DomainError, LimitError
from symgrad.training.descent import MOST_NUMBERS, descend
from symgrad.training.objective import objective
from symgrad.training.rules import rule
from symgrad.training.samples import mini_batch, stochastic
from symgrad.training.schedules import exponential_decay

H = np.array([[3.0, 1.0], [1.0, 2.0]])
C = np.array([1.0, -1.0])
START = np.array([4.0, 2.0])


def bowl(hessian=H, centre=C):
    n = len(centre)
    given = {"H": hessian, "c": centre}
    return objective("d = x - c; J = d'*H*d/2", "x", given, where=f"x, c: R^{n}; H: R^{{{n} x {n}}} symmetric")


@pytest.mark.parametrize("rate", [0.05, 0.3, 0.5])
def test_the_points_are_those_of_the_closed_form(rate):
    """x_t - c = (I - a H)^t (x_0 - c)."""
    run = descend(bowl(), {"x": START}, rate=rate, steps=25)
    for t, point in enumerate(run.points):
        wanted = C + np.linalg.matrix_power(np.eye(2) - rate * H, t) @ (START - C)
        np.testing.assert_allclose(point, wanted, rtol=1e-9, atol=1e-12)
        assert run.costs[t] == pytest.approx((point - C) @ H @ (point - C) / 2, abs=1e-14)


def test_momentum_follows_its_two_term_recursion():
    """x_{t+1} = x_t - a H (x_t - c) + mu (x_t - x_{t-1}) (Polyak 1964)."""
    run = descend(bowl(), {"x": START}, rule=rule("momentum", mu=0.7), rate=0.1, steps=20)
    before, now = START, START
    for point in run.points[1:]:
        before, now = now, now - 0.1 * H @ (now - C) + 0.7 * (now - before)
        np.testing.assert_allclose(point, now, atol=1e-12)


LARGEST = float(np.linalg.eigvalsh(H)[-1])


@pytest.mark.parametrize("part", [0.5, 0.99, 0.999])
def test_below_the_limit_the_cost_falls_to_zero(part):
    run = descend(bowl(), {"x": START}, rate=part * 2 / LARGEST, steps=20_000)
    assert run.costs[-1] < 1e-12 and run.rises == ()


@pytest.mark.parametrize("part", [1.001, 1.01, 1.5])
def test_above_the_limit_the_cost_grows_without_end(part):
    run = descend(bowl(), {"x": START}, rate=part * 2 / LARGEST, steps=20_000)
    assert run.left_at is not None or run.costs[-1] > 1e6 * run.costs[0]


def test_at_the_limit_one_part_of_the_error_stays():
    """|1 - a L| = 1: on J = 2 x^2 with a = 1/2 the point jumps between x and -x."""
    run = descend(objective("J = 2*x^2", "x", where="x: R"), {"x": 3.0}, rate=0.5, steps=6)
    np.testing.assert_array_equal(run.path("x"), [3, -3, 3, -3, 3, -3, 3])
    assert run.rises == () and not run.converged


def test_a_run_that_leaves_the_finite_numbers_says_at_which_step():
    """x_t = (-1e100)^t: the square of x_2 is beyond the largest double."""
    run = descend(objective("J = x^2/2", "x", where="x: R"), {"x": 1.0}, rate=1e100 + 1, steps=50)
    assert run.left_at == 2 and run.steps == 1 and run.stopped == "the run left the finite numbers at step 2"
    assert run.rises == (1, 2) and np.isfinite(run.costs).all() and not run.converged
    with pytest.raises(DomainError, match="step 2"):
        _ = run.end


def test_a_short_gradient_ends_the_run():
    run = descend(bowl(), {"x": START}, rate=0.4, steps=1000, tolerance=1e-6)
    assert run.converged and run.stopped == f"the gradient is small at step {run.steps}" and run.steps < 100
    assert np.linalg.norm(H @ (run.end["x"] - C)) <= 1e-6 < np.linalg.norm(H @ (run.points[-2] - C))


def test_a_start_at_the_lowest_point_needs_no_step():
    run = descend(bowl(), {"x": C}, rate=0.4, steps=10)
    assert run.steps == 0 and run.converged


def test_a_schedule_is_asked_for_the_rate_of_every_step():
    run = descend(objective("J = x^2/2", "x", where="x: R"), {"x": 1.0}, rate=exponential_decay(0.5, 0.1), steps=5)
    wanted = np.cumprod([1.0, *(1 - 0.5 * np.exp(-0.1 * t) for t in range(5))])
    np.testing.assert_allclose(run.path("x"), wanted)


@pytest.mark.parametrize("sample", [stochastic(3), mini_batch(2, 3)], ids=["stochastic", "mini-batch"])
def test_a_sampled_run_uses_the_gradients_of_its_rows(sample):
    X, y = np.array([[1.0], [2.0], [-1.0], [0.5]]), np.array([1.0, 3.0, 0.0, 1.0])
    line = objective(
        "r = X*w - y; J = r'*r/(2*m)", "w", {"X": X, "y": y}, where="X: R^{m x n}; w: R^n; y: R^m", examples=["X", "y"]
    )
    run = descend(line, {"w": [0.0]}, rate=0.1, steps=12, sample=sample)
    w = np.zeros(1)
    for t in range(12):
        rows = sample(4, t)
        w = w - 0.1 * X[rows].T @ (X[rows] @ w - y[rows]) / len(rows)
        np.testing.assert_allclose(run.points[t + 1], w)
    r = X @ w - y
    assert run.costs[-1] == pytest.approx(r @ r / 8)


def test_the_same_seed_gives_the_same_run():
    line = objective(
        "r = X*w - y; J = r'*r/(2*m)", "w", {"X": np.arange(10.0).reshape(5, 2), "y": np.arange(5.0)},
        where="X: R^{m x n}; w: R^n; y: R^m", examples=["X", "y"],
    )  # fmt: skip
    runs = [descend(line, {"w": [1, 1]}, rate=0.01, steps=30, sample=stochastic(s)) for s in (1, 1, 2)]
    np.testing.assert_array_equal(runs[0].points, runs[1].points)
    assert not np.array_equal(runs[0].points, runs[2].points)


def test_rounding_at_the_lowest_point_is_no_rise():
    run = descend(bowl(), {"x": START}, rate=0.4, steps=500)
    assert run.rises == ()


def test_what_cannot_be_run_is_refused():
    with pytest.raises(DomainError, match="not finite at the start"):
        descend(objective("J = log(x)", "x", where="x: R"), {"x": 0.0}, rate=0.1, steps=3)
    with pytest.raises(DomainError, match="positive"):
        descend(bowl(), {"x": START}, rate=-0.1, steps=3)
    with pytest.raises(DomainError, match="rate of step 2 is inf"):
        descend(bowl(), {"x": START}, rate=lambda t: 0.1 if t < 1 else float("inf"), steps=3)
    with pytest.raises(DomainError, match="rate of step 3 is -"):
        descend(bowl(), {"x": START}, rate=lambda t: 0.1 * (1 - t), steps=5)
    with pytest.raises(DomainError, match="no array of examples is named"):
        descend(bowl(), {"x": START}, rate=0.1, steps=5, sample=stochastic())
    with pytest.raises(LimitError, match="keeps at most"):
        descend(bowl(), {"x": START}, rate=0.1, steps=MOST_NUMBERS)
    with pytest.raises(DomainError, match="-1 steps"):
        descend(bowl(), {"x": START}, rate=0.1, steps=-1)
