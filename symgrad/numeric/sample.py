"""Samples: integers for dimension letters, and arrays that keep what a declaration promises.

`sizes` gives the letters values that are all different, all equal, or include a 1: a transposed or
mis-shaped formula survives only some of them.  `sample` draws an array with the declared
properties, inside the domain of an operation, clear of zero and of the domain's ends, and well
conditioned.  It knows declarations only by their rows, columns and properties, and no operation.

>>> sorted(sizes(["m", "n"], "distinct", seed=0).values()), sizes(["m", "n"], "square", seed=0)
([2, 3], {'m': 3, 'n': 3})
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from random import Random
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from symgrad.errors import DomainError, LimitError, ShapeError, UnknownNameError, did_you_mean
from symgrad.tensor.dims import Dim, Size, size_at
from symgrad.tensor.nodes import Node, walk
from symgrad.tensor.windows import lengths as lengths_needed

ENTRY_LIMIT = 10**7  # entries of an array that symgrad is willing to make unasked
CLEAR = 0.1  # how far entries stay from zero and from the ends of their domain
EQUAL_SIZE = 3
SHUFFLES = 50  # of sizes, until every axis has an entry
REACH = 2.0  # how far entries go where the domain has no end
DRAWS = 8  # draws among which the best conditioned matrix is taken
WELL_CONDITIONED = 50.0
LARGE = 64  # from here on conditioning is enforced, not searched for

Array = NDArray[np.float64]


class Declared(Protocol):
    """What is known of a declared input."""

    @property
    def rows(self) -> Size: ...
    @property
    def columns(self) -> Size: ...
    @property
    def properties(self) -> Collection[str]: ...


# --- dimensions -------------------------------------------------------------------------------


def sizes(letters: Iterable[str], kind: str, seed: int = 0, lengths: Iterable[Size] = ()) -> dict[str, int]:
    """Integers for dimension letters: all different ("distinct"), all equal ("square"), or different with one of them
    1 ("one").  None of the `lengths`, as n - k + 1, becomes less than 1: where no order of these integers will do,
    letters grow (and are no longer all equal)."""
    names = list(dict.fromkeys(letters))
    if kind not in _SIZES:
        raise UnknownNameError(f"no sizes of kind {kind}", hint=did_you_mean(kind, _SIZES))
    values, random, wanted = _SIZES[kind](len(names)), Random(seed), list(lengths)
    for _ in range(SHUFFLES):
        random.shuffle(values)
        found = dict(zip(names, values, strict=True))
        if all(size_at(s, found) > 0 for s in wanted):
            return found
    return _grown(found, wanted)


def _grown(found: dict[str, int], wanted: Sequence[Size]) -> dict[str, int]:
    """The sizes with letters enlarged, to values that no other letter has, until every length is at least 1."""
    for _ in range(SHUFFLES):
        short = next((s for s in wanted if size_at(s, found) < 1), None)
        if short is None:
            break
        here, missing = size_at(short, found), 1 - size_at(short, found)
        grown = next((a for a in found if size_at(short, {**found, a: found[a] + 1}) > here), None)
        if grown is None:
            break
        least = found[grown] + missing
        others = {v for a, v in found.items() if a != grown}
        found = {**found, grown: next(v for v in range(least, least + len(found) + 1) if v not in others)}
    return found


def lengths_of(nodes: Iterable[Node]) -> list[Size]:
    """The lengths with a minus in them, such as n - k + 1, which not every choice of sizes makes positive."""
    nodes = list(nodes)
    found = dict.fromkeys([*(s for n in walk(*nodes) for s in n.shape), *lengths_needed(*nodes)])
    return [s for s in found if isinstance(s, Dim) and any(c < 0 for _, c in s.terms)]


_SIZES: dict[str, Callable[[int], list[int]]] = {
    "distinct": lambda count: list(range(2, count + 2)),
    "square": lambda count: [EQUAL_SIZE] * count,
    "one": lambda count: list(range(1, count + 1)),
}


# --- arrays -----------------------------------------------------------------------------------

DOMAINS: dict[str, tuple[float, float]] = {  # open intervals of the entries
    "real": (-inf, inf),
    "nonzero": (-inf, inf),
    "positive": (0.0, inf),
    "unit": (-1.0, 1.0),
    "gt1": (1.0, inf),
    "gtminus1": (-1.0, inf),
}
_OF_SQUARE = frozenset({"symmetric", "skew", "diagonal", "orthogonal", "spd", "invertible", "lower", "upper"})
_STOCHASTIC = frozenset({"simplex", "onehot"})
PROPERTIES = _OF_SQUARE | _STOCHASTIC | {"positive"}
_IMPLIED = (  # (if all of these, then these too)
    ({"lower", "upper"}, {"diagonal"}),
    ({"symmetric", "lower"}, {"diagonal"}),
    ({"symmetric", "upper"}, {"diagonal"}),
    ({"spd"}, {"symmetric", "invertible"}),
    ({"spd", "lower"}, {"diagonal"}),
    ({"spd", "upper"}, {"diagonal"}),
    ({"orthogonal", "lower"}, {"diagonal"}),
    ({"orthogonal", "upper"}, {"diagonal"}),
    ({"diagonal"}, {"symmetric", "lower", "upper"}),
    ({"orthogonal"}, {"invertible"}),
)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What an array must be: its shape, closed properties, and the open interval of its entries."""

    shape: tuple[int, ...]
    properties: frozenset[str]
    low: float
    high: float
    positive: bool  # whether every entry has to be
    rng: np.random.Generator

    @property
    def order(self) -> int:
        """Number of rows of a square matrix."""
        return self.shape[0]


