"""More problems of the corpus' kind, spellings and LaTeX of the same, against NumPy written by hand.

The truth is made here: `corpus_functions.py` says what every expression is, the complex step differentiates it once,
and central differences of that give higher orders.  symgrad has no part in it.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from corpus_functions import FUNCTIONS

from symgrad.derivation import Derivative, derivative
from symgrad.notation.declare import declare
from symgrad.programs import program
from symgrad.tensor.dims import size_at

HERE = Path(__file__).parent
CASES = [json.loads(line) for line in (HERE / "more_cases.jsonl").read_text(encoding="utf-8").splitlines()]
BY_ID = {case["id"]: case for case in CASES}
SIZES = {"primes": {"n": 4, "m": 5, "p": 3, "k": 2}, "square": dict.fromkeys("nmpk", 3)}
STEP = 1e-30  # of the complex step
MOVE = 1e-4  # of the differences, and what they may be off by
OFF = {1: 1e-9, 2: 1e-6, 3: 1e-4, 4: 1e-2}
INDEXED = {"g-4"}
ONE = pytest.mark.parametrize("key", BY_ID)
TAGS = pytest.mark.parametrize("tag", SIZES)


def variables(case: dict[str, Any]) -> list[str]:
    return case["wrt"] if isinstance(case["wrt"], list) else [case["wrt"]]


# --- where it is sampled ---------------------------------------------------------------------------


@cache
def sampled(key: str, tag: str) -> dict[str, Any]:
    case = BY_ID[key]
    rng = np.random.default_rng(zlib.crc32((key + tag).encode()))
    domains = dict(re.findall(r"(\w+?)(\+|\([^)]*\)| \w+)(?=\s|$)", case.get("domain", "")))
    found = {}
    for name, declared in declare(case["vars"]).items():
        shape = tuple(size_at(s, SIZES[tag]) for s in (declared.rows, declared.columns))
        shape = shape[:0] if declared.kind == "scalar" else shape[:1] if declared.kind == "column" else shape
        array = rng.normal(size=shape)
        array = np.where(np.abs(array) < 0.05, array + 0.1, array)
        for one in sorted(declared.properties):
            array = PROPERTIES[one](array)
        found[name] = restricted(array, domains.get(name, "").strip(), rng)
    return found


PROPERTIES: dict[str, Callable[[Any], Any]] = {
    "symmetric": lambda a: a + a.T,
    "spd": lambda a: a @ a.T + np.eye(len(a)),
    "skew": lambda a: a - a.T,
    "diagonal": lambda a: np.diag(np.diag(a)),
    "orthogonal": lambda a: np.linalg.qr(a)[0],
    "lower": np.tril,
    "upper": np.triu,
    "invertible": lambda a: 0.4 * a + 2 * np.eye(len(a)),
    "positive": lambda a: np.abs(a) + 0.2,
    "simplex": lambda a: (np.abs(a) + 0.2) / np.sum(np.abs(a) + 0.2),
    "onehot": lambda a: np.eye(len(a))[1],
}


def restricted(array: Any, domain: str, rng: np.random.Generator) -> Any:
    """The array moved into a domain such as `+`, `(0.1, 0.9)`, `inv` or `mask`."""
    shape = array.shape
    if domain == "+":
        return rng.uniform(0.4, 2, size=shape)
    if domain.startswith("("):
        return rng.uniform(*(float(end) for end in domain[1:-1].split(",")), size=shape)
    within: dict[str, Callable[[], Any]] = {
        "": lambda: array,
        "inv": lambda: 0.4 * array + 1.5 * np.eye(len(array)),
        "small": lambda: 0.3 * array,
        "sign": lambda: np.where(rng.random(shape) < 0.5, -1.0, 1.0),
        "mask": lambda: (rng.random(shape) < 0.5) * 1.0,
        "simplex": lambda: PROPERTIES["simplex"](array),
        "onehotrows": lambda: np.eye(shape[1])[rng.integers(shape[1], size=shape[0])],
        "diagpos": lambda: np.diag(rng.uniform(0.4, 2, size=len(array))),
        "diagbig": lambda: array + 2 * np.eye(len(array)),
        "pd": lambda: PROPERTIES["spd"](array),
    }
    return within[domain]()


# --- the truth -------------------------------------------------------------------------------------


def by_complex_step(f: Callable[[Any], Any], at: Any) -> Any:
    """d f / d x, the axes of f first."""
    columns = [np.imag(f(at + STEP * 1j * np.reshape(e, np.shape(at)))) / STEP for e in np.eye(np.size(at))]
    return np.moveaxis(np.array(columns), 0, -1).reshape(np.shape(columns[0]) + np.shape(at))


def by_differences(f: Callable[[Any], Any], at: Any) -> Any:
    """The same for functions of real arrays, exact to the fourth order of the step."""
    columns = []
    for e in np.eye(np.size(at)):
        move = MOVE * np.reshape(e, np.shape(at))
        near, far = f(at + move) - f(at - move), f(at + 2 * move) - f(at - 2 * move)
        columns.append((8 * near - far) / (12 * MOVE))
    return np.moveaxis(np.array(columns), 0, -1).reshape(np.shape(columns[0]) + np.shape(at))


def differentiated(f: Callable[..., Any], values: dict[str, Any], names: list[str]) -> Any:
    """d f / d names in turn at these arrays."""
    *before, last = names
    if not before:
        return by_complex_step(lambda x: f(**{**values, last: x}), values[last])
    return by_differences(lambda x: differentiated(f, {**values, last: x}, before), values[last])


@cache
def truth(key: str, tag: str) -> Any:
    """The derivative with all entries independent, projected onto what the variables are declared to be."""
    case, values = BY_ID[key], sampled(key, tag)
    array = differentiated(FUNCTIONS[key], values, variables(case))
    end = array.ndim
    for name in reversed(variables(case)):
        if np.ndim(values[name]) == 2:
            turned = np.moveaxis(array, (end - 2, end - 1), (-2, -1))
            turned = projected(turned, set(case["vars"][name].split()), values[name])
            array = np.moveaxis(turned, (-2, -1), (end - 2, end - 1))
        end -= np.ndim(values[name])
    return array


def projected(g: Any, properties: set[str], at: Any) -> Any:
    if properties & {"symmetric", "spd"}:
        return (g + np.swapaxes(g, -1, -2)) / 2
    if "skew" in properties:
        return (g - np.swapaxes(g, -1, -2)) / 2
    if "orthogonal" in properties:
        return (g - at @ np.swapaxes(g, -1, -2) @ at) / 2
    kept = {"diagonal": np.eye(len(at)), "lower": np.tri(len(at)), "upper": np.tri(len(at)).T}
    return g * next((mask for name, mask in kept.items() if name in properties), 1)


# --- what symgrad says -----------------------------------------------------------------------------


@cache
def derived(key: str) -> Derivative:
    case = BY_ID[key]
    return derivative(case["expr"], case["wrt"], where=case["vars"])


def assert_near(found: Any, wanted: Any, order: int) -> None:
    assert np.shape(found) == np.shape(wanted)
    scale = 1e-3 + np.abs(wanted).max(initial=0)
    np.testing.assert_allclose(found, wanted, rtol=OFF[order], atol=OFF[order] * scale)


@ONE
@TAGS
def test_derivative_is_true(key: str, tag: str) -> None:
    assert_near(derived(key).tensor(**sampled(key, tag)), truth(key, tag), len(variables(BY_ID[key])))


@pytest.mark.parametrize(
    ("key", "text"), [(case["id"], text) for case in CASES for text in [*case.get("same", []), *case.get("latex", [])]]
)
def test_other_spellings_say_the_same(key: str, text: str) -> None:
    case = BY_ID[key]
    found = derivative(text, case["wrt"], where=case["vars"])
    assert_near(found.tensor(**sampled(key, "primes")), truth(key, "primes"), len(variables(case)))


@ONE
@pytest.mark.parametrize("written", [str, Derivative.latex], ids=["text", "LaTeX"])
def test_what_is_printed_is_read_back(key: str, written: Callable[[Derivative], str]) -> None:
    """The answer, in the words of the program that it is of, has the numbers of the compiled derivative."""
    case, result = BY_ID[key], derived(key)
    text, lines = written(result), [line.strip() for line in re.split("[;\n]", case["expr"])]
    if str(result).startswith("[") or (written is not str and ("\n" in text or "\\" not in text)):
        pytest.skip("an indexed sum, several lines, or LaTeX that only the text language can tell from text")
    if len(lines) > 1 and "\n" not in text:
        if written is not str:
            pytest.skip("the program is text")
        text = "\n".join([*(line for line in lines if re.match(r"\w+\s*=[^=]", line)), text])
    values = sampled(key, "primes")
    found, wanted = program(text, case["vars"]).forward(**values), result.function()(**values)
    assert np.size(found) == np.size(wanted)
    np.testing.assert_allclose(np.reshape(found, np.shape(wanted)), wanted, rtol=1e-8, atol=1e-9)


@ONE
def test_first_and_second_derivatives_of_scalars_are_matrices(key: str) -> None:
    """All but that of the largest entry of a matrix, whose place has no name in the language."""
    result = derived(key)
    if result.output.is_scalar and len(result.wrt) < 3:
        assert result.matrix_form == (key not in INDEXED), str(result)


@ONE
def test_operator_is_the_dense_matrix(key: str) -> None:
    result, values = derived(key), sampled(key, "primes")
    if result.arrangement.is_tensor or result.arrangement.rows is None:
        pytest.skip("a tensor is no operator")
    dense = np.asarray(result.function()(**values))
    dense = dense.reshape(-1, 1) if dense.ndim < 2 else dense
    made = result.operator(**values)
    rng = np.random.default_rng(0)
    right, left = rng.normal(size=made.shape[1]), rng.normal(size=made.shape[0])
    np.testing.assert_allclose(made @ right, dense @ right, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(made.rmatvec(left), dense.T @ left, rtol=1e-8, atol=1e-9)
