"""The compiler's door: a graph as a NumPy function, to call and to read.

`compile_numpy` plans the operations, lays them out as Python text and makes the function of it.  The
text stands alone: imports, a docstring, the statements.  Arrays come in as people hold them (a scalar
has no axis, a column one, a row is 1 x n) and leave in the form that `OutputForm` says.

>>> from symgrad.tensor.build import einsum
>>> from symgrad.tensor.dims import letter
>>> n = letter("n")
>>> A, x = Input.make("A", (n, n)), Input.make("x", (n,))
>>> f = compile_numpy(einsum([(A, "ij"), (x, "j")], "i"), [Argument("A", (n, n)), Argument("x", (n,), "column")])
>>> print(f.source)
import numpy as np
<BLANKLINE>
<BLANKLINE>
def derivative(A, x):
    return A @ x
<BLANKLINE>
>>> f(A=[[1, 2], [3, 4]], x=[1, 1])
array([3., 7.])
"""

from __future__ import annotations

import linecache
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Literal, cast

import numpy as np

from symgrad.errors import DomainError, ShapeError, UnknownNameError, did_you_mean
from symgrad.numeric.evaluate import VALID, bind_sizes
from symgrad.numeric.layout import Layout, reachable
from symgrad.numeric.names import Names
from symgrad.numeric.plan import Planner
from symgrad.numeric.steps import Step, Steps
from symgrad.numeric.value import dense
from symgrad.operations.record import Elementwise
from symgrad.tensor.build import permuted
from symgrad.tensor.dims import Dim, Shape, Size, letters_of, size_at, times
from symgrad.tensor.nodes import Input, Map, Node, Shift, walk

Kind = Literal["scalar", "column", "row", "matrix", "flat", "stack"]
SCIPY = ("linalg", "signal", "special")  # the modules that templates name
_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Argument:
    """An input of the function: `shape` are the node's axes; a row has one, but arrives as (1, n).

    What an operator is applied to arrives `flat`, a vector, or as a `stack`, a matrix of columns.
    """

    name: str
    shape: Shape
    kind: Kind = "matrix"

    @staticmethod
    def declared(name: str, rows: Size, columns: Size) -> Argument:
        """The argument of a declaration with so many rows and columns."""
        kind: Kind = ("scalar" if rows == 1 else "column") if columns == 1 else "row" if rows == 1 else "matrix"
        return Argument(name, tuple(s for s in (rows, columns) if s != 1), kind)

    @property
    def arrives(self) -> Shape:
        """The shape of the array."""
        if self.kind == "flat":
            return (times(*self.shape),)
        if self.kind == "stack":
            return (times(*self.shape[:-1]), self.shape[-1])
        return (1, *self.shape) if self.kind == "row" else self.shape


@dataclass(frozen=True, slots=True)
class OutputForm:
    """How the result's axes are arranged: permuted, then grouped into final axes.

    Axis i of the permuted result is axis `axes[i]`.  `groups` splits the permuted axes, in order, into
    final axes; an empty group is an axis of length 1.
    """

    axes: tuple[int, ...]
    groups: tuple[tuple[int, ...], ...]

    @staticmethod
    def matrix(rows: Sequence[int], columns: Sequence[int]) -> OutputForm:
        """Two final axes, each reading some axes of the result, the slowest first."""
        split, rank = len(rows), len(rows) + len(columns)
        return OutputForm((*rows, *columns), (tuple(range(split)), tuple(range(split, rank))))


Result = tuple[Node, OutputForm | None]


