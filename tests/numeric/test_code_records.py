"""Every record of the catalogue, its value and derivatives, by the program that runs beside the interpreter.

The interpreter takes values from the records' functions, the program from their templates: sizes in a template stay
whole numbers, precision stays what it was, and shapes of length 1 are no special case.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from reference import letters_at

from symgrad.derivation import derivative
from symgrad.errors import ShapeError
from symgrad.evaluation import inputs_of
from symgrad.notation.grammar import parse
from symgrad.notation.tree import names
from symgrad.numeric.code import compile_numpy
from symgrad.numeric.evaluate import evaluate
from symgrad.numeric.sample import sample
from symgrad.operations.catalogue import records
from symgrad.operations.record import Operation
from symgrad.programs import Program, program

SPACES = {"x": "R^n", "y": "R^n", "s": "R", "A": "R^{m x n}", "B": "R^{p x q}", "X": "R^{m x n}", "E": "R^{n x n}"}
RECORDS = [r for r in records() if not r.sizes]


def example(entry: Operation) -> Program:
    """The example, within something that makes the program scale, add and reuse what the record gives."""
    used = {name: SPACES[name] for name in names(parse(entry.example))}
    text = f"F = {entry.example}; G = 2*F + F"
    try:
        found = program(text, used)
        assert found.views
        return found
    except ShapeError:
        return program(text, {**used, "X": "R^{n x n}"})


def sized(made: Program, size: int) -> dict[str, int]:
    """All letters alike, or (0) all different, as long as every axis has an entry."""
    letters = letters_at(made, "distinct" if size == 0 else "square")
    return letters if size == 0 else dict.fromkeys(letters, size)


@pytest.mark.parametrize("entry", RECORDS, ids=lambda r: r.name)
@pytest.mark.parametrize("size", [0, 1, 2, 5])
def test_the_program_is_the_interpreter(entry: Operation, size: int) -> None:
    made = example(entry)
    letters = sized(made, size)
    rng = np.random.default_rng(11 + size)
    values = {}
    for name, declared in made.declared.items():
        domain = "real" if declared.kind != "matrix" and entry.domain in ("invertible", "spd") else entry.domain
        values[name] = sample(declared, letters, rng, domain)
    wanted = [made.views["G"].node]
    results = [derivative(made, name, layout="tensor") for name in made.declared]
    wanted += [D.node for D in results]
    arguments = list(inputs_of(results[0]).values())
    for node in wanted:
        _compare(node, arguments, values, letters)


def _compare(node: Any, arguments: Any, values: dict[str, Any], letters: dict[str, int]) -> None:
    code = compile_numpy(node, arguments)
    flat = {n: v.reshape(_axes(n, arguments, letters)) for n, v in values.items()}
    expected = evaluate([node], flat, letters)[0]
    scale = max(1.0, float(np.max(np.abs(expected), initial=0)))
    free = {a: letters[a] for a in code.free}
    for kind, tolerance in ((np.float64, 1e-9), (np.float32, 2e-3)):
        given = {n: np.asarray(v, kind) for n, v in values.items()}
        for _ in range(2):
            found = code(**given, **free)
            assert found.dtype == kind
            np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance * scale)


def _axes(name: str, arguments: Any, letters: dict[str, int]) -> list[int]:
    shape = next(a.shape for a in arguments if a.name == name)
    return [s if isinstance(s, int) else letters[str(s)] for s in shape]
