"""Our derivative is the one that the book prints: as an expression, and in numbers at two kinds of sizes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from identities import IDENTITIES, Identity
from reference import array_of, arrays, letters_at, matrix_of

from symgrad.certificate import same
from symgrad.derivation import Derivative, derivative
from symgrad.programs import program
from symgrad.tensor.build import permuted
from symgrad.tensor.view import View

each = pytest.mark.parametrize("identity", IDENTITIES, ids=lambda i: f"{i.source}: {i.expression} by {i.wrt}")


def derived(identity: Identity, **options: Any) -> Derivative:
    names = identity.wrt.split()
    return derivative(
        identity.expression,
        names if len(names) > 1 else names[0],
        where=identity.where,
        layout=identity.layout,
        structure=identity.structure,
    )


def printed(identity: Identity) -> View:
    """The book's answer, lowered."""
    return program(identity.derivative, identity.where).views["result"]


def arranged(result: Derivative) -> View:
    rows, columns = result.arrangement.rows, result.arrangement.columns
    assert rows is not None and columns is not None
    return View(permuted(result.node, (*rows, *columns)), len(rows))


@each
def test_is_the_printed_derivative(identity: Identity) -> None:
    ours = derived(identity)
    assert same(printed(identity), arranged(ours)), f"ours: {ours}, the book's: {identity.derivative}"


@each
@pytest.mark.parametrize("kind", ["distinct", "square"])
def test_has_the_printed_numbers(identity: Identity, kind: str) -> None:
    source = program(identity.expression, identity.where)
    letters = letters_at(source, kind)
    if kind == "distinct" and "m" in letters:
        letters["m"] = max(letters.values()) + 1  # tall, so that X'X is invertible
    values = arrays(source, letters, identity.domain, seed=2)
    book = matrix_of(printed(identity), values, letters)
    ours = matrix_of(arranged(derived(identity)), values, letters)
    np.testing.assert_allclose(ours, book, rtol=1e-9, atol=1e-9 * (1 + np.abs(book).max()))


@each
def test_is_in_matrix_notation(identity: Identity) -> None:
    assert derived(identity).matrix_form


def test_a_wrong_answer_would_be_noticed() -> None:
    right = printed(Identity("", "", "", "(A + A')*x", "x: R^n; A: R^{n x n}"))
    wrong = printed(Identity("", "", "", "2*A*x", "x: R^n; A: R^{n x n}"))
    assert not same(right, wrong)


def test_there_are_enough_of_them() -> None:
    assert len(IDENTITIES) >= 60
    assert len({(i.expression, i.wrt, i.where, i.layout) for i in IDENTITIES}) > 100
    assert array_of(printed(Identity("", "", "", "2", "x: R")).node, {}, {}) == 2
