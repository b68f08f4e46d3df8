"""SymPy -> tree: whatever SymPy's matrix expressions say, in the language, with its declarations.

`to_tree` dispatches on the class of each part; a class that is not listed is an error that names it.
Parts are read by generators that yield the sub-expressions they want (and a context, where a Lambda or a
Sum binds something), so that the depth of an expression is not bounded by Python's stack.  The way back
is `to_sympy`, the symbols are made by `symbols`.  Shapes are checked when the tree is lowered.

>>> from symgrad.notation.text import text
>>> x, A = symbols("x: R^n; A: R^{n x n}")
>>> tree, declared = to_tree((x.T*A*x)[0, 0] + sympy.Trace(A))
>>> text(tree), declared["A"].text()
("x'*(A*x) + tr(A)", 'A: R^{n x n}')
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import singledispatch
from typing import Any

import sympy
from sympy.codegen.cfunctions import expm1, log1p
from sympy.core.function import Function
from sympy.matrices.expressions import matexpr
from sympy.matrices.expressions.applyfunc import ElementwiseApplyFunction
from sympy.matrices.expressions.diagonal import DiagMatrix, DiagonalMatrix, DiagonalOf
from sympy.matrices.expressions.dotproduct import DotProduct
from sympy.matrices.matrixbase import MatrixBase

from symgrad.errors import LimitError, ParseError, ShapeError, SymgradError
from symgrad.notation import sympy_indexed as indexed
from symgrad.notation.declare import Declaration
from symgrad.notation.sympy_functions import Applied, Constant, Dimension, Scalar, extent
from symgrad.notation.sympy_indexed import ONE, Entries
from symgrad.notation.sympy_symbols import (
    DeclaredMatrix,
    checked_name,
    declaration_of,
    size_of,
    size_tree,
    symbol_of,
    symbols,
)
from symgrad.notation.sympy_writer import to_sympy
from symgrad.notation.tree import Call, Name, Number, Tree
from symgrad.tensor.dims import Size, letters_of

__all__ = ["DeclaredMatrix", "declaration_of", "symbol_of", "symbols", "to_sympy", "to_tree"]

EXPLICIT_LIMIT = 64  # entries of a matrix of numbers that is written out


def to_tree(expression: Any) -> tuple[Tree, dict[str, Declaration]]:
    """The tree of a SymPy expression and the declarations of its symbols.  Raises SymgradError."""
    if isinstance(expression, MatrixBase):
        expression = expression.as_immutable()
    if not isinstance(expression, sympy.Basic):
        raise ParseError(f"a SymPy expression is wanted, not {type(expression).__name__}")
    reading = _Reading()
    return reading.tree(expression), reading.declarations()


@dataclass(frozen=True, slots=True)
class _Context:
    """What is bound around a part: indices of sums with their sizes, variables of a Lambda."""

    sizes: Mapping[Any, Size] = field(default_factory=dict)
    variables: Mapping[Any, Entries] = field(default_factory=dict)


_FREE = _Context()

Wanted = Any  # an expression, to be read in the same context, or (expression, context)
Reader = Generator[Wanted, Entries, Entries]


class _Reading:
    """One expression being read: what was read already, and the symbols met."""

    def __init__(self) -> None:
        self.memo: dict[Any, Entries] = {}
        self.found: dict[str, tuple[Any, Declaration]] = {}
        self.letters: set[str] = set()

    def tree(self, expression: Any) -> Tree:
        stack: list[tuple[Any, _Context, Reader]] = [(expression, _FREE, self.reader(expression, _FREE))]
        value: Entries | None = None
        while stack:
            part, context, reader = stack[-1]
            try:
                wanted = reader.send(value)  # type: ignore[arg-type]
            except StopIteration as stop:
                value = stop.value
                stack.pop()
                if context is _FREE:
                    self.memo[part] = stop.value
                continue
            child, inner = wanted if isinstance(wanted, tuple) else (wanted, context)
            value = self.memo.get(child) if inner is _FREE else None
            if value is None:
                stack.append((child, inner, self.reader(child, inner)))
        assert value is not None
        return value.tree

    def reader(self, part: Any, context: _Context) -> Reader:
        return read(part, context, self)

    def name(self, symbol: Any) -> Tree:
        """The symbol as a name, its declaration noted."""
        declaration = declaration_of(symbol)
        other = self.found.setdefault(declaration.name, (symbol, declaration))
        if other[1] != declaration:
            given = f"'{other[1].text()}' and '{declaration.text()}'"
            raise ParseError(f"two different symbols are called {declaration.name}: {given}", hint="another name for one")
        return Name(declaration.name)

    def size(self, expression: Any) -> Tree:
        """The dimension as a tree, its letters noted."""
        size = size_of(expression)
        self.letters.update(letters_of([size]))
        return size_tree(size)

    def declarations(self) -> dict[str, Declaration]:
        """Of every symbol that is not a dimension letter."""
        declared = {name: d for name, (_, d) in self.found.items()}
        letters = self.letters | set(letters_of(s for d in declared.values() for s in (d.rows, d.columns)))
        for name in letters & declared.keys():
            if declared[name].kind != "scalar":
                raise ParseError(f"{name} is a matrix and a dimension too", hint="another name for one of them")
        return {name: d for name, d in declared.items() if name not in letters}


@singledispatch
def read(part: Any, context: _Context, reading: _Reading) -> Reader:
    """The reader of a part, by its class."""
    message = f"SymPy's {type(part).__name__} is not in the language"
    raise ParseError(f"{message}: {_short(part)}", hint=_INSTEAD.get(type(part).__name__))


_INSTEAD = {
    "BlockMatrix": "the blocks as separate symbols",
    "MatrixSlice": "the parts as separate symbols, or a product with a selecting matrix",
    "Derivative": "symgrad.derivative(expression, variable)",
    "ImaginaryUnit": "real expressions",
}


def _short(part: Any, limit: int = 60) -> str:
    try:
        text = str(part)
    except RecursionError:
        return "an expression too deep to print"
    return text if len(text) <= limit else text[: limit - 3] + "..."


def _is_array(part: Any) -> bool:
    return getattr(part, "is_Matrix", False) and extent(part) != (1, 1)


def _number_wanted(part: Any, *arguments: Any) -> None:
    """Refuse what SymPy would let pass: exp(A), A + 1, ... of whole matrices."""
    for argument in arguments:
        if _is_array(argument):
            name = type(part).__name__
            raise ShapeError(
                f"{name} of the {argument.shape[0]} x {argument.shape[1]} matrix {_short(argument)} has no entry-by-entry meaning in SymPy",
                hint=f"X.applyfunc({name}), or symgrad's own functions",
            )


def _whole(entries: Entries, part: Any) -> Tree:
    if entries.labels:
        raise ParseError(f"an index of a sum stands inside a matrix: {_short(part)}", hint="a product of entries")
    return entries.tree


def _trees(parts: Iterable[Any]) -> Generator[Wanted, Entries, list[Tree]]:
    found = []
    for part in parts:
        found.append(_whole((yield part), part))
    return found


def _all(parts: Iterable[Any]) -> Generator[Wanted, Entries, list[Entries]]:
    found = []
    for part in parts:
        found.append((yield part))
    return found


# --- atoms ---------------------------------------------------------------------------------------


@read.register(sympy.Rational)
def _(part: Any, context: _Context, reading: _Reading) -> Reader:
    return Entries(indexed.number(Fraction(int(part.p), int(part.q))))
    yield


@read.register(sympy.Float)
def _(part: Any, context: _Context, reading: _Reading) -> Reader:
    if not part.is_finite:
        raise ParseError(f"{part} is not a number of the language")
    return Entries(indexed.number(Fraction(str(part))))
    yield


@read.register(sympy.core.numbers.Pi)
def _(part: Any, context: _Context, reading: _Reading) -> Reader:
    return Entries(Name("pi"))
    yield


@read.register(sympy.core.numbers.Exp1)
def _(part: Any, context: _Context, reading: _Reading) -> Reader:
    return Entries(Call("exp", (ONE,)))
    yield


@read.register(sympy.Symbol)
@read.register(matexpr.MatrixSymbol)
def _(part: Any, context: _Context, reading: _Reading) -> Reader:
    if part in context.sizes:
        raise ParseError(f"the index {part} of a sum stands as a number", hint="only X[i, j] may hold an index")
    bound = context.variables.get(part)
    return bound if bound is not None else Entries(reading.name(part))
    yield


@read.register(Dimension)
def _(part: Any, context: _Context, reading: _Reading) -> Reader:
    return Entries(reading.size(part.args[0]))
    yield


# --- matrices ------------------------------------------------------------------------------------


def _chain(op: str, trees: list[Tree]) -> Tree:
    result = trees[0]
    for tree in trees[1:]:
        result = Call(op, (result, tree))
    return result


@read.register(sympy.MatMul)
def _(part: Any, context: _Context, reading: _Reading) -> Reader:
    return (yield from _matrix_product(part))


def _matrix_product(part: Any) -> Reader:
    scalars = [a for a in part.args if not getattr(a, "is_Matrix", False)]
    matrices = [a for a in part.args if getattr(a, "is_Matrix", False)]
    trees = yield from _trees([*([sympy.Mul(*scalars)] if scalars else []), *matrices])
    if scalars:
        return Entries(indexed.scaled(trees[0], _chain("multiply", trees[1:])))
    return Entries(_chain("multiply", trees))


@read.register(sympy.MatAdd)
def _(part: Any, context: _Context, reading: _Reading) -> Reader:
    trees = yield from _trees(part.args)
    return indexed.added([Entries(t) for t in trees], {})


@read.register(sympy.MatPow)
def _(part: Any, context: _Context, reading: _Reading) -> Reader:
    base, exponent = yield from _trees(part.args)
    if part.args[1] == -1:
        return Entries(Call("inv", (base,)))
    if _is_array(part.args[0]):
        return Entries(Call("power", (base, exponent)))
    return indexed.power(Entries(base), Entries(exponent), {})


def _by_name(op: str) -> Callable[[Any, _Context, _Reading], Reader]:
    """A reader for what has the same arguments in the language."""

    def reader(part: Any, context: _Context, reading: _Reading) -> Reader:
        trees = yield from _trees(part.args)
        return Entries(Call(op, tuple(trees)))

    return reader


def _nested(op: str) -> Callable[[Any, _Context, _Reading], Reader]:
    """A reader for what has any number of arguments in SymPy and two in the language."""

    def reader(part: Any, context: _Context, reading: _Reading) -> Reader:
        return Entries(_chain(op, (yield from _trees(part.args))))

    return reader


for _type, _op in (
    (sympy.Transpose, "transpose"), (sympy.Adjoint, "transpose"), (sympy.Trace, "tr"), (sympy.Determinant, "det"),
    (DiagonalOf, "diagonal"),
):  # fmt: skip
    read.register(_type, _by_name(_op))
read.register(sympy.HadamardProduct, _nested("hadamard"))
read.register(sympy.KroneckerProduct, _nested("kron"))


@read.register(sympy.Inverse)
def _(part: Any, context: _Context, reading: _Reading) -> Reader:
    (tree,) = yield from _trees(part.args[:1])
    return Entries(Call("inv", (tree,)))


@read.register(sympy.HadamardPower)
def _(part: Any, context: _Context, reading: _Reading) -> Reader:
    trees = yield from _trees(part.args)
    base, exponent = (Entries(t, ("entry",) if _is_array(p) else ()) for t, p in zip(trees, part.args, strict=True))
    return Entries(indexed.power(base, exponent, {}).tree)


@read.register(DiagMatrix)
def _(part: Any, context: _Context, reading: _Reading) -> Reader:
    (tree,) = yield from _trees(part.args)
    return Entries(Call("diag", (tree,)))


@read.register(DiagonalMatrix)
def _(part: Any, context: _Context, reading: _Reading) -> Reader:
    (tree,) = yield from _trees(part.args)
    return Entries(Call("diag", (Call("diagonal", (tree,)),)))


@read.register(DotProduct)
def _(part: Any, context: _Context, reading: _Reading) -> Reader:
    trees = yield from _trees(part.args)
    columns = [indexed.transposed(t) if extent(a)[0] == 1 else t for t, a in zip(trees, part.args, strict=True)]
    return Entries(Call("dot", tuple(columns)))


@read.register(sympy.Identity)
def _(part: Any, context: _Context, reading: _Reading) -> Reader:
    return Entries(Call("eye", (reading.size(part.shape[0]),)))
    yield


def _filled(op: str, part: Any, reading: _Reading) -> Tree:
    rows, columns = part.shape
    return Call(op, (reading.size(rows), *([reading.size(columns)] if columns != 1 else [])))


@read.register(sympy.ZeroMatrix)
def _(part: Any, context: _Context, reading: _Reading) -> Reader:
    return Entries(_filled("zeros", part, reading))
    yield


@read.register(sympy.OneMatrix)
def _(part: Any, context: _Context, reading: _Reading) -> Reader:
    return Entries(_filled("ones", part, reading))
    yield


@read.register(sympy.ImmutableDenseMatrix)
@read.register(sympy.ImmutableSparseMatrix)
def _(part: Any, context: _Context, reading: _Reading) -> Reader:
    """A matrix of numbers or scalars: the sum of its entries times unit vectors."""
    rows, columns = part.shape
    if rows * columns > EXPLICIT_LIMIT:
        raise LimitError(f"a matrix of more than {EXPLICIT_LIMIT} written entries", hint="a symbol for it")
    if not rows * columns:
        raise ShapeError(f"a {rows} x {columns} matrix has no entries")
    terms = []
    for i in range(rows):
        for j in range(columns):
            if part[i, j] != 0:
                (entry,) = yield from _trees([part[i, j]])
                terms.append(Entries(indexed.scaled(entry, _unit(i, j, (rows, columns)))))
    zeros = Entries(Call("zeros", (size_tree(rows), size_tree(columns))))
    return indexed.added(terms or [zeros], {})


def _unit(i: int, j: int, shape: tuple[int, int]) -> Tree:
    """e_i e_j' of that shape."""
    row = Call("e", (Number(Fraction(i + 1)), size_tree(shape[0])))
    column = Call("e", (Number(Fraction(j + 1)), size_tree(shape[1])))
    return Call("multiply", (row, Call("transpose", (column,))))


