"""A process of its own that answers line by line, watched: who hangs, grows or dies harms nobody else.

`LineProcess` is the side that asks: a line goes through a pipe, a line comes back, or nothing in time.  The other side
is any module whose `main` reads lines; it bounds its own memory and computing with `bound_memory` and
`bound_computing`, so that the operating system ends what exceeds them even inside a library.

>>> echo = LineProcess("json.tool", "--json-lines", "--compact")
>>> echo.tell('{"a": 1}'); echo.process.stdin.close(); echo.line(60), echo.end()
('{"a":1}\\n', 0)
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

from symgrad.errors import DomainError

ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")  # workers are as many as cores


class LineProcess:
    """`python -m MODULE ARGUMENTS...`; nothing is imported from the folder that it is started in.

    Raises DomainError where it cannot be started.
    """

    def __init__(self, module: str, *arguments: str):
        home = str(Path(__file__).parents[3])
        path = os.pathsep.join(filter(None, (home, os.environ.get("PYTHONPATH"))))
        environment = {**os.environ, "PYTHONPATH": path, **dict.fromkeys(ONE_THREAD, "1")}
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", module, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL, encoding="utf-8", env=environment,
            )  # fmt: skip
        except OSError as error:
            raise DomainError(f"no worker can be started: {error}") from error

    def tell(self, line: str) -> None:
        """Send a line.  Raises BrokenPipeError where nobody reads it any more."""
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def line(self, patience: float) -> str | None:
        """What the process says; nothing where it has ended, None (and its end) where it was silent for too long."""
        silent = threading.Event()
        assert self.process.stdout is not None

        def give_up() -> None:
            silent.set()
            self.process.kill()

        timer = threading.Timer(patience, give_up)
        timer.daemon = True
        timer.start()
        try:
            said = self.process.stdout.readline()
        finally:
            timer.cancel()
        return None if silent.is_set() else said

    def kill(self) -> None:
        """End the process at once, from any thread."""
        self.process.kill()

    def end(self) -> int:
        """End the process, if it has not ended itself; its exit status."""
        try:
            status = self.process.wait(timeout=0.2)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            try:
                if pipe is not None:
                    pipe.close()
            except OSError:
                pass  # what was not sent any more
        return status


# --- inside the process ---------------------------------------------------------------------------


def bound_memory(memory: int) -> None:
    """The process may use so many bytes."""
    try:
        import resource
    except ImportError:
        return  # not on this system
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (memory if most < 0 else min(memory, most), most))


def bound_computing(seconds: float) -> None:
    """The process may compute for so long from now on."""
    try:
        import resource
    except ImportError:
        return
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, most = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime + seconds + 1), most))
