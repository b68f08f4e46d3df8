"""What comes out for a class: every kept answer with its points, and tallies by student, mistake and question.

A report is a value; writers turn it into files.  Rows are made when they are asked for, so that a large class costs
three numbers a submission.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from symgrad.bank.exercise import Bilingual, Question
from symgrad.bank.grading.keys import shown
from symgrad.bank.grading.marks import Marking
from symgrad.bank.grading.outcome import RIGHT, UNREADABLE, UNRESOLVED, VERDICTS, WRONG, Outcome
from symgrad.bank.grading.roll import Roll
from symgrad.bank.grading.submission import Unusable

ATTEMPTS = ("last", "first", "best")
UNNAMED = ""  # the mistake of a wrong answer that nothing explains

Kept = tuple[int, int, int]  # a row of the roll, and how many attempts counted and were made


@dataclass(frozen=True, slots=True)
class Asked:
    """A question of the bank: its id `exercise/question`, the exercise's title, and what answers to it are worth."""

    id: str
    title: Bilingual
    question: Question
    marking: Marking


@dataclass(frozen=True, slots=True)
class Row:
    """One student's kept answer to one question; `attempts` are those that count, `tries` all of them."""

    student: str
    question: str
    answer: str
    outcome: Outcome
    points: float
    out_of: float
    attempts: int
    tries: int


@dataclass(frozen=True, slots=True)
class StudentTotal:
    """A student's points over all questions that anybody in the class answered."""

    student: str
    points: float
    out_of: float
    verdicts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class MistakeCount:
    """A mistake, how many kept answers and students made it, and the most frequent answer with it."""

    mistake: str
    answers: int
    students: int
    question: str
    example: str


@dataclass(frozen=True, slots=True)
class QuestionTally:
    """A question, how its answers were judged, the mean share of its points, and its most frequent mistake."""

    id: str
    points: float
    answers: int
    verdicts: Mapping[str, int]
    share: float
    mistake: str | None
    expected: str


@dataclass(frozen=True, slots=True)
class Distinct:
    """A distinct answer and how many students' kept answer it is."""

    question: str
    answer: str
    outcome: Outcome
    points: float
    students: int


