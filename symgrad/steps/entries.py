"""How an entry of a tensor is written: `x_i`, `\\log \\hat y_i`, `(1 - z_i^2)`; as LaTeX and as text.

An entry of what is computed entry by entry is the same function of scalars, so it is lifted as one, with
placeholders for the entries inside, which are then written in their place.

>>> from symgrad.tensor.dims import letter
>>> from symgrad.tensor.build import power
>>> from symgrad.tensor.nodes import Input
>>> entry_string(Leaf(power(Input.make("x", (letter("n"),)), -1), ("i",)), TEXT, lambda leaf, style: None)
'(1/x[i])'
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

from symgrad.notation.latex import latex as tree_latex
from symgrad.notation.latex import name_latex
from symgrad.notation.lift import Lifter
from symgrad.notation.network import NoMatrixForm
from symgrad.notation.text import text as tree_text
from symgrad.notation.tree import Call, Name, Tree
from symgrad.operations.catalogue import latex_templates
from symgrad.steps.step import MethodError
from symgrad.tensor.build import ONE, add, elementwise, hadamard, number, power
from symgrad.tensor.nodes import Add, Einsum, Input, Map, Node, Ones, Power

MAX_DEPTH = 12
PLACEHOLDER = "entryof"

Places = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Leaf:
    """A node and the letters of its axes."""

    node: Node
    places: Places


Nested = Callable[["Leaf", "Style"], str | None]


class Style(Protocol):
    """How parts of components are spelled."""

    times: str

    def number(self, value: Fraction) -> str: ...
    def tree(self, tree: Tree) -> str: ...
    def name(self, name: str) -> str: ...
    def entry(self, tree: Tree, places: Places) -> str: ...
    def delta(self, places: Places) -> str: ...
    def slope(self, of: str, wrt: str, outputs: Places, inputs: Places, fixed: Places) -> str: ...
    def sum(self, letter: str, size: str) -> str: ...
    def bracketed(self, body: str) -> str: ...


class _Latex:
    times = " "

    def number(self, value: Fraction) -> str:
        return str(value.numerator) if value.denominator == 1 else rf"\frac{{{value.numerator}}}{{{value.denominator}}}"

    def tree(self, tree: Tree) -> str:
        return tree_latex(tree, templates=latex_templates())

    def name(self, name: str) -> str:
        return name_latex(name)

    def entry(self, tree: Tree, places: Places) -> str:
        written = self.tree(tree)
        if not places:
            return written if isinstance(tree, Name) else rf"\left({written}\right)"
        plain = isinstance(tree, Name) and "_" not in written
        return f"{written if plain else rf'[{written}]'}_{{{' '.join(places)}}}"

    def delta(self, places: Places) -> str:
        return rf"\delta_{{{' '.join(places)}}}"

    def slope(self, of: str, wrt: str, outputs: Places, inputs: Places, fixed: Places) -> str:
        above, below = self.entry(Name(of), outputs), self.entry(Name(wrt), inputs)
        written = rf"\frac{{\partial {above}}}{{\partial {below}}}"
        return rf"\left.{written}\right|_{{{', '.join(map(name_latex, fixed))}}}" if fixed else written

    def sum(self, letter: str, size: str) -> str:
        return rf"\sum_{{{letter}=1}}^{{{size.replace('*', ' ')}}} "

    def bracketed(self, body: str) -> str:
        return rf"\left({body}\right)"


class _Text:
    times = "*"

    def number(self, value: Fraction) -> str:
        return str(value)

    def tree(self, tree: Tree) -> str:
        return tree_text(tree)

    def name(self, name: str) -> str:
        return name

    def entry(self, tree: Tree, places: Places) -> str:
        written = tree_text(tree)
        plain = isinstance(tree, Name) or written.partition("(")[0].isidentifier()
        body = written if plain else f"({written})"
        return f"{body}[{', '.join(places)}]" if places else body

    def delta(self, places: Places) -> str:
        return f"delta[{', '.join(places)}]"

    def slope(self, of: str, wrt: str, outputs: Places, inputs: Places, fixed: Places) -> str:
        written = f"d{self.entry(Name(of), outputs)}/d{self.entry(Name(wrt), inputs)}"
        return f"({written} at fixed {', '.join(fixed)})" if fixed else written

    def sum(self, letter: str, size: str) -> str:
        return f"sum_{{{letter}=1..{size}}} "

    def bracketed(self, body: str) -> str:
        return f"({body})"


LATEX: Style = _Latex()
TEXT: Style = _Text()


def entry_string(leaf: Leaf, style: Style, nested: Nested, alone: bool = False) -> str:
    """An entry as a factor of a product: bracketed where it is a sum, unless it stands alone."""
    leaves: list[Leaf] = []
    scalar = _scalar(leaf, leaves, 0)
    try:
        tree = Lifter().lift(scalar)
    except NoMatrixForm:
        return style.entry(_lifted(leaf.node), leaf.places)
    body = style.tree(tree)
    for at, inner in reversed(list(enumerate(leaves))):
        body = _put_in(body, style.name(f"{PLACEHOLDER}{at}"), _leaf_string(inner, style, nested))
    return style.bracketed(body) if _is_loose(tree, style) and not alone else body


def _put_in(body: str, placeholder: str, entry: str) -> str:
    """The entry in its place, without brackets of its own where it stands in brackets already."""
    for opening, closing in ((r"\left(", r"\right)"), ("(", ")")):
        if entry.startswith(opening) and entry.endswith(closing):
            bare = entry[len(opening) : -len(closing)]
            for left, right in (("{", "}"), (opening, closing)):
                body = body.replace(left + placeholder + right, left + bare + right)
    return body.replace(placeholder, entry)


def _is_loose(tree: Tree, style: Style) -> bool:
    """Whether an entry must be bracketed to stand as a factor."""
    loose = ("add", "subtract", "negate") if style is LATEX else ("add", "subtract", "negate", "divide", "multiply")
    return isinstance(tree, Call) and tree.op in loose and len(tree.args) > 0


def _leaf_string(leaf: Leaf, style: Style, nested: Nested) -> str:
    found = nested(leaf, style)
    return style.entry(_lifted(leaf.node), leaf.places) if found is None else found


def _lifted(node: Node) -> Tree:
    try:
        return Name(node.name) if isinstance(node, Input) else Lifter().lift(node)
    except NoMatrixForm:
        raise MethodError("index", f"the entries of {node!r} have no notation of their own") from None


def _scalar(leaf: Leaf, leaves: list[Leaf], depth: int) -> Node:
    """The same function of scalars, entries being placeholders; depth is bounded, deeper parts are entries."""
    node, places = leaf.node, leaf.places
    if depth < MAX_DEPTH:
        match node:
            case Map():
                return elementwise(node.op, *(_scalar(_same_entry(a, places), leaves, depth + 1) for a in node.args))
            case Power():
                base = _scalar(_same_entry(node.base, places), leaves, depth + 1)
                return power(base, _scalar(Leaf(node.exponent, ()), leaves, depth + 1))
            case Add():
                return add([(c, _scalar(Leaf(n, places), leaves, depth + 1)) for c, n in node.terms], ())
            case Einsum() if all(a < node.rank for _, labels in node.factors for a in labels):
                inner = [Leaf(n, tuple(places[a] for a in labels)) for n, labels in node.factors]
                return hadamard(number(node.coefficient), *(_scalar(i, leaves, depth + 1) for i in inner))
    if isinstance(node, Ones):
        return ONE
    if not node.shape and not node.args:
        return node
    if leaf not in leaves:
        leaves.append(leaf)
    return Input.make(f"{PLACEHOLDER}{leaves.index(leaf)}", ())


def _same_entry(argument: Node, places: Places) -> Leaf:
    return Leaf(argument, places if argument.rank else ())
