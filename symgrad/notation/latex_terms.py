r"""Sums and products of what was read, and the constants whose size is left to the reader of a formula.

`I` and `\mathbf{1}` without an index take their size from what stands next to them: I x is x, A + s I is
A + s*A^0, \mathbf{1}' x sums x, and \mathbf{1} - p is 1 - p.  Where nothing says the size, that is an error.

>>> from symgrad.notation.text import text
>>> from symgrad.notation.tree import Name
>>> ones, A = Call("ones", ()), Name("A")
>>> text(product_of([Call("transpose", (ones,)), A, Name("x")], {}))
'colsum(A*x)'
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from functools import reduce
from typing import NamedTuple

from symgrad.errors import ParseError, Span
from symgrad.notation.grammar import PRECEDENCE
from symgrad.notation.latex_names import kind_of
from symgrad.notation.tokens import COMPARE
from symgrad.notation.tree import Call, Number, Tree, postorder

Kinds = Mapping[str, str]

_ONES_LIMIT = 20  # of a product, whose sizes are looked for
_CARRIERS = ("multiply", "negate", "divide")  # what a constant without a size may stand in, within a summand


class Summand(NamedTuple):
    """A term with the sign before it (`add`, `subtract` or none) and its place."""

    sign: str | None
    tree: Tree
    mark: Span


def is_comparison(tree: Tree) -> bool:
    """Whether a tree is a comparison, entry by entry."""
    return isinstance(tree, Call) and PRECEDENCE.get(tree.op) == COMPARE


def _is_sizeless(tree: Tree, op: str) -> bool:
    return isinstance(tree, Call) and tree.op == op and not tree.args


# --- products -------------------------------------------------------------------------------------


def product_of(factors: list[Tree], kinds: Kinds) -> Tree:
    """The product, from left to right."""
    if len(factors) > 1 and any(_has_sizeless(f) for f in factors):
        factors = _without_ones(_without_identity(factors, kinds), kinds)
    return reduce(_times, factors)


def _times(left: Tree, right: Tree) -> Tree:
    span = (left.span[0], right.span[1]) if left.span and right.span else None
    mark = (left.span[1], right.span[0]) if left.span and right.span else None
    return Call("multiply", (left, right), span, mark)


def _has_sizeless(factor: Tree) -> bool:
    if isinstance(factor, Call) and factor.op == "transpose":
        factor = factor.args[0]
    return _is_sizeless(factor, "eye") or _is_sizeless(factor, "ones")


def _without_identity(factors: list[Tree], kinds: Kinds) -> list[Tree]:
    """The factors without I, where another is an array."""
    others = [f for f in factors if not _is_sizeless(f, "eye")]
    return others if any(not _has_sizeless(f) and kind_of(f, kinds) != "scalar" for f in others) else factors


def _without_ones(factors: list[Tree], kinds: Kinds) -> list[Tree]:
    """A 1 as the sum over rows of what stands before it, 1' A as that over columns of what follows."""
    if sum(map(_has_sizeless, factors)) > _ONES_LIMIT:
        return factors
    found: list[Tree] = []
    for factor in factors:
        before = _with_column_sums(found, kinds) if _is_sizeless(factor, "ones") else []
        if before and kind_of(reduce(_times, before), kinds) in ("row", "matrix"):
            found = [Call("rowsum", (reduce(_times, before),), factor.span, factor.span)]
        else:
            found.append(factor)
    return _with_column_sums(found, kinds)


def _with_column_sums(factors: list[Tree], kinds: Kinds) -> list[Tree]:
    for at in range(len(factors) - 1, -1, -1):
        factor, after = factors[at], factors[at + 1 :]
        turned = isinstance(factor, Call) and factor.op == "transpose" and _is_sizeless(factor.args[0], "ones")
        if turned and after and kind_of(reduce(_times, after), kinds) in ("column", "matrix"):
            factors = [*factors[:at], Call("colsum", (reduce(_times, after),), factor.span, factor.span)]
    return factors


# --- sums -----------------------------------------------------------------------------------------


