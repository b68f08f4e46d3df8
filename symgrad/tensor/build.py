"""The constructors of the graph: every node is made here, simplified by what is always true.

Products: coefficients collect, deltas vanish by renaming, ones fold away, powers of one base merge,
single factors inline, labels become canonical.  Sums: like terms collect.  Only cheap, local rules
live here, so building is linear; expansion for proofs is `normal`, presentation is in `calculus`.

>>> from symgrad.tensor.dims import letter
>>> n = letter("n")
>>> x, A = Input.make("x", (n,)), Input.make("A", (n, n))
>>> einsum([(A, "ij"), (Delta.make(n), "jk"), (x, "k")], "i") is einsum([(x, "a"), (A, "ba")], "b")
True
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from fractions import Fraction
from itertools import count
from math import gcd, lcm

from symgrad.errors import LimitError, ShapeError
from symgrad.tensor.canonical import canonical_product
from symgrad.tensor.dims import Shape, letter
from symgrad.tensor.dims import Size as Dimension
from symgrad.tensor.nodes import (
    Add,
    Apply,
    Coefficient,
    Constant,
    Delta,
    Einsum,
    EntrywiseFunction,
    Input,
    Map,
    Node,
    Ones,
    Power,
    Reindex,
    Shift,
    Size,
    Triangle,
    Unit,
    WholeFunction,
    Window,
)
from symgrad.tensor.numbers import exact, multiplied, number_power
from symgrad.tensor.signs import is_positive

REPEATS = 8  # x^k up to this k is k equal factors, beyond it a Power
MOST_AXES = 200  # of one array; Kronecker products keep the axes of their factors

Labels = Sequence[Hashable]
Factors = list[tuple[Node, tuple[Hashable, ...]]]
_fresh = count()
_LINES = frozenset((Delta, Ones))
_OPAQUE = frozenset(
    (Input, Map, Apply, Size, Unit, Constant, Reindex, Shift, Triangle)
)  # factors that nothing is done to


# --- numbers ---------------------------------------------------------------------------------


def number(value: Coefficient) -> Node:
    """A rational number as a scalar node."""
    return Einsum.make(exact(value), (), ())


ONE = number(1)
MINUS_ONE = number(-1)


def as_number(node: Node) -> Coefficient | None:
    """The rational number that a scalar node is, if it is one."""
    if type(node) is Einsum and not node.factors:
        return node.coefficient
    if type(node) is Add and not node.terms and not node.shape:
        return 0
    return None


def zero(shape: Shape) -> Node:
    """The zero tensor."""
    return Add.make((), shape) if shape else number(0)


def is_zero(node: Node) -> bool:
    """Whether a node is the zero of its shape."""
    return (type(node) is Add and not node.terms) or as_number(node) == 0


def size_number(size: Dimension) -> Node:
    """A dimension as a scalar node; a product of letters is the product of their numbers."""
    if isinstance(size, int):
        return number(size)
    if len(size.terms) > 1 or (len(size.terms[0][0]) == 1 and size.terms[0][1] == 1):
        return Size.make(size)
    letters, coefficient = size.terms[0]
    return einsum([(Size.make(letter(a)), ()) for a in letters], (), coefficient)


def full(value: Node, shape: Shape) -> Node:
    """A scalar spread over a shape."""
    if len(shape) == 1 and value is ONE:
        return Ones.make(shape[0])
    return einsum([(value, ()), *((Ones.make(s), (i,)) for i, s in enumerate(shape))], range(len(shape)))


# --- products --------------------------------------------------------------------------------


def einsum(factors: Iterable[tuple[Node, Labels]], out: Labels, coefficient: Coefficient = 1) -> Node:
    """coefficient * product of factors, summed over the labels that `out` does not have.

    Labels are any hashable values; those of `out` are distinct and each occurs in a factor.
    """
    pairs: Factors = [(node, labels if type(labels) is tuple else tuple(labels)) for node, labels in factors]
    return product_of(pairs, tuple(out), coefficient)


def product_of(pairs: Factors, out: tuple[Hashable, ...], coefficient: Coefficient = 1) -> Node:
    """`einsum` of labels that are tuples already."""
    known = Einsum.known(coefficient, tuple(pairs), out)
    if known is not None:
        return known
    plain = _plain(pairs, coefficient)
    if plain is not None:  # nothing to inline, to fold or to merge
        return _interned(*plain, out)
    return _Product.of(pairs, out, coefficient)


def split_product(pairs: Factors, out: tuple[Hashable, ...], coefficient: Coefficient = 1) -> tuple[Coefficient, Node]:
    """`product_of` with the number that is seen at once apart: no node is made that has it (a sum has it inside)."""
    plain = _plain(pairs, coefficient)
    if plain is None:
        return 1, _Product.of(pairs, out, coefficient)
    found = _interned(1, plain[1], out)
    return (1, scaled(plain[0], found)) if type(found) is Add else (plain[0], found)


def _plain(pairs: Factors, coefficient: Coefficient) -> tuple[Coefficient, Factors] | None:
    """The coefficient and factors of a product in which nothing can be simplified; None where something may."""
    if not coefficient:
        return None
    for node, _ in pairs:
        if type(node) not in _OPAQUE:
            break
    else:
        repeats = len(pairs) > REPEATS or Triangle in [type(n) for n, _ in pairs]
        return None if repeats and len(set(pairs)) < len(pairs) else (coefficient, pairs)
    factors: Factors = []
    for pair in pairs:
        node, labels = pair
        kind = type(node)
        if kind in _OPAQUE:
            factors.append(pair)
        elif kind is Einsum and _stays_whole(node):  # type: ignore[arg-type]
            if node.coefficient != 1:  # type: ignore[attr-defined]
                coefficient = multiplied(coefficient, node.coefficient)  # type: ignore[attr-defined]
                node = unit(node)  # type: ignore[arg-type]
            factors.append((node, labels))
        elif kind is Add and node.args:
            content, node = primitive(node)  # type: ignore[arg-type]
            coefficient *= content
            factors.append((node, labels))
        elif kind is Einsum and len(node.args) < 2:  # a number, a transpose
            coefficient = multiplied(coefficient, node.coefficient)  # type: ignore[attr-defined]
            if node.args:
                inner, places = node.factors[0]  # type: ignore[attr-defined]
                if type(inner) not in _OPAQUE or max(places, default=-1) >= len(labels):
                    return None
                factors.append((inner, tuple([labels[a] for a in places])))
        else:
            return None
    if not coefficient:
        return None
    if len(factors) == 1:
        return (coefficient, factors) if type(factors[0][0]) is not Einsum else None
    if len(factors) == 2:
        return (coefficient, factors) if factors[0] != factors[1] else None
    return (coefficient, factors) if len(set(factors)) == len(factors) > 1 else None


def _stays_whole(node: Einsum) -> bool:
    """Whether a product is one factor of the product around it: it has two factors and more than deltas and ones."""
    for n in node.args:
        if type(n) not in _LINES:
            return len(node.args) > 1
    return False


def permuted(node: Node, axes: Sequence[int]) -> Node:
    """The node with its axes in another order: axis i of the result is axis axes[i]."""
    own, wanted = tuple(range(node.rank)), tuple(axes)
    return node if wanted == own else product_of([(node, own)], wanted)


def transposed(node: Node) -> Node:
    """A' of a node with two axes."""
    return permuted(node, (1, 0))


