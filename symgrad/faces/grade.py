"""The command `symgrad grade`: a class's answers against a bank of exercises.

Reads its options, calls `symgrad.bank.grading`, says where the report is; nothing is judged here and nothing
heavy is imported before the command runs.

>>> grade.name
'grade'
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from symgrad.faces.options import LANGUAGES, json_option, say

if TYPE_CHECKING:
    from symgrad.bank.grading.report import Report

ATTEMPTS = ("last", "first", "best")
OTHER_LAYOUT = ("wrong", "partial", "right")
SHOWN = 10  # mistakes and questions in a terminal
SHORT = 60  # characters of an example there


@click.command(short_help="Grade a class's answers.")
@click.argument("bank")
@click.argument("submissions")
@click.option(
    "-o",
    "outputs",
    multiple=True,
    metavar="FILE",
    help="Write the report: .csv, .json, .html or .xml (JUnit); may be repeated.",
)
@click.option(
    "--ledger",
    metavar="FILE",
    help="Keep verdicts in this file, so that a run can be taken up again; beside the report if not given.",
)
@click.option(
    "--attempts",
    type=click.Choice(ATTEMPTS),
    default="last",
    show_default=True,
    help="Which of several answers of a student is kept; faults of form are no attempts.",
)
@click.option(
    "--credit",
    multiple=True,
    metavar="ID=SHARE|FILE",
    help="The share of the points that a mistake leaves, or a TOML file of them; may be repeated.",
)
@click.option(
    "--other-layout",
    type=click.Choice(OTHER_LAYOUT),
    help="What an answer counts that is right in another layout, where the bank does not say; wrong if not given.",
)
@click.option(
    "--lang",
    type=click.Choice(LANGUAGES),
    default="en",
    show_default=True,
    help="The language of HTML pages and of explanations.",
)
@click.option("--jobs", type=click.IntRange(1, 256), help="Processes that grade; as many as processors if not given.")
@click.option(
    "--seconds",
    type=click.FloatRange(1, 3600),
    default=30.0,
    show_default=True,
    help="Computing time for one answer; what takes longer is left unresolved.",
)
@click.option("--retry", is_flag=True, help="Grade again what was left unresolved.")
@json_option  # fmt: skip
def grade(
    bank: str,
    submissions: str,
    outputs: tuple[str, ...],
    ledger: str | None,
    attempts: str,
    credit: tuple[str, ...],
    other_layout: str | None,
    lang: str,
    jobs: int | None,
    seconds: float,
    retry: bool,
    as_json: bool,
) -> None:
    """Grade SUBMISSIONS, a table, JSON lines or a folder of notebooks, against the exercises in BANK.

    \b
    symgrad grade exercises/homework answers.csv -o report.html
    symgrad grade exercises/homework answers.csv -o report.csv --credit "missing mask=0.5" --lang fa

    Each different answer is judged once. Wrong answers are no error of the command: exit status 0 graded, 2 unusable
    input.
    """
    from symgrad.bank.grading.marks import credit_of
    from symgrad.bank.grading.run import grade as grade_class
    from symgrad.bank.grading.write import form_of

    for output in outputs:
        form_of(output)
    with bar() as tell:
        report = grade_class(
            bank,
            submissions,
            jobs=jobs,
            ledger=ledger or _beside(outputs),
            attempts=attempts,
            credit=credit_of(credit),
            other_layout=other_layout,
            seconds=seconds,
            retry=retry,
            progress=tell,
        )
    written = [name for output in outputs for name in report.write(output, lang)]
    if as_json:
        _show_json(report)
    else:
        _show(report)
        for name in written:
            say(f"written: {name}")


def _beside(outputs: tuple[str, ...]) -> str | None:
    """The ledger of a report: its name with another ending; without a report none is kept."""
    return str(Path(outputs[0]).with_suffix(".ledger.jsonl")) if outputs else None


def _show_json(report: Report) -> None:
    from symgrad.bank.grading.write_json import write_json

    write_json(report, sys.stdout)


def _show(report: Report) -> None:
    """The summary, the most frequent mistakes, the hardest questions."""
    click.echo(report.summary)
    mistakes = [m for m in report.mistakes if m.mistake]
    if mistakes:
        click.echo("mistakes, the most frequent first")
    for found in mistakes[:SHOWN]:
        click.echo(f"  {found.answers:6d}  {found.mistake}: {_short(found.example)}  ({found.question})")
    if report.questions:
        click.echo("questions, the hardest first")
    for tally in report.questions[:SHOWN]:
        click.echo(f"  {tally.share:6.0%}  {tally.id}, {tally.answers} answer{'s' * (tally.answers != 1)}")
    for unusable in report.skipped[:SHOWN]:
        say(f"not used: {unusable.place}: {unusable.reason}")


def _short(text: str) -> str:
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= SHORT else line[: SHORT - 3] + "..."


@contextmanager
def bar() -> Iterator[Callable[[int, int], None] | None]:
    """A bar on stderr where a person sees it; None where nobody does."""
    if not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task("grading", total=None)
        yield lambda done, total: shown.update(task, completed=done, total=total)
