"""A class graded: every planted mistake named, points, attempts, the homework's own key, the ledger."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

import symgrad as sg
from symgrad.bank.exercise import (
    ChainQuestion,
    DerivativeQuestion,
    FlatteningQuestion,
    GradientValueQuestion,
    Question,
    StructureQuestion,
    ValueQuestion,
    load,
    load_all,
)
from symgrad.bank.grading import keys
from symgrad.bank.grading.definition import definition, question_of
from symgrad.bank.grading.grader import Grader
from symgrad.bank.grading.ledger import Entry, Ledger
from symgrad.bank.grading.marks import Marking, credit_of, marking
from symgrad.bank.grading.outcome import Outcome
from symgrad.bank.grading.run import grade
from symgrad.bank.grading.typed import chain, form, numbers
from symgrad.errors import DomainError, LimitError, ParseError, UnknownNameError

ROOT = Path(__file__).parents[2]
EXERCISES = ROOT / "exercises"
QUIZ = ROOT / "examples/class/quiz.toml"

# What the documents print wrongly, by rows of the course's table (4, 5, 6, 10, 11), written down by hand.
MISTAKES = {
    "trace/chain": {"wrong chain factor"},
    "jacobian-and-flattening/row-flattening": {"wrong index formula"},
    "two-branch-network/dW21": {"missing mask"},
    "two-branch-network/dW22": {"missing chain factor"},
    "two-branch-network/dl1": {"missing mask", "missing chain factor"},
    "two-branch-network/dW1": {"missing mask"},
    "two-branch-network/value-dW1": {"rounded twice"},
    "two-branch-network/value-dW22": {"rounded twice"},
    "add-multiply/chain-z": {"wrong chain factor"},
    "sigmoid-neuron/gradient-x0": {"rounded twice"},
    "sigmoid-neuron/gradient-x1": {"rounded twice"},
    "sigmoid-neuron/gradient-w1": {"rounded twice"},
}
BASE = {
    "add-multiply", "computational-graph", "gate-patterns", "jacobian-and-flattening", "linear-form", "linear-map",
    "quadratic-form", "relu-jacobian", "sigmoid-neuron", "trace", "two-branch-network",
}  # fmt: skip


def typed(question: Question) -> str | None:
    """A print as a student types it."""
    printed = getattr(question, "printed", None)
    if printed is None:
        return None
    if isinstance(question, ChainQuestion):
        return " * ".join(f"d{f.of}/d{f.wrt}" for f in printed)
    if isinstance(question, StructureQuestion):
        size = f", {printed.size} entries" if printed.size else ""
        return " x ".join(map(str, printed.shape)) + (f", {printed.structure}" if printed.structure else "") + size
    if isinstance(question, DerivativeQuestion | FlatteningQuestion):
        return printed
    return json.dumps(printed)


def outcomes(report) -> dict[str, Outcome]:
    return {row.question: row.outcome for row in report.rows()}


# --- the homework's own key -------------------------------------------------------------------


def test_the_prints_of_the_homework_are_graded_and_their_mistakes_named(tmp_path):
    exercises = [e for e in load_all([EXERCISES / "homework", EXERCISES / "backpropagation"]) if e.id in BASE]
    answers = [("print", f"{e.id}/{q.id}", typed(q)) for e in exercises for q in e.questions if typed(q) is not None]
    report = grade(exercises, answers, jobs=2, ledger=tmp_path / "ledger.jsonl")
    found = outcomes(report)
    assert len(found) == len(answers) > 70
    assert {name: set(o.mistakes) for name, o in found.items() if o.verdict != "right"} == MISTAKES
    assert grade(exercises, answers, ledger=tmp_path / "ledger.jsonl").graded == 0


STAGED = """grad_L = 1.0
grad_s3 = grad_L * (1 - L) * L
grad_w2 = grad_s3
grad_s2 = grad_s3
{line} = grad_s2
grad_s1 = grad_s2
grad_w0 = grad_s0 * x0"""


@pytest.mark.parametrize(
    ("line", "verdict", "mistakes"),
    [("grad_w0", "wrong", ("wrong chain factor",)), ("grad_s0", "right", ())],
)
def test_the_printed_backward_pass_names_the_wrong_gradient(line, verdict, mistakes):
    """Row 13: the print's `grad_w0 = grad_s2` should be `grad_s0 = grad_s2`."""
    question = load(QUIZ).questions[0]
    problem = replace(
        question.problem,
        where="w0, w1, w2, x0, x1: R",
        formula="s0 = w0*x0; s1 = w1*x1; s2 = s0 + s1; s3 = s2 + w2; L = sigmoid(s3)",
    )
    neuron = replace(question, problem=problem, wrt=("w0",))
    found = Grader().graded(neuron, STAGED.format(line=line))
    assert (found.verdict, found.mistakes) == (verdict, mistakes)
    if verdict == "wrong":
        assert "line 5: wrong" in found.feedback and "line 4: right" in found.feedback


