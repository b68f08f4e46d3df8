"""The command `symgrad`: derive, check, batch, key, verify; graph, grade and serve have files of their own.

Each command reads its input, calls one function of the library and shows the result; nothing is
computed here, and what is heavy is imported inside the commands.  Exit status: 0 fine, 1 something
checked is wrong, 2 the command or its input is unusable.  docs/command-line.md describes it for users.

>>> sorted(commands.commands)
['batch', 'check', 'derive', 'grade', 'graph', 'key', 'serve', 'verify']
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from symgrad import __version__
from symgrad.faces.grade import grade
from symgrad.faces.graph import graph
from symgrad.faces.options import (
    LANGUAGES,
    UNUSABLE,
    Commands,
    convention_options,
    declarations,
    emit,
    json_option,
    json_wanted,
    progress,
    read_text,
    say,
    variables,
    write_bytes,
    write_file,
)
from symgrad.faces.serve import serve

if TYPE_CHECKING:
    from symgrad.bank.content import Document, Language
    from symgrad.derivation import Derivative
    from symgrad.programs import Program
    from symgrad.steps import Step
    from symgrad.verification.check import Report

METHODS = ("index", "differential", "chain")
FORMATS = ("text", "latex", "numpy", "jax", "torch", "json")
KEY_FORMATS = ("terminal", "md", "html", "tex", "pdf", "ipynb")
WRONG = 1  # exit status: something checked is wrong


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, message="symgrad %(version)s")
@click.pass_context
def commands(context: click.Context) -> None:
    """Derivatives of matrix expressions: derived, explained, checked.

    \b
    symgrad derive "x'*A*x" --wrt x
    symgrad check  "x'*A*x" --wrt x --answer "(A+A')*x" --layout gradient
    symgrad key    exercises/homework --lang fa
    symgrad verify exercises/
    symgrad graph  exercises/homework/06-two-branch-network.toml -o graph.svg
    symgrad grade  exercises/homework answers.csv -o report.html
    symgrad serve

    An expression is text, `-` for standard input, or @FILE. Exit status: 0 fine, 1 something checked is
    wrong, 2 the command or its input is unusable.
    """
    if os.environ.get("NO_COLOR"):
        context.color = False


def main() -> None:
    """The entry point: characters that the terminal can't show are replaced."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    commands(prog_name="symgrad")


# --- derive ---------------------------------------------------------------------------------------


@commands.command(short_help="Derive an expression or a program.")
@click.argument("expression")
@convention_options
@click.option("--steps", type=click.Choice(METHODS), help="Show a worked derivation.")
@click.option(
    "--to",
    "form",
    type=click.Choice(FORMATS),
    default="text",
    show_default=True,
    is_eager=True,
    callback=json_wanted,
    help="How the result is written.",
)
@json_option
@click.option(
    "--check",
    "checked",
    is_flag=True,
    help="Compare with the numeric witnesses, every line of --steps too; exit status 1 if one disagrees.",
)
@click.pass_context
def derive(
    context: click.Context,
    expression: str,
    form: str,
    as_json: bool,
    steps: str | None,
    checked: bool,
    **convention: Any,
) -> None:
    """Derive d EXPRESSION / d NAMES.

    EXPRESSION is an expression or a program (assignments separated by ; or line ends).

    \b
    symgrad derive "x'*A*x" --wrt x
    symgrad derive "norm2(A*x-b)^2" --wrt x --where "A: R^{m x n}; x: R^n; b: R^m" --check
    symgrad derive "h = tanh(W*x); L = h'*h" --wrt W --steps chain
    symgrad derive "A*X*B" --wrt X --vec row --to latex
    symgrad derive @network.txt --of L --wrt W1 --to numpy
    """
    from symgrad.faces.show import derivative_fields, show_json, show_report, show_table

    result = _derived(expression, **convention)
    worked = result.steps(steps) if steps else None
    report = _checked(result) if checked else None
    lines = worked.check() if checked and worked is not None else None
    if as_json or form == "json":
        show_json(derivative_fields(result, worked, report, lines))
    else:
        _show_form(result, form, worked or ())
        if report is not None:
            show_report(report)
        if lines is not None:
            show_table(lines, lines.heading if lines.ok else lines.text())
    if not all(found.ok for found in (report, lines) if found is not None):
        context.exit(WRONG)


