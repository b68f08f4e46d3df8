"""The library of mistakes: every record by its id, and how they are ordered when several fit.

What each one is stands in its record (`mistakes_of_rules`, `mistakes_of_form`); the search for those that explain
an answer is in `search`.  Nothing here decides whether an answer is right.

>>> MISTAKES["missing mask"].title.en
'a mask is missing'
>>> families(("max sent to both", "missing mask"))
('missing mask',)
"""

from __future__ import annotations

from collections.abc import Sequence

from symgrad.verification import mistakes_of_form, mistakes_of_rules
from symgrad.verification.mistake import Mistake, Sentence

__all__ = ["MISTAKES", "Mistake", "Sentence", "families", "generality", "vague"]

MISTAKES: dict[str, Mistake] = {m.id: m for m in (*mistakes_of_rules.RECORDS, *mistakes_of_form.RECORDS)}

# Families from the most specific to the most general; what stands not here is in the middle.
_SPECIFIC = (
    "transposed", "wrong layout", "missing factor 2", "sign", "missing mask", "missing chain factor",
    "treated as constant", "forgot second occurrence", "assumed symmetric", "differentiated the wrong function",
    "missing transpose", "wrong order", "elementwise vs matrix product", "extra transpose",
)  # fmt: skip
_GENERAL = ("dropped term", "extra factor", "extra term", "stale variable", "off by constant", "wrong exponent")

_VAGUE = ("cofactor left out", "function of the slope", "product rule", "wrong exponent")


def families(ids: Sequence[str]) -> tuple[str, ...]:
    """The ids that verdicts report, each once, the most specific first."""
    return tuple(sorted(dict.fromkeys(MISTAKES[i].family for i in ids), key=generality))


def generality(family: str) -> int:
    """The place of a family in the order from specific to general."""
    for order, offset in ((_SPECIFIC, 0), (_GENERAL, 100)):
        if family in order:
            return offset + order.index(family)
    return 50


def vague(ids: Sequence[str]) -> bool:
    """Whether mistakes are so general that another explanation is to be preferred."""
    return any(id in _VAGUE for id in ids)
