"""The command `symgrad grade`: its reports, its page of documentation, hostile classes."""

from __future__ import annotations

import csv
import doctest
import json
import re
import shlex
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from symgrad.faces import cli

ROOT = Path(__file__).parents[2]
QUIZ = str(ROOT / "examples/class/quiz.toml")
CLASS = str(ROOT / "examples/class/answers.csv")
EVIL = '<script>alert("x")</script>'


def graded(*arguments: str) -> Result:
    return CliRunner().invoke(cli.commands, ["grade", "--jobs", "2", *arguments])


def rows_of(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines()))


def written(path: Path, *rows: tuple[str, str, str]) -> str:
    path.write_text("".join(json.dumps(dict(zip(("student", "question", "answer"), row))) + "\n" for row in rows))
    return str(path)


@pytest.fixture(scope="module")
def reports(tmp_path_factory) -> Path:
    """Every report of the example class, with a hostile student in it."""
    folder = tmp_path_factory.mktemp("reports")
    table = folder / "answers.csv"
    evil = f'=HYPERLINK("http://x"),quadratic,"{EVIL.replace(chr(34), chr(34) * 2)}"\n'
    table.write_text(Path(CLASS).read_text(encoding="utf-8") + evil + "+cmd,relu,-A'*ones(m)\n", encoding="utf-8")
    outputs = [part for form in ("csv", "json", "html", "xml") for part in ("-o", str(folder / f"report.{form}"))]
    found = graded(QUIZ, str(table), *outputs)
    assert found.exit_code == 0, found.output
    found = graded(
        QUIZ,
        str(table),
        "-o",
        str(folder / "persian.html"),
        "--ledger",
        str(folder / "report.ledger.jsonl"),
        "--lang",
        "fa",
    )
    assert found.exit_code == 0 and "(0 graded now)" in found.output
    return folder


# --- reports ----------------------------------------------------------------------------------


def test_the_table_says_who_what_and_why(reports):
    rows = rows_of(reports / "report.csv")
    basil = next(row for row in rows if row["student"] == "Basil" and row["question"] == "quiz/quadratic")
    assert (basil["verdict"], basil["mistakes"], basil["points"], basil["out_of"]) == (
        "wrong", "assumed symmetric", "0.25", "1.0",
    )  # fmt: skip
    assert "symmetric" in basil["explanation"] and basil["note"] == "wrong | samples | assumed symmetric"


def test_no_cell_of_a_table_is_a_formula(reports):
    for path in reports.glob("report*.csv"):
        for row in csv.reader(path.read_text(encoding="utf-8-sig").splitlines()):
            for cell in row:
                assert not re.match(r"[=+@\t\r]", cell) and (cell[:1] != "-" or float(cell) < 0), cell
    rows = rows_of(reports / "report.csv")
    assert {'\'=HYPERLINK("http://x")', "'+cmd"} <= {row["student"] for row in rows}
    assert "'-A'*ones(m)" in {row["answer"] for row in rows}


def test_the_tallies_beside_the_table(reports):
    students = {row["student"]: row for row in rows_of(reports / "report.students.csv")}
    assert students["Ada"]["points"] == "4.0" and students["Ada"]["right"] == "4"
    assert rows_of(reports / "report.mistakes.csv")[0]["mistake"] == "assumed symmetric"
    shares = [float(row["share"]) for row in rows_of(reports / "report.questions.csv")]
    assert shares == sorted(shares)


def test_the_json_report_and_the_option_say_the_same(reports):
    data = json.loads((reports / "report.json").read_text(encoding="utf-8"))
    assert list(data) == ["summary", "rows", "students", "mistakes", "questions", "unused"]
    page = (ROOT / "docs/grading.md").read_text(encoding="utf-8")
    for part in ("rows", "students", "mistakes", "questions"):
        for field in data[part][0]:
            assert f"`{field}`" in page, field
    found = graded(QUIZ, str(reports / "answers.csv"), "--json", "--ledger", str(reports / "report.ledger.jsonl"))
    same = json.loads(found.output)
    assert same["rows"] == data["rows"] and same["summary"]["graded_now"] == 0


