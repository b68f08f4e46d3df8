"""Text -> tree: one expression (`parse`) or several assignments (`parse_program`).

Operator precedence with an explicit stack, so that neither long nor deep texts meet Python's own
stack.  Loosest first: comparisons (in brackets only); `+ -` and the sign; `* .* / ./`, left to right;
powers and transposes.  A sign takes in the whole product after it: `-a*b` is -(a*b).  The grammar
knows neither the catalogue nor shapes; what needs the declared names comes after (`resolve_juxtaposition`).

>>> from symgrad.notation.text import text
>>> text(parse("2x'*A^2'"))
"2*x'*A^2'"
>>> tree, notes = resolve_juxtaposition(parse("x'Ax"), {"A", "x"}, {"tr"})
>>> text(tree), notes
("x'*(A*x)", ['Ax was read as A*x'])
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from dataclasses import replace
from fractions import Fraction

from symgrad.errors import LimitError, ParseError, Span
from symgrad.notation.tokens import ADD, COMPARE, FRACTIONS, INFIX, POWER, ROOT, Token, exact, refused, tokenize
from symgrad.notation.tree import Assignment, Call, Name, Number, Tree, postorder

NESTING_LIMIT = 200  # parentheses, brackets, calls and signs inside one another

Pending = tuple[int, str, Tree | None, int, Span]  # precedence, operation, left operand, start, place of the mark

_PLACES = "x["  # a bracket that is a subscript, while it is open
_WHOLE = Name(":")  # all places of an axis

PRECEDENCE = {op: precedence for op, (_, precedence) in INFIX.items()}

# What the parser waits for.
OPERAND, OPERATOR, DONE = range(3)


def parse(text: str, functions: Container[str] = ()) -> Tree:
    """The tree of one expression.

    `functions` are names that take arguments even when a space stands before the parenthesis.
    Raises ParseError, LimitError.
    """
    parser = _Parser(text, functions, lines=False)
    if parser.tokens[0][0] == "end":
        raise ParseError("empty expression", text=text, span=(0, len(text)))
    return parser.expression()


def parse_program(text: str, functions: Container[str] = ()) -> tuple[Assignment, ...]:
    """The assignments of a program, separated by line ends or `;`; the last may be a bare expression."""
    parser = _Parser(text, functions, lines=True)
    statements: list[Assignment] = []
    while parser.skip_separators():
        statement = parser.assignment()
        if statements and statements[-1].name is None:
            message = "only the last statement of a program may be without a name"
            raise ParseError(message, text=text, span=statements[-1].span, hint="name = ...")
        if statement.name is not None and any(s.name == statement.name for s in statements):
            raise ParseError(f"{statement.name} is assigned twice", text=text, span=parser.name_span)
        statements.append(statement)
    if not statements:
        raise ParseError("empty program", text=text, span=(0, len(text)))
    return tuple(statements)


class _Parser:
    """The state of one reading: where it is, the operand just read, and what waits for its right side."""

    __slots__ = ("args", "at", "blocks", "depth", "end", "functions", "left", "lines", "name_span", "places", "stack",
                 "start", "text", "tokens")  # fmt: skip

    def __init__(self, text: str, functions: Container[str], lines: bool) -> None:
        self.text = text
        self.tokens = tokenize(text)
        self.functions = functions
        self.lines = lines  # whether a line end ends a statement
        self.at = 0
        self.left: Tree = Number(Fraction(0))  # the operand just read, from `start` to `end`
        self.start = self.end = 0
        self.stack: list[Pending] = []
        self.args: list[list[Tree]] = []  # of the calls that are open
        self.blocks: list[list[list[Tree]]] = []  # rows of blocks of the brackets that are open
        self.places: list[list[list[Tree]]] = []  # the same of subscripts: for each axis where it starts and ends
        self.depth = 0
        self.name_span: Span = (0, 0)

    def expression(self) -> Tree:
        """Read one expression, up to what ends it."""
        state, tokens, before, after = OPERAND, self.tokens, _BEFORE, _AFTER
        while state != DONE:
            token = tokens[self.at]
            self.at += 1
            if state == OPERAND:
                state = before.get(token[0], _Parser.missing)(self, token)
            else:
                state = after[token[0]](self, token)
        return self.left

    # --- statements

    def skip_separators(self) -> bool:
        while self.tokens[self.at][0] == "separator":
            self.at += 1
        return self.tokens[self.at][0] != "end"

    def assignment(self) -> Assignment:
        kind, name, start, end = self.tokens[self.at]
        named = kind == "name" and self.tokens[self.at + 1][0] == "="
        if named:
            self.at += 2
            self.name_span = (start, end)
        value = self.expression()
        return Assignment(name if named else None, value, (start, self.end))

    # --- where an operand is wanted

    def name(self, token: Token) -> int:
        _, value, start, end = token
        follower = self.tokens[self.at]
        if follower[0] == "(" and (follower[2] == end or value in self.functions):
            return self.call(value, start, end)
        self.left, self.start, self.end = Name(value, (start, end)), start, end
        return OPERATOR

    def call(self, name: str, start: int, end: int) -> int:
        self.at += 1
        closing = self.tokens[self.at]
        if closing[0] == ")":
            self.at += 1
            self.left, self.start, self.end = Call(name, (), (start, closing[3]), (start, end)), start, closing[3]
            return OPERATOR
        self.args.append([])
        return self.nest((0, name, None, start, (start, end)))

    def number(self, token: Token) -> int:
        _, value, start, end = token
        self.left, self.start, self.end = Number(exact(value, self.text, start), (start, end)), start, end
        return OPERATOR

    def fraction(self, token: Token) -> int:
        kind, value, start, end = token
        return self.number((kind, FRACTIONS[value], start, end))

    def sign(self, token: Token) -> int:
        """A sign binds just tighter than the operator before it, and never tighter than a later power."""
        precedence = max(ADD, self.stack[-1][0] if self.stack else 0) | 1
        op = "negate" if token[1] == "subtract" else "plus"
        return self.nest((precedence, op, None, token[2], token[2:]))

    def root(self, token: Token) -> int:
        return self.nest((ROOT, token[1], None, token[2], token[2:]))

    def open(self, token: Token) -> int:
        return self.nest((0, token[0], None, token[2], token[2:]))

    def open_bracket(self, token: Token) -> int:
        self.blocks.append([[]])
        return self.open(token)

    def nest(self, pending: Pending) -> int:
        self.depth += 1
        if self.depth > NESTING_LIMIT:
            message = f"nested more than {NESTING_LIMIT} levels deep"
            raise LimitError(message, text=self.text, span=pending[4], hint="a program that names the inner parts")
        self.stack.append(pending)
        return OPERAND

    def separator_before(self, token: Token) -> int:
        return OPERAND if self.is_space(token) else self.missing(token)

    def missing(self, token: Token) -> int:
        kind, _, start, end = token
        previous = self.tokens[self.at - 2] if self.at > 1 else None
        written = self.text[previous[2] : previous[3]] if previous and previous[0] != "separator" else ""
        if kind == "transpose" and not written:
            message = "a quote transposes what stands before it; nothing does"
        elif written:
            message = f"something is missing after '{written}'"
        else:
            message = "an expression is missing here"
        raise ParseError(message, text=self.text, span=(start, max(end, start + 1) if kind != "end" else start))

    # --- where an operand has been read

    def infix(self, token: Token) -> int:
        op = token[1]
        precedence = PRECEDENCE[op]
        if precedence == POWER:
            exponent = self.tokens[self.at]
            if exponent[0] == "transpose" and self.text[exponent[2]] in "ᵀ⊤":  # x^⊤
                self.at += 1
                return self.transpose(exponent)
            return self.power(token)
        self.reduce(precedence)
        self.stack.append((precedence, op, self.left, self.start, token[2:]))
        return OPERAND

    def power(self, token: Token) -> int:
        if self.stack and POWER <= self.stack[-1][0] < ROOT:
            message = "a power of a power needs parentheses"
            raise ParseError(message, text=self.text, span=token[2:], hint="(a^b)^c or a^(b^c)")
        self.reduce(POWER)
        self.stack.append((POWER, token[1], self.left, self.start, token[2:]))
        return OPERAND

    def transpose(self, token: Token) -> int:
        if self.stack and self.stack[-1][0] >= POWER:
            self.reduce(POWER)
        self.end = token[3]
        self.left = Call("transpose", (self.left,), (self.start, self.end), token[2:])
        return OPERATOR

    def superscript(self, token: Token) -> int:
        _, value, start, end = token
        self.power(("infix", "power", start, end))
        exponent: Tree = Number(exact(value.lstrip("+-"), self.text, start), (start, end))
        if value.startswith("-"):
            exponent = Call("negate", (exponent,), (start, end), (start, start + 1))
        self.left, self.end = exponent, end
        self.reduce(POWER)
        return OPERATOR

    def reduce(self, precedence: int) -> None:
        """Complete the operations that bind at least so tightly; open parentheses (0) stay."""
        stack = self.stack
        while stack and stack[-1][0] >= precedence:
            _, op, left, start, mark = stack.pop()
            if left is not None:
                self.left = Call(op, (left, self.left), (start, self.end), mark)
            else:
                self.depth -= 1
                if op != "plus":
                    self.left = Call(op, (self.left,), (start, self.end), mark)
            self.start = start

    def close(self, token: Token) -> int:
        """`)` of a parenthesis or a call."""
        self.reduce(COMPARE)
        if not self.stack or self.stack[-1][1] == "[":
            raise self.mismatch(token)
        _, op, _, start, mark = self.stack.pop()
        self.depth -= 1
        self.start, self.end = start, token[3]
        if op != "(":
            self.left = Call(op, (*self.args.pop(), self.left), (start, self.end), mark)
        return OPERATOR

    def comma(self, token: Token) -> int:
        if self.blocks and self.in_bracket():
            self.block(token)
            return OPERAND
        if self.places and self.in_bracket(_PLACES):
            self.place(token)
            self.places[-1].append([])
            return OPERAND
        self.reduce(COMPARE)
        if not self.stack or self.stack[-1][1] == "(":
            message = "a comma stands between the arguments of a function only; there are no lists"
            raise ParseError(message, text=self.text, span=token[2:])
        self.args[-1].append(self.left)
        return OPERAND

    def compare(self, token: Token) -> int:
        self.reduce(ADD)
        written = self.text[token[2] : token[3]]
        if self.stack and self.stack[-1][0] == COMPARE:
            raise ParseError("one comparison at a time", text=self.text, span=token[2:], hint="[a > b] .* [b > c]")
        if not self.stack or self.stack[-1][1] != "[":
            message = f"'{written}' stands in brackets only"
            raise ParseError(message, text=self.text, span=token[2:], hint=f"[a {written} b]")
        self.stack.append((COMPARE, token[1], self.left, self.start, token[2:]))
        return OPERAND

    def close_bracket(self, token: Token) -> int:
        self.reduce(ADD)
        if self.places and self.in_bracket(_PLACES):
            return self.close_subscript(token)
        if not self.stack or (self.stack[-1][0] != COMPARE and self.stack[-1][1] != "["):
            raise self.mismatch(token)
        if self.stack[-1][0] != COMPARE or self.blocks[-1] != [[]]:
            return self.close_blocks(token)
        self.blocks.pop()
        self.reduce(COMPARE)
        assert isinstance(self.left, Call)
        self.start, self.end = self.stack.pop()[3], token[3]
        self.depth -= 1
        self.left = Call(self.left.op, self.left.args, (self.start, self.end), self.left.mark)
        return OPERATOR

    # --- blocks: `[A, B; C, D]`

    def in_bracket(self, kind: str = "[") -> bool:
        """Whether the innermost thing that is open is a bracket."""
        return next((p[1] == kind for p in reversed(self.stack) if p[0] == 0), False)

    def block(self, token: Token) -> None:
        """The operand just read as a block of the innermost bracket."""
        self.reduce(ADD)
        if self.stack[-1][0] == COMPARE:
            message = "brackets hold one comparison or blocks"
            raise ParseError(message, text=self.text, span=token[2:], hint="[[a > b], x]")
        self.blocks[-1][-1].append(self.left)

    def close_blocks(self, token: Token) -> int:
        rows, opened = self.blocks[-1], self.stack[-1]
        span = (opened[3], token[3])
        if rows == [[]]:
            message = "brackets hold a comparison or blocks"
            raise ParseError(message, text=self.text, span=span, hint="[a > b], [A, B] or [x; y]")
        self.block(token)
        self.blocks.pop()
        self.stack.pop()
        self.depth -= 1
        beside = [r[0] if len(r) == 1 else Call("hstack", tuple(r), span, opened[4]) for r in rows]
        self.left = beside[0] if len(beside) == 1 else Call("vstack", tuple(beside), span, opened[4])
        self.start, self.end = span
        return OPERATOR

    # --- parts: `X[1:m, :]`

    def subscript(self, token: Token) -> int:
        """A bracket right after an operand: the places of a part, unless it holds a comparison."""
        kind, _, _, end = self.tokens[self.at - 2]
        if end != token[2] or kind not in ("name", ")", "]", "transpose") or self.holds_comparison():
            return self.juxtaposed(token)
        self.places.append([[]])
        return self.nest((0, _PLACES, self.left, self.start, token[2:]))

    def holds_comparison(self) -> bool:
        depth = 1
        for kind, *_ in self.tokens[self.at :]:
            depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(kind, 0)
            if depth == 0 or (depth == 1 and kind == "compare"):
                return depth == 1
        return False

    def colon_before(self, token: Token) -> int:
        """`:` alone is a whole axis."""
        alone = self.tokens[self.at][0] in (",", "]") and self.tokens[self.at - 2][0] in (",", "[")
        if not (self.places and self.in_bracket(_PLACES) and alone):
            raise refused(self.text, token[2], ":")
        self.left, self.start, self.end = _WHOLE, token[2], token[3]
        return OPERATOR

    def colon(self, token: Token) -> int:
        self.reduce(ADD)
        if not (self.places and self.in_bracket(_PLACES)) or self.places[-1][-1] or self.left is _WHOLE:
            raise refused(self.text, token[2], ":")
        self.places[-1][-1].append(self.left)
        return OPERAND

    def place(self, token: Token) -> None:
        """What was just read as the end of the places along an axis."""
        self.reduce(ADD)
        if len(self.places[-1]) > 2:
            message = "a part has places along one axis or two"
            raise ParseError(message, text=self.text, span=token[2:], hint="x[1:n], X[1:m, :]")
        self.places[-1][-1].append(self.left)

    def close_subscript(self, token: Token) -> int:
        self.place(token)
        axes = self.places.pop()
        _, _, whole, start, mark = self.stack.pop()
        assert whole is not None
        self.depth -= 1
        self.left, self.start, self.end = whole, start, token[3]
        for name, ends in zip(("part",) if len(axes) == 1 else ("rows", "columns"), axes, strict=True):
            if ends != [_WHOLE]:
                self.left = Call(name, (self.left, ends[0], ends[-1]), (start, self.end), mark)
        return OPERATOR

    def mismatch(self, token: Token) -> ParseError:
        if self.stack:
            return self.unclosed()
        return ParseError(f"this '{token[0]}' closes nothing", text=self.text, span=token[2:])

    def unclosed(self) -> ParseError:
        op, mark = next((p[1], p[4]) for p in reversed(self.stack) if p[0] == 0)
        if op == _PLACES:
            op = "["
        if op not in ("(", "["):
            op, mark = "(", (mark[1], mark[1] + 1)
        return ParseError(f"this '{op}' is not closed", text=self.text, span=mark)

    def juxtaposed(self, token: Token) -> int:
        """Two operands with nothing between them: a product after a number, a quote or a parenthesis."""
        _, _, start, _ = token
        kind, _, _, end = self.tokens[self.at - 2]
        number = kind in ("number", "fraction") and not (self.stack and self.stack[-1][0] >= POWER)
        touching = kind in ("transpose", ")", "superscript") and end == start
        if token[0] in ("number", "fraction") or not (number or touching):
            raise self.side_by_side(token)
        if number and self.stack and self.stack[-1][1] in ("divide", "hadamard_divide"):
            self.check_numerator(token)
        self.at -= 1
        return self.infix(("infix", "multiply", end, start))

    def check_numerator(self, token: Token) -> None:
        """`1/2 x` is half of x; in `a/2x` nobody can tell what is divided."""
        _, _, numerator, start, _ = self.stack[-1]
        if not isinstance(numerator, Number):
            word = self.text[token[2] : token[3]]
            divisor = self.text[self.start : self.end]
            raise ParseError("this division can be read in two ways", text=self.text, span=(start, token[3]),
                             hint=f"(.../{divisor})*{word} or .../({divisor}*{word})")  # fmt: skip

    def side_by_side(self, token: Token) -> ParseError:
        first, second = next(t for t in reversed(self.tokens[: self.at - 1]) if t[0] != "separator"), token
        left, right = self.text[first[2] : first[3]], self.text[second[2] : second[3]]
        if self.text.count("\n", first[3], second[2]) and any(p[0] == 0 for p in self.stack):
            return self.unclosed()
        message = "an operator is missing between two operands"
        right = {"(": "(...)", "[": "[...]"}.get(right, right)
        left = {")": "(...)", "]": "[...]"}.get(left, left)
        hint = f"{left}*{right}" + (f" or {left}{right}" if first[0] == "name" and second[0] == "(" else "")
        return ParseError(message, text=self.text, span=(first[2], second[3]), hint=hint)

    def is_space(self, token: Token) -> bool:
        """A line end is white space inside parentheses, and everywhere in a single expression."""
        return token[1] == "\n" and (not self.lines or any(p[0] == 0 for p in self.stack))

    def separator_after(self, token: Token) -> int:
        if self.is_space(token):
            return OPERATOR
        if token[1] == ";" and self.blocks and self.in_bracket():
            self.block(token)
            self.blocks[-1].append([])
            return OPERAND
        if not self.lines:
            message = "this is a program of several statements; one expression is wanted"
            raise ParseError(message, text=self.text, span=token[2:])
        return self.finish(token)

    def finish(self, token: Token) -> int:
        self.at -= 1
        if any(p[0] == 0 for p in self.stack):
            raise self.unclosed()
        self.reduce(COMPARE)
        return DONE

    def equals(self, token: Token) -> int:
        hint = "[a == b] compares" if self.stack or not self.lines else "name = expression, one name on the left"
        raise ParseError("'=' is not in an expression", text=self.text, span=token[2:], hint=hint)


_BEFORE: dict[str, Callable[[_Parser, Token], int]] = {
    "name": _Parser.name,
    "number": _Parser.number,
    "fraction": _Parser.fraction,
    "sign": _Parser.sign,
    "root": _Parser.root,
    "(": _Parser.open,
    "[": _Parser.open_bracket,
    "separator": _Parser.separator_before,
    ":": _Parser.colon_before,
}
_AFTER: dict[str, Callable[[_Parser, Token], int]] = {
    "infix": _Parser.infix,
    "sign": _Parser.infix,
    "compare": _Parser.compare,
    "transpose": _Parser.transpose,
    "superscript": _Parser.superscript,
    ")": _Parser.close,
    "]": _Parser.close_bracket,
    ",": _Parser.comma,
    "=": _Parser.equals,
    ":": _Parser.colon,
    "[": _Parser.subscript,
    "separator": _Parser.separator_after,
    "end": _Parser.finish,
    **dict.fromkeys(("name", "number", "fraction", "(", "root"), _Parser.juxtaposed),
}


# --- what needs the declared names ----------------------------------------------------------------

_WORD_LIMIT = 32  # letters of a name that is tried as a product


def resolve_juxtaposition(
    tree: Tree, declared_names: Iterable[str], known_functions: Iterable[str] = ()
) -> tuple[Tree, list[str]]:
    """Undeclared names such as `Ax` as products of declared ones, where only one way to split them exists.

    The product stays together, as it is written: `b .* Ax` is b .* (A*x).  A quote or a power belongs to
    the last factor: `Ax'` is A*x'.  The notes say what was read as what.
    """
    declared = set(declared_names)
    known = declared.union(known_functions)
    notes: dict[str, str] = {}
    done: list[Tree] = []
    parts: dict[int, tuple[Tree, list[Tree]]] = {}  # id of a product just made -> itself (so it lives), its factors
    for part in postorder(tree):
        count = len(part.args)
        args = tuple(done[len(done) - count :])
        del done[len(done) - count :]
        if isinstance(part, Name) and part.name not in known:
            factors = _factors(part, declared)
            done.append(_product(factors, parts) if factors else part)
            if factors:
                notes[part.name] = f"{part.name} was read as {'*'.join(f.name for f in factors)}"
        elif isinstance(part, Call) and _is_postfix(part) and id(args[0]) in parts:
            *first, last = parts[id(args[0])][1]
            start = last.span[0] if last.span else 0
            span = (start, part.span[1]) if part.span else None
            done.append(_product([*first, Call(part.op, (last, *args[1:]), span, part.mark)], parts))
        elif any(a is not b for a, b in zip(args, part.args, strict=True)):
            assert isinstance(part, Call)
            done.append(replace(part, args=args, written=None) if type(part) is Call else replace(part, args=args))
        else:
            done.append(part)
    return done.pop(), list(notes.values())


_POSTFIX = ("transpose", "power", "hadamard_power", "part", "rows", "columns")


def _is_postfix(call: Call) -> bool:
    """Whether a quote or power stands right after its operand, without parentheses between."""
    if call.op not in _POSTFIX or call.span is None or call.args[0].span is None:
        return False
    return call.mark is not None and call.mark[0] >= call.args[0].span[1] and call.span[0] == call.args[0].span[0]


def _product(factors: list[Tree] | list[Name], parts: dict[int, tuple[Tree, list[Tree]]]) -> Tree:
    product: Tree = factors[0]
    for factor in factors[1:]:
        span = (product.span[0], factor.span[1]) if product.span and factor.span else None
        mark = (factor.span[0], factor.span[0]) if factor.span else None
        product = Call("multiply", (product, factor), span, mark)
    parts[id(product)] = (product, list(factors))
    return product


def _factors(name: Name, declared: set[str]) -> list[Name]:
    """The declared names that `name` consists of, if there is exactly one way to cut it; else nothing."""
    word = name.name
    if len(word) > _WORD_LIMIT:
        return []
    ways = [1] + [0] * len(word)  # ways to cut word[:end], counted up to 2
    cut = [0] * (len(word) + 1)
    for end in range(1, len(word) + 1):
        for start in range(end):
            if ways[start] and word[start:end] in declared:
                ways[end] = min(2, ways[end] + ways[start])
                cut[end] = start
    factors: list[Name] = []
    end = len(word) if ways[-1] == 1 else 0
    while end:
        start = cut[end]
        offset = name.span[0] if name.span and name.span[1] - name.span[0] == len(word) else None
        factors.append(Name(word[start:end], name.span if offset is None else (offset + start, offset + end)))
        end = start
    return factors[::-1]


def check_calls(
    text: str,
    tree: Tree,
    declared_names: Container[str],
    known_functions: Container[str],
    numbers: Container[str] = (),
) -> None:
    """Raise ParseError where a variable is written like a function, `A(x+y)`; `text` is what was parsed.

    `numbers` are the names of constants and dimensions.
    """
    for part in postorder(tree):
        if not isinstance(part, Call) or not part.mark or part.op in known_functions:
            continue
        if part.op in declared_names or part.op in numbers:
            args = text[part.mark[1] : part.span[1]].strip() if part.span else "(...)"
            message = f"{part.op} is a {'variable' if part.op in declared_names else 'number'}, not a function"
            raise ParseError(message, text=text, span=part.mark, hint=f"{part.op}*{args}")
