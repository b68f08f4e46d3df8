"""Declarations: spaces, properties and what is refused."""

from __future__ import annotations

import pytest

from symgrad.errors import LimitError, ParseError, ShapeError, SymgradError, UnknownNameError
from symgrad.notation.declare import Declaration, declare
from symgrad.tensor.dims import letter, plus, times

m, n = letter("m"), letter("n")


@pytest.mark.parametrize(
    ("space", "rows", "columns", "kind"),
    [
        ("R", 1, 1, "scalar"),
        ("ℝ", 1, 1, "scalar"),
        ("R^{1 x 1}", 1, 1, "scalar"),
        ("R^n", n, 1, "column"),
        ("R^3", 3, 1, "column"),
        ("R^{n}", n, 1, "column"),
        ("R^{n x 1}", n, 1, "column"),
        ("R^{1 x n}", 1, n, "row"),
        ("R^{m x n}", m, n, "matrix"),
        ("R^{mxn}", m, n, "matrix"),
        ("R^{3x4}", 3, 4, "matrix"),
        ("R^{m, n}", m, n, "matrix"),
        ("R^(m × n)", m, n, "matrix"),
        (r"\mathbb{R}^{m \times n}", m, n, "matrix"),
        ("R^{2n x m*n + 1}", times(2, n), plus(times(m, n), 1), "matrix"),
        ("R^{n - 1}", plus(n, -1), 1, "column"),
        ("R^1000000000", 10**9, 1, "column"),
    ],
)
def test_spaces(space: str, rows: object, columns: object, kind: str) -> None:
    found = declare(f"Z: {space}")["Z"]
    assert (found.rows, found.columns, found.kind) == (rows, columns, kind)
    assert declare(found.text()) == {"Z": found}


def test_several() -> None:
    found = declare("x, y: R^n; A: R^{n x n} symmetric positive  # ours; all\n\nW₁: R", {"sin"})
    assert list(found) == ["x", "y", "A", "W1"]
    assert found["A"] == Declaration("A", n, n, frozenset({"symmetric", "positive"}))
    assert found["A"].text() == "A: R^{n x n} positive symmetric"


def test_nothing() -> None:
    assert declare(None) == declare("") == declare(" ;\n") == declare({}) == {}


def test_mapping() -> None:
    given = declare("B: R^{m x n}")["B"]
    found = declare({"x": "R^n simplex", "A": given, "B": given})
    assert found["x"].properties == {"simplex"}
    assert found["A"].text() == "A: R^{m x n}"
    assert found["B"] is not None


def test_declaring_again_alike_is_fine() -> None:
    assert len(declare("x: R^n; x: R^{n x 1}")) == 1


@pytest.mark.parametrize(
    ("where", "error", "column", "words"),
    [
        ("A: R^{m x n} symmetric", ShapeError, 14, "square"),
        ("x: R^n invertible", ShapeError, 8, "square"),
        ("s: R onehot", ShapeError, 6, "vector"),
        ("x: R^0", ShapeError, 6, "positive"),
        ("x: R^{m x 0}", ShapeError, 11, "positive"),
        ("x: R^{-n}", ShapeError, 7, "positive"),
        ("x: R^{n - n}", ShapeError, 7, "positive"),
        ("x: R^-1", ParseError, 6, "dimension is missing"),
        ("x: R^1000000001", LimitError, 6, "1000000000"),
        ("x: R^{9999999999999999}", LimitError, 7, "1000000000"),
        ("x: R^{" + "n*" * 80 + "n}", LimitError, 135, "64"),
        ("A: R^{n x n} symetric", UnknownNameError, 14, "did you mean symmetric?"),
        ("A: R^{n x n} skew symmetric", ParseError, 19, "exclude"),
        ("sin: R", ParseError, 1, "a function"),
        ("x: R; pi: R", ParseError, 7, "the number pi"),
        ("n: R; x: R^n", ParseError, 1, "dimension too"),
        ("x: R^n; x: R", ParseError, 9, "declared twice"),
        ("x: R^n, A: R", ParseError, 9, "separated by ';'"),
        ("x", ParseError, 2, "':' is missing"),
        ("x:", ParseError, 3, "space is missing"),
        ("x: Q^n", ParseError, 4, "'Q' is not a space"),
        ("x: R^nxm", ParseError, 6, "braces"),
        ("x: R^n x m", ParseError, 6, "braces"),
        ("x: R^2n", ParseError, 6, "braces"),
        ("x: R^{n", ParseError, 8, "missing"),
        ("x: R^{a x b x c}", ParseError, 16, "two dimensions"),
        ("2x: R", ParseError, 1, "not a name"),
        ("y: R\nx: R^{۳}", ParseError, 7, "digits 0 to 9"),
    ],
)
def test_refused(where: str, error: type[SymgradError], column: int, words: str) -> None:
    with pytest.raises(error) as caught:
        declare(where, {"sin"})
    assert caught.value.text == where
    assert caught.value.column == column
    assert words in str(caught.value)


@pytest.mark.parametrize("where", [3, {"x": 3}, {3: "R"}, {"x; y": "R"}, {"x": "R; y: R"}, {"x y": Declaration("x")}])
def test_refused_objects(where: object) -> None:
    with pytest.raises(ParseError):
        declare(where)  # type: ignore[arg-type]


def test_the_quick_way_reads_what_the_thorough_one_reads() -> None:
    """Plain declarations are read by one pattern; a superfluous comment or brace sends them the long way."""
    plain = declare("s: R; x: R^n; A: R^{m x n}; W1: R^{h1 x n}\n B2 : R^{ k x p }")
    long = declare("s: R # a\n x: R^{n}; A: R^{m × n}; W1: R^(h1 x n); B2: R^(k x p)")
    assert plain == long
