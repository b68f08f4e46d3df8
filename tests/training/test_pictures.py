"""Pictures: well-formed, what they draw stands where it must, limits hold, words are those given."""

import re
from math import log10
from xml.etree import ElementTree

import numpy as np
import pytest

from symgrad.drawing.chart import LEFT, RIGHT, TOP, WIDTH
from symgrad.errors import DomainError, ShapeError
from symgrad.programs import program
from symgrad.training.descent import descend
from symgrad.training.differences import differences
from symgrad.training.objective import objective
from symgrad.training.pictures import (
    Words,
    cost_picture,
    difference_picture,
    path_picture,
    schedule_picture,
    search_picture,
)
from symgrad.training.schedules import inverse_decay, step_decay
from symgrad.training.search import log_uniform, random_search

SVG = "{http://www.w3.org/2000/svg}"
BOWL = objective("J = x'*H*x/2", "x", {"H": [[1, 0], [0, 10]]}, where="x: R^2; H: R^{2 x 2}")


def runs(*rates):
    return {f"rate {rate}": descend(BOWL, {"x": [4, 1]}, rate=rate, steps=20) for rate in rates}


def drawn(svg):
    """The texts of a picture, and the corners of its curves."""
    root = ElementTree.fromstring(svg)
    group = next(g for g in root.iter(f"{SVG}g") if "clip-path" in g.attrib)
    curves = [re.findall(r"(-?[\d.]+) (-?[\d.]+)", p.attrib["d"]) for p in group.iter(f"{SVG}path")]
    return {"".join(t.itertext()) for t in root.iter(f"{SVG}text")}, [np.array(c, dtype=float) for c in curves]


def test_costs_stand_at_their_logarithms():
    one = runs(0.1)
    texts, curves = drawn(cost_picture(one, Words("step", "cost", "Costs")))
    assert {"step", "cost", "Costs", "rate 0.1"} <= texts
    heights = -np.diff(curves[0][:, 1])
    logs = np.diff(np.log10(one["rate 0.1"].costs))
    np.testing.assert_allclose(heights / logs, (heights / logs)[0], rtol=0.05)


def test_a_run_that_grows_is_cut_at_three_times_the_first_cost():
    _, curves = drawn(cost_picture(runs(0.05, 0.3)))
    highest = [curve[:, 1].min() for curve in curves]
    assert highest[0] > TOP and highest[1] < TOP


def test_paths_begin_together_over_contours():
    texts, curves = drawn(path_picture(runs(0.05, 0.15)))
    contours, *paths = curves
    assert {"x[1]", "x[2]"} <= texts and len(contours) > 100
    np.testing.assert_allclose(paths[0][0], paths[1][0])
    assert all((p[:, 0] >= LEFT).all() and (p[:, 0] <= WIDTH - RIGHT).all() for p in paths)


def test_a_path_that_runs_away_does_not_widen_the_picture():
    quiet, wild = drawn(path_picture(runs(0.05)))[1], drawn(path_picture(runs(0.05, 0.3)))[1]
    np.testing.assert_allclose(quiet[1], wild[1])


def test_the_error_of_differences_has_both_branches():
    rows = differences(program("f = exp(x)", "x: R"), "f", "x", {"x": 1.0}, [10.0**-k for k in range(1, 15)])
    texts, curves = drawn(difference_picture(rows, words=Words("h", "error", "Errors")))
    assert {"forward difference", "central difference", "rounding ~ 1/h", "Errors"} <= texts
    best = min(rows, key=lambda row: row.central)
    assert f"h = {best.h:.0e}" in texts and -7 <= log10(best.h) <= -4
    assert len(curves) == 4


def test_a_step_schedule_jumps():
    _, curves = drawn(schedule_picture({"step": step_decay(1.0, 5), "inverse": inverse_decay(1.0, 0.1)}, 12))
    across = curves[0][:, 0]
    assert (np.diff(across) == 0).sum() == 2 and (np.diff(curves[1][:, 0]) > 0).all()


def test_a_search_shows_every_trial_and_the_best():
    space = {"a": log_uniform(1e-3, 1), "b": log_uniform(1e-2, 1)}
    trials = random_search(lambda a, b: abs(log10(a) + 2) + b, space, trials=30, seed=1)
    svg = search_picture(trials, ("a", "b"), Words("a", "b", "Search"), "best")
    root = ElementTree.fromstring(svg)
    group = next(g for g in root.iter(f"{SVG}g") if "clip-path" in g.attrib)
    assert len(list(group.iter(f"{SVG}circle"))) == 30 and "best" in drawn(svg)[0]


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(DomainError, match="no run"):
        cost_picture({})
    with pytest.raises(DomainError, match="no run"):
        path_picture({})
    three = objective("J = dot(x, x)", "x", where="x: R^3")
    with pytest.raises(ShapeError, match="has 3"):
        path_picture({"a": descend(three, {"x": [1, 2, 3]}, rate=0.1, steps=2)})
    with pytest.raises(DomainError, match="no trial"):
        search_picture((), ("a", "b"))


def test_words_from_right_to_left_are_marked_so():
    svg = cost_picture(runs(0.1), Words("گام", "هزینه", "هزینه در هر گام"))
    assert svg.count('direction="rtl"') == 3
