"""A server in the background: a pid file, a log, a wait until it answers, an end to it and its children."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

POLL_SECONDS = 0.1
KILL_SECONDS = 15.0
CLOCK_SECONDS = 5.0
"""How far a process's start may seem to move: it is told from the clock, which is set now and then."""
LOG_LINES = 15


class StartError(Exception):
    """The server did not come up; the message says why, with the end of its log."""


@dataclass(frozen=True)
class BackgroundServer:
    """A server that outlives the command that started it.

    Attributes:
        name: what messages call it; also names its `.pid` and `.log`.
        directory: where these lie.
        command: what starts it.
        environment: its environment variables.
        answers: whether it is up; asked again and again while it starts.
        start_seconds: how long it may take to come up.
        end_seconds: how long it may take to end by itself before it is killed.
    """

    name: str
    directory: Path
    command: Sequence[str]
    environment: Mapping[str, str]
    answers: Callable[[], bool]
    start_seconds: float = 60.0
    end_seconds: float = 15.0

    @property
    def log(self) -> Path:
        """What the server prints."""
        return self.directory / f"{self.name}.log"

    @property
    def _pid_file(self) -> Path:
        return self.directory / f"{self.name}.pid"

    def process(self) -> psutil.Process | None:
        """Give the running server, or None; a pid file of an earlier boot of the machine does not count."""
        recorded = self._recorded()
        return None if recorded is None else _started_at(*recorded)

    def family(self) -> list[psutil.Process]:
        """Give the server and all that runs because of it, also where the server itself is gone.

        What it started is in its session, whichever parent it has by now.
        """
        recorded = self._recorded()
        if recorded is None:
            return []
        pid, started = recorded
        server = _started_at(pid, started)
        # A session keeps its number from others; one without its first process is ours if it is of this boot.
        if server is None and (psutil.pid_exists(pid) or started < psutil.boot_time() - CLOCK_SECONDS):
            return []
        members = {process.pid: process for process in _session(pid)}
        if server is not None:
            with contextlib.suppress(psutil.NoSuchProcess):
                members |= {child.pid: child for child in server.children(recursive=True)}
        return [process for process in members.values() if _lives(process)]

    def launch(self) -> None:
        """Start it without waiting for it; it must not be running.

        Raises:
            StartError: something else answers at its address already.
        """
        if self.answers():
            raise StartError(f"{self.name}: its port is taken by another program; choose another port")
        self.directory.mkdir(parents=True, exist_ok=True)
        with self.log.open("wb") as log:
            child = subprocess.Popen(  # noqa: S603 - a command of ours
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={**os.environ, **self.environment},
            )
        self._pid_file.write_text(f"{child.pid} {psutil.Process(child.pid).create_time()}")

    def wait(self) -> None:
        """Wait until it answers.

        Raises:
            StartError: it ended, or did not answer in time.
        """
        deadline = time.monotonic() + self.start_seconds
        while not self.answers():
            process = self.process()
            if process is None or process.status() == psutil.STATUS_ZOMBIE:
                raise StartError(f"{self.name} ended while starting. {self._log_end()}")
            if time.monotonic() > deadline:
                raise StartError(
                    f"{self.name} does not answer after {self.start_seconds:.0f} s. {self._log_end()}"
                )
            time.sleep(POLL_SECONDS)

    def stop(self) -> bool:
        """End it and all it started: TERM, and KILL for what stays. False if nothing of it ran."""
        family = found = self.family()
        _send("terminate", family)
        psutil.wait_procs(family, timeout=self.end_seconds)
        deadline = time.monotonic() + KILL_SECONDS
        # Again and again, because what is being ended may start something yet.
        while (family := self.family()) and time.monotonic() < deadline:
            _send("kill", family)
            psutil.wait_procs(family, timeout=1)
        self._pid_file.unlink(missing_ok=True)
        return bool(found)

    def _recorded(self) -> tuple[int, float] | None:
        """The number and the start of the process that was launched last."""
        try:
            pid, started = self._pid_file.read_text().split()
            return int(pid), float(started)
        except (FileNotFoundError, ValueError):
            return None

    def _log_end(self) -> str:
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_LINES:]
        return "\n".join([f"The end of {self.log}:", *lines])


def _started_at(pid: int, started: float) -> psutil.Process | None:
    """Give the process of that number if it is the one that was started then."""
    try:
        process = psutil.Process(pid)
        same = abs(process.create_time() - started) < CLOCK_SECONDS
        return process if same and process.is_running() else None
    except psutil.NoSuchProcess:
        return None


def _session(leader: int) -> Iterator[psutil.Process]:
    """Give the processes of a session."""
    for pid in psutil.pids():
        with contextlib.suppress(OSError, psutil.NoSuchProcess):
            if os.getsid(pid) == leader:
                yield psutil.Process(pid)


def _lives(process: psutil.Process) -> bool:
    """Whether a process does anything yet: one that has ended stays in the list until its parent looks."""
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _send(signal: str, processes: Sequence[psutil.Process]) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            getattr(process, signal)()