@read.register(ElementwiseApplyFunction)
def _(part: Any, context: _Context, reading: _Reading) -> Reader:
    (array,) = yield from _trees([part.expr])
    (variable,) = part.function.variables
    whole = Entries(array, ("entry",) if _is_array(part.expr) else ())
    inner = _Context(context.sizes, {**context.variables, variable: whole})
    result = yield (part.function.expr, inner)
    if result.labels or not whole.labels:
        return Entries(result.tree)
    return Entries(indexed.scaled(result.tree, _filled("ones", part, reading)))


# --- symgrad's own classes -------------------------------------------------------------------------


@read.register(Applied)
def _(part: Any, context: _Context, reading: _Reading) -> Reader:
    arguments = yield from _all(part.args)
    return indexed.called(part.operation.name, arguments, context.sizes)


@read.register(Constant)
def _(part: Any, context: _Context, reading: _Reading) -> Reader:
    return Entries(Call(part.operation.name, tuple(reading.size(s) for s in part.args[1])))
    yield


@read.register(Scalar)
@read.register(sympy.UnevaluatedExpr)
def _(part: Any, context: _Context, reading: _Reading) -> Reader:
    return (yield part.args[0])


# --- scalars -------------------------------------------------------------------------------------


@read.register(sympy.Add)
def _(part: Any, context: _Context, reading: _Reading) -> Reader:
    arrays = [a for a in part.args if _is_array(a)]
    if arrays and len(arrays) < len(part.args):
        _number_wanted(part, *arrays)
    return indexed.added((yield from _all(part.args)), context.sizes)


