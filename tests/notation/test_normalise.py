"""Answers as they are typed: spellings, digits, marks that cannot be seen, prefixes."""

from __future__ import annotations

import pytest

from symgrad.errors import LimitError
from symgrad.notation.normalise import normalised
from symgrad.verification.answers import check_answer

WHERE = "x: R^n; A: R^{n x n}"

RIGHT = [
    "(A+A')*x",
    "(A + A\u2019)*x",
    "(A + A\u2032)*x",
    "(A + A`)*x",
    "(A + A\u1d40)x",
    "(A + A^T) x",
    "A x + A' x",
    "(A + A.T) @ x",
    "\u06f1*(A+A')*x",
    "\u0661*(A+A')*x",
    "A*x\u200c + A'*x\u200f",
    "\u202bA*x + A'*x\u202c",
    "`A*x + A'*x`",
    "A*x + A'*x.",
    "A*x + A'*x\u061b",
    "d/dx = A*x + A'*x",
    "df/dx = A*x + A'*x;",
    "\u2202f/\u2202x = A*x + A'*x",
    "\u2207f(x) = A*x + A'*x",
    "gradient: A*x + A'*x",
    "\u067e\u0627\u0633\u062e: A*x + A'*x",
    r"(A + A^\top)x",
    r"$ A x + A^{T} x $",
    r"\frac{\partial f}{\partial x} = (A + A^{\top}) x",
    r"\nabla f = A x + A^\top x",
    "A*x \u2212 (\u2212A'*x)",
    "A*x \u2013 (\u2013A'*x)",
    "0.5**1*(2*A*x + 2*A'*x)",
]


@pytest.mark.parametrize("answer", RIGHT)
def test_spellings_of_the_right_answer(answer):
    assert check_answer("x'*A*x", "x", answer=answer, where=WHERE).correct is True


def test_decimal_marks_of_persian_numbers():
    """\u0660\u066b\u06f5 is 0.5 with the Arabic decimal separator."""
    assert normalised("\u06f0\u066b\u06f5*x").text == "0.5*x"


def test_plain_text_is_returned_as_it_is():
    plain = normalised("2*A'*(A*x - b) + s*[x > 0]")
    assert plain.text == "2*A'*(A*x - b) + s*[x > 0]" and plain.notes == ()


def test_what_was_done_is_noted_in_the_verdict():
    verdict = check_answer("x'*A*x", "x", answer="d/dx = \u06f2*A\u2019*x", where=WHERE)
    assert len(verdict.notes) == 3 and "d/dx" in verdict.notes[-1] and verdict.notes[0] in str(verdict)


def test_lines_of_a_program_keep_their_names():
    assert normalised("gradient_part = A*x; gradient_part + A'*x").prefix == ""
    assert normalised("r = A*x; [r >= 0]").text == "r = A*x; [r >= 0]"


def test_a_dimension_named_T_is_no_transpose_of_a_product():
    assert normalised("X^T*y").text == "X'*y" and normalised("X^T2").text == "X^T2"


def test_too_long_a_text_is_refused():
    with pytest.raises(LimitError):
        normalised("x" * 10**6)
