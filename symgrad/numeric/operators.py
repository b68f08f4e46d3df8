"""Jacobians as linear operators: products with vectors, never a dense array unless asked.

The product J v is the graph of J with v as one more factor, so that the compiler chooses an order in which
J itself never occurs: a diagonal scales, a Kronecker product is two matrix products, a rank one term an
inner product.  What does not depend on v is computed once, when the operator is made.  This room knows
graphs and arrays, nothing of layouts: which axes are rows and columns is given.

>>> from symgrad.tensor.build import einsum
>>> from symgrad.tensor.nodes import Delta
>>> x = Input.make("x", (letter("n"),))
>>> mask = einsum([(x, "i"), (Delta.make(letter("n")), "ij")], "ij")
>>> made = OperatorCode(mask, (0,), (1,), [Argument("x", x.shape, "column")])
>>> J = made(x=np.array([2.0, 0.0, 3.0]))
>>> J.structure, J.shape, J @ np.ones(3)
('diagonal', (3, 3), array([2., 0., 3.]))
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cached_property
from math import prod
from typing import Any, Self

import numpy as np
from scipy.sparse.linalg import LinearOperator

from symgrad.errors import LimitError
from symgrad.numeric.backends import function_of
from symgrad.numeric.code import Compiled, compile_numpy, user_functions
from symgrad.numeric.function_text import Argument, FunctionText, OutputForm
from symgrad.numeric.layout import Layout, reachable
from symgrad.numeric.stable import stable
from symgrad.numeric.structure import applied, needed, structure
from symgrad.tensor.build import is_zero
from symgrad.tensor.dims import Shape, Size, letter, size_at
from symgrad.tensor.nodes import Input, Node
from symgrad.tensor.windows import lengths as lengths_needed

MOST_ENTRIES = 2**27  # of an array that is made dense: one gibibyte of float64
RESULT_TYPE = re.compile(
    r"np\.result_type\((\w+)(?:, \w+)*, 1\.0\)"
)  # arrays arrive in one precision: that of the first
BATCH = "columns_of_the_stack"  # the dimension letter of a stack of vectors


class Operator(LinearOperator):
    """A matrix known by its products with vectors; `structure` says in words what it is."""

    def __new__(cls, *given: Any) -> Self:
        return object.__new__(cls)  # LinearOperator's own looks for methods that are here

    def __init__(self, code: OperatorCode, positional: list[Any], shape: tuple[int, int]):
        self._code, self._arrays = code, positional
        self.shape = shape  # what LinearOperator's own __init__ sets, without its checks
        self.dtype = positional[0].dtype if code.arguments else np.dtype(float)
        if code.is_zero:
            self._times, self._adjoint_times = self._zeros(0), self._zeros(1)
        else:
            self._times, self._adjoint_times = code.products.run(code.products.function, positional)

    def _zeros(self, side: int) -> Callable[[Any], Any]:
        return lambda x: np.zeros(self.shape[side], self.dtype)

    @property
    def structure(self) -> str:
        """The structure in words: "diagonal", "Kronecker", "diagonal plus rank one", ..."""
        return self._code.structure

    def __repr__(self) -> str:
        return f"<{self.shape[0]} x {self.shape[1]} operator, {self.structure}, {self.dtype}>"

    def __matmul__(self, x: Any) -> Any:
        if type(x) is np.ndarray and x.ndim == 1 and len(x) == self.shape[1]:
            return self._times(x)
        return super().__matmul__(x)

    def matvec(self, x: Any) -> Any:
        """J v for a vector (or a matrix with one column)."""
        if type(x) is np.ndarray and x.ndim == 1 and len(x) == self.shape[1]:
            return self._times(x)
        return super().matvec(x)

    def rmatvec(self, x: Any) -> Any:
        """J' u for a vector (or a matrix with one column)."""
        if type(x) is np.ndarray and x.ndim == 1 and len(x) == self.shape[0]:
            return self._adjoint_times(x)
        return super().rmatvec(x)

    def _matvec(self, x: Any) -> Any:
        return self._times(np.asarray(x).reshape(-1))

    def _rmatvec(self, x: Any) -> Any:
        return self._adjoint_times(np.asarray(x).reshape(-1))

    def _matmat(self, X: Any) -> Any:
        if self._code.is_zero:
            return np.zeros((self.shape[0], X.shape[1]), self.dtype)
        return self._stacked[0](np.asarray(X))

    def _rmatmat(self, X: Any) -> Any:
        if self._code.is_zero:
            return np.zeros((self.shape[1], X.shape[1]), self.dtype)
        return self._stacked[1](np.asarray(X))

    @cached_property
    def _stacked(self) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
        found: tuple[Callable[[Any], Any], Callable[[Any], Any]] = self._code.stacked_products.function(*self._arrays)
        return found

    def todense(self) -> np.ndarray:
        """The whole matrix as an array.  Raises LimitError where it would be larger than a gibibyte."""
        if prod(self.shape) > MOST_ENTRIES:
            size = f"{self.shape[0]} x {self.shape[1]}"
            raise LimitError(f"the dense matrix would be {size}", hint="J @ v and J.rmatvec(u) need no dense matrix")
        return np.asarray(self._code.dense.function(*self._arrays)).reshape(self.shape)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self.todense(), dtype=dtype)


