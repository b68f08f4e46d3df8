"""Perceptrons: whole truth tables counted out, designs checked, gates that none computes, and zero gradients."""

from itertools import product

import pytest

import symgrad as sg
from symgrad.errors import DomainError, LimitError, ShapeError, UnknownNameError
from symgrad.training.perceptron import GATES, Perceptron, gate_table, learned, perceptron

MEANT = {
    "and": lambda *x: x.count(1) == len(x),
    "or": lambda *x: 1 in x,
    "nand": lambda *x: 0 in x,
    "nor": lambda *x: 1 not in x,
    "xor": lambda *x: x.count(1) in (1, 3, 5, 7),
    "majority": lambda *x: x.count(1) > x.count(0),
}


@pytest.mark.parametrize("gate", GATES)
@pytest.mark.parametrize("inputs", [1, 2, 3, 5])
def test_tables_are_whole(gate, inputs):
    table = gate_table(gate, inputs)
    assert [row[:-1] for row in table] == list(product((0, 1), repeat=inputs))
    assert all(row[-1] == MEANT[gate](*row[:-1]) for row in table)


@pytest.mark.parametrize("gate", ["and", "or", "nand", "nor", "majority"])
@pytest.mark.parametrize("inputs", [1, 2, 3, 4, 7])
def test_designs_compute_their_gates(gate, inputs):
    design = perceptron(gate, inputs)
    assert design.table() == gate_table(gate, inputs) and design.wrong(gate_table(gate, inputs)) == ()
    assert design.margin == 0.5


def test_three_inputs_as_the_course_asks():
    assert perceptron("and", 3) == Perceptron((1.0, 1.0, 1.0), -2.5)
    assert perceptron("or", 3) == Perceptron((1.0, 1.0, 1.0), -0.5)


def test_a_wrong_bias_is_seen():
    assert Perceptron((1.0, 1.0, 1.0), -1.5).wrong(gate_table("and", 3)) == ((0, 1, 1, 0), (1, 0, 1, 0), (1, 1, 0, 0))


def test_the_step_is_zero_at_zero():
    assert Perceptron((1.0,), -1.0).output([1]) == 0


@pytest.mark.parametrize("inputs", [2, 3, 4])
def test_no_perceptron_computes_xor(inputs):
    with pytest.raises(DomainError, match="no perceptron computes xor"):
        perceptron("xor", inputs)
    with pytest.raises(DomainError, match="rows are still wrong"):
        learned(gate_table("xor", inputs), rounds=50)


@pytest.mark.parametrize("gate", ["and", "or", "nand", "nor", "majority"])
def test_rosenblatts_rule_finds_them(gate):
    assert learned(gate_table(gate, 3)).wrong(gate_table(gate, 3)) == ()


@pytest.mark.parametrize("name", ["w", "b"])
def test_the_step_has_no_useful_gradient(name):
    found = sg.derivative("a = step(w'*x + b); L = (a - y)^2/2", name, where="w, x: R^3; b, y: R")
    assert found.is_zero and "step" in found.why_zero and "derivative is zero" in found.why_zero
    assert any("jumps at 0" in kink for kink in found.kinks)


def test_what_cannot_be_is_refused():
    with pytest.raises(UnknownNameError, match="there is no gate 'adn'"):
        gate_table("adn", 3)
    with pytest.raises(LimitError):
        gate_table("and", 60)
    with pytest.raises(ShapeError, match="2 inputs for 3 weights"):
        perceptron("and", 3).output([0, 1])
