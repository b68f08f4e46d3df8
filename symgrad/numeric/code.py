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
from functools import cache
from typing import Any, cast

import numpy as np

from symgrad.errors import DomainError, ShapeError, UnknownNameError
from symgrad.numeric.backends import NUMPY, Backend, find_backend
from symgrad.numeric.door import door, letters_in
from symgrad.numeric.evaluate import VALID, bind_sizes
from symgrad.numeric.function_text import Argument, Doc, FunctionText, OutputForm, Result
from symgrad.numeric.plan import extent
from symgrad.numeric.stable import stable
from symgrad.numeric.twosided import two_sided
from symgrad.operations.record import Elementwise
from symgrad.tensor.dims import Shape, Size, size_at
from symgrad.tensor.nodes import Map, Node, walk
from symgrad.tensor.windows import lengths as lengths_needed

Sized = Callable[[dict[str, int] | None], FunctionText]
Called = Mapping[str, Callable[..., Any]]

MOST_SEEN = 64  # shapes of arguments that are remembered
MOST_VARIANTS = 16  # programs for arrays of other sizes


@dataclass(frozen=True, slots=True)
class Compiled:
    """A NumPy function and its text; call it with arrays by the user's names.

    function   the program as it reads, for arrays in order (and free dimensions after them)
    sized      text of the same for arrays of certain sizes
    calls      the door of the program itself, made when it is first called
    depends    whether other sizes might make another program
    """

    written: str | Callable[[], str]  # the text, or what writes it
    arguments: tuple[Argument, ...]
    free: tuple[str, ...]  # dimension letters that no argument has, given as numbers
    function: Callable[..., Any] = field(repr=False)
    lengths: tuple[Size, ...] = ()  # of axes that convolutions make
    backend: Backend = NUMPY
    sized: Sized | None = field(default=None, repr=False)
    depends: bool = False
    variants: dict[Any, Callable[..., Any]] = field(default_factory=dict, repr=False, compare=False)
    fast: dict[Any, Callable[..., Any]] = field(default_factory=dict, repr=False, compare=False)
    programs: dict[str, dict[Any, Callable[..., Any]]] = field(init=False, repr=False, compare=False)
    seen: dict[Any, dict[str, int]] = field(default_factory=dict, repr=False, compare=False)
    calls: list[Callable[..., Any]] = field(default_factory=list, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "programs", {"d": {}, "f": {}})

    @property
    def source(self) -> str:
        """The text."""
        return self.written if isinstance(self.written, str) else self.written()

    def __call__(self, **arrays: Any) -> Any:
        """The result for these arrays; several results as a tuple."""
        if not self.calls:
            self.calls.append(self.door(self.called, lambda result: result))
        return self.calls[0](**arrays)

    def door(self, slow: Callable[[dict[str, Any]], Any], finish: Callable[[Any], Any]) -> Callable[..., Any]:
        """The function that people call: at once where the arrays fit, else by way of `slow`."""
        if self.backend is not NUMPY or self.free or self.sized is None:
            return self.backend.public(lambda **arrays: slow(arrays), self.free)
        given = [(a.name, a.arrives) for a in self.arguments]
        return door(
            given, self.lengths, self.programs, self.depends, slow, lambda r, a: finish(self.backend.result(r, a))
        )

    def called(self, arrays: dict[str, Any]) -> Any:
        """The result where arrays are not known to fit, or where it is no single array."""
        positional, at = self.bound(arrays)
        given = positional[: len(self.arguments)]
        return self.backend.result(self._run_quickest(positional, given, at), given)

    def _run_quickest(self, positional: list[Any], given: list[Any], at: dict[str, int]) -> Any:
        """By the fast program where there is one for such arrays, which is then remembered."""
        kind = given[0].dtype.char if given and self.backend is NUMPY else ""
        letters = self._letters()
        if kind not in self.programs or self.sized is None or self.free or any(a not in at for a in letters):
            return self.run(self._variant(at), positional)
        known = self.programs[kind]
        fast = self._fast(at, kind)
        result = self.run(fast, [*given, *(at[a] for a in letters)])
        if len(known) < MOST_SEEN:
            known[tuple([at[a] for a in letters]) if self.depends else ()] = fast
        return result

    def _fast(self, at: dict[str, int], kind: str, into: bool = False) -> Callable[..., Any]:
        """The fast program for arrays of about these sizes."""
        assert self.sized is not None
        about = (kind, into, *(size.bit_length() for size in at.values())) if self.depends else (kind, into)
        if about not in self.fast:
            if len(self.fast) >= MOST_VARIANTS:
                about = next(iter(a for a in self.fast if a[:2] == (kind, into)), about)
            if about not in self.fast:
                text = self.sized(at if self.depends else None)
                self.fast[about] = text.fast(self._letters(), kind, into)
        return self.fast[about]

    def _letters(self) -> list[str]:
        """The dimensions that fast programs take after the arrays."""
        return letters_in([(a.name, a.arrives) for a in self.arguments])

    def write(self, arrays: dict[str, Any], out: Any, shape: Shape) -> Any:
        """The result for these arrays in `out`, an array of its shape, which may share memory with them."""
        positional, at = self.bound(arrays)
        given = positional[: len(self.arguments)]
        kind = given[0].dtype.char if given else "d"
        _check_out(out, tuple(size_at(s, at) for s in shape), np.dtype(kind))
        direct = out.flags.c_contiguous and kind in self.programs and not self.free and self.sized is not None
        if direct and not any(np.may_share_memory(out, a) for a in given):
            result = self.run(self._fast(at, kind, True), [*given, *(at[a] for a in self._letters()), out])
        else:
            result = self._run_quickest(positional, given, at)
        if result is not out:
            out[...] = result
        return out

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
        """The function as it reads for arrays of about these sizes."""
        if self.sized is None or not self.depends:
            return self.function
        about = tuple([size.bit_length() for size in at.values()])
        if about not in self.variants:
            if len(self.variants) >= MOST_VARIANTS:
                return self.function
            self.variants[about] = self.sized(at).plain(self.backend)
        return self.variants[about]

    def _hint(self) -> str | None:
        return "a matrix declared spd has to be positive definite" if "cho_" in self.source else None

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
            at = self.seen[_signature(given)]
        except (KeyError, AttributeError):
            return None
        return (given, at) if len(given) == len(arrays) else None

    def _remember(self, arrays: dict[str, Any], at: dict[str, int]) -> None:
        given = [arrays[a.name] for a in self.arguments]
        if self.free or any(type(a) is not np.ndarray for a in given) or len({a.dtype for a in given}) > 1:
            return
        if given and given[0].dtype.kind == "f" and len(self.seen) < MOST_SEEN:
            self.seen[_signature(given)] = at


