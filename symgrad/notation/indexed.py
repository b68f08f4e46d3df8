"""Index notation on paper: `sum_{l} A_{i l} x_{j}`, for tensors without a closed matrix form.

Free indices are i, j, k, l, ... in the order of the axes; summed ones follow.  Each tensor of one or two
axes is written by its name or its matrix notation in brackets.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from symgrad.errors import LimitError
from symgrad.notation.latex import latex as latex_of
from symgrad.notation.lift import Lifter
from symgrad.notation.text import text as text_of
from symgrad.notation.tree import Name, Tree
from symgrad.operations.catalogue import latex_templates
from symgrad.tensor.nodes import Add, Coefficient, Delta, Einsum, Node, Ones

LETTERS = "ijklmnpqrstuvwabcdefgh"


def letters_for(count: int) -> list[str]:
    """Index letters for so many indices.  Raises LimitError beyond what can be read."""
    if count > 200:
        raise LimitError("more than 200 indices are not written out")
    return [LETTERS[i] if i < len(LETTERS) else f"i{i}" for i in range(count)]


def indexed_text(node: Node) -> str:
    """The entry of a tensor as text: `[i, j, k]: sum_{l} A[i, l]*...`."""
    free = ", ".join(letters_for(node.rank))
    return f"[{free}]: " + _sum(node, _TextStyle())


def indexed_latex(node: Node) -> str:
    """The entry of a tensor as LaTeX."""
    return _sum(node, _LatexStyle())


class _TextStyle:
    times = "*"

    def entry(self, tree: Tree, labels: list[str]) -> str:
        written = text_of(tree)
        plain = isinstance(tree, Name) or written.partition("(")[0].isidentifier()
        return f"{written if plain else f'({written})'}[{', '.join(labels)}]" if labels else f"({written})"

    def delta(self, labels: list[str]) -> str:
        return f"delta[{', '.join(labels)}]"

    def sum(self, labels: list[str], body: str) -> str:
        return f"sum_{{{' '.join(labels)}}} {body}"

    def number(self, value: Fraction) -> str:
        return str(value)


class _LatexStyle(_TextStyle):
    times = r" \, "

    def entry(self, tree: Tree, labels: list[str]) -> str:
        written = latex_of(tree, templates=latex_templates())
        if not labels:
            return rf"\left({written}\right)"
        base = written if isinstance(tree, Name) and "_" not in written else rf"\left({written}\right)"
        return f"{base}_{{{' '.join(labels)}}}"

    def delta(self, labels: list[str]) -> str:
        return rf"\delta_{{{' '.join(labels)}}}"

    def sum(self, labels: list[str], body: str) -> str:
        return rf"\sum_{{{', '.join(labels)}}} {body}"

    def number(self, value: Fraction) -> str:
        return str(value.numerator) if value.denominator == 1 else rf"\frac{{{value.numerator}}}{{{value.denominator}}}"


def _sum(node: Node, style: _TextStyle) -> str:
    lifter = Lifter({})
    terms = node.terms if isinstance(node, Add) else ((1, node),)
    if not terms:
        return "0"
    written = ""
    for c, term in terms:
        sign, body = _product(c, term, style, lifter.tree)
        written += (" - " if sign < 0 else " + ") + body
    return "-" + written[3:] if written.startswith(" - ") else written[3:]


def _product(c: Coefficient, node: Node, style: _TextStyle, tree: Callable[[Node], Tree]) -> tuple[int, str]:
    """The sign and the body of one term."""
    factors = node.factors if isinstance(node, Einsum) else ((node, tuple(range(node.rank))),)
    c = c * node.coefficient if isinstance(node, Einsum) else c
    letters = letters_for(1 + max((a for _, labels in factors for a in labels), default=node.rank))
    bound = sorted({a for _, labels in factors for a in labels if a >= node.rank})
    parts = []
    for factor, labels in factors:
        named = [letters[a] for a in labels]
        if isinstance(factor, Delta):
            parts.append(style.delta(named))
        elif not isinstance(factor, Ones):
            parts.append(style.entry(tree(factor), named))
    size = abs(Fraction(c))
    if size != 1 or not parts:
        parts.insert(0, style.number(size))
    body = style.times.join(parts)
    return (-1 if c < 0 else 1), style.sum([letters[a] for a in bound], body) if bound else body
