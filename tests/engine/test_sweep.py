"""The sweep at scale: deep chains, no leaks, memory that falls on the way."""

from __future__ import annotations

import gc
import tracemalloc
import weakref
from collections.abc import Iterator

import numpy as np
import pytest

from symgrad import engine

DEEP = 100_000


@pytest.fixture
def no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def test_a_chain_of_1e5_gates() -> None:
    x = engine.variable(0.5)
    y = x
    for _ in range(DEEP):
        y = y * 0.99999
    y.backward()
    assert x.grad == pytest.approx(0.99999**DEEP, rel=1e-9)


def test_a_chain_with_branches_is_linear() -> None:
    """Every value is read twice: paths double at each step, gates do not."""
    x = engine.variable([1.0, -2.0])
    y = x
    for _ in range(DEEP // 10):
        y = (y + y) * 0.5
    (y * y).sum().backward()
    assert x.grad.tolist() == [2, -4]


def test_a_chain_that_is_dropped_without_a_sweep(no_collector: None) -> None:
    y = engine.variable(np.ones(3))
    leaf = weakref.ref(y)
    for _ in range(DEEP):
        y = -y
    del y
    assert leaf() is None


def test_reading_entries_one_by_one_is_linear() -> None:
    n = 20_000
    x = engine.variable(np.arange(n, dtype=float))
    total = x[0] * 1.0
    for i in range(1, n):
        total = total + x[i] * float(i)
    total.backward()
    assert x.grad[1:].tolist() == list(range(1, n)) and x.grad[0] == 1


def test_nothing_is_kept_alive(no_collector: None) -> None:
    x = engine.variable(np.ones((4, 4)))
    h = engine.relu(x @ x)
    loss = engine.softmax(h, axis=-1).sum() + (h[0] * h[1]).sum()
    alive = [weakref.ref(v) for v in (h, loss)]
    array = weakref.ref(h._value)
    loss.backward()
    del h, loss
    assert [r() for r in alive] == [None, None] and array() is None
    leaf = weakref.ref(x)
    del x
    assert leaf() is None


def test_what_no_pullback_reads_is_free_at_once(no_collector: None) -> None:
    x, b = engine.variable(np.ones((50, 50))), np.ones(50)
    z = x @ x
    array = weakref.ref(z._value)
    y = engine.relu(z + b)
    del z
    assert array() is None, "adding needs no operand, relu only its output"
    assert y.shape == (50, 50)


def test_memory_falls_during_the_sweep(no_collector: None) -> None:
    """The arrays of a kept recording stay, those of a used one go while the last cotangent is still held."""
    x = engine.variable(np.ones(1000))
    y = x
    for _ in range(200):
        y = y * y
    recorded = y._record
    y.sum().backward()
    assert recorded[3] == () and recorded[2] == ()


@pytest.mark.parametrize("way", ["run", "replayed"])
def test_memory_is_flat_over_many_steps(way: str, no_collector: None) -> None:
    rng = np.random.default_rng(0)
    params = [rng.normal(size=s) for s in ((8, 4), (8,), (3, 8), (3,))]
    x, labels = rng.normal(size=(16, 4)), rng.integers(0, 3, 16)

    def loss(p, x, labels):  # type: ignore[no-untyped-def]
        return engine.cross_entropy(engine.relu(x @ p[0].T + p[1]) @ p[2].T + p[3], labels)

    step = engine.value_and_grad(loss) if way == "run" else engine.record(loss, params, x, labels)
    for _ in range(50):
        step(params, x, labels)
    tracemalloc.start()
    try:
        for count in range(10_000 if way == "replayed" else 2_000):
            step(params, x, labels)
            if count == 20:
                before = tracemalloc.get_traced_memory()[0]
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert grown < 5_000, f"{grown} bytes"


def test_errors_of_a_pullback_reach_the_caller() -> None:
    def broken(g, y, x):  # type: ignore[no-untyped-def]
        raise RuntimeError("mine")

    x = engine.variable(np.ones(2))
    loss = engine.gate(np.sin, broken)(x).sum()
    with pytest.raises(RuntimeError, match="mine"):
        loss.backward()
