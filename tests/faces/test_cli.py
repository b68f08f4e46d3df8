"""The command line: answers, exit statuses, errors without tracebacks, bounded work on nonsense."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from symgrad import __version__
from symgrad.faces import cli, options

ROOT = Path(__file__).parents[2]
NETWORK = str(ROOT / "exercises/homework/06-two-branch-network.toml")
NEURON = str(ROOT / "exercises/backpropagation/11-sigmoid-neuron.toml")
QUADRATIC = ("x'*A*x", "--wrt", "x")


def run(*arguments: str, text: str | None = None) -> Result:
    result = CliRunner().invoke(cli.commands, arguments, input=text)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert "Traceback" not in result.output
    return result


def ran(*arguments: str) -> str:
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def refused(*arguments: str, text: str | None = None) -> str:
    result = run(*arguments, text=text)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    return result.stderr


def shell(*arguments: str, text: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own."""
    program = [sys.executable, "-c", "from symgrad.faces.cli import main; main()", *arguments]
    env = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    return subprocess.run(program, input=text, capture_output=True, text=True, env=env, timeout=60, check=False)


# --- help -----------------------------------------------------------------------------------------


def test_version_and_help() -> None:
    assert ran("--version") == f"symgrad {__version__}\n"
    for command in cli.commands.commands:
        assert f"symgrad {command}" in ran(command, "--help")  # an example
        assert command in ran("--help")


def test_help_is_light() -> None:
    heavy = "sorted({m.partition('.')[0] for m in sys.modules} & {'numpy', 'scipy', 'sympy', 'rich'})"
    call = "commands(['--help'], standalone_mode=False)"
    code = f"import sys; from symgrad.faces.cli import commands; {call}; print({heavy})"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert found.stdout.endswith("[]\n")


def test_the_commands() -> None:
    assert sorted(cli.commands.commands) == ["batch", "check", "derive", "grade", "graph", "key", "serve", "verify"]
    assert "No such command 'server'" in refused("server")


# --- derive ---------------------------------------------------------------------------------------


def test_answer_and_how_it_is_to_be_read() -> None:
    lines = ran("derive", *QUADRATIC).splitlines()
    assert lines[0] == "d/dx = (A + A')*x"
    assert "  mixed layout, n x 1" in lines
    assert "  assumed: x: R^n; A: R^{n x n}" in lines


def test_declared_shapes_are_not_assumed() -> None:
    assert "assumed" not in ran("derive", *QUADRATIC, "--where", "x: R^n", "--where", "A: R^{n x n}")


def test_layouts() -> None:
    assert "d/dx = x'*(A + A')\n  numerator layout, 1 x n" in ran("derive", *QUADRATIC, "--layout", "numerator")
    columns, rows = (ran("derive", "A*X*B", "--wrt", "X", "--vec", v) for v in ("column", "row"))
    assert "kron(B', A)" in columns and "columns stacked" in columns
    assert "kron(A, B')" in rows and "rows stacked" in rows


@pytest.mark.parametrize("names", [("--wrt", "x,x"), ("--wrt", "x", "--wrt", "x"), ("--wrt", " x , x ")])
def test_second_order(names: tuple[str, ...]) -> None:
    assert ran("derive", "x'*A*x", *names).startswith("d^2/dx dx = A + A'\n")


def test_program_and_its_names() -> None:
    text = "h = tanh(W*x); L = h'*h"
    assert ran("derive", text, "--wrt", "h").startswith("dL/dh = 2*h\n")
    assert ran("derive", text, "--wrt", "x", "--of", "h").startswith("dh/dx = ")


def test_zero_says_why() -> None:
    assert "zero, because y does not occur" in ran("derive", "x'*x", "--wrt", "y", "--where", "x: R^n; y: R^m")


def test_notes_say_how_it_was_read() -> None:
    said = ran("derive", "Ax", "--wrt", "x", "--where", "A: R^{m x n}; x: R^n")
    assert said.startswith("d/dx = A\n") and "A*x" in said


def test_input_from_a_file_and_from_a_pipe(tmp_path: Path) -> None:
    (tmp_path / "f.txt").write_text("\ufeffq = x + y\nf = q*z\n", encoding="utf-8")
    scalars = ("--where", "x, y, z: R")
    assert ran("derive", f"@{tmp_path / 'f.txt'}", "--wrt", "z", *scalars).startswith("df/dz = q\n")
    piped = run("derive", "-", "--wrt", "x", text="x'*x")
    assert piped.stdout.startswith("d/dx = 2*x\n")


