"""Answers too long for one expression: named parts, read back, compared with backpropagation; growth with depth."""

from __future__ import annotations

import numpy as np
import pytest

from symgrad.derivation import Derivative, derivative
from symgrad.errors import LimitError
from symgrad.notation.parts import symbols
from symgrad.programs import program
from symgrad.tensor.build import einsum, plus
from symgrad.tensor.dims import letter
from symgrad.tensor.nodes import Input


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


def test_the_hessian_of_a_network_grows_linearly() -> None:
    lengths = [len(str(hessian(depth))) for depth in (10, 20, 40)]
    assert lengths[2] - lengths[1] < 2.2 * (lengths[1] - lengths[0])


def test_only_the_graph_is_made_before_it_is_asked_for() -> None:
    D = hessian(4)
    assert "node" not in vars(D) and "tree" not in vars(D) and "shown" not in vars(D)
    assert D.in_layout("numerator").node is D.node
