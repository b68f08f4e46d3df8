"""The course's exercises beside answers written by hand: formulas to hand in, loops in NumPy, planted mistakes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from symgrad.bank.backward import backward_code
from symgrad.bank.content import Code, Note, Table
from symgrad.bank.exercise import CodeQuestion, DerivativeQuestion, ProgramQuestion, load_all
from symgrad.bank.judged import placed, program_of
from symgrad.bank.judges_of_form import filled
from symgrad.bank.key import key
from symgrad.bank.verify import judge
from symgrad.bank.worked import asked_derivative
from symgrad.bank.writers.markdown import markdown
from symgrad.bank.writers.plain import plain
from symgrad.derivation import derivative
from symgrad.errors import ShapeError
from symgrad.programs import program
from symgrad.verification.staged import check_staged

Array = Any
BANK = {e.id: e for e in load_all([Path(__file__).parents[2] / "exercises"])}


def question(exercise: str, id: str) -> Any:
    return next(q for q in BANK[exercise].questions if q.id == id)


def tensor(exercise: str, id: str, **values: Array) -> Array:
    """What the exercise's derivation gives at arrays."""
    return asked_derivative(question(exercise, id)).tensor(**values)


def random(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed + sum(shape)).normal(size=shape)


# --- formulas that a person would write ---------------------------------------------------------

HAND_WRITTEN = [
    ("linear-classifier", "by-scores", "(1 - y) .* [m > 0] - ((1 - y)'*[m > 0])*y"),
    ("linear-classifier", "whole", "((1 - y) .* [m > 0] - ((1 - y)'*[m > 0])*y)*x' + 2*lam*W"),
    ("linear-classifier", "softmax-weights", "(p - y)*x' + 2*lam*W"),
    ("likelihood-losses", "laplace-weights", "-X'*sign(y - X*w)/N"),
    ("likelihood-losses", "laplace-width", "N/b - norm1(r)/b^2"),
    ("likelihood-losses", "laplace-constant", "zeros(n)"),
    ("likelihood-losses", "gauss-weights", "2/N*X'*(X*w - y)"),
    ("likelihood-losses", "gauss-width", "N/sigma - norm2(r)^2/sigma^3"),
    ("likelihood-losses", "gauss-constant", "zeros(n)"),
    ("likelihood-losses", "bernoulli-weights", "X'*(sigmoid(X*w) - y)"),
    ("likelihood-losses", "categorical-logits", "p - y"),
    ("batch-normalisation", "one-feature", "gamma/(N*s)*(N*g - sum(g) - (g'*h)*h)"),
    ("batch-normalisation", "by-X", "(G - ones(N)*colsum(G)/N - H*diag(colsum(G .* H)')/N)*diag(gamma ./ s)"),
    ("batch-normalisation", "projection", "P*(G - H*diag(colsum(G .* H)')/N)*diag(gamma ./ s)"),
    ("dropout", "by-h", "(m .* (W2'*(z - y)))/p"),
    ("dropout", "average", "p*x"),
    ("dropout", "average-rest", "0"),
    ("newton-step", "hessian", "X'*X"),
    ("newton-step", "one-step", "zeros(n)"),
    ("newton-step", "logistic-hessian", "X'*diag(p .* (1 - p))*X"),
    ("newton-step", "step-length", "(a - 1)*(g'*inv(H)*g)"),
]


@pytest.mark.parametrize(("exercise", "id", "answer"), HAND_WRITTEN, ids=[f"{e}-{i}" for e, i, _ in HAND_WRITTEN])
def test_what_a_person_writes_is_right(exercise: str, id: str, answer: str) -> None:
    assert judge(replace(question(exercise, id), printed=answer)).right is True


PLANTED = [
    ("linear-classifier", "by-scores", "(1 - y) .* [m > 0]", "forgot second occurrence"),
    ("linear-classifier", "softmax-scores", "y - p", "sign"),
    ("linear-classifier", "softmax-weights", "(p - y)*x'", "dropped term"),
    ("likelihood-losses", "bernoulli-logits", "y - p", "sign"),
    ("dropout", "by-W1", "(W2'*(z - y) .* u)*x'", "missing mask"),
    ("newton-step", "gradient", "X*r", "missing transpose"),
]


@pytest.mark.parametrize(("exercise", "id", "answer", "finding"), PLANTED, ids=[f"{e}-{f}" for e, _, _, f in PLANTED])
def test_what_a_person_gets_wrong_is_named(exercise: str, id: str, answer: str, finding: str) -> None:
    judged = judge(replace(question(exercise, id), printed=answer))
    assert judged.right is False and finding in judged.findings


@pytest.mark.parametrize(
    "answer",
    [
        "gamma/s*g",  # mean and variance held fixed
        "gamma/s*(g - mean(g))",  # variance held fixed
        "gamma/(N*s)*(N*g - sum(g) - (g'*c)*h)",
    ],
)
def test_a_batch_normalisation_that_forgets_a_way_is_wrong(answer: str) -> None:
    assert judge(replace(question("batch-normalisation", "one-feature"), printed=answer)).right is False


