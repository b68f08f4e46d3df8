"""The roll of a class: who answered what, each distinct answer kept once.

A submission is three numbers here: student, question, answer.  Spellings that mean the same are one answer (`keys`);
a student may answer a question several times.

>>> roll = Roll({"trace/direct": "{}", "trace/chain": "{}"})
>>> roll.add(Submission("Ali", "direct", "2*A*X")), roll.add(Submission("ALI ", "trace/direct", "2*A*X ."))
(None, None)
>>> len(roll.answers), roll.students, len(roll)
(1, ['Ali', 'ALI'], 2)
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from symgrad.bank.grading.keys import key, plain, plain_name
from symgrad.bank.grading.submission import Found, Submission, Unusable
from symgrad.errors import did_you_mean

MEMORY = 50_000  # spellings that are remembered, so that they are made plain once
SHORT = 300  # characters of a spelling that is remembered
MOST_UNUSABLE = 1000  # that are kept to be told
MOST_HINTS = 20  # "did you mean ...", and only among so many questions
MOST_QUESTIONS = 500


@dataclass(frozen=True, slots=True)
class Answer:
    """A distinct answer to a question (by its number), and the key of its verdict."""

    question: int
    text: str
    key: str


class Roll:
    """Submissions in order, for questions with ids `exercise/question` and fingerprints of their mathematics."""

    def __init__(self, questions: Mapping[str, str]):
        self.ids = list(questions)
        self.fingerprints = list(questions.values())
        self.students: list[str] = []
        self.answers: list[Answer] = []
        self.rows = (array("L"), array("L"), array("L"))
        self.unusable: list[Unusable] = []
        self.unused = 0
        self._numbers = _names(self.ids)
        self._students: dict[str, int] = {}
        self._answers: dict[tuple[int, str], int] = {}
        self._spellings: dict[tuple[int, str], int] = {}

    def __len__(self) -> int:
        return len(self.rows[0])

    def known(self, name: str) -> bool:
        """Whether a name is that of a question."""
        return plain_name(name).lower() in self._numbers

    def fill(self, found: Iterable[Found]) -> None:
        """Take up what is handed in."""
        for submission in found:
            if isinstance(submission, Unusable):
                self._refuse(submission)
            else:
                self.add(submission)

    def add(self, submission: Submission) -> None:
        """Take up one submission, or tell why it cannot be."""
        student = plain_name(submission.student)
        name = plain_name(submission.question)
        question = self._numbers.get(name.lower())
        if question is None or not student:
            hint = did_you_mean(name, self._hints()) if name and self.unused < MOST_HINTS else None
            reason = f"no question {name!r}" + (f" ({hint})" if hint else "") if question is None else "no student"
            self._refuse(Unusable(f"line {submission.place}", reason, student))
            return
        row = (self._student(student), question, self._answer(question, submission.answer))
        for column, number in zip(self.rows, row, strict=True):
            column.append(number)

    def _hints(self) -> list[str]:
        return list(self._numbers) if len(self.ids) <= MOST_QUESTIONS else []

    def _refuse(self, what: Unusable) -> None:
        self.unused += 1
        if len(self.unusable) < MOST_UNUSABLE:
            self.unusable.append(what)

    def _student(self, name: str) -> int:
        found = self._students.setdefault(name, len(self.students))
        if found == len(self.students):
            self.students.append(name)
        return found

    def _answer(self, question: int, typed: str) -> int:
        found = self._spellings.get((question, typed))
        if found is not None:
            return found
        text = plain(typed)
        found = self._answers.setdefault((question, text), len(self.answers))
        if found == len(self.answers):
            self.answers.append(Answer(question, text, key(self.fingerprints[question], text)))
        if len(typed) <= SHORT and len(self._spellings) < MEMORY:
            self._spellings[question, typed] = found
        return found


def _names(ids: Iterable[str]) -> dict[str, int]:
    """The numbers of questions by `exercise/question`, and by the short name where only one has it."""
    numbers = {plain_name(full).lower(): n for n, full in enumerate(ids)}
    short: dict[str, list[int]] = {}
    for full, number in numbers.items():
        short.setdefault(full.partition("/")[2], []).append(number)
    return {**{name: n[0] for name, n in short.items() if name and len(n) == 1}, **numbers}
