"""The asserts must pass what is right and fail what is not, at any scale and precision, and at kinks."""

from __future__ import annotations

import doctest
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from symgrad.errors import DomainError, ShapeError, UnknownNameError
from symgrad.testing import (
    DerivativeFailure,
    assert_derivative,
    assert_gradient,
    assert_hessian,
    assert_jacobian,
    assert_jvp,
    assert_vjp,
    check,
    properties,
)

RNG = np.random.default_rng(7)
X = RNG.standard_normal((40, 25))
Y = np.sign(RNG.standard_normal(40))
W = RNG.standard_normal(25)
A = RNG.standard_normal((4, 5))
Z = RNG.standard_normal(5)


def relu(x):
    return np.maximum(x, 0)


def logistic(w, X=X, Y=Y):
    return np.logaddexp(0, -Y * (X @ w)).sum()


def logistic_gradient(w, X=X, Y=Y):
    return -X.T @ (Y / (1 + np.exp(Y * (X @ w))))


def off_at(gradient, entry, factor):
    """The gradient with one entry multiplied."""

    def changed(*at):
        found = np.array(gradient(*at))
        found.flat[entry] *= factor
        return found

    return changed


# --- the cases that fixed steps fail at -------------------------------------------------------


@pytest.mark.parametrize("slope", [0.0, 0.3, 0.5, 1.0])
def test_any_slope_between_the_sides_is_a_subgradient_of_relu_at_zero(slope):
    report = check(lambda x: relu(x).sum(), lambda x: (x > 0) + slope * (x == 0), at=np.array([0.0, 1.0, -2.0, 0.0]))
    assert report.verdict == "ok-subgradient", report.text()


@pytest.mark.parametrize("slope", [-0.1, 1.1, 1.5])
def test_slopes_beyond_the_sides_are_wrong(slope):
    report = check(lambda x: relu(x).sum(), lambda x: np.full(4, slope), at=np.zeros(4))
    assert report.verdict == "wrong" and len(report.entries) == 4, report.text()


def test_the_absolute_value_at_zero():
    assert check(abs, lambda x: -0.7, at=0.0).verdict == "ok-subgradient"
    assert check(abs, lambda x: -1.3, at=0.0).verdict == "wrong"


@pytest.mark.parametrize("share", [(1, 0, 0), (0, 1, 0), (0.5, 0.5, 0), (0.2, 0.8, 0)])
def test_a_tie_may_be_shared_out(share):
    report = check(np.max, lambda x: np.array(share, float), at=np.array([2.0, 2.0, 1.0]))
    assert report.verdict == "ok-subgradient", report.text()


@pytest.mark.parametrize("share", [(1, 1, 0), (0, 0, 0), (0, 0, 1)])
def test_a_tie_must_be_shared_out_wholly(share):
    for seed in range(5):
        report = check(np.max, lambda x: np.array(share, float), at=np.array([2.0, 2.0, 1.0]), seed=seed)
        assert report.verdict == "wrong", report.text()


def test_a_wrong_entry_beside_a_kink_is_found():
    report = check(lambda x: relu(x).sum(), lambda x: np.array([0, 1, 1.0]), at=np.array([0.0, 1.0, -2.0]))
    assert report.verdict == "wrong" and [e.index for e in report.entries] == [(2,)]


@pytest.mark.parametrize("claim", [(1, 0), (0, 0), (-1, 1), (0.5, -1)])
def test_kinks_that_bend_both_ways_have_clarkes_gradient(claim):
    for seed in range(3):
        report = check(lambda x: abs(x[0]) - abs(x[1]), lambda x: np.array(claim, float), at=np.zeros(2), seed=seed)
        assert report.verdict != "wrong", report.text()
    assert check(lambda x: abs(x[0]) - abs(x[1]), lambda x: np.array([1.5, 0]), at=np.zeros(2)).verdict == "wrong"


