"""Numbers under roots and logarithms, whole exponents, and what is spread in an array.

>>> from symgrad.tensor.build import as_number
>>> list(primes(Fraction(8, 3))), as_number(power_of_number(Fraction(9, 4), number(Fraction(1, 2))))
([(2, 3), (3, -1)], Fraction(3, 2))
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction

from symgrad.tensor.build import as_number, einsum, hadamard, number, power
from symgrad.tensor.nodes import Add, Einsum, Node, Ones, Size

PRIME_FACTORS = 1000  # the largest prime that is taken out of a number


def is_whole(exponent: Node) -> bool:
    """Whether an exponent is a whole number by itself: dimensions, their products and sums."""
    if isinstance(exponent, Size):
        return True
    if isinstance(exponent, Add):
        return all(isinstance(c, int) and is_whole(n) for c, n in exponent.terms)
    return isinstance(exponent, Einsum) and isinstance(exponent.coefficient, int) and all(map(is_whole, exponent.args))


def primes(value: Fraction) -> Iterator[tuple[int, int]]:
    """(p, k) of a positive number that is the product of p^k; p is prime if it is small."""
    for part, way in ((value.numerator, 1), (value.denominator, -1)):
        for p in range(2, PRIME_FACTORS):
            if p * p > part:
                break
            k = 0
            while part % p == 0:
                part, k = part // p, k + 1
            if k:
                yield p, way * k
        if part > 1:
            yield part, way


def power_of_number(base: Fraction, exponent: Node) -> Node:
    """A number times roots of primes: 8^(1/2) = 2 2^(1/2); 8^n = 2^(3 n).  The exponent is rational or whole."""
    value = as_number(exponent)
    if base == 0 or isinstance(value, int) or (base < 0 and value is not None):
        return power(number(base), exponent)
    found = [power(number(-1), exponent)] if base < 0 else []
    for p, k in primes(abs(base)):
        whole = 0 if value is None else (k * Fraction(value)).__floor__()
        rest = hadamard(exponent, coefficient=k) if value is None else number(k * value - whole)
        found += [power(number(p), whole), power(number(p), rest)]
    return hadamard(*found)


def core_of(node: Node) -> tuple[Node, Callable[[Node], Node]]:
    """What is spread in a node, and how: s of s 1, v of v 1'."""
    if isinstance(node, Einsum) and node.coefficient == 1:
        rest = [(n, ls) for n, ls in node.factors if not isinstance(n, Ones)]
        ones = [(n, ls) for n, ls in node.factors if isinstance(n, Ones)]
        if len(rest) == 1 and ones and len(set(rest[0][1])) == len(rest[0][1]):
            core, labels = rest[0]
            return core, lambda value: einsum([(value, labels), *ones], range(node.rank))
    return node, lambda value: value