def test_a_backward_pass_that_stops_early_is_wrong():
    question = load(QUIZ).questions[0]
    problem = replace(question.problem, where="w, x: R", formula="s = w*x; L = sigmoid(s)")
    found = Grader().graded(replace(question, problem=problem, wrt=("w",)), "grad_L = 1\ngrad_s = grad_L*L*(1-L)")
    assert found.verdict == "wrong" and "gradient of w is not computed" in found.feedback


# --- verdicts ---------------------------------------------------------------------------------

JUDGED = [
    ("quadratic", "(A + A')*x", "right", ()),
    ("quadratic", "A x + A^T x", "right", ()),
    ("quadratic", "۲*A*x", "wrong", ("assumed symmetric",)),
    ("quadratic", "x'*(A + A')", "other layout", ("transposed",)),
    ("quadratic", "A*x", "wrong", ("forgot second occurrence",)),
    ("quadratic", "x*A", "shape", None),
    ("quadratic", "x'*A*x", "shape", None),
    ("quadratic", "(A + A'*x", "unreadable", ()),
    ("quadratic", "(A + B)*x", "unreadable", ()),
    ("quadratic", "", "blank", ()),
    ("squares", "2*A'*(b - A*x)", "wrong", ("sign",)),
    ("relu", "A'*ones(m)", "wrong", ("missing mask",)),
    ("neuron", "-0.39", "right", ()),
    ("neuron", "-0.3932", "right", ()),
    ("neuron", "0.39", "wrong", ()),
    ("neuron", "[-0.39]", "right", ()),
    ("neuron", "[-0.39, 1]", "shape", ()),
    ("neuron", "about 0.4", "unreadable", ()),
]


@pytest.mark.parametrize(("name", "answer", "verdict", "mistakes"), JUDGED, ids=[f"{q}: {a}" for q, a, *_ in JUDGED])
def test_verdicts(name, answer, verdict, mistakes):
    question = next(q for q in load(QUIZ).questions if q.id == name)
    found = Grader().graded(question, keys.plain(answer))
    assert found.verdict == verdict
    assert mistakes is None or found.mistakes == mistakes


def test_a_fault_of_form_is_located_for_the_student():
    question = load(QUIZ).questions[0]
    assert "column 1" in Grader().graded(question, "(A + A'*x").feedback
    assert "column 2" in Grader().graded(question, "x*A").feedback


def test_the_note_for_the_teacher_has_no_sampled_numbers():
    question = load(QUIZ).questions[0]
    found = Grader().graded(question, "2*A*x")
    assert found.note == "wrong | samples | assumed symmetric"
    assert "should be" in found.witness and "should be" not in found.note + found.feedback


def test_the_right_number_is_not_in_the_feedback():
    found = Grader().graded(load(QUIZ).questions[3], "-0.41")
    assert found.verdict == "wrong" and "0.39" not in found.feedback and "-0.393" in found.witness


