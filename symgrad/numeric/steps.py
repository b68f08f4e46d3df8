"""Array programs: the NumPy operations that a compiled expression consists of.

A `Step` is one NumPy expression over the results of other steps, as a form with slots and what may
stand in each slot without parentheses.  `Steps` makes them, each distinct one once, so that common
parts are found by identity, and applies what is always true of text: a double transpose vanishes, a
product with a reciprocal is a quotient.  This room knows NumPy's spellings, no graph and no names.

>>> steps = Steps()
>>> A, x = steps.leaf("A", 2), steps.leaf("x", 1)
>>> steps.matmul(steps.moved(A, (1, 0)), x) is steps.matmul(steps.moved(A, (1, 0)), x)
True
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from symgrad.errors import LimitError
from symgrad.tensor.nodes import Coefficient

_OUTER = "np.outer({0}, {1})"
_ALL = frozenset({"atom", "power", "divide", "multiply", "matmul", "negate", "sum", "compare"})
_FACTOR = frozenset({"atom", "power"})
ACCEPTS: dict[str, frozenset[str]] = {  # slot -> kinds that need no parentheses there
    "argument": _ALL,
    "atom": frozenset({"atom"}),
    "factor": _FACTOR,
    "product": _FACTOR | {"multiply", "divide", "negate"},
    "chain": frozenset({"atom", "matmul"}),
    "first": _ALL - {"compare"},
    "term": _FACTOR | {"multiply", "divide", "matmul"},
}


@dataclass(frozen=True, eq=False, slots=True)
class Step:
    """One NumPy expression.

    form      text with {0}, {1}, ... for the arguments; `slots` says what may stand there bare
    kind      what the text is as a part of another one
    rank      number of axes of the result
    cheap     a name, a number or a view: written again rather than stored
    weak      a Python number, which leaves the precision of arrays alone
    boolean   a mask
    fresh     an array of its own that may be written to
    then      a statement over {name} and the arguments that completes the result
    over      the divisor, where the step is 1 / divisor
    value     the number, where the step is one
    """

    form: str
    args: tuple[Step, ...] = ()
    slots: tuple[str, ...] = ()
    kind: str = "atom"
    rank: int = 0
    cheap: bool = False
    weak: bool = False
    boolean: bool = False
    fresh: bool = False
    then: str = ""
    over: Step | None = None
    value: Coefficient | None = None


class Steps:
    """Makes steps, each distinct one once."""

    def __init__(self) -> None:
        self._table: dict[object, Step] = {}
        self.dtype = Step("dtype", cheap=True)  # of the result; defined by whoever writes the program
        self.positive: set[Step] = set()  # matrices known to be symmetric positive definite
        self.prepares = False  # whether the program is prepared once and run often
        self.vectors_first = False  # whether A'x is to be written x @ A

    def make(self, form: str, args: Sequence[Step] = (), slots: Sequence[str] | str = "argument", **facts: Any) -> Step:
        """The step of this form over these arguments."""
        identity = (form, tuple(args), facts.get("then"))
        found = self._table.get(identity)
        if found is None:
            each = (slots,) * len(args) if isinstance(slots, str) else tuple(slots)
            found = self._table[identity] = Step(form, tuple(args), each, **facts)
        return found

    # --- names and numbers -----------------------------------------------------------------

    def leaf(self, name: str, rank: int, weak: bool = False) -> Step:
        return self.make(name, rank=rank, cheap=True, weak=weak)

    def number(self, value: Coefficient) -> Step:
        """A literal: exact where that is short, else a quotient."""
        value = value.numerator if isinstance(value, Fraction) and value.denominator == 1 else value
        if isinstance(value, Fraction) and len(repr(float(value))) > 6:
            text, kind = f"{_literal(value.numerator)} / {_literal(value.denominator)}", "divide"
        else:
            text, kind = _literal(value), "negate" if value < 0 else "atom"
        return self.make(text, kind=kind, cheap=True, weak=True, value=value)

    def numeric(self, a: Step) -> Step:
        """A mask as numbers."""
        if not a.boolean:
            return a
        if not a.rank:
            return self.make("float({0})", [a], weak=True)
        return self.make("{0}.astype({1})", [a, self.dtype], ("atom", "argument"), rank=a.rank, fresh=True)

    # --- views -----------------------------------------------------------------------------

    def moved(self, a: Step, axes: Sequence[int]) -> Step:
        """Axis i of the result is axis axes[i]."""
        axes = tuple(axes)
        if axes == tuple(range(len(axes))):
            return a
        facts: dict[str, Any] = {"rank": a.rank, "cheap": True, "boolean": a.boolean, "fresh": a.fresh}
        if len(axes) == 2:
            if a.form == "{0}.T":
                return a.args[0]
            return self.make("{0}.T", [a], "atom", **facts)
        return self.make(f"{{0}}.transpose({', '.join(map(str, axes))})", [a], "atom", **facts)

    def spread(self, a: Step, present: Sequence[bool]) -> Step:
        """New axes of length 1 where not `present`; leading ones are left to broadcasting."""
        while present and not present[0]:
            present = present[1:]
        if all(present):
            return a
        if a.over is not None:
            return self.reciprocal(self.spread(a.over, present))
        return self.indexed(a, [":" if p else "None" for p in present], len(present))

    def indexed(self, a: Step, parts: Sequence[str], rank: int) -> Step:
        kept = list(parts)
        while len(kept) > 1 and kept[-1] == ":":
            kept.pop()
        form = f"{{0}}[{', '.join(kept)}]"
        return self.make(form, [a], "atom", rank=rank, cheap=rank > 0, boolean=a.boolean, fresh=a.fresh)

    def cut(self, a: Step, axes: Sequence[bool], start: Step, end: Step) -> Step:
        """The places from `start` up to `end` along these axes."""
        parts = ["{1}:{2}" if along else ":" for along in axes]
        while parts[-1] == ":":
            parts.pop()
        if start.value == 0:
            parts = [part.replace("{1}:", ":") for part in parts]
        args = [a, start, end]
        facts: dict[str, Any] = {"rank": a.rank, "cheap": True, "boolean": a.boolean, "fresh": a.fresh}
        return self.make(f"{{0}}[{', '.join(parts)}]", args, ("atom", "term", "term"), **facts)

    def diagonal(self, a: Step, letters: str, kept: str) -> Step:
        """Entries with equal indices, e.g. "ii" -> "i"."""
        if (letters, kept) == ("ii", "i"):
            return self.make("np.diagonal({0})", [a], rank=1, cheap=True, boolean=a.boolean)
        return self.make(f'np.einsum("{letters}->{kept}", {{0}})', [a], rank=len(kept), cheap=True, boolean=a.boolean)

    def reshaped(self, a: Step, sizes: Sequence[Step]) -> Step:
        holes = ", ".join(f"{{{i + 1}}}" for i in range(len(sizes)))
        return self.make(
            f"{{0}}.reshape({holes})", [a, *sizes], ("atom", *("argument",) * len(sizes)), rank=len(sizes),
            fresh=a.fresh, boolean=a.boolean,
        )  # fmt: skip

    # --- entry by entry --------------------------------------------------------------------

    def multiply(self, a: Step, b: Step) -> Step:
        """a * b by NumPy's broadcasting."""
        if a.value is not None and b.value is not None:
            return self.number(a.value * b.value)
        for one, other in ((a, b), (b, a)):
            if one.value == 1:
                return self.numeric(other) if one.weak else other
            if one.value == -1:
                return self.negated(other)
        if b.over is None and (a.over is not None or (b.weak and not a.weak)):
            a, b = b, a
        if a.weak or b.weak or self.prepares:
            a, b = self.numeric(a), self.numeric(b)
        if b.over is not None:
            return self.divided(a, b.over)
        if not a.rank and b.form == _OUTER:
            return self.outer(self.multiply(a, b.args[0]), b.args[1])
        return self.make("{0} * {1}", [a, b], ("product", "factor"), kind="multiply", **self._entrywise(a, b))

    def divided(self, a: Step, b: Step) -> Step:
        if a.value == 1:
            return self.reciprocal(b)
        a, b = self.numeric(a), self.numeric(b)
        return self.make("{0} / {1}", [a, b], ("product", "factor"), kind="divide", **self._entrywise(a, b))

    def _entrywise(self, a: Step, b: Step) -> dict[str, Any]:
        rank = max(a.rank, b.rank)
        weak = a.weak and b.weak
        return {"rank": rank, "weak": weak, "cheap": weak, "boolean": a.boolean and b.boolean, "fresh": rank > 0}

    def reciprocal(self, a: Step) -> Step:
        if a.over is not None:
            return a.over
        a = self.numeric(a)
        return self.make("1 / {0}", [a], "factor", kind="divide", rank=a.rank, weak=a.weak, fresh=a.rank > 0, over=a)

    def negated(self, a: Step) -> Step:
        if a.value is not None:
            return self.number(-a.value)
        if a.form == "-{0}":
            return a.args[0]
        if a.form == _OUTER:
            return self.outer(self.negated(a.args[0]), a.args[1])
        a = self.numeric(a)
        need = "atom" if _leads_with_mask(a) else "product"
        return self.make("-{0}", [a], need, kind="negate", rank=a.rank, weak=a.weak, fresh=a.rank > 0)

    def summed(self, terms: Sequence[tuple[int, Step]]) -> Step:
        """A sum of +- steps, positive ones first."""
        ordered = sorted(terms, key=lambda t: (t[0] < 0, t[1].value is None))
        if len(ordered) == 1:
            return ordered[0][1] if ordered[0][0] > 0 else self.negated(ordered[0][1])
        parts = [self.numeric(s) for _, s in ordered]
        form = "".join(f" {'+' if sign > 0 else '-'} {{{i}}}" for i, (sign, _) in enumerate(ordered))
        form = form[3:] if ordered[0][0] > 0 else "-" + form[3:]
        rank = max(p.rank for p in parts)
        slots = ("first" if ordered[0][0] > 0 else "product", *("term",) * (len(parts) - 1))
        weak = all(p.weak for p in parts)
        return self.make(form, parts, slots, kind="sum", rank=rank, weak=weak, cheap=weak, fresh=rank > 0)

    def raised(self, base: Step, exponent: Coefficient | Step) -> Step:
        """base ** exponent in NumPy's quickest spelling."""
        base = self.numeric(base)
        facts: dict[str, Any] = {"kind": "power", "rank": base.rank, "weak": base.weak, "fresh": base.rank > 0}
        if isinstance(exponent, Step):
            facts["weak"] = base.weak and exponent.weak
            return self.make("{0} ** {1}", [base, self.numeric(exponent)], ("atom", "atom"), **facts)
        if exponent < 0:
            return self.reciprocal(self.raised(base, -exponent))
        if exponent == 1:
            return base
        if exponent == Fraction(1, 2) and not base.weak:
            return self.make("np.sqrt({0})", [base], rank=base.rank, fresh=base.rank > 0)
        if base.rank and isinstance(exponent, int) and 2 < exponent <= 16:
            half = self.raised(self.raised(base, exponent // 2), 2)
            return self.multiply(half, base) if exponent % 2 else half
        return self.make("{0} ** {1}", [base, self.number(exponent)], ("atom", "atom"), **facts)

    # --- products and sums -----------------------------------------------------------------

    def matmul(self, a: Step, b: Step) -> Step:
        """The matrix product, also of vectors."""
        if self.vectors_first and a.form == "{0}.T" and b.rank == 1:
            a, b = b, a.args[0]
        rank = a.rank + b.rank - 2 if min(a.rank, b.rank) < 2 else max(a.rank, b.rank)
        if max(a.rank, b.rank) > 2:
            return self._product("np.matmul({0}, {1})", a, b, rank)
        return self._product("{0} @ {1}", a, b, rank, ("chain", "atom"), "matmul")

    def _product(
        self, form: str, a: Step, b: Step, rank: int, slots: Sequence[str] | str = "argument", kind: str = "atom"
    ) -> Step:
        a, b = self.numeric(a), self.numeric(b)
        return self.make(form, [a, b], slots, kind=kind, rank=rank, fresh=rank > 0)

    def outer(self, a: Step, b: Step) -> Step:
        return self._product(_OUTER, a, b, 2)

    def vdot(self, a: Step, b: Step) -> Step:
        """The sum of all products of corresponding entries."""
        return self._product("np.vdot({0}, {1})", a, b, 0)

    def solve(self, a: Step, b: Step) -> Step:
        """inv(a) @ b: by Cholesky where a is positive definite, by LU factors where they are used again."""
        turned = a.form == "{0}.T"
        whole = a.args[0] if turned else a
        if whole in self.positive:
            return self._product("linalg.cho_solve({0}, {1}, check_finite=False)", self.cholesky(whole), b, b.rank)
        if self.prepares:
            factor = self.make("linalg.lu_factor({0}, check_finite=False)", [self.numeric(whole)])
            trans = ", trans=1" if turned else ""
            return self._product(f"linalg.lu_solve({{0}}, {{1}}{trans}, check_finite=False)", factor, b, b.rank)
        return self._product("np.linalg.solve({0}, {1})", a, b, b.rank)

    def cholesky(self, a: Step) -> Step:
        """The Cholesky factor of a positive definite matrix, as scipy keeps it."""
        return self.make("linalg.cho_factor({0}, check_finite=False)", [self.numeric(a)])

    def positive_inverse(self, a: Step) -> Step:
        """The inverse of a positive definite matrix."""
        return self.make("spd_inverse({0})", [self.cholesky(a)], rank=2, fresh=True)

    def positive_logdet(self, a: Step) -> Step:
        """log det of a positive definite matrix."""
        return self.make("2 * np.sum(np.log(np.diagonal({0}[0])))", [self.cholesky(a)], "atom", kind="multiply")

    def tensordot(self, a: Step, b: Step, axes_a: Sequence[int], axes_b: Sequence[int]) -> Step:
        where = f"({list(axes_a)}, {list(axes_b)})"
        return self._product(f"np.tensordot({{0}}, {{1}}, axes={where})", a, b, a.rank + b.rank - 2 * len(axes_a))

    def contracted(self, a: Step, b: Step, letters_a: str, letters_b: str, kept: str) -> Step:
        """Two operands whose labels no matrix product says."""
        return self._product(f'np.einsum("{letters_a},{letters_b}->{kept}", {{0}}, {{1}})', a, b, len(kept))

    def total(self, a: Step, axes: Sequence[int]) -> Step:
        """The sum over some axes."""
        a = self.numeric(a)
        if len(axes) == a.rank:
            return self.make("np.sum({0})", [a])
        where = str(axes[0]) if len(axes) == 1 else str(tuple(axes))
        rank = a.rank - len(axes)
        return self.make(f"np.sum({{0}}, axis={where})", [a], rank=rank, fresh=True)

    def trace(self, a: Step) -> Step:
        return self.make("np.trace({0})", [self.numeric(a)])

    # --- whole arrays ----------------------------------------------------------------------

    def filled(self, a: Step, sizes: Sequence[Step]) -> Step:
        """An array of this shape with `a` spread over it."""
        shape = self._shape(sizes)
        facts: dict[str, Any] = {"rank": len(sizes), "fresh": True}
        if a.value in (0, 1):
            name = "zeros" if a.value == 0 else "ones"
            return self.make(f"np.{name}({shape}, dtype={{{len(sizes)}}})", [*sizes, self.dtype], **facts)
        a, at = self.numeric(a), len(sizes)
        if a.rank:
            return self.make(f"np.full({shape}, {{{at}}})", [*sizes, a], **facts)
        return self.make(f"np.full({shape}, {{{at}}}, dtype={{{at + 1}}})", [*sizes, a, self.dtype], **facts)

    def _shape(self, sizes: Sequence[Step]) -> str:
        holes = ", ".join(f"{{{i}}}" for i in range(len(sizes)))
        return holes if len(sizes) == 1 else f"({holes})"

    def eye(self, size: Step) -> Step:
        return self.make("np.eye({0}, dtype={1})", [size, self.dtype], rank=2, fresh=True)

    def triangle(self, sizes: Sequence[Step]) -> Step:
        return self.make("np.tri({0}, {1}, dtype={2})", [*sizes, self.dtype], rank=2, fresh=True)

    def shift_pattern(self, sizes: Sequence[Step], offset: Step) -> Step:
        """1 where o + offset = i + k."""
        form = "(np.arange({0})[:, None, None] + {3} == np.arange({1})[:, None] + np.arange({2})).astype({4})"
        slots = ("argument", "argument", "argument", "term", "argument")
        return self.make(form, [*sizes, offset, self.dtype], slots, rank=3, fresh=True)

    def window(self, sizes: Sequence[Step], offset: Step) -> Step:
        """1 where the column is the row + offset."""
        form = "(np.arange({0})[:, None] + {2} == np.arange({1})).astype({3})"
        slots = ("argument", "argument", "term", "argument")
        return self.make(form, [*sizes, offset, self.dtype], slots, rank=2, fresh=True)

    def diag(self, a: Step) -> Step:
        return self.make("np.diag({0})", [self.numeric(a)], rank=2, fresh=True)

    def written(self, base: Step, target: str, sign: str, value: Step, *more: Step) -> Step:
        """`base` after `target sign= value`, where target is text over {name} and {2}, {3}, ..."""
        if base.form.startswith("np.zeros"):
            value, sign = (value if sign == "+" else self.negated(value)), ""
        args = [self.numeric(base), self.numeric(value), *more]
        slots = ("argument", "argument", *("factor",) * len(more))
        return self.make("{0}", args, slots, rank=base.rank, fresh=True, then=f"{target} {sign}= {{1}}")

    def copied(self, a: Step) -> Step:
        return self.make("{0}.copy()", [a], "atom", rank=a.rank, fresh=True)


def _literal(value: Coefficient) -> str:
    if isinstance(value, int) and abs(value) < 2**53:
        return str(value)
    try:
        return repr(float(value))
    except OverflowError:
        raise LimitError(f"a number of {len(str(value))} digits is too large for floating point") from None


def _leads_with_mask(a: Step) -> bool:
    """Whether a product is written with a mask first: `-mask * x` would negate booleans, which NumPy refuses."""
    while a.kind in ("multiply", "divide") and a.args:
        a = a.args[0]
    return a.boolean
