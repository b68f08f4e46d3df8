"""Arrays explained without a formula; the arrays are made here."""

from __future__ import annotations

import numpy as np
import pytest

from symgrad.verification.by_values import explained, is_one_row
from symgrad.verification.witnesses import Point

RNG = np.random.default_rng(7)
X = [RNG.normal(size=(n, 1)) for n in (3, 4)]
TRUTH = [RNG.normal(size=(n, 1)) for n in (3, 4)]


def _seen(change):
    return [(Point({}, {"x": x, "s": np.array(0.5)}), change(x, t), t) for x, t in zip(X, TRUTH, strict=True)]


@pytest.mark.parametrize(
    ("change", "id", "line"),
    [
        (lambda x, t: t * x, "extra factor", "the answer is x times the derivative"),
        (lambda x, t: t / x, "factor left out", "the derivative is x times the answer"),
        (lambda x, t: t * 0.5, "extra factor", "the answer is s times the derivative"),
        (lambda x, t: t + x, "extra term", "your answer has the extra term x"),
        (lambda x, t: t - 3 * x, "extra term", "your answer has -3 times the extra term x"),
        (lambda x, t: np.round(np.round(t, 3) * 1.001, 3), "rounded twice", None),
        (lambda x, t: t[::-1], "wrong index formula", "it has the right entries in other places"),
    ],
)
def test_what_is_found(change, id, line):
    ids, lines = explained(_seen(change))
    assert ids == (id,) and lines == ((line,) if line else ())


def test_what_fits_nothing_is_not_explained():
    assert explained(_seen(lambda x, t: np.sin(t + x))) is None
    assert explained(_seen(lambda x, t: t[:-1])) is None
    assert explained([]) is None


def test_one_row():
    whole = RNG.normal(size=(4, 3))
    assert is_one_row(whole[0], whole) and is_one_row(whole[:, :1], whole)
    assert not is_one_row(whole.sum(axis=0), whole) and not is_one_row(whole[0], whole[:1])
