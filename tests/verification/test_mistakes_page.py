"""The page of mistakes is what the records say."""

from __future__ import annotations

from pathlib import Path

from symgrad.verification.mistakes import MISTAKES
from symgrad.verification.mistakes_page import page

PAGE = Path(__file__).parents[2] / "docs" / "mistakes.md"


def test_the_page_is_current():
    assert PAGE.read_text(encoding="utf-8") == page(), "write page() of symgrad.verification.mistakes_page to docs/"


def test_every_record_stands_on_the_page_once():
    assert all(page().count(f"### `{id}`") == 1 for id in MISTAKES)
