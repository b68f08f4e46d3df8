"""Changes of an expression by one entry each, against the interpreter at every changed point by itself."""

from __future__ import annotations

import numpy as np
import pytest

from symgrad.errors import LimitError, ShapeError
from symgrad.numeric import perturbed
from symgrad.numeric.evaluate import evaluate
from symgrad.numeric.perturbed import changes
from symgrad.programs import program
from symgrad.tensor.dims import size_at
from symgrad.tensor.nodes import Input, walk

SIZES = {"m": 3, "n": 4, "p": 2, "q": 5}
WHERE = "A: R^{m x n}; x, b: R^n; X: R^{n x p}; B: R^{p x q}; S: R^{n x n}; s: R; y: R^m; r: R^{1 x n}"
CASES = [
    ("x'*x", "x"),
    ("x'*S*x", "x"),
    ("A*X*B", "X"),
    ("sum(softplus(y.*(A*x)))", "x"),
    ("sum(tanh(X'*S*X))", "X"),
    ("softmax(x)", "x"),
    ("rowsoftmax(X)", "X"),
    ("rowsoftmax(S*X)", "X"),
    ("inv(S)", "S"),
    ("logdet(S)+tr(S^3)", "S"),
    ("diag(x)*S*diag(x)", "x"),
    ("exp(s*x)", "s"),
    ("exp(s*x)", "x"),
    ("x*b'+b*x'", "x"),
    ("X.*X", "X"),
    ("norm2(x)*x", "x"),
    ("S.*S'", "S"),
    ("diag(x)", "x"),
    ("expm(S)", "S"),
    ("kron(X,B)", "X"),
    ("vec(X)*s", "X"),
    ("max(A*x,y)", "x"),
    ("r*x*x'", "r"),
    ("det(S)*x", "S"),
    ("tr(S)*S", "S"),
    ("3*y + 0*A*x", "x"),
    ("tr(X'*X*X'*X)", "X"),
    ("logsumexp(A*diag(x)*b)", "x"),
    ("x.^b", "b"),
    ("conv(x,y)", "y"),
]


def point(text: str, seed: int = 0):
    source = program(text, WHERE)
    rng = np.random.default_rng(seed)
    node = source.views[source.output].node
    values = {
        n: rng.uniform(0.3, 0.9, [size_at(k, SIZES) for k in source.views[n].node.shape]) for n in source.declared
    }
    values["S"] = values["S"] + 2 * np.eye(4)
    return node, source, values, rng


def one_by_one(node, name, values, moves):
    """The same change for every entry by itself."""
    names = {n.name for n in walk(node) if isinstance(n, Input)}

    def value(changed):
        return np.asarray(evaluate([node], {n: changed[n] for n in names}, SIZES)[0])

    start = value(values)
    found = np.empty(moves.shape + start.shape)
    for k in np.ndindex(*moves.shape):
        moved = np.array(values[name])
        moved[k] += moves[k]
        found[k] = value({**values, name: moved}) - start
    return found


@pytest.mark.parametrize("room", [10**7, 500], ids=["at once", "in blocks"])
@pytest.mark.parametrize("text, name", CASES)
def test_changes_are_those_of_one_entry_at_a_time(text, name, room, monkeypatch):
    monkeypatch.setattr(perturbed, "ROOM", room)
    node, source, values, rng = point(text)
    x = source.views[name].node
    moves = rng.uniform(0.01, 0.2, values[name].shape)
    found = changes(node, x, values, moves, SIZES)
    np.testing.assert_allclose(found, one_by_one(node, name, values, moves), rtol=1e-9, atol=1e-12)


def test_the_columns_of_a_product_are_not_multiplied_out():
    rng = np.random.default_rng(1)
    source = program("sum(exp(A*x))", "A: R^{m x n}; x: R^n")
    A, x = rng.normal(size=(5, 30_000)) / 100, rng.normal(size=30_000)
    moves = np.full(30_000, 1e-3)
    found = changes(source.views["result"].node, source.views["x"].node, {"A": A, "x": x}, moves)
    expected = np.exp((A @ x)[:, None] + 1e-3 * A).sum(axis=0) - np.exp(A @ x).sum()
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-13)


def test_what_does_not_fit_is_refused():
    source = program("A*x", "A: R^{m x n}; x: R^n")
    node, x = source.views["result"].node, source.views["x"].node
    with pytest.raises(LimitError, match="4000 outputs by 4000 entries"):
        changes(node, x, {"A": np.ones((4000, 4000)), "x": np.ones(4000)}, np.ones(4000))
    with pytest.raises(ShapeError, match="x has shape"):
        changes(node, x, {"A": np.ones((2, 3)), "x": np.ones(4)}, np.ones(4))
