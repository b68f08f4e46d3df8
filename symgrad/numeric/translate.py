"""The text of a NumPy program in the words of JAX or PyTorch.

The program is read as Python and its calls are renamed; what a library does otherwise is rewritten: arrays
that are written in place (JAX has none), `axis` and `dim`, numbers where PyTorch wants tensors.  Only text
made by `function_text` comes here.  A word without a counterpart is an error that names it.

>>> print(translate("import numpy as np\\ndef f(x):\\n    return np.sum(x, axis=0)", TO_TORCH))
import torch
<BLANKLINE>
def f(x):
    return torch.sum(x, dim=0)
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from string import ascii_lowercase

from symgrad.errors import DomainError


@dataclass(frozen=True, slots=True)
class Words:
    """A library in terms of NumPy and SciPy.

    prefix    for a NumPy function that has no entry of its own; None where every one needs an entry
    calls     NumPy's name -> the library's name, or a template over {0}, {1}, ... and {name} for keywords
    keywords  names of keyword arguments
    methods   methods of arrays
    helper    the text of `spd_inverse`
    """

    library: str
    heads: tuple[tuple[str, str], ...]  # (prefix that a text contains, import line)
    prefix: str | None
    calls: Mapping[str, str]
    keywords: Mapping[str, str]
    methods: Mapping[str, str]
    helper: str
    array: str  # what makes an array of a list
    written: Callable[[str, Sequence[str], str, str], str]  # array, index, "set" or "add", value -> a new array


def _written_in_jax(array: str, index: Sequence[str], how: str, value: str) -> str:
    return f"{array}.at[{', '.join(index) or '...'}].{how}({value})"


def _written_in_torch(array: str, index: Sequence[str], how: str, value: str) -> str:
    """Out of place, which `vmap` needs."""
    if not index:
        return f"{array} + {value}" if how == "add" else f"({value}) + torch.zeros_like({array})"
    places = ", ".join(i if "arange" in i else f"torch.tensor({i})" for i in index)
    add = ", accumulate=True" if how == "add" else ""
    return f"torch.index_put({array}, ({places},), torch.as_tensor({value}, dtype={array}.dtype){add})"


TO_JAX = Words(
    library="JAX",
    heads=(("jax.", "import jax"), ("jnp.", "import jax.numpy as jnp")),
    prefix="jnp",
    calls={
        "special.softmax": "jax.nn.softmax",
        "special.log_softmax": "jax.nn.log_softmax",
        "special.": "jax.scipy.special.",
        "linalg.": "jax.scipy.linalg.",
        "signal.": "jax.scipy.signal.",
    },
    keywords={},
    methods={},
    helper="""
def spd_inverse(factor):
    \"\"\"The inverse of a positive definite matrix from its Cholesky factor.\"\"\"
    return jax.scipy.linalg.cho_solve(factor, jnp.eye(len(factor[0]), dtype=factor[0].dtype))
""",
    array="jnp.array",
    written=_written_in_jax,
)

_SAME = """
exp log log1p expm1 sqrt sin cos tan sinh cosh tanh arcsin arccos arctan abs sign logaddexp maximum minimum where
outer matmul einsum trace diagonal diag arange zeros ones eye sum argmax kron moveaxis
linalg.inv linalg.det linalg.slogdet linalg.pinv linalg.solve linalg.matrix_power
"""

TO_TORCH = Words(
    library="PyTorch",
    heads=(("torch.", "import torch"),),
    prefix=None,
    calls={
        **{f"np.{name}": f"torch.{name}" for name in _SAME.split()},
        "np.max": "torch.amax",
        "np.min": "torch.amin",
        "np.vdot": "torch.sum({0} * {1})",
        "np.tensordot": "torch.tensordot",
        "np.tri": "torch.tril(torch.ones(({0}, {1}), dtype={dtype}))",
        "special.expit": "torch.sigmoid",
        "special.erf": "torch.erf",
        "special.ndtr": "torch.special.ndtr",
        "special.softmax": "torch.softmax",
        "special.log_softmax": "torch.log_softmax",
        "special.logsumexp": "torch.logsumexp",
        "linalg.expm": "torch.linalg.matrix_exp",
        "linalg.cho_factor": "(torch.linalg.cholesky({0}), True)",
        "linalg.cho_solve": "torch.cholesky_solve({1}.reshape(len({1}), -1), {0}[0]).reshape({1}.shape)",
    },
    keywords={"axis": "dim", "axes": "dims"},
    methods={"transpose": "permute", "astype": "to", "copy": "clone"},
    helper="""