def test_latex_stands_alone() -> None:
    result = run("derive", *QUADRATIC, "--to", "latex")
    assert result.stdout == "\\left(A + A^{\\top}\\right) \\mathbf{x}\n"
    assert "assumed: x: R^n" in result.stderr


def test_numpy_source_computes_the_derivative() -> None:
    import numpy as np

    source = ran("derive", *QUADRATIC, "--to", "numpy")
    space: dict[str, object] = {}
    exec(source, space)
    (function,) = (v for k, v in space.items() if callable(v) and not k.startswith("_"))
    x, A = np.array([1.0, -2.0]), np.array([[1.0, 2.0], [0.0, 5.0]])
    np.testing.assert_allclose(np.ravel(function(x=x, A=A)), (A + A.T) @ x)  # type: ignore[operator]


@pytest.mark.parametrize("form", ["jax", "torch"])
def test_source_for_other_libraries(form: str) -> None:
    assert f"import {form}" in run("derive", *QUADRATIC, "--to", form).output


@pytest.mark.parametrize("flag", [("--json",), ("--to", "json")])
def test_json_object(flag: tuple[str, ...]) -> None:
    assert json.loads(ran("derive", *QUADRATIC, *flag)) == {
        "expression": "x'*A*x",
        "wrt": ["x"],
        "of": None,
        "layout": "mixed",
        "vec": "column",
        "shape": ["n", 1],
        "text": "(A + A')*x",
        "latex": "\\left(A + A^{\\top}\\right) \\mathbf{x}",
        "matrix_form": True,
        "assumed": ["x: R^n", "A: R^{n x n}"],
        "notes": [],
        "declared": {"x": "R^n", "A": "R^{n x n}"},
    }


def test_json_declares_properties() -> None:
    found = json.loads(ran("derive", *QUADRATIC, "--json", "--where", "x: R^3; A: R^{3 x 3} symmetric"))
    assert found["declared"] == {"x": "R^3", "A": "R^{3 x 3} symmetric"} and found["shape"] == [3, 1]


@pytest.mark.parametrize("method", ["index", "differential", "chain"])
def test_steps(method: str) -> None:
    where = ("--where", "x: R^n; A: R^{n x n}")
    told = ran("derive", *QUADRATIC, *where, "--steps", method)
    steps = json.loads(ran("derive", *QUADRATIC, *where, "--steps", method, "--json"))["steps"]
    assert len(steps) >= 2 and set(steps[0]) == {"rule", "left", "right", "latex"}
    for step in steps:
        assert f"{step['left']} = {step['right']}" in told and f"({step['rule']})" in told
    assert "(A + A')*x" in steps[-1]["right"]


def test_check_by_witnesses() -> None:
    said = ran("derive", *QUADRATIC, "--check")
    assert "comparisons agree" in said and "engine" in said and "differences" in said
    report = json.loads(ran("derive", *QUADRATIC, "--check", "--json"))["check"]
    assert report["ok"] is True and {row["witness"] for row in report["rows"]} == {"engine", "differences"}


def test_failed_witness_is_status_one(monkeypatch: pytest.MonkeyPatch) -> None:
    from symgrad.verification import check
    from symgrad.verification.check import Report, Row

    row = Row("engine", "reverse sweeps", {"n": 2}, float("inf"), float("inf"), False)
    monkeypatch.setattr(check, "check", lambda result: Report("d f / d x", (row,), 0))
    result = run("derive", *QUADRATIC, "--check")
    assert result.exit_code == 1 and "DISAGREES" in result.stdout
    result = run("derive", *QUADRATIC, "--check", "--json")
    assert result.exit_code == 1 and json.loads(result.stdout)["check"]["rows"][0]["absolute"] is None


# --- check ----------------------------------------------------------------------------------------


def test_right_answer() -> None:
    said = ran("check", *QUADRATIC, "--answer", "(A+A')*x", "--layout", "gradient")
    assert said.startswith("right")


def test_wrong_answer_has_a_witness() -> None:
    result = run("check", *QUADRATIC, "--answer", "2*A*x")
    assert result.exit_code == 1
    assert result.stdout.startswith("wrong") and "should be" in result.stdout and "(A + A')*x" in result.stdout


def test_right_in_the_other_layout() -> None:
    result = run("check", *QUADRATIC, "--answer", "x'*(A+A')", "--layout", "gradient", "--json")
    verdict = json.loads(result.stdout)
    assert result.exit_code == 1
    assert verdict["correct"] is False and verdict["misconception"] == "transposed"


