"""Declarations and dimensions as SymPy symbols, and back.

A declared array is a `DeclaredMatrix`: SymPy's MatrixSymbol that also carries its properties, so two of one
name and shape but other properties differ.  Scalars are ordinary real Symbols, dimension letters positive
integer ones.  This module knows names and sizes; it knows no operation.

>>> x, A = symbols("x: R^n; A: R^{n x n} symmetric")
>>> x.T*A*x, A.declaration.text()
(x.T*A*x, 'A: R^{n x n} symmetric')
"""

from __future__ import annotations

import keyword
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any, Self

import sympy
from sympy.core.basic import Basic
from sympy.core.symbol import Str
from sympy.matrices.expressions.matexpr import MatrixExpr, MatrixSymbol

from symgrad.errors import ParseError, ShapeError
from symgrad.notation.declare import Declaration, declare
from symgrad.notation.tokens import is_name, plain_name
from symgrad.notation.tree import Call, Name, Number, Tree
from symgrad.operations.catalogue import function_names
from symgrad.tensor.dims import Dim, Monomial, Size, letter, plus, times


class DeclaredMatrix(MatrixSymbol):
    """A MatrixSymbol with the properties it was declared with."""

    def __new__(cls, name: Any, rows: Any, columns: Any, properties: Any = "") -> Self:
        rows, columns = sympy.sympify(rows), sympy.sympify(columns)
        cls._check_dim(rows)
        cls._check_dim(columns)
        return Basic.__new__(cls, _word(name), rows, columns, _word(properties))

    @property
    def properties(self) -> frozenset[str]:
        return frozenset(self.args[3].name.split())

    @property
    def declaration(self) -> Declaration:
        """What was declared."""
        return Declaration(self.name, size_of(self.args[1]), size_of(self.args[2]), self.properties)

    def _sympystr(self, printer: Any) -> str:
        """A Python keyword gets an underscore: lambdify would else put a scalar in the place of the matrix."""
        return self.name + "_" if keyword.iskeyword(self.name) else self.name

    _numpycode = _pythoncode = _lambdacode = _sympystr


def _word(text: Any) -> Str:
    return text if isinstance(text, Str) else Str(str(text))


def symbols(where: str | Mapping[str, object]) -> Any:
    """SymPy symbols for declarations, in their order; a single one comes without a tuple."""
    made = tuple(symbol_of(d) for d in declare(where, function_names()).values())
    if not made:
        raise ParseError("nothing is declared", hint="x: R^n; A: R^{n x n}")
    return made[0] if len(made) == 1 else made


def symbol_of(declaration: Declaration) -> Any:
    """The SymPy symbol of one declaration."""
    if declaration.kind == "scalar":
        positive = {"positive": True} if "positive" in declaration.properties else {}
        return sympy.Symbol(declaration.name, real=True, **positive)
    rows, columns = size_expression(declaration.rows), size_expression(declaration.columns)
    return DeclaredMatrix(declaration.name, rows, columns, " ".join(sorted(declaration.properties)))


def declaration_of(symbol: Any) -> Declaration:
    """The declaration that a symbol stands for, SymPy's own symbols included."""
    name = checked_name(symbol.name)
    if isinstance(symbol, MatrixSymbol):
        properties = symbol.properties if isinstance(symbol, DeclaredMatrix) else frozenset()
        return Declaration(name, size_of(symbol.shape[0]), size_of(symbol.shape[1]), properties)
    if symbol.is_real is False or not symbol.is_commutative:
        raise ParseError(f"{name} is not a real number by its assumptions", hint=f"Symbol('{name}', real=True)")
    return Declaration(name, properties=frozenset({"positive"} if symbol.is_positive else ()))


def checked_name(name: str) -> str:
    """The name as the language writes it.  Raises ParseError where the language has no such name."""
    if not is_name(name):
        hint = "a letter, then letters, digits and _"
        raise ParseError(f"the symbol {name!r} has no name of the language", hint=hint)
    name = plain_name(name, 0, len(name))
    if name == "pi" or name in function_names():
        what = "the number pi" if name == "pi" else "a function"
        raise ParseError(f"{name} is {what}; a symbol needs another name", hint=f"{name}1")
    return name


# --- sizes ---------------------------------------------------------------------------------------


def size_of(expression: Any) -> Size:
    """The dimension that a SymPy expression is: a polynomial in symbols with whole coefficients."""
    if isinstance(expression, sympy.Symbol):
        return letter(_letter_name(expression))
    if isinstance(expression, sympy.Integer):
        return int(expression)
    return plus(*(_product(term) for term in sympy.Add.make_args(sympy.expand(expression))))


