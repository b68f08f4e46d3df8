"""Rounding judged by hand-made numbers: the course's sigmoid neuron, where the slide multiplies 0.20."""

from __future__ import annotations

import pytest

from symgrad.execution import execute
from symgrad.programs import program
from symgrad.verification.rounding import explained, judge, roundings


@pytest.mark.parametrize(
    ("exact", "printed", "decimals", "ok", "off_by_one"),
    [
        (0.3932, 0.39, 2, True, False),
        (0.3932, 0.4, 2, False, True),
        (-0.5898, -0.6, 2, False, True),
        (-0.5898, -0.61, 2, False, False),
        (0.125, 0.12, 2, True, False),  # at a tie both neighbours are roundings
        (0.125, 0.13, 2, True, False),
        (12345.0, 12345, 0, True, False),
        (1.0, -1.0, 0, False, False),
    ],
)
def test_one_number(exact, printed, decimals, ok, off_by_one):
    found = judge(exact, printed, decimals)
    assert (found.ok, found.off_by_one) == (ok, off_by_one)


def test_the_worst_entry_is_named():
    found = judge([[1.0, 2.0], [3.0, 4.0]], [[1.0, 2.0], [3.0, 4.6]], 0)
    assert found.worst == (1, 1) and (found.exact, found.printed) == (4.0, 4.6)


def test_the_number_that_was_rounded_on_the_way_is_found():
    """sigma'(1) = 0.1966 arrives at w0 x0; rounded to 0.20 it gives 0.40 for x0, where 0.39 is right."""
    source = program("s = w0*x0 + w1*x1 + w2; f = sigmoid(s)", "w0, x0, w1, x1, w2: R")
    graph = execute(source, {"w0": 2.0, "x0": -1.0, "w1": -3.0, "x1": -2.0, "w2": -3.0})
    assert "0.2" in explained(roundings(graph, "x0", 2), 0.40, 2)
    assert explained(roundings(graph, "x0", 2), 0.47, 2) is None


def test_nothing_is_said_of_what_the_output_does_not_depend_on():
    graph = execute(program("f = x^2", "x, y: R"), {"x": 1.0, "y": 1.0})
    assert list(roundings(graph, "y", 2)) == []
