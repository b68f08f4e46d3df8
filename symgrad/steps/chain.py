"""The chain rule on the computational graph: from the output back, what arrives at a node is handed on.

Each node's derivative is the sum over the lines that read it: what arrives there, through that line's local
derivative.  `grad_z` (dL/dz in LaTeX) stands for what arrives at z.  For an output that is no scalar, the
Jacobians along the way are multiplied; matrices are stacked in them as the result stacks them.
"""

from __future__ import annotations

from collections.abc import Iterator

from symgrad.calculus.differentiate import differentiate
from symgrad.calculus.present import present
from symgrad.derivation import Derivative
from symgrad.notation.layout import Arrangement, Part, arrange
from symgrad.notation.tree import Call, Name, Tree, names
from symgrad.operations.catalogue import LOGARITHM
from symgrad.steps.results import in_own_name, layout_steps, lifted, sum_of, times, zero_step
from symgrad.steps.staging import Staged, every_gate, operations, operations_on_the_way, staged
from symgrad.steps.step import Meaning, MethodError, Step, Symbol, Whole, Written, stacked_axes
from symgrad.tensor.build import add, einsum, permuted
from symgrad.tensor.nodes import Add, Input, Node
from symgrad.tensor.view import View

METHOD = "chain"
LONGEST = 240  # characters of a value that is put in on the way; longer ones say nothing to a reader


def chain_steps(derivative: Derivative) -> tuple[Step, ...]:
    """The steps of a first derivative by the chain rule.  Raises MethodError."""
    lines = derivative.program.lines
    single = len(lines) == 1
    stages = staged(derivative, every_gate if single else None, METHOD)
    if not stages.path:
        return (zero_step(stages),)
    return tuple(_Chain(stages).steps())


