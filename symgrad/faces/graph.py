"""The command `symgrad graph`: the picture of a program, an expression or an exercise.

Finds the program and its numbers, and hands them to `symgrad.picture`; nothing is drawn here.

>>> graph.name
'graph'
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from symgrad.errors import DomainError, UnknownNameError, did_you_mean
from symgrad.faces.options import (
    LANGUAGES,
    TEXT_LIMIT,
    FormulaCommand,
    declarations,
    emit,
    numbers,
    read_file,
    read_text,
    say,
)

if TYPE_CHECKING:
    from symgrad.bank.exercise import Exercise, Problem
    from symgrad.programs import Program


@click.command(cls=FormulaCommand, short_help="Draw a computational graph.")
@click.argument("source", metavar="EXPR|FILE|EXERCISE.toml")
@click.option("--values", metavar="JSON", help="Numbers for the inputs, '{\"x\": [1, 2]}', or @FILE.")
@click.option("--where", multiple=True, metavar="TEXT", help="Declarations; without any, shapes are inferred.")
@click.option("--of", metavar="NAME", help="Which name of the program is the output; the last one if not given.")
@click.option("--question", metavar="ID", help="The question of an exercise whose program is drawn.")
@click.option(
    "--detail",
    type=click.Choice(["gates", "lines"]),
    default="gates",
    show_default=True,
    help="One gate per operator, or one box per line of the program.",
)
@click.option("--title", help="The heading; by default the exercise's title, or a short expression.")
@click.option(
    "--lang", type=click.Choice(LANGUAGES), default="en", show_default=True, help="The language of that title."
)
@click.option("-o", "output", metavar="FILE", help="Write the SVG to a file (standard output if not given).")
def graph(
    source: str,
    values: str | None,
    where: tuple[str, ...],
    of: str | None,
    question: str | None,
    detail: str,
    title: str | None,
    lang: str,
    output: str | None,
) -> None:
    """Draw a computational graph as SVG, forward values above the edges and gradients below.

    The numbers come from the exercise and from --values; without numbers the graph is drawn bare.

    \b
    symgrad graph "q = x + y; f = q*z" --where "x, y, z: R" --values '{"x": -2, "y": 5, "z": -4}' -o graph.svg
    symgrad graph exercises/homework/06-two-branch-network.toml -o network.svg
    symgrad graph exercises/backpropagation/11-sigmoid-neuron.toml --question grouped-graph -o neuron.svg
    """
    from symgrad.picture import picture, shows_gradients

    program, given, heading = _graph_input(source, declarations(where), question, lang)
    chosen = given if values is None else {**(given or {}), **numbers(values)}
    svg = picture(program, chosen, of, heading if title is None else title, detail)
    emit(svg, output)
    if chosen is None:
        say("no numbers are given (--values), so the graph is drawn without")
    elif not shows_gradients(program, of):
        say(f"{of or program.output} is no scalar, so no gradients are drawn; --of names another output")


GraphInput = tuple["Program", dict[str, Any] | None, str]  # a program, its numbers if there are any, a title


def _graph_input(source: str, where: str | None, question: str | None, lang: str) -> GraphInput:
    from symgrad.programs import program as read_program

    if source.endswith(".toml"):
        if where is not None:
            raise DomainError("--where goes with an expression; an exercise has its own declarations")
        return _exercise_input(source, question, lang)
    if question is not None:
        raise DomainError("--question goes with an exercise", hint="name an exercise's file")
    program = read_program(_program_text(source), where)
    title = " ".join(program.text.split())
    return program, None if program.declared else {}, title if len(title) <= TITLE_LENGTH else ""


TITLE_LENGTH = 60  # an expression up to here is its picture's title


def _program_text(source: str) -> str:
    """A file of that name, where there is one that looks like a file; else the expression itself."""
    if Path(source).suffix and os.path.isfile(source):
        return read_file(source, TEXT_LIMIT)
    return read_text(source)


def _exercise_input(path: str, question: str | None, lang: str) -> GraphInput:
    from symgrad.bank.exercise import load
    from symgrad.programs import program as read_program

    exercise = load(path)
    problem = _problem(exercise, question)
    program = read_program(problem.formula, problem.where)
    values = dict(problem.values) if problem.values or not program.declared else None
    return program, values, exercise.title.fa if lang == "fa" else exercise.title.en


def _problem(exercise: Exercise, question: str | None) -> Problem:
    """The program of a question, else what the exercise's questions share."""
    from symgrad.bank.exercise import ProgramQuestion

    known = {q.id: q.problem for q in exercise.questions if isinstance(q, ProgramQuestion)}
    if question is not None:
        if question not in known:
            message = f"{exercise.path}: no question {question} with a program"
            raise UnknownNameError(message, hint=did_you_mean(question, known))
        return known[question]
    if exercise.problem is None:
        message = f"{exercise.path}: every question has its own program"
        raise UnknownNameError(message, hint=f"--question {next(iter(known), 'ID')}")
    return exercise.problem
