"""Tensors of three and four axes in matrix notation: Kronecker products, vec, diag, commutation matrices.

The rows and columns of the wanted matrix are stacked indices (slow, fast).  A product whose parts each
join one row label to one column label is a Kronecker product; crossed parts need a commutation matrix;
parts that stay on one side are vec(M) vec(N)'; an array on both labels of a side, or between the sides,
is diag(vec(M)).  Anything else raises NoMatrixForm.
"""

from __future__ import annotations

from collections.abc import Hashable
from functools import reduce

from symgrad.calculus.cancel import components
from symgrad.notation.lift import Lifter, size_tree
from symgrad.notation.network import NoMatrixForm
from symgrad.notation.sums import sum_tree
from symgrad.notation.text import text
from symgrad.notation.ties import joined_chains, on_the_diagonal, parts_of, untied
from symgrad.notation.tree import Call, Tree
from symgrad.notation.words import Link, Term, Word, call, is_call, matrix, turned_tree, with_difference_turned
from symgrad.tensor.build import einsum, inlined, permuted
from symgrad.tensor.dims import Size, times
from symgrad.tensor.nodes import Add, Delta, Einsum, Node, Ones, Reindex

MAX_SWAPS = 3  # exchanges of neighbouring indices that are written out

Axes = tuple[int, ...]
Labels = tuple[Hashable, ...]
Factors = list[tuple[Node, Labels]]


def lift_arranged(node: Node, rows: Axes, columns: Axes, lifter: Lifter) -> Tree:
    """The matrix with the given axes as row and column index (slow axis first).  Raises NoMatrixForm."""
    if len(rows) <= 1 and len(columns) <= 1:
        turned = permuted(node, (*rows, *columns))
        return lifter.lift(turned, transposed=not rows and bool(columns))
    return _Stacked(lifter, rows, columns).tree(node)


