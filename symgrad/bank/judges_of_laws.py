"""Judges of the laws of gates: add distributes, multiply swaps, max routes, copy sums.

The printed gradients are compared with the engine's, the claim with what the engine sends along the edges.

>>> sorted(_CLAIMS)
['distributes', 'routes', 'sums', 'swaps']
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from symgrad.bank.exercise import LawQuestion
from symgrad.bank.judged import WRONG, Judged, placed, right, wrong
from symgrad.errors import DomainError
from symgrad.verification.witnesses import Run, at

Array = Any
CLOSE = 1e-9


def judge_law(question: LawQuestion) -> Judged:
    """The printed gradients against the engine's, and the claim against what it sends along the edges."""
    source, point = placed(question.problem)
    of = question.of or source.output
    run = at(source, of, point)
    run.forward()
    found = run.graph.backward(np.asarray(question.upstream, dtype=float), of=of)
    for name, said in question.gradients.items():
        true = found[name] if name in found else run.graph.gradient(name)
        if np.shape(true) != np.shape(said) or np.abs(true - np.asarray(said)).max() > CLOSE:
            return wrong(WRONG, f"the gradient of {name}: {said} is printed, exact is {true}")
    broken = _CLAIMS[question.claim](run, question, of)
    return right(f"the gate {question.claim}") if broken is None else wrong(WRONG, broken)


def _distributes(run: Run, question: LawQuestion, of: str) -> str | None:
    upstream = np.asarray(question.upstream, dtype=float)
    kept = all(np.array_equal(sent, upstream) for sent in _sent(run, of))
    return None if kept else f"{of} does not hand its gradient on unchanged"


def _swaps(run: Run, question: LawQuestion, of: str) -> str | None:
    first, second = (run.graph.value(p) for p in _parents(run, of))
    upstream = np.asarray(question.upstream, dtype=float)
    wanted = (upstream * second, upstream * first)
    kept = all(np.allclose(a, b) for a, b in zip(_sent(run, of), wanted, strict=True))
    return None if kept else f"{of} does not give each input the gradient times the other"


def _routes(run: Run, question: LawQuestion, of: str) -> str | None:
    first, second = (run.graph.value(p) for p in _parents(run, of))
    upstream = np.asarray(question.upstream, dtype=float)
    wanted = (np.where(first >= second, upstream, 0), np.where(first >= second, 0, upstream))
    kept = all(np.array_equal(a, b) for a, b in zip(_sent(run, of), wanted, strict=True))
    return None if kept else f"{of} does not send the gradient to the larger input, the first one at a tie"


def _sums(run: Run, question: LawQuestion, of: str) -> str | None:
    """Some node is read at several places, and its gradient is the sum of what comes back."""
    edges = run.graph.edges()
    read = {source for source, _, _ in edges if sum(s is source for s, _, _ in edges) > 1 and source.kind != "constant"}
    for node in read:
        back = sum(run.graph.edge_gradient(target, slot) for s, target, slot in edges if s is node)
        if not np.allclose(back, run.graph.gradient(node)):
            return f"the gradients that come back to {node.name} do not add up"
    return None if read else "no value is copied to several places"


_CLAIMS: dict[str, Callable[[Run, LawQuestion, str], str | None]] = {
    "distributes": _distributes,
    "swaps": _swaps,
    "routes": _routes,
    "sums": _sums,
}


def _parents(run: Run, of: str) -> list[Any]:
    """The two inputs of the gate `of`."""
    handles = [source for source, target, _ in run.graph.edges() if target.name == of]
    if len(handles) != 2:
        raise DomainError(f"{of} is no gate of two inputs")
    return handles


def _sent(run: Run, of: str) -> list[Array]:
    return [run.graph.edge_gradient(of, slot) for slot in range(len(_parents(run, of)))]
