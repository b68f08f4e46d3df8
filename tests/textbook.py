"""The table `cookbook/textbook.txt`: problems with the answers that a textbook prints; how symbols are counted.

>>> symbols("2*X'*(X*w - y)")
12
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from symgrad.notation.tokens import tokenize

TABLE = Path(__file__).parent / "cookbook" / "textbook.txt"


@dataclass(frozen=True)
class Problem:
    """d expression / d wrt = answer, in the default layout; `answer` is empty where none was written."""

    section: str
    where: str
    level: int
    expression: str
    wrt: str  # several names, separated by blanks, for higher orders
    answer: str
    domain: str

    def __str__(self) -> str:
        return f"{self.expression} by {self.wrt}"


def symbols(text: str) -> int:
    """How many symbols a text has: names, numbers, operators, functions, brackets, commas; no line ends."""
    return sum(kind not in ("end", "separator") for kind, *_ in tokenize(text))


def problems() -> Iterator[Problem]:
    """Every problem of the table, in its order."""
    section = where = ""
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif line.startswith("!"):
            where = line[1:].strip()
        elif line and not line.startswith("#"):
            level, expression, wrt, answer, *domain = (part.strip() for part in line.split("|"))
            yield Problem(section, where, int(level), expression, wrt, answer, domain[0] if domain else "real")
