"""Derivatives in factors: the small arrays that a large, structured one is made of.

The Hessian of |T - U V'|^2 by U is 2 V'V repeated along a diagonal: `[i = k]*F1[j, l]` with one array of k x k
instead of (m k)^2 entries.  A term of the tensor falls into factors that share no index; identities stay brackets,
an axis along which nothing changes stays unwritten.  A tensor without such structure is its own only factor.

>>> from symgrad.tensor.build import einsum
>>> from symgrad.tensor.dims import letter
>>> from symgrad.tensor.nodes import Delta, Input
>>> V = Input.make("V", (letter("n"), letter("k")))
>>> node = einsum([(V, "mj"), (V, "ml"), (Delta.make(letter("m")), "ik")], "ijkl", 2)
>>> code = compile_factors(node, [Argument("V", V.shape)])
>>> code.statement
'[i = k]*F1[j, l]'
>>> code.program(V=np.array([[1.0, 2.0]]))
array([[2., 4.],
       [4., 8.]])
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from symgrad.errors import UnknownNameError
from symgrad.numeric.code import Compiled, compile_text, user_functions
from symgrad.numeric.function_text import Argument, Doc, FunctionText
from symgrad.numeric.layout import reachable
from symgrad.numeric.operand import LETTERS, Operand
from symgrad.numeric.plan import Planner, extent
from symgrad.numeric.product import Product
from symgrad.numeric.stable import stable
from symgrad.numeric.steps import Step
from symgrad.numeric.twosided import two_sided
from symgrad.numeric.value import At, Axis, Mixed, Within
from symgrad.tensor.dims import Shape, letters_of, size_at
from symgrad.tensor.nodes import Add, Einsum, Node

Array = Any


@dataclass(frozen=True, slots=True)
class Term:
    """One product: for each axis of the tensor the label it reads (or its one index), for each factor its labels."""

    axes: tuple[Axis, ...]
    factors: tuple[tuple[Hashable, ...], ...]

    @property
    def is_whole(self) -> bool:
        """No smaller than the tensor itself."""
        return len(self.factors) == 1 and len(self.factors[0]) == len(self.axes)

    def text(self, first: int) -> str:
        """`[i = k]*F1[j, l]`, factors being numbered from `first`."""
        names: dict[Hashable, str] = {}
        words = []
        for axis, letter in zip(self.axes, LETTERS, strict=False):
            if isinstance(axis, At):
                words.append(f"[{letter} = {axis.index + 1}]")
            elif axis in names:
                words.append(f"[{names[axis]} = {letter}]")
            else:
                names[axis] = letter
        for place, labels in enumerate(self.factors):
            index = ", ".join(names[a] for a in labels)
            words.append(f"F{first + place}[{index}]" if labels else f"F{first + place}")
        return "*".join(words)

    def add_to(self, whole: Array, factors: Sequence[Array]) -> None:
        """Add the term to an array of the tensor's shape."""
        distinct = list(dict.fromkeys(a for a in self.axes if not isinstance(a, At)))
        name = dict(zip(distinct, LETTERS, strict=False))
        sliced = whole[(*(a.index if isinstance(a, At) else slice(None) for a in self.axes), ...)]
        every = "".join(name[a] for a in self.axes if not isinstance(a, At))
        view = np.einsum(f"{every}->{''.join(name[a] for a in distinct)}", sliced) if distinct else sliced
        given = ",".join("".join(name[a] for a in labels) for labels in self.factors)
        kept = [a for a in distinct if any(a in labels for labels in self.factors)]
        core = np.einsum(f"{given}->{''.join(name[a] for a in kept)}", *factors)
        view += core.reshape([n if a in kept else 1 for a, n in zip(distinct, view.shape, strict=True)])


