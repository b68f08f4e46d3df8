"""What to write instead: hints for operands that don't fit, and for formulas in the spelling of other languages.

This room is entered once something has failed.  A rewritten formula is only offered where it can be read and its shapes
fit; it is never taken in the place of what was written.

>>> candidates("x.T @ A @ x", ["x", "A"])[0], candidates("||A*x - b||_2^2", [])[0]
("x' * A * x", 'norm2(A*x - b)^2')
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence

from symgrad.errors import LimitError, ShapeError, SymgradError
from symgrad.notation.dressing import undressed
from symgrad.notation.grammar import parse_program
from symgrad.notation.latex_tokens import is_latex
from symgrad.notation.normalise import spelled
from symgrad.notation.python_text import closing
from symgrad.notation.text import text
from symgrad.notation.tree import Call, Name, Tree
from symgrad.operations.catalogue import find
from symgrad.tensor.dims import Size, agree
from symgrad.tensor.view import View

LONGEST = 400  # characters of a formula, and of a hint's operands, that are written again
OPERAND = 40

# --- operands that do not fit ---------------------------------------------------------------------


def shape_advice(op: str, operands: Sequence[Tree], views: Sequence[View], hint: str | None = None) -> str | None:
    """What to write in the place of `a op b` whose shapes don't fit, in the user's words; `hint` if nothing fits."""
    if any(len(text(a)) > OPERAND for a in operands):
        return hint
    if hint is None and len(views) == 1 and views[0].is_matrix and not views[0].is_square:
        (a,) = operands
        return f"a square matrix, such as {text(_call('multiply', _transposed(a), a))}"
    said = _ADVICE.get(op)
    if said is None or len(views) != 2:
        return hint
    (a, b), (left, right) = operands, views
    return said(a, b, left, right) or hint


def _product(a: Tree, b: Tree, left: View, right: View) -> str | None:
    (m, n), (p, q) = left.shape, right.shape
    a_t, b_t = _transposed(a), _transposed(b)
    inner, outer, entrywise = (text(_call("multiply", a_t, b)), text(_call("multiply", a, b_t)), _hadamard(a, b))
    if left.kind == right.kind in ("column", "row"):
        if not agree(m, p) or not agree(n, q):
            return f"{outer} for the outer product" if left.is_column else f"{inner} for the outer product"
        inner, outer = (inner, outer) if left.is_column else (outer, inner)
        return f"{inner} for the inner product, {outer} for the outer one, {entrywise} entry by entry"
    fitting = [written for fits, written in ((agree(m, p), inner), (agree(n, q), outer)) if fits]
    if len(fitting) == 2 and left.kind == right.kind:
        fitting.append(f"{entrywise} entry by entry")
    if not fitting and agree(m, q):
        fitting = [text(_call("multiply", b, a))]
    return " or ".join(fitting) or None


def _sum(a: Tree, b: Tree, left: View, right: View, op: str = "add") -> str | None:
    if {left.kind, right.kind} == {"row", "column"} and agree(*_lengths(left, right)):
        return text(_call(op, a, _transposed(b)))
    if left.is_matrix and right.is_matrix:
        turned = agree(left.shape[0], right.shape[1]) and agree(left.shape[1], right.shape[0])
        return text(_call(op, a, _transposed(b))) if turned else None
    if {left.kind, right.kind} == {"matrix", "column"}:
        matrix, vector, its = (left, b, right) if left.is_matrix else (right, a, left)
        rows, columns = matrix.shape
        ones = [_call("ones", Name(str(s))) for s in (columns, rows)]
        if any(str(s).startswith("?") for s in (rows, columns)):
            return None
        spread = [
            f"{text(_call('multiply', vector, _transposed(ones[0])))} is {text(vector)} in every column",
            f"{text(_call('multiply', ones[1], _transposed(vector)))} in every row",
        ]
        fits = (agree(its.shape[0], rows), agree(its.shape[0], columns))
        return ", ".join(said for said, does in zip(spread, fits, strict=True) if does) or None
    return None


def _lengths(left: View, right: View) -> tuple[Size, Size]:
    column, row = (left, right) if left.is_column else (right, left)
    return column.shape[0], row.shape[1]


def _power(a: Tree, b: Tree, left: View, right: View) -> str | None:
    if not right.is_scalar:
        return f"exp({text(b)})" if isinstance(a, Name) and a.name == "e" else None
    if left.is_scalar:
        return None
    entrywise = f"{text(_call('hadamard_power', a, b))} entry by entry"
    if text(b) != "2":
        return entrywise
    a_t = _transposed(a)
    if left.is_matrix:
        return f"{entrywise}, {text(_call('multiply', a_t, a))} for the product with the transpose"
    inner = _call("multiply", a_t, a) if left.is_column else _call("multiply", a, a_t)
    return f"{entrywise}, {text(inner)} for the squared length"


def _entrywise(a: Tree, b: Tree, left: View, right: View) -> str | None:
    """A vector on a matrix scales its rows or columns."""
    if left.is_matrix and right.is_matrix:
        turned = agree(left.shape[0], right.shape[1]) and agree(left.shape[1], right.shape[0])
        return text(_call("hadamard", a, _transposed(b))) if turned else None
    if {left.kind, right.kind} == {"row", "column"} and agree(*_lengths(left, right)):
        return text(_call("hadamard", a, _transposed(b)))
    if {left.kind, right.kind} != {"matrix", "column"}:
        return None
    matrix, vector, rows = (a, b, right.shape[0]) if left.is_matrix else (b, a, left.shape[0])
    diagonal, of = _call("diag", vector), (left if left.is_matrix else right).shape
    ways = [(agree(rows, of[0]), (diagonal, matrix), "row"), (agree(rows, of[1]), (matrix, diagonal), "column")]
    said = [f"{text(_call('multiply', *parts))} scales every {what}" for fits, parts, what in ways if fits]
    return ", ".join(said) or None


def _quotient(a: Tree, b: Tree, left: View, right: View) -> str | None:
    if right.is_scalar:
        return None  # the divisor is zero
    if left.is_scalar or (left.kind == right.kind and agree(*(v.shape[0] for v in (left, right)))):
        entrywise = f"{text(_call('hadamard_divide', a, b))} entry by entry"
        return f"{entrywise}, inv({text(b)}) for the inverse" if left.is_scalar and right.is_matrix else entrywise
    if right.is_matrix and right.is_square and agree(left.shape[0], right.shape[0]):
        return text(_call("multiply", _call("inv", b), a))
    return None if right.is_matrix else f"a scalar to divide by, such as norm2({text(b)})"


def _call(op: str, *args: Tree) -> Call:
    return Call(op, args)


def _transposed(a: Tree) -> Tree:
    return a.args[0] if isinstance(a, Call) and a.op == "transpose" else _call("transpose", a)


def _hadamard(a: Tree, b: Tree) -> str:
    return text(_call("hadamard", a, b))


_ADVICE: dict[str, Callable[[Tree, Tree, View, View], str | None]] = {
    "multiply": _product,
    "add": _sum,
    "subtract": lambda a, b, left, right: _sum(a, b, left, right, "subtract"),
    "hadamard": _entrywise,
    "power": _power,
    "divide": _quotient,
}

# --- formulas in the spelling of other languages --------------------------------------------------

_JUXTAPOSED = re.compile(r"(?<=[\w)'\]])[ \t]+(?=[\w(])(?!(?:if|else|for|in|and|or|is|not)\b)")
_CALL_WITHOUT = re.compile(r"\b([a-z]{2,10})[ \t]+([^\W\d_]\w*)(?![\w(])")
_WORD_CALLED = re.compile(r"(?<![\w.])([A-Za-z]\w*)(?=\()")
_ANGLES = re.compile(r"[<⟨]\s*([^<>⟨⟩,]{1,80}?)\s*,\s*([^<>⟨⟩,]{1,80}?)\s*[>⟩]")
_BARS = re.compile(r"(?<!\|)\|([^|\n]{1,80})\|(?!\|)")
_DECIMAL_COMMA = re.compile(r"(?<![\w.,])(\d+),(\d+)(?![\w,])")
_LEFT_SIDE = re.compile(r"^\s*([^\W\d]\w*)\s*\([\w\s,]*\)\s*=(?!=)")
_OPERATOR_D = re.compile(r"^\s*[d∂]\s*/\s*[d∂]\w+\s*")
_SUM_SIGN = re.compile(r"(?<![\w\\])(sum|prod)_")
_LOG_DET = re.compile(r"\blog[ \t]+det\b")
_FUNCTION_OF_CALL = re.compile(r"\b([a-z]\w{1,10})[ \t]+([a-z]\w{1,10}\([^()]*\))")
_KINDS = {"fro": "F", "F": "F", "1": "1", "2": "2", "inf": "inf", "np.inf": "inf"}
_NORM_OF_KIND = re.compile(
    r"(?:\w+\.)*norm\(\s*([^(),]+?)\s*,\s*(?:ord\s*=\s*)?['\"]?(fro|F|1|2|(?:np\.)?inf)['\"]?\s*\)"
)
_DOT_OF_MODULE = re.compile(r"(?<![\w.])(?:np|numpy|jnp|torch|tf)\.(?:dot|inner|vdot)\(")
_DOT = re.compile(r"(?<![\w.])([^\W\d]\w*)\.dot\(\s*([^\W\d]\w*)\s*\)")
_METHOD = re.compile(r"(?<![\w.])([^\W\d]\w*)\.([a-z]\w*)\(\)")
_INVERSE = re.compile(r"(?<![\w.])([A-Z]\w*)\.I\b")
_OF_MODULE = re.compile(r"(?<![\w.])[A-Za-z]\w*\.(?:reduce_)?([a-z]\w*)\(")
_SMALL_T = re.compile(r"\^\s*t\b")
_NAMED_T = re.compile(r"(?<!\w)([^\W\d_]\w*)T\b(?!\()")


def advised(error: SymgradError, written: str, known: Collection[str], fits: Callable[[str], bool]) -> SymgradError:
    """The error with a hint that says how the formula is written here, if it is in another spelling.

    `known` are the declared names, `fits` tells whether a text can be read and its shapes agree.
    """
    if isinstance(error, LimitError) or len(written) > LONGEST or error.text not in (None, written):
        return error
    if isinstance(error, ShapeError) and not _FOREIGN.search(written):
        return error
    tried = (c for c in candidates(written, known) if c.strip() != written.strip())
    found = next((_neat(c) for c in tried if fits(c)), None)
    other = found.replace("abs(", "det(") if found and _BARS.search(written) else found
    if found and other and other != found and fits(other):
        found = f"{found} or {other}"
    hint = found or (None if is_latex(written) and error.hint else _sentence(error, written, known))
    if hint:
        error.hint = hint
    return error


_FOREIGN = re.compile(r"\*\*|\^\s*\{?[Tt]\b|@|(?<!\w)e\s*\^|\||[a-zA-Z]T\b")


def _neat(formula: str) -> str:
    """The formula as symgrad prints it."""
    if is_latex(formula):
        return formula
    lines = ((line.name, text(line.value)) for line in parse_program(formula))
    return "; ".join(f"{name} = {value}" if name else value for name, value in lines)


def candidates(written: str, known: Collection[str]) -> list[str]:
    """The formula with the spellings of Python, of paper and of LaTeX written as the text language has them."""
    bare = _LEFT_SIDE.sub(r"\1 =", _OPERATOR_D.sub("", _with_functions(written)))
    try:
        plain = spelled(_DECIMAL_COMMA.sub(r"\1.\2", bare), known)
    except SymgradError:
        return []
    plain = undressed(plain).text if plain.rstrip().endswith("=") or plain.lstrip().startswith(("∇", "$")) else plain
    plain = plain.rstrip().rstrip("=").rstrip()
    plain = _ANGLES.sub(lambda m: f"({m[1]})'*({m[2]})" if not _is_plain(m) else f"{m[1]}'*{m[2]}", plain)
    plain = _in_parentheses(plain)
    found = [plain]
    if _SUM_SIGN.search(written):
        found.append(_SUM_SIGN.sub(r"\\\1_", written))
    if is_latex(plain):
        return found
    called = _CALL_WITHOUT.sub(_called, _LOG_DET.sub("logdet", _WORD_CALLED.sub(_known_function, plain)))
    apart = _JUXTAPOSED.sub("*", _FUNCTION_OF_CALL.sub(_called_of_call, called))
    found += [apart, apart + _closing(apart)]
    if re.search(r"[<>]", apart):
        found.append(f"[{apart}]")
    found.append(_SMALL_T.sub("'", _NAMED_T.sub(r"\1'", apart)))
    for bars in ("abs", "det") if "|" in apart else ():
        found.append(_BARS.sub(lambda m, name=bars: f"{name}({m[1].strip()})", apart))  # type: ignore[misc]
    if "**" in written or "^" in written:
        found.append(re.sub(r"(?<!\.)\^(?!\s*T\b)", ".^", apart))
    if "@" in written:
        found += [re.sub(r"^\s*(\w+)\s*\*\s*(\w+)\s*$", r"\1'*\2", plain)]
    return list(dict.fromkeys(found))


def _with_functions(written: str) -> str:
    """Methods and functions of modules as functions: `A.inv()` is inv(A), `norm(X, 'fro')` normF(X)."""
    text_ = _NORM_OF_KIND.sub(lambda m: f"norm{_KINDS[m[2]]}({m[1]})", written)
    text_ = _DOT.sub(r"dot(\1, \2)", _DOT_OF_MODULE.sub("dot(", text_))
    text_ = _METHOD.sub(lambda m: f"{m[2]}({m[1]})" if find(m[2]) is not None else m[0], text_)
    text_ = _INVERSE.sub(r"inv(\1)", text_)
    return _OF_MODULE.sub(lambda m: f"{m[1]}(" if find(m[1]) is not None else m[0], text_)


def _called_of_call(found: re.Match[str]) -> str:
    """`log det(X)` as log(det(X))."""
    names_ = found[1], found[2].partition("(")[0]
    return f"{found[1]}({found[2]})" if all(find(n) is not None for n in names_) else found[0]


def _closing(formula: str) -> str:
    """The parentheses that are open at the end."""
    return ")" * max(0, formula.count("(") - formula.count(")"))


def _in_parentheses(formula: str) -> str:
    """Without the parentheses around all of it."""
    inner = formula[1:-1]
    enclosed = formula[:1] == "(" and formula[-1:] == ")" and closing(formula, 1) == len(formula) - 1
    return inner if enclosed else formula


def _is_plain(pair: re.Match[str]) -> bool:
    return all(part.isidentifier() for part in pair.groups())


def _called(found: re.Match[str]) -> str:
    """`sin x` as sin(x)."""
    return f"{found[1]}({found[2]})" if find(found[1]) is not None else found[0]


def _known_function(found: re.Match[str]) -> str:
    """`Tr(` as tr(, `norm(` as norm2(."""
    word = found[1]
    if find(word) is None and find(word.lower()) is not None:
        return word.lower()
    return "norm2" if word.lower() == "norm" else word


def _sentence(error: SymgradError, written: str, known: Collection[str]) -> str | None:
    """What is said where no rewriting fits."""
    start, end = error.span or (0, 0)
    near = written[max(0, start - 2) : end + 8]
    for pattern, sentence in _SENTENCES:
        if pattern.search(near) is not None:
            return sentence
    at_fault = written[start:end]
    base, _, index = at_fault.partition("_")
    if base in known and index:
        return f"index notation has its letters in front, [i]: {base}[i]; the first entry is {base}[1]"
    if at_fault == "I" and "I" not in known:
        return "eye(n) is the identity with n rows"
    if at_fault in ("T", "t", "top") and written[:start].rstrip(" {(").endswith("^"):
        return "a transpose is a quote, X'"
    return None


_SENTENCES = (
    (re.compile(r"[∂∇]"), "the function alone; the variable is named apart"),
    (re.compile(r"cross_?entropy"), "-y'*log(p), or -y'*log(softmax(z))"),
    (
        re.compile(r"\w\[\s*(?:\w|\d)+\s*[\],]"),
        "index notation has its letters in front, [i]: x[i]; the first entry of x is x[1]",
    ),
    (re.compile(r"\bsum_|Σ|∑"), r"a sum over an index is LaTeX, \sum_{i=1}^n x_i^2; sum(x.^2) goes over all entries"),
    (re.compile(r"\bif\b|\belse\b"), "relu(x), max(a, b), or a mask: [x > 0] .* x"),
    (re.compile(r"\blambda\b.*:|\bdef\b|\breturn\b|\bimport\b|\bfor\b"), "the formula alone, such as sum(x.^2)"),
    (re.compile(r"∫|\blim\b"), "sums, products and functions of arrays; no integrals and limits"),
)
