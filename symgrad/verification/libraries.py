"""Arrays of NumPy, PyTorch and JAX: to NumPy and back, without importing what the values are not made by.

A value tells by the module of its type which library it belongs to; that library is loaded already.
`Arguments` is a point of a function of several arrays as one flat vector, in which a check moves; an argument may
hold its arrays in dictionaries, lists and tuples.  Nothing here knows what is checked.

>>> point = Arguments((np.ones((2, 2), np.float32), 3.0))
>>> point.flat.tolist(), point.eps == 2.0**-23
([1.0, 1.0, 1.0, 1.0, 3.0], True)
>>> [np.shape(a) for a in point.moved(point.flat)]
[(2, 2), ()]
>>> Arguments({"b": np.ones(2), "W": [np.zeros(3)]}).flattened({"W": [np.ones(3)], "b": np.zeros(2)}, "it").tolist()
[0.0, 0.0, 1.0, 1.0, 1.0]
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symgrad.errors import DomainError, LimitError, ShapeError

Array = NDArray[Any]
Key = Any  # of a dictionary, or a place in a list
Path = tuple[Key, ...]  # the number of an argument, then keys
DEEPEST = 20  # dictionaries and lists in each other
SMALLEST_SCALE = 0.125  # entries nearer to zero than this part of their array's size are moved as if so large


def library_of(value: Any) -> str:
    """torch, jax or numpy, by where the type of a value comes from."""
    root = type(value).__module__.partition(".")[0]
    return {"torch": "torch", "jax": "jax", "jaxlib": "jax"}.get(root, "numpy")


def to_numpy(value: Any) -> Array:
    """The NumPy array of a value of any of the libraries, in its own precision where NumPy has it."""
    if library_of(value) == "torch":
        value = value.detach().cpu()
        try:
            return np.asarray(value.numpy())
        except TypeError:  # bfloat16
            return np.asarray(value.float().numpy())
    array = np.asarray(value)
    return array.astype(np.float32) if array.dtype.kind == "V" else array  # bfloat16


def like(array: Array, given: Any) -> Any:
    """An array in the library, the precision and on the device of another value."""
    kind = library_of(given)
    if kind == "torch":
        made = import_module("torch").from_numpy(np.array(array)).to(dtype=given.dtype, device=given.device)
        return made.requires_grad_(given.requires_grad)
    if kind == "jax":
        return import_module("jax.numpy").asarray(array, dtype=given.dtype)
    return float(array) if isinstance(given, int | float) and not isinstance(given, np.generic) else array


def precision(value: Any) -> float:
    """The relative rounding of a value's type; that of float64 for whole and Python numbers."""
    if "bfloat16" in str(getattr(value, "dtype", "")):
        return 2.0**-7
    dtype = to_numpy(value).dtype
    return float(np.finfo(dtype).eps) if dtype.kind == "f" else 2.0**-52


def real_values(value: Any, what: str) -> Array:
    """The entries of a value as float64.  Raises DomainError for what are no real numbers."""
    array = to_numpy(value)
    if array.dtype.kind not in "biuf":
        hint = "real and imaginary parts as two arrays" if array.dtype.kind == "c" else "an array of numbers"
        raise DomainError(f"{what} has entries of type {array.dtype}, not real numbers", hint=hint)
    return array.astype(np.float64)


class NoClaim(ShapeError):
    """What should be a derivative is no array of real numbers, or none that fits its variable."""


def claimed_values(value: Any, what: str) -> Array:
    """The entries of what is claimed as float64.  Raises NoClaim for what are no real numbers."""
    if value is None:
        raise NoClaim(f"{what} is None", hint="a function that returns it")
    try:
        return real_values(value, what)
    except (DomainError, ValueError, TypeError) as error:
        raise NoClaim(getattr(error, "message", str(error))) from None


# --- arrays in dictionaries and lists ---------------------------------------------------------


def children(value: Any) -> list[tuple[Key, Any]] | None:
    """The parts of a dictionary, a list or a tuple that holds arrays; None for an array or a number."""
    if isinstance(value, Mapping):
        return list(value.items())
    if isinstance(value, list | tuple) and any(_holds_arrays(v) for v in value):
        return list(enumerate(value))
    return None


