"""Jupyter notebooks -> submissions.  They are read as JSON; nothing in them is run.

A cell answers a question if it begins with a line `# question: ID` (in Markdown also without the mark), has the tag
`question:ID`, or nbgrader's `grade_id` is the id of a question; the rest of the cell is the answer, or the text that it
assigns to `answer`.  The student is `student` in the notebook's metadata, a line `# student: NAME`, the folder that a
notebook of a class lies in, or the name of the file.

>>> cell = {"cell_type": "code", "metadata": {}, "source": ["# question: trace\\n", "2*A*X"]}
>>> read_notebook({"cells": [cell], "metadata": {}}, "Ali", lambda name: True)
[Submission(student='Ali', question='trace', answer='2*A*X', place=1)]
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from symgrad.bank.grading.submission import LINE_LIMIT, Found, Known, Submission, Unusable

SIZE_LIMIT = 20_000_000  # bytes of a notebook
MOST_CELLS = 10_000

_MARK = r"^\s*(?:#{1,6}|//|%|<!--)?\s*"
_QUESTION = re.compile(
    _MARK + r"(?:question|پرسش|سؤال|سوال)\s*[:=]\s*([\w./-]{1,200})\s*(?:-->)?\s*(?:\n|$)", re.IGNORECASE
)
_STUDENT = re.compile(_MARK + r"(?:student|دانشجو)\s*[:=]\s*([^\n]{1,200}?)\s*(?:-->)?\s*(?:\n|$)", re.IGNORECASE)
_TAG = re.compile(r"question[:=](.{1,200})", re.IGNORECASE)
_ASSIGNED = re.compile(r"^\s*(?:answer|ans|پاسخ)\s*=\s*(r?)('''|\"\"\"|'|\")(.*)\2\s*$", re.DOTALL)


def read_folder(folder: Path, known: Known) -> Iterator[Found]:
    """The submissions of all notebooks in a folder, by path."""
    for path in sorted(folder.rglob("*.ipynb")):
        if ".ipynb_checkpoints" not in path.parts:
            yield from read_file(path, known, folder)


def read_file(path: Path, known: Known, folder: Path | None = None) -> Iterator[Found]:
    """The submissions of one notebook; where it cannot be read, that is all that is said of it."""
    inside = path.relative_to(folder) if folder is not None else Path(path.name)
    student = inside.parts[0] if len(inside.parts) > 1 else path.stem
    try:
        if path.stat().st_size > SIZE_LIMIT:
            raise ValueError(f"more than {SIZE_LIMIT} bytes")
        data = json.loads(path.read_bytes().decode("utf-8-sig", "replace"))
        found = read_notebook(data, student, known)
    except (OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
        yield Unusable(str(inside), f"no notebook: {' '.join(str(error).split())[:200]}", student)
        return
    if not found:
        yield Unusable(str(inside), "no cell of it names a question", student)
    yield from found


def read_notebook(data: Mapping[str, Any], student: str, known: Known) -> list[Submission]:
    """The submissions of a notebook as JSON.  Raises what a thing of the wrong type raises."""
    found: list[tuple[str, str, int]] = []
    named = data.get("metadata", {}).get("student")
    student = named if isinstance(named, str) and named.strip() else student
    for number, cell in enumerate(data["cells"][:MOST_CELLS], 1):
        source = cell.get("source", "")
        text = (source if isinstance(source, str) else "".join(source))[: 2 * LINE_LIMIT]
        who = _STUDENT.match(text)
        if who is not None:
            student, text = who[1], text[who.end() :]
        question, answer = _asked(cell, text, known)
        if question is not None:
            found.append((question, _answer(answer), number))
    return [Submission(student, *rest) for rest in found]


def _asked(cell: Mapping[str, Any], text: str, known: Known) -> tuple[str | None, str]:
    """The question that a cell answers, and the rest of the cell."""
    first = _QUESTION.match(text)
    if first is not None:
        return first[1], text[first.end() :]
    metadata = cell.get("metadata", {})
    tags = (_TAG.fullmatch(str(tag).strip()) for tag in metadata.get("tags", ()))
    tagged = next((tag[1].strip() for tag in tags if tag is not None), None)
    graded = metadata.get("nbgrader", {}).get("grade_id")
    return tagged or (graded if isinstance(graded, str) and known(graded) else None), text


def _answer(text: str) -> str:
    """The rest of a cell, or the text that it assigns."""
    text = text[: LINE_LIMIT + 1].strip()
    assigned = _ASSIGNED.match(text)
    if assigned is None:
        return text
    return assigned[3] if assigned[1] else assigned[3].replace("\\\\", "\\").replace("\\'", "'").replace('\\"', '"')
