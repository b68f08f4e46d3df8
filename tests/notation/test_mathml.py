"""MathML: written by hand for small formulas; read back for every record and every answer of the corpus."""

from __future__ import annotations

import json
import unicodedata
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from symgrad.derivation import Derivative, derivative
from symgrad.errors import ParseError, SymgradError
from symgrad.notation.grammar import parse
from symgrad.notation.latex import GREEK_COMMANDS, latex
from symgrad.notation.latex_reader import parse_latex_program
from symgrad.notation.mathml import mathml, mathml_pieces, width
from symgrad.notation.mathml_signs import greek, styled
from symgrad.notation.tree import same
from symgrad.operations.catalogue import latex_templates, records
from symgrad.programs import program

CORPUS = Path(__file__).parents[1] / "corpus" / "cases.jsonl"
CASES = [json.loads(line) for line in CORPUS.read_text(encoding="utf-8").splitlines()]
LAYOUT_TAGS = {"math", "mrow", "mi", "mn", "mo", "mtext", "mspace", "mfrac", "msqrt", "mroot", "msub", "msup",
               "msubsup", "munder", "mover", "munderover", "mtable", "mtr", "mtd"}  # fmt: skip
ARGUMENTS = {"mfrac": 2, "mroot": 2, "msub": 2, "msup": 2, "munder": 2, "mover": 2, "msubsup": 3, "munderover": 3}


def inside(source: str) -> str:
    """What stands within `<math>`, without attributes."""
    root = ET.fromstring(mathml(source, display=False))
    for element in root.iter():
        element.attrib.clear()
    return "".join(ET.tostring(child, encoding="unicode") for child in root)


def well_formed(source: str) -> ET.Element:
    """The parsed element; every part is known MathML with as many children as it must have."""
    root = ET.fromstring(source)
    assert root.tag == "math"
    for element in root.iter():
        assert element.tag in LAYOUT_TAGS, element.tag
        assert len(element) == ARGUMENTS.get(element.tag, len(element)), element.tag
        assert element.tag not in ("mi", "mn", "mo") or not len(element)
    return root


# --- by hand --------------------------------------------------------------------------------------

