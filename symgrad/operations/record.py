"""What a record of the catalogue says about one operation.

One record answers everything that is asked of an operation: its name and spellings, its shapes, its
value, its derivative in index notation, its numeric pullback, where it is defined, where it has
kinks and which slope is taken there, how it prints, an example and the source.  The parser,
lowering, raising, both numeric engines, the documentation and the tests read these records and
nothing else.  `Elementwise` acts entry by entry, `TensorFunction` is a named function of whole
vectors or matrices that stays a node of the graph, `Construct` is built from other nodes (products,
traces, sums: everything that one einsum says).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from symgrad.tensor.index import Indexed
    from symgrad.tensor.nodes import Node
    from symgrad.tensor.view import View

Aliases = Callable[..., "tuple[tuple[Node, Node], ...]"]
Fixity = Literal["call", "infix", "prefix", "postfix", "bracket", "square"]


@dataclass(frozen=True, slots=True)
class Notation:
    """How an operation is written.

    `text` is the operator or function name; `precedence` orders operators (higher binds tighter).  `bracket` is an
    Iverson bracket, `square` what has square brackets of its own, [A, B] and x[1:n]: its name is free for variables.
    `latex` is a template over `{0}`, `{1}`, ... or `{args}`; None writes `\\operatorname{name}(...)`.
    """

    text: str
    fixity: Fixity = "call"
    precedence: int = 100
    latex: str | None = None


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Operation:
    """The part of a record that every operation has.

    name        canonical name, a Python identifier
    notation    how it is written; `spellings` are further ways to write the name
    arity       allowed numbers of arguments
    build       shapes and meaning: views (or sizes, where `sizes`) in, a view out; raises ShapeError
    value       NumPy function of the argument arrays, all with two axes (a scalar is 1 x 1, a column n x 1)
    pullback    numeric, independent of the symbolic rule: (cotangent, output, *arguments) -> cotangents
    sizes       the arguments are dimensions, not arrays, after the first `arrays` ones
    domain      where each argument may be sampled: a name of `symgrad.numeric.sample`
    rules       identities that shorten an answer: a node -> an equal one, or None where the rule does not fit
    kinks       in words: where it has no derivative and what is taken there
    lesson      in English and Persian: what it does to a gradient that comes back
    of_matrix   what it is of a matrix, where a reader might expect otherwise
    sympy       the name of SymPy's own function for it, where there is one
    turned      the operation g with f(X)' = g(X'), where there is one
    analytic    whether `value` accepts complex arguments and is analytic (complex step)
    """

    name: str
    notation: Notation
    arity: tuple[int, ...]
    build: Callable[..., View]
    value: Callable[..., Any]
    pullback: Callable[..., tuple[Any, ...]]
    doc: str
    example: str
    source: str
    spellings: tuple[str, ...] = ()
    sizes: bool = False
    arrays: int = 0
    domain: str = "real"
    rules: tuple[Callable[[Node], Node | None], ...] = ()
    kinks: str | None = None
    sympy: str | None = None
    of_matrix: str | None = None
    lesson: tuple[str, str] | None = None
    turned: str | None = None
    analytic: bool = True

    @property
    def written(self) -> str:
        """The name in the text language."""
        return self.notation.text


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Elementwise(Operation):
    """A scalar function applied entry by entry.

    partials    one function per argument: (output node, *argument nodes) -> node of that partial
    code        a NumPy expression over `{0}`, `{1}`, ...
    simplify    argument nodes -> a simpler node, or None
    aliases     (name of the value, *arguments) -> other nodes that read better by that name
    """

    partials: tuple[Callable[..., Node], ...]
    code: str
    simplify: Callable[..., Node | None] | None = None
    aliases: Aliases | None = None
    positive: bool = False  # every value is > 0


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class TensorFunction(Operation):
    """A function of a whole vector or matrix that stays one node.

    core        what it maps: v a vector, m a matrix, s a scalar, t a matrix of the transposed shape, mm two pairs
                of matrix axes, ...; further leading axes are a batch
    jacobian    (output, argument) and index letters -> d output / d argument in index notation
    slopes      the same for each further argument, a scalar or a matrix
    code        a NumPy expression over `{0}`, `{1}`, ...
    primary     (family, order) where the value is f of a block matrix, f being a function of one variable
    simplify    argument node -> a simpler node, or None
    inverts     the value times the argument is the identity
    reciprocal  f(-X) is the inverse of f(X)
    sums_to_one the entries of every value sum to 1
    rows        the functions, outermost first, that write it of every row of a matrix
    of_all      how it is written of all entries of a matrix X
    transposes  f(X') = f(X)' (or f(X') = f(X) where the value is a scalar)
    """

    core: str
    jacobian: Callable[..., Indexed]
    slopes: tuple[Callable[..., Indexed], ...] = ()
    primary: tuple[str, int] | None = None
    code: str
    simplify: Callable[..., Node | None] | None = None
    aliases: Aliases | None = None
    transposes: bool = False
    rows: tuple[str, ...] = ()
    of_all: str | None = None
    sums_to_one: bool = False
    inverts: bool = False
    reciprocal: bool = False

    positive: bool = False


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Construct(Operation):
    """An operation that is built from other nodes."""
