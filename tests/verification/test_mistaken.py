"""Mistaken derivations against derivations of what they amount to."""

from __future__ import annotations

from symgrad.calculus.present import expanded
from symgrad.derivation import derivative
from symgrad.verification.mistaken import derived_with, local_changes, other_functions, sites_of, stopped_early


def _changes(result, id):
    return [c for c in local_changes(result) if c[1] == id]


def test_sites_are_the_shares_on_the_way():
    where = "A: R^{m x n}; x, y: R^n"
    sites = sites_of(derivative("sum(tanh(A*x)) + sum(exp(y)) + sum(max(x, y))", "x", where=where))
    named = [s.node.op.name for s in sites if hasattr(s.node, "op")]
    assert sorted(named) == ["max", "tanh"]  # exp(y) is not on a way from x


def test_a_local_rule_taken_as_one():
    """v' tanh(A x): without tanh' the derivative is that of v' A x."""
    where = "A: R^{m x n}; x: R^n; v: R^m"
    right = derivative("v'*tanh(A*x)", "x", where=where)
    [change] = _changes(right, "missing chain factor")
    assert derived_with(right, [change]) is derivative("v'*A*x", "x", where=where).node


def test_without_changes_it_is_the_derivative():
    right = derivative("logdet(X*X' + A)", "X", where="X: R^{n x p}; A: R^{n x n}")
    assert expanded(derived_with(right, [])) is expanded(right.node)


def test_one_occurrence_of_two():
    """Each occurrence of x in x'Ax alone: A x and A' x."""
    where = "A: R^{n x n}; x, c: R^n"
    right = derivative("x'*A*x", "x", where=where)
    found = {expanded(derived_with(right, [c])) for c in _changes(right, "forgot second occurrence")}
    alone = {expanded(derivative(f, "x", where=where).node) for f in ("x'*A*c", "c'*A*x")}
    c = derivative("x'*c", "x", where=where).node
    from symgrad.calculus.present import present

    x = right.variables[0].node
    assert found == {expanded(present(a, {c: x})) for a in alone}


def test_the_inverse_on_one_side():
    """d a'inv(X)b without its left inverse is -(a b' inv(X)'), as of a'(-X)inv(X0)b at X0 = X."""
    where = "X: R^{n x n}; a, b: R^n"
    right = derivative("a'*inv(X)*b", "X", where=where)
    found = [expanded(derived_with(right, [c])) for c in _changes(right, "inverse on one side")]
    from symgrad.programs import program

    sides = program("p = -a*b'*inv(X)'; q = -inv(X)'*a*b'", where).views
    assert set(found) == {expanded(sides["p"].node), expanded(sides["q"].node)}


def test_the_root_of_a_norm_left_out():
    right = derivative("norm2(x)", "x", where="x: R^n")
    others = {expanded(n) for n in other_functions(right)}
    assert expanded(derivative("x'*x", "x", where="x: R^n").node) in others


def test_stopping_at_a_step():
    """sum(exp(A x)) by A x is exp(A x)."""
    right = derivative("sum(exp(A*x))", "x", where="A: R^{m x n}; x: R^n")
    [step] = [n for n, _ in stopped_early(right) if n.rank == 1 and not hasattr(n, "op")]
    [value] = [v for n, v in stopped_early(right) if n is step]
    assert value.op.name == "exp" and value.args == (step,)


def test_the_changes_are_bounded():
    deep = "; ".join(f"h{i} = sigmoid(W*{'x' if i == 0 else f'h{i - 1}'})" for i in range(40)) + "; L = sum(h39)"
    result = derivative(deep, "x", where="x: R^n; W: R^{n x n}")
    assert len(local_changes(result)) <= 400
