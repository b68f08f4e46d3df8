"""Curves over two axes, logarithmic unless said otherwise, as SVG text: measured points, lines, guides, a marked point.

A `Series` is plain data.  Axes reach over the points of all series but the guides, which are cut at the frame; decades
and round numbers carry ticks and grid lines.  Contour lines may stand behind.  Nothing here knows what is drawn.

>>> svg = chart([Series(((1e-3, 1e-6), (1e-1, 1e-2)), "error")], "step", "error", title="a power law")
>>> svg.startswith("<svg "), svg.count("<circle") >= 2
(True, True)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal
from unicodedata import bidirectional
from zlib import crc32

from symgrad.drawing.axis import Axis, Scale
from symgrad.drawing.svg import FONTS, PAPER, measure

Point = tuple[float, float]
Limits = tuple[float, float] | None
Look = Literal["marked", "line", "points"]
WIDTH, HEIGHT = 720.0, 470.0
LEFT, RIGHT, TOP, BOTTOM = 78.0, 24.0, 90.0, 62.0  # margins of the frame
INK, SOFT, GRID = "#1f2937", "#475569", "#e2e8f0"
COLOURS = ("#1d4ed8", "#c2410c", "#15803d", "#7e22ce", "#0e7490", "#be185d", "#a16207", "#475569")
CONTOUR = "#cbd5e1"
ROWS = 2  # of the key, for which there is room above the frame
ROOM = {"log": (0.2, 0.5), "linear": (0.04, 0.06)}  # beside the points, on the x and the y axis
GUIDES = ("#64748b", "#94a3b8")
KEY_ROW, KEY_GAP = 19.0, 20.0
MANY = 60  # points of a series, beyond which their marks are small
DIGIT, EXPONENT = 0.56, 9.5  # width of a digit in sizes of the font; size of exponents
USUAL = 0.84  # of the upper estimate is how wide texts usually are


@dataclass(frozen=True, slots=True)
class Series:
    """Points, and what they are called; a guide is a dashed line without marks.

    `look`: a line with a mark at each point, a line alone, or marks alone.
    """

    points: tuple[Point, ...]
    label: str
    guide: bool = False
    look: Look = "marked"


@dataclass(frozen=True, slots=True)
class Mark:
    """A point that is pointed out, and what is said of it."""

    x: float
    y: float
    label: str


@dataclass(frozen=True, slots=True)
class _Axes:
    """Both axes, and where they are on the page; `top` is where the frame begins."""

    across: Axis
    up: Axis
    top: float

    def x(self, value: float) -> float:
        return LEFT + self.across.at(value) * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        return self.bottom - self.up.at(value) * (self.bottom - self.top)

    @property
    def bottom(self) -> float:
        return self.height - BOTTOM

    @property
    def height(self) -> float:
        return HEIGHT + self.top - TOP


def chart(
    series: Sequence[Series],
    x_label: str,
    y_label: str,
    *,
    title: str = "",
    marks: Sequence[Mark] = (),
    note: str = "",
    scales: tuple[Scale, Scale] = ("log", "log"),
    limits: tuple[Limits, Limits] = (None, None),
    contours: Sequence[Sequence[Point]] = (),
) -> str:
    """The curves as the text of an SVG document; `note` describes them to who cannot see them.

    `limits` are the ends of the axes where they shall not reach over all points; curves are cut at the frame.
    Raises DomainError where there is no point to draw, or one that cannot stand on its axis.
    """
    points = [p for s in series if not s.guide for p in s.points] + [(m.x, m.y) for m in marks]
    axes = _axes(points, series, scales, limits)
    about = note or "; ".join(s.label for s in series)
    stamp = f"{crc32((title + about).encode(errors='replace')):08x}"
    described = f'role="img" aria-labelledby="title-{stamp} desc-{stamp}"'
    size = f'width="{_n(WIDTH)}" height="{_n(axes.height)}" viewBox="0 0 {_n(WIDTH)} {_n(axes.height)}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {described} font-family="{FONTS}">',
        f'<title id="title-{stamp}">{escape(title or y_label)}</title>',
        f'<desc id="desc-{stamp}">{escape(about)}</desc>',
        f'<rect width="{_n(WIDTH)}" height="{_n(axes.height)}" rx="6" fill="{PAPER}"/>',
        _text(LEFT, 30, title, 16, INK, "start", ' font-weight="600"'),
        *_grid(axes),
        *_labels(x_label, y_label, axes),
        *_key(series)[0],
        f'<clipPath id="frame-{stamp}"><rect {_frame(axes)}/></clipPath>',
        f'<g clip-path="url(#frame-{stamp})" fill="none" stroke-linejoin="round">',
        *_contours(contours, axes),
        *_curves(series, axes),
        "</g>",
        *(line for mark in marks for line in _marked(mark, axes)),
    ]
    return "\n".join([*lines, "</svg>", ""])


def _axes(
    points: Sequence[Point], series: Sequence[Series], scales: tuple[Scale, Scale], limits: tuple[Limits, Limits]
) -> _Axes:
    across, up = (
        Axis.over([p[i] for p in points], scales[i], ROOM[scales[i]][i], limits[i] if points else None) for i in (0, 1)
    )
    return _Axes(across, up, TOP + KEY_ROW * max(0, _key(series)[1] - ROWS))


def _grid(axes: _Axes) -> list[str]:
    right, bottom = WIDTH - RIGHT, axes.bottom
    across = [(axes.x(value), label) for value, label in axes.across.ticks()]
    up = [(axes.y(value), label) for value, label in axes.up.ticks()]
    lines = [f"M{_n(x)} {_n(axes.top)}V{_n(bottom)}" for x, _ in across] + [
        f"M{_n(LEFT)} {_n(y)}H{_n(right)}" for y, _ in up
    ]
    ticks = [f"M{_n(x)} {_n(bottom)}v5" for x, _ in across] + [f"M{_n(LEFT)} {_n(y)}h-5" for y, _ in up]
    return [
        f'<path d="{"".join(lines)}" stroke="{GRID}" fill="none"/>',
        f'<path d="{"".join(ticks)}" stroke="{SOFT}" fill="none"/>',
        f'<rect {_frame(axes)} fill="none" stroke="{SOFT}"/>',
        *(_tick(x, bottom + 20, label, "middle") for x, label in across),
        *(_tick(LEFT - 10, y + 4, label, "end") for y, label in up),
    ]


def _frame(axes: _Axes) -> str:
    width, height = WIDTH - LEFT - RIGHT, axes.bottom - axes.top
    return f'x="{_n(LEFT)}" y="{_n(axes.top)}" width="{_n(width)}" height="{_n(height)}"'


def _tick(x: float, y: float, label: str, anchor: str) -> str:
    """A number; of a power of ten, base and exponent stand as texts of their own, which every viewer places alike."""
    _, power, exponent = label.partition("10^")
    if not power:
        return _text(x, y, label, 13, SOFT, anchor)
    exponent = exponent.replace("-", "\u2013")
    width = DIGIT * EXPONENT * len(exponent)
    meets = x - width if anchor == "end" else x + (DIGIT * 13 * 2 - width) / 2
    return _text(meets, y, "10", 13, SOFT, "end") + _text(meets + 1, y - 5, exponent, EXPONENT, SOFT, "start")


def _labels(x_label: str, y_label: str, axes: _Axes) -> list[str]:
    middle = (axes.top + axes.bottom) / 2
    turned = f' transform="rotate(-90 20 {_n(middle)})"'
    return [
        _text((LEFT + WIDTH - RIGHT) / 2, axes.height - 18, x_label, 13.5, INK, "middle"),
        _text(20, middle, y_label, 13.5, INK, "middle", turned),
    ]


def _colour(series: Sequence[Series], i: int) -> str:
    palette = GUIDES if series[i].guide else COLOURS
    return palette[sum(s.guide == series[i].guide for s in series[:i]) % len(palette)]


def _key(series: Sequence[Series]) -> tuple[list[str], int]:
    """What each line means, above the frame, on as many rows as are needed; and their number."""
    lines, x, y, rows = [], LEFT, 52.0, 1
    for i, one in enumerate(series):
        width = 28 + USUAL * measure(one.label, 12.5)
        if x > LEFT and x + width > WIDTH - RIGHT:
            x, y, rows = LEFT, y + KEY_ROW, rows + 1
        colour, dashed = _colour(series, i), ' stroke-dasharray="5 4"' if one.guide else ""
        if one.look != "points":
            lines.append(f'<path d="M{_n(x)} {_n(y)}h22" stroke="{colour}" stroke-width="2"{dashed}/>')
        if not one.guide and one.look != "line":
            lines.append(f'<circle cx="{_n(x + 11)}" cy="{_n(y)}" r="3.2" fill="{colour}"/>')
        lines.append(_text(x + 28, y + 4, one.label, 12.5, INK, "start"))
        x += width + KEY_GAP
    return lines, rows


def _contours(contours: Sequence[Sequence[Point]], axes: _Axes) -> list[str]:
    """All contour lines as one path."""
    path = "".join("M" + "L".join(f"{_n(axes.x(x))} {_n(axes.y(y))}" for x, y in line) for line in contours)
    return [f'<path d="{path}" stroke="{CONTOUR}"/>'] if path else []


def _curves(series: Sequence[Series], axes: _Axes) -> list[str]:
    lines = []
    for i, one in sorted(enumerate(series), key=lambda pair: not pair[1].guide):
        if not one.points:
            continue
        style = ' stroke-width="1.5" stroke-dasharray="5 4"' if one.guide else ' stroke-width="2"'
        colour = _colour(series, i)
        places = [(axes.x(x), axes.y(y)) for x, y in one.points]
        path = "M" + "L".join(f"{_n(x)} {_n(y)}" for x, y in places)
        if one.look != "points":
            lines.append(f'<path d="{path}" stroke="{colour}"{style}/>')
        if not one.guide and one.look != "line":
            size = "3.2" if len(places) <= MANY else "2.1"
            lines += [f'<circle cx="{_n(x)}" cy="{_n(y)}" r="{size}" fill="{colour}"/>' for x, y in places]
    return lines


def _marked(mark: Mark, axes: _Axes) -> list[str]:
    """A ring around the point, and for a label a line down to the axis and the label beside it."""
    x, y, bottom = axes.x(mark.x), axes.y(mark.y), axes.bottom
    width = USUAL * measure(mark.label, 12.5)
    before = x + 20 + width > WIDTH - RIGHT
    place = (x - 14, "end") if before else (x + 14, "start")
    left = place[0] - (width if before else 0) - 3
    ring = f'<circle cx="{_n(x)}" cy="{_n(y)}" r="7" fill="none" stroke="{INK}" stroke-width="1.6"/>'
    if not mark.label:
        return [ring]
    return [
        f'<rect x="{_n(left)}" y="{_n(y - 10)}" width="{_n(width + 6)}" height="19" rx="3" fill="{PAPER}"/>',
        f'<path d="M{_n(x)} {_n(y + 7)}V{_n(bottom)}" stroke="{INK}" stroke-dasharray="2 3" fill="none"/>',
        ring,
        _text(place[0], y + 4, mark.label, 12.5, INK, place[1]),
    ]


def _text(x: float, y: float, text: str, size: float, colour: str, anchor: str, rest: str = "") -> str:
    """A text in its own direction; one that runs from right to left still begins or ends at the same side of `x`."""
    if _from_right(text):
        anchor, rest = {"start": "end", "end": "start"}.get(anchor, anchor), rest + ' direction="rtl"'
    place = f'x="{_n(x)}" y="{_n(y)}" font-size="{_n(size)}" fill="{colour}" text-anchor="{anchor}"'
    return f"<text {place}{rest}>{escape(text)}</text>"


def _from_right(text: str) -> bool:
    """Whether the first letter is one of a script that is written from right to left."""
    kinds = (bidirectional(c) for c in text)
    return next((kind for kind in kinds if kind in ("L", "R", "AL")), "L") != "L"


def _n(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")
