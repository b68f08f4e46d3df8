"""SymPy's array expressions, and sums that matrix notation has no words for: read as index notation.

`ArrayContraction(ArrayTensorProduct(A, x), (1, 2))` and a `Sum` in which three matrices meet at one index are written
`[i]: sum_{j: n} A[i, j]*x[j]` and read by `entries`.  So the result may have any number of axes; what stands in it has
at most two.  Axes of one entry are left out, as everywhere.

>>> sorted(c.__name__ for c in READERS)[:3]
['ArrayAdd', 'ArrayContraction', 'ArrayDiagonal']
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sympy
from sympy.matrices.expressions import matexpr
from sympy.tensor.array.expressions import array_expressions as arrays

from symgrad.errors import LimitError, ParseError, ShapeError
from symgrad.notation.declare import Declaration
from symgrad.notation.entries import parse_entries
from symgrad.notation.sympy_functions import Applied
from symgrad.notation.sympy_indexed import Entries
from symgrad.notation.sympy_reading import Context, Reader, Readers, Reading, Wanted, short
from symgrad.notation.sympy_scalars import FUNCTIONS
from symgrad.notation.sympy_symbols import checked_name, size_of
from symgrad.notation.text import ATOM, binding, text
from symgrad.notation.tree import Tree
from symgrad.operations.catalogue import record
from symgrad.operations.record import Elementwise
from symgrad.tensor.dims import Size, letters_of

DEPTH = 40  # arrays, sums and functions inside one another

Text = Generator[Wanted, Entries, str]
Letters = tuple[str | None, ...]  # of the axes of an array; None for an axis of one entry
Meaning = Mapping[Any, str | None]  # what a SymPy symbol stands for: an index letter, or the text of an entry


@dataclass
class _Writer:
    """One expression on its way into index notation: `letters` are fresh, `sizes` what they run over."""

    reading: Reading
    depth: int = 0
    count: int = 0
    sizes: dict[str, Size] = field(default_factory=dict)

    def fresh(self, size: Size) -> str | None:
        """A new index letter, none for a single entry."""
        if size == 1:
            return None
        self.count += 1
        letter = f"i{self.count}"
        self.sizes[letter] = size
        self.reading.letters.update(letters_of([size]))
        return letter

    def bound(self, letters: Sequence[str | None]) -> str:
        """`sum_{i1: n, i2: m} `"""
        said = [f"{a}: {self.sizes[a]}" for a in letters if a is not None]
        return f"sum_{{{', '.join(said)}}} " if said else ""

    # --- arrays

    def array(self, part: Any, at: Letters) -> Text:
        """The entry of an array at index letters."""
        self.depth += 1
        if self.depth > DEPTH:
            raise LimitError(f"arrays nested more than {DEPTH} deep", hint="names for the inner parts")
        family = next((f for f in type(part).__mro__ if f in _ARRAYS), None)
        written = yield from (_ARRAYS[family](self, part, at) if family else self.leaf(part, at))
        self.depth -= 1
        return written

    def leaf(self, part: Any, at: Letters) -> Text:
        if len(at) > 2:
            raise ParseError(f"an array of {len(at)} axes is no input of the language: {short(part)}", hint="matrices")
        tree = (yield part).tree
        return _at(tree, [a for a in at if a is not None])

    def product(self, part: Any, at: Letters) -> Text:
        written, start = [], 0
        for factor in part.args:
            rank = len(_shape(factor))
            if rank:
                written.append((yield from self.array(factor, at[start : start + rank])))
            else:
                written.append((yield from self.scalar(factor, {})))
            start += rank
        return "*".join(written)

    def contraction(self, part: Any, at: Letters) -> Text:
        shape, free = _shape(part.expr), list(at)
        groups = {axis: group for group in part.contraction_indices for axis in group}
        letters = {group: self.fresh(size_of(shape[group[0]])) for group in groups.values()}
        inner = tuple(letters[groups[a]] if a in groups else free.pop(0) for a in range(len(shape)))
        return f"({self.bound(list(letters.values()))}{(yield from self.array(part.expr, inner))})"

    def diagonal(self, part: Any, at: Letters) -> Text:
        """The axes that are equated come last."""
        shape = _shape(part.expr)
        groups = {axis: number for number, group in enumerate(part.diagonal_indices) for axis in group}
        rest = [a for a in range(len(shape)) if a not in groups]
        place = {axis: at[i] for i, axis in enumerate(rest)}
        inner = tuple(place[a] if a in place else at[len(rest) + groups[a]] for a in range(len(shape)))
        return (yield from self.array(part.expr, inner))

    def permuted(self, part: Any, at: Letters) -> Text:
        places = part.permutation.array_form
        inner: list[str | None] = [None] * len(places)
        for axis, letter in zip(places, at, strict=True):
            inner[axis] = letter
        return (yield from self.array(part.expr, tuple(inner)))

    def total(self, part: Any, at: Letters) -> Text:
        written = []
        for term in part.args:
            written.append((yield from self.array(term, at)))
        return f"({' + '.join(written)})"

    def function(self, part: Any, at: Letters) -> Text:
        entry = yield from self.array(part.expr, at)
        (variable,) = part.function.variables
        return (yield from self.scalar(part.function.expr, {variable: entry}))

    def filled(self, part: Any, at: Letters) -> Text:
        return "0" if isinstance(part, arrays.ZeroArray) else "1"
        yield

    def refused(self, part: Any, at: Letters) -> Text:
        raise ParseError(f"SymPy's {type(part).__name__} is not in the language: {short(part)}", hint="vec(X)")
        yield

    # --- entries

    def scalar(self, part: Any, meaning: Meaning) -> Text:
        """A scalar expression of entries."""
        self.depth += 1
        if self.depth > DEPTH:
            raise LimitError(f"entries nested more than {DEPTH} deep", hint="names for the inner parts")
        family = next((f for f in type(part).__mro__ if f in _SCALARS), None)
        written = yield from (_SCALARS[family](self, part, meaning) if family else self.whole(part, meaning))
        self.depth -= 1
        return written

    def whole(self, part: Any, meaning: Meaning) -> Text:
        """What holds no index is read as it always is."""
        if part.free_symbols & meaning.keys():
            raise ParseError(f"SymPy's {type(part).__name__} of entries is not in the language: {short(part)}")
        tree = (yield part).tree
        return f"({text(tree)})"

    def symbol(self, part: Any, meaning: Meaning) -> Text:
        if part not in meaning:
            return text((yield part).tree)
        found = meaning[part]
        if found is None or found in self.sizes:
            raise ParseError(f"the index {part} of a sum stands as a number", hint="only X[i, j] may hold an index")
        return found

    def joined(self, part: Any, meaning: Meaning) -> Text:
        written = []
        for a in part.args:
            written.append((yield from self.scalar(a, meaning)))
        return f"({(' + ' if isinstance(part, sympy.Add) else '*').join(written)})"

    def power(self, part: Any, meaning: Meaning) -> Text:
        base, exponent = (yield from self.scalar(part.base, meaning)), (yield from self.scalar(part.exp, meaning))
        return f"(({base})^({exponent}))"

    def sum(self, part: Any, meaning: Meaning) -> Text:
        inner, letters = dict(meaning), []
        for index, low, high in part.limits:
            if low != 0:
                raise ParseError(f"the sum over {index} starts at {low}; only sums over all entries, from 0, are read")
            letters.append(self.fresh(size_of(high + 1)))
            inner[index] = letters[-1]
        return f"({self.bound(letters)}{(yield from self.scalar(part.function, inner))})"

    def element(self, part: Any, meaning: Meaning) -> Text:
        """X[i, j]"""
        at = []
        indices = part.args[1] if isinstance(part.args[1], sympy.Tuple) else part.args[1:]
        for index, size in zip(indices, _shape(part.args[0]), strict=True):
            if size != 1 and index not in meaning:
                raise ParseError(f"the index {index} of {short(part)} is not summed over its range")
            at.append(meaning[index] if size != 1 else None)
            if size != 1 and at[-1] is not None and self.sizes[at[-1]] != size_of(size):
                raise ShapeError(f"the index {index} of {short(part)} does not run over {size} values")
        return (yield from self.array(part.args[0], tuple(at)))

    def indexed(self, part: Any, meaning: Meaning) -> Text:
        """a[i] of an IndexedBase whose indices are all summed over."""
        base, *indices = part.args
        at = [meaning.get(i) for i in indices]
        if len(at) > 2 or None in at:
            raise ParseError(f"{short(part)} has an index that is not summed over, or more than two")
        rows, columns = (*(self.sizes[a] for a in at if a is not None), 1)[:2]
        return _at(self.reading.declared(base, Declaration(checked_name(base.name), rows, columns)), at)  # type: ignore[arg-type]
        yield

    def delta(self, part: Any, meaning: Meaning) -> Text:
        i, j = part.args[:2]
        if meaning.get(i) not in self.sizes or meaning.get(j) not in self.sizes:
            raise ParseError(f"{short(part)} is no identity matrix inside a sum over both indices")
        return f"delta[{meaning[i]}, {meaning[j]}]"
        yield

    def applied(self, part: Any, meaning: Meaning) -> Text:
        name = FUNCTIONS.get(type(part)) or (part.operation.name if isinstance(part, Applied) else None)
        entry = record(name) if name else None
        if not isinstance(entry, Elementwise) or entry.notation.fixity != "call":
            return (yield from self.whole(part, meaning))
        written = []
        for a in part.args:
            written.append((yield from self.scalar(a, meaning)))
        return f"{entry.name}({', '.join(written)})"


def _at(tree: Tree, letters: Sequence[str]) -> str:
    written = text(tree) if binding(tree) >= ATOM else f"({text(tree)})"
    return f"{written}[{', '.join(letters)}]" if letters else written


def _shape(part: Any) -> tuple[Any, ...]:
    shape = getattr(part, "shape", ())
    return tuple(shape) if shape is not None else ()


_ARRAYS: dict[type, Any] = {
    arrays.ArrayTensorProduct: _Writer.product,
    arrays.ArrayContraction: _Writer.contraction,
    arrays.ArrayDiagonal: _Writer.diagonal,
    arrays.PermuteDims: _Writer.permuted,
    arrays.ArrayAdd: _Writer.total,
    arrays.ArrayElementwiseApplyFunc: _Writer.function,
    arrays.ZeroArray: _Writer.filled,
    arrays.OneArray: _Writer.filled,
    arrays.Reshape: _Writer.refused,
}
_SCALARS: dict[type, Any] = {
    sympy.Symbol: _Writer.symbol,
    sympy.Add: _Writer.joined,
    sympy.Mul: _Writer.joined,
    sympy.Pow: _Writer.power,
    sympy.Sum: _Writer.sum,
    matexpr.MatrixElement: _Writer.element,
    arrays.ArrayElement: _Writer.element,
    sympy.Indexed: _Writer.indexed,
    sympy.KroneckerDelta: _Writer.delta,
    sympy.Function: _Writer.applied,
    Applied: _Writer.applied,
}


# --- readers -------------------------------------------------------------------------------------


def _array(part: Any, context: Context, reading: Reading) -> Reader:
    """An array expression as index notation."""
    writer = _Writer(reading)
    letters = tuple(writer.fresh(size_of(size)) for size in _shape(part))
    written = yield from writer.array(part, letters)
    header = ", ".join(f"{a}: {writer.sizes[a]}" for a in letters if a is not None)
    return Entries(parse_entries(f"[{header}]: {written}"))


def contraction(part: Any, reading: Reading) -> Reader:
    """A Sum as index notation."""
    written = yield from _Writer(reading).scalar(part, {})
    return Entries(parse_entries(f"[]: {written}"))


def _array_symbol(part: Any, context: Context, reading: Reading) -> Reader:
    shape = _shape(part)
    if len(shape) > 2:
        raise ParseError(f"an array of {len(shape)} axes is no input of the language: {short(part)}", hint="matrices")
    rows, columns = (*map(size_of, shape), 1)[:2]
    return Entries(reading.declared(part, Declaration(checked_name(str(part.name)), rows, columns)))
    yield


def _explicit(part: Any, context: Context, reading: Reading) -> Reader:
    """An array whose entries are written out."""
    if part.rank() not in (1, 2):
        raise ParseError(f"an array of {part.rank()} axes that is written out", hint="matrices")
    lines = part.tolist() if part.rank() == 2 else [[entry] for entry in part.tolist()]
    return (yield sympy.ImmutableDenseMatrix(lines))


READERS: Readers = {
    **dict.fromkeys(_ARRAYS, _array),
    arrays.ArraySymbol: _array_symbol,
    sympy.ImmutableDenseNDimArray: _explicit,
    sympy.ImmutableSparseNDimArray: _explicit,
}
