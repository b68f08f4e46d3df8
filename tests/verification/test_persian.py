"""Sentences in Persian: every one that may stand on a Persian page is there, and formulas pass through unchanged."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import symgrad
from symgrad import check_answer, derivative
from symgrad.bank.grading.outcome import Outcome
from symgrad.bank.grading.words import told
from symgrad.errors import SymgradError
from symgrad.verification import persian_sentences
from symgrad.verification.lines import check_lines
from symgrad.verification.persian import in_persian_words, missing

PACKAGE = Path(symgrad.__file__).parent
WHERE = "x: R^n; A: R^{n x n}"

# Where texts of users are read and judged; what is raised elsewhere does not stand on a page for students.
READERS = [
    *(f"notation/{name}.py" for name in ("tokens", "grammar", "lower", "entries", "normalise", "python_text")),
    *(str(p.relative_to(PACKAGE)) for p in sorted((PACKAGE / "notation").glob("latex_*.py"))),
    *(f"operations/{name}.py" for name in ("arithmetic", "shapes", "constructors", "convolution", "reductions")),
    *(f"verification/{name}.py" for name in ("indexed_sums", "reading", "functions", "written_out")),
    "bank/grading/typed.py",
]
RAISED = re.compile(r"(?:Error|NotNumbers|error|fault)$")


def templates(path: Path) -> Iterator[str]:
    """The messages that a file raises, their changing parts as {}."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef):
            yield from _of_function(node)


def _of_function(function: ast.FunctionDef) -> Iterator[str]:
    named: dict[str, list[str]] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            named.setdefault(node.targets[0].id, []).extend(_written(node.value, {}))
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and node.args and RAISED.search(ast.unparse(node.func)):
            yield from _written(node.args[0], named)


def _written(node: ast.expr, named: dict[str, list[str]]) -> list[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    if isinstance(node, ast.JoinedStr):
        return ["".join(str(v.value) if isinstance(v, ast.Constant) else "{}" for v in node.values)]
    if isinstance(node, ast.IfExp):
        return _written(node.body, named) + _written(node.orelse, named)
    return named.get(node.id, []) if isinstance(node, ast.Name) else []


def test_the_walk_finds_messages() -> None:
    found = list(templates(PACKAGE / "notation" / "grammar.py"))
    assert "this '{}' is not closed" in found
    assert len(found) > 10


@pytest.mark.parametrize("reader", READERS)
def test_what_a_reader_says_is_there_in_persian(reader: str) -> None:
    lacking = missing(templates(PACKAGE / reader))
    assert not lacking, f"add to verification/persian_sentences.py: {lacking}"


def test_every_sentence_keeps_its_parts() -> None:
    for table in (v for n, v in vars(persian_sentences).items() if n.isupper()):
        for english, persian in table.items():
            places = [int(n) if n else None for n in re.findall(r"\{(\d?)\}", persian)]
            assert len(places) <= english.count("{}"), english
            assert all(n is None or n < english.count("{}") for n in places), english
            assert re.search("[\u0620-\u06cc]", persian), english


@pytest.mark.parametrize(
    ("english", "persian"),
    [
        ("column 3: A is not declared", "ستون 3: A تعریف نشده است"),
        ("line 2, column 3: this ')' closes nothing", "سطر 2، ستون 3: این ')' چیزی را نمی‌بندد"),
        ("  x'*(A*x\n     ^", "  x'*(A*x\n     ^"),
        ("    A*x is a matrix (m x n)", "    A*x ماتریس (m x n) است"),
        ("cannot add: the left side is a scalar, the right side a matrix (m x n)",
         "جمع شدنی نیست: سمت چپ اسکالر و سمت راست ماتریس (m x n) است"),
        ("  try: A'*x or A*x'", "  امتحان کنید: A'*x یا A*x'"),
        ("entry 1, 2 is 0.5, but should be 1 (at n = 2)", "درایهٔ 1, 2 برابر 0.5 است، ولی باید 1 باشد (در n = 2)"),
        ("nobody has written this sentence", "nobody has written this sentence"),
        ("", ""),
    ],
)  # fmt: skip
def test_a_line(english: str, persian: str) -> None:
    assert in_persian_words(english) == persian


@pytest.mark.parametrize(
    "text", ["x*x", "A*x + ", "(A*x", "foo(x)", "A*q", "x_i*x", r"\foo{x}", "A .* x'", "tr(x)", "2.x.y"]
)
def test_an_error_has_no_english_words_but_names(text: str) -> None:
    with pytest.raises(SymgradError) as refused:
        derivative(text, "x", where=WHERE)
    said = in_persian_words(refused.value._heading())
    prose = re.sub(r"\([^)]*\)|'[^']*'|\\\w+", "", said)
    assert re.findall(r"[a-z]{3,}", prose) in ([], ["foo"], ["trace"]), said


def test_a_verdict_in_persian() -> None:
    verdict = check_answer("x'*A*x", "x", answer="A*x*x", where=WHERE)
    assert "ستون 4: ضرب بردار ستونی (n x 1) در بردار ستونی (n x 1) شدنی نیست" in verdict.explained_in("fa")
    assert "cannot multiply" in verdict.explained_in("en")


def test_an_unknown_name_in_an_answer_is_told_the_names_there_are() -> None:
    with pytest.raises(SymgradError) as refused:
        check_answer("x'*A*x", "x", answer="A*q", where=WHERE)
    assert refused.value.hint == "the names here are x, A"


def test_feedback_to_a_student() -> None:
    outcome = Outcome("unreadable", feedback="column 4: this '(' is not closed\n  x'*(A*x\n     ^")
    assert told(outcome, "fa").splitlines()[1:] == ["ستون 4: این '(' بسته نشده است", "  x'*(A*x", "     ^"]
    assert "column 4: this '(' is not closed" in told(outcome, "en")


def test_lines_of_a_derivation_in_persian() -> None:
    report = check_lines("f = x'*A*x\ndf/dx = (A - A')*x\n= (A - A')*x\ndq = 3*x", "x'*A*x", "x", where=WHERE)
    said = report.text("fa").splitlines()
    assert said[0] == "سطر 1: درست است"
    assert said[1] == "سطر 2: نتیجه نمی‌شود: (A - A')*x"
    assert said[3] == "سطر 3: از بخش پیش از آن نتیجه می‌شود که نادرست است"
    assert said[5].strip() == "دیفرانسیل نسبت به dx خطی است"
    with pytest.raises(SymgradError):
        report.text("de")
