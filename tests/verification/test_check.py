"""The check must pass what is right and fail what is not: derivatives by hand, and planted wrong ones."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from symgrad.derivation import derivative
from symgrad.errors import DomainError, LimitError
from symgrad.tensor.build import add, einsum, permuted, scaled
from symgrad.verification.check import check
from symgrad.verification.witnesses import Interval

NETWORK = "l1 = relu(W1*x); l21 = relu(W21*l1); l22 = sigmoid(W22*l1); z = max(l21, l22); L = -y'*log(softmax(z))"
SHAPES = "x: R^n; W1: R^{m x n}; W21: R^{k x m}; W22: R^{k x m}; y: R^k onehot"


@pytest.mark.parametrize(
    ("expression", "wrt", "where"),
    [
        ("x'*A*x", "x", "x: R^n; A: R^{n x n}"),
        ("A*X*B", "X", "A: R^{m x n}; X: R^{n x p}; B: R^{p x q}"),
        ("logdet(X)", "X", "X: R^{n x n}"),
        ("sum(log(x))", "x", "x: R^n"),
        ("a'*arccos(x)", "x", "a, x: R^n"),
        ("norm1(A*x)", "x", "A: R^{m x n}; x: R^n"),
        ("r*c", "r", "r: R^{1 x n}; c: R^n"),
        ("x'*A*x", "y", "x, y: R^n; A: R^{n x n}"),
        ("tr(S*S*S)", "S", "S: R^{n x n} symmetric"),
        ("tr(K*A)", "K", "K: R^{n x n} skew; A: R^{n x n}"),
        ("tr(Q'*A*Q)", "Q", "Q: R^{n x n} orthogonal; A: R^{n x n}"),
        ("sum(log(p))", "p", "p: R^n simplex"),
        ("e(2,n)'*x", "x", "x: R^n"),
        ("s^s", "s", "s: R"),
    ],
)
def test_right_derivatives_pass(expression, wrt, where):
    report = check(derivative(expression, wrt, where=where))
    assert report.ok, report.text()
    assert {row.witness for row in report.rows} == {"engine", "differences"}


@pytest.mark.parametrize("wrt", ["x", "W1", "W21", "W22", "l1", "l21", "l22", "z"])
def test_every_name_of_a_network_passes(wrt):
    report = check(derivative(NETWORK, wrt, where=SHAPES))
    assert report.ok, report.text()


def test_an_intermediate_differentiated_by_itself_is_the_identity():
    assert check(derivative("q = x.*y; f = sum(q)", "q", of="q", where="x, y: R^n")).ok


@pytest.mark.parametrize("wrt", [["x", "x"], ["x", "A"], ["A", "x"]])
def test_second_order_passes(wrt):
    report = check(derivative("sum(sigmoid(A*x))", wrt, where="A: R^{m x n}; x: R^n"))
    assert report.ok, report.text()


def test_third_order_is_compared_with_differences_of_the_second():
    report = check(derivative("sum(exp(A*x))", ["x", "x", "x"], where="A: R^{m x n}; x: R^n"))
    assert report.ok and {row.how for row in report.rows} == {"of the compiled order 2"}


# --- the check can fail -----------------------------------------------------------------------


def _with_node(result, change):
    return replace(result, raw=change(result.raw))


@pytest.mark.parametrize(
    "change",
    [
        lambda node: scaled(-1, node),
        lambda node: scaled(2, node),
        lambda node: add([(1, node), (1, einsum([(node, "ij")], "ji"))], node.shape),
    ],
    ids=["sign", "factor", "symmetrised"],
)
def test_a_planted_wrong_derivative_fails_both_witnesses(change):
    right = derivative("tr(X'*A*X*B)", "X", where="A, X, B: R^{n x n}")
    wrong = _with_node(right, change)
    report = check(wrong)
    assert not report.ok
    assert not any(row.ok for row in report.rows if row.witness == "engine" and row.sizes["n"] > 1)
    assert not any(row.ok for row in report.rows if row.witness == "differences" and row.sizes["n"] > 1)


def test_a_transposed_jacobian_shows_at_distinct_sizes_and_at_square_ones():
    right = derivative("A*x", "x", where="A: R^{m x n}; x: R^n")
    wrong = _with_node(right, lambda node: permuted(node, (1, 0)))
    report = check(wrong)
    assert [row.ok for row in report.rows[:4]] == [False] * 4
    assert np.isinf(report.rows[0].absolute)  # another shape
    assert np.isfinite(report.rows[2].absolute)


def test_a_dropped_mask_fails():
    right = derivative("sum(relu(A*x))", "x", where="A: R^{m x n}; x: R^n")
    wrong = derivative("sum(A*x)", "x", where="A: R^{m x n}; x: R^n")
    assert not check(replace(right, raw=wrong.raw)).ok


def test_the_witnesses_are_projected_like_the_derivative():
    where = "b, c: R^n; S: R^{n x n} symmetric"
    report = check(derivative("b'*S*c", "S", where=where))
    assert report.ok and any("projection" in note for note in report.notes)


def test_with_structure_ignored_all_entries_are_independent():
    where = "b, c: R^n; S: R^{n x n} symmetric"
    ignored = derivative("b'*S*c", "S", where=where, structure="ignore")
    assert check(ignored).ok
    assert not check(_with_node(ignored, lambda node: permuted(node, (1, 0)))).ok


def test_a_projection_that_was_forgotten_fails():
    where = "b, c: R^n; S: R^{n x n} symmetric"
    forgotten = derivative("b'*S*c", "S", where=where, structure="ignore")
    assert not check(replace(derivative("b'*S*c", "S", where=where), raw=forgotten.raw)).ok


def test_the_derivative_by_free_entries_is_not_the_projection():
    where = "b, c: R^n; S: R^{n x n} symmetric"
    free = derivative("b'*S*c", "S", where=where, structure="free")
    assert check(free).ok
    assert not check(replace(free, structure="project")).ok


def test_a_strict_tolerance_can_be_asked_for():
    result = derivative("sum(exp(A*x))", "x", where="A: R^{m x n}; x: R^n")
    nearly = _with_node(result, lambda node: scaled(1 + Fraction(1, 10**7), node))
    assert not check(nearly).ok
    assert check(nearly, tolerance=1e-5).ok


# --- what the report says ---------------------------------------------------------------------


def test_the_report_tells_its_seed_sizes_and_points():
    report = check(derivative("sum(log(A*x))", "x", where="A: R^{m x n}; x: R^n"), seed=7)
    sizes = [tuple(row.sizes.values()) for row in report.rows[::2]]
    assert report.seed == 7 and len(set(sizes[0])) == 2 and len(set(sizes[1])) == 1 and 1 in sizes[2]
    assert "seed 7" in report.text() and "agrees" in report.text()
    assert json.loads(json.dumps(report.to_json()))["ok"] is True


def test_the_report_says_where_inputs_were_drawn():
    report = check(derivative("sum(log(x))", "x", where="x: R^20"))
    assert report.ok and any("positive" in note for note in report.notes)


def test_the_table_is_rich_and_shows_a_disagreement():
    from rich.console import Console

    right = derivative("x'*x", "x", where="x: R^n")
    console = Console(width=120, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(check(_with_node(right, lambda node: scaled(2, node))))
    assert "DISAGREES" in console.export_text()


def test_the_same_seed_gives_the_same_report():
    result = derivative("sum(tanh(A*x))", "x", where="A: R^{m x n}; x: R^n")
    assert check(result, seed=3) == check(result, seed=3)


def test_trials_say_how_many_points_are_compared():
    assert len(check(derivative("x'*x", "x", where="x: R^n"), trials=5).rows) == 10


def test_intervals_say_where_inputs_are_drawn():
    result = derivative("sum(log(b - A*x))", "x", where="A: R^{m x n}; x: R^n; b: R^m")
    assert check(result, intervals={"b": Interval(20.0, 30.0)}).notes == ()


def test_an_expression_without_a_value_is_an_error_that_says_so():
    with pytest.raises(DomainError, match="no sample"):
        check(derivative("log(-x^2)", "x", where="x: R"))


def test_arrays_too_large_are_refused():
    with pytest.raises(LimitError, match="16777216"):
        check(derivative("relu(x)", "x", where="x: R^4096"))
