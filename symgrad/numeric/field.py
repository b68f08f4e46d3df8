"""Exact values in a prime field: fingerprints by which two expressions are told apart.

Inputs are random residues that keep their declared symmetry, sums, products, inverses and determinants
are exact, and other functions are fresh values fixed by the function's name and the residues it is given.
Two graphs that are equal as rational expressions of such functions have equal fingerprints; two
that differ have different ones but for an accident of odds about 2^-29 per entry.

>>> from symgrad.tensor.build import einsum
>>> from symgrad.tensor.dims import letter
>>> A = Input.make("A", (letter("n"), letter("n")))
>>> same_in_field(A, einsum([(A, "ij")], "ji")), same_in_field(A, A)
(False, True)
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from fractions import Fraction
from itertools import product
from math import prod
from typing import Any, cast
from zlib import crc32

import numpy as np

from symgrad.errors import DomainError, LimitError, SymgradError
from symgrad.numeric.contract import order
from symgrad.numeric.evaluate import shift_pattern
from symgrad.numeric.sample import sizes as sample_sizes
from symgrad.operations.matrices import ADJ, DET, INV, PINV
from symgrad.operations.record import TensorFunction
from symgrad.tensor.build import as_number
from symgrad.tensor.dims import letters_of, size_at
from symgrad.tensor.nodes import (
    Add,
    Apply,
    Coefficient,
    Constant,
    Delta,
    Einsum,
    Input,
    Map,
    Node,
    Ones,
    Power,
    Reindex,
    Shift,
    Size,
    Triangle,
    Unit,
    value_shape,
    walk,
)

P = 2**29 - 3  # prime; products of two residues fit int64
LIMIT = 10**7  # entries of an intermediate
DEGREE = 5  # of the polynomial that stands for a function of one variable, applied to matrices
ATTEMPTS = 16  # seeds tried where a division by zero is met

Residues = Any


class SingularError(ArithmeticError):
    """A division by zero in the field: an accident of the seed, or an expression that divides by zero."""


def fingerprint(node: Node, sizes: Mapping[str, int], seed: int) -> Residues:
    """The node's value in the field, its inputs drawn by (name, seed).  Raises SingularError."""
    return _values([node], sizes, seed)[0]


def same_in_field(a: Node, b: Node, trials: int = 3) -> bool:
    """Whether two nodes have equal fingerprints, at sizes all different and square."""
    if a is b:
        return True
    if a.rank != b.rank:
        return False
    letters = letters_of(s for n in walk(a, b) for s in (*n.shape, *([n.size] if isinstance(n, Size) else [])))
    for trial in range(trials):
        first, second = _settled([a, b], letters, "square" if trial % 3 == 2 else "distinct", trial)
        if first.shape != second.shape or not np.array_equal(first, second):
            return False
    return True


def _settled(nodes: Sequence[Node], letters: Sequence[str], kind: str, trial: int) -> list[Residues]:
    """Fingerprints at the first sizes and seed that divide by nothing that is zero.

    A new attempt also shuffles the sizes: X'X has no inverse where X has more columns than rows.
    """
    lengths = [s for n in walk(*nodes) if isinstance(n, Shift) for s in n.shape]
    for attempt in range(ATTEMPTS):
        try:
            seed = trial + 1000 * attempt
            return _values(nodes, sample_sizes(letters, kind, seed, lengths), seed)
        except SingularError:
            continue
    raise DomainError("the expression divides by zero for every sample of its inputs")


def _values(nodes: Sequence[Node], sizes: Mapping[str, int], seed: int) -> list[Residues]:
    found: dict[Node, Residues] = {}
    for node in walk(*nodes):
        shape = tuple(size_at(s, sizes) for s in node.shape)
        if prod(shape) > LIMIT:
            raise LimitError(f"{prod(shape)} entries are more than the {LIMIT} an exact comparison takes on")
        found[node] = _value(node, [found[a] for a in node.args], shape, sizes, seed)
    return [found[n] for n in nodes]


def _value(node: Node, args: list[Residues], shape: tuple[int, ...], sizes: Mapping[str, int], seed: int) -> Residues:
    match node:
        case Input():
            return _input(node, shape, seed)
        case Einsum():
            return _product(node, args, shape)
        case Add():
            total = np.zeros(shape, np.int64)
            for (coefficient, _), value in zip(node.terms, args, strict=True):
                total = (total + residue(coefficient) * value) % P
            return total
        case Power():
            return _power(args[0], as_number(node.exponent), args[1], seed)
        case Map():
            return _opaque(node.op.name, args, seed)
        case Apply():
            return _apply(node, args[0], args[1:], shape, seed)
        case Delta():
            return np.eye(shape[0], dtype=np.int64)
        case Ones():
            return np.ones(shape, np.int64)
        case Unit():
            return np.eye(shape[0], dtype=np.int64)[node.index - 1]
        case Size():
            return np.asarray(size_at(node.size, sizes) % P)
        case Constant():
            return _random(f"constant {node.name}", (), seed)
        case Reindex():
            return np.eye(prod(shape[: node.split]), dtype=np.int64).reshape(shape)
        case Shift():
            return shift_pattern(shape, size_at(node.offset, sizes)).astype(np.int64)
        case Triangle():
            return np.tri(shape[0], shape[1], dtype=np.int64)
        case _:
            raise SymgradError(f"no field value for a node of kind {type(node).__name__}")


