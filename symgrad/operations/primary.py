"""Functions of one variable applied to a square matrix, and their derivatives of every order.

What is true of all of them: f of the block matrix [[X, E], [0, X]] has the derivative of f at X in the
direction E in its corner, and f of a longer such staircase the higher ones.  So the derivative of order p is
one opaque node over 2 (p + 1) axes, the coefficient of E1 E2 ... Ep (in this order) in that corner:
`D[i, j, k1, l1, ..., kp, lp]`; deriving it inserts one more pair at every place.  Where D meets a direction it
becomes a matrix again, and where it is traced the derivative f' of the scalar function: tr(f(X)) has the
gradient f'(X)'.  Which functions there are is said in `exponential` and `powers`.

Source: Higham, Functions of Matrices, ch. 3; Mathias 1996.

>>> from symgrad.tensor.nodes import Input
>>> X = Input.make("X", (3, 3))
>>> cube = Family("cube", lambda x: x @ x @ x, "{0} @ {0} @ {0}", lambda x: x)
>>> apply(derivative_of(cube, 2), X).shape
(3, 3, 3, 3, 3, 3)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain
from typing import Any

from symgrad.errors import NotDifferentiableError, SymgradError
from symgrad.operations.arrays import Array, np
from symgrad.operations.record import Notation, TensorFunction
from symgrad.tensor.build import apply, einsum, transposed
from symgrad.tensor.index import Indexed, Tensor
from symgrad.tensor.nodes import Apply, Delta, Einsum, Node, Ones

Labels = tuple[Hashable, ...]
Factors = list[tuple[Node, Labels]]


@dataclass(frozen=True, eq=False, slots=True)
class Family:
    """A function f of one variable, perhaps with a scalar parameter.

    value      f of a square matrix (or a stack of them), parameters after it
    code       the same as a NumPy expression over `{0}` and `{1}`
    slope      nodes (X, parameters) -> f'(X)
    direction  the record of the derivative in a given direction, where the text language has one
    slopes     the derivatives by its parameters, of every order
    """

    name: str
    value: Callable[..., Array]
    code: str
    slope: Callable[..., Node]
    direction: Callable[[], TensorFunction] | None = None
    slopes: tuple[Callable[..., Indexed], ...] = ()


def _ruled(family: Family, node: Node) -> Node | None:
    """What the rules of the derivative in a direction make of a node; it only comes up on the way."""
    rules = family.direction().rules if family.direction is not None else ()
    return next((found for rule in rules if (found := rule(node)) is not None), None)


# --- derivatives ---------------------------------------------------------------------------------


@cache
def derivative_of(family: Family, order: int) -> TensorFunction:
    """The record of D, the derivative of this order as an array."""
    name = f"d{order if order > 1 else ''}{family.name}"

    def unspoken(*_: object) -> Any:
        raise SymgradError(f"{name} is no function of the text language")

    return TensorFunction(
        name=f"{name} of order {order}",
        notation=Notation(name),
        arity=(1,),
        build=unspoken,
        value=lambda x, *parameters: _corner(family, order, x, parameters),
        pullback=unspoken,
        core="m->" + "m" * (order + 1),
        jacobian=lambda y, x, *letters: inserted(family, order, y, x, letters),
        slopes=family.slopes,
        code=_corner_code(family, order),
        simplify=lambda x, *parameters: _of_transpose(family, order, x, parameters),
        rules=(lambda node: _contracted(family, node), lambda node: _ruled(family, node)) if order == 1 else (),
        primary=(family.name, order),
        doc=f"The derivative of order {order} of {family.name}: the coefficient of E1 E2 ... in its corner.",
        example=f"{family.name}(X)",
        source="Mathias 1996",
    )


def inserted(family: Family, order: int, y: Tensor, x: Tensor, letters: Sequence[Any]) -> Indexed:
    """One more pair at every place of D[i, j, k1, l1, ...]."""
    if x.batch or x.node is None or y.node is None:
        raise NotDifferentiableError(f"no derivative of a batch of {family.name} is known")
    *own, k, l = letters
    higher = Tensor(apply(derivative_of(family, order + 1), x.node, 0, y.node.args[1:]))
    places = range(2, len(own) + 1, 2)
    terms = [higher[(*own[:at], k, l, *own[at:])] for at in places]
    return Indexed(tuple(chain.from_iterable(t.terms for t in terms)))


def _of_transpose(family: Family, order: int, x: Node, parameters: tuple[Node, ...]) -> Node | None:
    """D(X')[i, j, k1, l1, ..., kp, lp] = D(X)[j, i, lp, kp, ..., l1, k1]."""
    if not is_transpose(x):
        return None
    pairs = [(2 * q, 2 * q + 1) for q in range(order + 1)]
    turned = [a for pair in (pairs[0], *reversed(pairs[1:])) for a in reversed(pair)]
    return einsum([(apply(derivative_of(family, order), transposed(x), 0, parameters), turned)], range(2 * order + 2))


def is_transpose(node: Node) -> bool:
    """Whether a node is A' and nothing else."""
    return isinstance(node, Einsum) and len(node.factors) == 1 and node.factors[0][1] == (1, 0)


def _corner(family: Family, order: int, x: Array, parameters: Sequence[Any]) -> Array:
    """D by f of the staircases of all unit matrices E at once."""
    n = len(x)
    blocks = np.kron(np.eye(order + 1), x)
    for q in range(order):
        step = np.zeros((order + 1, order + 1))
        step[q, q + 1] = 1
        shape = (1, 1) * q + (n, n) + (1, 1) * (order - 1 - q) + (n, n)
        blocks = blocks + np.kron(step, np.eye(n * n).reshape(shape))
    return np.moveaxis(family.value(blocks, *parameters)[..., :n, order * n :], (-2, -1), (0, 1))


def _corner_code(family: Family, order: int) -> str:
    """`_corner` as one NumPy expression."""
    parts = [f"np.kron(np.eye({order + 1}), {{0}})"]
    for q in range(order):
        step = ", ".join("1" if at == q else "0" for at in range(order))
        shape = "2 * {0}.shape"
        if order > 1:
            shape = f"{2 * q} * (1,) + {{0}}.shape + {2 * (order - 1 - q)} * (1,) + {{0}}.shape"
        parts.append(f"np.kron(np.diag([{step}], 1), np.eye({{0}}.size).reshape({shape}))")
    value = family.code.replace("{0}", " + ".join(parts))
    last = "len({0})" if order == 1 else f"{order} * len({{0}})"
    return f"np.moveaxis({value}[..., :len({{0}}), {last}:], (-2, -1), (0, 1)).astype({{0}}.dtype)"


def stairs(x: Array, *directions: Array) -> Array:
    """The block matrix with x on the diagonal and the directions above it."""
    n, count = len(x), len(directions) + 1
    blocks = np.zeros((count * n, count * n), np.result_type(x, *directions, 1.0))
    for q in range(count):
        blocks[q * n : (q + 1) * n, q * n : (q + 1) * n] = x
        if q < len(directions):
            blocks[q * n : (q + 1) * n, (q + 1) * n : (q + 2) * n] = directions[q]
    return blocks


# --- where D meets other factors -------------------------------------------------------------------


def _contracted(family: Family, node: Node) -> Node | None:
    """A product in which D of order 1 is traced, or meets a direction, with a matrix in its place."""
    found = node
    while isinstance(found, Einsum):
        replaced = _traced(family, found) or _directed(family, found)
        if replaced is None:
            break
        found = replaced
    return None if found is node else found


def _occurrences(family: Family, node: Einsum) -> list[int]:
    return [i for i, (n, _) in enumerate(node.factors) if isinstance(n, Apply) and n.op is derivative_of(family, 1)]


def _traced(family: Family, node: Einsum) -> Node | None:
    """sum_i D[i, i, k, l] = f'(X)[l, k] and sum_k D[i, j, k, k] = f'(X)[i, j]."""
    degree = Counter(chain(range(node.rank), *(labels for _, labels in node.factors)))
    for place in _occurrences(family, node):
        d, (i, j, k, l) = node.factors[place]
        for (a, b), ends in (((i, j), (l, k)), ((k, l), (i, j))):
            if a == b and degree[a] == 2:
                rest = [f for at, f in enumerate(node.factors) if at != place]
                return einsum([*rest, (family.slope(*d.args), ends)], range(node.rank), node.coefficient)
    return None


def _directed(family: Family, node: Einsum) -> Node | None:
    """sum_kl D[i, j, k, l] E[k, l] as one matrix, and sum_ij D[i, j, k, l] E[j, i] likewise."""
    if family.direction is None:
        return None
    for place in _occurrences(family, node):
        d, (i, j, k, l) = node.factors[place]
        ends: Labels
        rest: Factors = [f for at, f in enumerate(node.factors) if at != place]
        options: list[tuple[bool, Node, Labels, Factors]] = []
        for pair, ends in (((k, l), (i, j)), ((j, i), (l, k))):
            inside = _closed(rest, pair, {*range(node.rank), *ends})
            if inside is not None:
                direction = _matrix_over(inside, pair, d.args[0])
                matrix = apply(family.direction(), d.args[0], 0, (direction, *d.args[1:]))
                outside = [f for f in rest if f not in inside]
                opaque = any(isinstance(n, Apply) and n.op is family.direction() for n in (matrix, *matrix.args))
                options.append((opaque, matrix, ends, outside))
        if options:
            _, matrix, ends, outside = min(options, key=lambda option: option[0])
            return einsum([*outside, (matrix, ends)], range(node.rank), node.coefficient)
    return None


def _closed(factors: Factors, pair: Labels, forbidden: set[Hashable]) -> Factors | None:
    """The factors that hang on the labels of `pair`, unless they reach beyond."""
    reached, inside = set(pair), set()
    grown = True
    while grown:
        grown = False
        for at, (_, labels) in enumerate(factors):
            if at not in inside and reached & set(labels):
                inside.add(at)
                reached |= set(labels)
                grown = True
    return None if reached & forbidden else [factors[at] for at in sorted(inside)]


def _matrix_over(factors: Factors, pair: Labels, x: Node) -> Node:
    """A product as a matrix over two labels: spread where they have none, diagonal where the two are one."""
    ends: Labels = pair
    tied = list(factors)
    if pair[0] == pair[1]:
        ends = (pair[0], "twin")
        tied.append((Delta.make(x.shape[0]), ends))
    spread = [(Ones.make(x.shape[0]), (a,)) for a in ends]
    return einsum([*tied, *spread], ends)


# --- diagonal matrices -----------------------------------------------------------------------------


def diagonal_of(node: Node) -> Node | None:
    """The vector v of a node that is diag(v)."""
    if isinstance(node, Delta):
        return Ones.make(node.shape[0])
    if not isinstance(node, Einsum) or node.rank != 2:
        return None
    rest = [f for f in node.factors if not (isinstance(f[0], Delta) and f[1] == (0, 1))]
    if len(rest) != len(node.factors) - 1 or any(1 in labels for _, labels in rest):
        return None
    return einsum([*rest, (Ones.make(node.shape[0]), (0,))], (0,), node.coefficient)


def diagonal_matrix(entries: Node) -> Node:
    """diag(v) of a vector node."""
    return einsum([(entries, (0,)), (Delta.make(entries.shape[0]), (0, 1))], (0, 1))
