"""Submissions from anywhere: tables, JSON lines, notebooks, folders of them, or values of a program.

They are read as a stream, and nothing longer than a bound is kept.

>>> [s.answer for s in read([("Ali", "q1", "A*x"), {"student": "Sara", "question": "q1", "answer": [1, 2]}])]
['A*x', '[1, 2]']
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TextIO

from symgrad.bank.grading import notebooks
from symgrad.bank.grading.submission import LINE_LIMIT, Found, Known, Submission, Unusable, columns
from symgrad.bank.grading.table import Lines, read_table
from symgrad.errors import ParseError, UnknownNameError

JSON_LINES = (".jsonl", ".ndjson")
TABLES = (".csv", ".tsv", ".txt")

Given = str | Path | Iterable[Submission | tuple[str, str, str] | Mapping[str, Any]]


def read(given: Given, known: Known = lambda name: True) -> Iterator[Found]:
    """What is handed in, in order.  Raises UnknownNameError, ParseError where a file cannot be used at all."""
    if isinstance(given, str | Path):
        yield from _of_path(Path(given), known)
        return
    for number, value in enumerate(given, 1):
        yield _of_value(value, number)


def _of_value(value: Any, number: int) -> Found:
    if isinstance(value, Submission):
        return value
    if isinstance(value, Mapping):
        return _of_record(value, number)
    student, question, answer = value
    return Submission(str(student), str(question), str(answer), number)


def _of_path(path: Path, known: Known) -> Iterator[Found]:
    if path.is_dir():
        files = sorted(p for p in path.iterdir() if p.suffix.lower() in (*JSON_LINES, ".csv", ".tsv"))
        if not files and next(path.rglob("*.ipynb"), None) is None:
            raise UnknownNameError(f"{path}: no notebooks (*.ipynb) and no tables in this folder")
        for file in files:
            yield from _of_path(file, known)
        yield from notebooks.read_folder(path, known)
    elif path.suffix.lower() == ".ipynb" and path.is_file():
        yield from notebooks.read_file(path, known)
    else:
        try:
            with _opened(path) as text:
                yield from _of_lines(text, path, known)
        except OSError as error:
            raise UnknownNameError(f"{path}: cannot be read: {(error.strerror or str(error)).lower()}") from error


def _opened(path: Path) -> TextIO:
    """As UTF-8, or as UTF-16 where its first bytes say so; what is neither becomes a replacement character."""
    with open(path, "rb") as file:
        start = file.read(4)
    utf16 = start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return open(path, encoding="utf-16" if utf16 else "utf-8-sig", errors="replace")


def _of_lines(text: TextIO, path: Path, known: Known) -> Iterator[Found]:
    if path.suffix.lower() in JSON_LINES:
        yield from _of_json_lines(text)
        return
    try:
        yield from read_table(text, known)
    except ParseError as error:
        error.message = f"{path}: {error.message}"
        raise


# --- JSON lines -------------------------------------------------------------------------------


def _of_json_lines(text: TextIO) -> Iterator[Found]:
    lines = Lines(text)
    while (line := lines.next()) is not None:
        if line[1].strip():
            yield _of_json(*line)


def _of_json(number: int, line: str) -> Found:
    if len(line) >= LINE_LIMIT and not line.endswith("\n"):
        return Unusable(f"line {number}", f"more than {LINE_LIMIT} characters", _student_in(line))
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        return Unusable(f"line {number}", f"no JSON object: {str(error)[:200]}", _student_in(line))
    try:
        return _of_record(record, number) if isinstance(record, dict) else Unusable(f"line {number}", "no JSON object")
    except RecursionError:
        return Unusable(f"line {number}", "lists nested too deeply", _student_in(line))


def _student_in(line: str) -> str:
    """The student of a line that is no JSON, if it starts with one."""
    decoder = json.JSONDecoder()
    start = line[:1000].find('"student"')
    try:
        return str(decoder.raw_decode(line[:2000], line.index('"', start + 9))[0]) if start >= 0 else ""
    except ValueError:
        return ""


def _of_record(record: Mapping[str, Any], number: int) -> Found:
    keys = [str(key) for key in record]
    values = list(record.values())
    places = columns(keys)
    missing = [what for what in ("student", "question", "answer") if what not in places]
    student = _text(values[places["student"]]) if "student" in places else ""
    if missing:
        return Unusable(f"line {number}", f"the record has no {missing[0]}", student)
    return Submission(student, _text(values[places["question"]]), _text(values[places["answer"]]), number)


def _text(value: Any) -> str:
    """Numbers and lists as JSON, what is missing as nothing."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