class _Chain:
    def __init__(self, stages: Staged):
        self.stages = stages
        self.scalar = stages.program.views[stages.of].is_scalar
        of_matrices = not self.scalar and any(self._view(n).is_matrix for n in (*stages.path, stages.wrt))
        self.vec = stages.source.vec if of_matrices else None  # how matrices are stacked in Jacobians
        self.readable = True  # until a value on the way was too long
        inner = [n for n in stages.path if n != stages.of]
        self.symbols = {
            n: Symbol(stages.free_name(f"grad_{n}"), "gradient", stages.of, n, stages.vectors, self._stacked(n))
            for n in inner
        }
        self.meaning: Meaning = stages.with_symbols(self.symbols.values(), self._arriving)

    def _view(self, name: str) -> View:
        return self.stages.program.views[name]

    def _arriving(self, symbol: Symbol) -> View:
        """What arrives at a name: a gradient of its shape, or the Jacobian of the output by it."""
        of, wrt = self._view(symbol.of), self._view(symbol.wrt)
        if symbol.stacked is not None:
            shape = tuple(of.node.shape[a] for a in self._axes(of)) + tuple(wrt.node.shape[a] for a in self._axes(wrt))
            return View(Input.make(symbol.name, shape), of.node.rank)
        node = Input.make(symbol.name, of.node.shape + wrt.node.shape)
        return View(node, wrt.rows if self.scalar else of.node.rank)

    def _axes(self, view: View) -> tuple[int, ...]:
        """The axes of a name in the order in which its entries are stacked, the slowest first."""
        return stacked_axes(view, self.vec)

    def _stacked(self, name: str) -> str | None:
        """How the entries are stacked in the Jacobian by a name; None where they need not be."""
        of, wrt = self._view(self.stages.of), self._view(name)
        many = of.node.rank + wrt.node.rank > 2 or (of.is_matrix and wrt.is_scalar)
        return self.vec if many else None

    def steps(self) -> Iterator[Step]:
        for line in self.stages.path:
            yield self._forward(line)
        last = ""
        for name in (*reversed(self.stages.path[:-1]), self.stages.wrt):
            for step in self._backward(name):
                last = step.latex()
                yield step
        yield from (step for step in layout_steps(self.stages) if step.latex() != last)

    def _forward(self, line: str) -> Step:
        """What each node computes."""
        meaning = self.stages.meaning
        right = Written(self.stages.line(line), meaning)
        return Step(
            "node",
            Written(Name(line), meaning),
            right,
            self.stages.program,
            {"of": line},
            operations(self.stages.line(line)),
        )

    def _backward(self, name: str) -> Iterator[Step]:
        readers = self.stages.readers(name)
        trees = [self._share(reader, name) for reader in readers]
        right = Written(sum_of(trees), self.meaning)
        of_matrix = self._view(self.stages.of).is_matrix
        stacked = self._stacked(name)
        scalar = self._view(name).is_scalar
        left = Whole(
            self.stages.of, name, self._arrangement(name), stacked, self._bold(name), of_matrix, by_scalar=scalar
        )
        details = {"of": self.stages.of, "wrt": name, "readers": ", ".join(readers)}
        rule = "output" if readers == [self.stages.of] else "pull back" if len(readers) == 1 else "branches"
        # what an operation does to a gradient is not what its Jacobian is
        through = readers if self.scalar else []
        used = tuple(dict.fromkeys(op for r in through for op in operations_on_the_way(self.stages.line(r), name)))
        yield Step(rule, left, right, self.stages.program, details, used)
        closed = self._closed(name)
        if closed is not None and closed.text() != right.text():
            yield Step("value", left, closed, self.stages.program, details, self._remarks(name))

    def _remarks(self, name: str) -> tuple[str, ...]:
        """Softmax into cross entropy, which belong together."""
        after = [op for line in self.stages.path for op in operations(self.stages.line(line))]
        own = [op for r in self.stages.readers(name) for op in operations(self.stages.line(r))]
        return ("softmax cross entropy",) if "softmax" in own and "log" in after and self.scalar else ()

    def _bold(self, name: str) -> tuple[bool, bool]:
        kinds = [self._view(n).kind in ("column", "row") for n in (self.stages.of, name)]
        return kinds[0], kinds[1]

    def _arrangement(self, name: str) -> Arrangement:
        of, wrt = self._view(self.stages.of), self._view(name)
        parts, start = [], 0
        for view in (of, wrt):
            axes = tuple(range(start, start + view.node.rank))
            parts.append(Part(axes[: view.rows], axes[view.rows :]))
            start += view.node.rank
        if self.vec is not None and of.is_matrix and wrt.is_scalar:  # a column, to be multiplied by
            return Arrangement(parts[0].stacked(self.vec), ())
        return arrange(parts[0], parts[1:], "gradient" if self.scalar else "numerator", self.vec or "column")

    def _share(self, reader: str, name: str) -> Tree:
        """What one line hands back: what arrives there, through its local derivative."""
        local, variable = self.stages.local(reader), self.stages.variable(name)
        slope = differentiate(local.node, variable.node, LOGARITHM)
        slope = in_own_name(slope, local.node, self.stages.variable(reader).node)
        if not self.scalar:
            return self._jacobian_product(reader, slope, local, variable)
        node = slope
        if reader != self.stages.of:
            arrives = self.meaning.views[self.symbols[reader].name].node
            own = [("own", a) for a in range(local.node.rank)]
            out = range(variable.node.rank)
            terms = slope.terms if isinstance(slope, Add) else ((1, slope),)
            node = add(
                [(1, einsum([(arrives, own), (t, [*own, *out])], out, c)) for c, t in terms], variable.node.shape
            )
        return self._tree(present(node), variable.rows)

    def _jacobian_product(self, reader: str, slope: Node, local: View, variable: View) -> Tree:
        rank = local.node.rank
        if {local.node.rank, variable.node.rank} == {0, 2}:
            tree = self._as_vector(present(slope), variable.is_scalar)
        else:
            axes = (*self._axes(local), *(rank + a for a in self._axes(variable)))
            tree = self._tree(permuted(present(slope), axes), rank)
        return tree if reader == self.stages.of else _times_right(Name(self.symbols[reader].name), tree)

    def _as_vector(self, slope: Node, upright: bool) -> Tree:
        """The Jacobian of a matrix by a scalar, or of a scalar by a matrix: its entries stacked, upright or not."""
        column = Call("vec", (self._tree(slope if self.vec == "column" else permuted(slope, (1, 0)), 1),))
        return column if upright else Call("transpose", (column,))

    def _closed(self, name: str) -> Written | None:
        """The derivative in closed form, in the program's own names."""
        if not self.readable or (self._stacked(name) and self._view(name).is_scalar):
            return None
        layout = "gradient" if self.scalar else "numerator"
        result = self.stages.derivative(self.stages.of, name, layout, self.vec or "column")
        known = {*self.stages.meaning.views, *result.scope.letters, "pi"}
        if result.tree is None or not known.issuperset(names(result.tree)):
            return None
        self.readable = len(str(result)) <= LONGEST
        if not self.readable:
            return None
        return Written(result.tree, self.stages.meaning)

    def _tree(self, node: Node, rows: int) -> Tree:
        tree = lifted(node, rows, self.meaning)
        if tree is None:
            raise MethodError(METHOD, "a local derivative has no matrix form")
        return tree


def _times_right(a: Tree, b: Tree) -> Tree:
    return a if isinstance(b, Call) and b.op == "eye" else times(a, b)
