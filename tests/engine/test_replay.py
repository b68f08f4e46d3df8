"""Recorded steps: the same numbers as the run, new ones for new arguments, and refusals where a replay would lie."""

from __future__ import annotations

import threading
from typing import Any, NamedTuple

import numpy as np
import pytest

from symgrad import engine
from symgrad.errors import DomainError, NotDifferentiableError, SymgradError

RNG = np.random.default_rng(0)


def assert_same(found: Any, wanted: Any) -> None:
    assert type(found) is type(wanted)
    if isinstance(wanted, dict):
        assert list(found) == list(wanted)
        found, wanted = list(found.values()), list(wanted.values())
    if isinstance(wanted, list | tuple):
        assert len(found) == len(wanted)
        for f, w in zip(found, wanted, strict=True):
            assert_same(f, w)
    else:
        assert np.shape(found) == np.shape(wanted) and np.asarray(found).dtype == np.asarray(wanted).dtype
        np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-14)


def network(params: Any, x: Any, labels: Any) -> Any:
    h = np.tanh(x @ params["W"] + params["b"])
    z = engine.relu(h @ params["V"]) + engine.sigmoid(h @ params["V"])
    return engine.cross_entropy(z, labels) + 0.1 * np.sum(params["W"] ** 2) + np.mean(np.maximum(h, 0.3))


def params(n: int = 4) -> dict[str, Any]:
    return {"W": RNG.normal(size=(n, 5)), "b": RNG.normal(size=5), "V": RNG.normal(size=(5, 3))}


def test_new_numbers_and_new_shapes() -> None:
    run = engine.value_and_grad(network)
    step = engine.record(network, params(), RNG.normal(size=(7, 4)), RNG.integers(0, 3, 7))
    first = step.source
    for batch in (7, 7, 2, 7, 1, 2):
        arguments = params(), RNG.normal(size=(batch, 4)), RNG.integers(0, 3, batch)
        assert_same(step(*arguments), run(*arguments))
    half = {k: v.astype(np.float32) for k, v in params().items()}
    arguments = half, RNG.normal(size=(7, 4)).astype(np.float32), RNG.integers(0, 3, 7).astype(np.uint8)
    found, wanted = step(*arguments), run(*arguments)
    np.testing.assert_allclose(found[0], wanted[0], rtol=1e-5)
    assert found[1]["W"].dtype == np.float32
    assert step.source == first and "def replay" in first


def test_results_are_never_written_again() -> None:
    step = engine.record(network, params(), np.ones((3, 4)), np.arange(3))
    arguments = params(), RNG.normal(size=(3, 4)), np.array([2, 1, 0])
    _, gradient = step(*arguments)
    kept = {k: g.copy() for k, g in gradient.items()}
    step(params(), RNG.normal(size=(3, 4)), np.arange(3))
    step({k: v * 3 for k, v in params().items()}, RNG.normal(size=(3, 4)), np.arange(3))
    assert_same(gradient, kept)
    arrays = [*gradient.values(), *step(*arguments)[1].values(), *arguments[0].values()]
    assert not any(np.shares_memory(a, b) for i, a in enumerate(arrays) for b in arrays[:i])


@pytest.mark.parametrize(
    "f",
    [
        lambda a, b: np.sum(a + b),
        lambda a, b: np.sum(a - b) + np.sum(a),
        lambda a, b: np.sum(np.ones(3) @ (a.reshape(3, 1) + b.reshape(3, 1))),
        lambda a, b: a[0] + b[1] + a[0] * 2,
        lambda a, b: np.sum(np.exp(a) * np.exp(b)) * np.sum(np.exp(a)),
        lambda a, b: np.sum(np.exp(a + b)) + np.sum(a) * 0 + np.max(b),
        lambda a, b: 3.0,
        lambda a, b: np.sum(a),
        lambda a, b: np.sum(np.outer(a, a) * np.outer(a, a).T) + np.sum((np.outer(a, b) + 1) * np.outer(b, a).T),
        lambda a, b: sum((np.sum(a * k) for k in range(1, 4)), 0.0) * b[2],
        lambda a, b: np.sum(np.where(a > b, a * b, b)) + np.linalg.norm(a) + engine.logsumexp(b),
        lambda a, b: np.sum(np.concatenate([a, b, a])[::2] * np.arange(5.0)),
        lambda a, b: np.sum(np.flip(np.cumsum(a)) * b) + np.prod(b) * np.var(a),
    ],
)
def test_gradients_that_alias_in_the_run_do_not_in_the_replay(f: Any) -> None:
    a, b = RNG.normal(size=3), RNG.normal(size=3)
    step = engine.record(f, a, b, wrt=(0, 1))
    for _ in range(2):
        a, b = RNG.normal(size=3), RNG.normal(size=3)
        value, (by_a, by_b) = step(a, b)
        assert_same((value, (by_a, by_b)), engine.value_and_grad(f, (0, 1))(a, b))
        assert not any(np.shares_memory(u, v) for u, v in ((by_a, by_b), (by_a, a), (by_b, b), (by_a, b)))
        by_a *= np.nan
        by_b *= np.nan


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.sum(x) if x[0] > 0 else np.sum(-x),
        lambda x: np.sum(x) * float(np.max(x.value)),
        lambda x: np.sum(x * np.asarray(x.value)),
        lambda x: max(x[0], x[1]),
        lambda x: np.sum(x[: int(x.value[0])]),
        lambda x: np.sum(np.array([1.0, 2.0])[np.argsort(x)] * x),
        lambda x: np.sum(x) if np.any(x > 0) else 0.0 * np.sum(x),
    ],
)
def test_a_way_that_depends_on_numbers_is_refused(f: Any) -> None:
    with pytest.raises(NotDifferentiableError, match=r"depends on the numbers|lose how it was made"):
        engine.record(f, np.array([1.0, 2.0]))


