"""The server in the background: a pid file, a log file, a wait until it answers, and an end to it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

from local_aws.environment import endpoint_url

_START_SECONDS = 60.0
_TERM_SECONDS = 15.0
_POLL_SECONDS = 0.05


class StartError(Exception):
    """The server did not come up; the message says why."""


class Background:
    """The server kept by a state directory.

    Args:
        directory: holds `server.pid`, `server.log` and the server's working files.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory.resolve()
        self.log = self.directory / "server.log"
        self._record = self.directory / "server.pid"

    def running(self) -> tuple[int, int] | None:
        """Give the running server's (process id, port), or None."""
        try:
            record = json.loads(self._record.read_text(encoding="utf-8"))
        except (FileNotFoundError, json.JSONDecodeError):
            return None
        pid, port = int(record["pid"]), int(record["port"])
        # A pid file outlives a machine's restart, and the number may be another process's by then.
        return (pid, port) if _alive(pid) and _command_is_ours(pid) else None

    def start(self, port: int, memory: str) -> str:
        """Start the server unless it runs, and wait until it answers.

        Returns:
            Its address.

        Raises:
            StartError: if it does not come up, with the end of its log.
        """
        running = self.running()
        if running is not None:
            if running[1] != port:
                raise StartError(f"already running on port {running[1]}; stop it first")
            return endpoint_url(port)
        self.directory.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "local_aws", "serve", "--port", str(port)]
        command += ["--state-dir", str(self.directory), "--memory", memory]
        with self.log.open("wb") as log:
            process = subprocess.Popen(  # noqa: S603 - our own interpreter and arguments
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={**os.environ, "PYTHONPATH": _python_path()},
            )
        self._record.write_text(json.dumps({"pid": process.pid, "port": port}), encoding="utf-8")
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            if process.poll() is not None:
                self._record.unlink(missing_ok=True)
                raise StartError(self._log_end())
            if answers(endpoint_url(port)):
                return endpoint_url(port)
            time.sleep(_POLL_SECONDS)
        self.stop()
        raise StartError(f"no answer on port {port} after {_START_SECONDS:.0f} s; see {self.log}")

    def stop(self) -> bool:
        """End the server: TERM, and KILL if it does not go. False if none ran."""
        running = self.running()
        if running is not None:
            _end(running[0])
        self._record.unlink(missing_ok=True)
        return running is not None

    def _log_end(self) -> str:
        lines = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return lines[-1] if lines else f"the server ended at once; see {self.log}"


def answers(endpoint: str) -> bool:
    """Tell whether the local AWS answers at an address."""
    try:
        with urllib.request.urlopen(f"{endpoint}/moto-api/data.json", timeout=5) as response:  # noqa: S310
            return response.status == 200
    except (urllib.error.URLError, OSError):
        return False


def wait_for_signal() -> None:
    """Wait for TERM or INT, in the main thread."""
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    ended.wait()


def _end(pid: int) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        deadline = time.monotonic() + _TERM_SECONDS
        while time.monotonic() < deadline:
            if not _alive(pid):
                return
            time.sleep(_POLL_SECONDS)


def _alive(pid: int) -> bool:
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)  # a child that has ended is a zombie until somebody asks
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _command_is_ours(pid: int) -> bool:
    listed = subprocess.run(  # noqa: S603 - a fixed command
        ["ps", "-o", "args=", "-p", str(pid)],  # noqa: S607 - ps is where the system has it
        capture_output=True,
        text=True,
        check=False,
    )
    return "local_aws" in listed.stdout


def _python_path() -> str:
    """Let the new process find this package, wherever it was started from."""
    here = str(Path(__file__).resolve().parent.parent)
    return os.pathsep.join(part for part in (here, os.environ.get("PYTHONPATH", "")) if part)
