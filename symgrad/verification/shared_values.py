"""The values of many views at one point, where what they have in common is evaluated once.

Mistaken answers to one problem share most of their parts with each other and with the derivative, so the array
of every node is kept.  How many are kept is bounded; nothing is compared here.

>>> from symgrad.tensor.build import power
>>> x = Input.make("x", ())
>>> SharedValues(Point({}, {"x": np.array(3.0)})).of(View(power(x, 2), 0))
array([[9.]])
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from symgrad.errors import LimitError
from symgrad.numeric.evaluate import value_of
from symgrad.numeric.sample import ENTRY_LIMIT
from symgrad.tensor.dims import size_at
from symgrad.tensor.nodes import Input, Node, walk
from symgrad.tensor.view import View
from symgrad.verification.witnesses import Point

Array = Any
MOST_KEPT = 20_000  # arrays at one point


class SharedValues:
    """The arrays of nodes at a point, as they are asked for."""

    def __init__(self, point: Point):
        self.point = point
        self.arrays: dict[Node, Array] = {}

    def of(self, view: View) -> Array:
        """The view as an array of two axes, not a number where it has no value.

        Raises LimitError where it is too large, KeyError for an input that the point does not have.
        """
        sizes = self.point.sizes
        shape = [size_at(s, sizes) for s in view.shape]
        try:
            with np.errstate(all="ignore"):
                return np.reshape(self._array(view.node), shape)
        except (np.linalg.LinAlgError, OverflowError):  # singular; a coefficient beyond floating point
            return np.full(shape, np.nan)

    def _array(self, node: Node) -> Array:
        arrays = self.arrays
        if node in arrays:
            return arrays[node]
        if len(arrays) > MOST_KEPT:
            arrays.clear()
        for part in walk(node):
            if part not in arrays:
                arrays[part] = self._made(part)
        return arrays[node]

    def _made(self, node: Node) -> Array:
        sizes = self.point.sizes
        if prod(size_at(s, sizes) for s in node.shape) > ENTRY_LIMIT:
            raise LimitError("too many entries to compare at a sample", hint="dimension letters or small sizes")
        if isinstance(node, Input):  # a row vector is (1, n) as an array and has one axis as a node
            array = self.point.values[node.name]
            return np.reshape(array, np.shape(array)[np.ndim(array) - node.rank :])
        return value_of(node, [self.arrays[a] for a in node.args], {}, sizes)
