"""The other end of `limited_process`: a program that answers requests, within limits it sets itself.

It reads a line of JSON for each request from standard input, and writes one for each answer.
"""

from __future__ import annotations

import errno
import importlib
import json
import math
import os
import resource
import signal
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

Function = Callable[[dict[str, Any]], dict[str, Any]]

BEYOND_LIMITS = {errno.ENOMEM, errno.EAGAIN, errno.EFBIG}
"""What the system says when there is no more memory, no more threads, or a file gets too large."""

ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGXCPU)
"""The signals that end this process: a person's, the system's, and that of the limit on processor time."""


def main() -> None:
    """Answer requests until there are no more."""
    module, _, name = sys.argv[1].partition(":")
    limits = json.loads(sys.argv[2])
    # A process inherits what its parent ignores, such as Ctrl-C if a shell started that in the background.
    for ended_by in ENDS:
        signal.signal(ended_by, signal.SIG_DFL)
    # What a library prints must not get between the answers.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    function: Function = getattr(importlib.import_module(module), name)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, limits["file_bytes"])
    _limit_memory(limits["memory_bytes"])
    with suppress(OSError):  # if the machine runs out of memory, this process is to go, not the one that asks
        Path("/proc/self/oom_score_adj").write_text("1000")
    print(json.dumps({"ready": True}), file=answers, flush=True)
    for line in sys.stdin.buffer:
        _limit_time(limits["cpu_seconds"])
        print(json.dumps(_answer(function, json.loads(line))), file=answers, flush=True)


def _answer(function: Function, request: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"answer": function(request)}
    except BaseException as error:
        if _is_death(error):
            return {"died": type(error).__name__}
        if isinstance(error, Exception):
            return {"fault": traceback.format_exc()[-20_000:]}
        raise


def _is_death(error: BaseException) -> bool:
    """Whether an error is as good as an end of the process."""
    if isinstance(error, OSError):
        return error.errno in BEYOND_LIMITS
    # A panic in Rust is no Exception, and has no class to import.
    return isinstance(error, MemoryError | RecursionError) or type(error).__name__ == "PanicException"


def _limit(what: int, value: int) -> None:
    """Set a limit, for good; one that is lower already stays."""
    _, hard = resource.getrlimit(what)
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(what, (value, value))


def _limit_memory(beyond: int) -> None:
    """Limit the address space to what there is now and so much more, where the system can do that."""
    with suppress(OSError, ValueError):
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        _limit(resource.RLIMIT_AS, pages * resource.getpagesize() + beyond)


def _limit_time(seconds: int) -> None:
    """Limit the processor time of the next request; the system ends the process that takes more."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    soft = math.ceil(used.ru_utime + used.ru_stime) + seconds
    resource.setrlimit(
        resource.RLIMIT_CPU, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard)
    )


if __name__ == "__main__":
    main()
