"""Every gate against central differences and the symbolic derivative: shapes that broadcast, batches, precisions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from symgrad import engine
from symgrad.derivation import derivative
from symgrad.errors import DomainError, NotDifferentiableError, ShapeError
from symgrad.notation.declare import declare
from symgrad.notation.grammar import parse
from symgrad.notation.tree import Call, Name
from symgrad.numeric.difference import central_jacobian
from symgrad.numeric.sample import sample
from symgrad.operations.catalogue import records
from symgrad.operations.record import Elementwise, Operation, TensorFunction

Function = Callable[..., Any]


def away_from_kinks(*shape: int, seed: int = 0) -> Any:
    """Numbers between 0.2 and 1.7, no two of them equal, of either sign."""
    rng = np.random.default_rng([seed, *shape])
    size = int(np.prod(shape))
    magnitudes = rng.permutation(np.linspace(0.2, 1.7, size)) + rng.uniform(0, 1e-3, size)
    return (magnitudes * rng.choice([-1.0, 1.0], size)).reshape(shape)[()]


def assert_gradients(f: Function, *points: Any, rtol: float = 1e-7) -> None:
    """The engine's gradients of sum(c * f) by every argument, run and replayed, against central differences."""
    rng = np.random.default_rng(9)
    weights = rng.normal(size=np.shape(plain(f, *points)))

    def loss(*arguments: Any) -> Any:
        return np.sum(weights * f(*arguments))

    places = tuple(range(len(points)))
    value, found = engine.value_and_grad(loss, places)(*points)
    assert value == pytest.approx(float(np.sum(weights * plain(f, *points))), rel=1e-12, abs=1e-12)
    step = engine.record(loss, *points, wrt=places)
    for gradients in (found, step(*points)[1], step(*points)[1]):
        for k, (gradient, point) in enumerate(zip(gradients, points, strict=True)):
            assert gradient.shape == np.shape(point)
            wanted = central_jacobian(
                lambda v, k=k: np.sum(weights * plain(f, *points[:k], v, *points[k + 1 :])), np.asarray(point)
            )
            np.testing.assert_allclose(gradient, wanted.value, rtol=rtol, atol=1e-9 + 10 * wanted.error.max())


def plain(f: Function, *arrays: Any) -> Any:
    """The value of a function of variables or arrays, as an array."""
    value = f(*arrays)
    assert not isinstance(value, engine.Variable)
    return value


# --- broadcasting -----------------------------------------------------------------------------

SPREAD = [
    ((3, 4), (3, 4)), ((3, 4), (4,)), ((4,), (3, 4)), ((3, 4), (3, 1)), ((3, 1), (1, 4)), ((3, 4), ()), ((), (3,)),
    ((2, 3, 4), (3, 1)), ((2, 1, 4), (3, 4)), ((), ()), ((1,), (5,)), ((3, 3), (3,)), ((1, 1), (2, 2)),
]  # fmt: skip
BINARY = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / b,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "where": lambda a, b: np.where(np.arange(12).reshape(3, 4)[0, 0] == 0, a * 1.0, b * 1.0) + a * b,
    "power": lambda a, b: (a * a + 0.1) ** b,
    "leakyrelu": lambda a, b: engine.leakyrelu(a, b),
    "add.reversed": lambda a, b: np.add(b, a) + np.subtract(b, a),
}


