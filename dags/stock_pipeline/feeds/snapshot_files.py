"""The snapshots as they are in the bucket, each with a record of the codes it came from."""

from __future__ import annotations

from datetime import date
from io import BytesIO

import polars as pl

from stock_pipeline.errors import MissingTableError
from stock_pipeline.feeds.comparison import Baseline, content_of, content_since, record_of_codes
from stock_pipeline.feeds.snapshot import Snapshot
from stock_pipeline.lake import locations
from stock_pipeline.lake.catalog import snapshot_dates
from stock_pipeline.lake.lake import Lake
from stock_pipeline.lake.objects import parquet
from stock_pipeline.lake.tables import SUPPLIER_STOCK
from stock_pipeline.run_dates import month_before
from stock_pipeline.suppliers import Supplier

RELEASED_METADATA = "released"
"""Metadata of a snapshot that was released by a person, which lets its changes through the table's audit."""
CONTENT_METADATA = "content"
"""Metadata of a snapshot: what its list said, as `content_of` digests it."""


def write_snapshot(lake: Lake, supplier: str, run_date: date, snapshot: Snapshot, *, released: bool) -> str:
    """Write a snapshot, and before it the codes which later feeds are compared with; returns its key."""
    codes = record_of_codes(snapshot)
    lake.put(locations.stock_feed_codes_key(run_date, supplier), parquet(codes))
    key = SUPPLIER_STOCK.key(supplier, *locations.date_parts(run_date))
    lake.put(
        key,
        parquet(snapshot.table.match_to_schema(SUPPLIER_STOCK.schema)),
        Metadata={CONTENT_METADATA: content_of(codes)} | ({RELEASED_METADATA: "true"} if released else {}),
    )
    return key


def snapshot_metadata(lake: Lake, supplier: str, day: date) -> dict[str, str]:
    """What is noted on a registered snapshot.

    Raises:
        MissingTableError: it is not in the bucket.
    """
    key = SUPPLIER_STOCK.key(supplier, *locations.date_parts(day))
    found = lake.head(key)
    if found is None:
        raise _gone(lake.url(key), day)
    return found["Metadata"]


def read_baseline(lake: Lake, supplier: str, day: date) -> Baseline:
    """What a supplier's accepted feed of a day came to, for later ones to be compared with.

    Raises:
        MissingTableError: the day's snapshot is not in the bucket.
    """
    noted = snapshot_metadata(lake, supplier, day)
    codes = lake.read_or_none(locations.stock_feed_codes_key(day, supplier))
    snapshot = lake.read(SUPPLIER_STOCK.key(supplier, *locations.date_parts(day)))
    return Baseline(
        day,
        table=pl.read_parquet(BytesIO(snapshot), columns=["custom_label", "quantity"]),
        codes=None if codes is None else pl.read_parquet(BytesIO(codes)),
        released=RELEASED_METADATA in noted,
    )


def counts_as_zero(lake: Lake, supplier: Supplier, current: date | None, run_date: date) -> bool:
    """Tell whether a supplier's stock in force has expired and then counts as 0, as the suppliers file asks.

    Args:
        lake: the bucket and the catalog.
        supplier: whose stock it is.
        current: the day of the newest snapshot that counts.
        run_date: the day of the run.
    """
    if supplier.expired != "zero" or current is None:
        return False
    return _said_since(lake, supplier.code, current) < month_before(run_date)


def _said_since(lake: Lake, supplier: str, current: date) -> date:
    """Find since when a supplier's lists say what the current one says: the same again is no news."""
    contents = {}
    for day in snapshot_dates(lake, supplier):
        found = lake.head(SUPPLIER_STOCK.key(supplier, *locations.date_parts(day)))
        if day <= current and found:
            contents[day] = found["Metadata"].get(CONTENT_METADATA, "")
    return content_since(contents[current], current, contents) if contents.get(current) else current


def _gone(location: str, day: date) -> MissingTableError:
    return MissingTableError(
        f"the snapshot of {day} is registered, but {location} is gone: "
        "restore the object's last version, or delete the partition"
    )
