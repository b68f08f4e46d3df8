r"""Sums over indices -> matrix notation: \sum_{i,j} x_i A_{ij} y_j is x'*(A*y).

While a sum is read, an entry is `Call(ENTRY, (array, indices...))`.  A product is kept as factors with
their indices; an index is summed where at most two factors carry it.  Functions act entry by entry on
factors with the same indices.  Everything else is refused: an entry is a number, and `w^\top x_i` is none.

>>> from symgrad.notation.text import text
>>> a, x = (Call(ENTRY, (Name(n), Name("i"))) for n in "ax")
>>> text(contracted(Call("multiply", (a, x)), ("i",), {}, "", (0, 0)))
"a'*x"
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce

from symgrad.errors import ParseError, Span
from symgrad.notation.grammar import PRECEDENCE
from symgrad.notation.latex_names import kind_of
from symgrad.notation.tokens import COMPARE
from symgrad.notation.tree import Call, Name, Number, Tree, names, postorder
from symgrad.operations.catalogue import find
from symgrad.operations.record import Elementwise

ENTRY = "entry"  # of an array, at indices; in trees that are being read only

Factor = tuple[Tree, tuple[str, ...]]  # an array, and the indices at which its entry is taken

_PRODUCTS = ("multiply", "hadamard")
_ENTRYWISE = {"divide": "hadamard_divide", "hadamard_divide": "hadamard_divide", "power": "hadamard_power",
              "hadamard_power": "hadamard_power", "add": "add", "subtract": "subtract", "negate": "negate"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Product:
    """A number that depends on indices, as a product of entries and of numbers without an index."""

    factors: tuple[Factor, ...]

    @property
    def indices(self) -> set[str]:
        return {i for _, inner in self.factors for i in inner}

    @property
    def free(self) -> Tree:
        """The tree of a product of one factor without indices."""
        return self.factors[0][0]


def contracted(body: Tree, indices: tuple[str, ...], kinds: Mapping[str, str], text: str, span: Span) -> Tree:
    """The sum of `body` over indices; an entry where others are left.  Raises ParseError."""
    reader = _Sum(kinds, text, span)
    product = reader.product(body)
    missing = [i for i in indices if i not in product.indices]
    if missing:
        hint = f"x_{missing[0]}, or a factor n instead of the sum"
        raise reader.refused(f"nothing under this sum carries the index {missing[0]}", hint)
    factors = _totals(list(product.factors), indices)
    for index in (i for i in indices if any(i in inner for _, inner in factors)):
        factors = reader.summed(factors, index)
    tree, left = reader.single(tuple(factors))
    return Call(ENTRY, (tree, *map(Name, left)), span, span) if left else tree


class _Sum:
    def __init__(self, kinds: Mapping[str, str], text: str, span: Span) -> None:
        self.kinds, self.text, self.span = kinds, text, span

    def refused(self, message: str, hint: str | None = None, span: Span | None = None) -> ParseError:
        return ParseError(message, text=self.text, span=span or self.span, hint=hint)

    # --- what is summed

    def product(self, body: Tree) -> Product:
        stack: list[Product] = []
        for part in postorder(body):
            if not isinstance(part, Call):
                stack.append(Product(((part, ()),)))
                continue
            args = stack[len(stack) - len(part.args) :]
            del stack[len(stack) - len(part.args) :]
            stack.append(self.applied(part, args))
        return stack[-1]

    def applied(self, part: Call, args: list[Product]) -> Product:
        if part.op == ENTRY:
            return Product(((part.args[0], tuple(a.name for a in part.args[1:] if isinstance(a, Name))),))
        if not any(a.indices for a in args):
            return Product(((part, ()),))
        self.check_scalars(part, args)
        if part.op in _PRODUCTS:
            return Product(args[0].factors + args[1].factors)
        if part.op in ("divide", "hadamard_divide") and not args[1].indices:
            return Product((*args[0].factors, (Call("divide", (Number(Fraction(1)), args[1].free)), ())))
        return self.entrywise(part, args)

    def check_scalars(self, part: Call, args: list[Product]) -> None:
        """What carries no index must be a number, or the entries would silently become something else."""
        for arg in args:
            for tree, indices in arg.factors:
                if not indices and self.is_array(tree):
                    message = "under a sum every factor is an entry or a number; this is an array"
                    raise self.refused(message, r"matrix notation: \lVert X w - y \rVert^2", tree.span or part.span)

    def is_array(self, tree: Tree) -> bool:
        """Whether a factor is surely no number; an undeclared small letter may be one."""
        kind = kind_of(tree, self.kinds)
        return kind in ("row", "matrix") or (kind == "column" and all(n in self.kinds for n in names(tree)))

    def entrywise(self, part: Call, args: list[Product]) -> Product:
        """A function of entries with the same indices is that of the arrays, entry by entry."""
        entry = find(part.op)
        known = part.op in _ENTRYWISE or PRECEDENCE.get(part.op) == COMPARE or isinstance(entry, Elementwise)
        if not known:
            message = f"{part.op} takes arrays, and what stands under this sum are entries"
            raise self.refused(message, "matrix notation without the sum", part.mark or part.span)
        singles = [self.single(a.factors) for a in args]
        indices = next(i for _, i in singles if i)
        trees = []
        for tree, inner in singles:
            if inner and set(inner) != set(indices):
                message = f"{part.op} of entries with different indices is not read"
                raise self.refused(message, "matrix notation", part.span)
            trees.append(Call("transpose", (tree,)) if inner and inner != indices else tree)
        return Product(((Call(_ENTRYWISE.get(part.op, part.op), tuple(trees), part.span, part.mark), indices),))

    # --- summing

    def summed(self, factors: list[Factor], index: str) -> list[Factor]:
        """The factors after a sum over an index: x A, A y, A B or the sum of what alone carries it."""
        factors = _merged(factors)
        carrying = [f for f in factors if index in f[1]]
        others = [f for f in factors if index not in f[1]]
        vectors = [f for f in carrying if len(f[1]) == 1]
        matrices = [_turned(f, index) for f in carrying if len(f[1]) == 2]
        if len(matrices) > 2:
            raise self.refused(f"the index {index} stands at more than two matrices", "matrix notation")
        if not matrices:
            return [*others, (_total(vectors[0][0]), ())]
        (left, (row, _)), rest = matrices[0], matrices[1:]
        if not rest:
            column = Call("multiply", (left, vectors[0][0])) if vectors else Call("rowsum", (left,))
            return [*others, (column, (row,))]
        right, (column_index, _) = rest[0]
        if vectors:
            left = Call("multiply", (left, Call("diag", (vectors[0][0],))))
        return [*others, (Call("multiply", (left, _transpose(right))), (row, column_index))]

    def single(self, factors: tuple[Factor, ...]) -> Factor:
        """All factors as one array with its indices, nothing summed."""
        merged = _merged(list(factors))
        scalars = [t for t, i in merged if not i]
        vectors = {i[0]: t for t, i in merged if len(i) == 1}
        matrices = [(t, i) for t, i in merged if len(i) == 2]
        indices = sorted({j for _, i in merged for j in i}) if not matrices else list(matrices[0][1])
        if len(matrices) > 1 or len(indices) > 2 or not vectors.keys() <= set(indices):
            raise self.refused("too many indices are left for a matrix", "a sum over one of them")
        found: list[Tree] = []
        if matrices:
            tree = matrices[0][0]
            if indices[0] in vectors:
                tree = Call("multiply", (Call("diag", (vectors[indices[0]],)), tree))
            if indices[1] in vectors:
                tree = Call("multiply", (tree, Call("diag", (vectors[indices[1]],))))
            found = [tree]
        elif len(indices) == 2:
            found = [Call("multiply", (vectors[indices[0]], _transpose(vectors[indices[1]])))]
        elif indices:
            found = [vectors[indices[0]]]
        return reduce(lambda a, b: Call("multiply", (a, b)), [*scalars, *found]), tuple(indices)


def _merged(factors: list[Factor]) -> list[Factor]:
    """Factors with the same indices multiplied entry by entry; A_ii is an entry of the diagonal."""
    merged: dict[tuple[str, ...], Tree] = {}
    scalars: list[Factor] = []
    for tree, indices in factors:
        if len(indices) == 2 and indices[0] == indices[1]:
            tree, indices = Call("diagonal", (tree,)), indices[:1]
        elif indices[::-1] in merged and len(indices) == 2:
            tree, indices = _transpose(tree), indices[::-1]
        if not indices:
            scalars.append((tree, indices))
        elif indices in merged:
            merged[indices] = Call("hadamard", (merged[indices], tree))
        else:
            merged[indices] = tree
    return [*scalars, *((tree, indices) for indices, tree in merged.items())]


def _totals(factors: list[Factor], summed: tuple[str, ...]) -> list[Factor]:
    """A matrix both of whose indices are summed and stand nowhere else is summed at once; A_ii is its trace."""
    merged = _merged(factors)
    found: list[Factor] = []
    for tree, indices in merged:
        others = {i for other in merged if other[1] != indices for i in other[1]}
        if not indices or others & set(indices) or not set(indices) <= set(summed):
            found.append((tree, indices))
        elif len(indices) == 1 and isinstance(tree, Call) and tree.op == "diagonal":
            found.append((Call("tr", tree.args), ()))
        else:
            found.append((_total(tree) if len(indices) == 1 else Call("sum", (tree,)), ()))
    return found


def _turned(factor: Factor, index: str) -> Factor:
    """A matrix with the index last."""
    tree, (row, column) = factor
    return (tree, (row, column)) if column == index else (_transpose(tree), (column, row))


def _transpose(tree: Tree) -> Tree:
    return tree.args[0] if isinstance(tree, Call) and tree.op == "transpose" else Call("transpose", (tree,))


def _total(vector: Tree) -> Tree:
    """The sum of the entries; of a product of two vectors their inner product."""
    if isinstance(vector, Call) and vector.op == "hadamard":
        return Call("multiply", (_transpose(vector.args[0]), vector.args[1]))
    return Call("sum", (vector,))
