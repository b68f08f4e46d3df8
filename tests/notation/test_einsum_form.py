"""The einsum form: numpy.einsum over the operands, each evaluated by itself, is the tensor."""

from __future__ import annotations

import numpy as np
import pytest
from reference import array_of

from symgrad.derivation import derivative
from symgrad.errors import LimitError
from symgrad.notation.einsum_form import einsum_form
from symgrad.programs import program
from symgrad.tensor.build import einsum
from symgrad.tensor.dims import letter
from symgrad.tensor.nodes import Input

WHERE = "a, x: R^n; A: R^{n x n}; X: R^{m x n}; h: R^k; y: R^m"
SIZES = {"n": 3, "m": 2, "k": 4}


@pytest.mark.parametrize(
    ("expression", "wrt"),
    [
        ("a'*x.^3", "x x x"), ("x'*A*x", "x"), ("norm2(X*x - y)^2", "X"), ("conv(x, h)", "x"), ("expm(A)*x", "A"),
        ("tanh(X)", "X X"), ("y'*y", "x"), ("a'*a + y'*X*x", "X"), ("softmax(x)", "x x"), ("x*x'", "x"),
    ],
)  # fmt: skip
def test_is_the_tensor(expression: str, wrt: str) -> None:
    found = derivative(expression, wrt.split(), where=WHERE)
    rng = np.random.default_rng(3)
    values = {
        "a": rng.normal(size=3), "x": rng.normal(size=3), "A": rng.normal(size=(3, 3)), "X": rng.normal(size=(2, 3)),
        "h": rng.normal(size=4), "y": rng.normal(size=2),
    }  # fmt: skip
    wanted = array_of(found.node, values, SIZES)
    total = np.zeros_like(wanted)
    for term in found.einsum:
        operands = [array_of(program(t, WHERE).views["result"].node, values, SIZES) for t in term.operands]
        total = total + float(term.coefficient) * np.einsum(term.subscripts, *operands)
    np.testing.assert_allclose(total, wanted, rtol=1e-9, atol=1e-12)


def test_text() -> None:
    assert str(derivative("a'*x.^3", ["x", "x", "x"], where=WHERE).einsum) == (
        "6*einsum('i,ij,ik->ijk', a, eye(n), eye(n))"
    )
    assert str(derivative("y'*y", "x", where=WHERE).einsum) == "0"
    assert str(derivative("-X*x", "x", where=WHERE).einsum) == "-einsum('ij->ij', X)"


def test_has_no_more_letters_than_there_are() -> None:
    u = Input.make("u", (letter("n"),))
    with pytest.raises(LimitError):
        einsum_form(einsum([(u, (i,)) for i in range(60)], range(60)))
