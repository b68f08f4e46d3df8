"""A TOML file read strictly: every field asked for by type, every fault told with file, field and line.

`read_table` gives the whole file as a `Table`; its methods hand out fields as texts, names, choices,
numbers or further tables, and `finish` refuses keys that nobody asked for.  What the fields mean is
not known here; `symgrad.bank.exercise` knows it.

>>> table = Table({"layuot": "gradient"}, Path("quiz.toml"), 'layuot = "gradient"', ())
>>> try: table.choice("layout", ["gradient", "numerator"])
... except ParseError as error: print(error)
column 1: quiz.toml: layuot: the key layout is missing
  layuot = "gradient"
  ^^^^^^
  try: layout in place of layuot
"""

from __future__ import annotations

import difflib
import math
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn, cast

from symgrad.errors import LimitError, ParseError, Span, SymgradError, UnknownNameError, did_you_mean

Numbers = float | tuple["Numbers", ...]

MAX_CHARACTERS = 1_000_000
MAX_AXES = 4

LINE = re.compile(r"\s*(?:(?P<open>\[\[?)(?P<table>[\w .-]+)\]|(?P<keys>[\w-]+(?:\s*\.\s*[\w-]+)*)\s*=)")

Place = tuple[str | int, ...]


def read_table(path: Path) -> Table:
    """The whole file as a table.  Raises UnknownNameError, ParseError or LimitError, each naming the file."""
    text = _read(path)
    return Table(_parse(path, text), path, text, ())


def _read(path: Path) -> str:
    try:
        text = path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ParseError(f"{path}: line {line}: this is not UTF-8", hint="save the file as UTF-8") from error
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        near = did_you_mean(path.name, (p.name for p in path.parent.glob("*.toml"))) if path.parent.is_dir() else None
        raise UnknownNameError(f"{path}: cannot be read: {reason}", hint=near) from error
    if len(text) > MAX_CHARACTERS:
        raise LimitError(f"{path}: {len(text)} characters; an exercise has at most {MAX_CHARACTERS}")
    return text


