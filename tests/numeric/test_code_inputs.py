"""What people hand to a compiled derivative: integers, lists, matrices, masks, subclasses; results without axes."""

from __future__ import annotations

import pickle
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from symgrad.derivation import derivative
from symgrad.errors import DomainError, ShapeError

QUADRATIC = derivative("x'*A*x", "x", where="x: R^n; A: R^{n x n}")
X, A = np.array([1.0, 2.0]), np.array([[1.0, 2.0], [3.0, 4.0]])
EXPECTED = [2 * 1 + 5 * 2, 5 * 1 + 8 * 2]


class Named(np.ndarray):
    """A subclass."""


@pytest.mark.parametrize(
    "x, a",
    [
        (X.astype(int), A.astype(np.int8)),
        ([1, 2], A.tolist()),
        (X, A.view(np.matrix)),
        (X.view(Named), A.view(Named)),
        (X.astype(">f8"), A.astype(">f8")),
        (np.ma.array(X), A),
        (X.astype(np.float32), A),
    ],
)
def test_arrays_of_other_kinds(x: Any, a: Any) -> None:
    f = QUADRATIC.function()
    for _ in range(2):
        found = f(x=x, A=a)
        assert type(found) is np.ndarray and found.dtype == np.float64
        np.testing.assert_array_equal(found, EXPECTED)


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.longdouble])
def test_precisions_are_kept(kind: Any) -> None:
    found = QUADRATIC.function()(x=X.astype(kind), A=A.astype(kind))
    assert found.dtype == kind
    np.testing.assert_array_equal(found, EXPECTED)


def test_masked_entries_are_not_looked_behind() -> None:
    with pytest.raises(DomainError, match="masked"):
        QUADRATIC.function()(x=np.ma.array(X, mask=[False, True]), A=A)


@pytest.mark.parametrize("wrong", [np.array([3.0]), [3.0], np.ones((1, 1))])
def test_a_scalar_has_no_axis(wrong: Any) -> None:
    f = derivative("s^2*t", "s", where="s, t: R").function()
    assert f(s=3.0, t=2.0) == 12
    for _ in range(2):
        with pytest.raises(ShapeError, match="s has shape"):
            f(s=wrong, t=2.0)


def test_a_result_without_axes_goes_into_an_array_without_axes() -> None:
    f = derivative("x'*x*s", "s", where="x: R^n; s: R").function()
    for kind in (np.float64, np.float32):
        out = np.empty((), kind)
        assert f(x=np.ones(3, kind), s=kind(5), out=out) is out
        assert out == 3 and out.dtype == kind


@pytest.mark.parametrize("text, by", [("norm2(s*x)/abs(s)", ["s"]), ("s*(a'*x)", ["x", "x"])])
def test_a_constant_result_has_the_precision_of_what_is_given(text: str, by: list[str]) -> None:
    f = derivative(text, by, where="s: R; a, x: R^n").function()
    for kind in (np.float32, np.float64):
        given = {"s": kind(2), "x": np.ones(3, kind), "a": np.ones(3, kind)}
        assert f(**{n: v for n, v in given.items() if n in text}).dtype == kind


def test_a_derivative_travels_and_compiles_where_it_arrives() -> None:
    there = pickle.loads(pickle.dumps(QUADRATIC))
    np.testing.assert_array_equal(there.function()(x=X, A=A), EXPECTED)


def test_from_text_to_value_without_sympy() -> None:
    script = """
import sys, symgrad as sg
D = sg.derivative("x'*A*x", "x", where="x: R^n; A: R^{n x n}")
print(D.function()(x=[1.0, 2.0], A=[[1.0, 2.0], [3.0, 4.0]]).tolist(), "sympy" in sys.modules)
"""
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert run.stdout == f"{[float(v) for v in EXPECTED]} False\n", run.stderr
