"""What is known of one mistake: a stable id, what was done, and how to think about it again, in two languages.

A mistake of a rule says which local rules it changes (`swaps`: a site of the graph -> other shares for the site's
arguments); a mistake of the final form is found by changing formulas, and is only described here.  Several
records may belong to one `family`, the id that verdicts report.  No answer is judged here.

>>> Mistake("sign", Sentence("the sign", ""), Sentence("", ""), Sentence("", ""), arises="form").family
'sign'
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, Self

from symgrad.calculus.differentiate import Contribution
from symgrad.tensor.nodes import Node
from symgrad.verification.persian import in_persian_words

Arises = Literal["rule", "form", "layout", "comparison", "numbers", "program"]


@dataclass(frozen=True, slots=True)
class Sentence:
    """The same sentence in English and in Persian."""

    en: str
    fa: str


class Line(str):
    """A line of an explanation in English, `fa` is the same in Persian."""

    fa: str

    def __new__(cls, en: str, fa: str) -> Self:
        """The line in both languages."""
        line = super().__new__(cls, en)
        line.fa = fa
        return line

    def __getnewargs__(self) -> tuple[str, str]:  # type: ignore[override]  # so that it is copied and pickled
        return str(self), self.fa


def in_persian(line: str) -> str:
    """A line in Persian, in English where it has no other text; formulas stay as they are."""
    return in_persian_words(line.fa if isinstance(line, Line) else line)


def joined(lines: Iterable[str]) -> Line:
    """Lines below each other, without the empty ones."""
    kept = [line for line in lines if line]
    return Line("\n".join(kept), "\n".join(map(in_persian, kept)))


@dataclass(frozen=True, slots=True)
class Site:
    """One share that a node hands on: to the argument at `place`, one of `shares`.

    branches   how many nodes on the way use the argument;  twins: how many shares are this very one, as of a square
    top        the node is the output itself;  leaf: the argument is the variable
    """

    node: Node
    place: int
    argument: Node
    shares: int
    branches: int
    twins: int
    top: bool
    leaf: bool


@dataclass(frozen=True, slots=True)
class Sharing:
    """What a node is about to hand on: its cotangent (the output's axes first, `axes` of them) and the shares."""

    node: Node
    cotangent: Node
    axes: int
    shares: tuple[Contribution | None, ...]


Swap = Callable[[Sharing], Sequence[Contribution | None]]


@dataclass(frozen=True, slots=True)
class Mistake:
    """A way to go wrong.

    again    a way to think about it again, without giving the answer away
    arises   where it is made: in a local rule, in the final form, in the layout, ...
    family   the id that verdicts report; `id` is the finer one
    """

    id: str
    title: Sentence
    explanation: Sentence
    again: Sentence
    arises: Arises
    of: str = ""
    swaps: Callable[[Site], Iterable[Swap]] | None = None

    @property
    def family(self) -> str:
        return self.of or self.id
