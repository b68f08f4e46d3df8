"""Deriving with a mistake: the reverse sweep, with the shares of single nodes replaced.

`sites_of` finds the shares that nodes on the way hand on, `derived_with` sweeps again with changed ones, and
`other_functions` are functions that a problem is mistaken for.  This room compares nothing.

>>> from symgrad.derivation import derivative
>>> D = derivative("v'*tanh(A*x)", "x", where="A: R^{m x n}; x: R^n; v: R^m")
>>> [site.node.op.name for site, record, swap in local_changes(D) if record == "missing chain factor"]
['tanh']
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction

from symgrad.calculus.differentiate import Contribution, cotangents, differentiate, pull_back
from symgrad.calculus.present import present
from symgrad.calculus.structure import structured
from symgrad.derivation import Derivative
from symgrad.errors import SymgradError
from symgrad.operations.catalogue import LOGARITHM, find
from symgrad.operations.record import Elementwise
from symgrad.tensor.build import add, einsum, elementwise, is_zero, power, zero
from symgrad.tensor.nodes import Apply, Delta, Einsum, Map, Node, Power, walk
from symgrad.verification.mistake import Sharing, Site, Swap
from symgrad.verification.mistakes_of_rules import RECORDS

MOST_SITES = 24  # shares at which a rule is changed

Change = tuple[Site, str, Swap]


def local_changes(derivative: Derivative) -> list[Change]:
    """Every site with every mistake that can be made there: the site, the id, what the node then hands on."""
    sites = sites_of(derivative)[:MOST_SITES]
    return [(s, m.id, swap) for m in RECORDS if m.swaps is not None for s in sites for swap in m.swaps(s)]


def sites_of(derivative: Derivative) -> list[Site]:
    """The shares that are handed on from the function of the last differentiation to the variable."""
    output, variable = _last(derivative), derivative.variables[-1].node
    active = _between(output, variable)
    uses = Counter(a for n in active for a in dict.fromkeys(n.args))
    found: list[Site] = []
    for node in reversed(list(active)):
        if not node.args or node is variable:
            continue
        shares = _shares(node, active)
        for place, share in enumerate(shares):
            top, leaf = node is output, share[0] is variable
            twins = shares.count(share)
            found.append(Site(node, place, share[0], len(shares), uses[share[0]], twins, top, leaf))
    return found


def _shares(node: Node, active: Mapping[Node, None]) -> list[Contribution]:
    """What a node hands on of its own derivative, in turn."""
    try:
        return list(pull_back(node, _seed(node), node.rank, active, LOGARITHM))
    except SymgradError:
        return []


def _seed(node: Node) -> Node:
    rank = node.rank
    return einsum([(Delta.make(s), (i, rank + i)) for i, s in enumerate(node.shape)], range(2 * rank))


def _last(derivative: Derivative) -> Node:
    """What the last variable is differentiated of: the output, or its derivative by the earlier variables."""
    node = derivative.output.node
    for view, name in list(zip(derivative.variables, derivative.wrt, strict=True))[:-1]:
        node = structured(differentiate(node, view.node, LOGARITHM), view, derivative.structure, name)
        node = present(node)
    return node


def _between(output: Node, variable: Node) -> dict[Node, None]:
    """The nodes on a path from the variable to the output, arguments first."""
    active: dict[Node, None] = {}
    for node in walk(output):
        if node is variable or any(a in active for a in node.args):
            active[node] = None
    return active


def derived_with(derivative: Derivative, changes: Sequence[Change]) -> Node:
    """The derivative again, with the rules at some sites changed: output axes, then variable axes."""
    output, view = _last(derivative), derivative.variables[-1]
    swaps: dict[Node, list[Swap]] = {}
    for site, _, swap in changes:
        swaps.setdefault(site.node, []).append(swap)
    node = _swept(output, view.node, swaps)
    return structured(node, view, derivative.structure, derivative.wrt[-1])


def _swept(output: Node, variable: Node, swaps: Mapping[Node, Sequence[Swap]]) -> Node:
    active, axes = _between(output, variable), output.rank
    waiting: dict[Node, list[tuple[int, Node]]] = {n: [] for n in active}
    waiting.setdefault(output, []).append((1, _seed(output)))
    found = zero(output.shape + variable.shape)
    for node in reversed(list(active)):
        cotangent = add(waiting.pop(node), output.shape + node.shape)
        if node is variable:
            found = cotangent
        elif node.args and not is_zero(cotangent):
            for argument, coefficient, share in _handed_on(node, cotangent, axes, active, swaps.get(node, ())):
                waiting[argument].append((coefficient, share))  # type: ignore[arg-type]
    return found


def _handed_on(
    node: Node, cotangent: Node, axes: int, active: Mapping[Node, None], swaps: Sequence[Swap]
) -> list[Contribution]:
    shares: Sequence[Contribution | None] = list(pull_back(node, cotangent, axes, active, LOGARITHM))
    for swap in swaps:
        shares = swap(Sharing(node, cotangent, axes, tuple(shares)))
    return [s for s in shares if s is not None]


def stopped_early(derivative: Derivative) -> Iterator[tuple[Node, Node]]:
    """Every step on the way with the output's derivative by it: what one has who forgets the rest of the chain."""
    output, variable = _last(derivative), derivative.variables[-1].node
    if output.shape:
        return
    steps = [n for n in _between(output, variable) if n is not output and n is not variable][-MOST_SITES:]
    found = cotangents(output, steps, LOGARITHM)
    yield from ((n, found[n]) for n in steps)


# --- functions that a problem is mistaken for -------------------------------------------------


def other_functions(derivative: Derivative) -> Iterator[Node]:
    """The derivatives of functions in which one step is left out, or a scalar step is squared, rooted, ..."""
    output, view = _last(derivative), derivative.variables[-1]
    for node in list(_between(output, view.node))[:MOST_SITES]:
        for replacement in _mistaken_for(node):
            changed = present(output, {node: replacement})
            if changed is not output:
                derived = differentiate(changed, view.node, LOGARITHM)
                yield structured(derived, view, derivative.structure, derivative.wrt[-1])


def _mistaken_for(node: Node) -> Iterator[Node]:
    match node:
        case Map() if len(node.args) == 1:
            yield node.args[0]
        case Power() if node.args[0].shape == node.shape:
            yield node.base
            yield power(node.base, -1)
        case Apply() if not node.shape:
            yield elementwise(LOGARITHM, node)
            yield elementwise(_exponential(), node)
    if not node.shape and isinstance(node, Einsum):
        yield from (power(node, 2), power(node, Fraction(1, 2)))


def _exponential() -> Elementwise:
    op = find("exp")
    assert isinstance(op, Elementwise)
    return op
