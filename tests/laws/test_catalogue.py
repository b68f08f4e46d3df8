"""What is true of every record of the catalogue, checked on its own example."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import pytest
from reference import array_of, arrays, assert_agrees, derivative_array, differences, letters_at, matrix_of, value_of

from symgrad.derivation import Derivative, derivative
from symgrad.errors import ShapeError
from symgrad.notation.grammar import parse
from symgrad.notation.latex import latex
from symgrad.notation.text import text
from symgrad.notation.tree import Call, Name, Number, names, same
from symgrad.numeric.difference import central_jacobian, complex_step_jacobian
from symgrad.numeric.sample import sample
from symgrad.operations.catalogue import find, function_names, latex_templates, record, records, register
from symgrad.operations.record import Elementwise, Operation
from symgrad.programs import Program, program

SPACES = {"x": "R^n", "y": "R^n", "s": "R", "A": "R^{m x n}", "B": "R^{p x q}", "X": "R^{m x n}", "E": "R^{n x n}"}
RECORDS = list(records())
WITH_ARRAYS = [r for r in RECORDS if not r.sizes]
SIZES = ["distinct", "square"]

each = pytest.mark.parametrize("entry", RECORDS, ids=lambda r: r.name)
each_of_arrays = pytest.mark.parametrize("entry", WITH_ARRAYS, ids=lambda r: r.name)
each_size = pytest.mark.parametrize("kind", SIZES)


@lru_cache
def example(entry: Operation) -> Program:
    """The record's example with its names declared; X is rectangular where the operation takes that."""
    if entry.sizes:
        return program(entry.example, {"x": "R^n", "A": "R^{m x n}"})
    used = {name: SPACES[name] for name in names(parse(entry.example))}
    try:
        found = program(entry.example, used)
        assert found.views
        return found
    except ShapeError:
        return program(entry.example, {**used, "X": "R^{n x n}"})


@lru_cache
def derived(entry: Operation, *wrt: str) -> Derivative:
    return derivative(example(entry), list(wrt), layout="tensor")


def point(entry: Operation, kind: str) -> tuple[dict[str, Any], dict[str, int]]:
    letters = letters_at(example(entry), kind)
    return arrays(example(entry), letters, entry.domain, seed=7), letters


# --- the numeric side ---------------------------------------------------------------------------


def arguments(entry: Operation, kind: str) -> list[Any]:
    """The arguments of the example as the record takes them: arrays of two axes."""
    tree = parse(entry.example)
    assert isinstance(tree, Call)
    letters = letters_at(example(entry), kind)
    rng = np.random.default_rng(3)
    found = []
    for part in tree.args:
        if isinstance(part, Number):
            found.append(np.array([[float(part.value)]]))
        else:
            assert isinstance(part, Name)
            declared = example(entry).declared[part.name]
            domain = "real" if declared.kind != "matrix" and entry.domain in ("invertible", "spd") else entry.domain
            value = sample(declared, letters, rng, domain)
            found.append(value.reshape(value.shape if value.ndim == 2 else (-1, 1)))
    return found


def pulled_back(entry: Operation, args: list[Any]) -> tuple[Any, tuple[Any, ...]]:
    output = entry.value(*args)
    cotangent = np.random.default_rng(5).normal(size=output.shape)
    return cotangent, entry.pullback(cotangent, output, *args)


@each_of_arrays
@each_size
def test_pullback_against_central_differences(entry: Operation, kind: str) -> None:
    args = arguments(entry, kind)
    cotangent, back = pulled_back(entry, args)
    for slot, argument in enumerate(args):
        estimate = central_jacobian(lambda v, at=slot: _pairing(entry, cotangent, args, at, v), argument)
        assert_agrees(np.asarray(back[slot]), estimate, f"{entry.name}, argument {slot}")


def _pairing(entry: Operation, cotangent: Any, args: list[Any], slot: int, value: Any) -> Any:
    return (cotangent * entry.value(*args[:slot], value, *args[slot + 1 :])).sum()


@pytest.mark.parametrize("entry", [r for r in WITH_ARRAYS if r.analytic], ids=lambda r: r.name)
@each_size
def test_pullback_against_the_complex_step(entry: Operation, kind: str) -> None:
    args = arguments(entry, kind)
    cotangent, back = pulled_back(entry, args)
    for slot, argument in enumerate(args):
        exact = complex_step_jacobian(lambda v, at=slot: _pairing(entry, cotangent, args, at, v), argument)
        np.testing.assert_allclose(back[slot], exact, rtol=1e-9, atol=1e-11)


@each_of_arrays
@each_size
def test_tangent_and_cotangent_pair_alike(entry: Operation, kind: str) -> None:
    """<ybar, J xdot> = <J' ybar, xdot>, J xdot by the symbolic derivative and J' ybar by the numeric pullback."""
    args = arguments(entry, kind)
    cotangent, back = pulled_back(entry, args)
    tree = parse(entry.example)
    values = {p.name: a.reshape(_shape(entry, p.name, a)) for p, a in zip(tree.args, args) if isinstance(p, Name)}
    letters = letters_at(example(entry), kind)
    rng = np.random.default_rng(11)
    pushed, pulled = 0.0, 0.0
    for part, sent in zip(tree.args, back):
        if isinstance(part, Name):
            tangent = rng.normal(size=values[part.name].shape)
            jacobian = derivative_array(derived(entry, part.name), values, letters)
            moved = np.tensordot(jacobian, tangent, tangent.ndim)
            pushed += (moved.reshape(cotangent.shape) * cotangent).sum()
            pulled += (sent.reshape(tangent.shape) * tangent).sum()
    np.testing.assert_allclose(pushed, pulled, rtol=1e-9, atol=1e-11)


