"""Tree -> graph.  Shapes are checked here, once, where the tree meets the declarations.

Names become inputs (or what a program assigned to them), calls are built by their catalogue records.
Errors leave with the user's text, the place, the sub-expressions and their shapes.

>>> from symgrad.notation.grammar import parse
>>> from symgrad.notation.declare import declare
>>> scope = Scope.of(declare("x: R^n; A: R^{m x n}"))
>>> lower(parse("A*x"), scope).describe()
'a column vector (m x 1)'
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from symgrad.errors import DomainError, ParseError, ShapeError, SymgradError, UnknownNameError, did_you_mean
from symgrad.notation.declare import Declaration
from symgrad.notation.tree import Call, Name, Number, Tree, postorder
from symgrad.operations.arithmetic import sum_of
from symgrad.operations.catalogue import find, function_names, record
from symgrad.operations.record import Operation
from symgrad.tensor.build import number, size_number
from symgrad.tensor.dims import Size, letter, letters_of, plus, times
from symgrad.tensor.nodes import Constant, Input
from symgrad.tensor.view import View, same_shape

CONSTANTS = ("pi",)
_SIGNS = {"add": 1, "subtract": -1}
_Summand = tuple[int, Tree, Tree]  # sign, term, the call that adds it
_Waiting = tuple[Call, tuple[Tree, ...], list[_Summand] | None]  # a call, its operands, a sum's terms


@dataclass(frozen=True, slots=True)
class Scope:
    """What names mean: arrays (inputs and assigned intermediates) and dimension letters."""

    views: dict[str, View]
    letters: frozenset[str]
    declared: Mapping[str, Declaration] = field(default_factory=dict)

    @staticmethod
    def of(declared: Mapping[str, Declaration], more_letters: Iterable[str] = ()) -> Scope:
        views = {d.name: input_view(d) for d in declared.values()}
        letters = letters_of(s for d in declared.values() for s in (d.rows, d.columns))
        return Scope(views, frozenset(letters) | frozenset(more_letters), declared)

    def names(self) -> list[str]:
        return [*self.views, *self.letters, *CONSTANTS]


def input_view(declaration: Declaration) -> View:
    """The input that a declaration speaks of; a dimension of 1 is no axis."""
    shape = tuple(s for s in (declaration.rows, declaration.columns) if s != 1)
    return View(Input.make(declaration.name, shape, declaration.properties), int(declaration.rows != 1))


def lower(tree: Tree, scope: Scope, text: str | None = None) -> View:
    """The meaning of a tree; what stands in it at several places as one object is looked at once.

    Raises SymgradError with the place in `text`.
    """
    known: dict[int, View] = {}
    stack: list[Tree | _Waiting] = [tree]
    while stack:
        part = stack.pop()
        if type(part) is tuple:  # its operands are done
            call, operands, chain = part
            views = [known[id(a)] for a in operands]
            made = _call(call, views, chain, scope, text) if type(call) is Call else _entries(call, views, scope, text)
            known[id(call)] = made
        elif id(part) in known:
            continue
        elif isinstance(part, Call):
            chain = _chain(part) if part.op in _SIGNS and len(part.args) == 2 else None
            operands = _operands(part) if chain is None else tuple([term for _, term, _ in chain])
            stack.append((part, operands, chain))
            stack += operands[::-1]
        else:
            known[id(part)] = View(number(part.value), 0) if type(part) is Number else _name(part, scope, text)  # type: ignore[arg-type]
    return known[id(tree)]


def _operands(part: Call) -> tuple[Tree, ...]:
    """What has a meaning before the call does: nothing where sizes are wanted."""
    entry = find(part.op) if type(part) is Call else None
    return () if entry is not None and entry.sizes else part.args


def _chain(part: Tree) -> list[_Summand]:
    """The terms of a chain of + and -, each with its sign and the call that adds it, so that k terms add up at once."""
    terms: list[_Summand] = []
    while type(part) is Call and part.op in _SIGNS and len(part.args) == 2:
        terms.append((_SIGNS[part.op], part.args[1], part))
        part = part.args[0]
    return [(1, part, part), *reversed(terms)]


def _name(part: Name, scope: Scope, text: str | None) -> View:
    view = scope.views.get(part.name)
    if view is not None:
        return view
    if part.name in scope.letters:
        return View(size_number(letter(part.name)), 0)
    if part.name in CONSTANTS:
        return View(Constant.make(part.name), 0)
    raise unknown_name(part.name, scope).located(text or "", part.span)


def unknown_name(name: str, scope: Scope) -> SymgradError:
    """The error for a name that means nothing here."""
    if name in function_names():
        return UnknownNameError(f"{name} is a function and needs an argument", hint=f"{name}(x)")
    return UnknownNameError(f"{name} is not declared", hint=did_you_mean(name, scope.names()))


def _call(part: Call, operands: list[View], chain: list[_Summand] | None, scope: Scope, text: str | None) -> View:
    try:
        entry = record(part.op)
        if len(part.args) not in entry.arity:
            wanted = " or ".join(map(str, entry.arity))
            raise ParseError(f"{part.op} takes {wanted} arguments, but {len(part.args)} are given", hint=entry.example)
        if entry.sizes:
            return entry.build(*(size_of(a, scope, text) for a in part.args))
        return _built(entry, part, operands) if chain is None else _total(chain, operands, text)
    except SymgradError as error:
        raise error.located(text or "", part.mark or part.span) from None


def _entries(part: Call, views: list[View], scope: Scope, text: str | None) -> View:
    """The tensor that index notation says."""
    from symgrad.notation.entries import Entries, entries_view

    assert isinstance(part, Entries)
    try:
        return entries_view(part, views, lambda size: size_of(size, scope, text))
    except SymgradError as error:
        raise error.located(text or "", part.span) from None


def _total(chain: list[_Summand], views: list[View], text: str | None) -> View:
    """The sum of a chain; a term that does not fit is an error at the call that adds it."""
    signs = tuple([sign for sign, _, _ in chain])
    first = views[0]
    for place, view in enumerate(views):
        if view.is_scalar or view is first:
            continue
        call = chain[place][2]
        if isinstance(call, Call) and not (first.is_scalar or same_shape(first, view)):
            try:
                _describe_and_raise(record(call.op), call, [sum_of(signs[:place], tuple(views[:place])), view])
            except SymgradError as error:
                raise error.located(text or "", call.mark or call.span) from None
        if first.is_scalar:
            first = view
    return sum_of(signs, tuple(views))


def _built(entry: Operation, part: Call, views: list[View]) -> View:
    try:
        return entry.build(*views)
    except (ShapeError, DomainError):
        _describe_and_raise(entry, part, views)
        raise


def _describe_and_raise(entry: Operation, part: Call, views: list[View]) -> None:
    """Build once more, adding what each sub-expression is to the error."""
    from symgrad.notation.text import text

    try:
        entry.build(*views)
    except SymgradError as error:
        lines = [f"\n    {_short(text(a))} is {v.describe()}" for a, v in zip(part.args, views, strict=True)]
        error.message += "".join(lines)
        raise


def _short(text: str, limit: int = 60) -> str:
    return text if len(text) <= limit else text[: limit - 3] + "..."


def size_of(tree: Tree, scope: Scope, text: str | None = None) -> Size:
    """A dimension: a letter, a whole number, or a sum or product of them."""
    stack: list[Size] = []
    for part in postorder(tree):
        if isinstance(part, Number) and part.value.denominator == 1:
            stack.append(int(part.value))
        elif isinstance(part, Name) and part.name in scope.letters:
            stack.append(letter(part.name))
        elif isinstance(part, Call) and part.op in ("add", "subtract", "multiply") and len(stack) > 1:
            b, a = stack.pop(), stack.pop()
            stack.append(times(a, b) if part.op == "multiply" else plus(a, times(b, 1 if part.op == "add" else -1)))
        else:
            raise _not_a_size(part, scope).located(text or "", part.span)
    return stack[-1]


def _not_a_size(part: Tree, scope: Scope) -> SymgradError:
    if isinstance(part, Name) and part.name in scope.views:
        return ShapeError(f"{part.name} is a variable, but a dimension is wanted here", hint="a dimension letter")
    if isinstance(part, Name):
        return UnknownNameError(
            f"{part.name} is not a declared dimension",
            hint=did_you_mean(part.name, scope.letters) or "a letter of a declaration",
        )
    value = part.value if isinstance(part, Number) else Fraction(0)
    return ShapeError(f"a dimension is a letter or a whole number{f', not {float(value)}' if value else ''}")
