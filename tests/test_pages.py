"""README.md and docs/*.md: what a reader copies from a page works as it stands there."""

from __future__ import annotations

import doctest
import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from symgrad.faces import cli

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def commands() -> list[tuple[str, str, str]]:
    """Every command of a page whose output is shown there; the command line's page has a test of its own."""
    return [
        (page.name, command, output)
        for page in PAGES
        if page.name != "command-line.md"
        for block in re.findall(r"```console\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
        for command, output in re.findall(r"^\$ symgrad (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE)
    ]


@pytest.mark.parametrize(("page", "command", "output"), commands())
def test_commands(page: str, command: str, output: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("exercises", "examples"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.chdir(tmp_path)
    found = CliRunner().invoke(cli.commands, shlex.split(command)).output
    assert doctest.OutputChecker().check_output(output, found, OPTIONS), found


SESSIONS = [p for p in PAGES[1:] if ">>>" in p.read_text(encoding="utf-8")]  # pytest runs those of README.md itself


@pytest.mark.parametrize("page", SESSIONS, ids=lambda p: p.name)
def test_sessions(page: Path) -> None:
    found = doctest.testfile(str(page), module_relative=False, optionflags=doctest.ELLIPSIS, encoding="utf-8")
    assert found.attempted and not found.failed


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_the_snippets_on_evaluation_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One after another, as they are read; those for JAX and for several processes are left out."""
    page = (ROOT / "docs/evaluation.md").read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    count = 0
    for snippet in re.findall(r"```python\n(.*?)```", page, re.DOTALL):
        if not re.search(r"import jax|ProcessPool|^def derivative", snippet, re.MULTILINE):
            exec(compile(snippet, "evaluation.md", "exec"), names)
            count += 1
    assert count >= 3
