"""Update rules: SGD, momentum, Nesterov in both forms, AdaGrad, RMSProp, Adam without and with bias correction.

Each is kept as the lines of Python that lectures print, read by `reading` and compiled once, so that what is printed is
what runs and what is proved.  A rule is given the gradient `dx` and the learning rate; its own arrays begin at zero.

>>> momentum = rule("momentum", mu=0.5)
>>> x, state = momentum.step(np.array([1.0, 2.0]), np.array([2.0, 4.0]), momentum.start(2), 0.1, 1)
>>> print(x, *state)
[0.8 1.6] [-0.2 -0.4]
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import numpy as np

from symgrad.errors import DomainError, UnknownNameError, did_you_mean
from symgrad.numeric.code import Compiled, compile_results
from symgrad.numeric.function_text import Argument
from symgrad.programs import Program, program
from symgrad.tensor.nodes import Input, walk
from symgrad.training.reading import Reading, read_code

Array = Any
State = tuple[Array, ...]
RATE, STEP = "learning_rate", "t"  # what a run tells a rule beside the gradient
NO_SETTINGS: Mapping[str, float] = MappingProxyType({})


@dataclass(frozen=True)
class Rule:
    """How parameters x follow from the gradient dx.

    name      how the rule is called; `source` says who proposed it
    code      its lines, as printed
    state     its own arrays, of the shape of x, zero before the first step
    settings  its numbers by name, such as mu
    ahead     where the gradient is taken, if not at x
    """

    name: str
    code: str
    state: tuple[str, ...]
    settings: Mapping[str, float] = field(default_factory=lambda: NO_SETTINGS, hash=False)
    ahead: str = ""
    source: str = ""

    def start(self, count: int) -> State:
        """The rule's own arrays before the first step, for x with so many entries."""
        return tuple(np.zeros(count) for _ in self.state)

    def step(self, x: Array, dx: Array, state: State, rate: float, t: int) -> tuple[Array, State]:
        """The new parameters and the rule's new arrays; x: (n,), dx: (n,); steps are counted from 1.

        Nothing that is given is changed.
        """
        found = _called(self, _step_code(self.code, self.state), x, dx, state, rate, t)
        return (found[0], tuple(found[1:])) if self.state else (found, ())

    def point(self, x: Array, state: State, rate: float, t: int) -> Array:
        """Where the gradient of the next step is taken: at x, or ahead of it."""
        if not self.ahead:
            return x
        return _called(self, _ahead_code(self.ahead, self.state), x, x, state, rate, t)

    def program(self) -> Program:
        """The lines as equations of the text language, for arrays of n entries."""
        return equations(read_code(self.code), self.state)

    def source_code(self) -> str:
        """The compiled step as NumPy text."""
        return _step_code(self.code, self.state).source


def rule(name: str, /, **settings: float) -> Rule:
    """The rule of this name, with other settings than the usual ones.

    Raises UnknownNameError for a rule or a setting that does not exist, DomainError for one that is not finite.
    """
    known = RULES.get(name)
    if known is None:
        raise UnknownNameError(f"there is no rule {name!r}", hint=did_you_mean(name, RULES) or ", ".join(RULES))
    for setting, value in settings.items():
        if setting not in known.settings:
            hint = did_you_mean(setting, known.settings) or f"settings: {', '.join(known.settings) or 'none'}"
            raise UnknownNameError(f"{name} has no {setting}", hint=hint)
        if not np.isfinite(value):
            raise DomainError(f"{setting} is {value}; a finite number is wanted")
    return replace(known, settings=MappingProxyType({**known.settings, **settings}))


def equations(reading: Reading, state: tuple[str, ...]) -> Program:
    """A reading as a program: x, dx and the state are columns of n entries, every other name is a number."""
    columns = ("x", "dx", *state)
    numbers = [n for n in reading.free if n not in columns]
    where = "; ".join([f"{', '.join(columns)}: R^n", *(f"{n}: R" for n in numbers)])
    return program(reading.text, where)


def _called(rule: Rule, code: Compiled, x: Array, dx: Array, state: State, rate: float, t: int) -> Any:
    given = {"x": x, "dx": dx, RATE: rate, STEP: float(t), **rule.settings}
    given.update(zip(rule.state, state, strict=True))
    return code(**{a.name: given[a.name] for a in code.arguments})


