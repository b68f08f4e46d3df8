"""The questions on training: every planted mistake is found, right prints are right, keys show what was run."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from symgrad.bank.content import Figure, Table
from symgrad.bank.exercise import Bilingual, load, load_all
from symgrad.bank.judges_of_training import judge_update
from symgrad.bank.key import figures, key
from symgrad.bank.training_phrases import TRAINING
from symgrad.bank.training_questions import UpdateQuestion
from symgrad.bank.verify import judge
from symgrad.bank.writers.markdown import markdown
from symgrad.errors import ParseError, SymgradError, UnknownNameError
from symgrad.training.objective import Objective
from symgrad.training.rules import RULES

EXERCISES = Path(__file__).parents[2] / "exercises" / "training"
BANK = {e.id: e for e in load_all([EXERCISES])}
TEXT = Bilingual(en="x", fa="x")


def asked(exercise: str, id: str) -> Any:
    return next(q for q in BANK[exercise].questions if q.id == id)


def found(question: Any) -> tuple[str, ...]:
    return judge(question).findings


# --- perceptrons --------------------------------------------------------------------------------

AND = [(a, b, c, float(a and b and c)) for a in (0.0, 1.0) for b in (0.0, 1.0) for c in (0.0, 1.0)]


@pytest.mark.parametrize(
    ("change", "findings"),
    [
        ({}, ()),
        ({"printed": None}, ()),
        ({"bias": -3.0}, ("wrong answer",)),
        ({"bias": -2.0}, ()),
        ({"bias": -1.5}, ("wrong answer",)),
        ({"weights": (2.0, 1.0, 1.0)}, ("wrong answer",)),
        ({"gate": "or"}, ("wrong answer",)),
        ({"printed": (*AND[:7], (1.0, 1.0, 1.0, 0.0))}, ("wrong answer",)),
        ({"printed": AND[1:]}, ("wrong answer",)),
        ({"printed": [row[1:] for row in AND]}, ("wrong number of inputs",)),
    ],
)
def test_designs_and_tables(change: dict[str, Any], findings: tuple[str, ...]) -> None:
    question = replace(asked("perceptron-gates", "and"), **{"printed": AND, **change})
    assert found(question) == findings


def test_the_witness_of_a_wrong_design_is_a_row() -> None:
    said = judge(replace(asked("perceptron-gates", "and"), printed=None, bias=-1.5)).detail
    assert said == "w'x + b = 0.5 gives 1 at (0, 1, 1), and is 0"


# --- update rules -------------------------------------------------------------------------------


def update(rule: str, printed: str, **names: str) -> UpdateQuestion:
    return UpdateQuestion(id="k", text=TEXT, finding=(), note=None, rule=rule, names=names, printed=printed)


@pytest.mark.parametrize("rule", RULES)
def test_rules_are_their_own_prints(rule: str) -> None:
    assert judge_update(update(rule, RULES[rule].code)).right


@pytest.mark.parametrize(
    ("rule", "old", "new"),
    [
        ("sgd", "-learning_rate", "learning_rate"),
        ("momentum", "- learning_rate", "+ learning_rate"),
        ("momentum", "x += v", "x -= v"),
        ("nesterov", "(1 + mu)", "(1 - mu)"),
        ("nesterov", "-mu * v_prev", "-mu * v"),
        ("adagrad", "cache += dx ** 2", "cache = dx ** 2"),
        ("adagrad", "cache += dx ** 2", "cache += dx"),
        ("adagrad", "np.sqrt(cache)", "cache"),
        ("rmsprop", "(1 - decay_rate)", "decay_rate"),
        ("adam", "beta1 ** t", "beta1"),
        ("adam", "vb = v", "vb = m"),
        ("adam", "1e-7", "1e-3"),
        ("adam-uncorrected", "* m /", "* dx /"),
    ],
)
def test_every_planted_mistake_is_found(rule: str, old: str, new: str) -> None:
    code = RULES[rule].code
    assert old in code
    judged = judge_update(update(rule, code.replace(old, new)))
    assert judged.findings == ("wrong answer",) and "after the step" in judged.detail


@pytest.mark.parametrize(
    ("rule", "printed"),
    [
        ("sgd", "x = x - dx * learning_rate"),
        ("momentum", "step = learning_rate * dx\nv = mu * v - step\nx = x + v"),
        ("nesterov", "old = v\nv = mu * v - learning_rate * dx\nx += v + mu * (v - old)"),
        ("rmsprop", "cache += (1 - decay_rate) * (dx**2 - cache)\nx -= learning_rate*dx / (cache**0.5 + 1e-7)"),
        ("adam", RULES["adam"].code.replace("mb = m / (1 - beta1 ** t)", "mb = m * (1 / (1 - beta1 ** t))")),
    ],
)
def test_other_ways_to_write_them_are_right(rule: str, printed: str) -> None:
    assert judge_update(update(rule, printed)).right


def test_a_dash_and_a_mistake_are_both_found() -> None:
    judged = judge_update(update("momentum", "v = mu * v \u2013 dx\nx += v"))
    assert judged.findings == ("wrong answer", "dash for minus")


def test_the_prints_own_names() -> None:
    printed = "weights += -step_size * gradient"
    assert judge_update(update("sgd", printed, x="weights", dx="gradient", learning_rate="step_size")).right
    with pytest.raises(ParseError, match="knows no weights"):
        judge_update(update("sgd", printed, dx="gradient", learning_rate="step_size"))


def test_lines_that_compute_too_little_are_wrong() -> None:
    assert judge_update(update("momentum", "x += mu * v - learning_rate * dx")).detail == "v is never computed"


# --- identities, runs, schedules ------------------------------------------------------------------


def test_a_false_identity_is_refuted_with_numbers() -> None:
    judged = judge(replace(asked("update-rules", "nesterov-step"), right="theta1"))
    assert judged.findings == ("does not hold",) and re.search(r"refuted: .* against", judged.detail)


@pytest.mark.parametrize(
    ("run", "claim", "holds"),
    [
        (0, "falls", True), (0, "rises", False), (0, "converges", False), (0, "diverges", False),
        (1, "converges", True), (1, "diverges", False), (3, "diverges", True), (3, "falls", False),
        (3, "rises", True), (3, "converges", False),
    ],
)  # fmt: skip
def test_claims_about_runs(run: int, claim: str, holds: bool) -> None:
    question = asked("learning-rate-and-noise", "four-rates")
    alone = replace(question, runs=(replace(question.runs[run], claim=claim),))
    assert found(alone) == (() if holds else ("does not hold",))


@pytest.mark.parametrize("printed", ["a0/(1 - k*t)", "a0*exp(-k*t)", "a0/(1 + k*t)*(t/t)"])
def test_a_wrong_schedule_is_found(printed: str) -> None:
    question = asked("learning-rate-decay", "schedules")
    schedules = (*question.schedules[:2], replace(question.schedules[2], printed=printed))
    assert found(question) == () and found(replace(question, schedules=schedules)) == ("wrong answer",)


# --- keys -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "fa"])
@pytest.mark.parametrize(
    ("exercise", "pictures"),
    [
        ("perceptron-gates", 1), ("learning-rate-and-noise", 5), ("gradient-check", 2), ("update-rules", 4),
        ("learning-rate-decay", 2), ("gradient-descent", 3),
    ],
)  # fmt: skip
def test_keys_have_their_pictures(exercise: str, pictures: int, language: Any) -> None:
    document = key(BANK[exercise], language, check=None)
    drawn = figures(document)
    assert len(drawn) == pictures and all(svg.startswith("<svg ") for svg in drawn.values())
    names = [b.name for b in document.blocks if isinstance(b, Figure)]
    assert len(set(names)) == len(names)
    both = set(names) & {b.name for b in key(BANK[exercise], "en", check=None).blocks if isinstance(b, Figure)}
    assert language == "en" or not [n for n in both if not n.endswith("graph")]  # pictures with words are not shared


def test_the_table_of_a_run_is_that_of_hand_written_gradient_descent() -> None:
    exercise = BANK["learning-rate-and-noise"]
    x, y = (np.array(exercise.problem.values[n]) for n in ("x", "y"))  # type: ignore[union-attr]
    largest = np.linalg.eigvalsh([[np.mean(x * x), np.mean(x)], [np.mean(x), 1]])[-1]
    w, b, rate = -2.0, 4.0, 0.5 * 2 / largest
    for _ in range(60):
        r = w * x + b - y
        w, b = w - rate * np.mean(r * x), b - rate * np.mean(r)
    tables = [t for t in key(exercise, "en", check=None).blocks if isinstance(t, Table)]
    row = next(row for t in tables for row in t.rows if row[0] == "good")
    texts = [cell if isinstance(cell, str) else getattr(cell, "text", None) for cell in row]
    assert texts[1] == f"{rate:.3g}" and texts[3] == f"{np.mean((w * x + b - y) ** 2) / 2:.3g}"


def test_the_first_steps_of_momentum_by_hand() -> None:
    written = markdown(key(BANK["update-rules"], "en", check=None))
    assert "| $3$ | $0.7200$ | $-0.2340$ | $0.4860$ |" in written  # 0.9 * -0.18 - 0.072, 0.72 - 0.234


def test_a_zero_gradient_says_why_in_both_languages() -> None:
    for language, said in (("en", "constant but for its jumps"), ("fa", "جز در پرش‌هایش ثابت است")):
        written = markdown(key(BANK["perceptron-gates"], language, check=None))  # type: ignore[arg-type]
        assert written.count(said) == 2


def test_sentences_are_in_both_languages() -> None:
    for name, (en, fa) in TRAINING.items():
        fields = [sorted(re.findall(r"(?<!\{)\{(\w+)\}(?!\})", text)) for text in (en, fa)]
        assert fields[0] == fields[1], name
        assert not re.search("[\u0600-\u06ff]", en)
        assert re.search("[\u0600-\u06ff]", fa) or en == fa, name


# --- files that are refused -----------------------------------------------------------------------

HEAD = """
id = "quiz"
title = { en = "a", fa = "ب" }
statement = { en = "a", fa = "ب" }
source = { document = "x", row = 1 }
[[question]]
id = "q"
text = { en = "a", fa = "ب" }
"""
RUN = 'kind = "descent"\nwhere = "x: R"\nformula = "J = x^2"\nwrt = "x"\nstart = {{ x = 1 }}\nrun = [{{ {} }}]'
LABEL = 'label = { en = "a", fa = "ب" }'


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('kind = "perceptron"\ngate = "and"\ninputs = 3\nweights = [1, 1]\nbias = 0', "2 weights for 3 inputs"),
        ('kind = "perceptron"\ngate = "and"\ninputs = 3\nweights = [1, 1, 1]', "together"),
        ('kind = "perceptron"\ngate = "and"\ninputs = 2\nprinted = [[0, 2, 0]]', "zeros and ones"),
        ('kind = "update"\nrule = "sgd"\nnames = { x = "a b" }', "not the name of a variable"),
        (RUN.format(f"{LABEL}, steps = 3"), "either rate or of_limit"),
        (RUN.format(f"{LABEL}, rate = 0, steps = 3"), "positive"),
        (RUN.format(f'{LABEL}, rate = 1, steps = 3, sample = "stochastic"'), "needs examples"),
        (RUN.format(f'{LABEL}, rate = 1, steps = 3, claim = "works"'), "'works' is not known"),
        (RUN.format(f"{LABEL}, rate = 1, steps = 0"), "from 1 to"),
        ('kind = "difference"\nwhere = "x: R"\nformula = "x^2"\nwrt = "x"\nsteps = [0.1, 0]', "positive"),
    ],
)
def test_questions_that_cannot_be_are_refused(body: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "quiz.toml"
    path.write_text(HEAD + body, encoding="utf-8")
    with pytest.raises(SymgradError, match=said):
        load(path)


def test_rules_and_gates_that_do_not_exist_are_found_when_judged() -> None:
    with pytest.raises(UnknownNameError, match="there is no rule"):
        judge(update("adma", "x += dx"))
    with pytest.raises(UnknownNameError, match="there is no gate"):
        judge(replace(asked("perceptron-gates", "and"), gate="adn"))


def test_a_wrong_gradient_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    true = Objective.value_and_gradient

    def off(self: Objective, flat: Any, rows: Any = None) -> tuple[float, Any]:
        cost, slope = true(self, flat, rows)
        return cost, slope * np.where(np.arange(slope.size) == 0, 1.001, 1)

    question = asked("gradient-check", "loop")
    assert found(question) == ()
    monkeypatch.setattr(Objective, "value_and_gradient", off)
    assert found(question) == ("witnesses disagree",)
