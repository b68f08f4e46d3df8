"""The road: an expression and a variable in, a verified derivative in matrix notation out.

derive: lower -> differentiate (once per variable) -> project onto declared structure -> present.
A `Derivative` is a value; layout, text, LaTeX, SymPy, arrays and code are views of one tensor.

>>> print(derivative("x'*A*x", "x"))
(A + A')*x
>>> D = derivative("A*X*B", "X"); print(D, D.shape)
kron(B', A) (k*m, n*p)
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from symgrad.calculus.differentiate import depends, differentiate
from symgrad.calculus.present import present
from symgrad.calculus.refold import meant_by, refolded, sums_a_line
from symgrad.calculus.structure import STRUCTURES, structured
from symgrad.certificate import certified, contradicted, same
from symgrad.errors import DomainError, LimitError, SymgradError, UnknownNameError, did_you_mean
from symgrad.lazy import lazy
from symgrad.notation.declare import Declaration
from symgrad.notation.einsum_form import EinsumForm, einsum_form
from symgrad.notation.familiar import Familiar
from symgrad.notation.indexed import indexed_latex, indexed_text
from symgrad.notation.latex import latex as latex_of
from symgrad.notation.layout import Arrangement, Part, arrange, check_layout
from symgrad.notation.lift import Lifter
from symgrad.notation.lower import Scope
from symgrad.notation.network import NoMatrixForm
from symgrad.notation.parts import InParts, is_repetitive
from symgrad.notation.sharing import Shared, shared
from symgrad.notation.stacked import lift_arranged
from symgrad.notation.text import text as text_of
from symgrad.notation.tree import Name, Tree, names
from symgrad.operations.catalogue import LOGARITHM, latex_templates
from symgrad.programs import RESULT, Program, Where, echoes, name_of, program, shown_names
from symgrad.tensor.build import is_zero, permuted
from symgrad.tensor.dims import Size
from symgrad.tensor.nodes import Add, Apply, Map, Node, Power, walk
from symgrad.tensor.view import View

if TYPE_CHECKING:
    import numpy as np
    from rich.text import Text

    from symgrad.evaluation import Factors, Function, Values
    from symgrad.numeric.operators import Operator, OperatorCode
    from symgrad.steps import Worked
    from symgrad.verification.check import Report


OUTSIZED = 250  # symbols from which on an answer is written in named parts
FAR = 3  # times both bounds where an answer is outsized however it may be simplified
REPEATED = 3  # times that an outsized answer is longer than what it is made of
STRUCTURED = frozenset({"symmetric", "skew", "spd", "diagonal", "lower", "upper", "orthogonal"})
_STRUCTURES = {
    "project": "projected onto the declared structure",
    "free": "by the free entries",
    "ignore": "all entries taken as independent, although declared",
}
ORDER_LIMIT = 200  # variables in turn
LONG = 60  # characters from which on an answer's repeated parts are worth names


def derivative(
    expression: Any,
    wrt: Any = (),
    *,
    where: Where = None,
    of: str | None = None,
    layout: str = "mixed",
    vec: str = "column",
    structure: str = "project",
    infer: bool = False,
) -> Derivative:
    """d expression / d wrt.

    expression  text, a program, or a SymPy expression (or its Derivative);  of  which name of a program (the last)
    wrt         a name or SymPy symbol, or a list of them for higher order
    where       declarations, `"x: R^n; A: R^{n x n}"` or a mapping; without any, shapes are inferred
    layout      mixed, numerator, denominator, gradient or tensor;  vec  column or row stacking
    structure   for variables declared symmetric, ...: project, free or ignore

    Raises ParseError, UnknownNameError, ShapeError, LayoutError, NotDifferentiableError, LimitError.
    """
    if type(expression).__name__ == "Derivative":
        expression, wrt = _requested(expression, wrt)
    source = program(expression, where, infer=infer, wrt=wrt)
    return derive(source, of, wrt, layout=layout, vec=vec, structure=structure)


def _requested(expression: Any, wrt: Any) -> tuple[Any, Any]:
    """What SymPy's unevaluated Derivative is of and by, the further variables after its own."""
    from symgrad.notation.sympy_door import requested

    inner, variables = requested(expression)
    variables += wrt if isinstance(wrt, list | tuple) else [wrt]
    return inner, variables[0] if len(variables) == 1 else variables


