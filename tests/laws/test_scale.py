"""Size: work and answers grow linearly with depth and length, and nothing recurses over what the user wrote.

Nodes are counted, not seconds.
"""

from __future__ import annotations

import cProfile
import pstats
from collections.abc import Callable

import numpy as np
import pytest
from reference import array_of

from symgrad.derivation import Derivative, derivative
from symgrad.programs import program
from symgrad.tensor.nodes import walk

DEPTHS = (64, 128, 256)


def network(depth: int) -> str:
    layers = ["h0 = x", *(f"h{i} = tanh(W{i}*h{i - 1})" for i in range(1, depth + 1))]
    return "\n".join([*layers, f"L = h{depth}'*h{depth}"])


def residual(depth: int) -> str:
    layers = ["h0 = x", *(f"h{i} = h{i - 1} + tanh(W*h{i - 1})" for i in range(1, depth + 1))]
    return "\n".join([*layers, f"L = sum(h{depth})"])


def nested(depth: int) -> str:
    return "\n".join(["h0 = x", *(f"h{i} = sin(h{i - 1})" for i in range(1, depth + 1)), f"L = sum(h{depth})"])


def self_nested(depth: int) -> str:
    """h -> h'*h*x: written out it would double with every line."""
    return "\n".join(
        ["h0 = x", *(f"h{i} = (h{i - 1}'*h{i - 1})*sin(h{i - 1})" for i in range(1, depth + 1)), f"L = sum(h{depth})"]
    )


def declared(kind: Callable[[int], str], depth: int) -> dict[str, str]:
    weights = {f"W{i}": "R^{n x n}" for i in range(1, depth + 1)} if kind is network else {"W": "R^{n x n}"}
    return {"x": "R^n", **(weights if kind in (network, residual) else {})}


def size(result: Derivative) -> int:
    return sum(1 for _ in walk(result.node))


CASES = [(network, "x"), (network, "W1"), (residual, "x"), (residual, "W"), (nested, "x"), (self_nested, "x")]


@pytest.mark.parametrize(("kind", "wrt"), CASES, ids=lambda v: v if isinstance(v, str) else v.__name__)
def test_answer_grows_linearly(kind: Callable[[int], str], wrt: str) -> None:
    counts = [size(derivative(kind(d), wrt, where=declared(kind, d))) for d in DEPTHS]
    assert counts[0] > 64
    first, second = counts[1] - counts[0], counts[2] - counts[1]
    assert second <= 2.05 * first + 8, f"nodes at depths {DEPTHS}: {counts}"


def hessian(depth: int) -> Derivative:
    layers = ["h0 = x", *(f"h{i} = tanh(W{i}*h{i - 1})" for i in range(1, depth + 1))]
    text = "\n".join([*layers, f"L = norm2(h{depth} - t)^2"])
    where = {"x": "R^n", "t": "R^n", **{f"W{i}": "R^{n x n}" for i in range(1, depth + 1)}}
    return program(text, where).derivative(wrt=["x", "x"])


def calls(work: Callable[[], object]) -> int:
    """How many functions a piece of work calls, Python's own among them: seconds that are alike on every machine."""
    profile = cProfile.Profile()
    profile.enable()
    work()
    profile.disable()
    return int(pstats.Stats(profile).total_calls)  # type: ignore[attr-defined]


@pytest.mark.parametrize("order", [1, 2], ids=["gradient", "hessian"])
def test_work_grows_linearly(order: int) -> None:
    """From the program to the printed and proved answer."""
    counts = []
    depths = (4, 64, 128, 256) if order == 1 else (4, 32, 64, 128)  # the first one imports
    for depth in depths:
        kind = hessian if order == 2 else lambda d: derivative(network(d), "W1", where=declared(network, d))
        counts.append(calls(lambda: str(kind(depth))))  # noqa: B023
    first, second = counts[2] - counts[1], counts[3] - counts[2]
    assert second <= 2.2 * first, f"calls at depths {depths}: {counts}"


def test_the_graph_of_a_deep_gradient_has_few_nodes_a_layer() -> None:
    """y .* y, 1 - y .* y (and its negative where that is its other name), the share of the layer, W' times it."""
    counts = []
    for depth in (64, 128):
        source = program(network(depth), declared(network, depth))
        before = {*walk(source.views["L"].node)}
        counts.append(sum(n not in before for n in walk(source.derivative(wrt="x").raw)))
    assert counts[1] - counts[0] <= 4 * 64


def test_deep_answer_prints() -> None:
    result = derivative(network(256), "W128", where=declared(network, 256))
    assert result.matrix_form
    assert len(str(result)) < 40 * 256
    assert "h128" in str(result)


def test_deep_network_is_right() -> None:
    """Depth 40 against differences along one direction."""
    depth, rng = 40, np.random.default_rng(0)
    where = declared(network, depth)
    source = program(network(depth), where)
    values = {name: rng.normal(size=(3, 3)) for name in where if name != "x"} | {"x": rng.normal(size=3)}
    gradient = array_of(source.derivative(wrt="x").node, values, {"n": 3})
    step, direction = 1e-6, rng.normal(size=3)
    ahead, behind = (source.forward(**{**values, "x": values["x"] + s * step * direction}) for s in (1, -1))
    assert gradient @ direction == pytest.approx((ahead - behind) / (2 * step), rel=1e-5, abs=1e-8)


def test_long_sums() -> None:
    terms = [f"{i}*sin({i}*x)" for i in range(1, 5001)]
    result = derivative(f"sum({' + '.join(terms)})", "x", where="x: R^n")
    x = np.array([0.1, -0.2])
    wanted = sum(i * i * np.cos(i * x) for i in range(1, 5001))
    np.testing.assert_allclose(array_of(result.node, {"x": x}, {"n": 2}), wanted)
    assert str(result).count("cos") == 5000


def test_long_sums_of_equal_terms_collect() -> None:
    assert str(derivative("+".join(["x'*x"] * 5000), "x", where="x: R^n")) == "10000*x"


def test_long_products() -> None:
    result = derivative("a'*" + "A*" * 300 + "x", "x", where="a, x: R^n; A: R^{n x n}")
    assert size(result) < 1000
    rng = np.random.default_rng(0)
    a, A = rng.normal(size=2), 0.5 * rng.normal(size=(2, 2))
    wanted = np.linalg.matrix_power(A.T, 300) @ a
    np.testing.assert_allclose(array_of(result.node, {"a": a, "A": A, "x": a}, {"n": 2}), wanted, atol=1e-300)


def test_deep_transposes_and_signs() -> None:
    assert str(derivative("x" + "'" * 401 + "*x", "x", where="x: R^n")) == "2*x"
    assert str(derivative("-" * 151 + "(x'*x)", "x", where="x: R^n")) == "-2*x"
