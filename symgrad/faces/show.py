"""How results are shown at the command line: text for people, one object for programs.

People get the answer in one line and, dim below it, how it is to be read; programs get JSON whose
fields are documented in docs/command-line.md.  Colour is dropped by click where nobody would see it.

>>> from symgrad.derivation import derivative
>>> print(answer_line(derivative("x'*A*x", ["x", "x"])))
d^2/dx dx = A + A'
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from symgrad.derivation import Derivative, explain_layout
from symgrad.program import RESULT

if TYPE_CHECKING:
    from symgrad.steps.step import Step
    from symgrad.verification.check import Report


def answer_line(result: Derivative) -> str:
    """`dL/dW = ...`; of an expression without a name, `d/dW = ...`."""
    of = "" if result.of == RESULT else result.of
    order = len(result.wrt)
    above = f"d{of}" if order == 1 else f"d^{order}{' ' if of else ''}{of}"
    return f"{above}/{' '.join(f'd{name}' for name in result.wrt)} = {result}"


def remarks(result: Derivative) -> list[str]:
    """How the answer is to be read: layout and shape, what was inferred, what was understood, why it is zero."""
    said = [explain_layout(result)]
    if not result.matrix_form:
        said.append("no closed matrix notation: an indexed sum")
    if result.is_zero:
        said.append(f"zero, because {result.why_zero}")
    return said + reading(result)


def reading(result: Derivative) -> list[str]:
    """What was inferred, and what else was understood."""
    assumed = ["assumed: " + "; ".join(result.assumed)] if result.assumed else []
    return assumed + list(result.program.notes)


def show_derivative(result: Derivative) -> None:
    """The answer, and dim below it how it is to be read."""
    click.secho(answer_line(result), bold=True)
    for line in remarks(result):
        click.secho(f"  {line}", dim=True)


def derivative_fields(result: Derivative) -> dict[str, Any]:
    """The documented object of `derive --to json`."""
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
        "assumed": list(result.assumed),
        "notes": list(result.program.notes),
        "declared": {name: declared.text().partition(": ")[2] for name, declared in result.program.declared.items()},
    }


def step_fields(step: Step) -> dict[str, str]:
    """A step of a worked derivation, as in the documented object."""
    return {"rule": step.rule, "left": step.left.text(), "right": step.right.text(), "latex": step.latex()}


def show_table(table: Any, plain: str) -> None:
    """A table with rich where a person reads it, else as plain text."""
    if not sys.stdout.isatty():
        click.echo(plain)
        return
    from rich.console import Console

    Console().print(table)


def show_report(report: Report) -> None:
    show_table(report, report.text())
