"""Tree -> SymPy expression that reads like the tree and that lambdify evaluates to the right numbers.

Products, sums, transposes, inverses, powers of matrices and functions of scalars are SymPy's own classes;
everything else, and what SymPy's NumPy printer gets wrong or refuses (Trace, Determinant, applyfunc,
HadamardPower, identity and ones of symbolic size), are those of `sympy_functions`.  Sizes are read off the
declared arrays.  The tree has been lowered before, so its shapes agree.

>>> from symgrad.notation.grammar import parse
>>> from symgrad.notation.declare import declare
>>> to_sympy(parse("x'*A*x + tr(A)"), declare("x: R^n; A: R^{n x n}"))
(x.T*A*x)[0, 0] + tr(A)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import sympy
from sympy.matrices.exceptions import NonSquareMatrixError
from sympy.matrices.exceptions import ShapeError as SympyShapeError

from symgrad.errors import ParseError, ShapeError, UnknownNameError, did_you_mean
from symgrad.notation.declare import Declaration
from symgrad.notation.sympy_functions import Dimension, Scalar, applied, constant, cut_out
from symgrad.notation.sympy_symbols import needed_witnesses, size_expression, symbol_of
from symgrad.notation.tree import Call, Name, Number, Tree, names, postorder
from symgrad.operations.catalogue import find, record
from symgrad.tensor.dims import Size, letter, letters_of, plus, times

EXPONENT_LIMIT = 1000  # powers of numbers beyond this are not worked out by SymPy

_CHAINS = {"add": "add", "subtract": "add", "multiply": "multiply", "divide": "multiply", "hadamard": "hadamard"}


def to_sympy(tree: Tree, declared: Mapping[str, Declaration]) -> Any:
    """The SymPy expression of a lowered tree.  Raises SymgradError."""
    writer = _Writer(tree, declared)
    try:
        return writer.expression(tree)
    except (SympyShapeError, NonSquareMatrixError) as error:
        raise ShapeError(str(error)) from None


class _Writer:
    def __init__(self, tree: Tree, declared: Mapping[str, Declaration]) -> None:
        self.symbols = {name: symbol_of(d) for name, d in declared.items()}
        self.letters = set(letters_of(s for d in declared.values() for s in (d.rows, d.columns)))
        occurring = [n for n in names(tree) if n in self.symbols]
        order = dict.fromkeys([*occurring, *declared])  # arrays that occur tell sizes before others
        self.arrays = [self.symbols[n] for n in order if _is_matrix(self.symbols[n])]

    def expression(self, tree: Tree) -> Any:
        """Every part after its arguments; a chain of one operator is one part, so that k terms are joined once."""
        stack: list[tuple[Tree, list[Tree] | None]] = [(tree, None)]
        done: list[Any] = []
        while stack:
            part, arguments = stack.pop()
            if arguments is not None:
                assert isinstance(part, Call)
                values = done[len(done) - len(arguments) :]
                del done[len(done) - len(arguments) :]
                done.append(self.call(part, values))
            elif isinstance(part, Call) and not _entry_sizes(part):
                arguments = _arrays_of(part)
                stack.append((part, arguments))
                stack.extend((a, None) for a in reversed(arguments))
            else:
                done.append(self.constant(part) if isinstance(part, Call) else self.leaf(part))
        (result,) = done
        return result

    def leaf(self, part: Tree) -> Any:
        if isinstance(part, Number):
            return sympy.Rational(part.value.numerator, part.value.denominator)
        assert isinstance(part, Name)
        if part.name in self.symbols:
            return self.symbols[part.name]
        if part.name in self.letters:
            return self.dimension(letter(part.name))
        if part.name == "pi":
            return sympy.pi
        hint = did_you_mean(part.name, [*self.symbols, *self.letters])
        raise UnknownNameError(f"{part.name} is not declared", hint=hint)

    def dimension(self, size: Size) -> Any:
        expression = size_expression(size)
        return Dimension(expression, needed_witnesses([expression], self.arrays))

    def constant(self, part: Call) -> Any:
        return self.sized(part.op, *(size_expression(_size(a)) for a in part.args))

    def part(self, call: Call, array: Any) -> Any:
        """A part of an array, with the arrays that tell its places."""
        places = [size_expression(_size(a)) for a in call.args[1:]]
        return cut_out(call.op, array, *places, like=needed_witnesses(places, self.arrays))

    def sized(self, name: str, *sizes: Any) -> Any:
        """eye, ones, ... with the arrays that tell its sizes."""
        wanted = sizes[1:] if record(name).name == "e" else sizes
        return constant(name, *sizes, like=needed_witnesses(wanted, self.arrays))

    def call(self, part: Call, values: list[Any]) -> Any:
        chain = _CHAINS.get(part.op)
        if record(part.op).arrays:
            return self.part(part, *values)
        if chain == "add":
            return self.sum(_signs(part), values)
        if chain == "multiply":
            return _product(_inversions(part), values)
        if chain == "hadamard":
            return _hadamard(values)
        special = _OPERATORS.get(part.op)
        if special is not None and len(values) == special[0]:
            return special[1](*values)
        if part.op in ("hstack", "vstack"):
            return _blocks(part.op, values)
        own = record(part.op).sympy
        if len(values) == 1 and not _is_matrix(values[0]) and own is not None:
            return getattr(sympy, own)(values[0])
        return applied(part.op, *values)

    def sum(self, signs: list[int], values: list[Any]) -> Any:
        """A sum; a scalar among matrices is spread over ones."""
        matrix = next((v for v in values if _is_matrix(v)), None)
        if matrix is None:
            return sympy.Add(*(sign * v for sign, v in zip(signs, values, strict=True)))
        ones = self.sized("ones", *matrix.shape) if not all(map(_is_matrix, values)) else None
        spread = [v if _is_matrix(v) else _scaled(v, ones) for v in values]
        return sympy.MatAdd(*(_scaled(sympy.Integer(s), v) for s, v in zip(signs, spread, strict=True)))


def _entry_sizes(part: Call) -> bool:
    entry = find(part.op)
    return entry is not None and entry.sizes and not entry.arrays


def _arrays_of(part: Call) -> list[Tree]:
    """What is written before a call: not the places of a part."""
    entry = find(part.op)
    return list(part.args[: entry.arrays]) if entry is not None and entry.arrays else _operands(part)


def _blocks(op: str, values: list[Any]) -> Any:
    """A block matrix; rows of blocks that meet along the same lines are one."""
    cells = [v if _is_matrix(v) else sympy.ImmutableDenseMatrix([[v]]) for v in values]
    if all(isinstance(c, sympy.ImmutableDenseMatrix) for c in cells):
        joined = sympy.ImmutableDenseMatrix.hstack if op == "hstack" else sympy.ImmutableDenseMatrix.vstack
        return joined(*cells)
    if op == "hstack":
        return sympy.BlockMatrix([cells])
    rows = [c.blocks.tolist()[0] if isinstance(c, sympy.BlockMatrix) and c.blockshape[0] == 1 else [c] for c in cells]
    meet = all([b.shape[1] for b in row] == [b.shape[1] for b in rows[0]] for row in rows)
    return sympy.BlockMatrix(rows if meet else [[c] for c in cells])


def _is_matrix(value: Any) -> bool:
    return getattr(value, "is_Matrix", False)


# --- chains of one operator ------------------------------------------------------------------------


def _spine(part: Call) -> list[Call]:
    """The calls of one chain, `((a + b) - c)`, from the first to the last."""
    calls = [part]
    while isinstance(calls[-1].args[0], Call) and _CHAINS.get(calls[-1].args[0].op) == _CHAINS[part.op]:
        calls.append(calls[-1].args[0])
    return calls[::-1]


def _operands(part: Call) -> list[Tree]:
    if part.op not in _CHAINS:
        return list(part.args)
    calls = _spine(part)
    return [calls[0].args[0], *(c.args[1] for c in calls)]


def _signs(part: Call) -> list[int]:
    return [1, *(1 if c.op == "add" else -1 for c in _spine(part))]


def _inversions(part: Call) -> list[bool]:
    return [False, *(c.op == "divide" for c in _spine(part))]


def _product(inversions: list[bool], values: list[Any]) -> Any:
    """Matrix products and scalings from left to right; a product that is 1 x 1 is a number from there on."""
    coefficient: Any = sympy.S.One
    matrices: list[Any] = []
    for inverted, value in zip(inversions, values, strict=True):
        if _is_matrix(value):
            matrices.append(value)
            if matrices[0].shape[0] == 1 == value.shape[1]:
                coefficient *= Scalar(sympy.MatMul(*matrices))
                matrices = []
        else:
            coefficient *= _power(value, sympy.S.NegativeOne) if inverted else value
    if not matrices:
        return coefficient
    return _scaled(coefficient, sympy.MatMul(*matrices) if len(matrices) > 1 else matrices[0])


def _hadamard(values: list[Any]) -> Any:
    matrices = [v for v in values if _is_matrix(v)]
    coefficient = sympy.Mul(*(v for v in values if not _is_matrix(v)))
    if not matrices:
        return coefficient
    return _scaled(coefficient, sympy.HadamardProduct(*matrices) if len(matrices) > 1 else matrices[0])


def _scaled(scalar: Any, matrix: Any) -> Any:
    if scalar == 1:
        return matrix
    if isinstance(matrix, sympy.MatMul):
        inner, matrices = matrix.as_coeff_matrices()
        return sympy.MatMul(scalar * inner, *matrices) if scalar * inner != 1 else _rebuilt(matrices)
    return sympy.MatMul(scalar, matrix)


def _rebuilt(matrices: list[Any]) -> Any:
    return sympy.MatMul(*matrices) if len(matrices) > 1 else matrices[0]


# --- single operators ------------------------------------------------------------------------------


def _power(base: Any, exponent: Any) -> Any:
    if _is_matrix(base):
        return sympy.MatPow(base, exponent)
    large = base.is_number and exponent.is_number and not abs(exponent) <= EXPONENT_LIMIT
    return sympy.Pow(base, exponent, evaluate=not large)


def _entry_power(base: Any, exponent: Any) -> Any:
    entrywise = _is_matrix(base) or _is_matrix(exponent)
    return applied("hadamard_power", base, exponent) if entrywise else _power(base, exponent)


def _entry_quotient(above: Any, below: Any) -> Any:
    return applied("hadamard_divide", above, below) if _is_matrix(below) else _product([False, True], [above, below])


def _transpose(value: Any) -> Any:
    return sympy.Transpose(value) if _is_matrix(value) else value


def _inverse(value: Any) -> Any:
    return sympy.Inverse(value) if _is_matrix(value) else _power(value, sympy.S.NegativeOne)


def _negative(value: Any) -> Any:
    return _scaled(sympy.S.NegativeOne, value) if _is_matrix(value) else -value


def _unchanged_scalar(name: str) -> Callable[[Any], Any]:
    return lambda value: applied(name, value) if _is_matrix(value) else value


_OPERATORS: dict[str, tuple[int, Callable[..., Any]]] = {
    "negate": (1, _negative), "transpose": (1, _transpose), "power": (2, _power), "inv": (1, _inverse),
    "hadamard_power": (2, _entry_power), "hadamard_divide": (2, _entry_quotient),
    **{name: (1, _unchanged_scalar(name)) for name in ("tr", "det", "sum", "diag", "vec")},
}  # fmt: skip


def _size(tree: Tree) -> Size:
    """The dimension that is written: letters, whole numbers, their sums and products."""
    stack: list[Size] = []
    for part in postorder(tree):
        if isinstance(part, Number) and part.value == Fraction(int(part.value)):
            stack.append(int(part.value))
        elif isinstance(part, Name):
            stack.append(letter(part.name))
        elif isinstance(part, Call) and part.op in ("add", "subtract", "multiply"):
            right, left = stack.pop(), stack.pop()
            sign = -1 if part.op == "subtract" else 1
            stack.append(times(left, right) if part.op == "multiply" else plus(left, times(sign, right)))
        else:
            raise ParseError("a dimension is a letter, a whole number, or a sum or product of them")
    return stack[-1]
