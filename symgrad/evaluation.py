"""Derivatives as NumPy functions: from a `Derivative` to compiled code and back to arrays.

The function takes the inputs of the program by name; those that the derivative does not need are checked
and left aside.  Intermediates that the program names keep their names in the source.

>>> from symgrad.derivation import derivative
>>> f = compiled(derivative("x'*A*x", "x", where="x: R^n; A: R^{n x n}"))
>>> f(x=[1.0, 2.0], A=[[1.0, 0.0], [3.0, 1.0]])
array([8., 7.])
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from symgrad.errors import LayoutError, UnknownNameError, did_you_mean
from symgrad.numeric.code import Argument, Compiled, OutputForm, compile_numpy
from symgrad.numeric.evaluate import bind_sizes
from symgrad.programs import RESULT
from symgrad.tensor.dims import letters_of
from symgrad.tensor.nodes import Input, Node, walk

if TYPE_CHECKING:
    from symgrad.derivation import Derivative
    from symgrad.numeric.operators import OperatorCode


@dataclass(frozen=True, slots=True)
class Function:
    """A compiled derivative.  Call it with keyword arrays; `source` is readable NumPy."""

    compiled: Compiled
    inputs: tuple[Argument, ...]

    @property
    def source(self) -> str:
        return self.compiled.source

    def __call__(self, **arrays: Any) -> np.ndarray:
        """The array of the derivative.  Raises UnknownNameError, ShapeError naming the array at fault."""
        known = {a.name: a for a in self.inputs}
        unknown = [n for n in arrays if n not in known and n not in self.compiled.free]
        if unknown:
            raise UnknownNameError(f"{unknown[0]} is not an input", hint=did_you_mean(unknown[0], known))
        needed = {a.name for a in self.compiled.arguments}
        given = {n: np.asarray(v) for n, v in arrays.items() if n in known}
        if len(given) > len(needed):  # what is not needed must still fit
            bind_sizes({n: known[n].arrives for n in given}, given)
        return np.asarray(self.compiled(**{n: v for n, v in arrays.items() if n in needed or n in self.compiled.free}))


def compiled(result: Derivative, *, tensor: bool = False) -> Function:
    """The derivative in its layout (or as a tensor) as a NumPy function."""
    inputs = inputs_of(result)
    node, named = _closed(result)
    arguments = _needed(node, inputs)
    form = _tensor_form(result) if tensor or result.arrangement.is_tensor else _layout_form(result)
    code = compile_numpy(node, arguments, named=named, output=form, doc=_doc(result, tensor))
    return Function(code, tuple(inputs.values()))


def operator_code(result: Derivative) -> OperatorCode:
    """The derivative in its layout as an operator that waits for arrays.

    Raises LayoutError for a tensor, which has no rows and columns.
    """
    from symgrad.numeric.operators import OperatorCode

    rows, columns = result.arrangement.rows, result.arrangement.columns
    if rows is None or columns is None:
        raise LayoutError("a tensor is no operator", hint='D.in_layout("numerator").operator(...)')
    inputs = inputs_of(result)
    node, named = _closed(result)
    return OperatorCode(node, rows, columns, _needed(node, inputs), named, _doc(result, False))


def inputs_of(result: Derivative) -> dict[str, Argument]:
    """Every input of the program as an argument."""
    return {n: Argument.declared(n, d.rows, d.columns) for n, d in result.program.declared.items()}


def _closed(result: Derivative) -> tuple[Node, list[tuple[str, Node]]]:
    """The result in terms of inputs alone: intermediates that were variables get their values back."""
    cut = {n for n in result.wrt if n in result.program.assigned}
    node = result.node
    if cut:
        values: dict[Node, Node] = {result.scope.views[n].node: result.program.views[n].node for n in cut}
        node = substituted(node, values)
    views = result.program.views
    inside = set(walk(node))
    named = [(n, views[n].node) for n in result.program.assigned if n != RESULT and views[n].node in inside]
    return node, [(n, v) for n, v in named if not isinstance(v, Input)]


def substituted(root: Node, values: Mapping[Node, Node]) -> Node:
    """The same expression with some nodes replaced by others."""
    from symgrad.calculus.present import present

    return present(root, values)


def _needed(node: Node, inputs: Mapping[str, Argument]) -> list[Argument]:
    """The inputs that occur, and one more for each dimension letter that none of them has."""
    occurring = {n.name for n in walk(node) if isinstance(n, Input)}
    chosen = [a for a in inputs.values() if a.name in occurring]
    letters = set(letters_of(s for n in walk(node) for s in n.shape))
    for argument in inputs.values():
        missing = letters - set(letters_of(s for a in chosen for s in a.shape))
        if argument not in chosen and missing & set(letters_of(argument.shape)):
            chosen.append(argument)
    return [a for a in inputs.values() if a in chosen]


def _layout_form(result: Derivative) -> OutputForm:
    rows, columns = result.arrangement.rows, result.arrangement.columns
    assert rows is not None and columns is not None
    if not columns:
        return OutputForm(rows, (tuple(range(len(rows))),) if rows else ())
    return OutputForm.matrix(rows, columns)


def _tensor_form(result: Derivative) -> OutputForm:
    """Output axes, then variable axes; a row vector is 1 x n, a column has one axis, a matrix two."""
    start = 0
    axes: list[int] = []
    groups: list[tuple[int, ...]] = []
    for view in (result.output, *result.variables):
        own = tuple(range(start, start + view.node.rank))
        rows, columns = own[: view.rows], own[view.rows :]
        axes += own
        groups += {"scalar": [], "column": [rows], "row": [(), columns], "matrix": [rows, columns]}[view.kind]
        start += view.node.rank
    return OutputForm(tuple(axes), tuple(groups))


def _doc(result: Derivative, tensor: bool) -> str:
    """What the generated function says of itself."""
    formula = str(result)
    head = f"d {result.of if result.of != RESULT else result.program.text.strip()} / d {', '.join(result.wrt)}"
    if len(head) + len(formula) < 100 and "\n" not in head:
        head = f"{head} = {formula}"
    shape = " x ".join(map(str, result.tensor_shape if tensor else result.shape)) or "scalar"
    layout = "tensor" if tensor else result.layout
    inputs = "; ".join(d.text() for d in result.program.declared.values())
    return f"{head}\n\n{layout} layout, {shape}.  Inputs: {inputs}"
