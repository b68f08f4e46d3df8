"""The tables of docs/benchmarks.md from what bench_derive.py and bench_eval.py wrote with --json.

    python summary.py derive.json [eval.json]

Medians; a ratio above 1 in the tables of deriving says how many times faster symgrad is than the faster of the
peers that answered, a ratio in the tables of evaluation is time over hand-written NumPy (less is better).
"""

from __future__ import annotations

import json
import statistics
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

Row = dict[str, Any]
PEERS = ("symgrad", "sympy", "tensorgrad", "symengine", "jax", "numpy", "scipy", "torch")
UNANSWERED = ("WRONG", "unevaluated")


def rows(path: str) -> list[Row]:
    found: list[Row] = json.loads(Path(path).read_text(encoding="utf-8"))["rows"]
    return found


def table(head: list[str], body: list[list[str]]) -> None:
    for line in (head, ["---"] * len(head), *body):
        print("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |")
    print()


def ms(row: Row | None) -> str:
    if row is None or not row.get("warm"):
        return str(row.get("status", "-")) if row else "-"
    status = row.get("status", "ok")
    return f"{1e3 * row['warm']:.2f} ms" + ("" if status == "ok" else f" ({status})")


def answered(row: Row | None) -> bool:
    return row is not None and bool(row.get("warm")) and not row.get("status", "ok").startswith(UNANSWERED)


def functions(found: list[Row], part: str) -> None:
    """Derivatives or Hessians of the textbook functions."""
    cells: dict[str, dict[str, Row]] = {}
    for row in found:
        if row["part"] == part and "name" in row:
            cells.setdefault(row["name"], {})[row["who"]] = row
    peers = [p for p in dict.fromkeys(w for c in cells.values() for w in c) if p != "symgrad"]
    body, ratios = [], []
    for name, row in cells.items():
        best = min((row[p]["warm"] for p in peers if answered(row.get(p))), default=None)
        ratio = best / row["symgrad"]["warm"] if best else None
        ratios += [ratio] if ratio else []
        body.append([f"`{name}`", *(ms(row.get(p)) for p in ("symgrad", *peers)), f"{ratio:.1f}" if ratio else "-"])
    table(["function / variable", "symgrad", *peers, "ratio"], body)
    said = {p: sum(answered(row.get(p)) for row in cells.values()) for p in ("symgrad", *peers)}
    print(f"Median ratio {statistics.median(ratios):.0f}, smallest {min(ratios):.1f}; answered: {said}\n")


def depths(found: list[Row], part: str) -> None:
    """Networks of growing depth."""
    cells: dict[int, dict[str, Row]] = {}
    for row in found:
        if row["part"] == part:
            cells.setdefault(row["depth"], {})[row["who"]] = row
    peers = list(dict.fromkeys(w for c in cells.values() for w in c))
    table(["L", *peers], [[str(depth), *(ms(row.get(p)) for p in peers)] for depth, row in cells.items()])


def evaluated(found: list[Row]) -> None:
    """Time over hand-written NumPy: symgrad, and the fastest peer of the run."""
    times: dict[str, dict[int, dict[str, float]]] = {}
    for row in found:
        if "n" in row:
            times.setdefault(row["case"], {}).setdefault(row["n"], {})[row["who"]] = row["med"]
    body = []
    for case, sizes in times.items():
        for who in ("symgrad", "peer"):
            cells = []
            for at in sizes.values():
                peers = [t for w, t in at.items() if not w.startswith(("symgrad", "numpy"))]
                time = at.get("symgrad") if who == "symgrad" else min(peers, default=None)
                cells.append(f"{time / at['numpy']:.2f}" if time else "-")
            body.append([case, who, ", ".join(f"{n}: {c}" for n, c in zip(sizes, cells, strict=True))])
    table(["case", "", "n: time / hand-written NumPy"], body)


def main() -> None:
    for peer in PEERS:
        try:
            print(f"{peer} {version(peer)}", end="; ")
        except PackageNotFoundError:
            continue
    print("\n")
    derived = rows(sys.argv[1])
    for part in ("textbook", "hessian"):
        functions(derived, part)
    for part in ("mlp1", "mlp2"):
        depths(derived, part)
    if len(sys.argv) > 2:
        evaluated(rows(sys.argv[2]))


if __name__ == "__main__":
    main()