def gradient(expression: Any, wrt: Any, **options: Any) -> Derivative:
    """The gradient of a scalar: the variable's shape.  Options as for `derivative`."""
    return derivative(expression, wrt, **{"layout": "gradient", **options})


def jacobian(expression: Any, wrt: Any, **options: Any) -> Derivative:
    """The Jacobian, rows = outputs.  Options as for `derivative`."""
    return derivative(expression, wrt, **{"layout": "numerator", **options})


def hessian(expression: Any, wrt: Any, **options: Any) -> Derivative:
    """The Hessian of a scalar by one variable (or by two, given as a list).  Options as for `derivative`."""
    pair = list(wrt) if isinstance(wrt, list | tuple) else [wrt, wrt]
    return derivative(expression, pair, **options)


def derive(
    source: Program, of: str | None, wrt: Any, *, layout: str = "mixed", vec: str = "column", structure: str = "project"
) -> Derivative:
    """The derivative of a name of a program by others, in turn.  See `derivative`."""
    check_layout(layout, vec)
    if structure not in STRUCTURES:
        raise DomainError(f"there is no structure {structure!r}", hint=did_you_mean(structure, STRUCTURES))
    names = [name_of(v) for v in (wrt if isinstance(wrt, list | tuple) else [wrt])]
    if not names:
        raise UnknownNameError("no variable is given to differentiate by", hint="wrt='x'")
    if len(names) > ORDER_LIMIT:
        raise LimitError(f"a derivative of order {len(names)}; the limit is {ORDER_LIMIT}")
    target = of or source.output
    source.lookup(target)
    for name in names:
        source.lookup(name)
    if structure == "ignore":  # else S' = S would already have been used
        source = replace(source, declared={n: unstructured(d) if n in names else d for n, d in source.declared.items()})
    scope = source.cut_at([n for n in names if n != target])
    output = scope.views[target]
    variables = [scope.views[n] for n in names]
    raw = _derived(output, dict(zip(names, variables, strict=True)), names, structure)
    result = Derivative(source, target, tuple(names), raw, output, tuple(variables), scope, layout, vec, structure)
    _ = result.arrangement  # an impossible layout is an error now, not when printed
    return result


def _derived(
    output: View,
    variables: Mapping[str, View],
    wrt: Sequence[str],
    structure: str,
    whole: Collection[Node] | None = None,
) -> Node:
    """The tensor of the derivative, presented between variables; sums in `whole` are not opened in other sums."""
    node = output.node
    for place, name in enumerate(wrt):
        node = differentiate(present(node, whole=whole) if place else node, variables[name].node, LOGARITHM)
        node = structured(node, variables[name], structure, name)
    return node


def unstructured(declaration: Declaration) -> Declaration:
    """The declaration of the same space, its entries independent."""
    kept = declaration.properties - {"symmetric", "skew", "diagonal", "orthogonal", "spd", "lower", "upper"}
    return replace(declaration, properties=kept)


