"""Random expressions: one normal form however they are spelled, derivatives as differences say, and back again."""

from __future__ import annotations

from random import Random
from typing import Any

import numpy as np
import pytest
from expressions import Inputs, expression, polynomial, written
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reference import array_of, arrays, derivative_array, differences, letters_at, matrix_of, value_of

from symgrad.calculus.present import expanded
from symgrad.derivation import derivative
from symgrad.errors import LayoutError, LimitError, SymgradError
from symgrad.notation.grammar import parse
from symgrad.notation.text import text
from symgrad.notation.tree import same
from symgrad.programs import Program, program
from symgrad.tensor.nodes import Node

SHAPES = [("1", "1"), ("n", "1"), ("m", "1"), ("m", "n"), ("n", "n")]
bounded = settings(deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None)
seeds = st.integers(0, 2**32)


def lowered(source: str, where: dict[str, str]) -> Node:
    view = program(source, where).views["result"]
    return view.node


def one_normal_form(seed: int) -> None:
    """Shuffled, bracketed and transposed otherwise, with any names: the same object."""
    random = Random(seed)
    inputs = Inputs(random)
    part = polynomial(inputs, random.choice(SHAPES), random.randint(1, 4))
    order = random.sample(range(100, 200), 20)
    renamings = [str, lambda name: f"{name[0]}{order[ord(name[0]) % 10 * 2 + int(name[1]) - 1]}"]
    for names in renamings:
        where = {names(n): s for n, s in inputs.where().items()} | {"m0": "R^m", "n0": "R^n"}
        plain, other = written(part, None, names), written(part, random, names)
        try:
            first, second = (expanded(lowered(s, where)) for s in (plain, other))
        except LimitError:
            return
        assert first is second, f"{plain}\n{other}\n{first}\n{second}"


@settings(bounded, max_examples=300)
@given(seeds)
def test_one_normal_form(seed: int) -> None:
    one_normal_form(seed)


@pytest.mark.slow
@settings(bounded, max_examples=5000)
@given(seeds)
def test_one_normal_form_at_length(seed: int) -> None:
    one_normal_form(seed)


def test_different_polynomials_have_different_normal_forms() -> None:
    where = {"A": "R^{n x n}", "B": "R^{n x n}"}
    assert expanded(lowered("A*B", where)) is not expanded(lowered("B*A", where))
    assert expanded(lowered("(A + B)^2", where)) is not expanded(lowered("A^2 + 2*A*B + B^2", where))
    assert expanded(lowered("(A + B)^2", where)) is expanded(lowered("A^2 + A*B + B*A + B^2", where))


# --- derivatives --------------------------------------------------------------------------------


def drawn(seed: int, depth: int) -> Program:
    random = Random(seed)
    inputs = Inputs(random)
    source = expression(inputs, random.choice(SHAPES), random.randint(1, depth))
    return program(source, inputs.where() | {"m0": "R^m", "n0": "R^n"})


def tame(estimate: Any) -> bool:
    """Whether the differences are to be trusted: no kink or overflow near the point."""
    scale = 1 + np.abs(estimate.value).max(initial=0)
    return bool(np.isfinite(estimate.value).all() and scale < 1e4 and estimate.error.max(initial=0) < 1e-6 * scale)


def derivatives_agree(seed: int, depth: int) -> None:
    source = drawn(seed, depth)
    random = Random(seed)
    letters = letters_at(source, random.choice(["distinct", "square"]), seed % 3)
    values = arrays(source, letters, seed=seed % 1000)
    used = [n for n in source.declared if n not in ("m0", "n0")]
    name = random.choice(used)
    try:
        estimate = differences(lambda v: value_of(source, v), values, name)
    except SymgradError:
        return  # no finite value around here
    if not tame(estimate):
        return
    result = derivative(source, name)
    found = derivative_array(result, values, letters)
    if "norm" in source.text and np.isnan(found).any():
        return  # the norm of a zero vector: its kink
    scale = 1 + np.abs(estimate.value).max(initial=0)
    np.testing.assert_allclose(
        found, estimate.value, atol=1e-5 * scale, rtol=1e-5, err_msg=f"d {source.text} / d {name}"
    )
    reads_back(result, source, values, letters)


def reads_back(result: Any, source: Program, values: Any, letters: dict[str, int]) -> None:
    if result.tree is None:
        return
    back = program(str(result), dict(source.declared)).views["result"]
    assert same(parse(text(result.tree)), result.tree)
    wanted = array_of(result.node, values, letters).transpose(*result.arrangement.rows, *result.arrangement.columns)
    found = matrix_of(back, values, letters)
    scale = 1 + np.abs(wanted).max()
    np.testing.assert_allclose(found, wanted.reshape(found.shape), rtol=1e-7, atol=1e-7 * scale, err_msg=str(result))


@settings(bounded, max_examples=300)
@given(seeds)
def test_derivative_of_anything(seed: int) -> None:
    derivatives_agree(seed, depth=4)


@pytest.mark.slow
@settings(bounded, max_examples=5000)
@given(seeds)
def test_derivative_of_anything_at_length(seed: int) -> None:
    derivatives_agree(seed, depth=5)


def second_derivatives_agree(seed: int) -> None:
    """Of a scalar, by two inputs, against differences of the first."""
    random = Random(seed)
    inputs = Inputs(random)
    source = program(expression(inputs, ("1", "1"), random.randint(1, 3)), inputs.where() | {"m0": "R^m", "n0": "R^n"})
    letters = letters_at(source, "distinct", seed % 3)
    values = arrays(source, letters, seed=seed % 1000)
    used = [n for n in source.declared if n not in ("m0", "n0")]
    first, second = random.choice(used), random.choice(used)
    gradient = derivative(source, first)
    try:
        estimate = differences(lambda v: derivative_array(gradient, v, letters), values, second)
    except SymgradError:
        return
    if tame(estimate):
        found = derivative_array(derivative(source, [first, second]), values, letters)
        scale = 1 + np.abs(estimate.value).max(initial=0)
        message = f"d2 {source.text} / d {first} d {second}"
        np.testing.assert_allclose(found, estimate.value, atol=1e-5 * scale, rtol=1e-5, err_msg=message)


@settings(bounded, max_examples=60)
@given(seeds)
def test_second_derivative_of_anything(seed: int) -> None:
    second_derivatives_agree(seed)


@pytest.mark.slow
@settings(bounded, max_examples=2000)
@given(seeds)
def test_second_derivative_of_anything_at_length(seed: int) -> None:
    second_derivatives_agree(seed)


@settings(bounded, max_examples=100)
@given(seeds)
def test_text_prints_and_parses(seed: int) -> None:
    tree = drawn(seed, 5).lines[0].value
    assert same(parse(text(tree)), tree)


@settings(bounded, max_examples=60)
@given(seeds)
def test_layouts_are_views_of_one_tensor(seed: int) -> None:
    """Every layout has the same entries; denominator is the transpose of numerator for arrays."""
    source = drawn(seed, 3)
    name = next(n for n in source.declared if n not in ("m0", "n0"))
    result = derivative(source, name)
    by_name = {}
    for layout in ("mixed", "numerator", "denominator", "gradient", "tensor"):
        try:
            by_name[layout] = result.in_layout(layout)
        except LayoutError:
            assert layout == "gradient" and not result.output.is_scalar
    assert all(d.node is result.node for d in by_name.values())
    assert by_name["numerator"].shape == by_name["denominator"].shape[::-1]
    a = result.arrangement
    assert sorted((*(a.rows or ()), *(a.columns or ()))) == list(range(result.node.rank))