@pytest.mark.parametrize(("said", "verdict"), [("[[1, 3], [2, 4]]", "right"), ("1 2; 3 4", "other layout")])
def test_a_matrix_of_numbers_may_be_transposed(said, verdict):
    question = next(q for q in load(QUIZ).questions if isinstance(q, GradientValueQuestion))
    problem = replace(
        question.problem, where="A: R^{2 x 2}; B: R^{2 x 2}", formula="f = tr(A'*B)",
        values={"A": ((0.0, 0.0), (0.0, 0.0)), "B": ((1.0, 3.0), (2.0, 4.0))},
    )  # fmt: skip
    assert Grader().graded(replace(question, problem=problem, wrt="A"), said).verdict == verdict


def test_a_question_that_cannot_be_derived_is_left_to_a_person():
    question = load(QUIZ).questions[0]
    broken = replace(question, problem=replace(question.problem, formula="x*x"))
    found = Grader().graded(broken, "x")
    assert found.verdict == "unresolved" and "the question cannot be judged" in found.feedback


def test_a_graph_is_left_to_a_person():
    [graph] = [q for e in load_all([EXERCISES]) if e.id == "add-multiply" for q in e.questions if q.id == "graph"]
    assert Grader().graded(graph, "a picture").verdict == "unresolved"


def test_the_definition_of_every_question_can_be_sent_and_read_back():
    for exercise in load_all([EXERCISES]):
        for question in exercise.questions:
            sent = json.loads(json.dumps(definition(question)))
            assert definition(question_of(sent)) == definition(question)


# --- what people type -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.5", 0.5),
        ("-1/4", -0.25),
        ("x = [1, 2]", (1.0, 2.0)),
        ("(3, 0.5, 1)", (3.0, 0.5, 1.0)),
        ("1\n2\n3", (1.0, 2.0, 3.0)),
        ("[1 2; 3 4]", ((1.0, 2.0), (3.0, 4.0))),
        ("[[1,2],\n [3,4]]", ((1.0, 2.0), (3.0, 4.0))),
        ("np.array([[1., .5]])", ((1.0, 0.5),)),
        (r"\begin{bmatrix} 1 \\ -2e1 \end{bmatrix}", (1.0, -20.0)),
        ("[1, 2]^T", (1.0, 2.0)),
    ],
)
def test_numbers(text, value):
    assert numbers(text) == value


@pytest.mark.parametrize("text", ["", "one", "[1, 2", "1]", "[[1, 2], [3]]", "1/0", "1e999", "2x", "--1"])
def test_no_numbers(text):
    with pytest.raises(ParseError):
        numbers(text)


@pytest.mark.parametrize("text", ["[" * 5000, "1 " * 20_000])
def test_numbers_are_bounded(text):
    with pytest.raises(LimitError):
        numbers(text)


@pytest.mark.parametrize(
    "text", ["df/dP dP/dX", "(∂f/∂P)·(∂P/∂X)", r"\frac{\partial f}{\partial P} \frac{dP}{dX}", "df/dX = df/dP*dP/dX"]
)
def test_chains(text):
    assert [(f.of, f.wrt) for f in chain(text)] == [("f", "P"), ("P", "X")]


def test_no_chain():
    with pytest.raises(ParseError, match="column 9"):
        chain("df/dP * (A + A')")


def test_forms():
    assert form("4096 × 4096 diagonal; 16777216 entries").size == 16777216
    assert form("(m, n)").shape == ("m", "n") and form("n by m, قطری").structure == "diagonal"
    with pytest.raises(ParseError):
        form("diagonal")


# --- spellings and keys -----------------------------------------------------------------------


@pytest.mark.parametrize("other", ["۲*A’*x", "\u200f2*A'*x ", "2*A'*x.", "\ufeff2*A′*x", "２*A'*x", "\n 2*A'*x\n\n"])
def test_spellings_of_one_answer(other):
    assert keys.plain(other) == keys.plain("2*A'*x")


