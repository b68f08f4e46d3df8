"""Findings shown to people: text, colours in a terminal (rich), preformatted text in a notebook.

A finding has `text()` and says with `good` whether it is right (True), wrong (False) or open (None).

>>> class Found(Shown):
...     good = True
...     def text(self):
...         return "1 < 2"
>>> str(Found()), Found()._repr_html_()
('1 < 2', '<pre><b style="color:green">1 &lt; 2</b></pre>')
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.text import Text

_COLOURS = {True: "green", False: "red", None: "darkorange"}


class Shown:
    """What renders itself by its text; the first line is coloured."""

    __slots__ = ()

    @property
    def good(self) -> bool | None:
        """Whether what was found is right; None where it is open."""
        raise NotImplementedError

    def text(self) -> str:
        """What was found, as plain text."""
        raise NotImplementedError

    def __str__(self) -> str:
        return self.text()

    def __rich__(self) -> Text:
        from rich.text import Text

        first, _, rest = self.text().partition("\n")
        colour = {True: "green", False: "red", None: "yellow"}[self.good]
        text = Text(first, style=f"bold {colour}")
        return text.append(f"\n{rest}", style="not bold default") if rest else text

    def _repr_html_(self) -> str:
        first, _, rest = self.text().partition("\n")
        tail = f"\n{escape(rest)}" if rest else ""
        return f'<pre><b style="color:{_COLOURS[self.good]}">{escape(first, quote=False)}</b>{tail}</pre>'
