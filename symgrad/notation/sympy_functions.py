"""Every operation of the catalogue as a function that takes and returns SymPy expressions.

`relu(W*x)` is a MatrixExpr, `logsumexp(z)` an Expr; shapes are those of the catalogue's records, checked when
the expression is made.  SymPy's own differentiation would answer 0 for what it does not know, so here it
is refused by name.  `lambdify(args, expression, modules=numpy_modules)` computes with the records' values;
arrays have two axes, a column is (n, 1).  Sizes are read off an array argument (`witness`), not passed.

>>> from symgrad.notation.sympy_symbols import symbols
>>> W, x = symbols("W: R^{m x n}; x: R^n")
>>> function("relu")(W*x), function("relu")(W*x).shape, function("sum")(x)
(relu(W*x), (m, 1), sum(x))
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cache, lru_cache
from typing import Any, ClassVar, NoReturn

import sympy
from sympy import Expr, Tuple
from sympy.core.basic import Basic
from sympy.matrices.expressions.matexpr import MatrixElement, MatrixExpr
from sympy.matrices.matrixbase import MatrixBase
from sympy.printing.precedence import PRECEDENCE, precedence
from sympy.tensor.array.expressions.arrayexpr_derivatives import array_derive

from symgrad.errors import NotDifferentiableError, ParseError, ShapeError
from symgrad.notation.declare import Declaration
from symgrad.notation.lower import input_view
from symgrad.notation.sympy_symbols import size_code, size_expression, size_of, unread_letters
from symgrad.operations.arrays import np
from symgrad.operations.catalogue import find, record, records
from symgrad.operations.record import Operation
from symgrad.tensor.build import as_number
from symgrad.tensor.dims import Size
from symgrad.tensor.view import View

ALIASES = {"maximum": "max", "minimum": "min", "total": "sum"}  # where Python has the other name itself
PREFIX = "sg_"  # of the names in lambdified code, so that neither NumPy's nor a user's names are hidden

Extent = tuple[Size, Size]


class Refusing:
    """What all of these expressions share: SymPy may not differentiate them."""

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        message = f"SymPy has no derivative of {type(self).__name__.removesuffix('_')}"
        raise NotDifferentiableError(message, hint="symgrad.derivative(expression, variable)")

    diff = _refuse
    _eval_derivative = _refuse
    _eval_derivative_n_times = _refuse
    _eval_derivative_matrix_lines = _refuse


@array_derive.register(Refusing)
def _refuse_derivative(expression: Refusing, variable: Any) -> NoReturn:
    expression._refuse()


_zero_derivative = array_derive.dispatch(Expr)


@array_derive.register(Expr)
def _derivative_of_expr(expression: Expr, variable: Any) -> Any:
    """SymPy's rule for scalars it cannot look into is 0, also for log(norm2(x)): refused with our classes inside."""
    for part in expression.atoms(Refusing):
        part._refuse()
    return _zero_derivative(expression, variable)


class Applied(Refusing):
    """An operation of the catalogue applied to SymPy expressions."""

    operation: ClassVar[Operation]
    args: tuple[Any, ...]

    def __new__(cls, *arguments: Any) -> Any:
        return applied(cls.operation.name, *arguments)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return applied, (self.operation.name, *self.args)

    def _sympystr(self, printer: Any) -> str:
        return f"{self.operation.name}({', '.join(printer._print(a) for a in self.args)})"

    def _latex(self, printer: Any, **_: Any) -> str:
        return latex_call(self.operation, self.args, printer)

    def _call(self, printer: Any) -> str:
        return f"{PREFIX}{self.operation.name}({', '.join(printer._print(a) for a in self.args)})"


class AppliedMatrix(Applied, MatrixExpr):
    """One whose value is a vector or a matrix."""

    @property
    def shape(self) -> Any:
        return tuple(map(size_expression, _extent_of_call(self.operation, self.args)))

    def _entry(self, i: Any, j: Any, **_: Any) -> Any:
        return MatrixElement(self, i, j)

    def _numpycode(self, printer: Any) -> str:
        return self._call(printer)


class AppliedScalar(Applied, Expr):
    """One whose value is a number."""

    is_commutative = True
    is_extended_real = True

    def _numpycode(self, printer: Any) -> str:
        return f"{PREFIX}scalar({self._call(printer)})"


