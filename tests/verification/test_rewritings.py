"""Right answers rewritten at random stay right; wrong ones have a witness that plain NumPy confirms."""

from __future__ import annotations

import random

import numpy as np
import pytest

from symgrad.verification.answers import check_answer

# a problem, its derivative, and the same derivative as a NumPy function
PROBLEMS = [
    ("x'*A*x", "x", "x: R^n; A: R^{n x n}", ["A*x", "A'*x"], lambda x, A: (A + A.T) @ x),
    (
        "norm2(X*w-y)^2 + s*w'*w", "w", "X: R^{m x n}; w: R^n; y: R^m; s: R", ["2*X'*X*w", "-2*X'*y", "2*s*w"],
        lambda X, w, y, s: 2 * X.T @ (X @ w - y) + 2 * s * w,
    ),
    (
        "u'*tanh(W*x) + x'*x", "x", "u: R^m; W: R^{m x n}; x: R^n", ["W'*u", "-W'*(tanh(W*x).^2.*u)", "2*x"],
        lambda u, W, x: W.T @ ((1 - np.tanh(W @ x) ** 2) * u) + 2 * x,
    ),
    (
        "tr(X'*A*X) + tr(B*X)", "X", "X: R^{n x p}; A: R^{n x n}; B: R^{p x n}", ["A*X", "A'*X", "B'"],
        lambda X, A, B: (A + A.T) @ X + B.T,
    ),
]  # fmt: skip


def _right(terms, rng):
    """The sum of the terms, shuffled, grouped and disguised."""
    terms = [_disguised(t, rng) for t in rng.sample(terms, len(terms))]
    total = terms[0]
    for t in terms[1:]:
        total = rng.choice([f"{total} + {t}", f"({total}) + ({t})", f"{t} - (-({total}))", f"(({total})' + ({t})')'"])
    return total


def _disguised(term, rng):
    forms = ["{0}", "(({0})')'", "(2*({0}) - ({0}))", "({0})/2 + ({0})/2", "-(-({0}))", "(0.25*({0})*4)"]
    return "(" + rng.choice(forms).format(term) + ")"


@pytest.mark.parametrize("seed", range(40))
def test_rewritings_of_a_right_answer_are_right(seed):
    rng = random.Random(seed)
    expression, wrt, where, terms, _ = rng.choice(PROBLEMS)
    verdict = check_answer(expression, wrt, answer=_right(terms, rng), where=where)
    assert verdict.correct and verdict.proof == "symbolic"


@pytest.mark.parametrize("seed", range(40))
def test_perturbations_are_refused_with_a_true_witness(seed):
    rng = random.Random(1000 + seed)
    expression, wrt, where, terms, gradient = rng.choice(PROBLEMS)
    k = rng.randrange(len(terms))
    changed = rng.choice(["", "2*({0})", "-({0})", "1.001*({0})", "({0})/3"])
    kept = [*terms[:k], *([changed.format(terms[k])] if changed else []), *terms[k + 1 :]]
    verdict = check_answer(expression, wrt, answer=_right(kept, rng), where=where)
    assert verdict.correct is False
    witness = verdict.witness
    expected = np.asarray(gradient(**{n: np.asarray(a) for n, a in witness.values.items()}))
    entry = tuple(i - 1 for i in witness.entry)
    true = expected.reshape(expected.shape[0], -1)[entry] if entry else float(expected.item())
    assert witness.expected == pytest.approx(true, rel=1e-9) and witness.answer != pytest.approx(true, rel=1e-9)
