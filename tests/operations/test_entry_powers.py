"""Powers entry by entry whose exponents are an array: values and slopes against NumPy's own formulas."""

from __future__ import annotations

import numpy as np
import pytest

import symgrad as sg

WHERE = "x, y: R^n positive; X, Y: R^{m x n} positive; A: R^{m x n}; s: R positive"


@pytest.fixture(params=[(3, 5), (4, 4), (1, 1)])
def data(request: pytest.FixtureRequest) -> dict[str, np.ndarray]:
    m, n = request.param
    rng = np.random.default_rng(m)
    shapes = {"x": n, "y": n, "X": (m, n), "Y": (m, n), "A": (m, n), "s": ()}
    return {name: rng.uniform(0.5, 2, shape) for name, shape in shapes.items()}


@pytest.mark.parametrize(
    ("source", "wrt", "expected"),
    [
        ("x.^y", "x", lambda d: np.diag(d["y"] * d["x"] ** (d["y"] - 1))),
        ("x.^y", "y", lambda d: np.diag(d["x"] ** d["y"] * np.log(d["x"]))),
        ("2.^x", "x", lambda d: np.diag(2 ** d["x"] * np.log(2))),
        ("s.^x", "s", lambda d: d["x"] * d["s"] ** (d["x"] - 1)),
        ("x.^x", "x", lambda d: np.diag(d["x"] ** d["x"] * (np.log(d["x"]) + 1))),
        ("sum(X.^Y)", "X", lambda d: d["Y"] * d["X"] ** (d["Y"] - 1)),
        ("sum((A*x).^(2*ones(m)))", "x", lambda d: 2 * d["A"].T @ (d["A"] @ d["x"])),
    ],
)
def test_derivative(source: str, wrt: str, expected, data: dict[str, np.ndarray]) -> None:  # type: ignore[no-untyped-def]
    found = sg.derivative(source, wrt, where=WHERE)
    needed = {name: value for name, value in data.items() if name in str(found) + wrt}
    assert np.allclose(found.tensor(**{"x": data["x"], **needed}), expected(data), rtol=1e-12)


def test_prints_as_written_and_reads_back() -> None:
    found = sg.derivative("x.^y", "y", where=WHERE)
    assert str(found) == "diag(x.^y .* log(x))"
    assert sg.equal("x.^y .* log(x)", "log(x) .* x.^y", where=WHERE)


def test_constants_are_powers_again() -> None:
    assert str(sg.derivative("x.^(3*ones(n))", "x", where=WHERE)) == "3*diag(x.^2)"
    assert str(sg.derivative("1.^x", "x", where=WHERE)) == "zeros(n, n)"
