"""Markdown tables out of the rows that the scripts in `peers/` write with --json.

Medians.  In the tables of deriving `ratio` says how many times faster symgrad is than the fastest peer that answered;
in the tables of evaluation and of training steps a cell is time over hand-written NumPy (less is better).
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence
from typing import Any

Row = dict[str, Any]
UNANSWERED = ("WRONG", "unevaluated")


def markdown(head: Sequence[str], body: Iterable[Sequence[str]]) -> str:
    """A table with its head."""
    lines = [head, ["---"] * len(head), *body]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines) + "\n"


def seconds(time: float | None) -> str:
    """A time with three digits and a unit."""
    if time is None:
        return "-"
    unit, scale = next(
        (u, s) for u, s in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6), ("ns", 1e-9)) if time >= s or u == "ns"
    )
    return f"{time / scale:.3g} {unit}"


def _grouped(rows: Iterable[Row], *keys: str) -> dict[Any, dict[str, Row]]:
    """Rows by what was done, then by who did it, in order of appearance."""
    found: dict[Any, dict[str, Row]] = {}
    for row in rows:
        found.setdefault(tuple(row[k] for k in keys), {})[row["who"]] = row
    return found


def _who(cells: dict[Any, dict[str, Row]]) -> list[str]:
    names = dict.fromkeys(who for row in cells.values() for who in row)
    return sorted(names, key=lambda who: (who != "numpy", not who.startswith("symgrad")))


def _derived(row: Row | None) -> str:
    if row is None or not row.get("warm"):
        return str(row.get("status", "-")) if row else "-"
    status = row.get("status", "ok")
    return f"{1e3 * row['warm']:.2f} ms" + ("" if status == "ok" else f" ({status})")


def _answered(row: Row | None) -> bool:
    return row is not None and bool(row.get("warm")) and not row.get("status", "ok").startswith(UNANSWERED)


def functions(rows: Iterable[Row], part: str) -> str:
    """Derivatives or Hessians of the textbook functions, with how many times faster symgrad is."""
    cells = _grouped((r for r in rows if r["part"] == part and "name" in r), "name")
    peers = [p for p in _who(cells) if p != "symgrad"]
    body, ratios = [], []
    for (name,), row in cells.items():
        best = min((row[p]["warm"] for p in peers if _answered(row.get(p))), default=None)
        ratio = best / row["symgrad"]["warm"] if best and _answered(row.get("symgrad")) else None
        ratios += [ratio] if ratio else []
        body.append(
            [f"`{name}`", *(_derived(row.get(p)) for p in ("symgrad", *peers)), f"{ratio:.1f}" if ratio else "-"]
        )
    said = ", ".join(f"{p} {sum(_answered(row.get(p)) for row in cells.values())}" for p in ("symgrad", *peers))
    summary = f"Median ratio {statistics.median(ratios):.0f}, smallest {min(ratios):.1f}. " if ratios else ""
    return markdown(["function / variable", "symgrad", *peers, "ratio"], body) + f"\n{summary}Answered: {said}.\n"


def depths(rows: Iterable[Row], part: str) -> str:
    """Networks of growing depth."""
    cells = _grouped((r for r in rows if r["part"] == part), "depth")
    who = _who(cells)
    return markdown(["L", *who], ([str(L), *(_derived(row.get(p)) for p in who)] for (L,), row in cells.items()))


def best_peer(row: dict[str, Row]) -> float | None:
    """The time of the fastest contender that is neither symgrad nor written by hand."""
    return min((r["med"] for w, r in row.items() if not w.startswith(("symgrad", "numpy"))), default=None)


def _ratio(time: float | None, hand: float | None) -> str:
    return f"{time / hand:.2f}" if time and hand else "-"


def evaluated(rows: Sequence[Row]) -> str:
    """Time over hand-written NumPy at each size: symgrad, its compressed form, and the fastest peer."""
    body = []
    timed = [r for r in rows if "n" in r]
    for case in dict.fromkeys(r["case"] for r in timed):
        sizes = _grouped((r for r in timed if r["case"] == case), "n")
        lines: dict[str, Callable[[dict[str, Row]], str]] = {
            "symgrad": lambda at: _ratio(_median(at, "symgrad"), _median(at, "numpy")),
            "symgrad*": lambda at: _ratio(_median(at, "symgrad*"), _median(at, "numpy*")),
            "fastest peer": lambda at: _ratio(best_peer(at), _median(at, "numpy")),
        }
        for name, cell in lines.items():
            cells = [cell(at) for at in sizes.values()]
            if set(cells) != {"-"}:
                body.append([case, name, ", ".join(f"{n}: {c}" for (n,), c in zip(sizes, cells, strict=True))])
    return markdown(["case", "", "n: time / hand-written NumPy"], body)


def _median(at: dict[str, Row], who: str) -> float | None:
    return at[who]["med"] if who in at else None


def ready(rows: Iterable[Row]) -> str:
    """Seconds from the text (or function) to the first value."""
    cells = _grouped((r for r in rows if "ready" in r), "case")
    who = _who(cells)
    return markdown(
        ["case", *who],
        ([case, *(seconds(row[w]["ready"]) if w in row else "-" for w in who)] for (case,), row in cells.items()),
    )


def against(rows: Iterable[Row], head: str, keys: Sequence[str], base: str) -> str:
    """Each contender's time, and in brackets its ratio to `base`."""
    cells = _grouped(rows, *keys)
    who = sorted(_who(cells), key=lambda w: w != base)
    body = []
    for key, row in cells.items():
        hand = _median(row, base)
        shown = (f"{seconds(row[w]['med'])} ({_ratio(row[w]['med'], hand)})" if w in row else "-" for w in who)
        body.append([" ".join(map(str, key)), *shown])
    return markdown([head, *who], body)


def structured(rows: Iterable[Row]) -> str:
    """Making a Jacobian, one product with it, and the memory it takes."""
    body = [
        [
            f"{r['case']}, n = {r['n']}",
            r["who"],
            seconds(r["make_med"]),
            seconds(r["apply"]),
            f"{max(r['memory'], 0):.1f} MiB",
        ]
        for r in rows
    ]
    return markdown(["Jacobian", "who", "make", "J v", "memory"], body)


def started(rows: Iterable[Row]) -> str:
    """Whole processes: imports, and the first gradient of x'Ax."""
    body = [[r["part"], r["who"], seconds(r["med"]), seconds(r["cpu"])] for r in rows]
    return markdown(["", "process", "median", "CPU"], body)
