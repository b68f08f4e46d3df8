"""Naming the inner parts of expressions, so that a derivation has something to chain.

`staged` rewrites the program of a derivative: lines that the output does not need are left out, lines
that only rename vanish, and inner parts on the way from the variable get names of their own (z1, z2, ...).

>>> from symgrad.derivation import derivative
>>> found = staged(derivative("norm2(A*x - b)^2", "x"), inner_parts)
>>> [f"{line.name} = {text(line.value)}" for line in found.program.lines]
['z1 = A*x - b', 'z2 = norm2(z1)', 'f = z2^2']
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property

from symgrad.derivation import Derivative, derive
from symgrad.notation.lift import Lifter
from symgrad.notation.lower import Scope, lower
from symgrad.notation.text import text
from symgrad.notation.tree import Assignment, Call, Name, Number, Tree, names, postorder
from symgrad.operations.catalogue import record
from symgrad.operations.record import Elementwise
from symgrad.programs import RESULT, Program
from symgrad.steps.step import Meaning, MethodError, Symbol
from symgrad.tensor.dims import letters_of
from symgrad.tensor.nodes import Input
from symgrad.tensor.view import View

Opens = Callable[[Call, Tree], bool]  # whether an argument gets a name of its own

SUMS = frozenset(
    {"add", "subtract", "negate", "transpose", "tr", "sum", "mean", "rowsum", "colsum", "diagonal", "diag", "vec"}
)
PRODUCTS = frozenset({"multiply", "hadamard", "dot", "kron"})
OUTPUT_NAMES = ("f", "g", "h", "phi", "result")
INNER_NAMES = ("z", "u", "v", "t", "q", "inner")
STRUCTURES = frozenset({"symmetric", "skew", "diagonal", "spd"})
MAX_LINES = 400


@dataclass(frozen=True, eq=False)
class Staged:
    """A program in stages, its output `of` and its variable `wrt`, the lines between them in order."""

    program: Program
    of: str
    wrt: str
    path: tuple[str, ...]
    source: Derivative

    def line(self, name: str) -> Tree:
        return next(line.value for line in self.program.lines if line.name == name)

    def view(self, name: str) -> View:
        return self.meaning.views[name]

    @cached_property
    def meaning(self) -> Meaning:
        return Meaning(self.program, {n: self.variable(n) for n in self.program.views})

    def variable(self, name: str) -> View:
        """A name as a variable of its own."""
        view = self.program.views[name]
        return view if name in self.program.declared else View(Input.make(name, view.node.shape), view.rows)

    def local(self, name: str) -> View:
        """What a line says, in terms of the names in it."""
        scope = Scope(dict(self.meaning.views), self.program.scope.letters, self.program.scope.declared)
        return lower(self.line(name), scope)

    def reads(self, name: str) -> list[str]:
        """The names on the way that a line reads."""
        return [n for n in names(self.line(name)) if n == self.wrt or n in self.path]

    def moves_with(self, name: str, other: str) -> bool:
        """Whether a name is computed from another."""
        waiting, seen = [name], set()
        while waiting:
            current = waiting.pop()
            if current in seen or current not in self.path:
                continue
            seen.add(current)
            read = self.reads(current)
            if other in read:
                return True
            waiting += read
        return False

    def readers(self, name: str) -> list[str]:
        return [n for n in self.path if name in self.reads(n)]

    def derivative(self, of: str, wrt: str, layout: str = "mixed", vec: str = "column") -> Derivative:
        return derive(self.program, of, wrt, layout=layout, vec=vec, structure="ignore")

    def with_symbols(self, symbols: Iterable[Symbol], shape_of: Callable[[Symbol], View]) -> Meaning:
        kept = tuple(symbols)
        base = self.meaning
        return Meaning(self.program, {**base.views, **{s.name: shape_of(s) for s in kept}}, kept)

    @cached_property
    def vectors(self) -> frozenset[str]:
        """The names that are columns or rows."""
        return frozenset(n for n, view in self.program.views.items() if view.is_column or view.is_row)

    def free_name(self, wanted: str) -> str:
        """A name that the program does not use."""
        while wanted in self.program.views or wanted in self.program.scope.letters:
            wanted += "_"
        return wanted


def staged(source: Derivative, opens: Opens | None, method: str = "index") -> Staged:
    """The program of a first derivative in stages.  Raises MethodError."""
    if len(source.wrt) != 1:
        raise MethodError(method, "it is a derivative of higher order", "the steps of one derivative at a time")
    of, wrt = source.of, source.wrt[0]
    stager = _Stager(source.program, of, wrt, opens)
    program = stager.program()
    output = program.lines[-1].name if program.lines else None
    if of in source.program.assigned:
        of = output or of
    path = _path(program, of, wrt)
    return Staged(program, of, wrt, path, source)


def _path(program: Program, of: str, wrt: str) -> tuple[str, ...]:
    """The lines that lie on a way from the variable to the output, in order."""
    down: set[str] = {wrt}
    for line in program.lines:
        if line.name and line.name != wrt and down & set(names(line.value)):
            down.add(line.name)
    up: set[str] = {of}
    for line in reversed(program.lines):
        if line.name in up:
            up.update(names(line.value))
    return tuple(line.name for line in program.lines if line.name and line.name in down & up and line.name != wrt)


def plain_variable(program: Program, name: str) -> Program:
    """The program with the entries of one input independent of each other; `where` still says what it was."""
    declared = program.declared.get(name)
    if declared is None or not declared.properties & STRUCTURES:
        return program
    plain = replace(declared, properties=declared.properties - STRUCTURES)
    return replace(program, declared={**program.declared, name: plain})


class _Stager:
    def __init__(self, source: Program, of: str, wrt: str, opens: Opens | None):
        self.source, self.of, self.wrt, self.opens = source, of, wrt, opens
        self.taken = {*source.declared, *source.assigned, *_letters(source)}
        self.lines: list[Assignment] = []
        self.aliases: dict[str, Tree] = {}
        self.known: dict[str, str] = {}  # text of an inner part -> its name
        self.moving = {wrt}
        self.scope = _inputs(plain_variable(source, wrt))
        self.inner = self._prefix()
        self.count = 0

    def program(self) -> Program:
        for line in self._needed():
            name = line.name or self._output_name()
            moved = bool(self.moving & set(names(line.value)))
            value = self._rewritten(line.value, bool(moved and name != self.wrt))
            final = line is self._last
            if isinstance(value, Name | Number) and not final and name != self.wrt:
                self.aliases[name] = value
                continue
            self._append(name, value, moved)
        lines = tuple(self.lines)
        body = "\n".join(f"{line.name} = {text(line.value)}" for line in lines)
        return replace(plain_variable(self.source, self.wrt), text=body, lines=lines)

    def _append(self, name: str, value: Tree, moving: bool) -> None:
        view = lower(value, self.scope)
        self.scope.views[name] = View(Input.make(name, view.node.shape), view.rows)
        self.lines.append(Assignment(name, value))
        if moving:
            self.moving.add(name)
        if len(self.lines) > MAX_LINES:
            raise MethodError("step by step", f"it has more than {MAX_LINES} stages")

    def _needed(self) -> list[Assignment]:
        """The lines that the output needs, up to it."""
        wanted, kept = {self.of, self.wrt}, []
        for line in reversed(self.source.lines):
            if (line.name or RESULT) in wanted:
                kept.append(line)
                wanted.update(names(line.value))
        kept.reverse()
        self._last = next((line for line in kept if (line.name or RESULT) == self.of), None)
        if self._last is not None:
            kept = [line for line in kept if line is not self._last] + [self._last]
        return kept

    def _rewritten(self, tree: Tree, moving: bool) -> Tree:
        """The tree with its inner parts named, in the order in which they are computed."""
        stack: list[tuple[Tree, bool]] = []
        for part in postorder(tree):
            if isinstance(part, Name):
                found = self.aliases.get(part.name, part)
                stack.append((found, bool(self.moving & set(names(found)))))
            elif isinstance(part, Number):
                stack.append((part, False))
            else:
                stack.append(self._call(part, stack, moving))
        return stack[-1][0]

    def _call(self, part: Call, stack: list[tuple[Tree, bool]], moving: bool) -> tuple[Tree, bool]:
        count = len(part.args)
        args = stack[len(stack) - count :]
        del stack[len(stack) - count :]
        bare = Call(part.op, tuple(a for a, _ in args))
        opens = self.opens if moving else None
        shown = [
            self._named(a) if opens and moves and isinstance(a, Call) and opens(bare, a) else a for a, moves in args
        ]
        return Call(part.op, tuple(shown)), any(moves for _, moves in args)

    def _named(self, tree: Tree) -> Tree:
        view = lower(tree, self.scope)
        if view.is_row:  # a column is named in place of a row
            return Call("transpose", (self._named(Lifter().lift(view.node)),))
        key = text(tree)
        if key not in self.known:
            self.count += 1
            self.known[key] = f"{self.inner}{self.count}"
            self._append(self.known[key], tree, True)
        return Name(self.known[key])

    def _prefix(self) -> str:
        clash = [p for p in INNER_NAMES if not any(n.startswith(p) and n[len(p) :].isdigit() for n in self.taken)]
        return clash[0] if clash else "inner_"

    def _output_name(self) -> str:
        return next(n for n in (*OUTPUT_NAMES, "output", "result_") if n not in self.taken)


def _inputs(program: Program) -> Scope:
    return Scope(dict(Scope.of(program.declared).views), program.scope.letters, program.declared)


def _letters(program: Program) -> set[str]:
    return {*program.scope.letters, *letters_of(s for d in program.declared.values() for s in (d.rows, d.columns))}


# --- what gets a name ---------------------------------------------------------------------------


def every_gate(call: Call, argument: Tree) -> bool:
    """Every operation is a stage of its own; only signs and transposes stay where they are."""
    return isinstance(argument, Call) and argument.op not in ("transpose", "negate")


def inner_parts(call: Call, argument: Tree) -> bool:
    """Sums and products stay together; what stands inside a function, a power or a factor that is a sum is named."""
    if not isinstance(argument, Call):
        return False
    if call.op in SUMS:
        return False
    if call.op in PRODUCTS:
        return (
            argument.op not in PRODUCTS
            and argument.op not in ("transpose", "negate", "tr")
            and not _is_function(argument)
        )
    if call.op in ("divide", "hadamard_divide"):
        return argument is call.args[1] or inner_parts(Call("multiply", call.args), argument)
    return True


def _is_function(call: Call) -> bool:
    return isinstance(record(call.op), Elementwise)


def operations(tree: Tree) -> tuple[str, ...]:
    """The operations of a line, innermost first."""
    return tuple(dict.fromkeys(p.op for p in postorder(tree) if isinstance(p, Call)))


def operations_on_the_way(tree: Tree, name: str) -> tuple[str, ...]:
    """The operations between a name in a line and the line's value, outermost first."""
    moving: set[int] = set()
    found = []
    for part in postorder(tree):
        if (isinstance(part, Name) and part.name == name) or any(id(a) in moving for a in part.args):
            moving.add(id(part))
            if isinstance(part, Call):
                found.append(part.op)
    return tuple(dict.fromkeys(reversed(found)))
