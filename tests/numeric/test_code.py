"""Compiled NumPy against the plain interpreter, and how the text reads."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from graphs import Grower

from symgrad.calculus.differentiate import differentiate
from symgrad.errors import DomainError, LimitError, ShapeError, UnknownNameError
from symgrad.notation.declare import declare
from symgrad.notation.grammar import parse
from symgrad.notation.lower import Scope, lower
from symgrad.numeric.code import Compiled, compile_numpy
from symgrad.numeric.evaluate import evaluate
from symgrad.numeric.function_text import Argument, OutputForm
from symgrad.operations.catalogue import LOGARITHM
from symgrad.tensor.build import add, einsum, number, power, zero
from symgrad.tensor.dims import letter, plus, times
from symgrad.tensor.nodes import Constant, Delta, Input, Node, Unit

KINDS = {0: "scalar", 1: "column", 2: "matrix"}
SIZES = ({"m": 2, "n": 3, "k": 4}, {"m": 3, "n": 3, "k": 3}, {"m": 4, "n": 2, "k": 5})
m, n, k = map(letter, "mnk")
A, B, M = Input.make("A", (n, n)), Input.make("B", (n, k)), Input.make("M", (m, n))
x, y, s = Input.make("x", (n,)), Input.make("y", (n,)), Input.make("s", ())


def arguments(*inputs: Node) -> list[Argument]:
    return [Argument(i.name, i.shape, KINDS[i.rank]) for i in inputs]  # type: ignore


def compiled(node: Node, *inputs: Node, **options: object) -> Compiled:
    return compile_numpy(node, arguments(*inputs), **options)  # type: ignore


def body(code: Compiled) -> str:
    """The statements of the function."""
    return code.source.partition("):\n")[2].strip()


def sampled(inputs: list[Input], sizes: dict[str, int], seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {i.name: rng.uniform(0.2, 0.9, [sizes[str(a)] for a in i.shape]) for i in inputs}


def compare(node: Node, inputs: list[Input], seed: int) -> None:
    code = compile_numpy(node, arguments(*inputs))
    for sizes in SIZES:
        values = sampled(inputs, sizes, seed)
        expected = evaluate([node], values, sizes)[0]
        found = code(**values, **{a: sizes[a] for a in code.free})
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-9 * max(1, np.abs(expected).max(initial=0)))


# --- against the interpreter -----------------------------------------------------------------


@pytest.mark.parametrize("seed", range(60))
def test_random_graphs_agree_with_the_interpreter(seed: int) -> None:
    grower = Grower(seed)
    with np.errstate(all="ignore"):
        compare(grower.grow(3 + seed % 9), grower.inputs, seed)


@pytest.mark.parametrize("seed", range(120))
def test_random_products_agree_with_the_interpreter(seed: int) -> None:
    grower = Grower(seed)
    compare(grower.network(), grower.inputs, seed)


PATTERNS = {
    "chain": ([(A, "ij"), (B, "jk")], "ik"),
    "turned chain": ([(A, "ij"), (B, "jk")], "ki"),
    "trace of a product": ([(A, "ij"), (A, "ji")], ""),
    "inner of matrices": ([(A, "ij"), (A, "ij")], ""),
    "inner with a transpose": ([(M, "ij"), (M, "kj"), (M, "kl"), (M, "il")], ""),
    "diagonal": ([(A, "ii")], "i"),
    "diagonal of a product": ([(A, "ij"), (A, "ji")], "i"),
    "trace": ([(A, "ii")], ""),
    "row scaling": ([(x, "i"), (B, "ij")], "ij"),
    "weighted Gram": ([(B, "ia"), (x, "i"), (B, "ib")], "ab"),
    "outer of outer": ([(x, "i"), (y, "j"), (x, "k")], "kij"),
    "Kronecker": ([(A, "ij"), (B, "kl")], "ikjl"),
    "Khatri-Rao": ([(B, "ij"), (M, "kl"), (x, "i")], "kjl"),
    "identity beside a matrix": ([(Delta.make(m), "ab"), (B, "ij")], "aibj"),
    "two identities": ([(Delta.make(m), "ab"), (Delta.make(n), "ij"), (x, "i")], "iajb"),
    "a column": ([(A, "ij"), (Unit.make(2, n), "j")], "i"),
    "a placed slice": ([(A, "ij"), (Unit.make(2, n), "k"), (Unit.make(1, n), "l")], "kilj"),
    "orthogonal units": ([(Unit.make(2, n), "k"), (Unit.make(1, n), "k"), (x, "i")], "i"),
    "fourth powers": ([(x, "i")] * 4, ""),
    "third order": ([(A, "ij"), (A, "jk"), (x, "j")], "ijk"),
    "batched products": ([(A, "ij"), (A, "ik"), (A, "jk"), (x, "i")], "ij"),
}


@pytest.mark.parametrize("name", PATTERNS)
def test_every_pattern_of_product(name: str) -> None:
    compare(einsum(*PATTERNS[name]), [A, B, M, x, y], 1)


# --- how it reads ----------------------------------------------------------------------------


def derived(text: str, variable: str, where: str, columns_first: bool = False) -> Compiled:
    declarations = declare(where)
    scope = Scope.of(declarations)
    value, by = lower(parse(text), scope).node, scope.views[variable].node
    derivative = differentiate(value, by, LOGARITHM)
    ranks = range(value.rank), range(value.rank, derivative.rank)
    form = OutputForm.matrix(*(tuple(reversed(r)) for r in ranks)) if columns_first else None
    given = [Argument.declared(d.name, d.rows, d.columns) for d in declarations.values()]
    return compile_numpy(derivative, given, output=form)


COMMON = [
    ("x'*A*x", "x", "x: R^n; A: R^{n x n}", "A.T @ x"),
    ("A*X*B", "X", "A: R^{m x n}; X: R^{n x p}; B: R^{p x q}", "None"),
    ("sum(log(1+exp(-y.*(X*w))))", "w", "y: R^m; X: R^{m x n}; w: R^n", "X.T @"),
    ("softmax(A*x)", "x", "x: R^n; A: R^{m x n}", "np.outer"),
    ("tr(X'*A*X)", "X", "X: R^{n x p}; A: R^{n x n}", "A @ X"),
    ("norm2(B*x-b)^2", "x", "B: R^{m x n}; x: R^n; b: R^m", "B.T @"),
    ("sigmoid(A*x)", "x", "A: R^{m x n}; x: R^n", "[:, None] * A"),
]


@pytest.mark.parametrize("text, variable, where, spelling", COMMON)
def test_common_derivatives_need_no_einsum_and_no_dense_diagonal(
    text: str, variable: str, where: str, spelling: str
) -> None:
    source = derived(text, variable, where).source
    assert spelling in source
    for word in ("einsum", "np.diag", "np.kron", "np.eye"):
        assert word not in source


def test_a_vector_at_the_end_makes_a_chain_of_vectors() -> None:
    product = einsum([(A, "ij"), (A, "jk"), (A, "kl"), (x, "l")], "i")
    assert body(compiled(product, A, x)) == "return A @ (A @ (A @ x))"


def test_nested_products_are_ordered_as_one() -> None:
    square = einsum([(A, "ij"), (A, "kj")], "ik")
    assert body(compiled(einsum([(square, "ij"), (x, "j")], "i"), A, x)) == "return A @ (A.T @ x)"


def test_an_inverse_times_a_vector_is_a_solve() -> None:
    assert body(derived("inv(A)*b", "b", "A: R^{n x n}; b: R^n")) == "return np.linalg.inv(A)"
    code = derived("b'*inv(A)*b", "b", "A: R^{n x n}; b: R^n")
    assert "np.linalg.solve(A, b)" in code.source
    assert "np.linalg.solve(A.T, b)" in code.source
    assert "inv" not in code.source


def test_a_diagonal_is_added_by_stride() -> None:
    code = derived("softmax(x)", "x", "x: R^n")
    assert ".flat[::n + 1] += " in code.source
    assert "np.diag" not in code.source


def test_a_diagonal_inside_a_product_only_scales() -> None:
    inner = add([(1, einsum([(x, "i"), (y, "j")], "ij")), (2, einsum([(Delta.make(n), "ij"), (x, "i")], "ij"))])
    node = einsum([(inner, "ij"), (B, "jk")], "ik")
    source = compiled(node, x, y, B).source
    assert "diag" not in source
    assert ".flat" not in source
    compare(node, [x, y, B], 3)


def test_common_parts_are_computed_once() -> None:
    assert derived("sigmoid(A*x)", "x", "A: R^{m x n}; x: R^n").source.count("expit") == 1


def test_named_intermediates_keep_their_names() -> None:
    z = einsum([(A, "ij"), (x, "j")], "i")
    code = compiled(einsum([(z, "i"), (z, "j")], "ij"), A, x, named=[("z", z)])
    assert body(code) == "z = A @ x\n    return np.outer(z, z)"


def test_the_docstring_is_the_callers_whatever_it_contains() -> None:
    code = compiled(x, x, doc='d f / d x \\alpha """ end"', function_name="gradient")
    namespace: dict[str, Callable[..., object]] = {}
    exec(code.source, namespace)
    assert "\\alpha ''' end\"" in (namespace["gradient"].__doc__ or "")
    assert code.source.startswith("import numpy as np\n")


