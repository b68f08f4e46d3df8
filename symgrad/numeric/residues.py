"""Residues: arithmetic and matrices over a prime field, and values fixed by a name.

>>> residue(Fraction(1, 3)) * 3 % P, [int(v) for v in pseudoinverse(np.array([[2, 0], [0, 0]]), 7)[0]]
(1, [4, 0])
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any
from zlib import crc32

import numpy as np

from symgrad.tensor.nodes import Coefficient

P = 2**29 - 3  # prime; products of two residues fit int64
PRIMES = (P, 2**29 - 33, 2**29 - 43, 2**30 - 35, 2**30 - 41)

Residues = Any


class SingularError(ArithmeticError):
    """A division by zero in the field: an accident of the seed, or an expression that divides by zero."""


def residue(value: Coefficient, prime: int = P) -> int:
    """A rational number in the field."""
    value = Fraction(value)
    return value.numerator * inverse_of(value.denominator % prime, prime) % prime


def inverse_of(value: int, prime: int) -> int:
    """1 / value.  Raises SingularError."""
    if value % prime == 0:
        raise SingularError
    return pow(value, -1, prime)


def _mixed(value: Residues) -> Residues:
    """A fixed scrambling of 64-bit integers (splitmix64)."""
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


def start(name: str, seed: int) -> Residues:
    """A state of 64 bits that a name and a seed fix."""
    with np.errstate(over="ignore"):
        return _mixed(np.asarray((crc32(name.encode()) << 32) ^ (seed + 1), np.uint64) + np.uint64(0x9E3779B97F4A7C15))


def folded(state: Residues, value: Residues) -> Residues:
    """The state after one more value (or one for every entry)."""
    with np.errstate(over="ignore"):
        return _mixed(state * np.uint64(0x9E3779B97F4A7C15) + np.asarray(value, np.uint64) + np.uint64(1))


def residues(state: Residues, prime: int) -> Residues:
    """Nonzero residues."""
    return (state % np.uint64(prime - 1)).astype(np.int64) + 1


# --- matrices ---------------------------------------------------------------------------------


def times(a: Residues, b: Residues, prime: int) -> Residues:
    """The matrix product; each product is reduced before it is summed."""
    return (a[:, :, None] * b[None, :, :] % prime).sum(axis=1) % prime


def pseudoinverse(matrix: Residues, prime: int) -> Residues:
    """By a factorization into full rank, B C: C' inv(C C') inv(B'B) B'."""
    rows, pivots = _pivots(matrix, prime)
    columns = matrix[:, pivots]
    if not len(pivots):
        return np.zeros(matrix.shape[::-1], np.int64)
    left = eliminated(times(columns.T, columns, prime), True, prime)[1]
    right = eliminated(times(rows, rows.T, prime), True, prime)[1]
    return times(times(rows.T, right, prime), times(left, columns.T, prime), prime)


def _pivots(matrix: Residues, prime: int) -> tuple[Residues, list[int]]:
    """The nonzero rows of the reduced echelon form, and the columns of its pivots."""
    pivots: list[int] = []
    rows = matrix % prime
    for column in range(rows.shape[1]):
        at = len(pivots)
        below = np.flatnonzero(rows[at:, column])
        if not len(below):
            continue
        rows[[at, at + below[0]]] = rows[[at + below[0], at]]
        rows[at] = rows[at] * inverse_of(int(rows[at, column]), prime) % prime
        others = np.arange(len(rows)) != at
        rows[others] = (rows[others] - rows[others, column, None] * rows[at]) % prime
        pivots.append(column)
    return rows[: len(pivots)], pivots


def eliminated(matrix: Residues, inverted: bool, prime: int) -> tuple[int, Residues | None]:
    """Determinant and inverse by Gauss-Jordan elimination over the field."""
    size = len(matrix)
    rows = np.concatenate([matrix % prime, np.eye(size, dtype=np.int64)], axis=1)
    determinant = 1
    for k in range(size):
        pivots = np.flatnonzero(rows[k:, k])
        if not len(pivots):
            if inverted:
                raise SingularError
            return 0, None
        if pivots[0]:
            rows[[k, k + pivots[0]]] = rows[[k + pivots[0], k]]
            determinant = -determinant
        determinant = determinant * int(rows[k, k]) % prime
        rows[k] = rows[k] * inverse_of(int(rows[k, k]), prime) % prime
        others = np.arange(size) != k
        rows[others] = (rows[others] - rows[others, k, None] * rows[k]) % prime
    return determinant % prime, rows[:, size:]
