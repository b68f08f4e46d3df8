"""What cancels in products, on hand-written pairs and against numbers."""

from __future__ import annotations

import numpy as np
import pytest
from reference import array_of, arrays, letters_at

from symgrad.calculus.cancel import cancelled_sums, components
from symgrad.calculus.present import present
from symgrad.programs import program
from symgrad.tensor.build import add, power
from symgrad.tensor.dims import letter
from symgrad.tensor.nodes import Input, Node

WHERE = (
    "A: R^{n x n} invertible; S: R^{n x n} spd; Q: R^{n x n} orthogonal; L: R^{n x n} lower; x, y, z: R^n; s, t: R;"
    " p: R^n simplex; U: R^n positive"
)


def node_of(text: str) -> Node:
    return program(text, WHERE).views["result"].node


CASES = [  # a product and what is left of it
    ("inv(A)*(A*x - y)", "x - inv(A)*y"),
    ("inv(A)*(A*x - y - z)", "x - inv(A)*(y + z)"),
    ("Q'*(Q*x - y)", "x - Q'*y"),
    ("Q*(x + Q'*y)", "Q*x + y"),
    ("inv(S)*S*x", "x"),
    ("x'*inv(S)*(S*y - x)", "x'*(y - inv(S)*x)"),
    ("(diag(p) - p*p')*(eye(n) - ones(n)*x')", "diag(p) - p*p'"),
    ("(eye(n) - x*ones(n)')*diag(y)", "diag(y) - x*y'"),
    ("diagonal(tril(ones(n, n))) .* x", "x"),
    ("U .* (x ./ U - 1)", "x - U"),
]


@pytest.mark.parametrize(("long", "short"), CASES)
def test_the_value_stays_and_it_is_as_short_as_by_hand(long: str, short: str) -> None:
    found, wanted = present(node_of(long)), present(node_of(short))
    source = program(f"v = {long}", WHERE)
    for kind in ("distinct", "square"):
        letters = letters_at(source, kind)
        values = arrays(source, letters, seed=2)
        expected = array_of(wanted, values, letters)
        np.testing.assert_allclose(array_of(found, values, letters), expected, rtol=1e-8, atol=1e-9)
    assert found is wanted


@pytest.mark.parametrize("text", ["inv(A)*(S*x - y)", "Q*(Q*x - y)", "inv(A)*(A'*x - y)", "U .* (x ./ y - 1)"])
def test_what_only_looks_alike_stays(text: str) -> None:
    source = program(f"v = {text}", WHERE)
    letters = letters_at(source, "distinct")
    values = arrays(source, letters, seed=4)
    node = node_of(text)
    np.testing.assert_allclose(array_of(present(node), values, letters), array_of(node, values, letters), rtol=1e-8)


def test_a_sum_beside_a_power_of_its_multiple() -> None:
    s, t = Input.make("s", ()), Input.make("t", ())
    total, twice = add([(1, s), (1, t)]), add([(2, s), (2, t)])
    coefficient, factors = cancelled_sums(1, [(twice, ()), (power(total, -1), ())])
    assert coefficient == 2 and factors[0] == (total, ())


def test_components_share_labels() -> None:
    n = letter("n")
    x, y, z = (Input.make(name, (n,)) for name in "xyz")
    groups = components([(x, ("i",)), (y, ("j",)), (z, ("i",))])
    assert sorted(len(group) for group in groups) == [1, 2]
