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
from symgrad.errors import DomainError, LimitError, ParseError, ShapeError, SymgradError
from symgrad.notation.dressing import is_label, split_at_equals
from symgrad.notation.lower import Scope
from symgrad.notation.normalise import normalised_line
from symgrad.notation.tokens import LENGTH_LIMIT, is_name
from symgrad.operations.catalogue import LOGARITHM, find
from symgrad.programs import Program, Where, program
from symgrad.tensor.build import einsum, is_zero, permuted, zero
from symgrad.tensor.dims import Shape
from symgrad.tensor.nodes import Input, walk
from symgrad.tensor.view import View
from symgrad.verification.answers import Case
from symgrad.verification.equality import difference, equal, proved, same_in_field, same_sizes
from symgrad.verification.mistake import in_persian
from symgrad.verification.mistakes import MISTAKES
from symgrad.verification.reading import read_answer
from symgrad.verification.shown import Shown
from symgrad.verification.verdict import Verdict

Kind = Literal["value", "differential", "derivative", "definition", "unread"]
MOST_LINES = 200

_DIFFERENTIAL_SIGN = re.compile(r"\\(?:mathrm|operatorname|text|rm)\s*\{\s*d\s*\}\s*|\\,\s*(?=d[a-zA-Z])|\u2146\s*")
_DIFFERENTIAL = re.compile(r"^d\s*(\w+)$|^d\s*\((.*)\)$|^d\s+(\w+\s*\(.*\))$")
_LETTER_FOR_IT = re.compile(r"^(?:G|J|H)$")
_OF_FUNCTION = re.compile(r"([a-zA-Z]\w*)(?:\([\w,\s]*\))?")
_SPACED = re.compile(r"\bd[ \t]+([^\W\d]\w*)\b(?!\s*\()")
_OF_CALL = re.compile(r"\bd[ \t]+([^\W\d]\w*)\s*\(")
_ENTRY = re.compile(r"[a-zA-Z]\w*_\{?[a-z]{1,2}\}?|\(.*\)_\{?[a-z]{1,2}\}?")
_LINE_END = re.compile(r"\\\\(?![a-zA-Z\\])[ \t]*\n?|\n")
_FORMULA = re.compile(r"[\da-zA-Z\u0370-\u03ff\u2202\u2207]")  # prose in another script is none
_OF_IT = re.compile(r"\bd[fLJF]\b")
_FUNCTION_NAMES = ("f", "L", "J", "loss", "y", "F")
_MARK = r"(?:d|\u2202|\\partial)"
_QUOTIENT = re.compile(
    rf"{_MARK}\s*(?P<above>[^\W\d_]\w*?)?(?:_\{{?\w{{1,3}}\}}?)?\s*(?:\(\s*\w+\s*\))?\s*[/}}]\s*[({{]?\s*"
    rf"{_MARK}\s*(?P<below>[^\W\d_][^\W_]*)"
)
_GRADIENT_BY = re.compile(r"(?:\u2207|\\nabla)\s*_\s*\{?\s*(?P<below>[^\W\d_]\w*)\}?\s*(?P<above>[^\W\d_]\w*)?")


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
class LinesReport(Shown):
    """What is said of a derivation."""

    lines: tuple[Line, ...]

    @property
    def correct(self) -> bool | None:
        """Whether every part is right; None where a part could not be judged and none is wrong."""
        said = {line.correct for line in self.lines}
        return False if False in said else None if None in said else True

    @property
    def good(self) -> bool | None:
        return self.correct

    @property
    def first_wrong(self) -> Line | None:
        """The first part that does not follow."""
        return next((line for line in self.lines if line.correct is False), None)

    @property
    def misconception(self) -> str | None:
        """The mistake in the first wrong part."""
        wrong = self.first_wrong
        return wrong.verdict.misconception if wrong is not None and wrong.verdict is not None else None

    def text(self, language: str = "en") -> str:
        """The report, a line for each part, in English (en) or Persian (fa)."""
        if language not in ("en", "fa"):
            raise DomainError(f"there is no report in {language!r}", hint="en or fa")
        return "\n".join(piece for line in self.lines for piece in _told(line, language))


