"""The whole corpus of tests/corpus, derived and printed: CPU seconds, and the slowest cases.

python bench/corpus.py
"""

from __future__ import annotations

import json
import time
from pathlib import Path

import symgrad as sg

CASES = Path(__file__).parent.parent / "tests" / "corpus" / "cases.jsonl"


def main() -> None:
    cases = [json.loads(line) for line in CASES.read_text(encoding="utf-8").splitlines()]
    str(sg.derivative("x'*A*x", "x"))  # what is imported once
    times: list[tuple[float, str]] = []
    written = matrix = 0
    for case in cases:
        start = time.process_time()
        try:
            result = sg.derivative(case["expr"], case["wrt"], where=case["vars"])
            str(result)
            written += 1
            matrix += result.matrix_form
        except sg.errors.SymgradError as error:
            print(f"{case['id']}: {type(error).__name__}")
        times.append((time.process_time() - start, case["id"]))
    total = sum(t for t, _ in times)
    print(f"{written} of {len(cases)} cases, {matrix} in closed matrix notation, {total:.2f} s")
    print("slowest:", ", ".join(f"{name} {1e3 * t:.1f} ms" for t, name in sorted(times, reverse=True)[:5]))


if __name__ == "__main__":
    main()
