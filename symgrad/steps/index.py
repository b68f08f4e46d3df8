"""The index method, the way of the course: components, product rule with deltas, collapse, read off, layout.

A composed function is taken line by line: inner parts have names, each line is differentiated by the names
it reads, and the chain rule sums over the index of the intermediate.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from symgrad.derivation import Derivative
from symgrad.notation.tree import names
from symgrad.steps.collapse import collapsed, map_entries, relettered, unit_sums_dropped
from symgrad.steps.components import Components, Entry, Letters, Places, Product, Slope
from symgrad.steps.opening import differentiated, written
from symgrad.steps.results import in_own_name, layout_steps, reading, zero_step
from symgrad.steps.staging import Staged, inner_parts, staged
from symgrad.steps.step import EntryOf, Step, Written
from symgrad.tensor.nodes import Input, Node

SHORT_SUM, SHORT_PRODUCT = 3, 5  # what arrives is put in where it is no longer than that


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
        self.slopes: dict[tuple[str, str], Components] = {}  # of a line by a name that it reads
        self.totals: dict[str, Components] = {}  # of the output by a name

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
            raw = self._renamed(differentiated(body, self.views[name].node, letters), line, local.node)
            plain = collapsed(raw)
            left = self._slope(line, name, free, raw.free[len(free) :], letters, self._fixed(line, name))
            yield self._step("product rule", left, raw, of=line, wrt=name)
            if plain.latex() != raw.latex():
                yield self._step("collapse", left, plain, of=line, wrt=name)
            self.slopes[line, name] = plain
            if line == self.stages.of and self.stages.readers(name) == [line]:
                self.totals[name] = plain

    def _renamed(self, components: Components, line: str, value: Node) -> Components:
        """With the line's own name where its value stands: `f_i (1 - f_i)`."""
        name = Input.make(line, value.shape)
        return map_entries(components, lambda node: in_own_name(node, value, name))

    def _line_letters(self, line: str) -> Letters:
        """Every line starts its letters anew; those of the output are never used for another index."""
        taken = {*self.stages.program.views, *self.stages.program.scope.letters, "e", "d"}
        letters = Letters(frozenset({*taken, *self.output}))
        letters.sizes.update({a: self.letters.sizes[a] for a in self.output})
        return letters

    def _slope(
        self, of: str, wrt: str, outputs: Places, inputs: Places, letters: Letters, fixed: tuple[str, ...] = ()
    ) -> Components:
        return Components((Product(1, (Slope(of, wrt, outputs, inputs, fixed),), ()),), outputs + inputs, letters.sizes)

    def _fixed(self, line: str, name: str) -> tuple[str, ...]:
        """What a line also reads and what moves with the name: it is held where the line alone is differentiated."""
        return tuple(n for n in self.stages.reads(line) if n != name and self.stages.moves_with(n, name))

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
            rule.append(Product(1, (*arrives, Slope(reader, name, inner, by, self._fixed(reader, name))), bound))
            local = _at(self.slopes[reader, name], inner + by, letters)
            full += [f.times(p) for f in self._arriving(reader, inner, bound, letters) for p in local]
        free = self.output + by
        left = self._slope(of, name, self.output, by, letters)
        yield self._step("chain rule", left, Components(tuple(rule), free, letters.sizes), of=of, wrt=name)
        put_in = collapsed(Components(tuple(full), free, letters.sizes))
        yield self._step("put in", left, put_in, of=of, wrt=name)
        short = unit_sums_dropped(put_in)
        if short.text() != put_in.text():
            yield self._step("sums to one", left, short, of=of, wrt=name)
        self.totals[name] = short

    def _arriving(self, reader: str, inner: Places, bound: Places, letters: Letters) -> list[Product]:
        """What is known of d output / d reader: its components where they are short, else its name."""
        if reader == self.stages.of:
            return [Product(1, (), ())]
        total = self.totals[reader]
        if len(total.products) <= SHORT_SUM and all(len(p.factors) <= SHORT_PRODUCT for p in total.products):
            return [replace(p, bound=p.bound + bound) for p in _at(total, self.output + inner, letters)]
        return [Product(1, (Slope(self.stages.of, reader, self.output, inner),), bound)]

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
        free, sizes = self.totals[wrt].free, self.totals[wrt].sizes
        by = free[len(self.output) :]
        order = (*entrywise.rows, *entrywise.columns)
        shape = tuple(sizes[a] for a in free)
        right = EntryOf(Written(result, self.stages.meaning), tuple(free[a] for a in order), order, shape)
        left = Components((Product(1, (Slope(of, wrt, self.output, by),), ()),), free, sizes)
        yield self._step("read off", left, right, of=of, wrt=wrt)

    def _step(self, rule: str, left: Components, right: Components | EntryOf, **details: str) -> Step:
        return Step(rule, left, right, self.stages.program, details)


def _at(components: Components, places: Places, letters: Letters) -> list[Product]:
    """The products with other free letters, their bound letters made new."""
    table = dict(zip(components.free, places, strict=True))
    found = []
    for product in components.products:
        fresh = {a: letters.fresh(components.sizes[a]) for a in product.bound}
        found.append(relettered(product, {**table, **fresh}))
    return found
