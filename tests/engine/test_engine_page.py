"""docs/engine.md runs as it is printed: the networks train, the gates are right, the refusals are as said."""

from __future__ import annotations

import doctest
from pathlib import Path

import numpy as np

from symgrad import engine

PAGE = Path(__file__).parents[2] / "docs" / "engine.md"


def test_the_page_runs() -> None:
    found = doctest.testfile(str(PAGE), module_relative=False, optionflags=doctest.ELLIPSIS)
    assert found.attempted > 25 and not found.failed


def test_a_network_trains_the_same_way_run_and_replayed() -> None:
    rng = np.random.default_rng(1)
    X = rng.normal(size=(120, 2))
    labels = (X[:, 0] * X[:, 1] > 0).astype(int)
    start = [rng.normal(size=s) for s in ((2, 20), (20,), (20, 2))]

    def loss(p, X, labels):  # type: ignore[no-untyped-def]
        return engine.cross_entropy(np.tanh(X @ p[0] + p[1]) @ p[2], labels)

    ends = []
    for step in (engine.value_and_grad(loss), engine.record(loss, start, X, labels)):
        p = [w.copy() for w in start]
        first = step(p, X, labels)[0]
        for _ in range(400):
            for w, g in zip(p, step(p, X, labels)[1], strict=True):
                w -= 0.5 * g
        guesses = np.argmax(np.tanh(X @ p[0] + p[1]) @ p[2], axis=1)
        assert step(p, X, labels)[0] < 0.3 * first and (guesses == labels).mean() > 0.95
        ends.append(p)
    for a, b in zip(*ends, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-8)
