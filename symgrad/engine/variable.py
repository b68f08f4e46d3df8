"""Variables: arrays that remember how they were made.

A `Variable` holds an array and a *record* of how it came about: a plain list of gate, records of the operands, the
arrays that pullbacks will read, and a serial number.  Operands are older than what is made of them, so going back
by falling serial numbers needs no sorting of a graph and no recursion; records know no variables, so that arrays
no pullback reads are free at once.  What cannot be recorded (`np.asarray(v)`, `float(v)`, writing into an array, a
function without a gate) is an error, never a silently detached result.

>>> x = variable([1.0, 2.0])
>>> loss = (x * x).sum()
>>> loss.backward()
>>> loss.value, x.grad
(np.float64(5.0), array([2., 4.]))
"""

from __future__ import annotations

from itertools import count
from typing import Any, NoReturn
from weakref import ref

import numpy as np

from symgrad.engine import arithmetic as gates
from symgrad.engine.entries import record_gate, record_of
from symgrad.engine.gate import Array, Gate, called
from symgrad.errors import DomainError, NotDifferentiableError, ShapeError, SymgradError

_serials = count(1)
_ndarray = np.ndarray
_plain = frozenset({float, int, bool, np.float64, np.float32, np.bool_, np.int64})

# The places of a record.
SERIAL, GATE, PARENTS, OPERANDS, OUTPUT, VALUE_SHAPE, LEAF = range(7)
Record = list[Any]


