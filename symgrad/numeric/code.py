"""The compiler's door: a graph as a NumPy function, to call and to read.

`compile_numpy` plans the operations, lays them out as Python text and makes the function of it.  The
text stands alone: imports, a docstring, the statements.  Arrays come in as people hold them (a scalar
has no axis, a column one, a row is 1 x n) and leave in the form that `OutputForm` says.

>>> from symgrad.tensor.build import einsum
>>> from symgrad.numeric.function_text import Argument
>>> from symgrad.tensor.dims import letter
>>> from symgrad.tensor.nodes import Input
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

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np

from symgrad.errors import DomainError, ShapeError, UnknownNameError
from symgrad.numeric.backends import NUMPY, Backend, find_backend
from symgrad.numeric.evaluate import VALID, bind_sizes
from symgrad.numeric.function_text import Argument, FunctionText, OutputForm, Result
from symgrad.numeric.quick import door
from symgrad.numeric.stable import stable
from symgrad.operations.record import Elementwise
from symgrad.tensor.dims import Dim, Size, size_at
from symgrad.tensor.nodes import Map, Node, Shift, walk

MOST_SEEN = 64  # shapes of arguments that are remembered
MOST_VARIANTS = 16  # programs for arrays of other sizes


@dataclass(frozen=True, slots=True)
class Compiled:
    """A NumPy function and its text; call it with arrays by the user's names."""

    source: str
    arguments: tuple[Argument, ...]
    free: tuple[str, ...]  # dimension letters that no argument has, given as numbers
    function: Callable[..., Any] = field(repr=False)
    lengths: tuple[Size, ...] = ()  # of axes that convolutions make
    backend: Backend = NUMPY
    sized: Callable[[dict[str, int]], Callable[..., Any]] | None = field(default=None, repr=False)
    variants: dict[Any, Callable[..., Any]] = field(default_factory=dict, repr=False, compare=False)
    seen: dict[Any, tuple[Callable[..., Any], dict[str, int]]] = field(default_factory=dict, repr=False, compare=False)
    call: Callable[[dict[str, Any]], Any] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        names = [a.name for a in self.arguments]
        object.__setattr__(self, "call", door(names, self.seen, self._called))

    def __call__(self, **arrays: Any) -> Any:
        """The result for these arrays; several results as a tuple."""
        return self.call(arrays)

    def _called(self, arrays: dict[str, Any]) -> Any:
        """The result where arrays are not known to fit, or where it is no single array."""
        positional, at = self.bound(arrays)
        return self.backend.result(self.run(self._variant(at), positional), positional[: len(self.arguments)])

    def run(self, function: Callable[..., Any], positional: Sequence[Any]) -> Any:
        """What a function of this program returns.  Raises DomainError for what linear algebra refuses."""
        try:
            return function(*positional)
        except TypeError as error:  # NumPy's word for X^k with k = 2.5
            if "exponent must be an integer" in str(error):
                raise DomainError("a power of a matrix needs a whole exponent", hint="a whole number") from None
            raise
        except np.linalg.LinAlgError as error:
            raise DomainError(f"no result at these arrays: {str(error).lower()}", hint=self._hint()) from None

    def _variant(self, at: dict[str, int]) -> Callable[..., Any]:
        """The function for arrays of about these sizes."""
        if self.sized is None:
            return self.function
        about = tuple([size.bit_length() for size in at.values()])
        if about not in self.variants:
            if len(self.variants) >= MOST_VARIANTS:
                return self.function
            self.variants[about] = self.sized(at)
        return self.variants[about]

    def _hint(self) -> str | None:
        return "a matrix declared spd has to be positive definite" if "cho_factor" in self.source else None

    def bound(self, arrays: dict[str, Any]) -> tuple[list[Any], dict[str, int]]:
        """The arguments in order, in one precision, and what the dimensions are.

        Raises UnknownNameError, ShapeError, DomainError naming the array at fault.
        """
        known = self._known(arrays)
        if known is not None:
            return known
        given = dict(arrays)
        sizes = {letter: int(given.pop(letter)) for letter in self.free if letter in given}
        if len(sizes) < len(self.free):
            missing = [a for a in self.free if a not in sizes]
            raise UnknownNameError(f"the dimension {missing[0]} is needed as a number", hint=f"{missing[0]}=3")
        given = {name: self.backend.array(value) for name, value in given.items()}
        at = bind_sizes({a.name: a.arrives for a in self.arguments}, given, sizes)
        for length in self.lengths:
            if size_at(length, at) < 1:
                raise ShapeError(f"the dimension {length} would be {size_at(length, at)}", hint=VALID)
        cast = self.backend.cast(given)
        positional = [*(cast[a.name] for a in self.arguments), *sizes.values()]
        self._remember(arrays, at)
        return positional, at

    def _known(self, arrays: dict[str, Any]) -> tuple[list[Any], dict[str, int]] | None:
        """The answer for arrays of shapes and types that have been seen, without asking again."""
        try:
            given = [arrays[a.name] for a in self.arguments]
            at = self.seen[_signature(given)][1]
        except (KeyError, AttributeError):
            return None
        return (given, at) if len(given) == len(arrays) else None

    def _remember(self, arrays: dict[str, Any], at: dict[str, int]) -> None:
        given = [arrays[a.name] for a in self.arguments]
        if self.free or any(type(a) is not np.ndarray for a in given) or len({a.dtype for a in given}) > 1:
            return
        if given and given[0].dtype.kind == "f" and len(self.seen) < MOST_SEEN:
            self.seen[_signature(given)] = (self._variant(at), at)