@read.register(sympy.Mul)
def _(part: Any, context: _Context, reading: _Reading) -> Reader:
    if any(_is_array(a) for a in part.args):
        return (yield from _matrix_product(part))
    above = yield from _all(a for a in part.args if not _is_divisor(a))
    below = yield from _all(1 / a for a in part.args if _is_divisor(a))
    numerator = indexed.collapsed(above)
    return indexed.divided(numerator, indexed.collapsed(below), context.sizes) if below else numerator


def _is_divisor(part: Any) -> bool:
    return isinstance(part, sympy.Pow) and part.exp.is_Rational and part.exp.is_negative


@read.register(sympy.Pow)
def _(part: Any, context: _Context, reading: _Reading) -> Reader:
    _number_wanted(part, part.exp)
    base, exponent = yield from _all(part.args)
    if _is_array(part.base):
        return Entries(Call("power", (_whole(base, part), _whole(exponent, part))))
    return indexed.power(base, exponent, context.sizes)


_FUNCTIONS: dict[type, str] = {
    sympy.exp: "exp", sympy.log: "log", sympy.sin: "sin", sympy.cos: "cos", sympy.tan: "tan", sympy.sinh: "sinh",
    sympy.cosh: "cosh", sympy.tanh: "tanh", sympy.asin: "arcsin", sympy.acos: "arccos", sympy.atan: "arctan",
    sympy.erf: "erf", sympy.Abs: "abs", sympy.sign: "sign", log1p: "log1p", expm1: "expm1",
    sympy.StrictGreaterThan: "gt", sympy.GreaterThan: "ge", sympy.StrictLessThan: "lt", sympy.LessThan: "le",
    sympy.Equality: "eq", sympy.Unequality: "ne",
}  # fmt: skip
_RECIPROCALS: dict[type, str] = {
    sympy.cot: "tan", sympy.sec: "cos", sympy.csc: "sin", sympy.coth: "tanh", sympy.sech: "cosh", sympy.csch: "sinh",
}  # fmt: skip


