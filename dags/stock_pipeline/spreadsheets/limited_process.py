"""Calls a function in a process with limits on memory and time, so that its death is an answer.

Parsers written in C or Rust end their process when they run out of memory or meet a state they did not
expect: there is nothing to catch. Here such an end reaches the caller as `ChildDied`. An error of ours (the
process cannot be started, the function has a fault, a person stops it) is another one, `ChildFault`.

The limits hold on Linux. Elsewhere the system may refuse the one on memory; the process and its time-out
stay.
"""

from __future__ import annotations

import json
import logging
import os
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Self

from stock_pipeline.errors import ChildDied, ChildFault

log = logging.getLogger(__name__)

CHILD = "stock_pipeline.spreadsheets.limited_child"
DAGS = Path(__file__).resolve().parents[2]

STARTING_SECONDS = 300.0
"""How long importing may take, on a machine that has much else to do; half a second is usual."""

ANSWER_BYTES = 4 << 20
"""The longest answer. Tables are handed over as files."""

LOGGED_BYTES = 4_000
"""How much of what the process says on standard error gets into the log."""

KEPT_VARIABLES = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH", "PYTHONHOME")
"""What the process gets of our environment, where settings and credentials are."""

OWN_VARIABLES = {
    "PYTHONUTF8": "1",
    # Each thread and each arena takes address space that is never used: without them a limit means something.
    "POLARS_MAX_THREADS": "1",
    "RAYON_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "1",
    # polars' allocator: what is freed goes back to the system, or it would count against the limit.
    "_RJEM_MALLOC_CONF": "retain:false,dirty_decay_ms:0,muzzy_decay_ms:0",
}

STOPPED = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
"""Signals by which a person or the system ends a program: the request is not to blame."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a request may take.

    Attributes:
        memory_bytes: address space, beyond what the program has once everything is imported.
        cpu_seconds: processor time.
        seconds: time by the clock, which a busy machine stretches.
        file_bytes: the size of each file that is written.
    """

    memory_bytes: int
    cpu_seconds: int
    seconds: float
    file_bytes: int


class LimitedProcess:
    """A process that calls one function for request after request, until one of them ends it.

    It starts at once and imports while the caller does something else; the first request waits for it.

    Args:
        function: `module:name`; takes and gives a dictionary that JSON can hold.
        limits: for each request.

    Raises:
        OSError: no process can be started.
    """

    def __init__(self, function: str, limits: Limits) -> None:
        self.limits = limits
        self._is_ready = False
        self._unread = b""
        self._folder = TemporaryDirectory(prefix="limited_process_")
        try:
            self._errors = Path(self._folder.name, "stderr")
            with self._errors.open("wb") as errors:
                # Not its own session: anyone who ends ours ends the process with it.
                self._process = subprocess.Popen(  # noqa: S603 - a command of ours
                    [sys.executable, "-P", "-m", CHILD, function, json.dumps(asdict(limits))],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    cwd=self._folder.name,
                    env=_environment(self._folder.name),
                )
        except BaseException:
            self._folder.cleanup()
            raise

    def __enter__(self) -> Self:
        """The process itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it."""
        self.close()

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """The function's answer.

        Raises:
            ChildDied: there is none, and the process is no more.
            ChildFault: it is not the request's fault that there is none.
        """
        if not self._is_ready:
            self._wait_until_ready()
        assert self._process.stdin is not None  # noqa: S101 - it was asked for
        try:
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise self._end() from None
        answer = self._answer(self.limits.seconds)
        if "fault" in answer:
            raise ChildFault(f"the separate process failed:\n{_printable(answer['fault'])}")
        if "died" in answer:
            self.close()
            raise ChildDied(answer["died"])
        result: dict[str, Any] = answer["answer"]
        return result

    def close(self) -> None:
        """End the process, whatever it is doing."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(BrokenPipeError):
                    pipe.close()
        if self._errors.exists() and (said := self._said()):
            log.warning("What a limited process said on standard error:\n%s", said)
        self._folder.cleanup()

    def _wait_until_ready(self) -> None:
        try:
            self._answer(STARTING_SECONDS)
        except ChildDied as died:
            raise ChildFault(f"the separate process could not be started: {died}") from died
        self._is_ready = True

    def _answer(self, seconds: float) -> dict[str, Any]:
        """The next line that the process writes."""
        assert self._process.stdout is not None  # noqa: S101 - it was asked for
        deadline = time.monotonic() + seconds
        pipe = self._process.stdout.fileno()
        while b"\n" not in self._unread[-65_536:]:
            if not select.select([pipe], [], [], max(0.0, deadline - time.monotonic()))[0]:
                self.close()
                raise ChildDied(f"no answer within {seconds:.0f} s")
            piece = os.read(pipe, 65_536)
            if not piece:
                raise self._end()
            self._unread += piece
            if len(self._unread) > ANSWER_BYTES:
                self.close()
                raise ChildDied(f"an answer of more than {ANSWER_BYTES:,} bytes")
        line, _, self._unread = self._unread.partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _end(self) -> ChildDied | ChildFault:
        """What the end of the process means."""
        code = self._process.wait()
        said = self._said()
        self.close()
        if code >= 0:
            return ChildDied(f"it ended with exit code {code}{': ' if said else ''}{said[-500:]}")
        ended_by = signal.Signals(-code)
        if ended_by in STOPPED:
            return ChildFault(f"the separate process was stopped by {ended_by.name}")
        if ended_by is signal.SIGXCPU:
            return ChildDied(f"it took more than {self.limits.cpu_seconds} s")
        return ChildDied(f"it ended with {ended_by.name}")

    def _said(self) -> str:
        with self._errors.open("rb") as errors:
            errors.seek(max(0, self._errors.stat().st_size - LOGGED_BYTES))
            return _printable(errors.read(LOGGED_BYTES).decode(errors="replace")).strip()


def _environment(folder: str) -> dict[str, str]:
    """All that the process knows of where it runs; what we can import, it can."""
    path = [str(DAGS), *(str(Path(entry or ".").resolve()) for entry in sys.path)]
    kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    return kept | OWN_VARIABLES | {"TMPDIR": folder, "PYTHONPATH": os.pathsep.join(dict.fromkeys(path))}


def _printable(text: str) -> str:
    """A text that may hold a stranger's, fit for a log."""
    return "".join(letter if letter.isprintable() or letter == "\n" else "?" for letter in text)
