"""Reads what strangers sent in a process with limits on memory and time: the one way to open such a file.

What a reader says of a file comes back as if it had run here, its refusals too. If a file ends the process,
that is its verdict, and the next file is read by a new process.
"""

from __future__ import annotations

from dataclasses import asdict
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Self

import polars as pl

from stock_pipeline.archive import SheetName, WorkbookLimits
from stock_pipeline.feed import Feed, RejectedFeed, UnknownHeader
from stock_pipeline.limited_process import ChildDied, LimitedProcess, Limits
from stock_pipeline.listings import Listings
from stock_pipeline.mapping_file import MappingFile
from stock_pipeline.suppliers import Supplier

FUNCTION = "stock_pipeline.reading_child:answer"

FEED_LIMITS = Limits(memory_bytes=160 << 20, cpu_seconds=30, seconds=600.0, file_bytes=32 << 20)
"""For a supplier's list. The largest real one takes 65 MB and a second, and makes a table of 4 MB."""

LIST_LIMITS = Limits(memory_bytes=232 << 20, cpu_seconds=1_200, seconds=3_600.0, file_bytes=96 << 20)
"""For a list of a million rows, which takes up to 210 MB and, as a workbook, some minutes."""


class UnsafeFile(RejectedFeed):
    """The file brought its reader down, or went beyond what a reader may take."""

    def __init__(self, path: Path, how: str) -> None:
        what = "the file" if path.suffix.lower() == ".csv" else "the workbook"
        super().__init__(
            f"{what} cannot be read safely ({how}): open it in Excel, check the list, save it again as .xlsx "
            "and send that"
        )


class SafeReader:
    """Reads files one after the other, in a process that lives until a file ends it.

    A context manager. The process starts at once, so that it imports while something else is done.

    Args:
        limits: for each file; as default those for lists of a million rows.

    Raises:
        OSError: no process can be started.
    """

    def __init__(self, limits: Limits = LIST_LIMITS) -> None:
        self.limits = limits
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

    def read_feed(self, path: Path, supplier: Supplier, limits: WorkbookLimits | None = None) -> Feed:
        """`feed.read_feed`; a file that cannot be read safely is a `RejectedFeed` too."""
        arguments = {
            "supplier": supplier.model_dump(mode="json", by_alias=True),
            "limits": asdict(limits) if limits else None,
        }
        answer = self._ask("feed", path, arguments)
        return Feed(
            answer["rows"], answer["header_row"], answer["without_code"], tuple(answer["other_sheets"])
        )

    def read_listings(self, path: Path, folder: Path, sheet: str | None = None) -> Listings:
        """`listings.read_listings`; a file that cannot be read safely is a `RejectedFeed` too."""
        answer = self._ask("listings", path, {"folder": str(folder), "sheet": sheet})
        upload = tuple(folder / name for name in answer["upload"])
        return Listings(upload, answer["rejected"], answer["counts"], answer["suppliers"])

    def read_mapping_file(self, path: Path) -> MappingFile:
        """`mapping_file.read_mapping_file`; a file that cannot be read safely is a `RejectedFeed` too."""
        answer = self._ask("mapping", path, {})
        return MappingFile(answer["rows"], answer["mapping"], answer["rejected"])

    def sheet_names(self, path: Path, limits: WorkbookLimits) -> list[SheetName]:
        """`archive.sheet_names`; whatever is wrong with the file is a `RejectedFeed`."""
        answer = self._ask("sheet_names", path, {"limits": asdict(limits)})
        return [SheetName(**entry) for entry in answer["sheets"]]

    def _ask(self, what: str, path: Path, arguments: dict[str, Any]) -> dict[str, Any]:
        """The reader's answer, in which tables stand in the place of their files' names."""
        tables = Path(self._folder.name, str(next(self._numbers)))
        tables.mkdir()
        request = {"what": what, "path": str(path.resolve()), "tables": str(tables), **arguments}
        answer = self._answer(request, path)
        if "rejected_because" in answer:
            if answer["head"] is None:
                raise RejectedFeed(answer["rejected_because"])
            raise UnknownHeader(answer["rejected_because"], [tuple(row) for row in answer["head"]])
        for name in answer.pop("tables", []):
            file = tables / f"{name}.arrow"
            answer[name] = pl.read_ipc(file, memory_map=False)
            file.unlink()
        return answer

    def _answer(self, request: dict[str, Any], path: Path) -> dict[str, Any]:
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
        self._process = LimitedProcess(FUNCTION, self.limits)
        self._has_read = False
        return self._process

    def _stop(self) -> None:
        if self._process is not None:
            self._process.close()
        self._process = None