class Variable:
    """An array that remembers how it was made; see the module for an example.

    `value` is its array (read-only: nothing recorded can be changed behind the engine's back), `grad` what the
    last `backward` that reached this leaf found.  A leaf may be given a new value of the same shape; what was
    recorded before still speaks of the old one.
    """

    __slots__ = ("__weakref__", "_record", "_value", "grad")

    def __init__(self, value: Array):
        """A leaf around an array that stays the caller's; `variable` copies it."""
        self._value = value
        self._record: Record = [next(_serials), None, (), (), None, value.shape, None]
        self.grad: Any = None  # d loss / d self by the last `loss.backward()` that reached this leaf

    # --- the array ---

    @property
    def value(self) -> Array:
        """The array itself, read-only."""
        value = self._value
        if value.__class__ is _ndarray:
            value.flags.writeable = False
        return value

    @value.setter
    def value(self, new: Array) -> None:
        if self._record[GATE] is not None:
            raise DomainError("only a leaf can be given a new value, not what was computed", hint="variable(array)")
        array = floating(new)
        if array.shape != self._value.shape:
            raise ShapeError(f"the variable has shape {self._value.shape}, the new value {array.shape}")
        self._value = array.astype(self._value.dtype)[()] if array.dtype != self._value.dtype else array

    @property
    def shape(self) -> tuple[int, ...]:
        return self._value.shape  # type: ignore[no-any-return]

    @property
    def dtype(self) -> np.dtype[Any]:
        return self._value.dtype  # type: ignore[no-any-return]

    @property
    def ndim(self) -> int:
        return self._value.ndim  # type: ignore[no-any-return]

    @property
    def size(self) -> int:
        return self._value.size  # type: ignore[no-any-return]

    def __len__(self) -> int:
        return len(self._value)

    def __repr__(self) -> str:
        gate = self._record[GATE]
        made = "" if gate is None else f", made by {gate.name}"
        return f"Variable({self._value!r}{made})"

    def backward(self, seed: Any = None, *, keep: bool = False) -> None:
        """Set `grad` of every leaf that this was made of: d self / d leaf, in the leaf's shape.

        Earlier gradients are replaced, not added to.  What was recorded is freed on the way unless `keep`.
        An array needs a `seed` of its own shape (the cotangent).  Raises ShapeError, NotDifferentiableError.
        """
        from symgrad.engine.sweep import backward

        backward(self, seed, keep=keep)

    # --- operators ---

    def __add__(self, other: Any) -> Any:
        return binary(gates.ADD, self, other)

    def __radd__(self, other: Any) -> Any:
        return binary(gates.ADD, other, self)

    def __sub__(self, other: Any) -> Any:
        return binary(gates.SUBTRACT, self, other)

    def __rsub__(self, other: Any) -> Any:
        return binary(gates.SUBTRACT, other, self)

    def __mul__(self, other: Any) -> Any:
        return binary(gates.MULTIPLY, self, other)

    def __rmul__(self, other: Any) -> Any:
        return binary(gates.MULTIPLY, other, self)

    def __truediv__(self, other: Any) -> Any:
        return binary(gates.DIVIDE, self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return binary(gates.DIVIDE, other, self)

    def __matmul__(self, other: Any) -> Any:
        return binary(gates.MATMUL, self, other)

    def __rmatmul__(self, other: Any) -> Any:
        return binary(gates.MATMUL, other, self)

    def __pow__(self, other: Any) -> Any:
        if other.__class__ in (int, float) and other == 2:
            return unary(gates.SQUARE, self)
        if other.__class__ in (int, float) and other == 0:  # 1, also where the base is 0 and the slope is no number
            return apply(gates.WHERE, np.zeros(self.shape, np.bool_), self, np.ones(self.shape, self.dtype))
        return np.power(self, other)

    def __rpow__(self, other: Any) -> Any:
        return np.power(other, self)

    def __neg__(self) -> Any:
        return apply(gates.NEGATE, self)

    def __pos__(self) -> Any:
        return apply(gates.POSITIVE, self)

    def __abs__(self) -> Any:
        return np.abs(self)  # type: ignore[call-overload]

    def __getitem__(self, index: Any) -> Any:
        from symgrad.engine.functions import entries

        return entries(self, index)

    def __iter__(self) -> Any:
        if not self._value.ndim:
            raise TypeError("a scalar variable has no entries to go through")
        return (self[i] for i in range(len(self._value)))

    # Comparisons are data: arrays of booleans, as the masks that a gate would make.

    def __gt__(self, other: Any) -> Any:
        return self._value > data(other)

    def __ge__(self, other: Any) -> Any:
        return self._value >= data(other)

    def __lt__(self, other: Any) -> Any:
        return self._value < data(other)

    def __le__(self, other: Any) -> Any:
        return self._value <= data(other)

    def __eq__(self, other: object) -> Any:
        return self._value == data(other)

    def __ne__(self, other: object) -> Any:
        return self._value != data(other)

    __hash__ = object.__hash__

    # --- methods that arrays have ---

    @property
    def T(self) -> Any:
        return self.transpose()

    def transpose(self, *axes: Any) -> Any:
        """The axes in another order, reversed unless said."""
        return np.transpose(self, axes[0] if len(axes) == 1 else axes or None)  # type: ignore[call-overload]

    def reshape(self, *shape: Any, order: str = "C") -> Any:
        """The same entries in another shape."""
        return np.reshape(self, shape[0] if len(shape) == 1 else shape, order)  # type: ignore[call-overload]

    def ravel(self) -> Any:
        """The entries in one row."""
        return self.reshape(-1)

    def dot(self, other: Any) -> Any:
        """The matrix product for at most two axes."""
        return np.dot(self, other)  # type: ignore[call-overload]

    def sum(self, axis: Any = None, keepdims: bool = False) -> Any:
        """The sum over axes, over all entries unless said."""
        return np.sum(self, axis=axis, keepdims=keepdims)  # type: ignore[call-overload]

    def mean(self, axis: Any = None, keepdims: bool = False) -> Any:
        """The mean over axes, over all entries unless said."""
        return np.mean(self, axis=axis, keepdims=keepdims)  # type: ignore[call-overload]

    def max(self, axis: Any = None, keepdims: bool = False) -> Any:
        """The largest entry; at a tie the first has the slope."""
        return np.max(self, axis=axis, keepdims=keepdims)  # type: ignore[call-overload]

    def min(self, axis: Any = None, keepdims: bool = False) -> Any:
        """The smallest entry; at a tie the first has the slope."""
        return np.min(self, axis=axis, keepdims=keepdims)  # type: ignore[call-overload]

    # --- NumPy's protocols ---

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **keywords: Any) -> Any:
        if keywords.get("out") is not None:
            raise DomainError(f"np.{ufunc.__name__} would write into an array in place", hint="a new array")
        if method == "reduce":
            from symgrad.engine.functions import reduction

            return reduction(ufunc, *inputs, **keywords)
        if method != "__call__":
            raise NotDifferentiableError(f"np.{ufunc.__name__}.{method} of a variable has no gate")
        if any(k != "out" for k in keywords):
            raise NotDifferentiableError(f"np.{ufunc.__name__} of a variable takes no {', '.join(sorted(keywords))}=")
        return entrywise(ufunc, *inputs)

    def __array_function__(self, function: Any, types: Any, arguments: Any, keywords: Any) -> Any:
        from symgrad.engine.functions import of_numpy

        return of_numpy(function, arguments, keywords)

    # --- what would lose the recording ---

    def __array__(self, dtype: Any = None, copy: Any = None) -> NoReturn:
        raise _detached("as a plain array")

    def __float__(self) -> NoReturn:
        raise _detached("as a number")

    __int__ = __index__ = __complex__ = __float__

    def __bool__(self) -> NoReturn:
        raise _detached("as true or false")

    def __setitem__(self, index: Any, value: Any) -> NoReturn:
        raise DomainError("a variable cannot be written into", hint="np.where(mask, new, v), or np.concatenate")


