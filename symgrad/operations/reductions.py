"""Records of functions from vectors and matrices to numbers and vectors: sums, norms, softmax, extremes.

softmax, logsoftmax and logsumexp stay nodes with a Jacobian in terms of their own output (they would
never fold back); sums, means and norms are built from products and powers.
"""

from __future__ import annotations

from fractions import Fraction

from symgrad.errors import ShapeError
from symgrad.operations.arrays import Array, np, scalar
from symgrad.operations.elementwise import ABS, EXP, LOG
from symgrad.operations.record import Construct, Notation, TensorFunction
from symgrad.operations.shapes import aligned, require_vector, scalar_view
from symgrad.tensor.build import apply, einsum, elementwise, hadamard, number, power, size_number
from symgrad.tensor.dims import Size, times
from symgrad.tensor.index import Tensor, delta, spread_sum
from symgrad.tensor.nodes import Apply, Einsum, Map, Node
from symgrad.tensor.view import View

# --- vectors to vectors and numbers ------------------------------------------------------------


def softmax_of(vector: Node, batch: int = 0) -> Node:
    """softmax of a vector node, or of each row where there is a batch."""
    return apply(SOFTMAX, vector, batch)


def log_of_function(x: Apply) -> Node | None:
    """log(softmax(v)) is logsoftmax(v), log(det(X)) is logdet(X)."""
    if x.op is SOFTMAX:
        return apply(LOGSOFTMAX, x.args[0], x.batch)
    from symgrad.operations.matrices import DET, LOGDET

    return apply(LOGDET, x.args[0], x.batch) if x.op is DET else None


def log_of_sum(x: Einsum) -> Node | None:
    """log(sum(exp(v))) is logsumexp(v), also for each row of a matrix."""
    node, labels = x.factors[0]
    if not isinstance(node, Map) or node.op is not EXP or len(set(labels)) < len(labels):
        return None
    batch = x.rank
    if batch == len(labels) or sum(a >= batch for a in labels) == 0:
        return None
    order = sorted(range(len(labels)), key=lambda axis: labels[axis])
    argument = einsum([(node.args[0], labels)], [labels[axis] for axis in order])
    return apply(LOGSUMEXP, argument, batch)


def _vector_function(record: str, view: View, instead: str) -> View:
    require_vector(view, record, instead)
    records = {"softmax": SOFTMAX, "logsoftmax": LOGSOFTMAX, "firstmax": FIRSTMAX}
    return View(apply(records[record], view.node), view.rows)


def _logsumexp(view: View) -> View:
    require_vector(view, "logsumexp", "log(rowsum(exp(M))) for every row of a matrix")
    return scalar_view(apply(LOGSUMEXP, view.node))


def _softmax_value(x: Array) -> Array:
    e = np.exp(x - np.real(x).max())
    return e / e.sum()


def _logsoftmax_value(x: Array) -> Array:
    shifted = x - np.real(x).max()
    return shifted - np.log(np.exp(shifted).sum())


def _logsumexp_value(x: Array) -> Array:
    top = np.real(x).max()
    return scalar(top + np.log(np.exp(x - top).sum()))


