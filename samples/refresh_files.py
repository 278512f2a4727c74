"""Writes the files from which the refreshes make product and store, as people export them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl
from openpyxl import Workbook

from stock_pipeline.lake.tables import PRODUCT, STORE
from stock_pipeline.refresh.listings import HEADER

BRAND = "Bosch"
WORKBOOK_SHEETS = {"RTG": ("UMD",)}
"""Workbooks that have a sheet for each store: RTG_UMD is the sheet UMD of the workbook RTG."""


def write_refresh_files(tables: Path, folder: Path, stores: Sequence[str]) -> dict[str, int]:
    """Write one list of the product table, and one of each store.

    Args:
        tables: where product and store lie, as `write_product_and_store` wrote them.
        folder: where `product/` and `store/` with the files go.
        stores: the stores to write for. Most get a CSV; those of `WORKBOOK_SHEETS` share a workbook.

    Returns:
        How many listings each store has.
    """
    for name in (PRODUCT.name, STORE.name):
        (folder / name).mkdir(parents=True, exist_ok=True)
    pl.read_parquet(tables / PRODUCT.key()).write_csv(folder / PRODUCT.name / "product.csv")
    counts = {}
    in_workbooks = {f"{book}_{sheet}" for book, sheets in WORKBOOK_SHEETS.items() for sheet in sheets}
    for store in stores:
        rows = _listings(tables, store)
        counts[store] = rows.height
        if store not in in_workbooks:
            rows.write_csv(folder / STORE.name / f"{store}_listings.csv")
    for name, sheets in WORKBOOK_SHEETS.items():
        book = Workbook(write_only=True)
        for sheet in sheets:
            rows = _listings(tables, f"{name}_{sheet}")
            page = book.create_sheet(sheet)
            page.append(rows.columns)
            for row in rows.iter_rows():
                page.append(row)
        book.save(folder / STORE.name / f"{name}_listings.xlsx")
    return counts


def _listings(tables: Path, store: str) -> pl.DataFrame:
    """A store's listings in the twelve columns of its file."""
    paths = sorted(tables.glob(STORE.key(store, "*")))
    rows = pl.concat([pl.read_parquet(path, hive_partitioning=False) for path in paths])
    return rows.with_columns(brand=pl.lit(BRAND), current_quantity=pl.lit(0)).select(HEADER)