def _parse(path: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise LimitError(f"{path}: brackets are nested too deeply") from error
    except ValueError as error:  # TOMLDecodeError, or an integer with too many digits
        message, span = _toml_place(str(error), text)
        raise ParseError(f"{path}: this is not TOML: {message}", text=text, span=span) from error


def _toml_place(message: str, text: str) -> tuple[str, Span | None]:
    """tomllib tells the place only in its message."""
    found = re.search(r" \((?:at line (\d+), column (\d+)|at end of document)\)$", message)
    if found is None:
        return message, None
    if found[1] is None:
        return message[: found.start()] + " at the end of the file", (len(text), len(text))
    start = sum(len(line) for line in text.split("\n")[: int(found[1]) - 1]) + int(found[1]) - 1 + int(found[2]) - 1
    return message[: found.start()], (start, start + 1)


class Table:
    """One table of the file: hands out its fields by type and refuses what nobody asked for.

    `place` is the way here: names of tables, and the number of a question from 0.
    """

    def __init__(self, data: Mapping[str, Any], path: Path, text: str, place: tuple[str | int, ...]):
        self.data, self.path, self.text, self.place = data, path, text, place
        self.known: list[str] = []

    def refuse(
        self, key: str, message: str, error: type[SymgradError] = ParseError, hint: str | None = None
    ) -> NoReturn:
        """Raise an error about this key, with its place in the file where that can be found."""
        place = (*self.place, key) if key else self.place
        span = _key_span(self.text, place)
        told = ": ".join(filter(None, (str(self.path), _place_name(place), message)))
        raise error(told, text=self.text if span else None, span=span, hint=hint)

    def has(self, key: str) -> bool:
        self.known.append(key)
        return key in self.data

    def raw(self, key: str) -> Any:
        if not self.has(key):
            close = difflib.get_close_matches(key, self.data, n=1, cutoff=0.6)
            if close:
                self.refuse(close[0], f"the key {key} is missing", hint=f"{key} in place of {close[0]}")
            self.refuse("", f"the key {key} is missing")
        return self.data[key]

    def string(self, key: str) -> str:
        value = self.raw(key)
        if not isinstance(value, str) or not value.strip():
            self.refuse(key, "a text that is not empty is wanted here")
        return value.strip()

    def name(self, key: str) -> str:
        value = self.string(key)
        if not value.isidentifier():
            self.refuse(key, f"{value!r} is not the name of a variable")
        return value

    def slug(self, key: str) -> str:
        value = self.string(key)
        if re.fullmatch(r"[A-Za-z0-9]+([-_][A-Za-z0-9]+)*", value) is None:
            self.refuse(key, f"{value!r} is not an id: letters, digits and single hyphens", hint="linear-form")
        return value

    def integer(self, key: str, least: int, most: int) -> int:
        value = self.raw(key)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            self.refuse(key, f"an integer from {least} to {most} is wanted here")
        return value

    def number(self, key: str, least: float, most: float) -> float:
        value = self.raw(key)
        if not isinstance(value, int | float) or isinstance(value, bool) or not least <= value <= most:
            self.refuse(key, f"a number from {least} to {most} is wanted here")
        return float(value)

    def choice(self, key: str, known: Iterable[str]) -> str:
        value = self.string(key)
        return self._one_of(key, value, tuple(known))

    def _one_of(self, key: str, value: str, known: Sequence[str]) -> str:
        if value not in known:
            hint = did_you_mean(value, known) or f"known: {', '.join(known)}"
            self.refuse(key, f"{value!r} is not known", UnknownNameError, hint)
        return value

    def sequence(self, key: str) -> list[Any]:
        value = self.raw(key)
        if not isinstance(value, list) or not value:
            self.refuse(key, "a list that is not empty is wanted here")
        return value

    def strings(self, key: str, single: bool = True) -> tuple[str, ...]:
        """A list of texts; one text alone stands for a list of one where `single`."""
        if single and isinstance(self.raw(key), str):
            return (self.string(key),)
        values = self.sequence(key)
        if not all(isinstance(value, str) and value.strip() for value in values):
            self.refuse(key, "a list of texts is wanted here")
        if len(set(values)) < len(values):
            self.refuse(key, "the list says the same thing twice")
        return tuple(values)

    def choices(self, key: str, known: Sequence[str]) -> tuple[str, ...]:
        return tuple(self._one_of(key, value, known) for value in self.strings(key))

    def names(self, key: str) -> tuple[str, ...]:
        values = (self.name(key),) if isinstance(self.raw(key), str) else self.sequence(key)
        if not all(isinstance(value, str) and value.isidentifier() for value in values):
            self.refuse(key, "a name of a variable, or a list of such names, is wanted here")
        return tuple(values)  # a name may stand twice: the second derivative by x is ["x", "x"]

    def numbers(self, key: str) -> Numbers:
        numbers, _ = self._numbers(key, self.raw(key), 0)
        return numbers

    def _numbers(self, key: str, value: Any, depth: int) -> tuple[Numbers, tuple[int, ...]]:
        if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
            return float(value), ()
        if not isinstance(value, list) or not value or depth == MAX_AXES:
            self.refuse(key, f"a finite number is wanted here, or lists of numbers, at most {MAX_AXES} deep")
        parts = [self._numbers(key, part, depth + 1) for part in value]
        shapes = {shape for _, shape in parts}
        if len(shapes) > 1:
            self.refuse(key, "the rows of numbers are not equally long")
        return tuple(numbers for numbers, _ in parts), (len(value), *shapes.pop())

    def number_list(self, key: str) -> tuple[float, ...]:
        numbers = self.numbers(key)
        if isinstance(numbers, float) or not all(isinstance(number, float) for number in numbers):
            self.refuse(key, "a list of numbers is wanted here")
        return cast(tuple[float, ...], numbers)

    def dimensions(self, key: str) -> tuple[int | str, ...]:
        for value in (values := self.sequence(key)):
            letter = isinstance(value, str) and value.isidentifier()
            if not letter and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
                self.refuse(key, f"{value!r} is not a dimension: letters or positive integers")
        return tuple(values)

    def table(self, key: str) -> Table:
        value = self.raw(key)
        if not isinstance(value, dict):
            self.refuse(key, "a table of keys and values is wanted here")
        return Table(value, self.path, self.text, (*self.place, key))

    def tables(self, key: str) -> list[Table]:
        values = self.sequence(key)
        if not all(isinstance(value, dict) for value in values):
            self.refuse(key, "a list of tables is wanted here")
        return [Table(value, self.path, self.text, (*self.place, key, number)) for number, value in enumerate(values)]

    def finish(self) -> None:
        """Call when every field was asked for: what is left over is an error."""
        for key in self.data:
            if key not in self.known:
                hint = did_you_mean(key, self.known) or f"known: {', '.join(sorted(set(self.known)))}"
                self.refuse(key, "no such key here", UnknownNameError, hint)


def _place_name(place: Place) -> str:
    """The place as people say it: `question 2.text.fa`."""
    name = ""
    for part in place:
        name += f" {part + 1}" if isinstance(part, int) else f".{part}" if name else part
    return name


def _key_span(text: str, place: Place) -> Span | None:
    """Where the key stands in the text, else where the innermost table around it does."""
    spans = _key_spans(text)
    return next((spans[place[:length]] for length in range(len(place), 0, -1) if place[:length] in spans), None)


def _key_spans(text: str) -> dict[Place, Span]:
    """Headers and `key =` with their places; texts that run over several lines are passed over."""
    spans: dict[Place, Span] = {}
    counts: dict[str, int] = {}
    header: Place = ()
    start, inside = 0, False
    for line in text.split("\n"):
        found = None if inside else LINE.match(line)
        if found and found["table"]:
            header = _header(found, counts)
            spans.setdefault(header, (start + found.start("table"), start + found.end("table")))
        elif found:
            keys = found["keys"].replace(" ", "").split(".")
            for length in range(1, len(keys) + 1):
                spans.setdefault((*header, *keys[:length]), (start + found.start("keys"), start + found.end("keys")))
        inside ^= (line.count('"""') + line.count("'''")) % 2 == 1
        start += len(line) + 1
    return spans


def _header(found: re.Match[str], counts: dict[str, int]) -> Place:
    """`[[question]]` opens the next question, `[question.text]` belongs to the latest."""
    first, *rest = found["table"].replace(" ", "").split(".")
    if found["open"] == "[[" and not rest:
        counts[first] = counts.get(first, -1) + 1
    return (first, counts[first], *rest) if first in counts else (first, *rest)