@pytest.mark.parametrize("other", ["2*A*x", "2*A'x", "2*a'*x", "2*A'*x*1", "-2*A'*x"])
def test_different_answers_stay_different(other):
    assert keys.plain(other) != keys.plain("2*A'*x")


def test_long_answers_are_cut_and_stay_different():
    one, two = keys.plain("x" * 10**6), keys.plain("x" * 10**6 + "y")
    assert keys.too_long(one) and one != two and len(one) < 400 and "1000000 characters" in keys.shown(one)


def test_keys_depend_on_question_answer_and_grader(monkeypatch):
    key = keys.key("q", "a")
    assert len({key, keys.key("p", "a"), keys.key("q", "b"), keys.key("qa", "")}) == 4
    monkeypatch.setattr(keys, "GRADER", keys.GRADER + 1)
    assert keys.key("q", "a") != key


# --- points -----------------------------------------------------------------------------------


def test_credit_multiplies_and_finer_ids_come_first():
    rule = Marking(2.0, {"missing mask": 0.5, "max sent to both": 0.8, "sign": 0.5})
    assert rule.points_for(Outcome("wrong", mistakes=("missing mask",), details=("missing mask",))) == 1.0
    assert rule.points_for(Outcome("wrong", mistakes=("missing mask",), details=("max sent to both",))) == 1.6
    assert rule.points_for(Outcome("wrong", mistakes=("missing mask", "sign"))) == 0.5
    assert rule.points_for(Outcome("wrong", mistakes=("transposed",))) == 0.0
    assert rule.points_for(Outcome("wrong")) == 0.0 and rule.points_for(Outcome("right")) == 2.0


@pytest.mark.parametrize(
    ("rule", "credit", "share"),
    [("wrong", {}, 0), ("partial", {}, 0.5), ("right", {}, 1), ("partial", {"transposed": 0.9}, 0.9)],
)
def test_another_layout_counts_as_configured(rule, credit, share):
    outcome = Outcome("other layout", mistakes=("transposed",), details=("transposed",))
    assert Marking(1.0, credit, rule).share(outcome) == share


def test_marks_of_a_question_come_before_those_of_the_file_and_the_bank(tmp_path):
    text = QUIZ.read_text(encoding="utf-8").replace(
        'id = "relu"\n', 'id = "relu"\npoints = 4\ncredit = { "missing mask" = 0.75 }\n'
    )
    path = tmp_path / "quiz.toml"
    path.write_text(text, encoding="utf-8")
    quadratic, _, relu, _ = load(path).questions
    shared = marking(quadratic.marks, {"missing mask": 0.1, "sign": 0.2}, "wrong")
    own = marking(relu.marks, {}, None)
    assert (shared.points, shared.credit["missing mask"], shared.credit["sign"], shared.other_layout) == (
        1.0,
        0.5,
        0.2,
        "partial",
    )
    assert (own.points, own.credit["missing mask"], own.credit["assumed symmetric"]) == (4.0, 0.75, 0.25)


def test_wrong_marks_are_refused_with_their_place(tmp_path):
    path = tmp_path / "quiz.toml"
    path.write_text(QUIZ.read_text(encoding="utf-8").replace("= 0.25", "= 1.5"), encoding="utf-8")
    with pytest.raises(ParseError, match=r"line 4.*assumed symmetric.*from 0 to 1"):
        load(path)
    with pytest.raises(UnknownNameError, match="no mistake 'missing masc'"):
        grade(QUIZ, [("Ada", "relu", "x")], credit={"missing masc": 0.5})
    with pytest.raises(DomainError):
        grade(QUIZ, [("Ada", "relu", "x")], credit={"sign": 2})


def test_credit_from_the_command_line(tmp_path):
    (tmp_path / "shares.toml").write_text('[credit]\nsign = 0.25\n"missing mask" = 0.5', encoding="utf-8")
    assert credit_of([str(tmp_path / "shares.toml"), "sign=0.75"]) == {"sign": 0.75, "missing mask": 0.5}
    with pytest.raises(ParseError):
        credit_of(["sign=half"])
    with pytest.raises(UnknownNameError):
        credit_of([str(tmp_path / "none.toml")])