def test_unusable_answer() -> None:
    assert "did you mean A" in refused("check", *QUADRATIC, "--where", "x: R^n; A: R^{n x n}", "--answer", "a*x")
    result = run("check", *QUADRATIC, "--answer", "(A+", "--json")
    assert result.exit_code == 2 and json.loads(result.stdout)["error"]["type"] == "ParseError"


# --- key ------------------------------------------------------------------------------------------


def test_key_in_a_terminal() -> None:
    said = ran("key", NETWORK)
    assert "dL/dW21 = ((yhat - y) .* [l21 >= l22] .* [l21 > 0]) * l1'" in said
    assert "-0.23 -0.47" in re.sub(r" +", " ", said)
    assert "\x1b" not in said


def test_key_in_markdown_has_its_pictures_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "key.md"
    assert ran("key", NETWORK, NEURON, "--lang", "fa", "-o", str(path)) == ""
    written = path.read_text(encoding="utf-8")
    assert written.count('dir="rtl"') == 2 and "$$" in written
    pictures = re.findall(r"\]\((.*?\.svg)\)", written)
    assert len(pictures) == 3
    for picture in pictures:
        ET.parse(tmp_path / picture)


def test_key_on_standard_output_writes_no_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for arguments in ((), ("-o", "-")):
        assert "$$" in ran("key", NETWORK, "--to", "md", *arguments)
    assert list(tmp_path.iterdir()) == []


def test_key_as_plain_text_in_a_file(tmp_path: Path) -> None:
    ran("key", NETWORK, "--to", "terminal", "-o", str(tmp_path / "key.txt"))
    assert (tmp_path / "key.txt").read_text(encoding="utf-8") == ran("key", NETWORK)


def test_key_of_nothing() -> None:
    assert "PATHS" in refused("key")
    assert "cannot be written" in refused("key", NETWORK, "-o", "/nowhere/at/all.md")


# --- verify ---------------------------------------------------------------------------------------


def test_print_that_is_right() -> None:
    said = ran("verify", str(ROOT / "exercises/homework/03-quadratic-form.toml"))
    assert "2 right, 0 wrong" in said


def test_mistakes_of_the_homework_are_found() -> None:
    result = run("verify", NETWORK)
    assert result.exit_code == 1
    for question, finding in (
        ("dW21", "missing mask"),
        ("dW22", "missing chain factor"),
        ("dl1", "missing mask, missing chain factor"),
        ("dW1", "missing mask"),
        ("value-dW22", "rounded twice"),
    ):
        assert f"two-branch-network/{question}: {finding}\n" in result.stdout
    assert "-0.46 is printed, exact is -0.4663" in result.stdout
    assert "exactly those the files expect" in result.stdout


def test_every_question_and_json() -> None:
    assert "value-yhat" not in run("verify", NETWORK).stdout
    assert "value-yhat" in run("verify", NETWORK, "--all").stdout
    found = json.loads(run("verify", NETWORK, "--json").stdout)
    assert found["ok"] is False and found["as_expected"] is True
    right = {r["question"]: r["right"] for r in found["results"]}
    assert right["graph"] is None and right["value-yhat"] is True and right["value-dW22"] is False


def test_an_unexpected_mistake_is_status_one(tmp_path: Path) -> None:
    text = Path(ROOT / "exercises/homework/03-quadratic-form.toml").read_text(encoding="utf-8")
    (tmp_path / "wrong.toml").write_text(text.replace('"x*x\'"', '"2*x*x\'"'), encoding="utf-8")
    result = run("verify", str(tmp_path))
    assert result.exit_code == 1 and "1 not as the files expect" in result.stdout


def test_unusable_files(tmp_path: Path) -> None:
    assert "no exercise" in refused("verify", str(tmp_path))
    assert "cannot be read" in refused("verify", str(tmp_path / "none.toml"))
    (tmp_path / "quiz.toml").write_text('id = "quiz"\ntitel = "Quiz"', encoding="utf-8")
    assert "titel" in refused("verify", str(tmp_path / "quiz.toml"))


# --- graph ----------------------------------------------------------------------------------------


def test_graph_of_an_expression(tmp_path: Path) -> None:
    path = tmp_path / "graph.svg"
    values = '{"x": -2, "y": 5, "z": -4}'
    assert ran("graph", "q = x + y; f = q*z", "--where", "x, y, z: R", "--values", values, "-o", str(path)) == ""
    texts = [e.text for e in ET.parse(path).iter("{http://www.w3.org/2000/svg}text")]
    assert texts.count("-4") == 4 and {"-12", "3", "q", "f", "+", "*"} <= set(texts)


