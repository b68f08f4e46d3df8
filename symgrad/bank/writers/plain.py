r"""Inline LaTeX as plain characters, for a terminal: names as in the text language, signs as Unicode.

Only what sentences of exercises and keys use is known; an unknown command is written by its name.

>>> plain(r"\partial (a^\top x) / \partial x = a^\top"), plain(r"\frac{1}{1 + e^{-t}} \in \mathbb{R}^n")
("∂(a' x) / ∂x = a'", '1/(1 + e^(-t)) ∈ R^n')
"""

from __future__ import annotations

import re

_SIGNS = {
    "partial": "∂", "top": "'", "times": "×", "cdot": "·", "cdots": "...", "dots": "...",
    "ldots": "...", "odot": "⊙", "oslash": "⊘", "otimes": "⊗", "in": "∈", "to": "→", "le": "≤",
    "leq": "≤", "ge": "≥", "geq": "≥", "ne": "≠", "neq": "≠", "approx": "≈", "sum": "∑", "prod": "∏",
    "infty": "∞", "sigma": "σ", "delta": "δ", "mu": "μ", "lambda": "λ", "alpha": "α", "beta": "β",
    "gamma": "γ", "varepsilon": "ε", "theta": "θ", "eta": "η", "phi": "φ", "pi": "π", "Sigma": "Σ", "Lambda": "Λ",
    "nabla": "∇", "quad": "  ", "qquad": "    ", "lVert": "‖", "rVert": "‖", "lvert": "|", "rvert": "|",
    "vert": "|", "left": "", "right": "", "langle": "⟨", "rangle": "⟩", "mid": "|",
}  # fmt: skip
_WRAPPERS = frozenset({"mathbb", "mathcal", "mathbf", "mathrm", "operatorname", "boldsymbol", "text", "mathit"})
_ACCENTS = {"hat": "hat", "bar": "bar", "tilde": "tilde"}
_TOKEN = re.compile(r"\\[A-Za-z]+|\\.|[{}^_]|\s+|[^\\{}^_\s]", re.DOTALL)
_TIGHT = frozenset({"∂", "∑", "∏"})


def plain(latex: str) -> str:
    """LaTeX as plain characters."""
    reader = _Reader(_TOKEN.findall(latex))
    return re.sub(r" +", " ", reader.until_end()).strip()


class _Reader:
    def __init__(self, tokens: list[str]):
        self.tokens, self.at = tokens, 0

    def until_end(self, closing: str | None = None) -> str:
        out: list[str] = []
        while self.at < len(self.tokens):
            token = self.tokens[self.at]
            if token == closing:
                self.at += 1
                break
            out.append(self.one(out))
        return "".join(out)

    def one(self, before: list[str] | None = None) -> str:
        """The next token, or group, as characters."""
        token = self.tokens[self.at]
        self.at += 1
        if token == "{":
            return self.until_end("}")
        if token in ("^", "_"):
            return self._script(token)
        if not token.startswith("\\"):
            return " " if token.isspace() else token
        return self._command(token[1:])

    def _script(self, mark: str) -> str:
        body = self._argument()
        if mark == "_":
            return body if body.isdigit() else f"_{body}" if body.replace(" ", "").isalnum() else f"_({body})"
        if body == "'" or (body.startswith("(") and body.endswith(")")):
            return body
        return f"^{body}" if len(body) == 1 or body.isalnum() else f"^({body})"

    def _argument(self) -> str:
        while self.at < len(self.tokens) and self.tokens[self.at].isspace():
            self.at += 1
        return self.one().strip() if self.at < len(self.tokens) else ""

    def _command(self, name: str) -> str:
        if name == "frac":
            above, below = self._argument(), self._argument()
            return f"{_factor(above)}/{_factor(below)}"
        if name == "sqrt":
            return f"√{_factor(self._argument())}"
        if name in _ACCENTS:
            return self._argument() + _ACCENTS[name]
        if name in _WRAPPERS:
            return self._argument()
        if name in _SIGNS:
            sign = _SIGNS[name]
            if sign in _TIGHT or name in ("left", "right", "lVert"):
                self._skip_space()
            return sign
        return name if name[:1].isalpha() else " " if name in (",", ";", ":", "\\", "!") else name

    def _skip_space(self) -> None:
        while self.at < len(self.tokens) and self.tokens[self.at].isspace():
            self.at += 1


def _factor(body: str) -> str:
    return body if re.fullmatch(r"∂?[\w()]+'?", body) else f"({body})"
