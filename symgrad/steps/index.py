"""The index method, the way of the course: components, product rule with deltas, collapse, read off, layout.

A composed function is taken line by line: inner parts have names, each line is differentiated by the names
it reads, and the chain rule sums over the index of the intermediate.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from symgrad.derivation import Derivative
from symgrad.notation.tree import names
from symgrad.steps.components import Components, Entry, Letters, Places, Product, Slope, collapsed, differentiated, written
from symgrad.steps.results import layout_steps, reading, zero_step
from symgrad.steps.staging import Staged, inner_parts, staged
from symgrad.steps.step import EntryOf, Step, Written
from symgrad.tensor.nodes import Input


def index_steps(derivative: Derivative) -> tuple[Step, ...]:
    """The steps of a first derivative in components.  Raises MethodError."""
    stages = staged(derivative, inner_parts, "index")
    if not stages.path:
        return (zero_step(stages),)
    return tuple(_Index(stages).steps())


class _Index:
    def __init__(self, stages: Staged):
        self.stages = stages
        self.views = stages.meaning.views
        taken = {*stages.program.views, *stages.program.scope.letters, "e", "d"}
        self.letters = Letters(frozenset(taken))
        self.output = self.letters.fresh_for(stages.program.views[stages.of].node.shape)
        self.slopes: dict[tuple[str, str], Components] = {}

    def steps(self) -> Iterator[Step]:
        of, wrt = self.stages.of, self.stages.wrt
        for line in self.stages.path:
            yield from self._line(line)
        if len(self.stages.path) > 1:
            for name in (*reversed(self.stages.path[:-1]), wrt):
                yield from self._chained(name)
        yield from self._read_off(of, wrt)
        yield from layout_steps(self.stages)

    # --- one line ------------------------------------------------------------------------------

    def _line(self, line: str) -> Iterator[Step]:
        """f_i in components, its slope by each name it reads, and that with the deltas gone."""
        letters = self._line_letters(line)
        view, local = self.views[line], self.stages.local(line)
        free = self.output if line == self.stages.of else letters.fresh_for(view.node.shape)
        moving = [self.views[n].node for n in self.stages.reads(line)]
        order = names(self.stages.line(line))
        body = written(local.node, free, letters, moving, order)
        own = Components((Product(1, (Entry(Input.make(line, view.node.shape), free),), ()),), free, letters.sizes)
        yield self._step("components", own, body, of=line)
        for name in self.stages.reads(line):
            raw = differentiated(body, self.views[name].node, letters)
            plain = collapsed(raw)
            left = self._slope(line, name, free, raw.free[len(free) :], letters)
            yield self._step("product rule", left, raw, of=line, wrt=name)
            if plain.latex() != raw.latex():
                yield self._step("collapse", left, plain, of=line, wrt=name)
            self.slopes[line, name] = plain

    def _line_letters(self, line: str) -> Letters:
        """Every line starts its letters anew; those of the output are never used for another index."""
        taken = {*self.stages.program.views, *self.stages.program.scope.letters, "e", "d"}
        letters = Letters(frozenset({*taken, *self.output}))
        letters.sizes.update({a: self.letters.sizes[a] for a in self.output})
        return letters

    def _slope(self, of: str, wrt: str, outputs: Places, inputs: Places, letters: Letters) -> Components:
        return Components((Product(1, (Slope(of, wrt, outputs, inputs),), ()),), outputs + inputs, letters.sizes)

    # --- lines chained -------------------------------------------------------------------------

    def _chained(self, name: str) -> Iterator[Step]:
        """d output / d name: over every line that reads it, summed over that line's index."""
        of, readers = self.stages.of, self.stages.readers(name)
        if readers == [of]:
            return
        letters = self._line_letters(name)
        by = letters.fresh_for(self.views[name].node.shape)
        rule, full = [], []
        for reader in readers:
            inner = self.output if reader == of else letters.fresh_for(self.views[reader].node.shape)
            bound = () if reader == of else inner
            arrives = () if reader == of else (Slope(of, reader, self.output, inner),)
            rule.append(Product(1, (*arrives, Slope(reader, name, inner, by)), bound))
            local = self._local_at(reader, name, inner, by, letters)
            full += [Product(1, arrives, bound).times(p) for p in local]
        free = self.output + by
        left = self._slope(of, name, self.output, by, letters)
        yield self._step("chain rule", left, Components(tuple(rule), free, letters.sizes), of=of, wrt=name)
        put_in = collapsed(Components(tuple(full), free, letters.sizes))
        yield self._step("put in", left, put_in, of=of, wrt=name)

    def _local_at(self, reader: str, name: str, outputs: Places, inputs: Places, letters: Letters) -> list[Product]:
        """The slope of one line with its letters renamed."""
        found = self.slopes[reader, name]
        table = dict(zip(found.free, outputs + inputs, strict=True))
        products = []
        for product in found.products:
            fresh = {a: letters.fresh(found.sizes[a]) for a in product.bound}
            products.append(_relettered(product, {**table, **fresh}))
        return products

    # --- the matrix ----------------------------------------------------------------------------

    def _read_off(self, of: str, wrt: str) -> Iterator[Step]:
        """Which matrix has these entries, where output and variable have at most two axes together."""
        source = self.stages.source
        entrywise = source.in_layout("mixed").arrangement
        rank = self.views[of].node.rank + self.views[wrt].node.rank
        if not 1 <= rank <= 2 or entrywise.rows is None or entrywise.columns is None:
            return
        result = reading(self.stages)
        if result is None:
            return
        letters = self._line_letters(wrt)
        by = letters.fresh_for(self.views[wrt].node.shape)
        free = self.output + by
        order = (*entrywise.rows, *entrywise.columns)
        shape = tuple(letters.sizes[a] for a in free)
        right = EntryOf(Written(result, self.stages.meaning), tuple(free[a] for a in order), order, shape)
        yield self._step("read off", self._slope(of, wrt, self.output, by, letters), right, of=of, wrt=wrt)

    def _step(self, rule: str, left: Components, right: Components | EntryOf, **details: str) -> Step:
        return Step(rule, left, right, self.stages.program, details)


def _relettered(product: Product, table: dict[str, str]) -> Product:
    def turned(places: Places) -> Places:
        return tuple(table[a] for a in places)

    factors = []
    for f in product.factors:
        if isinstance(f, Slope):
            factors.append(replace(f, outputs=turned(f.outputs), inputs=turned(f.inputs)))
        else:
            factors.append(replace(f, places=turned(f.places)))
    return Product(product.coefficient, tuple(factors), turned(product.bound))
