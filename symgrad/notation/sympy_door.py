"""The door to SymPy: `symbols` make its symbols, `to_tree` reads its expressions, `to_sympy` writes them.

A class that no table of readers lists is an error that names it.  Shapes are checked when the tree is
lowered.

>>> from symgrad.notation.text import text
>>> x, A = symbols("x: R^n; A: R^{n x n}")
>>> tree, declared = to_tree((x.T*A*x)[0, 0] + sympy.Trace(A))
>>> text(tree), declared["A"].text()
("x'*(A*x) + tr(A)", 'A: R^{n x n}')
"""

from __future__ import annotations

from typing import Any

import sympy
from sympy.matrices.matrixbase import MatrixBase

from symgrad.errors import ParseError
from symgrad.notation import sympy_matrices, sympy_scalars, sympy_sums, sympy_tensors
from symgrad.notation.declare import Declaration
from symgrad.notation.sympy_reading import Reading
from symgrad.notation.sympy_symbols import DeclaredMatrix, declaration_of, symbol_of, symbols
from symgrad.notation.sympy_writer import to_sympy
from symgrad.notation.tree import Tree

__all__ = ["DeclaredMatrix", "declaration_of", "requested", "symbol_of", "symbols", "to_sympy", "to_tree"]

_READERS = {**sympy_scalars.READERS, **sympy_matrices.READERS, **sympy_sums.READERS, **sympy_tensors.READERS}


def to_tree(expression: Any) -> tuple[Tree, dict[str, Declaration]]:
    """The tree of a SymPy expression and the declarations of its symbols.  Raises SymgradError."""
    if isinstance(expression, MatrixBase):
        expression = expression.as_immutable()
    if not isinstance(expression, sympy.Basic):
        raise ParseError(f"a SymPy expression is wanted, not {type(expression).__name__}")
    reading = Reading(_READERS)
    return reading.tree(expression), reading.declarations()


def requested(expression: Any) -> tuple[Any, list[Any]]:
    """What an unevaluated SymPy Derivative asks for: the expression and the variables, in turn."""
    variables: list[Any] = []
    while isinstance(expression, sympy.Derivative):
        counts = [(v, int(count)) for v, count in expression.variable_count]
        variables = [v for v, count in counts for _ in range(count)] + variables
        expression = expression.expr
    return expression, variables
