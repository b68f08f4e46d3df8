"""The homework's own mistakes are found, exactly those, and by the judges alone; planted ones are found too."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from symgrad.bank.exercise import (
    Bilingual,
    Factor,
    FlatteningQuestion,
    JacobianForm,
    LawQuestion,
    Problem,
    findings,
    load_all,
)
from symgrad.bank.verify import judge, verify
from symgrad.errors import SymgradError
from symgrad.verification.mistakes import MISTAKES

EXERCISES = Path(__file__).parents[2] / "exercises"
FOUND = {  # from the documents: what is wrong in them, and why, stands in the notes of the files
    ("trace", "chain"): {"wrong chain factor"},
    ("add-multiply", "chain-z"): {"wrong chain factor"},
    ("jacobian-and-flattening", "row-flattening"): {"wrong index formula"},
    ("two-branch-network", "dW21"): {"missing mask"},
    ("two-branch-network", "dW22"): {"missing chain factor"},
    ("two-branch-network", "dl1"): {"missing mask", "missing chain factor"},
    ("two-branch-network", "dW1"): {"missing mask"},
    ("two-branch-network", "value-dW1"): {"rounded twice"},
    ("two-branch-network", "value-dW22"): {"rounded twice"},
    ("sigmoid-neuron", "gradient-x0"): {"rounded twice"},
    ("sigmoid-neuron", "gradient-x1"): {"rounded twice"},
    ("sigmoid-neuron", "gradient-w1"): {"rounded twice"},
    ("staged-code", "backward"): {"wrong chain factor"},
    ("perceptron-gates", "and"): {"wrong number of inputs"},
    ("perceptron-gates", "or"): {"wrong number of inputs"},
    ("learning-rate-and-noise", "every-step"): {"does not hold"},
    ("update-rules", "momentum"): {"dash for minus"},
    ("update-rules", "nesterov"): {"dash for minus"},
    ("update-rules", "rmsprop"): {"dash for minus"},
    ("update-rules", "adam-uncorrected"): {"dash for minus"},
    ("update-rules", "adam"): {"dash for minus"},
    ("gradient-descent", "direction"): {"does not hold"},
}
LOADED = {e.id: e for e in load_all([EXERCISES])}


@pytest.fixture(scope="module")
def verification():
    return verify(LOADED.values())


def _question(exercise, id):
    return next(q for q in LOADED[exercise].questions if q.id == id)


def test_exactly_the_mistakes_of_the_documents_are_found(verification):
    assert {(r.exercise, r.question): set(r.findings) for r in verification.wrong} == FOUND
    assert verification.unexpected == () and not verification.ok


def test_every_mistake_comes_with_a_witness(verification):
    for result in verification.wrong:
        assert any(c.isdigit() for c in result.detail), result


@pytest.mark.parametrize(("exercise", "id"), list(FOUND), ids=lambda name: name)
def test_the_findings_do_not_come_from_the_file(exercise, id):
    blind = judge(replace(_question(exercise, id), finding=(), note=None))
    assert set(blind.findings) == FOUND[exercise, id]


CORRECTED = [
    ("two-branch-network", "dW21", "(grad_l21 .* [l21 > 0])*l1'"),
    ("two-branch-network", "dW22", "(grad_l22 .* l22 .* (1 - l22))*l1'"),
    ("two-branch-network", "dl1", "W21'*(grad_l21 .* [l21 > 0]) + W22'*(grad_l22 .* l22 .* (1 - l22))"),
    ("two-branch-network", "dW1", "(grad_l1 .* [W1*x > 0])*x'"),
    ("two-branch-network", "value-dW22", ((0, 0), (-0.23, -0.47), (0, 0))),
    ("sigmoid-neuron", "gradient-x0", 0.39),
    ("jacobian-and-flattening", "row-flattening", "(i-1)*m+j"),
    ("trace", "chain", (Factor("f", "P"), Factor("P", "X"))),
    ("add-multiply", "chain-z", (Factor("f", "z"),)),
]


@pytest.mark.parametrize(("exercise", "id", "printed"), CORRECTED, ids=[f"{e}-{i}" for e, i, _ in CORRECTED])
def test_a_corrected_print_is_right_and_the_expectation_becomes_unexpected(exercise, id, printed):
    question = replace(_question(exercise, id), printed=printed)
    assert judge(question).right is True
    [result] = verify([replace(LOADED[exercise], questions=(question,))]).results
    assert result.status == "unexpected"


PLANTED = [
    ("two-branch-network", "dW21", "(grad_l21 .* [l21 > 0])", "missing chain factor"),
    ("two-branch-network", "dW1", "-(grad_l1 .* [l1 > 0])*x'", "sign"),
    ("linear-form", "ax", "a", "transposed"),
    ("quadratic-form", "by-x", "x'*A", "forgot second occurrence"),
    ("computational-graph", "multiply-dx", "x*grad_z", "differentiated the wrong function"),
    ("two-branch-network", "value-yhat", (0.82, 0.08, 0.11), "rounded twice"),
    ("two-branch-network", "value-yhat", (0.72, 0.07, 0.11), "wrong answer"),
    ("two-branch-network", "value-z", (3, 0.5), "wrong answer"),
    ("add-multiply", "gradient-x", 4, "wrong answer"),
    ("add-multiply", "chain-x", (Factor("f", "q"),), "wrong chain factor"),
    ("add-multiply", "chain-x", (Factor("f", "q"), Factor("q", "y")), "wrong chain factor"),
]


@pytest.mark.parametrize(("exercise", "id", "printed", "finding"), PLANTED, ids=[f"{i}-{f}" for _, i, _, f in PLANTED])
def test_planted_mistakes_are_found(exercise, id, printed, finding):
    judged = judge(replace(_question(exercise, id), printed=printed))
    assert judged.right is False and judged.findings == (finding,)


PRINTED = _question("staged-code", "backward").printed
RIGHT_CODE = PRINTED.replace("grad_w0 = grad_s2", "grad_s0 = grad_s2")


def _code(printed, **changes):
    return replace(_question("staged-code", "backward"), printed=printed, **changes)


@pytest.mark.parametrize(
    ("old", "new", "finding"),
    [
        ("grad_x1 = grad_s1 * w1", "grad_x1 = grad_s1 * x1", "differentiated the wrong function"),
        ("(1 - L) * L", "(1 - L)", "missing chain factor"),
        ("grad_s1 = grad_s2", "grad_s1 = -grad_s2", "sign"),
        ("grad_x1 = grad_s1 * w1\n", "", "missing gradient"),
        ("grad_s1 = grad_s2\n", "", "missing gradient"),
        ("grad_L = 1.0\n", "", "missing gradient"),
    ],
)
def test_a_mistake_planted_in_code_is_found(old, new, finding):
    judged = judge(_code(RIGHT_CODE.replace(old, new)))
    assert judged.right is False and judged.findings == (finding,)


def test_the_printed_line_of_the_code_is_told():
    judged = judge(_code(PRINTED))
    assert "line 5" in judged.detail and "grad_s0" in judged.detail


def test_corrected_code_is_right_in_any_order_that_can_be_run():
    lines = RIGHT_CODE.strip().splitlines()
    assert judge(_code(RIGHT_CODE)).right is True
    assert judge(_code("\n".join([*lines[:5], lines[8], lines[9], *lines[5:8]]))).right is True
    assert judge(_code("\n".join(reversed(lines)))).findings == ("used too early",)


def test_code_with_the_forward_lines_and_with_sums_in_parts():
    problem = Problem("x: R^n; A: R^{m x n}", "z = A*x\nL = z'*z + x'*x", {})
    code = "z = A*x  # forward\n\ngrad_L = 1\ngrad_z = 2*grad_L*z\ngrad_x = 2*grad_L*x\ngrad_x += A'*grad_z"
    assert judge(_code(code, problem=problem, wrt=("x",))).right is True
    assert judge(_code(code.replace("A'*", ""), problem=problem, wrt=("x",))).right is not True
    assert judge(_code(code.replace("2*grad_L*x", "grad_L*x"), problem=problem, wrt=("x",))).right is False


@pytest.mark.parametrize("code", ["grad_L", "L = 3", "grad_L = 1.0\ngrad_s3 = grad_L*q", "# nothing", "print(1)"])
def test_code_that_cannot_be_read_is_refused(code):
    with pytest.raises(SymgradError):
        judge(_code(code))


def test_a_chain_that_leaves_a_path_out_is_wrong():
    """f = x h(x) reaches x by two paths; the chain through h alone is not the derivative."""
    question = _question("add-multiply", "chain-x")
    problem = Problem("x: R", "h = sin(x)\nf = x*h", {})
    wrong = replace(question, problem=problem, of="f", wrt="x", printed=(Factor("f", "h"), Factor("h", "x")))
    assert judge(wrong).findings == ("wrong chain factor",)


@pytest.mark.parametrize(
    ("shape", "order", "printed", "right"),
    [
        (("n", "m"), "row", "(i-1)*m+j", True),
        (("n", "m"), "row", "i*m-m+j", True),
        (("n", "m"), "column", "(j-1)*n+i", True),
        (("n", "m"), "column", "(j-1)*m+i", False),
        (("n", "m"), "row", "i*m+j", False),
        (("p", "q"), "row", "(i-1)*q+j", True),
    ],
)
def test_places_by_enumeration(shape, order, printed, right):
    text = Bilingual(en="", fa="")
    question = FlatteningQuestion(id="k", text=text, finding=(), note=None, shape=shape, order=order, printed=printed)
    assert judge(question).right is right


@pytest.mark.parametrize(
    ("form", "findings"),
    [
        (JacobianForm((4096, 4096), "diagonal", 16777216, (0.0, 1.0)), ()),
        (JacobianForm((4096, 1), "diagonal", 16777216, (0.0, 1.0)), ("wrong shape",)),
        (JacobianForm((4096, 4096), "diagonal", 4096, (0.0, 1.0)), ("wrong size",)),
        (JacobianForm((4096, 4096), "dense", None, None), ("wrong structure",)),
        (JacobianForm((4096, 4096), "diagonal", None, (1.0,)), ("wrong diagonal",)),
        (JacobianForm((4096, 4096), "diagonal", None, (0.0, 1.0, 2.0)), ("wrong diagonal",)),
    ],
)
def test_the_form_of_a_large_jacobian(form, findings):
    assert judge(replace(_question("relu-jacobian", "size"), printed=form)).findings == findings


@pytest.mark.parametrize(
    ("formula", "claim", "right"),
    [
        ("z = x + y", "distributes", True),
        ("z = x*y", "distributes", False),
        ("z = x*y", "swaps", True),
        ("z = x + y", "swaps", False),
        ("z = max(x, y)", "routes", True),
        ("z = min(x, y)", "routes", False),
        ("z = x*x + y", "sums", True),
        ("z = x + y", "sums", False),
    ],
)
def test_claims_about_gates(formula, claim, right):
    text, problem = Bilingual(en="", fa=""), Problem("x: R; y: R", formula, {"x": 3.0, "y": -4.0})
    question = LawQuestion(
        id="law", text=text, finding=(), note=None, problem=problem, gate="add", claim=claim, of="z", upstream=2.0,
        gradients={},
    )  # fmt: skip
    assert judge(question).right is right


def test_a_wrong_gradient_of_a_law_is_found():
    question = _question("gate-patterns", "multiply")
    assert judge(replace(question, gradients={"x": 6.0, "y": -8.0})).right is False


def test_what_cannot_be_judged_is_an_unexpected_finding():
    exercise = LOADED["two-branch-network"]
    broken = replace(_question("two-branch-network", "dW1"), printed="grad_l9*x'", finding=())
    [result] = verify([replace(exercise, questions=(broken,))]).results
    assert result.findings == ("unusable",) and result.status == "unexpected" and "l9" in result.detail


def test_the_report_as_text_table_and_json(verification):
    from rich.console import Console

    console = Console(width=160, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(verification)
    table, text = console.export_text(), verification.text()
    assert "[l21 > 0]" in table and "missing mask" in table  # a mask is no markup
    assert "exactly those the files expect" in text and "-0.4663" in text and "linear-form" not in text
    assert json.loads(json.dumps(verification.to_json()))["as_expected"] is True


def test_progress_is_told():
    told: list[str] = []
    verify([LOADED["linear-form"]], told.append)
    assert told == ["linear-form/ax", "linear-form/xa"]


def test_the_complete_example_of_the_page_is_as_it_says(tmp_path):
    page = (Path(__file__).parents[2] / "docs/exercises.md").read_text(encoding="utf-8")
    file = tmp_path / "squared-error.toml"
    file.write_text(re.search(r"```toml\n(id = .*?)```", page, re.DOTALL)[1], encoding="utf-8")
    found = verify(load_all([file]))
    assert [(r.question, r.findings, r.status) for r in found.results if r.right is False] == [
        ("gradient", ("missing transpose",), "wrong, as expected")
    ]
    assert not found.unexpected


def test_every_mistake_of_an_answer_may_be_expected_of_a_print():
    assert {m.family for m in MISTAKES.values()} <= set(findings())