@pytest.mark.parametrize("distance", [1e-1, 1e-3, 1e-4, 1e-5])
def test_kinks_near_the_point_do_not_matter(distance):
    at = distance * np.array([0.7, -0.9, 1.1, -0.5])

    def f(x):
        return (relu(x) * [1, 2, -3, 4]).sum()

    def gradient(x):
        return (x > 0) * np.array([1.0, 2, -3, 4])

    assert check(f, gradient, at=at + 0).verdict == "ok"
    shifted = check(lambda x: f(x - 1), lambda x: gradient(x - 1), at=at + 1)
    assert shifted.verdict == "ok", shifted.text()
    assert check(lambda x: f(x - 1), lambda x: np.array([1.0, 2, -3, 4]), at=at + 1).verdict == "wrong"


def test_a_sharp_bend_is_not_taken_for_a_kink():
    report = check(lambda x: np.sqrt(x @ x + 1e-8), lambda x: np.array([0.3, 0.3]), at=np.zeros(2))
    assert report.verdict == "wrong", report.text()


@pytest.mark.parametrize("size", [1e-9, 1e-30, 1e-150, 1.0, 1e100])
def test_a_factor_2_is_found_at_every_size_of_f(size):
    def f(x):
        return size * np.sin(x).sum()

    assert check(f, lambda x: size * np.cos(x), at=Z).verdict == "ok"
    report = check(f, lambda x: 2 * size * np.cos(x), at=Z)
    assert report.verdict == "wrong" and "2 times the slope" in report.text()


@pytest.mark.parametrize("size", [1e-8, 1.0, 1e8])
def test_the_size_of_the_variable_does_not_matter(size):
    def f(x):
        return np.exp(-((x / size) ** 2)).sum()

    def gradient(x):
        return -2 * x / size**2 * np.exp(-((x / size) ** 2))

    assert check(f, gradient, at=size * Z).verdict == "ok"
    assert check(f, lambda x: 1.001 * gradient(x), at=size * Z).verdict == "wrong"


def single(array):
    return array.astype(np.float32)


def test_a_right_gradient_in_single_precision_is_accepted():
    def f(w):
        return logistic(w, single(X), single(Y))

    def gradient(w):
        return logistic_gradient(w, single(X), single(Y))

    at = single(W)
    assert f(at).dtype == gradient(at).dtype == np.float32
    for seed in range(10):
        assert check(f, gradient, at=at, seed=seed).verdict == "ok"
    assert check(f, lambda w: 2 * gradient(w), at=at).verdict == "wrong"
    assert check(f, off_at(gradient, np.argmax(np.abs(gradient(at))), 1.01), at=at).verdict == "wrong"


def test_half_and_extended_precision():
    for dtype in (np.float16, np.longdouble):
        assert check(lambda x: (x * x).sum(), lambda x: 2 * x, at=Z.astype(dtype)).verdict == "ok"
        assert check(lambda x: (x * x).sum(), lambda x: 4 * x, at=Z.astype(dtype)).verdict == "wrong"


def test_a_large_constant_hides_nothing():
    def f(x):
        return 1e8 + x @ x

    assert check(f, lambda x: 2 * x, at=Z).verdict == "ok"
    for wrong in (lambda x: x, lambda x: 0 * x, lambda x: 4 * x, off_at(lambda x: 2 * x, 2, 1.01)):
        assert check(f, wrong, at=Z).verdict == "wrong"


@pytest.mark.parametrize("entry", range(25))
def test_one_entry_of_25_that_is_off_by_a_hundredth_is_found(entry):
    report = check(logistic, off_at(logistic_gradient, entry, 1.01), at=W, seed=entry)
    assert report.verdict == "wrong" and [e.index for e in report.entries] == [(entry,)]
    assert np.isclose(report.entries[0].claimed, 1.01 * logistic_gradient(W)[entry])


# --- what is honest ---------------------------------------------------------------------------


def test_right_gradients_pass_with_every_seed():
    for seed in range(20):
        assert check(logistic, logistic_gradient, at=W, seed=seed).verdict == "ok"