@read.register(Function)
@read.register(sympy.core.relational.Relational)
def _(part: Any, context: _Context, reading: _Reading) -> Reader:
    name = _FUNCTIONS.get(type(part)) or _RECIPROCALS.get(type(part))
    if name is None:
        raise ParseError(f"SymPy's function {type(part).__name__} is not in the language: {_short(part)}")
    _number_wanted(part, *part.args)
    value = indexed.called(name, (yield from _all(part.args)), context.sizes)
    return indexed.divided(Entries(ONE), value, context.sizes) if type(part) in _RECIPROCALS else value


@read.register(sympy.conjugate)
def _(part: Any, context: _Context, reading: _Reading) -> Reader:
    return (yield part.args[0])


@read.register(sympy.Max)
@read.register(sympy.Min)
def _(part: Any, context: _Context, reading: _Reading) -> Reader:
    _number_wanted(part, *part.args)
    if isinstance(part, sympy.Max) and len(part.args) == 2 and sympy.S.Zero in part.args:
        other = yield next(a for a in part.args if a != 0)
        return indexed.called("relu", [other], context.sizes)
    first, *others = yield from _all(part.args)
    for other in others:
        first = indexed.called("max" if isinstance(part, sympy.Max) else "min", [first, other], context.sizes)
    return first


