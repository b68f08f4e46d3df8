"""Attributes that are made when they are first asked for, and then kept.

As `functools.cached_property`, whose lock (until Python 3.12) costs more than many of the things that are kept here.
Two threads that ask at once both make the value, and one of the two equal values stays.

>>> class Word:
...     @lazy
...     def length(self):
...         return 3
>>> word = Word()
>>> word.length, vars(word)
(3, {'length': 3})
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, Self, TypeVar, overload

T = TypeVar("T")


class lazy(Generic[T]):
    """The attribute with the value that a method gives."""

    def __init__(self, make: Callable[[Any], T]) -> None:
        self.make, self.name, self.__doc__ = make, make.__name__, make.__doc__

    @overload
    def __get__(self, instance: None, owner: type | None = None) -> Self: ...
    @overload
    def __get__(self, instance: object, owner: type | None = None) -> T: ...
    def __get__(self, instance: object | None, owner: type | None = None) -> Self | T:
        if instance is None:
            return self
        value = instance.__dict__[self.name] = self.make(instance)
        return value
