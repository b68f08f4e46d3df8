"""symgrad: derives, explains, evaluates and checks derivatives of matrix expressions.

>>> import symgrad as sg
>>> print(sg.derivative("x'*A*x", "x"))
(A + A')*x

Names are found when they are first used, so that importing symgrad is quick and SymPy is imported only
when its door is.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_HOME = {
    "symgrad.derivation": ("Derivative", "derivative", "gradient", "hessian", "jacobian"),
    "symgrad.batches": ("Failure", "ItemError", "map_batches"),
    "symgrad.programs": ("Program", "program"),
    "symgrad.custom": ("elementwise", "unregister"),
    "symgrad.notation.declare": ("declare",),
    "symgrad.engine": ("Variable", "gate", "record", "value_and_grad", "variable"),
    "symgrad.numeric.backprop": ("ComputationalGraph",),
    "symgrad.numeric.gates": ("Gate",),
    "symgrad.operations.catalogue": ("register",),
    "symgrad.verification.check": ("Report",),
    "symgrad.verification.equal": ("Equality", "equal"),
    "symgrad.verification.answers": ("Verdict", "check_answer"),
    "symgrad.verification.lines": ("LinesReport", "check_lines"),
    "symgrad.bank.grading.run": ("grade",),
    "symgrad.errors": (
        "DomainError",
        "LayoutError",
        "LimitError",
        "NotDifferentiableError",
        "ParseError",
        "ShapeError",
        "SymgradError",
        "UnknownNameError",
    ),
    "symgrad.notation.sympy_door": ("symbols", "to_sympy"),
    "symgrad.notation.sympy_functions": ("numpy_modules",),
}
_PLACE = {name: module for module, names in _HOME.items() for name in names}


def __getattr__(name: str) -> Any:
    if name.startswith("_"):
        raise AttributeError(name)
    module = _PLACE.get(name)
    if module is not None:
        return getattr(import_module(module), name)
    from symgrad.operations.catalogue import find

    if find(name) is not None or name in ("maximum", "minimum", "total"):
        return getattr(import_module("symgrad.notation.sympy_functions"), name)
    from symgrad.errors import did_you_mean

    close = did_you_mean(name, _PLACE)
    raise AttributeError(f"symgrad has no {name}" + (f"; {close}" if close else ""))


def __dir__() -> list[str]:
    return sorted([*globals(), *_PLACE])
