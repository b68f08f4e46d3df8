"""Keys: every exercise, both languages; the answers are in them, the mathematics is well-formed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from symgrad.bank.content import Block, Derivation, Document, Figure, Formula, Language, Note, Numbers, Paragraph, Table
from symgrad.bank.exercise import DerivativeQuestion, Exercise, load_all
from symgrad.bank.facts import diagonal_of, paths, place_by
from symgrad.bank.key import figures, key
from symgrad.bank.numbers import numbers
from symgrad.bank.phrases import FINDINGS, GENERAL, LAYOUTS, RULES, STRUCTURES, digits, say
from symgrad.bank.worked import answer_formula, asked_derivative, number_latex
from symgrad.bank.writers.markdown import markdown
from symgrad.bank.writers.plain import plain
from symgrad.bank.writers.terminal import numbers_text, terminal_text
from symgrad.derivation import derivative
from symgrad.errors import UnknownNameError
from symgrad.operations.catalogue import records
from symgrad.programs import program

EXERCISES = Path(__file__).parents[2] / "exercises"
BANK = {e.id: e for e in load_all([EXERCISES])}
BOTH = [(name, language) for name in BANK for language in ("en", "fa")]
_KEYS: dict[tuple[str, str], Document] = {}


def key_of(name: str, language: Language) -> Document:
    """Each key is made once."""
    if (name, language) not in _KEYS:
        _KEYS[name, language] = key(BANK[name], language)
    return _KEYS[name, language]


def latex_of(block: Block) -> list[str]:
    if isinstance(block, Formula):
        return [block.latex]
    return [line.formula.latex for line in block.lines] if isinstance(block, Derivation) else []


def mathematics(text: str) -> list[str]:
    """Every formula of a Markdown text, displayed ones first."""
    displayed = re.findall(r"\$\$(.+?)\$\$", text, flags=re.DOTALL)
    return displayed + re.findall(r"\$([^$]+)\$", re.sub(r"\$\$.+?\$\$", "", text, flags=re.DOTALL))


# --- all keys -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "language"), BOTH)
def test_answers_stand_in_the_key(name: str, language: Language) -> None:
    document = key_of(name, language)
    found = [latex for block in document.blocks for latex in latex_of(block)]
    for question in BANK[name].questions:
        if isinstance(question, DerivativeQuestion):
            assert answer_formula(asked_derivative(question)).latex in found, question.id


@pytest.mark.parametrize(("name", "language"), BOTH)
def test_every_answer_is_verified(name: str, language: Language) -> None:
    document = key_of(name, language)
    answers = sum(isinstance(q, DerivativeQuestion) for q in BANK[name].questions)
    checked = [b for b in document.blocks if isinstance(b, Note) and b.tone == "checked"]
    assert len(checked) >= answers


@pytest.mark.parametrize(("name", "language"), BOTH)
def test_questions_and_findings_are_told(name: str, language: Language) -> None:
    written = " ".join(markdown(key_of(name, language)).split())
    for question in BANK[name].questions:
        text = question.text.fa if language == "fa" else question.text.en
        assert " ".join(text.split()) in written, question.id
        for finding in question.finding:
            assert say(finding, language, FINDINGS) in written


@pytest.mark.parametrize(("name", "language"), BOTH)
def test_mathematics_is_balanced(name: str, language: Language) -> None:
    written = markdown(key_of(name, language))
    assert len(re.findall(r"\$\$", written)) % 2 == 0
    assert len(re.findall(r"(?<!\$)\$(?!\$)", written)) % 2 == 0
    for formula in mathematics(written):
        bare = re.sub(r"\\[{}]", "", formula)
        assert bare.count("{") == bare.count("}"), formula
        assert len(re.findall(r"\\left(?![a-z])", formula)) == len(re.findall(r"\\right(?![a-z])", formula)), formula
        assert formula.count(r"\begin{") == formula.count(r"\end{"), formula
        assert "entryof" not in formula, formula
        assert r"\mathrm{grad}" not in formula, formula


@pytest.mark.parametrize("name", BANK)
def test_no_latex_reaches_the_terminal(name: str) -> None:
    for language in ("en", "fa"):
        written = terminal_text(key_of(name, language))  # type: ignore[arg-type]
        assert "\\" not in written
        assert "$" not in written


@pytest.mark.parametrize("name", BANK)
def test_persian_digits_stay_out_of_formulas(name: str) -> None:
    written = markdown(key_of(name, "fa"))
    assert written.startswith('<div dir="rtl" lang="fa">') and written.rstrip().endswith("</div>")
    assert written.count("<div") == written.count("</div>")
    for formula in mathematics(written):
        assert not re.search("[۰-۹٠-٩]", formula), formula
    assert not re.search("[كي]", written), "Arabic letters in Persian"


@pytest.mark.parametrize("name", BANK)
def test_displayed_formulas_run_from_left_to_right(name: str) -> None:
    lines = markdown(key_of(name, "fa")).split("\n")
    opening = [at for at, line in enumerate(lines) if line.removeprefix("> ") == "$$"][::2]
    assert opening or name == "gate-patterns"  # which has tables only
    assert all('<div dir="ltr">' in lines[at - 2] for at in opening)


def test_the_same_key_twice() -> None:
    exercise = BANK["quadratic-form"]
    assert markdown(key(exercise, "en")) == markdown(key(exercise, "en"))


# --- what the documents print ---------------------------------------------------------------------


def numbers_of(document: Document) -> dict[str, Numbers]:
    """The computed cell of each row of the tables of numbers, by the quantity's text."""
    found = {}
    for block in document.blocks:
        if isinstance(block, Table) and len(block.header) == 4:
            for row in block.rows:
                if isinstance(row[1], Formula) and isinstance(row[2], Numbers):
                    found[row[1].text] = row[2]
    return found