class Page(HTMLParser):
    """What a page consists of: tags, their attributes, texts."""

    def __init__(self, text: str):
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.given: list[tuple[str, str | None]] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.given += attrs
        if tag not in ("meta",):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


@pytest.mark.parametrize(("name", "language", "direction"), [("report", "en", "ltr"), ("persian", "fa", "rtl")])
def test_the_page_is_whole_harmless_and_in_its_language(reports, name, language, direction):
    page = Page((reports / f"{name}.html").read_text(encoding="utf-8"))
    assert page.open == [] and not {"script", "link", "img", "iframe", "a", "form"} & set(page.tags)
    assert not any(key.startswith("on") or key in ("src", "href") for key, _ in page.given)
    assert ("lang", language) in page.given and ("dir", direction) in page.given
    assert EVIL in page.texts and "دارا" in page.texts  # shown as they were typed
    words = {"en": "Mistakes, the most frequent first", "fa": "اشتباه‌ها به ترتیب فراوانی"}
    assert words[language] in page.texts and words[{"en": "fa", "fa": "en"}[language]] not in page.texts
    titles = {"en": "a matrix was taken as symmetric", "fa": "ماتریسی متقارن فرض شده است"}
    assert titles[language] in page.texts


def test_the_junit_report(reports):
    suites = ElementTree.parse(reports / "report.xml").getroot().findall("testsuite")
    ada = next(s for s in suites if s.get("name") == "Ada")
    assert (ada.get("tests"), ada.get("failures"), ada.get("errors")) == ("4", "0", "0")
    basil = next(s for s in suites if s.get("name") == "Basil")
    assert "assumed symmetric" in {case.get("name"): case for case in basil}["quiz/quadratic"][0].get("message")


def test_characters_that_xml_has_not_are_replaced(tmp_path):
    answers = written(tmp_path / "a.jsonl", ("Eve\x01\ufffe", "relu", "\x0b]]>&<x"))
    assert graded(QUIZ, answers, "-o", str(tmp_path / "r.xml")).exit_code == 0
    [suite] = ElementTree.parse(tmp_path / "r.xml").getroot()
    assert suite.get("name").startswith("Eve") and "]]>&<x" in suite[0][0].text


# --- options and errors -----------------------------------------------------------------------


def test_wrong_answers_are_no_error_of_the_command(tmp_path):
    assert graded(QUIZ, written(tmp_path / "a.jsonl", ("Ada", "relu", "ones(n)"))).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("none.toml", CLASS), "cannot be read"),
        ((QUIZ, "none.csv"), "cannot be read"),
        ((QUIZ, QUIZ), "the head names no columns"),
        ((QUIZ, CLASS, "-o", "report.pdf"), "a report is"),
        ((QUIZ, CLASS, "--credit", "sgn=0.5"), "no mistake 'sgn'"),
        ((QUIZ, CLASS, "--credit", "sign=2"), "a number from 0 to 1"),
        ((QUIZ, CLASS, "--ledger", "/none/ledger.jsonl"), "cannot be written"),
        ((QUIZ, CLASS, "--attempts", "all"), "is not one of"),
        ((str(ROOT / "exercises/homework/01-linear-form.toml"), CLASS), "no submission can be used"),
    ],
)
def test_what_cannot_be_used_ends_with_status_2(arguments, said):
    found = graded(*arguments)
    assert found.exit_code == 2 and said in found.output and "Traceback" not in found.output


