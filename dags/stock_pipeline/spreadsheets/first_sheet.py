"""Opens a workbook somebody sent us: safely, as text, and nothing but its first sheet."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import fastexcel
import polars as pl

from stock_pipeline.errors import UnreadableWorkbook
from stock_pipeline.spreadsheets.xlsx_guard import Padding, WorkbookLimits, check_archive
from stock_pipeline.spreadsheets.xlsx_parts import first_line


@dataclass(frozen=True, slots=True)
class Sheet:
    """The first sheet of a workbook.

    Attributes:
        name: what the sheet is called.
        other_sheets: names of the sheets that were not read.
        cells: one column of text for each sheet column, named by its number from 1 (`"1"` is column A), and
            `row` (u32), the sheet's own row number. Blank cells and error values such as #N/A are null.
    """

    name: str
    other_sheets: tuple[str, ...]
    cells: pl.DataFrame


def read_first_sheet(path: Path, columns: int, limits: WorkbookLimits | None = None) -> Sheet:
    """Read the first `columns` columns of the first sheet, every cell as the text a person sees.

    Whole numbers come without `.0`; text keeps its zeros; of a formula the cached value counts.

    Raises:
        UnreadableWorkbook: it is not a workbook, is damaged, or is larger than `limits` allow.
    """
    limits = limits or WorkbookLimits()
    padding, _ = check_archive(path, limits, columns)
    wanted = [str(number) for number in range(1, columns + 1)]
    try:
        reader = fastexcel.read_excel(path)
        sheet = reader.load_sheet(
            0,
            header_row=None,
            skip_rows=0,
            dtypes="string",
            use_columns=lambda column: column.absolute_index < columns,
        )
        found = sheet.to_polars()
    except BaseException as error:
        # A panic in the Rust reader is no Exception, and has no class of its own to import.
        if not isinstance(error, fastexcel.FastExcelError) and type(error).__name__ != "PanicException":
            raise
        raise UnreadableWorkbook(f"the workbook is damaged: {first_line(error)}") from error
    # The reader leaves out an empty first column, so columns go by where they stand in the sheet.
    found = found.rename({info.name: str(info.absolute_index + 1) for info in sheet.selected_columns})
    cells = found.select(
        pl.col(name) if name in found.columns else pl.lit(None, pl.String).alias(name) for name in wanted
    )
    cells = with_leading_zeros(cells.with_row_index("row", offset=1), padding)
    return Sheet(reader.sheet_names[0], tuple(reader.sheet_names[1:]), cells)


def with_leading_zeros(cells: pl.DataFrame, padding: Padding) -> pl.DataFrame:
    """Cells (as in `Sheet`) in which numbers have the zeros that their format shows."""
    for column, formats in padding.items():
        for shown, rows in formats.items():
            formatted = pl.col("row").is_in(rows) & pl.col(column).str.contains("^[0-9]+$")
            cells = cells.with_columns(
                pl.when(formatted).then(_shown_as(pl.col(column), shown)).otherwise(column)
            )
    return cells


def _shown_as(number: pl.Expr, shown: str) -> pl.Expr:
    """Whole numbers as a format such as `00-0000` shows them; the first group takes what the others leave."""
    first, *others = re.split("([-/ ])", shown)
    groups = [len(group) for group in others[1::2]]
    digits = number.str.zfill(len(first) + sum(groups))
    pieces: list[pl.Expr] = []
    for separator, length in zip(reversed(others[::2]), reversed(groups), strict=True):
        pieces[:0] = [pl.lit(separator), digits.str.tail(length)]
        digits = digits.str.head(-length)
    return pl.concat_str(digits, *pieces)
