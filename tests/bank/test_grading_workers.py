"""Workers that hang, die and lie; executors of every kind; runs that are killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import pytest

import symgrad
from symgrad.bank.exercise import load
from symgrad.bank.grading import chunks, crew, worker
from symgrad.bank.grading.crew import Task, graded_by_crew
from symgrad.bank.grading.definition import definition
from symgrad.bank.grading.run import grade
from symgrad.bank.grading.worker import graded_chunk

ROOT = Path(__file__).parents[2]
QUIZ = ROOT / "examples/class/quiz.toml"
ASKED = definition(load(QUIZ).questions[0])
TROUBLE = """
import os, time
import symgrad.bank.grading.grader as grader
judge = grader.Grader._judged
def judged(self, question, answer):
    if answer == "loop":
        while True: pass
    if answer == "sleep": time.sleep(3600)
    if answer == "die": os.kill(os.getpid(), 9)
    if answer == "exit": os._exit(3)
    if answer == "memory": return bytearray(2**45)
    if answer == "lie": os.write(1, b"[]\\n")
    if answer == "fault": raise ZeroDivisionError("a fault of ours")
    return judge(self, question, answer)
grader.Grader._judged = judged
"""


@pytest.fixture
def trouble(tmp_path, monkeypatch):
    """Workers that come into trouble at certain answers."""
    (tmp_path / "sitecustomize.py").write_text(TROUBLE)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))


def outcomes(answers, **options) -> dict[str, tuple[str, str]]:
    task = Task(ASKED, tuple(enumerate(answers)))
    found = dict(graded_by_crew([task], options.pop("jobs", 1), **options))
    assert sorted(found) == list(range(len(answers)))
    return {answers[i]: (o.verdict, o.feedback) for i, o in found.items()}


def test_an_answer_that_breaks_its_worker_is_given_up_and_the_others_go_on(trouble):
    found = outcomes(["A*x + A'*x", "die", "2*A*x", "exit", "memory", "fault", "lie", "(A + A')*x"])
    assert found["A*x + A'*x"][0] == found["(A + A')*x"][0] == "right" and found["2*A*x"][0] == "wrong"
    reasons = {answer: found[answer] for answer in ("die", "exit", "memory", "fault", "lie")}
    assert {verdict for verdict, _ in reasons.values()} == {"unresolved"}
    assert "stopped by the system" in reasons["die"][1] and "status 3" in reasons["exit"][1]
    assert "MemoryError" in reasons["memory"][1] and "ZeroDivisionError: a fault of ours" in reasons["fault"][1]


def test_an_answer_that_computes_for_ever_is_ended_by_the_system(trouble):
    pytest.importorskip("resource")
    found = outcomes(["loop", "2*A*x"], seconds=1.0)
    assert found["loop"] == ("unresolved", "judging it took more than 1 s") and found["2*A*x"][0] == "wrong"


def test_an_answer_that_waits_for_ever_is_ended_by_the_clock(trouble, monkeypatch):
    monkeypatch.setattr(crew, "PATIENCE", 1.0)  # the first answer of a worker has time for its start besides
    found = outcomes(["2*A*x", "sleep", "(A + A')*x"], seconds=2.0)
    assert found["sleep"] == ("unresolved", "judging it took more than 2 s")
    assert (found["2*A*x"][0], found["(A + A')*x"][0]) == ("wrong", "right")


def test_memory_of_a_worker_is_bounded():
    pytest.importorskip("resource")
    code = "import sys; from symgrad.bank.grading import process; process.bound_memory(2**30); bytearray(2**31)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "MemoryError" in run.stderr


def test_workers_import_nothing_from_the_folder_they_are_started_in(tmp_path, monkeypatch):
    (tmp_path / "json.py").write_text("raise SystemExit('imported')")
    monkeypatch.chdir(tmp_path)
    assert outcomes(["2*A*x"])["2*A*x"][0] == "wrong"


def test_a_crew_that_is_closed_leaves_no_worker(trouble):
    running = graded_by_crew([Task(ASKED, tuple(enumerate(["x", *["sleep"] * 5])))], 1)
    next(running)
    start = time.monotonic()
    running.close()
    assert time.monotonic() - start < 10


# --- executors --------------------------------------------------------------------------------

ANSWERS = [("Ada", "quadratic", "(A + A')*x"), ("Basil", "quadratic", "2*A*x"), ("Cyrus", "relu", "A'*ones(m)")]
GRADED = ["right", "wrong", "wrong"]


class AtOnce(Executor):
    """All that is asked of an executor: submit, which gives a future."""

    def __init__(self):
        self.asked = []

    def submit(self, fn, /, *args, **kwargs):
        self.asked.append(json.loads(json.dumps(args)))  # plain data
        future: Future = Future()
        future.set_result(fn(*args, **kwargs))
        return future


class Broken(AtOnce):
    """Its futures fail, give nonsense, or it takes nothing at all."""

    def __init__(self, how):
        super().__init__()
        self.how = how

    def submit(self, fn, /, *args, **kwargs):
        future: Future = Future()
        if self.how == "refuses":
            raise RuntimeError("cannot schedule new futures")
        if self.how == "fails":
            future.set_exception(OSError("the node is gone"))
        elif self.how != "silent":
            future.set_result({"nonsense": [{"verdict": "perfect"}], "few": []}[self.how])
        return future


def verdicts(**options) -> list[str]:
    return [row.outcome.verdict for row in grade(QUIZ, ANSWERS, **options).rows()]


def test_an_executor_of_ones_own():
    mine = AtOnce()
    assert verdicts(executor=mine) == GRADED
    assert len(mine.asked) == 2 and mine.asked[0][0]["kind"] == "derivative"  # a chunk for each question


@pytest.mark.parametrize("pool", [ThreadPoolExecutor, ProcessPoolExecutor])
def test_pools(pool):
    with pool(2) as executor:
        assert verdicts(executor=executor) == GRADED


@pytest.mark.parametrize("how", ["refuses", "fails", "nonsense", "few"])
def test_a_broken_executor_loses_no_answer(how):
    assert verdicts(executor=Broken(how)) == GRADED


def test_an_executor_that_is_silent_is_not_waited_for_for_ever(monkeypatch):
    monkeypatch.setattr(chunks, "PATIENCE", 0.01)
    assert verdicts(executor=Broken("silent")) == ["unresolved"] * 3


def test_a_pool_whose_process_dies(trouble):
    """The pool breaks; in processes of our own the guilty answer is found and the others are graded."""
    code = f"""
