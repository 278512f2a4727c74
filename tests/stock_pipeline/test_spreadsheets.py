"""Files for people's spreadsheets: what a supplier typed stays text."""

from __future__ import annotations

from datetime import date
from io import BytesIO

import polars as pl
import pytest
from openpyxl import load_workbook

from stock_pipeline.spreadsheets import harmless_csv, harmless_xlsx

TABLE = pl.DataFrame(
    {
        "text": ["plain", "=1+1", "+1", "-1", "@x", "\tx", None, "£ and \x07"],
        "number": [1, 2, None, 4, 5, 6, 7, -8],
        "day": [date(2024, 8, 8)] * 8,
    }
)


@pytest.mark.parametrize(
    ("row", "shown"), enumerate(["plain", "'=1+1", "'+1", "'-1", "'@x", "'\tx", "", "£ and \x07"])
)
def test_a_csv_has_nothing_that_begins_like_a_formula(row, shown):
    lines = harmless_csv(TABLE).decode("utf-8-sig").split("\r\n")
    assert lines[row + 1].partition(",")[0] == shown


def test_a_workbook_has_every_text_as_text():
    sheet = load_workbook(BytesIO(harmless_xlsx(TABLE))).worksheets[0]
    rows = list(sheet.iter_rows())
    assert [cell.value for cell in rows[0]] == ["text", "number", "day"]
    texts = [row[0] for row in rows[1:]]
    assert [cell.value for cell in texts] == ["plain", "=1+1", "+1", "-1", "@x", "\tx", None, "£ and "]
    assert {cell.data_type for cell in texts if cell.value} == {"s"}
    assert [bool(cell.quotePrefix) for cell in texts] == [False, *[True] * 5, False, False]


def test_a_workbook_keeps_numbers_and_dates():
    sheet = load_workbook(BytesIO(harmless_xlsx(TABLE))).worksheets[0]
    rows = list(sheet.iter_rows(min_row=2, values_only=True))
    assert [row[1] for row in rows] == [1, 2, None, 4, 5, 6, 7, -8]
    assert rows[0][2].date() == date(2024, 8, 8)  # type: ignore[union-attr]