def test_the_network_at_the_printed_numbers() -> None:
    """The exercise's notes give the exact values; two decimals, rounded once."""
    found = {name: block.rows for name, block in numbers_of(key_of("two-branch-network", "en")).items()}
    assert found["l1"] == ((1.0,), (2.0,))
    assert found["l21"] == ((3.0,), (0.0,), (1.0,))
    assert found["l22"] == ((0.5,), (0.5,), (0.5,))
    assert found["z"] == ((3.0,), (0.5,), (1.0,))
    assert found["yhat"] == ((0.82,), (0.07,), (0.11,))
    assert found["L"] == ((2.7,),)
    assert found["dL/dz"] == ((0.82,), (-0.93,), (0.11,))
    assert found["dL/dl21"] == ((0.82,), (0.0,), (0.11,))
    assert found["dL/dl22"] == ((0.0,), (-0.93,), (0.0,))
    assert found["dL/dl1"] == ((-0.22,), (1.4,))
    assert found["dL/dW1"] == ((-0.22, -0.44, -0.67, -0.22), (1.4, 2.8, 4.2, 1.4))
    assert found["dL/dW21"] == ((0.82, 1.64), (0.0, 0.0), (0.11, 0.22))
    assert found["dL/dW22"] == ((0.0, 0.0), (-0.23, -0.47), (0.0, 0.0))


def test_the_sigmoid_neuron_backward() -> None:
    found = numbers_of(key_of("sigmoid-neuron", "fa"))
    rounded = {"df/dc": -0.53, "df/db": -0.53, "df/da": -0.2, "df/ds3": 0.2}
    rounded |= {"df/dx0": 0.39, "df/dx1": -0.59, "df/dw1": -0.39}
    assert {name: found[name].rows[0][0] for name in rounded} == rounded


def test_every_gradient_of_the_network_has_its_formula() -> None:
    found = {f.text for b in key_of("two-branch-network", "en").blocks if isinstance(b, Formula) for f in [b]}
    answers = {text.split(" = ")[0] for text in found}
    assert answers >= {f"dL/d{name}" for name in ("z", "l21", "l22", "W21", "W22", "l1", "W1")}
    assert "dL/dW21 = ((yhat - y) .* [l21 >= l22] .* [l21 > 0]) * l1'" in found


