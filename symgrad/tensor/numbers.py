"""Exact rational numbers: coefficients and exponents of the graph.

>>> exact(Fraction(4, 2)), number_power(Fraction(9, 4), Fraction(1, 2)), number_power(2, Fraction(1, 2))
(2, Fraction(3, 2), None)
"""

from __future__ import annotations

from fractions import Fraction

from symgrad.errors import LimitError, ShapeError
from symgrad.tensor.nodes import Coefficient

MAX_BITS = 4096  # of an exact number


def exact(value: Coefficient) -> Coefficient:
    """An int where a Fraction is whole, so that arithmetic stays cheap."""
    if type(value) is int:
        return value
    return value.numerator if value.denominator == 1 else value


def multiplied(a: Coefficient, b: Coefficient) -> Coefficient:
    """a*b; a factor of 1, the commonest, costs nothing (a product with a Fraction does)."""
    if type(a) is int and a == 1:
        return b
    return a if type(b) is int and b == 1 else a * b


def number_power(base: Coefficient, exponent: Coefficient) -> Coefficient | None:
    """base ** exponent where that is rational; None where it is not.  Raises LimitError when it is huge."""
    base, exponent = exact(base), exact(exponent)
    if base == 0 and exponent < 0:
        raise ShapeError("division by zero")
    if isinstance(exponent, int):
        bits = max(abs(Fraction(base).numerator), Fraction(base).denominator).bit_length()
        if bits > 1 and abs(exponent) * bits > MAX_BITS:
            raise LimitError(f"{base}^{exponent} is too large a number")
        return exact(Fraction(base) ** exponent)
    root = _exact_root(Fraction(base), exponent.denominator)
    return None if root is None else number_power(root, exponent.numerator)


def _exact_root(value: Fraction, degree: int) -> Coefficient | None:
    if value < 0 or degree > 64:
        return None
    parts = []
    for part in (value.numerator, value.denominator):
        guess = round(part ** (1 / degree)) if part.bit_length() < 1000 else 0
        if guess**degree != part:
            return None
        parts.append(guess)
    return exact(Fraction(*parts))
