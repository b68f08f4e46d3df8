"""The function that people call: arrays by name, checked, at the price of a few comparisons.

Arrays whose types and shapes fit go straight to the program for them, in one frame that is written for these
arguments: classes and precisions are compared by identity, dimensions as they are read off.  Whatever does not fit
(lists, integers, another precision, a wrong shape, a name too many) goes to `slow`, which converts it or says what
is wrong.  The names of the arguments are parameters, so positions serve as well.

>>> from symgrad.tensor.dims import letter
>>> print(door_text([("x", (letter("n"),)), ("A", (letter("n"), 3))], (), False).splitlines()[2].strip())
def derivative(x=_absent, A=_absent, **_others):
"""

from __future__ import annotations

import keyword
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from symgrad.tensor.dims import Dim, Shape, Size, letters_of

Given = Sequence[tuple[str, Shape]]  # the arguments with the shapes they arrive in
Slow = Callable[[dict[str, Any]], Any]

_DOOR = """
def make(_absent, _array, _double, _single, _f64, _f32, _number, _double_for, _single_for, _slow, _finish):
    def {name}({parameters}**_others):
        try:
            if {classes}not _others:
{shapes}
                if {fits}:
                    if {doubles}:
{double_numbers}
                        _run = _double_for({key})
                    elif {singles}:
{single_numbers}
                        _run = _single_for({key})
                    else:
                        _run = None
                    _result = _run({positional})
                    return _result if _result.__class__ is _array else _finish(_result, ({words}))
        except Exception:
            pass  # what does not fit is looked at in full
        return _slow({{n: a for n, a in {pairs} if a is not _absent}} | _others)
    return {name}
"""


class _Unfit(Exception):
    """No door can be written for such arguments."""


def door(
    given: Given,
    lengths: Sequence[Size],
    programs: Mapping[str, Mapping[Any, Callable[..., Any]]],
    depends: bool,
    slow: Slow,
    finish: Callable[[Any, Sequence[Any]], Any],
) -> Callable[..., Any]:
    """The function; `programs` are those for "d" and "f" arrays, by sizes where they depend on these."""
    try:
        text = door_text(given, lengths, depends)
    except _Unfit:
        return lambda **arrays: slow(arrays)
    namespace: dict[str, Any] = {}
    exec(compile(text, "<symgrad call>", "exec"), namespace)  # names in it are checked identifiers
    types = np.dtype(np.float64), np.dtype(np.float32), np.float64, np.float32
    known = programs["d"].get, programs["f"].get
    made: Callable[..., Any] = namespace["make"](object(), np.ndarray, *types, _number, *known, slow, finish)
    return made


def _number(value: Any, kind: Any) -> Any:
    """A scalar argument as a number of NumPy's."""
    if value.__class__ is np.ndarray and value.dtype.char == kind.char and not value.ndim:
        return value[()]
    if value.__class__ in (float, int):
        return kind.type(value)
    raise TypeError


def letters_in(given: Given) -> list[str]:
    """The dimension letters of the arguments, in the order in which programs take them."""
    return letters_of(s for _, shape in given for s in shape)


def door_text(given: Given, lengths: Sequence[Size], depends: bool) -> str:
    """The text of the door."""
    names = [n for n, _ in given]
    if not given or any(not n.isidentifier() or not n.isascii() or keyword.iskeyword(n) or n[0] == "_" for n in names):
        raise _Unfit
    letters = letters_in(given)
    if any(a not in {str(s) for _, shape in given for s in shape} for a in letters):
        raise _Unfit  # a letter has to be solved for
    arrays = [(n, shape) for n, shape in given if shape]
    numbers = [n for n, shape in given if not shape]
    shapes, conditions = _shapes(arrays)
    conditions += [f"{_text(s)} >= 1" for s in lengths]
    return _DOOR.format(
        name="derivative",
        parameters="".join(f"{n}=_absent, " for n in names),
        classes="".join(f"{n}.__class__ is _array and " for n, _ in arrays),
        shapes="\n".join(f"                {line}" for line in shapes or ["pass"]),
        fits=" and ".join(conditions) or "True",
        doubles=" and ".join(f"{n}.dtype is _double" for n, _ in arrays) or "True",
        singles=" and ".join(f"{n}.dtype is _single" for n, _ in arrays) or "False",
        double_numbers=_numbers(numbers, "_f64", "_double"),
        single_numbers=_numbers(numbers, "_f32", "_single"),
        key=f"({''.join(f'_d_{a}, ' for a in letters)})" if depends else "()",
        positional=", ".join([*names, *(f"_d_{a}" for a in letters)]),
        words="".join(f"{n}, " for n in names),
        pairs=f"({''.join(f'({n!r}, {n}), ' for n in names)})",
    )


def _numbers(names: Sequence[str], kind: str, dtype: str) -> str:
    lines = [f"if {n}.__class__ is not {kind}: {n} = _number({n}, {dtype})" for n in names]
    return "\n".join(f"                        {line}" for line in lines or ["pass"])


def _shapes(arrays: Given) -> tuple[list[str], list[str]]:
    """Statements that read the shapes, and what must hold of them."""
    lines: list[str] = []
    waiting: list[str] = []
    known: set[str] = set()
    for name, shape in arrays:
        targets = []
        for size in shape:
            if _is_letter(size) and str(size) not in known:
                known.add(str(size))
                targets.append(f"_d_{size}")
            else:
                targets.append(f"_s{len(waiting)}")
                waiting.append(f"_s{len(waiting)} == {_text(size)}")
        lines.append(f"{', '.join(targets)}, = {name}.shape")
    return lines, waiting


def _is_letter(size: Size) -> bool:
    return isinstance(size, Dim) and len(size.terms) == 1 and size.terms[0][1] == 1 and len(size.terms[0][0]) == 1


def _text(size: Size) -> str:
    """A dimension over the letters `_d_n`."""
    if isinstance(size, int):
        return str(size)
    return " + ".join("*".join([str(c), *(f"_d_{a}" for a in monomial)]) for monomial, c in size.terms)
