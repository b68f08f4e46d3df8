"""Tables (CSV) -> submissions, one record at a time, so that nobody's quotes swallow the neighbours.

A record may run over several lines between quotes.  Where quotes are never closed, or a line that goes on is itself
the record of a known question, the line at fault is taken alone, and the next one starts anew.
Separators are `,` `;` or tabs; the head names the columns (`submission.columns`), or every question has its own.

>>> import io
>>> text = 'student,question,answer\\nAli,q1,"x\\'*A\\nSara,q1,"dot(x, y)"\\n'
>>> [(s.student, s.answer) for s in read_table(io.StringIO(text), "q1".__eq__)]
[('Ali', "x'*A"), ('Sara', 'dot(x, y)')]
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TextIO

from symgrad.bank.grading.submission import LINE_LIMIT, Found, Known, Submission, Unusable, columns
from symgrad.errors import ParseError

SEPARATORS = ",;\t|"
MOST_LINES = 2000  # of one record
LEAST_WIDE = 2  # columns of a table with a column for each question
HINT = "a head such as student,question,answer"

Row = list[str]


@dataclass
class Lines:
    """The lines of a file with their numbers; a line may be given back."""

    file: TextIO
    number: int = 0
    waiting: deque[tuple[int, str]] = field(default_factory=deque)

    def next(self) -> tuple[int, str] | None:
        """The next line, cut where it is too long."""
        if self.waiting:
            return self.waiting.popleft()
        line = self.file.readline(LINE_LIMIT)
        if not line:
            return None
        self.number += 1
        if len(line) >= LINE_LIMIT and not line.endswith("\n"):
            while (rest := self.file.readline(LINE_LIMIT)) and not rest.endswith("\n"):
                pass
        return self.number, line

    def give_back(self, lines: Sequence[tuple[int, str]]) -> None:
        """Lines that turned out to belong to later records."""
        self.waiting.extendleft(reversed(lines))


def read_table(file: TextIO, known: Known) -> Iterator[Found]:
    """The submissions of a table.  Raises ParseError where its head cannot be used."""
    lines = Lines(file)
    head = _head(lines)
    if head is None:
        return
    table = _table(head, known)
    if table.headless:
        lines.give_back([head])
    while (line := lines.next()) is not None:
        if line[1].strip():
            yield from table.found(*table.record(line, lines))


def _head(lines: Lines) -> tuple[int, str] | None:
    """The first line that is not empty and does not only name the separator (sep=;)."""
    while (line := lines.next()) is not None:
        if line[1].strip() and not line[1].lower().startswith("sep="):
            return line
    return None


@dataclass(frozen=True)
class Table:
    """The form of a table: its separator, where what stands, and the columns that are questions."""

    separator: str
    width: int
    places: dict[str, int]
    wide: dict[int, str]
    known: Known
    headless: bool = False

    # --- records

    def record(self, first: tuple[int, str], lines: Lines) -> tuple[int, Row | None]:
        """The line's number and the fields of the record that starts with it; none where it does not end."""
        taken, text, quotes = [first], first[1], 0
        while True:
            quotes += taken[-1][1].count('"')
            row, unclosed = self._parsed(text) if quotes % 2 == 0 or len(taken) == 1 else (None, True)
            if row is not None:
                return first[0], row
            line = lines.next() if unclosed else None
            if line is None or self._is_record(line[1]):
                lines.give_back([*taken[1:], *([line] if line is not None else [])])
                return first[0], self._alone(first[1])
            taken.append(line)
            if len(taken) > MOST_LINES or len(text) + len(line[1]) > LINE_LIMIT:
                self._skip(line[1], lines)
                return first[0], None
            text += line[1]

    def _parsed(self, text: str) -> tuple[Row | None, bool]:
        """The fields, or none and whether quotes are still open."""
        try:
            rows = list(csv.reader([text], delimiter=self.separator, strict=True))
            return (rows[0] if rows else []), False
        except csv.Error as error:
            return None, "unexpected end" in str(error)

    def _is_record(self, line: str) -> bool:
        """Whether a line is a record on its own, of a question that is known."""
        row, _ = self._parsed(line)
        if row is None:
            row = self._alone(line)
        if self.wide or len(row) != self.width:
            return len(row) == self.width
        return self.known(row[self.places["question"]])

    def _skip(self, line: str, lines: Lines) -> None:
        """Pass over the rest of a record that is too long: to its closing quote, or to what is a record."""
        while line.count('"') % 2 == 0:
            following = lines.next()
            if following is None:
                return
            if self._is_record(following[1]):
                lines.give_back([following])
                return
            line = following[1]

    def _alone(self, line: str) -> Row:
        """The fields of a line whose quotes are not in order."""
        plain = line.rstrip("\r\n")
        try:
            [row] = csv.reader([plain], delimiter=self.separator)
        except (csv.Error, ValueError):
            row = []
        return row if len(row) == self.width else plain.split(self.separator, self.width - 1)

    # --- submissions

    def found(self, number: int, row: Row | None) -> Iterator[Found]:
        """What a record hands in."""
        if row is None:
            yield Unusable(f"line {number}", f"quotes that are open for more than {MOST_LINES} lines")
            return
        if len(row) > self.width and not self.wide and self.places["answer"] == self.width - 1:
            row = [*row[: self.width - 1], self.separator.join(row[self.width - 1 :])]
        where = f"line {number}"
        if len(row) <= max(self.places.values()):
            yield Unusable(where, f"{len(row)} columns, {self.width} are wanted", row[0] if row else "")
            return
        student = row[self.places["student"]]
        if not self.wide:
            yield Submission(student, row[self.places["question"]], row[self.places["answer"]], number)
            return
        for place, question in self.wide.items():
            if place < len(row) and row[place].strip():
                yield Submission(student, question, row[place], number)


def _table(head: tuple[int, str], known: Known) -> Table:
    """The form that the head says, by the separator that makes the most of it."""
    tables = filter(None, (_read_head(head[1], s, known) for s in SEPARATORS))
    best = max(tables, key=lambda table: (len(table.places) == 3, len(table.wide)), default=None)
    if best is None:
        message = "the head names no columns for student, question and answer"
        raise ParseError(message, text=head[1].rstrip("\r\n")[:LINE_LIMIT], span=(0, 1), hint=HINT)
    return best


def _read_head(head: str, separator: str, known: Known) -> Table | None:
    try:
        [row] = csv.reader([head], delimiter=separator)
    except (csv.Error, ValueError):
        return None
    places = columns(row)
    if len(places) == 3:
        return Table(separator, len(row), places, {}, known)
    wide = {i: title for i, title in enumerate(row) if known(title)}
    if "student" in places and wide and len(row) >= LEAST_WIDE:
        return Table(separator, len(row), {"student": places["student"]}, wide, known)
    if len(row) == 3 and known(row[1]):
        return Table(separator, 3, {"student": 0, "question": 1, "answer": 2}, {}, known, headless=True)
    return None
