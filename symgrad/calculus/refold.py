"""Names for parts of products: V'*s inside a'*V'*s is the o of a program that has the line o = V'*s.

`present` puts a name where a node stands by itself.  Products are flattened, so what a line has named may stand as
some of the factors of a longer product; here these are found and replaced.  A power of a scalar may be left over,
and a sum may stand with the other sign.

>>> from symgrad.tensor.dims import letter
>>> V, s, a = (Input.make(name, tuple(map(letter, axes))) for name, axes in (("V", "nk"), ("s", "n"), ("a", "k")))
>>> line, o = einsum([(V, "ij"), (s, "i")], "j"), Input.make("o", (letter("k"),))
>>> refolded(einsum([(V, "ij"), (s, "i"), (a, "j")], ""), {line: o}) is einsum([(a, "j"), (o, "j")], "")
True
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from symgrad.calculus.present import present
from symgrad.tensor.build import add, as_number, einsum, inlined, power, primitive, scaled
from symgrad.tensor.nodes import Add, Apply, Coefficient, Einsum, Input, Map, Node, Power, Size, walk

FEW = 6  # factors of a line that is looked for
MANY = 16  # factors of a product in which it is
PASSES = 3  # products inside one another

Labels = tuple[Hashable, ...]
Factors = list[tuple[Node, Labels]]


@dataclass(frozen=True, slots=True)
class _Line:
    """A product that has a name: its array factors, its scalar ones, and the name."""

    arrays: Factors
    scalars: Factors
    coefficient: Coefficient
    name: Node


def refolded(root: Node, names: Mapping[Node, Node]) -> Node:
    """The same tensor with the names of products for those factors of other products that they stand for.

    `names` says what is named; `root` has been presented with these names already.
    """
    forms: dict[Node, Node] = {}
    lines = _lines(names, forms, {type(n) for n in walk(root)})
    if not lines and not forms:
        return root
    return _settled(present(root, forms) if forms else root, lines)


def sums_a_line(root: Node, names: Mapping[Node, Node]) -> bool:
    """Whether a name of a line stands summed over, by itself."""
    lines = {n for n in names.values() if isinstance(n, Input)}
    for node in walk(root):
        if isinstance(node, Einsum) and not lines.isdisjoint(node.args):
            degree = Counter(a for _, labels in node.factors for a in labels)
            alone = [n for n, labels in node.factors if any(a >= node.rank and degree[a] == 1 for a in labels)]
            if not lines.isdisjoint(alone):
                return True
    return False


def meant_by(names: Mapping[Node, Node]) -> dict[Node, Node]:
    """What the names stand for, the other way round; with 1 - f for a line f that is a sigmoid."""
    found: dict[Node, Node] = {}
    for node, name in names.items():
        if isinstance(name, Input):
            found[name] = node
            for alias, written in _meanings(present(node), name).items() if isinstance(node, Power) else ():
                if written is not name:
                    found |= {written: alias, scaled(-1, written): scaled(-1, alias)}
    return found


def _settled(root: Node, lines: Mapping[Node, list[_Line]]) -> Node:
    """The tensor with names wherever they fit, the innermost products first."""
    for _ in range(PASSES):
        folded = _innermost(root, lines)
        if not folded:
            break
        root = present(root, folded)
    return root


def _innermost(root: Node, lines: Mapping[Node, list[_Line]]) -> dict[Node, Node]:
    """The products into which a name fits and in which nothing else is changed."""
    done: dict[Node, Node] = {}
    above: set[Node] = set()
    for node in walk(root):
        if not above.isdisjoint(node.args):
            above.add(node)
        elif isinstance(node, Einsum) and len(node.factors) > 1:
            folded = _folded(node, lines)
            if folded is not node:
                done[node] = folded
                above.add(node)
    return done


def _lines(names: Mapping[Node, Node], done: dict[Node, Node], kinds: Collection[type]) -> dict[Node, list[_Line]]:
    """The products that have names, by an array factor of each; what a line is once simplified goes to `done`.

    `kinds` are the kinds of node in which they are looked for: without powers no quotient is.
    """
    found: dict[Node, list[_Line]] = {}
    for node, name in names.items():
        if isinstance(node, Power) and isinstance(name, Input):
            done.update(_meanings(present(node), name))
        if not isinstance(node, Einsum) or not isinstance(name, Input):
            continue
        others = {n: m for n, m in names.items() if n is not node}
        form, is_quotient = present(node, others), any(type(n) is Power for n, _ in node.factors)
        products = {form: None, **({_settled(form, found): None} if found else {})}
        if is_quotient or type(form) is not Einsum:
            done.update(_meanings(form, name) | (_meanings(present(node), name) if is_quotient else {}))
            parts = [(present(n, others), ls) for n, ls in node.factors]
            products[einsum(parts, range(node.rank), node.coefficient)] = None
        for product in products:
            if isinstance(product, Einsum) and 1 < len(product.factors) <= FEW:
                _learn(found, product, name)
                if not node.rank and Power in kinds:
                    reciprocal = present(power(product, -1), others)
                    if isinstance(reciprocal, Einsum):
                        _learn(found, reciprocal, power(name, -1))
    return found


def _meanings(form: Node, name: Input) -> dict[Node, Node]:
    """What a line is once simplified, if that is a function, and what follows: 1 - f for sigmoid(-t)."""
    if not isinstance(form, Map | Apply):
        return {}
    aliases = form.op.aliases(name, *form.args) if form.op.aliases is not None else ()
    return {form: name, **dict(aliases)}


def _learn(found: dict[Node, list[_Line]], product: Einsum, name: Node) -> None:
    """A product and its name, by its first array factor, else by the scalar that is no dimension."""
    flat = _flat(product)
    arrays, scalars = [f for f in flat if f[1]], [f for f in flat if not f[1]]
    if len({_power(n)[0] for n, _ in flat}) == 1 and not arrays:
        return  # c*c reads as well as the name of c^2
    keys = [_unsigned(n) for n, _ in arrays] or [b for b in (_power(n)[0] for n, _ in scalars) if type(b) is not Size]
    if keys:
        found.setdefault(keys[0], []).append(_Line(arrays, scalars, product.coefficient, name))


def _flat(node: Einsum) -> Factors:
    """The factors, those of scalar products and scalar ones of all terms of a sum among them."""
    return [f for n, ls in node.factors for f in _opened(n, ls)]


def _opened(node: Node, labels: Labels) -> Factors:
    if isinstance(node, Einsum) and not labels and node.coefficient == 1:
        return inlined(node, ())
    if isinstance(node, Add) and labels and len(node.terms) <= FEW and all(isinstance(n, Einsum) for n in node.args):
        products = [n for n in node.args if isinstance(n, Einsum)]
        common = [f for f in dict.fromkeys(products[0].factors) if not f[1] and all(f in n.factors for n in products)]
        if common:
            axes = range(node.rank)
            numbers = [c * n.coefficient for (c, _), n in zip(node.terms, products, strict=True)]
            kept = [[f for f in n.factors if f not in common] for n in products]
            terms = [(c, einsum(fs, axes)) for c, fs in zip(numbers, kept, strict=True)]
            return [(add(terms), labels), *common]
    return [(node, labels)]


def _unsigned(node: Node) -> Node:
    return primitive(node)[1] if isinstance(node, Add) else node


def _folded(node: Einsum, lines: Mapping[Node, list[_Line]]) -> Node:
    """The product with as many names in it as fit."""
    factors, coefficient, out = _flat(node), node.coefficient, tuple(range(node.rank))
    changed = len(factors) <= MANY
    any_changed = False
    while changed:
        changed = False
        keys = [_unsigned(n) if ls else _power(n)[0] for n, ls in factors]
        for line in [line for key in keys for line in lines.get(key, ())]:
            fit = next(_fits(line, factors, out), None)
            if fit is not None:
                factors, ratio = fit
                coefficient, changed, any_changed = coefficient * ratio, True, True
                break
    return einsum(factors, out, coefficient) if any_changed else node


def _fits(line: _Line, factors: Factors, out: Labels) -> Iterator[tuple[Factors, Coefficient]]:
    """The factors with the name in the place of those of the line, and the number that is left."""
    rest = _scalars_taken(line.scalars, factors)
    if rest is None or (len(line.arrays) == 1 and not line.scalars):
        return
    rank = line.name.rank
    for left, places, sign in _arrays_taken(line.arrays, 0, rest, {}):
        inner = {places[a] for _, ls in line.arrays for a in ls if not _is_end(a, rank)}
        outside = {*out, *(a for _, ls in left for a in ls)}
        if not inner & outside and len(inner) == len({a for _, ls in line.arrays for a in ls if not _is_end(a, rank)}):
            ends = tuple(places[a] for a in range(rank) if a in places)
            if len(ends) == rank and not inner & set(ends):
                yield [*left, (line.name, ends)], sign / Fraction(line.coefficient)


def _is_end(label: Hashable, rank: int) -> bool:
    return isinstance(label, int) and label < rank


def _scalars_taken(wanted: Factors, factors: Factors) -> Factors | None:
    """The factors without these scalars; of a power what is left of it; None where one is not there."""
    rest = list(factors)
    for node, _ in wanted:
        base, exponent = _power(node)
        for i, (n, labels) in enumerate(rest):
            own, given = _power(n)
            if not labels and own is base and given * exponent > 0 and abs(given) >= abs(exponent):
                left = given - exponent
                rest[i : i + 1] = [(power(base, left), ())] if left else []
                break
        else:
            return None
    return rest


def _power(node: Node) -> tuple[Node, Fraction]:
    exponent = as_number(node.exponent) if isinstance(node, Power) else None
    return (node, Fraction(1)) if exponent is None else (node.args[0], Fraction(exponent))


def _arrays_taken(
    wanted: Factors, at: int, rest: Factors, places: dict[Hashable, Hashable]
) -> Iterator[tuple[Factors, dict[Hashable, Hashable], Coefficient]]:
    """Ways to find the arrays of a line: the other factors, where its labels lie, and the sign."""
    if at == len(wanted):
        yield rest, places, 1
        return
    node, labels = wanted[at]
    for i, (n, ls) in enumerate(rest):
        if len(ls) != len(labels) or _unsigned(n) is not _unsigned(node):
            continue
        if any(places.get(a, b) != b for a, b in zip(labels, ls, strict=True)):
            continue
        ratio = 1 if n is node else Fraction(primitive(n)[0]) / Fraction(primitive(node)[0])  # type: ignore[arg-type]
        found = places | dict(zip(labels, ls, strict=True))
        for left, final, sign in _arrays_taken(wanted, at + 1, [*rest[:i], *rest[i + 1 :]], found):
            yield left, final, sign * ratio
