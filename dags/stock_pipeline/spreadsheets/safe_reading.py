"""Read a stranger's file in a process with limits on memory and time: the one way to open such a file.

What a reader says of a file comes back as if it had run here, its refusals too. If a file ends the process,
that is its verdict, and a new process reads the next file. `FeedReader` and `ListReader` say what is read; a
reader has two sides, the method that asks and the function that answers in the process.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, ClassVar, Self

import polars as pl

from stock_pipeline.errors import ChildDied, RejectedFile, UnknownHeader, UnreadableWorkbook, UnsafeFile
from stock_pipeline.spreadsheets.limited_process import LimitedProcess, Limits

SHOWN_CHARACTERS = 2_000
"""How much of a reason is handed over, and of each cell of the rows that should have been a header."""

Request = dict[str, Any]
"""`path` and `tables` (the folder for the tables of the answer), and what the reader needs to know."""

Answer = dict[str, Any]
"""What was found, with the names of its tables in `tables`; or `rejected_because`, and `head` for a header
that no one knows."""


class SafeReader:
    """Read files one after the other, in a process that lives until a file ends it.

    A context manager. The process starts at once, so that it imports while something else is done.

    Attributes:
        function: what answers in the process, as `module:name`.
        limits: for each file.

    Raises:
        OSError: no process can be started.
    """

    function: ClassVar[str]
    limits: Limits

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or self.limits
        self._folder = TemporaryDirectory(prefix="safe_reading_")
        self._numbers = count()
        self._process: LimitedProcess | None = None
        self._has_read = False

    def __enter__(self) -> Self:
        """Start the process."""
        self._start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the process."""
        self.close()

    def close(self) -> None:
        """End the process; to be called as soon as all files are read, because of its memory."""
        self._stop()
        self._folder.cleanup()

    def ask(self, path: Path, **arguments: Any) -> Answer:
        """Have a file read; in the answer, tables have taken the place of their names.

        Raises:
            RejectedFile: the reader refused the file, or it cannot be read safely.
        """
        tables = Path(self._folder.name, str(next(self._numbers)))
        tables.mkdir()
        request = {"path": str(path.resolve()), "tables": str(tables), **arguments}
        answer = self._answer(request, path)
        if "rejected_because" in answer:
            if answer["head"] is None:
                raise RejectedFile(answer["rejected_because"])
            raise UnknownHeader(answer["rejected_because"], [tuple(row) for row in answer["head"]])
        for name in answer.pop("tables", []):
            file = tables / f"{name}.arrow"
            answer[name] = pl.read_ipc(file, memory_map=False)
            file.unlink()
        return answer

    def _answer(self, request: Request, path: Path) -> Answer:
        while True:
            process, is_first = self._process or self._start(), not self._has_read
            self._has_read = True
            try:
                return process.ask(request)
            except ChildDied as died:
                self._stop()
                # What earlier files left behind in the process is not to be held against this one.
                if is_first:
                    raise UnsafeFile(path, str(died)) from died
            except BaseException:
                self._stop()
                raise

    def _start(self) -> LimitedProcess:
        self._process = LimitedProcess(self.function, self.limits)
        self._has_read = False
        return self._process

    def _stop(self) -> None:
        if self._process is not None:
            self._process.close()
        self._process = None


def answer_with(read: Callable[[Request], Answer], request: Request) -> Answer:
    """Answer a request in the process: what a reader finds, or why it refuses the file."""
    try:
        return read(request)
    except (RejectedFile, UnreadableWorkbook) as error:
        head = error.head if isinstance(error, UnknownHeader) else None
        return {
            "rejected_because": _shown(str(error)),
            "head": head and [[cell and _shown(cell) for cell in row] for row in head],
        }


def hand_over(request: Request, **tables: pl.DataFrame) -> list[str]:
    """Write the tables of an answer to the request's folder; returns their names."""
    for name, table in tables.items():
        table.write_ipc(Path(request["tables"], f"{name}.arrow"))
    return list(tables)


def _shown(text: str) -> str:
    whole = text.encode(errors="replace").decode()
    return whole if len(whole) <= SHOWN_CHARACTERS else f"{whole[:SHOWN_CHARACTERS]}…"
