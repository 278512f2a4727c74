"""Reads one supplier's feed: finds the header, takes the code and stock columns, judges every row."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from stock_pipeline.codes import clean_code, match_key
from stock_pipeline.errors import RejectedFile, UnknownHeader, UnreadableWorkbook
from stock_pipeline.feeds.rules import judge_stock, number_as_sent
from stock_pipeline.spreadsheets.first_sheet import read_first_sheet
from stock_pipeline.spreadsheets.lists import HEADER_ROWS
from stock_pipeline.spreadsheets.xlsx_guard import WorkbookLimits
from stock_pipeline.suppliers import Supplier

SHOWN_COLUMNS = 6
"""How many columns of an unknown layout a message shows."""


@dataclass(frozen=True, slots=True)
class Feed:
    """A feed as it was sent, every row judged.

    Attributes:
        rows: a row for each line of the list that has a code: `row` (u32, the sheet's row number), `code`
            (String, cleaned), `key` (String, what it is matched by), `raw` (String, the stock cell as text,
            null where the layout has none), `quantity` (Int32, null if rejected), `reason` (String, why it
            was rejected), `number` (Float64, the stock as sent, null where it is no number).
        header_row: the sheet row of the header.
        skipped: lines that have something in them but no code: `row` (u32), `raw` (String, the stock cell).
        other_sheets: names of further sheets, which were not read.
    """

    rows: pl.DataFrame
    header_row: int
    skipped: pl.DataFrame
    other_sheets: tuple[str, ...]

    @property
    def without_code(self) -> int:
        """The number of lines without a code."""
        return self.skipped.height

    @property
    def rejected(self) -> pl.DataFrame:
        """The rows without a quantity."""
        return self.rows.filter(pl.col("reason").is_not_null())

    @property
    def rejected_share(self) -> float:
        """Rejected rows over rows with a code, between 0 and 1."""
        return self.rejected.height / self.rows.height


def read_feed(path: Path, supplier: Supplier, limits: WorkbookLimits | None = None) -> Feed:
    """Read a supplier's workbook.

    Raises:
        RejectedFile: it is no workbook, has no accepted header in its first rows, or no row with a code.
    """
    try:
        sheet = read_first_sheet(path, max(supplier.width, SHOWN_COLUMNS), limits)
    except UnreadableWorkbook as error:
        raise RejectedFile(str(error)) from error
    cells = sheet.cells
    header_row = _find_header(cells, supplier, sheet.name, sheet.other_sheets)
    stock = pl.col(str(supplier.stock_column)) if supplier.stock_column else pl.lit(None, pl.String)
    used = pl.any_horizontal(pl.exclude("row").is_not_null())
    body = cells.slice(header_row).select("row", code=pl.col(str(supplier.code_column)), raw=stock, used=used)
    return feed_of_rows(body, supplier, header_row, sheet.other_sheets)


def feed_of_rows(
    body: pl.DataFrame, supplier: Supplier, header_row: int = 1, other_sheets: tuple[str, ...] = ()
) -> Feed:
    """Judge the rows of a list.

    Args:
        body: the rows below the header: `row` (u32), `code`, `raw` (String each, the cells as they are),
            `used` (bool, whether there is anything in the row).
        supplier: whose list it is.
        header_row: the sheet row of the header.
        other_sheets: names of further sheets.

    Raises:
        RejectedFile: no row has a code.
    """
    code = pl.col("code")
    rows = body.select("row", clean_code(code).alias("code"), match_key(code).alias("key"), "raw", "used")
    skipped = rows.filter(pl.col("used") & pl.col("code").is_null()).select("row", "raw")
    rows = rows.filter(pl.col("code").is_not_null()).drop("used")
    if rows.is_empty():
        raise RejectedFile(f"there is no row with a code below the header on row {header_row}")
    # A list of a hundred thousand rows has some hundred different stock cells: each is judged once.
    quantity, reason = judge_stock(supplier, pl.col("raw"))
    judged = rows.select(pl.col("raw").unique()).with_columns(
        quantity.alias("quantity"),
        reason.alias("reason"),
        number_as_sent(supplier, pl.col("raw")).alias("number"),
    )
    rows = rows.join(judged, on="raw", how="left", nulls_equal=True, maintain_order="left")
    return Feed(rows, header_row, skipped, other_sheets)


def _find_header(cells: pl.DataFrame, supplier: Supplier, sheet: str, other_sheets: tuple[str, ...]) -> int:
    """The row number of the first row that is an accepted header."""
    head = cells.head(HEADER_ROWS).drop("row").rows()
    for number, row in enumerate(head, start=1):
        if supplier.accepts_header(row):
            return number
    seen = next((row for row in head if any(row)), None)
    if seen is None:
        raise RejectedFile(f"the first sheet, {sheet!r}, is empty{_elsewhere(other_sheets)}")
    expected = " or ".join(f"'{', '.join(header)}'" for header in supplier.headers)
    shown = ", ".join(
        (cell or "").strip()[:40] for cell in seen[: max(SHOWN_COLUMNS, supplier.width)]
    ).rstrip(", ")
    raise UnknownHeader(
        f"no accepted header in the first {HEADER_ROWS} rows of sheet {sheet!r}: "
        + (f"expected {expected}, " if expected else f"none is known for {supplier.code} yet, ")
        + f"the first row reads '{shown}'{_elsewhere(other_sheets)}",
        head,
    )


def _elsewhere(other_sheets: tuple[str, ...]) -> str:
    if not other_sheets:
        return ""
    return f" (only the first sheet is read; there are also {', '.join(other_sheets[:5])})"
