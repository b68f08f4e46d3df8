"""The judge of printed backward passes: every line against the derivative that it must be.

A line is judged with the right gradients in place of those it uses, so that a mistake is found where it is made; then
it is seen whether every gradient that is asked for or used is computed, and before it is used.  Forward lines may be
repeated; they must be those of the exercise.

>>> from symgrad.bank.exercise import Bilingual, Problem
>>> question = CodeQuestion(
...     id="k", text=Bilingual(en="", fa=""), finding=(), note=None, of=None, wrt=("w",),
...     problem=Problem("w, x: R", "s = w*x; L = sigmoid(s)", {}),
...     printed="grad_L = 1\\ngrad_w = grad_s*x\\ngrad_s = grad_L*L*(1 - L)")
>>> judge_code(question).findings
('used too early',)
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from symgrad.bank.exercise import CodeQuestion
from symgrad.bank.judged import NOTHING_PRINTED, WRONG, Judged, program_of, right
from symgrad.errors import ParseError, SymgradError
from symgrad.notation.grammar import parse
from symgrad.notation.text import text as text_of
from symgrad.programs import Program
from symgrad.verification.staged import PREFIXES, StagedLine, StagedReport, check_staged

_ASSIGNMENT = re.compile(r"\s*([^\W\d]\w*)\s*\+?=(?!=)(.*)")
_WORD = re.compile(r"[^\W\d]\w*")
Finding = tuple[str, str]  # the mistake, and where it shows


def judge_code(question: CodeQuestion) -> Judged:
    """The printed backward pass, line by line.  Raises ParseError for a line that cannot be read."""
    if question.printed is None:
        return NOTHING_PRINTED
    source = program_of(question.problem)
    report = judged_lines(question, source)
    found = [*_wrong_lines(report), *_not_computed(question, source, report), *_too_early(source, report)]
    if not found:
        return right(f"all {len(report.lines)} lines are the derivatives that they must be")
    return Judged(False, tuple(dict.fromkeys(mistake for mistake, _ in found)), "\n".join(said for _, said in found))


def judged_lines(question: CodeQuestion, source: Program) -> StagedReport:
    """The report on the lines of the print, the forward ones left out.  Raises ParseError."""
    report = check_staged(source, _backward_only(question.printed or "", source), question.of)
    for line in report.lines:
        if line.correct is None:
            raise ParseError(f"line {line.number}, {line.target} = {line.text}: {line.message or 'it was not decided'}")
    if not report.lines:
        raise ParseError("there is no line of a backward pass", hint="grad_s2 = grad_s3")
    return report


def _backward_only(printed: str, source: Program) -> str:
    """The print with blank lines in place of the forward lines, which must be those of the exercise."""
    kept = []
    for number, line in enumerate(printed.splitlines(), 1):
        code = line.partition("#")[0].strip().rstrip(";")
        found = _ASSIGNMENT.fullmatch(code)
        if code and found is None:
            raise ParseError(f"line {number} assigns nothing: {code}", hint="grad_s2 = grad_s3")
        if found is not None and found[1] in source.views:
            _refuse_other_forward(number, found[1], found[2], source)
            line = ""
        kept.append(line)
    return "\n".join(kept)


def _refuse_other_forward(number: int, name: str, said: str, source: Program) -> None:
    known = next((line.value for line in source.lines if line.name == name), None)
    try:
        same = known is not None and text_of(parse(said)) == text_of(known)
    except SymgradError:
        same = False
    if not same:
        raise ParseError(f"line {number} gives {name} another value: the forward pass is that of the exercise")


def gradient_of(word: str, source: Program) -> str | None:
    """The name of the program whose gradient a word means."""
    if word in source.views:
        return None
    found = (word.removeprefix(prefix) for prefix in PREFIXES if word.startswith(prefix))
    return next((name for name in found if name in source.views), None)


def _wrong_lines(report: StagedReport) -> Iterator[Finding]:
    for line in report.lines:
        if line.correct is False:
            said = f"line {line.number}: {line.target} = {line.text}: {line.message}"
            for mistake in _mistakes(line):
                yield mistake, said.rstrip(": ")
                said = f"line {line.number}: and {mistake}"


def _mistakes(line: StagedLine) -> tuple[str, ...]:
    if line.instead is not None:
        return ("wrong chain factor",)
    return (line.verdict.misconceptions if line.verdict is not None else ()) or (WRONG,)


def _not_computed(question: CodeQuestion, source: Program, report: StagedReport) -> Iterator[Finding]:
    computed = {gradient_of(line.target, source) for line in report.lines}
    for word in report.missing:
        yield "missing gradient", f"{word} is used and never computed"
    for name in question.wrt:
        if name not in computed:
            yield "missing gradient", f"the gradient of {name} is asked for and never computed"


def _too_early(source: Program, report: StagedReport) -> Iterator[Finding]:
    """Gradients that a line uses before their last line."""
    last = {gradient_of(line.target, source): line.number for line in report.lines if line.correct}
    for line in report.lines:
        for word in dict.fromkeys(_WORD.findall(line.text)):
            name = gradient_of(word, source)
            if name is not None and last.get(name, 0) >= line.number and name != gradient_of(line.target, source):
                yield "used too early", f"line {line.number}: {word} is complete only in line {last[name]}"