@dataclass(frozen=True, eq=False)
class Derivative:
    """d of / d wrt: one tensor (output axes, then each variable's) and how it is read.

    `raw` is the tensor as it was derived, in terms of the program's inputs (and of intermediates that are variables
    here), where the program's intermediates can still be seen.  All else is made when it is asked for: `node`, the
    same simplified, and its notation.
    """

    program: Program
    of: str
    wrt: tuple[str, ...]
    raw: Node
    output: View
    variables: tuple[View, ...]
    scope: Scope
    layout: str
    vec: str
    structure: str

    @lazy
    def node(self) -> Node:
        """The tensor, simplified."""
        return present(self.raw)

    def __reduce__(self) -> Any:
        return _again, (self.program, self.of, self.wrt, self.layout, self.vec, self.structure)

    # --- how it is read ------------------------------------------------------------------------

    def in_layout(self, layout: str, vec: str | None = None) -> Derivative:
        """The same derivative in another layout or stacking; nothing is derived anew."""
        check_layout(layout, vec or self.vec)
        result = replace(self, layout=layout, vec=vec or self.vec)
        _ = result.arrangement
        if "node" in self.__dict__:
            result.__dict__["node"] = self.node
        return result

    @lazy
    def parts(self) -> tuple[Part, tuple[Part, ...]]:
        """The axes of the output and of each variable."""
        start, found = 0, []
        for view in (self.output, *self.variables):
            axes = tuple(range(start, start + view.node.rank))
            found.append(Part(axes[: view.rows], axes[view.rows :]))
            start += view.node.rank
        return found[0], tuple(found[1:])

    @lazy
    def arrangement(self) -> Arrangement:
        output, variables = self.parts
        return arrange(output, variables, self.layout, self.vec)

    @property
    def shape(self) -> tuple[Size, ...]:
        """(rows, columns) in the layout; every axis of a tensor."""
        if self.arrangement.is_tensor:
            return self.tensor_shape
        return self.arrangement.shape(self.raw.shape)

    @property
    def tensor_shape(self) -> tuple[Size, ...]:
        """Output axes, then variable axes; a column has one, a row vector and a matrix two."""
        return tuple(s for view in (self.output, *self.variables) for s in axes_of(view))

    @property
    def kind(self) -> str:
        """scalar, column, row, matrix or tensor, in the layout."""
        rows, columns = self.arrangement.rows, self.arrangement.columns
        if rows is None or columns is None:
            return "tensor"
        return {(0, 0): "scalar", (1, 0): "column", (0, 1): "row", (1, 1): "matrix"}[bool(rows), bool(columns)]

    @property
    def assumed(self) -> tuple[str, ...]:
        """The declarations that were inferred, as they would be written."""
        return tuple(self.program.declared[n].text() for n in self.program.assumed)

    @property
    def is_zero(self) -> bool:
        return is_zero(self.node)

    @property
    def why_zero(self) -> str | None:
        """Why the derivative is zero, where it is."""
        if not self.is_zero:
            return None
        missing = [n for n, v in zip(self.wrt, self.variables, strict=True) if not depends(self.output.node, v.node)]
        if missing:
            written = {n for line in self.program.lines for n in names(line.value)}
            verb = "cancels out of" if len(self.program.lines) == 1 and missing[0] in written else "does not occur in"
            return f"{missing[0]} {verb} {'the expression' if self.of == RESULT else self.of}"
        operations = dict.fromkeys(n.op for n in walk(self.output.node) if isinstance(n, Map))
        steps = [op.written for op in operations if op.kinks and "derivative is 0" in op.kinks]
        through = f"every path leads through {' or '.join(steps)}, whose derivative is zero, or " if steps else ""
        return f"{through}all terms cancel"

    @lazy
    def kinks(self) -> tuple[str, ...]:
        """Where the operations of the program have no derivative, and what is taken there."""
        operations = dict.fromkeys(n.op for n in walk(self.output.node) if isinstance(n, Map | Apply))
        return tuple(f"{op.written}: {op.kinks}" for op in operations if op.kinks)

    @lazy
    def notes(self) -> tuple[str, ...]:
        """What was done about a variable that is declared symmetric, diagonal, ..., and how the text was read."""
        given = {**self.program.declared, **self.program.where}  # with "ignore" only these keep the properties
        declared = [given[n] for n in dict.fromkeys(self.wrt) if n in given]
        found = "; ".join(d.text() for d in declared if d.properties & STRUCTURED)
        done = [f"{_STRUCTURES[self.structure]}: {found}"] if found else []
        return (*done, *self.program.notes, *echoes(self.program))

    # --- how it is written ---------------------------------------------------------------------

    @lazy
    def shown(self) -> Node:
        """The tensor with the program's intermediates as names."""
        return self._with_lines(present(self.raw, self._names)) if self._names else self.node

    def _with_lines(self, node: Node) -> Node:
        """The tensor with the names of lines for parts of its products too, if that is proved to be the same."""
        found = refolded(node, self._names)
        if sums_a_line(found, self._names) or any(isinstance(n, Power) for n in self._names):
            # what a line is made of may sum to nothing, or be 1/(1 + exp(-t))
            found = min(found, refolded(present(self.node, self._names), self._names), key=lambda n: len(walk(n)))
        if found is node:
            return node
        opened = present(present(found, meant_by(self._names)))  # once more: identities of what the names stand for
        return found if same(View(opened, found.rank), View(self.node, found.rank)) else node

    @lazy
    def _names(self) -> dict[Node, Node]:
        """The nodes that are written as names of the program."""
        return shown_names(self.scope, self.program.assigned)

    @lazy
    def tree(self) -> Tree | None:
        """The matrix notation in the layout, read back and found equal; None where there is none."""
        if self._is_outsized:
            found = self._named[0]
            return found.result if found is not None and not found.parts else None
        axes = self._axes()
        if axes is None:
            return None
        rows, columns = axes
        try:
            tree = lift_arranged(self.shown, rows, columns, Lifter(self._row_names()))
        except NoMatrixForm:
            return None
        tree = Familiar(line.value for line in self.program.lines).tree(tree)
        return tree if self._certified(tree, rows, columns) else None

    @lazy
    def unfolded(self) -> str | None:
        """A tensor of three or four axes read as a matrix, as d vec(H) / d x' is; None where that has no notation.

        The columns are the last axis (of four axes the last two), the rows the others, each stacked by columns.
        """
        if not self.arrangement.is_tensor or self.raw.rank not in (3, 4) or self._has_rows():
            return None
        rows, columns = (1, 0), (2,) if self.raw.rank == 3 else (3, 2)
        try:
            tree = lift_arranged(self.shown, rows, columns, Lifter(self._row_names()))
        except NoMatrixForm:
            return None
        tree = Familiar(line.value for line in self.program.lines).tree(tree)
        return text_of(tree) if self._certified(tree, rows, columns) else None

    def _certified(self, tree: Tree, rows: Sequence[int], columns: Sequence[int]) -> bool:
        """Whether the printed form, read back, is this tensor."""
        scope = self._reading_scope() if self._names else self.scope
        return certified(tree, scope, View(permuted(self.shown, (*rows, *columns)), len(rows)))

    def _axes(self) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
        """The axes that are rows and columns as it is written, if it can be written as a matrix."""
        rows, columns = self.arrangement.rows, self.arrangement.columns
        if rows is not None and columns is not None:
            return rows, columns
        axes = tuple(range(self.raw.rank))
        return None if self.raw.rank > 2 or self._has_rows() else (axes[:1], axes[1:])

    @lazy
    def _is_outsized(self) -> bool:
        """Whether it is far too long to be written as one expression, mostly of what it repeats."""
        if self._names and is_repetitive(self.raw, FAR * OUTSIZED, FAR * REPEATED, self._names):
            return True  # no need to simplify it first
        return is_repetitive(self.shown, OUTSIZED, REPEATED)

    @property
    def in_parts(self) -> Shared | None:
        """An answer too long for one expression, with named parts; None where it fits or has no matrix notation."""
        found = self._named[0] if self._is_outsized else None
        return found if found is not None and found.parts else None

    @lazy
    def _named(self) -> tuple[Shared | None, Scope]:
        """The answer with parts named in the graph, and what the names mean."""
        axes, scope = self._axes(), self._reading_scope()
        if axes is None:
            return None, scope
        named = self._names
        variables = dict(zip(self.wrt, self.variables, strict=True))
        first = len(self.wrt) == 1 or not any(isinstance(n, Add) for n in named)
        raw = self.raw if first else _derived(self.output, variables, self.wrt, self.structure, named.keys())
        return InParts(scope, self._row_names(), certified).shared(raw, named, *axes), scope

    def _has_rows(self) -> bool:
        return any(v.is_row for v in (self.output, *self.variables))

    def _row_names(self) -> frozenset[str]:
        return frozenset([name for name, view in self.scope.views.items() if not view.rows and view.is_row])

    def _reading_scope(self) -> Scope:
        """What names mean where the answer is read back: intermediates are themselves."""
        names = self._names
        scope = Scope(dict(self.scope.views), self.scope.letters, self.scope.declared)
        for name in self.program.assigned:
            node = self.scope.views[name].node
            if node in names:
                scope.views[name] = View(names[node], self.scope.views[name].rows)
        return scope

    @lazy
    def _entries(self) -> str:
        """Index notation.  Raises SymgradError where, read back, it is something else: nothing wrong is printed."""
        written = indexed_text(self.shown)
        if contradicted(written, self._reading_scope(), self.shown):
            raise SymgradError(f"this index notation is not proved: {written}", hint=".function() evaluates the tensor")
        return written

    @property
    def matrix_form(self) -> bool:
        """Whether the result is closed matrix notation (else an indexed sum)."""
        return self.tree is not None or self.in_parts is not None

    def __str__(self) -> str:
        if self.in_parts is not None:
            return self.in_parts.text()
        return text_of(self.tree) if self.tree is not None else self._entries

    @lazy
    def einsum(self) -> EinsumForm:
        """The tensor (output axes, then variable axes) as terms of `numpy.einsum`: each with its coefficient,
        subscripts and operands, texts of the language; `str` of it is one line.  Every result has this form.
        """
        return einsum_form(self.shown)

    @lazy
    def abbreviated(self) -> Shared | None:
        """The answer with repeated parts named, where that makes a long one at least a fifth shorter; else None."""
        if self.tree is None or len(str(self)) < LONG:
            return self.in_parts
        found = shared(self.tree, [*self.scope.views, *self.scope.letters])
        return found if 5 * len(found.text()) <= 4 * len(str(self)) else None

    def latex(self) -> str:
        """The result as LaTeX."""
        scope = self._named[1] if self.in_parts is not None else self.scope
        kinds = {name: view.kind for name, view in scope.views.items()}
        if self.in_parts is not None:
            pairs = [(Name(name), part) for name, part in self.in_parts.parts]
            lines = [" &= ".join(latex_of(t, kinds, templates=latex_templates()) for t in pair) for pair in pairs]
            lines.append("& " + latex_of(self.in_parts.result, kinds, templates=latex_templates()))
            return "\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}"
        if self.tree is None:
            return indexed_latex(self.shown)
        return latex_of(self.tree, kinds, templates=latex_templates())

    def mathml(self, display: bool = True) -> str:
        """The result as a `<math>` element, for browsers without a library; set apart or within a line."""
        from symgrad.notation.mathml import mathml

        return mathml(self.latex(), display)

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex()}$"

    def __rich__(self) -> Text:
        from rich.text import Text

        return Text.assemble((f"{self.subject} = ", "dim"), (str(self), "bold"), (f"  ({explain_layout(self)})", "dim"))

    def __repr__(self) -> str:
        return f"<{self.subject} = {self} ({self.layout}, {' x '.join(map(str, self.shape))})>"

    @property
    def subject(self) -> str:
        """What is differentiated by what, `d (x'*A*x) / d x` or `d L / d W`."""
        written = self.of if self.of != RESULT else self.program.text.strip()
        if len(written) > 40 or "\n" in written:
            written = "of the expression"
        elif not written.isidentifier():
            written = f"({written})"
        return f"d {written} / d {', '.join(self.wrt)}"

    @lazy
    def expr(self) -> Any:
        """The result as a SymPy expression.  Raises LimitError where it is too long for one."""
        if self.in_parts is not None:
            raise LimitError("the answer is too long for one expression", hint="its parts are in .in_parts")
        if self.tree is None:
            from symgrad.notation.sympy_entries import indexed_to_sympy

            return indexed_to_sympy(self.shown, self.declarations())
        from symgrad.notation.sympy_door import to_sympy

        return to_sympy(self.tree, self.declarations())

    def declarations(self) -> dict[str, Any]:
        """Declarations of every name that the result may contain: inputs and intermediates."""
        found = dict(self.program.declared)
        for name in self.program.assigned:
            if name != RESULT:
                rows, columns = self.program.views[name].shape
                found[name] = Declaration(name, rows, columns)
        return found

    # --- what it comes to ----------------------------------------------------------------------

    def tensor(self, **values: Any) -> np.ndarray:
        """The array of the derivative: output axes, then variable axes.

        Arrays by name: a scalar has no axis, a column one, a row vector and a matrix two.
        Raises ShapeError naming the array, UnknownNameError for a missing or superfluous one.
        """
        return self._compiled(tensor=True)(**values)

    def function(self, backend: str = "numpy") -> Function:
        """The compiled derivative in the layout: keyword arrays in, an array out.

        backend  numpy, jax (may be traced, jitted, vmapped) or torch
        Raises UnknownNameError where the library is not installed, DomainError for what it cannot say.
        """
        return self._compiled(backend=backend)

    @lazy
    def compressed(self) -> Factors:
        """The derivative in factors, compiled: the small arrays that a large, structured tensor is made of.

        `F = D.compressed; F.statement` says what the tensor is (`[i = k]*F1[j, l]`: one block repeated along a
        diagonal), `F(V=V)` gives F1 (several factors as a tuple), `F.dense(F(V=V), m=9)` the array of all entries.
        """
        from symgrad.evaluation import compressed

        return compressed(self)

    def source(
        self, backend: str = "numpy", *, self_test: bool = False, sizes: Mapping[str, int] | None = None
    ) -> str:
        """Readable code for the derivative in the layout, to paste into a project; no library need be there.

        With `self_test` the text, run as a script, compares itself with differences.  `sizes`, a number for
        every dimension letter, choose the order of multiplication that is cheapest for such arrays.
        """
        from symgrad.evaluation import source

        return source(self, backend, self_test=self_test, sizes=sizes)

    def values(self, **arrays: Any) -> Values:
        """(value, derivative) at these arrays, computed in one pass that shares what both need."""
        found: Values = self._compiled(value=True)(**arrays)
        return found

    value_and_derivative = values

    def operator(self, **arrays: Any) -> Operator:
        """The derivative at these arrays as a linear operator of scipy, rows and columns as in the layout.

        It multiplies vectors and matrices from both sides without a dense array; `.structure` says what it is,
        `.todense()` makes the array.  Of a Hessian these are Hessian-vector products.
        Raises ShapeError, UnknownNameError naming the array, LimitError where a dense array would be too large.
        """
        code = self.operator_code
        if len(arrays) <= len(code.arguments):
            return code.at(arrays)
        from symgrad.evaluation import operator

        return operator(self, arrays)

    def _compiled(self, **options: Any) -> Function:
        """The function with these options, compiled when first asked for."""
        from symgrad.evaluation import compiled

        key = tuple(options.items())
        if key not in self._functions:
            self._functions[key] = compiled(self, **options)
        return self._functions[key]

    @lazy
    def _functions(self) -> dict[Any, Function]:
        return {}

    @lazy
    def operator_code(self) -> OperatorCode:
        """The compiled operator, waiting for arrays; `.structure` is known without them."""
        from symgrad.evaluation import operator_code

        return operator_code(self)

    # --- doors to the rooms above: the only arrows that point up, so that `D.check()` reads as it does ---

    def check(self, **options: Any) -> Report:
        """Compare with the numeric backprop engine and with differences; see `symgrad.verification.check`."""
        from symgrad.verification.check import check

        return check(self, **options)

    def steps(self, method: str = "index") -> Worked:
        """A worked derivation by `index`, `differential` or `chain`: lines that print, and that `.check()` verifies."""
        from symgrad.steps import steps

        return steps(self, method)


def _again(source: Program, of: str, wrt: Sequence[str], layout: str, vec: str, structure: str) -> Derivative:
    """A derivative that travelled to another process: graphs do not, so it is derived there."""
    return derive(source, of, list(wrt), layout=layout, vec=vec, structure=structure)


def axes_of(view: View) -> tuple[Size, ...]:
    """The sizes of the array axes of a view: a column has one, a row and a matrix two."""
    if view.is_scalar:
        return ()
    return (view.shape[0],) if view.is_column else view.shape


def explain_layout(result: Derivative) -> str:
    """The convention of a result in words."""
    size = " x ".join(map(str, result.shape)) or "scalar"
    stacked = f", {result.vec}s stacked" if any(len(p.rows + p.columns) > 1 for p in _stacked_parts(result)) else ""
    return f"{result.layout} layout{stacked}, {size}"


def _stacked_parts(result: Derivative) -> list[Part]:
    output, variables = result.parts
    arrays = [p for p in (output, *variables) if p.is_matrix]
    return [] if result.arrangement.is_tensor or len(result.node.shape) <= 2 else arrays
