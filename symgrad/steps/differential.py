"""The method of differentials (Magnus and Neudecker): d of each factor, move the differential out, read off.

df = g' dx for vectors, df = tr(G' dX) for matrices, vec dF = J vec dX; inner parts keep names, and their
differentials are put in one after the other.
"""

from __future__ import annotations

from collections.abc import Iterator

from symgrad.calculus.differentiate import differentiate
from symgrad.calculus.present import present
from symgrad.derivation import Derivative
from symgrad.notation.tree import Call, Name, Tree, names
from symgrad.operations.catalogue import LOGARITHM
from symgrad.steps.opening import depends_on
from symgrad.steps.results import in_own_name, layout_steps, lifted, sum_of, times, unstructured, zero_step
from symgrad.steps.staging import Staged, inner_parts, operations, staged
from symgrad.steps.step import MethodError, Step, Symbol, Written
from symgrad.tensor.build import add, einsum, is_zero
from symgrad.tensor.nodes import Add, Einsum, Input, Node
from symgrad.tensor.view import View

METHOD = "differential"


def differential_steps(derivative: Derivative) -> tuple[Step, ...]:
    """The steps of a first derivative in differentials.  Raises MethodError."""
    stages = staged(derivative, inner_parts, METHOD)
    if not stages.path:
        return (zero_step(stages),)
    return tuple(_Differentials(stages).steps())


class _Differentials:
    def __init__(self, stages: Staged):
        self.stages = stages
        moving = (stages.wrt, *stages.path)
        self.symbols = {
            n: Symbol(stages.free_name(f"d{n}"), "differential", n, stages.wrt, stages.vectors) for n in moving
        }
        self.meaning = stages.with_symbols(self.symbols.values(), self._view)

    def _view(self, symbol: Symbol) -> View:
        view = self.stages.program.views[symbol.of]
        return View(Input.make(symbol.name, view.node.shape), view.rows)

    def steps(self) -> Iterator[Step]:
        lines = [step for line in self.stages.path for step in self._line(line)]
        moved = self._moved()
        if lines[-1].rule == "gather" and lines[-1].text() == moved.text():
            lines.pop()
        yield from (*lines, moved)
        yield from layout_steps(self.stages)

    def _line(self, line: str) -> Iterator[Step]:
        """d line: every factor in turn, then in the order in which it is read best."""
        view, name = self.stages.local(line), self.stages.variable(line).node
        terms = [in_own_name(t, view.node, name) for read in self.stages.reads(line) for t in self._terms(line, read)]
        left = self._written(Name(self.symbols[line].name))
        trees = [self._tree(t, view.rows) for t in terms]
        raw = sum_of(sorted(trees, key=self._place))
        together = present(add([(1, t) for t in terms], view.node.shape))
        fewer = (len(together.terms) if isinstance(together, Add) else 1) < len(terms)
        yield Step(
            "differential",
            left,
            self._written(raw),
            self.stages.program,
            {"of": line},
            operations(self.stages.line(line)),
        )
        if fewer:  # equal terms as one; factoring is left to the last lines
            yield Step(
                "gather", left, self._written(self._tree(together, view.rows)), self.stages.program, {"of": line}
            )

    def _terms(self, line: str, name: str) -> Iterator[Node]:
        """The differential of a line by one name that it reads, one term for every place where it stands."""
        variable, change = self.stages.variable(name).node, self.meaning.views[self.symbols[name].name].node
        for part in _addends(self.stages.local(line).node):
            if depends_on(part, (variable,)):
                yield from (t for t in pushed(part, variable, change) if not is_zero(t))

    def _place(self, tree: Tree) -> int:
        """Where in a product the differential stands: the product rule reads from left to right."""
        changing = {s.name for s in self.symbols.values()}
        return next((i for i, n in enumerate(names(tree)) if n in changing), 0)

    def _tree(self, node: Node, rows: int) -> Tree:
        tree = lifted(present(node), rows, self.meaning)
        if tree is None:
            raise MethodError(METHOD, "a differential has no matrix form")
        return tree

    def _moved(self) -> Step:
        """df = g' dx, tr(G' dX), J dx or vec dF = J vec dX."""
        of, wrt = self.stages.of, self.stages.wrt
        result = unstructured(self.stages, "numerator")
        if result.tree is None:
            raise MethodError(METHOD, "the result has no matrix form")
        change, left = self._turned(wrt), self._turned(of)
        scalar_out = self.stages.program.views[of].is_scalar
        right: Tree
        if self.stages.program.views[wrt].is_matrix and scalar_out:
            right, rule = Call("tr", (times(result.tree, Name(self.symbols[wrt].name)),)), "trace form"
        else:
            right, rule = times(result.tree, change), "gradient form" if scalar_out else "Jacobian form"
            stacked = self.stages.program.views[of].is_matrix or self.stages.program.views[wrt].is_matrix
            if stacked and not self.stages.program.views[wrt].is_scalar:
                rule = "vec form"
        return Step(rule, self._written(left), self._written(right), self.stages.program, {"of": of, "wrt": wrt})

    def _turned(self, name: str) -> Tree:
        """The differential as a column: stacked where it is a matrix, turned where it is a row."""
        view, tree = self.stages.program.views[name], Name(self.symbols[name].name)
        if view.is_row:
            return Call("transpose", (tree,))
        views = self.stages.program.views
        if not view.is_matrix or views[self.stages.of].is_scalar or views[self.stages.wrt].is_scalar:
            return tree
        return Call("vec", (Call("transpose", (tree,)) if self.stages.source.vec == "row" else tree,))

    def _written(self, tree: Tree) -> Written:
        return Written(tree, self.meaning)


def _addends(node: Node) -> list[Node]:
    return [einsum([(n, range(n.rank))], range(n.rank), c) for c, n in node.terms] if isinstance(node, Add) else [node]


def pushed(node: Node, variable: Node, change: Node) -> list[Node]:
    """The differential of a node where the variable changes by `change`, one term for every factor that moves.

    What stands inside a function is differentiated as a whole: stages keep such parts small.
    """
    if isinstance(node, Einsum):
        terms = []
        for place, (factor, labels) in enumerate(node.factors):
            for inner in pushed(factor, variable, change) if depends_on(factor, (variable,)) else ():
                others = [f for i, f in enumerate(node.factors) if i != place]
                terms.append(einsum([*others, (inner, labels)], range(node.rank), node.coefficient))
        return terms
    if node is variable:
        return [change]
    if isinstance(node, Add):
        parts = [(c, t) for c, n in node.terms for t in pushed(n, variable, change) if depends_on(n, (variable,))]
        return [add(parts, node.shape)]
    return _pushed_function(node, variable, change)


def _pushed_function(node: Node, variable: Node, change: Node) -> list[Node]:
    """The record's rule, contracted with the differential of the argument."""
    slope = differentiate(node, variable, LOGARITHM)
    rank = node.rank
    inner = [("in", a) for a in range(variable.rank)]
    return [einsum([(slope, [*range(rank), *inner]), (change, inner)], range(rank))]