def scaled(coefficient: Coefficient, node: Node) -> Node:
    """coefficient * node."""
    if coefficient == 1:
        return node
    if type(node) is Einsum and coefficient and node.factors:
        total = exact(coefficient * node.coefficient)
        return unit(node) if total == 1 else Einsum.make(total, node.factors, node.shape)
    if type(node) is Add and coefficient:
        scaled_terms = [(coefficient * c, n) for c, n in node.terms]
        return Add.make(tuple([(c if type(c) is int else exact(c), n) for c, n in scaled_terms]), node.shape)
    return einsum([(node, range(node.rank))], range(node.rank), coefficient)


def hadamard(*nodes: Node, coefficient: Coefficient = 1) -> Node:
    """The entry by entry product; scalars are spread."""
    axes: tuple[Hashable, ...] = tuple(range(max([n.rank for n in nodes], default=0)))
    return product_of([(n, axes if n.rank else ()) for n in nodes], axes, coefficient)


class _Product:
    """A product under construction: inlines and collects, then `finish` makes the node."""

    __slots__ = ("coefficient", "deltas", "factors", "ones", "zero")

    def __init__(self, coefficient: Coefficient):
        self.coefficient = coefficient
        self.factors: list[tuple[Node, tuple[Hashable, ...]]] = []
        self.deltas: list[tuple[Dimension, tuple[Hashable, ...]]] = []
        self.ones: dict[Hashable, Dimension] = {}
        self.zero = coefficient == 0

    @staticmethod
    def of(pairs: Factors, out: tuple[Hashable, ...], coefficient: Coefficient) -> Node:
        """The whole product."""
        product = _Product(coefficient)
        for node, labels in pairs:
            product.multiply(node, labels)
        return product.finish(out)

    def multiply(self, node: Node, labels: tuple[Hashable, ...]) -> None:
        kind = type(node)
        if kind is Einsum:
            self._multiply_einsum(node, labels)  # type: ignore[arg-type]
        elif kind is Delta:
            self.deltas.append((node.shape[0], labels))
        elif kind is Ones:
            self.ones[labels[0]] = node.shape[0]
        elif kind is Triangle and (node, labels) in self.factors:
            pass  # zeros and ones: its square is itself
        else:
            if kind is Add:
                content, node = primitive(node)  # type: ignore[arg-type]
                self.coefficient *= content
                self.zero = self.zero or content == 0
            self.factors.append((node, labels))

    def _multiply_einsum(self, node: Einsum, labels: tuple[Hashable, ...]) -> None:
        self.coefficient = multiplied(self.coefficient, node.coefficient)
        if _stays_whole(node):
            self.factors.append((unit(node), labels))
            return
        for factor, inner in node.factors:
            self.multiply(factor, relabelled(inner, labels))

    def _open(self, node: Einsum, labels: tuple[Hashable, ...]) -> None:
        """The factors of a product that stands alone, its deltas and ones where they belong."""
        for factor, inner in inlined(node, labels):
            if type(factor) is Delta:
                self.deltas.append((factor.shape[0], inner))
            elif type(factor) is Ones:
                self.ones[inner[0]] = factor.shape[0]
            else:
                self.factors.append((factor, inner))

    def finish(self, out: tuple[Hashable, ...]) -> Node:
        if len(self.factors) == 1 and type(self.factors[0][0]) is Einsum:
            self._open(*self.factors.pop())  # type: ignore[arg-type]
        if len(self.deltas) == 1 and self.deltas[0][1][0] != self.deltas[0][1][1]:
            self._eliminate_delta(out)
        elif self.deltas:
            self._eliminate_deltas(out)
        if self.deltas or self.ones or self.zero:
            sizes = {a: s for n, labels in self.factors for a, s in zip(labels, n.shape, strict=True)}
            self._fold_ones(out, set(sizes), sizes)
            if self.zero:
                return zero(tuple([sizes[a] for a in out]))
        if len(self.factors) > 1:
            self._merge_powers()
        kinds = [type(n) for n, _ in self.factors]
        if Ones in kinds:
            self._drop_covered_ones(out)
        if Window in kinds:
            from symgrad.tensor.windows import narrowed

            found = narrowed(self.coefficient, self.factors, out)
            if found is not None:
                return found
        return _interned(self.coefficient, self.factors, out)

    def _eliminate_delta(self, out: tuple[Hashable, ...]) -> None:
        """The same for a single delta, the commonest case."""
        size, (a, b) = self.deltas.pop()
        if b in out and (a not in out or out.index(b) < out.index(a)):
            a, b = b, a
        self.factors = [
            (n, tuple([a if c == b else c for c in labels]) if b in labels else labels) for n, labels in self.factors
        ]
        if b in self.ones:
            self.ones[a] = self.ones.pop(b)
        if b in out:
            self.deltas.append((size, (a, b)))
        else:
            self.ones.setdefault(a, size)

    def _eliminate_deltas(self, out: tuple[Hashable, ...]) -> None:
        """Rename each class of labels that deltas equate to one; keep deltas between output labels only."""
        parent: dict[Hashable, Hashable] = {}

        def find(a: Hashable) -> Hashable:
            while parent.get(a, a) != a:
                a = parent[a]
            return a

        position = {a: i for i, a in enumerate(out)}
        size_of: dict[Hashable, Dimension] = {}
        for size, (a, b) in self.deltas:
            a, b = find(a), find(b)
            if position.get(b, len(out)) < position.get(a, len(out)):
                a, b = b, a
            parent[a], parent[b] = a, a
            size_of[a] = size
        roots = {a: find(a) for a in parent}
        self.factors = [(n, tuple(roots.get(a, a) for a in labels)) for n, labels in self.factors]
        self.ones = {roots.get(a, a): s for a, s in self.ones.items()}
        self.deltas = [(size_of[roots[a]], (roots[a], a)) for a in out if a in roots and roots[a] != a]
        kept = {a for _, pair in self.deltas for a in pair}
        for a in set(roots.values()) - kept:
            self.ones.setdefault(a, size_of[a])

    def _fold_ones(self, out: tuple[Hashable, ...], covered: set[Hashable], sizes: dict[Hashable, Dimension]) -> None:
        """Ones next to another factor do nothing; summed alone they are the dimension."""
        for size, labels in self.deltas:
            sizes.update(dict.fromkeys(labels, size))
        in_delta = {a for _, pair in self.deltas for a in pair}
        for a, size in self.ones.items():
            if a in covered or a in in_delta:
                continue
            sizes[a] = size
            if a in out:
                self.factors.append((Ones.make(size), (a,)))
            elif isinstance(size, int):
                self.coefficient *= size
            else:
                self.multiply(size_number(size), ())
        self.factors.extend((Delta.make(size), pair) for size, pair in self.deltas)

    def _merge_powers(self) -> None:
        if len(set(self.factors)) == len(self.factors) and Power not in [type(n) for n, _ in self.factors]:
            return
        groups: dict[tuple[Node, tuple[Hashable, ...]], list[Node]] = {}
        merge = False
        for node, labels in self.factors:
            base, exponent = (node.base, node.exponent) if type(node) is Power else (node, ONE)
            slot = groups.setdefault((base, labels), [])
            slot.append(exponent)
            merge = merge or (len(slot) > 1 and (exponent is not ONE or slot[0] is not ONE or len(slot) > REPEATS))
        if not merge:
            return
        self.factors = []
        for (base, labels), exponents in groups.items():
            terms = [t for e in exponents for t in (e.terms if type(e) is Add else ((1, e),))]
            self._multiply_power(base, add(terms), labels)

    def _multiply_power(self, base: Node, exponent: Node, labels: tuple[Hashable, ...]) -> None:
        value = as_number(exponent)
        if value == 0:
            for a, s in zip(labels, base.shape, strict=True):
                self._cover(a, s)
        elif value is not None and as_number(base) is not None:
            self.multiply(power(base, exponent), labels)
        elif isinstance(value, int) and 0 < value <= REPEATS:
            self.factors.extend([(base, labels)] * value)
        else:
            self.factors.append((Power.make(base, exponent), labels))

    def _cover(self, a: Hashable, size: Dimension) -> None:
        """Keep label `a` alive after its factor has cancelled (ones may turn out superfluous)."""
        if not any(a in labels for _, labels in self.factors):
            self.factors.append((Ones.make(size), (a,)))

    def _drop_covered_ones(self, out: tuple[Hashable, ...]) -> None:
        covered = {a for n, labels in self.factors if type(n) is not Ones for a in labels}
        kept: list[tuple[Node, tuple[Hashable, ...]]] = []
        for node, labels in self.factors:
            if type(node) is not Ones:
                kept.append((node, labels))
            elif labels[0] not in covered:
                covered.add(labels[0])
                kept.append((node, labels) if labels[0] in out else (size_number(node.shape[0]), ()))
        self.factors = kept


