r"""LaTeX -> tokens: letters, numbers, words, commands, delimiters and operators, each with its place.

Spacing, alignment marks, sizes of delimiters and comments are dropped here; spellings of one operator
become one.  What cannot stand in a formula that is read (`\int`, matrices) is refused by name.  This
module knows nothing of expressions.

>>> [value for _, value, *_ in tokenize(r"\mathbf{x}^\top\!A \cdot 2")]
['mathbf', '{', 'x', '}', '^', 'top', 'A', 'multiply', '2', '']
>>> is_latex("x'*A*x"), is_latex(r"x^\top A x")
(False, True)
"""

from __future__ import annotations

import re

from symgrad.errors import LimitError, ParseError
from symgrad.notation.tokens import LENGTH_LIMIT, SYMBOLS, Token

INFIX_COMMANDS = {
    "cdot": "multiply", "times": "multiply", "ast": "multiply", "odot": "hadamard", "circ": "hadamard",
    "oslash": "hadamard_divide", "div": "divide", "otimes": "kron",
}  # fmt: skip
COMPARE_COMMANDS = {
    "ge": "ge", "geq": "ge", "geqslant": "ge", "le": "le", "leq": "le", "leqslant": "le", "ne": "ne", "neq": "ne",
    "gt": "gt", "lt": "lt",
}  # fmt: skip
_STYLE_WORDS = """
    mathbf boldsymbol bm bold pmb vec mathbb mathds mathbbm mathcal mathscr mathfrak mathnormal symbf symbfit
"""
STYLES = frozenset(_STYLE_WORDS.split())
_WORDS = "operatorname|mathrm|text|textrm|textup|textbf|textit|textsf|texttt|mathsf|mathit|mathtt|mathop"
_SPACE_WORDS = """
    quad qquad enspace thinspace medspace thickspace negthinspace displaystyle textstyle scriptstyle limits
    nolimits nonumber notag bf rm it sf tt cal smallskip noindent allowbreak
"""
_SPACES = frozenset(_SPACE_WORDS.split())
_ENVIRONMENT_WORDS = "aligned align equation gather gathered split eqnarray multline displaymath math"
_ENVIRONMENTS = frozenset(_ENVIRONMENT_WORDS.split())

OPENING = {"(": "(", "[": "[", "lbrack": "[", "\\{": "{", "lbrace": "{", "langle": "<",
           "lvert": "lvert", "lVert": "‖"}  # fmt: skip
CLOSING = {")": "(", "]": "[", "rbrack": "[", "\\}": "{", "rbrace": "{", "rangle": "<",
           "rvert": "lvert", "rVert": "‖"}  # fmt: skip
BARS = {"|": "|", "vert": "|", "mid": "|", "\\|": "‖", "Vert": "‖", "‖": "‖"}

_UNSUPPORTED = {  # command -> (what it is, what to write)
    "int": ("an integral", None),
    "iint": ("an integral", None),
    "oint": ("an integral", None),
    "prod": ("a product over an index", r"\exp(\sum_i \log(x_i))"),
    "lim": ("a limit", None),
    "partial": ("a derivative, and those are what is asked for", "the function that is differentiated"),
    "nabla": ("a derivative, and those are what is asked for", "the function that is differentiated"),
    "pm": ("two formulas in one", "one formula with + or -"),
    "mp": ("two formulas in one", "one formula with + or -"),
    "sup": ("a supremum", r"\max(v)"),
    "inf": ("an infimum", r"\min(v)"),
    "in": ("a declaration, not part of a formula", "declarations such as 'x: R^n' are given apart from it"),
    "oplus": ("not an operation here", "+"),
    "ldots": ("three dots, which leave open what is meant", r"\sum_i a_i x_i"),
    "dots": ("three dots, which leave open what is meant", r"\sum_i a_i x_i"),
    "cdots": ("three dots, which leave open what is meant", r"\sum_i a_i x_i"),
    "dagger": ("a pseudo-inverse to some and a transpose to others", r"X^{+} or X^\top"),
    "binom": ("a binomial coefficient", None),
    "underbrace": ("a comment under a formula", "the formula alone"),
    "overbrace": ("a comment over a formula", "the formula alone"),
    "to": ("an arrow", None),
    "rightarrow": ("an arrow", None),
}

