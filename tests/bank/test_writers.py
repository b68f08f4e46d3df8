"""Writers of keys: HTML, LaTeX, notebooks and PDF over the same content tree."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import CliRunner

from symgrad.bank.content import (
    Code,
    Derivation,
    Document,
    Figure,
    Formula,
    Generated,
    Heading,
    Line,
    Note,
    Numbers,
    Paragraph,
    Table,
)
from symgrad.bank.exercise import DerivativeQuestion, load_all
from symgrad.bank.generated import sources
from symgrad.bank.key import figures, key
from symgrad.bank.writers import pdf as pdf_writer
from symgrad.bank.writers.html import html
from symgrad.bank.writers.markdown import markdown
from symgrad.bank.writers.notebook import notebook
from symgrad.bank.writers.pdf import pdf
from symgrad.bank.writers.prose import paragraphs, prose
from symgrad.bank.writers.terminal import terminal_text
from symgrad.bank.writers.tex import escaped, tex
from symgrad.errors import DomainError, UnknownNameError
from symgrad.faces.cli import commands

EXERCISES = Path(__file__).parents[2] / "exercises"
BANK = {e.id: e for e in load_all([EXERCISES / "homework", EXERCISES / "backpropagation"])}
LANGUAGES = ("en", "fa")
BOTH = [(name, language) for name in BANK for language in LANGUAGES]
VOID = {"meta"}

NASTY = r"""50% of <b>x_1</b> & "y" #2 ~ ^ {a} \ end</style></script>]]>"""


@cache
def key_of(name: str, language: str) -> Document:
    """Each key is made once, without its checks, which no writer changes."""
    return key(BANK[name], language, check=None)  # type: ignore[arg-type]


def nasty() -> Document:
    """Every block with characters that some format takes for its own."""
    formula = Formula(r"a < b \text{ & } \%", "a < b")
    return Document(
        "en",
        NASTY,
        (
            Heading(NASTY, 1),
            Paragraph(f"{NASTY} and $a < b$, `x < {{y}}` for \\$5"),
            Paragraph(NASTY, strong=True),
            formula,
            Derivation((Line(NASTY, formula),), NASTY),
            Code(f"x = a[1] <b> {NASTY}\n\n[y] = $z$ \\end{{verbatim}}"),
            Table((NASTY, "b"), ((NASTY, formula), (Code(NASTY), Numbers(((1.0, -2.5), (3.0, 4.0)), 1, "matrix")))),
            Figure("graph", NASTY, "x: R", "f = x < 1", ()),
            Note(NASTY, NASTY, "wrong"),
            Generated("code", "x: R", "x^2", ("x",), None, "mixed", "column"),
        ),
    )


