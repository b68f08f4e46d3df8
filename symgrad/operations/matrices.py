"""Records of matrix functions: inverse, determinants, trace, diagonals, vec, Kronecker product.

inv, det, logdet and adj are nodes with a Jacobian in index notation (i, j of the output, k, l of the
argument); the others only regroup or contract axes, which is one einsum or none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from itertools import chain

from symgrad.errors import ShapeError
from symgrad.operations.arrays import Array, np, scalar, stacked
from symgrad.operations.elementwise import ABS, EXP, LOG
from symgrad.operations.exponential import EXPM
from symgrad.operations.powers import MATRIX_POWER
from symgrad.operations.primary import diagonal_of
from symgrad.operations.record import Construct, Notation, TensorFunction
from symgrad.operations.shapes import as_matrix, regrouped, require_square, require_vector, scalar_view
from symgrad.tensor.build import (
    MINUS_ONE,
    apply,
    einsum,
    elementwise,
    hadamard,
    number,
    plus,
    power,
    size_number,
    transposed,
)
from symgrad.tensor.index import Indexed, Tensor, delta
from symgrad.tensor.nodes import Apply, Coefficient, Delta, Einsum, Input, Node, Triangle
from symgrad.tensor.numbers import number_power
from symgrad.tensor.signs import is_positive
from symgrad.tensor.view import View

Letters = tuple[Hashable, ...]

# --- inverse and determinants ------------------------------------------------------------------


def _matrix_factors(node: Node) -> tuple[Coefficient, list[Node]] | None:
    """coefficient and square factors of a product A B C of two-axis nodes, in order; None if it is not one."""
    if not isinstance(node, Einsum) or node.rank != 2:
        return None
    rest = [(n, labels) for n, labels in node.factors if len(labels) == 2]
    if len(rest) < len(node.factors) or any(n.shape[0] != n.shape[1] for n, _ in rest):
        return None
    chain: list[Node] = []
    at = 0
    while rest:
        options = [(n, labels) for n, labels in rest if at in labels]
        if len(options) != 1:
            return None
        factor, labels = options[0]
        rest.remove((factor, labels))
        flip = labels[0] != at
        chain.append(factor if not flip else einsum([(factor, (0, 1))], (1, 0)))
        at = labels[0 if flip else 1]
    return (node.coefficient, chain) if at == 1 else None


def _kronecker_factors(x: Node) -> tuple[Coefficient, Node, Node] | None:
    """coefficient, A and B of kron(A, B), square both, as a tensor of four axes; None if it is not one."""
    if not isinstance(x, Einsum) or x.rank != 4:
        return None
    parts = [[f for f in x.factors if f[1] and set(f[1]) <= set(axes)] for axes in ((0, 2), (1, 3))]
    if not all(parts) or sum(map(len, parts)) < len(x.factors):
        return None
    a, b = (einsum(part, axes) for part, axes in zip(parts, ((0, 2), (1, 3)), strict=True))
    return (x.coefficient, a, b) if a.shape[0] == a.shape[1] and b.shape[0] == b.shape[1] else None


def _simplify_inv(x: Node) -> Node | None:
    if x.rank == 0:
        return power(x, -1)
    pair = _kronecker_factors(x)
    if pair is not None:
        multiple = number_power(pair[0], -1)
        assert multiple is not None  # a whole power of a rational is rational
        return einsum([(apply(INV, pair[1]), (0, 2)), (apply(INV, pair[2]), (1, 3))], range(4), multiple)
    if isinstance(x, Delta):
        return x
    if isinstance(x, Input) and "orthogonal" in x.properties:
        return transposed(x)
    if isinstance(x, Apply) and x.op is INV:
        return x.args[0]
    if isinstance(x, Apply) and x.op is EXPM:
        return apply(EXPM, hadamard(MINUS_ONE, x.args[0]))
    if isinstance(x, Apply) and x.op is MATRIX_POWER:
        return apply(MATRIX_POWER, x.args[0], 0, (hadamard(MINUS_ONE, x.args[1]),))
    found = _matrix_factors(x)
    if found is None or (found[0] == 1 and len(found[1]) == 1):
        return _inverse_of_multiple(x)
    result = apply(INV, found[1][-1])
    for factor in reversed(found[1][:-1]):
        result = einsum([(result, (0, "k")), (apply(INV, factor), ("k", 1))], (0, 1))
    inverse = number_power(found[0], -1)
    assert inverse is not None  # a whole power of a rational is rational; zero was refused
    return einsum([(result, (0, 1))], (0, 1), inverse)


def _inverse_of_multiple(x: Node) -> Node | None:
    """inv(s A) = inv(A) / s."""
    multiple = number_power(x.coefficient, -1) if isinstance(x, Einsum) and x.rank == 2 and x.factors else None
    if multiple is None or not isinstance(x, Einsum):
        return None
    entries = [(_inverted_entries(n, ls), ls[:1]) for n, ls in x.factors if type(n) is not Delta and set(ls) <= {0}]
    if len(entries) == len(x.factors) - 1 and any(type(n) is Delta for n, _ in x.factors):
        return einsum([*entries, (Delta.make(x.shape[0]), (0, 1))], (0, 1), multiple)  # of diag(v): diag(1 ./ v)
    scalars = [(power(n, -1), labels) for n, labels in x.factors if not labels]
    rest = [(n, labels) for n, labels in x.factors if labels]
    if not scalars or not rest:
        return None
    return einsum([*scalars, (apply(INV, einsum(rest, (0, 1))), (0, 1))], (0, 1), multiple)


def _inverted_entries(node: Node, labels: Letters) -> Node:
    """1 over the entries of a scalar, a vector or the diagonal of a matrix."""
    return power(einsum([(node, labels)], labels[:1]) if len(labels) > 1 else node, -1)


def _simplify_det(x: Node) -> Node | None:
    if x.rank == 0:
        return x
    pair = _kronecker_factors(x)
    if pair is not None and pair[0] == 1:
        a, b = pair[1:]
        return hadamard(
            power(apply(DET, a), size_number(b.shape[0])), power(apply(DET, b), size_number(a.shape[0]))
        )
    if isinstance(x, Delta):
        return number(1)
    if isinstance(x, Apply) and x.op is INV:
        return power(apply(DET, x.args[0]), -1)
    if isinstance(x, Apply) and x.op is EXPM:
        return elementwise(EXP, _trace_of(x.args[0]))
    if isinstance(x, Apply) and x.op is MATRIX_POWER:
        return power(apply(DET, x.args[0]), x.args[1])
    found = _matrix_factors(x)
    if found is None or found[0] != 1 or len(found[1]) == 1:
        return None
    return hadamard(*(apply(DET, factor) for factor in found[1]))


def _simplify_logdet(x: Node) -> Node | None:
    if x.rank == 0:
        return elementwise(LOG, elementwise(ABS, x))
    pair = _kronecker_factors(x)
    if pair is not None and pair[0] == 1:
        a, b = pair[1:]
        return plus(
            hadamard(size_number(b.shape[0]), apply(LOGDET, a)), hadamard(size_number(a.shape[0]), apply(LOGDET, b))
        )
    if isinstance(x, Delta):
        return number(0)
    if isinstance(x, Apply) and x.op is INV:
        return hadamard(MINUS_ONE, apply(LOGDET, x.args[0]))
    if isinstance(x, Apply) and x.op is EXPM:
        return _trace_of(x.args[0])
    if isinstance(x, Apply) and x.op is MATRIX_POWER:
        return hadamard(x.args[1], apply(LOGDET, x.args[0]))
    found = _matrix_factors(x)
    if found is None or found[0] != 1 or len(found[1]) == 1:
        return None
    return plus(*(apply(LOGDET, factor) for factor in found[1]))


def _trace_of(x: Node) -> Node:
    return einsum([(x, "ii")], "")


def _of_square(what: str) -> Callable[[View], View]:
    """The shape rule of a function of a square matrix whose value is one."""

    def build(view: View) -> View:
        require_square(view, what)
        return View(apply({"inv": INV, "adj": ADJ}[what], view.node), view.rows)

    return build


def _determinant(what: str, view: View) -> View:
    require_square(view, what)
    return scalar_view(apply({"det": DET, "logdet": LOGDET}[what], view.node))


def _inverse(x: Tensor) -> Tensor:
    assert x.node is not None
    return Tensor(apply(INV, x.node, len(x.batch)), x.batch)


INV = TensorFunction(
    name="inv",
    lesson=(
        r"The inverse: $\mathrm{d} X^{-1} = -X^{-1} (\mathrm{d} X) X^{-1}$.",
        r"وارون: $\mathrm{d} X^{-1} = -X^{-1} (\mathrm{d} X) X^{-1}$.",
    ),
    inverts=True,
    notation=Notation("inv", latex="{0}^{{-1}}"),
    arity=(1,),
    build=_of_square("inv"),
    value=lambda x: np.linalg.inv(x),
    pullback=lambda g, y, x: (-y.T @ g @ y.T,),
    core="m->m",
    jacobian=lambda y, x, i, j, k, l: -(y[i, k] * y[l, j]),
    code="np.linalg.inv({0})",
    simplify=_simplify_inv,
    transposes=True,
    domain="invertible",
    doc="The inverse.",
    example="inv(X)",
    source="Matrix Cookbook (59)",
)
DET = TensorFunction(
    name="det",
    lesson=(
        r"The determinant: $\mathrm{d} \det X = \det X \operatorname{tr}(X^{-1} \mathrm{d} X)$.",
        r"دترمینان: $\mathrm{d} \det X = \det X \operatorname{tr}(X^{-1} \mathrm{d} X)$.",
    ),
    notation=Notation("det", latex=r"\det\left({0}\right)"),
    arity=(1,),
    build=lambda v: _determinant("det", v),
    value=lambda x: scalar(np.linalg.det(x)),
    pullback=lambda g, y, x: (g * y * np.linalg.inv(x).T,),
    core="m->s",
    jacobian=lambda y, x, k, l: y() * _inverse(x)[l, k],
    code="np.linalg.det({0})",
    simplify=_simplify_det,
    transposes=True,
    domain="invertible",
    doc="The determinant.",
    example="det(X)",
    source="Matrix Cookbook (49)",
)
LOGDET = TensorFunction(
    name="logdet",
    lesson=(
        r"The log-determinant: $\mathrm{d} \log|\det X| = \operatorname{tr}(X^{-1} \mathrm{d} X)$.",
        r"لگاریتم دترمینان: $\mathrm{d} \log|\det X| = \operatorname{tr}(X^{-1} \mathrm{d} X)$.",
    ),
    notation=Notation("logdet", latex=r"\log\left\lvert\det {0}\right\rvert"),
    arity=(1,),
    build=lambda v: _determinant("logdet", v),
    value=lambda x: scalar(np.log(np.linalg.det(x) if np.iscomplexobj(x) else abs(np.linalg.det(x)))),
    pullback=lambda g, y, x: (g * np.linalg.inv(x).T,),
    core="m->s",
    jacobian=lambda y, x, k, l: _inverse(x)[l, k],
    code="np.linalg.slogdet({0})[1]",
    simplify=_simplify_logdet,
    transposes=True,
    domain="spd",
    analytic=False,
    doc="log|det(X)|.",
    example="logdet(X)",
    source="Matrix Cookbook (57)",
)


def _adjugate(x: Array) -> Array:
    return np.linalg.det(x) * np.linalg.inv(x)


def _adjugate_pullback(g: Array, y: Array, x: Array) -> tuple[Array]:
    inverse = np.linalg.inv(x)
    return ((g * y).sum() * inverse.T - y.T @ g @ inverse.T,)


ADJ = TensorFunction(
    name="adj",
    notation=Notation("adj"),
    arity=(1,),
    build=_of_square("adj"),
    value=_adjugate,
    pullback=_adjugate_pullback,
    core="m->m",
    jacobian=lambda y, x, i, j, k, l: y[i, j] * _inverse(x)[l, k] - y[i, k] * _inverse(x)[l, j],
    code="np.linalg.det({0})[..., None, None] * np.linalg.inv({0})",
    transposes=True,
    domain="invertible",
    doc="The adjugate det(X) inv(X); its derivative is given for invertible X.",
    example="adj(X)",
    source="Magnus & Neudecker ch. 8",
)

# --- the pseudoinverse -------------------------------------------------------------------------

INVERTIBLE = frozenset({"invertible", "spd", "orthogonal"})


def _pinv(view: View) -> View:
    """Of a matrix; the pseudoinverse of a vector x is x'/(x'x)."""
    view = as_matrix(view)
    if view.is_matrix:
        return View(apply(PINV, view.node), 1)
    square = einsum([(view.node, range(view.node.rank))] * 2, ())
    return View(hadamard(view.node, power(square, -1)), 0 if view.is_column else view.node.rank)


def _simplify_pinv(x: Node) -> Node | None:
    if isinstance(x, Apply) and x.op is PINV:
        return x.args[0]
    if isinstance(x, Delta) or (isinstance(x, Apply) and x.op in (INV, EXPM)):
        return apply(INV, x)
    entries = diagonal_of(x)
    if entries is not None and is_positive(entries):
        return apply(INV, x)
    return apply(INV, x) if isinstance(x, Input) and x.properties & INVERTIBLE else None


def _pinv_jacobian(y: Tensor, x: Tensor, i: Letters, j: Letters, k: Letters, l: Letters) -> Indexed:
    """dY = -Y dX Y + Y Y' dX' (I - X Y) + (I - Y X) dX' Y' Y."""
    s, t = ("inner",), ("other",)
    right = (y[i, s] * y[l, s]) * (delta[k, j] - x[k, t] * y[t, j])
    left = (delta[i, l] - y[i, t] * x[t, l]) * (y[s, k] * y[s, j])
    return right + left - y[i, k] * y[l, j]


def _pinv_pullback(g: Array, y: Array, x: Array) -> tuple[Array]:
    """Through the normal equations of a matrix of full rank: Y = inv(X'X) X' if it is not wide."""
    if x.shape[0] < x.shape[1]:
        return (_pinv_pullback(g.T, y.T, x.T)[0].T,)
    solved = np.linalg.solve(x.T @ x, g)
    square = -solved @ y.T
    return (solved.T + x @ (square + square.T),)


def _pinv_absorbed(node: Node) -> Node | None:
    """X Y and Y X are symmetric projections that X and Y absorb: X Y X = X, Y X Y = Y, X Y Y' = Y', ..."""
    found = node
    while isinstance(found, Einsum):
        rest = _absorbed_once(found)
        if rest is None:
            break
        found = einsum(rest, range(found.rank), found.coefficient)
    return None if found is node else found


def _absorbed_once(node: Einsum) -> list[tuple[Node, Letters]] | None:
    degree: Counter[Hashable] = Counter(chain(range(node.rank), *(labels for _, labels in node.factors)))
    for x, y, (left, right), left_of_x, rest in _projections(node, degree):
        sides = {x: 0 if left_of_x else 1, y: 1 if left_of_x else 0}  # the end at which each absorbs it
        for at, (n, labels) in enumerate(rest):
            for end, other in ((left, right), (right, left)):
                if n in sides and labels[sides[n]] == end and degree[end] == 2:
                    moved = (other, labels[1]) if sides[n] == 0 else (labels[0], other)
                    return [*rest[:at], (n, moved), *rest[at + 1 :]]
    return None


def _projections(
    node: Einsum, degree: Counter[Hashable]
) -> Iterator[tuple[Node, Node, Letters, bool, list[tuple[Node, Letters]]]]:
    """Each X Y (True) and Y X (False) in a product: the two, the outer labels, and the other factors."""
    for inverse in (f for f in node.factors if isinstance(f[0], Apply) and f[0].op is PINV):
        for factor in (f for f in node.factors if f[0] is inverse[0].args[0]):
            (y, (a, b)), (x, (c, d)) = inverse, factor
            rest: list[tuple[Node, Letters]] = [f for f in node.factors if f not in (inverse, factor)]
            if d == a and degree[a] == 2:
                yield x, y, (c, b), True, rest
            if b == c and degree[b] == 2:
                yield x, y, (a, d), False, rest


PINV: TensorFunction = TensorFunction(
    name="pinv",
    notation=Notation("pinv", latex="{0}^{{+}}"),
    arity=(1,),
    build=_pinv,
    value=lambda x: np.linalg.pinv(x),
    pullback=_pinv_pullback,
    core="m->t",
    jacobian=_pinv_jacobian,
    code="np.linalg.pinv({0})",
    simplify=_simplify_pinv,
    transposes=True,
    rules=(_pinv_absorbed,),
    analytic=False,
    doc="The Moore-Penrose pseudoinverse; its derivative is given for matrices of full rank.",
    example="pinv(X)",
    source="Golub & Pereyra 1973; Magnus & Neudecker ch. 8",
)

# --- what one einsum says ----------------------------------------------------------------------


def _trace(view: View) -> View:
    require_square(view, "tr")
    view = regrouped(view, view.row_sizes, view.row_sizes)  # the axes of a commutation matrix are not the same pairs
    labels = (*range(view.rows), *range(view.node.rank - view.rows))
    return scalar_view(einsum([(view.node, labels)], ()))


def _diag(view: View) -> View:
    if view.is_scalar:
        return view
    require_vector(view, "diag", "diagonal(M) for the diagonal of a matrix")
    axes = range(view.node.rank)
    twins = [("twin", a) for a in axes]
    deltas = [(Delta.make(s), (a, t)) for s, a, t in zip(view.node.shape, axes, twins, strict=True)]
    return View(einsum([(view.node, axes), *deltas], (*axes, *twins)), len(axes))


def _diagonal(view: View) -> View:
    if view.is_row or view.is_column:
        raise ShapeError(f"diagonal needs a square matrix, but this is {view.describe()}", hint="diag(v) of a vector")
    require_square(view, "diagonal")
    view, axes = regrouped(view, view.row_sizes, view.row_sizes), range(view.rows)
    return View(einsum([(view.node, (*axes, *axes))], axes), view.rows)


def _vec(view: View) -> View:
    """Columns one under the other: the column index is the slow one."""
    rows, rank = view.rows, view.node.rank
    order = (*range(rows, rank), *range(rows))
    return View(einsum([(view.node, range(rank))], order), rank)


def _kron(a: View, b: View) -> View:
    rank = a.node.rank
    left, right = range(rank), range(rank, rank + b.node.rank)
    out = (*left[: a.rows], *right[: b.rows], *left[a.rows :], *right[b.rows :])
    return View(einsum([(a.node, left), (b.node, right)], out), a.rows + b.rows)


def _kron_pullback(g: Array, y: Array, a: Array, b: Array) -> tuple[Array, Array]:
    blocks = g.reshape(a.shape[0], b.shape[0], a.shape[1], b.shape[1])
    return np.einsum("ikjl,kl->ij", blocks, b), np.einsum("ikjl,ij->kl", blocks, a)


def _triangle(view: View, lower: bool) -> View:
    """The entries on and below (or above) the diagonal."""
    if not view.is_matrix:
        what = "tril" if lower else "triu"
        raise ShapeError(f"{what} needs a matrix, but this is {view.describe()}")
    view = as_matrix(view)
    rows, columns = view.node.shape
    mask = (Triangle.make(rows, columns), (0, 1)) if lower else (Triangle.make(columns, rows), (1, 0))
    return View(einsum([(view.node, (0, 1)), mask], (0, 1)), 1)


TRIL = Construct(
    name="tril",
    notation=Notation("tril"),
    arity=(1,),
    build=lambda v: _triangle(v, True),
    value=lambda x: np.tril(x),
    pullback=lambda g, y, x: (np.tril(g),),
    doc="The lower triangle of a matrix: entries above the diagonal become 0.",
    example="tril(X)",
    source="linearity",
)
TRIU = Construct(
    name="triu",
    notation=Notation("triu"),
    arity=(1,),
    build=lambda v: _triangle(v, False),
    value=lambda x: np.triu(x),
    pullback=lambda g, y, x: (np.triu(g),),
    doc="The upper triangle of a matrix: entries below the diagonal become 0.",
    example="triu(X)",
    source="linearity",
)
TR = Construct(
    name="tr",
    lesson=(
        r"The trace: $\partial \operatorname{tr}(A P) / \partial P = A^{\top}$.",
        r"اثر ماتریس: $\partial \operatorname{tr}(A P) / \partial P = A^{\top}$.",
    ),
    notation=Notation("tr", latex=r"\operatorname{{tr}}({args})"),
    arity=(1,),
    build=_trace,
    value=lambda x: scalar(np.trace(x)),
    pullback=lambda g, y, x: (g * np.eye(len(x)),),
    spellings=("trace",),
    doc="The trace: sum_i X[i, i].",
    example="tr(X)",
    source="Matrix Cookbook (99)",
)
DIAG = Construct(
    name="diag",
    notation=Notation("diag", latex=r"\operatorname{{diag}}({args})"),
    arity=(1,),
    build=_diag,
    value=lambda x: np.diag(x.reshape(-1)),
    pullback=lambda g, y, x: (np.diag(g).reshape(x.shape),),
    doc="The diagonal matrix of a vector.",
    example="diag(x)",
    source="linearity",
)
DIAGONAL = Construct(
    name="diagonal",
    notation=Notation("diagonal", latex=r"\operatorname{{diagonal}}({args})"),
    arity=(1,),
    build=_diagonal,
    value=lambda x: np.diag(x).reshape(-1, 1),
    pullback=lambda g, y, x: (np.diag(g.reshape(-1)),),
    doc="The diagonal of a square matrix, a column vector.",
    example="diagonal(X)",
    source="linearity",
)
VEC = Construct(
    name="vec",
    notation=Notation("vec", latex=r"\operatorname{{vec}}({args})"),
    arity=(1,),
    build=_vec,
    value=lambda x: stacked(x),
    pullback=lambda g, y, x: (g.reshape(x.shape, order="F"),),
    doc="The columns of a matrix, one under the other.",
    example="vec(X)",
    source="Magnus & Neudecker ch. 2",
)
KRON = Construct(
    name="kron",
    notation=Notation("kron", latex=r"{0} \otimes {1}"),
    arity=(2,),
    build=_kron,
    value=lambda a, b: np.kron(a, b),
    pullback=_kron_pullback,
    doc="The Kronecker product: every entry of A times B.",
    example="kron(A, B)",
    source="Magnus & Neudecker ch. 2",
)

RECORDS = (INV, DET, LOGDET, ADJ, PINV, TRIL, TRIU, TR, DIAG, DIAGONAL, VEC, KRON)
