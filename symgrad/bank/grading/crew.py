"""A crew of workers, each watched: an answer that hangs or breaks its worker is given up, the others go on.

A worker is a process of its own (see `worker`), fed through a pipe by a thread.  It gets one answer at a time, so that
the guilty one is known when the operating system ends the worker, or when nothing comes back for too long; a new
worker takes its place.

>>> asked = {"kind": "flattening", "shape": ["n", "m"], "order": "row"}
>>> [(i, o.verdict) for i, o in graded_by_crew([Task(asked, ((7, "i*j"),))], jobs=1)]
[(7, 'wrong')]
"""

from __future__ import annotations

import json
import queue
import signal
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from symgrad.bank.grading.grader import unresolved
from symgrad.bank.grading.outcome import Outcome
from symgrad.bank.grading.process import LineProcess
from symgrad.bank.grading.worker import MEMORY, SECONDS, too_slow
from symgrad.errors import ParseError

PATIENCE = 20.0  # how many times the computing time of an answer is waited for, when others keep the machine busy
START = 120.0  # seconds for a worker to start
STOPPING = 5.0  # seconds for a thread that is just starting a worker
CHUNK = 16  # answers to one question that a worker takes at a time
WORKER = "symgrad.bank.grading.worker"


@dataclass(frozen=True, slots=True)
class Task:
    """Answers to one question, each with its number."""

    question: Mapping[str, Any]
    answers: tuple[tuple[int, str], ...]


def graded_by_crew(
    tasks: Iterable[Task], jobs: int, seconds: float = SECONDS, memory: int = MEMORY
) -> Iterator[tuple[int, Outcome]]:
    """The number and the outcome of every answer, as they are found; ends its workers when it is closed."""
    waiting = deque(tasks)
    found: queue.Queue[tuple[int, Outcome] | BaseException | None] = queue.Queue()
    crew = [_Watcher(waiting, found, seconds, memory) for _ in range(jobs)]
    for watcher in crew:
        watcher.start()
    try:
        busy = len(crew)
        while busy:
            said = found.get()
            if isinstance(said, BaseException):
                raise said
            if said is None:
                busy -= 1
            else:
                yield said
    finally:
        for watcher in crew:
            watcher.stop()


@dataclass
class _Watcher:
    """One worker and the thread that feeds it."""

    waiting: deque[Task]
    found: queue.Queue[tuple[int, Outcome] | BaseException | None]
    seconds: float
    memory: int
    process: LineProcess | None = None
    asked: Mapping[str, Any] | None = None
    stopped: bool = False
    thread: threading.Thread = field(init=False)

    def start(self) -> None:
        """Feed a worker as long as there are tasks."""
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def stop(self) -> None:
        """End the worker, also in the middle of an answer."""
        self.stopped = True
        if (process := self.process) is not None:
            process.kill()
        self.thread.join(STOPPING)
        self._end()

    def _run(self) -> None:
        try:
            while self.waiting and not self.stopped:
                try:
                    task = self.waiting.popleft()
                except IndexError:
                    break  # another one took it
                for number, answer in task.answers:
                    if self.stopped:
                        break
                    self.found.put((number, self._graded(task.question, answer)))
            self.found.put(None)
        except BaseException as error:
            self.found.put(error)

    def _graded(self, question: Mapping[str, Any], answer: str) -> Outcome:
        fresh = self.process is None
        try:
            process = self.process or LineProcess(WORKER, str(self.seconds), str(self.memory))
            self.process = process
            if self.asked is not question:
                process.tell(json.dumps({"question": question}))
                self.asked = question
            process.tell(json.dumps({"answer": answer}))
            line = process.line(self.seconds * PATIENCE + (START if fresh else 0))
        except (BrokenPipeError, ValueError):  # ValueError: the pipe was closed by `stop`
            line = ""
        return self._outcome(line)

    def _outcome(self, line: str | None) -> Outcome:
        if line and line.endswith("\n"):
            try:
                return Outcome.from_json(json.loads(line))
            except (ValueError, ParseError):
                pass
        status = self._end()
        return unresolved(too_slow(self.seconds) if line is None else self._why(status))

    def _why(self, status: int | None) -> str:
        """Why a worker ended, from its exit status."""
        if status == -getattr(signal, "SIGXCPU", 0):
            return too_slow(self.seconds)
        if status == -getattr(signal, "SIGKILL", 9):
            return "judging it was stopped by the system, probably for want of memory"
        return f"judging it ended its process (status {status})"

    def _end(self) -> int | None:
        """End the worker, if there is one; its exit status."""
        process, self.process, self.asked = self.process, None, None
        return None if process is None else process.end()
