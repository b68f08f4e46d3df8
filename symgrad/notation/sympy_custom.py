"""A SymPy function of scalars as a record of the catalogue.

What the language can say becomes a definition in it.  What it cannot (gamma, Bessel functions, ...) is
evaluated by `sympy.lambdify`, and its derivatives, found by SymPy, become functions of their own,
`dname`, `d2name`, ..., made when they are first asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import sympy

from symgrad.errors import ParseError, SymgradError
from symgrad.notation.lower import Scope, lower
from symgrad.notation.sympy_door import to_tree
from symgrad.operations.catalogue import find, register
from symgrad.operations.record import Elementwise
from symgrad.operations.user import user_elementwise
from symgrad.tensor.build import elementwise
from symgrad.tensor.nodes import Input, Map, Node, walk
from symgrad.tensor.view import View


def of_sympy(name: str, definition: Any, kinks: str | None, facts: dict[str, Any]) -> Elementwise:
    """The record of a SymPy Lambda, or of an expression of one symbol.  Raises ParseError."""
    symbols, expression = _signature(name, definition)
    facts = {**facts, "doc": facts["doc"] or f"{expression}, entry by entry."}
    return _record(name, name, 0, symbols, expression, kinks, facts)


def _signature(name: str, definition: Any) -> tuple[tuple[Any, ...], Any]:
    if isinstance(definition, sympy.Lambda):
        symbols = tuple(definition.variables)
        expression = definition.expr
    else:
        symbols, expression = tuple(definition.free_symbols), definition
        if len(symbols) > 1:
            raise ParseError(f"the order of the arguments of {name} is not said", hint="sympy.Lambda((x, a), ...)")
    if not symbols or expression.free_symbols - set(symbols):
        raise ParseError(f"{name} is not a function of its arguments alone: {expression}", hint="sympy.Lambda(x, ...)")
    return symbols, expression


def _record(
    name: str, root: str, order: int, symbols: Sequence[Any], expression: Any, kinks: str | None, facts: dict[str, Any]
) -> Elementwise:
    inputs = [Input.make(s.name, ()) for s in symbols]
    graph = _said(expression, symbols)
    partials = [_partial(root, order + 1, symbols, expression, at, facts) for at in range(len(symbols))]
    if graph is not None:
        analytic = all(n.op.analytic for n in walk(graph) if isinstance(n, Map))  # type: ignore[attr-defined]
        return user_elementwise(name, inputs, graph=graph, partials=partials, kinks=kinks, analytic=analytic, **facts)
    value = sympy.lambdify(list(symbols), expression, modules=["scipy", "numpy"])
    return user_elementwise(name, inputs, value=value, partials=partials, kinks=kinks, **facts)


def _said(expression: Any, symbols: Sequence[Any]) -> Node | None:
    """The expression as a scalar graph, where the language can say it."""
    try:
        tree, _ = to_tree(expression)
        views = {s.name: View(Input.make(s.name, ()), 0) for s in symbols}
        return lower(tree, Scope(views, frozenset())).node
    except SymgradError:
        return None


def _partial(
    root: str, order: int, symbols: Sequence[Any], expression: Any, at: int, facts: dict[str, Any]
) -> Callable[[], Node]:
    """The derivative by one symbol: a graph, or a function of its own where the language has no word for it."""

    def derived() -> Node:
        slope = sympy.simplify(sympy.diff(expression, symbols[at]))
        graph = _said(slope, symbols)
        if graph is not None:
            return graph
        suffix = f"_{symbols[at].name}" if len(symbols) > 1 else ""
        name = f"d{order if order > 1 else ''}{root}{suffix}"
        entry = find(name)
        if entry is None:
            said = {**facts, "doc": f"The derivative of {root}: {slope}.", "latex": None}
            entry = _record(name, root, order, symbols, slope, None, said)
            register(entry)
        if not isinstance(entry, Elementwise):
            raise ParseError(f"{name} is taken, but is needed as the derivative of {root}")
        return elementwise(entry, *(Input.make(s.name, ()) for s in symbols))

    return cache(derived)
