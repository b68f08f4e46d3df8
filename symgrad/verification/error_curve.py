"""The classical picture: how far differences are from a claimed slope, from steps as large as the entries to tiny ones.

>>> curve = error_curve(lambda x: np.sin(x).sum(), np.cos, at=np.array([1.0, 2.0]))
>>> bool(1e-7 < curve.steps[curve.errors.argmin()] < 1e-3), curve.picture()[:4]
(True, '<svg')
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from symgrad.verification.claims import claims_of
from symgrad.verification.gradcheck import Checking, own_rounding
from symgrad.verification.gradient_report import Curve
from symgrad.verification.libraries import Arguments

SWEEP = 10**0.5  # ratio of the steps of an error curve


def error_curve(
    f: Callable[..., Any], grad: Callable[..., Any] | None = None, *, at: Any, seed: int = 0, kind: str = "gradient"
) -> Curve:
    """How far differences are from the claimed slope along one random direction, from large steps to tiny ones.

    The classical picture: `.picture()` draws it, and a notebook shows it.  Arguments as for `check`.
    Raises DomainError where f is not finite at the point, ShapeError for a claim that does not fit.
    """
    arguments, rng = Arguments(at), np.random.default_rng(seed)
    with np.errstate(all="ignore"):
        claim = claims_of(kind, f, grad, arguments, rng, 1)[0]
        checking = Checking(arguments, [claim], rng, own_rounding([claim]))
        probe = checking.probe(0, checking.uneven())
        i = int(np.argmax(np.nan_to_num(probe.off, nan=np.inf)))
        steps = SWEEP ** -np.arange(int(np.log(16 / claim.eps) / np.log(SWEEP)))
        start = claim.value(arguments.flat)[i]
        ahead, behind = (
            np.array([claim.value(arguments.flat + s * t * probe.direction)[i] for t in steps]) for s in (1, -1)
        )
    central, forward = (ahead - behind) / (2 * steps), (ahead - start) / steps
    kept = np.isfinite(central) & np.isfinite(forward)
    claimed, size = probe.claimed[i], float(probe.size[i])
    return Curve(
        steps[kept],
        np.abs(central - probe.ladder.middle.value[i])[kept],
        np.abs(central - claimed)[kept],
        (probe.ladder.noise[i] / steps)[kept],
        np.abs(forward - claimed)[kept],
        size if 0 < size < np.inf else 1.0,
    )
