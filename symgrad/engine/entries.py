"""Gates of the catalogue's functions: forward and pullbacks are compiled from the record and nothing else.

A record states a function (`code`) and its derivative in index notation (`partials`, `jacobian`).  The sum of
cotangent times output is differentiated as any expression is, the output is put in as a name of its own, and the
compiler writes the NumPy of it, so that a new record, a user's own too, is a gate at once.  Functions of a vector
or a matrix act on the last axes; those before are a batch.

>>> from symgrad.operations.catalogue import record
>>> gate = record_gate(record("tanh"), (1,))
>>> float(gate.pulls[0](1.0, 0.5, None))
0.75
"""

from __future__ import annotations

import ast
import linecache
import re
import sys
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, cast

import numpy as np

from symgrad.calculus.differentiate import differentiate
from symgrad.calculus.present import present
from symgrad.engine.gate import Gate, Pull, opaque
from symgrad.errors import DomainError, NotDifferentiableError, ShapeError
from symgrad.numeric.backends import function_of
from symgrad.numeric.code import compile_numpy
from symgrad.numeric.function_text import Argument
from symgrad.operations.catalogue import LOGARITHM, records
from symgrad.operations.record import Elementwise, Operation, TensorFunction
from symgrad.tensor.build import apply, einsum, elementwise, is_zero
from symgrad.tensor.dims import letter
from symgrad.tensor.nodes import Input, Node, walk

CORES = {"v": "n", "m": "nn", "t": "mn", "s": ""}  # axes of one operand, as the records write them
BATCH = "abcdefh"
MASK = re.compile(r"(\(\w+ [<>]=? \w+\))")


@cache
def record_gate(operation: Operation, ranks: tuple[int, ...]) -> Gate:
    """The gate of a record for operands with these numbers of axes."""
    if isinstance(operation, Elementwise):
        return _entrywise(operation, len(ranks))
    if isinstance(operation, TensorFunction):
        return _function(operation, ranks)
    return _construct(operation, len(ranks))


# --- entry by entry ---------------------------------------------------------------------------


def _entrywise(operation: Elementwise, count: int) -> Gate:
    """Partials do not look at shapes, so one compiled text serves all; vectors stand for them."""
    if len(operation.partials) != count:
        raise ShapeError(f"{operation.name} takes {len(operation.partials)} arrays entry by entry, not {count}")
    n = (letter("n"),)
    g, y = Input.make("g", n), Input.make("y", n)
    xs = [Input.make(f"x{k}", n) for k in range(count)]
    known = dict(operation.aliases(y, *xs)) if operation.aliases is not None else {}
    pulls: list[Pull | None] = []
    read: set[Node] = set()
    for partial in operation.partials:
        slope = present(partial(y, *xs), {k: v for k, v in known.items() if _is_map(k)})
        read.update(walk(slope))
        share = einsum([(g, (0,)), (slope, (0,) if slope.rank else ())], (0,))
        pulls.append(None if is_zero(slope) else _with_masks_as_bytes(_compiled(share, [g, y, *xs])))
    needs = tuple(k for k, x in enumerate(xs) if x in read)
    forward = _entrywise_forward(operation, xs)
    return Gate(operation.name, forward, tuple(pulls), needs=needs, output=y in read, spreads=count > 1)


def _is_map(node: Node) -> bool:
    """Whether an alias speaks of a function of the operand itself, as [x > 0] = [y > 0] of a relu y does."""
    return not any(a.args for a in node.args)


def _entrywise_forward(operation: Elementwise, xs: Sequence[Node]) -> Callable[..., Any]:
    found = named_function(operation)
    if found is not None:
        return found
    if operation.code.startswith(f"{operation.name}("):
        return operation.value
    return _compiled(elementwise(operation, *xs), xs)


def _compiled(node: Node, inputs: Sequence[Node]) -> Callable[..., Any]:
    arguments = [Argument(cast(Input, x).name, x.shape) for x in inputs]
    return compile_numpy(node, arguments, function_name="gate").function


def _with_masks_as_bytes(pull: Pull) -> Pull:
    """The same function; its masks are multiplied as the bytes 0 and 1 they are, three times faster than booleans."""
    source = "".join(linecache.getlines(pull.__code__.co_filename))
    masked = MASK.sub(r"\1.view(np.int8)", source)
    return pull if masked == source else function_of(masked, "gate", {})


# --- functions of a vector or a matrix --------------------------------------------------------


