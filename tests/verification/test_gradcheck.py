"""Functions made to fool a checker get the right verdict; arguments in dictionaries; the picture of errors."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from fooling import CASES, Z25, Z, lf, lg, off
from fooling_more import MORE

from symgrad.errors import DomainError, LimitError
from symgrad.testing import check, error_curve


@pytest.mark.parametrize("f, g, at, verdicts, options", CASES + MORE)
def test_the_verdict_is_right(f, g, at, verdicts, options):
    for seed in (0, 1):
        report = check(f, g, at=at, seed=seed, **options)
        assert report.verdict in verdicts, report.text()


def test_what_is_wrong_in_a_dictionary_is_located():
    at = {"W": [Z, Z], "b": Z[:2]}
    report = check(
        lambda p: p["W"][0] @ p["W"][1] + p["b"].sum(),
        lambda p: {"b": np.ones(2), "W": [p["W"][1], np.array([1.0, 1, 1, 1, 3]) * p["W"][0]]},
        at=at,
    )
    assert report.verdict == "wrong"
    assert "argument 0['W'][1], entry [4]" in report.text()
    assert json.loads(json.dumps(report.to_json(), allow_nan=False))["entries"][0]["inside"] == "['W'][1]"


def test_claims_that_do_not_fit_the_point_say_where():
    at = {"W": Z, "b": np.ones(2)}
    for claim, message in (
        (lambda p: {"W": Z}, "has the keys ['W'] where the argument has ['W', 'b']"),
        (lambda p: [Z, np.ones(2)], "is a list where the argument has ['W', 'b']"),
        (lambda p: {"W": Z, "b": np.ones(3)}, "has shape (3,) where argument 0['b'] has shape (2,)"),
        (lambda p: {"W": Z, "b": None}, "the gradient is None"),
        (lambda p: {"W": Z, "b": np.ones(2) * 1j}, "complex128, not real numbers"),
    ):
        report = check(lambda p: p["W"] @ p["W"] / 2 + p["b"].sum(), claim, at=at)
        assert report.verdict == "wrong" and message in report.text()


def test_arguments_are_not_nested_without_end():
    at = Z
    for _ in range(50):
        at = {"deeper": at}
    with pytest.raises(LimitError, match="nested deeper"):
        check(lambda p: 1.0, lambda p: p, at=at)


def test_random_functions_say_so():
    rng = np.random.default_rng(0)
    report = check(lambda x: (x * (rng.random(5) > 0.5)).sum(), lambda x: np.full(5, 0.5), at=Z)
    assert not report.ok and "different values at the same point" in report.text()


def test_the_point_itself_has_to_be_in_the_domain():
    with pytest.raises(ValueError, match="math domain error"):
        check(lambda x: math.log(x), lambda x: 1 / x, at=-1.0)
    with pytest.raises(DomainError, match="complex"):
        check(lambda x: x @ x * 1j, lambda x: x, at=Z)


# --- the picture ------------------------------------------------------------------------------


def loss(w):
    return lf(w)


def test_errors_fall_with_truncation_and_rise_with_rounding():
    curve = error_curve(loss, lg, at=Z25)
    best = int(np.argmin(curve.errors))
    assert curve.steps[0] == 1 and curve.steps[-1] < 1e-14 and 1e-7 < curve.steps[best] < 1e-3
    middle = (curve.steps > 1e-4) & (curve.steps < 0.02)
    slopes = np.polyfit(np.log(curve.steps[middle]), np.log(curve.errors[middle]), 1)[0]
    one_sided = np.polyfit(np.log(curve.steps[middle]), np.log(curve.forward[middle]), 1)[0]
    assert abs(slopes - 2) < 0.05 and abs(one_sided - 1) < 0.1
    assert curve.errors[-1] > 1e4 * curve.errors[best]


def test_a_wrong_claim_shows_as_a_floor():
    curve = error_curve(loss, off(lg, 7, 1.01), at=Z25)
    floor = np.median(curve.distances[(curve.steps > 1e-9) & (curve.steps < 1e-4)])
    assert floor > 1e5 * curve.errors.min()
    assert "measured slope" in curve.picture() and "measured slope" not in error_curve(loss, lg, at=Z25).picture()


def test_a_report_draws_itself():
    report = check(loss, lg, at=Z25)
    svg = report._repr_svg_()
    assert svg.startswith("<svg ") and "gradient of loss: ok" in svg and "best step" in svg
    assert svg == report.picture() == check(loss, lg, at=Z25).picture()
    assert check(lambda x: np.nan, lambda x: x, at=Z).picture() is None
    flat = check(lambda x: 3.0, lambda x: 0 * x, at=Z)
    assert flat.picture().startswith("<svg ")
