"""Workers for the web page: as many requests at a time as there are workers, each in a bounded time.

A request that takes too long, too much memory or its worker's life is answered by an error; a new process takes the
place when the next request comes, and the other workers notice nothing.

>>> pool = Pool(jobs=1, seconds=60)
>>> status, body = pool.ask("derive", '{"expression": "x\\'*x", "wrt": "x"}')
>>> pool.close(); status, '"text": "2*x"' in body
(200, True)
"""

from __future__ import annotations

import json
import os
import queue
import signal
import threading
from dataclasses import dataclass

from symgrad.bank.grading.process import LineProcess
from symgrad.errors import LimitError, SymgradError
from symgrad.faces.options import error_fields

WORKER = "symgrad.faces.web.worker"
SECONDS = 10.0  # for a request
START = 60.0  # more for a worker that has to start
MEMORY = 2 * 2**30  # bytes, of a worker
WAITING = 2.0  # times the seconds of a request that one waits for a free worker
FIRST = '{"expression": "s = sum(exp(x))", "wrt": "x", "also": ["numpy", "mathml", "check"]}'  # loads what is heavy

Reply = tuple[int, str]


@dataclass(slots=True)
class _Place:
    """Where a worker is, or will be."""

    process: LineProcess | None = None


class Pool:
    """`jobs` workers, started when they are first needed or by `warm`; `ask` is for many threads."""

    def __init__(self, jobs: int | None = None, seconds: float = SECONDS, memory: int = MEMORY):
        self.seconds, self.memory, self.closed = seconds, memory, False
        self._places = [_Place() for _ in range(jobs or max(2, min(4, os.cpu_count() or 2)))]
        self._idle: queue.LifoQueue[_Place] = queue.LifoQueue()
        for place in self._places:
            self._idle.put(place)

    def warm(self) -> None:
        """Start the workers in the background."""
        for _ in self._places:
            threading.Thread(target=self.ask, args=("derive", FIRST), daemon=True).start()

    def ask(self, kind: str, request: str) -> Reply:
        """HTTP status and JSON of a request: 503 where all are busy for long, 504 where it took too long."""
        try:
            place = self._idle.get(timeout=self.seconds * WAITING)
        except queue.Empty:
            return refusal(503, LimitError("all workers are busy", hint="again in a moment"))
        try:
            return self._asked(place, json.dumps([kind, request]))
        except SymgradError as error:  # no worker can be started
            return refusal(503, error)
        finally:
            self._idle.put(place)

    def _asked(self, place: _Place, line: str) -> Reply:
        if self.closed:
            return refusal(503, LimitError("the server is being stopped"))
        patience = self.seconds + (0 if place.process else START)
        process = place.process = place.process or LineProcess(WORKER, str(self.seconds), str(self.memory))
        try:
            process.tell(line)
            said = process.line(patience)
        except (OSError, ValueError):  # it has ended since, or is being ended
            said = ""
        if said and said.endswith("\n"):
            return int(said[:3]), said[4:]
        place.process, status = None, process.end()
        return self._why(None if said is None else status)

    def _why(self, status: int | None) -> Reply:
        """What is said where a worker came to no end (None), or to this one."""
        if status is None or status == -getattr(signal, "SIGXCPU", 0):
            hint = "a smaller problem, or the command line, which takes its time"
            return refusal(504, LimitError(f"this takes more than {self.seconds:g} s of work", hint=hint))
        if status == -getattr(signal, "SIGKILL", 9):
            return refusal(504, LimitError("this was stopped by the system, probably for want of memory"))
        return refusal(500, SymgradError(f"a fault in symgrad, not in your input: a worker ended with status {status}"))

    def close(self) -> None:
        """End all workers, also in the middle of a request."""
        self.closed = True
        for place in self._places:
            if (process := place.process) is not None:
                process.kill()
                process.end()


def refusal(status: int, error: SymgradError) -> Reply:
    """An error as a reply."""
    return status, json.dumps({"error": error_fields(error)}, ensure_ascii=False)
