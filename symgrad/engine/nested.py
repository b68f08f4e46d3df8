"""Arrays in lists, tuples and dictionaries, as parameters of a model are kept: taken apart and put together again.

>>> leaves = []
>>> shape = taken_apart({"W": 1.0, "b": [2.0, 3.0]}, leaves)
>>> leaves, put_together(shape, iter([10, 20, 30]))
([1.0, 2.0, 3.0], {'W': 10, 'b': [20, 30]})
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from numpy import ndarray

from symgrad.errors import LimitError

DEEPEST = 50
LEAF = None  # what stands for one array


def taken_apart(given: Any, leaves: list[Any], depth: int = 0) -> Any:
    """Append the arrays of a nest to `leaves` and answer its form.  Raises LimitError where it is very deep."""
    kind = given.__class__
    if kind is list or kind is tuple:
        parts: Any = given
    elif kind is dict:
        parts = given.values()
    elif isinstance(given, tuple) and hasattr(given, "_fields"):
        parts = given
    else:
        leaves.append(given)
        return LEAF
    if depth >= DEEPEST:
        raise LimitError(f"arrays nested more than {DEEPEST} deep")
    forms: list[Any] = []
    for part in parts:
        if part.__class__ is ndarray:  # nearly all of them: no call is made
            leaves.append(part)
            forms.append(LEAF)
        else:
            forms.append(taken_apart(part, leaves, depth + 1))
    return kind, tuple(given) if kind is dict else None, tuple(forms)


def put_together(form: Any, leaves: Iterator[Any]) -> Any:
    """The nest of that form with these leaves in it."""
    if form is LEAF:
        return next(leaves)
    kind, keys, forms = form
    flat = not any(forms)  # nothing but arrays
    parts = list(islice(leaves, len(forms))) if flat else [put_together(f, leaves) for f in forms]
    if kind is dict:
        return dict(zip(keys, parts, strict=True))
    return parts if kind is list else tuple(parts) if kind is tuple else kind(*parts)


def mapped(given: Any, function: Callable[[Any], Any]) -> Any:
    """The same nest with a function applied to every array."""
    leaves: list[Any] = []
    form = taken_apart(given, leaves)
    return put_together(form, iter([function(leaf) for leaf in leaves]))
