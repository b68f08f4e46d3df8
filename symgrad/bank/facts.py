"""Blocks for the other questions: chains of derivatives, shapes of Jacobians, flattening, gates, graphs."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from symgrad.bank.content import Block, Cell, Figure, Formula, Paragraph, Table
from symgrad.bank.judges_of_form import filled
from symgrad.bank.numbers import numbers
from symgrad.bank.phrases import digits
from symgrad.bank.worked import answer_formula, shape_latex, verification
from symgrad.derivation import Derivative, derivative
from symgrad.errors import SymgradError
from symgrad.execution import execute
from symgrad.notation.grammar import parse
from symgrad.notation.latex import latex as tree_latex
from symgrad.notation.latex import name_latex
from symgrad.notation.lift import lift
from symgrad.notation.text import text
from symgrad.notation.tree import names
from symgrad.operations.catalogue import latex_templates
from symgrad.programs import Program, program
from symgrad.steps.step import fraction
from symgrad.tensor.build import einsum, is_zero
from symgrad.tensor.dims import times
from symgrad.tensor.nodes import Delta, Einsum, Map, Node, Ones

if TYPE_CHECKING:
    from symgrad.bank.exercise import ChainQuestion, FlatteningQuestion, GraphQuestion, LawQuestion, StructureQuestion
    from symgrad.bank.key import Context

MAX_PATHS = 24
EXAMPLE = (2, 3)  # rows and columns of the matrix that is counted out
COMPARISONS = ("gt", "ge", "lt", "le", "eq", "ne")


# --- chains -------------------------------------------------------------------------------------


def chain_blocks(question: ChainQuestion, context: Context) -> Iterator[Block]:
    """The product of derivatives along each path, and the factors themselves."""
    from symgrad.bank.key import print_note

    source = program(question.problem.formula, question.problem.where)
    found = paths(source, question.of, question.wrt)
    single = len(found) == 1 and len(found[0]) == 2
    yield Paragraph(context.say("chain one" if single else "chain factors"))
    if not single:
        yield _chain_formula(question.of, question.wrt, [_pairs(path) for path in found])
    for of, wrt in () if single else dict.fromkeys(pair for path in found for pair in _pairs(path)):
        yield answer_formula(derivative(question.problem.formula, wrt, where=question.problem.where, of=of))
    yield Paragraph(context.say("answer"), strong=True)
    whole = derivative(question.problem.formula, question.wrt, where=question.problem.where, of=question.of)
    yield answer_formula(whole)
    yield from verification(whole, context)
    if question.printed is not None and question.finding:
        yield Paragraph(context.say("prints"))
        yield _chain_formula(question.of, question.wrt, [[(f.of, f.wrt) for f in question.printed]])
    right = context.say("prints right") if question.printed is not None and not question.finding else None
    yield from print_note(question, context, right)


def _pairs(path: list[str]) -> list[tuple[str, str]]:
    return list(pairwise(path))


def _chain_formula(of: str, wrt: str, chains: list[list[tuple[str, str]]]) -> Formula:
    latex = " + ".join(r" \cdot ".join(fraction(*pair) for pair in chain) for chain in chains)
    text = " + ".join(" * ".join(f"d{a}/d{b}" for a, b in chain) for chain in chains)
    return Formula(f"{fraction(of, wrt)} = {latex}", f"d{of}/d{wrt} = {text}")


def paths(source: Program, of: str, wrt: str) -> list[list[str]]:
    """The ways from an output back to a variable, each the names passed.  Raises SymgradError for too many."""
    reads = {line.name: names(line.value) for line in source.lines if line.name}
    waiting, found = [[of]], []
    while waiting:
        path = waiting.pop()
        if path[-1] == wrt:
            found.append(path)
            continue
        waiting += [[*path, name] for name in reversed(reads.get(path[-1], []))]
        if len(waiting) + len(found) > MAX_PATHS:
            raise SymgradError(f"more than {MAX_PATHS} paths lead from {of} to {wrt}")
    return found


# --- structure ----------------------------------------------------------------------------------


def structure_blocks(question: StructureQuestion, context: Context) -> Iterator[Block]:
    """Shape, number of entries and structure of a Jacobian, from its symbols alone."""
    from symgrad.bank.key import print_note

    problem = question.problem
    result = derivative(problem.formula, question.wrt, where=problem.where, of=question.of, layout=question.layout)
    shape, size = shape_latex(result.shape), str(times(*result.shape)).replace("*", r" \cdot ")
    if len(result.shape) > 2:
        axes = digits(len(result.shape), context.language)
        yield Paragraph(context.say("structure tensor", axes=axes, shape=shape))
    else:
        yield Paragraph(context.say("structure shape", shape=shape, size=size))
        yield from _form(result, context)
    yield Paragraph(context.say("answer"), strong=True)
    yield answer_formula(result)
    right = context.say("prints right") if question.printed is not None and not question.finding else None
    yield from print_note(question, context, right)


def _form(result: Derivative, context: Context) -> Iterator[Block]:
    if is_zero(result.node):
        yield Paragraph(context.say("structure zero"))
        return
    diagonal = diagonal_of(result.shown)
    if diagonal is None:
        yield from _filled(result, context)
        return
    yield Paragraph(context.say("structure diagonal"))
    tree = lift(diagonal)
    kinds = {name: view.kind for name, view in result.scope.views.items()}
    yield Formula(tree_latex(tree, kinds, templates=latex_templates()), text(tree))
    if isinstance(diagonal, Map) and diagonal.op.name in COMPARISONS:
        yield Paragraph(context.say("structure mask"))


def _filled(result: Derivative, context: Context) -> Iterator[Block]:
    """How many entries differ from zero; nothing where that was not seen."""
    seen = filled(result)
    if seen is None:
        return
    if seen.all():
        yield Paragraph(context.say("structure dense"))
    elif all(isinstance(s, int) for s in result.shape):
        yield Paragraph(context.say("structure some", count=digits(int(seen.sum()), context.language)))


def diagonal_of(node: Node) -> Node | None:
    """The diagonal of a matrix that has zeros elsewhere; None where that is not plain to see."""
    if not isinstance(node, Einsum) or node.rank != 2:
        return None
    deltas = [f for f in node.factors if isinstance(f[0], Delta) and set(f[1]) == {0, 1}]
    rest = [f for f in node.factors if f not in deltas]
    if not deltas or any(1 in labels for _, labels in rest):
        return None
    return einsum([*rest, (Ones.make(node.shape[0]), (0,))], (0,), node.coefficient)


# --- flattening ---------------------------------------------------------------------------------


def flattening_blocks(question: FlatteningQuestion, context: Context) -> Iterator[Block]:
    """The index formula, why, and a small matrix counted out."""
    from symgrad.bank.key import print_note

    rows, columns = question.shape
    right = f"(i-1)*{columns}+j" if question.order == "row" else f"(j-1)*{rows}+i"
    yield Paragraph(context.say(f"flattening {question.order}", rows=rows, columns=columns))
    yield Paragraph(context.say("answer"), strong=True)
    yield _index_formula(right)
    counts = {"row_count": EXAMPLE[0], "column_count": EXAMPLE[1]}
    yield Paragraph(context.say("flattening example", rows=rows, columns=columns, **counts))
    yield _enumerated(question, right, context)
    if question.printed is not None:
        yield Paragraph(context.say("prints"))
        yield _index_formula(question.printed)
    yield from print_note(question, context)


def _index_formula(formula: str) -> Formula:
    written = tree_latex(parse(formula), templates=latex_templates())
    return Formula(f"A_{{i j}} = a_k, \\quad k = {written}", f"A[i, j] = a[k], k = {formula}")


def _enumerated(question: FlatteningQuestion, right: str, context: Context) -> Table:
    """Every entry in the order in which it is stacked, with its place counted and by formula."""
    rows, columns = EXAMPLE
    entries = [(i, j) for i in range(1, rows + 1) for j in range(1, columns + 1)]
    if question.order == "column":
        entries.sort(key=lambda e: (e[1], e[0]))
    header = [context.say("entry"), context.say("place")] + ([context.say("printed place")] if question.printed else [])
    table: list[tuple[Cell, ...]] = []
    for place, (i, j) in enumerate(entries, 1):
        if place_by(right, question.shape, i, j) != place:
            raise SymgradError(f"the formula {right} does not give the place of A[{i}, {j}]")
        cells: list[Cell] = [Formula(f"A_{{{i} {j}}}", f"A[{i}, {j}]"), numbers(place, 0)]
        if question.printed:
            cells.append(numbers(place_by(question.printed, question.shape, i, j), 0))
        table.append(tuple(cells))
    return Table(tuple(header), tuple(table))


def place_by(formula: str, shape: tuple[str, str], i: int, j: int) -> int:
    """What an index formula gives for one entry of the example."""
    letters = ("i", "j", *shape)
    source = program(formula, "; ".join(f"{a}: R" for a in letters))
    values = dict(zip(letters, map(float, (i, j, *EXAMPLE)), strict=True))
    graph = execute(source, values)
    return round(float(graph.value(graph.output)))


# --- gates and graphs ---------------------------------------------------------------------------


def law_blocks(question: LawQuestion, context: Context) -> Iterator[Block]:
    """What the gate does with the gradient that arrives, in symbols and in little numbers."""
    from symgrad.bank.key import print_note

    source = program(question.problem.formula, question.problem.where)
    of = question.of or source.output
    graph = execute(source, question.problem.values, of)
    graph.backward(_seed(question.upstream))
    upstream = _inline(question.upstream)
    yield Paragraph(context.say(f"law {question.claim}", upstream=upstream, of=name_latex(of)))
    rows: list[tuple[Cell, ...]] = []
    for name in question.gradients:
        local = answer_formula(derivative(question.problem.formula, name, where=question.problem.where, of=of))
        value, arrived = graph.value(name), graph.gradient(name)
        rows.append((Formula(name_latex(name), name), numbers(value, 0), local, numbers(arrived, 0)))
    header = ("quantity", "value", "local", "gradient")
    yield Table(tuple(context.say(h) for h in header), tuple(rows))
    yield from print_note(question, context)


def _seed(upstream: Any) -> Any:
    import numpy as np

    return float(upstream) if np.ndim(upstream) == 0 else np.asarray(upstream, dtype=float)


def _inline(value: Any) -> str:
    import numpy as np

    array = np.asarray(value, dtype=float)
    return f"{float(array):g}" if array.ndim == 0 else "(" + ", ".join(f"{x:g}" for x in array) + ")"


def graph_blocks(question: GraphQuestion, context: Context) -> Iterator[Block]:
    """The picture, or where there is none the lines it is drawn from."""
    problem = question.problem
    yield Paragraph(context.say("graph"))
    name = f"{context.exercise.id}-{question.id}"
    yield Figure(
        name, context.say("graph caption"), problem.where, problem.formula.strip(), tuple(problem.values.items())
    )