@read.register(sympy.Heaviside)
def _(part: Any, context: _Context, reading: _Reading) -> Reader:
    """[x > 0] + h [x = 0], h the value at 0."""
    value, at_zero = yield from _all(part.args)
    step = indexed.called("step", [value], context.sizes)
    if part.args[1] == 0:
        return step
    zero = indexed.called("eq", [value, Entries(Number(Fraction(0)))], context.sizes)
    return indexed.added([step, indexed.multiplied(at_zero, zero)], context.sizes)


@read.register(sympy.logic.boolalg.BooleanAtom)
def _(part: Any, context: _Context, reading: _Reading) -> Reader:
    return Entries(Number(Fraction(1 if part == sympy.true else 0)))
    yield


@read.register(sympy.And)
def _(part: Any, context: _Context, reading: _Reading) -> Reader:
    masks = yield from _all(part.args)
    product = masks[0]
    for mask in masks[1:]:
        product = indexed.multiplied_or_spread(product, mask, context.sizes)
    return product


@read.register(sympy.Or)
def _(part: Any, context: _Context, reading: _Reading) -> Reader:
    none = yield sympy.And(*(sympy.Not(a) for a in part.args))
    return indexed.added([Entries(ONE), Entries(Call("negate", (none.tree,)), none.labels)], context.sizes)


@read.register(sympy.Piecewise)
def _(part: Any, context: _Context, reading: _Reading) -> Reader:
    """The branches times their masks; the usual activations by their names."""
    named = _activation(part)
    if named is not None:
        name, parts = named
        return indexed.called(name, (yield from _all(parts)), context.sizes)
    if part.args[-1][1] != sympy.true:
        raise ParseError(f"a Piecewise that is not defined everywhere: {_short(part)}", hint="a last branch (value, True)")
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
                f"{_short(part)} in a Piecewise may be no number where its branch is not taken",
                hint="branches of sums, products, whole powers, exp, sin, tanh, ...",
            )
        pending += [] if isinstance(part, matexpr.MatrixElement) else part.args


