"""Reads one supplier's feed: finds the header, takes the code and stock columns, judges every row."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from unicodedata import category, name

import polars as pl

from stock_pipeline.codes import clean_code, match_key
from stock_pipeline.errors import RejectedFile, UnknownHeader, UnreadableWorkbook
from stock_pipeline.feeds.rules import judge_stock, number_as_sent
from stock_pipeline.spreadsheets.first_sheet import read_first_sheet
from stock_pipeline.spreadsheets.lists import HEADER_ROWS
from stock_pipeline.spreadsheets.number_formats import ERROR, meaning, without_mark
from stock_pipeline.spreadsheets.package import WorkbookLimits
from stock_pipeline.suppliers import Supplier
from stock_pipeline.text import fold

BESIDE = 2
"""How many columns to the right of a list are looked at for a second one."""
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
        doubts: why the sheet may hold more than this one list, as sentences without their full stop.
    """

    rows: pl.DataFrame
    header_row: int
    skipped: pl.DataFrame
    other_sheets: tuple[str, ...]
    doubts: tuple[str, ...] = ()

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
        columns = {supplier.code_column, supplier.stock_column or supplier.code_column}
        sheet = read_first_sheet(path, max(supplier.width + BESIDE, SHOWN_COLUMNS), limits, exact=columns)
    except UnreadableWorkbook as error:
        raise RejectedFile(str(error)) from error
    cells = sheet.cells.with_columns(without_errors(sheet.cells, supplier))
    header_row = _find_header(cells, supplier, sheet.name, sheet.other_sheets)
    stock = pl.col(str(supplier.stock_column)) if supplier.stock_column else pl.lit(None, pl.String)
    used = pl.any_horizontal(pl.exclude("row").is_not_null())
    body = cells.filter(pl.col("row") > header_row).select(
        "row", code=pl.col(str(supplier.code_column)), raw=stock, used=used
    )
    doubts = _doubts(sheet.cells, supplier, header_row)
    return feed_of_rows(body, supplier, header_row, sheet.other_sheets, doubts)


def feed_of_rows(
    body: pl.DataFrame,
    supplier: Supplier,
    header_row: int = 1,
    other_sheets: tuple[str, ...] = (),
    doubts: tuple[str, ...] = (),
) -> Feed:
    """Judge the rows of a list.

    Args:
        body: the rows below the header: `row` (u32), `code`, `raw` (String each, the cells as they are),
            `used` (bool, whether there is anything in the row).
        supplier: whose list it is.
        header_row: the sheet row of the header.
        other_sheets: names of further sheets.
        doubts: why the sheet may hold more than this one list.

    Raises:
        RejectedFile: no row has a code.
    """
    odd = meaning(pl.col("code"))
    # An error value says nothing, but its row is one of the list's.
    code = without_mark(pl.col("code")).fill_null(pl.when(odd.is_not_null()).then(pl.lit("(error)")))
    rows = body.select(
        "row", clean_code(code).alias("code"), match_key(code).alias("key"), "raw", "used", odd=odd
    )
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
    no_code = pl.col("odd").is_not_null()
    rows = rows.with_columns(
        pl.when(no_code).then("the code is " + pl.col("odd")).otherwise("reason").alias("reason"),
        pl.when(~no_code).then("quantity").alias("quantity"),
        without_mark(pl.col("raw")).alias("raw"),
    ).drop("odd")
    return Feed(rows, header_row, skipped, other_sheets, doubts)


def without_errors(cells: pl.DataFrame, supplier: Supplier) -> list[pl.Expr]:
    """Blank the error values, but not those in the code column: a row without its code is rejected."""
    return [
        pl.when(~pl.col(name).str.starts_with(ERROR)).then(pl.col(name)).alias(name)
        for name in cells.columns
        if name not in {"row", str(supplier.code_column)}
    ]


def _doubts(cells: pl.DataFrame, supplier: Supplier, header_row: int) -> tuple[str, ...]:
    """Look for a second list: beside the first, or below it under its own header."""
    doubts = []
    header = [fold(cell or "") for cell in cells.row(by_predicate=pl.col("row") == header_row)[1:]]
    words = {
        header[supplier.code_column - 1],
        header[(supplier.stock_column or supplier.code_column) - 1],
    } - {""}
    width = max((len(names) for names in supplier.headers), default=0)
    if any(word in header[width:] for word in words):
        doubts.append(
            f"the header on row {header_row} has its words again further right: is there a second list?"
        )
    first = pl.col(str(supplier.code_column)).str.to_lowercase().str.strip_chars()
    code_word = header[supplier.code_column - 1]
    again = cells.filter(pl.col("row") > header_row).filter(first.str.replace_all(r"\s+", " ") == code_word)
    for row in again.rows():
        if supplier.accepts_header(row[1:]):
            doubts.append(f"there is a second header on row {row[0]}")
            break
    return tuple(doubts)


def _find_header(cells: pl.DataFrame, supplier: Supplier, sheet: str, other_sheets: tuple[str, ...]) -> int:
    """The row number of the first row that is an accepted header."""
    rows = cells.filter(pl.col("row") <= HEADER_ROWS).rows()
    for number, *row in rows:
        if supplier.accepts_header(row):
            return int(number)
    head = [tuple(row) for _, *row in rows]
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
        + f"the first row reads '{shown}'{strange_letters(shown)}{_elsewhere(other_sheets)}",
        head,
    )


def strange_letters(text: str) -> str:
    """Name the letters that look like others or like nothing, so that a header looks right and is not."""
    strange = dict.fromkeys(
        sign for sign in text if not sign.isascii() and (sign.isalpha() or category(sign) == "Cf")
    )
    if not strange:
        return ""
    named = (f"{sign!r} is {name(sign, 'unknown')} (U+{ord(sign):04X})" for sign in list(strange)[:3])
    return f"; look at its letters: {', '.join(named)}"


def _elsewhere(other_sheets: tuple[str, ...]) -> str:
    if not other_sheets:
        return ""
    return f" (only the first sheet is read; there are also {', '.join(other_sheets[:5])})"
