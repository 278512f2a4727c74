"""The local AWS as a background server, and what its process does."""

from __future__ import annotations

import os
import signal
import sys
import threading
import urllib.error
import urllib.request
from pathlib import Path

from local_aws.background import BackgroundServer
from local_aws.environment import DEFAULT_MEMORY, endpoint_url

STATE_DIRECTORY = Path(".local/aws")
_PORT_OPTION = "--port"


def local_aws_server(
    port: int, directory: Path = STATE_DIRECTORY, memory: str = DEFAULT_MEMORY
) -> BackgroundServer:
    """Describe the local AWS as a background server.

    Args:
        port: where it listens.
        directory: for its pid, log and working files.
        memory: what its queries may hold in memory.
    """
    directory = directory.resolve()
    command = [sys.executable, "-m", "local_aws", "serve", _PORT_OPTION, str(port)]
    return BackgroundServer(
        name="local-aws",
        directory=directory,
        command=[*command, "--state-dir", str(directory), "--memory", memory],
        environment={"PYTHONPATH": _python_path()},
        answers=lambda: answers(endpoint_url(port)),
    )


def running_port(server: BackgroundServer) -> int | None:
    """Give the port a running server listens on, whatever port was asked for now; None if it does not run."""
    process = server.process()
    if process is None:
        return None
    command = process.cmdline()
    return int(command[command.index(_PORT_OPTION) + 1])


def answers(endpoint: str) -> bool:
    """Tell whether the local AWS answers at an address."""
    try:
        with urllib.request.urlopen(f"{endpoint}/moto-api/data.json", timeout=5) as response:  # noqa: S310
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def wait_for_signal() -> None:
    """Wait for TERM or INT, in the main thread."""
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    ended.wait()


def _python_path() -> str:
    """Let the new process find this package, wherever it was started from."""
    here = str(Path(__file__).resolve().parent.parent)
    return os.pathsep.join(part for part in (here, os.environ.get("PYTHONPATH", "")) if part)