def sample(
    declared: Declared, values: Mapping[str, int], rng: np.random.Generator, domain: str | Iterable[str] = "real"
) -> Array:
    """A random array for a declared input, at these values of the dimension letters.

    `domain` adds constraints of an operation: names of `DOMAINS` (which bind every entry) or of
    `PROPERTIES`.  A scalar has no axis, R^n one, a row is (1, n).  Of a one-hot or simplex matrix
    every row is one.  `positive` with a triangular or diagonal structure is about the free entries.
    Raises ShapeError, DomainError (no such array), LimitError (over 10^7 entries), UnknownNameError.
    """
    shape = shape_at(declared.rows, declared.columns, values)
    domains = [domain] if isinstance(domain, str) else list(domain)
    wanted = _wanted(shape, declared.properties, domains, rng)
    drawn = np.asarray(_draw(wanted), dtype=np.float64)
    if not all(_inside(drawn, name) for name in domains):
        raise DomainError(f"an array that is {_and(wanted.properties)} does not keep to {_and(domains)}")
    return drawn


def _inside(array: Array, domain: str) -> bool:
    if domain in PROPERTIES - set(DOMAINS):
        return True  # drawn for
    low, high = DOMAINS[domain]
    return bool(((array > low) & (array < high) & ((array != 0) | (domain != "nonzero"))).all())


def shape_at(rows: Size, columns: Size, values: Mapping[str, int]) -> tuple[int, ...]:
    """The array shape of a declared space: (), (n,), (1, n) or (m, n).

    A dimension letter that happens to be 1 keeps its axis.
    """
    try:
        r, c = size_at(rows, values), size_at(columns, values)
    except KeyError as error:
        known = did_you_mean(error.args[0], values)
        raise UnknownNameError(f"the dimension {error.args[0]} has no value", hint=known) from None
    if r < 1 or c < 1:
        raise ShapeError(f"a {rows} x {columns} array would be {r} x {c}", hint="larger dimensions")
    if r * c > ENTRY_LIMIT:
        raise LimitError(f"a {r} x {c} array has more than {ENTRY_LIMIT} entries", hint="smaller dimensions")
    if columns == 1:
        return () if rows == 1 else (r,)
    return r, c


