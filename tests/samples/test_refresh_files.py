"""The lists of the demo are what the refreshes read."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from samples.refresh_files import write_refresh_files
from stock_pipeline.lake.tables import PRODUCT, STORE
from stock_pipeline.refresh import mapping_file
from stock_pipeline.refresh.listings import HEADER
from stock_pipeline.spreadsheets.lists import read_list

LISTINGS = {("AMS", "BGA"): [1, 2], ("AMS", "RTG"): [3], ("RTG_UMD", "BGA"): [4, 5, 6]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The lists made from two small tables."""
    parts = [{"custom_label": "UKD-BGA-1", "part_number": ' "007', "supplier": "BGA"}]
    write(tmp_path / "tables" / PRODUCT.key(), pl.DataFrame(parts, schema=PRODUCT.schema))
    for (store, supplier), items in LISTINGS.items():
        rows = [
            {"item_id": item, "custom_label": f"L{item}", "title": "A, B", "prefix": f"UKD-{supplier}"}
            for item in items
        ]
        path = tmp_path / "tables" / STORE.key(store, supplier)
        write(path, pl.DataFrame(rows, schema=STORE.schema))
    assert write_refresh_files(tmp_path / "tables", tmp_path, ["AMS", "RTG_UMD"]) == {"AMS": 3, "RTG_UMD": 3}
    return tmp_path


def write(path: Path, table: pl.DataFrame) -> None:
    path.parent.mkdir(parents=True)
    table.write_parquet(path)


def test_a_store_s_list_has_its_twelve_columns(folder: Path) -> None:
    csv = pl.concat(read_list(folder / "store/AMS_listings.csv", HEADER))
    assert csv.select("item_id", "custom_label", "title", "prefix").rows() == [
        ("1", "L1", "A, B", "UKD-BGA"),
        ("2", "L2", "A, B", "UKD-BGA"),
        ("3", "L3", "A, B", "UKD-RTG"),
    ]


def test_a_workbook_has_a_sheet_for_a_store(folder: Path) -> None:
    sheet = pl.concat(read_list(folder / "store/RTG_listings.xlsx", HEADER, "UMD"))
    assert sheet["item_id"].to_list() == ["4", "5", "6"]
    assert [path.name for path in sorted((folder / "store").iterdir())] == [
        "AMS_listings.csv",
        "RTG_listings.xlsx",
    ]


def test_the_mapping_is_a_csv(folder: Path) -> None:
    rows = pl.concat(read_list(folder / "product/product.csv", mapping_file.HEADER))
    assert rows.select(mapping_file.HEADER).rows() == [("UKD-BGA-1", '"007', "BGA")]
