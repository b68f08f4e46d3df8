r"""Answers read: text, LaTeX or an indexed sum -> views in the names of a program, with notes on how it was read.

>>> from symgrad.programs import program
>>> read = read_answer(r"2 A^\top x", program("x'*A*x", "x: R^n; A: R^{n x n}").scope)
>>> read.views[0].describe(), read.notes
('a column vector (n x 1)', ("LaTeX was read as 2*A'*x",))
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from symgrad.errors import ParseError
from symgrad.notation.grammar import parse_program, resolve_juxtaposition
from symgrad.notation.latex_reader import parse_latex_program
from symgrad.notation.latex_tokens import is_latex
from symgrad.notation.lower import Scope, lower
from symgrad.notation.text import text as text_of
from symgrad.notation.tree import Assignment, Tree, names
from symgrad.operations.catalogue import function_names
from symgrad.tensor.dims import Shape
from symgrad.tensor.view import View
from symgrad.verification.indexed_sums import arrangements, letters_on_the_left, looks_indexed, read_indexed

_SIDE_BY_SIDE = re.compile(r"(?<=[\w)'])[ \t]+(?=[^\W\d]|\()")


@dataclass(frozen=True, slots=True)
class Read:
    """What an answer means; several views where the order of its free indices is not said, the first being usual."""

    views: tuple[View, ...]
    tree: Tree | None = None
    notes: tuple[str, ...] = ()


def read_answer(answer: str, scope: Scope, prefix: str = "", shape: Shape = ()) -> Read:
    """The meaning of a normalised answer, in the names of a scope; it may have lines of its own.

    `shape` is what the axes of an indexed sum should be: it settles what a lone delta_ij leaves open.
    Raises ParseError, UnknownNameError, ShapeError, LimitError.
    """
    if looks_indexed(answer, scope):
        entries = read_indexed(answer, scope, shape)
        views = arrangements(entries, letters_on_the_left(prefix, entries.letters))
        free = ", ".join(entries.letters) or "none"
        return Read(tuple(views), None, (f"an indexed sum; free indices: {free}",))
    lines, notes = lines_of(answer, scope)
    scope = Scope(dict(scope.views), scope.letters, scope.declared)
    for line in lines:
        view = lower(line.value, scope, answer)
        if line.name is not None:
            if line.name in scope.declared:
                message = f"{line.name} is given and can't be assigned"
                raise ParseError(message, text=answer, span=line.span, hint="another name")
            scope.views[line.name] = view
    return Read((view,), lines[-1].value if len(lines) == 1 else None, notes)


def _parsed(answer: str) -> tuple[tuple[Assignment, ...], tuple[str, ...]]:
    """The lines, factors with a space between them read as a product where that is the only way."""
    try:
        return parse_program(answer), ()
    except ParseError:
        closed = _SIDE_BY_SIDE.sub("*", answer)
        if closed == answer:
            raise
        try:
            return parse_program(closed), ("factors side by side were read as a product",)
        except ParseError:
            pass
        raise


def lines_of(answer: str, scope: Scope) -> tuple[list[Assignment], tuple[str, ...]]:
    """The lines of an answer, parsed, juxtaposed names taken apart, and notes on LaTeX."""
    if is_latex(answer):
        kinds = {**dict.fromkeys(scope.letters, "scalar"), **{n: v.kind for n, v in scope.views.items()}}
        parsed = parse_latex_program(answer, {*scope.views, *scope.letters}, kinds)
        notes: tuple[str, ...] = (f"LaTeX was read as {text_of(parsed[-1].value)}",)
    else:
        parsed, notes = _parsed(answer)
    known = {*scope.views}
    lines = []
    for line in parsed:
        tree = line.value
        if any(n not in known and n not in scope.letters for n in names(tree)):
            tree, _ = resolve_juxtaposition(tree, known, set(function_names()))
        lines.append(Assignment(line.name, tree, line.span))
        known.update({line.name} if line.name else ())
    return lines, notes
