"""What is known of signs without looking at numbers.

>>> from symgrad.tensor.dims import letter
>>> is_positive(Ones.make(letter("n"))), is_positive(Input.make("x", (letter("n"),)))
(True, False)
"""

from __future__ import annotations

from symgrad.tensor.nodes import Add, Apply, Constant, Delta, Einsum, Input, Map, Node, Ones, Power, Size

WITH_ZEROS = frozenset({"diagonal", "lower", "upper"})  # positive is said of the other entries


def is_positive(node: Node) -> bool:
    """Whether every entry is known to be > 0 (not knowing is False)."""
    stack = [node]
    while stack:
        n = stack.pop()
        if (isinstance(n, Map | Apply) and n.op.positive) or isinstance(n, Size | Ones | Constant):
            continue
        if isinstance(n, Input) and n.properties & {"positive", "simplex"} and not n.properties & WITH_ZEROS:
            continue
        if isinstance(n, Power):
            stack.append(n.base)
        elif (isinstance(n, Einsum) and n.coefficient > 0 and not any(type(a) is Delta for a in n.args)) or (
            isinstance(n, Add) and n.terms and all(c > 0 for c, _ in n.terms)
        ):
            stack.extend(n.args)
        else:
            return False
    return True