def test_what_the_values_do_not_tell_is_unresolved():
    assert check(lambda x: np.sqrt(np.abs(x)).sum(), lambda x: 0 * x, at=np.zeros(2)).verdict == "unresolved"
    report = check(lambda x: 1e8 + 1e-9 * x.sum(), lambda x: np.full(5, 1e-9), at=Z)
    assert report.verdict == "unresolved" and "noise" in report.text()
    with pytest.raises(DerivativeFailure, match="unresolved"):
        assert_gradient(lambda x: np.nan, lambda x: x, at=Z)


def test_random_functions_are_told():
    rng = np.random.default_rng(0)
    report = check(lambda x: x @ x + 0.5 * rng.standard_normal(), lambda x: 2 * x, at=Z)
    assert report.verdict == "unresolved" and "different values at the same point" in report.text()


def test_functions_that_end_near_the_point():
    at = np.array([1e-9, 1.0, 1e6])
    assert check(lambda x: np.log(x).sum(), lambda x: 1 / x, at=at).verdict == "ok"
    assert check(lambda x: np.log(x).sum(), off_at(lambda x: 1 / x, 0, 1.01), at=at).verdict == "wrong"


def test_a_narrow_bump_and_a_fast_wave():
    def bump(x):
        return np.exp(-1e6 * (x - 1e-4) @ (x - 1e-4))

    assert check(bump, lambda x: -2e6 * (x - 1e-4) * bump(x), at=np.zeros(3)).verdict == "ok"
    assert check(bump, lambda x: -1e6 * (x - 1e-4) * bump(x), at=np.zeros(3)).verdict == "wrong"
    assert check(lambda x: np.sin(1000 * x).sum(), lambda x: 1000 * np.cos(1000 * x), at=Z).verdict == "ok"


def test_constants_and_stationary_points():
    assert check(lambda x: 3.0, lambda x: 0 * x, at=Z).verdict == "ok"
    assert check(lambda x: (x - 0.3) @ (x - 0.3), lambda x: 2 * (x - 0.3), at=np.full(3, 0.3)).verdict == "ok"
    assert check(lambda x: 3.0, lambda x: 0 * x + 1e-6, at=Z).verdict == "wrong"


def test_what_is_not_finite_is_wrong():
    assert check(lambda x: x @ x, lambda x: x * np.nan, at=Z).verdict == "wrong"


def test_functions_may_write_into_what_they_are_given():
    def f(x):
        x *= x
        return x.sum()

    at = Z.copy()
    assert check(f, lambda x: 2 * x, at=at).verdict == "ok"
    assert np.array_equal(at, Z)


# --- large, several arguments, shapes ---------------------------------------------------------


def test_few_evaluations_and_wrong_entries_found_among_many():
    n = 5000
    scale = np.linspace(0.5, 2, n)
    at = np.random.default_rng(0).standard_normal(n)
    right = check(lambda x: np.sin(scale * x).sum(), lambda x: scale * np.cos(scale * x), at=at)
    assert right.verdict == "ok" and right.evaluations < 100
    gradient = off_at(off_at(lambda x: scale * np.cos(scale * x), 77, 1.5), 4321, -1)
    wrong = check(lambda x: np.sin(scale * x).sum(), gradient, at=at)
    assert wrong.verdict == "wrong" and {e.index for e in wrong.entries} == {(77,), (4321,)}


def test_several_arguments():
    def f(M, b):
        return np.tanh(M @ b).sum()

    def gradients(M, b):
        slope = 1 - np.tanh(M @ b) ** 2
        return np.outer(slope, b), M.T @ slope

    assert assert_gradient(f, gradients, at=(A, Z)).verdict == "ok"
    with pytest.raises(DerivativeFailure, match=r"argument 1, entry \[3\]"):
        assert_gradient(f, lambda M, b: (gradients(M, b)[0], off_at(lambda: gradients(M, b)[1], 3, 2)()), at=(A, Z))
    with pytest.raises(DerivativeFailure, match=r"shape \(5, 4\) where argument 0 has shape \(4, 5\)"):
        assert_gradient(f, lambda M, b: (gradients(M, b)[0].T, gradients(M, b)[1]), at=(A, Z))
    with pytest.raises(DerivativeFailure, match="1 parts for 2"):
        assert_gradient(f, lambda M, b: gradients(M, b)[0], at=(A, Z))