# --- loops in NumPy -----------------------------------------------------------------------------


def hinge(W: Array, X: Array, labels: Array) -> tuple[float, Array]:
    """Mean hinge loss of rows of X and its gradient by W: (n, c), one example and one class at a time."""
    loss, gradient = 0.0, np.zeros_like(W)
    for x, k in zip(X, labels, strict=True):
        scores = x @ W
        for j in range(W.shape[1]):
            margin = scores[j] - scores[k] + 1
            if j != k and margin > 0:
                loss += margin
                gradient[:, j] += x
                gradient[:, k] -= x
    return loss / len(X), gradient / len(X)


@pytest.mark.parametrize(("b", "n", "c"), [(5, 4, 3), (3, 3, 3), (1, 2, 4)])
def test_the_hinge_loss_of_a_batch(b: int, n: int, c: int) -> None:
    X, W, labels = random(b, n), random(n, c), np.arange(b) % c
    asked = question("linear-classifier", "batch-scores")
    values = {"X": X, "W": W, "Y": np.eye(c)[labels], "lam": 0.3}
    loss, gradient = hinge(W, X, labels)
    assert program_of(asked.problem).forward(**values) == pytest.approx(loss + 0.3 * (W**2).sum())
    found = derivative(asked.problem.formula, "W", where=asked.problem.where).tensor(**values)
    assert np.allclose(found, gradient + 0.6 * W)


@pytest.mark.parametrize(("N", "d"), [(5, 3), (3, 3), (4, 1)])
def test_the_classic_backward_pass_of_batch_normalisation(N: int, d: int) -> None:
    X, G, gamma, beta = random(N, d), random(N, d, seed=1), random(d), random(d, seed=2)
    deviation = np.sqrt(X.var(axis=0) + 0.1)
    H = (X - X.mean(axis=0)) / deviation
    values = {"X": X, "G": G, "gamma": gamma, "beta": beta, "eps": 0.1}
    dX = gamma / (N * deviation) * (N * G - G.sum(axis=0) - H * (G * H).sum(axis=0))
    assert np.allclose(tensor("batch-normalisation", "by-X", **values), dX)
    assert np.allclose(tensor("batch-normalisation", "projection", **values), dX)
    assert np.allclose(tensor("batch-normalisation", "by-gamma", **values), (G * H).sum(axis=0))
    assert np.allclose(tensor("batch-normalisation", "by-beta", **values), G.sum(axis=0))


@pytest.mark.parametrize(("n", "k"), [(4, 3), (3, 3), (2, 5)])
def test_convolutions_by_their_definition(n: int, k: int) -> None:
    x, h, g = random(n + k - 1), random(k, seed=1), random(n, seed=2)
    by_x, by_h = np.zeros(n + k - 1), np.zeros(k)
    for i in range(n):
        for at in range(k):  # y[i] = sum over l of h[l] x[i + k - 1 - l], counted from 0
            by_x[i + k - 1 - at] += g[i] * h[at]
            by_h[at] += g[i] * x[i + k - 1 - at]
    assert np.allclose(tensor("convolution", "by-x", x=x, h=h, g=g), by_x)
    assert np.allclose(tensor("convolution", "by-h", x=x, h=h, g=g), by_h)


@pytest.mark.parametrize(("n", "m", "k", "l"), [(4, 3, 2, 5), (3, 3, 3, 3)])
def test_convolutions_of_images_by_their_definition(n: int, m: int, k: int, l: int) -> None:
    X, H, G = random(n + k - 1, m + l - 1), random(k, l), random(n, m, seed=3)
    by_X, by_H = np.zeros_like(X), np.zeros_like(H)
    for i, j, p, q in np.ndindex(n, m, k, l):
        by_X[i + k - 1 - p, j + l - 1 - q] += G[i, j] * H[p, q]
        by_H[p, q] += G[i, j] * X[i + k - 1 - p, j + l - 1 - q]
    assert np.allclose(tensor("convolution", "image-by-X", X=X, H=H, G=G), by_X)
    assert np.allclose(tensor("convolution", "image-by-H", X=X, H=H, G=G), by_H)


def test_an_average_over_masks_is_the_scaled_unit() -> None:
    w0, w1, x, y, p = 2.0, -1.0, 3.0, 4.0, 0.3
    masks = [(i, j) for i in (0, 1) for j in (0, 1)]
    odds = {(i, j): (p if i else 1 - p) * (p if j else 1 - p) for i, j in masks}
    mean = sum(odds[i, j] * (w0 * x * i + w1 * y * j) for i, j in masks)
    source, _ = placed(question("dropout", "average-half").problem)
    assert source.forward(w0=w0, w1=w1, x=x, y=y, p=p) == pytest.approx(mean)
    assert mean == pytest.approx(p * (w0 * x + w1 * y))