def _interned(coefficient: Coefficient, factors: Factors, out: tuple[Hashable, ...]) -> Node:
    """The node of a product that is not zero, its factors as they stand."""
    if len(out) > MOST_AXES:
        raise LimitError(f"an array with {len(out)} axes; the limit is {MOST_AXES}")
    sign, named = canonical_product(factors, out)
    shape = _shape(named, len(out))
    if sign != 1:
        coefficient = sign * coefficient
    if type(coefficient) is not int:
        coefficient = exact(coefficient)
    if not coefficient:
        return zero(shape)
    if len(named) == 1:
        node, labels = named[0]
        identity = tuple(range(len(shape)))
        if type(node) is Add and tuple(sorted(labels)) == identity:
            axes = [labels.index(i) for i in identity]
            return add((coefficient * c, permuted(t, axes)) for c, t in node.terms)
        if coefficient == 1 and labels == identity:
            return node
    return Einsum.make(coefficient, named, shape)


def _shape(factors: Sequence[tuple[Node, tuple[int, ...]]], rank: int) -> Shape:
    """The sizes of the output's labels, which are the first numbers."""
    if not rank:
        return ()
    shape: list[Dimension] = []
    for axis in range(rank):
        for node, labels in factors:
            if axis in labels:
                shape.append(node.shape[labels.index(axis)])
                break
    return tuple(shape)


