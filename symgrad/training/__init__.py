"""What a course does with gradients: update rules, schedules, samples of the data, runs, searches, their pictures.

Rules are read from the code that a lecture prints and compiled; costs and gradients are derived from a program.
Everything is a pure function of arrays and a seed.

>>> from symgrad.training import descend, objective
>>> bowl = objective("J = (x'*H*x)/2", "x", {"H": [[1, 0], [0, 10]]}, where="x: R^2; H: R^{2 x 2}")
>>> f"{descend(bowl, {'x': [1, 1]}, rate=0.1, steps=100).costs[-1]:.1e}"
'3.5e-10'
"""

from __future__ import annotations

from symgrad.training.convergence import Curvature, curvature
from symgrad.training.descent import Run, descend
from symgrad.training.objective import Objective, objective
from symgrad.training.perceptron import Perceptron, gate_table, perceptron
from symgrad.training.rules import RULES, Rule, rule
from symgrad.training.samples import batch, mini_batch, shuffled, stochastic
from symgrad.training.schedules import constant, exponential_decay, inverse_decay, step_decay
from symgrad.training.search import Trial, log_uniform, random_search

__all__ = [
    "RULES",
    "Curvature",
    "Objective",
    "Perceptron",
    "Rule",
    "Run",
    "Trial",
    "batch",
    "constant",
    "curvature",
    "descend",
    "exponential_decay",
    "gate_table",
    "inverse_decay",
    "log_uniform",
    "mini_batch",
    "objective",
    "perceptron",
    "random_search",
    "rule",
    "shuffled",
    "step_decay",
    "stochastic",
]