def test_steps_are_not_repeated_from_question_to_question() -> None:
    lines = [
        line.formula.text
        for block in key_of("two-branch-network", "en").blocks
        if isinstance(block, Derivation)
        for line in block.lines
    ]
    assert lines.count("z = max(l21, l22)") == 1


def test_a_jacobian_of_16_million_entries_is_described() -> None:
    said = " ".join(b.text for b in key_of("relu-jacobian", "en").blocks if isinstance(b, Paragraph))
    assert r"$4096 \times 4096$" in said and "$16777216$" in said and "diagonal" in said
    assert r"$n \times n$, that is $n \cdot n$ entries" in said


def test_flattening_is_counted_out() -> None:
    tables = [b for b in key_of("jacobian-and-flattening", "en").blocks if isinstance(b, Table)]
    by_rows = [[c.text if isinstance(c, Formula) else c.rows[0][0] for c in row] for row in tables[0].rows]  # type: ignore[union-attr]
    assert by_rows == [
        ["A[1, 1]", 1, 1], ["A[1, 2]", 2, 2], ["A[1, 3]", 3, 3],
        ["A[2, 1]", 4, 3], ["A[2, 2]", 5, 4], ["A[2, 3]", 6, 5],
    ]  # fmt: skip
    by_columns = [row[0].text for row in tables[1].rows if isinstance(row[0], Formula)]
    assert by_columns == ["A[1, 1]", "A[2, 1]", "A[1, 2]", "A[2, 2]", "A[1, 3]", "A[2, 3]"]


def test_gates_with_their_little_numbers() -> None:
    tables = [b for b in key_of("gate-patterns", "en").blocks if isinstance(b, Table)]
    swapped = {row[0].text: (row[2].text, row[3].rows[0][0]) for row in tables[1].rows}  # type: ignore[union-attr]
    assert swapped == {"x": ("dz/dx = y", -8.0), "y": ("dz/dy = x", 6.0)}


def test_figures_are_drawn() -> None:
    document = key_of("two-branch-network", "en")
    drawn = figures(document)
    names = [b.name for b in document.blocks if isinstance(b, Figure)]
    assert list(drawn) == names == ["two-branch-network-graph"]
    assert drawn[names[0]].startswith("<svg")
    assert "![Computational graph](graph.svg)" in markdown(document, {names[0]: "graph.svg"})
    assert "yhat = softmax(z)" in markdown(document)


# --- the verification line -------------------------------------------------------------------------


def small() -> Exercise:
    return BANK["linear-map"]


def test_without_a_check_no_line_is_written() -> None:
    document = key(small(), "en", check=None)
    assert not [b for b in document.blocks if isinstance(b, Note) and b.tone == "checked"]


def test_a_disagreement_is_said_aloud() -> None:
    from symgrad.verification.check import Report, Row

    bad = Report("d f / d x", (Row("engine", "reverse sweeps", {"n": 2}, 0.5, 0.5, False),), 0)
    notes = [b for b in key(small(), "en", check=lambda _: bad).blocks if isinstance(b, Note)]
    assert any("disagree" in note.text and note.tone == "wrong" for note in notes)


def test_sizes_and_error_are_named() -> None:
    notes = [b.text for b in key_of("linear-map", "en").blocks if isinstance(b, Note) and b.tone == "checked"]
    assert "$n = 2, 3, 1$" in notes[0]


# --- sentences -------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", [GENERAL, LAYOUTS, RULES, STRUCTURES, FINDINGS])
def test_every_sentence_exists_in_both_languages(table: dict[str, tuple[str, str]]) -> None:
    for name, (english, persian) in table.items():
        assert re.search("[A-Za-z]", english), name
        assert re.search("[آ-ی]", persian), name
        fields = [set(re.findall(r"(?<!\{)\{(\w+)\}(?!\})", s)) for s in (english, persian)]
        assert fields[0] == fields[1], name
        assert not re.search(r" (ها|های|می|نمی|تر)(?= |$)", persian), f"{name}: half-space"


