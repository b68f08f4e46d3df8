"""|u|, sign(u) and [u != 0] by canonical arguments, against NumPy, at ties and zeros too."""

from __future__ import annotations

import numpy as np
import pytest
from reference import array_of

from symgrad.programs import program
from symgrad.verification.elementary import elementary
from symgrad.verification.elementary_signs import is_nonnegative

WHERE = "x, y: R^n; a: R^n positive; s, t: R; g: R positive; D: R^{n x n} diagonal positive; P: R^{n x n} spd"
POINTS = [
    {"x": [1.0, -2.0, 0.0], "y": [1.0, 3.0, 0.0], "s": -1.5, "t": 0.0},
    {"x": [0.0, 0.5, -0.5], "y": [-1.0, 0.5, 2.0], "s": 0.0, "t": 2.0},
]


@pytest.mark.parametrize(
    "source",
    [
        "abs(-2*x .* y)", "abs(s*x)", "sign(x .* y)", "sign(s*t*x)", "sign(-a .* x)", "[x > y]", "[x >= y]", "[x < y]",
        "[x <= y]", "[x == y]", "[x != y]", "max(x, y)", "min(x, y)", "relu(relu(x) - y)", "leakyrelu(x, 0.1)",
        "max(max(x, y), 0*x)", "sign(abs(x))", "sign(relu(x))", "sign(x).^2", "abs(x).^3", "elu(x)", "step(x - y)",
        "abs(x).*sign(x)", "x .* [x != 0]", "max(s, t)", "(x .* x .* a).^(1/2)", "sqrt(s^2*g)", "[x.*x >= 0]",
        "abs(x'*x - 1)", "log(1 + abs(s*t))", "sqrt(8)*s", "max(s*x)", "max(g*x + s)", "min(2*x - 1)",
    ],
)  # fmt: skip
def test_written_by_few_functions_the_value_stays(source: str) -> None:
    node = program(source, WHERE).views["result"].node
    (other,) = elementary(node)
    for point in POINTS:
        values = {k: np.asarray(v) for k, v in point.items()} | {"a": np.array([1.0, 2.0, 3.0]), "g": np.asarray(2.0)}
        wanted = array_of(node, values, {"n": 3})
        np.testing.assert_allclose(array_of(other, values, {"n": 3}), wanted, atol=1e-12, err_msg=source)


@pytest.mark.parametrize(
    "source", ["x'*x", "abs(x)", "x.^2", "a + x.^2", "D", "det(P)", "relu(x)", "[x > y]", "sqrt(x)"]
)
def test_known_not_to_be_negative(source: str) -> None:
    assert is_nonnegative(program(source, WHERE).views["result"].node)


@pytest.mark.parametrize(
    "source", ["x", "x'*y", "a - x.^2", "x.^3", "s*g", "x + abs(y)", "log(a)", "-abs(x)", "x .* a"]
)
def test_what_is_not_known(source: str) -> None:
    assert not is_nonnegative(program(source, WHERE).views["result"].node)
