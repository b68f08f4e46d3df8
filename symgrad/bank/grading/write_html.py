"""A report as one HTML page that needs nothing else: no scripts, no fonts, no network.

Whatever students typed is escaped and stands in its own direction; Persian pages run from right to left.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from itertools import groupby, islice
from typing import TextIO

from symgrad.bank.content import Language
from symgrad.bank.grading.outcome import LAYOUT, RIGHT, SHAPE, UNREADABLE, UNRESOLVED, WRONG
from symgrad.bank.grading.report import Distinct, MistakeCount, QuestionTally, Report, Row, StudentTotal
from symgrad.bank.grading.words import title_of, told, word
from symgrad.bank.phrases import digits

MOST_ROWS = 3000  # answers that are shown student by student
MOST_ANSWERS = 100  # distinct answers to a question that are shown
MOST_OTHERS = 300

_STYLE = """
:root { --ink: #1c2430; --soft: #5d6b7c; --line: #dfe5ec; --good: #1a7f4b; --half: #9a6700; --bad: #b42318;
  --paper: #fff; --tint: #f5f7fa; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 72rem; padding: 1.5rem; color: var(--ink); background: var(--paper);
  font: 15px/1.55 system-ui, "Segoe UI", "Noto Sans", "Noto Naskh Arabic", Tahoma, sans-serif; }
