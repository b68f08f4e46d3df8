"""Random expressions over the catalogue and other spellings of them, which have to have the same normal form.

`drawn` gives a tree, `written(tree, None)` writes it as it stands, `written(tree, random)` in another spelling: terms
and factors shuffled, brackets elsewhere, products of sums multiplied out, transposes pushed inside or made twice,
traces rotated, symmetric matrices transposed, skew ones with a sign, inverses and Kronecker products taken apart.
A tree is (kind, shape, parts, data); shapes are pairs of `1`, `m`, `n`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

Shape = tuple[str, str]
SPACES = {
    "s": "R", "t": "R", "u": "R^m", "v": "R^n", "x": "R^n", "A": "R^{m x n}", "B": "R^{m x n}", "C": "R^{n x m}",
    "M": "R^{m x m}", "N": "R^{n x n}", "S": "R^{n x n} symmetric", "T": "R^{m x m} symmetric", "K": "R^{n x n} skew",
    "P": "R^{n x n} spd", "Q": "R^{n x n} orthogonal", "X": "R^{n x n} invertible", "Y": "R^{n x n} invertible",
    "a": "R^n positive", "w": "R^n simplex", "o": "R^m onehot",
}  # fmt: skip
LEAVES: dict[Shape, str] = {
    ("1", "1"): "st", ("m", "1"): "uo", ("n", "1"): "vxaw", ("m", "n"): "AB", ("n", "m"): "C", ("m", "m"): "MT",
    ("n", "n"): "NSKPQXY",
}  # fmt: skip
PLAIN = frozenset("stuvxABCMN")
ENTRYWISE = ("exp", "tanh", "sin", "relu", "abs", "sigmoid", "log1p", "softplus", "erf", "cosh")
OF_VECTOR = ("softmax", "logsoftmax")
TO_SCALAR = ("sum", "normF", "mean", "norm1")
MIRROR = {"S": 1, "T": 1, "P": 1, "K": -1}  # leaves that are their transposes, but for a sign
INVERTIBLE = "XYP"


@dataclass(frozen=True)
class Tree:
    """One expression."""

    kind: str
    shape: Shape
    parts: tuple[Tree, ...] = ()
    data: str = ""


def drawn(random: Random, shape: Shape, depth: int, structured: bool = True) -> Tree:
    """A random tree of a shape; without structure from plain inputs, sums and products only."""
    if depth <= 0:
        return _leaf(random, shape, structured)
    kinds = ["sum", "sum", "chain", "chain", "hadamard", "turned", "scaled"]
    if structured:
        kinds += ["entrywise", "entrywise", "pairwise", "power", "over"]
    if shape == ("1", "1"):
        kinds += ["trace", "trace", *(["to scalar", "det"] if structured else [])]
    elif structured and shape[1] == "1":
        kinds += ["of vector", "diagonal", "kron by vec"]
    elif structured and shape == ("n", "n"):
        kinds += ["inverse", "inverse", "diag", "of matrix", "tril"]
    return _made(random, random.choice(kinds), shape, depth - 1, structured)


def _leaf(random: Random, shape: Shape, structured: bool) -> Tree:
    if shape[0] == "1" and shape != ("1", "1"):
        return Tree("turned", shape, (_leaf(random, shape[::-1], structured),))
    names = [n for n in LEAVES[shape] if structured or n in PLAIN]
    return Tree("leaf", shape, data=random.choice(names))


def _made(random: Random, kind: str, shape: Shape, depth: int, structured: bool) -> Tree:
    def part(of: Shape) -> Tree:
        return drawn(random, of, depth - random.randint(0, 1), structured)

    inner, other = random.choice("mn"), random.choice("mn")
    if kind in ("sum", "hadamard"):
        return Tree(kind, shape, tuple(part(shape) for _ in range(random.randint(2, 3))))
    if kind == "chain":
        return Tree(kind, shape, (part((shape[0], inner)), part((inner, shape[1]))))
    if kind == "turned":
        return Tree(kind, shape, (part(shape[::-1]),))
    if kind == "scaled":
        return Tree(kind, shape, (part(shape),), random.choice(["2", "-1", "3", "(1/2)", "(-2)", "s", "n"]))
    if kind == "trace":
        return Tree(kind, shape, (part((inner, other)), part((other, inner))))
    if kind == "entrywise":
        return Tree(kind, shape, (part(shape),), random.choice(ENTRYWISE))
    if kind in ("pairwise", "power", "over", "of matrix", "tril"):
        return _of_more_kinds(random, kind, shape, part)
    if kind == "of vector":
        return Tree(kind, shape, (part(shape),), random.choice(OF_VECTOR))
    if kind == "to scalar":
        return Tree(kind, shape, (part(("m", "n")),), random.choice(TO_SCALAR))
    if kind == "det":
        return Tree(kind, shape, (_leaf(random, ("n", "n"), True), part(("n", "n"))), random.choice(["det", "logdet"]))
    if kind == "inverse":
        chosen = random.sample(INVERTIBLE, random.randint(1, 3))
        return Tree(kind, shape, tuple(Tree("leaf", shape, data=n) for n in chosen))
    if kind == "diag":
        return Tree(kind, shape, (part((shape[0], "1")),))
    if kind == "diagonal":
        return Tree(kind, shape, (part((shape[0], shape[0])),))
    return Tree(kind, shape, (part((shape[0], inner)), part((inner, other)), part((other, "1"))))


def _of_more_kinds(random: Random, kind: str, shape: Shape, part: Callable[[Shape], Tree]) -> Tree:
    if kind == "pairwise":
        return Tree(kind, shape, (part(shape), part(shape)), random.choice(["max", "min", ">", ">=", "<", "=="]))
    if kind == "power":
        return Tree(kind, shape, (part(shape),), random.choice(["2", "3", "(-1)", "(1/2)", "(-2)", "s"]))
    if kind == "over":
        return Tree(kind, shape, (part(shape), part(("1", "1"))))
    return Tree(kind, shape, (part(shape),), random.choice(["expm", "pinv", "adj"]) if kind == "of matrix" else "")


# --- writing -------------------------------------------------------------------------------------


def written(tree: Tree, random: Random | None = None) -> str:
    """The tree as text, in another spelling where there is chance."""
    if random is not None and random.random() < 0.12:
        return f"(({written(tree, random)})')'"
    if random is not None and tree.shape != ("1", "1") and random.random() < 0.15:
        return f"({written(_turned(tree), random)})'"
    return _WRITERS[tree.kind](tree, random)


def _leaf_text(tree: Tree, random: Random | None) -> str:
    sign = MIRROR.get(tree.data)
    if random is not None and sign is not None and random.random() < 0.5:
        return f"({'-' if sign < 0 else ''}{tree.data}')"
    return tree.data


def _shuffled(tree: Tree, random: Random | None) -> list[str]:
    parts = list(tree.parts)
    if random is not None:
        random.shuffle(parts)
    texts = [written(p, random) for p in parts]
    if random is not None and len(texts) == 3 and random.random() < 0.5:
        sign = " + " if tree.kind == "sum" else " .* "
        texts = [texts[0], f"({texts[1]}{sign}{texts[2]})"]
    return texts


def _chain(tree: Tree, random: Random | None) -> str:
    left, right = tree.parts
    choice = random.randint(0, 3) if random is not None else 0
    if choice == 1 and right.kind == "sum":
        return "(" + " + ".join(f"{written(left, random)}*{written(p, random)}" for p in right.parts) + ")"
    if choice == 2 and left.kind == "sum":
        return "(" + " + ".join(f"{written(p, random)}*{written(right, random)}" for p in left.parts) + ")"
    if choice == 3 and right.kind == "chain":
        return f"(({written(left, random)}*{written(right.parts[0], random)})*{written(right.parts[1], random)})"
    return f"({written(left, random)}*{written(right, random)})"


def _scaled(tree: Tree, random: Random | None) -> str:
    part = tree.parts[0]
    if random is not None and part.kind == "sum" and random.random() < 0.5:
        return "(" + " + ".join(f"{tree.data}*{written(p, random)}" for p in part.parts) + ")"
    if random is not None and random.random() < 0.5:
        return f"({written(part, random)}*{tree.data})"
    return f"({tree.data}*{written(part, random)})"


def _turned_text(tree: Tree, random: Random | None) -> str:
    if random is not None and random.random() < 0.6:
        return written(_turned(tree.parts[0]), random)
    return f"({written(tree.parts[0], random)})'"


def _trace(tree: Tree, random: Random | None) -> str:
    a, b = tree.parts
    choice = random.randint(0, 3) if random is not None else 0
    if choice == 1:
        return f"tr({written(b, random)}*{written(a, random)})"
    if choice == 2:
        return f"sum({written(a, random)} .* {written(_turned(b), random)})"
    if choice == 3:
        return f"tr({written(_turned(b), random)}*{written(_turned(a), random)})"
    return f"tr({written(a, random)}*{written(b, random)})"


def _det(tree: Tree, random: Random | None) -> str:
    """A fixed function of a sum of squares, so that it has a value."""
    _, part = tree.parts
    inside = f"{written(part, random)}*{written(_turned(part), random)}"
    if random is not None and random.random() < 0.5:
        return f"{tree.data}({inside} + eye(n))"
    return f"{tree.data}(eye(n) + {inside})"


def _inverse(tree: Tree, random: Random | None) -> str:
    names = [p.data for p in tree.parts]
    choice = random.randint(0, 2) if random is not None else 0
    if choice == 1:
        return "(" + "*".join(f"inv({n})" for n in names[::-1]) + ")"
    if choice == 2:
        return f"inv(({'*'.join(names)})')'"
    return f"inv({'*'.join(names)})"


def _kron_by_vec(tree: Tree, random: Random | None) -> str:
    """A X y = kron(y', A) vec(X)."""
    a, x, y = tree.parts
    if random is not None and random.random() < 0.5:
        return f"(kron(({written(y, random)})', {written(a, random)})*vec({written(x, random)}))"
    return f"({written(a, random)}*{written(x, random)}*{written(y, random)})"


def _entrywise(tree: Tree, random: Random | None) -> str:
    if random is not None and tree.shape != ("1", "1") and random.random() < 0.4:
        return f"({tree.data}({written(_turned(tree.parts[0]), random)}))'"
    return f"{tree.data}({written(tree.parts[0], random)})"


def _pairwise(tree: Tree, random: Random | None) -> str:
    """Entry by entry of two; both turned, where there is chance."""
    turned = random is not None and tree.shape != ("1", "1") and random.random() < 0.4
    a, b = (written(_turned(p) if turned else p, random) for p in tree.parts)
    text = f"[{a} {tree.data} {b}]" if not tree.data.isalpha() else f"{tree.data}({a}, {b})"
    return f"({text})'" if turned else text


def _power(tree: Tree, random: Random | None) -> str:
    base = written(tree.parts[0], random)
    if random is not None and tree.data in "23" and random.random() < 0.5:
        return f"({' .* '.join([base] * int(tree.data))})"
    return f"({base}).^{tree.data}"


def _over(tree: Tree, random: Random | None) -> str:
    above, below = (written(p, random) for p in tree.parts)
    if random is not None and random.random() < 0.5:
        return f"(({below})^(-1)*{above})"
    return f"({above}/{below})"


def _of_matrix(tree: Tree, random: Random | None) -> str:
    if random is not None and random.random() < 0.5:
        return f"({tree.data or 'tril'}({written(_turned(tree.parts[0]), random)}))'"
    return f"{tree.data}({written(tree.parts[0], random)})"


def _tril(tree: Tree, random: Random | None) -> str:
    if random is not None and random.random() < 0.5:
        return f"(triu({written(_turned(tree.parts[0]), random)}))'"
    return f"tril({written(tree.parts[0], random)})"


def _call(name: str):  # type: ignore[no-untyped-def]
    return lambda tree, random: f"{tree.data or name}({written(tree.parts[0], random)})"


_WRITERS = {
    "leaf": _leaf_text,
    "sum": lambda tree, random: "(" + " + ".join(_shuffled(tree, random)) + ")",
    "hadamard": lambda tree, random: "(" + " .* ".join(_shuffled(tree, random)) + ")",
    "chain": _chain,
    "scaled": _scaled,
    "turned": _turned_text,
    "trace": _trace,
    "det": _det,
    "inverse": _inverse,
    "kron by vec": _kron_by_vec,
    "entrywise": _entrywise,
    "of vector": _call("softmax"),
    "to scalar": _call("sum"),
    "pairwise": _pairwise,
    "power": _power,
    "over": _over,
    "of matrix": _of_matrix,
    "tril": _tril,
    "diag": _call("diag"),
    "diagonal": _call("diagonal"),
}


def _turned(tree: Tree) -> Tree:
    """The transpose, one step further in where that is possible."""
    shape = tree.shape[::-1]
    if tree.shape == ("1", "1"):
        return tree
    if tree.kind in ("sum", "hadamard", "scaled"):
        return Tree(tree.kind, shape, tuple(_turned(p) for p in tree.parts), tree.data)
    if tree.kind == "chain":
        return Tree(tree.kind, shape, tuple(_turned(p) for p in tree.parts[::-1]))
    return tree.parts[0] if tree.kind == "turned" else tree if tree.kind == "diag" else Tree("turned", shape, (tree,))