import sys
from concurrent.futures import ProcessPoolExecutor
from symgrad.bank.grading.run import grade
if __name__ == "__main__":
    answers = [("Ada", "quadratic", "die"), ("Basil", "quadratic", "2*A*x"), ("Cyrus", "relu", "A'*ones(m)")]
    with ProcessPoolExecutor(1) as pool:
        print([row.outcome.verdict for row in grade({str(QUIZ)!r}, answers, executor=pool).rows()])
"""
    home = str(Path(symgrad.__file__).parents[1])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((os.environ["PYTHONPATH"], home))}
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert run.stdout.strip() == "['unresolved', 'wrong', 'wrong']", run.stderr


def test_a_slow_answer_in_a_chunk_costs_itself_alone(monkeypatch):
    if not hasattr(signal, "SIGVTALRM"):
        pytest.skip("no such signal here")
    judge = worker.Grader.graded

    def graded(self, question, answer):
        while answer == "loop":
            pass
        return judge(self, question, answer)

    monkeypatch.setattr(worker.Grader, "graded", graded)
    found = graded_chunk(ASKED, ["2*A*x", "loop", "(A + A')*x"], 0.2)
    assert [f["verdict"] for f in found] == ["wrong", "unresolved", "right"]
    assert found[1]["feedback"] == "judging it took more than 0.2 s"


# --- runs that are killed ---------------------------------------------------------------------

COUNT = 30
RUN = """
import sys
from symgrad.bank.grading.run import grade
answers = [(f"s{i}", "quadratic", f"{i}*A*x + A'*x") for i in range(int(sys.argv[2]))]
print(grade(sys.argv[1], answers, jobs=2, ledger=sys.argv[3]).graded)
"""


def started(ledger: Path) -> subprocess.Popen:
    home = str(Path(symgrad.__file__).parents[1])
    environment = {**os.environ, "PYTHONPATH": home}
    command = [sys.executable, "-c", RUN, str(QUIZ), str(COUNT), str(ledger)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)


def records(ledger: Path) -> list[str]:
    """The keys of the whole lines."""
    found = []
    for line in ledger.read_text(encoding="utf-8").split("\n") if ledger.exists() else []:
        try:
            found.append(json.loads(line)["key"])
        except ValueError:
            continue
    return found


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no such signal here")
def test_a_run_that_is_killed_again_and_again_loses_nothing_and_does_nothing_twice(tmp_path):
    ledger, before = tmp_path / "ledger.jsonl", 0
    for _ in range(2):
        run = started(ledger)
        deadline = time.monotonic() + 60
        while len(records(ledger)) < before + 5 and run.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        run.send_signal(signal.SIGKILL)
        run.wait()
        assert run.stdout is not None
        run.stdout.close()
        before = len(records(ledger))
        assert before >= 5
        with ledger.open("ab") as file:
            file.write(b'\n{"key": "torn", "outc')
    last = started(ledger)
    said, _ = last.communicate(timeout=120)
    assert int(said) == COUNT - before
    keys = records(ledger)
    assert len(keys) == len(set(keys)) == COUNT
    fresh = [(f"s{i}", "quadratic", f"{i}*A*x + A'*x") for i in range(COUNT)]
    resumed, whole = grade(QUIZ, fresh, ledger=ledger), grade(QUIZ, fresh, jobs=2)
    assert resumed.graded == 0 and resumed.to_json()["rows"] == whole.to_json()["rows"]


def test_two_runs_at_once_do_not_spoil_the_ledger(tmp_path):
    ledger = tmp_path / "ledger.jsonl"
    runs = [started(ledger), started(ledger)]
    assert [run.communicate(timeout=120)[1] for run in runs] == [None, None]
    lines = [line for line in ledger.read_text(encoding="utf-8").split("\n") if line]
    assert len({json.loads(line)["key"] for line in lines}) == COUNT  # every line is whole
    by_key: dict[str, set[str]] = {}
    for line in lines:
        by_key.setdefault(json.loads(line)["key"], set()).add(json.dumps(json.loads(line)["outcome"]))
    assert all(len(said) == 1 for said in by_key.values())
