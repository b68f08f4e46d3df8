"""Scalar factors of a term: collected by what they are, roots of numbers joined, sums over n as means, norms.

>>> from symgrad.notation.text import text
>>> from symgrad.notation.tree import Name
>>> half, s = Fraction(1, 2), (Name("s"), 1)
>>> text(with_scalars(1, [(Number(Fraction(2)), half), (Name("pi"), -half), s, s], None).tree())
's^2*sqrt(2/pi)'
"""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

from symgrad.notation.text import text
from symgrad.notation.tree import Call, Number, Tree
from symgrad.notation.words import Term, Word, call, is_call
from symgrad.tensor.dims import Dim, Size
from symgrad.tensor.nodes import Coefficient, Einsum, Node
from symgrad.tensor.numbers import exact

Sums = dict[str, tuple[Size, Tree | None]]  # how a sum is written: how many entries it has, and which


def with_scalars(coefficient: Coefficient, scalars: list[tuple[Tree, Coefficient]], word: Word | None) -> Term:
    """The term with equal scalar factors collected, the shorter first."""
    if not scalars:
        return Term(coefficient, (), word)
    powers: dict[str, tuple[Tree, Coefficient]] = {}
    for tree, exponent in scalars:
        if isinstance(tree, Number) and Fraction(exponent).denominator == 1:
            coefficient = exact(coefficient * tree.value ** int(exponent))
            continue
        key = text(tree)
        powers[key] = (tree, powers.get(key, (tree, 0))[1] + exponent)
    if any(type(t) is Number for t, _ in powers.values()):
        coefficient, powers = _roots_joined(coefficient, powers)
    kept = sorted((k for k, (_, e) in powers.items() if e), key=lambda k: (len(k), k))
    return Term(coefficient, tuple(powers[k] for k in kept), word)


def _roots_joined(
    coefficient: Coefficient, powers: dict[str, tuple[Tree, Coefficient]]
) -> tuple[Coefficient, dict[str, tuple[Tree, Coefficient]]]:
    """2/(sqrt(2)*sqrt(pi)) as sqrt(2/pi): the root of a number with the number before it and with that of pi."""
    half = Fraction(1, 2)
    for key, (tree, exponent) in powers.items():
        if not isinstance(tree, Number) or abs(exponent) != half:
            continue
        if exponent < 0 and Fraction(coefficient) % tree.value == 0:  # 2/sqrt(2) is sqrt(2)
            coefficient, exponent = exact(Fraction(coefficient) / tree.value), half
        elif exponent > 0 and Fraction(coefficient).denominator % tree.value == 0:  # 0.5*sqrt(2) is 1/sqrt(2)
            coefficient, exponent = exact(coefficient * tree.value), -half
        rest = {k: p for k, p in powers.items() if k != key}
        other = rest.get("pi", (tree, 0))[1]
        if abs(other) != half:
            return coefficient, {**rest, key: (tree, exponent)}
        pi = rest.pop("pi")[0]
        joined = call("multiply", tree, pi) if other == exponent else call("divide", *[tree, pi][:: int(2 * exponent)])
        return coefficient, {**rest, text(joined): (joined, other if other == exponent else half)}
    return coefficient, powers


def with_means(term: Term, sums: Sums) -> Term:
    """sum(x)/n as mean(x), norm2(x - mean(x))^2/n as var(x)."""
    if not sums or len(term.scalars) < 2:
        return term
    scalars = {text(t): (t, e) for t, e in term.scalars}
    for written, (tree, exponent) in list(scalars.items()):
        centred = _centred(tree) if exponent == 2 else None
        size, entries = sums.get(written if centred is None else f"sum({text(centred)})", (0, None))
        if not isinstance(size, Dim) or entries is None or (exponent != 1 and centred is None):
            continue
        letters = Counter(size.terms[0][0])
        enough = all(scalars.get(a, (tree, 0))[1] <= -k for a, k in letters.items())
        if enough and size.terms == ((size.terms[0][0], 1),):
            for a, k in letters.items():
                scalars[a] = (scalars[a][0], scalars[a][1] + k)
            scalars[written] = (call("mean", entries) if centred is None else call("var", centred), 1)
    return Term(term.coefficient, tuple(p for p in scalars.values() if p[1]), term.word, term.spread)


def _centred(tree: Tree) -> Tree | None:
    """x where a tree is the norm of x - mean(x) or of mean(x) - x."""
    inner = tree.args[0] if is_call(tree, "norm2", "normF") else None
    if not (isinstance(inner, Call) and inner.op == "subtract"):
        return None
    for x, mean in (inner.args, inner.args[::-1]):
        if isinstance(mean, Call) and mean.op == "mean" and text(mean.args[0]) == text(x):
            return x
    return None


def square_root(node: Node) -> Node | None:
    """u where the scalar node is the sum of the squares of u's entries."""
    if not isinstance(node, Einsum) or node.coefficient != 1 or len(node.factors) != 2:
        return None
    (u, labels), (v, others) = node.factors
    if u is v and labels == others and len(set(labels)) == len(labels) and labels:
        return u
    return None
