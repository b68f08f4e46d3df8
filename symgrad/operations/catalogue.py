"""Looking operations up: by canonical name and by every spelling.

The records are the only source; a user's own operation is added with `register`.

>>> record("trace").name, record("multiply").notation.text
('tr', '*')
"""

from __future__ import annotations

from collections.abc import Iterator

from symgrad.errors import UnknownNameError, did_you_mean
from symgrad.operations import (
    arithmetic,
    blocks,
    constructors,
    convolution,
    elementwise,
    exponential,
    matrices,
    powers,
    reductions,
)
from symgrad.operations.primary import derivative_of
from symgrad.operations.record import Elementwise, Operation, TensorFunction

LOGARITHM: Elementwise = elementwise.LOG

_BUILT_IN: tuple[Operation, ...] = (
    *arithmetic.RECORDS,
    *elementwise.RECORDS,
    *reductions.RECORDS,
    *matrices.RECORDS,
    *exponential.RECORDS,
    *convolution.RECORDS,
    *blocks.RECORDS,
    *constructors.RECORDS,
)


def _index(records: tuple[Operation, ...]) -> dict[str, Operation]:
    table: dict[str, Operation] = {}
    for entry in records:
        for name in (entry.name, *entry.spellings):
            if name in table:
                raise ValueError(f"two operations are called {name}")
            table[name] = entry
    return table


_table = _index(_BUILT_IN)
_callable: list[str] = []  # names that may stand before a parenthesis, filled from the table when asked for


def record(name: str) -> Operation:
    """The record of an operation by its name or one of its spellings.  Raises UnknownNameError."""
    found = _table.get(name)
    if found is None:
        raise UnknownNameError(f"there is no function {name}", hint=did_you_mean(name, function_names()))
    return found


def find(name: str) -> Operation | None:
    """The record of a name or spelling, or None."""
    return _table.get(name)


def derivative_named(written: str) -> TensorFunction | None:
    """The derivative of a function of square matrices as an array: `dexpm`, `d2expm`, `dpower`, ..."""
    for family in (exponential.EXPONENTIAL, powers.POWERS):
        order = written.removesuffix(family.name).removeprefix("d") if written.endswith(family.name) else "-"
        if written.startswith("d") and (order == "" or (order.isdecimal() and len(order) < 2)):
            return derivative_of(family, int(order or 1))
    return None


def function_names() -> list[str]:
    """What may stand before a parenthesis."""
    if not _callable:
        calls = ((name, entry.notation) for name, entry in _table.items() if entry.name == entry.notation.text)
        _callable.extend(name for name, notation in calls if notation.fixity == "call")
    return list(_callable)


def records() -> Iterator[Operation]:
    """Every record once."""
    return iter(dict.fromkeys(_table.values()))


def register(entry: Operation) -> None:
    """Add a user's operation; it is then parsed, differentiated, evaluated and printed as the built-in ones."""
    for name in (entry.name, *entry.spellings):
        if name in _table:
            raise UnknownNameError(f"{name} is already an operation", hint="another name")
    _table.update(_index((entry,)))
    _callable.clear()


def unregister(name: str) -> None:
    """Take a user's operation out again.  Raises UnknownNameError for any other."""
    entry = _table.get(name)
    if entry is None or entry in _BUILT_IN:
        raise UnknownNameError(f"{name} is not an operation that was added", hint="the name of a registered one")
    for spelling in (entry.name, *entry.spellings):
        del _table[spelling]
    _callable.clear()


def latex_templates() -> dict[str, str]:
    """How each operation that brings its own LaTeX is written, by name."""
    return {name: entry.notation.latex for name, entry in _table.items() if entry.notation.latex is not None}
