"""Every step that is printed is checked against the numeric engine, and a wrong one is caught."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from derivations import TABLE

from symgrad.bank.exercise import DerivativeQuestion, load_all
from symgrad.bank.worked import asked_derivative
from symgrad.derivation import Derivative, derivative
from symgrad.errors import UnknownNameError
from symgrad.steps import METHODS, MethodError, Step, Worked, check_step, steps

EXERCISES = Path(__file__).parents[2] / "exercises"
QUESTIONS = [
    pytest.param(question, id=f"{exercise.id}/{question.id}")
    for exercise in load_all([EXERCISES / "homework", EXERCISES / "backpropagation"])
    for question in exercise.questions
    if isinstance(question, DerivativeQuestion)
]


def assert_checked(found: tuple[Step, ...]) -> None:
    rng = np.random.default_rng(0)
    assert found
    for step in found:
        result = check_step(step, rng)
        assert result.agrees, f"{step.rule}: {step.text()} is off by {result.error} at {dict(result.sizes)}"


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("expression", "wrt", "where", "refusing"), TABLE)
def test_every_step_of_the_table_holds(
    expression: str, wrt: str, where: str, refusing: frozenset[str], method: str
) -> None:
    result = derivative(expression, wrt, where=where)
    if method in refusing:
        with pytest.raises(MethodError) as refused:
            steps(result, method)
        assert refused.value.method == method
        return
    assert_checked(steps(result, method))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("question", QUESTIONS)
def test_every_step_of_the_exercises_holds(question: DerivativeQuestion, method: str) -> None:
    assert_checked(steps(asked_derivative(question), method))


@pytest.mark.parametrize("layout", ["numerator", "denominator", "gradient", "mixed"])
@pytest.mark.parametrize("method", METHODS)
def test_every_layout_ends_in_itself(layout: str, method: str) -> None:
    result = derivative("x'*A*x", "x", where="x: R^n; A: R^{n x n}", layout=layout)
    found = steps(result, method)
    assert_checked(found)
    assert found[-1].right.text() == str(result)


# --- wrong steps ---------------------------------------------------------------------------------


def shown(result: Derivative, method: str) -> list[str]:
    return [step.text() for step in steps(result, method)]


@pytest.mark.parametrize("method", METHODS)
def test_a_wrong_right_side_is_caught(method: str) -> None:
    """The right side of one derivation under the left side of another."""
    good = steps(derivative("x'*A*x", "x", where="x: R^n; A: R^{n x n}"), method)
    other = steps(derivative("2*x'*A*x", "x", where="x: R^n; A: R^{n x n}"), method)
    planted = replace(good[-1], right=other[-1].right)
    assert not check_step(planted, np.random.default_rng(0)).agrees


def test_a_transposed_step_is_caught_although_square() -> None:
    where = "x: R^n; A: R^{n x n}"
    good = steps(derivative("A*x", "x", where=where), "index")
    turned = steps(derivative("A'*x", "x", where=where), "index")
    for rule in ("components", "product rule", "collapse", "read off", "layout"):
        step = next(s for s in good if s.rule == rule)
        wrong = next(s for s in turned if s.rule == rule)
        assert not check_step(replace(step, right=wrong.right), np.random.default_rng(0)).agrees, rule


def test_a_forgotten_mask_is_caught() -> None:
    where = "W: R^{m x n}; x: R^n; g: R^m"
    good = steps(derivative("L = g'*relu(W*x)", "W", where=where), "chain")
    wrong = steps(derivative("L = g'*(W*x)", "W", where=where), "chain")
    planted = replace(good[-1], right=wrong[-1].right)
    assert not check_step(planted, np.random.default_rng(0)).agrees


# --- what is written -----------------------------------------------------------------------------


def test_the_quadratic_form_by_indices() -> None:
    """As the homework's solution writes it."""
    assert shown(derivative("f = x'*A*x", "x", where="x: R^n; A: R^{n x n}", layout="numerator"), "index") == [
        "f = sum_{i=1..n} sum_{j=1..n} x[i]*A[i, j]*x[j]",
        "df/dx[k] = sum_{i=1..n} sum_{j=1..n} delta[i, k]*A[i, j]*x[j]"
        " + sum_{i=1..n} sum_{j=1..n} x[i]*A[i, j]*delta[j, k]",
        "df/dx[k] = sum_{j=1..n} A[k, j]*x[j] + sum_{i=1..n} x[i]*A[i, k]",
        "df/dx[k] = ((A + A')*x)[k]",
        "df/dx = x'*(A + A')",
    ]


