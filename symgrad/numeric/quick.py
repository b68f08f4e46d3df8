"""The same program in NumPy's quickest words, for running rather than reading.

On small arrays the price of a call is the price of its wrapper: `a.dot(b)` costs half of `a @ b`, a ufunc's
own `reduce` and `outer` a fraction of `np.sum` and `np.outer`, and softmax by three ufuncs a fifth of
scipy's.  What runs is the text as it reads with these words replaced; lines stay where they were.

>>> function = quick("import numpy as np\\ndef f(a, b):\\n    return np.outer(a, b) @ b", "<example>")
>>> namespace = {}; exec(function, namespace); namespace["f"](np.ones(2), np.array([1.0, 2.0]))
array([5., 5.])
"""

from __future__ import annotations

import ast
from functools import cache
from types import CodeType
from typing import Any

import numpy as np

Array = Any


def quick(source: str, file: str) -> CodeType:
    """The module as code."""
    return compile(ast.fix_missing_locations(_Quick().visit(ast.parse(source))), file, "exec")


class _Quick(ast.NodeTransformer):
    """One pass over a program."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        if not isinstance(node.op, ast.MatMult):
            return node
        called = ast.Call(ast.Attribute(node.left, "dot", ast.Load()), [node.right], [])
        return ast.copy_location(called, node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        name = ast.unparse(node.func)
        if name == "np.outer":
            node.func = _word("np.multiply.outer")
        elif name == "np.sum":
            axis = node.keywords[0].value if node.keywords else ast.Constant(None)
            return ast.copy_location(ast.Call(_word("np.add.reduce"), [*node.args, axis], []), node)
        elif name in QUICKER:
            node.func, node.keywords = ast.Name(QUICKER[name], ast.Load()), []
        return node


def _word(name: str) -> ast.expr:
    return ast.parse(name, mode="eval").body


# --- functions of scipy, without what their doors cost ---------------------------------------------


def softmax(x: Array) -> Array:
    """exp(x) / sum(exp(x)) along the last axis, as finite as the result."""
    if x.ndim == 1:
        e = x - np.maximum.reduce(x)
        np.exp(e, e)
        e /= np.add.reduce(e)
        return e
    e = np.exp(x - np.maximum.reduce(x, -1, keepdims=True))
    e /= np.add.reduce(e, -1, keepdims=True)
    return e


def log_softmax(x: Array) -> Array:
    """x - log(sum(exp(x))) along the last axis."""
    z = x - np.maximum.reduce(x, -1, keepdims=True)
    z -= np.log(np.add.reduce(np.exp(z), -1, keepdims=True))
    return z


def logsumexp(x: Array) -> Array:
    """log(sum(exp(x))) along the last axis."""
    top = np.maximum.reduce(x, -1, keepdims=True)
    top = np.where(np.isfinite(top), top, 0)
    return np.log(np.add.reduce(np.exp(x - top), -1)) + top[..., 0]


Factor = tuple[Array, bool]


@cache
def _lapack(kind: str) -> tuple[Any, Any, Any]:
    """Cholesky's factorization, solution and inverse for this type of number."""
    from scipy.linalg import get_lapack_funcs

    found: tuple[Any, Any, Any] = tuple(get_lapack_funcs(("potrf", "potrs", "potri"), dtype=np.dtype(kind)))
    return found


def cho_factor(a: Array) -> Factor:
    """The lower Cholesky factor of a positive definite matrix.  Raises LinAlgError."""
    factor, info = _lapack(a.dtype.char)[0](a.T, lower=1, clean=0)
    if info:
        raise np.linalg.LinAlgError(f"{info}-th leading minor of the array is not positive definite")
    return factor, True


def cho_solve(factor: Factor, b: Array) -> Array:
    """The solution of a x = b by the factor of a."""
    return _lapack(factor[0].dtype.char)[1](factor[0], b, lower=1)[0]


def spd_inverse(factor: Factor) -> Array:
    """The inverse by the factor."""
    half = np.tril(_lapack(factor[0].dtype.char)[2](factor[0], lower=1)[0])
    whole = half + half.T
    whole.flat[:: len(whole) + 1] *= 0.5
    return whole


_FUNCTIONS = {
    "special": (softmax, log_softmax, logsumexp),
    "linalg": (cho_factor, cho_solve),
    "": (spd_inverse,),
}
QUICKER = {f"{m}.{f.__name__}".lstrip("."): f"quick__{f.__name__}" for m, own in _FUNCTIONS.items() for f in own}
NAMESPACE = {f"quick__{f.__name__}": f for own in _FUNCTIONS.values() for f in own}