def _holds_arrays(value: Any, depth: int = 0) -> bool:
    """Whether it is an array itself or may hold some; a list of plain numbers is one array."""
    if isinstance(value, list | tuple):
        return depth > DEEPEST or any(_holds_arrays(v, depth + 1) for v in value)
    return isinstance(value, Mapping) or (hasattr(value, "shape") and not isinstance(value, np.generic))


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """The arrays in a value, each with the keys that lead to it.  Raises LimitError beyond 20 levels."""
    if len(path) > DEEPEST:
        raise LimitError(f"arguments are nested deeper than {DEEPEST} levels")
    parts = children(value)
    if parts is None:
        yield path, value
        return
    for key, part in parts:
        yield from leaves(part, (*path, key))


def rebuilt(value: Any, arrays: Iterator[Any]) -> Any:
    """The same dictionaries, lists and tuples with other arrays, taken in the order of `leaves`."""
    parts = children(value)
    if parts is None:
        return next(arrays)
    made = [rebuilt(part, arrays) for _, part in parts]
    if isinstance(value, Mapping):
        return {key: part for (key, _), part in zip(parts, made, strict=True)}
    return type(value)(*made) if hasattr(value, "_fields") else type(value)(made)


def aligned(given: Any, values: Any, what: str) -> Iterator[Any]:
    """The parts of `values` where `given` has its arrays.  Raises NoClaim where the two are not built alike."""
    parts = children(given)
    if parts is None:
        yield values
    elif isinstance(given, Mapping):
        missing = [key for key, _ in parts if not isinstance(values, Mapping) or key not in values]
        if missing or len(values) > len(parts):
            found = f"has the keys {list(values)}" if isinstance(values, Mapping) else f"is a {type(values).__name__}"
            raise NoClaim(f"{what} {found} where the argument has {list(given)}", hint="a dictionary like it")
        for key, part in parts:
            yield from aligned(part, values[key], what)
    else:
        if not isinstance(values, list | tuple) or len(values) != len(parts):
            raise NoClaim(f"{what} has not {len(parts)} parts as the argument has", hint="one for each")
        for (_, part), value in zip(parts, values, strict=True):
            yield from aligned(part, value, what)


# --- a point ----------------------------------------------------------------------------------


