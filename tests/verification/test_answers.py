"""Answers judged: the graded corpus, the homework's network, shapes, layouts, numbers, and hostile input."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from symgrad.errors import DomainError, LayoutError, ParseError, SymgradError, UnknownNameError
from symgrad.verification.answers import check_answer

GRADED = [json.loads(line) for line in Path(__file__).with_name("answers.jsonl").read_text().splitlines()]
NETWORK = """
l1 = relu(W1*x)
l21 = relu(W21*l1)
l22 = sigmoid(W22*l1)
z = max(l21, l22)
yhat = softmax(z)
L = -y'*log(yhat)
"""
SHAPES = "x: R^n; W1: R^{m x n}; W21: R^{k x m}; W22: R^{k x m}; y: R^k onehot"


@pytest.mark.parametrize("case", GRADED, ids=[c["id"] for c in GRADED])
def test_graded_answers(case):
    verdict = check_answer(
        case["expr"],
        case["wrt"],
        answer=case["answer"],
        where=case["vars"],
        layout=case["layout"],
        domain=case.get("domain"),
    )
    assert verdict.correct is (case["verdict"] == "correct")
    accepted = {case["misconception"], *case.get("also_acceptable", [])}
    assert verdict.misconception in accepted  # None for a right answer: no false accusation
    if verdict.correct:
        assert verdict.proof in ("symbolic", "numeric") and verdict.witness is None
    else:
        assert verdict.witness is not None or verdict.rung == "shapes"


# --- the ladder -------------------------------------------------------------------------------


def _judge(answer, wrt="W21", **options):
    return check_answer(NETWORK, wrt, answer=answer, where=SHAPES, layout="gradient", **options)


def test_the_names_of_a_program_mean_their_values():
    assert _judge("((yhat - y) .* [l21 >= l22] .* [l21 > 0]) * l1'").proof == "symbolic"
    assert _judge("((softmax(z) - y) .* [l21 >= l22] .* [W21*l1 > 0]) * relu(W1*x)'").correct
    assert _judge("softmax(max(l21, l22)) - y", "z").correct


def test_a_mask_that_another_one_implies_may_be_left_out_here_but_not_for_any_upstream_gradient():
    """Where the maximum chooses l21 it is positive, since a sigmoid is: the printed formula is right only so."""
    assert _judge("((yhat - y) .* [l21 >= l22]) * l1'").proof == "numeric"
    free = check_answer(
        "l21 = relu(W21*l1); u = dot(grad_l21, l21)",
        "W21",
        answer="grad_l21*l1'",
        where="l1: R^m; W21: R^{k x m}; grad_l21: R^k",
    )
    assert free.correct is False and free.misconceptions == ("missing mask",)


def test_two_mistakes_at_once_are_both_named():
    verdict = check_answer(
        "l21 = relu(W21*l1); l22 = sigmoid(W22*l1); u = dot(g, l21) + dot(h, l22)",
        "l1",
        answer="W21'*g + W22'*h",
        where="l1: R^m; W21, W22: R^{k x m}; g, h: R^k",
    )
    assert set(verdict.misconceptions) == {"missing mask", "missing chain factor"}


def test_a_mask_of_max_may_be_missing():
    assert _judge("((yhat - y) .* [l21 > 0]) * l1'").misconception == "missing mask"
    assert _judge("((yhat - y) .* [l21 < l22]) * l1'", "W22").misconception == "missing chain factor"


def test_a_mask_that_is_mostly_one_is_still_wanted():
    """The mask of a single relu is 1 at half of all points: chance must not make the answer right."""
    for seed in range(10):
        assert check_answer("relu(x)", "x", answer="1", where="x: R", seed=seed).correct is False


@pytest.mark.parametrize(
    ("expression", "wrt", "answer", "where", "rung"),
    [
        ("x'*A*x", "x", "A*x + A'*x", "x: R^n; A: R^{n x n}", "normal form"),
        ("x'*S*x", "x", "2*S*x", "x: R^n; S: R^{n x n} symmetric", "normal form"),
        ("sum(x)/s", "x", "ones(n)*(s-1)/(s^2-s)", "x: R^n; s: R", "prime field"),
        ("sum(sinh(x))", "x", "(exp(x)+exp(-x))/2", "x: R^n", "prime field"),
        ("sum(abs(x))", "x", "2*[x > 0]-1", "x: R^n", "samples"),
        ("a'*x", "y", "0", "a, x, y: R^n", "normal form"),
    ],
)
def test_which_rung_decides(expression, wrt, answer, where, rung):
    verdict = check_answer(expression, wrt, answer=answer, where=where)
    assert verdict.correct and verdict.rung == rung


def test_a_declared_property_decides():
    assert check_answer("x'*A*x", "x", answer="2*A*x", where="x: R^n; A: R^{n x n}").correct is False
    assert check_answer("x'*A*x", "x", answer="2*A*x", where="x: R^n; A: R^{n x n}", domain="A symmetric").correct


def test_an_answer_may_have_lines_of_its_own():
    verdict = check_answer("norm2(A*x-b)^2", "x", answer="r = A*x - b; 2*A'*r", where="A: R^{m x n}; x: R^n; b: R^m")
    assert verdict.correct


def test_juxtaposed_names_in_an_answer():
    assert check_answer("x'*A*x", "x", answer="Ax + A'x", where="x: R^n; A: R^{n x n}").correct


def test_sympy_answers():
    import symgrad as sg

    x, A = sg.symbols("x: R^n; A: R^{n x n}")
    where = "x: R^n; A: R^{n x n}"
    assert check_answer("x'*A*x", "x", answer=(A + A.T) * x, where=where).correct
    assert check_answer("x'*A*x", "x", answer=2 * A * x, where=where).misconception == "assumed symmetric"


# --- shapes and layouts -----------------------------------------------------------------------


def test_the_wrong_shape_is_said_with_both_shapes():
    verdict = check_answer("A*x", "x", answer="x", where="A: R^{m x n}; x: R^n")
    assert verdict.rung == "shapes" and "column vector (n x 1)" in verdict.explanation
    assert "matrix (m x n)" in verdict.explanation and verdict.misconception is None


def test_an_answer_that_does_not_conform_is_located():
    verdict = check_answer("x'*A*x", "x", answer="A*x + x*A", where="x: R^n; A: R^{n x n}")
    assert (
        verdict.correct is False
        and verdict.rung == "shapes"
        and "column" in verdict.explanation
        and "^" in verdict.explanation
    )


@pytest.mark.parametrize(
    ("layout", "answer", "correct", "misconception"),
    [
        ("gradient", "(A+A')*x", True, None),
        ("numerator", "x'*(A+A')", True, None),
        ("numerator", "(A+A')*x", False, "transposed"),
        ("denominator", "x'*(A+A')", False, "transposed"),
    ],
)
def test_the_other_layout_is_told_apart(layout, answer, correct, misconception):
    verdict = check_answer("x'*A*x", "x", answer=answer, where="x: R^n; A: R^{n x n}", layout=layout)
    assert (verdict.correct, verdict.misconception) == (correct, misconception)
    assert correct or "right in" in verdict.explanation


def test_the_other_layout_is_told_where_the_shapes_agree_too():
    verdict = check_answer("A*x", "x", answer="A'", where="A: R^{n x n}; x: R^n")
    assert verdict.misconception == "wrong layout" and verdict.witness is not None


def test_the_other_stacking_is_told():
    where = "A: R^{m x m}; X: R^{m x m}; B: R^{m x m}"
    assert check_answer("A*X*B", "X", answer="kron(B',A)", where=where, vec="column").correct
    verdict = check_answer("A*X*B", "X", answer="kron(A,B')", where=where, vec="column")
    assert verdict.misconception == "wrong order" and verdict.alternatives == (("wrong layout",),)
    assert "rows" in verdict.explanation


def test_a_third_order_tensor_is_no_matrix():
    with pytest.raises(LayoutError):
        check_answer("sum(exp(x))", ["x", "x", "x"], answer="x", where="x: R^n")


# --- witnesses --------------------------------------------------------------------------------


def test_the_witness_can_be_recomputed():
    import numpy as np

    verdict = check_answer("x'*A*x", "x", answer="A*x", where="x: R^n; A: R^{n x n}")
    witness = verdict.witness
    x, A = witness.values["x"], witness.values["A"]
    row = witness.entry[0] - 1
    assert np.isclose(witness.answer, (A @ x)[row]) and np.isclose(witness.expected, ((A + A.T) @ x)[row])
    assert json.loads(json.dumps(verdict.to_json()))["witness"]["answer"] == pytest.approx(witness.answer)


# --- numbers ----------------------------------------------------------------------------------

NEURON = ("sigmoid(w*x)", "w: R; x: R", {"w": 2.0, "x": -1.0})


def _numbers(answer, wrt="x", decimals=2):
    expression, where, values = NEURON
    return check_answer(expression, wrt, answer=answer, where=where, values=values, decimals=decimals)


def test_numbers_are_right_if_rounded_once():
    """sigma(-2) (1 - sigma(-2)) = 0.104994, times w = 2: 0.209987."""
    assert _numbers(0.21).correct and _numbers(0.2, decimals=1).correct
    assert _numbers(0.25).correct is False and _numbers(0.25).misconception is None


def test_rounding_twice_is_named_with_the_number_that_was_rounded():
    """0.104994 rounds to 0.1 and doubles to 0.2 (two decimals: 0.10, 0.20); exact is 0.21."""
    verdict = _numbers(0.20)
    assert verdict.misconception == "rounded twice" and "0.1" in verdict.explanation


def test_matrices_of_numbers():
    values = {"A": [[1.0, 2.0], [3.0, 4.0]], "x": [1.0, 1.0]}
    where = "A: R^{n x n}; x: R^n"
    assert check_answer("x'*A*x", "A", answer=[[1, 1], [1, 1]], where=where, values=values, decimals=0).correct
    assert check_answer("x'*A*x", "x", answer=[7, 13], where=where, values=values, decimals=0).misconception is None
    wrong = check_answer("x'*A*x", "x", answer=[7, 15], where=where, values=values, decimals=0)
    assert wrong.witness.entry == (2,) and wrong.witness.expected == 13
    assert check_answer(
        "x'*A*x", "x", answer=[[7, 13]], where=where, values=values, decimals=0, layout="numerator"
    ).correct
    assert check_answer("x'*A*x", "x", answer=[1, 2, 3], where=where, values=values, decimals=0).rung == "shapes"


def test_numbers_need_values_and_decimals():
    with pytest.raises(DomainError, match="decimals"):
        check_answer("x", "x", answer=1.0, where="x: R")


# --- what cannot be read ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer", ["", "2*", "q*x", "__import__('os')", "(" * 5000, "x" * 100_000, "2^99999999", {"a": 1}]
)
def test_what_cannot_be_read_is_an_error_of_symgrad(answer):
    with pytest.raises(SymgradError):
        check_answer("x'*x", "x", answer=answer, where="x: R^n", values={"x": [1.0]}, decimals=2)


def test_an_unknown_name_is_placed():
    with pytest.raises(UnknownNameError) as caught:
        check_answer("x'*A*x", "x", answer="(A+A')*w", where="x: R^n; A: R^{n x n}")
    assert caught.value.column == 8


def test_a_given_name_is_not_assigned():
    with pytest.raises(ParseError, match="x is given"):
        check_answer("x'*x", "x", answer="x = 2; 2*x", where="x: R^n")


@pytest.mark.parametrize("domain", ["q positive", "x huge", "x in 2"])
def test_an_unusable_domain_is_an_error(domain):
    with pytest.raises(SymgradError):
        check_answer("x'*x", "x", answer="2*x", where="x: R^n", domain=domain)


def test_what_has_no_value_is_unresolved():
    verdict = check_answer("log(-x^2)", "x", answer="sin(x)", where="x: R")
    assert verdict.correct is None and verdict.rung == "unresolved" and not verdict


def test_a_large_answer_is_proved_or_unresolved_never_built():
    assert check_answer("relu(x)", "x", answer="diag([x > 0])", where="x: R^4096").proof == "symbolic"
    assert check_answer("relu(x)", "x", answer="diag((1+sign(x))/2)", where="x: R^4096").correct is None


def test_an_answer_without_a_value_is_wrong():
    assert check_answer("x'*x", "x", answer="inv(x*x')*x", where="x: R^n").correct is False


def test_a_huge_intermediate_is_not_built():
    nested = "kron(" * 11 + "x" + ",x)" * 11
    verdict = check_answer("x'*x", "s", answer=f"sum(sin({nested}))", where="x: R^n; s: R")
    assert verdict.correct is not True