def applied(name: str, *arguments: Any) -> Any:
    """The operation applied to SymPy expressions.  Raises ShapeError, ParseError."""
    operation = record(name)
    given = tuple(map(argument, arguments))
    if len(given) not in operation.arity:
        wanted = " or ".join(map(str, operation.arity))
        raise ParseError(f"{name} takes {wanted} arguments, but {len(given)} are given", hint=operation.example)
    family = AppliedScalar if _extent_of_call(operation, given) == (1, 1) else AppliedMatrix
    return Basic.__new__(_class(operation, family), *given)


def argument(value: Any) -> Any:
    """A SymPy expression or matrix.  Raises ParseError."""
    try:
        found = sympy.sympify(value, strict=True)
    except sympy.SympifyError:
        found = value
    if isinstance(found, MatrixBase):
        return found.as_immutable()
    if not isinstance(found, Expr | MatrixExpr):
        raise ParseError(f"a SymPy expression is wanted, not {type(value).__name__}")
    return found


def extent(value: Any) -> Extent:
    """Rows and columns; a scalar is 1 x 1."""
    if not getattr(value, "is_Matrix", False):
        return 1, 1
    return size_of(value.shape[0]), size_of(value.shape[1])


def _extent_of_call(operation: Operation, arguments: Iterable[Any]) -> Extent:
    return _built(operation, tuple(map(extent, arguments)))


@lru_cache(4096)
def _built(operation: Operation, extents: tuple[Extent, ...]) -> Extent:
    """The shape rule of the record, asked with arguments of those sizes."""
    views = [input_view(Declaration(f"argument{i}", *e)) for i, e in enumerate(extents)]
    try:
        return operation.build(*views).shape
    except ShapeError as error:
        raise ShapeError(f"{operation.name}: {error.message}", hint=error.hint) from None


@cache
def _class(operation: Operation, family: type[Basic]) -> type[Basic]:
    return type(f"{operation.name}_", (family,), {"operation": operation, "__doc__": operation.doc})


# --- constants: sizes, and the arrays they are read from ---------------------------------------------


class Constant(Refusing, MatrixExpr):
    """eye, ones, zeros, e: a name, sizes, and the arrays that tell the sizes when numbers are there."""

    def __new__(cls, name: Any, sizes: Any, witnesses: Any = ()) -> Any:
        operation = record(str(name))
        view = _constant_view(operation, tuple(map(size_of, sizes)))
        if view.shape == (1, 1):
            return sympy.Integer(as_number(view.node) or 0)
        return Basic.__new__(cls, sympy.core.symbol.Str(operation.name), Tuple(*sizes), Tuple(*witnesses))

    @property
    def operation(self) -> Operation:
        return record(str(self.args[0]))

    @property
    def shape(self) -> Any:
        view = _constant_view(self.operation, tuple(map(size_of, self.args[1])))
        return tuple(map(size_expression, view.shape))

    @property
    def free_symbols(self) -> set[Any]:
        return _free(self.args[1], self.args[2])

    def _entry(self, i: Any, j: Any, **_: Any) -> Any:
        return MatrixElement(self, i, j)

    def _sympystr(self, printer: Any) -> str:
        return f"{self.operation.name}({', '.join(printer._print(s) for s in self.args[1])})"

    def _latex(self, printer: Any, **_: Any) -> str:
        return latex_call(self.operation, self.args[1], printer)

    def _numpycode(self, printer: Any) -> str:
        sizes = ", ".join(size_code(s, self.args[2], printer) for s in self.args[1])
        return f"{PREFIX}{self.operation.name}({sizes})"


@lru_cache(1024)
def _constant_view(operation: Operation, sizes: tuple[Size, ...]) -> View:
    return operation.build(*sizes)


def constant(name: str, *sizes: Any, like: Iterable[Any] = ()) -> Any:
    """`ones(n)`, `eye(n)`, ...; `like` are arrays from which the sizes are read when numbers are there."""
    operation = record(name)
    if len(sizes) not in operation.arity:
        raise ParseError(f"{name} does not take {len(sizes)} sizes", hint=operation.example)
    return Constant(name, tuple(map(sympy.sympify, sizes)), tuple(like))