def test_graph_on_standard_output_and_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "f.txt").write_text("f = x*y", encoding="utf-8")
    (tmp_path / "v.json").write_text('{"x": 2, "y": 3}', encoding="utf-8")
    declared = ("--where", "x, y: R", "--values", f"@{tmp_path / 'v.json'}")
    svg = ran("graph", str(tmp_path / "f.txt"), *declared)
    assert svg == ran("graph", f"@{tmp_path / 'f.txt'}", *declared) == ran("graph", "f = x*y", *declared)
    ET.fromstring(svg)


def test_graph_of_an_exercise() -> None:
    assert "Backpropagation through a network" in ran("graph", NETWORK)
    assert "σ" in ran("graph", NEURON, "--question", "grouped-graph")
    assert "نورون" in ran("graph", NEURON, "--lang", "fa")
    assert ">mine<" in ran("graph", NEURON, "--title", "mine")
    assert "relu(W21*l1)" in ran("graph", NETWORK, "--detail", "lines")


def test_values_change_an_exercise() -> None:
    assert ">10.00<" in ran("graph", NEURON, "--values", '{"x0": 5}')


def test_graph_says_what_is_left_out() -> None:
    bare = run("graph", "x'*x")
    assert bare.exit_code == 0 and "no numbers" in bare.stderr
    part = run("graph", NETWORK, "--of", "z")
    assert part.exit_code == 0 and "no gradients" in part.stderr


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ('{"x": [1, 2]', "column 13: --values is not JSON"),
        ("[1]", "must be an object"),
        ('{"x": "1"}', 'x must consist of numbers, not "1"'),
        ('{"x": true}', "not true"),
        ('{"x": NaN}', "NaN is not a number"),
        ('{"x": 1e999}', "too large"),
        ('{"x": [[1, 2], [3]]}', "rows of x have different lengths"),
        ('{"x": [[[1]]]}', "must consist of numbers"),
        ('{"x": []}', "x is empty"),
        ("[" * 100_000, "nested too deeply"),
        ('{"x": [1, 2], "u": 1}', "u is not an input"),
        ("{}", "no value is given for x"),
        ('{"x": 3}', "x is declared R^n"),
    ],
)
def test_bad_values(values: str, said: str) -> None:
    assert said in refused("graph", "x'*x", "--where", "x: R^n", "--values", values)


def test_bad_graph_input() -> None:
    assert "did you mean grouped-graph" in refused("graph", NEURON, "--question", "grouped-grap")
    assert "--question goes with an exercise" in refused("graph", "x'*x", "--question", "a")
    assert "its own declarations" in refused("graph", NEURON, "--where", "x: R")
    assert "cannot be read" in refused("graph", "nowhere.toml")
    assert "cannot be written" in refused("graph", "x'*x", "-o", "/nowhere/at/all.svg")


# --- errors ---------------------------------------------------------------------------------------


def test_error_has_a_place_and_a_caret() -> None:
    said = refused("derive", "x'*(A*x", "--wrt", "x").splitlines()
    assert said[1:3] == ["  x'*(A*x", "     ^"]  # the bracket that stays open


def test_error_as_json() -> None:
    result = run("derive", "x\n+ * 2", "--wrt", "x", "--json")
    error = json.loads(result.stdout)["error"]
    assert result.exit_code == 2 and result.stderr == ""
    assert set(error) == {"type", "message", "line", "column", "hint"}
    assert (error["type"], error["line"], error["column"]) == ("ParseError", 2, 3)


def test_error_without_a_place_as_json() -> None:
    error = json.loads(run("derive", "x'*x", "--wrt", " ", "--json").stdout)["error"]
    assert error["line"] is None and error["column"] is None


def test_unreadable_files(tmp_path: Path) -> None:
    (tmp_path / "latin").write_bytes(b"x\xe9")
    assert "not UTF-8" in refused("derive", f"@{tmp_path / 'latin'}", "--wrt", "x")
    assert "no such file" in refused("derive", f"@{tmp_path / 'none'}", "--wrt", "x")
    assert "is a directory" in refused("derive", f"@{tmp_path}", "--wrt", "x")
    assert "without a name" in refused("derive", "@", "--wrt", "x")