def test_the_quadratic_form_by_indices_as_latex() -> None:
    found = steps(derivative("f = x'*A*x", "x", where="x: R^n; A: R^{n x n}"), "index")
    assert found[0].latex() == r"f = \sum_{i=1}^{n} \sum_{j=1}^{n} x_{i} A_{i j} x_{j}"
    assert found[2].latex() == (
        r"\frac{\partial f}{\partial x_{k}} = \sum_{j=1}^{n} A_{k j} x_{j} + \sum_{i=1}^{n} x_{i} A_{i k}"
    )


def test_softmax_with_cross_entropy_by_indices() -> None:
    where = "z: R^k; y: R^k onehot"
    found = shown(derivative("p = softmax(z); L = -y'*log(p)", "z", where=where), "index")
    assert "dp[i]/dz[j] = p[i]*delta[i, j] - p[i]*p[j]" in found
    assert "dL/dz[i] = p[i]*sum_{j=1..k} y[j] - y[i]" in found
    assert "dL/dz[i] = p[i] - y[i]" in found


def test_the_trace_by_differentials() -> None:
    where = "X: R^{n x m}; A: R^{n x n}"
    assert shown(derivative("f = tr(X'*A*X)", "X", where=where), "differential") == [
        "df = tr(dX'*A*X) + tr(X'*A*dX)",
        "df = tr(X'*(A + A')*dX)",
        "df/dX = (A + A')*X",
    ]


def test_the_inverse_by_differentials() -> None:
    found = shown(derivative("F = inv(X)", "X", where="X: R^{n x n}"), "differential")
    assert found[:2] == ["dF = -F*dX*F", "vec(dF) = -kron(F', F)*vec(dX)"]


def test_branches_add() -> None:
    where = "W: R^{n x n}; V: R^{n x n}; x: R^n; g: R^n"
    found = steps(derivative("h = W*x; a = relu(V*h); L = g'*(a + h)", "h", where=where), "chain")
    step = next(s for s in found if s.rule == "branches")
    assert step.text() == "dL/dh = V'*(grad_a .* [a > 0]) + g"
    assert step.details["readers"] == "a, L"


def test_the_graph_is_walked_backward() -> None:
    found = steps(derivative("z1 = A*x; z2 = tanh(z1); L = sum(z2)", "x", where="A: R^{m x n}; x: R^n"), "chain")
    order = [s.details["wrt"] for s in found if s.rule in ("output", "pull back", "branches")]
    assert order == ["z2", "z1", "x"]


def test_what_a_line_also_reads_is_held_fixed() -> None:
    found = shown(derivative("u = x'*x; f = u*(a'*x)", "x", where="x: R^n; a: R^n"), "index")
    assert any("at fixed u" in line for line in found)


def test_letters_avoid_names_and_dimensions() -> None:
    found = steps(derivative("f = i'*k*j", "j", where="i: R^l; k: R^{l x r}; j: R^r"), "index")
    assert_checked(found)
    assert found[0].text() == "f = sum_{s=1..l} sum_{t=1..r} i[s]*k[s, t]*j[t]"


# --- refusals ------------------------------------------------------------------------------------


def test_unknown_methods_are_named() -> None:
    with pytest.raises(UnknownNameError, match="indices"):
        steps(derivative("a'*x", "x"), "indices")


