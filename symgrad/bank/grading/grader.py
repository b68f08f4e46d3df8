"""One distinct answer to one question -> what is said of it.  Nothing here knows students, points or files.

Formulas are judged by the ladder of `verification.answers`; the mistaken answers to a question are computed once
and serve all answers to it.  Numbers, chains, places and forms go to the judges of printed answers.  Whatever an
answer does, a verdict comes back: faults of form are told to the student, faults of the question and of symgrad to
the teacher.

>>> from symgrad.bank.exercise import Bilingual, DerivativeQuestion, Problem
>>> text = Bilingual(en="", fa="")
>>> quadratic = DerivativeQuestion(
...     id="k", text=text, finding=(), note=None, problem=Problem("x: R^n; A: R^{n x n}", "x'*A*x", {}), of=None,
...     wrt=("x",), layout="gradient", vec=None, printed=None, show=())
>>> grader = Grader()
>>> grader.graded(quadratic, "2*A*x").mistakes, grader.graded(quadratic, "(A+A'*x").verdict
(('assumed symmetric',), 'unreadable')
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from symgrad.bank.exercise import (
    ChainQuestion,
    CodeQuestion,
    DerivativeQuestion,
    FlatteningQuestion,
    GradientValueQuestion,
    GraphQuestion,
    LawQuestion,
    Question,
    StructureQuestion,
    ValueQuestion,
)
from symgrad.bank.grading.definition import definition
from symgrad.bank.grading.keys import fingerprint, too_long
from symgrad.bank.grading.outcome import BLANK, LAYOUT, RIGHT, SHAPE, UNREADABLE, UNRESOLVED, WRONG, Outcome
from symgrad.bank.grading.typed import chain, form, gradients, numbers
from symgrad.bank.judged import WRONG as UNNAMED
from symgrad.bank.judged import Judged, program_of
from symgrad.bank.judges import judge_chain, judge_gradient_value, judge_value, upstream
from symgrad.bank.judges_of_code import judge_code
from symgrad.bank.judges_of_form import judge_flattening, judge_structure
from symgrad.bank.judges_of_graphs import judge_graph
from symgrad.bank.judges_of_laws import judge_law
from symgrad.derivation import derive
from symgrad.errors import LimitError, ParseError, ShapeError, SymgradError, UnknownNameError
from symgrad.programs import Program
from symgrad.verification.answers import Case
from symgrad.verification.staged import check_staged
from symgrad.verification.verdict import Verdict

MOST_CASES = 32  # questions whose mistaken answers are kept at a time
DECIMALS = 2  # of numbers, where a question does not say
NOT_A_TEXT = "an answer to this kind of question is no text that can be judged"
TOO_LONG = "the answer is too long to read"

_UNREADABLE = (ParseError, UnknownNameError, LimitError)
_ARRIVING = re.compile(r"\bgrad_([^\W\d]\w*)")
_GRADIENT_LINE = re.compile(r"\s*(?:grad_|d_|d)?(\w+)\s*\+?=(?!=)")


_EXACT = re.compile(r"\bexact is\b|\bof the derivative\b|\bthe formula says\b")


class BadQuestion(Exception):
    """The question itself cannot be judged; the message says why."""


class Grader:
    """Grades answers; keeps what a question's answers share."""

    def __init__(self) -> None:
        self.cases: OrderedDict[tuple[str, tuple[str, ...]], Case] = OrderedDict()

    def graded(self, question: Question, answer: str) -> Outcome:
        """The outcome of a plain answer; never raises but for faults of the machine."""
        if not answer:
            return Outcome(BLANK)
        if too_long(answer):
            return Outcome(UNREADABLE, "length", feedback=TOO_LONG)
        try:
            return self._judged(question, answer)
        except BadQuestion as fault:
            return Outcome(UNRESOLVED, "question", feedback=f"the question cannot be judged: {fault}")
        except ShapeError as error:
            return Outcome(SHAPE, "shapes", feedback=str(error))
        except _UNREADABLE as error:
            return Outcome(UNREADABLE, _kind_of(error), feedback=str(error))
        except SymgradError as error:
            return Outcome(UNRESOLVED, "unresolved", feedback=str(error))
        except (MemoryError, RecursionError) as error:
            return unresolved(f"judging it takes more than is granted ({type(error).__name__})")
        except Exception as error:  # a fault of ours costs one answer, not the class
            return unresolved(f"a fault in symgrad: {type(error).__name__}: {' '.join(str(error).split())[:200]}")

    def _judged(self, question: Question, answer: str) -> Outcome:
        judges: Sequence[tuple[type[Question], Callable[[Any, str], Outcome]]] = (
            (DerivativeQuestion, self._derivative),
            (ValueQuestion, _value),
            (GradientValueQuestion, _value),
            (ChainQuestion, lambda q, text: _of_print(judge_chain(replace(q, printed=chain(text))))),
            (StructureQuestion, lambda q, text: _of_print(judge_structure(replace(q, printed=form(text))))),
            (FlatteningQuestion, _place),
            (CodeQuestion, lambda q, text: _of_print(judge_code(replace(q, printed=text)))),
            (LawQuestion, _law),
            (GraphQuestion, _graph),
        )
        for kind, judging in judges:
            if isinstance(question, kind):
                return judging(question, answer)
        return Outcome(UNRESOLVED, "question", feedback=f"{NOT_A_TEXT}: {question.kind}")

    # --- formulas

    def _derivative(self, question: DerivativeQuestion, answer: str) -> Outcome:
        source = _program(question)
        if _is_staged(answer, source):
            return _of_staged(question, source, answer)
        arriving = tuple(dict.fromkeys(n for n in _ARRIVING.findall(answer) if f"grad_{n}" not in source.views))
        if unknown := [n for n in arriving if n not in source.views]:
            raise UnknownNameError(f"grad_{unknown[0]}: there is no {unknown[0]}")
        return _of_verdict(self._case(question, source, arriving).judge(answer))

    def _case(self, question: DerivativeQuestion, source: Program, arriving: tuple[str, ...]) -> Case:
        key = fingerprint(definition(question)), arriving
        case = self.cases.pop(key, None)
        if case is None:
            case = _derived(question, source, arriving)
        self.cases[key] = case  # the latest comes last
        if len(self.cases) > MOST_CASES:
            self.cases.popitem(last=False)
        return case


