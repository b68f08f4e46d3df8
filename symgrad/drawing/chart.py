"""Curves over two logarithmic axes, as SVG text: measured points, dashed guides, and a marked point.

A `Series` is plain data.  Axes reach over the points of all series but the guides, which are cut at the frame; decades
carry ticks and grid lines.  Nothing here knows what is drawn.

>>> svg = chart([Series(((1e-3, 1e-6), (1e-1, 1e-2)), "error")], "step", "error", title="a power law")
>>> svg.startswith("<svg "), svg.count("<circle") >= 2
(True, True)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from zlib import crc32

from symgrad.drawing.svg import FONTS, PAPER, measure
from symgrad.errors import DomainError

Point = tuple[float, float]
WIDTH, HEIGHT = 720.0, 470.0
LEFT, RIGHT, TOP, BOTTOM = 78.0, 24.0, 90.0, 62.0  # margins of the frame
TICKS = 9  # labels of an axis at most
INK, SOFT, GRID = "#1f2937", "#475569", "#e2e8f0"
COLOURS = ("#1d4ed8", "#c2410c", "#15803d", "#7e22ce")
GUIDES = ("#64748b", "#94a3b8")
KEY_ROW, KEY_GAP = 19.0, 20.0
DIGIT, EXPONENT = 0.56, 9.5  # width of a digit in sizes of the font; size of exponents
USUAL = 0.84  # of the upper estimate is how wide texts usually are


@dataclass(frozen=True, slots=True)
class Series:
    """Points with positive coordinates, and what they are called; a guide is a dashed line without marks."""

    points: tuple[Point, ...]
    label: str
    guide: bool = False


@dataclass(frozen=True, slots=True)
class Mark:
    """A point that is pointed out, and what is said of it."""

    x: float
    y: float
    label: str


@dataclass(frozen=True, slots=True)
class _Axes:
    """Decades, and where they are on the page."""

    left: float
    right: float
    low: float
    high: float

    def x(self, value: float) -> float:
        return LEFT + (math.log10(value) - self.left) / (self.right - self.left) * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        return HEIGHT - BOTTOM - (math.log10(value) - self.low) / (self.high - self.low) * (HEIGHT - TOP - BOTTOM)


def chart(
    series: Sequence[Series], x_label: str, y_label: str, *, title: str = "", marks: Sequence[Mark] = (), note: str = ""
) -> str:
    """The curves as the text of an SVG document; `note` describes them to who cannot see them.

    Raises DomainError where there is no point to draw, or one whose coordinates are not positive and finite.
    """
    axes = _axes([p for s in series if not s.guide for p in s.points] + [(m.x, m.y) for m in marks])
    about = note or "; ".join(s.label for s in series)
    stamp = f"{crc32((title + about).encode(errors='replace')):08x}"
    described = f'role="img" aria-labelledby="title-{stamp} desc-{stamp}"'
    size = f'width="{_n(WIDTH)}" height="{_n(HEIGHT)}" viewBox="0 0 {_n(WIDTH)} {_n(HEIGHT)}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {described} font-family="{FONTS}">',
        f'<title id="title-{stamp}">{escape(title or y_label)}</title>',
        f'<desc id="desc-{stamp}">{escape(about)}</desc>',
        f'<rect width="{_n(WIDTH)}" height="{_n(HEIGHT)}" rx="6" fill="{PAPER}"/>',
        _text(LEFT, 30, title, 16, INK, "start", ' font-weight="600"'),
        *_grid(axes),
        *_labels(x_label, y_label),
        *_key(series),
        f'<clipPath id="frame-{stamp}"><rect {_frame()}/></clipPath>',
        f'<g clip-path="url(#frame-{stamp})" fill="none" stroke-linejoin="round">',
        *_curves(series, axes),
        "</g>",
        *(line for mark in marks for line in _marked(mark, axes)),
    ]
    return "\n".join([*lines, "</svg>", ""])


def _axes(points: Sequence[Point]) -> _Axes:
    if not points:
        raise DomainError("there are no points to draw")
    if not all(math.isfinite(v) and v > 0 for p in points for v in p):
        raise DomainError("logarithmic axes need positive numbers")
    xs, ys = ([math.log10(p[i]) for p in points] for i in (0, 1))
    return _Axes(*_range(xs, 0.2), *_range(ys, 0.5))


def _range(logs: Sequence[float], room: float) -> tuple[float, float]:
    low, high = min(logs) - room, max(logs) + room
    return (low, high) if high - low > 2 else (low - 1, high + 1)


def _decades(low: float, high: float) -> list[int]:
    """Whole decades to label: all, every second, third, ..."""
    first, last = math.ceil(low), math.floor(high)
    step = next(s for s in range(1, 1000) if (last - first) // s < TICKS)
    return [k for k in range(first, last + 1) if k % step == 0]


def _grid(axes: _Axes) -> list[str]:
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
    across = [(axes.x(10.0**k), k) for k in _decades(axes.left, axes.right)]
    up = [(axes.y(10.0**k), k) for k in _decades(axes.low, axes.high)]
    lines = [f"M{_n(x)} {_n(TOP)}V{_n(bottom)}" for x, _ in across] + [
        f"M{_n(LEFT)} {_n(y)}H{_n(right)}" for y, _ in up
    ]
    ticks = [f"M{_n(x)} {_n(bottom)}v5" for x, _ in across] + [f"M{_n(LEFT)} {_n(y)}h-5" for y, _ in up]
    return [
        f'<path d="{"".join(lines)}" stroke="{GRID}" fill="none"/>',
        f'<path d="{"".join(ticks)}" stroke="{SOFT}" fill="none"/>',
        f'<rect {_frame()} fill="none" stroke="{SOFT}"/>',
        *(_power(x, bottom + 20, k, "middle") for x, k in across),
        *(_power(LEFT - 10, y + 4, k, "end") for y, k in up),
    ]


def _frame() -> str:
    width, height = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    return f'x="{_n(LEFT)}" y="{_n(TOP)}" width="{_n(width)}" height="{_n(height)}"'


def _power(x: float, y: float, k: int, anchor: str) -> str:
    """A power of ten: base and exponent stand as texts of their own, which every viewer places alike."""
    if k == 0:
        return _text(x, y, "1", 13, SOFT, anchor)
    exponent = str(k).replace("-", "\u2013")
    width = DIGIT * EXPONENT * len(exponent)
    meets = x - width if anchor == "end" else x + (DIGIT * 13 * 2 - width) / 2
    return _text(meets, y, "10", 13, SOFT, "end") + _text(meets + 1, y - 5, exponent, EXPONENT, SOFT, "start")


def _labels(x_label: str, y_label: str) -> list[str]:
    middle = (TOP + HEIGHT - BOTTOM) / 2
    turned = f' transform="rotate(-90 20 {_n(middle)})"'
    return [
        _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 18, x_label, 13.5, INK, "middle"),
        _text(20, middle, y_label, 13.5, INK, "middle", turned),
    ]


def _colour(series: Sequence[Series], i: int) -> str:
    palette = GUIDES if series[i].guide else COLOURS
    return palette[sum(s.guide == series[i].guide for s in series[:i]) % len(palette)]


def _key(series: Sequence[Series]) -> list[str]:
    """What each line means, above the frame, on as many rows as are needed."""
    lines, x, y = [], LEFT, 52.0
    for i, one in enumerate(series):
        width = 28 + USUAL * measure(one.label, 12.5)
        if x > LEFT and x + width > WIDTH - RIGHT:
            x, y = LEFT, y + KEY_ROW
        colour, dashed = _colour(series, i), ' stroke-dasharray="5 4"' if one.guide else ""
        lines.append(f'<path d="M{_n(x)} {_n(y)}h22" stroke="{colour}" stroke-width="2"{dashed}/>')
        if not one.guide:
            lines.append(f'<circle cx="{_n(x + 11)}" cy="{_n(y)}" r="3.2" fill="{colour}"/>')
        lines.append(_text(x + 28, y + 4, one.label, 12.5, INK, "start"))
        x += width + KEY_GAP
    return lines


def _curves(series: Sequence[Series], axes: _Axes) -> list[str]:
    lines = []
    for i, one in sorted(enumerate(series), key=lambda pair: not pair[1].guide):
        if not one.points:
            continue
        style = ' stroke-width="1.5" stroke-dasharray="5 4"' if one.guide else ' stroke-width="2"'
        colour = _colour(series, i)
        places = [(axes.x(x), axes.y(y)) for x, y in one.points]
        path = "M" + "L".join(f"{_n(x)} {_n(y)}" for x, y in places)
        lines.append(f'<path d="{path}" stroke="{colour}"{style}/>')
        if not one.guide:
            lines += [f'<circle cx="{_n(x)}" cy="{_n(y)}" r="3.2" fill="{colour}"/>' for x, y in places]
    return lines


def _marked(mark: Mark, axes: _Axes) -> list[str]:
    """A ring around the point, a line down to the axis, and its label beside that."""
    x, y, bottom = axes.x(mark.x), axes.y(mark.y), HEIGHT - BOTTOM
    width = USUAL * measure(mark.label, 12.5)
    before = x + 20 + width > WIDTH - RIGHT
    place = (x - 14, "end") if before else (x + 14, "start")
    left = place[0] - (width if before else 0) - 3
    return [
        f'<rect x="{_n(left)}" y="{_n(y - 10)}" width="{_n(width + 6)}" height="19" rx="3" fill="{PAPER}"/>',
        f'<path d="M{_n(x)} {_n(y + 7)}V{_n(bottom)}" stroke="{INK}" stroke-dasharray="2 3" fill="none"/>',
        f'<circle cx="{_n(x)}" cy="{_n(y)}" r="7" fill="none" stroke="{INK}" stroke-width="1.6"/>',
        _text(place[0], y + 4, mark.label, 12.5, INK, place[1]),
    ]


def _text(x: float, y: float, text: str, size: float, colour: str, anchor: str, rest: str = "") -> str:
    place = f'x="{_n(x)}" y="{_n(y)}" font-size="{_n(size)}" fill="{colour}" text-anchor="{anchor}"'
    return f"<text {place}{rest}>{escape(text)}</text>"


def _n(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")
