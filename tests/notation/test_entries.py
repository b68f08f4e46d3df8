"""Index notation read: what is printed so is the same tensor when it is read again."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from reference import array_of

from symgrad.certificate import same
from symgrad.derivation import derivative
from symgrad.errors import SymgradError
from symgrad.notation.indexed import indexed_text
from symgrad.programs import program
from symgrad.tensor.nodes import Node
from symgrad.tensor.view import View
from symgrad.verification.answers import check_answer
from symgrad.verification.equal import equal

WHERE = (
    "a, x, y: R^n; A, B: R^{n x n}; X, Y: R^{m x n}; h: R^k; H: R^{k x p}; Z: R^{m x m}; r: R^{1 x n}; s, q: R;"
    " W: R^{m x n}; v: R^m"
)
SIZES = {"n": 3, "m": 2, "k": 4, "p": 5}

LONG = [  # without a closed matrix form, or of more than two axes
    ("a'*x.^3", "x x x"), ("norm2(x)^3", "x x x"), ("x*x'*x", "x x"), ("x*x'*x", "x x x"), ("softmax(x)", "x x"),
    ("logsumexp(x)", "x x x"), ("expm(A)", "A"), ("expm(A)", "A A"), ("expm(s*A)*x", "A"), ("A^q", "A"),
    ("expm(kron(Z, A))", "Z"), ("conv(x, h)", "x"), ("conv(x, h)", "h x"), ("conv2(X, H)", "X"), ("tanh(X)", "X X"),
    ("vec(X)*x'", "X X"), ("kron(X, A)", "X X"), ("rowsoftmax(X)", "X X"), ("X .* Y", "X Y"), ("exp(X*x)*x'", "X"),
    ("max(X, Y)", "X X"), ("kron(x, y)", "x y"), ("r*r'*r", "r r"), ("inv(A)", "A A"), ("pinv(X)", "X"),
    ("A*x/(y'*x)", "x x"), ("(x - a)/norm2(x - a)", "x x"), ("X*X'*X", "X X"), ("v'*tanh(W*x)", "W W W"),
    ("v'*elu(W*x)", "W W"), ("logdet(A)", "A A A"), ("s*x", "s x x"), ("x'*A*x", "x x x"), ("diag(x)*(x'*x)", "x x x"),
]  # fmt: skip


def read(text: str, where: object = WHERE) -> Node:
    return program(text, where).views["result"].node  # type: ignore[arg-type]


def is_same(a: Node, b: Node) -> bool:
    return a.shape == b.shape and same(View(a, min(1, a.rank)), View(b, min(1, b.rank)))


@pytest.mark.parametrize(("expression", "wrt"), LONG)
def test_what_is_printed_is_the_same_tensor_again(expression: str, wrt: str) -> None:
    found = derivative(expression, wrt.split(), where=WHERE)
    assert is_same(read(indexed_text(found.shown)), found.shown)
    if not found.matrix_form:
        assert is_same(read(str(found)), found.shown)


CORPUS = Path(__file__).parents[1] / "corpus" / "cases.jsonl"


@pytest.mark.skipif(not CORPUS.exists(), reason="the corpus is not here")
def test_third_orders_of_the_corpus_are_read_again() -> None:
    cases = [json.loads(line) for line in CORPUS.read_text(encoding="utf-8").splitlines()]
    done = 0
    for case in [c for c in cases if isinstance(c["wrt"], str)][::3]:
        third = derivative(case["expr"], [case["wrt"]] * 3, where=case["vars"])
        if third.raw.rank > 2 and not third.matrix_form and third.in_parts is None:
            assert is_same(read(str(third), third.program.declared), third.shown), case["id"]
            done += 1
    assert done >= 15


def test_entries_by_hand() -> None:
    """Against numpy.einsum."""
    rng = np.random.default_rng(1)
    values = {"A": rng.normal(size=(3, 3)), "x": rng.normal(size=3), "X": rng.normal(size=(2, 3))}
    A, x, X = values["A"], values["x"], values["X"]
    cases = {
        "[i, j, k]: 2*A[i, j]*x[k] - x[i]*delta[j, k]/4": 2 * np.einsum("ij,k->ijk", A, x)
        - np.einsum("i,jk->ijk", x, np.eye(3)) / 4,
        "[k, i]: sum_{l} A[i, l]*X[k, l]^2": np.einsum("il,kl->ki", A, X**2),
        "[i]: sum_{l m} A[l, m]*(x[l] + A[l, i]*x[m])": np.einsum("lm,l->", A, x) + np.einsum("lm,li,m->i", A, A, x),
        "[i, j: n]: exp(x[i])": np.einsum("i,j->ij", np.exp(x), np.ones(3)),
        "[i, j]: (A*A')[i, j] + tr(A)*delta[i, j]*x[i]": A @ A.T + np.trace(A) * np.diag(x),
        "[]: sum_{i j} A[i, i]*A'[i, j]": np.einsum("ii,ji->", A, A),
        "[p]: sum_{i j} [i*n + j = p]*X[i, j]": X.ravel(),
        "[o: n - 1]: sum_{i, k: 2} [o + 1 = i + k]*x[i]": x[:2] + x[1:],
        "[i]: sum_{j: m} x[i]": 2 * x,
        "[i, j]: (x[i] + x[j])^(-2)*max(x[i], A[i, j])": np.maximum(x[:, None], A) / (x[:, None] + x) ** 2,
    }
    for text, wanted in cases.items():
        if "[p]" in text:
            text = text.replace("[p]", "[p: m*n]")
        np.testing.assert_allclose(array_of(read(text), values, SIZES), wanted, rtol=1e-12, err_msg=text)


def test_wherever_an_expression_is_taken() -> None:
    assert equal("[i, j]: sum_{k} A[i, k]*B[k, j]", "A*B", WHERE).proved
    assert not equal("[i, j]: sum_{k} A[i, k]*B[j, k]", "A*B", WHERE)
    assert str(derivative("[i]: sum_{k} A[i, k]*x[k]", "x", where=WHERE)) == "A"
    assert str(derivative("g = [i]: A[i, i]*x[i]\nL = g'*g", "x", where=WHERE)) == "2*g .* diagonal(A)"


def test_answers_in_index_notation() -> None:
    def verdict(answer: str, expression: str = "a'*x.^3", wrt: object = ("x", "x", "x")) -> bool | None:
        return check_answer(expression, wrt, answer=answer, where=WHERE).correct

    assert verdict("[i, j, k]: 6*a[i]*delta[i, j]*delta[i, k]") is True
    assert verdict("[i, j, k]: 5*a[i]*delta[i, j]*delta[i, k]") is False
    assert verdict("[k]: sum_{j} A[k, j]*x[j] + sum_{i} A[i, k]*x[i]", "x'*A*x", "x") is True
    assert verdict("[i: n, j, k: n, l]: delta[i, k]*B[l, j]", "A*B", "A") is True


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[i, j]: A[i, k]", "index k is neither in front nor summed"),
        ("[i, j]: x[i]", "nothing says how far j runs"),
        ("[i]: foo[i]", "foo is not declared"),
        ("[i]: ", "a factor is missing"),
        ("[i]: x[i]*", "a factor is missing"),
        ("[i]: (x[i]", "a bracket is not closed"),
        ("[i, i]: x[i]", "bound twice"),
        ("[i]: x[i] + sum_{i} x[i]", "bound twice"),
        ("[i]: x[i]^a[i]", "an exponent in index notation is a scalar"),
        ("[i: u]: x[i]", "u is not a declared dimension"),
        ("[i]: tr(A[i, i])", "tr is no function of 1 entries"),
        ("[i]: x[i] .* x[i]", "left over"),
        ("[i]: x[i, i]", "has 1 indices, not 2"),
        ("[i]: sum_{j} X[j, i]*A[j, i]", "the index j runs to"),
        ("[i]: " + "(" * 500 + "x[i]" + ")" * 500, "nested more than"),
    ],
)
def test_what_cannot_be_read_is_said(text: str, said: str) -> None:
    with pytest.raises(SymgradError, match=said):
        read(text)
