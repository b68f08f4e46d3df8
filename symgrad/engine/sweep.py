"""The sweep: cotangents from an output back to everything it was made of.

Records are met in the order of falling serial numbers, so every one has its whole cotangent when its turn comes.
Cotangents are added up in place once they are a sum of our own; an operand that was spread gets the sum over where
it was spread.  What a variable remembers is dropped as soon as it has been passed, so memory falls as the sweep
proceeds.  There is no recursion and no cycle of references.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from symgrad.engine.arithmetic import column_sums
from symgrad.engine.gate import Array, Gate, Scatter, called, opaque
from symgrad.engine.variable import (
    GATE,
    LEAF,
    PARENTS,
    SERIAL,
    VALUE_SHAPE,
    Record,
    Variable,
)
from symgrad.errors import DomainError, NotDifferentiableError, ShapeError

USED_UP = Gate("used up", lambda: None, ())
_SPENT = (USED_UP, (), (), None)  # what is left of a record that the sweep has passed


def backward(root: Variable, seed: Any = None, *, keep: bool = False) -> None:
    """Set the gradients of the leaves of `root`."""
    leaves: list[Record] = []
    cotangents = sweep(root, seeded(root, seed), keep=keep, leaves=leaves)
    variables = [v for v in (leaf[LEAF]() for leaf in leaves if leaf[LEAF] is not None) if v is not None]
    for v, found in zip(variables, owned(cotangents, variables), strict=True):
        v.grad = found


def gradients(output: Any, wrt: Sequence[Variable], seed: Any = None, *, keep: bool = False) -> list[Array]:
    """d output / d w for every variable w, leaf or not, in its shape; zeros where it was not made of w."""
    for w in wrt:
        if not isinstance(w, Variable):
            raise DomainError(f"derivatives are by variables, not by {type(w).__name__}", hint="variable(array)")
    if not isinstance(output, Variable):
        raise DomainError(f"the output is no variable but {type(output).__name__}", hint="it was made of no variable")
    wanted = {w._record[SERIAL] for w in wrt}
    return owned(sweep(output, seeded(output, seed), keep=keep, wanted=wanted), wrt)


def seeded(root: Variable, seed: Any) -> Array:
    """The cotangent to start from: 1 for a scalar, else the given one, checked.  Raises ShapeError."""
    value = root._value
    if seed is None:
        if value.shape:
            raise ShapeError(f"an array of shape {value.shape} needs a seed", hint="a scalar, such as v.sum()")
        return value.dtype.type(1)
    if isinstance(seed, Variable):
        raise NotDifferentiableError("a seed is data, not a variable", hint="v.value")
    cotangent = np.array(seed, value.dtype)
    if cotangent.shape != value.shape:
        raise ShapeError(f"the seed has shape {cotangent.shape}, the output {value.shape}")
    return cotangent[()]


def sweep(
    root: Variable,
    seed: Array,
    *,
    keep: bool = False,
    wanted: Collection[int] = (),
    leaves: list[Record] | None = None,
) -> dict[int, Array]:
    """Cotangents by serial number, of the leaves and of what is `wanted`; the leaves met are appended to `leaves`."""
    records = sorted(_reached(root._record).values(), reverse=True)  # serial numbers come first and differ
    cotangents: dict[int, Array] = {root._record[SERIAL]: seed}
    summed: set[int] = set()  # the cotangents that are sums of our own
    held = cotangents.get
    for record in records:
        serial, gate, parents, operands, output, _, _ = record
        if gate is None:
            if leaves is not None:
                leaves.append(record)
            continue
        g = held(serial) if serial in wanted else cotangents.pop(serial, None)
        if g is not None:
            noted, spreads = gate.opaque, gate.spreads
            for parent, pull in zip(parents, gate.pulls):
                if parent is None or pull is None:
                    continue
                share = called(pull, g, output, *operands) if noted else pull(g, output, *operands)
                at = parent[0]
                if spreads and share.shape != parent[VALUE_SHAPE]:
                    share = gathered(share, parent[VALUE_SHAPE])
                so_far = held(at)
                if share.__class__ is Scatter:
                    _scatter(cotangents, summed, at, parent[VALUE_SHAPE], share)
                elif so_far is None:
                    cotangents[at] = share
                elif at in summed:
                    cotangents[at] += share
                else:
                    cotangents[at] = so_far + share
                    summed.add(at)
        if not keep:
            record[1:5] = _SPENT
    return cotangents


def _reached(root: Record) -> dict[int, Record]:
    """All that a record was made of, by serial number."""
    found = {root[SERIAL]: root}
    stack = [root]
    while stack:
        record = stack.pop()
        if record[GATE] is USED_UP:
            raise NotDifferentiableError(
                "an earlier backward has used up how this was made", hint="backward(keep=True) the first time"
            )
        for parent in record[PARENTS]:
            if parent is not None and parent[0] not in found:
                found[parent[0]] = parent
                if parent[GATE] is not None:
                    stack.append(parent)
    return found


def gathered(share: Array, shape: tuple[int, ...]) -> Array:
    """The sum over the axes along which an operand of this shape was spread."""
    extra = share.ndim - len(shape)
    if extra > 0 and share.shape[extra:] == shape:  # a bias over a batch
        return column_sums(share) if extra == 1 and share.ndim == 2 else np.add.reduce(share, tuple(range(extra)))
    along = [i + extra for i, n in enumerate(shape) if n == 1 and share.shape[i + extra] != 1]
    return np.add.reduce(share, (*range(extra), *along)).reshape(shape)


def _scatter(cotangents: dict[int, Array], summed: set[int], at: int, shape: tuple[int, ...], share: Scatter) -> None:
    """Add a part where it belongs, into an array of our own: reading n entries one by one stays linear in n."""
    held = cotangents.get(at)
    if hasattr(share.part, "_symgrad_note"):  # in a recording nothing is written in place
        whole = called(spread_part, share.part, shape, share.index, share.repeats)
        cotangents[at] = whole if held is None else held + whole
        return
    if at not in summed:
        held = cotangents[at] = np.zeros(shape, share.part.dtype) if held is None else np.array(held)
        summed.add(at)
    _add_part(held, share.index, share.part, share.repeats)


def _add_part(whole: Array, index: Any, part: Array, repeats: bool) -> None:
    if repeats:
        np.add.at(whole, index, part)
    else:
        whole[index] += part


@opaque
def spread_part(part: Array, shape: tuple[int, ...], index: Any, repeats: bool) -> Array:
    """Zeros of this shape, with a part at its index."""
    whole = np.zeros(shape, part.dtype)
    _add_part(whole, index, part, repeats)
    return whole


def owned(cotangents: Mapping[int, Array], wrt: Sequence[Variable]) -> list[Array]:
    """The cotangents of variables in their precision, sharing no memory with each other; zeros where none arrived."""
    seen: set[int] = set()
    results = []
    for v in wrt:
        g, dtype = cotangents.get(v._record[SERIAL]), v._value.dtype
        if g is None:
            g = np.zeros(v._value.shape, dtype)[()]
        elif g.dtype is not dtype and g.dtype != dtype:
            g = g.astype(dtype)
        elif g.__class__ is np.ndarray and (g.base is not None or id(g) in seen):
            g = g.copy()
        seen.add(id(g))
        results.append(g)
    return results