def _detached(how: str) -> SymgradError:
    message = f"a variable taken {how} would lose how it was made"
    return NotDifferentiableError(message, hint="v.value, where no derivative should flow")


def variable(array: Any) -> Variable:
    """A leaf to differentiate by: a copy of an array of floating-point numbers.

    Raises DomainError for integers, booleans and complex numbers, which are data here.
    """
    value = floating(array)
    if value.__class__ is _ndarray:
        value.flags.writeable = False
    leaf = Variable(value)
    leaf._record[LEAF] = ref(leaf)  # where `backward` leaves the gradient; no cycle
    return leaf


def floating(array: Any) -> Array:
    """A copy as an array of floats; a number becomes a NumPy scalar.  Raises DomainError."""
    if isinstance(array, Variable):
        raise _detached("as a new leaf")
    if isinstance(array, np.ma.MaskedArray | np.matrix):
        raise DomainError(f"a {type(array).__name__} cannot be a variable", hint="a plain array")
    try:
        value: Array = np.array(array)
    except ValueError as error:
        raise ShapeError(f"rows of different lengths make no array: {error}") from error
    if value.dtype.kind != "f":
        what = {"c": "complex numbers", "b": "booleans"}.get(value.dtype.kind, f"entries of type {value.dtype}")
        raise DomainError(f"a variable holds floating-point numbers, not {what}", hint="array.astype(float)")
    return value if value.ndim else value[()]


def data(value: Any) -> Any:
    """The array in a variable, and anything else as it is."""
    return value._value if value.__class__ is Variable else value


# --- applying gates ---------------------------------------------------------------------------

_new = object.__new__
_NONE = ((), (None,), (None, None), (None,) * 3, (None,) * 4)


def binary(gate: Gate, a: Any, b: Any) -> Any:
    """A gate of two arrays, one of them at least a variable: the common case, kept short."""
    if a.__class__ is Variable:
        x, p = a._value, a._record
    else:
        x, p = (a if a.__class__ in _plain else operand(gate, 0, a)), None
    if b.__class__ is Variable:
        y, q = b._value, b._record
    else:
        y, q = (b if b.__class__ in _plain else operand(gate, 1, b)), None
    try:
        out = gate.forward(x, y)
    except (ValueError, TypeError, AttributeError) as error:
        raise _misfit(gate, (x, y), error) from error
    v: Variable = _new(Variable)
    v._value = out
    v.grad = None
    needs = gate.needs
    held = (x, y) if needs is None else _NONE[2] if not needs else _held((x, y), needs)
    v._record = [next(_serials), gate, (p, q), held, out if gate.output else None, out.shape, None]
    return v


def unseen(array: Array) -> Variable:
    """A leaf around an array that is not copied, for functions that take their arguments apart themselves."""
    v: Variable = _new(Variable)
    v._value = array
    v.grad = None
    v._record = [next(_serials), None, (), (), None, array.shape, None]
    return v