def _derived(expression: str, *, wrt: tuple[str, ...], of: str | None, **convention: Any) -> Derivative:
    from symgrad.derivation import derive as derive_program

    return derive_program(_program(expression, convention), of, variables(wrt), **convention)


def _program(expression: str, convention: dict[str, Any]) -> Program:
    """What is differentiated; --where and --infer are taken out of the convention."""
    from symgrad.programs import program

    return program(read_text(expression), declarations(convention.pop("where")), infer=convention.pop("infer"))


def _checked(result: Derivative) -> Report:
    from symgrad.verification.check import check as compare

    return compare(result)


def _show_form(result: Derivative, form: str, worked: Sequence[Step]) -> None:
    """The result as text with remarks; LaTeX and code stand alone, what was inferred goes to stderr."""
    from symgrad.faces.show import reading, show_derivative, show_steps

    if form == "text":
        show_derivative(result)
        show_steps(worked)
        return
    click.echo(_written(result, form).rstrip("\n"))
    show_steps(worked, latex=form == "latex")
    for line in reading(result.program):
        say(line)


def _written(result: Derivative, form: str) -> str:
    if form == "latex":
        return result.latex()
    return result.source(form)


# --- check ----------------------------------------------------------------------------------------


@commands.command(short_help="Judge an answer.")
@click.argument("expression")
@convention_options
@click.option("--answer", required=True, help="The answer to judge: text, `-` or @FILE.")
@json_option
@click.pass_context
def check(context: click.Context, expression: str, answer: str, as_json: bool, **convention: Any) -> None:
    """Judge an answer to d EXPRESSION / d NAMES: exit status 0 right, 1 wrong, 2 unusable.

    \b
    symgrad check "x'*A*x" --wrt x --answer "(A+A')*x" --layout gradient
    symgrad check "tr(X'*A*X)" --wrt X --answer "2*A*X" --where "X: R^{n x p}; A: R^{n x n}"
    """
    from symgrad.faces.show import show_json, show_verdict
    from symgrad.verification.answers import check_answer

    source = _program(expression, convention)
    names = variables(convention.pop("wrt"))
    verdict = check_answer(source, names, answer=read_text(answer), **convention)
    if as_json:
        show_json(verdict.to_json())
    else:
        show_verdict(verdict, source)
    if verdict.correct is not True:
        context.exit(WRONG if verdict.correct is False else UNUSABLE)


# --- batch ----------------------------------------------------------------------------------------


@commands.command(short_help="Answer many requests, one JSON object a line.")
@click.pass_context
def batch(context: click.Context) -> None:
    """Read requests from standard input, one JSON object a line; write one result a line, in order.

    A request has the fields of derive's options; with "answer" it is a check. Exit status: 0 all fine, 1 an
    answer is wrong, 2 a request could not be used (its line says why).

    \b
    echo '{"expression": "x\'*A*x", "wrt": "x"}' | symgrad batch
    """
    from symgrad.faces.batch import LINE_LIMIT, answered
    from symgrad.faces.show import show_json

    status = 0
    while line := sys.stdin.readline(LINE_LIMIT + 2):
        while len(line) > LINE_LIMIT and not line.endswith("\n"):  # the rest of an endless line is not kept
            rest = sys.stdin.readline(LINE_LIMIT)
            if not rest or rest.endswith("\n"):
                break
        if line.strip():
            found = answered(line)
            show_json(found)
            status = max(status, UNUSABLE if "error" in found else WRONG if found.get("correct") is False else 0)
    context.exit(status)


# --- key and verify -------------------------------------------------------------------------------

PATHS = click.argument("paths", nargs=-1, required=True, metavar="PATHS...")


@commands.command(short_help="Write the worked answer key of exercises.")
@PATHS
@click.option(
    "--to",
    "form",
    type=click.Choice(KEY_FORMATS),
    help="The format; if not given, that of FILE's ending (Markdown for others), without FILE terminal.",
)
@click.option("--lang", type=click.Choice(LANGUAGES), default="en", show_default=True, help="The language of the key.")
@click.option("-o", "output", metavar="FILE", help="Write to a file; its pictures are written beside it.")
def key(paths: tuple[str, ...], form: str | None, lang: Language, output: str | None) -> None:
    """Write the worked answer key of exercises: statement, derivation, answer, verification.

    PATHS are exercise files, or folders of them.

    \b
    symgrad key exercises/homework/06-two-branch-network.toml
    symgrad key exercises/homework --lang fa -o key.html
    symgrad key exercises/homework -o key.pdf
    """
    from symgrad.bank.exercise import load_all
    from symgrad.bank.key import key as write_key

    documents = []
    with progress() as tell_progress:
        for exercise in load_all(paths):
            if tell_progress:
                tell_progress(exercise.id)
            documents.append(write_key(exercise, lang))
    _emit_key(documents, form or _form_of(output), output)


