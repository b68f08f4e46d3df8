r"""What stands around an answer: math mode, `df/dx =` in front, chains of equals signs, `where s = ...` behind.

An answer is a formula; people dress it.  `undressed` takes the dress off and says what it took; a chain
`df/dx = (A+A')x = Ax + A'x` keeps every part, since each of them is claimed.  This room parses nothing.

>>> undressed("∂f/∂x_k = Σ_j (A_kj + A_jk) x_j").prefix
'∂f/∂x_k ='
>>> undressed("2 X'r where r = Xw - y").text
"r = Xw - y\n2 X'r"
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from symgrad.notation.tokens import is_name

_D = r"(?:[d∂δ]|\\partial|\\mathrm\s*\{\s*d\s*\})"
_WORDS = (
    "grad(?:ient)?", "answer", "ans", "result", "solution", "jacobian", "hessian", "derivative", "deriv",
    "پاسخ", "جواب", "مشتق", "گرادیان", "ژاکوبین", "هسیان",
)  # fmt: skip
_OPEN = r"[\s(\[{$]*"
_LABEL = re.compile(
    rf"""{_OPEN}(?:
        {_D}\s*[\^²³]?.*/\s*\(?\s*{_D}.*                       # df/dx, (d f/d X)_ij, d²f/dx², d(x'Ax)/dx
      | (?:∇|\\nabla|(?-i:D)_|(?-i:D)(?=\s*[a-zA-Z]\b)).*                  # ∇f(x), \nabla_x f, Df
      | \\[dt]?frac\s*\{{\s*{_D}.*                             # \frac{{\partial f}}{{\partial x}}, \frac{{d}}{{dx}} f
      | (?:{"|".join(_WORDS)})\b.*
      | [a-zA-Z]\w*\s*(?:'|\\prime|\^\\prime|\^\{{\\prime\}})+\s*(?:\([^()]*\))?   # f'(x)
      | (?-i:[JHGDg])\s*(?:_\s*\{{?[\w\s,]+\}}?)?[\s\])}}]*(?:_\s*\{{?[a-z\s,]+\}}?|\[[^\]]*\]|\([^()]*\))?
    )\s*""",
    re.VERBOSE | re.IGNORECASE,
)
_COLON = re.compile(rf"\s*(?:{'|'.join(_WORDS)})\s*(?:\([^()=]*\))?\s*(?:is|است)?\s*:(?!=)\s*", re.IGNORECASE)
_ENVIRONMENT = re.compile(r"\\(?:begin|end)\s*\{\s*(?:align|aligned|equation|split|gather|gathered|multline)\*?\s*\}")
_LINE_END = re.compile(r"\n|\\\\(?![a-zA-Z\\])")
LABEL_LENGTH = 200  # characters in front of an equals sign
_MATH_MODE = (("$$", "$$"), ("$", "$"), (r"\[", r"\]"), (r"\(", r"\)"), ("**", "**"), ("`", "`"))
_WHERE = re.compile(r"[\s,;](?:\\text\s*\{\s*where\s*\}|where|with|که در آن|با)\s")
_COMMA = re.compile(r",\s*(?=[^\W\d]\w*\s*=(?!=))")
_NUMBERED = re.compile(r"^\s*(?:(?:step|line|eq|گام|خط)?\s*\(?[0-9]+[.):]\)?|[-*•▸])\s+", re.IGNORECASE)
_TAGGED = re.compile(r"\s+(?:\((?:\d+|[ivx]+|\*+)\)|\\tag\s*\{[^{}]*\}|(?:#|%|//).*)$")
_AND = re.compile(r"\s*(?:\band\b|;|,(?=\s*[^\W\d]\w*\s*=(?!=)))\s*")
_LET = re.compile(r"^(?:let|put|set|with|where|فرض کنید)\s+(?=[^\W\d]\w*\s*=)", re.IGNORECASE)
_ARABIC = "\u0600-\u06ff"
_CONNECTORS = (
    "so", "hence", "therefore", "thus", "then", "since", "because", "and", "now", "where", "with", "finally",
    "we get", "we have", "this gives", "is",
)  # fmt: skip
_WORD_BEFORE = re.compile(rf"\s*(?:[{_ARABIC}]+[\s:]+|(?:{'|'.join(_CONNECTORS)})\b[\s,:]*)", re.I)
_WORD_BEHIND = re.compile(rf"[{_ARABIC}]+$")
_THEREFORE = re.compile(r"^\s*(?:=>|->|⇒|⟹|→|∴|\\implies|\\Rightarrow|\\therefore)\s*")


@dataclass(frozen=True, slots=True)
class Undressed:
    """The formula (or lines), what was named in front of it, and what else of a chain is claimed."""

    text: str
    prefix: str = ""
    earlier: tuple[str, ...] = ()


def one_space(text: str) -> str:
    """Blanks in a row as one, no empty lines."""
    return "\n".join(line for line in (" ".join(written.split()) for written in text.split("\n")) if line)


def undressed(answer: str) -> Undressed:
    """An answer without what stands around it."""
    text = _ENVIRONMENT.sub(" ", _out_of_math_mode(one_space(answer))).strip()
    text = _THEREFORE.sub("", _LET.sub("", _without_words_behind(_joined(text))))
    said = _COLON.match(text)
    prefix = said[0] if said is not None else ""
    formula = _out_of_math_mode(_without_words(text[len(prefix) :]).strip())
    return _of_chain(_with_parts_first(formula), prefix.strip())


def bare_line(line: str) -> str:
    """A line of a derivation without its number, the words around it, and math mode; its left side stays."""
    text = _NUMBERED.sub("", _ENVIRONMENT.sub(" ", one_space(line)).replace("&", " ").strip())
    text = _out_of_math_mode(_LINE_END.sub(" ", text).strip())
    text = _TAGGED.sub("", _THEREFORE.sub("", _without_words_behind(text)))
    return _LET.sub("", _without_words(_THEREFORE.sub("", _COLON.sub("", text, count=1)))).strip()


def _without_words(text: str) -> str:
    return text if is_label(text[: LABEL_LENGTH + 1].partition("=")[0]) else _without_words_before(text)


def _joined(text: str) -> str:
    """Lines that begin with an equals sign go on with the line before."""
    lines = [line.strip() for line in _LINE_END.split(text)]
    goes_on = [line.lstrip("& ").startswith("=") for line in lines]
    if not any(goes_on):
        return text
    joined: list[str] = []
    for line, more in zip(lines, goes_on, strict=True):
        if more and joined:
            joined.append(f" {line}")
        else:
            joined.append(f"\n{line}")
    return "".join(joined).strip()


def _without_words_behind(text: str) -> str:
    """Words in Arabic script after a formula say nothing of it."""
    while (found := _WORD_BEHIND.search(text[-LABEL_LENGTH:])) is not None and len(found[0]) < len(text):
        text = text[: -len(found[0])].rstrip()
    return text


def _without_words_before(text: str) -> str:
    at = 0
    while (found := _WORD_BEFORE.match(text, at)) is not None:
        at = found.end()
    return text[at:]


def _out_of_math_mode(text: str) -> str:
    """Without delimiters that enclose the whole text."""
    for opening, closing in _MATH_MODE:
        if len(text) > len(opening) + len(closing) and text.startswith(opening) and text.endswith(closing):
            inner = text[len(opening) : -len(closing)]
            if opening not in inner and closing not in inner:
                return inner.strip()
    return text


def _with_parts_first(text: str) -> str:
    """`F where s = ...` and `F, s = ...` as lines: first what s is."""
    found = _WHERE.search(text) or _COMMA.search(text)
    if found is None or "=" not in text[found.end() :] or "\n" in text or ";" in text:
        return text
    if "=" in text[: found.start()] and not is_label(text[: found.start()].partition("=")[0]):
        return text
    return "\n".join([*filter(None, _AND.split(text[found.end() :])), text[: found.start()].strip()])


def _of_chain(text: str, prefix: str) -> Undressed:
    """One line of equals signs: a label in front, then what is claimed to be equal to it."""
    if "\n" in text or ";" in text or r"\\" in text:
        return Undressed(text, prefix)
    parts = [p.replace("&", " ").strip() for p in split_at_equals(text)]
    if len(parts) == 1:
        return Undressed(text, prefix)
    label = not parts[0] or is_label(parts[0])
    named = is_name(parts[0]) or re.fullmatch(r"[^\W\d]\w*\s*:", parts[0]) is not None
    if named and not label and len(parts) == 2:
        return Undressed(text, prefix)  # an assignment: its name may be anything
    claimed = parts[1:] if label or named else parts
    if not all(claimed):
        return Undressed(text, prefix)  # the grammar says what is missing
    front = f"{prefix} {parts[0]} =".strip() if label and parts[0] else prefix
    return Undressed(claimed[-1], front, tuple(claimed[:-1]))


def is_label(left: str) -> bool:
    """Whether the left side of an equation only names the derivative; a letter with a subscript may be an array."""
    return (
        len(left) <= LABEL_LENGTH
        and _LABEL.fullmatch(left) is not None
        and not re.fullmatch(r"\s*[a-zA-Z]\w*\s*", left)
    )


def split_at_equals(text: str) -> list[str]:
    """The parts between equals signs that stand in no brackets and are no comparison."""
    parts, depth, start = [], 0, 0
    for at, mark in enumerate(text):
        depth += (mark in "([{") - (mark in ")]}")
        if mark == "=" and depth <= 0 and text[at - 1 : at] not in tuple("<>=!~") and text[at + 1 : at + 2] != "=":
            parts.append(text[start:at])
            start = at + 1
    return [*parts, text[start:]]
