"""Runs what reads strangers' files in a process of its own, so that no file can take the page down.

The pipeline's reader refuses what is known to be dangerous. Should a file bring it down all the same, that
file is told to be at fault, and the others are read by a new process.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
MODULE = "frontend.services.reader_process"
SECONDS = 60.0
"""How long one file may take. The largest real feed takes about one second."""


class ReaderDied(Exception):  # noqa: N818 - the file's doing, not a fault of ours
    """The file brought the reader down, or kept it busy for too long; the message tells staff so."""


def read_each(
    function: str, requests: Sequence[dict[str, Any]], seconds: float = SECONDS
) -> Generator[dict[str, Any] | ReaderDied]:
    """Give the answer to each request in order, as soon as it is there.

    Args:
        function: `module:name` of what is called with each request in the child; takes and gives a
            dictionary that JSON can hold.
        requests: what it is called with.
        seconds: for one request.
    """
    left = list(requests)
    while left:
        for answer in _answers(function, left, seconds):
            yield answer
            del left[0]
        if left:
            del left[0]
            yield ReaderDied(
                "the file cannot be read: it brought the reader down, or took longer than "
                f"{seconds:.0f} s; save it anew in Excel and try again"
            )


def _answers(function: str, requests: list[dict[str, Any]], seconds: float) -> Iterator[dict[str, Any]]:
    """The answers of one process; fewer than there are requests if it dies."""
    path = os.pathsep.join([str(REPOSITORY), str(REPOSITORY / "dags"), os.environ.get("PYTHONPATH", "")])
    with TemporaryFile() as asked:
        asked.write("\n".join(map(json.dumps, requests)).encode())
        asked.seek(0)
        with subprocess.Popen(  # noqa: S603 - a command of ours
            [sys.executable, "-m", MODULE, function],
            stdin=asked,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": path},
        ) as child:
            assert child.stdout is not None  # noqa: S101 - it was asked for
            try:
                while True:
                    watchdog = threading.Timer(seconds, child.kill)
                    watchdog.start()
                    line = child.stdout.readline()
                    watchdog.cancel()
                    if not line.endswith(b"\n"):
                        return
                    yield json.loads(line)
            finally:
                child.kill()


def main() -> None:
    """The child: answers the requests on its standard input, a line of JSON each."""
    module, _, name = sys.argv[1].partition(":")
    # What a library prints must not get between the answers.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    function = getattr(importlib.import_module(module), name)
    for line in sys.stdin:
        print(json.dumps(function(json.loads(line))), file=answers, flush=True)


if __name__ == "__main__":
    main()
