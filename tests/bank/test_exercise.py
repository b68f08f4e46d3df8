"""The bank's files load, say everything twice, and print what an independent computation says they print."""

import re
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from symgrad.bank.exercise import (
    READERS,
    ChainQuestion,
    DerivativeQuestion,
    Exercise,
    Factor,
    FlatteningQuestion,
    GradientValueQuestion,
    LawQuestion,
    ProgramQuestion,
    Question,
    StructureQuestion,
    ValueQuestion,
    load,
    load_all,
)
from symgrad.bank.training_questions import TRAINING
from symgrad.errors import ParseError, SymgradError, UnknownNameError

ROOT = Path(__file__).parents[2]
BANK = {exercise.id: exercise for exercise in load_all([ROOT / "exercises"])}

Array = np.ndarray
Place = tuple[str, tuple[int, ...]]
Quiz = Callable[..., Path]


def every_question() -> Iterator[tuple[Exercise, Question]]:
    return ((exercise, question) for exercise in BANK.values() for question in exercise.questions)


def question(exercise: str, id: str) -> Any:
    return next(question for question in BANK[exercise].questions if question.id == id)


def test_the_rows_of_the_course_are_there() -> None:
    rows = {exercise.source.row: exercise.path.name for exercise in BANK.values()}
    assert set(rows) == set(range(1, 25))
    assert all(rows[row].startswith(f"{row:02}-") for row in rows)


def test_every_kind_occurs() -> None:
    assert {question.kind for _, question in every_question()} == {*READERS, *TRAINING}


def test_both_languages_say_something_of_their_own() -> None:
    texts = [(exercise.id, both) for exercise in BANK.values() for both in (exercise.title, exercise.statement)]
    texts += [(f"{e.id} {q.id}", both) for e, q in every_question() for both in (q.text, q.note) if both]
    for place, both in texts:
        assert not re.search("[\u0600-\u06ff]", both.en), place
        assert re.search("[\u0600-\u06ff]", both.fa), place
        assert formulas(both.en) == formulas(both.fa), place


def formulas(text: str) -> list[str]:
    """The formulas of a sentence; line breaks, order and punctuation may differ between the languages."""
    return sorted(re.sub(r"\s+|[.,]$", "", formula) for formula in re.findall(r"\$+([^$]+)\$+", text))


def test_persian_is_spelled_with_persian_letters() -> None:
    arabic = {"\N{ARABIC LETTER YEH}", "\N{ARABIC LETTER KAF}", "\N{ARABIC LETTER TEH MARBUTA}"}
    for exercise in BANK.values():
        text = exercise.path.read_text(encoding="utf-8")
        assert not arabic & set(text), exercise.id
        assert unicodedata.is_normalized("NFC", text), exercise.id
        assert not re.search("\u200c\\s|\\s\u200c|\u200c\u200c", text), exercise.id
        assert not re.search(r"(?<!\S)ن?می [\u0600-\u06ff]", text), exercise.id


def test_values_belong_to_declared_names() -> None:
    for exercise, asked in every_question():
        if isinstance(asked, ProgramQuestion):
            declared = set(re.findall(r"(\w+)\s*:", asked.problem.where))
            assert set(asked.problem.values) <= declared, (exercise.id, asked.id)


def test_names_that_are_asked_for_are_in_the_program() -> None:
    for exercise, asked in every_question():
        if isinstance(asked, (DerivativeQuestion, ValueQuestion, GradientValueQuestion, StructureQuestion)):
            names = set(re.findall(r"[A-Za-z]\w*", asked.problem.formula))
            wrt = () if isinstance(asked, ValueQuestion) else asked.wrt
            upstream = re.findall(r"grad_(\w+)", asked.printed) if isinstance(asked.printed, str) else []
            assert {
                name for name in (asked.of, *([wrt] if isinstance(wrt, str) else wrt), *upstream) if name
            } <= names, (exercise.id, asked.id)


