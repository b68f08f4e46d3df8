"""A step of a worked derivation: a rule's name and a claim, left = right, that can be checked.

Both sides write themselves (LaTeX, the text language) and know what array they are at a sample; a step
whose sides differ there is wrong.  Sentences about rules live with the answer keys, not here.

>>> from symgrad.derivation import derivative
>>> from symgrad.steps import steps
>>> [s.rule for s in steps(derivative("A*x", "x", where="A: R^{m x n}; x: R^n"), "index")]
['components', 'product rule', 'collapse', 'read off', 'layout']
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from symgrad.errors import SymgradError
from symgrad.notation.latex import latex as tree_latex
from symgrad.notation.latex import name_latex
from symgrad.notation.layout import Arrangement
from symgrad.notation.text import text as tree_text
from symgrad.notation.tree import Name, Tree
from symgrad.operations.catalogue import latex_templates
from symgrad.programs import Program
from symgrad.tensor.view import View

if TYPE_CHECKING:
    import numpy as np

    from symgrad.steps.witness import Disagreement, Sampled


class MethodError(SymgradError, ValueError):
    """A derivation that a method of writing steps does not reach."""

    def __init__(self, method: str, reason: str, hint: str | None = None):
        super().__init__(f"the {method} method does not reach this derivative: {reason}", hint=hint)
        self.method = method


class Side(Protocol):
    """One side of a claim."""

    def latex(self) -> str: ...
    def text(self) -> str: ...
    def array(self, at: Sampled) -> np.ndarray: ...


@dataclass(frozen=True, slots=True)
class Symbol:
    """A name that stands for a derivative: `gradient`, d of / d wrt, or `differential`, d of where wrt changes.

    `vectors` are those of the two names that are printed bold; `stacked` says how matrices are stacked in a Jacobian.
    """

    name: str
    kind: str
    of: str
    wrt: str
    vectors: frozenset[str] = frozenset()
    stacked: str | None = None

    def latex(self) -> str:
        if self.kind == "differential":
            return rf"\mathrm{{d}} {name_latex(self.of, self.of in self.vectors)}"
        if self.stacked is not None:
            of, wrt = (name_latex(n, n in self.vectors) for n in (self.of, self.wrt))
            above = of if self.of in self.vectors else f"{vec_mark(self.stacked)} {of}"
            below = wrt if self.wrt in self.vectors else f"{vec_mark(self.stacked)} {wrt}"
            return rf"\frac{{\partial {above}}}{{\partial {below}}}"
        return fraction(self.of, self.wrt, self.vectors)


@dataclass(frozen=True, eq=False)
class Meaning:
    """What the names of a written side stand for: the program's names, and symbols with their shapes."""

    program: Program
    views: Mapping[str, View]
    symbols: tuple[Symbol, ...] = ()

    @property
    def kinds(self) -> dict[str, str]:
        own = {s.name for s in self.symbols}
        return {name: view.kind for name, view in self.views.items() if name not in own}


@dataclass(frozen=True, eq=False)
class Written:
    """Matrix notation, as a matrix; `arrangement` reads a tree that stands for a stacked or turned tensor."""

    tree: Tree
    meaning: Meaning

    def latex(self) -> str:
        written = tree_latex(self.tree, self.meaning.kinds, templates=latex_templates())
        return with_symbols(written, self.meaning.symbols)

    def text(self) -> str:
        return tree_text(self.tree)

    def array(self, at: Sampled) -> np.ndarray:
        return at.matrix(self.tree, self.meaning)


@dataclass(frozen=True, eq=False)
class EntryOf:
    """An entry of a matrix: `letters` are those of its rows and columns; `order` of the claim's axes."""

    written: Written
    letters: tuple[str, ...]
    order: tuple[int, ...]
    shape: tuple[object, ...]

    def latex(self) -> str:
        body = self.written.latex()
        if not self.letters:
            return body
        plain = isinstance(self.written.tree, Name) and "_" not in body and "{" not in body
        return (body if plain else rf"\left[{body}\right]") + f"_{{{' '.join(self.letters)}}}"

    def text(self) -> str:
        if not self.letters:
            return self.written.text()
        body = self.written.text()
        return f"{body if isinstance(self.written.tree, Name) else f'({body})'}[{', '.join(self.letters)}]"

    def array(self, at: Sampled) -> np.ndarray:
        return at.entries(self.written, self.order, self.shape)


