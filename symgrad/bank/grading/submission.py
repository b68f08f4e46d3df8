"""What is handed in: who, which question, what; and what could not be used, with its place.

Also the words for these three in the heads of tables and the keys of records, in the languages of classes.

>>> columns(["Email address", "Time", "Question ID", "Answer"])
{'student': 0, 'question': 2, 'answer': 3}
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from symgrad.bank.grading.keys import plain_name

LINE_LIMIT = 200_000  # characters of a line or a record; the rest of a longer one is not kept

Known = Callable[[str], bool]  # whether a text is the id of a question

_WORDS = {
    "student": (
        "student", "studentid", "matriculation", "username", "login", "email", "emailaddress", "user", "name",
        "fullname", "id", "who", "شمارهدانشجویی", "دانشجو", "نامونامخانوادگی", "نام",
    ),
    "question": (
        "question", "questionid", "q", "problem", "item", "task", "exercise", "what", "سوال", "سؤال", "پرسش", "تمرین",
    ),
    "answer": ("answer", "response", "solution", "submission", "formula", "text", "value", "پاسخ", "جواب"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Submission:
    """One answer of a student, as it was typed; `place` is a line, or a cell of a notebook."""

    student: str
    question: str
    answer: str
    place: int = 0


@dataclass(frozen=True, slots=True)
class Unusable:
    """What is no submission, and why; whose it is, where that can be read."""

    place: str
    reason: str
    student: str = ""


Found = Submission | Unusable


def columns(head: Sequence[str]) -> dict[str, int]:
    """The places of student, question and answer in a head, as far as they are there."""
    plain = [re.sub(r"[\W_]", "", plain_name(title).lower()) for title in head]
    found: dict[str, int] = {}
    for what, words in _WORDS.items():
        place = next((plain.index(word) for word in words if word in plain), None)
        if place is not None and place not in found.values():
            found[what] = place
    return found