def test_a_gradient_is_that_of_a_scalar():
    with pytest.raises(DerivativeFailure, match="check a jacobian"):
        assert_gradient(lambda x: A @ x, lambda x: A, at=Z)


def test_what_cannot_be_checked_is_an_error():
    with pytest.raises(DomainError, match="complex"):
        check(lambda x: x.sum(), lambda x: x, at=np.array([1j]))
    with pytest.raises(DomainError, match="not finite"):
        check(lambda x: x.sum(), lambda x: x, at=np.array([np.inf]))
    with pytest.raises(ShapeError, match="no entries"):
        check(lambda x: x.sum(), lambda x: x, at=np.zeros(0))
    with pytest.raises(UnknownNameError, match="jacobean"):
        check(lambda x: x, lambda x: x, at=Z, kind="jacobean")
    with pytest.raises(DomainError, match="no gradient"):
        check(lambda x: x.sum(), at=Z)
    with pytest.raises(DomainError, match="0 directions"):
        check(lambda x: x.sum(), lambda x: x, at=Z, trials=0)


# --- the other kinds --------------------------------------------------------------------------


def layer(x):
    return np.tanh(A @ x)


def layer_jacobian(x):
    return (1 - layer(x) ** 2)[:, None] * A


def test_jacobians():
    assert assert_jacobian(layer, layer_jacobian, at=Z).verdict == "ok"
    with pytest.raises(DerivativeFailure, match=r"output \[1\], argument 0, entry \[2\]"):
        assert_jacobian(layer, off_at(layer_jacobian, 7, 1.01), at=Z)
    with pytest.raises(DerivativeFailure, match=r"not \(4, 5\)"):
        assert_jacobian(layer, lambda x: layer_jacobian(x).T, at=Z)
    assert (
        assert_jacobian(relu, lambda x: np.diag((x > 0) * 1.0), at=np.array([0, 1.0, -1])).verdict == "ok-subgradient"
    )


def test_products_with_either_side():
    assert assert_vjp(layer, lambda x, u: layer_jacobian(x).T @ u, at=Z).verdict == "ok"
    assert assert_jvp(layer, lambda x, d: layer_jacobian(x) @ d, at=Z).verdict == "ok"
    with pytest.raises(DerivativeFailure):
        assert_vjp(layer, lambda x, u: A.T @ u, at=Z)
    with pytest.raises(DerivativeFailure):
        assert_jvp(layer, lambda x, d: A @ d, at=Z)


def cubic(x):
    return x[0] * x[1] ** 2 + np.exp(x[2])


def cubic_gradient(x):
    return np.array([x[1] ** 2, 2 * x[0] * x[1], np.exp(x[2])])


def cubic_hessian(x):
    return np.array([[0, 2 * x[1], 0], [2 * x[1], 2 * x[0], 0], [0, 0, np.exp(x[2])]])


@pytest.mark.parametrize("gradient", [None, cubic_gradient])
def test_hessians(gradient):
    assert assert_hessian(cubic, cubic_hessian, Z[:3], gradient).verdict == "ok"
    with pytest.raises(DerivativeFailure, match=r"output \[0\], argument 0, entry \[1\]"):
        assert_hessian(cubic, off_at(cubic_hessian, 1, 1.001), Z[:3], gradient)  # not symmetric any more
    with pytest.raises(DerivativeFailure, match="shape"):
        assert_hessian(cubic, cubic_gradient, Z[:3], gradient)


def test_a_large_hessian_by_differences_of_values_alone():
    def hessian(w):
        s = 1 / (1 + np.exp(-Y * (X @ w)))
        return (X * (s * (1 - s))[:, None]).T @ X

    assert assert_hessian(logistic, hessian, W).verdict == "ok"
    with pytest.raises(DerivativeFailure):
        assert_hessian(logistic, lambda w: 1.01 * hessian(w), W)


