"""Samplers, schedules and random search: values by hand, distributions, repeatability, refusals."""

import math

import numpy as np
import pytest

from symgrad.errors import DomainError, LimitError
from symgrad.training.samples import batch, mini_batch, shuffled, stochastic
from symgrad.training.schedules import constant, exponential_decay, inverse_decay, per_epoch, step_decay
from symgrad.training.search import log_uniform, random_search, uniform


def test_batches_see_everything():
    assert batch()(9, 4) is None


def test_single_examples_are_drawn_evenly_with_replacement():
    drawn = [int(stochastic(seed=5)(4, t)[0]) for t in range(4000)]
    counts = np.bincount(drawn, minlength=4)
    assert abs(counts - 1000).max() < 4 * math.sqrt(4000 * 0.25 * 0.75)


def test_mini_batches_have_no_example_twice():
    for t in range(200):
        rows = mini_batch(3, seed=2)(5, t)
        assert len(set(rows.tolist())) == 3 and set(rows.tolist()) <= set(range(5))


@pytest.mark.parametrize(("size", "sizes"), [(2, [2, 2, 2, 1]), (7, [7]), (3, [3, 3, 1])])
def test_shuffled_batches_see_each_example_once_an_epoch(size, sizes):
    sampler, each = shuffled(size, seed=1), len(sizes)
    epochs = [[sampler(7, epoch * each + k).tolist() for k in range(each)] for epoch in range(3)]
    for rows in epochs:
        assert [len(part) for part in rows] == sizes
        assert sorted(j for part in rows for j in part) == list(range(7))
    assert epochs[0] != epochs[1]


@pytest.mark.parametrize("make", [lambda s: stochastic(s), lambda s: mini_batch(2, s), lambda s: shuffled(2, s)])
def test_samplers_are_functions_of_seed_and_step(make):
    late_first = make(1)(6, 5).tolist()
    assert [make(1)(6, t).tolist() for t in range(6)][5] == late_first
    assert [make(1)(6, t).tolist() for t in range(30)] != [make(2)(6, t).tolist() for t in range(30)]


def test_batches_that_cannot_be_are_refused():
    with pytest.raises(DomainError, match="0 examples"):
        mini_batch(0)
    with pytest.raises(DomainError, match="5 examples out of 4"):
        mini_batch(5)(4, 0)
    with pytest.raises(DomainError, match="5 examples out of 4"):
        shuffled(5)(4, 0)


def test_schedules_by_hand():
    assert [step_decay(0.8, 3)(t) for t in (0, 2, 3, 5, 6, 9)] == [0.8, 0.8, 0.4, 0.4, 0.2, 0.1]
    assert step_decay(1, 10, 0.1)(25) == pytest.approx(0.01)
    assert [exponential_decay(2, math.log(2))(t) for t in (0, 1, 2, 3)] == pytest.approx([2, 1, 0.5, 0.25])
    assert [inverse_decay(3, 0.5)(t) for t in (0, 2, 4)] == [3, 1.5, 1]
    assert {constant(0.1)(t) for t in (0, 7, 10**9)} == {0.1}
    assert [per_epoch(inverse_decay(3, 0.5), 100)(t) for t in (0, 199, 200, 400)] == [3, 2, 1.5, 1]


@pytest.mark.parametrize(
    "make",
    [
        lambda: constant(0), lambda: constant(math.inf), lambda: step_decay(0.1, 0), lambda: step_decay(0.1, 3, 0),
        lambda: step_decay(0.1, 3, 1.5), lambda: exponential_decay(-1, 0.1), lambda: exponential_decay(1, -0.1),
        lambda: inverse_decay(1, math.nan), lambda: per_epoch(constant(1), 0),
    ],
)  # fmt: skip
def test_schedules_that_cannot_be_are_refused(make):
    with pytest.raises(DomainError):
        make()


def test_a_logarithmic_scale_gives_every_decade_its_share():
    trials = random_search(lambda a: 0.0, {"a": log_uniform(1e-4, 1)}, trials=4000, seed=3)
    decades = np.bincount([math.floor(math.log10(t.values["a"])) + 4 for t in trials], minlength=4)
    assert abs(decades - 1000).max() < 4 * math.sqrt(4000 * 0.25 * 0.75)
    even = random_search(lambda a: 0.0, {"a": uniform(0, 1)}, trials=4000, seed=3)
    assert sum(t.values["a"] > 0.1 for t in even) > 3500


def test_the_best_come_first_and_failures_last():
    def score(a):
        if a > 1:
            raise DomainError("too high")
        return math.nan if a < 1e-2 else abs(math.log(a / 0.3))

    trials = random_search(score, {"a": log_uniform(1e-3, 10)}, trials=100, seed=0)
    finite = [t for t in trials if t.score < math.inf]
    assert [t.score for t in trials] == sorted(t.score for t in trials) and 20 < len(finite) < 80
    assert all(1e-2 <= t.values["a"] <= 1 for t in finite)
    assert {t.number for t in trials} == set(range(100))


def test_a_trial_depends_on_the_seed_and_its_number_alone():
    few, many = (random_search(lambda a, b: a + b, {"a": log_uniform(1, 9), "b": uniform(0, 1)}, trials=n, seed=7)
                 for n in (3, 30))  # fmt: skip
    by_number = {t.number: t.values for t in many}
    assert all(by_number[t.number] == t.values for t in few)


def test_searches_that_cannot_be_are_refused():
    for make in (lambda: log_uniform(0, 1), lambda: log_uniform(2, 1), lambda: uniform(1, 1)):
        with pytest.raises(DomainError):
            make()
    with pytest.raises(DomainError, match="0 trials"):
        random_search(lambda: 0.0, {}, trials=0)
    with pytest.raises(LimitError):
        random_search(lambda: 0.0, {}, trials=10**9)
