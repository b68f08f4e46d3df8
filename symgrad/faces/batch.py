"""Many requests at once: one JSON object a line in, one a line out, in the same order.

A request is `{"expression": ..., "wrt": ...}` with the options of `derive` by their names; with `answer` it is
a `check`.  `id` is given back, `also` names what is wanted besides (see `also`).  A request that cannot be used
answers with its error and harms no other.

>>> import json
>>> found = answered('{"id": 1, "expression": "x\\'*x", "wrt": "x"}')
>>> found["id"], found["text"]
(1, '2*x')
"""

from __future__ import annotations

import json
from typing import Any

from symgrad.errors import LimitError, ParseError, SymgradError, UnknownNameError, did_you_mean
from symgrad.faces.also import also_of_derivative, also_of_verdict, wanted
from symgrad.faces.options import TEXT_LIMIT, error_fields

LINE_LIMIT = 4 * TEXT_LIMIT  # characters of a request
_OPTIONS = ("where", "of", "layout", "vec", "structure", "infer")
_KNOWN = ("id", "expression", "wrt", "answer", "steps", "also", *_OPTIONS)
_TEXTS = ("expression", "answer", "where")  # what errors can point into


def answered(line: str, kind: str | None = None) -> dict[str, Any]:
    """The result of one request, or `{"error": ...}`; it must be of this kind, "derive" or "check", if one is given."""
    request: dict[str, Any] = {}
    try:
        request = _request(line)
        _check_kind(request, kind)
        fields = _fields(request)
    except SymgradError as error:
        fields = {"error": {**error_fields(error), **_place(error, request)}}
    except (TypeError, AttributeError) as error:  # a value of the wrong JSON type
        fields = {"error": error_fields(ParseError(f"a value of the request is of the wrong type: {error}"))}
    return {"id": request["id"], **fields} if "id" in request else fields


def _place(error: SymgradError, request: dict[str, Any]) -> dict[str, Any]:
    """In which text of the request the column is, and how many characters are at fault; empty where there is none."""
    if error.text is None or error.span is None:
        return {}
    found = next((name for name in _TEXTS if request.get(name) == error.text), None)
    return {"in": found, "length": max(1, error.span[1] - error.span[0])} if found else {}


def _check_kind(request: dict[str, Any], kind: str | None) -> None:
    if kind == "check" and "answer" not in request:
        raise ParseError("the request has no 'answer'")
    if kind == "derive" and "answer" in request:
        raise UnknownNameError("a request to derive has no field 'answer'", hint="answers are judged by 'check'")


def _request(line: str) -> dict[str, Any]:
    if len(line) > LINE_LIMIT:
        raise LimitError(f"a request has more than {LINE_LIMIT} characters")
    try:
        request = json.loads(line)
    except (json.JSONDecodeError, RecursionError) as error:
        raise ParseError(f"this line is no JSON object: {error}") from None
    if not isinstance(request, dict):
        raise ParseError("a request is a JSON object", hint='{"expression": "x\'*x", "wrt": "x"}')
    for key in request:
        if key not in _KNOWN:
            raise UnknownNameError(f"a request has no field {key!r}", hint=did_you_mean(key, _KNOWN))
    for key in ("expression", "wrt"):
        if key not in request:
            raise ParseError(f"the request has no {key!r}")
    return request


def _fields(request: dict[str, Any]) -> dict[str, Any]:
    options = {key: request[key] for key in _OPTIONS if key in request}
    also = wanted(request.get("also", ()))
    if "answer" in request:
        return _judged(request, options, also)
    from symgrad.derivation import derivative
    from symgrad.faces.show import derivative_fields
    from symgrad.steps import steps

    result = derivative(request["expression"], request["wrt"], **options)
    worked = steps(result, request["steps"]) if "steps" in request else None
    fields = derivative_fields(result, worked)
    return {**fields, "also": also_of_derivative(result, worked or (), also)} if also else fields


def _judged(request: dict[str, Any], options: dict[str, Any], also: tuple[str, ...]) -> dict[str, Any]:
    from symgrad.programs import program
    from symgrad.verification.answers import check_answer

    source = program(request["expression"], options.pop("where", None), infer=options.pop("infer", False))
    verdict = check_answer(source, request["wrt"], answer=request["answer"], **options)
    fields = verdict.to_json()
    return {**fields, "also": also_of_verdict(verdict, source, also)} if also else fields