def relabelled(inner: tuple[int, ...], labels: tuple[Hashable, ...]) -> tuple[Hashable, ...]:
    """Labels of a nested product seen from outside; summed ones are renamed apart (here and nowhere else)."""
    tag = next(_fresh)
    return tuple(labels[a] if a < len(labels) else ("bound", tag, a) for a in inner)


def inlined(node: Einsum, labels: tuple[Hashable, ...]) -> list[tuple[Node, tuple[Hashable, ...]]]:
    """The factors of a nested product with its labels replaced and its summed labels renamed apart."""
    tag = next(_fresh)
    rank = len(labels)
    return [(n, tuple(labels[a] if a < rank else ("bound", tag, a) for a in inner)) for n, inner in node.factors]


def unit(node: Einsum) -> Node:
    """A product without its coefficient; of a single factor as it stands, that factor."""
    if len(node.factors) == 1 and node.factors[0][1] == tuple(range(node.rank)):
        return node.factors[0][0]
    return node if node.coefficient == 1 else Einsum.make(1, node.factors, node.shape)


# --- sums ------------------------------------------------------------------------------------


def add(terms: Iterable[tuple[Coefficient, Node]], shape: Shape | None = None) -> Node:
    """The sum of coefficient * node; like terms are collected.  `shape` is needed where there may be no term."""
    total: dict[Node, Coefficient] = {}
    for coefficient, node in terms:
        shape = node.shape
        if type(node) is Einsum:
            if node.coefficient != 1:
                coefficient, node = multiplied(coefficient, node.coefficient), unit(node)
        elif type(node) is Add and not node.terms:
            continue
        total[node] = total[node] + coefficient if node in total else coefficient
    if shape is None:
        raise ShapeError("a sum of nothing has no shape")
    kept = [(c if type(c) is int else exact(c), n) for n, c in total.items() if c]
    if len(kept) == 1:
        return scaled(*kept[0])
    if not kept:
        return zero(shape)
    if len(kept) > 2:
        kept.sort(key=lambda term: term[1].key)
    elif kept[0][1].key > kept[1][1].key:  # the commonest case
        kept.reverse()
    return Add.make(tuple(kept), shape)