class Part(Refusing, MatrixExpr):
    """Entries i, ..., j of a vector, rows or columns of a matrix: an operation, its array, the places counted from 1.

    SymPy's MatrixSlice with the arrays that tell its places when numbers are there.
    """

    def __new__(cls, name: Any, array: Any, places: Any, witnesses: Any = ()) -> Any:
        array, operation = argument(array), record(str(name))
        if _part_extent(operation, extent(array), tuple(map(size_of, places))) == (1, 1):
            return MatrixElement(array, *(0 if s == 1 else places[0] - 1 for s in array.shape))
        return Basic.__new__(cls, sympy.core.symbol.Str(operation.name), array, Tuple(*places), Tuple(*witnesses))

    @property
    def operation(self) -> Operation:
        return record(str(self.args[0]))

    @property
    def shape(self) -> Any:
        found = _part_extent(self.operation, extent(self.args[1]), tuple(map(size_of, self.args[2])))
        return tuple(map(size_expression, found))

    @property
    def free_symbols(self) -> set[Any]:
        return self.args[1].free_symbols | _free(self.args[2], self.args[3])

    def _entry(self, i: Any, j: Any, **_: Any) -> Any:
        first = self.args[2][0] - 1
        return MatrixElement(self.args[1], *((i, j + first) if self.across else (i + first, j)))

    @property
    def across(self) -> bool:
        """Whether columns are cut out, not rows."""
        return self.operation.name == "columns" or (self.operation.name == "part" and extent(self.args[1])[0] == 1)

    def _places(self, printer: Any, before: int) -> tuple[Any, list[str]]:
        """The array and its places as they are written, counting from 1 - `before`."""
        array, (first, last) = self.args[1], self.args[2]
        place = f"{printer._print(first - before)}:{printer._print(last)}"
        if self.across and isinstance(array, Part) and not array.across:
            return array.args[1], [*array._places(printer, before)[1][:1], place]
        return array, [":", place] if self.across else [place, ":"]

    def _sympystr(self, printer: Any) -> str:
        array, places = self._places(printer, 1)  # as SymPy has them, from 0 and the end left out
        return f"{printer.parenthesize(array, PRECEDENCE['Atom'], strict=True)}[{', '.join(places)}]"

    def _latex(self, printer: Any, **_: Any) -> str:
        array, places = self._places(printer, 0)
        return f"{{{printer.parenthesize(array, PRECEDENCE['Atom'], strict=True)}}}_{{{','.join(places)}}}"

    def _numpycode(self, printer: Any) -> str:
        places = (size_code(s, self.args[3], printer) for s in self.args[2])
        return f"{PREFIX}{self.operation.name}({', '.join([printer._print(self.args[1]), *places])})"


@lru_cache(4096)
def _part_extent(operation: Operation, extent: Extent, places: tuple[Size, ...]) -> Extent:
    return operation.build(input_view(Declaration("argument", *extent)), *places).shape


def cut_out(name: str, array: Any, *places: Any, like: Iterable[Any] = ()) -> Any:
    """`rows(X, 1, m)`, ...; `like` are arrays from which the places are read when numbers are there."""
    operation = record(name)
    if len(places) + operation.arrays not in operation.arity:
        raise ParseError(f"{name} does not take {len(places)} places", hint=operation.example)
    return Part(name, array, tuple(map(sympy.sympify, places)), tuple(like))


class Dimension(Refusing, Expr):
    """A dimension as a number: a size, and the arrays that tell it when numbers are there."""

    is_commutative = True
    is_integer = True
    is_positive = True

    def __new__(cls, size: Any, witnesses: Any = ()) -> Any:
        size = sympy.sympify(size)
        return size if size.is_Integer else Basic.__new__(cls, size, Tuple(*witnesses))

    @property
    def free_symbols(self) -> set[Any]:
        return _free((self.args[0],), self.args[1])

    @property
    def precedence(self) -> int:
        return precedence(self.args[0])

    def _sympystr(self, printer: Any) -> str:
        return printer._print(self.args[0])

    _latex = _sympystr

    def _numpycode(self, printer: Any) -> str:
        return f"({size_code(self.args[0], self.args[1], printer)})"


