"""A report as JSON, written as it is made; the fields are stable (docs/grading.md)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, TextIO

from symgrad.bank.grading.report import Report, Row


def data(report: Report) -> Iterator[tuple[str, Any]]:
    """The fields in turn; long lists as iterators."""
    yield (
        "summary",
        {
            "students": len(report.roll.students),
            "submissions": report.submitted,
            "distinct_answers": report.distinct_answers,
            "graded_now": report.graded,
            "unused": report.unused,
            "attempts": report.attempts,
            "out_of": report.out_of,
            "verdicts": report.verdicts,
        },
    )
    yield "rows", map(_row, report.rows())
    yield "students", (asdict(s) for s in report.students)
    yield "mistakes", ({**asdict(m), "mistake": m.mistake or None} for m in report.mistakes)
    yield "questions", (asdict(q) for q in report.questions)
    yield "unused", (asdict(u) for u in report.skipped)


def _row(row: Row) -> dict[str, Any]:
    outcome = row.outcome
    return {
        "student": row.student,
        "question": row.question,
        "answer": row.answer,
        "verdict": outcome.verdict,
        "points": row.points,
        "out_of": row.out_of,
        "mistakes": list(outcome.mistakes),
        "details": list(outcome.details),
        "explanation": outcome.feedback,
        "witness": outcome.witness,
        "layout": outcome.layout,
        "reading": list(outcome.reading),
        "note": outcome.note,
        "attempts": row.attempts,
        "tries": row.tries,
    }


def write_json(report: Report, file: TextIO) -> None:
    """Write the report, one row a line."""
    opening = "{"
    for name, part in data(report):
        file.write(f"{opening}\n{json.dumps(name)}: ")
        opening = ","
        if not isinstance(part, Iterator):
            file.write(json.dumps(part, ensure_ascii=False))
            continue
        separator = "["
        for item in part:
            file.write(f"{separator}\n  {json.dumps(item, ensure_ascii=False)}")
            separator = ","
        file.write("[]" if separator == "[" else "\n]")
    file.write("\n}\n")
