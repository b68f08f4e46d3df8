r"""Answers read: text, LaTeX or an indexed sum -> views in the names of a program, with notes on how it was read.

>>> from symgrad.programs import program
>>> read = read_answer(r"2 A^\top x", program("x'*A*x", "x: R^n; A: R^{n x n}").scope)
>>> read.views[0].describe(), read.notes
('a column vector (n x 1)', ("LaTeX was read as 2*A'*x",))
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from symgrad.errors import ParseError, ShapeError, SymgradError, UnknownNameError
from symgrad.notation.entries import header
from symgrad.notation.latex_tokens import is_latex
from symgrad.notation.lower import Scope, lower, unknown_name
from symgrad.notation.python_text import closing
from symgrad.notation.tree import Assignment, Call, Tree
from symgrad.operations.catalogue import find
from symgrad.operations.record import Elementwise
from symgrad.programs import RESULT
from symgrad.tensor.build import elementwise
from symgrad.tensor.dims import Shape, times
from symgrad.tensor.view import View
from symgrad.verification.formulas import lines_of
from symgrad.verification.indexed_sums import arrangements, letters_on_the_left, looks_indexed, read_indexed
from symgrad.verification.written_out import as_sums

_SUBSCRIPT = re.compile(r"_[a-z{]|\[[a-z]")
_IDENTITY = re.compile(r"(?<![\w.])I(?![\w(])")
_SLOPE = re.compile(r"(?<![\w.])([a-z]\w*)'\s*\(")
LONGEST_LIST = 200  # characters of the names that an answer may use
_LAST = ""  # no name of a user's
IDENTITIES = 64  # ways to choose their sizes
SLOPES = 20  # of functions, in one answer


@dataclass(frozen=True, slots=True)
class Read:
    """What an answer means; several views where the order of its free indices is not said, the first being usual."""

    views: tuple[View, ...]
    tree: Tree | None = None
    notes: tuple[str, ...] = ()
    by_axes: bool = False  # index notation, whose axes are those of the tensor in any layout


def read_answer(answer: str, scope: Scope, prefix: str = "", shape: Shape = (), depth: int = 0) -> Read:
    """The meaning of a normalised answer, in the names of a scope; it may have lines of its own.

    `shape` is what the axes of an indexed sum should be: it settles what a lone delta_ij leaves open.
    Raises ParseError, UnknownNameError, ShapeError, LimitError.
    """
    scope = Scope(dict(scope.views), scope.letters, scope.declared)
    if header(answer) is not None:
        _, notes = _assigned(answer, scope)
        return Read((scope.views.pop(_LAST),), None, notes, by_axes=True)
    answer = _with_slopes(answer, scope, depth)
    parts, last = _parts(answer)
    if parts and _SUBSCRIPT.search(last):
        notes = _assigned(parts, scope)[1]
        answer = last if looks_indexed(last, scope) else answer
    blocks = _of_blocks(answer, scope) if answer.lstrip().startswith(("[", r"\begin")) else None
    if blocks is not None:
        return blocks
    sums = as_sums(answer, scope)
    if sums:
        return _written_out(sums, scope)
    if looks_indexed(answer, scope):
        entries = read_indexed(answer, scope, shape)
        views = arrangements(entries, letters_on_the_left(prefix, entries.letters))
        free = ", ".join(entries.letters) or "none"
        return Read(tuple(views), None, (f"an indexed sum; free indices: {free}",))
    if "I" not in scope.views and _IDENTITY.search(answer) and not is_latex(answer):
        return _with_identities(answer, scope)
    lines, notes = _assigned(answer, scope)
    return Read((scope.views.pop(_LAST),), lines[-1].value if len(lines) == 1 else None, notes)


def _assigned(answer: str, scope: Scope) -> tuple[list[Assignment], tuple[str, ...]]:
    """The lines of an answer, their names put into the scope, and the meaning of the last as _LAST."""
    lines, notes = lines_of(answer, scope)
    for line in lines:
        view = _lowered(line.value, scope, answer)
        if line.name is not None:
            if line.name in scope.declared:
                message = f"{line.name} is given and can't be assigned"
                raise ParseError(message, text=answer, span=line.span, hint="another name")
            scope.views[line.name] = view
    scope.views[_LAST] = view
    return lines, notes


def _lowered(tree: Tree, scope: Scope, answer: str) -> View:
    """The meaning of a line; an answer declares nothing, so that an unknown name is told which names there are."""
    try:
        return lower(tree, scope, answer)
    except UnknownNameError as error:
        close, declare, _ = (error.hint or "").partition("declare it")
        if declare:
            listed = ", ".join(name for name in scope.views if name not in (_LAST, RESULT))
            known = f"the names here are {listed}" if 0 < len(listed) < LONGEST_LIST else None
            error.hint = close.removesuffix("; or ") or known
        raise


def _written_out(sums: tuple[str, ...], scope: Scope) -> Read:
    """The matrices of answers that are written out entry by entry."""
    views = []
    for text in sums:
        local = Scope(dict(scope.views), scope.letters, scope.declared)
        _assigned(text, local)
        views.append(local.views[_LAST])
    return Read(tuple(views), None, ("the entries were read as those of a matrix",))


def _of_blocks(answer: str, scope: Scope) -> Read | None:
    """Blocks of which some are arrays, `[A; C]`; None for entries, which are read in more ways than here."""
    local = Scope(dict(scope.views), scope.letters, scope.declared)
    try:
        lines, notes = _assigned(answer, local)
    except SymgradError:
        return None
    tree, view = lines[-1].value, local.views[_LAST]
    todo, cells = [tree.args[0] if isinstance(tree, Call) and tree.op == "transpose" else tree], 0
    while todo:
        part = todo.pop()
        stack = isinstance(part, Call) and part.op in ("hstack", "vstack")
        cells += not stack
        todo += part.args if stack else ()
    return Read((view,), tree, notes) if cells > 1 and times(*view.shape) != cells else None


def _parts(answer: str) -> tuple[str, str]:
    """The lines before the last, and the last."""
    at = max(answer.rfind(";"), answer.rfind("\n"))
    return (answer[:at], answer[at + 1 :].strip()) if at >= 0 else ("", answer)


def _with_identities(answer: str, scope: Scope) -> Read:
    """`I` stands for the identity of a size that fits; several views where several do."""
    sizes = list(scope.letters)
    count = len(_IDENTITY.findall(answer))
    views: list[View] = []
    error: SymgradError | None = None
    tried = product(sizes, repeat=count) if len(sizes) ** count <= IDENTITIES else ((d,) * count for d in sizes)
    for chosen in tried:
        sized = _sized(answer, chosen)
        local = Scope(dict(scope.views), scope.letters, scope.declared)
        try:
            _assigned(sized, local)
        except ShapeError as refused:
            error = error or refused
            continue
        views.append(local.views[_LAST])
    if not views:
        raise error or unknown_name("I", scope)
    return Read(tuple(views), None, ("I was read as the identity",))


def _sized(answer: str, sizes: Sequence[str]) -> str:
    """Each `I` as an identity of its size."""
    takes = iter(sizes)
    return _IDENTITY.sub(lambda _: f"eye({next(takes)})", answer)


def _with_slopes(answer: str, scope: Scope, depth: int) -> str:
    """`relu'(z)`, the slope of a function entry by entry, replaced by a name for it."""
    for k in range(SLOPES if depth < SLOPES else 0):
        found = next((f for f in _SLOPE.finditer(answer) if _is_function(f[1], scope)), None)
        end = closing(answer, found.end()) if found is not None else None
        if found is None or end is None:
            break
        entry = find(found[1])
        assert isinstance(entry, Elementwise)
        inner = read_answer(answer[found.end() : end], scope, depth=depth + 1).views[0]
        slope = entry.partials[0](elementwise(entry, inner.node), inner.node)
        scope.views[f"slope_{k}"] = View(slope, inner.rows)
        answer = f"{answer[: found.start()]}slope_{k}{answer[end + 1 :]}"
    return answer


def _is_function(name: str, scope: Scope) -> bool:
    entry = find(name)
    return name not in scope.views and isinstance(entry, Elementwise) and entry.arity == (1,)
