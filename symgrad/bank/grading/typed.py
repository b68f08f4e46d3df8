r"""Answers that are no formulas, as people type them: numbers, chains of derivatives, forms of Jacobians.

Only brackets, signs and digits are looked at; nothing is evaluated.

>>> numbers("[[1, -2/4], [3, 4e1]]")
((1.0, -0.5), (3.0, 40.0))
>>> numbers("1 2; 3 4") == numbers(r"\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}") == ((1.0, 2.0), (3.0, 4.0))
True
>>> [(f.of, f.wrt) for f in chain(r"df/dP * \frac{\partial P}{\partial X}")]
[('f', 'P'), ('P', 'X')]
>>> form("n x m, diagonal, 12 entries").shape
('n', 'm')
"""

from __future__ import annotations

import re
from math import isfinite
from typing import Any

from symgrad.bank.exercise import Factor, JacobianForm
from symgrad.bank.toml_table import Numbers
from symgrad.errors import LimitError, ParseError

MOST_NUMBERS = 10_000
MOST_AXES = 4
MOST_FACTORS = 50

# --- numbers ----------------------------------------------------------------------------------

_NUMBER = r"[-+]?(?:\d{1,40}(?:\.\d{0,40})?|\.\d{1,40})(?:[eE][-+]?\d{1,3})?"
_TOKEN = re.compile(
    rf"(?P<number>{_NUMBER}(?:/{_NUMBER})?)(?![\w.])|(?P<open>[\[({{])|(?P<close>[\])}}])"
    r"|(?P<row>[;\n])|(?P<comma>,)|(?P<blank>[ \t]+)"
)
_NAME_IN_FRONT = re.compile(r"^[^=]{0,80}=(?!=)\s*")
_ENVIRONMENT = re.compile(r"\\(?:begin|end)\s?\{[a-z]{1,12}\}|\\left|\\right|\\,|\$|array\b|np\.")
_TRANSPOSED = re.compile(r"(?:'|\^\s?\{?(?:T|\\top)\}?)\s*$")


def numbers(text: str) -> Numbers:
    """A number, a list of numbers, or a list of rows.  Raises ParseError with the place, LimitError."""
    plain = _ENVIRONMENT.sub("", _NAME_IN_FRONT.sub("", text)).strip()
    plain = plain.replace("\\\\", ";").replace("&", ",").replace("\u2212", "-")
    return _value(_nested(_TRANSPOSED.sub("", plain)))


def _nested(text: str) -> list[Any]:
    """The numbers in lists as the brackets say; the marks ; and line end stand where a row ends."""
    levels: list[list[Any]] = [[]]
    at = count = 0
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None:
            raise ParseError("this is no number", text=text, span=(at, at + 1), hint="[[1, 0.5], [2, -3]]")
        if token["number"]:
            count += 1
            levels[-1].append(_number(token["number"], text, token.span()))
        elif token["open"]:
            levels.append([])
        elif token["close"]:
            if len(levels) == 1:
                raise ParseError("this bracket was never opened", text=text, span=token.span())
            closed = _rows(levels.pop())
            only = token["close"] == ")" and len(closed) == 1  # parentheses around one thing
            levels[-1].append(closed[0] if only else closed)
        elif token["row"]:
            levels[-1].append(";")
        if count > MOST_NUMBERS or len(levels) > MOST_AXES + 2:
            raise LimitError(f"at most {MOST_NUMBERS} numbers, in lists {MOST_AXES} deep")
        at = token.end()
    if len(levels) > 1:
        raise ParseError("a bracket is not closed", text=text, span=(len(text), len(text)))
    return levels[0]


def _number(said: str, text: str, span: tuple[int, int]) -> float:
    above, _, below = said.partition("/")
    divisor = float(below or 1)
    value = float(above) / divisor if divisor else float("inf")
    if not isfinite(value):
        raise ParseError("this number is not finite", text=text, span=span)
    return value


def _rows(found: list[Any]) -> list[Any]:
    """A list in which rows were ended by marks, as a list of rows."""
    if ";" not in found:
        return found
    rows: list[list[Any]] = [[]]
    for part in found:
        if part == ";":
            rows.append([])
        else:
            rows[-1].append(part)
    kept = [row for row in rows if row]
    if all(len(row) == 1 for row in kept):  # a column, one entry a line
        return [row[0] for row in kept]
    return kept


def _value(found: list[Any]) -> Numbers:
    found = _rows(found)
    value = found[0] if len(found) == 1 else found
    frozen = _frozen(value)
    if _shape(frozen) is None:
        raise ParseError("the rows of numbers are not equally long")
    return frozen


def _frozen(value: Any) -> Numbers:
    return tuple(map(_frozen, value)) if isinstance(value, list) else float(value)


