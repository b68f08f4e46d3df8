"""Axes: numbers stand where they belong, labels are round and few, what cannot stand on a scale is refused."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest

from symgrad.drawing.axis import Axis
from symgrad.errors import DomainError


def test_places_on_both_scales() -> None:
    assert [Axis(0, 10, "linear").at(v) for v in (0, 2.5, 10)] == [0, 0.25, 1]
    assert [Axis(-2, 2, "log").at(v) for v in (1e-2, 1, 1e2)] == [0, 0.5, 1]


@pytest.mark.parametrize(("low", "high"), [(0, 1), (-3, 7), (1e-9, 2e-9), (0, 12345), (-0.004, 0.0061), (5, 5), (0, 0)])
def test_labels_are_round_few_and_true(low: float, high: float) -> None:
    axis = Axis.over([low, high], "linear", 0.05)
    ticks = axis.ticks()
    assert 3 <= len(ticks) <= 10
    steps = {round((b - a) / (ticks[1][0] - ticks[0][0]), 6) for (a, _), (b, _) in pairwise(ticks)}
    assert steps == {1}
    leading = f"{ticks[1][0] - ticks[0][0]:e}"[0]
    assert leading in "125"
    for value, label in ticks:
        assert float(label.replace("\u2013", "-")) == pytest.approx(value, abs=1e-12)
        assert -1e-6 <= axis.at(value) <= 1 + 1e-6


def test_decades_are_labelled_as_powers() -> None:
    assert Axis.over([1e-3, 1e2], "log").ticks() == [
        (1e-3, "10^-3"), (1e-2, "10^-2"), (1e-1, "10^-1"), (1.0, "1"), (10.0, "10^1"), (100.0, "10^2"),
    ]  # fmt: skip


def test_limits_take_the_place_of_the_points() -> None:
    axis = Axis.over([1, 100], "linear", 0.1, (0, 10))
    assert (axis.low, axis.high) == (0, 10)


@pytest.mark.parametrize(
    ("values", "scale"), [([], "linear"), ([0.0, 1.0], "log"), ([1.0, math.inf], "linear"), ([math.nan], "log")]
)
def test_what_cannot_be_drawn_is_refused(values: list[float], scale: str) -> None:
    with pytest.raises(DomainError):
        Axis.over(values, scale)  # type: ignore[arg-type]
