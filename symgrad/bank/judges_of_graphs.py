"""The judge of graphs handed in as lines: one line for each node, an edge for each name that a line reads.

The graph is right if the output is what the exercise computes and every node of the exercise's graph is there, under
whatever name; finer graphs are right too.  Nodes are compared as functions of the inputs.

>>> from symgrad.bank.exercise import Bilingual, Problem
>>> question = GraphQuestion(
...     id="k", text=Bilingual(en="", fa=""), finding=(), note=None,
...     problem=Problem("x, y, z: R", "q = x + y; f = q*z", {}))
>>> judge_graph(question, "s = y + x; out = z*s").right, judge_graph(question, "f = (x + y)*z").detail
(True, 'no node computes q')
"""

from __future__ import annotations

from symgrad.bank.exercise import GraphQuestion
from symgrad.bank.judged import WRONG, Judged, program_of, right, wrong
from symgrad.errors import DomainError, LimitError
from symgrad.programs import RESULT, Program, program
from symgrad.tensor.view import View, same_shape
from symgrad.verification.equality import equal, matrices, proved, same_in_field
from symgrad.verification.witnesses import find_point

MOST_NODES = 100
SAMPLES = ("distinct", "square", "distinct")


def judge_graph(question: GraphQuestion, drawn: str) -> Judged:
    """The lines against the exercise's.  Raises what the lines raise, LimitError for more than MOST_NODES."""
    source = program_of(question.problem)
    found = program(drawn, source.declared)
    if len(found.lines) > MOST_NODES:
        raise LimitError(f"a graph of at most {MOST_NODES} nodes")
    if not _same(found.views[found.output], source.views[source.output], source):
        return wrong(WRONG, f"the last node, {found.output}, does not compute {source.output}")
    for name in dict.fromkeys(line.name or RESULT for line in source.lines):
        if not any(_same(found.views[node], source.views[name], source) for node in found.assigned):
            return wrong(WRONG, f"no node computes {name}")
    return right(f"all {len(source.lines)} nodes are there")


def _same(a: View, b: View, source: Program) -> bool:
    """Whether two nodes are the same function of the inputs."""
    if not same_shape(a, b):
        return False
    return proved(a, b) or (_agree(a, b, source) and (same_in_field(a, b, source) or _agree(a, b, source, 7)))


def _agree(a: View, b: View, source: Program, seed: int = 0) -> bool:
    """Whether they agree at samples, all different and square."""
    taken = 0
    for number, kind in enumerate(SAMPLES):
        try:
            point = find_point(source, kind, seed + number, of=source.output)
        except DomainError:
            continue
        taken += 1
        if not equal(*matrices([a, b], point)):
            return False
    return taken > 0
