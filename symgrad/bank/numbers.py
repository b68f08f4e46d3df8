"""Blocks for questions about numbers: one table for the forward pass, one for the backward pass.

The numbers come from the graph of gates, run at the exercise's values; each is rounded once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from symgrad.bank.content import Block, Cell, Formula, Heading, Numbers, Paragraph, Table
from symgrad.bank.exercise import GradientValueQuestion, ProgramQuestion, ValueQuestion
from symgrad.bank.phrases import digits
from symgrad.execution import execute
from symgrad.notation.latex import name_latex
from symgrad.programs import Program, program
from symgrad.steps.step import fraction

if TYPE_CHECKING:
    from symgrad.bank.key import Context
    from symgrad.numeric.backprop import ComputationalGraph

DECIMALS = 2  # where a question does not say

NumberQuestion = ValueQuestion | GradientValueQuestion


def number_blocks(questions: Sequence[ProgramQuestion], context: Context) -> Iterator[Block]:
    """The table of consecutive questions about the numbers of one program."""
    asked = [q for q in questions if isinstance(q, ValueQuestion | GradientValueQuestion)]
    source = program(asked[0].problem.formula, asked[0].problem.where)
    of = next((q.of for q in asked if isinstance(q, GradientValueQuestion) and q.of), source.output)
    backward = isinstance(asked[0], GradientValueQuestion)
    graph = execute(source, asked[0].problem.values, of if backward else None)
    if backward:
        graph.backward()
    decimals = max((q.decimals for q in asked if q.decimals is not None), default=DECIMALS)
    yield Heading(context.say("backward" if backward else "forward"), 3)
    yield _table(asked, source, graph, of if backward else None, decimals, context)
    rounded = context.say("rounded", decimals=digits(decimals, context.language)) if decimals else context.say("whole")
    yield Paragraph(f"{context.say('numbers checked')} {rounded}")
    for question in asked:
        yield from _notes(question, of if backward else None, context)


def _table(
    asked: Sequence[NumberQuestion],
    source: Program,
    graph: ComputationalGraph,
    of: str | None,
    decimals: int,
    context: Context,
) -> Table:
    by_name = {_name(q): q for q in asked}
    header = ("asked", "gradient" if of else "value", "printed")
    rows = []
    for name in _names(source, graph, list(by_name), of):
        question = by_name.get(name)
        shown = numbers(graph.gradient(name) if of else graph.value(name), decimals)
        rows.append((_asked(question, context), _equation(name, of), shown, _printed(question, context)))
    titles = tuple(context.say(h) for h in header)
    return Table((titles[0], context.say("quantity"), *titles[1:]), tuple(rows))


def _name(question: NumberQuestion) -> str:
    return question.wrt if isinstance(question, GradientValueQuestion) else question.of


def _names(source: Program, graph: ComputationalGraph, asked: list[str], of: str | None) -> list[str]:
    """Every line that has a value, and what else was asked for; backward from the output."""
    evaluated = {h.name for h in graph.nodes_topologically_sorted()}
    lines = [n for n in source.assigned if n in evaluated]
    if of is None:
        return lines + [n for n in asked if n not in lines]
    inputs = [n for n in source.declared if n in asked]
    return [*reversed(lines), *inputs]


def _asked(question: NumberQuestion | None, context: Context) -> str:
    return "" if question is None else context.text(question.text)


def _equation(name: str, of: str | None) -> Formula:
    if of is None:
        return Formula(name_latex(name), name)
    return Formula(fraction(of, name), f"d{of}/d{name}")


def _printed(question: NumberQuestion | None, context: Context) -> Cell:
    if question is None or question.printed is None:
        return "—"
    return numbers(question.printed, question.decimals or 0)


def _notes(question: NumberQuestion, of: str | None, context: Context) -> Iterator[Block]:
    """The notes on the print, each saying what it is about."""
    from symgrad.bank.key import print_note

    subject = _equation(_name(question), of).latex
    for note in print_note(question, context):
        yield replace(note, text=f"${subject}$: {note.text}")


def numbers(value: Any, decimals: int) -> Numbers:
    """An array as a block of numbers, rounded once; no minus before a zero."""
    import numpy as np

    array = np.asarray(value, dtype=float)
    kind = {0: "scalar", 1: "column"}.get(array.ndim, "matrix")
    table = array.reshape(array.shape[0] if array.ndim else 1, -1)
    rows = tuple(tuple(float(round(x, decimals)) + 0.0 for x in row) for row in table)
    return Numbers(rows, decimals, kind)  # type: ignore[arg-type]
