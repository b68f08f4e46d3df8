"""Contour lines lie on their level, circles close, ellipses have their axes, and nothing is drawn where nothing is."""

from __future__ import annotations

import math

import pytest

from symgrad.drawing.contours import contours, grid

XS, YS = grid(-3, 3, 61), grid(-2, 2, 41)


def test_a_circle_is_one_closed_line_of_its_radius() -> None:
    ((circle,),) = contours(XS, YS, lambda x, y: x * x + y * y, [2.0])
    assert circle[0] == circle[-1] and len(circle) > 50
    assert all(math.hypot(x, y) == pytest.approx(math.sqrt(2), abs=0.005) for x, y in circle)
    turned = [math.atan2(y, x) for x, y in circle]
    assert max(turned) > 3.0 and min(turned) < -3.0


def test_an_ellipse_that_the_grid_cuts_is_in_pieces() -> None:
    (pieces,) = contours(XS, YS, lambda x, y: x * x / 4 + y * y / 9, [1.0])
    assert len(pieces) == 2
    for piece in pieces:
        assert piece[0] != piece[-1] and abs(piece[0][1]) == pytest.approx(2) == abs(piece[-1][1])
        assert all(x * x / 4 + y * y / 9 == pytest.approx(1, abs=0.01) for x, y in piece)


def test_a_linear_function_is_met_exactly() -> None:
    ((line,),) = contours([0, 1, 2], [0, 1, 2], lambda x, y: x + 2 * y, [2.5])
    assert all(x + 2 * y == pytest.approx(2.5) for x, y in line)


def test_a_saddle_has_two_lines() -> None:
    (lines,) = contours(XS, YS, lambda x, y: x * y, [0.51])
    assert len(lines) == 2


def test_levels_beyond_the_values_have_no_lines() -> None:
    assert contours(XS, YS, lambda x, y: x * x + y * y, [-1.0, 100.0]) == [(), ()]


def test_squares_without_a_value_are_left_out() -> None:
    (pieces,) = contours(XS, YS, lambda x, y: x * x + y * y if x > 0 else math.nan, [1.0])
    assert pieces and all(x > 0 for piece in pieces for x, _ in piece)
