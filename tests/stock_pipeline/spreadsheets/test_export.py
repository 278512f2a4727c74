"""Files for people's spreadsheets: what a supplier typed stays text."""

from __future__ import annotations

import csv
from datetime import date
from io import BytesIO, StringIO

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from openpyxl import load_workbook

from stock_pipeline.spreadsheets.export import harmless_csv, harmless_xlsx

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


# Written out here rather than taken from the module: the test is to fail if the rule forgets one.
BEFORE = [
    *" \t\r\n\v\f\0\x07\x1b\u00a0\u00ad\u1680\u180e\u2003\u2007\u200b\u200c\u200d\u200e\u202e\u202f",
    *"\u2028\u2060\u2066\u2800\u3000\u3164\ufe0f\ufeff\u0301\"'",
]
STARTS = [*"=+-@", *"\uff1d\uff0b\uff0d\uff20", *"\ufe66\ufe62\ufe63\ufe6b"]
FORMULAS = st.builds(
    "".join, st.tuples(st.text(BEFORE, max_size=4), st.sampled_from(STARTS), st.text(max_size=8))
)
NUMBERS = [-3, 0, 204_856_123_456]


def csv_rows(body: bytes) -> list[list[str]]:
    """What a program reads: quoted cells whole, whatever is in them."""
    return list(csv.reader(StringIO(body.decode("utf-8-sig"), newline="")))


@given(formula=FORMULAS)
@example(formula='\u00a0=HYPERLINK("http://x")')
@example(formula="\n=1")
@example(formula="'=1")
def test_no_cell_or_header_of_a_csv_begins_like_a_formula_however_it_is_hidden(formula):
    table = pl.DataFrame({formula: [formula] * 3, "item_id": NUMBERS, "kind": [formula] * 3})
    rows = csv_rows(harmless_csv(table.with_columns(pl.col("kind").cast(pl.Categorical))))
    assert rows[0] == ["'" + formula, "item_id", "kind"]
    assert rows[1:] == [["'" + formula, str(number), "'" + formula] for number in NUMBERS]


@given(formula=FORMULAS.filter(lambda text: not set(text) & set("\r\v\f\0") and text.isprintable()))
def test_a_workbook_has_formulas_as_text_in_cells_and_headers(formula):
    sheet = load_workbook(BytesIO(harmless_xlsx(pl.DataFrame({formula: [formula], "n": [-3]})))).worksheets[0]
    (head, _), (cell, number) = sheet.iter_rows()
    assert [(entry.value, entry.data_type, entry.quotePrefix) for entry in (head, cell)] == [
        (formula, "s", True)
    ] * 2
    assert (number.value, number.data_type) == (-3, "n")


@given(
    text=st.text(st.characters(categories=["L", "N", "Sc"]), min_size=1, max_size=5), more=st.text(max_size=9)
)
def test_text_that_begins_with_a_letter_or_figure_stays_as_it_is(text, more):
    shown = text + more
    assert csv_rows(harmless_csv(pl.DataFrame({"text": [shown], "other": [1]})))[1] == [shown, "1"]