def unary(gate: Gate, a: Variable) -> Variable:
    """A gate of one variable whose forward function is no secret to a recording."""
    x = a._value
    out = gate.forward(x)
    v: Variable = _new(Variable)
    v._value = out
    v.grad = None
    held = (x,) if gate.needs is None or gate.needs else _NONE[1]
    v._record = [next(_serials), gate, (a._record,), held, out if gate.output else None, out.shape, None]
    return v


def apply(gate: Gate, *inputs: Any) -> Any:
    """What a gate gives for these operands: a variable if one of them is, else a plain array."""
    arrays = tuple([u._value if u.__class__ is Variable else u for u in inputs])
    try:
        out = called(gate.forward, *arrays) if gate.opaque else gate.forward(*arrays)
    except SymgradError:
        raise
    except (ValueError, TypeError, AttributeError, IndexError) as error:
        raise _misfit(gate, arrays, error) from error
    if gate.keeps:
        out, kept = out
        arrays = (*arrays, kept)
    parents = tuple([u._record if u.__class__ is Variable else None for u in inputs])
    if not any(parents):
        return out
    v: Variable = _new(Variable)
    v._value = out
    v.grad = None
    held = arrays if gate.needs is None else _held(arrays, gate.needs)
    v._record = [next(_serials), gate, parents, held, out if gate.output else None, out.shape, None]
    return v


def _held(arrays: tuple[Any, ...], needs: tuple[int, ...]) -> tuple[Any, ...]:
    """Operands with the arrays left out that no pullback will read; what is no array costs nothing."""
    return tuple([a if k in needs or not hasattr(a, "dtype") else None for k, a in enumerate(arrays)])


def operand(gate: Gate, place: int, given: Any) -> Array:
    """An operand that is data, copied where a pullback will read it."""
    array = constant(given)
    return frozen(array) if gate.needs is None or place in gate.needs else array


def constant(given: Any) -> Array:
    """Data: real numbers in a plain array, or what stands for one in a recording."""
    if given.__class__ is not _ndarray:
        if hasattr(given, "_symgrad_note"):
            return given
        if isinstance(given, np.ma.MaskedArray | np.matrix):
            raise DomainError(f"a {type(given).__name__} cannot be an operand", hint="a plain array")
    array: Array = given if given.__class__ is _ndarray else np.asarray(given)
    if array.dtype.kind not in "fbiu":
        raise DomainError(f"an operand holds real numbers, not entries of type {array.dtype}")
    return array


def frozen(array: Array) -> Array:
    """An array that a pullback will read: a copy, unless nobody can write to it."""
    if array.__class__ is _ndarray and array.flags.writeable:
        return array.copy()
    return array


def entrywise(ufunc: Any, *inputs: Any) -> Any:
    """A ufunc of NumPy or SciPy by the gate of its record.  Raises NotDifferentiableError naming it."""
    gate = _OPERATORS.get(ufunc)
    if gate is None:
        operation = record_of(ufunc)
        if operation is None or len(inputs) not in operation.arity:
            return _test(ufunc, inputs)
        gate = record_gate(operation, (1,) * len(inputs))
        _OPERATORS[ufunc] = gate
    return binary(gate, *inputs) if len(inputs) == 2 else unary(gate, *inputs)


# The ufuncs that are NumPy's own operators; others are found through the records of the catalogue when first met.
_OPERATORS: dict[Any, Gate] = {
    gate.forward: gate for gate in vars(gates).values() if isinstance(gate, Gate) and isinstance(gate.forward, np.ufunc)
} | {np.matmul: gates.MATMUL}


def _test(ufunc: Any, inputs: tuple[Any, ...]) -> Any:
    """A question that is answered by booleans is data; anything else needs a gate."""
    if all(signature.endswith("?") or "O" in signature for signature in ufunc.types):
        return ufunc(*(data(u) for u in inputs))
    hint = "symgrad.gate(forward, pullback), or v.value where no derivative should flow"
    raise NotDifferentiableError(f"np.{ufunc.__name__} of a variable has no gate", hint=hint)


def _misfit(gate: Gate, arrays: Any, error: Exception) -> SymgradError:
    shapes = " and ".join(str(a.shape) for a in arrays if hasattr(a, "shape"))
    return ShapeError(f"{gate.name} cannot be computed for shapes {shapes}: {error}")
