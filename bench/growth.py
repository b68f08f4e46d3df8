"""How deriving grows with depth: time, memory and length of the answer for chains of L steps.

    python bench/growth.py [--repeat 5] [--depths 16,64,256]

Four chains, each a program with named intermediates, new names in each repetition: a tanh network by its
first weights, a residual chain h + tanh(W h) by its input, one map nested in itself, tanh(A tanh(... x)),
by x, and the network by its first weights twice.  CPU seconds, medians: `graph` is the derivative as a graph,
`answer` from the read program to the printed text with its certificate.  Memory is the peak that tracemalloc
sees in a run of its own.
"""

from __future__ import annotations

import argparse
import gc
import itertools
import statistics
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import symgrad as sg

_tags = itertools.count()
Chain = tuple[str, dict[str, object], list[str]]  # text, shapes, variables


def network(depth: int) -> Chain:
    tag = f"_{next(_tags)}"
    lines = [f"h1{tag} = tanh(W1{tag}*x{tag})"]
    lines += [f"h{i}{tag} = tanh(W{i}{tag}*h{i - 1}{tag})" for i in range(2, depth + 1)]
    shapes: dict[str, object] = {f"W{i}{tag}": "R^{n x n}" for i in range(1, depth + 1)}
    return _loss(lines, f"h{depth}", tag), {**shapes, f"x{tag}": "R^n", f"t{tag}": "R^n"}, [f"W1{tag}"]


def hessian(depth: int) -> Chain:
    text, shapes, variables = network(depth)
    return text, shapes, variables * 2


def residual(depth: int) -> Chain:
    tag = f"_{next(_tags)}"
    lines = [f"h1{tag} = x{tag} + tanh(W1{tag}*x{tag})"]
    lines += [f"h{i}{tag} = h{i - 1}{tag} + tanh(W{i}{tag}*h{i - 1}{tag})" for i in range(2, depth + 1)]
    shapes: dict[str, object] = {f"W{i}{tag}": "R^{n x n}" for i in range(1, depth + 1)}
    return _loss(lines, f"h{depth}", tag), {**shapes, f"x{tag}": "R^n", f"t{tag}": "R^n"}, [f"x{tag}"]


def nested(depth: int) -> Chain:
    tag = f"_{next(_tags)}"
    lines = [f"h1{tag} = tanh(A{tag}*x{tag})"]
    lines += [f"h{i}{tag} = tanh(A{tag}*h{i - 1}{tag})" for i in range(2, depth + 1)]
    shapes: dict[str, object] = {f"A{tag}": "R^{n x n}", f"x{tag}": "R^n", f"t{tag}": "R^n"}
    return _loss(lines, f"h{depth}", tag), shapes, [f"x{tag}"]


def _loss(lines: list[str], last: str, tag: str) -> str:
    return "\n".join([*lines, f"L{tag} = norm2({last}{tag} - t{tag})^2"])


CHAINS: dict[str, Callable[[int], Chain]] = {
    "network": network,
    "residual": residual,
    "nested": nested,
    "hessian": hessian,
}


def read(chain: Chain) -> tuple[sg.Program, list[str]]:
    """The program with its graph made, and the variables."""
    text, shapes, variables = chain
    source = sg.program(text, shapes)
    _ = source.scope
    return source, variables


def clocked(work: Callable[[], Any]) -> tuple[float, Any]:
    gc.collect()
    start = time.process_time()
    result = work()
    return time.process_time() - start, result


def measured(make: Callable[[int], Chain], depth: int, repeat: int) -> dict[str, float]:
    """Medians of seconds, MiB at the peak, characters of the answer."""
    graph, answer, text = [], [], ""
    for _ in range(repeat):
        source, variables = read(make(depth))
        graph.append(clocked(lambda: source.derivative(wrt=variables))[0])  # noqa: B023
        source, variables = read(make(depth))
        seconds, text = clocked(lambda: str(source.derivative(wrt=variables)))  # noqa: B023
        answer.append(seconds)
    source, variables = read(make(depth))
    tracemalloc.start()
    str(source.derivative(wrt=variables))
    peak = tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()
    times = {"graph": statistics.median(graph), "answer": statistics.median(answer)}
    return {**times, "MiB": peak, "characters": len(text)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--depths", default="1,2,4,8,16,32,64,128,256,512")
    options = parser.parse_args()
    depths = [int(d) for d in options.depths.split(",")]
    print(f"symgrad {sg.__version__}\n")
    for name, make in CHAINS.items():
        measured(make, 4, 2)  # what is imported and compiled once
        print(f"| {name}, L | graph | answer | per step | peak memory | per step | characters |")
        print("|---|---|---|---|---|---|---|")
        for depth in depths:
            m = measured(make, depth, options.repeat)
            per, memory = 1e3 * m["answer"] / depth, 1024 * m["MiB"] / depth
            times = f"{1e3 * m['graph']:.2f} ms | {1e3 * m['answer']:.1f} ms | {per:.2f} ms"
            print(f"| {depth} | {times} | {m['MiB']:.2f} MiB | {memory:.0f} KiB | {m['characters']:.0f} |")
        print()


if __name__ == "__main__":
    main()
