"""Exact values in a prime field: fingerprints by which two expressions are told apart.

Inputs are random residues that keep what is declared of them, sums, products, inverses and determinants
are exact, and other functions are fresh values fixed by the function's name and the residues it is given.
Two graphs that are equal as rational expressions of such functions have equal fingerprints; two
that differ have different ones but for an accident of odds about 2^-29 per entry.  A `Draw` says where: the
prime, the sizes, and on which part of its variety an orthogonal or one-hot input lies.

>>> from symgrad.tensor.build import einsum
>>> from symgrad.tensor.dims import letter
>>> A = Input.make("A", (letter("n"), letter("n")))
>>> same_in_field(A, einsum([(A, "ij")], "ji")), same_in_field(A, A)
(False, True)
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import product
from math import prod
from typing import cast

import numpy as np

from symgrad.errors import DomainError, LimitError, SymgradError
from symgrad.numeric.contract import order
from symgrad.numeric.evaluate import shift_pattern, window_pattern
from symgrad.numeric.ranks import ranked_inputs
from symgrad.numeric.residues import (
    PRIMES,
    P,
    Residues,
    SingularError,
    eliminated,
    folded,
    inverse_of,
    pseudoinverse,
    residue,
    residues,
    start,
    times,
)
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
    Window,
    value_shape,
    walk,
)
from symgrad.tensor.windows import lengths as lengths_needed

LIMIT = 10**7  # entries of an intermediate
DEGREE = 5  # of the polynomial that stands for a function of one variable, applied to matrices
ATTEMPTS = 16  # seeds tried where a division by zero is met


@dataclass(frozen=True, slots=True)
class Draw:
    """Where values are taken.

    sizes      of the dimension letters
    counts     whether a dimension that stands as a number is a fresh value, not its size
    part       of an orthogonal input its component (0: determinant 1, 1: determinant -1), of a one-hot one which
               entry of each row is 1; inputs that are not named are drawn without that property
    ranks      of the inputs whose pseudoinverse is taken (a scalar 0 has rank 0); a pseudoinverse of which they do not
               say the rank is then a fresh value.  None: every matrix has full rank
    order      of the highest derivative of a function of a matrix that occurs
    """

    sizes: Mapping[str, int]
    seed: int
    prime: int = P
    counts: bool = False
    part: Mapping[str, int] = field(default_factory=dict)
    ranks: Mapping[str, int] | None = None
    order: int = 1


def fingerprint(node: Node, sizes: Mapping[str, int], seed: int) -> Residues:
    """The node's value in the field, its inputs drawn by (name, seed).  Raises SingularError."""
    return values_at([node], Draw(sizes, seed))[0]


def highest_order(nodes: Iterable[Node]) -> int:
    """Of the derivatives of functions of matrices among some nodes; 0 where there is none."""
    found = (n.op.primary for n in nodes if isinstance(n, Apply) and isinstance(n.op, TensorFunction))
    return max((primary[1] for primary in found if primary), default=0)


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
    lengths, highest = lengths_needed(*nodes), highest_order(walk(*nodes))
    for attempt in range(ATTEMPTS):
        try:
            seed = trial + 1000 * attempt
            draw = Draw(sample_sizes(letters, kind, seed, lengths), seed, PRIMES[trial % 3], order=highest)
            return values_at(nodes, draw)
        except SingularError:
            continue
    raise DomainError("the expression divides by zero for every sample of its inputs")


def values_at(nodes: Sequence[Node], at: Draw) -> list[Residues]:
    """The nodes' values in the field.  Raises SingularError, LimitError."""
    found: dict[Node, Residues] = {}
    for node in walk(*nodes):
        shape = tuple(size_at(s, at.sizes) for s in node.shape)
        if prod(shape) > LIMIT:
            raise LimitError(f"{prod(shape)} entries are more than the {LIMIT} an exact comparison takes on")
        found[node] = _value(node, [found[a] for a in node.args], shape, at)
    return [found[n] for n in nodes]


