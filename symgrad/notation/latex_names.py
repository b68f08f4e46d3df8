r"""Names in LaTeX: letter, accent and indices -> a name of the text language, and which words are functions.

The inverse of `latex.name_latex`.  Several names are written alike (W21 and W_21, Sigma and Σ): the one
that is known is meant, else the plainest.  What kind of array a name stands for, by declaration or by the
habit of the field, is guessed here too, where LaTeX leaves open what is written.

>>> Symbol("W", "", ("21",)).name(()), Symbol("W", "", ("21",)).name({"W_21"}), Symbol("y", "hat", ()).name(())
('W21', 'W_21', 'yhat')
>>> function_named("ReLU"), function_named("ln"), function_named("loss")
('relu', 'log', None)
"""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from symgrad.notation.infer import GREEK as SCALAR_LETTERS
from symgrad.notation.latex import GREEK_COMMANDS, VARIANTS
from symgrad.notation.tree import Name, Number, Tree, postorder
from symgrad.operations.catalogue import find, function_names
from symgrad.operations.record import Elementwise

ACCENTS = {
    "hat": "hat", "widehat": "hat", "bar": "bar", "overline": "bar", "tilde": "tilde", "widetilde": "tilde",
    "dot": "dot",
}  # fmt: skip
INDEX_LIMIT = 6  # indices of one name

_ALIASES = {"sgn": "sign", "lse": "logsumexp", "asin": "arcsin", "acos": "arccos", "atan": "arctan"}


@dataclass(frozen=True, slots=True)
class Symbol:
    r"""A letter or word with its accent and indices, as written: `\hat{y}_{1}` is y, hat, 1."""

    base: str
    accent: str
    indices: tuple[str, ...]

    def name(self, known: Collection[str]) -> str:
        """The known name that is written so, else the plainest."""
        if self.plainest in known or not known:
            return self.plainest
        return next((n for n in self._spellings() if n in known), self.plainest)

    def known_as(self, known: Collection[str]) -> list[str]:
        """All the known names that are written so; with more than one nobody can tell which is meant."""
        return sorted({n for n in self._spellings() if n in known})

    @property
    def plainest(self) -> str:
        """Digits stand right after the name, other indices after an underscore."""
        written = self.base + self.accent
        for index in self.indices:
            touching = index[0].isdigit() and not written[-1].isdigit()
            written += index if touching else "_" + index
        return written

    def _spellings(self) -> Iterator[str]:
        bases = _letter_spellings(self.base)
        joints = itertools.product(*([("", "_")] * len(self.indices)))
        apart = sorted(joints, key=lambda joint: joint[1:].count(""))  # 2,1 is rather 2_1 than 21
        for joint, base in itertools.product(apart, bases):
            tail = "".join(mark + index for mark, index in zip(joint, self.indices, strict=True))
            yield base + self.accent + tail
            yield base + tail + self.accent


def _letter_spellings(word: str) -> list[str]:
    r"""`lambda`, `λ`, `lam`: what is written \lambda."""
    if word not in GREEK_COMMANDS:
        return [word]
    plain = word.removeprefix("var")
    found = [word, *(c for c, command in VARIANTS.items() if command == word), plain]
    spelled = ("lamda" if plain.lower() == "lambda" else plain).upper()
    size = "CAPITAL" if word[0].isupper() else "SMALL"
    found.append(unicodedata.lookup(f"GREEK {size} LETTER {spelled}"))
    return [*found, "lam"] if word == "lambda" else found


def function_named(word: str) -> str | None:
    """The function that a word or command of several letters means; case does not matter."""
    if len(word) < 2:
        return None
    entry = find(word)
    if entry is not None and entry.notation.fixity == "call":
        return entry.name
    lowered = _ALIASES.get(word.lower(), word.lower())
    return next((n for n in function_names() if n.lower() == lowered and len(n) > 1), None)


def kind_of(tree: Tree, kinds: Mapping[str, str]) -> str:
    """What an expression seems to be: scalar, column, row or matrix.

    `kinds` says so of the declared names; capitals are matrices, small letters columns, Greek ones scalars.
    """
    stack: list[str] = []
    for part in postorder(tree):
        if isinstance(part, Name):
            stack.append(kinds.get(part.name) or _habit(part.name))
        elif isinstance(part, Number):
            stack.append("scalar")
        else:
            count = len(part.args)
            args = stack[len(stack) - count :]
            del stack[len(stack) - count :]
            stack.append(_combined(part.op, args))
    return stack[-1]


def _habit(name: str) -> str:
    if name[0].isascii() and name[0].isupper() and name.rstrip("0123456789_") not in GREEK_COMMANDS:
        return "matrix"
    greek = name.rstrip("0123456789_") in SCALAR_LETTERS or "GREEK" in unicodedata.name(name[0], "")
    return "scalar" if greek or name == "pi" else "column"


_TURNED = {"row": "column", "column": "row"}
_SHAPES = {("row", "column"): "scalar", ("column", "row"): "matrix", ("row", "matrix"): "row",
           ("matrix", "column"): "column", ("matrix", "matrix"): "matrix"}  # fmt: skip


def _combined(op: str, args: list[str]) -> str:
    arrays = [a for a in args if a != "scalar"]
    if op == "transpose":
        return _TURNED.get(args[0], args[0])
    if op == "multiply" and len(arrays) == 2:
        return _SHAPES.get((args[0], args[1]), "matrix")
    if op in ("diagonal", "rowsum", "vec", "e") or (op in ("ones", "zeros") and len(args) < 2):
        return "column"
    if op in ("inv", "adj", "diag", "kron", "eye", "commutation", "ones", "zeros"):
        return "matrix"
    if op in ("vstack", "hstack"):
        line = "column" if op == "vstack" else "row"
        return line if {*args} <= {line, "scalar"} else "matrix"
    if op == "part":
        return args[0]
    if op in ("rows", "columns"):
        return "matrix"
    if op == "colsum":
        return "row" if args[0] == "matrix" else "scalar"
    entry = find(op)
    if entry is None or entry.notation.fixity != "call" or isinstance(entry, Elementwise):
        return arrays[0] if arrays else "scalar"
    return "scalar" if op not in ("softmax", "logsoftmax", "rowsoftmax", "expm") else args[0]
