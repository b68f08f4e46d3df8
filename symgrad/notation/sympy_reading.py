"""How a SymPy expression is read: one reader per class, what is bound around a part, the symbols met.

A reader is a generator: it yields the sub-expressions it wants (alone, or with a context where a Lambda or
a Sum binds something), is sent what they became and returns its own `Entries`.  So the depth of an
expression is not bounded by Python's stack.  What a class means is not said here but in `sympy_matrices`,
`sympy_scalars` and `sympy_sums`.

>>> from symgrad.notation.tree import Number
>>> from fractions import Fraction
>>> def number(part, context, reading):
...     return Entries(Number(Fraction(int(part))))
...     yield
>>> Reading({sympy.Integer: number}).tree(sympy.Integer(3)).value
Fraction(3, 1)
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import sympy

from symgrad.errors import ParseError, ShapeError
from symgrad.notation import sympy_indexed as indexed
from symgrad.notation.declare import Declaration
from symgrad.notation.sympy_functions import extent
from symgrad.notation.sympy_indexed import Entries
from symgrad.notation.sympy_symbols import declaration_of, size_of, size_tree
from symgrad.notation.tree import Call, Name, Tree
from symgrad.tensor.dims import Size, letters_of

_INSTEAD = {
    "Derivative": "symgrad.derivative(expression, variable)",
    "ImaginaryUnit": "real expressions",
    "DFT": "real expressions",
    "Factorization": "a MatrixSymbol in its place, such as symgrad.symbols('L: R^{n x n} lower')",
    "MatrixSet": "a MatrixSymbol",
}


@dataclass(frozen=True, slots=True)
class Context:
    """What is bound around a part: indices of sums with their sizes, variables of a Lambda."""

    sizes: Mapping[Any, Size] = field(default_factory=dict)
    variables: Mapping[Any, Entries] = field(default_factory=dict)
    starts: Mapping[Any, int] = field(default_factory=dict)  # of the sums' indices: 0 or 1


FREE = Context()

Wanted = Any  # an expression, to be read in the same context, or (expression, context)
Reader = Generator[Wanted, Entries, Entries]
Readers = dict[type, Callable[[Any, "Context", "Reading"], Reader]]


class Reading:
    """One expression being read: what was read already, and the symbols met."""

    def __init__(self, readers: Readers) -> None:
        self.readers = readers
        self.memo: dict[Any, Entries] = {}
        self.found: dict[str, tuple[Any, Declaration]] = {}
        self.letters: set[str] = set()
        self.first: dict[Any, int] = {}  # the number of the first entry of an IndexedBase without a shape

    def tree(self, expression: Any) -> Tree:
        stack: list[tuple[Any, Context, Reader]] = [(expression, FREE, self.reader(expression, FREE))]
        value: Entries | None = None
        while stack:
            part, context, reader = stack[-1]
            try:
                wanted = reader.send(value)  # type: ignore[arg-type]
            except StopIteration as stop:
                value = stop.value
                stack.pop()
                if context is FREE:
                    self.memo[part] = stop.value
                continue
            child, inner = wanted if isinstance(wanted, tuple) else (wanted, context)
            value = self.memo.get(child) if inner is FREE else None
            if value is None:
                stack.append((child, inner, self.reader(child, inner)))
        assert value is not None
        return value.tree

    def reader(self, part: Any, context: Context) -> Reader:
        for family in type(part).__mro__:
            found = self.readers.get(family)
            if found is not None:
                return found(part, context, self)
        message = f"SymPy's {type(part).__name__} is not in the language"
        hint = next((_INSTEAD[c.__name__] for c in type(part).__mro__ if c.__name__ in _INSTEAD), None)
        raise ParseError(f"{message}: {short(part)}", hint=hint)

    def name(self, symbol: Any) -> Tree:
        """The symbol as a name, its declaration noted."""
        return self.declared(symbol, declaration_of(symbol))

    def declared(self, symbol: Any, declaration: Declaration) -> Tree:
        """What is declared so, as a name.  Raises ParseError where another symbol has it."""
        other = self.found.setdefault(declaration.name, (symbol, declaration))
        if other[1] != declaration:
            given = f"'{other[1].text()}' and '{declaration.text()}'"
            message = f"two different symbols are called {declaration.name}: {given}"
            raise ParseError(message, hint="another name for one of them")
        return Name(declaration.name)

    def count_from(self, base: Any, starts: set[int], part: Any) -> None:
        """Note where the entries of a base begin.  Raises ParseError where that is not one number."""
        if len(starts | {self.first.get(base, start) for start in starts}) != 1:
            raise ParseError(f"{base.name} is summed from 0 and from 1: {short(part)}", hint="one of the two")
        self.first[base] = starts.pop()

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


def short(part: Any, limit: int = 60) -> str:
    """The part as text, cut to a readable length."""
    try:
        text = str(part)
    except RecursionError:
        return "an expression too deep to print"
    return text if len(text) <= limit else text[: limit - 3] + "..."


def is_array(part: Any) -> bool:
    """Whether a SymPy object is a matrix that is not 1 x 1."""
    return getattr(part, "is_Matrix", False) and extent(part) != (1, 1)


def number_wanted(part: Any, *arguments: Any) -> None:
    """Refuse what SymPy would let pass: exp(A), A + 1, ... of whole matrices."""
    for argument in arguments:
        if is_array(argument):
            name, (rows, columns) = type(part).__name__, argument.shape
            message = f"{name} of the {rows} x {columns} matrix {short(argument)} is not meant entry by entry in SymPy"
            raise ShapeError(message, hint=f"X.applyfunc({name}), or symgrad's own functions")


def whole(entries: Entries, part: Any) -> Tree:
    """The tree of entries that have no free index.  Raises ParseError."""
    if entries.labels:
        raise ParseError(f"an index of a sum stands inside a matrix: {short(part)}", hint="a product of entries")
    return entries.tree


def trees_of(parts: Iterable[Any]) -> Generator[Wanted, Entries, list[Tree]]:
    """The trees of several parts, none with a free index."""
    found = []
    for part in parts:
        found.append(whole((yield part), part))
    return found


def entries_of(parts: Iterable[Any]) -> Generator[Wanted, Entries, list[Entries]]:
    """The entries of several parts."""
    found = []
    for part in parts:
        found.append((yield part))
    return found


def chain(op: str, trees: list[Tree]) -> Tree:
    """The trees joined by one operation, from the left."""
    result = trees[0]
    for tree in trees[1:]:
        result = Call(op, (result, tree))
    return result


def matrix_product(part: Any) -> Reader:
    """A MatMul: its scalars in front, then its matrices in order."""
    scalars = [a for a in part.args if not getattr(a, "is_Matrix", False)]
    matrices = [a for a in part.args if getattr(a, "is_Matrix", False)]
    trees = yield from trees_of([*([sympy.Mul(*scalars)] if scalars else []), *matrices])
    if scalars:
        return Entries(indexed.scaled(trees[0], chain("multiply", trees[1:])))
    return Entries(chain("multiply", trees))
