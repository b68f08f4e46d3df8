"""Repeated parts get names, and the program that results means the same as the expression."""

from __future__ import annotations

import pytest

import symgrad as sg
from symgrad.derivation import derivative
from symgrad.notation.grammar import parse
from symgrad.notation.sharing import shared


@pytest.mark.parametrize(
    ("expression", "wrt", "where"),
    [
        ("softmax(softmax(x))", "x", "x: R^n"),
        ("v'*tanh(U*z+W*tanh(U*y+W*tanh(U*x)))", "U", "W: R^{n x n}; U: R^{n x m}; x, y, z: R^m; v: R^n"),
        ("sum(exp(-(rowsum(X.*X)*ones(m)'+ones(m)*rowsum(X.*X)'-2*X*X')))", "X", "X: R^{m x n}"),
    ],
)
def test_the_named_form_is_the_same_function_and_shorter(expression: str, wrt: str, where: str) -> None:
    D = derivative(expression, wrt, where=where)
    short = D.abbreviated
    assert short is not None and len(short.text()) < len(str(D))
    whole = sg.program(short.text(), where=where)
    assert sg.equal(str(D), _inlined(short), where=where)
    assert whole.views["result"].shape == sg.program(str(D), where=where).views["result"].shape


def _inlined(short) -> str:  # type: ignore[no-untyped-def]
    """The names put back by the text, innermost last: an independent way round."""
    import re

    text = short.text().splitlines()[-1]
    for line in reversed(short.text().splitlines()[:-1]):
        name, _, part = line.partition(" = ")
        text = re.sub(rf"\b{name}\b", f"({part})", text)
    return text


def test_names_in_use_are_left_alone_and_short_parts_unnamed() -> None:
    assert shared(parse("tanh(A*x + b) .* tanh(A*x + b)"), taken=["t1"]).parts[0][0] == "t2"
    assert shared(parse("A*x + A*x")).parts == ()
