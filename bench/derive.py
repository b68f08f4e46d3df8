"""Deriving: from text to the printed answer, beside SymPy's `.diff`, and growth with depth.

    python bench/derive.py [--repeat 15]

One process, one run, CPU seconds, medians.  So that no cache answers for anybody, SymPy's is cleared before
each repetition and symgrad gets variable names it has not seen.  SymPy starts from built expressions (it
cannot read this text), symgrad from text: the comparison favours SymPy.  What SymPy answers wrongly or not
at all is marked and not counted.  The peers' versions are printed with the table.
"""

from __future__ import annotations

import argparse
import gc
import re
import statistics
import time
from collections.abc import Callable
from typing import Any

import sympy as sp
from sympy.core.cache import clear_cache

import symgrad as sg

VECTORS = {"x": "n", "a": "n", "y": "m"}
SHAPES = {**VECTORS, "A": "n x n", "M": "m x n", "X": "n x n", "Z": "n x p", "B": "p x k", "R": "m x n"}

# (text, variable, SymPy's way to say it)
EXPRESSIONS: list[tuple[str, str, str]] = [
    ("a'*x", "x", "a.T*x"),
    ("x'*a", "x", "x.T*a"),
    ("M*x", "x", "M*x"),
    ("x'*A*x", "x", "x.T*A*x"),
    ("x'*A*x", "A", "x.T*A*x"),
    ("tr(X'*A*X)", "X", "Trace(X.T*A*X)"),
    ("A*Z*B", "Z", "A*Z*B"),
    ("tr(X^3)", "X", "Trace(X*X*X)"),
    ("norm2(R*x - y)^2", "x", "(R*x-y).T*(R*x-y)"),
    ("a'*inv(X)*x", "X", "a.T*X.I*x"),
    ("logdet(X)", "X", "log(Determinant(X))"),
    ("sum(log(1 + exp(-y.*(R*x))))", "x", "logistic"),
]
DEPTHS = (1, 2, 4, 8, 16, 32, 64)


def declared(text: str, tag: str) -> tuple[str, str]:
    """The text with fresh names, and the declarations of its names."""
    names = [n for n in SHAPES if re.search(rf"\b{n}\b", text)]
    fresh = re.sub(r"\b(" + "|".join(names) + r")\b", rf"\1{tag}", text)
    spaces = {n: f"R^{SHAPES[n]}" if len(SHAPES[n]) == 1 else f"R^{{{SHAPES[n]}}}" for n in names}
    return fresh, "; ".join(f"{n}{tag}: {spaces[n]}" for n in names)


def clocked(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.process_time()
    result = work()
    return time.process_time() - start, result


def ours(text: str, variable: str, repeat: int) -> tuple[float, str]:
    times, answer = [], ""
    for i in range(repeat + 1):
        tag = f"_{i}"
        fresh, where = declared(text, tag)
        seconds, answer = clocked(lambda: str(sg.derivative(fresh, variable + tag, where=where)))  # noqa: B023
        times.append(seconds)
    return statistics.median(times[1:]), answer.replace(f"_{repeat}", "")


def sympy_expression(code: str) -> tuple[Any, dict[str, Any]]:
    m, n, k, p = sp.symbols("m n k p", integer=True, positive=True)
    size = {"m": m, "n": n, "k": k, "p": p}
    symbols = {}
    for name, shape in SHAPES.items():
        rows, _, columns = shape.partition(" x ")
        symbols[name] = sp.MatrixSymbol(name, size[rows], size[columns] if columns else 1)
    if code == "logistic":
        z = sp.Dummy("z")
        inner = -sp.HadamardProduct(symbols["y"], symbols["R"] * symbols["x"])
        return sp.OneMatrix(1, m) * inner.applyfunc(sp.Lambda(z, sp.log(1 + sp.exp(z)))), symbols
    scope = {**symbols, "Trace": sp.Trace, "Determinant": sp.Determinant, "log": sp.log}
    return eval(code, {"__builtins__": {}}, scope), symbols  # our own table above, not input


def theirs(code: str, variable: str, repeat: int) -> tuple[float | None, str]:
    times, answer = [], ""
    for _ in range(repeat + 1):
        clear_cache()
        expression, symbols = sympy_expression(code)
        try:
            seconds, answer = clocked(lambda: str(expression.diff(symbols[variable]).doit()))  # noqa: B023
        except Exception as error:  # whatever a peer raises is its answer
            return None, type(error).__name__
        if answer == "0" or "Derivative" in answer:
            return None, f"wrong: {answer}"
        times.append(seconds)
    return statistics.median(times[1:]), answer


def textbook(repeat: int) -> None:
    print("| derivative | symgrad | SymPy | ratio | symgrad answers |")
    print("|---|---|---|---|---|")
    ratios = []
    for text, variable, code in EXPRESSIONS:
        mine, answer = ours(text, variable, repeat)
        peer, said = theirs(code, variable, repeat)
        if peer is not None:
            ratios.append(peer / mine)
        ratio = f"{peer / mine:.1f}" if peer is not None else "-"
        cell = f"{1e3 * peer:.2f} ms" if peer is not None else said
        print(f"| d({text})/d{variable} | {1e3 * mine:.2f} ms | {cell} | {ratio} | `{answer}` |")
    print(f"\nmedian ratio {statistics.median(ratios):.1f}, smallest {min(ratios):.1f} (goal 20)\n")


def tanh_network(depth: int, tag: str) -> tuple[str, str]:
    lines = [f"h1{tag} = tanh(W1{tag}*x{tag})"]
    lines += [f"h{i}{tag} = tanh(W{i}{tag}*h{i - 1}{tag})" for i in range(2, depth + 1)]
    lines.append(f"L{tag} = norm2(h{depth}{tag} - t{tag})^2")
    where = "; ".join([f"W{i}{tag}: R^{{n x n}}" for i in range(1, depth + 1)] + [f"x{tag}: R^n", f"t{tag}: R^n"])
    return "\n".join(lines), where


def growth(repeat: int) -> None:
    print("| tanh layers | text to printed answer | per layer |")
    print("|---|---|---|")
    points = []
    for depth in DEPTHS:
        times = []
        for i in range(repeat):
            tag = f"_{depth}_{i}"
            text, where = tanh_network(depth, tag)
            gc.collect()
            times.append(clocked(lambda: str(sg.derivative(text, f"W1{tag}", where=where)))[0])  # noqa: B023
        points.append((depth, statistics.median(times)))
        print(f"| {depth} | {1e3 * points[-1][1]:.1f} ms | {1e3 * points[-1][1] / depth:.2f} ms |")
    (l0, t0), (l1, t1) = points[-2], points[-1]
    print(f"\nfrom {l0} to {l1} layers: {t1 / t0 / (l1 / l0):.2f} of linear (goal: at most 1.2)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeat", type=int, default=15)
    repeat = parser.parse_args().repeat
    print(f"symgrad {sg.__version__}, SymPy {sp.__version__}\n")
    textbook(repeat)
    growth(max(3, repeat // 3))


if __name__ == "__main__":
    main()