PAREN = "<mrow><mo>(</mo>{}<mo>)</mo></mrow>"
A_T = "<msup><mi>A</mi><mi>⊤</mi></msup>"


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("(A + A')*x", PAREN.format(f"<mi>A</mi><mo>+</mo>{A_T}") + "<mi>x</mi>"),
        ("A + A'*x", f"<mi>A</mi><mo>+</mo>{A_T}<mi>x</mi>"),
        ("(A*B)'", "<msup>" + PAREN.format("<mi>A</mi><mi>B</mi>") + "<mi>⊤</mi></msup>"),
        ("s/(1 + t)", "<mfrac><mi>s</mi><mrow><mn>1</mn><mo>+</mo><mi>t</mi></mrow></mfrac>"),
        ("(s/t)^2", "<msup>" + PAREN.format("<mfrac><mi>s</mi><mi>t</mi></mfrac>") + "<mn>2</mn></msup>"),
        ("-s^2", "<mo>−</mo><msup><mi>s</mi><mn>2</mn></msup>"),
        ("(-s)^2", "<msup>" + PAREN.format("<mo>−</mo><mi>s</mi>") + "<mn>2</mn></msup>"),
        ("a .* (b - c)", "<mi>a</mi><mo>⊙</mo>" + PAREN.format("<mi>b</mi><mo>−</mo><mi>c</mi>")),
        ("a - (b - c)", "<mi>a</mi><mo>−</mo>" + PAREN.format("<mi>b</mi><mo>−</mo><mi>c</mi>")),
        ("W21'*yhat", "<msubsup><mi>W</mi><mn>21</mn><mi>⊤</mi></msubsup><mover><mi>y</mi><mo>^</mo></mover>"),
        ("sqrt(s)", "<msqrt><mi>s</mi></msqrt>"),
        ("[a > 0]", "<mn>𝟏</mn><mo>[</mo><mi>a</mi><mo>&gt;</mo><mn>0</mn><mo>]</mo>"),
        ("tr(A)", "<mi>tr</mi><mo>(</mo><mi>A</mi><mo>)</mo>"),
        ("inv(A)'", "<msup><mi>A</mi><mrow><mo>−</mo><mi>⊤</mi></mrow></msup>"),
    ],
)
def test_precedence_by_hand(expression: str, expected: str) -> None:
    assert inside(latex(parse(expression), templates=latex_templates())) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (r"\sum_{j=1}^n x_j", "<munderover><mo>∑</mo><mrow><mi>j</mi><mo>=</mo><mn>1</mn></mrow><mi>n</mi></munderover>"
         "<msub><mi>x</mi><mi>j</mi></msub>"),
        (r"x^n_j", "<msubsup><mi>x</mi><mi>j</mi><mi>n</mi></msubsup>"),
        (r"x^12", "<msup><mi>x</mi><mn>1</mn></msup><mn>2</mn>"),
        (r"\frac12", "<mfrac><mn>1</mn><mn>2</mn></mfrac>"),
        (r"\hat y_2'", "<msubsup><mover><mi>y</mi><mo>^</mo></mover><mn>2</mn><mo>′</mo></msubsup>"),
        (r"\begin{bmatrix} 1 & -2 \cr a & 4 \end{bmatrix}",
         "<mrow><mo>[</mo><mtable><mtr><mtd><mn>1</mn></mtd><mtd><mrow>"
         "<mo>−</mo><mn>2</mn></mrow></mtd></mtr><mtr><mtd><mi>a</mi></mtd><mtd><mn>4</mn></mtd></mtr></mtable>"
         "<mo>]</mo></mrow>"),
        (r"\mathbb{R}^{m \times n}", "<msup><mi>ℝ</mi><mrow><mi>m</mi><mo>×</mo><mi>n</mi></mrow></msup>"),
        (r"\sqrt[3]{x}", "<mroot><mi>x</mi><mn>3</mn></mroot>"),
        (r"\text{if } a<b", "<mtext>if\u00a0</mtext><mi>a</mi><mo>&lt;</mo><mi>b</mi>"),
        (r"\max_i x_i", "<munder><mi>max</mi><mi>i</mi></munder><msub><mi>x</mi><mi>i</mi></msub>"),
    ],
)  # fmt: skip
def test_latex_by_hand(source: str, expected: str) -> None:
    assert inside(source) == expected


def test_a_sign_after_an_operator_or_a_parenthesis_is_no_difference() -> None:
    for source in ("a = -b", "(-b)", r"a \odot -b"):
        minus = [e for e in ET.fromstring(mathml(source)).iter("mo") if e.text == "−"]
        assert [e.get("form") for e in minus] == ["prefix"], source
    assert [e.get("form") for e in ET.fromstring(mathml("(a) - b")).iter("mo") if e.text == "−"] == [None]


def test_delimiters_that_stretch_are_those_of_left_and_right() -> None:
    stretchy = {e.get("stretchy") for e in ET.fromstring(mathml(r"\left(a\right)")).iter("mo")}
    assert stretchy == {"true"}
    assert {e.get("stretchy") for e in ET.fromstring(mathml("(a)")).iter("mo")} == {"false"}


@pytest.mark.parametrize(
    "source",
    [r"\left(a", r"a\right)", "{a", "a}", r"\frac{a}", "x^", r"\begin{bmatrix} a", "a & b", r"\end{bmatrix}",
     r"\left x", r"\begin{tikzpicture} \end{tikzpicture}", r"\begin{bmatrix} {a \end{bmatrix}", "_^a"],
)  # fmt: skip
def test_what_is_not_closed_is_an_error(source: str) -> None:
    with pytest.raises(ParseError, match="LaTeX"):
        mathml(source)


def test_unknown_commands_show() -> None:
    root = ET.fromstring(mathml(r"\frobnicate{x} + 1"))
    assert [e[0].text for e in root.iter("merror")] == [r"\frobnicate"]


def test_characters_are_escaped() -> None:
    root = ET.fromstring(mathml(r"a < b > c \& \text{<script>&} \%"))
    assert "<script>&" in "".join(root.itertext())
    assert not list(root.iter("script"))


def test_deep_formulas_take_linear_room() -> None:
    depth = 5000
    written = mathml(r"\left(" * depth + "x" + r"\right)^{\top}" * depth)
    assert written.count("<msup>") == depth
    assert mathml("{" * depth + "x" + "}" * depth, display=False) == '<math dir="ltr"><mi>x</mi></math>'