def test_the_findings_are_these() -> None:
    assert {f"{e.id} {q.id}": set(q.finding) for e, q in every_question() if q.finding} == {
        "trace chain": {"wrong chain factor"},
        "jacobian-and-flattening row-flattening": {"wrong index formula"},
        "two-branch-network dW21": {"missing mask"},
        "two-branch-network dW22": {"missing chain factor"},
        "two-branch-network dl1": {"missing mask", "missing chain factor"},
        "two-branch-network dW1": {"missing mask"},
        "two-branch-network value-dW1": {"rounded twice"},
        "two-branch-network value-dW22": {"rounded twice"},
        "add-multiply chain-z": {"wrong chain factor"},
        "sigmoid-neuron gradient-x0": {"rounded twice"},
        "sigmoid-neuron gradient-x1": {"rounded twice"},
        "sigmoid-neuron gradient-w1": {"rounded twice"},
        "staged-code backward": {"wrong chain factor"},
        "perceptron-gates and": {"wrong number of inputs"},
        "perceptron-gates or": {"wrong number of inputs"},
        "learning-rate-and-noise every-step": {"does not hold"},
        "update-rules momentum": {"dash for minus"},
        "update-rules nesterov": {"dash for minus"},
        "update-rules rmsprop": {"dash for minus"},
        "update-rules adam-uncorrected": {"dash for minus"},
        "update-rules adam": {"dash for minus"},
        "gradient-descent direction": {"does not hold"},
    }


# The printed numbers against a computation of their own


def forward(x: Array, W1: Array, W21: Array, W22: Array, y: Array) -> dict[str, Array]:
    """The two-branch network, written out."""
    l1 = np.maximum(W1 @ x, 0)
    l21 = np.maximum(W21 @ l1, 0)
    l22 = 1 / (1 + np.exp(-(W22 @ l1)))
    z = np.maximum(l21, l22)
    yhat = np.exp(z) / np.exp(z).sum()
    return {"l1": l1, "l21": l21, "l22": l22, "z": z, "yhat": yhat, "L": -y @ np.log(yhat)}


def differences(inputs: dict[str, Array], name: str, step: float = 1e-5) -> Array:
    """The gradient of the network's loss by one input, by central differences."""
    gradient = np.zeros_like(inputs[name])
    for entry in np.ndindex(gradient.shape):
        shift = np.zeros_like(gradient)
        shift[entry] = step
        above, below = (forward(**{**inputs, name: inputs[name] + sign * shift})["L"] for sign in (1, -1))
        gradient[entry] = (above - below) / (2 * step)
    return gradient


def wrong_entries(asked: ValueQuestion | GradientValueQuestion, true: Array) -> set[Place]:
    printed = np.asarray(asked.printed)
    assert printed.shape == np.shape(true) and asked.decimals is not None
    off = np.abs(printed - np.round(true, asked.decimals)) > 1e-9
    return {(asked.id, tuple(int(i) for i in place)) for place in np.argwhere(off)}


def numbers(exercise: str) -> dict[str, Array]:
    problem = BANK[exercise].problem
    assert problem is not None
    return {name: np.asarray(value) for name, value in problem.values.items()}


def test_two_numbers_of_the_network_deviate() -> None:
    inputs = numbers("two-branch-network")
    values = forward(**inputs)
    wrong: set[Place] = set()
    for asked in BANK["two-branch-network"].questions:
        if isinstance(asked, ValueQuestion):
            wrong |= wrong_entries(asked, values[asked.of])
        elif isinstance(asked, GradientValueQuestion):
            wrong |= wrong_entries(asked, differences(inputs, asked.wrt))
    assert wrong == {("value-dW1", (0, 2)), ("value-dW22", (1, 1))}


def test_the_numbers_rounded_twice_are_products_of_rounded_numbers() -> None:
    inputs = numbers("two-branch-network")
    dW1, dW22 = (np.round(differences(inputs, name), 2) for name in ("W1", "W22"))
    assert question("two-branch-network", "value-dW1").printed[0][2] == pytest.approx(dW1[0, 0] * 3)
    assert question("two-branch-network", "value-dW22").printed[1][1] == pytest.approx(dW22[1, 0] * 2)


def test_two_gates() -> None:
    x, y, z = (numbers("add-multiply")[name] for name in "xyz")
    values = {"q": x + y, "f": (x + y) * z}
    gradients = {"q": z, "x": z, "y": z, "z": x + y}
    for asked in BANK["add-multiply"].questions:
        if isinstance(asked, ValueQuestion):
            assert not wrong_entries(asked, values[asked.of])
        elif isinstance(asked, GradientValueQuestion):
            assert not wrong_entries(asked, gradients[asked.wrt])


def neuron(w0: float, x0: float, w1: float, x1: float, w2: float) -> dict[str, float]:
    s0, s1 = w0 * x0, w1 * x1
    s3 = s0 + s1 + w2
    b = float(np.exp(-s3))
    return {"s0": s0, "s1": s1, "s2": s0 + s1, "s3": s3, "a": -s3, "b": b, "c": 1 + b, "f": 1 / (1 + b)}