# --- reports ----------------------------------------------------------------------------------


def test_the_curve_falls_with_truncation_and_rises_with_rounding():
    curve = check(logistic, logistic_gradient, at=W).curve
    best = int(np.argmin(curve.errors))
    assert 0 < best < len(curve.steps) - 1
    assert (np.diff(curve.steps) < 0).all()
    assert np.isclose(curve.errors[0] / curve.errors[1], 16, rtol=0.3)  # h^2, and steps shrink by 4
    assert curve.errors[-1] < 10 * curve.rounding[-1]
    assert len(curve.text().splitlines()) == len(curve.steps) + 1


def test_a_seed_reproduces_a_report():
    wrong = off_at(logistic_gradient, 3, 1.01)
    first, second = (check(logistic, wrong, at=W, seed=5) for _ in range(2))
    assert first == second and "seed 5" in first.text()
    assert first.largest != check(logistic, wrong, at=W, seed=6).largest


def test_reports_are_plain_data_too():
    for report in (check(logistic, lambda w: 2 * w, at=W), check(lambda x: np.nan, lambda x: x, at=Z)):
        data = json.loads(json.dumps(report.to_json(), allow_nan=False))
        assert data["verdict"] == report.verdict and data["seed"] == 0
    assert properties(report) == {"verdict": "unresolved", "seed": "0"}


# --- against a formula ------------------------------------------------------------------------

QUADRATIC = {"where": "x: R^n; A: R^{n x n}"}
LOSS = "sum(log(1 + exp(-y.*(X*w))))"
SHAPES = "X: R^{m x n}; y: R^m; w: R^n"


def loss_gradient(w, X, y):
    return -X.T @ (y / (1 + np.exp(y * (X @ w))))


def test_right_code_and_right_text_pass():
    assert assert_derivative(LOSS, "w", where=SHAPES, claimed=loss_gradient).ok
    assert assert_derivative("x'*A*x", "x", **QUADRATIC, claimed="(A + A')*x").verdict.proof == "symbolic"
    assert assert_derivative("x'*A*x", ["x", "x"], **QUADRATIC, claimed=lambda A: A + A.T).ok
    assert assert_derivative("tanh(A*x)", "x", where="A: R^{m x n}; x: R^n", claimed=lambda x, A: layer_of(A, x)).ok


def layer_of(A, x):
    return (1 - np.tanh(A @ x) ** 2)[:, None] * A


def test_wrong_code_is_named():
    with pytest.raises(DerivativeFailure, match="assumed symmetric") as caught:
        assert_derivative("x'*A*x", "x", **QUADRATIC, claimed=lambda x, A: 2 * A @ x)
    assert "worst entries" in str(caught.value) and "seed 0" in str(caught.value)
    assert properties(caught.value.report)["mistake"] == "assumed symmetric"
    assert json.loads(json.dumps(caught.value.report.to_json()))["correct"] is False


def test_wrong_text_is_named():
    with pytest.raises(DerivativeFailure, match="missing factor 2"):
        assert_derivative("norm2(A*x)^2", "x", where="A: R^{m x n}; x: R^n", claimed="A'*A*x")


def test_the_other_layout_is_told():
    with pytest.raises(DerivativeFailure, match="right in denominator layout"):
        assert_derivative(
            "tanh(A*x)", "x", where="A: R^{m x n}; x: R^n", claimed=lambda A, x: layer_of(A, x).T, layout="numerator"
        )


def test_an_error_of_one_part_in_a_million_is_seen():
    with pytest.raises(DerivativeFailure):
        assert_derivative(LOSS, "w", where=SHAPES, claimed=lambda w, X, y: (1 + 1e-6) * loss_gradient(w, X, y))
    assert assert_derivative(
        LOSS, "w", where=SHAPES, claimed=lambda w, X, y: (1 + 1e-6) * loss_gradient(w, X, y), rtol=1e-5
    )


