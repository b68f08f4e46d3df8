"""The same input prints the same text in every process."""

from __future__ import annotations

import os
import subprocess
import sys

DERIVATIONS = """
import symgrad as sg
from symgrad.derivation import derivative
where = "x, y, a, b: R^n; A, B, X: R^{n x n}; S: R^{n x n} symmetric; W: R^{m x n}; s: R"
for expression, wrt in [
    ("x'*A*x + a'*B*x + b'*x", "x"), ("tr(X'*A*X*B + X*A*X)", "X"), ("A*X*B + B*X*A", "X"),
    ("tr(B'*X'*A*X*X'*A*X*B)", "X"), ("sum(log(1 + exp(-y.*(A*x))))", "x"), ("softmax(A*x)", "x"),
    ("y'*log(softmax(W'*W*x))", "W"), ("det(X)*tr(inv(X)*A)", "X"), ("norm2(A*x - b)^3/(1 + s^2)", "x"),
    ("(x.*y)'*sin(A*x)*s", "A"), ("tr(S*A*S*B)", "S"), ("logsumexp(A*x + b) + sum(max(x, y))", "x"),
    ("tr((A + B + X)^3)", "X"), ("inv(X)", "X"), ("a'*X*b*x'*X*y", ["X", "X"]), ("sum(tanh(W*x).^2)", ["x", "x"]),
]:
    D = derivative(expression, wrt, where=where)
    print(D, "|", D.latex(), "|", D.in_layout("numerator"), "|", D.shape)
D = derivative("sum(exp(A*x + B*y - c).^2)", "x")
print(D, D.assumed)
"""


def printed(seed: str) -> str:
    environment = {**os.environ, "PYTHONHASHSEED": seed}
    run = subprocess.run([sys.executable, "-c", DERIVATIONS], capture_output=True, text=True, env=environment)
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_every_process_prints_the_same() -> None:
    first, second, third = (printed(seed) for seed in ("0", "1", "4242"))
    assert len(first.splitlines()) == 17
    assert first == second == third