def test_credit_and_layout_on_the_command_line(tmp_path):
    bank = tmp_path / "quiz.toml"
    text = re.sub(r"(?m)^(credit|other_layout) = .*$", "", Path(QUIZ).read_text(encoding="utf-8"))
    bank.write_text(text, encoding="utf-8")
    answers = written(tmp_path / "a.jsonl", ("Ada", "quadratic", "2*A*x"), ("Basil", "quadratic", "x'*(A + A')"))

    def points(*options: str) -> list[float]:
        return [row["points"] for row in json.loads(graded(str(bank), answers, "--json", *options).output)["rows"]]

    assert points() == [0, 0]
    assert points("--credit", "assumed symmetric=0.4", "--other-layout", "right") == [0.4, 1]
    assert points("--other-layout", "partial") == [0, 0.5]


def test_errors_leave_as_json_where_that_is_wanted():
    assert "cannot be read" in json.loads(graded(QUIZ, "none.csv", "--json").output)["error"]["message"]


# --- hostile classes --------------------------------------------------------------------------

HOSTILE = {
    "nested": "(" * 5000 + "x" + ")" * 5000,
    "deep": "(" * 190 + "x" + ")" * 190,
    "power": "x'*A^(10^9)",
    "tower": "x'*((((A^9)^9)^9)^9)",
    "code": "__import__('os').system('touch pwned')",
    "long": "x" * 3_000_000,
    "null": "x'*\x00A",
    "thousand": "+".join(f"x'*A{i}" for i in range(1000)),
    "laughs": "\n".join(["a0 = A+A'", *(f"a{i} = a{i - 1}*a{i - 1}+a{i - 1}" for i in range(1, 40)), "a39*x"]),
    "wide": "A*ones(n,1000000000)*ones(1000000000,n)*x",
    "vast": "sum(ones(100000,100000))*A*x",
    "slow to read": "d/" + "d" * 9000 + "!",
    "blanks": "d" + " " * 9000 + "x",
    "digits": "1" * 9999,
    "kron": "kron(" * 12 + "A" + ",A)" * 12,
    "surrogate": "x\ud800",
}


def test_a_hostile_class_costs_its_authors_alone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    good = [(f"Ada{i}", "quadratic", "(A + A')*x") for i in range(3)]
    rows = [good[0], *((name, "quadratic", answer) for name, answer in HOSTILE.items()), *good[1:]]
    answers = written(tmp_path / "a.jsonl", *rows)
    found = graded(QUIZ, answers, "--seconds", "5", "-o", "r.csv", "-o", "r.html", "-o", "r.xml")
    assert found.exit_code == 0, found.output
    verdicts = {row["student"]: row["verdict"] for row in rows_of(tmp_path / "r.csv")}
    assert {name for name, verdict in verdicts.items() if verdict == "right"} == {"Ada0", "Ada1", "Ada2"}
    assert set(verdicts) == {"Ada0", "Ada1", "Ada2", *HOSTILE} - {"long"}  # beyond any line: told apart
    assert "more than" in found.output
    assert not (tmp_path / "pwned").exists()


# --- the page of documentation ----------------------------------------------------------------


def console_blocks() -> list[tuple[str, str]]:
    """Every command of the page, with the output that is shown for it."""
    page = (ROOT / "docs/grading.md").read_text(encoding="utf-8")
    found = []
    for block in re.findall(r"```console\n(.*?)```", page, re.DOTALL):
        found += re.findall(r"^\$ symgrad (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE)
    return found


@pytest.mark.parametrize(("command", "output"), console_blocks())
def test_documented_output_is_real(command, output, tmp_path, monkeypatch):
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    found = CliRunner().invoke(cli.commands, shlex.split(command)).output
    assert doctest.OutputChecker().check_output(output, found, doctest.ELLIPSIS), found


def test_every_option_is_documented():
    page = (ROOT / "docs/grading.md").read_text(encoding="utf-8")
    for parameter in cli.commands.commands["grade"].params:
        assert parameter.param_type_name == "argument" or f"`{max(parameter.opts, key=len)}" in page
