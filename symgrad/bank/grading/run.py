"""A class graded: read, made distinct, looked up in the ledger, the rest graded by workers, reported.

>>> import tempfile, pathlib
>>> path = pathlib.Path(tempfile.mkdtemp()) / "quiz.toml"
>>> _ = path.write_text('''
... id = "quiz"
... where = "x: R^n; A: R^{n x n}"
... formula = "x'*A*x"
... title = { en = "Quiz", fa = "آزمون" }
... source = { document = "notes", row = 1 }
... statement = { en = "Differentiate.", fa = "مشتق بگیرید." }
... [[question]]
... id = "gradient"
... kind = "derivative"
... wrt = "x"
... layout = "gradient"
... text = { en = "By x.", fa = "نسبت به x." }
... credit = { "assumed symmetric" = 0.5 }
... ''', encoding="utf-8")
>>> answers = [("Ali", "gradient", "(A+A')x"), ("Sara", "gradient", "2*A*x"), ("Reza", "gradient", "2A*x .")]
>>> report = grade(path, answers, jobs=1)
>>> [(row.student, row.outcome.verdict, row.outcome.mistakes, row.points) for row in report.rows()]
[('Ali', 'right', (), 1.0), ('Sara', 'wrong', ('assumed symmetric',), 0.5), ('Reza', 'wrong', ('assumed symmetric',), 0.5)]
"""  # noqa: E501

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import closing
from pathlib import Path

from symgrad.bank.exercise import Exercise, load_all
from symgrad.bank.grading.chunks import graded_by
from symgrad.bank.grading.crew import CHUNK, Task, graded_by_crew
from symgrad.bank.grading.definition import definition
from symgrad.bank.grading.keys import fingerprint
from symgrad.bank.grading.ledger import Entry, Ledger
from symgrad.bank.grading.marks import marking
from symgrad.bank.grading.outcome import Outcome
from symgrad.bank.grading.report import ATTEMPTS, Asked, Report
from symgrad.bank.grading.roll import Answer, Roll
from symgrad.bank.grading.submissions import Given, read
from symgrad.bank.grading.worker import SECONDS
from symgrad.errors import DomainError, UnknownNameError

WORTH_A_WORKER = 8  # answers; with fewer for each, more workers only take longer to start

Bank = str | Path | Exercise | Iterable[str | Path | Exercise]


def grade(
    bank: Bank,
    submissions: Given,
    *,
    executor: Executor | None = None,
    jobs: int | None = None,
    ledger: str | Path | None = None,
    attempts: str = "last",
    credit: Mapping[str, float] | None = None,
    other_layout: str | None = None,
    seconds: float = SECONDS,
    retry: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Report:
    """Grade what a class handed in.

    bank          exercises, or files and folders of them
    submissions   a file, a folder, or triples: student, question, answer
    executor      where chunks of answers are graded; without one, in `jobs` processes of our own, each answer watched
    ledger        a file that keeps verdicts, so that a run may be stopped and taken up again
    attempts      which of several answers of a student is kept: "last", "first" or "best"; faults of form don't count
    credit        the share of the points that is left after a mistake, by id; a question's own comes first
    other_layout  whether an answer that is right in another layout counts as "right", "partial" or "wrong"
    seconds       of computing for one answer;  retry  whether answers that were left unresolved are graded again
    progress      told how many answers are graded, and of how many

    Raises UnknownNameError, ParseError where a file cannot be used, DomainError for an option that there is not.
    """
    if attempts not in ATTEMPTS:
        raise DomainError(f"attempts is {attempts!r}", hint=f"one of {', '.join(ATTEMPTS)}")
    asked = tuple(_asked(_exercises(bank), credit or {}, other_layout))
    definitions = [definition(a.question) for a in asked]
    roll = Roll({a.id: fingerprint(d) for a, d in zip(asked, definitions, strict=True)})
    roll.fill(read(submissions, roll.known))
    if not len(roll) and roll.unusable:
        first = roll.unusable[0]
        raise UnknownNameError(f"no submission can be used: {first.place}: {first.reason}")
    book = Ledger(Path(ledger) if ledger is not None else None)
    found = book.read({a.key for a in roll.answers}, unresolved=not retry)
    open_ones = [n for n, a in enumerate(roll.answers) if a.key not in found]
    grading = _graded(definitions, roll.answers, open_ones, executor, jobs, seconds)
    for done, (number, outcome) in enumerate(_kept(grading, book, roll), 1):
        found[roll.answers[number].key] = outcome
        if progress is not None:
            progress(done, len(open_ones))
    return Report(asked, roll, [found[a.key] for a in roll.answers], attempts, len(open_ones))


def _exercises(bank: Bank) -> list[Exercise]:
    """The exercises of a bank, files loaded."""
    if isinstance(bank, str | Path | Exercise):
        bank = [bank]
    parts = list(bank)
    loaded = load_all([part for part in parts if not isinstance(part, Exercise)])
    return [*loaded, *(part for part in parts if isinstance(part, Exercise))]


def _asked(exercises: Sequence[Exercise], credit: Mapping[str, float], other_layout: str | None) -> Iterator[Asked]:
    for exercise in exercises:
        for question in exercise.questions:
            rule = marking(question.marks, credit, other_layout)
            yield Asked(f"{exercise.id}/{question.id}", exercise.title, question, rule)


def _kept(grading: Iterator[tuple[int, Outcome]], book: Ledger, roll: Roll) -> Iterator[tuple[int, Outcome]]:
    """Every outcome, written into the ledger before it is handed on."""
    with book, closing(grading):  # type: ignore[type-var]
        for number, outcome in grading:
            answer = roll.answers[number]
            book.append(Entry(answer.key, roll.ids[answer.question], answer.text, outcome))
            yield number, outcome


def _graded(
    definitions: Sequence[Mapping[str, object]],
    answers: Sequence[Answer],
    open_ones: Sequence[int],
    executor: Executor | None,
    jobs: int | None,
    seconds: float,
) -> Iterator[tuple[int, Outcome]]:
    tasks = list(_tasks(definitions, answers, open_ones))
    if executor is not None:
        yield from graded_by(executor, tasks, seconds)
    elif tasks:
        most = max(1, len(open_ones) // WORTH_A_WORKER)
        yield from graded_by_crew(tasks, min(jobs or os.cpu_count() or 1, most), seconds)


def _tasks(
    definitions: Sequence[Mapping[str, object]], answers: Sequence[Answer], open_ones: Sequence[int]
) -> Iterator[Task]:
    """Chunks of answers, question by question."""
    for question, asked in enumerate(definitions):
        mine = [(n, answers[n].text) for n in open_ones if answers[n].question == question]
        for start in range(0, len(mine), CHUNK):
            yield Task(asked, tuple(mine[start : start + CHUNK]))
