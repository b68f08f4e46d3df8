"""The ledger: verdicts that are found stay found, one JSON object a line, in a file that is only appended to.

A record is written by one call, with a line end before and behind it: a run that is killed leaves at most one torn
line, which is passed over, and two runs at once never mix their lines.  Records are found by key (see `keys`); what
is paid for a verdict is not in them, so that credit may be changed without grading again.

>>> import tempfile, pathlib
>>> from symgrad.bank.grading.outcome import Outcome
>>> path = pathlib.Path(tempfile.mkdtemp()) / "ledger.jsonl"
>>> with Ledger(path) as ledger:
...     ledger.append(Entry("k1", "trace/direct", "A*X", Outcome("wrong", "samples")))
>>> _ = path.write_bytes(path.read_bytes() + b'{"key": "k2", "outc')
>>> {key: outcome.verdict for key, outcome in Ledger(path).read({"k1", "k2"}).items()}
{'k1': 'wrong'}
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Container
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from symgrad.bank.grading.outcome import UNRESOLVED, Outcome
from symgrad.errors import DomainError, SymgradError

LINE_LIMIT = 1_000_000  # characters of a record; what is longer was not written here
SYNC_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Entry:
    """A verdict with its key; question and answer are there for people who read the file."""

    key: str
    question: str
    answer: str
    outcome: Outcome

    def line(self) -> str:
        """The record as one line."""
        data = {"key": self.key, "question": self.question, "answer": self.answer, "outcome": self.outcome.to_json()}
        return json.dumps(data, ensure_ascii=True)


@dataclass
class Ledger:
    """A ledger in a file, or, without a path, nowhere."""

    path: Path | None = None
    passed_over: int = 0
    _file: int | None = field(default=None, repr=False)
    _synced: float = field(default=0.0, repr=False)

    def read(self, wanted: Container[str], *, unresolved: bool = True) -> dict[str, Outcome]:
        """The outcomes for these keys, the latest of each; those left open only if `unresolved`."""
        found: dict[str, Outcome] = {}
        if self.path is None or not self.path.exists():
            return found
        try:
            with open(self.path, encoding="utf-8", errors="replace") as file:
                while line := file.readline(LINE_LIMIT):
                    entry = self._entry(line)
                    if entry is not None and entry[0] in wanted:
                        found[entry[0]] = entry[1]
        except OSError as error:
            raise DomainError(f"{self.path}: cannot be read: {error.strerror or error}") from error
        if not unresolved:
            found = {k: o for k, o in found.items() if o.verdict != UNRESOLVED}
        return found

    def _entry(self, line: str) -> tuple[str, Outcome] | None:
        if not line.strip():
            return None
        try:
            data = json.loads(line)
            return str(data["key"]), Outcome.from_json(data["outcome"])
        except (ValueError, KeyError, TypeError, RecursionError, SymgradError):
            self.passed_over += 1  # torn when a run was killed
            return None

    # --- writing

    def __enter__(self) -> Self:
        if self.path is not None:
            try:
                self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
            except OSError as error:
                raise DomainError(f"{self.path}: cannot be written: {error.strerror or error}") from error
            self._synced = time.monotonic()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, _: TracebackType | None) -> None:
        if self._file is not None:
            os.fsync(self._file)
            os.close(self._file)
            self._file = None

    def append(self, entry: Entry) -> None:
        """Write a record, whole or (when killed) torn, never mixed with another."""
        if self._file is None:
            return
        record = f"\n{entry.line()}\n".encode()
        try:
            while record:  # one call writes it all, unless the disk is full
                record = record[os.write(self._file, record) :]
        except OSError as error:
            raise DomainError(f"{self.path}: cannot be written: {error.strerror or error}") from error
        if time.monotonic() - self._synced > SYNC_SECONDS:
            os.fsync(self._file)
            self._synced = time.monotonic()