def _value(node: Node, args: list[Residues], shape: tuple[int, ...], at: Draw) -> Residues:
    match node:
        case Input():
            return _input(node, shape, at)
        case Einsum():
            return _product(node, args, shape, at.prime)
        case Add():
            total = np.zeros(shape, np.int64)
            for (coefficient, _), value in zip(node.terms, args, strict=True):
                total = (total + residue(coefficient, at.prime) * value) % at.prime
            return total
        case Power():
            return _power(args[0], exponent_at(node.exponent, at), args[1], at)
        case Map():
            return _opaque(node.op.name, args, at)
        case Apply():
            return _apply(node, args[0], args[1:], shape, at)
        case Size():
            return _random(f"count {node.size}", (), at) if at.counts else np.asarray(size_at(node.size, at.sizes))
        case Constant():
            return _random(f"constant {node.name}", (), at)
        case _:
            return _pattern(node, shape, at)


def _pattern(node: Node, shape: tuple[int, ...], at: Draw) -> Residues:
    """Zeros and ones."""
    match node:
        case Delta():
            return np.eye(shape[0], dtype=np.int64)
        case Ones():
            return np.ones(shape, np.int64)
        case Unit():
            if node.index > shape[0]:
                raise SymgradError(f"e({node.index}, {shape[0]}) is no unit vector")
            return np.eye(shape[0], dtype=np.int64)[node.index - 1]
        case Reindex():
            return np.eye(prod(shape[: node.split]), dtype=np.int64).reshape(shape)
        case Shift():
            return shift_pattern(shape, size_at(node.offset, at.sizes)).astype(np.int64)
        case Triangle():
            return np.tri(shape[0], shape[1], dtype=np.int64)
        case Window():
            return window_pattern(shape, size_at(node.offset, at.sizes)).astype(np.int64)
        case _:
            raise SymgradError(f"no field value for a node of kind {type(node).__name__}")


def exponent_at(node: Node, at: Draw) -> Coefficient | None:
    """The rational number that an exponent is, dimensions in it having their sizes; None where it is another one."""
    number = as_number(node)
    if number is not None or at.counts:
        return number
    if isinstance(node, Size):
        return size_at(node.size, at.sizes)
    total: Coefficient = 0 if isinstance(node, Add) else 1
    for coefficient, part in node.terms if isinstance(node, Add) else [(1, a) for a in node.args]:
        value = exponent_at(part, at) if isinstance(node, Add | Einsum) else None
        if value is None:
            return None
        total = total + coefficient * value if isinstance(node, Add) else total * value
    return total * node.coefficient if isinstance(node, Einsum) else total if isinstance(node, Add) else None


# --- inputs ----------------------------------------------------------------------------------


def _random(name: str, shape: tuple[int, ...], at: Draw) -> Residues:
    return residues(folded(start(name, at.seed), np.arange(prod(shape)).reshape(shape)), at.prime)


def _input(node: Input, shape: tuple[int, ...], at: Draw) -> Residues:
    """Random residues with what is declared of them."""
    value, properties = _random(f"input {node.name}", shape, at), node.properties
    if "simplex" in properties and shape:
        value[..., -1] = (1 - value[..., :-1].sum(axis=-1)) % at.prime
        return value
    if "onehot" in properties and node.name in at.part:
        return _onehot(shape, at.part[node.name])
    if at.ranks is not None and node.name in at.ranks:
        return _of_rank(at.ranks[node.name], node, shape, at)
    if len(shape) != 2 or shape[0] != shape[1]:
        return value
    if "orthogonal" in properties and node.name in at.part:
        return _orthogonal(value, at.part[node.name], at.prime)
    return _structured(node, value, at)


def _structured(node: Input, value: Residues, at: Draw) -> Residues:
    """The symmetry or the zeros of a square matrix."""
    properties, prime = node.properties, at.prime
    diagonal = "diagonal" in properties or {"lower", "upper"} <= properties
    if diagonal or (properties & {"symmetric", "spd"} and properties & {"lower", "upper"}):
        return value * np.eye(len(value), dtype=np.int64)
    if properties & {"symmetric", "spd"}:
        return np.triu(value) + np.triu(value, 1).T
    if "skew" in properties:
        return (np.triu(value, 1) - np.triu(value, 1).T) % prime
    return np.tril(value) if "lower" in properties else np.triu(value) if "upper" in properties else value


def _of_rank(rank: int, node: Input, shape: tuple[int, ...], at: Draw) -> Residues:
    """The product of two random matrices with so many columns; of a scalar, 0 or not."""
    if not shape:
        return _random(f"input {node.name}", shape, at) * min(rank, 1)
    left = _random(f"left of {node.name}", (shape[0], rank), at)
    if "symmetric" in node.properties:
        return times(left * _random(f"weights of {node.name}", (rank,), at) % at.prime, left.T, at.prime)
    return times(left, _random(f"right of {node.name}", (rank, shape[1]), at), at.prime)