def test_greek_and_alphabets() -> None:
    assert all(unicodedata.name(str(greek(c))).startswith("GREEK") for c in GREEK_COMMANDS)
    for style in ("mathbf", "boldsymbol", "mathbb", "mathcal"):
        letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ" + ("abcxyz019" if style in ("mathbf", "mathbb") else "")
        assert unicodedata.normalize("NFKC", styled(letters, style)) == letters
        assert all(a != b for a, b in zip(styled(letters, style), letters, strict=True))
    assert unicodedata.normalize("NFKC", styled("ΣΛσμ", "boldsymbol")) == "ΣΛσμ"


# --- lines of long formulas -----------------------------------------------------------------------


def text_of(elements: list[str]) -> str:
    return "".join("".join(ET.fromstring(e).itertext()) for e in elements)


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("f = a + b - c", ["f", "=a", "+b", "−c"]),
        ("f = -a", ["f", "=−a"]),
        (r"f = \left(a + b\right) - c", ["f", "=(a+b)", "−c"]),
        (r"a = b, \quad c = d", ["a=b,", "c=d"]),
    ],
)
def test_lines_end_at_operators_outside_of_parentheses(source: str, lines: list[str]) -> None:
    assert [text_of([piece]) for piece in mathml_pieces(source)] == lines


def test_a_long_parenthesis_is_opened() -> None:
    source = r"f = \left(" + " + ".join(f"a_{{{k}}} b" for k in range(30)) + r"\right)^{\top}"
    raised = r"g = \left(" + " + ".join(f"a_{{{k}}} b" for k in range(30)) + r"\right) x"
    assert len(mathml_pieces(source)) == 2  # what is raised stays together
    pieces = mathml_pieces(raised)
    assert len(pieces) == 31
    assert text_of(pieces) == text_of([mathml(raised)])


def test_width_counts_characters() -> None:
    assert width(r"\frac{\partial f}{\partial x} = \operatorname{tr}(A)") == 4 + 1 + 5


# --- read back: nothing that LaTeX says is lost ----------------------------------------------------


def again(element: ET.Element) -> str:
    """The LaTeX of an element, for the reader of LaTeX."""
    parts = [again(child) for child in element]
    match element.tag:
        case "mfrac":
            return rf"\frac{{{parts[0]}}}{{{parts[1]}}}"
        case "msqrt":
            return rf"\sqrt{{{''.join(parts)}}}"
        case "msub" | "munder":
            return f"{parts[0]}_{{{parts[1]}}}"
        case "mover" if element.get("accent"):
            return rf"{ACCENT[element[1].text or '']}{{{parts[0]}}}"
        case "msup" | "mover":
            return f"{parts[0]}^{{{parts[1]}}}"
        case "msubsup" | "munderover":
            return f"{parts[0]}_{{{parts[1]}}}^{{{parts[2]}}}"
        case "mspace":
            return r"\!" if (element.get("width") or "").startswith("-") else " "
    return leaf(element) if element.text else "".join(parts)


ACCENT = {"^": r"\hat", "¯": r"\bar", "~": r"\tilde", "˙": r"\dot"}
SIGNS = {"⊤": r"\top ", "−": "-", "⊙": r"\odot ", "⊘": r"\oslash ", "⊗": r"\otimes ", "⋅": r"\cdot ", "≥": r"\ge ",
         "≤": r"\le ", "≠": r"\ne ", "⟨": r"\langle ", "⟩": r"\rangle ", "∞": r"\infty ",
         "∑": r"\sum ", "∂": r"\partial ",
         "…": r"\dots "}  # fmt: skip


def leaf(element: ET.Element) -> str:
    text = element.text or ""
    if text in ("|", "‖"):
        side = {"prefix": "l", "postfix": "r"}[str(element.get("form"))]
        return rf"\{side}{'vert' if text == '|' else 'Vert'} "
    plain = unicodedata.normalize("NFKC", text) if len(text) == 1 and ord(text) > 0x1D3FF else text
    if plain == "1" and plain != text:
        return r"\mathbf{1}"
    if text in SIGNS or plain in GREEK:
        return SIGNS.get(text) or rf"\{GREEK[plain]} "
    if element.tag == "mi" and len(plain) > 1:
        return rf"\{plain} " if plain in KNOWN_WORDS else rf"\mathrm{{{plain}}}"
    return plain