def plus(*nodes: Node) -> Node:
    """The sum of nodes of one shape."""
    return add((1, n) for n in nodes)


def minus(a: Node, b: Node) -> Node:
    """a - b."""
    return add(((1, a), (-1, b)))


def primitive(node: Add) -> tuple[Coefficient, Node]:
    """A sum as content * primitive sum: coprime whole coefficients, the first one positive."""
    if not node.terms:
        return 0, node
    first = node.terms[0][0]
    if first == 1 or first == -1:
        for c, _ in node.terms:
            if type(c) is not int:
                break
        else:  # the commonest case: 1 - y^2
            return (1, node) if first == 1 else (-1, Add.make(tuple([(-c, n) for c, n in node.terms]), node.shape))
    divisor = gcd(*[c.numerator for c, _ in node.terms])
    multiple = lcm(*[c.denominator for c, _ in node.terms])
    if first < 0:
        divisor = -divisor
    if multiple == 1:
        if divisor == 1:
            return 1, node
        return divisor, Add.make(tuple([(c // divisor, n) for c, n in node.terms]), node.shape)
    content = Fraction(divisor, multiple)
    return content, Add.make(tuple([(exact(Fraction(c) / content), n) for c, n in node.terms]), node.shape)


# --- entry by entry --------------------------------------------------------------------------


def power(base: Node, exponent: Node | Coefficient) -> Node:
    """base ^ exponent entry by entry; the exponent is a scalar."""
    if type(exponent) is int and 1 < exponent <= REPEATS and type(base) in _OPAQUE:
        axes = tuple(range(base.rank))
        if base.symmetry == 0 and type(base) is not Triangle:  # nothing to put in order
            return Einsum.make(1, ((base, axes),) * exponent, base.shape)
        return product_of([(base, axes)] * exponent, axes)
    node = exponent if isinstance(exponent, Node) else number(exponent)
    value = as_number(node)
    if value is None:
        return full(ONE, base.shape) if base is ONE else Power.make(base, node)
    if value == 1:
        return base
    if value == 0:
        return full(ONE, base.shape)
    return _numeric_power(base, value, node)


def _numeric_power(base: Node, value: Coefficient, exponent: Node) -> Node:
    constant = as_number(base)
    if constant is not None:
        found = number_power(constant, value)
        if found is None and value < 0 < constant:  # one root of each number: 1/sqrt(2) is 0.5 sqrt(2)
            whole = Fraction(value).numerator // Fraction(value).denominator
            return scaled(Fraction(constant) ** whole, power(base, value - whole))
        return Power.make(base, exponent) if found is None else number(found)
    if type(base) is Power and (isinstance(value, int) or is_positive(base.base)):
        return power(base.base, hadamard(base.exponent, coefficient=value))
    if type(base) is Einsum and isinstance(value, int) and _is_entrywise(base):
        return _power_of_product(base, value)
    if type(base) is Einsum and base.coefficient != 1 and base.coefficient > 0:  # sqrt(4 q) is 2 sqrt(q)
        root = number_power(base.coefficient, value)
        if root is not None:
            return scaled(root, power(unit(base), value))
        if abs(value) == Fraction(1, 2) and all(_is_of_constant(n) for n, _ in base.factors):  # sqrt(2 pi)
            return einsum([(power(number(base.coefficient), value), ()), (power(unit(base), value), ())], ())
    if type(base) is Add and isinstance(value, int):
        content, rest = primitive(base)
        coefficient = number_power(content, value)
        if coefficient is not None:
            return scaled(coefficient, _repeated(rest, value))
    return _repeated(base, value)


def _is_of_constant(node: Node) -> bool:
    return type(node.args[0] if type(node) is Power else node) is Constant


def _repeated(base: Node, value: Coefficient) -> Node:
    if isinstance(value, int) and 1 < value <= REPEATS:
        return einsum([(base, range(base.rank))] * value, range(base.rank))
    return Power.make(base, number(value))


def _is_entrywise(node: Einsum) -> bool:
    """A product without sums or deltas, so that powers act factor by factor."""
    return all(type(n) is not Delta and all(a < node.rank for a in labels) for n, labels in node.factors)


def _power_of_product(base: Einsum, value: int) -> Node:
    coefficient = number_power(base.coefficient, value)
    if coefficient is None:
        return Power.make(base, number(value))
    if any(len(set(labels)) < len(labels) for _, labels in base.factors):
        return _power_with_diagonals(base, value, coefficient)
    factors = [(n if type(n) is Ones else power(n, value), labels) for n, labels in base.factors]
    return einsum(factors, range(base.rank), coefficient)


def _power_with_diagonals(base: Einsum, value: int, coefficient: Coefficient) -> Node:
    """The same where the diagonal of a factor is read: only the entries on it are raised to the power."""
    factors: Factors = []
    for n, labels in base.factors:
        own = tuple(dict.fromkeys(labels))
        if len(own) < len(labels) and 0 < value <= REPEATS:
            factors += [(n, labels)] * value
        elif len(own) < len(labels):
            factors.append((Power.make(einsum([(n, labels)], own), number(value)), own))
        else:
            factors.append((n if type(n) is Ones else power(n, value), labels))
    return einsum(factors, range(base.rank), coefficient)


def elementwise(op: EntrywiseFunction, *args: Node) -> Node:
    """A function entry by entry; the arguments have one shape, scalars are spread."""
    shape = next((a.shape for a in args if a.shape), ())
    if op.simplify is not None:
        found = op.simplify(*args)
        if found is not None:
            return found
    if len(args) == 1 and type(args[0]) is Einsum:
        hoisted = _through_reordering(args[0], lambda core: elementwise(op, core))
        if hoisted is not None:
            return hoisted
    return Map.make(op, args, shape)


def _through_reordering(node: Einsum, function: Callable[[Node], Node]) -> Node | None:
    """f(X') is f(X)', and f of a spread value is the spread of f."""
    cores = [(n, labels) for n, labels in node.factors if type(n) is not Ones]
    if len(cores) != 1 or type(cores[0][0]) is Delta:
        return None
    core, labels = cores[0]
    moved = len(cores) < len(node.factors) or labels != tuple(range(node.rank))
    if not moved or len(set(labels)) < len(labels) or any(a >= node.rank for a in labels):
        return None
    factors = [(n, a) for n, a in node.factors if type(n) is Ones]
    return einsum([(function(scaled(node.coefficient, core)), labels), *factors], range(node.rank))


# --- functions of whole vectors and matrices --------------------------------------------------


def apply(op: WholeFunction, arg: Node, batch: int = 0, more: tuple[Node, ...] = ()) -> Node:
    """A function of the axes of `arg` after the first `batch` ones; `more` are its parameters."""
    if op.simplify is not None and not batch:
        found = op.simplify(arg, *more)
        if found is not None:
            return found
    if op.transposes and not batch and arg.rank == 2 and is_transpose(arg):
        inner = apply(op, transposed(arg), 0, more)
        return transposed(inner) if inner.rank == 2 else inner
    return Apply.make(op, arg, batch, more)


def is_transpose(node: Node) -> bool:
    """Whether a node is another one with its two axes turned, and nothing else."""
    return type(node) is Einsum and len(node.factors) == 1 and node.factors[0][1] == (1, 0)
