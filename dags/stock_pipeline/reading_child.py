"""What `safe_reading` asks of its process: the readers, and how their results get to the other side."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import polars as pl

from stock_pipeline.archive import UnreadableWorkbook, WorkbookLimits, sheet_names
from stock_pipeline.feed import RejectedFeed, UnknownHeader, read_feed
from stock_pipeline.listings import read_listings
from stock_pipeline.mapping_file import read_mapping_file
from stock_pipeline.suppliers import Supplier

SHOWN_CHARACTERS = 2_000
"""How much of a reason is handed over, and of each cell of the rows that should have been a header."""

Request = dict[str, Any]
Answer = dict[str, Any]


def answer(request: Request) -> Answer:
    """Read a file: `what` and `path` say which, and its tables go into the folder `tables`.

    Returns:
        What the reader found, with the names of its tables in `tables`; or `rejected_because`, and `head` if
        it is for an unknown header.
    """
    try:
        return READERS[request["what"]](request)
    except (RejectedFeed, UnreadableWorkbook) as error:
        head = error.head if isinstance(error, UnknownHeader) else None
        return {
            "rejected_because": _shown(str(error)),
            "head": head and [[cell and _shown(cell) for cell in row] for row in head],
        }


def _feed(request: Request) -> Answer:
    limits = WorkbookLimits(**request["limits"]) if request["limits"] else None
    feed = read_feed(Path(request["path"]), Supplier.model_validate(request["supplier"]), limits)
    return {
        "tables": _write(request, rows=feed.rows),
        "header_row": feed.header_row,
        "without_code": feed.without_code,
        "other_sheets": feed.other_sheets,
    }


def _listings(request: Request) -> Answer:
    listings = read_listings(Path(request["path"]), Path(request["folder"]), request["sheet"])
    return {
        "tables": _write(request, rejected=listings.rejected),
        "upload": [path.name for path in listings.upload],
        "counts": listings.counts,
        "suppliers": listings.suppliers,
    }


def _mapping(request: Request) -> Answer:
    found = read_mapping_file(Path(request["path"]))
    return {"tables": _write(request, mapping=found.mapping, rejected=found.rejected), "rows": found.rows}


def _sheet_names(request: Request) -> Answer:
    names = sheet_names(Path(request["path"]), WorkbookLimits(**request["limits"]))
    return {"sheets": [asdict(name) for name in names]}


READERS: dict[str, Callable[[Request], Answer]] = {
    "feed": _feed,
    "listings": _listings,
    "mapping": _mapping,
    "sheet_names": _sheet_names,
}


def _write(request: Request, **tables: pl.DataFrame) -> list[str]:
    for name, table in tables.items():
        table.write_ipc(Path(request["tables"], f"{name}.arrow"))
    return list(tables)


def _shown(text: str) -> str:
    whole = text.encode(errors="replace").decode()
    return whole if len(whole) <= SHOWN_CHARACTERS else f"{whole[:SHOWN_CHARACTERS]}…"
