"""Derivatives as NumPy functions: from a `Derivative` to compiled code and back to arrays.

The function takes the inputs of the program by name; those that the derivative does not need are checked
and left aside.  Intermediates that the program names keep their names in the source.

>>> from symgrad.derivation import derivative
>>> f = compiled(derivative("x'*A*x", "x", where="x: R^n; A: R^{n x n}"))
>>> f(x=[1.0, 2.0], A=[[1.0, 0.0], [3.0, 1.0]])
array([8., 7.])
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from symgrad.errors import DomainError, LayoutError, SymgradError, UnknownNameError, did_you_mean
from symgrad.numeric.backends import find_backend
from symgrad.numeric.code import Compiled, compile_results, user_functions, write_results
from symgrad.numeric.evaluate import bind_sizes
from symgrad.numeric.function_text import Argument, OutputForm, Result
from symgrad.numeric.names import Names
from symgrad.programs import RESULT
from symgrad.tensor.build import permuted
from symgrad.tensor.dims import Shape, letters_of, times
from symgrad.tensor.nodes import Input, Node, walk
from symgrad.tensor.view import View

if TYPE_CHECKING:
    from symgrad.derivation import Derivative
    from symgrad.numeric.operators import Operator, OperatorCode

NEARBY = 1e-9  # by which arrays are moved, relatively, to see whether a result has a condition


class Function(Protocol):
    """A compiled derivative: a plain Python function of keyword arrays.

    compiled  the program; `compiled.source` is its text
    inputs    every input of the program, by name
    """

    compiled: Compiled
    inputs: Mapping[str, Argument]

    def __call__(self, *arrays: Any, **named: Any) -> Any:
        """The array of the derivative.  Raises UnknownNameError, ShapeError naming the array at fault."""


def _function(
    code: Compiled, inputs: Mapping[str, Argument], finish: Callable[[Any], Any], shape: Shape | None = None
) -> Function:
    """What users call: inputs that are not needed are checked and left aside.

    `shape` is that of the result where it may be written into an array, `out`.
    """

    def slow(arrays: dict[str, Any]) -> Any:
        if shape is not None and "out" in arrays and "out" not in inputs:
            out = arrays.pop("out")
            arrays = needed(code, inputs, arrays)
            return code.write(arrays, out, shape) if out is not None else finish(code.called(arrays))
        given = arrays
        arrays = needed(code, inputs, arrays)
        return finish(code.called(arrays) if code.arguments else _constant(code, arrays, given))

    function: Any = code.door(slow, finish)  # JAX compiles it, the checks being made while it is traced
    function.compiled, function.inputs = code, inputs
    function.__name__ = function.__qualname__ = "derivative"
    function.__doc__ = "A compiled derivative: arrays by name, or in the order of the parameters."
    found: Function = function
    return found


def _constant(code: Compiled, sizes: dict[str, Any], given: Mapping[str, Any]) -> Any:
    """A result that depends on no array, in the precision of those that are given."""
    found = code.called(sizes)
    arrays = {n: code.backend.array(a) for n, a in given.items() if n not in sizes}
    return code.backend.like(found, code.backend.cast(arrays)) if arrays else found


def needed(code: Compiled, known: Mapping[str, Argument], arrays: dict[str, Any]) -> dict[str, Any]:
    """The arrays that the derivative needs; the others must still fit."""
    wanted = {a.name for a in code.arguments}
    if wanted == arrays.keys():
        return arrays
    unknown = [n for n in arrays if n not in known and n not in code.free]
    if unknown:
        raise UnknownNameError(f"{unknown[0]} is not an input", hint=did_you_mean(unknown[0], known))
    given = {n: v if hasattr(v, "shape") else np.asarray(v) for n, v in arrays.items() if n in known}
    sizes: dict[str, int] = {}
    if given.keys() - wanted:
        numbers = {a: int(arrays[a]) for a in code.free if a in arrays}
        sizes = bind_sizes({n: known[n].arrives for n in given}, given, numbers)
    free = {a: sizes[a] for a in code.free if a in sizes}
    return {**free, **{n: v for n, v in arrays.items() if n in wanted or n in code.free}}


class Values(NamedTuple):
    """A value and its derivative."""

    value: Any
    derivative: Any


def compiled(result: Derivative, *, tensor: bool = False, backend: str = "numpy", value: bool = False) -> Function:
    """The derivative in its layout (or as a tensor) as a function; with `value`, (value, derivative) in one pass."""
    results, arguments, facts = _plan(result, tensor, value)
    code = compile_results(results, arguments, backend=backend, **facts)
    if value:
        return _function(code, inputs_of(result), lambda pair: Values(*pair))
    shape = None
    if backend == "numpy":
        shape = result.tensor_shape if tensor or result.arrangement.is_tensor else _array_shape(result)
    return _function(code, inputs_of(result), lambda array: array, shape)


def _array_shape(result: Derivative) -> Shape:
    """The shape of the array in the layout: a gradient has the variable's."""
    node, form = result.node, _layout_form(result)
    moved = [node.shape[a] for a in form.axes]
    return tuple(times(*(moved[i] for i in group)) for group in form.groups)