@dataclass(frozen=True, slots=True)
class Factored:
    """The compiled factors: `program` gives them (one array, or a tuple), `terms` say what they stand for."""

    program: Compiled
    terms: tuple[Term, ...]
    shape: Shape

    @property
    def statement(self) -> str:
        """The tensor by its indices i, j, k, ... and the factors F1, F2, ... in the order in which they come."""
        return _statement(self.terms)

    def dense(self, factors: Array, **sizes: int) -> Array:
        """The whole array of factors as `program` gives them; `sizes` of the letters that no factor has.

        Raises UnknownNameError for a dimension that is not known.
        """
        given = list(factors) if isinstance(factors, tuple) else [factors]
        owners = [term for term in self.terms for _ in term.factors]
        at = dict(sizes)
        for term, labels, array in zip(owners, [f for t in self.terms for f in t.factors], given, strict=True):
            at |= {str(self.shape[term.axes.index(a)]): n for a, n in zip(labels, array.shape, strict=True)}
        missing = [a for a in letters_of(self.shape) if a not in at]
        if missing:
            raise UnknownNameError(f"no factor has the dimension {missing[0]}", hint=f"dense(..., {missing[0]}=100)")
        whole = np.zeros([size_at(s, at) for s in self.shape], np.result_type(*given))
        for term in self.terms:
            term.add_to(whole, given[: len(term.factors)])
            given = given[len(term.factors) :]
        return whole


def _statement(terms: Sequence[Term]) -> str:
    texts, first = [], 1
    for term in terms:
        texts.append(term.text(first))
        first += len(term.factors)
    return " + ".join(texts)


def compile_factors(
    node: Node, arguments: Sequence[Argument], named: Sequence[tuple[str, Node]] = (), doc: Doc = ""
) -> Factored:
    """The factors of a tensor as a function of the arguments that they need."""
    node, sides, _ = two_sided(stable(node), lambda size: extent(size, None))
    text, terms = _written(node, arguments, named, doc, None, sides)
    needed = _needed(text, arguments)
    program = compile_text(lambda at: _written(node, needed, named, doc, at, sides)[0], [node])
    return Factored(program, terms, node.shape)


def _written(
    node: Node,
    arguments: Sequence[Argument],
    named: Sequence[tuple[str, Node]],
    doc: Doc,
    at: Mapping[str, int] | None,
    sides: Sequence[Node],
) -> tuple[FunctionText, tuple[Term, ...]]:
    """The text of the factors and what they stand for."""
    text = FunctionText(arguments, "factors", user_functions(node))
    text.sides = sides
    planner = text.planned([node], named, at)
    found = _terms(planner, node)
    text.depends |= planner.depends
    text.roots = [text.finished(o.step, (), None) for operands, _ in found for o in operands]
    terms = tuple(Term(axes, tuple(tuple(o.labels) for o in operands)) for operands, axes in found)
    text.doc = lambda: f"{doc if isinstance(doc, str) else doc()}\n\nThe tensor is {_statement(terms)}"
    return text, terms


def _terms(planner: Planner, node: Node) -> list[tuple[list[Operand], tuple[Hashable, ...]]]:
    """Each term as arrays and axes; the whole tensor where a term is no smaller."""
    parts = node.terms if isinstance(node, Add) else [(1, node)]
    found = []
    for coefficient, part in parts:
        factored = None
        if isinstance(part, Einsum):
            product = Product(planner, part.coefficient * coefficient)
            product.gather(part.factors)
            factored = product.factored(range(part.rank))
        if factored is None or Term(factored[1], tuple(tuple(o.labels) for o in factored[0])).is_whole:
            return _values(planner, node)
        found.append(factored)
    return found or _values(planner, node)


def _values(planner: Planner, node: Node) -> list[tuple[list[Operand], tuple[Hashable, ...]]]:
    """The tensor as it is planned: one array for each structure that it has."""
    value = planner.value(node)
    values = value.values if isinstance(value, Mixed) else (value,)
    if any((v.is_plain and len(v.labels) == len(v.axes)) or any(isinstance(a, Within) for a in v.axes) for v in values):
        whole = planner.whole_step(node)
        axes = tuple(range(node.rank))
        return [([Operand(whole, axes)], axes)]
    return [([Operand(v.step, v.labels)], v.axes) for v in values]


def _needed(text: FunctionText, arguments: Sequence[Argument]) -> list[Argument]:
    """The arguments that occur, and those that dimensions are read off."""
    used = set(reachable(*text.roots))
    chosen = [a for a in arguments if text.leaf_of(a) in used]
    letters = [a for a, word in text.letters.items() if _occurs(word, used)]
    for argument in arguments:
        missing = {a for a in letters if a not in letters_of(s for c in chosen for s in c.shape)}
        if argument not in chosen and missing & set(letters_of(argument.shape)):
            chosen.append(argument)
    return [a for a in arguments if a in chosen]


def _occurs(word: str, used: set[Step]) -> bool:
    return any(not s.args and s.form == word for s in used)
