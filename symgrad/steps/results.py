"""The last steps of every method: the result as a matrix, a declared structure, the layout that was asked for."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from symgrad.derivation import Derivative, derive
from symgrad.notation.layout import Arrangement
from symgrad.notation.lift import Lifter
from symgrad.notation.network import NoMatrixForm
from symgrad.notation.stacked import lift_arranged
from symgrad.notation.tree import Call, Number, Tree, names
from symgrad.steps.components import Components, Letters, Product, Same, Slope
from symgrad.steps.staging import Staged
from symgrad.steps.step import Step, Whole, Written
from symgrad.tensor.nodes import Input, Node


def unstructured(stages: Staged, layout: str = "mixed") -> Derivative:
    """The derivative with all entries of the variable independent."""
    source = stages.source
    found = derive(source.program, source.of, source.wrt, layout=layout, vec=source.vec, structure="ignore")
    known = stages.meaning.views
    if found.tree is not None and all(n in known or n in source.scope.letters or n == "pi" for n in names(found.tree)):
        return found
    return derive(stages.program, stages.of, stages.wrt, layout=layout, vec=source.vec, structure="ignore")


def reading(stages: Staged) -> Tree | None:
    """The matrix of the unstructured derivative as it is most plainly read."""
    return unstructured(stages).tree


def layout_steps(stages: Staged) -> Iterator[Step]:
    """The result in the layout that was asked for, projected where the variable has a declared structure."""
    source = stages.source
    structure = _structure(source)
    if structure is not None:
        plain = unstructured(stages, source.layout)
        if plain.tree is not None and not plain.arrangement.is_tensor:
            yield _matrix_step("layout", stages, plain, plain.tree, None)
    tree = source.tree
    if tree is None or source.arrangement.is_tensor:
        return
    if any(n not in stages.meaning.views and n not in source.scope.letters and n != "pi" for n in names(tree)):
        return
    yield _matrix_step("layout" if structure is None else "structure", stages, source, tree, structure)


def _matrix_step(rule: str, stages: Staged, result: Derivative, tree: Tree, projected: str | None) -> Step:
    left = whole(stages, result.arrangement, result.vec, projected)
    details = {"of": stages.of, "wrt": stages.wrt, "layout": result.layout, "vec": result.vec, "shape": shape_text(result)}
    if projected is not None:
        details["structure"] = projected
    return Step(rule, left, Written(tree, stages.meaning), stages.program, details)


def shape_text(result: Derivative) -> str:
    return " x ".join(map(str, result.shape))


def whole(stages: Staged, arrangement: Arrangement, vec: str, projected: str | None = None) -> Whole:
    """d of / d wrt as the left side of a claim."""
    of, wrt = (stages.program.views[n] for n in (stages.of, stages.wrt))
    stacked = vec if of.node.rank + wrt.node.rank > 2 else None
    bold = (of.kind in ("column", "row"), wrt.kind in ("column", "row"))
    return Whole(stages.of, stages.wrt, arrangement, stacked, bold, of.is_matrix, projected)


def _structure(source: Derivative) -> str | None:
    """Which projection the declared structure of the variable asks for."""
    node = source.variables[0].node
    properties = node.properties if isinstance(node, Input) else frozenset()
    if source.structure == "ignore" or node.rank != 2:
        return None
    if "diagonal" in properties:
        return "diagonal"
    kind = "skew" if "skew" in properties else "symmetric" if properties & {"symmetric", "spd"} else None
    return kind if kind is None or source.structure == "project" else f"{kind} free"


def zero_step(stages: Staged) -> Step:
    """The derivative by a name that does not occur (or of a name by itself)."""
    letters = Letters(frozenset({*stages.program.views, *stages.program.scope.letters}))
    of, wrt = (stages.program.views[n] for n in (stages.of, stages.wrt))
    outputs, inputs = letters.fresh_for(of.node.shape), letters.fresh_for(wrt.node.shape)
    left = Components((Product(1, (Slope(stages.of, stages.wrt, outputs, inputs),), ()),), outputs + inputs, letters.sizes)
    if stages.of == stages.wrt:
        deltas = tuple(Same(pair) for pair in zip(outputs, inputs, strict=True))
        same = Components((Product(1, deltas, ()),), outputs + inputs, letters.sizes)
        return Step("itself", left, same, stages.program, {"of": stages.of})
    nothing = Components((), outputs + inputs, letters.sizes)
    return Step("zero", left, nothing, stages.program, {"of": stages.of, "wrt": stages.wrt})


def lifted(node: Node, rows: int) -> Tree | None:
    """A node whose first `rows` axes are its rows in matrix notation; None where it has none."""
    try:
        return lift_arranged(node, tuple(range(rows)), tuple(range(rows, node.rank)), Lifter())
    except NoMatrixForm:
        return None


def times(a: Tree, b: Tree) -> Tree:
    """a*b, where a is not one."""
    if isinstance(a, Number) and a.value == 1:
        return b
    if isinstance(a, Call) and a.op == "eye":
        return b
    return Call("multiply", (a, b))


def sum_of(trees: list[Tree]) -> Tree:
    """The terms in order, signs between them."""
    total = trees[0] if trees else Number(Fraction(0))
    for tree in trees[1:]:
        negative = isinstance(tree, Call) and tree.op == "negate"
        total = Call("subtract" if negative else "add", (total, tree.args[0] if negative else tree))
    return total

