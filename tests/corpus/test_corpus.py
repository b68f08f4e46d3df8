"""The corpus: problems with numeric truth (`cases.jsonl`, `truth.npz`) and inputs that must be refused."""

from __future__ import annotations

import json
import time
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from reference import array_of, derivative_array, matrix_of, value_of

from symgrad.derivation import Derivative, derivative
from symgrad.errors import SymgradError
from symgrad.operations.catalogue import find
from symgrad.programs import program

HERE = Path(__file__).parent
CASES = [json.loads(line) for line in (HERE / "cases.jsonl").read_text(encoding="utf-8").splitlines()]
BAD = [json.loads(line) for line in (HERE / "bad_inputs.jsonl").read_text(encoding="utf-8").splitlines()]
TRUTH = np.load(HERE / "truth.npz")
DIMS = json.loads(str(TRUTH["dims"]))

UNSUPPORTED = {c["id"]: "expm" for c in CASES if "expm" in c["expr"] and find("expm") is None}
SUPPORTED = [c for c in CASES if c["id"] not in UNSUPPORTED]
# Results of three and more axes in the default layout: no closed matrix notation in the words of the language.
INDEXED = {"he-54", "he-60"}
MAY_BE_RIGHT = {"bad-50", "bad-53", "bad-29"}

each = pytest.mark.parametrize("case", SUPPORTED, ids=lambda c: c["id"])
each_bad = pytest.mark.parametrize("case", BAD, ids=lambda c: c["id"])


def wrt(case: dict[str, Any]) -> list[str]:
    names = case["wrt"]
    return names if isinstance(names, list) else [names]


@cache
def derived(place: int) -> Derivative:
    case = SUPPORTED[place]
    return derivative(case["expr"], wrt(case), where=case["vars"])


def of(case: dict[str, Any]) -> Derivative:
    return derived(SUPPORTED.index(case))


def inputs(case: dict[str, Any], tag: str) -> dict[str, Any]:
    return {name: TRUTH[f"{case['id']}/{tag}/in/{name}"] for name in case["vars"]}


def letters_of(case: dict[str, Any], tag: str) -> dict[str, int]:
    return DIMS[f"{case['id']}/{tag}"]


def symmetrised(array: Any, case: dict[str, Any]) -> Any:
    """Averaged over the two axes of every variable that is declared symmetric or spd."""
    end = array.ndim
    for name in reversed(wrt(case)):
        rank = TRUTH[f"{case['id']}/primes/in/{name}"].ndim
        if {"symmetric", "spd"} & set(case["vars"][name].split()):
            array = (array + np.swapaxes(array, end - 1, end - 2)) / 2
        end -= rank
    return array


@each
@pytest.mark.parametrize("tag", ["primes", "square"])
def test_derivative_is_true(case: dict[str, Any], tag: str) -> None:
    truth = TRUTH[f"{case['id']}/{tag}/derivative"]
    found = derivative_array(of(case), inputs(case, tag), letters_of(case, tag))
    assert found.shape == truth.shape
    found, truth = symmetrised(found, case), symmetrised(truth, case)
    np.testing.assert_allclose(found, truth, rtol=1e-8, atol=1e-8 * (1e-3 + np.abs(truth).max()))


@each
@pytest.mark.parametrize("tag", ["primes", "square"])
def test_value_is_true(case: dict[str, Any], tag: str) -> None:
    """By lowering and by gates."""
    truth = TRUTH[f"{case['id']}/{tag}/value"]
    source = program(case["expr"], case["vars"])
    view = source.views[source.output]
    by_graph = matrix_of(view, inputs(case, tag), letters_of(case, tag))
    by_gates = np.asarray(value_of(source, inputs(case, tag)))
    for found in (by_graph, by_gates):
        np.testing.assert_allclose(found.reshape(truth.shape), truth, rtol=1e-9, atol=1e-9)


