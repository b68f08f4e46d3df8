"""SymPy's entries `X[i, j]` and sums over indices: what each class means in the language.

`(x.T*A*x)[0, 0]` of symbolic size reaches us as a double Sum, for SymPy writes it out.  Sums run over all
entries of a dimension, from 0; indices are removed one after the other by `sympy_indexed.summed`.

>>> sorted(c.__name__ for c in READERS)
['ArrayElement', 'Indexed', 'KroneckerDelta', 'MatrixElement', 'Product', 'Sum']
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import Any

import sympy
from sympy.matrices.expressions import matexpr
from sympy.tensor.array.expressions.array_expressions import ArrayElement

from symgrad.errors import ParseError, ShapeError, SymgradError
from symgrad.notation import sympy_indexed as indexed
from symgrad.notation.declare import Declaration
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
from symgrad.notation.sympy_symbols import checked_name, size_of, size_tree
from symgrad.notation.sympy_tensors import contraction
from symgrad.notation.tree import Call, Tree
from symgrad.tensor.dims import Size, letters_of


def _matrix_element(part: Any, context: Context, reading: Reading) -> Reader:
    parent, *indices = part.args
    if isinstance(indices[0], sympy.Tuple):  # of an ArrayElement
        (indices,) = indices
    (tree,) = yield from trees_of([parent])
    return _at_indices(tree, indices, extent(parent), part, context, reading)


def _indexed(part: Any, context: Context, reading: Reading) -> Reader:
    """a[i], X[i, j] of an IndexedBase; without a shape it has the sizes that its indices run over."""
    base, *indices = part.args
    if len(indices) > 2:
        raise ParseError(f"an array of {len(indices)} axes is no input of the language: {short(part)}", hint="matrices")
    shape = base.shape
    sizes = [size_of(s) for s in shape] if shape is not None else [context.sizes.get(i) for i in indices]
    if None in sizes:
        hint = f"IndexedBase('{base.name}', shape=(...))"
        raise ParseError(f"nothing says how many entries {base.name} has: {short(part)}", hint=hint)
    rows, columns = (*sizes, 1)[:2]
    tree = reading.declared(base, Declaration(checked_name(base.name), rows, columns))
    if shape is None:
        reading.count_from(base, {context.starts[i] for i in indices}, part)
        context = Context(context.sizes, context.variables)
    return _at_indices(tree, indices, sizes, part, context, reading)
    yield


def _at_indices(
    tree: Tree, indices: Sequence[Any], sizes: Sequence[Any], part: Any, context: Context, reading: Reading
) -> Entries:
    """The entries of an array at indices that are summed over, or are whole numbers."""
    labels: list[Any] = []
    for axis, (index, size) in enumerate(zip(indices, sizes, strict=True)):
        if size != 1 and index in context.sizes:
            if context.starts.get(index, 0):
                raise ParseError(f"the sum over {index} starts at 1, but {short(part)} counts from 0")
            _require_range(part, index, context.sizes[index], size)
            labels.append(index)
        elif index.is_Integer:
            tree = _picked(tree, int(index), size, axis, part, reading)
        elif index not in context.sizes:
            raise ParseError(f"the index {index} of {short(part)} is neither a whole number nor summed over its range")
    if len(labels) == 2 and labels[0] == labels[1]:
        return Entries(Call("diagonal", (tree,)), (labels[0],))
    only_columns = len(labels) == len(indices) - 1 == 1 and sizes[1] != 1 and labels[0] == indices[1]
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
    place = reading.size(sympy.Integer(index + 1))
    return Call("rows" if axis == 0 else "columns", (tree, place, place))


def _kronecker_delta(part: Any, context: Context, reading: Reading) -> Reader:
    i, j = part.args[:2]
    if context.starts.get(i) != context.starts.get(j):
        raise ParseError(f"the sums over {i} and {j} start at different numbers: {short(part)}")
    if i == j or i not in context.sizes or context.sizes[i] != context.sizes.get(j):
        raise ParseError(f"{short(part)} is not an identity matrix inside a sum over both indices")
    return Entries(Call("eye", (size_tree(context.sizes[i]),)), (i, j))
    yield


def _sum(part: Any, context: Context, reading: Reading) -> Reader:
    """In words of matrices where there are such, else in index notation."""
    try:
        return (yield from _summed(part, context, reading))
    except ParseError:
        if part.free_symbols & {*context.sizes, *context.variables} or not _is_wide(part):
            raise
    return (yield from contraction(part, reading))


def _is_wide(part: Any) -> bool:
    """Whether a sum of products goes over more indices than matrix notation may have words for."""
    return len(part.atoms(matexpr.MatrixElement, ArrayElement, sympy.Indexed)) > 2


def _summed(part: Any, context: Context, reading: Reading) -> Reader:
    body, *limits = part.args
    sizes = {i: _range_size(i, low, high, reading) for i, low, high in limits}
    starts = {**context.starts, **{i: int(low) for i, low, _ in limits}}
    inner = Context({**context.sizes, **sizes}, context.variables, starts)
    sums = []
    for term in sympy.Add.make_args(body):
        factors = yield from _factors(term, inner)
        sums.append(_sum_of_product(factors, sizes, part))
    return indexed.added(sums, context.sizes)


def _product(part: Any, context: Context, reading: Reading) -> Reader:
    raise ParseError(f"a product over an index is not in the language: {short(part)}", hint="exp(Sum(log(...)))")
    yield


def _range_size(index: Any, low: Any, high: Any, reading: Reading) -> Size:
    if low not in (0, 1):
        raise ParseError(f"the sum over {index} starts at {low}; only sums over all entries, from 0, are read")
    size = size_of(high + 1 - low)
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
    ArrayElement: _matrix_element,
    sympy.Indexed: _indexed,
    sympy.Product: _product,
    sympy.KroneckerDelta: _kronecker_delta,
    sympy.Sum: _sum,
}