def test_the_source_stands_alone() -> None:
    code = derived("sum(log(1+exp(-y.*(X*w))))", "w", "y: R^m; X: R^{m x n}; w: R^n")
    namespace: dict[str, object] = {}
    exec(code.source, namespace)
    rng = np.random.default_rng(0)
    X, labels, w = rng.normal(size=(5, 3)), np.array([1.0, -1, 1, 1, -1]), rng.normal(size=3)
    by_hand = X.T @ (-labels / (1 + np.exp(labels * (X @ w))))
    np.testing.assert_allclose(namespace["derivative"](y=labels, X=X, w=w), by_hand)  # type: ignore


@pytest.mark.parametrize(
    "names", [("n", "np"), ("lambda", "special"), ("t1", "dtype"), ("float", "derivative"), ("σ", "ŷ")]
)
def test_no_name_collides(names: tuple[str, str]) -> None:
    first, second = Input.make(names[0], (n,)), Input.make(names[1], (n,))
    shared = power(add([(1, first), (1, second)]), -1)
    node = add([(1, einsum([(shared, "i"), (shared, "j")], "ij")), (1, Delta.make(n))])
    values = {names[0]: np.array([1.0, 2.0]), names[1]: np.array([3.0, 2.0])}
    np.testing.assert_allclose(compiled(node, first, second)(**values), np.eye(2) + 1 / 16)