def sum_of(summands: list[Summand], kinds: Kinds) -> Tree:
    """The sum, from left to right; I and 1 take their size from the other terms."""
    if len(summands) > 1:
        summands = _with_sizes(summands, kinds)
    first, *rest = summands
    total = first.tree
    if first.sign == "subtract":
        span = (first.mark[0], total.span[1]) if total.span else None
        total = Call("negate", (total,), span, first.mark)
    for sign, tree, mark in rest:
        span = (total.span[0], tree.span[1]) if total.span and tree.span else None
        total = Call(str(sign), (total, tree), span, mark)
    return total


def _with_sizes(summands: list[Summand], kinds: Kinds) -> list[Summand]:
    needs = [_sizeless_inside(s.tree) for s in summands]
    if not any(needs):
        return summands
    plain = [s.tree for s, need in zip(summands, needs, strict=True) if not need and not isinstance(s.tree, Number)]
    square = next((t for t in plain if kind_of(t, kinds) == "matrix"), None)
    table: dict[str, Tree] = {"ones": Number(Fraction(1))} if plain else {}
    if square is not None:
        table["eye"] = Call("power", (square, Number(Fraction(0))))
    return [
        s._replace(tree=_replaced(_with_outer_ones(s.tree, square, kinds), table)) if need else s
        for s, need in zip(summands, needs, strict=True)
    ]


def _with_outer_ones(tree: Tree, like: Tree | None, kinds: Kinds) -> Tree:
    r"""The term with the 1 of `\mathbf{1} b'` and `a \mathbf{1}'` as long as the rows and columns of `like`."""
    if like is None or not isinstance(tree, Call) or tree.op not in _CARRIERS or not _sizeless_inside(tree):
        return tree
    if tree.op != "multiply":
        return replace(tree, args=(_with_outer_ones(tree.args[0], like, kinds), *tree.args[1:]))
    factors = _factors(tree)
    for at, factor in enumerate(factors):
        turned = isinstance(factor, Call) and factor.op == "transpose"
        beside = factors[:at] if turned else factors[at + 1 :]
        wanted, along = ("column", "colsum") if turned else ("row", "rowsum")
        if _has_sizeless(factor) and beside and kind_of(reduce(_times, beside), kinds) == wanted:
            factors[at] = Call("hadamard_power", (Call(along, (like,)), Number(Fraction(0))), factor.span, factor.span)
    return reduce(_times, factors)


def _factors(tree: Tree) -> list[Tree]:
    """The factors of a product, from left to right."""
    found: list[Tree] = []
    stack = [tree]
    while stack:
        part = stack.pop()
        if isinstance(part, Call) and part.op == "multiply":
            stack.extend(part.args[::-1])
        else:
            found.append(part)
    return found


def _sizeless_inside(tree: Tree) -> bool:
    """Whether I or 1 without a size is a factor of a term."""
    stack = [tree]
    while stack:
        part = stack.pop()
        if _has_sizeless(part):
            return True
        if isinstance(part, Call) and part.op in _CARRIERS:
            stack.extend(part.args)
    return False


def _replaced(tree: Tree, table: Mapping[str, Tree]) -> Tree:
    """The term with I and 1 replaced where they are factors."""
    done: dict[int, Tree] = {}
    stack = [(tree, False)]
    while stack:
        part, ready = stack.pop()
        if isinstance(part, Call) and not part.args and part.op in table:
            done[id(part)] = table[part.op]
        elif not isinstance(part, Call) or part.op not in _CARRIERS:
            done[id(part)] = part
        elif ready:
            done[id(part)] = Call(part.op, tuple(done[id(a)] for a in part.args), part.span, part.mark)
        else:
            stack.append((part, True))
            stack.extend((a, False) for a in part.args)
    return done[id(tree)]


def check_sizes(tree: Tree, text: str) -> None:
    """Raise ParseError where a constant is left without a size."""
    for part in postorder(tree):
        if _is_sizeless(part, "eye"):
            raise ParseError("the size of I is not said here", text=text, span=part.span, hint="I_n")
        if _is_sizeless(part, "ones"):
            message = r"the size of \mathbf{1} is not said here"
            raise ParseError(message, text=text, span=part.span, hint=r"\mathbf{1}_n")
