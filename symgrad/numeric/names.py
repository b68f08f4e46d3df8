"""Names for generated code that clash with nothing.

Arguments keep the user's names; a name that Python, its builtins or NumPy take gets an underscore.
Temporaries are t1, t2, ... where these are free.

>>> names = Names()
>>> names.claim("lambda"), names.claim("np"), names.claim("x"), names.temporary()
('lambda_', 'np_', 'x', 't1')
"""

from __future__ import annotations

import builtins
import keyword
from collections.abc import Iterable
from unicodedata import normalize

from symgrad.errors import UnknownNameError

MODULES = ("np", "linalg", "signal", "special", "jax", "jnp", "torch")
RESERVED = frozenset({*keyword.kwlist, *dir(builtins), *MODULES, "dtype", "self", "spd_inverse"})


class Names:
    """The names that one generated function uses."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self.taken = {*RESERVED, *taken}
        self._temporaries = 0

    def claim(self, wanted: str) -> str:
        """`wanted`, or a name near it that is free."""
        name = normalize("NFKC", wanted)  # as Python reads identifiers
        if not name.isidentifier():
            raise UnknownNameError(f"{wanted!r} cannot be a name in Python", hint="letters, digits and _")
        while name in self.taken:
            name += "_"
        self.taken.add(name)
        return name

    def temporary(self) -> str:
        """t1, t2, ..."""
        while True:
            self._temporaries += 1
            name = f"t{self._temporaries}"
            if name not in self.taken:
                self.taken.add(name)
                return name
