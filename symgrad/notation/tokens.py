"""Text -> tokens: numbers, names and marks, each with its place; and how tightly operators bind.

One regular expression cuts the text.  Unicode spellings become the plain ones here (`·` is `*`, `W₁` is
`W1`), so that the grammar has one case for each; characters outside the language are refused here, by
name.  This module knows nothing of expressions.

>>> [(kind, value) for kind, value, *_ in tokenize("2.*x'")]
[('number', '2'), ('infix', 'hadamard'), ('name', 'x'), ('transpose', "'"), ('end', '')]
"""

from __future__ import annotations

import re
import unicodedata
from fractions import Fraction
from functools import lru_cache
from typing import NoReturn

from symgrad.errors import LimitError, ParseError

Token = tuple[str, str, int, int]  # kind, value, start, end

LENGTH_LIMIT = 100_000  # characters of a text
DIGIT_LIMIT = 40  # digits of one number
EXPONENT_LIMIT = 300  # powers of ten of one number

# How tightly operators bind; each level is even, so that a sign can bind just tighter than what stands before it.
COMPARE, ADD, MULTIPLY, POWER, ROOT = 4, 10, 20, 30, 40

INFIX: dict[str, tuple[str, int]] = {  # operation -> (spelling, precedence)
    "gt": (">", COMPARE), "ge": (">=", COMPARE), "lt": ("<", COMPARE),
    "le": ("<=", COMPARE), "eq": ("==", COMPARE), "ne": ("!=", COMPARE),
    "add": ("+", ADD), "subtract": ("-", ADD),
    "multiply": ("*", MULTIPLY), "hadamard": (".*", MULTIPLY),
    "divide": ("/", MULTIPLY), "hadamard_divide": ("./", MULTIPLY), "kron": ("⊗", MULTIPLY),
    "power": ("^", POWER), "hadamard_power": (".^", POWER),
}  # fmt: skip

_UNICODE_INFIX = {
    "·": "multiply", "⋅": "multiply", "×": "multiply", "∗": "multiply", "⊙": "hadamard", "∘": "hadamard",
    "⊘": "hadamard_divide", "÷": "divide", "−": "subtract", "≥": "ge", "≤": "le", "≠": "ne", "~=": "ne",
}  # fmt: skip

SYMBOLS: dict[str, tuple[str, str]] = {  # as written -> (kind, value)
    **{spelling: ("infix", op) for op, (spelling, _) in INFIX.items()},
    **{spelling: ("infix", op) for spelling, op in _UNICODE_INFIX.items()},
    **dict.fromkeys("'’′ᵀ⊤", ("transpose", "'")),
    **{mark: (mark, mark) for mark in "()[],=:"},
    **{mark: ("separator", mark) for mark in "\n;"},
    "√": ("root", "sqrt"),
}
for _spelling, (_kind, _op) in list(SYMBOLS.items()):
    if _kind == "infix" and INFIX[_op][1] == COMPARE:
        SYMBOLS[_spelling] = ("compare", _op)
    elif _op in ("add", "subtract"):
        SYMBOLS[_spelling] = ("sign", _op)

FRACTIONS = {c: unicodedata.normalize("NFKC", c).replace("\u2044", "/") for c in "½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞⅐⅑⅒"}
_SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹"
_DIGIT_OF = str.maketrans("₀₁₂₃₄₅₆₇₈₉" + _SUPERSCRIPTS + "⁻⁺", "01234567890123456789-+")
_LETTER_OF = str.maketrans("µ\u2126", "μΩ")  # the micro and ohm signs are typed for the letters

_LATIN = str.maketrans("аеіјорсухѕАВЕКМНОРСТХІЈЅΑΒΕΖΗΙΚΜΝΟΡΤΥΧοϲϳ", "aeijopcyxsABEKMHOPCTXIJSABEZHIKMNOPTYXocj")