class Arguments:
    """A point: the arrays of a function's arguments, and their entries as one flat vector."""

    def __init__(self, at: Any):
        self.arguments: tuple[Any, ...] = tuple(at) if isinstance(at, tuple | list) else (at,)
        found = [leaf for i, a in enumerate(self.arguments) for leaf in leaves(a, (i,))]
        self.paths = [path for path, _ in found]
        self.given = tuple(leaf for _, leaf in found)
        arrays = [real_values(a, self.name(i)) for i, a in enumerate(self.given)]
        self.shapes = [a.shape for a in arrays]
        self.flat: Array = np.concatenate([a.ravel() for a in arrays]) if arrays else np.zeros(0)
        if not self.flat.size:
            raise ShapeError("there are no entries to differentiate by", hint="at=x, or at=(W, b)")
        if not np.isfinite(self.flat).all():
            raise DomainError("the point is not finite")
        self.bounds = np.cumsum([0, *(a.size for a in arrays)])
        self.scale = self._scale(SMALLEST_SCALE)

    @property
    def size(self) -> int:
        return self.flat.size

    def name(self, i: int) -> str:
        """An array in words, `argument 0['W']`."""
        return f"argument {self.paths[i][0]}{self.inside(i)}"

    def inside(self, i: int) -> str:
        """Where an array is in its argument, `['W']`; nothing where it is the argument."""
        return "".join(f"[{key!r}]" for key in self.paths[i][1:])

    @cached_property
    def eps(self) -> float:
        """The coarsest precision among the arguments."""
        return max(precision(a) for a in self.given)

    def _scale(self, smallest: float) -> Array:
        """How far each entry is moved: a power of two near its size, so that moving it loses no digits."""
        sizes = np.empty_like(self.flat)
        for low, high in zip(self.bounds[:-1], self.bounds[1:], strict=True):
            part = np.abs(self.flat[low:high])
            typical = float(np.sqrt(np.mean(part**2))) if part.size else 0.0
            floor = np.where(part == 0, max(smallest, SMALLEST_SCALE) * typical, smallest * typical)
            sizes[low:high] = np.maximum(part, floor) if typical else 1.0
        return np.asarray(np.exp2(np.floor(np.log2(sizes))))

    def narrow(self) -> bool:
        """Move entries by no more than their own sizes, however small.  False if they are moved so already."""
        before, self.scale = self.scale, self.own_scale
        return bool((self.scale < before).any())

    @cached_property
    def own_scale(self) -> Array:
        """How far entries are moved if none is moved further than its own size."""
        return self._scale(0.0)

    def split(self, flat: Array) -> list[Array]:
        """A flat vector as arrays of the arguments' shapes."""
        pairs = zip(self.bounds[:-1], self.bounds[1:], self.shapes, strict=True)
        return [flat[low:high].reshape(shape) for low, high, shape in pairs]

    def moved(self, flat: Array) -> list[Any]:
        """Arguments of the given library and precision with these entries; arrays of their own."""
        made = iter([like(self._typed(a, g), g) for a, g in zip(self.split(flat), self.given, strict=True)])
        return [rebuilt(a, made) for a in self.arguments]

    def here(self) -> list[Any]:
        """The point itself, in arrays that may be written into."""
        return self.moved(self.flat)

    @staticmethod
    def _typed(array: Array, given: Any) -> Array:
        dtype = to_numpy(given).dtype
        return array.astype(dtype if dtype.kind == "f" else np.float64)  # a copy: f may write into it

    def flattened(self, values: Any, what: str) -> Array:
        """Arrays of the arguments' shapes as a flat vector.  Raises ShapeError naming the one that does not fit."""
        arrays = [claimed_values(p, what) for p in self.parts_of(values, what)]
        for i, (array, shape) in enumerate(zip(arrays, self.shapes, strict=True)):
            if array.shape != shape:
                raise NoClaim(f"{what} has shape {array.shape} where {self.name(i)} has shape {shape}")
        return np.concatenate([a.ravel() for a in arrays])

    def parts_of(self, values: Any, what: str) -> list[Any]:
        """What is claimed of each array: one part for each argument, each built like it.  Raises NoClaim."""
        parts = list(values) if isinstance(values, tuple | list) and len(self.arguments) > 1 else [values]
        if len(parts) != len(self.arguments):
            raise NoClaim(f"{what} has {len(parts)} parts for {len(self.arguments)} arguments", hint="one for each")
        return [part for a, v in zip(self.arguments, parts, strict=True) for part in aligned(a, v, what)]

    def place(self, k: int) -> tuple[int, tuple[int, ...]]:
        """The array and the index in it of a flat entry."""
        i = int(np.searchsorted(self.bounds, k, side="right")) - 1
        return i, tuple(int(n) for n in np.unravel_index(k - self.bounds[i], self.shapes[i]))


def own_gradient(f: Callable[..., Any], kind: str) -> Callable[..., Any]:
    """The gradient that PyTorch or JAX itself takes of f: what is wrong in a backward of one's own shows here."""
    if kind == "jax":
        jax = import_module("jax")
        return lambda *at: jax.grad(f, argnums=tuple(range(len(at))))(*at) if len(at) > 1 else jax.grad(f)(*at)
    if kind == "torch":
        torch = import_module("torch")

        def gradient(*at: Any) -> Any:
            given = [a.detach().requires_grad_(True) for _, a in leaves(at)]
            found = torch.autograd.grad(f(*rebuilt(at, iter(given))), given)
            return rebuilt(at, iter(found)) if len(at) > 1 else rebuilt(at, iter(found))[0]

        return gradient
    raise DomainError("there is no gradient to check", hint="grad=, a function of the same arrays")
