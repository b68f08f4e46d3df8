"""Blocks for a question about a derivative: steps by each method, the answer, its layout, its verification."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from symgrad.bank.content import Block, Derivation, Formula, Generated, Heading, Language, Line, Note, Paragraph
from symgrad.bank.phrases import LAYOUTS, RULES, STRUCTURES, WHY_ZERO, digits, listed, say
from symgrad.derivation import Derivative, derivative
from symgrad.errors import SymgradError
from symgrad.notation.grammar import parse
from symgrad.notation.latex import latex as tree_latex
from symgrad.notation.latex import name_latex
from symgrad.notation.tree import names
from symgrad.operations.catalogue import latex_templates, record
from symgrad.programs import RESULT
from symgrad.steps import MethodError, Step, steps
from symgrad.steps.components import Components, Same
from symgrad.steps.step import Symbol, Whole, with_symbols
from symgrad.tensor.dims import Size
from symgrad.verification.persian import in_persian_words

if TYPE_CHECKING:
    from symgrad.bank.exercise import DerivativeQuestion
    from symgrad.bank.key import Context
    from symgrad.verification.check import Report

GRADIENT = "grad_"


def derivative_blocks(question: DerivativeQuestion, context: Context) -> Iterator[Block]:
    """The worked answer of one derivative question."""
    result = asked_derivative(question)
    for method in question.show:
        yield from _method(result, method, context, alone=len(question.show) == 1)
    yield Paragraph(context.say("answer"), strong=True)
    yield answer_formula(result)
    yield Paragraph(layout_sentence(result, context))
    yield from _why_zero(result, context)
    yield from verification(result, context)
    yield _generated(question, context)
    yield from _print(question, result, context)


def _generated(question: DerivativeQuestion, context: Context) -> Generated:
    problem, name = question.problem, f"{context.exercise.id}-{question.id}"
    vec = question.vec or "column"
    return Generated(name, problem.where, problem.formula, tuple(question.wrt), question.of, question.layout, vec)


def _why_zero(result: Derivative, context: Context) -> Iterator[Paragraph]:
    """Why the answer is zero, where the variable is absent or every path leads through a step."""
    if not result.is_zero:
        return
    why = result.why_zero or ""
    values = {"of": name_latex("f" if result.of == RESULT else result.of), "wrt": name_latex(result.wrt[0])}
    flat = [kink.partition(":")[0] for kink in result.kinks if "derivative is 0" in kink]
    if "does not occur" in why:
        yield Paragraph(say("absent", context.language, WHY_ZERO, **values))
    elif flat and why.startswith("every path"):
        steps = listed([rf"$\operatorname{{{name}}}$" for name in flat], context.language)
        yield Paragraph(say("steps", context.language, WHY_ZERO, steps=steps, **values))


def asked_derivative(question: DerivativeQuestion) -> Derivative:
    """What the question asks for."""
    problem = question.problem
    return derivative(
        problem.formula,
        list(question.wrt),
        where=problem.where,
        of=question.of,
        layout=question.layout,
        vec=question.vec or "column",
    )


# --- steps --------------------------------------------------------------------------------------


def _method(result: Derivative, method: str, context: Context, alone: bool) -> Iterator[Block]:
    """The lines of one method; those of an earlier question are not repeated, nor is the answer that follows."""
    try:
        found = steps(result, method)
    except MethodError:
        return  # the key leaves out a method that does not reach
    answer = answer_formula(result).latex if alone else ""
    fresh = [s for s in found if not (method == "chain" and _is_known(s, result, context))]
    shown = [s for s in fresh if s.latex() != answer] or fresh
    yield Heading(context.say(f"method {method}"), 3)
    if len(fresh) < len(found):
        yield Paragraph(context.say("as above"))
    legend = context.say("legend") if any(GRADIENT in s.text() for s in shown) else ""
    yield Derivation(tuple(Line(reason(s, context.language), Formula(s.latex(), s.text())) for s in shown), legend)


def _is_known(step: Step, result: Derivative, context: Context) -> bool:
    """Whether a line of the backward pass was written for an earlier question on the same program."""
    entry = (result.program.text, step.latex())
    known = entry in context.shown and step.rule != "layout"
    context.shown.add(entry)
    return known


def reason(step: Step, language: Language) -> str:
    """The sentence that goes with a step."""
    details = dict(step.details)
    rule = step.rule
    values: dict[str, object] = {k: name_latex(v) for k, v in details.items() if k in ("of", "wrt")}
    if rule == "product rule" and not _has_deltas(step):
        rule = "product rule scalar"
    if rule == "components" and isinstance(step.right, Components) and not step.right.free and not _sums(step.right):
        rule = "components scalar"
    if rule == "layout" and details["shape"] == "1 x 1":
        rule = "layout scalar"
    elif rule == "layout" and isinstance(step.left, Whole) and step.left.stacked:
        rule = f"layout {step.left.stacked}"
    if rule == "vec form" and _stacks_rows(step):
        rule = "vec form row"
    if rule == "structure":
        values["structure"] = say(details["structure"], language, STRUCTURES)
    if "readers" in details:
        readers = details["readers"].split(", ")
        rule = "branches one" if rule == "branches" and len(readers) == 1 else rule
        values["readers"] = ", ".join(map(name_latex, readers))
        if rule == "branches":
            values["readers"] = listed([f"${name_latex(r)}$" for r in readers], language)
            values["count"] = digits(len(readers), language)
    sentence = say(rule, language, RULES, **values)
    return " ".join([sentence, *_remarks(step, language)])


def _remarks(step: Step, language: Language) -> list[str]:
    """What the operations of a step do to the gradient, as their records say it."""
    said = []
    for op in _explained(step):
        if op in RULES:  # several operations seen as one
            said.append(say(op, language, RULES))
        elif (lesson := record(op).lesson) is not None:
            said.append(lesson[language == "fa"])
    return said


def _explained(step: Step) -> tuple[str, ...]:
    return step.operations if step.rule in ("output", "pull back", "branches", "value") else ()


def _has_deltas(step: Step) -> bool:
    return isinstance(step.right, Components) and any(
        isinstance(f, Same) for p in step.right.products for f in p.factors
    )


def _sums(components: Components) -> bool:
    return any(product.bound for product in components.products)


def _stacks_rows(step: Step) -> bool:
    return "vec(d" in step.left.text() and step.left.text().endswith("')")


# --- the answer ---------------------------------------------------------------------------------


def answer_formula(result: Derivative) -> Formula:
    """`df/dx = ...` in the asked layout."""
    left_latex, left_text = _left(result)
    return Formula(f"{left_latex} = {result.latex()}", f"{left_text} = {result}")


def _left(result: Derivative) -> tuple[str, str]:
    of = "f" if result.of == RESULT else result.of
    if len(result.wrt) > 1:
        order = len(result.wrt)
        below = " ".join(rf"\partial {name_latex(w)}" for w in result.wrt)
        return (
            rf"\frac{{\partial^{order} {name_latex(of)}}}{{{below}}}",
            f"d^{order} {of}/{' '.join('d' + w for w in result.wrt)}",
        )
    stacked = None if result.arrangement.is_tensor or result.node.rank <= 2 else result.vec
    kinds = (result.output.kind, result.variables[0].kind)
    bold = (kinds[0] in ("column", "row"), kinds[1] in ("column", "row"))
    left = Whole(of, result.wrt[0], result.arrangement, stacked, bold, result.output.is_matrix)
    return left.latex(), left.text()


def layout_sentence(result: Derivative, context: Context) -> str:
    """The convention of the answer in words."""
    language = context.language
    first, last = name_latex(result.wrt[0]), name_latex(result.wrt[-1])
    values = {"wrt": last, "first": first, "shape": shape_latex(result.shape)}
    sentences = [say(_layout_of(result), language, LAYOUTS, **values)]
    if not result.arrangement.is_tensor and result.node.rank > 2:
        sentences.append(say(f"vec {result.vec}", language, LAYOUTS))
    return " ".join(sentences)


def _layout_of(result: Derivative) -> str:
    if result.arrangement.is_tensor:
        return "tensor"
    if not result.output.is_scalar:
        return "denominator" if result.layout == "denominator" else "numerator"
    if result.node.rank == 0:
        return "scalar"
    if len(result.wrt) > 1:
        return "second"
    if result.layout == "numerator":
        return "row" if result.kind == "row" else "turned"
    return "column" if result.layout == "denominator" else "gradient"


def shape_latex(shape: tuple[Size, ...]) -> str:
    r"""`n \times m`."""
    return r" \times ".join(str(s).replace("*", " ") for s in shape) or "1"


# --- verification -------------------------------------------------------------------------------


def verification(result: Derivative, context: Context) -> Iterator[Block]:
    """What the witnesses say of the answer."""
    if context.check is None:
        return
    try:
        report = context.check(result)
    except SymgradError as refused:
        yield Note(context.say("check"), context.say("not checked", reason=_reason(refused, context)), "wrong")
        return
    error = number_latex(max((row.absolute for row in report.rows), default=0.0))
    if not report.ok:
        yield Note(context.say("check"), context.say("check failed", error=error), "wrong")
        return
    yield Note(context.say("check"), _checked(report, error, context), "checked")


def _reason(refused: SymgradError, context: Context) -> str:
    return in_persian_words(refused.message) if context.language == "fa" else refused.message


def _checked(report: Report, error: str, context: Context) -> str:
    points = list(dict.fromkeys(tuple(row.sizes.items()) for row in report.rows))
    if not any(points):
        return context.say("checked scalar", count=digits(len(report.rows) // 2, context.language), error=error)
    letters = [a for a, _ in points[0]]
    sizes = ", ".join(_tuple([str(dict(point)[a]) for a in letters]) for point in points)
    return context.say("checked", sizes=f"{_tuple(letters)} = {sizes}", error=error)


def _tuple(items: list[str]) -> str:
    return items[0] if len(items) == 1 else f"({', '.join(items)})"


def number_latex(value: float) -> str:
    r"""A small number as `3 \cdot 10^{-11}`."""
    if value == 0:
        return "0"
    mantissa, _, exponent = f"{value:.0e}".partition("e")
    return rf"{mantissa} \cdot 10^{{{int(exponent)}}}"


# --- the print ----------------------------------------------------------------------------------


def _print(question: DerivativeQuestion, result: Derivative, context: Context) -> Iterator[Block]:
    from symgrad.bank.key import print_note

    if question.printed is None:
        yield from print_note(question, context)
        return
    formula = printed_formula(question, result)
    if question.finding:
        yield Paragraph(context.say("prints"))
        yield formula
    elif formula.text != answer_formula(result).text:
        yield Paragraph(context.say("prints equal"))
        yield formula
    else:
        yield from print_note(question, context, context.say("prints right"))
        return
    yield from print_note(question, context)


def printed_formula(question: DerivativeQuestion, result: Derivative) -> Formula:
    """What the document prints, `grad_z` being the gradient that arrives at z."""
    assert question.printed is not None
    tree = parse(question.printed)
    left_latex, left_text = _left(result)
    kinds = {n: view.kind for n, view in result.scope.views.items()}
    symbols = tuple(
        Symbol(n, "gradient", result.of, n.removeprefix(GRADIENT)) for n in names(tree) if n.startswith(GRADIENT)
    )
    written = with_symbols(tree_latex(tree, kinds, templates=latex_templates()), symbols)
    return Formula(f"{left_latex} = {written}", f"{left_text} = {question.printed}")