def _product(term: Any) -> Size:
    coefficient, factors = term.as_coeff_mul()
    sizes: list[Size] = []
    for factor in factors:
        base, exponent = factor.as_base_exp()
        if not (isinstance(base, sympy.Symbol) and exponent.is_Integer and exponent > 0):
            raise _no_size(term)
        sizes += [letter(_letter_name(base))] * int(exponent)
    if not coefficient.is_Integer:
        raise _no_size(term)
    return times(int(coefficient), *sizes)


def _no_size(term: Any) -> ShapeError:
    return ShapeError(f"{term} is not a dimension", hint="letters, whole numbers, their sums and products")


def _letter_name(symbol: sympy.Symbol) -> str:
    return checked_name(symbol.name)


def size_expression(size: Size) -> Any:
    """A dimension in SymPy."""
    if not isinstance(size, Dim):
        return sympy.Integer(size)
    return sympy.Add(*(c * sympy.Mul(*(dimension_symbol(a) for a in letters)) for letters, c in size.terms))


def dimension_symbol(name: str) -> sympy.Symbol:
    return sympy.Symbol(name, integer=True, positive=True)


def size_tree(size: Size) -> Tree:
    """A dimension as it is written in the language."""
    if not isinstance(size, Dim):
        return Number(Fraction(size))
    result: Tree | None = None
    for letters, coefficient in sorted(size.terms, key=lambda term: term[1] < 0):
        term = _monomial(letters, abs(coefficient))
        if result is None:
            result = term if coefficient > 0 else Call("subtract", (Number(Fraction(0)), term))
        else:
            result = Call("add" if coefficient > 0 else "subtract", (result, term))
    assert result is not None
    return result


def _monomial(letters: Monomial, coefficient: int) -> Tree:
    factors: list[Tree] = [Number(Fraction(coefficient))] if coefficient != 1 or not letters else []
    factors += [Name(a) for a in letters]
    result = factors[0]
    for factor in factors[1:]:
        result = Call("multiply", (result, factor))
    return result


# --- where a size is read off when numbers are there -----------------------------------------------


def size_code(size: Any, witnesses: Sequence[Any], printer: Any) -> str:
    """Python code of a size; letters are read off the shapes of `witnesses`, others stay arguments."""
    whole = _reading(size, witnesses, printer)
    if whole is not None:
        return whole
    code = printer._print(size)
    letters = sorted(size.free_symbols, key=lambda s: s.name)
    readings = [(a, _reading(a, witnesses, printer)) for a in letters]
    bindings = ", ".join(f"{printer._print(a)}={reading}" for a, reading in readings if reading is not None)
    return f"(lambda {bindings}: {code})()" if bindings else code


def _reading(size: Any, witnesses: Iterable[Any], printer: Any) -> str | None:
    for witness in witnesses:
        for axis, extent in enumerate(witness.shape):
            if extent == size:
                return f"{printer._print(witness)}.shape[{axis}]"
    for witness in witnesses:
        for axis, extent in enumerate(witness.shape):
            solved = _solved(size, extent, f"{printer._print(witness)}.shape[{axis}]")
            if solved is not None:
                return solved
    return None


def _solved(size: Any, extent: Any, reading: str) -> str | None:
    """The code for a letter n where an extent is a*n + b."""
    if not size.is_Symbol or size not in extent.free_symbols:
        return None
    slope = sympy.expand(extent).coeff(size, 1)
    offset = sympy.expand(extent - slope * size)
    if not (slope.is_Integer and offset.is_Integer):
        return None
    return f"({reading} - {offset}) // {slope}"


def unread_letters(size: Any, witnesses: Iterable[Any]) -> set[Any]:
    """The letters of a size that no witness tells; they must be given as arguments."""
    known = list(witnesses)
    if any(extent == size for w in known for extent in w.shape):
        return set()
    readable = {a for a in size.free_symbols for w in known for e in w.shape if e == a or _solved(a, e, "") is not None}
    return set(size.free_symbols) - readable


def needed_witnesses(sizes: Iterable[Any], arrays: Sequence[MatrixExpr]) -> list[Any]:
    """The fewest of `arrays`, the first where several would do, from which the sizes can be read."""
    chosen: list[Any] = []
    for size in sizes:
        for array in arrays:
            if not unread_letters(size, chosen):
                break
            if any(extent == size for extent in array.shape):
                chosen.append(array)
        for array in arrays:
            missing = unread_letters(size, chosen)
            if missing - unread_letters(size, [*chosen, array]):
                chosen.append(array)
    return list(dict.fromkeys(chosen))