@lru_cache(maxsize=256)
def _step_code(code: str, state: tuple[str, ...]) -> Compiled:
    """The compiled lines: x and the state after them."""
    reading = read_code(code)
    missing = [n for n in ("x", *state) if n not in reading.last]
    if missing:
        raise DomainError(f"the rule never assigns {missing[0]}", hint=f"{missing[0]} = ...")
    return _compiled(equations(reading, state), [reading.last[n] for n in ("x", *state)], "update")


@lru_cache(maxsize=256)
def _ahead_code(ahead: str, state: tuple[str, ...]) -> Compiled:
    reading = read_code(f"ahead = {ahead}")
    return _compiled(equations(reading, state), [reading.last["ahead"]], "ahead")


def _compiled(source: Program, outputs: list[str], name: str) -> Compiled:
    """The values of some lines as one function; what they have in common is computed once."""
    views = [source.views[n] for n in outputs]
    occurring = {n.name for n in walk(*(v.node for v in views)) if isinstance(n, Input)}
    arguments = [Argument.declared(n, d.rows, d.columns) for n, d in source.declared.items() if n in occurring]
    named = [(n, source.views[n].node) for n in source.assigned if not isinstance(source.views[n].node, Input)]
    return compile_results([(v.node, None) for v in views], arguments, named=named, function_name=name)


SGD = Rule("sgd", "x += -learning_rate * dx", (), source="Robbins & Monro 1951")
MOMENTUM = Rule(
    "momentum",
    "v = mu * v - learning_rate * dx  # integrate velocity\nx += v  # integrate position",
    ("v",),
    {"mu": 0.9},
    source="Polyak 1964",
)
NESTEROV_AHEAD = Rule(
    "nesterov-ahead",
    "v = mu * v - learning_rate * dx  # dx was taken at x + mu * v\nx += v",
    ("v",),
    {"mu": 0.9},
    ahead="x + mu * v",
    source="Nesterov 1983; Sutskever et al. 2013",
)
NESTEROV = Rule(
    "nesterov",
    "v_prev = v\nv = mu * v - learning_rate * dx\nx += -mu * v_prev + (1 + mu) * v",
    ("v",),
    {"mu": 0.9},
    source="Nesterov 1983; Bengio et al. 2012",
)
ADAGRAD = Rule(
    "adagrad",
    "cache += dx ** 2\nx += -learning_rate * dx / (np.sqrt(cache) + 1e-7)",
    ("cache",),
    source="Duchi et al. 2011",
)
RMSPROP = Rule(
    "rmsprop",
    "cache = decay_rate * cache + (1 - decay_rate) * dx ** 2\nx += -learning_rate * dx / (np.sqrt(cache) + 1e-7)",
    ("cache",),
    {"decay_rate": 0.99},
    source="Tieleman & Hinton 2012",
)
ADAM_UNCORRECTED = Rule(
    "adam-uncorrected",
    "m = beta1 * m + (1 - beta1) * dx  # first moment\n"
    "v = beta2 * v + (1 - beta2) * dx ** 2  # second moment\n"
    "x += -learning_rate * m / (np.sqrt(v) + 1e-7)",
    ("m", "v"),
    {"beta1": 0.9, "beta2": 0.999},
    source="Kingma & Ba 2014",
)
ADAM = Rule(
    "adam",
    "m = beta1 * m + (1 - beta1) * dx  # first moment\n"
    "v = beta2 * v + (1 - beta2) * dx ** 2  # second moment\n"
    "mb = m / (1 - beta1 ** t)  # correct bias\n"
    "vb = v / (1 - beta2 ** t)  # correct bias\n"
    "x += -learning_rate * mb / (np.sqrt(vb) + 1e-7)",
    ("m", "v"),
    {"beta1": 0.9, "beta2": 0.999},
    source="Kingma & Ba 2014",
)
_ALL = (SGD, MOMENTUM, NESTEROV_AHEAD, NESTEROV, ADAGRAD, RMSPROP, ADAM_UNCORRECTED, ADAM)
RULES: Mapping[str, Rule] = MappingProxyType({one.name: one for one in _ALL})
