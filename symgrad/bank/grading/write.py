"""A report into files: which form a file's name asks for, and writing it whole or not at all.

>>> form_of("report.HTML")
'html'
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TextIO, cast

from symgrad.bank.content import Language
from symgrad.bank.grading.report import Report
from symgrad.bank.grading.write_csv import write_mistakes, write_questions, write_rows, write_students
from symgrad.bank.grading.write_html import write_html
from symgrad.bank.grading.write_json import write_json
from symgrad.bank.grading.write_junit import write_junit
from symgrad.errors import DomainError, did_you_mean

Writer = Callable[[Report, TextIO, Language], None]

_FORMS: Mapping[str, Mapping[str, Writer]] = {  # by suffix: what is written, and what is put before the suffix
    "csv": {"": write_rows, ".students": write_students, ".mistakes": write_mistakes, ".questions": write_questions},
    "json": {"": lambda report, file, _: write_json(report, file)},
    "html": {"": write_html},
    "xml": {"": lambda report, file, _: write_junit(report, file)},
}
FORMS = tuple(_FORMS)


def form_of(path: str | Path) -> str:
    """The form of a report by its file's name.  Raises DomainError for another one."""
    suffix = Path(path).suffix.lower().lstrip(".")
    if suffix not in _FORMS:
        hint = did_you_mean(suffix, FORMS) or f"report.{FORMS[0]}"
        raise DomainError(f"{path}: a report is .csv, .json, .html or .xml", hint=hint)
    return suffix


def write(report: Report, path: str | Path, language: str = "en") -> list[str]:
    """Write a report; the names of the files."""
    if language not in ("en", "fa"):
        raise DomainError(f"there is no report in {language!r}", hint="en or fa")
    path, written = Path(path), []
    for part, writer in _FORMS[form_of(path)].items():
        target = path.with_name(f"{path.stem}{part}{path.suffix}")
        _write(target, report, writer, cast(Language, language))
        written.append(str(target))
    return written


def _write(path: Path, report: Report, writer: Writer, language: Language) -> None:
    """Beside its place first, so that a run that is killed leaves the old report whole."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with open(unfinished, "w", encoding="utf-8", errors="replace", newline="") as file:
            writer(report, file, language)
        os.replace(unfinished, path)
    except OSError as error:
        raise DomainError(f"{path}: cannot be written: {(error.strerror or str(error)).lower()}") from error
    finally:
        unfinished.unlink(missing_ok=True)
