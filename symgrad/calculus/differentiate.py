"""d output / d variable, by reverse accumulation over the graph.

Each node gets one cotangent: the derivative of the output by that node, carrying the output's axes
first.  Cotangents are shared, so the work is linear in the number of nodes.  All of the calculus is here:
a product hands on the other factors, a power and an entry by entry function their partial, a named
function its Jacobian in index notation; what an operation's rule says stands in its record.

>>> from symgrad.tensor.build import einsum
>>> from symgrad.tensor.dims import letter
>>> from symgrad.tensor.nodes import Input
>>> x, A = Input.make("x", (letter("n"),)), Input.make("A", (letter("n"),) * 2)
>>> differentiate(einsum([(A, "ij"), (x, "j")], "i"), x) is A
True
"""

from __future__ import annotations

from collections.abc import Callable, Container, Hashable, Iterable, Iterator, Mapping

from symgrad.errors import NotDifferentiableError
from symgrad.tensor.build import (
    MINUS_ONE,
    ONE,
    as_number,
    einsum,
    elementwise,
    hadamard,
    inlined,
    is_zero,
    plus,
    power,
    scaled,
    split_product,
    zero,
)
from symgrad.tensor.build import add as add_nodes
from symgrad.tensor.dims import Shape, Size
from symgrad.tensor.index import Indexed, Tensor, resolved
from symgrad.tensor.nodes import (
    Add,
    Apply,
    Coefficient,
    Delta,
    Einsum,
    EntrywiseFunction,
    Map,
    Node,
    Ones,
    Power,
    walk,
)

Labels = tuple[Hashable, ...]
Override = Mapping[Node, tuple[Callable[..., Node], ...]]
Contribution = tuple[Node, Coefficient, Node]  # (argument, coefficient, cotangent)


def depends(root: Node, variable: Node) -> bool:
    """Whether the variable occurs in the expression."""
    return any(n is variable for n in walk(root))


def differentiate(
    output: Node, variable: Node, logarithm: EntrywiseFunction | None = None, override: Override | None = None
) -> Node:
    """d output[o...] / d variable[v...], a node of the output's axes followed by the variable's.

    `logarithm` is the catalogue's log, needed where an exponent depends on the variable; `override` gives
    single nodes other partials than their record's, to derive with a mistake.
    The derivative is zero exactly where the variable does not occur or everything cancels.
    Raises NotDifferentiableError where an operation has no rule.
    """
    return cotangents(output, [variable], logarithm, override)[variable]


def cotangents(
    output: Node,
    variables: list[Node],
    logarithm: EntrywiseFunction | None = None,
    override: Override | None = None,
) -> Mapping[Node, Node]:
    """The derivative of `output` by each of `variables`, in one sweep."""
    wanted = set(variables)
    order = _between(output, wanted)
    axes = len(output.shape)
    waiting: dict[Node, list[tuple[Coefficient, Node]]] = {n: [] for n in order}
    waiting.setdefault(output, []).append((1, _seed(output.shape)))
    found: dict[Node, Node] = {}
    for node in reversed(order):
        shares = waiting.pop(node)
        if len(shares) == 1 and type(shares[0][1]) is not Add:
            number, cotangent = shares[0]  # apart: in a chain of products no node is made that differs in a number only
        else:  # several, or none where zeros were handed on
            number, cotangent = 1, add_nodes(shares, output.shape + node.shape)
        if node in wanted:
            found[node] = scaled(number, cotangent)
        if node.args and (cotangent.args or not is_zero(cotangent)):
            for argument, coefficient, share in pull_back(node, cotangent, axes, waiting, logarithm, override):
                if type(share) is Add:  # has its numbers in its terms, so that like terms of sums are found
                    waiting[argument].append((coefficient, scaled(number, share)))
                else:
                    waiting[argument].append((number * coefficient, share))
    return {v: found[v] if v in found else zero(output.shape + v.shape) for v in variables}


