"""Index notation for what has no matrix form."""

from __future__ import annotations

import pytest

from symgrad.errors import LimitError
from symgrad.notation.indexed import indexed_latex, indexed_text, letters_for
from symgrad.tensor.build import add, einsum, zero
from symgrad.tensor.dims import letter
from symgrad.tensor.nodes import Delta, Input

n = letter("n")
A, x = Input.make("A", (n, n)), Input.make("x", (n,))


def test_free_and_summed_letters() -> None:
    node = einsum([(A, "il"), (A, "jl"), (A, "kl")], "ijk")
    written = indexed_text(node)
    assert written.startswith("[i, j, k]: sum_{l} ")
    assert {written.count(f"A[{a}, l]") for a in "ijk"} == {1}


def test_deltas_coefficients_and_signs() -> None:
    node = einsum([(x, "i"), (Delta.make(n), "ij"), (Delta.make(n), "jk")], "ijk", -3)
    assert indexed_text(node) in {
        f"[i, j, k]: -3*{p}" for p in ("x[i]*delta[i, j]*delta[i, k]",)
    } or "-3" in indexed_text(node)
    assert indexed_text(node).count("delta") == 2
    assert r"\delta_{" in indexed_latex(node) and "-" in indexed_latex(node)


def test_zero_and_sums() -> None:
    assert indexed_text(zero((n, n, n))) == "[i: n, j: n, k: n]: 0"
    two = add([(1, einsum([(x, "i"), (x, "j"), (x, "k")], "ijk")), (-1, einsum([(A, "ij"), (x, "k")], "ijk"))])
    assert " - " in indexed_text(two) or indexed_text(two).startswith("[i, j, k]: -")


def test_letters() -> None:
    assert letters_for(3) == ["i", "j", "k"]
    assert len(set(letters_for(100))) == 100
    with pytest.raises(LimitError):
        letters_for(1000)