def unresolved(reason: str) -> Outcome:
    """An answer that a person must look at."""
    return Outcome(UNRESOLVED, "unresolved", feedback=reason)


def _kind_of(error: SymgradError) -> str:
    return "names" if isinstance(error, UnknownNameError) else "length" if isinstance(error, LimitError) else "syntax"


def _program(question: Any) -> Program:
    try:
        return program_of(question.problem)
    except SymgradError as error:
        raise BadQuestion(error) from None


def _derived(question: DerivativeQuestion, source: Program, arriving: tuple[str, ...]) -> Case:
    """The question's derivative; where gradients arrive from behind, that of the program which ends there."""
    try:
        of = question.of
        if arriving:
            source, of = upstream(source, arriving), None
        vec = question.vec or "column"
        return Case(derive(source, of, list(question.wrt), layout=question.layout, vec=vec), {})
    except SymgradError as error:
        raise BadQuestion(error) from None


def _of_verdict(verdict: Verdict) -> Outcome:
    kind = SHAPE if verdict.rung == "shapes" else WRONG
    if verdict.correct is not False:
        kind = RIGHT if verdict.correct else UNRESOLVED
    elif verdict.layout is not None:
        kind = LAYOUT
    return Outcome(
        verdict=kind,
        rung=verdict.rung,
        proof=verdict.proof,
        mistakes=verdict.misconceptions,
        details=verdict.details,
        alternatives=verdict.alternatives,
        layout=verdict.layout,
        feedback=str(verdict.explanation),
        feedback_fa=verdict.explained_in("fa"),
        witness=str(verdict.witness) if verdict.witness is not None else "",
        reading=verdict.notes,
        expected=verdict.expected,
    )


# --- a backward pass in code ------------------------------------------------------------------


def _is_staged(answer: str, source: Program) -> bool:
    """Several lines, each of which assigns, and some of which assign gradients of the program's names."""
    lines = answer.splitlines()
    found = [_GRADIENT_LINE.match(line) for line in lines]
    return len(lines) > 1 and all(found) and any(m and m[1] in source.views and m[0][:1] == "g" for m in found)


