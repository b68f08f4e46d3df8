"""docs/command-line.md: every option is there, and every output shown is the real one."""

from __future__ import annotations

import doctest
import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from symgrad.faces import cli

ROOT = Path(__file__).parents[2]


def console_blocks() -> list[tuple[str, str]]:
    """Every command of the page, with the output that is shown for it."""
    page = (ROOT / "docs/command-line.md").read_text(encoding="utf-8")
    found = []
    for block in re.findall(r"```console\n(.*?)```", page, re.DOTALL):
        for command, output in re.findall(r"^\$ symgrad (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE):
            found.append((command, output))
    return found


@pytest.mark.parametrize(("command", "output"), console_blocks())
def test_documented_output_is_real(
    command: str, output: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "exercises").symlink_to(ROOT / "exercises")
    monkeypatch.chdir(tmp_path)
    found = CliRunner().invoke(cli.commands, shlex.split(command)).output
    assert doctest.OutputChecker().check_output(output, found, doctest.ELLIPSIS | doctest.DONT_ACCEPT_BLANKLINE), found


def test_every_option_is_documented() -> None:
    page = (ROOT / "docs/command-line.md").read_text(encoding="utf-8")
    for command in cli.commands.commands.values():
        for parameter in command.params:
            assert parameter.param_type_name == "argument" or max(parameter.opts, key=len) in page