def _told(line: Line, language: str) -> Iterator[str]:
    """What is said of one part: the verdict, and the mistake or the reason."""
    said = [_verdict_on(line), *_reasons(line, language)]
    yield from map(in_persian, said) if language == "fa" else said


def _reasons(line: Line, language: str) -> Iterator[str]:
    if line.correct is True or line.follows_wrong:
        return
    if line.verdict is not None and line.verdict.misconceptions:
        titles = (MISTAKES[i].title.fa for i in line.verdict.details if i in MISTAKES)
        yield f"  {' و '.join(titles) if language == 'fa' else ' and '.join(line.verdict.misconceptions)}"
    elif line.message:
        message = line.verdict.explained_in("fa") if language == "fa" and line.verdict is not None else line.message
        yield f"  {message.splitlines()[0]}"


def _verdict_on(line: Line) -> str:
    if line.correct:
        return f"line {line.number}: {'names a part' if line.kind == 'definition' else 'follows'}"
    if line.correct is None:
        return f"line {line.number}: not judged: {line.text}"
    if line.follows_wrong:
        return f"line {line.number}: follows from the part before it, which is wrong"
    return f"line {line.number}: does not follow: {line.text}"


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


@dataclass(frozen=True, slots=True)
class _Target:
    """What a chain should be: the function, a differential of `whole`, or a derivative that `case` judges.

    A derivative by a part has no case of its own: `wanted` is its value.
    """

    kind: Kind
    whole: View | None = None
    case: Case | None = None
    wanted: View | None = None
    left: str = ""


