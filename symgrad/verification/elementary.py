"""Functions written by few: tanh, sigmoid and softmax by exp, sine and cosine by one tangent, max and relu by abs.

exp, log, tan and abs then obey their laws by being split: the exponential of a sum is a product of powers of
exponentials, sin(2x) is a rational function of tan(x/2), log of a product of positive factors a sum.  Two
expressions that differ by such identities become equal as rational expressions of functions that nothing is
known of, which an exact comparison decides.  Every step holds wherever both sides are defined.

>>> from symgrad.numeric.field import same_in_field
>>> from symgrad.programs import program
>>> sides = (program(t, "x: R^n").views["result"].node for t in ("sigmoid(-x)", "1 - sigmoid(x)"))
>>> same_in_field(*elementary(*sides))
True
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import lcm

from symgrad.operations.catalogue import find
from symgrad.operations.record import Elementwise, Operation
from symgrad.tensor.build import (
    add,
    apply,
    as_number,
    einsum,
    elementwise,
    full,
    hadamard,
    minus,
    number,
    permuted,
    plus,
    power,
    primitive,
    scaled,
    unit,
)
from symgrad.tensor.nodes import Add, Apply, Coefficient, Einsum, Input, Map, Node, Power, walk
from symgrad.tensor.signs import is_positive

Pair = tuple[Node, tuple[int, ...]]
NODES = 2000  # of a graph that is rewritten
TERMS = 30  # of an exponent that is split
DEGREE = 24  # of an angle in whole parts
PARTS = 12  # the smallest part of an argument


def elementary(*roots: Node) -> tuple[Node, ...]:
    """The same tensors with functions written by exp, log, tan and abs; large graphs as they are."""
    order = list(walk(*roots))
    if len(order) > NODES:
        return roots
    rewriting = _Rewriting(_parts(order))
    done: dict[Node, Node] = {}
    for node in order:
        done[node] = rewriting.rewritten(node, [done[a] for a in node.args])
    return tuple(done[root] for root in roots)


def _parts(nodes: list[Node]) -> int:
    """Of what part of an argument all arguments are whole multiples."""
    coefficients: list[Coefficient] = []
    for n in nodes:
        coefficients += [c for c, _ in n.terms] if isinstance(n, Add) else []
        coefficients += [n.coefficient] if isinstance(n, Einsum) else []
    found = lcm(*(Fraction(c).denominator for c in coefficients))
    return found if found <= PARTS else 1


def _record(name: str) -> Elementwise:
    found = find(name)
    assert isinstance(found, Elementwise)
    return found


def _terms(node: Node) -> list[tuple[Coefficient, Node]]:
    """A node as a sum of multiples."""
    if isinstance(node, Add):
        return list(node.terms)
    return [(node.coefficient, unit(node))] if isinstance(node, Einsum) else [(1, node)]


class _Rewriting:
    """One pass, in which every argument is a multiple of one part of it."""

    def __init__(self, parts: int):
        self.parts = parts
        self.exp_of, self.log_of, self.tan_of, self.abs_of = (_record(n) for n in ("exp", "log", "tan", "abs"))
        self.of: tuple[tuple[Operation | None, Callable[[Node], Node]], ...] = tuple(
            (find(name), function)
            for name, function in (
                ("exp", self.exp), ("expm1", lambda u: minus(self.exp(u), _one(u))), ("log", self.log),
                ("log1p", lambda u: self.log(plus(_one(u), u))), ("tanh", self.tanh), ("sigmoid", self.sigmoid),
                ("softplus", lambda u: self.log(plus(_one(u), self.exp(u)))),
                ("silu", lambda u: hadamard(u, self.sigmoid(u))), ("sinh", lambda u: self.halves(u, -1)),
                ("cosh", lambda u: self.halves(u, 1)), ("sin", lambda u: self.circle(u)[1]),
                ("cos", lambda u: self.circle(u)[0]), ("tan", self.tan), ("abs", self.abs),
                ("relu", lambda u: scaled(Fraction(1, 2), plus(u, self.abs(u)))),
            )
        )  # fmt: skip
        self.of_whole = tuple(
            (find(name), function)
            for name, function in (
                ("softmax", self.softmax), ("logsumexp", self.logsumexp), ("logsoftmax", self.logsoftmax),
            )
        )  # fmt: skip

    def rewritten(self, node: Node, args: list[Node]) -> Node:
        """The node over arguments that are rewritten already."""
        match node:
            case Einsum():
                pairs = self.merged([(a, labels) for a, (_, labels) in zip(args, node.factors, strict=True)])
                return einsum(pairs, tuple(range(node.rank)), node.coefficient)
            case Add():
                return add([(c, a) for a, (c, _) in zip(args, node.terms, strict=True)], node.shape)
            case Power():
                return self.power(args[0], args[1])
            case Map():
                return self.map(node, args)
            case Apply():
                whole = next((f for op, f in self.of_whole if op is node.op), None)
                if whole is not None:
                    return whole(args[0])
                turned = isinstance(args[0], Input) and "orthogonal" in args[0].properties and node.op is find("inv")
                return permuted(args[0], (1, 0)) if turned else apply(node.op, args[0], node.batch, tuple(args[1:]))
            case _:
                return node

    def map(self, node: Map, args: list[Node]) -> Node:
        """A function entry by entry."""
        if len(args) == 1:
            function = next((f for op, f in self.of if op is node.op), None)
            return function(args[0]) if function is not None else elementwise(node.op, *args)
        sign = {find("max"): 1, find("min"): -1}.get(node.op)  # type: ignore[call-overload]
        if sign is None or args[0].shape != args[1].shape:
            return elementwise(node.op, *args)
        half = Fraction(1, 2)
        return add([(half, args[0]), (half, args[1]), (sign * half, self.abs(minus(*args)))])

    def merged(self, pairs: list[Pair]) -> list[Pair]:
        """|u| |u| is u u, and an entry that is 0 or 1 is its own square."""
        found: list[Pair] = []
        for node, labels in pairs:
            if (node, labels) in found:
                if isinstance(node, Input) and "onehot" in node.properties:
                    continue
                if isinstance(node, Map) and node.op is self.abs_of:
                    found.remove((node, labels))
                    found += [(node.args[0], labels)] * 2
                    continue
            found.append((node, labels))
        return found

    def power(self, base: Node, exponent: Node) -> Node:
        """Even powers of an absolute value, powers of entries that are 0 or 1."""
        value = as_number(exponent)
        if isinstance(value, int) and value > 0:
            if isinstance(base, Map) and base.op is self.abs_of and value % 2 == 0:
                return power(base.args[0], value)
            if isinstance(base, Input) and "onehot" in base.properties:
                return base
        return power(base, exponent)

    # --- exponentials and logarithms

    def exp(self, u: Node) -> Node:
        """The product of the exponentials of the terms."""
        terms = _terms(u)
        if len(terms) > TERMS or any(Fraction(c * self.parts).denominator > 1 for c, _ in terms):
            return elementwise(self.exp_of, u)
        return hadamard(*(self._exponential(c, t) for c, t in terms)) if terms else _one(u)

    def _exponential(self, c: Coefficient, t: Node) -> Node:
        if isinstance(t, Map) and t.op is self.log_of:
            return power(t.args[0], c)
        return power(elementwise(self.exp_of, scaled(Fraction(1, self.parts), t)), c * self.parts)

    def log(self, u: Node) -> Node:
        """The sum of the logarithms of factors, where at most one of them is not known to be positive."""
        if isinstance(u, Map) and u.op is self.exp_of:
            return u.args[0]
        exponent = as_number(u.exponent) if isinstance(u, Power) else None
        if isinstance(u, Power) and exponent is not None and is_positive(u.base):
            return scaled(exponent, self.log(u.base))
        factors = _factors_of(u)
        if factors is None or sum(not is_positive(f) for f in factors) > 1:
            return elementwise(self.log_of, u)
        return plus(*(_spread(self.log(f), u) for f in factors))

    def sigmoid(self, u: Node) -> Node:
        e = self.exp(u)
        return hadamard(e, power(plus(_one(u), e), -1))

    def tanh(self, u: Node) -> Node:
        e = self.exp(scaled(2, u))
        return hadamard(minus(e, _one(u)), power(plus(_one(u), e), -1))

    def halves(self, u: Node, sign: int) -> Node:
        """(exp(u) + sign exp(-u)) / 2"""
        e = self.exp(u)
        return add([(Fraction(1, 2), e), (Fraction(sign, 2), power(e, -1))])

    # --- the circle

    def circle(self, u: Node) -> tuple[Node, Node]:
        """Cosine and sine, by the tangents of half the parts."""
        terms = [(Fraction(c * self.parts), t) for c, t in _terms(u)]
        if len(terms) > TERMS or any(k.denominator > 1 or abs(k) > DEGREE for k, _ in terms):
            terms = [(Fraction(self.parts), u)]
        found = _one(u), minus(_one(u), _one(u))
        for k, t in terms:
            step = self._on_circle(t, k < 0)
            for _ in range(abs(int(k))):
                found = _turned(found, step)
        return found

    def _on_circle(self, t: Node, backwards: bool) -> tuple[Node, Node]:
        tangent = elementwise(self.tan_of, scaled(Fraction(1, 2 * self.parts), t))
        square = power(tangent, 2)
        below = power(plus(_one(t), square), -1)
        sine = hadamard(tangent, below, coefficient=-2 if backwards else 2)
        return hadamard(minus(_one(t), square), below), sine

    def tan(self, u: Node) -> Node:
        cosine, sine = self.circle(u)
        return hadamard(sine, power(cosine, -1))

    # --- absolute values

    def abs(self, u: Node) -> Node:
        """|c u| is |c| |u|: the sign of the first coefficient does not matter."""
        if is_positive(u):
            return u
        terms: list[tuple[Coefficient, Node]] = [primitive(u)] if isinstance(u, Add) else _terms(u)
        c, core = terms[0]
        return scaled(-c if c < 0 else c, elementwise(self.abs_of, core))

    # --- functions of a vector

    def _sum(self, u: Node) -> tuple[Node, Node]:
        e = self.exp(u)
        axes = tuple(range(u.rank))
        return e, einsum([(e, axes)], axes[:-1])

    def softmax(self, u: Node) -> Node:
        e, total = self._sum(u)
        axes = tuple(range(u.rank))
        return einsum([(e, axes), (power(total, -1), axes[:-1])], axes)

    def logsumexp(self, u: Node) -> Node:
        return self.log(self._sum(u)[1])

    def logsoftmax(self, u: Node) -> Node:
        axes = tuple(range(u.rank))
        below = einsum([(full(number(1), u.shape), axes), (self.logsumexp(u), axes[:-1])], axes)
        return minus(u, below)


def _one(u: Node) -> Node:
    return full(number(1), u.shape)


def _turned(a: tuple[Node, Node], b: tuple[Node, Node]) -> tuple[Node, Node]:
    """Cosine and sine of the sum of two angles."""
    cosine = minus(hadamard(a[0], b[0]), hadamard(a[1], b[1]))
    return cosine, plus(hadamard(a[1], b[0]), hadamard(a[0], b[1]))


def _factors_of(u: Node) -> list[Node] | None:
    """Factors entry by entry of a product, a scalar that is summed over being one; None where it has none."""
    if not isinstance(u, Einsum) or u.coefficient <= 0:
        return None
    whole = tuple(range(u.rank))
    rest: list[tuple[Node, tuple[int, ...]]] = []
    found: list[Node] = [] if u.coefficient == 1 else [number(u.coefficient)]
    for node, labels in u.factors:
        if labels == whole:
            found.append(node)
        else:
            rest.append((node, labels))
    if rest:
        if {a for _, labels in rest for a in labels} & set(whole):
            return None
        found.append(einsum(rest, ()))
    return found if len(found) > 1 else None


def _spread(value: Node, like: Node) -> Node:
    """A scalar as an array of another's shape."""
    return value if value.shape == like.shape else full(value, like.shape)
