"""The whole comparison with the peers, by one command: runs every script of `peers/` and writes `results/report.md`.

    python bench/report.py                       # an hour and a half; peers that are not installed are left out
    python bench/report.py --quick               # small sizes: does everything run?
    python bench/report.py --only eval,backprop  # some parts anew, the others from results/*.json
    python bench/report.py --only none           # the report alone, from what is there

Each part leaves its measurements in `results/PART.json`; the report holds the tables with ratios, the versions of all
peers, and `results/evaluation.svg`: time against n.
"""

from __future__ import annotations

import argparse
import json
import math
import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import tables

from symgrad.drawing.chart import HEIGHT, WIDTH, Series, chart

HERE = Path(__file__).parent
RESULTS = HERE / "results"
PACKAGES = (
    "symgrad", "numpy", "scipy", "sympy", "tensorgrad", "symengine", "jax", "torch", "autograd", "pytensor", "casadi",
    "numdifftools",
)  # fmt: skip
PARTS = {  # part -> the script and what it is run with
    "derive": ("bench_derive.py", ["--part", "textbook,mlp,hessian", "--timeout", "20"]),
    "eval": ("bench_eval.py", ["--rounds", "5", "--cap", "0.4"]),
    "backprop": ("bench_backprop.py", []),
    "gradcheck": ("bench_gradcheck.py", []),
    "structured": ("bench_structured.py", []),
    "startup": ("bench_startup.py", []),
}
COLUMNS = 3  # of charts side by side


def run(part: str, options: list[str]) -> None:
    """One script in a process of its own; its tables go to the terminal, its numbers to results/PART.json."""
    script, own = PARTS[part]
    command = [sys.executable, script, *own, *options, "--json", str(RESULTS / f"{part}.json")]
    print("$", " ".join(command[1:]), flush=True)
    subprocess.run(command, cwd=HERE / "peers", check=True)


def rows(part: str) -> list[dict[str, Any]]:
    """What a part measured; nothing if it has not run."""
    file = RESULTS / f"{part}.json"
    return json.loads(file.read_text(encoding="utf-8"))["rows"] if file.exists() else []


def versions() -> str:
    """Python and every peer that is installed."""
    found = [f"Python {platform.python_version()}"]
    for package in PACKAGES:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    return ", ".join(found)


def report() -> str:
    """The page, from all parts that have run."""
    parts = [
        "# Benchmark report\n",
        f"Written by `python bench/report.py`. {versions()}. One thread, CPU time, medians; one run on a shared "
        "machine: look at ratios, leave a quarter of room.\n",
    ]
    if derived := rows("derive"):
        for part, title in (("textbook", "Textbook derivatives"), ("hessian", "Textbook Hessians")):
            parts += [f"## {title}\n", tables.functions(derived, part)]
        parts += ["## Networks of depth L: gradient\n", tables.depths(derived, "mlp1")]
        parts += ["## Networks of depth L: Hessian\n", tables.depths(derived, "mlp2")]
    if evaluated := rows("eval"):
        parts += ["## Evaluating\n", "![time against n](evaluation.svg)\n", tables.evaluated(evaluated)]
        parts += ["## Until the first value\n", tables.ready(evaluated)]
    if steps := rows("backprop"):
        parts += ["## One step of training\n", tables.against(steps, "network", ("part", "case"), "numpy")]
    if checks := rows("gradcheck"):
        parts += ["## Checking a gradient\n", tables.against(checks, "parameters", ("N",), "scipy check_grad")]
    if jacobians := rows("structured"):
        parts += ["## Structured Jacobians\n", tables.structured(jacobians)]
    if starts := rows("startup"):
        parts += ["## Starting\n", tables.started(starts)]
    return "\n".join(parts)


def picture(measured: list[dict[str, Any]]) -> str:
    """Time against n for every case: by hand, symgrad, and the fastest peer, as one SVG document."""
    charts = []
    timed = [r for r in measured if "n" in r]
    for case in dict.fromkeys(r["case"] for r in timed):
        sizes: dict[int, dict[str, Any]] = {}
        for row in timed:
            if row["case"] == case:
                sizes.setdefault(row["n"], {})[row["who"]] = row
        lines = {
            "by hand": {n: at["numpy"]["med"] for n, at in sizes.items()},
            "symgrad": {n: at["symgrad"]["med"] for n, at in sizes.items() if "symgrad" in at},
            "fastest peer": {n: best for n, at in sizes.items() if (best := tables.best_peer(at))},
        }
        curves = [Series(tuple((float(n), t) for n, t in line.items()), name) for name, line in lines.items() if line]
        charts.append(chart(curves, "n", "seconds", title=case))
    return _grid(charts)


def _grid(charts: list[str]) -> str:
    """Charts side by side in rows."""
    depth = math.ceil(len(charts) / COLUMNS)
    width, height = COLUMNS * WIDTH, depth * HEIGHT
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width / 2:g}" height="{height / 2:g}" '
    lines = [f'{head}viewBox="0 0 {width:g} {height:g}">']
    for i, one in enumerate(charts):
        place = f'<svg x="{i % COLUMNS * WIDTH:g}" y="{i // COLUMNS * HEIGHT:g}" '
        lines.append(one.replace("<svg ", place, 1).strip())
    return "\n".join([*lines, "</svg>", ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(PARTS), help="the parts to run, with commas; none: none")
    parser.add_argument("--quick", action="store_true", help="fewer and smaller sizes")
    parser.add_argument("--peers", default="", help="the peers to compare with, with commas (all that are installed)")
    given = parser.parse_args()
    RESULTS.mkdir(exist_ok=True)
    options = [
        *(["--quick"] if given.quick else []),
        *(["--peers", f"symgrad,numpy,{given.peers}"] if given.peers else []),
    ]
    for part in PARTS:
        if part in given.only.split(","):
            run(part, options)
    if evaluated := rows("eval"):
        (RESULTS / "evaluation.svg").write_text(picture(evaluated), encoding="utf-8")
    (RESULTS / "report.md").write_text(report(), encoding="utf-8")
    print(f"wrote {RESULTS / 'report.md'}")


if __name__ == "__main__":
    main()
