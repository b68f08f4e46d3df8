"""The mathematics of a question as plain data: what workers get, and what a verdict's key is made of.

Sentences, notes and prints are left out: they may be changed, and the verdicts still hold.

>>> from symgrad.bank.exercise import Bilingual, FlatteningQuestion
>>> text = Bilingual(en="", fa="")
>>> q = FlatteningQuestion(id="k", text=text, finding=(), note=None, shape=("n", "m"), order="row", printed="i")
>>> definition(q)
{'kind': 'flattening', 'shape': ['n', 'm'], 'order': 'row'}
>>> question_of(definition(q)).shape
('n', 'm')
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from types import MappingProxyType
from typing import Any

from symgrad.bank import exercise, training_questions
from symgrad.bank.exercise import Bilingual, Problem, Question
from symgrad.bank.training_questions import RunOf, ScheduleOf
from symgrad.errors import UnknownNameError

_NOT_ASKED = {"id", "text", "finding", "note", "printed", "show", "marks"}
_NOWHERE: dict[str, Any] = {
    "id": "asked", "text": Bilingual(en="", fa=""), "finding": (), "note": None, "printed": None, "show": (),
}  # fmt: skip
_KINDS: dict[str, type[Question]] = {
    found.kind: found
    for found in (*vars(exercise).values(), *vars(training_questions).values())
    if isinstance(found, type) and issubclass(found, Question) and hasattr(found, "kind")
}


def definition(question: Question) -> dict[str, Any]:
    """What is asked, as JSON."""
    asked = {f.name: _plain(getattr(question, f.name)) for f in fields(question) if f.name not in _NOT_ASKED}
    return {"kind": question.kind, **asked}


def _plain(value: Any) -> Any:
    if isinstance(value, Problem):
        return {"where": value.where, "formula": value.formula, "values": _plain(value.values)}
    if isinstance(value, RunOf | ScheduleOf | Bilingual):
        return {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    return [_plain(v) for v in value] if isinstance(value, tuple | list) else value


def question_of(asked: Mapping[str, Any]) -> Question:
    """The question again, without its sentences.  Raises UnknownNameError for a kind that there is not."""
    kind = _KINDS.get(asked["kind"])
    if kind is None:
        raise UnknownNameError(f"there is no kind of question {asked['kind']!r}")
    given: dict[str, Any] = {
        f.name: _value(f.name, asked) for f in fields(kind) if f.name in asked or f.name in _NOWHERE
    }
    missing = [f.name for f in fields(kind) if f.name not in given and f.default is MISSING]
    return kind(**{**given, **dict.fromkeys(missing)})


def _value(name: str, asked: Mapping[str, Any]) -> Any:
    if name not in asked:
        return _NOWHERE[name]
    if name == "problem":
        problem = asked[name]
        return Problem(problem["where"], problem["formula"], _frozen(problem["values"]))
    return _frozen(asked[name])


def _frozen(value: Any) -> Any:
    if isinstance(value, Mapping):
        return MappingProxyType({k: _frozen(v) for k, v in value.items()})
    return tuple(map(_frozen, value)) if isinstance(value, list) else value