class _Stacked:
    def __init__(self, lifter: Lifter, rows: Axes, columns: Axes):
        self.lifter, self.rows, self.columns = lifter, rows, columns

    def tree(self, node: Node) -> Tree:
        terms = node.terms if isinstance(node, Add) else ((1, node),)
        if not terms:
            shape = [times(*(node.shape[a] for a in side)) for side in (self.rows, self.columns)]
            return call("zeros", *map(size_tree, shape))
        self.sizes: dict[Hashable, Size] = dict(enumerate(node.shape))
        return sum_tree([_settled(self._term(n).scaled(c)) for c, n in terms])

    def _term(self, node: Node) -> Term:
        inner, labels = node.factors[0] if isinstance(node, Einsum) and len(node.factors) == 1 else (node, ())
        if isinstance(inner, Add) and sorted(labels) == list(range(node.rank)):
            axes = [labels.index(i) for i in range(node.rank)]
            tree = sum_tree([self._term(permuted(n, axes)).scaled(c) for c, n in inner.terms])
            return Term(node.coefficient, (), matrix(tree))  # type: ignore[attr-defined]
        if not isinstance(node, Einsum):
            return self._kronecker([(node, tuple(range(node.rank)))], self.rows, self.columns)
        for n, labels in node.factors:
            if isinstance(n, Add) and n.rank > 2:
                return self._multiplied_out(node, n, labels)
            self.sizes.update(zip(labels, n.shape, strict=True))
        factors, rows, columns = _regrouped([*node.factors], self.rows, self.columns)
        return self._product(factors, rows, columns).scaled(node.coefficient)

    def _multiplied_out(self, node: Einsum, inner: Add, labels: tuple[int, ...]) -> Term:
        """A product with a sum over more than two axes, which has no notation of its own: term by term."""
        rest = [f for f in node.factors if f != (inner, labels)]
        if len(rest) != len(node.factors) - 1:
            raise NoMatrixForm
        terms = []
        for c, n in inner.terms:
            opened = inlined(n, labels) if isinstance(n, Einsum) else [(n, labels)]
            c = c * n.coefficient if isinstance(n, Einsum) else c
            terms.append(self._term(einsum([*rest, *opened], range(node.rank))).scaled(c))
        return Term(node.coefficient, (), matrix(sum_tree(terms)))

    def _product(self, factors: Factors, rows: Labels, columns: Labels) -> Term:
        """diag(vec(E)), alone, on either side or in the middle, else a Kronecker product."""
        if sum(isinstance(n, Delta) for n, _ in factors) == len(rows) == len(columns) == 2:
            on_rows = on_the_diagonal(factors, rows, columns)
            if on_rows is not None:
                return self._diagonal(on_rows, rows)
        for side in (rows, columns):
            on_side = [f for f in factors if len(side) == 2 and set(f[1]) == set(side) and not isinstance(f[0], Delta)]
            rest = [f for f in factors if f not in on_side]
            if on_side and set(rows) | set(columns) <= {a for _, labels in rest for a in labels}:
                inner, diagonal = self._product(rest, rows, columns), self._diagonal(on_side, side)
                return _joined(diagonal, inner) if side == rows else _joined(inner, diagonal)
        try:
            return self._kronecker(factors, rows, columns)
        except NoMatrixForm:
            pass  # other forms, of which the shortest is taken
        found = []
        for form in (self._cut, self._blocks, self._entrywise, self._between_diagonals, self._at_one_label):
            try:
                found.append(form(factors, rows, columns))
            except NoMatrixForm:
                continue
        return min(found, key=_length) if found else self._tied(factors, rows, columns)

    def _diagonal(self, factors: Factors, side: Labels) -> Term:
        """diag(vec(E)), E over the two labels of a side."""
        inner = self.lifter.product(factors, (side[1], side[0]), 1, settle=False)
        assert inner.word is not None
        tree = call("diag", call("vec", Term(1, (), inner.word).tree()))
        return Term(inner.coefficient, inner.scalars, matrix(tree, symmetric=True))

    def _cut(self, factors: Factors, rows: Labels, columns: Labels) -> Term:
        """An array between a left and a right part, as by the chain rule: L diag(vec(E)) R.

        Its labels are summed, or belong to a row or a column: those are given a label of their own between the parts.
        """
        scalars = [s for n, labels in factors if not labels for s in self.lifter._scalar_factors(n)]
        arrays = [f for f in factors if f[1]]
        groups = dict.fromkeys(frozenset(ls) for n, ls in arrays if len(set(ls)) == 2 and not isinstance(n, Delta))
        found = [t for group in groups if (t := self._through(arrays, group, rows, columns)) is not None]
        if not found:
            raise NoMatrixForm
        best = min(found, key=_length)
        return Term(best.coefficient, (*scalars, *best.scalars), best.word)

    def _through(self, arrays: Factors, group: frozenset[Hashable], rows: Labels, columns: Labels) -> Term | None:
        """L diag(vec(E)) R with what lies over these two labels in the middle; None where the rest does not part."""
        ends = {*rows, *columns}
        cut = {a: ("cut", a) if a in ends else a for a in next(ls for _, ls in arrays if set(ls) == group)}
        self.sizes.update({c: self.sizes[a] for a, c in cut.items()})
        middle = [(n, tuple(cut[a] for a in ls)) for n, ls in arrays if set(ls) == group and not isinstance(n, Delta)]
        rest = [(n, tuple(cut.get(a, a) for a in ls)) for n, ls in arrays if set(ls) != group or isinstance(n, Delta)]
        rest += [(Delta.make(self.sizes[a]), (a, c)) for a, c in cut.items() if a != c]  # type: ignore[arg-type]
        sides = self._sides(rest, tuple(cut.values()), rows, columns)
        if sides is None:
            return None
        found = []
        for order in (tuple(cut.values()), tuple(cut.values())[::-1]):
            try:
                left, right = self._product(sides[0], rows, order), self._product(sides[1], order, columns)
                found.append(_joined(_joined(left, self._diagonal(middle, order)), right))
            except NoMatrixForm:
                continue
        return min(found, key=_length, default=None)

    def _sides(self, factors: Factors, pair: Labels, rows: Labels, columns: Labels) -> tuple[Factors, Factors] | None:
        """The factors of the row side and of the column side once the labels of `pair` are cut."""
        left: Factors = []
        right: Factors = []
        for group in components([(n, tuple(a for a in labels if a not in pair)) for n, labels in factors]):
            labels = {a for _, ls in group for a in ls}
            whole = [f for f in factors if any(f[0] is n and set(ls) <= set(f[1]) for n, ls in group)]
            to_rows, to_columns = bool(labels & set(rows)), bool(labels & set(columns))
            if to_rows == to_columns:
                return None
            (left if to_rows else right).extend(f for f in whole if f not in (left if to_rows else right))
        for side, outer in ((left, rows), (right, columns)):
            covered = {a for _, ls in side for a in ls}
            if not covered & set(pair) or not set(outer) <= covered:
                return None
            side += [(Ones.make(self.sizes[a]), (a,)) for a in pair if a not in covered]
        return left, right

    # --- parts that share an index of the result -----------------------------------------------------

    def _entrywise(self, factors: Factors, rows: Labels, columns: Labels) -> Term:
        """kron(A, ones) .* kron(ones, B): parts over one row and one column index each, spread over the others."""
        slots = self._slots(untied(factors, rows, columns), rows, columns)
        scalars = [s for n, labels in factors if not labels for s in self.lifter._scalar_factors(n)]
        term = Term(1, tuple(scalars))
        spread: list[Tree] = []
        for (row, column), group in sorted(slots.items(), key=lambda s: (rows.index(s[0][0]), columns.index(s[0][1]))):
            part = self.lifter.product(group, (row, column), 1, settle=False)
            if part.word is None:
                raise NoMatrixForm
            term = Term(term.coefficient * part.coefficient, (*term.scalars, *part.scalars))
            spread.append(self._spread(part.word.tree(), rows.index(row), columns.index(column), rows, columns))
        return Term(term.coefficient, term.scalars, matrix(reduce(lambda a, b: call("hadamard", a, b), spread)))

    def _between_diagonals(self, factors: Factors, rows: Labels, columns: Labels) -> Term:
        """diag(vec(P)) M diag(vec(Q)), what M lacks of the indices being ones."""
        apart = joined_chains(untied(factors, rows, columns), rows, columns)
        ties = [labels for n, labels in apart if isinstance(n, Delta)]
        for side in (rows, columns):
            here = {a: b for pair in ties for a, b in (pair, pair[::-1]) if b in side and a not in side}
            read = [(f, (f[0], tuple(here.get(a, a) for a in f[1]))) for f in apart]
            on_side = [g for f, g in read if len(side) == 2 and set(g[1]) == set(side) and not isinstance(f[0], Delta)]
            rest = [f for f, g in read if g not in on_side]
            if on_side and rest:
                covered = {a for _, labels in rest for a in labels}
                rest += [(Ones.make(self.sizes[a]), (a,)) for a in side if a not in covered]
                inner, diagonal = self._product(rest, rows, columns), self._diagonal(on_side, side)
                return _joined(diagonal, inner) if side == rows else _joined(inner, diagonal)
        raise NoMatrixForm

    def _at_one_label(self, factors: Factors, rows: Labels, columns: Labels) -> Term:
        """Rows and columns that meet at one summed label alone: L diag(v) R, L or R a product row by row."""
        scalars = [s for n, labels in factors if not labels for s in self.lifter._scalar_factors(n)]
        arrays = [f for f in factors if f[1]]
        for label in dict.fromkeys(a for _, labels in arrays for a in labels if a not in {*rows, *columns}):
            beside = [f for f in arrays if f[1] == (label,)]
            left = [f for f in arrays if set(f[1]) & set(rows)]
            right = [f for f in arrays if set(f[1]) & set(columns)]
            apart = len(left) + len(right) + len(beside) == len(arrays) and not any(f in right for f in left)
            if not (apart and left and right):
                continue
            term = self._product(left, rows, (label,))
            if beside:
                inner = self.lifter.product(beside, (label,), 1, settle=False)
                assert inner.word is not None
                diagonal = matrix(call("diag", Term(1, (), inner.word).tree()), symmetric=True)
                term = _joined(term, Term(inner.coefficient, inner.scalars, diagonal))
            term = _joined(term, self._product(right, (label,), columns))
            return Term(term.coefficient, (*scalars, *term.scalars), term.word)
        raise NoMatrixForm

    def _tied(self, factors: Factors, rows: Labels, columns: Labels) -> Term:
        """Two row (or column) indices that are equal: the matrix of diag, times what is over one of them."""
        array = [(n, labels) for n, labels in factors if labels]
        if len(rows) == len(columns) == 2 and all(isinstance(n, Delta) for n, _ in array) and len(array) == 3:
            eye = call("eye", size_tree(self.sizes[rows[0]]))  # all four indices are equal
            scalars = [s for n, labels in factors if not labels for s in self.lifter._scalar_factors(n)]
            return Term(1, tuple(scalars), matrix(call("diag", call("vec", eye)), symmetric=True))
        for side in (rows, columns):
            if len(side) < 2 or not any(isinstance(n, Delta) and set(labels) == set(side) for n, labels in factors):
                continue
            one = {side[1]: side[0]}
            rest = [(n, tuple(one.get(a, a) for a in labels)) for n, labels in factors]
            rest = [f for f in rest if len(set(f[1])) == len(f[1])]
            short = tuple(a for a in side if a != side[1])
            inner = self._product(rest, *((short, columns) if side == rows else (rows, short)))
            eye, ones = (call(name, size_tree(self.sizes[side[0]])) for name in ("eye", "ones"))
            spread = matrix(call("hadamard", call("kron", eye, ones), call("kron", ones, eye)))
            diag = Term(1, (), spread)
            return _joined(diag, inner) if side == rows else _joined(inner, diag.turned())
        raise NoMatrixForm

    def _slots(self, factors: Factors, rows: Labels, columns: Labels) -> dict[tuple[Hashable, Hashable], Factors]:
        """The parts by the row and the column index they are over; what is over one index goes with another part."""
        ends = {*rows, *columns}
        slots: dict[tuple[Hashable, Hashable], Factors] = {}
        single: list[tuple[Hashable, Factors]] = []
        for part in parts_of(factors, ends):
            over = {a for _, labels in part for a in labels} & ends
            on_rows, on_columns = [a for a in rows if a in over], [a for a in columns if a in over]
            if len(on_rows) == len(on_columns) == 1:
                slots.setdefault((on_rows[0], on_columns[0]), []).extend(part)
            elif len(over) == 1:
                single.append((next(iter(over)), part))
            else:
                raise NoMatrixForm
        for label, part in single:
            slot = next((s for s in slots if label in s), None)
            if slot is None:
                raise NoMatrixForm
            slots[slot] += part
        if len(slots) < 2 or {a for slot in slots for a in slot} != ends:
            raise NoMatrixForm
        return slots

    def _spread(self, tree: Tree, row: int, column: int, rows: Labels, columns: Labels) -> Tree:
        """A block repeated along the other row and column index."""
        if len(rows) == len(columns) == 2 and row != column:
            raise NoMatrixForm
        others = [a for side, at in ((rows, row), (columns, column)) for i, a in enumerate(side) if i != at]
        if not others:
            return tree
        ones = call("ones", *(size_tree(self.sizes[a]) for a in others))
        if len(others) == 1 and len(columns) == 2:
            ones = call("transpose", ones)
        first = row == 0 if len(rows) == 2 else column == 0
        return call("kron", tree, ones) if first else call("kron", ones, tree)

    # --- parts that lie apart, their indices interleaved -------------------------------------------

    def _blocks(self, factors: Factors, rows: Labels, columns: Labels) -> Term:
        """P (A kron B) Q: parts that share no label, put in order by swapping neighbouring indices."""
        groups = [g for g in components([f for f in factors if f[1]]) if self._touched(g, (*rows, *columns))]
        if len(groups) < 2 or (len(rows) < 3 and len(columns) < 3):
            raise NoMatrixForm
        place = {a: i for i, a in enumerate((*rows, *columns))}
        groups.sort(key=lambda g: min(place[a] for a in self._touched(g, (*rows, *columns))))
        sides = [(self._touched(g, rows), self._touched(g, columns)) for g in groups]
        term = reduce(_kron, (self._part(g, r, c) for g, (r, c) in zip(groups, sides, strict=True)))
        scalars = [f for f in factors if not any(f in g for g in groups)]
        if any(labels for _, labels in scalars):
            scalars = [(einsum(scalars, ()), ())]
        extra = [s for n, _ in scalars for s in self.lifter._scalar_factors(n)]
        for swap in self._swaps([a for r, _ in sides for a in r], list(rows)):
            term = _joined(Term(1, (), matrix(swap)), term)
        for swap in reversed(self._swaps(list(columns), [a for _, c in sides for a in c])):
            term = _joined(term, Term(1, (), matrix(swap)))
        return Term(term.coefficient, (*extra, *term.scalars), term.word)

    def _touched(self, group: Factors, side: Labels) -> Labels:
        return tuple(a for a in side if any(a in labels for _, labels in group))

    def _part(self, group: Factors, rows: Labels, columns: Labels) -> Term:
        if not columns:
            return self._column(group, rows)
        return self._product(group, rows, columns) if rows else self._column(group, columns).turned()

    def _swaps(self, order: list[Hashable], wanted: list[Hashable]) -> list[Tree]:
        """Matrices that, applied one after the other, reorder a stacked index by exchanging neighbours."""
        swaps: list[Tree] = []
        order = list(order)
        for target, label in enumerate(wanted):
            at = order.index(label)
            while at > target:
                a, b = order[at - 1], order[at]
                middle = call("commutation", size_tree(self.sizes[b]), size_tree(self.sizes[a]))
                swaps.append(self._between(order[: at - 1], middle, order[at + 1 :]))
                order[at - 1], order[at] = b, a
                at -= 1
        if len(swaps) > MAX_SWAPS:
            raise NoMatrixForm
        return swaps

    def _between(self, before: list[Hashable], middle: Tree, after: list[Hashable]) -> Tree:
        """eye kron middle kron eye."""
        sides = [times(*(self.sizes[a] for a in side)) if side else None for side in (before, after)]
        left, right = (None if s is None else call("eye", size_tree(s)) for s in sides)
        tree = middle if left is None else _kron_tree(left, middle)
        return tree if right is None else _kron_tree(tree, right)

    # --- Kronecker products ----------------------------------------------------------------------

    def _kronecker(self, factors: Factors, rows: Labels, columns: Labels) -> Term:
        scalars: Factors = [f for f in factors if not f[1]]
        groups: dict[Labels, Factors] = {}
        ends = {*rows, *columns}
        for group in components([f for f in factors if f[1]]):
            touched = tuple(a for a in (*rows, *columns) if any(a in labels for _, labels in group))
            if not ends & set(touched):
                scalars += [(einsum(group, ()), ())]
            else:
                groups[touched] = group
        term = self._arranged(groups, rows, columns)
        extra = [s for n, _ in scalars for s in self.lifter._scalar_factors(n)]
        return Term(term.coefficient, (*extra, *term.scalars), term.word)

    def _arranged(self, groups: dict[Labels, Factors], rows: Labels, columns: Labels) -> Term:
        if rows in groups and columns in groups and len(groups) == 2 and (len(rows) > 1 or len(columns) > 1):
            left, right = self._column(groups[rows], rows), self._column(groups[columns], columns)
            return _joined(left, right.turned())
        order = self._pairing(groups, rows, columns)
        blocks = [self._block(groups, r, c) for r, c in order]
        term = blocks[0] if len(blocks) == 1 else _kron(blocks[0], blocks[1])
        if len(columns) == 2 and order[0][1] == columns[1] and order[1][1] == columns[0]:
            swap = call("commutation", size_tree(self.sizes[columns[1]]), size_tree(self.sizes[columns[0]]))
            return _joined(term, Term(1, (), matrix(swap)))
        return term

    def _pairing(self, groups: dict[Labels, Factors], rows: Labels, columns: Labels) -> list[tuple[Hashable, Hashable]]:
        """Which row label stands with which column label, slow block first; None where a block has no such label."""
        partner = {g[0]: g[1] for g in groups if len(g) == 2 and g[0] in rows and g[1] in columns}
        known = {g for g in groups if len(g) == 1} | {g for g in groups if g[0] in partner and len(g) == 2}
        if set(groups) != known:
            raise NoMatrixForm
        if len(rows) == len(columns) == 2:
            crossed = partner.get(rows[0], columns[0]) == columns[1] or partner.get(rows[1], columns[1]) == columns[0]
            order = (columns[1], columns[0]) if crossed else columns
            if any(partner.get(r, c) != c for r, c in zip(rows, order, strict=True)):
                raise NoMatrixForm
            return list(zip(rows, order, strict=True))
        if len(rows) == 1:
            at = columns.index(partner[rows[0]]) if rows[0] in partner else 0
            return [(rows[0] if i == at else None, c) for i, c in enumerate(columns)]
        at = next((i for i, r in enumerate(rows) if r in partner), 0)
        if not columns:
            raise NoMatrixForm
        return [(r, columns[0] if i == at else None) for i, r in enumerate(rows)]

    def _block(self, groups: dict[Labels, Factors], row: Hashable, column: Hashable) -> Term:
        """One block of a Kronecker product: a matrix, an outer product, a column or a row."""
        if (row, column) in groups:
            return self.lifter.product(groups[row, column], (row, column), 1, settle=False)
        left, right = (None if a is None else self._alone(groups, a) for a in (row, column))
        if left is None or right is None:
            one = left or (None if right is None else right.turned())
            assert one is not None
            return one
        trees = [t.word.links[0].tree_ for t in (left, right) if t.word is not None and len(t.word.links) == 1]
        if len(trees) == 2 and all(is_call(t, "ones") and len(t.args) == 1 for t in trees):
            whole = call("ones", *(t.args[0] for t in trees))
            return Term(left.coefficient * right.coefficient, (*left.scalars, *right.scalars), matrix(whole))
        return _joined(left, right.turned())

    def _alone(self, groups: dict[Labels, Factors], label: Hashable) -> Term:
        """The part over one label."""
        if (label,) not in groups:
            raise NoMatrixForm
        return _closed(self.lifter.product(groups[(label,)], (label,), 1))

    def _column(self, factors: Factors, labels: Labels) -> Term:
        """vec(M) of what lies over the two labels of one side, or the column over its one label."""
        if len(labels) == 1:
            return _closed(self.lifter.product(factors, labels, 1))  # type: ignore[arg-type]
        inner = _closed(self.lifter.product(factors, (labels[1], labels[0]), 1))  # type: ignore[arg-type]
        assert inner.word is not None
        tree = call("vec", Term(1, (), inner.word).tree())
        return Term(inner.coefficient, inner.scalars, Word((Link(tree, vector=True),)))


