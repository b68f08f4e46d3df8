"""Update rules as lectures print them, a few lines of Python, read as a program of the text language.

`cache += dx ** 2` becomes `cache_1 = cache + (dx .^ 2)`: a name that is assigned again gets a new one, so that every
line is an equation.  Headers of loops and assignments that a comment stands for are passed over.  A dash that stands
for a minus is read as one and reported: Python refuses it.  Nothing is run.

>>> read_code("cache += dx ** 2\\nx += -rate * dx / (np.sqrt(cache) + 1e-7)").text
'cache_1 = cache + (dx .^ 2)\\nx_1 = x + (-rate .* dx ./ (sqrt(cache_1) + 1e-7))'
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from symgrad.errors import LimitError, ParseError

MOST_LINES = 100
DASHES = "\u2012\u2013\u2014\u2015"  # figure dash, en dash, em dash, horizontal bar
_DASH = re.compile(f"[{DASHES}]")
_HEADER = re.compile(r"(?:for|while)\b.*:")
_EMPTY = re.compile(r"[^\W\d]\w*(?:\s*,\s*[^\W\d]\w*)*\s*=\s*")  # its value is a comment
_ASSIGNMENT = re.compile(r"([^\W\d]\w*)\s*(\*\*|//|[-+*/])?=(?!=)\s*(.+)")
_NAME = re.compile(r"(?<![\w.])[^\W\d]\w*")
_LIBRARY = re.compile(r"(?<![\w.])(?:np|numpy|math)\.(?=\w)")
_OPERATOR = re.compile(r"\*\*|\*|/")
_ENTRYWISE = {"**": ".^", "*": ".*", "/": "./"}


@dataclass(frozen=True, slots=True)
class Reading:
    """Code as equations.

    lines    target and value of each, in the text language, no target twice
    last     name in the code -> the target that holds its last value
    dashes   the numbers of the lines in which a dash stands for a minus
    """

    lines: tuple[tuple[str, str], ...]
    last: dict[str, str]
    dashes: tuple[int, ...]

    @property
    def text(self) -> str:
        """The program."""
        return "\n".join(f"{target} = {value}" for target, value in self.lines)

    @property
    def free(self) -> tuple[str, ...]:
        """The names that are read before anything is assigned to them."""
        targets = {target for target, _ in self.lines}
        return tuple(dict.fromkeys(n for _, value in self.lines for n in _variables(value) if n not in targets))


def read_code(code: str) -> Reading:
    """The equations of a few lines of Python.  Raises ParseError naming a line that assigns nothing, LimitError."""
    rows = code.splitlines()
    if len(rows) > MOST_LINES:
        raise LimitError(f"{len(rows)} lines; a rule has at most {MOST_LINES}")
    taken = {n for row in rows for n in _NAME.findall(row)}
    lines: list[tuple[str, str]] = []
    last: dict[str, str] = {}
    for number, row in enumerate(rows, 1):
        found = _assignment(row, number)
        if found is not None:
            name, value = found
            value = _NAME.sub(lambda m: last.get(m[0], m[0]), value)
            last[name] = _fresh(name, taken)
            lines.append((last[name], value))
    if not lines:
        raise ParseError("there is no line of a rule", hint="x += -learning_rate * dx")
    return Reading(tuple(lines), last, tuple(k for k, row in enumerate(rows, 1) if _DASH.search(_code(row))))


def _code(row: str) -> str:
    return row.partition("#")[0].strip().rstrip(";")


def _assignment(row: str, number: int) -> tuple[str, str] | None:
    """Name and value of a line, `x += v` written out; None where there is nothing to compute."""
    said = _code(_DASH.sub("-", row))
    if not said or _HEADER.fullmatch(said) or _EMPTY.fullmatch(said):
        return None
    found = _ASSIGNMENT.fullmatch(said)
    if found is None:
        raise ParseError(f"line {number} assigns nothing: {said}", hint="x += -learning_rate * dx")
    name, operator, value = found.groups()
    value = _OPERATOR.sub(lambda m: _ENTRYWISE[m[0]], _LIBRARY.sub("", value))
    if operator == "//":
        raise ParseError(f"line {number}: no rule divides with a remainder: {said}")
    if operator is None:
        return name, value
    return name, f"{name} {_ENTRYWISE.get(operator, operator)} ({value})"


def _fresh(name: str, taken: set[str]) -> str:
    """A name that the code does not have: v_1, v_2, ..."""
    new = next(f"{name}_{k}" for k in range(1, len(taken) + 2) if f"{name}_{k}" not in taken)
    taken.add(new)
    return new


def _variables(value: str) -> Iterator[str]:
    """The names in a value, functions aside."""
    for found in _NAME.finditer(value):
        if not value[found.end() :].lstrip().startswith("("):
            yield found[0]
