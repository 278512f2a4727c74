"""The reader of long sheets sees what the reader of feeds sees, whatever program wrote the workbook."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from stock_pipeline.errors import UnreadableWorkbook
from stock_pipeline.spreadsheets.first_sheet import read_first_sheet
from stock_pipeline.spreadsheets.streaming import sheet_blocks
from tests.support.workbooks import CASES
from tests.support.workbooks.case import Case
from tests.support.workbooks.making import write_rows

COLUMNS = 6
SAFE = [case for case in CASES if not case.bomb]


def rows_of(path: Path, columns: int = COLUMNS, sheet: str | None = None) -> list[tuple[object, ...]]:
    """The rows that have something in them."""
    blocks = list(sheet_blocks(path, columns, sheet))
    return used(pl.concat(blocks)) if blocks else []


def used(cells: pl.DataFrame) -> list[tuple[object, ...]]:
    text = pl.exclude("row").replace("", None)
    cells = cells.with_columns(text)
    return cells.filter(pl.any_horizontal(pl.exclude("row").is_not_null())).rows()


@pytest.mark.parametrize("case", SAFE, ids=lambda case: case.name)
def test_it_reads_what_the_other_reader_reads(tmp_path: Path, case: Case) -> None:
    path = tmp_path / "book.xlsx"
    case.build(path)
    try:
        wanted = used(read_first_sheet(path, COLUMNS).cells)
    except UnreadableWorkbook:
        with pytest.raises(UnreadableWorkbook):
            rows_of(path)
    else:
        # In blocks, rows come as the file has them.
        assert sorted(rows_of(path), key=lambda row: str(row[0]).zfill(7)) == wanted


def test_blocks_end_between_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "book.xlsx"
    write_rows(path, [[f"label {at}", at, at / 4, None, "x & <y>"] for at in range(500)])
    whole = rows_of(path)
    assert len(whole) == 500
    for size in (64, 100, 401):
        monkeypatch.setattr("stock_pipeline.spreadsheets.xml_events.CHUNK_BYTES", 1000)
        monkeypatch.setattr("stock_pipeline.spreadsheets.careful.BLOCK_CELLS", size)
        assert len(list(sheet_blocks(path, COLUMNS))) > 1
        assert rows_of(path) == whole


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (1000, "1000"),
        (1000.0, "1000"),
        (12.99, "12.99"),
        (123456789012, "123456789012"),
        (-0.5, "-0.5"),
        (1e-7, "0.0000001"),
        ("007", "007"),
        ("1e5", "1e5"),
        (True, "\x01bTRUE"),
        ("#N/A", None),
    ],
)
def test_a_number_is_what_a_person_sees(tmp_path: Path, value: object, shown: str | None) -> None:
    path = tmp_path / "book.xlsx"
    write_rows(path, [["x", value]])
    assert rows_of(path, 2) == [(1, "x", shown)]


def test_a_sheet_is_read_by_its_name(tmp_path: Path) -> None:
    import openpyxl

    book = openpyxl.Workbook()
    book.worksheets[0].append(["first"])
    book.create_sheet("FPS").append(["second"])
    path = tmp_path / "book.xlsx"
    book.save(path)
    assert rows_of(path, 1) == [(1, "first")]
    assert rows_of(path, 1, "FPS") == [(1, "second")]
    with pytest.raises(UnreadableWorkbook, match="no sheet 'UKD'"):
        rows_of(path, 1, "UKD")
