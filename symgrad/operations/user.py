"""Records of a user's own functions, made from graphs of scalars.

A definition (or a partial derivative) arrives as a graph over scalar inputs.  It is put over arrays entry by
entry (`spread_over`), evaluated (`entry_values`) and written as NumPy (`entry_code`); `user_elementwise` makes
the record of it.  The numeric pullback is differences of the value, never the symbolic rule, so that the witnesses
of a user's function are independent too.  What text or SymPy said is not known here.

>>> from symgrad.tensor.build import number, plus
>>> x = Input.make("x", ())
>>> entry_code(plus(hadamard(x, x), number(2)), {x: "{0}"}) in ("{0} * {0} + 2.0", "2.0 + {0} * {0}")
True
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from math import prod
from typing import Any, cast

from symgrad.errors import LimitError, NotDifferentiableError, SymgradError
from symgrad.operations.arrays import Array, np, total
from symgrad.operations.elementwise import EXP, LOG
from symgrad.operations.record import Elementwise, Notation
from symgrad.operations.shapes import entrywise
from symgrad.tensor.build import as_number, elementwise, hadamard, power
from symgrad.tensor.index import spread_sum
from symgrad.tensor.nodes import Add, Constant, Einsum, Input, Map, Node, Power, walk
from symgrad.tensor.signs import is_positive

LONGEST_CODE = 4000  # characters of a template
COMPLEX_STEP = 1e-30
STEPS = tuple(10.0**-k for k in range(2, 7))  # of fourth-order differences; where two agree best, they count

Arrays = Mapping[Node, Any]


# --- a scalar graph over arrays ------------------------------------------------------------------


def spread_over(graph: Node, inputs: Mapping[Node, Node]) -> Node:
    """The function that a scalar graph is, applied entry by entry to arrays in place of its inputs."""
    done: dict[Node, Node] = dict(inputs)
    for node in walk(graph):
        if node not in done:
            done[node] = _spread(node, [done[a] for a in node.args])
    return done[graph]


def _spread(node: Node, args: list[Node]) -> Node:
    match node:
        case Einsum():
            return hadamard(*args, coefficient=node.coefficient)
        case Add():
            return spread_sum(tuple((c, a) for (c, _), a in zip(node.terms, args, strict=True)))
        case Power():
            base, exponent = args
            return (
                elementwise(EXP, hadamard(exponent, elementwise(LOG, base)))
                if exponent.shape
                else power(base, exponent)
            )
        case Map():
            return elementwise(node.op, *args)
        case Constant():
            return node
        case _:
            raise _unsupported(node)


def _unsupported(node: Node) -> SymgradError:
    what = f"the name {node.name}" if isinstance(node, Input) else f"a node of kind {type(node).__name__}"
    return SymgradError(f"a function entry by entry is made of scalar functions of its arguments, not of {what}")


def entry_values(graph: Node, inputs: Arrays) -> Array:
    """The value of a scalar graph where its inputs are arrays of one shape (scalars being 1 x 1)."""
    done: dict[Node, Any] = dict(inputs)
    for node in walk(graph):
        if node not in done:
            done[node] = _value(node, [done[a] for a in node.args])
    return done[graph]


def _value(node: Node, args: list[Any]) -> Any:
    match node:
        case Einsum():
            return prod(args, start=float(node.coefficient))
        case Add():
            return sum((float(c) * a for (c, _), a in zip(node.terms, args, strict=True)), np.zeros((1, 1)))
        case Power():
            return np.asarray(args[0] * 1.0) ** args[1]
        case Map():
            return cast(Elementwise, node.op).value(*(np.atleast_2d(a) for a in args))
        case Constant() if node.name == "pi":
            return np.pi
        case _:
            raise _unsupported(node)


def entry_code(graph: Node, inputs: Mapping[Node, str]) -> str:
    """A scalar graph as one NumPy expression.  Raises LimitError where that is very long."""
    done: dict[Node, str] = dict(inputs)
    for node in walk(graph):
        if node not in done:
            done[node] = _code(node, [done[a] for a in node.args])
            if len(done[node]) > LONGEST_CODE:
                raise LimitError(
                    "the definition is too long for one function", hint="several functions, one in terms of another"
                )
    return done[graph]


def _code(node: Node, args: list[str]) -> str:
    value = as_number(node)
    if value is not None:
        return repr(float(value))
    match node:
        case Einsum():
            coefficient = [] if node.coefficient == 1 else [_literal(node.coefficient)]
            return " * ".join([*coefficient, *map(_bracketed, args)])
        case Add():
            parts = zip(node.terms, args, strict=True)
            return " + ".join(_scaled(c, n, a) for (c, n), a in parts)
        case Power():
            return f"{_bracketed(args[0])} ** {_bracketed(args[1])}"
        case Map():
            written = cast(Elementwise, node.op).code.format(*map(_bracketed, args))
            return f"1.0 * {written}" if cast(Elementwise, node.op).notation.fixity == "bracket" else written
        case Constant() if node.name == "pi":
            return "np.pi"
        case _:
            raise _unsupported(node)


def _scaled(coefficient: int | Fraction, node: Node, text: str) -> str:
    if as_number(node) == 1:
        return _literal(coefficient)
    return text if coefficient == 1 else f"{_literal(coefficient)} * {_bracketed(text)}"


def _literal(value: int | Fraction) -> str:
    return repr(float(value)) if value > 0 else f"({float(value)!r})"


def _bracketed(text: str) -> str:
    """In parentheses, unless it is one word or a number."""
    return text if re.fullmatch(r"[\w.]+|\{\d\}", text) else f"({text})"


# --- the record ----------------------------------------------------------------------------------


def user_elementwise(
    name: str,
    inputs: Sequence[Node],
    *,
    graph: Node | None = None,
    value: Callable[..., Any] | None = None,
    partials: Sequence[Callable[[], Node]],
    output: Node | None = None,
    code: str | None = None,
    analytic: bool = False,
    kinks: str | None = None,
    domain: str = "real",
    latex: str | None = None,
    doc: str = "",
    source: str = "",
) -> Elementwise:
    """The record of a function of scalar inputs.

    graph     its definition; or `value`, a NumPy function of arrays, called by name in generated code
    partials  one scalar graph per input, made when first asked for; `output` stands for the value in them
    """
    numeric = value if value is not None else _evaluator(cast(Node, graph), inputs)
    if code is None:
        slots = {x: f"{{{i}}}" for i, x in enumerate(inputs)}
        code = f"{name}({', '.join(slots.values())})" if graph is None else entry_code(graph, slots)
    record: Elementwise
    record = Elementwise(
        name=name,
        notation=Notation(name, latex=latex),
        arity=(len(inputs),),
        build=entrywise(lambda: record),
        value=numeric,
        pullback=lambda g, y, *xs: _pulled_back(numeric, analytic, g, xs),
        partials=tuple(_rule(name, inputs, output, partial) for partial in partials),
        code=code,
        positive=graph is not None and is_positive(graph),
        kinks=kinks,
        domain=domain,
        analytic=analytic,
        doc=doc or f"{name}, defined by the user.",
        example=f"{name}({', '.join(n.name for n in inputs if isinstance(n, Input))})",
        source=source or "defined by the user",
    )
    return record


def _evaluator(graph: Node, inputs: Sequence[Node]) -> Callable[..., Any]:
    def value(*arrays: Any) -> Any:
        shape = np.broadcast_shapes(*(np.shape(a) for a in arrays))
        return entry_values(graph, dict(zip(inputs, arrays, strict=True))) * np.ones(shape)

    return value


def _rule(name: str, inputs: Sequence[Node], output: Node | None, partial: Callable[[], Node]) -> Callable[..., Node]:
    def rule(y: Node, *args: Node) -> Node:
        given = dict(zip(inputs, args, strict=True))
        if output is not None:
            given[output] = y
        found = spread_over(partial(), given)
        if found.shape and found.shape != y.shape:
            raise NotDifferentiableError(f"the partial derivative of {name} does not have the shape of its value")
        return found

    return rule


def _pulled_back(value: Callable[..., Any], analytic: bool, g: Array, xs: Sequence[Array]) -> tuple[Array, ...]:
    """The cotangents, each slope by a complex step or by differences of fourth order at the step that suits it."""
    return tuple(total(g * _slope(value, analytic, xs, at), x) for at, x in enumerate(xs))


def _slope(value: Callable[..., Any], analytic: bool, xs: Sequence[Array], at: int) -> Array:
    def moved(by: Any) -> Any:
        return np.asarray(value(*(x + by if i == at else x for i, x in enumerate(xs))))

    if analytic:
        return np.imag(moved(1j * COMPLEX_STEP)) / COMPLEX_STEP
    scale = np.maximum(1.0, np.abs(xs[at]))
    found = []
    with np.errstate(all="ignore"):
        for h in (step * scale for step in STEPS):
            found.append((8 * (moved(h) - moved(-h)) - (moved(2 * h) - moved(-2 * h))) / (12 * h))
    change = np.nan_to_num(np.abs(np.diff(found, axis=0)), nan=np.inf)
    best = np.argmin(change, axis=0)[None]
    return np.take_along_axis(np.asarray(found), best + 1, axis=0)[0]
