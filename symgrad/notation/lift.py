"""Graph -> tree: from indices back to the notation of matrices.

Every node is lifted once, arguments first.  A product is contracted as a network of words, a sum shares
the factors of its terms; nodes of the result that an answer would repeat get names of their own.  A tensor
of more than two axes is written over stacked indices (`lift_stacked`): Kronecker products, vec, diag.
What has no such form raises `NoMatrixForm`; the caller shows indices instead.

>>> from symgrad.tensor.build import einsum, plus, transposed
>>> from symgrad.tensor.dims import letter
>>> from symgrad.tensor.nodes import Input
>>> from symgrad.notation.text import text
>>> A, x = Input.make("A", (letter("n"),) * 2), Input.make("x", (letter("n"),))
>>> text(lift(plus(einsum([(A, "ij"), (x, "j")], "i"), einsum([(A, "ji"), (x, "j")], "i"))))
"(A + A')*x"
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from typing import Any

from symgrad.calculus.cancel import components
from symgrad.notation.blocks import block_product, block_terms
from symgrad.notation.grammar import parse
from symgrad.notation.network import Item, Network, NoMatrixForm, entry_power, link_of
from symgrad.notation.patterns import has_patterns, without_patterns
from symgrad.notation.scalars import Sums, square_root, with_means, with_scalars
from symgrad.notation.sums import factor, in_order, sum_tree
from symgrad.notation.text import text
from symgrad.notation.tree import Name, Number, Tree, filled
from symgrad.notation.words import (
    Link,
    Term,
    Word,
    call,
    is_call,
    matrix,
    turned_tree,
    vector,
    with_difference_turned,
)
from symgrad.tensor.build import as_number, einsum, inlined, is_transpose, scaled, transposed
from symgrad.tensor.canonical import symmetry
from symgrad.tensor.dims import Dim, Size
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
    Reindex,
    Triangle,
    Unit,
    Window,
    walk,
)
from symgrad.tensor.nodes import Size as SizeNode
from symgrad.tensor.numbers import exact

MAX_MULTIPLIED_OUT = 4  # terms of a sum inside a scalar that is tried term by term
SHALLOW = 40  # symbols up to which an expression is lifted from above, with some ten calls for each step down
MAX_SETTLING = 8  # nested products into which a sign is followed

Labels = tuple[Hashable, ...]
Factors = list[tuple[Node, Labels]]


def lift(node: Node, transposed: bool = False) -> Tree:
    """The tree of a node with at most two axes (one axis: a column).  Raises NoMatrixForm."""
    return Lifter().lift(node, transposed)


def size_tree(size: Size) -> Tree:
    """A dimension as a tree."""
    if not isinstance(size, Dim):
        return Number(Fraction(size))
    if size.is_letter:
        return Name(str(size))
    from symgrad.notation.grammar import parse

    return parse(str(size))


@dataclass(slots=True)
class _Piece:
    """A factor on its way into a network: the node, the sign taken out of it, a nested product as its term."""

    node: Node
    labels: Labels
    sign: int
    term: Term | None = None


class Lifter:
    """Lifts the nodes of one result, every node once.  `rows` are the names that stand for row vectors."""

    def __init__(self, rows: Collection[str] = ()) -> None:
        self.rows = rows
        self._terms: dict[Node, list[Term] | NoMatrixForm] = {}
        self._trees: dict[Node, Tree] = {}
        self._words: dict[Node, Word] = {}
        self._products: dict[Node, Term | None] = {}
        self._factors: dict[Node, list[Term]] = {}
        self._sums: Sums = {}
        self._skew: set[str] = set()

    def lift(self, root: Node, transposed: bool = False) -> Tree:
        if root.symbols > SHALLOW:
            for node in walk(root):
                if node.args:  # what stands alone is looked at where it is used
                    self._visit(node)
        if transposed:
            return self._turned(root)
        return self.tree(root)

    def _visit(self, node: Node) -> None:
        if node in self._terms:
            return
        try:
            self._terms[node] = self._terms_of(node)
        except NoMatrixForm as reason:
            self._terms[node] = reason

    def terms(self, node: Node) -> list[Term]:
        found = self._terms.get(node)
        if found is None:
            self._visit(node)
            found = self._terms[node]
        if isinstance(found, NoMatrixForm):
            raise found
        return found

    def _shared(self, node: Node) -> list[Term]:
        """The terms of a sum, their common factors out."""
        found = self._factors.get(node)
        if found is None:
            found = self._factors[node] = factor(self.terms(node))
        return found

    def tree(self, node: Node) -> Tree:
        tree = self._trees.get(node)
        if tree is None:
            if type(node) is Input and node.rank <= 2 and node.name not in self.rows:
                tree = Name(node.name)
            elif type(node) is Add and node.terms:
                tree = in_order(self._shared(node))
            else:
                terms = self._scaled_terms(node, 1) if type(node) is Einsum else self.terms(node)
                tree = sum_tree(terms) if terms else self._zero(node)
                if type(node) is Einsum and Add in [type(n) for n, labels in node.factors if not labels]:
                    tree = self._multiplied_in(node, tree)
            self._trees[node] = tree
        return tree

    def _multiplied_in(self, node: Einsum, tree: Tree) -> Tree:
        """(1 - g/r^3)*x as x - g*x/r^3, where that is shorter: a number and a quotient times a vector alone."""
        ((inner, _), *more) = [f for f in node.factors if type(f[0]) is Add and not f[1]]
        rest = [f for f in node.factors if f[0] is not inner]
        if more or len(inner.args) != 2 or len(rest) != 1 or not any(map(_is_quotient, inner.args)):
            return tree
        out = tuple(range(node.rank))
        terms = [(c * node.coefficient, n) for c, n in inner.terms]  # type: ignore[attr-defined]
        opened = [(c, inlined(n, ()) if isinstance(n, Einsum) else [(n, ())]) for c, n in terms]
        found = in_order([self.product([*rest, *(f for f in flat)], out, c) for c, flat in opened])
        return found if len(text(found)) < len(text(tree)) else tree

    def _zero(self, node: Node) -> Tree:
        return call("zeros", *map(size_tree, node.shape)) if node.shape else Number(Fraction(0))

    def _turned(self, node: Node) -> Tree:
        """The transpose: a row of a column, or each chain of a matrix read backwards."""
        terms = self._scaled_terms(node, 1)
        if not terms:
            sizes = (1, *node.shape) if node.rank == 1 else node.shape[::-1]
            return call("zeros", *map(size_tree, sizes))
        return sum_tree([t.turned() for t in terms])

    # --- one node ------------------------------------------------------------------------------

    def _terms_of(self, node: Node) -> list[Term]:
        if Window.are_about() and type(node) in (Add, Einsum, Window):
            found = block_terms(self, node)
            if found is not None:
                return found
        if type(node) is Add:
            if not node.rank and len(node.terms) > 1:
                apart = [t.scaled(c) for c, n in node.terms for t in self.terms(n)]
                if all(t.coefficient < 0 for t in apart):  # the sign goes in front of the sum
                    return apart
            return [t for c, n in node.terms for t in self._scaled_terms(n, c)]
        if type(node) is Einsum:
            whole = [self.product([*node.factors], tuple(range(node.rank)), node.coefficient, settle=False)]
            return (node.rank == 0 and self._term_by_term(node, whole)) or whole
        if node.rank > 2:
            raise NoMatrixForm
        return [self._power(node) if isinstance(node, Power) else self._atom(node, self._atom_tree(node))]

    def _term_by_term(self, node: Einsum, whole: list[Term]) -> list[Term] | None:
        """A scalar with a sum inside, multiplied out where that is shorter: tr(B*(s*A - C)) = s*tr(B*A) - tr(B*C)."""
        sums = [i for i, (n, labels) in enumerate(node.factors) if isinstance(n, Add) and labels]
        if len(sums) != 1 or len(node.factors[sums[0]][0].args) > MAX_MULTIPLIED_OUT:
            return None
        inner, labels = node.factors[sums[0]]
        rest = [f for i, f in enumerate(node.factors) if i != sums[0]]
        found: list[Term] = []
        for c, n in inner.terms:  # type: ignore[attr-defined]
            apart = einsum([*rest, (n, labels)], (), c * node.coefficient)
            if not isinstance(apart, Einsum):
                return None
            flat = [f for m, ls in apart.factors for f in (inlined(m, ls) if isinstance(m, Einsum) else [(m, ls)])]
            apart = einsum(flat, (), apart.coefficient)  # deltas vanish
            if not isinstance(apart, Einsum):
                return None
            found.append(self.product([*apart.factors], (), apart.coefficient, settle=False))
        return found if len(text(sum_tree(found))) < len(text(sum_tree(whole))) else None

    def _scaled_terms(self, node: Node, c: Coefficient) -> list[Term]:
        """The terms of c * node; a sign goes into a difference inside."""
        terms = self.terms(node)
        if isinstance(node, Einsum) and len(terms) == 1 and c * terms[0].coefficient < 0:
            return [self.product([*node.factors], tuple(range(node.rank)), c * node.coefficient)]
        return terms if c == 1 else [t.scaled(c) for t in terms]

    def _atom(self, node: Node, tree: Tree) -> Term:
        if node.rank == 0:
            return Term(1, ((tree, 1),))
        if isinstance(node, Ones):
            return Term(1, (), None, vector(tree))
        if isinstance(node, Input) and node.name in self.rows:
            return Term(1, (), matrix(turned_tree(tree)))
        return Term(1, (), link_of(tree, node.rank, node.rank == 2 and symmetry(node) == 1))

    def _atom_tree(self, node: Node) -> Tree:
        match node:
            case Input() | Constant():
                return Name(node.name)
            case SizeNode():
                return size_tree(node.size)
            case Delta():
                return call("eye", size_tree(node.shape[0]))
            case Ones():
                return call("ones", size_tree(node.shape[0]))
            case Triangle():
                return call("tril", call("ones", *map(size_tree, node.shape)))
            case Unit():
                return call("e", Number(Fraction(node.index)), size_tree(node.shape[0]))
            case Map():
                return call(node.op.name, *(self.tree(a) for a in node.args))
            case Apply():
                return self._function(node)
            case _:
                raise NoMatrixForm

    def _function(self, node: Apply) -> Tree:
        record, argument = node.op, node.args[0]
        if not node.batch and argument.rank == 2 and record.core.startswith("v"):
            return self._of_all_entries(record, argument)
        if not node.batch and argument.rank <= 2:
            return call(record.written, *(self.tree(a) for a in node.args))
        if not node.batch and argument.rank == 4 and record.core.startswith("m"):
            from symgrad.notation.stacked import lift_arranged

            return call(record.written, lift_arranged(argument, (0, 1), (2, 3), self), *map(self.tree, node.args[1:]))
        if node.batch == 1 and argument.rank == 2 and record.rows:
            return reduce(lambda tree, name: call(name, tree), reversed(record.rows), self.tree(argument))
        raise NoMatrixForm

    def _of_all_entries(self, record: Any, argument: Node) -> Tree:
        """A function of a vector, of all entries of a matrix: vec stacks its columns, the node's axes its rows."""
        tree = self.tree(argument)
        if record.core == "v->s":
            alike = record.transposes and is_transpose(transposed(argument))
            return call(record.written, call("vec", tree if alike else turned_tree(tree)))
        if record.of_all is None:
            return call(record.written, tree)  # for index notation; read as a matrix it would be refused
        return filled(parse(record.of_all), {"X": tree})

    def _power(self, node: Power) -> Term:
        exponent = as_number(node.exponent)
        if node.rank == 0:
            if exponent is None:
                return Term(1, ((call("power", self.tree(node.base), self.tree(node.exponent)), 1),))
            return Term(1, (self.scalar_power(node.base, exponent),))
        base = self.tree(node.base)
        if exponent is None:
            tree = call("hadamard_power", base, self.tree(node.exponent))
        elif exponent < 0:
            tree = call("hadamard_divide", Number(Fraction(1)), entry_power(base, -exponent))
        else:
            tree = entry_power(base, exponent)
        return self._atom(node, tree)

    def scalar_power(self, base: Node, exponent: Coefficient) -> tuple[Tree, Coefficient]:
        """(x'x)^(q/2) is norm2(x)^q."""
        root = square_root(base)
        if root is not None and Fraction(exponent).denominator == 1 and not isinstance(root, Add):
            root = None
        if root is None:
            return self.tree(base), exponent
        if isinstance(root, Add) and self._reads_better_negated(root):
            root = scaled(-1, root)
        name = "norm2" if root.rank == 1 else "normF"
        return call(name, self.tree(root)), int(exponent * 2)

    # --- products ------------------------------------------------------------------------------

    def product(
        self, factors: Factors, out: Labels, coefficient: Coefficient, settle: bool = True, depth: int = 0
    ) -> Term:
        """One product as a term; with `settle` a sign in front goes into a difference.  Raises NoMatrixForm."""
        kinds = {type(n) for n, _ in factors}
        if Delta in kinds:
            deltas: Factors = [(n, labels) for n, labels in factors if isinstance(n, Delta)]
            return self._diagonal_product(factors, deltas, out, coefficient)
        if len(out) > 2:
            raise NoMatrixForm
        if Reindex in kinds:
            return self._regrouped(factors, out, coefficient)
        if Window in kinds:
            return block_product(self, factors, out, coefficient)
        rest = without_patterns(self, factors, out) if has_patterns(factors) else None
        if rest is not None:
            factors, coefficient = rest.factors, exact(coefficient * rest.coefficient)
        if type(coefficient) is not int:
            factors, coefficient = _with_fraction_inside(factors, coefficient)
        pieces = [self._piece(node, labels) for node, labels in factors]
        for piece in pieces:
            coefficient = exact(coefficient * piece.sign * (piece.term.coefficient if piece.term else 1))
        if coefficient < 0 and settle and self._settled(pieces, depth):
            coefficient = -coefficient
        network = Network(rest.items, out, rest.scalars) if rest is not None else Network([], out)
        network.factors, network.sums = factors, self._sums
        for piece in pieces:
            self._enter(network, piece)
        spread = self._spread(network, factors, out) if Ones in kinds else None
        if spread is not None:
            scale = with_scalars(coefficient, network.scalars, None)
            return with_means(Term(scale.coefficient, scale.scalars, None, spread), self._sums)
        word = network.contract()
        if self._skew and word is not None:
            coefficient, word = self._upright(coefficient, word)
        if coefficient < 0 and settle and word is not None:
            turned = with_difference_turned(word)
            if turned is not None:
                coefficient, word = -coefficient, turned
        return with_means(with_scalars(coefficient, network.scalars, word), self._sums)

    def _regrouped(self, factors: Factors, out: Labels, coefficient: Coefficient) -> Term:
        """A matrix whose row or column index is two indices read as one, as kron(A, B) is."""
        from symgrad.notation.stacked import lift_arranged

        sides: list[Labels] = []
        for label in out:
            side: Labels = (label,)
            for node, labels in factors:
                if isinstance(node, Reindex):
                    ends = labels[: node.split], labels[node.split :]
                    side = next((split for flat, split in (ends, ends[::-1]) if flat == (label,)), side)
            sides.append(side)
        both = [a for side in sides for a in side]
        rest = [(n, ls) for n, ls in factors if not (isinstance(n, Reindex) and set(ls) <= {*both, *out})]
        if any(isinstance(n, Reindex) for n, _ in rest) or not out:
            raise NoMatrixForm
        rows = tuple(range(len(sides[0])))
        tree = lift_arranged(einsum(rest, both, coefficient), rows, tuple(range(len(rows), len(both))), self)
        return Term(1, (), matrix(tree) if len(out) == 2 else vector(tree))

    def _piece(self, node: Node, labels: Labels) -> _Piece:
        """A factor made ready: a difference the way round that reads best, a nested product as its term."""
        if type(node) is Add:
            sign = -1 if self._reads_better_negated(node) else 1
            node = scaled(sign, node)
            return _Piece(node, labels, sign, self._factored(node) if labels and type(node) is Add else None)
        if type(node) is Einsum and labels:
            (term,) = self.terms(node)
            return _Piece(node, labels, 1, term if term.word is not None else None)
        return _Piece(node, labels, 1)

    def _factored(self, node: Add) -> Term | None:
        """A sum that is one product once its common factors are out: (A + A')*x, 2*(x - y)/t; else None."""
        if node not in self._products:
            found = self._shared(node)
            whole = len(found) == 1 and found[0].word is not None
            self._products[node] = found[0] if whole and (found[0].scalars or len(found[0].word.links) > 1) else None  # type: ignore[union-attr]
        return self._products[node]

    def _settled(self, pieces: list[_Piece], depth: int) -> bool:
        """Turn one difference round, here or in a nested product, so that a sign goes; whether one was found."""
        count = Counter(p.node for p in pieces)
        odd = [p.node for p in pieces if isinstance(p.node, Add) and count[p.node] % 2 == 1 and p.term is None]
        mixed = sorted(
            (n for n in odd if len({c > 0 for c, _ in n.terms}) == 2), key=lambda n: bool(self._constants(n))
        )
        if mixed:
            for piece in pieces:
                if piece.node is mixed[0]:
                    piece.node = scaled(-1, piece.node)
            return True
        for piece in pieces if depth < MAX_SETTLING else []:
            if piece.term is not None and isinstance(piece.node, Einsum) and count[piece.node] == 1:
                out = tuple(range(piece.node.rank))
                sign = -1 if piece.term.coefficient > 0 else 1
                turned = self.product([*piece.node.factors], out, sign * piece.node.coefficient, True, depth + 1)
                if turned.word is not None and turned.coefficient == abs(piece.term.coefficient):
                    piece.term = turned
                    return True
        return False

    def _constants(self, node: Add) -> list[Term]:
        """The terms that a reader wants to see first and positive: a number, an identity, a diagonal."""
        return [t for t in self.terms(node) if t.spread is not None or _is_diagonal(t)]

    def reads_better_negated(self, node: Node) -> bool:
        """Whether a sum or product is better written with the other sign, the sign in front."""
        try:
            if isinstance(node, Add):
                return self._reads_better_negated(node)
            return isinstance(node, Einsum) and self.terms(node)[0].coefficient < 0
        except NoMatrixForm:
            return False

    def _reads_better_negated(self, node: Add) -> bool:
        """Whether the leading term (a constant, else the longest product) is negative."""
        signs = {c > 0 for c, _ in node.terms}
        if len(signs) == 1:
            return False in signs
        constants = self._constants(node)
        leading = constants[0] if constants else min(self.terms(node), key=lambda t: t.order[1:])
        return leading.coefficient < 0

    def _enter(self, network: Network, piece: _Piece) -> None:
        node, labels = piece.node, piece.labels
        if not labels:
            network.scalars += self._scalar_factors(node)
            return
        if len(labels) > 2:
            raise NoMatrixForm
        if piece.term is not None and piece.term.word is not None:
            network.scalars += piece.term.scalars
            network.items.append(Item(labels, piece.term.word))
            return
        exponent = as_number(node.exponent) if type(node) is Power else None
        base = node.args[0] if exponent is not None else node
        word = self._words.get(base)
        if word is None:
            word = self._words[base] = self._word_of(base)
        network.items.append(Item(labels, word, 1 if exponent is None else exponent, type(node) is Ones))

    def _word_of(self, node: Node) -> Word:
        """The word of one factor; a sum of transposes as the transpose of a sum."""
        tree = self.tree(node)
        if type(node) is Add and node.rank == 2 and "'" in text(tree):
            turned = self._turned(node)
            if len(text(turned)) < len(text(tree)):
                return matrix(turned_tree(turned))
        turns = symmetry(node) if node.rank == 2 else 0
        if turns < 0:
            self._skew.add(text(tree))
        return link_of(tree, node.rank, turns == 1)

    def _upright(self, coefficient: Coefficient, word: Word) -> tuple[Coefficient, Word]:
        """K' as -K, of skew matrices."""
        turned = [link.transposed and not link.vector and link.key[0] in self._skew for link in word.links]
        links = [Link(a.tree_) if t else a for a, t in zip(word.links, turned, strict=True)]
        return (-1) ** sum(turned) * coefficient, Word(tuple(links))

    def _scalar_factors(self, node: Node) -> list[tuple[Tree, Coefficient]]:
        terms = self._shared(node) if type(node) in (Add, Einsum) else self.terms(node)
        if len(terms) == 1 and terms[0].word is None:
            scale = [(Number(Fraction(terms[0].coefficient)), 1)] if terms[0].coefficient != 1 else []
            return [*scale, *terms[0].scalars]
        return [(self.tree(node), 1)]

    def _spread(self, network: Network, factors: Factors, out: Labels) -> Word | None:
        """The word of ones where every label of the output belongs to ones alone: the rest is a spread scalar."""
        if not out or any(set(item.labels) & set(out) and not item.ones for item in network.items):
            return None
        rest = Network([i for i in network.items if not i.ones], (), network.scalars, network.factors, network.sums)
        rest.contract()
        sizes = {labels[0]: size_tree(n.shape[0]) for n, labels in factors if isinstance(n, Ones)}
        tree = call("ones", *(sizes[a] for a in out))
        return vector(tree) if len(out) == 1 else matrix(tree)

    def _diagonal_product(
        self,
        factors: Factors,
        deltas: Factors,
        out: Labels,
        coefficient: Coefficient,
    ) -> Term:
        """A delta between the two output labels: diag of the rest, or the identity."""
        rest = [f for f in factors if f not in deltas]
        if len(out) != 2 or len(deltas) != 1 or any(out[1] in labels for _, labels in rest):
            raise NoMatrixForm
        kept = [(n, labels) for n, labels in rest if labels]
        scalars = [s for n, labels in rest if not labels for s in self._scalar_factors(n)]
        if not any(out[0] in labels for _, labels in kept):
            network = Network([], ())
            for node, labels in kept:
                self._enter(network, _Piece(node, labels, 1))
            network.contract()
            word = matrix(call("eye", size_tree(deltas[0][0].shape[0])), symmetric=True)
            return with_scalars(coefficient, scalars + network.scalars, word)
        if all(len(labels) == 2 and _is_diagonal_array(n) for n, labels in kept) and len(components(kept)) == 1:
            links = [link for n, _ in kept for link in link_of(self.tree(n), 2, True).links]
            return with_scalars(coefficient, scalars, Word(tuple(links)))
        whole = 1 if type(coefficient) is int else coefficient  # a fraction may go into a sum
        inner = self.product(kept, (out[0],), whole, settle=False)
        assert inner.word is not None
        coefficient = exact(Fraction(coefficient) / whole)
        word = matrix(call("diag", Term(1, (), inner.word).tree()), symmetric=True)
        return with_scalars(coefficient * inner.coefficient, scalars + list(inner.scalars), word)


def _with_fraction_inside(factors: Factors, coefficient: Coefficient) -> tuple[Factors, Coefficient]:
    """0.1*(10*a + b) as a + 0.1*b: a fraction goes into a sum where it makes a coefficient one."""
    for i, (node, labels) in enumerate(factors):
        if type(node) is Add and labels and any(abs(coefficient * c) == 1 for c, _ in node.terms):
            return [*factors[:i], (scaled(coefficient, node), labels), *factors[i + 1 :]], 1
    return factors, coefficient


def _is_quotient(node: Node) -> bool:
    """Whether a product has a divisor."""
    powers = [n for n in node.args if isinstance(n, Power)] if isinstance(node, Einsum) else []
    return any((as_number(n.exponent) or 0) < 0 for n in powers)


def _is_diagonal_array(node: Node) -> bool:
    """Whether a matrix is known to be diagonal: declared so, or the inverse of such a one."""
    while isinstance(node, Apply) and node.op.inverts:
        node = node.args[0]
    return isinstance(node, Input) and "diagonal" in node.properties


def _is_diagonal(term: Term) -> bool:
    if term.word is None:
        return not term.scalars
    return len(term.word.links) == 1 and is_call(term.word.links[0].tree_, "diag", "eye")
