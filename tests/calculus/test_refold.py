"""Names of lines for parts of longer products, and what must not be named so."""

from __future__ import annotations

import numpy as np
import pytest
from reference import arrays, assert_agrees, derivative_array, differences, letters_at, value_of

from symgrad.calculus.refold import refolded, sums_a_line
from symgrad.derivation import derivative
from symgrad.programs import program
from symgrad.tensor.build import einsum, power
from symgrad.tensor.dims import letter
from symgrad.tensor.nodes import Input, Node

n, k = letter("n"), letter("k")
V, s, a, o = (Input.make(name, shape) for name, shape in (("V", (n, k)), ("s", (n,)), ("a", (k,)), ("o", (k,))))
c, x, z = Input.make("c", ()), Input.make("x", (n,)), Input.make("z", (n,))
LINE = einsum([(V, "ij"), (s, "i")], "j")


def test_a_part_of_a_product_gets_its_name() -> None:
    whole = einsum([(V, "ij"), (s, "i"), (a, "j")], "")
    assert refolded(whole, {LINE: o}) is einsum([(a, "j"), (o, "j")], "")


def test_a_label_that_goes_on_is_not_summed_away() -> None:
    entries = einsum([(V, "ij"), (s, "i")], "ij")  # diag(s)*V is not V'*s
    assert refolded(entries, {LINE: o}) is entries


def test_the_other_way_round_is_not_the_same() -> None:
    square = Input.make("V", (n, n))
    line, name = einsum([(square, "ij"), (s, "i")], "j"), Input.make("o", (n,))
    turned = einsum([(square, "ij"), (s, "j"), (x, "i")], "")
    assert refolded(turned, {line: name}) is turned


def test_a_power_of_a_scalar_is_left_over() -> None:
    line = einsum([(x, "i"), (power(c, -1), "")], "i")
    found = refolded(einsum([(x, "i"), (power(c, -3), "")], "i"), {line: z})
    assert found is einsum([(z, "i"), (power(c, -2), "")], "i")


def test_too_small_a_power_does_not_fit() -> None:
    line = einsum([(x, "i"), (power(c, -2), "")], "i")
    whole: Node = einsum([(x, "i"), (power(c, -1), ""), (s, "i")], "")
    assert refolded(whole, {line: z}) is whole


def test_a_sum_over_a_name_is_seen() -> None:
    assert sums_a_line(einsum([(z, "i")], ""), {LINE: z})
    assert not sums_a_line(einsum([(z, "i"), (x, "i")], ""), {LINE: z})


PROGRAMS = [
    ("s = softmax(K*q/t); o = V'*s; L = a'*o", "q", "q: R^d; K: R^{n x d}; V: R^{n x p}; a: R^p; t: R positive"),
    ("mu = mean(x); sd = sqrt(var(x) + s); z = (x - mu)/sd; L = v'*(g .* z)", "x", "x, v, g: R^n; s: R positive"),
    ("r = W*x; mu = mean(r); z = r - mu; L = norm2(z)^2", "x", "x: R^n; W: R^{m x n}"),
    ("e1 = exp(z); s = sum(e1); p = e1/s; L = -y'*log(p)", "z", "z, y: R^n"),
    ("r = y - X*b; s2 = r'*r/n; L = n*log(s2)", "b", "X: R^{n x p}; y: R^n; b: R^p"),
    ("t = x'*x; s = x'*A*x; L = s/t", "x", "x: R^n; A: R^{n x n}"),
    ("K = X*X' + s*eye(m); a = inv(K)*y; L = y'*a + logdet(K)", "X", "X: R^{m x n}; y: R^m; s: R positive"),
]


@pytest.mark.parametrize(("text", "wrt", "where"), PROGRAMS)
@pytest.mark.parametrize("kind", ["distinct", "square"])
def test_with_names_it_is_the_same_derivative(text: str, wrt: str, where: str, kind: str) -> None:
    source = program(text, where)
    result = derivative(source, wrt)
    letters = letters_at(source, kind)
    values = arrays(source, letters, seed=3)
    found = derivative_array(result, values, letters)
    assert_agrees(found, differences(lambda v: value_of(source, v), values, wrt), text)
    answer = program(f"{text}; answer_ = {result}", where)
    np.testing.assert_allclose(np.squeeze(value_of(answer, values, "answer_")), np.squeeze(found), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("text", "wrt", "where", "written"),
    [
        (*PROGRAMS[0], "K'*(s .* (V*a - L))/t"),
        (*PROGRAMS[2], "2*W'*z"),
        (*PROGRAMS[4], "-2*X'*r/s2"),
        ("n1 = norm2(x); c = y'*x/n1; L = c^2", "x", "x, y: R^n", "2*c*(y - c*x/n1)/n1"),  # c*c stays, L is longer
    ],
)
def test_answers_are_written_in_the_names(text: str, wrt: str, where: str, written: str) -> None:
    assert str(derivative(program(text, where), wrt)) == written
