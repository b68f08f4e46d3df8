"""What is said of one distinct answer: a value that does not know who gave it or what it is worth.

It has the four parts of a test in STACK: the kind of the verdict (a fault of form is a kind of its own), the verdict,
feedback for the student, a note for the teacher.  The note has no sampled numbers, so that the same mistake has the
same note; Source: Sangwin, Computer Aided Assessment of Mathematics, 2013.

>>> Outcome("wrong", "samples", mistakes=("sign",), details=("sign",)).note
'wrong | samples | sign'
>>> Outcome.from_json(Outcome("right", "normal form").to_json()).verdict
'right'
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from symgrad.errors import ParseError

RIGHT, LAYOUT, WRONG = "right", "other layout", "wrong"
SHAPE, UNREADABLE, UNRESOLVED, BLANK = "shape", "unreadable", "unresolved", "blank"
VERDICTS = (RIGHT, LAYOUT, WRONG, SHAPE, UNREADABLE, UNRESOLVED, BLANK)
OF_FORM = (SHAPE, UNREADABLE, BLANK)  # faults of form: they cost no attempt

_LISTS = ("mistakes", "details", "reading")


@dataclass(frozen=True, slots=True)
class Outcome:
    """The verdict on an answer.

    verdict    right, other layout (right in another one), wrong, shape (it does not conform, or has another shape than
               the derivative), unreadable, unresolved (a person must look), blank
    rung       what decided;  proof  "symbolic" or "numeric" for a right answer
    mistakes   the ids of the mistakes that explain it;  details  the finer ids;  alternatives  others that fit as well
    layout     the convention in which it is right
    feedback   for the student, in English;  feedback_fa  in Persian, where it has words of its own there
    witness    an entry where it differs, in numbers
    reading    how it was read, where it was not taken as it stands;  expected  the right answer
    """

    verdict: str
    rung: str = ""
    proof: str | None = None
    mistakes: tuple[str, ...] = ()
    details: tuple[str, ...] = ()
    alternatives: tuple[tuple[str, ...], ...] = ()
    layout: str | None = None
    feedback: str = ""
    feedback_fa: str = ""
    witness: str = ""
    reading: tuple[str, ...] = ()
    expected: str = ""

    @property
    def note(self) -> str:
        """For the teacher: what decided and what was found, without sampled numbers."""
        found = self.details or self.mistakes
        return " | ".join(filter(None, (self.verdict, self.rung, " + ".join(found), self.layout)))

    @property
    def counts(self) -> bool:
        """Whether it is an attempt: a fault of form is none."""
        return self.verdict not in OF_FORM

    def to_json(self) -> dict[str, Any]:
        """As plain data, without what is empty."""
        return {name: value for name, value in asdict(self).items() if value}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Outcome:
        """From plain data.  Raises ParseError where it is none of ours."""
        try:
            given: dict[str, Any] = dict(data)
            given |= {name: tuple(map(str, given[name])) for name in _LISTS if name in given}
            if "alternatives" in given:
                given["alternatives"] = tuple(tuple(map(str, ids)) for ids in given["alternatives"])
            outcome = cls(**given)
        except (TypeError, AttributeError) as error:
            raise ParseError(f"this is no verdict: {error}") from None
        if outcome.verdict not in VERDICTS or not isinstance(outcome.feedback + outcome.feedback_fa, str):
            raise ParseError(f"there is no verdict {outcome.verdict!r}")
        return outcome
