"""A user's own functions: one call adds a function that acts entry by entry.

It is then parsed, differentiated, printed, compiled and checked like a built-in one.  The definition is text in
the language, a SymPy expression or Lambda, or a NumPy function together with its partial derivative as text.
Its derivative comes from the definition; its numeric pullback from differences of the value, so the witnesses
stay independent.

>>> _ = elementwise("cubed", "x^3")
>>> from symgrad.derivation import derivative
>>> print(derivative("sum(cubed(W*v))", "v", where="W: R^{m x n}; v: R^n"))
3*W'*(W*v).^2
>>> unregister("cubed")
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, cast

from symgrad.calculus.differentiate import differentiate
from symgrad.calculus.present import present
from symgrad.errors import NotDifferentiableError, ParseError, ShapeError, UnknownNameError
from symgrad.notation.grammar import parse
from symgrad.notation.lower import CONSTANTS, Scope, lower
from symgrad.notation.tree import Tree, names
from symgrad.operations.catalogue import LOGARITHM, find, register, unregister
from symgrad.operations.record import Elementwise
from symgrad.operations.user import user_elementwise
from symgrad.tensor.nodes import Input, Map, Node, walk
from symgrad.tensor.view import View

__all__ = ["elementwise", "unregister"]

OUTPUT = "y"  # the value of the function, in the text of its partial derivative

Text = str | Sequence[str]


def elementwise(
    name: str,
    definition: Any = None,
    *,
    value: Callable[..., Any] | None = None,
    partial: Text | None = None,
    args: Sequence[str] | None = None,
    domain: str = "real",
    kinks: str | None = None,
    analytic: bool | None = None,
    latex: str | None = None,
    doc: str = "",
    source: str = "",
) -> Elementwise:
    """Add a function that acts entry by entry; the record of it comes back.

    definition  text such as `"x*sigmoid(2*x)"`, a SymPy expression of one symbol, or a SymPy Lambda
    value       instead of it a NumPy function of arrays; then `partial` is the text of its derivative, one for each
                argument, in which `y` stands for the value (`"1 - y^2"`)
    args        the names of the arguments in order, needed where there are several
    kinks       in words, where it has no derivative and what is taken there
    analytic    whether `value` accepts complex arrays and is analytic (a sharper numeric pullback)

    `unregister` takes it out again.
    Raises UnknownNameError for a name that is taken, ParseError for one that cannot be a name.
    """
    _check_name(name)
    facts = {"domain": domain, "latex": latex, "doc": doc, "source": source}
    if value is not None:
        if definition is not None:
            raise ParseError(f"{name} has both a definition and a value", hint="one of the two")
        entry = _of_value(name, value, partial, args, kinks, bool(analytic), facts)
    elif isinstance(definition, str):
        entry = _of_text(name, definition, partial, args, kinks, facts)
    elif _is_sympy(definition):
        from symgrad.notation.sympy_custom import of_sympy

        entry = of_sympy(name, definition, kinks, facts)
    else:
        raise ParseError(f"no definition of {name} is given", hint=f'elementwise("{name}", "x*sigmoid(x)")')
    register(entry)
    return entry


def _check_name(name: str) -> None:
    if not isinstance(name, str) or not name.isidentifier():
        raise ParseError(f"{name!r} cannot be the name of a function", hint="letters, digits and _")
    if find(name) is not None or name in CONSTANTS:
        raise UnknownNameError(f"{name} is already an operation", hint="another name")


def _is_sympy(definition: Any) -> bool:
    sympy = sys.modules.get("sympy")
    return sympy is not None and isinstance(definition, sympy.Basic)


# --- from text -----------------------------------------------------------------------------------


def _of_text(
    name: str,
    definition: str,
    partial: Text | None,
    args: Sequence[str] | None,
    kinks: str | None,
    facts: dict[str, Any],
) -> Elementwise:
    tree = _parsed(definition)
    arguments = _arguments(name, [tree], args)
    graph = _graph(tree, arguments, definition)
    given = [_graph(_parsed(t), [*arguments, OUTPUT], t) for t in _texts(name, partial, arguments)] if partial else []
    found = [_given(g) for g in given] or [_derived(graph, x) for x in _inputs(arguments)]
    ops = {cast(Elementwise, n.op) for n in walk(graph) if isinstance(n, Map)}
    known = sorted(f"as {op.name}: {op.kinks}" for op in ops if op.kinks)
    facts = {**facts, "doc": facts["doc"] or f"{definition}, entry by entry."}
    return user_elementwise(
        name,
        _inputs(arguments),
        graph=graph,
        partials=found,
        output=Input.make(OUTPUT, ()),
        analytic=all(op.analytic for op in ops),
        kinks=kinks or "; ".join(known) or None,
        **facts,
    )


def _of_value(
    name: str,
    value: Callable[..., Any],
    partial: Text | None,
    args: Sequence[str] | None,
    kinks: str | None,
    analytic: bool,
    facts: dict[str, Any],
) -> Elementwise:
    if not callable(value):
        raise ParseError(f"the value of {name} is a function of arrays, not {value!r}", hint="value=lambda x: x**3")
    if partial is None:
        raise NotDifferentiableError(f"{name} needs its derivative as text", hint='partial="3*x^2"')
    wanted = [partial] if isinstance(partial, str) else list(partial)
    trees = [_parsed(text) for text in wanted]
    arguments = _arguments(name, trees, args, count=len(wanted))
    texts = _texts(name, partial, arguments)
    graphs = [_graph(t, [*arguments, OUTPUT], text) for t, text in zip(trees, texts, strict=True)]
    return user_elementwise(
        name,
        _inputs(arguments),
        value=value,
        partials=[_given(g) for g in graphs],
        output=Input.make(OUTPUT, ()),
        analytic=analytic,
        kinks=kinks,
        **facts,
    )


def _parsed(text: str) -> Tree:
    if not isinstance(text, str):
        raise ParseError(f"a definition is text, not {text!r}")
    return parse(text)


def _texts(name: str, partial: Text | None, arguments: Sequence[str]) -> list[str]:
    texts = [partial] if isinstance(partial, str) else list(partial or ())
    if len(texts) != len(arguments):
        raise ParseError(f"{name} has {len(arguments)} arguments, but {len(texts)} partial derivatives are given")
    return texts


def _arguments(name: str, trees: Sequence[Tree], args: Sequence[str] | None, count: int | None = None) -> list[str]:
    """The names of the arguments: as given, else the one name that occurs (x where none does)."""
    if args is not None:
        return list(args)
    found = [n for n in dict.fromkeys(n for t in trees for n in names(t)) if n not in CONSTANTS]
    if count is not None:
        found = [n for n in found if n != OUTPUT]
    if len(found) > 1 or (count or 1) > 1:
        raise ParseError(f"the order of the arguments of {name} is not said", hint=f"args={found}")
    return found or ["x"]


def _inputs(arguments: Sequence[str]) -> list[Node]:
    return [Input.make(a, ()) for a in arguments]


def _graph(tree: Tree, arguments: Sequence[str], text: str) -> Node:
    """The scalar graph of a text.  Raises ShapeError where it is no scalar."""
    scope = Scope({a: View(x, 0) for a, x in zip(arguments, _inputs(arguments), strict=True)}, frozenset())
    view = lower(tree, scope, text)
    if not view.is_scalar:
        raise ShapeError(f"a function entry by entry is a scalar of scalars, but this is {view.describe()}")
    return present(view.node)


def _given(graph: Node) -> Callable[[], Node]:
    return lambda: graph


def _derived(graph: Node, x: Node) -> Callable[[], Node]:
    return cache(lambda: present(differentiate(graph, x, LOGARITHM)))
