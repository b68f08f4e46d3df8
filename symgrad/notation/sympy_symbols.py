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
from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any, Self

import sympy
from sympy.assumptions import global_assumptions
from sympy.core.basic import Basic
from sympy.core.symbol import Str
from sympy.matrices.expressions.matexpr import MatrixSymbol

from symgrad.errors import ParseError, ShapeError
from symgrad.notation.declare import Declaration, declare
from symgrad.notation.tokens import is_name, plain_name
from symgrad.notation.tree import Call, Name, Number, Tree
from symgrad.operations.catalogue import function_names
from symgrad.tensor.dims import Dim, Monomial, Size, letter, letters_of, plus, times


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
        properties = symbol.properties if isinstance(symbol, DeclaredMatrix) else _assumed(symbol)
        return Declaration(name, size_of(symbol.shape[0]), size_of(symbol.shape[1]), properties)
    if symbol.is_real is False or not symbol.is_commutative:
        raise ParseError(f"{name} is not a real number by its assumptions", hint=f"Symbol('{name}', real=True)")
    return Declaration(name, properties=frozenset({"positive"} if symbol.is_positive else ()))


_ASSUMPTIONS = {
    "symmetric": "symmetric", "orthogonal": "orthogonal", "positive_definite": "spd", "invertible": "invertible",
    "diagonal": "diagonal", "lower_triangular": "lower", "upper_triangular": "upper",
}  # fmt: skip


def _assumed(symbol: Any) -> frozenset[str]:
    """What SymPy's global assumptions say of a matrix: `with assuming(Q.symmetric(A))`.  Raises ParseError."""
    said = [p.function.name for p in global_assumptions if getattr(p, "arguments", None) == (symbol,)]
    unknown = [name for name in said if name not in _ASSUMPTIONS]
    if unknown:
        hint = f"one of {', '.join(_ASSUMPTIONS)}, or symgrad.symbols"
        raise ParseError(f"the assumption Q.{unknown[0]}({symbol}) has no meaning here", hint=hint)
    return frozenset(_ASSUMPTIONS[name] for name in said)


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
    """A dimension letter as SymPy has it: a positive integer."""
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

Extents = list[tuple[Size, str]]  # sizes, and the code that gives each


def size_code(size: Any, witnesses: Iterable[Any], printer: Any) -> str:
    """Python code of a size, its letters read off the shapes of `witnesses`; others stay arguments."""
    wanted, extents = size_of(size), _extents(witnesses, printer._print)
    for extent, code in extents:
        if extent == wanted:
            return code
    return _code(wanted, _letter_codes(extents))


def _extents(witnesses: Iterable[Any], write: Callable[[Any], str]) -> Extents:
    shapes = [(size_of(e), f"{write(w)}.shape[{axis}]") for w in witnesses for axis, e in enumerate(w.shape)]
    return sorted(shapes, key=lambda pair: len(str(pair[0])))  # single letters first


def _code(size: Size, codes: Mapping[str, str]) -> str:
    if not isinstance(size, Dim):
        return str(size)
    terms = ["*".join([str(c), *(codes.get(a, a) for a in ls)]).removeprefix("1*") for ls, c in size.terms]
    return " + ".join(terms)


def _letter_codes(extents: Extents) -> dict[str, str]:
    """Code for every letter that the extents determine, one after the other."""
    found: dict[str, str] = {}
    before = -1
    while len(found) > before:
        before = len(found)
        for extent, code in extents:
            unknown = [a for a in letters_of([extent]) if a not in found]
            solved = _solved(extent, unknown[0], code, found) if len(unknown) == 1 else None
            if solved is not None:
                found[unknown[0]] = solved
    return found


def _solved(extent: Size, unknown: str, code: str, found: Mapping[str, str]) -> str | None:
    """The letter, where the extent is slope * letter + offset."""
    assert isinstance(extent, Dim)
    if any(letters.count(unknown) > 1 for letters, _ in extent.terms):
        return None
    slope = plus(*(_without(unknown, letters, c) for letters, c in extent.terms if unknown in letters))
    offset = plus(*(_without(unknown, letters, c) for letters, c in extent.terms if unknown not in letters))
    above = code if offset == 0 else f"({code} - ({_code(offset, found)}))"
    return above if slope == 1 else f"({above} // ({_code(slope, found)}))"


def _without(unknown: str, letters: Monomial, coefficient: int) -> Size:
    return times(coefficient, *(letter(a) for a in letters if a != unknown))


def unread_letters(size: Any, witnesses: Iterable[Any]) -> set[Any]:
    """The letters of a size that no witness tells; they must be given as arguments."""
    wanted, extents = size_of(size), _extents(witnesses, str)
    if any(extent == wanted for extent, _ in extents):
        return set()
    known = _letter_codes(extents)
    return {a for a in size.free_symbols if a.name not in known}


def needed_witnesses(sizes: Iterable[Any], arrays: Sequence[Any]) -> list[Any]:
    """Few of `arrays`, the first where several would do, from which the sizes can be read."""
    chosen: list[Any] = []
    for size in sizes:
        if not unread_letters(size, chosen):
            continue
        whole = [a for a in arrays if size in a.shape][:1]
        chosen += whole or _telling(size, arrays)
    return list(dict.fromkeys(chosen))


def _telling(size: Any, arrays: Sequence[Any]) -> list[Any]:
    """Arrays left after dropping, last ones first, every one that tells nothing more."""
    kept = list(arrays)
    missing = unread_letters(size, kept)
    for array in reversed(arrays):
        fewer = [a for a in kept if a is not array]
        if unread_letters(size, fewer) == missing:
            kept = fewer
    return kept