def _between(output: Node, variables: set[Node]) -> list[Node]:
    """The nodes that lie on a path from a variable to the output, arguments first."""
    active: set[Node] = set()
    order: list[Node] = []
    for node in walk(output):
        if node in variables or not active.isdisjoint(node.args):
            active.add(node)
            order.append(node)
    return order


def _seed(shape: Shape) -> Node:
    rank = len(shape)
    if rank < 2:
        return Delta.make(shape[0]) if rank else ONE
    return einsum([(Delta.make(s), (i, rank + i)) for i, s in enumerate(shape)], range(2 * rank))


def pull_back(
    node: Node,
    cotangent: Node,
    axes: int,
    active: Container[Node],
    logarithm: EntrywiseFunction | None = None,
    override: Override | None = None,
) -> Iterable[Contribution]:
    """What one node hands on to its arguments: the calculus, one rule per kind of node."""
    kind = type(node)
    if kind is Einsum:
        return _pull_product(node, cotangent, axes, active)  # type: ignore[arg-type]
    if kind is Map:
        return _pull_map(node, cotangent, axes, active, override)  # type: ignore[arg-type]
    if kind is Add:
        return [(a, c, cotangent) for c, a in node.terms if a in active]  # type: ignore[attr-defined]
    if kind is Power:
        return _pull_power(node, cotangent, axes, active, logarithm)  # type: ignore[arg-type]
    if kind is Apply:
        return _pull_function(node, cotangent, axes, active)  # type: ignore[arg-type]
    raise NotDifferentiableError(f"no derivative rule for a node of kind {kind.__name__}")


def _pull_map(
    node: Map, cotangent: Node, axes: int, active: Container[Node], override: Override | None
) -> list[Contribution]:
    partials = node.op.partials if override is None else override.get(node, node.op.partials)
    if len(node.args) == 1:
        argument = node.args[0]
        return [_entrywise(argument, cotangent, partials[0](node, argument), axes)] if argument in active else []
    return [
        _entrywise(argument, cotangent, partial(node, *node.args), axes)
        for argument, partial in zip(node.args, partials, strict=True)
        if argument in active
    ]


def _pull_product(node: Einsum, cotangent: Node, axes: int, active: Container[Node]) -> list[Contribution]:
    """Swap one factor with the output: the cotangent meets the other factors."""
    outer = tuple(range(-axes, 0))
    own = tuple(range(node.rank))
    shares: list[Contribution] = []
    for place, (argument, labels) in enumerate(node.factors):
        if argument not in active:
            continue
        others = [*node.factors[:place], *node.factors[place + 1 :]]
        coefficient, factors = absorbed(cotangent, outer + own)
        factors += others
        covered = {*own}
        for _, over in others:
            covered.update(over)
        result: Labels = labels
        if not covered.issuperset(labels) or len(set(labels)) < len(labels):
            result = _spread(argument, labels, covered, factors)
        shares.append((argument, *split_product(factors, outer + result, coefficient * node.coefficient)))
    return shares


def _spread(argument: Node, labels: Labels, covered: set[int], factors: list[tuple[Node, Labels]]) -> Labels:
    """The labels of a share, with factors for those that no other factor has and for the entries of a diagonal."""
    result: list[Hashable] = []
    for axis, a in enumerate(labels):
        if a in result:  # a diagonal was read: only entries on it have a derivative
            factors.append((Delta.make(argument.shape[axis]), (a, ("axis", axis))))
            result.append(("axis", axis))
        else:
            result.append(a)
            if a not in covered:
                factors.append((Ones.make(argument.shape[axis]), (a,)))
    return tuple(result)


def absorbed(cotangent: Node, labels: Labels) -> tuple[Coefficient, list[tuple[Node, Labels]]]:
    """The cotangent as factors: opened where a delta in it can vanish, else kept whole so that it is shared."""
    if type(cotangent) is Einsum:
        if not cotangent.args:
            return cotangent.coefficient, []
        for factor in cotangent.args:
            if type(factor) is Delta:
                return cotangent.coefficient, inlined(cotangent, labels)
    return 1, [(cotangent, labels)]


