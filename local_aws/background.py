"""A server in the background: a pid file, a log, a wait until it answers, an end to it and its children."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

POLL_SECONDS = 0.1
TERM_SECONDS = 15.0
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
    """

    name: str
    directory: Path
    command: Sequence[str]
    environment: Mapping[str, str]
    answers: Callable[[], bool]
    start_seconds: float = 60.0

    @property
    def log(self) -> Path:
        """What the server prints."""
        return self.directory / f"{self.name}.log"

    @property
    def _pid_file(self) -> Path:
        return self.directory / f"{self.name}.pid"

    def process(self) -> psutil.Process | None:
        """Give the running server, or None; a pid file of an earlier boot of the machine does not count."""
        try:
            pid, started = self._pid_file.read_text().split()
            process = psutil.Process(int(pid))
            return process if process.create_time() == float(started) and process.is_running() else None
        except (FileNotFoundError, ValueError, psutil.NoSuchProcess):
            return None

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
        """End it and all it started: TERM, and KILL for what stays. False if it did not run."""
        process = self.process()
        if process is not None:
            family = [process, *process.children(recursive=True)]
            for signal in ("terminate", "kill"):
                for member in family:
                    try:
                        getattr(member, signal)()
                    except psutil.NoSuchProcess:
                        continue
                _, family = psutil.wait_procs(family, timeout=TERM_SECONDS)
        self._pid_file.unlink(missing_ok=True)
        return process is not None

    def _log_end(self) -> str:
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_LINES:]
        return "\n".join([f"The end of {self.log}:", *lines])
