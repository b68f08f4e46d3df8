"""The same program for running rather than reading: one statement a step, written in place where that is safe.

On small arrays the price of an operation is the price of its call.  So products are `.dot`, a ufunc is called by
its own name, numbers are arrays of no axes made beforehand (a Python number costs more than the addition it takes
part in), and a result goes into the buffer of an argument that nothing else needs.  Nothing is kept between calls:
results are arrays of their own and the function may run in many threads at once.

>>> from symgrad.numeric.steps import Steps
>>> steps = Steps()
>>> x = steps.leaf("x", 1)
>>> text = FastLayout({x: "_a0"}, "d").function([steps.multiply(steps.number(2), steps.raised(x, 2))], ["_a0"])
>>> print(text)
def program(_a0):
    _t1 = _square(_a0)
    _t1 = _multiply(_c0, _t1, _t1)
    return _t1
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
from scipy import special

from symgrad.numeric.layout import reachable
from symgrad.numeric.quick import NAMESPACE, QUICKER
from symgrad.numeric.steps import ACCEPTS, Step

_C_ORDER = ("{0} @", "np.outer", "np.zeros", "np.eye", "np.full", "np.ones")  # forms whose arrays are C-contiguous
_MODULES = {"np": np, "special": special}


def _namespace() -> dict[str, Any]:
    names: dict[str, Any] = {f"_{n}": f for n, f in vars(np).items() if isinstance(f, np.ufunc)}
    names |= {f"_special_{n}": f for n, f in vars(special).items() if isinstance(f, np.ufunc)}
    einsum = getattr(getattr(np, "_core", None), "multiarray", np)
    names["_einsum"] = getattr(einsum, "c_einsum", np.einsum)
    names |= {"_outer": np.multiply.outer, "_total": np.add.reduce, "_zeros": np.zeros, "_inner": inner}
    names["_zeroed"] = zeroed
    return names | NAMESPACE


def zeroed(a: Any) -> Any:
    """The array with zeros in it."""
    a.fill(0)
    return a


def inner(a: Any, b: Any) -> Any:
    """The sum over the second axis of a matrix and the first axis of an array."""
    return a.dot(b.reshape(len(b), -1)).reshape(len(a), *b.shape[1:])


@cache
def _globals() -> dict[str, Any]:
    return _namespace() | {"np": np} | {m: getattr(__import__("scipy", fromlist=[m]), m) for m in ("linalg", "signal")}


def fast_function(
    text: str, constants: Mapping[str, float], dtype: Any, called: Mapping[str, Callable[..., Any]]
) -> Callable[..., Any]:
    """The function that the text defines, for arrays of this type."""
    scalars = {name: np.asarray(value, dtype) for name, value in constants.items()}
    own = {name: _by_name(f) for name, f in called.items()}
    namespace = {**_globals(), "special": special, "_dtype": np.dtype(dtype), **scalars, **own}
    exec(compile(text, "<symgrad program>", "exec"), namespace)  # text made here of renamed parts
    found: Callable[..., Any] = namespace["program"]
    return found


def _by_name(function: Callable[..., Any]) -> Callable[..., Any]:
    """A user's function for arrays with any number of axes; scalars stay scalars."""
    return lambda *arrays: np.asarray(function(*arrays))[()]