def _check_out(out: Any, shape: tuple[int, ...], dtype: Any) -> None:
    """Raises for what cannot take a result of this shape and type."""
    if type(out) is not np.ndarray or not out.flags.writeable:
        raise DomainError("out has to be an array that can be written to", hint="out=np.empty(shape)")
    if out.shape != shape:
        raise ShapeError(f"out has shape {out.shape}, but the result has {shape}")
    if out.dtype != dtype:
        raise DomainError(f"out is of type {out.dtype}, but the result of {dtype}", hint=f"dtype={dtype}")


def _signature(arrays: Sequence[Any]) -> tuple[Any, ...]:
    return tuple([part for a in arrays for part in (type(a), a.shape, a.dtype)])


def compile_numpy(
    result: Node,
    arguments: Sequence[Argument],
    *,
    named: Sequence[tuple[str, Node]] = (),
    output: OutputForm | None = None,
    function_name: str = "derivative",
    doc: Doc = "",
) -> Compiled:
    """The result as a NumPy function of the arguments; `named` intermediates keep their names."""
    return compile_results([(result, output)], arguments, named=named, function_name=function_name, doc=doc)


def compile_results(
    results: Sequence[Result],
    arguments: Sequence[Argument],
    *,
    named: Sequence[tuple[str, Node]] = (),
    function_name: str = "derivative",
    doc: Doc = "",
    backend: str = "numpy",
) -> Compiled:
    """One function of several results, which share what they have in common; one result comes alone."""
    library, nodes = find_backend(backend), [node for node, _ in results]
    called = user_functions(*nodes)

    def sized(at: dict[str, int] | None) -> FunctionText:
        return text if at is None else written(at)

    def written(at: dict[str, int] | None) -> FunctionText:
        facts: dict[str, Any] = {"named": named, "function_name": function_name, "doc": doc, "backend": library}
        return write_results(results, arguments, at=at, **facts)

    text = written(None)
    return _compiled(text, sized, library, called, lengths_needed(*nodes))


def _compiled(
    text: FunctionText, sized: Sized, library: Backend, called: Called, lengths: tuple[Size, ...]
) -> Compiled:
    """The function; its text is written when it is wanted, or needed for want of a quicker way."""

    @cache
    def source() -> str:
        return library.translated(text.whole_text, called)

    def made() -> Callable[..., Any]:
        return library.function(source(), text.function_name, called)

    function = later(made) if library is NUMPY else made()
    return Compiled(source, tuple(text.arguments), tuple(text.free), function, lengths, library, sized, text.depends)


def later(make: Callable[[], Callable[..., Any]]) -> Callable[..., Any]:
    """The function that is made when first called."""
    made: list[Callable[..., Any]] = []

    def function(*arrays: Any) -> Any:
        if not made:
            made.append(make())
        return made[0](*arrays)

    return function


def write_results(
    results: Sequence[Result],
    arguments: Sequence[Argument],
    *,
    named: Sequence[tuple[str, Node]] = (),
    function_name: str = "derivative",
    doc: Doc = "",
    at: Mapping[str, int] | None = None,
    backend: Backend = NUMPY,
) -> FunctionText:
    """The text of that function in NumPy; `at` are sizes to choose the order of multiplication by."""
    sided = [two_sided(stable(node), lambda size: extent(size, at)) for node, _ in results]
    results = [(found.node, output) for found, (_, output) in zip(sided, results, strict=True)]
    program = FunctionText(arguments, function_name, user_functions(*(node for node, _ in results)))
    program.steps.vectors_first = backend.vectors_first
    program.sides = [side for found in sided for side in found.sides]
    program.depends = any(found.depends for found in sided)
    program.roots = program.plan(results, named, at)
    program.doc = doc
    return program


def compile_text(written: Callable[[Mapping[str, int] | None], FunctionText], nodes: Sequence[Node]) -> Compiled:
    """The function of a text that is written for sizes, or for none."""
    text = written(None)

    def sized(at: dict[str, int] | None) -> FunctionText:
        return text if at is None else written(at)

    return _compiled(text, sized, NUMPY, user_functions(*nodes), lengths_needed(*nodes))


def user_functions(*results: Node) -> dict[str, Callable[..., Any]]:
    """The user's own NumPy functions, which generated text calls by their names."""
    ops = {n.op for n in walk(*results) if isinstance(n, Map)}
    return {op.name: cast(Elementwise, op).value for op in ops if cast(Elementwise, op).code.startswith(f"{op.name}(")}
