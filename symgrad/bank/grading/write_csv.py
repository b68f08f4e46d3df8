"""A report as tables for spreadsheets: the answers, and the tallies by student, mistake and question.

Text that a spreadsheet would take for a formula gets an apostrophe in front (Source: OWASP, CSV injection).

>>> harmless("=HYPERLINK(1)"), harmless("-2*x"), harmless("x"), harmless(-0.5)
("'=HYPERLINK(1)", "'-2*x", 'x', '-0.5')
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import TextIO

from symgrad.bank.content import Language
from symgrad.bank.grading.outcome import VERDICTS
from symgrad.bank.grading.report import Report, Row
from symgrad.bank.grading.words import title_of, told, witness_in

_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%", "\uff1d", "\uff0b", "\uff0d", "\uff20")
ROWS = (
    "student", "question", "answer", "verdict", "points", "out_of", "mistakes", "explanation", "witness", "note",
    "attempts", "tries",
)  # fmt: skip


def harmless(value: object) -> str:
    """A cell that is nothing but text, or a number of ours."""
    text = str(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(_FORMULAS) else text


def write_rows(report: Report, file: TextIO, language: Language) -> None:
    """Who, what, the verdict, the mistakes by id, why, points."""
    judged: dict[tuple[str, str], Sequence[str]] = {}  # what is said of an answer is said of it every time

    def cells(row: Row) -> Iterator[object]:
        pair = row.question, row.answer
        if pair not in judged:
            outcome = row.outcome
            mistakes = " + ".join(outcome.mistakes)
            judged[pair] = (
                outcome.verdict,
                mistakes,
                told(outcome, language),
                witness_in(outcome, language),
                outcome.note,
            )
        verdict, *said = judged[pair]
        return chain((row.student, *pair, verdict, row.points, row.out_of), said, (row.attempts, row.tries))

    _write(file, ROWS, map(cells, report.rows()))


def write_students(report: Report, file: TextIO, _: Language) -> None:
    """Totals by student, with the number of answers by verdict."""
    rows = ((s.student, s.points, s.out_of, *_counts(s.verdicts)) for s in report.students)
    _write(file, ("student", "points", "out_of", *VERDICTS), rows)


def write_mistakes(report: Report, file: TextIO, language: Language) -> None:
    """The class's mistakes by frequency, with an example of each."""
    rows = (
        (m.mistake, title_of(m.mistake, language), m.answers, m.students, m.question, m.example)
        for m in report.mistakes
    )
    _write(file, ("mistake", "title", "answers", "students", "question", "example"), rows)


def write_questions(report: Report, file: TextIO, _: Language) -> None:
    """The questions, the hardest first."""
    rows = (
        (q.id, q.points, q.answers, q.share, q.mistake or "", q.expected, *_counts(q.verdicts))
        for q in report.questions
    )
    _write(file, ("question", "points", "answers", "share", "mistake", "expected", *VERDICTS), rows)


def _counts(verdicts: Mapping[str, int]) -> Sequence[int]:
    return [verdicts.get(verdict, 0) for verdict in VERDICTS]


def _write(file: TextIO, head: Sequence[str], rows: Iterable[Iterable[object]]) -> None:
    file.write("\ufeff")  # or spreadsheets would not read Persian
    writer = csv.writer(file)
    writer.writerow(head)
    writer.writerows([harmless(cell) for cell in row] for row in rows)
