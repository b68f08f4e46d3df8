"""The closed set of node kinds of the einsum graph.

Nodes are immutable and hash-consed: the same kind with the same arguments is the same object, so
equality is identity and sharing is free.  Make them only through `symgrad.tensor.build`, which also
simplifies.  This module knows shapes and identity, no algebra and no calculus.

| kind     | what it is |
| -------- | ---------- |
| Input    | a named array with its properties |
| Einsum   | coefficient x product of labelled factors; labels 0..rank-1 are the output's axes, the others are summed |
| Add      | a sum of nodes of one shape, each with a coefficient |
| Power    | entry by entry, the exponent being a scalar node |
| Map      | a function of the catalogue applied entry by entry |
| Apply    | a function of a whole vector or matrix; leading axes are a batch, further arguments parameters |
| Delta    | identity over two axes;  Ones: one axis of ones;  Unit: e_i |
| Size     | a dimension as a number;  Constant: pi;  Reindex: regroups flat axes |
| Shift    | 1 where o + offset = i + k, the pattern of a convolution;  Triangle: 1 on and below the diagonal |
| Window   | 1 where i = o + offset: the places of a block among those of the array that it is a part of |

>>> from symgrad.tensor.dims import letter
>>> Input.make("x", (letter("n"),)) is Input.make("x", (letter("n"),))
True
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable
from fractions import Fraction
from typing import Any, ClassVar, Protocol, cast
from weakref import ref
from zlib import crc32

from symgrad.tensor.dims import Shape, key_of
from symgrad.tensor.dims import Size as Dimension

_MINUS_TWO, _APART = -2, 0x9E3779B9  # Python's hash(-2) is hash(-1): keys take another number for it
COUNTED = 10**9  # symbols up to which an expression that doubles with every step is measured

Coefficient = int | Fraction
Label = int
Factor = tuple["Node", tuple[Label, ...]]


class EntrywiseFunction(Protocol):
    """What the graph needs to know of a function applied entry by entry."""

    @property
    def name(self) -> str: ...
    @property
    def partials(self) -> tuple[Callable[..., Node], ...]: ...
    @property
    def simplify(self) -> Callable[..., Node | None] | None: ...
    @property
    def positive(self) -> bool: ...
    @property
    def aliases(self) -> Callable[..., tuple[tuple[Node, Node], ...]] | None: ...
    @property
    def rules(self) -> tuple[Callable[[Node], Node | None], ...]: ...
    @property
    def written(self) -> str: ...
    @property
    def kinks(self) -> str | None: ...


class WholeFunction(Protocol):
    """What the graph needs to know of a function of a whole vector or matrix."""

    @property
    def name(self) -> str: ...
    @property
    def core(self) -> str: ...
    @property
    def jacobian(self) -> Callable[..., Any]: ...
    @property
    def slopes(self) -> tuple[Callable[..., Any], ...]: ...
    @property
    def simplify(self) -> Callable[..., Node | None] | None: ...
    @property
    def transposes(self) -> bool: ...
    @property
    def positive(self) -> bool: ...
    @property
    def aliases(self) -> Callable[..., tuple[tuple[Node, Node], ...]] | None: ...
    @property
    def sums_to_one(self) -> bool: ...
    @property
    def inverts(self) -> bool: ...
    @property
    def kinks(self) -> str | None: ...
    @property
    def written(self) -> str: ...
    @property
    def rows(self) -> tuple[str, ...]: ...
    @property
    def rules(self) -> tuple[Callable[[Node], Node | None], ...]: ...


class _Kept(ref):  # type: ignore[type-arg]
    """A node as the table of its kind holds it: weakly, and gone from the table with the node."""

    __slots__ = ("identity", "table")
    identity: Hashable
    table: dict[Hashable, _Kept]


def _forget(kept: _Kept) -> None:
    if kept.table.get(kept.identity) is kept:
        del kept.table[kept.identity]


class Node:
    """A tensor: `shape` has one size per axis, `args` the nodes it is made of.

    `key` orders nodes alike in every process; it is never used for identity.
    """

    __slots__ = ("__weakref__", "args", "key", "rank", "shape", "symbols", "symmetry")
    _table: ClassVar[dict[Hashable, _Kept]]  # of one kind: every node that is alive, by what it is made of

    shape: Shape
    args: tuple[Node, ...]
    key: int
    rank: int  # the number of axes
    symbols: int  # how many nodes it would have were it written out, what is shared each time anew; COUNTED at most
    symmetry: int | None  # of a square matrix, once it is known: see `canonical.symmetry`; else 0

    def __init_subclass__(cls) -> None:
        cls._table = {}

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.shape}>"

    def __reduce__(self) -> Any:
        raise TypeError("graph nodes are interned per process; send the expression's text instead")


def _interned(cls: type[Node], identity: Hashable) -> Node | None:
    kept = cls._table.get(identity)
    return None if kept is None else kept()


def _intern(node: Node, identity: Hashable, shape: Shape, args: tuple[Node, ...], key: int) -> Node:
    rank = len(shape)
    node.shape, node.rank, node.args, node.key = shape, rank, args, key
    symbols = 1
    for a in args:
        symbols += a.symbols
    node.symbols = symbols if symbols < COUNTED else COUNTED
    node.symmetry = None if rank == 2 and shape[0] == shape[1] else 0
    table = type(node)._table
    kept = table[identity] = _Kept(node, _forget)
    kept.identity, kept.table = identity, table
    return node


class Input(Node):
    """A named array."""

    __slots__ = ("name", "properties")
    name: str
    properties: frozenset[str]

    @staticmethod
    def make(name: str, shape: Shape, properties: frozenset[str] = frozenset()) -> Input:
        identity = (name, shape, properties)
        found = _interned(Input, identity)
        if found is None:
            found = Input()
            found.name, found.properties = name, properties
            key = hash((1, crc32(name.encode()), *map(key_of, shape)))
            _intern(found, identity, shape, (), key)
        return cast(Input, found)

    def __repr__(self) -> str:
        return self.name


class Einsum(Node):
    """coefficient * sum over labels >= rank of the product of factors."""

    __slots__ = ("coefficient", "factors")
    coefficient: Coefficient
    factors: tuple[Factor, ...]

    @staticmethod
    def make(coefficient: Coefficient, factors: tuple[Factor, ...], shape: Shape) -> Einsum:
        rank = len(shape)
        number = coefficient if type(coefficient) is int else coefficient.as_integer_ratio()  # slow to hash itself
        identity = (number, factors, rank)
        kept = Einsum._table.get(identity)
        found = None if kept is None else kept()
        if found is None:
            found = Einsum()
            found.coefficient, found.factors = coefficient, factors
            if number is _MINUS_TWO:
                number = _APART
            if len(factors) == 2:  # the commonest case
                (a, labels), (b, others) = factors
                _intern(found, identity, shape, (a, b), hash((2, number, rank, a.key, b.key, labels, others)))
            else:
                args = tuple([n for n, _ in factors])
                key = hash((2, number, rank, *[n.key for n in args], *[labels for _, labels in factors]))
                _intern(found, identity, shape, args, key)
        return found  # type: ignore[return-value]

    @staticmethod
    def known(coefficient: Coefficient, factors: tuple[Any, ...], out: tuple[Hashable, ...]) -> Einsum | None:
        """The product that exists already with just these factors in this order and labelling, or None."""
        if out != tuple(range(len(out))):
            return None
        number = coefficient if type(coefficient) is int else coefficient.as_integer_ratio()
        kept = Einsum._table.get((number, factors, len(out)))
        return None if kept is None else kept()  # type: ignore[return-value]

    def __repr__(self) -> str:
        body = " ".join(f"{n!r}{list(labels)}" for n, labels in self.factors)
        return f"({self.coefficient} {body} -> {self.rank})"


class Add(Node):
    """A sum of `coefficient * node`; no term at all is the zero of that shape."""

    __slots__ = ("terms",)
    terms: tuple[tuple[Coefficient, Node], ...]

    @staticmethod
    def make(terms: tuple[tuple[Coefficient, Node], ...], shape: Shape) -> Add:
        identity = (terms, shape)
        kept = Add._table.get(identity)
        found = None if kept is None else kept()
        if found is None:
            found = Add()
            found.terms = terms
            if len(terms) == 2:  # the commonest case
                (c, a), (d, b) = terms
                first, second = _APART if c is _MINUS_TWO else c, _APART if d is _MINUS_TWO else d
                key = hash((3, (first, a.key), (second, b.key), *map(key_of, shape)))
                _intern(found, identity, shape, (a, b), key)
            else:
                parts = [(_APART if c is _MINUS_TWO else c, n.key) for c, n in terms]
                key = hash((3, *parts, *map(key_of, shape)))
                _intern(found, identity, shape, tuple([n for _, n in terms]), key)
        return found  # type: ignore[return-value]

    def __repr__(self) -> str:
        return "(" + " + ".join(f"{c}*{n!r}" for c, n in self.terms) + ")"


class Power(Node):
    """base ^ exponent entry by entry; the exponent is a scalar node."""

    __slots__ = ()

    @staticmethod
    def make(base: Node, exponent: Node) -> Power:
        identity = (base, exponent)
        found = _interned(Power, identity)
        if found is None:
            found = _intern(Power(), identity, base.shape, (base, exponent), hash((4, base.key, exponent.key)))
        return cast(Power, found)

    @property
    def base(self) -> Node:
        return self.args[0]

    @property
    def exponent(self) -> Node:
        return self.args[1]

    def __repr__(self) -> str:
        return f"{self.base!r}^{self.exponent!r}"


class Map(Node):
    """A scalar function of the catalogue, entry by entry; scalar arguments are spread."""

    __slots__ = ("op",)
    op: EntrywiseFunction

    @staticmethod
    def make(op: EntrywiseFunction, args: tuple[Node, ...], shape: Shape) -> Map:
        identity = (op, args)
        found = _interned(Map, identity)
        if found is None:
            found = Map()
            found.op = op
            key = hash((5, crc32(op.name.encode()), *(a.key for a in args)))
            _intern(found, identity, shape, args, key)
        return cast(Map, found)

    def __repr__(self) -> str:
        return f"{self.op.name}({', '.join(map(repr, self.args))})"


def value_shape(core: str, shape: Shape) -> Shape:
    """The axes of f(X) where X has the axes `shape` and f is of this core.

    >>> value_shape("m->t", (2, 3)), value_shape("m->mm", (3, 3)), value_shape("v->s", (4,))
    ((3, 2), (3, 3, 3, 3), ())
    """
    target = core.split("->")[1]
    if target == "s":
        return ()
    half = len(shape) // 2
    return shape[half:] + shape[:half] if target == "t" else shape * len(target)


class Apply(Node):
    """A function of the last axes of its argument (`op.core`), the first `batch` axes being a batch.

    Further arguments (an exponent, a direction) are parameters of the function; a batch has none.
    """

    __slots__ = ("batch", "op")
    op: WholeFunction
    batch: int

    @staticmethod
    def make(op: WholeFunction, arg: Node, batch: int, more: tuple[Node, ...] = ()) -> Apply:
        identity = (op, arg, batch, more)
        found = _interned(Apply, identity)
        if found is None:
            found = Apply()
            found.op, found.batch = op, batch
            shape = arg.shape[:batch] + value_shape(op.core, arg.shape[batch:])
            key = hash((6, crc32(op.name.encode()), batch, arg.key, *(a.key for a in more)))
            _intern(found, identity, shape, (arg, *more), key)
        return cast(Apply, found)

    def __repr__(self) -> str:
        return f"{self.op.name}({', '.join(map(repr, self.args))})"


class Delta(Node):
    """The identity: 1 where its two indices agree."""

    __slots__ = ()

    @staticmethod
    def make(size: Dimension) -> Delta:
        found = _interned(Delta, size)
        if found is None:
            found = _intern(Delta(), size, (size, size), (), hash((7, key_of(size))))
        return cast(Delta, found)

    def __repr__(self) -> str:
        return "delta"


class Ones(Node):
    """A vector of ones: the spreading of a value along an axis."""

    __slots__ = ()

    @staticmethod
    def make(size: Dimension) -> Ones:
        found = _interned(Ones, size)
        if found is None:
            found = _intern(Ones(), size, (size,), (), hash((8, key_of(size))))
        return cast(Ones, found)

    def __repr__(self) -> str:
        return "ones"


class Unit(Node):
    """The unit vector e_i, i counting from 1."""

    __slots__ = ("index",)
    index: int

    @staticmethod
    def make(index: int, size: Dimension) -> Unit:
        found = _interned(Unit, (index, size))
        if found is None:
            found = Unit()
            found.index = index
            _intern(found, (index, size), (size,), (), hash((9, index, key_of(size))))
        return cast(Unit, found)


class Size(Node):
    """A dimension as a number."""

    __slots__ = ("size",)
    size: Dimension

    @staticmethod
    def make(size: Dimension) -> Size:
        found = _interned(Size, size)
        if found is None:
            found = Size()
            found.size = size
            _intern(found, size, (), (), hash((10, key_of(size))))
        return cast(Size, found)

    def __repr__(self) -> str:
        return str(self.size)


class Constant(Node):
    """A named real number that is not rational, such as pi."""

    __slots__ = ("name",)
    name: str

    @staticmethod
    def make(name: str) -> Constant:
        found = _interned(Constant, name)
        if found is None:
            found = Constant()
            found.name = name
            _intern(found, name, (), (), hash((11, crc32(name.encode()))))
        return cast(Constant, found)

    def __repr__(self) -> str:
        return self.name


class Reindex(Node):
    """1 where two groups of axes, each read as one flat index (slowest first), agree."""

    __slots__ = ("split",)
    split: int

    @staticmethod
    def make(first: Shape, second: Shape) -> Reindex:
        identity = (first, second)
        found = _interned(Reindex, identity)
        if found is None:
            found = Reindex()
            found.split = len(first)
            key = hash((12, len(first), *map(key_of, first + second)))
            _intern(found, identity, first + second, (), key)
        return cast(Reindex, found)


class Shift(Node):
    """T[o, i, k] = 1 where o + offset = i + k, counted from 0: the pattern of a convolution."""

    __slots__ = ("offset",)
    offset: Dimension

    @staticmethod
    def make(shape: tuple[Dimension, Dimension, Dimension], offset: Dimension) -> Shift:
        identity = (shape, offset)
        found = _interned(Shift, identity)
        if found is None:
            found = Shift()
            found.offset = offset
            _intern(found, identity, shape, (), hash((13, key_of(offset), *map(key_of, shape))))
        return cast(Shift, found)

    def __repr__(self) -> str:
        return f"shift({self.offset})"


class Triangle(Node):
    """L[i, j] = 1 where i >= j, else 0; its transpose is the upper triangle."""

    __slots__ = ()

    @staticmethod
    def make(rows: Dimension, columns: Dimension) -> Triangle:
        identity = (rows, columns)
        found = _interned(Triangle, identity)
        if found is None:
            found = _intern(Triangle(), identity, identity, (), hash((14, key_of(rows), key_of(columns))))
        return cast(Triangle, found)

    def __repr__(self) -> str:
        return "triangle"


class Window(Node):
    """W[o, i] = 1 where i = o + offset, counted from 0: entries of a block in the array that it is a part of."""

    __slots__ = ("offset",)
    offset: Dimension

    @classmethod
    def are_about(cls) -> bool:
        """Whether any window is alive: where none is, nothing has to look for one."""
        return bool(cls._table)

    @staticmethod
    def make(size: Dimension, whole: Dimension, offset: Dimension) -> Window:
        identity = (size, whole, offset)
        found = _interned(Window, identity)
        if found is None:
            found = Window()
            found.offset = offset
            _intern(found, identity, (size, whole), (), hash((15, *map(key_of, identity))))
        return cast(Window, found)

    def __repr__(self) -> str:
        return f"window({self.offset})"


def walk(*roots: Node, beyond: Collection[Node] = ()) -> list[Node]:
    """Every distinct node after its arguments, iteratively; nodes `beyond` are left out with what is below them."""
    seen: set[Node] = set(beyond)
    order: list[Node] = []
    stack: list[Node | None] = [*roots[::-1]]
    while stack:
        node = stack.pop()
        if node is None:  # the arguments of the node below it are done
            order.append(stack.pop())  # type: ignore[arg-type]
        elif node not in seen:
            seen.add(node)
            if node.args:
                stack += (node, None, *node.args[::-1])
            else:
                order.append(node)
    return order
