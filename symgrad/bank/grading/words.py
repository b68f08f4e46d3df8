"""Every sentence of a class's report, in English and in Persian, and what a student is told of an answer.

>>> word("wrong", "fa"), told(Outcome("unreadable", feedback="column 3: ..."), "en").splitlines()[-1]
('نادرست', 'column 3: ...')
"""

from __future__ import annotations

from collections.abc import Mapping

from symgrad.bank.content import Language
from symgrad.bank.grading.outcome import LAYOUT, SHAPE, UNREADABLE, UNRESOLVED, Outcome
from symgrad.bank.phrases import Sentence, say
from symgrad.verification.mistakes import MISTAKES
from symgrad.verification.persian import in_persian_words

WORDS: Mapping[str, Sentence] = {
    "title": ("Graded answers", "پاسخ‌های تصحیح‌شده"),
    "students": ("students", "دانشجویان"),
    "students heading": ("Students", "دانشجویان"),
    "submissions": ("submissions", "پاسخ فرستاده‌شده"),
    "distinct": ("distinct answers", "پاسخ متمایز"),
    "mean": ("mean score", "میانگین نمره"),
    "student": ("student", "دانشجو"),
    "points": ("points", "نمره"),
    "out of": ("of", "از"),
    "verdict": ("verdict", "داوری"),
    "answer": ("answer", "پاسخ"),
    "answers": ("answers", "شمار پاسخ‌ها"),
    "question": ("question", "پرسش"),
    "mistake": ("mistake", "اشتباه"),
    "example": ("an example", "یک نمونه"),
    "explanation": ("explanation", "توضیح"),
    "share": ("share of the points", "سهم از نمره"),
    "expected": ("right answer", "پاسخ درست"),
    "place": ("place", "جا"),
    "reason": ("reason", "دلیل"),
    "attempts": ("attempts", "دفعه‌ها"),
    "read as": ("how it was read", "چگونه خوانده شد"),
    "mistakes heading": ("Mistakes, the most frequent first", "اشتباه‌ها به ترتیب فراوانی"),
    "questions heading": ("Questions, the hardest first", "پرسش‌ها از دشوارترین"),
    "unreadable heading": ("Answers that could not be read", "پاسخ‌هایی که خوانده نشدند"),
    "unresolved heading": ("Answers that a person must look at", "پاسخ‌هایی که باید کسی ببیند"),
    "answers heading": ("The answers, question by question", "پاسخ‌ها، پرسش به پرسش"),
    "skipped heading": ("Submissions that could not be used", "فرستاده‌هایی که به کار نیامدند"),
    "each heading": ("Student by student", "دانشجو به دانشجو"),
    "none": ("none", "هیچ"),
    "more": ("... and {count} more; the CSV and JSON reports have them all", "... و {count} تای دیگر؛ گزارش‌های CSV و JSON همه را دارند"),  # noqa: E501
    "unnamed": ("wrong, not explained by a known mistake", "نادرست، بدون اشتباهی شناخته‌شده"),
    "right": ("right", "درست"),
    "other layout": ("right in another layout", "درست در چیدمانی دیگر"),
    "wrong": ("wrong", "نادرست"),
    "shape": ("wrong shape", "اندازهٔ نادرست"),
    "unreadable": ("unreadable", "ناخوانا"),
    "unresolved": ("unresolved", "نامعلوم"),
    "blank": ("blank", "بی‌پاسخ"),
    "told shape": ("The sizes do not fit.", "اندازه‌ها با هم نمی‌خوانند."),
    "told unreadable": ("This could not be read; it does not count as an attempt.", "این پاسخ خوانده نشد و یک دفعه به شمار نمی‌آید."),  # noqa: E501
    "told unresolved": ("This could not be judged; somebody will look at it.", "دربارهٔ این پاسخ داوری نشد؛ کسی آن را خواهد دید."),  # noqa: E501
    "told layout": ("It is right in {layout}.", "این پاسخ در {layout} درست است."),
}  # fmt: skip


def word(name: str, language: Language, **values: object) -> str:
    """A sentence of the report."""
    return say(name, language, WORDS, **values)


def title_of(mistake: str, language: Language) -> str:
    """A mistake in a few words; what is no mistake of the library keeps its id."""
    if not mistake:
        return word("unnamed", language)
    known = MISTAKES.get(mistake)
    if known is None:
        return mistake
    return known.title.fa if language == "fa" else known.title.en


def told(outcome: Outcome, language: Language) -> str:
    """Feedback for the student: what is wrong, where, and a way to think about it again."""
    persian = language == "fa"
    said = (outcome.feedback_fa or in_persian_words(outcome.feedback)) if persian else outcome.feedback
    mistakes = [MISTAKES[d] for d in outcome.details if d in MISTAKES]
    explained = (m.explanation.fa if persian else m.explanation.en for m in mistakes)
    again = (m.again.fa if persian else m.again.en for m in mistakes)
    unsaid = (line for line in explained if line not in said)
    return "\n".join(filter(None, (_general(outcome, language), said, *unsaid, *again)))


def witness_in(outcome: Outcome, language: Language) -> str:
    """Where the answer differs, in numbers."""
    return in_persian_words(outcome.witness) if language == "fa" else outcome.witness


def _general(outcome: Outcome, language: Language) -> str:
    if outcome.verdict == LAYOUT and outcome.layout is not None and "it is right in" not in outcome.feedback:
        named = in_persian_words(outcome.layout) if language == "fa" else outcome.layout
        return word("told layout", language, layout=named)
    if outcome.verdict in (SHAPE, UNREADABLE, UNRESOLVED) and (language == "fa" or outcome.verdict != SHAPE):
        return word(f"told {outcome.verdict}", language)
    return ""
