"""Graded answers written by hand before the search was mended, in `graded/*.txt`.

    P expression | by (several with commas) | declarations | layout | domain
    answer => ids under which its mistake may be named, or right; a ? where the program names none of them

H begins a problem that was held back: a third of the problems of the first mending, drawn by a fixed seed (they were
open for the second one), and all of `classics.txt`, written before the second one; 89 % of it were named before and
94 % after it, which is what to expect of unseen answers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

FOLDER = Path(__file__).parent / "graded"


@dataclass
class Problem:
    expression: str
    wrt: str | list[str]
    where: str
    layout: str
    domain: str | None
    held_back: bool
    answers: list[tuple[str, tuple[str, ...], bool]] = field(default_factory=list)  # answer, ids, named as one of them


def problems(name: str) -> list[Problem]:
    found: list[Problem] = []
    for line in _lines(name):
        if line[:2] in ("P ", "H "):
            expression, by, where, layout, *domain = [part.strip() for part in line[2:].split(" | ")]
            wrt = by.split(",") if "," in by else by
            found.append(Problem(expression, wrt, where, layout, domain[0] if domain else None, line[0] == "H"))
        else:
            answer, said = line.rsplit("=>", 1)
            ids = tuple(i.strip() for i in said.replace("?", "").split(",") if i.strip())
            found[-1].answers.append((answer.strip(), ids, "?" not in said))
    return found


def _lines(name: str) -> Iterator[str]:
    for line in (FOLDER / f"{name}.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("# "):
            yield line


FILES = sorted(path.stem for path in FOLDER.glob("*.txt"))
