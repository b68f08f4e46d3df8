"""The records: complete in both languages, families that exist, an order from specific to general."""

from __future__ import annotations

import pytest

from symgrad.bank.exercise import FINDINGS
from symgrad.verification.mistakes import MISTAKES, families, generality


def test_every_finding_of_the_bank_has_a_record():
    assert set(FINDINGS) <= set(MISTAKES)


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=list(MISTAKES))
def test_records_speak_both_languages(mistake):
    for sentence in (mistake.title, mistake.explanation, mistake.again):
        assert sentence.en.isascii() and sentence.en
        assert any("\u0600" <= c <= "\u06ff" for c in sentence.fa)


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=list(MISTAKES))
def test_a_family_is_a_record_of_its_own(mistake):
    assert MISTAKES[mistake.family].family == mistake.family


def test_ids_are_those_of_the_records():
    assert all(mistake.id == id for id, mistake in MISTAKES.items())


def test_what_is_reported_are_families_the_specific_one_first():
    assert families(("one sign", "slope in part", "missing chain factor")) == ("sign", "missing chain factor")
    assert generality("missing mask") < generality("dropped term") < generality("off by constant")
