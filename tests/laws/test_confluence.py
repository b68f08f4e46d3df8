"""One normal form: however an expression is spelled and whatever its symbols are called, the same node."""

from __future__ import annotations

import re
from random import Random

import numpy as np
import pytest
from reference import arrays, letters_at, value_of
from spellings import SPACES, drawn, written

from symgrad.calculus.present import expanded
from symgrad.errors import DomainError, LimitError, ShapeError
from symgrad.programs import program
from symgrad.tensor.build import is_zero

SHAPES = [("1", "1"), ("n", "1"), ("m", "1"), ("m", "n"), ("n", "n")]


def pair(seed: int, structured: bool, depth: int) -> tuple[str, str, dict[str, str]]:
    """Two spellings of one expression, their symbols renamed."""
    random = Random(seed)
    tree = drawn(random, random.choice(SHAPES), random.randint(1, depth), structured)
    one, other = written(tree), written(tree, random)
    numbers = random.sample(range(100), len(SPACES))
    names = {a: f"{a}{k}" if seed % 2 else a for a, k in zip(SPACES, numbers, strict=True)}
    one, other = (re.sub(r"\b[A-Za-z]\b(?!\()", lambda m: names.get(m[0], m[0]), t) for t in (one, other))
    return one, other, {names[a]: space for a, space in SPACES.items()}


def has_one_normal_form(seed: int, structured: bool, depth: int) -> bool:
    """Raises AssertionError where two spellings have two normal forms; False where they are too long to compare."""
    one, other, where = pair(seed, structured, depth)
    try:
        first, second = (expanded(program(t, where).views["result"].node, limit=400) for t in (one, other))
    except (LimitError, ShapeError):  # too long; a division by what is zero
        return False
    if any(is_zero(n) for n in (first, second)) and ".^(-" in one:
        return False  # 0 over 0 in every entry
    assert first is second, f"{seed}: {one}\n{other}\n{first}\n{second}"
    return True


@pytest.mark.parametrize("structured", [False, True])
def test_short_expressions_have_one_normal_form(structured: bool) -> None:
    done = sum(has_one_normal_form(seed, structured, 3) for seed in range(1000))
    assert done > 900


@pytest.mark.slow
@pytest.mark.parametrize("structured", [False, True])
def test_short_expressions_have_one_normal_form_at_length(structured: bool) -> None:
    assert sum(has_one_normal_form(seed, structured, 3) for seed in range(1000, 11000)) > 9000


@pytest.mark.slow
def test_longer_expressions_have_one_normal_form() -> None:
    assert sum(has_one_normal_form(seed, True, 5) for seed in range(3000)) > 2000


def test_the_spellings_are_spellings_of_one_expression() -> None:
    """Against NumPy, operation by operation."""
    compared = 0
    for seed in range(0, 300, 2):
        one, other, where = pair(seed, True, 3)
        first, second = program(one, where), program(other, where)
        letters = letters_at(first, "distinct")
        values = arrays(first, letters, seed=seed)
        try:
            a, b = (value_of(p, values) for p in (first, second))
        except DomainError:
            continue
        if np.isfinite(a).all() and np.abs(a).max() < 1e8:
            np.testing.assert_allclose(a, b, rtol=1e-7, atol=1e-7 * (1 + np.abs(a).max()), err_msg=f"{one}\n{other}")
            compared += 1
    assert compared > 100
