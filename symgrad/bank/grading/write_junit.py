"""A report as JUnit XML, for those who grade in continuous integration: a student is a suite, a question a case."""

from __future__ import annotations

import re
from itertools import groupby
from typing import TextIO
from xml.sax.saxutils import escape, quoteattr

from symgrad.bank.grading.outcome import RIGHT, UNRESOLVED
from symgrad.bank.grading.report import Report, Row
from symgrad.bank.grading.words import told

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_junit(report: Report, file: TextIO) -> None:
    """Write the report; what does not get all points is a failure, what a person must look at an error."""
    file.write('<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="symgrad grade">\n')
    for student, rows in groupby(report.rows(), key=lambda row: row.student):
        cases = list(rows)
        bad = sum(_tag(row) == "failure" for row in cases)
        open_ones = sum(_tag(row) == "error" for row in cases)
        head = f'tests="{len(cases)}" failures="{bad}" errors="{open_ones}"'
        file.write(f"<testsuite name={_quoted(student)} {head}>\n")
        file.writelines(map(_case, cases))
        file.write("</testsuite>\n")
    file.write("</testsuites>\n")


def _tag(row: Row) -> str | None:
    if row.outcome.verdict == UNRESOLVED:
        return "error"
    full = row.outcome.verdict == RIGHT or (row.out_of > 0 and row.points >= row.out_of)
    return None if full else "failure"


def _case(row: Row) -> str:
    start = f"<testcase classname={_quoted(row.student)} name={_quoted(row.question)}"
    tag = _tag(row)
    if tag is None:
        return f"{start}/>\n"
    text = escape(_NOT_XML.sub("\ufffd", f"{row.answer}\n{told(row.outcome, 'en')}"))
    return f"{start}><{tag} message={_quoted(row.outcome.note)}>{text}</{tag}></testcase>\n"


def _quoted(text: str) -> str:
    return quoteattr(_NOT_XML.sub("\ufffd", text))
