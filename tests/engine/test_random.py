"""Random formulas written twice, as NumPy that runs on variables and as text that is derived: the same gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import symgrad as sg
from symgrad import engine

WHERE = "x, y: R^n; A: R^{n x n}; B: R^{m x n}; s: R"
SHAPES = {"x": (3,), "y": (3,), "A": (3, 3), "B": (2, 3), "s": ()}
Pair = tuple[str, Callable[[dict[str, Any]], Any]]

ENTRYWISE = ["tanh", "sigmoid", "softplus", "sin", "exp", "relu", "gelu", "abs", "arctan"]


def name(n: str) -> Pair:
    return n, lambda v: v[n]


def of(f: str, a: Pair) -> Pair:
    return f"{f}({a[0]})", lambda v: getattr(engine, f)(a[1](v))


def infix(sign: str, a: Pair, b: Pair) -> Pair:
    rules: dict[str, Callable[[Any, Any], Any]] = {
        "+": lambda p, q: p + q,
        "-": lambda p, q: p - q,
        ".*": lambda p, q: p * q,
        "*": lambda p, q: p @ q if np.ndim(p) and np.ndim(q) else p * q,
    }
    return f"({a[0]} {sign} {b[0]})", lambda v: rules[sign](a[1](v), b[1](v))


@st.composite
def vectors(draw: st.DrawFn, depth: int) -> Pair:
    """Formulas of n entries."""
    if depth == 0:
        return name(draw(st.sampled_from("xy")))
    kind = draw(st.sampled_from(["entries", "infix", "product", "scaled", "choice", "softmax", "power", "leaf"]))
    if kind == "leaf":
        return draw(vectors(0))
    inner = draw(vectors(depth - 1))
    if kind == "entries":
        return of(draw(st.sampled_from(ENTRYWISE)), inner)
    if kind == "infix":
        return infix(draw(st.sampled_from(["+", "-", ".*"])), inner, draw(vectors(depth - 1)))
    if kind == "product":
        return infix("*", draw(st.sampled_from([name("A"), ("A'", lambda v: v["A"].T)])), inner)
    if kind == "scaled":
        return infix("*", draw(scalars(depth - 1)), inner)
    if kind == "choice":
        rule, other = draw(st.sampled_from(["max", "min"])), draw(vectors(depth - 1))
        ufunc = {"max": np.maximum, "min": np.minimum}[rule]
        return f"{rule}({inner[0]}, {other[0]})", lambda v: ufunc(inner[1](v), other[1](v))
    if kind == "power":
        return f"({inner[0]}).^2", lambda v: inner[1](v) ** 2
    return of("softmax", inner)


@st.composite
def scalars(draw: st.DrawFn, depth: int) -> Pair:
    """Scalar formulas."""
    if depth <= 0:
        return name("s")
    kind = draw(st.sampled_from(["sum", "dot", "logsumexp", "quadratic", "entries", "mean", "of B"]))
    v = draw(vectors(depth - 1))
    if kind == "sum":
        return f"sum({v[0]})", lambda a: np.sum(v[1](a))
    if kind == "mean":
        return f"mean({v[0]})", lambda a: v[1](a).mean()
    if kind == "dot":
        w = draw(vectors(depth - 1))
        return f"dot({v[0]}, {w[0]})", lambda a: v[1](a) @ w[1](a)
    if kind == "logsumexp":
        return of("logsumexp", v)
    if kind == "quadratic":
        return f"({v[0]})'*A*({v[0]})", lambda a: v[1](a) @ a["A"] @ v[1](a)
    if kind == "of B":
        return f"sum(tanh(B*({v[0]})))", lambda a: np.sum(np.tanh(a["B"] @ v[1](a)))
    return of(draw(st.sampled_from(["tanh", "sin", "sigmoid"])), draw(scalars(depth - 1)))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(formula=scalars(4), seed=st.integers(0, 10**6))
def test_the_engine_agrees_with_the_derivation(formula: Pair, seed: int) -> None:
    text, f = formula
    rng = np.random.default_rng(seed)
    point = {n: rng.uniform(-0.9, 0.9, s)[()] for n, s in SHAPES.items()}
    program = sg.program(text, WHERE)
    value, gradient = engine.value_and_grad(f)(point)
    replayed = engine.record(f, {n: np.zeros(s)[()] + 0.3 for n, s in SHAPES.items()})(point)
    np.testing.assert_allclose(value, program.forward(**point), rtol=1e-9, atol=1e-12)
    for n in SHAPES:
        D = program.derivative(wrt=n, layout="gradient")
        wanted = np.asarray(D.tensor(**point))
        scale = 1 + np.abs(wanted).max()
        np.testing.assert_allclose(gradient[n], wanted, rtol=1e-8, atol=1e-10 * scale)
        np.testing.assert_allclose(replayed[1][n], gradient[n], rtol=1e-9, atol=1e-12 * scale)
