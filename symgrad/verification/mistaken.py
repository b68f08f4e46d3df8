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
from dataclasses import replace
from fractions import Fraction
from itertools import islice
from typing import cast

from symgrad.calculus.differentiate import Contribution, cotangents, differentiate, pull_back
from symgrad.calculus.present import present
from symgrad.calculus.structure import structured
from symgrad.derivation import STRUCTURES, Derivative, derive
from symgrad.errors import SymgradError
from symgrad.notation.lower import lower
from symgrad.notation.tree import Call, Name
from symgrad.operations.catalogue import LOGARITHM, find
from symgrad.operations.catalogue import record as record_of
from symgrad.operations.record import Elementwise, TensorFunction
from symgrad.tensor.build import ONE, add, apply, einsum, elementwise, full, is_zero, power, zero
from symgrad.tensor.nodes import Apply, Delta, Einsum, Input, Map, Node, Power, walk
from symgrad.tensor.view import View
from symgrad.verification.edits import MOST_PARTS, places, replaced
from symgrad.verification.local_rules import base_and_exponent
from symgrad.verification.mistake import Sharing, Site, Swap
from symgrad.verification.mistakes_of_rules import RECORDS
from symgrad.verification.product_rules import multiplied

MOST_CHANGES = 400
MOST_SITES = 24  # shares at which a rule is changed
MOST_OTHERS = 8  # variables that the differentiation is by mistake by

Change = tuple[Site, str, Swap]


def local_changes(derivative: Derivative) -> list[Change]:
    """Every site with every mistake that can be made there: the site, the id, what the node then hands on."""
    sites = sites_of(derivative)[:MOST_SITES]
    changes = ((s, m.id, swap) for m in RECORDS if m.swaps is not None for s in sites for swap in m.swaps(s))
    return list(islice(changes, MOST_CHANGES))


def sites_of(derivative: Derivative) -> list[Site]:
    """The shares that are handed on from the function of the last differentiation to the variable."""
    return _sites(_last(derivative), derivative.variables[-1].node)


def _sites(output: Node, variable: Node) -> list[Site]:
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
    steps = [n for n in _between(output, variable) if n is not output and n is not variable][-MOST_SITES:]
    if output.shape:  # entry by entry, the variable a scalar
        steps = [n for n in steps if n.shape == output.shape and not variable.shape]
    found = cotangents(output, steps, LOGARITHM)
    own = range(output.rank)
    yield from ((n, einsum([(found[n], range(2 * output.rank))], own) if own else found[n]) for n in steps)


# --- steps that the graph holds as one function ---------------------------------------------------


def merged_steps(derivative: Derivative) -> Iterator[tuple[str, Node]]:
    """Mistakes at steps of the text that the graph merges, as log and sum(exp(x)) in log(sum(exp(x))).

    The text is cut at such a step t: each half is derived by itself, right or with one rule changed.
    """
    source, variable = derivative.program, derivative.variables[-1].node
    if len(derivative.wrt) > 1 or derivative.wrt[0] in source.assigned or len(source.lines) > 1:
        return
    present_in = set(walk(derivative.output.node))
    whole = source.lines[-1].value
    calls = [(p, t) for p, t in places(whole) if p and isinstance(t, Call)]
    for path, tree in [(p, t) for p, t in calls if record_of(t.op).notation.fixity == "call"][:MOST_PARTS]:
        step = lower(tree, source.scope)
        if step.node not in present_in and variable in walk(step.node) and step.node is not variable:
            yield from _cut_at(derivative, path, step)


def _cut_at(derivative: Derivative, path: tuple[int, ...], step: View) -> Iterator[tuple[str, Node]]:
    source, variable = derivative.program, derivative.variables[-1].node
    held = Input.make("_step", step.node.shape)
    views = {**source.scope.views, "_step": View(held, step.rows)}
    outer = lower(replaced(source.lines[-1].value, path, Name("_step")), replace(source.scope, views=views)).node
    if held not in walk(outer):
        return
    slope, axes = _swept(outer, held, {}), outer.rank
    if not axes and variable not in walk(outer):
        stopped = present(slope, {held: step.node})
        yield "factor left out", stopped
        if not stopped.shape:
            yield "factor left out", full(stopped, variable.shape)
    direct = present(differentiate(outer, variable, LOGARITHM), {held: step.node})
    for id, through in _through(derivative, outer, step, held):
        yield id, add([(1, direct), (1, through)], direct.shape)


def _through(derivative: Derivative, outer: Node, step: View, held: Node) -> Iterator[tuple[str, Node]]:
    """What comes through a step, with one mistake."""
    variable, axes = derivative.variables[-1].node, outer.rank
    slope = _swept(outer, held, {})
    yield from (("missing chain factor", n) for n in _joined(full(ONE, slope.shape), step.node, variable, axes))
    for node in step.node.args:  # a function of a whole array handed on as if it were the identity
        if node.shape == step.node.shape and variable in walk(node):
            passed = _joined(present(slope, {held: step.node}), node, variable, axes)
            yield from (("Jacobian left out", n) for n in passed)
    for id, changed in _each_changed(outer, held):
        yield from ((id, n) for n in _joined(present(changed, {held: step.node}), step.node, variable, axes))
    for id, changed in _each_changed(step.node, variable):
        labels, own = range(axes, axes + step.node.rank), step.node.rank
        last = range(axes + own, axes + own + variable.rank)
        right = present(slope, {held: step.node})
        yield id, einsum([(right, range(axes + own)), (changed, (*labels, *last))], (*range(axes), *last))