@dataclass(frozen=True, eq=False)
class Whole:
    """d of / d wrt as a matrix in an arrangement, known from the numeric engine."""

    of: str
    wrt: str
    arrangement: Arrangement
    stacked: str | None = None  # how matrices are stacked, where they are
    bold: tuple[bool, bool] = (False, False)
    of_matrix: bool = False
    projected: str | None = None
    by_scalar: bool = False

    def latex(self) -> str:
        of, wrt = name_latex(self.of, self.bold[0]), name_latex(self.wrt, self.bold[1])
        if not self.stacked:
            return rf"\frac{{\partial {of}}}{{\partial {wrt}}}"
        mark = vec_mark(self.stacked)
        above = f"{mark} {of}" if self.of_matrix else of
        return rf"\frac{{\partial {above}}}{{\partial {wrt if self.by_scalar else f'{mark} {wrt}'}}}"

    def text(self) -> str:
        if not self.stacked:
            return f"d{self.of}/d{self.wrt}"
        turned = "'" if self.stacked == "row" else ""
        above = f"d vec({self.of}{turned})" if self.of_matrix else f"d{self.of}"
        return f"{above}/d{self.wrt}" if self.by_scalar else f"{above}/d vec({self.wrt}{turned})"

    def array(self, at: Sampled) -> np.ndarray:
        return at.arranged(self.of, self.wrt, self.arrangement, self.projected)


@dataclass(frozen=True, eq=False)
class Step:
    """One line of a derivation: by `rule` (with the names it speaks of), left equals right."""

    rule: str
    left: Side
    right: Side
    program: Program = field(repr=False)
    details: Mapping[str, str] = field(default_factory=dict)
    operations: tuple[str, ...] = ()

    def latex(self) -> str:
        return f"{self.left.latex()} = {self.right.latex()}"

    def text(self) -> str:
        return f"{self.left.text()} = {self.right.text()}"

    def check(self, seed: int = 0) -> Disagreement:
        """Both sides at random arrays, sizes all different and square, by the numeric engine: `.agrees`, `.error`."""
        import numpy as np

        from symgrad.steps.witness import check_step

        return check_step(self, np.random.default_rng(seed))

    def __str__(self) -> str:
        return self.text()

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex()}$"


def stacked_axes(view: View, vec: str | None) -> tuple[int, ...]:
    """The axes of a view in the order in which vec takes its entries, the slowest first."""
    axes = tuple(range(view.node.rank))
    return (*axes[view.rows :], *axes[: view.rows]) if vec == "column" else axes


def vec_mark(stacked: str) -> str:
    """vec by columns, or by rows, as LaTeX."""
    return rf"\operatorname{{vec}}{'_r' if stacked == 'row' else ''}"


def fraction(of: str, wrt: str, vectors: frozenset[str] = frozenset()) -> str:
    """d of / d wrt as LaTeX; names in `vectors` are bold."""
    return rf"\frac{{\partial {name_latex(of, of in vectors)}}}{{\partial {name_latex(wrt, wrt in vectors)}}}"


def with_symbols(written: str, symbols: tuple[Symbol, ...]) -> str:
    """LaTeX with each symbol's name replaced by the derivative it stands for."""
    for symbol in symbols:
        plain = name_latex(symbol.name)
        shown = symbol.latex()

        def replacement(match: re.Match[str], shown: str = shown) -> str:
            return rf"\left({shown}\right)^" if match[0].endswith("^") else shown

        written = re.sub(re.escape(plain) + r"\^?", replacement, written)
    return written