def _onehot(shape: tuple[int, ...], part: int) -> Residues:
    """The rows have their 1 where the digits of `part` say, in base n."""
    value, n = np.zeros(shape, np.int64), shape[-1]
    for row in value.reshape(-1, n):
        part, place = divmod(part, n)
        row[place] = 1
    return value


def _orthogonal(value: Residues, part: int, prime: int) -> Residues:
    """Cayley's (I - K) inv(I + K), K skew; its first row turned round where the determinant is to be -1."""
    skew, one = np.triu(value, 1) - np.triu(value, 1).T, np.eye(len(value), dtype=np.int64)
    inverse = eliminated((one + skew) % prime, True, prime)[1]
    found = times((one - skew) % prime, inverse, prime)
    found[0] = found[0] * (1 - 2 * part) % prime
    return found


# --- products --------------------------------------------------------------------------------


def _product(node: Einsum, args: list[Residues], shape: tuple[int, ...], prime: int) -> Residues:
    """Two factors at a time, so that every product is reduced before it is summed."""
    operands = [_diagonal(v, labels) for v, (_, labels) in zip(args, node.factors, strict=True)]
    operands = operands or [(np.asarray(1), ())]
    extent = {a: s for v, labels in operands for a, s in zip(labels, v.shape, strict=True)}
    out = frozenset(range(node.rank))
    for i, j in order([frozenset(labels) for _, labels in operands], out, extent):
        (a, first), (b, second) = operands[i], operands[j]
        operands = [o for k, o in enumerate(operands) if k not in (i, j)]
        kept = out.union(*(labels for _, labels in operands))
        operands.append(_summed(*_multiplied(a, first, b, second, extent, prime), kept, prime))
    value, labels = _summed(*operands[0], out, prime)
    return value.transpose([labels.index(a) for a in range(node.rank)]) * residue(node.coefficient, prime) % prime


Labelled = tuple[Residues, tuple[Hashable, ...]]


def _diagonal(value: Residues, labels: tuple[int, ...]) -> Labelled:
    distinct = tuple(dict.fromkeys(labels))
    return (
        (np.einsum(value, list(labels), list(distinct)), distinct) if len(distinct) < len(labels) else (value, labels)
    )


def _multiplied(
    a: Residues,
    first: Sequence[Hashable],
    b: Residues,
    second: Sequence[Hashable],
    extent: Mapping[Hashable, int],
    prime: int,
) -> Labelled:
    labels = tuple(dict.fromkeys((*first, *second)))
    if prod(extent[x] for x in labels) > LIMIT:
        raise LimitError(f"a product with more than {LIMIT} terms is too large for an exact comparison")
    return _aligned(a, first, labels) * _aligned(b, second, labels) % prime, labels


def _aligned(value: Residues, labels: Sequence[Hashable], order: Sequence[Hashable]) -> Residues:
    moved = value.transpose([list(labels).index(a) for a in order if a in labels])
    return moved[tuple(slice(None) if a in labels else None for a in order)]


def _summed(value: Residues, labels: tuple[Hashable, ...], kept: frozenset[Hashable], prime: int) -> Labelled:
    axes = tuple(i for i, a in enumerate(labels) if a not in kept)
    return (value.sum(axis=axes) % prime if axes else value), tuple(a for a in labels if a in kept)


# --- functions -------------------------------------------------------------------------------


def _power(base: Residues, exponent: Coefficient | None, residues: Residues, at: Draw) -> Residues:
    """Whole powers are exact; a fractional part is a fresh value of (base, fraction)."""
    if exponent is None:
        return _opaque("power", [base, residues], at)
    whole = exponent.numerator // exponent.denominator
    fraction = Fraction(exponent) - whole
    value = _whole_power(base, whole, at.prime)
    if fraction:
        value = value * _opaque(f"power {fraction}", [base], at) % at.prime
    return value


def _whole_power(base: Residues, exponent: int, prime: int) -> Residues:
    values = [inverse_of(int(v), prime) if exponent < 0 else int(v) for v in np.ravel(base)]
    return np.asarray([pow(v, abs(exponent), prime) for v in values], np.int64).reshape(np.shape(base))