class OperatorCode:
    """A tensor whose axes are rows and columns (the slowest first), ready to be bound to arrays."""

    def __init__(
        self,
        node: Node,
        rows: Sequence[int],
        columns: Sequence[int],
        arguments: Sequence[Argument],
        named: Sequence[tuple[str, Node]] = (),
        doc: str = "",
    ):
        self.node, self.rows, self.columns = stable(node), tuple(rows), tuple(columns)
        self.arguments, self.named, self.doc = tuple(arguments), tuple(named), doc
        self.shapes: dict[tuple[int, ...], tuple[int, int]] = {}  # by what the dimensions are

    def __call__(self, **arrays: Any) -> Operator:
        """The operator at these arrays.  Raises ShapeError, UnknownNameError, LimitError."""
        return self.at(arrays)

    def at(self, arrays: dict[str, Any]) -> Operator:
        """The same for arrays by name."""
        positional, at = self.products.bound(arrays)
        sizes = tuple(at.values())
        shape = self.shapes.get(sizes)
        if shape is None:
            self._check_size(at)
            shape = self.shapes[sizes] = _length(self.row_shape, at), _length(self.column_shape, at)
        return Operator(self, positional, shape)

    def _check_size(self, at: dict[str, int]) -> None:
        """Raises LimitError where products would need a dense array that is too large."""
        for node in self._needed:
            if _length(node.shape, at) > MOST_ENTRIES:
                size = " x ".join(str(size_at(s, at)) for s in node.shape)
                raise LimitError(f"this derivative has no structure: it needs a dense array {size}")

    @cached_property
    def _needed(self) -> list[Node]:
        return needed(self.node)

    @property
    def is_zero(self) -> bool:
        return is_zero(self.node)

    @property
    def row_shape(self) -> Shape:
        return tuple(self.node.shape[r] for r in self.rows)

    @property
    def column_shape(self) -> Shape:
        return tuple(self.node.shape[c] for c in self.columns)

    @cached_property
    def structure(self) -> str:
        return structure(self.node, self.rows, self.columns)

    @cached_property
    def products(self) -> Compiled:
        """arrays -> (v -> J v, u -> J' u)."""
        return self._compiled(0)

    @cached_property
    def stacked_products(self) -> Compiled:
        """arrays -> the products with matrices, column by column."""
        return self._compiled(1)

    @cached_property
    def dense(self) -> Compiled:
        """The matrix as an array."""
        return compile_numpy(self.node, self.arguments, output=OutputForm.matrix(self.rows, self.columns))

    def _compiled(self, batch: int) -> Compiled:
        more: Shape = (letter(BATCH),) * batch
        taken = {a.name for a in self.arguments}
        words = [_free(w, taken) for w in ("VU" if batch else "vu")]
        shapes = [(*self.column_shape, *more), (*self.row_shape, *more)]
        given = [Argument(w, s, "stack" if batch else "flat") for w, s in zip(words, shapes, strict=True)]
        forward = applied(self.node, Input.make(words[0], shapes[0]), self.columns, self.rows, batch)
        backward = applied(self.node, Input.make(words[1], shapes[1]), self.rows, self.columns, batch)
        called = user_functions(self.node)
        text = FunctionText([*self.arguments, *given], "operator", called)
        text.steps.prepares = True
        names = ["matmat", "rmatmat"] if batch else ["matvec", "rmatvec"]
        functions = {names[0]: (given[0], forward), names[1]: (given[1], backward)}
        source = _source(text, self.named, functions, self.doc)
        function = function_of(RESULT_TYPE.sub(r"\1.dtype", source), "operator", called)
        return Compiled(source, self.arguments, tuple(text.free), function, lengths_needed(self.node))


def _source(
    text: FunctionText, named: Sequence[tuple[str, Node]], functions: dict[str, tuple[Argument, Node]], doc: str
) -> str:
    """The function that prepares, with the functions that multiply inside."""
    words = [text.names.claim(name) for name in functions]
    pairs = []
    for argument, node in functions.values():
        batch = argument.kind == "stack"
        root = text.plan([(node, _flattened(node.rank, batch))], named)[0]
        leaf = text.leaf_of(argument)
        pairs.append((leaf, root))
    before, bodies = Layout(text.kept, text.names).closures(pairs)
    lines = [*before, ""] if before or text.letters or text.steps.dtype in reachable(*(r for _, r in pairs)) else []
    for word, (argument, _), (body, last) in zip(words, functions.values(), bodies, strict=True):
        lines.append(f"def {word}({text.words[argument.name]}):")
        lines += [f"    {line}" for line in (*_count_line(text, argument), *body, f"return {last}")]
        lines.append("")
    return text.whole([root for _, root in pairs], "operator", doc, [*lines, f"return {', '.join(words)}"])


def _count_line(text: FunctionText, argument: Argument) -> list[str]:
    """How many columns a stack has, where that is asked."""
    return [f"{text.letters[BATCH]} = {text.words[argument.name]}.shape[1]"] if BATCH in text.letters else []


def _flattened(rank: int, batch: bool) -> OutputForm:
    axes = tuple(range(rank))
    return OutputForm(axes, (axes[:-1], axes[-1:]) if batch else (axes,))


def _free(word: str, taken: set[str]) -> str:
    while word in taken:
        word += "_"
    return word


def _length(shape: Sequence[Size], at: dict[str, int]) -> int:
    return prod(size_at(s, at) for s in shape)
