"""More functions made to fool a checker: noise, waves, half precision, wrong shapes, what is done to arguments."""

from __future__ import annotations

import numpy as np
import pytest
from fooling import (
    OK,
    SIZE,
    SUB,
    UN,
    WR,
    Z4,
    Z25,
    R,
    Z,
    drift,
    f4,
    f32,
    g4,
    lf,
    lg,
    lin,
    mut,
    nz,
    off,
    relu,
    reuse,
    rr,
    yy,
)

MORE = []


def case(name, f, g, at, *verdicts, **options):
    MORE.append(pytest.param(f, g, at, verdicts, options, id=name))


# one entry off
case("1/25 off 1%", lf, off(lg, 7, 1.01), Z25, WR)
case("1/25 off 1% smallest", lf, off(lg, int(np.argmin(abs(lg(Z25)))), 1.01), Z25, WR)
case("1/25 off 1e-5", lf, off(lg, 7, 1 + 1e-5), Z25, WR)
case("1e4 right", f4, g4, Z4, OK)
case("1/1e4 off 1%", f4, off(g4, 1234, 1.01), Z4, WR)
case("1/1e4 off 0.1%", f4, off(g4, 1234, 1.001), Z4, WR)
case(
    "1/1e4 off by small entry 100 x smaller",
    lambda x: f4(x) + 0.01 * 0 * x[0],
    off(g4, int(np.argsort(abs(g4(Z4)))[100]), 1.01),
    Z4,
    WR,
)
case("two swapped of 1e4", f4, lambda x: g4(x)[np.r_[1, 0, 2:SIZE]], Z4, WR)
case("two entries antisymmetric", lf, lambda w: lg(w) + 1e-3 * np.r_[1, -1, np.zeros(23)], Z25, WR)
case("orthogonal to ones", lf, lambda w: lg(w) + 1e-4 * (np.arange(25) - 12), Z25, WR)
# oscillation
case("sin 1000", lambda x: np.sin(1e3 * x).sum(), lambda x: 1e3 * np.cos(1e3 * x), Z, OK)
case("sin 1000 wrong", lambda x: np.sin(1e3 * x).sum(), lambda x: 1.01e3 * np.cos(1e3 * x), Z, WR)
case("sin 1e6", lambda x: np.sin(1e6 * x).sum(), lambda x: 1e6 * np.cos(1e6 * x), Z, OK, UN)
case("sin 1e6 wrong zero", lambda x: np.sin(1e6 * x).sum(), lambda x: 0 * x, Z, WR, UN)
case("x + 1e-6 sin 1e6 x, slope 1", lambda x: (x + 1e-6 * np.sin(1e6 * x)).sum(), lambda x: np.ones(5), Z, WR, UN)
case(
    "x + 1e-6 sin 1e6 x, right", lambda x: (x + 1e-6 * np.sin(1e6 * x)).sum(), lambda x: 1 + np.cos(1e6 * x), Z, OK, UN
)
case(
    "aliased periodic 2pi/0.25 at 0: sin(8 pi x) slope 0 claimed",
    lambda x: np.sin(8 * np.pi * x).sum(),
    lambda x: 0 * x,
    np.zeros(3),
    WR,
)
case(
    "aliased 4^k: sin(2pi 4^9 x) slope 0",
    lambda x: np.sin(2 * np.pi * 4.0**9 * x).sum(),
    lambda x: 0 * x,
    np.zeros(3),
    WR,
    UN,
)
case("aliased 4^14", lambda x: np.sin(2 * np.pi * 4.0**14 * x).sum(), lambda x: 0 * x, np.zeros(3), WR, UN)
case(
    "weierstrass-ish",
    lambda x: sum(0.5**k * np.cos(7.0**k * np.pi * x) for k in range(30)).sum(),
    lambda x: 0 * x,
    Z,
    UN,
    WR,
)
# noise
case("f noise 1e-6 right", lambda x: x @ x + nz(x, 1e-6), lambda x: 2 * x, Z, OK, UN)
case("f noise 1e-6 x2", lambda x: x @ x + nz(x, 1e-6), lambda x: 4 * x, Z, WR)
case("f noise .1 x2", lambda x: x @ x + nz(x, 0.1), lambda x: 4 * x, Z, WR, UN)
case("f rounded to 3 digits right", lambda x: np.round(x @ x, 3), lambda x: 2 * x, Z, OK, UN)
case("f rounded to 3 digits x2", lambda x: np.round(x @ x, 3), lambda x: 4 * x, Z, WR, UN)
case(
    "f computed in float32 returns float64",
    lambda x: float(np.sin(x.astype(np.float32)).sum()),
    lambda x: np.cos(x),
    Z,
    OK,
    UN,
)
case(
    "f computed in float32 returns float64 x2",
    lambda x: float(np.sin(x.astype(np.float32)).sum()),
    lambda x: 2 * np.cos(x),
    Z,
    WR,
)
case("f in f32 inside, 1%", lambda x: float(np.sin(x.astype(np.float32)).sum()), lambda x: 1.01 * np.cos(x), Z, WR, UN)
case(
    "staircase f quantised 1e-3 input",
    lambda x: (np.round(x * 1000) / 1000) @ (np.round(x * 1000) / 1000),
    lambda x: 2 * x,
    Z,
    UN,
    WR,
    OK,
)
case(
    "staircase zero",
    lambda x: (np.round(x * 1000) / 1000) @ (np.round(x * 1000) / 1000),
    lambda x: 0 * x,
    Z,
    UN,
    WR,
    OK,
)
case(
    "f32 right",
    lambda w: np.logaddexp(f32(0), -yy.astype(f32) * (lin.astype(f32) @ w)).sum(),
    lambda w: lg(w).astype(f32),
    Z25.astype(f32),
    OK,
)
case(
    "f32 x2",
    lambda w: np.logaddexp(f32(0), -yy.astype(f32) * (lin.astype(f32) @ w)).sum(),
    lambda w: 2 * lg(w).astype(f32),
    Z25.astype(f32),
    WR,
)
case(
    "f32 5% one",
    lambda w: np.logaddexp(f32(0), -yy.astype(f32) * (lin.astype(f32) @ w)).sum(),
    lambda w: off(lg, int(np.argmax(abs(lg(Z25)))), 1.05)(w).astype(f32),
    Z25.astype(f32),
    WR,
)
case("f16 right", lambda x: (x * x).sum(), lambda x: 2 * x, Z.astype(np.float16), OK)
case("f16 x2", lambda x: (x * x).sum(), lambda x: 4 * x, Z.astype(np.float16), WR)
case("f16 big offset", lambda x: np.float16(1000) + (x * x).sum(), lambda x: 4 * x, Z.astype(np.float16), UN, WR)
case("stochastic small", lambda x: x @ x * (1 + 1e-4 * rr.standard_normal()), lambda x: 2 * x, Z, OK, UN)
case("stochastic small x2", lambda x: x @ x * (1 + 1e-4 * rr.standard_normal()), lambda x: 4 * x, Z, WR, UN)
case("dropout", lambda x: (x * (rr.random(5) > 0.5)).sum(), lambda x: 0.5 * np.ones(5), Z, UN, WR)
case("drifting f right", drift(), lambda x: 2 * x, Z, OK, UN)
case("drifting f x2", drift(), lambda x: 4 * x, Z, WR, UN)
# API
case("ints", lambda x: (x**2).sum(), lambda x: 2 * x, np.array([1, 2, 3]), OK)
case("ints list", lambda x: float(np.sum(np.asarray(x) ** 2)), lambda x: 2 * np.asarray(x), np.array([1, 2, 3]), OK)
case("scalar", lambda x: x**3, lambda x: 3 * x**2, 2.0, OK)
case("python int scalar", lambda x: x**3, lambda x: 3 * x**2, 2, OK)
case("scalar wrong", lambda x: x**3, lambda x: 2 * x**2, 2, WR)
case(
    "tuple",
    lambda W, b: np.tanh(W @ b).sum(),
    lambda W, b: (np.outer(1 - np.tanh(W @ b) ** 2, b), W.T @ (1 - np.tanh(W @ b) ** 2)),
    (R.standard_normal((3, 4)), R.standard_normal(4)),
    OK,
)
case(
    "tuple, b wrong",
    lambda W, b: np.tanh(W @ b).sum(),
    lambda W, b: (np.outer(1 - np.tanh(W @ b) ** 2, b), W.T @ (1 - np.tanh(W @ b))),
    (R.standard_normal((3, 4)), R.standard_normal(4)),
    WR,
)
case(
    "dict params",
    lambda p: np.tanh(p["W"] @ p["b"]).sum(),
    lambda p: {
        "W": np.outer(1 - np.tanh(p["W"] @ p["b"]) ** 2, p["b"]),
        "b": p["W"].T @ (1 - np.tanh(p["W"] @ p["b"]) ** 2),
    },
    {"W": R.standard_normal((3, 4)), "b": R.standard_normal(4)},
    OK,
)
case(
    "dict params wrong",
    lambda p: np.tanh(p["W"] @ p["b"]).sum(),
    lambda p: {
        "b": p["W"].T @ (1 - np.tanh(p["W"] @ p["b"]) ** 2),
        "W": 2 * np.outer(1 - np.tanh(p["W"] @ p["b"]) ** 2, p["b"]),
    },
    {"W": R.standard_normal((3, 4)), "b": R.standard_normal(4)},
    WR,
)
case("dict key missing", lambda p: p["a"] @ p["a"], lambda p: {}, {"a": Z}, WR)
case(
    "nested params",
    lambda p, s: s * sum(np.tanh(l["W"]).sum() for l in p),
    lambda p, s: ([{"W": s * (1 - np.tanh(l["W"]) ** 2)} for l in p], sum(np.tanh(l["W"]).sum() for l in p)),
    ([{"W": R.standard_normal((2, 2))}, {"W": Z}], 2.0),
    OK,
)
case("returns view of x (f = |x|^2/2)", lambda x: x @ x / 2, lambda x: x, Z, OK)
case("grad mutates input", lambda x: x @ x, mut, Z, OK)
case("grad reuses buffer", lambda x: x @ x, reuse, Z, OK)
case("wrong shape (5,1)", lambda x: x @ x, lambda x: 2 * x[:, None], Z, WR)
case("shape transposed", lambda X: (X**2).sum(), lambda X: 2 * X.T, R.standard_normal((3, 4)), WR)
case("f returns (1,1)", lambda x: (x @ x).reshape(1, 1), lambda x: 2 * x, Z, OK)
case("f returns list", lambda x: [x @ x], lambda x: 2 * x, Z, OK)
case("grad list", lambda x: x @ x, lambda x: list(2 * x), Z, OK)
case("grad None", lambda x: x @ x, lambda x: None, Z, WR)
case("grad complex", lambda x: x @ x, lambda x: 2 * x + 0j, Z, WR, OK)
case("grad inf", lambda x: x @ x, lambda x: 2 * x + np.inf, Z, WR)
case("nan one entry of 1e4", f4, off(g4, 77, np.nan), Z4, WR)
case("empty second arg", lambda x, y: x @ x + y.sum(), lambda x, y: (2 * x, np.ones(0)), (Z, np.zeros(0)), OK)
case(
    "jacobian",
    lambda x: np.tanh(lin[:4, :5] @ x),
    lambda x: (1 - np.tanh(lin[:4, :5] @ x) ** 2)[:, None] * lin[:4, :5],
    Z,
    OK,
    kind="jacobian",
)
case(
    "jacobian 1 entry 1%",
    lambda x: np.tanh(lin[:4, :5] @ x),
    off(lambda x: (1 - np.tanh(lin[:4, :5] @ x) ** 2)[:, None] * lin[:4, :5], 6, 1.01),
    Z,
    WR,
    kind="jacobian",
)
case(
    "jacobian of scaled outputs",
    lambda x: np.array([1e-9, 1, 1e9]) * np.sin(x[:3]),
    lambda x: np.diag(np.array([1e-9, 1, 1e9]) * np.cos(x[:3])) @ np.eye(3, 5),
    Z,
    OK,
    kind="jacobian",
)
case(
    "jacobian of scaled outputs tiny row wrong",
    lambda x: np.array([1e-9, 1, 1e9]) * np.sin(x[:3]),
    lambda x: np.diag(np.array([2e-9, 1, 1e9]) * np.cos(x[:3])) @ np.eye(3, 5),
    Z,
    WR,
    kind="jacobian",
)
case(
    "jacobian zero entry claimed nonzero",
    lambda x: x**2,
    lambda x: np.diag(2 * x) + 1e-3 * np.eye(5, k=1),
    Z,
    WR,
    kind="jacobian",
)
case(
    "hessian",
    lambda x: np.sin(x @ x),
    lambda x: 2 * np.cos(x @ x) * np.eye(5) - 4 * np.sin(x @ x) * np.outer(x, x),
    Z,
    OK,
    kind="hessian",
)
case(
    "hessian wrong",
    lambda x: np.sin(x @ x),
    lambda x: 2 * np.cos(x @ x) * np.eye(5) - 2 * np.sin(x @ x) * np.outer(x, x),
    Z,
    WR,
    kind="hessian",
)
case(
    "sum 1e6 noise",
    lambda x: np.float32(np.sin(x.astype(f32)).sum()),
    lambda x: np.cos(x),
    R.standard_normal(10**5),
    OK,
    UN,
)
case(
    "ill-conditioned quadratic",
    lambda x: x @ (np.logspace(-8, 8, 5) * x) / 2,
    lambda x: np.logspace(-8, 8, 5) * x,
    Z,
    OK,
)
case(
    "ill-cond quad biggest off 1e-3",
    lambda x: x @ (np.logspace(-8, 8, 5) * x) / 2,
    off(lambda x: np.logspace(-8, 8, 5) * x, 4, 1.001),
    Z,
    WR,
)
case(
    "rosenbrock",
    lambda x: 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2,
    lambda x: np.array([-400 * x[0] * (x[1] - x[0] ** 2) - 2 * (1 - x[0]), 200 * (x[1] - x[0] ** 2)]),
    np.array([-1.2, 1.0]),
    OK,
)
case("polynomial degree 40", lambda x: (x**40).sum(), lambda x: 40 * x**39, np.array([1.1, 0.9]), OK)
case("exp steep", lambda x: np.exp(50 * x).sum(), lambda x: 50 * np.exp(50 * x), np.array([1.0, 0.9]), OK)
case("overflowing nearby", lambda x: np.exp(700 * x).sum(), lambda x: 700 * np.exp(700 * x), np.array([1.0]), OK)
case("1/x near pole", lambda x: (1 / x).sum(), lambda x: -1 / x**2, np.array([1e-7, 1.0]), OK)
case(
    "1/x near pole between",
    lambda x: (1 / (x - 1)).sum(),
    lambda x: -1 / (x - 1) ** 2,
    np.array([1 + 1e-5, 3.0]),
    OK,
    UN,
)
case("1/x near pole wrong", lambda x: (1 / (x - 1)).sum(), lambda x: -2 / (x - 1) ** 2, np.array([1 + 1e-5, 3.0]), WR)
case("relu net all zero", lambda x: relu(lin[:6, :5] @ x).sum(), lambda x: 0 * x, np.zeros(5), SUB, UN)
case("median", lambda x: np.median(x), lambda x: (x == np.median(x)) * 1.0, Z, OK)
case(
    "sort weighted tie",
    lambda x: np.sort(x) @ np.arange(4.0),
    lambda x: np.array([0, 1, 2, 3.0]),
    np.array([1.0, 1.0, 1.0, 2.0]),
    SUB,
    UN,
)
case(
    "sort weighted tie wrong",
    lambda x: np.sort(x) @ np.arange(4.0),
    lambda x: np.array([3.0, 3, 3, 3]),
    np.array([1.0, 1.0, 1.0, 2.0]),
    WR,
)
case(
    "clip at edge", lambda x: np.clip(x, -1, 1).sum(), lambda x: (np.abs(x) <= 1) * 1.0, np.array([1.0, -1.0, 0.5]), SUB
)
case(
    "leaky at 0 wrong .005", lambda x: np.where(x > 0, x, 0.01 * x).sum(), lambda x: np.full(2, 0.005), np.zeros(2), WR
)
case("tiny kink 1e-6", lambda x: (x + 1e-6 * np.abs(x)).sum(), lambda x: np.ones(2), np.zeros(2), SUB, OK)
case(
    "huber joint",
    lambda x: np.where(np.abs(x) < 1, x * x / 2, np.abs(x) - 0.5).sum(),
    lambda x: np.clip(x, -1, 1),
    np.array([1.0, -1.0]),
    OK,
)
case(
    "huber joint wrong",
    lambda x: np.where(np.abs(x) < 1, x * x / 2, np.abs(x) - 0.5).sum(),
    lambda x: 1.01 * np.clip(x, -1, 1),
    np.array([1.0, -1.0]),
    WR,
)
case(
    "x^2 sin(1/x) at 0",
    lambda x: np.where(x == 0, 0, x**2 * np.sin(1 / np.where(x == 0, 1, x))).sum(),
    lambda x: 0 * x,
    np.zeros(2),
    OK,
    UN,
)
case(
    "x^2 sin(1/x) at 0 wrong",
    lambda x: np.where(x == 0, 0, x**2 * np.sin(1 / np.where(x == 0, 1, x))).sum(),
    lambda x: 0 * x + 0.5,
    np.zeros(2),
    WR,
    UN,
)
case(
    "transposed answer square",
    lambda X: np.tanh(X @ X).sum(),
    lambda X: (lambda S: (S @ X.T + X.T @ S).T)(1 - np.tanh(X @ X) ** 2),
    R.standard_normal((3, 3)),
    WR,
)
