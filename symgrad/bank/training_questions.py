"""The questions of the course on training: perceptrons, update rules, claims, runs, schedules, searches, differences.

Their form is read here as `exercise` reads that of the others; nothing is run or derived.  Runs, schedules and searches
name update rules and samplers, which only the judges and the key look up.

>>> sorted(TRAINING)
['descent', 'difference', 'identity', 'perceptron', 'schedule', 'search', 'update']
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from symgrad.bank.exercise import (
    MAX_DECIMALS,
    Bilingual,
    Problem,
    ProgramQuestion,
    Question,
    Reader,
    bilingual,
    problem_of,
    values_of,
)
from symgrad.bank.toml_table import Numbers, Table

CLAIMS = ("falls", "rises", "converges", "diverges")
PICTURES = ("costs", "paths")
SCHEDULES = ("step", "exponential", "inverse")
SAMPLES = ("batch", "stochastic", "mini-batch", "shuffled")
MAX_STEPS, MAX_TRIALS, MAX_COUNT = 100_000, 2_000, 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class PerceptronQuestion(Question):
    """Weights and bias of a perceptron with a step for a gate; a printed truth table, one row of 0 and 1 each."""

    kind: ClassVar[str] = "perceptron"
    gate: str
    inputs: int
    weights: tuple[float, ...] | None
    bias: float | None
    printed: tuple[tuple[float, ...], ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateQuestion(Question):
    """The lines of an update rule; `names` says what the print calls x, dx, learning_rate and the rest."""

    kind: ClassVar[str] = "update"
    rule: str
    names: Mapping[str, str] = field(hash=False)
    printed: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityQuestion(ProgramQuestion):
    """Two expressions after the lines of the program, which are said to be equal for all inputs."""

    kind: ClassVar[str] = "identity"
    left: str
    right: str


@dataclass(frozen=True, slots=True)
class RunOf:
    """One run: how it is called, its rule with settings, its rate, its steps, which examples a step sees, a claim.

    A rate at the limit is given as a part of it: `of_limit`, where 1 is 2 / L.
    """

    label: Bilingual
    rule: str
    settings: Mapping[str, float] = field(hash=False)
    rate: float | None
    of_limit: float | None
    steps: int
    sample: str
    size: int
    seed: int
    claim: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DescentQuestion(ProgramQuestion):
    """Runs from one start that minimise `of`; `examples` are the inputs whose rows are examples."""

    kind: ClassVar[str] = "descent"
    of: str | None
    wrt: tuple[str, ...]
    start: Mapping[str, Numbers] = field(hash=False)
    examples: tuple[str, ...]
    runs: tuple[RunOf, ...]
    pictures: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ScheduleOf:
    """One schedule: its kind, its numbers, and what the document prints for it."""

    label: Bilingual
    schedule: str
    rate: float
    k: float
    every: int
    factor: float
    printed: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleQuestion(Question):
    """Learning rates over time, told at some times and drawn; printed formulas are in a0, k and t."""

    kind: ClassVar[str] = "schedule"
    schedules: tuple[ScheduleOf, ...]
    at: tuple[float, ...]
    decimals: int

    @property
    def printed(self) -> bool:
        """Whether the document prints any of them."""
        return any(s.printed is not None for s in self.schedules)


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchQuestion(ProgramQuestion):
    """Random search for the learning rate and one setting of a rule, both on a logarithmic scale."""

    kind: ClassVar[str] = "search"
    of: str | None
    wrt: tuple[str, ...]
    start: Mapping[str, Numbers] = field(hash=False)
    rule: str
    rates: tuple[float, float]
    setting: str
    below_one: tuple[float, float]  # 1 - setting
    steps: int
    trials: int
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DifferenceQuestion(ProgramQuestion):
    """The numeric gradient at several steps h against the derived one."""

    kind: ClassVar[str] = "difference"
    of: str | None
    wrt: str
    steps: tuple[float, ...]


# --- reading ------------------------------------------------------------------------------------


def _perceptron(table: Table, common: dict[str, Any], shared: Problem | None) -> Question:
    inputs = table.integer("inputs", 1, 8)
    weights = table.number_list("weights") if table.has("weights") else None
    if weights is not None and len(weights) != inputs:
        table.refuse("weights", f"{len(weights)} weights for {inputs} inputs")
    if table.has("bias") != (weights is not None):
        table.refuse("bias" if weights is None else "weights", "weights and bias are given together")
    return PerceptronQuestion(
        **common,
        gate=table.string("gate"),
        inputs=inputs,
        weights=weights,
        bias=table.number("bias", -MAX_COUNT, MAX_COUNT) if weights is not None else None,
        printed=_rows(table) if table.has("printed") else None,
    )


def _rows(table: Table) -> tuple[tuple[float, ...], ...]:
    rows = table.numbers("printed")
    if isinstance(rows, float) or not all(isinstance(row, tuple) and len(row) > 1 for row in rows):
        table.refuse("printed", "a list of rows is wanted here, each the inputs and the output")
    found = tuple(tuple(float(x) for x in row) for row in rows if isinstance(row, tuple))  # type: ignore[arg-type]
    if any(x not in (0, 1) for row in found for x in row):
        table.refuse("printed", "a truth table is of zeros and ones")
    return found


def _update(table: Table, common: dict[str, Any], shared: Problem | None) -> Question:
    printed = table.string("printed") if table.has("printed") else None
    renamed = table.table("names") if table.has("names") else None
    names = {name: renamed.name(name) for name in renamed.data} if renamed else {}
    return UpdateQuestion(**common, rule=table.string("rule"), names=names, printed=printed)


def _identity(table: Table, common: dict[str, Any], shared: Problem | None) -> Question:
    problem = problem_of(table, shared)
    return IdentityQuestion(**common, problem=problem, left=table.string("left"), right=table.string("right"))


def _descent(table: Table, common: dict[str, Any], shared: Problem | None) -> Question:
    examples = table.names("examples") if table.has("examples") else ()
    return DescentQuestion(
        **common,
        problem=problem_of(table, shared),
        of=table.name("of") if table.has("of") else None,
        wrt=table.names("wrt"),
        start=values_of(table.table("start")),
        examples=examples,
        runs=tuple(_run(run, bool(examples)) for run in table.tables("run")),
        pictures=table.choices("picture", PICTURES) if table.has("picture") else ("costs",),
    )


def _run(table: Table, sampled: bool) -> RunOf:
    if table.has("rate") == table.has("of_limit"):
        table.refuse("", "a run has either rate or of_limit, the part of 2 / L")
    sample = table.choice("sample", SAMPLES) if table.has("sample") else "batch"
    if sample != "batch" and not sampled:
        table.refuse("sample", "a choice of examples needs examples", hint='examples = ["X", "y"] in the question')
    sized = sample in ("mini-batch", "shuffled")
    settings = table.table("settings") if table.has("settings") else None
    run = RunOf(
        label=bilingual(table.table("label")),
        rule=table.string("rule") if table.has("rule") else "sgd",
        settings={n: settings.number(n, -MAX_COUNT, MAX_COUNT) for n in settings.data} if settings else {},
        rate=_positive(table, "rate") if table.has("rate") else None,
        of_limit=_positive(table, "of_limit") if table.has("of_limit") else None,
        steps=table.integer("steps", 1, MAX_STEPS),
        sample=sample,
        size=table.integer("size", 1, MAX_COUNT) if sized else 1,
        seed=table.integer("seed", 0, MAX_COUNT) if table.has("seed") else 0,
        claim=table.choice("claim", CLAIMS) if table.has("claim") else None,
    )
    table.finish()
    return run


def _positive(table: Table, key: str) -> float:
    value = table.number(key, 0, MAX_COUNT)
    if value == 0:
        table.refuse(key, "a positive number is wanted here")
    return value


def _schedule(table: Table, common: dict[str, Any], shared: Problem | None) -> Question:
    return ScheduleQuestion(
        **common,
        schedules=tuple(_one_schedule(one) for one in table.tables("schedule")),
        at=table.number_list("at"),
        decimals=table.integer("decimals", 0, MAX_DECIMALS),
    )


def _one_schedule(table: Table) -> ScheduleOf:
    schedule = table.choice("schedule", SCHEDULES)
    stepped = schedule == "step"
    found = ScheduleOf(
        label=bilingual(table.table("label")),
        schedule=schedule,
        rate=_positive(table, "rate"),
        k=0.0 if stepped else table.number("k", 0, MAX_COUNT),
        every=table.integer("every", 1, MAX_COUNT) if stepped else 1,
        factor=table.number("factor", 0, 1) if stepped else 1.0,
        printed=table.string("printed") if not stepped and table.has("printed") else None,
    )
    table.finish()
    return found


def _search(table: Table, common: dict[str, Any], shared: Problem | None) -> Question:
    return SearchQuestion(
        **common,
        problem=problem_of(table, shared),
        of=table.name("of") if table.has("of") else None,
        wrt=table.names("wrt"),
        start=values_of(table.table("start")),
        rule=table.string("rule"),
        rates=_range(table, "rates", MAX_COUNT),
        setting=table.name("setting"),
        below_one=_range(table, "below_one", 1),
        steps=table.integer("steps", 1, MAX_STEPS),
        trials=table.integer("trials", 1, MAX_TRIALS),
        seed=table.integer("seed", 0, MAX_COUNT) if table.has("seed") else 0,
    )


def _range(table: Table, key: str, most: float) -> tuple[float, float]:
    ends = table.number_list(key)
    if len(ends) != 2 or not 0 < ends[0] < ends[1] <= most:
        table.refuse(key, f"two numbers are wanted here, 0 < low < high <= {most:g}")
    return ends[0], ends[1]


def _difference(table: Table, common: dict[str, Any], shared: Problem | None) -> Question:
    problem, of = problem_of(table, shared), table.name("of") if table.has("of") else None
    steps = table.number_list("steps")
    if any(h <= 0 for h in steps):
        table.refuse("steps", "positive numbers are wanted here")
    return DifferenceQuestion(**common, problem=problem, of=of, wrt=table.name("wrt"), steps=steps)


TRAINING: dict[str, Reader] = {
    PerceptronQuestion.kind: _perceptron,
    UpdateQuestion.kind: _update,
    IdentityQuestion.kind: _identity,
    DescentQuestion.kind: _descent,
    ScheduleQuestion.kind: _schedule,
    SearchQuestion.kind: _search,
    DifferenceQuestion.kind: _difference,
}
