"""What does grading a class cost?  Synthetic classes over the real bank and over questions made from the corpus.

    python bench/grading.py [--submissions 100000] [--distinct 2000] [--jobs 2] [--seed 0]

Answers are the derivatives in several spellings, and wrong ones as students make them: edits of the right formula,
the other layout, a factor, a sign, a term too much, unreadable ones.  Submissions are drawn from them by Zipf's law.
Printed are wall time and processor time (the machine may be shared), by stage, and the largest memory.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import resource
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from symgrad.bank.exercise import Bilingual, DerivativeQuestion, Exercise, Problem, Source, load_all
from symgrad.bank.grading.run import grade
from symgrad.derivation import Derivative, derivative
from symgrad.errors import SymgradError
from symgrad.notation.text import text
from symgrad.verification.edits import edits

ROOT = Path(__file__).parents[1]
NOTHING = Bilingual(en="", fa="")
CASES = 120  # of the corpus that become questions
PERSIAN = str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")


def bank() -> list[Exercise]:
    """The exercises of the repository, and one of the corpus."""
    return [*load_all([ROOT / "exercises"]), Exercise(ROOT, "corpus", NOTHING, Source(("corpus",), 1), NOTHING, None,
                                                      tuple(corpus_questions()))]  # fmt: skip


def corpus_questions() -> Iterator[DerivativeQuestion]:
    """First derivatives of the corpus, in mixed layout."""
    lines = (ROOT / "tests/corpus/cases.jsonl").read_text(encoding="utf-8").splitlines()
    cases = [case for case in map(json.loads, lines) if case["order"] == 1]
    for case in cases[:CASES]:
        where = "; ".join(f"{name}: {space}" for name, space in case["vars"].items())
        wrt = (case["wrt"],) if isinstance(case["wrt"], str) else tuple(case["wrt"])
        yield DerivativeQuestion(
            id=case["id"], text=NOTHING, finding=(), note=None, problem=Problem(where, case["expr"], {}), of=None,
            wrt=wrt, layout="mixed", vec=None, printed=None, show=(),
        )  # fmt: skip


def answers_to(question: DerivativeQuestion, pick: random.Random) -> list[str]:
    """Right and wrong answers to a question, the likely ones first."""
    found = derivative(
        question.problem.formula, list(question.wrt), of=question.of, where=question.problem.where,
        layout=question.layout,
    )  # fmt: skip
    if not found.matrix_form:
        return [str(found)]
    right = str(found)
    wrong = [text(e.tree) for e in islice(edits(found.tree), 60)] if found.tree is not None else []
    pick.shuffle(wrong)
    others = [
        f"-({right})",
        f"2*({right})",
        f"({right})'",
        f"({right})/2",
        f"{right} + {right}",
        f"({right}) + x",
        right + ")",
    ]
    return [right, f"d/d{question.wrt[0]} = {right}", in_other_layout(found), *wrong[:6], *others, *wrong[6:]]


def in_other_layout(found: Derivative) -> str:
    """The answer in numerator layout, where it has one."""
    try:
        return str(found.in_layout("numerator"))
    except SymgradError:
        return str(found)


def spelled(answer: str, pick: random.Random) -> str:
    """The same answer as another student types it."""
    return pick.choice((
        answer, answer, answer, f" {answer} .", answer.replace(" + ", "+"), answer.translate(PERSIAN),
        answer.replace("'", "’"), f"\u200f{answer}",
    ))  # fmt: skip


def write_class(path: Path, exercises: list[Exercise], submissions: int, distinct: int, seed: int) -> None:
    """A table of submissions with about so many distinct answers."""
    pick = random.Random(seed)
    asked = [(f"{e.id}/{q.id}", q) for e in exercises for q in e.questions if isinstance(q, DerivativeQuestion)]
    pools = {}
    for name, question in asked:
        try:
            pools[name] = answers_to(question, pick)
        except SymgradError:
            continue
    each = max(1, round(distinct / len(pools)))
    pairs = [(name, answer) for name, answers in pools.items() for answer in list(dict.fromkeys(answers))[:each]]
    weights = [1 / (1 + n % each) for n in range(len(pairs))]
    drawn = [*pairs, *pick.choices(pairs, weights, k=max(0, submissions - len(pairs)))]
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("student", "question", "answer"))
        for name, answer in drawn[:submissions]:
            rows.writerow((f"s{pick.randrange(submissions // 20 + 1):05d}", name, spelled(answer, pick)))


def processor_seconds() -> float:
    """Of this process and those it has waited for."""
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


class Stage:
    """Tells what a block of work cost."""

    def __init__(self, name: str):
        self.name = name

    def __enter__(self) -> None:
        self.wall, self.processor = time.perf_counter(), processor_seconds()

    def __exit__(self, *_: object) -> None:
        wall, processor = time.perf_counter() - self.wall, processor_seconds() - self.processor
        print(f"| {self.name} | {wall:.1f} | {processor:.1f} |")


def main() -> None:
    """Make a class, grade it, take it up again, write the reports."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--submissions", type=int, default=100_000)
    options.add_argument("--distinct", type=int, default=2000)
    options.add_argument("--jobs", type=int, default=2)
    options.add_argument("--seed", type=int, default=0)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        table, ledger, exercises = Path(folder, "class.csv"), Path(folder, "ledger.jsonl"), bank()
        write_class(table, exercises, given.submissions, given.distinct, given.seed)
        print("| stage | wall s | processor s |\n| --- | ---: | ---: |")
        with Stage("grade"):
            report = grade(exercises, table, jobs=given.jobs, ledger=ledger)
        with Stage("grade again, from the ledger"):
            again = grade(exercises, table, jobs=given.jobs, ledger=ledger)
        for name in ("report.csv", "report.json", "report.html"):
            with Stage(f"write {name}"):
                again.write(Path(folder, name))
    assert again.graded == 0
    largest = (resource.getrusage(who).ru_maxrss / 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    print(f"\n{report.summary}")
    print("largest memory: {:.0f} MB of the run, {:.0f} MB of a worker".format(*largest))


if __name__ == "__main__":
    main()