class Factors(Function, Protocol):
    """A compiled derivative in factors: one array, or a tuple of the arrays F1, F2, ...

    statement    the tensor by its indices and the factors, as in `[i = k]*F1[j, l]`
    dense        factors (and the sizes that none of them has) -> the whole array
    """

    statement: str
    dense: Callable[..., Any]


def compressed(result: Derivative) -> Factors:
    """The factors of the derivative as a tensor, as a function of the inputs that they need."""
    from symgrad.numeric.compressed import compile_factors

    inputs = inputs_of(result)
    node, named = _closed(result)
    form = _tensor_form(result)
    made = compile_factors(permuted(node, form.axes), list(inputs.values()), named, lambda: _doc(result, True))
    function: Any = _function(made.program, inputs, lambda factors: factors)
    function.statement, function.dense = made.statement, made.dense
    function.__name__ = function.__qualname__ = "factors"
    found: Factors = function
    return found


def source(
    result: Derivative, backend: str = "numpy", *, self_test: bool = False, sizes: Mapping[str, int] | None = None
) -> str:
    """The text of the derivative in its layout; `sizes` of all dimensions choose the order of multiplication."""
    results, arguments, facts = _plan(result, False, False)
    _check_sizes(results, sizes)
    library = find_backend(backend)
    written = write_results(results, arguments, at=sizes, backend=library, **facts)
    text = library.translated(written.whole_text, user_functions(*(node for node, _ in results)))
    if not self_test:
        return text
    if backend != "numpy":
        raise DomainError("a self-test is written in NumPy", hint="D.source(self_test=True)")
    return _with_self_test(text, result)


def _check_sizes(results: Sequence[Result], sizes: Mapping[str, int] | None) -> None:
    letters = letters_of(s for node, _ in results for n in walk(node) for s in n.shape)
    missing = [a for a in letters if sizes is not None and a not in sizes]
    if missing:
        raise UnknownNameError(f"the dimension {missing[0]} has no size", hint=f'sizes={{"{missing[0]}": 100}}')


def _with_self_test(text: str, result: Derivative) -> str:
    """The text with the function that it is the derivative of, and a comparison by differences."""
    from symgrad.numeric.self_test import Sample, joined, self_test

    program, variable = result.program, result.wrt[-1]
    inputs = inputs_of(result)
    below = program.derivative(result.of, list(result.wrt[:-1]), structure=result.structure) if result.wrt[1:] else None
    node = below.node if below else program.views[result.of].node
    value = write_results([(node, None)], list(inputs.values()), function_name="value").whole_text
    names = Names(("derivative", "value"))
    words = {n: names.claim(n) for n in inputs}
    samples = [Sample(words[n], a.arrives, program.declared[n].properties) for n, a in inputs.items()]
    rows, columns = result.arrangement.rows, result.arrangement.columns
    axes = tuple(range(result.node.rank)) if rows is None or columns is None else (*rows, *columns)
    block = self_test(
        samples, words.get(variable, variable), result.structure, axes, result.shape, lambda at: _exists(result, at)
    )
    return joined(text, value, block)


