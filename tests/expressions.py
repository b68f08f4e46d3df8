"""Random well-shaped expressions as text, for hypothesis to draw.

`polynomials` draws sums of products of inputs as a value that can be written in several ways: terms and
factors shuffled, brackets elsewhere, transposes pushed inside.  `expressions` draws over the catalogue.
A shape is (rows, columns), each `1` or a dimension letter.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

Shape = tuple[str, str]
LETTERS = ("m", "n")


def space(shape: Shape) -> str:
    """How a shape is declared."""
    rows, columns = shape
    return "R" if shape == ("1", "1") else f"R^{rows}" if columns == "1" else f"R^{{{rows} x {columns}}}"


@dataclass(frozen=True)
class Part:
    """A polynomial: `kind` is leaf, sum, chain, hadamard, trace or turned; a number stands in front."""

    kind: str
    shape: Shape
    parts: tuple[Part, ...] = ()
    name: str = ""
    number: int = 1


class Inputs:
    """Names for leaves: up to two inputs of every shape, so that factors meet again."""

    def __init__(self, random: Random):
        self.random = random
        self.declared: dict[str, Shape] = {}

    def leaf(self, shape: Shape) -> Part:
        if shape[0] == "1" and shape[1] != "1":
            return Part("turned", shape, (self.leaf(shape[::-1]),))
        stem = {
            ("1", "1"): "s",
            ("m", "1"): "u",
            ("n", "1"): "v",
            ("m", "n"): "A",
            ("n", "m"): "B",
            ("m", "m"): "C",
            ("n", "n"): "D",
        }[shape]
        name = f"{stem}{self.random.randint(1, 2)}"
        self.declared[name] = shape
        return Part("leaf", shape, name=name)

    def where(self) -> dict[str, str]:
        return {name: space(shape) for name, shape in self.declared.items()}


def polynomial(inputs: Inputs, shape: Shape, depth: int) -> Part:
    """A random polynomial of a shape."""
    random = inputs.random
    if depth == 0:
        return inputs.leaf(shape)
    kind = random.choice(["leaf", "sum", "chain", "chain", "hadamard", "turned", "trace"])
    if kind == "sum":
        parts = [polynomial(inputs, shape, depth - 1) for _ in range(random.randint(2, 3))]
        return Part("sum", shape, tuple(_with_number(p, random.choice([-2, -1, 1, 1, 3])) for p in parts))
    if kind == "chain":
        inner = random.choice(LETTERS)
        left = polynomial(inputs, (shape[0], inner), depth - 1)
        return Part("chain", shape, (left, polynomial(inputs, (inner, shape[1]), depth - 1)))
    if kind == "hadamard":
        return Part("hadamard", shape, tuple(polynomial(inputs, shape, depth - 1) for _ in range(2)))
    if kind == "turned":
        return Part("turned", shape, (polynomial(inputs, shape[::-1], depth - 1),))
    if kind == "trace" and shape == ("1", "1"):
        a, b = random.choice(LETTERS), random.choice(LETTERS)
        return Part("trace", shape, (polynomial(inputs, (a, b), depth - 1), polynomial(inputs, (b, a), depth - 1)))
    return inputs.leaf(shape)


def _with_number(part: Part, number: int) -> Part:
    return Part("scaled", part.shape, (part,), number=number)


def written(part: Part, random: Random | None = None, names: Callable[[str], str] = str) -> str:
    """The polynomial as text; with `random`, in one of its other spellings."""
    if part.kind == "leaf":
        return names(part.name)
    if part.kind == "turned" and random is not None and random.random() < 0.5:
        pushed = _turned_inside(part.parts[0])
        if pushed is not None:
            return written(pushed, random, names)
    inside = [written(p, random, names) for p in part.parts]
    if part.kind == "scaled":
        return (
            f"({part.number}*{inside[0]})"
            if random is None or random.random() < 0.5
            else f"({inside[0]}*({part.number}))"
        )
    if part.kind == "turned":
        return f"({inside[0]})'"
    if part.kind == "chain":
        return _chain(part, inside, random, names)
    if part.kind == "trace":
        return f"tr({' * '.join(inside if random is None or random.random() < 0.5 else inside[::-1])})"
    if random is not None:
        random.shuffle(inside)
    return "(" + {"sum": " + ", "hadamard": " .* "}[part.kind].join(inside) + ")"


def _chain(part: Part, inside: list[str], random: Random | None, names: Callable[[str], str]) -> str:
    """A product: as it stands, distributed over a sum on its right, or bracketed the other way round."""
    right = part.parts[1]
    choice = random.randint(0, 2) if random is not None else 0
    if choice == 1 and right.kind == "sum":
        return "(" + " + ".join(f"{inside[0]}*{written(term, random, names)}" for term in right.parts) + ")"
    if choice == 2 and right.kind == "chain":
        middle, last = right.parts
        return f"(({inside[0]}*{written(middle, random, names)})*{written(last, random, names)})"
    return f"({inside[0]}*{inside[1]})"


def _turned_inside(part: Part) -> Part | None:
    """The transpose of a part, one step further in."""
    turned = tuple(Part("turned", p.shape[::-1], (p,)) for p in part.parts)
    if part.kind in ("sum", "hadamard"):
        return Part(part.kind, part.shape[::-1], turned)
    if part.kind == "chain":
        return Part("chain", part.shape[::-1], turned[::-1])
    return part.parts[0] if part.kind == "turned" else None


# --- over the catalogue -------------------------------------------------------------------------

ENTRYWISE = (
    "sin({})",
    "cos({})",
    "tanh({})",
    "sigmoid({})",
    "arctan({})",
    "softplus({})",
    "silu({})",
    "gelu({})",
    "erf({})",
    "exp(-({}).^2)",
    "log(2 + sin({}))",
    "sqrt(1 + ({}).^2)",
    "relu({})",
    "abs({})",
    "elu({})",
    "leakyrelu({}, 0.1)",
    "1 ./ (2 + sin({}))",
    "({}).^3",
    "log1p(({}).^2)",
    "expm1(tanh({}))",
    "cosh(tanh({}))",
)
TO_SCALAR = ("sum({})", "mean({})", "var({})", "normF({})", "norm1({})")
OF_VECTOR = ("logsumexp({})", "norm2({})", "max({})", "min({})")
VECTOR_TO_VECTOR = ("softmax({})", "logsoftmax({})")
OF_SQUARE = ("tr({})", "logdet(eye({n}) + ({})*({})')", "det(eye({n}) + 0.1*({}))")
SQUARE_TO_SQUARE = ("inv(3*eye({n}) + tanh({}))", "({})^2", "diag(diagonal({}))")


def expression(inputs: Inputs, shape: Shape, depth: int) -> str:
    """A random expression of a shape, smooth and finite nearly everywhere."""
    random = inputs.random
    if depth == 0:
        return written(inputs.leaf(shape))
    choices = [_entrywise, _entrywise, _two, _product]
    if shape == ("1", "1"):
        choices += [_to_scalar, _to_scalar, _of_square]
    elif shape[1] == "1":
        choices += [_vector, _line_sum]
    elif shape[0] == shape[1]:
        choices += [_square]
    elif "1" not in shape:
        choices += [_rows]
    return random.choice(choices)(inputs, shape, depth - 1)


def _fill(template: str, inside: str, letter: str = "n") -> str:
    return template.replace("{n}", letter).replace("{}", inside)


def _entrywise(inputs: Inputs, shape: Shape, depth: int) -> str:
    return _fill(inputs.random.choice(ENTRYWISE), expression(inputs, shape, depth))


def _two(inputs: Inputs, shape: Shape, depth: int) -> str:
    a, b = (expression(inputs, shape, inputs.random.randint(0, depth)) for _ in range(2))
    return inputs.random.choice(["({} + {})", "({} - {})", "({} .* {})", "max({}, {})", "min({}, {})"]).format(a, b)


def _product(inputs: Inputs, shape: Shape, depth: int) -> str:
    inner = inputs.random.choice(LETTERS)
    return f"(({expression(inputs, (shape[0], inner), depth)})*({expression(inputs, (inner, shape[1]), depth)}))"


def _to_scalar(inputs: Inputs, shape: Shape, depth: int) -> str:
    if inputs.random.random() < 0.5:
        return _fill(inputs.random.choice(OF_VECTOR), expression(inputs, (inputs.random.choice(LETTERS), "1"), depth))
    return _fill(inputs.random.choice(TO_SCALAR), expression(inputs, ("m", "n"), depth))


def _of_square(inputs: Inputs, shape: Shape, depth: int) -> str:
    letter = inputs.random.choice(LETTERS)
    return _fill(
        inputs.random.choice(OF_SQUARE), f"tanh({expression(inputs, (letter, letter), min(depth, 2))})", letter
    )


def _vector(inputs: Inputs, shape: Shape, depth: int) -> str:
    return _fill(inputs.random.choice(VECTOR_TO_VECTOR), expression(inputs, shape, depth))


def _line_sum(inputs: Inputs, shape: Shape, depth: int) -> str:
    other = inputs.random.choice(LETTERS)
    return f"rowsum({expression(inputs, (shape[0], other), depth)})"


def _square(inputs: Inputs, shape: Shape, depth: int) -> str:
    return _fill(inputs.random.choice(SQUARE_TO_SQUARE), expression(inputs, shape, min(depth, 2)), shape[0])


def _rows(inputs: Inputs, shape: Shape, depth: int) -> str:
    return f"rowsoftmax({expression(inputs, shape, depth)})"
