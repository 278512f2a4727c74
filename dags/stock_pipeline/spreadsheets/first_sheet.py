"""Open a workbook from a stranger: safely, as text, and nothing but its first sheet."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import fastexcel
import polars as pl

from stock_pipeline.spreadsheets.careful import sheet_cells
from stock_pipeline.spreadsheets.package import Workbook, WorkbookLimits, opened
from stock_pipeline.spreadsheets.xlsx_guard import Checked, check_sheet


@dataclass(frozen=True, slots=True)
class Sheet:
    """The first sheet of a workbook.

    Attributes:
        name: what the sheet is called.
        other_sheets: names of the sheets that were not read.
        cells: one column of text for each sheet column, named by its number from 1 (`"1"` is column A), and
            `row` (u32), the sheet's own row number, in order; a row without a cell may be left out. Blank
            cells are null. A cell that is no text or number begins with a mark of `number_formats`; an error
            value is null outside the first column.
    """

    name: str
    other_sheets: tuple[str, ...]
    cells: pl.DataFrame


def read_first_sheet(
    path: Path,
    columns: int,
    limits: WorkbookLimits | None = None,
    *,
    exact: Collection[int] | None = None,
    carefully: bool = False,
) -> Sheet:
    """Read the first `columns` columns of the first sheet, every cell as the text a person sees.

    Whole numbers come without `.0`; text keeps its zeros; of a formula the stored result counts.

    Args:
        path: the workbook.
        columns: how many columns are read.
        limits: how large it may be.
        exact: the columns that matter, by their numbers from 1; all if it is None. In others a number may be
            read as it is stored, if its format shows another text.
        carefully: never take the fast way, even if the sheet is so plain that it reads the same.

    Raises:
        UnreadableWorkbook: it is not a workbook, is damaged, or is larger than `limits` allow.
    """
    limits = limits or WorkbookLimits()
    with opened(path, limits) as book:
        checked = check_sheet(book, limits, exact or range(1, columns + 1))
        names = [sheet.name for sheet in book.sheet_names]
        cells = _fast(path, columns) if checked.plain and not carefully else None
        if cells is None:
            cells = _careful(book, checked, columns, limits)
    return Sheet(names[0], tuple(names[1:]), cells)


def _careful(book: Workbook, checked: Checked, columns: int, limits: WorkbookLimits) -> pl.DataFrame:
    """Read it cell by cell."""
    schema = {"row": pl.UInt32} | {str(number): pl.String for number in range(1, columns + 1)}
    blocks = [*sheet_cells(book, checked.part, columns, limits.unpacked_bytes), pl.DataFrame(schema=schema)]
    return pl.concat(blocks).sort("row")


def _fast(path: Path, columns: int) -> pl.DataFrame | None:
    """Read a plain sheet by calamine; None if it cannot."""
    wanted = [str(number) for number in range(1, columns + 1)]
    try:
        sheet = fastexcel.read_excel(path).load_sheet(
            0,
            header_row=None,
            skip_rows=0,
            dtypes="string",
            use_columns=lambda column: column.absolute_index < columns,
        )
        found = sheet.to_polars()
    except BaseException as error:
        # A panic in the Rust reader is no Exception, and has no class to import.
        if not isinstance(error, fastexcel.FastExcelError) and type(error).__name__ != "PanicException":
            raise
        return None
    # The reader leaves out an empty first column, so columns go by their place in the sheet.
    found = found.rename({info.name: str(info.absolute_index + 1) for info in sheet.selected_columns})
    cells = found.select(
        pl.col(name) if name in found.columns else pl.lit(None, pl.String).alias(name) for name in wanted
    )
    return cells.with_row_index("row", offset=1)
