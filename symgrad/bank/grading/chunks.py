"""Chunks of answers on any executor of `concurrent.futures`, a cluster's included.

Only `submit(function, *plain data)` and futures are used, so that dask's `Client.get_executor()` or a class of one's
own serves as well as a pool of processes.  A chunk that breaks its worker is tried again answer by answer, in
processes of our own; an executor that is silent for too long is waited for no longer.

>>> from concurrent.futures import ThreadPoolExecutor
>>> asked = {"kind": "flattening", "shape": ["n", "m"], "order": "row"}
>>> with ThreadPoolExecutor(1) as pool:
...     [(i, o.verdict) for i, o in graded_by(pool, [Task(asked, ((7, "(i-1)*m+j"),))])]
[(7, 'right')]
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from typing import Any

from symgrad.bank.grading.crew import PATIENCE, Task, graded_by_crew
from symgrad.bank.grading.grader import unresolved
from symgrad.bank.grading.outcome import Outcome
from symgrad.bank.grading.worker import SECONDS, graded_chunk

AHEAD = 256  # chunks that wait in the executor at a time
SILENT = "the executor did not answer any more"

Chunk = Future[list[dict[str, Any]]]


def graded_by(executor: Executor, tasks: Sequence[Task], seconds: float = SECONDS) -> Iterator[tuple[int, Outcome]]:
    """The number and the outcome of every answer, as chunks are done."""
    waiting: dict[Chunk, Task] = {}
    broken: list[Task] = []
    rest = iter(tasks)
    try:
        while True:
            for task in rest:
                _submit(executor, task, seconds, waiting, broken)
                if len(waiting) >= AHEAD:
                    break
            if not waiting:
                break
            done, _ = wait(waiting, timeout=seconds * PATIENCE, return_when=FIRST_COMPLETED)
            if not done:
                break
            for future in done:
                yield from _of_chunk(future, waiting.pop(future), broken)
        for task in (*waiting.values(), *rest):
            yield from ((number, unresolved(SILENT)) for number, _ in task.answers)
        if broken:
            yield from graded_by_crew(broken, 1, seconds)
    finally:
        for future in waiting:
            future.cancel()


def _submit(executor: Executor, task: Task, seconds: float, waiting: dict[Chunk, Task], broken: list[Task]) -> None:
    try:
        waiting[executor.submit(graded_chunk, task.question, [a for _, a in task.answers], seconds)] = task
    except RuntimeError:  # a pool whose worker has died takes nothing more
        broken.append(task)


def _of_chunk(future: Chunk, task: Task, broken: list[Task]) -> Iterator[tuple[int, Outcome]]:
    try:
        found = future.result()
        outcomes = [Outcome.from_json(data) for data in found]
        pairs = list(zip(task.answers, outcomes, strict=True))
    except Exception:  # the worker died, or what it says is no verdict
        broken.append(task)
        return
    yield from ((number, outcome) for (number, _), outcome in pairs)