def _wanted(
    shape: tuple[int, ...], properties: Collection[str], domains: Collection[str], rng: np.random.Generator
) -> _Wanted:
    for name in (*properties, *domains):
        if name not in PROPERTIES and name not in DOMAINS:
            raise UnknownNameError(f"no property {name}", hint=did_you_mean(name, {*PROPERTIES, *DOMAINS}))
    bounds = [DOMAINS[name] for name in ("real", *properties, *domains) if name in DOMAINS]
    low, high = max(b[0] for b in bounds), min(b[1] for b in bounds)
    if low >= high:
        raise DomainError(f"no number is {' and '.join(domains)}")
    named = _close({*properties, *domains} & PROPERTIES)
    wanted = _Wanted(shape, named, low, high, low >= 0 or "nonzero" in domains, rng)
    _check_square(wanted)
    _check_possible(wanted)
    return wanted


def _close(properties: Collection[str]) -> frozenset[str]:
    """The properties with all that they imply."""
    closed = set(properties)
    while True:
        more = {p for given, implied in _IMPLIED if given <= closed for p in implied}
        if more <= closed:
            return frozenset(closed)
        closed |= more


def _check_square(wanted: _Wanted) -> None:
    square = len(wanted.shape) == 2 and wanted.shape[0] == wanted.shape[1]
    needing = wanted.properties & _OF_SQUARE
    if needing and not square:
        is_what = " x ".join(map(str, wanted.shape)) or "a scalar"
        raise ShapeError(f"{_and(needing)} is said of square matrices, this is {is_what}", hint="R^{n x n}")
    if wanted.properties & _STOCHASTIC and not wanted.shape:
        raise ShapeError(f"{_and(wanted.properties & _STOCHASTIC)} is said of vectors, this is a scalar", hint="R^n")


def _check_possible(wanted: _Wanted) -> None:
    """Refuses combinations that no array has, or only a trivial one that would prove nothing."""
    p = wanted.properties
    if "skew" in p and p & {"symmetric", "lower", "upper", "positive"}:
        raise DomainError(f"no matrix but zero is {_and(p)}")
    if "skew" in p and "invertible" in p and wanted.order % 2:
        raise DomainError(f"no skew matrix of odd order {wanted.order} is invertible", hint="an even dimension")
    if "orthogonal" in p and ("positive" in p or wanted.low >= 0):
        raise DomainError("an orthogonal matrix has entries that are not positive")
    if p & _STOCHASTIC and (p & _OF_SQUARE or p >= _STOCHASTIC or {"onehot", "positive"} <= p):
        raise DomainError(f"no samples of arrays that are {_and(p)}")


def _and(names: Iterable[str]) -> str:
    return " and ".join(sorted(names))


def _draw(wanted: _Wanted) -> Array:
    p = wanted.properties
    if "simplex" in p:
        return _simplex(wanted)
    if "onehot" in p:
        return _onehot(wanted)
    if "orthogonal" in p:
        return _orthogonal(wanted)
    if "spd" in p:
        return _spd(wanted)
    if "invertible" in p:
        return _invertible(wanted)
    return _structured(wanted)


# --- entries ----------------------------------------------------------------------------------


def _entries(wanted: _Wanted, shape: tuple[int, ...]) -> Array:
    """Uniform in the interval, clear of its ends and of zero."""
    low = max(wanted.low, -REACH)
    high = min(wanted.high, max(low, 0.0) + REACH)
    if low >= 0:
        return np.asarray(wanted.rng.uniform(low + CLEAR, high - CLEAR, shape))
    left = -low - 2 * CLEAR  # the length of what is left of zero
    along = wanted.rng.uniform(0, left + high - 2 * CLEAR, shape)
    return np.where(along < left, low + CLEAR + along, CLEAR + along - left)


