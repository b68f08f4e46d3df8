"""One function being written: its arguments, dimensions and intermediates, and the text of the whole.

Arrays come in as people hold them (a scalar has no axis, a column one, a row is 1 x n) and leave in the
form that `OutputForm` says.  Names come from `names`, steps from `plan`, lines from `layout`; here they
become a module: imports, a head, a docstring, what the dimensions are, and the statements.

>>> text = FunctionText([Argument("x", (3,), "column")], "twice")
>>> x = text.leaf_of(text.arguments[0])
>>> print(text.text([text.steps.multiply(text.steps.number(2), x)], "twice", ""))
import numpy as np
<BLANKLINE>
<BLANKLINE>
def twice(x):
    return 2 * x
<BLANKLINE>
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from symgrad.errors import UnknownNameError, did_you_mean
from symgrad.numeric.backends import Backend
from symgrad.numeric.evaluate import solvable
from symgrad.numeric.fast import FastLayout, fast_function
from symgrad.numeric.flops import flops
from symgrad.numeric.layout import Layout, reachable
from symgrad.numeric.names import Names
from symgrad.numeric.plan import Planner
from symgrad.numeric.steps import Step, Steps
from symgrad.numeric.value import dense
from symgrad.tensor.build import permuted
from symgrad.tensor.dims import Dim, Shape, Size, letters_of, times
from symgrad.tensor.nodes import Input, Node, walk

Kind = Literal["scalar", "column", "row", "matrix", "flat", "stack"]
SCIPY = ("linalg", "signal", "special")  # the modules that templates name
SPD_INVERSE = (
    "",
    "def spd_inverse(factor):",
    '    """The inverse of a positive definite matrix from its Cholesky factor."""',
    '    (potri,) = linalg.get_lapack_funcs(("potri",), (factor[0],))',
    "    half = np.triu(potri(factor[0], lower=factor[1])[0])",
    "    return half + np.triu(half, 1).T",
)


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
Doc = str | Callable[[], str]  # a docstring, or what makes it when the text is wanted


class FunctionText:
    """One function being written: its arguments, dimensions and intermediates."""

    def __init__(
        self, arguments: Sequence[Argument], function_name: str, called: Mapping[str, Callable[..., Any]] | None = None
    ):
        self.steps, self.names = Steps(), Names()
        self.function_name, self.called = function_name, called or {}
        self.arguments = list(arguments)
        self.names.taken |= {function_name, *self.called}
        self.words = {a.name: self.names.claim(a.name) for a in arguments}
        self.letters: dict[str, str] = {}  # letter -> its name
        self.free: dict[str, str] = {}
        self.kept: dict[Step, str] = {}
        self.depends = False  # whether other sizes might make another program
        self.sides: Sequence[Node] = ()  # products that are computed as such
        self.roots: list[Step] = []  # the results, once they are planned
        self.doc: Doc = ""

    # --- planning --------------------------------------------------------------------------

    def plan(
        self,
        results: Sequence[Result],
        named: Iterable[tuple[str, Node]] = (),
        at: Mapping[str, int] | None = None,
    ) -> list[Step]:
        """The steps of the results, in the order of the results; `at` tells costs what the dimensions are."""
        nodes = [permuted(node, output.axes) if output else node for node, output in results]
        planner = self.planned(nodes, named, at)
        found = [dense(self.steps, planner.value(node), node.shape, self.size) for node in nodes]
        forms = [output for _, output in results]
        return [self.finished(s, node.shape, form) for s, node, form in zip(found, nodes, forms, strict=True)]

    def planned(
        self, nodes: Sequence[Node], named: Iterable[tuple[str, Node]], at: Mapping[str, int] | None
    ) -> Planner:
        """The values of nodes and of all they are made of; intermediates that occur keep their names."""
        inside = set(walk(*nodes))
        wanted = [(name, n) for name, n in named if n in inside and n.args]
        planner = Planner(self.steps, self._leaf, self.size, [*(n for _, n in wanted), *self.sides], at)
        planner.plan(*nodes)
        self.depends |= planner.depends
        for name, n in wanted:
            intermediate = planner.whole_step(n)
            if not intermediate.cheap and intermediate not in self.kept:
                self.kept[intermediate] = self.names.claim(name)
        return planner

    def finished(self, step: Step, shape: Shape, output: OutputForm | None) -> Step:
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
            if letter not in solvable(a.shape for a in self.arguments):
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

    @cached_property
    def whole_text(self) -> str:
        """The module of the results that are planned."""
        doc = self.doc if isinstance(self.doc, str) else self.doc()
        count = self.flops() if doc else ""
        return self.text(self.roots, self.function_name, f"{doc}\n\nflops: {count}" if count else doc)

    def flops(self) -> str:
        """The number of operations as a formula; empty where it is not known."""
        arrays = {self.leaf_of(a): a.arrives for a in self.arguments}
        letters = {self.steps.leaf(word, 0): a for a, word in self.letters.items()}
        return flops(self.roots, arrays, letters)

    def plain(self, backend: Backend) -> Callable[..., Any]:
        """The function that the text says, in the words of a library."""
        return backend.function(backend.translated(self.whole_text, self.called), self.function_name, self.called)

    def fast(self, letters: Sequence[str], dtype: str, into: bool = False) -> Callable[..., Any]:
        """The same as a function of all arguments and these dimensions, for arrays of this precision.

        With `into` there is one argument more, an array of the result's shape that the result is made in.
        """
        leaves = {self.leaf_of(a): f"_a{i}" for i, a in enumerate(self.arguments)}
        known = [(f"_n{i}", self.letters[a]) for i, a in enumerate(letters) if a in self.letters]
        leaves |= {self.steps.leaf(word, 0): name for name, word in known}
        layout = FastLayout(leaves, dtype, tuple(self.called))
        given = [f"_a{i}" for i in range(len(self.arguments))] + [f"_n{i}" for i in range(len(letters))]
        text = layout.function(self.roots, given)
        if into:
            head = layout.head(self.roots[0])
            layout = FastLayout(leaves, dtype, tuple(self.called))
            text = layout.function(self.roots, [*given, "_out"], head)
            if head is None:
                before, _, result = text.rpartition("    return ")
                text = f"{before}    _out[...] = {result}\n    return _out"
        return fast_function(text, layout.constants, dtype, self.called)

    def whole(self, roots: Sequence[Step], function_name: str, doc: str, body: Sequence[str]) -> str:
        """The module: imports, the function's head and docstring, what dimensions are, the body."""
        used = {s.form for s in reachable(*roots)}
        lines = [*self._dimension_lines(used), *self._dtype_lines(used), *body]
        imports = ["import numpy as np"] if any("np." in line for line in lines) or len(lines) == 1 else []
        imports += [f"from scipy import {m}" for m in SCIPY if any(_uses(m, line) for line in lines)]
        parameters = ", ".join([*(self.words[a.name] for a in self.given), *self.free.values()])
        imports = imports or ["import numpy as np"]
        if any("spd_inverse(" in line for line in lines):
            imports = ["import numpy as np", "from scipy import linalg", "", *SPD_INVERSE]
        head = [*imports, "", "", f"def {function_name}({parameters}):"]
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