def neuron_gradients(w0: float, x0: float, w1: float, x1: float, w2: float) -> dict[str, float]:
    """By hand: d f / d s3 = f (1 - f), and everything before it is linear."""
    f = 1 / (1 + float(np.exp(-(w0 * x0 + w1 * x1 + w2))))
    c, slope = 1 / f, f * (1 - f)
    late = {"f": 1.0, "c": -1 / c**2, "b": -1 / c**2, "a": -slope, "s3": slope}
    early = {"s2": slope, "s0": slope, "s1": slope, "w2": slope}
    return {**late, **early, "w0": slope * x0, "x0": slope * w0, "w1": slope * x1, "x1": slope * w1}


def test_three_gradients_of_the_neuron_deviate() -> None:
    inputs = {name: float(value) for name, value in numbers("sigmoid-neuron").items()}
    values, gradients = neuron(**inputs), neuron_gradients(**inputs)
    wrong: set[Place] = set()
    for asked in BANK["sigmoid-neuron"].questions:
        if isinstance(asked, ValueQuestion):
            wrong |= wrong_entries(asked, np.asarray(values[asked.of]))
        elif isinstance(asked, GradientValueQuestion):
            wrong |= wrong_entries(asked, np.asarray(gradients[asked.wrt]))
    assert wrong == {("gradient-x0", ()), ("gradient-x1", ()), ("gradient-w1", ())}


def test_the_mask_of_relu_matters_as_a_rule_but_not_in_this_network() -> None:
    """What the note on dW21 says: with the network's own upstream gradient the printed formula is right."""
    rng = np.random.default_rng(6)
    for _ in range(20):
        inputs = {"x": rng.normal(size=4), "W1": rng.normal(size=(5, 4)), "W21": rng.normal(size=(3, 5))}
        inputs |= {"W22": rng.normal(size=(3, 5)), "y": np.eye(3)[1]}
        v = forward(**inputs)
        upstream = (v["yhat"] - inputs["y"]) * (v["l21"] >= v["l22"])
        assert np.allclose(np.outer(upstream, v["l1"]), differences(inputs, "W21"), atol=1e-7)
    upstream, l1, W21 = np.array([1.0, 2, 3]), np.array([1.0, 2]), np.array([[1.0, 1], [1, -1], [-1, 1]])
    dead = 1e-5 * np.array([[0, 0], [1, 0], [0, 0]])
    above, below = (upstream @ np.maximum((W21 + sign * dead) @ l1, 0) for sign in (1, -1))
    assert above == below and np.outer(upstream, l1)[1, 0] == 2  # the rule says 2 where nothing changes


@pytest.mark.parametrize("rows, columns", [(2, 3), (3, 2), (1, 4), (4, 1), (3, 3)])
def test_the_printed_flattening_is_right_for_square_matrices_only(rows: int, columns: int) -> None:
    asked = question("jacobian-and-flattening", "row-flattening")
    assert isinstance(asked, FlatteningQuestion)
    assert (asked.printed, asked.shape, asked.order) == ("(i-1)*n+j", ("n", "m"), "row")
    entries = np.arange(1, rows * columns + 1).reshape(rows, columns)
    agrees = all((i - 1) * rows + j == entries[i - 1, j - 1] for i in range(1, rows + 1) for j in range(1, columns + 1))
    assert agrees == (rows == columns or rows == 1)


def test_the_gradients_of_the_laws() -> None:
    """Upstream times a difference quotient; at the tie the convention decides, so it is left out."""
    rules: dict[str, Callable[[Array, Array], Array]] = {
        "x + y": lambda x, y: x + y,
        "x*y": lambda x, y: x * y,
        "max(x, y)": np.maximum,
    }
    for law in BANK["gate-patterns"].questions:
        assert isinstance(law, LawQuestion)
        if law.gate == "copy" or law.id == "max-tie":
            continue
        gate = rules[law.problem.formula.removeprefix("z = ")]
        x, y = (np.asarray(law.problem.values[name]) for name in "xy")
        h = 1e-6
        slopes = {"x": (gate(x + h, y) - gate(x - h, y)) / (2 * h), "y": (gate(x, y + h) - gate(x, y - h)) / (2 * h)}
        for name, slope in slopes.items():
            assert np.allclose(np.asarray(law.upstream) * slope, law.gradients[name]), law.id


# Reading


HEAD = """\
id = "quiz"
where = "x: R^n"
formula = "x'*x"
title = { en = "Quiz", fa = "آزمون" }
source = { document = "notes", row = 1 }
statement = { en = "Differentiate.", fa = "مشتق بگیرید." }

"""
DERIVATIVE = """\
[[question]]
id = "first"
kind = "derivative"
wrt = "x"
text = { en = "By x.", fa = "نسبت به x." }
"""
VALUE = DERIVATIVE.replace('"derivative"', '"value"').replace("wrt", "of")
FLATTENING = DERIVATIVE.replace("derivative", "flattening").replace('wrt = "x"', 'shape = ["n", "n"]')
NOTE = 'note = { en = "wrong", fa = "نادرست" }\n'


