"""Shapes of names that nobody declared, by the habit of the field and by unification.

A capital letter is a matrix, a small one a vector, a small Greek letter a scalar; letters inside eye,
ones and zeros are dimensions.  Sizes start as unknowns and become equal where the expression says so.
What was inferred is returned as ordinary declarations, so that it can be shown and repeated.

>>> from symgrad.notation.grammar import parse_program
>>> [d.text() for d in infer(parse_program("x'*A*x"), {}).values()]
['x: R^n', 'A: R^{n x n}']
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence

from symgrad.errors import SymgradError
from symgrad.notation.declare import Declaration
from symgrad.notation.lower import CONSTANTS, Scope, lower
from symgrad.notation.tree import Assignment, Call, Name, names, postorder
from symgrad.operations.catalogue import find
from symgrad.tensor.dims import Size, Unification, is_unknown, letter, letters_of

GREEK = frozenset(
    [
        "alpha",
        "beta",
        "gamma",
        "delta",
        "epsilon",
        "zeta",
        "eta",
        "theta",
        "iota",
        "kappa",
        "lambda",
        "lam",
        "mu",
        "nu",
        "xi",
        "rho",
        "sigma",
        "tau",
        "phi",
        "chi",
        "psi",
        "omega",
    ]
)
LETTERS = ("m", "n", "p", "k", "q", "r", "s", "t", "u", "v", "w")


def infer(
    program: Sequence[Assignment], declared: Mapping[str, Declaration], text: str | None = None
) -> dict[str, Declaration]:
    """Declarations for every name of the program that is neither declared nor assigned.

    Raises ShapeError where the habit of the field does not fit; its hint says what to declare.
    """
    dimensions = dimension_names(program)
    wanted = _undeclared(program, declared, dimensions)
    with Unification() as unification:
        guesses = {name: _guess(name, unification) for name in wanted}
        everything = {**declared, **guesses}
        scope = Scope.of(everything, dimensions)
        try:
            for line in program:
                view = lower(line.value, scope, text)
                if line.name is not None:
                    scope.views[line.name] = view
        except SymgradError as error:
            _advise(error, guesses)
            raise
        resolved = {n: (unification.resolve(d.rows), unification.resolve(d.columns)) for n, d in guesses.items()}
    taken = {*declared, *wanted, *dimensions, *letters_of(s for d in declared.values() for s in (d.rows, d.columns))}
    names_of = _name_unknowns([s for pair in resolved.values() for s in pair], taken)
    return {n: Declaration(n, names_of.get(r, r), names_of.get(c, c), frozenset()) for n, (r, c) in resolved.items()}


def dimension_names(program: Sequence[Assignment]) -> list[str]:
    """The names inside eye, ones, zeros, ...: dimensions, not variables."""
    found = []
    for line in program:
        for part in postorder(line.value):
            if isinstance(part, Call) and (entry := find(part.op)) is not None and entry.sizes:
                found += [n for a in part.args for n in names(a)]
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


def _guess(name: str, unification: Unification) -> Declaration:
    first = name[0]
    if first.isupper():
        return Declaration(name, unification.fresh(), unification.fresh(), frozenset())
    if name.rstrip("0123456789_") in GREEK or "GREEK" in unicodedata.name(first, ""):
        return Declaration(name, 1, 1, frozenset())
    return Declaration(name, unification.fresh(), 1, frozenset())


def _name_unknowns(sizes: list[Size], taken: set[str]) -> dict[Size, Size]:
    """Letters for the unknowns that are left: n if there is one, else m, n, p, ... in order of occurrence."""
    unknowns = list(dict.fromkeys(s for s in sizes if is_unknown(s)))
    free = [a for a in LETTERS if a not in taken] + [f"n{i}" for i in range(1, len(unknowns) + 1)]
    if len(unknowns) == 1 and "n" in free:
        return {unknowns[0]: letter("n")}
    return {u: letter(a) for u, a in zip(unknowns, free, strict=False)}


def _advise(error: SymgradError, guesses: Mapping[str, Declaration]) -> None:
    """Say what was guessed and how to settle it."""
    kinds = {name: d.kind for name, d in guesses.items()}
    said = ", ".join(f"{name} a {kind}" for name, kind in kinds.items())
    if said:
        error.message = error.message.replace("?", "size ")
        error.hint = (
            f"{error.hint + '; or ' if error.hint else ''}declare the names (undeclared, they were read as: {said})"
        )