_NOT_IN_NAMES = "ᵀ" + _SUPERSCRIPTS + "".join(FRACTIONS)
_SPACE = r"[ \t\r\f\u00a0\u2000-\u200a\u202f\u205f\u3000]"
_INVISIBLE = "\ufeff\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\u00ad"

_TOKEN = re.compile(
    rf"""(?:{_SPACE}++|\#[^\n]*+)*+(?:
      (?P<name>[^\W\d_{_NOT_IN_NAMES}][^\W{_NOT_IN_NAMES}]*+)
    | (?P<symbol>['()*+\-/,:\n;\[\]’′ᵀ⊤·⋅×∗⊙∘⊘÷−≥≤≠⊗√]|\^|\.[*/^]|[<>=!~]=|[<>=])
    | (?P<number>(?:[0-9]++(?:\.(?![*/^'’])[0-9]*+)?+|\.[0-9]++)(?:[eE][+-]?[0-9]++)?+)
    | (?P<fraction>[{"".join(FRACTIONS)}])
    | (?P<superscript>[⁺⁻]?[{_SUPERSCRIPTS}]+)
    | (?P<end>\Z)
    | (?P<other>.))""",
    re.VERBOSE | re.DOTALL,
)


def tokenize(text: str) -> list[Token]:
    """The tokens of a text, an `end` last.  Raises ParseError, LimitError."""
    if len(text) > LENGTH_LIMIT:
        raise LimitError(
            f"the text has {len(text)} characters; the limit is {LENGTH_LIMIT}",
            text=text,
            span=(LENGTH_LIMIT, LENGTH_LIMIT + 1),
        )
    begin, stop = _visible(text)
    tokens: list[Token] = []
    for match in _TOKEN.finditer(text, begin, stop):
        kind = match.lastgroup
        assert kind is not None
        start, end = match.span(kind)
        value = match[kind]
        if kind == "symbol":
            if value in _DOUBLED and text[start : start + 2] == value * 2:
                _refuse(text, start, value * 2, tokens)
            if value not in SYMBOLS:
                _refuse(text, start, value, tokens)
            kind, value = SYMBOLS[value]
        elif kind == "name":
            value = plain_name(text, start, end) if not value.isascii() else value
        elif kind == "superscript":
            value = value.translate(_DIGIT_OF)
        elif kind == "other":
            _refuse(text, start, value, tokens)
        tokens.append((kind, value, start, end))
        if kind == "end":
            break
    return tokens


def _visible(text: str) -> tuple[int, int]:
    """The range of the text without marks at its ends that cannot be seen (a byte order mark, directions)."""
    begin, end = 0, len(text)
    while begin < end and text[begin] in _INVISIBLE:
        begin += 1
    while end > begin and text[end - 1] in _INVISIBLE:
        end -= 1
    return begin, end


def plain_name(text: str, start: int, end: int) -> str:
    """A name with its subscript digits and look-alike letters replaced; π is pi.  Raises ParseError."""
    name = text[start:end].translate(_LETTER_OF)
    for at, c in enumerate(name, start):
        if c.isascii() or (c.isalpha() and unicodedata.decomposition(c)[:7] not in ("<super>", "<wide> ")):
            continue
        if at > start and c in "₀₁₂₃₄₅₆₇₈₉":
            continue
        raise _unreadable(text, at)
    return "pi" if name == "π" else name.translate(_DIGIT_OF)


def latin(name: str) -> str:
    """A name with the Cyrillic and Greek letters that look like Latin ones replaced by those."""
    return name if name.isascii() else name.translate(_LATIN)


def is_name(text: str) -> bool:
    """Whether the whole text is one name of the language."""
    try:
        return [kind for kind, *_ in tokenize(text)] == ["name", "end"]
    except (ParseError, LimitError):
        return False


def exact(literal: str, text: str, start: int) -> Fraction:
    """The value of a number, exactly.  Raises LimitError."""
    try:
        return _value(literal)
    except OverflowError as error:
        raise LimitError(str(error), text=text, span=(start, start + len(literal))) from None


