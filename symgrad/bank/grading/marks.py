"""What an answer is worth: points of its question, the share that is left after each mistake.

Nothing is judged here; credit may be changed without grading again.

>>> rule = Marking(credit={"sign": 0.5, "missing mask": 0.5}, other_layout="partial")
>>> rule.share(Outcome("wrong", mistakes=("sign", "missing mask"))), rule.share(Outcome("other layout"))
(0.25, 0.5)
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from symgrad.bank.exercise import FINDINGS, OTHER_LAYOUT, Marks
from symgrad.bank.grading.outcome import LAYOUT, RIGHT, Outcome
from symgrad.errors import DomainError, ParseError, UnknownNameError, did_you_mean
from symgrad.verification.mistakes import MISTAKES

POINTS = 1.0  # of a question that says nothing
PARTIAL = 0.5  # for an answer that is right in another layout, where "partial" says no more
SIZE_LIMIT = 1_000_000
HINT = "'missing mask=0.5', or a TOML file with a table [credit]"


@dataclass(frozen=True, slots=True)
class Marking:
    """Points of a question, shares by mistake (a finer id before its family), and what another layout counts."""

    points: float = POINTS
    credit: Mapping[str, float] = field(default_factory=dict)
    other_layout: str = "wrong"

    def share(self, outcome: Outcome) -> float:
        """The share of the points, from 0 to 1: several mistakes multiply, an unnamed one leaves nothing."""
        if outcome.verdict == RIGHT or (outcome.verdict == LAYOUT and self.other_layout == "right"):
            return 1.0
        said = self.credit.keys() & {*outcome.mistakes, *outcome.details}
        if outcome.verdict == LAYOUT and self.other_layout == "partial" and not said:
            return PARTIAL
        return self._left(outcome)

    def _left(self, outcome: Outcome) -> float:
        left = 1.0 if outcome.mistakes else 0.0
        for mistake in outcome.mistakes:
            finer = [d for d in outcome.details if d in self.credit and _family(d) == mistake]
            left *= min((self.credit[d] for d in finer), default=self.credit.get(mistake, 0.0))
        return left

    def points_for(self, outcome: Outcome) -> float:
        """Points, rounded to hundredths."""
        return round(self.points * self.share(outcome), 2)


def _family(mistake: str) -> str:
    return MISTAKES[mistake].family if mistake in MISTAKES else mistake


def marking(marks: Marks, credit: Mapping[str, float], other_layout: str | None) -> Marking:
    """The question's own marks, else what is said for the whole bank.

    Raises UnknownNameError for a mistake that there is not, DomainError for a share beyond 0 and 1.
    """
    shares = {**credit, **marks.credit}
    for mistake, share in shares.items():
        _check(mistake, share)
    rule = marks.other_layout or other_layout or "wrong"
    if rule not in OTHER_LAYOUT:
        raise DomainError(f"other_layout is {rule!r}", hint=f"one of {', '.join(OTHER_LAYOUT)}")
    return Marking(POINTS if marks.points is None else marks.points, shares, rule)


def _check(mistake: str, share: float) -> None:
    known = {*MISTAKES, *(m.family for m in MISTAKES.values()), *FINDINGS}
    if mistake not in known:
        raise UnknownNameError(f"credit: there is no mistake {mistake!r}", hint=did_you_mean(mistake, known))
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
        raise DomainError(f"credit: the share for {mistake!r} is {share!r}", hint="a number from 0 to 1")


def credit_of(given: Iterable[str]) -> dict[str, float]:
    """Shares as they are given on the command line: `id=0.5`, or the name of a TOML file; later ones win."""
    shares: dict[str, float] = {}
    for text in given:
        mistake, equals, share = text.rpartition("=")
        if equals and not text.endswith(".toml"):
            try:
                shares[mistake.strip()] = float(share)
            except ValueError:
                raise ParseError(f"credit: {share!r} is no number", hint=HINT) from None
        else:
            shares |= _of_file(Path(text))
    return shares


def _of_file(path: Path) -> dict[str, Any]:
    try:
        with open(path, "rb") as file:
            text = file.read(SIZE_LIMIT).decode("utf-8-sig")
        data = tomllib.loads(text)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UnknownNameError(f"{path}: cannot be read: {reason}", hint=HINT) from error
    except (ValueError, RecursionError) as error:
        raise ParseError(f"{path}: this is not TOML: {error}", hint=HINT) from error
    if not isinstance(data.get("credit"), dict):
        raise ParseError(f"{path}: there is no table [credit]", hint='[credit]\n"missing mask" = 0.5')
    return dict(data["credit"])
