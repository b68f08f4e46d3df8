"""The einsum form of a tensor: for each term a coefficient, subscripts and operands, as data and as text.

Subscripts are those of `numpy.einsum`; operands are texts of the language, index notation where they have no other.

>>> from symgrad.tensor.build import einsum
>>> from symgrad.tensor.dims import letter
>>> from symgrad.tensor.nodes import Input
>>> A, x = Input.make("A", (letter("m"), letter("n"))), Input.make("x", (letter("n"),))
>>> print(einsum_form(einsum([(A, "il"), (x, "l"), (x, "k")], "ik", 2)))
2*einsum('ik,j,k->ij', A, x, x)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from symgrad.errors import LimitError
from symgrad.notation.indexed import check_length, indexed_text
from symgrad.notation.lift import Lifter
from symgrad.notation.network import NoMatrixForm
from symgrad.notation.text import number_text
from symgrad.notation.text import text as text_of
from symgrad.tensor.nodes import Add, Delta, Einsum, Node, Ones

LETTERS = "ijklmnpqrstuvwabcdefghoxyzIJKLMNPQRSTUVWABCDEFGHOXYZ"


@dataclass(frozen=True, slots=True)
class Term:
    """coefficient * einsum(subscripts, operands)."""

    coefficient: Fraction
    subscripts: str
    operands: tuple[str, ...]

    def __str__(self) -> str:
        size = abs(self.coefficient)
        front = "" if size == 1 else f"{number_text(size)[1]}*"
        return f"{front}einsum({', '.join([repr(self.subscripts), *self.operands])})"


@dataclass(frozen=True, slots=True)
class EinsumForm:
    """A sum of terms; an empty one is zero."""

    terms: tuple[Term, ...]

    def __iter__(self) -> Iterator[Term]:
        return iter(self.terms)

    def __len__(self) -> int:
        return len(self.terms)

    def __str__(self) -> str:
        written = "".join((" - " if t.coefficient < 0 else " + ") + str(t) for t in self.terms)
        return f"-{written[3:]}" if written.startswith(" - ") else written[3:] or "0"


def einsum_form(node: Node) -> EinsumForm:
    """The terms of a tensor.  Raises LimitError where a term has more indices than letters, or is too long."""
    check_length(node)
    terms = node.terms if isinstance(node, Add) else ((1, node),)
    lifter = Lifter()
    return EinsumForm(tuple(_term(Fraction(c), term, lifter) for c, term in terms))


def _term(coefficient: Fraction, node: Node, lifter: Lifter) -> Term:
    axes = tuple(range(node.rank))
    factors = sorted(node.factors, key=lambda f: f[1]) if isinstance(node, Einsum) else [(node, axes)]
    if isinstance(node, Einsum):
        coefficient *= Fraction(node.coefficient)
    places = {a: i for i, a in enumerate(dict.fromkeys([*axes, *(a for _, labels in factors for a in labels)]))}
    if len(places) > len(LETTERS):
        raise LimitError(f"an einsum has at most {len(LETTERS)} letters")
    inputs = ["".join(LETTERS[places[a]] for a in labels) for _, labels in factors]
    subscripts = f"{','.join(inputs)}->{LETTERS[: node.rank]}"
    return Term(coefficient, subscripts, tuple(_operand(n, lifter) for n, _ in factors))


def _operand(node: Node, lifter: Lifter) -> str:
    """An array in the text language."""
    if isinstance(node, Delta | Ones):
        return f"{'eye' if isinstance(node, Delta) else 'ones'}({node.shape[0]})"
    if node.rank <= 2:
        try:
            return text_of(lifter.lift(node))
        except NoMatrixForm:
            pass
    return indexed_text(node)
