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
from collections.abc import Sequence
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


_FUNCTIONS = (softmax, log_softmax, logsumexp)
QUICKER = {f"special.{f.__name__}": f"quick__{f.__name__}" for f in _FUNCTIONS}
NAMESPACE = {f"quick__{f.__name__}": f for f in _FUNCTIONS}


# --- the door --------------------------------------------------------------------------------------

_DOOR = """
def door(function, seen, slow, array):
    def call(arrays):
        try:
            {words} = {given}
            key = {key}
        except (KeyError, AttributeError):
            return slow(arrays)
        if key in seen and len(arrays) == {count}:
            result = function({positional})
            return result if result.__class__ is array else slow(arrays)
        return slow(arrays)
    return call
"""


def door(names: Sequence[str], function: Any, seen: Any, slow: Any) -> Any:
    """arrays by name -> result: at once for types and shapes in `seen` and one array as the result, else by `slow`."""
    words = [f"a{i}" for i in range(len(names))]
    text = _DOOR.format(
        words="".join(f"{w}, " for w in words),
        given="".join(f"arrays[{name!r}], " for name in names),
        key=f"({''.join(f'{w}.__class__, {w}.shape, {w}.dtype, ' for w in words)})",
        count=len(names),
        positional=", ".join(words),
    )
    namespace: dict[str, Any] = {}
    exec(compile(text, "<symgrad door>", "exec"), namespace)  # names occur as quoted text only
    return namespace["door"](function, seen, slow, np.ndarray)