h1 { font-size: 1.6rem; margin: 0 0 1rem; } h2 { font-size: 1.15rem; margin: 2.2rem 0 .6rem; }
h3 { font-size: 1rem; margin: 1.4rem 0 .4rem; }
.tiles { display: flex; flex-wrap: wrap; gap: .75rem; margin: 0; padding: 0; list-style: none; }
.tiles li { background: var(--tint); border: 1px solid var(--line); border-radius: .5rem; padding: .55rem .9rem; }
.tiles b { display: block; font-size: 1.3rem; line-height: 1.25; } .tiles span { color: var(--soft); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { padding: .4rem .6rem; border-bottom: 1px solid var(--line); text-align: start; vertical-align: top; }
th { color: var(--soft); font-weight: 600; white-space: nowrap; } .share { white-space: nowrap; }
code { font: 13px/1.5 ui-monospace, "DejaVu Sans Mono", Consolas, monospace; unicode-bidi: isolate; direction: ltr;
  display: inline-block; white-space: pre-wrap; overflow-wrap: anywhere; text-align: left; }
.told { overflow-wrap: anywhere; min-width: 16rem; }
.told pre { margin: .2rem 0 0; direction: ltr; text-align: left; overflow-x: auto; white-space: pre-wrap;
  font: 12.5px/1.45 ui-monospace, "DejaVu Sans Mono", Consolas, monospace; }
.verdict { white-space: nowrap; font-weight: 600; } .good { color: var(--good); } .half { color: var(--half); }
.bad { color: var(--bad); } .soft { color: var(--soft); }
.bar { display: inline-block; width: 6rem; height: .55rem; background: var(--line); border-radius: .3rem;
  overflow: hidden; margin-inline-end: .5rem; } .bar i { display: block; height: 100%; background: var(--good); }
details { border-bottom: 1px solid var(--line); padding: .35rem 0; } summary { cursor: pointer; }
@media print { details { break-inside: avoid; } body { max-width: none; } }
@media (prefers-color-scheme: dark) { :root { --ink: #e6eaf0; --soft: #9aa7b6; --line: #303a46; --good: #4cc38a;
  --half: #e2b340; --bad: #ff8a7a; --paper: #12161c; --tint: #1a2028; } }
"""
_CLASS = {RIGHT: "good", LAYOUT: "half", WRONG: "bad", SHAPE: "half", UNREADABLE: "half", UNRESOLVED: "half"}

Cells = Sequence[str]


def write_html(report: Report, file: TextIO, language: Language) -> None:
    """Write the page, part by part."""
    page = _Page(report, language)
    direction = "rtl" if language == "fa" else "ltr"
    title = escape(word("title", language))
    file.write(
        f'<!doctype html>\n<html lang="{language}" dir="{direction}">\n<head>\n<meta charset="utf-8">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n"
    )
    for part in page.parts():
        file.write(part)
    file.write("</body>\n</html>\n")


_PERSIAN = re.compile(r"[\u0620-\u064a\u066e-\u06d3]")
_FORMULA = re.compile(  # a number before a colon is a place, not the beginning of a formula
    r"\d+(?=: )|[^\s\u0600-\u06ff\u200c:.,;](?:[^\u0600-\u06ff\u200c]*[^\s\u0600-\u06ff\u200c:.,;])?"
)


def _direction(line: str) -> str:
    """Of a sentence, also where it starts with a formula: Persian letters make it run from right to left."""
    return "rtl" if _PERSIAN.search(line) else "ltr"


def _isolated(line: str) -> str:
    """A sentence as HTML; in one that runs from right to left each formula keeps its own direction."""
    if not _PERSIAN.search(line):
        return escape(line)
    return _FORMULA.sub(lambda run: f'<bdi dir="ltr">{escape(run[0])}</bdi>', line.strip())


class _Page:
    """The parts of the page in one language."""

    def __init__(self, report: Report, language: Language):
        self.report, self.language = report, language

    def parts(self) -> Iterator[str]:
        """The page from top to bottom."""
        yield self.tiles()
        yield from self.section("mistakes heading", ("mistake", "answers", "students", "question", "example"),
                                (self.mistake(m) for m in self.report.mistakes))  # fmt: skip
        yield from self.section("questions heading", ("question", "share", "answers", "verdict", "mistake", "expected"),
                                (self.question(q) for q in self.report.questions))  # fmt: skip
        heads = ("question", "answer", "students", "explanation")
        for verdict in (UNRESOLVED, UNREADABLE):
            found = (self.unjudged(d) for d in self.report.with_verdict(verdict))
            yield from self.section(f"{verdict} heading", heads, found, MOST_OTHERS, always=False)
        skipped = ([escape(u.place), self.text(u.student), self.text(u.reason)] for u in self.report.skipped)
        yield from self.section("skipped heading", ("place", "student", "reason"), skipped, MOST_OTHERS, always=False)
        yield from self.answers()
        totals = map(self.student, self.report.students)
        yield from self.section("students heading", ("student", "points", "verdict"), totals, MOST_ROWS)
        yield from self.each()

    # --- words

    def say(self, name: str, **values: object) -> str:
        return escape(word(name, self.language, **values))

    def number(self, value: float) -> str:
        return digits(f"{value:g}", self.language)

    @staticmethod
    def text(text: str) -> str:
        return f"<bdi>{escape(text)}</bdi>"

    @staticmethod
    def code(text: str) -> str:
        return f"<code>{escape(text)}</code>" if text else ""

    def verdict(self, verdict: str) -> str:
        return f'<span class="verdict {_CLASS.get(verdict, "soft")}">{self.say(verdict)}</span>'

    def told(self, item: Row | Distinct) -> str:
        """Feedback; an excerpt with a mark under the fault keeps its columns."""
        lines = told(item.outcome, self.language).splitlines()
        parts = []
        for excerpt, group in groupby(lines, key=lambda line: line.startswith("  ") and _direction(line) == "ltr"):
            block = list(group)
            plain = "".join(f'<div dir="{_direction(line)}">{_isolated(line)}</div>' for line in block)
            parts.append("<pre>{}</pre>".format(escape("\n".join(block))) if excerpt else plain)
        return f'<div class="told">{"".join(parts)}</div>'

    def points(self, points: float, out_of: float) -> str:
        return f"{self.number(points)} {self.say('out of')} {self.number(out_of)}"

    # --- tables

    def section(
        self, heading: str, heads: Sequence[str], rows: Iterable[Cells], most: int = MOST_OTHERS, always: bool = True
    ) -> Iterator[str]:
        """A heading and its table; where there is nothing, only if `always`."""
        rows = iter(rows)
        first = next(rows, None)
        if first is None and not always:
            return
        yield f"<h2>{self.say(heading)}</h2>\n"
        yield f'<p class="soft">{self.say("none")}</p>\n' if first is None else self.table(heads, first, rows, most)

    def table(self, heads: Sequence[str], first: Cells, rest: Iterator[Cells], most: int) -> str:
        head = "".join(f"<th>{self.say(h)}</th>" for h in heads)
        shown = [first, *islice(rest, most - 1)]
        left = sum(1 for _ in rest)
        body = "\n".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in shown)
        more = f'<p class="soft">{self.say("more", count=self.number(left))}</p>\n' if left else ""
        return f'<div class="wide"><table><thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table></div>\n{more}'

    def tiles(self) -> str:
        report = self.report
        totals = [s.points for s in report.students]
        mean = sum(totals) / len(totals) if totals else 0.0
        found = [
            (self.number(len(report.roll.students)), "students"),
            (self.number(report.submitted), "submissions"),
            (self.number(report.distinct_answers), "distinct"),
            (self.points(round(mean, 2), report.out_of), "mean"),
            *((self.number(count), verdict) for verdict, count in report.verdicts.items()),
        ]
        items = "".join(f"<li><b>{value}</b><span>{self.say(name)}</span></li>" for value, name in found)
        return f'<ul class="tiles">{items}</ul>\n'

    # --- rows

    def mistake(self, found: MistakeCount) -> Cells:
        title = self.text(title_of(found.mistake, self.language))
        counts = (self.number(found.answers), self.number(found.students))
        return [title, *counts, self.code(found.question), self.code(found.example)]

    def question(self, found: QuestionTally) -> Cells:
        percent = round(100 * found.share)
        sign = "٪" if self.language == "fa" else "%"
        share = f'<span class="bar"><i style="width:{percent}%"></i></span>{self.number(percent)}{sign}'
        bar = f'<span class="share">{share}</span>'
        mistake = self.text(title_of(found.mistake, self.language)) if found.mistake else ""
        counts = self.counts(found.verdicts)
        return [self.code(found.id), bar, self.number(found.answers), counts, mistake, self.code(found.expected)]

    def counts(self, verdicts: Mapping[str, int]) -> str:
        comma = "، " if self.language == "fa" else ", "
        return comma.join(f"{self.number(count)} {self.say(verdict)}" for verdict, count in verdicts.items())

    def unjudged(self, found: Distinct) -> Cells:
        return [self.code(found.question), self.code(found.answer), self.number(found.students), self.told(found)]

    def student(self, found: StudentTotal) -> Cells:
        points = self.points(found.points, found.out_of)
        return [self.text(found.student), points, self.counts(found.verdicts)]

    def answers(self) -> Iterator[str]:
        """The distinct answers to every question."""
        yield f"<h2>{self.say('answers heading')}</h2>\n"
        heads = ("answer", "students", "verdict", "points", "explanation")
        for question, group in groupby(self.report.distinct, key=lambda d: d.question):
            rows = (self.distinct(d) for d in group)
            table = self.table(heads, next(rows), rows, MOST_ANSWERS)
            yield f"<details><summary>{self.code(question)}</summary>\n{table}</details>\n"

    def distinct(self, found: Distinct) -> Cells:
        judged = self.verdict(found.outcome.verdict)
        return [
            self.code(found.answer), self.number(found.students), judged, self.number(found.points), self.told(found)
        ]  # fmt: skip

    def each(self) -> Iterator[str]:
        """Every student's answers, where they are not too many for a page."""
        rows = list(islice(self.report.rows(), MOST_ROWS + 1))
        if len(rows) > MOST_ROWS:
            return
        yield f"<h2>{self.say('each heading')}</h2>\n"
        heads = ("question", "answer", "verdict", "points", "explanation")
        for student, group in groupby(rows, key=lambda row: row.student):
            cells = iter([self.row(row) for row in group])
            table = self.table(heads, next(cells), cells, MOST_ROWS)
            yield f"<details><summary>{self.text(student)}</summary>\n{table}</details>\n"

    def row(self, row: Row) -> Cells:
        judged = self.verdict(row.outcome.verdict)
        points = self.points(row.points, row.out_of)
        return [self.code(row.question), self.code(row.answer), judged, points, self.told(row)]