def _signature(arrays: Sequence[Any]) -> tuple[Any, ...]:
    return tuple([part for a in arrays for part in (type(a), a.shape, a.dtype)])


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
    backend: str = "numpy",
) -> Compiled:
    """One function of several results, which share what they have in common; one result comes alone."""
    library, nodes = find_backend(backend), [node for node, _ in results]
    called = user_functions(*nodes)

    def written(at: dict[str, int] | None) -> FunctionText:
        return write_results(results, arguments, named=named, function_name=function_name, doc=doc, at=at)

    def sized(at: dict[str, int]) -> Callable[..., Any]:
        whole = library.translated(written(at).whole_text, called)
        return function if whole == source else library.function(whole, function_name, called)

    text = written(None)
    source = library.translated(text.whole_text, called)
    function = library.function(source, function_name, called)
    lengths, variants = convolved_lengths(*nodes), sized if text.depends else None
    return Compiled(source, tuple(arguments), tuple(text.free), function, lengths, library, variants)


def write_results(
    results: Sequence[Result],
    arguments: Sequence[Argument],
    *,
    named: Sequence[tuple[str, Node]] = (),
    function_name: str = "derivative",
    doc: str = "",
    at: Mapping[str, int] | None = None,
) -> FunctionText:
    """The text of that function in NumPy; `at` are sizes to choose the order of multiplication by."""
    results = [(stable(node), output) for node, output in results]
    program = FunctionText(arguments, function_name, user_functions(*(node for node, _ in results)))
    program.whole_text = program.text(program.plan(results, named, at), function_name, doc)
    return program


def convolved_lengths(*nodes: Node) -> tuple[Size, ...]:
    """The dimensions that convolutions make, which have to be positive."""
    return tuple(dict.fromkeys(s for n in walk(*nodes) if isinstance(n, Shift) for s in n.shape if isinstance(s, Dim)))


def user_functions(*results: Node) -> dict[str, Callable[..., Any]]:
    """The user's own NumPy functions, which generated text calls by their names."""
    ops = {n.op for n in walk(*results) if isinstance(n, Map)}
    return {op.name: cast(Elementwise, op).value for op in ops if cast(Elementwise, op).code.startswith(f"{op.name}(")}
