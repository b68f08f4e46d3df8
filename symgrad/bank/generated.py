"""The NumPy code of the answers of a key, for notebooks: each compares itself with differences when it is run.

Differences move inputs.  A derivative by a name that the program computes is therefore written for the program
from that name on, where the name is an input.

>>> block = Generated("a", "w: R^n; x: R^n", "z = w'*x; L = z^2", ("z",), "L", "mixed", "column")
>>> source(block).partition("def derivative")[2].partition(":")[0]
'(z)'
"""

from __future__ import annotations

from symgrad.bank.content import Document, Generated
from symgrad.derivation import derivative
from symgrad.errors import DomainError
from symgrad.notation.declare import Declaration
from symgrad.notation.text import text
from symgrad.notation.tree import names
from symgrad.programs import Program, program


def sources(document: Document) -> dict[str, str]:
    """The code of every derivative of a key, by name."""
    return {block.name: source(block) for block in document.blocks if isinstance(block, Generated)}


def source(block: Generated) -> str:
    """The code of one derivative, with a self-test where differences can move the variable."""
    found = program(block.program, block.where)
    of = block.of or found.output
    if set(block.wrt) & set(found.assigned) and of not in block.wrt:
        found = _from(found, of, block.wrt)
    result = derivative(found, list(block.wrt), of=of, layout=block.layout, vec=block.vec)
    try:
        return result.source(self_test=True)
    except DomainError:  # such as an orthogonal variable
        return result.source()


def _from(whole: Program, of: str, inputs: tuple[str, ...]) -> Program:
    """The lines that lead to `of` from `inputs`, which are declared with the shapes that they have."""
    lines: list[str] = []
    needed = {of, *inputs}
    for line in reversed(whole.lines):
        if line.name in needed and line.name not in inputs:
            needed.update(name for name in names(line.value) if name in whole.views)
            lines.insert(0, f"{line.name} = {text(line.value)}")
    computed = set(whole.assigned) - set(inputs)
    declared = {
        name: whole.declared.get(name) or Declaration(name, *view.shape)
        for name, view in whole.views.items()
        if name in needed - computed
    }
    return program("\n".join(lines), declared)
