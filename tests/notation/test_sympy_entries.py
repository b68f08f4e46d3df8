"""Tensors without matrix notation as SymPy sums over entries, against the compiled tensor."""

from __future__ import annotations

import numpy as np
import pytest
import sympy

import symgrad as sg


@pytest.mark.parametrize(
    ("expression", "wrt", "where"),
    [
        ("sum(x.^3)", ["x", "x", "x"], "x: R^n"),
        ("diagonal(X*B)", "X", "X: R^{m x n}; B: R^{n x m}"),
        ("diag(x) - x*x'", "x", "x: R^n"),
    ],
)
def test_every_entry_is_that_of_the_tensor(expression: str, wrt: object, where: str) -> None:
    D = sg.derivative(expression, wrt, where=where, layout="tensor")
    assert not D.matrix_form
    sizes = {"n": 2, "m": 3}
    rng = np.random.default_rng(0)
    shapes = {"x": (2,), "X": (3, 2), "B": (2, 3)}
    values = {name: rng.normal(size=shapes[name]) for name in D.program.declared}
    tensor = D.tensor(**values)
    letters = [sympy.Symbol(a, integer=True, nonnegative=True) for a in "ijkl"[: tensor.ndim]]
    entry = D.expr.subs({sympy.Symbol(a, integer=True, positive=True): s for a, s in sizes.items()})
    for index in np.ndindex(tensor.shape):
        at = entry.subs(dict(zip(letters, index, strict=True))).doit()
        for symbol in at.atoms(sympy.MatrixSymbol):
            array = np.reshape(values[symbol.name], (len(values[symbol.name]), -1))
            at = at.subs({symbol[r, c]: array[r, c] for r in range(array.shape[0]) for c in range(array.shape[1])})
        assert float(at) == pytest.approx(tensor[index])
