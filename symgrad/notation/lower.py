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


class _Sum:
    """The terms of a chain of + and -, gathered so that a sum of k terms is built once."""

    __slots__ = ("first", "signs", "views")

    def __init__(self, view: View):
        self.signs, self.views, self.first = [1], [view], view

    def append(self, sign: int, view: View) -> None:
        self.signs.append(sign)
        self.views.append(view)
        if self.first.is_scalar:
            self.first = view

    def view(self) -> View:
        return sum_of(tuple(self.signs), tuple(self.views)) if len(self.views) > 1 else self.first


Value = View | _Sum


def lower(tree: Tree, scope: Scope, text: str | None = None) -> View:
    """The meaning of a tree.  Raises SymgradError with the place in `text`."""
    stack: list[Value] = []
    parts = list(postorder(tree))
    sizes = _size_arguments(parts)
    for part in parts:
        if sizes and id(part) in sizes:
            continue
        if isinstance(part, Call):
            stack.append(_call(part, stack, scope, text))
        elif isinstance(part, Number):
            stack.append(View(number(part.value), 0))
        else:
            stack.append(_name(part, scope, text))
    (value,) = stack
    return _finished(value)


def _finished(value: Value) -> View:
    return value.view() if isinstance(value, _Sum) else value


def _size_arguments(parts: Iterable[Tree]) -> set[int]:
    """The parts that stand where a dimension is wanted (inside eye, ones, ...)."""
    inside: set[int] = set()
    for part in parts:
        if type(part) is Call and (entry := find(part.op)) is not None and entry.sizes:
            inside.update(id(p) for a in part.args for p in postorder(a))
    return inside


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


def _call(part: Call, stack: list[Value], scope: Scope, text: str | None) -> Value:
    try:
        entry = record(part.op)
        if len(part.args) not in entry.arity:
            wanted = " or ".join(map(str, entry.arity))
            raise ParseError(f"{part.op} takes {wanted} arguments, but {len(part.args)} are given", hint=entry.example)
        if entry.sizes:
            return entry.build(*(size_of(a, scope, text) for a in part.args))
        arguments = stack[len(stack) - len(part.args) :]
        del stack[len(stack) - len(part.args) :]
        return _built(entry, part, arguments)
    except SymgradError as error:
        raise error.located(text or "", part.mark or part.span) from None


def _built(entry: Operation, part: Call, arguments: list[Value]) -> Value:
    if entry.name in ("add", "subtract"):
        left, right = arguments
        total = left if isinstance(left, _Sum) else _Sum(left)
        view = _finished(right)
        if not (view.is_scalar or total.first.is_scalar or same_shape(total.first, view)):
            _describe_and_raise(entry, part, [total.view(), view])
        total.append(1 if entry.name == "add" else -1, view)
        return total
    views = [_finished(a) for a in arguments]
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
