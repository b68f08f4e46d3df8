"""Products with equal sides: the same values, one side computed once, and only where that is cheaper."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from graphs import Grower

from symgrad.derivation import hessian
from symgrad.numeric.evaluate import evaluate
from symgrad.numeric.twosided import two_sided
from symgrad.tensor.build import add, einsum
from symgrad.tensor.dims import letter
from symgrad.tensor.nodes import Input, Node, walk

l, m, n, k = (letter(a) for a in "lmnk")
A, B, M = Input.make("A", (m, k)), Input.make("B", (k, n)), Input.make("M", (m, m))
d, e, x = Input.make("d", (k,)), Input.make("e", (m,)), Input.make("x", (l,))
CHAIN = [(B, "bi"), (A, "ab"), (A, "cd"), (B, "dk")]
SIZES = {"m": 4, "n": 3, "k": 5, "l": 2}


def hundred(size: Any) -> int:
    return 100


def values(size: dict[str, int]) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {i.name: rng.normal(size=[size[str(a)] for a in i.shape]) for i in (A, B, M, d, e, x)}


def products() -> list[Node]:
    ones = einsum([(A, "ab"), (B, "bi"), (e, "a")], "i")
    middle = add([(2, einsum([(M, "ac")], "ac")), (-3, einsum([(e, "a"), (e, "c")], "ac"))])
    return [
        einsum([(B, "bi"), (A, "ab"), (A, "ad"), (B, "dk")], "ik"),
        einsum([(B, "bi"), (d, "b"), (A, "ab"), (e, "a"), (A, "ad"), (d, "d"), (B, "dk")], "ik"),
        einsum([*CHAIN, (M, "ac")], "ik"),
        einsum([*CHAIN, (M, "ac"), (x, "j"), (x, "l")], "ijkl", 3),
        einsum([*CHAIN, (middle, "ac")], "ik"),
        add([(2, einsum([*CHAIN, (M, "ac")], "ik")), (5, einsum([(ones, "i"), (ones, "k")], "ik"))]),
        add([(1, einsum([*CHAIN, (M, "ac")], "ik")), (1, einsum([(B, "bi"), (B, "bk")], "ik"))]),
    ]


@pytest.mark.parametrize("place", range(7))
def test_the_tensor_stays_what_it_is(place: int) -> None:
    node = products()[place]
    found = two_sided(node, hundred)
    assert len(found.sides) == 1 and found.depends
    assert found.sides[0] in set(walk(found.node))
    data = values(SIZES)
    np.testing.assert_allclose(*(evaluate([r], data, SIZES)[0] for r in (found.node, node)), rtol=1e-10)


def test_a_thin_middle_is_multiplied_first() -> None:
    node = einsum([(B, "bi"), (A, "ab"), (A, "ad"), (B, "dk")], "ik")  # B'(A'A)B, A'A being small
    found = two_sided(node, lambda size: {"m": 10_000, "k": 3, "n": 100}[str(size)])
    assert found.node is node and found.depends


@pytest.mark.parametrize("factors", [[(A, "ai"), (A, "ak")], [(M, "ia"), (M, "ab"), (M, "bk")], [(M, "ik")]])
def test_what_has_no_long_sides_is_left_alone(factors: list[tuple[Node, str]]) -> None:
    node = einsum(factors, "ik")
    assert two_sided(node, hundred).node is node


@pytest.mark.parametrize("seed", range(60))
def test_random_products_keep_their_values(seed: int) -> None:
    grower = Grower(seed)
    node = grower.network()
    if node.rank not in (1, 2):
        pytest.skip("a product of another rank")
    letters = "abcd"[: node.rank]
    squared = einsum([(node, letters), (node, letters.upper())], letters + letters.upper(), 2)
    size = {"m": 4, "n": 3, "k": 2}
    rng = np.random.default_rng(seed)
    data = {i.name: rng.uniform(0.2, 0.9, [size[str(a)] for a in i.shape]) for i in grower.inputs}
    found = two_sided(squared, hundred)
    np.testing.assert_allclose(*(evaluate([r], data, size)[0] for r in (found.node, squared)), rtol=1e-9, atol=1e-12)


NET = "h1 = relu(W1*x)\nh2 = {f}(W2*h1)\nh3 = relu(W3*h2)\nz = W4*h3\nL = logsumexp(z) - t'*z"
WHERE = "x: R^n; t: R^q; W1: R^{m x n}; W2: R^{k x m}; W3: R^{p x k}; W4: R^{q x p}"


@pytest.mark.parametrize("f", ["relu", "tanh"])
@pytest.mark.parametrize("size", [(3, 4, 5, 6, 2), (7, 7, 7, 7, 7), (2, 60, 61, 62, 63)])
def test_hessians_of_networks(f: str, size: tuple[int, ...]) -> None:
    n, m, k, p, q = size
    D = hessian(NET.format(f=f), "W1", where=WHERE)
    rng = np.random.default_rng(1)
    W = [rng.normal(size=s) / np.sqrt(s[1]) for s in ((m, n), (k, m), (p, k), (q, p))]
    x, t = rng.normal(size=n), np.eye(q)[1]
    data = {"x": x, "t": t, **{f"W{i + 1}": w for i, w in enumerate(W)}}
    found = D.tensor(**{a: v for a, v in data.items() if a in D.program.declared})
    act, slope, bend = _functions(f)
    a1 = W[0] @ x
    a2 = W[1] @ (a1 * (a1 > 0))
    a3 = W[2] @ act(a2)
    z = W[3] @ (a3 * (a3 > 0))
    e = np.exp(z - z.max())
    prob = e / e.sum()
    back = W[3] * (a3 > 0) @ W[2]  # d z / d act(a2)
    first = (W[1] * (a1 > 0)).T  # d a2 / d a1, transposed
    J = back * slope(a2) @ first.T
    core = J.T @ (np.diag(prob) - np.outer(prob, prob)) @ J
    core += first * ((prob - t) @ back * bend(a2)) @ first.T
    np.testing.assert_allclose(found, np.einsum("ik,j,l->ijkl", core, x, x), rtol=1e-8, atol=1e-11)


def _functions(f: str) -> tuple[Any, Any, Any]:
    if f == "relu":
        return lambda a: a * (a > 0), lambda a: (a > 0) * 1.0, lambda a: 0 * a
    return np.tanh, lambda a: 1 - np.tanh(a) ** 2, lambda a: -2 * np.tanh(a) * (1 - np.tanh(a) ** 2)


def test_a_side_is_written_once() -> None:
    body = hessian(NET.format(f="relu"), "W1", where=WHERE).source().split('"""')[2]
    assert [body.count(f"W{i}") for i in (2, 3)] == [2, 2]  # on the way forward, and in the side