def _function(operation: TensorFunction, ranks: tuple[int, ...]) -> Gate:
    core = CORES.get(operation.core.split("->")[0])
    if core is None or len(ranks) != 1:
        return _construct(operation, len(ranks))
    batch = ranks[0] - len(core)
    if batch < 0 or batch > len(BATCH):
        what = f"an array with at least {len(core)} axes" if batch < 0 else "fewer axes"
        raise ShapeError(f"{operation.name} needs {what}, but this one has {ranks[0]}")
    x = Input.make("x", tuple(letter(a) for a in BATCH[:batch] + core))
    f = apply(operation, x, batch)
    g, y = Input.make("g", f.shape), Input.make("y", f.shape)
    try:
        loss = einsum([(g, range(g.rank)), (f, range(g.rank))], ())
        share = present(differentiate(loss, x, LOGARITHM), {f: y})
    except NotDifferentiableError as error:
        raise NotDifferentiableError(error.message, hint="one at a time") from None
    pull = None if is_zero(share) else _guarded(operation.name, _compiled(share, [g, y, x]))
    return Gate(operation.name, _guarded(operation.name, _compiled(f, [x])), (pull,))


def _guarded(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """The same function; what linear algebra refuses is said in the words of the operation."""

    @opaque
    def guarded(*arrays: Any) -> Any:
        try:
            return function(*arrays)
        except np.linalg.LinAlgError as error:
            raise DomainError(f"{name} has no value here: {str(error).lower()}") from None

    return guarded


# --- everything else that the catalogue has ---------------------------------------------------


def _construct(operation: Operation, count: int) -> Gate:
    """By the record's value and numeric pullback, on arrays of at most two axes."""
    if operation.sizes or count not in operation.arity:
        wanted = "dimensions, not arrays" if operation.sizes else " or ".join(map(str, operation.arity)) + " arrays"
        raise ShapeError(f"{operation.name} takes {wanted}")

    @opaque
    def forward(*arrays: Any) -> Any:
        lifted = [_lifted(operation.name, a) for a in arrays]
        y = operation.value(*lifted)
        return _lowered(y), y

    def pull(k: int) -> Pull:
        @opaque
        def one(g: Any, y: Any, *operands: Any) -> Any:
            *arrays, whole = operands
            lifted = [_lifted(operation.name, a) for a in arrays]
            back = operation.pullback(np.reshape(g, whole.shape), whole, *lifted)[k]
            return np.array(back).reshape(np.shape(arrays[k]))

        return one

    return Gate(operation.name, forward, tuple(pull(k) for k in range(count)), keeps=True)


def _lifted(name: str, array: Any) -> Any:
    if np.ndim(array) > 2:
        raise ShapeError(f"{name} takes no batch: an array of shape {np.shape(array)} has more than two axes")
    return np.reshape(array, (*np.shape(array), 1, 1)[:2])


def _lowered(y: Any) -> Any:
    """1 x 1 is a scalar and n x 1 a column."""
    return y[0, 0] if y.shape == (1, 1) else y[:, 0] if y.shape[1] == 1 else y


# --- NumPy's names for them -------------------------------------------------------------------

OPERATORS: dict[type[ast.operator], Any] = {ast.Pow: np.power, ast.Mult: np.multiply}


@cache
def named_function(operation: Operation) -> Any:
    """The function of NumPy or SciPy that a record's code calls with its operands as they are, or None."""
    code = getattr(operation, "code", None)
    if code is None:
        return None
    count = max(operation.arity)
    slots = [f"_{k}" for k in range(count)]
    tree = ast.parse(code.format(*slots), mode="eval").body
    if isinstance(tree, ast.BinOp) and [ast.unparse(tree.left), ast.unparse(tree.right)] == slots:
        return OPERATORS.get(type(tree.op))
    if not isinstance(tree, ast.Call) or tree.keywords or [ast.unparse(a) for a in tree.args] != slots:
        return None
    return _attribute(ast.unparse(tree.func).split("."))


def _attribute(path: list[str]) -> Any:
    if path[0] == "np":
        found: Any = np
    elif path[0] in ("special", "linalg"):
        from importlib import import_module

        found = import_module(f"scipy.{path[0]}")
    else:
        return None
    for name in path[1:]:
        found = getattr(found, name, None)
    return found


@cache
def record_of(function: Any) -> Operation | None:
    """The record whose value a function of NumPy (or of SciPy, where that is loaded) is."""
    scipy = (getattr(function, "__module__", None) or "").startswith("scipy") or "scipy.special" in sys.modules
    for operation in records():
        code = getattr(operation, "code", "")
        if (scipy or code.startswith(("np.", "{0} **"))) and named_function(operation) is function:
            return operation
    return None