@pytest.mark.parametrize(
    ("rule", "correct", "word"),
    [("wrong", False, "wrong"), ("partial", False, "partly right"), ("right", True, "right")],
)
@pytest.mark.parametrize(
    ("expression", "wrt", "answer", "where"),
    [
        ("x'*A*x", "x", "x'*(A + A')", "x: R^n; A: R^{n x n}"),
        ("A*x", "x", "A'", "x: R^n; A: R^{n x n}"),  # of the same shape: told by values
        ("A*x", "x", "A'", "x: R^n; A: R^{m x n}"),
    ],
)
def test_check_answer_in_another_layout(expression, wrt, answer, where, rule, correct, word):
    verdict = sg.check_answer(expression, wrt, answer=answer, where=where, other_layout=rule)
    assert verdict.correct is correct and verdict.word == word and verdict.layout is not None
    assert verdict.text().startswith(word) and verdict.to_json()["layout"] == verdict.layout
    assert (verdict.misconception is None) is correct


def test_check_answer_refuses_another_rule():
    with pytest.raises(DomainError, match="other_layout"):
        sg.check_answer("x'*x", "x", answer="x", other_layout="maybe")


# --- attempts ---------------------------------------------------------------------------------

TRIES = [
    ("Ada", "quadratic", "2*A*x"),
    ("Ada", "quadratic", "(A + A')*x"),
    ("Ada", "quadratic", "A*x"),
    ("Ada", "quadratic", "(A*x"),
    ("Ada", "quadratic", "x*A"),
    ("Basil", "quadratic", "(A*x"),
]


@pytest.mark.parametrize(
    ("policy", "kept", "points"), [("last", "A*x", 0), ("first", "2*A*x", 0.25), ("best", "(A + A')*x", 1)]
)
def test_faults_of_form_cost_no_attempt(policy, kept, points):
    ada, basil = grade(QUIZ, TRIES, jobs=1, attempts=policy).rows()
    assert (ada.answer, ada.points, ada.attempts, ada.tries) == (kept, points, 3, 5)
    assert (basil.outcome.verdict, basil.attempts, basil.tries) == ("unreadable", 0, 1)


def test_another_policy_is_refused():
    with pytest.raises(DomainError, match="attempts"):
        grade(QUIZ, TRIES, attempts="all")


# --- the report's numbers ---------------------------------------------------------------------


def test_totals_mistakes_and_difficulty():
    report = grade(QUIZ, ROOT / "examples/class/answers.csv", jobs=1)
    totals = {s.student: s.points for s in report.students}
    assert totals == {"Ada": 4.0, "Basil": 0.75, "Cyrus": 0.5, "دارا": 1.25, "Emmy": 1.0} and report.out_of == 4.0
    assert report.mistakes[0].mistake == "assumed symmetric"
    assert (report.mistakes[0].answers, report.mistakes[0].students, report.mistakes[0].example) == (2, 2, "2*A*x")
    shares = {q.id: q.share for q in report.questions}
    assert shares["quiz/quadratic"] == (1 + 0.25 + 0.5 + 0.25 + 1) / 5 and shares["quiz/relu"] == (1 + 0.5) / 2
    assert [q.share for q in report.questions] == sorted(shares.values())
    assert report.submitted == 14 and report.distinct_answers == report.graded == 13  # 2*A*x is there twice


def test_submissions_of_unknown_questions_cost_their_author_alone():
    report = grade(QUIZ, [("Ada", "quadratics", "x"), ("", "relu", "x"), ("Basil", "quiz/relu", "A'*[A*x>0]")], jobs=1)
    assert [(u.student, u.reason) for u in report.skipped] == [
        ("Ada", "no question 'quadratics' (did you mean quadratic or quiz/quadratic?)"), ("", "no student"),
    ]  # fmt: skip
    assert [row.points for row in report.rows()] == [1.0]