@dataclass
class _Checker:
    """The state while reading: the names of parts, what the chain should be, and the part before."""

    derivative: Derivative
    seed: int
    target: _Target = _Target("value")
    before: tuple[_Target, View, bool] | None = None
    parts: dict[str, View] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.case = Case(self.derivative, {}, self.seed)
        views = self.derivative.scope.views
        inner = (n for n in self.source.assigned if n not in (self.derivative.of, *self.derivative.wrt))
        self.parts.update({n: views[n] for n in inner})
        self.given = {*self.parts}

    def checked(self, text: str) -> Iterator[Line]:
        for number, written in enumerate(_LINE_END.split(text), 1):
            plain = normalised_line(_DIFFERENTIAL_SIGN.sub("d", written), self._views())
            if _FORMULA.search(plain) and not plain.startswith(("#", "%", "//")):
                yield from self._of_chain(number, [p.strip() for p in split_at_equals(plain)])

    def _of_chain(self, number: int, chain: list[str]) -> Iterator[Line]:
        left, *rest = chain
        claimed = rest
        if left and rest:
            before, self.target = self.target, self._target(left)
            self.before = self.before if self.target.kind == before.kind and self.target.whole is before.whole else None
            if self.target.kind == "definition":
                yield self._defined(number, left, rest[0])
                claimed, self.target = rest[1:], _Target("definition", self.parts.get(left))
            elif not self._is_label(left):
                claimed, self.target = chain, self._alone(left)
        elif left:
            claimed, self.target = chain, self._alone(left)
        for part in filter(None, claimed):
            yield self._judged(number, part)

    # --- what a left hand side is

    def _is_label(self, left: str) -> bool:
        return self.target.left != "" or is_name(left.partition("(")[0].strip()) or _ENTRY.fullmatch(left) is not None

    def _target(self, left: str) -> _Target:
        known = self.source.views
        if left not in known and (is_label(left) or _LETTER_FOR_IT.match(left)):
            return self._derivative(left)
        found = _DIFFERENTIAL.match(left)
        if found is not None and left not in known and left[1:].strip() not in self._changed_names():
            return _Target("differential", self._whole(found[1] or found[2], found[1] is None), left=left)
        if found is not None and left[1:].strip() in self.parts:
            return _Target("differential", self.parts[left[1:].strip()], left=left)
        if _OF_IT.search(left) and not is_name(left):
            return _Target("differential", self.derivative.output, wanted=self._read(left)[0], left=left)
        if self._mentions_changes(left):
            return _Target("differential", self.derivative.output)
        if is_name(left) and left not in known and left not in _FUNCTION_NAMES:
            return _Target("definition", left=left)
        if left in self.parts:
            return _Target("definition", left=left) if left not in self.given else _Target("value", self.parts[left])
        return _Target("value")

    def _whole(self, inner: str, expression: bool) -> View:
        """Of what `d...` is the differential: of a part, of an expression, else of the function."""
        if inner in self.parts:
            return self.parts[inner]
        named = _OF_FUNCTION.fullmatch(inner)
        if expression and (named is None or find(named[1]) is not None):
            try:
                return self._read(inner)[0]
            except SymgradError:
                pass
        return self.derivative.output

    def _derivative(self, left: str) -> _Target:
        """The derivative that a label names: of the function, or of a part, by the variable or by another name."""
        above, below = _names_of(left)
        main = above not in self.parts and below in (None, self.derivative.wrt[-1])
        if main or below is None:
            return _Target("derivative", case=self.case, left=left)
        source = self.source
        own = above in source.assigned or above not in self.parts
        if own and below in source.views:
            of = above if above in source.assigned else self.derivative.of
            try:
                derived = derive(source, of, below, layout=self._layout(), vec=self.derivative.vec)
                return _Target("derivative", case=Case(derived, {}, self.seed), left=left)
            except SymgradError:
                return _Target("unread", left=left)
        wanted = self._by_part(above, below)
        return _Target("derivative", wanted=wanted, left=left) if wanted is not None else _Target("unread", left=left)

    def _layout(self) -> str:
        return self.derivative.layout if self.derivative.layout != "gradient" else "mixed"

    def _by_part(self, above: str | None, below: str) -> View | None:
        """d above / d below, where one is a part that occurs in the other as it stands; else None."""
        views = self._views()
        upper = self.parts.get(above, self.derivative.output) if above is not None else self.derivative.output
        lower_view = views.get(below)
        if lower_view is None or upper.node.rank + lower_view.node.rank > 2:
            return None
        if not any(n is lower_view.node for n in walk(upper.node)):
            return None
        put = Input.make(f" {below}", lower_view.node.shape)
        derived = differentiate(present(upper.node, {lower_view.node: put}), put, LOGARITHM)
        back = present(derived, {put: lower_view.node})
        turned = self._layout() == ("numerator" if upper.node.rank == 0 else "denominator")
        rows = upper.node.rank if upper.node.rank else lower_view.rows
        found = View(back, min(rows, back.rank))
        return _turned(found) if turned else found

    def _alone(self, text: str) -> _Target:
        """What a formula without a left hand side is: by the changes in it, else by its shape."""
        if self._mentions_changes(text):
            return _Target("differential", self.target.whole or self.derivative.output)
        try:
            said = self._read(text)[0]
        except SymgradError:
            return self.target
        wanted = self.case.arranged(self.derivative)
        fitting = {"derivative": same_sizes(said, wanted), "value": same_sizes(said, self.derivative.output)}
        if fitting.get(self.target.kind):
            return self.target
        return _Target("value") if fitting["value"] else _Target("derivative", case=self.case)

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
            self.parts[name] = self._read(text)[0]
        except SymgradError as error:
            return Line(number, text, "unread", None, message=error.message)
        return Line(number, text, "definition", True)

    def _judged(self, number: int, text: str) -> Line:
        target = self.target
        if target.kind == "unread":
            return Line(number, text, "unread", None, message=f"nothing says what {target.left} should be")
        try:
            views = self._read(text, target.left)
            verdicts = [self._verdict(target, v) for v in views]
        except ShapeError as error:
            return Line(number, text, target.kind, False, self._of_no_shape(text, error), error.message)
        except SymgradError as error:
            return Line(number, text, "unread", None, message=error.message)
        chosen = next((i for i, v in enumerate(verdicts) if v.correct), 0)
        said, verdict = views[chosen], verdicts[chosen]
        follows = False
        if verdict.correct is False and self.before is not None:
            goal, earlier, was_right = self.before
            follows = goal.kind == target.kind and not was_right and self._same(said, earlier)
        self.before = (target, said, verdict.correct is not False)
        return Line(number, text, target.kind, verdict.correct, verdict, verdict.explanation, follows)

    def _of_no_shape(self, text: str, error: ShapeError) -> Verdict:
        if self.target.case is not None and not any(name in text for name in self.parts):
            return self.target.case.judge(text)
        return Verdict(False, "shapes", explanation=str(error))

    def _verdict(self, target: _Target, said: View) -> Verdict:
        if target.kind != "differential" and self._has_change(said):
            return Verdict(False, "shapes", explanation=f"there is no d{self.derivative.wrt[-1]} in a {target.kind}")
        if target.case is not None:
            verdict = target.case.judged(self._closed(said))
            return verdict if target.case is self.case else _in_either_layout(verdict)
        if target.kind == "differential" and target.wanted is not None:
            by = self._change(self.derivative.variables[-1], self.derivative.wrt[-1]).node
            first, second = (View(differentiate(v.node, by, LOGARITHM), v.rows) for v in (said, target.wanted))
            return self._compared(first, second, f"this is not {target.left}")
        if target.kind == "differential":
            return self._verdict_on_differential(said, target.whole or self.derivative.output)
        wanted = target.wanted or target.whole or self.derivative.output
        what = "the function" if wanted is self.derivative.output else target.left or "the part that was named"
        return self._compared(said, wanted, f"this is not {what}")

    def _has_change(self, view: View) -> bool:
        return any(isinstance(n, Input) and n.name == f"d{self.derivative.wrt[-1]}" for n in walk(view.node))

    def _closed(self, view: View) -> View:
        return View(self.case.closed(view.node), view.rows)

    def _compared(self, said: View, wanted: View, why: str) -> Verdict:
        """Whether two readings are equal: proved, or at every sample."""
        if not same_sizes(said, wanted):
            return Verdict(False, "shapes", explanation=f"this is {said.describe()}, not {wanted.describe()}")
        said, wanted = self._closed(said), self._closed(wanted)
        if proved(said, wanted):
            return Verdict(True, "normal form", "symbolic")
        if same_in_field(said, wanted, self.source):
            return Verdict(True, "prime field", "symbolic")
        for point in self.case.points:
            answer, truth = self.case.values([said, wanted], point)
            if not equal(answer, truth):
                return Verdict(False, "samples", explanation=why, witness=difference(answer, truth, point))
        return Verdict(True, "samples", "numeric")

    def _same(self, a: View, b: View) -> bool:
        try:
            return same_sizes(a, b) and bool(self._compared(a, b, ""))
        except (SymgradError, KeyError):
            return a.node is b.node

    def _verdict_on_differential(self, said: View, whole: View) -> Verdict:
        """A differential is linear in the change: its derivative by the change is the claimed derivative."""
        change = self._change(self.derivative.variables[-1], self.derivative.wrt[-1])
        claimed = present(differentiate(said.node, change.node, LOGARITHM))
        rest = present(said.node, {change.node: zero(change.node.shape)})
        if any(n is change.node for n in walk(claimed)) or not is_zero(rest):
            return Verdict(False, "shapes", explanation=f"a differential is linear in d{self.derivative.wrt[-1]}")
        if not same_sizes(said, whole):
            return Verdict(False, "shapes", explanation=f"this is {said.describe()}, its whole {whole.describe()}")
        if whole is self.derivative.output and self.derivative.node.rank <= 2:
            return self.case.judged(self.case.view(claimed))
        variable = self.derivative.variables[-1].node
        wanted = View(differentiate(whole.node, variable, LOGARITHM), whole.rows)
        name = next((n for n, v in self.parts.items() if v is whole), "what stands on the left")
        return self._compared(View(claimed, whole.rows), wanted, f"this is not the differential of {name}")

    # --- reading

    def _views(self) -> dict[str, View]:
        return {**self.derivative.scope.views, **self.parts}

    def _change(self, view: View, name: str) -> View:
        return View(Input.make(f"d{name}", view.node.shape), view.rows)

    def _read(self, text: str, left: str = "") -> tuple[View, ...]:
        """A part's meanings: names of parts, changes, and d(...) put in."""
        variable = self.derivative.wrt[-1]
        views = self._views()
        views[f"d{variable}"] = self._change(self.derivative.variables[-1], variable)
        for name, part in (*self.parts.items(), *((n, self.derivative.output) for n in self._names_of_it())):
            views.setdefault(f"d{name}", self._differential(part))
        plain = self._without_differentials(text, views)
        return read_answer(plain, self._scope(views), left, self._shape_wanted()).views

    def _names_of_it(self) -> tuple[str, ...]:
        return (self.derivative.of, *(n for n in _FUNCTION_NAMES if n not in self.source.views and n not in self.parts))

    def _shape_wanted(self) -> Shape:
        return self.derivative.node.shape if self.target.case is self.case else ()

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
        """`d(...)` and `d tr(...)` replaced by a name for that differential, `d x` by the change."""
        text = _SPACED.sub(lambda m: f"d{m[1]}" if m[1] in self._changed_names() else m[0], text)
        text = _with_parentheses(text)
        while (found := re.search(r"\bd\s*\(", text)) is not None:
            end = _closing(text, found.end())
            inner = self._without_differentials(text[found.end() : end], views)
            name = f"differential{len(views)}"
            views[name] = self._differential(read_answer(inner, self._scope(views)).views[0])
            text = f"{text[: found.start()]}{name}{text[end + 1 :]}"
        return text