# --- arrays in and out -----------------------------------------------------------------------


def test_kronecker_form_of_a_jacobian_by_columns() -> None:
    code = derived("A*X*B", "X", "A: R^{m x n}; X: R^{n x p}; B: R^{p x q}", columns_first=True)
    rng = np.random.default_rng(1)
    a, b, value = rng.normal(size=(2, 3)), rng.normal(size=(4, 5)), rng.normal(size=(3, 4))
    np.testing.assert_allclose(code(A=a, B=b, X=value), np.kron(b.T, a))


def test_a_row_arrives_and_leaves_as_one_by_n() -> None:
    row = Input.make("r", (n,))
    code = compile_numpy(
        einsum([(row, "i"), (A, "ij")], "j"),
        [Argument("r", (n,), "row"), *arguments(A)],
        output=OutputForm.matrix((), (0,)),
    )
    a = np.arange(4.0).reshape(2, 2)
    np.testing.assert_allclose(code(r=[[1.0, 2.0]], A=a), [[1, 2]] @ a)
    with pytest.raises(ShapeError, match=r"r has shape \(2,\), but is declared \(1, n\)"):
        code(r=[1.0, 2.0], A=a)


def test_float32_stays_float32() -> None:
    nodes = [
        add([(1, einsum([(x, "i"), (x, "j")], "ij")), (1, Delta.make(n))]),
        power(x, power(number(2), -1)),
        einsum([(Constant.make("pi"), ""), (x, "i")], "i"),
        einsum([(s, ""), (x, "i"), (Delta.make(n), "ij")], "ij"),
        zero((n, n)),
    ]
    for node in nodes:
        result = compiled(node, x, s)(x=np.ones(3, np.float32), s=2)
        assert result.dtype == np.float32


