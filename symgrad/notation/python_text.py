"""Answers typed as Python: `2 * X.T @ (X @ w - y)`, `np.outer(s, s)`, `np.where(z > 0, 1, 0)` -> the text language.

Where a text says `@` or names a library its `*`, `/` and `**` act entry by entry, as they do in NumPy.  Calls
of methods and of functions of a library are written as the text language writes them; what has no
counterpart stays as it is, and the grammar says that it cannot be read.  Nothing is run.

>>> as_text("np.diag(s) - np.outer(s, s)")
"diag(s) - ((s)*(s)')"
>>> as_text("W.T @ (d * (1 - np.tanh(W @ x)**2))")
"W' * (d .* (1 - tanh(W * x).^2))"
"""

from __future__ import annotations

import re

from symgrad.errors import LimitError
from symgrad.operations.catalogue import find

CALLS = 200  # of functions of a library, in one answer
_LIBRARY = r"(?:np|numpy|jnp|jax|tf|torch|math|sp|scipy|F|nn)(?:\.(?:linalg|special|nn|functional|math|numpy))*"
_CALL = re.compile(rf"(?<![\w.])(?:{_LIBRARY}\.)(\w+)\s*\(")
_BARE = re.compile(r"(?<![\w.])([a-z]\w*)\s*\(")
_METHOD = re.compile(r"(?<=[\w)\]'])\.(dot|transpose|sum|mean|t|mm|matmul|trace|inverse|exp|log|tanh|sqrt|abs)\s*\(")
_CONSTANT = re.compile(rf"(?<![\w.]){_LIBRARY}\.pi\b")
_PYTHON = re.compile(rf"@|(?<![\w.]){_LIBRARY}\.\w|\.(?:dot|transpose|mm|matmul)\s*\(")
_TRANSPOSED = re.compile(r"\.T\b(?!\w)")
_FORMS = {
    "dot": "(({0})@({1}))", "matmul": "(({0})@({1}))", "mm": "(({0})@({1}))", "mv": "(({0})@({1}))",
    "outer": "(({0})@({1})')", "inner": "dot({0}, {1})", "vdot": "dot({0}, {1})", "multiply": "(({0}).*({1}))",
    "divide": "(({0})./({1}))", "add": "(({0})+({1}))", "subtract": "(({0})-({1}))", "negative": "(-({0}))",
    "power": "(({0}).^({1}))", "square": "(({0}).^2)", "reciprocal": "(1./({0}))", "transpose": "({0})'",
    "t": "({0})'", "T": "({0})'", "solve": "(inv({0})@({1}))", "maximum": "max({0}, {1})",
    "minimum": "min({0}, {1})", "norm": "norm2({0})", "expit": "sigmoid({0})", "heaviside": "[({0}) > 0]",
    "identity": "eye({0})", "sech": "(1./cosh({0}))", "csch": "(1./sinh({0}))", "sec": "(1./cos({0}))",
    "trans": "({0})'", "diagflat": "diag({0})", "inverse": "inv({0})", "absolute": "abs({0})",
}  # fmt: skip


def is_python(text: str) -> bool:
    """Whether the text is Python by its operators or its libraries."""
    return _PYTHON.search(text) is not None


def as_text(text: str) -> str:
    """The text language for a formula in NumPy's words; other texts as they are.  Raises LimitError."""
    python = is_python(text)
    if python:
        text = _TRANSPOSED.sub("'", _CONSTANT.sub("pi", text))
    for _ in range(CALLS):
        changed = _one_call(text)
        if changed is None:
            return _operators(text) if python else text.replace("@", "*")
        text = changed
    raise LimitError(f"an answer calls at most {CALLS} functions of a library")


def _one_call(text: str) -> str | None:
    """The text with its last call of a library or method rewritten; None where there is none."""
    bare = (c for c in _BARE.finditer(text) if c[1] in _FORMS and find(c[1]) is None)
    calls = [*_CALL.finditer(text), *_METHOD.finditer(text), *bare]
    if not calls:
        return None
    call = max(calls, key=lambda c: c.start(1))
    end = closing(text, call.end())
    if end is None:
        return None
    given = [a for a in _arguments(text[call.end() : end]) if not re.match(r"\s*(?:axis|dtype|keepdims|dim)\s*=", a)]
    start = call.start()
    if call.re is _METHOD:
        start = _operand_start(text, call.start())
        given = [text[start : call.start()], *given]
    return text[:start] + _written(call[1], given, text[call.end() : end]) + text[end + 1 :]


def _written(name: str, given: list[str], inside: str) -> str:
    if name == "where" and len(given) == 3:
        condition = given[0].strip()
        return f"([{condition}].*({given[1].strip()}) + (1-[{condition}]).*({given[2].strip()}))"
    if re.search(r"\b(?:axis|dim)\s*=", inside):
        return f"{name}_along_an_axis({inside})"
    form = _FORMS.get(name)
    if form is None:
        return f"{name}({', '.join(a.strip() for a in given)})"
    try:
        return form.format(*(a.strip() for a in given))
    except IndexError:
        return f"{name}({inside})"


def _operators(text: str) -> str:
    """`*` entry by entry and `@` as the product; a factor that is a number scales."""
    marks = {"**": ".^", "@": "*", "*": ".*", "/": "./"}
    return re.sub(r"(?<!\.)\*\*|@|(?<!\.)\*|(?<!\.)/", lambda m: marks[m[0]], text)


def closing(text: str, start: int) -> int | None:
    """Where the parenthesis that is open at `start` closes."""
    depth = 1
    for at in range(start, len(text)):
        depth += (text[at] in "([") - (text[at] in ")]")
        if depth == 0:
            return at
    return None


def _arguments(inside: str) -> list[str]:
    parts, depth, start = [], 0, 0
    for at, mark in enumerate(inside):
        depth += (mark in "([") - (mark in ")]")
        if mark == "," and depth == 0:
            parts.append(inside[start:at])
            start = at + 1
    return [p for p in [*parts, inside[start:]] if p.strip()]


def _operand_start(text: str, end: int) -> int:
    """Where the operand that ends at `end` begins: a name, a call, a parenthesis, with its transposes."""
    at = end
    while at and text[at - 1] == "'":
        at -= 1
    if at and text[at - 1] == ")":
        depth = 0
        while at:
            at -= 1
            depth += (text[at] in ")]") - (text[at] in "([")
            if depth == 0:
                break
    while at and (text[at - 1].isalnum() or text[at - 1] == "_"):
        at -= 1
    return _operand_start(text, at - 1) if 0 < at < end and text[at - 1] == "." else at