# --- residues --------------------------------------------------------------------------------


def residue(value: Coefficient) -> int:
    """A rational number in the field."""
    value = Fraction(value)
    return value.numerator * _inverse(value.denominator % P) % P


def _inverse(value: int) -> int:
    if value % P == 0:
        raise SingularError
    return pow(value, -1, P)


def _mixed(value: Residues) -> Residues:
    """A fixed scrambling of 64-bit integers (splitmix64)."""
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


def _start(name: str, seed: int) -> Residues:
    with np.errstate(over="ignore"):
        return _mixed(np.asarray((crc32(name.encode()) << 32) ^ (seed + 1), np.uint64) + np.uint64(0x9E3779B97F4A7C15))


def _folded(state: Residues, value: Residues) -> Residues:
    with np.errstate(over="ignore"):
        return _mixed(state * np.uint64(0x9E3779B97F4A7C15) + np.asarray(value, np.uint64) + np.uint64(1))


def _residues(state: Residues) -> Residues:
    """Nonzero residues."""
    return (state % np.uint64(P - 1)).astype(np.int64) + 1


def _random(name: str, shape: tuple[int, ...], seed: int) -> Residues:
    return _residues(_folded(_start(name, seed), np.arange(prod(shape)).reshape(shape)))


def _input(node: Input, shape: tuple[int, ...], seed: int) -> Residues:
    """Random residues with the declared symmetry or zeros."""
    value, properties = _random(f"input {node.name}", shape, seed), node.properties
    if len(shape) != 2 or shape[0] != shape[1]:
        return value
    if "diagonal" in properties or {"lower", "upper"} <= properties:
        return value * np.eye(shape[0], dtype=np.int64)
    if properties & {"symmetric", "spd"}:
        return np.triu(value) + np.triu(value, 1).T
    if "skew" in properties:
        return (np.triu(value, 1) - np.triu(value, 1).T) % P
    return np.tril(value) if "lower" in properties else np.triu(value) if "upper" in properties else value


# --- products --------------------------------------------------------------------------------


def _product(node: Einsum, args: list[Residues], shape: tuple[int, ...]) -> Residues:
    """Two factors at a time, so that every product is reduced before it is summed."""
    operands = [_diagonal(v, labels) for v, (_, labels) in zip(args, node.factors, strict=True)]
    operands = operands or [(np.asarray(1), ())]
    extent = {a: s for v, labels in operands for a, s in zip(labels, v.shape, strict=True)}
    out = frozenset(range(node.rank))
    for i, j in order([frozenset(labels) for _, labels in operands], out, extent):
        (a, first), (b, second) = operands[i], operands[j]
        operands = [o for k, o in enumerate(operands) if k not in (i, j)]
        kept = out.union(*(labels for _, labels in operands))
        operands.append(_summed(*_multiplied(a, first, b, second, extent), kept))
    value, labels = _summed(*operands[0], out)
    return value.transpose([labels.index(a) for a in range(node.rank)]) * residue(node.coefficient) % P


Labelled = tuple[Residues, tuple[Hashable, ...]]


def _diagonal(value: Residues, labels: tuple[int, ...]) -> Labelled:
    distinct = tuple(dict.fromkeys(labels))
    return (
        (np.einsum(value, list(labels), list(distinct)), distinct) if len(distinct) < len(labels) else (value, labels)
    )


def _multiplied(
    a: Residues, first: Sequence[Hashable], b: Residues, second: Sequence[Hashable], extent: Mapping[Hashable, int]
) -> Labelled:
    labels = tuple(dict.fromkeys((*first, *second)))
    if prod(extent[x] for x in labels) > LIMIT:
        raise LimitError(f"a product with more than {LIMIT} terms is too large for an exact comparison")
    return _aligned(a, first, labels) * _aligned(b, second, labels) % P, labels


def _aligned(value: Residues, labels: Sequence[Hashable], order: Sequence[Hashable]) -> Residues:
    moved = value.transpose([list(labels).index(a) for a in order if a in labels])
    return moved[tuple(slice(None) if a in labels else None for a in order)]


def _summed(value: Residues, labels: tuple[Hashable, ...], kept: frozenset[Hashable]) -> Labelled:
    axes = tuple(i for i, a in enumerate(labels) if a not in kept)
    return (value.sum(axis=axes) % P if axes else value), tuple(a for a in labels if a in kept)


# --- functions -------------------------------------------------------------------------------


