"""Records of the operators: sums, products, quotients, powers, transpose.

They build sums, einsums and powers of the graph; none stays a node of its own.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from symgrad.errors import ShapeError
from symgrad.operations.arrays import Array, np, total
from symgrad.operations.elementwise import LOG
from symgrad.operations.powers import MAX_PRODUCT, matrix_power, power_of
from symgrad.operations.record import Construct, Elementwise, Notation
from symgrad.operations.shapes import aligned, regrouped, require_scalar
from symgrad.tensor.build import (
    ONE,
    add,
    as_number,
    einsum,
    elementwise,
    full,
    hadamard,
    permuted,
    power,
    product_of,
    scaled,
)
from symgrad.tensor.dims import agree
from symgrad.tensor.nodes import Delta, Einsum, Node, Ones
from symgrad.tensor.view import View


def sum_of(signs: tuple[int, ...], views: tuple[View, ...]) -> View:
    """A signed sum of several views at once."""
    first = views[0] if views[0].node.rank else next((v for v in views if not v.is_scalar), views[0])
    nodes = []
    for sign, view in zip(signs, views, strict=True):
        if view.rows != first.rows or view.node.shape != first.node.shape:
            view = aligned(first, view, "add" if sign > 0 else "subtract", _add_hint(first, view))[1]
        nodes.append(view.node)
    return View(add(zip(signs, nodes, strict=True)), first.rows)


def _add_hint(a: View, b: View) -> str | None:
    if {a.kind, b.kind} == {"row", "column"}:
        return "transpose one of them: a column and a row are different shapes"
    if {a.kind, b.kind} == {"matrix", "column"}:
        return "spread the vector yourself, e.g. M + v*ones(n)' (every column) or M + ones(m)*v' (every row)"
    return None


def _add(a: View, b: View) -> View:
    return sum_of((1, 1), (a, b))


def _subtract(a: View, b: View) -> View:
    return sum_of((1, -1), (a, b))


def _negate(a: View) -> View:
    return View(scaled(-1, a.node), a.rows)


def _product(a: View, b: View) -> View:
    if a.is_scalar or b.is_scalar:
        return View(hadamard(a.node, b.node), a.rows if b.is_scalar else b.rows)
    if a.node.rank - a.rows == 1 == b.rows and a.node.shape[-1] is b.node.shape[0]:
        return _joined(a, b)
    if not agree(a.shape[1], b.shape[0]):
        raise ShapeError(
            f"cannot multiply {a.describe()} by {b.describe()}: {a.shape[1]} columns against {b.shape[0]} rows",
            hint=_product_hint(a, b),
        )
    b = regrouped(b, a.column_sizes, b.column_sizes)
    left, inner = range(a.rows), range(a.rows, a.node.rank)
    right = range(a.node.rank, a.node.rank + b.node.rank - b.rows)
    node = einsum([(a.node, (*left, *inner)), (b.node, (*inner, *right))], (*left, *right))
    return View(node, a.rows)


def _joined(a: View, b: View) -> View:
    """The product of two views that share one axis, the commonest kind."""
    rank = a.rows + b.node.rank - 1
    out = tuple(range(rank))
    return View(product_of([(a.node, (*out[: a.rows], rank)), (b.node, (rank, *out[a.rows :]))], out), a.rows)


def chain_product(views: Sequence[View], turned: Sequence[bool]) -> View | None:
    """The product from left to right as one product of the graph; None where it is not plain matrices and vectors.

    A factor that is `turned` stands transposed.  A row times a column is a scalar, which scales what follows.
    """
    pairs: list[tuple[Node, tuple[Hashable, ...]]] = []
    start = end = size = None  # the labels of the row and of the column index so far, and the size of the latter
    for place, (view, flip) in enumerate(zip(views, turned, strict=True)):
        node = view.node
        rows, columns = view.rows, node.rank - view.rows
        if rows > 1 or columns > 1:
            return None
        if not node.rank:
            pairs.append((node, ()))
            continue
        if flip:
            rows, columns = columns, rows
        if start is None and end is None:
            start = first = ("row", place) if rows else None
        elif end is None and not rows:  # a column times a row
            first = None
        elif end is not None and rows and node.shape[-1 if flip else 0] is size:
            first = end
        else:
            return None
        end = ("column", place) if columns else None
        size = node.shape[0 if flip else -1]
        pairs.append((node, tuple([a for a in ((end, first) if flip else (first, end)) if a is not None])))
    out = tuple([a for a in (start, end) if a is not None])
    return View(product_of(pairs, out), int(start is not None))


def _product_hint(a: View, b: View) -> str | None:
    if (
        a.kind == b.kind
        and a.kind in ("column", "row")
        and agree(a.shape[0], b.shape[0])
        and agree(a.shape[1], b.shape[1])
    ):
        return "x'*y for the inner product, x*y' for the outer one, x.*y entry by entry"
    if agree(a.shape[0], b.shape[0]) and not b.is_scalar:
        return "transpose the left side" if not agree(a.shape[1], b.shape[1]) else ".* for the product entry by entry"
    if agree(a.shape[1], b.shape[1]):
        return "transpose the right side"
    return None


def _hadamard(a: View, b: View) -> View:
    if a.is_scalar or b.is_scalar:
        return _product(a, b)
    spread = "a vector is never spread over a matrix: use diag(v)*M or ones" if a.is_matrix != b.is_matrix else None
    left, right = aligned(a, b, "multiply entry by entry", spread)
    return View(hadamard(left.node, right.node), left.rows)


def _divide(a: View, b: View) -> View:
    if not b.is_scalar:
        raise ShapeError(
            f"division is by a scalar, but the right side is {b.describe()}",
            hint="./ to divide entry by entry" if a.kind == b.kind or a.is_scalar else "inv(B)*a or a*inv(B)",
        )
    return View(hadamard(a.node, power(b.node, -1)), a.rows)


def _hadamard_divide(a: View, b: View) -> View:
    left, right = aligned(a, b, "divide entry by entry")
    return View(hadamard(left.node, power(right.node, -1)), left.rows)


def _hadamard_power(a: View, b: View) -> View:
    if b.is_scalar:
        return View(power(a.node, b.node), a.rows)
    left, right = (a, b) if a.is_scalar else aligned(a, b, "raise entry by entry to the power")
    return View(elementwise(HADAMARD_POWER, left.node, right.node), right.rows)


def _simpler_power(base: Node, exponents: Node) -> Node | None:
    """1 to any power is 1, and a constant array of exponents is one exponent."""
    shape = base.shape or exponents.shape
    if as_number(base) == 1:
        return full(ONE, shape)
    spread = isinstance(exponents, Einsum) and all(isinstance(n, Ones) for n, _ in exponents.factors)
    if not spread and as_number(exponents) is None:
        return None
    value = exponents.coefficient if isinstance(exponents, Einsum) else exponents
    return power(base if base.shape else full(base, shape), value)


def _power(a: View, b: View) -> View:
    if a.is_scalar and not b.is_scalar:
        raise ShapeError(f"an exponent must be a scalar, but this is {b.describe()}", hint=".^ entry by entry")
    require_scalar(b, "an exponent")
    if a.is_scalar:
        return View(power(a.node, b.node), 0)
    if not a.is_matrix or not a.is_square:
        hint = "x.^2 entry by entry, x'*x for the squared length" if not a.is_matrix else ".^ entry by entry"
        raise ShapeError(f"only a square matrix has powers, but this is {a.describe()}", hint=hint)
    exponent = as_number(b.node)
    if isinstance(exponent, int) and abs(exponent) <= MAX_PRODUCT:
        return _matrix_power(a, exponent)
    return power_of(a, b.node)


def _matrix_power(a: View, exponent: int) -> View:
    if exponent == 0:
        return View(_identity(a), a.rows)
    base = a
    if exponent < 0:
        from symgrad.operations.matrices import INV

        base = INV.build(a)
    result = base
    for _ in range(abs(exponent) - 1):
        result = _product(result, base)
    return result


def _identity(a: View) -> Node:
    return einsum([(Delta.make(s), (i, i + a.rows)) for i, s in enumerate(a.row_sizes)], range(2 * a.rows))


def _transpose(a: View) -> View:
    columns = a.node.rank - a.rows
    return View(permuted(a.node, (*range(a.rows, a.node.rank), *range(a.rows))), columns)


# --- numeric values and pullbacks -------------------------------------------------------------


def _multiply_value(a: Array, b: Array) -> Array:
    return a @ b if a.shape[1] == b.shape[0] else a * b


def _multiply_pullback(g: Array, y: Array, a: Array, b: Array) -> tuple[Array, Array]:
    if a.shape[1] == b.shape[0]:
        return g @ b.T, a.T @ g
    return total(g * b, a), total(g * a, b)


def _hadamard_pullback(g: Array, y: Array, a: Array, b: Array) -> tuple[Array, Array]:
    return total(g * b, a), total(g * a, b)


def _divide_pullback(g: Array, y: Array, a: Array, b: Array) -> tuple[Array, Array]:
    return total(g / b, a), total(-g * y / b, b)


def _entry_power_pullback(g: Array, y: Array, a: Array, b: Array) -> tuple[Array, Array]:
    with np.errstate(divide="ignore", invalid="ignore"):
        return total(g * b * a ** (b - 1), a), total(g * y * np.log(a), b)


def _power_value(a: Array, b: Array) -> Array:
    return a**b if a.shape == (1, 1) else matrix_power(a, b)


def _power_pullback(g: Array, y: Array, a: Array, b: Array) -> tuple[Array, Array]:
    if a.shape == (1, 1):
        return _entry_power_pullback(g, y, a, b)
    exponent = int(b[0, 0])
    base, k = (a, exponent) if exponent >= 0 else (np.linalg.inv(a), -exponent)
    powers = [np.eye(len(a))]
    for _ in range(k):
        powers.append(powers[-1] @ base)
    by_base = sum((powers[i].T @ g @ powers[k - 1 - i].T for i in range(k)), np.zeros_like(a))
    if exponent < 0:
        by_base = -base.T @ by_base @ base.T
    return by_base, np.full((1, 1), np.nan)  # an exponent of a matrix is a whole number: no derivative


ADD = Construct(
    name="add",
    lesson=(
        "A sum hands the gradient to each term.",
        "جمع، گرادیان را به هر جمله می‌دهد.",
    ),
    notation=Notation("+", "infix", 10),
    arity=(2,),
    build=_add,
    value=lambda a, b: a + b,
    pullback=lambda g, y, a, b: (total(g, a), total(g, b)),
    doc="The sum; a scalar is added to every entry.",
    example="x + y",
    source="linearity",
)
SUBTRACT = Construct(
    name="subtract",
    lesson=(
        "A difference hands the gradient on, with a minus to the right side.",
        "تفاضل، گرادیان را به هر دو سو می‌دهد؛ به سمت راست با علامت منفی.",
    ),
    notation=Notation("-", "infix", 10),
    arity=(2,),
    build=_subtract,
    value=lambda a, b: a - b,
    pullback=lambda g, y, a, b: (total(g, a), total(-g, b)),
    doc="The difference; a scalar is spread over every entry.",
    example="x - y",
    source="linearity",
)
NEGATE = Construct(
    name="negate",
    notation=Notation("-", "prefix", 15),
    arity=(1,),
    build=_negate,
    value=lambda a: -a,
    pullback=lambda g, y, a: (-g,),
    doc="The negative.",
    example="-x",
    source="linearity",
)
MULTIPLY = Construct(
    name="multiply",
    lesson=(
        "In a product each factor receives the other one, transposed, on the other's side.",
        "در ضرب، به هر عامل ترانهادهٔ عامل دیگر در همان سمت می‌رسد.",
    ),
    notation=Notation("*", "infix", 20),
    arity=(2,),
    build=_product,
    value=_multiply_value,
    pullback=_multiply_pullback,
    doc="The matrix product, or scaling by a scalar: y[i, k] = sum_j A[i, j] B[j, k].",
    example="A*x",
    source="Matrix Cookbook (37)",
)
HADAMARD = Construct(
    name="hadamard",
    lesson=(
        "An entry-by-entry product hands each factor the gradient times the other factor.",
        "ضرب درایه‌به‌درایه به هر عامل، گرادیان ضرب در عامل دیگر را می‌دهد.",
    ),
    notation=Notation(".*", "infix", 20),
    arity=(2,),
    build=_hadamard,
    value=lambda a, b: a * b,
    pullback=_hadamard_pullback,
    doc="The Hadamard product, entry by entry.",
    example="x .* y",
    source="Matrix Cookbook (38)",
)
DIVIDE = Construct(
    name="divide",
    lesson=(
        "A quotient: $(1/u)' = -1/u^2$.",
        "خارج‌قسمت: $(1/u)' = -1/u^2$.",
    ),
    notation=Notation("/", "infix", 20),
    arity=(2,),
    build=_divide,
    value=lambda a, b: a / b,
    pullback=_divide_pullback,
    domain="nonzero",
    doc="Division by a scalar.",
    example="x/s",
    source="quotient rule",
)
HADAMARD_DIVIDE = Construct(
    name="hadamard_divide",
    notation=Notation("./", "infix", 20),
    arity=(2,),
    build=_hadamard_divide,
    value=lambda a, b: a / b,
    pullback=_divide_pullback,
    domain="nonzero",
    doc="Division entry by entry.",
    example="x ./ y",
    source="quotient rule",
)
POWER = Construct(
    name="power",
    lesson=(
        "A power: $(u^p)' = p u^{p-1}$.",
        "توان: $(u^p)' = p u^{p-1}$.",
    ),
    notation=Notation("^", "infix", 40),
    arity=(2,),
    build=_power,
    value=_power_value,
    pullback=_power_pullback,
    domain="positive",
    doc="The power of a scalar, or the whole power of a square matrix (X^(-1) is the inverse, X^0 the identity; "
    "k in X^k may be a scalar or a dimension).",
    example="s^3",
    source="Matrix Cookbook (39)",
)
# With a scalar exponent it is a Power of the graph, with an array of exponents a function of two arguments.
HADAMARD_POWER: Elementwise = Elementwise(
    name="hadamard_power",
    notation=Notation(".^", "infix", 40),
    arity=(2,),
    build=_hadamard_power,
    value=lambda a, b: a**b,
    pullback=_entry_power_pullback,
    partials=(
        lambda y, a, b: hadamard(b, elementwise(HADAMARD_POWER, a, add([(1, b), (-1, full(ONE, b.shape))]))),
        lambda y, a, b: hadamard(y, elementwise(LOG, a)),
    ),
    code="{0} ** {1}",
    simplify=_simpler_power,
    domain="positive",
    doc="The power entry by entry; the exponent is a scalar, or an array of the same shape as the base.",
    example="x.^3",
    source="power rule",
)
TRANSPOSE = Construct(
    name="transpose",
    notation=Notation("'", "postfix", 50),
    arity=(1,),
    build=_transpose,
    value=lambda a: a.T,
    pullback=lambda g, y, a: (g.T,),
    doc="The transpose: y[i, j] = A[j, i].",
    example="A'",
    source="Matrix Cookbook (33)",
)

RECORDS = (
    ADD, SUBTRACT, NEGATE, MULTIPLY, HADAMARD, DIVIDE, HADAMARD_DIVIDE, POWER, HADAMARD_POWER, TRANSPOSE,
)  # fmt: skip
