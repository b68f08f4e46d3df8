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

NESTED = 20  # levels of a tree that are written from the inside; what is deeper is written in one go
KEPT = 1000  # characters up to which a part of a longer text keeps its own, so that memory stays linear in the depth

_DECIMAL_DIGITS = 12  # decimals up to here are written as such, longer ones where the fraction is longer still
_DECIMAL_PLACES = 15  # with more places the exponent is written
_CHUNK = 30  # digits of the pieces in which an integer beyond the language's limit is written

_STACKS = ("hstack", "vstack")
PARTS = ("part", "rows", "columns")
_HADAMARD = ("hadamard", "hadamard_divide")


def text(tree: Tree) -> str:
    """The tree in the text language."""
    if type(tree) is Name:
        return tree.name
    if isinstance(tree, Call) and tree.written is not None:
        return tree.written[1]
    return _write(tree, NESTED)[1]


def _write(tree: Number | Call, levels: int) -> tuple[int, str]:
    """How tightly a tree binds, and its text, made of the texts of its parts; so many levels below it keep theirs."""
    binds, parts = _parts(tree)
    if levels:
        out = [part if type(part) is str else _part(*part, levels) for part in parts]  # type: ignore[misc, call-arg]
        written = binds, "".join(out)
    else:
        written = binds, _joined(parts[::-1])
    if type(tree) is Call:  # lifting asks again and again: kept, so that deep trees stay linear
        tree.written = written
    return written


def _part(inner: Tree, needed: int, levels: int) -> str:
    """A part as it stands in a longer text."""
    if type(inner) is Name:
        return inner.name
    known = inner.written if isinstance(inner, Call) else None
    binds, written = known or _write(inner, levels - 1)  # type: ignore[arg-type]
    if len(written) > KEPT and isinstance(inner, Call):
        for part in inner.args:
            if isinstance(part, Call) and part.written is not None and len(part.written[1]) > KEPT:
                part.written = None  # it stands in two longer texts, which are asked for from now on
    return written if binds >= needed else f"({written})"


def _joined(todo: list[Part]) -> str:
    """The text of parts, the last one first, however deep they are."""
    out: list[str] = []
    while todo:
        part = todo.pop()
        if isinstance(part, str):
            out.append(part)
            continue
        inner, needed = part
        precedence, parts = _parts(inner)
        if precedence < needed:
            parts = ["(", *parts, ")"]
        todo += parts[::-1]
    return "".join(out)


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
    if tree.op in _STACKS and len(tree.args) > 1:
        return ATOM, ["[", *_rows_of_blocks(tree), "]"]
    if tree.op in PARTS and len(tree.args) == 3:
        whole, places = places_of(tree)
        return ATOM, [(whole, ATOM), f"[{', '.join(places)}]"]
    return ATOM, [tree.op, "(", *_listed(tree.args), ")"]


def _listed(args: tuple[Tree, ...]) -> list[Part]:
    return [part for arg in args for part in (", ", (arg, 0))][1:]


def places_of(tree: Call) -> tuple[Tree, list[str]]:
    """What a part is taken from, and its places: `1:m`, `2`, `:` along each axis."""
    whole, first, last = tree.args
    start, end = (text(a).replace(" ", "") for a in (first, last))
    place = start if start == end else f"{start}:{end}"
    if tree.op == "part":
        return whole, [place]
    if tree.op == "rows":
        return whole, [place, ":"]
    if isinstance(whole, Call) and whole.op == "rows" and len(whole.args) == 3:
        return whole.args[0], [places_of(whole)[1][0], place]
    return whole, [":", place]


def _rows_of_blocks(tree: Call) -> list[Part]:
    """`A, B; C, D`: rows of blocks with semicolons between them."""
    rows = [tree] if tree.op == "hstack" else tree.args
    parts: list[Part] = []
    for row in rows:
        beside = isinstance(row, Call) and row.op == "hstack" and len(row.args) > 1
        parts += ["; ", *(_listed(row.args) if beside else [(row, 0)])]
    return parts[1:]


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
    if entrywise and tree.op == "divide" and left.op == "hadamard":  # type: ignore[union-attr]
        entrywise = False  # a .* b/c is the same either way
    mark = " * " if entrywise and tree.op == "multiply" else spelling
    return MULTIPLY, [(left, POWER if entrywise else MULTIPLY), mark, (right, POWER)]


# --- numbers --------------------------------------------------------------------------------------


def number_text(value: Fraction) -> tuple[int, str]:
    """How a number is written, exactly, and how tightly that binds.

    >>> [number_text(Fraction(*v))[1] for v in ((1, 2), (-1, 3), (1, 10**20), (7, 1))]
    ['0.5', '-1/3', '1e-20', '7']
    """
    if value.numerator < 0:
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
    rounded = str(value).rstrip("0")
    zeros = len(str(value)) - len(rounded)
    if len(rounded) <= DIGIT_LIMIT and zeros <= EXPONENT_LIMIT:
        return ATOM, f"{rounded}e{zeros}"
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
