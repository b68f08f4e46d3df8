"""How long answers are: symbols printed against the answers written by hand in tests/cookbook/textbook.txt.

python bench/notation.py
"""

from __future__ import annotations

import sys
from pathlib import Path
from statistics import median

import symgrad as sg

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
from textbook import problems, symbols


def main() -> None:
    rows: list[tuple[float, int, str]] = []
    matrix = total = 0
    for problem in problems():
        names = problem.wrt.split()
        result = sg.derivative(problem.expression, names if len(names) > 1 else names[0], where=problem.where)
        total += 1
        matrix += result.matrix_form
        if problem.answer and result.matrix_form:
            rows.append((symbols(str(result)) / symbols(problem.answer), problem.level, f"{problem}: {result}"))
    ratios = [ratio for ratio, _, _ in rows]
    early = [ratio for ratio, level, _ in rows if level <= 3]
    print(f"{matrix} of {total} in closed matrix notation")
    print(f"symbols against {len(rows)} answers: median {median(ratios):.3f}, mean {sum(ratios) / len(ratios):.3f}")
    shorter, longer = sum(r < 1 for r in ratios), sum(r > 1 for r in ratios)
    print(f"shorter {shorter}, equal {len(ratios) - shorter - longer}, longer {longer}")
    print(f"of {len(early)} of levels 1 to 3, longer: {sum(r > 1 for r in early)}")
    for ratio, level, line in sorted(rows, reverse=True):
        if ratio > 1:
            print(f"  {ratio:.2f}  level {level}  {line}")


if __name__ == "__main__":
    main()