def _of_staged(question: DerivativeQuestion, source: Program, answer: str) -> Outcome:
    report = check_staged(source, answer, question.of)
    if report.correct:
        asked = {f"{prefix}{name}" for name in question.wrt for prefix in ("grad_", "d_", "d")}
        if not asked & {line.target for line in report.lines}:
            return Outcome(WRONG, "lines", feedback=f"the gradient of {question.wrt[0]} is not computed")
        return Outcome(RIGHT, "lines", "symbolic")
    mistake = report.misconception
    ids = (mistake,) if mistake is not None else ()
    verdict = WRONG if report.correct is False else UNRESOLVED
    return Outcome(verdict, "lines", mistakes=ids, details=ids, feedback=report.text())


# --- everything else --------------------------------------------------------------------------


def _of_print(judged: Judged) -> Outcome:
    """The outcome of an answer that was judged as if it were printed."""
    if judged.right:
        return Outcome(RIGHT, "witnesses", "numeric", feedback="")
    ids = tuple(f for f in judged.findings if f != UNNAMED)
    lines = judged.detail.splitlines()
    exact = [line for line in lines if _EXACT.search(line)]  # it gives the right number away
    feedback = "\n".join(line for line in lines if line not in exact)
    return Outcome(WRONG, "witnesses", mistakes=ids, details=ids, feedback=feedback, witness="\n".join(exact))


def _place(question: FlatteningQuestion, answer: str) -> Outcome:
    return _of_print(judge_flattening(replace(question, printed=answer.partition("=")[2] or answer)))


def _law(question: LawQuestion, answer: str) -> Outcome:
    """The gradients at the inputs that the question names, each by its name."""
    said = {_asked_name(n, question): value for n, value in gradients(answer).items()}
    for name in said:
        if name not in question.gradients:
            raise UnknownNameError(f"the gradient of {name} is not asked for", hint=", ".join(question.gradients))
    for name in question.gradients:
        if name not in said:
            return Outcome(WRONG, "witnesses", feedback=f"the gradient of {name} is asked for too")
    return _of_print(judge_law(replace(question, gradients=said)))


def _asked_name(name: str, question: LawQuestion) -> str:
    """`dx` is the gradient of x, unless something is called dx."""
    short = name.removeprefix("d")
    return short if name not in question.gradients and short in question.gradients else name


def _graph(question: GraphQuestion, answer: str) -> Outcome:
    """The nodes as lines; a drawing is left to a person."""
    if "=" not in answer:
        return Outcome(UNRESOLVED, "question", feedback=f"{NOT_A_TEXT}: {question.kind}")
    return _of_print(judge_graph(question, answer))


def _value(question: ValueQuestion | GradientValueQuestion, answer: str) -> Outcome:
    """Numbers; a column written as a row, or as a matrix with one column, is the same."""
    decimals = DECIMALS if question.decimals is None else question.decimals
    said = np.asarray(numbers(answer), dtype=float)
    asked = replace(question, decimals=decimals)
    judged = _judge_array(asked, said)
    if judged.detail.startswith("wrong shape"):
        return _other_shape(asked, said, judged)
    if not judged.right and said.ndim == 2 and said.shape[0] == said.shape[1] and _judge_array(asked, said.T).right:
        return _transposed()
    return _of_print(judged)


def _other_shape(question: ValueQuestion | GradientValueQuestion, said: Any, judged: Judged) -> Outcome:
    squeezed = np.squeeze(said)
    for array in (squeezed, said.reshape(-1, 1), said.reshape(1, -1)):
        if array.shape != said.shape and sorted(_sides(array)) == sorted(_sides(said)):
            again = _judge_array(question, array)
            if not again.detail.startswith("wrong shape"):
                return _of_print(again)
    if said.ndim == 2 and min(said.shape) > 1 and _judge_array(question, said.T).right:
        return _transposed()
    return Outcome(SHAPE, "shapes", feedback=judged.detail)


def _sides(array: Any) -> list[int]:
    return [n for n in array.shape if n != 1]


def _transposed() -> Outcome:
    ids = ("transposed",)
    return Outcome(LAYOUT, "numbers", mistakes=ids, details=ids, layout="the transposed arrangement")


def _judge_array(question: ValueQuestion | GradientValueQuestion, said: Any) -> Judged:
    printed = said.tolist()
    if isinstance(question, ValueQuestion):
        return judge_value(replace(question, printed=printed))
    return judge_gradient_value(replace(question, printed=printed))
