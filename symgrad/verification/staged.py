"""Backward passes in code, checked line by line: `grad_s2 = grad_s3`, `grad_w1 = grad_s1 * x1`, ...

A line is right if it gives the gradient of the name on its left where the gradients it uses are right; so an error
is marked where it is made, once.  Lines that add (`+=`, or a name assigned twice) are judged by their sum.  A wrong
line whose right hand side is the gradient of a name that is needed and never computed is told so.

>>> report = check_staged("s = w*x; t = s + b; L = sigmoid(t)", '''
... grad_L = 1.0
... grad_t = grad_L * (1 - L) * L
... grad_b = grad_t
... grad_w = grad_t
... grad_x = grad_s * w
... ''', where="w, x, b: R")
>>> report.first_wrong.number, report.first_wrong.instead
(5, 'grad_s')
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from symgrad.calculus.differentiate import cotangents
from symgrad.derivation import derive
from symgrad.errors import LimitError, ParseError, SymgradError
from symgrad.notation.lower import Scope
from symgrad.notation.normalise import normalised
from symgrad.notation.tokens import LENGTH_LIMIT, is_name
from symgrad.operations.catalogue import LOGARITHM
from symgrad.programs import Program, Where, program
from symgrad.tensor.build import add
from symgrad.tensor.view import View
from symgrad.verification.answers import Case
from symgrad.verification.reading import read_answer
from symgrad.verification.verdict import Verdict

PREFIXES = ("grad_", "d_", "d")
MOST_LINES = 400

_WORDS = re.compile(r"[^\W\d]\w*")
_LINE = re.compile(r"^\s*(\w+)\s*(\+?=)(?!=)\s*(.+?)\s*$")


@dataclass(frozen=True, slots=True)
class StagedLine:
    """One assignment: its number (from 1), both sides, whether it is right, and what should stand on the left."""

    number: int
    target: str
    text: str
    correct: bool | None
    message: str = ""
    instead: str | None = None
    verdict: Verdict | None = None


@dataclass(frozen=True, slots=True)
class StagedReport:
    """What is said of a backward pass; `missing` are gradients that are used and never computed."""

    lines: tuple[StagedLine, ...]
    missing: tuple[str, ...]

    @property
    def correct(self) -> bool | None:
        """Whether every line is right."""
        said = {line.correct for line in self.lines}
        return False if False in said or self.missing else None if None in said else True

    @property
    def first_wrong(self) -> StagedLine | None:
        """The first wrong line."""
        return next((line for line in self.lines if line.correct is False), None)

    @property
    def misconception(self) -> str | None:
        """The mistake in the first wrong line."""
        wrong = self.first_wrong
        if wrong is None:
            return None
        if wrong.instead is not None:
            return "wrong chain factor"
        return wrong.verdict.misconception if wrong.verdict is not None else None

    def text(self) -> str:
        """The report, a line for each assignment."""
        told = [f"line {x.number}: {_WORD[x.correct]}: {x.target} = {x.text}" for x in self.lines]
        told = [f"{said}\n  {x.message}" if x.message else said for said, x in zip(told, self.lines, strict=True)]
        return "\n".join([*told, *(f"{name} is used and never computed" for name in self.missing)])


_WORD = {True: "right", False: "wrong", None: "not judged"}


@dataclass(frozen=True, slots=True)
class _Assigned:
    number: int
    target: str
    text: str
    adds: bool


def check_staged(
    source: Any, staged_text: str, of: str | None = None, *, where: Where = None, seed: int = 0
) -> StagedReport:
    """Judge the backward pass of a program that ends in a scalar.

    A gradient is a name of the program after `grad_`, `d_` or `d`; other assigned names are helpers of later lines.
    Raises what the program raises; a line that cannot be read is reported, not raised.
    """
    if len(staged_text) > LENGTH_LIMIT or staged_text.count("\n") > MOST_LINES:
        raise LimitError(f"a backward pass has at most {MOST_LINES} lines")
    whole = program(source, where)
    return _Checker(whole, of or whole.output, seed).report(staged_text)


class _Checker:
    """The gradients that are right, and the lines against them."""

    def __init__(self, source: Program, of: str, seed: int):
        self.source, self.of, self.seed = source, of, seed
        self.gradients = self._right_gradients()
        self.sums: dict[str, list[View]] = {}
        self.scope = Scope(dict(source.scope.views), source.scope.letters, source.scope.declared)

    def _right_gradients(self) -> dict[str, View]:
        """The gradient of the output by every name, in the name's shape."""
        views = self.source.views
        output = views[self.of]
        found: dict[str, View] = {}
        for name, view in views.items():
            cut = self.source.cut_at([name]) if name != self.of else self.source.scope
            node = cut.views[name].node
            gradient = cotangents(cut.views[self.of].node, [node], LOGARITHM)[node]
            found[name] = View(gradient, view.rows)
        if output.node.shape:
            raise ParseError(f"{self.of} is {output.describe()}; a backward pass starts from a scalar")
        return {name: self._closed(name, view) for name, view in found.items()}

    def _closed(self, name: str, view: View) -> View:
        return View(self._case(name).closed(view.node), view.rows)

    def _case(self, name: str) -> Case:
        return Case(derive(self.source, self.of, name, layout="gradient"), {}, self.seed)

    def report(self, text: str) -> StagedReport:
        """Every line, in turn."""
        assigned = list(_assignments(text))
        missing = self._missing(assigned)
        adding = {a.target for a in assigned if a.adds}
        last = {a.target: a.number for a in assigned}
        lines = []
        for line in assigned:
            self._bind(line)
            waits = line.target in adding and line.number != last[line.target]
            lines.append(self._judged(line, missing, line.target in adding, waits))
        told = {line.instead for line in lines}
        return StagedReport(tuple(lines), tuple(m for m in missing if m not in told))

    def _missing(self, assigned: Sequence[_Assigned]) -> list[str]:
        """Gradients that are used and never computed."""
        computed = {self._name(a.target) for a in assigned}
        used = dict.fromkeys(w for a in assigned for w in _WORDS.findall(a.text))
        return [w for w in used if self._name(w) is not None and self._name(w) not in computed]

    def _name(self, word: str) -> str | None:
        """The name of the program whose gradient a word means."""
        if word in self.source.views:
            return None
        found = (word.removeprefix(p) for p in PREFIXES if word.startswith(p))
        return next((name for name in found if name in self.source.views), None)

    def _bind(self, line: _Assigned) -> None:
        """Every gradient that a line uses means the right one."""
        for word in _WORDS.findall(line.text):
            name = self._name(word)
            if name is not None:
                self.scope.views[word] = self.gradients[name]

    def _judged(self, line: _Assigned, missing: Sequence[str], adds: bool, waits: bool) -> StagedLine:
        """The verdict on a line; a part of a sum waits for the others."""
        name = self._name(line.target)
        try:
            said = read_answer(normalised(line.text).text, self.scope).views[0]
        except SymgradError as error:
            return StagedLine(line.number, line.target, line.text, None, error.message)
        if name is None:
            self.scope.views[line.target] = said
            return StagedLine(line.number, line.target, line.text, True)
        if adds:
            said = self._summed(line.target, said)
        if waits:
            return StagedLine(line.number, line.target, line.text, True, "a part of a sum")
        return self._against(name, line, said, missing)

    def _summed(self, target: str, said: View) -> View:
        """The sum of a gradient's parts so far."""
        parts = self.sums.setdefault(target, [])
        parts.append(said)
        if any(p.node.shape != said.node.shape for p in parts):
            return said
        return View(add([(1, p.node) for p in parts]), said.rows)

    def _against(self, name: str, line: _Assigned, said: View, missing: Sequence[str]) -> StagedLine:
        case = self._case(name)
        verdict = case.judged(said)
        if verdict.correct is not False:
            return StagedLine(line.number, line.target, line.text, verdict.correct, verdict=verdict)
        instead = self._instead(case, said, line.target, missing)
        message = f"this is {instead}, which is used and never computed" if instead else verdict.explanation
        return StagedLine(line.number, line.target, line.text, False, message, instead, verdict)

    def _instead(self, case: Case, said: View, target: str, missing: Sequence[str]) -> str | None:
        """The gradient that a right hand side is, of those that are needed and never computed."""
        for word in missing:
            name = self._name(word)
            if name is not None and word != target:
                right = self.gradients[name]
                if right.shape == said.shape and case.agrees(said, right):
                    return word
        return None


def _assignments(text: str) -> Iterator[_Assigned]:
    for number, line in enumerate(text.splitlines(), 1):
        plain = line.partition("#")[0].strip().rstrip(";")
        found = _LINE.match(plain)
        if found is not None and is_name(found[1]):
            yield _Assigned(number, found[1], found[3], found[2] == "+=")
