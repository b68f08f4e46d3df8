"""Answers too long for one expression: named parts, read back, compared with backpropagation; growth with depth."""

from __future__ import annotations

import numpy as np
import pytest

from symgrad.derivation import Derivative, derivative
from symgrad.errors import LimitError
from symgrad.notation import parts
from symgrad.notation.parts import symbols
from symgrad.notation.tree import Tree
from symgrad.programs import program
from symgrad.tensor.build import einsum, plus
from symgrad.tensor.dims import letter
from symgrad.tensor.nodes import Input, Node


def residual(depth: int) -> tuple[str, dict[str, object]]:
    """A residual chain and its declarations."""
    lines = ["h0 = x", *(f"h{i} = h{i - 1} + tanh(W{i}*h{i - 1})" for i in range(1, depth + 1))]
    text = "\n".join([*lines, f"L = norm2(h{depth} - t)^2"])
    return text, {"x": "R^n", "t": "R^n", **{f"W{i}": "R^{n x n}" for i in range(1, depth + 1)}}


def derived(depth: int) -> Derivative:
    text, where = residual(depth)
    return derivative(text, "x", where=where)


def test_symbols_counts_what_is_shared_each_time() -> None:
    n = letter("n")
    A, x = Input.make("A", (n, n)), Input.make("x", (n,))
    Ax = einsum([(A, "ij"), (x, "j")], "i")
    assert [symbols(u) for u in (x, Ax, plus(x, Ax), plus(Ax, einsum([(Ax, "i"), (Ax, "i"), (x, "j")], "j")))] == [
        1, 3, 5, 12,
    ]  # fmt: skip


def test_a_short_answer_is_one_expression() -> None:
    D = derived(2)
    assert D.in_parts is None and D.tree is not None and "\n" not in str(D)


@pytest.mark.parametrize("depth", [6, 9])
def test_the_parts_read_back_to_the_gradient(depth: int) -> None:
    text, where = residual(depth)
    D = derivative(text, "x", where=where)
    assert D.in_parts is not None and D.matrix_form and D.tree is None
    rng = np.random.default_rng(depth)
    arrays = {name: rng.normal(size=(3, 3) if name[0] == "W" else 3) for name in where}
    forward = text.rsplit("\n", 1)[0]
    again = program(f"{forward}\n{D}", where).forward(**arrays)
    np.testing.assert_allclose(again, program(text, where).backward(**arrays)["x"], rtol=1e-10)


def test_each_part_is_used_and_named_once() -> None:
    found = derived(8).in_parts
    assert found is not None
    written = found.text()
    names = [name for name, _ in found.parts]
    assert len(set(names)) == len(names)
    assert all(written.count(f"{name} ") + written.count(f"{name})") > 1 for name in names)


def test_the_text_grows_linearly() -> None:
    lengths = [len(str(derived(depth))) for depth in (16, 32, 64)]
    assert lengths[2] - lengths[1] < 2.2 * (lengths[1] - lengths[0])


def test_latex_has_a_line_for_each_part() -> None:
    D = derived(6)
    assert D.in_parts is not None
    written = D.latex()
    assert written.count(r"\\") == len(D.in_parts.parts) and written.count("{") == written.count("}")


def test_one_sympy_expression_is_refused() -> None:
    with pytest.raises(LimitError):
        _ = derived(6).expr


# --- second derivatives of networks --------------------------------------------------------------


def network(depth: int) -> tuple[str, dict[str, object]]:
    """A tanh network whose layers are m and n wide in turn."""
    wide = ["n", *("mn"[i % 2] for i in range(depth + 1))]
    lines = [f"h{i} = tanh(W{i}*{f'h{i - 1}' if i > 1 else 'x'})" for i in range(1, depth)]
    where = {f"W{i}": f"R^{{{wide[i]} x {wide[i - 1]}}}" for i in range(1, depth + 1)}
    lines.append(f"L = norm2(W{depth}*h{depth - 1} - t)^2")
    return "\n".join(lines), {**where, "x": "R^n", "t": f"R^{wide[depth]}"}


def hessian(depth: int) -> Derivative:
    text, where = network(depth)
    return derivative(text, ["W1", "W1"], where=where)


def test_the_hessian_of_a_network_reads_back_to_differences_of_gradients() -> None:
    text, where = network(8)
    D = derivative(text, ["W1", "W1"], where=where)
    assert D.in_parts is not None
    rng, sizes = np.random.default_rng(8), {"m": 3, "n": 2}
    shape = {name: [sizes[a] for a in str(space)[2:].strip("{}^").split(" x ")] for name, space in where.items()}
    arrays = {name: rng.normal(size=s) for name, s in shape.items()}
    forward = text.rsplit("\n", 1)[0]
    found = program(f"{forward}\n{D}", where).forward(**arrays)
    source, step, direction = program(text, where), 1e-6, rng.normal(size=shape["W1"])
    ahead, behind = (source.backward(**{**arrays, "W1": arrays["W1"] + e * direction})["W1"] for e in (step, -step))
    wanted = ((ahead - behind) / (2 * step)).reshape(-1, order="F")
    np.testing.assert_allclose(found @ direction.reshape(-1, order="F"), wanted, rtol=1e-6, atol=1e-8)


