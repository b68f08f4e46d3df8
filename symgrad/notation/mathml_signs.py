r"""What single commands of LaTeX look like in MathML: signs, Greek letters, alphabets, accents, delimiters.

Browsers know no `mathvariant` but `normal`; bold, blackboard and script letters are characters of their own.

>>> greek("sigma"), greek("varepsilon"), styled("x", "mathbf"), styled("R", "mathbb"), greek("mathbf")
('σ', 'ε', '𝐱', 'ℝ', None)
"""

from __future__ import annotations

import unicodedata

from symgrad.notation.latex import GREEK_COMMANDS, VARIANTS

OPERATORS = {
    "cdot": "⋅", "times": "×", "odot": "⊙", "oslash": "⊘", "otimes": "⊗", "oplus": "⊕", "circ": "∘", "ast": "∗",
    "star": "⋆", "div": "÷", "pm": "±", "mp": "∓", "le": "≤", "leq": "≤", "ge": "≥", "geq": "≥", "ne": "≠",
    "neq": "≠", "lt": "<", "gt": ">", "ll": "≪", "gg": "≫", "approx": "≈", "equiv": "≡", "sim": "∼", "simeq": "≃",
    "cong": "≅", "propto": "∝", "triangleq": "≜", "coloneqq": "≔", "in": "∈", "notin": "∉", "subset": "⊂",
    "subseteq": "⊆", "cup": "∪", "cap": "∩", "to": "→", "rightarrow": "→", "leftarrow": "←", "mapsto": "↦",
    "Rightarrow": "⇒", "Leftarrow": "⇐", "implies": "⟹", "iff": "⟺", "Leftrightarrow": "⇔", "leftrightarrow": "↔",
    "land": "∧", "wedge": "∧", "lor": "∨", "vee": "∨", "neg": "¬", "lnot": "¬", "setminus": "∖", "colon": ":",
    "mid": "|", "parallel": "∥", "perp": "⊥", "forall": "∀", "exists": "∃", "nabla": "∇", "dagger": "†",
    "succ": "≻", "succeq": "⪰", "prec": "≺", "preceq": "⪯", "prime": "′",
}  # fmt: skip
LETTERS = {
    "partial": "∂", "infty": "∞", "ell": "ℓ", "top": "⊤", "bot": "⊥", "dots": "…", "ldots": "…", "cdots": "⋯",
    "vdots": "⋮", "ddots": "⋱", "emptyset": "∅", "varnothing": "∅", "hbar": "ℏ", "Re": "ℜ", "Im": "ℑ", "aleph": "ℵ",
}  # fmt: skip
LARGE = {"sum": "∑", "prod": "∏", "coprod": "∐", "int": "∫", "bigcup": "⋃", "bigcap": "⋂", "bigoplus": "⨁"}
DELIMITERS = {
    "(": "(", ")": ")", "[": "[", "]": "]", "{": "{", "}": "}", "lbrace": "{", "rbrace": "}", "lbrack": "[",
    "rbrack": "]", "|": "|", "vert": "|", "lvert": "|", "rvert": "|", "Vert": "‖", "lVert": "‖", "rVert": "‖",
    "langle": "⟨", "rangle": "⟩", "lfloor": "⌊", "rfloor": "⌋", "lceil": "⌈", "rceil": "⌉", "<": "⟨", ">": "⟩",
    "/": "/", ".": "",
}  # fmt: skip
_FUNCTION_WORDS = """
    log ln lg exp sin cos tan cot sec csc sinh cosh tanh coth arcsin arccos arctan dim ker deg gcd arg
"""
_LIMIT_WORDS = "max min sup inf lim argmax argmin det Pr"
LIMITS = frozenset(_LIMIT_WORDS.split())  # their subscripts stand below
WORDS = LIMITS | frozenset(_FUNCTION_WORDS.split())
ACCENTS = {
    "hat": "^", "widehat": "^", "bar": "¯", "overline": "¯", "tilde": "~", "widetilde": "~", "dot": "˙", "ddot": "¨",
    "vec": "→",
}  # fmt: skip
SPACES = {
    ",": "0.167em", "thinspace": "0.167em", ":": "0.222em", ">": "0.222em", ";": "0.278em", "!": "-0.167em",
    " ": "0.25em", "\n": "0.25em", "enspace": "0.5em", "quad": "1em", "qquad": "2em",
}  # fmt: skip
_IGNORED_WORDS = "displaystyle textstyle limits nolimits nonumber notag big Big bigl bigr Bigl Bigr"
IGNORED = frozenset(_IGNORED_WORDS.split())
FENCES = {"bmatrix": "[]", "pmatrix": "()", "vmatrix": "||", "Vmatrix": "‖‖", "Bmatrix": "{}", "cases": "{"}
TABLES = {"matrix", "smallmatrix", "aligned", "align", "align*", "gathered", "split", "array", *FENCES}

UPRIGHT = frozenset({"mathrm", "operatorname", "textrm", "mathsf", "mathtt", "text", "textbf", "textit", "mbox"})
STYLES = frozenset({"mathbf", "boldsymbol", "bm", "mathbb", "mathcal", "mathscr", "mathit", *UPRIGHT})

# where the capital A, the small a and the digit 0 of an alphabet are
_ALPHABETS = {
    "mathbf": (0x1D400, 0x1D41A, 0x1D7CE),
    "boldsymbol": (0x1D468, 0x1D482, 0x1D7CE),
    "bm": (0x1D468, 0x1D482, 0x1D7CE),
    "mathbb": (0x1D538, 0x1D552, 0x1D7D8),
    "mathcal": (0x1D49C, 0x1D4B6, 0),
    "mathscr": (0x1D49C, 0x1D4B6, 0),
}
_GREEK = {"mathbf": (0x1D6A8, 0x1D6C2), "boldsymbol": (0x1D71C, 0x1D736), "bm": (0x1D71C, 0x1D736)}
# letters that had a place in Unicode before these alphabets were added
_EARLIER = {
    "mathbb": dict(zip("CHNPQRZ", "ℂℍℕℙℚℝℤ", strict=True)),
    "mathcal": dict(zip("BEFHILMRego", "ℬℰℱℋℐℒℳℛℯℊℴ", strict=True)),
}
_EARLIER["mathscr"] = _EARLIER["mathcal"]
_COMMAND_VARIANTS = {command: letter for letter, command in VARIANTS.items()}


def greek(command: str) -> str | None:
    """The letter of a command; None for what is no Greek letter."""
    if command not in GREEK_COMMANDS:
        return None
    if command in _COMMAND_VARIANTS:
        return _COMMAND_VARIANTS[command]
    size = "CAPITAL" if command[0].isupper() else "SMALL"
    return unicodedata.lookup(f"GREEK {size} LETTER {command.upper().replace('LAMBDA', 'LAMDA')}")


def styled(text: str, style: str) -> str:
    """The characters in an alphabet; those that it does not have stay."""
    return "".join(_styled(c, style) for c in text)


def _styled(c: str, style: str) -> str:
    if c in _EARLIER.get(style, {}):
        return _EARLIER[style][c]
    capital, small, zero = _ALPHABETS.get(style, (0, 0, 0))
    greek_capital, greek_small = _GREEK.get(style, (0, 0))
    for first, last, start in (("A", "Z", capital), ("a", "z", small), ("0", "9", zero),
                               ("Α", "Ω", greek_capital), ("α", "ω", greek_small)):  # fmt: skip
        if start and first <= c <= last:
            return chr(start + ord(c) - ord(first))
    return c
