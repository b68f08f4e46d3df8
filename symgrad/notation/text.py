"""Tree -> text of the language: as few parentheses as the grammar allows, and parsing gives the tree back.

Spaces stand around `+ -`, `.* ./` and comparisons; none around `* / ^ .^`.  A Hadamard product to the
left of `*` or `/` keeps its parentheses although the grammar would not need them, for the reader's sake.
Numbers are exact: a short decimal, else a fraction.  No pass here recurses over the tree.

>>> from symgrad.notation.grammar import parse
>>> text(parse("2*(X')*((X*w)-y)")), text(parse("([l21>=l22].*z)*l1'"))
("2*X'*(X*w - y)", "([l21 >= l22] .* z) * l1'")
"""

from __future__ import annotations

from fractions import Fraction

from symgrad.notation.tokens import ADD, COMPARE, DIGIT_LIMIT, EXPONENT_LIMIT, INFIX, MULTIPLY, POWER
from symgrad.notation.tree import Call, Name, Number, Tree

ATOM = 100  # what never needs parentheses
SIGN = ADD + 1

Part = str | tuple[Tree, int]  # what to write next: characters, or a tree and the precedence it needs

KEPT = 1000  # characters up to which a part of a longer text keeps its own, so that memory stays linear in the depth

_DECIMAL_DIGITS = 12  # decimals up to here are written as such, longer ones where the fraction is longer still
_DECIMAL_PLACES = 15  # with more places the exponent is written
_CHUNK = 30  # digits of the pieces in which an integer beyond the language's limit is written

_HADAMARD = ("hadamard", "hadamard_divide")


def text(tree: Tree) -> str:
    """The tree in the text language."""
    if type(tree) is Name:
        return tree.name
    if isinstance(tree, Call) and tree.written is not None:
        return tree.written[1]
    binds, todo = _parts(tree)
    todo.reverse()
    out: list[str] = []
    while todo:
        part = todo.pop()
        if isinstance(part, str):
            out.append(part)
            continue
        inner, needed = part
        if type(inner) is Name:
            out.append(inner.name)
            continue
        precedence, parts = _parts(inner)
        if isinstance(inner, Call) and inner.written is not None and len(inner.written[1]) > KEPT:
            object.__setattr__(inner, "written", None)  # it stands in the longer text, which is asked for from now on
        if precedence < needed:
            parts = ["(", *parts, ")"]
        todo += parts[::-1]
    joined = "".join(out)
    if type(tree) is Call:  # lifting asks again and again: kept, so that deep trees stay linear
        object.__setattr__(tree, "written", (binds, joined))
    return joined


def binding(tree: Tree) -> int:
    """How tightly a tree binds as it is written; ATOM where it never needs parentheses."""
    return _parts(tree)[0]


def _parts(tree: Tree) -> tuple[int, list[Part]]:
    """How tightly a tree binds as it is written, and what it is written of."""
    if type(tree) is Name:
        return ATOM, [tree.name]
    if type(tree) is Number:
        precedence, written = number_text(tree.value)
        return precedence, [written]
    if tree.written is not None:
        return tree.written[0], [tree.written[1]]
    if len(tree.args) == 1 and tree.op in ("negate", "transpose"):
        arg = tree.args[0]
        return (SIGN, ["-", (arg, MULTIPLY)]) if tree.op == "negate" else (POWER, [(arg, POWER), "'"])
    if len(tree.args) == 2 and tree.op in INFIX and tree.op != "kron":
        return _infix(tree)
    args: list[Part] = [part for arg in tree.args for part in (", ", (arg, 0))]
    return ATOM, [tree.op, "(", *args[1:], ")"]


def _infix(tree: Call) -> tuple[int, list[Part]]:
    spelling, precedence = INFIX[tree.op]
    left, right = tree.args
    if precedence == COMPARE:
        return ATOM, ["[", (left, ADD), f" {spelling} ", (right, ADD), "]"]
    if precedence == POWER:
        transposed = isinstance(left, Call) and left.op == "transpose" and len(left.args) == 1
        return POWER, [(left, POWER if transposed else ATOM), spelling, (right, ATOM)]
    if precedence == ADD:
        return ADD, [(left, ADD), f" {spelling} ", (right, MULTIPLY)]
    if tree.op in _HADAMARD:
        return MULTIPLY, [(left, MULTIPLY), f" {spelling} ", (right, POWER)]
    entrywise = isinstance(left, Call) and left.op in _HADAMARD and len(left.args) == 2
    mark = " * " if entrywise and tree.op == "multiply" else spelling
    return MULTIPLY, [(left, POWER if entrywise else MULTIPLY), mark, (right, POWER)]


# --- numbers --------------------------------------------------------------------------------------


def number_text(value: Fraction) -> tuple[int, str]:
    """How a number is written, exactly, and how tightly that binds.

    >>> [number_text(Fraction(*v))[1] for v in ((1, 2), (-1, 3), (1, 10**20), (7, 1))]
    ['0.5', '-1/3', '1e-20', '7']
    """
    if value < 0:
        precedence, written = number_text(-value)
        return SIGN, f"-{written}" if precedence >= MULTIPLY else f"-({written})"
    if value.denominator == 1:
        return _integer(value.numerator)
    decimal = _decimal(value)
    if decimal is not None:
        return ATOM, decimal
    above, numerator = _integer(value.numerator)
    below, denominator = _integer(value.denominator)
    numerator = numerator if above == ATOM else f"({numerator})"
    denominator = denominator if below == ATOM else f"({denominator})"
    return MULTIPLY, f"{numerator}/{denominator}"


def _integer(value: int) -> tuple[int, str]:
    if value < 10**DIGIT_LIMIT:
        return ATOM, str(value)
    digits: list[int] = []
    while value:
        value, digit = divmod(value, 10**_CHUNK)
        digits.append(digit)
    written = str(digits.pop())
    while digits:
        written = f"({written})*1e{_CHUNK} + {digits.pop()}"
    return ADD, written


def _decimal(value: Fraction) -> str | None:
    """The decimal, where it ends and is not longer than the fraction (or short)."""
    rest = value.denominator
    twos = (rest & -rest).bit_length() - 1
    fives, rest = 0, rest >> twos
    while rest % 5 == 0:
        fives, rest = fives + 1, rest // 5
    places = max(twos, fives)
    if rest != 1 or places > EXPONENT_LIMIT:
        return None
    mantissa = value.numerator * 10**places // value.denominator
    if mantissa >= 10**_DECIMAL_DIGITS and mantissa >= value.numerator * value.denominator:
        return None
    if mantissa >= 10**DIGIT_LIMIT:
        return None
    if places > _DECIMAL_PLACES:
        return f"{mantissa}e-{places}"
    digits = str(mantissa).rjust(places + 1, "0")
    return f"{digits[:-places]}.{digits[-places:]}"
