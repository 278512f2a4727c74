"""The demo's three servers: who may start them, and the end of them all."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path

import psutil

from demo import REPOSITORY
from demo.airflow_local import airflow_server
from demo.front_end import front_end_server
from demo.options import AIRFLOW, FRONT_END, LOCAL_AWS, DemoError
from local_aws.background import BackgroundServer
from local_aws.process import STATE_DIRECTORY, local_aws_server

AWS_STATE = REPOSITORY / STATE_DIRECTORY
LOCK = REPOSITORY / ".local" / "demo.lock"
"""Held by the `make demo` or `make down` that is at work; its number is in it."""

END_SECONDS = 90.0
POLL_SECONDS = 0.1


def known_servers() -> tuple[BackgroundServer, ...]:
    """The servers as they are ended: whatever their ports are, their processes are noted in this folder."""
    return (
        front_end_server(FRONT_END.default, {}),
        airflow_server(AIRFLOW.default, {}),
        local_aws_server(LOCAL_AWS.default, AWS_STATE),
    )


def stop_all() -> list[str]:
    """End what runs of them, all at once; returns their names."""
    servers = known_servers()
    with ThreadPoolExecutor(len(servers)) as pool:
        stopped = list(pool.map(BackgroundServer.stop, servers))
    return [server.name for server, was_up in zip(servers, stopped, strict=True) if was_up]


def own_ports() -> set[int]:
    """The ports on which an earlier demo of this folder listens."""
    ports = set()
    for server in known_servers():
        for process in server.family():
            with contextlib.suppress(psutil.Error):
                listening = [c for c in process.net_connections("tcp") if c.status == psutil.CONN_LISTEN]
                ports |= {connection.laddr.port for connection in listening}
    return ports


@contextmanager
def alone(lock: Path = LOCK) -> Iterator[None]:
    """Let one command of this folder at a time start or end servers.

    Raises:
        DemoError: another one is at work.
    """
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("a+") as file:
        if not _locked(file):
            raise DemoError(
                f"Another `make demo` of this folder is at work{_whose(lock)}. "
                "Let it come to its end, or end it with: make down"
            )
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def end_other(lock: Path = LOCK) -> bool:
    """End a `make demo` that is at work, and wait until it has; False if there is none.

    Raises:
        DemoError: it does not end.
    """
    if not lock.exists():
        return False
    deadline = time.monotonic() + END_SECONDS
    asked = False
    with lock.open("a+") as file:
        while not _locked(file):
            if not asked and (number := lock.read_text().strip()).isdecimal():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(number), signal.SIGTERM)
                asked = True
            if time.monotonic() > deadline:
                raise DemoError(f"The `make demo` that is at work{_whose(lock)} does not end")
            time.sleep(POLL_SECONDS)
    return asked


def _locked(file: TextIOWrapper) -> bool:
    """Take the lock, which goes with the file and with the process, if it is free."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _whose(lock: Path) -> str:
    number = lock.read_text().strip()
    return f" (process {number})" if number else ""
