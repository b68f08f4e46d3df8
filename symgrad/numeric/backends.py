"""The array libraries that a compiled program can run on: NumPy, JAX, PyTorch.

A backend says how arrays come in, in which precision they are computed, and how the text of a program reads
in its library (`translate`).  A library is imported only when a function for it is made, so that the text
can be had without it.

>>> find_backend("numpy") is NUMPY
True
>>> find_backend("jax").module
'jax'
"""

from __future__ import annotations

import linecache
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from itertools import count
from typing import Any

import numpy as np

from symgrad.errors import DomainError, UnknownNameError, did_you_mean
from symgrad.numeric.quick import NAMESPACE, quick
from symgrad.numeric.translate import TO_JAX, TO_TORCH, Words, translate

_numbers = count(1)
Called = Mapping[str, Callable[..., Any]]


@dataclass(frozen=True, slots=True)
class Backend:
    """NumPy, and what other libraries do differently."""

    name: str = "numpy"
    module: str = "numpy"
    package: str = "numpy"
    words: Words | None = None
    vectors_first: bool = False  # XLA multiplies x @ A many times faster than A.T @ x

    # --- text ------------------------------------------------------------------------------

    def translated(self, source: str, called: Called) -> str:
        """The program in the words of the library.  Raises DomainError for what it cannot say."""
        if self.words is None:
            return source
        if called:
            raise DomainError(f"{next(iter(called))} is a NumPy function", hint="define it by text to use it elsewhere")
        return translate(source, self.words)

    def function(self, source: str, name: str, called: Called) -> Callable[..., Any]:
        """The function that generated text defines.  Raises UnknownNameError where the library is missing."""
        self._library()
        return function_of(source, name, called, plain=self.words is not None)

    def _library(self) -> Any:
        try:
            return import_module(self.module)
        except ImportError:
            raise UnknownNameError(
                f"{self.package} is not installed",
                hint=f"pip install {self.package}; D.source(backend={self.name!r}) needs no installation",
            ) from None

    def public(self, function: Callable[..., Any], free: Sequence[str]) -> Callable[..., Any]:
        """What users call, given a function that takes arrays by name; `free` are numbers that shapes depend on."""
        return lambda **arrays: function(**arrays)

    # --- arrays ----------------------------------------------------------------------------

    def array(self, value: Any) -> Any:
        """A user's value as an array of the library."""
        return np.asarray(unmasked(value))

    def cast(self, arrays: dict[str, Any]) -> dict[str, Any]:
        """All arrays in one precision: float32 where every array is, float64 for integers; numbers adapt."""
        for name, array in arrays.items():
            _check_real(name, array)
        dtype = common_dtype([(a.dtype, a.ndim) for a in arrays.values()])
        return {name: a.astype(dtype, copy=False) for name, a in arrays.items()}

    def result(self, value: Any, given: Sequence[Any]) -> Any:
        """What a program returns, as an array in the precision of the arguments; several results as a tuple."""
        if type(value) is tuple:
            return tuple([self.result(v, given) for v in value])
        return np.asarray(value, given[0].dtype if type(value) is float and given else None)

    def like(self, value: Any, arrays: Mapping[str, Any]) -> Any:
        """The value, or each of several, in the precision of the arrays."""
        if type(value) is tuple:
            return tuple([self.like(v, arrays) for v in value])
        dtype = next(iter(arrays.values())).dtype
        return value.to(dtype) if hasattr(value, "to") else value.astype(dtype)


