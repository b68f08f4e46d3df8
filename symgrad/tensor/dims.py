"""Dimensions: letters, integers and their polynomials, and when two of them agree.

A dimension is an `int` or a `Dim`, a polynomial in letters with integer coefficients, interned so
that equal dimensions are one object.  Different letters are different dimensions.  While shapes are
inferred (`Unification`), some letters are unknowns and agreeing means being made equal.

>>> m, n = letter("m"), letter("n")
>>> str(times(m, n)), times(m, n) is times(n, m), plus(n, -1, 1)
('m*n', True, n)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from typing import Any, ClassVar, Self, TypeGuard
from zlib import crc32

Monomial = tuple[str, ...]  # letters with repetition, sorted


class Dim:
    """A polynomial of dimension letters that is not a constant."""

    __slots__ = ("key", "terms")
    _table: ClassVar[dict[tuple[tuple[Monomial, int], ...], Any]] = {}

    terms: tuple[tuple[Monomial, int], ...]
    key: int

    def __new__(cls, terms: tuple[tuple[Monomial, int], ...]) -> Self:
        found = cls._table.get(terms)
        if found is None:
            found = super().__new__(cls)
            found.terms = terms
            found.key = crc32(repr(terms).encode())
            cls._table[terms] = found
        return found

    @property
    def is_letter(self) -> bool:
        """Whether it is one letter and nothing else."""
        return len(self.terms) == 1 and len(self.terms[0][0]) == 1 == self.terms[0][1]

    def __repr__(self) -> str:
        if self.is_letter:
            return self.terms[0][0][0]
        parts = []
        for letters, coefficient in self.terms:
            body = "*".join(([str(abs(coefficient))] if abs(coefficient) != 1 or not letters else []) + list(letters))
            parts.append((" - " if coefficient < 0 else " + ") + body)
        text = "".join(parts)
        return text[3:] if text.startswith(" + ") else "-" + text[3:]

    def __reduce__(self) -> tuple[type[Dim], tuple[tuple[tuple[Monomial, int], ...]]]:
        return Dim, (self.terms,)


Size = Dim | int
Shape = tuple[Size, ...]


def letter(name: str) -> Dim:
    """The dimension written as one letter (or name)."""
    return Dim((((name,), 1),))


def _terms(size: Size) -> tuple[tuple[Monomial, int], ...]:
    return size.terms if isinstance(size, Dim) else (((), size),) if size else ()


def _collect(pairs: Iterable[tuple[Monomial, int]]) -> Size:
    total: dict[Monomial, int] = {}
    for letters, coefficient in pairs:
        total[letters] = total.get(letters, 0) + coefficient
    kept = {m: c for m, c in total.items() if c}
    if not kept or set(kept) == {()}:
        return kept.get((), 0)
    return Dim(tuple(sorted(kept.items(), key=lambda mc: (-len(mc[0]), mc[0]))))


def times(*sizes: Size) -> Size:
    """The product of dimensions."""
    if len(sizes) == 1:
        return sizes[0]
    product: Size = 1
    for size in sizes:
        if product == 1:
            product = size
        elif size != 1:
            product = _collect((tuple(sorted(a + b)), c * d) for a, c in _terms(product) for b, d in _terms(size))
    return product


def plus(*sizes: Size) -> Size:
    """The sum of dimensions."""
    return _collect(term for size in sizes for term in _terms(size))


def letters_of(sizes: Iterable[Size]) -> list[str]:
    """The letters that occur, in order of first occurrence."""
    return list(dict.fromkeys(a for s in sizes if isinstance(s, Dim) for m, _ in s.terms for a in m))


def size_at(size: Size, values: Mapping[str, int]) -> int:
    """The integer that a dimension is when its letters have `values`.  Raises KeyError."""
    if not isinstance(size, Dim):
        return size
    total = 0
    for letters, coefficient in size.terms:
        for a in letters:
            coefficient *= values[a]
        total += coefficient
    return total


def key_of(size: Size) -> int:
    """A number for ordering that is the same in every process."""
    return size.key if isinstance(size, Dim) else size


# --- agreement -------------------------------------------------------------------------------


class Unification:
    """Union-find over unknown dimension letters, in force within a `with` block.

    Unknown letters start with '?'.  `agree` then equates them; `resolve` gives what they became.
    """

    def __init__(self) -> None:
        self.bound: dict[str, Size] = {}
        self._count = 0

    def fresh(self) -> Dim:
        self._count += 1
        return letter(f"?{self._count}")

    def __enter__(self) -> Self:
        self._token = _unification.set(self)
        return self

    def __exit__(self, *_: object) -> None:
        _unification.reset(self._token)

    def resolve(self, size: Size) -> Size:
        """`size` with every unknown replaced as far as it is known."""
        if not isinstance(size, Dim) or not any(a in self.bound for m, _ in size.terms for a in m):
            return size
        return plus(*(times(c, *(self.resolve(self.bound.get(a, letter(a))) for a in m)) for m, c in size.terms))

    def equate(self, a: Size, b: Size) -> bool:
        a, b = self.resolve(a), self.resolve(b)
        if a == b:
            return True
        for x, y in ((a, b), (b, a)):
            if y == 1:
                return False  # a vector of one entry is never guessed
            if is_unknown(x) and x.terms[0][0][0] not in letters_of([y]):
                self.bound[x.terms[0][0][0]] = y
                return True
        return self._solve(plus(a, times(-1, b)))

    def _solve(self, difference: Size) -> bool:
        """Make a sum such as ?1 + 1 - (n + 1) zero by its one unknown; of several nobody knows which."""
        unknown = [a for a in letters_of([difference]) if a.startswith("?")]
        for name in unknown:
            sign = next((c for m, c in _terms(difference) if m == (name,) and c in (1, -1)), 0)
            rest = times(-sign, plus(difference, times(-sign, letter(name))))
            if sign and name not in letters_of([rest]) and rest != 1 and all(c > 0 for _, c in _terms(rest)):
                self.bound[name] = rest
                return True
        return False


_unification: ContextVar[Unification | None] = ContextVar("unification", default=None)


def is_unknown(size: Size) -> TypeGuard[Dim]:
    """Whether a dimension is a single unknown letter of an inference."""
    if not isinstance(size, Dim) or len(size.terms) != 1:
        return False
    letters = size.terms[0][0]
    return len(letters) == 1 and letters[0].startswith("?")


def agree(a: Size, b: Size) -> bool:
    """Whether two dimensions are the same; while inferring, whether they can be (and now are)."""
    if a is b or a == b:
        return True
    unification = _unification.get()
    return unification is not None and unification.equate(a, b)
