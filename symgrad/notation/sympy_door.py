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
from symgrad.notation import sympy_matrices, sympy_scalars, sympy_sums
from symgrad.notation.declare import Declaration
from symgrad.notation.sympy_reading import Reading
from symgrad.notation.sympy_symbols import DeclaredMatrix, declaration_of, symbol_of, symbols
from symgrad.notation.sympy_writer import to_sympy
from symgrad.notation.tree import Tree

__all__ = ["DeclaredMatrix", "declaration_of", "symbol_of", "symbols", "to_sympy", "to_tree"]

_READERS = {**sympy_scalars.READERS, **sympy_matrices.READERS, **sympy_sums.READERS}


def to_tree(expression: Any) -> tuple[Tree, dict[str, Declaration]]:
    """The tree of a SymPy expression and the declarations of its symbols.  Raises SymgradError."""
    if isinstance(expression, MatrixBase):
        expression = expression.as_immutable()
    if not isinstance(expression, sympy.Basic):
        raise ParseError(f"a SymPy expression is wanted, not {type(expression).__name__}")
    reading = Reading(_READERS)
    return reading.tree(_without_blocks(expression)), reading.declarations()


def _without_blocks(expression: Any) -> Any:
    """The expression with block matrices multiplied out, as far as SymPy can; what is left is refused by name."""
    if not _has_blocks(expression):
        return expression
    if getattr(expression, "is_Matrix", False):
        return _collapsed(expression)
    arrays = [p for p in sympy.preorder_traversal(expression) if getattr(p, "is_Matrix", False)]
    outermost = [p for p in arrays if p.has(sympy.BlockMatrix) and not any(p in q.args for q in arrays)]
    return expression.xreplace({p: _collapsed(p) for p in outermost}).doit()


def _collapsed(array: Any) -> Any:
    """A product of block matrices as one; a single block stands for itself."""
    found = sympy.block_collapse(array)
    return found.blocks[0, 0] if isinstance(found, sympy.BlockMatrix) and found.blockshape == (1, 1) else found


def _has_blocks(expression: Any) -> bool:
    """Whether a block matrix occurs; every shared part is looked at once."""
    seen: set[int] = set()
    stack = [expression]
    while stack:
        part = stack.pop()
        if isinstance(part, sympy.BlockMatrix):
            return True
        if id(part) not in seen:
            seen.add(id(part))
            stack.extend(part.args)
    return False
