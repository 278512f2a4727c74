"""A small shop behind the page: its mapping, listings and earlier stock, and an Airflow that runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
from playwright.sync_api import expect

from stock_pipeline.lake.locations import date_parts
from stock_pipeline.lake.tables import PRODUCT, STORE, SUPPLIER_STOCK, Table
from tests.support.pages.browser import Site, site
from tests.support.runs.stack import Stack
from tests.support.waiting import SECONDS, until

# A past day, because a run of today waits for files until the deadline.
DAY = datetime.now(ZoneInfo("Europe/London")).date() - timedelta(days=1)
BEFORE = DAY - timedelta(days=1)

expect.set_options(timeout=SECONDS * 1000)


@contextmanager
def shop_of(parts: Mapping[str, Sequence[str]], stack: Stack, folder: Path) -> Iterator[Site]:
    """Open a shop that lists each part once and had 5 of everything the day before.

    Args:
        parts: what each supplier sells.
        stack: the resources behind it, empty.
        folder: for the servers' files.
    """
    _fill(stack, parts)
    with site(stack, folder) as opened:
        for dag_id in ("daily_stock", "approve_feed"):
            until(partial(opened.airflow.knows, dag_id), opened.airflow.import_errors)
        opened.airflow.unpause("daily_stock")
        yield opened


def quantities(stack: Stack) -> dict[str, int]:
    """What the ebay table has of each label."""
    return {label: quantity for quantity, _, label, _ in stack.ebay().values()}


def _fill(stack: Stack, parts: Mapping[str, Sequence[str]]) -> None:
    rows = [
        {"custom_label": f"{supplier}-{part}", "part_number": part, "supplier": supplier}
        for supplier, sold in parts.items()
        for part in sold
    ]
    mapping = pl.DataFrame(rows, schema=PRODUCT.schema)
    stack.put_parquet(PRODUCT.key(), mapping.to_arrow())
    for (supplier,), sold in mapping.with_row_index("item_id", offset=1).group_by("supplier"):
        _put_partition(stack, STORE, ("AMS", str(supplier)), sold)
        snapshot = sold.with_columns(quantity=pl.lit(5), updated_date=pl.lit(BEFORE))
        _put_partition(stack, SUPPLIER_STOCK, (str(supplier), *date_parts(BEFORE)), snapshot)


def _put_partition(stack: Stack, table: Table, values: tuple[str, ...], rows: pl.DataFrame) -> None:
    """Write and register a partition; columns that are not given are null."""
    key = table.key(*values)
    columns = [
        (pl.col(name) if name in rows.columns else pl.lit(None)).cast(kind).alias(name)
        for name, kind in table.schema.items()
    ]
    stack.put_parquet(key, rows.select(columns).to_arrow())
    stack.register(table.name, list(values), key)
