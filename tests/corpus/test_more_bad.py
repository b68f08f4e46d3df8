"""Inputs that must be refused: what the message says, that it has a place, and that the work is bounded."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from symgrad.derivation import derivative
from symgrad.errors import LimitError, SymgradError
from symgrad.faces.cli import commands

HERE = Path(__file__).parent
BAD = [json.loads(line) for line in (HERE / "more_bad_inputs.jsonl").read_text(encoding="utf-8").splitlines()]
USUAL = {"x": "R^n", "y": "R^m", "A": "R^{n x n}", "B": "R^{m x n}", "s": "R", "r": "R^{1 x n}", "z": "R^n"}
EACH = pytest.mark.parametrize("case", BAD, ids=lambda case: case["id"])
SECONDS = 8  # of processor time, on a busy machine


def declared(case: dict[str, Any]) -> dict[str, str]:
    """`usual`, or declarations of its own; there must be one of these in every case."""
    return USUAL if case["vars"] == "usual" else case["vars"]


@EACH
def test_it_is_refused_with_what_is_wrong(case: dict[str, Any]) -> None:
    """One of the words in `says` is in the message, and a text that is at fault is shown with the place."""
    with pytest.raises(SymgradError) as caught:
        derivative(case["expr"], case["wrt"], where=declared(case))
    said = str(caught.value)
    assert not case.get("says") or any(word in said for word in case["says"]), said
    if case["kind"] not in ("bad-declaration", "unknown-symbol"):  # those may be of the other texts
        assert caught.value.column is not None, said


@pytest.mark.parametrize("case", BAD[::7], ids=lambda case: case["id"])
def test_the_command_ends_with_status_2_and_no_traceback(case: dict[str, Any]) -> None:
    where = "; ".join(f"{name}: {space}" for name, space in declared(case).items())
    wrt = case["wrt"] if isinstance(case["wrt"], str) else ",".join(case["wrt"])
    run = CliRunner().invoke(commands, ["derive", "--wrt", wrt, "--where", where, "--", case["expr"]])
    assert run.exit_code == 2
    assert run.exception is None or isinstance(run.exception, SystemExit)
    assert "Traceback" not in run.output


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("layout", "nominator"),
        ("layout", None),
        ("vec", "col"),
        ("structure", 3),
        ("of", "L"),
        ("where", [("x", "R^n")]),
    ],
)
def test_an_option_that_does_not_exist(option: str, value: Any) -> None:
    with pytest.raises(SymgradError):
        derivative("x'*A*x", "x", **{"where": USUAL, option: value})


@pytest.mark.parametrize("expression", [None, 5, b"x", ["x"], ("x",)])
@pytest.mark.parametrize("wrt", ["x", None, 5, [None]])
def test_what_is_no_text(expression: Any, wrt: Any) -> None:
    with pytest.raises(SymgradError):
        derivative(expression, wrt, where=USUAL)


# --- bounded work ------------------------------------------------------------------------------------

DOUBLED = "; ".join(["h0 = A", *(f"h{i} = kron(h{i - 1}, h{i - 1})" for i in range(1, 40)), "sum(h39)"])
HOSTILE = {
    "parentheses": "(" * 50_000 + "x" + ")" * 49_000,
    "open parentheses": "(" * 100_000,
    "brackets": "[" * 100_000,
    "signs": "-" * 99_000 + "x",
    "braces": "{" * 50_000 + "x" + "}" * 49_000,
    "fractions": r"\frac{" * 1000 + "s" + "}{2}" * 1000,
    "a million characters": "+".join(["x'*x"] * 200_000),
    "many factors": "*".join(["A"] * 2000),
    "doubled by every line": DOUBLED,
    "a number": "1" * 90_000 + "*x",
    "a tower of powers": "2^(9^(9^(9^9)))*x",
    "bars": "|x" * 25_000,
    "arguments": "max(" + "x," * 30_000 + "x)",
    "a dimension": "ones(99999999999999999999)*s",
    "a lone surrogate": "x'*A*x\ud800",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_input_is_refused_in_bounded_time(text: str) -> None:
    start = time.process_time()
    with pytest.raises(SymgradError) as caught:
        print(derivative(text, "A" if "A" in text else "s" if "s" in text else "x", where=USUAL))
    assert time.process_time() - start < SECONDS
    assert len(str(caught.value)) < 2000
    if text.startswith("A*A"):
        assert isinstance(caught.value, LimitError)
        assert "powers, A^n" in str(caught.value)