def test_usage_errors_are_status_two() -> None:
    assert "--wrt" in refused("derive", "x")
    assert "sideways" in refused("derive", "x", "--wrt", "x", "--layout", "sideways")


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("derive", "x", "--json"), "--wrt"),
        (("derive", "x", "--wrt", "x", "--json", "--layout", "sideways"), "sideways"),
        (("derive", "x", "--wrt", "x", "--to", "json", "--nope"), "--nope"),
        (("check", "x", "--wrt", "x", "--json"), "--answer"),
        (("nothing", "--json"), "nothing"),
        (("--nope", "--json"), "--nope"),
        (("grade", "--json"), "BANK"),
    ],
)
def test_usage_errors_are_json_where_that_is_asked_for(command: tuple[str, ...], said: str) -> None:
    result = CliRunner().invoke(cli.commands, list(command))
    error = json.loads(result.stdout)["error"]
    assert result.exit_code == 2 and result.stderr == ""
    assert error["type"] == "UsageError" and said in error["message"]
    assert set(error) == {"type", "message", "line", "column", "hint"}


def test_every_line_of_a_derivation_is_checked() -> None:
    command = ["derive", "x'*A*x", "--wrt", "x", "--steps", "index", "--check"]
    result = CliRunner().invoke(cli.commands, command)
    assert result.exit_code == 0
    assert "lines agree: both sides of each, computed at random arrays (seed 0)" in result.stdout
    fields = json.loads(CliRunner().invoke(cli.commands, [*command, "--json"]).stdout)
    assert len(fields["steps"]) > 2 and all(step["agrees"] is True for step in fields["steps"])


def test_a_fault_of_ours_is_named_without_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(given: str) -> str:
        raise KeyError("lost")

    monkeypatch.setattr(cli, "read_text", broken)
    assert "fault in symgrad" in refused("derive", "x", "--wrt", "x")
    monkeypatch.setenv("SYMGRAD_DEBUG", "1")
    assert isinstance(CliRunner().invoke(cli.commands, ["derive", "x", "--wrt", "x"]).exception, KeyError)


@pytest.mark.parametrize(("error", "status"), [(KeyboardInterrupt, 130), (BrokenPipeError, 141), (MemoryError, 2)])
def test_interruptions(monkeypatch: pytest.MonkeyPatch, error: type[BaseException], status: int) -> None:
    def interrupted(given: str) -> str:
        raise error

    monkeypatch.setattr(cli, "read_text", interrupted)
    monkeypatch.setattr(options, "drop_output", lambda: None)
    assert run("derive", "x", "--wrt", "x").exit_code == status


def test_nobody_reads_on() -> None:
    code = "from symgrad.faces.cli import main; main()"
    command = f'"{sys.executable}" -c "{code}" graph {NETWORK} | head -c 1'
    found = subprocess.run(["bash", "-c", command], capture_output=True, text=True, cwd=ROOT, check=False)
    assert found.stdout == "<" and found.stderr == ""


def test_plain_text_where_it_is_not_a_terminal() -> None:
    found = shell("derive", *QUADRATIC, "--check")
    assert found.returncode == 0 and "\x1b" not in found.stdout + found.stderr and "┃" not in found.stdout
    assert "\x1b" not in shell("derive", "((((", "--wrt", "x").stderr


def test_characters_the_terminal_lacks() -> None:
    found = shell("derive", "α'*α", "--wrt", "α", "--where", "α: R^n", PYTHONIOENCODING="ascii")
    assert found.returncode == 0 and found.stdout.startswith("d/d") and found.stderr == ""


LONG = 1_000_000


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("((((", "something is missing after '('"),
        ("(" * LONG, "more than 100000 characters"),
        ("x+" * (LONG // 2) + "x", "more than 100000 characters"),
        ("(" * 90_000, "nested"),
        ("-" * 90_000 + "x", "nested"),
        ("2^99999999", "too large"),
        ("2^2^2^2", "parenthes"),
        ("x\x00y", "not in the language"),
        ("__import__('os').system('id')", "column"),
    ],
)
def test_nonsense_is_refused_quickly(text: str, said: str) -> None:
    start = time.perf_counter()
    found = shell("derive", "-", "--wrt", "x", "--where", "x: R", text=text)
    assert found.returncode == 2 and said in found.stderr and "Traceback" not in found.stderr
    assert time.perf_counter() - start < 10


HUGE = ("--where", "x: R^1000000000; A: R^{1000000000 x 1000000000}")


def test_huge_dimensions_are_symbols_to_derive_and_too_large_to_sample() -> None:
    found = shell("derive", *QUADRATIC, *HUGE)
    assert found.returncode == 0 and "(A + A')*x" in found.stdout and "1000000000 x 1" in found.stdout
    found = shell("derive", *QUADRATIC, *HUGE, "--check")
    assert found.returncode == 2 and "entries" in found.stderr
    refusal = run("derive", *QUADRATIC, *HUGE, "--check", "--json")
    assert json.loads(refusal.stdout)["error"]["type"] == "LimitError"