def test_integers_are_computed_as_floats() -> None:
    code = compiled(power(x, -1), x)
    np.testing.assert_allclose(code(x=[1, 2, 4]), [1, 0.5, 0.25])


def test_masks_are_numbers() -> None:
    code = derived("sum(relu(x)) + sum(relu(-x))", "x", "x: R^n")
    np.testing.assert_array_equal(code(x=[-1.0, 2.0, 0.0]), [-1.0, 1.0, 0.0])


def test_zero_has_its_full_shape() -> None:
    np.testing.assert_array_equal(compiled(zero((n, k)), B)(B=np.ones((2, 3))), np.zeros((2, 3)))


def test_the_result_is_never_an_argument() -> None:
    for node in (A, einsum([(A, "ij")], "ji"), einsum([(A, "ii")], "i")):
        given = np.eye(2)
        result = compiled(node, A)(A=given)
        assert not np.shares_memory(result, given)


def test_constants_and_sizes_come_as_arrays_of_floats() -> None:
    assert compiled(number(3), x)(x=[1.0]).dtype == float
    trace = einsum([(Delta.make(n), "ii")], "")
    assert compiled(trace, x)(x=[1.0, 2.0]) == 2.0


def test_letters_inside_sizes_are_solved() -> None:
    long, flat = Input.make("a", (plus(n, 1),)), Input.make("b", (times(m, n),))
    code = compile_numpy(zero((n, m)), [Argument("a", long.shape, "column"), Argument("b", flat.shape, "column")])
    assert code(a=np.ones(4), b=np.ones(6)).shape == (3, 2)
    with pytest.raises(ShapeError, match="no m makes m\\*n"):
        code(a=np.ones(4), b=np.ones(7))


def test_letters_of_no_array_are_given_as_numbers() -> None:
    code = compiled(zero((k,)), x)
    assert code(x=[1.0], k=3).shape == (3,)
    with pytest.raises(UnknownNameError, match="dimension k"):
        code(x=[1.0])


# --- errors ----------------------------------------------------------------------------------


def test_what_does_not_fit_is_named() -> None:
    code = compiled(einsum([(A, "ij"), (x, "j")], "i"), A, x)
    with pytest.raises(
        ShapeError, match=r"x has shape \(3,\), but is declared \(n,\): axis 0 has 3 entries, but n = 2"
    ):
        code(A=np.eye(2), x=np.ones(3))
    with pytest.raises(UnknownNameError, match="no array is given for x"):
        code(A=np.eye(2))
    with pytest.raises(UnknownNameError, match="no input X") as caught:
        code(A=np.eye(2), X=np.ones(2))
    assert "x" in (caught.value.hint or "")
    with pytest.raises(DomainError, match="complex"):
        code(A=np.eye(2) * 1j, x=np.ones(2))


def test_an_input_that_is_no_argument_is_named() -> None:
    with pytest.raises(UnknownNameError, match="y is not an argument"):
        compiled(y, x)


def test_numbers_beyond_floating_point_are_refused() -> None:
    with pytest.raises(LimitError):
        compiled(number(10**400), x)


def test_depth_is_not_bounded() -> None:
    chain: Node = x
    for _ in range(3000):
        chain = einsum([(A, "ij"), (chain, "j")], "i")
    np.testing.assert_allclose(compiled(chain, A, x)(A=np.eye(2), x=[1.0, 2.0]), [1, 2])


def test_a_negated_product_that_starts_with_a_mask_runs():
    """NumPy refuses `-mask`, so the sign must not land on it."""
    from symgrad.notation.declare import declare
    from symgrad.notation.grammar import parse
    from symgrad.notation.lower import Scope, lower

    scope = Scope.of(declare("x, y: R^n; W: R^{n x n}"))
    node = lower(parse("-([x > 0] .* (W*y))*x'"), scope).node
    n = letter("n")
    function = compile_numpy(
        node, [Argument("x", (n,), "column"), Argument("W", (n, n)), Argument("y", (n,), "column")]
    )
    x, W, y = np.array([1.0, -2.0]), np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1.0, 1.0])
    assert function(x=x, W=W, y=y) == pytest.approx(np.array([[-3.0, 6.0], [0.0, 0.0]]))