def _free(sizes: Iterable[Any], witnesses: Iterable[Any]) -> set[Any]:
    found = {symbol for w in witnesses for symbol in w.free_symbols}
    return found.union(*(unread_letters(s, witnesses) for s in sizes))


class Scalar(Refusing, Expr):
    """The number that a 1 x 1 matrix is: `(x.T*A*x)[0, 0]` without SymPy's sum over indices."""

    is_commutative = True
    is_extended_real = True

    def __new__(cls, matrix: Any) -> Any:
        matrix = argument(matrix)
        if extent(matrix) != (1, 1):
            raise ShapeError(f"{matrix} is {matrix.shape[0]} x {matrix.shape[1]}, but a 1 x 1 matrix is wanted")
        if isinstance(matrix, MatrixBase):
            return matrix[0, 0]
        return Basic.__new__(cls, matrix) if getattr(matrix, "is_Matrix", False) else matrix

    @property
    def precedence(self) -> int:
        return precedence(self.args[0])

    def _sympystr(self, printer: Any) -> str:
        return f"{printer.parenthesize(self.args[0], PRECEDENCE['Atom'])}[0, 0]"

    def _latex(self, printer: Any, **_: Any) -> str:
        return printer._print(self.args[0])

    def _numpycode(self, printer: Any) -> str:
        return f"{PREFIX}scalar({printer._print(self.args[0])})"


# --- LaTeX ---------------------------------------------------------------------------------------

_ENCLOSED = re.compile(r"(?:[(\[{]|\\[lr]?[vV]ert|\\langle)\s*$")


def latex_call(operation: Operation, arguments: Iterable[Any], printer: Any) -> str:
    """A call by the record's template; an argument that nothing encloses gets parentheses where it needs them."""
    given = list(arguments)
    template = operation.notation.latex
    written = [printer._print(a) for a in given]
    if template is None:
        return rf"\operatorname{{{operation.name}}}\left({', '.join(written)}\right)"
    for i, value in enumerate(given):
        before = template.partition(f"{{{i}}}")
        if before[1] and operation.notation.fixity != "bracket" and not _ENCLOSED.search(before[0]):
            written[i] = printer.parenthesize(value, PRECEDENCE["Pow"], strict=False)
    text = template.format(*written, args=", ".join(written))
    return rf"\left[{text}\right]" if operation.notation.fixity == "bracket" else text


# --- numbers -------------------------------------------------------------------------------------


def numeric_functions() -> dict[str, Callable[..., Any]]:
    """What the names in lambdified code mean."""
    table = {PREFIX + r.name: (r.value if r.sizes and not r.arrays else _on_arrays(r)) for r in records()}
    return {**table, f"{PREFIX}scalar": _number_of}


def _on_arrays(operation: Operation) -> Callable[..., Any]:
    def call(*arguments: Any) -> Any:
        count = operation.arrays or len(arguments)
        return operation.value(*map(_two_axes, arguments[:count]), *arguments[count:])

    return call


def _two_axes(value: Any) -> Any:
    array = np.asarray(value)
    if array.dtype.kind in "iub":
        array = array.astype(float)
    if array.ndim == 0:
        return array.reshape(1, 1)
    if array.ndim != 2:
        raise ShapeError(f"an array of shape {array.shape} was given", hint="a column as (n, 1), a row as (1, n)")
    return array


def _number_of(value: Any) -> Any:
    array = _two_axes(value)
    if array.shape != (1, 1):
        raise ShapeError(f"a number is wanted, but an array of shape {array.shape} was given")
    return array[0, 0]


# --- by name -------------------------------------------------------------------------------------


def function(name: str) -> Callable[..., Any]:
    """The function of an operation, by its name or a spelling.  Raises UnknownNameError."""
    operation = record(ALIASES.get(name, name))

    def call(*arguments: Any, **options: Any) -> Any:
        make = cut_out if operation.arrays else constant if operation.sizes else applied
        return make(operation.name, *arguments, **options)

    call.__name__ = call.__qualname__ = name
    call.__doc__ = operation.doc
    return call


def __getattr__(name: str) -> Any:
    """`sympy_functions.relu`, and `numpy_modules`, the value for lambdify's `modules`."""
    if name == "numpy_modules":
        return [numeric_functions(), "numpy"]
    if name.startswith("_") or find(ALIASES.get(name, name)) is None:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    return function(name)