def test_randomness_is_refused() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(DomainError, match="same twice"):
        engine.record(lambda x: np.sum(x * rng.normal(size=2)), np.ones(2))
    calls: list[int] = []
    with pytest.raises(DomainError, match="same twice"):
        engine.record(lambda x: np.sum(x) * float(len(calls.append(1) or calls)), np.ones(2))


def test_constants_are_those_of_the_recording() -> None:
    c = np.array([1.0, 2.0])
    step = engine.record(lambda x: np.sum(x * c), np.ones(2))
    c[:] = 100
    assert step(np.ones(2))[1].tolist() == [1, 2]


def test_numbers_among_the_arguments() -> None:
    def f(x: Any, power: int, rate: float, flag: bool, name: str) -> Any:
        return np.sum(x**power) * rate if flag and name == "a" else np.sum(x)

    x = np.array([1.0, 2.0])
    step = engine.record(f, x, 2, 0.5, True, "a")
    for power, rate, flag, name in [
        (2, 0.5, True, "a"),
        (3, 0.25, True, "a"),
        (2, 4.0, False, "a"),
        (2, 4.0, True, "b"),
    ]:
        assert_same(step(x, power, rate, flag, name), engine.value_and_grad(f)(x, power, rate, flag, name))
    single = step(x.astype(np.float32), 2, 0.5, True, "a")
    assert single[1].dtype == np.float32, "a Python number takes the precision of the arrays it meets"


def test_nests_of_every_kind() -> None:
    class Pair(NamedTuple):
        first: Any
        second: Any

    class Other(NamedTuple):
        first: Any
        second: Any

    def f(p: Any) -> Any:
        return np.sum(p[0]["a"]) * p[1].first + np.sum(p[1].second[0])

    given = ({"a": np.ones(2)}, Pair(2.0, [np.ones(3)]))
    step = engine.record(f, given)
    value, gradient = step(given)
    assert value == 7 and isinstance(gradient[1], Pair) and gradient[1].first == 2
    assert step(({"a": np.ones(2)}, Other(2.0, [np.ones(3)])))[1][1].__class__ is Other
    assert step(({"a": np.ones(4)}, Pair(2.0, [np.ones(3)])))[0] == 11
    with pytest.raises(KeyError):
        step(({"b": np.ones(2)}, Pair(2.0, [np.ones(3)])))


@pytest.mark.parametrize("dtype", [">f8", "f8", "f4", ">f4"])
def test_unusual_bytes_and_layouts(dtype: str) -> None:
    x = np.arange(1.0, 13.0).reshape(3, 4).astype(dtype)
    step = engine.record(lambda u: np.sum(np.tanh(u) * u), x)
    for given in (x, np.asfortranarray(x), x[::-1, ::2], x.T, x[:0], memoryview(x.astype(float))):
        value, gradient = step(given)
        wanted = engine.value_and_grad(lambda u: np.sum(np.tanh(u) * u))(np.asarray(given, float))
        np.testing.assert_allclose(value, wanted[0], rtol=1e-5)
        np.testing.assert_allclose(gradient, wanted[1], rtol=1e-4)


def test_arguments_that_do_not_fit_the_function() -> None:
    step = engine.record(lambda x, y: np.sum(x * y), np.ones(2), np.ones(2))
    with pytest.raises(TypeError):
        step(np.ones(2))
    with pytest.raises(SymgradError):
        step(np.ones(2), np.ones(3))
    with pytest.raises(SymgradError):
        step(np.ones(2, complex), np.ones(2))
    with pytest.raises(DomainError, match="floating-point"):
        step(np.array([1, 2]), np.ones(2))
    assert step(np.ones(2), np.ones(2))[0] == 2


def test_errors_do_not_spoil_the_next_call() -> None:
    step = engine.record(engine.cross_entropy, np.zeros((2, 3)), np.array([0, 1]))
    with pytest.raises(DomainError):
        step(np.zeros((2, 3)), np.array([0, 9]))
    assert step(np.zeros((2, 3)), np.array([0, 1]))[0] == pytest.approx(np.log(3))


def test_several_threads_at_once() -> None:
    def loss(p: Any, x: Any) -> Any:
        for _ in range(5):
            x = np.tanh(x @ p)
        return np.sum(x * x)

    p = RNG.normal(size=(60, 60))
    xs = [RNG.normal(size=(60, 60)) for _ in range(4)]
    step = engine.record(loss, p, xs[0])
    wanted = [engine.value_and_grad(loss)(p, x) for x in xs]
    failures: list[Any] = []

    def work(k: int) -> None:
        for _ in range(40):
            value, gradient = step(p, xs[k])
            if not (np.isclose(value, wanted[k][0]) and np.allclose(gradient, wanted[k][1])):
                failures.append(k)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not failures


def test_what_is_not_needed_is_not_computed() -> None:
    step = engine.record(lambda w, x: np.sum(w * x) + 0 * np.sum(np.sin(x)[0:0]), np.ones(2), np.ones(2))
    assert "outer" not in step.source
    plain = engine.record(lambda w, x: np.sum(w * np.exp(x)), np.ones(2), np.ones(2))
    assert plain.source.count("exp") == 1, "the slope by data is left out"
