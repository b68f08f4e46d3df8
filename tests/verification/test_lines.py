"""Derivations of several lines: the first line that does not follow, and the mistake in it."""

from __future__ import annotations

import pytest
from verification.derivations import DERIVATIONS, PROBLEMS

from symgrad.errors import LimitError
from symgrad.verification.lines import check_lines

QUADRATIC = ("x'*A*x", "x", "x: R^n; A: R^{n x n}")
LEAST_SQUARES = ("norm2(X*w-y)^2", "w", "X: R^{m x n}; w: R^n; y: R^m")
TRACE = ("tr(X'*A*X)", "X", "X: R^{n x p}; A: R^{n x n}")


def _checked(text, problem):
    expression, wrt, where = problem
    return check_lines(text, expression, wrt, where=where)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("df = dx'*A*x + x'*A*dx\n = x'*(A' + A)*dx\ndf/dx = (A + A')*x", QUADRATIC),
        ("A*x + A'*x\n= (A + A')*x", QUADRATIC),
        (
            "f = (X*w-y)'*(X*w-y)\nr = X*w - y\ndf = dr'*r + r'*dr = 2*r'*dr\n"
            " = 2*(X*w-y)'*d(X*w - y)\n = 2*(X*w-y)'*X*dw\ndf/dw = 2*X'*(X*w-y)",
            LEAST_SQUARES,
        ),
        ("f = tr(X'*A*X)\ndf = tr(dX'*A*X + X'*A*dX) = tr(X'*(A+A')*dX)\n\u2207f = (A+A')*X", TRACE),
        ("f = sum(exp(x))\ndf = exp(x)'*dx\ndf/dx = exp(x)", ("sum(exp(x))", "x", "x: R^n")),
        (r"f = x^\top A x" "\n" r"df = dx^\top A x + x^\top A dx" "\n" r"\nabla f = (A + A^\top) x", QUADRATIC),
        ("1) f(x) = x'*A*x\n2) df = (dx)'*A*x + x'*A*(dx)\n3) => df = x'*(A+A')*dx", QUADRATIC),
        (
            "h = W*x\na = tanh(h)\nda = (1 - a.^2).*dh\ndL = c'*da\n = c'*((1-a.^2).*(dW*x))\ndL/dW = (c.*(1-a.^2))*x'",
            ("c'*tanh(W*x)", "W", "c: R^k; W: R^{k x n}; x: R^n"),
        ),
        ("dy = A*dx\ndy/dx = A", ("A*x", "x", "A: R^{m x n}; x: R^n")),
    ],
)
def test_right_derivations(text, problem):
    report = _checked(text, problem)
    assert report.correct is True, report.text()


@pytest.mark.parametrize(
    ("text", "problem", "number", "mistake"),
    [
        ("df = dx'*A*x + x'*A*dx\n = 2*x'*A*dx\n = 2*(A'*x)'*dx", QUADRATIC, 2, "assumed symmetric"),
        ("df = x'*A*dx\ndf/dx = A'*x", QUADRATIC, 1, "forgot second occurrence"),
        ("df = 2*(X*w-y)'*X*dw\ndf/dw = X'*(X*w-y)", LEAST_SQUARES, 2, "missing factor 2"),
        ("df = 2*(X*w-y)'*X*dw\ndf/dw = 2*X*(X*w-y)", LEAST_SQUARES, 2, "missing transpose"),
        ("df = (X*w-y)'*X*dw", LEAST_SQUARES, 1, "missing factor 2"),
        ("f = tr(X*X'*A)\ndf = tr(dX'*A*X + X'*A*dX)\n = tr(X'*(A'-A)*dX)", TRACE, 3, "sign"),
    ],
)
def test_the_first_wrong_line_is_marked(text, problem, number, mistake):
    report = _checked(text, problem)
    assert report.correct is False
    assert report.first_wrong.number == number and report.misconception == mistake


def test_the_differential_of_a_part_is_judged():
    problem = ("c'*tanh(W*x)", "W", "c: R^k; W: R^{k x n}; x: R^n")
    report = _checked("h = W*x\na = tanh(h)\nda = a.*dh\ndL = c'*da", problem)
    assert [line.correct for line in report.lines] == [True, True, False, True]
    assert "differential of a" in report.first_wrong.message


def test_what_follows_from_a_wrong_line_is_not_blamed_again():
    report = _checked("df = dx'*A*x + x'*A*dx\n = 2*x'*A*dx\n = 2*(A'*x)'*dx", QUADRATIC)
    assert [line.follows_wrong for line in report.lines] == [False, False, True]
    assert "line 3: follows from the part before it" in report.text()


def test_a_rewriting_of_the_function_is_judged():
    report = _checked("f = tr(X*X'*A')\ndf/dX = (A+A')*X", TRACE)
    assert report.correct is True  # tr(X'AX) = tr(XX'A) = tr(A'XX')
    assert _checked("f = tr(X'*A*X)^2", TRACE).first_wrong.kind == "value"


def test_a_differential_is_linear():
    report = _checked("df = dx'*A*dx", QUADRATIC)
    assert report.correct is False and "linear" in report.first_wrong.message


def test_what_cannot_be_read_is_reported_and_not_raised():
    report = _checked("df = dx'*A*x + + \nsee the book (page 3)\ndf/dx = (A+A')*x", QUADRATIC)
    assert [line.kind for line in report.lines] == ["unread", "unread", "derivative"]
    assert report.correct is None and report.first_wrong is None


def test_hostile_lines_are_bounded():
    with pytest.raises(LimitError):
        _checked("x\n" * 10_000, QUADRATIC)
    assert _checked("df = d(" * 200, QUADRATIC).correct is None


@pytest.mark.parametrize(("problem", "text", "fault"), DERIVATIONS)
def test_derivations_of_students(problem, text, fault):
    """The faulty line is found, and no right line is accused; only prose is left unjudged."""
    expression, wrt, where, of = PROBLEMS[problem]
    report = check_lines(text, expression, wrt, where=where, of=of)
    wrong = report.first_wrong
    assert (wrong.number if wrong is not None else None) == fault, report.text()
    unjudged = [line.text for line in report.lines if line.correct is None]
    assert all("=" not in part and len(part.split()) > 3 for part in unjudged), report.text()
