"""A user's own functions: one call adds a function that acts entry by entry.

It is then parsed, differentiated, printed, compiled and checked like a built-in one.  The definition is text in
the language, a SymPy expression or Lambda, or a NumPy function together with its partial derivative as text.
Its derivative comes from the definition; its numeric pullback from differences of the value, so the witnesses
stay independent.

>>> _ = elementwise("swish2", "x*sigmoid(2*x)")
>>> from symgrad.derivation import derivative
>>> print(derivative("sum(swish2(W*v))", "v", where="W: R^{m x n}; v: R^n"))
W'*(sigmoid(2*W*v) + 2*W*v .* (1 - sigmoid(2*W*v)) .* sigmoid(2*W*v))
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from symgrad.calculus.differentiate import differentiate
from symgrad.calculus.present import present
from symgrad.errors import NotDifferentiableError, ParseError, ShapeError, SymgradError, UnknownNameError
from symgrad.notation.grammar import parse
from symgrad.notation.lower import CONSTANTS, Scope, lower
from symgrad.notation.tree import Tree, names
from symgrad.operations.catalogue import LOGARITHM, find, register
from symgrad.operations.record import Elementwise
from symgrad.operations.user import user_elementwise
from symgrad.tensor.nodes import Input, Map, Node, walk
from symgrad.tensor.view import View

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
