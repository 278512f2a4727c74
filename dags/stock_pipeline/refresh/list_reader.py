"""Read long lists safely: what is asked of the process for strangers' files, and what answers there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from stock_pipeline.refresh.listings import Listings, read_listings
from stock_pipeline.refresh.mapping_file import MappingFile, read_mapping_file
from stock_pipeline.spreadsheets.limited_process import Limits
from stock_pipeline.spreadsheets.package import SheetName, WorkbookLimits, sheet_names
from stock_pipeline.spreadsheets.safe_reading import Answer, Request, SafeReader, answer_with, hand_over

LIST_LIMITS = Limits(memory_bytes=232 << 20, cpu_seconds=1_200, seconds=3_600.0, file_bytes=96 << 20)
"""A list of a million rows takes up to 210 MB and, as a workbook, some minutes."""


class ListReader(SafeReader):
    """Read files for the tables `store` and `product` in a process with limits."""

    function = f"{__name__}:answer"
    limits = LIST_LIMITS

    def read_listings(self, path: Path, folder: Path, sheet: str | None = None) -> Listings:
        """Read a store's list as `listings.read_listings` does.

        Raises:
            RejectedFile: nothing of it can be used, or it cannot be read safely.
        """
        found = self.ask(path, what="listings", folder=str(folder), sheet=sheet)
        upload = tuple(folder / name for name in found["upload"])
        return Listings(upload, found["rejected"], found["counts"], found["suppliers"])

    def read_mapping_file(self, path: Path) -> MappingFile:
        """Read a mapping as `mapping_file.read_mapping_file` does.

        Raises:
            RejectedFile: nothing of it can be used, or it cannot be read safely.
        """
        found = self.ask(path, what="mapping")
        return MappingFile(found["rows"], found["mapping"], found["rejected"])

    def sheet_names(self, path: Path, limits: WorkbookLimits) -> list[SheetName]:
        """Tell a workbook's sheets as `xlsx_guard.sheet_names` does.

        Raises:
            RejectedFile: it is no workbook, or it cannot be read safely.
        """
        found = self.ask(path, what="sheet_names", limits=asdict(limits))
        return [SheetName(**entry) for entry in found["sheets"]]


def answer(request: Request) -> Answer:
    """Answer a request of `ListReader`, in the process."""
    return answer_with(READERS[request["what"]], request)


def _listings(request: Request) -> Answer:
    listings = read_listings(Path(request["path"]), Path(request["folder"]), request["sheet"])
    return {
        "tables": hand_over(request, rejected=listings.rejected),
        "upload": [path.name for path in listings.upload],
        "counts": listings.counts,
        "suppliers": listings.suppliers,
    }


def _mapping(request: Request) -> Answer:
    found = read_mapping_file(Path(request["path"]))
    return {"tables": hand_over(request, mapping=found.mapping, rejected=found.rejected), "rows": found.rows}


def _sheet_names(request: Request) -> Answer:
    names = sheet_names(Path(request["path"]), WorkbookLimits(**request["limits"]))
    return {"sheets": [asdict(name) for name in names]}


READERS: dict[str, Callable[[Request], Answer]] = {
    "listings": _listings,
    "mapping": _mapping,
    "sheet_names": _sheet_names,
}