def _structured(wanted: _Wanted) -> Array:
    """Entries with their symmetry or zeros."""
    p, entries = wanted.properties, _entries(wanted, wanted.shape)
    if "diagonal" in p:
        return np.diag(np.diag(entries))
    if "lower" in p:
        return np.tril(entries)
    if "upper" in p:
        return np.triu(entries)
    if "symmetric" in p:
        return np.tril(entries) + np.tril(entries, -1).T
    if "skew" in p:
        return np.tril(entries, -1) - np.tril(entries, -1).T
    return entries


# --- matrices ---------------------------------------------------------------------------------


def _invertible(wanted: _Wanted) -> Array:
    """A matrix of the wanted structure that is well conditioned."""
    if wanted.order < LARGE:
        draws = [_structured(wanted) for _ in range(DRAWS)]
        best = min(draws, key=np.linalg.cond)
        if np.linalg.cond(best) < WELL_CONDITIONED:
            return best
    return _boosted(wanted)


def _boosted(wanted: _Wanted) -> Array:
    """A draw made well conditioned by a dominant diagonal, or for a skew one dominant 2 x 2 blocks."""
    matrix, n = _structured(wanted), wanted.order
    if "skew" in wanted.properties:
        matrix = matrix + 4 * n * _blocks(n)
    else:
        np.fill_diagonal(matrix, np.abs(np.diag(matrix)) + 4 * n)
    bound = min(-wanted.low, wanted.high) if wanted.low < 0 else wanted.high
    if bound <= 1:  # entries must stay in (-1, 1)
        matrix = matrix * ((bound - CLEAR) / np.abs(matrix).max())
    return matrix


def _blocks(n: int) -> Array:
    """The skew orthogonal matrix of 2 x 2 blocks [[0, 1], [-1, 0]] on the diagonal."""
    return np.kron(np.eye(n // 2), np.array([[0.0, 1.0], [-1.0, 0.0]]))


def _orthogonal(wanted: _Wanted) -> Array:
    p, n, rng = wanted.properties, wanted.order, wanted.rng
    if "spd" in p:
        return np.eye(n)  # the only one
    if "diagonal" in p:
        return np.diag(rng.choice([-1.0, 1.0], n))
    if "symmetric" in p:
        v = rng.normal(size=n)
        return np.eye(n) - 2 * np.outer(v, v) / (v @ v)
    q: Array = np.linalg.qr(rng.normal(size=(n, n)))[0]
    q[:, 0] *= rng.choice([-1.0, 1.0])  # both determinants: that of q itself depends on n alone
    return q @ _blocks(n) @ q.T if "skew" in p else q


def _spd(wanted: _Wanted) -> Array:
    """BB'/n + I; with positive entries where those are asked for."""
    n, p = wanted.order, wanted.properties
    if "diagonal" in p:
        return np.diag(np.abs(_entries(wanted, (n,))))
    factor = wanted.rng.uniform(CLEAR, 1.0, (n, n))
    if not wanted.positive:
        factor = factor * wanted.rng.choice([-1.0, 1.0], (n, n))
    matrix = factor @ factor.T / n + np.eye(n)
    if wanted.low >= 1:
        return matrix + wanted.low  # 11' is semidefinite, so this stays definite
    if wanted.high <= 1:
        matrix = matrix * ((wanted.high - CLEAR) / matrix.max())
    return matrix


# --- probabilities ----------------------------------------------------------------------------


def _simplex(wanted: _Wanted) -> Array:
    """Rows (or the one vector) of positive weights that sum to 1."""
    weights = wanted.rng.uniform(0.2, 1.0, wanted.shape)
    return np.asarray(weights / weights.sum(axis=-1, keepdims=True))


def _onehot(wanted: _Wanted) -> Array:
    """Rows (or the one vector) of zeros with a single 1."""
    n = wanted.shape[-1]
    return np.eye(n)[wanted.rng.integers(n, size=wanted.shape[:-1])]
