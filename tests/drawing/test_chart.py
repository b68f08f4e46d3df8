"""Charts over logarithmic axes: well-formed, in the frame, decades where they belong."""

from __future__ import annotations

import itertools
import re
from xml.etree import ElementTree

import pytest

from symgrad.drawing.chart import HEIGHT, WIDTH, Mark, Series, chart
from symgrad.errors import DomainError

SVG = "{http://www.w3.org/2000/svg}"
LAW = Series(tuple((10.0**-k, 10.0 ** (-2 * k)) for k in range(6)), "h^2 & more")


def test_a_chart_is_well_formed_and_says_what_it_shows() -> None:
    root = ElementTree.fromstring(chart([LAW], "step", "error <relative>", title="A & B", note="table"))
    assert root.find(f"{SVG}title").text == "A & B"
    assert root.find(f"{SVG}desc").text == "table"
    texts = ["".join(t.itertext()) for t in root.iter(f"{SVG}text")]
    assert {"step", "error <relative>", "h^2 & more", "A & B"} <= set(texts)


def test_points_stand_where_their_logarithms_are() -> None:
    root = ElementTree.fromstring(chart([LAW], "x", "y"))
    group = next(g for g in root.iter(f"{SVG}g") if "clip-path" in g.attrib)
    marks = [(float(c.attrib["cx"]), float(c.attrib["cy"])) for c in group.iter(f"{SVG}circle")]
    assert len(marks) == 6
    assert all(0 < x < WIDTH and 0 < y < HEIGHT for x, y in marks)
    steps = [(a[0] - b[0], b[1] - a[1]) for a, b in itertools.pairwise(marks)]
    assert all(abs(dx - steps[0][0]) < 0.2 and abs(dy - steps[0][1]) < 0.2 for dx, dy in steps)
    assert steps[0][0] > 0 and steps[0][1] > 0


@pytest.mark.parametrize("decades", [1, 3, 9, 18, 300])
def test_axes_carry_few_labels(decades: int) -> None:
    svg = chart([Series(((1.0, 1.0), (10.0**-decades, 10.0**-decades)), "s")], "x", "y")
    assert 2 <= len(re.findall(r">10<", svg)) <= 20


def test_guides_and_marks() -> None:
    guide = Series(((1.0, 1e9), (1e-5, 1e-19)), "theory", guide=True)
    svg = chart([LAW, guide], "x", "y", marks=[Mark(1e-3, 1e-6, "here")])
    assert svg.count("stroke-dasharray") == 3 and ">here<" in svg
    assert chart([LAW], "x", "y") == chart([LAW], "x", "y")


def test_what_cannot_be_drawn_is_said() -> None:
    with pytest.raises(DomainError, match="no points"):
        chart([], "x", "y")
    with pytest.raises(DomainError, match="positive"):
        chart([Series(((1.0, 0.0),), "s")], "x", "y")


def test_linear_axes_place_points_evenly() -> None:
    line = Series(tuple((float(k), 3.0 * k - 2) for k in range(5)), "line", look="line")
    svg = chart([line], "x", "y", scales=("linear", "linear"))
    root = ElementTree.fromstring(svg)
    group = next(g for g in root.iter(f"{SVG}g") if "clip-path" in g.attrib)
    assert not list(group.iter(f"{SVG}circle"))
    path = next(group.iter(f"{SVG}path")).attrib["d"]
    points = [(float(a), float(b)) for a, b in re.findall(r"([\d.]+) ([\d.]+)", path)]
    steps = [(b[0] - a[0], a[1] - b[1]) for a, b in itertools.pairwise(points)]
    assert all(abs(s[0] - steps[0][0]) < 0.2 and abs(s[1] - steps[0][1]) < 0.2 for s in steps)


def test_points_alone_have_no_line() -> None:
    svg = chart([Series(((1.0, 1.0), (2.0, 3.0)), "trials", look="points")], "x", "y", scales=("linear", "log"))
    root = ElementTree.fromstring(svg)
    group = next(g for g in root.iter(f"{SVG}g") if "clip-path" in g.attrib)
    assert len(list(group.iter(f"{SVG}circle"))) == 2 and not list(group.iter(f"{SVG}path"))


def test_a_long_key_makes_the_page_taller_not_the_frame_smaller() -> None:
    few, many = (
        chart([Series(LAW.points, f"a rather long label, number {k}") for k in range(n)], "x", "y") for n in (1, 12)
    )
    heights = [float(re.search(r'height="([\d.]+)" viewBox', svg)[1]) for svg in (few, many)]  # type: ignore[index]
    frames = [re.search(r'<clipPath[^>]*><rect x="[\d.]+" y="[\d.]+" width="[\d.]+" height="([\d.]+)"', svg)[1]  # type: ignore[index]
              for svg in (few, many)]  # fmt: skip
    assert heights[0] == HEIGHT < heights[1] and frames[0] == frames[1]


def test_texts_from_right_to_left_say_so() -> None:
    svg = chart([LAW], "گام h", "error", title="خطا")
    texts = {"".join(t.itertext()): t.attrib for t in ElementTree.fromstring(svg).iter(f"{SVG}text")}
    assert texts["خطا"]["direction"] == "rtl" and texts["خطا"]["text-anchor"] == "end"
    assert texts["گام h"]["direction"] == "rtl" and texts["گام h"]["text-anchor"] == "middle"
    assert "direction" not in texts["error"]
