"""Judges of the course on training: truth tables, update rules, identities, claims about runs, formulas of schedules.

What a rule or a gradient does is never taken from the print: tables are counted out and run through the graph of gates,
printed rules are compared as programs, gradients along a run are recomputed by the numeric engine.

>>> from symgrad.bank.exercise import Bilingual
>>> asked = UpdateQuestion(id="k", text=Bilingual("", ""), finding=(), note=None, rule="sgd", names={},
...                        printed="x += \u2013learning_rate * dx")
>>> judge_update(asked).findings
('dash for minus',)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from symgrad.bank.exercise import Question
from symgrad.bank.judged import NOTHING_PRINTED, WRONG, Judged, placed, right, wrong
from symgrad.bank.training_questions import (
    DescentQuestion,
    DifferenceQuestion,
    IdentityQuestion,
    PerceptronQuestion,
    ScheduleQuestion,
    SearchQuestion,
    UpdateQuestion,
)
from symgrad.bank.training_runs import runs_of, schedule_of
from symgrad.derivation import STRUCTURED, derive
from symgrad.errors import ParseError, did_you_mean
from symgrad.evaluation import compiled
from symgrad.execution import bound_sizes, execute
from symgrad.programs import program
from symgrad.training.descent import Run
from symgrad.training.differences import differences
from symgrad.training.objective import Objective
from symgrad.training.perceptron import Perceptron, gate_table, perceptron
from symgrad.training.reading import Reading, read_code
from symgrad.training.rules import RATE, STEP, Rule, rule
from symgrad.verification.equal import Equality, equal
from symgrad.verification.witnesses import Point, at, engine_jacobian, opened

WITNESSES_DISAGREE = "witnesses disagree"
CLOSE = 1e-9
NEAR = 1e-3  # of the first gradient: what is left of it where a run has converged
LOOKED_AT = 8  # points of a run, whose gradients are recomputed


# --- perceptrons --------------------------------------------------------------------------------


def judge_perceptron(question: PerceptronQuestion) -> Judged:
    """Weights and bias on every input, then the printed table."""
    design, table = designed(question), gate_table(question.gate, question.inputs)
    off = [row for row in table if _fired(design, row[:-1]) != design.output(row[:-1])]
    if off:
        return wrong(WITNESSES_DISAGREE, f"the graph of gates gives another output at {off[0][:-1]}")
    if design.wrong(table):
        row = design.wrong(table)[0]
        said = f"w'x + b = {design.weighted_sum(row[:-1]):g} gives {design.output(row[:-1])} at {row[:-1]}"
        return wrong(WRONG, f"{said}, {question.gate} is {row[-1]}")
    if question.printed is None:
        fits = f"all {len(table)} rows are as they must be, at least {design.margin:g} away from the jump"
        return right(fits) if question.weights is not None else NOTHING_PRINTED
    return _judge_table(question, question.printed)


def designed(question: PerceptronQuestion) -> Perceptron:
    """The perceptron that the question gives, else one for its gate."""
    if question.weights is None or question.bias is None:
        return perceptron(question.gate, question.inputs)
    return Perceptron(question.weights, question.bias)


def _fired(design: Perceptron, inputs: Sequence[int]) -> int:
    """The output by the graph of gates."""
    source = program("y = step(w'*x + b)", f"w, x: R^{len(inputs)}; b: R")
    given = {"w": np.array(design.weights), "x": np.array(inputs, dtype=float), "b": design.bias}
    return int(execute(source, given).value("y"))


def _judge_table(question: PerceptronQuestion, printed: Sequence[tuple[float, ...]]) -> Judged:
    counts = sorted({len(row) - 1 for row in printed})
    if counts != [question.inputs]:
        said = f"{' or '.join(map(str, counts))} inputs in {len(printed)} rows are printed"
        return wrong("wrong number of inputs", f"{said}; {question.inputs} inputs have {2**question.inputs} rows")
    known = {row[:-1]: row[-1] for row in gate_table(question.gate, question.inputs)}
    for row in printed:
        if known[tuple(int(x) for x in row[:-1])] != row[-1]:
            return wrong(WRONG, f"{row[-1]:g} is printed for {tuple(int(x) for x in row[:-1])}")
    missing = [inputs for inputs in known if inputs not in {tuple(row[:-1]) for row in printed}]
    return wrong(WRONG, f"the row of {missing[0]} is missing") if missing else right(f"all {len(known)} rows")


# --- update rules -------------------------------------------------------------------------------


def judge_update(question: UpdateQuestion) -> Judged:
    """The printed lines as a program, compared with the rule for all inputs; dashes that stand for minus are told."""
    known = rule(question.rule)
    if question.printed is None:
        return NOTHING_PRINTED
    reading = read_code(_with_names_of_the_rule(question.printed, question.names))
    differs = next(_differences(known, reading), None)
    found = [(WRONG, differs)] if differs is not None else []
    if reading.dashes:
        lines = ", ".join(map(str, reading.dashes))
        found.append(("dash for minus", f"a dash stands for a minus sign in line {lines}: Python cannot read it"))
    if found:
        return Judged(False, tuple(mistake for mistake, _ in found), "\n".join(said for _, said in found))
    return right("the lines compute what the rule does, for all inputs")


def _with_names_of_the_rule(printed: str, names: Mapping[str, str]) -> str:
    """The lines with x, dx, ... in place of what the print calls them."""
    own = {said: name for name, said in names.items()}
    return re.sub(r"[^\W\d]\w*", lambda m: own.get(m[0], m[0]), printed)


def _differences(known: Rule, reading: Reading) -> Iterator[str]:
    """The arrays after the step that the lines give otherwise."""
    own = read_code(known.code)
    names = ("x", "dx", *known.state, RATE, STEP, *known.settings)
    for name in reading.free:
        if name not in names:
            raise ParseError(f"the rule {known.name} knows no {name}", hint=did_you_mean(name, names))
    for name in ("x", *known.state):
        if name not in reading.last:
            yield f"{name} is never computed"
        else:
            found = _same(known, own, reading, name)
            if not found:
                yield f"{name} after the step: {found}"


def _same(known: Rule, own: Reading, reading: Reading, name: str) -> Equality:
    columns = ("x", "dx", *known.state)
    numbers = [n for n in dict.fromkeys((*own.free, *reading.free)) if n not in columns]
    where = "; ".join([f"{', '.join(columns)}: R^n", *(f"{n}: R" for n in numbers)])
    return equal(f"{reading.text}\n{reading.last[name]}", f"{own.text}\n{own.last[name]}", where)


# --- identities ---------------------------------------------------------------------------------


def judge_identity(question: IdentityQuestion) -> Judged:
    """Whether both sides are equal for all inputs."""
    found = compared(question)
    return right(str(found)) if found else wrong("does not hold", str(found))


def compared(question: IdentityQuestion) -> Equality:
    """What `equal` says of the two sides after the lines of the program."""
    lines = question.problem.formula.strip()
    return equal(f"{lines}\n{question.left}", f"{lines}\n{question.right}", question.problem.where)


# --- runs ---------------------------------------------------------------------------------------


def judge_descent(question: DescentQuestion) -> Judged:
    """The gradients along each run by the engine, then each claim."""
    runs = runs_of(question)
    doubt = next(filter(None, map(_doubt, runs)), None)
    if doubt is not None:
        return wrong(WITNESSES_DISAGREE, doubt)
    claimed = [(one, run) for one, run in zip(question.runs, runs, strict=True) if one.claim is not None]
    if not claimed:
        return NOTHING_PRINTED
    broken = [f"{one.label.en}: {said}" for one, run in claimed if (said := _CLAIMS[one.claim or ""](run))]
    return wrong("does not hold", "\n".join(broken)) if broken else right("every claim holds for its run")


def _doubt(run: Run) -> str | None:
    """What the numeric engine says against cost and gradient at points of the run."""
    made = run.objective
    for k in dict.fromkeys(np.linspace(0, run.steps, LOOKED_AT).astype(int).tolist()):
        values = {**made.data, **made.unpack(run.points[k])}
        graph = at(made.program, made.of, Point(bound_sizes(made.program, values), values))
        cost, (own, slope) = float(graph.forward()), made.value_and_gradient(run.points[k])
        if any(made.program.declared[n].properties & STRUCTURED for n in made.wrt):
            slope = _without_structure(made, values)
        gradients = graph.graph.backward(np.ones(()), of=made.of)
        engine = np.concatenate([np.ravel(gradients[n]) for n in made.wrt])
        near = np.abs(engine - slope).max() <= CLOSE * (1 + np.abs(slope).max())
        if not (near and abs(cost - own) <= CLOSE * (1 + abs(own))):
            return f"after step {k}: the engine finds the gradient {engine}, the derivation {slope}"
    return None


def _without_structure(made: Objective, values: Mapping[str, Any]) -> Any:
    """The derived gradient before it is projected onto the structure of the parameters."""
    derived = (derive(made.program, made.of, n, layout="gradient", structure="ignore") for n in made.wrt)
    return np.concatenate([np.ravel(compiled(d, tensor=True)(**values)) for d in derived])


def _falls(run: Run) -> str | None:
    if not run.rises:
        return None
    k = run.rises[0]
    if k > run.steps:
        return run.stopped
    return f"step {k} raises the cost from {run.costs[k - 1]:.6g} to {run.costs[k]:.6g}"


def _converges(run: Run) -> str | None:
    if run.left_at is not None:
        return run.stopped
    first, last = (float(np.linalg.norm(run.objective.value_and_gradient(run.points[k])[1])) for k in (0, -1))
    lengths = f"the gradient is {last:.2g} long, {first:.2g} at first"
    return None if last <= NEAR * first else f"after {run.steps} steps {lengths}"


def _diverges(run: Run) -> str | None:
    if run.left_at is not None or run.costs[-1] > run.costs[0]:
        return None
    return f"the cost is {run.costs[-1]:.6g} at the end, {run.costs[0]:.6g} at first"


_CLAIMS: dict[str, Callable[[Run], str | None]] = {
    "falls": _falls,
    "rises": lambda run: None if run.rises else "the cost never rises",
    "converges": _converges,
    "diverges": _diverges,
}


# --- schedules, searches, differences -----------------------------------------------------------


def judge_schedule(question: ScheduleQuestion) -> Judged:
    """The printed formulas in a0, k and t, evaluated by the graph of gates at the times that are asked for."""
    if not question.printed:
        return NOTHING_PRINTED
    for one in question.schedules:
        for t in question.at if one.printed else ():
            with np.errstate(all="ignore"):
                graph = execute(program(one.printed or "", "a0, k, t: R"), {"a0": one.rate, "k": one.k, "t": t})
            said = float(graph.value(graph.output))
            true = schedule_of(one)(int(t))
            if not abs(said - true) <= CLOSE * true:
                return wrong(WRONG, f"{one.label.en}: {one.printed} is {said:.6g} at t = {t:g}, the rate is {true:.6g}")
    return right("every formula gives the rates of its schedule")


def judge_search(question: SearchQuestion) -> Judged:
    """Nothing is printed of a search; that it can be run is seen when its key is written."""
    rule(question.rule, **{question.setting: 1 - question.below_one[0]})
    return NOTHING_PRINTED


def judge_difference(question: DifferenceQuestion) -> Judged:
    """The derived gradient against the engine's and against the best of the differences."""
    source, point = placed(question.problem)
    of = question.of or source.output
    derived = compiled(derive(source, of, question.wrt, layout="gradient", structure="ignore"), tensor=True)
    exact = derived(**point.values)
    engine = engine_jacobian(opened(source, [question.wrt], of, point), question.wrt)
    if not np.abs(engine - exact).max() <= CLOSE * (1 + np.abs(exact).max()):
        return wrong(WITNESSES_DISAGREE, f"engine {engine}, compiled {exact}")
    best = min(row.central for row in differences(source, of, question.wrt, point.values, question.steps))
    if not best <= 1e-4:
        return wrong(WITNESSES_DISAGREE, f"no difference comes nearer than {best:.1e} to the derived gradient")
    return NOTHING_PRINTED


JUDGES: Sequence[tuple[type[Question], Callable[..., Judged]]] = (
    (PerceptronQuestion, judge_perceptron),
    (UpdateQuestion, judge_update),
    (IdentityQuestion, judge_identity),
    (DescentQuestion, judge_descent),
    (ScheduleQuestion, judge_schedule),
    (SearchQuestion, judge_search),
    (DifferenceQuestion, judge_difference),
)
