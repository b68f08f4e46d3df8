"""docs/training.md runs as it is printed."""

import doctest
from pathlib import Path

from symgrad.training.rules import RULES

PAGE = Path(__file__).parents[2] / "docs" / "training.md"


def test_the_page_runs():
    found = doctest.testfile(str(PAGE), module_relative=False)
    assert found.attempted > 10 and found.failed == 0


def test_the_page_names_every_rule_with_its_state_and_settings():
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    for name, rule in RULES.items():
        row = next(r for r in rows if r.startswith(f"| `{name}`"))
        assert all(f"`{s}`" in row for s in rule.state)
        assert all(f"`{n} = {v:g}`" in row for n, v in rule.settings.items())