def _length(term: Term) -> int:
    return len(text(term.unsigned))


def _settled(term: Term) -> Term:
    """The term with a sign in front gone into a difference inside."""
    turned = with_difference_turned(term.word) if term.coefficient < 0 and term.word is not None else None
    return term if turned is None else Term(-term.coefficient, term.scalars, turned, term.spread)


def _regrouped(factors: Factors, rows: Labels, columns: Labels) -> tuple[Factors, Labels, Labels]:
    """A flat index that is only a regrouping of two others is read as those two."""
    for factor in factors:
        node, labels = factor
        if isinstance(node, Reindex):
            first, second = labels[: node.split], labels[node.split :]
            for flat, split in ((first, second), (second, first)):
                rest = [f for f in factors if f is not factor]
                if len(flat) == 1 and len(split) == 2 and not any(flat[0] in ls for _, ls in rest):
                    if flat == columns:
                        return _regrouped(rest, rows, split)
                    if flat == rows:
                        return _regrouped(rest, split, columns)
    return factors, rows, columns


def _closed(term: Term) -> Term:
    """A spread scalar with its ones as a word."""
    return Term(term.coefficient, term.scalars, term.spread) if term.spread is not None else term


def _joined(left: Term, right: Term) -> Term:
    if left.word is None or right.word is None:
        raise NoMatrixForm
    links = (*left.word.links, *right.word.links)
    kept = tuple(link for link in links if not is_call(link.tree_, "eye")) or links[:1]
    return Term(left.coefficient * right.coefficient, (*left.scalars, *right.scalars), Word(kept))


def _kron(a: Term, b: Term) -> Term:
    a, b = _closed(a), _closed(b)
    if a.word is None or b.word is None:
        raise NoMatrixForm
    tree = _kron_tree(a.word.tree(), b.word.tree())
    return Term(a.coefficient * b.coefficient, (*a.scalars, *b.scalars), matrix(tree))


def _kron_tree(left: Tree, right: Tree) -> Tree:
    """The Kronecker product of two trees; identities side by side become one."""
    if isinstance(right, Call) and right.op == "eye":
        if isinstance(left, Call) and left.op == "eye":
            return call("eye", call("multiply", left.args[0], right.args[0]))
        if isinstance(left, Call) and left.op == "kron" and is_call(left.args[1], "eye"):
            return call("kron", left.args[0], _kron_tree(left.args[1], right))
    if isinstance(left, Call) and isinstance(right, Call) and left.op == right.op == "transpose":
        return turned_tree(call("kron", left.args[0], right.args[0]))
    return call("kron", left, right)
