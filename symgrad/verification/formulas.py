r"""Formulas of an answer or of a line of a derivation -> trees in the names of a scope.

People write more loosely than the grammar allows: factors side by side, `W2(o - t)` for a product, names run
together.  Each is read only where nothing else fits, and LaTeX is recognised by its backslashes.

>>> from symgrad.notation.text import text
>>> from symgrad.programs import program
>>> lines, notes = lines_of("2 A(x + x)", program("x'*A*x", "x: R^n; A: R^{n x n}").scope)
>>> text(lines[0].value)
'2*A*(x + x)'
"""

from __future__ import annotations

import re

from symgrad.errors import ParseError
from symgrad.notation.entries import header, read_lines
from symgrad.notation.grammar import parse_program, resolve_juxtaposition
from symgrad.notation.latex_reader import parse_latex_program
from symgrad.notation.latex_tokens import is_latex
from symgrad.notation.lower import Scope
from symgrad.notation.text import text as text_of
from symgrad.notation.tree import Assignment, names
from symgrad.operations.catalogue import find, function_names

_SIDE_BY_SIDE = re.compile(r"(?<=[\w)\]'])(?:[ \t]+(?=[^\W\d]|[(\[])|(?=\[))")
_APPLIED = re.compile(r"(?<![\w.])([^\W\d]\w*)\s*\(")


def lines_of(answer: str, scope: Scope) -> tuple[list[Assignment], tuple[str, ...]]:
    """The lines of an answer, parsed, juxtaposed names taken apart, and notes on how they were read."""
    if is_latex(answer) and header(answer) is None:
        kinds = {**dict.fromkeys(scope.letters, "scalar"), **{n: v.kind for n, v in scope.views.items()}}
        parsed = parse_latex_program(answer, {*scope.views, *scope.letters}, kinds)
        notes: tuple[str, ...] = (f"LaTeX was read as {text_of(parsed[-1].value)}",)
    else:
        parsed, notes = _parsed(_APPLIED.sub(lambda f: f"{f[1]}*(" if _is_array(f[1], scope) else f[0], answer))
    known = {*scope.views}
    lines = []
    for line in parsed:
        tree = line.value
        if any(n not in known and n not in scope.letters for n in names(tree)):
            tree, _ = resolve_juxtaposition(tree, known, set(function_names()))
        lines.append(Assignment(line.name, tree, line.span))
        known.update({line.name} if line.name else ())
    return lines, notes


def _is_array(name: str, scope: Scope) -> bool:
    """Whether a name before a parenthesis is an array, so that a product is meant."""
    return name in scope.views and find(name) is None


def _parsed(answer: str) -> tuple[tuple[Assignment, ...], tuple[str, ...]]:
    """The lines, factors with a space between them read as a product where that is the only way."""
    try:
        return read_lines(answer), ()
    except ParseError:
        closed = _SIDE_BY_SIDE.sub("*", answer)
        if closed == answer:
            raise
        try:
            return parse_program(closed), ("factors side by side were read as a product",)
        except ParseError:
            pass
        raise
