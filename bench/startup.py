"""What starting costs: imports, and the first derivative, each in a fresh process.

    python bench/startup.py [--runs 9]

CPU seconds beyond those of an interpreter that does nothing; medians over interleaved runs.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys

STATEMENTS = {
    "import symgrad": "import symgrad",
    "import numpy": "import numpy",
    "import sympy": "import sympy",
    "symgrad: text to printed answer": "import symgrad; str(symgrad.derivative(\"x'*A*x\", 'x'))",
    "symgrad: text to first value": "import numpy as np, symgrad; "
    "symgrad.derivative(\"x'*A*x\", 'x').function()(x=np.ones(3), A=np.ones((3, 3)))",
}


def seconds(statement: str) -> float:
    """CPU seconds of a fresh interpreter."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", statement], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=9)
    runs = parser.parse_args().runs
    times: dict[str, list[float]] = {name: [] for name in STATEMENTS}
    for statement in ("pass", *STATEMENTS.values()):
        seconds(statement)  # what the file system keeps in memory
    for _ in range(runs):
        bare = seconds("pass")
        for name, statement in STATEMENTS.items():
            times[name].append(seconds(statement) - bare)
    median = {name: statistics.median(values) for name, values in times.items()}
    print("| fresh process | CPU time |")
    print("|---|---|")
    for name, value in median.items():
        print(f"| {name} | {1e3 * value:.0f} ms |")
    share = median["import symgrad"] / (median["import numpy"] + median["import sympy"])
    print(f"\nimport symgrad: {share:.2f} of NumPy's and SymPy's together")


if __name__ == "__main__":
    main()
