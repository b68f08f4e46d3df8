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
from typing import Literal

from symgrad.calculus.differentiate import Contribution
from symgrad.tensor.nodes import Node

Arises = Literal["rule", "form", "layout", "comparison", "numbers", "program"]


@dataclass(frozen=True, slots=True)
class Sentence:
    """The same sentence in English and in Persian."""

    en: str
    fa: str


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