class Checker(HTMLParser):
    """Reads a page; tags must close in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def checked(page: str) -> Checker:
    reader = Checker()
    reader.feed(page)
    reader.close()
    assert not reader.open
    return reader


# --- sentences ------------------------------------------------------------------------------------


def test_prose_is_cut_into_its_parts() -> None:
    assert list(prose(r"costs \$5 or $a$: $$b$$ in `c`")) == [
        ("text", "costs $5 or "), ("inline", "a"), ("text", ": "), ("display", "b"), ("text", " in "), ("code", "c")
    ]  # fmt: skip
    assert list(prose("")) == []
    assert paragraphs("a\nb\n\n c \n\n\n") == ["a\nb", "c"]


# --- HTML -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "language"), BOTH)
def test_pages_are_whole_and_need_no_network(name: str, language: str) -> None:
    document = key_of(name, language)
    page = html([document], figures(document))
    reader = checked(page)
    assert reader.tags[0] == ("html", {"lang": language, "dir": "rtl" if language == "fa" else "ltr"})
    assert not {"script", "link", "img", "iframe", "merror"} & {tag for tag, _ in reader.tags}
    outside = [v for _, a in reader.tags for n, v in a.items() if n in ("src", "href") and v and not v.startswith("#")]
    assert not outside
    assert "@import" not in page and "url(" not in page
    assert "\\" not in "".join(reader.text), "LaTeX in the page"
    assert "$" not in "".join(reader.text)


@pytest.mark.parametrize(("name", "language"), BOTH)
def test_every_formula_is_mathml_from_left_to_right(name: str, language: str) -> None:
    document = key_of(name, language)
    page = html([document], figures(document))
    found = re.findall(r"<math.*?</math>", page, flags=re.DOTALL)
    wanted = sum(isinstance(b, Formula) for b in document.blocks)
    wanted += sum(len(b.lines) for b in document.blocks if isinstance(b, Derivation))
    assert len(found) >= max(wanted, 1)
    for formula in found:
        element = ET.fromstring(formula)
        assert element.get("dir") == "ltr"
        assert not re.search("[۰-۹]", "".join(element.itertext()))


def test_pictures_stand_in_the_page() -> None:
    document = key_of("two-branch-network", "fa")
    drawn = figures(document)
    assert checked(html([document], drawn)).tags.count(("article", {})) == 1
    assert html([document], drawn).count("<svg") == len(drawn) == 1
    assert "yhat = softmax(z)" in html([document])  # without pictures the programs


def test_html_escapes() -> None:
    page = html([nasty()])
    reader = checked(page)
    assert not {"b", "script"} & {tag for tag, _ in reader.tags if tag != "b"}
    assert "".join(reader.text).count("<b>x_1</b>") >= 8
    assert [tag for tag, _ in reader.tags].count("style") == 1


def test_several_keys_on_one_page() -> None:
    page = html([key_of("linear-map", "en"), key_of("trace", "en")])
    assert [tag for tag, _ in checked(page).tags].count("article") == 2
    identifiers = [a["id"] for _, a in checked(page).tags if "id" in a]
    assert len(identifiers) == len(set(identifiers))


# --- LaTeX ----------------------------------------------------------------------------------------


def balanced(source: str) -> None:
    """Braces and environments close in order."""
    bare = re.sub(r"\\[\\{}%]", "", "\n".join(line for line in source.split("\n") if not line.startswith("%")))
    depth = 0
    for c in bare:
        depth += {"{": 1, "}": -1}.get(c, 0)
        assert depth >= 0
    assert depth == 0
    body = source[source.index(r"\begin{document}") :]
    open_: list[str] = []
    for begins, name in re.findall(r"\\(begin|end)\{([A-Za-z*]+)\}", body):
        if begins == "begin":
            open_.append(name)
        else:
            assert open_.pop() == name
    assert not open_


@pytest.mark.parametrize(("name", "language"), BOTH)
def test_documents_are_balanced(name: str, language: str) -> None:
    source = tex([key_of(name, language)])
    balanced(source)
    assert source.count(r"\[") == source.count(r"\]")
    assert r"\cr" not in re.sub(r"\\cr[a-z]+", "", source)
    assert ("polyglossia" in source) == (language == "fa")


def test_tex_escapes() -> None:
    source = tex([nasty()])
    balanced(source)
    body = source[source.index(r"\begin{document}") :]
    assert not re.search(r"(?<!\\)[%#]", body.replace("{%\n", ""))
    assert r"50\% of \textless{}b\textgreater{}x\_1" in body
    assert r"\end{verbatim}" not in body
    assert escaped(r"\{}") == r"\textbackslash{}\{\}"


def test_long_formulas_are_set_in_a_paragraph() -> None:
    long = Formula(" + ".join(f"a_{{{k}}}" for k in range(40)), "...")
    source = tex([Document("en", "t", (long, Formula("a", "a")))])
    assert source.count("flushleft") == 2 and source.count(r"\[") == 1


@pytest.mark.skipif(not any(map(shutil.which, pdf_writer.ENGINES)), reason="no LaTeX engine is installed")
@pytest.mark.parametrize("document", [nasty(), key_of("two-branch-network", "en"), key_of("quadratic-form", "fa")])
def test_documents_compile(document: Document) -> None:
    assert pdf([document], {}).startswith(b"%PDF")


# --- notebooks ------------------------------------------------------------------------------------


def notebook_of(name: str, language: str = "en") -> dict:  # type: ignore[type-arg]
    document = key_of(name, language)
    return json.loads(notebook([document], figures(document), sources(document)))


@pytest.mark.parametrize(("name", "language"), BOTH)
def test_notebooks_are_valid(name: str, language: str) -> None:
    found = notebook_of(name, language)
    assert (found["nbformat"], found["nbformat_minor"]) == (4, 5)
    identifiers = [cell["id"] for cell in found["cells"]]
    assert len(identifiers) == len(set(identifiers)) and all(re.fullmatch(r"[\w-]{1,64}", i) for i in identifiers)
    for cell in found["cells"]:
        extra = {"execution_count", "outputs"} if cell["cell_type"] == "code" else set()
        assert set(cell) - {"attachments"} == {"cell_type", "id", "metadata", "source", *extra}
        assert all(isinstance(line, str) and line.count("\n") <= 1 for line in cell["source"])
    nbformat = pytest.importorskip("nbformat")
    nbformat.validate(nbformat.from_dict(found))


@pytest.mark.parametrize("name", BANK)
def test_every_answer_has_a_program_that_checks_itself(name: str, tmp_path: Path) -> None:
    """The cells run one after the other in one process that has no symgrad."""
    cells = ["".join(c["source"]) for c in notebook_of(name)["cells"] if c["cell_type"] == "code"]
    assert len(cells) == sum(isinstance(q, DerivativeQuestion) for q in BANK[name].questions)
    if not cells:
        return
    script = tmp_path / "cells.py"
    script.write_text("import sys\nsys.modules['symgrad'] = None\n" + "\n\n".join(cells), encoding="utf-8")
    run = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert run.stdout.count("largest difference") == len(cells)


def test_a_variable_that_differences_cannot_move_has_code_all_the_same() -> None:
    block = Generated("code", "Q: R^{n x n} orthogonal; A: R^{n x n}", "tr(A*Q)", ("Q",), None, "gradient", "column")
    found = sources(Document("en", "t", (block,)))
    assert "def derivative(" in found["code"] and "__main__" not in found["code"]


def test_pictures_are_attached() -> None:
    cells = notebook_of("two-branch-network")["cells"]
    attached = {n: a for c in cells for n, a in c.get("attachments", {}).items()}
    assert list(attached) == ["two-branch-network-graph.svg"]
    svg = base64.b64decode(attached["two-branch-network-graph.svg"]["image/svg+xml"]).decode()
    assert svg.startswith("<svg")
    assert any("(attachment:two-branch-network-graph.svg)" in "".join(c["source"]) for c in cells)


def test_persian_cells_are_each_from_right_to_left() -> None:
    texts = ["".join(c["source"]) for c in notebook_of("quadratic-form", "fa")["cells"] if c["cell_type"] == "markdown"]
    assert len(texts) > 1
    for text in texts:
        assert text.startswith('<div dir="rtl"') and text.count("<div") == text.count("</div>")


def test_programs_are_for_notebooks_only() -> None:
    document = nasty()
    alone = Document("en", "t", (Generated("code", "x: R", "x^2", ("x",), None, "mixed", "column"),))
    assert markdown(alone).strip() == "" == terminal_text(alone).strip()
    assert "def derivative" in notebook([document], {}, sources(document))


# --- PDF ------------------------------------------------------------------------------------------


def test_without_a_program_the_error_names_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(UnknownNameError, match="no program that makes a PDF") as caught:
        pdf([key_of("linear-map", "en")])
    assert "tectonic" in str(caught.value.hint) and "chromium" in str(caught.value.hint)


def fake(folder: Path, name: str, lines: str) -> None:
    file = folder / name
    file.write_text(f"#!/bin/sh\n{lines}\n", encoding="utf-8")
    file.chmod(0o755)


@pytest.mark.skipif(sys.platform == "win32", reason="shell scripts")
def test_engines_go_before_browsers_and_their_words_are_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    monkeypatch.setattr(pdf_writer, "ENGINES", ("xelatex",))
    monkeypatch.setattr(pdf_writer, "BROWSERS", ("chromium",))
    fake(tmp_path, "chromium", "printf browser > key.pdf")
    if shutil.which("xelatex") is None:
        assert pdf([key_of("linear-map", "en")]) == b"browser"
    fake(tmp_path, "xelatex", 'grep -q "Jacobian of a linear map" key.tex && printf engine > key.pdf')
    assert pdf([key_of("linear-map", "en")]) == b"engine"
    fake(tmp_path, "xelatex", "echo '! Undefined control sequence.'; exit 1")
    with pytest.raises(DomainError, match="Undefined control sequence"):
        pdf([key_of("linear-map", "en")])
    fake(tmp_path, "xelatex", "exit 0")
    with pytest.raises(DomainError, match="wrote no PDF"):
        pdf([key_of("linear-map", "en")])
    monkeypatch.setattr(pdf_writer, "SECONDS", 0.2)
    fake(tmp_path, "xelatex", "exec sleep 5")
    with pytest.raises(DomainError, match="did not end"):
        pdf([key_of("linear-map", "en")])


@pytest.mark.slow
@pytest.mark.skipif(
    not any(map(shutil.which, (*pdf_writer.ENGINES, *pdf_writer.BROWSERS))), reason="nothing that makes a PDF"
)
def test_a_pdf_is_made() -> None:
    assert pdf([key_of("linear-map", "fa")]).startswith(b"%PDF")


# --- the command ----------------------------------------------------------------------------------

LINEAR = str(EXERCISES / "homework" / "02-linear-map.toml")


def run(*arguments: str) -> str:
    result = CliRunner().invoke(commands, ["key", *arguments])
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.parametrize(
    ("form", "start"), [("html", "<!DOCTYPE html>"), ("tex", "\\documentclass"), ("ipynb", '{\n "cells"'), ("md", "# ")]
)
def test_the_command_writes_each_format(form: str, start: str, tmp_path: Path) -> None:
    assert run(LINEAR, "--to", form).startswith(start)
    file = tmp_path / f"key.{form}"
    run(LINEAR, "-o", str(file))  # the ending says which
    assert file.read_text(encoding="utf-8").startswith(start)


def test_pictures_are_written_beside_a_document(tmp_path: Path) -> None:
    run(str(EXERCISES / "homework" / "06-two-branch-network.toml"), "-o", str(tmp_path / "key.tex"))
    assert {f.name for f in tmp_path.iterdir()} == {"key.tex", "two-branch-network-graph.svg"}


def test_a_pdf_needs_a_file() -> None:
    result = CliRunner().invoke(commands, ["key", LINEAR, "--to", "pdf"])
    assert result.exit_code == 2
    assert "-o FILE" in result.output