def spd_inverse(factor):
    \"\"\"The inverse of a positive definite matrix from its Cholesky factor.\"\"\"
    return torch.cholesky_inverse(factor[0])
""",
    array="torch.tensor",
    written=_written_in_torch,
)
_OF_TENSORS = frozenset({"np.logaddexp", "np.maximum", "np.minimum"})
_CREATING = frozenset({"np.zeros", "np.ones", "np.eye", "np.arange", "np.tri", "np.full"})


def translate(source: str, words: Words) -> str:
    """The program in the words of a library.  Raises DomainError naming what it cannot say."""
    tree = ast.parse(source)
    helped = any(isinstance(n, ast.FunctionDef) and n.name == "spd_inverse" for n in tree.body)
    kept = [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name != "spd_inverse"]
    translator = _Translator(words, [a.arg for a in kept[0].args.args])
    body = "\n\n\n".join(ast.unparse(ast.fix_missing_locations(translator.visit(n))) for n in kept)
    body = (words.helper + "\n\n" if helped else "") + body
    heads = [line for prefix, line in words.heads if prefix in body] or [words.heads[-1][1]]
    return "\n".join(heads) + "\n\n" + ("\n" if helped else "") + body + ("\n" if source.endswith("\n") else "")


def _dotted(node: ast.expr) -> str:
    """`np.linalg.inv` as text; empty where it is no such name."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else ""


