"""Answer keys: an exercise in, a content tree out; the mathematics is derived anew each time.

For every question: what is asked, the derivation by the methods that the exercise wants to see, the answer
in the asked layout, a line of verification, and what the document prints.  Writers turn the tree into a
format.  `figures` draws the graphs that a key shows.

>>> from symgrad.bank.exercise import load
>>> key(load("exercises/homework/02-linear-map.toml"), "en", check=None).title
'Jacobian of a linear map'
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING

from symgrad.bank.content import LANGUAGES, Block, Document, Figure, Heading, Language, Note, Paragraph
from symgrad.bank.exercise import (
    Bilingual,
    ChainQuestion,
    CodeQuestion,
    DerivativeQuestion,
    Exercise,
    FlatteningQuestion,
    GradientValueQuestion,
    GraphQuestion,
    LawQuestion,
    ProgramQuestion,
    Question,
    StructureQuestion,
    ValueQuestion,
)
from symgrad.bank.phrases import FINDINGS, GENERAL, digits, listed, say
from symgrad.errors import UnknownNameError, did_you_mean

if TYPE_CHECKING:
    from symgrad.derivation import Derivative
    from symgrad.verification.check import Report

Check = Callable[["Derivative"], "Report"]


def _by_witnesses(derivative: Derivative) -> Report:
    from symgrad.verification.check import check

    return check(derivative)


@dataclass(frozen=True)
class Context:
    """What the blocks of one key share: its language, how answers are checked, what was shown before."""

    exercise: Exercise
    language: Language
    check: Check | None
    shown: set[tuple[str, str]] = field(default_factory=set)

    def say(self, name: str, /, **values: object) -> str:
        return say(name, self.language, GENERAL, **values)

    def text(self, both: Bilingual) -> str:
        return (both.fa if self.language == "fa" else both.en).strip()


def key(exercise: Exercise, language: Language = "en", check: Check | None = _by_witnesses) -> Document:
    """The worked key of an exercise.  `check` gives the report behind the verification lines; None leaves them out.

    Raises UnknownNameError for a language that does not exist, and the errors of deriving what is asked.
    """
    if language not in LANGUAGES:
        raise UnknownNameError(f"keys are not written in {language!r}", hint=did_you_mean(language, LANGUAGES))
    context = Context(exercise, language, check)
    title = context.text(exercise.title)
    blocks: list[Block] = [Heading(title, 1), Paragraph(context.text(exercise.statement))]
    number = 0
    for kind, group in groupby(exercise.questions, key=_grouping):
        questions = list(group)
        if kind[0] == "numbers":
            blocks += _numbers(questions, number, context)
        else:
            for place, question in enumerate(questions, number + 1):
                blocks += _question(question, place, context)
        number += len(questions)
    return Document(language, title, tuple(blocks))


def figures(document: Document) -> dict[str, str]:
    """The SVG of every figure of a key, by name."""
    from symgrad.picture import picture
    from symgrad.programs import program

    found = {}
    for block in document.blocks:
        if isinstance(block, Figure):
            found[block.name] = block.svg or picture(program(block.program, block.where), dict(block.values) or None)
    return found


def _grouping(question: Question) -> tuple[str, str]:
    """Questions for numbers of one program stand in one table."""
    if isinstance(question, ValueQuestion | GradientValueQuestion):
        return "numbers", f"{question.kind} {question.problem.where} {question.problem.formula}"
    return "one by one", ""


def _heading(context: Context, first: int, last: int) -> Heading:
    shown = [digits(n, context.language) for n in (first, last)]
    if first == last:
        return Heading(context.say("question", number=shown[0]), 2)
    return Heading(context.say("questions", first=shown[0], last=shown[1]), 2)


def _question(question: Question, number: int, context: Context) -> Iterator[Block]:
    yield _heading(context, number, number)
    yield Paragraph(context.text(question.text))
    yield from _answer(question, context)


def _answer(question: Question, context: Context) -> Iterator[Block]:
    from symgrad.bank.facts import chain_blocks, flattening_blocks, graph_blocks, law_blocks, structure_blocks
    from symgrad.bank.listing import code_blocks
    from symgrad.bank.training_key import training_blocks
    from symgrad.bank.training_questions import TRAINING
    from symgrad.bank.worked import derivative_blocks

    match question:
        case DerivativeQuestion():
            yield from derivative_blocks(question, context)
        case ChainQuestion():
            yield from chain_blocks(question, context)
        case CodeQuestion():
            yield from code_blocks(question, context)
        case StructureQuestion():
            yield from structure_blocks(question, context)
        case FlatteningQuestion():
            yield from flattening_blocks(question, context)
        case LawQuestion():
            yield from law_blocks(question, context)
        case GraphQuestion():
            yield from graph_blocks(question, context)
        case _ if question.kind in TRAINING:
            yield from training_blocks(question, context)
        case _:
            raise UnknownNameError(f"no key is written for questions of kind {question.kind!r}")


def _numbers(questions: Sequence[Question], before: int, context: Context) -> Iterator[Block]:
    from symgrad.bank.numbers import number_blocks

    yield _heading(context, before + 1, before + len(questions))
    asked = [q for q in questions if isinstance(q, ProgramQuestion)]
    yield from number_blocks(asked, context)


def print_note(question: Question, context: Context, right: str | None = None) -> Iterator[Note]:
    """What is to be said about the print: the mistake by name and the note, or the note alone."""
    text = "" if question.note is None else context.text(question.note)
    if question.finding:
        found = listed([_finding(f, context.language) for f in question.finding], context.language)
        yield Note(f"{context.say('print wrong')}: {found}", text, "wrong")
    elif text or right:
        title = "remark" if getattr(question, "printed", True) is None else "print right"
        yield Note(context.say(title), " ".join(t for t in (right, text) if t), "fine")


def _finding(finding: str, language: Language) -> str:
    """What is wrong with a print, in a few words."""
    from symgrad.verification.mistakes import MISTAKES

    if finding in FINDINGS:
        return say(finding, language, FINDINGS)
    title = next(m.title for m in MISTAKES.values() if m.family == finding)
    return title.fa if language == "fa" else title.en
