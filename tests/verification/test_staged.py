"""Backward passes in code: the wrong line is found, and what should stand on its left."""

from __future__ import annotations

import pytest

from symgrad.errors import LimitError, ParseError
from symgrad.verification.staged import check_staged

NEURON = "s0 = w0*x0; s1 = w1*x1; s2 = s0 + s1; s3 = s2 + w2; L = sigmoid(s3)"
SCALARS = "w0, w1, w2, x0, x1: R"
PRINTED = """grad_L = 1.0
grad_s3 = grad_L * (1 - L) * L
grad_w2 = grad_s3
grad_s2 = grad_s3
grad_w0 = grad_s2
grad_s1 = grad_s2
grad_w1 = grad_s1 * x1
grad_x1 = grad_s1 * w1
grad_w0 = grad_s0 * x0
grad_x0 = grad_s0 * w0"""


def test_the_printed_pass_of_the_lecture():
    """Its line `grad_w0 = grad_s2` should be `grad_s0 = grad_s2`; everything else is right."""
    report = check_staged(NEURON, PRINTED, where=SCALARS)
    assert [line.number for line in report.lines if not line.correct] == [5]
    assert report.first_wrong.target == "grad_w0" and report.first_wrong.instead == "grad_s0"
    assert report.misconception == "wrong chain factor" and report.missing == ()


def test_the_corrected_pass_is_right():
    right = PRINTED.replace("grad_w0 = grad_s2", "grad_s0 = grad_s2")
    assert check_staged(NEURON, right, where=SCALARS).correct is True


@pytest.mark.parametrize(
    ("old", "new", "number", "mistake"),
    [
        ("(1 - L) * L", "L", 2, "missing chain factor"),
        ("grad_s2 = grad_s3", "grad_s2 = -grad_s3", 4, "sign"),
        ("grad_w1 = grad_s1 * x1", "grad_w1 = grad_s1 * w1", 7, None),
    ],
)
def test_one_wrong_line_is_the_only_one(old, new, number, mistake):
    text = PRINTED.replace("grad_w0 = grad_s2", "grad_s0 = grad_s2").replace(old, new)
    report = check_staged(NEURON, text, where=SCALARS)
    assert [line.number for line in report.lines if not line.correct] == [number]
    assert mistake is None or report.misconception == mistake


LAYERS = "h = relu(W*x); a = V*h; z = dot(a,a) + dot(h,h)"
SHAPES = "W: R^{k x n}; V: R^{p x k}; x: R^n"
BACKWARD = "dz = 1\nda = 2*a*dz\ndh = V'*da\ndh += 2*h*dz\ndt = dh.*[h > 0]\ndW = dt*x'\ndV = da*h'\ndx = W'*dt"


def test_sums_and_helpers():
    assert check_staged(LAYERS, BACKWARD, where=SHAPES).correct is True


def test_a_branch_that_is_not_added():
    report = check_staged(LAYERS, BACKWARD.replace("dh += 2*h*dz\n", ""), where=SHAPES)
    assert report.first_wrong.target == "dh" and report.misconception == "dropped term"


def test_a_mask_left_out():
    report = check_staged(LAYERS, BACKWARD.replace("dW = dt*x'", "dW = dh*x'"), where=SHAPES)
    assert report.first_wrong.target == "dW" and report.misconception == "missing mask"


def test_what_is_used_and_never_computed_is_said():
    report = check_staged(LAYERS, BACKWARD.replace("da = 2*a*dz\n", ""), where=SHAPES)
    assert report.missing == ("da",) and report.correct is False and "da is used" in report.text()


def test_a_line_that_cannot_be_read_is_reported():
    report = check_staged(LAYERS, "dz = 1\nda = 2*a*dq", where=SHAPES)
    assert [line.correct for line in report.lines] == [True, None]


def test_a_pass_starts_from_a_scalar():
    with pytest.raises(ParseError):
        check_staged("h = W*x", "dh = 1", where="W: R^{k x n}; x: R^n")
    with pytest.raises(LimitError):
        check_staged(NEURON, "x\n" * 10_000, where=SCALARS)
