"""`symgrad EXPR VAR` and `python -m symgrad`."""

from __future__ import annotations

import subprocess
import sys

from click.testing import CliRunner

from symgrad.faces import cli


def _run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(cli.commands, arguments)
    return result.exit_code, result.output


def test_an_expression_and_a_variable_are_derived() -> None:
    long = _run("derive", "x'*A*x", "--wrt", "x", "--layout", "numerator")
    assert long[0] == 0 and "x'*(A + A')" in long[1]
    assert _run("x'*A*x", "x", "--layout", "numerator") == long


def test_a_mistyped_command_is_not_an_expression() -> None:
    status, said = _run("dervie", "x", "--wrt", "x")
    assert status == 2 and "derive" in said
    status, said = _run("derrive", "x")
    assert status == 2 and "derive" in said


def test_as_a_module() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "symgrad", "s^3", "s", "--where", "s: R"], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[0] == "d/ds = 3*s^2"


def test_an_expression_may_begin_with_a_minus() -> None:
    where = ("--where", "x, y: R^n positive")
    for line in (
        ("derive", "-y'*log(x)", "--wrt", "x", *where),
        ("derive", "--wrt", "x", *where, "-y'*log(x)"),
        ("derive", "--wrt", "x", *where, "--", "-y'*log(x)"),
        ("-y'*log(x)", "x", *where),
    ):
        status, said = _run(*line)
        assert status == 0 and said.startswith("d/dx = -y ./ x"), line
    assert _run("check", "-x'*x", "--wrt", "x", "--answer", "-2*x", "--where", "x: R^n")[0] == 0
    status, drawn = _run("graph", "-x*y", "--where", "x, y: R")
    assert status == 0 and "<svg" in drawn


def test_a_mistyped_option_is_not_an_expression() -> None:
    status, said = _run("derive", "x'*x", "-wrt", "x")
    assert status == 2 and "No such option" in said
