"""The two forms of Nesterov's momentum: proved one method, and seen to be one in numbers; what is not so is refuted."""

import numpy as np
import pytest

from symgrad.training.descent import descend
from symgrad.training.equivalence import WHERE, nesterov_claims
from symgrad.training.objective import objective
from symgrad.training.rules import rule
from symgrad.verification.equal import equal


def test_every_claim_of_the_induction_is_proved():
    claims = {claim.name: claim for claim in nesterov_claims()}
    assert set(claims) == {"start", "the same gradient", "the same velocity", "step"}
    assert all(claim.proved and claim.found.rung == "normal form" for claim in claims.values())


def test_the_step_speaks_of_the_rules_own_lines():
    step = next(claim for claim in nesterov_claims() if claim.name == "step")
    assert "v_1 = mu .* v - learning_rate .* dx" in step.left and "v_prev_1" in step.right
    assert step.left.endswith("x_1 + mu * v_1")


@pytest.mark.parametrize(("old", "new"), [("1 + mu", "1 - mu"), ("-mu", "mu"), ("v_prev_1", "v_1")])
def test_another_second_form_is_refuted(old, new):
    step = next(claim for claim in nesterov_claims() if claim.name == "step")
    head, _, last = step.right.rpartition("x_1 = ")
    assert old in last
    assert equal(step.left, f"{head}x_1 = {last.replace(old, new, 1)}", WHERE).refuted


def test_phi_is_theta_moved_on_after_every_step():
    rng = np.random.default_rng(4)
    factor = rng.normal(size=(3, 3))
    bowl = objective("sum(log(1 + exp(A*x))) + dot(x, x)/2", "x", {"A": factor}, where="x: R^3; A: R^{3 x 3}")
    start = {"x": rng.normal(size=3)}
    first = descend(bowl, start, rule=rule("nesterov-ahead", mu=0.8), rate=0.1, steps=30)
    second = descend(bowl, start, rule=rule("nesterov", mu=0.8), rate=0.1, steps=30)
    velocity = np.diff(first.points, axis=0)
    np.testing.assert_allclose(second.points[1:], first.points[1:] + 0.8 * velocity, atol=1e-12)
