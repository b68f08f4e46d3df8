"""Functions written by few: tanh, sigmoid and softmax by exp, sine and cosine by one tangent, max and [ ] by signs.

exp, log, tan and abs then obey their laws by being split: the exponential of a sum is a product of powers of
exponentials, sin(2x) is a rational function of tan(x/2), the log of a product of positive factors a sum, a power of
such a product a product of powers.  Two expressions that differ by such identities become equal as rational
expressions of functions that nothing is known of, which an exact comparison decides.  Every step gives the same
value wherever there was one before.

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

from symgrad.calculus.present import expanded
from symgrad.errors import LimitError
from symgrad.operations import elementwise as of_entries
from symgrad.operations.arithmetic import HADAMARD_POWER
from symgrad.operations.matrices import DET, INV, LOGDET
from symgrad.operations.record import Operation
from symgrad.operations.reductions import LOGSOFTMAX, LOGSUMEXP, SOFTMAX
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
    size_number,
)
from symgrad.tensor.dims import times
from symgrad.tensor.nodes import (
    Add,
    Apply,
    Coefficient,
    Constant,
    Delta,
    Einsum,
    Input,
    Map,
    Node,
    Ones,
    Power,
    walk,
)
from symgrad.tensor.signs import is_positive
from symgrad.verification import elementary_signs as signs
from symgrad.verification.elementary_matrices import split_scalars, taken_apart, terms_of
from symgrad.verification.elementary_numbers import core_of, is_whole, power_of_number, primes

Pair = tuple[Node, tuple[int, ...]]
NODES = 2000  # of a graph that is rewritten
TERMS = 30  # of an exponent that is split
DEGREE = 24  # of an angle in whole parts
PARTS = 12  # the smallest part of an argument
EXPANSION = 512  # terms of a product of signs that is multiplied out
EXP, LOG, TAN = of_entries.EXP, of_entries.LOG, of_entries.TAN
ODD = frozenset({of_entries.ERF, of_entries.ARCTAN, of_entries.ARCSIN})


def elementary(*roots: Node) -> tuple[Node, ...]:
    """The same tensors with functions written by exp, log, tan, abs and sign; large graphs as they are."""
    order = list(walk(*roots))
    if len(order) > NODES:
        return roots
    rewriting = _Rewriting(_parts(order))
    done: dict[Node, Node] = {}
    for node in order:
        done[node] = rewriting.rewritten(node, [done[a] for a in node.args])
    return tuple(signs.multiplied_out(done[root]) for root in roots)


def quotient(a: Node, b: Node) -> tuple[Node, Node] | None:
    """exp(2 (a - b)) and 1, signs left out, where a logarithm stands in a - b; None where none does.

    Where this is 1 the two are equal: log(det(A) + ..) - log(det(A)) has no other proof.
    """
    terms = terms_of(minus(a, b)) if a.shape == b.shape else []
    if len(terms) > TERMS or not any(_is_log(core) for core, _ in map(core_of, (t for _, t in terms))):
        return None
    scale = 2 * lcm(*(Fraction(c).denominator for c, _ in terms))
    rewriting, product = _Rewriting(1), number(1)
    for c, t in terms:
        core, around = core_of(t)
        value = power(_unsigned(core.args[0]), int(c * scale)) if _is_log(core) else rewriting.exp(scaled(c * scale, t))
        product = hadamard(product, around(value) if _is_log(core) else value)
    return product, full(number(1), a.shape)


def _is_log(node: Node) -> bool:
    return isinstance(node, Map) and node.op is LOG


def _unsigned(node: Node) -> Node:
    return node.args[0] if isinstance(node, Map) and node.op is of_entries.ABS else node


def _parts(nodes: list[Node]) -> int:
    """Of what part of an argument all arguments are whole multiples."""
    coefficients: list[Coefficient] = []
    for n in nodes:
        coefficients += [c for c, _ in n.terms] if isinstance(n, Add) else []
        coefficients += [n.coefficient] if isinstance(n, Einsum) else []
    found = lcm(*(Fraction(c).denominator for c in coefficients))
    return found if found <= PARTS else 1


class _Rewriting:
    """One pass, in which every argument is a multiple of one part of it."""

    def __init__(self, parts: int):
        self.parts = parts
        f = of_entries
        self.of: dict[Operation, Callable[..., Node]] = {
            f.EXP: self.exp, f.EXPM1: lambda u: minus(self.exp(u), _one(u)), f.LOG: self.log,
            f.LOG1P: lambda u: self.log(plus(_one(u), u)), f.TANH: self.tanh, f.SIGMOID: self.sigmoid,
            f.SOFTPLUS: lambda u: self.log(plus(_one(u), self.exp(u))), f.SILU: lambda u: hadamard(u, self.sigmoid(u)),
            f.SINH: lambda u: self.halves(u, -1), f.COSH: lambda u: self.halves(u, 1),
            f.SIN: lambda u: self.circle(u)[1], f.COS: lambda u: self.circle(u)[0], f.TAN: self.tan,
            f.ARCCOS: lambda u: minus(full(scaled(Fraction(1, 2), Constant.make("pi")), u.shape), _odd(f.ARCSIN, u)),
            f.GELU: self.gelu, f.ABS: signs.absolute, f.SIGN: signs.sign, f.STEP: signs.greater,
            f.RELU: signs.rectified, f.LEAKYRELU: signs.leaky, f.ELU: self.elu, f.MAX: signs.larger,
            f.MIN: lambda a, b: signs.larger(a, b, -1), HADAMARD_POWER: self.powers,
        }  # fmt: skip
        self.of_whole: dict[object, Callable[[Node, int], Node]] = {
            SOFTMAX: self.softmax, LOGSUMEXP: self.logsumexp, LOGSOFTMAX: self.logsoftmax,
        }  # fmt: skip

    def rewritten(self, node: Node, args: list[Node]) -> Node:
        """The node over arguments that are rewritten already."""
        match node:
            case Einsum():
                pairs = signs.merged([(a, labels) for a, (_, labels) in zip(args, node.factors, strict=True)])
                return einsum(pairs, tuple(range(node.rank)), node.coefficient)
            case Add():
                return add([(c, a) for a, (c, _) in zip(args, node.terms, strict=True)], node.shape)
            case Power():
                return self.power(args[0], args[1])
            case Map():
                return self.map(node.op, args)  # type: ignore[arg-type]
            case Apply():
                return self.whole(node, args)
            case Input() if node.rank == 2 and _is_diagonal(node):
                return einsum([(node, ("i", "i")), (Delta.make(node.shape[0]), ("i", "j"))], ("i", "j"))
            case _:
                return node

    def whole(self, node: Apply, args: list[Node]) -> Node:
        """A function of whole vectors and matrices."""
        if node.op in self.of_whole:
            return self.of_whole[node.op](args[0], node.batch)
        if not node.batch and node.op in (DET, LOGDET):
            determinant = self._determinant(args[0])
            return determinant if node.op is DET else self.log(signs.absolute(determinant))
        apart = None if node.batch else taken_apart(node.op, args[0], args[1:], self.parts)  # type: ignore[arg-type]
        if apart is not None:
            return apart
        turned = node.op is INV and isinstance(args[0], Input) and "orthogonal" in args[0].properties
        return permuted(args[0], (1, 0)) if turned else apply(node.op, args[0], node.batch, tuple(args[1:]))

    def _determinant(self, x: Node) -> Node:
        """det(s A) = s^n det(A)"""
        scalar, matrix = split_scalars(x)
        order = times(*x.shape[: x.rank // 2])
        return hadamard(self.power(scalar, size_number(order)), apply(DET, matrix)) if x.rank else x

    def map(self, op: Operation, args: list[Node]) -> Node:
        """A function entry by entry."""
        if op in self.of:
            return self.of[op](*args)
        if op in ODD:
            return _odd(op, args[0])
        found = signs.bracket(op, *args) if op in signs.BRACKETS else None
        return elementwise(op, *args) if found is None else found  # type: ignore[arg-type]

    # --- powers

    def power(self, base: Node, exponent: Node) -> Node:
        """Powers of products as products of powers, where the factors allow it."""
        value = as_number(exponent)
        if signs.is_onehot(base) and value is not None and value > 0:
            return base
        constant = as_number(base)
        if constant is not None and (value is not None or is_whole(exponent)):
            return power_of_number(Fraction(constant), exponent)
        if isinstance(base, Power) and (found := self._power_of_power(base, exponent, value)) is not None:
            return found
        if value is not None and isinstance(value, int):
            even = value % 2 == 0 and isinstance(base, Map) and base.op is of_entries.ABS
            return power(base.args[0] if even else base, value)
        if value is None and not is_whole(exponent):
            return self.powers(base, exponent)
        base = _multiplied_out(base)
        return self._power_of_product(base, exponent, value) if isinstance(base, Einsum) else power(base, exponent)

    def _power_of_power(self, base: Power, exponent: Node, value: Coefficient | None) -> Node | None:
        inner = as_number(base.exponent)
        if isinstance(value, int) or signs.is_nonnegative(base.base) or (value is None and is_whole(exponent)):
            return self.power(base.base, hadamard(base.exponent, exponent))
        if value is not None and isinstance(inner, int):  # an odd power is not negative where its base is not
            return self.power(base.base if inner % 2 else signs.absolute(base.base), number(inner * value))
        return None

    def _power_of_product(self, base: Einsum, exponent: Node, value: Coefficient | None) -> Node:
        """(u u v w)^p = |u|^(2 p) v^p w^p, v being known not to be negative."""
        whole = value is None
        found: list[Pair] = []
        rest: list[Pair] = []
        parts = signs.pieces(base)
        alone = base.coefficient > 0 and sum(k % 2 and not signs.is_nonnegative(n) for n, _, k in parts) == 1
        for node, labels, count in parts:
            if isinstance(node, Ones):
                found.append((node, labels))
            elif whole or signs.is_nonnegative(node):
                raised = power if node is base else self.power
                found.append((raised(node, hadamard(number(count), exponent)), labels))
            else:
                if count > 1 and count % 2 and alone:  # it is not negative where the product is not
                    found.append((self.power(node, hadamard(number(count), exponent)), labels))
                    continue
                if count > 1:
                    double = hadamard(number(count - count % 2), exponent)
                    found.append((self.power(signs.absolute(node), double), labels))
                rest += [(node, labels)] * (count % 2)
        if len(found) + (base.coefficient != 1) == 0 or (len(found) == 0 and base.coefficient < 0):
            return power(base, exponent)
        ends = tuple(sorted({a for _, labels in rest for a in labels}))
        size = base.coefficient if whole else signs.size_of(base.coefficient)
        if rest or size != base.coefficient:
            other = einsum(rest, ends, Fraction(base.coefficient) / size)
            found.append((power(other, exponent), ends))
        found.append((self.power(number(size), exponent), ()))
        return einsum(found, range(base.rank))

    def powers(self, base: Node, exponent: Node) -> Node:
        """exp(p log(u)), where u is known to be positive; p may be an array."""
        if not is_positive(base):
            if base.shape == exponent.shape and base.shape:
                return elementwise(HADAMARD_POWER, base, exponent)
            return power(base, exponent) if not exponent.shape else elementwise(HADAMARD_POWER, base, exponent)
        axes = tuple(range(max(base.rank, exponent.rank)))
        pairs = [(exponent, axes[: exponent.rank]), (self.log(base), axes[: base.rank])]
        return self.exp(einsum(pairs, axes))

    # --- exponentials and logarithms

    def exp(self, u: Node) -> Node:
        """The product of the exponentials of the terms."""
        terms = terms_of(u)
        if len(terms) > TERMS or any(Fraction(c * self.parts).denominator > 1 for c, _ in terms):
            return elementwise(EXP, u)
        return hadamard(*(self._exponential(c, t) for c, t in terms)) if terms else _one(u)

    def _exponential(self, c: Coefficient, t: Node) -> Node:
        core, around = core_of(t)
        if _is_log(core):
            return around(self.power(core.args[0], number(c)))
        if signs.is_onehot(core):
            return around(plus(_one(core), hadamard(core, minus(self.exp(number(c)), number(1)))))
        return power(elementwise(EXP, scaled(Fraction(1, self.parts), t)), c * self.parts)

    def log(self, u: Node) -> Node:
        """The sum of the logarithms of factors, where at most one of them is not known to be positive."""
        if isinstance(u, Map) and u.op is EXP:
            return u.args[0]
        value = as_number(u)
        if value is not None:
            return add([(k, _raw_log(number(p))) for p, k in primes(Fraction(value))], ()) if value > 0 else _raw_log(u)
        exponent = as_number(u.exponent) if isinstance(u, Power) else None
        if isinstance(u, Power) and exponent is not None:
            if signs.is_nonnegative(u.base):
                return scaled(exponent, self.log(u.base))
            if isinstance(exponent, int) and exponent % 2 == 0:
                return scaled(exponent, self.log(signs.absolute(u.base)))
        if isinstance(u, Power) and exponent is None and signs.is_nonnegative(u.base):
            return einsum([(u.exponent, ()), (self.log(u.base), range(u.rank))], range(u.rank))
        u = _multiplied_out(u)
        return self._log_of_product(u) if isinstance(u, Einsum) else _raw_log(u)

    def _log_of_product(self, u: Einsum) -> Node:
        """log(u u v w) = 2 log|u| + log v + log w, v being known not to be negative."""
        found: list[tuple[Coefficient, Node, tuple[int, ...]]] = []
        rest: list[Pair] = []
        for node, labels, count in signs.pieces(u):
            if isinstance(node, Ones):
                continue
            if signs.is_nonnegative(node):
                found.append((count, node, labels))
            else:
                found += [(count - 1, signs.absolute(node), labels)] if count % 2 and count > 1 else []
                found += [(count, signs.absolute(node), labels)] if count % 2 == 0 else []
                rest += [(node, labels)] * (count % 2)
        if not found and signs.size_of(u.coefficient) == 1 and len(rest) == len(u.factors):
            return _raw_log(u)
        if rest or u.coefficient < 0:
            ends = tuple(sorted({a for _, labels in rest for a in labels}))
            found.append((1, einsum(rest, ends, 1 if u.coefficient > 0 else -1), ends))
        terms = [(c, _spread(self.log(n) if n is not u else _raw_log(n), ls, u)) for c, n, ls in found]
        return add([*terms, (1, _spread(self.log(number(signs.size_of(u.coefficient))), (), u))], u.shape)

    def sigmoid(self, u: Node) -> Node:
        """e^u / (1 + e^u)"""
        e = self.exp(u)
        return hadamard(e, power(plus(_one(u), e), -1))

    def tanh(self, u: Node) -> Node:
        """(e^2u - 1) / (e^2u + 1)"""
        e = self.exp(scaled(2, u))
        return hadamard(minus(e, _one(u)), power(plus(_one(u), e), -1))

    def halves(self, u: Node, sign: int) -> Node:
        """(exp(u) + sign exp(-u)) / 2"""
        e = self.exp(u)
        return add([(Fraction(1, 2), e), (Fraction(sign, 2), power(e, -1))])

    def gelu(self, u: Node) -> Node:
        """u/2 (1 + erf(u/sqrt(2)))"""
        inside = hadamard(u, power_of_number(Fraction(2), number(Fraction(-1, 2))))
        return scaled(Fraction(1, 2), plus(u, hadamard(u, _odd(of_entries.ERF, inside))))

    def elu(self, u: Node) -> Node:
        """relu(u) + exp(min(u, 0)) - 1"""
        return add([(1, signs.rectified(u)), (1, self.exp(signs.larger(u, number(0), -1))), (-1, _one(u))])

    # --- the circle

    def circle(self, u: Node) -> tuple[Node, Node]:
        """Cosine and sine, by the tangents of half the parts."""
        terms = [(Fraction(c * self.parts), t) for c, t in terms_of(u)]
        if len(terms) > TERMS or any(k.denominator > 1 or abs(k) > DEGREE for k, _ in terms):
            terms = [(Fraction(self.parts), u)]
        found = _one(u), minus(_one(u), _one(u))
        for k, t in terms:
            step, times = self._known(t, k)
            for _ in range(abs(int(times))):
                found = _turned(found, step)
        return found

    def _known(self, t: Node, k: Fraction) -> tuple[tuple[Node, Node], Fraction]:
        """Cosine and sine of t, where they are known, else of a part of it; and how often."""
        way, turns = (-1 if k < 0 else 1), k / self.parts
        core, around = core_of(t)
        if turns.denominator == 1 and isinstance(core, Map) and core.op in (of_entries.ARCSIN, of_entries.ARCTAN):
            v = core.args[0]
            square = hadamard(v, v)
            if core.op is of_entries.ARCSIN:
                pair = self.power(minus(_one(v), square), number(Fraction(1, 2))), scaled(way, v)
            else:
                below = self.power(plus(_one(v), square), number(Fraction(-1, 2)))
                pair = below, scaled(way, hadamard(v, below))
            return (around(pair[0]), around(pair[1])), turns
        if isinstance(core, Constant) and core.name == "pi" and (2 * turns).denominator == 1:
            return (scaled(0, _one(t)), scaled(way, _one(t))), 2 * turns
        return self._on_circle(t, k < 0), k

    def _on_circle(self, t: Node, backwards: bool) -> tuple[Node, Node]:
        tangent = elementwise(TAN, scaled(Fraction(1, 2 * self.parts), t))
        square = power(tangent, 2)
        below = power(plus(_one(t), square), -1)
        sine = hadamard(tangent, below, coefficient=-2 if backwards else 2)
        return hadamard(minus(_one(t), square), below), sine

    def tan(self, u: Node) -> Node:
        cosine, sine = self.circle(u)
        return hadamard(sine, power(cosine, -1))

    # --- functions of a vector

    def _sum(self, u: Node, batch: int) -> tuple[Node, Node]:
        e = self.exp(u)
        axes = tuple(range(u.rank))
        return e, einsum([(e, axes)], axes[:batch])

    def softmax(self, u: Node, batch: int) -> Node:
        """e^u over the sum of its entries; the first axes are a batch."""
        e, total = self._sum(u, batch)
        axes = tuple(range(u.rank))
        return einsum([(e, axes), (power(total, -1), axes[:batch])], axes)

    def logsumexp(self, u: Node, batch: int) -> Node:
        """The logarithm of the sum of e^u."""
        return self.log(self._sum(u, batch)[1])

    def logsoftmax(self, u: Node, batch: int) -> Node:
        """u less that logarithm."""
        return minus(u, _spread(self.logsumexp(u, batch), tuple(range(batch)), u))


# --- pieces --------------------------------------------------------------------------------------


def _one(u: Node) -> Node:
    return full(number(1), u.shape)


def _raw_log(u: Node) -> Node:
    """The logarithm as it stands: no softplus, no logsumexp."""
    return Map.make(LOG, (u,), u.shape)


def _odd(op: Operation, u: Node) -> Node:
    """f(-u) = -f(u): the sign of the first coefficient stands in front."""
    way = -1 if (primitive(u)[0] if isinstance(u, Add) and u.terms else getattr(u, "coefficient", 1)) < 0 else 1
    return scaled(way, elementwise(op, scaled(way, u)))  # type: ignore[arg-type]


def _multiplied_out(node: Node) -> Node:
    """A product without products inside."""
    if not isinstance(node, Einsum):
        return node
    try:
        return expanded(node, EXPANSION)
    except LimitError:
        return node


def _is_diagonal(node: Input) -> bool:
    return "diagonal" in node.properties or {"lower", "upper"} <= node.properties


def _turned(a: tuple[Node, Node], b: tuple[Node, Node]) -> tuple[Node, Node]:
    """Cosine and sine of the sum of two angles."""
    cosine = minus(hadamard(a[0], b[0]), hadamard(a[1], b[1]))
    return cosine, plus(hadamard(a[1], b[0]), hadamard(a[0], b[1]))


def _spread(value: Node, labels: tuple[int, ...], like: Node) -> Node:
    """An array over some of the axes of another one, in its shape."""
    ones = [(Ones.make(s), (axis,)) for axis, s in enumerate(like.shape)]
    return einsum([(value, labels), *ones], range(like.rank))
