"""Update rules against their formulas in the papers, typed anew here, and against steps computed by hand."""

import numpy as np
import pytest

from symgrad.errors import DomainError, UnknownNameError
from symgrad.training.rules import RULES, Rule, rule

EPSILON = 1e-7


def sgd(x, g, state, a, t):
    return x - a * g, ()


def momentum(x, g, state, a, t, mu=0.9):
    """Polyak 1964: the velocity, then the position."""
    (v,) = state
    new = mu * v - a * g
    return x + new, (new,)


def nesterov(x, g, state, a, t, mu=0.9):
    """Bengio et al. 2012, equation 7, with the velocity as state: phi' = phi + mu v' - a g."""
    (v,) = state
    new = mu * v - a * g
    return x + mu * new - a * g, (new,)


def adagrad(x, g, state, a, t):
    """Duchi et al. 2011, diagonal form."""
    total = state[0] + np.square(g)
    return x - a * g / (np.sqrt(total) + EPSILON), (total,)


def rmsprop(x, g, state, a, t, rho=0.99):
    mean = rho * state[0] + (1 - rho) * np.square(g)
    return x - a * g / (np.sqrt(mean) + EPSILON), (mean,)


def adam(x, g, state, a, t, b1=0.9, b2=0.999, correct=True):
    """Kingma & Ba 2014, algorithm 1."""
    m = b1 * state[0] + (1 - b1) * g
    v = b2 * state[1] + (1 - b2) * np.square(g)
    mhat, vhat = (m / (1 - b1**t), v / (1 - b2**t)) if correct else (m, v)
    return x - a * mhat / (np.sqrt(vhat) + EPSILON), (m, v)


def adam_uncorrected(x, g, state, a, t):
    return adam(x, g, state, a, t, correct=False)


PAPERS = {
    "sgd": sgd, "momentum": momentum, "nesterov-ahead": momentum, "nesterov": nesterov, "adagrad": adagrad,
    "rmsprop": rmsprop, "adam-uncorrected": adam_uncorrected, "adam": adam,
}  # fmt: skip


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("count", [1, 2, 5])
def test_rules_follow_their_papers(name, count):
    rng = np.random.default_rng(count)
    known, paper = RULES[name], PAPERS[name]
    x = y = rng.normal(size=count)
    state, other = known.start(count), tuple(np.zeros(count) for _ in known.state)
    for t in range(1, 13):
        g = rng.normal(size=count)
        x, state = known.step(x, g, state, 0.05, t)
        y, other = paper(y, g, other, 0.05, t)
        np.testing.assert_allclose(x, y, rtol=1e-12, atol=1e-13)
        for mine, theirs in zip(state, other, strict=True):
            np.testing.assert_allclose(mine, theirs, rtol=1e-12, atol=1e-15)


BY_HAND = {  # one step from x = 1 with gradient 2 and rate 0.1, and a second one with gradient 1
    "sgd": (0.8, 0.7),
    "momentum": (0.8, 0.8 + 0.9 * -0.2 - 0.1),
    "nesterov-ahead": (0.8, 0.8 + 0.9 * -0.2 - 0.1),
    "nesterov": (1 + 1.9 * -0.2, 1 + 1.9 * -0.2 + 0.9 * 0.2 + 1.9 * (0.9 * -0.2 - 0.1)),
    "adagrad": (0.9, 0.9 - 0.1 / 5**0.5),
    "rmsprop": (1 - 0.2 / 0.04**0.5, 1 - 0.2 / 0.04**0.5 - 0.1 / (0.99 * 0.04 + 0.01) ** 0.5),
    "adam-uncorrected": (1 - 0.02 / 0.004**0.5, 1 - 0.02 / 0.004**0.5 - 0.1 * 0.28 / (0.999 * 0.004 + 0.001) ** 0.5),
    "adam": (0.9, 0.9 - 0.1 * (0.28 / 0.19) / ((0.999 * 0.004 + 0.001) / (1 - 0.998001)) ** 0.5),
}


@pytest.mark.parametrize("name", RULES)
def test_two_steps_by_hand(name):
    known, state, x, seen = RULES[name], RULES[name].start(1), np.array([1.0]), []
    for t, g in ((1, 2.0), (2, 1.0)):
        x, state = known.step(x, np.array([g]), state, 0.1, t)
        seen.append(float(x[0]))
    assert seen == pytest.approx(BY_HAND[name], abs=2e-6)  # 1e-7 in the denominators


def test_only_the_first_form_of_nesterov_looks_ahead():
    x, v = np.array([1.0, -2.0]), np.array([0.5, 1.0])
    for name, known in RULES.items():
        point = known.point(x, tuple(v for _ in known.state), 0.1, 1)
        wanted = x + 0.9 * v if name == "nesterov-ahead" else x
        np.testing.assert_allclose(point, wanted)


@pytest.mark.parametrize("name", RULES)
def test_nothing_given_is_changed(name):
    known = RULES[name]
    x, g = np.ones(3), np.full(3, 2.0)
    state = tuple(np.full(3, 0.5) for _ in known.state)
    known.step(x, g, state, 0.1, 1)
    assert (x == 1).all() and (g == 2).all() and all((s == 0.5).all() for s in state)


def test_settings_are_taken_and_the_usual_ones_kept():
    assert rule("momentum", mu=0.5).settings == {"mu": 0.5}
    assert RULES["momentum"].settings == {"mu": 0.9}
    x, _ = rule("momentum", mu=0.0).step(np.array([1.0]), np.array([2.0]), (np.array([7.0]),), 0.1, 1)
    assert x == pytest.approx(0.8)


def test_unknown_rules_and_settings_are_refused():
    with pytest.raises(UnknownNameError, match="there is no rule 'adma'") as error:
        rule("adma")
    assert "adam" in str(error.value.hint)
    with pytest.raises(UnknownNameError, match="sgd has no mu"):
        rule("sgd", mu=0.9)
    with pytest.raises(DomainError, match="finite"):
        rule("momentum", mu=float("nan"))


def test_an_own_rule_is_a_few_lines():
    signs = Rule("sign", "x += -learning_rate * np.sign(dx)", ())
    x, _ = signs.step(np.array([1.0, 2.0]), np.array([3.0, -4.0]), (), 0.5, 1)
    np.testing.assert_allclose(x, [0.5, 2.5])


def test_a_rule_that_forgets_its_state_is_refused():
    with pytest.raises(DomainError, match="never assigns v"):
        Rule("half", "x += -learning_rate * dx", ("v",)).step(np.ones(1), np.ones(1), (np.ones(1),), 0.1, 1)


def test_the_compiled_step_reads_as_numpy():
    text = RULES["momentum"].source_code()
    assert "def update(" in text and "mu * v" in text and "return x_1, v_1" in text
