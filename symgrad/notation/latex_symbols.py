r"""The tokens of a formula and the names in them: letters with style, accent and indices.

The lower half of the reader: it moves through the tokens and recognises names, function words and
transposes, and knows no expressions.

>>> reader = SymbolReader(r"\hat{\mathbf{y}}_{12}^{(3)}", set(), {}, True)
>>> reader.indexed(reader.symbol())
(Symbol(base='y', accent='hat', indices=('12', '3')), [])
"""

from __future__ import annotations

from symgrad.errors import ParseError, Span
from symgrad.notation.latex import GREEK_COMMANDS
from symgrad.notation.latex_names import ACCENTS, INDEX_LIMIT, Symbol, function_named
from symgrad.notation.latex_tokens import tokenize
from symgrad.notation.tokens import Token
from symgrad.notation.tree import Call, Tree

_TRANSPOSES = ("top", "intercal", "prime", "T", "'")
_ACCENT_LIMIT = 6
_WORD_LIMIT = 32  # letters in a row that are tried as one word
_LIST_LIMIT = 200  # tokens in which the comma between arguments is looked for


class SymbolReader:
    """Where the reading is, the known names, and the indices that are summed."""

    def __init__(self, text: str, known: set[str], kinds: dict[str, str], single: bool) -> None:
        self.text, self.known, self.kinds = text, known, kinds
        self.tokens = tokenize(text)
        if single or not any(t[0] == "=" for t in self.tokens) or any(t[0] == "line" for t in self.tokens):
            self.tokens = [t for t in self.tokens if t[0] != "newline"]
        self.at = 0
        self.end = 0  # of what was read last
        self.bound: list[str] = []

    # --- tokens

    @property
    def peek(self) -> Token:
        return self.tokens[self.at]

    def take(self) -> Token:
        token = self.tokens[self.at]
        self.at = min(self.at + 1, len(self.tokens) - 1)
        self.end = token[3]
        return token

    def takes(self, kind: str) -> bool:
        found = self.peek[0] == kind
        if found:
            self.take()
        return found

    def skip(self, *kinds: str) -> bool:
        """Pass over tokens of these kinds; whether anything is left."""
        while self.peek[0] in (*kinds, ","):
            self.take()
        return self.peek[0] != "end"

    def values(self, count: int) -> tuple[str, ...]:
        return tuple(t[1] for t in self.tokens[self.at : self.at + count])

    def error(self, message: str, token: Token | None = None, hint: str | None = None) -> ParseError:
        start, end = (token or self.peek)[2:]
        return ParseError(message, text=self.text, span=(start, max(end, start)), hint=hint)

    def call(self, op: str, args: tuple[Tree, ...], start: int, mark: Span | None = None) -> Call:
        return Call(op, args, (start, self.end), mark or (start, self.end))

    # --- names

    def left_side(self) -> str | None:
        """`name =` or `f(x, y) =`, where a line begins so."""
        start = self.at
        try:
            symbol = self.symbol() if self.peek[0] in ("letter", "word", "command", "style", "operator") else None
            symbol = self.indexed_symbol(symbol) if symbol else None
        except ParseError:
            symbol = None  # no name: the formula that starts here says what is wrong
        if symbol is not None and self.peek[:2] == ("open", "("):
            while self.peek[0] in ("open", "letter", "word", "command", "style", "{", "}", ",", "_", "number"):
                self.take()
            self.takes("close")
        if symbol is not None and self.takes("="):
            return symbol.name(self.known)
        self.at = start
        return None

    def symbol(self) -> Symbol | None:
        """A letter or word with style and accent; None where bold stands around more than that."""
        start = self.at
        accents, braces = "", 0
        while self.peek[0] in ("style", "{") or self.peek[1] in ACCENTS:
            kind, value, *_ = self.take()
            accents = (ACCENTS[value] if kind == "command" else "") + accents
            braces += kind == "{"
        if braces > _ACCENT_LIMIT:
            raise self.error(f"a letter has at most {_ACCENT_LIMIT} accents and styles", self.tokens[start])
        base = self.base(braces)
        symbol = Symbol(base, accents, ()) if base else None
        if symbol and braces and self.peek[0] == "_":
            symbol = self.indexed_symbol(symbol)
        if symbol is None or not all(self.takes("}") for _ in range(braces)):
            if accents:
                raise self.error("an accent stands over a single name", self.tokens[start], r"\hat{y}")
            self.at = start
            return None
        return symbol

    def base(self, braces: int) -> str:
        """A letter, a Greek letter or a word; several letters in braces are a word."""
        kind, value, *_ = self.peek
        if kind == "command" and value not in GREEK_COMMANDS:
            return ""
        if kind == "number" and (self.tokens[self.at - 1][0] not in ("style", "{") or len(value) > 1):
            return ""
        if kind not in ("command", "word", "operator", "letter", "number"):
            return ""
        self.take()
        while kind == "letter" and braces and self.peek[0] == "letter" and self.touching():
            value += self.take()[1]
        return value

    def touching(self) -> bool:
        """Whether nothing stands between the token read last and the next."""
        return self.tokens[self.at - 1][3] == self.peek[2]

    def indexed(self, symbol: Symbol) -> tuple[Symbol, list[str]]:
        r"""The symbol with what stands below it and `^{(1)}` above; apart from it, the indices of a sum."""
        self.index_first()
        while True:
            if self.takes("_"):
                parts = self.index_parts()
                atoms = [a for part in parts for a in part]
                if any(a in self.bound for a in atoms):
                    return symbol, self.summed_indices(atoms)
                symbol = Symbol(symbol.base, symbol.accent, (*symbol.indices, *("".join(p) for p in parts)))
            elif self.peek[0] == "^" and self.is_label():
                label = self.tokens[self.at + 3][1]
                if label in self.bound:
                    hint = "the arrays as rows of a matrix: X w"
                    raise self.error("the i-th of several arrays is not read", hint=hint)
                self.at += 5
                self.take()
                symbol = Symbol(symbol.base, symbol.accent, (*symbol.indices, label))
            else:
                return symbol, []
            if len(symbol.indices) > INDEX_LIMIT:
                raise self.error(f"a name has at most {INDEX_LIMIT} indices")

    def indexed_symbol(self, symbol: Symbol) -> Symbol:
        """The symbol with its indices, where no sum is meant."""
        found, entry = self.indexed(symbol)
        if entry:
            raise self.error("the index stands outside of the braces here", hint=r"\hat{y}_i")
        return found

    def summed_indices(self, atoms: list[str]) -> list[str]:
        if not set(atoms) <= set(self.bound):
            hint = "x_i or A_{ij}, all of them summed"
            raise self.error("an index of a sum next to another index is not read", hint=hint)
        if len(atoms) > 2:
            raise self.error("an entry has at most two indices", hint="A_{ij}")
        return atoms

    def is_label(self) -> bool:
        """Whether `^{(21)}` follows: a layer or a number in a row, not a power."""
        following = self.tokens[self.at + 1 : self.at + 6]
        kinds = [t[0] for t in following]
        return (
            len(following) == 5
            and [kinds[0], kinds[1], kinds[3], kinds[4]] == ["{", "open", "close", "}"]
            and (following[1][1] == "(" and kinds[2] in ("number", "letter", "word"))
        )

    def index_parts(self) -> list[list[str]]:
        """What stands below, between commas: letters, digits, Greek letters, words."""
        mark = self.peek
        if not self.takes("{"):
            return [[self.index_atom(mark, digits=1)]]
        parts: list[list[str]] = [[]]
        while not self.takes("}"):
            if self.takes(","):
                parts.append([])
            else:
                parts[-1].append(self.index_atom(mark))
        if not all(parts):
            raise self.error("an index is missing here", mark)
        return parts

    def index_atom(self, mark: Token, digits: int | None = None) -> str:
        kind, value, start, end = self.peek
        if kind not in ("letter", "number", "word", "operator") and not (kind == "command" and value in GREEK_COMMANDS):
            raise self.error("an index is a letter, a number or a word", mark, "x_1, W_{21} or x_{\\mathrm{new}}")
        self.take()
        if digits is not None and kind == "number" and len(value) > digits:
            self.at -= 1
            self.tokens[self.at] = (kind, value[digits:], start + digits, end)
            value, self.end = value[:digits], start + digits
        return value

    def is_known_with_index(self, symbol: Symbol) -> bool:
        """Whether the symbol with what stands below it is a known name, as `I_n` may be."""
        before = self.at, self.end
        try:
            return self.indexed_symbol(symbol).name(self.known) in self.known
        except ParseError:
            return False
        finally:
            self.at, self.end = before

    def function_word(self) -> str | None:
        r"""A function that is written as a word, \operatorname{tr}, \mathrm{tr} or tr(...); None where it is a name."""
        kind, value, start, _ = self.peek
        if kind == "letter":
            return self.bare_word(start)
        if kind not in ("word", "operator") or value in self.known:
            return None
        function = function_named(value)
        if function is None:
            following = self.tokens[self.at + 1][:2]
            if following != ("open", "(") or len(value) < 2:
                return None
            function = value
        self.take()
        return function

    def bare_word(self, start: int) -> str | None:
        """Letters in a row that are a function before a parenthesis, or (made one token) a known name."""
        at = self.at + 1
        while self.tokens[at][0] in ("letter", "number") and self.tokens[at][2] == self.tokens[at - 1][3]:
            at += 1
            if at - self.at > _WORD_LIMIT:
                return None
        if at - self.at < 2:
            return None
        word = self.text[start : self.tokens[at - 1][3]]
        letters = self.tokens[self.at : at]
        if word in self.known and not all(t[1] in self.known for t in letters):
            self.at = at - 1
            self.tokens[self.at] = ("word", word, start, self.tokens[self.at][3])
            return None
        function = function_named(word)
        if function is None or self.tokens[at][:2] != ("open", "(") or all(t[1] in self.known for t in letters):
            return None
        self.at = at - 1
        self.take()
        return function

    # --- what stands above

    def transposes(self, at: int) -> int:
        r"""How many tokens from `at` on are a transpose in a superscript (`\top`, `{T}`, `{-\top}`); 0 if none are."""
        tokens = self.tokens[at : at + 4]
        kinds, values = [t[0] for t in tokens], [t[1] for t in tokens]
        if self.is_transpose(tokens[:1]):
            return 1
        if kinds[:1] == ["sign"] and values[0] == "subtract" and self.is_transpose(tokens[1:2]):
            return 2
        if kinds[:1] != ["{"]:
            return 0
        if self.is_transpose(tokens[1:2]) and kinds[2:3] == ["}"]:
            return 3
        signed = kinds[1:2] == ["sign"] and values[1] == "subtract"
        return 4 if signed and self.is_transpose(tokens[2:3]) and kinds[3:4] == ["}"] else 0

    def is_transpose(self, token: list[Token]) -> bool:
        return bool(token) and token[0][1] in _TRANSPOSES and not (token[0][1] == "T" and "T" in self.known)

    def index_first(self) -> None:
        """`x^2_i` as `x_i^2`: what stands below is read first."""
        if self.peek[0] not in ("^", "transpose"):
            return
        middle = self.at + 1 if self.peek[0] == "transpose" else self.script_end(self.at + 1)
        if self.tokens[middle][0] == "_":
            end = self.script_end(middle + 1)
            self.tokens[self.at : end] = [*self.tokens[middle:end], *self.tokens[self.at : middle]]

    def script_end(self, at: int) -> int:
        """Where a script ends: after one token or the brace that closes the group."""
        depth = 0
        while at < len(self.tokens) - 1:
            depth += {"{": 1, "}": -1}.get(self.tokens[at][0], 0)
            at += 1
            if depth <= 0:
                break
        return min(at, len(self.tokens) - 1)

    def comma_inside(self) -> bool:
        """Whether the group that opens here has several parts."""
        depth = 0
        for kind, *_ in self.tokens[self.at : self.at + _LIST_LIMIT]:
            depth += {"open": 1, "{": 1, "close": -1, "}": -1}.get(kind, 0)
            if depth < 1 or (depth == 1 and kind == ","):
                return depth == 1
        return False

    def split_at_times(self) -> None:
        r"""Read `m \times n` as two sizes, up to the brace that closes."""
        depth, at = 0, self.at
        while depth >= 0 and at < len(self.tokens) - 1:
            kind, _, start, end = self.tokens[at]
            depth += {"{": 1, "}": -1}.get(kind, 0)
            if depth == 0 and self.text[start:end] in ("\\times", "×"):
                self.tokens[at] = (",", ",", start, end)
            at += 1
