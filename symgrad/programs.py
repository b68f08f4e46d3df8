"""Programs: several assignments in a row, read, declared, shape-checked and lowered.

An expression is a program of one line without a name.  Every name can be differentiated, or be what one
differentiates by; an intermediate that one differentiates by counts as a variable of its own.

>>> net = program("h = tanh(W*x); L = h'*h")
>>> [d.text() for d in net.declared.values()], net.views["h"].describe()
(['W: R^{m x n}', 'x: R^n'], 'a column vector (m x 1)')
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from symgrad.errors import ParseError, SymgradError, UnknownNameError, did_you_mean
from symgrad.lazy import lazy
from symgrad.notation.declare import Declaration, declare
from symgrad.notation.entries import header, read_lines
from symgrad.notation.grammar import check_calls, resolve_juxtaposition
from symgrad.notation.infer import infer as infer_declarations
from symgrad.notation.latex import latex as tree_latex
from symgrad.notation.latex_tokens import is_latex
from symgrad.notation.lower import CONSTANTS, Scope, lower, unknown_name
from symgrad.notation.text import text as tree_text
from symgrad.notation.tokens import is_name, plain_name
from symgrad.notation.tree import Assignment, Call, Name, Tree, names, postorder
from symgrad.operations.catalogue import find, function_names, latex_templates
from symgrad.tensor.build import as_number, hadamard, power, primitive, scaled, unit
from symgrad.tensor.canonical import symmetry
from symgrad.tensor.dims import letters_of
from symgrad.tensor.nodes import Add, Apply, Einsum, Input, Map, Node, Power
from symgrad.tensor.numbers import exact
from symgrad.tensor.view import View

if TYPE_CHECKING:
    from symgrad.derivation import Derivative
    from symgrad.numeric.backprop import ComputationalGraph

LONGEST_JOINED = 6  # letters of a name that may have been meant as a product
RESULT = "result"  # what an unnamed last line is called where a name is needed

Where = str | Mapping[str, object] | None


@dataclass(frozen=True, eq=False)
class Program:
    """Lines in order, the declarations of its inputs, and the meaning of every name.

    `assumed` names the declarations that were inferred; `notes` says what else was understood.
    """

    text: str
    lines: tuple[Assignment, ...]
    declared: dict[str, Declaration]
    assumed: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    where: Mapping[str, Declaration] = field(default_factory=dict)
    letters: tuple[str, ...] = ()  # dimensions that no declaration has, as n of SymPy's OneMatrix(n, n)

    def __reduce__(self) -> Any:
        return Program, (self.text, self.lines, self.declared, self.assumed, self.notes, self.where, self.letters)

    @lazy
    def scope(self) -> Scope:
        """Inputs and every assigned name, lowered."""
        try:
            return self._lowered(())
        except SymgradError as error:
            raise _advised(error, self.text, self.where, bool(self.assumed)) from None

    @property
    def views(self) -> dict[str, View]:
        return self.scope.views

    @property
    def output(self) -> str:
        """The name of the last line."""
        return self.lines[-1].name or RESULT

    @property
    def assigned(self) -> list[str]:
        return [line.name or RESULT for line in self.lines]

    def cut_at(self, wanted: Collection[str]) -> Scope:
        """The scope in which the intermediates in `wanted` are variables of their own."""
        assigned = self.assigned
        cut = tuple([n for n in wanted if n in assigned])
        return self._lowered(cut) if cut else self.scope

    def _lowered(self, cut: Collection[str]) -> Scope:
        scope = Scope.of(self.declared, _more_letters(self))
        for line in self.lines:
            view = lower(line.value, scope, self.text)
            name = line.name or RESULT
            if name in cut:
                view = View(Input.make(name, view.node.shape), view.rows)
            scope.views[name] = view
        return scope

    def latex(self) -> str:
        """The lines as LaTeX, columns and rows bold; several are aligned at their `=`."""
        kinds = {name: view.kind for name, view in self.views.items()}
        templates = latex_templates()
        lines: list[list[Tree]] = [[*([Name(line.name)] if line.name else []), line.value] for line in self.lines]
        sides = [[tree_latex(tree, kinds, templates=templates) for tree in line] for line in lines]
        if len(sides) == 1:
            return " = ".join(sides[0])
        rows = " \\\\\n".join(" &= ".join(side) if len(side) > 1 else f"& {side[0]}" for side in sides)
        return f"\\begin{{aligned}}\n{rows}\n\\end{{aligned}}"

    def mathml(self, display: bool = True) -> str:
        """The lines as a `<math>` element, which browsers draw without a library."""
        from symgrad.notation.mathml import mathml

        return mathml(self.latex(), display)

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex()}$"

    def lookup(self, name: str) -> View:
        """The meaning of a name.  Raises UnknownNameError."""
        if name not in self.views:
            raise self._unknown(name)
        return self.views[name]

    def _unknown(self, name: str) -> SymgradError:
        """The error for what is no name of this program."""
        if name in self.scope.letters:
            message = f"{name} is a dimension, and one differentiates by variables"
            return UnknownNameError(message, hint=f"known: {', '.join(n for n in self.views if n != RESULT)}")
        if find(name) is not None:
            return unknown_name(name, self.scope)
        joined = next((n for n in self.assumed if name in n and 1 < len(n) <= LONGEST_JOINED and n.isalpha()), None)
        if joined is not None:
            product = "*".join(joined[0] + joined[1:].replace("T", "'")).replace("*'", "'")
            hint = f"{joined} was read as one name; a product is written {product}"
            return UnknownNameError(f"{name} is no name of {_excerpt(self.text)}", hint=hint)
        names_ = [n for n in self.views if n != RESULT]
        said = "the names here are " if len(names_) > 1 else "the only name here is "
        hint = did_you_mean(name, names_) or ""
        listed = hint if hint.startswith("did you") else said + ", ".join(names_[:12])
        return UnknownNameError(f"{name} is no name of {_excerpt(self.text)}", hint=listed)

    def derivative(
        self,
        of: str | None = None,
        wrt: Any = None,
        *,
        layout: str = "mixed",
        vec: str = "column",
        structure: str = "project",
    ) -> Derivative:
        """d of / d wrt; both are names of the program, `of` the last one unless given, `wrt` a name or a list."""
        from symgrad.derivation import derive

        return derive(self, of, wrt, layout=layout, vec=vec, structure=structure)

    def forward(self, of: str | None = None, /, **values: Any) -> Any:
        """The value of `of` (the last name) at the given arrays."""
        graph = self.graph(of, **values)
        return graph.value(graph.output)

    def graph(self, of: str | None = None, /, **values: Any) -> ComputationalGraph:
        """The computational graph of numeric gates, run forward at the given arrays."""
        from symgrad.execution import execute

        return execute(self, values, of)

    def backward(self, of: str | None = None, /, **values: Any) -> dict[str, Any]:
        """The gradients of a scalar `of` (the last name) by every input, at the given arrays."""
        return self.graph(of, **values).backward()


def _more_letters(program: Program) -> list[str]:
    """Dimension letters that only occur inside eye, ones, zeros of an inferred program, or of a SymPy expression."""
    from symgrad.notation.infer import dimension_names

    return dimension_names(program.lines) if program.assumed or not program.declared else [*program.letters]


_SYMMETRIES = {0: frozenset[str](), 1: frozenset({"symmetric"}), -1: frozenset({"skew"})}


def shown_names(scope: Scope, assigned: Collection[str]) -> dict[Node, Node]:
    """The nodes that print as names of the program, with what follows from them (`[l > 0]` of a relu l)."""
    table: dict[Node, Node] = {}
    for name in assigned:
        node = scope.views[name].node
        if name == RESULT or isinstance(node, Input) or node in table:
            continue
        turns = symmetry(node) if node.rank == 2 else 0
        on_simplex = isinstance(node, Apply) and node.op.sums_to_one and not node.batch
        stand_in = Input.make(name, node.shape, frozenset({"simplex"}) if on_simplex else _SYMMETRIES[turns])
        table[node] = stand_in
        if isinstance(node, Map | Apply) and node.op.aliases is not None:
            for alias, replacement in node.op.aliases(stand_in, *node.args):
                table.setdefault(alias, replacement)
        for alias, replacement in _multiples(node, stand_in):
            table.setdefault(alias, replacement)
    return table


def _multiples(node: Node, stand_in: Node) -> Iterator[tuple[Node, Node]]:
    """Multiples and powers of a node, as products divide and negate it, in terms of its name."""
    if isinstance(node, Add) and node.terms:
        content, rest = primitive(node)
        yield rest, scaled(exact(1 / Fraction(content)), stand_in)
        yield scaled(-1, rest), scaled(exact(-1 / Fraction(content)), stand_in)
    elif isinstance(node, Power) and as_number(node.exponent) is not None:
        for k in (-1, 2, -2, -3):
            yield power(node.base, hadamard(node.exponent, coefficient=k)), power(stand_in, k)
    elif isinstance(node, Einsum) and node.coefficient != 1 and len(node.factors) > 1:
        yield unit(node), scaled(exact(1 / Fraction(node.coefficient)), stand_in)


def program(source: Any, where: Where = None, *, infer: bool = False, wrt: Any = ()) -> Program:
    """Read a program (or one expression) from text, LaTeX or SymPy.

    `where` declares the inputs; with no declarations, or with `infer`, the shapes of undeclared names are
    inferred and listed in `.assumed`.  Of a SymPy expression the SymPy symbols in `wrt` are inputs too: one that
    SymPy has simplified away still has its shape.  Raises ParseError, UnknownNameError, ShapeError, LimitError.
    """
    if isinstance(source, Program):
        return source
    if _is_sympy(source):
        return _from_sympy(source, where, wrt if isinstance(wrt, list | tuple) else [wrt])
    if not isinstance(source, str):
        raise ParseError(f"an expression is text or a SymPy expression, not {type(source).__name__}")
    declared = declare(where, reserved=[*function_names(), *CONSTANTS])
    try:
        return _read(source, declared, infer)
    except SymgradError as error:
        raise _advised(error, source, declared, infer) from None


def _read(source: str, declared: dict[str, Declaration], infer: bool) -> Program:
    """A program from text or LaTeX, its shapes inferred where nothing is declared."""
    lines = _latex_lines(source, declared) if is_latex(source) and header(source) is None else read_lines(source)
    lines, notes = _resolved(lines, declared)
    _check_names(source, lines, declared)
    inferred: dict[str, Declaration] = {}
    if infer or not declared:
        inferred = infer_declarations(lines, declared, source)
    return Program(source, lines, {**declared, **inferred}, tuple(inferred), tuple(notes), declared)


def _advised(error: SymgradError, source: str, declared: Mapping[str, Declaration], infer: bool) -> SymgradError:
    """The error with what to write instead, where the text is a formula in another spelling."""
    from symgrad.notation.advice import advised

    def fits(text: str) -> bool:
        try:
            _read(text, dict(declared), infer)._lowered(())
        except SymgradError:
            return False
        return True

    return advised(error, source, declared, fits)


def _latex_lines(source: str, declared: Mapping[str, Declaration]) -> tuple[Assignment, ...]:
    from symgrad.notation.latex_reader import parse_latex_program

    letters = letters_of(s for d in declared.values() for s in (d.rows, d.columns))
    kinds = {**dict.fromkeys(letters, "scalar"), **{name: d.kind for name, d in declared.items()}}
    return parse_latex_program(source, {*declared, *letters}, kinds)


def _resolved(
    lines: tuple[Assignment, ...], declared: Mapping[str, Declaration]
) -> tuple[tuple[Assignment, ...], list[str]]:
    """`Ax` read as A*x where A and x are declared and Ax is not."""
    known = {*declared, *(line.name for line in lines if line.name)}
    if not declared or all(n in known for line in lines for n in names(line.value)):
        return lines, []
    notes: list[str] = []
    resolved = []
    for line in lines:
        tree, said = resolve_juxtaposition(line.value, known, set(function_names()))
        resolved.append(Assignment(line.name, tree, line.span))
        notes += said
    return tuple(resolved), notes


def _check_names(source: str, lines: tuple[Assignment, ...], declared: Mapping[str, Declaration]) -> None:
    """A name of the program is not a function, a constant or an input as well."""
    known = {*declared, *(line.name for line in lines if line.name)}
    functions = set(function_names())
    numbers = {*CONSTANTS, *letters_of(s for d in declared.values() for s in (d.rows, d.columns))}
    for line in lines:
        check_calls(source, line.value, known, functions, numbers)
        if line.name in declared:
            raise ParseError(f"{line.name} is declared and assigned", text=source, span=line.span, hint="another name")
        if line.name in CONSTANTS or line.name in functions:
            raise ParseError(
                f"{line.name} is a function or constant and can't be assigned", text=source, span=line.span
            )


def echoes(program: Program) -> list[str]:
    """What a reader might take otherwise, such as the norm of a matrix."""
    said = []
    for line in program.lines:
        for part in postorder(line.value):
            entry = find(part.op) if isinstance(part, Call) and len(part.args) == 1 else None
            if entry is not None and entry.of_matrix and lower(part.args[0], program.scope, program.text).is_matrix:
                said.append(f"{tree_text(part)} is {entry.of_matrix}")
    return list(dict.fromkeys(said))


def _is_sympy(source: Any) -> bool:
    sympy = sys.modules.get("sympy")
    return sympy is not None and isinstance(source, sympy.Basic | sympy.MatrixBase)


def _from_sympy(source: Any, where: Where, wrt: Sequence[Any]) -> Program:
    from symgrad.notation.sympy_door import to_tree

    tree, found = to_tree(source)
    for variable in wrt:
        if _is_sympy(variable) and getattr(variable, "name", None) and variable.name not in found:
            found = {**to_tree(variable)[1], **found}
    declared = {**found, **declare(where)}
    from symgrad.notation.infer import dimension_names

    line, told = Assignment(None, tree), letters_of(s for d in declared.values() for s in (d.rows, d.columns))
    letters = tuple(a for a in dimension_names([line]) if a not in told)
    return Program(tree_text(tree), (line,), declared, (), (), declared, letters)


def _excerpt(text: str, limit: int = 40) -> str:
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 3] + "..."


def name_of(variable: Any) -> str:
    """The name of a variable given as text or as a SymPy symbol; `x₁` is x1.  Raises UnknownNameError."""
    if isinstance(variable, str):
        if not variable.strip():
            raise UnknownNameError("no variable is given to differentiate by", hint="wrt='x'")
        typed = variable.strip()
        return typed if typed.isascii() or not is_name(typed) else plain_name(typed, 0, len(typed))
    name = getattr(variable, "name", None)
    if name is None:
        raise UnknownNameError(
            f"one differentiates by a name, not by {variable}",
            hint=did_you_mean(str(variable), []) or "name it in a program first",
        )
    return str(name)