@pytest.fixture
def quiz(tmp_path: Path) -> Quiz:
    def write(text: str, name: str = "quiz.toml") -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_a_small_exercise(quiz: Quiz) -> None:
    exercise = load(quiz(HEAD + DERIVATIVE))
    asked = exercise.questions[0]
    assert isinstance(asked, DerivativeQuestion)
    assert (asked.id, asked.wrt, asked.layout, asked.of, asked.printed) == ("first", ("x",), "mixed", None, None)
    assert asked.problem == exercise.problem and asked.finding == () and asked.note is None
    assert exercise.title.fa == "آزمون" and exercise.source.documents == ("notes",)


def test_what_a_question_takes_from_the_exercise(quiz: Quiz) -> None:
    values = HEAD.replace("title", "values = { x = [1, 2] }\ntitle")
    inherits: Any = load(quiz(values + DERIVATIVE)).questions[0]
    assert inherits.problem.values == {"x": (1.0, 2.0)}
    declares: Any = load(quiz(values + DERIVATIVE + 'where = "x: R^m"\n')).questions[0]
    own = declares.problem
    assert (own.where, own.formula, own.values) == ("x: R^m", "x'*x", {})


def test_numbers_are_read_as_nested_tuples(quiz: Quiz) -> None:
    asked = load(quiz(HEAD + VALUE + "printed = [[1, 2.5], [0, -3]]\ndecimals = 1")).questions[0]
    assert isinstance(asked, ValueQuestion) and asked.printed == ((1.0, 2.5), (0.0, -3.0))


def test_chain_and_structure_are_read() -> None:
    chain, size = question("trace", "chain"), question("relu-jacobian", "size")
    assert isinstance(chain, ChainQuestion) and isinstance(size, StructureQuestion)
    assert chain.printed == (Factor("f", "X"), Factor("P", "X"))
    assert size.printed is not None and size.printed.size == 4096**2 and size.printed.diagonal == (0.0, 1.0)


BAD = {
    "not TOML": (HEAD + "[[question]\n", "line 8, .*not TOML"),
    "ends too soon": (HEAD + "[[question]]\nid = ", "not TOML"),
    "unknown key": (HEAD + DERIVATIVE + 'layuot = "gradient"',
                    r"line 13, column 1: .*question 1\.layuot.*\n.*\n.*\^{6}\n.*mean layout"),
    "unknown key above": ('wher = "x: R"\n' + HEAD + DERIVATIVE, "line 1, column 1: .*wher: no such key"),
    "unknown kind": (HEAD + DERIVATIVE.replace("derivative", "derivativ"),
                     "line 10, .*kind: 'derivativ'(.|\n)*mean derivative"),
    "unknown layout": (HEAD + DERIVATIVE + 'layout = "rows"', "layout: 'rows' is not known(.|\n)*numerator"),
    "unknown finding": (HEAD + DERIVATIVE + 'printed = "x"\nfinding = ["mask missing"]\n' + NOTE, "'mask missing'"),
    "finding without print": (HEAD + DERIVATIVE + 'finding = ["transposed"]\n' + NOTE, "line 13, .*nothing is"),
    "finding without note": (HEAD + DERIVATIVE + 'printed = "x"\nfinding = ["transposed"]', "a note must say"),
    "no Persian": (HEAD.replace(', fa = "آزمون"', "") + DERIVATIVE, "line 4, .*title: the key fa is missing"),
    "empty Persian": (HEAD.replace("آزمون", " ") + DERIVATIVE, "line 4, .*title.fa: a text"),
    "no statement": (HEAD.replace("statement", "statment") + DERIVATIVE, "line 6, .*key statement is missing"),
    "no question": (HEAD, "key question is missing"),
    "question of no table": (HEAD + "question = [1]", "question: a list of tables"),
    "formula alone": (HEAD.replace("where", "#") + DERIVATIVE, "the key where is missing"),
    "same id twice": (HEAD + DERIVATIVE + DERIVATIVE, "line 14, .*question 2.id: question 1 has the id 'first'"),
    "bad id": (HEAD.replace('"quiz"', '"a quiz"') + DERIVATIVE, "line 1, .*'a quiz' is not an id"),
    "bad name": (HEAD + DERIVATIVE.replace('"x"', '"x+1"'), "wrt: .*'x\\+1'|wrt: a name"),
    "ragged": (HEAD + VALUE + "printed = [[1, 2], [3]]\ndecimals = 1", "not equally long"),
    "no number": (HEAD + VALUE + "printed = [1, nan]\ndecimals = 1", "line 13, .*finite number"),
    "truth value": (HEAD + VALUE + "printed = true\ndecimals = 1", "finite number"),
    "too deep": (HEAD + VALUE + "printed = [[[[[1]]]]]\ndecimals = 1", "finite number"),
    "far too deep": (HEAD + VALUE + "printed = " + "[" * 50_000, "nested too deeply|not TOML"),
    "long integer": (HEAD + VALUE + "printed = " + "9" * 50_000, "not TOML|finite number"),
    "no decimals": (HEAD + VALUE + "printed = 1.5", "the key decimals is missing"),
    "decimals": (HEAD + VALUE + "printed = 1.5\ndecimals = -1", "line 14, .*an integer from 0"),
    "row": (HEAD.replace("row = 1", "row = true") + DERIVATIVE, "source.row: an integer"),
    "square letters": (HEAD + FLATTENING, "two different letters"),
}  # fmt: skip