def test_nothing_usable_is_an_error():
    with pytest.raises(UnknownNameError, match="no submission can be used: line 1"):
        grade(QUIZ, [("Ada", "nothing", "x")])


# --- the ledger -------------------------------------------------------------------------------


def test_a_ledger_survives_torn_and_foreign_lines(tmp_path):
    path = tmp_path / "ledger.jsonl"
    with Ledger(path) as ledger:
        ledger.append(Entry("k1", "q", "x", Outcome("right", "normal form")))
    with path.open("ab") as file:
        file.write(b'{"key": "k2", "outcome": {"verdict": "ri')  # torn by a kill
    with Ledger(path) as ledger:
        ledger.append(Entry("k3", "q", "سلام\n\x00", Outcome("wrong", "samples", mistakes=("sign",))))
    with path.open("ab") as file:
        file.write(b'\n[1]\n{"key": "k4", "outcome": {"verdict": "perfect"}}\n\xff\xfe\n{"key": "k5"}\n')
    again = Ledger(path)
    found = again.read({"k1", "k2", "k3", "k4", "k5"})
    assert set(found) == {"k1", "k3"} and found["k3"].mistakes == ("sign",)
    assert again.passed_over == 5


def test_what_was_unresolved_is_graded_again_when_asked(tmp_path):
    path = tmp_path / "ledger.jsonl"
    with Ledger(path) as ledger:
        ledger.append(Entry("k", "q", "x", Outcome("unresolved", feedback="slow")))
    assert set(Ledger(path).read({"k"})) == {"k"} and Ledger(path).read({"k"}, unresolved=False) == {}


def test_credit_and_new_submissions_grade_nothing_again(tmp_path):
    ledger, answers = tmp_path / "ledger.jsonl", [("Ada", "quadratic", "2*A*x")]
    assert grade(QUIZ, answers, jobs=1, ledger=ledger).graded == 1
    again = grade(
        QUIZ, [*answers, ("Basil", "quadratic", "۲ * A * x"), ("Basil", "relu", "A'*ones(m)")], jobs=1, ledger=ledger
    )
    assert again.graded == 2  # blanks around operators are not taken away
    richer = grade(QUIZ, answers, jobs=1, ledger=ledger, credit={"assumed symmetric": 1})
    assert richer.graded == 0 and [r.points for r in richer.rows()] == [0.25]  # the file says 0.25 itself


def test_a_changed_question_is_graded_again(tmp_path):
    ledger, exercise = tmp_path / "ledger.jsonl", load(QUIZ)
    first = grade(exercise, [("Ada", "quadratic", "2*A*x")], jobs=1, ledger=ledger)
    question = exercise.questions[0]
    symmetric = replace(question, problem=replace(question.problem, where="x: R^n; A: R^{n x n} symmetric"))
    changed = grade(replace(exercise, questions=(symmetric,)), [("Ada", "quadratic", "2*A*x")], jobs=1, ledger=ledger)
    assert changed.graded == 1
    assert [r.outcome.verdict for r in (*first.rows(), *changed.rows())] == ["wrong", "right"]


def test_sentences_of_a_question_may_change(tmp_path):
    exercise = load(QUIZ)
    question = exercise.questions[0]
    assert definition(replace(question, text=exercise.title, note=exercise.title)) == definition(question)


def test_a_ledger_that_cannot_be_written_is_told(tmp_path):
    with pytest.raises(DomainError, match="cannot be written"):
        grade(QUIZ, [("Ada", "relu", "x")], ledger=tmp_path / "none" / "ledger.jsonl")


def test_value_questions_are_judged_where_nothing_is_printed():
    question = next(q for q in load(QUIZ).questions if isinstance(q, GradientValueQuestion))
    value = ValueQuestion(
        id="v", text=question.text, finding=(), note=None, problem=question.problem, of="t", printed=None, decimals=None
    )
    assert Grader().graded(value, "-1.00").verdict == "right"