def _opaque(name: str, args: Sequence[Residues], at: Draw) -> Residues:
    """A function of which only is known that equal arguments give equal values."""
    state = start(name, at.seed)
    for value in args:
        state = folded(state, value)
    return residues(state, at.prime)


def _apply(node: Apply, argument: Residues, more: Sequence[Residues], shape: tuple[int, ...], at: Draw) -> Residues:
    """Every member of the batch, as a matrix or one long vector."""
    core = argument.shape[node.batch :]
    half = prod(core[: len(core) // 2])
    matrix = node.op.core.startswith("m")
    members = argument.reshape(-1, half, prod(core) // half) if matrix else argument.reshape(-1, prod(core))
    return np.asarray([_whole_function(node, m, more, at) for m in members], np.int64).reshape(shape)


def _whole_function(node: Apply, argument: Residues, more: Sequence[Residues], at: Draw) -> Residues:
    op, prime = cast(TensorFunction, node.op), at.prime
    if op.primary is not None:
        return _primary(op, argument, more, at)
    if op is PINV and (at.ranks is None or ranked_inputs(node.args[0]) is not None):
        return pseudoinverse(argument, prime)
    if op in (INV, DET, ADJ):
        determinant, inverse = eliminated(argument, op is not DET, prime)
        if op is DET:
            return np.asarray(determinant)
        assert inverse is not None
        return inverse if op is INV else inverse * determinant % prime
    state = _digest(op.name, argument, at.seed)
    if not op.transposes:
        return _spread_over(state, argument.shape if not op.core.endswith("s") else (), prime)
    mirrored = _digest(op.name, argument.T, at.seed)
    shapes = [tuple(map(int, value_shape(op.core, a.shape))) for a in (argument, argument.T)]  # type: ignore[arg-type]
    there = _spread_over(folded(state, int(mirrored) % prime), shapes[0], prime)
    back = _spread_over(folded(mirrored, int(state) % prime), shapes[1], prime)
    return (there + back.T) % prime


def _primary(op: TensorFunction, argument: Residues, more: Sequence[Residues], at: Draw) -> Residues:
    """f(X), or the coefficient of E1 ... Ep in f of the block matrix [[X, E1], [0, X], ...], f being a polynomial.

    Every function of one variable acts on matrices so; its coefficients are fresh values fixed by the function's
    name and its scalar parameters, directions (E1 itself) contract the two last axes.
    """
    assert op.primary is not None
    (family, order), prime = op.primary, at.prime
    state = start(family, at.seed)
    for scalar in (a for a in more if not a.ndim):
        state = folded(state, scalar)
    degree = DEGREE + max(at.order - 1, 0)
    coefficients = [int(c) for c in np.ravel(_spread_over(state, (degree + 1,), prime))]
    powers = [np.eye(len(argument), dtype=np.int64)]
    for _ in range(degree):
        powers.append(times(powers[-1], argument, prime))
    if op.reciprocal and not at.order:
        return _cayley(coefficients, powers, prime)
    total: Residues = 0
    for exponents in product(range(degree + 1), repeat=order + 1):
        if sum(exponents) + order <= degree:
            term = powers[exponents[0]]
            for e in exponents[1:]:
                term = np.multiply.outer(term, powers[e]) % prime
            total = (total + coefficients[sum(exponents) + order] * term) % prime
    total = np.moveaxis(total, -1, 1)  # i, k1, l1, ..., j -> i, j, k1, l1, ...
    for direction in (a for a in more if a.ndim):
        total = (total * direction % prime).sum(axis=(-2, -1)) % prime
    return total


def _cayley(coefficients: Sequence[int], powers: Sequence[Residues], prime: int) -> Residues:
    """(I + T) inv(I - T), T an odd polynomial: for -X it is the inverse, as exp(X) with T = tanh(X/2)."""
    odd: Residues = sum(c * p % prime for c, p in zip(coefficients[1::2], powers[1::2], strict=True))
    inverse = eliminated((powers[0] - odd) % prime, True, prime)[1]
    return times((powers[0] + odd) % prime, inverse, prime)


def _digest(name: str, argument: Residues, seed: int) -> Residues:
    state = start(name, seed)
    for value in np.ravel(argument):
        state = folded(state, value)
    return state


def _spread_over(state: Residues, shape: tuple[int, ...], prime: int) -> Residues:
    return residues(folded(state, np.arange(prod(shape)).reshape(shape)), prime)