_SIZE = r"left|right|middle|[Bb]igg?[lrm]?"
_TOKEN = re.compile(
    rf"""
      (?P<space>[ \t\r\f\u00a0\u2009\u200a~&]+ | \\[,;:!>\ \n/] | %[^\n]* )
    | (?P<newline>\n)
    | (?P<line>\\\\(?:\*|\s*\[\s*-?[0-9.]+\s*(?:pt|em|ex|mm|cm)\s*\])?)
    | (?P<environment>\\(?:begin|end)\s*\{{(?P<env>[A-Za-z]*)\*?\}})
    | (?P<ignored>\\(?:tag|label|hspace|vspace)\*?\s*\{{[^{{}}]*\}}
        | \\(?:mkern|mskip|kern|hskip)\s*-?[0-9]*\.?[0-9]+\s*(?:mu|em|ex|pt))
    | (?P<word>\\(?P<style>{_WORDS})(?![A-Za-z])\*?\s*
        (?:\{{(?P<content>(?:[^{{}}\\$^]|\\[_\-\ ,])*)\}}|(?P<single>[A-Za-z0-9])))
    | (?P<sized>\\(?P<size>{_SIZE})(?![A-Za-z])\s*(?P<delimiter>\\[A-Za-z]+|\\[|{{}}]|[^\\\s]))
    | (?P<command>\\(?:[A-Za-z]+|.))
    | (?P<number>[0-9]+(?:\.[0-9]+)?|\.[0-9]+)
    | (?P<letter>[^\W\d_])
    | (?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
_DELIMITERS = (("$$", "$$"), ("$", "$"), (r"\(", r"\)"), (r"\[", r"\]"))
_LATEX = re.compile(r"\\[A-Za-z]{2}|[\^_]\s*\{|\\[|,;!{}]|\$|\\\(.*\\\)|\\\[.*\\\]", re.DOTALL)
_WORD = re.compile(r"[^\W_](?:[^\W_]|_)*")


def is_latex(text: str) -> bool:
    """Whether a text is LaTeX rather than the text language, which has no backslashes, dollars or scripts in braces."""
    return _LATEX.search(text) is not None


def tokenize(text: str) -> list[Token]:
    """The tokens of a formula, without the delimiters of math mode, an `end` last.  Raises ParseError, LimitError."""
    if len(text) > LENGTH_LIMIT:
        message = f"the text has {len(text)} characters; the limit is {LENGTH_LIMIT}"
        raise LimitError(message, text=text, span=(LENGTH_LIMIT, LENGTH_LIMIT + 1))
    begin, stop = _inside(text)
    tokens = [token for match in _TOKEN.finditer(text, begin, stop) if (token := _token(text, match)) is not None]
    return [*tokens, ("end", "", stop, stop)]


def _inside(text: str) -> tuple[int, int]:
    """The range between the delimiters of math mode and the blanks and stops around them."""
    begin, end = _trimmed(text, 0, len(text))
    for opening, closing in _DELIMITERS:
        longer = end - begin >= len(opening) + len(closing)
        if longer and text.startswith(opening, begin) and text.endswith(closing, begin, end):
            return _trimmed(text, begin + len(opening), end - len(closing))
    return begin, end


def _trimmed(text: str, begin: int, end: int) -> tuple[int, int]:
    while begin < end and text[begin].isspace():
        begin += 1
    while end > begin and (text[end - 1].isspace() or text[end - 1] in ".,;") and text[end - 2 : end - 1] != "\\":
        end -= 1
    return begin, end


def _token(text: str, match: re.Match[str]) -> Token | None:
    kind, (start, end) = str(match.lastgroup), match.span()
    kind = next(k for k in _KINDS if match[k] is not None)
    if kind == "space" and "&" in match[0] and _in_matrix(text, start):
        return "&", match[0], start, end
    if kind == "space" and "&" in match[0] and not _aligns(text, start, end):
        raise ParseError("'&' aligns lines; nothing is aligned here", text=text, span=(start, end), hint="l_1 &= ...")
    if kind in ("space", "ignored"):
        return None
    if kind == "environment":
        return _environment(text, match)
    if kind == "word":
        return _word(text, match)
    if kind == "sized":
        return _delimiter(text, match["delimiter"], match["size"], start, end)
    if kind == "command":
        return _command(text, match[0][1:], start, end)
    if kind == "number" and re.compile(r"[eE][+-]?[0-9]").match(text, end):
        message = "powers of ten are written out in LaTeX"
        raise ParseError(message, text=text, span=(start, end + 1), hint=r"1 \cdot 10^{-3}")
    if kind == "other":
        return _character(text, match[0], start)
    return kind, match[0], start, end


def _aligns(text: str, start: int, end: int) -> bool:
    """Whether `&` stands at the beginning of a line or next to a sign or relation."""
    before, after = text[max(0, start - _NEAR) : start].rstrip(), text[end : end + _NEAR].lstrip()
    return not before or before.endswith(("=", "\\\\", "\n", "}", "]")) or after.startswith(_RELATIONS)


_LINE_END = re.compile(r"\s*(?:\\\\|\\end|\$|\Z|\n)")
_NEAR = 20  # characters around `&` that are looked at
_RELATIONS = ("=", "+", "-", ":", "\\quad", "\\qquad", "\\coloneqq", "\\triangleq", "\\cdot", "\\odot")
_KINDS = ("space", "newline", "line", "environment", "ignored", "word", "sized", "command", "number", "letter", "other")


_MATRIX = re.compile(r"\\(begin|end)\s*\{(?:[bp]?matrix)\}")


def _in_matrix(text: str, at: int) -> bool:
    """Whether a matrix is open at a place."""
    marks = [m[1] for m in _MATRIX.finditer(text, 0, at)]
    return marks.count("begin") > marks.count("end")


def _environment(text: str, match: re.Match[str]) -> Token | None:
    if match["env"] in _ENVIRONMENTS:
        return None
    if _MATRIX.fullmatch(match[0]):
        return "matrix" if match[0].startswith("\\begin") else "endmatrix", match["env"], *match.span()
    message = f"the environment {match['env']} is not read"
    hint = "a name for the matrix, declared apart" if "matrix" in match["env"] else r"\begin{aligned} ... \end{aligned}"
    raise ParseError(message, text=text, span=match.span(), hint=hint)


def _word(text: str, match: re.Match[str]) -> Token:
    written = match["content"] if match["content"] is not None else match["single"]
    word = re.sub(r"\\[ ,]|\s|-|\\-", "", written.replace(r"\_", "_"))
    if not _WORD.fullmatch(word) or (" " in written.strip() and match["style"].startswith("text")):
        message = f"{match[0]} is not a name or a function"
        raise ParseError(message, text=text, span=match.span(), hint=r"\mathrm{loss} or \operatorname{tr}(X)")
    kind = "operator" if match["style"] in ("operatorname", "mathop") else "word"
    return kind, word, *match.span()


def _delimiter(text: str, written: str, size: str, start: int, end: int) -> Token | None:
    """What follows \\left, \\right, \\bigl, ...: only these say which side a bar stands on."""
    name = written[1:] if written.startswith("\\") and written[1:].isalpha() else written
    left, right = size == "left" or size.endswith("l"), size == "right" or size.endswith("r")
    if name in BARS:
        return ("open" if left else "close" if right else "bar"), BARS[name], start, end
    if name in OPENING:
        return "open", OPENING[name], start, end
    if name in CLOSING:
        return "close", CLOSING[name], start, end
    message = f"\\{size}{written} is not a delimiter that is read"
    raise ParseError(message, text=text, span=(start, end), hint=r"\left( \right)")


def _command(text: str, name: str, start: int, end: int) -> Token | None:
    if name in _SPACES:
        return None
    if name in INFIX_COMMANDS:
        return "infix", INFIX_COMMANDS[name], start, end
    if name in COMPARE_COMMANDS:
        return "compare", COMPARE_COMMANDS[name], start, end
    key = name if name.isalpha() else "\\" + name
    for table, kind in ((OPENING, "open"), (CLOSING, "close"), (BARS, "bar")):
        if key in table:
            return kind, table[key], start, end
    if name in _UNSUPPORTED:
        what, hint = _UNSUPPORTED[name]
        raise ParseError(f"\\{name} is {what}; it is not read", text=text, span=(start, end), hint=hint)
    if name in ("coloneqq", "triangleq", "equiv"):
        return "=", "=", start, end
    if not name.isalpha():
        raise ParseError(f"\\{name} is not read here", text=text, span=(start, end))
    return ("style" if name in STYLES else "command"), name, start, end


def _character(text: str, c: str, start: int) -> Token | None:
    end = start + 1
    if c in "{}^_,":
        return c, c, start, end
    if c in "|‖":
        return "bar", BARS[c], start, end
    if c in "([":
        return "open", c, start, end
    if c in ")]":
        return "close", CLOSING[c], start, end
    if c == ":" and text.startswith("=", end):
        return None  # `:=`
    if c == ";":
        return "line", c, start, end
    if c == "." and _LINE_END.match(text, end):
        return None
    if c == ".":
        message = "a dot stands in a number only"
        raise ParseError(message, text=text, span=(start, end), hint=r"\odot for entry by entry")
    if c not in SYMBOLS:
        raise ParseError(f"the character '{c}' is not read in LaTeX", text=text, span=(start, end))
    kind, value = SYMBOLS[c]
    return ("command", "sqrt", start, end) if kind == "root" else (kind, value, start, end)
