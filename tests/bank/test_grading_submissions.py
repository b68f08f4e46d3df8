"""Submissions read from tables, JSON lines and notebooks; what is malformed costs its author alone."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from symgrad.bank.grading.notebooks import read_notebook
from symgrad.bank.grading.roll import Roll
from symgrad.bank.grading.submission import LINE_LIMIT, Submission, Unusable, columns
from symgrad.bank.grading.submissions import read
from symgrad.bank.grading.table import read_table
from symgrad.errors import ParseError, UnknownNameError

CLASS = Path(__file__).parents[2] / "examples/class"
KNOWN = {"q1", "q2", "quiz/q3"}


def known(name: str) -> bool:
    return name in KNOWN


def table(text: str) -> list:
    return list(read_table(io.StringIO(text), known))


def triples(found: list) -> list:
    return [(s.student, s.question, s.answer) for s in found if isinstance(s, Submission)]


def written(tmp_path: Path, name: str, data: str | bytes) -> Path:
    path = tmp_path / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode("utf-8"))
    return path


# --- tables -----------------------------------------------------------------------------------

ROW = [("Ada", "q1", "A*x")]


@pytest.mark.parametrize(
    "text",
    [
        "student,question,answer\nAda,q1,A*x\n",
        "student;question;answer\r\nAda;q1;A*x\r\n",
        "student\tquestion\tanswer\nAda\tq1\tA*x",
        "sep=;\nstudent;question;answer\nAda;q1;A*x\n",
        '"Answer","Email address","Time","Question ID"\n"A*x","Ada","now","q1"\n',
        "\n\nName,Problem,Response\n\nAda,q1,A*x\n\n",
        "دانشجو,پرسش,پاسخ\nAda,q1,A*x\n",
        "Ada,q1,A*x\n",
        "student,q1,q2\nAda,A*x,\n",
        "q2;name;q1\n;Ada;A*x\n",
    ],
)
def test_tables(text):
    assert triples(table(text)) == ROW


def test_answers_with_commas_quotes_and_lines():
    text = 'student,question,answer\nAda,q1,"max(a, b)"\nBasil,q1,"a = ""x""\n\nb = a"\nCyrus,q1,max(a, b)\n'
    assert [a for _, _, a in triples(table(text))] == ["max(a, b)", 'a = "x"\n\nb = a', "max(a, b)"]


@pytest.mark.parametrize(
    "line",
    ["Mallory,q1,\"x'*A", 'Mallory,q1,"', '"Mallory,q1,x', 'Mallory,"q1,x', 'Mallory,q1,"x"y"z', 'Mallory,q1,"x""'],
)
def test_quotes_that_are_never_closed_cost_their_line(line):
    text = f'student,question,answer\nAda,q1,A*x\n{line}\nBasil,q2,"dot(a, b)"\nCyrus,q1,"c"\n'
    found = [t for t in triples(table(text)) if "Mallory" not in t[0]]
    assert found == [*ROW, ("Basil", "q2", "dot(a, b)"), ("Cyrus", "q1", "c")]


def test_quotes_that_swallow_what_is_no_record_end():
    text = 'student,question,answer\nMallory,q1,"x\n' + "y\n" * 5000 + "Ada,q1,A*x\n"
    found = table(text)
    assert triples(found)[-1:] == ROW
    assert [u.place for u in found if isinstance(u, Unusable)] == ["line 2"]


def test_a_line_without_end_costs_its_author():
    text = f"student,question,answer\nMallory,q1,{'x' * (3 * LINE_LIMIT)}\nAda,q1,A*x\n"
    found = triples(table(text))
    assert found[1:] == ROW and found[0][:2] == ("Mallory", "q1") and len(found[0][2]) <= LINE_LIMIT


def test_too_few_columns_are_told():
    [found] = table("student,question,answer\nMallory,q1\n")
    assert found == Unusable("line 2", "2 columns, 3 are wanted", "Mallory")


def test_a_head_without_the_columns_is_refused_with_the_file(tmp_path):
    with pytest.raises(ParseError, match=r"a\.csv: the head names no columns"):
        list(read(written(tmp_path, "a.csv", "when,what\nnow,x\n"), known))
    with pytest.raises(UnknownNameError, match="cannot be read"):
        list(read(tmp_path / "none.csv", known))


@pytest.mark.parametrize("coding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings(tmp_path, coding):
    data = "student,question,answer\nدارا,q1,A*x\n".encode(coding)
    assert triples(list(read(written(tmp_path, "a.csv", data), known))) == [("دارا", "q1", "A*x")]


def test_bytes_that_are_no_text_cost_their_line(tmp_path):
    data = b"student,question,answer\nMallory,q1,\xff\xfe\x00x\nAda,q1,A*x\n"
    found = triples(list(read(written(tmp_path, "a.csv", data), known)))
    assert found[1:] == ROW and found[0][0] == "Mallory"


def test_words_for_columns():
    assert columns(["ID", "E-mail", "Student ID", "Q", "Solution"]) == {"student": 2, "question": 3, "answer": 4}
    assert columns(["answer"]) == {"answer": 0}


# --- JSON lines -------------------------------------------------------------------------------


def test_json_lines(tmp_path):
    lines = [
        '{"student": "Ada", "question": "q1", "answer": "A*x"}',
        "",
        '{"Name": 7, "problem": "q1", "response": [[1, 2], [3, 4]]}',
        '{"student": "Mallory", "question": "q1", "answer": "x',
        "[1, 2]",
        "[" * 100_000,
        '{"student": "Eve", "question": "q1"}',
        '{"student": "Basil", "question": "q1", "answer": null}',
        '{"student": "Long", "question": "q1", "answer": "' + "x" * LINE_LIMIT + '"}',
        '{"student": "Cyrus", "question": "q2", "answer": "b"}',
    ]
    found = list(read(written(tmp_path, "a.jsonl", "\n".join(lines)), known))
    assert triples(found) == [
        *ROW, ("7", "q1", "[[1, 2], [3, 4]]"), ("Basil", "q1", ""), ("Cyrus", "q2", "b"),
    ]  # fmt: skip
    unusable = [(u.place, u.student) for u in found if isinstance(u, Unusable)]
    assert unusable == [
        ("line 4", "Mallory"), ("line 5", ""), ("line 6", ""), ("line 7", "Eve"), ("line 9", "Long"),
    ]  # fmt: skip


# --- notebooks --------------------------------------------------------------------------------


def cell(source, **metadata) -> dict:
    return {"cell_type": "code", "metadata": metadata, "source": source}


@pytest.mark.parametrize(
    "asked",
    [
        cell("# question: q1\nA*x"),
        cell(["#question: q1\n", "\n", "A*x\n"]),
        cell("## Question: q1\n\nA*x"),
        cell("question = q1\nA*x"),
        cell("<!-- question: q1 -->\nA*x"),
        cell("# پرسش: q1\nA*x"),
        cell("A*x", tags=["hard", "question:q1"]),
        cell("A*x", nbgrader={"grade_id": "q1", "points": 3}),
        cell('# question: q1\nanswer = "A*x"'),
        cell("# question: q1\nanswer = r'''A*x'''"),
    ],
)
def test_cells(asked):
    notebook = {"cells": [cell("import os"), cell("# Notes"), asked, cell("A*y", nbgrader={"grade_id": "setup"})]}
    assert triples(read_notebook(notebook, "Ada", known)) == ROW


def test_backslashes_in_assigned_answers():
    plain, raw = cell('# question: q1\nanswer = "2 A^\\\\top x"'), cell('# question: q1\nanswer = r"2 A^\\top x"')
    found = read_notebook({"cells": [plain, raw]}, "Ada", known)
    assert [s.answer for s in found] == ["2 A^\\top x"] * 2


def test_whose_notebook_it_is(tmp_path):
    body = cell("# question: q1\nA*x")
    for place, notebook in {
        "ada.ipynb": {"cells": [body]},
        "Basil_77/hw.ipynb": {"cells": [body]},
        "x/y.ipynb": {"cells": [body], "metadata": {"student": "Cyrus"}},
        "z.ipynb": {"cells": [cell("# student: دارا"), body]},
        ".ipynb_checkpoints/ada.ipynb": {"cells": [body]},
    }.items():
        (tmp_path / place).parent.mkdir(exist_ok=True)
        (tmp_path / place).write_text(json.dumps(notebook), encoding="utf-8")
    assert [s.student for s in read(tmp_path, known)] == ["Basil_77", "ada", "Cyrus", "دارا"]


@pytest.mark.parametrize(
    "data", [b"", b"[]", b'{"cells": 5}', b'{"cells": [7]}', b"\xff", b"[" * 10**6, b'{"cells": []}']
)
def test_broken_notebooks_cost_their_author(tmp_path, data):
    written(tmp_path, "mallory.ipynb", data)
    written(tmp_path, "nora.ipynb", json.dumps({"cells": [cell("# question: q1\nA*x")]}))
    broken, good = read(tmp_path, known)
    assert isinstance(broken, Unusable) and broken.student == "mallory" and good.student == "nora"


def test_nothing_of_a_notebook_is_run(tmp_path):
    trap = tmp_path / "trap"
    text = f"# question: q1\nopen({str(trap)!r}, 'w').close()"
    [found] = read_notebook({"cells": [cell(text)]}, "Eve", known)
    assert found.answer.startswith("open(") and not trap.exists()


def test_a_folder_without_anything_is_an_error(tmp_path):
    with pytest.raises(UnknownNameError, match="no notebooks"):
        list(read(tmp_path, known))


@pytest.mark.parametrize("name", ["answers.csv", "answers.jsonl", "notebooks"])
def test_the_example_class_can_be_read(name):
    found = list(read(CLASS / name, lambda _: True))
    assert len(found) >= 3 and all(isinstance(s, Submission) for s in found)


# --- the roll ---------------------------------------------------------------------------------


def test_the_roll_counts_people_and_answers_once():
    roll = Roll({"quiz/q1": "a", "quiz/q2": "b", "other/q2": "c"})
    roll.fill(read([
        ("Ada", "q1", "A*x"), ("\u200fAda ", "QUIZ/Q1", "A*x."), ("علي", "q1", "A*x"), ("علی", "quiz/q2", "A*x"),
        ("Ada", "q2", "x"),
    ]))  # fmt: skip
    assert roll.students == ["Ada", "علی"] and [a.question for a in roll.answers] == [0, 1]
    assert roll.unused == 1 and "no question 'q2'" in roll.unusable[0].reason  # two exercises have a q2


def test_what_cannot_be_used_is_counted_and_not_hoarded():
    roll = Roll({"quiz/q1": "a"})
    roll.fill(Submission("Eve", f"no{i}", "x", i) for i in range(5000))
    assert roll.unused == 5000 and len(roll.unusable) == 1000 and not roll.answers