def test_higher_orders_are_refused_by_name() -> None:
    result = derivative("x'*A*x", ["x", "x"])
    for method in METHODS:
        with pytest.raises(MethodError, match=f"the {method} method"):
            steps(result, method)


def test_deep_compositions_stay_short() -> None:
    """Forty layers are forty lines, each as short as one."""
    expression = "x"
    for _ in range(40):
        expression = f"tanh(W*{expression})"
    found = steps(derivative(f"sum({expression})", "x", where="W: R^{n x n}; x: R^n"), "chain")
    assert len(found) < 3 * 80 + 3
    assert max(len(step.text()) for step in found[:-1]) < 300


def test_importing_the_steps_needs_no_numbers() -> None:
    import subprocess
    import sys

    code = "import symgrad.steps, sys; sys.exit(int('numpy' in sys.modules or 'sympy' in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# --- the check that users call -------------------------------------------------------------------


def test_every_line_is_checked_by_one_call() -> None:
    worked = derivative("A*X*B", "X", where="A: R^{p x m}; X: R^{m x n}; B: R^{n x k}").steps("chain")
    report = worked.check(seed=3)
    assert report.ok and bool(report) and len(report.lines) == len(worked)
    assert report.text().splitlines()[0] == f"all {len(worked)} lines agree: both sides of each, computed at " + (
        "random arrays (seed 3)"
    )
    assert worked.text().splitlines() == [f"{step.text()}    ({step.rule})" for step in worked]
    assert worked[0].check().agrees and str(worked[0].check()).startswith("agrees: ")


def test_a_wrong_line_is_named_by_the_check() -> None:
    worked = derivative("x'*A*x", "x", where="x: R^n; A: R^{n x n}").steps("index")
    other = derivative("x'*A'*A*x", "x", where="x: R^n; A: R^{n x n}").steps("index")
    planted = Worked((*worked[:-1], replace(worked[-1], right=other[-1].right)))
    report = planted.check()
    assert not report.ok
    assert [line.agrees for line in report.lines] == [*[True] * (len(worked) - 1), False]
    assert report.heading == f"1 of {len(worked)} lines disagrees (seed 0)"
    assert "DIFFERS" in report.text().splitlines()[-1]


@pytest.mark.parametrize("vec", ["column", "row"])
@pytest.mark.parametrize(
    ("expression", "wrt", "where", "by_hand"),
    [
        ("A*X*B", "X", "A: R^{p x m}; X: R^{m x n}; B: R^{n x k}", ("kron(B', A)", "kron(A, B')")),
        ("tanh(W*x)", "W", "W: R^{m x n}; x: R^n", ("kron(x', diag(1 - f.^2))", "kron(diag(1 - f.^2), x')")),
        ("X*Y", "Y", "X: R^{m x n}; Y: R^{n x n}", ("kron(eye(n), X)", "kron(X, eye(n))")),
    ],
)
def test_the_chain_rule_between_matrices(
    expression: str, wrt: str, where: str, by_hand: tuple[str, str], vec: str
) -> None:
    worked = derivative(expression, wrt, where=where, vec=vec).steps("chain")
    wanted = by_hand[vec == "row"]
    assert any(step.right.text() == wanted for step in worked), [step.text() for step in worked]
    assert_checked(worked)


def test_a_method_that_does_not_reach_says_which_one_does() -> None:
    with pytest.raises(MethodError) as refused:
        derivative("convvalid(x, h)'*y", "h", where="x: R^n; h: R^k; y: R^{n-k+1}").steps("index")
    assert refused.value.hint == "the differential method, which reaches it"


def test_a_worked_derivation_is_drawn_in_a_notebook() -> None:
    worked = derivative("a'*x", "x", where="a, x: R^n").steps("index")
    assert worked._repr_latex_().startswith(r"$\displaystyle \begin{aligned}")
    assert worked._repr_latex_().count("&=") == len(worked)
    assert repr(worked) == worked.text()