SOFTMAX = TensorFunction(
    name="softmax",
    lesson=(
        r"The Jacobian of softmax is $\partial \hat y_i / \partial z_j = \hat y_i (\delta_{ij} - \hat y_j)$.",
        r"ژاکوبی softmax برابر است با $\partial \hat y_i / \partial z_j = \hat y_i (\delta_{ij} - \hat y_j)$.",
    ),
    notation=Notation("softmax"),
    arity=(1,),
    build=lambda v: _vector_function("softmax", v, "rowsoftmax(M) for every row of a matrix"),
    value=_softmax_value,
    pullback=lambda g, y, x: (y * g - y * (y * g).sum(),),
    core="v->v",
    jacobian=lambda y, x, i, k: y[i] * delta[i, k] - y[i] * y[k],
    code="special.softmax({0}, axis=-1)",
    aliases=lambda y, x: ((apply(LOGSOFTMAX, x), elementwise(LOG, y)),),
    rows=("rowsoftmax",),
    of_all="exp(X)/sum(exp(X))",
    transposes=True,
    sums_to_one=True,
    positive=True,
    doc="exp(v) / sum(exp(v)).",
    example="softmax(x)",
    source="Bridle 1990: diag(y) - y y'",
)
LOGSOFTMAX: TensorFunction = TensorFunction(
    name="logsoftmax",
    notation=Notation("logsoftmax"),
    arity=(1,),
    build=lambda v: _vector_function("logsoftmax", v, "log(rowsoftmax(M)) for every row of a matrix"),
    value=_logsoftmax_value,
    pullback=lambda g, y, x: (g - np.exp(y) * g.sum(),),
    core="v->v",
    jacobian=lambda y, x, i, k: delta[i, k] - Tensor(softmax_of(x.node, len(x.batch)), x.batch)[k],
    code="special.log_softmax({0}, axis=-1)",
    rows=("log", "rowsoftmax"),
    of_all="log(exp(X)/sum(exp(X)))",
    transposes=True,
    doc="log(softmax(v)), computed without overflow.",
    example="logsoftmax(x)",
    source="I - 1 softmax(v)'",
)
LOGSUMEXP = TensorFunction(
    name="logsumexp",
    notation=Notation("logsumexp"),
    arity=(1,),
    build=_logsumexp,
    value=_logsumexp_value,
    pullback=lambda g, y, x: (g * np.exp(x - y),),
    core="v->s",
    jacobian=lambda y, x, k: Tensor(softmax_of(x.node, len(x.batch)), x.batch)[k],
    code="special.logsumexp({0}, axis=-1)",
    rows=("log", "rowsum", "exp"),
    transposes=True,
    doc="log(sum(exp(v))), computed without overflow.",
    example="logsumexp(x)",
    source="its gradient is softmax(v)",
)


def _rowsoftmax(view: View) -> View:
    if not view.is_matrix or view.rows != 1 or view.node.rank != 2:
        raise ShapeError(f"rowsoftmax needs a matrix, but this is {view.describe()}", hint="softmax(v) of a vector")
    return View(softmax_of(view.node, 1), 1)


