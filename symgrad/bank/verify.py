"""The verification of a bank: every printed answer recomputed by witnesses, every mistake named.

Each kind of question has one judge, which sees the print and never the finding that the file expects; only
afterwards are the two compared.  A `Result` says of one question whether the print is right, what was found in it,
and whether that is exactly what the file expects.  Derivations are in `derivation`, comparisons in
`verification`; here it is only decided which of them answers which question.

>>> from symgrad.bank.exercise import Bilingual, FlatteningQuestion
>>> text = Bilingual(en="", fa="")
>>> wrong = FlatteningQuestion(
...     id="k", text=text, finding=(), note=None, shape=("n", "m"), order="row", printed="(i-1)*n+j")
>>> judge(wrong).findings
('wrong index formula',)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from symgrad.bank.exercise import (
    ChainQuestion,
    CodeQuestion,
    DerivativeQuestion,
    Exercise,
    FlatteningQuestion,
    GradientValueQuestion,
    GraphQuestion,
    LawQuestion,
    Question,
    StructureQuestion,
    ValueQuestion,
)
from symgrad.bank.judged import NOTHING_PRINTED, Judged
from symgrad.bank.judges import judge_chain, judge_derivative, judge_gradient_value, judge_value
from symgrad.bank.judges_of_code import judge_code
from symgrad.bank.judges_of_form import judge_flattening, judge_structure
from symgrad.bank.judges_of_laws import judge_law
from symgrad.bank.judges_of_training import JUDGES
from symgrad.errors import DomainError, SymgradError

if TYPE_CHECKING:
    from rich.table import Table

UNUSABLE = "unusable"


@dataclass(frozen=True, slots=True)
class Result:
    """What was found in one question.

    right     whether the print is right; None where nothing is printed
    findings  what is wrong with the print, by id;  expected  what the file says is wrong with it
    detail    the witness: a point, an entry and both numbers, or why the print is right
    """

    exercise: str
    question: str
    kind: str
    right: bool | None
    findings: tuple[str, ...]
    expected: tuple[str, ...]
    detail: str

    @property
    def as_expected(self) -> bool:
        """Whether exactly the expected mistakes were found."""
        return set(self.findings) == set(self.expected)

    @property
    def status(self) -> str:
        if not self.as_expected:
            return "unexpected"
        return {True: "right", False: "wrong, as expected", None: "nothing printed"}[self.right]


@dataclass(frozen=True, slots=True)
class Verification:
    """The results of all questions, in order."""

    results: tuple[Result, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing that is printed is wrong."""
        return all(r.right is not False for r in self.results)

    @property
    def wrong(self) -> tuple[Result, ...]:
        return tuple(r for r in self.results if r.right is False)

    @property
    def unexpected(self) -> tuple[Result, ...]:
        """Where something else was found than the file expects, or nothing where it expects something."""
        return tuple(r for r in self.results if not r.as_expected)

    @property
    def summary(self) -> str:
        printed = sum(r.right is not None for r in self.results)
        wrong, odd = len(self.wrong), len(self.unexpected)
        said = f"{len(self.results)} questions, {printed} printed answers: {printed - wrong} right, {wrong} wrong"
        return f"{said}; {odd} not as the files expect" if odd else f"{said}, exactly those the files expect"

    def text(self, *, every: bool = False) -> str:
        """The wrong and the unexpected (or every) results as plain text."""
        shown = [r for r in self.results if every or r.right is False or not r.as_expected]
        return "\n".join([*(_paragraph(r) for r in shown), self.summary])

    def to_json(self) -> dict[str, Any]:
        """The results as plain data."""
        rows = [{**asdict(r), "status": r.status} for r in self.results]
        return {"ok": self.ok, "as_expected": not self.unexpected, "results": rows}

    def __str__(self) -> str:
        return self.text()

    def __rich__(self) -> Table:
        from rich.table import Table
        from rich.text import Text

        table = Table(title=self.summary, title_justify="left")
        for name in ("exercise", "question", "print", "found", "witness"):
            table.add_column(name, overflow="fold")
        for r in self.results:
            cells = (r.exercise, r.question, r.status, ", ".join(r.findings), r.detail)
            table.add_row(*map(Text, cells), style=_STYLES[r.status])  # a mask such as [x > 0] is no markup
        return table


_STYLES = {"right": "green", "wrong, as expected": "yellow", "unexpected": "bold red", "nothing printed": "dim"}


def _paragraph(result: Result) -> str:
    head = f"{result.exercise}/{result.question}: {', '.join(result.findings) or 'nothing found'}"
    if not result.as_expected:
        head += f" (the file expects {', '.join(result.expected) or 'nothing'})"
    return "\n".join([head, *(f"  {line}" for line in result.detail.splitlines())])


def verify(exercises: Iterable[Exercise], progress: Callable[[str], None] | None = None) -> Verification:
    """Judge every question; a question that cannot be judged is an unexpected finding, never a crash.

    `progress` is told the name of each question before it is judged.
    """
    results = []
    for exercise in exercises:
        for question in exercise.questions:
            if progress is not None:
                progress(f"{exercise.id}/{question.id}")
            results.append(_result(exercise, question))
    return Verification(tuple(results))


def _result(exercise: Exercise, question: Question) -> Result:
    try:
        judged = judge(question)
    except SymgradError as error:
        judged = Judged(False, (UNUSABLE,), str(error))
    right, findings, detail = judged.right, judged.findings, judged.detail
    return Result(exercise.id, question.id, question.kind, right, findings, question.finding, detail)


def judge(question: Question) -> Judged:
    """Whether the print of one question is right; `question.finding` is not looked at."""
    judges: Sequence[tuple[type[Question], Callable[[Any], Judged]]] = (
        (DerivativeQuestion, judge_derivative),
        (ValueQuestion, judge_value),
        (GradientValueQuestion, judge_gradient_value),
        (ChainQuestion, judge_chain),
        (CodeQuestion, judge_code),
        (StructureQuestion, judge_structure),
        (FlatteningQuestion, judge_flattening),
        (LawQuestion, judge_law),
        (GraphQuestion, lambda _: NOTHING_PRINTED),
        *JUDGES,
    )
    for kind, judging in judges:
        if isinstance(question, kind):
            return judging(question)
    raise DomainError(f"no way to verify a question of kind {question.kind}")
