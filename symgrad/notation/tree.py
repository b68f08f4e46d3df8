"""The syntax tree: an expression exactly as it was written, each part with its place in the text.

Three kinds of node: `Number`, `Name` and `Call`; operators are calls of the catalogue's records
(`add`, `multiply`, `transpose`, ...), so that every pass has one case.  Nothing is simplified here,
and this module knows nothing of shapes or mathematics.  Trees may be deep: walk them with
`postorder`, never by recursion.  They are never changed (declaring them frozen would triple the time to make one).

>>> t = Call("multiply", (Call("transpose", (Name("x"),)), Name("y")))
>>> [type(p).__name__ for p in postorder(t)]
['Name', 'Call', 'Name', 'Call']
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TypeGuard, final

from symgrad.errors import Span


@final
@dataclass(slots=True, unsafe_hash=True)
class Number:
    """A literal, kept exactly (`0.5` is one half)."""

    value: Fraction
    span: Span | None = field(default=None, compare=False)

    @property
    def args(self) -> tuple[Tree, ...]:
        return ()


@final
@dataclass(slots=True, unsafe_hash=True)
class Name:
    """A variable, a dimension letter or a constant."""

    name: str
    span: Span | None = field(default=None, compare=False)

    @property
    def args(self) -> tuple[Tree, ...]:
        return ()


@dataclass(slots=True, eq=False)
class Call:
    """An operation of the catalogue, by its canonical name, applied to arguments."""

    op: str
    args: tuple[Tree, ...]
    span: Span | None = field(default=None, compare=False)
    mark: Span | None = field(default=None, compare=False)  # the operator or function name itself
    written: tuple[int, str] | None = field(default=None, compare=False, repr=False)  # kept by `text.text`


Tree = Number | Name | Call


@dataclass(frozen=True, slots=True)
class Assignment:
    """One line of a program: `name = value`; the name is None for a bare expression."""

    name: str | None
    value: Tree
    span: Span | None = field(default=None, compare=False)


def postorder(tree: Tree) -> Iterator[Tree]:
    """Every part after its arguments, left to right, without recursion."""
    stack: list[Tree | None] = [tree]
    while stack:
        part = stack.pop()
        if part is None:  # the arguments of the part below it are done
            yield stack.pop()  # type: ignore[misc]
        elif isinstance(part, Call) and part.args:
            stack += (part, None, *part.args[::-1])
        else:
            yield part


def product_factors(tree: Tree) -> list[Tree]:
    """a, b, c of a*b*c."""
    found: list[Tree] = []
    while isinstance(tree, Call) and tree.op == "multiply" and len(tree.args) == 2:
        found.append(tree.args[1])
        tree = tree.args[0]
    return [tree, *reversed(found)]


def is_transpose(tree: Tree) -> TypeGuard[Call]:
    """Whether a tree is a transpose."""
    return isinstance(tree, Call) and tree.op == "transpose"


def names(tree: Tree) -> list[str]:
    """The names that occur, in order of first occurrence."""
    return list(dict.fromkeys(p.name for p in postorder(tree) if isinstance(p, Name)))


def renamed(tree: Tree, new: Mapping[str, str]) -> Tree:
    """The same tree with other names for some of its names."""
    return _rebuilt(tree, lambda name: Name(new.get(name.name, name.name), name.span)) if new else tree


def filled(tree: Tree, parts: Mapping[str, Tree]) -> Tree:
    """The same tree with trees in the place of some of its names."""
    return _rebuilt(tree, lambda name: parts.get(name.name, name))


def _rebuilt(tree: Tree, of_name: Callable[[Name], Tree]) -> Tree:
    built: list[Tree] = []
    for part in postorder(tree):
        if isinstance(part, Name):
            built.append(of_name(part))
        elif isinstance(part, Call) and part.args:
            args = tuple(built[-len(part.args) :])
            built[-len(part.args) :] = [Call(part.op, args, part.span, part.mark)]
        else:
            built.append(part)
    return built[-1]


def placed(tree: Tree, span: Span) -> Tree:
    """The same tree; calls that have no place of their own stand at `span`."""
    built: list[Tree] = []
    for part in postorder(tree):
        count = len(part.args)
        args = tuple(built[len(built) - count :])
        del built[len(built) - count :]
        if isinstance(part, Call) and type(part) is Call:
            built.append(Call(part.op, args, part.span or span, part.mark or part.span or span))
        else:
            built.append(part)
    return built[-1]


def same(a: Tree, b: Tree) -> bool:
    """Whether two trees were written alike, places aside."""
    pairs = [(a, b)]
    while pairs:
        p, q = pairs.pop()
        if isinstance(p, Call) and isinstance(q, Call):
            if p.op != q.op or len(p.args) != len(q.args):
                return False
            pairs.extend(zip(p.args, q.args, strict=True))
        elif p != q:
            return False
    return True
