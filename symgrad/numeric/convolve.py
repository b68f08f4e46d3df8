"""Products that are a convolution, as the NumPy or SciPy call that says so.

A product of one `Shift` and two vectors (or two shifts and two matrices) that leaves one end of the pattern
free is `np.convolve` (`signal.convolve2d`), full or valid, an operand turned round where the pattern is used
backwards; with one operand and a pattern of one entry it is a reversal.  Any other product with a shift is
left to einsum.  Nothing here knows names or layout.

>>> from symgrad.operations.convolution import full_shift
>>> from symgrad.tensor.build import einsum
>>> from symgrad.tensor.nodes import Input
>>> x, h = Input.make("x", (4,)), Input.make("h", (2,))
>>> convolution(einsum([(full_shift(4, 2), "oik"), (x, "i"), (h, "k")], "o")).form
'np.convolve({0}, {1})'
"""

from __future__ import annotations

from dataclasses import dataclass

from symgrad.tensor.nodes import Einsum, Node, Shift

Labels = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Convolution:
    """A template over the operands, and the scalar factors of the product."""

    form: str
    operands: tuple[Node, ...]
    scalars: tuple[Node, ...]


def convolution(node: Node) -> Convolution | None:
    """The product as a convolution or reversal, if it is one."""
    if not isinstance(node, Einsum) or not any(isinstance(n, Shift) for n in node.args):
        return None
    shifts = [(n, labels) for n, labels in node.factors if isinstance(n, Shift)]
    arrays = [(n, labels) for n, labels in node.factors if labels and not isinstance(n, Shift)]
    if len(shifts) > 2 or len({n.offset == 0 for n, _ in shifts}) > 1 or node.rank != len(shifts):
        return None
    ends = [tuple(labels[role] for _, labels in shifts) for role in range(3)]
    if len({a for end in ends for a in end}) < 3 * len(shifts) or tuple(range(node.rank)) not in ends:
        return None
    result = ends.index(tuple(range(node.rank)))
    scalars = tuple(n for n, labels in node.factors if not labels)
    held = [next((n for n, labels in arrays if labels == end), None) for end in ends]
    if len(arrays) == 1 and result > 0 and held[0] is None and all(n.shape[0] == 1 for n, _ in shifts):
        form, wanted = "{0}[::-1]", [3 - result]
    else:
        form, wanted = _form(shifts[0][0].offset == 0, result), [role for role in range(3) if role != result]
    operands = [held[role] for role in wanted]
    if len(arrays) != len(wanted) or None in operands:
        return None
    return Convolution(_in_two(form) if len(shifts) == 2 else form, tuple(n for n in operands if n), scalars)


def _form(full: bool, result: int) -> str:
    """The call that leaves the end `result` (output, signal, filter) free, over the other two in order."""
    if full:
        return "np.convolve({0}, {1})" if result == 0 else 'np.convolve({0}, {1}[::-1], "valid")'
    valid = (
        'np.convolve({0}, {1}, "valid")',
        "np.convolve({0}, {1}[::-1])",
        'np.convolve({1}, {0}[::-1], "valid")[::-1]',
    )
    return valid[result]


def _in_two(form: str) -> str:
    return form.replace("np.convolve", "signal.convolve2d").replace("[::-1]", "[::-1, ::-1]")
