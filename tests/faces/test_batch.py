"""`symgrad batch`: one result a line, in order; a bad request harms no other."""

from __future__ import annotations

import json

from click.testing import CliRunner

from symgrad.faces.batch import answered
from symgrad.faces.cli import commands

GOOD = '{"id": "a", "expression": "x\'*A*x", "wrt": "x", "where": "x: R^n; A: R^{n x n}", "layout": "numerator"}'


def run(*lines: str) -> tuple[int, list[dict]]:
    result = CliRunner().invoke(commands, ["batch"], input="\n".join(lines) + "\n")
    return result.exit_code, [json.loads(line) for line in result.output.splitlines()]


def test_derivatives_in_order() -> None:
    status, found = run(GOOD, "", '{"expression": "sum(exp(x))", "wrt": ["x", "x"]}')
    assert status == 0
    assert [f["text"] for f in found] == ["x'*(A + A')", "diag(exp(x))"]
    assert found[0]["id"] == "a" and "id" not in found[1]


def test_a_wrong_answer_is_status_1() -> None:
    status, found = run('{"expression": "x\'*x", "wrt": "x", "answer": "x"}')
    assert status == 1 and found[0]["correct"] is False


def test_bad_requests_answer_for_themselves() -> None:
    status, found = run(
        "not json",
        "[1, 2]",
        '{"expression": "x*x", "wrt": "x", "where": "x: R^n"}',
        '{"expression": "x\'*x"}',
        '{"expression": "x\'*x", "wrt": "x", "layuot": "gradient"}',
        '{"expression": 3, "wrt": "x"}',
        '{"expression": "x\'*x", "wrt": 3}',
        "[" * 100_000,
        GOOD,
    )
    assert status == 2
    assert all("error" in f for f in found[:-1]) and found[-1]["id"] == "a" and "text" in found[-1]
    assert "layout" in found[4]["error"]["hint"]


def test_an_endless_line_is_refused_and_the_next_is_read() -> None:
    status, found = run('{"expression": "' + "x" * 2_000_000 + '", "wrt": "x"}', GOOD)
    assert status == 2 and "characters" in found[0]["error"]["message"] and len(found) == 2
    assert found[1]["text"] == "x'*(A + A')"


def test_steps_come_on_request() -> None:
    assert answered('{"expression": "a\'*x", "wrt": "x", "steps": "index"}')["steps"][0]["rule"]
