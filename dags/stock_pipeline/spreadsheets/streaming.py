"""Read a sheet of any length in blocks, so that a list of a million rows never is in memory as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from stock_pipeline.spreadsheets.careful import sheet_cells
from stock_pipeline.spreadsheets.package import WorkbookLimits, opened
from stock_pipeline.spreadsheets.xlsx_guard import check_sheet

LISTING_LIMITS = WorkbookLimits(
    file_bytes=512 << 20, unpacked_bytes=3 << 30, parts=2_000, cells=(1 << 20) * 32
)
"""For lists of a million rows: as many as a sheet can have, by 32 columns."""


def sheet_blocks(
    path: Path, columns: int, sheet: str | None = None, limits: WorkbookLimits = LISTING_LIMITS
) -> Iterator[pl.DataFrame]:
    """Read the cells of a sheet, block by block, as the text a person sees.

    Args:
        path: the workbook.
        columns: how many columns are read.
        sheet: which sheet is read; the first one if it is None.
        limits: how large the workbook may be.

    Yields:
        Frames as from `careful.sheet_cells`.

    Raises:
        UnreadableWorkbook: it is not a workbook, is damaged, or is larger than `limits` allow.
    """
    with opened(path, limits) as book:
        part = check_sheet(book, limits, sheet=sheet).part
        yield from sheet_cells(book, part, columns, limits.unpacked_bytes)