def test_single_precision_is_granted_its_rounding():
    assert assert_derivative(LOSS, "w", where=SHAPES, claimed=loss_gradient, convert=single).ok
    with pytest.raises(DerivativeFailure):
        assert_derivative(LOSS, "w", where=SHAPES, claimed=lambda **a: 1.01 * loss_gradient(**a), convert=single)


def test_the_code_says_what_it_takes():
    with pytest.raises(UnknownNameError, match="parameter W is no input"):
        assert_derivative(LOSS, "w", where=SHAPES, claimed=lambda W, X, y: X.T @ y)
    assert assert_derivative(LOSS, "w", where=SHAPES, claimed=lambda y, *, X, w, verbose=False: loss_gradient(w, X, y))
    with pytest.raises(DomainError, match="claimed is a list"):
        assert_derivative(LOSS, "w", where=SHAPES, claimed=[1, 2])


def test_an_error_of_the_code_says_the_sizes():
    def broken(X):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError) as caught:
        assert_derivative(LOSS, "w", where=SHAPES, claimed=broken)
    assert "symgrad called" in caught.value.__notes__[0] and "n = " in caught.value.__notes__[0]


def test_a_gradient_that_is_not_finite_is_wrong():
    with pytest.raises(DerivativeFailure, match="not finite"):
        assert_derivative(LOSS, "w", where=SHAPES, claimed=lambda w: w * np.nan)


# --- other libraries --------------------------------------------------------------------------


def test_no_library_is_imported_for_numpy_values():
    code = (
        "import sys, numpy as np, symgrad.testing as t\n"
        "t.assert_gradient(lambda x: x @ x, lambda x: 2*x, at=np.ones(3))\n"
        "print(sorted({'torch', 'jax', 'pytest', 'scipy'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_pytorch():
    torch = pytest.importorskip("torch")

    class Exponential(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return torch.exp(x)

        @staticmethod
        def backward(ctx, g):
            return g * ctx.saved_tensors[0]  # exp is forgotten

    for dtype in (torch.float64, torch.float32):
        at = torch.tensor(Z, dtype=dtype)
        assert assert_gradient(lambda x: torch.sin(x).sum(), torch.cos, at=at).verdict == "ok"
        assert assert_gradient(lambda x: torch.exp(x).sum(), at=at).verdict == "ok"
        with pytest.raises(DerivativeFailure):
            assert_gradient(lambda x: Exponential.apply(x).sum(), at=at)
    assert assert_gradient(lambda x: torch.relu(x).sum(), at=torch.zeros(3)).verdict == "ok-subgradient"
    assert assert_derivative(
        LOSS,
        "w",
        where=SHAPES,
        claimed=lambda X, y, w: -X.T @ (y * torch.sigmoid(-y * (X @ w))),
        convert=torch.from_numpy,
    )


def test_jax():
    jax = pytest.importorskip("jax")
    jnp = jax.numpy

    @jax.custom_vjp
    def exponential(x):
        return jnp.sum(jnp.exp(x))

    exponential.defvjp(lambda x: (exponential(x), x), lambda x, u: (u * x,))
    at = jnp.asarray(Z)
    assert assert_gradient(lambda x: jnp.sin(x).sum(), at=at).verdict == "ok"
    assert assert_gradient(lambda x: jax.nn.relu(x).sum(), at=jnp.zeros(3)).verdict == "ok-subgradient"
    assert assert_vjp(jnp.tanh, lambda x, u: jax.vjp(jnp.tanh, x)[1](u)[0], at=at).verdict == "ok"
    assert assert_jvp(jnp.tanh, lambda x, d: jax.jvp(jnp.tanh, (x,), (d,))[1], at=at).verdict == "ok"
    with pytest.raises(DerivativeFailure):
        assert_gradient(exponential, at=at)


# --- the documentation ------------------------------------------------------------------------


def test_the_outputs_in_the_documentation_are_real():
    page = Path(__file__).parents[1] / "docs" / "testing.md"
    found = doctest.testfile(str(page), module_relative=False, optionflags=doctest.ELLIPSIS)
    assert found.attempted > 10 and found.failed == 0