def _shape(value: Numbers) -> tuple[int, ...] | None:
    if isinstance(value, float):
        return ()
    shapes = {_shape(part) for part in value}
    inner = shapes.pop() if len(shapes) == 1 else None
    return None if inner is None else (len(value), *inner)


# --- chains -----------------------------------------------------------------------------------

_D = r"(?:d|\u2202|\\partial|\\mathrm\{d\})[ ]?"
_FACTOR = re.compile(
    rf"\(?{_D}(?P<of>[^\W\d]\w*?)[ ]?/[ ]?{_D}(?P<wrt>[^\W\d]\w*)\)?"
    rf"|\\frac[ ]?\{{[ ]?{_D}(?P<of2>[^\W\d]\w*)[ ]?\}}[ ]?\{{[ ]?{_D}(?P<wrt2>[^\W\d]\w*)[ ]?\}}"
)
_BETWEEN = re.compile(r"(?:[\s*.@\u00b7\u00d7\u22c5$]|\\cdot|\\times|\\,)*")


def chain(text: str) -> tuple[Factor, ...]:
    """The derivatives that are multiplied, leftmost first.  Raises ParseError with the place."""
    plain = _NAME_IN_FRONT.sub("", text)
    found: list[Factor] = []
    at = _skipped(plain, 0)
    while at < len(plain):
        factor = _FACTOR.match(plain, at)
        if factor is None or len(found) == MOST_FACTORS:
            hint = "a product of derivatives, df/dz * dz/dx"
            raise ParseError("no derivative of a name by a name", text=plain, span=(at, at + 1), hint=hint)
        found.append(Factor(factor["of"] or factor["of2"], factor["wrt"] or factor["wrt2"]))
        at = _skipped(plain, factor.end())
    return tuple(found)


def _skipped(text: str, at: int) -> int:
    found = _BETWEEN.match(text, at)
    return found.end() if found is not None else at


# --- gradients by name ---------------------------------------------------------------------

_GRADIENT_OF = re.compile(
    rf"(?:grad_|(?:{_D})?\w{{0,20}}[ ]?/[ ]?{_D}|\\partial[ ]?|\u2202)?(?P<name>[^\W\d]\w{{0,40}})[ ]?=(?!=)"
)


def gradients(text: str) -> dict[str, Numbers]:
    """The numbers of each name, `x = -8, dz/dy = 6`.  Raises ParseError."""
    plain = text.replace("$", "")
    starts = list(_GRADIENT_OF.finditer(plain))
    if not starts or plain[: starts[0].start()].strip():
        raise ParseError("this gives no gradient by name", hint="x = -8, y = 6")
    ends = [*(s.start() for s in starts[1:]), len(plain)]
    return {
        s["name"]: numbers(plain[s.end() : end].strip().rstrip(",;\n "))
        for s, end in zip(starts, ends, strict=True)
    }


# --- forms of Jacobians -----------------------------------------------------------------------

_SHAPE = re.compile(r"\b(\w{1,12})((?:[ ]?(?:x|\u00d7|\*|by)[ ]?\w{1,12}\b){1,3})")
_AXES = re.compile(r"[ ]?(?:x|\u00d7|\*|by)[ ]?(\w+)")
_TUPLE = re.compile(r"[\[(]((?:[ ]?\w{1,12}[ ]?,?){1,4})[\])]")
_SIZE = re.compile(r"(?:(\d{1,18}) (?:entries|numbers|\u062f\u0631\u0627\u06cc\u0647)|size[ ]?[=:]?[ ]?(\d{1,18}))")
_STRUCTURES = {
    "diagonal": "diagonal", "zero": "zero", "dense": "dense", "full": "dense",
    "\u0642\u0637\u0631\u06cc": "diagonal", "\u0635\u0641\u0631": "zero", "\u067e\u0631": "dense",
}  # fmt: skip


def form(text: str) -> JacobianForm:
    """Shape, structure and number of entries, as far as they are said.  Raises ParseError without a shape."""
    shape = _axes(text)
    if not shape:
        raise ParseError("this says no shape", hint="m x n, diagonal, 12 entries")
    words = re.findall(r"[^\W\d]+", text.lower())
    structure = next((_STRUCTURES[w] for w in words if w in _STRUCTURES), None)
    size = _SIZE.search(text)
    entries = int(size[1] or size[2]) if size is not None else None
    return JacobianForm(shape, structure, entries, None)


def _axes(text: str) -> tuple[int | str, ...]:
    found = _SHAPE.search(text)
    if found is not None:
        said = [found[1], *_AXES.findall(found[2])]
    else:
        listed = _TUPLE.search(text)
        said = re.findall(r"\w+", listed[1]) if listed is not None else []
    return tuple(int(s) if s.isdecimal() else s for s in said)
