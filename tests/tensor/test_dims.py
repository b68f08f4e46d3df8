"""Dimensions: their arithmetic, their identity, when they agree."""

from __future__ import annotations

import pickle

import pytest

from symgrad.tensor.dims import Dim, Unification, agree, is_unknown, letter, letters_of, plus, size_at, times

m, n = letter("m"), letter("n")


def test_equal_dimensions_are_one_object() -> None:
    assert letter("n") is n
    assert times(m, n) is times(n, m)
    assert plus(m, n, m) is plus(times(2, m), n)
    assert times(plus(m, n), plus(m, times(-1, n))) is plus(times(m, m), times(-1, n, n))


def test_constants_are_integers() -> None:
    assert times() == 1 and plus() == 0
    assert plus(n, times(-1, n)) == 0
    assert times(0, n) == 0
    assert times(2, 3) == 6 and isinstance(times(2, 3), int)


@pytest.mark.parametrize(
    ("size", "written"),
    [
        (n, "n"),
        (times(m, n), "m*n"),
        (plus(n, 1), "n + 1"),
        (plus(n, -1), "n - 1"),
        (times(-2, n), "-2*n"),
        (plus(times(n, n), m), "n*n + m"),
    ],
)
def test_written_as_on_paper(size: Dim, written: str) -> None:
    assert str(size) == written


def test_value_at_numbers() -> None:
    assert size_at(plus(times(2, m, n), n, -1), {"m": 3, "n": 5}) == 34
    assert size_at(4, {}) == 4
    with pytest.raises(KeyError):
        size_at(n, {"m": 3})


def test_letters_in_order_of_occurrence() -> None:
    assert letters_of([n, 3, times(m, n), letter("k")]) == ["n", "m", "k"]


def test_different_letters_never_agree() -> None:
    assert agree(n, n) and agree(3, 3)
    assert not agree(m, n) and not agree(n, 3) and not agree(times(m, n), n)


def test_survives_pickling_as_the_same_object() -> None:
    assert pickle.loads(pickle.dumps(times(m, n))) is times(m, n)


def test_unknowns_are_made_equal_and_resolved() -> None:
    with Unification() as unification:
        a, b, c = unification.fresh(), unification.fresh(), unification.fresh()
        assert is_unknown(a) and not is_unknown(n) and not is_unknown(2)
        assert agree(a, b) and agree(b, c) and agree(c, n)
        assert [unification.resolve(u) for u in (a, b, c)] == [n, n, n]
        assert unification.resolve(times(a, m)) is times(n, m)
        assert not agree(a, m)
    assert not agree(a, m)


def test_nothing_contains_itself() -> None:
    with Unification() as unification:
        a = unification.fresh()
        assert not agree(a, plus(a, 1))
        assert not agree(a, times(a, m))
