"""How results are shown at the command line: text for people, one object for programs.

People get the answer in one line and, dim below it, how it is to be read; programs get JSON whose
fields are documented in docs/command-line.md.  Colour is dropped by click where nobody would see it.

>>> from symgrad.derivation import derivative
>>> print(answer_line(derivative("x'*A*x", ["x", "x"])))
d^2/dx dx = A + A'
"""

from __future__ import annotations

import json
import math
import shutil
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from symgrad.derivation import Derivative, explain_layout
from symgrad.notation.text import text
from symgrad.programs import RESULT, echoes

if TYPE_CHECKING:
    from symgrad.programs import Program
    from symgrad.steps import Step, StepsReport
    from symgrad.verification.answers import Verdict
    from symgrad.verification.check import Report


NARROW = 70  # columns of a terminal below which tables would be cut


def answer_line(result: Derivative) -> str:
    """`dL/dW = ...`; of an expression without a name, `d/dW = ...`.  What a long answer repeats gets a name."""
    of = "" if result.of == RESULT else result.of
    order = len(result.wrt)
    above = f"d{of}" if order == 1 else f"d^{order}{' ' if of else ''}{of}"
    short = result.abbreviated
    lines = [f"{above}/{' '.join(f'd{name}' for name in result.wrt)} = {text(short.result) if short else result}"]
    for name, part in short.parts if short else ():
        lines.append(f"  where {name} = {text(part)}")
    return "\n".join(lines)


_PAIR = {3: "", 4: " two"}  # how many axes are the columns of an unfolded tensor


def remarks(result: Derivative) -> list[str]:
    """How the answer is to be read: layout and shape, what was inferred, what was understood, why it is zero."""
    said = [explain_layout(result)]
    if not result.matrix_form:
        said.append("no closed matrix notation: an indexed sum")
        if result.unfolded is not None:
            said.append(f"as a matrix, all axes but the last{_PAIR[result.raw.rank]} in its rows: {result.unfolded}")
    if result.is_zero:
        said.append(f"zero, because {result.why_zero}")
    if result.kinks:
        said.append(f"at kinks: {'; '.join(result.kinks)}")
    return said + _assumed(result.program) + list(result.notes)


def reading(program: Program) -> list[str]:
    """What was inferred, and what else was understood."""
    return _assumed(program) + list(program.notes) + echoes(program)


def _assumed(program: Program) -> list[str]:
    assumed = "; ".join(program.declared[name].text() for name in program.assumed)
    return [f"assumed: {assumed}"] if assumed else []


def show_derivative(result: Derivative) -> None:
    """The answer, and dim below it how it is to be read."""
    click.secho(answer_line(result), bold=True)
    for line in remarks(result):
        click.secho(f"  {line}", dim=True)


def show_steps(worked: Sequence[Step], latex: bool = False) -> None:
    """A worked derivation, a line for each step, with the name of its rule."""
    for step in worked:
        click.echo(f"  {step.latex() if latex else step.text()}" + click.style(f"    ({step.rule})", dim=True))


def derivative_fields(
    result: Derivative,
    worked: Sequence[Step] | None = None,
    report: Report | None = None,
    lines: StepsReport | None = None,
) -> dict[str, Any]:
    """The documented object of `derive --to json`; `steps` and `check` are there if they were asked for."""
    fields = _fields(result)
    if worked is not None:
        fields["steps"] = [_step_fields(step) for step in worked]
    if report is not None:
        fields["check"] = report.to_json()
    if lines is not None:
        for step, line in zip(fields["steps"], lines.lines, strict=True):
            step["agrees"] = line.agrees
    return fields


def _fields(result: Derivative) -> dict[str, Any]:
    return {
        "expression": result.program.text,
        "wrt": list(result.wrt),
        "of": None if result.of == RESULT else result.of,
        "layout": result.layout,
        "vec": result.vec,
        "shape": [size if isinstance(size, int) else str(size) for size in result.shape],
        "text": str(result),
        "latex": result.latex(),
        "matrix_form": result.matrix_form,
        **({} if result.matrix_form or result.unfolded is None else {"unfolded": result.unfolded}),
        "assumed": list(result.assumed),
        "notes": list(result.program.notes),
        "declared": {name: declared.text().partition(": ")[2] for name, declared in result.program.declared.items()},
    }


def _step_fields(step: Step) -> dict[str, str]:
    return {"rule": step.rule, "left": step.left.text(), "right": step.right.text(), "latex": step.latex()}


def show_json(fields: dict[str, Any]) -> None:
    """One line of JSON on standard output."""
    click.echo(json_line(fields))


def json_line(fields: dict[str, Any]) -> str:
    """One line of JSON; numbers that are not finite are null."""
    return json.dumps(_finite(fields), ensure_ascii=False, allow_nan=False)


def _finite(data: Any) -> Any:
    if isinstance(data, dict):
        return {str(name): _finite(value) for name, value in data.items()}
    if isinstance(data, list | tuple):
        return [_finite(value) for value in data]
    return None if isinstance(data, float) and not math.isfinite(data) else data


def is_terminal() -> bool:
    """Whether a person reads standard output."""
    return sys.stdout.isatty()


def show_rich(shown: Any) -> None:
    """What rich prints, with its colours."""
    from rich.console import Console

    Console().print(shown)


def show_table(table: Any, plain: str) -> None:
    """A table with rich where a person reads it and it fits, else as plain text."""
    if is_terminal() and shutil.get_terminal_size().columns >= NARROW:
        show_rich(table)
    else:
        click.echo(plain)


def show_report(report: Report) -> None:
    """What the witnesses say."""
    show_table(report, report.text())


def show_verdict(verdict: Verdict, program: Program) -> None:
    """What is said of an answer, and how the question was read."""
    show_table(verdict, verdict.text())
    for line in reading(program):
        click.secho(f"  {line}", dim=True)