class FastLayout:
    """Writes steps as statements; `leaves` names the arguments, `called` are a user's own functions."""

    def __init__(self, leaves: Mapping[Step, str], dtype: str, called: Sequence[str] = ()):
        self.texts: dict[Step, str] = dict(leaves)
        self.called = tuple(f"{name}(" for name in called)
        self.lines: list[str] = []
        self.constants: dict[str, float] = {}
        self.left: dict[Step, int] = {}  # consumers to come, by the step that owns the buffer
        self.spare: list[str] = []  # variables whose arrays nobody needs
        self.count = 0
        self.present: dict[Step, tuple[bool, ...]] = {}  # which axes a result has, the others being spread
        self.into: Step | None = None
        self.took: dict[Step, Step] = {}  # the argument whose buffer a step's result went into

    def head(self, root: Step) -> Step | None:
        """The step, after a first pass, whose array becomes the result; None where it cannot be made elsewhere."""
        while root in self.took:
            root = self.took[root]
        return root if _is_entrywise(root) or root.form in _INTO or root.form.startswith("np.zeros") else None

    def function(self, roots: Sequence[Step], parameters: Sequence[str], into: Step | None = None) -> str:
        """The text of a function called `program`; the result of step `into` is made in the array `_out`."""
        self.into = into
        order = reachable(*roots)
        self.uses = _uses(order, roots)
        for step in order:
            if not _is_view(step):
                for owner in {_owner(a) for a in step.args}:
                    self.left[owner] = self.left.get(owner, 0) + 1
        for root in roots:
            self.left[_owner(root)] = len(order) + 1
        for step in order:
            self.present[step] = _present(step, self.present)
            if step not in self.texts:
                self._write(step)
        body = [*self.lines, f"return {', '.join(self.texts[r] for r in roots)}"]
        return "\n".join([f"def program({', '.join(parameters)}):", *(f"    {line}" for line in body)])

    # --- one step --------------------------------------------------------------------------

    def _write(self, step: Step) -> None:
        if step.form == "dtype":
            self.texts[step] = "_dtype"
            return
        if not _is_view(step):
            for owner in {_owner(a) for a in step.args}:
                self.left[owner] -= 1
        if step.then:
            self._written(step)
        elif not step.args or step.weak or (_is_view(step) and self.uses[step] < 2):
            self.texts[step] = self._plain(step, step.form)
        else:
            target = self._target(step)
            if target:
                self.took[step] = next(a for a in step.args[:2] if self.texts[a] == target)
            elif step is self.into:
                target = "_out"
            self._assign(step, self._quickest(step, target), target)

    def _assign(self, step: Step, text: str, target: str | None = None) -> None:
        """A variable for the result: the one that holds its buffer, else one that is free."""
        name = target
        if name is None:
            name = self.spare.pop() if self.spare and not _is_view(step) else self._new()
        if text != name:
            self.lines.append(f"{name} = {text}")
        self.texts[step] = name
        if not _is_view(step):
            self._release(step, name)

    def _release(self, step: Step, name: str) -> None:
        """The variables of arguments that nobody will read."""
        for owner in {_owner(a) for a in step.args}:
            text = self.texts.get(owner, "")
            spare = self.left.get(owner) == 0 and _OWN.fullmatch(text) and text not in ("_out", name)
            if spare and text not in self.spare:
                self.spare.append(text)

    def _new(self) -> str:
        self.count += 1
        return f"_t{self.count}"

    def _target(self, step: Step) -> str | None:
        """The variable of an argument whose buffer may take the result."""
        if not step.rank or step.boolean or not _is_entrywise(step):
            return None
        wanted = self.present[step]
        for argument in step.args[:2]:
            if (
                argument.rank == step.rank
                and argument.fresh
                and not argument.boolean
                and not _is_view(argument)
                and self.left.get(argument) == 0
                and not argument.form.startswith(self.called or ("\0",))
                and self.present[argument] == wanted
                and _OWN.fullmatch(self.texts[argument])
            ):
                return self.texts[argument]
        return None

    # --- words -----------------------------------------------------------------------------

    def _quickest(self, step: Step, target: str | None) -> str:
        out = f", {target}" if target else ""
        a = [self._operand(x, step) for x in step.args]
        if step.kind == "multiply" and step.form == "{0} * {1}" and step.rank:
            return f"_multiply({a[0]}, {a[1]}{out})"
        if step.form == "{0} / {1}" and step.rank:
            return f"_divide({a[0]}, {a[1]}{out})"
        if step.form == "1 / {0}" and step.rank:
            return f"_divide({self._constant(1.0)}, {a[0]}{out})"
        if step.form == "-{0}" and step.rank:
            return f"_negative({a[0]}{out})"
        if step.form == "{0} ** {1}" and step.rank and step.args[1].value == 2:
            return f"_square({a[0]}{out})"
        if _SUM.fullmatch(step.form) and step.rank:
            return self._sum(step, a, target)
        if step.form == "{0} @ {1}":
            return self._dot(step)[:-1] + (", _out)" if target else ")")
        over = _TENSORDOT.fullmatch(step.form)
        if over and step.args[0].rank == 2:
            return f"_inner({self._in(step.args[0], 'atom')}{'.T' if over.group(1) == '0' else ''}, {a[1]})"
        if target == "_out" and step.form.startswith("np.zeros"):
            return "_zeroed(_out)"
        if target == "_out" and step.form == "np.outer({0}, {1})":
            return f"_outer({a[0]}, {a[1]}, out=_out)"
        form = _quick_form(step.form, bool(step.rank))
        call = _CALL.fullmatch(form)
        if call and out and call.group(1).startswith("_"):
            word = "out=" if call.group(1) in ("_maximum", "_minimum") else ""  # NumPy wants it said there
            form = f"{form[:-1]}, {word}{target})"
        return self._plain(step, form)

    def _operand(self, argument: Step, step: Step) -> str:
        """A number beside an array as an array without axes."""
        if argument.value is not None and step.rank:
            return self._constant(float(argument.value))
        return self.texts[argument]

    def _constant(self, value: float) -> str:
        for name, known in self.constants.items():
            if known == value:
                return name
        name = f"_c{len(self.constants)}"
        self.constants[name] = value
        return name

    def _sum(self, step: Step, a: list[str], target: str | None) -> str:
        """Terms one after the other, all but the last in statements of their own."""
        signs = ["-" if step.form.startswith("-") else "+", *re.findall(r" ([+-]) ", step.form)]
        whole, own, seen = a[0], target, _padded(self.present[step.args[0]], step.rank)
        if signs[0] == "-":
            whole = f"_negative({a[0]}{f', {own}' if own == a[0] else ''})"
        for place in range(1, len(a)):
            word = "_add" if signs[place] == "+" else "_subtract"
            fits = own in ("_out", *a[:2]) if place == 1 else seen == self.present[step]
            whole = f"{word}({whole}, {a[place]}{f', {own}' if own and fits else ''})"
            seen = tuple(map(max, seen, _padded(self.present[step.args[place]], step.rank)))
            fits = fits and seen == self.present[step]
            if place < len(a) - 1:
                name = own if fits and own else self._new()
                self.lines.append(f"{name} = {whole}")
                whole = own = name
        return whole

    def _dot(self, step: Step) -> str:
        a, b = step.args
        if a.form == "{0}.T" and b.rank == 1:
            return f"{self.texts[b]}.dot({self.texts[a.args[0]]})"
        if b.form == "{0}.T" and a.rank == 1:
            return f"{self.texts[b.args[0]]}.dot({self.texts[a]})"
        return f"{self._in(a, 'atom')}.dot({self.texts[b]})"

    def _plain(self, step: Step, form: str) -> str:
        if not step.args:
            return form
        return _holed(form, step.rank, self._constant).format(
            *[self._in(a, slot) for a, slot in zip(step.args, step.slots, strict=True)]
        )

    def _in(self, argument: Step, slot: str) -> str:
        text = self.texts[argument]
        simple = text.isidentifier() or argument.kind in ACCEPTS[slot]
        return text if simple else f"({text})"

    # --- what is written into an array -----------------------------------------------------

    def _written(self, step: Step) -> None:
        base, value = step.args[0], step.args[1]
        text = self.texts[base]
        own = base.fresh and self.left[base] == 0 and not _is_view(base)
        own = own and _OWN.fullmatch(text) is not None and not base.form.startswith(self.called or ("\0",))
        if not own:
            fresh = self._new()
            self.lines.append(f"{fresh} = {text}.copy()")
            text = fresh
        target, sign, _ = step.then.rsplit(" ", 2)
        more = [self._in(a, "factor") for a in step.args[2:]]
        place = self._place(target.format("", "", *more, name=text), text, own and base.form.startswith(_C_ORDER))
        self.lines.append(f"_v = {place}")
        given = self._operand(value, step)
        word = {"=": "", "+=": "_add", "-=": "_subtract"}[sign]
        self.lines.append(f"{word}(_v, {given}, _v)" if word else f"_v[...] = {given}")
        self.texts[step] = text
        if own:
            self.took[step] = base
        self._release(step, text)

    def _place(self, target: str, name: str, contiguous: bool) -> str:
        """A view of the entries that are written."""
        if target.startswith(f"{name}.flat["):
            step = target.partition("[")[2]
            return f"{name}.ravel()[{step}" if contiguous else f'_einsum("ii->i", {name})'
        target = target.replace("np.einsum(", "_einsum(")
        if target.startswith("_einsum"):
            return target.removesuffix("[...]")
        return target if target.endswith("...]") else f"{target[:-1]}, ...]"  # one entry as a view, too


