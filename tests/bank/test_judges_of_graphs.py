"""Graphs handed in as lines, and laws handed in as numbers: graded by what they compute, not by their names."""

from __future__ import annotations

from pathlib import Path

import pytest

from symgrad.bank.exercise import Bilingual, GraphQuestion, Problem, load_all
from symgrad.bank.grading.grader import Grader
from symgrad.bank.grading.typed import gradients
from symgrad.bank.judges_of_graphs import judge_graph
from symgrad.errors import LimitError, ParseError, SymgradError

BANK = {e.id: e for e in load_all([Path(__file__).parents[2] / "exercises" / "backpropagation"])}


def graph(where: str, formula: str) -> GraphQuestion:
    text = Bilingual(en="", fa="")
    return GraphQuestion(id="g", text=text, finding=(), note=None, problem=Problem(where, formula, {}))


NEURON = graph("w, x, b: R", "s = w*x\nt = s + b\nf = 1/(1 + exp(-t))")
LAYER = graph("W: R^{m x n}; x: R^n; y: R^m", "z = W*x\nh = relu(z)\nL = norm2(h - y)^2")


@pytest.mark.parametrize(
    ("question", "drawn", "right"),
    [
        (NEURON, "s = w*x\nt = s + b\nf = 1/(1 + exp(-t))", True),
        (NEURON, "p = x*w; q = b + p; out = sigmoid(q)", True),
        (NEURON, "p = x*w; q = b + p; a = -q; e1 = exp(a); c = e1 + 1; f = 1/c", True),
        (NEURON, "t = w*x + b; f = sigmoid(t)", False),  # no node for the product
        (NEURON, "s = w*x; t = s - b; f = sigmoid(t)", False),
        (NEURON, "s = w*x; t = s + b; f = sigmoid(s)", False),
        (NEURON, "s = w*x; t = s + b; f = tanh(t)", False),
        (LAYER, "z = W*x; h = max(z, 0); d1 = h - y; L = d1'*d1", True),
        (LAYER, "z = W*x; h = max(z, 0); d1 = h - y; L = sum(d1)", False),
        (LAYER, "z = W*x; d1 = z - y; L = d1'*d1", False),
    ],
)
def test_a_graph_is_right_if_every_node_is_there(question: GraphQuestion, drawn: str, right: bool) -> None:
    assert judge_graph(question, drawn).right is right


@pytest.mark.parametrize("drawn", ["s = w*v", "s = W*x; L = s + 1", "s = (w*x"])
def test_lines_that_cannot_be_read_are_refused(drawn: str) -> None:
    with pytest.raises(SymgradError):
        judge_graph(NEURON, drawn)


def test_a_graph_without_end_is_refused() -> None:
    with pytest.raises(LimitError):
        judge_graph(NEURON, "\n".join(f"v{i} = w*x" for i in range(200)))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("x = -8, y = 6", {"x": -8.0, "y": 6.0}),
        ("dz/dx = -8; dz/dy = 6", {"x": -8.0, "y": 6.0}),
        ("grad_x = [0, 20, 30]\ngrad_y = (10, 0, 0)", {"x": (0.0, 20.0, 30.0), "y": (10.0, 0.0, 0.0)}),
        ("delta = 1/2", {"delta": 0.5}),
    ],
)
def test_gradients_by_name(text: str, found: dict[str, object]) -> None:
    assert gradients(text) == found


def test_text_without_a_name_gives_no_gradients() -> None:
    for text in ("3, 4", "it swaps", "so x = 3"):
        with pytest.raises(ParseError):
            gradients(text)


@pytest.mark.parametrize(
    ("id", "answer", "verdict"),
    [
        ("multiply", "x = -8, y = 6", "right"),  # 2*(-4) and 2*3
        ("multiply", "dx = -8; dy = 6", "right"),
        ("multiply", "x = 6, y = -8", "wrong"),
        ("multiply", "x = -8", "wrong"),
        ("multiply", "x = -8, y = 6, z = 2", "unreadable"),
        ("add", "dz/dx = 2, dz/dy = 2", "right"),
        ("max-tie", "x = 1, y = 1", "wrong"),
        ("max-entries", "x = [0, 20, 30]; y = [10, 0, 0]", "right"),
        ("max-entries", "x = [0, 20]; y = [10, 0, 0]", "wrong"),
        ("copy", "x = 7, u = 1, v = 1", "right"),
        ("copy", "it adds up", "unreadable"),
    ],
)
def test_laws_are_graded_by_their_numbers(id: str, answer: str, verdict: str) -> None:
    [question] = [q for q in BANK["gate-patterns"].questions if q.id == id]
    outcome = Grader().graded(question, answer)
    assert outcome.verdict == verdict
    assert "exact" not in outcome.feedback  # the right number is the teacher's


def test_graphs_are_graded_from_lines_and_drawings_left_to_a_person() -> None:
    [question] = [q for q in BANK["add-multiply"].questions if q.kind == "graph"]
    assert Grader().graded(question, "s = y + x\nout = s*z").verdict == "right"
    assert Grader().graded(question, "f = (x + y)*z").verdict == "wrong"
    assert Grader().graded(question, "see drawing").verdict == "unresolved"


def test_code_is_graded() -> None:
    [question] = [q for q in BANK["staged-code"].questions if q.kind == "code"]
    printed = question.printed  # type: ignore[attr-defined]
    assert Grader().graded(question, printed).mistakes == ("wrong chain factor",)
    assert Grader().graded(question, printed.replace("grad_w0 = grad_s2", "grad_s0 = grad_s2")).verdict == "right"
    assert Grader().graded(question, "import os").verdict == "unreadable"