@lru_cache(maxsize=4096)
def _value(literal: str) -> Fraction:
    if literal.isdecimal() and len(literal) <= DIGIT_LIMIT:
        return Fraction(int(literal))
    mantissa, _, exponent = literal.lower().partition("e")
    if sum(map(str.isdecimal, mantissa)) > DIGIT_LIMIT:
        raise OverflowError(f"a number has at most {DIGIT_LIMIT} digits")
    if len(exponent.lstrip("+-0")) > 3 or abs(int(exponent or 0)) > EXPONENT_LIMIT:
        huge = not exponent.startswith("-")
        raise OverflowError("the number is not finite" if huge else "the number is too small")
    return Fraction(literal)


# --- what is not in the language -----------------------------------------------------------------

_DOUBLED = "*/"
_FOREIGN = {
    "**": ("'**' is not in the language", "^"),
    "//": ("'//' is not in the language", "/"),
    "@": ("'@' is not in the language", "*"),
    "%": ("'%' is not in the language", None),
    "!": ("'!' is not in the language", "!= inside brackets, [a != b]"),
    "&": ("logical operators are not in the language", "[a > 0] .* [b > 0]"),
    "|": ("bars are not in the language", "abs(x), norm2(x) or det(X)"),
    "‖": ("bars are not in the language", "norm2(x)"),
    '"': ("strings are not in the language", "X' for a transpose"),
    "`": ("'`' is not in the language", "X' for a transpose"),
    "‘": ("'‘' is not in the language", "X' for a transpose"),
    "{": ("braces are not in the language", "( )"),
    "}": ("braces are not in the language", "( )"),
    ":": ("':' stands between places, as in x[1:n]",
          "declarations such as 'x: R^n' are given apart from the expression"),
    "_": ("a name starts with a letter", None),
    "\\": ("'\\' starts no operation here", "inv(A)*b"),
    "–": ("a dash is not a minus sign", "-"),
    "—": ("a dash is not a minus sign", "-"),
}


def _refuse(text: str, at: int, value: str, before: list[Token]) -> NoReturn:
    if value == ".":
        raise _stray_dot(text, at, before)
    if value in _FOREIGN:
        raise refused(text, at, value)
    raise _unreadable(text, at)


def refused(text: str, at: int, value: str) -> ParseError:
    """The error for a mark that means nothing where it stands."""
    message, hint = _FOREIGN[value]
    return ParseError(message, text=text, span=(at, at + len(value)), hint=hint)


def _stray_dot(text: str, at: int, before: list[Token]) -> ParseError:
    operand = before[-1][1] if before and before[-1][0] == "name" else "X"
    attribute = re.compile(r"\.(T\b|['’])").match(text, at)
    if attribute:
        return ParseError("a transpose is a quote", text=text, span=attribute.span(), hint=f"{operand}'")
    word = re.compile(r"\.\w*").match(text, at)
    assert word is not None
    if len(word[0]) > 1 and before and before[-1][0] in ("name", ")"):
        return ParseError("attributes are not in the language", text=text, span=word.span())
    return ParseError("a dot stands in a number or in one of .* ./ .^", text=text, span=(at, at + 1))


def _unreadable(text: str, at: int) -> ParseError:
    """The error for a character that no token starts with, by its code point and what it resembles."""
    c = text[at]
    name = unicodedata.name(c, "control character" if unicodedata.category(c) == "Cc" else "unnamed character")
    seen = f"'{c}' " if c.isprintable() and not unicodedata.combining(c) else ""
    message = f"the character {seen}(U+{ord(c):04X}, {name.lower()}) is not in the language"
    return ParseError(message, text=text, span=(at, at + 1), hint=_look_alike(c))


def _look_alike(c: str) -> str | None:
    if unicodedata.decimal(c, None) is not None:
        return str(unicodedata.decimal(c))
    plain = unicodedata.normalize("NFKC", c)
    if plain == c or not plain.isascii() or not plain.isprintable():
        return None
    return "^" + plain if unicodedata.decomposition(c).startswith("<super>") else plain
