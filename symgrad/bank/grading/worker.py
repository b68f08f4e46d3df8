"""A worker: a process that grades one answer after the other, `python -m symgrad.bank.grading.worker`.

It reads a JSON object a line from standard input, {"question": definition} or {"answer": text}, and writes the
outcome of each answer as one.  Memory is bounded for the whole process, computing time for each answer, both by
the operating system: what exceeds them is ended even inside a library.  `graded_chunk` is the same work for the
executors of others.

>>> graded_chunk({"kind": "flattening", "shape": ["n", "m"], "order": "row"}, ["(i-1)*m+j"])[0]["verdict"]
'right'
"""

from __future__ import annotations

import json
import signal
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

from symgrad.bank.exercise import Question
from symgrad.bank.grading.definition import question_of
from symgrad.bank.grading.grader import Grader, unresolved
from symgrad.bank.grading.process import bound_computing, bound_memory

SECONDS = 30.0  # of computing, for one answer
MEMORY = 4 * 2**30  # bytes, of a worker
GRACE = 2.0  # seconds between the signal and the end


class OutOfTime(BaseException):
    """An answer took too long; no handler of faults may keep it."""


@cache
def _grader() -> Grader:
    return Grader()


def graded_chunk(
    question: Mapping[str, Any], answers: Sequence[str], seconds: float | None = SECONDS
) -> list[dict[str, Any]]:
    """The outcomes of plain answers to one question, as plain data; fit for any executor.

    Where the process allows it (its main thread, POSIX), an answer that computes for more than `seconds` is
    left unresolved.
    """
    asked = question_of(question)
    return [_graded_in(seconds, asked, answer) for answer in answers]


def _graded_in(seconds: float | None, question: Question, answer: str) -> dict[str, Any]:
    try:
        with _limited(seconds):
            return _grader().graded(question, answer).to_json()
    except OutOfTime:
        _grader.cache_clear()  # what was half made is thrown away
        return unresolved(too_slow(seconds or 0)).to_json()


def too_slow(seconds: float) -> str:
    """The reason of an answer that was given up."""
    return f"judging it took more than {seconds:g} s"


@contextmanager
def _limited(seconds: float | None) -> Iterator[None]:
    """Raises OutOfTime in the block after so much computing, where signals can."""
    if seconds is None or not hasattr(signal, "SIGVTALRM") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(*_: object) -> None:
        raise OutOfTime

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


# --- the process ------------------------------------------------------------------------------


def main() -> None:
    """Serve until standard input ends; arguments: seconds for an answer, bytes of memory."""
    seconds, memory = float(sys.argv[1]), int(sys.argv[2])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the run ends its workers itself
    bound_memory(memory)
    grader, question = Grader(), None
    for line in sys.stdin:
        request = json.loads(line)
        if "question" in request:
            question = question_of(request["question"])
            continue
        assert question is not None, "the question comes before its answers"
        bound_computing(seconds)
        _write(grader.graded(question, request["answer"]).to_json())


def _write(data: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(data) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