def _form_of(output: str | None) -> str:
    """The format that a file's name asks for."""
    if output in (None, "-"):
        return "terminal" if output is None else "md"
    ending = Path(str(output)).suffix.lower().removeprefix(".")
    return {"htm": "html"}.get(ending, ending) if ending in (*KEY_FORMATS[1:], "htm") else "md"


def _emit_key(documents: Sequence[Document], form: str, output: str | None) -> None:
    from symgrad.bank.key import figures

    if form == "terminal":
        _emit_plain(documents, output)
        return
    if form == "md":
        emit(_as_markdown(documents, output), output)
        return
    pictures = {name: svg for document in documents for name, svg in figures(document).items()}
    if form == "html":
        from symgrad.bank.writers.html import html

        emit(html(documents, pictures), output)
    elif form == "tex":
        from symgrad.bank.writers.tex import tex

        emit(tex(documents), output)
        _write_pictures(pictures, output)
    elif form == "ipynb":
        from symgrad.bank.generated import sources
        from symgrad.bank.writers.notebook import notebook

        code = {name: text for document in documents for name, text in sources(document).items()}
        emit(notebook(documents, pictures, code), output)
    else:
        _emit_pdf(documents, pictures, output)


def _emit_pdf(documents: Sequence[Document], pictures: dict[str, str], output: str | None) -> None:
    from symgrad.bank.writers.pdf import pdf

    if output in (None, "-"):
        raise click.UsageError("a PDF is written to a file: give -o FILE")
    write_bytes(str(output), pdf(documents, pictures))


def _write_pictures(pictures: dict[str, str], output: str | None) -> dict[str, str]:
    """The pictures beside the file; their places as the text names them.  None of them on standard output."""
    if output in (None, "-"):
        return {}
    for name, svg in pictures.items():
        write_file(str(Path(str(output)).with_name(f"{name}.svg")), svg)
    return {name: f"{name}.svg" for name in pictures}


def _emit_plain(documents: Sequence[Document], output: str | None) -> None:
    """As plain text; in a terminal with colours."""
    from symgrad.bank.writers.terminal import terminal, terminal_text
    from symgrad.faces.show import is_terminal, show_rich

    if output is None and is_terminal():
        for document in documents:
            show_rich(terminal(document))
    else:
        emit("\n".join(map(terminal_text, documents)), output)


def _as_markdown(documents: Sequence[Document], output: str | None) -> str:
    """The keys as one text; beside a file their pictures are written, on standard output programs stand for them."""
    from symgrad.bank.key import figures
    from symgrad.bank.writers.markdown import markdown

    texts = [markdown(d, _write_pictures(figures(d) if output else {}, output)) for d in documents]
    return "\n".join(texts)


@commands.command(short_help="Check the printed answers in exercises.")
@PATHS
@click.option("--all", "every", is_flag=True, help="Show every question, also where the print is right.")
@json_option
@click.pass_context
def verify(context: click.Context, paths: tuple[str, ...], every: bool, as_json: bool) -> None:
    """Check every printed answer in exercises: exit status 1 if one is wrong.

    Mistakes that a file expects are mistakes all the same; others are pointed out.

    \b
    symgrad verify exercises/
    symgrad verify exercises/homework/06-two-branch-network.toml --all
    """
    from symgrad.bank.exercise import load_all
    from symgrad.bank.verify import verify as verify_all
    from symgrad.faces.show import show_json, show_table

    with progress() as tell_progress:
        found = verify_all(load_all(paths), tell_progress)
    if as_json:
        show_json(found.to_json())
    elif every:
        show_table(found, found.text(every=True))
    else:
        click.echo(found.text())
    if not found.ok or found.unexpected:
        context.exit(WRONG)


for command in (graph, grade, serve):
    commands.add_command(command)
