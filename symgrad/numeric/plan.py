"""From the graph to an array program: which NumPy operations a node comes to.

A `Planner` visits every node once, arguments first.  A product that is used once is left to its user,
which may multiply it out in a better order.  Entry by entry functions act on the smallest core that
carries their values; matrix functions see square matrices.  No text is laid out here (`code`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import cast

from symgrad.errors import SymgradError
from symgrad.numeric.contract import GENERIC
from symgrad.numeric.convolve import Convolution, convolution
from symgrad.numeric.operand import Operand, aligned
from symgrad.numeric.product import Product
from symgrad.numeric.steps import Step, Steps
from symgrad.numeric.template import template
from symgrad.numeric.value import At, Mixed, Value, Within, dense, full, summed
from symgrad.operations.matrices import INV, LOGDET
from symgrad.operations.record import Elementwise, TensorFunction
from symgrad.tensor.build import as_number
from symgrad.tensor.dims import Shape, size_at, times
from symgrad.tensor.dims import Size as Dimension
from symgrad.tensor.nodes import (
    Add,
    Apply,
    Coefficient,
    Constant,
    Delta,
    Einsum,
    Input,
    Map,
    Node,
    Ones,
    Power,
    Reindex,
    Shift,
    Size,
    Triangle,
    Unit,
    Window,
    walk,
)

MOST_FACTORS = 12  # of a product that is multiplied out as one
SOLVES = 2  # uses up to which an inverse is replaced by solves


def extent(size: Dimension, at: Mapping[str, int] | None) -> int:
    """A dimension as a number, for costs."""
    if isinstance(size, int):
        return size
    try:
        return GENERIC if at is None else max(size_at(size, at), 1)
    except KeyError:  # a letter that the arrays do not tell apart, as in m + n
        return GENERIC


class Planner:
    """Makes the steps of a graph; `leaf` and `size` say what inputs and dimensions are called."""

    def __init__(
        self,
        steps: Steps,
        leaf: Callable[[Input], Step],
        size: Callable[[Dimension], Step],
        named: Collection[Node] = (),
        at: Mapping[str, int] | None = None,
    ):
        self.steps, self.leaf, self.size = steps, leaf, size
        self.named = set(named)
        self.at = at  # what the dimensions are, where that is known
        self.depends = False  # whether other sizes might make another program
        self.values: dict[Node, Value | Mixed] = {}
        self.users: dict[Node, list[Node]] = {}
        self.results: set[Node] = set()
        self.deferred: dict[Node, int] = {}  # products left to their user, with their number of factors

    def plan(self, root: Node, *more: Node) -> Value | Mixed:
        """The value of a node; those of all it is made of, and of further results, are then in `values`."""
        order = list(walk(root, *more))
        for node in order:
            for argument in node.args:
                self.users.setdefault(argument, []).append(node)
        self.results = {root, *more}
        for node in order:
            if not self._defers(node):
                self.values[node] = self._settled(node)
        return self.values[root]

    # --- what products ask -----------------------------------------------------------------

    def value(self, node: Node) -> Value | Mixed:
        return self.values[node]

    def _defers(self, node: Node) -> bool:
        """Leave a product to the one product or sum that uses it, unless it has grown long."""
        if not isinstance(node, Einsum) or node in self.named or node in self.results:
            return False
        users = self.users.get(node, [])
        weight = sum(self.deferred.get(n, 1) for n in node.args)
        if len(users) != 1 or not isinstance(users[0], Einsum | Add) or weight > MOST_FACTORS:
            return False
        if convolution(node) is not None or convolution(users[0]) is not None:
            return False
        self.deferred[node] = weight
        return True

    def extent(self, size: Dimension) -> int:
        """A dimension as a number, for costs."""
        return extent(size, self.at)

    def is_own(self, node: Node) -> bool:
        """Whether a sum is used once and has neither a name nor structure of its own."""
        return len(self.users.get(node, [])) == 1 and node not in self.named and node not in self.results

    def is_deferred(self, node: Node) -> bool:
        return node in self.deferred

    def is_open(self, node: Einsum) -> bool:
        """Whether a factor is multiplied out in its product."""
        return node in self.deferred and isinstance(self.users[node][0], Einsum)

    def inverse_of(self, node: Node) -> Step | None:
        """The matrix whose inverse a node is, where solves are to take its place."""
        if not (isinstance(node, Apply) and node.op is INV and node.rank == 2 and not node.batch) or node in self.named:
            return None
        users = self.users.get(node, [])
        if (
            node in self.results
            or self._multiplies_matrices(users)
            or len(users) > SOLVES
            or any(type(u) is not Einsum for u in users)
        ):
            return None
        matrix = self.whole_step(node.args[0])
        if _is_positive(node.args[0]):
            self.steps.positive.add(matrix)
        return matrix

    def _multiplies_matrices(self, users: Sequence[Node]) -> bool:
        """Whether an inverse is used more than once and never meets a vector: then it is computed as such."""
        wide = all(n.rank > 1 for u in users for n in u.args)
        return len(users) > 1 and wide and not self.steps.prepares

    def whole(self, value: Value | Mixed, shape: Shape) -> Value:
        """The value as one array without structure."""
        return full(dense(self.steps, value, shape, self.size))

    def whole_step(self, node: Node) -> Step:
        return dense(self.steps, self.value(node), node.shape, self.size)

    def sum_of(
        self, terms: Sequence[tuple[Coefficient, Value]], parts: Sequence[tuple[Coefficient, Node | Value]]
    ) -> Value | Mixed:
        return summed(self.steps, terms, parts)

    # --- one rule per kind of node ---------------------------------------------------------

    def _settled(self, node: Node) -> Value | Mixed:
        value = self._value(node)
        if node in self.named:
            return self.whole(value, node.shape)
        return value

    def _value(self, node: Node) -> Value | Mixed:
        steps = self.steps
        axes = tuple(range(node.rank))
        match node:
            case Input():
                return full(self.leaf(node))
            case Einsum():
                return self._product(node)
            case Add():
                return self._sum(node) if node.terms else Value(steps.number(0), (), axes)
            case Power():
                return self._power(node)
            case Map():
                return self._map(node)
            case Apply():
                return self._apply(node)
            case Delta():
                return Value(steps.number(1), (), (0, 0))
            case Ones():
                return Value(steps.number(1), (), (0,))
            case Unit():
                return Value(steps.number(1), (), (At(node.index - 1),))
            case Size():
                return full(self.size(node.size))
            case Constant():
                return full(self._constant(node))
            case Reindex():
                flat = self.size(times(*node.shape[: node.split]))
                return full(steps.reshaped(steps.eye(flat), [self.size(s) for s in node.shape]))
            case Shift():
                return full(steps.shift_pattern([self.size(s) for s in node.shape], self.size(node.offset)))
            case Triangle():
                return full(steps.triangle([self.size(s) for s in node.shape]))
            case Window():
                return Value(steps.number(1), (), (0, Within(0, node.offset, node.shape[0])))
            case _:
                raise SymgradError(f"no NumPy code for a node of kind {type(node).__name__}")

    def _product(self, node: Einsum, coefficient: Coefficient | None = None) -> Value | Mixed:
        convolved = convolution(node)
        if convolved is not None:
            return self._convolved(convolved, node.coefficient, node.rank)
        product = Product(self, node.coefficient if coefficient is None else coefficient)
        product.gather(node.factors)
        return product.finish(range(node.rank))

    def _convolved(self, found: Convolution, coefficient: Coefficient, rank: int) -> Value:
        operands = [self.steps.numeric(self.whole_step(n)) for n in found.operands]
        code = template(found.form)
        step = self.steps.make(code.form, operands, code.slots, kind="atom", rank=rank, fresh=True)
        for scalar in (self.steps.number(coefficient), *(self.whole_step(n) for n in found.scalars)):
            step = self.steps.multiply(scalar, step)
        return full(step)

    def _sum(self, node: Add) -> Value | Mixed:
        terms: list[tuple[Coefficient, Value]] = []
        for coefficient, term in node.terms:
            sign, size = (1, coefficient) if coefficient > 0 else (-1, -coefficient)
            if isinstance(term, Einsum) and term in self.deferred:
                found = self._product(term, term.coefficient * size)
                terms += [(sign, v) for v in _values(found)]
            else:
                terms += [(coefficient, v) for v in _values(self.values[term])]
        return self.sum_of(terms, node.terms)

    def _power(self, node: Power) -> Value:
        base = self._plain(node.base)
        number = as_number(node.exponent)
        exponent = number if number is not None else self._plain(node.exponent).step
        return Value(self.steps.raised(base.step, exponent), base.labels, base.axes)

    def _map(self, node: Map) -> Value:
        values = [self._plain(a) for a in node.args]
        present = {a for v in values for a in v.labels}
        labels = tuple(a for a in range(node.rank) if a in present)
        args = [self.steps.numeric(aligned(self.steps, Operand(v.step, v.labels), labels)) for v in values]
        code = template(cast(Elementwise, node.op).code)
        if all(a.weak for a in args):
            step = self.steps.make(f"float({code.form})", args, code.slots, weak=True)
        else:
            step = self.steps.make(
                code.form, args, code.slots, kind=code.kind, rank=len(labels), boolean=code.boolean, fresh=bool(labels)
            )
        return Value(step, labels, tuple(range(node.rank)))

    def _plain(self, node: Node) -> Value:
        """A value whose axis i is labelled i."""
        value = self.value(node)
        if isinstance(value, Mixed) or not value.is_plain:
            return self.whole(value, node.shape)
        return value.normal()

    def _apply(self, node: Apply) -> Value:
        """The function of a matrix or vector; several core axes are flattened to one row and one column index."""
        argument = node.args[0]
        if node.op in (INV, LOGDET) and not node.batch and _is_positive(argument):
            whole = self.whole_step(argument)
            return full(self.steps.positive_inverse(whole) if node.op is INV else self.steps.positive_logdet(whole))
        step = self.steps.numeric(self.whole_step(argument))
        code = template(cast(TensorFunction, node.op).code)
        batch, core = argument.shape[: node.batch], argument.shape[node.batch :]
        wanted = 2 if node.op.core.startswith("m") else 1
        if len(core) != wanted:
            half = len(core) // wanted
            groups = [core[i * half : (i + 1) * half] for i in range(wanted)]
            step = self.steps.reshaped(step, [self.size(s) for s in (*batch, *(times(*g) for g in groups))])
        to_scalar = node.op.core.endswith("s")
        more = [self._parameter(a) for a in node.args[1:]]
        wanted *= len(node.op.core.split("->")[1])
        rank = node.batch + (0 if to_scalar else wanted)
        result = self.steps.make(code.form, [step, *more], code.slots, kind=code.kind, rank=rank, fresh=rank > 0)
        if rank != node.rank:
            result = self.steps.reshaped(result, [self.size(s) for s in node.shape])
        return full(result)

    def _parameter(self, node: Node) -> Step:
        """A further argument of a function: a number as a number, a matrix as an array."""
        number = as_number(node)
        if number is not None:
            return self.steps.number(number)
        step = self.steps.numeric(self.whole_step(node))
        if node.shape or all(isinstance(n, Size) for n in walk(node) if not n.args):
            return step
        return self.steps.make("{0} if {0} % 1 else int({0})", [step], "factor", kind="compare", weak=True)

    def _constant(self, node: Constant) -> Step:
        if node.name != "pi":
            raise SymgradError(f"no NumPy code for the constant {node.name}")
        return self.steps.leaf("np.pi", 0, weak=True)


def _values(value: Value | Mixed) -> tuple[Value, ...]:
    return value.values if isinstance(value, Mixed) else (value,)


def _is_positive(node: Node) -> bool:
    """Whether a matrix is declared symmetric positive definite."""
    return isinstance(node, Input) and "spd" in node.properties
