"""Every layout and stacking of every corpus derivative, against the true tensor arranged here by NumPy alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from symgrad.derivation import derivative
from symgrad.notation.declare import declare

HERE = Path(__file__).parent
TRUTH = np.load(HERE / "truth.npz")
CASES = [json.loads(line) for line in (HERE / "cases.jsonl").read_text(encoding="utf-8").splitlines()]
PLAIN = [c for c in CASES if isinstance(c["wrt"], str) and "symmetric" not in c["vars"][c["wrt"]]]
PLAIN = [c for c in PLAIN if "spd" not in c["vars"][c["wrt"]]]


def stacked(tensor: np.ndarray, outputs: int, vec: str) -> np.ndarray:
    """The Jacobian d vec(F) / d vec(X)': rows are outputs."""
    rows, columns = list(range(outputs)), list(range(outputs, tensor.ndim))
    if vec == "column":  # the column index is the slow one
        rows, columns = rows[::-1], columns[::-1]
    return tensor.transpose(rows + columns).reshape(int(np.prod(tensor.shape[:outputs])), -1)


def turned(array: np.ndarray, kind: str) -> np.ndarray:
    """The transpose of a scalar, a column (one axis), a row or a matrix, again as such an array."""
    if array.ndim == 1:
        return array.reshape(1, -1)
    return array.reshape(-1) if kind == "row" else array.T


def wanted(tensor: np.ndarray, outputs: int, kind: str, layout: str, vec: str) -> np.ndarray:
    if outputs == 0:  # a scalar: the gradient, transposed in numerator layout
        return turned(tensor, kind) if layout == "numerator" and kind != "scalar" else tensor
    if kind == "scalar":  # by a scalar: the output's shape, transposed in denominator layout
        row = "row" if tensor.ndim == 2 and tensor.shape[0] == 1 else "matrix"
        return turned(tensor, row) if layout == "denominator" else tensor
    jacobian = stacked(tensor, outputs, vec)
    return jacobian.T if layout == "denominator" else jacobian


@pytest.mark.parametrize("vec", ["column", "row"])
@pytest.mark.parametrize("layout", ["mixed", "numerator", "denominator"])
@pytest.mark.parametrize("case", PLAIN, ids=lambda c: c["id"])
def test_every_layout(case: dict[str, Any], layout: str, vec: str) -> None:
    result = derivative(case["expr"], case["wrt"], where=case["vars"], layout=layout, vec=vec)
    kind = declare(case["vars"])[case["wrt"]].kind
    for tag in ("primes", "square"):
        truth, value = TRUTH[f"{case['id']}/{tag}/derivative"], TRUTH[f"{case['id']}/{tag}/value"]
        given = {name: TRUTH[f"{case['id']}/{tag}/in/{name}"] for name in case["vars"]}
        expected = wanted(truth, value.ndim, kind, layout, vec)
        found = result.function()(**given)
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-9)
