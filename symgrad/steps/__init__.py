"""Worked derivations as data: the same derivative shown by indices, by differentials, or by the chain rule.

`steps` gives the lines of a derivation, each a claim left = right; `.check()`, of a step or of all of them, holds
both sides against the numeric engine.  What a method cannot say raises `MethodError`, which names the method.

>>> from symgrad.derivation import derivative
>>> D = derivative("x'*A*x", "x", where="A: R^{n x n}; x: R^n", layout="gradient")
>>> for step in steps(D, "differential"): print(step.text())
df = dx'*A*x + x'*A*dx
df = x'*(A + A')*dx
df/dx = (A + A')*x
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from symgrad.derivation import Derivative
from symgrad.errors import SymgradError, UnknownNameError, did_you_mean
from symgrad.steps.chain import chain_steps
from symgrad.steps.differential import differential_steps
from symgrad.steps.index import index_steps
from symgrad.steps.step import MethodError, Step
from symgrad.steps.worked import StepsReport, Worked

if TYPE_CHECKING:
    import numpy as np

    from symgrad.steps.witness import Disagreement

__all__ = ["METHODS", "MethodError", "Step", "StepsReport", "Worked", "check_step", "steps"]

_WRITERS = {"index": index_steps, "differential": differential_steps, "chain": chain_steps}
METHODS = tuple(_WRITERS)


def steps(derivative: Derivative, method: str) -> Worked:
    """The worked derivation by a method: "index", "differential" or "chain".

    Raises MethodError where the method does not reach, UnknownNameError for a method that does not exist.
    """
    if method not in _WRITERS:
        raise UnknownNameError(f"there is no method {method!r}", hint=did_you_mean(method, METHODS))
    try:
        return Worked(_WRITERS[method](derivative))
    except MethodError as error:
        error.hint = error.hint or _reaching(derivative, method)
        raise


def _reaching(derivative: Derivative, refused: str) -> str:
    """What to use in the place of a method that does not reach."""
    for method in METHODS:
        if method != refused:
            try:
                _WRITERS[method](derivative)
            except SymgradError:
                continue
            return f"the {method} method, which reaches it"
    return "no method reaches it; the result itself is compared with the numeric engine by D.check()"


def check_step(step: Step, rng: np.random.Generator) -> Disagreement:
    """How far the two sides of a step are apart at random arrays, sizes all different and square."""
    from symgrad.steps.witness import check_step as check

    return check(step, rng)
