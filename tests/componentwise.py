"""Expressions worked out entry by entry in SymPy: an exact witness that knows no tensors.

`value` reads a syntax tree and computes with explicit matrices of SymPy numbers and of parameters t, u, w;
`sympy.diff` then derives it along a line X + t V.  Of symgrad only the parser takes part: neither shapes, lowering,
calculus nor printing.  What branches (relu, max, masks) branches by the value at t = u = w = 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import sympy
from sympy import Matrix, Rational

from symgrad.notation.grammar import parse_program
from symgrad.notation.tree import Call, Name, Number, postorder

PARAMETERS = T, U, _ = sympy.symbols("t u w", real=True)
AT_ZERO = dict.fromkeys(PARAMETERS, 0)


def value(text: str, inputs: Mapping[str, Matrix], letters: Mapping[str, int]) -> Matrix:
    """The matrix that a program comes to; a scalar is 1 x 1, a column n x 1."""
    known = dict(inputs)
    result = None
    for line in parse_program(text):
        result = _tree(line.value, known, letters)
        if line.name is not None:
            known[line.name] = result
    assert result is not None
    return result


def _tree(tree: Any, known: Mapping[str, Matrix], letters: Mapping[str, int]) -> Matrix:
    stack: list[Matrix] = []
    for part in postorder(tree):
        if isinstance(part, Number):
            stack.append(_scalar(Rational(part.value.numerator, part.value.denominator)))
        elif isinstance(part, Name):
            stack.append(_named(part.name, known, letters))
        else:
            count = len(part.args)
            args, stack = stack[len(stack) - count :], stack[: len(stack) - count]
            stack.append(_called(part, args))
    (found,) = stack
    return found


def _named(name: str, known: Mapping[str, Matrix], letters: Mapping[str, int]) -> Matrix:
    if name in known:
        return known[name]
    return _scalar(sympy.pi if name == "pi" else sympy.Integer(letters[name]))


def _called(part: Call, args: list[Matrix]) -> Matrix:
    if part.op in MATRICES:
        return MATRICES[part.op](*args)
    if part.op in ("max", "min") and len(args) == 1:
        entries = list(args[0])
        return _scalar(entries[_best(entries if part.op == "max" else [-x for x in entries])])
    function = ENTRYWISE[part.op]
    shape = next((a.shape for a in args if a.shape != (1, 1)), (1, 1))
    return Matrix(*shape, lambda i, j: function(*(a[0, 0] if a.shape == (1, 1) else a[i, j] for a in args)))


def _scalar(number: Any) -> Matrix:
    return Matrix([[number]])


def _is_positive(entry: Any) -> bool:
    found = sympy.sympify(entry).subs(AT_ZERO)
    assert found.is_number
    return bool(sympy.N(found, 30) > 0)


def _is_zero(entry: Any) -> bool:
    return bool(abs(sympy.N(sympy.sympify(entry).subs(AT_ZERO), 40)) < Rational(1, 10**25))


def _sign(x: Any) -> Any:
    return 0 if _is_zero(x) else 1 if _is_positive(x) else -1


# --- whole matrices ----------------------------------------------------------------------------


def _multiply(a: Matrix, b: Matrix) -> Matrix:
    if a.shape == (1, 1):
        return b * a[0, 0]
    return a * b[0, 0] if b.shape == (1, 1) else a * b


def _add(a: Matrix, b: Matrix, sign: int = 1) -> Matrix:
    shape = b.shape if a.shape == (1, 1) else a.shape
    spread = [m if m.shape == shape else sympy.ones(*shape) * m[0, 0] for m in (a, b)]
    return spread[0] + sign * spread[1]


def _hadamard(a: Matrix, b: Matrix) -> Matrix:
    return _multiply(a, b) if (1, 1) in (a.shape, b.shape) else sympy.matrix_multiply_elementwise(a, b)


def _inverse(a: Matrix) -> Matrix:
    return a.adjugate() / _det(a)


def _det(a: Matrix) -> Any:
    return a.det(method="berkowitz")


def _power(a: Matrix, b: Matrix) -> Matrix:
    exponent = b[0, 0]
    if a.shape == (1, 1):
        return _scalar(a[0, 0] ** exponent)
    base = _inverse(a) if exponent < 0 else a
    result = sympy.eye(a.rows)
    for _ in range(abs(int(exponent))):
        result = result * base
    return result


def _vec(a: Matrix) -> Matrix:
    return Matrix([a[i, j] for j in range(a.cols) for i in range(a.rows)])


def _commutation(m: Matrix, n: Matrix) -> Matrix:
    rows, columns = int(m[0, 0]), int(n[0, 0])
    found = sympy.zeros(rows * columns, rows * columns)
    for i in range(rows):
        for j in range(columns):
            found[i * columns + j, j * rows + i] = 1
    return found


def _pinv(a: Matrix) -> Matrix:
    return _inverse(a.T * a) * a.T if a.rows >= a.cols else a.T * _inverse(a * a.T)


def _norm(a: Matrix) -> Matrix:
    return _scalar(sympy.sqrt(sum(x**2 for x in a)))


def _logdet(a: Matrix) -> Matrix:
    found = _det(a)
    return _scalar(sympy.log(found if _is_positive(found) else -found))


def _softmax(v: Matrix) -> Matrix:
    exps = v.applyfunc(sympy.exp)
    return exps / sum(exps)


def _rowsoftmax(a: Matrix) -> Matrix:
    return Matrix.vstack(*(_softmax(a[i, :]) for i in range(a.rows)))


def _var(a: Matrix) -> Matrix:
    mean = sum(a) / len(a)
    return _scalar(sum((x - mean) ** 2 for x in a) / len(a))


def _best(v: list[Any]) -> int:
    best = 0
    for i in range(1, len(v)):
        if _is_positive(v[i] - v[best]):
            best = i
    return best


def _unit(i: Matrix, n: Matrix) -> Matrix:
    return Matrix([1 if k + 1 == i[0, 0] else 0 for k in range(int(n[0, 0]))])


def _sized(fill: int) -> Callable[..., Matrix]:
    return lambda m, *n: Matrix(int(m[0, 0]), int(n[0][0, 0]) if n else 1, lambda i, j: fill)


def _expm(a: Matrix) -> Matrix:
    """By its series, every power cut off after t u: the remainder is below 1e-25 for the small points of the tests."""
    result = term = sympy.eye(a.rows)
    for k in range(1, 60):
        term = (term * a / k).applyfunc(_truncated)
        result = result + term
    return result


def _truncated(entry: Any) -> Any:
    polynomial = sympy.Poly(entry, T, U)
    return sum(c * T**i * U**j for (i, j), c in polynomial.terms() if i <= 1 and j <= 1)


MATRICES: dict[str, Callable[..., Matrix]] = {
    "add": _add,
    "subtract": lambda a, b: _add(a, b, -1),
    "negate": lambda a: -a,
    "multiply": _multiply,
    "hadamard": _hadamard,
    "divide": lambda a, b: a / b[0, 0],
    "power": _power,
    "transpose": lambda a: a.T,
    "tr": lambda a: _scalar(a.trace()),
    "det": lambda a: _scalar(_det(a)),
    "logdet": _logdet,
    "inv": _inverse,
    "adj": lambda a: a.adjugate(),
    "pinv": _pinv,
    "expm": _expm,
    "diag": lambda v: sympy.diag(*v),
    "diagonal": lambda a: Matrix([a[i, i] for i in range(a.rows)]),
    "vec": _vec,
    "kron": lambda a, b: sympy.kronecker_product(a, b),
    "commutation": _commutation,
    "sum": lambda a: _scalar(sum(a)),
    "mean": lambda a: _scalar(sum(a) / len(a)),
    "var": _var,
    "rowsum": lambda a: Matrix([sum(a[i, :]) for i in range(a.rows)]),
    "colsum": lambda a: Matrix([[sum(a[:, j]) for j in range(a.cols)]]),
    "dot": lambda a, b: _scalar(sum(x * y for x, y in zip(a, b, strict=True))),
    "norm1": lambda a: _scalar(sum(x * _sign(x) for x in a)),
    "norm2": _norm,
    "normF": _norm,
    "norminf": lambda v: _scalar(ENTRYWISE["abs"](v[_best([x * _sign(x) for x in v])])),
    "logsumexp": lambda v: _scalar(sympy.log(sum(sympy.exp(x) for x in v))),
    "softmax": _softmax,
    "logsoftmax": lambda v: v - sympy.ones(*v.shape) * sympy.log(sum(sympy.exp(x) for x in v)),
    "rowsoftmax": _rowsoftmax,
    "firstmax": lambda v: Matrix(*v.shape, lambda i, j: int(i + j == _best(list(v)))),
    "tril": lambda a: Matrix(*a.shape, lambda i, j: a[i, j] if i >= j else 0),
    "triu": lambda a: Matrix(*a.shape, lambda i, j: a[i, j] if i <= j else 0),
    "eye": lambda n: sympy.eye(int(n[0, 0])),
    "ones": _sized(1),
    "zeros": _sized(0),
    "e": _unit,
}

ENTRYWISE: dict[str, Callable[..., Any]] = {
    "hadamard_divide": lambda a, b: a / b,
    "hadamard_power": lambda a, b: a**b,
    **{f: getattr(sympy, f) for f in ("exp", "log", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh", "erf")},
    "log1p": lambda x: sympy.log(1 + x),
    "expm1": lambda x: sympy.exp(x) - 1,
    "arcsin": sympy.asin,
    "arccos": sympy.acos,
    "arctan": sympy.atan,
    "abs": lambda x: x * _sign(x),
    "sign": _sign,
    "step": lambda x: int(_is_positive(x)),
    "relu": lambda x: x if _is_positive(x) else 0,
    "leakyrelu": lambda x, a: x if _is_positive(x) else a * x,
    "elu": lambda x: x if _is_positive(x) else sympy.exp(x) - 1,
    "sigmoid": lambda x: 1 / (1 + sympy.exp(-x)),
    "softplus": lambda x: sympy.log(1 + sympy.exp(x)),
    "silu": lambda x: x / (1 + sympy.exp(-x)),
    "gelu": lambda x: x * (1 + sympy.erf(x / sympy.sqrt(2))) / 2,
    "max": lambda x, y: y if _is_positive(y - x) else x,
    "min": lambda x, y: y if _is_positive(x - y) else x,
    "gt": lambda x, y: int(_is_positive(x - y)),
    "ge": lambda x, y: int(not _is_positive(y - x)),
    "lt": lambda x, y: int(_is_positive(y - x)),
    "le": lambda x, y: int(not _is_positive(x - y)),
    "eq": lambda x, y: int(_is_zero(x - y)),
    "ne": lambda x, y: int(not _is_zero(x - y)),
}
