"""That the two forms of Nesterov's momentum are one method, proved by induction with `equal`.

The first form takes its gradient ahead, at theta + mu v.  With the change of variable phi = theta + mu v the second
takes it at phi itself.  Both start with v = 0.  The lines are those of `rules`, so that what is proved is what runs;
the gradient is any vector: that both forms see the same one follows from the first claim.

>>> all(claim.proved for claim in nesterov_claims())
True
"""

from __future__ import annotations

from dataclasses import dataclass

from symgrad.training.reading import Reading, read_code
from symgrad.training.rules import NESTEROV, NESTEROV_AHEAD
from symgrad.verification.equal import Equality, equal

WHERE = "theta, v, dx: R^n; mu, learning_rate: R"


@dataclass(frozen=True)
class Claim:
    """Two programs that are said to end in the same value, and what was found."""

    name: str
    left: str
    right: str
    found: Equality

    @property
    def proved(self) -> bool:
        return self.found.proved


def nesterov_claims() -> tuple[Claim, ...]:
    """Start and step of the induction: phi = theta + mu v after every step, and the velocities are the same."""
    ahead, rewritten = read_code(NESTEROV_AHEAD.code), read_code(NESTEROV.code)
    looked = f"x = theta\n{NESTEROV_AHEAD.ahead}"
    hypothesis = "x = theta + mu * v"
    return (
        _claim("start", "v_start = 0 * v\ntheta + mu * v_start", "theta"),
        _claim("the same gradient", looked, "theta + mu * v"),
        _claim("the same velocity", _after(ahead, "x = theta", "v"), _after(rewritten, hypothesis, "v")),
        _claim("step", _after(ahead, "x = theta", "x", " + mu * v"), _after(rewritten, hypothesis, "x")),
    )


def _after(reading: Reading, given: str, name: str, more: str = "") -> str:
    """The program that ends in a name's value after the step, and `more` of the values after it."""
    last = reading.last[name] + more.replace("v", reading.last["v"])
    return f"{given}\n{reading.text}\n{last}"


def _claim(name: str, left: str, right: str) -> Claim:
    return Claim(name, left, right, equal(left, right, WHERE))