@pytest.mark.parametrize("shapes", SPREAD, ids=str)
@pytest.mark.parametrize("name", BINARY)
def test_operands_that_are_spread(name: str, shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
    assert_gradients(BINARY[name], away_from_kinks(*shapes[0], seed=1), 1.313 * away_from_kinks(*shapes[1], seed=2))


@pytest.mark.parametrize("shapes", SPREAD, ids=str)
def test_where_by_a_mask(shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
    a, b = (away_from_kinks(*s, seed=k) for k, s in enumerate(shapes))
    mask = np.random.default_rng(3).random(np.broadcast_shapes(*shapes)) > 0.5
    assert_gradients(lambda u, v: np.where(mask, u, v), a, b)


MATMUL = [
    ((3, 4), (4, 2)), ((4,), (4, 2)), ((3, 4), (4,)), ((4,), (4,)), ((2, 3, 4), (4, 5)), ((2, 3, 4), (2, 4, 5)),
    ((3, 4), (2, 4, 5)), ((2, 3, 4), (4,)), ((4,), (2, 4, 5)), ((6, 1, 3, 4), (2, 4, 5)), ((3, 3), (3, 3)),
    ((1, 4), (4, 1)),
]  # fmt: skip


@pytest.mark.parametrize("shapes", MATMUL, ids=str)
def test_matrix_products(shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
    a, b = (away_from_kinks(*s, seed=k) for k, s in enumerate(shapes))
    assert_gradients(lambda u, v: u @ v, a, b)
    assert_gradients(lambda u: a @ u, b)
    assert_gradients(lambda u: np.matmul(u, b), a)


# --- reductions, views, joins -----------------------------------------------------------------

AXES: list[Any] = [None, 0, 1, -1, (0, 2), (0, 1, 2)]
M = away_from_kinks(2, 3, 4)


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axis", AXES, ids=str)
@pytest.mark.parametrize("reduce", [np.sum, np.mean, np.var, np.std, np.prod, np.max, np.min], ids=lambda f: f.__name__)
def test_reductions(reduce: Function, axis: Any, keepdims: bool) -> None:
    if reduce in (np.max, np.min) and isinstance(axis, tuple):
        with pytest.raises(ShapeError, match="one axis"):
            reduce(engine.variable(M), axis=axis)
        return
    assert_gradients(lambda u: reduce(u, axis=axis, keepdims=keepdims), M)


def test_a_product_with_zeros() -> None:
    point = np.array([[0.0, 2.0, 3.0], [0.0, 0.0, 5.0]])
    gradient = engine.grad(lambda u: np.sum(np.prod(u, axis=1)))(point)
    assert gradient.tolist() == [[6, 0, 0], [0, 0, 0]]


SHAPED: dict[str, Function] = {
    "reshape": lambda u: np.reshape(u, (4, 6)) * np.arange(24.0).reshape(4, 6),
    "reshape.method": lambda u: u.reshape(-1, 2).reshape((3, 8)),
    "reshape.columns": lambda u: u.reshape(6, 4, order="F"),
    "transpose": lambda u: np.transpose(u, (2, 0, 1)),
    "T": lambda u: u.T,
    "swapaxes": lambda u: np.swapaxes(u, 0, 2),
    "moveaxis": lambda u: np.moveaxis(u, -1, 0),
    "ravel": lambda u: np.ravel(u)[3:9],
    "expand": lambda u: np.expand_dims(u, (0, 2)),
    "squeeze": lambda u: np.squeeze(u[:, :1], 1),
    "broadcast": lambda u: np.broadcast_to(u[:1], (5, 3, 4)),
    "flip": lambda u: np.flip(u, (0, 2)),
    "slice": lambda u: u[1, ::2, 1:-1],
    "new axis": lambda u: u[:, None, 0, ..., 1:],
    "integer array": lambda u: u[[0, 1, 1, 0], [2, 2, 2, 1]],
    "repeated": lambda u: u[:, [1, 1, 0]],
    "mask": lambda u: u[np.arange(24).reshape(2, 3, 4) % 5 == 0],
    "read again and again": lambda u: u[0, 0] * u[0, 0] + u[1, 2] * u[0, 0, 1],
    "rows": lambda u: np.stack([row * k for k, row in enumerate(u, 1)]),
    "concatenate": lambda u: np.concatenate([u, 2 * u[:, :1], np.ones((2, 2, 4))], axis=1),
    "stack": lambda u: np.stack([u, u * u, np.zeros((2, 3, 4))], axis=-1),
    "vstack": lambda u: np.vstack([u[0], u[1, 0]]),
    "hstack": lambda u: np.hstack([u[0], u[1]]),
    "cumsum": lambda u: np.cumsum(u, axis=1) * np.cumsum(u).reshape(2, 3, 4),
    "einsum": lambda u: np.einsum("ijk,lk->ijl", u, u[0]),
    "einsum.sums": lambda u: np.einsum("ijk->j", u),
    "trace": lambda u: np.trace(u[0] @ u[1].T) * u,
    "diagonal": lambda u: np.diagonal(u[0]) * np.diag(u[1]),
    "diag": lambda u: np.diag(u[0, 0]) @ u[1].T,
    "triangles": lambda u: np.tril(u[0]) + np.triu(u[1], 1),
    "outer": lambda u: np.outer(u[0], u[1]),
    "dot": lambda u: np.dot(u[0], u[1].T) + np.vdot(u[0], u[1]) + np.inner(u[0], u[1]),
    "norm": lambda u: np.linalg.norm(u) * np.linalg.norm(u, axis=1),
    "clip": lambda u: np.clip(u, -1.0, 0.9),
    "squares": lambda u: u**2 + np.square(u) + 1 / u + np.reciprocal(u) + (-u) ** 3 + (+u) + abs(u),
    "roots": lambda u: np.sqrt(u * u + 1) + (u * u + 1) ** 0.5 + 2.0**u,
    "chain": lambda u: (np.exp(u) * 2 - np.log(u * u + 1) / 3).sum(axis=(0, 1)) @ np.ones(4),
}


@pytest.mark.parametrize("name", SHAPED)
def test_shapes_and_joins(name: str) -> None:
    assert_gradients(SHAPED[name], M)


@pytest.mark.parametrize("rule", [np.max, np.min])
def test_the_first_extreme_has_the_slope(rule: Function) -> None:
    point = np.array([[2.0, 1.0, 2.0, 1.0], [5.0, 5.0, 5.0, 5.0]])
    first = np.zeros((2, 4))
    first[0, 0 if rule is np.max else 1] = first[1, 0] = 1
    assert engine.grad(lambda u: np.sum(rule(u, axis=1)))(point).tolist() == first.tolist()
    at = (1, 0) if rule is np.max else (0, 1)
    whole = engine.grad(lambda u: rule(u))(point)
    assert whole[at] == 1 and np.count_nonzero(whole) == 1


def test_kinks_are_as_in_the_contract() -> None:
    zero = np.array([0.0, -0.0])
    for name in ("relu", "abs", "sign", "step"):
        assert engine.grad(lambda u, name=name: np.sum(getattr(engine, name)(u)))(zero).tolist() == [0, 0]
    a = b = np.array([1.0, 2.0])
    for rule in (np.maximum, np.minimum, engine.max, engine.min):
        first, second = engine.grad(lambda u, v, rule=rule: np.sum(rule(u, v)), wrt=(0, 1))(a, b)
        assert (first.tolist(), second.tolist()) == ([1, 1], [0, 0])


def test_powers_at_zero() -> None:
    zero = np.array([0.0, -2.0, 3.0])
    for power, slope in ((0, [0, 0, 0]), (1, [1, 1, 1]), (2, [0, -4, 6]), (3, [0, 12, 27])):
        value, gradient = engine.value_and_grad(lambda u, k=power: np.sum(u**k))(zero)
        assert value == np.sum(zero**power) and gradient.tolist() == slope


# --- the catalogue ----------------------------------------------------------------------------

CALLED = [r for r in records() if not r.sizes and r.notation.fixity == "call"]
SPACES = {"x": "R^n", "y": "R^n", "s": "R", "A": "R^{m x n}", "B": "R^{p x q}", "X": "R^{m x n}", "E": "R^{n x n}"}
LETTERS = {"n": 4, "m": 3, "p": 2, "q": 3}


def example(entry: Operation) -> tuple[Function, list[Any], dict[str, str]]:
    """The record's example as a function of its names, a point, and the declarations."""
    tree = parse(entry.example)
    assert isinstance(tree, Call)
    names = list(dict.fromkeys(a.name for a in tree.args if isinstance(a, Name)))
    where = {name: SPACES[name] for name in names}
    for attempt in (where, {**where, "X": "R^{n x n}"} if "X" in where else where):
        try:
            derivative(entry.example, names[0], where=attempt)
        except ShapeError:
            continue
        where = attempt
        break
    rng = np.random.default_rng(4)
    square_only = ("invertible", "spd")
    points = [
        sample(
            declare({n: where[n]})[n],
            LETTERS,
            rng,
            "real" if entry.domain in square_only and n != "X" else entry.domain,
        )
        for n in names
    ]

    def f(*arguments: Any) -> Any:
        given = dict(zip(names, arguments, strict=True))
        operands = [given[a.name] if isinstance(a, Name) else float(a.value) for a in tree.args]  # type: ignore[union-attr]
        return getattr(engine, entry.name)(*operands)

    return f, points, where


@pytest.mark.parametrize("entry", CALLED, ids=lambda r: r.name)
def test_every_record_against_differences(entry: Operation) -> None:
    f, points, _ = example(entry)
    assert_gradients(f, *points, rtol=1e-6)


@pytest.mark.parametrize("entry", CALLED, ids=lambda r: r.name)
def test_every_record_against_the_symbolic_derivative(entry: Operation) -> None:
    f, points, where = example(entry)
    value = np.asarray(plain(f, *points))
    weights = np.random.default_rng(6).normal(size=value.shape)
    gradients = engine.grad(lambda *a: np.sum(weights * f(*a)), wrt=tuple(range(len(points))))(*points)
    values = dict(zip(where, points, strict=True))
    for name, gradient in zip(where, gradients, strict=True):
        D = derivative(entry.example, name, where=where, layout="tensor")
        tensor = np.asarray(D.tensor(**{n: v for n, v in values.items() if n in where}))
        wanted = np.tensordot(weights.reshape(-1), tensor.reshape(value.size, *np.shape(values[name])), 1)
        np.testing.assert_allclose(gradient, wanted, rtol=1e-8, atol=1e-10)


ENTRYWISE = [r for r in CALLED if isinstance(r, Elementwise)]


@pytest.mark.parametrize("entry", [r for r in ENTRYWISE if r.arity == (1,)], ids=lambda r: r.name)
@pytest.mark.parametrize("shape", [(), (1,), (2, 3), (2, 1, 3, 2)], ids=str)
def test_entrywise_functions_take_any_shape(entry: Elementwise, shape: tuple[int, ...]) -> None:
    point = np.abs(away_from_kinks(*shape)) * 0.5
    assert_gradients(getattr(engine, entry.name), point)


OF_VECTORS = [r for r in CALLED if isinstance(r, TensorFunction) and len(r.arity) == 1 and r.core in ("v->v", "v->s")]


@pytest.mark.parametrize("entry", OF_VECTORS, ids=lambda r: r.name)
@pytest.mark.parametrize("shape", [(4,), (3, 4), (2, 3, 4), (4, 4)], ids=str)
def test_functions_of_vectors_take_batches(entry: TensorFunction, shape: tuple[int, ...]) -> None:
    f = getattr(engine, entry.name)
    point = away_from_kinks(*shape)
    alone = np.stack([f(line) for line in point.reshape(-1, 4)])
    np.testing.assert_allclose(np.reshape(f(point), alone.shape), alone, rtol=1e-12)
    assert_gradients(f, point)
    assert_gradients(lambda u: f(u, axis=0), point.T)


@pytest.mark.parametrize("name", ["inv", "det", "logdet", "adj", "pinv"])
def test_functions_of_matrices_take_batches(name: str) -> None:
    point = away_from_kinks(2, 3, 3) + 3 * np.eye(3)
    f = getattr(engine, name)
    np.testing.assert_allclose(f(point), np.stack([f(m) for m in point]), rtol=1e-12)
    assert_gradients(f, point, rtol=1e-5)


@pytest.mark.parametrize("function", [np.linalg.inv, np.linalg.det, np.linalg.pinv], ids=lambda f: f.__name__)
def test_numpy_names_of_the_catalogue(function: Function) -> None:
    assert_gradients(function, away_from_kinks(3, 3) + 3 * np.eye(3), rtol=1e-5)


def test_ufuncs_of_scipy() -> None:
    special = pytest.importorskip("scipy.special")
    assert_gradients(lambda u: special.expit(u) + special.erf(u), away_from_kinks(2, 3))


@pytest.mark.parametrize("name", ["sigmoid", "softplus", "tanh", "relu", "silu", "gelu", "softmax", "logsumexp"])
def test_far_out_everything_is_finite(name: str) -> None:
    point = np.array([-1000.0, -30.0, 0.5, 30.0, 1000.0])
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        value, gradient = engine.value_and_grad(lambda u: np.sum(getattr(engine, name)(u)))(point)
    assert np.isfinite(value) and np.isfinite(gradient).all()


# --- cross entropy ----------------------------------------------------------------------------


def test_cross_entropy_of_a_batch() -> None:
    labels = np.array([0, 2, 2, 1, 0])
    assert_gradients(lambda z: engine.cross_entropy(z, labels), away_from_kinks(5, 3))
    z = away_from_kinks(5, 3)
    p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
    value, gradient = engine.value_and_grad(engine.cross_entropy)(z, labels)
    assert value == pytest.approx(-np.log(p[np.arange(5), labels]).mean())
    np.testing.assert_allclose(gradient, (p - np.eye(3)[labels]) / 5, rtol=1e-12)


def test_cross_entropy_of_one_example() -> None:
    assert_gradients(lambda z: engine.cross_entropy(z, 1), away_from_kinks(4))
    assert engine.cross_entropy(np.array([0.0, 1000.0]), 1) == 0
    assert engine.cross_entropy(np.array([0.0, 1000.0]), np.int64(0)) == 1000


@pytest.mark.parametrize(
    ("logits", "labels", "error"),
    [
        (np.zeros((2, 3)), np.array([0, 3]), DomainError),
        (np.zeros((2, 3)), np.array([0, -1]), DomainError),
        (np.zeros((2, 3)), np.array([0.0, 1.0]), DomainError),
        (np.zeros((2, 3)), np.array([0, 1, 1]), ShapeError),
        (np.zeros((2, 3)), 1, ShapeError),
        (np.zeros(3), -1, DomainError),
        (np.zeros(3), 3, DomainError),
        (np.zeros((2, 2, 3)), np.zeros((2, 2), int), ShapeError),
    ],
)
def test_labels_that_do_not_fit(logits: Any, labels: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        engine.cross_entropy(engine.variable(logits), labels)


# --- precision --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*BINARY, "tanh", "softmax", "logsumexp", "sum", "matmul", "getitem", "cross_entropy"])
def test_single_precision_stays_single(name: str) -> None:
    functions: dict[str, Function] = {
        **{n: lambda u, n=n: BINARY[n](u, u + np.float32(0.1)) for n in BINARY},
        "sum": lambda u: u.sum(0) * 2.5,
        "matmul": lambda u: u @ u.T,
        "getitem": lambda u: u[[0, 0]] + u[1],
        "cross_entropy": lambda u: engine.cross_entropy(u, np.arange(3)),
    }
    f = functions.get(name) or getattr(engine, name)
    point = away_from_kinks(3, 4)

    def loss(u: Any) -> Any:
        return np.sum(f(u))

    exact = engine.grad(loss)(point)
    for step in (engine.value_and_grad(loss), engine.record(loss, point.astype(np.float32))):
        value, gradient = step(point.astype(np.float32))
        assert value.dtype == gradient.dtype == np.float32
        np.testing.assert_allclose(gradient, exact, rtol=2e-4, atol=1e-4)


def test_a_constant_in_double_does_not_widen_the_gradient() -> None:
    point = away_from_kinks(3).astype(np.float32)
    value, gradient = engine.value_and_grad(lambda u: np.sum(u * np.array([1.0, 2.0, 3.0])))(point)
    assert value.dtype == np.float64 and gradient.dtype == np.float32
    assert gradient.tolist() == [1, 2, 3]


# --- refusals ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("f", "name"),
    [
        (np.floor, "np.floor"),
        (np.hypot, "np.hypot"),
        (np.sort, "np.sort"),
        (np.fft.fft, "np.fft.fft"),
        (np.linalg.qr, "np.linalg.qr"),
        (np.add.accumulate, "np.add.accumulate"),
        (lambda v: np.sum(v, where=np.array([True, False])), "np.sum"),
        (lambda v: np.exp(v, where=np.array([True, False])), "np.exp"),
    ],
)
def test_what_has_no_gate_is_named(f: Function, name: str) -> None:
    v = engine.variable([1.0, 2.0])
    with pytest.raises(NotDifferentiableError, match=name.replace(".", r"\.")):
        f(v, v) if f is np.hypot else f(v)


@pytest.mark.parametrize(
    "f",
    [lambda u, v: u @ v, lambda u, v: u + v, np.maximum, lambda u, v: np.concatenate([u, v], 1), lambda u, v: u[5]],
)
def test_shapes_that_do_not_fit(f: Function) -> None:
    with pytest.raises(ShapeError):
        f(engine.variable(np.ones((2, 3))), engine.variable(np.ones((4, 5))))