def _expression(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


class _Translator(ast.NodeTransformer):
    """One pass over a program."""

    def __init__(self, words: Words, parameters: list[str]):
        self.words, self.parameters = words, parameters
        self.as_numbers = False  # inside float(...), where everything is a Python number

    # --- names and calls -------------------------------------------------------------------

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        name = _dotted(node)
        if name == "np.pi":
            return _expression(f"{self.words.prefix or 'torch'}.pi")
        if node.attr == "size" and self.words is TO_TORCH:
            return _expression(f"{ast.unparse(self.visit(node.value))}.numel()")
        return self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        name = _dotted(node.func)
        if name == "float":
            return self._number(node)
        if name == "np.result_type":
            return self._result_type(node)
        if name == "np.full" and self.words is TO_TORCH:
            return self._filled(node)
        if name.split(".")[0] in ("np", "special", "linalg", "signal"):
            return self._called(node, name)
        if isinstance(node.func, ast.Attribute) and node.func.attr in self.words.methods:
            node.func.attr = self.words.methods[node.func.attr]
        return self.generic_visit(node)

    def _called(self, node: ast.Call, name: str) -> ast.AST:
        word = self._word(name)
        args = [self._argument(a, name) for a in node.args]
        keywords = {str(k.arg): ast.unparse(self.visit(k.value)) for k in node.keywords if k.arg != "check_finite"}
        if self.words is TO_TORCH and name in _CREATING and self.parameters:
            keywords["device"] = f"{self.parameters[0]}.device"
        if "{" in word:
            return _expression(word.format(*map(_closed, args), **keywords))
        named = [f"{self.words.keywords.get(k, k)}={v}" for k, v in keywords.items()]
        return _expression(f"{word}({', '.join([*args, *named])})")

    def _word(self, name: str) -> str:
        if name in self.words.calls:
            return self.words.calls[name]
        first = name.split(".")[0]
        if f"{first}." in self.words.calls:
            return self.words.calls[f"{first}."] + name.removeprefix(f"{first}.")
        if first == "np" and self.words.prefix:
            return self.words.prefix + name.removeprefix("np")
        raise DomainError(f"{self.words.library} has no {name}", hint='backend="numpy"')

    def _argument(self, node: ast.expr, name: str) -> str:
        text = ast.unparse(self.visit(node))
        if name == "np.diag" and isinstance(node, ast.List):
            return f"{self.words.array}({text})"
        if self.words is not TO_TORCH or not (self.as_numbers or (name in _OF_TENSORS and _is_number(node))):
            return text
        where = f", device={self.parameters[0]}.device" if self.parameters else ""
        return f"torch.as_tensor({text}, dtype=torch.float64{where})"

    def _number(self, node: ast.Call) -> ast.AST:
        """float(a) would leave the library; 1.0 * a is as much a number."""
        before, self.as_numbers = self.as_numbers, True
        inner = self.visit(node.args[0])
        self.as_numbers = before
        return ast.BinOp(ast.Constant(1.0), ast.Mult(), inner)

    def _result_type(self, node: ast.Call) -> ast.AST:
        if self.words is not TO_TORCH:
            return self._called(node, "np.result_type")
        kinds = [f"{ast.unparse(a)}.dtype" for a in node.args if not _is_number(a)]
        whole = kinds[0]
        for kind in kinds[1:]:
            whole = f"torch.promote_types({whole}, {kind})"
        return _expression(whole)

    def _filled(self, node: ast.Call) -> ast.AST:
        shape, value = (ast.unparse(self.visit(a)) for a in node.args)
        if not node.keywords:
            shape = shape if isinstance(node.args[0], ast.Tuple) else f"({shape},)"
            return _expression(f"torch.broadcast_to({value}, {shape}).clone()")
        dtype = ast.unparse(self.visit(node.keywords[0].value))
        where = f", device={self.parameters[0]}.device" if self.parameters else ""
        return _expression(f"({value}) * torch.ones({shape}, dtype={dtype}{where})")

    # --- statements that write -------------------------------------------------------------

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        target = node.targets[0]
        if isinstance(target, ast.Subscript):
            return self._written(target, "set", node.value)
        return self.generic_visit(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        assert isinstance(node.target, ast.Subscript)
        return self._written(node.target, "add" if isinstance(node.op, ast.Add) else "subtract", node.value)

    def _written(self, target: ast.Subscript, how: str, value: ast.expr) -> ast.AST:
        array, index = self._place(target)
        text = ast.unparse(self.visit(value))
        if how == "subtract":
            how, text = "add", f"-({text})"
        return ast.parse(f"{array} = {self.words.written(array, index, how, text)}").body[0]

    def _place(self, target: ast.Subscript) -> tuple[str, list[str]]:
        """The array that is written to, and one index for each of its axes; none where all of it is written."""
        inner = target.value
        arange = f"{self.words.prefix or 'torch'}.arange"
        if isinstance(inner, ast.Attribute) and inner.attr == "flat":
            array = ast.unparse(inner.value)
            return array, [f"{arange}({array}.shape[0])"] * 2
        if isinstance(inner, ast.Call):
            labels, view = inner.args
            assert isinstance(labels, ast.Constant)
            return self._diagonal_place(str(labels.value), view, arange)
        items = _items(target)
        if items == ["..."]:
            return ast.unparse(inner), []
        every = ascii_lowercase[: sum(":" in item for item in items)]
        return self._diagonal_place(f"{every}->{every}", target, arange)

    def _diagonal_place(self, labels: str, view: ast.expr, arange: str) -> tuple[str, list[str]]:
        """Entries whose labels agree: one range for each label, spread along its own axis."""
        every, distinct = labels.split("->")
        parts = [":"] * len(every)
        if isinstance(view, ast.Subscript):
            parts, view = _items(view), view.value
        array, letters, index = ast.unparse(view), iter(every), []
        for axis, part in enumerate(parts):
            if ":" not in part:
                index.append(part)
                continue
            first, _, end = (e.strip() for e in part.partition(":"))
            letter = next(letters)
            after = len(distinct) - 1 - distinct.index(letter)
            places = f"{first or 0}, {end}" if end else f"{array}.shape[{axis}]"
            index.append(f"{arange}({places})" + (f"[:{', None' * after}]" if after else ""))
        return array, index


def _items(subscript: ast.Subscript) -> list[str]:
    """What stands between the brackets, item by item."""
    items = subscript.slice.elts if isinstance(subscript.slice, ast.Tuple) else [subscript.slice]
    return [ast.unparse(i) for i in items]


def _closed(text: str) -> str:
    """An argument that may stand anywhere in a template."""
    node = _expression(text)
    return text if isinstance(node, ast.Name | ast.Call | ast.Subscript | ast.Attribute | ast.Tuple) else f"({text})"


def _is_number(node: ast.expr) -> bool:
    return isinstance(node.operand if isinstance(node, ast.UnaryOp) else node, ast.Constant)
