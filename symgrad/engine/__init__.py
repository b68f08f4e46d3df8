"""The engine: reverse mode over NumPy arrays, recorded while Python runs and replayed as straight-line NumPy.

Write the loss in NumPy; `value_and_grad` gives its gradient, `record` a compiled step.  Functions of the catalogue
are here by name (`engine.relu`, `engine.softmax`, `engine.logsumexp`, ...), derived from their records; vectors'
and matrices' functions act on the last axes, those before are a batch.  Docs: docs/engine.md.

>>> import numpy as np
>>> from symgrad import engine
>>> step = engine.value_and_grad(lambda W, x: np.sum(engine.relu(W @ x)))
>>> step(np.array([[1.0, -1.0], [2.0, 1.0]]), np.array([1.0, 3.0]))
(np.float64(5.0), array([[0., 0.],
       [1., 3.]]))
"""

from __future__ import annotations

from typing import Any

from symgrad.engine.functions import cross_entropy, function
from symgrad.engine.replay import Replay, record
from symgrad.engine.sweep import gradients
from symgrad.engine.variable import Variable, variable
from symgrad.engine.verbs import gate, grad, value_and_grad

__all__ = [
    "Replay",
    "Variable",
    "cross_entropy",
    "function",
    "gate",
    "grad",
    "gradients",
    "record",
    "value_and_grad",
    "variable",
]


def __getattr__(name: str) -> Any:
    """A function of the catalogue."""
    from symgrad.operations.catalogue import find

    if name.startswith("_") or find(name) is None:
        raise AttributeError(f"the engine has no {name}")
    return function(name)