class _Jax(Backend):
    """JAX: arrays may be traced, so only their shapes and types are looked at, once for each compilation."""

    __slots__ = ()

    def public(self, function: Callable[..., Any], free: Sequence[str]) -> Callable[..., Any]:
        found: Callable[..., Any] = self._library().jit(function, static_argnames=tuple(free))
        return found

    def array(self, value: Any) -> Any:
        return self._library().numpy.asarray(unmasked(value))

    def result(self, value: Any, given: Sequence[Any]) -> Any:
        if type(value) is tuple:
            return tuple([self.result(v, given) for v in value])
        return self._library().numpy.asarray(value, given[0].dtype if given else None)

    def cast(self, arrays: dict[str, Any]) -> dict[str, Any]:
        jnp = self._library().numpy
        for name, array in arrays.items():
            if jnp.issubdtype(array.dtype, jnp.complexfloating):
                raise DomainError(f"{name} is of type {array.dtype}, but real numbers are wanted")
        given = [a for a in arrays.values() if a.ndim] or list(arrays.values())
        dtype = jnp.result_type(*(a.dtype for a in given), 1.0)
        return {name: a.astype(dtype) for name, a in arrays.items()}


class _Torch(Backend):
    """PyTorch: tensors keep their device and their place in a graph."""

    __slots__ = ()

    def array(self, value: Any) -> Any:
        torch = self._library()
        return value if isinstance(value, torch.Tensor) else torch.as_tensor(np.asarray(unmasked(value)))

    def result(self, value: Any, given: Sequence[Any]) -> Any:
        if type(value) is tuple:
            return tuple([self.result(v, given) for v in value])
        return self._library().as_tensor(value, dtype=given[0].dtype if given else None)

    def cast(self, arrays: dict[str, Any]) -> dict[str, Any]:
        torch = self._library()
        for name, array in arrays.items():
            if array.is_complex():
                raise DomainError(f"{name} is of type {array.dtype}, but real numbers are wanted")
        given = [a for a in arrays.values() if a.ndim] or list(arrays.values())
        dtype = given[0].dtype if given else torch.get_default_dtype()
        for array in given[1:]:
            dtype = torch.promote_types(dtype, array.dtype)
        if not dtype.is_floating_point:
            dtype = torch.float64
        return {name: a.to(dtype) for name, a in arrays.items()}


NUMPY = Backend()
_BACKENDS = (NUMPY, _Jax("jax", "jax", "jax", TO_JAX, True), _Torch("torch", "torch", "torch", TO_TORCH))


def find_backend(name: str) -> Backend:
    """The backend of this name.  Raises UnknownNameError."""
    for backend in _BACKENDS:
        if backend.name == name:
            return backend
    raise UnknownNameError(f"there is no backend {name!r}", hint=did_you_mean(str(name), [b.name for b in _BACKENDS]))


def common_dtype(given: list[tuple[Any, int]]) -> Any:
    """The precision to compute in, of (dtype, number of axes): scalars adapt to arrays."""
    floats = [dtype for dtype, rank in given if rank] or [dtype for dtype, _ in given]
    return np.result_type(*floats, np.float16 if any(d.kind == "f" for d in floats) else np.float64)


def unmasked(value: Any) -> Any:
    """The value.  Raises DomainError for a masked array whose mask hides entries: no program would heed it."""
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        raise DomainError("an array with masked entries has no value there", hint="a.filled(0)")
    return value


def _check_real(name: str, array: Any) -> None:
    if array.dtype.kind not in "fiub":
        raise DomainError(f"{name} is of type {array.dtype}, but real numbers are wanted")


def function_of(source: str, name: str, called: Called, plain: bool = False) -> Callable[..., Any]:
    """The function that generated text defines, in NumPy's quick words unless `plain`; tracebacks find its lines."""
    file = f"<symgrad {next(_numbers)}>"
    namespace: dict[str, Any] = {name: _by_name(function) for name, function in called.items()} | NAMESPACE
    code = compile(source, file, "exec") if plain else quick(source, file)
    exec(code, namespace)  # text made here of checked names, never a user's
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    found: Callable[..., Any] = namespace[name]
    return found


def _by_name(function: Callable[..., Any]) -> Callable[..., Any]:
    """A user's function for arrays with any number of axes; scalars stay scalars."""
    return lambda *arrays: np.asarray(function(*arrays))[()]
