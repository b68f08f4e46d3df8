"""A block of code by which a generated function tests itself against differences.

The block draws arrays that keep the declared properties, moves the variable by central differences along
every entry (within the variable's structure) and compares.  It is text that needs NumPy alone; what is
tested and in which arrangement is told by whoever asks.

>>> text = "import numpy as np\\n\\n\\ndef derivative(x):\\n    return 2 * x\\n"
>>> value = text.replace("derivative", "value").replace("2 * x", "x @ x")
>>> block = self_test([Sample("x", (3,), frozenset())], "x", "project", (0,), (3,))
>>> print(joined(text, value, block).partition("__main__")[2].splitlines()[1])
    rng = np.random.default_rng(0)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import permutations

from symgrad.errors import DomainError
from symgrad.tensor.dims import Size, letters_of, size_at

SIZES = (3, 4, 2, 5, 6, 7)  # of the dimension letters, in the order they occur


@dataclass(frozen=True, slots=True)
class Sample:
    """An array to draw: its shape as it arrives and its declared properties."""

    name: str
    shape: tuple[Size, ...]
    properties: frozenset[str]

    def code(self, size: dict[str, int]) -> str:
        """The expression that draws it."""
        shape = ", ".join(str(_number(s, size)) for s in self.shape)
        drawn = f"rng.uniform(0.2, 0.9, ({shape},))" if shape else "rng.uniform(0.2, 0.9)"
        for name, text in _DRAWS:
            if name in self.properties:
                drawn = text.format(drawn, n=_number(self.shape[0], size) if self.shape else 1)
        return drawn


_DRAWS = (
    ("invertible", "{0} + 2 * np.eye({n})"),
    ("symmetric", "(lambda a: a + a.T)({0})"),
    ("spd", "(lambda a: a @ a.T + np.eye({n}))({0})"),
    ("skew", "(lambda a: a - a.T)({0})"),
    ("diagonal", "({0}) * np.eye({n})"),
    ("lower", "np.tril({0})"),
    ("upper", "np.triu({0})"),
    ("orthogonal", "np.linalg.qr({0} + np.eye({n}))[0]"),
    ("simplex", "(lambda a: a / a.sum())({0})"),
    ("onehot", "0 * ({0}) + np.eye({n})[1]"),
)
_DIRECTIONS = {
    ("project", "symmetric"): "(step + step.T) / 2",
    ("project", "spd"): "(step + step.T) / 2",
    ("project", "skew"): "(step - step.T) / 2",
    ("free", "symmetric"): "step + step.T - step * np.eye(len(step))",
    ("free", "spd"): "step + step.T - step * np.eye(len(step))",
    ("free", "skew"): "step - step.T",
}
_KEPT = {"diagonal": "step * np.eye(len(step))", "lower": "np.tril(step)", "upper": "np.triu(step)"}


def self_test(
    samples: Sequence[Sample],
    variable: str,
    structure: str,
    axes: Sequence[int],
    shape: Sequence[Size],
    works: Callable[[dict[str, int]], bool] = lambda size: True,
) -> list[str]:
    """The lines of the block.  `axes` permutes the tensor (value axes, then the variable's) into the layout.

    `works` says of sizes whether there is a result: X'X has no inverse where X is wide.
    """
    size = _sizes(letters_of(s for a in samples for s in a.shape), works)
    moved = next((s for s in samples if s.name == variable), None)
    if moved is None or "orthogonal" in moved.properties:
        raise DomainError(f"no self-test by differences in {variable}", hint="D.check()")
    direction = _direction(moved.properties, structure)
    lines = [f'    data["{s.name}"] = {s.code(size)}' for s in samples]
    result = "".join(f"{_number(s, size)}, " for s in shape)
    return [
        'if __name__ == "__main__":  # the derivative against central differences of fourth order',
        "    rng = np.random.default_rng(0)",
        "    data = {}",
        *lines,
        "    columns, h = [], 2e-4",
        f'    for index in np.ndindex(np.shape(data["{variable}"])):',
        f'        step = np.zeros(np.shape(data["{variable}"]))',
        "        step[index] = h",
        *([f"        step = {direction}"] if direction != "step" else []),
        f'        moved = ({{**data, "{variable}": data["{variable}"] + s * step}} for s in (-2, -1, 1, 2))',
        "        a, b, c, d = (np.asarray(value(**arrays)) for arrays in moved)",
        "        columns.append((8 * (c - b) - (d - a)) / (12 * h))",
        "    differences = np.stack(columns, axis=-1)",
        f'    own = [s for s in np.shape(data["{variable}"]) if s != 1 or np.ndim(data["{variable}"]) == 1]',
        "    differences = differences.reshape((*differences.shape[:-1], *own))",
        f"    expected = differences.transpose({', '.join(map(str, axes))}).reshape(({result}))",
        '    assert np.isfinite(expected).all(), "no value at the arrays drawn here: put others into data"',
        "    found = np.asarray(derivative(**{k: data[k] for k in derivative.__code__.co_varnames if k in data}))",
        "    error = np.max(np.abs(found.reshape(expected.shape) - expected), initial=0)",
        "    scale = np.max(np.abs(expected), initial=1)",
        '    print(f"largest difference {error:.1e}, largest entry {scale:.1e}")',
        '    assert error <= 1e-6 * scale, "the derivative does not agree with differences"',
    ]


def _sizes(letters: Sequence[str], works: Callable[[dict[str, int]], bool]) -> dict[str, int]:
    """Different numbers for the letters, such that there is a result; the first ones where none are found."""
    orders = [dict(zip(letters, (*first, *SIZES[3:] * 9), strict=False)) for first in permutations(SIZES[:3])]
    return next((size for size in orders if works(size)), orders[0])


def joined(text: str, value: str, block: Sequence[str]) -> str:
    """One module of the derivative, the value and the block."""
    heads = [t.partition("\ndef ")[0].strip().splitlines() for t in (text, value)]
    bodies = [f"def {t.partition(chr(10) + 'def ')[2].strip()}" for t in (text, value)]
    imports = list(dict.fromkeys(line for head in heads for line in head if line.strip()))
    if "import numpy as np" not in imports:
        imports.insert(0, "import numpy as np")
    return "\n\n\n".join(["\n".join(imports), *dict.fromkeys(bodies), "\n".join(block)]) + "\n"


def _direction(properties: frozenset[str], structure: str) -> str:
    if structure == "ignore":
        return "step"
    for name in ("spd", "symmetric", "skew"):
        if name in properties:
            return _DIRECTIONS[structure, name]
    return next((text for name, text in _KEPT.items() if name in properties), "step")


def _number(size: Size, at: dict[str, int]) -> int:
    return size_at(size, at)