_OWN = re.compile(r"_t\d+|_out")  # variables that hold arrays of the program's own
_INTO = ("{0} @ {1}", "np.outer({0}, {1})")  # what else can write its result into an array that is given
_SUM = re.compile(r"-?\{0\}( [+-] \{\d+\})+")
_TENSORDOT = re.compile(r"np\.tensordot\(\{0\}, \{1\}, axes=\(\[(\d)\], \[0\]\)\)")
_CALL = re.compile(r"(\w+)\(\{0\}(, (\{1\}|_k\w+))?\)")


def _uses(order: Sequence[Step], roots: Sequence[Step]) -> dict[Step, int]:
    uses = dict.fromkeys(order, 0)
    for root in roots:
        uses[root] += 1
    for step in order:
        for place, argument in enumerate(step.args):
            uses[argument] += max(step.form.count(f"{{{place}}}"), 1)
    return uses


def _is_view(step: Step) -> bool:
    """Whether the result may share the buffer of its first argument."""
    return bool(step.args) and ((step.cheap and not step.weak) or step.form.startswith("{0}.reshape("))


def _owner(step: Step) -> Step:
    """The step that made the buffer."""
    while _is_view(step):
        step = step.args[0]
    return step


def _is_entrywise(step: Step) -> bool:
    """Whether entry i of the result needs entries i of the arguments alone, read before it is written."""
    if step.form in ("{0} * {1}", "{0} / {1}", "1 / {0}", "-{0}", "np.sqrt({0})") or _SUM.fullmatch(step.form):
        return True
    if step.form == "{0} ** {1}":
        return step.args[1].value == 2
    form = _quick_form(step.form, True)
    call = _CALL.fullmatch(form)
    function = _globals().get(call.group(1)) if call else None
    return isinstance(function, np.ufunc) and function.signature is None


