"""Shapes of names that nobody declared, by the habit of the field and by unification.

A capital letter is a matrix, a small one a vector, a small Greek letter a scalar; letters inside eye,
ones and zeros are dimensions.  Sizes start as unknowns and become equal where the expression says so.
What was inferred is returned as ordinary declarations, so that it can be shown and repeated.

>>> from symgrad.notation.grammar import parse_program
>>> [d.text() for d in infer(parse_program("x'*A*x"), {}).values()]
['x: R^n', 'A: R^{n x n}']
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from itertools import combinations

from symgrad.errors import ShapeError, SymgradError, UnknownNameError
from symgrad.notation.declare import Declaration
from symgrad.notation.lower import CONSTANTS, Scope, lower
from symgrad.notation.tree import Assignment, Call, Name, names, postorder
from symgrad.operations.catalogue import find
from symgrad.tensor.dims import Dim, Size, Unification, letter, letters_of, plus, times

GREEK = frozenset([
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "lam", "mu",
    "nu", "xi", "rho", "sigma", "tau", "phi", "chi", "psi", "omega",
])  # fmt: skip
OTHERWISE = {"column": "scalar", "scalar": "column"}  # how a name is read where the habit of the field does not fit
CHANGEABLE = 12  # names; with more of them no other reading is looked for
LETTERS = ("m", "n", "p", "k", "q", "r", "s", "t", "u", "v", "w")


def infer(
    program: Sequence[Assignment], declared: Mapping[str, Declaration], text: str | None = None
) -> dict[str, Declaration]:
    """Declarations for every name of the program that is neither declared nor assigned.

    Raises ShapeError where the habit of the field does not fit; its hint says which declarations would (a small letter
    as a scalar, a Greek one as a vector).  They are not assumed: `x .* A` is rather a mistake than a scalar x.
    """
    dimensions = dimension_names(program)
    wanted = _undeclared(program, declared, dimensions)
    habit = {name: _habit(name) for name in wanted}
    try:
        return _fitted(program, declared, habit, dimensions, text)
    except ShapeError as error:
        if len(wanted) <= CHANGEABLE:
            ways = _other_ways(habit, lambda kinds: _fitted(program, declared, kinds, dimensions, text))
            _say(error, habit, ways)
        raise


def _other_ways(habit: Mapping[str, str], fitted: Callable[[Mapping[str, str]], dict[str, Declaration]]) -> list[str]:
    """What to declare for each reading that fits and differs from the habit in as few names as possible."""
    changed = {name: OTHERWISE[kind] for name, kind in habit.items() if kind in OTHERWISE}
    for count in (1, 2):
        found = []
        for names_ in combinations(changed, count):
            with suppress(SymgradError):
                declarations = fitted({**habit, **{name: changed[name] for name in names_}})
                found.append("; ".join(declarations[name].text() for name in names_))
        if found:
            return found
    return []


def _fitted(
    program: Sequence[Assignment],
    declared: Mapping[str, Declaration],
    kinds: Mapping[str, str],
    dimensions: list[str],
    text: str | None,
) -> dict[str, Declaration]:
    """Declarations of names whose kinds are known, with the fewest different sizes.  Raises ShapeError."""
    with Unification() as unification:
        guesses = {name: _unsized(name, kind, unification) for name, kind in kinds.items()}
        everything = {**declared, **guesses}
        scope = Scope.of(everything, dimensions)
        try:
            for line in program:
                view = lower(line.value, scope, text)
                if line.name is not None:
                    scope.views[line.name] = view
        except SymgradError as error:
            _say(error, kinds)
            raise
        resolved = {n: (unification.resolve(d.rows), unification.resolve(d.columns)) for n, d in guesses.items()}
    taken = {*everything, *dimensions, *letters_of(s for d in declared.values() for s in (d.rows, d.columns))}
    names_of = _name_unknowns([s for pair in resolved.values() for s in pair], taken)
    named = {n: tuple(_named(s, names_of) for s in pair) for n, pair in resolved.items()}
    return {n: Declaration(n, r, c, frozenset()) for n, (r, c) in named.items()}


def _named(size: Size, names_of: Mapping[Size, Size]) -> Size:
    """A size with letters for its unknowns."""
    if not isinstance(size, Dim) or size in names_of:
        return names_of.get(size, size)
    return plus(*(times(c, *(names_of.get(letter(a), letter(a)) for a in m)) for m, c in size.terms))


def dimension_names(program: Sequence[Assignment]) -> list[str]:
    """The names inside eye, ones, zeros, ...: dimensions, not variables."""
    found = []
    for line in program:
        for part in postorder(line.value):
            if isinstance(part, Call) and (entry := find(part.op)) is not None and entry.sizes:
                found += [n for a in part.args[entry.arrays :] for n in names(a)]
    return list(dict.fromkeys(found))


def _undeclared(program: Sequence[Assignment], declared: Mapping[str, Declaration], dimensions: list[str]) -> list[str]:
    known = {*declared, *dimensions, *CONSTANTS}
    known |= set(letters_of(s for d in declared.values() for s in (d.rows, d.columns)))
    wanted: list[str] = []
    for line in program:
        for part in postorder(line.value):
            if isinstance(part, Name) and part.name not in known and part.name not in wanted:
                wanted.append(part.name)
        if line.name is not None:
            known.add(line.name)
    return wanted


def _habit(name: str) -> str:
    """matrix, scalar or column, by the first letter."""
    if name[0].isupper():
        return "matrix"
    is_greek = name.rstrip("0123456789_") in GREEK or "GREEK" in unicodedata.name(name[0], "")
    return "scalar" if is_greek else "column"


def _unsized(name: str, kind: str, unification: Unification) -> Declaration:
    rows = 1 if kind == "scalar" else unification.fresh()
    return Declaration(name, rows, unification.fresh() if kind == "matrix" else 1, frozenset())


def _name_unknowns(sizes: list[Size], taken: set[str]) -> dict[Size, Size]:
    """Letters for the unknowns that are left: n if there is one, else m, n, p, ... in order of occurrence."""
    unknowns = [letter(a) for a in letters_of(sizes) if a.startswith("?")]
    free = [a for a in LETTERS if a not in taken] + [f"n{i}" for i in range(1, len(unknowns) + 1)]
    if len(unknowns) == 1 and "n" in free:
        return {unknowns[0]: letter("n")}
    return {u: letter(a) for u, a in zip(unknowns, free, strict=False)}


def _say(error: SymgradError, kinds: Mapping[str, str], ways: Sequence[str] = ()) -> None:
    """Say what was guessed and how to settle it."""
    if not kinds or (not ways and "undeclared" in (error.hint or "")) or isinstance(error, UnknownNameError):
        return
    error.message = _lettered(error.message, kinds)
    said = ", ".join(f"{name} a {kind}" for name, kind in kinds.items())
    settling = " or ".join(f"'{way}'" for way in ways) or "the names"
    before = (error.hint or "").partition("declare the names")[0]
    before = before if before.endswith("; or ") or not before else f"{before}; or "
    error.hint = f"{before}declare {settling} (undeclared, they were read as: {said})"


def _lettered(message: str, taken: Collection[str]) -> str:
    """The message with letters for sizes that nothing has settled: `?3 x 1` is `n x 1`."""
    unknowns = list(dict.fromkeys(re.findall(r"\?\d+", message)))
    free = [a for a in ("n", *LETTERS) if a not in taken and f" {a} " not in message]
    letters = dict(zip(unknowns, dict.fromkeys([*free, *(f"n{i}" for i in range(1, len(unknowns) + 1))]), strict=False))
    return re.sub(r"\?\d+", lambda m: letters[m[0]], message)
