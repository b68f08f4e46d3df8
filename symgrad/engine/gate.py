"""A gate of the engine: what is computed, and what each operand gets back.

A gate is data: a name, a forward function and one pullback for each operand.  `forward(*operands)` gives the
output; `pulls[k](g, y, *operands)` gives the cotangent of operand k from the cotangent g of the output y.
Pullbacks may answer in the shape of the output: the sweep sums over what broadcasting has spread.  They must not
write to what they are given.  Nothing here knows variables, so that a gate computes on plain arrays.

>>> scale = Gate("scale", lambda x, a: x * a, (lambda g, y, x, a: g * a, None))
>>> scale.forward(2.0, 5.0), scale.pulls[0](1.0, 10.0, 2.0, 5.0)
(10.0, 5.0)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Array = Any
Pull = Callable[..., Any]


@dataclass(frozen=True, slots=True, eq=False)
class Gate:
    """One operation on arrays.

    pulls    one function for each operand; None where an operand has no derivative (an index, an axis) or a zero one
    keeps    `forward` answers (output, what the pullbacks will need); the latter is their last operand
    needs    the places of the operands whose values a pullback reads; None for all of them
    output   whether a pullback reads the output
    spreads  whether an operand may be smaller than the output, spread over it by NumPy's broadcasting
    """

    name: str
    forward: Callable[..., Any]
    pulls: tuple[Pull | None, ...]
    keeps: bool = False
    needs: tuple[int, ...] | None = None
    output: bool = True
    spreads: bool = False
    opaque: bool = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "opaque", any(is_opaque(f) for f in (self.forward, *self.pulls)))


class Scatter:
    """A cotangent that is zero but for `part`, which belongs at `index`: what reading entries gives back."""

    __slots__ = ("index", "part", "repeats")

    def __init__(self, index: Any, part: Array, repeats: bool):
        self.index, self.part, self.repeats = index, part, repeats


def opaque(function: Callable[..., Any]) -> Callable[..., Any]:
    """Marks a function that a recording keeps as one call instead of looking inside: it may write and branch."""
    function.opaque = True  # type: ignore[attr-defined]
    return function


def is_opaque(function: Any) -> bool:
    """Whether a recording may not look inside a function."""
    return hasattr(function, "opaque")


def called(function: Callable[..., Any], *operands: Any) -> Any:
    """The value of an opaque function; an operand that stands for an array in a recording is asked to note the call."""
    if is_opaque(function):
        for operand in operands:
            note = getattr(operand, "_symgrad_note", None)
            if note is not None:
                return note(function, operands)
    return function(*operands)