def _with_parentheses(text: str) -> str:
    """`d tr(X)` as `d(tr(X))`."""
    while (found := _OF_CALL.search(text)) is not None:
        end = _closing(text, found.end())
        text = f"{text[: found.start()]}d({found[1]}{text[found.end() - 1 : end + 1]}){text[end + 1 :]}"
    return text


def _names_of(left: str) -> tuple[str | None, str | None]:
    """The names above and below in a label such as `dL/dW` or `\\frac{\\partial L}{\\partial W}`."""
    plain = re.sub(r"\\(?:mathbf|boldsymbol|bm|mathrm)\s*\{(\w+)\}", r"\1", left)
    found = _QUOTIENT.search(plain) or _GRADIENT_BY.search(plain)
    if found is None:
        return None, None
    groups = found.groupdict()
    return groups.get("above") or None, groups.get("below") or None


def _in_either_layout(verdict: Verdict) -> Verdict:
    """A factor of a chain rule may be a row or a column: only what is asked for has a layout."""
    if verdict.correct is False and verdict.misconceptions in (("transposed",), ("wrong layout",)):
        return Verdict(True, "samples", "numeric", expected=verdict.expected, notes=("in another layout",))
    return verdict


def _turned(view: View) -> View:
    """The transpose."""
    if view.node.rank == 2:
        return View(permuted(view.node, (1, 0)), 1)
    return View(view.node, view.node.rank - view.rows)


def _closing(text: str, start: int) -> int:
    depth = 1
    for at in range(start, len(text)):
        depth += {"(": 1, ")": -1}.get(text[at], 0)
        if depth == 0:
            return at
    raise ParseError("this '(' is not closed", text=text, span=(start - 1, start))
