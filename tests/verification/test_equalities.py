"""sg.equal on tables written before it saw them: identities are proved, falsehoods refuted with a witness."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from symgrad.verification.equal import equal

HERE = Path(__file__).parent
SPACES = {
    "A B C X": "R^{n x n}", "F J": "R^{m x n}", "G": "R^{n x p}", "H": "R^{p x q}", "U V": "R^{n x k}",
    "W": "R^{k x k}", "M N": "R^{m x m}", "x y z u v": "R^n", "b c": "R^m", "s t r": "R", "g h": "R positive",
    "a d": "R^n positive", "S T": "R^{n x n} symmetric", "K": "R^{n x n} skew", "P": "R^{n x n} spd",
    "Q Z": "R^{n x n} orthogonal", "D E": "R^{n x n} diagonal", "L": "R^{n x n} lower", "Y": "R^{n x n} upper",
    "o": "R^n onehot", "w": "R^n simplex",
}  # fmt: skip
NAMES = {name: space for names, space in SPACES.items() for name in names.split()}
Line = tuple[str, str, dict[str, str]]


def declared(text: str, more: str) -> dict[str, str]:
    own = {}
    for part in filter(str.strip, more.split(";")):
        names, space = part.split(":", 1)
        own |= {name.strip(): space.strip() for name in names.split(",")}
    return {n: NAMES[n] for n in re.findall(r"[A-Za-z]\w*", text) if n in NAMES} | own


def read(name: str) -> dict[str, list[Line]]:
    families: dict[str, list[Line]] = {}
    for line in (HERE / name).read_text(encoding="utf-8").splitlines():
        if line.startswith("=="):
            families[line[2:].strip()] = []
        elif line and not line.startswith("#"):
            body, _, more = line.partition(" | ")
            left, right = body.split(" <=> ")
            families[list(families)[-1]].append((left, right, declared(body, more)))
    return families


IDENTITIES, FALSEHOODS = read("identities.txt"), read("falsehoods.txt")
UNPROVED, PARTIAL = IDENTITIES.pop("not proved"), IDENTITIES.pop("only where both sides have a value")


def answers(lines: list[Line]) -> Iterator[tuple[str, object]]:
    for left, right, where in lines:
        yield f"{left} <=> {right}", equal(left, right, where)


def test_the_tables_are_long() -> None:
    assert sum(map(len, IDENTITIES.values())) > 500 and sum(map(len, FALSEHOODS.values())) > 300


@pytest.mark.parametrize("family", IDENTITIES)
def test_identities_are_proved(family: str) -> None:
    missed = [f"{line}: {found}" for line, found in answers(IDENTITIES[family]) if not found.proved]
    assert not missed, "\n".join(missed)


@pytest.mark.parametrize("family", FALSEHOODS)
def test_falsehoods_are_refuted_with_a_witness(family: str) -> None:
    missed = [f"{line}: {found}" for line, found in answers(FALSEHOODS[family]) if not found.refuted]
    assert not missed, "\n".join(missed)
    for line, found in answers(FALSEHOODS[family][:5]):
        assert found.witness is not None and found.witness.answer != found.witness.expected, line
        assert not np.isnan([found.witness.answer, found.witness.expected]).any(), line


def test_what_is_not_proved_is_not_refuted_either() -> None:
    for line, found in answers(UNPROVED):
        assert not found.proved and not found.refuted and len(found.sizes) >= 3 and "agreed" in str(found), line


def test_what_holds_only_where_both_sides_have_values_is_not_called_proved() -> None:
    for line, found in answers(PARTIAL):
        assert not found.proved and not found.refuted and found.undefined is not None, f"{line}: {found}"
        assert np.isnan([found.undefined.answer, found.undefined.expected]).sum() == 1, line