GREEK = {str(greek(command)): command for command in sorted(GREEK_COMMANDS)}
_WORDS = "log exp sin cos tan sinh cosh tanh max min det arctan arcsin arccos"
KNOWN_WORDS = frozenset(_WORDS.split())


def kinds_of(source: Derivative) -> dict[str, str]:
    return {name: view.kind for name, view in source.scope.views.items()}


def read(source: str, kinds: dict[str, str]) -> object:
    """The tree that the LaTeX reader sees, or None where it does not read this."""
    try:
        return parse_latex_program(source, set(kinds), kinds)[-1].value
    except SymgradError:
        return None


each_record = pytest.mark.parametrize("entry", list(records()), ids=lambda r: r.name)


@each_record
def test_every_record_is_well_formed(entry) -> None:  # type: ignore[no-untyped-def]
    source = latex(parse(entry.example), templates=latex_templates())
    root = well_formed(mathml(source))
    assert "\\" not in "".join(root.itertext())


def test_the_corpus_is_well_formed_and_reads_back() -> None:
    """The answers as MathML, turned to LaTeX again, are read as the same trees as the LaTeX that was written."""
    compared, apart = 0, []
    for case in CASES:
        result = derivative(case["expr"], case["wrt"], where=case["vars"])
        source = result.latex()
        root = well_formed(result.mathml())
        assert "\\" not in "".join(root.itertext()), case["id"]
        kinds = kinds_of(result)
        wanted = read(source, kinds)
        if wanted is None:
            continue  # an indexed sum, or several lines
        compared += 1
        found = read(again(root), kinds)
        if found is None or not same(wanted, found):  # type: ignore[arg-type]
            apart.append((case["id"], source, again(root)))
    assert not apart, apart[:3]
    assert compared > 0.8 * len(CASES)


# --- results that show themselves ------------------------------------------------------------------


def test_results_write_mathml_and_latex() -> None:
    result = derivative("x'*A*x", "x", where="x: R^n; A: R^{n x n}")
    assert 'display="block"' in result.mathml()
    assert "display" not in result.mathml(display=False)
    assert result._repr_latex_() == r"$\displaystyle \left(A + A^{\top}\right) \mathbf{x}$"
    source = program("h = tanh(W*x); L = h'*h", "W: R^{m x n}; x: R^n")
    assert source.latex().splitlines()[1:-1] == [
        r"\mathbf{h} &= \tanh(W \mathbf{x}) \\", r"L &= \mathbf{h}^{\top} \mathbf{h}"
    ]  # fmt: skip
    assert len(list(well_formed(source.mathml()).iter("mtr"))) == 2
    assert program("x'*x", "x: R^n")._repr_latex_() == r"$\displaystyle \mathbf{x}^{\top} \mathbf{x}$"


def test_answers_in_parts_are_a_table() -> None:
    layers = "h1 = x + tanh(W1*x); " + "; ".join(f"h{k} = h{k - 1} + tanh(W{k}*h{k - 1})" for k in range(2, 9))
    where = "x: R^n; " + "; ".join(f"W{k}: R^{{n x n}}" for k in range(1, 9))
    result = derivative(f"{layers}; L = h8'*h8", "x", where=where)
    assert result.in_parts is not None
    assert len(list(well_formed(result.mathml()).iter("mtr"))) == len(result.in_parts.parts) + 1


def test_a_report_is_a_table_in_html() -> None:
    report = derivative("x'*A*x", "x", where="x: R^n; A: R^{n x n}").check()
    root = ET.fromstring(f"<div>{report._repr_html_()}</div>")
    assert len(list(root.iter("tr"))) == len(report.rows) + 1
    assert root[0].text == report.verdict


def test_rich_shows_a_derivative() -> None:
    result = derivative("x'*A*x", "x", where="x: R^n; A: R^{n x n}")
    assert result.__rich__().plain == "d (x'*A*x) / d x = (A + A')*x  (mixed layout, n x 1)"
