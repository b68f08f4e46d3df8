"""Functions made to fool a checker, with claims about their slopes and the verdicts that are right.

`unresolved` is a right verdict where values of the function cannot tell; where they can, no other is.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

OK, SUB, WR, UN = "ok", "ok-subgradient", "wrong", "unresolved"
R = np.random.default_rng(3)
SIZE = 2000
Z, Z25, Z4 = R.standard_normal(5), R.standard_normal(25), R.standard_normal(SIZE)
lin, yy, s4 = R.standard_normal((60, 25)), np.sign(R.standard_normal(60)), np.linspace(0.5, 2, SIZE)
f32 = np.float32
rr = np.random.default_rng(0)
buffer = np.zeros(5)
CASES = []


def case(name, f, g, at, *verdicts, **options):
    CASES.append(pytest.param(f, g, at, verdicts, options, id=name))


def off(g, k, factor):
    """The gradient with one entry multiplied."""

    def changed(*at):
        found = np.array(g(*at))
        found.flat[k] *= factor
        return found

    return changed


def relu(x):
    return np.maximum(x, 0)


def sig(x):
    return 1 / (1 + np.exp(-x))


def lf(w):
    return np.logaddexp(0, -yy * (lin @ w)).sum()


def lg(w):
    return -lin.T @ (yy * sig(-yy * (lin @ w)))


def f4(x):
    return np.sin(s4 * x).sum()


def g4(x):
    return s4 * np.cos(s4 * x)


def nz(x, size):
    """Noise that is the same at the same point."""
    return size * np.sin(1e15 * np.abs(x).sum() * np.pi)


def drift():
    """A function whose values rise with every call."""
    calls = [0]

    def f(x):
        calls[0] += 1
        return x @ x + 1e-3 * calls[0]

    return f


def mut(x):
    x *= 2
    return x


def reuse(x):
    np.multiply(x, 2, out=buffer)
    return buffer


# kinks
case("relu at 0, slope 0", lambda x: relu(x).sum(), lambda x: (x > 0) * 1.0, np.zeros(3), SUB)
case("relu at 0, slope 1.2", lambda x: relu(x).sum(), lambda x: (x >= 0) * 1.2, np.zeros(3), WR)
case("abs at 0 slope -1", lambda x: np.abs(x).sum(), lambda x: -np.ones(3), np.zeros(3), SUB)
case("abs at 0 slope 1.01", lambda x: np.abs(x).sum(), lambda x: 1.01 * np.ones(3), np.zeros(3), WR)
case("norm at 0, 0", lambda x: np.linalg.norm(x), lambda x: 0 * x, np.zeros(4), SUB)
case("norm at 0, unit", lambda x: np.linalg.norm(x), lambda x: np.array([0.6, 0.8, 0, 0]), np.zeros(4), SUB)
case("norm at 0, too long", lambda x: np.linalg.norm(x), lambda x: np.array([0.8, 0.8, 0.8, 0.8]), np.zeros(4), WR)
case("norm at 0, nan", lambda x: np.linalg.norm(x), lambda x: x / np.linalg.norm(x), np.zeros(4), WR)
case("max tie 3, shared", lambda x: x.max(), lambda x: np.array([1 / 3, 1 / 3, 1 / 3]), np.ones(3), SUB)
case("max tie 3, sum 1.5", lambda x: x.max(), lambda x: np.array([0.5, 0.5, 0.5]), np.ones(3), WR)
case("max tie large entries", lambda x: x.max(), lambda x: np.array([1.0, 0, 0]), 1e6 * np.ones(3), SUB)
case(
    "relu slightly off kink 1e-12",
    lambda x: relu(x).sum(),
    lambda x: (x > 0) * 1.0,
    np.array([1e-12, 1.0, -1.0]),
    OK,
    SUB,
)
case(
    "relu slightly off kink 1e-12 wrong",
    lambda x: relu(x).sum(),
    lambda x: np.array([1.5, 1, 0]),
    np.array([1e-12, 1.0, -1.0]),
    WR,
)
case("hidden kink entry of many", lambda x: relu(x).sum(), lambda x: (x > 0) * 1.0, np.r_[0.0, Z4], SUB)
case(
    "hidden kink entry of many wrong elsewhere",
    lambda x: relu(x).sum(),
    off(lambda x: (x > 0) * 1.0, int(np.argmax(Z4 > 0)) + 1, 1.01),
    np.r_[0.0, Z4],
    WR,
)
case("kink in 1e4, wrong at kink 1.5", lambda x: relu(x).sum(), lambda x: (x > 0) + 1.5 * (x == 0), np.r_[0.0, Z4], WR)
case("x|x| at 0", lambda x: (x * np.abs(x)).sum(), lambda x: 2 * np.abs(x), np.zeros(3), OK)
case("|x|^1.5 at 0", lambda x: (np.abs(x) ** 1.5).sum(), lambda x: 0 * x, np.zeros(3), OK, UN)
case("sqrt|x| at 0", lambda x: np.sqrt(np.abs(x)).sum(), lambda x: 0 * x, np.zeros(3), UN)
case(
    "relu sum with curvature, kink",
    lambda x: relu(x).sum() + np.exp(x).sum(),
    lambda x: (x > 0) * 1.0 + np.exp(x),
    np.zeros(3),
    SUB,
)
case("hinge at margin", lambda w: relu(1 - w.sum()), lambda w: 0 * w, np.array([0.5, 0.5]), SUB)
case("hinge wrong", lambda w: relu(1 - w.sum()), lambda w: np.array([1.0, 1.0]), np.array([0.5, 0.5]), WR)
case("hinge mismatched", lambda w: relu(1 - w.sum()), lambda w: np.array([-1.0, 0.0]), np.array([0.5, 0.5]), WR)
case("floor (discont. at point)", lambda x: np.floor(x).sum(), lambda x: 0 * x, np.zeros(2), UN, WR)
case("step at 0", lambda x: (x > 0).sum() * 1.0, lambda x: 0 * x, np.zeros(2), UN, WR)
case("sign away", lambda x: np.sign(x).sum(), lambda x: 0 * x, Z, OK)
case(
    "discontinuity near point 1e-3", lambda x: np.where(x > 1e-3, x + 1, x).sum(), lambda x: np.ones(3), np.zeros(3), OK
)
# scales
case("1e-9 f", lambda x: 1e-9 * np.sin(x).sum(), lambda x: 1e-9 * np.cos(x), Z, OK)
case("1e-9 f x2", lambda x: 1e-9 * np.sin(x).sum(), lambda x: 2e-9 * np.cos(x), Z, WR)
case("1e-300 f", lambda x: 1e-300 * np.sin(x).sum(), lambda x: 1e-300 * np.cos(x), Z, OK)
case("1e-300 f x2", lambda x: 1e-300 * np.sin(x).sum(), lambda x: 2e-300 * np.cos(x), Z, WR)
case("1e300 f x2", lambda x: 1e300 * np.sin(x).sum(), lambda x: 2e300 * np.cos(x), Z, WR)
case("1e300 f", lambda x: 1e300 * np.sin(x).sum(), lambda x: 1e300 * np.cos(x), Z, OK)
case("denormal f 1e-312 x2", lambda x: 1e-312 * np.sin(x).sum(), lambda x: 2e-312 * np.cos(x), Z, WR, UN)
case("offset 1e8", lambda x: 1e8 + x @ x, lambda x: 2 * x, Z, OK)
case("offset 1e8 x2", lambda x: 1e8 + x @ x, lambda x: 4 * x, Z, WR)
case("offset 1e12", lambda x: 1e12 + x @ x, lambda x: 2 * x, Z, OK, UN)
case("offset 1e12 x2", lambda x: 1e12 + x @ x, lambda x: 4 * x, Z, WR, UN)
case("offset 1e16", lambda x: 1e16 + x @ x, lambda x: 4 * x, Z, UN, WR)
case(
    "mixed 1e-8 1e8 sin",
    lambda x: np.sin(x / np.array([1e-8, 1, 1e8])).sum(),
    lambda x: np.cos(x / np.array([1e-8, 1, 1e8])) / np.array([1e-8, 1, 1e8]),
    np.array([0.7e-8, 0.4, 0.9e8]),
    OK,
)
case(
    "mixed wrong small",
    lambda x: np.sin(x / np.array([1e-8, 1, 1e8])).sum(),
    off(lambda x: np.cos(x / np.array([1e-8, 1, 1e8])) / np.array([1e-8, 1, 1e8]), 0, 1.01),
    np.array([0.7e-8, 0.4, 0.9e8]),
    WR,
)
case(
    "mixed wrong big",
    lambda x: np.sin(x / np.array([1e-8, 1, 1e8])).sum(),
    off(lambda x: np.cos(x / np.array([1e-8, 1, 1e8])) / np.array([1e-8, 1, 1e8]), 2, 1.01),
    np.array([0.7e-8, 0.4, 0.9e8]),
    WR,
)
case("mixed quad", lambda x: x @ x, lambda x: 2 * x, np.array([1e-8, 1, 1e8]), OK)
case("mixed quad small doubled", lambda x: x @ x, off(lambda x: 2 * x, 0, 2), np.array([1e-8, 1, 1e8]), OK, UN, WR)
case("log at 1e-9 near 0", lambda x: np.log(x).sum(), lambda x: 1 / x, np.array([1e-9, 1, 2.0]), OK)
case("log at 1e-300", lambda x: np.log(x).sum(), lambda x: 1 / x, np.array([1e-300, 1, 2.0]), OK)
case("log at 1e-9 off", lambda x: np.log(x).sum(), off(lambda x: 1 / x, 0, 1.01), np.array([1e-9, 1, 2.0]), WR)
case("log raising", lambda x: sum(math.log(v) for v in x), lambda x: 1 / x, np.array([1e-3, 1, 2.0]), OK)
case(
    "sqrt at boundary 0",
    lambda x: np.sqrt(x).sum(),
    lambda x: 0.5 / np.sqrt(np.maximum(x, 1e-300)),
    np.array([0.0, 1.0]),
    UN,
    WR,
)
case("x log x at boundary", lambda x: (x * np.log(x)).sum(), lambda x: 1 + np.log(x), np.array([0.1, 0.2, 0.7]), OK)
case("arcsin near 1", lambda x: np.arcsin(x).sum(), lambda x: 1 / np.sqrt(1 - x**2), np.array([0.999999, 0.2]), OK)
case(
    "arcsin near 1 wrong",
    lambda x: np.arcsin(x).sum(),
    off(lambda x: 1 / np.sqrt(1 - x**2), 0, 1.05),
    np.array([0.999999, 0.2]),
    WR,
)
case(
    "relu at domain edge 0 (one-sided log1p(x) x>=0)",
    lambda x: np.where(x < 0, np.nan, x**2 + x).sum(),
    lambda x: 2 * x + 1,
    np.array([0.0, 1.0]),
    UN,
)
case("log at 0", lambda x: np.log(x).sum(), lambda x: 1 / x, np.array([0.0, 1]), UN, WR)
case("nan f", lambda x: np.nan, lambda x: x, Z, UN)
case(
    "logdet spd", lambda S: np.linalg.slogdet(S)[1], lambda S: np.linalg.inv(S).T, np.array([[2.0, 0.3], [0.3, 1]]), OK
)
case(
    "cholesky raising",
    lambda S: 2 * np.log(np.diag(np.linalg.cholesky((S + S.T) / 2))).sum(),
    lambda S: np.linalg.inv((S + S.T) / 2),
    np.array([[1e-6, 0], [0, 1.0]]),
    OK,
)
# saturations
case(
    "sigmoid saturated, 0 claimed",
    lambda x: sig(x).sum(),
    lambda x: sig(x) * (1 - sig(x)),
    np.array([800.0, 900.0]),
    OK,
    UN,
)
case(
    "sigmoid at -700 true 1e-304",
    lambda x: sig(x).sum(),
    lambda x: sig(x) * (1 - sig(x)),
    np.array([-700.0, -690.0]),
    OK,
)
case("sigmoid at -700 claimed 0", lambda x: sig(x).sum(), lambda x: 0 * x, np.array([-700.0, -690.0]), WR)
case("sigmoid at 40 claim 1e-3", lambda x: sig(x).sum(), lambda x: x * 0 + 1e-3, np.array([40.0, 45.0]), WR)
case(
    "softplus large neg", lambda x: np.logaddexp(0, x).sum(), lambda x: sig(x), np.array([-500.0, -3.0, 2.0, 400.0]), OK
)
case("exp(-x^2) far tail", lambda x: np.exp(-x @ x), lambda x: -2 * x * np.exp(-x @ x), np.array([5.0, 6.0]), OK)
case("exp(-x^2) far tail x2", lambda x: np.exp(-x @ x), lambda x: -4 * x * np.exp(-x @ x), np.array([5.0, 6.0]), WR)
case("flat f const claim 0", lambda x: 3.0, lambda x: 0 * x, Z, OK)
case("flat f claim 1e-20", lambda x: 3.0, lambda x: 0 * x + 1e-20, Z, WR, UN)
case("relu dead claim 1e-3", lambda x: relu(-1 - x**2).sum(), lambda x: 0 * x + 1e-3, Z, WR)
case("zero function", lambda x: 0 * x.sum(), lambda x: 0 * x, Z, OK)
case("cube at 0", lambda x: (x**3).sum(), lambda x: 3 * x**2, np.zeros(3), OK)
case("cube at 0 claim 1e-3", lambda x: (x**3).sum(), lambda x: 1e-3 + 0 * x, np.zeros(3), WR)
case("cube at 0 claim 1e-9", lambda x: (x**3).sum(), lambda x: 1e-9 + 0 * x, np.zeros(3), WR, UN, OK)
case("min of quad, claim 1e-6", lambda x: ((x - 0.3) ** 2).sum(), lambda x: 2 * (x - 0.3) + 1e-6, np.full(3, 0.3), WR)
case("stationary, exact", lambda x: ((x - 0.3) ** 2).sum(), lambda x: 2 * (x - 0.3), np.full(3, 0.3), OK)
case("cos at 0 claim sin", lambda x: np.cos(x).sum(), lambda x: np.sin(x), np.zeros(3), OK)
