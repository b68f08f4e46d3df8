"""Many requests at once: one JSON object a line in, one a line out, in the same order.

A request is `{"expression": ..., "wrt": ...}` with the options of `derive` by their names; with `answer` it is
a `check`.  `id` is given back.  A request that cannot be used answers with its error and harms no other.

>>> import json
>>> found = answered('{"id": 1, "expression": "x\\'*x", "wrt": "x"}')
>>> found["id"], found["text"]
(1, '2*x')
"""

from __future__ import annotations

import json
from typing import Any

from symgrad.errors import LimitError, ParseError, SymgradError, UnknownNameError, did_you_mean
from symgrad.faces.options import TEXT_LIMIT, error_fields

LINE_LIMIT = 4 * TEXT_LIMIT  # characters of a request
_OPTIONS = ("where", "of", "layout", "vec", "structure", "infer")
_KNOWN = ("id", "expression", "wrt", "answer", "steps", *_OPTIONS)


def answered(line: str) -> dict[str, Any]:
    """The result of one request, or `{"error": ...}`."""
    request: dict[str, Any] = {}
    try:
        request = _request(line)
        fields = _fields(request)
    except SymgradError as error:
        fields = {"error": error_fields(error)}
    except (TypeError, AttributeError) as error:  # a value of the wrong JSON type
        fields = {"error": error_fields(ParseError(f"a value of the request is of the wrong type: {error}"))}
    return {"id": request["id"], **fields} if "id" in request else fields


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
    if "answer" in request:
        from symgrad.verification.answers import check_answer

        options.pop("infer", None)
        return check_answer(request["expression"], request["wrt"], answer=request["answer"], **options).to_json()
    from symgrad.derivation import derivative
    from symgrad.faces.show import derivative_fields
    from symgrad.steps import steps

    result = derivative(request["expression"], request["wrt"], **options)
    return derivative_fields(result, steps(result, request["steps"]) if "steps" in request else None)
