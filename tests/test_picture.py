"""Pictures: the gates as the slides name them, and the printed numbers on the edges."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from html import unescape
from pathlib import Path

import numpy as np
import pytest

from symgrad.bank.exercise import ProgramQuestion, load
from symgrad.errors import LimitError, ShapeError, UnknownNameError
from symgrad.picture import picture, shows_gradients
from symgrad.programs import program

EXERCISES = Path(__file__).parent.parent / "exercises"


def words(svg: str) -> str:
    """The picture in words, as the drawing describes itself."""
    found = re.search(r"<desc[^>]*>(.*?)</desc>", svg, re.DOTALL)
    assert found is not None
    return unescape(found[1]).replace("; ", "\n")  # lines of a matrix


def exercise(name: str, question: str | None = None, detail: str = "gates", of: str | None = None) -> str:
    loaded = load(EXERCISES / f"{name}.toml")
    problem = loaded.problem
    for asked in loaded.questions:
        if question is not None and asked.id == question and isinstance(asked, ProgramQuestion):
            problem = asked.problem
    assert problem is not None
    return words(picture(program(problem.formula, problem.where), dict(problem.values), of, detail=detail))


def drawn(text: str, where: str, values: dict[str, object] | None, **options: str) -> str:
    return words(picture(program(text, where), values, **options))


def test_sum_times_z_as_on_the_slide() -> None:
    said = exercise("backpropagation/10-add-multiply")
    for edge in (
        "x to q (+): value -2, gradient -4.",
        "y to q (+): value 5, gradient -4.",
        "q (+) to f (*): value 3, gradient -4.",
        "z to f (*): value -4, gradient 3.",
        "f (*): value -12, gradient 1.",
    ):
        assert edge in said


NEURON = (  # the last four gates of the slide, with its numbers
    "to a (*-1): value 1.00, gradient 0.20.",
    "to b (exp): value -1.00, gradient -0.20.",
    "to c (+1): value 0.37, gradient -0.53.",
    "to f (1/x): value 1.37, gradient -0.53.",
    "f (1/x): value 0.73, gradient 1.00.",
)
WEIGHTS = (  # unrounded: the slide prints .40, -.60, -.40 from a gradient rounded to .20
    "w0 to s0 (*): value 2.00, gradient -0.20.",
    "x0 to s0 (*): value -1.00, gradient 0.39.",
    "w1 to s1 (*): value -3.00, gradient -0.39.",
    "x1 to s1 (*): value -2.00, gradient -0.59.",
    "w2 to s3 (+): value -3.00, gradient 0.20.",
)


def test_neuron_gate_by_gate_as_on_the_slide() -> None:
    said = exercise("backpropagation/11-sigmoid-neuron")
    for edge in (*NEURON, *WEIGHTS):
        assert edge in said


def test_neuron_in_one_expression_has_the_same_gates() -> None:
    values = {"w0": 2, "x0": -1, "w1": -3, "x1": -2, "w2": -3}
    said = drawn("1/(1 + exp(-(w0*x0 + w1*x1 + w2)))", "w0, x0, w1, x1, w2: R", values)
    for edge in (*NEURON, *WEIGHTS):
        unnamed = re.sub(r"\b(?:a|b|c|f|s\d) \((.*?)\)", r"\1", edge)
        assert unnamed in said


def test_grouped_neuron_has_one_sigma_gate() -> None:
    said = exercise("backpropagation/11-sigmoid-neuron", "grouped-graph")
    assert "s3 (+) to f (σ): value 1.00, gradient 0.20." in said
    assert "x0 to *: value -1.00, gradient 0.39." in said
    assert "exp" not in said


NETWORK = (  # the homework's printed values, -.66 and -.46 rounded once
    "-0.22 -0.44 -0.67 -0.22\n1.40 2.80 4.20 1.40",
    "0.82 1.64\n0.00 0.00\n0.11 0.22",
    "0.00 0.00\n-0.23 -0.47\n0.00 0.00",
    "0.82\n0.07\n0.11",
)


@pytest.mark.parametrize("detail", ["gates", "lines"])
def test_network_has_the_printed_numbers(detail: str) -> None:
    said = exercise("homework/06-two-branch-network", detail=detail)
    for matrix in NETWORK:
        assert matrix in said
    assert "gradient 1.00." in said and "value 2.70" in said


def test_network_is_drawn_without_a_transpose_and_with_its_names() -> None:
    said = exercise("homework/06-two-branch-network")
    assert "y to yᵀ *: value 0\n1\n0" in said
    for name in ("l1 (relu)", "l21 (relu)", "l22 (σ)", "z (max)", "yhat (softmax)", "L (*-1)"):
        assert name in said


def test_branch_shows_each_part_and_the_sum() -> None:
    said = drawn("f = x*y + x", "x, y: R", {"x": 3, "y": 4})
    assert "x to *: gradient 4." in said and "x to f (+): gradient 1." in said
    assert "x: value 3, gradient 5." in said


def test_branches_of_the_network_add_up() -> None:
    loaded = load(EXERCISES / "homework/06-two-branch-network.toml")
    assert loaded.problem is not None
    said = exercise("homework/06-two-branch-network", detail="lines")
    first = re.search(r"l1 \(relu\(W1\*x\)\) to l21 .*?: gradient ([-\d.\n]+)\.", said)
    second = re.search(r"l1 \(relu\(W1\*x\)\) to l22 .*?: gradient ([-\d.\n]+)\.", said)
    whole = re.search(r"l1 \(relu\(W1\*x\)\): value 1\n2, gradient ([-\d.\n]+)\.", said)
    assert first and second and whole
    parts = [np.array([float(t) for t in m[1].split()]) for m in (first, second, whole)]
    np.testing.assert_allclose(parts[0] + parts[1], parts[2], atol=0.011)


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("2*x", "*2"),
        ("x*2", "*2"),
        ("-2*x", "*-2"),
        ("-x", "*-1"),
        ("x/2", "/2"),
        ("2/x", "2/x"),
        ("x - 3", "-3"),
        ("3 - x", "3-x"),
        ("x + 0.5", "+0.5"),
        ("x^3", "^3"),
        ("1/2*x", "*(1/2)"),
        ("max(0, x)", "max(0, x)"),
        ("[x > 1]", "[x > 1]"),
        ("x*pi", "*pi"),
        ("sigmoid(x)", "σ"),
    ],
)
def test_numbers_stand_inside_the_gate(text: str, label: str) -> None:
    said = drawn(text, "x: R", {"x": 2})
    assert f" x to {label}: value 2" in said
    assert said.count(" to ") == 2  # "from left to right", and the one edge


def test_numbers_alone_are_drawn() -> None:
    assert "value 3" in drawn("1 + 2", "", {})


def test_named_number_stands_inside_every_gate() -> None:
    said = drawn("c = 2; f = c*x + c*y", "x, y: R", {"x": 1, "y": 5})
    assert "x to *2: value 1, gradient 2." in said and "y to *2: value 5, gradient 2." in said


def test_transposes_next_to_a_product_join_it() -> None:
    said = drawn("x'*A*x", "x: R^n; A: R^{n x n}", {"x": [1.0, 2.0], "A": [[1.0, 2.0], [3.0, 4.0]]})
    assert "x to xᵀ *: gradient 5\n11." in said  # A x
    assert "x to *: gradient 7\n10." in said  # A' x
    assert "x: value 1\n2, gradient 12\n21." in said


def test_transpose_with_a_name_stays_a_gate() -> None:
    said = drawn("r = x'; f = r*x", "x: R^n", {"x": [1.0, 2.0]})
    assert "r (·ᵀ)" in said


def test_fixed_arrays_have_no_gradient() -> None:
    said = drawn("sum(ones(2).*x)", "x: R^2", {"x": [1.0, 2.0]})
    assert "ones to .*: value 1\n1." in said


def test_array_output_shows_values_only() -> None:
    net = program("z = W*x", "W: R^{m x n}; x: R^n")
    said = words(picture(net, {"W": np.eye(2), "x": [3.0, 4.0]}))
    assert not shows_gradients(net) and "value 3\n4" in said and "gradient 3" not in said


def test_of_draws_a_part() -> None:
    said = exercise("homework/06-two-branch-network", of="yhat")
    assert "log" not in said and "softmax" in said


def test_without_values_the_graph_is_bare() -> None:
    said = drawn("sum(eye(n)*x)/n", "x: R^n", None)
    assert "value " not in said and "gradient " not in said and "x to *." in said


def test_output_that_is_an_input() -> None:
    assert "x: value 1.50, gradient 1.00" in drawn("f = x", "x: R", {"x": 1.5})


def test_large_arrays_are_cut_and_small_numbers_told() -> None:
    svg = picture(program("sum(x)*1e-6", "x: R^n"), {"x": np.ones(100_000)})
    assert "⋮" in svg and len(svg) < 50_000
    assert "1e-06" in svg
    assert "[1 1 1 … 1]" in drawn("sum(x')", "x: R^n", {"x": np.ones(50)})


def test_not_finite_values_are_drawn() -> None:
    with np.errstate(all="ignore"):
        assert "inf" in drawn("1/x", "x: R", {"x": 0.0})


def test_bad_input_is_named() -> None:
    net = program("f = A*x", "A: R^{m x n}; x: R^n")
    with pytest.raises(UnknownNameError, match="no value is given for A"):
        picture(net, {"x": [1.0]})
    with pytest.raises(ShapeError, match="x is declared"):
        picture(net, {"A": np.eye(2), "x": [1.0, 2.0, 3.0]})
    with pytest.raises(UnknownNameError, match="no array says how large n is"):
        picture(program("tr(eye(n))"), {})
    with pytest.raises(UnknownNameError, match="did you mean gates"):
        picture(net, None, detail="gate")
    with pytest.raises(UnknownNameError):
        picture(net, None, of="g")
    for huge in ("sum(ones(1000000000))", "tr(eye(100000))"):
        with pytest.raises(LimitError, match="is too large"):
            picture(program(huge), {})
    with pytest.raises(LimitError, match="too large to draw"):
        picture(program("+".join(["x"] * 1000), "x: R"), {"x": 1.0})


def test_pictures_are_well_formed() -> None:
    for path in sorted(EXERCISES.rglob("*.toml")):
        for question in load(path).questions:
            if question.kind == "graph" and isinstance(question, ProgramQuestion):
                problem = question.problem
                values = dict(problem.values) or None
                ET.fromstring(picture(program(problem.formula, problem.where), values, title=question.text.fa))
