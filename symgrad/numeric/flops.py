"""How many floating-point operations a program takes, as a formula in the dimension letters.

Counted are a multiplication and an addition each as one, a function of an entry (exp, a quotient, a root) as one, and
factorizations by their leading term: a product of m x k and k x n is 2kmn, Cholesky n^3/3, LU 2n^3/3, an inverse
2n^3.  Moving entries is free.  Shapes are followed through the steps; where one cannot be, there is no formula.

>>> from symgrad.numeric.steps import Steps
>>> from symgrad.tensor.dims import letter
>>> steps, m, n = Steps(), letter("m"), letter("n")
>>> A, x = steps.leaf("A", 2), steps.leaf("x", 1)
>>> flops([steps.multiply(steps.number(2), steps.matmul(A, x))], {A: (m, n), x: (n,)}, {})
'2*m*n + m'
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fractions import Fraction

from symgrad.numeric.layout import reachable
from symgrad.numeric.steps import Step
from symgrad.tensor.dims import Dim, Monomial, Shape, Size, letter, times

Cost = dict[Monomial, Fraction]
_ORDER_N3 = {  # the leading term of what LAPACK does, as a multiple of n^3
    "np.linalg.inv(": Fraction(2),
    "np.linalg.det(": Fraction(2, 3),
    "np.linalg.slogdet(": Fraction(2, 3),
    "linalg.cho_factor(": Fraction(1, 3),
    "spd_inverse(": Fraction(2, 3),
    "linalg.lu_factor(": Fraction(2, 3),
}
_SUMS = re.compile(r"np\.(?:sum|max|min)\(\{0\}(?:, axis=\(?([-\d, ]+)\)?)?\)")
_EINSUM = re.compile(r'np\.einsum\("([\w,]+)->(\w*)", .*\)')
_TENSORDOT = re.compile(r"np\.tensordot\(\{0\}, \{1\}, axes=\((\[.*\]), (\[.*\])\)\)")


class _Unknown(Exception):
    """A form whose shape is not known here."""


def flops(roots: Sequence[Step], arrays: Mapping[Step, Shape], letters: Mapping[Step, str]) -> str:
    """The formula; empty where a shape is not known."""
    shapes: dict[Step, Shape] = dict(arrays)
    total: Cost = {}
    try:
        for step in reachable(*roots):
            if step not in shapes:
                shapes[step] = _shape(step, shapes, letters)
            for monomial, count in _cost(step, shapes).items():
                total[monomial] = total.get(monomial, Fraction(0)) + count
    except (_Unknown, KeyError, IndexError, ValueError):
        return ""
    return _text(total)


def _text(total: Cost) -> str:
    terms = sorted(((m, c) for m, c in total.items() if c), key=lambda t: (-len(t[0]), t[0]))
    return " + ".join(_term(m, c) for m, c in terms) or "0"


def _term(monomial: Monomial, count: Fraction) -> str:
    powers = {a: monomial.count(a) for a in dict.fromkeys(monomial)}
    letters = "*".join(f"{a}^{k}" if k > 1 else a for a, k in powers.items())
    number = "" if count.numerator == 1 and letters else f"{count.numerator}*" if letters else str(count.numerator)
    return f"{number}{letters}" + (f"/{count.denominator}" if count.denominator > 1 else "")


# --- shapes ----------------------------------------------------------------------------------------


def _shape(step: Step, known: Mapping[Step, Shape], letters: Mapping[Step, str]) -> Shape:
    form, given = step.form, [known[a] for a in step.args]
    if not step.args or step.weak:
        return ()
    if step.then or form in ("{0}.copy()", "{0}.astype({1})"):
        return given[0]
    if form == "{0}.T":
        return given[0][::-1]
    if form.startswith("{0}.transpose("):
        return tuple(given[0][int(i)] for i in form[14:-1].split(","))
    if form.startswith("{0}["):
        return _indexed(given[0], form[4:-1].split(", "))
    if form.startswith("{0}.reshape(") or re.match(r"np\.(zeros|ones|full|eye|tri)\(", form):
        return _made(step, letters)
    contracted = _contracted(form, given)
    if contracted is not None:
        return contracted
    return _same(step, given)


def _contracted(form: str, given: Sequence[Shape]) -> Shape | None:
    if form in ("{0} @ {1}", "np.matmul({0}, {1})"):
        a, b = given
        if len(a) > 2 or len(b) > 2:
            return (*_wider(a[:-2], b[:-2]), a[-2], b[-1])
        return (*a[:-1], *b[1:])
    if form == "np.outer({0}, {1})":
        return (*given[0], *given[1])
    if form.startswith(("np.vdot(", "np.trace(", "float(", "np.linalg.det(", "np.linalg.slogdet(")):
        return given[0][:-2] if "linalg" in form else ()
    if form in ("np.diagonal({0})", "np.diag({0})"):
        return given[0][:1] if form.startswith("np.diagonal") else (given[0][0], given[0][0])
    if form.startswith(("np.linalg.solve(", "linalg.cho_solve(", "linalg.lu_solve(")):
        return given[1]
    summed, einsum, dotted = _SUMS.fullmatch(form), _EINSUM.fullmatch(form), _TENSORDOT.fullmatch(form)
    if summed:
        axes = [int(i) % len(given[0]) for i in (summed.group(1) or "").split(",") if i.strip()]
        return tuple(s for i, s in enumerate(given[0]) if axes and i not in axes)
    if einsum:
        sizes = dict(_labelled(einsum.group(1), given))
        return tuple(sizes[a] for a in einsum.group(2))
    if dotted:
        left, right = (_numbers(g) for g in dotted.groups())
        return (*_without(given[0], left), *_without(given[1], right))
    if form.startswith("special.logsumexp("):
        return given[0][:-1]
    return None


def _same(step: Step, given: Sequence[Shape]) -> Shape:
    """Of entry by entry operations, and of functions whose result has the shape of their argument."""
    shape: Shape = ()
    for one in given:
        shape = _wider(shape, one)
    if len(shape) != step.rank and not step.form.startswith(("linalg.cho_factor", "linalg.lu_factor", "2 * np.sum(")):
        raise _Unknown
    return shape if len(shape) == step.rank or "factor(" in step.form else ()


def _wider(a: Shape, b: Shape) -> Shape:
    a, b = (1,) * (len(b) - len(a)) + a, (1,) * (len(a) - len(b)) + b
    return tuple(t if s == 1 else s for s, t in zip(a, b, strict=True))


def _indexed(shape: Shape, parts: Sequence[str]) -> Shape:
    found: list[Size] = []
    rest = list(shape)
    for part in parts:
        if part == "None":
            found.append(1)
        else:
            own = rest.pop(0)
            found += [own] if part == ":" else []
    return (*found, *rest)


def _made(step: Step, letters: Mapping[Step, str]) -> Shape:
    """The sizes that a form is given as numbers."""
    first = 1 if step.form.startswith("{0}.reshape(") else 0
    sizes = tuple(_size(a, letters) for a in step.args[first : first + step.rank])
    return (sizes[0], sizes[0]) if step.form.startswith("np.eye") else sizes


def _size(step: Step, letters: Mapping[Step, str]) -> Size:
    if step in letters:
        return letter(letters[step])
    if isinstance(step.value, int):
        return step.value
    if step.form == "{0} * {1}":
        return times(*(_size(a, letters) for a in step.args))
    raise _Unknown


def _labelled(letters: str, given: Sequence[Shape]) -> list[tuple[str, Size]]:
    return [(a, s) for names, shape in zip(letters.split(","), given, strict=True) for a, s in zip(names, shape)]


def _numbers(text: str) -> list[int]:
    return [int(i) for i in text.strip("[]").split(",")]


def _without(shape: Shape, axes: Sequence[int]) -> Shape:
    return tuple(s for i, s in enumerate(shape) if i not in axes)


# --- costs -----------------------------------------------------------------------------------------


def _cost(step: Step, shapes: Mapping[Step, Shape]) -> Cost:
    if not step.args or step.weak or step.boolean or (step.cheap and not step.then):
        return {}
    form, given, own = step.form, [shapes[a] for a in step.args], shapes[step]
    if step.then:
        return _entries(shapes[step.args[1]]) if "+=" in step.then or "-=" in step.then else {}
    if re.match(r"\{0\}\.(reshape|copy|astype)\(|np\.(zeros|ones|full|eye|tri|diag)\(|\{0\}\[", form):
        return {}
    if form in ("{0} @ {1}", "np.matmul({0}, {1})"):
        return _entries((*own, given[0][-1]), 2)
    if form.startswith(("np.vdot(", "np.sum(")):
        return _entries(given[0], 2 if "vdot" in form else 1)
    if form.startswith("np.trace("):
        return _entries(given[0][:1])
    einsum, dotted = _EINSUM.fullmatch(form), _TENSORDOT.fullmatch(form)
    if einsum:
        return _entries(tuple(dict(_labelled(einsum.group(1), given)).values()), 2 if "," in einsum.group(1) else 1)
    if dotted:
        return _entries((*own, *(given[0][i] for i in _numbers(dotted.group(1)))), 2)
    return _linear_algebra(form, given, own)


def _linear_algebra(form: str, given: Sequence[Shape], own: Shape) -> Cost:
    for name, multiple in _ORDER_N3.items():
        if form.startswith(name):
            return _entries((*given[0], given[0][-1]), multiple)
    if form.startswith(("linalg.cho_solve(", "linalg.lu_solve(")):
        return _entries((*own, own[0]), 2)
    if form.startswith("np.linalg.solve("):
        return _merged(_entries((*given[0], given[0][-1]), Fraction(2, 3)), _entries((*own, own[0]), 2))
    if "linalg." in form or "signal." in form:
        raise _Unknown
    widest = own or max(given, key=len)
    return _entries(widest, max(form.count(" + ") + form.count(" - "), 4 if "softmax" in form else 1))


def _merged(a: Cost, b: Cost) -> Cost:
    return {m: a.get(m, Fraction(0)) + b.get(m, Fraction(0)) for m in {*a, *b}}


def _entries(shape: Shape, times_each: int | Fraction = 1) -> Cost:
    """So many operations for each entry of an array of this shape."""
    whole = times(*shape) if shape else 1
    terms = whole.terms if isinstance(whole, Dim) else (((), whole),)
    return {monomial: Fraction(count) * times_each for monomial, count in terms}
