"""Backward passes as readable code, generated for any program that ends in a scalar.

One line for each gradient, from the output back: what every line that reads a name hands to it, in the gradients
`grad_NAME` that were computed before.  Each share is the derivation's own, of that one line.

>>> print(backward_code(program("s = w*x; t = s + b; L = sigmoid(t)", "w, x, b: R"), None, ("w",)))
grad_L = 1.0
grad_t = L*(1 - L)*grad_L
grad_s = grad_t
grad_w = x*grad_s
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from symgrad.derivation import derive
from symgrad.errors import ShapeError
from symgrad.notation.declare import Declaration
from symgrad.notation.text import text as text_of
from symgrad.notation.tree import Assignment, names
from symgrad.programs import RESULT, Program, program

GRADIENT = "grad_"


def backward_code(source: Program, of: str | None, wrt: Sequence[str]) -> str:
    """The lines of the backward pass of `of` (the output) that the gradients by `wrt` need."""
    return "\n".join(backward_lines(source, of, wrt))


def backward_lines(source: Program, of: str | None, wrt: Sequence[str]) -> Iterator[str]:
    """The lines one by one, `grad_of = 1.0` first.  Raises ShapeError for an output that is no scalar."""
    output = of or source.output
    if source.lookup(output).node.shape:
        raise ShapeError(f"{output} is {source.lookup(output).describe()}; a backward pass starts from a scalar")
    yield f"{GRADIENT}{output} = 1.0"
    readers = _readers(source, output)
    for name in _in_order(source, output, wrt, readers):
        shares = [share for line in readers[name] if (share := _share(source, line, name)) != "0"]
        yield f"{GRADIENT}{name} = {' + '.join(shares) or '0'}".replace("+ -", "- ")


def _readers(source: Program, output: str) -> dict[str, list[Assignment]]:
    """The lines on the way to the output that read a name."""
    needed, found = {output}, dict[str, list[Assignment]]()
    for line in reversed(source.lines):
        if (line.name or RESULT) in needed:
            for name in names(line.value):
                if name in source.views:
                    needed.add(name)
                    found.setdefault(name, []).insert(0, line)
    return found


def _in_order(source: Program, output: str, wrt: Sequence[str], readers: dict[str, list[Assignment]]) -> list[str]:
    """The names between the output and what is asked for, each after all that read it."""
    depends = set(wrt)
    for line in source.lines:
        if depends & set(names(line.value)):
            depends.add(line.name or RESULT)
    inner = [n for n in reversed(source.assigned) if n in readers and n in depends]
    return [*inner, *(n for n in dict.fromkeys(wrt) if n not in inner and n in readers and n != output)]


def _share(source: Program, line: Assignment, name: str) -> str:
    """What one line hands back to a name that it reads: the gradient of dot(grad_LINE, LINE)."""
    of = line.name or RESULT
    arrives = f"{GRADIENT}{of}"
    declared = dict(source.declared)  # all of them: a line may use the letter of another's dimension
    declared |= {n: _declared(source, n) for n in names(line.value) if n in source.views}
    declared[arrives] = Declaration(arrives, *source.views[of].shape)
    alone = program(f"{of} = {text_of(line.value)}\ndot({arrives}, {of})", declared)
    return str(derive(alone, None, name, layout="gradient", structure="ignore"))


def _declared(source: Program, name: str) -> Declaration:
    """An input as it was declared; another line as a variable of its shape."""
    return source.declared.get(name) or Declaration(name, *source.views[name].shape)
