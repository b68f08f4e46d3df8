"""SymPy's numbers, symbols and scalar functions: what each class means in the language.

A scalar expression may stand inside a Lambda or a Sum; then its parts have entries (`sympy_indexed`) and
the same functions act entry by entry.  `READERS` maps a class to its reader (see `sympy_reading`).

>>> sympy.exp in READERS, Function in READERS
(False, True)
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import sympy
from sympy.codegen.cfunctions import expm1, log1p
from sympy.core.function import AppliedUndef, Function
from sympy.matrices.expressions import matexpr

from symgrad.errors import ParseError
from symgrad.notation import sympy_indexed as indexed
from symgrad.notation.sympy_functions import Dimension
from symgrad.notation.sympy_indexed import ONE, Entries
from symgrad.notation.sympy_reading import (
    Context,
    Reader,
    Readers,
    Reading,
    entries_of,
    is_array,
    matrix_product,
    number_wanted,
    short,
    whole,
)
from symgrad.notation.tree import Call, Name, Number
from symgrad.operations.catalogue import find
from symgrad.operations.record import Elementwise

# --- atoms ---------------------------------------------------------------------------------------


def _rational(part: Any, context: Context, reading: Reading) -> Reader:
    return Entries(indexed.number(Fraction(int(part.p), int(part.q))))
    yield


def _float(part: Any, context: Context, reading: Reading) -> Reader:
    if not part.is_finite:
        raise ParseError(f"{part} is not a number of the language")
    return Entries(indexed.number(Fraction(str(part))))
    yield


def _pi(part: Any, context: Context, reading: Reading) -> Reader:
    return Entries(Name("pi"))
    yield


def _e(part: Any, context: Context, reading: Reading) -> Reader:
    return Entries(Call("exp", (ONE,)))
    yield


def _symbol(part: Any, context: Context, reading: Reading) -> Reader:
    if part in context.sizes:
        raise ParseError(f"the index {part} of a sum stands as a number", hint="only X[i, j] may hold an index")
    bound = context.variables.get(part)
    return bound if bound is not None else Entries(reading.name(part))
    yield


def _dimension(part: Any, context: Context, reading: Reading) -> Reader:
    return Entries(reading.size(part.args[0]))
    yield


# --- scalars -------------------------------------------------------------------------------------


def _add(part: Any, context: Context, reading: Reading) -> Reader:
    arrays = [a for a in part.args if is_array(a)]
    if arrays and len(arrays) < len(part.args):
        number_wanted(part, *arrays)
    return indexed.added((yield from entries_of(part.args)), context.sizes)


def _product(part: Any, context: Context, reading: Reading) -> Reader:
    if any(is_array(a) for a in part.args):
        return (yield from matrix_product(part))
    above = yield from entries_of(a for a in part.args if not _is_divisor(a))
    below = yield from entries_of(1 / a for a in part.args if _is_divisor(a))
    numerator = indexed.collapsed(above)
    return indexed.divided(numerator, indexed.collapsed(below), context.sizes) if below else numerator


def _is_divisor(part: Any) -> bool:
    return isinstance(part, sympy.Pow) and part.exp.is_Rational and part.exp.is_negative


def _power(part: Any, context: Context, reading: Reading) -> Reader:
    number_wanted(part, part.exp)
    base, exponent = yield from entries_of(part.args)
    if is_array(part.base):
        return Entries(Call("power", (whole(base, part), whole(exponent, part))))
    return indexed.power(base, exponent, context.sizes)


FUNCTIONS: dict[type, str] = {
    sympy.exp: "exp", sympy.log: "log", sympy.sin: "sin", sympy.cos: "cos", sympy.tan: "tan", sympy.sinh: "sinh",
    sympy.cosh: "cosh", sympy.tanh: "tanh", sympy.asin: "arcsin", sympy.acos: "arccos", sympy.atan: "arctan",
    sympy.erf: "erf", sympy.Abs: "abs", sympy.sign: "sign", log1p: "log1p", expm1: "expm1",
    sympy.StrictGreaterThan: "gt", sympy.GreaterThan: "ge", sympy.StrictLessThan: "lt", sympy.LessThan: "le",
    sympy.Equality: "eq", sympy.Unequality: "ne",
}  # fmt: skip
_RECIPROCALS: dict[type, str] = {
    sympy.cot: "tan", sympy.sec: "cos", sympy.csc: "sin", sympy.coth: "tanh", sympy.sech: "cosh", sympy.csch: "sinh",
}  # fmt: skip


def _named_function(part: Any, context: Context, reading: Reading) -> Reader:
    name = FUNCTIONS.get(type(part)) or _RECIPROCALS.get(type(part)) or _user_function(part)
    if name is None:
        raise ParseError(f"SymPy's function {type(part).__name__} is not in the language: {short(part)}")
    number_wanted(part, *part.args)
    value = indexed.called(name, (yield from entries_of(part.args)), context.sizes)
    return indexed.divided(Entries(ONE), value, context.sizes) if type(part) in _RECIPROCALS else value


def _user_function(part: Any) -> str | None:
    """The name of a function of the catalogue that SymPy does not have: `Function("swish2")(x)`."""
    name = type(part).__name__
    known = isinstance(part, AppliedUndef) and isinstance(find(name), Elementwise)
    return name if known else None


def _conjugate(part: Any, context: Context, reading: Reading) -> Reader:
    return (yield part.args[0])


def _extreme(part: Any, context: Context, reading: Reading) -> Reader:
    number_wanted(part, *part.args)
    if isinstance(part, sympy.Max) and len(part.args) == 2 and sympy.S.Zero in part.args:
        other = yield next(a for a in part.args if a != 0)
        return indexed.called("relu", [other], context.sizes)
    first, *others = yield from entries_of(part.args)
    for other in others:
        first = indexed.called("max" if isinstance(part, sympy.Max) else "min", [first, other], context.sizes)
    return first


def _heaviside(part: Any, context: Context, reading: Reading) -> Reader:
    """[x > 0] + h [x = 0], h the value at 0."""
    value, at_zero = yield from entries_of(part.args)
    step = indexed.called("step", [value], context.sizes)
    if part.args[1] == 0:
        return step
    zero = indexed.called("eq", [value, Entries(Number(Fraction(0)))], context.sizes)
    return indexed.added([step, indexed.multiplied(at_zero, zero)], context.sizes)


def _boolean_atom(part: Any, context: Context, reading: Reading) -> Reader:
    return Entries(Number(Fraction(1 if part == sympy.true else 0)))
    yield


def _and(part: Any, context: Context, reading: Reading) -> Reader:
    masks = yield from entries_of(part.args)
    product = masks[0]
    for mask in masks[1:]:
        product = indexed.multiplied_or_spread(product, mask, context.sizes)
    return product


def _or(part: Any, context: Context, reading: Reading) -> Reader:
    none = yield sympy.And(*(sympy.Not(a) for a in part.args))
    return indexed.added([Entries(ONE), Entries(Call("negate", (none.tree,)), none.labels)], context.sizes)


def _piecewise(part: Any, context: Context, reading: Reading) -> Reader:
    """The branches times their masks; the usual activations by their names."""
    named = _activation(part)
    if named is not None:
        name, parts = named
        return indexed.called(name, (yield from entries_of(parts)), context.sizes)
    if part.args[-1][1] != sympy.true:
        message = f"a Piecewise that is not defined everywhere: {short(part)}"
        raise ParseError(message, hint="a last branch (value, True)")
    terms, before = [], sympy.true
    for value, condition in part.args:
        _require_finite(value)
        mask = yield sympy.And(before, condition)
        terms.append(indexed.multiplied_or_spread(mask, (yield value), context.sizes))
        before = sympy.And(before, sympy.Not(condition))
    return indexed.added(terms, context.sizes)


def _activation(part: Any) -> tuple[str, list[Any]] | None:
    """relu, leakyrelu and elu as people write them."""
    if len(part.args) != 2 or part.args[1][1] != sympy.true:
        return None
    (value, condition), (other, _) = part.args
    if condition not in (value > 0, value >= 0):
        return None
    if other == 0:
        return "relu", [value]
    if other == sympy.exp(value) - 1:
        return "elu", [value]
    slope = other / value
    return ("leakyrelu", [value, slope]) if slope.is_number and slope.is_finite else None


_EVERYWHERE = (
    sympy.Number, sympy.NumberSymbol, sympy.Symbol, sympy.Add, sympy.Mul, sympy.exp, sympy.sin, sympy.cos, sympy.tanh,
    sympy.sinh, sympy.cosh, sympy.atan, sympy.erf, sympy.Abs, sympy.sign, sympy.Max, sympy.Min, matexpr.MatrixElement,
)  # fmt: skip


def _require_finite(value: Any) -> None:
    """A branch is multiplied by 0 elsewhere, so it has to be a number there too."""
    pending = [value]
    while pending:
        part = pending.pop()
        power = isinstance(part, sympy.Pow) and part.exp.is_Integer and part.exp.is_positive
        if not (power or isinstance(part, _EVERYWHERE)):
            raise ParseError(
                f"{short(part)} in a Piecewise may be no number where its branch is not taken",
                hint="branches of sums, products, whole powers, exp, sin, tanh, ...",
            )
        pending += [] if isinstance(part, matexpr.MatrixElement) else part.args


READERS: Readers = {
    sympy.Rational: _rational,
    sympy.Float: _float,
    sympy.core.numbers.Pi: _pi,
    sympy.core.numbers.Exp1: _e,
    sympy.Symbol: _symbol,
    matexpr.MatrixSymbol: _symbol,
    Dimension: _dimension,
    sympy.Add: _add,
    sympy.Mul: _product,
    sympy.Pow: _power,
    Function: _named_function,
    sympy.core.relational.Relational: _named_function,
    sympy.conjugate: _conjugate,
    sympy.Max: _extreme,
    sympy.Min: _extreme,
    sympy.Heaviside: _heaviside,
    sympy.logic.boolalg.BooleanAtom: _boolean_atom,
    sympy.And: _and,
    sympy.Or: _or,
    sympy.Piecewise: _piecewise,
}
