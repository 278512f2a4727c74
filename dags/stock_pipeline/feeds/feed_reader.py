"""Read a supplier's list safely: what is asked of the process for strangers' files, and what answers."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from stock_pipeline.feeds.reading import Feed, read_feed
from stock_pipeline.spreadsheets.limited_process import Limits
from stock_pipeline.spreadsheets.package import WorkbookLimits
from stock_pipeline.spreadsheets.safe_reading import Answer, Request, SafeReader, answer_with, hand_over
from stock_pipeline.suppliers import Supplier

FEED_LIMITS = Limits(memory_bytes=160 << 20, cpu_seconds=30, seconds=600.0, file_bytes=32 << 20)
"""The largest real list takes 65 MB and a second, and makes a table of 4 MB."""


class FeedReader(SafeReader):
    """Read suppliers' lists in a process with limits.

    Attributes:
        once: whether the process ends with the first list, to free its memory.
    """

    function = f"{__name__}:answer"
    limits = FEED_LIMITS

    def __init__(self, limits: Limits | None = None, *, once: bool = False) -> None:
        super().__init__(limits)
        self.once = once

    def read_feed(self, path: Path, supplier: Supplier, limits: WorkbookLimits | None = None) -> Feed:
        """Read a list as `reading.read_feed` does.

        Raises:
            RejectedFile: nothing of it can be used, or it cannot be read safely.
        """
        try:
            found = self.ask(
                path,
                supplier=supplier.model_dump(mode="json", by_alias=True),
                limits=asdict(limits) if limits else None,
            )
        finally:
            if self.once:
                self.close()
        return Feed(
            found["rows"],
            found["header_row"],
            found["skipped"],
            tuple(found["other_sheets"]),
            tuple(found["doubts"]),
        )


def answer(request: Request) -> Answer:
    """Answer a request of `FeedReader`, in the process."""
    return answer_with(_read, request)


def _read(request: Request) -> Answer:
    limits = WorkbookLimits(**request["limits"]) if request["limits"] else None
    feed = read_feed(Path(request["path"]), Supplier.model_validate(request["supplier"]), limits)
    return {
        "tables": hand_over(request, rows=feed.rows, skipped=feed.skipped),
        "header_row": feed.header_row,
        "other_sheets": feed.other_sheets,
        "doubts": feed.doubts,
    }
