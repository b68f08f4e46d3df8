"""Many items on executors of every kind: order, failures of single items, bounded windows, derivatives that travel."""

from __future__ import annotations

import os
import pickle
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest

import symgrad as sg
from symgrad.batches import Failure, ItemError, map_batches

LOSS = "sum(log(1+exp(-y.*(X*w))))"
SHAPES = "X: R^{m x n}; y: R^m; w: R^n"


def points(count: int) -> list[dict[str, np.ndarray]]:
    rng = np.random.default_rng(0)
    return [
        {"X": rng.normal(size=(m, 3)), "y": np.sign(rng.normal(size=m)), "w": rng.normal(size=3)}
        for m in range(2, 2 + count)
    ]


def by_hand(X: np.ndarray, y: np.ndarray, w: np.ndarray) -> np.ndarray:
    return -X.T @ (y / (1 + np.exp(y * (X @ w))))


class Cluster:
    """Like a cluster's executor: only `submit`, plain futures, everything goes over the wire."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def submit(self, function, *given):
        self.sent.append(pickle.dumps((function, given)))
        called, arguments = pickle.loads(self.sent[-1])

        class Promise:
            def result(self):
                return pickle.loads(pickle.dumps(called(*arguments)))

        return Promise()


def reciprocal(x: float) -> float:
    return 1 / x


def dies_at_seven(x: int) -> int:
    if x == 7:
        os._exit(1)
    return x * x


@pytest.fixture(params=["here", "threads", "processes", "cluster"])
def executor(request):
    if request.param == "here":
        yield None
    elif request.param == "cluster":
        yield Cluster()
    else:
        with (ThreadPoolExecutor if request.param == "threads" else ProcessPoolExecutor)(2) as pool:
            yield pool


def test_derivatives_at_many_points_come_in_order(executor: Executor | None) -> None:
    D = sg.derivative(LOSS, "w", where=SHAPES)
    given = points(11)
    found = list(map_batches(D, iter(given), executor=executor, chunk=3, ahead=2))
    assert len(found) == 11
    for array, point in zip(found, given, strict=True):
        np.testing.assert_allclose(array, by_hand(**point), rtol=1e-12)


def test_failures_belong_to_their_items(executor: Executor | None) -> None:
    found = list(map_batches(reciprocal, [1.0, 0, 4.0, "a"], executor=executor, chunk=2, errors="return"))
    assert found[0] == 1 and found[2] == 0.25
    assert [type(f) for f in (found[1], found[3])] == [Failure, Failure]
    assert (found[1].index, found[1].kind) == (1, "ZeroDivisionError")
    assert (found[3].index, found[3].kind) == (3, "TypeError")
    results = map_batches(reciprocal, [1.0, 0, 4.0], executor=executor, chunk=2)
    assert next(results) == 1
    with pytest.raises(ItemError, match="item 1 failed: ZeroDivisionError") as caught:
        next(results)
    assert caught.value.failure.index == 1


def test_an_array_that_does_not_fit_fails_alone() -> None:
    D = sg.derivative(LOSS, "w", where=SHAPES)
    given = points(5)
    given[2] = {**given[2], "y": np.ones(99)}
    found = list(map_batches(D, given, errors="return", chunk=2))
    assert [isinstance(f, Failure) for f in found] == [False, False, True, False, False]
    assert found[2].index == 2 and found[2].kind == "ShapeError" and "y has shape (99,)" in found[2].message


def test_items_are_taken_as_results_are(executor: Executor | None) -> None:
    taken = []

    def endless():
        k = 1
        while True:
            taken.append(k)
            yield float(k)
            k += 1

    results = map_batches(reciprocal, endless(), executor=executor, chunk=4, ahead=3)
    assert taken == []
    assert [next(results) for _ in range(4)] == [1, 1 / 2, 1 / 3, 1 / 4]
    assert len(taken) <= 12
    results.close()


def test_a_worker_that_dies_takes_no_other_item_with_it_unsaid() -> None:
    with ProcessPoolExecutor(1) as pool:
        found = list(map_batches(dies_at_seven, range(12), executor=pool, chunk=2, ahead=2, errors="return"))
    assert len(found) == 12 and found[:4] == [0, 1, 4, 9]
    assert isinstance(found[7], Failure) and "Broken" in found[7].kind
    assert all(f == k * k if not isinstance(f, Failure) else f.index == k for k, f in enumerate(found))


def test_progress_counts_what_is_done_and_what_failed() -> None:
    seen: list[tuple[int, int]] = []
    list(map_batches(reciprocal, [1.0, 0, 2.0, 5.0, 0], chunk=2, errors="return", progress=lambda *n: seen.append(n)))
    assert seen == [(2, 1), (4, 1), (5, 2)]


def test_work_that_cannot_travel_says_so() -> None:
    with ProcessPoolExecutor(1) as pool:
        found = list(map_batches(lambda x: x, [1, 2], executor=pool, chunk=2, errors="return"))
    assert [f.index for f in found] == [0, 1]
    assert "pickle" in found[0].message.lower()
    with ThreadPoolExecutor(1) as threads:
        assert list(map_batches(lambda x: x + 1, [1, 2], executor=threads)) == [2, 3]


def test_values_and_tensors() -> None:
    D = sg.derivative("a'*X*b", "X", where="a: R^m; X: R^{m x n}; b: R^n", layout="numerator")
    arrays = {"a": np.array([1.0, 2.0]), "X": np.ones((2, 3)), "b": np.array([1.0, 0.0, -1.0])}
    outer = np.outer(arrays["a"], arrays["b"])
    assert np.array_equal(next(map_batches(D, [arrays], what="function")), outer.T)
    assert np.array_equal(next(map_batches(D, [arrays], what="tensor")), outer)
    value, slope = next(map_batches(D, [arrays], what="values"))
    assert value == 0 and np.array_equal(slope, outer.T)


@pytest.mark.parametrize("wrt", [["x"], ["A"], ["h"], ["x", "A"]])
def test_a_derivative_travels(wrt: list[str]) -> None:
    D = sg.derivative(
        "h = tanh(A*x); L = h'*h + x'*S*x",
        wrt,
        where="A: R^{m x n}; x: R^n; S: R^{n x n} symmetric",
        layout="denominator",
        vec="row",
    )
    again = pickle.loads(pickle.dumps(D))
    assert (str(again), again.shape, again.layout, again.vec) == (str(D), D.shape, D.layout, D.vec)


def test_options_are_checked_before_anything_runs() -> None:
    with pytest.raises(sg.DomainError, match="chunk is 0"):
        map_batches(reciprocal, [1.0], chunk=0)
    with pytest.raises(sg.UnknownNameError, match="'rise'"):
        map_batches(reciprocal, [1.0], errors="rise")


def test_it_is_public() -> None:
    assert sg.map_batches is map_batches and sg.ItemError is ItemError
