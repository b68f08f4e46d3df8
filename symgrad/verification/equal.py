"""`sg.equal`: are two expressions the same function of their inputs?

Rung by rung: one normal form (proved), exact values in a prime field (proved up to odds of about 2^-29 an
entry), then floating samples at several sizes, all different and square: a disagreement refutes, with the
values as witness; agreement is only that, and the answer says so.

>>> print(equal("tr(A*B)", "tr(B*A)"))
proved (normal form)
>>> equal("x'*A*x", "x'*A'*x + 1").refuted
True
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from symgrad.errors import DomainError, ShapeError
from symgrad.notation.text import text as tree_text
from symgrad.programs import Program, Where, program
from symgrad.tensor.view import same_shape
from symgrad.verification.equality import difference, matrices, proved, same_in_field
from symgrad.verification.equality import equal as agree
from symgrad.verification.verdict import Difference
from symgrad.verification.witnesses import find_point

LEFT, RIGHT = "left_side", "right_side"
SAMPLES = ("distinct", "square", "distinct", "one", "square")


@dataclass(frozen=True, slots=True)
class Equality:
    """The answer of `equal`: what was found, and which rung found it.

    `sizes` and `seed` say where samples were taken; `witness` is the point of a disagreement.
    """

    proved: bool
    refuted: bool
    rung: str
    sizes: tuple[dict[str, int], ...] = ()
    seed: int = 0
    witness: Difference | None = None
    assumed: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """True unless refuted."""
        return not self.refuted

    def __str__(self) -> str:
        if self.proved:
            return f"proved ({self.rung})"
        if self.witness is not None:
            return f"refuted: {self.witness.answer:.6g} against {self.witness.expected:.6g} at {self.witness.sizes}"
        return f"agreed on {len(self.sizes)} samples (seed {self.seed})"


def equal(a: Any, b: Any, where: Where = None, *, infer: bool = False, seed: int = 0) -> Equality:
    """Whether expressions `a` and `b` (text or SymPy) are equal for all inputs.

    Raises ShapeError where their shapes differ, ParseError, UnknownNameError as for `derivative`.
    """
    both = _together(a, b, where, infer)
    left, right = both.views[LEFT], both.views[RIGHT]
    if not same_shape(left, right):
        raise ShapeError(f"the left side is {left.describe()}, the right side {right.describe()}")
    assumed = tuple(both.declared[n].text() for n in both.assumed)
    for rung, decides in (("normal form", proved(left, right)), ("prime field", same_in_field(left, right, both))):
        if decides:
            return Equality(True, False, rung, assumed=assumed)
    return _sampled(both, seed, assumed)


def _together(a: Any, b: Any, where: Where, infer: bool) -> Program:
    """Both sides as one program, so that names mean the same and what is inferred fits both."""
    sides = [tree_text(program(side, where, infer=infer).lines[-1].value) for side in (a, b)]
    declared = {**program(a, where, infer=infer).where, **program(b, where, infer=infer).where}
    text = f"{LEFT} = {sides[0]}\n{RIGHT} = {sides[1]}"
    return program(text, declared or where, infer=infer)


def _sampled(both: Program, seed: int, assumed: tuple[str, ...]) -> Equality:
    taken = []
    for i, kind in enumerate(SAMPLES):
        try:
            point = find_point(both, kind, seed + i, of=RIGHT)
        except DomainError:
            continue
        left, right = matrices([both.views[LEFT], both.views[RIGHT]], point)
        taken.append(dict(point.sizes))
        if not agree(left, right):
            return Equality(False, True, "samples", tuple(taken), seed, difference(left, right, point), assumed)
    if not taken:
        raise DomainError("no sample of the inputs gives both sides a finite value")
    return Equality(False, False, "samples", tuple(taken), seed, None, assumed)
