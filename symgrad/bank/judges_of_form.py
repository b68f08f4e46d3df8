"""Judges of shapes, structures and places: what a Jacobian looks like, where an entry stands in a flat vector.

Shapes come from the derivation with its letters, structure and diagonal from the engine at sampled points (large
fixed dimensions made small: the structure is the same), places from enumeration.

>>> from symgrad.bank.exercise import Bilingual
>>> text = Bilingual(en="", fa="")
>>> judge_flattening(FlatteningQuestion(
...     id="k", text=text, finding=(), note=None, shape=("n", "m"), order="row", printed="(i-1)*m+j")).right
True
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product
from math import prod
from typing import Any

import numpy as np

from symgrad.bank.exercise import Factor, FlatteningQuestion, JacobianForm, StructureQuestion
from symgrad.bank.judged import NOTHING_PRINTED, Judged, jacobian_matrix, program_of, right, wrong
from symgrad.derivation import Derivative, derive
from symgrad.programs import Program, program
from symgrad.tensor.dims import Size, letter
from symgrad.verification.witnesses import find_point

Array = Any
SMALL = 16  # fixed dimensions beyond this are made small, to look at a structure
SHAPES = ((2, 3), (3, 2), (3, 3), (4, 5))  # matrices that are flattened by enumeration
STRUCTURE_POINTS = ("distinct", "square") * 6
MOST_ENTRIES = 100_000  # of a Jacobian that is looked at entry by entry
CLOSE = 1e-9


def judge_structure(question: StructureQuestion) -> Judged:
    """Shape and size from the derivation, structure and diagonal from the engine at sampled points."""
    source, form = program_of(question.problem), question.printed
    derivative = derive(source, question.of, question.wrt, layout=question.layout)
    if form is None:
        return NOTHING_PRINTED
    shape = derivative.tensor_shape if derivative.arrangement.is_tensor else derivative.shape
    faults = list(_wrong_form(form, shape, derivative))
    if faults:
        return Judged(False, tuple(finding for finding, _ in faults), "\n".join(detail for _, detail in faults))
    return right(f"{' x '.join(map(str, shape))}, as printed")


def _wrong_form(form: JacobianForm, shape: tuple[Size, ...], derivative: Derivative) -> Iterator[tuple[str, str]]:
    if [str(s) for s in form.shape] != [str(s) for s in shape]:
        yield "wrong shape", f"{_by(form.shape)} is printed, the derivative is {_by(shape)}"
    if form.size is not None:
        numbers = [s for s in shape if isinstance(s, int)]
        size = prod(numbers) if len(numbers) == len(shape) else None
        if size != form.size:
            yield "wrong size", f"{form.size} entries are printed, there are {size or _by(shape)}"
    if form.structure is not None:
        yield from _wrong_structure(form, _jacobians(derivative))


def _by(shape: Sequence[object]) -> str:
    return " x ".join(map(str, shape))


def _wrong_structure(form: JacobianForm, found: list[Array]) -> Iterator[tuple[str, str]]:
    structure = _structure_of(found)
    if structure != form.structure:
        yield "wrong structure", f"{form.structure} is printed, the derivative is {structure}"
    elif form.diagonal is not None:
        met = sorted({round(float(v), 9) + 0.0 for matrix in found for v in np.diag(matrix)})
        if len(met) != len(form.diagonal) or not np.allclose(met, sorted(form.diagonal), atol=CLOSE):
            yield "wrong diagonal", f"{list(form.diagonal)} is printed, on the diagonal occur {met[:6]}"


def _structure_of(found: list[Array]) -> str:
    if all(not matrix.any() for matrix in found):
        return "zero"
    square = all(matrix.shape[0] == matrix.shape[1] for matrix in found)
    return "diagonal" if square and all(not (m - np.diag(np.diag(m))).any() for m in found) else "dense"


def _jacobians(derivative: Derivative) -> list[Array]:
    """The Jacobian at several points as matrices, large fixed dimensions made small."""
    source = _small(derivative.program)
    found = []
    for seed, kind in enumerate(STRUCTURE_POINTS):
        point = find_point(source, kind, seed, of=derivative.of)
        found.append(jacobian_matrix(source, Factor(derivative.of, derivative.wrt[0]), point))
    return found


def filled(derivative: Derivative) -> Array | None:
    """Which entries of a Jacobian are not zero at some of the sampled points; None where it is too large to see.

    Dimensions that are letters have the sizes of the first point: places of one size can be compared.
    """
    numbers = [s for s in derivative.shape if isinstance(s, int)]
    if prod(numbers) > MOST_ENTRIES:
        return None
    source, seen = derivative.program, None
    for seed in range(len(STRUCTURE_POINTS)):
        point = find_point(source, "distinct", seed, of=derivative.of)
        found = jacobian_matrix(source, Factor(derivative.of, derivative.wrt[0]), point) != 0
        if seen is None or seen.shape == found.shape:
            seen = found if seen is None else seen | found
    return seen


def _small(source: Program) -> Program:
    """The program with dimension letters for its large fixed dimensions: its structure is the same."""

    def small(size: Size) -> Size:
        return letter(f"size{size}") if isinstance(size, int) and size > SMALL else size

    declared = {n: replace(d, rows=small(d.rows), columns=small(d.columns)) for n, d in source.declared.items()}
    return replace(source, declared=declared, where=declared)


# --- flattening by enumeration ----------------------------------------------------------------


def judge_flattening(question: FlatteningQuestion) -> Judged:
    """The index formula against the places that enumeration gives, for several shapes."""
    if question.printed is None:
        return NOTHING_PRINTED
    n, m = question.shape
    formula = program(question.printed, ", ".join(dict.fromkeys(("i", "j", n, m))) + ": R")
    for rows, columns in SHAPES:
        fault = _misplaced(formula, question, {n: rows, m: columns})
        if fault is not None:
            return wrong("wrong index formula", fault)
    return right("it gives every entry its place, by enumeration")


def _misplaced(formula: Program, question: FlatteningQuestion, shape: Mapping[str, int]) -> str | None:
    """The first entry that the formula puts in the wrong place."""
    rows, columns = (shape[a] for a in question.shape)
    entries = [(i, j) for i, j in product(range(1, rows + 1), range(1, columns + 1))]
    if question.order == "column":
        entries.sort(key=lambda entry: entry[::-1])
    for place, (i, j) in enumerate(entries, start=1):
        said = float(formula.forward(**{"i": i, "j": j, **shape}))
        if said != place:
            where = ", ".join(f"{a} = {size}" for a, size in shape.items())
            turn = f"number {place} of the {question.order}s in turn"
            return f"at {where}: entry {i}, {j} is {turn}, the formula says {said:g}"
    return None
