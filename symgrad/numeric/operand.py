"""Factors of a product on their way through pairwise contraction.

An `Operand` is a step whose axes carry distinct labels.  `contract` multiplies two and sums the labels
that nothing else needs, in the words of the field: inner product, matrix product, outer product,
scaling by broadcasting, a solve in place of an inverse; a two-operand einsum says what is left.

>>> steps = Steps()
>>> A, x = Operand(steps.leaf("A", 2), "ij"), Operand(steps.leaf("x", 1), "i")
>>> contract(steps, A, x, frozenset("j")).step.form
'{0} @ {1}'
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from symgrad.errors import LimitError
from symgrad.numeric.steps import Step, Steps

Labels = Sequence[Hashable]
LETTERS = "ijklmnopqrstuvwxyzabcdefgh"


@dataclass(frozen=True, slots=True)
class Operand:
    """A step with one label per axis, all distinct.

    `inverse_of` where it is an inverse not yet computed; `nonnegative` where its entries are known to be.
    """

    step: Step
    labels: Labels
    inverse_of: Step | None = None
    nonnegative: bool = False

    def axis(self, label: Hashable) -> int:
        return list(self.labels).index(label)


def arranged(steps: Steps, operand: Operand, order: Labels) -> Step:
    """The step with its axes in the order of these labels."""
    return steps.moved(operand.step, [operand.axis(a) for a in order])


def aligned(steps: Steps, operand: Operand, order: Labels) -> Step:
    """The step with its axes where they are in `order`, new axes of length 1 elsewhere."""
    present = [a for a in order if a in operand.labels]
    return steps.spread(arranged(steps, operand, present), [a in present for a in order])


def letters(*label_lists: Labels) -> list[str]:
    """Einsum letters for lists of labels."""
    names: dict[Hashable, str] = {}
    for label in (a for labels in label_lists for a in labels):
        if len(names) == len(LETTERS) and label not in names:
            raise LimitError(f"a product with more than {len(LETTERS)} indices")
        names.setdefault(label, LETTERS[len(names) % len(LETTERS)])
    return ["".join(names[a] for a in labels) for labels in label_lists]


def without_repeats(steps: Steps, step: Step, labels: Labels, kept: Collection[Hashable]) -> Operand:
    """An operand of a step whose labels may repeat: diagonals are read, a pure trace is taken."""
    distinct = list(dict.fromkeys(labels))
    if len(distinct) == len(labels):
        return Operand(step, distinct)
    if step.rank == 2 and distinct[0] not in kept:
        return Operand(steps.trace(step), ())
    named, short = letters(labels, distinct)
    return Operand(steps.diagonal(step, named, short), distinct)


def contract(steps: Steps, a: Operand, b: Operand, kept: Collection[Hashable], out: Labels | None = None) -> Operand:
    """The product of two operands, summed over shared labels not `kept`; `out` is the order wanted, if any."""
    summed = [i for i in a.labels if i in b.labels and i not in kept]
    batch = [i for i in a.labels if i in b.labels and i in kept]
    if not summed:
        return _broadcast(steps, a, b, out)
    if batch:
        return _batched(steps, a, b, batch, summed, out)
    left, right = _minus(a.labels, summed), _minus(b.labels, summed)
    if not left and not right:
        return _inner(steps, a, b, summed)
    if len(summed) == 1 and len(left) < 2 and len(right) < 2:
        return _matrix_product(steps, a, b, summed[0], out)
    step = steps.tensordot(a.step, b.step, [a.axis(i) for i in summed], [b.axis(i) for i in summed])
    return Operand(step, [*left, *right])


def _minus(labels: Labels, others: Collection[Hashable]) -> list[Hashable]:
    return [i for i in labels if i not in others]


def _inner(steps: Steps, a: Operand, b: Operand, summed: Labels) -> Operand:
    if len(summed) == 1:
        return Operand(steps.matmul(a.step, b.step), ())
    if summed != list(b.labels) and a.step.cheap and not b.step.cheap:
        a, b = b, a
    return Operand(steps.vdot(a.step, arranged(steps, b, a.labels)), ())


def _matrix_product(steps: Steps, a: Operand, b: Operand, over: Hashable, out: Labels | None) -> Operand:
    """Matrix times vector or matrix, whichever side reads better first."""
    left, right = _minus(a.labels, [over]), _minus(b.labels, [over])
    if not left or (right and _reversed(a, b, over, [*left, *right], out)):
        a, b, left, right = b, a, right, left
    solved = _solved(steps, a, b, over) or (right and _solved(steps, b, a, over))
    if solved:
        return solved
    return Operand(steps.matmul(arranged(steps, a, [*left, over]), arranged(steps, b, [over, *right])), [*left, *right])


def _reversed(a: Operand, b: Operand, over: Hashable, result: Labels, out: Labels | None) -> bool:
    """Whether b' a' is wanted, or (where the order is free) has fewer transposes than a b."""
    if out is not None:
        return list(result) != [i for i in out if i in result]
    return (a.axis(over) == 0) + (b.axis(over) == len(b.labels) - 1) > 1


def _solved(steps: Steps, a: Operand, b: Operand, over: Hashable) -> Operand | None:
    """inv(M) b as a solve; with b a matrix, the axis that is summed comes first."""
    if a.inverse_of is None or b.inverse_of is not None:
        return None
    matrix = a.inverse_of if a.axis(over) == 1 else steps.moved(a.inverse_of, (1, 0))
    rest = _minus(b.labels, [over])
    return Operand(steps.solve(matrix, arranged(steps, b, [over, *rest])), [*_minus(a.labels, [over]), *rest])


def _broadcast(steps: Steps, a: Operand, b: Operand, out: Labels | None) -> Operand:
    """Entry by entry, or the outer product where nothing is shared."""
    order = _merged(a.labels, b.labels) if out is None else [i for i in out if i in a.labels or i in b.labels]
    if len(a.labels) == len(b.labels) == 1 and len(order) == 2:
        first, second = (a, b) if order[0] in a.labels else (b, a)
        return Operand(steps.outer(first.step, second.step), order)
    if len(a.labels) > len(b.labels):
        a, b = b, a
    return Operand(steps.multiply(aligned(steps, a, order), aligned(steps, b, order)), order)


def _merged(a: Labels, b: Labels) -> list[Hashable]:
    wide, other = (a, b) if len(a) >= len(b) else (b, a)
    return [*wide, *_minus(other, wide)]


def _batched(steps: Steps, a: Operand, b: Operand, batch: Labels, summed: Labels, out: Labels | None) -> Operand:
    """A stack of matrix products where it is one, else an einsum of two operands."""
    left, right = _minus(a.labels, [*batch, *summed]), _minus(b.labels, [*batch, *summed])
    if len(summed) == len(left) == len(right) == 1:
        if out is not None and [i for i in out if i in left or i in right] != [*left, *right]:
            a, b, left, right = b, a, right, left
        step = steps.matmul(arranged(steps, a, [*batch, *left, *summed]), arranged(steps, b, [*batch, *summed, *right]))
        return Operand(step, [*batch, *left, *right])
    order = [*batch, *left, *right]
    if out is not None:
        order = [i for i in out if i in order]
    first, second, kept = letters(a.labels, b.labels, order)
    return Operand(steps.contracted(a.step, b.step, first, second, kept), order)


def gram(steps: Steps, operands: Sequence[Operand], out: Labels) -> Operand | None:
    """X'DX with D >= 0 as S'S, S being the scaled X, of which BLAS computes one half; else None."""
    wide = [o for o in operands if len(o.labels) == 2]
    weights = [o for o in operands if len(o.labels) == 1]
    if len(wide) != 2 or wide[0].step is not wide[1].step or not weights or len(wide) + len(weights) < len(operands):
        return None
    over = [i for i in wide[0].labels if i in wide[1].labels]
    if len(over) != 1 or over[0] in out or wide[0].axis(over[0]) != wide[1].axis(over[0]):
        return None
    counts = Counter(o.step for o in weights)
    if any(o.labels[0] != over[0] or not (o.nonnegative or counts[o.step] % 2 == 0) for o in weights):
        return None
    whole = None
    for step, times in counts.items():
        factor = steps.raised(step, times) if times > 1 else step
        whole = factor if whole is None else steps.multiply(whole, factor)
    assert whole is not None
    first, second = (_minus(o.labels, over)[0] for o in wide)
    root = Operand(steps.raised(whole, Fraction(1, 2)), over)
    scaled = steps.multiply(aligned(steps, root, [*over, first]), arranged(steps, wide[0], [*over, first]))
    return Operand(steps.matmul(steps.moved(scaled, (1, 0)), scaled), [first, second])


def reduced(steps: Steps, operands: Iterable[Operand], out: Collection[Hashable]) -> list[Operand]:
    """Labels that occur in one operand only and not in `out` are summed at once."""
    operands = list(operands)
    result = []
    for place, operand in enumerate(operands):
        elsewhere = {a for k, o in enumerate(operands) if k != place for a in o.labels} | set(out)
        alone = [i for i, a in enumerate(operand.labels) if a not in elsewhere]
        if alone:
            operand = Operand(steps.total(operand.step, alone), [a for a in operand.labels if a in elsewhere])
        result.append(operand)
    return result
