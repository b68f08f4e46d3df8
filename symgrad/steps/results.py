"""The last steps of every method: the result as a matrix, a declared structure, the layout that was asked for.

Here are also the helpers by which the methods write nodes as trees: lifting with rows kept rows, a line's own
name where its value stands, sums and products in the order given.

>>> from symgrad.notation.grammar import parse
>>> from symgrad.notation.text import text
>>> text(sum_of([parse("A*x"), parse("-b")])), text(times(parse("eye(n)"), parse("x")))
('A*x - b', 'x')
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from symgrad.calculus.present import present
from symgrad.derivation import Derivative, derive
from symgrad.notation.layout import Arrangement
from symgrad.notation.lift import Lifter
from symgrad.notation.network import NoMatrixForm
from symgrad.notation.stacked import lift_arranged
from symgrad.notation.tree import Call, Name, Number, Tree, names, postorder
from symgrad.notation.words import turned_tree
from symgrad.steps.components import Components, Letters, Product, Same, Slope
from symgrad.steps.staging import Staged, plain_variable
from symgrad.steps.step import Meaning, Step, Whole, Written
from symgrad.tensor.build import as_number, einsum, power
from symgrad.tensor.nodes import Apply, Einsum, Input, Map, Node, Power
from symgrad.tensor.numbers import exact


def unstructured(stages: Staged, layout: str = "mixed") -> Derivative:
    """The derivative with all entries of the variable independent."""
    source = stages.source
    plain = plain_variable(source.program, stages.wrt)
    found = derive(plain, source.of, source.wrt, layout=layout, vec=source.vec, structure="ignore")
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
    details = {
        "of": stages.of,
        "wrt": stages.wrt,
        "layout": result.layout,
        "vec": result.vec,
        "shape": shape_text(result),
    }
    if projected is not None:
        details["structure"] = projected
    return Step(rule, left, Written(tree, stages.meaning), stages.program, details)


def shape_text(result: Derivative) -> str:
    """The shape in the layout, as `n x 1`."""
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
    left = Components(
        (Product(1, (Slope(stages.of, stages.wrt, outputs, inputs),), ()),), outputs + inputs, letters.sizes
    )
    if stages.of == stages.wrt:
        deltas = tuple(Same(pair) for pair in zip(outputs, inputs, strict=True))
        same = Components((Product(1, deltas, ()),), outputs + inputs, letters.sizes)
        return Step("itself", left, same, stages.program, {"of": stages.of})
    nothing = Components((), outputs + inputs, letters.sizes)
    return Step("zero", left, nothing, stages.program, {"of": stages.of, "wrt": stages.wrt})


def lifted(node: Node, rows: int, meaning: Meaning) -> Tree | None:
    """A node whose first `rows` axes are its rows in matrix notation; None where it has none."""
    try:
        tree = lift_arranged(node, tuple(range(rows)), tuple(range(rows, node.rank)), Lifter())
    except NoMatrixForm:
        return None
    turned = {n for n, view in meaning.views.items() if view.is_row}
    return _rows_turned(tree, turned) if turned & set(names(tree)) else tree


def _rows_turned(tree: Tree, rows: set[str]) -> Tree:
    """A vector is lifted as a column: names of rows are transposed."""
    stack: list[Tree] = []
    for part in postorder(tree):
        if isinstance(part, Call):
            args = tuple(stack[len(stack) - len(part.args) :])
            del stack[len(stack) - len(part.args) :]
            stack.append(turned_tree(args[0]) if part.op == "transpose" else Call(part.op, args))
        else:
            stack.append(Call("transpose", (part,)) if isinstance(part, Name) and part.name in rows else part)
    return stack[-1]


def in_own_name(node: Node, value: Node, name: Node) -> Node:
    """The node with `name` where the value of a line stands: `f (1 - f)`, one over the name of a square root."""
    if isinstance(node, Einsum):
        factors = [(_root_named(n, value, name), labels) for n, labels in node.factors]
        node = einsum(factors, range(node.rank), node.coefficient)
    shown = {value: name}
    if isinstance(value, Map | Apply) and value.op.aliases is not None:
        shown.update(value.op.aliases(name, *value.args))
    return present(_root_named(node, value, name), shown)


def _root_named(node: Node, value: Node, name: Node) -> Node:
    if isinstance(node, Power) and isinstance(value, Power) and node.base is value.base:
        exponent = as_number(node.exponent)
        if exponent is not None and as_number(value.exponent) == Fraction(1, 2):
            return power(name, exact(Fraction(exponent) * 2))
    return node


def sum_of(trees: list[Tree]) -> Tree:
    """The terms in order, signs between them."""
    total = trees[0] if trees else Number(Fraction(0))
    for tree in trees[1:]:
        negative = isinstance(tree, Call) and tree.op == "negate"
        total = Call("subtract" if negative else "add", (total, tree.args[0] if negative else tree))
    return total


def times(a: Tree, b: Tree) -> Tree:
    """a*b: ones and identities left out, a sign in front."""
    if isinstance(a, Number) and a.value == 1:
        return b
    if isinstance(a, Call) and a.op == "eye":
        return b
    if isinstance(a, Call) and a.op == "negate":
        return Call("negate", (times(a.args[0], b),))
    if isinstance(a, Call) and a.op == "multiply" and isinstance(a.args[0], Call) and a.args[0].op == "negate":
        return Call("negate", (times(Call("multiply", (a.args[0].args[0], *a.args[1:])), b),))
    return Call("multiply", (a, b))