ACTIVATIONS = ["tanh(z)", "sigmoid(z)", "z .* sigmoid(z)", "sin(z) + b{i}"]


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_parts_that_are_alike_read_back_to_differences_of_gradients(activation: str) -> None:
    """Layers of one kind: most parts are written as the part of another layer, with its own names."""
    depth, rng = 12, np.random.default_rng(12)
    lines = [f"h{i} = {activation.format(i=i)}".replace("z", f"(W{i}*h{i - 1})") for i in range(1, depth)]
    where = {**{f"W{i}": "R^{n x n}" for i in range(1, depth + 1)}, **{f"b{i}": "R^n" for i in range(1, depth)}}
    text = "\n".join([*lines, f"L = norm2(W{depth}*h{depth - 1} - t)^2"])
    source = program(text, {**where, "h0": "R^n", "t": "R^n"})
    D = source.derivative(wrt=["h0", "h0"])
    assert D.in_parts is not None
    arrays = {name: rng.normal(size=(3, 3) if name[0] == "W" else 3) for name in [*where, "h0", "t"]}
    forward = text.rsplit("\n", 1)[0]
    found = program(f"{forward}\n{D}", source.declared).forward(**arrays)
    step, direction = 1e-6, rng.normal(size=3)
    ahead, behind = (source.backward(**{**arrays, "h0": arrays["h0"] + e * direction})["h0"] for e in (step, -step))
    np.testing.assert_allclose(found @ direction, (ahead - behind) / (2 * step), rtol=1e-5, atol=1e-7)


def test_layers_that_are_alike_are_proved_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts differ in the signs of their differences and in how their names sort: a bounded number of ways."""
    proved: list[str] = []
    original = parts.InParts._lifted

    def lifted(self: parts.InParts, node: Node) -> tuple[int, Tree | None]:
        sign, tree = original(self, node)
        proved.append(str(tree))
        return sign, tree

    monkeypatch.setattr(parts.InParts, "_lifted", lifted)
    D = hessian(48)
    assert D.in_parts is not None and len(D.in_parts.parts) > 120
    assert len(proved) < 48


def test_the_hessian_of_a_network_grows_linearly() -> None:
    lengths = [len(str(hessian(depth))) for depth in (10, 20, 40)]
    assert lengths[2] - lengths[1] < 2.2 * (lengths[1] - lengths[0])


def test_only_the_graph_is_made_before_it_is_asked_for() -> None:
    D = hessian(4)
    assert "node" not in vars(D) and "tree" not in vars(D) and "shown" not in vars(D)
    assert D.in_layout("numerator").node is D.node


def gated(depth: int) -> tuple[str, dict[str, object]]:
    """Layers h .* tanh(W h), whose mixed second derivatives tie three axes, and their declarations."""
    lines = ["h0 = x", *(f"h{i} = h{i - 1} .* tanh(W{i}*h{i - 1})" for i in range(1, depth + 1))]
    return "\n".join([*lines, f"L = norm2(h{depth})^2"]), {
        "x": "R^n",
        **{f"W{i}": "R^{n x n}" for i in range(1, depth + 1)},
    }


def test_mixed_second_derivatives_of_deep_networks_are_matrices_of_a_length_that_grows_with_the_depth() -> None:
    written = []
    for depth in (4, 8):
        text, where = gated(depth)
        result = derivative(text, ["W1", "W2"], where=where)
        assert result.matrix_form
        written.append(len(str(result)))
    assert written[1] < 6 * written[0]  # as one sum of products it grows sevenfold with every layer


def test_a_mixed_second_derivative_in_parts_has_the_values_of_differences() -> None:
    text, where = gated(3)
    result = derivative(text, ["W1", "W2"], where=where)
    rng = np.random.default_rng(5)
    values = {"x": rng.normal(size=3), **{f"W{i}": rng.normal(size=(3, 3)) for i in (1, 2, 3)}}

    def gradient(w2: np.ndarray) -> np.ndarray:
        h1 = values["x"] * np.tanh(values["W1"] @ values["x"])
        h2 = h1 * np.tanh(w2 @ h1)
        t3 = np.tanh(values["W3"] @ h2)
        g3 = 2 * h2 * t3
        g2 = g3 * t3 + values["W3"].T @ (g3 * h2 * (1 - t3**2))
        t2 = np.tanh(w2 @ h1)
        g1 = g2 * t2 + w2.T @ (g2 * h1 * (1 - t2**2))
        return np.outer(g1 * values["x"] * (1 - np.tanh(values["W1"] @ values["x"]) ** 2), values["x"])

    step, rows = 1e-6, np.zeros((3, 3, 3, 3))
    for k, l in np.ndindex(3, 3):
        e = np.zeros((3, 3))
        e[k, l] = step
        rows[:, :, k, l] = (gradient(values["W2"] + e) - gradient(values["W2"] - e)) / (2 * step)
    np.testing.assert_allclose(result.tensor(**values), rows, rtol=1e-6, atol=1e-8)
    read = program(str(result), {**where}).forward(**values)
    np.testing.assert_allclose(read, rows.transpose(1, 0, 3, 2).reshape(9, 9), rtol=1e-6, atol=1e-8)


def test_an_einsum_that_would_repeat_itself_endlessly_is_a_clear_error() -> None:
    text, where = gated(8)
    with pytest.raises(LimitError, match=r"more than 30000 symbols[\s\S]*\.function\(\)"):
        _ = derivative(text, ["W1", "W2"], where=where).einsum