def _entrywise(argument: Node, cotangent: Node, factor: Node, axes: int) -> Contribution:
    own = tuple(range(cotangent.rank))
    kept = own if argument.shape else own[:axes]
    coefficient, factors = absorbed(cotangent, own)
    factors.append((factor, own[axes : axes + factor.rank]))
    return argument, *split_product(factors, kept, coefficient)


def _pull_power(
    node: Power, cotangent: Node, axes: int, active: Container[Node], logarithm: EntrywiseFunction | None
) -> Iterator[Contribution]:
    base, exponent = node.base, node.exponent
    value = as_number(exponent)
    if value is not None and base in active:
        _, coefficient, share = _entrywise(base, cotangent, power(base, value - 1), axes)
        yield base, value * coefficient, share
        return
    if base in active:
        yield _entrywise(base, cotangent, hadamard(exponent, power(base, plus(exponent, MINUS_ONE))), axes)
    if exponent in active:
        if logarithm is None:
            raise NotDifferentiableError("a variable exponent needs the logarithm of the catalogue")
        yield _entrywise(exponent, cotangent, hadamard(node, elementwise(logarithm, base)), axes)


def _pull_function(node: Apply, cotangent: Node, axes: int, active: Container[Node]) -> Iterator[Contribution]:
    """Contract the cotangent with each term of the Jacobians that the record writes in index notation."""
    rules = (node.op.jacobian, *node.op.slopes)
    for place, (argument, rule) in enumerate(zip(node.args, rules, strict=True)):
        if argument in active:
            yield from _pull_argument(node, argument, place, rule, cotangent, axes)


def _pull_argument(
    node: Apply, argument: Node, place: int, rule: Callable[..., Indexed], cotangent: Node, axes: int
) -> Iterator[Contribution]:
    outer = tuple(range(-axes, 0))
    batch = tuple(("batch", i) for i in range(node.batch))
    source, target = node.op.core.split("->")
    kind = source if place == 0 else "s" if not argument.shape else "m"
    outputs = _letters("out", target, node.rank - node.batch)
    inputs = _letters("in", kind, argument.rank - node.batch)
    jacobian = rule(Tensor(node, batch), Tensor(argument, batch), *outputs, *inputs)
    own = (*batch, *(a for g in outputs for a in g))
    result = (*batch, *(a for g in inputs for a in g))
    sizes: dict[Hashable, Size] = dict(zip((*own, *result), node.shape + argument.shape, strict=True))
    spread = [(Ones.make(size), (a,)) for a, size in sizes.items()]
    coefficient, factors = absorbed(cotangent, (*outer, *own))
    if axes and len(jacobian.terms) > 1 and len(own) + len(result) == 2:  # diag(y) - y y' stays one matrix
        terms = [(t[0], einsum([*resolved(t, sizes), *spread], (*own, *result))) for t in jacobian.terms]
        whole = (add_nodes(terms), (*own, *result))
        yield argument, 1, einsum([*factors, whole], (*outer, *result), coefficient)
        return
    for term in jacobian.terms:
        share = einsum([*factors, *resolved(term, sizes), *spread], (*outer, *result), term[0] * coefficient)
        yield argument, 1, share


def _letters(tag: str, kind: str, axes: int) -> tuple[tuple[Hashable, ...], ...]:
    """Index letters for the axes of a vector (one group), matrices (rows, columns, ...) or a scalar (none)."""
    labels = tuple(f"{tag}{i}" for i in range(axes))
    count = {"s": 0, "v": 1, "t": 2}.get(kind, 2 * len(kind))
    width = axes // count if count else 0
    return tuple(labels[g * width : (g + 1) * width] for g in range(count))
