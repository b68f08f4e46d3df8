"""Variables: what they hold, what they refuse, and that nothing is detached or changed in silence."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import symgrad as sg
from symgrad import engine
from symgrad.errors import DomainError, NotDifferentiableError, ShapeError, SymgradError, UnknownNameError


def test_backward_sets_the_gradients() -> None:
    W, b = sg.variable([[1.0, 2.0], [3.0, 4.0]]), sg.variable([0.5, -0.5])
    x = np.array([1.0, -1.0])
    loss = ((W @ x + b) ** 2).sum()
    loss.backward()
    r = np.array([-0.5, -1.5])
    np.testing.assert_allclose(b.grad, 2 * r)
    np.testing.assert_allclose(W.grad, np.outer(2 * r, x))


def test_gradients_are_replaced_not_added() -> None:
    x = sg.variable(3.0)
    for factor in (2.0, 5.0):
        (factor * x).backward()
        assert x.grad == factor


def test_a_value_used_twice_gets_both_cotangents() -> None:
    x = sg.variable([1.0, 2.0])
    (x * x + x).sum().backward()
    assert x.grad.tolist() == [3, 5]
    y = x + x
    y = y + y
    y.sum().backward()
    assert x.grad.tolist() == [4, 4]


def test_in_place_operators_bind_a_new_variable() -> None:
    x = sg.variable([1.0, 2.0])
    y = x
    y *= 3
    y += 1
    y.sum().backward()
    assert x.value.tolist() == [1, 2] and x.grad.tolist() == [3, 3]


def test_gradients_of_leaves_and_intermediates() -> None:
    x = sg.variable([1.0, 2.0])
    h = x * 3
    unused = sg.variable(np.ones((2, 2)))
    by_x, by_h, by_unused = engine.gradients((h * h).sum(), [x, h, unused])
    assert by_h.tolist() == [6, 12] and by_x.tolist() == [18, 36] and not by_unused.any()


def test_gradients_share_no_memory() -> None:
    x, y = sg.variable([1.0, 2.0]), sg.variable([3.0, 4.0])
    (x + y).sum().backward()
    x.grad *= 10
    assert y.grad.tolist() == [1, 1]
    seed = np.ones(2)
    (x + y).backward(seed)
    x.grad *= 10
    assert seed.tolist() == [1, 1] and y.grad.tolist() == [1, 1]
    found = engine.grad(lambda a, b: np.sum(a + b), wrt=(0, 1))(np.ones(3), np.ones(3))
    assert not np.shares_memory(*found) and all(g.flags.writeable for g in found)


def test_an_array_needs_a_seed() -> None:
    x = sg.variable([1.0, 2.0])
    with pytest.raises(ShapeError, match="needs a seed"):
        (x * 2).backward()
    with pytest.raises(ShapeError, match="seed has shape"):
        (x * 2).backward(np.ones(3))
    (x * x).backward([1.0, 10.0])
    assert x.grad.tolist() == [2, 40]


def test_the_recording_is_used_up_unless_kept() -> None:
    x = sg.variable(2.0)
    loss = x * x
    loss.backward(keep=True)
    loss.backward()
    assert x.grad == 4
    for again in (loss, loss + 1):
        with pytest.raises(NotDifferentiableError, match="used up"):
            again.backward()


@pytest.mark.parametrize(
    "lose",
    [
        np.asarray,
        np.array,
        lambda v: np.array([v, v]),
        lambda v: np.asarray(v, dtype=object),
        lambda v: float(v[0]),
        lambda v: int(v[0]),
        lambda v: complex(v[0]),
        lambda v: bool(v[0]),
        lambda v: [1, 2, 3][v[0]],
        lambda v: np.zeros(2).__setitem__(..., v),
        lambda v: np.zeros(2).__iadd__(v),
        lambda v: np.zeros(2).__setitem__(0, v[0]),
        lambda v: np.add(v, 1, out=np.zeros(2)),
        lambda v: np.sum(v, out=np.zeros(())),
        lambda v: v.__setitem__(0, 1.0),
        lambda v: np.add.at(v, [0], 1.0),
        lambda v: np.copyto(np.zeros(2), v),
        lambda v: np.zeros(2)[v],
        lambda v: np.eye(2)[engine.variable(1.0)],
        lambda v: v[v],
        lambda v: engine.variable(v),
        lambda v: np.where(v, 1.0, 2.0),
        lambda v: np.vectorize(lambda t: t)(v),
        lambda v: np.random.default_rng(0).normal(v),
    ],
)
def test_nothing_is_detached_in_silence(lose: Any) -> None:
    v = sg.variable([1.0, 2.0])
    with pytest.raises((SymgradError, IndexError, TypeError, ValueError)):  # NumPy puts some in words of its own
        lose(v)
    assert v.value.tolist() == [1, 2]


def test_values_cannot_be_written_to() -> None:
    array = np.array([1.0, 2.0])
    x = sg.variable(array)
    h = x * 2
    for v in (x, h):
        with pytest.raises(ValueError, match="read-only"):
            v.value[0] = 7
    array[0] = 100  # the caller's own: the variable has a copy
    (h * h).sum().backward()
    assert x.grad.tolist() == [8, 16]


def test_constants_may_change_after_they_were_used() -> None:
    c, index = np.array([1.0, 2.0]), np.array([0, 1])
    x = sg.variable([3.0, 4.0])
    loss = ((x * c)[index] + c @ x + np.where(c > 1, x, c) + engine.max(x, c + 3)).sum()
    c[:] = 100
    index[:] = 0
    loss.backward()
    assert x.grad.tolist() == [1 + 2 * 1 + 0 + 0, 2 + 2 * 2 + 1 + 0]


def test_a_leaf_may_be_given_a_new_value() -> None:
    x = sg.variable([1.0, 2.0])
    old = (x * x).sum()
    x.value = x.value - 0.5
    (x * x).sum().backward()
    assert x.grad.tolist() == [1, 3]
    old.backward()  # what was recorded speaks of the old value
    assert x.grad.tolist() == [2, 4]
    with pytest.raises(ShapeError):
        x.value = np.ones(3)
    with pytest.raises(DomainError, match="leaf"):
        (x * 2).value = np.ones(2)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([1, 2], "int"),
        (3, "int"),
        ([True, False], "booleans"),
        ([1j], "complex"),
        (["a"], "type"),
        (np.ma.masked_array([1.0], [True]), "MaskedArray"),
        ([[1.0], [1.0, 2.0]], "different lengths"),
    ],
)
def test_what_is_no_variable(given: Any, said: str) -> None:
    with pytest.raises(SymgradError, match=said):
        sg.variable(given)


def test_matrices_of_numpy_are_refused() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        matrix = np.matrix([[1.0]])
    for use in (sg.variable, lambda m: sg.variable([[1.0]]) * m):
        with pytest.raises(DomainError, match="matrix"):
            use(matrix)


@pytest.mark.parametrize("constant", [1j, np.array([1j]), "a", np.array(["a"]), np.ma.masked_array([1.0]), None])
def test_what_is_no_operand(constant: Any) -> None:
    with pytest.raises(SymgradError):
        sg.variable([1.0]) * constant


def test_comparisons_are_data() -> None:
    v = sg.variable([1.0, 2.0])
    for found in (v > 1.5, v >= 2, v > 1.5, v != 1, np.greater(v, 1.5), np.isfinite(v - 1.0) & (v == 2)):
        assert type(found) is np.ndarray and found.tolist() == [False, True]
    assert np.argmax(v) == 1 and np.shape(v) == (2,) and len(v) == 2 and {v: 1}[v] == 1


def test_numbers_that_numpy_or_python_made() -> None:
    v = sg.variable(2.0)
    loss = np.float64(3) * v + np.array(1.0) * v + v / 2 + 1 - v + 2**v
    loss.backward()
    assert v.grad == pytest.approx(3 + 1 + 0.5 - 1 + 4 * np.log(2))


def test_the_gradient_by_several_arguments() -> None:
    def loss(params: dict[str, Any], x: Any, names: list[str]) -> Any:
        return np.sum(params["W"] @ x) + sum(np.sum(params["more"][k] ** 2) for k in range(len(names)))

    params = {"W": np.ones((2, 3)), "more": (np.array([1.0]), [np.array(2.0)][0])}
    x = np.array([1.0, 2.0, 3.0])
    value, (by_params, by_x) = sg.value_and_grad(loss, wrt=(0, 1))(params, x, ["a", "b"])
    assert value == 17 and by_params["W"].tolist() == [[1, 2, 3]] * 2 and by_x.tolist() == [2, 2, 2]
    assert by_params["more"][0].tolist() == [2] and by_params["more"][1] == 4


def test_a_gradient_of_what_does_not_occur_is_zero() -> None:
    value, gradient = sg.value_and_grad(lambda x: 3.0)(np.ones((2, 2)))
    assert value == 3 and gradient.shape == (2, 2) and not gradient.any()


@pytest.mark.parametrize(
    ("f", "error"),
    [
        (lambda x: x * 2, ShapeError),
        (lambda x: np.ones(3), DomainError),
        (lambda x: None, DomainError),
        (lambda x: (x.sum(), 1), DomainError),
    ],
)
def test_only_scalars_have_gradients(f: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        sg.value_and_grad(f)(np.ones(2))


def test_a_derivative_in_a_derivative_is_refused() -> None:
    inner = sg.value_and_grad(lambda x: np.sum(x**3))
    with pytest.raises(NotDifferentiableError, match="inside a derivative"):
        sg.value_and_grad(lambda x: np.sum(inner(x)[1]))(np.ones(2))


@pytest.mark.parametrize("given", [np.array([1, 2]), 3, [np.array([True])]])
def test_whole_numbers_are_no_arguments_to_differentiate_by(given: Any) -> None:
    with pytest.raises(DomainError, match="floating-point"):
        sg.value_and_grad(lambda x: 1.0)(given)


def test_functions_that_do_not_exist() -> None:
    with pytest.raises(AttributeError):
        engine.nonsense  # noqa: B018
    with pytest.raises(UnknownNameError):
        engine.function("sofmax")