def test_newtons_step_is_the_least_squares_solution() -> None:
    source, point = placed(BANK["newton-step"].problem)  # type: ignore[arg-type]
    X, y = point.values["X"], point.values["y"]
    assert np.allclose(source.forward("u", **point.values), np.linalg.lstsq(X, y, rcond=None)[0])


def test_at_a_kink_the_slope_is_zero_and_said_so() -> None:
    assert judge(replace(question("linear-classifier", "kink"), printed=0.0)).right is True
    assert judge(replace(question("linear-classifier", "kink"), printed=1.0)).right is False
    assert "subgradient" in BANK["linear-classifier"].statement.en


# --- generated code -----------------------------------------------------------------------------


def scalar_programs() -> list[Any]:
    found = {}
    for exercise in BANK.values():
        for asked in exercise.questions:
            if isinstance(asked, ProgramQuestion):
                source = program_of(asked.problem)
                if not source.views[source.output].node.shape:
                    found[asked.problem.where, asked.problem.formula] = source
    return list(found.values())


def test_generated_code_is_right_for_every_program_of_the_bank() -> None:
    sources = scalar_programs()
    assert len(sources) > 20
    for source in sources:
        code = backward_code(source, None, list(source.declared))
        report = check_staged(source, code)
        assert report.correct and not report.missing, report.text()
        names = [line.partition(" = ")[0] for line in code.splitlines()]
        assert len(set(names)) == len(names)


def test_generated_code_can_be_run_from_the_top() -> None:
    """As a program after its forward lines, it gives the gradients that differences give."""
    source = program("s = w*x\nt = s + b\nu = exp(t)\nL = u/(1 + u) + x*x", "w, x, b: R")
    lines = ["grad_L = 1", *backward_code(source, None, ["w", "x", "b"]).splitlines()[1:]]
    whole = program("\n".join([source.text, *lines]), "w, x, b: R")
    at = {"w": 0.7, "x": -1.2, "b": 0.4}
    for name in at:
        up, down = ({**at, name: at[name] + h} for h in (1e-6, -1e-6))
        slope = (source.forward(**up) - source.forward(**down)) / 2e-6
        assert whole.forward(f"grad_{name}", **at) == pytest.approx(slope, rel=1e-7)


def test_code_starts_from_a_scalar() -> None:
    with pytest.raises(ShapeError):
        backward_code(program("y = A*x", "A: R^{m x n}; x: R^n"), None, ["x"])


@pytest.mark.parametrize("language", ["en", "fa"])
def test_the_key_marks_the_wrong_line_beside_the_generated_one(language: Any) -> None:
    document = key(BANK["staged-code"], language)
    [code] = [b for b in document.blocks if isinstance(b, Code)]
    assert "grad_s0 = grad_s2" in code.text.splitlines()
    [table] = [b for b in document.blocks if isinstance(b, Table)]
    wrong = [row for row in table.rows if "✗" in str(row[2])]
    assert [(row[1], row[3]) for row in wrong] == [(Code("grad_w0 = grad_s2"), Code("grad_s0 = grad_s2"))]
    assert len(table.rows) == 10
    assert any(isinstance(b, Note) and b.tone == "wrong" for b in document.blocks)
    assert '<span dir="ltr">`grad_w0 = grad_s2`</span>' in markdown(document)


def test_keys_of_code_without_a_print_have_no_table() -> None:
    asked = [q for e in BANK.values() for q in e.questions if isinstance(q, CodeQuestion)]
    assert len(asked) >= 4
    exercise = replace(BANK["dropout"], questions=(question("dropout", "backward"),))
    assert not [b for b in key(exercise, "en").blocks if isinstance(b, Table)]


# --- what keys say ------------------------------------------------------------------------------


def test_a_banded_jacobian_is_not_called_dense() -> None:
    asked = question("convolution", "lenet-size")
    result = derivative(asked.problem.formula, "x", where=asked.problem.where, layout="numerator")
    assert filled(result).sum() == 28 * 5
    written = markdown(key(replace(BANK["convolution"], questions=(asked,)), "en"))
    assert "140" in written and "no entry is zero" not in written


def test_a_full_jacobian_has_no_zeros() -> None:
    assert filled(derivative("A*x", "x", where="A: R^{m x n}; x: R^n", layout="numerator")).all()


def test_a_hessian_says_what_its_rows_and_columns_are() -> None:
    exercise = replace(BANK["newton-step"], questions=(question("newton-step", "hessian"),))
    assert "in the shape of" not in markdown(key(exercise, "en"))


def test_roots_in_a_terminal() -> None:
    assert plain(r"\sqrt{v + \varepsilon}") == "√(v + ε)"


def test_every_question_about_a_derivative_is_answered_in_closed_form() -> None:
    for exercise in ("linear-classifier", "likelihood-losses", "batch-normalisation", "dropout", "newton-step"):
        for asked in BANK[exercise].questions:
            if isinstance(asked, DerivativeQuestion):
                assert asked_derivative(asked).matrix_form, asked.id