def test_every_rule_of_the_steps_has_a_sentence() -> None:
    from symgrad.steps import METHODS, MethodError, steps

    for expression, wrt, where in (
        ("x'*A*x", "x", "x: R^n; A: R^{n x n}"),
        ("A*X*B", "X", "A: R^{n x k}; X: R^{k x p}; B: R^{p x m}"),
        ("tr(X'*S*X)", "S", "X: R^{n x m}; S: R^{n x n} symmetric"),
        ("norm2(A*x-b)^2", "x", "A: R^{m x n}; x: R^n; b: R^m"),
        ("-y'*log(softmax(x))", "x", "x: R^k; y: R^k onehot"),
        ("a'*b", "x", "a: R^n; b: R^n; x: R^n"),
    ):
        for method in METHODS:
            try:
                found = steps(derivative(expression, wrt, where=where), method)
            except MethodError:
                continue
            assert {s.rule for s in found} <= set(RULES)


def test_unknown_sentences_and_languages_are_named() -> None:
    with pytest.raises(UnknownNameError, match="quesion"):
        say("quesion", "en")
    with pytest.raises(UnknownNameError, match="de"):
        key(small(), "de")  # type: ignore[arg-type]


def test_digits_of_prose() -> None:
    assert digits(1404, "fa") == "۱۴۰۴"
    assert digits(1404, "en") == "1404"


# --- small parts -----------------------------------------------------------------------------------


def test_numbers_are_rounded_once_and_zero_has_no_sign() -> None:
    assert numbers(-0.001, 2).rows == ((0.0,),)
    assert str(numbers(-0.001, 2).rows[0][0]) == "0.0"
    assert numbers([1.005, 2.0], 1).kind == "column"
    assert numbers_text(numbers([[1, -20], [3, 4]], 0)) == "[  1  -20]\n[  3    4]"


def test_paths_through_branches() -> None:
    source = program("a = 2*x; b = 3*x; f = a*b", "x: R")
    assert paths(source, "f", "x") == [["f", "a", "x"], ["f", "b", "x"]]


def test_places_by_formula() -> None:
    assert place_by("(i-1)*m+j", ("n", "m"), 2, 1) == 4
    assert place_by("(i-1)*n+j", ("n", "m"), 2, 1) == 3


def test_diagonals_are_seen() -> None:
    diagonal = derivative("exp(x)", "x", where="x: R^n")
    dense = derivative("A*x", "x", where="A: R^{n x n}; x: R^n")
    assert diagonal_of(diagonal.node) is not None
    assert diagonal_of(dense.node) is None


def test_powers_of_ten() -> None:
    assert number_latex(3.2e-11) == r"3 \cdot 10^{-11}"
    assert number_latex(0.0) == "0"


@pytest.mark.parametrize(
    ("latex", "expected"),
    [
        (r"\partial \mathcal{L} / \partial W^{(21)}", "∂L / ∂W(21)"),
        (r"x \in \mathbb{R}^4", "x ∈ R^4"),
        (r"\hat y_2", "yhat2"),
        (r"(A + A^\top) x", "(A + A') x"),
        (r"\sum_j A_{kj} x_j", "∑_j A_kj x_j"),
        (r"\frac{\partial f}{\partial x}", "∂f/∂x"),
        (r"\lVert A x - b \rVert^2", "‖A x - b ‖^2"),
    ],
)
def test_latex_as_plain_characters(latex: str, expected: str) -> None:
    assert plain(latex) == expected


def test_what_operations_do_to_a_gradient_is_said_in_both_languages() -> None:
    """The sentences stand in the operations' records; both languages, and Persian is Persian."""
    lessons = [entry.lesson for entry in records() if entry.lesson is not None]
    assert len(lessons) >= 19
    for english, persian in lessons:
        assert english.isascii() and any("\u0600" <= c <= "\u06ff" for c in persian)
