"""Blocks for the questions on training: designs with their tables, rules with first steps, proofs, runs with pictures.

Nothing is typed in: tables, steps, runs and pictures are made when the key is written.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from symgrad.bank.content import Block, Cell, Code, Figure, Formula, Heading, Paragraph, Table
from symgrad.bank.exercise import Question
from symgrad.bank.judges_of_training import compared, designed
from symgrad.bank.numbers import numbers
from symgrad.bank.phrases import digits, listed
from symgrad.bank.training_phrases import say_of_training
from symgrad.bank.training_questions import (
    DescentQuestion,
    DifferenceQuestion,
    IdentityQuestion,
    PerceptronQuestion,
    RunOf,
    ScheduleQuestion,
    SearchQuestion,
    UpdateQuestion,
)
from symgrad.bank.training_runs import rate_of, runs_of, schedule_of, trials_of
from symgrad.bank.worked import answer_formula, number_latex
from symgrad.calculus.present import expanded
from symgrad.derivation import derivative
from symgrad.errors import DomainError
from symgrad.notation.grammar import parse, parse_program
from symgrad.notation.latex import latex as tree_latex
from symgrad.notation.latex import name_latex
from symgrad.notation.lift import lift
from symgrad.notation.text import text
from symgrad.operations.catalogue import latex_templates
from symgrad.programs import Program, program
from symgrad.training.convergence import Curvature, curvature
from symgrad.training.descent import Run
from symgrad.training.differences import differences
from symgrad.training.objective import objective
from symgrad.training.perceptron import gate_table
from symgrad.training.pictures import (
    Words,
    cost_picture,
    difference_picture,
    path_picture,
    schedule_picture,
    search_picture,
)
from symgrad.training.rules import Rule, rule

if TYPE_CHECKING:
    from symgrad.bank.key import Context

BEST = 5  # trials of a search that are shown
FIRST_STEPS = 4
STEPS_OF_PICTURE = tuple(10.0 ** (-k / 2) for k in range(1, 31))


def training_blocks(question: Question, context: Context) -> Iterator[Block]:
    """The worked answer of one question on training, and what is to be said about the print."""
    from symgrad.bank.key import print_note

    right = context.say("prints right") if _prints(question) and not question.finding else None
    match question:
        case PerceptronQuestion():
            yield from _perceptron(question, context)
        case UpdateQuestion():
            yield from _update(question, context)
            right = _said(context, "rule same") if right else None
        case IdentityQuestion():
            yield from _identity(question, context)
        case DescentQuestion():
            yield from _descent(question, context)
        case ScheduleQuestion():
            yield from _schedule(question, context)
        case SearchQuestion():
            yield from _search(question, context)
        case DifferenceQuestion():
            yield from _difference(question, context)
    yield from print_note(question, context, right)


def _prints(question: Question) -> bool:
    return bool(getattr(question, "printed", None))


def _said(context: Context, name: str, **values: object) -> str:
    return say_of_training(name, context.language, **values)


def _paragraph(context: Context, name: str, **values: object) -> Paragraph:
    return Paragraph(_said(context, name, **values))


def _figure(context: Context, name: str, caption: str, svg: str) -> Figure:
    return Figure(name, caption, "", caption.replace("$", ""), (), svg)


# --- perceptrons --------------------------------------------------------------------------------


def _perceptron(question: PerceptronQuestion, context: Context) -> Iterator[Block]:
    design = designed(question)
    yield _paragraph(context, "perceptron")
    weights = r" \\ ".join(f"{w:g}" for w in design.weights)
    yield Formula(
        rf"w = \begin{{bmatrix}} {weights} \end{{bmatrix}}, \quad b = {design.bias:g}",
        f"w = ({', '.join(f'{w:g}' for w in design.weights)}), b = {design.bias:g}",
    )
    count = digits(2**question.inputs, context.language)
    yield _paragraph(context, "perceptron table", rows=count, margin=f"{design.margin:g}")
    inputs = [_said(context, "input", number=digits(k, context.language)) for k in range(1, question.inputs + 1)]
    rows: list[tuple[Cell, ...]] = [
        (*(numbers(x, 0) for x in row[:-1]), numbers(design.weighted_sum(row[:-1]), 1), numbers(row[-1], 0))
        for row in design.table()
    ]
    yield Table((*inputs, _said(context, "sum"), _said(context, "output")), tuple(rows))
    if design.wrong(gate_table(question.gate, question.inputs)):
        raise DomainError(f"the design of {question.id} does not compute {question.gate}")
    yield _paragraph(context, "perceptron checked")
    if question.printed is not None and question.finding:
        yield _paragraph(context, "table printed")
        yield _truth_table(question.printed, context)


def _truth_table(printed: Sequence[tuple[float, ...]], context: Context) -> Table:
    width = max(map(len, printed)) - 1
    inputs = [_said(context, "input", number=digits(k, context.language)) for k in range(1, width + 1)]
    return Table((*inputs, _said(context, "output")), tuple(tuple(numbers(x, 0) for x in row) for row in printed))


# --- update rules -------------------------------------------------------------------------------


def _update(question: UpdateQuestion, context: Context) -> Iterator[Block]:
    known = rule(question.rule)
    kept = listed([f"`{n}`" for n in known.state], context.language)
    one = "rule state one" if len(known.state) == 1 else "rule state"
    yield _paragraph(context, "rule", state=_said(context, one, names=kept) if known.state else "")
    yield Code(known.code)
    if known.ahead:
        yield _paragraph(context, "rule ahead", ahead=known.ahead)
    if known.settings:
        settings = ", ".join(f"`{n} = {v:g}`" for n, v in known.settings.items())
        yield _paragraph(context, "rule settings", settings=settings)
    yield _paragraph(context, "rule steps")
    yield _first_steps(known)
    if question.printed is not None and question.finding:
        yield Paragraph(context.say("prints"))
        yield Code(question.printed)


def _first_steps(known: Rule) -> Table:
    """Gradient, state and point of the first steps on x^2 / 2."""
    bowl = objective("J = x^2/2", "x", where="x: R")
    x, state = np.ones(1), known.start(1)
    header = ("$t$", "`dx`", *(f"`{n}`" for n in known.state), "`x`")
    rows: list[tuple[Cell, ...]] = []
    for t in range(1, FIRST_STEPS + 1):
        dx = bowl.value_and_gradient(known.point(x, state, 0.1, t))[1]
        x, state = known.step(x, dx, state, 0.1, t)
        rows.append((numbers(t, 0), *(numbers(float(v[0]), 4) for v in (dx, *state, x))))
    return Table(header, tuple(rows))


# --- identities ---------------------------------------------------------------------------------


def _identity(question: IdentityQuestion, context: Context) -> Iterator[Block]:
    source = program(question.problem.formula, question.problem.where)
    yield Heading(_said(context, "identity given"), 3)
    for line in parse_program(question.problem.formula):
        written = _latex(text(line.value), source)
        yield Formula(f"{_latex(line.name or '', source)} = {written}", f"{line.name} = {text(line.value)}")
    yield Paragraph(_said(context, "identity claim"), strong=True)
    sides = (_latex(question.left, source), _latex(question.right, source))
    yield Formula(" = ".join(sides), f"{question.left} = {question.right}")
    yield from _proof(question, source, context)


def _proof(question: IdentityQuestion, source: Program, context: Context) -> Iterator[Block]:
    found = compared(question)
    if found.refuted and found.witness is not None:
        sides = {"left": f"{found.witness.answer:.4g}", "right": f"{found.witness.expected:.4g}"}
        yield _paragraph(context, "identity refuted", **sides)
    elif found.rung == "normal form":
        yield _paragraph(context, "identity proved")
        lines = f"{question.problem.formula.strip()}\nboth_sides = {question.left}"
        whole = program(lines, question.problem.where)
        shown = text(lift(expanded(whole.views["both_sides"].node)))
        yield Formula(_latex(shown, source), shown)
    elif found.proved:
        yield _paragraph(context, "identity field")
    else:
        yield _paragraph(context, "identity sampled", count=digits(len(found.sizes), context.language))


def _latex(written: str, source: Program) -> str:
    kinds = {name: view.kind for name, view in source.views.items()}
    return tree_latex(parse(written), kinds, templates=latex_templates())


# --- runs ---------------------------------------------------------------------------------------


def _descent(question: DescentQuestion, context: Context) -> Iterator[Block]:
    runs = runs_of(question)
    yield from _what_is_minimised(question, runs[0], context)
    yield _table_of_runs(question, runs, context)
    yield _paragraph(context, "runs checked")
    labels = {context.text(one.label): run for one, run in zip(question.runs, runs, strict=True)}
    for kind in question.pictures:
        name = f"{context.exercise.id}-{question.id}-{kind}-{context.language}"
        caption = _said(context, f"{kind} picture")
        yield _figure(context, name, caption, _picture(kind, labels, context, caption))


def _what_is_minimised(question: DescentQuestion, run: Run, context: Context) -> Iterator[Block]:
    """Gradients and curvature, once for each cost and start."""
    problem, of = question.problem, run.objective.of
    entry = (problem.formula, f"{of} {question.wrt} {question.start} {problem.values}")
    if entry in context.shown:
        return
    context.shown.add(entry)
    yield _paragraph(context, "gradients")
    for name in question.wrt:
        yield answer_formula(derivative(problem.formula, name, where=problem.where, of=of, layout="gradient"))
    curved = _curved(question, run)
    if curved is not None:
        eigenvalues = ", ".join(f"{v:.3g}" for v in curved.eigenvalues)
        limits = {"limit": f"{curved.limit:.3g}", "best": f"{curved.best:.3g}"}
        yield _paragraph(context, "curvature", eigenvalues=eigenvalues, **limits)


def _curved(question: DescentQuestion, run: Run) -> Curvature | None:
    """The eigenvalues, where the cost is convex and of few parameters."""
    if run.objective.size > 6:
        return None
    found = curvature(run.objective, question.start)
    try:
        return found if found.limit else None
    except DomainError:
        return None


def _table_of_runs(question: DescentQuestion, runs: Sequence[Run], context: Context) -> Table:
    ruled = any(one.rule != "sgd" for one in question.runs)
    header = ["run", *(["method"] if ruled else []), "rate", *(["examples a step"] if question.examples else [])]
    header += ["first cost", "last cost", "rises", "what happened"]
    rows = [_run_row(one, run, ruled, question, context) for one, run in zip(question.runs, runs, strict=True)]
    return Table(tuple(_said(context, h) for h in header), tuple(rows))


def _run_row(one: RunOf, run: Run, ruled: bool, question: DescentQuestion, context: Context) -> tuple[Cell, ...]:
    seen = {"batch": _said(context, "all"), "stochastic": digits(1, context.language)}
    ended = {"name": "steps made", "count": digits(run.steps, context.language)}
    if run.left_at is not None:
        ended = {"name": "run left", "count": digits(run.left_at, context.language)}
    return (
        context.text(one.label),
        *([Code(run.rule.name)] if ruled else []),
        _figures(rate_of(run.objective, one, question.start)),
        *([seen.get(one.sample, digits(one.size, context.language))] if question.examples else []),
        _figures(float(run.costs[0])),
        _figures(float(run.costs[-1])) if run.left_at is None else _said(context, "no number"),
        numbers(len(run.rises), 0),
        say_of_training(ended["name"], context.language, count=ended["count"]),
    )


def _figures(value: float) -> Formula:
    """A number with three figures."""
    shown = f"{value:.3g}"
    mantissa, power, exponent = shown.partition("e")
    written = rf"{mantissa} \cdot 10^{{{int(exponent)}}}" if power else mantissa
    return Formula(written, shown)


def _picture(kind: str, runs: dict[str, Run], context: Context, caption: str) -> str:
    if kind == "costs":
        return cost_picture(runs, Words(_said(context, "step"), _said(context, "cost"), caption))
    first = next(iter(runs.values())).objective
    names = first.wrt if len(first.wrt) == 2 else tuple(f"{first.wrt[0]}[{k}]" for k in (1, 2))
    return path_picture(runs, Words(names[0], names[1], caption))


# --- schedules, searches, differences -----------------------------------------------------------


def _schedule(question: ScheduleQuestion, context: Context) -> Iterator[Block]:
    labels = {context.text(one.label): schedule_of(one) for one in question.schedules}
    yield _paragraph(context, "schedule")
    rows: list[tuple[Cell, ...]] = [
        (numbers(t, 0), *(numbers(rate(int(t)), question.decimals) for rate in labels.values())) for t in question.at
    ]
    yield Table((_said(context, "time"), *labels), tuple(rows))
    caption = _said(context, "schedules picture")
    words = Words(_said(context, "epoch"), _said(context, "learning rate"), caption)
    name = f"{context.exercise.id}-{question.id}-{context.language}"
    yield _figure(context, name, caption, schedule_picture(labels, int(max(question.at)), words))
    for one in question.schedules:
        if one.printed is not None:
            yield _paragraph(context, "formula printed", label=context.text(one.label))
            written = tree_latex(parse(one.printed), templates=latex_templates())
            yield Formula(rf"\alpha = {written}", f"alpha = {one.printed}")


def _search(question: SearchQuestion, context: Context) -> Iterator[Block]:
    trials = trials_of(question)
    setting = f"1 - {name_latex(question.setting)}"
    counts = {"trials": digits(question.trials, context.language), "steps": digits(question.steps, context.language)}
    yield _paragraph(context, "search", setting=setting, **counts)
    header = (_said(context, "trial"), _said(context, "rate"), f"${setting}$", _said(context, "last cost"))
    yield Table(header, tuple(
        (numbers(t.number + 1, 0), _figures(t.values["rate"]), _figures(t.values["below_one"]), _figures(t.score))
        for t in trials[:BEST]
    ))  # fmt: skip
    caption = _said(context, "search picture")
    words = Words(_said(context, "learning rate"), f"1 - {question.setting}", caption)
    svg = search_picture(trials, ("rate", "below_one"), words, _said(context, "best trial"))
    yield _figure(context, f"{context.exercise.id}-{question.id}-{context.language}", caption, svg)


def _difference(question: DifferenceQuestion, context: Context) -> Iterator[Block]:
    problem = question.problem
    source = program(problem.formula, problem.where)
    of = question.of or source.output
    yield _paragraph(context, "gradients")
    yield answer_formula(derivative(problem.formula, question.wrt, where=problem.where, of=of, layout="gradient"))
    yield _paragraph(context, "difference")
    given: dict[str, Any] = dict(problem.values)
    header = ("$h$", _said(context, "forward formula"), _said(context, "central formula"))
    rows = differences(source, of, question.wrt, given, question.steps)
    cells = tuple(tuple(Formula(number_latex(v), f"{v:.0e}") for v in row) for row in rows)
    yield Table(header, cells)
    whole = differences(source, of, question.wrt, given, STEPS_OF_PICTURE)
    best = min(whole, key=lambda row: row.central)
    yield _paragraph(context, "difference best", h=number_latex(best.h), error=number_latex(best.central))
    caption = _said(context, "difference picture")
    names = ("forward difference", "central difference", "truncation", "rounding")
    labels = tuple(_said(context, n) for n in names)
    words = Words(_said(context, "step h"), _said(context, "relative error"), caption.replace("$", ""))
    svg = difference_picture(whole, (labels[0], labels[1], labels[2], labels[3]), words)
    yield _figure(context, f"{context.exercise.id}-{question.id}-{context.language}", caption, svg)