def _rowsoftmax_value(x: Array) -> Array:
    e = np.exp(x - np.real(x).max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


ROWSOFTMAX = Construct(
    name="rowsoftmax",
    notation=Notation("rowsoftmax"),
    arity=(1,),
    build=_rowsoftmax,
    value=_rowsoftmax_value,
    pullback=lambda g, y, x: (y * g - y * (y * g).sum(axis=1, keepdims=True),),
    doc="softmax of every row.",
    example="rowsoftmax(X)",
    source="softmax row by row",
)

# --- extremes ----------------------------------------------------------------------------------


def extreme(name: str, view: View) -> View:
    """max(v) and min(v) of one argument."""
    require_vector(view, f"{name} of one argument", f"{name}(a, b) entry by entry")
    return scalar_view(apply(LARGEST if name == "max" else SMALLEST, view.node))


def extreme_pullback(g: Array, y: Array, x: Array) -> tuple[Array, ...]:
    """All of the cotangent to the first entry that is the extreme."""
    out = np.zeros_like(x)
    out.flat[int(np.argmax(x == y))] = g.item()
    return (out,)


def _first_largest(x: Array) -> Array:
    out = np.zeros_like(x)
    out.flat[int(np.argmax(np.real(x)))] = 1
    return out


FIRSTMAX: TensorFunction = TensorFunction(
    name="firstmax",
    notation=Notation("firstmax"),
    arity=(1,),
    build=lambda v: _vector_function("firstmax", v, "a vector"),
    value=_first_largest,
    pullback=lambda g, y, x: (np.zeros_like(x),),
    core="v->v",
    jacobian=lambda y, x, i, k: (y[i] * y[k]) * 0,
    code="(np.arange({0}.shape[-1]) == np.argmax({0}, axis=-1)[..., None]).astype({0}.dtype)",
    kinks="jumps where the largest entry changes; the derivative is 0 elsewhere",
    analytic=False,
    doc="The unit vector of the first largest entry: the gradient of max(v).",
    example="firstmax(x)",
    source="the gate that routes",
)


def _extreme_record(name: str, mask: int) -> TensorFunction:
    record: TensorFunction
    record = TensorFunction(
        name="largest" if mask > 0 else "smallest",
        notation=Notation(name),
        arity=(1,),
        build=lambda v: extreme(name, v),
        value=lambda x: scalar(getattr(np, name)(x)),
        pullback=extreme_pullback,
        core="v->s",
        jacobian=lambda y, x, k: Tensor(
            apply(FIRSTMAX, x.node if mask > 0 else hadamard(number(-1), x.node), len(x.batch)), x.batch
        )[k],
        code=f"np.{name}({{0}}, axis=-1)",
        kinks="where two entries tie: the first one wins",
        analytic=False,
        doc=f"The {'largest' if mask > 0 else 'smallest'} entry of a vector.",
        example=f"{name}(x)",
        source="the gate that routes",
    )
    return record


LARGEST = _extreme_record("max", 1)
SMALLEST = _extreme_record("min", -1)

# --- sums, means, norms ------------------------------------------------------------------------


def _sum_all(node: Node) -> Node:
    return einsum([(node, range(node.rank))], ())


def _count(view: View) -> Size:
    return times(*view.node.shape)


def _mean(view: View) -> Node:
    return hadamard(_sum_all(view.node), power(size_number(_count(view)), -1))


def _variance(view: View) -> Node:
    centred = spread_sum(((1, view.node), (-1, _mean(view))))
    square = einsum([(centred, range(view.node.rank))] * 2, ())
    return hadamard(square, power(size_number(_count(view)), -1))


def _line_sums(view: View, what: str) -> View:
    """rowsum keeps the row axes, colsum the column axes."""
    kept = range(view.rows) if what == "rowsum" else range(view.rows, view.node.rank)
    node = einsum([(view.node, range(view.node.rank))], kept)
    return View(node, len(kept) if what == "rowsum" else 0)


def _dot(a: View, b: View) -> View:
    left, right = aligned(a, b, "take the inner product") if not (a.is_scalar or b.is_scalar) else (a, b)
    return scalar_view(_sum_all(hadamard(left.node, right.node)))


def _length(view: View) -> View:
    if view.is_scalar:
        return scalar_view(elementwise(ABS, view.node))
    square = einsum([(view.node, range(view.node.rank))] * 2, ())
    return scalar_view(power(square, Fraction(1, 2)))


def _norminf(view: View) -> View:
    require_vector(view, "norminf", "norm1, norm2 or normF of a matrix")
    return scalar_view(apply(LARGEST, elementwise(ABS, view.node)))


def _norminf_pullback(g: Array, y: Array, x: Array) -> tuple[Array]:
    return (extreme_pullback(g, y, np.abs(x))[0] * np.sign(x),)


def _sqrt(view: View) -> View:
    return View(power(view.node, Fraction(1, 2)), view.rows)


SQRT = Construct(
    name="sqrt",
    notation=Notation("sqrt", latex=r"\sqrt{{{0}}}"),
    sympy="sqrt",
    arity=(1,),
    build=_sqrt,
    value=lambda x: np.sqrt(x),
    pullback=lambda g, y, x: (g / (2 * y),),
    domain="positive",
    doc="The square root, entry by entry: the power 1/2.",
    example="sqrt(x)",
    source="power rule",
)
SUM = Construct(
    name="sum",
    lesson=(
        "A sum of entries hands its gradient to every entry.",
        "جمع درایه‌ها گرادیان خود را به همهٔ درایه‌ها می‌دهد.",
    ),
    notation=Notation("sum"),
    arity=(1,),
    build=lambda v: scalar_view(_sum_all(v.node)),
    value=lambda x: scalar(x.sum()),
    pullback=lambda g, y, x: (np.full_like(x, g.item()),),
    doc="The sum of all entries.",
    example="sum(X)",
    source="linearity",
)
MEAN = Construct(
    name="mean",
    notation=Notation("mean"),
    arity=(1,),
    build=lambda v: scalar_view(_mean(v)),
    value=lambda x: scalar(x.sum() / x.size),
    pullback=lambda g, y, x: (np.full_like(x, g.item() / x.size),),
    doc="The mean of all entries.",
    example="mean(X)",
    source="linearity",
)
VAR = Construct(
    name="var",
    notation=Notation("var"),
    arity=(1,),
    build=lambda v: scalar_view(_variance(v)),
    value=lambda x: scalar(((x - x.sum() / x.size) ** 2).sum() / x.size),
    pullback=lambda g, y, x: (g * 2 * (x - x.mean()) / x.size,),
    doc="The population variance of all entries.",
    example="var(x)",
    source="2 (x - mean(x)) / n",
)
ROWSUM = Construct(
    name="rowsum",
    turned="colsum",
    notation=Notation("rowsum"),
    arity=(1,),
    build=lambda v: _line_sums(v, "rowsum"),
    value=lambda x: x.sum(axis=1, keepdims=True),
    pullback=lambda g, y, x: (np.repeat(g, x.shape[1], axis=1),),
    doc="The sum of each row, a column vector.",
    example="rowsum(X)",
    source="X 1",
)
COLSUM = Construct(
    name="colsum",
    turned="rowsum",
    notation=Notation("colsum"),
    arity=(1,),
    build=lambda v: _line_sums(v, "colsum"),
    value=lambda x: x.sum(axis=0, keepdims=True),
    pullback=lambda g, y, x: (np.repeat(g, x.shape[0], axis=0),),
    doc="The sum of each column, a row vector.",
    example="colsum(X)",
    source="1' X",
)
DOT = Construct(
    name="dot",
    notation=Notation("dot", latex=r"\left\langle {args} \right\rangle"),
    arity=(2,),
    build=_dot,
    value=lambda a, b: scalar((a * b).sum()),
    pullback=lambda g, y, a, b: (g * b, g * a),
    doc="The inner product: dot(A, B) = tr(A'B).",
    example="dot(x, y)",
    source="Matrix Cookbook (100)",
)
NORM2 = Construct(
    name="norm2",
    lesson=(
        r"The length: $\partial \lVert u \rVert / \partial u = u / \lVert u \rVert$.",
        r"طول بردار: $\partial \lVert u \rVert / \partial u = u / \lVert u \rVert$.",
    ),
    of_matrix="the Frobenius norm",
    notation=Notation("norm2", latex=r"\lVert {0} \rVert_2"),
    arity=(1,),
    build=_length,
    value=lambda x: scalar(np.sqrt((x * x).sum())),
    pullback=lambda g, y, x: (g * x / y,),
    kinks="at 0",
    doc="The Euclidean length; of a matrix the Frobenius norm, as on matrixcalculus.org.",
    example="norm2(x)",
    source="Matrix Cookbook (129)",
)
NORMF = Construct(
    name="normF",
    notation=Notation("normF", latex=r"\lVert {0} \rVert_F"),
    arity=(1,),
    build=_length,
    value=lambda x: scalar(np.sqrt((x * x).sum())),
    pullback=lambda g, y, x: (g * x / y,),
    kinks="at 0",
    doc="The Frobenius norm sqrt(tr(X'X)).",
    example="normF(X)",
    source="Matrix Cookbook (132)",
)
NORM1 = Construct(
    name="norm1",
    of_matrix="the sum of the absolute values of all entries",
    notation=Notation("norm1", latex=r"\lVert {0} \rVert_1"),
    arity=(1,),
    build=lambda v: scalar_view(_sum_all(elementwise(ABS, v.node))),
    value=lambda x: scalar(np.abs(x).sum()),
    pullback=lambda g, y, x: (g * np.sign(x),),
    kinks="where an entry is 0, where the slope taken is 0",
    analytic=False,
    doc="The sum of the absolute values of all entries.",
    example="norm1(x)",
    source="sign(x)",
)
NORMINF = Construct(
    name="norminf",
    notation=Notation("norminf", latex=r"\lVert {0} \rVert_\infty"),
    arity=(1,),
    build=_norminf,
    value=lambda x: scalar(np.abs(x).max()),
    pullback=_norminf_pullback,
    kinks="where two entries tie in size: the first one wins",
    analytic=False,
    doc="The largest absolute value of a vector's entries.",
    example="norminf(x)",
    source="the gate that routes",
)

RECORDS = (
    SOFTMAX, LOGSOFTMAX, LOGSUMEXP, ROWSOFTMAX, FIRSTMAX, LARGEST, SMALLEST, SQRT, SUM, MEAN, VAR, ROWSUM, COLSUM,
    DOT, NORM2, NORMF, NORM1, NORMINF,
)  # fmt: skip