@dataclass(frozen=True)
class Report:
    """The graded class.

    asked     the questions of the bank;  roll  the submissions;  outcomes  of every distinct answer of the roll
    attempts  which answer of several is kept;  graded  how many answers were graded now, the others were in the ledger
    """

    asked: tuple[Asked, ...]
    roll: Roll
    outcomes: Sequence[Outcome]
    attempts: str
    graded: int

    # --- rows

    def rows(self) -> Iterator[Row]:
        """Every student's kept answer to every question, students in the order they first came in."""
        students, questions, answers = self.roll.rows
        for row, counted, tries in self._kept:
            answer = self.roll.answers[answers[row]]
            asked, outcome = self.asked[questions[row]], self.outcomes[answers[row]]
            points = asked.marking.points_for(outcome)
            name = self.roll.students[students[row]]
            text = shown(answer.text)
            yield Row(name, asked.id, text, outcome, points, asked.marking.points, counted, tries)

    @cached_property
    def _kept(self) -> list[Kept]:
        """For every student and question, the row that is kept."""
        students, questions, answers = self.roll.rows
        by_pair: dict[tuple[int, int], list[int]] = {}
        for row, pair in enumerate(zip(students, questions)):
            by_pair.setdefault(pair, []).append(row)
        kept = []
        for pair in sorted(by_pair):
            tries = by_pair[pair]
            counting = [row for row in tries if self.outcomes[answers[row]].counts]
            kept.append((self._chosen(counting or tries[-1:]), len(counting), len(tries)))
        return kept

    def _chosen(self, rows: list[int]) -> int:
        """Of several attempts the one that is kept; of equally good ones the last."""
        if self.attempts == "best":
            return max(rows, key=lambda row: (self._points(row), row))
        return rows[0] if self.attempts == "first" else rows[-1]

    def _points(self, row: int) -> float:
        _, questions, answers = self.roll.rows
        return self.asked[questions[row]].marking.points_for(self.outcomes[answers[row]])

    # --- numbers

    @property
    def submitted(self) -> int:
        return len(self.roll)

    @property
    def distinct_answers(self) -> int:
        return len(self.roll.answers)

    @property
    def skipped(self) -> Sequence[Unusable]:
        return self.roll.unusable

    @property
    def unused(self) -> int:
        return self.roll.unused

    @cached_property
    def verdicts(self) -> dict[str, int]:
        """How many kept answers got each verdict."""
        found = Counter(row.outcome.verdict for row in self.rows())
        return {verdict: found[verdict] for verdict in VERDICTS if found[verdict]}

    @cached_property
    def out_of(self) -> float:
        """The points of all questions that anybody answered."""
        return round(sum(self.asked[q].marking.points for q in set(self.roll.rows[1])), 2)

    # --- tallies

    @cached_property
    def students(self) -> tuple[StudentTotal, ...]:
        """Totals, in the order students first came in."""
        points: Counter[str] = Counter()
        verdicts: dict[str, Counter[str]] = {name: Counter() for name in self.roll.students}
        for row in self.rows():
            points[row.student] += row.points  # type: ignore[assignment]
            verdicts[row.student][row.outcome.verdict] += 1
        return tuple(
            StudentTotal(name, round(points[name], 2), self.out_of, dict(found)) for name, found in verdicts.items()
        )

    @cached_property
    def mistakes(self) -> tuple[MistakeCount, ...]:
        """The class's mistakes, the most frequent first; wrong answers that nothing explains come last."""
        answers: Counter[str] = Counter()
        students: dict[str, set[str]] = {}
        examples: dict[str, Counter[tuple[str, str]]] = {}
        for row in self.rows():
            for mistake in _mistakes_of(row.outcome):
                answers[mistake] += 1
                students.setdefault(mistake, set()).add(row.student)
                examples.setdefault(mistake, Counter())[row.question, row.answer] += 1
        found = []
        for mistake in sorted(answers, key=lambda m: (m == UNNAMED, -answers[m], m)):
            (question, example), _ = examples[mistake].most_common(1)[0]
            found.append(MistakeCount(mistake, answers[mistake], len(students[mistake]), question, example))
        return tuple(found)

    @cached_property
    def questions(self) -> tuple[QuestionTally, ...]:
        """The questions that were answered, the hardest first."""
        rows: dict[str, list[Row]] = {}
        for row in self.rows():
            rows.setdefault(row.question, []).append(row)
        return tuple(sorted((_tally(*item) for item in rows.items()), key=lambda t: (t.share, -t.answers, t.id)))

    @cached_property
    def distinct(self) -> tuple[Distinct, ...]:
        """Every distinct kept answer, by question, the most frequent first."""
        order = {asked.id: place for place, asked in enumerate(self.asked)}
        counted: Counter[tuple[str, str]] = Counter()
        first: dict[tuple[str, str], Row] = {}
        for row in self.rows():
            counted[row.question, row.answer] += 1
            first.setdefault((row.question, row.answer), row)
        pairs = sorted(counted, key=lambda pair: (order[pair[0]], -counted[pair], pair[1]))
        return tuple(Distinct(*pair, first[pair].outcome, first[pair].points, counted[pair]) for pair in pairs)

    def with_verdict(self, *verdicts: str) -> tuple[Distinct, ...]:
        """The distinct answers with these verdicts."""
        return tuple(d for d in self.distinct if d.outcome.verdict in verdicts)

    @property
    def unreadable(self) -> tuple[Distinct, ...]:
        return self.with_verdict(UNREADABLE)

    @property
    def unresolved(self) -> tuple[Distinct, ...]:
        return self.with_verdict(UNRESOLVED)

    # --- as data

    @property
    def summary(self) -> str:
        """In one line."""
        found = ", ".join(f"{count} {verdict}" for verdict, count in self.verdicts.items()) or "no answers"
        people = f"{len(self.roll.students)} students, {self.submitted} submissions"
        left = f"; {self.unused} could not be used" if self.unused else ""
        return f"{people}, {self.distinct_answers} distinct answers ({self.graded} graded now): {found}{left}"

    def to_json(self) -> dict[str, Any]:
        """Everything as plain data (docs/grading.md lists the fields)."""
        from symgrad.bank.grading.write_json import data

        return {name: list(part) if isinstance(part, Iterator) else part for name, part in data(self)}

    def write(self, path: Any, lang: str = "en") -> list[str]:
        """Write the report as its file's name says: .csv, .json, .html or .xml; the names of what was written."""
        from symgrad.bank.grading.write import write

        return write(self, path, lang)


def _mistakes_of(outcome: Outcome) -> Sequence[str]:
    return outcome.mistakes or ((UNNAMED,) if outcome.verdict == WRONG else ())


def _tally(question: str, rows: Sequence[Row]) -> QuestionTally:
    verdicts = Counter(row.outcome.verdict for row in rows)
    mistakes = Counter(m for row in rows for m in row.outcome.mistakes)
    full = sum(row.out_of for row in rows)
    share = sum(row.points for row in rows) / full if full else verdicts[RIGHT] / len(rows)
    expected = next((row.outcome.expected for row in rows if row.outcome.expected), "")
    common = mistakes.most_common(1)[0][0] if mistakes else None
    return QuestionTally(question, rows[0].out_of, len(rows), dict(verdicts), round(share, 4), common, expected)