def _joined(cotangent: Node, step: Node, variable: Node, axes: int) -> Iterator[Node]:
    """A cotangent (the output's axes first) handed on from a step to the variable."""
    own = step.rank
    last = range(axes + own, axes + own + variable.rank)
    slope = differentiate(step, variable, LOGARITHM)
    yield einsum([(cotangent, range(axes + own)), (slope, (*range(axes, axes + own), *last))], (*range(axes), *last))


def _each_changed(output: Node, variable: Node) -> Iterator[tuple[str, Node]]:
    """The derivative with each single rule changed."""
    for site in _sites(output, variable)[:MOST_SITES]:
        for record in RECORDS:
            for swap in record.swaps(site) if record.swaps is not None else ():
                try:
                    yield record.id, _swept(output, variable, {site.node: [swap]})
                except SymgradError:
                    continue


# --- other questions ----------------------------------------------------------------------------


def other_derivatives(derivative: Derivative) -> Iterator[Derivative]:
    """The same function by each other variable; a derivative of higher order also with one differentiation fewer."""
    source, wrt = derivative.program, derivative.wrt
    options = {"layout": derivative.layout, "vec": derivative.vec, "structure": derivative.structure}
    if len(wrt) > 1:
        yield derive(source, derivative.of, list(wrt[:-1]), **options)
        return
    for name in [n for n in source.declared if n not in wrt][:MOST_OTHERS]:
        try:
            yield derive(source, derivative.of, name, **options)
        except SymgradError:
            continue


def other_structures(derivative: Derivative) -> Iterator[Derivative]:
    """The same derivative by other conventions for a symmetric variable and the like."""
    options = {"layout": derivative.layout, "vec": derivative.vec}
    for structure in STRUCTURES:
        if structure != derivative.structure:
            try:
                yield derive(derivative.program, derivative.of, list(derivative.wrt), structure=structure, **options)
            except SymgradError:
                continue


def mistaken_before(derivative: Derivative) -> Iterator[tuple[str, Node]]:
    """Second derivatives of a first derivative that is mistaken at one site."""
    if len(derivative.wrt) != 2:
        return
    (first, last), structure, name = derivative.variables, derivative.structure, derivative.wrt[1]
    for site in _sites(derivative.output.node, first.node)[:MOST_SITES]:
        for record in RECORDS:
            for swap in record.swaps(site) if record.swaps is not None else ():
                once = _swept(derivative.output.node, first.node, {site.node: [swap]})
                once = present(structured(once, first, structure, derivative.wrt[0]))
                yield record.id, structured(differentiate(once, last.node, LOGARITHM), last, structure, name)


def products_of_derivatives(derivative: Derivative) -> Iterator[Node]:
    """Derivatives with (fg)' = f'g' somewhere."""
    output, view = _last(derivative), derivative.variables[-1]
    for node in multiplied(output, view.node):
        yield structured(node, view, derivative.structure, derivative.wrt[-1])


def names_left_out(derivative: Derivative) -> Iterator[Node]:
    """A named step t = f(u) taken as t = u: its gradient is handed on as if f had no Jacobian.

    The graph may hold f and what follows as one function, as log(softmax(u)); here the name is cut first.
    """
    source, variable = derivative.program, derivative.variables[-1].node
    if len(derivative.wrt) > 1 or derivative.output.node.shape or derivative.wrt[0] in source.assigned:
        return
    for line in source.lines[:-1][-MOST_OTHERS:]:
        value = line.value
        if not line.name or not isinstance(value, Call) or len(value.args) != 1:
            continue
        step, inner = source.views[line.name].node, lower(value.args[0], source.scope).node
        cut = source.cut_at([line.name]).views
        name = cut[line.name].node
        gradient = present(cotangents(cut[derivative.of].node, [name], LOGARITHM)[name], {name: step})
        if inner.shape == gradient.shape and variable in walk(inner):
            held = Input.make("", gradient.shape)
            labels = range(inner.rank)
            share = differentiate(einsum([(held, labels), (inner, labels)], ()), variable, LOGARITHM)
            yield present(share, {held: gradient})


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
            raised = base_and_exponent(node.args[0])
            if raised is not None:  # sin(x)^2 for sin(x^2)
                yield power(Map.make(node.op, (raised[0],), node.shape), raised[1])
        case Power() if node.args[0].shape == node.shape:
            yield node.base
            yield power(node.base, -1)
        case Apply() if not node.shape:
            yield elementwise(LOGARITHM, node)
            yield elementwise(_exponential(), node)
            if node.op.core == "m->s" and node.batch == 0:
                yield apply(cast(TensorFunction, find("det")), node.args[0])  # det for logdet, whatever its sign
    if not node.shape and isinstance(node, Einsum):
        yield from (power(node, 2), power(node, Fraction(1, 2)), power(node, -1))


def _exponential() -> Elementwise:
    op = find("exp")
    assert isinstance(op, Elementwise)
    return op
