"""Blocks for a question about code: the generated backward pass, the print beside it, wrong lines marked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from symgrad.bank.backward import GRADIENT, backward_lines
from symgrad.bank.content import Block, Cell, Code, Note, Paragraph, Table
from symgrad.bank.judged import program_of
from symgrad.bank.judges_of_code import gradient_of, judged_lines
from symgrad.bank.phrases import digits
from symgrad.errors import DomainError
from symgrad.programs import Program
from symgrad.verification.staged import StagedLine, check_staged

if TYPE_CHECKING:
    from symgrad.bank.exercise import CodeQuestion
    from symgrad.bank.key import Context

MARKS = {True: "✓", False: "✗"}


def code_blocks(question: CodeQuestion, context: Context) -> Iterator[Block]:
    """Forward lines, generated backward lines, their check, and the print line by line."""
    from symgrad.bank.key import print_note

    source = program_of(question.problem)
    generated = list(backward_lines(source, question.of, question.wrt))
    yield Paragraph(f"{context.say('code')} {context.say('legend')}")
    yield Paragraph(context.say("answer"), strong=True)
    yield Code("\n".join([*question.problem.formula.strip().splitlines(), "", *generated]))
    yield from _checked(question, source, generated, context)
    if question.printed is not None:
        yield Paragraph(context.say("prints"))
        yield _beside(question, source, generated, context)
    right = context.say("prints right") if question.printed is not None and not question.finding else None
    yield from print_note(question, context, right)


def _checked(question: CodeQuestion, source: Program, generated: list[str], context: Context) -> Iterator[Block]:
    """The generated lines by the judge that judges prints.  Raises DomainError: a wrong key is not written."""
    if context.check is None:
        return
    report = check_staged(source, "\n".join(generated), question.of)
    if not report.correct:
        raise DomainError(f"the generated backward pass does not pass its check: {report.text()}")
    yield Note(context.say("check"), context.say("code checked"), "checked")


def _beside(question: CodeQuestion, source: Program, generated: list[str], context: Context) -> Table:
    """Every printed line, the verdict, and the generated line for the gradient that it should be."""
    wanted = {line.partition(" = ")[0].removeprefix(GRADIENT): line for line in generated}
    rows = [_row(line, wanted, source, context) for line in judged_lines(question, source).lines]
    header = ("code line", "printed", "code verdict", "code generated")
    return Table(tuple(context.say(h) for h in header), tuple(rows))


def _row(line: StagedLine, wanted: dict[str, str], source: Program, context: Context) -> tuple[Cell, ...]:
    name = gradient_of(line.instead or line.target, source)
    verdict = f"{MARKS[bool(line.correct)]} {context.say('code right' if line.correct else 'code wrong')}"
    should: Cell = "" if name not in wanted else Code(wanted[name])
    return digits(line.number, context.language), Code(f"{line.target} = {line.text}"), verdict, should
