"""Mistaken derivations against answers made wrong by hand; records complete in both languages."""

from __future__ import annotations

import pytest

from symgrad.bank.exercise import FINDINGS
from symgrad.calculus.differentiate import differentiate
from symgrad.derivation import derivative
from symgrad.operations.catalogue import LOGARITHM
from symgrad.programs import program
from symgrad.tensor.build import ONE
from symgrad.verification.answers import check_answer
from symgrad.verification.mistakes import MISTAKES, candidates, content_of, derived_with, sites_of


def test_every_finding_of_the_bank_has_a_record():
    assert set(FINDINGS) <= set(MISTAKES)


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=list(MISTAKES))
def test_records_speak_both_languages(mistake):
    for sentence in (mistake.title, mistake.explanation):
        assert sentence.en.isascii() and any("\u0600" <= c <= "\u06ff" for c in sentence.fa)


def test_sites_are_the_entrywise_functions_on_the_way():
    where = "A: R^{m x n}; x, y: R^n"
    sites = sites_of(derivative("sum(tanh(A*x)) + sum(exp(y)) + sum(max(x, y))", "x", where=where))
    assert sorted((s.node.op.name, s.slot) for s in sites) == [("max", 0), ("tanh", 0)]


def test_a_local_rule_taken_as_one():
    """v' tanh(A x): without tanh' the derivative is that of v' A x."""
    where = "A: R^{m x n}; x: R^n; v: R^m"
    right = derivative("v'*tanh(A*x)", "x", where=where)
    [site] = sites_of(right)
    assert derived_with(right, [site]) is derivative("v'*A*x", "x", where=where).node


def test_an_override_changes_one_node_only():
    source = program("tanh(x) + tanh(2*x)", "x: R")
    output, x = source.scope.views["result"].node, source.scope.views["x"].node
    [first] = [n for n in output.args if n.args == (x,)]
    changed = differentiate(output, x, LOGARITHM, {first: (lambda y, a: ONE,)})
    second = program("1 + 2*(1 - tanh(2*x)^2)", "x: R").scope.views["result"].node
    from symgrad.calculus.present import expanded

    assert expanded(changed) is expanded(second)


@pytest.mark.parametrize(("expression", "content"), [("2*S*x", 2), ("2*A*x + 4*x", 2), ("A*x", 1), ("-3*x", -3)])
def test_the_content_of_a_form(expression, content):
    node = program(expression, "A: R^{n x n}; S: R^{n x n} symmetric; x: R^n").scope.views["result"].node
    assert abs(content_of(node)) == abs(content)


def test_the_search_is_bounded():
    deep = "x" + "".join(f"; h{i} = sigmoid(W*{'x' if i == 0 else f'h{i - 1}'})" for i in range(40))
    deep = "; ".join(deep.split("; ")[1:]) + "; L = sum(h39)"
    result = derivative(deep, "x", where="x: R^n; W: R^{n x n}")
    assert len(list(candidates(result))) <= 100


WRONG = [
    ("sum(relu(A*x))", "x", "A'*ones(m)", ("missing mask",)),
    ("y'*max(A*x, B*x)", "x", "A'*y + B'*y", ("missing mask",)),
    ("sum(sigmoid(A*x))", "x", "A'*ones(m)", ("missing chain factor",)),
    ("sum(log(1 + exp(A*x)))", "x", "A'*ones(m)", ("missing chain factor",)),
    ("norm2(A*x - y)^2", "x", "A'*(A*x - y)", ("missing factor 2",)),
    ("x'*x", "x", "-2*x", ("sign",)),
    ("y'*relu(A*tanh(B*z))", "z", "B'*(A'*y)", ("missing mask", "missing chain factor")),
    ("x'*x", "x", "3*x", ()),
]


@pytest.mark.parametrize(("expression", "wrt", "answer", "named"), WRONG, ids=[w[2] for w in WRONG])
def test_answers_made_wrong_by_hand(expression, wrt, answer, named):
    where = {"A": "R^{m x n}", "B": "R^{m x n}", "x": "R^n", "y": "R^m"}
    if "z" in expression:
        where = {"A": "R^{m x k}", "B": "R^{k x n}", "z": "R^n", "y": "R^m"}
    verdict = check_answer(expression, wrt, answer=answer, where=where)
    assert verdict.correct is False and verdict.misconceptions == named


def test_the_fewest_swaps_explain():
    """With one mask missing nobody is told that two are."""
    verdict = check_answer("sum(relu(A*relu(x)))", "x", answer="(A'*[A*relu(x) > 0])", where="A: R^{m x n}; x: R^n")
    assert verdict.misconceptions == ("missing mask",) and not verdict.alternatives
