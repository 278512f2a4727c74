"""Fetch what a supplier's feed is compared with from the lake."""

from __future__ import annotations

from datetime import date

import polars as pl

from stock_pipeline.errors import MissingTableError
from stock_pipeline.feeds.comparison import Baseline, Known, Past, drift_day
from stock_pipeline.feeds.mapping import labels_as_parts, read_mapping
from stock_pipeline.feeds.snapshot_files import (
    CONTENT_METADATA,
    RELEASED_METADATA,
    read_baseline,
    snapshot_metadata,
)
from stock_pipeline.lake.catalog import snapshot_dates
from stock_pipeline.lake.lake import Lake
from stock_pipeline.suppliers import Supplier


def what_is_known(lake: Lake, *, supplier: Supplier, run_date: date) -> Known:
    """Fetch what a supplier's feed of a day is compared with, as the daily run does.

    Raises:
        MissingTableError: the product table has no data, or a registered snapshot is not in the bucket.
    """
    baseline, past = _past(lake, supplier, run_date)
    parts = read_mapping(lake, supplier=supplier)
    return Known(parts, baseline, past)


def what_is_known_soon(lake: Lake, *, supplier: Supplier, run_date: date) -> Known:
    """Fetch the same while a person waits.

    The labels of an out list are those of the store table, which take a minute to read. Those of the last
    snapshot stand for them here; without one there are none.

    Raises:
        MissingTableError: as `what_is_known`.
    """
    if not supplier.lists_out_of_stock:
        return what_is_known(lake, supplier=supplier, run_date=run_date)
    baseline, past = _past(lake, supplier, run_date)
    labels = baseline.table if baseline else pl.DataFrame(schema={"custom_label": pl.String})
    return Known(labels_as_parts(labels), baseline, past)


def _past(lake: Lake, supplier: Supplier, run_date: date) -> tuple[Baseline | None, Past]:
    """Fetch the accepted lists up to a day: the last one of an earlier day, and the others."""
    code = supplier.code
    days = sorted(day for day in snapshot_dates(lake, code) if day <= run_date)
    earlier = [day for day in days if day < run_date]
    noted = {day: _noted(lake, code, day) for day in earlier}
    # Of the older lists only those count that are still there; without the last one nothing can be judged.
    earlier = [day for day in earlier if noted[day] is not None or day == earlier[-1]]
    released = max((day for day in earlier if RELEASED_METADATA in (noted[day] or {})), default=None)
    read: dict[date, Baseline] = {}

    def list_of(day: date | None) -> Baseline | None:
        if day is None:
            return None
        if day not in read:
            read[day] = read_baseline(lake, code, day)
        return read[day]

    return list_of(earlier[-1] if earlier else None), Past(
        drift=list_of(drift_day(earlier, run_date, released)),
        same_day=list_of(run_date if run_date in days and _noted(lake, code, run_date) is not None else None),
        before=list_of(earlier[-2] if len(earlier) > 1 else None),
        contents={
            day: entry[CONTENT_METADATA]
            for day, entry in noted.items()
            if entry and CONTENT_METADATA in entry
        },
    )


def _noted(lake: Lake, supplier: str, day: date) -> dict[str, str] | None:
    """Read what is noted on a snapshot; None if it is gone."""
    try:
        return snapshot_metadata(lake, supplier, day)
    except MissingTableError:
        return None
