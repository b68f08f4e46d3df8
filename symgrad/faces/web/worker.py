"""A worker of the web page: a process that answers requests, `python -m symgrad.faces.web.worker SECONDS BYTES`.

A line in is JSON, [kind, request as it came]; a line out is the HTTP status, a blank and the result as JSON.  What a
request may be is decided in `batch`; nothing here is run, read or written that a request names.

>>> reply("derive", '{"expression": "x", "wrt": "z"}')[:4]
'400 '
"""

from __future__ import annotations

import json
import signal
import sys
from typing import Any

from symgrad.bank.grading.process import bound_computing, bound_memory
from symgrad.errors import LimitError
from symgrad.faces.batch import answered
from symgrad.faces.options import as_bug, error_fields
from symgrad.faces.show import json_line
from symgrad.verification.persian import in_persian_words

LONGEST = 8_000_000  # characters of a reply


def reply(kind: str, request: str) -> str:
    """Status and result: 200; 400 where the request cannot be used; 500 where symgrad is at fault."""
    try:
        found = _with_persian(answered(request, kind))
        status, written = 400 if "error" in found else 200, json_line(found)
    except Exception as fault:
        status, written = 500, json_line({"error": error_fields(as_bug(fault))})
    if len(written) > LONGEST:
        error = LimitError(f"the result has more than {LONGEST} characters", hint="symgrad derive, in a terminal")
        status, written = 400, json_line({"error": error_fields(error)})
    return f"{status} {written}"


def _with_persian(found: dict[str, Any]) -> dict[str, Any]:
    """The same, with what is said of it in Persian too: `message_fa` and `hint_fa` of an error, `remarks_fa`."""
    error, also = found.get("error"), found.get("also")
    if isinstance(error, dict):
        error |= {f"{name}_fa": in_persian_words(error[name]) for name in ("message", "hint") if error.get(name)}
    if isinstance(also, dict) and isinstance(also.get("remarks"), list):
        also["remarks_fa"] = [in_persian_words(line) for line in also["remarks"]]
    return found


def main() -> None:
    """Serve until standard input ends; arguments: seconds of computing for a request, bytes of memory."""
    seconds, memory = float(sys.argv[1]), int(sys.argv[2])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the server ends its workers itself
    for stream in (sys.stdin, sys.stdout):
        stream.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    bound_memory(memory)
    for line in sys.stdin:
        kind, request = json.loads(line)
        bound_computing(seconds)
        sys.stdout.write(reply(kind, request) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
