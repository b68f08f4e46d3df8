"""Every entry of a derivative at given arrays: right code passes, wrong code is located, in every layout."""

from __future__ import annotations

import numpy as np
import pytest

import symgrad as sg
from symgrad.errors import DomainError, LayoutError, ShapeError, UnknownNameError
from symgrad.verification.entrywise import slopes

WHERE = (
    "A: R^{m x n}; x, b: R^n; X: R^{n x p}; B: R^{p x q}; S: R^{n x n}; s: R; y: R^m; r: R^{1 x n}; "
    "Q: R^{n x n} symmetric; P: R^{n x n} spd; O: R^{n x n} orthogonal; L: R^{n x n} lower; w: R^n simplex"
)
CASES = [
    ("x'*S*x", ["x"]),
    ("A*X*B", ["X"]),
    ("r*x*x'", ["r"]),
    ("r*S", ["r"]),
    ("x'*Q*x", ["Q"]),
    ("logdet(P)", ["P"]),
    ("tr(O*S)", ["O"]),
    ("x'*L*L'*x", ["L"]),
    ("w'*log(w)", ["w"]),
    ("sum(softplus(y.*(A*x)))", ["x", "x"]),
    ("sum(tanh(A*X))", ["X", "X"]),
    ("tr(inv(P)*S)", ["P", "P"]),
    ("s*x", ["s"]),
    ("exp(s*x'*b)", ["s", "x"]),
    ("h=tanh(A*x); L2=h'*h*s", ["h", "s"]),
    ("x'*x", ["x", "x", "x"]),
    ("3*y", ["x"]),
]


def arrays(D: sg.Derivative) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    S = rng.uniform(0.3, 0.9, (4, 4))
    known = {
        "A": rng.normal(size=(3, 4)),
        "x": rng.uniform(0.2, 1, 4),
        "b": rng.normal(size=4),
        "X": rng.normal(size=(4, 2)),
        "B": rng.normal(size=(2, 5)),
        "S": S + 2 * np.eye(4),
        "s": np.array(0.7),
        "y": rng.normal(size=3),
        "r": rng.normal(size=(1, 4)),
        "Q": S + S.T,
        "P": S @ S.T + np.eye(4),
        "O": np.linalg.qr(S)[0],
        "L": np.tril(S) + np.eye(4),
        "w": np.array([0.1, 0.2, 0.3, 0.4]),
    }
    return {n: known[n] for n in D.program.declared}


@pytest.mark.parametrize("layout", ["mixed", "numerator", "denominator", "gradient", "tensor"])
@pytest.mark.parametrize("text, by", CASES)
def test_right_derivatives_pass_and_small_errors_do_not(text: str, by: list[str], layout: str) -> None:
    for vec in ("column", "row"):
        try:
            D = sg.derivative(text, by, where=WHERE, layout=layout, vec=vec)
        except LayoutError:
            return
        at = arrays(D)
        assert D.check(at=at).ok, D.check(at=at).text()
        claimed = np.array(D.function()(**at))
        if claimed.any() and "w'" not in text:  # on the simplex a multiple of ones is free
            assert not D.check(at=at, claimed=1.0001 * claimed).ok


LOSS = sg.derivative("sum(log(1+exp(-y.*(X*w))))", "w", where="X: R^{m x n}; y: R^m; w: R^n")


def data(n: int = 6) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    return {"X": rng.normal(size=(9, n)), "y": np.sign(rng.normal(size=9)), "w": rng.normal(size=n)}


def by_hand(X: np.ndarray, y: np.ndarray, w: np.ndarray) -> np.ndarray:
    return -X.T @ (y / (1 + np.exp(y * (X @ w))))


def test_code_of_ones_own_is_judged_entry_by_entry() -> None:
    at = data()
    assert LOSS.check(at=at, claimed=by_hand).ok

    def wrong(**given: np.ndarray) -> np.ndarray:
        found = by_hand(**given)
        found[4] *= 1.00001
        return found

    report = LOSS.check(at=at, claimed=wrong)
    assert not report.ok and next(n for n in report.notes if n.startswith("entry")).startswith("entry [4]: claimed")
    assert len([n for n in report.notes if n.startswith("entry")]) == 1
    assert not LOSS.check(at=at, claimed=by_hand(**at) * np.nan).ok


def test_a_small_derivative_is_held_to_its_own_size() -> None:
    D = sg.derivative("s*(x'*x)", "x", where="s: R; x: R^n")
    at = {"s": np.array(1e-12), "x": np.array([1.0, 1e-6, 3.0])}
    assert D.check(at=at, claimed=2e-12 * at["x"]).ok
    assert not D.check(at=at, claimed=4e-12 * at["x"]).ok
    assert not D.check(at=at, claimed=2e-12 * at["x"] * [1, 1.001, 1]).ok


def test_at_a_kink_all_slopes_between_the_sides_are_right() -> None:
    D = sg.derivative("sum(relu(x)) + 2*sum(abs(b.*x))", "x", where="x, b: R^n")
    at = {"x": np.array([0.0, 1.0, -2.0]), "b": np.array([1.0, 1.0, -1.0])}
    found = slopes(D, at)
    np.testing.assert_allclose(found.low, [-2, 3, -2], atol=1e-8)
    np.testing.assert_allclose(found.high, [3, 3, -2], atol=1e-8)
    for slope, right in ((0.5, True), (-2, True), (3.1, False)):
        report = D.check(at=at, claimed=np.array([slope, 3, -2]))
        assert report.ok is right and "1 entries are at a kink" in report.text()


def test_shapes_and_names_are_checked() -> None:
    at = data()
    report = LOSS.check(at=at, claimed=np.ones((2, 3)))
    assert not report.ok and "has shape (2, 3)" in report.text()
    with pytest.raises(ShapeError, match="w has shape"):
        LOSS.check(at={**at, "w": np.ones(5)})
    with pytest.raises(UnknownNameError, match="no array is given for w"):
        LOSS.check(at={"X": at["X"], "y": at["y"]})
    with pytest.raises(DomainError, match="not finite near"):
        sg.derivative("sum(log(x))", "x", where="x: R^n").check(at={"x": np.array([1.0, -1.0])})
    with pytest.raises(DomainError, match="arrays that are given"):
        LOSS.check(claimed=by_hand)


def test_ten_thousand_entries_are_one_pass() -> None:
    """What one entry at a time would take 20,000 evaluations for."""
    rng = np.random.default_rng(0)
    n = 10_000
    at = {"X": rng.normal(size=(20, n)) / 100, "y": np.sign(rng.normal(size=20)), "w": rng.normal(size=n)}
    right = by_hand(**at)
    assert LOSS.check(at=at, claimed=right).ok
    right[7777] *= 1.001
    report = LOSS.check(at=at, claimed=right)
    assert not report.ok and "entry [7777]" in report.text()