# --- entries and sums over indices -----------------------------------------------------------------


@read.register(matexpr.MatrixElement)
def _(part: Any, context: _Context, reading: _Reading) -> Reader:
    parent, *indices = part.args
    (tree,) = yield from _trees([parent])
    labels: list[Any] = []
    for axis, (index, size) in enumerate(zip(indices, extent(parent), strict=True)):
        if size != 1 and index in context.sizes:
            _require_range(part, index, context.sizes[index], size)
            labels.append(index)
        elif index.is_Integer:
            tree = _picked(tree, int(index), size, axis, part, reading)
        elif index not in context.sizes:
            raise ParseError(f"the index {index} of {_short(part)} is neither a whole number nor summed over its range")
    if len(labels) == 2 and labels[0] == labels[1]:
        return Entries(Call("diagonal", (tree,)), (labels[0],))
    only_columns = len(labels) == 1 and extent(parent)[1] != 1 and labels[0] == indices[1]
    return Entries(indexed.transposed(tree) if only_columns else tree, tuple(labels))


def _require_range(part: Any, index: Any, given: Size, size: Size) -> None:
    if given != size:
        raise ShapeError(f"the index {index} of {_short(part)} runs over {given} values, but there are {size}")


def _picked(tree: Tree, index: int, size: Size, axis: int, part: Any, reading: _Reading) -> Tree:
    """One row (axis 0) or column of a matrix."""
    if index < 0 or (isinstance(size, int) and index >= size):
        raise ShapeError(f"the index {index} of {_short(part)} is not between 0 and {size} - 1")
    if size == 1:
        return tree
    reading.letters.update(letters_of([size]))
    unit = Call("e", (Number(Fraction(index + 1)), size_tree(size)))
    return Call("multiply", (Call("transpose", (unit,)), tree) if axis == 0 else (tree, unit))


@read.register(sympy.KroneckerDelta)
def _(part: Any, context: _Context, reading: _Reading) -> Reader:
    i, j = part.args[:2]
    if i == j or i not in context.sizes or context.sizes[i] != context.sizes.get(j):
        raise ParseError(f"{_short(part)} is not an identity matrix inside a sum over both indices")
    return Entries(Call("eye", (size_tree(context.sizes[i]),)), (i, j))
    yield


@read.register(sympy.Sum)
def _(part: Any, context: _Context, reading: _Reading) -> Reader:
    body, *limits = part.args
    sizes = {i: _range_size(i, low, high, reading) for i, low, high in limits}
    inner = _Context({**context.sizes, **sizes}, context.variables)
    sums = []
    for term in sympy.Add.make_args(body):
        factors = yield from _factors(term, inner)
        sums.append(_sum_of_product(factors, sizes, part))
    return indexed.added(sums, context.sizes)


def _range_size(index: Any, low: Any, high: Any, reading: _Reading) -> Size:
    if low != 0:
        raise ParseError(f"the sum over {index} starts at {low}; only sums over all entries, from 0, are read")
    size = size_of(high + 1)
    reading.letters.update(letters_of([size]))
    return size


def _factors(term: Any, context: _Context) -> Generator[Wanted, Entries, list[Entries]]:
    """The factors of a term; a square is two factors, so that x[i]**2 sums to x'*x."""
    found: list[Entries] = []
    for factor in sympy.Mul.make_args(term):
        if isinstance(factor, sympy.Pow) and factor.exp == 2:
            base = yield (factor.base, context)
            found += [base, base]
        else:
            found.append((yield (factor, context)))
    return found


def _sum_of_product(factors: list[Entries], sizes: Mapping[Any, Size], part: Any) -> Entries:
    """Remove the indices one after the other, the last limit first, as far as two matrices meet in each."""
    left = list(sizes)[::-1]
    try:
        while left:
            label = next((i for i in left if indexed.summable(factors, i)), left[0])
            left.remove(label)
            factors = indexed.summed(factors, label, sizes[label])
        return indexed.collapsed(factors)
    except SymgradError as error:
        error.message += f" (in {_short(part)})"
        raise
