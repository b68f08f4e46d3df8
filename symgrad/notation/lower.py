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

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import reduce

from symgrad.errors import DomainError, LimitError, ParseError, ShapeError, SymgradError, UnknownNameError, did_you_mean
from symgrad.notation.declare import DIMENSION_LIMIT, Declaration
from symgrad.notation.tokens import latin
from symgrad.notation.tree import Call, Name, Number, Tree, is_transpose, postorder, product_factors
from symgrad.operations.arithmetic import MULTIPLY, TRANSPOSE, chain_product, sum_of
from symgrad.operations.catalogue import find, function_names, record
from symgrad.operations.record import Operation
from symgrad.tensor.build import number, size_number
from symgrad.tensor.dims import Size, letter, letters_of, plus, times
from symgrad.tensor.nodes import Constant, Input
from symgrad.tensor.view import View, same_shape

CONSTANTS = ("pi",)
_SIGNS = {"add": 1, "subtract": -1}
_Summand = tuple[int, Tree, Tree]  # sign, term, the call that adds it
_Waiting = tuple[Call, Operation | None, tuple[Tree, ...], list[_Summand] | None]  # its operands, a sum's terms


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


def lower(tree: Tree, scope: Scope, text: str | None = None, flat: bool = False) -> View:
    """The meaning of a tree; what stands in it at several places as one object is looked at once.

    With `flat` a*b*c is one product of three factors, else (a*b)*c, as it was written.
    Raises SymgradError with the place in `text`.
    """
    known: dict[int, View] = {}
    stack: list[Tree | _Waiting] = [tree]
    while stack:
        part = stack.pop()
        if type(part) is tuple:  # its operands are done
            call, entry, operands, chain = part
            views = [known[id(a)] for a in operands]
            if type(call) is Call:
                if flat and _is_product(call):
                    known[id(call)] = _flat_product(call, views)
                else:
                    known[id(call)] = _call(call, entry, views, chain, scope, text)
            else:
                known[id(call)] = _entries(call, views, scope, text)
        elif id(part) in known:
            continue
        elif isinstance(part, Call):
            waiting = _waiting(part, flat)
            stack.append(waiting)
            stack += waiting[2][::-1]
        else:
            known[id(part)] = View(number(part.value), 0) if type(part) is Number else _name(part, scope, text)  # type: ignore[arg-type]
    return known[id(tree)]


def _waiting(part: Call, flat: bool) -> _Waiting:
    """A call, and what has a meaning before it does: nothing where sizes are wanted."""
    if flat and _is_product(part):
        return part, MULTIPLY, tuple([f.args[0] if is_transpose(f) else f for f in product_factors(part)]), None
    if part.op in _SIGNS and len(part.args) == 2:
        chain = _chain(part)
        return part, find(part.op), tuple([term for _, term, _ in chain]), chain
    entry = find(part.op) if type(part) is Call else None
    return part, entry, part.args if entry is None or not entry.sizes else part.args[: entry.arrays], None


def _is_product(part: Call) -> bool:
    return part.op == "multiply" and len(part.args) == 2


def _flat_product(part: Call, views: list[View]) -> View:
    """a*b*c at once; `views` are the factors, of a transpose what is transposed."""
    turned = [is_transpose(f) for f in product_factors(part)]
    whole = chain_product(views, turned)
    if whole is not None:
        return whole
    return reduce(MULTIPLY.build, [TRANSPOSE.build(v) if t else v for v, t in zip(views, turned, strict=True)])


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
    if (plain := latin(name)) != name and plain in scope.names():
        odd = next(unicodedata.name(c, c).lower() for c, other in zip(name, plain, strict=True) if c != other)
        return UnknownNameError(f"{name} is not declared", hint=f"{plain}; this {name} is written with a {odd}")
    close = did_you_mean(name, scope.names()) or ""
    space = "R^{m x n}" if name[0].isupper() else "R^n"
    declared = f"declare it too, '{name}: {space}'"
    hint = declared if not close.startswith("did you") else f"{close}; or {declared}" if len(name) == 1 else close
    return UnknownNameError(f"{name} is not declared", hint=hint)


def _call(
    part: Call,
    entry: Operation | None,
    operands: list[View],
    chain: list[_Summand] | None,
    scope: Scope,
    text: str | None,
) -> View:
    try:
        entry = entry or record(part.op)
        if len(part.args) not in entry.arity:
            wanted = counted(entry.arity)
            plural, verb = "" if wanted == "1" else "s", "is" if len(part.args) == 1 else "are"
            message = f"{part.op} takes {wanted} argument{plural}, but {len(part.args)} {verb} given"
            raise ParseError(message, hint=entry.example)
        if entry.sizes:
            return entry.build(*operands, *(size_of(a, scope, text) for a in part.args[entry.arrays :]))
        if chain is not None:
            return _total(chain, operands, text)
        try:
            return entry.build(*operands)
        except (ShapeError, DomainError):
            _describe_and_raise(entry, part, operands)
            raise
    except SymgradError as error:
        raise error.located(text or "", part.mark or part.span) from None


def counted(arity: Sequence[int]) -> str:
    """Numbers of arguments in words: `1`, `1 or 2`, `2 to 64`."""
    return f"{arity[0]} to {arity[-1]}" if len(arity) > 3 else " or ".join(map(str, arity))


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


def _describe_and_raise(entry: Operation, part: Call, views: list[View]) -> None:
    """Build once more, adding what each sub-expression is to the error, and what to write in its place."""
    from symgrad.notation.advice import shape_advice
    from symgrad.notation.text import text

    try:
        entry.build(*views)
    except SymgradError as error:
        lines = [f"\n    {_short(text(a))} is {v.describe()}" for a, v in zip(part.args, views, strict=True)]
        error.message += "".join(lines)
        error.hint = shape_advice(entry.name, part.args, views, error.hint)
        raise


def _short(text: str, limit: int = 60) -> str:
    return text if len(text) <= limit else text[: limit - 3] + "..."


def size_of(tree: Tree, scope: Scope, text: str | None = None) -> Size:
    """A dimension: a letter, a whole number, or a sum or product of them."""
    stack: list[Size] = []
    for part in postorder(tree):
        if isinstance(part, Number) and part.value.denominator == 1:
            if part.value > DIMENSION_LIMIT:
                raise LimitError(f"a dimension is at most {DIMENSION_LIMIT}", text=text or "", span=part.span)
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
    return ShapeError(f"a dimension is a letter or a positive whole number{f', not {float(value)}' if value else ''}")