@each
def test_is_written_in_matrix_notation(case: dict[str, Any]) -> None:
    assert of(case).matrix_form == (case["id"] not in INDEXED), str(of(case))


@each
def test_reads_back_as_what_it_is(case: dict[str, Any]) -> None:
    """The printed answer, parsed and lowered anew, has the numbers of the tensor."""
    result = of(case)
    if case["id"] in INDEXED:
        assert str(result).startswith("[i")
        return
    back = program(str(result), case["vars"]).views["result"]
    rows, columns = result.arrangement.rows, result.arrangement.columns
    assert rows is not None and columns is not None
    for tag in ("primes", "square"):
        values, letters = inputs(case, tag), letters_of(case, tag)
        wanted = array_of(result.node, values, letters).transpose(*rows, *columns)
        found = matrix_of(back, values, letters)
        np.testing.assert_allclose(
            found, wanted.reshape(found.shape), rtol=1e-8, atol=1e-8 * (1e-3 + np.abs(wanted).max())
        )


@each
def test_zero_exactly_where_it_is(case: dict[str, Any]) -> None:
    """Zero is answered only where the truth is zero, and then with a reason."""
    is_zero = not any(TRUTH[f"{case['id']}/{tag}/derivative"].any() for tag in ("primes", "square"))
    assert of(case).is_zero == is_zero
    assert (of(case).why_zero is not None) == is_zero


@pytest.mark.parametrize("case", [c for c in CASES if c["id"] in UNSUPPORTED], ids=lambda c: c["id"])
def test_unsupported_is_said(case: dict[str, Any]) -> None:
    with pytest.raises(SymgradError, match=UNSUPPORTED[case["id"]]):
        derivative(case["expr"], wrt(case), where=case["vars"])


# --- bad inputs ---------------------------------------------------------------------------------


@each_bad
def test_bad_input_is_refused_clearly(case: dict[str, Any]) -> None:
    start = time.monotonic()
    try:
        result = derivative(case["expr"], case["wrt"], where=case["vars"])
    except SymgradError as error:
        assert names_the_fault(error, case), f"neither a place nor a name in: {error}"
    else:
        assert case["id"] in MAY_BE_RIGHT, f"no error, but {result}"
        assert_right(case, result)
    assert time.monotonic() - start < 2


def names_the_fault(error: SymgradError, case: dict[str, Any]) -> bool:
    """The message has the column, or it names what is at fault."""
    said = str(error)
    faults = {
        "empty": ["empty", "nothing"],
        "unknown-symbol": ["wrt", "variable", "differentiate"],
        "bad-declaration": [*case["vars"]],
    }
    return error.column is not None or any(word in said for word in faults.get(case["kind"], []))


def assert_right(case: dict[str, Any], result: Derivative) -> None:
    """Deep brackets, long sums and `2x` are no faults here; then the answer is that of the plain spelling."""
    x, A = np.array([1.0, -2.0, 3.0]), np.arange(9.0).reshape(3, 3)
    values = {"x": x, "A": A, "y": np.ones(3), "B": A, "s": 2.0}
    found = derivative_array(result, values, {"n": 3, "m": 3})
    expression = case["expr"]
    if expression.startswith("2x"):
        wanted = 2 * (A + A.T) @ x
    elif expression.startswith("x'*x+"):
        wanted = 2 * x * expression.count("x'*x")
    else:
        bare = expression.strip("()")
        assert bare == "x'*x" or bare == "x", bare
        wanted = 2 * x if bare == "x'*x" else np.eye(3)
    np.testing.assert_allclose(found, wanted)


def test_bad_input_with_a_hint() -> None:
    with pytest.raises(SymgradError, match="x'\\*z for the inner product"):
        derivative("x*z", "x", where="x: R^n; z: R^n")
    with pytest.raises(SymgradError, match="sin"):
        derivative("sinus(x)", "x", where="x: R^n")