def _present(step: Step, known: Mapping[Step, tuple[bool, ...]]) -> tuple[bool, ...]:
    """For each axis whether the array has it (else its length is 1, to be spread), given that of the arguments."""
    if not step.args or step.then:
        return (True,) * step.rank
    first = known[step.args[0]]
    if step.form.startswith("{0}[") and step.form.endswith("]"):
        return _indexed(first, step.form[4:-1].split(", "), step.rank)
    if step.form == "{0}.T":
        return first[::-1]
    if step.form.startswith("{0}.transpose("):
        return tuple(first[int(i)] for i in step.form[14:-1].split(", "))
    given = [known[a] for a in step.args]
    if all(map(all, given)):
        return (True,) * step.rank
    rows = [_padded(p, step.rank) for p in given if 0 < len(p) <= step.rank]
    return tuple(any(r[i] for r in rows) for i in range(step.rank))


def _padded(axes: tuple[bool, ...], rank: int) -> tuple[bool, ...]:
    return (False,) * (rank - len(axes)) + axes


def _indexed(axes: tuple[bool, ...], parts: Sequence[str], rank: int) -> tuple[bool, ...]:
    found: list[bool] = []
    rest = list(axes)
    for part in parts:
        if part == "None":
            found.append(False)
        elif rest:
            kept = rest.pop(0)
            found += [kept] if part == ":" else []
    return (*found, *rest)[:rank]


# --- the words of templates ------------------------------------------------------------------------


@cache
def _quick_form(form: str, wide: bool) -> str:
    """A form with ufuncs by their own names, and in an array's form numbers as `_k1`, to be made arrays."""
    try:
        tree = ast.parse(re.sub(r"\{(\d)\}", r"_slot\1", form), mode="eval")
    except SyntaxError:
        return form
    text = ast.unparse(ast.fix_missing_locations(_Words(wide).visit(tree)))
    return re.sub(r"_slot(\d)", r"{\1}", text.replace("{", "{{").replace("}", "}}"))


class _Words(ast.NodeTransformer):
    """One pass over a form."""

    def __init__(self, wide: bool):
        self.wide = wide

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        if not isinstance(node.op, ast.Pow) and not _counts(node):
            node.left, node.right = self._number(node.left), self._number(node.right)
        return node

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        self.generic_visit(node)
        node.left, node.comparators = self._number(node.left), [self._number(c) for c in node.comparators]
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        name = ast.unparse(node.func)
        module, _, own = name.rpartition(".")
        if name == "np.sum":
            axis = node.keywords[0].value if node.keywords else ast.Constant(None)
            return ast.Call(ast.Name("_total"), [*node.args, axis], [])
        if name == "np.outer":
            node.func = ast.Name("_outer")
        elif name in ("np.einsum", "np.zeros"):
            node.func = ast.Name(f"_{own}")
        elif name in QUICKER:
            node.func, node.keywords = ast.Name(QUICKER[name]), []
        elif isinstance(getattr(_MODULES.get(module), own, None), np.ufunc):
            node.func = ast.Name(f"_{own}" if module == "np" else f"_special_{own}")
            node.args = [self._number(a) for a in node.args]
        return node

    def _number(self, node: ast.expr) -> ast.expr:
        if self.wide and isinstance(node, ast.Constant) and isinstance(node.value, int | float):
            return ast.Name("_k" + str(float(node.value)).replace(".", "p").replace("-", "m"))
        return node


def _counts(node: ast.expr) -> bool:
    """Whether it is arithmetic of sizes, such as `2 * X.shape` or `2 * len(X)`, whose numbers stay whole."""
    words = {getattr(part, "attr", getattr(part, "id", None)) for part in ast.walk(node)}
    return not words.isdisjoint(("shape", "size", "ndim", "len")) or any(
        isinstance(p, ast.Tuple) for p in ast.walk(node)
    )


def _holed(form: str, rank: int, constant: Callable[[float], str]) -> str:
    """The quick form with its numbers named."""
    form = _quick_form(form, rank > 0)
    return re.sub(
        r"_k(\d+p\d+(?:em?\d+)?)", lambda m: constant(float(m.group(1).replace("p", ".").replace("m", "-"))), form
    )
