"""Perceptrons with a step: designs for logic gates, whole truth tables, and the rule that learns them.

The output is 1 where w'x + b > 0 and 0 elsewhere.  Its derivative by w and b is 0 wherever it exists, so that gradients
teach it nothing: `learned` uses Rosenblatt's rule (1958), which needs none.

>>> gate = perceptron("and", 3)
>>> gate.weights, gate.bias, [row[-1] for row in gate.table()]
((1.0, 1.0, 1.0), -2.5, [0, 0, 0, 0, 0, 0, 0, 1])
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import fsum
from types import MappingProxyType

from symgrad.errors import DomainError, LimitError, ShapeError, UnknownNameError, did_you_mean

Row = tuple[int, ...]  # the inputs, then the output
MOST_INPUTS = 12

GATES: Mapping[str, Callable[[Sequence[int]], int]] = MappingProxyType(
    {
        "and": lambda inputs: int(all(inputs)),
        "or": lambda inputs: int(any(inputs)),
        "nand": lambda inputs: int(not all(inputs)),
        "nor": lambda inputs: int(not any(inputs)),
        "xor": lambda inputs: sum(inputs) % 2,
        "majority": lambda inputs: int(2 * sum(inputs) > len(inputs)),
    }
)


@dataclass(frozen=True)
class Perceptron:
    """w and b: one output of as many inputs as there are weights."""

    weights: tuple[float, ...]
    bias: float

    def weighted_sum(self, inputs: Sequence[float]) -> float:
        """w'x + b.  Raises ShapeError for another number of inputs."""
        if len(inputs) != len(self.weights):
            raise ShapeError(f"{len(inputs)} inputs for {len(self.weights)} weights")
        return fsum([*(w * x for w, x in zip(self.weights, inputs, strict=True)), self.bias])

    def output(self, inputs: Sequence[float]) -> int:
        """1 where w'x + b > 0, else 0."""
        return int(self.weighted_sum(inputs) > 0)

    def table(self) -> tuple[Row, ...]:
        """Every input of zeros and ones with the output."""
        return tuple((*inputs, self.output(inputs)) for inputs in _inputs(len(self.weights)))

    def wrong(self, table: Sequence[Row]) -> tuple[Row, ...]:
        """The rows of a truth table that the perceptron does not give."""
        return tuple(row for row in table if self.output(row[:-1]) != row[-1])

    @property
    def margin(self) -> float:
        """How far w'x + b stays from the jump at 0, over all inputs of zeros and ones."""
        return min(abs(self.weighted_sum(inputs)) for inputs in _inputs(len(self.weights)))


def gate_table(gate: str, inputs: int) -> tuple[Row, ...]:
    """The whole truth table of a gate, 2^inputs rows.  Raises UnknownNameError, LimitError."""
    if gate not in GATES:
        raise UnknownNameError(f"there is no gate {gate!r}", hint=did_you_mean(gate, GATES) or ", ".join(GATES))
    return tuple((*row, GATES[gate](row)) for row in _inputs(inputs))


def perceptron(gate: str, inputs: int) -> Perceptron:
    """A perceptron for a gate: weights of one size, the bias half way between the sums that must be told apart.

    Raises UnknownNameError, and DomainError for a gate that no perceptron computes.
    """
    table = gate_table(gate, inputs)
    by_count = {sum(row[:-1]): row[-1] for row in table}  # these gates only count their ones
    changes = [k for k in range(inputs) if by_count[k] != by_count[k + 1]]
    if len(changes) > 1:
        raise DomainError(f"no perceptron computes {gate} of {inputs} inputs: its output changes {len(changes)} times")
    sign = 1.0 if by_count[inputs] else -1.0
    return Perceptron((sign,) * inputs, -sign * (changes[0] + 0.5))


def learned(table: Sequence[Row], *, rounds: int = 1000, rate: float = 1.0) -> Perceptron:
    """The perceptron that Rosenblatt's rule finds from zero: w += rate (y - output) x, b += rate (y - output).

    Raises DomainError where it still errs after so many rounds, as it must for a table that no line separates.
    """
    if not table:
        raise DomainError("there is no row to learn")
    found = Perceptron((0.0,) * (len(table[0]) - 1), 0.0)
    for _ in range(rounds):
        if not found.wrong(table):
            return found
        for row in table:
            off = rate * (row[-1] - found.output(row[:-1]))
            weights = tuple(w + off * x for w, x in zip(found.weights, row[:-1], strict=True))
            found = Perceptron(weights, found.bias + off)
    if found.wrong(table):
        raise DomainError(f"after {rounds} rounds {len(found.wrong(table))} rows are still wrong")
    return found


def _inputs(count: int) -> list[Row]:
    if not 1 <= count <= MOST_INPUTS:
        raise LimitError(f"{count} inputs; a truth table has 1 to {MOST_INPUTS}")
    return list(product((0, 1), repeat=count))
