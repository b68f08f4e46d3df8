"""LaTeX: the look of the field, with parentheses where they are needed."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symgrad.errors import UnknownNameError
from symgrad.notation.grammar import parse
from symgrad.notation.latex import latex, name_latex
from symgrad.notation.tokens import INFIX
from symgrad.notation.tree import Call, Name, Number, Tree

TEMPLATES = {
    "inv": "{0}^{{-1}}",
    "tr": r"\operatorname{{tr}}({args})",
    "norm2": r"\lVert {0} \rVert_2",
    "sqrt": r"\sqrt{{{0}}}",
    "logdet": r"\log\left\lvert\det {0}\right\rvert",
    "kron": r"{0} \otimes {1}",
    "eye": "I_{{{0}}}",
    "ones": r"\mathbf{{1}}_{{{args}}}",
    "e": "e_{{{args}}}",
    "sigmoid": r"\sigma({0})",
    "max": r"\max({0}, {1})",
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2*x", "2 x"),
        ("x*2", r"x \cdot 2"),
        ("2*3^n", r"2 \cdot 3^{n}"),
        ("(a+b)*c", r"\left(a + b\right) c"),
        ("a*(b+c)", r"a \left(b + c\right)"),
        ("-(a+b)", r"-\left(a + b\right)"),
        ("a-(-b)", r"a - \left(-b\right)"),
        ("x'*A*x", r"x^{\top} A x"),
        ("A^2'", r"\left(A^{2}\right)^{\top}"),
        ("A''", r"\left(A^{\top}\right)^{\top}"),
        ("inv(X)", "X^{-1}"),
        ("inv(X)'", r"X^{-\top}"),
        ("X^-1'", r"X^{-\top}"),
        ("inv(A+B)'", r"\left(A + B\right)^{-\top}"),
        ("inv(X)^2", r"\left(X^{-1}\right)^{2}"),
        ("a .* b ./ c", r"\left(a \odot b\right) \oslash c"),
        ("(a .* b)*c", r"\left(a \odot b\right) c"),
        ("x.^2", r"x^{\odot 2}"),
        ("a/(b+c)", r"\frac{a}{b + c}"),
        ("(a/b)^2", r"\left(\frac{a}{b}\right)^{2}"),
        ("[z > 0]", r"\mathbf{1}[z > 0]"),
        ("[a >= b]*x", r"\mathbf{1}[a \ge b] x"),
        ("kron(A+B, C)*x", r"\left(\left(A + B\right) \otimes C\right) x"),
        ("tr(A+B)", r"\operatorname{tr}(A + B)"),
        ("norm2(A*x-b)^2", r"\lVert A x - b \rVert_2^{2}"),
        ("sqrt(a+b)", r"\sqrt{a + b}"),
        ("logdet(A+B)", r"\log\left\lvert\det \left(A + B\right)\right\rvert"),
        ("logdet(X)", r"\log\left\lvert\det X\right\rvert"),
        ("eye(n)", "I_{n}"),
        ("ones(m, n)", r"\mathbf{1}_{m, n}"),
        ("e(i, n)", "e_{i, n}"),
        ("sigmoid(W21*l1)", r"\sigma(W_{21} l_{1})"),
        ("max(a, b)", r"\max(a, b)"),
        ("max(v)", r"\operatorname{max}\left(v\right)"),
        ("my_f(x, y)", r"\operatorname{my\_f}\left(x, y\right)"),
        ("pi*λ", r"\pi \lambda"),
        ("1e-20*x", r"1 \cdot 10^{-20} x"),
    ],
)
def test_expressions(text: str, expected: str) -> None:
    assert latex(parse(text), templates=TEMPLATES) == expected


@pytest.mark.parametrize(
    ("name", "plain", "bold"),
    [
        ("x", "x", r"\mathbf{x}"),
        ("W21", "W_{21}", r"\mathbf{W}_{21}"),
        ("yhat", r"\hat{y}", r"\hat{\mathbf{y}}"),
        ("xbar2", r"\bar{x}_{2}", r"\bar{\mathbf{x}}_{2}"),
        ("muhat", r"\hat{\mu}", r"\hat{\boldsymbol{\mu}}"),
        ("what", r"\hat{w}", r"\hat{\mathbf{w}}"),
        ("mu_k", r"\mu_{k}", r"\boldsymbol{\mu}_{k}"),
        ("W_out_1", r"W_{\mathrm{out},1}", r"\mathbf{W}_{\mathrm{out},1}"),
        ("loss", r"\mathrm{loss}", r"\mathbf{loss}"),
        ("Σ", r"\Sigma", r"\boldsymbol{\Sigma}"),
        ("λ", r"\lambda", r"\boldsymbol{\lambda}"),
        ("ϵ", r"\epsilon", r"\boldsymbol{\epsilon}"),
    ],
)
def test_names(name: str, plain: str, bold: str) -> None:
    assert name_latex(name) == plain
    assert name_latex(name, bold=True) == bold


def test_vectors_are_bold_in_textbooks() -> None:
    kinds = {"x": "column", "r": "row", "A": "matrix", "s": "scalar"}
    tree = parse("r*A*x*s")
    assert latex(tree, kinds) == r"\mathbf{r} A \mathbf{x} s"
    assert latex(tree, kinds, style="plain") == "r A x s"


def test_unknown_style() -> None:
    with pytest.raises(UnknownNameError, match="'fancy'"):
        latex(Name("x"), style="fancy")


LEAVES = st.one_of(
    st.sampled_from(["x", "W21", "yhat", "a_b", "Σ", "مقدار"]).map(Name), st.fractions(max_denominator=50).map(Number)
)


def _calls(trees: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
    one = st.sampled_from(["negate", "transpose", "inv", "norm2", "sqrt", "logdet", "f"])
    return st.one_of(
        st.tuples(st.sampled_from(sorted(INFIX)), st.tuples(trees, trees)).map(lambda c: Call(*c)),
        st.tuples(one, st.tuples(trees)).map(lambda c: Call(*c)),
    )


@given(st.recursive(LEAVES, _calls, max_leaves=20))
def test_braces_balance_and_no_base_has_two_exponents(tree: Tree) -> None:
    written = latex(tree, {"x": "column"}, templates=TEMPLATES)
    depth = 0
    for brace in re.findall(r"\\\\|\\[{}]|[{}]", written):
        depth += {"{": 1, "}": -1}.get(brace, 0)
        assert depth >= 0
    assert depth == 0
    assert written.count(r"\left(") == written.count(r"\right)")
    assert not re.search(r"\^\{[^{}]*\}\^", written)