def _power(base: Residues, exponent: Coefficient | None, residues: Residues, seed: int) -> Residues:
    """Whole powers are exact; a fractional part is a fresh value of (base, fraction)."""
    if exponent is None:
        return _opaque("power", [base, residues], seed)
    whole = exponent.numerator // exponent.denominator
    fraction = Fraction(exponent) - whole
    value = _whole_power(base, whole)
    if fraction:
        value = value * _opaque(f"power {fraction}", [base], seed) % P
    return value


def _whole_power(base: Residues, exponent: int) -> Residues:
    values = [_inverse(int(v)) if exponent < 0 else int(v) for v in np.ravel(base)]
    return np.asarray([pow(v, abs(exponent), P) for v in values], np.int64).reshape(np.shape(base))


def _opaque(name: str, args: Sequence[Residues], seed: int) -> Residues:
    """A function of which only is known that equal arguments give equal values."""
    state = _start(name, seed)
    for value in args:
        state = _folded(state, value)
    return _residues(state)


def _apply(node: Apply, argument: Residues, more: Sequence[Residues], shape: tuple[int, ...], seed: int) -> Residues:
    """Every member of the batch, as a matrix or one long vector."""
    core = argument.shape[node.batch :]
    half = prod(core[: len(core) // 2])
    matrix = node.op.core.startswith("m")
    members = argument.reshape(-1, half, prod(core) // half) if matrix else argument.reshape(-1, prod(core))
    return np.asarray([_whole_function(node, m, more, seed) for m in members], np.int64).reshape(shape)


def _whole_function(node: Apply, argument: Residues, more: Sequence[Residues], seed: int) -> Residues:
    op = cast(TensorFunction, node.op)
    if op.primary is not None:
        return _primary(*op.primary, argument, more, seed)
    if op is PINV:
        return _pseudoinverse(argument)
    if op in (INV, DET, ADJ):
        determinant, inverse = _eliminated(argument, inverted=op is not DET)
        return {INV: inverse, DET: determinant, ADJ: None if inverse is None else inverse * determinant % P}[op]  # type: ignore[index]
    state = _digest(op.name, argument, seed)
    if not op.transposes:
        return _spread_over(state, argument.shape if not op.core.endswith("s") else ())
    mirrored = _digest(op.name, argument.T, seed)
    shape = tuple(int(s) for s in value_shape(op.core, argument.shape))  # type: ignore[arg-type]
    there = _spread_over(_folded(state, int(mirrored) % P), shape)
    back = _spread_over(_folded(mirrored, int(state) % P), shape)
    return (there + back.T) % P


def _primary(family: str, order: int, argument: Residues, more: Sequence[Residues], seed: int) -> Residues:
    """f(X), or the coefficient of E1 ... Ep in f of the block matrix [[X, E1], [0, X], ...], f being a polynomial.

    Every function of one variable acts on matrices so; its coefficients are fresh values fixed by the function's
    name and its scalar parameters, directions (E1 itself) contract the two last axes.
    """
    state = _start(family, seed)
    for scalar in (a for a in more if not a.ndim):
        state = _folded(state, scalar)
    coefficients = [int(c) for c in np.ravel(_spread_over(state, (DEGREE + 1,)))]
    powers = [np.eye(len(argument), dtype=np.int64)]
    for _ in range(DEGREE):
        powers.append(powers[-1] @ argument % P)
    total: Residues = 0
    for exponents in product(range(DEGREE + 1), repeat=order + 1):
        if sum(exponents) + order <= DEGREE:
            term = powers[exponents[0]]
            for e in exponents[1:]:
                term = np.multiply.outer(term, powers[e]) % P
            total = (total + coefficients[sum(exponents) + order] * term) % P
    total = np.moveaxis(total, -1, 1)  # i, k1, l1, ..., j -> i, j, k1, l1, ...
    for direction in (a for a in more if a.ndim):
        total = (total * direction % P).sum(axis=(-2, -1)) % P
    return total


def _pseudoinverse(matrix: Residues) -> Residues:
    """Of a matrix of full rank, as samples are."""
    if len(matrix) < matrix.shape[1]:
        return _pseudoinverse(matrix.T).T
    inverse = _eliminated(matrix.T @ matrix % P, inverted=True)[1]
    assert inverse is not None
    return inverse @ matrix.T % P


def _digest(name: str, argument: Residues, seed: int) -> Residues:
    state = _start(name, seed)
    for value in np.ravel(argument):
        state = _folded(state, value)
    return state


def _spread_over(state: Residues, shape: tuple[int, ...]) -> Residues:
    return _residues(_folded(state, np.arange(prod(shape)).reshape(shape)))


def _eliminated(matrix: Residues, inverted: bool) -> tuple[int, Residues | None]:
    """Determinant and inverse by Gauss-Jordan elimination over the field."""
    size = len(matrix)
    rows = np.concatenate([matrix % P, np.eye(size, dtype=np.int64)], axis=1)
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
        determinant = determinant * int(rows[k, k]) % P
        rows[k] = rows[k] * _inverse(int(rows[k, k])) % P
        others = np.arange(size) != k
        rows[others] = (rows[others] - rows[others, k, None] * rows[k]) % P
    return determinant % P, rows[:, size:]