@pytest.mark.parametrize("text, message", BAD.values(), ids=BAD)
def test_bad_files_are_refused_with_file_and_place(quiz: Quiz, text: str, message: str) -> None:
    with pytest.raises(SymgradError) as error:
        load(quiz(text))
    assert "quiz.toml" in str(error.value)
    assert re.search(message, str(error.value))


def test_a_huge_number_is_not_read_as_infinity(quiz: Quiz) -> None:
    with pytest.raises(ParseError, match="finite number"):
        load(quiz(HEAD + VALUE + "printed = 1e999\ndecimals = 1"))


def test_a_file_that_is_not_there(quiz: Quiz) -> None:
    path = quiz(HEAD + DERIVATIVE)
    with pytest.raises(UnknownNameError, match=r"quis.toml: cannot be read(.|\n)*did you mean quiz.toml"):
        load(path.with_name("quis.toml"))


def test_a_file_that_is_not_utf8(tmp_path: Path) -> None:
    path = tmp_path / "old.toml"
    path.write_bytes(b'id = "a"\ntitle = "\xe3\xd4"')
    with pytest.raises(ParseError, match=r"old.toml: line 2: this is not UTF-8"):
        load(path)


def test_windows_line_ends_keep_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "quiz.toml"
    path.write_bytes((HEAD + DERIVATIVE + 'vek = "row"').replace("\n", "\r\n").encode("utf-8-sig"))
    with pytest.raises(UnknownNameError, match=r"^line 13, column 1: "):
        load(path)


def test_folders_are_sorted_and_files_read_once(quiz: Quiz, tmp_path: Path) -> None:
    for name in ("b", "a"):
        quiz(HEAD.replace("quiz", name) + DERIVATIVE, f"{name}.toml")
    assert [e.id for e in load_all([tmp_path / "b.toml", tmp_path])] == ["b", "a"]
    assert [e.id for e in load_all([tmp_path])] == ["a", "b"]


def test_two_files_with_one_id(quiz: Quiz, tmp_path: Path) -> None:
    for name in ("a", "b"):
        quiz(HEAD + DERIVATIVE, f"{name}.toml")
    with pytest.raises(ParseError, match=r"b.toml: id: the exercise 'quiz' is already in .*a.toml"):
        load_all([tmp_path])


def test_a_folder_without_exercises(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="no exercise"):
        load_all([tmp_path])


# The documentation


def documentation() -> str:
    return (ROOT / "docs" / "exercises.md").read_text(encoding="utf-8")


def test_the_example_of_the_documentation_loads(quiz: Quiz) -> None:
    found = re.search("```toml\n(.*?)```", documentation(), re.DOTALL)
    assert found is not None
    assert [asked.kind for asked in load(quiz(found[1])).questions] == ["derivative", "value"]


def test_the_documentation_names_every_kind_and_finding() -> None:
    from symgrad.bank import training_questions
    from symgrad.bank.exercise import CLAIMS, FINDINGS, GATES, LAYOUTS, METHODS, OF_PRINTS, STRUCTURES

    of_training = (training_questions.CLAIMS, training_questions.PICTURES, training_questions.SCHEDULES)
    words = [word for words in (*of_training, training_questions.SAMPLES) for word in words]
    for word in (*READERS, *TRAINING, *FINDINGS, *OF_PRINTS, *CLAIMS, *GATES, *LAYOUTS, *METHODS, *STRUCTURES, *words):
        assert f"`{word}`" in documentation(), word
