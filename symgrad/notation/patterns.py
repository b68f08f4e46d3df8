"""Constant patterns in a product, read as words: convolutions, reversals, triangles.

A `Shift` joins three labels, two of which carry operands: the third carries a convolution of them, full or
valid, one operand turned round where the pattern is used backwards.  Two shifts under the same matrices make a
convolution in two dimensions.  A `Triangle` over the labels of the result cuts out tril or triu of the rest.
What fits none of these has no word: `NoMatrixForm`.

>>> from symgrad.notation.lift import lift
>>> from symgrad.notation.text import text
>>> from symgrad.operations.convolution import full_shift
>>> from symgrad.tensor.build import einsum
>>> from symgrad.tensor.dims import letter
>>> from symgrad.tensor.nodes import Input
>>> x, h = (Input.make(name, (letter(size),)) for name, size in (("x", "n"), ("h", "k")))
>>> text(lift(einsum([(full_shift(*x.shape, *h.shape), "oik"), (x, "i"), (h, "k")], "o")))
'conv(x, h)'
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from itertools import permutations
from typing import TYPE_CHECKING

from symgrad.notation.network import Item, NoMatrixForm
from symgrad.notation.tree import Tree
from symgrad.notation.words import Term, call, is_call, matrix, vector
from symgrad.tensor.dims import plus
from symgrad.tensor.nodes import Coefficient, Delta, Node, Ones, Shift, Triangle
from symgrad.tensor.numbers import exact

if TYPE_CHECKING:
    from symgrad.notation.lift import Lifter

Labels = tuple[Hashable, ...]
Factors = list[tuple[Node, Labels]]
Pattern = tuple[Shift, Labels]


@dataclass(slots=True)
class Rest:
    """What is left of a product once its patterns are words: other factors, items, scalars and a number."""

    factors: Factors
    items: list[Item]
    scalars: list[tuple[Tree, Coefficient]]
    coefficient: Coefficient


def has_patterns(factors: Factors) -> bool:
    """Whether a product holds a shift or a triangle."""
    kinds = [type(n) for n, _ in factors]
    return Shift in kinds or Triangle in kinds


def without_patterns(lifter: Lifter, factors: Factors, out: Labels) -> Rest:
    """The product with every pattern and its operands read as one item.  Raises NoMatrixForm."""
    rest = Rest(list(factors), [], [], 1)
    for triangle in [f for f in factors if isinstance(f[0], Triangle)]:
        _cut_out(lifter, rest, triangle, out)
    while any(isinstance(n, Shift) for n, _ in rest.factors):
        shifts = [(n, labels) for n, labels in rest.factors if isinstance(n, Shift)]
        groups: list[tuple[Pattern, ...]] = [*permutations(shifts, 1), *permutations(shifts, 2)]
        groups.sort(key=lambda group: _preference(group, rest.factors, out))
        if not any(_read(lifter, rest, group, out) for group in groups):
            raise NoMatrixForm
    return rest


def _read(lifter: Lifter, rest: Rest, shifts: tuple[Pattern, ...], out: Labels) -> bool:
    """Read these shifts as one convolution or reversal, if they are one."""
    kinds = {_kind(n) for n, _ in shifts}
    if len(kinds) > 1:
        return False
    kind, others = kinds.pop(), [f for f in rest.factors if f not in shifts]
    ends = [tuple(labels[role] for _, labels in shifts) for role in range(3)]
    elsewhere = {*out, *(a for item in rest.items for a in item.labels)}
    lone = not any(set(ends[0]) & set(labels) for _, labels in others) and not set(ends[0]) & elsewhere
    for result in sorted(range(3), key=lambda role: not set(ends[role]) & elsewhere):
        flip = kind == "valid" and lone and result > 0 and all(n.shape[0] == 1 for n, _ in shifts)
        operands = [role for role in range(3) if role != result and not (flip and role == 0)]
        found = _operands(others, [ends[r] for r in operands], {*elsewhere, *ends[result]})
        if found is None:
            continue
        trees = [_tree(lifter, rest, factors, ends[r], shifts) for r, factors in zip(operands, found, strict=True)]
        tree = _flip(trees[0]) if flip else _convolution(kind, result, trees, "2" if len(shifts) == 2 else "")
        used = [f for factors in found for f in factors]
        rest.factors = [f for f in others if f not in used]
        if result == 0 and lone and all(n.shape[0] == 1 for n, _ in shifts):
            rest.scalars.append((tree, 1))
        else:
            rest.items.append(Item(ends[result], vector(tree) if len(shifts) == 1 else matrix(tree)))
        return True
    return False


def _preference(group: tuple[Pattern, ...], factors: Factors, out: Labels) -> tuple[bool, int]:
    """What is inside another pattern comes later, and so does what would transpose the matrices."""
    ends = [tuple(labels[role] for _, labels in group) for role in range(3)]
    turned = sum(labels[::-1] in ends for labels in (out, *(ls for _, ls in factors))) if len(group) == 2 else 0
    return not any(set(out) & set(end) for end in ends), turned


def _kind(shift: Shift) -> str:
    """full or valid.  Raises NoMatrixForm for another pattern."""
    size, signal, filter = shift.shape
    if shift.offset == 0 and size == plus(signal, filter, -1):
        return "full"
    if shift.offset == plus(filter, -1) and plus(size, filter, -1) == signal:
        return "valid"
    raise NoMatrixForm


def _operands(factors: Factors, ends: list[Labels], forbidden: set[Hashable]) -> list[Factors] | None:
    """The factors that hang on each of the ends, unless they reach one another or something else."""
    found: list[Factors] = []
    for own in ends:
        others = forbidden.union(*(other for other in ends if other is not own))
        reached, inside = set(own), list[tuple[Node, Labels]]()
        grown = True
        while grown:
            fresh = [f for f in factors if f not in inside and reached & set(f[1])]
            inside += fresh
            reached |= {a for _, labels in fresh for a in labels}
            grown = bool(fresh)
        if reached & others or len(set(own)) < len(own):
            return None
        found.append(inside)
    return found


def _tree(lifter: Lifter, rest: Rest, factors: Factors, ends: Labels, shifts: tuple[Pattern, ...]) -> Tree:
    """An operand; its number and scalars go to the product around it."""
    sizes = {a: s for n, labels in shifts for a, s in zip(labels, n.shape, strict=True)}
    carried = {a for _, labels in factors for a in labels}
    spread: Factors = [(Ones.make(sizes[a]), (a,)) for a in ends if a not in carried]
    term = lifter.product([*factors, *spread], ends, 1)
    rest.coefficient = exact(rest.coefficient * term.coefficient)
    rest.scalars += term.scalars
    return Term(1, (), term.word or term.spread).tree()


def _convolution(kind: str, result: int, trees: list[Tree], dimension: str) -> Tree:
    """The convolution with the end `result` (output, signal, filter) free; operands in the order of the ends."""
    full, valid = f"conv{dimension}", f"conv{dimension}valid"
    a, b = trees
    if result == 0:
        return call(full if kind == "full" else valid, a, b)
    if kind == "full":
        return call(valid, a, _flip(b))
    return call(full, a, _flip(b)) if result == 1 else _flip(call(valid, b, _flip(a)))


def _flip(tree: Tree) -> Tree:
    return tree.args[0] if is_call(tree, "flip") else call("flip", tree)


# --- triangles -----------------------------------------------------------------------------------


def _cut_out(lifter: Lifter, rest: Rest, triangle: tuple[Node, Labels], out: Labels) -> None:
    """A triangle and all that stands on its two labels alone as tril or triu of that, if anything does on both."""
    a, b = triangle[1]
    upper = bool(out) and (out[0] == b or (out[-1] == a and len(out) > 1))  # read from the row end of the result
    name, ends = ("triu", (b, a)) if upper else ("tril", (a, b))
    inside = [f for f in rest.factors if f[1] and set(f[1]) <= set(ends) and not isinstance(f[0], Delta | Triangle)]
    if ends[0] == ends[1] or not set(ends) <= {a for _, labels in inside for a in labels}:
        return
    term = lifter.product(inside, ends, 1)
    word = term.word or term.spread
    assert word is not None
    rest.factors = [f for f in rest.factors if f not in inside and f is not triangle]
    rest.coefficient = exact(rest.coefficient * term.coefficient)
    rest.scalars += term.scalars
    rest.items.append(Item(ends, matrix(call(name, Term(1, (), word).tree()))))