@dataclass(frozen=True, slots=True)
class Compiled:
    """A NumPy function and its text; call it with arrays by the user's names."""

    source: str
    arguments: tuple[Argument, ...]
    free: tuple[str, ...]  # dimension letters that no argument has, given as numbers
    function: Callable[..., Any] = field(repr=False)
    lengths: tuple[Size, ...] = ()  # of axes that convolutions make

    def __call__(self, **arrays: Any) -> Any:
        """The result for these arrays; several results as a tuple."""
        try:
            result = self.function(*self.bound(arrays)[0])
        except TypeError as error:  # NumPy's word for X^k with k = 2.5
            if "exponent must be an integer" in str(error):
                raise DomainError("a power of a matrix needs a whole exponent", hint="a whole number") from None
            raise
        return tuple(map(np.asarray, result)) if isinstance(result, tuple) else np.asarray(result)

    def bound(self, arrays: dict[str, Any]) -> tuple[list[Any], dict[str, int]]:
        """The arguments in order, in one precision, and what the dimensions are.

        Raises UnknownNameError, ShapeError, DomainError naming the array at fault.
        """
        sizes = {letter: int(arrays.pop(letter)) for letter in self.free if letter in arrays}
        if len(sizes) < len(self.free):
            missing = [a for a in self.free if a not in sizes]
            raise UnknownNameError(f"the dimension {missing[0]} is needed as a number", hint=f"{missing[0]}=3")
        given = {name: np.asarray(value) for name, value in arrays.items()}
        at = bind_sizes({a.name: a.arrives for a in self.arguments}, given, sizes)
        for length in self.lengths:
            if size_at(length, at) < 1:
                raise ShapeError(f"the dimension {length} would be {size_at(length, at)}", hint=VALID)
        dtype = common_dtype(given)
        return [*(given[a.name].astype(dtype, copy=False) for a in self.arguments), *sizes.values()], at


def common_dtype(arrays: Mapping[str, Any]) -> Any:
    """The precision to compute in: float32 where every array is, float64 for integers; numbers adapt."""
    for name, array in arrays.items():
        if array.dtype.kind not in "fiub":
            raise DomainError(f"{name} is of type {array.dtype}, but real numbers are wanted")
    floats = [a.dtype for a in arrays.values() if a.ndim] or [a.dtype for a in arrays.values()]
    return np.result_type(*floats, np.float16 if any(d.kind == "f" for d in floats) else np.float64)


def compile_numpy(
    result: Node,
    arguments: Sequence[Argument],
    *,
    named: Sequence[tuple[str, Node]] = (),
    output: OutputForm | None = None,
    function_name: str = "derivative",
    doc: str = "",
) -> Compiled:
    """The result as a NumPy function of the arguments; `named` intermediates keep their names."""
    return compile_results([(result, output)], arguments, named=named, function_name=function_name, doc=doc)


def compile_results(
    results: Sequence[Result],
    arguments: Sequence[Argument],
    *,
    named: Sequence[tuple[str, Node]] = (),
    function_name: str = "derivative",
    doc: str = "",
) -> Compiled:
    """One function of several results, which share what they have in common; one result comes alone."""
    nodes = [node for node, _ in results]
    called = user_functions(*nodes)
    program = FunctionText(arguments, function_name, called)
    source = program.text(program.plan(results, named), function_name, doc)
    function = function_of(source, function_name, called)
    return Compiled(source, tuple(arguments), tuple(program.free), function, convolved_lengths(*nodes))


def convolved_lengths(*nodes: Node) -> tuple[Size, ...]:
    """The dimensions that convolutions make, which have to be positive."""
    return tuple(dict.fromkeys(s for n in walk(*nodes) if isinstance(n, Shift) for s in n.shape if isinstance(s, Dim)))


def user_functions(*results: Node) -> dict[str, Callable[..., Any]]:
    """The user's own NumPy functions, which generated text calls by their names."""
    ops = {n.op for n in walk(*results) if isinstance(n, Map)}
    return {op.name: cast(Elementwise, op).value for op in ops if cast(Elementwise, op).code.startswith(f"{op.name}(")}


def function_of(source: str, name: str, called: Mapping[str, Callable[..., Any]]) -> Callable[..., Any]:
    """The function that generated text defines; tracebacks find its lines."""
    file = f"<symgrad {next(_numbers)}>"
    namespace: dict[str, Any] = {name: _by_name(function) for name, function in called.items()}
    exec(compile(source, file, "exec"), namespace)  # text made here of checked names, never a user's
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    found: Callable[..., Any] = namespace[name]
    return found


def _by_name(function: Callable[..., Any]) -> Callable[..., Any]:
    """A user's function for arrays with any number of axes; scalars stay scalars."""
    return lambda *arrays: np.asarray(function(*arrays))[()]


