"""The numeric reverse-mode engine: a computational graph of gates, run forward and backward.

`ComputationalGraph` keeps inputs, constants and gates in topological order.  `forward` evaluates
what the output needs and caches it; `backward` sends a cotangent from the output to the inputs,
summing where a value branches, and then every node's value and gradient and every edge's cotangent
can be read off.  It is a witness: it runs the gates' own numeric pullbacks and must not know the
symbolic rules.  Input arrays are not copied: leave them alone between forward and backward.

>>> from symgrad.numeric.gates import AddGate, MultiplyGate
>>> g = ComputationalGraph()
>>> x, y, z = (g.input(name) for name in "xyz")
>>> q = g.add(AddGate(), x, y, name="q")
>>> f = g.add(MultiplyGate(), q, z, name="f")
>>> float(g.forward(x=-2, y=5, z=-4))
-12.0
>>> {name: float(gradient) for name, gradient in g.backward().items()}
{'x': -4.0, 'y': -4.0, 'z': 3.0}
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, Literal

import numpy as np

from symgrad.errors import DomainError, LimitError, ShapeError, SymgradError, UnknownNameError, did_you_mean
from symgrad.numeric.gates import Array, Gate, Number, as_value
from symgrad.numeric.sample import ENTRY_LIMIT

PLANS_KEPT = 8


@dataclass(frozen=True, slots=True, eq=False)
class Handle:
    """A node of a graph: its place in the topological order, and what a picture shows of it."""

    index: int
    name: str
    label: str
    kind: Literal["input", "constant", "gate"]
    parents: tuple[int, ...] = ()
    gate: Gate | None = None

    @property
    def title(self) -> str:
        """The node as errors call it."""
        return f"{self.kind} {self.name}" + (f" ({self.label})" if self.label != self.name else "")


@dataclass(frozen=True, slots=True)
class _Plan:
    """What one output needs, in topological order."""

    nodes: tuple[int, ...]
    inputs: tuple[int, ...]
    steps: tuple[tuple[int, Callable[..., Any], Callable[..., Any], tuple[int, ...]], ...]


class ComputationalGraph:
    """Gates wired to inputs and constants; see the module for an example."""

    __slots__ = (
        "_constants", "_edges", "_gradients", "_names", "_nodes", "_output", "_plans", "_root", "_used", "_values"
    )  # fmt: skip

    def __init__(self) -> None:
        self._nodes: list[Handle] = []
        self._names: dict[str, Handle] = {}
        self._constants: dict[int, Number | Array] = {}
        self._used: set[int] = set()  # identities of the gates, which the nodes keep alive
        self._output: Handle | None = None
        self._plans: dict[int, _Plan] = {}
        self._root: int | None = None  # the node of the last forward
        self._values: list[Any] = []
        self._gradients: list[Any] | None = None
        self._edges: list[Sequence[Any]] = []

    # --- building ---

    def input(self, name: str) -> Handle:
        """A new input; `forward` will ask for its value by this name."""
        return self._append(name, name, "input")

    def constant(self, value: Number | Array, label: str | None = None) -> Handle:
        """A new node of fixed value.  A Python number takes the precision of the inputs."""
        number = _is_weak(value)
        kept = value if number else as_value(value)
        shown = label or (f"{value:g}" if number else "x".join(map(str, np.shape(kept))) or f"{kept:g}")
        handle = self._append(None, shown, "constant")
        self._constants[handle.index] = kept
        return handle

    def add(self, gate: Gate, *sources: Handle | str | Number, name: str | None = None) -> Handle:
        """A new gate that reads `sources` (nodes, their names, or numbers, which become constants)."""
        if not isinstance(gate, Gate):
            raise DomainError(f"expected a gate, got {gate!r}", hint="an instance, such as AddGate()")
        if id(gate) in self._used:
            raise DomainError(f"the gate {gate.label} is in the graph already", hint="a new gate for every place")
        if gate.arity is not None and len(sources) not in gate.arity:
            wanted = " or ".join(map(str, gate.arity))
            raise ShapeError(f"the gate {gate.label} takes {wanted} inputs, got {len(sources)}")
        self._check_new(name)
        found = [self._find(s) if isinstance(s, Handle | str) else s for s in sources]
        parents = tuple(s.index if isinstance(s, Handle) else self.constant(s).index for s in found)
        self._used.add(id(gate))
        return self._append(name, gate.label, "gate", parents, gate)

    def _append(
        self,
        name: str | None,
        label: str,
        kind: Literal["input", "constant", "gate"],
        parents: tuple[int, ...] = (),
        gate: Gate | None = None,
    ) -> Handle:
        self._check_new(name)
        handle = Handle(len(self._nodes), name or f"#{len(self._nodes)}", label, kind, parents, gate)
        self._nodes.append(handle)
        self._names[handle.name] = handle
        return handle

    def _check_new(self, name: str | None) -> None:
        if name is None:
            return
        if not isinstance(name, str) or not name or name.startswith("#"):
            raise DomainError(f"{name!r} cannot name a node", hint="a word, such as 'x'")
        if name in self._names:
            raise DomainError(f"the graph has a node {name} already", hint="another name")

    @property
    def output(self) -> Handle:
        """The node that `forward` evaluates: the last gate, unless another was set."""
        if self._output is not None:
            return self._output
        for handle in reversed(self._nodes):
            if handle.kind == "gate":
                return handle
        if not self._nodes:
            raise SymgradError("the graph is empty", hint="graph.input('x')")
        return self._nodes[-1]

    @output.setter
    def output(self, node: Handle | str) -> None:
        self._output = self._find(node)

    # --- reading the structure ---

    def nodes_topologically_sorted(self, of: Handle | str | None = None) -> list[Handle]:
        """The nodes that the output needs, every node after those it reads."""
        return [self._nodes[i] for i in self._plan(self._target(of)).nodes]

    def edges(self, of: Handle | str | None = None) -> list[tuple[Handle, Handle, int]]:
        """(source, target, slot) for every edge that the output needs: target reads source in that slot."""
        nodes = self.nodes_topologically_sorted(of)
        return [(self._nodes[p], node, slot) for node in nodes for slot, p in enumerate(node.parents)]

    def node(self, name: Handle | str) -> Handle:
        """The node of that name."""
        return self._find(name)

    def _find(self, node: Handle | str) -> Handle:
        if isinstance(node, Handle):
            if node.index >= len(self._nodes) or self._nodes[node.index] is not node:
                raise UnknownNameError(f"the {node.title} belongs to another graph")
            return node
        if node not in self._names:
            named = [n for n in self._names if not n.startswith("#")]
            raise UnknownNameError(f"the graph has no node {node}", hint=did_you_mean(str(node), named))
        return self._names[node]

    def _target(self, of: Handle | str | None) -> int:
        return (self.output if of is None else self._find(of)).index

    def _plan(self, root: int) -> _Plan:
        """What `root` needs.  Nodes are only ever appended, so a plan stays true."""
        plan = self._plans.get(root)
        if plan is None:
            if len(self._plans) >= PLANS_KEPT:
                self._plans.pop(next(iter(self._plans)))
            plan = self._plans[root] = self._make_plan(root)
        return plan

    def _make_plan(self, root: int) -> _Plan:
        seen, stack = {root}, [root]
        while stack:
            for parent in self._nodes[stack.pop()].parents:
                if parent not in seen:
                    seen.add(parent)
                    stack.append(parent)
        nodes = tuple(sorted(seen))  # sources are older than their readers
        handles = [self._nodes[i] for i in nodes]
        steps = tuple((h.index, h.gate.forward, h.gate.backward, h.parents) for h in handles if h.gate is not None)
        return _Plan(nodes, tuple(h.index for h in handles if h.kind == "input"), steps)

    # --- forward ---

    def forward(self, of: Handle | str | None = None, /, **values: Any) -> Array:
        """The value of the output (or of the node `of`) at these inputs; caches for `backward`.

        Arrays: a scalar has no axis, a column vector one, a row vector is (1, n), a matrix has two.
        Raises UnknownNameError for inputs missing or unknown, ShapeError and DomainError for values
        that a gate cannot take.
        """
        root = self._target(of)
        plan = self._plan(root)
        store = self._start(plan, values)
        self._root, self._values, self._gradients = None, [], None  # a failure leaves no stale values
        self._run(plan, store)
        self._root, self._values = root, store
        return _own(store[root])

    def _start(self, plan: _Plan, given: Mapping[str, Any]) -> list[Any]:
        """Values of the inputs and constants, None elsewhere."""
        self._check_given(plan, given)
        store: list[Any] = [None] * len(self._nodes)
        strong = {name: self._input_value(name, value) for name, value in given.items() if not _is_weak(value)}
        precision = np.result_type(*{value.dtype for value in strong.values()}) if strong else np.dtype(np.float64)
        for name, value in given.items():
            store[self._names[name].index] = strong[name] if name in strong else _weak(value, precision)
        for index, fixed in self._constants.items():
            store[index] = _weak(fixed, precision) if _is_weak(fixed) else fixed
        return store

    def _check_given(self, plan: _Plan, given: Mapping[str, Any]) -> None:
        inputs = [h.name for h in self._nodes if h.kind == "input"] if given else []
        for name in given:
            if name not in self._names or self._names[name].kind != "input":
                raise UnknownNameError(f"the graph has no input {name}", hint=did_you_mean(name, inputs))
        missing = [n for n in (self._nodes[i].name for i in plan.inputs) if n not in given]
        if missing:
            hint = ", ".join(f"{n}=..." for n in [*given, *missing])
            raise UnknownNameError(f"no value for {', '.join(missing)}", hint=f"forward({hint})")

    @staticmethod
    def _input_value(name: str, value: Any) -> Array:
        try:
            return as_value(value)
        except SymgradError as error:
            error.message = f"input {name}: {error.message}"
            raise

    def _run(self, plan: _Plan, store: list[Any]) -> None:
        index, fetch, float64 = 0, store.__getitem__, np.float64
        try:
            for index, run, _, parents in plan.steps:
                value = run(*map(fetch, parents))
                store[index] = value if value.__class__ is float64 else as_value(value)
        except Exception as error:
            self._blame(error, index, "forward")
            raise

    def _blame(self, error: Exception, index: int, direction: str) -> None:
        """Says at which node an error arose."""
        title = self._nodes[index].title
        if isinstance(error, SymgradError):
            error.message = f"{direction} at {title}: {error.message}"
        else:
            error.add_note(f"{direction} at {title}")

    # --- backward ---

    def backward(self, seed: Any = None, of: Handle | str | None = None) -> dict[str, Array]:
        """dL / d input for every input that has a value, L = sum(seed * output).

        `of` is a node of the last forward, its output by default.  A scalar's seed is 1 unless given;
        an array needs a seed of its own shape.
        """
        root = self._evaluated(of)
        self._gradients, self._edges = self._sweep(root, self._seed(root, seed))
        return {h.name: self.gradient(h) for h in self._nodes if h.kind == "input" and self._value_at(h) is not None}

    def _evaluated(self, node: Handle | str | None) -> int:
        """The index of a node that the last forward has evaluated (its output by default)."""
        if self._root is None:
            raise SymgradError("the graph has no values yet", hint="forward(...) first")
        handle = self._nodes[self._root] if node is None else self._find(node)
        if self._value_at(handle) is None:
            hint = f"forward('{handle.name}', ...)"
            raise SymgradError(f"the last forward did not need {handle.title}, so it has no value", hint=hint)
        return handle.index

    def _value_at(self, handle: Handle) -> Any:
        return self._values[handle.index] if handle.index < len(self._values) else None

    def _seed(self, root: int, seed: Any) -> Array:
        value = self._values[root]
        if seed is None and value.shape:
            message = f"{self._nodes[root].title} is an array of shape {value.shape}, so backward needs a seed"
            raise ShapeError(message, hint=f"a seed of shape {value.shape}, or jacobian(wrt=...)")
        if seed is None or _is_weak(seed):
            seed = _weak(1.0 if seed is None else seed, value.dtype)
        cotangent = as_value(seed)
        if cotangent.shape != value.shape:
            raise ShapeError(f"the seed has shape {cotangent.shape}, the output {value.shape}")
        return cotangent

    def _sweep(self, root: int, seed: Array) -> tuple[list[Any], list[Sequence[Any]]]:
        """Cotangents of all nodes, and for each node what it sent back to its inputs."""
        values = self._values
        gradients: list[Any] = [None] * len(values)
        edges: list[Sequence[Any]] = [()] * len(values)
        gradients[root] = seed
        index = root
        try:
            for index, _, back, parents in reversed(self._plan(root).steps):
                sent = edges[index] = back(gradients[index])
                if not isinstance(sent, tuple | list) or len(sent) != len(parents):
                    raise ShapeError(f"backward must return {len(parents)} cotangents in a list, it returned {sent!r}")
                for parent, cotangent in zip(parents, sent, strict=True):
                    if getattr(cotangent, "shape", None) != values[parent].shape:
                        cotangent = self._accepted(cotangent, parent)
                    held = gradients[parent]  # never added to in place: edges share arrays
                    gradients[parent] = cotangent if held is None else held + cotangent
        except Exception as error:
            self._blame(error, index, "backward")
            raise
        return gradients, edges

    def _accepted(self, cotangent: Any, parent: int) -> Array:
        """A cotangent that came as a Python number or a list; it must have its input's shape."""
        accepted, shape = as_value(cotangent), self._values[parent].shape
        if accepted.shape != shape:
            source = self._nodes[parent].title
            raise ShapeError(f"the cotangent of {source} has shape {accepted.shape}, its value {shape}")
        return accepted

    # --- results ---

    def value(self, node: Handle | str) -> Array:
        """The value of a node at the last forward."""
        return _own(self._values[self._evaluated(node)])

    def gradient(self, node: Handle | str) -> Array:
        """d output / d node at the last backward, in the node's shape; zero where no path leads."""
        gradients, index = self._swept(node)
        found = gradients[index]
        return np.zeros_like(self._values[index])[()] if found is None else _own(found)

    def edge_gradient(self, target: Handle | str, slot: int) -> Array:
        """The cotangent that `target` sent back to the input in `slot`: one branch's part of the sum."""
        _, index = self._swept(target)
        parents = self._nodes[index].parents
        if not 0 <= slot < len(parents):
            raise ShapeError(f"{self._nodes[index].title} has {len(parents)} inputs, so no slot {slot}")
        sent = self._edges[index]
        return _own(as_value(sent[slot])) if sent else np.zeros_like(self._values[parents[slot]])[()]

    def _swept(self, node: Handle | str) -> tuple[list[Any], int]:
        index = self._evaluated(node)
        if self._gradients is None:
            raise SymgradError("the graph has no gradients yet", hint="backward() first")
        return self._gradients, index

    def jacobian(self, of: Handle | str | None = None, *, wrt: Handle | str) -> Array:
        """d of[i..] / d wrt[k..] with the output's axes, then the variable's, one sweep per output entry."""
        root, variable = self._evaluated(of), self._evaluated(wrt)
        value, shape = self._values[root], self._values[variable].shape
        if value.size * prod(shape) > ENTRY_LIMIT:
            hint = "backward(seed) for one product"
            raise LimitError(f"a Jacobian of {value.size} x {prod(shape)} entries", hint=hint)
        rows = np.zeros((value.size, *shape), np.result_type(value, self._values[variable]))
        for row in range(value.size):
            seed = np.zeros(value.shape, value.dtype)
            seed.flat[row] = 1
            found = self._sweep(root, seed[()])[0][variable]
            if found is not None:
                rows[row] = found
        return rows.reshape(value.shape + shape)


# --- numbers ----------------------------------------------------------------------------------


def _is_weak(value: object) -> bool:
    """Whether a value is a Python number, which takes the precision of the arrays it meets."""
    return type(value) in (float, int, complex, bool)


def _weak(value: Any, precision: np.dtype[Any]) -> Any:
    try:
        return np.asarray(value, np.result_type(precision, value))[()]
    except OverflowError as error:
        raise DomainError("a number too large for floating point") from error


def _own(value: Array) -> Array:
    """A result the caller may write to: the graph's own arrays are shared between edges."""
    return value.copy() if value.shape else value
