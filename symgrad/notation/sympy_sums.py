"""SymPy's entries `X[i, j]` and sums over indices: what each class means in the language.

`(x.T*A*x)[0, 0]` of symbolic size reaches us as a double Sum, for SymPy writes it out.  Sums run over all
entries of a dimension, from 0; indices are removed one after the other by `sympy_indexed.summed`.

>>> sorted(c.__name__ for c in READERS)
['KroneckerDelta', 'MatrixElement', 'Sum']
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from fractions import Fraction
from typing import Any

import sympy
from sympy.matrices.expressions import matexpr

from symgrad.errors import ParseError, ShapeError, SymgradError
from symgrad.notation import sympy_indexed as indexed
from symgrad.notation.sympy_functions import extent
from symgrad.notation.sympy_indexed import Entries
from symgrad.notation.sympy_reading import (
    Context,
    Reader,
    Readers,
    Reading,
    Wanted,
    short,
    trees_of,
)
from symgrad.notation.sympy_symbols import size_of, size_tree
from symgrad.notation.tree import Call, Number, Tree
from symgrad.tensor.dims import Size, letters_of


def _matrix_element(part: Any, context: Context, reading: Reading) -> Reader:
    parent, *indices = part.args
    (tree,) = yield from trees_of([parent])
    labels: list[Any] = []
    for axis, (index, size) in enumerate(zip(indices, extent(parent), strict=True)):
        if size != 1 and index in context.sizes:
            _require_range(part, index, context.sizes[index], size)
            labels.append(index)
        elif index.is_Integer:
            tree = _picked(tree, int(index), size, axis, part, reading)
        elif index not in context.sizes:
            raise ParseError(f"the index {index} of {short(part)} is neither a whole number nor summed over its range")
    if len(labels) == 2 and labels[0] == labels[1]:
        return Entries(Call("diagonal", (tree,)), (labels[0],))
    only_columns = len(labels) == 1 and extent(parent)[1] != 1 and labels[0] == indices[1]
    return Entries(indexed.transposed(tree) if only_columns else tree, tuple(labels))


def _require_range(part: Any, index: Any, given: Size, size: Size) -> None:
    if given != size:
        raise ShapeError(f"the index {index} of {short(part)} runs over {given} values, but there are {size}")


def _picked(tree: Tree, index: int, size: Size, axis: int, part: Any, reading: Reading) -> Tree:
    """One row (axis 0) or column of a matrix."""
    if index < 0 or (isinstance(size, int) and index >= size):
        raise ShapeError(f"the index {index} of {short(part)} is not between 0 and {size} - 1")
    if size == 1:
        return tree
    reading.letters.update(letters_of([size]))
    unit = Call("e", (Number(Fraction(index + 1)), size_tree(size)))
    return Call("multiply", (Call("transpose", (unit,)), tree) if axis == 0 else (tree, unit))


def _kronecker_delta(part: Any, context: Context, reading: Reading) -> Reader:
    i, j = part.args[:2]
    if i == j or i not in context.sizes or context.sizes[i] != context.sizes.get(j):
        raise ParseError(f"{short(part)} is not an identity matrix inside a sum over both indices")
    return Entries(Call("eye", (size_tree(context.sizes[i]),)), (i, j))
    yield


def _sum(part: Any, context: Context, reading: Reading) -> Reader:
    body, *limits = part.args
    sizes = {i: _range_size(i, low, high, reading) for i, low, high in limits}
    inner = Context({**context.sizes, **sizes}, context.variables)
    sums = []
    for term in sympy.Add.make_args(body):
        factors = yield from _factors(term, inner)
        sums.append(_sum_of_product(factors, sizes, part))
    return indexed.added(sums, context.sizes)


def _range_size(index: Any, low: Any, high: Any, reading: Reading) -> Size:
    if low != 0:
        raise ParseError(f"the sum over {index} starts at {low}; only sums over all entries, from 0, are read")
    size = size_of(high + 1)
    reading.letters.update(letters_of([size]))
    return size


def _factors(term: Any, context: Context) -> Generator[Wanted, Entries, list[Entries]]:
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
        error.message += f" (in {short(part)})"
        raise


READERS: Readers = {
    matexpr.MatrixElement: _matrix_element,
    sympy.KroneckerDelta: _kronecker_delta,
    sympy.Sum: _sum,
}