class FunctionText:
    """One function being written: its arguments, dimensions and intermediates."""

    def __init__(self, arguments: Sequence[Argument], function_name: str, called: Collection[str] = ()):
        self.steps, self.names = Steps(), Names()
        self.arguments = list(arguments)
        self.names.taken |= {function_name, *called}
        self.words = {a.name: self.names.claim(a.name) for a in arguments}
        self.letters: dict[str, str] = {}  # letter -> its name
        self.free: dict[str, str] = {}
        self.kept: dict[Step, str] = {}

    # --- planning --------------------------------------------------------------------------

    def plan(self, results: Sequence[Result], named: Iterable[tuple[str, Node]] = ()) -> list[Step]:
        """The steps of the results, in the order of the results."""
        nodes = [permuted(node, output.axes) if output else node for node, output in results]
        inside = set(walk(*nodes))
        wanted = [(name, n) for name, n in named if n in inside and n.args]
        planner = Planner(self.steps, self._leaf, self.size, [n for _, n in wanted])
        planner.plan(*nodes)
        found = [dense(self.steps, planner.value(node), node.shape, self.size) for node in nodes]
        for name, n in wanted:
            intermediate = planner.whole_step(n)
            if not intermediate.cheap and intermediate not in self.kept:
                self.kept[intermediate] = self.names.claim(name)
        forms = [output for _, output in results]
        return [self._finished(s, node.shape, form) for s, node, form in zip(found, nodes, forms, strict=True)]

    def _finished(self, step: Step, shape: Shape, output: OutputForm | None) -> Step:
        """The result as an array of its own, its axes grouped."""
        step = self.steps.numeric(step)
        if not step.rank and step.weak:
            return (
                self.steps.make("float({0})", [step])
                if step.value is None
                else self.steps.leaf(repr(float(step.value)), 0)
            )
        if output and any(len(g) > 1 for g in output.groups):
            step = self.steps.reshaped(step, [self.size(times(*(shape[i] for i in g))) for g in output.groups])
        elif output and not all(output.groups):
            if not step.rank:
                return self.steps.filled(step, [self.size(1)] * len(output.groups))
            step = self.steps.indexed(step, [":" if g else "None" for g in output.groups], len(output.groups))
        return self.steps.copied(step) if step.rank and not step.fresh else step

    def _leaf(self, node: Input) -> Step:
        argument = next((a for a in self.arguments if a.name == node.name), None)
        if argument is None:
            raise UnknownNameError(f"{node.name} is not an argument", hint=did_you_mean(node.name, self.words))
        if argument.kind in ("flat", "stack"):
            return self._unflattened(argument)
        leaf = self.leaf_of(argument)
        return self.steps.indexed(leaf, ["0"], 1) if argument.kind == "row" else leaf

    def leaf_of(self, argument: Argument) -> Step:
        """The step that is the argument as it arrives."""
        return self.steps.leaf(self.words[argument.name], len(argument.arrives))

    def _unflattened(self, argument: Argument) -> Step:
        """A vector read as an array with several axes, or as a number."""
        leaf = self.leaf_of(argument)
        if len(argument.shape) == len(argument.arrives):
            return leaf
        if not argument.shape:
            return self.steps.indexed(leaf, ["0"], 0)
        return self.steps.reshaped(leaf, [self.size(s) for s in argument.shape])

    def size(self, size: Size) -> Step:
        """A dimension as a number: a literal, a letter, or a polynomial of letters."""
        if isinstance(size, int):
            return self.steps.number(size)
        terms = []
        for monomial, coefficient in size.terms:
            product = self.steps.number(abs(coefficient))
            for letter in monomial:
                product = self.steps.multiply(product, self._letter(letter))
            terms.append((1 if coefficient > 0 else -1, product))
        return self.steps.summed(terms)

    def _letter(self, letter: str) -> Step:
        if letter not in self.letters:
            self.letters[letter] = self.names.claim(letter)
            if not any(letter in letters_of(a.shape) for a in self.arguments):
                self.free[letter] = self.letters[letter]
        return self.steps.leaf(self.letters[letter], 0, weak=True)

    # --- writing ---------------------------------------------------------------------------

    @property
    def given(self) -> list[Argument]:
        """The arguments of the function itself, not of functions within it."""
        return [a for a in self.arguments if a.kind not in ("flat", "stack")]

    def text(self, roots: Sequence[Step], function_name: str, doc: str) -> str:
        body, last = Layout(self.kept, self.names).lines(*roots)
        return self.whole(roots, function_name, doc, [*body, f"return {last}"])

    def whole(self, roots: Sequence[Step], function_name: str, doc: str, body: Sequence[str]) -> str:
        """The module: imports, the function's head and docstring, what dimensions are, the body."""
        used = {s.form for s in reachable(*roots)}
        lines = [*self._dimension_lines(used), *self._dtype_lines(used), *body]
        imports = ["import numpy as np"] if any("np." in line for line in lines) or len(lines) == 1 else []
        imports += [f"from scipy import {m}" for m in SCIPY if any(_uses(m, line) for line in lines)]
        parameters = ", ".join([*(self.words[a.name] for a in self.given), *self.free.values()])
        head = [*(imports or ["import numpy as np"]), "", "", f"def {function_name}({parameters}):"]
        statements = [*_docstring(doc), *lines]
        return "\n".join([*head, *(f"    {s}" if s else "" for s in statements)]) + "\n"

    def _dtype_lines(self, used: set[str]) -> list[str]:
        if self.steps.dtype.form not in used:
            return []
        arrays = ", ".join(self.words[a.name] for a in self.given)
        return [f"dtype = np.result_type({arrays}, 1.0)" if arrays else "dtype = float"]

    def _dimension_lines(self, used: set[str]) -> list[str]:
        """Letters read off the arrays: those that stand alone on an axis first."""
        known_of = set(letters_of(s for a in self.given for s in a.shape))
        wanted = [a for a, name in self.letters.items() if name in used and a in known_of]
        lines: list[str] = []
        known: set[str] = set(self.free)
        for argument in self.given:
            lines += self._axes_line(argument, wanted, known)
        while any(a not in known for a in wanted):
            lines.append(self._solved_line(wanted, known))
        return lines

    def _axes_line(self, argument: Argument, wanted: list[str], known: set[str]) -> list[str]:
        """`m, n = A.shape`, or one letter of it."""
        found = [(i, str(s)) for i, s in enumerate(argument.arrives) if str(s) in wanted and str(s) not in known]
        distinct = dict.fromkeys(a for _, a in found)
        word = self.words[argument.name]
        known.update(distinct)
        if len(distinct) == len(argument.arrives) == 2:
            return [f"{', '.join(self.letters[a] for a in distinct)} = {word}.shape"]
        places = {a: i for i, a in reversed(found)}
        return [f"{self.letters[a]} = {word}.shape[{places[a]}]" for a in distinct]

    def _solved_line(self, wanted: list[str], known: set[str]) -> str:
        """A letter that occurs only inside sizes such as n + 1 or m*n."""
        for argument in self.arguments:
            for axis, size in enumerate(argument.arrives):
                missing = [a for a in letters_of([size]) if a not in known]
                if isinstance(size, Dim) and len(missing) == 1 and all(m.count(missing[0]) < 2 for m, _ in size.terms):
                    known.add(missing[0])
                    name = self.letters.setdefault(missing[0], missing[0])
                    return f"{name} = {self._solution(size, missing[0], f'{self.words[argument.name]}.shape[{axis}]')}"
        letter = next(a for a in wanted if a not in known)
        raise UnknownNameError(
            f"the dimension {letter} cannot be read off the arguments", hint="an argument with that axis"
        )

    def _solution(self, size: Dim, letter: str, length: str) -> str:
        def written(monomial: Iterable[str], coefficient: int) -> str:
            return (
                " * ".join([*([str(coefficient)] if coefficient != 1 else []), *(self.letters[a] for a in monomial)])
                or "1"
            )

        slope = [written([a for a in m if a != letter], c) for m, c in size.terms if letter in m]
        rest = [written(m, c) for m, c in size.terms if letter not in m]
        above = length if not rest else f"({length} - ({' + '.join(rest)}))"
        return above if slope == ["1"] else f"{above} // ({' + '.join(slope)})"


def _uses(module: str, line: str) -> bool:
    return re.search(rf"(?<![\w.]){module}\.", line) is not None


def _docstring(doc: str) -> list[str]:
    """The caller's text as a docstring, whatever it contains."""
    if not doc.strip():
        return []
    lines = doc.strip().replace("\\", "\\\\").replace('"""', "'''").splitlines()
    if len(lines) == 1 and not lines[0].endswith('"'):
        return [f'"""{lines[0]}"""']
    return [f'"""{lines[0]}', *lines[1:], '"""']