def _exists(result: Derivative, letters: dict[str, int]) -> bool:
    """Whether the derivative comes to numbers at arrays of these sizes, and to nearly the same ones nearby."""
    from symgrad.numeric.sample import sample

    rng = np.random.default_rng(0)
    try:
        arrays = {n: sample(d, letters, rng, "positive") for n, d in result.program.declared.items()}
        nearby = {n: a * (1 + NEARBY * rng.random(a.shape)) for n, a in arrays.items()}
        with np.errstate(all="ignore"):
            here, there = result.tensor(**arrays), result.tensor(**nearby)
        return bool(np.max(np.abs(here - there), initial=0) < 1e3 * NEARBY * np.max(np.abs(here), initial=1))
    except SymgradError:
        return False


def _plan(result: Derivative, tensor: bool, value: bool) -> tuple[list[Result], list[Argument], dict[str, Any]]:
    """What to compile: the results in their forms, the arguments they need, names and a docstring."""
    inputs = inputs_of(result)
    node, named = _closed(result)
    form = _tensor_form(result) if tensor or result.arrangement.is_tensor else _layout_form(result)
    results: list[Result] = [(node, form)]
    if value:
        results.insert(0, (result.program.views[result.of].node, _array_form(result.program.views[result.of])))
        named = _named(result, [n for n, _ in results])
    arguments = _needed([n for n, _ in results], inputs, result)
    return results, arguments, {"named": named, "doc": lambda: _doc(result, tensor)}


def operator(result: Derivative, arrays: dict[str, Any]) -> Operator:
    """The derivative at these arrays as an operator; inputs that it does not need are checked and left aside."""
    code = result.operator_code
    if {a.name for a in code.arguments} != arrays.keys():
        arrays = needed(code.products, inputs_of(result), arrays)
    return code(**arrays)


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
    return OperatorCode(node, rows, columns, _needed([node], inputs, result), named, _doc(result, False))


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
    return node, _named(result, [node])


def _named(result: Derivative, nodes: Sequence[Node]) -> list[tuple[str, Node]]:
    """The intermediates of the program that occur, with their names."""
    views, inside = result.program.views, set(walk(*nodes))
    named = [(n, views[n].node) for n in result.program.assigned if n != RESULT and views[n].node in inside]
    return [(n, v) for n, v in named if not isinstance(v, Input)]


def substituted(root: Node, values: Mapping[Node, Node]) -> Node:
    """The same expression with some nodes replaced by others."""
    from symgrad.calculus.present import present

    return present(root, values)


def _needed(nodes: Sequence[Node], inputs: Mapping[str, Argument], result: Derivative) -> list[Argument]:
    """The inputs that occur, and one more for each dimension letter that none of them has.

    Who has an array of the function is asked for that one, not for one that is merely declared.
    """
    occurring = {n.name for n in walk(*nodes) if isinstance(n, Input)}
    chosen = [a for a in inputs.values() if a.name in occurring]
    letters = set(letters_of(s for n in walk(*nodes) for s in n.shape))
    if letters <= set(letters_of(s for a in chosen for s in a.shape)):
        return chosen
    written = {*result.wrt, *(n.name for n in walk(result.output.node) if isinstance(n, Input))}
    for argument in sorted(inputs.values(), key=lambda a: a.name not in written):
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
    return _array_form(result.output, *result.variables)


def _array_form(*views: View) -> OutputForm:
    start = 0
    axes: list[int] = []
    groups: list[tuple[int, ...]] = []
    for view in views:
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
