"""Derivations of several lines, checked line by line: the first line that does not follow is marked.

A line is a chain of `=`.  What stands on its left says what it is: `f = ...` rewrites the function, `df = ...` is a
differential (with dX for a change of X, or d(...) of a part), `df/dX = ...` is the derivative; a line that begins
with `=` goes on.  `r = X*w - y` names a part, whose differential is then dr.  Every part is judged against what it
should be, so one error is not counted again in every line after it that follows from it.

>>> print(check_lines("df = dx'*A*x + x'*A*dx\\n   = x'*(A' + A)*dx\\ndf/dx = (A - A')*x", "x'*A*x", "x",
...                   where="x: R^n; A: R^{n x n}").text())
line 1: follows
line 2: follows
line 3: does not follow: (A - A')*x
  sign
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from symgrad.calculus.differentiate import differentiate
from symgrad.calculus.present import present
from symgrad.derivation import Derivative, derive
from symgrad.errors import LimitError, ParseError, ShapeError, SymgradError
from symgrad.notation.grammar import parse
from symgrad.notation.lower import Scope, lower
from symgrad.notation.tokens import LENGTH_LIMIT, is_name
from symgrad.operations.catalogue import LOGARITHM
from symgrad.programs import Program, Where, program
from symgrad.tensor.build import einsum, is_zero, zero
from symgrad.tensor.nodes import Input, walk
from symgrad.tensor.view import View
from symgrad.verification.answers import Case
from symgrad.verification.equality import difference, equal, proved, same_sizes
from symgrad.verification.normalise import normalised
from symgrad.verification.reading import read_answer
from symgrad.verification.verdict import Verdict

Kind = Literal["value", "differential", "derivative", "definition", "unread"]
MOST_LINES = 200

_DERIVATIVE = re.compile(
    r"""^\(?\s*[d\u2202]\s*\w*(?:\([^()]*\))?\s*/\s*\(?\s*[d\u2202]\s*\w+.*$ | ^\u2207.*$ | ^\\nabla.*$
    | ^\\frac\s*\{\s*(?:\\partial|d|\\mathrm\s*\{d\}).*$ | ^grad\w*.*$ | ^(?:G|J|H)$""",
    re.VERBOSE,
)
_DIFFERENTIAL = re.compile(r"^d\s*(\w+)$|^d\s*\((.*)\)$")
_SPLIT = re.compile(r"(?<![<>=!~])=(?!=)")


@dataclass(frozen=True, slots=True)
class Line:
    """One part of a chain: where it stands (from 1), what it is, whether it is right, and what is said of it."""

    number: int
    text: str
    kind: Kind
    correct: bool | None
    verdict: Verdict | None = None
    message: str = ""
    follows_wrong: bool = False  # it equals the part before it, which is wrong


@dataclass(frozen=True, slots=True)
class LinesReport:
    """What is said of a derivation."""

    lines: tuple[Line, ...]

    @property
    def correct(self) -> bool | None:
        """Whether every part is right; None where a part could not be judged and none is wrong."""
        said = {line.correct for line in self.lines}
        return False if False in said else None if None in said else True

    @property
    def first_wrong(self) -> Line | None:
        """The first part that does not follow."""
        return next((line for line in self.lines if line.correct is False), None)

    @property
    def misconception(self) -> str | None:
        """The mistake in the first wrong part."""
        wrong = self.first_wrong
        return wrong.verdict.misconception if wrong is not None and wrong.verdict is not None else None

    def text(self) -> str:
        """The report, a line for each part."""
        return "\n".join(piece for line in self.lines for piece in _told(line))


def _told(line: Line) -> Iterator[str]:
    if line.correct:
        yield f"line {line.number}: {'names a part' if line.kind == 'definition' else 'follows'}"
    elif line.correct is None:
        yield f"line {line.number}: not judged: {line.text}"
    elif line.follows_wrong:
        yield f"line {line.number}: follows from the part before it, which is wrong"
    else:
        yield f"line {line.number}: does not follow: {line.text}"
    if line.correct is not True and not line.follows_wrong:
        if line.verdict is not None and line.verdict.misconceptions:
            yield f"  {' and '.join(line.verdict.misconceptions)}"
        elif line.message:
            yield f"  {line.message.splitlines()[0]}"


def check_lines(
    lines_text: str,
    expression: Any,
    wrt: Any,
    *,
    where: Where = None,
    of: str | None = None,
    layout: str = "mixed",
    vec: str = "column",
    structure: str = "project",
    seed: int = 0,
) -> LinesReport:
    """Judge a derivation of "d expression / d wrt", line by line.  Options as for `check_answer`.

    Raises what the problem itself raises; a line that cannot be read is reported, not raised.
    """
    if len(lines_text) > LENGTH_LIMIT or lines_text.count("\n") > MOST_LINES:
        raise LimitError(f"a derivation has at most {MOST_LINES} lines")
    source = program(expression, where)
    derivative = derive(source, of, wrt, layout=layout, vec=vec, structure=structure)
    checker = _Checker(derivative, seed)
    return LinesReport(tuple(checker.checked(lines_text)))


@dataclass
class _Checker:
    """The state while reading: the names of parts, and the part before."""

    derivative: Derivative
    seed: int
    kind: Kind = "value"
    before: tuple[Kind, View, bool] | None = None
    parts: dict[str, View] = field(default_factory=dict)
    part: str | None = None  # whose differential a line is, where it is not the function's

    def checked(self, text: str) -> Iterator[Line]:
        for number, written in enumerate(text.splitlines(), 1):
            line = normalised(re.sub(r"^\s*(?:\(?\d+[.)]|[-*\u2022])\s+", "", written))
            plain = (line.prefix + line.text).strip()
            plain = re.sub(r"^(?:=>|->|\u21d2|\u2234|\\implies)\s*", "", plain)
            if not plain or plain.startswith("#"):
                continue
            yield from self._of_chain(number, [p.strip() for p in _SPLIT.split(plain)])

    def _of_chain(self, number: int, chain: list[str]) -> Iterator[Line]:
        left, *rest = chain
        if left and rest:
            self.before = None if self._kind_of(left) != self.kind else self.before
            self.kind = self._kind_of(left)
            self.part = left[1:].strip() if left[:1] == "d" and left[1:].strip() in self.parts else None
            if self.kind == "definition":
                yield self._defined(number, left, rest[0])
                return
            named = left if self._is_label(left) else None
            if named is None:
                rest, self.kind = chain, self._kind_alone(left)
        elif left:
            rest, self.kind = chain, self._kind_alone(left)
        for part in filter(None, rest):
            yield self._judged(number, part)

    # --- what a left hand side is

    def _is_label(self, left: str) -> bool:
        return self._kind_of(left) != "value" or is_name(left.partition("(")[0].strip())

    def _kind_of(self, left: str) -> Kind:
        if left not in self.source.views and _DERIVATIVE.match(left):
            return "derivative"
        differential = _DIFFERENTIAL.match(left)
        if differential and left not in self.source.views and left[1:].strip() not in self._changed_names():
            return "differential"
        if self._mentions_changes(left):
            return "differential"
        if is_name(left) and left not in self.source.views and left not in ("f", "L", "J", "loss", "y", "F"):
            return "definition"
        return "value"

    def _kind_alone(self, text: str) -> Kind:
        """What a formula without a left hand side is: by the changes in it, else by its shape."""
        if self._mentions_changes(text):
            return "differential"
        try:
            said = self._read(text)
        except SymgradError:
            return self.kind
        wanted = Case(self.derivative, {}, self.seed).arranged(self.derivative)
        fitting = {"derivative": same_sizes(said, wanted), "value": same_sizes(said, self.derivative.output)}
        return self.kind if fitting.get(self.kind) else "value" if fitting["value"] else "derivative"

    def _mentions_changes(self, text: str) -> bool:
        words = set(re.findall(r"[^\W\d]\w*", text))
        return any(f"d{n}" in words for n in self._changed_names()) or re.search(r"\bd\(", text) is not None

    def _changed_names(self) -> list[str]:
        return [self.derivative.wrt[-1], *self.parts]

    @property
    def source(self) -> Program:
        return self.derivative.program

    # --- parts

    def _defined(self, number: int, name: str, text: str) -> Line:
        try:
            self.parts[name] = self._read(text)
        except SymgradError as error:
            return Line(number, text, "unread", None, message=error.message)
        return Line(number, text, "definition", True)

    def _judged(self, number: int, text: str) -> Line:
        try:
            said = self._read(text)
            verdict = self._verdict(said)
        except ShapeError as error:
            return Line(number, text, self.kind, False, self._of_no_shape(text, error), error.message)
        except SymgradError as error:
            return Line(number, text, "unread", None, message=error.message)
        follows = False
        if verdict.correct is False and self.before is not None and self.before[0] == self.kind:
            _, earlier, was_right = self.before
            follows = not was_right and self._same(said, earlier)
        self.before = (self.kind, said, verdict.correct is not False)
        return Line(number, text, self.kind, verdict.correct, verdict, verdict.explanation, follows)

    def _of_no_shape(self, text: str, error: ShapeError) -> Verdict:
        if self.kind == "derivative" and not any(name in text for name in self.parts):
            return Case(self.derivative, {}, self.seed).judge(text)
        return Verdict(False, "shapes", explanation=str(error))

    def _verdict(self, said: View) -> Verdict:
        case = Case(self.derivative, {}, self.seed)
        if self.kind == "derivative":
            return case.judged(said)
        if self.kind == "value":
            return self._verdict_on_value(case, said)
        return self._verdict_on_differential(case, said)

    def _verdict_on_value(self, case: Case, said: View) -> Verdict:
        """A rewriting of the function itself."""
        wanted = self.derivative.output
        if not same_sizes(said, wanted):
            return Verdict(False, "shapes", explanation=f"this is {said.describe()}, the function {wanted.describe()}")
        if proved(said, wanted):
            return Verdict(True, "normal form", "symbolic")
        for point in case.points:
            answer, truth = case.values([said, wanted], point)
            if not equal(answer, truth):
                why = "this is not the function"
                return Verdict(False, "samples", explanation=why, witness=difference(answer, truth, point))
        return Verdict(True, "samples", "numeric")

    def _same(self, a: View, b: View) -> bool:
        try:
            return Case(self.derivative, {}, self.seed).agrees(a, b)
        except (SymgradError, KeyError):
            return False

    def _verdict_on_differential(self, case: Case, said: View) -> Verdict:
        """A differential is linear in the change: its derivative by the change is the claimed derivative."""
        change = self._change(self.derivative.variables[-1], self.derivative.wrt[-1])
        claimed = present(differentiate(said.node, change.node, LOGARITHM))
        rest = present(said.node, {change.node: zero(change.node.shape)})
        if any(n is change.node for n in walk(claimed)) or not is_zero(rest):
            return Verdict(False, "shapes", explanation=f"a differential is linear in d{self.derivative.wrt[-1]}")
        whole = self.parts[self.part] if self.part is not None else self.derivative.output
        if not same_sizes(said, whole):
            return Verdict(False, "shapes", explanation=f"the differential is {whole.describe()}")
        if self.part is None:
            return case.judged(case.view(claimed))
        variable = self.derivative.variables[-1].node
        wanted = View(differentiate(whole.node, variable, LOGARITHM), whole.rows)
        if case.agrees(View(claimed, whole.rows), wanted):
            return Verdict(True, "samples", "numeric")
        return Verdict(False, "samples", explanation=f"this is not the differential of {self.part}")

    # --- reading

    def _change(self, view: View, name: str) -> View:
        return View(Input.make(f"d{name}", view.node.shape), view.rows)

    def _read(self, text: str) -> View:
        """A part's meaning: names of parts, changes, and d(...) put in."""
        variable = self.derivative.wrt[-1]
        views = {**self.source.scope.views, **self.parts}
        views[f"d{variable}"] = self._change(self.derivative.variables[-1], variable)
        for name, part in self.parts.items():
            views.setdefault(f"d{name}", self._differential(part))
        plain = self._without_differentials(text, views)
        return read_answer(plain, self._scope(views)).views[0]

    def _scope(self, views: dict[str, View]) -> Scope:
        return Scope(views, self.source.scope.letters, self.source.scope.declared)

    def _differential(self, part: View) -> View:
        """The differential of a part, to first order in the change of the variable."""
        variable = self.derivative.variables[-1]
        change = self._change(variable, self.derivative.wrt[-1])
        derived = differentiate(part.node, variable.node, LOGARITHM)
        rank = part.node.rank
        labels = range(rank, derived.rank)
        return View(einsum([(derived, range(derived.rank)), (change.node, labels)], range(rank)), part.rows)

    def _without_differentials(self, text: str, views: dict[str, View]) -> str:
        """`d(...)` replaced by a name for that differential."""
        while (found := re.search(r"\bd\s*\(", text)) is not None:
            end = _closing(text, found.end())
            inner = self._without_differentials(text[found.end() : end], views)
            name = f"differential{len(views)}"
            views[name] = self._differential(lower(parse(inner), self._scope(views), inner))
            text = f"{text[: found.start()]}{name}{text[end + 1 :]}"
        return text


def _closing(text: str, start: int) -> int:
    depth = 1
    for at in range(start, len(text)):
        depth += {"(": 1, ")": -1}.get(text[at], 0)
        if depth == 0:
            return at
    raise ParseError("this '(' is not closed", text=text, span=(start - 1, start))