def _shape(entry: Operation, name: str, array: Any) -> tuple[int, ...]:
    kind = example(entry).declared[name].kind
    return () if kind == "scalar" else (array.size,) if kind == "column" else array.shape


# --- the symbolic side --------------------------------------------------------------------------


@each
@each_size
def test_value_of_the_graph_is_the_value_of_the_record(entry: Operation, kind: str) -> None:
    values, letters = point(entry, kind)
    view = example(entry).views["result"]
    by_graph = matrix_of(view, values, letters)
    by_gates = np.asarray(value_of(example(entry), values))
    np.testing.assert_allclose(by_graph, by_gates.reshape(by_graph.shape), rtol=1e-12, atol=1e-13)


@each
@each_size
def test_first_derivative_against_differences(entry: Operation, kind: str) -> None:
    values, letters = point(entry, kind)
    for name in example(entry).declared:
        found = derivative_array(derived(entry, name), values, letters)
        estimate = differences(lambda v: value_of(example(entry), v), values, name)
        assert_agrees(found, estimate, f"d {entry.example} / d {name}")


@each_of_arrays
@each_size
def test_second_derivative_against_differences_of_the_first(entry: Operation, kind: str) -> None:
    values, letters = point(entry, kind)
    for first in example(entry).declared:
        for second in example(entry).declared:
            found = derivative_array(derived(entry, first, second), values, letters)
            estimate = differences(lambda v, by=first: derivative_array(derived(entry, by), v, letters), values, second)
            assert_agrees(found, estimate, f"d2 {entry.example} / d {first} d {second}")


@each
def test_answer_reads_back_as_itself(entry: Operation) -> None:
    for name in example(entry).declared:
        result = derivative(example(entry), name)
        if result.tree is None:
            continue
        values, letters = point(entry, "distinct")
        back = program(str(result), dict(example(entry).declared))
        rows, columns = result.arrangement.rows, result.arrangement.columns
        assert rows is not None and columns is not None
        wanted = array_of(result.node, values, letters).transpose(*rows, *columns)
        found = matrix_of(back.views["result"], values, letters)
        np.testing.assert_allclose(found, wanted.reshape(found.shape), rtol=1e-10, atol=1e-12)


# --- writing ------------------------------------------------------------------------------------


@each
def test_example_is_a_call_of_the_record(entry: Operation) -> None:
    tree = parse(entry.example)
    assert isinstance(tree, Call)
    assert len(tree.args) in entry.arity
    assert tree.op in (entry.name, entry.notation.text)


@each
def test_example_prints_and_parses(entry: Operation) -> None:
    tree = parse(entry.example)
    assert same(parse(text(tree)), tree)


@each
def test_latex_is_balanced(entry: Operation) -> None:
    for tree in (parse(entry.example), *(derivative(example(entry), v).tree for v in example(entry).declared)):
        if tree is not None:
            written = latex(tree, templates=latex_templates())
            assert balanced(written), written


def balanced(written: str) -> bool:
    r"""Braces pair up and every \left has its \right."""
    depth = 0
    for before, c in zip(" " + written, written):
        depth += (c == "{") - (c == "}") if before != "\\" else 0
        if depth < 0:
            return False
    return depth == 0 and written.count(r"\left") == written.count(r"\right")


def test_balanced_notices() -> None:
    assert not balanced("x^{a") and not balanced("}{") and not balanced(r"\left(x)") and balanced(r"\{ {x}")


# --- what a record says -------------------------------------------------------------------------


@each
def test_says_what_it_is(entry: Operation) -> None:
    assert entry.doc.strip() and entry.source.strip()
    assert entry.name.isidentifier()


@pytest.mark.parametrize(
    "entry", [r for r in RECORDS if isinstance(r, Elementwise) and r.arity == (1,)], ids=lambda r: r.name
)
def test_kinks_are_said_and_only_where_they_are(entry: Elementwise) -> None:
    if entry.domain == "positive":
        return
    step = 1e-7
    left, at, right = (entry.value(np.array([[v]])).item() for v in (-step, 0.0, step))
    bend = max(abs((right - at) - (at - left)) / step, abs(right - left))
    assert (bend > 1e-3) == (entry.kinks is not None), (
        f"{entry.name}: slopes differ by {bend} at 0, kinks = {entry.kinks}"
    )


@pytest.mark.parametrize("entry", [r for r in RECORDS if isinstance(r, Elementwise) and r.kinks], ids=lambda r: r.name)
def test_numeric_and_symbolic_take_the_same_slope_at_a_kink(entry: Elementwise) -> None:
    """At a tie (all arguments 0) the partials and the pullback choose alike, and it is a slope of one side."""
    count = 2 if 2 in entry.arity else 1
    source = (
        f"{entry.notation.text}({', '.join('st'[:count])})"
        if entry.notation.fixity == "call"
        else f"[s {entry.notation.text} t]"
    )
    where = dict.fromkeys("st"[:count], "R")
    zeros = [np.zeros((1, 1))] * count
    back = entry.pullback(np.ones((1, 1)), entry.value(*zeros), *zeros)
    for name, sent in zip(where, back):
        symbolic = array_of(derivative(source, name, where=where).node, dict.fromkeys(where, 0.0), {})
        assert symbolic == sent.item(), f"{source} by {name} at 0: {symbolic} and {sent.item()}"


def test_names_are_unique_and_found() -> None:
    for entry in RECORDS:
        for name in (entry.name, *entry.spellings):
            assert record(name) is entry
    assert len(set(function_names())) == len(function_names())
    assert find("no such function") is None


def test_a_taken_name_is_not_registered_twice() -> None:
    with pytest.raises(NameError, match="already an operation"):
        register(RECORDS[0])
