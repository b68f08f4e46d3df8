"""NumPy, imported when the first number is computed, and the few array helpers that pullbacks share.

Every array here has two axes: a scalar is 1 x 1, a column n x 1, a row 1 x n.

>>> total(np.ones((2, 3)), np.ones((1, 1)))
array([[6.]])
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any


class LazyModule:
    """A module that is imported at the first use of one of its names."""

    def __init__(self, name: str):
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        module: ModuleType = import_module(self._name)
        value = getattr(module, attribute)
        setattr(self, attribute, value)  # the next look-up finds it directly
        return value


if TYPE_CHECKING:
    import numpy as np
    from scipy import linalg, signal, special
else:
    np = LazyModule("numpy")
    linalg = LazyModule("scipy.linalg")
    signal = LazyModule("scipy.signal")
    special = LazyModule("scipy.special")

Array = Any


def total(cotangent: Array, argument: Array) -> Array:
    """The cotangent of an argument that was spread: summed over where it was spread."""
    return cotangent if cotangent.shape == argument.shape else np.full((1, 1), cotangent.sum())


def scalar(value: Any) -> Array:
    """A number as a 1 x 1 array."""
    return np.asarray(value).reshape(1, 1)


def stacked(matrix: Array) -> Array:
    """vec: the columns one under the other."""
    return matrix.reshape(-1, 1, order="F")
