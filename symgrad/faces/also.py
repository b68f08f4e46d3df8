"""What a request may want besides the documented object: `"also": ["numpy", "mathml"]`.

Each is given under its name in the field `also` of the result; one that this derivative does not have is its error,
`{"error": ...}`, and the others are there all the same.

>>> from symgrad.derivation import derivative
>>> also_of_derivative(derivative("x'*A*x", "x"), (), wanted(["answer", "remarks"]))["answer"]
"d/dx = (A + A')*x"
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from symgrad.errors import ParseError, SymgradError, UnknownNameError, did_you_mean
from symgrad.faces.options import error_fields

if TYPE_CHECKING:
    from symgrad.bank.content import Language
    from symgrad.derivation import Derivative
    from symgrad.programs import Program
    from symgrad.steps import Step
    from symgrad.verification.answers import Verdict

CODE = ("numpy", "jax", "torch")
BOTH: tuple[Language, ...] = ("en", "fa")
ALSO = ("answer", "remarks", "mathml", "check", "sentences", "mistakes", *CODE)


def wanted(given: Any) -> tuple[str, ...]:
    """The names in a request.  Raises ParseError, UnknownNameError."""
    if not isinstance(given, list | tuple) or not all(isinstance(name, str) for name in given):
        raise ParseError("'also' is a list of names", hint=", ".join(ALSO))
    for name in given:
        if name not in ALSO:
            raise UnknownNameError(f"there is no {name!r} to be had also", hint=did_you_mean(name, ALSO))
    return tuple(dict.fromkeys(given))


def also_of_derivative(result: Derivative, worked: Sequence[Step], names: Iterable[str]) -> dict[str, Any]:
    """answer: the lines that the command prints; remarks; mathml, of the result and of every step; check; code.

    sentences: what is said of every step, in every language, as a list of words and MathML in turn.
    """
    return {name: _or_error(lambda name=name: _of_derivative(result, worked, name)) for name in names}  # type: ignore[misc]


def _of_derivative(result: Derivative, worked: Sequence[Step], name: str) -> Any:
    from symgrad.faces.show import answer_line, remarks

    if name in CODE:
        return result.source(name)
    if name == "answer":
        return answer_line(result)
    if name == "remarks":
        return remarks(result)
    if name == "check":
        return result.check().to_json()
    if name == "mathml":
        from symgrad.bank.worked import answer_formula
        from symgrad.notation.mathml import mathml

        return {"result": mathml(answer_formula(result).latex), "steps": [mathml(step.latex()) for step in worked]}
    if name == "sentences":
        return [{language: _sentence(step, language) for language in BOTH} for step in worked]
    raise UnknownNameError(f"a derivative has no {name!r}")


def _sentence(step: Step, language: Language) -> list[str]:
    from symgrad.bank.worked import reason
    from symgrad.notation.mathml import mathml

    pieces = reason(step, language).split("$")
    return [mathml(piece, display=False) if i % 2 else piece for i, piece in enumerate(pieces)]


def also_of_verdict(verdict: Verdict, source: Program, names: Iterable[str]) -> dict[str, Any]:
    """remarks: how the question was read; mistakes: title, explanation and advice in every language."""
    return {name: _or_error(lambda name=name: _of_verdict(verdict, source, name)) for name in names}  # type: ignore[misc]


def _of_verdict(verdict: Verdict, source: Program, name: str) -> Any:
    if name == "remarks":
        from symgrad.faces.show import reading

        return reading(source)
    if name == "mistakes":
        return _mistakes(verdict.misconceptions)
    raise UnknownNameError(f"a verdict has no {name!r}")


def _mistakes(ids: Sequence[str]) -> list[dict[str, Any]]:
    from symgrad.verification.mistakes import MISTAKES

    return [
        {"id": record.id} | {part: {"en": said.en, "fa": said.fa} for part, said in parts.items()}
        for record in (MISTAKES[i] for i in ids if i in MISTAKES)
        for parts in [{"title": record.title, "explanation": record.explanation, "again": record.again}]
    ]


def _or_error(found: Callable[[], Any]) -> Any:
    try:
        return found()
    except SymgradError as error:
        return {"error": error_fields(error)}
